"""One writer thread that commits whatever is queued in one transaction, and readers in threads.

Durable and fast at once: `synchronous=FULL`, group commit, a savepoint for each write so that one bad write does
not fail its neighbours. Only the writer's connection writes and checkpoints, which also avoids the WAL-reset
corruption of SQLite 3.7.0-3.51.2 (https://sqlite.org/wal.html#walresetbug).
"""

import asyncio
import contextlib
import errno
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from bot.names import all_folded, holds
from bot.store import schema

T = TypeVar("T")
_Job = tuple[Callable[[sqlite3.Connection], Any], "asyncio.Future[Any]", asyncio.AbstractEventLoop]
_Result = tuple[_Job, Any, BaseException | None]
_READERS = 4
_OF_THE_DISK = (
    *(sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN),
    *(sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB),
)
_NO_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)
_READER_MS = 50
"""So long nobody can write because somebody reads what is to be overwritten."""
SQLITE = sqlite3.sqlite_version
EXAMINE_SECONDS = 5.0
"""So long a file is read through by `examine()`."""


class Database:
    """The SQLite file. Create it in a running loop's thread or before; close it with `close()`.

    Attributes:
        failing: why the latest writes could not be brought to disk, in SQLite's words; "" = they could.
        damaged: what somebody who read or wrote has met of damage, in the same words; "" = none so far. It stays.

    Raises:
        sqlite3.Error: the file cannot be opened or is not ours.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.failing = ""
        self.damaged = ""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._gathered: list[_Job] = []
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []
        self._closed = False
        self._to_overwrite = False
        self._overwritten = False
        self._pool = ThreadPoolExecutor(_READERS, thread_name_prefix="reader")
        ready: Future[None] = Future()
        self._writer = threading.Thread(target=self._write_forever, args=(ready,), name="writer", daemon=True)
        self._writer.start()
        ready.result()

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` in a transaction; returns after the commit is on disk.

        `work` may be run twice, if a neighbour in its group raised: it must do nothing but read and write `db`.
        Whatever `work` raises undoes its own changes, and only those, and is raised here.

        Raises:
            sqlite3.ProgrammingError: after `close()`, when nobody would ever answer.
        """
        if self._closed:
            raise sqlite3.ProgrammingError("The database is closed, so nothing was written. Start Callboard again.")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        if not self._gathered:
            # Not at once: the writer would begin with this one, and all who come in this same turn of the loop would
            # wait for its commit. Together they are one, and a twentieth more commands are acknowledged each second.
            loop.call_soon(self._hand_over)
        self._gathered.append((work, future, loop))
        # A waiter that is cancelled meanwhile does not undo the write: only its future is forgotten.
        return await future

    def _hand_over(self) -> None:
        gathered, self._gathered = self._gathered, []
        for job in gathered:
            self._jobs.put(job)

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` on a read-only connection in a thread; it sees all that was committed before."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._read, work)

    async def overwrite(self) -> bool:
        """Bring all that is committed into the file, and empty the log beside it: until then what was deleted stands in
        both. False: somebody reads what was there before, or the disk fails; try again later."""
        self._to_overwrite = True
        await self.write(lambda db: None)
        return self._overwritten

    def close(self) -> None:
        """Finish what is queued and close all connections.

        The writer's last: only the last one to close may bring the write-ahead log into the file, and readers may not.
        """
        self._closed = True
        self._hand_over()
        self._pool.shutdown()
        for connection in self._readers:
            connection.close()
        self._jobs.put(None)
        self._writer.join()

    def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(
                f"{self.path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
            )
            connection.row_factory = sqlite3.Row
            add_functions(connection)
            connection.execute("PRAGMA query_only = 1")
            connection.execute("PRAGMA busy_timeout = 5000")
            self._local.connection = connection
            self._readers.append(connection)
        try:
            return work(connection)
        except sqlite3.DatabaseError as error:
            self._look_at(error)
            raise

    def _look_at(self, error: BaseException) -> None:
        if is_damage(error):
            self.damaged = str(error)

    def _write_forever(self, ready: "Future[None]") -> None:
        connection: sqlite3.Connection | None = None
        try:
            connection = sqlite3.connect(self.path, isolation_level=None)
            connection.row_factory = sqlite3.Row
            add_functions(connection)
            connection.execute("PRAGMA busy_timeout = 5000")
            schema.version(connection)  # before anything is changed in a file that is not ours
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = 1")
            schema.migrate(connection)
        except BaseException as error:
            if connection is not None:
                connection.close()
            ready.set_exception(error)
            return
        ready.set_result(None)
        while (first := self._jobs.get()) is not None:
            jobs: list[_Job] = [first]
            stop = False
            with contextlib.suppress(queue.Empty):
                while len(jobs) < 512:
                    job = self._jobs.get_nowait()
                    if job is None:
                        stop = True
                        break
                    jobs.append(job)
            before = connection.total_changes
            results = _commit_together(connection, jobs)
            failing = next((str(error) for *_, error in results if error and is_of_the_disk(error)), "")
            for *_, wrong in results:
                if wrong:
                    self._look_at(wrong)
            if failing or connection.total_changes > before:  # what changes nothing is taken by a full disk, too
                self.failing = failing
            if self._to_overwrite:
                self._to_overwrite, self._overwritten = False, _checkpoint(connection)
            _answer(results)
            if stop:
                break
        connection.close()


def _checkpoint(connection: sqlite3.Connection) -> bool:
    """The whole log into the file, and nothing left in it; whether that was possible without much waiting."""
    try:
        connection.execute(f"PRAGMA busy_timeout = {_READER_MS}")
        return not connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    except sqlite3.Error:  # whoever writes next says what the disk has
        return False
    finally:
        connection.execute("PRAGMA busy_timeout = 5000")


class Taken(Exception):
    """Another process works on that folder."""


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """While the block runs, no other process gets into a block of the same `path`; a kill ends it, too.

    An exclusive transaction of a file of its own, because that locks on every system that SQLite knows.

    Raises:
        Taken: another process is in it.  sqlite3.Error: the file cannot be opened.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = sqlite3.connect(path, isolation_level=None, timeout=0, check_same_thread=False)
    try:
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            raise Taken from error
        yield
    finally:
        lock.close()


def is_taken(path: Path) -> bool:
    """Whether somebody is in a block of `alone()` there; only looks. True as well where that cannot be told."""
    if not path.exists():
        return False
    look = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=0)
    try:
        look.execute("SELECT 1 FROM sqlite_master")
    except sqlite3.Error:
        return True
    finally:
        look.close()
    return False


def examine(path: Path) -> tuple[int, bool]:
    """(version of the schema, 0 = none yet; was it read to its end?) of a file that is there and may be in use.

    Changes nothing.

    Raises:
        sqlite3.Error: it is damaged, another program's, or of a newer Callboard.
    """

    def work(connection: sqlite3.Connection) -> tuple[int, bool]:
        found = schema.version(connection)
        until = time.monotonic() + EXAMINE_SECONDS
        connection.set_progress_handler(lambda: time.monotonic() > until, 1000)
        try:
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
                raise
            return found, False
        if verdict != "ok":
            raise sqlite3.DatabaseError("database disk image is malformed")
        return found, True

    return read_only(path, work)


def read_only(path: Path, work: Callable[[sqlite3.Connection], T]) -> T:
    """What `work`, which only reads, finds in a file that may be in use. Changes nothing.

    Raises:
        sqlite3.Error: the file is not there, or cannot be read.
    """
    # Whoever opens a WAL file makes the two files beside it, unless told that nobody else can write it now.
    closed = "" if path.with_name(f"{path.name}-wal").exists() else "&immutable=1"
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro{closed}", uri=True, isolation_level=None)
    try:
        connection.execute("PRAGMA busy_timeout = 5000")
        return work(connection)
    finally:
        connection.close()


def add_functions(connection: sqlite3.Connection) -> None:
    """What our queries call and SQLite lacks: `holds(text, part)`, because its own instr() and LIKE know only a to z,
    and `all_folded(text)`, with which that is stored in which much is looked for.

    No index may use them: the file is also opened by other tools.
    """
    connection.create_function("holds", 2, holds, deterministic=True)
    connection.create_function("all_folded", 1, all_folded, deterministic=True)


def _commit_together(connection: sqlite3.Connection, jobs: list[_Job]) -> list[_Result]:
    try:
        return _hopefully(connection, jobs) or _carefully(connection, jobs)
    except Exception as error:  # disk full, I/O error: nothing of this batch is durable, so everybody is told
        with contextlib.suppress(sqlite3.Error):  # the writer goes on, whatever happens: else everybody would wait
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        return [(job, None, error) for job in jobs]


def _answer(results: list[_Result]) -> None:
    # One wake-up per loop and batch, not one per job: waking the loop costs more than the row.
    for loop in {job[2] for job, *_ in results}:
        answers = [(job[1], value, error) for job, value, error in results if job[2] is loop]
        with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile: nobody waits any more
            loop.call_soon_threadsafe(_resolve, answers)


def is_of_the_disk(error: BaseException) -> bool:
    """Whether the disk is full or away, or its file damaged: a person has to mend that. Of any file on it."""
    if isinstance(error, OSError):
        return error.errno in _NO_DISK
    return _primary(error) in _OF_THE_DISK


def is_damage(error: BaseException) -> bool:
    """Whether the file is no whole database any more: what helps is a backup."""
    return _primary(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def is_failing(error: BaseException) -> bool:
    """Whether the system could not read or write the file."""
    return _primary(error) == sqlite3.SQLITE_IOERR


def _primary(error: BaseException) -> int:
    """https://sqlite.org/rescode.html"""
    return (getattr(error, "sqlite_errorcode", 0) if isinstance(error, sqlite3.Error) else 0) & 0xFF


def _hopefully(connection: sqlite3.Connection, jobs: list[_Job]) -> list[_Result] | None:
    """All in one transaction without savepoints, which cost more than most writes; None if one of them raised."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        results: list[_Result] = [(job, job[0](connection), None) for job in jobs]
    except Exception:  # told by _carefully(), which runs them again one by one
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        return None
    connection.execute("COMMIT")
    return results


def _carefully(connection: sqlite3.Connection, jobs: list[_Job]) -> list[_Result]:
    """Each with a savepoint, so that the one that raises undoes only its own changes."""
    results: list[_Result] = []
    connection.execute("BEGIN IMMEDIATE")
    for job in jobs:
        connection.execute("SAVEPOINT job")
        try:
            results.append((job, job[0](connection), None))
        except Exception as error:
            if not connection.in_transaction:  # undone as a whole, as SQLite does on a full disk
                raise
            connection.execute("ROLLBACK TO job")
            results.append((job, None, error))
        connection.execute("RELEASE job")
    connection.execute("COMMIT")
    return results


def _resolve(answers: "list[tuple[asyncio.Future[Any], Any, BaseException | None]]") -> None:
    for future, value, error in answers:
        if future.cancelled():
            continue
        if error is None:
            future.set_result(value)
        elif isinstance(error, StopIteration):  # no future takes it
            future.set_exception(RuntimeError("A write raised StopIteration."))
        else:
            future.set_exception(error)
