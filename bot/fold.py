"""`fold()`: a call is a pure function of the set of its events.

Events are first brought into one canonical order, so neither arrival order nor repeats can matter; then each
fact is taken by a rule of its own (first, last, or "the CDR overrules").
"""

from collections.abc import Iterable
from typing import TypeVar

from bot.events import (
    CUSTOMER,
    REP,
    REP_OUTCOMES,
    Accepted,
    AnyEvent,
    Call,
    CallEnded,
    CdrReceived,
    Described,
    HangUpAsked,
    Leg,
    LegAnswered,
    LegEnded,
    LegEvent,
    LegRinging,
    NotPlaced,
    Outcome,
    Requested,
    Settled,
    State,
    Unclear,
    Wrapped,
)

_E = TypeVar("_E", bound=AnyEvent)

# Of several legs that were not answered, the one that says most about the caller's experience wins.
_WEIGHT = {
    Outcome.VOICEMAIL: 0,
    Outcome.ANNOUNCEMENT: 1,
    Outcome.ABANDONED: 2,
    Outcome.REJECTED: 3,
    Outcome.BUSY: 4,
    Outcome.NO_ANSWER: 5,
    Outcome.CANCELLED: 6,
    Outcome.UNREACHABLE: 7,
    Outcome.FAILED: 8,
}


def fold(call_id: str, account: str, events: Iterable[AnyEvent]) -> Call:
    """The call that these events make. Any order, any repeats, same result."""
    ordered = sorted(set(events), key=lambda event: (event.at, event.key))
    requested = _first(ordered, Requested)
    described = [event for event in ordered if isinstance(event, Described)]
    cdrs = [event for event in ordered if isinstance(event, CdrReceived)]
    wraps = [event for event in ordered if isinstance(event, Wrapped)]
    hang_up = _first(ordered, HangUpAsked)
    settled = _last(ordered, Settled)

    legs = _legs(ordered)
    direction = next((event.direction for event in described if event.direction), None)
    if requested is not None or direction is None:
        # Legs of incoming calls are named by whom they rang; without any leg nobody of ours was rung.
        incoming = requested is None and any(leg.name not in (REP, CUSTOMER) for leg in legs)
        direction = "in" if incoming else "out"
    state, outcome = (_outgoing if direction == "out" else _incoming)(ordered, legs)
    if settled is not None and (state is not State.ENDED or outcome in (None, Outcome.PENDING)):
        state, outcome = State.ENDED, settled.outcome

    talked = _talked(legs, direction)
    shown = talked or _last_rung(legs)
    priced = [cdr for cdr in cdrs if cdr.price is not None]
    failure = _first(ordered, NotPlaced)
    unclear = _first(ordered, Unclear)
    words = failure.words if failure and outcome is failure.outcome else ""
    if unclear and state is State.UNCLEAR:
        words = unclear.words

    return Call(
        id=call_id,
        account=account,
        refs=tuple(sorted({event.ref for event in ordered if event.ref})),
        direction=direction,
        state=state,
        outcome=outcome,
        words=words,
        rep=requested.rep if requested else "",
        rep_phone=requested.rep_phone if requested else "",
        number=requested.number if requested else _told(described, "number"),
        line=(requested.line if requested else "") or _told(described, "line"),
        name=(requested.name if requested else "") or _told(described, "name"),
        queue=_told(described, "queue"),
        extension=(shown.extension if shown else "") or _told(described, "extension"),
        person=(shown.person if shown else "") or _told(described, "person"),
        origin=_told(described, "origin"),
        note=next((wrap.note for wrap in reversed(wraps) if wrap.note), requested.note if requested else ""),
        disposition=next((wrap.disposition for wrap in reversed(wraps) if wrap.disposition), ""),
        started_at=_started(ordered, legs, requested),
        answered_at=talked.answered_at if talked else 0,
        ended_at=_ended(ordered, legs, state, settled),
        ring_seconds=max((leg.ring_seconds for leg in legs if leg.name != REP), default=0),
        talk_seconds=_talk_seconds(ordered, legs, talked) if talked and state is State.ENDED else 0,
        wait_seconds=max((leg.wait_seconds for leg in legs), default=0),
        price=round(sum(cdr.price or 0 for cdr in priced), 6) if priced else None,
        currency=priced[0].currency if priced else "",
        recording=next((leg.recording for leg in sorted(legs, key=_talk_first) if leg.recording), ""),
        hang_up_by=hang_up.by if hang_up else "",
        settled_by=settled.by if settled else "",
        legs=tuple(legs),
    )


