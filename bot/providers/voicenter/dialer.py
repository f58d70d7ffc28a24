"""Voicenter's dialer: campaigns that run there, as operations.

Sources: "API Documentation" rev. 3.2, chapter 6 (Dialer API), whose error codes are listed for AddCall only; what a
bulk order's reply tells of each row, and the account's `Code` with every method, from
https://www.voicenter.com/API/Dialer. Everything is sent as JSON, which each of the fifteen methods takes.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NoReturn

import httpx
from typing_extensions import override

from bot.errors import Ambiguous, Refused, Unavailable, Unsupported
from bot.orders import Added, Campaign, CampaignCall, CampaignState, IvrSettings, Member, Strategy
from bot.provider import Provider, left_open, reason

from .fields import Fields, phone
from .replies import UNREADABLE, http_refusal, named_values, refusal

DIALER = "/ForwardDialer/Dialer/"
WORDS = {
    1: "Invalid campaign code",
    2: "The target is invalid",
    3: "Unexpected internal error",
    4: "Invalid caller id",
}
"""ErrorCode -> what the document calls it, where a reply has no words of its own."""
HINTS = {
    1: "Look the campaign up again; it may have been removed at Voicenter.",
    2: "Check the number.",
    -2: "Check the number.",
    4: "Choose another caller ID, one of the account's own numbers, or none.",
}
"""What to do next, by ErrorCode; `INTERNAL` says nothing about the order and is no refusal."""
INTERNAL = 3
LOOK = "Look at the campaign and its waiting calls before you try again."
STATES: Mapping[str, CampaignState] = {"enabled": "running", "disabled": "stopped", "deleted": "deleted"}
HIDDEN = "Anonymous"
"""The caller ID that hides ours."""


class Dialer(Provider):
    """The campaigns of one account; mixed into its provider, which has `code` and `dialer_url` among its values."""

    bulk_rows: ClassVar[int] = 3000  # a reply tells of each row up to here; 100,000 would be taken

    @override
    async def campaigns(self) -> tuple[Campaign, ...]:
        """Chapter 6.3, GetCampaignList. One without its code is left out: nothing can be asked about it."""
        rows = (await self._in_campaign("GetCampaignList")).rows("data")
        return tuple(_campaign(row) for row in rows if row.text("code"))

    @override
    async def campaign(self, campaign: str) -> Campaign:
        """Chapter 6.14, GetCampaignDetails."""
        return _campaign((await self._in_campaign("GetCampaignDetails", campaign)).inner("data"))

    @override
    async def start_campaign(self, campaign: str) -> None:
        """Chapter 6.8, StartCampaign."""
        await self._in_campaign("StartCampaign", campaign, dials=True)

    @override
    async def stop_campaign(self, campaign: str) -> None:
        """Chapter 6.7, StopCampaign."""
        await self._in_campaign("StopCampaign", campaign)

    @override
    async def clear_campaign(self, campaign: str) -> None:
        """Chapter 6.10, ClearCampaignCalls."""
        await self._in_campaign("ClearCampaignCalls", campaign)

    @override
    async def add_campaign_call(self, campaign: str, call: CampaignCall) -> None:
        """Chapter 6.1, AddCall; a shown name is known to chapter 6.11 only, so that call is a bulk order of one.

        Raises:
            Refused, Ambiguous: also where the bulk order was taken and its one row was not, or perhaps not.
        """
        if not call.caller_name:
            await self._in_campaign("AddCall", campaign, dials=True, **_call(call, "Callerid"))
            return
        (added,) = await self.add_campaign_calls(campaign, (call,))
        if added.words and not added.known:
            _unclear(f"Voicenter reported an error ({added.code}): {reason(added.words)}", dials=True)
        if added.words:
            raise _refused(int(added.code), added.words)

    @override
    async def update_campaign_call(self, campaign: str, call: CampaignCall) -> None:
        """Chapter 6.13, UpdateCall.

        Raises:
            Unsupported: the shown name of a waiting call cannot be changed.
        """
        if call.caller_name:
            raise Unsupported(
                "Voicenter cannot change the shown name of a waiting call. Leave it out, or remove the call and add it."
            )
        await self._in_campaign("UpdateCall", campaign, **_call(call, "Callerid"))

    @override
    async def remove_campaign_call(self, campaign: str, number: str) -> None:
        """Chapter 6.2, RemoveCall."""
        await self._in_campaign("RemoveCall", campaign, Target=number.removeprefix("+"))

    @override
    async def add_campaign_calls(self, campaign: str, calls: tuple[CampaignCall, ...]) -> tuple[Added, ...]:
        """Chapter 6.11, AddCallsBulk."""
        rows = [self._campaign_signed(campaign) | _call(call, "CallerID") for call in calls]
        reply = await self._to_dialer("AddCallsBulk", rows, dials=True)
        # In threads, here and below: numbers by the thousand take seconds, and the event loop would stand still.
        return await asyncio.to_thread(_added, calls, reply.rows("addresult"), self.region)

    @override
    async def campaign_calls(self, campaign: str) -> tuple[CampaignCall, ...]:
        """Chapter 6.12, GetCampaignPendingCalls."""
        reply = await self._in_campaign("GetCampaignPendingCalls", campaign)

        def read() -> tuple[CampaignCall, ...]:
            return tuple(_waiting(row, self.region) for row in reply.inner("data").rows("calls"))

        return await asyncio.to_thread(read)

    @override
    async def campaign_members(self, campaign: str) -> tuple[Member, ...]:
        """Chapter 6.4, GetMembersList."""
        rows = (await self._in_campaign("GetMembersList", campaign)).rows("data")
        return tuple(Member(code=row.text("member"), name=row.text("displayname")) for row in rows)

    @override
    async def add_campaign_member(self, campaign: str, member: str) -> int:
        """Chapter 6.6, AddMember."""
        return _count(await self._in_campaign("AddMember", campaign, Member=member), "TotalAdded")

    @override
    async def remove_campaign_member(self, campaign: str, member: str) -> int:
        """Chapter 6.5, RemoveMember."""
        return _count(await self._in_campaign("RemoveMember", campaign, Member=member), "TotalRemoved")

    @override
    async def set_campaign_strategy(self, campaign: str, strategy: Strategy) -> None:
        """Chapter 6.9, UpdateCampaignStrategy."""
        told = {
            "setQueueForMonitoring": strategy.monitored_queue,
            "setQueueMaximumCallers": strategy.most_waiting,
            "setCoefficient": strategy.calls_per_member,
        }
        await self._in_campaign("UpdateCampaignStrategy", campaign, **_told(told))

    @override
    async def configure_ivr_campaign(self, campaign: str, settings: IvrSettings) -> None:
        """Chapter 6.15, ConfigureIvrCampaign."""
        told = {
            "ConcurrentStrategy": None if settings.most_calls is None else {"setMaxCalls": settings.most_calls},
            "RepresentativeList": list(settings.representatives) or None,
        }
        await self._in_campaign("ConfigureIvrCampaign", campaign, **_told(told))

    def _campaign_signed(self, campaign: str) -> dict[str, Any]:
        # The document signs the list only, current versions sign everything; both take it.
        signed = {"Campaign": campaign, "Code": self.values.get("code", "")}
        return {name: value for name, value in signed.items() if value}

    async def _in_campaign(self, method: str, campaign: str = "", *, dials: bool = False, **told: Any) -> Fields:
        return await self._to_dialer(method, self._campaign_signed(campaign) | told, dials=dials)

    async def _to_dialer(self, method: str, told: object, *, dials: bool = False) -> Fields:
        url = self.values["dialer_url"].rstrip("/") + DIALER + method
        response = await self.send(self.http.build_request("POST", url, json=told), dials=dials, any_status=True)
        return _checked(response, self.account, dials)


def _checked(response: httpx.Response, account: str, dials: bool) -> Fields:
    """The reply of an order that was taken, or of which some rows were.

    Raises:
        Refused: with Voicenter's code and words.
        Ambiguous, Unavailable: it does not say what became of the order; the first where somebody may be called.
    """
    reply = named_values(response)
    code = None if reply is None else reply.number("errorcode")
    open_ended = left_open(response.status_code) and not code
    if response.status_code >= 300 and not code and not open_ended:
        raise http_refusal(response, account, "DIALER_URL")
    if reply is None or code is None or open_ended:
        _unclear(UNREADABLE.rstrip("."), dials)
    if any(row.number("errorcode") in (0, INTERNAL) for row in reply.rows("addresult")):
        return reply  # an error above rows that were taken, or may have been, is not theirs: nobody adds those again
    words = reply.text("description")
    if code == INTERNAL:
        _unclear(f"Voicenter reported an error ({INTERNAL}): {reason(words or WORDS[INTERNAL])}", dials)
    if code:
        raise _refused(int(code), words)
    return reply


def _unclear(what: str, dials: bool) -> NoReturn:
    if dials:
        raise Ambiguous(f"{what}, so the campaign may or may not dial. {LOOK}")
    raise Unavailable(f"{what}. Look at the campaign, then try again in a minute.")


def _refused(code: int, words: str) -> Refused:
    return refusal(code, words or WORDS.get(code, ""), HINTS.get(code, "Ask Voicenter what this code means."))


def _told(members: Mapping[str, object]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _call(call: CampaignCall, caller_id: str) -> dict[str, Any]:
    """One call as AddCall, UpdateCall and AddCallsBulk take it; `caller_id`: how that one spells the name."""
    told = {
        "Target": call.number.removeprefix("+"),
        caller_id: HIDDEN if call.caller_id.lower() == HIDDEN.lower() else call.caller_id.removeprefix("+") or None,
        "CallerName": call.caller_name or None,
        "CustomerName": call.name or None,
        "OriginateTime": None if call.at is None else round(call.at),
        # Current versions want to be told, with every such time, that it is UTC and not the account's own zone.
        "IsDateLocal": None if call.at is None else "false",
        "Priority": call.priority,
        "CustomData": {f"var_{name}": value for name, value in call.variables.items()} or None,
    }
    return _told(told)


def _added(calls: Sequence[CampaignCall], results: Sequence[Fields], region: str) -> tuple[Added, ...]:
    """What is told of each row, in the order of the rows; numbers that occur twice take their results in turn."""
    told: dict[str, list[Fields]] = {}
    for row in results:
        told.setdefault(phone(row.text("target"), region), []).append(row)
    added = []
    for call in calls:
        mine = told.get(call.number)
        result = mine.pop(0) if mine else None
        code = None if result is None else result.number("errorcode")
        if result is None or code is None:
            added.append(Added(number=call.number, known=False))
        elif code:
            words = result.text("description") or WORDS.get(int(code), "no reason given")
            added.append(Added(number=call.number, words=words, code=str(int(code)), known=code != INTERNAL))
        else:
            added.append(Added(number=call.number))
    return tuple(added)


def _campaign(fields: Fields) -> Campaign:
    if not fields.text("code"):
        raise Unavailable("Voicenter told of a campaign without its code. Look it up in Voicenter's control panel.")
    return Campaign(
        code=fields.text("code"),
        name=fields.text("name"),
        state=STATES.get(fields.text("statusname").lower(), "unknown"),
        pending=_whole(fields, "totalpendingcalls", "totalawaitingcalls"),
        max_priority=_whole(fields, "maxpriority"),
        min_priority=_whole(fields, "minpriority"),
    )


def _waiting(fields: Fields, region: str) -> CampaignCall:
    caller_id = fields.text("callerid")
    return CampaignCall(
        number=phone(fields.text("phone", "target"), region),
        caller_id=HIDDEN.lower() if caller_id.lower() == HIDDEN.lower() else phone(caller_id, region),
        caller_name=fields.text("callername"),
        name=fields.text("customername"),
        at=fields.epoch("originatetime") or None,
        priority=_whole(fields, "priority"),
        status=fields.inner("callstatus").text("description"),
        variables=_variables(fields.members.get("customdata")),
    )


def _variables(custom: object) -> dict[str, str]:
    """Names without the prefix that they travel with; not by `Fields`, which forgets how they were spelt."""
    told = custom if isinstance(custom, Mapping) else {}
    return {str(name).strip().removeprefix("var_"): str(value).strip() for name, value in told.items()}


def _whole(fields: Fields, *names: str) -> int | None:
    value = fields.number(*names)
    return None if value is None else int(value)


def _count(reply: Fields, name: str) -> int:
    found = _whole(reply.inner("data"), name)
    if found is None:
        raise Unavailable("Voicenter took the order without saying how many members it changed. Look at the members.")
    return found
