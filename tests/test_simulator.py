"""The simulated phone network: time, behaviours, delivery, and the web application over it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar, get_args

import httpx
import pytest
from typing_extensions import override

from bot.errors import SettingsError
from bot.events import CUSTOMER, REP, Outcome, State
from bot.hooks import Reply, Request
from bot.simulator.app import SimulatedAccount, SimulatedWorld, exchange_class
from bot.simulator.behaviours import ANSWERS, BEHAVIOURS, INCOMING, LedKind, Step, behaviour_of
from bot.simulator.clock import ManualClock, RealClock
from bot.simulator.delivery import RETRY_SECONDS, over_http
from bot.simulator.exchange import Delivery, Exchange, SimCall
from bot.simulator.network import FIRST_WITHIN_SECONDS, Network

START = 1_700_000_000.0


class Telling(Exchange):
    """An exchange that tells every step in its webhook's address."""

    kind: ClassVar[str] = "telling"
    extensions: ClassVar[tuple[str, ...]] = ("ada", "bob")
    queue: ClassVar[str] = "12"

    @override
    def new_id(self, number: int) -> str:
        return f"c{number}"

    @override
    def serve(self, request: Request) -> Reply | None:
        return None

    @override
    def webhooks(self, call: SimCall, step: Step) -> Sequence[Delivery]:
        last = " over" if call.over else ""
        return (Delivery("GET", f"{step.leg} {step.outcome or step.what}{last}"),)


class Silent(Telling):
    """A service without incoming calls."""

    extensions: ClassVar[tuple[str, ...]] = ()


@dataclass
class World:
    clock: ManualClock = field(default_factory=ManualClock)
    told: list[tuple[float, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.network = Network(self.clock, self.deliver)
        self.exchange = Telling(self.network, "http://callboard.example/hooks/telling/secret")

    async def deliver(self, delivery: Delivery) -> None:
        self.told.append((self.clock.now() - START, delivery.url))

    def place(self, number: str, max_seconds: float | None = None) -> SimCall:
        return self.network.place(self.exchange, rep="1", number=number, max_seconds=max_seconds)

    @property
    def words(self) -> list[str]:
        return [word for _, word in self.told]


async def test_sleepers_wake_in_the_order_of_their_times() -> None:
    clock = ManualClock()
    woken = []

    async def sleeper(seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((seconds, clock.now() - START))
        await clock.sleep(1)
        woken.append((seconds + 1, clock.now() - START))

    tasks = [asyncio.create_task(sleeper(seconds)) for seconds in (5.0, 3.0, 0.0, 20.0)]
    await clock.advance(10)
    assert woken == [(0, 0), (1, 1), (3, 3), (4, 4), (5, 5), (6, 6)]
    assert clock.now() - START == 10
    tasks[3].cancel()
    await clock.advance(20)
    assert woken[6:] == []


async def test_a_real_clock_runs_as_fast_as_it_is_told() -> None:
    clock = RealClock(speed=1e6)
    before = clock.now()
    await clock.sleep(1000)
    assert clock.now() >= before + 1000

    slow = RealClock()
    sleeper = asyncio.create_task(slow.sleep(3600))
    await asyncio.sleep(0)
    slow.set_speed(1e7)
    await sleeper
    assert slow.speed == 1e7
    with pytest.raises(ValueError, match="above 0"):
        slow.set_speed(0)


def test_the_last_two_digits_choose() -> None:
    assert behaviour_of("+12025550111").name == "busy"
    assert behaviour_of("5550000012").name == "no answer"
    for number in ("+12025550101", "+12025550199", "ext", ""):
        assert behaviour_of(number) is ANSWERS


def test_every_behaviour_is_explained_and_ends() -> None:
    every = [ANSWERS, *BEHAVIOURS.values()]
    assert len({behaviour.name for behaviour in every}) == len(every)
    for behaviour in every:
        assert behaviour.description.endswith(".")
        begun = {step.leg for step in behaviour.steps}
        assert {step.leg for step in behaviour.steps if step.what == "ended"} == begun
    for steps in INCOMING.values():
        assert {step.leg for step in steps if step.what == "ended"} == {step.leg for step in steps}
    assert all((step.what == "ended") == (step.outcome is not None) for b in every for step in b.steps)


async def test_a_call_that_is_answered() -> None:
    here = World()
    call = here.place("+12025550101")
    assert (call.id, call.kind, call.state, call.direction) == ("c1700000001", "telling", State.RINGING, "out")
    states = []
    for seconds in (1, 3, 1, 4, 20, 1):
        await here.clock.advance(seconds)
        states.append(call.state)
    assert here.told == [
        (1, "rep ringing"),
        (4, "rep answered"),
        (5, "customer ringing"),
        (9, "customer answered"),
        (29, "customer answered"),
        (30, "rep answered over"),
    ]
    assert states == [
        State.RINGING, State.CONNECTING, State.CONNECTING, State.TALKING, State.CONNECTING, State.ENDED,
    ]  # fmt: skip
    leg = call.leg(CUSTOMER)
    assert (leg.ringing_at, leg.answered_at, leg.ended_at) == (START + 5, START + 9, START + 29)
    assert leg.outcome is Outcome.ANSWERED
    assert here.network.live_calls(here.exchange) == ()
    assert here.network.find(call.id) is call
    assert here.network.find("c0") is None


async def test_talk_is_cut_at_its_limit() -> None:
    here = World()
    here.place("+12025550101", max_seconds=5)
    await here.clock.advance(15)
    assert here.told[-2:] == [(14, "customer answered"), (15, "rep answered over")]


@pytest.mark.parametrize(
    ("ending", "expected"),
    [
        ("11", ["customer busy", "rep answered over"]),
        ("16", ["rep ringing", "rep no_answer over"]),
        ("18", ["rep answered", "customer answered over"]),
        ("19", ["rep no_credit over"]),
        ("22", ["rep answered over", "rep answered over"]),
        ("23", ["customer answered", "rep answered over"]),
        ("24", ["rep answered", "customer answered"]),
        ("25", ["customer ringing", "customer answered"]),
    ],
)
async def test_how_behaviours_are_told(ending: str, expected: list[str]) -> None:
    here = World()
    call = here.place(f"+120255501{ending}")
    await here.clock.advance(60)
    assert call.over
    if ending == "23":
        assert here.words[-1] == "customer answered"
    await here.clock.advance(600)
    assert here.words[-2:] == expected


async def test_a_service_that_fails_places_nothing_by_itself() -> None:
    assert BEHAVIOURS["21"].steps == ()


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, ["rep cancelled over"]),
        (2, ["rep cancelled over"]),
        (6, ["rep answered", "customer cancelled over"]),
        (15, ["rep answered", "customer answered over"]),
    ],
)
async def test_hanging_up_ends_every_leg(seconds: float, told: list[str]) -> None:
    here = World()
    call = here.place("+12025550101")
    await here.clock.advance(seconds)
    before = len(here.told)
    assert here.network.live_calls(here.exchange) == (call,)
    assert here.network.hang_up(call)
    await here.clock.advance(0)
    await here.clock.advance(100)
    assert here.words[before:] == told
    assert not here.network.hang_up(call)


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("answered", ["ext:ada ringing", "ext:ada answered", "ext:ada answered over"]),
        ("missed", ["ext:ada ringing", "ext:ada no_answer over"]),
        ("abandoned", ["queue:12 ringing", "queue:12 abandoned over"]),
        (
            "colleague",
            ["ext:ada ringing", "ext:ada no_answer", "ext:bob ringing", "ext:bob answered", "ext:bob answered over"],
        ),
    ],
)
async def test_incoming(kind: Any, told: list[str]) -> None:
    here = World()
    call = here.network.incoming(here.exchange, caller="+12025550131", did="+972505550100", kind=kind)
    assert (call.number, call.line, call.direction, call.state) == (
        "+12025550131", "+972505550100", "in", State.RINGING,
    )  # fmt: skip
    await here.clock.advance(100)
    assert here.words == told


