"""The record of one leg -> events. The CDR notification and the call log tell the same records, so both end here.

Sources: "API Documentation" rev. 3.2, chapters 3 and 4; https://www.voicenter.com/API/CDR-Notification-System-API.
"""

from bot import loose
from bot.events import CUSTOMER, REP, AnyEvent, CallEnded, CdrReceived, Described, Direction, Outcome

from . import progress
from .fields import Fields, is_extension, is_phone, phone, spelling
from .tables import LEFT, TYPES, CallType, outcome_of

_LASTS = (Outcome.ANSWERED, Outcome.VOICEMAIL, Outcome.ANNOUNCEMENT)  # somebody or something was listened to


def events(fields: Fields, received_at: float, region: str) -> list[AnyEvent]:
    """What one record tells, in the notification's names. Nothing for faxes and checks of numbers.

    `received_at`: seconds since 1970 UTC, for a notification that does not tell when the call was made, or tells a
    moment that has yet to come; 0 = a record of the log, which always tells.
    """
    kind = _kind(fields)
    if kind is None:
        return []
    incoming = kind.part == "rung"
    ref, at = fields.text("ivruniqueid"), fields.epoch("time")
    # `duration` is talk time in the document and includes the wait in newer versions, which then say more exactly.
    talk = fields.seconds("actualcallduration", "duration")
    ring = fields.seconds("actualcalldialtime", "dialtime")
    wait = fields.seconds("seconds_waiting_in_queue")
    answered = fields.flag("isanswer")
    talked = talk > 0 if answered is None else answered
    outcome = outcome_of(fields.text("status"), incoming=incoming, talked=talked)
    if spelling(fields.text("type")) == spelling("Click 2 Queue Incoming") and spelling(fields.text("status")) in LEFT:
        outcome = Outcome.ABANDONED  # whom the dialer had called was there, and nobody was free
    if spelling(fields.text("type")) == "voicemail" and outcome is Outcome.ANSWERED:
        outcome = Outcome.VOICEMAIL  # "answered" by the mailbox
    if outcome not in _LASTS:
        talk = 0
    if received_at and loose.happened(at, received_at) != at:
        at = received_at - wait - ring - talk  # it is told of a call that is over
    extension, number = _extension(fields, kind), _number(fields, kind, region)
    price = fields.number("price")
    leg = {"rep": REP, "customer": CUSTOMER, "rung": _rung(fields, outcome, extension, region)}[kind.part]
    person = fields.text("representative_name") or fields.text(
        "targetextension_name" if kind.part != "customer" else "callerextension_name"
    )
    # At the top of a notification, among the custom data of the call log.
    origin = fields.text("originalivruniqueid") or fields.custom("originalivruniqueid")
    told: list[AnyEvent] = [
        Described(
            ref=ref,
            at=at,
            source=f"cdr:{leg}",
            direction=kind.direction,
            number=number,
            line=_line(fields, kind, region),
            queue=fields.text("queuename"),
            extension=extension,
            person=person,
            origin="" if origin == ref else origin,
            call_id=fields.call_id(),
        ),
        CdrReceived(
            ref=ref,
            at=at,
            leg=leg,
            outcome=outcome,
            ring_seconds=ring,
            talk_seconds=talk,
            wait_seconds=wait,
            price=None if price is None else round(price / 100, 4),  # agorot
            currency="" if price is None else "ILS",
            recording=fields.url("record"),
            extension=extension,
            person=person,
        ),
    ]
    if incoming:  # other extensions may still seem to ring: nobody tells when they stopped
        told.append(CallEnded(ref=ref, at=at + wait + ring + talk))
    return told


def _kind(fields: Fields) -> CallType | None:
    """The type by its name; one that is not listed by what else the record shows."""
    name = spelling(fields.text("type"))
    told = fields.text("direction").lower()
    if name in TYPES:
        kind = TYPES[name]
        if kind is not None and kind.part == "rung" and told == "outgoing":
            return CallType("out", "rung")  # an outgoing call that was transferred
        return kind
    direction: Direction = "in" if told == "incoming" or (not told and fields.text("did")) else "out"
    return CallType(direction, "rung" if direction == "in" else "customer")


def _extension(fields: Fields, kind: CallType) -> str:
    """The extension of ours that had this leg."""
    if kind.part == "customer" and not _inverted(fields, kind):
        caller = _caller(fields)
        return fields.text("callerextension", "extenuser") or (caller if is_extension(caller) else "")
    target = _target(fields)
    return fields.text("targetextension", "extenuser") or (target if is_extension(target) else "")


def _number(fields: Fields, kind: CallType, region: str) -> str:
    """The other party; of an incoming call, a colleague's extension where it came from inside.

    On leg 1 `caller` is what the rep's phone displayed, which the order may have set to anything, and `target` is
    the rep: so only the newer `callerPhone` tells.
    """
    told = fields.text("callerphone")
    if told or kind.part == "rep":
        return phone(told, region)
    if kind.part == "customer" and not _inverted(fields, kind):
        return phone(_target(fields), region)
    return phone(fields.text("caller"), region)


def _line(fields: Fields, kind: CallType, region: str) -> str:
    """Our number: the one that was called, or the one the customer saw."""
    if kind.part == "rung":
        return phone(fields.text("did"), region)
    caller = _caller(fields)
    return phone(caller, region) if kind.part == "customer" and not _inverted(fields, kind) and is_phone(caller) else ""


def _caller(fields: Fields) -> str:
    return fields.text("caller", "callerextension")


def _target(fields: Fields) -> str:
    return fields.text("target", "targetextension")


def _inverted(fields: Fields, kind: CallType) -> bool:
    return kind.inverted and is_extension(_target(fields))


def _rung(fields: Fields, outcome: Outcome, extension: str, region: str) -> str:
    """Whom the call rang.

    A queue's record belongs to the queue until an extension answers: then it is that extension's leg, the one the
    pop-up and the list have been telling about, or one conversation would be two. A mailbox has a leg of its own,
    or its record would replace that of the extension that did not answer.
    """
    did, target = fields.text("did"), _target(fields)
    if spelling(fields.text("type")) == "voicemail":
        return f"voicemail:{extension or phone(did, region)}"
    if spelling(fields.text("type")) == "queue" and outcome is not Outcome.ANSWERED:
        extension = ""
    # By its name, because the call log tells no other; the notification may tell the number only.
    queue = fields.text("queuename") or (fields.text("queueid") if fields.number("queueid") else "")
    return progress.rung(extension, queue, phone(target if is_phone(target) else did, region))
