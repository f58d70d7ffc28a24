"""A rep works through a call list: one contact before them at a time, called through the gate, said how it went, next.

Each step is a commit. What was pressed names the contact and how often it was put before somebody (`Press`), so that a
double click, a retry of Slack's or a restart finds it done already and dials nobody twice.
"""

import logging
import sqlite3
from collections.abc import Awaitable, Callable, Iterable, Mapping

import msgspec

from bot import dialing, permission, tries
from bot.board import Board
from bot.call import Call
from bot.cards import at_clock, plain
from bot.cards.offer import Press, press
from bot.cards.outcomes import NEVER_DIALLED
from bot.errors import BadInput, CallboardError, NotAllowed, NotFound, NotNow
from bot.events import State
from bot.intents import YES_SECONDS, Ask
from bot.store import calling_lists, calls, ledger
from bot.store import offers as store
from bot.store.offers import Offer, Rep

log = logging.getLogger("callboard.offers")

CALL, YES = "offer:call", "offer:yes"
"""Kinds of the intents that somebody's press writes down."""
LOOKED_AT = 50
"""Contacts of one transaction that may turn out not to be callable now; then the next round goes on."""
_STALE = "That contact was dealt with already, so nothing was done a second time. Look at the list's card."
_OVER: Mapping[str, str] = {"paused": "was paused meanwhile", "stopped": "was stopped meanwhile", "done": "is done"}


def key(user: str, pressed: Press) -> str:
    """Of the intent of a call, the same for the contact's button and for the yes to a question about it."""
    return f"offer:{user}:{pressed.list}:{pressed.line}:{pressed.offer}"


# Whose turn it is.


def hand_out(db: sqlite3.Connection, board: Board, list_id: str, user: str, *, below: bool = False) -> None:
    """Put the next contact before a rep who has none, in the caller's transaction, and show how things stand.

    Who may not be called now is put off, or barred, with the reason; so two reps never have the same one before them,
    and nobody whom the gate would refuse. `below`: as the last message of their conversation.
    """
    found, rep, now = calling_lists.get(db, list_id), store.rep(db, list_id, user), board.now()
    if found is None or rep is None:
        return
    free = not rep.paused and store.held(db, list_id, user) is None and not board.turned_away(user)
    if found.state == "running" and free:
        for _ in range(LOOKED_AT):
            row = store.candidate(db, list_id, user, now)
            if row is None:
                break
            if _may_be_called(db, board, found.by, row):
                store.offer(db, row, user, now)
                break
    if store.is_over(db, list_id) and calling_lists.move(db, list_id, ("running",), "done", now):
        ledger.audit(db, now, "", "call list is done", found.name)
    calling_lists.show(db, list_id, now)
    if below:
        store.move_down(db, rep, now)
    else:
        store.show(db, rep, now)


def _may_be_called(db: sqlite3.Connection, board: Board, by: str, row: Offer) -> bool:
    """False: not now, or not any more; its row says why."""
    try:
        permission.check_contact(db, board, by, row.number, board.now())
    except NotNow as error:
        store.put_off(db, row, "", error.at, str(error), board.now())
    except NotAllowed as error:
        store.settle(db, row, "barred", str(error), board.now())
    else:
        return True
    return False


# What a rep presses.


async def call(
    board: Board,
    user: str,
    pressed: Press,
    written: Callable[[Call], Awaitable[None]] | None = None,
    check: Callable[[sqlite3.Connection], None] = lambda db: None,
) -> Call:
    """*Call*: through the gate. `written` hears of the call before the phone service is asked. `check` runs in the
    transaction that writes it down, and raises where it is not to be placed after all.

    Raises:
        NeedsYes: outside the contact's hours; the offer that is before the rep by then may be pressed with a yes.
        CallboardError: nothing was dialled; says why. Where that is the contact's, the next one is before the rep.
    """
    try:
        row = await board.read(_uncalled, user, pressed)
    except CallboardError:
        await dialing.drop(board, key(user, pressed))
        raise
    # Since the question nothing has become of it, so that was its last change.
    confirmed = pressed.confirmed and board.now() - row.changed_at <= YES_SECONDS
    ask = Ask(rep=user, number=row.number, name=row.name, confirmed=confirmed, from_list=True)

    def take(db: sqlite3.Connection, call_id: str) -> None:
        check(db)
        if not store.take(db, row, call_id, board.now()):
            raise NotAllowed(_STALE)
        store.keep_going(db, row.list, user, board.now())

    try:
        return await dialing.dial(board, key(user, pressed), ask, written, take)
    except Exception:  # also a bug of ours, before there was a call: else the button would stay used up
        await board.write(_nothing_dialled, board, user, pressed, row)
        raise


def _nothing_dialled(db: sqlite3.Connection, board: Board, user: str, pressed: Press, row: Offer) -> None:
    """The press came to nothing. It may be pressed again, under another number; or the contact may not be called."""
    ledger.drop_intent(db, key(user, pressed))
    fresh = store.get(db, row.list, row.line)
    if fresh != row:
        return
    if _may_be_called(db, board, user, row):
        store.anew(db, row, board.now())
    hand_out(db, board, row.list, user)


