"""Slack's own call objects: one per call of ours, however often Callboard is cut off in between."""

import sqlite3
from dataclasses import dataclass

from bot.store import cards

ADDING, ADDED, ENDED, REFUSED, LOST = "adding", "added", "ended", "refused", "lost"


@dataclass(frozen=True)
class SlackCall:
    """One row.

    Attributes:
        state: ADDING (Slack may have been asked), ADDED, ENDED, REFUSED (Slack said no) or LOST (it never answered).
        slack_id: Slack's id, "" = not known.  title, people: what Slack was told last; `people` is JSON.
    """

    call_id: str
    state: str
    slack_id: str
    title: str
    people: bytes


_ROW = ", ".join(SlackCall.__dataclass_fields__)


def get(db: sqlite3.Connection, call_id: str) -> SlackCall | None:
    """The Slack call of a call."""
    row = db.execute(f"SELECT {_ROW} FROM slack_calls WHERE call_id = ?", (call_id,)).fetchone()
    return SlackCall(*row) if row else None


def begin(db: sqlite3.Connection, call_id: str, title: str, people: bytes) -> bool:
    """Take the one chance to add it. False: it was taken before."""
    cursor = db.execute(
        "INSERT INTO slack_calls (call_id, state, title, people) VALUES (?, 'adding', ?, ?) ON CONFLICT DO NOTHING",
        (call_id, title, people),
    )
    return cursor.rowcount == 1


def give_back(db: sqlite3.Connection, call_id: str) -> None:
    """Slack certainly was not asked: the chance is there again."""
    db.execute("DELETE FROM slack_calls WHERE call_id = ? AND state = 'adding'", (call_id,))


def added(db: sqlite3.Connection, call_id: str, slack_id: str, place: str, now: float, body: bytes) -> None:
    """Slack has it: show it in the thread of the call's card. `body`: of that message."""
    db.execute("UPDATE slack_calls SET state = 'added', slack_id = ? WHERE call_id = ?", (slack_id, call_id))
    cards.mark(db, cards.SLACK_CALL, call_id, place, now, body)


def close(db: sqlite3.Connection, call_id: str, state: str) -> None:
    """Nothing more will be said about it to Slack. `state`: ENDED, REFUSED or LOST."""
    db.execute("UPDATE slack_calls SET state = ? WHERE call_id = ?", (state, call_id))


def told(db: sqlite3.Connection, call_id: str, title: str, people: bytes) -> None:
    """Slack knows this by now."""
    db.execute("UPDATE slack_calls SET title = ?, people = ? WHERE call_id = ?", (title, people, call_id))


def lose(db: sqlite3.Connection) -> int:
    """At start: those whose adding a crash cut off. How many there were."""
    return db.execute("UPDATE slack_calls SET state = 'lost' WHERE state = 'adding'").rowcount


def open_ids(db: sqlite3.Connection) -> list[str]:
    """Call ids of those that Slack shows as running."""
    # The second condition is the index's own.
    rows = db.execute(
        "SELECT call_id FROM slack_calls WHERE state = 'added' AND state IN ('adding', 'added') ORDER BY call_id"
    )
    return [row[0] for row in rows]
