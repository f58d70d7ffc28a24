"""The tables, as sqlite-utils migrations: never edit one that was released, add the next.

Times are REAL seconds since 1970 UTC; numbers E.164; JSON columns hold msgspec JSON.
"""

import sqlite3
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite_utils
    from sqlite_utils import Migrations

VERSION = 1
"""`PRAGMA user_version` of a file that has all migrations. Spares importing sqlite-utils (27 MB) at every start."""


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the file to the newest schema; each migration is a transaction of its own.

    Raises:
        sqlite3.DatabaseError: the file was written by a newer Callboard.
    """
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    if found == VERSION:
        return
    if found > VERSION:
        raise sqlite3.DatabaseError("The database was written by a newer Callboard. Update Callboard, then start it.")
    import sqlite_utils

    rows = connection.row_factory
    connection.row_factory = None  # sqlite-utils unpacks plain tuples
    try:
        _migrations().apply(sqlite_utils.Database(connection))
    finally:
        connection.row_factory = rows
    connection.execute(f"PRAGMA user_version = {VERSION}")


def _migrations() -> "Migrations":
    from sqlite_utils import Migrations

    migrations = Migrations("callboard")

    @migrations()
    def m001_first(db: "sqlite_utils.Database") -> None:
        # Not executescript(): it would commit sqlite-utils' transaction first.
        for statement in _FIRST.split(";\n"):
            if statement.strip():
                db.conn.execute(statement)

    return migrations


_FIRST = """
CREATE TABLE calls (
    id TEXT PRIMARY KEY, account TEXT NOT NULL, direction TEXT NOT NULL, state TEXT NOT NULL, outcome TEXT,
    rep TEXT NOT NULL, number TEXT NOT NULL, line TEXT NOT NULL, started_at REAL NOT NULL,
    answered_at REAL NOT NULL, ended_at REAL NOT NULL, ring_seconds INTEGER NOT NULL, talk_seconds INTEGER NOT NULL,
    place TEXT NOT NULL, checked_at REAL NOT NULL DEFAULT 0, body BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX calls_by_start ON calls(started_at);
CREATE INDEX calls_by_number ON calls(number, started_at);
CREATE INDEX calls_by_rep ON calls(rep, started_at);
CREATE INDEX calls_open ON calls(state) WHERE state <> 'ended';
CREATE INDEX calls_pending ON calls(ended_at) WHERE outcome = 'pending';
CREATE INDEX calls_talked ON calls(number, answered_at) WHERE outcome = 'answered';
CREATE TABLE events (
    id INTEGER PRIMARY KEY, account TEXT NOT NULL, key TEXT NOT NULL, call_id TEXT NOT NULL, body BLOB NOT NULL,
    raw BLOB, received_at REAL NOT NULL, UNIQUE (account, key)
);
CREATE INDEX events_by_call ON events(call_id);
CREATE TABLE call_refs (
    account TEXT NOT NULL, ref TEXT NOT NULL, call_id TEXT NOT NULL, PRIMARY KEY (account, ref)
) WITHOUT ROWID;
CREATE INDEX call_refs_by_call ON call_refs(call_id);
CREATE TABLE intents (
    key TEXT PRIMARY KEY, rep TEXT NOT NULL, kind TEXT NOT NULL, state TEXT NOT NULL, at REAL NOT NULL,
    call_id TEXT, body BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX intents_open ON intents(state) WHERE state <> 'done';
CREATE INDEX intents_by_call ON intents(call_id);
CREATE TABLE cards (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, subject TEXT NOT NULL, place TEXT NOT NULL,
    dirty INTEGER NOT NULL DEFAULT 1, due_at REAL NOT NULL DEFAULT 0, version INTEGER NOT NULL DEFAULT 1,
    channel TEXT NOT NULL DEFAULT '', ts TEXT NOT NULL DEFAULT '', shown TEXT NOT NULL DEFAULT '',
    nonce TEXT NOT NULL DEFAULT '', posting_at REAL NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0,
    body BLOB, created_at REAL NOT NULL, UNIQUE (kind, subject, place)
);
CREATE INDEX cards_dirty ON cards(place, due_at) WHERE dirty;
CREATE INDEX cards_by_subject ON cards(subject, kind);
CREATE INDEX cards_by_message ON cards(channel, ts);
CREATE TABLE missed (
    id TEXT PRIMARY KEY, account TEXT NOT NULL, number TEXT NOT NULL, place TEXT NOT NULL, line TEXT NOT NULL,
    name TEXT NOT NULL, opened_at REAL NOT NULL, last_at REAL NOT NULL, calls INTEGER NOT NULL,
    claimed_by TEXT NOT NULL DEFAULT '', claimed_at REAL NOT NULL DEFAULT 0,
    snoozed_until REAL NOT NULL DEFAULT 0, snoozed_by TEXT NOT NULL DEFAULT '',
    closed_at REAL NOT NULL DEFAULT 0, closed_by TEXT NOT NULL DEFAULT '', closed_how TEXT NOT NULL DEFAULT '',
    closed_call TEXT NOT NULL DEFAULT '', escalate_at REAL NOT NULL DEFAULT 0, escalations INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE UNIQUE INDEX missed_open ON missed(number, place) WHERE closed_at = 0 AND number <> '';
CREATE INDEX missed_waiting ON missed(opened_at) WHERE closed_at = 0;
CREATE INDEX missed_escalate ON missed(escalate_at) WHERE closed_at = 0 AND escalate_at > 0;
CREATE TABLE missed_calls (
    call_id TEXT PRIMARY KEY, missed_id TEXT NOT NULL, at REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX missed_calls_by_missed ON missed_calls(missed_id);
CREATE TABLE people (
    user TEXT PRIMARY KEY, name TEXT NOT NULL DEFAULT '', zone TEXT NOT NULL DEFAULT '',
    phone_kind TEXT NOT NULL DEFAULT '', phone TEXT NOT NULL DEFAULT '', account TEXT NOT NULL DEFAULT '',
    extension TEXT NOT NULL DEFAULT '', line TEXT NOT NULL DEFAULT '', home_at REAL NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX people_by_extension ON people(extension) WHERE extension <> '';
CREATE INDEX people_by_phone ON people(phone) WHERE phone <> '';
CREATE TABLE contacts (
    number TEXT PRIMARY KEY, name TEXT NOT NULL, company TEXT NOT NULL DEFAULT '', by TEXT NOT NULL, at REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX contacts_by_name ON contacts(name COLLATE NOCASE);
CREATE TABLE do_not_call (
    number TEXT PRIMARY KEY, reason TEXT NOT NULL, by TEXT NOT NULL, at REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE subscriptions (
    channel TEXT NOT NULL, kind TEXT NOT NULL, body BLOB NOT NULL, by TEXT NOT NULL, since REAL NOT NULL,
    PRIMARY KEY (channel, kind)
) WITHOUT ROWID;
CREATE TABLE digest_runs (
    channel TEXT NOT NULL, kind TEXT NOT NULL, period TEXT NOT NULL, at REAL NOT NULL,
    PRIMARY KEY (channel, kind, period)
) WITHOUT ROWID;
CREATE TABLE reminders (
    id TEXT PRIMARY KEY, call_id TEXT NOT NULL, user TEXT NOT NULL, due_at REAL NOT NULL,
    done INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX reminders_due ON reminders(due_at) WHERE NOT done;
CREATE TABLE audit (
    id INTEGER PRIMARY KEY, at REAL NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL, subject TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX audit_by_time ON audit(at);
CREATE TABLE problems (
    key TEXT PRIMARY KEY, text TEXT NOT NULL, first_at REAL NOT NULL, last_at REAL NOT NULL, count INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE facts (key TEXT PRIMARY KEY, value TEXT NOT NULL, at REAL NOT NULL) WITHOUT ROWID;
"""
