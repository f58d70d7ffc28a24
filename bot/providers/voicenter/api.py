"""What we ask Voicenter, and how its replies are understood. Free of I/O.

Sources: "API Documentation" rev. 3.2, chapters 1 (Click 2 Call), 7 (Active calls) and 8 (extension list);
https://www.voicenter.com/API/click-to-call and /API/Active-Calls.
"""

import json
from collections.abc import Mapping

import httpx

from bot.errors import Ambiguous, Refused, Unavailable, Unsupported
from bot.events import AnyEvent
from bot.provider import CallOrder

from . import progress, xmlrpc
from .fields import Fields

CLICK2CALL = "/ForwardDialer/click2call.aspx"
EXTENSIONS_CALLS = "/comet/API/GetExtensionsCalls"
EXTENSIONS = "/Comet/api/GetExtensions"

MAX_VARIABLES = 10
"""`var_*` in one order; one of them is `OURS`."""
OURS = "callboard"
"""Our call id travels as `var_callboard` and comes back with pop-up and CDR."""

HINTS = {
    1: "Check the number, the rep's phone and the account's code.",
    2: "Try again in a minute, and ask Voicenter if it stays like this.",
    3: "That phone is not connected: switch it on or sign in to it, or let another phone ring.",
    4: "Whoever administers the Voicenter account must allow click-to-call for that extension; "
    "until then let another phone ring.",
}
"""What to do next about an order, by ERRORCODE. The words before it are Voicenter's own."""
HANG_UP_HINT = "If the call goes on, hang up on the phone."
LOOK = "Look at your phone before you try again."


def call_form(order: CallOrder, code: str, reply_format: str) -> dict[str, str]:
    """The form of `action=call`. Options that are not set are left to Voicenter's defaults.

    Raises:
        Unsupported: more custom values than Voicenter carries.
    """
    variables = {name: value for name, value in order.variables.items() if name != OURS}
    if len(variables) >= MAX_VARIABLES:
        raise Unsupported(
            f"Voicenter carries at most {MAX_VARIABLES} custom values with a call and Callboard needs one of them, "
            f"but this call has {len(variables)}. Leave out {len(variables) - MAX_VARIABLES + 1}."
        )
    phone = {"extension": order.rep.value, "trunk": "SIPTRUNK", "login": "logincode"}
    form = {
        "code": code,
        "action": "call",
        "phone": phone.get(order.rep.kind, _plain(order.rep.value)),
        "phonelogincode": order.rep.value if order.rep.kind == "login" else "",
        "target": _plain(order.number),
        "record": _yes(order.record),
        "phonecallerid": _plain(order.rep_caller_id),
        "phonecallername": order.rep_caller_name,
        "targetcallerid": _plain(order.caller_id),
        "targetcallername": order.caller_name,
        "phonemaxdialtime": _whole(order.rep_ring_seconds),
        "targetmaxdialtime": _whole(order.ring_seconds),
        "maxduration": _whole(order.max_seconds),
        "phoneautoanswer": _yes(order.rep_auto_answer),
        "targetautoanswer": _yes(order.auto_answer),
        "checkphonedevicestate": _yes(order.rep_must_be_online),
        "checktargetdevicestate": _yes(order.number_must_be_online),
        "language": order.language,
        "vm_id": order.voicemail,
        "format": reply_format,
        f"var_{OURS}": order.call_id,
    }
    form = {name: value for name, value in form.items() if value}
    return form | {f"var_{name}": value for name, value in variables.items()}


def terminate_form(extension: str, code: str, reply_format: str) -> dict[str, str]:
    """The form of `action=terminate`, which knows extensions only, not calls."""
    return {"code": code, "action": "terminate", "phone": extension, "format": reply_format}


def call_ref(response: httpx.Response, account: str) -> str:
    """CALLID of an accepted order.

    Raises:
        Refused: with Voicenter's code and words.  Ambiguous: the reply leaves open whether it dials.
    """
    reply = _click2call_reply(response, account)
    code = None if reply is None else reply.number("errorcode")
    if reply is None or code is None:
        raise Ambiguous(f"Voicenter's answer cannot be read, so it may or may not be calling. {LOOK}")
    ref = reply.text("callid")
    if code == 0 and not ref:
        raise Ambiguous(f"Voicenter accepted the call without naming it, so it may or may not be calling. {LOOK}")
    if code != 0 and ref:
        words = _reason(reply.text("errormessage"))
        raise Ambiguous(f"Voicenter reported an error ({words}) and yet named a call; it may be calling. {LOOK}")
    if code != 0:
        hint = HINTS.get(int(code), "Ask Voicenter what this code means.")
        raise _refusal(int(code), reply.text("errormessage"), hint)
    return ref


