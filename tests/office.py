"""A small office for tests: the whole Slack side of Callboard over the strict fake Slack, and a phone service of paper.

await office.type("/call +1 202 555 0101")        a person types, presses, submits; then everything settles
office.told                                       what only that person saw last
office.conversation("U1")                         messages in a person's conversation with the app
"""

import asyncio
import dataclasses
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

import aiohttp
import httpx
from slack_sdk.web.async_client import AsyncWebClient
from typing_extensions import override

from bot import settings_reader
from bot.assembly import slack_app, slack_over_http
from bot.board import Board
from bot.call import Call
from bot.events import Accepted, AnyEvent
from bot.feed import Feed
from bot.hooks import Request, Webhook
from bot.orders import CallOrder, options
from bot.provider import Provider, Setting
from bot.rendering import render
from bot.settings import Settings
from bot.slack_api import OnceMore
from bot.store import Database, calls, contacts, people
from bot.store.contacts import Contact
from bot.store.people import Person
from bot.web import application
from bot.workspace import Identity
from handlers import Desk
from tests import slack_requests
from tests.empty_store import prepared
from tests.fake_slack import FakeSlack
from tests.slack_state import Clock, Message

LINE = "+12025550100"
ADA = "+12025550190"
SETTINGS = f"""
region = "US"
time_zone = "Europe/Madrid"
channel = "C1"
admins = ["U9"]
managers = ["U2"]
[accounts.voicenter]
[lines."{LINE}"]
label = "Sales"
account = "voicenter"
channel = "C1"
[policy]
countries = ["US", "GB", "IL"]
hours = ["00:00", "24:00"]
weekdays = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
"""
ENVIRONMENT = {
    "SLACK_BOT_TOKEN": FakeSlack.bot_token,
    "SLACK_SIGNING_SECRET": FakeSlack.signing_secret,
    "CALLBOARD_SLACK_MODE": "http",
    "CALLBOARD_PUBLIC_URL": "https://callboard.example",
    "CALLBOARD_HOOK_SECRET": "hook-secret-for-tests",
    "VOICENTER_CODE": "CODE-SECRET",
}


def no_wire() -> httpx.AsyncClient:
    """For services that are not asked anything: a client that could ask reads the machine's certificates, for 30 ms."""

    def refuse(request: httpx.Request) -> httpx.Response:
        raise AssertionError(f"{request.url} was asked, but nobody listens in this test")

    return httpx.AsyncClient(transport=httpx.MockTransport(refuse))


class PaperPhone(Provider):
    """Takes every order and writes it down; `answer` says what happens instead, `events` what is active."""

    title: ClassVar[str] = "Paperphone"
    settings: ClassVar[tuple[Setting, ...]] = ()
    order_options: ClassVar[frozenset[str]] = frozenset(options(CallOrder))
    rep_phones: ClassVar[frozenset[str]] = frozenset({"number", "extension"})
    hook_paths: ClassVar[Mapping[str, str]] = {"": "everything"}

    def __init__(self, account: str, now: Callable[[], float]) -> None:
        super().__init__(account, {}, no_wire(), "US")
        self.now = now
        self.orders: list[CallOrder] = []
        self.hung_up: list[str] = []
        self.answer: Exception | None = None
        self.events: tuple[AnyEvent, ...] = ()

    @override
    async def place_call(self, order: CallOrder) -> Accepted:
        self.refuse_unexpressible(order)
        self.orders.append(order)
        if self.answer is not None:
            raise self.answer
        return Accepted(ref=f"paper-{len(self.orders)}", at=self.now())

    @override
    async def hang_up(self, call: Call) -> None:
        self.hung_up.append(call.id)

    @override
    async def active_calls(self) -> tuple[AnyEvent, ...]:
        return self.events

    @override
    def read_webhook(self, request: Request) -> Webhook:
        return Webhook(())


