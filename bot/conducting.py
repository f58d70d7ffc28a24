"""Calls that we conduct: the service rings the rep, and we bridge the customer when the rep has picked up; an incoming
call is accepted, and we ring the phone of whoever takes it.

What a call needs next is said by `Provider.next_step()`, a pure function of the folded call. Each step is an intent
that is written down before it is sent, and sent once; a step that a crash cut off is asked about, never repeated.
"""

import logging
import sqlite3

import msgspec

from bot.board import Board, sentence
from bot.call import Call
from bot.errors import Ambiguous, CallboardError, NotAllowed, Refused
from bot.events import CUSTOMER, AnyEvent, CallEnded, Controlled, LegEnded, LegRinging, NotPlaced, Outcome
from bot.intents import CONDUCT
from bot.provider import Provider
from bot.store import calls, ledger

log = logging.getLogger("callboard.conducting")

BRIDGE, HANG_UP = "bridge", "hang_up"
SHOW_UP_SECONDS = 8.0
"""How long after an unclear answer the second leg may take to show up in webhooks or when asked about."""
LOOK_BACK_SECONDS = 7200.0
"""At start, ended calls that began so long ago are looked at once more: a phone of theirs may not have been let go."""
LET_GO_TRIES = 5
"""How often a leg that nobody talks on any more is asked to end before we say so."""
LET_GO_MINUTES = 60
"""How long it is asked after that, once a minute: a caller who waits for nobody may have much patience."""


def watch(board: Board) -> None:
    """Begin the next step of every conducted call as soon as it changes."""

    def follow(call: Call) -> None:
        provider = board.providers.get(call.account)
        step = provider.next_step(call) if provider is not None else ""
        if step:
            board.spawn(conduct(board, call.id), failed)

    board.followers.append(follow)


async def failed(error: Exception) -> None:
    """A bug of ours: there is nobody in particular to tell."""
    log.error("A conducted call could not go on.", exc_info=error)


async def conduct(board: Board, call_id: str) -> None:
    """Do what the call needs now, once."""
    call = await board.read(calls.get, call_id)
    if call is None:
        return
    provider = board.provider(call.account)
    step = provider.next_step(call)
    if step and call.id in board.acting:
        return  # somebody ends it or puts it through at this very moment; once that is done it is looked at again
    if step == BRIDGE and await _take(board, call, BRIDGE, call.rep, call.number):
        await _bridge(board, provider, call, call.number)
    elif step == HANG_UP and await _take(board, call, HANG_UP, call.rep):
        await _let_go(board, provider, call)


async def join(board: Board, provider: Provider, call: Call, user: str, phone: str) -> None:
    """Accept an incoming call and, where the service leaves that to us, ring the phone of whoever takes it, once.

    Where that phone cannot be rung the caller is let go and becomes a missed caller.

    Raises:
        NotAllowed: somebody has taken it already.  Unsupported, Refused, Unavailable, Ambiguous: the service's answer.
    """
    await provider.accept(call)
    if not provider.can("bridge"):
        return
    if not await _take(board, call, BRIDGE, user, phone):
        raise NotAllowed("Somebody is taking this call already. Nothing was done a second time.")
    error = await _bridge(board, provider, call, phone)
    if error is not None:
        raise error


async def _take(board: Board, call: Call, step: str, user: str, number: str = "") -> bool:
    """The one chance to send this step; False: it was taken before. `number`: who is to be rung."""
    key = f"{CONDUCT}:{step}:{call.id}"

    def take(db: sqlite3.Connection) -> bool:
        written = ledger.write_intent(db, key, user, CONDUCT, msgspec.json.encode(number), board.now())
        ledger.bind_intent(db, key, call.id)
        return written and ledger.send_intent(db, key)

    return await board.record(take)  # a rep or a caller is on the line: nobody would begin this step again


async def _finish(board: Board, call: Call, step: str, *events: AnyEvent) -> None:
    def write(db: sqlite3.Connection) -> list[calls.Change]:
        ledger.finish_intent(db, f"{CONDUCT}:{step}:{call.id}")
        return calls.ingest(db, call.account, events, now=board.now(), routing=board.routing, call_id=call.id)

    board.changed(change.call for change in await board.record(write))


async def _bridge(board: Board, provider: Provider, call: Call, number: str) -> CallboardError | None:
    """Ring the second party. Returns why that did not come to be; the call's events tell it, too."""
    leg = _second(call, number)
    try:
        await provider.bridge(call, number)
    except Ambiguous as error:
        return await _find_out(board, provider, call, leg, error)
    except CallboardError as error:
        await _finish(board, call, BRIDGE, *await _failure(board, provider, call, leg, error))
        return error
    except Exception as error:  # a bug of ours after the order may have left: nobody knows, so nobody repeats
        log.exception("The second party of call %s could not be called.", call.id)
        words = f"Callboard failed while it connected you ({type(error).__name__}); the other side may have rung."
        return await _find_out(board, provider, call, leg, Ambiguous(words))
    await _finish(board, call, BRIDGE, LegRinging(ref=call.refs[0], at=board.now(), leg=leg))
    return None


def _second(call: Call, number: str) -> str:
    """The leg that a bridge makes: legs of incoming calls are named by whom they ring."""
    return CUSTOMER if call.direction == "out" else f"ext:{number}"