def terminated(response: httpx.Response, account: str) -> None:
    """Whether a hang-up was accepted.

    Raises:
        Refused: with Voicenter's code and words.  Unavailable: the reply does not tell.
    """
    reply = _click2call_reply(response, account)
    code = None if reply is None else reply.number("errorcode")
    if reply is None or code is None:
        raise Unavailable(f"Voicenter's answer cannot be read. {HANG_UP_HINT}")
    if code != 0:
        raise _refusal(int(code), reply.text("errormessage"), HANG_UP_HINT)


def extension_events(response: httpx.Response, account: str, seen_at: float, region: str) -> tuple[AnyEvent, ...]:
    """Events of all calls in a GetExtensionsCalls reply.

    Raises:
        Refused: the code is wrong.  Unavailable: an internal error, or the reply cannot be read.
    """
    found: list[AnyEvent] = []
    for extension in _monitor_reply(response, account).rows("extensions"):
        for call in extension.rows("calls"):
            found += progress.events(progress.sighting(call, "poll", extension, seen_at, region))
    return tuple(found)


def extension_count(response: httpx.Response, account: str) -> int:
    """How many extensions a GetExtensions reply lists. Errors as `extension_events`."""
    return len(_monitor_reply(response, account).rows("extensions"))


def _click2call_reply(response: httpx.Response, account: str) -> Fields | None:
    """The reply's members in whichever format it came; None where it is in neither."""
    reply = _reply(response.content)
    told = None if reply is None else reply.number("errorcode")
    if response.status_code >= 300 and not told:
        raise _http_refusal(response, account, "CLICK2CALL_URL")
    return reply


def _monitor_reply(response: httpx.Response, account: str) -> Fields:
    reply = _reply(response.content)
    error = None if reply is None else reply.number("err")
    if response.status_code >= 300 and not error:
        raise _http_refusal(response, account, "MONITOR_URL")
    if reply is None or error is None:
        raise Unavailable("Voicenter's answer cannot be read. Try again in a minute.")
    words = reply.text("desc")
    if error == 1:
        sentence = f"Voicenter refused: {_reason(words)}. Check {account.upper()}_CODE."
        raise Refused(sentence, code="1", words=words)
    if error:
        raise Unavailable(f"Voicenter could not answer: {_reason(words)}. Try again in a minute.")
    return reply


def _reply(body: bytes) -> Fields | None:
    """Named values of a reply, whether XML or JSON was asked for."""
    body = body.lstrip(b"\xef\xbb\xbf \t\r\n")
    try:
        value = xmlrpc.read_response(body) if body.startswith(b"<") else json.loads(body)
    except (ValueError, RecursionError):  # NotXmlRpc is a ValueError
        return None
    return Fields(value) if isinstance(value, Mapping) else None


def _refusal(code: int, words: str, hint: str) -> Refused:
    return Refused(f"Voicenter refused ({code}): {_reason(words)}. {hint}", code=str(code), words=words)


def _http_refusal(response: httpx.Response, account: str, url: str) -> Refused:
    """Turned away before Voicenter's application had a look: nothing was done."""
    status = response.status_code
    if status in (401, 403):
        hint = f"Check {account.upper()}_CODE, and that this server's address is allowed in Voicenter's control panel."
    else:
        hint = f"Check {account.upper()}_{url}."
    words = response.reason_phrase
    return Refused(f"Voicenter refused (HTTP {status}): {_reason(words)}. {hint}", code=str(status), words=words)


def _reason(words: str) -> str:
    return words.strip().rstrip(".") or "no reason given"


def _plain(number: str) -> str:
    """E.164 without its plus; extension codes as they are."""
    return number.removeprefix("+")


def _yes(wanted: bool) -> str:
    return "true" if wanted else ""


def _whole(seconds: int | None) -> str:
    return "" if seconds is None else str(seconds)
