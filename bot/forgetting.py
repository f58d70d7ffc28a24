"""Old calls, messages and log lines go by themselves, where settings say after how many days."""

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from bot.board import Board
from bot.cards.times import counted
from bot.store import ledger, lookups, retention

DAY_SECONDS = 86400.0
LOOKUP_DAYS = 90
"""So long the name of a caller is kept who was looked up and did not call again."""
RESTS, LONGEST_REST_SECONDS = 9, 1.0
"""So many times as long as a bit took nothing is deleted, for the others who write; and the most of that."""
K = TypeVar("K")


async def expire(board: Board) -> None:
    """Delete what is older than `[retention]` says, bit by bit, so that nobody waits for it; the log says how much.

    What somebody reads just then is overwritten an hour later.
    """
    kept, now = board.settings.retention, board.now()
    days = kept.calls_days
    work: list[tuple[str, int, Callable[[Board, float], Awaitable[int]]]] = [
        ("voice messages", days, _all(retention.forget_messages)),
        ("calls", days, _found(retention.old_calls, retention.forget_calls, "")),
        ("", days, _all(retention.shorten_lists)),
        ("lists of calls", days, _all(retention.forget_lists)),
        ("call lists", days, _all(retention.forget_calling_lists)),
        ("tables of contacts", days, _all(retention.forget_imports)),
        ("notices", days, _found(retention.old_notices, retention.forget_notices, 0)),
        ("orders and steps", days, _all(retention.forget_words)),
        ("names of callers", min(days or LOOKUP_DAYS, LOOKUP_DAYS), _all(lookups.forget)),
        ("log lines", kept.audit_days, _all(retention.forget_audit)),
    ]
    for what, days, forget in work:
        total = await forget(board, now - days * DAY_SECONDS) if days else 0
        if total and what:
            told = f"older than {counted(days, 'day')}"
            await board.write(ledger.audit, board.now(), "", "forget", f"{what}: {total:,}", told)
    await board.db.overwrite()


def _all(forget: Callable[..., int]) -> Callable[[Board, float], Awaitable[int]]:
    """Do it until there is no more. Returns how many that were."""

    async def work(board: Board, before: float) -> int:
        total = 0
        while gone := await _a_bit(board, forget, before):
            total += gone
        return total

    return work


def _found(
    find: Callable[..., list[K]], forget: Callable[..., int], first: K
) -> Callable[[Board, float], Awaitable[int]]:
    """The same of what a reader looks for, so that nobody waits while it passes over what stays."""

    async def work(board: Board, before: float) -> int:
        total, last = 0, first
        while found := await board.read(find, before, last):
            total += await _a_bit(board, forget, found, before)
            last = found[-1]
        return total

    return work


async def _a_bit(board: Board, forget: Callable[..., int], *what: object) -> int:
    began = time.monotonic()
    gone = await board.write(forget, *what)
    if gone:
        await board.sleep(min(RESTS * (time.monotonic() - began), LONGEST_REST_SECONDS))
    return gone
