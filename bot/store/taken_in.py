"""Two calls are found to be one: what hangs on the one that goes is moved to the one that stays, each thing once.

Only calls that we were told of go, never an order of ours: so no contact of a list, no recipient of a message and no
Slack call hangs on one. Its cards take themselves away, for they find no call any more; what it was told in their
threads is told in the other's.
"""

import sqlite3

from bot.store import cards, missed_calls


def move(db: sqlite3.Connection, gone: str, stays: str) -> None:
    """Everything but what was told with a provider's id, which `calls.ingest` moves. Both are ids of calls of ours."""
    db.execute("UPDATE events SET call_id = ? WHERE call_id = ?", (stays, gone))  # what people said of it
    db.execute("UPDATE intents SET call_id = ? WHERE call_id = ?", (stays, gone))
    _reminders(db, gone, stays)
    _recordings(db, gone, stays)
    missed_calls.move(db, gone, stays)


def _reminders(db: sqlite3.Connection, gone: str, stays: str) -> None:
    """Of two of one person the earlier stays; one that was shown counts only where there is no other."""
    moved = db.execute(
        "DELETE FROM reminders WHERE id BETWEEN ? AND ? || '~' RETURNING user, due_at, done", (gone, gone)
    ).fetchall()
    for user, due_at, done in moved:
        db.execute(
            "INSERT INTO reminders (id, call_id, user, due_at, done) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET done = min(done, excluded.done),"
            " due_at = CASE WHEN done = excluded.done THEN min(due_at, excluded.due_at)"
            " WHEN done THEN excluded.due_at ELSE due_at END",
            (f"{stays} {user}", stays, user, due_at, done),
        )
    if moved:
        cards.touch(db, stays, "call")


def _recordings(db: sqlite3.Connection, gone: str, stays: str) -> None:
    """Whoever has a file gets none a second time; of two files in Slack each is known until it is deleted."""
    db.execute(
        "DELETE FROM recordings WHERE call_id = ? AND file = '' AND EXISTS (SELECT 1 FROM recordings AS other"
        " WHERE other.call_id = ? AND other.recording = recordings.recording AND other.place = recordings.place"
        " AND other.file <> '')",
        (stays, gone),
    )
    db.execute("UPDATE OR IGNORE recordings SET call_id = ? WHERE call_id = ?", (stays, gone))
    db.execute("DELETE FROM recordings WHERE call_id = ? AND file = ''", (gone,))
