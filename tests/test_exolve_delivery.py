"""What became of an Exolve message: asked about until it is over, also after a restart; unknown where nobody tells."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from bot import jobs
from bot.board import Board
from bot.call import Call
from bot.events import Outcome, Requested, State
from bot.hooks import Reply, Request
from bot.orders import MessageOrder
from bot.polling import POLL_SECONDS, Poll
from bot.providers.exolve import Exolve
from bot.providers.exolve.simulator import ExolveExchange
from bot.simulator.clock import ManualClock
from bot.simulator.exchange import Delivery
from bot.simulator.network import Network
from bot.store import Database, calls
from tests import office
from tests.empty_store import prepared

SOURCE = "+79990000090"


class Post:
    """An account, its simulated service, and what is stored of its messages."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = ManualClock(1_770_000_000.0)
        self.network = Network(self.clock, self.deliver)
        self.exchange = ExolveExchange(self.network, "")
        self.http = httpx.AsyncClient(transport=httpx.MockTransport(self.answer))
        self.asked: list[float] = []
        self.status = ""
        self.open()

    def open(self) -> None:
        text = office.SETTINGS.replace("voicenter", "exolve")
        values = {"api_key": "KEY", "source": SOURCE, "url": "https://provider.example"}
        self.provider = Exolve("exolve", values, self.http, "RU")
        self.provider.clock = self.clock.now
        self.database = Database(prepared(self.folder / "data" / "callboard.sqlite"))
        settings = office.settings(self.folder, text, EXOLVE_API_KEY="KEY")
        self.board = Board(settings, self.database, {"exolve": self.provider}, now=self.clock.now)
        self.poll = Poll(self.board)

    async def deliver(self, delivery: Delivery) -> Reply | None:
        raise AssertionError("Exolve tells nothing by itself")

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/call/v1/GetInfo":
            self.asked.append(self.clock.now())
        told = Request(request.method, request.url.path[1:], (), dict(request.headers), request.content, 0)
        reply = self.exchange.serve(told)
        assert reply is not None
        if self.status and request.url.path == "/call/v1/GetInfo":
            return httpx.Response(200, json={"call_id": "x", "status": self.status, "destination": "79990000001"})
        return httpx.Response(reply.status, content=reply.body)

    async def send(self, number: str) -> None:
        asked = Requested(at=self.clock.now(), rep="U1", rep_phone="", number=number, line=SOURCE, purpose="message")
        template = (await self.provider.templates())[0].id
        accepted = await self.provider.send_message(MessageOrder(call_id="m-1", number=number, template=template))
        await self.board.ingest("exolve", [asked, accepted], call_id="m-1")

    async def run(self, seconds: int) -> Call:
        for _ in range(seconds // POLL_SECONDS):
            await self.clock.advance(POLL_SECONDS)
            await self.poll()
            await jobs.finish_silent(self.board)
        call = await self.board.read(calls.get, "m-1")
        assert call is not None
        return call


@pytest.fixture
async def post(tmp_path: Path) -> AsyncIterator[Post]:
    post = Post(tmp_path)
    yield post
    post.database.close()
    await post.network.close()
    await post.http.aclose()


@pytest.mark.parametrize(
    ("ending", "outcome"),
    [("01", Outcome.ANSWERED), ("11", Outcome.BUSY), ("12", Outcome.NO_ANSWER), ("13", Outcome.REJECTED)],
)
@pytest.mark.parametrize("restarts", [False, True])
async def test_it_is_asked_ever_less_often_until_it_is_over(
    post: Post, ending: str, outcome: Outcome, restarts: bool
) -> None:
    await post.send(f"+799900000{ending}")
    if restarts:
        await post.run(3)
        post.database.close()
        post.open()
    call = await post.run(120)
    assert (call.state, call.outcome) == (State.ENDED, outcome)
    often = len(post.asked)
    assert 1 <= often <= 6
    gaps = [later - earlier for earlier, later in zip(post.asked, post.asked[1:], strict=False)]
    assert gaps == sorted(gaps)
    await post.run(600)
    assert len(post.asked) == often


async def test_a_status_that_is_never_final_ends_as_unknown(post: Post) -> None:
    """After the time-out nobody asks any more, and nobody claims that it was heard or not."""
    post.status = "some_new_status"
    await post.send("+79990000001")
    assert (await post.run(240)).state is State.CONNECTING
    call = await post.run(120)
    assert (call.state, call.outcome) == (State.ENDED, Outcome.PENDING)
    often = len(post.asked)
    await post.run(600)
    assert len(post.asked) == often


async def test_a_message_that_exolve_forgets_ends_as_unknown(post: Post) -> None:
    await post.send("+79990000012")
    await post.run(12)
    post.network._calls.clear()
    call = await post.run(90)
    assert (call.state, call.outcome) == (State.ENDED, Outcome.PENDING)
