"""`/calls waiting`: the incoming calls that ring or wait in a queue right now, each with what may be done to it."""

import html
import sqlite3
from collections.abc import Callable
from contextlib import suppress

from msgspec.structs import replace
from slack_bolt.async_app import AsyncApp

from bot import asking, slack_text
from bot.board import Board
from bot.call import Call
from bot.cards import Message, plain
from bot.cards.callers import SCOPE, Caller, Turn, callers_message
from bot.controlling import check_person, controls_of
from bot.errors import NotAllowed
from bot.events import State
from bot.polling import IDLE_SECONDS
from bot.routing import masks, masks_from
from bot.store import calls, channels, lookups
from handlers import Click, Desk, answer, on_actions

OLD_SECONDS = 3 * IDLE_SECONDS
"""An account is asked every 15 seconds at least, and may take 12 to answer: after that the list may be old."""

_KINDS = ("line", "queue")


def register(app: AsyncApp, desk: Desk) -> None:
    """All listeners of this feature but the command, which `call_list` has."""
    on_actions(app, desk, "callers", {"page": (turn, None)})


async def command(desk: Desk, click: Click) -> None:
    """`/calls waiting …`; `click.text` is what follows `waiting`: nothing, or a line or queue."""
    scope = " ".join(html.unescape(slack_text.without_links(click.text)).split())
    kind, _, name = scope.partition(" ")
    scope = f"{kind} {slack_text.unquoted(name)}" if name and kind.casefold() in _KINDS else slack_text.unquoted(scope)
    await answer(desk, click, await desk.board.read(_list, desk.board, click, Turn(scope=scope[:SCOPE])))


async def turn(desk: Desk, click: Click) -> None:
    """*Refresh*, *Next*, *Earlier*: in place of the list that they stand on."""
    found = await desk.board.read(_list, desk.board, click, Turn.of(click.value))
    await answer(desk, click, found, replace=True)


def _list(db: sqlite3.Connection, board: Board, click: Click, where: Turn) -> Message:
    settings, now, user = board.settings, board.now(), click.user
    name, meant = _meant(board, where.scope)
    here = f"@{user}" if click.channel.startswith("D") else click.channel
    places = channels.open_to(db, user, settings.channels)
    everything = settings.role(user) != "rep"
    waiting = []
    for call in calls.open_calls(db):
        if not (_waits(call) and meant(call)):
            continue
        place = calls.place_of(db, call.id)
        if not (everything or call.rep == user or place in places):
            continue
        masked = masks(settings, here) or (call.rep != user and masks_from(settings, place, user))
        contact = lookups.known(db, call.number) if call.number else None
        controls = frozenset(one for one in controls_of(board, call) - {"hang_up"} if _may(board, call, user, one))
        shown = replace(call, line=settings.label(call.line))
        acting = board.acting.get(call.id, "")
        waiting.append(Caller(shown, contact, masked, controls, board.title(call.account), acting))
    nobody = _unknown(board, where.scope) if where.scope and not name else ""
    if nobody and waiting:
        name = waiting[0].call.queue
    waiting.sort(key=lambda caller: caller.call.started_at)
    zone = board.zone_of(db, user)
    return callers_message(
        waiting, where.scope, where.page, now, zone, where=name, nobody=nobody, behind=_behind(board)
    )


def _waits(call: Call) -> bool:
    return call.direction == "in" and call.live and call.state is not State.TALKING


def _may(board: Board, call: Call, user: str, action: str) -> bool:
    with suppress(NotAllowed):
        check_person(board, call, user, action)
        return True
    return False


def _word(scope: str) -> str:
    """A line's or queue's name as typed, without the word before it that says which of the two."""
    kind, _, name = scope.partition(" ")
    return name if name and kind.casefold() in _KINDS else scope


def _meant(board: Board, scope: str) -> tuple[str, Callable[[Call], bool]]:
    """(the line's name, "" = all or no line; whether a call is among those meant)."""
    if not scope:
        return "", lambda call: True
    kind, word = scope.partition(" ")[0].casefold(), _word(scope).casefold()
    lines = asking.lines_named(board, word)
    if word != scope.casefold():  # which of the two was said
        lines = lines if kind == "line" else []
    found = {one.number for one in lines}
    queue = "" if kind == "line" and word != scope.casefold() else word
    name = board.settings.label(lines[0].number) if lines else ""
    return name, lambda call: call.line in found or bool(queue and call.queue.casefold() == queue)


def _unknown(board: Board, scope: str) -> str:
    known = board.settings.line_names
    there = f" (there are {known})" if known else ""
    return (
        f"No call is waiting on “{plain(_word(scope))}”: there is no line of that name{there}, and nobody waits in a "
        "queue of that name."
    )


def _behind(board: Board) -> list[tuple[str, float]]:
    """The accounts of which only asking tells who waits in their queues, and that have not answered of late."""
    asked = [name for name, provider in board.providers.items() if provider.can("queue_callers")]
    return [
        (board.title(name), board.polled.get(name, 0.0))
        for name in asked
        if board.now() - board.polled.get(name, 0.0) > OLD_SECONDS
    ]
