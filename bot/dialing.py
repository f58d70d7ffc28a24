"""The one gate for every dial: policy -> intent written down -> provider -> event.

An `Ask` is written as an intent before Slack is even acknowledged. From there each step is a commit, and each
can be the last before a crash: `recover()` finds what was left and never dials again by itself.
"""

import logging
import sqlite3
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, time

import msgspec

from bot import numbers, policy
from bot.board import Board
from bot.errors import Ambiguous, BadInput, CallboardError, NeedsYes, NotAllowed, NotFound, Refused, Unsupported
from bot.events import Call, HangUpAsked, NotPlaced, Outcome, Requested, Settled, Unclear
from bot.provider import CallOrder, Provider, RepPhone
from bot.store import calls, ledger, people
from bot.store.people import Person
from bot.window import Window

log = logging.getLogger("callboard.dialing")

NO_CAP = 1_000_000
"""Calls a day that nobody can make: `daily_calls = 0`."""
DOUBLE_CLICK_SECONDS = 5
"""Two dials of one rep to one number closer than this are one dial asked for twice."""


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """What a person asked for, resolved to a number. Travels as JSON in intents and confirm buttons.

    Attributes:
        number: E.164, or an extension of the provider when `extension`.  typed: what the person typed, if they did.
        line: caller ID, E.164, "" = the rep's default.  account: "" = the line's, else the rep's, else the first.
        max_seconds: talk time after which the provider cuts the call, 0 = the provider's default.
    """

    rep: str
    number: str
    name: str = ""
    typed: str = ""
    extension: bool = False
    line: str = ""
    account: str = ""
    record: bool = False
    max_seconds: int = 0
    note: str = ""
    confirmed: bool = False


def rules(board: Board) -> policy.Rules:
    """The policy's rules as configured."""
    settings = board.settings
    return policy.Rules(
        region=settings.region,
        countries=frozenset(settings.policy.countries),
        window=Window(
            time.fromisoformat(settings.policy.hours[0]),
            time.fromisoformat(settings.policy.hours[1]),
            frozenset(settings.policy.weekdays),
        ),
        daily_calls_per_rep=settings.policy.daily_calls or NO_CAP,
        zone=settings.zone,
    )


async def dial(board: Board, key: str, ask: Ask, written: Callable[[Call], Awaitable[None]] | None = None) -> Call:
    """Place one call for an intent that is already written. Returns the call as it stands after the provider's answer.

    `written` hears of the call as soon as it is allowed and on record, before the provider is asked.

    Raises:
        NeedsYes: outside the callee's hours; ask with `confirmed` if the person says yes.
        BadInput, NotAllowed, Unsupported: nothing was dialled; says why and what to do.
    """
    rep = await board.read(people.person, ask.rep)
    _check_linked(rep)
    account = _account(board, ask, rep)
    provider = board.provider(account)
    call_id = calls.new_id(board.now())
    order = _order(provider, call_id, ask, rep)
    call = await board.write(_commit, board, key, ask, rep, account, call_id, order)
    if written is not None:
        try:
            await written(call)
        except Exception:  # the call is promised by now and its card tells the same: it is placed all the same
            log.exception("The rep could not be told that call %s begins.", call.id)
    return await _place(board, provider, key, call, order)


def _check_linked(rep: Person) -> None:
    if not rep.linked:
        raise NotAllowed(
            "Callboard does not know your phone yet, so nothing was dialled. "
            "Link it with `/phone link +1 202 555 0100` (or your extension), then call again."
        )


def _account(board: Board, ask: Ask, rep: Person) -> str:
    line = board.settings.line(ask.line) if ask.line else None
    if line and ask.account and line.account and line.account != ask.account:
        raise BadInput(
            f"The line {numbers.pretty(line.number)} belongs to {line.account}, not to {ask.account}. "
            "Leave out “via”, or choose another line. Nothing was dialled."
        )
    return ask.account or (line.account if line else "") or rep.account or next(iter(board.providers))


def _order(provider: Provider, call_id: str, ask: Ask, rep: Person) -> CallOrder:
    if not provider.can("place_call"):
        raise Unsupported(f"{provider.title} cannot place calls. Choose another account with “via”.")
    if ask.extension and "number_must_be_online" not in provider.order_options:
        raise Unsupported(f"{provider.title} cannot call extensions, only numbers. Nothing was dialled.")
    # A default line that the provider cannot express is simply not used; one that was asked for is refused.
    line = ask.line or (rep.line if "caller_id" in provider.order_options else "")
    phone = RepPhone(rep.phone_kind, rep.phone)  # type: ignore[arg-type]  # the store keeps only the four kinds
    order = CallOrder(
        call_id=call_id,
        rep=phone,
        number=ask.number,
        caller_id=line,
        record=ask.record,
        max_seconds=ask.max_seconds or None,
    )
    provider.refuse_unexpressible(order)
    return order


