"""What is changed at a phone service beside its calls: a campaign is started, a message stored. Each is asked once, and
in the audit log with what became of it; of what a crash cuts off whoever asked for it is told.
"""

import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

import msgspec

from bot.board import Board
from bot.errors import Ambiguous, CallboardError
from bot.intents import CHANGE
from bot.store import calls, ledger

LOST = "Callboard was restarted before the answer came"
T = TypeVar("T")


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One change.

    Attributes:
        by: Slack user id.  what, subject, detail: of the audit log.
        doing: for whoever asked for it: "start the campaign Spring sale".  look: what shows how it is now.
    """

    by: str
    what: str
    subject: str
    detail: str
    doing: str
    look: str


async def make(board: Board, change: Change, order: Awaitable[T], told: Callable[[T], str] = lambda answer: "") -> T:
    """What the service answers to the order; `told`: what of that goes into the audit log.

    Raises:
        CallboardError: what the service answered.
    """
    key = f"{CHANGE}:{calls.new_id(board.now())}"

    def begin(db: sqlite3.Connection) -> None:
        ledger.write_intent(db, key, change.by, CHANGE, msgspec.json.encode(change), board.now())
        ledger.send_intent(db, key)

    with suppress(sqlite3.Error):  # a campaign must be stopped also where the disk is full
        await board.write(begin)
    try:
        answer = await order
    except CallboardError as error:
        fate = "unclear" if isinstance(error, Ambiguous) else "not done"
        await board.record(_end, board.now(), key, change, f"{fate}: {error}")
        raise
    except Exception:  # a bug of ours, which is told as one
        await board.record(_end, board.now(), key, change, "unclear")
        raise
    await board.record(_end, board.now(), key, change, told(answer))
    return answer


async def recover(board: Board) -> None:
    """At start: what a crash cut the answer off is told, and never asked again by itself."""
    for intent in await board.read(ledger.open_intents):
        if intent.kind != CHANGE:
            continue
        change = msgspec.json.decode(intent.body, type=Change)
        await board.tell(
            change.by,
            f"{LOST} when you asked to {change.doing}, so it may or may not have been done; it is not done a second "
            f"time. Look with {change.look} before you do it again.",
            f"intent:{intent.key}",
        )
        await board.write(_end, board.now(), intent.key, change, f"unclear: {LOST}")


def _end(db: sqlite3.Connection, now: float, key: str, change: Change, fate: str) -> None:
    ledger.audit(db, now, change.by, change.what, change.subject, f"{change.detail} {fate}".strip())
    ledger.finish_intent(db, key)