async def _find_out(
    board: Board, provider: Provider, call: Call, leg: str, error: CallboardError
) -> CallboardError | None:
    """The second party may be ringing or not. The service is asked; whatever it says, nobody is dialled a second time.

    Where no second leg shows up, nobody is left alone on the line: they are told, and let go by the next step.
    """
    await _ask(board, provider, call)
    await board.sleep(SHOW_UP_SECONDS)
    await _ask(board, provider, call)
    fresh = await board.read(calls.get, call.id) or call
    if any(one.name == leg for one in fresh.legs):
        await _finish(board, call, BRIDGE)
        return None
    if not fresh.live:
        await _let_go(board, provider, call)  # the second phone may ring all the same, with nobody to talk to
        await _finish(board, call, BRIDGE)
        return error
    await _finish(board, call, BRIDGE, *_failed(board, call, leg, error))
    return error


async def _failure(
    board: Board, provider: Provider, call: Call, leg: str, error: CallboardError
) -> tuple[AnyEvent, ...]:
    """What a refusal means: nothing new where the call was ended meanwhile, else that the second party was not rung."""
    fresh = await board.read(calls.get, call.id)
    if fresh is not None and not fresh.live:
        return ()
    if isinstance(error, Refused) and await _gone(provider, call):
        return (CallEnded(ref=call.refs[0], at=board.now()),)  # somebody hung up in the same moment
    return _failed(board, call, leg, error)


def _failed(board: Board, call: Call, leg: str, error: CallboardError) -> tuple[AnyEvent, ...]:
    at = board.now()
    return (
        LegEnded(ref=call.refs[0], at=at, leg=leg, outcome=Outcome.FAILED),
        NotPlaced(at=at, outcome=Outcome.FAILED, words=str(error)),
    )


async def _gone(provider: Provider, call: Call) -> bool:
    """The service was asked and does not know the call any more."""
    if not provider.can("call_state"):
        return False
    try:
        return not await provider.call_state(call)
    except Exception as error:  # also a bug of ours: that nobody knows must leave nobody on the line
        log.warning("The state of call %s could not be asked: %s", call.id, error)
        return False


async def _ask(board: Board, provider: Provider, call: Call) -> None:
    if not provider.can("call_state"):
        return
    try:
        await board.ingest(call.account, await provider.call_state(call))
    except Exception as error:  # also a bug of ours: that nobody knows must leave nobody on the line
        log.warning("The state of call %s could not be asked: %s", call.id, error)


async def _let_go(board: Board, provider: Provider, call: Call) -> None:
    """End the leg that is left. Ending twice does no harm, so it is tried again."""
    ended: tuple[AnyEvent, ...] = ()
    for attempt in range(1, LET_GO_TRIES + LET_GO_MINUTES + 1):
        try:
            await provider.hang_up(call)
            ended = (CallEnded(ref=call.refs[0], at=board.now()),)
            break
        except Exception as error:  # also a bug of ours
            if not isinstance(error, CallboardError):
                log.exception("Call %s could not be ended.", call.id)
            fresh = await board.read(calls.get, call.id)
            if fresh is None or provider.next_step(fresh) != HANG_UP:
                break  # it has ended by itself meanwhile
            if attempt == LET_GO_TRIES:
                await _tell_left(board, fresh, sentence(error))
        await board.sleep(attempt if attempt < LET_GO_TRIES else 60.0)
    await _finish(board, call, HANG_UP, *ended)


async def _tell_left(board: Board, call: Call, error: str) -> None:
    """Whoever conducted the call hears that somebody may be left on the line."""
    words = f"Your phone may still be on an ended call; hang it up. ({error})"
    user = call.rep
    if call.direction == "in":
        words = f"A caller may still be on the line with nobody; Callboard goes on trying to let them go. ({error})"
        taking = await board.read(ledger.intent, f"{CONDUCT}:{BRIDGE}:{call.id}")
        user = user or (taking.rep if taking is not None else "")
    if user:
        await board.tell(user, words, f"let-go:{call.id}")


async def recover(board: Board) -> None:
    """At start: steps that a crash cut off, and calls that came to need one while nobody watched."""
    for taken in await board.read(calls.open_calls):
        await _say_who_took(board, taken)
    for intent in await board.read(ledger.open_intents):
        call = await board.read(calls.get, intent.call_id) if intent.kind == CONDUCT and intent.call_id else None
        if call is not None and call.account in board.providers:
            board.spawn(_resume(board, call, intent), failed)
    ended = await board.read(calls.ended_of_late, board.now() - LOOK_BACK_SECONDS)
    for call in [*await board.read(calls.open_calls), *ended]:
        if call.account in board.providers and board.providers[call.account].next_step(call):
            board.spawn(conduct(board, call.id), failed)  # one that cannot be let go holds up no other


async def _say_who_took(board: Board, call: Call) -> None:
    """An incoming call is whose phone we rang for it, also where a crash came before that was written down."""
    intent = await board.read(ledger.intent, f"{CONDUCT}:{BRIDGE}:{call.id}")
    fresh = await board.read(calls.get, call.id)
    if intent is None or fresh is None or fresh.direction == "out" or fresh.rep:
        return
    name = _second(fresh, msgspec.json.decode(intent.body, type=str))
    if any(leg.name == name and leg.outcome is not Outcome.FAILED for leg in fresh.legs):
        taken = Controlled(at=board.now(), by=intent.rep, action="accept")
        await board.ingest(call.account, [taken], call_id=call.id)


async def _resume(board: Board, call: Call, intent: ledger.Intent) -> None:
    provider = board.provider(call.account)
    if intent.key.split(":")[1] == HANG_UP:
        await _let_go(board, provider, call)
        return
    words = "Callboard was restarted while it connected you, so the other side may not have been called."
    leg = _second(call, msgspec.json.decode(intent.body, type=str) if call.direction == "in" else call.number)
    error = await _find_out(board, provider, call, leg, Ambiguous(words))
    await _say_who_took(board, call)
    if error is not None and call.direction == "in":
        await board.tell(intent.rep, f"{error} The caller was let go; call them back.", f"join:{call.id}")
