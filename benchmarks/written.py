"""What is written while a bot with a million calls goes on: webhooks that come again, and retention."""

import asyncio
import dataclasses
import sqlite3
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec
from typing_extensions import override

from benchmarks import stored
from benchmarks.measuring import report
from benchmarks.stored import DAY
from bot import forgetting
from bot.board import Board
from bot.events import AnyEvent
from bot.settings import Retention
from bot.store import Database

FORGOTTEN_DAYS = 9
"""So many days hold 100,000 calls."""
T = TypeVar("T")


async def repeated(board: Board) -> None:
    """A webhook that comes again: found to be known, against taken in."""
    now = time.time()
    first: list[float] = []
    again: list[float] = []
    for _, events in stored.told(now - 2 * DAY, seed=9)[:1500]:
        events = tuple(renamed(event, "twice") for event in events)
        for took in (first, again):
            began = time.perf_counter()
            await board.ingest("voicenter", events)
            took.append((time.perf_counter() - began) * 1000)
    report(
        "a webhook again, in the database, against the first",
        statistics.median(again),
        statistics.median(first),
        "ms",
        0.2,
        False,
    )


class Watched(Database):
    """Remembers how long each write held the others up, in milliseconds of the processor: whatever else is going on on
    the machine, and the commit, which many share, aside."""

    def __init__(self, path: Path) -> None:
        self.took: list[float] = []
        super().__init__(path)

    @override
    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        def measured(db: sqlite3.Connection) -> T:
            began = time.thread_time()
            result = work(db)
            self.took.append((time.thread_time() - began) * 1000)
            return result

        return await super().write(measured)


async def retention(board: Board, database: Watched, now: float) -> None:
    """100,000 calls go because of their age, while others write; looked at for half a minute."""
    story = [events for _, events in stored.told(now - 2 * DAY, seed=3, days=0.4)]

    async def ingested(seconds: float, number: int) -> float:
        """Calls a second that 32 tell at the same time."""
        mine = [[renamed(event, f"again{number}") for event in events] for events in story]
        began, count = time.perf_counter(), 0

        async def one() -> None:
            nonlocal count
            while mine and time.perf_counter() < began + seconds:
                await board.ingest("voicenter", mine.pop(), late=True)
                count += 1

        await asyncio.gather(*(one() for _ in range(32)))
        return count / (time.perf_counter() - began)

    async def waited(seconds: float) -> list[float]:
        """How long a small write takes, again and again."""
        until, found = time.perf_counter() + seconds, list[float]()
        while time.perf_counter() < until:
            began = time.perf_counter()
            await board.write(lambda db: db.execute("INSERT OR REPLACE INTO facts VALUES ('bench', '', 0)").rowcount)
            found.append((time.perf_counter() - began) * 1000)
            await asyncio.sleep(0.002)
        return sorted(found)

    alone = [await ingested(2, 1)]
    quiet = await waited(2)
    kept = dataclasses.replace(
        board.settings, retention=Retention(calls_days=int((now - stored.first_day(now)) / DAY) - FORGOTTEN_DAYS)
    )
    oldest = now - kept.retention.calls_days * DAY
    before = await board.read(count, oldest)
    board.settings = kept
    database.took.clear()
    began = time.perf_counter()
    going = asyncio.create_task(forgetting.expire(board))
    busy = await waited(2)
    longest = max(database.took)
    meanwhile = [await ingested(2, 2)]
    if not going.done():
        database.took.clear()
        await asyncio.wait({going}, timeout=20)
        longest = max(longest, *database.took)
    seconds = time.perf_counter() - began
    over = going.done()
    going.cancel()
    await asyncio.gather(going, return_exceptions=True)
    alone.append(await ingested(2, 3))
    gone = before - await board.read(count, oldest)
    print(f"  {gone:,} calls went in {seconds:.0f} s{'' if over else ', and it would go on'}")
    report("retention: the longest transaction, against 20 ms", longest, 20, "ms", 1, False)
    report("retention: p99 of a small write meanwhile", percentile(busy, 0.99), percentile(quiet, 0.99), "ms", 5, False)
    report(
        "retention: calls taken in meanwhile", statistics.median(meanwhile), statistics.median(alone), "1/s", 0.9, True
    )


def renamed(event: AnyEvent, name: str) -> AnyEvent:
    """The event of a call of its own."""
    return msgspec.structs.replace(event, ref=f"{name}-{event.ref}")


def count(db: sqlite3.Connection, before: float) -> int:
    """Calls that began before that moment."""
    return int(db.execute("SELECT count(*) FROM calls WHERE started_at < ?", (before,)).fetchone()[0])


def percentile(found: list[float], share: float) -> float:
    return found[min(len(found) - 1, int(len(found) * share))]
