"""What goes when its time is over: old calls with all that hangs on them, what was sent to many, old log lines.

Each function deletes some, in the caller's transaction, and says how many: call it until it says 0. What is deleted is
overwritten (`PRAGMA secure_delete`), in the file itself once `Database.overwrite()` was called.
"""

import sqlite3
from collections.abc import Callable
from typing import TypeVar

import msgspec

from bot.call import Call

CHUNK = 50
"""Calls, or batches, of one transaction: the writer is held up for some milliseconds."""
LINES = 500
"""Lines of one transaction."""

T = TypeVar("T")
_read_call = msgspec.json.Decoder(Call)


def forget_calls(db: sqlite3.Connection, before: float) -> int:
    """Calls that ended before that moment, with their events, cards, reminders and missed callers.

    One stays while somebody waits because of it or is to be reminded of it, and while a file of its recording lies in
    Slack: whoever deletes that must know of it.
    """
    rows = db.execute(
        "SELECT body FROM calls WHERE id < ? AND state = 'ended' AND ended_at < ? AND NOT EXISTS ("
        "SELECT 1 FROM recordings WHERE call_id = calls.id AND file <> '' AND state <> 'deleted') AND NOT EXISTS ("
        "SELECT 1 FROM reminders WHERE id BETWEEN calls.id AND calls.id || '~' AND NOT done AND due_at >= ?)"
        " AND NOT EXISTS ("
        "SELECT 1 FROM missed_calls JOIN missed ON missed.id = missed_id"
        " WHERE missed_calls.call_id = calls.id AND closed_at = 0) ORDER BY id LIMIT ?",
        (_id_at(before), before, before, CHUNK),
    ).fetchall()
    return _overwriting(db, [_read_call.decode(row[0]) for row in rows], _forget_call)


def _forget_call(db: sqlite3.Connection, call: Call) -> None:
    for ref in call.refs:
        db.execute("DELETE FROM call_refs WHERE account = ? AND ref = ?", (call.account, ref))
    for table in ("events", "intents", "recordings", "slack_calls", "calling_list_calls"):
        db.execute(f"DELETE FROM {table} WHERE call_id = ?", (call.id,))
    db.execute("DELETE FROM reminders WHERE id BETWEEN ? AND ? || '~'", (call.id, call.id))
    missed = db.execute("DELETE FROM missed_calls WHERE call_id = ? RETURNING missed_id", (call.id,)).fetchone()
    if missed is not None:
        left = db.execute("SELECT 1 FROM missed_calls WHERE missed_id = ? LIMIT 1", (missed[0],)).fetchone()
        if left is None:
            db.execute("DELETE FROM missed WHERE id = ?", (missed[0],))
            db.execute("DELETE FROM cards WHERE subject = ?", (missed[0],))
    db.execute("DELETE FROM cards WHERE subject = ?", (call.id,))
    # Lines of its thread are called after it; ";" is what follows ":".
    db.execute("DELETE FROM cards WHERE subject > ? AND subject < ?", (f"{call.id}:", f"{call.id};"))
    db.execute("DELETE FROM calls WHERE id = ?", (call.id,))


def forget_messages(db: sqlite3.Connection, before: float) -> int:
    """Voice messages that were made before that moment, with all recipients, once nobody waits for one.

    Also a draft that nobody sent or discarded, or approved, and what nobody resumed: its recipients wait for nothing.
    """
    rows = db.execute(
        "SELECT id FROM message_batches WHERE id < ? AND created_at < ? AND (state IN ('draft', 'asked', 'paused')"
        " OR NOT EXISTS (SELECT 1 FROM message_recipients"
        " WHERE batch_id = message_batches.id AND message_recipients.state = 'waiting')) ORDER BY id LIMIT ?",
        (_id_at(before), before, CHUNK),
    )

    def forget(db: sqlite3.Connection, batch: str) -> None:
        db.execute("DELETE FROM message_recipients WHERE batch_id = ?", (batch,))
        db.execute("DELETE FROM cards WHERE subject = ?", (batch,))
        db.execute("DELETE FROM message_batches WHERE id = ?", (batch,))

    return _overwriting(db, [row[0] for row in rows], forget)


