"""Exolve against its simulator: a message and its polls, redirects, trial accounts, and how strict the simulator is."""

import json
from typing import Any

import httpx
import pytest

from bot.call import Call
from bot.errors import Ambiguous, Refused, Unavailable, Unsupported
from bot.events import AnyEvent, Outcome, Requested, State
from bot.fold import fold
from bot.hooks import Reply, Request
from bot.orders import MessageOrder, NewTemplate
from bot.providers.exolve import Exolve
from bot.providers.exolve.answers import digits, moment
from bot.providers.exolve.simulator import ExolveExchange
from bot.simulator.clock import ManualClock
from bot.simulator.exchange import Delivery
from bot.simulator.network import Network

REDIRECT = "+79990000009"


class Line:
    """A provider and the simulated service behind it."""

    def __init__(self) -> None:
        self.clock = ManualClock()

        async def deliver(delivery: Delivery) -> Reply | None:
            raise AssertionError("Exolve tells nothing by itself")

        self.network = Network(self.clock, deliver)
        self.exchange = ExolveExchange(self.network, "http://callboard.example/hooks/exolve/secret")
        values = {"api_key": "KEY", "source": "+79990000090", "url": "https://provider.example"}
        http = httpx.AsyncClient(transport=httpx.MockTransport(self.answer))
        self.provider = Exolve("exolve", values, http, "RU")
        self.provider.clock = self.clock.now

    def answer(self, request: httpx.Request) -> httpx.Response:
        told = Request(
            request.method, request.url.path[1:], (), dict(request.headers), request.content, self.clock.now()
        )
        reply = self.exchange.serve(told)
        if reply is None:
            raise httpx.ReadTimeout("the simulated service never answers")
        return httpx.Response(reply.status, headers={"content-type": reply.content_type}, content=reply.body)

    async def send(self, number: str, template: str = "") -> Call:
        order = MessageOrder(
            call_id="call-1", number=number, template=template or (await self.provider.templates())[0].id
        )
        accepted = await self.provider.send_message(order)
        asked = Requested(at=self.clock.now(), rep="U1", rep_phone="", number=number, purpose="message")
        self.events: list[AnyEvent] = [asked, accepted]
        return self.call()

    async def wait(self, seconds: float) -> Call:
        """Time goes by, and Callboard asks once."""
        await self.clock.advance(seconds)
        self.events += await self.provider.call_state(self.call())
        return self.call()

    def call(self) -> Call:
        return fold("call-1", "exolve", {event.key: event for event in reversed(self.events)}.values())


@pytest.fixture
async def line() -> Any:
    line = Line()
    yield line
    await line.network.close()
    await line.provider.http.aclose()


async def test_what_it_said_in_place_of_a_call_is_told() -> None:
    """An error inside an HTTP 200 is not documented, so it is for the sender to say whether the phone rang."""
    answer = httpx.Response(200, json={"error": "Not enough money"})
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda request: answer)) as http:
        values = {"api_key": "KEY", "source": "+79990000090", "url": "https://exolve.example"}
        exolve = Exolve("exolve", values, http, "RU")
        with pytest.raises(Ambiguous, match=r"named no call; .* calling\. It said: Not enough money\.$"):
            await exolve.send_message(MessageOrder(call_id="c", number="+79990000001", template="t"))


@pytest.mark.parametrize("numeric", [False, True])
async def test_a_message_is_heard(line: Line, numeric: bool) -> None:
    line.exchange.numeric_ids = numeric
    assert (await line.send("+79990000001")).state is State.RINGING
    assert (await line.wait(2)).state is State.CONNECTING
    assert (await line.wait(4)).state is State.TALKING
    call = await line.wait(60)
    assert (call.state, call.outcome, call.played) == (State.ENDED, Outcome.ANSWERED, Outcome.ANSWERED)
    assert (call.ring_seconds, call.talk_seconds, call.number) == (5, 8, "+79990000001")
    assert await line.wait(60) == call


@pytest.mark.parametrize(
    ("ending", "outcome"),
    [("11", Outcome.BUSY), ("12", Outcome.NO_ANSWER), ("13", Outcome.REJECTED), ("15", Outcome.FAILED)],
)
async def test_a_message_is_not_heard(line: Line, ending: str, outcome: Outcome) -> None:
    await line.send(f"+799900000{ending}")
    call = await line.wait(120)
    assert (call.state, call.outcome, call.played) == (State.ENDED, outcome, None)


async def test_the_right_digit_puts_them_through(line: Line) -> None:
    new = NewTemplate(name="Call us", media="1967", redirect_digit=5, redirect_number=REDIRECT)
    created = await line.provider.create_template(new)
    assert (await line.provider.template(created)).redirect_number == REDIRECT
    await line.send("+79990000026", created)
    assert (await line.wait(120)).talk_seconds == 16  # six of listening, ten of talk
    await line.send("+79990000026")
    assert (await line.wait(120)).talk_seconds == 14


