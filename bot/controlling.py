"""What people do to a running call: one gate for every button, command and list.

A control is checked (who, what the provider can, how the call stands), done once however often it is pressed, and
written down as an event, so that the card, its thread and the audit log tell the same. Whatever makes another phone
ring passes the policy and is never sent a second time.
"""

import sqlite3
from collections.abc import Awaitable, Callable, Mapping

import msgspec

from bot import alarms, consent, numbers, permission
from bot.board import Board
from bot.call import Call
from bot.errors import (
    Ambiguous,
    BadInput,
    CallboardError,
    CapReached,
    Costly,
    NeedsConsent,
    NotAllowed,
    NotFound,
    Refused,
    Unsupported,
)
from bot.events import REP, AnyEvent, Controlled, HangUpAsked, HoldChanged, State
from bot.intents import CONTROL
from bot.operations import dialling, operations
from bot.orders import Speech
from bot.provider import Provider
from bot.store import calls, cards, dials, ledger, people
from bot.store.ledger import Intent

Work = Callable[[Provider, Call], Awaitable[tuple[AnyEvent, ...] | None]]
"""Calls an operation. Returns what its answer told beside that it was done."""

CONTROLS: Mapping[str, tuple[str, str, str]] = {
    "hang_up": ("Hanging up…", "hang up", "The call was not ended"),
    "drop_leg": ("Hanging up one side…", "hang up one side", "That side was not hung up"),
    "accept": ("Taking the call…", "take the call", "The call was not taken"),
    "decline": ("Declining…", "decline the call", "The call was not declined"),
    "hold": ("Putting on hold…", "put it on hold", "The call was not put on hold"),
    "resume": ("Taking off hold…", "take it off hold", "The call was not taken off hold"),
    "consult": ("Calling the third party…", "consult somebody", "The third party was not called"),
    "complete_transfer": ("Transferring…", "complete the transfer", "The transfer was not completed"),
    "return_to_caller": ("Going back to the call…", "go back to the call", "Nobody went back to the call"),
    "transfer": ("Transferring…", "transfer it", "The call was not transferred"),
    "forward": ("Transferring…", "transfer it", "The call was not transferred"),
    "press_key": ("Pressing a key…", "press a key", "No key was pressed"),
    "play": ("Playing a message…", "play a message", "No message was played"),
    "start_recording": ("Starting the recording…", "start recording", "The recording was not started"),
    "stop_recording": ("Stopping the recording…", "stop recording", "The recording was not stopped"),
    "tag": ("Tagging…", "tag it", "The call was not tagged"),
    "coach": ("Calling the coach…", "let a coach join", "No coach joined"),
    "block": ("Blocking the contact…", "block the contact", "The contact was not blocked"),
    "use_talk_option": ("Asking the phone service…", "use that option", "That option was not used"),
}
"""Operation -> (what the card says meanwhile, "nobody could ...", what is said where the service refuses it).

Exactly the operations on a running call.
"""

BRINGS_IN = frozenset({"consult", "transfer", "forward"})
"""What makes somebody else join the talk, and its recording if there is one."""
WITHOUT_US = frozenset({"hang_up", "drop_leg"})
"""All that is left to do to a call that was handed on: the others talk without us."""


def controls_of(board: Board, call: Call) -> frozenset[str]:
    """What can be done to a call right now; nothing while something is being done to it. Free of I/O."""
    provider = board.providers.get(call.account)
    if provider is None or not call.live or call.id in board.acting:
        return frozenset()
    controls = _possible(provider, call)
    if "start_recording" in controls:
        try:
            _consent(board, call)
        except NotAllowed:  # whoever asks: not shown, and refused with the reason
            return controls - {"start_recording"}
    return controls


def _possible(provider: Provider, call: Call) -> frozenset[str]:
    return provider.controls(call) & WITHOUT_US if call.transferred_to else provider.controls(call)


def _consent(board: Board, call: Call) -> consent.Consent:
    settings = board.settings
    return consent.decide(settings.recording, call.number, call.line, settings.region, running=True)


async def _joining(board: Board, call: Call, action: str, to: str) -> consent.Consent:
    """What somebody who is to join must know of the recording. Nobody asks for our own people, nor where the service
    records by itself what would not be recorded here.
    """
    settings = board.settings
    own = not to.startswith("+") or settings.line(to) is not None or await board.read(people.is_colleagues, to)
    if not call.recording_on or own:
        return consent.Consent()
    try:
        _consent(board, call)
    except NotAllowed:
        return consent.Consent()
    consults = action == "consult"  # `Operations.consult` can play something to them, and the rep talks to them first
    return consent.joining(settings.recording, to, call.line, settings.region, talks_first=consults, can_play=consults)


async def bring_in(board: Board, call_id: str, user: str, action: str, to: str, *, consented: bool = False) -> Call:
    """Consult a number or extension, or transfer to it: one of `BRINGS_IN`. Raises as `control()`."""

    async def work(provider: Provider, call: Call) -> None:
        operation = getattr(provider, action)
        told = (await _joining(board, call, action, to)).play
        await (operation(call, to, Speech(text=told)) if told else operation(call, to))

    return await control(board, call_id, user, action, work, to=to, consented=consented)


