"""`/calls`: the calls that are running, with their controls; `/calls log` is in `call_log`, `waiting` in `callers`."""

import sqlite3

import msgspec
from slack_bolt.async_app import AsyncApp

from bot.board import Board
from bot.cards import Message
from bot.cards.help import help_message
from bot.cards.live_calls import list_message
from bot.controlling import controls_of
from bot.errors import BadInput, NotAllowed
from bot.store import calls, lookups, people
from handlers import Click, Desk, answer, call_log, callers, on_command


def register(app: AsyncApp, desk: Desk) -> None:
    """All listeners of this feature."""
    on_command(app, desk, "calls", command)


async def command(desk: Desk, click: Click) -> None:
    """My calls, or with `team` everybody's; or the call log."""
    word, _, rest = click.text.strip().partition(" ")
    if word.casefold() == "log":
        await call_log.command(desk, msgspec.structs.replace(click, text=rest))
        return
    if word.casefold() == "waiting":
        await callers.command(desk, msgspec.structs.replace(click, text=rest))
        return
    what = click.text.strip().casefold()
    name = desk.board.settings.commands["calls"]
    if what == "help":
        await answer(desk, click, help_message("calls", desk.board.settings.commands))
        return
    if what not in ("", "team"):
        raise BadInput(
            f"I do not know “{what}”. Type `{name}`, `{name} team`, `{name} waiting`, `{name} log` or `{name} help`."
        )
    if what == "team" and desk.board.settings.role(click.user) == "rep":
        raise NotAllowed(f"Everybody's calls are shown to managers only. Type `{name}` for your own.")
    await answer(desk, click, await desk.board.read(_list, desk.board, click.user, what == "team"))


def _list(db: sqlite3.Connection, board: Board, user: str, team: bool) -> Message:
    person = people.person(db, user)
    return list_message(
        [call for call in calls.open_calls(db) if call.purpose != "message" and (team or call.rep == user)],
        board.now(),
        person.zone or board.settings.zone,
        lambda call: controls_of(board, call),
        lambda number: getattr(lookups.known(db, number), "name", "") if number else "",
        team=team,
    )
