"""Voicenter, simulated: everything that `Voicenter` asks, and what it tells by itself.

Stricter than the real one, so that mistakes show: what the document does not list is refused, and so is what does not
make sense, such as a pause of somebody who is not signed in. Paths and parameter names are taken in any case.
Cut like the provider: `simulator_calls.py`, `simulator_records.py`, `simulator_desk.py`,
`simulator_dialer.py`, `simulator_ivr.py`.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal
from urllib.parse import parse_qsl, urlencode

from typing_extensions import override

from bot.events import CUSTOMER, REP
from bot.hooks import Reply, Request
from bot.simulator.behaviours import Step
from bot.simulator.exchange import Delivery, Exchange, SimCall
from bot.simulator.network import Network

from . import simulator_desk as desk
from . import simulator_ivr, xmlrpc
from .call_log import CALL_LOG, MAX_RECORDS
from .click2call import CLICK2CALL
from .dialer import DIALER
from .fields import is_extension
from .monitor import EXTENSIONS, EXTENSIONS_CALLS, QUEUES_CALLERS
from .presence import SET_STATUS
from .simulator_calls import KIND, LINE, click2call
from .simulator_dialer import SimulatedDialer
from .simulator_records import Members, call_log, cdrs, plain

_JSON = "application/json; charset=utf-8"
_FORM = "application/x-www-form-urlencoded"
_XML = "text/xml; charset=utf-8"
_POPUPS = {"ringing": "Ringing", "answered": "Talking", "ended": "Hangup"}
_JSON_ONLY = ("seconds_waiting_in_queue", "OriginalIvrUniqueID", "CustomData")


class VoicenterExchange(Exchange):
    """A simulated Voicenter account.

    Attributes:
        code: the only code it takes, "" = any that is not empty.
        trusted: whether the call log is told to this server.
        cdr_format, popup_format, ivr_format: how it tells; the real one is configured by Voicenter.
        people: extension code -> name of whoever sits there.
        log_records: the most of the call log in one answer.  asked: when it was asked for, in the last minute.
        signed_in: user id -> extension.  statuses: user id -> the last status.
        fetched: name of a recording -> when it was handed out last.
    """

    kind: ClassVar[str] = "voicenter"
    extensions: ClassVar[tuple[str, ...]] = ("AAPINFzL", "BBPINFzM")
    queue: ClassVar[str] = "12345"
    queue_name: ClassVar[str] = "Service Queue"
    people: ClassVar[Mapping[str, str]] = {"AAPINFzL": "Dana Ort", "BBPINFzM": "Walter Melon"}

    def __init__(self, network: Network, hook: str) -> None:
        super().__init__(network, hook)
        self.code = ""
        self.trusted = True
        self.cdr_format: Literal["json", "xml", "form"] = "json"
        self.popup_format: Literal["json", "get", "form"] = "json"
        self.ivr_format: Literal["json", "xml"] = "json"
        self.dialer = SimulatedDialer(self, LINE)
        self.log_records = MAX_RECORDS
        self.asked: list[float] = []
        self.signed_in: dict[str, str] = {}
        self.statuses: dict[str, str] = {}
        self.fetched: dict[str, float] = {}

    @override
    def new_id(self, number: int) -> str:
        """32 characters, as documented."""
        return f"{datetime.fromtimestamp(self.network.clock.now(), UTC):%Y%m%d%H%M%S}sim{number:015d}"

    @override
    def serve(self, request: Request) -> Reply | None:
        path = "/" + request.path.strip("/")
        if path.lower() == CALL_LOG.rstrip("/").lower() and request.method in ("GET", "POST"):
            return call_log(self, request)
        told = _told(request)
        if path.lower() in _ASKED:
            answer, ways = _ASKED[path.lower()]
            as_json = request.body.lstrip().startswith(b"{")
            if ("JSON" if as_json else request.method) not in ways:
                return Reply(405, b"<html><body><h1>Method Not Allowed</h1></body></html>", "text/html")
            return answer(self, told)
        if path.startswith(desk.RECORDINGS) and request.method == "GET":
            return desk.recording(self, told, path.removeprefix(desk.RECORDINGS))
        if path.lower().startswith(DIALER.lower()):
            return self.dialer.serve(path[len(DIALER) :], request)
        return Reply(404, b"<html><body><h1>Not Found</h1></body></html>", "text/html")

    @override
    def lead(self, caller: str, did: str, kind: simulator_ivr.Way, keys: Sequence[str] = ()) -> SimCall:
        return simulator_ivr.begin(self, caller, did, kind, keys)

    @override
    def webhooks(self, call: SimCall, step: Step) -> Sequence[Delivery]:
        deliveries = [self._popup(popup) for popup in _popups(call, step)]
        if call.over:
            deliveries += simulator_ivr.end_report(self, call)
            deliveries += [self._cdr(cdr) for cdr in cdrs(self, call)]
        return deliveries

    # What its parts need of it.

    def knows(self, told: Mapping[str, str]) -> bool:
        """Whether the code is right."""
        return bool(told.get("code")) and self.code in ("", told["code"])

    def json(self, members: Mapping[str, Any]) -> Reply:
        """A JSON reply."""
        return Reply(body=json.dumps(members).encode(), content_type=_JSON)

    def recording(self, call: SimCall) -> str:
        """The link to a call's recording; without an address of our own it leads nowhere."""
        return f"{self.address or 'https://voicenter.example'}{desk.RECORDINGS}{call.id}.mp3"

    def end_calls_of(self, extension: str) -> bool:
        """End what that extension is in; False: nothing."""
        on_it = [call for call in self.network.live_calls(self) if extension in desk.extensions_of(call)]
        for call in on_it:
            self.network.hang_up(call)
        return bool(on_it)

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
        told = {name: value for name, value in cdr.items() if name not in _JSON_ONLY}
        body = xmlrpc.write_call("CDR", told | (custom if isinstance(custom, dict) else {}))
        return Delivery("POST", url, {"content-type": _XML}, body)


