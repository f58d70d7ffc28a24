"""Shortcuts that begin a call: from anywhere, and from a message with a number in it."""

import asyncio

from slack_bolt.async_app import AsyncApp

from bot import numbers, slack_text
from bot.errors import NotFound
from handlers import Click, Desk, on_shortcut
from handlers.calls import open_call_modal


def register(app: AsyncApp, desk: Desk) -> None:
    """All listeners of this feature."""
    on_shortcut(app, desk, "start_call", start_call)
    on_shortcut(app, desk, "call_number", call_number)


async def start_call(desk: Desk, click: Click) -> None:
    """*Start a call*."""
    await open_call_modal(desk, click)


async def call_number(desk: Desk, click: Click) -> None:
    """*Call number in message*: the form with the first one; nothing is dialled before it is submitted."""
    text = slack_text.without_links(click.text)
    found = await asyncio.to_thread(numbers.found_in, text, desk.board.settings.region)  # a long one takes a second
    if not found:
        raise NotFound("There is no phone number in that message, so nobody can be called from it.")
    number, extension = found[0]
    behind = f" ext {extension}" if extension else ""
    await open_call_modal(desk, click, {"who": f"{numbers.pretty(number)}{behind}"})
