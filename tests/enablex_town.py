"""EnableX, its simulator and the real conductor over a real database, by a clock that is turned by hand.

async with Desk(folder) as desk: ...         Callboard runs, one rep has a phone
call = await desk.dial("+12025550101")       Ada calls somebody; her own phone rings first
await desk.run(30)                           half a minute passes: webhooks, polls, jobs
desk.lost = {"bridged"}                      these webhooks never arrive
desk.answers["/connect"] = [...]             what a request is answered with instead, once each
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx
import msgspec
from typing_extensions import override

from bot import conducting, controlling, dialing, jobs, unclear
from bot.board import Board
from bot.call import Call
from bot.cards.call import call_card
from bot.cards.line import line_card
from bot.errors import CallboardError
from bot.events import AnyEvent, State
from bot.hooks import Reply, Request
from bot.intents import Ask
from bot.orders import Prompt, Speech
from bot.polling import POLL_SECONDS, Poll
from bot.provider import Provider
from bot.providers.enablex import EnableX
from bot.providers.enablex.simulator import EnableXExchange
from bot.simulator.clock import ManualClock
from bot.simulator.exchange import Delivery
from bot.simulator.network import Network
from bot.store import Database, calls, ledger, people
from bot.store.people import Person
from tests import office
from tests.empty_store import prepared

HOOK = "http://callboard.example/hooks/enablex/secret"
ADA, LINE = office.ADA, office.LINE
SETTINGS = office.SETTINGS.replace("voicenter", "enablex") + '[recording]\ndefault = "ask"\n'
T = TypeVar("T")
PATIENCE_SECONDS = 100
"""A rep who hears nobody hangs up after so long, at the latest."""

FRIENDLY, BUSY, NO_ANSWER, REJECTS, UNKNOWN = (f"+120255501{ending}" for ending in ("01", "11", "12", "13", "15"))
REP_FIRST, SILENT, BROKEN, TWICE, LATE, DISORDERED = (
    f"+120255501{end}" for end in ("18", "20", "21", "22", "23", "24")
)
NO_CREDIT = "+12025550119"


class Crash(BaseException):
    """The process is gone."""


class Mortal(Database):
    """A database whose process dies at a write."""

    def __init__(self, desk: "Desk", path: Path) -> None:
        super().__init__(path)
        self.desk = desk

    @override
    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        desk = self.desk
        if desk.dead:
            raise Crash
        desk.writes += 1
        desk.dead = desk.writes == desk.crash_at
        if desk.dead and not desk.after:
            raise Crash
        result = await super().write(work)
        if desk.dead:
            raise Crash
        return result


class Desk:
    """One rep, one account, one service.

    Attributes:
        lost: states whose webhooks never arrive.  copies: how often the others do.  late: state -> seconds.
        answers: end of a path -> answers or errors given instead of the service's, one after the other.
        on_request: end of a path -> done while that request is on its way.
        crash_at: the write at which the process dies, -1 = never; `after` its commit or before.
        asked: every request, "PUT /connect" for short.
    """

    def __init__(self, folder: Path, **values: str) -> None:
        self.folder = folder
        self.clock = ManualClock(1_770_000_000.0)
        self.network = Network(self.clock, self.deliver)
        self.exchange = EnableXExchange(self.network, HOOK)
        self.http = httpx.AsyncClient(transport=httpx.MockTransport(self.answer))
        self.values = {"app_id": "ID", "app_key": "KEY", "cli": LINE, **values}
        self.lost: set[str] = set()
        self.copies = 1
        self.late: dict[str, float] = {}
        self.answers: dict[str, list[httpx.Response | Exception]] = {}
        self.on_request: dict[str, Callable[[], Awaitable[Any]]] = {}
        self.crash_at, self.after, self.writes, self.dead = -1, False, 0, False
        self.asked: list[str] = []
        self._under_way = self._sleeping = 0

    async def open(self) -> None:
        """Start Callboard, or start it again on what is stored."""
        self.dead = False
        self.provider = EnableX("enablex", self.values, self.http, "US")
        self.provider.clock = self.clock.now
        self.provider.hook_url = HOOK
        settings = office.settings(self.folder, SETTINGS, ENABLEX_APP_ID="ID", ENABLEX_APP_KEY="KEY")
        self.database = Mortal(self, prepared(self.folder / "data" / "callboard.sqlite"))
        self.board = Board(settings, self.database, {"enablex": self.provider}, now=self.clock.now, sleep=self.sleep)
        self.poll = Poll(self.board)
        if not (await self.board.read(people.person, "U1")).linked:
            await self.link(ADA)
        await unclear.recover(self.board)
        await controlling.recover(self.board)
        conducting.watch(self.board)
        await conducting.recover(self.board)

    async def close(self) -> None:
        for task in self.board.tasks:
            task.cancel()
        await asyncio.gather(*self.board.tasks, return_exceptions=True)
        self.database.close()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
        await self.network.close()
        await self.http.aclose()

    async def restart(self) -> None:
        await self.close()
        self._sleeping = 0
        self.crash_at = -1
        await self.open()

    # What goes over the wire.

    async def deliver(self, delivery: Delivery) -> Reply | None:
        told = msgspec.json.decode(delivery.body)
        state = told.get("state") or told.get("playstate", "")
        if state.lower() in self.lost or self.dead:
            return None
        self._under_way += 1
        try:
            path = delivery.url.removeprefix(HOOK).strip("/")
            for _ in range(self.copies):
                headers = {name.lower(): value for name, value in delivery.headers.items()}
                request = Request("POST", path, (), headers, delivery.body, self.clock.now())
                webhook = self.provider.read_webhook(request)
                if seconds := self.late.get(state.lower()):
                    self._under_way -= 1
                    await self.clock.sleep(seconds)
                    self._under_way += 1
                await self.board.ingest("enablex", webhook.events)
        except Crash:
            pass
        finally:
            self._under_way -= 1
        return Reply()

    async def answer(self, request: httpx.Request) -> httpx.Response:
        end = "/" + request.url.path.rpartition("/")[2]
        end = (
            end
            if end in ("/call", "/accept", "/play", "/connect", "/hold", "/recording", "/transfer", "/forward")
            else ""
        )
        self.asked.append(f"{request.method} {end}".strip())
        told = Request(
            request.method, request.url.path[1:], (), dict(request.headers), request.content, self.clock.now()
        )
        self.request = told
        if end in self.on_request:
            await self.on_request.pop(end)()
        if self.answers.get(end or request.method):
            given = self.answers[end or request.method].pop(0)
            if isinstance(given, Exception):
                raise given
            return given
        reply = self.exchange.serve(told)
        if reply is None:
            raise httpx.ReadTimeout("the simulated service never answers")
        return httpx.Response(reply.status, headers={"content-type": reply.content_type}, content=reply.body)

    async def carried_out_all_the_same(self) -> None:
        """For `on_request`: the service does what is asked for, whatever `answers` says."""
        self.exchange.serve(self.request)

    # What people do.

    async def link(self, phone: str) -> None:
        ada = Person("U1", "Ada", phone_kind="number", phone=phone, account="enablex", line=LINE)
        await self.board.write(people.save_person, ada)

    async def dial(self, number: str) -> None:
        key = f"command:{self.clock.now()}"
        try:
            await self.board.write(ledger.write_intent, key, "U1", "call", b"{}", self.clock.now())
            await dialing.dial(self.board, key, Ask(rep="U1", number=number, account="enablex"))
        except (Crash, CallboardError):
            pass

    async def control(self, action: str, *to: str) -> None:
        """As the button of that name does it."""
        call = await self.call()

        async def operation(provider: Provider, call: Call) -> tuple[AnyEvent, ...] | None:
            told: tuple[AnyEvent, ...] | None = await getattr(provider, action)(call, *to)
            return told

        consented = action == "start_recording"
        await controlling.control(
            self.board, call.id, "U1", action, operation, detail=" ".join(to), consented=consented
        )

    async def play(self, text: str) -> None:
        prompt = Prompt(speech=Speech(text=text, language="en-US", voice="female"))
        call = await self.call()
        await controlling.control(
            self.board, call.id, "U1", "play", lambda provider, call: provider.play(call, prompt), detail=text
        )

    async def take(self, *, dies: bool = False) -> None:
        """*Take the call*, beside the clock, because an unclear answer is waited for."""
        call = await self.call()
        phone = (await self.board.read(people.person, "U1")).phone

        async def join(provider: Provider, call: Call) -> None:
            await conducting.join(self.board, provider, call, "U1", phone)

        taking = asyncio.ensure_future(controlling.control(self.board, call.id, "U1", "accept", join))
        while not taking.done():
            if self._sleeping:
                await self.clock.advance(1)
            await asyncio.sleep(0)
        try:
            taking.result()
        except Crash:
            assert dies

    async def hang_up(self) -> None:
        await controlling.hang_up(self.board, (await self.call()).id, "U1")

    async def rep_hangs_up(self) -> None:
        for live in self.network.live_calls(self.exchange):
            self.exchange.rep_hangs_up(live)
        await self.clock.advance(0)

    # Time.

    async def sleep(self, seconds: float) -> None:
        self._sleeping += 1
        try:
            await self.clock.sleep(seconds)
        finally:
            self._sleeping -= 1

    async def quiet(self) -> None:
        """Until everything that is under way waits for the clock."""
        while self._under_way or len(self.board.tasks) > self._sleeping:
            await asyncio.sleep(0)

    async def run(self, seconds: int) -> None:
        """In steps of one second, after the first minute of three."""
        until = self.clock.now() + seconds
        begun = self.clock.now()
        while (left := until - self.clock.now()) > 0:
            await self.clock.advance(min(1 if self.clock.now() - begun < 60 else POLL_SECONDS, left))
            await self.quiet()
            if not self.dead:
                with contextlib.suppress(Crash):
                    await self._jobs()
            await self.quiet()

    async def _jobs(self) -> None:
        await self._impatience()
        await self.poll()
        await jobs.finish_silent(self.board)

    async def _impatience(self) -> None:
        for live in self.network.live_calls(self.exchange):
            first = live.leg(self.exchange._first(live))
            alone = first.answered_at and not self.exchange._bridged(live)
            if alone and live.direction == "out" and self.clock.now() - first.answered_at > PATIENCE_SECONDS:
                self.exchange.rep_hangs_up(live)

    # What there is to see.

    async def call(self) -> Call:
        (call,) = await self.calls()
        return call

    async def calls(self) -> list[Call]:
        rows = await self.database.read(lambda db: [row[0] for row in db.execute("SELECT id FROM calls ORDER BY id")])
        return [call for row in rows if (call := await self.board.read(calls.get, row)) is not None]

    async def card(self) -> str:
        """What the rep's card says."""
        card = call_card(
            await self.call(),
            contact=None,
            account_title="EnableX",
            can_hang_up=True,
            now=self.clock.now(),
            zone="Europe/Madrid",
        )
        return card.text

    async def thread(self) -> str:
        """What stands in the card's thread."""
        rows = await self.database.read(lambda db: db.execute("SELECT body FROM cards WHERE kind = 'line'").fetchall())
        events = [msgspec.convert(msgspec.json.decode(row[0])["event"], AnyEvent) for row in rows]
        lines = [line_card(event, masked=False) for event in events]
        return " ".join(line.text for line in lines if line is not None)

    async def notices(self) -> str:
        """What the rep was told beside the card."""
        rows = await self.database.read(
            lambda db: db.execute("SELECT body FROM cards WHERE kind = 'notice' AND place = '@U1'").fetchall()
        )
        return " ".join(msgspec.json.decode(row[0])["text"] for row in rows)

    @property
    def nothing_rings(self) -> bool:
        return not self.network.live_calls(self.exchange)

    @property
    def customer_dialled(self) -> int:
        return self.asked.count("PUT /connect")


