"""Whether the disk has room: told while there still is some, and afterwards if the database could not be written.

A message to the admins is written down before Slack has it, so none can be promised while nothing can be written:
`/healthz` and the log say it then.
"""

import asyncio
import contextlib
import logging
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

from bot.board import DAMAGED, Board
from bot.cards.times import counted
from bot.store import ledger
from bot.store.engine import examine

log = logging.getLogger("callboard.disk")

LEAST_FREE_BYTES = 200_000_000
_AGAIN_BYTES = LEAST_FREE_BYTES * 5 // 4
"""So much must be free again before that is told: a log that grows and is cut would be told every minute."""


def free_bytes(folder: Path) -> int:
    """Free space of the disk that holds the folder."""
    return shutil.disk_usage(folder).free


class Disk:
    """Looks, each time it is called. `free`: tests bring their own."""

    def __init__(self, board: Board, free: Callable[[Path], int] = free_bytes) -> None:
        self.board = board
        self.free = free
        self.failing_since = 0.0
        self.why = ""
        self.examined = False

    async def __call__(self) -> None:
        with contextlib.suppress(sqlite3.Error):  # too late to be told: what comes next says so
            await self._look_for_room()
            await self._look_for_damage()
        await self._look_whether_it_takes()

    async def _look_for_damage(self) -> None:
        """What was met is told. After a restart the file is read through before it is said to be whole again."""
        db, known = self.board.db, [key for key, *_ in await self.board.read(ledger.problems)]
        if not db.damaged and not self.examined and "database" in known:
            try:
                await asyncio.to_thread(examine, db.path)
            except sqlite3.Error as error:
                db.damaged = str(error)
        self.examined = True
        if db.damaged:
            await self.board.problem("database", DAMAGED.format(db.damaged))
        elif "database" in known:
            await self.board.solved("database")

    async def _look_whether_it_takes(self) -> None:
        board, failing = self.board, self.board.db.failing
        if failing:
            if not self.failing_since:
                self.failing_since, self.why = board.now(), failing
                log.error("The database cannot be written: %s.", failing)
            try:
                await board.write(ledger.remember, "disk", "written", board.now())
            except sqlite3.Error:
                return
        if self.failing_since:
            minutes = max(1, round((board.now() - self.failing_since) / 60))
            log.warning("The database can be written again.")
            for admin in board.settings.admins:
                words = (
                    f"The database could not be written for {counted(minutes, 'minute')} ({self.why}). "
                    "What people asked for then was refused with an error; webhooks were not taken, and not every "
                    "phone service sends them again."
                )
                await board.tell(admin, words, f"disk:{self.failing_since}")
            self.failing_since = 0.0

    async def _look_for_room(self) -> None:
        folder = self.board.db.path.parent
        free = await asyncio.to_thread(self.free, folder)
        if free < LEAST_FREE_BYTES:
            left = f"{free // 10_000_000 * 10} MB"  # not of each megabyte a word in the log
            words = (
                f"The disk of the database has only {left} free, in {folder}. Make room: when it is full, nothing can "
                "be dialled any more, and what callers do is not kept."
            )
            await self.board.problem("disk", words)
        elif free >= _AGAIN_BYTES:
            await self.board.solved("disk")
