"""An empty database as all migrations leave it, made once by each process: making one costs more than most tests do.

What migrating does is proven by `test_store_engine.py`, and by whoever starts the whole bot.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from bot.call import Call, Unreported
from bot.roundups import Roundup
from bot.store import Database
from bot.store.engine import add_functions

C = TypeVar("C", bound=sqlite3.Connection)


def prepared(path: Path) -> Path:
    """The same path, where there is a database by then: an empty one unless there was one before."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_empty())
    return path


def connected(path: Path, factory: type[C]) -> C:
    """A connection like the writer's, to the database at that path, for a test that is its only user: it waits for no
    disk, for what one without a process that dies proves does not depend on that.
    """
    connection = sqlite3.connect(prepared(path), isolation_level=None, factory=factory)
    add_functions(connection)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA synchronous = OFF")
    return connection


def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """The same for a fixture, closed after it."""
    connection = connected(path, sqlite3.Connection)
    yield connection
    connection.close()


@dataclass
class Routes:
    """Where calls are shown: everything in one channel."""

    summaries: bool = True
    incoming: bool = True
    after: float = 900.0

    def place(self, call: Call) -> str:
        return "C1"

    def summary(self, call: Call) -> bool:
        return self.summaries

    def announced(self, call: Call) -> bool:
        return self.incoming

    def unreported(self, call: Call) -> Unreported:
        return ""

    def escalate_after(self) -> float:
        return self.after

    def remind_after(self) -> float:
        return self.after

    def stops(self, heard: Sequence[str]) -> str:
        return ""

    def roundup(self, call: Call, place: str, now: float) -> Roundup | None:
        return None


@cache
def _empty() -> bytes:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "empty.sqlite"
        Database(file).close()
        return file.read_bytes()