def _commit(
    db: sqlite3.Connection, board: Board, key: str, ask: Ask, rep: Person, account: str, call_id: str, order: CallOrder
) -> Call:
    """Policy and the written call in one transaction: two asks at the same moment cannot both pass a cap."""
    now = board.now()
    running = calls.unfinished_dial(db, ask.rep, ask.number, now - 4 * 3600)
    if running is not None or calls.dialled_just_now(db, ask.rep, ask.number, now - DOUBLE_CLICK_SECONDS):
        raise NotAllowed(
            f"You are already calling {numbers.pretty(ask.number)}, so it was not dialled a second time. "
            "Look at its card in your conversation with Callboard."
        )
    limits = rules(board)
    clock = datetime.fromtimestamp(now, UTC)
    listed = people.do_not_call(db, ask.number)
    allowed = board.settings.policy.callers
    if allowed and ask.rep not in allowed and board.settings.role(ask.rep) == "rep":
        raise NotAllowed(
            "You are not among those who may place calls, so nothing was dialled. Ask your admin to add you."
        )
    decision = policy.decide(
        policy.Proposed(
            rep=ask.rep,
            role=board.settings.role(ask.rep),
            number=ask.number,
            own_number=rep.phone,
            extension=ask.extension,
            typed=ask.typed,
            confirmed=ask.confirmed,
        ),
        limits,
        policy.History(
            do_not_call=policy.DoNotCall(listed[0], f"<@{listed[1]}>", listed[2]) if listed else None,
            calls_today=calls.dials_since(db, ask.rep, policy.day_start(limits, clock).timestamp()),
        ),
        clock,
    )
    if isinstance(decision, policy.Refused):
        raise NotAllowed(decision.words)
    if isinstance(decision, policy.NeedsConfirmation):
        raise NeedsYes(decision.why)
    requested = Requested(
        at=now, rep=ask.rep, rep_phone=rep.phone, number=ask.number, line=order.caller_id, name=ask.name, note=ask.note
    )
    (change,) = calls.ingest(db, account, [requested], now=now, routing=board.routing, call_id=call_id)
    ledger.bind_intent(db, key, call_id)
    ledger.audit(db, now, ask.rep, "call", ask.number, f"{account} {call_id}")
    return change.call


async def _place(board: Board, provider: Provider, key: str, call: Call, order: CallOrder) -> Call:
    if not await board.write(ledger.send_intent, key):
        return call  # this intent had its chance
    try:
        event: NotPlaced | Unclear | object = await provider.place_call(order)
    except Ambiguous as error:
        event = Unclear(at=board.now(), words=str(error))
    except CallboardError as error:
        outcome = Outcome.REFUSED if isinstance(error, Refused | Unsupported) else Outcome.NOT_PLACED
        event = NotPlaced(at=board.now(), outcome=outcome, words=str(error))
    except Exception as error:  # a bug of ours after the order may have left: nobody knows, so nobody repeats
        log.exception("place_call failed unexpectedly")
        event = Unclear(at=board.now(), words=f"Callboard failed while placing the call ({type(error).__name__}).")

    def finish(db: sqlite3.Connection) -> Call:
        calls.ingest(db, call.account, [event], now=board.now(), routing=board.routing, call_id=call.id)  # type: ignore[list-item]  # every branch above makes an event
        ledger.finish_intent(db, key)
        found = calls.get(db, call.id)
        assert found is not None
        return found

    return await board.write(finish)


async def drop(board: Board, key: str) -> None:
    """An intent came to nothing before there was a call (bad input, not allowed, needs a yes)."""
    await board.write(ledger.drop_intent, key)


async def recover(board: Board) -> None:
    """At start: what a crash left behind is told, not repeated."""
    for intent in await board.read(ledger.open_intents):
        if intent.state == "written" and intent.call_id is None:
            await board.tell(
                intent.rep,
                "Callboard was restarted before it could place the call you asked for. Nothing was dialled; "
                "please call again.",
                f"intent:{intent.key}",
            )
        elif intent.call_id is not None:
            call = await board.read(calls.get, intent.call_id)
            if call is not None and intent.state == "sending":
                words = "Callboard was restarted while the call was being placed; it may or may not be ringing."
                await board.ingest(call.account, [Unclear(at=board.now(), words=words)], call_id=call.id)
            elif call is not None:
                words = "Callboard was restarted before it could place this call. Nothing was dialled; call again."
                event = NotPlaced(at=board.now(), outcome=Outcome.NOT_PLACED, words=words)
                await board.ingest(call.account, [event], call_id=call.id)
        await board.write(ledger.finish_intent, intent.key)


async def hang_up(board: Board, call_id: str, user: str) -> Call:
    """End a live call.

    Raises:
        NotFound, NotAllowed, Unsupported, Refused, Unavailable: it was not ended; says why.
    """
    if call_id in board.hanging_up:
        raise _asked_already()
    # Before anything is read: a provider that ends by extension might end the next call with a second request.
    board.hanging_up.add(call_id)
    try:
        return await _hang_up(board, call_id, user)
    finally:
        board.hanging_up.discard(call_id)


async def _hang_up(board: Board, call_id: str, user: str) -> Call:
    call = await _of(board, call_id)
    if call.state.value == "ended":
        raise NotFound("That call has already ended; there is nothing to hang up.")
    if call.rep != user and board.settings.role(user) == "rep":
        raise NotAllowed("Only the rep on the call, or a manager, can hang it up. Nothing was done.")
    if call.hang_up_by:
        raise _asked_already()
    await board.provider(call.account).hang_up(call)

    def note(db: sqlite3.Connection) -> None:
        asked = HangUpAsked(at=board.now(), by=user)
        calls.ingest(db, call.account, [asked], now=board.now(), routing=board.routing, call_id=call.id)
        ledger.audit(db, board.now(), user, "hang up", call.number, call.id)

    await board.write(note)
    return call


def _asked_already() -> NotAllowed:
    return NotAllowed("Somebody is hanging up this call already. Nothing was done a second time.")


async def settle(board: Board, call_id: str, user: str, outcome: Outcome) -> None:
    """A rep says what became of a call whose fate is unclear. The provider's own record still overrules them."""
    call = await _of(board, call_id)
    if call.rep != user and board.settings.role(user) == "rep":
        raise NotAllowed("Only the rep who placed the call, or a manager, can say what became of it.")
    await board.ingest(call.account, [Settled(at=board.now(), by=user, outcome=outcome)], call_id=call.id)


async def _of(board: Board, call_id: str) -> Call:
    call = await board.read(calls.get, call_id)
    if call is None:
        raise NotFound("That call is not on record any more. Nothing was done.")
    return call
