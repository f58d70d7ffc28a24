"""Calling lists: contacts that reps call one after the other, who of them calls, and what came of it.

The contacts' turns (whose is next, what becomes of each) are in `bot.store.offers`.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from bot.bulk import Row
from bot.call import Call
from bot.orders import CampaignCall
from bot.store import cards, offers

ListState = Literal["preview", "asked", "running", "paused", "done", "stopped", "dropped"]
"""preview: read, not given out.  asked: a second manager has to say yes.  The others speak for themselves."""

CARD = offers.LIST_CARD
"""Kind of the card of whoever made a list."""
REFUSED = ("invalid", "duplicate", "dnc", "forbidden")
"""States of rows that were left out when the table was read."""
_GIVEN_OUT = "state NOT IN ('invalid', 'duplicate', 'dnc', 'forbidden')"

_read_rows = msgspec.json.Decoder(list[Row])
_read_call = msgspec.json.Decoder(Call)


class CallingList(msgspec.Struct, frozen=True):
    """A list of contacts.

    Attributes:
        source: name of the file, or "pasted rows".  by: Slack user id.  at, begun_at, ended_at: seconds since 1970 UTC,
            0 = not (yet).
        words: why it is paused or stopped.  notes: how the table was read.
        report: of the CSV of what was left out: "", "due" or "sent".
        tries: how often a contact that is not reached is called, in all.
    """

    id: str
    name: str
    source: str
    by: str
    at: float
    state: ListState
    begun_at: float = 0
    ended_at: float = 0
    words: str = ""
    notes: str = ""
    report: str = ""
    tries: int = 1


class Done(msgspec.Struct, frozen=True):
    """A contact of a list as its results tell it. `call`: the latest, None = it was not called, or is forgotten."""

    number: str
    name: str
    state: str
    why: str
    rep: str
    changed_at: float
    call: Call | None


@dataclass(frozen=True)
class Progress:
    """How far a list is.

    Attributes:
        counts: state of rows -> how many.  later: of those that are "ready", how many wait for a time.
        outcomes: `Outcome`, or "" = not over yet -> how many of the contacts that were called.
        reps: Slack user id -> (contacts done with, of them talked to).
        recent: (contacts done with since some time ago, when the first of them was; 0 = none).
    """

    counts: Mapping[str, int]
    later: int
    outcomes: Mapping[str, int]
    reps: Mapping[str, tuple[int, int]]
    recent: tuple[int, float]


_LIST = ", ".join(CallingList.__struct_fields__)


def get(db: sqlite3.Connection, list_id: str) -> CallingList | None:
    """A list by its id."""
    row = db.execute(f"SELECT {_LIST} FROM calling_lists WHERE id = ?", (list_id,)).fetchone()
    return CallingList(*row) if row else None


def create(db: sqlite3.Connection, new: CallingList, reps: Sequence[str], pieces: Sequence[bytes]) -> bool:
    """Write down what was read, and show it. `pieces`: JSON lists of `bulk.Row`.  False: it is on record already."""
    marks = ", ".join("?" * len(CallingList.__struct_fields__))
    cursor = db.execute(
        f"INSERT INTO calling_lists ({_LIST}) VALUES ({marks}) ON CONFLICT DO NOTHING",
        tuple(getattr(new, name) for name in CallingList.__struct_fields__),
    )
    if cursor.rowcount != 1:
        return False
    db.executemany("INSERT INTO calling_list_reps (list, user) VALUES (?, ?)", ((new.id, user) for user in reps))
    for piece in pieces:
        db.executemany(
            "INSERT INTO calling_list_rows (list, line, state, number, name, typed, why, hours, variables, rank,"
            " due_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (_values(new.id, row) for row in _read_rows.decode(piece)),
        )
    show(db, new.id, new.at)
    return True


def _values(list_id: str, row: Row) -> tuple[object, ...]:
    call = row.call
    number, name = (call.number, call.name) if call else ("", "")
    variables = msgspec.json.encode(call.variables).decode() if call else "{}"
    rank = -(call.priority or 0) if call else 0
    due_at = (call.at or 0) if call else 0
    return (list_id, row.line, row.state, number, name, row.typed, row.why, row.hours, variables, rank, due_at)


def move(
    db: sqlite3.Connection,
    list_id: str,
    before: Sequence[ListState],
    after: ListState,
    now: float,
    *,
    words: str = "",
) -> bool:
    """Change the state of a list that is in one of the states `before`, and show it. False: it is in another."""
    marks = ", ".join("?" * len(before))
    cursor = db.execute(
        f"UPDATE calling_lists SET state = ?, words = ? WHERE id = ? AND state IN ({marks})",
        (after, words, list_id, *before),
    )
    if cursor.rowcount != 1:
        return False
    if after == "running":
        db.execute("UPDATE calling_lists SET begun_at = ? WHERE id = ? AND begun_at = 0", (now, list_id))
    if after in ("done", "stopped", "dropped"):
        db.execute("UPDATE calling_lists SET ended_at = ? WHERE id = ?", (now, list_id))
    show(db, list_id, now)
    return True


def forget_rows(db: sqlite3.Connection, list_id: str) -> None:
    """What was read of a list that nobody wants."""
    db.execute("DELETE FROM calling_list_rows WHERE list = ?", (list_id,))


def show(db: sqlite3.Connection, list_id: str, now: float) -> None:
    """Show its card, and what its reps see of it, again."""
    found = get(db, list_id)
    if found is not None:
        cards.mark(db, CARD, list_id, f"@{found.by}", now)
    for rep in reps(db, list_id):
        offers.touch(db, rep)


def reps(db: sqlite3.Connection, list_id: str) -> list[offers.Rep]:
    """Who calls from it."""
    rows = db.execute(f"SELECT {offers.REP} FROM calling_list_reps WHERE list = ? ORDER BY user", (list_id,))
    return [offers.Rep(*row) for row in rows]


def counts(db: sqlite3.Connection, list_id: str) -> dict[str, int]:
    """State of rows -> how many."""
    rows = db.execute("SELECT state, count(*) FROM calling_list_rows WHERE list = ? GROUP BY state", (list_id,))
    return {row[0]: row[1] for row in rows}


def hours(db: sqlite3.Connection, list_id: str) -> dict[str, int]:
    """Of rows that can be given out: within calling hours ("open", "closed", "unknown") -> how many."""
    rows = db.execute(
        "SELECT hours, count(*) FROM calling_list_rows WHERE list = ? AND state = 'ready' GROUP BY hours", (list_id,)
    )
    return {row[0]: row[1] for row in rows}


def some(
    db: sqlite3.Connection, list_id: str, state: str, limit: int
) -> list[tuple[int, str, str, CampaignCall | None]]:
    """The first rows in a state: (line, as typed, why, whom it calls)."""
    rows = db.execute(
        "SELECT line, typed, why, number, name FROM calling_list_rows WHERE list = ? AND state = ?"
        " ORDER BY line LIMIT ?",
        (list_id, state, limit),
    )
    return [(row[0], row[1], row[2], CampaignCall(number=row[3], name=row[4]) if row[3] else None) for row in rows]


def refused(db: sqlite3.Connection, list_id: str) -> list[tuple[int, str, str, str]]:
    """(line, as typed, state, why) of every row that was left out."""
    marks = ", ".join("?" * len(REFUSED))
    rows = db.execute(
        f"SELECT line, typed, state, why FROM calling_list_rows WHERE list = ? AND state IN ({marks}) ORDER BY line",
        (list_id, *REFUSED),
    )
    return [(row[0], row[1], row[2], row[3]) for row in rows]


def progress(db: sqlite3.Connection, list_id: str, now: float, since: float) -> Progress:
    """How far it is. `since`: from when on what is done tells how fast it goes."""
    later = db.execute(
        "SELECT count(*) FROM calling_list_rows WHERE list = ? AND state = 'ready' AND due_at > ?", (list_id, now)
    ).fetchone()
    outcomes = db.execute(
        "SELECT coalesce(c.outcome, ''), count(*) FROM calling_list_rows r JOIN calls c ON c.id = r.call_id"
        " WHERE r.list = ? AND r.call_id <> '' GROUP BY 1",
        (list_id,),
    )
    by_rep = db.execute(
        "SELECT r.rep, count(*), sum(coalesce(c.outcome = 'answered', 0)) FROM calling_list_rows r"
        " LEFT JOIN calls c ON c.id = r.call_id WHERE r.list = ? AND r.state IN ('done', 'skipped') GROUP BY r.rep",
        (list_id,),
    )
    recent = db.execute(
        "SELECT count(*), coalesce(min(changed_at), 0) FROM calling_list_rows WHERE list = ?"
        " AND state IN ('done', 'skipped') AND changed_at > ?",
        (list_id, since),
    ).fetchone()
    return Progress(
        counts(db, list_id),
        later[0],
        {row[0]: row[1] for row in outcomes},
        {row[0]: (row[1], row[2]) for row in by_rep},
        (recent[0], recent[1]),
    )


def results(db: sqlite3.Connection, list_id: str) -> list[Done]:
    """Every contact that was given out, in the order of the table."""
    rows = db.execute(
        "SELECT r.number, r.name, r.state, r.why, r.rep, r.changed_at, c.body FROM calling_list_rows r"
        f" LEFT JOIN calls c ON c.id = r.call_id WHERE r.list = ? AND r.{_GIVEN_OUT} ORDER BY r.line",
        (list_id,),
    )
    return [
        Done(row[0], row[1], row[2], row[3], row[4], row[5], _read_call.decode(row[6]) if row[6] else None)
        for row in rows
    ]


def latest(db: sqlite3.Connection, limit: int) -> list[tuple[CallingList, Mapping[str, int], list[str]]]:
    """The latest lists that were not discarded, with the states of their rows and their reps' Slack user ids."""
    rows = db.execute(
        f"SELECT {_LIST} FROM calling_lists WHERE state <> 'dropped' ORDER BY at DESC LIMIT ?", (limit,)
    ).fetchall()
    found = [CallingList(*row) for row in rows]
    return [(one, counts(db, one.id), [rep.user for rep in reps(db, one.id)]) for one in found]


