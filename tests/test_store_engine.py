"""The one writer: durable, in groups, one bad write alone; and every hot query on an index."""

import asyncio
import contextlib
import sqlite3
import threading
from pathlib import Path

import pytest

from bot.store import Database, ledger, schema


def insert(db: sqlite3.Connection, key: str) -> None:
    ledger.remember(db, key, "value", 0)


async def test_one_bad_write_does_not_fail_its_neighbours(tmp_path: Path) -> None:
    database = Database(tmp_path / "a.sqlite")

    def bad(db: sqlite3.Connection) -> None:
        insert(db, "half done")
        raise ValueError("no")

    writes = [database.write(lambda db, n=n: insert(db, f"k{n}")) for n in range(50)]  # type: ignore[misc]
    found = await asyncio.gather(*writes[:25], database.write(bad), *writes[25:], return_exceptions=True)
    assert [error for error in found if error is not None] == [found[25]]
    assert isinstance(found[25], ValueError)
    keys = await database.read(lambda db: {row[0] for row in db.execute("SELECT key FROM facts")})
    assert keys == {f"k{n}" for n in range(50)}
    database.close()


async def test_what_was_answered_is_there_after_reopening(tmp_path: Path) -> None:
    database = Database(tmp_path / "a.sqlite")
    await database.write(lambda db: insert(db, "kept"))
    database.close()
    again = Database(tmp_path / "a.sqlite")
    assert await again.read(lambda db: ledger.recall(db, "kept")) == ("value", 0.0)
    again.close()


async def test_readers_cannot_write(tmp_path: Path) -> None:
    database = Database(tmp_path / "a.sqlite")
    with pytest.raises(sqlite3.OperationalError):
        await database.read(lambda db: insert(db, "no"))
    database.close()


async def test_a_cancelled_waiter_does_not_undo_the_write(tmp_path: Path) -> None:
    database = Database(tmp_path / "a.sqlite")
    waiter = asyncio.create_task(database.write(lambda db: insert(db, "kept")))
    await asyncio.sleep(0)
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    database.close()
    again = Database(tmp_path / "a.sqlite")
    assert await again.read(lambda db: ledger.recall(db, "kept"))
    again.close()


def test_a_newer_file_is_refused(tmp_path: Path) -> None:
    Database(tmp_path / "a.sqlite").close()
    with sqlite3.connect(tmp_path / "a.sqlite") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(sqlite3.DatabaseError, match="newer Callboard"):
        Database(tmp_path / "a.sqlite")


@pytest.mark.parametrize(
    "query",
    [
        "SELECT body FROM events WHERE call_id = 'x'",
        "SELECT 1 FROM events WHERE account = 'a' AND key = 'k'",
        "SELECT call_id FROM call_refs WHERE account = 'a' AND ref = 'r'",
        "SELECT body FROM calls WHERE state <> 'ended'",
        "SELECT body FROM calls WHERE number = '+1' AND started_at < 9 ORDER BY started_at DESC LIMIT 3",
        "SELECT body FROM calls WHERE rep = 'U' AND started_at >= 1 ORDER BY started_at DESC LIMIT 3",
        "SELECT id FROM calls WHERE started_at >= 1 AND started_at < 2",
        "SELECT 1 FROM calls WHERE number = '+1' AND outcome = 'answered' AND answered_at >= 1",
        "SELECT min(place) FROM cards WHERE dirty AND place > 'C'",
        "SELECT min(due_at) FROM cards WHERE dirty AND place = 'C'",
        "SELECT id FROM cards WHERE dirty AND place = 'C' ORDER BY due_at LIMIT 1",
        "SELECT id FROM cards WHERE subject = 's' AND kind = 'call'",
        "SELECT id FROM missed WHERE number = '+1' AND place = 'C' AND closed_at = 0 AND number <> ''",
        "SELECT id FROM missed WHERE closed_at = 0 AND escalate_at > 0 AND escalate_at <= 5",
        "SELECT id FROM missed WHERE closed_at = 0 ORDER BY opened_at LIMIT 50",
        "SELECT key FROM intents WHERE state <> 'done'",
        "SELECT id FROM reminders WHERE NOT done AND due_at <= 5",
        "SELECT user FROM people WHERE extension = '201' AND extension <> ''",
    ],
)
def test_hot_queries_use_an_index(tmp_path: Path, query: str) -> None:
    Database(tmp_path / "a.sqlite").close()
    db = sqlite3.connect(tmp_path / "a.sqlite")
    plan = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {query}")]
    db.close()
    assert all("USING" in step for step in plan if step.startswith(("SCAN", "SEARCH"))), plan


