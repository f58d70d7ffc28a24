"""The simulated click2call.aspx: its four actions, each with the parameters that the document lists and no others.

An extension whose code begins with OFFLINE or BLOCKED is refused with code 3 or 4. "Out of credit" has no code of its
own: it is refused with 2.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bot.events import REP, Outcome
from bot.hooks import Reply
from bot.simulator.behaviours import MESSAGE_SECONDS, Step, behaviour_of
from bot.simulator.exchange import SimCall

from . import xmlrpc
from .click2call import MAX_VARIABLES
from .fields import is_extension

if TYPE_CHECKING:
    from .simulator import VoicenterExchange

LINE = "972505550199"
"""The caller ID of orders that name none."""
KIND = "kind"
"""Variable of a call that is not of two parties: the action that made it."""

_WORDS = {
    1: "Invalid request parameters",
    2: "Application error",
    3: "Extension representative offline",
    4: "Extension blocked for Click2Call calls",
}
_ALWAYS = frozenset({"action", "code", "phone", "format"})
_ONE_PARTY = _ALWAYS | {"targetcallerid", "targetcallername", "phonemaxdialtime", "maxduration", "phoneautoanswer"}
# fmt: off
_PARAMETERS: Mapping[str, frozenset[str]] = {
    "call": _ONE_PARTY | {
        "target", "phonelogincode", "record", "phonecallerid", "phonecallername", "targetmaxdialtime",
        "targetautoanswer", "checkphonedevicestate", "checktargetdevicestate", "language", "vm_id",
    },
    "message": _ONE_PARTY | {"pre_rec", "dtmf", "loop_rec", "post_rec", "record"},
    "callference": _ONE_PARTY | {"bbbcode"},
    "terminate": _ALWAYS,
}
# fmt: on
_NUMBERS = ("phonemaxdialtime", "targetmaxdialtime", "maxduration", "dtmf")
_FLAGS = ("record", "phoneautoanswer", "targetautoanswer", "checkphonedevicestate", "checktargetdevicestate")
_SECONDS = {"call": 7200.0, "message": 30.0, "callference": 30.0}
"""How long a call may last where `maxduration` does not say it."""
RING_SECONDS = 30.0
"""How long the phone of a message rings where `phonemaxdialtime` does not say it."""


class Refuses(Exception):
    """What it answers instead. `code`: ERRORCODE, or 500 for a web server's error."""

    def __init__(self, code: int, words: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.words = words or _WORDS.get(code, "")


def click2call(exchange: "VoicenterExchange", told: Mapping[str, str]) -> Reply | None:
    """The reply, XML unless JSON is asked for; None = it never comes. `told`: parameters, names in lower case."""
    code, words, ref = 0, "OK", ""
    try:
        call = _act(exchange, told)
        if call is not None:
            ref = call.id
            if call.behaviour.reply == "never":
                return None
    except Refuses as refusal:
        code, words = refusal.code, refusal.words
    if code == 500:
        return Reply(500, b"<html><body><h1>Runtime Error</h1></body></html>", "text/html")
    if told.get("format", "XML").upper() == "JSON":
        return exchange.json({"ERRORCODE": code, "ERRORMESSAGE": words, "CALLID": ref})
    members: dict[str, xmlrpc.Value] = {"ERRORCODE": str(code), "ERRORMESSAGE": words, "CALLID": ref}  # all text
    return Reply(body=xmlrpc.write_response(members), content_type="text/xml; charset=utf-8")


def _act(exchange: "VoicenterExchange", told: Mapping[str, str]) -> SimCall | None:
    """The call that was placed; None: something else was done."""
    action = told.get("action", "call").lower()  # the document's own PHP sample leaves it out
    variables = {name: value for name, value in told.items() if name.startswith("var_")} if action == "call" else {}
    known = _PARAMETERS.get(action, _ALWAYS)
    for name in ("phone", "code", *(("target",) if action == "call" else ())):
        if not told.get(name):
            raise Refuses(1, f"{name.capitalize()} is missing")
    foreign = sorted(told.keys() - known - variables.keys())
    if action not in _PARAMETERS or foreign or len(variables) > MAX_VARIABLES:
        raise Refuses(1, f"{_WORDS[1]} {', '.join(foreign)}".strip())
    if told.get("format", "XML").upper() not in ("XML", "JSON"):
        raise Refuses(1)
    if not exchange.knows(told):
        raise Refuses(1, "Code is invalid")
    _check(told)
    if action == "terminate":
        if not exchange.end_calls_of(told["phone"]):
            raise Refuses(1, "No active call on this phone")
        return None
    phone = _phone(exchange, told)
    outside = told["target"] if action == "call" else phone
    reply = behaviour_of(outside).reply
    if reply == "internal error":
        raise Refuses(500)
    if reply == "out of credit":
        raise Refuses(2)
    return _placed(exchange, action, phone, told, variables)


def _check(told: Mapping[str, str]) -> None:
    for name in _NUMBERS:
        value = told.get(name, "0")
        if not (value.isascii() and value.isdigit()):
            raise Refuses(1, f"{name.capitalize()} is invalid")
    for name in _FLAGS:
        if told.get(name, "true").lower() not in ("true", "false", "1", "0"):
            raise Refuses(1, f"{name.capitalize()} is invalid")
    for name in ("pre_rec", "loop_rec", "post_rec"):
        if "." in told.get(name, ""):
            raise Refuses(1, f"{name.capitalize()} is invalid")  # "without extension"


def _phone(exchange: "VoicenterExchange", told: Mapping[str, str]) -> str:
    """What rings first: a number or an extension code."""
    phone, joins = told["phone"], "target" in told
    if phone.lower() == "logincode" and not told.get("phonelogincode"):
        raise Refuses(1, "Phonelogincode is missing")
    for name in ("phone", "target") if joins else ("phone",):
        if not is_extension(told[name]) and not (told[name].isascii() and told[name].isdigit()):
            raise Refuses(1, f"{name.capitalize()} is invalid")
    if phone.upper() == "SIPTRUNK" or phone.lower() == "logincode":
        if not joins:
            raise Refuses(1, "Phone is invalid")
        return exchange.extensions[0]
    for name, whose in (("vm_id", phone), ("phoneautoanswer", phone), ("targetautoanswer", told.get("target", ""))):
        if told.get(name, "").lower() not in ("", "0", "false") and not is_extension(whose):
            raise Refuses(1, f"{name.capitalize()} is invalid")  # "only for Starkey / Voicenter extensions"
    if phone.startswith("OFFLINE"):
        raise Refuses(3)
    if phone.startswith("BLOCKED"):
        raise Refuses(4)
    return phone


def _placed(
    exchange: "VoicenterExchange", action: str, phone: str, told: Mapping[str, str], variables: Mapping[str, str]
) -> SimCall:
    line = told.get("targetcallerid") or LINE
    longest = float(told.get("maxduration") or _SECONDS[action])
    kept = {**variables} | ({"record": "true"} if told.get("record", "").lower() in ("true", "1") else {})
    network = exchange.network
    if action == "call":
        return network.place(exchange, rep=phone, number=told["target"], line=line, max_seconds=longest, variables=kept)
    kept[KIND] = action
    if action == "message":
        seconds, rings = min(MESSAGE_SECONDS, longest), float(told.get("phonemaxdialtime") or RING_SECONDS)
        return network.message(
            exchange, number=phone, line=line, play_seconds=seconds, ring_seconds=rings, variables=kept
        )
    steps = (Step(1, REP, "ringing"), Step(3, REP, "answered"), Step(longest, REP, "ended", Outcome.ANSWERED))
    return network.begin(exchange, steps, rep=phone, number=phone, line=line, variables=kept)
