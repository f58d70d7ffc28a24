"""Rows for digests and today's numbers."""

import sqlite3
from collections.abc import Iterable, Iterator

import msgspec

from bot.digest import Counts, Row
from bot.events import MISSED_OUTCOMES, Outcome

SAYS_UNREPORTED = "CAST(body AS TEXT) GLOB '*unreported\":*'"
"""Of a call that was not answered: nobody is told of it. In a text the quotation mark would be escaped. To have SQLite
read each body as JSON takes longer than all else, and so does a search that begins with a mark that each body is full
of."""
_MISSED = ", ".join(f"'{outcome}'" for outcome in sorted(MISSED_OUTCOMES))
_UNREPORTED = f"CASE WHEN direction = 'in' AND outcome IN ({_MISSED}) THEN {SAYS_UNREPORTED} END"
"""Of a call: nobody answered it, and nobody is told. Only of those few the body is looked through for it; behind an AND
it would be of all, for SQLite reckons both sides of one that is selected.
"""
_ROW = (
    "id, direction, outcome, rep, CASE WHEN rep = '' THEN body END, number, line, started_at, answered_at, ended_at,"
    f" talk_seconds, {_UNREPORTED}"
)


class _Named(msgspec.Struct):
    """What only the body of a call says."""

    person: str = ""


_read_person = msgspec.json.Decoder(_Named)  # SQLite's own reading of JSON takes ten times as long
_OUTCOMES: dict[str | None, Outcome | None] = {None: None, "": None, **{str(outcome): outcome for outcome in Outcome}}
LONGEST_WAIT_SECONDS = 86400.0
"""No call rings, or waits in a queue, for so long before somebody answers it."""


def rows(db: sqlite3.Connection, start: float, end: float) -> Iterator[Row]:
    """Calls that began in `start <= moment < end`. Calls that never rang anywhere are no calls and left out.

    One after the other: all of a busy office's week would be a hundred megabytes.
    """
    return _rows(
        db.execute(
            f"SELECT {_ROW} FROM calls WHERE started_at >= ? AND started_at < ?"
            " AND (outcome IS NULL OR outcome NOT IN ('refused', 'not_placed')) AND purpose <> 'message'",
            (start, end),
        )
    )


def places(db: sqlite3.Connection, start: float, end: float) -> list[tuple[str, str]]:
    """(number, place) of the incoming calls that began in `start <= moment < end`, each once."""
    found = db.execute(
        "SELECT DISTINCT number, place FROM calls WHERE started_at >= ? AND started_at < ? AND direction = 'in'",
        (start, end),
    )
    return [(row[0], row[1]) for row in found]


def counts(db: sqlite3.Connection, start: float, end: float) -> Counts:
    """How many calls began in `start <= moment < end`, as `rows()` tells them."""
    both, incoming, answered, missed = db.execute(
        "SELECT count(*), count(CASE WHEN direction = 'in' THEN 1 END),"
        " count(CASE WHEN direction = 'in' AND outcome = 'answered' THEN 1 END),"
        f" count(CASE WHEN direction = 'in' AND outcome IN ({_MISSED}) AND NOT {SAYS_UNREPORTED} THEN 1 END) FROM calls"
        " WHERE started_at >= ? AND started_at < ?"
        " AND (outcome IS NULL OR outcome NOT IN ('refused', 'not_placed')) AND purpose <> 'message'",
        (start, end),
    ).fetchone()
    return Counts(incoming=incoming, outgoing=both - incoming, answered_in=answered, missed=missed)


def returns(db: sqlite3.Connection, numbers: Iterable[str], start: float, as_of: float) -> Iterator[Row]:
    """Conversations from `start` to `as_of` with these numbers."""
    found = db.execute(
        f"SELECT {_ROW} FROM calls AS later WHERE outcome = 'answered'"
        " AND purpose <> 'message'"
        " AND number IN (SELECT value FROM json_each(?))"
        # Else all that was ever talked with these numbers would be read.
        " AND started_at BETWEEN ? AND ?"
        # Where a rep's word is all there is, nothing says when they began to talk.
        " AND (answered_at BETWEEN ? AND ? OR (answered_at = 0 AND started_at >= ?))",
        (msgspec.json.encode(sorted(numbers)).decode(), start - LONGEST_WAIT_SECONDS, as_of, start, as_of, start),
    )
    return _rows(found)


def today(db: sqlite3.Connection, rep: str, since: float) -> dict[str, int]:
    """A rep's numbers since then: made, connected, talk_seconds."""
    row = db.execute(
        "SELECT count(*), coalesce(sum(outcome = 'answered'), 0), coalesce(sum(talk_seconds), 0) FROM calls"
        " WHERE rep = ? AND rep <> '' AND started_at >= ? AND direction = 'out'"
        " AND (outcome IS NULL OR outcome NOT IN ('refused', 'not_placed')) AND purpose <> 'message'",
        (rep, since),
    ).fetchone()
    return {"made": row[0], "connected": row[1], "talk_seconds": row[2]}


def _rows(found: sqlite3.Cursor) -> Iterator[Row]:
    found.row_factory = None  # plain tuples: made in half the time
    for call_id, direction, outcome, rep, body, number, line, started, answered, ended, talked, unreported in found:
        person = _read_person.decode(body).person if body else ""
        how = _OUTCOMES[outcome]
        yield Row(call_id, direction, how, rep, person, number, line, started, answered, ended, talked, unreported == 1)
