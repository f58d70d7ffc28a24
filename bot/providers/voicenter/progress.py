"""A call while it lives, as Voicenter shows it in two places: the active-calls list and the pop-up.

Both show one *extension's* view of a call: its phone rings, it dials, it talks. So the same rules read both, and
both yield the same events, with the times Voicenter tells (a repeat is then recognisably a repeat).

Incoming: the extension is the leg ("ext:AAPINFzL").
Outgoing: what the view means depends on whose phone it is about.
* `c2cdirection` (current versions) says it outright: 1 is the rep's leg, 2 the customer's.
* Without it, *Ringing* is the rep's own phone (only click-to-call rings the phone that calls), *Dialing* is the
  customer's, and *Talking* and *Hold* mean the customer has answered: before that the list says *Dialing*.
  *Hangup* without an answer ends the rep's leg: whether the customer was ever dialled, only the CDR tells.
A status that is not listed, or not told, still shows that the call lives: whether it was answered tells the rest.
The final word on both legs is the CDR's.

Sources: "API Documentation" rev. 3.2, chapters 2 and 7; https://www.voicenter.com/API/Active-Calls and
/API/Popup-Screen-API; `c2cdirection` from Voicenter's Events SDK.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from bot import loose
from bot.events import (
    CUSTOMER,
    REP,
    AnyEvent,
    Described,
    Direction,
    LegAnswered,
    LegEnded,
    LegRinging,
    Outcome,
)

from .fields import Fields, is_phone, phone

_TALKS = ("talking", "hold")
_OVER = "hangup"
_LIVE = ("ringing", "dialing", *_TALKS)


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """One extension's view of one call.

    Attributes:
        source: "poll" or "popup".  seen_at: when we saw it, seconds since 1970 UTC.
        direction, status: Voicenter's words, lower case; status "" = none that is listed, and nobody has answered.
        side: `c2cdirection`, 0 = not told.
        number, line: E.164 where possible.  started_at, answered_at: 0 = not told / not yet.
    """

    source: str
    ref: str
    seen_at: float
    direction: str
    status: str
    side: int
    number: str
    line: str
    name: str
    extension: str
    person: str
    call_id: str
    started_at: float
    answered_at: float


def sighting(fields: Fields, source: str, extension: Fields, seen_at: float, region: str) -> Sighting:
    """One call's members, in the list's spelling or the pop-up's; `extension`: whose view it is."""
    number = fields.text("phone", "callerphone")
    name = fields.text("callername")
    status = fields.text("status", "statuscall", "callstatus").lower()
    if status not in (*_LIVE, _OVER):
        status = "talking" if fields.epoch("callanswered") or fields.flag("isanswered", "answered") else ""
    return Sighting(
        source=source,
        ref=fields.text("ivrid", "ivruniqueid"),
        seen_at=seen_at,
        direction=fields.text("direction").lower(),
        status=status,
        side=fields.seconds("c2cdirection"),
        number=phone(number, region),
        line=phone(fields.text("did"), region),
        name="" if name == number or is_phone(name) else name,
        extension=extension.text("username", "extenuser"),
        person=extension.text("representative", "name"),
        call_id=fields.call_id(),
        started_at=_moment(fields, "callstarted", seen_at),
        answered_at=_moment(fields, "callanswered", seen_at),
    )


def _moment(fields: Fields, name: str, seen_at: float) -> float:
    at = fields.epoch(name)
    return loose.happened(at, seen_at) if at else 0


def events(seen: Sighting) -> tuple[AnyEvent, ...]:
    """What a sighting tells. Nothing where a supervisor listens in ("Spy"): that is no call of its own."""
    if not seen.ref or seen.direction == "spy":
        return ()
    direction = _direction(seen)
    told = tuple(_incoming(seen) if direction == "in" else _outgoing(seen))
    described = Described(
        ref=seen.ref,
        at=seen.started_at or seen.seen_at,
        source=f"{seen.source}:{told[0].leg if told else 'call'}",
        direction=direction,
        # What the rep's own phone displays may be our caller ID: it does not tell whom they call.
        number=seen.number if direction == "in" or any(event.leg == CUSTOMER for event in told) else "",
        line=seen.line if direction == "in" else "",
        name=seen.name,
        extension=seen.extension,
        person=seen.person,
        call_id=seen.call_id,
    )
    return (described, *told)


def rung(extension: str, queue: str, number: str) -> str:
    """The leg of an incoming call, named by whom it rang. `queue`: its name, "" = none."""
    if extension:
        return f"ext:{extension}"
    return f"queue:{queue}" if queue else f"did:{number}"


def _direction(seen: Sighting) -> Direction:
    if seen.direction in ("outgoing", "click2call"):
        return "out"
    # The oldest pop-up tells no direction; it exists for incoming calls, but ours come back through it too.
    return "out" if not seen.direction and seen.call_id else "in"


def _incoming(seen: Sighting) -> Iterator[LegRinging | LegAnswered | LegEnded]:
    yield from _leg(seen, rung(seen.extension, "", seen.line))


def _outgoing(seen: Sighting) -> Iterator[LegRinging | LegAnswered | LegEnded]:
    if not seen.status and not seen.side:
        return  # nobody can say whose phone rings
    never_talked = seen.status == "ringing" or (seen.status == _OVER and not seen.answered_at)
    if seen.side == 1 or (not seen.side and never_talked):
        yield from _leg(seen, REP)
        return
    click2call = seen.side == 2 or seen.direction == "click2call" or bool(seen.call_id)
    yield from _leg(seen, CUSTOMER)
    if click2call:  # the customer is only dialled after the rep has picked up
        yield LegAnswered(ref=seen.ref, at=seen.started_at or seen.seen_at, leg=REP)


def _leg(seen: Sighting, leg: str) -> Iterator[LegRinging | LegAnswered | LegEnded]:
    answered = seen.status in _TALKS or bool(seen.answered_at)
    if answered:
        yield LegAnswered(ref=seen.ref, at=seen.answered_at or seen.seen_at, leg=leg)
    elif seen.status != _OVER:
        yield LegRinging(ref=seen.ref, at=seen.started_at or seen.seen_at, leg=leg)
    if seen.status == _OVER:
        yield LegEnded(ref=seen.ref, at=seen.seen_at, leg=leg, outcome=Outcome.PENDING)
