"""What Voicenter's words mean in ours, for everybody to see.

Source: "API Documentation" rev. 3.2, "Call types" and "Call statuses"; the last four statuses are from the
current CDR notification page. Names are compared without case, blanks, hyphens and underscores, because the
document itself writes "Click2Call leg1" and "Click2Callleg1".
"""

from dataclasses import dataclass
from typing import Literal

from bot.events import Direction, Outcome

from .fields import spelling


@dataclass(frozen=True)
class CallType:
    """What a CDR of one type tells about.

    Attributes:
        part: "rep" or "customer" of a call we or a dialler placed; "rung" for whoever an incoming call rang.
        inverted: the name says incoming and the text says outgoing: where `target` is an extension of ours, the
            outside party is `caller`.
    """

    direction: Direction
    part: Literal["rep", "customer", "rung"]
    inverted: bool = False


_REP = CallType("out", "rep")
_CUSTOMER = CallType("out", "customer")
_INVERTED = CallType("out", "customer", inverted=True)
_RUNG = CallType("in", "rung")

_TYPES: dict[str, CallType | None] = {
    "Incoming Call": _RUNG,  # the document's text says "outgoing"; its name and all examples say incoming
    "CC": _CUSTOMER,
    "Extension Outgoing": _CUSTOMER,
    "Queue": _RUNG,
    "Click2Call leg1": _REP,
    "Click2Call leg2": _CUSTOMER,
    "VoiceMail": _RUNG,
    "Callference": _CUSTOMER,
    "XferCDR": _RUNG,
    "ProductiveCall Leg1": _REP,
    "ProductiveCall Leg2": _CUSTOMER,
    "Scrubber": None,  # a check of numbers, nobody talks
    "Click 2 IVR": _REP,
    "Click 2 IVR Incoming": _INVERTED,
    "Click 2 Queue Incoming": _INVERTED,
    "FaxCdr": None,  # a fax, nobody talks
    "Attended CDR leg1": _RUNG,
    "Attended CDR leg2": _RUNG,
    "Auto forward": _RUNG,
}
TYPES = {spelling(name): meaning for name, meaning in _TYPES.items()}

_STATUSES = {
    "NOTDIALED": Outcome.CANCELLED,  # outgoing: hung up before it was dialled; incoming: see below
    "ANSWER": Outcome.ANSWERED,
    "ANSWERED": Outcome.ANSWERED,  # the examples' spelling
    "BUSY": Outcome.BUSY,
    "NOANSWER": Outcome.NO_ANSWER,
    "CANCEL": Outcome.CANCELLED,
    "ABANDONE": Outcome.ABANDONED,
    "ABANDONED": Outcome.ABANDONED,
    "VOEND": Outcome.ABANDONED,  # hung up in the menu
    "TE": Outcome.ANNOUNCEMENT,
    "NOTCALLED": Outcome.CANCELLED,  # leg 2 never dialled: the rep had hung up
    "VOICEMAIL": Outcome.VOICEMAIL,
    "CONGESTION": Outcome.UNREACHABLE,
    "CHANUNAVAIL": Outcome.UNREACHABLE,
    "INVALIDARGS": Outcome.FAILED,
    "SSWPREAUTH": Outcome.FAILED,
    "TIMEOUT": Outcome.NO_ANSWER,  # waited as long as the queue lets one wait
    "FULL": Outcome.BUSY,  # the queue took nobody more
    "EXIT": Outcome.ABANDONED,  # left the queue by a key
    "JOINEMPTY": Outcome.NO_ANSWER,  # nobody was there to answer the queue
}
STATUSES = {spelling(name): outcome for name, outcome in _STATUSES.items()}

INCOMING_STATUSES = {spelling("NOTDIALED"): Outcome.UNREACHABLE}  # "did not reach … the extension"

LEFT = frozenset(map(spelling, ("ABANDONE", "ABANDONED", "TIMEOUT", "FULL", "EXIT", "JOINEMPTY")))
"""How somebody leaves a queue whom nobody took."""

UNKNOWN_STATUS = Outcome.FAILED
"""Of a status not listed, unless the record shows talk time: an incoming call then still asks for a call back."""


def outcome_of(status: str, *, incoming: bool, talked: bool) -> Outcome:
    """Our word for a CDR's status. `talked`: the record itself shows that somebody answered."""
    name = spelling(status)
    if incoming and name in INCOMING_STATUSES:
        return INCOMING_STATUSES[name]
    return STATUSES.get(name, Outcome.ANSWERED if talked else UNKNOWN_STATUS)
