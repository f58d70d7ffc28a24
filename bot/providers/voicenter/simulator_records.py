"""The records of simulated calls: as the CDR notification, and as the call log, which is strict about its questions."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING

from bot.events import CUSTOMER, REP, Outcome
from bot.hooks import Reply, Request
from bot.simulator.exchange import LegTimes, SimCall

from . import simulator_ivr, xmlrpc
from .call_log import FIELDS, LIMITED, NOT_TRUSTED, TOO_MANY, WRONG_CODE
from .fields import Fields, is_extension, phone
from .simulator_calls import KIND
from .simulator_dialer import made_by
from .simulator_ivr import LED

if TYPE_CHECKING:
    from .simulator import VoicenterExchange

Members = dict[str, xmlrpc.Value]

QUESTIONS_A_MINUTE = 30
LOGGED_AFTER_SECONDS = 60
"""After its end a call is in the log; at the real one it takes "a few minutes"."""
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
_WORDS = {
    LIMITED: "Request limit exceeded. Please try again later.",
    WRONG_CODE: "Authorization failed.",
    TOO_MANY: "CDR limit exceeded.",
    NOT_TRUSTED: "IP address 192.0.2.7 is not trusted.",
}
_SCOPES = ("account", "hierarchical", "department", "user")
_CRITERIA = ("fromdate", "todate", "phones", "extensions", "identitycriteria")
_ONCE = ("code", "format", "fromdate", "todate", "identitycriteria")
_LOGGED = {
    "caller": "CallerNumber",
    "target": "TargetNumber",
    "type": "Type",
    "did": "DID",
    "duration": "Duration",
    "price": "Price",
    "record": "RecordURL",
    "representative_name": "RepresentativeName",
    "representative_code": "RepresentativeCode",
    "ivruniqueid": "CallID",
    "queuename": "QueueName",
    "status": "DialStatus",
    "dialtime": "RingTime",
    "targetextension": "TargetExtension",
    "callerextension": "CallerExtension",
    "CustomData": "CustomData",
}
"""The notification's names -> the log's. It has none for the wait in a queue."""


def cdrs(exchange: "VoicenterExchange", call: SimCall) -> Iterator[Members]:
    """Records of a call that is over, as notified: one for each leg."""
    if LED in call.variables:
        led = simulator_ivr.record(call)
        yield _common(exchange, call, str(led["targetextension"]), price=0) | led
        return
    if call.direction == "in":
        yield _incoming(exchange, call)
        return
    if KIND in call.variables:
        yield _one_party(exchange, call)
        return
    rep, customer = call.leg(REP), call.leg(CUSTOMER)
    extension = call.rep if is_extension(call.rep) else ""
    leg1 = _times(rep, _STATUSES.get(rep.outcome or Outcome.NO_ANSWER, "CHANUNAVAIL"))
    yield (
        {"caller": call.number, "target": call.rep, "type": f"{made_by(call)}1", "targetextension": extension}
        | leg1
        | _common(exchange, call, extension, price=0)
    )
    if not rep.answered_at:
        return
    status = _STATUSES.get(customer.outcome, "INVALIDARGS") if customer.outcome else "NOTCALLED"
    leg2 = _times(customer if customer.outcome else LegTimes(ended_at=rep.ended_at), status)
    minutes = -(-int(str(leg2["duration"])) // 60)
    leg: Members = {"caller": call.line, "target": call.number, "type": f"{made_by(call)}2"}
    if "record" in call.variables and customer.answered_at:
        leg["record"] = exchange.recording(call)
    yield leg | {"callerextension": extension} | leg2 | _common(exchange, call, extension, price=7 * minutes)


def log_record(cdr: Mapping[str, xmlrpc.Value]) -> Members:
    """A notified record as the log has it."""
    logged = {_LOGGED[name]: value for name, value in cdr.items() if name in _LOGGED}
    began = Fields(cdr).epoch("time")
    blank: Members = dict.fromkeys(FIELDS, "")
    custom = cdr.get("CustomData")
    origin = cdr.get("OriginalIvrUniqueID")
    if origin:
        logged["CustomData"] = (custom if isinstance(custom, dict) else {}) | {"OriginalIvrUniqueID": origin}
    return blank | {"Date": datetime.fromtimestamp(began, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")} | logged


def call_log(exchange: "VoicenterExchange", request: Request) -> Reply:
    """hub/cdr: JSON by POST, or GET with repeated names."""
    try:
        asked = _posted(request.body) if request.method == "POST" else _queried(request.query)
        as_html = _one(asked, "format").upper() == "HTML"
        records = _found(exchange, asked)
    except _Refuses as refusal:
        return exchange.json({"ERROR_NUMBER": refusal.number, "ERROR_DESCRIPTION": refusal.words})
    wanted = {field.lower() for field in asked["fields"]}
    rows = [{name: record[name] for name in FIELDS if name.lower() in wanted} for record in records]
    if as_html:
        lines = ("".join(f"<td>{escape(str(value))}</td>" for value in row.values()) for row in rows)
        table = "".join(f"<tr>{line}</tr>" for line in lines)
        return Reply(body=f"<html><body><table>{table}</table></body></html>".encode(), content_type="text/html")
    return exchange.json({"ERROR_NUMBER": 0, "ERROR_DESCRIPTION": "OK", "CDR_LIST": rows})


class _Refuses(Exception):
    def __init__(self, number: int, words: str = "") -> None:
        super().__init__(number)
        self.number = number
        self.words = words or _WORDS[number]


def _queried(query: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    """Lists by repeating the name, which may be in any case; of extensions the example has the singular."""
    asked: dict[str, list[str]] = {"fields": []}
    for name, value in query:
        asked.setdefault({"extension": "extensions"}.get(name.lower(), name.lower()), []).append(value)
    return asked


def _posted(body: bytes) -> dict[str, list[str]]:
    try:
        told = json.loads(body)
        search = told.pop("search")
        fields = told.pop("fields")
        if set(told) != {"code", "format"} or not isinstance(fields, list):
            raise _Refuses(5, "Invalid request parameters.")
        asked = {name.lower(): value if isinstance(value, list) else [value] for name, value in search.items()}
        return {"fields": fields, "code": [told["code"]], "format": [told["format"]]} | asked
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise _Refuses(5, "Invalid request parameters.") from error


def _one(asked: Mapping[str, list[str]], name: str) -> str:
    values = asked.get(name, [""])
    return values[0] if len(values) == 1 and isinstance(values[0], str) else ""


def _found(exchange: "VoicenterExchange", asked: Mapping[str, list[str]]) -> list[Members]:
    exchange.asked = [at for at in exchange.asked if exchange.network.clock.now() - at < 60]
    if len(exchange.asked) >= QUESTIONS_A_MINUTE:
        raise _Refuses(LIMITED)
    exchange.asked.append(exchange.network.clock.now())
    if not exchange.trusted:
        raise _Refuses(NOT_TRUSTED)
    if not exchange.knows({"code": _one(asked, "code")}):
        raise _Refuses(WRONG_CODE)
    foreign = set(asked) - {"fields", "code", "format", *_CRITERIA}
    foreign |= {name for name in asked["fields"] if name.lower() not in {field.lower() for field in FIELDS}}
    foreign |= {name for name in _ONCE if len(asked.get(name, [])) > 1}
    scope, form = _one(asked, "identitycriteria").lower(), _one(asked, "format").upper()
    if foreign or not asked["fields"] or (scope and scope not in _SCOPES) or form not in ("JSON", "HTML", ""):
        raise _Refuses(5, f"Invalid request parameters {', '.join(sorted(foreign))}".strip())
    first, last = _date(_one(asked, "fromdate")), _date(_one(asked, "todate"))
    if last < first:
        raise _Refuses(5, "Invalid date range.")
    found = []
    ended = exchange.network.clock.now() - LOGGED_AFTER_SECONDS
    for call in exchange.network.calls:
        if call.exchange is exchange and call.over and call.history[-1].at <= ended:
            found += [log_record(cdr) for cdr in cdrs(exchange, call) if first <= Fields(cdr).epoch("time") <= last]
    found = [record for record in found if _asked_for(record, asked)]
    if len(found) > exchange.log_records:
        raise _Refuses(TOO_MANY)
    return found


def _asked_for(record: Members, asked: Mapping[str, list[str]]) -> bool:
    numbers = {phone(str(record[name]), "IL") for name in ("CallerNumber", "TargetNumber")}
    codes = {record[name] for name in ("CallerExtension", "TargetExtension")}
    wanted = {phone(number, "IL") for number in asked.get("phones", [])}
    return (not wanted or bool(numbers & wanted)) and (
        not asked.get("extensions") or bool(codes & {*asked["extensions"]})
    )


def _date(text: str) -> float:
    """Without a zone it is UTC."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise _Refuses(5, "Invalid date range.") from error
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _one_party(exchange: "VoicenterExchange", call: SimCall) -> Members:
    """A message is the first leg of a click-to-call that has no second; a conference has a type of its own."""
    conference = call.variables[KIND] == "callference"
    leg = call.leg(REP if conference else CUSTOMER)
    extension = call.number if is_extension(call.number) else ""
    cdr: Members = {
        "caller": call.line,
        "target": call.number,
        "type": "Callference" if conference else "Click2Call leg1",
        "targetextension": extension,
    }
    times = _times(leg, _STATUSES.get(leg.outcome or Outcome.NO_ANSWER, "NOANSWER"))
    if "record" in call.variables and leg.answered_at:
        cdr["record"] = exchange.recording(call)
    return cdr | times | _common(exchange, call, extension, price=0)