def _first(events: list[AnyEvent], kind: type[_E]) -> _E | None:
    return next((event for event in events if isinstance(event, kind)), None)


def _last(events: list[AnyEvent], kind: type[_E]) -> _E | None:
    return next((event for event in reversed(events) if isinstance(event, kind)), None)


def _told(described: list[Described], field: str) -> str:
    """The first non-empty word on a field; a later poll may add facts but not change them."""
    return next((value for event in described if (value := getattr(event, field))), "")


def _legs(ordered: list[AnyEvent]) -> list[Leg]:
    by_leg: dict[str, list[LegEvent]] = {}
    for event in ordered:
        if isinstance(event, LegEvent):
            by_leg.setdefault(event.leg, []).append(event)
    return [_leg(name, by_leg[name]) for name in sorted(by_leg)]


def _leg(name: str, events: list[LegEvent]) -> Leg:
    cdr = next((event for event in events if isinstance(event, CdrReceived)), None)
    if cdr is not None:
        answered_at = cdr.at + cdr.wait_seconds + cdr.ring_seconds if cdr.outcome is Outcome.ANSWERED else 0.0
        return Leg(
            name=name,
            ringing_at=cdr.at,
            answered_at=answered_at,
            ended_at=cdr.at + cdr.wait_seconds + cdr.ring_seconds + cdr.talk_seconds,
            outcome=cdr.outcome,
            ring_seconds=cdr.ring_seconds,
            talk_seconds=cdr.talk_seconds if answered_at else 0,
            wait_seconds=cdr.wait_seconds,
            extension=cdr.extension,
            person=cdr.person,
            recording=cdr.recording,
            recorded=True,
        )
    ringing_at = min((event.at for event in events if isinstance(event, LegRinging)), default=0.0)
    answered_at = min((event.at for event in events if isinstance(event, LegAnswered)), default=0.0)
    endings = [event for event in events if isinstance(event, LegEnded)]
    ended_at = min((event.at for event in endings), default=0.0)
    outcome: Outcome | None = None
    if endings:
        told = sorted({event.outcome for event in endings if event.outcome is not Outcome.PENDING})
        outcome = Outcome.ANSWERED if answered_at else (told[0] if told else Outcome.PENDING)
    return Leg(
        name=name,
        ringing_at=ringing_at or answered_at,
        answered_at=answered_at,
        ended_at=ended_at,
        outcome=outcome,
        ring_seconds=_span(ringing_at, answered_at or ended_at),
        talk_seconds=_span(answered_at, ended_at),
        extension=name.removeprefix("ext:") if name.startswith("ext:") else "",
    )


def _span(start: float, end: float) -> int:
    return round(end - start) if start and end > start else 0


