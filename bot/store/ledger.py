"""What was promised and must happen once: dial intents, digests, reminders, problems, the audit log."""

import sqlite3
from dataclasses import dataclass

from bot.store import cards


@dataclass(frozen=True)
class Intent:
    """A dial somebody asked for. `key` is unique per click or command, so a repeat is the same intent.

    Attributes:
        state: "written" (asked, nothing sent), "sending" (the provider may have it), "done".
        body: what was asked, as JSON.
    """

    key: str
    rep: str
    kind: str
    state: str
    at: float
    call_id: str | None
    body: bytes


_INTENT = ", ".join(Intent.__dataclass_fields__)


def write_intent(db: sqlite3.Connection, key: str, rep: str, kind: str, body: bytes, now: float) -> bool:
    """Write an intent down. False: this very click or command is already written."""
    cursor = db.execute(
        "INSERT INTO intents (key, rep, kind, state, at, body) VALUES (?, ?, ?, 'written', ?, ?)"
        " ON CONFLICT DO NOTHING",
        (key, rep, kind, now, body),
    )
    return cursor.rowcount == 1


def write_anew(db: sqlite3.Connection, key: str, rep: str, kind: str, body: bytes, now: float) -> bool:
    """As `write_intent`, also where it came to nothing before there was a call. False: it is under way, or was one."""
    cursor = db.execute(
        "INSERT INTO intents (key, rep, kind, state, at, body) VALUES (?, ?, ?, 'written', ?, ?)"
        " ON CONFLICT (key) DO UPDATE SET state = 'written', at = excluded.at, body = excluded.body"
        " WHERE state = 'done' AND call_id IS NULL",
        (key, rep, kind, now, body),
    )
    return cursor.rowcount == 1


def take_once(db: sqlite3.Connection, key: str, rep: str, kind: str, now: float) -> bool:
    """Take the one chance to do what this very form or click asked for. False: it was taken before."""
    taken = write_intent(db, key, rep, kind, b"", now)
    finish_intent(db, key)
    return taken


def open_intents(db: sqlite3.Connection) -> list[Intent]:
    """Intents that are not done, oldest first."""
    return [Intent(*row) for row in db.execute(f"SELECT {_INTENT} FROM intents WHERE state <> 'done' ORDER BY at")]


def intent(db: sqlite3.Connection, key: str) -> Intent | None:
    """One of them, whatever became of it."""
    row = db.execute(f"SELECT {_INTENT} FROM intents WHERE key = ?", (key,)).fetchone()
    return Intent(*row) if row else None


def bind_intent(db: sqlite3.Connection, key: str, call_id: str) -> None:
    """The intent became this call."""
    db.execute("UPDATE intents SET call_id = ? WHERE key = ?", (call_id, key))


def send_intent(db: sqlite3.Connection, key: str) -> bool:
    """Take the one chance to send it to the provider. False: it was taken before."""
    return db.execute("UPDATE intents SET state = 'sending' WHERE key = ? AND state = 'written'", (key,)).rowcount == 1


def finish_intent(db: sqlite3.Connection, key: str) -> None:
    """Its fate is an event of its call now (or it was refused before there was one)."""
    db.execute("UPDATE intents SET state = 'done' WHERE key = ?", (key,))


def undo_intent(db: sqlite3.Connection, key: str) -> None:
    """Nothing came of it, for certain: nobody's phone rang, so it counts as if it had never been asked."""
    db.execute("DELETE FROM intents WHERE key = ?", (key,))


def drop_intent(db: sqlite3.Connection, key: str) -> None:
    """It came to nothing before there was a call. One that has a call is left to `finish_intent` or a restart."""
    db.execute("UPDATE intents SET state = 'done' WHERE key = ? AND state = 'written' AND call_id IS NULL", (key,))


def drop_intents_of(db: sqlite3.Connection, rep: str) -> None:
    """As `drop_intent`, of all that somebody asked for who may not."""
    db.execute(
        "UPDATE intents SET state = 'done' WHERE rep = ? AND state <> 'done' AND state = 'written' AND call_id IS NULL",
        (rep,),
    )


def audit(db: sqlite3.Connection, now: float, who: str, what: str, subject: str, detail: str = "") -> None:
    """One line of the audit log."""
    db.execute(
        "INSERT INTO audit (at, who, what, subject, detail) VALUES (?, ?, ?, ?, ?)", (now, who, what, subject, detail)
    )


def remind(db: sqlite3.Connection, call_id: str, user: str, due_at: float) -> None:
    """Set (or move) somebody's reminder to call; each person has one of their own for a call."""
    db.execute(
        "INSERT INTO reminders (id, call_id, user, due_at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET due_at = excluded.due_at, done = 0",
        (f"{call_id} {user}", call_id, user, due_at),
    )
    _show_reminder(db, call_id, user)


def take_back_reminder(db: sqlite3.Connection, call_id: str, user: str) -> None:
    """Somebody is not to be reminded of a call after all."""
    db.execute("UPDATE reminders SET done = 1 WHERE id = ? AND NOT done", (f"{call_id} {user}",))
    _show_reminder(db, call_id, user)


def _show_reminder(db: sqlite3.Connection, call_id: str, user: str) -> None:
    """On the call's card, and where somebody was reminded of it before."""
    cards.touch(db, call_id, "call")
    cards.touch_all(db, "notice", f"reminder:{call_id} {user}")


def reminders_due(db: sqlite3.Connection, now: float) -> list[tuple[str, str, str, float]]:
    """(id, call id, user, due) of reminders whose time has come."""
    rows = db.execute("SELECT id, call_id, user, due_at FROM reminders WHERE NOT done AND due_at <= ?", (now,))
    return [(row[0], row[1], row[2], row[3]) for row in rows]


