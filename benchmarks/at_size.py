"""Callboard with a million calls, 100,000 contacts and lists of 100,000 numbers: `python -m benchmarks.at_size`.

What people wait for against the best SQL that we can write by hand for the same answer, over the same file, in the same
run; and how long everybody else waits while the long jobs go on.
"""

import asyncio
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import httpx

from benchmarks import floors, stored, tables
from benchmarks.long_jobs import Worker
from benchmarks.measuring import ROUNDS, heading, load, median, memory_of, report, server, told
from benchmarks.servers import LINES, settings_of
from benchmarks.stored import DAY
from benchmarks.written import Watched, repeated, retention
from bot import assembly, batches, digests
from bot.board import Board
from bot.call_search import Search
from bot.campaigns import Found
from bot.cards.waiting import Choice
from bot.data_folder import DATABASE
from bot.digest import Figures
from bot.orders import Campaign
from bot.periods import Period, weeks_before
from bot.routing import ByLine
from bot.store import Database, call_log, calls, contacts, missed, recordings
from bot.store.call_log import Reach
from bot.store.engine import add_functions
from handlers import home, waiting
from handlers.click import Click

ZONE = "Asia/Kolkata"
T = TypeVar("T")


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """(milliseconds, result)."""
    began = time.perf_counter()
    result = work()
    return (time.perf_counter() - began) * 1000, result


def reader(path: Path) -> sqlite3.Connection:
    """A connection as the readers of `Database` are."""
    db = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None)
    db.row_factory = sqlite3.Row
    add_functions(db)
    return db


def side_by_side(
    ours: Callable[[], object], floor: Callable[[], object], rounds: int = ROUNDS
) -> tuple[float, float, object, object]:
    """Medians of interleaved rounds in milliseconds, and what each found."""
    took: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        low, found = timed(floor)
        high, told = timed(ours)
        took[0].append(high)
        took[1].append(low)
    return statistics.median(took[0]), statistics.median(took[1]), told, found


# Digests


def digest(board: Board, path: Path, end: float) -> None:
    """All figures and words of a day (with what is usual), a week, a month, against SQL alone."""
    db = reader(path)
    for what, days, rounds, most in (("day", 1, ROUNDS, 1.5), ("week", 7, 3, 1.25), ("month", 30, 3, 1.25)):
        period = Period("k", end - days * DAY, end, end)

        def ours(period: Period = period) -> Figures:
            found = digests._figures(db, period, ZONE, period.end + 3600)
            digests.content(found, mask=False)
            return found

        def floor(period: Period = period) -> floors.Totals:
            weeks = weeks_before(period, ZONE)
            return floors.digest(db, period.start, period.end, period.end + 3600, ZoneInfo(ZONE), weeks)

        high, low, found, plain = side_by_side(ours, floor, rounds)
        assert isinstance(found, Figures)
        assert isinstance(plain, floors.Totals)
        floors.check(found, plain)
        report(f"digest of a {what}, {found.incoming + found.outgoing:,} calls", high, low, "ms", most, False)
    db.close()


# What a person waits for