def _before(db: sqlite3.Connection, user: str, pressed: Press) -> Offer:
    """The contact that a rep has before them and has pressed something of.

    Raises:
        NotAllowed: it is not before them any more, or this was pressed before; says why.
    """
    row = store.held(db, pressed.list, user)
    if row is None or (row.line, row.offer) != (pressed.line, pressed.offer):
        found = calling_lists.get(db, pressed.list)
        why = _STALE
        if found is None:
            why = "That call list is not on record any more, so nothing was done."
        elif row is None and found.state in _OVER:
            why = f"The call list {plain(found.name)} {_OVER[found.state]}, so nothing was done. Look at its card."
        elif row is None and (rep := store.rep(db, pressed.list, user)) is not None and rep.paused:
            why = "You have paused your call list, so nothing was done. Press *Go on* on its card first."
        raise NotAllowed(why)
    return row


async def skip(board: Board, user: str, pressed: Press) -> None:
    """*Skip*: this contact is not called; the next one.

    Raises:
        NotAllowed: it is not before them any more, or its call rang.
    """

    def write(db: sqlite3.Connection) -> None:
        row = _uncalled(db, user, pressed)
        store.settle(db, row, "skipped", "", board.now())
        store.keep_going(db, row.list, user, board.now())
        hand_out(db, board, row.list, user)

    await board.write(write)


def _uncalled(db: sqlite3.Connection, user: str, pressed: Press) -> Offer:
    """The same, where nobody has rung them yet.

    Raises:
        NotAllowed: as `_before()`, or their phone rang.
    """
    row = _before(db, user, pressed)
    if _rang(db, row):
        raise NotAllowed("That contact was called already, so nothing was done. Press *Next contact* to go on.")
    return row


async def put_off(board: Board, user: str, pressed: Press, due_at: float) -> str:
    """*Later*: it comes back to them then. Returns when, a sentence; later than asked for where the policy wants it.

    Raises:
        NotAllowed: it is not before them any more, its call runs, or it is to be called no more.
    """

    def write(db: sqlite3.Connection) -> str:
        row = _before(db, user, pressed)
        called = calls.get(db, row.call_id) if row.state == "calling" else None
        if called is not None and (called.state is not State.ENDED or called.conversation):
            raise NotAllowed("That call runs, was answered or is unclear, so the contact was not put off.")
        zone = board.zone_of(db, user)
        now, at, why = board.now(), due_at, ""
        store.keep_going(db, row.list, user, now)
        try:
            permission.check_contact(db, board, user, row.number, due_at)
        except NotNow as error:
            at, why = error.at, str(error)
        except NotAllowed as error:
            store.settle(db, row, "barred", str(error), now)
            hand_out(db, board, row.list, user, below=called is not None)
            return str(error)
        store.put_off(db, row, user, at, why, now)
        hand_out(db, board, row.list, user, below=called is not None)
        when = f"{row.name or 'That contact'} comes back to you {at_clock(at, now, zone)}."
        return f"{when} Not sooner: {why.removeprefix('The call was not placed: ')}" if why else when

    return await board.write(write)


async def onward(board: Board, user: str, pressed: Press) -> None:
    """*Next contact*: the one before them was called, and that is that.

    Raises:
        NotAllowed: it is not before them any more, or its call runs, or nobody has rung them.
    """

    def write(db: sqlite3.Connection) -> None:
        row = _before(db, user, pressed)
        called = calls.get(db, row.call_id)
        if not _rang(db, row):
            raise NotAllowed("That contact's phone has not rung yet. Press *Call*, *Skip* or *Later*.")
        if called is not None and called.state not in (State.ENDED, State.UNCLEAR):
            raise NotAllowed("That call still runs. End it first, then press *Next contact*.")
        _done(db, board, row)

    await board.write(write)


def _done(db: sqlite3.Connection, board: Board, row: Offer) -> None:
    tries.close(db, board, row)
    store.keep_going(db, row.list, row.rep, board.now())
    hand_out(db, board, row.list, row.rep, below=True)


def release(db: sqlite3.Connection, row: Offer, now: float) -> bool:
    """Whom a rep has before them is anybody's again. False: their phone rang, or may have."""
    if _rang(db, row):
        return False
    store.put_off(db, row, "", row.due_at, row.why, now)
    return True


def _rang(db: sqlite3.Connection, row: Offer) -> bool:
    """Whether the contact before a rep was called from the list, and their phone rang or may yet."""
    called = calls.get(db, row.call_id) if row.state == "calling" else None
    return row.state == "calling" and (called is None or called.outcome not in NEVER_DIALLED)


def never_rang(db: sqlite3.Connection, row: Offer) -> bool:
    """Whether the contact before a rep was called from the list, and only the rep's own phone rang, if any."""
    return row.state == "calling" and not _rang(db, row)


