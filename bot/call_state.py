"""How a call stands: its state and, once it has ended, its outcome, from its legs and what else was told. Pure."""

from bot.call import Leg
from bot.events import (
    REP,
    REP_OUTCOMES,
    THIRD,
    Accepted,
    CallEnded,
    HangUpAsked,
    NotPlaced,
    Outcome,
    Requested,
    State,
    Unclear,
)
from bot.told import Told

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


def state_of_outgoing(told: Told, legs: list[Leg]) -> tuple[State, Outcome | None]:
    """Of a call that we placed. The outcome is None until it has ended."""
    rep = next((leg for leg in legs if leg.name == REP), None)
    # A call made on the desk phone has no rep leg of its own, and its other leg may be named by extension.
    customer = next((leg for leg in legs if leg.name != REP), None)
    over = told.first(CallEnded)
    why = next((event.outcome for event in told.all(CallEnded) if event.outcome is not Outcome.PENDING), None)
    talked = customer is not None and customer.answered_at
    if rep is not None and rep.outcome in REP_OUTCOMES and not talked:
        return State.ENDED, REP_OUTCOMES[rep.outcome]  # whatever is told of a customer's leg never dialled
    if customer is not None and customer.outcome is not None:
        if customer.outcome is Outcome.PENDING and why is not None:
            return State.ENDED, why
        return State.ENDED, customer.outcome
    if customer is not None and customer.answered_at:
        handed_on = any(leg.answered_at and not leg.ended_at for leg in legs if leg.name.startswith(THIRD))
        over_for_us = over or (rep and rep.ended_at and not handed_on)
        return (State.ENDED, Outcome.ANSWERED) if over_for_us else (State.TALKING, None)
    if over is not None or (rep is not None and rep.outcome is not None):
        if rep is None and why is None and _silent_message(told):
            return State.ENDED, Outcome.PENDING
        return State.ENDED, why or _without_customer(rep, customer, over is not None)
    if rep is not None and rep.answered_at:
        return State.CONNECTING, None
    if customer is not None and customer.ringing_at:
        return State.CONNECTING, None
    if rep is not None and rep.ringing_at:
        return State.RINGING, None
    failure = told.first(NotPlaced)
    if failure is not None:
        return State.ENDED, failure.outcome
    if told.first(Accepted) is not None:
        return State.RINGING, None
    if told.first(Unclear) is not None:
        return State.UNCLEAR, None
    if told.first(Requested) is None:
        return State.RINGING, None  # only a description so far: somebody's phone rings somewhere
    return State.REQUESTED, None


def _silent_message(told: Told) -> bool:
    """A message that nobody hung up, and of whose delivery nothing more was told: it may have been heard."""
    requested = told.first(Requested)
    return requested is not None and requested.purpose == "message" and not told.any(HangUpAsked)


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


def state_of_incoming(told: Told, legs: list[Leg]) -> tuple[State, Outcome | None]:
    """Of a call that somebody placed to us. The outcome is None until it has ended."""
    over = told.first(CallEnded)
    if over is None:
        if any(leg.answered_at and not leg.ended_at for leg in legs):
            return State.TALKING, None
        if not (legs and all(leg.ended_at for leg in legs)):
            return (State.ENDED, Outcome.ANSWERED) if _talked_out(legs) else (State.RINGING, None)
    if any(leg.answered_at for leg in legs):
        return State.ENDED, Outcome.ANSWERED
    if over is None and not any(leg.recorded for leg in legs):
        return State.RINGING, None  # the next phone of a ring group may be about to ring
    ends = [leg.outcome for leg in legs if leg.outcome not in (None, Outcome.PENDING)]
    if ends:
        return State.ENDED, min(ends, key=lambda outcome: _WEIGHT.get(outcome or Outcome.FAILED, 9))
    if over is not None and over.outcome is not Outcome.PENDING:
        return State.ENDED, over.outcome
    return State.ENDED, Outcome.NO_ANSWER


def _talked_out(legs: list[Leg]) -> bool:
    """Somebody talked and hung up, and no phone rings that did not ring before they picked up.

    Those that did have stopped: few services say so.
    """
    picked_up = min((leg.answered_at for leg in legs if leg.answered_at), default=0.0)
    return bool(picked_up) and not any(not leg.ended_at and leg.ringing_at > picked_up for leg in legs)
