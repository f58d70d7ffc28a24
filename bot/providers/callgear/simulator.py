"""CallGear, simulated: every method with its parameters, strictly; the call state diagram as its heart.

Unknown, missing, empty or mistyped parameters are refused with the documented mnemonic, field and value; so are orders
that the state of the call does not allow. What it tells by itself is set up as in the client area: `area.py`.
"""

import itertools
import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, tzinfo
from typing import Any, ClassVar

import msgspec
from typing_extensions import override

from bot.hooks import Reply, Request
from bot.providers.callgear import area
from bot.providers.callgear.methods import CODES, COMPONENTS, METHODS, Fails, check_params
from bot.providers.callgear.starts import RULES
from bot.providers.callgear.talks import CALLER, EMPLOYEES, MANAGED, TAGS, Talk, moment
from bot.simulator.behaviours import Step, behaviour_of
from bot.simulator.exchange import Delivery, Exchange, SimCall
from bot.simulator.network import Network

VERSION = "v4.0"
SESSION_SECONDS = 3600
RING_SECONDS = 30.0
"""How long the phone of an informer call rings where `dialing_timeout` does not say it."""
DAY_SECONDS = 24 * 3600
LONGEST_TEXT = 500
MEDIA_FILES = frozenset({"101", "102"})


class CallGearExchange(Exchange):
    """A simulated account.

    Attributes:
        keys: permanent keys that are valid, None = any.  expired, blocked: keys that were.  logins: login -> password.
        whitelisted, active: False = the answers to that.  disabled: components that are switched off.
        numbers: rented numbers, None = any.  blacklist: contacts that may not be called.  scenarios: known ids.
        phoneless: internal numbers of people who have no phone switched on.  zone: the account's.
        minute_limit, day_limit: points.  deprecated: this version is about to go, told in a member of that name, "" =
        it is not.
        notifications: event -> how it is sent; those that are missing were never set up.
        scenario_asks: address that the scenario of a caller in the queue asks, "" = none.  menus: its branches in
        which it collects digits -> the address that each asks.  answers: what it was told, oldest first.
        talks: state of each call by its id.  served: the last methods that were asked for, with their parameters.
    """

    kind: ClassVar[str] = "callgear"
    extensions: ClassVar[tuple[str, ...]] = ("7", "8")
    queue: ClassVar[str] = "front"

    def __init__(self, network: Network, hook: str) -> None:
        super().__init__(network, hook)
        self.keys: set[str] | None = None
        self.expired: set[str] = set()
        self.blocked: set[str] = set()
        self.logins = {"demo": "demo-password"}
        self.sessions: dict[str, float] = {}
        self.whitelisted = True
        self.active = True
        self.disabled: set[str] = set()
        self.numbers: set[str] | None = None
        self.blacklist: set[str] = set()
        self.scenarios = {55}
        self.phoneless: set[str] = set()
        self.zone: tzinfo = UTC
        self.minute_limit, self.day_limit = 1000, 100_000
        self.deprecated = ""
        self.notifications = area.as_printed(self.hook)
        self.scenario_asks = ""
        self.menus: dict[str, str] = {}
        self.answers: list[dict[str, Any]] = []
        self.talks: dict[str, Talk] = {}
        self.served: deque[tuple[str, dict[str, Any]]] = deque(maxlen=1000)
        self._used: list[float] = []
        self._session = itertools.count(1)

    @override
    def new_id(self, number: int) -> str:
        return str(number)

    # JSON-RPC.

    @override
    def serve(self, request: Request) -> Reply | None:
        if request.method == "GET" and request.path.startswith("media/"):
            return Reply(200, b"ID3 a recorded talk", "audio/mpeg")
        if request.path.strip("/") != VERSION:
            return Reply(404, b"Not Found")
        if request.method != "POST":
            return Reply(405, b"Method Not Allowed")
        media_type, _, charset = request.headers.get("content-type", "").lower().partition(";")
        if (media_type.strip(), charset.strip()) != ("application/json", "charset=utf-8"):
            return Reply(415, b"Unsupported Media Type")
        try:
            told = msgspec.json.decode(request.body)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return _reply(None, error=_error(Fails("parse_error")))
        ident = told.get("id") if isinstance(told, dict) else None
        try:
            method, params = _envelope(told)
            self.served.append((method, params))
            data = self._serve(method, params)
        except Fails as failure:
            metadata = None if failure.mnemonic in _WITHOUT_LIMITS else self._metadata()
            return _reply(ident, error=_error(failure, metadata))
        except _NeverAnswers:
            return None
        self._used.append(self.network.clock.now())
        return _reply(ident, result={"data": data, "metadata": self._metadata()})

    def _serve(self, method: str, params: dict[str, Any]) -> object:
        if method not in METHODS:
            raise Fails("method_not_found", field=method)
        if not self.whitelisted:
            raise Fails("ip_not_whitelisted", params={"ip": "203.0.113.7"})
        if method != "login.user":
            self._check_token(params)
        self._check_component(COMPONENTS[method])
        if not self.active:
            raise Fails("account_inactive")
        for span, seconds, most in (("minute", 60, self.minute_limit), ("day", DAY_SECONDS, self.day_limit)):
            if self._left(seconds)[0] <= 0:
                raise Fails("limit_exceeded", params={"limit_type": span, "limit_max_value": most})
        check_params(method, params)
        if params.get("virtual_phone_usage_rule", RULES[0]) != RULES[0]:
            self._check_component("Automatic number management")
        if method in MANAGED:
            return self._manage(method, params)
        return _SERVES[method](self, params)

    def _check_component(self, name: str) -> None:
        if name in self.disabled:
            raise Fails("component_disabled", params={"component_name": name})

    def _left(self, span: int) -> tuple[int, int]:
        """Points left in that many seconds, and in how many of them some are free again."""
        now = self.network.clock.now()
        used = [at for at in self._used if at > now - span]
        limit = self.day_limit if span == DAY_SECONDS else self.minute_limit
        return limit - len(used), math.ceil(used[0] + span - now) if used else span

    def _check_token(self, params: Mapping[str, Any]) -> None:
        token = params.get("access_token")
        if token is None:
            raise Fails("required_parameter_missed", field="access_token")
        if token in self.blocked:
            raise Fails("access_token_blocked")
        if token in self.expired:
            raise Fails("access_token_expired")  # "applies only to a permanent token"
        if token in self.sessions:
            if self.sessions[token] <= self.network.clock.now():
                raise Fails("access_token_invalid")
        elif not token or (self.keys is not None and token not in self.keys):
            raise Fails("access_token_invalid")

    def _login(self, params: Mapping[str, Any]) -> object:
        if self.logins.get(params["login"]) != params["password"]:
            raise Fails("auth_error")
        token = f"session-{next(self._session)}"
        self.sessions[token] = self.network.clock.now() + SESSION_SECONDS
        return {"access_token": token, "expire_at": int(self.sessions[token])}

    def _logout(self, params: Mapping[str, Any]) -> object:
        self.sessions.pop(params["access_token"], None)
        return {"success": True}

    # Calls that begin.

    def _start(self, params: Mapping[str, Any], rep: str) -> object:
        if self.numbers is not None and params["virtual_phone_number"] not in self.numbers:
            raise Fails("virtual_phone_number_not_found", field="virtual_phone_number")
        contact = params["contact"]
        if self.numbers is not None and contact in self.numbers:
            raise Fails("own_virtual_phone_number_not_allowed", field="contact")
        if contact in self.blacklist:
            two_ways = params.keys() & {"operator", "employee"}  # the others have another code for the same
            raise Fails("contact_in_blacklist", field="contact", code=0 if two_ways else -32602)
        if (media := params.get("media_file_id")) is not None and str(media) not in MEDIA_FILES:
            raise Fails("media_file_not_found", field="media_file_id", value=media)
        for name in ("contact_message", "employee_message", "operator_message"):
            self._check_message(params.get(name), name)
        if params.get("early_switching") and params.get("switch_at_once") and params.get("first_call") != "contact":
            raise Fails("invalid_parameters_combination", field="early_switching")
        behaviour = behaviour_of(contact)
        if behaviour.reply == "internal error":
            raise Fails("internal_error")
        if behaviour.reply == "out of credit":
            raise Fails("forbidden", field="contact")
        variables = {name: str(params.get(name, "")) for name in ("external_id", "virtual_phone_number")}
        if rep:
            call = self.network.place(
                self, rep=rep, number=contact, line=params["virtual_phone_number"], variables=variables
            )
        else:
            call = self.network.message(
                self,
                number=contact,
                line=params["virtual_phone_number"],
                ring_seconds=params.get("dialing_timeout", RING_SECONDS),
                variables=variables,
            )
        self.talks[call.id] = Talk(call, self.network)
        if behaviour.reply == "never":
            raise _NeverAnswers
        return {"call_session_id": int(call.id)}

    def _employee_call(self, params: Mapping[str, Any]) -> object:
        employee = params["employee"]
        if employee["id"] not in EMPLOYEES:
            raise Fails("employee_not_found", field="employee.id", value=employee["id"])
        own = EMPLOYEES[employee["id"]][1]
        if employee.get("phone_number", own) != own:
            raise Fails("no_active_phone_number", field="employee.phone_number")
        return self._start(params, own)

    def _scenario_call(self, params: Mapping[str, Any]) -> object:
        if params["scenario_id"] not in self.scenarios:
            raise Fails("scenario_not_found", field="scenario_id")
        return self._start(params, EMPLOYEES[7][1])

    def _vnumber_call(self, params: Mapping[str, Any]) -> object:
        if not self.scenarios:
            raise Fails("scenario_not_found", code=-32007)
        return self._start(params, EMPLOYEES[7][1])

    def _check_message(self, told: Mapping[str, Any] | None, field: str) -> None:
        if told is None:
            return
        if told["type"] == "media" and told["value"] not in MEDIA_FILES:
            raise Fails("media_file_not_found", field=f"{field}.value", value=told["value"])
        if told["type"] == "tts" and len(told["value"]) > LONGEST_TEXT:
            raise Fails("tts_text_exceeded", field=f"{field}.value", params={"limit_max_value": LONGEST_TEXT})
        if told["type"] == "tts" and any(ord(character) > 0xFFFF for character in told["value"]):
            raise Fails("character_encoding_not_allowed", field=f"{field}.value")

    # Calls that are running.

    def _manage(self, method: str, params: Mapping[str, Any]) -> object:
        call = self.network.find(str(params["call_session_id"]))
        if call is None or call.exchange is not self or call.over:
            raise Fails("call_session_not_found", field="call_session_id", value=params["call_session_id"])
        for name in ("contact_message", "to_message"):
            self._check_message(params.get(name), name)
        if method == "tag.call" and params["tag_id"] not in TAGS:
            raise Fails("tag_not_found", field="tag_id", value=params["tag_id"])
        if method == "make.call" and behaviour_of(params["to"]).reply == "internal error":
            raise Fails("internal_error")
        if method == "make.call" and params["to"] in self.phoneless:
            raise Fails("no_active_phone_number", field="to", value=params["to"])
        MANAGED[method](self.talk(call), params)
        if method == "block.contact":
            self.blacklist.add(call.number.lstrip("+"))
        return {"success": "true"}

    def talk(self, call: SimCall) -> Talk:
        """The state of a call; incoming ones get theirs when somebody asks."""
        return self.talks.setdefault(call.id, Talk(call, self.network))

    def _talk_options(self, params: Mapping[str, Any]) -> object:
        tags = [
            {"button": f"1{number}", "mnemonic": "tag_call", "name": "Tag", "button_value": {"id": tag, "value": name}}
            for number, (tag, name) in enumerate(TAGS.items())
        ]
        return [{"button": "9", "mnemonic": "record_talk", "name": "Record the talk"}, *tags]

    def _list_calls(self, params: Mapping[str, Any]) -> object:
        return [
            self._row(call)
            for call in self.network.live_calls(self)
            if params.get("direction", call.direction) == call.direction
            and params.get("virtual_phone_number", call.line.lstrip("+")) == call.line.lstrip("+")
        ]

    def _row(self, call: SimCall) -> dict[str, Any]:
        talk = self.talk(call)
        there = [name for name in call.legs if not call.leg(name).ended_at]
        return {
            "call_session_id": int(call.id),
            "direction": call.direction,
            "start_time": moment(call.placed_at, self.zone).replace(" ", "T"),
            "virtual_phone_number": call.line.lstrip("+"),
            "contact_phone_number": call.number.lstrip("+"),
            "external_id": call.variables.get("external_id") or None,
            "tags": [{"tag_id": tag, "tag_name": TAGS[tag]} for tag in sorted(talk.tags)],
            "legs": [self._leg(talk, name) for name in ([CALLER, *there] if call.direction == "in" else there)],
        }

    def _leg(self, talk: Talk, name: str) -> dict[str, Any]:
        calling, called = talk.calls(name)
        employee = talk.employee(name)
        return {
            "leg_id": talk.leg_id(name),
            "calling_phone_number": calling,
            "called_phone_number": called,
            "is_operator": talk.is_ours(name),
            "employee_id": employee,
            "employee_full_name": EMPLOYEES[employee][0] if employee else None,
            "record_call_enabled": talk.recording,
            "state": talk.word(name),
        }

    # Notifications.

    @override
    def webhooks(self, call: SimCall, step: Step) -> Sequence[Delivery]:
        self.talk(call).happened(step)
        if self.scenario_asks and len(call.history) == 1 and step.leg == f"queue:{self.queue}":
            self.network.start(area.ask(self, call, self.scenario_asks))
        media = self.address or self.media_url
        return [
            area.delivery(self.notifications[event], area.values(event, self.talk(call), step, media, self.zone))
            for event in area.events(self.talk(call), step)
            if event in self.notifications
        ]

    media_url: ClassVar[str] = "https://media.callgear.com"

    def _metadata(self) -> dict[str, Any]:
        (minute, minute_reset), (day, day_reset) = self._left(60), self._left(DAY_SECONDS)
        limits = {
            "day_limit": self.day_limit, "day_remaining": day, "day_reset": day_reset,
            "minute_limit": self.minute_limit, "minute_remaining": minute, "minute_reset": minute_reset,
        }  # fmt: skip
        version = {self.deprecated: True, "current_version": VERSION, "latest_version": "v4.5"}
        return {"limits": limits, **({"api_version": version} if self.deprecated else {})}