async def pause(board: Board, user: str, list_id: str) -> None:
    """*Pause list*: whoever is before them is given back.

    Raises:
        NotAllowed: they do not call from it, paused it before, or have a call of it that runs.
    """

    def write(db: sqlite3.Connection) -> None:
        row = store.held(db, list_id, user)
        if row is not None and not release(db, row, board.now()):
            called = calls.get(db, row.call_id)
            if called is not None and called.state not in (State.ENDED, State.UNCLEAR):
                raise NotAllowed("A call of this list still runs. End it first, then pause.")
            tries.close(db, board, row)
        if not store.pause(db, list_id, user, 1):
            raise NotAllowed("You have paused that list already, or do not call from it. Nothing was done.")
        hand_out(db, board, list_id, user)

    await board.write(write)


async def go_on(board: Board, user: str, list_id: str) -> None:
    """*Go on*: they get the next contact again.

    Raises:
        NotAllowed: they did not pause it.
    """

    def write(db: sqlite3.Connection) -> None:
        if not store.pause(db, list_id, user, 0):
            raise NotAllowed("You did not pause that list, so it goes on anyway.")
        hand_out(db, board, list_id, user)

    await board.write(write)


async def bring_down(board: Board, user: str, list_id: str = "") -> None:
    """`/call next`, *Show*: what a rep has before them becomes the last message of their conversation.

    `list_id`: of that list only, "" = of all.

    Raises:
        NotFound: they have nobody before them; says why.
    """

    def write(db: sqlite3.Connection) -> None:
        mine = [rep for rep in store.of(db, user) if list_id in ("", rep.list)]
        having = [rep for rep in mine if store.held(db, rep.list, user) is not None]
        if not having:
            raise NotFound(_why_nobody(db, board, mine))
        for rep in having:
            store.move_down(db, rep, board.now())

    await board.write(write)


def _why_nobody(db: sqlite3.Connection, board: Board, mine: list[Rep]) -> str:
    if not mine:
        return "You have no call list at the moment. `/campaign calllist NAME` makes one for you."
    if all(rep.paused for rep in mine):
        return "You have paused your call list, so nobody is next. Press *Go on* on its card."
    now = board.now()
    first = min((at for rep in mine if (at := store.left(db, rep.list, now)[2])), default=0.0)
    if not first:
        return "Nobody is before you right now: your call list is paused, or colleagues have its last contacts."
    zone = board.zone_of(db, mine[0].user)
    return f"Nobody is to be called right now: the next contact of your call list comes {at_clock(first, now, zone)}."


# What happens by itself.


def watch(board: Board) -> None:
    """Go on to the next contact as soon as a rep has said how the call went."""

    def follow(call: Call) -> None:
        if call.rep_phone and _is_told(board, call):
            board.spawn(_told(board, call.id), _failed)
        elif call.rep_phone and call.state is State.ENDED:
            board.spawn(tries.reconsider(board, call.id), _failed)

    board.followers.append(follow)


def _is_told(board: Board, call: Call) -> bool:
    """Answered, and the rep has said how it went: by a note, where no outcomes to choose from are set up."""
    said = call.disposition or (call.note and not board.settings.dispositions)
    return call.conversation and bool(said)


async def _told(board: Board, call_id: str) -> None:
    def write(db: sqlite3.Connection) -> None:
        row = store.by_call(db, call_id)
        if row is not None and row.call_id == call_id and row.state == "calling":
            _done(db, board, row)

    await board.write(write)


async def _failed(error: Exception) -> None:
    """A bug of ours, or the database: the next round looks again."""
    log.error("A call list could not go on.", exc_info=error)


async def due(board: Board) -> None:
    """Who was put off until now comes back; what a restart has cut off goes on."""
    away = [user for user in board.outsiders if board.turned_away(user)]
    for row in await board.read(_before_them, away):
        await board.write(_give_back, row, board.now())
    for row, called in await board.read(store.answered):
        if _is_told(board, called):
            await _told(board, row.call_id)
    for rep in await board.read(store.idle, board.now()):
        await board.write(hand_out, board, rep.list, rep.user)


def _before_them(db: sqlite3.Connection, users: Iterable[str]) -> list[Offer]:
    """Whom these reps have before them, and have not called."""
    found = (store.held(db, rep.list, user) for user in users for rep in store.of(db, user))
    return [row for row in found if row is not None and not _rang(db, row)]


def _give_back(db: sqlite3.Connection, row: Offer, now: float) -> None:
    """Whoever may not use Callboard any more, or has left, keeps no contact from the others."""
    if store.get(db, row.list, row.line) == row and release(db, row, now):
        calling_lists.show(db, row.list, now)


async def recover(board: Board) -> None:
    """At start, before `unclear.recover()`: what was pressed and did not become a call may be pressed again."""
    for intent in await board.read(ledger.open_intents):
        if intent.kind not in (CALL, YES) or intent.state != "written" or intent.call_id is not None:
            continue
        try:
            pressed, _ = press(msgspec.json.decode(intent.body)["value"])
        except BadInput:
            continue

        def again(db: sqlite3.Connection, pressed: Press = pressed, user: str = intent.rep) -> None:
            row = store.held(db, pressed.list, user)
            if row is not None and (row.line, row.offer) == (pressed.line, pressed.offer):
                store.anew(db, row, board.now())
                calling_lists.show(db, row.list, board.now())

        await board.write(again)
