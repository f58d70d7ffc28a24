"""Where an EnableX call stands: what one that we conduct needs next, and what can be done to it. Pure."""

from bot.call import Call, Leg
from bot.events import CUSTOMER, REP, THIRD, Outcome, State
from bot.providers.enablex.webhooks import LINE


def next_step(call: Call, *, joined: bool) -> str:
    """Bridge the customer when the rep is on the line; let go whoever is left, or has heard the message.

    Whoever was put through to somebody else is left in peace, also where that order was not answered, until those have
    hung up: the page does not say that the call ends with them. A phone that was not told to have stopped is let go
    when the other side has gone: ending what has ended does no harm.

    `joined`: EnableX itself bridges the customer.
    """
    legs = {leg.name: leg for leg in call.legs}
    rep, customer = legs.get(REP), legs.get(CUSTOMER)
    if call.purpose == "message":
        return "hang_up" if call.played is not None and _up(customer) else ""
    if call.transferred_to:
        return "hang_up" if _took_over_and_left(call) else ""
    if any(_up(leg) for leg in call.legs if leg.name.startswith(THIRD)):
        return ""
    if call.direction == "in":
        ours = [leg for leg in call.legs if leg.name != LINE]
        over = call.state is State.ENDED
        return "hang_up" if ours and (over or all(leg.ended_at for leg in ours)) else ""
    if rep is None or not call.rep:
        return ""
    if not _up(rep):
        return "hang_up" if rep.ended_at and customer is not None and not customer.ended_at else ""
    if rep.outcome is Outcome.VOICEMAIL:
        return "hang_up"  # the rep's own mailbox has picked up
    if customer is None:
        if call.state is State.ENDED or call.hang_up_by:
            return "hang_up"  # picked up after it was over: nobody is called any more
        return "" if joined else "bridge"
    return "hang_up" if customer.ended_at else ""


def controls(call: Call) -> frozenset[str]:
    """Hold, transfer and recording need two parties, playing needs one alone, and nobody accepts twice."""
    if not call.live:
        return frozenset()
    first = {"in": LINE, "out": CUSTOMER if call.purpose == "message" else REP}[call.direction]
    others = [leg for leg in call.legs if leg.name != first]
    bridged = any(leg.answered_at and not leg.ended_at for leg in others)
    if bridged:
        held = "resume" if call.held else "hold"
        recording = "stop_recording" if call.recording_on else "start_recording"
        return frozenset({"hang_up", held, "transfer", "forward", recording})
    if call.direction == "in" and not others:
        return frozenset({"accept", "decline", "play"})
    return frozenset({"hang_up"})


def _took_over_and_left(call: Call) -> bool:
    names = (f"{THIRD}{call.transferred_to}", f"ext:{call.transferred_to}")
    return any(leg.answered_at and leg.ended_at for leg in call.legs if leg.name in names)


def _up(leg: Leg | None) -> bool:
    """Picked up, by a person or a mailbox, and not known to have hung up."""
    if leg is None:
        return False
    return bool(leg.answered_at and not leg.ended_at) or leg.outcome is Outcome.VOICEMAIL
