"""The simulated office: who is in which call, who waits, which extensions there are, who is signed in, recordings."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from bot.events import CUSTOMER, REP
from bot.hooks import Reply
from bot.simulator.exchange import SimCall

from . import xmlrpc
from .fields import is_extension
from .presence import ERRORS, STATUSES
from .simulator_calls import KIND
from .simulator_records import plain

if TYPE_CHECKING:
    from .simulator import VoicenterExchange

Members = dict[str, xmlrpc.Value]

RECORDINGS = "/recordings/"
SOUND = b"ID3\x03\x00\x00\x00\x00\x00\x00simulated"
_NO_CODE = {"ERR": 1, "DESC": "Authorization failed."}
_BAD = {"ERR": 2, "DESC": "Internal error."}


def extensions_calls(exchange: "VoicenterExchange", told: Mapping[str, str]) -> Reply:
    """GetExtensionsCalls."""
    if refusal := _refused(exchange, told, "extension"):
        return refusal
    codes = dict.fromkeys(exchange.extensions)
    live = exchange.network.live_calls(exchange)
    codes |= dict.fromkeys(code for call in live for code in extensions_of(call))
    only = told.get("extension", "")
    return _listed(
        exchange,
        "EXTENSIONS",
        (
            {
                "name": f"Desk {n}",
                "representative": exchange.people.get(code, ""),
                "peerstatus": "Reachable",
                "username": code,
                "calls": [seen for call in live if (seen := _seen(call, code)) is not None],
            }
            for n, code in enumerate(codes, start=1)
            if only in ("", code)
        ),
    )


def queues_callers(exchange: "VoicenterExchange", told: Mapping[str, str]) -> Reply:
    """GetQueuesCallers: also who is between two extensions."""
    if refusal := _refused(exchange, told, "queue"):
        return refusal
    waiting = [call for call in exchange.network.live_calls(exchange) if _waits(call)]
    callers: list[xmlrpc.Value] = [
        {"Phone": plain(call.number), "CallID": call.id, "JoinTime": round(call.history[0].at)} for call in waiting
    ]
    queue: Members = {"Name": exchange.queue_name, "ID": int(exchange.queue), "Callers": callers}
    return _listed(exchange, "QUEUES", [queue] if told.get("queue", exchange.queue) == exchange.queue else [])


def extensions(exchange: "VoicenterExchange", told: Mapping[str, str]) -> Reply:
    """GetExtensions: a wrong code is answered with an empty list."""
    if not told.keys() <= {"code", "showall"} or told.get("showall", "0").lower() not in ("0", "1", "true", "false"):
        return exchange.json(_BAD)
    everything = told.get("showall", "0").lower() in ("1", "true")
    rows: list[Members] = [
        {"SIP": code, "Name": exchange.people[code], "SpeedDial": str(300 + n), "AccountID": 1, "AccountName": "Sim"}
        for n, code in enumerate(exchange.extensions, start=1)
    ]
    if everything:
        rows.append({"SIP": "CCPINFzN", "Name": "Branch", "SpeedDial": "401", "AccountID": 2, "AccountName": "Sim 2"})
    return _listed(exchange, "EXTENSIONS", rows if exchange.knows(told) else [])


def set_status(exchange: "VoicenterExchange", told: Mapping[str, str]) -> Reply:
    """SetStatusFromAPI: one person on one extension, and nobody paused who is not signed in."""
    status, why = _set(exchange, told)
    words = ERRORS.get((status, why), {1: "OK", 2: "Authorization failed", 3: "Missing parameters"}.get(status, ""))
    return exchange.json({"Status": status, "StatusError": str(why), "StatusErrorMessage": words})


def _set(exchange: "VoicenterExchange", told: Mapping[str, str]) -> tuple[int, int]:
    person, status, extension = (told.get(name, "") for name in ("userid", "status", "extensionuser"))
    if told.keys() - {"userid", "status", "code", "extensionuser"} or not person or status not in STATUSES:
        return 3, 0
    if not exchange.knows(told) or not (person.isascii() and person.isdigit() and len(person) == 5):
        return 2, 0
    there = exchange.signed_in.get(person, "")
    if status == "2":
        if not there:
            return 5, 3
        del exchange.signed_in[person]
    elif status == "1":
        if not extension:
            return 5, 1
        if extension not in exchange.extensions:
            return 5, 7
        if there not in ("", extension):
            return 4, 5
        if extension in {code for one, code in exchange.signed_in.items() if one != person}:
            return 4, 4
        exchange.signed_in[person] = extension
    elif not there:
        return 5, 3
    exchange.statuses[person] = status
    return 1, 0


def recording(exchange: "VoicenterExchange", told: Mapping[str, str], name: str) -> Reply:
    """A sound for who knows the code, a page to sign in for others; 429 when it is asked for again at once."""
    call = exchange.network.find(name.removesuffix(".mp3"))
    if not exchange.knows(told):
        return Reply(200, b"<html><body>Sign in</body></html>", "text/html")
    if call is None or "record" not in call.variables:
        return Reply(404, b"<html><body><h1>Not Found</h1></body></html>", "text/html")
    now = exchange.network.clock.now()
    before, exchange.fetched[name] = exchange.fetched.get(name, 0.0), now
    if before and now - before < 60:
        return Reply(429, b"<html><body>Too many requests</body></html>", "text/html")
    return Reply(200, SOUND, "audio/mpeg")


def extensions_of(call: SimCall) -> list[str]:
    """Extensions that ring or talk in this call right now."""
    open_legs = [leg for leg in call.legs if not call.leg(leg).ended_at]
    if call.direction == "out":
        phone = call.rep or call.number  # a message has no rep
        return [phone] if open_legs and is_extension(phone) else []
    return [leg.removeprefix("ext:") for leg in open_legs if leg.startswith("ext:")]


def _waits(call: SimCall) -> bool:
    """In a queue: until somebody answers, and only where the call goes through one."""
    legs = {step.leg for step in call.behaviour.steps}
    queued = len(legs) > 1 or any(leg.startswith("queue:") for leg in legs)
    return call.direction == "in" and queued and bool(call.history) and not _answered(call)


def _answered(call: SimCall) -> bool:
    return any(call.leg(leg).answered_at for leg in call.legs)


def _seen(call: SimCall, extension: str) -> Members | None:
    """One call as that extension's row in the list shows it, None where it is not in the call."""
    if extension not in extensions_of(call):
        return None
    own = call.leg(call.legs[0] if call.direction == "out" else f"ext:{extension}")
    other = call.leg(CUSTOMER) if call.direction == "out" and REP in call.legs and KIND not in call.variables else own
    status = "Talking" if other.answered_at else "Dialing" if own.answered_at else "Ringing"
    return {
        "callername": plain(call.number),
        "callerphone": plain(call.number),
        "callstarted": round(own.ringing_at),
        "callanswered": round(other.answered_at),
        "answered": int(bool(other.answered_at)),
        "callstatus": status,
        "ivrid": call.id,
        "direction": "Outgoing" if call.direction == "out" else "Incoming",
        "did": plain(call.line) if call.direction == "in" else "",
        "customdata": {name: value for name, value in call.variables.items() if name.startswith("var_")},
    }


def _refused(exchange: "VoicenterExchange", told: Mapping[str, str], also: str) -> Reply | None:
    if not exchange.knows(told):
        return exchange.json(_NO_CODE)
    return None if told.keys() <= {"code", also} else exchange.json(_BAD)


def _listed(exchange: "VoicenterExchange", name: str, rows: Iterable[Members]) -> Reply:
    return exchange.json({"ERR": 0, "DESC": "OK", name: list(rows)})
