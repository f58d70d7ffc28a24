"""The one writer: durable, in groups, one bad write alone; and every hot query on an index."""

import asyncio
import contextlib
import sqlite3
import threading
from pathlib import Path

import msgspec
import pytest
import sqlite_utils

from bot.call import Call
from bot.events import CallEnded, LegRinging, State, Tagged
from bot.store import Database, alone, calls, contacts, engine, ledger, people, recordings, schema
from bot.store.contacts import Contact
from bot.store.migrations import MIGRATIONS
from tests.empty_store import Routes, connected


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


async def test_an_error_that_no_future_takes_leaves_nobody_waiting(tmp_path: Path) -> None:
    """`next()` of nothing raises what asyncio refuses to hand on."""
    database = Database(tmp_path / "a.sqlite")

    def bad(db: sqlite3.Connection) -> None:
        next(iter(()))

    writes = [database.write(bad), database.write(lambda db: insert(db, "kept"))]
    found = await asyncio.wait_for(asyncio.gather(*writes, return_exceptions=True), 10)
    assert (type(found[0]), found[1]) == (RuntimeError, None)
    database.close()


async def test_the_writer_outlives_whatever_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it every webhook and every click would wait for ever."""
    database = Database(tmp_path / "a.sqlite")

    def breaks(*_: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(engine, "_hopefully", breaks)
        with pytest.raises(MemoryError):
            await asyncio.wait_for(database.write(lambda db: insert(db, "lost")), 10)
    await asyncio.wait_for(database.write(lambda db: insert(db, "kept")), 10)
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


async def test_after_closing_nobody_waits_for_an_answer_that_never_comes(tmp_path: Path) -> None:
    database = Database(tmp_path / "a.sqlite")
    queued = asyncio.create_task(database.write(lambda db: insert(db, "queued")))
    await asyncio.sleep(0)
    database.close()
    await asyncio.wait_for(queued, 5)
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        await asyncio.wait_for(database.write(lambda db: insert(db, "late")), 5)
    again = Database(tmp_path / "a.sqlite")
    assert await again.read(lambda db: [row[0] for row in db.execute("SELECT key FROM facts")]) == ["queued"]
    again.close()


async def test_after_closing_everything_is_in_the_one_file(tmp_path: Path) -> None:
    database = Database(tmp_path / "a.sqlite")
    await database.write(lambda db: insert(db, "kept"))
    await database.read(lambda db: db.execute("SELECT key FROM facts").fetchall())
    database.close()
    assert not (tmp_path / "a.sqlite-wal").exists()
    (tmp_path / "a.sqlite").rename(tmp_path / "b.sqlite")
    moved = sqlite3.connect(tmp_path / "b.sqlite")
    assert moved.execute("SELECT key FROM facts").fetchall() == [("kept",)]
    moved.close()


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


def test_an_update_says_what_it_is_doing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """With a large file it takes a while, in which nothing else is heard of the start."""
    caplog.set_level("INFO")
    Database(tmp_path / "a.sqlite").close()
    assert caplog.records == []
    with contextlib.closing(sqlite3.connect(tmp_path / "a.sqlite")) as db:
        db.execute(f"PRAGMA user_version = {schema.VERSION - 1}")
    Database(tmp_path / "a.sqlite").close()
    said = [record.getMessage() for record in caplog.records]
    assert said == [
        f"The database is brought up to date, from version {schema.VERSION - 1} to {schema.VERSION}; a large one takes "
        "a while.",
        "The database is up to date.",
    ]


def test_each_migration_counts() -> None:
    """One that the version does not count would never reach a file that is in use."""
    assert int(list(MIGRATIONS)[-1][1:4]) == schema.VERSION
    assert list(MIGRATIONS) == sorted(MIGRATIONS)


def test_names_of_an_earlier_file_are_found_after_the_update(tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "a.sqlite", isolation_level=None)) as db:
        schema._migrations().apply(sqlite_utils.Database(db), stop_before="m018_folded_names")
        db.execute("PRAGMA user_version = 17")
        book = [
            ("+12025550101", "Jörg Müller", "Élan"),
            ("+12025550102", "Ánna Levi", ""),
            ("+12025550103", "Anna L", ""),
        ]
        for row in book:
            db.execute("INSERT INTO contacts (number, name, company, by, at) VALUES (?, ?, ?, 'U1', 1)", row)
        db.execute("INSERT INTO people (user, name) VALUES ('U1', 'Zoë Hill')")
    Database(tmp_path / "a.sqlite").close()
    with contextlib.closing(connected(tmp_path / "a.sqlite", sqlite3.Connection)) as db:
        joerg, anna, other = (Contact(*row) for row in book)
        assert contacts.page(db) == [other, anna, joerg]
        assert contacts.named(db, "joerg mueller") == contacts.page(db, "elan") == [joerg]
        assert [found.user for found in people.called(db, "zoe")] == ["U1"]


def test_calls_of_an_earlier_file_are_there_after_the_update(tmp_path: Path) -> None:
    """Written as version 7 did: a row for each event."""
    call = Call(id="019c1c38a400006f1528ed", account="acme", direction="in", state=State.RINGING, refs=("r1",))
    rings, ends = LegRinging(ref="r1", at=9.0, leg="ext:201"), CallEnded(ref="r1", at=30.0)
    with contextlib.closing(sqlite3.connect(tmp_path / "a.sqlite", isolation_level=None)) as db:
        schema._migrations().apply(sqlite_utils.Database(db), stop_before="m008_fuller_pages")
        db.execute("PRAGMA user_version = 7")
        write = msgspec.json.encode
        for event, raw in ((rings, b"as it came"), (Tagged(at=8.0, label="VIP"), None)):
            db.execute(
                "INSERT INTO events (account, key, call_id, body, raw, received_at) VALUES ('acme', ?, ?, ?, ?, 9)",
                (event.key, call.id, write(event), raw),
            )
        db.execute("INSERT INTO call_refs VALUES ('acme', 'r1', ?)", (call.id,))
        db.execute(
            "INSERT INTO calls VALUES (?, 'acme', 'in', 'ringing', NULL, '', '', '', 8, 0, 0, 0, 0, 'C1', 0, ?, ?)",
            (call.id, write(call), call.purpose),
        )
        db.execute(
            "INSERT INTO recordings (call_id, recording, place, ended_at, due_at) VALUES (?, 'x', '@U1', 9, 9)",
            [call.id],
        )
    Database(tmp_path / "a.sqlite").close()
    with contextlib.closing(sqlite3.connect(tmp_path / "a.sqlite", isolation_level=None)) as db:
        db.row_factory = sqlite3.Row
        assert calls.get(db, call.id) == call
        assert [copy.place for copy in recordings.due(db, 10)] == ["@U1"]
        assert [row["raw"] for row in db.execute("SELECT raw FROM events ORDER BY id")] == [b"as it came", None]
        assert calls.ingest(db, "acme", [rings], now=31, routing=Routes()) == []
        (change,) = calls.ingest(db, "acme", [rings, ends], now=31, routing=Routes())
        assert (change.fresh, change.call.id, change.call.missed, change.call.tags) == (1, call.id, True, ("VIP",))


def test_what_is_no_database_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.sqlite").write_bytes(b"no database at all, only text " * 100)
    with pytest.raises(sqlite3.DatabaseError):
        Database(tmp_path / "a.sqlite")


async def test_nobody_else_on_the_computer_looks_into_a_new_folder(tmp_path: Path) -> None:
    """It holds numbers and names of people."""
    with alone(tmp_path / "locked" / "lock"), contextlib.closing(Database(tmp_path / "opened" / "callboard.sqlite")):
        for name in ("locked", "opened"):
            assert (tmp_path / name).stat().st_mode & 0o777 == 0o700
