"""What Voicenter tells by itself: the CDR notification after each call, and the pop-up while one rings.

Sources: "API Documentation" rev. 3.2, chapters 2 and 4; https://www.voicenter.com/API/CDR-Notification-System-API
and /API/Popup-Screen-API. Both arrive as JSON, as a form or in the query; the CDR also as XML-RPC.
"""

import json
from collections.abc import Mapping

from bot import loose
from bot.errors import Unreadable
from bot.hooks import Answer, Question, Reply, Request, Webhook

from . import progress, records, xmlrpc
from .fields import Fields

POPUP = "popup"

_JSON = "application/json; charset=utf-8"
_OK: Mapping[str, xmlrpc.Value] = {"err": 0, "errdesc": "OK"}
_OK_JSON = Reply(body=json.dumps(dict(_OK)).encode(), content_type=_JSON)


def read(request: Request, region: str) -> Webhook:
    """A CDR notification at "" or "cdr", a pop-up at "popup".

    Raises:
        Unreadable: another path, or a body in none of the documented forms.
    """
    path = request.path.strip("/").lower()
    if path == POPUP:
        return _popup(request, region)
    if path not in ("", "cdr"):
        raise Unreadable(
            "Voicenter's hook ends in “cdr”, “popup”, “ivr” or “layer”; correct the address in its control panel."
        )
    return _cdrs(request, region)


def write_parse_error(request: Request, why: str) -> Reply | None:
    """The reply to a CDR notification that cannot be read, as JSON or XML like itself; None to anything else.

    HTTP 400, because whether Voicenter sends one again after a 200 with an error is not documented.
    """
    if request.path.strip("/").lower() not in ("", "cdr"):
        return None
    told: dict[str, xmlrpc.Value] = {"err": 1, "errdesc": why}
    if _is_xml(request):
        return Reply(400, xmlrpc.write_response(told), "text/xml; charset=utf-8")
    return Reply(400, json.dumps(told, ensure_ascii=False).encode(), _JSON)


def write_answer(answer: Answer, origin: str = "") -> Reply:
    """The pop-up's reply. STATUS must be "OK" also for a caller nobody knows.

    `origin`: of the browser extension, which may ask by itself and then must be told that it may read the reply.
    """
    known = bool(answer.name)
    members = {
        "STATUS": "OK",
        "URL": answer.url if known else "",
        "CLIENTNAME": answer.name,
        "TOTAL": int(known),  # text in the document, a number in current versions, which take both
        "COMPANY": answer.company if known else "",
    }
    headers = {"access-control-allow-origin": origin} if origin else {}
    return Reply(body=json.dumps(members, ensure_ascii=False).encode(), content_type=_JSON, headers=headers)


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
    named = [fields for fields in _members(request) if fields.text("ivruniqueid")]
    if not named:
        raise Unreadable("A CDR notification has no ivruniqueid, so its call is unknown; nothing was stored.")
    # Of several, one without it must not take the others along.
    told = [event for fields in named for event in records.events(fields, request.received_at, region)]
    if _is_xml(request):
        return Webhook(tuple(told), Reply(body=xmlrpc.write_response(_OK), content_type="text/xml; charset=utf-8"))
    return Webhook(tuple(told), _OK_JSON)


def _is_xml(request: Request) -> bool:
    return request.body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def _members(request: Request) -> list[Fields]:
    """The named values of a request, by what it looks like: content types are not to be relied on."""
    body = request.body.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not body:
        rows: list[object] = [dict(request.query)]
    elif _is_xml(request):
        rows = _xml(body, request.headers.get("content-type", ""))
    else:
        text = loose.text(body, request.headers.get("content-type", ""))
        rows = _json(text) if text.startswith(("{", "[", '"')) else [_form(request)]
    found = [Fields(row) for row in rows if isinstance(row, dict) and row]
    if not found:
        raise Unreadable("Voicenter sent no named values; nothing was stored.")
    return found


def _json(text: str) -> list[object]:
    try:
        told = loose.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unreadable("Voicenter sent JSON that cannot be parsed; nothing was stored.") from error
    return told if isinstance(told, list) else [told]


def _xml(body: bytes, content_type: str) -> list[object]:
    try:
        method, params = xmlrpc.read_call(body, content_type)
    except xmlrpc.NotXmlRpc as error:
        raise Unreadable(f"Voicenter sent XML that is not an XML-RPC call ({error}); nothing was stored.") from error
    if method.lower() != "cdr":
        raise Unreadable("Voicenter called an XML-RPC method other than CDR; nothing was stored.")
    return list(params[:1])


def _form(request: Request) -> dict[str, str]:
    try:
        return dict(loose.form(request.body, request.headers.get("content-type", "")))
    except ValueError as error:
        raise Unreadable("Voicenter sent neither XML, JSON nor a form; nothing was stored.") from error
