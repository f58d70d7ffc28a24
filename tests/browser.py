"""A browser with the web phone's page, and a service that has a web phone."""

import contextlib
import dataclasses
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from typing_extensions import override

from bot.call import Call
from bot.errors import Unavailable
from bot.events import AnyEvent, Described, LegRinging
from bot.providers.voicenter import web_phone as voicenter_web_phone
from bot.web_phone import Report, WebPhone
from tests.fake_slack import FakeSlack
from tests.office import ENVIRONMENT, Office, PaperPhone, office
from tests.slack_state import Clock

ORIGIN = "https://callboard.example"
SECRET = ENVIRONMENT["SLACK_BOT_TOKEN"]
EXTENSION, PASSWORD = "AAPINFzL", "secret-of-the-extension"
REF = "20300101000000aaaabbbbccccdddd01"
CALLER = "+12025550155"
ADAPTER = Path(voicenter_web_phone.__file__).with_name("web_phone.js")


class Browserphone(PaperPhone):
    """A service with a web phone; `asked` counts how often active calls were asked for."""

    asked = 0

    @override
    async def active_calls(self) -> tuple[AnyEvent, ...]:
        self.asked += 1
        if isinstance(self.answer, Unavailable):
            raise self.answer
        return self.events

    @override
    def web_phone(self) -> WebPhone:
        return WebPhone("https://vendor.example/phone.js?v=1", ("wss://sip.vendor.example",), ADAPTER)

    @override
    def read_report(self, call: Call, told: Report) -> tuple[AnyEvent, ...]:
        return voicenter_web_phone.events(call, told)


@dataclasses.dataclass
class Page:
    """A browser with the page open."""

    desk: Office
    http: httpx.AsyncClient

    async def ask(self, path: str, told: object = None, **headers: str) -> httpx.Response:
        sent = {"Origin": ORIGIN, "Content-Type": "application/json"} | headers
        return await self.http.post(f"/phone/{path}", content=json.dumps(told or {}), headers=sent)

    async def tell(self, what: str, ref: str = "") -> dict[str, Any]:
        answer = await self.ask("report", {"what": what, "ref": ref})
        assert answer.status_code == 200, answer.text
        await self.desk.settle()
        return dict(answer.json())

    @property
    def phone(self) -> Browserphone:
        assert isinstance(self.desk.phone, Browserphone)
        return self.desk.phone

    async def dial(self, who: str, key: str = "0123456789", **said: bool) -> httpx.Response:
        answer = await self.ask("dial", {"id": key, "who": who, **said})
        await self.desk.settle()
        return answer

    async def call(self) -> Call:
        (call,) = await self.desk.calls()
        return call


async def set_up(desk: Office, user: str = "U1", extension: str = EXTENSION) -> str:
    """`/phone web` the first time; returns the ticket of the link."""
    before = len(desk.slack.ephemerals)
    await desk.type("/phone web", user=user)
    errors = await desk.submit({"login": extension, "password": PASSWORD}, user=user)
    assert errors == {}
    assert len(desk.slack.ephemerals) == before + 1
    return ticket(desk)


def ticket(desk: Office) -> str:
    (found,) = re.findall(rf"<{ORIGIN}/phone#([^|>]+)\|", desk.told)
    return str(found)


@contextlib.asynccontextmanager
async def browser(desk: Office) -> AsyncIterator[Page]:
    """Its cookies are its own."""
    transport = desk.http._transport
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as http:
        yield Page(desk, http)


def rings(ref: str = REF, extension: str = EXTENSION) -> tuple[AnyEvent, ...]:
    """What a pop-up or the list tells of an incoming call."""
    leg = f"ext:{extension}"
    return (
        Described(ref=ref, at=1.0, source=f"poll:{leg}", direction="in", number=CALLER, line="+12025550100"),
        LegRinging(ref=ref, at=1.0, leg=leg),
    )


@contextlib.asynccontextmanager
async def open_page(desk: Office) -> AsyncIterator[Page]:
    """The page, opened by U1 with the link of `/phone web`."""
    secret = await set_up(desk)
    async with browser(desk) as page:
        assert (await page.ask("open", {"ticket": secret})).status_code == 200
        yield page


@pytest.fixture
async def browserdesk(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> AsyncIterator[Office]:
    async with office(tmp_path, fake_slack, slack_clock, kind=Browserphone) as desk:
        yield desk


@pytest.fixture
async def page(browserdesk: Office) -> AsyncIterator[Page]:
    async with open_page(browserdesk) as page:
        yield page