async def test_a_stored_message_comes_and_goes(line: Line) -> None:
    before = await line.provider.templates()
    created = await line.provider.create_template(NewTemplate(name="New", media="1979"))
    assert {template.id for template in await line.provider.templates()} == {created, *(one.id for one in before)}
    await line.provider.delete_template(created)
    assert await line.provider.templates() == before
    with pytest.raises(Refused, match="no such stored message"):
        await line.provider.template(created)
    with pytest.raises(Refused, match="no sound with that number"):
        await line.provider.create_template(NewTemplate(name="New", media="42"))


@pytest.mark.parametrize(
    "answer",
    [
        httpx.ReadTimeout("no answer"),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json={}),
        httpx.Response(502),
    ],
)
async def test_a_message_that_was_perhaps_stored_is_not_to_be_stored_again_unseen(answer: Any) -> None:
    def respond(request: httpx.Request) -> httpx.Response:
        if isinstance(answer, httpx.Response):
            return answer
        raise answer

    http = httpx.AsyncClient(transport=httpx.MockTransport(respond))
    provider = Exolve("exolve", {"api_key": "KEY", "url": "https://provider.example"}, http, "RU")
    with pytest.raises(Unavailable, match=r"Look whether the message is in its list first\.$"):
        await provider.create_template(NewTemplate(name="New", media="1967"))


async def test_what_became_of_a_message_is_not_told_once_it_is_deleted(line: Line) -> None:
    created = await line.provider.create_template(NewTemplate(name="New", media="1979"))
    call = await line.send("+79990000001", created)
    assert (await line.wait(2)).state is State.CONNECTING
    await line.provider.delete_template(created)
    assert await line.provider.call_state(call) == ()


async def test_a_trial_account_is_explained(line: Line) -> None:
    line.exchange.trial_number = "79990000002"
    with pytest.raises(Refused, match=r"own confirmed number\. This is a trial account"):
        await line.send("+79990000001")
    await line.send("+79990000002")


async def test_a_blocked_account_is_explained(line: Line) -> None:
    template = (await line.provider.templates())[0].id
    line.exchange.blocked = True
    with pytest.raises(Refused, match="not active or is blocked"):
        await line.send("+79990000001", template)


async def test_what_is_lacking_is_said_before_anything_is_sent(line: Line) -> None:
    with pytest.raises(Unsupported, match="stored messages, not texts"):
        await line.provider.send_message(MessageOrder(call_id="c", number="+79990000001"))
    line.provider.values["source"] = ""
    with pytest.raises(Unsupported, match="EXOLVE_SOURCE"):
        await line.send("+79990000001")
    with pytest.raises(Unsupported, match="names sounds by numbers"):
        await line.provider.create_template(NewTemplate(name="New", media="hello.wav"))


@pytest.mark.parametrize("page", ["<html><h1>Not Found</h1></html>", "404 page not found\n"])
async def test_a_web_server_that_knows_no_such_address_does_not_know_of_calls(page: str) -> None:
    """Else every message under way would be over as soon as a proxy has a bad minute."""
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(404, text=page))) as http:
        exolve = Exolve("exolve", {"api_key": "KEY", "url": "https://exolve.example"}, http, "RU")
        with pytest.raises(Refused, match=r"404.* Check EXOLVE_URL\.$"):
            await exolve.call_state(Call(id="call-1", account="exolve", refs=("cal-1",)))


async def test_what_may_be_wrong_in_an_order_is_said(line: Line) -> None:
    """Exolve says the same of every mistake: “Please enter valid parameter values”."""
    with pytest.raises(
        Refused, match=r"valid parameter values\. Check the recipient's number, .* message still exists\.$"
    ):
        await line.send("+79990000001", "gone")
    short = NewTemplate(name="New", media="1967", redirect_number="+7999")
    with pytest.raises(Refused, match=r"valid parameter values\. Check its name, .* 9 to 14 digits\.$"):
        await line.provider.create_template(short)


async def test_an_unclear_answer_is_not_repeated(line: Line) -> None:
    with pytest.raises(Ambiguous):
        await line.send("+79990000020")
    with pytest.raises(Ambiguous):
        await line.send("+79990000021")
    assert len(line.network.calls) == 1


async def test_an_unknown_call_is_no_event(line: Line) -> None:
    call = await line.send("+79990000001")
    line.network._calls.clear()
    assert await line.provider.call_state(call) == ()


