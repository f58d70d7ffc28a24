"""What was dialled so far, for the limits of the policy and against dialling anybody twice."""

import sqlite3

import msgspec

from bot.call import BY_HAND, Call
from bot.events import THIRD

UNCLEAR_SECONDS = 900
"""So long an unclear call may be one that rings or is talked on."""
MAY_HAVE_RUNG = (
    "(outcome IS NULL OR outcome NOT IN ('refused', 'not_placed', 'rep_no_answer', 'rep_busy', 'rep_rejected',"
    " 'rep_unreachable', 'no_credit'))"
)
"""Of a call, as a condition: the outside party's phone rang, or may have, or may yet."""
LIVE_SECONDS = 4 * 3600
"""So long a call may run of which nobody told that it is over."""
_JOINS = "joins"
"""How the keys begin of the intents by which somebody from outside is called into a running call; a time follows."""
_STARTED = "started"
"""The same of those that say by whom a workflow's step was started that called somebody."""
_read_call = msgspec.json.Decoder(Call)
_read_ring = msgspec.json.Decoder(tuple[str, str])


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
        (rep, now - LIVE_SECONDS),
    ).fetchone()
    return int(row[0])


def joins_key(at: float, what: str) -> str:
    """Key of the intent by which somebody from outside is called into a running call.

    Keys sort by time, so those of a day lie together in the table and need no index of their own. `what`: makes it
    unique. The intent's body is JSON of (operation, number).
    """
    return f"{_since(_JOINS, at)}:{what}"


def _since(what: str, at: float) -> str:
    return f"{what}:{int(at * 1000):012x}"


def started_key(at: float, step_id: str) -> str:
    """The same of the intent that notes who started a step; its kind is the step's."""
    return f"{_since(_STARTED, at)}:{step_id}"


def started_since(db: sqlite3.Connection, since: float, kind: str, starter: str) -> int:
    """How many steps of that kind somebody's workflows have had done since then, in whoever's names."""
    row = db.execute(
        "SELECT count(*) FROM intents WHERE key >= ? AND key < ? AND rep = ? AND kind = ?",
        (_since(_STARTED, since), f"{_STARTED};", starter, kind),  # ";" is what follows ":"
    ).fetchone()
    return int(row[0])


def joined_since(db: sqlite3.Connection, since: float, rep: str = "") -> int:
    """How many people from outside a rep, or all reps, have had called into running calls since then; those of whom
    it is not known whether their phone rang are included."""
    whose, values = (" AND rep = ?", (rep,)) if rep else ("", ())
    row = db.execute(
        f"SELECT count(*) FROM intents WHERE key >= ? AND key < ?{whose}",
        (_since(_JOINS, since), f"{_JOINS};", *values),  # ";" is what follows ":"
    ).fetchone()
    return int(row[0])


def joined_now(db: sqlite3.Connection, rep: str, now: float) -> int:
    """How many of those whom a rep had called in within the last four hours are on the line, as far as anybody told."""
    rows = db.execute(
        "SELECT intents.state, intents.body, calls.body FROM intents"
        " LEFT JOIN calls ON calls.id = intents.call_id AND calls.state <> 'ended'"
        " WHERE intents.key >= ? AND intents.key < ? AND intents.rep = ?",
        (_since(_JOINS, now - LIVE_SECONDS), f"{_JOINS};", rep),
    )
    asked, there = 0, set()
    for state, ring, body in rows:
        action, number = _read_ring.decode(ring)
        call = _read_call.decode(body) if body is not None else None
        if state != "done":
            asked += 1  # the service has yet to answer
        elif call is not None and _is_on(call, action, number):
            there.add((call.id, number))  # once, however often they were called in
    return asked + len(there)


def _is_on(call: Call, action: str, number: str) -> bool:
    """Whether whoever was called into that call, which has not ended, is still there. Of a coach nobody tells."""
    if number == call.consulting:
        return True
    theirs = [leg for leg in call.legs if leg.name in (f"{THIRD}{number}", f"ext:{number}")]
    gone = bool(theirs) and all(leg.ended_at for leg in theirs)
    return not gone and (action == "coach" or number == call.transferred_to)


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
        (number, now - LIVE_SECONDS, now - UNCLEAR_SECONDS),
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


def calls_to(db: sqlite3.Connection, number: str, lately: float, day: float, week: float) -> tuple[int, int, int]:
    """How often a number was called, whoever did: (since `lately`, since `day` and nobody answered, since `week` and
    nobody answered). Only what may have rung; a call under way may be answered yet."""
    row = db.execute(
        "SELECT count(CASE WHEN started_at >= ? THEN 1 END),"
        " count(CASE WHEN started_at >= ? AND state = 'ended' AND outcome NOT IN ('answered', 'pending') THEN 1 END),"
        " count(CASE WHEN started_at >= ? AND state = 'ended' AND outcome NOT IN ('answered', 'pending') THEN 1 END)"
        f" FROM calls WHERE number = ? AND started_at >= ? AND direction = 'out' AND {MAY_HAVE_RUNG}",
        (lately, day, week, number, min(lately, week)),
    ).fetchone()
    return int(row[0]), int(row[1]), int(row[2])


def called_us(db: sqlite3.Connection, number: str, since: float) -> bool:
    """Whether somebody has called from that number since then."""
    row = db.execute(
        "SELECT 1 FROM calls WHERE number = ? AND started_at >= ? AND direction = 'in' LIMIT 1", (number, since)
    ).fetchone()
    return row is not None