async def test_after_closing_nobody_waits_for_an_answer_that_never_comes(tmp_path: Path) -> None:
    database = Database(tmp_path / "a.sqlite")
    queued = asyncio.create_task(database.write(lambda db: insert(db, "queued")))
    await asyncio.sleep(0)
    database.close()
    await queued
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        await asyncio.wait_for(database.write(lambda db: insert(db, "late")), 5)
    again = Database(tmp_path / "a.sqlite")
    assert await again.read(lambda db: [row[0] for row in db.execute("SELECT key FROM facts")]) == ["queued"]
    again.close()


async def test_readers_see_what_is_committed_and_nothing_else(tmp_path: Path) -> None:
    database = Database(tmp_path / "a.sqlite")
    half, go_on = threading.Event(), threading.Event()

    def slow(db: sqlite3.Connection) -> None:
        insert(db, "slow")
        half.set()
        go_on.wait(10)

    writing = asyncio.create_task(database.write(slow))
    assert await asyncio.to_thread(half.wait, 10)
    assert await database.read(lambda db: ledger.recall(db, "slow")) is None
    go_on.set()
    await writing
    assert await database.read(lambda db: ledger.recall(db, "slow")) == ("value", 0.0)
    database.close()


async def test_a_commit_that_fails_fails_for_everyone_in_it(tmp_path: Path) -> None:
    """A deferred constraint is checked at the commit: it stands for a full disk, which is told there, too."""
    database = Database(tmp_path / "a.sqlite")

    def make(db: sqlite3.Connection) -> None:
        db.execute("CREATE TABLE parents (id INTEGER PRIMARY KEY)")
        db.execute("CREATE TABLE children (parent REFERENCES parents DEFERRABLE INITIALLY DEFERRED)")

    await database.write(make)
    started, go_on = threading.Event(), threading.Event()

    def hold(db: sqlite3.Connection) -> None:
        started.set()
        go_on.wait(10)

    holding = asyncio.create_task(database.write(hold))
    assert await asyncio.to_thread(started.wait, 10)
    together = [  # queued while the writer is held, so they share one transaction
        asyncio.create_task(database.write(lambda db: insert(db, "neighbour"))),
        asyncio.create_task(database.write(lambda db: db.execute("INSERT INTO children VALUES (1)").rowcount)),
    ]
    await asyncio.sleep(0)
    go_on.set()
    await holding
    found = await asyncio.gather(*together, return_exceptions=True)
    assert [type(error) for error in found] == [sqlite3.IntegrityError] * 2
    assert await database.read(lambda db: ledger.recall(db, "neighbour")) is None
    await database.write(lambda db: insert(db, "next"))  # and the writer goes on
    database.close()


def test_a_file_without_tables_gets_them_once(tmp_path: Path) -> None:
    def tables() -> set[str]:
        with contextlib.closing(sqlite3.connect(tmp_path / "a.sqlite")) as db:
            assert db.execute("PRAGMA user_version").fetchone() == (schema.VERSION,)
            assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            return {row[0] for row in db.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")}

    Database(tmp_path / "a.sqlite").close()
    fresh = tables()
    Database(tmp_path / "a.sqlite").close()
    assert tables() == fresh


def test_a_migration_that_was_cut_off_before_its_version_is_finished(tmp_path: Path) -> None:
    Database(tmp_path / "a.sqlite").close()
    with contextlib.closing(sqlite3.connect(tmp_path / "a.sqlite")) as db:
        db.execute("PRAGMA user_version = 0")
    Database(tmp_path / "a.sqlite").close()
    with contextlib.closing(sqlite3.connect(tmp_path / "a.sqlite")) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (schema.VERSION,)


def test_what_is_no_database_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.sqlite").write_bytes(b"no database at all, only text " * 100)
    with pytest.raises(sqlite3.DatabaseError):
        Database(tmp_path / "a.sqlite")
