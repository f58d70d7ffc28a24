"""Rows for digests and today's numbers."""

import sqlite3
from collections.abc import Iterator

import msgspec

from bot.digest import Counts, Row
from bot.events import MISSED_OUTCOMES, Outcome

SAYS_UNREPORTED = "CAST(body AS TEXT) GLOB '*unreported\":*'"
"""Of a call that was not answered: nobody is told of it. In a text the quotation mark would be escaped. To have SQLite
read each body as JSON takes longer than all else, and so does a search that begins with a mark that each body is full
of."""
_MISSED = ", ".join(f"'{outcome}'" for outcome in sorted(MISSED_OUTCOMES))
_UNREPORTED = f"(direction = 'in' AND outcome IN ({_MISSED}) AND {SAYS_UNREPORTED})"
"""Of a call: nobody answered it, and nobody is told. Only of those few the body is looked through for it."""
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
    incoming, outgoing, answered, missed = db.execute(
        "SELECT total(direction = 'in'), total(direction = 'out'), total(direction = 'in' AND outcome = 'answered'),"
        f" total(direction = 'in' AND outcome IN ({_MISSED}) AND NOT {SAYS_UNREPORTED}) FROM calls"
        " WHERE started_at >= ? AND started_at < ?"
        " AND (outcome IS NULL OR outcome NOT IN ('refused', 'not_placed')) AND purpose <> 'message'",
        (start, end),
    ).fetchone()
    return Counts(incoming=int(incoming), outgoing=int(outgoing), answered_in=int(answered), missed=int(missed))


def returns(db: sqlite3.Connection, start: float, end: float, as_of: float) -> list[Row]:
    """Conversations from `start` to `as_of` with numbers whose calls between `start` and `end` were not answered."""
    found = db.execute(
        f"SELECT {_ROW} FROM calls AS later WHERE outcome = 'answered'"
        " AND purpose <> 'message'"
        " AND number IN (SELECT number FROM calls WHERE started_at >= ?"
        " AND started_at < ? AND direction = 'in' AND outcome <> 'answered')"
        # Else all that was ever talked with these numbers would be read.
        " AND started_at BETWEEN ? AND ?"
        # Where a rep's word is all there is, nothing says when they began to talk.
        " AND (answered_at BETWEEN ? AND ? OR (answered_at = 0 AND started_at >= ?))",
        (start, end, start - LONGEST_WAIT_SECONDS, as_of, start, as_of, start),
    )
    return list(_rows(found))


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
        at = (started, answered, ended)
        yield Row(
            call_id, direction, _OUTCOMES[outcome], rep, person, number, line, *at, talked, unreported=bool(unreported)
        )
