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
    thirds = [leg for leg in call.legs if leg.name.startswith(THIRD) or leg.name == f"ext:{call.transferred_to}"]
    if any(_up(leg) for leg in thirds):
        return ""
    if call.transferred_to and any(leg.answered_at for leg in thirds):
        return "hang_up"  # they took over, and have left
    # The page does not say in which order a transfer is told, so whoever rings may be the one they talk to now.
    may_take_over = bool(call.transferred_to) or any(not leg.ended_at for leg in thirds)
    if call.direction == "in":
        ours = [leg for leg in call.legs if leg.name != LINE]
        over = call.state is State.ENDED or all(leg.ended_at for leg in ours)
        return "hang_up" if ours and over and not call.transferred_to else ""
    if rep is None or not call.rep:
        return ""
    if not _up(rep):
        left = rep.ended_at and customer is not None and not customer.ended_at
        return "hang_up" if left and not may_take_over else ""
    if rep.outcome is Outcome.VOICEMAIL:
        return "hang_up"  # the rep's own mailbox has picked up
    if customer is None:
        if call.state is State.ENDED or call.hang_up_by:
            return "hang_up"  # picked up after it was over: nobody is called any more
        return "" if joined else "bridge"
    return "hang_up" if customer.ended_at and not may_take_over else ""


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


def _up(leg: Leg | None) -> bool:
    """Picked up, by a person or a mailbox, and not known to have hung up."""
    if leg is None:
        return False
    return bool(leg.answered_at and not leg.ended_at) or leg.outcome is Outcome.VOICEMAIL
