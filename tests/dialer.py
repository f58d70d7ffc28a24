"""A phone service of paper with campaigns, and an office on it."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import ClassVar

from msgspec.structs import replace
from typing_extensions import override

from bot.errors import Refused
from bot.orders import Added, Campaign, CampaignCall, IvrSettings, Member, Strategy
from tests.office import Office, PaperPhone

SALE = "SALE-CODE-SECRET"
CARE = "CARE-CODE-SECRET"


@dataclass
class Sheet:
    """What the service knows of one campaign."""

    name: str
    state: str = "stopped"
    calls: dict[str, CampaignCall] = field(default_factory=dict)
    members: dict[str, str] = field(default_factory=dict)


class Dialer(PaperPhone):
    """Two campaigns; every order is in `asked`.

    `faults`: operation -> what is raised instead, one each time; with `acts` it is done all the same before.
    `before`: is called with each operation's name.  `pause`: starting, clearing and adding many wait for it.
    `said_no`: number -> the service's words in a bulk answer.  `silent`: the answer says nothing of single calls.
    """

    bulk_rows: ClassVar[int] = 3

    def __init__(self, account: str, now: Callable[[], float]) -> None:
        super().__init__(account, now)
        self.sheets = {SALE: Sheet("Spring sale"), CARE: Sheet("Customer care", "running", members={"201": "Ada"})}
        self.asked: list[tuple[object, ...]] = []
        self.faults: dict[str, list[BaseException]] = {}
        self.acts = False
        self.said_no: dict[str, str] = {}
        self.answers_short = False
        self.silent = False
        self.pause: asyncio.Event | None = None
        self.before: Callable[[str], None] | None = None

    @contextmanager
    def _order(self, operation: str, campaign: str, *what: object) -> Iterator[Sheet]:
        self.asked.append((operation, campaign, *what))
        if self.before is not None:
            self.before(operation)
        if campaign not in self.sheets:
            raise Refused("Paperphone refused: no such campaign.", words="no such campaign")
        faults = self.faults.get(operation)
        fault = faults.pop(0) if faults else None
        if fault is not None and not self.acts:
            raise fault
        yield self.sheets[campaign]
        if fault is not None:
            raise fault

    def orders_of(self, operation: str) -> list[tuple[object, ...]]:
        return [order[1:] for order in self.asked if order[0] == operation]

    def _as_listed(self, code: str, sheet: Sheet) -> Campaign:
        return Campaign(code=code, name=sheet.name, state=sheet.state)  # type: ignore[arg-type]

    @override
    async def campaigns(self) -> tuple[Campaign, ...]:
        faults = self.faults.get("campaigns")
        if faults:
            raise faults.pop(0)
        return tuple(self._as_listed(code, sheet) for code, sheet in self.sheets.items())

    @override
    async def campaign(self, campaign: str) -> Campaign:
        sheet = self.sheets[campaign]
        listed = self._as_listed(campaign, sheet)
        return replace(listed, pending=len(sheet.calls), min_priority=1, max_priority=9)

    @override
    async def start_campaign(self, campaign: str) -> None:
        with self._order("start_campaign", campaign) as sheet:
            if self.pause is not None:
                await self.pause.wait()
            sheet.state = "running"

    @override
    async def stop_campaign(self, campaign: str) -> None:
        with self._order("stop_campaign", campaign) as sheet:
            sheet.state = "stopped"

    @override
    async def clear_campaign(self, campaign: str) -> None:
        with self._order("clear_campaign", campaign) as sheet:
            if self.pause is not None:
                await self.pause.wait()
            sheet.calls.clear()

    @override
    async def add_campaign_call(self, campaign: str, call: CampaignCall) -> None:
        with self._order("add_campaign_call", campaign, call) as sheet:
            sheet.calls[call.number] = call

    @override
    async def update_campaign_call(self, campaign: str, call: CampaignCall) -> None:
        with self._order("update_campaign_call", campaign, call) as sheet:
            sheet.calls[call.number] = call

    @override
    async def remove_campaign_call(self, campaign: str, number: str) -> None:
        with self._order("remove_campaign_call", campaign, number) as sheet:
            if sheet.calls.pop(number, None) is None:
                raise Refused("Paperphone refused: no such call.", words="no such call")

    @override
    async def add_campaign_calls(self, campaign: str, calls: tuple[CampaignCall, ...]) -> tuple[Added, ...]:
        assert 0 < len(calls) <= self.bulk_rows
        with self._order("add_campaign_calls", campaign, *(call.number for call in calls)) as sheet:
            if self.pause is not None:
                await self.pause.wait()
            for call in calls:
                if call.number not in self.said_no:
                    sheet.calls[call.number] = call
        answers = tuple(Added(number=call.number, words=self.said_no.get(call.number, "")) for call in calls)
        if self.silent:
            return tuple(Added(number=call.number, known=False) for call in calls)
        return answers[1:] if self.answers_short else answers

    @override
    async def campaign_calls(self, campaign: str) -> tuple[CampaignCall, ...]:
        with self._order("campaign_calls", campaign) as sheet:
            return tuple(sheet.calls.values())

    @override
    async def campaign_members(self, campaign: str) -> tuple[Member, ...]:
        return tuple(Member(code=code, name=name) for code, name in self.sheets[campaign].members.items())

    @override
    async def add_campaign_member(self, campaign: str, member: str) -> int:
        with self._order("add_campaign_member", campaign, member) as sheet:
            new = member not in sheet.members
            sheet.members[member] = ""
            return int(new)

    @override
    async def remove_campaign_member(self, campaign: str, member: str) -> int:
        with self._order("remove_campaign_member", campaign, member) as sheet:
            return int(sheet.members.pop(member, None) is not None)

    @override
    async def set_campaign_strategy(self, campaign: str, strategy: Strategy) -> None:
        with self._order("set_campaign_strategy", campaign, strategy):
            pass

    @override
    async def configure_ivr_campaign(self, campaign: str, settings: IvrSettings) -> None:
        with self._order("configure_ivr_campaign", campaign, settings):
            pass


class OneByOne(Dialer):
    """A service that takes no list of calls."""

    @classmethod
    @override
    def can(cls, name: str) -> bool:
        return name != "add_campaign_calls" and super().can(name)


def dialer(desk: Office) -> Dialer:
    """The phone service of such an office."""
    assert isinstance(desk.phone, Dialer)
    return desk.phone
