"""Missed callers who wait too long: who is told of them, and who is not.

Whoever claimed one, or spoke with them last, is told first; the managers after that.
"""

import sqlite3
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence, Set
from dataclasses import replace

import msgspec

from bot.board import Board
from bot.call import last_rep
from bot.cards.escalation import escalation
from bot.permission import open_from
from bot.settings import Settings
from bot.store import calls, cards, ledger, lookups, missed
from bot.store.missed import Missed

TALKING_SECONDS = 60
"""So long later it is looked again whether somebody still talks with a missed caller."""
LOST_SECONDS = 86400
"""So long somebody whom Slack shows nothing is not told of missed callers."""
NOBODY, NOBODY_SECONDS = "missed callers", 3600
"""The problem that all who would be told of missed callers have left, and after how long they are tried again."""

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
    if not due:
        return
    # A conversation closes the card only when it is over.
    talking = {call.number for call in await board.read(calls.open_calls) if call.live and call.number}
    settings, broken = board.settings, await board.read(ledger.problems)
    lost = _lost(broken, now - LOST_SECONDS)
    # Where all have left, they are asked about again sooner: the settings may have been wrong.
    there = _there(settings, lost) or _there(settings, _lost(broken, now - NOBODY_SECONDS))
    if there:
        await board.solved(NOBODY)
    for row in due:
        if later := _later(board, row, talking, now):
            await board.write(missed.postpone, row.id, row.escalate_at, later)
            continue
        first = await _first(board, row, lost)
        if not first and not there and (settings.managers or settings.admins):
            words = "Nobody is left who could be told of missed callers. Name somebody in `managers` of callboard.toml."
            await board.problem(NOBODY, words)
            await board.write(missed.postpone, row.id, row.escalate_at, now + NOBODY_SECONDS)
            continue
        managers = [user for user in there if user != row.claimed_by]
        if first and managers and not row.claimed_by and await rests((first,)):
            first = ""
        to = (first,) if first else await _awake(managers, rests)
        bodies = await _bodies(board, row, to, now)
        after = board.routing.remind_after() if row.claimed_by else board.routing.escalate_after()
        following = now + after if first and managers and after else 0.0
        await board.write(_escalate, row, bodies, following, now)


def _later(board: Board, row: Missed, talking: Set[str], now: float) -> float:
    """When it is looked again, because nobody is told of them now; 0 = somebody is."""
    opening = open_from(board, row.number, now, unknown=(board.settings.zone,))
    if opening > now + 1:  # to the microsecond, which the clock's own moments are not
        return opening
    return now + TALKING_SECONDS if row.number in talking else 0


async def _first(board: Board, row: Missed, lost: Set[str]) -> str:
    """Slack user id of who is told before any manager is, "" = nobody, or they were.

    Whom nothing could be shown, because they have left, is not waited for.
    """
    told = row.reminded if row.claimed_by else row.escalations
    if told:
        return ""
    last = row.claimed_by
    if not last and row.number:
        last = last_rep(await board.read(calls.with_number, row.number, row.opened_at, 10))
    return "" if board.turned_away(last) or last in lost else last


async def _bodies(board: Board, row: Missed, to: Sequence[str], now: float) -> dict[str, bytes]:
    """User -> the notice, with the moments of their own zone."""
    contact = await board.read(lookups.known, row.number) if row.number else None
    shown = replace(row, line=board.settings.label(row.line))
    bodies = {}
    for user in to:
        zone = await board.read(board.zone_of, user)
        payload = escalation(shown, contact, now, zone, reader=user)
        bodies[user] = msgspec.json.encode(payload | {"text": board.settings.renamed(payload["text"])})
    return bodies


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


def _escalate(db: sqlite3.Connection, row: Missed, bodies: Mapping[str, bytes], following: float, now: float) -> None:
    fresh = missed.get(db, row.id)
    if fresh is None or not fresh.open or fresh.claimed_by != row.claimed_by or fresh.escalate_at != row.escalate_at:
        return
    for user, body in bodies.items():
        cards.mark(db, "notice", f"{missed.ESCALATED}:{row.id}:{row.escalations}", f"@{user}", now, body)
    missed.escalated(db, row.id, following)
