"""Auto-dial: the contacts of a rep's call list are called one after the other, without a press for each.

Nothing is dialled here. What is due is pressed in the rep's place, with the key that their own press would have, so a
contact is called once, whoever was first. The rep's phone rings first, and a contact is called when it was picked up:
nobody is rung who would then hear silence, so there are no abandoned calls to count. Whatever keeps the rep from
calling (their phone is not answered, a limit, a question) ends auto-dial and says why.
"""

import logging
import sqlite3
from typing import Literal

import msgspec

from bot import offers
from bot.board import Board
from bot.call import Call
from bot.cards.offer import RESTS, Press
from bot.cards.outcomes import NEVER_DIALLED
from bot.errors import CallboardError, NeedsYes, NotAllowed
from bot.events import Outcome, State
from bot.permission import open_from
from bot.store import calling_lists, calls, ledger, people
from bot.store import offers as store
from bot.store.offers import Offer, Rep
from bot.store.people import Person

log = logging.getLogger("callboard.auto_dial")

IDLE_SECONDS = 1800
"""So long after a rep's last call or press they are taken to be at their desk."""
_LATELY_SECONDS = 4 * 3600


class _NotAnyMore(Exception):
    """It was switched off, or the rep is on the phone, since it was found that a call is due."""


class Due(msgspec.Struct, frozen=True):
    """What auto-dial does for a rep now.

    Attributes:
        what: call the contact before them; show for a while that they were not reached; then go on to the next; or
            stop, with the reason in `words`.
    """

    what: Literal["call", "show", "next", "stop"]
    row: Offer | None = None
    words: str = ""


async def start(board: Board, user: str, list_id: str, rest: int) -> None:
    """*Auto-dial*: the contact before them is called after `rest` seconds, and so on.

    Raises:
        NotAllowed: they do not call from that list, or it does not run.
    """
    rest = min(RESTS, key=lambda known: abs(known - rest))

    def write(db: sqlite3.Connection) -> None:
        found = calling_lists.get(db, list_id)
        if found is None or found.state not in ("running", "paused"):
            raise NotAllowed("That call list is over, so there is nobody to call.")
        before = [rep for rep in store.of(db, user) if rep.auto and rep.list != list_id]
        if not store.go_by_itself(db, list_id, user, rest, board.now()):
            raise NotAllowed("You do not call from that list, so nothing was done.")
        ledger.audit(db, board.now(), user, "auto-dial on", found.name, f"{rest} s between calls")
        for rep in before:
            store.touch(db, rep)
        row = store.held(db, list_id, user)
        if row is not None and offers.never_rang(db, row):
            store.offer(db, row, user, board.now())  # else it would end at once, for the same reason as before
        offers.hand_out(db, board, list_id, user)

    await board.write(write)


async def stop(board: Board, user: str, list_id: str, words: str = "") -> None:
    """*Stop auto-dial*. `words`: why, where nobody pressed it; then the card is moved down, to be seen.

    Raises:
        NotAllowed: nobody gave a reason, and it was off already.
    """

    def write(db: sqlite3.Connection) -> None:
        if not store.go_by_hand(db, list_id, user, words):
            if words:
                return
            raise NotAllowed("Auto-dial was off already. Nobody is called unless you press *Call*.")
        rep = store.rep(db, list_id, user)
        if rep is None:
            return
        if words:
            store.move_down(db, rep, board.now())
        else:
            store.touch(db, rep)

    await board.write(write)


def due(db: sqlite3.Connection, board: Board, rep: Rep) -> Due | None:
    """What is to be done for a rep whose auto-dial is on, None = nothing yet."""
    now = board.now()
    since = now - _LATELY_SECONDS
    person = people.person(db, rep.user)
    theirs = (call for call in calls.open_calls(db) if call.rep == rep.user and call.started_at >= since)
    if any(_keeps_busy(call, person) for call in theirs):
        return None  # they are on the phone, or about to be
    row = store.held(db, rep.list, rep.user)
    call = calls.get(db, row.call_id) if row is not None and row.state == "calling" else None
    if call is not None:
        if call.state is State.UNCLEAR:
            return Due("stop", words="It is unclear whether the last call was placed. Say on its card which it was.")
        if call.outcome in NEVER_DIALLED:
            return Due("stop", words="They were not called. Press Call when you are ready, or switch it on again.")
        if call.outcome in (None, Outcome.PENDING) or call.conversation:
            return None  # its record is awaited, or the rep has yet to say how it went
    if rep.auto > now or (row is not None and row.changed_at > now):
        return Due("show", row)  # the clock was set back: all begins anew
    # What lies ahead of our clock was told by another one.
    lately = calls.spoken_by(db, rep.user, since)
    last = max(at for at in [rep.auto, *(call.ended_at or call.started_at for call in lately)] if at <= now)
    if now - last > IDLE_SECONDS:
        return Due("stop", words="Nobody was called for half an hour. Switch it on again when you are at your desk.")
    if row is None or (row.state == "calling" and call is None):
        return None
    if row.state == "calling":
        if rep.auto <= row.changed_at:
            return Due("show", row)  # nothing was noted since it was dialled: the record may come long after the end
        return Due("next", row) if now >= rep.auto + rep.rest else None
    return Due("call", row) if now >= max(row.changed_at, last) + rep.rest else None