def forget_lists(db: sqlite3.Connection, before: float) -> int:
    """Lists of calls for campaigns that were made before that moment and are not on their way, also those that nobody
    approved, or went on with."""
    rows = db.execute(
        "SELECT id FROM batches WHERE at < ? AND state IN ('preview', 'asked', 'paused', 'done', 'dropped')"
        " AND report <> 'due' LIMIT ?",
        (before, CHUNK),
    )

    def forget(db: sqlite3.Connection, batch: str) -> None:
        db.execute("DELETE FROM batch_rows WHERE batch = ?", (batch,))
        db.execute("DELETE FROM cards WHERE subject = ?", (batch,))
        db.execute("DELETE FROM batches WHERE id = ?", (batch,))

    return _overwriting(db, [row[0] for row in rows], forget)


def forget_calling_lists(db: sqlite3.Connection, before: float) -> int:
    """Call lists that were made before that moment and are over, also those that nobody gave out, or resumed."""
    rows = db.execute(
        "SELECT id FROM calling_lists WHERE at < ? AND state <> 'running' AND report <> 'due' LIMIT ?", (before, CHUNK)
    )

    def forget(db: sqlite3.Connection, list_id: str) -> None:
        for table in ("calling_list_rows", "calling_list_reps", "calling_list_calls"):
            db.execute(f"DELETE FROM {table} WHERE list = ?", (list_id,))
        db.execute("DELETE FROM cards WHERE subject = ?", (list_id,))
        # Those of its reps are called after it; ";" is what follows ":".
        db.execute("DELETE FROM cards WHERE subject > ? AND subject < ?", (f"{list_id}:", f"{list_id};"))
        db.execute("DELETE FROM calling_lists WHERE id = ?", (list_id,))

    return _overwriting(db, [row[0] for row in rows], forget)


def forget_imports(db: sqlite3.Connection, before: float) -> int:
    """Tables of contacts that were sent before that moment, also those that nobody answered; contacts stay."""
    rows = db.execute("SELECT id FROM contact_imports WHERE at < ? AND report <> 'due' LIMIT ?", (before, CHUNK))

    def forget(db: sqlite3.Connection, table: str) -> None:
        db.execute("DELETE FROM contact_import_rows WHERE import = ?", (table,))
        db.execute("DELETE FROM cards WHERE subject = ?", (table,))
        db.execute("DELETE FROM contact_imports WHERE id = ?", (table,))

    return _overwriting(db, [row[0] for row in rows], forget)


def forget_words(db: sqlite3.Connection, before: float) -> int:
    """Notices, digests and roundups that were shown before that moment, or could not be ever since; what was typed that
    became no call; and steps of workflows that have their answer."""
    done = "(NOT dirty OR attempts > 0) AND posting_at = 0"
    gone = _delete(db, "cards", f"kind IN ('notice', 'digest', 'roundup') AND created_at < ? AND {done}", before)
    gone += _delete(db, "workflow_steps", "at < ? AND state = 'done'", before)
    return gone + _delete(db, "intents", "call_id IS NULL AND at < ? AND state = 'done'", before, "key")


def forget_audit(db: sqlite3.Connection, before: float) -> int:
    """Lines of the audit log that were written before that moment."""
    return _delete(db, "audit", "at < ?", before)


def _delete(db: sqlite3.Connection, table: str, where: str, before: float, key: str = "id") -> int:
    rows = db.execute(f"SELECT {key} FROM {table} WHERE {where} LIMIT {LINES}", (before,)).fetchall()

    def delete(db: sqlite3.Connection, found: str) -> None:
        db.execute(f"DELETE FROM {table} WHERE {key} = ?", (found,))

    return _overwriting(db, [row[0] for row in rows], delete)


def _overwriting(db: sqlite3.Connection, found: list[T], forget: Callable[[sqlite3.Connection, T], None]) -> int:
    if found:
        db.execute("PRAGMA secure_delete = ON")
        try:
            for one in found:
                forget(db, one)
        finally:
            db.execute("PRAGMA secure_delete = OFF")
    return len(found)


def _id_at(moment: float) -> str:
    """Below this are the ids that were made before that moment."""
    return f"{int(moment * 1000):012x}"