class _NeverAnswers(Exception):
    """The call was made, the answer never comes."""


_WITHOUT_LIMITS = frozenset(
    {
        *("parse_error", "invalid_request", "method_not_found", "access_token_blocked", "access_token_invalid"),
        *("access_token_expired", "auth_error", "ip_not_whitelisted"),
    }
)
_SERVES: Mapping[str, Callable[[CallGearExchange, Mapping[str, Any]], object]] = {
    "login.user": CallGearExchange._login,
    "logout.user": CallGearExchange._logout,
    "start.employee_call": CallGearExchange._employee_call,
    "start.simple_call": lambda self, params: self._start(params, params["operator"]),
    "start.scenario_call": CallGearExchange._scenario_call,
    "start.vnumber_call": CallGearExchange._vnumber_call,
    "start.informer_call": lambda self, params: self._start(params, ""),
    "list.talk_options": CallGearExchange._talk_options,
    "list.calls": CallGearExchange._list_calls,
}

EXCHANGE = CallGearExchange


def _envelope(told: object) -> tuple[str, dict[str, Any]]:
    if isinstance(told, list):
        raise Fails("batch_opreations_not_supported")  # sic
    if not isinstance(told, dict) or told.get("jsonrpc") != "2.0" or not isinstance(told.get("method"), str):
        raise Fails("invalid_request")
    if told.get("id") is None:
        raise Fails("notifications_not_supported")
    if not isinstance(told["id"], str | int | float) or isinstance(told["id"], bool):
        raise Fails("invalid_request", field="id")
    if not isinstance(told.get("params"), dict):
        raise Fails("invalid_request", field="params")
    return told["method"], told["params"]


def _error(failure: Fails, metadata: Mapping[str, Any] | None = None) -> dict[str, Any]:
    code, message = CODES[failure.mnemonic]
    message = message.format_map(failure.params)
    data: dict[str, Any] = {"mnemonic": failure.mnemonic, "extended_helper": None}
    if failure.field:
        data["field"] = failure.field
    if failure.value is not None:
        data["value"] = str(failure.value)
    if failure.params:
        data["params"] = failure.params
    if metadata is not None:
        data["metadata"] = metadata
    return {"code": failure.code or code, "message": message, "data": data}


def _reply(ident: object, **told: Any) -> Reply:
    return Reply(200, msgspec.json.encode({"jsonrpc": "2.0", "id": ident, **told}), "application/json; charset=UTF-8")