def reminded(db: sqlite3.Connection, reminder_id: str, now: float) -> bool:
    """Take the one chance to remind. False: it was taken before, or the reminder was moved meanwhile."""
    row = db.execute(
        "UPDATE reminders SET done = 1 WHERE id = ? AND NOT done AND due_at <= ? RETURNING call_id", (reminder_id, now)
    ).fetchone()
    if row is not None:
        cards.touch(db, row[0], "call")  # which says that it is to come
    return row is not None


def subscribe(db: sqlite3.Connection, channel: str, kind: str, body: bytes, by: str, now: float) -> None:
    """Subscribe a channel to a digest, or move it; one of each kind per channel.

    One that is moved goes on since when it was made: what is due by its new time and was not sent yet still comes.
    """
    db.execute(
        "INSERT INTO subscriptions (channel, kind, body, by, since) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (channel, kind) DO UPDATE SET body = excluded.body, by = excluded.by",
        (channel, kind, body, by, now),
    )


def unsubscribe(db: sqlite3.Connection, channel: str) -> int:
    """Stop a channel's digests; how many there were."""
    return db.execute("DELETE FROM subscriptions WHERE channel = ?", (channel,)).rowcount


def subscriptions(db: sqlite3.Connection, channel: str = "") -> list[tuple[str, str, bytes, float]]:
    """(channel, kind, body, since) of one channel or all."""
    rows = db.execute(
        "SELECT channel, kind, body, since FROM subscriptions WHERE channel = ? OR ? = '' ORDER BY channel, kind",
        (channel, channel),
    )
    return [(row[0], row[1], row[2], row[3]) for row in rows]


def digest_sent(db: sqlite3.Connection, channel: str, kind: str, period: str, now: float) -> bool:
    """Whether that period's digest is in the ledger already, and not from a clock that was ahead of its time."""
    row = db.execute(
        "SELECT 1 FROM digest_runs WHERE channel = ? AND kind = ? AND period = ? AND at <= ?",
        (channel, kind, period, now),
    ).fetchone()
    return row is not None


def digest_subject(kind: str, period: str) -> str:
    """What a digest's card is called in each channel."""
    return f"{kind}:{period}"


def send_digest(
    db: sqlite3.Connection, channel: str, kind: str, period: str, body: bytes, now: float, due_at: float = 0
) -> bool:
    """Ledger row and card in one transaction. False: that period was sent before. `due_at`: 0 = it is shown at once.

    One from a clock that was ahead was counted before its calls were made: it is edited.
    """
    cursor = db.execute(
        "INSERT INTO digest_runs (channel, kind, period, at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET at = excluded.at WHERE at > excluded.at",
        (channel, kind, period, now),
    )
    if cursor.rowcount:
        cards.mark(db, "digest", digest_subject(kind, period), channel, due_at or now, body)
    return cursor.rowcount == 1


def problem(db: sqlite3.Connection, key: str, text: str, now: float) -> bool:
    """Note that something is broken. True: it is new, so the admins must hear of it."""
    row = db.execute(
        "INSERT INTO problems (key, text, first_at, last_at, count) VALUES (?, ?, ?, ?, 1)"
        " ON CONFLICT (key) DO UPDATE SET text = excluded.text, last_at = excluded.last_at, count = count + 1"
        " RETURNING count",
        (key, text, now, now),
    ).fetchone()
    return bool(row[0] == 1)


def solved(db: sqlite3.Connection, key: str) -> bool:
    """Note that it works again. True: it had been broken."""
    return db.execute("DELETE FROM problems WHERE key = ?", (key,)).rowcount == 1


def problems(db: sqlite3.Connection) -> list[tuple[str, str, float, float, int]]:
    """(key, text, first_at, last_at, count) of all that is broken now."""
    rows = db.execute("SELECT key, text, first_at, last_at, count FROM problems ORDER BY first_at")
    return [(row[0], row[1], row[2], row[3], row[4]) for row in rows]


def remember(db: sqlite3.Connection, key: str, value: str, now: float) -> None:
    """Keep a small fact."""
    db.execute("INSERT OR REPLACE INTO facts (key, value, at) VALUES (?, ?, ?)", (key, value, now))


def recall(db: sqlite3.Connection, key: str) -> tuple[str, float] | None:
    """(value, when) of a small fact."""
    row = db.execute("SELECT value, at FROM facts WHERE key = ?", (key,)).fetchone()
    return (row[0], row[1]) if row else None


def recall_all(db: sqlite3.Connection, prefix: str) -> dict[str, str]:
    """Key -> value of the small facts whose keys begin so."""
    return dict(
        db.execute("SELECT key, value FROM facts WHERE key BETWEEN ? AND ?", (prefix, f"{prefix}\x7f")).fetchall()
    )


def forget_fact(db: sqlite3.Connection, key: str) -> None:
    """Keep it no longer."""
    db.execute("DELETE FROM facts WHERE key = ?", (key,))


def reminders_of(db: sqlite3.Connection, user: str) -> list[tuple[str, float]]:
    """(call id, due) of somebody's reminders that are still to come, the next one first."""
    rows = db.execute("SELECT call_id, due_at FROM reminders WHERE NOT done AND user = ? ORDER BY due_at", (user,))
    return [(row[0], row[1]) for row in rows]


def reminder_of(db: sqlite3.Connection, call_id: str, user: str) -> float:
    """When somebody is reminded of a call, 0 = they are not."""
    row = db.execute("SELECT due_at FROM reminders WHERE id = ? AND NOT done", (f"{call_id} {user}",)).fetchone()
    return float(row[0]) if row else 0