def says(status: int, told: Any) -> httpx.Response:
    return httpx.Response(status, json=told)


def refuses(status: int, result: object, words: str) -> httpx.Response:
    return says(status, {"result": result, "msg": words, "state": "failed"})


REFUSALS = [
    (404, "6110", "Application Not Found"),
    (404, "6118", "Phone number not found for the service"),
    (404, 6133, "service_not_associated_with_number"),
    (409, "409", "Call is not connected yet"),
    (429, "RATE_LIMITED", "Too many requests"),
    (401, 401, "Unauthorized"),
    (400, 1234, "description of the error"),
    (200, "", "The bridge failed"),
]

UNCLEAR: list[httpx.Response | Exception] = [
    httpx.ReadTimeout("slow"),
    httpx.RemoteProtocolError("gone"),
    refuses(500, 500, "Internal Server Error"),
    httpx.Response(502, html="<h1>Bad Gateway</h1>"),
    says(200, {}),
    says(200, {"voice_id": "x"}),
    httpx.Response(200, text="OK"),
]


async def over(desk: Desk, seconds: int = 400) -> None:
    """Let it end: nobody is on the line, nobody was called twice, and the card says how it went."""
    await desk.run(seconds)
    assert desk.nothing_rings
    assert desk.customer_dialled <= 1
    call = await desk.call()
    assert call.state is State.ENDED
    assert (await desk.card()).strip()
