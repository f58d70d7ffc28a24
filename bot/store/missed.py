"""Missed callers: one open row per caller and place, however often they try."""

import sqlite3
from dataclasses import dataclass

from bot.store import cards, channels

SETTLE_SECONDS = 5
"""Records of one call's legs arrive one by one: nobody is called a missed caller before the others had time."""
ESCALATED, ASSIGNED = "escalation", "assigned"
"""What subjects of notices begin with that tell somebody of one of them; its id follows, and what makes it unique."""


@dataclass(frozen=True)
class Missed:
    """A caller somebody owes a call. Times are seconds since 1970 UTC, 0 = not.

    Attributes:
        number: E.164, "" = withheld.  calls: how often they tried.
        closed_how: "called back", "reached us", "by hand".  closed_call: the conversation that closed it.
        escalate_at: when somebody is told next: whoever claimed it, or who else is to know.
        reminded: how often somebody was told since it was claimed.
    """

    id: str
    account: str
    number: str
    place: str
    line: str
    name: str
    opened_at: float
    last_at: float
    calls: int
    claimed_by: str
    claimed_at: float
    snoozed_until: float
    snoozed_by: str
    closed_at: float
    closed_by: str
    closed_how: str
    closed_call: str
    escalate_at: float
    escalations: int
    reminded: int = 0

    @property
    def open(self) -> bool:
        return self.closed_at == 0


_COLUMNS = ", ".join(Missed.__dataclass_fields__)


def put_right(db: sqlite3.Connection, missed_id: str) -> None:
    """What was to be told of one while Slack was away would be wrong by now; what was told says what became of it."""
    for about in (ESCALATED, ASSIGNED):
        cards.cancel_all(db, "notice", f"{about}:{missed_id}")
        cards.touch_all(db, "notice", f"{about}:{missed_id}")


def _done(db: sqlite3.Connection, missed_id: str, cursor: sqlite3.Cursor) -> bool:
    """Whether the row was changed. Its card is drawn anew also where it was not: whoever pressed saw an old one."""
    if cursor.rowcount:
        put_right(db, missed_id)
    cards.touch(db, missed_id, "missed")
    return cursor.rowcount == 1


def close(db: sqlite3.Connection, missed_id: str, *, now: float, by: str, how: str, call_id: str = "") -> bool:
    """Close an open one. False: somebody was faster."""
    cursor = db.execute(
        "UPDATE missed SET closed_at = ?, closed_by = ?, closed_how = ?, closed_call = ?, escalate_at = 0"
        " WHERE id = ? AND closed_at = 0",
        (now, by, how, call_id, missed_id),
    )
    put_right(db, missed_id)
    cards.touch(db, missed_id, "missed")
    return cursor.rowcount == 1


def claim(db: sqlite3.Connection, missed_id: str, by: str, now: float, remind_at: float = 0) -> Missed | None:
    """Claim for a rep; the first wins. Returns the row as it is afterwards, None = gone.

    `remind_at`: when they are reminded, should nobody have talked with the caller by then; 0 = never.
    """
    cursor = db.execute(
        "UPDATE missed SET claimed_by = ?, claimed_at = ?, escalate_at = ?, reminded = 0, snoozed_until = 0"
        " WHERE id = ? AND closed_at = 0 AND claimed_by = ''",
        (by, now, remind_at, missed_id),
    )
    _done(db, missed_id, cursor)
    return get(db, missed_id)


def assign(db: sqlite3.Connection, missed_id: str, to: str, now: float, remind_at: float = 0) -> bool:
    """Claim for somebody, also one that another has claimed. False: it is closed, or theirs already."""
    cursor = db.execute(
        "UPDATE missed SET claimed_by = ?, claimed_at = ?, escalate_at = ?, reminded = 0, snoozed_until = 0"
        " WHERE id = ? AND closed_at = 0 AND claimed_by <> ?",
        (to, now, remind_at, missed_id, to),
    )
    return _done(db, missed_id, cursor)


def release(db: sqlite3.Connection, missed_id: str, by: str, escalate_at: float) -> bool:
    """Give a claim back; one that was snoozed rests as long as its card says. False: it was not theirs."""
    cursor = db.execute(
        "UPDATE missed SET claimed_by = '', claimed_at = 0, escalate_at = max(?, snoozed_until)"
        " WHERE id = ? AND claimed_by = ? AND closed_at = 0",
        (escalate_at, missed_id, by),
    )
    return _done(db, missed_id, cursor)