def _outgoing(ordered: list[AnyEvent], legs: list[Leg]) -> tuple[State, Outcome | None]:
    rep = next((leg for leg in legs if leg.name == REP), None)
    # A call made on the desk phone has no rep leg of its own, and its other leg may be named by extension.
    customer = next((leg for leg in legs if leg.name != REP), None)
    over = next((event for event in ordered if isinstance(event, CallEnded)), None)
    told = next((e.outcome for e in ordered if isinstance(e, CallEnded) and e.outcome is not Outcome.PENDING), None)
    talked = customer is not None and customer.answered_at
    if rep is not None and rep.outcome in REP_OUTCOMES and not talked:
        return State.ENDED, REP_OUTCOMES[rep.outcome]  # whatever is told of a customer's leg never dialled
    if customer is not None and customer.outcome is not None:
        if customer.outcome is Outcome.PENDING and told is not None:
            return State.ENDED, told
        return State.ENDED, customer.outcome
    if customer is not None and customer.answered_at:
        return (State.ENDED, Outcome.ANSWERED) if over or (rep and rep.ended_at) else (State.TALKING, None)
    if over is not None or (rep is not None and rep.outcome is not None):
        return State.ENDED, told or _without_customer(rep, customer, over is not None)
    if rep is not None and rep.answered_at:
        return State.CONNECTING, None
    if customer is not None and customer.ringing_at:
        return State.CONNECTING, None
    if rep is not None and rep.ringing_at:
        return State.RINGING, None
    failure = _first(ordered, NotPlaced)
    if failure is not None:
        return State.ENDED, failure.outcome
    if _first(ordered, Accepted) is not None:
        return State.RINGING, None
    if _first(ordered, Unclear) is not None:
        return State.UNCLEAR, None
    if _first(ordered, Requested) is None:
        return State.RINGING, None  # only a description so far: somebody's phone rings somewhere
    return State.REQUESTED, None


def _without_customer(rep: Leg | None, customer: Leg | None, over: bool) -> Outcome:
    """The call is over and the customer's leg has no record: the rep's leg must tell."""
    if rep is not None and rep.outcome in REP_OUTCOMES:
        return REP_OUTCOMES[rep.outcome]
    if rep is not None and rep.outcome in (Outcome.FAILED, Outcome.CANCELLED):
        return rep.outcome
    if rep is not None and rep.answered_at:
        # The rep hung up while the customer's phone rang, unless a CDR of that leg is still on its way.
        return Outcome.PENDING if rep.recorded and not over else Outcome.CANCELLED
    return Outcome.CANCELLED if over and customer is not None else Outcome.PENDING


def _incoming(ordered: list[AnyEvent], legs: list[Leg]) -> tuple[State, Outcome | None]:
    over = _first(ordered, CallEnded)
    if any(leg.answered_at and not leg.ended_at for leg in legs) and over is None:
        return State.TALKING, None
    if over is None and not (legs and all(leg.ended_at for leg in legs)):
        return State.RINGING, None
    if any(leg.answered_at for leg in legs):
        return State.ENDED, Outcome.ANSWERED
    if over is None and not any(leg.recorded for leg in legs):
        return State.RINGING, None  # the next phone of a ring group may be about to ring
    told = [leg.outcome for leg in legs if leg.outcome not in (None, Outcome.PENDING)]
    if told:
        return State.ENDED, min(told, key=lambda outcome: _WEIGHT.get(outcome or Outcome.FAILED, 9))
    if over is not None and over.outcome is not Outcome.PENDING:
        return State.ENDED, over.outcome
    return State.ENDED, Outcome.NO_ANSWER


def _talk_first(leg: Leg) -> tuple[bool, bool, str]:
    return (not leg.answered_at, leg.name == REP, leg.name)


def _talked(legs: list[Leg], direction: str) -> Leg | None:
    """The leg whose talk time is the conversation's: out, the customer's; in, the first that was answered."""
    answered = [leg for leg in legs if leg.answered_at and not (direction == "out" and leg.name == REP)]
    return min(answered, key=lambda leg: (leg.answered_at, leg.name), default=None)


def _talk_seconds(ordered: list[AnyEvent], legs: list[Leg], talked: Leg) -> int:
    """That leg's own talk time; where its end was never told, until the first other end that was."""
    if talked.recorded or talked.ended_at:
        return talked.talk_seconds
    ends = [leg.ended_at for leg in legs] + [event.at for event in ordered if isinstance(event, CallEnded)]
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


def _ended(ordered: list[AnyEvent], legs: list[Leg], state: State, settled: Settled | None) -> float:
    if state is not State.ENDED:
        return 0.0
    recorded = [leg.ended_at for leg in legs if leg.recorded]
    if recorded:
        return max(recorded)
    ends = [leg.ended_at for leg in legs if leg.ended_at]
    ends += [event.at for event in ordered if isinstance(event, CallEnded | NotPlaced)]
    return max(ends, default=settled.at if settled else 0.0)