def queries(board: Board, path: Path, now: float) -> None:
    """Searches, lists and Home, each against the SQL that finds the same rows."""
    db = reader(path)
    rep, number = "U7", stored.regular(7)
    mine, everybody = Reach(rep, ("C1", "C2", f"@{rep}")), Reach()
    quarter = now - 92 * DAY
    deep = db.execute(
        "SELECT started_at, id FROM calls WHERE started_at < ? ORDER BY started_at DESC LIMIT 1", (now - 45 * DAY,)
    ).fetchone()

    def page(search: Search, reach: Reach = everybody, after: Any = None) -> Callable[[], object]:
        return lambda: call_log.page(db, search, reach, 11, after)

    def sql(where: str, *values: object) -> Callable[[], object]:
        return lambda: floors.calls(db, where, values)

    click = Click(user=rep, channel="C1")
    boss = Click(user="U2", channel="C1")
    asked: list[tuple[str, Callable[[], object], Callable[[], object], float]] = [
        ("/calls log of a rep", page(Search(rep=rep), mine), sql("rep = ? AND rep <> ''", rep), 10),
        ("/calls log team", page(Search(since=quarter)), sql("started_at >= ?", quarter), 10),
        (
            "/calls log team, half way down",
            page(Search(since=quarter), everybody, tuple(deep)),
            sql("started_at <= ?", deep[0]),
            10,
        ),
        ("/calls log with a number", page(Search(numbers=(number,))), sql("number = ?", number), 10),
        (
            "/calls log missed, of a rep and their channels",
            page(Search(since=quarter, missed=True), mine),
            sql(f"{floors.MISSED} AND started_at >= ?", quarter),
            50,
        ),
        (
            "/calls log line, missed",
            page(Search(since=quarter, missed=True, line=LINES[3])),
            sql(f"{floors.MISSED} AND line = ? AND started_at >= ?", LINES[3], quarter),
            50,
        ),
        (
            "/calls log messages, of which there are none",
            page(Search(since=quarter, messages=True)),
            sql("purpose = 'message' AND started_at >= ?", quarter),
            1000,
        ),
        (
            "/calls log line that nobody called",
            page(Search(since=quarter, line="+12025550199")),
            sql("line = '+12025550199' AND started_at >= ?", quarter),
            1000,
        ),
        ("history of a number", lambda: calls.with_number(db, number, now), sql("number = ?", number), 5),
        (
            "/missed of a rep",
            lambda: waiting._list(db, board, click, Choice()),
            lambda: floors.waiting(db),
            100,
        ),
        (
            "/missed of a manager",
            lambda: waiting._list(db, board, boss, Choice()),
            lambda: floors.waiting(db),
            100,
        ),
        ("App Home", lambda: home._view(db, board, rep), lambda: floors.home(db, rep, now - DAY), 100),
        ("missed and not called back, 1,000", lambda: missed.waiting(db, 1000), lambda: floors.waiting(db), 20),
        (
            "recordings of a rep",
            lambda: recordings.calls_with(db, rep=rep, limit=25),
            sql("rep = ? AND rep <> '' AND id IN (SELECT call_id FROM recordings)", rep),
            10,
        ),
        ("contact by number", lambda: contacts.get(db, number), lambda: floors.contact(db, number), 1),
        ("contact by name", lambda: contacts.named(db, "Dana Levi"), lambda: floors.named(db, "dana", "levi"), 50),
        (
            "contact by the whole name",
            lambda: contacts.named(db, "Dana Levi3"),
            lambda: floors.named(db, "dana levi3"),
            1,
        ),
        (
            "contact by what 8,000 are called",
            lambda: contacts.named(db, "muller"),
            lambda: floors.named(db, "müller"),
            150,
        ),
        (
            "/contacts, a page that is searched",
            lambda: contacts.page(db, "company 4999"),
            lambda: floors.named(db, "zz"),
            30,
        ),
        ("/contacts, somebody who is not there", lambda: contacts.page(db, "zz"), lambda: floors.named(db, "zz"), 30),
    ]
    for what, ours, floor, most in asked:
        high, low, *_ = side_by_side(ours, floor, 3)
        told(what, high, low, "ms", most)
    db.close()


# Uploads


async def upload(board: Board, folder: Path) -> None:
    """A CSV to rows on disk. Ours are also judged by the policy: emergency, short and costly numbers, hours there."""
    data = tables.numbers(tables.UPLOADED)
    found = Found("voicenter", board.provider("voicenter"), Campaign(code="1", name="Spring", state="running"))
    ours, floor = [], []
    for number in range(2):
        began = time.perf_counter()
        await asyncio.to_thread(floors.upload, folder / f"floor{number}.sqlite", data)
        between = time.perf_counter()
        await batches.prepare(board, "U2", found, data, "many.csv", f"many-{number}")
        floor.append((between - began) * 1000)
        ours.append((time.perf_counter() - between) * 1000)
    what = f"{tables.UPLOADED:,} numbers uploaded, judged, on disk"
    report(what, statistics.median(ours), statistics.median(floor), "ms", 1.15, False)


