"""Voicenter's dialer, simulated: campaigns, their members and waiting calls, and the calls that a campaign makes.

Stricter than the real one: a parameter that the document does not list for a method is refused, and so is GET where
it says JSON only. An enabled campaign rings its members, one call each at a time, higher priority first. A target that
ends with 20 is added without an answer, one that ends with 21 is answered HTTP 500 and not added.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from bot.hooks import Reply, Request
from bot.simulator.behaviours import behaviour_of
from bot.simulator.exchange import SimCall

from .dialer import HIDDEN, WORDS

if TYPE_CHECKING:
    from .simulator import VoicenterExchange

CAMPAIGN = "campaign"
"""Under which variable a call knows the campaign that made it."""
MAX_ROWS, MAX_RESULTS = 100_000, 3000
_CALL = frozenset({"Target", "Callerid", "OriginateTime", "IsDateLocal", "CustomerName", "Priority", "CustomData"})
_ROW = _CALL - {"Callerid"} | {"CallerID", "CallerName"}
# fmt: off
PARAMETERS: Mapping[str, frozenset[str]] = {
    "AddCall": _CALL,
    "UpdateCall": _CALL,
    "RemoveCall": frozenset({"Target"}),
    "AddCallsBulk": _ROW,
    "GetCampaignPendingCalls": frozenset(),
    "GetCampaignList": frozenset(),
    "GetCampaignDetails": frozenset(),
    "StartCampaign": frozenset(),
    "StopCampaign": frozenset(),
    "ClearCampaignCalls": frozenset(),
    "GetMembersList": frozenset(),
    "AddMember": frozenset({"Member"}),
    "RemoveMember": frozenset({"Member"}),
    "UpdateCampaignStrategy": frozenset({"setQueueForMonitoring", "setQueueMaximumCallers", "setCoefficient"}),
    "ConfigureIvrCampaign": frozenset({"ConcurrentStrategy", "RepresentativeList"}),
}
# fmt: on
"""Method -> what it takes besides Campaign and Code."""
JSON_ONLY = frozenset({"AddCallsBulk", "GetCampaignPendingCalls", "ConfigureIvrCampaign"})


class _Wrong(Exception):
    """The order is refused with this ErrorCode."""

    def __init__(self, code: int, words: str = "") -> None:
        self.code, self.words = code, words or WORDS[code]


@dataclass
class SimCampaign:
    """One campaign. `most_calls`: at the same time, None = one for each member."""

    code: str
    name: str
    status: str = "Disabled"
    members: list[str] = field(default_factory=list)
    pending: list[dict[str, Any]] = field(default_factory=list)
    strategy: dict[str, float] = field(default_factory=dict)
    most_calls: int | None = None


class SimulatedDialer:
    """The campaigns of one simulated account.

    Attributes:
        tells_of_rows: a bulk order is answered with what became of each row, as current versions do; the document's
            reply says nothing of them.
    """

    def __init__(self, exchange: "VoicenterExchange", line: str) -> None:
        """`line`: the caller ID of calls that name none."""
        self.exchange, self.line = exchange, line
        self.tells_of_rows = True
        self.campaigns = {
            campaign.code: campaign
            for campaign in (
                SimCampaign("morning0messages0000000000000001", "Morning messages", members=[*exchange.extensions]),
                SimCampaign("campaign0leads000000000000000002", "Campaign leads", "Enabled", [exchange.extensions[0]]),
                SimCampaign("last0year000000000000000000000003", "Last year", "Deleted"),
            )
        }
        self._running: set[str] = set()

    def serve(self, method: str, request: Request) -> Reply | None:
        """Answer one method; `method` in any case."""
        name = next((known for known in PARAMETERS if known.lower() == method.lower()), "")
        if not name or request.method not in ("GET", "POST"):
            return Reply(404, b"<html><body><h1>Not Found</h1></body></html>", "text/html")
        try:
            told, as_json = _members(request)
            if name in JSON_ONLY and not as_json:
                raise _Wrong(3, "JSON only")
            if name == "AddCallsBulk":
                return _json(self._bulk(told))
            if not isinstance(told, dict):
                raise _Wrong(3, "One object is expected")
            self._check(told, PARAMETERS[name], variables=name in ("AddCall", "UpdateCall") and not as_json)
            if name == "GetCampaignList":
                return self._list(told)
            return self._do(name, self._campaign(told), told)
        except _Wrong as wrong:
            return _json({"ErrorCode": wrong.code, "Description": wrong.words})

    def _do(self, name: str, campaign: SimCampaign, told: dict[str, Any]) -> Reply | None:
        data: object = None
        match name:
            case "AddCall":
                reply = behaviour_of(str(told.get("Target", ""))).reply
                if reply == "internal error":
                    return Reply(500, b"<html><body><h1>Runtime Error</h1></body></html>", "text/html")
                self._add(campaign, told)
                if reply == "never":
                    return None
            case "UpdateCall":
                waiting = self._waiting(campaign, told)
                waiting |= _call(told)
            case "RemoveCall":
                campaign.pending.remove(self._waiting(campaign, told))
            case "GetCampaignPendingCalls":
                data = {"Calls": campaign.pending, "Campaign": _details(campaign)}
            case "GetCampaignDetails":
                data = _details(campaign)
            case "StartCampaign" | "StopCampaign":
                if campaign.status == "Deleted":
                    raise _Wrong(1)
                campaign.status = "Enabled" if name == "StartCampaign" else "Disabled"
                self._run(campaign)
            case "ClearCampaignCalls":
                campaign.pending.clear()
            case "GetMembersList":
                people = self.exchange.people
                data = [{"Member": code, "DisplayName": people.get(code, "")} for code in campaign.members]
            case "AddMember" | "RemoveMember":
                data = self._member(name, campaign, told)
            case "UpdateCampaignStrategy":
                campaign.strategy |= {key: _number(told[key]) for key in PARAMETERS[name] if key in told}
            case "ConfigureIvrCampaign":
                most = told.get("ConcurrentStrategy", {}).get("setMaxCalls")
                campaign.most_calls = campaign.most_calls if most is None else int(_number(most))
                campaign.members = list(told.get("RepresentativeList", campaign.members))
        return _json({**({} if data is None else {"Data": data}), "ErrorCode": 0, "Description": "OK"})

    def _list(self, told: dict[str, Any]) -> Reply:
        if not told.get("Code"):
            raise _Wrong(3, "Code is missing")
        rows = [{"Name": one.name, "StatusName": one.status, "Code": one.code} for one in self.campaigns.values()]
        return _json({"Data": rows, "ErrorCode": 0, "Description": "OK"})

    def _bulk(self, rows: object) -> dict[str, Any]:
        if not isinstance(rows, list) or not rows or len(rows) > MAX_ROWS:
            raise _Wrong(3, f"1 to {MAX_ROWS} rows are expected")
        results = []
        for row in rows:
            target = row.get("Target", "") if isinstance(row, dict) else ""
            try:
                if not isinstance(row, dict):
                    raise _Wrong(3, "A row is no object")
                self._check(row, _ROW, variables=False)
                self._add(self._campaign(row), row)
                results.append({"Target": target, "ErrorCode": 0, "Description": "OK"})
            except _Wrong as wrong:
                results.append({"Target": target, "ErrorCode": wrong.code, "Description": wrong.words})
        told = {"AddResult": results} if self.tells_of_rows and len(rows) <= MAX_RESULTS else {}
        return {"ErrorCode": 0, "Description": "OK", **told}

    def _check(self, told: dict[str, Any], known: frozenset[str], *, variables: bool) -> None:
        foreign = {name for name in told if name not in known and name not in ("Campaign", "Code")}
        foreign -= {name for name in foreign if variables and name.startswith("var_")}
        if foreign:
            raise _Wrong(3, f"Unknown parameter {', '.join(sorted(foreign))}")
        if "Code" in told and self.exchange.code not in ("", told["Code"]):
            raise _Wrong(3, "Code is invalid")

    def _campaign(self, told: dict[str, Any]) -> SimCampaign:
        campaign = self.campaigns.get(str(told.get("Campaign", "")))
        if campaign is None:
            raise _Wrong(1)
        return campaign

    def _add(self, campaign: SimCampaign, told: dict[str, Any]) -> None:
        if campaign.status == "Deleted":
            raise _Wrong(1)
        pending = {"CallStatus": {"Status": 1, "Description": "Pending"}}
        defaults = {"CallerID": "", "CallerName": "", "OriginateTime": 0, "Priority": 0, "CustomerName": ""}
        campaign.pending.append(defaults | {"CustomData": {}} | pending | _call(told))
        self._run(campaign)

    def _waiting(self, campaign: SimCampaign, told: dict[str, Any]) -> dict[str, Any]:
        found = next((call for call in campaign.pending if call["Phone"] == _target(told)), None)
        if found is None:
            raise _Wrong(2)
        return found

    def _member(self, name: str, campaign: SimCampaign, told: dict[str, Any]) -> dict[str, int]:
        member = str(told.get("Member", ""))
        there = member in campaign.members
        if name == "RemoveMember":
            if there:
                campaign.members.remove(member)
            return {"TotalRemoved": int(there)}
        added = not there and member in self.exchange.extensions
        if added:
            campaign.members.append(member)
        return {"TotalAdded": int(added)}

    # Dialling

    def _run(self, campaign: SimCampaign) -> None:
        if campaign.status == "Enabled" and campaign.pending and campaign.code not in self._running:
            self._running.add(campaign.code)
            self.exchange.network.start(self._dialling(campaign))

    async def _dialling(self, campaign: SimCampaign) -> None:
        clock = self.exchange.network.clock
        try:
            while campaign.status == "Enabled" and campaign.pending:
                for member in self._free(campaign):
                    due = [call for call in campaign.pending if float(call["OriginateTime"]) <= clock.now()]
                    if due:
                        self._place(campaign, member, max(due, key=lambda call: float(call["Priority"])))
                await clock.sleep(1)
        finally:
            self._running.discard(campaign.code)

    def _free(self, campaign: SimCampaign) -> list[str]:
        live = self.exchange.network.live_calls(self.exchange)
        busy = {call.rep for call in live}
        free = [member for member in campaign.members if member not in busy]
        if campaign.most_calls is None:
            return free
        own = sum(call.variables.get(CAMPAIGN) == campaign.code for call in live)
        return free[: max(0, campaign.most_calls - own)]

    def _place(self, campaign: SimCampaign, member: str, call: dict[str, Any]) -> None:
        campaign.pending.remove(call)
        self.exchange.network.place(
            self.exchange,
            rep=member,
            number=str(call["Phone"]),
            line=str(call["CallerID"] or self.line),
            variables={**{name: str(value) for name, value in call["CustomData"].items()}, CAMPAIGN: campaign.code},
        )


def made_by(call: SimCall) -> str:
    """What the type of an outgoing call's record begins with; the number of its leg follows."""
    return "ProductiveCall Leg" if CAMPAIGN in call.variables else "Click2Call leg"


