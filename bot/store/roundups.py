"""Roundups: the card is made by the first call that it tells of, and due when its period is over.

Its row is the whole ledger: one for each period and channel, whatever happens meanwhile.
"""

import sqlite3

import msgspec

from bot.call import Call
from bot.roundups import Roundup
from bot.store import cards

CARD = "roundup"
"""Kind of the card; its body is the `Roundup`."""
SETTLE_SECONDS = 20
"""So long the records of the last calls of a period are awaited, and whose those are, as `calls.HOLD_SECONDS`; what
comes later is put in by an edit."""
LONGEST_SECONDS = 24 * 3600
"""So long before a period those calls may have begun that ended in it: no order may ask for longer ones."""
NEWS_SECONDS = 24 * 3600
"""A period that was over longer ago is no news: what is told of it then brings no new message, but may change one."""
_read_call = msgspec.json.Decoder(Call)
_write = msgspec.json.Encoder().encode


def tell(db: sqlite3.Connection, roundup: Roundup, now: float, *, late: bool) -> None:
    """A call of its has ended, or is told anew. `late`: as in `calls.ingest`."""
    if late and roundup.due_at < now - NEWS_SECONDS:
        cards.touch(db, roundup.subject, CARD)
    else:
        due_at = max(roundup.due_at, now) + SETTLE_SECONDS
        cards.mark(db, CARD, roundup.subject, roundup.place, due_at, _write(roundup))


def take_back(db: sqlite3.Connection, roundup: Roundup) -> None:
    """A call is none of its any more."""
    cards.touch(db, roundup.subject, CARD)


def calls_of(db: sqlite3.Connection, start: float, end: float, place: str) -> list[Call]:
    """Ended calls of a place that may have ended in `start <= moment < end`, and have no message of their own there."""
    rows = db.execute(
        "SELECT body FROM calls WHERE started_at >= ? AND started_at < ? AND place = ? AND state = 'ended'"
        " AND max(started_at, answered_at, ended_at) >= ?"
        " AND NOT EXISTS (SELECT 1 FROM cards WHERE subject = calls.id AND kind IN ('incoming', 'cdr')"
        " AND cards.place = calls.place AND (ts <> '' OR posting_at > 0))",
        (start - LONGEST_SECONDS, end, place, start),
    )
    return [_read_call.decode(row[0]) for row in rows]


def waiting(db: sqlite3.Connection, call_id: str) -> str:
    """The missed caller who waits because of a call, "" = nobody does."""
    row = db.execute(
        "SELECT missed.id FROM missed_calls JOIN missed ON missed.id = missed_id WHERE call_id = ? AND closed_at = 0",
        (call_id,),
    ).fetchone()
    return str(row[0]) if row else ""