EXCHANGE = VoicenterExchange

_Answer = Callable[[VoicenterExchange, Mapping[str, str]], Reply | None]

_ASKED: Mapping[str, tuple[_Answer, tuple[str, ...]]] = {
    CLICK2CALL.lower(): (click2call, ("GET", "POST")),
    EXTENSIONS_CALLS.lower(): (desk.extensions_calls, ("GET",)),
    QUEUES_CALLERS.lower(): (desk.queues_callers, ("GET",)),
    EXTENSIONS.lower(): (desk.extensions, ("GET", "POST", "JSON")),
    SET_STATUS.lower(): (desk.set_status, ("GET", "POST", "JSON")),
}
"""Path in lower case -> what answers, and the ways to ask that the document names."""


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


def _popups(call: SimCall, step: Step) -> Iterator[Members]:
    """The pop-up is about an extension: of a click-to-call it tells the rep's ringing, the talk, and its end."""
    leg = step.leg
    if call.direction == "out":
        talks = REP if KIND in call.variables else CUSTOMER
        if not is_extension(call.rep) or (leg, step.what) not in (
            (REP, "ringing"),
            (talks, "answered"),
            (REP, "ended"),
        ):
            return
        extension, talk = call.rep, call.leg(talks)
    elif leg.startswith("ext:"):
        extension, talk = leg.removeprefix("ext:"), call.leg(leg)
    else:
        return
    popup: Members = {
        "phone": plain(call.number),
        "callerName": "",
        "ivrid": call.id,
        "extenUser": extension,
        "did": plain(call.line) if call.direction == "in" else "",
        "status": _POPUPS[step.what],
        "direction": "Incoming" if call.direction == "in" else "Outgoing",
        "callStarted": round(call.leg(REP if call.direction == "out" else leg).ringing_at),
        "isAnswered": bool(talk.answered_at),
        "callAnswered": round(talk.answered_at),
        "customdata": {name: value for name, value in call.variables.items() if name.startswith("var_")},
    }
    yield popup | ({"cause": "Normal hangup"} if step.what == "ended" else {})
