"""What goes when its time is over: old calls with all that hangs on them, what was sent to many, old log lines.

Each function deletes some, in the caller's transaction, and says how many: call it until it says 0. Where what goes
stands among much that stays, it is found by a reader first: `old_calls()`, `old_notices()`. What is deleted is
overwritten (`PRAGMA secure_delete`), in the file itself once `Database.overwrite()` was called.
"""

import sqlite3
from collections.abc import Callable
from typing import TypeVar

import msgspec

from bot.call import Call

CHUNK = 10
"""Calls, or batches, of one transaction: the writer is held up for two milliseconds. A fifth of all costs no more time,
for it takes nearly as long for each."""
LINES = 100
"""Lines of one transaction: a millisecond."""
_OLD_CALL = (
    "state = 'ended' AND ended_at < :before AND NOT EXISTS ("
    "SELECT 1 FROM recordings WHERE call_id = calls.id AND file <> '' AND state <> 'deleted') AND NOT EXISTS ("
    "SELECT 1 FROM reminders WHERE id BETWEEN calls.id AND calls.id || '~' AND NOT done AND due_at >= :before)"
    " AND NOT EXISTS ("
    "SELECT 1 FROM missed_calls JOIN missed ON missed.id = missed_id"
    " WHERE missed_calls.call_id = calls.id AND closed_at = 0)"
)
_OLD_NOTICE = (
    "kind IN ('notice', 'digest', 'roundup') AND created_at < ? AND (NOT dirty OR attempts > 0) AND posting_at = 0"
)
_OLD_LIST = "at < ? AND state IN ('preview', 'asked', 'paused', 'done', 'dropped') AND report <> 'due'"
_OLD_CALLING_LIST = "at < ? AND state <> 'running' AND report <> 'due'"
_OLD_IMPORT = "at < ? AND report <> 'due'"
_LONG = {
    "batches": (_OLD_LIST, "batch_rows", "batch"),
    "calling_lists": (_OLD_CALLING_LIST, "calling_list_rows", "list"),
    "contact_imports": (_OLD_IMPORT, "contact_import_rows", "import"),
}
"""What may have a hundred thousand rows -> what of it goes, the table of its rows, and their column that says whose."""
_read_call = msgspec.json.Decoder(Call)
T = TypeVar("T")


def old_calls(db: sqlite3.Connection, before: float, after: str) -> list[str]:
    """The next calls, behind the one with the id `after`, that ended before that moment: their ids.

    One stays while somebody waits because of it or is to be reminded of it, and while a file of its recording lies in
    Slack: whoever deletes that must know of it.
    """
    rows = db.execute(
        f"SELECT id FROM calls WHERE id > :after AND id < :made AND {_OLD_CALL} ORDER BY id LIMIT :chunk",
        {"after": after, "made": _id_at(before), "before": before, "chunk": CHUNK},
    )
    return [row[0] for row in rows]


def forget_calls(db: sqlite3.Connection, found: list[str], before: float) -> int:
    """Those of these old calls that nobody needs by now, with their events, cards, reminders and missed callers."""
    old = (
        db.execute(f"SELECT body FROM calls WHERE id = :id AND {_OLD_CALL}", {"id": call_id, "before": before})
        for call_id in found
    )
    return _overwriting(db, [_read_call.decode(row[0]) for rows in old for row in rows], _forget_call)


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


def shorten_lists(db: sqlite3.Connection, before: float) -> int:
    """Rows of a list of any kind that was made before that moment and is not on its way: the list itself goes when it
    has none left. From the first that is gone nobody can go on with it."""
    for table, (old, rows, of) in _LONG.items():
        found = db.execute(
            f"SELECT id FROM {table} WHERE {old} AND NOT {_emptied(table)} LIMIT 1", (before,)
        ).fetchone()
        if found is None:
            continue
        unanswered = "state IN ('preview', 'asked', 'paused')"
        db.execute(f"UPDATE {table} SET state = 'dropped' WHERE id = ? AND {unanswered}", (found[0],))
        lines = db.execute(f"SELECT {of}, line FROM {rows} WHERE {of} = ? LIMIT {LINES}", (found[0],)).fetchall()
        delete = f"DELETE FROM {rows} WHERE {of} = ? AND line = ?"

        def forget(db: sqlite3.Connection, row: sqlite3.Row, delete: str = delete) -> None:
            db.execute(delete, tuple(row))

        return _overwriting(db, lines, forget)
    return 0


