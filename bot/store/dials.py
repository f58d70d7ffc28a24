"""What was dialled so far, for the limits of the policy and against dialling anybody twice."""

import sqlite3

from bot.call import BY_HAND

UNCLEAR_SECONDS = 900
"""So long an unclear call may be one that rings or is talked on."""
MAY_HAVE_RUNG = (
    "(outcome IS NULL OR outcome NOT IN ('refused', 'not_placed', 'rep_no_answer', 'rep_busy', 'rep_rejected',"
    " 'rep_unreachable', 'no_credit'))"
)
"""Of a call, as a condition: the outside party's phone rang, or may have, or may yet."""


def dials_since(db: sqlite3.Connection, since: float, now: float, rep: str = "") -> tuple[int, int]:
    """(count, seconds talked) of the outgoing calls of a rep, or of all reps, that began since then; no messages.

    Those on their way are included, with what they have lasted so far; those that a rep recorded by hand are not.
    """
    whose, values = ("rep = ? AND rep <> ''", (rep,)) if rep else ("rep <> ''", ())
    row = db.execute(
        "SELECT count(*), coalesce(sum(CASE WHEN state = 'ended' THEN talk_seconds WHEN answered_at > 0"
        f" THEN max(? - answered_at, 0) ELSE 0 END), 0) FROM calls WHERE {whose} AND started_at >= ?"
        " AND direction = 'out' AND purpose <> 'message' AND account <> ?"
        " AND (outcome IS NULL OR outcome NOT IN ('refused', 'not_placed'))",
        (now, *values, since, BY_HAND),
    ).fetchone()
    return int(row[0]), int(row[1])


def under_way(db: sqlite3.Connection, rep: str, now: float) -> int:
    """How many calls that a rep placed in the last four hours are not over, as far as anybody told; no messages."""
    row = db.execute(
        "SELECT count(*) FROM calls WHERE rep = ? AND rep <> '' AND started_at >= ? AND direction = 'out'"
        " AND purpose <> 'message' AND state NOT IN ('ended', 'unclear')",
        (rep, now - 4 * 3600),
    ).fetchone()
    return int(row[0])


def messages_since(db: sqlite3.Connection, since: float, by: str) -> int:
    """How many voice messages of somebody were sent since then, those on their way included."""
    row = db.execute(
        "SELECT count(*) FROM calls WHERE rep = ? AND rep <> '' AND started_at >= ? AND purpose = 'message'"
        " AND (outcome IS NULL OR outcome NOT IN ('refused', 'not_placed'))",
        (by, since),
    ).fetchone()
    return int(row[0])


def unfinished_dial(db: sqlite3.Connection, rep: str, number: str, since: float) -> bool:
    """Whether the rep already has a call under way to the number."""
    row = db.execute(
        "SELECT 1 FROM calls WHERE number = ? AND started_at >= ? AND rep = ? AND direction = 'out'"
        " AND state <> 'ended' LIMIT 1",
        (number, since, rep),
    ).fetchone()
    return row is not None


def dialled_just_now(db: sqlite3.Connection, rep: str, number: str, since: float) -> bool:
    """Whether the rep asked for this number since then and the provider did not refuse it."""
    row = db.execute(
        "SELECT 1 FROM calls WHERE number = ? AND started_at >= ? AND rep = ? AND direction = 'out'"
        " AND (outcome IS NULL OR outcome NOT IN ('refused', 'not_placed')) LIMIT 1",
        (number, since, rep),
    ).fetchone()
    return row is not None


def on_a_call(db: sqlite3.Connection, number: str, now: float) -> bool:
    """Whether somebody calls that number, talks to it or is called by it, as far as anybody told of late."""
    row = db.execute(
        "SELECT 1 FROM calls WHERE number = ? AND started_at >= ? AND state <> 'ended'"
        " AND (state <> 'unclear' OR started_at >= ?) LIMIT 1",
        (number, now - 4 * 3600, now - UNCLEAR_SECONDS),
    ).fetchone()
    return row is not None


def attempts_since(db: sqlite3.Connection, number: str, since: float) -> int:
    """How many voice messages and calls from lists may have made that phone ring since then, those on their way
    included."""
    row = db.execute(
        "SELECT count(*) FROM calls WHERE number = ? AND started_at >= ? AND (purpose = 'message'"
        " OR EXISTS (SELECT 1 FROM calling_list_calls WHERE call_id = calls.id))"
        f" AND {MAY_HAVE_RUNG}",
        (number, since),
    ).fetchone()
    return int(row[0])
