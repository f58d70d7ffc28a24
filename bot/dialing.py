"""The one gate for every dial: policy -> intent written down -> provider -> event.

An `Ask` is written as an intent before Slack is even acknowledged. From there each step is a commit, and each
can be the last before a crash: `recover()` finds what was left and never dials again by itself.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable

from msgspec.structs import replace

from bot import alarms, claiming, numbers, ordering, permission
from bot.board import Board
from bot.call import Call
from bot.errors import (
    Ambiguous,
    BadInput,
    CallboardError,
    CapReached,
    Costly,
    NeedsReason,
    NotAllowed,
    Refused,
    Unsupported,
)
from bot.events import Accepted, Described, NotPlaced, Outcome, Requested, Unclear
from bot.intents import ALLOWED_SECONDS, MESSAGE, WAIVED, Ask, message_key
from bot.orders import CallOrder, ConferenceOrder, MessageOrder
from bot.provider import Provider
from bot.rules import Proposed
from bot.store import calls, dials, ledger, people
from bot.store.people import Person

log = logging.getLogger("callboard.dialing")

DOUBLE_CLICK_SECONDS = 5
"""Two dials of one rep to one number closer than this are one dial asked for twice."""
TELL_SECONDS = 3.0
"""So long a call waits for Slack to tell the rep that their phone is about to ring."""
_Order = CallOrder | ConferenceOrder | MessageOrder
_Answer = NotPlaced | Unclear | Accepted
_Note = Callable[[sqlite3.Connection], None]
"""What the keeper of a queue writes down in a transaction of the gate."""
_Take = Callable[[sqlite3.Connection, str], None]
"""The same where a call of that id is written down, for whoever does not choose the id."""


async def dial(
    board: Board,
    key: str,
    ask: Ask,
    written: Callable[[Call], Awaitable[None]] | None = None,
    take: _Take = lambda db, call_id: None,
) -> Call:
    """Place one call for an intent that is already written. Returns the call as it stands after the provider's answer.

    `written` hears of the call as soon as it is allowed and on record, before the provider is asked. `take` runs in the
    transaction that writes it down: whoever keeps a list notes there what became that call, or raises, and nothing is
    written or dialled.

    Raises:
        NeedsConsent: it may be recorded if the other side knows; ask with `consented` if the person says so.
        NeedsYes: outside the callee's hours; ask with `confirmed` if the person says yes.
        NeedsReason: forbidden, unless a manager allows it; see `bot/waiving.py`.
        BadInput, NotAllowed, NotFound, Unsupported: nothing was dialled; says why and what to do.
    """
    rep = await board.read(people.person, ask.rep)
    if not ask.conference:
        _check_linked(rep)
    account = _account(board, ask, rep)
    if not ask.conference:
        _check_rings(board, account, rep)
    provider = board.provider(account)
    call_id = calls.new_id(board.now())
    order, agreed = ordering.order(board, provider, call_id, ask, rep)
    try:
        call = await board.write(_commit, board, key, ask, rep, account, order, agreed, take)
    except NotAllowed as error:
        forbids = error.forbids if isinstance(error, NeedsReason) else error
        if isinstance(forbids, CapReached | Costly):
            await alarms.refused(board, ask.rep, ask.number, forbids)
        raise
    if written is not None:
        # The call is promised by now and its card tells the same: it is placed all the same.
        telling = asyncio.create_task(_tell(written, call))
        await asyncio.wait({telling}, timeout=TELL_SECONDS)
        if not telling.done():
            board.track(telling)
    return await _place(board, provider, key, call, order)


async def _tell(written: Callable[[Call], Awaitable[None]], call: Call) -> None:
    try:
        await written(call)
    except Exception:
        log.exception("The rep could not be told that call %s begins.", call.id)


def _check_linked(rep: Person) -> None:
    if not rep.linked:
        raise NotAllowed(
            "Callboard does not know your phone yet, so nothing was dialled. "
            "Link it with `/phone link +1 202 555 0100` (or your extension), then call again."
        )


def _check_rings(board: Board, account: str, rep: Person) -> None:
    """At another account an extension, or what else is no number, may be somebody else's phone."""
    if rep.phone_kind != "number" and rep.account not in ("", account):
        there, here = board.title(rep.account), board.title(account)
        raise NotAllowed(
            f"Your phone is linked at {there}, and {here} cannot ring it, so nothing was dialled. Call without “via” "
            f"and from no line of {here}, or link your number with `/phone link +1 202 555 0100`."
        )