@dataclasses.dataclass
class Office:
    """Everything at hand. Times stand still unless `clock.advance()` is called."""

    slack: FakeSlack
    clock: Clock
    board: Board
    desk: Desk
    feed: Feed
    phone: PaperPhone
    http: httpx.AsyncClient

    async def send(self, signed: slack_requests.Signed, status: int = 200) -> dict[str, Any]:
        """Deliver what Slack would send, check the acknowledgement, let everything settle."""
        headers, body = signed
        answer = await self.http.post("/slack/events", headers=headers, content=body)
        assert answer.status_code == status, answer.text
        await self.settle()
        return dict(answer.json()) if answer.content else {}

    async def type(self, line: str, *, user: str = "U1", channel: str = "C1") -> str:
        """A person types a slash command; returns what only they were told last, "" = nothing."""
        before = len(self.slack.ephemerals)
        command, _, text = line.partition(" ")
        await self.send(slack_requests.slash_command(self.slack, command, text, user=user, channel=channel))
        return self.told if len(self.slack.ephemerals) > before else ""

    async def press(
        self, action: str, message: Any, channel: str, *, user: str = "U1", value: str | None = None
    ) -> str:
        """A person uses an element of a message; returns what only they were told last, "" = nothing."""
        before = len(self.slack.ephemerals)
        await self.send(
            slack_requests.click(self.slack, action, user=user, channel=channel, ts=message.ts, value=value)
        )
        return self.told if len(self.slack.ephemerals) > before else ""

    async def submit(self, values: dict[str, Any], *, user: str = "U1") -> dict[str, Any]:
        """A person submits the modal that is open; returns the errors shown in it."""
        (view_id,) = [view.id for view in self.slack.views.values() if view.user == user]
        answer = await self.send(slack_requests.submit(self.slack, view_id, values, user=user))
        if not answer:
            self.slack.views.pop(view_id, None)
        return dict(answer.get("errors", {}))

    async def settle(self) -> None:
        """Wait until nothing is under way and Slack shows everything."""
        await self.board.settle(60)  # what is not done by then is dropped, and a busy machine takes its time
        await self.feed.drain()

    async def happen(self, *events: AnyEvent, call_id: str = "") -> None:
        """The phone service tells; then everything settles."""
        await self.board.ingest("voicenter", events, call_id=call_id)
        self.clock.advance(6)
        await self.settle()

    @asynccontextmanager
    async def writer_held_up(self) -> AsyncIterator[None]:
        """Nothing can be written while the block runs; fails where the block waits for the writer."""
        writing, go_on = threading.Event(), threading.Event()

        def hold(db: sqlite3.Connection) -> bool:
            writing.set()
            return go_on.wait(10)

        held = asyncio.create_task(self.board.db.write(hold))
        assert await asyncio.to_thread(writing.wait, 20)
        try:
            yield
        finally:
            go_on.set()
            assert await held, "the block ended only when the writer was let go"

    @property
    def told(self) -> str:
        return self.slack.ephemerals[-1].text

    def conversation(self, user: str) -> list[Message]:
        """A person's conversation with the app, oldest first."""
        try:
            return list(self.slack.dm(user))
        except KeyError:
            return []

    async def link(self, user: str, phone: str = ADA, **more: Any) -> None:
        """Give a person a phone."""
        person = Person(user, name=self.slack.users[user].name, phone_kind="number", phone=phone, line=LINE)
        await self.board.write(people.save_person, dataclasses.replace(person, **more))

    async def calls(self) -> list[Call]:
        """All calls on record, oldest first."""
        rows = await self.board.db.read(lambda db: [row[0] for row in db.execute("SELECT id FROM calls ORDER BY id")])
        return [call for row in rows if (call := await self.board.read(calls.get, row)) is not None]

    async def contact(self, number: str, name: str, company: str = "") -> None:
        """Put somebody into the contact book."""
        await self.board.write(contacts.save, Contact(number, name, company), "U9", self.clock())


def settings(folder: Path, text: str = SETTINGS, **environment: str) -> Settings:
    """Checked settings of the office."""
    file = folder / "callboard.toml"
    file.write_text(text, encoding="utf-8")
    return settings_reader.load(ENVIRONMENT | {"CALLBOARD_DATA": str(folder / "data")} | environment, file)


@asynccontextmanager
async def office(
    folder: Path, slack: FakeSlack, clock: Clock, text: str = SETTINGS, *, kind: type[PaperPhone] = PaperPhone
) -> AsyncIterator[Office]:
    """Open an office on an empty (or the same) folder, with that kind of phone service."""
    if "U9" not in slack.users:
        slack.users["U9"] = dataclasses.replace(slack.users["U1"], id="U9", name="Zoe")
        slack.users["U4"] = dataclasses.replace(slack.users["U1"], id="U4", name="Max")
        slack.channels["C1"].members |= {"U4", "U9"}
    phone = kind("voicenter", clock)
    database = Database(prepared(folder / "data" / "callboard.sqlite"))
    board = Board(settings(folder, text, SLACK_API_URL=slack.base_url), database, {"voicenter": phone}, now=clock)

    async def later(seconds: float) -> None:
        clock.advance(seconds)

    board.sleep = later
    board.outsiders = await board.read(people.outsiders)
    async with aiohttp.ClientSession() as session:
        client = AsyncWebClient(
            token=slack.bot_token, base_url=slack.base_url, session=session, retry_handlers=[OnceMore()]
        )
        desk = Desk(board, client, set(slack.users), slack.team)  # a test that wants somebody to be new says so
        app = slack_app(desk, Identity(slack.team, slack.bot_id, slack.bot_user))
        web = application(board, slack_over_http(app))
        feed = Feed(board, client, lambda card: render(board, card), sleep=later)
        transport = httpx.ASGITransport(web)
        async with httpx.AsyncClient(transport=transport, base_url="http://callboard.test") as http:
            yield Office(slack, clock, board, desk, feed, phone, http)
            await board.settle(10)
            await feed.stop()
    await phone.http.aclose()
    database.close()