def snooze(db: sqlite3.Connection, missed_id: str, by: str, until: float) -> bool:
    """Let it rest until then; afterwards it is escalated like a new one. False: it is closed."""
    cursor = db.execute(
        "UPDATE missed SET snoozed_until = ?, snoozed_by = ?, escalate_at = ?, reminded = 0"
        " WHERE id = ? AND closed_at = 0",
        (until, by, until, missed_id),
    )
    if cursor.rowcount:
        cards.cancel_all(db, "notice", f"{ESCALATED}:{missed_id}")
        for about in (ESCALATED, ASSIGNED):
            cards.touch_all(db, "notice", f"{about}:{missed_id}")
    cards.touch(db, missed_id, "missed")
    return cursor.rowcount == 1


def get(db: sqlite3.Connection, missed_id: str) -> Missed | None:
    """One by id."""
    row = db.execute(f"SELECT {_COLUMNS} FROM missed WHERE id = ?", (missed_id,)).fetchone()
    return Missed(*row) if row else None


def waiting(db: sqlite3.Connection, limit: int = 50) -> list[Missed]:
    """All who wait, the longest first; of more than `limit` the latest."""
    return _waiting(db, "", (), limit)


def _waiting(db: sqlite3.Connection, condition: str, values: tuple[str, ...], limit: int) -> list[Missed]:
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM missed WHERE closed_at = 0 {condition} ORDER BY opened_at DESC LIMIT ?",
        (*values, limit),
    ).fetchall()
    return [Missed(*row) for row in reversed(rows)]


def seen_by(db: sqlite3.Connection, user: str, limit: int = 1000, *, owed: bool = False) -> list[Missed]:
    """Those a rep may know of, the longest first: whom they have claimed, and those of places that are open to them.

    `owed`: without those that others have claimed.
    """
    is_open, places = channels.says_open(user, channels.closed_to(db, user))
    condition = f"AND (claimed_by = ? OR {is_open})" + (" AND claimed_by IN ('', ?)" if owed else "")
    return _waiting(db, condition, (user, *places, *((user,) if owed else ())), limit)


def owed_by(db: sqlite3.Connection, rep: str) -> list[Missed]:
    """The callbacks a rep owes: theirs and nobody's, of those that they may know of, the longest first."""
    return seen_by(db, rep, owed=True)


def to_escalate(db: sqlite3.Connection, now: float) -> list[Missed]:
    """Open ones whose time has come."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM missed WHERE closed_at = 0 AND escalate_at > 0 AND escalate_at <= ?", (now,)
    )
    return [Missed(*row) for row in rows]


def escalated(db: sqlite3.Connection, missed_id: str, next_at: float) -> None:
    """An escalation was written down; the next is due then, 0 = none."""
    db.execute(
        "UPDATE missed SET escalations = escalations + 1, reminded = reminded + (claimed_by <> ''), escalate_at = ?,"
        " snoozed_until = 0 WHERE id = ?",
        (next_at, missed_id),
    )
    cards.touch(db, missed_id, "missed")


def told_nobody(db: sqlite3.Connection, place: str, now: float) -> None:
    """What waits to be shown at a person's place never will be: of whom nobody else was told either is told now."""
    rows = db.execute(
        "SELECT subject FROM cards AS lost WHERE place = ? AND dirty AND ts = '' AND kind = 'notice' AND subject > ?"
        " AND subject < ? AND NOT EXISTS (SELECT 1 FROM cards WHERE subject = lost.subject AND kind = 'notice'"
        " AND place <> lost.place AND (dirty OR ts <> '' OR posting_at > 0))",
        (place, f"{ESCALATED}:", f"{ESCALATED};"),
    ).fetchall()
    for (subject,) in rows:
        db.execute("UPDATE missed SET escalate_at = ? WHERE id = ? AND closed_at = 0", (now, subject.split(":")[1]))


def call_ids(db: sqlite3.Connection, missed_id: str) -> list[tuple[str, float]]:
    """The calls that were missed, oldest first, each with when it began."""
    rows = db.execute("SELECT call_id, at FROM missed_calls WHERE missed_id = ? ORDER BY at", (missed_id,))
    return [(row[0], row[1]) for row in rows]


def postpone(db: sqlite3.Connection, missed_id: str, due: float, until: float) -> None:
    """Escalate one that was `due` not before then; unless somebody has claimed, snoozed or closed it meanwhile."""
    db.execute(
        "UPDATE missed SET escalate_at = ? WHERE id = ? AND closed_at = 0 AND escalate_at = ?", (until, missed_id, due)
    )
