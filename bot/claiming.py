"""Claiming a missed caller: with a press, or with the call that is placed to them, in one transaction with it.

Who wants to call back and is refused, or is asked first and never answers, claims nobody: others go on seeing that the
caller waits. Who was called meanwhile, or is another's by now, is not called a second time.
"""

import sqlite3

from bot.board import Board
from bot.errors import NotAllowed, NotFound
from bot.store import dials, ledger, missed
from bot.store.missed import Missed

_CALL = "Nothing was dialled; to call them all the same, type `/call` and their number."


def claim(db: sqlite3.Connection, board: Board, missed_id: str, user: str, now: float) -> Missed | None:
    """Claim for somebody, unless a colleague was faster. Returns the row as it is then, None = it is gone."""
    before = missed.get(db, missed_id)
    after = missed.claim(db, missed_id, user, now, board.remind_at())
    if before is not None and after is not None and after.claimed_by == user != before.claimed_by:
        ledger.audit(db, now, user, "claim missed caller", after.number or "withheld number", after.place)
    return after


def claim_to_call(db: sqlite3.Connection, board: Board, missed_id: str, user: str, now: float) -> None:
    """Claim for whoever calls back; raises in the transaction that writes the call down, so that it is not.

    Raises:
        NotFound: somebody has dealt with them.  NotAllowed: a colleague has claimed them, or is on the phone with them:
            they may wait in another channel, too, and a conversation closes the card only when it is over.
    """
    row = to_be_called(claim(db, board, missed_id, user, now), user)
    if row.number and dials.on_a_call(db, row.number, now):
        raise NotAllowed(
            "Somebody is on a call with them right now, so nothing was dialled. If they talk, the card closes by "
            "itself; to call them all the same, type `/call` and their number."
        )


def to_be_called(row: Missed | None, user: str) -> Missed:
    """The row, if this person may call them back.

    Raises:
        NotFound: somebody has dealt with them.  NotAllowed: a colleague has claimed them.
    """
    row = still_open(row, _CALL)
    if row.claimed_by not in ("", user):
        raise NotAllowed(f"<@{row.claimed_by}> has claimed this caller, so nothing was dialled. Ask them first.")
    return row


def still_open(row: Missed | None, nothing: str = "Nothing was changed.") -> Missed:
    """The row, unless somebody has dealt with them.

    Raises:
        NotFound: somebody has.
    """
    if row is None or not row.open:
        raise gone(nothing)
    return row


def gone(nothing: str = "Nothing was changed.") -> NotFound:
    """What whoever comes too late is told.  `nothing`: what was not done."""
    return NotFound(f"This missed caller is closed already. {nothing}")