def forget_lists(db: sqlite3.Connection, before: float) -> int:
    """Lists of calls for campaigns that were made before that moment and are not on their way, also those that nobody
    approved, or went on with; once `shorten_lists()` has nothing to do."""
    rows = db.execute(f"SELECT id FROM batches WHERE {_OLD_LIST} AND {_emptied('batches')} LIMIT ?", (before, CHUNK))

    def forget(db: sqlite3.Connection, batch: str) -> None:
        db.execute("DELETE FROM cards WHERE subject = ?", (batch,))
        db.execute("DELETE FROM batches WHERE id = ?", (batch,))

    return _overwriting(db, [row[0] for row in rows], forget)


def forget_calling_lists(db: sqlite3.Connection, before: float) -> int:
    """Call lists that were made before that moment and are over, also those that nobody gave out, or resumed; as
    `forget_lists()`."""
    rows = db.execute(
        f"SELECT id FROM calling_lists WHERE {_OLD_CALLING_LIST} AND {_emptied('calling_lists')} LIMIT ?",
        (before, CHUNK),
    )

    def forget(db: sqlite3.Connection, list_id: str) -> None:
        for table in ("calling_list_reps", "calling_list_calls"):
            db.execute(f"DELETE FROM {table} WHERE list = ?", (list_id,))
        db.execute("DELETE FROM cards WHERE subject = ?", (list_id,))
        # Those of its reps are called after it; ";" is what follows ":".
        db.execute("DELETE FROM cards WHERE subject > ? AND subject < ?", (f"{list_id}:", f"{list_id};"))
        db.execute("DELETE FROM calling_lists WHERE id = ?", (list_id,))

    return _overwriting(db, [row[0] for row in rows], forget)


def forget_imports(db: sqlite3.Connection, before: float) -> int:
    """Tables of contacts that were sent before that moment, also those that nobody answered; contacts stay. As
    `forget_lists()`."""
    rows = db.execute(
        f"SELECT id FROM contact_imports WHERE {_OLD_IMPORT} AND {_emptied('contact_imports')} LIMIT ?",
        (before, CHUNK),
    )

    def forget(db: sqlite3.Connection, table: str) -> None:
        db.execute("DELETE FROM cards WHERE subject = ?", (table,))
        db.execute("DELETE FROM contact_imports WHERE id = ?", (table,))

    return _overwriting(db, [row[0] for row in rows], forget)


def old_notices(db: sqlite3.Connection, before: float, after: int) -> list[int]:
    """The next notices, digests and roundups, behind that row, that were shown before that moment, or could not be ever
    since: their rows."""
    rows = db.execute(f"SELECT id FROM cards WHERE id > ? AND {_OLD_NOTICE} ORDER BY id LIMIT {LINES}", (after, before))
    return [row[0] for row in rows]


def forget_notices(db: sqlite3.Connection, found: list[int], before: float) -> int:
    """Those of these that nobody has marked again meanwhile."""
    old = [
        one
        for one in found
        if db.execute(f"SELECT 1 FROM cards WHERE id = ? AND {_OLD_NOTICE}", (one, before)).fetchone()
    ]
    return _overwriting(db, old, lambda db, one: db.execute("DELETE FROM cards WHERE id = ?", (one,)))


def forget_words(db: sqlite3.Connection, before: float) -> int:
    """What was typed before that moment that became no call; and steps of workflows that have their answer."""
    gone = _delete(db, "workflow_steps", "at < ? AND state = 'done'", before)
    return gone + _delete(db, "intents", "call_id IS NULL AND at < ? AND state = 'done'", before, "key")


def forget_audit(db: sqlite3.Connection, before: float) -> int:
    """Lines of the audit log that were written before that moment."""
    return _delete(db, "audit", "at < ?", before)


def _emptied(table: str) -> str:
    """That nothing is left of its rows."""
    _, rows, of = _LONG[table]
    return f"NOT EXISTS (SELECT 1 FROM {rows} WHERE {of} = {table}.id)"


def _delete(db: sqlite3.Connection, table: str, where: str, before: float, key: str = "id") -> int:
    rows = db.execute(f"SELECT {key} FROM {table} WHERE {where} LIMIT {LINES}", (before,)).fetchall()

    def delete(db: sqlite3.Connection, found: str) -> None:
        db.execute(f"DELETE FROM {table} WHERE {key} = ?", (found,))

    return _overwriting(db, [row[0] for row in rows], delete)


def _overwriting(db: sqlite3.Connection, found: list[T], forget: Callable[[sqlite3.Connection, T], object]) -> int:
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