async def test_who_asks_nobody_leads_nobody() -> None:
    here = World()
    for kind in get_args(LedKind):
        with pytest.raises(ValueError, match="telling asks nobody"):
            here.network.incoming(here.exchange, caller="+12025550131", did="1", kind=kind)


async def test_who_has_no_incoming_calls_gets_none() -> None:
    here = World()
    silent = Silent(here.network, "")
    with pytest.raises(ValueError, match="telling has no incoming calls"):
        here.network.incoming(silent, caller="+12025550131", did="+972505550100", kind="answered")


@pytest.mark.parametrize("seed", range(5))
async def test_spontaneous_calls(seed: int) -> None:
    here = World()
    task = asyncio.create_task(here.network.spontaneous(here.exchange, "+972505550100", every_seconds=60, seed=seed))
    await here.clock.advance(FIRST_WITHIN_SECONDS)
    assert len(here.network.calls) == 1
    await here.clock.advance(4 * 78)
    task.cancel()
    names = [call.behaviour.name for call in here.network.calls]
    assert names[:4] == ["answered", "missed", "abandoned", "answered"]
    assert {call.line for call in here.network.calls} == {"+972505550100"}


async def test_closing_stops_everything() -> None:
    here = World()
    here.place("+12025550123")
    await here.clock.advance(100)  # the end has happened and is still to be told
    await here.network.close()
    before = len(here.told)
    await here.clock.advance(1000)
    assert len(here.told) == before


async def test_delivery_is_tried_again_until_the_bot_is_there() -> None:
    clock = ManualClock()
    answers = [None, 503, 200]
    sent: list[tuple[float, httpx.Request]] = []

    def bot(request: httpx.Request) -> httpx.Response:
        sent.append((clock.now() - START, request))
        status = answers.pop(0)
        if status is None:
            raise httpx.ConnectError("the bot is being restarted")
        return httpx.Response(status)

    deliver = over_http(httpx.AsyncClient(transport=httpx.MockTransport(bot)), clock)
    headers = {"content-type": "text/xml"}
    task = asyncio.ensure_future(deliver(Delivery("POST", "http://callboard.example/hooks", headers, b"<a/>")))
    await clock.advance(10)
    await task
    assert [at for at, _ in sent] == [0, 1, 3]
    request = sent[-1][1]
    assert (request.method, request.content, request.headers["content-type"]) == ("POST", b"<a/>", "text/xml")


