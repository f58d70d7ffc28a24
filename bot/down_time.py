"""How long Callboard was not running, and what is not done late by itself because of it.

A voice message that was to be sent in the morning is of no use in the evening: somebody has to say that it is.
"""

import sqlite3
from contextlib import suppress

from bot.board import Board, notice
from bot.cards.times import at_clock
from bot.messaging import so_many
from bot.store import cards, ledger, messages
from bot.store.messages import Batch

EVERY_SECONDS = 60.0
"""So often it is written down that Callboard runs."""
LATE_SECONDS = 1800.0
"""After a shorter time everything goes on by itself: a restart, say with a new version."""
_FACT = "running"


async def note(board: Board) -> None:
    """Callboard runs. Called every `EVERY_SECONDS`."""
    with suppress(sqlite3.Error):  # whoever looks after the disk says that
        await board.write(ledger.remember, _FACT, "", board.now())


async def hold(board: Board) -> None:
    """At start, before anything is sent: after long down time voice messages that were due in it wait, paused, until
    somebody resumes them.
    """
    known, now = await board.read(ledger.recall, _FACT), board.now()
    if known is not None and now - known[1] >= LATE_SECONDS:
        for batch, count, first in await board.read(messages.waiting):
            if batch.state == "running" and first.due_at <= now:
                await board.write(_hold, board, batch, count, known[1], now)
    await note(board)


def _hold(db: sqlite3.Connection, board: Board, batch: Batch, count: int, since: float, now: float) -> None:
    if not messages.move(db, batch.id, "running", "paused"):
        return
    zone = board.zone_of(db, batch.by)
    told = (
        f"Callboard was not running from {at_clock(since, now, zone).removeprefix('at ')} until now, so your voice "
        f"message to {so_many(count)} was not sent when it was due, and is not sent late by itself. Its card has "
        "*Resume*, which sends it now, and *Stop*."
    )
    cards.mark(db, "notice", f"held:{batch.id}:{now}", f"@{batch.by}", now, notice(told))
    ledger.audit(db, now, "", "pause voice messages", f"{count} unsent", f"{batch.account} {batch.id} after down time")
