"""What happens by the clock. APScheduler only ticks; what is due is always read from a ledger table.

APScheduler loses a job after a kill and fires twice when clocks go back, so none of its state is kept; and where one
is set back it stands still, so that is looked for
(https://apscheduler.readthedocs.io/en/3.x/userguide.html#missed-job-executions-and-coalescing).
"""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

import msgspec

from bot.board import Board, sentence
from bot.call import Call
from bot.cards.notice import reminder
from bot.catching_up import EVERY_SECONDS, catch_up
from bot.events import CallEnded, State
from bot.polling import POLL_SECONDS, Poll
from bot.provider import Provider
from bot.store import calls, cards, is_of_the_disk, ledger, lookups, messages

log = logging.getLogger("callboard.jobs")

TICK_SECONDS = 15
SILENT_SECONDS = 300
"""A call that only rings and of which nothing was heard for so long is over."""
LONGEST_MESSAGE_SECONDS = 900
"""A voice message whose end was never told is over after so long."""
LONGEST_SECONDS = 7200 + SILENT_SECONDS
"""No provider of ours lets a call last longer than two hours unless told to."""
CLOCK_SECONDS = 5.0
"""So often it is looked whether the clock was set back."""
CHECK_SECONDS = 60
"""So long a round of checks waits for a service; one that is slower goes on by itself."""


