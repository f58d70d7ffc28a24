"""Rows for digests and today's numbers."""

import sqlite3

from bot.digest import Counts, Row
from bot.events import MISSED_OUTCOMES, Outcome

_MISSED = ", ".join(f"'{outcome}'" for outcome in sorted(MISSED_OUTCOMES))
_UNREPORTED = f"CASE WHEN direction = 'in' AND outcome IN ({_MISSED}) THEN body ->> 'unreported' IS NOT NULL ELSE 0 END"
"""Of a call: nobody answered it, and nobody is told. Only of those few the body is read for it."""
_ROW = (
    "id, direction, outcome, rep, number, line, started_at, answered_at, ended_at, talk_seconds, ring_seconds,"
    f" body ->> 'person' AS person, {_UNREPORTED} AS unreported"
)


def rows(db: sqlite3.Connection, start: float, end: float) -> list[Row]:
    """Calls that began in `start <= moment < end`. Calls that never rang anywhere are no calls and left out."""
    found = db.execute(
        f"SELECT {_ROW} FROM calls WHERE started_at >= ? AND started_at < ?"
        " AND (outcome IS NULL OR outcome NOT IN ('refused', 'not_placed')) AND purpose <> 'message'",
        (start, end),
    )
    return [_row(row) for row in found]


def places(db: sqlite3.Connection, start: float, end: float) -> list[tuple[str, str]]:
    """(number, place) of the incoming calls that began in `start <= moment < end`, each once."""
    found = db.execute(
        "SELECT DISTINCT number, place FROM calls WHERE started_at >= ? AND started_at < ? AND direction = 'in'",
        (start, end),
    )
    return [(row[0], row[1]) for row in found]


def counts(db: sqlite3.Connection, start: float, end: float) -> Counts:
    """How many calls began in `start <= moment < end`, as `rows()` tells them."""
    found = db.execute(
        f"SELECT direction, outcome, count(*), sum({_UNREPORTED}) FROM calls WHERE started_at >= ? AND started_at < ?"
        " AND (outcome IS NULL OR outcome NOT IN ('refused', 'not_placed')) AND purpose <> 'message'"
        " GROUP BY direction, outcome",
        (start, end),
    ).fetchall()
    incoming = {row[1]: row[2] for row in found if row[0] == "in"}
    return Counts(
        incoming=sum(incoming.values()),
        outgoing=sum(row[2] for row in found if row[0] == "out"),
        answered_in=incoming.get(Outcome.ANSWERED, 0),
        missed=sum(incoming.get(outcome, 0) for outcome in MISSED_OUTCOMES) - sum(row[3] for row in found),
    )


def returns(db: sqlite3.Connection, start: float, end: float, as_of: float) -> list[Row]:
    """Conversations from `start` to `as_of` with numbers whose calls between `start` and `end` were not answered."""
    found = db.execute(
        f"SELECT {_ROW} FROM calls AS later WHERE outcome = 'answered'"
        " AND purpose <> 'message'"
        " AND number IN (SELECT number FROM calls WHERE started_at >= ?"
        " AND started_at < ? AND direction = 'in' AND outcome <> 'answered')"
        # Where a rep's word is all there is, nothing says when they began to talk.
        " AND (answered_at BETWEEN ? AND ? OR (answered_at = 0 AND started_at BETWEEN ? AND ?))",
        (start, end, start, as_of, start, as_of),
    )
    return [_row(row) for row in found]


def today(db: sqlite3.Connection, rep: str, since: float) -> dict[str, int]:
    """A rep's numbers since then: made, connected, talk_seconds."""
    row = db.execute(
        "SELECT count(*), coalesce(sum(outcome = 'answered'), 0), coalesce(sum(talk_seconds), 0) FROM calls"
        " WHERE rep = ? AND rep <> '' AND started_at >= ? AND direction = 'out'"
        " AND (outcome IS NULL OR outcome NOT IN ('refused', 'not_placed')) AND purpose <> 'message'",
        (rep, since),
    ).fetchone()
    return {"made": row[0], "connected": row[1], "talk_seconds": row[2]}


def _row(row: sqlite3.Row) -> Row:
    return Row(
        id=row["id"],
        direction=row["direction"],
        outcome=Outcome(row["outcome"]) if row["outcome"] else None,
        rep=row["rep"],
        person=row["person"] or "",
        number=row["number"],
        line=row["line"],
        started_at=row["started_at"],
        answered_at=row["answered_at"],
        ended_at=row["ended_at"],
        talk_seconds=row["talk_seconds"],
        ring_seconds=row["ring_seconds"],
        unreported=bool(row["unreported"]),
    )
