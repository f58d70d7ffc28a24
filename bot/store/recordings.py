"""Recordings of calls: who is to get each, what became of its file in Slack, and when our copies must go.

A row is one recording for one person. Its file takes these steps, each a commit, so that a crash after any of them is
known: `wanted` -> `sharing` (Slack has the bytes and `file` is its id; it may be shown or not) -> `shared`. `kept`:
nobody gets a file of it, links are asked for. `failed`: given up; asking again makes it wanted. `deleted`: its time is
over, and nothing of it is left with us.
"""

import sqlite3
from dataclasses import dataclass

from bot.call import Call
from bot.events import State

NEWS_SECONDS = 86400.0
"""How long after its end a call is news: what is told later is brought to nobody who does not ask."""


@dataclass(frozen=True)
class Copy:
    """One recording for one person. Times are seconds since 1970 UTC, 0 = not.

    Attributes:
        call_id: ours.  recording: as the phone service names it: an id, or an address.
        place: "@" + Slack user id of who gets it, "" = nobody by itself.
        ended_at: when the call ended; its age counts from there.
        file: Slack's id of it.  channel, thread_ts: where it is shown.  sent_at: when Slack was asked to show it.
        attempts: that failed in a row.  due_at: not before then.
    """

    call_id: str
    recording: str
    place: str
    state: str
    ended_at: float
    file: str
    channel: str
    thread_ts: str
    sent_at: float
    attempts: int
    due_at: float


_COLUMNS = ", ".join(Copy.__dataclass_fields__)
_THIS = "call_id = ? AND recording = ? AND place = ?"


def _key(copy: Copy) -> tuple[str, str, str]:
    return copy.call_id, copy.recording, copy.place


def follow(db: sqlite3.Connection, call: Call, now: float, *, begins: bool, late: bool) -> None:
    """A call has changed: note its recordings once it has ended. Whether somebody gets a file is decided later.

    `begins`: it was unknown before.  `late`: the call itself is no news any more.
    """
    if call.state is not State.ENDED:
        return
    news = not late and (call.ended_at or now) > now - NEWS_SECONDS
    noted = set() if begins else {copy.recording for copy in of_call(db, call.id)}
    for recording in call.recordings:
        if call.rep and news:
            want(db, call, recording, f"@{call.rep}", now)
        elif recording not in noted:
            want(db, call, recording, "", now)


def want(db: sqlite3.Connection, call: Call, recording: str, place: str, now: float) -> bool:
    """Somebody is to get it, or ("") nobody. False: they have it, or it is on its way, or its time is over."""
    cursor = db.execute(
        "INSERT INTO recordings (call_id, recording, place, state, ended_at, due_at) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        (call.id, recording, place, "wanted" if place else "kept", call.ended_at or now, now),
    )
    return cursor.rowcount == 1


def want_again(db: sqlite3.Connection, copy: Copy, now: float) -> bool:
    """One that nobody got, or that failed, is wanted after all. False: it has moved on since."""
    cursor = db.execute(
        # Slack may have a file of one that failed: that is looked for first.
        "UPDATE recordings SET state = CASE WHEN file = '' THEN 'wanted' ELSE 'sharing' END, attempts = 0, due_at = ?"
        f" WHERE {_THIS} AND state IN ('kept', 'failed')",
        (now, *_key(copy)),
    )
    return cursor.rowcount == 1


def of_call(db: sqlite3.Connection, call_id: str) -> list[Copy]:
    """All rows of a call's recordings."""
    rows = db.execute(f"SELECT {_COLUMNS} FROM recordings WHERE call_id = ? ORDER BY recording, place", (call_id,))
    return [Copy(*row) for row in rows]