async def hang_up(board: Board, call_id: str, user: str) -> Call:
    """End a live call. Raises as `control()`."""
    return await control(board, call_id, user, "hang_up", lambda provider, call: provider.hang_up(call))


async def control(
    board: Board,
    call_id: str,
    user: str,
    action: str,
    work: Work,
    *,
    detail: str = "",
    to: str = "",
    consented: bool = False,
) -> Call:
    """Do one thing to a running call. Returns the call as it stood before.

    Args:
        action: name of the operation.  work: calls it.
        detail: with what, for people; it stands in the thread and in the audit log.
        to: a number or extension that will ring because of it; checked by the policy, and one from outside counts as a
            call of `user`.
        consented: this person said that the other side, or who is to join, knows of the recording.

    Raises:
        NeedsConsent: it may be recorded, or somebody join its recording, if they know; again with `consented` if the
            person says so.
        NotFound: the call is over, or was over before it could be done.
        NotAllowed: not this person's call, not at this moment, or the policy forbids `to`.
        Unsupported: the service cannot.  Refused, Unavailable, Ambiguous: its answer; nothing is repeated.
    """
    words, verb, _ = CONTROLS[action]
    if call_id in board.acting:
        raise NotAllowed(
            f"Something is being done to this call already ({board.acting[call_id].rstrip('…').lower()}). "
            "Nothing was done a second time."
        )
    # Before anything is read: a provider that acts by extension might act on the next call with a second request.
    board.acting[call_id] = words
    try:
        call = await _checked(board, call_id, user, action, verb, to)
        agreed = consent.Consent()
        if action == "start_recording":
            agreed = _consent(board, call)
            detail = agreed.done
        elif action in BRINGS_IN:
            agreed = await _joining(board, call, action, to)
        if agreed.question and not consented:
            raise NeedsConsent(agreed.question, agreed.yes)
        await board.write(cards.touch, call_id)
        await _do(board, call, user, action, work, detail or to, to, agreed.done)
        return call
    except (CapReached, Costly) as error:
        await alarms.refused(board, user, to, error)
        raise
    finally:
        del board.acting[call_id]
        await board.write(cards.touch, call_id)
        fresh = await board.read(calls.get, call_id)
        if fresh is not None:
            board.changed([fresh])


def check_person(board: Board, call: Call, user: str, action: str) -> None:
    """Only whose call it is, and managers, do something to it.

    Raises:
        NotAllowed: not this person.
    """
    for_anybody = action in ("accept", "decline", "play") and not call.rep  # it rings at a line, not at a person
    if call.rep != user and board.settings.role(user) == "rep" and not for_anybody:
        raise NotAllowed(f"Only the rep on the call, or a manager, can {CONTROLS[action][1]}. Nothing was done.")


def provider_of(board: Board, call: Call) -> Provider:
    """The service that has the call.

    Raises:
        NotFound: its account is not set up here any more.
    """
    if call.account not in board.providers:
        raise NotFound(
            f"That call is at the account “{call.account}”, which is not set up here any more. Nothing was done; use "
            "the phone itself."
        )
    return board.providers[call.account]


def check_not_there(call: Call, to: str) -> None:
    """Whoever is on the call cannot be called into it: their phone is busy, and a transfer would end it there.

    Raises:
        BadInput: `to` is the other side, or the phone that somebody of ours talks on.
    """
    talking = [leg for leg in call.legs if leg.answered_at and not leg.ended_at]
    there = {call.number, *(leg.name.removeprefix("ext:") for leg in talking)}
    if not any(leg.name == REP and leg.ended_at for leg in call.legs):
        there.add(call.rep_phone)
    if to and to in there:
        raise BadInput(f"{numbers.pretty(to)} is on this call already, so nobody was called. Name somebody else.")


async def _checked(board: Board, call_id: str, user: str, action: str, verb: str, to: str) -> Call:
    call = await board.call(call_id)
    if call.state is State.ENDED:
        raise NotFound(f"That call has already ended, so nobody can {verb} any more.")
    check_person(board, call, user, action)
    provider = provider_of(board, call)
    if not provider.can(action):
        raise Unsupported(f"{provider.title} cannot {operations()[action]}. Use the phone itself.")
    if action == "hang_up":
        if call.hanging_up(board.now()):
            raise NotAllowed(
                "Somebody is hanging up this call already. Nothing was done a second time; if it goes on, look at its "
                "card again in a moment."
            )
        for other in await board.read(calls.open_calls, call.account):
            later = other.started_at > call.started_at and other.state is State.TALKING
            if later and provider.ends_too(call, other):  # the record of this one is late, or lost
                raise NotAllowed(
                    f"{provider.title} ends whatever that phone is in, and by now that is another call. Nothing was "
                    "ended; hang up on the card of the later one."
                )
    elif action not in _possible(provider, call):
        raise NotAllowed(f"As the call stands now, nobody can {verb}: look at its card. Nothing was done.")
    if action in dialling():
        permission.check_caller(board, user)
    if to:
        check_not_there(call, to)
        await board.read(permission.check_joining, board, user, to, call.account)
    return call