def test_it_is_asked_after_five_seconds_and_then_ever_less_often() -> None:
    provider = Exolve("exolve", {}, httpx.AsyncClient(), "RU")
    waits = [provider.poll_after(asked) for asked in range(12)]
    assert (waits[0], waits[-1]) == (5, 30)
    assert waits == sorted(waits)
    assert sum(waits[:6]) > 60  # the time a message may ring


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("call/v1/MakeVoiceMessage", {}, 400),
        ("call/v1/MakeVoiceMessage", {"source": "79990000090", "destination": "79990000001"}, 400),
        ("call/v1/MakeVoiceMessage", {"source": "+79990000090", "destination": "79990000001", "service_id": "x"}, 400),
        ("call/v1/GetInfo", {"call_id": 5}, 400),
        ("call/v1/GetInfo", {"call_id": "x"}, 404),
        ("voice-message/v1/GetList", {"page": 1}, 400),
        ("voice-message/v1/GetList", [], 400),
        ("voice-message/v1/Create", {"name": "x", "media_id": "hello"}, 400),
        ("voice-message/v1/Create", {"name": "x", "media_id": 1967, "redirect_info": {"redirect_number": "7"}}, 400),
        (
            "voice-message/v1/Create",
            {"name": "x", "media_id": 1967, "redirect_info": {"redirect_number": "79990000009", "digit": 10}},
            400,
        ),
        ("voice-message/v1/Rename", {}, 404),
    ],
)
def test_the_simulator_refuses_what_the_page_does_not_show(path: str, body: Any, status: int) -> None:
    headers = {"authorization": "Bearer KEY", "content-type": "application/json"}
    reply = Line().exchange.serve(Request("POST", path, (), headers, json.dumps(body).encode(), 0))
    assert reply is not None
    assert reply.status == status


def test_the_simulator_takes_json_only() -> None:
    for media_type, status in (("application/json; charset=utf-8", 200), ("text/plain", 400), ("", 400)):
        headers = {"authorization": "Bearer KEY", "content-type": media_type}
        reply = Line().exchange.serve(Request("POST", "voice-message/v1/GetList", (), headers, b"{}", 0))
        assert reply is not None
        assert reply.status == status


@pytest.mark.parametrize(
    ("path", "key", "status", "words"),
    [
        *(("voice-message/v1/GetList", key, 400, "failed to parse token") for key in ("", "Bearer ", "Basic KEY")),
        *(("call/v1/GetInfo", key, 401, "malformed token") for key in ("", "Bearer ", "KEY", "Bearer OTHER")),
        ("voice-message/v1/GetList", "Bearer OTHER", 401, "error getting JWT Token claims"),
    ],
)
def test_the_simulator_wants_its_key(path: str, key: str, status: int, words: str) -> None:
    exchange = Line().exchange
    exchange.keys = {"KEY"}
    reply = exchange.serve(Request("POST", path, (), {"authorization": key}, b"{}", 0))
    assert reply is not None
    assert (reply.status, json.loads(reply.body)) == (status, {"error": words})


@pytest.mark.parametrize("content", ["", "[]", "null", "<html></html>", '{"voice_message_list": 7}'])
async def test_another_answer_is_not_taken_for_an_empty_list(content: str) -> None:
    http = httpx.AsyncClient(transport=httpx.MockTransport(lambda request: httpx.Response(200, text=content)))
    provider = Exolve("exolve", {"api_key": "KEY", "url": "https://provider.example"}, http, "RU")
    with pytest.raises(Unavailable, match=r"cannot be read|no list"):
        await provider.templates()


@pytest.mark.parametrize(
    ("status", "page", "words"),
    [
        (403, "<html><h1>Forbidden</h1></html>", "MTS Exolve refused: HTTP 403. Check EXOLVE_URL."),
        (404, "<html>Not Found</html>", "MTS Exolve refused: HTTP 404. Check EXOLVE_URL."),
        (302, "", "MTS Exolve refused: HTTP 302. Check EXOLVE_URL."),
        (401, "", "MTS Exolve refused: HTTP 401. Check EXOLVE_API_KEY."),
    ],
)
async def test_what_is_in_front_of_it_does_not_speak_for_it(status: int, page: str, words: str) -> None:
    answer = httpx.Response(status, text=page)
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda request: answer)) as http:
        exolve = Exolve("exolve", {"api_key": "KEY", "url": "https://exolve.example"}, http, "RU")
        with pytest.raises(Refused) as refusal:
            await exolve.check()
    assert str(refusal.value) == words


@pytest.mark.parametrize(
    ("written", "sent"), [("+79990000001", "79990000001"), ("8 (999) 000-00-01", "79990000001"), ("79990000001",) * 2]
)
def test_numbers_go_out_without_a_plus(written: str, sent: str) -> None:
    assert digits(written) == sent


@pytest.mark.parametrize("text", ["", "soon", None, 17, {}, "99999-01-01", "Wed, 99 Mar 2023 10:32:45 +0000"])
def test_a_date_that_is_none_is_not_told(text: object) -> None:
    assert moment(text) == 0


async def test_an_account_that_is_not_found_at_the_moment_is_told_in_its_words(line: Line) -> None:
    answer = httpx.Response(500, json={"error": "error getting customer status"})
    http = httpx.AsyncClient(transport=httpx.MockTransport(lambda request: answer))
    provider = Exolve("exolve", {"api_key": "KEY", "url": "https://provider.example"}, http, "RU")
    with pytest.raises(Unavailable, match=r"\(error getting customer status\). Try again in a minute.$"):
        await provider.templates()
    with pytest.raises(Unavailable, match="Look whether the message is in its list first"):
        await provider.create_template(NewTemplate(name="New", media="1967"))
