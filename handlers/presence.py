"""`/phone status …`: sign in, take a break, sign out; for services that keep such a status of people."""

from slack_bolt.async_app import AsyncApp

from bot import presence
from bot.cards import safe
from bot.cards.presence import presence_message
from bot.provider import Provider
from bot.store import presence as store
from handlers import Click, Desk, answer, on_actions, tell


def register(app: AsyncApp, desk: Desk) -> None:
    """All listeners of this feature; the command is part of `/phone`."""
    on_actions(app, desk, "presence", {"set": (chosen, None)})


async def command(desk: Desk, click: Click, text: str) -> None:
    """What follows `/phone status`: nothing, a status, or "as" and who one is there."""
    words, _, account = f" {text} ".partition(" via ")
    provider = await presence.service(desk.board, click.user, account.strip().casefold())
    first, _, agent = words.strip().partition(" ")
    if first.casefold() == "as":
        await presence.know(desk.board, click.user, provider, agent.strip())
        await _show(desk, click, provider)
    elif first:
        await _put(desk, click, provider, words)
    else:
        await _show(desk, click, provider)


async def chosen(desk: Desk, click: Click) -> None:
    """A status chosen from the menu: "account key"."""
    account, _, status = click.value.partition(" ")
    await _put(desk, click, await presence.service(desk.board, click.user, account), status)


async def _put(desk: Desk, click: Click, provider: Provider, words: str) -> None:
    name = await presence.put(desk.board, click.user, provider, words)
    await tell(desk, click, f"{provider.title} shows you as “{safe(name)}” now.")


async def _show(desk: Desk, click: Click, provider: Provider) -> None:
    board = desk.board
    known = await board.read(store.presence, click.user, provider.account)
    zone = await board.read(board.zone_of, click.user)
    shown = presence_message(
        provider.title,
        provider.account,
        provider.presence,
        status=known.status,
        at=known.at,
        known=bool(known.agent),
        command=board.settings.commands["phone"],
        now=board.now(),
        zone=zone,
    )
    await answer(desk, click, shown)
