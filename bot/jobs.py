"""What happens by the clock. APScheduler only ticks; what is due is always read from a ledger table.

APScheduler loses a job after a kill and fires twice when clocks go back, so none of its state is kept; and where one
is set back it stands still, so that is looked for
(https://apscheduler.readthedocs.io/en/3.x/userguide.html#missed-job-executions-and-coalescing).
"""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence, Set
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from bot import window
from bot.board import Board, sentence
from bot.call import Call
from bot.cards.escalation import escalation
from bot.cards.notice import reminder
from bot.catching_up import EVERY_SECONDS, catch_up
from bot.events import CallEnded, State
from bot.permission import rules
from bot.polling import POLL_SECONDS, Poll
from bot.provider import Provider
from bot.settings import Settings
from bot.store import calls, cards, ledger, lookups, messages, missed, people

log = logging.getLogger("callboard.jobs")

TICK_SECONDS = 15
SILENT_SECONDS = 300
"""A call that only rings and of which nothing was heard for so long is over."""
LONGEST_MESSAGE_SECONDS = 900
"""A voice message whose end was never told is over after so long."""
LONGEST_SECONDS = 7200 + SILENT_SECONDS
"""No provider of ours lets a call last longer than two hours unless told to."""
TALKING_SECONDS = 60
"""So long later it is looked again whether somebody still talks with a missed caller."""
CLOCK_SECONDS = 5.0
"""So often it is looked whether the clock was set back."""
LOST_SECONDS = 86400
"""So long somebody whom Slack shows nothing is not told of missed callers."""
NOBODY, NOBODY_SECONDS = "missed callers", 3600
"""The problem that all who would be told of missed callers have left, and after how long they are tried again."""
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
        person = await board.read(people.person, user)
        since = await board.read(calls.with_number, call.number, now) if call.number else []
        last = next((one for one in since if one.rep == user and one.purpose == call.purpose), None)
        payload = reminder(call, contact, person.zone or board.settings.zone, last)
        await board.write(_remind, reminder_id, user, msgspec.json.encode(payload), now)


def _remind(db: sqlite3.Connection, reminder_id: str, user: str, body: bytes, now: float) -> None:
    if ledger.reminded(db, reminder_id, now):
        cards.mark(db, "notice", f"reminder:{reminder_id}:{now}", f"@{user}", now, body)


Resting = Callable[[Iterable[str]], Awaitable[frozenset[str]]]
"""Which of these Slack users want not to be disturbed now."""


async def escalate(board: Board, resting: Resting) -> None:
    """Missed callers who wait too long: first whoever claimed them, or else spoke with them last, then the managers.

    In calling hours only, and not while they are on the phone. Guests and whoever has left are passed over, and whoever
    wants not to be disturbed, but for who claimed it, and unless all managers do: Slack holds back what they are told.
    Where all managers have left, the admins are told.
    """
    now, rests = board.now(), _asked_once(resting)
    due = await board.read(missed.to_escalate, now)
    # A conversation closes the card only when it is over.
    talking = {call.number for call in await board.read(calls.open_calls) if call.live and call.number} if due else ()
    broken = await board.read(ledger.problems) if due else []
    settings, lost = board.settings, _lost(broken, now - LOST_SECONDS)
    # Where all have left, they are asked about again sooner: the settings may have been wrong.
    there = _there(settings, lost) or _there(settings, _lost(broken, now - NOBODY_SECONDS))
    if due and there:
        await board.solved(NOBODY)
    for row in due:
        opening = _callable_from(board, row.number, now)
        if opening > now + 1:  # to the microsecond, which the clock's own moments are not
            await board.write(missed.postpone, row.id, row.escalate_at, opening)
            continue
        if row.number in talking:
            await board.write(missed.postpone, row.id, row.escalate_at, now + TALKING_SECONDS)
            continue
        last = row.claimed_by or await _last_rep(board, row.number, row.opened_at)
        first = (row.reminded if row.claimed_by else row.escalations) == 0
        # Whom nothing could be shown, because they have left, is not waited for.
        first = first and bool(last) and not board.turned_away(last) and last not in lost
        if not first and not there and (settings.managers or settings.admins):
            words = "Nobody is left who could be told of missed callers. Name somebody in `managers` of callboard.toml."
            await board.problem(NOBODY, words)
            await board.write(missed.postpone, row.id, row.escalate_at, now + NOBODY_SECONDS)
            continue
        managers = [user for user in there if user != row.claimed_by]
        if first and managers and not row.claimed_by and await rests((last,)):
            first = False
        to = (last,) if first else await _awake(managers, rests)
        contact = await board.read(lookups.known, row.number) if row.number else None
        shown = replace(row, line=board.settings.label(row.line))
        bodies = {}
        for user in to:
            person = await board.read(people.person, user)
            payload = escalation(shown, contact, now, person.zone or board.settings.zone, reader=user)
            bodies[user] = msgspec.json.encode(payload | {"text": board.settings.renamed(payload["text"])})
        after = board.routing.remind_after() if row.claimed_by else board.routing.escalate_after()
        following = now + after if first and managers and after else 0.0
        await board.write(_escalate, row, bodies, following, now)