def _keeps_busy(call: Call, person: Person) -> bool:
    """A voice message rings no phone of whoever sent it, nor do others in a conference; and of what is unclear nobody
    may ever tell.
    """
    if call.purpose == "conference" and call.number not in (person.phone, person.extension):
        return False
    return call.purpose != "message" and call.state is not State.UNCLEAR


class AutoDial:
    """Every few seconds: what is due, for each rep on their own, so that a slow phone service holds up nobody else."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._busy: set[str] = set()

    async def __call__(self) -> None:
        for rep in await self._board.read(store.going):
            if rep.user not in self._busy:
                self._busy.add(rep.user)
                self._board.spawn(self._work(rep), self._failed)

    async def _work(self, rep: Rep) -> None:
        try:
            found = await self._board.read(due, self._board, rep)
            if found is not None:
                await self._do(rep, found)
        except Exception:
            # A bug of ours would be met again and again, and somebody's phone may ring each time.
            words = "Callboard failed; the log says how. Press Call, or switch it on again."
            await stop(self._board, rep.user, rep.list, words)
            raise
        finally:
            self._busy.discard(rep.user)

    async def _failed(self, error: Exception) -> None:
        log.error("Auto-dial failed.", exc_info=error)

    async def _do(self, rep: Rep, found: Due) -> None:
        if found.what == "stop":
            await stop(self._board, rep.user, rep.list, found.words)
        elif found.what == "show" or found.row is None:
            await self._board.write(_show, rep, found.row, self._board.now())
        elif found.what == "call":
            await _call(self._board, rep, found.row)
        else:
            pressed = Press(found.row.list, found.row.line, found.row.offer)
            try:
                await offers.onward(self._board, rep.user, pressed)
            except NotAllowed:
                return  # they pressed something in that moment


def _show(db: sqlite3.Connection, rep: Rep, row: Offer | None, now: float) -> None:
    if row is not None and row.changed_at > now and store.get(db, row.list, row.line) == row:
        store.anew(db, row, now)
    store.keep_going(db, rep.list, rep.user, now)
    store.touch(db, rep)


async def _call(board: Board, rep: Rep, row: Offer) -> None:
    pressed = Press(row.list, row.line, row.offer)
    key = offers.key(rep.user, pressed)
    body = msgspec.json.encode({"value": pressed.value})
    if not await board.write(ledger.write_intent, key, rep.user, offers.CALL, body, board.now()):
        return  # they have just pressed it themselves

    def check(db: sqlite3.Connection) -> None:
        fresh = store.rep(db, rep.list, rep.user)
        found = due(db, board, fresh) if fresh is not None and fresh.auto else None
        if found is None or (found.what, found.row) != ("call", row):
            raise _NotAnyMore

    try:
        await offers.call(board, rep.user, pressed, check=check)
    except _NotAnyMore:
        return
    except NeedsYes as question:
        await board.write(_not_at_this_hour, board, rep, row, str(question))
    except CallboardError as error:
        await board.write(_kept_from_it, board, rep, row, str(error))


def _not_at_this_hour(db: sqlite3.Connection, board: Board, rep: Rep, row: Offer, question: str) -> None:
    """Whom the rep would be asked about comes back when their calling hours begin."""
    fresh, now = store.held(db, rep.list, rep.user), board.now()
    if fresh is None or fresh.line != row.line or fresh.state != "offered":
        return
    opening = open_from(board, row.number, now)
    if opening <= now:
        _kept_from_it(db, board, rep, row, question)
        return
    store.put_off(db, fresh, "", opening, "It was outside their calling hours.", now)
    offers.hand_out(db, board, rep.list, rep.user)


def _kept_from_it(db: sqlite3.Connection, board: Board, rep: Rep, row: Offer, words: str) -> None:
    """What concerns the contact has brought the next one; what concerns the rep would be said again and again."""
    fresh = store.held(db, rep.list, rep.user)
    if fresh is None or fresh.line != row.line or fresh.state != "offered":
        return
    shown = store.rep(db, rep.list, rep.user)
    if store.go_by_hand(db, rep.list, rep.user, words) and shown is not None:
        store.move_down(db, shown, board.now())
