"""Roundups: the card is made by the first call that it tells of, and due when its period is over.

Its row is the whole ledger: one for each period and channel, whatever happens meanwhile.
"""

import sqlite3
from collections.abc import Callable

import msgspec

from bot.call import Call
from bot.events import State
from bot.roundups import KINDS, Roundup, ended_at, subject
from bot.store import cards
from bot.store.cards import Card

CARD = "roundup"
"""Kind of the card; its body is the `Roundup`."""
SETTLE_SECONDS = 20
"""So long the records of the last calls of a period are awaited, and whose those are, as `calls.HOLD_SECONDS`; what
comes later is put in by an edit."""
LONGEST_SECONDS = 24 * 3600
"""So long before a period those calls may have begun that ended in it: no order may ask for longer ones."""
NEWS_SECONDS = 24 * 3600
"""A period that was over longer ago is no news: what is told of it then brings no new message, but may change one."""
_LONGEST_PERIOD_SECONDS = 2 * 24 * 3600
_TOLD_BY = ("ended_at", "line", "direction")
"""What says which roundup tells of a call."""
_read_call = msgspec.json.Decoder(Call)
_read = msgspec.json.Decoder(Roundup)
_write = msgspec.json.Encoder().encode


class _Row(msgspec.Struct, frozen=True):
    """`shown`: Slack shows it, or may.  `waits_until`: when it is due to be shown (again), 0 = it does not wait."""

    roundup: Roundup
    shown: bool
    waits_until: float


def follow(
    db: sqlite3.Connection,
    call: Call,
    before: sqlite3.Row | None,
    place: str,
    roundup: Roundup | None,
    which: Callable[[Call, str, float], Roundup | None],
    now: float,
    *,
    late: bool,
) -> None:
    """Put a call that is over into what tells of it by now, and take it out of what told of it.

    Args:
        before: its row as it was, None = it is new.  roundup: what tells of it, `which()` of those of this place.
        late: as in `calls.ingest()`.
    """
    news = before is None or not before["ended_at"]
    if roundup is not None and call.state is State.ENDED:
        tell(db, roundup, call, now, late=late or not news)
    elif call.state is State.ENDED and news and ended_at(call) < now - SETTLE_SECONDS:
        put_in(db, place, call)  # one that other settings have made may be shown by now
    if before is not None and not news and any(before[name] != getattr(call, name) for name in _TOLD_BY):
        was = {name: before[name] for name in _TOLD_BY}
        told = which(msgspec.structs.replace(call, state=State.ENDED, **was), before["place"], now)
        if told is not None and (roundup is None or told.subject != roundup.subject):
            look_again(db, before["place"], before["ended_at"])


def tell(db: sqlite3.Connection, roundup: Roundup, call: Call, now: float, *, late: bool) -> None:
    """A call of its has ended, or is told anew. `late`: as in `calls.ingest`, or that was known before."""
    told_in = here = False
    due_at = max(roundup.due_at, now) + SETTLE_SECONDS
    for row in _about(db, roundup.place, ended_at(call), ended_at(call) + 1):
        other = row.roundup
        if other.subject == roundup.subject:
            roundup, here = other.joined(roundup), row.shown or row.waits_until > 0
            if row.waits_until and now > roundup.due_at:  # else it would never come where ever more is told
                due_at = min(due_at, row.waits_until)
        else:  # made by other settings, or for other lines
            cards.touch(db, other.subject, CARD)
            told_in = told_in or (row.shown and other.tells_of(call, roundup.line_of(call)))
    if told_in or (late and roundup.due_at < now - NEWS_SECONDS):
        if here:  # else nobody was told, or that was forgotten
            cards.touch(db, roundup.subject, CARD)
    else:
        cards.mark(db, CARD, roundup.subject, roundup.place, due_at, _write(roundup))


def not_before(card: Card) -> float:
    """When one is posted at the earliest, whatever its row says since the clock was set back."""
    return _read.decode(card.body or b"").due_at


def look_again(db: sqlite3.Connection, place: str, at: float) -> None:
    """A call that ended `at`, or was taken to, is told of there no more."""
    for row in _about(db, place, at, at + 1):
        cards.touch(db, row.roundup.subject, CARD)


def put_in(db: sqlite3.Connection, place: str, call: Call) -> None:
    """A call has ended. One that stands there, or is about to, tells of it if its line is one of those it is for."""
    for row in _about(db, place, ended_at(call), ended_at(call) + 1):
        here = row.shown or row.waits_until > 0
        if here and (row.roundup.tells_of(call, call.line) or row.roundup.tells_of(call, "")):
            cards.touch(db, row.roundup.subject, CARD)


def has_told(db: sqlite3.Connection, place: str, call: Call, line: str) -> bool:
    """Whether one that stands there tells of an ended call, by whatever settings. `line`: as in `Roundup.tells_of`."""
    about = _about(db, place, ended_at(call), ended_at(call) + 1)
    return any(row.shown and row.roundup.tells_of(call, line) for row in about)


def told_elsewhere(db: sqlite3.Connection, roundup: Roundup) -> list[Roundup]:
    """Those of its place that are due before it, and share some of its time: what they tell of is theirs.

    There are some once the settings have changed.
    """
    found = [row.roundup for row in _about(db, roundup.place, roundup.start, roundup.end)]
    return [other for other in found if (other.due_at, other.subject) < (roundup.due_at, roundup.subject)]


def _about(db: sqlite3.Connection, place: str, start: float, end: float) -> list[_Row]:
    """Those of a place that tell of some moment of `start <= moment < end`."""
    found = []
    for kind in KINDS:
        first, last = subject(kind, place, start - _LONGEST_PERIOD_SECONDS), subject(kind, place, end)
        rows = db.execute(
            "SELECT body, ts <> '' OR posting_at > 0, iif(dirty, due_at, 0) FROM cards"
            " WHERE subject > ? AND subject < ? AND kind = ? AND place = ?",
            (first, last, CARD, place),
        )
        found += [_Row(_read.decode(body), bool(shown), waits_until) for body, shown, waits_until in rows]
    return [row for row in found if row.roundup.start < end and start < row.roundup.end]


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