def _account(board: Board, ask: Ask, rep: Person) -> str:
    line = board.settings.line(ask.line) if ask.line else None
    if line and ask.account and line.account and line.account != ask.account:
        raise BadInput(
            f"The line {numbers.pretty(line.number)} belongs to {line.account}, not to {ask.account}. "
            "Leave out “via”, or choose another line. Nothing was dialled."
        )
    chosen = ask.account or (line.account if line else "")
    if not chosen and rep.account and rep.account not in board.providers:
        raise NotAllowed(
            f"Your phone is linked at the account “{rep.account}”, which is not set up here any more, so nothing was "
            "dialled. Link it again with `/phone`."
        )
    return chosen or rep.account or next(iter(board.providers))


def _commit(
    db: sqlite3.Connection,
    board: Board,
    key: str,
    ask: Ask,
    rep: Person,
    account: str,
    order: CallOrder | ConferenceOrder,
    agreed: str,
    take: _Take,
) -> Call:
    """Policy and the written call in one transaction: two asks at the same moment cannot both pass a cap."""
    now = board.now()
    running = dials.unfinished_dial(db, ask.rep, ask.number, now - dials.LIVE_SECONDS)
    if running or dials.dialled_just_now(db, ask.rep, ask.number, now - DOUBLE_CLICK_SECONDS):
        raise NotAllowed(
            f"You are already calling {numbers.pretty(ask.number)}, so it was not dialled a second time. "
            "Look at its card in your conversation with Callboard."
        )
    permission.check_caller(board, ask.rep)
    waived = permission.check_call(db, board, _proposed(db, board, ask, rep, account), alone=not ask.conference)
    if ask.missed:
        claiming.claim_to_call(db, board, ask.missed, ask.rep, now)
    take(db, order.call_id)
    requested = Requested(
        at=now,
        rep=ask.rep,
        rep_phone="" if ask.conference else rep.phone,
        number=ask.number,
        line=order.caller_id,
        name=ask.name,
        note=ask.note,
        purpose="conference" if ask.conference else "call",
        conference=ask.conference,
    )
    if isinstance(order, CallOrder):
        requested = replace(
            requested, record=order.record, dial_digits=order.dial_digits, confirm_key=order.confirm_key
        )
    (change,) = calls.ingest(db, account, [requested], now=now, routing=board.routing, call_id=order.call_id)
    ledger.bind_intent(db, key, order.call_id)
    recorded = f" recorded: {agreed}" if requested.record else ""
    what = f"call into conference {ask.conference}" if ask.conference else "call"
    ledger.audit(db, now, ask.rep, what, ask.number, f"{account} {order.call_id}{recorded}")
    if waived:
        ledger.take_once(db, _word(ask), ask.rep, WAIVED, now)
        told = f"for <@{ask.rep}> {order.call_id}: {waived} Why: {ask.reason}"
        ledger.audit(db, now, ask.allowed_by, "call against the policy", ask.number, told)
    return change.call


def _proposed(db: sqlite3.Connection, board: Board, ask: Ask, rep: Person, account: str) -> Proposed:
    # A manager's word holds for so long, while they are one, and for one call.
    fresh = board.now() - ask.allowed_at <= ALLOWED_SECONDS
    waived = bool(ask.reason) and fresh and board.settings.role(ask.allowed_by) != "rep"
    return Proposed(
        rep=ask.rep,
        role=board.settings.role(ask.rep),
        number=ask.number,
        own_number="" if ask.conference else rep.phone,
        extension=ask.extension,
        linked=ask.extension and permission.is_linked(db, account, ask.number),
        typed=ask.typed,
        confirmed=ask.confirmed,
        from_list=ask.from_list,
        waived=waived and ledger.intent(db, _word(ask)) is None,
        waived_at=ask.refused_at,
    )


def _word(ask: Ask) -> str:
    """Key of the intent that says that a manager's word is used up: a question about it may have several buttons."""
    return f"{WAIVED}:{ask.rep}:{ask.number}:{ask.allowed_at}"


async def against(board: Board, ask: Ask) -> str:
    """What a manager would have to allow for that call, "" = nothing (any more)."""

    def read(db: sqlite3.Connection) -> str:
        rep = people.person(db, ask.rep)
        return permission.against(db, board, _proposed(db, board, ask, rep, _account(board, ask, rep)))

    return await board.read(read)