async def _do(board: Board, call: Call, user: str, action: str, work: Work, detail: str, to: str, agreed: str) -> None:
    asked_at = board.now()  # what the service tells before its answer comes is later than what it was asked for
    key = f"{CONTROL}:{action}:{call.id}:{asked_at}"

    def ask(db: sqlite3.Connection) -> str:
        # Once more, in the transaction that counts it: two at the same moment cannot both pass a cap.
        counts = to and permission.check_joining(db, board, user, to, call.account)
        written = dials.joins_key(asked_at, key) if counts else key
        _audit(db, asked_at, user, action, call, f"{detail} asked for{f'; {agreed}' if agreed else ''}".strip())
        ledger.write_intent(db, written, user, CONTROL, msgspec.json.encode([action, to or detail]), asked_at)
        ledger.bind_intent(db, written, call.id)
        return written

    if action in dialling():  # another phone is about to ring: that is on record whatever happens to us meanwhile
        key = await board.write(ask)
    try:
        told = await work(board.provider(call.account), call)
    except CallboardError as error:
        unclear = isinstance(error, Ambiguous)
        words = f"{detail} {'unclear' if unclear else 'not done'}: {error}".strip()

        def close(db: sqlite3.Connection) -> None:  # a restart in between would tell something else of it
            _audit(db, board.now(), user, action, call, words)
            (ledger.finish_intent if unclear else ledger.undo_intent)(db, key)

        if unclear:
            await _nobody_knows(board, call, action)
        await board.write(close)
        fresh = await board.read(calls.get, call.id)
        if fresh is not None and fresh.state is State.ENDED:
            raise NotFound(f"The call ended before that could be done. ({error})") from error
        if isinstance(error, Refused):  # in the service's words, which do not say what it refused
            raise Refused(f"{CONTROLS[action][2]}: {error}", code=error.code, words=error.words) from error
        raise
    except Exception:  # a bug of ours, which is told as one
        await board.write(ledger.finish_intent, key)
        raise
    at = board.now()
    event: AnyEvent = HangUpAsked(at=at, by=user)
    if action != "hang_up":
        event = Controlled(at=asked_at, by=user, action=action, detail=detail)

    def note(db: sqlite3.Connection) -> None:
        # Meanwhile it may have turned out to be the call of an order whose answer was late.
        found = (calls.by_ref(db, call.account, call.refs[0]) if call.refs else None) or call
        calls.ingest(db, call.account, [event, *(told or ())], now=at, routing=board.routing, call_id=found.id)
        _audit(db, at, user, action, found, detail)
        ledger.finish_intent(db, key)

    await board.record(note)


async def _nobody_knows(board: Board, call: Call, action: str) -> None:
    """Whoever waits was put on hold before a third party was called: the card must offer the way back."""
    if action == "consult" and call.refs:
        await board.ingest(call.account, [HoldChanged(ref=call.refs[0], at=board.now(), on=True)])


async def recover(board: Board) -> None:
    """At start: of what made another phone ring a crash may have cut the answer off. It is told, and never repeated."""
    for intent in await board.read(ledger.open_intents):
        if intent.kind != CONTROL:
            continue
        call = await board.read(calls.get, intent.call_id) if intent.call_id else None
        if call is None:
            await board.write(ledger.finish_intent, intent.key)
            continue
        action, to = msgspec.json.decode(intent.body, type=tuple[str, str])
        words = "Callboard was restarted before the answer came"
        if call.live:
            await _nobody_knows(board, call, action)
            doing = CONTROLS[action][1] + (f" ({numbers.pretty(to)})" if to else "")
            await board.tell(
                intent.rep,
                f"{words} when you asked to {doing}, so it may or may not have been done; it is not done a second "
                "time. Look at the call's card and your phone before you press again.",
                f"intent:{intent.key}",
            )
        await board.write(_close, board.now(), intent, action, call, f"{to} unclear: {words}")


def _close(db: sqlite3.Connection, at: float, intent: Intent, action: str, call: Call, detail: str) -> None:
    _audit(db, at, intent.rep, action, call, detail)
    ledger.finish_intent(db, intent.key)


def _audit(db: sqlite3.Connection, at: float, user: str, action: str, call: Call, detail: str) -> None:
    ledger.audit(db, at, user, action.replace("_", " "), call.number, f"{call.id} {detail}".strip())


def target(board: Board, text: str) -> str:
    """A number as typed -> E.164; an extension as it is.

    Raises:
        BadInput: neither; says how to write one.
    """
    text = text.strip()
    return text if text.isalnum() and not text.isdigit() else numbers.parse(text, board.settings.region)