def _lost(broken: Iterable[tuple[str, str, float, float, int]], since: float) -> frozenset[str]:
    """Whom nothing could be shown since then. Later it is tried again, for they may be back."""
    return frozenset(
        key.removeprefix("Slack @") for key, _, _, last_at, _ in broken if key.startswith("Slack @") and last_at > since
    )


def _there(settings: Settings, lost: Set[str]) -> list[str]:
    """Who is told where nobody else is: the managers, or the admins where there are none."""
    managers = [user for user in settings.managers if user not in lost]
    return managers or [user for user in settings.admins if user not in lost]


def _asked_once(resting: Resting) -> Resting:
    """Of each person once: the callers of a night are due in the same moment, and Slack does not answer so often."""
    known: dict[str, bool] = {}

    async def ask(users: Iterable[str]) -> frozenset[str]:
        wanted = tuple(users)
        if new := [user for user in wanted if user not in known]:
            paused = await resting(new)
            known.update({user: user in paused for user in new})
        return frozenset(user for user in wanted if known[user])

    return ask


async def _awake(users: Sequence[str], resting: Resting) -> Sequence[str]:
    paused = await resting(users)
    return [user for user in users if user not in paused] or users


def _escalate(
    db: sqlite3.Connection, row: missed.Missed, bodies: Mapping[str, bytes], following: float, now: float
) -> None:
    fresh = missed.get(db, row.id)
    if fresh is None or not fresh.open or fresh.claimed_by != row.claimed_by or fresh.escalate_at != row.escalate_at:
        return
    for user, body in bodies.items():
        cards.mark(db, "notice", f"{missed.ESCALATED}:{row.id}:{row.escalations}", f"@{user}", now, body)
    missed.escalated(db, row.id, following)


def _callable_from(board: Board, number: str, now: float) -> float:
    limits = rules(board)
    zones = window.zones_of(number) or (board.settings.zone,)
    opening = window.next_open(limits.window, zones, datetime.fromtimestamp(now, UTC))
    return opening.timestamp() if opening else now


async def _last_rep(board: Board, number: str, before: float) -> str:
    if not number:
        return ""
    earlier = await board.read(calls.with_number, number, before, 10)
    return next((call.rep for call in earlier if call.conversation and call.rep), "")


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


def tomorrow_at_nine(now: float, zone: str) -> float:
    """Seconds since 1970 UTC of 09:00 on the next day in that zone."""
    day = datetime.fromtimestamp(now, ZoneInfo(zone)).date() + timedelta(days=1)
    return datetime(day.year, day.month, day.day, 9, tzinfo=ZoneInfo(zone)).timestamp()


async def start(board: Board, extra: dict[str, tuple[Callable[[], Awaitable[None]], float]]) -> Any:
    """Start ticking; returns the scheduler, to be shut down. `extra`: name -> (function, every so many seconds)."""
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

    def ticking(name: str, job: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        async def work() -> None:
            await job()
            await board.solved(f"job {name}")
            running.discard(name)

        async def failed(error: Exception) -> None:
            why = f", {error}" if isinstance(error, sqlite3.Error) else ""  # the words of others may hold anything
            key, words = f"job {name}", f"The regular job “{name}” failed: {type(error).__name__}{why}."
            if board.logged.get(key) != words:  # one that fails every few seconds would fill the log, and the disk
                log.error("Job %s failed.", name, exc_info=error)
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

    for name, (job, seconds) in every.items():
        scheduler.add_job(
            ticking(name, job),
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


def _keep_up(scheduler: Any) -> None:
    """APScheduler waits until the clock shows a moment: set back by an hour, it would do nothing for an hour."""
    if not scheduler.running:
        return
    asyncio.get_running_loop().call_later(CLOCK_SECONDS, _keep_up, scheduler)
    now = datetime.now(UTC)
    for job in scheduler.get_jobs():
        if job.next_run_time > now + job.trigger.interval:
            job.modify(next_run_time=now)