async def send(board: Board, account: str, by: str, name: str, order: MessageOrder, take: _Note, back: _Note) -> Call:
    """Send one voice message; an automatic call passes the same gate. Returns the call after the provider's answer.

    `take` runs in the transaction that writes the call down: whoever keeps the queue notes there that its row became
    `order.call_id`, or raises, and nothing is written or sent. `back` runs in the one that writes down that the
    provider was not reached, so that nothing can have rung.

    Raises:
        NotNow: outside the recipient's hours; says from when on.
        BadInput, NotAllowed, Unsupported: nothing was dialled; says why and what to do.
    """
    provider = board.provider(account)
    if not provider.can("send_message"):
        raise Unsupported(f"{provider.title} cannot send voice messages. Choose another account with “via”.")
    provider.refuse_unexpressible(order)
    order, agreed = ordering.message(board, provider, order)
    try:
        call = await board.write(_commit_message, board, account, by, name, order, take, agreed)
    except CapReached as error:
        await alarms.refused(board, by, order.number, error)
        raise
    return await _place(board, provider, message_key(call.id), call, order, back)


def _commit_message(
    db: sqlite3.Connection,
    board: Board,
    account: str,
    by: str,
    name: str,
    order: MessageOrder,
    take: _Note,
    agreed: str = "",
) -> Call:
    now = board.now()
    take(db)
    permission.check_caller(board, by)
    permission.check_message(db, board, by, order.number, now)
    requested = Requested(
        at=now,
        rep=by,
        rep_phone="",
        number=order.number,
        line=order.caller_id,
        name=name,
        purpose="message",
        record=order.record,
    )
    (change,) = calls.ingest(db, account, [requested], now=now, routing=board.routing, call_id=order.call_id)
    ledger.write_intent(db, message_key(order.call_id), by, MESSAGE, b"{}", now)
    ledger.bind_intent(db, message_key(order.call_id), order.call_id)
    recorded = f" recorded: {agreed}" if order.record else ""
    ledger.audit(db, now, by, "voice message", order.number, f"{account} {order.call_id}{recorded}")
    return change.call


async def _place(
    board: Board,
    provider: Provider,
    key: str,
    call: Call,
    order: _Order,
    unreached: _Note = lambda db: None,
) -> Call:
    try:
        if not await board.write(ledger.send_intent, key):
            return call  # this intent had its chance
    except sqlite3.Error:  # nothing left: else it would look as if it were on its way until the next start
        log.exception("Call %s was not placed.", call.id)
        words = "It could not be written down that it is sent: Callboard's disk is full or away."
        event: _Answer = NotPlaced(at=board.now(), outcome=Outcome.NOT_PLACED, words=words)
    else:
        event = await _answer(board, provider, call, order)

    def finish(db: sqlite3.Connection) -> Call:
        calls.ingest(db, call.account, [event], now=board.now(), routing=board.routing, call_id=call.id)
        ledger.finish_intent(db, key)
        found = calls.get(db, call.id)
        assert found is not None
        if found.outcome is Outcome.NOT_PLACED:
            unreached(db)
        return found

    placed = await board.record(finish)
    board.changed([placed])
    return placed


async def _answer(board: Board, provider: Provider, call: Call, order: _Order) -> _Answer:
    """Send the order, once. What became of it."""
    try:
        return await _send(provider, order)
    except Ambiguous as error:
        # Before anybody is asked: some services list active calls by our own id.
        return await _found(board, provider, call) or Unclear(at=board.now(), words=str(error))
    except CallboardError as error:
        outcome = Outcome.REFUSED if isinstance(error, Refused | Unsupported) else Outcome.NOT_PLACED
        return NotPlaced(at=board.now(), outcome=outcome, words=str(error))
    except Exception as error:  # a bug of ours after the order may have left: nobody knows, so nobody repeats
        log.exception("Placing call %s failed unexpectedly.", call.id)
        return Unclear(at=board.now(), words=f"Callboard failed while placing the call ({type(error).__name__}).")


async def _send(provider: Provider, order: _Order) -> Accepted:
    if isinstance(order, MessageOrder):
        return await provider.send_message(order)
    return await (provider.join_conference(order) if isinstance(order, ConferenceOrder) else provider.place_call(order))


async def _found(board: Board, provider: Provider, call: Call) -> Accepted | None:
    """The call among those that are active, None = it cannot be told."""
    if not provider.can("active_calls"):
        return None
    try:
        events = await provider.active_calls()
    except CallboardError:
        return None
    except Exception:  # a bug of ours: what became of the order is written down all the same
        log.exception("The active calls of %s could not be read.", provider.account)
        return None
    ref = next((event.ref for event in events if isinstance(event, Described) and event.call_id == call.id), "")
    return Accepted(ref=ref, at=board.now()) if ref else None


async def drop(board: Board, key: str) -> None:
    """An intent came to nothing before there was a call (bad input, not allowed, needs a yes)."""
    await board.write(ledger.drop_intent, key)
