"""MTS Exolve, simulated: six methods, strict about keys, fields and types.

Which texts go with which status: tables "Возможные ошибки" of the documentation. A field that it does not list is
refused like a wrong one.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, ClassVar

import msgspec
from typing_extensions import override

from bot.events import CUSTOMER, Outcome
from bot.hooks import Reply, Request
from bot.simulator.behaviours import Step, behaviour_of
from bot.simulator.exchange import Delivery, Exchange, SimCall
from bot.simulator.network import Network

INVALID = "Validation error. Please enter valid parameter values."
REDIRECTED_SECONDS = 10
"""How long whoever pressed the right digit talks to the number behind it."""

_STATUS = {
    Outcome.ANSWERED: "completed",
    Outcome.VOICEMAIL: "completed",  # a mailbox is an answer to Exolve
    Outcome.NO_ANSWER: "no_answer",
    Outcome.BUSY: "busy",
    Outcome.REJECTED: "rejected",
    Outcome.CANCELLED: "canceled",
    Outcome.UNREACHABLE: "failed",
    Outcome.FAILED: "failed",
}


class _Redirect(msgspec.Struct, forbid_unknown_fields=True):
    redirect_number: str
    digit: int = 0


class _Create(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    media_id: int | str
    redirect_info: _Redirect | None = None


class _Id(msgspec.Struct, forbid_unknown_fields=True):
    id: str


class _Send(msgspec.Struct, forbid_unknown_fields=True):
    source: str
    destination: str
    service_id: str


class _CallId(msgspec.Struct, forbid_unknown_fields=True):
    call_id: str


class _Nothing(msgspec.Struct, forbid_unknown_fields=True):
    pass


class _Fails(Exception):
    def __init__(self, status: int, words: str) -> None:
        self.reply = _reply({"error": words}, status)


class ExolveExchange(Exchange):
    """A simulated Exolve application.

    Attributes:
        keys: that it takes, None = any that is not empty.
        media: sounds that were uploaded.  services: stored messages by id.
        trial_number: the only number a trial account may call, "" = a paid account.
        blocked: the account is not in the correct status.  numeric_ids: calls are named by 64-bit numbers.
    """

    kind: ClassVar[str] = "exolve"

    def __init__(self, network: Network, hook: str) -> None:
        super().__init__(network, hook)
        self.keys: set[str] | None = None
        self.media = {1967, 1979}
        self.services: dict[str, dict[str, Any]] = {}
        self.trial_number = ""
        self.blocked = False
        self.numeric_ids = False
        for name, media in (("Delivery tomorrow", 1967), ("Appointment reminder", 1979)):
            self._store(name, media, None)

    @override
    def new_id(self, number: int) -> str:
        return str(number) if self.numeric_ids else f"cal{uuid.UUID(int=number)}"

    @override
    def serve(self, request: Request) -> Reply | None:
        if request.method != "POST":
            return Reply(405, b"Method Not Allowed")
        method = _METHODS.get(f"/{request.path}")
        if method is None:
            return Reply(404, b"404 page not found")
        try:
            self._check_key(request, f"/{request.path}")
            if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
                raise _Fails(400, INVALID)
            try:
                order: Any = msgspec.json.decode(request.body, type=method[0])
            except msgspec.MsgspecError:
                raise _Fails(400, INVALID) from None
            answer = method[1](self, order)
        except _Fails as failure:
            return failure.reply
        return answer if answer is None or isinstance(answer, Reply) else _reply(answer)

    @override
    def webhooks(self, call: SimCall, step: Step) -> Sequence[Delivery]:
        """It sends none. A pressed digit that redirects lets the call go on with somebody else."""
        service = self.services.get(call.variables.get("service", ""), {})
        if step.what == "keyed" and service.get("redirect_number") and step.told == str(service["digit"]):
            talk = Step(REDIRECTED_SECONDS, CUSTOMER, "ended", Outcome.ANSWERED)
            self.network.change(call, [talk], keep=lambda planned: planned.what != "ended")
        return ()

    def _check_key(self, request: Request, path: str) -> None:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        readable = scheme == "Bearer" and bool(key.strip())
        if not readable or (self.keys is not None and key.strip() not in self.keys):
            if path.startswith("/call/"):
                raise _Fails(401, "malformed token")
            raise _Fails(401, "error getting JWT Token claims") if readable else _Fails(400, "failed to parse token")
        if self.blocked and path != "/voice-message/v1/GetList":
            raise _Fails(403, "Customer is not in correct status")

    def _store(self, name: str, media: int, redirect: _Redirect | None) -> str:
        service_id = str(uuid.UUID(int=len(self.services) + 1))
        self.services[service_id] = {
            "id": service_id,
            "name": name,
            "media_id": media,
            "digit": redirect.digit if redirect else 0,
            "redirect_number": redirect.redirect_number if redirect else "",
            "created_at": _rfc3339(self.network.clock.now()),
        }
        return service_id

    def _create(self, order: _Create) -> Mapping[str, Any]:
        media = int(order.media_id) if str(order.media_id).isdecimal() else -1
        redirect = order.redirect_info
        if redirect and (not 9 <= len(redirect.redirect_number) <= 14 or not 0 <= redirect.digit <= 9):
            raise _Fails(400, INVALID)
        if not order.name or media < 0 or (redirect and not redirect.redirect_number.isdecimal()):
            raise _Fails(400, INVALID)
        if media not in self.media:
            raise _Fails(404, "error getting media resource")
        return {"id": self._store(order.name, media, redirect)}

    def _list(self, order: _Nothing) -> Mapping[str, Any]:
        shown = ("id", "name", "created_at")
        return {"voice_message_list": [{name: row[name] for name in shown} for row in self.services.values()]}

    def _info(self, order: _Id) -> Mapping[str, Any]:
        if order.id not in self.services:
            raise _Fails(404, "Scenario not found")
        return self.services[order.id]

    def _delete(self, order: _Id) -> Mapping[str, Any]:
        if self.services.pop(order.id, None) is None:
            raise _Fails(404, "error getting application")
        return {}

    def _send(self, order: _Send) -> Mapping[str, Any] | Reply | None:
        numbers = (order.source, order.destination)
        if not all(number.isdecimal() and 9 <= len(number) <= 15 for number in numbers):
            raise _Fails(400, INVALID)
        if order.service_id not in self.services:
            raise _Fails(400, INVALID)
        if self.trial_number and order.destination != self.trial_number:
            raise _Fails(400, "the client can only call to his own confirmed number")
        behaviour = behaviour_of(order.destination)
        if behaviour.reply == "out of credit":
            raise _Fails(403, "Customer is not in correct status")
        if behaviour.reply == "internal error":
            return _reply({"error": "error getting customer status"}, 500)
        call = self.network.message(
            self, number=order.destination, line=order.source, variables={"service": order.service_id}
        )
        if behaviour.reply == "never":
            return None
        return {"call_id": int(call.id) if self.numeric_ids else call.id}

    def _call(self, order: _CallId) -> Mapping[str, Any]:
        call = self.network.find(order.call_id)
        # "No media files that belong to the message": what was sent of one that is deleted is not told any more.
        if call is None or call.exchange is not self or call.variables.get("service") not in self.services:
            raise _Fails(404, "Not Found")
        leg = call.leg(CUSTOMER)
        status = _STATUS[leg.outcome] if leg.outcome else "in_progress" if leg.answered_at else "created"
        told: dict[str, Any] = {
            "call_id": int(call.id) if self.numeric_ids else call.id,
            "created": _rfc1123(call.placed_at),
            "updated": _rfc1123(self.network.clock.now()),
            "timeout": 60,
            "status": status,
            "direction": "outbound",
            "source": call.line,
            "destination": call.number,
        }
        if leg.answered_at:
            told["started"] = _rfc1123(leg.answered_at)
        if leg.ended_at:
            told["ended"] = _rfc1123(leg.ended_at)
            told["duration"] = round(leg.ended_at - leg.answered_at) if leg.answered_at else 0
        return told


_METHODS: Mapping[str, tuple[type, Any]] = {
    "/voice-message/v1/Create": (_Create, ExolveExchange._create),
    "/voice-message/v1/GetList": (_Nothing, ExolveExchange._list),
    "/voice-message/v1/GetInfo": (_Id, ExolveExchange._info),
    "/voice-message/v1/Delete": (_Id, ExolveExchange._delete),
    "/call/v1/MakeVoiceMessage": (_Send, ExolveExchange._send),
    "/call/v1/GetInfo": (_CallId, ExolveExchange._call),
}


def _reply(told: Mapping[str, Any], status: int = 200) -> Reply:
    return Reply(status, msgspec.json.encode(told), "application/json")


def _rfc3339(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _rfc1123(at: float) -> str:
    return format_datetime(datetime.fromtimestamp(at, UTC))


EXCHANGE = ExolveExchange
