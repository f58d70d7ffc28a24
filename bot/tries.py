"""Whoever is not reached from a call list is called again, as often as the list says."""

import sqlite3

from bot import permission
from bot.board import Board
from bot.cards.times import how_often
from bot.errors import NotAllowed, NotNow
from bot.events import Outcome
from bot.store import calling_lists, calls
from bot.store import offers as store
from bot.store.offers import Offer

AGAIN_SECONDS = 7200.0
"""After so long a contact that was not reached may be tried again, if the limits of attempts let it be."""
NOT_REACHED = frozenset(
    {
        Outcome.NO_ANSWER,
        Outcome.BUSY,
        Outcome.CANCELLED,
        Outcome.ABANDONED,
        Outcome.VOICEMAIL,
        Outcome.ANNOUNCEMENT,
        Outcome.UNREACHABLE,
        Outcome.FAILED,
    }
)
"""Ends of a call after which it makes sense to try again; whoever declined it said something."""


def close(db: sqlite3.Connection, board: Board, row: Offer) -> None:
    """A contact was called, and that is that; or they come back, where they were not reached and have a try left."""
    if left(db, row) > 0:
        _put_off(db, board, row)
    else:
        store.settle(db, row, "done", "", board.now())


def _put_off(db: sqlite3.Connection, board: Board, row: Offer) -> None:
    now = board.now()
    at = permission.open_from(board, row.number, now + AGAIN_SECONDS)
    tried = store.tries(db, row)
    why = f"Not reached so far: called {how_often(tried)}."
    try:
        permission.check_contact(db, board, row.rep, row.number, at)
    except NotNow as error:
        store.put_off(db, row, "", error.at, f"{why} {error}", now)
    except NotAllowed as error:
        store.settle(db, row, "barred", str(error), now)
    else:
        store.put_off(db, row, "", at, why, now)


def left(db: sqlite3.Connection, row: Offer) -> int:
    """How often a contact that was not reached by its latest call is called again; 0 where it was reached."""
    found, called = calling_lists.get(db, row.list), calls.get(db, row.call_id)
    if found is None or called is None or called.outcome not in NOT_REACHED:
        return 0
    return found.tries - store.tries(db, row)


async def reconsider(board: Board, call_id: str) -> None:
    """The record of a call may come after its rep went on: whoever was not reached comes back, and nobody else."""

    def write(db: sqlite3.Connection) -> None:
        row, called = store.by_call(db, call_id), calls.get(db, call_id)
        if row is None or called is None or row.call_id != call_id:
            return
        found = calling_lists.get(db, row.list)
        if found is None or found.state not in ("running", "paused"):
            return
        if row.state == "done" and left(db, row) > 0:
            _put_off(db, board, row)
        elif row.state == "ready" and not row.rep and called.conversation:
            store.settle(db, row, "done", "", board.now())
        else:
            return
        calling_lists.show(db, row.list, board.now())

    if await board.read(store.by_call, call_id) is not None:  # most calls are made from no list
        await board.write(write)