def _incoming(exchange: "VoicenterExchange", call: SimCall) -> Members:
    """One record for the whole call: the queue's where it waited in one or rang several people."""
    legs = {name: call.leg(name) for name in call.legs}
    name = next((name for name, leg in legs.items() if leg.answered_at), list(legs)[-1])
    extension = name.removeprefix("ext:") if name.startswith("ext:") else ""
    began = call.history[0].at
    leg = legs[name]
    queued = len(legs) > 1 or not extension
    wait = round((leg.ringing_at if extension else leg.ended_at) - began) if queued else 0
    times = _times(leg, _STATUSES.get(leg.outcome or Outcome.NO_ANSWER, "NOANSWER"))
    times["time"] = round(began)
    if not extension:
        times["dialtime"] = 0  # nobody was rung
    cdr: Members = {
        "caller": plain(call.number),
        "target": extension,
        "type": "Queue" if queued else "Incoming Call",
        "targetextension": extension if leg.answered_at else "",
        "did": plain(call.line),
    }
    queue: Members = {
        "queueid": int(exchange.queue),
        "queuename": exchange.queue_name,
        "seconds_waiting_in_queue": wait,
    }
    return _common(exchange, call, extension, price=0) | cdr | times | (queue if queued else {})


def _common(exchange: "VoicenterExchange", call: SimCall, extension: str, price: int) -> Members:
    custom: dict[str, xmlrpc.Value] = {n: value for n, value in call.variables.items() if n.startswith("var_")}
    common: Members = {
        "ivruniqueid": call.id,
        "did": "",
        "queueid": 0,
        "queuename": "",
        "price": price,
        "representative_name": exchange.people.get(extension, ""),
    }
    return common | ({"CustomData": custom} if custom else {})


def _times(leg: LegTimes, status: str) -> Members:
    """`dialtime` and `duration` in seconds, of a leg that is over."""
    began = leg.ringing_at or leg.ended_at
    return {
        "time": round(began),
        "dialtime": round((leg.answered_at or leg.ended_at) - began),
        "duration": round(leg.ended_at - leg.answered_at) if leg.answered_at else 0,
        "status": status,
    }


def plain(number: str) -> str:
    """As Voicenter writes numbers."""
    return number.removeprefix("+")