def due(db: sqlite3.Connection, now: float, limit: int = 20) -> list[Copy]:
    """Files that are wanted, or of which it is not known whether they are shown, and whose time has come."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM recordings WHERE state IN ('wanted', 'sharing') AND due_at <= ?"
        " ORDER BY due_at LIMIT ?",
        (now, limit),
    )
    return [Copy(*row) for row in rows]


def keep(db: sqlite3.Connection, copy: Copy) -> None:
    """Nobody gets a file of it by itself."""
    db.execute(f"UPDATE recordings SET state = 'kept' WHERE {_THIS} AND state <> 'deleted'", _key(copy))


def sharing(db: sqlite3.Connection, copy: Copy, file: str, channel: str, thread_ts: str, now: float) -> bool:
    """Before Slack is asked to show the file: from now on only a look tells whether it did.

    False: the row is another call's by now, or forgotten, so nobody would know of the file.
    """
    cursor = db.execute(
        f"UPDATE recordings SET state = 'sharing', file = ?, channel = ?, thread_ts = ?, sent_at = ? WHERE {_THIS}",
        (file, channel, thread_ts, now, *_key(copy)),
    )
    return cursor.rowcount == 1


def shared(db: sqlite3.Connection, copy: Copy) -> bool:
    """Slack shows it. False: that was known before."""
    cursor = db.execute(
        f"UPDATE recordings SET state = 'shared', attempts = 0 WHERE {_THIS} AND state = 'sharing'", _key(copy)
    )
    return cursor.rowcount == 1


def anew(db: sqlite3.Connection, copy: Copy, now: float) -> None:
    """Slack certainly does not show it and does not know the file: it must be sent again."""
    db.execute(
        f"UPDATE recordings SET state = 'wanted', file = '', due_at = ? WHERE {_THIS} AND state = 'sharing'",
        (now, *_key(copy)),
    )


def later(db: sqlite3.Connection, copy: Copy, due_at: float, *, failed: bool = True) -> None:
    """It did not work now; try again then. `failed`: counts as an attempt."""
    db.execute(
        f"UPDATE recordings SET due_at = ?, attempts = attempts + ? WHERE {_THIS}", (due_at, failed, *_key(copy))
    )


def give_up(db: sqlite3.Connection, copy: Copy) -> None:
    """It will not work. A file that Slack may have is remembered, so that it is deleted in time."""
    db.execute(f"UPDATE recordings SET state = 'failed' WHERE {_THIS}", _key(copy))


def outdated(db: sqlite3.Connection, before: float, now: float, limit: int = 100) -> list[Copy]:
    """Rows of calls that ended before then and of which something may still be left with us or in Slack."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM recordings WHERE state <> 'deleted' AND ended_at < ? AND due_at <= ?"
        " ORDER BY ended_at LIMIT ?",
        (before, now, limit),
    )
    return [Copy(*row) for row in rows]


def deleted(db: sqlite3.Connection, copy: Copy) -> bool:
    """Nothing of it is left. False: that was known before."""
    cursor = db.execute(
        f"UPDATE recordings SET state = 'deleted', file = '' WHERE {_THIS} AND state <> 'deleted'", _key(copy)
    )
    return cursor.rowcount == 1


def calls_with(db: sqlite3.Connection, *, rep: str = "", number: str = "", limit: int = 10) -> list[str]:
    """Ids of calls that have recordings, latest first: of one rep, with one number, or all."""
    if rep or number:
        # The plus leaves the choice of an index to the number, where there is one: a rep has more calls.
        whose = ["number = ?"] * bool(number) + ["+rep = ?" if number else "rep = ? AND rep <> ''"] * bool(rep)
        rows = db.execute(
            f"SELECT id FROM calls WHERE {' AND '.join(whose)} AND EXISTS (SELECT 1 FROM recordings"
            " WHERE call_id = calls.id AND recordings.state <> 'deleted') ORDER BY started_at DESC LIMIT ?",
            [*filter(None, (number, rep)), limit],
        )
        return [str(row[0]) for row in rows]
    found: dict[str, None] = {}  # a call may have several
    for row in db.execute("SELECT call_id FROM recordings WHERE state <> 'deleted' ORDER BY ended_at DESC"):
        found[row[0]] = None
        if len(found) == limit:
            break
    return list(found)
