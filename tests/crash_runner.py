"""Runs Callboard as `callboard run` does, but dies by SIGKILL at a chosen commit.

CRASH_AT=3:before dies before the third commit of the run, 3:after right after it is on disk; unset lives on.
Writes the port to the file named by CRASH_PORT once everything runs, and a file `died` beside it before it dies.
"""

import asyncio
import os
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from typing_extensions import override

from bot import settings_reader
from bot.assembly import running
from bot.store import Database

T = TypeVar("T")


def die() -> None:
    # Whoever waits for a process may hear of its end long after its connections are closed.
    Path(os.environ["CRASH_PORT"]).with_name("died").touch()
    os.kill(os.getpid(), signal.SIGKILL)


class DoomedDatabase(Database):
    """Counts commits, and dies at the chosen one."""

    def __init__(self, path: Path) -> None:
        number, _, self.when = os.environ.get("CRASH_AT", "0:never").partition(":")
        self.left = int(number)
        super().__init__(path)

    @override
    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        self.left -= 1
        doomed = self.left == 0
        if doomed and self.when == "before":
            die()
        result = await super().write(work)
        if doomed and self.when == "after":
            die()
        return result


async def main() -> None:
    async with running(settings_reader.load(), open_database=DoomedDatabase) as callboard:
        port = Path(os.environ["CRASH_PORT"])
        port.with_suffix(".new").write_text(str(callboard.port))
        port.with_suffix(".new").rename(port)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
