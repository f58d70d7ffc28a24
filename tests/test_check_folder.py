"""`callboard check`: the data folder and the database, which it looks at and leaves as they are."""

import os
import re
import sqlite3
from contextlib import AsyncExitStack, closing
from pathlib import Path

import pytest

from bot.data_folder import take
from bot.errors import SettingsError
from bot.store import Database, alone, engine, ledger
from bot.store.schema import VERSION
from bot.workspace import IDENTITY
from tests.computer import Computer, computer, fault

__all__ = ["computer"]  # a fixture


def database(computer: Computer) -> Path:
    """As a Callboard that was stopped has left it."""
    file = computer.folder / "data" / "callboard.sqlite"
    Database(file).close()
    return file


def statement(file: Path, sql: str) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        db.execute(sql)


def everything(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


async def test_the_database_is_looked_at_and_left_as_it_is(computer: Computer) -> None:
    _, lines = await computer.check()
    file = database(computer)
    assert f"ok       Database {file}: none yet; the first start makes it" in lines
    statement(file, f"PRAGMA user_version = {VERSION - 1}")
    before = everything(file.parent)
    _, lines = await computer.check()
    (told,) = [line for line in lines if str(file) in line]
    assert told.startswith(f"note     Database {file}: of an older Callboard; the next start brings it up to date")
    assert everything(file.parent) == before
    statement(file, f"PRAGMA user_version = {VERSION}")
    before = everything(file.parent)
    _, lines = await computer.check()
    assert f"ok       Database {file}: whole" in lines
    assert everything(file.parent) == before


async def test_the_database_of_a_callboard_that_runs_is_looked_at_too(computer: Computer) -> None:
    file = computer.folder / "data" / "callboard.sqlite"
    running = Database(file)
    try:
        await running.write(lambda db: ledger.remember(db, "fact", "x" * 9000, 1))
        before = everything(file.parent)
        with alone(file.with_name("callboard.lock")):
            _, lines = await computer.check()
        assert f"ok       Database {file}: whole" in lines
        now = everything(file.parent)
        assert [now[name] for name in (file.name, f"{file.name}-wal")] == [
            before[name] for name in (file.name, f"{file.name}-wal")
        ]
        await running.write(lambda db: ledger.remember(db, "fact", "y", 2))
    finally:
        running.close()


async def test_a_large_database_is_not_read_to_its_end(computer: Computer, monkeypatch: pytest.MonkeyPatch) -> None:
    file = database(computer)
    count = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)"
    statement(file, f"{count} INSERT INTO facts (key, value, at) SELECT i, 'x', 1 FROM n")
    monkeypatch.setattr(engine, "EXAMINE_SECONDS", -1)
    _, lines = await computer.check()
    assert f"ok       Database {file}: too large to be read to its end, whole so far" in lines


@pytest.mark.parametrize("kept", [0.5, 0.05])
async def test_a_damaged_database_is_said(computer: Computer, kept: float) -> None:
    file = database(computer)
    whole = file.read_bytes()
    size = int(len(whole) * kept) // 4096 * 4096
    file.write_bytes(whole[:size] + bytes(len(whole) - size))
    words = "database disk image is malformed. If it is damaged, put a backup in its place: docs/deploying.md."
    await fault(computer, f"WRONG    The database {file} cannot be used: {words}")


async def test_a_file_that_is_no_database_is_said(computer: Computer) -> None:
    file = database(computer)
    file.write_bytes(b"number,name\n" * 1000)
    words = "file is not a database. If it is damaged, put a backup in its place: docs/deploying.md."
    await fault(computer, f"WRONG    The database {file} cannot be used: {words}")


