"""What Voicenter tells by itself: the CDR notification after each call, and the pop-up while one rings.

Sources: "API Documentation" rev. 3.2, chapters 2 and 4; https://www.voicenter.com/API/CDR-Notification-System-API
and /API/Popup-Screen-API. Both arrive as JSON, as a form or in the query; the CDR also as XML-RPC.
"""

import json
from collections.abc import Mapping
from urllib.parse import parse_qsl

from bot.errors import Unreadable
from bot.events import CUSTOMER, REP, AnyEvent, CallEnded, CdrReceived, Described, Direction, Outcome
from bot.provider import Answer, Question, Reply, Request, Webhook

from . import progress, xmlrpc
from .fields import Fields, is_extension, is_phone, phone, spelling
from .tables import TYPES, CallType, outcome_of

POPUP = "popup"

_JSON = "application/json; charset=utf-8"
_OK: Mapping[str, xmlrpc.Value] = {"err": 0, "errdesc": "OK"}
_LASTS = (Outcome.ANSWERED, Outcome.VOICEMAIL, Outcome.ANNOUNCEMENT)  # somebody or something was listened to


def read(request: Request, region: str) -> Webhook:
    """A CDR notification at "" or "cdr", a pop-up at "popup".

    Raises:
        Unreadable: another path, or a body in none of the documented forms.
    """
    path = request.path.strip("/").lower()
    if path == POPUP:
        return _popup(request, region)
    if path not in ("", "cdr"):
        raise Unreadable("Voicenter's hook ends in “cdr” or “popup”; correct the address in its control panel.")
    return _cdrs(request, region)


def write_answer(answer: Answer) -> Reply:
    """The pop-up's reply. STATUS must be "OK" also for a caller nobody knows."""
    known = bool(answer.name)
    members = {
        "STATUS": "OK",
        "URL": answer.url if known else "",
        "CLIENTNAME": answer.name,
        "TOTAL": int(known),  # text in the document, a number in current versions, which take both
        "COMPANY": answer.company if known else "",
    }
    return Reply(body=json.dumps(members, ensure_ascii=False).encode(), content_type=_JSON)


def _popup(request: Request, region: str) -> Webhook:
    fields = _members(request)[0]
    if not fields.text("phone", "ivrid", "ivruniqueid"):
        raise Unreadable("A pop-up request tells neither phone nor ivrid; nothing was stored.")
    # Some facts (c2cdirection) are only told inside; where both tell, the outer one is the pop-up's own.
    fields = Fields({**fields.inner("currentcall").members, **fields.members})
    seen = progress.sighting(fields, POPUP, fields, request.received_at, region)
    # Should nobody answer the question, "nobody we know" is still an answer.
    return Webhook(progress.events(seen), write_answer(Answer()), Question(number=seen.number, form=POPUP))


def _cdrs(request: Request, region: str) -> Webhook:
    told: list[AnyEvent] = []
    for fields in _members(request):
        if not fields.text("ivruniqueid"):
            raise Unreadable("A CDR notification has no ivruniqueid, so its call is unknown; nothing was stored.")
        told += _cdr(fields, request.received_at, region)
    if _is_xml(request):
        return Webhook(tuple(told), Reply(body=xmlrpc.write_response(_OK), content_type="text/xml; charset=utf-8"))
    return Webhook(tuple(told), Reply(body=json.dumps(dict(_OK)).encode(), content_type=_JSON))


