"""How long Callboard was not running, and what is not done late by itself because of it.

A voice message that was to be sent in the morning, or a list of calls that was half added to a campaign, may be of no
use in the evening: somebody has to say that it is.
"""

import sqlite3
from contextlib import suppress

from bot.board import Board, notice
from bot.cards import plain
from bot.cards.times import at_clock
from bot.messaging import so_many
from bot.store import campaigns, cards, ledger, messages
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
    """At start, before anything goes on: after long down time voice messages that were due in it, and lists of calls
    that were being added, wait, paused, until somebody says that they are of use yet.
    """
    known, now = await board.read(ledger.recall, _FACT), board.now()
    if known is not None and now - known[1] >= LATE_SECONDS:
        for batch, count, first in await board.read(messages.waiting):
            if batch.state == "running" and first.due_at <= now:
                await board.write(_hold, board, batch, count, known[1], now)
        for one in await board.read(campaigns.unfinished):
            if one.state == "adding" and one.source:  # one by hand is looked for, and its fate told
                await board.write(_hold_list, board, one, known[1], now)
    await note(board)


def _hold(db: sqlite3.Connection, board: Board, batch: Batch, count: int, since: float, now: float) -> None:
    if not messages.move(db, batch.id, "running", "paused"):
        return
    told = (
        f"{_away(db, board, batch.by, since, now)}, so your voice message to {so_many(count)} was not sent when it was "
        "due, and is not sent late by itself. Its card has *Resume*, which sends it now, and *Stop*."
    )
    cards.mark(db, "notice", f"held:{batch.id}:{now}", f"@{batch.by}", now, notice(told))
    ledger.audit(db, now, "", "pause voice messages", f"{count} unsent", f"{batch.account} {batch.id} after down time")


def _hold_list(db: sqlite3.Connection, board: Board, batch: campaigns.Batch, since: float, now: float) -> None:
    away = _away(db, board, batch.by, since, now)
    if not campaigns.move(db, batch.id, ("adding",), "paused", now, words=f"{away}."):
        return
    told = (
        f"{away}, so the rest of your calls for {plain(batch.name)}, from {plain(batch.source)}, was not added, and is "
        "not added late by itself. Their card has *Go on* and *Discard*."
    )
    cards.mark(db, "notice", f"held:{batch.id}:{now}", f"@{batch.by}", now, notice(told))
    detail = f"{batch.account}: {batch.name} {batch.source} after down time"
    ledger.audit(db, now, "", "pause campaign calls", batch.name, detail)


def _away(db: sqlite3.Connection, board: Board, user: str, since: float, now: float) -> str:
    first = at_clock(since, now, board.zone_of(db, user)).removeprefix("at ")
    return f"Callboard was not running from {first} until now"