def _members(request: Request) -> tuple[object, bool]:
    """What was sent, and whether as JSON."""
    body = request.body.strip()
    if body[:1] in (b"{", b"["):
        try:
            return json.loads(body), True
        except ValueError as error:
            raise _Wrong(3, "JSON is broken") from error
    return dict([*request.query, *parse_qsl(body.decode(errors="replace"), keep_blank_values=True)]), False


def _details(campaign: SimCampaign) -> dict[str, Any]:
    priorities = [int(call["Priority"]) for call in campaign.pending] or [0]
    return {
        "Name": campaign.name,
        "StatusName": campaign.status,
        "TotalPendingCalls": len(campaign.pending),
        "MaxPriority": max(priorities),
        "MinPriority": min(priorities),
        "Code": campaign.code,
    }


def _target(told: dict[str, Any]) -> str:
    target = told.get("Target")
    if not isinstance(target, str) or not (target.isascii() and target.isdigit() and len(target) >= 9):
        raise _Wrong(2)
    return target


def _call(told: dict[str, Any]) -> dict[str, Any]:
    """The members of a waiting call that this order sets."""
    caller_id = told.get("Callerid", told.get("CallerID", ""))
    if caller_id != HIDDEN and caller_id and not str(caller_id).isdigit():
        raise _Wrong(4)
    if "OriginateTime" in told and told.get("IsDateLocal") != "false":
        raise _Wrong(3, "OriginateTime is epoch: IsDateLocal is not false")
    custom = told.get("CustomData", {name: value for name, value in told.items() if name.startswith("var_")})
    if not isinstance(custom, dict) or not all(name.startswith("var_") for name in custom):
        raise _Wrong(3, "CustomData names begin with var_")
    sets: dict[str, tuple[str, Callable[[Any], Any]]] = {
        "Callerid": ("CallerID", str),
        "CallerID": ("CallerID", str),
        "CallerName": ("CallerName", str),
        "CustomerName": ("CustomerName", str),
        "OriginateTime": ("OriginateTime", _number),
        "Priority": ("Priority", _number),
    }
    set_now = {sets[name][0]: sets[name][1](value) for name, value in told.items() if name in sets}
    return {"Phone": _target(told), **set_now, **({"CustomData": custom} if custom else {})}


def _number(value: object) -> float:
    try:
        return float(str(value)) if "." in str(value) else int(str(value))
    except ValueError:
        raise _Wrong(3, "A number is expected") from None


def _json(members: Mapping[str, Any]) -> Reply:
    return Reply(body=json.dumps(dict(members)).encode(), content_type="application/json; charset=utf-8")
