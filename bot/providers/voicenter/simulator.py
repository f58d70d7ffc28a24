"""Voicenter, simulated: click2call.aspx, active calls, the extension list, CDR notifications and pop-ups.

Stricter than the real one, so that mistakes show: a parameter the document does not list is refused. Paths and
parameter names are taken in any case, replies come as XML unless JSON is asked for. An extension whose code begins
with OFFLINE or BLOCKED is refused with code 3 or 4. "Out of credit" has no code of its own: it is refused with 2.
Only `action=call` and `terminate` are played; the other two actions answer "Application error".
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import ClassVar, Literal
from urllib.parse import parse_qsl, urlencode

from typing_extensions import override

from bot.events import CUSTOMER, REP, Outcome
from bot.provider import Reply, Request
from bot.simulator.behaviours import Step, behaviour_of
from bot.simulator.network import Delivery, Exchange, LegTimes, Network, SimCall

from . import xmlrpc
from .api import CLICK2CALL, EXTENSIONS, EXTENSIONS_CALLS, MAX_VARIABLES
from .fields import is_extension

Members = dict[str, xmlrpc.Value]

LINE = "972505550199"
"""The caller ID of orders that name none."""

_JSON = "application/json; charset=utf-8"
_FORM = "application/x-www-form-urlencoded"
_XML = "text/xml; charset=utf-8"
_WORDS = {
    1: "Invalid request parameters",
    2: "Application error",
    3: "Extension representative offline",
    4: "Extension blocked for Click2Call calls",
}
# fmt: off
_PARAMETERS = frozenset({
    "action", "code", "phone", "phonelogincode", "target", "record", "phonecallerid", "phonecallername",
    "targetcallerid", "targetcallername", "phonemaxdialtime", "targetmaxdialtime", "maxduration",
    "phoneautoanswer", "targetautoanswer", "checkphonedevicestate", "checktargetdevicestate", "language", "vm_id",
    "format",
})
# fmt: on
_STATUSES = {
    Outcome.ANSWERED: "ANSWER",
    Outcome.VOICEMAIL: "ANSWER",  # a customer's mailbox: the network only sees that somebody picked up
    Outcome.NO_ANSWER: "NOANSWER",
    Outcome.BUSY: "BUSY",
    Outcome.REJECTED: "BUSY",
    Outcome.CANCELLED: "CANCEL",
    Outcome.ABANDONED: "ABANDONE",
    Outcome.UNREACHABLE: "CONGESTION",
}
_POPUPS = {"ringing": "Ringing", "answered": "Talking", "ended": "Hangup"}
_JSON_ONLY = ("seconds_waiting_in_queue", "OriginalIvrUniqueID", "CustomData")


class VoicenterExchange(Exchange):
    """A simulated Voicenter account.

    Attributes:
        code: the only code it takes, "" = any that is not empty.
        cdr_format, popup_format: how it tells; the real one is configured by Voicenter.
        people: extension code -> name of whoever sits there.
    """

    kind: ClassVar[str] = "voicenter"
    extensions: ClassVar[tuple[str, ...]] = ("AAPINFzL", "BBPINFzM")
    queue: ClassVar[str] = "12345"
    people: ClassVar[Mapping[str, str]] = {"AAPINFzL": "Dana Ort", "BBPINFzM": "Walter Melon"}

    def __init__(self, network: Network, hook: str) -> None:
        super().__init__(network, hook)
        self.code = ""
        self.cdr_format: Literal["json", "xml", "form"] = "json"
        self.popup_format: Literal["json", "get", "form"] = "json"

    @override
    def new_id(self, number: int) -> str:
        """32 characters, as documented."""
        return f"{datetime.fromtimestamp(self.network.clock.now(), UTC):%Y%m%d%H%M%S}sim{number:015d}"

    @override
    def serve(self, request: Request) -> Reply | None:
        told = _told(request)
        path = "/" + request.path.strip("/").lower()
        if path == CLICK2CALL.lower():
            return self._click2call(told)
        if path == EXTENSIONS_CALLS.lower():
            if not self._known(told):
                return _json({"ERR": 1, "DESC": "Authorization failed."})
            return _json({"ERR": 0, "DESC": "OK", "EXTENSIONS": self._extensions_calls(told.get("extension", ""))})
        if path == EXTENSIONS.lower():
            return _json({"ERR": 0, "DESC": "OK", "EXTENSIONS": self._extensions() if self._known(told) else []})
        return Reply(404, b"<html><body><h1>Not Found</h1></body></html>", "text/html")

    @override
    def webhooks(self, call: SimCall, step: Step) -> Sequence[Delivery]:
        deliveries = [self._popup(popup) for popup in _popups(call, step)]
        if call.over:
            deliveries += [self._cdr(cdr) for cdr in self._cdrs(call)]
        return deliveries

    # Click 2 Call

    def _click2call(self, told: Mapping[str, str]) -> Reply | None:
        as_json = told.get("format", "XML").upper() == "JSON"
        code, words, call = self._act(told)
        if call is not None and call.behaviour.reply == "never":
            return None
        if code == 500:
            return Reply(500, b"<html><body><h1>Runtime Error</h1></body></html>", "text/html")
        ref = "" if call is None else call.id
        if as_json:
            return _json({"ERRORCODE": code, "ERRORMESSAGE": words, "CALLID": ref})
        members: Members = {"ERRORCODE": str(code), "ERRORMESSAGE": words, "CALLID": ref}  # text, as documented
        return Reply(body=xmlrpc.write_response(members), content_type=_XML)

    def _act(self, told: Mapping[str, str]) -> tuple[int, str, SimCall | None]:
        """ERRORCODE (500: a web server's error), words, the call that was placed."""
        variables = {name: value for name, value in told.items() if name.startswith("var_")}
        foreign = told.keys() - _PARAMETERS - variables.keys()
        action = told.get("action", "call").lower()  # the document's own PHP sample leaves it out
        missing = next((name for name in ("phone", "code", "target") if not told.get(name)), "")
        if missing and not (missing == "target" and action != "call"):
            return 1, f"{missing.capitalize()} is missing", None
        if foreign or len(variables) > MAX_VARIABLES or told.get("format", "XML").upper() not in ("XML", "JSON"):
            return 1, f"{_WORDS[1]} {', '.join(sorted(foreign))}".strip(), None
        if not self._known(told):
            return 1, "Code is invalid", None
        if action == "terminate":
            return (0, "OK", None) if self._terminate(told["phone"]) else (1, "No active call on this phone", None)
        if action != "call":
            return 2, _WORDS[2], None
        return self._call(told, variables)

    def _call(self, told: Mapping[str, str], variables: Mapping[str, str]) -> tuple[int, str, SimCall | None]:
        rep, target = told["phone"], told["target"]
        if rep.lower() == "logincode" and not told.get("phonelogincode"):
            return 1, "Phonelogincode is missing", None
        for name, value in (("Phone", rep), ("Target", target)):
            if not is_extension(value) and not (value.isascii() and value.isdigit()):
                return 1, f"{name} is invalid", None
        if rep.upper() == "SIPTRUNK" or rep.lower() == "logincode":
            rep = self.extensions[0]
        if rep.startswith("OFFLINE"):
            return 3, _WORDS[3], None
        if rep.startswith("BLOCKED"):
            return 4, _WORDS[4], None
        reply = behaviour_of(target).reply
        if reply == "internal error":
            return 500, "", None
        if reply == "out of credit":
            return 2, _WORDS[2], None
        duration = told.get("maxduration", "7200")
        if not (duration.isascii() and duration.isdigit()):
            return 1, "Maxduration is invalid", None
        record = {"record": told["record"]} if told.get("record", "").lower() == "true" else {}
        call = self.network.place(
            self,
            rep=rep,
            number=target,
            line=told.get("targetcallerid") or LINE,
            max_seconds=float(duration),
            variables={**variables, **record},
        )
        return 0, "OK", call

    def _terminate(self, extension: str) -> bool:
        on_it = [call for call in self.network.live_calls(self) if extension in _extensions_of(call)]
        for call in on_it:
            self.network.hang_up(call)
        return bool(on_it)

    def _known(self, told: Mapping[str, str]) -> bool:
        return bool(told.get("code")) and self.code in ("", told["code"])

    # Monitoring

    def _extensions(self) -> list[xmlrpc.Value]:
        return [
            {"SIP": code, "Name": self.people[code], "SpeedDial": str(300 + n), "AccountID": 1, "AccountName": "Sim"}
            for n, code in enumerate(self.extensions, start=1)
        ]

    def _extensions_calls(self, only: str) -> list[xmlrpc.Value]:
        codes = dict.fromkeys(self.extensions)
        live = self.network.live_calls(self)
        codes |= dict.fromkeys(code for call in live for code in _extensions_of(call))
        return [
            {
                "name": f"Desk {n}",
                "representative": self.people.get(code, ""),
                "peerstatus": "Reachable",
                "username": code,
                "calls": [seen for call in live if (seen := _seen(call, code)) is not None],
            }
            for n, code in enumerate(codes, start=1)
            if only in ("", code)
        ]

    # Webhooks

    def _popup(self, popup: Members) -> Delivery:
        url = f"{self.hook}/popup"
        if self.popup_format == "json":
            return Delivery("POST", url, {"content-type": _JSON}, json.dumps(popup).encode())
        short = {name: popup[name] for name in ("phone", "ivrid", "extenUser", "did", "status", "direction")}
        flat = urlencode(short | {"customdata": json.dumps(popup["customdata"])})
        if self.popup_format == "form":
            return Delivery("POST", url, {"content-type": _FORM}, flat.encode())
        return Delivery("GET", f"{url}?{flat.replace('status=', 'statusCall=', 1)}")

    def _cdr(self, cdr: Members) -> Delivery:
        url = f"{self.hook}/cdr"
        if self.cdr_format == "json":
            return Delivery("POST", url, {"content-type": _JSON}, json.dumps(cdr).encode())
        if self.cdr_format == "form":
            flat = {name: json.dumps(value) if isinstance(value, dict) else value for name, value in cdr.items()}
            return Delivery("POST", url, {"content-type": _FORM}, urlencode(flat).encode())
        custom = cdr.get("CustomData")
        plain = {name: value for name, value in cdr.items() if name not in _JSON_ONLY}
        body = xmlrpc.write_call("CDR", plain | (custom if isinstance(custom, dict) else {}))
        return Delivery("POST", url, {"content-type": _XML}, body)

    def _cdrs(self, call: SimCall) -> Iterator[Members]:
        if call.direction == "in":
            yield self._incoming_cdr(call)
            return
        rep, customer = call.leg(REP), call.leg(CUSTOMER)
        extension = call.rep if is_extension(call.rep) else ""
        leg1 = _cdr_times(rep, _STATUSES.get(rep.outcome or Outcome.NO_ANSWER, "CHANUNAVAIL"))
        yield (
            {"caller": call.number, "target": call.rep, "type": "Click2Call leg1", "targetextension": extension}
            | leg1
            | self._common(call, extension, price=0)
        )
        if not rep.answered_at:
            return
        status = _STATUSES.get(customer.outcome, "INVALIDARGS") if customer.outcome else "NOTCALLED"
        leg2 = _cdr_times(customer if customer.outcome else LegTimes(ended_at=rep.ended_at), status)
        minutes = -(-int(str(leg2["duration"])) // 60)
        leg: Members = {"caller": call.line, "target": call.number, "type": "Click2Call leg2"}
        if "record" in call.variables and customer.answered_at:
            leg["record"] = f"https://recordings.example/{call.id}.mp3"
        yield leg | {"callerextension": extension} | leg2 | self._common(call, extension, price=7 * minutes)

    def _incoming_cdr(self, call: SimCall) -> Members:
        """One record for the whole call: the queue's where it waited in one or rang several people."""
        legs = {name: call.leg(name) for name in call.legs}
        name = next((name for name, leg in legs.items() if leg.answered_at), list(legs)[-1])
        extension = name.removeprefix("ext:") if name.startswith("ext:") else ""
        began = call.history[0].at
        leg = legs[name]
        queued = len(legs) > 1 or not extension
        wait = round((leg.ringing_at if extension else leg.ended_at) - began) if queued else 0
        times = _cdr_times(leg, _STATUSES.get(leg.outcome or Outcome.NO_ANSWER, "NOANSWER"))
        times["time"] = round(began)
        if not extension:
            times["dialtime"] = 0  # nobody was rung
        cdr: Members = {
            "caller": _plain(call.number),
            "target": extension,
            "type": "Queue" if queued else "Incoming Call",
            "targetextension": extension if leg.answered_at else "",
            "did": _plain(call.line),
        }
        queue: Members = {"queueid": int(self.queue), "queuename": "Service Queue", "seconds_waiting_in_queue": wait}
        return self._common(call, extension, price=0) | cdr | times | (queue if queued else {})

    def _common(self, call: SimCall, extension: str, price: int) -> Members:
        custom: dict[str, xmlrpc.Value] = {n: value for n, value in call.variables.items() if n.startswith("var_")}
        common: Members = {
            "ivruniqueid": call.id,
            "did": "",
            "queueid": 0,
            "queuename": "",
            "price": price,
            "representative_name": self.people.get(extension, ""),
        }
        return common | ({"CustomData": custom} if custom else {})


EXCHANGE = VoicenterExchange


def _told(request: Request) -> dict[str, str]:
    """Parameters of the query, a form or JSON; names in lower case."""
    pairs = list(request.query)
    if request.body.lstrip().startswith(b"{"):
        try:
            pairs += [(name, str(value)) for name, value in json.loads(request.body).items()]
        except ValueError:
            return {}
    else:
        pairs += parse_qsl(request.body.decode(errors="replace"), keep_blank_values=True)
    return {name.strip().lower(): value.strip() for name, value in pairs}


def _json(members: Members) -> Reply:
    return Reply(body=json.dumps(members).encode(), content_type=_JSON)


def _extensions_of(call: SimCall) -> list[str]:
    """Extensions that ring or talk in this call right now."""
    open_legs = [leg for leg in call.legs if not call.leg(leg).ended_at]
    if call.direction == "out":
        return [call.rep] if open_legs and is_extension(call.rep) else []
    return [leg.removeprefix("ext:") for leg in open_legs if leg.startswith("ext:")]


def _seen(call: SimCall, extension: str) -> Members | None:
    """One call as that extension's row in the list shows it, None where it is not in the call."""
    if extension not in _extensions_of(call):
        return None
    own = call.leg(REP if call.direction == "out" else f"ext:{extension}")
    other = call.leg(CUSTOMER) if call.direction == "out" else own
    status = "Talking" if other.answered_at else "Dialing" if own.answered_at else "Ringing"
    return {
        "callername": _plain(call.number),
        "callerphone": _plain(call.number),
        "callstarted": round(own.ringing_at),
        "callanswered": round(other.answered_at),
        "answered": int(bool(other.answered_at)),
        "callstatus": status,
        "ivrid": call.id,
        "direction": "Outgoing" if call.direction == "out" else "Incoming",
        "did": _plain(call.line) if call.direction == "in" else "",
        "customdata": {name: value for name, value in call.variables.items() if name.startswith("var_")},
    }


def _popups(call: SimCall, step: Step) -> Iterator[Members]:
    """The pop-up is about an extension: of a click-to-call it tells the rep's ringing, the talk, and its end."""
    leg = step.leg
    if call.direction == "out":
        if not is_extension(call.rep) or (leg, step.what) not in (
            (REP, "ringing"),
            (CUSTOMER, "answered"),
            (REP, "ended"),
        ):
            return
        extension, talk = call.rep, call.leg(CUSTOMER)
    elif leg.startswith("ext:"):
        extension, talk = leg.removeprefix("ext:"), call.leg(leg)
    else:
        return
    popup: Members = {
        "phone": _plain(call.number),
        "callerName": "",
        "ivrid": call.id,
        "extenUser": extension,
        "did": _plain(call.line) if call.direction == "in" else "",
        "status": _POPUPS[step.what],
        "direction": "Incoming" if call.direction == "in" else "Outgoing",
        "callStarted": round(call.leg(REP if call.direction == "out" else leg).ringing_at),
        "isAnswered": bool(talk.answered_at),
        "callAnswered": round(talk.answered_at),
        "customdata": {name: value for name, value in call.variables.items() if name.startswith("var_")},
    }
    yield popup | ({"cause": "Normal hangup"} if step.what == "ended" else {})


def _cdr_times(leg: LegTimes, status: str) -> Members:
    """`dialtime` and `duration` in seconds, of a leg that is over."""
    began = leg.ringing_at or leg.ended_at
    return {
        "time": round(began),
        "dialtime": round((leg.answered_at or leg.ended_at) - began),
        "duration": round(leg.ended_at - leg.answered_at) if leg.answered_at else 0,
        "status": status,
    }


def _plain(number: str) -> str:
    return number.removeprefix("+")
