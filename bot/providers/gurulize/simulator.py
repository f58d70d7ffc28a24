"""Gurulize, simulated: one request, 14 status codes, nothing else, as its documentation has it.

A reply that the page does not show (a GET, a body that is no form) is our guess of a plain web server.
"""

import re
from collections.abc import Sequence
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode

import msgspec
from typing_extensions import override

from bot.events import CUSTOMER, REP, Outcome
from bot.hooks import Reply, Request
from bot.simulator.behaviours import Step, behaviour_of
from bot.simulator.exchange import Delivery, Exchange, SimCall
from bot.simulator.network import Network

_REQUIRED = ("username", "password", "caller", "callee", "duration")
_DIGITS = re.compile(r"[1-9][0-9]{9}")

_WORDS = {  # the page has the English ones; the Turkish are ours
    "en": {
        "missing": "Missing Parameter ({})",
        "phone": "Invalid Parameter ({}): Not a phone number",
        "number": "Invalid Parameter ({}): Not a number",
        "user": "User Information Is Invalid",
        "received": "Request Received",
    },
    "tr": {
        "missing": "Eksik parametre ({})",
        "phone": "Geçersiz parametre ({}): Telefon numarası değil",
        "number": "Geçersiz parametre ({}): Sayı değil",
        "user": "Kullanıcı bilgileri geçersiz",
        "received": "İstek alındı",
    },
}

# (leg, what, outcome) -> code and name. A ringing callee and a mailbox have no code of their own.
_CODES: dict[tuple[str, str, Outcome | None], tuple[int, str]] = {
    (REP, "ringing", None): (0, "CALLS_STARTING"),
    (REP, "answered", None): (1, "CALLER_CONNECTED"),
    (CUSTOMER, "answered", None): (2, "CALLEE_CONNECTED"),
    (REP, "ended", Outcome.BUSY): (3, "CALLER_BUSY"),
    (CUSTOMER, "ended", Outcome.BUSY): (4, "CALLEE_BUSY"),
    (REP, "ended", Outcome.REJECTED): (5, "CALLER_REJECT"),
    (CUSTOMER, "ended", Outcome.REJECTED): (6, "CALLEE_REJECT"),
    (REP, "ended", Outcome.NO_ANSWER): (7, "CALLER_NOT_ANSWERED"),
    (CUSTOMER, "ended", Outcome.NO_ANSWER): (8, "CALLEE_NOT_ANSWERED"),
    (REP, "ended", Outcome.UNREACHABLE): (9, "CALLER_NOT_CONNECTED"),
    (CUSTOMER, "ended", Outcome.UNREACHABLE): (10, "CALLEE_NOT_CONNECTED"),
    (REP, "ended", Outcome.ANSWERED): (11, "CALLER_CLOSED"),
    (CUSTOMER, "ended", Outcome.ANSWERED): (12, "CALLEE_CLOSED"),
    (CUSTOMER, "ended", Outcome.VOICEMAIL): (12, "CALLEE_CLOSED"),
    (REP, "ended", Outcome.NO_CREDIT): (13, "OUT_OF_CREDITS"),
}


class GurulizeExchange(Exchange):
    """A simulated Gurulize account.

    Attributes:
        users: user name -> password, None = any that are not empty.
    """

    kind: ClassVar[str] = "gurulize"

    def __init__(self, network: Network, hook: str) -> None:
        super().__init__(network, hook)
        self.users: dict[str, str] | None = None

    @override
    def new_id(self, number: int) -> str:
        return str(number)

    @override
    def serve(self, request: Request) -> Reply | None:
        if request.method != "POST":
            return Reply(405, b"Method Not Allowed")
        told = _form(request)
        words = _WORDS["tr" if told.get("lang", "").lower() == "tr" else "en"]
        for name in _REQUIRED:
            if not told.get(name):
                return _reply(success=False, message=words["missing"].format(name))
        if self.users is not None and self.users.get(told["username"]) != told["password"]:
            return _reply(success=False, message=words["user"])
        for name in ("caller", "callee"):
            if not _DIGITS.fullmatch(told[name]):
                return _reply(success=False, message=words["phone"].format(name))
        if not re.fullmatch("[0-9]{1,9}", told["duration"]):
            return _reply(success=False, message=words["number"].format("duration"))
        behaviour = behaviour_of(told["callee"])
        if behaviour.reply == "internal error":
            return Reply(500, b"<html><body><h1>Internal Server Error</h1></body></html>", "text/html")
        # Out of credit is told by a status, so that order is accepted like any other.
        call = self.network.place(self, rep=told["caller"], number=told["callee"], max_seconds=float(told["duration"]))
        if behaviour.reply == "never":
            return None
        return _reply(success=True, message=words["received"], id=int(call.id))

    @override
    def webhooks(self, call: SimCall, step: Step) -> Sequence[Delivery]:
        code = _CODES.get((step.leg, step.what, step.outcome))
        if code is None:
            return ()
        number, name = code
        status = {"id": call.id, "code": number, "desc": name, "cause": 0, "time": int(self.network.clock.now())}
        return (Delivery("GET", f"{self.hook}?{urlencode(status)}"),)


EXCHANGE = GurulizeExchange


def _form(request: Request) -> dict[str, str]:
    return dict(parse_qsl(request.body.decode(errors="replace"), keep_blank_values=True))


def _reply(**told: Any) -> Reply:
    return Reply(200, msgspec.json.encode(told), "application/json")