def _cdr(fields: Fields, received_at: float, region: str) -> list[AnyEvent]:
    kind = _kind(fields)
    if kind is None:
        return []
    incoming = kind.part == "rung"
    ref, at = fields.text("ivruniqueid"), fields.epoch("time") or received_at
    # `duration` is talk time in the document and includes the wait in newer versions, which then say more exactly.
    talk = fields.seconds("actualcallduration", "duration")
    ring = fields.seconds("actualcalldialtime", "dialtime")
    wait = fields.seconds("seconds_waiting_in_queue")
    answered = fields.flag("isanswer")
    talked = talk > 0 if answered is None else answered
    outcome = outcome_of(fields.text("status"), incoming=incoming, talked=talked)
    if spelling(fields.text("type")) == "voicemail" and outcome is Outcome.ANSWERED:
        outcome = Outcome.VOICEMAIL  # "answered" by the mailbox
    if outcome not in _LASTS:
        talk = 0
    extension, number = _extension(fields, kind), _number(fields, kind, region)
    price = fields.number("price")
    leg = {"rep": REP, "customer": CUSTOMER, "rung": _rung(fields, outcome, extension, region)}[kind.part]
    person = fields.text("representative_name") or fields.text(
        "targetextension_name" if kind.part != "customer" else "callerextension_name"
    )
    origin = fields.text("originalivruniqueid")
    events: list[AnyEvent] = [
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
        events.append(CallEnded(ref=ref, at=at + wait + ring + talk))
    return events


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
        caller = fields.text("caller")
        return fields.text("callerextension", "extenuser") or (caller if is_extension(caller) else "")
    target = fields.text("target")
    return fields.text("targetextension", "extenuser") or (target if is_extension(target) else "")


def _number(fields: Fields, kind: CallType, region: str) -> str:
    """The outside party.

    On leg 1 `caller` is what the rep's phone displayed, which the order may have set to anything, and `target` is
    the rep: so only the newer `callerPhone` tells.
    """
    told, caller = fields.text("callerphone"), fields.text("caller")
    if told or kind.part == "rep":
        return phone(told, region)
    if kind.part == "customer" and not _inverted(fields, kind):
        return phone(fields.text("target"), region)
    return "" if is_extension(caller) and caller == fields.text("callerextension") else phone(caller, region)


def _line(fields: Fields, kind: CallType, region: str) -> str:
    """Our number: the one that was called, or the one the customer saw."""
    if kind.part == "rung":
        return phone(fields.text("did"), region)
    caller = fields.text("caller")
    return phone(caller, region) if kind.part == "customer" and not _inverted(fields, kind) and is_phone(caller) else ""


def _inverted(fields: Fields, kind: CallType) -> bool:
    return kind.inverted and is_extension(fields.text("target"))


def _rung(fields: Fields, outcome: Outcome, extension: str, region: str) -> str:
    """Whom the call rang.

    A queue's record belongs to the queue until an extension answers: then it is that extension's leg, the one the
    pop-up and the list have been telling about, or one conversation would be two. A mailbox has a leg of its own,
    or its record would replace that of the extension that did not answer.
    """
    did, target = fields.text("did"), fields.text("target")
    if spelling(fields.text("type")) == "voicemail":
        return f"voicemail:{extension or phone(did, region)}"
    if spelling(fields.text("type")) == "queue" and outcome is not Outcome.ANSWERED:
        extension = ""
    return progress.rung(extension, fields.text("queueid"), phone(target if is_phone(target) else did, region))


def _is_xml(request: Request) -> bool:
    return request.body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def _members(request: Request) -> list[Fields]:
    """The named values of a request, by what it looks like: content types are not to be relied on."""
    body = request.body.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not body:
        rows: list[object] = [dict(request.query)]
    elif _is_xml(request):
        rows = _xml(body)
    elif body[:1] in b"{[":
        try:
            decoded = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise Unreadable("Voicenter sent JSON that cannot be parsed; nothing was stored.") from error
        rows = decoded if isinstance(decoded, list) else [decoded]
    else:
        rows = [_form(body)]
    if not rows or not all(isinstance(row, Mapping) and row for row in rows):
        raise Unreadable("Voicenter sent no named values; nothing was stored.")
    return [Fields(row) for row in rows if isinstance(row, Mapping)]


def _xml(body: bytes) -> list[object]:
    try:
        method, params = xmlrpc.read_call(body)
    except xmlrpc.NotXmlRpc as error:
        raise Unreadable(f"Voicenter sent XML that is not an XML-RPC call ({error}); nothing was stored.") from error
    if method.lower() != "cdr":
        raise Unreadable("Voicenter called an XML-RPC method other than CDR; nothing was stored.")
    return list(params[:1])


def _form(body: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=500))
    except ValueError as error:
        raise Unreadable("Voicenter sent neither XML, JSON nor a form; nothing was stored.") from error