async def test_a_database_of_another_program_is_said_and_never_changed(computer: Computer) -> None:
    file = computer.folder / "data" / "callboard.sqlite"
    file.parent.mkdir()
    statement(file, "CREATE TABLE invoices (id INTEGER)")
    before = everything(file.parent)
    words = "It is another program's. Move it away, or set another CALLBOARD_DATA."
    await fault(computer, f"WRONG    The database {file} cannot be used: {words}")
    with pytest.raises(sqlite3.DatabaseError, match="another program's"):
        Database(file)
    assert everything(file.parent) == before


async def test_a_lock_that_somebody_else_has_left_is_said(computer: Computer, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after one start as root: the lock is the first thing that is taken."""
    lock = database(computer).with_name("callboard.lock")
    lock.touch()
    monkeypatch.setattr(os, "access", lambda path, _: Path(path) != lock)
    words = f"The file {lock} cannot be written. Make it this user's own (chown), then start."
    await fault(computer, f"WRONG    {words}")
    with pytest.raises(SettingsError, match=re.escape(words)):
        async with AsyncExitStack() as stack:
            take(stack, lock.parent)


async def test_a_disk_that_is_read_only_is_nobodys_to_chown(
    computer: Computer, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = database(computer)
    monkeypatch.setattr(os, "access", lambda *_: False)
    monkeypatch.setattr("bot.data_folder._read_only", lambda folder: True)
    fix = "Its disk is mounted read-only: mount it for writing, or set another CALLBOARD_DATA."
    await fault(computer, f"WRONG    The file {file} cannot be written. {fix}")


async def test_a_database_of_a_newer_callboard_is_said(computer: Computer) -> None:
    file = database(computer)
    statement(file, "PRAGMA user_version = 99")
    words = "The database was written by a newer Callboard. Update Callboard, then start it."
    await fault(computer, f"WRONG    The database {file} cannot be used: {words}")


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write everything")
@pytest.mark.parametrize("name", ["callboard.sqlite", "callboard.sqlite-wal"])
async def test_a_database_that_cannot_be_written_is_said(computer: Computer, name: str) -> None:
    beside = database(computer).with_name(name)
    beside.touch()
    beside.chmod(0o444)
    fix = "Make it this user's own (chown), then start."
    await fault(computer, f"WRONG    The file {beside} cannot be written. {fix}")


async def test_the_data_folder(computer: Computer, tmp_path: Path) -> None:
    computer.free = lambda folder: 199_000_000
    folder = tmp_path / "data"
    await fault(computer, f"WRONG    Data folder {folder}: only 199 MB free. Make room: 200 MB at least.")
    computer.free = lambda folder: 200_000_000
    assert f"ok       Data folder {folder}: 0.2 GB free" in (await computer.check())[1]
    folder.rmdir()
    folder.touch()
    why = "cannot be used (a file is in its place). Move that away, or set CALLBOARD_DATA."
    await fault(computer, f"WRONG    Data folder {folder} {why}")
    assert not any("Database" in line for line in (await computer.check())[1])  # which nobody could make there


async def test_a_folder_in_the_place_of_the_database_is_said(computer: Computer, tmp_path: Path) -> None:
    file = tmp_path / "data" / "callboard.sqlite"
    file.mkdir(parents=True)
    await fault(computer, f"WRONG    The database {file} is a folder. Move it away, or set another CALLBOARD_DATA.")


@pytest.mark.parametrize("running", [True, False])
async def test_the_database_of_another_workspace(computer: Computer, running: bool) -> None:
    """A trial's folder, say: everybody of the real workspace would be from outside."""
    file = computer.folder / "data" / "callboard.sqlite"
    kept = Database(file)
    known = b'{"team_id":"T0OTHER","bot_id":"B1","bot_user_id":"U0"}'
    await kept.write(lambda db: ledger.remember(db, IDENTITY, known.decode(), 0))
    if not running:
        kept.close()
    await fault(
        computer,
        f"WRONG    SLACK_BOT_TOKEN is of Callboard test (T1), but {file.parent} is of another workspace (T0OTHER). "
        "Set that one's tokens, or another CALLBOARD_DATA.",
    )
    kept.close()