async def tick(board: Board) -> None:
    """Redraw the timers of live calls. With many of them each is redrawn less often, to keep Slack's limits.

    One that somebody hangs up in vain is not kept waiting: *Hang up* comes back.
    """
    live = [call for call in await board.read(calls.open_calls) if call.live]
    share = max(1, len(live) // 10)
    turn = int(board.now() // TICK_SECONDS)

    def redraw(db: sqlite3.Connection) -> None:
        for number, call in enumerate(live):
            if (number + turn) % share == 0 or call.hang_up_by:
                for kind in ("call", "incoming"):
                    cards.touch(db, call.id, kind)
            if call.hang_up_by and call.purpose == "message":
                messages.show(db, call.id)

    if live:
        await board.write(redraw)


async def finish_silent(board: Board) -> None:
    """Calls whose last webhook never came are closed, and say so; not those that wait long, as their service says."""
    for call in await board.read(calls.open_calls):
        if _silent(board, call):
            board.changed(change.call for change in await board.write(_finish, board, call.id))


def _finish(db: sqlite3.Connection, board: Board, call_id: str) -> list[calls.Change]:
    """Unless somebody has told of it in this very moment, or it was found to be another call."""
    call, now = calls.get(db, call_id), board.now()
    if call is None or call.state is State.ENDED or not _silent(board, call):
        return []
    # One that is listed is let go for good: it would be back with the next answer, and over again, for ever.
    end = CallEnded(ref=call.refs[0], at=now, absent=not _listed(board, call))
    return calls.ingest(db, call.account, [end], now=now, routing=board.routing, call_id=call_id)


def _silent(board: Board, call: Call) -> bool:
    if call.state in (State.REQUESTED, State.UNCLEAR) or not call.refs:
        return False
    now = board.now()
    longest = LONGEST_MESSAGE_SECONDS if call.purpose == "message" else LONGEST_SECONDS
    limit = longest if call.state is State.TALKING else SILENT_SECONDS
    since = max([call.started_at, call.answered_at, call.guided_at, *(leg.ringing_at for leg in call.legs)])
    if call.purpose != "message" and _listed(board, call):
        limit = LONGEST_SECONDS
    return now - since > limit


def _listed(board: Board, call: Call) -> bool:
    return board.now() - board.listed.get(call.id, 0) <= SILENT_SECONDS


async def remind(board: Board) -> None:
    """*Call later* reminders whose time has come, once each; a guest by now is told nothing."""
    now = board.now()
    for reminder_id, call_id, user, _due in await board.read(ledger.reminders_due, now):
        call = await board.read(calls.get, call_id)
        if call is None or board.turned_away(user):
            await board.write(ledger.reminded, reminder_id, now)
            continue
        contact = await board.read(lookups.known, call.number)
        since = await board.read(calls.with_number, call.number, now) if call.number else []
        last = next((one for one in since if one.rep == user and one.purpose == call.purpose), None)
        payload = reminder(call, contact, await board.read(board.zone_of, user), last)
        await board.write(_remind, reminder_id, user, msgspec.json.encode(payload), now)


def _remind(db: sqlite3.Connection, reminder_id: str, user: str, body: bytes, now: float) -> None:
    if ledger.reminded(db, reminder_id, now):
        cards.mark(db, "notice", f"reminder:{reminder_id}:{now}", f"@{user}", now, body)


async def check_providers(board: Board) -> None:
    """Whether each account's credentials work, where that can be asked without placing a call."""
    able = [(account, provider) for account, provider in board.providers.items() if provider.can("check")]
    await board.together([_check(board, account, provider) for account, provider in able], CHECK_SECONDS)


async def _check(board: Board, account: str, provider: Provider) -> None:
    try:
        await provider.check()
    except Exception as error:  # a bug of ours with this account must not stop the others either
        await board.problem(f"provider {account}", f"{account}: {sentence(error)}")
    else:
        await board.solved(f"provider {account}")
    if outdated := provider.outdated():
        await board.problem(f"version {account}", outdated)
    else:
        await board.solved(f"version {account}")


async def start(board: Board, extra: dict[str, tuple[Callable[[], Awaitable[None]], float]]) -> Any:
    """Start ticking; returns the scheduler, for `stop()`. `extra`: name -> (function, every so many seconds)."""
    # In a thread, because importing it takes 70 ms in which the first acknowledgement would wait.
    apscheduler = await asyncio.to_thread(import_module, "apscheduler.schedulers.asyncio")
    every: dict[str, tuple[Callable[[], Awaitable[None]], float]] = {
        "poll": (Poll(board), POLL_SECONDS),
        "tick": (lambda: tick(board), TICK_SECONDS),
        "remind": (lambda: remind(board), 10),
        "finish_silent": (lambda: finish_silent(board), 30),
        "check_providers": (lambda: check_providers(board), 300),
        "catch_up": (lambda: catch_up(board), EVERY_SECONDS),
        **extra,
    }
    scheduler = apscheduler.AsyncIOScheduler(timezone="UTC")
    running: set[str] = set()
    for name, (job, seconds) in every.items():
        scheduler.add_job(
            _ticking(board, running, name, job),
            "interval",
            seconds=seconds,
            # Who still waits after a restart is told by the first poll, so silence is looked for after it.
            next_run_time=datetime.now(UTC) + timedelta(seconds=seconds if name == "finish_silent" else 0),
            misfire_grace_time=None,
            coalesce=True,
            max_instances=2,
        )
    scheduler.start()
    _keep_up(scheduler)
    return scheduler


def _ticking(
    board: Board, running: set[str], name: str, job: Callable[[], Awaitable[None]]
) -> Callable[[], Awaitable[None]]:
    """The job as it is ticked: not again while it is running, and its failure is a problem until it works."""

    async def work() -> None:
        await job()
        await board.solved(f"job {name}")
        running.discard(name)

    async def failed(error: Exception) -> None:
        why = f", {error}" if isinstance(error, sqlite3.Error) else ""  # the words of others may hold anything
        key, words = f"job {name}", f"The regular job “{name}” failed: {type(error).__name__}{why}."
        if board.logged.get(key) != words:  # one that fails every few seconds would fill the log, and the disk
            log.error("Job %s failed.", name, exc_info=None if is_of_the_disk(error) else error)
        try:
            with contextlib.suppress(sqlite3.Error):  # whoever looks after the disk says that
                await board.problem(key, words)
        finally:
            running.discard(name)  # only now: the next round, should it work, must find the problem to solve

    async def tick() -> None:
        if name not in running:
            running.add(name)
            board.spawn(work(), failed)  # tracked: stopping lets it finish, APScheduler would cut it off

    return tick


async def stop(scheduler: Any) -> None:
    """Tick no more. What is due by now is begun, and finished by whoever settles: cut off, it would be an error in the
    log, with a traceback."""
    scheduler.pause()
    await asyncio.sleep(0)
    scheduler.shutdown(wait=False)


def _keep_up(scheduler: Any) -> None:
    """APScheduler waits until the clock shows a moment: set back by an hour, it would do nothing for an hour."""
    if not scheduler.running:
        return
    asyncio.get_running_loop().call_later(CLOCK_SECONDS, _keep_up, scheduler)
    now = datetime.now(UTC)
    for job in scheduler.get_jobs():
        if job.next_run_time > now + job.trigger.interval:
            job.modify(next_run_time=now)