def asked(db: sqlite3.Connection) -> list[tuple[CallingList, int]]:
    """(list, how many contacts) of those that a second manager has to approve, the oldest first."""
    rows = db.execute(
        # The second condition is the index's own: SQLite does not conclude it from the first.
        f"SELECT {_LIST} FROM calling_lists WHERE state = 'asked' AND state IN ('asked', 'running', 'paused')"
        " ORDER BY +at"
    ).fetchall()
    return [(found := CallingList(*row), counts(db, found.id).get("ready", 0)) for row in rows]


def want_report(db: sqlite3.Connection, list_id: str) -> None:
    """The CSV of what was left out is to be sent."""
    db.execute("UPDATE calling_lists SET report = 'due' WHERE id = ? AND report = ''", (list_id,))


def reports_due(db: sqlite3.Connection) -> list[CallingList]:
    """Lists whose CSV is to be sent."""
    return [CallingList(*row) for row in db.execute(f"SELECT {_LIST} FROM calling_lists WHERE report = 'due'")]


def take_report(db: sqlite3.Connection, list_id: str) -> bool:
    """Take the one chance to send it by itself. False: it was taken before."""
    return (
        db.execute("UPDATE calling_lists SET report = 'sent' WHERE id = ? AND report = 'due'", (list_id,)).rowcount == 1
    )