@pytest.mark.parametrize(("status", "attempts"), [(404, 1), (500, len(RETRY_SECONDS) + 1)])
async def test_delivery_is_given_up_with_a_warning(
    status: int, attempts: int, caplog: pytest.LogCaptureFixture
) -> None:
    clock = ManualClock()
    sent = []

    def bot(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(status)

    deliver = over_http(httpx.AsyncClient(transport=httpx.MockTransport(bot)), clock)
    task = asyncio.ensure_future(deliver(Delivery("GET", "http://callboard.example/hooks/a/SECRET")))
    await clock.advance(100)
    await task
    assert len(sent) == attempts
    assert f"HTTP {status}" in caplog.text
    assert "SECRET" not in " ".join(record.getMessage() for record in caplog.records if record.name.startswith("bot"))


class Bot:
    """Stands for the bot: keeps the webhooks that arrive, and tells when there are as many as expected."""

    def __init__(self, expected: int = 1) -> None:
        self.expected = expected
        self.seen: list[httpx.Request] = []
        self.all_seen = asyncio.Event()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        if len(self.seen) == self.expected:
            self.all_seen.set()
        return httpx.Response(200)


FORM = {"username": "demo", "password": "secret", "caller": "5550000001", "callee": "5550000011", "duration": "60"}


def simulated(bot: Bot, speed: float = 1.0) -> SimulatedWorld:
    accounts = {"sales": SimulatedAccount("gurulize", "http://callboard.example/hooks/sales/secret")}
    http = httpx.AsyncClient(transport=httpx.MockTransport(bot))
    return SimulatedWorld(accounts, clock=RealClock(speed), http=http)


@asynccontextmanager
async def running(world: SimulatedWorld) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(world.app)
    async with (
        asyncio.timeout(10),
        world.app.router.lifespan_context(world.app),
        httpx.AsyncClient(transport=transport, base_url="http://simulator.example") as client,
    ):
        yield client


async def test_the_application_serves_each_account_and_tells_of_calls() -> None:
    bot = Bot(expected=4)
    async with running(simulated(bot)) as client:
        assert (await client.post("/sales", data=FORM)).json()["success"] is True
        assert (await client.get("/sales/anything")).status_code == 405
        assert (await client.post("/nobody", data=FORM)).status_code == 404
        assert list((await client.get("/_sim/refused")).json().values()) == [[]]
        (call,) = (await client.get("/_sim/calls")).json()
        assert (call["account"], call["behaviour"], call["state"]) == ("sales", "busy", "ringing")
        assert (await client.post("/_sim/clock", json={"speed": 10_000})).json()["speed"] == 10_000
        await bot.all_seen.wait()
        (call,) = (await client.get("/_sim/calls")).json()
        history = call["history"]
    assert [(past["leg"], past["what"]) for past in history][-1] == (REP, "ended")
    assert [request.url.params["code"] for request in bot.seen] == ["0", "1", "4", "11"]
    assert bot.seen[0].url.path == "/hooks/sales/secret"


@pytest.mark.parametrize(
    ("path", "body", "sentence"),
    [
        ("incoming", {"account": "sales", "caller": "+12025550131", "did": "1"}, "gurulize has no incoming calls"),
        ("incoming", {"account": "nobody", "caller": "1", "did": "1"}, "no simulated account “nobody”"),
        ("incoming", {"account": "sales", "caller": "1"}, "missing required field `did`"),
        ("incoming", {"account": "sales", "caller": "1", "did": "1", "kind": "eaten"}, "Invalid enum value 'eaten'"),
        ("clock", {"speed": 0}, "above 0"),
        ("clock", {"speed": "fast"}, "Expected `float`"),
    ],
)
async def test_wrong_controls_are_answered_with_a_sentence(path: str, body: dict[str, Any], sentence: str) -> None:
    async with running(simulated(Bot())) as client:
        answer = await client.post(f"/_sim/{path}", json=body)
    assert answer.status_code == 400
    assert sentence in answer.text


def test_only_known_providers_are_simulated() -> None:
    assert exchange_class("gurulize").kind == "gurulize"
    with pytest.raises(SettingsError, match="There is no provider “carrier” to simulate"):
        exchange_class("carrier")


async def test_an_answer_that_never_comes_waits_for_the_client_to_leave() -> None:
    """Against the bare application: a client that leaves is the only way out."""
    sent: list[Any] = []
    body = "&".join(f"{name}={value}" for name, value in (FORM | {"callee": "5550000020"}).items()).encode()
    messages = [{"type": "http.request", "body": body, "more_body": False}, {"type": "http.disconnect"}]

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    world = simulated(Bot())
    scope = {"type": "http", "method": "POST", "path": "/sales", "query_string": b"", "headers": [], "root_path": ""}
    await world.app(scope, receive, send)
    assert (sent, messages) == ([], [])
    assert len(world.network.calls) == 1
    await world.network.close()
