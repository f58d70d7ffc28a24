"""`fold()`: a call is a pure function of the set of its events.

Events are first brought into one canonical order, so neither arrival order nor repeats can matter; then each
fact is taken by a rule of its own (first, last, or "the CDR overrules").
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from msgspec import structs

from bot.call import Call, Leg
from bot.call_state import state_of_incoming, state_of_outgoing
from bot.events import (
    CUSTOMER,
    REP,
    THIRD,
    UNNAMED,
    AnyEvent,
    CallEnded,
    CdrReceived,
    Controlled,
    Described,
    Direction,
    Guided,
    HangUpAsked,
    Heard,
    HoldChanged,
    LegAlive,
    LegAnswered,
    LegEnded,
    LegEvent,
    LegRinging,
    NotPlaced,
    Outcome,
    Played,
    RecordingChanged,
    RecordingReady,
    Requested,
    Settled,
    State,
    Tagged,
    Unclear,
    Wrapped,
)
from bot.told import Told, in_order, place

_BY_HAND = (HoldChanged, RecordingChanged, Controlled)
_FACTS = ("number", "line", "name", "queue", "extension", "person", "origin")


def fold(call_id: str, account: str, events: Iterable[AnyEvent]) -> Call:
    """The call that these events make. Any order, any repeats, same result."""
    ordered = in_order(events)
    told = Told(ordered)
    if any(end.absent for end in told.all(CallEnded)):
        ordered = _lived_on(ordered)
        told = Told(ordered)
    requested = told.first(Requested)
    if requested is not None and requested.purpose != "call" and REP in told.legs:
        # A message or a conference rings one phone: that is one leg, whatever the service calls it.
        told.legs[CUSTOMER] = sorted(told.legs.pop(REP) + told.legs.get(CUSTOMER, []), key=place)
    if UNNAMED in told.legs:
        _name_it(told)
    described = told.all(Described)
    facts = _facts(described)
    wraps = told.all(Wrapped)
    hang_up = told.last(HangUpAsked)
    settled = told.last(Settled)
    hands = _hands(told, ordered) if told.any(*_BY_HAND) else _NO_HANDS
    legs = [_leg(name, told.legs[name]) for name in sorted(told.legs)]
    direction = _direction(requested, described, legs)
    state, outcome = (state_of_outgoing if direction == "out" else state_of_incoming)(told, legs)
    if settled is not None and (state is not State.ENDED or outcome in (None, Outcome.PENDING)):
        state, outcome = State.ENDED, settled.outcome
    talked = _talked(legs, direction)
    shown = talked or _last_rung(legs)
    priced = [cdr for cdr in told.all(CdrReceived) if cdr.price is not None]
    recordings = _recordings(told, legs, state)
    return Call(
        id=call_id,
        account=account,
        refs=tuple(sorted({event.ref for event in ordered} - {""})),
        direction=direction,
        state=state,
        outcome=outcome,
        words=_words(told, state, outcome),
        rep=requested.rep if requested else hands.taken_by,
        rep_phone=requested.rep_phone if requested else "",
        number=requested.number if requested else facts.get("number", ""),
        line=(requested.line if requested else "") or facts.get("line", ""),
        name=(requested.name if requested else "") or facts.get("name", ""),
        queue=facts.get("queue", ""),
        extension=(shown.extension if shown else "") or facts.get("extension", ""),
        person=(shown.person if shown else "") or facts.get("person", ""),
        origin=facts.get("origin", ""),
        note=_latest(wraps, "note", requested.note if requested else ""),
        disposition=_latest(wraps, "disposition"),
        started_at=_started(ordered, legs, requested),
        answered_at=talked.answered_at if talked else 0,
        ended_at=_ended(told, legs, state, settled),
        ring_seconds=max([leg.ring_seconds for leg in legs if leg.name != REP], default=0),
        talk_seconds=_talk_seconds(told, legs, talked) if talked and state is State.ENDED else 0,
        wait_seconds=max([leg.wait_seconds for leg in legs], default=0),
        price=round(sum([cdr.price or 0 for cdr in priced]), 6) if priced else None,
        currency=priced[0].currency if priced else "",
        recording=recordings[0] if recordings else "",
        recordings=recordings,
        hang_up_by=hang_up.by if hang_up else "",
        hang_up_at=hang_up.at if hang_up else 0,
        settled_by=settled.by if settled else "",
        purpose=requested.purpose if requested else "call",
        held=hands.held and state is not State.ENDED,
        recording_on=_recording_on(hands, requested, state),
        consulting=hands.consulting if state is not State.ENDED else "",
        transferred_to=_handed_to(hands, legs),
        blocked=hands.blocked,
        guided_at=guided.at if (guided := told.last(Guided)) else 0,
        tags=tuple(dict.fromkeys([event.label for event in tagged])) if (tagged := told.all(Tagged)) else (),
        played=played.outcome if (played := told.last(Played)) else None,
        heard=_heard(ordered) if told.any(Heard, Guided) else (),
        dial_digits=requested.dial_digits if requested else "",
        confirm_key=requested.confirm_key if requested else "",
        conference=requested.conference if requested else "",
        legs=tuple(legs),
    )


def _direction(requested: Requested | None, described: Sequence[Described], legs: Sequence[Leg]) -> Direction:
    """What we asked for goes out; else it is as the service says, or as the legs look."""
    if requested is not None:
        return "out"
    told = next((event.direction for event in described if event.direction), None)
    if told is not None:
        return told
    # Legs of incoming calls are named by whom they rang; without any leg nobody of ours was rung.
    return "in" if any(leg.name not in (REP, CUSTOMER) for leg in legs) else "out"


def _words(told: Told, state: State, outcome: Outcome | None) -> str:
    """Why nothing rang, or what is unclear; "" = neither is so (any more)."""
    failure, unclear = told.first(NotPlaced), told.first(Unclear)
    if unclear and state is State.UNCLEAR:
        return unclear.words
    return failure.words if failure and outcome is failure.outcome else ""


def _name_it(told: Told) -> None:
    """What was told of somebody of ours without a name is of whoever answered first, where another answer names them.

    Else one and the same phone had two legs, and whoever talks there would be taken for one who was called in.
    """
    named = [(name, legs) for name, legs in told.legs.items() if name.startswith(UNNAMED) and name != UNNAMED]
    answers = [(event.at, name) for name, legs in named for event in legs if isinstance(event, LegAnswered)]
    if answers:
        _, name = min(answers)
        theirs = [structs.replace(event, leg_ref="") for event in told.legs.pop(UNNAMED)]  # perhaps another's, who rang
        told.legs[name] = sorted(told.legs[name] + theirs, key=place)


def _latest(wraps: list[Wrapped], what: str, otherwise: str = "") -> str:
    """What was said last, "" = it was taken back. `otherwise`: where nothing ever was."""
    for wrap in reversed(wraps):
        if (said := getattr(wrap, what)) or what in wrap.taken_back:
            return str(said)
    return otherwise


def _lived_on(ordered: list[AnyEvent]) -> list[AnyEvent]:
    """Without the ends of a call that only seemed to be over: a phone rang or was picked up after that."""
    lived = max((event.at for event in ordered if isinstance(event, LegAlive)), default=0.0)
    return [event for event in ordered if not (isinstance(event, CallEnded) and event.absent and event.at < lived)]


class _Hands(NamedTuple):
    """What people did to a running call, and what the provider told of it; the latest word on each counts."""

    held: bool = False
    recording_on: bool | None = None
    consulting: str = ""
    transferred_to: str = ""
    taken_by: str = ""
    blocked: bool = False


_NO_HANDS = _Hands()


def _hands(told: Told, ordered: list[AnyEvent]) -> _Hands:
    hands = _Hands()
    # Of one recording the end counts, also where it failed in the moment in which it began.
    over = {change.recording for change in told.all(RecordingChanged) if not change.on} - {""}
    for event in ordered:
        if isinstance(event, HoldChanged):
            hands = hands._replace(held=event.on)
        elif isinstance(event, RecordingChanged):
            hands = hands._replace(recording_on=event.on and event.recording not in over)
        elif isinstance(event, Controlled):
            hands = _after(hands, event)
    return hands


def _after(hands: _Hands, event: Controlled) -> _Hands:
    match event.action:
        case "accept":
            return hands._replace(taken_by=hands.taken_by or event.by)
        case "hold":
            return hands._replace(held=True)
        case "resume" | "return_to_caller":
            return hands._replace(held=False, consulting="")
        case "consult":
            return hands._replace(held=True, consulting=event.detail)
        case "consult_ended":  # the caller is still on hold
            return hands._replace(consulting="")
        case "complete_transfer":
            return hands._replace(held=False, consulting="", transferred_to=hands.consulting)
        case "transfer" | "forward":
            return hands._replace(held=False, consulting="", transferred_to=event.detail)
        case "start_recording" | "stop_recording":
            return hands._replace(recording_on=event.action == "start_recording")
        case "block":
            return hands._replace(blocked=True)
    return hands


def _recording_on(hands: _Hands, requested: Requested | None, state: State) -> bool:
    if state is not State.TALKING:
        return False
    if hands.recording_on is None:
        return requested is not None and requested.record
    return hands.recording_on


def _handed_to(hands: _Hands, legs: list[Leg]) -> str:
    """Who took over; nobody where their phone was not answered."""
    if not hands.transferred_to:
        return ""
    # Legs of incoming calls may be named by whom they ring.
    third = [leg for leg in legs if leg.name in (f"{THIRD}{hands.transferred_to}", f"ext:{hands.transferred_to}")]
    return "" if third and all(leg.ended_at and not leg.answered_at for leg in third) else hands.transferred_to


def _facts(described: list[Described]) -> dict[str, str]:
    """The first non-empty word on each; a later poll may add facts but not change them."""
    facts: dict[str, str] = {}
    for event in described:
        for name in _FACTS:
            if name not in facts and (value := getattr(event, name)):
                facts[name] = value
    return facts


def _heard(ordered: list[AnyEvent]) -> tuple[str, ...]:
    words = (event.digits or event.phrase if isinstance(event, Heard) else event.digits
             for event in ordered if isinstance(event, Heard | Guided))  # fmt: skip
    return tuple(word for word in words if word)


def _leg(name: str, events: list[LegEvent]) -> Leg:
    cdrs = [event for event in events if isinstance(event, CdrReceived)]
    if cdrs:
        cdr = next((one for one in cdrs if one.outcome is Outcome.ANSWERED), cdrs[0])
        answered_at = cdr.at + cdr.wait_seconds + cdr.ring_seconds if cdr.outcome is Outcome.ANSWERED else 0.0
        return Leg(
            name=name,
            ref=_leg_ref(events),
            ringing_at=cdrs[0].at,
            answered_at=answered_at,
            ended_at=cdr.at + cdr.wait_seconds + cdr.ring_seconds + cdr.talk_seconds,
            outcome=cdr.outcome,
            ring_seconds=cdr.ring_seconds,
            talk_seconds=cdr.talk_seconds if answered_at else 0,
            wait_seconds=cdr.wait_seconds,
            extension=cdr.extension or _extension(name),
            person=cdr.person,
            recording=cdr.recording,
            recorded=True,
        )
    ringing_at = min((event.at for event in events if isinstance(event, LegRinging)), default=0.0)
    answered_at = min((event.at for event in events if isinstance(event, LegAnswered)), default=0.0)
    # An end that nobody explained, before it was picked up or seen again, was that of ringing in vain, or a mistake.
    lived = max([answered_at, *(event.at for event in events if isinstance(event, LegAlive) and event.again)])
    endings = [
        event
        for event in events
        if isinstance(event, LegEnded) and (event.outcome is not Outcome.PENDING or event.at >= lived)
    ]
    ended_at = min((event.at for event in endings), default=0.0)
    outcome: Outcome | None = None
    if any(event.outcome is Outcome.VOICEMAIL for event in endings):
        outcome, answered_at = Outcome.VOICEMAIL, 0.0  # a poll, or the service itself, took that for an answer first
    elif endings:
        told = sorted({event.outcome for event in endings if event.outcome is not Outcome.PENDING})
        outcome = Outcome.ANSWERED if answered_at else (told[0] if told else Outcome.PENDING)
    return Leg(
        name=name,
        ref=_leg_ref(events),
        ringing_at=ringing_at or answered_at,
        answered_at=answered_at,
        ended_at=ended_at,
        outcome=outcome,
        ring_seconds=_span(ringing_at, answered_at or ended_at),
        talk_seconds=_span(answered_at, ended_at),
        extension=_extension(name),
    )


def _extension(leg: str) -> str:
    return leg.removeprefix("ext:") if leg.startswith("ext:") else ""


def _leg_ref(events: list[LegEvent]) -> str:
    return next((event.leg_ref for event in events if event.leg_ref), "")


def _span(start: float, end: float) -> int:
    return round(end - start) if start and end > start else 0


def _recordings(told: Told, legs: list[Leg], state: State) -> tuple[str, ...]:
    """The legs' records are of one and the same talk; what was made by hand is told by itself, each once.

    One that is known to have begun can be asked for after the call, also where nobody tells that it is ready.
    """
    recorded = [leg for leg in legs if leg.recording]
    found = [min(recorded, key=_talk_first).recording] if recorded else []
    if ready := told.all(RecordingReady):
        found += [event.recording for event in ready if event.recording]
    if state is State.ENDED and (changes := told.all(RecordingChanged)):
        failed = {change.recording for change in changes if change.words}
        found += [change.recording for change in changes if change.recording and change.recording not in failed]
    return tuple(dict.fromkeys(found))


def _talk_first(leg: Leg) -> tuple[bool, bool, str]:
    return (not leg.answered_at, leg.name == REP, leg.name)


def _talked(legs: list[Leg], direction: str) -> Leg | None:
    """The leg whose talk time is the conversation's: out, the customer's; in, the first that was answered."""
    answered = [leg for leg in legs if leg.answered_at and not (direction == "out" and leg.name == REP)]
    if len(answered) < 2:
        return answered[0] if answered else None
    return min(answered, key=lambda leg: (leg.answered_at, leg.name))


def _talk_seconds(told: Told, legs: list[Leg], talked: Leg) -> int:
    """That leg's own talk time; where its end was never told, until the first other end that was."""
    if talked.recorded or talked.ended_at:
        return talked.talk_seconds
    ends = [leg.ended_at for leg in legs] + [event.at for event in told.all(CallEnded)]
    return _span(talked.answered_at, min((end for end in ends if end > talked.answered_at), default=0.0))


def _last_rung(legs: list[Leg]) -> Leg | None:
    return max((leg for leg in legs if leg.extension), key=lambda leg: (leg.ringing_at, leg.name), default=None)


def _started(ordered: list[AnyEvent], legs: list[Leg], requested: Requested | None) -> float:
    if requested is not None:
        return requested.at
    recorded = [leg.ringing_at for leg in legs if leg.recorded]
    if recorded:
        return min(recorded)
    return min((event.at for event in ordered), default=0.0)


def _ended(told: Told, legs: list[Leg], state: State, settled: Settled | None) -> float:
    if state is not State.ENDED:
        return 0.0
    recorded = [leg.ended_at for leg in legs if leg.recorded]
    if recorded:
        return max(recorded)
    ends = [leg.ended_at for leg in legs if leg.ended_at]
    ends += [event.at for event in (*told.all(CallEnded), *told.all(NotPlaced))]
    return max(ends, default=settled.at if settled else 0.0)