# The whole bot


def whole_bot(folder: Path, empty: Path) -> None:
    """Start, memory and acknowledgements of a bot that has all this."""
    with server("world", folder) as (world, _):
        outside = {"WORLD_PORT": str(world), "LONG_JOBS": "1"}
        starts: dict[Path, list[float]] = {empty: [], folder: []}
        for number in range(4):
            for data, took in starts.items():
                began = time.perf_counter()
                with server("bot", data, **outside) as (port, _):
                    load("command", port, 1, 1)
                    if number:  # at the very first start tables are made
                        took.append((time.perf_counter() - began) * 1000)
        what = "spawn to the first acknowledgement, against no calls"
        report(what, statistics.median(starts[folder]), statistics.median(starts[empty]), "ms", 1.25, False)
        with server("bot", empty, **outside) as (port, pid):
            warm(port)
            idle = memory_of(pid)
        with server("bot", folder, **outside) as (port, pid), Worker(folder) as worker:
            warm(port)
            worker.tell("once digest")
            report("memory with all calls, a digest of a month made", memory_of(pid), idle, "MB", 2, False)
            waits: dict[str, list[dict[str, float]]] = {"idle": [], "busy": []}
            for _ in range(3):
                waits["idle"].append(load("command", port, 300, 8, 50))
                worker.tell("begin digest upload retention")
                waits["busy"].append(load("command", port, 300, 8, 50))
                done = worker.tell("end")
            for what, target in (("p99", 1.5), ("max", 3)):
                words = f"{what} of acknowledgements: digest, upload, retention"
                report(words, median(waits["busy"], what), median(waits["idle"], what), "ms", target, False)
            report("memory after all that", memory_of(pid), idle, "MB", 2, False)
            print("  meanwhile were done:", ", ".join(f"{name} {count}x" for name, count in sorted(done.items())))


def warm(port: int) -> None:
    """What is imported with the first commands is there."""
    load("command", port, 50, 4)
    time.sleep(2)


async def in_process(folder: Path, now: float) -> None:
    settings = settings_of(folder, 0, LINES)
    database = Watched(folder / "data" / DATABASE)
    async with httpx.AsyncClient() as http:
        board = Board(settings, database, assembly.providers(settings, http))
        try:
            await upload(board, folder)
            await repeated(board)
            await retention(board, database, now)
        finally:
            database.close()


def main(folder: Path) -> None:
    """Everything; about four minutes, and three gigabytes on disk."""
    now, file = time.time(), folder / "data" / DATABASE
    file.parent.mkdir(parents=True, exist_ok=True)
    settings = settings_of(folder, 0, LINES)
    routing = ByLine(settings)
    began = time.perf_counter()
    made = stored.build(file, routing, now)
    stored.compared(file, routing)
    size = file.stat().st_size / 1e9
    print(f"{made:,} calls, {stored.CONTACTS:,} contacts, {size:.1f} GB made in {time.perf_counter() - began:.0f} s")
    database = Database(file)  # as it is while Callboard runs: with its log beside it
    board = Board(settings, database, assembly.providers(settings, httpx.AsyncClient()))
    digest(board, file, stored.first_day(now) + 84 * DAY)
    queries(board, file, now)
    database.close()
    empty = folder / "empty"
    empty.mkdir()
    whole_bot(folder, empty)
    asyncio.run(in_process(folder, now))


if __name__ == "__main__":
    heading()
    with tempfile.TemporaryDirectory() as place:
        main(Path(place))
