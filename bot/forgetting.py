"""Old calls, messages and log lines go by themselves, where settings say after how many days."""

from collections.abc import Callable

from bot.board import Board
from bot.cards.times import counted
from bot.store import ledger, lookups, retention

DAY_SECONDS = 86400.0
LOOKUP_DAYS = 90
"""So long the name of a caller is kept who was looked up and did not call again."""


async def expire(board: Board) -> None:
    """Delete what is older than `[retention]` says, bit by bit, so that nobody waits for it; the log says how much.

    What somebody reads just then is overwritten an hour later.
    """
    kept = board.settings.retention
    work: list[tuple[str, int, Callable[..., int]]] = [
        ("voice messages", kept.calls_days, retention.forget_messages),
        ("calls", kept.calls_days, retention.forget_calls),
        ("lists of calls", kept.calls_days, retention.forget_lists),
        ("call lists", kept.calls_days, retention.forget_calling_lists),
        ("tables of contacts", kept.calls_days, retention.forget_imports),
        ("notices", kept.calls_days, retention.forget_words),
        ("names of callers", min(kept.calls_days or LOOKUP_DAYS, LOOKUP_DAYS), lookups.forget),
        ("log lines", kept.audit_days, retention.forget_audit),
    ]
    for what, days, forget in work:
        if not days:
            continue
        total, before = 0, board.now() - days * DAY_SECONDS
        while gone := await board.write(forget, before):
            total += gone
        if total:
            await board.write(
                ledger.audit, board.now(), "", "forget", f"{what}: {total:,}", f"older than {counted(days, 'day')}"
            )
    await board.db.overwrite()
