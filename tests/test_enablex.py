"""EnableX against its simulator: calls that we conduct, however they go; what may be done when; how strict it is."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.call import Call
from bot.errors import Ambiguous, CallboardError, Refused, Unavailable, Unsupported
from bot.events import (
    CUSTOMER,
    AnyEvent,
    Controlled,
    LegEnded,
    NotPlaced,
    Outcome,
    Requested,
    State,
)
from bot.fold import fold
from bot.hooks import Reply, Request
from bot.orders import CallOrder, MessageOrder, Prompt, RepPhone, Speech
from bot.providers.enablex import EnableX
from bot.providers.enablex.encryption import decrypted
from bot.providers.enablex.sealing import sealed
from bot.providers.enablex.simulator import EnableXExchange
from bot.simulator.clock import ManualClock
from bot.simulator.exchange import Delivery
from bot.simulator.network import Network

HOOK = "http://callboard.example/hooks/enablex/secret"
REP, LINE = "+12025550190", "+12025550100"


class Line:
    """A provider, the simulated service behind it, and somebody who does what `next_step` says, once each."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.events: list[AnyEvent] = []
        self.done: list[str] = []
        self.bodies: list[bytes] = []  # of webhooks
        self.network = Network(self.clock, self.deliver)
        self.exchange = EnableXExchange(self.network, HOOK)
        http = httpx.AsyncClient(transport=httpx.MockTransport(self.answer))
        self.provider = EnableX("enablex", {"app_id": "ID", "app_key": "KEY", "cli": LINE}, http, "US")
        self.provider.clock = self.clock.now
        self.provider.hook_url = HOOK

    async def deliver(self, delivery: Delivery) -> Reply | None:
        self.bodies.append(delivery.body)
        path = delivery.url.removeprefix(HOOK).strip("/")
        headers = {name.lower(): value for name, value in delivery.headers.items()}
        webhook = self.provider.read_webhook(Request("POST", path, (), headers, delivery.body, self.clock.now()))
        self.events += webhook.events
        await self.conduct()
        return webhook.reply

    def answer(self, request: httpx.Request) -> httpx.Response:
        told = Request(
            request.method, request.url.path[1:], (), dict(request.headers), request.content, self.clock.now()
        )
        reply = self.exchange.serve(told)
        if reply is None:
            raise httpx.ReadTimeout("the simulated service never answers")
        return httpx.Response(reply.status, headers={"content-type": reply.content_type}, content=reply.body)

    async def conduct(self) -> None:
        call = self.call()
        step = self.provider.next_step(call)
        if not step or step in self.done:
            return
        self.done.append(step)
        try:
            if step == "bridge":
                await self.provider.bridge(call, call.number)
            else:
                await self.provider.hang_up(call)
        except Ambiguous:
            pass  # the webhooks tell
        except CallboardError as error:
            at = self.clock.now()
            self.events += [
                LegEnded(ref=call.refs[0], at=at, leg=CUSTOMER, outcome=Outcome.FAILED),
                NotPlaced(at=at, outcome=Outcome.FAILED, words=str(error)),
            ]
            await self.conduct()

    async def dial(self, number: str, rep: str = REP, **more: Any) -> Call:
        self.events.append(Requested(at=self.clock.now(), rep="U1", rep_phone=rep, number=number, line=LINE, **more))
        order = CallOrder(call_id="call-1", rep=RepPhone("number", rep), number=number, caller_id=LINE, **more)
        self.events.append(await self.provider.place_call(order))
        return self.call()

    async def send(self, number: str, **more: Any) -> Call:
        self.events.append(
            Requested(at=self.clock.now(), rep="U1", rep_phone="", number=number, line=LINE, purpose="message")
        )
        more = more or {"template": "prompt"}
        self.events.append(await self.provider.send_message(MessageOrder(call_id="c", number=number, **more)))
        return self.call()

    async def wait(self, seconds: float) -> Call:
        await self.clock.advance(seconds)
        return self.call()

    def call(self) -> Call:
        return fold("call-1", "enablex", {event.key: event for event in reversed(self.events)}.values())

    @property
    def nothing_rings(self) -> bool:
        return not self.network.live_calls(self.exchange)


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    line = Line()
    yield line
    await line.network.close()
    await line.provider.http.aclose()


@pytest.fixture(params=[False, True], ids=["plain", "encrypted"])
async def any_line(line: Line, request: pytest.FixtureRequest) -> Line:
    line.exchange.secret = "ID" if request.param else ""
    return line


async def test_a_conducted_call_goes_through_every_state(any_line: Line) -> None:
    line = any_line
    assert (await line.dial("+12025550101")).state is State.RINGING
    states = []
    for _ in range(40):
        states.append((await line.wait(1)).state)
    assert list(dict.fromkeys(states)) == [State.RINGING, State.CONNECTING, State.TALKING, State.ENDED]
    call = line.call()
    assert (call.outcome, line.done, line.nothing_rings) == (Outcome.ANSWERED, ["bridge", "hang_up"], True)
    assert call.talk_seconds == pytest.approx(20, abs=1)


@pytest.mark.parametrize(
    ("number", "rep", "outcome"),
    [
        ("+12025550111", REP, Outcome.NO_ANSWER),  # its events do not tell busy from unanswered
        ("+12025550112", REP, Outcome.NO_ANSWER),
        ("+12025550113", REP, Outcome.NO_ANSWER),
        ("+12025550115", REP, Outcome.NO_ANSWER),
        ("+12025550118", REP, Outcome.ANSWERED),  # the rep hangs up first
        ("+12025550119", REP, Outcome.FAILED),  # the bridge is refused
        ("+12025550120", REP, Outcome.ANSWERED),  # the bridge is never answered, but made
        ("+12025550122", REP, Outcome.ANSWERED),  # events come twice
        ("+12025550101", "+12025550116", Outcome.REP_NO_ANSWER),
        ("+12025550101", "+12025550117", Outcome.REP_NO_ANSWER),
    ],
)
async def test_however_it_goes_nobody_is_left_ringing(line: Line, number: str, rep: str, outcome: Outcome) -> None:
    await line.dial(number, rep)
    call = await line.wait(120)
    assert (call.state, call.outcome) == (State.ENDED, outcome)
    assert line.nothing_rings
    assert line.done.count("bridge") <= 1


async def test_a_refused_bridge_is_told_in_its_own_words(line: Line) -> None:
    await line.dial("+12025550119")
    assert "Phone number not found for the service. The number that calls go out from" in (await line.wait(30)).words


async def test_an_unclear_bridge_leaves_the_rep_to_the_conductor(line: Line) -> None:
    """EnableX failed inside: no event will come, so `bot/conducting.py` finds nothing and lets the rep go."""
    await line.dial("+12025550121")
    call = await line.wait(30)
    assert (call.state, line.provider.next_step(call), line.done) == (State.CONNECTING, "bridge", ["bridge"])


@pytest.mark.parametrize(
    ("number", "more", "played", "heard"),
    [
        ("+12025550101", {"template": "prompt"}, Outcome.ANSWERED, ()),
        ("+12025550101", {"text": "Your parcel is here."}, Outcome.ANSWERED, ()),
        ("+12025550126", {"text": "Press a key.", "collect_digits": True}, Outcome.ANSWERED, ("5",)),
        ("+12025550101", {"text": "Press a key.", "collect_digits": True}, Outcome.NO_ANSWER, ()),
        ("+12025550127", {"text": "Is that right?", "recognise": True}, Outcome.ANSWERED, ("yes please",)),
        ("+12025550101", {"text": "Is that right?", "recognise": True}, Outcome.NO_ANSWER, ()),
    ],
)
async def test_a_message_is_heard_and_hung_up(
    line: Line, number: str, more: dict[str, Any], played: Outcome, heard: tuple[str, ...]
) -> None:
    await line.send(number, **more)
    call = await line.wait(60)
    assert (call.state, call.outcome, call.played, call.heard) == (State.ENDED, Outcome.ANSWERED, played, heard)
    assert (line.done, line.nothing_rings) == (["hang_up"], True)


async def test_a_mailbox_hears_the_message_too(line: Line) -> None:
    await line.send("+12025550114")
    call = await line.wait(60)
    assert (call.outcome, call.played, line.nothing_rings) == (Outcome.VOICEMAIL, Outcome.ANSWERED, True)


@pytest.mark.parametrize("number", ["+12025550111", "+12025550112", "+12025550113"])
async def test_a_message_that_nobody_hears(line: Line, number: str) -> None:
    await line.send(number)
    call = await line.wait(60)
    assert (call.outcome, call.played, line.nothing_rings) == (Outcome.NO_ANSWER, None, True)


async def test_an_incoming_call_is_accepted_and_bridged(line: Line) -> None:
    line.network.incoming(line.exchange, caller="+12025550131", did=LINE, kind="missed")
    call = await line.wait(2)
    assert (call.direction, call.state, call.number, call.line) == ("in", State.RINGING, "+12025550131", LINE)
    assert line.provider.controls(call) == {"accept", "decline", "play"}
    await line.provider.accept(call)
    await line.provider.bridge(call, REP)
    assert (await line.wait(3)).state is State.RINGING
    call = await line.wait(4)
    assert (call.state, call.extension) == (State.TALKING, REP)
    call = await line.wait(60)
    assert (call.conversation, line.nothing_rings) == (True, True)
    with pytest.raises(Refused):
        await line.provider.accept(call)


@pytest.mark.parametrize(
    ("caller", "listens", "heard", "played"),
    [
        ("+12025550126", "keys", ("5",), Outcome.ANSWERED),
        ("+12025550127", "words", ("yes please",), Outcome.ANSWERED),
        ("+12025550131", "keys", (), Outcome.NO_ANSWER),
    ],
)
async def test_a_waiting_caller_is_asked_and_answers(
    line: Line, caller: str, listens: str, heard: tuple[str, ...], played: Outcome
) -> None:
    line.network.incoming(line.exchange, caller=caller, did=LINE, kind="missed")
    call = await line.wait(2)
    speech = Speech(text="Which department?")
    question = Prompt(speech=speech, collect_digits=listens == "keys", recognise=listens == "words")
    await line.provider.play(call, question)
    with pytest.raises(Refused, match="Another message is being played"):
        await line.provider.play(call, question)
    call = await line.wait(30)
    assert (call.heard, call.played, call.state) == (heard, played, State.RINGING)
    await line.provider.play(call, Prompt(speech=Speech(text="Somebody will be with you.")))  # the first is over


async def test_an_incoming_call_that_nobody_of_ours_takes_is_missed(line: Line) -> None:
    line.network.incoming(line.exchange, caller="+12025550131", did=LINE, kind="missed")
    call = await line.wait(2)
    await line.provider.accept(call)
    await line.provider.bridge(call, "+12025550112")
    call = await line.wait(60)
    assert (call.missed, line.nothing_rings, line.done) == (True, True, ["hang_up"])


async def test_an_incoming_call_is_declined(line: Line) -> None:
    line.network.incoming(line.exchange, caller="+12025550131", did=LINE, kind="missed")
    await line.provider.decline(await line.wait(2))
    call = await line.wait(1)
    assert (call.missed, line.nothing_rings) == (True, True)


async def test_what_may_be_done_follows_the_states(line: Line, tmp_path: Path) -> None:
    provider = line.provider
    await line.dial("+12025550101")
    assert provider.controls(line.call()) == {"hang_up"}
    call = await line.wait(6)
    for refused in (provider.hold, provider.start_recording):
        with pytest.raises(Refused, match="not bridged yet"):
            await refused(call)
    call = await line.wait(5)
    assert provider.controls(call) == {"hang_up", "hold", "transfer", "forward", "start_recording"}
    with pytest.raises(Refused, match="before the second party"):
        await provider.play(call, Prompt(speech=Speech(media="prompt")))
    await provider.hold(call)
    line.events.append(Controlled(at=line.clock.now(), by="U1", action="hold"))
    assert "resume" in provider.controls(line.call())
    await provider.resume(call)
    await provider.start_recording(call, "one")
    assert await provider.start_recording(call) == ()
    call = await line.wait(1)
    assert call.recording_on
    assert "stop_recording" in provider.controls(call)
    await provider.stop_recording(call)
    call = await line.wait(1)
    assert (call.recording_on, call.recording[:4]) == (False, "rec-")
    assert await provider.fetch_recording(call.recording, tmp_path / "talk.wav", 100_000) == "audio/wav"
    assert (tmp_path / "talk.wav").read_bytes().startswith(b"RIFF")
    await provider.transfer(call, "+12025550177")
    await provider.forward(call, "+12025550178")
    await provider.hang_up(call)
    await provider.hang_up(call)  # gone already: nothing to complain about
    call = await line.wait(1)
    assert (call.conversation, provider.controls(call)) == (True, frozenset())


async def test_a_recorded_call_has_its_recording(line: Line) -> None:
    await line.dial("+12025550101", record=True)
    assert (await line.wait(12)).recording_on
    assert (await line.wait(60)).recording.startswith("rec-")


async def test_recordings_are_named_where_the_settings_say_how(line: Line) -> None:
    line.provider.values["recording_name"] = "Callboard"
    await line.dial("+12025550101")
    call = await line.wait(11)
    await line.provider.start_recording(call)
    await line.provider.stop_recording(call)
    await line.wait(1)
    await line.provider.start_recording(call)  # a name that is there already would be refused
    names = [name for name in line.exchange._names if name]
    assert len(names) == 2
    assert all(re.fullmatch(r"Callboard_[0-9]{8}T[0-9]{6}_call-1", name) for name in names)


async def test_lost_webhooks_are_made_up_for_by_asking(line: Line) -> None:
    await line.dial("+12025550101")
    line.exchange.webhooks = lambda call, step: ()  # type: ignore[method-assign]  # the service falls silent
    call = await line.wait(6)
    line.events += await line.provider.call_state(call)
    await line.conduct()
    assert line.done == ["bridge"]
    await line.wait(60)
    line.network.hang_up(line.network.calls[0])
    await line.wait(1)
    assert await line.provider.call_state(line.call()) == ()


@pytest.mark.parametrize(
    ("verb", "path", "body", "status", "result"),
    [
        ("POST", "call", {"from": "12025550100"}, 400, 400),
        ("POST", "call", {"from": "12025550100", "to": "+12025550101"}, 400, 400),
        ("POST", "call", {"from": "12025550100", "to": "12025550101", "record": True}, 400, 400),
        ("POST", "call", {"from": "", "to": "12025550101"}, 400, 400),
        (
            "POST",
            "call",
            {"from": "12025550100", "to": "12025550101", "action_on_connect": {"play": {"text": "Hi", "voice": "x"}}},
            400,
            400,
        ),
        (
            "POST",
            "call",
            {
                "from": "12025550100",
                "to": "12025550101",
                "action_on_connect": {"play": {"prompt_name": "hello"}, "start_timeout": 11},
            },
            400,
            400,
        ),
        ("PUT", "call/none/connect", {"from": "12025550100", "to": "12025550101"}, 404, "404"),
        ("PUT", "call/none/recording", {"start": True, "stop": True}, 400, "400"),
        ("PUT", "call/none/hold", {"hold": "yes"}, 400, 400),
        ("GET", "recording/none", None, 404, 404),
        ("PUT", "call/none/transfer", {"from": "12025550100", "transfer_to": "12025550101"}, 404, 404),
        ("GET", "call/none", None, 400, "400"),
        ("DELETE", "call/none", None, 400, "400"),
    ],
)
@pytest.mark.parametrize("prefix", ["voice/v1", "v1"])
def test_the_simulator_refuses_what_the_pages_do_not_show(
    prefix: str, verb: str, path: str, body: Any, status: int, result: int | str
) -> None:
    headers = {"authorization": "Basic SUQ6S0VZ", "content-type": "application/json"}
    request = Request(verb, f"{prefix}/{path}/", (), headers, json.dumps(body).encode(), 0)
    reply = Line().exchange.serve(request)
    assert reply is not None
    assert (reply.status, json.loads(reply.body)["result"]) == (status, result)


async def test_the_simulator_spells_as_the_pages_do(line: Line) -> None:
    call = await line.dial("+12025550101")
    headers = {"authorization": "Basic SUQ6S0VZ", "content-type": "application/json"}

    def told(path: str, **body: Any) -> set[str]:
        order = Request("PUT", f"voice/v1/call{path}", (), headers, json.dumps(body).encode(), 0)
        reply = line.exchange.serve(order)
        assert reply is not None
        return set(json.loads(reply.body))

    refusal = told(f"/{call.refs[0]}/transfer", **{"from": "12025550100", "transfer_to": "12025550102"})
    assert refusal == {"status", "msg", "timestamp"}
    await line.wait(20)
    recorded = told(f"/{call.refs[0]}/recording", start=True)
    assert recorded == {"voice_id", "from", "to", "recording_id", "status", "timeStamp"}
    await line.wait(60)
    events = {event["state"]: set(event) for event in map(json.loads, line.bodies)}
    assert events["connected"] == {"voice_id", "from", "to", "owner_ref", "state", "timestamp"}
    assert events["bridged"] == {"voice_Id", "from", "to", "owner_ref", "state", "timestamp"}
    assert events["started"] == {"voice_id", "recording_id", "owner_ref", "state", "msg", "timestamp"}


async def test_the_failures_of_the_pages(line: Line) -> None:
    line.exchange.fails = {"6107", "6119", "recording"}
    await line.dial("+12025550101")
    await line.wait(2)
    call = await line.wait(3)
    with pytest.raises(Refused, match="text to speech"):
        await line.provider.play(call, Prompt(speech=Speech(text="Please wait.")))
    call = await line.wait(10)
    with pytest.raises(Refused, match="Failed to start recording"):
        await line.provider.start_recording(call)
    line.exchange.fails -= {"6119"}
    line.events += await line.provider.start_recording(call)
    await line.wait(1)
    await line.provider.stop_recording(call)
    call = await line.wait(1)
    assert (call.recording_on, call.recordings) == (False, ())


KEYS = "Check ENABLEX_APP_ID and ENABLEX_APP_KEY, and the project in EnableX's portal."
PAGE = "<html><h1>Not here</h1></html>"


@pytest.mark.parametrize(
    ("operation", "status", "told", "advice"),
    [
        ("dial", 401, {"status": "error", "error_code": "UNAUTHORIZED", "message": "Unauthorized"}, KEYS),
        ("dial", 403, {"status": "error", "error_code": "PROJECT_SUSPENDED", "message": "Suspended"}, KEYS),
        ("dial", 403, PAGE, KEYS),
        ("dial", 404, PAGE, "Check ENABLEX_URL."),
        ("dial", 302, "", "Check ENABLEX_URL."),
        ("hang_up", 404, PAGE, "Check ENABLEX_URL."),
        (
            "play",
            503,
            {"state": "failed", "result": 6107, "msg": "No"},
            "Try again in a minute, or play a stored prompt.",
        ),
        ("play", 400, {"status": "failed", "result": 400, "msg": "Media Request Failed"}, "Check the prompt's name."),
        (
            "start_recording",
            500,
            {"status": "failed", "result": "6119", "msg": "Failed to start recording on bridge"},
            "Try again in a moment; there may be a recording of that name already.",
        ),
        ("start_recording", 500, {"status": "failed", "result": 500, "msg": "No"}, "Try again in a minute."),
    ],
)
async def test_every_refusal_says_what_to_do(
    line: Line, operation: str, status: int, told: dict[str, Any] | str, advice: str
) -> None:
    content = told if isinstance(told, str) else json.dumps(told)
    call, acts = Call(id="call-1", account="enablex", refs=("v-1",)), line.provider
    async with httpx.AsyncClient(
        transport=httpx.MockTransport(lambda _: httpx.Response(status, content=content))
    ) as http:
        acts.http = http
        order = CallOrder(call_id="call-1", rep=RepPhone("number", REP), number="+12025550101")
        given = {"dial": (order,), "play": (call, Prompt(speech=Speech(text="Hello")))}.get(operation, (call,))
        with pytest.raises(Refused) as caught:
            await getattr(acts, "place_call" if operation == "dial" else operation)(*given)
    assert str(caught.value).endswith(f". {advice}")
    assert str(caught.value).count("Check") <= 1


async def test_a_number_without_a_service_is_explained(line: Line) -> None:
    line.exchange.fails = {"6110"}
    await line.dial("+12025550101")
    call = await line.wait(10)
    assert (call.outcome, call.words) == (
        Outcome.FAILED,
        "EnableX refused: Application Not Found. The number has no voice service at EnableX: set one up in its portal.",
    )


@pytest.mark.parametrize(
    ("fails", "order", "outcome"),
    [
        ("play", {"template": "prompt"}, Outcome.FAILED),
        ("speech", {"text": "Yes or no?", "recognise": True}, Outcome.NO_ANSWER),
    ],
)
async def test_a_message_that_came_to_nothing(line: Line, fails: str, order: dict[str, Any], outcome: Outcome) -> None:
    line.exchange.fails = {fails}
    await line.send("+12025550127", **order)
    call = await line.wait(60)
    assert (call.played, call.heard, line.done) == (outcome, (), ["hang_up"])


@pytest.mark.parametrize("key", ["", "Basic ", "Basic SUQ6", "Bearer SUQ6S0VZ", "Basic ~~~"])
def test_the_simulator_wants_credentials(key: str) -> None:
    reply = Line().exchange.serve(Request("GET", "voice/v1/call/x", (), {"authorization": key}, b"", 0))
    assert reply is not None
    assert reply.status == 401


async def test_a_number_that_is_not_provisioned_is_refused(line: Line) -> None:
    line.exchange.cli = "12025550109"
    with pytest.raises(Refused, match="Phone number not found for the service"):
        await line.dial("+12025550101")


@pytest.mark.parametrize(("headers", "seconds"), [({"retry-after": "20"}, 20), ({}, 60)])
async def test_a_limit_is_waited_out_by_questions(line: Line, headers: dict[str, str], seconds: int) -> None:
    call = await line.dial("+12025550101")
    http, asked = line.provider.http, 0

    def busy(request: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        return httpx.Response(429, headers=headers, json={"error_code": "RATE_LIMITED", "message": "Too many requests"})

    line.provider.http = httpx.AsyncClient(transport=httpx.MockTransport(busy))
    with pytest.raises(Unavailable, match="Too many requests"):
        await line.provider.bridge(call, call.number)
    for _ in range(3):
        with pytest.raises(Unavailable):
            await line.provider.call_state(call)
    assert asked == 1
    await line.provider.http.aclose()
    line.provider.http = http
    await line.clock.advance(seconds + 1)
    await line.provider.call_state(call)


async def test_what_cannot_be_said_is_refused_before_anything_is_sent(line: Line) -> None:
    for more in ({}, {"text": "a", "template": "b"}, {"text": "a", "recognise": True, "answer_seconds": 11}):
        with pytest.raises(Unsupported):
            await line.provider.send_message(MessageOrder(call_id="c", number="+12025550101", **more))
    with pytest.raises(Unsupported, match="its own music"):
        await line.provider.hold(await line.dial("+12025550101"), Speech(text="Please wait."))
    line.provider.values["cli"] = ""
    with pytest.raises(Unsupported, match="ENABLEX_CLI"):
        await line.send("+12025550101")


@pytest.mark.parametrize("encoding", ["hex", "HEX "])
def test_what_is_sealed_is_opened(encoding: str) -> None:
    assert decrypted(sealed(b'{"a": 1}', "ID"), "AES-256-CBC", encoding, "ID") == b'{"a": 1}'


async def told(line: Line, *states: str, **more: str) -> Call:
    """Events of a call that another program of the project has placed: they come to the project's own address."""
    for state in states:
        await line.clock.advance(5)
        event = {"voice_id": "v-9", "state": state, "from": "12025550100", "to": "12025550101"} | more
        request = Request("POST", "", (), {}, json.dumps(event).encode(), line.clock.now())
        line.events += line.provider.read_webhook(request).events
    return fold("call-9", "enablex", {event.key: event for event in reversed(line.events)}.values())


async def test_a_call_that_another_program_places_is_no_caller(line: Line) -> None:
    """Our own number would wait to be called back."""
    call = await told(line, "ringing")
    assert (call.direction, call.number, call.line) == ("out", "+12025550101", LINE)
    assert line.provider.next_step(call) == ""
    call = await told(line, "connected")
    await line.clock.advance(60)
    answer = httpx.Response(200, json={"voice_id": "v-9", "state": "connected"})
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: answer)) as http:
        line.provider.http = http
        line.events += await line.provider.call_state(call)
    call = await told(line)
    assert ([leg.name for leg in call.legs], call.played, call.state) == ([CUSTOMER], None, State.TALKING)
    call = await told(line, "bridged", to="12025550155")
    assert (call.number, call.direction) == ("+12025550101", "out")
    call = await told(line, "Disconnected", **{"from": "", "to": ""})
    assert (call.state, call.outcome, call.unanswered) == (State.ENDED, Outcome.ANSWERED, False)


async def test_nor_one_that_it_places_in_vain(line: Line) -> None:
    call = await told(line, "ringing", "disconnected")
    assert (call.direction, call.state, call.outcome) == ("out", State.ENDED, Outcome.NO_ANSWER)
    assert not call.unanswered


async def test_whoever_calls_our_number_calls(line: Line) -> None:
    assert (await told(line, "incomingcall", to="12025550100")).direction == "in"
    line.events.clear()
    assert (await told(line, "connected", **{"from": "12025550101", "to": "12025550100"})).direction == "in"
    line.events.clear()
    line.provider.values["cli"] = ""
    assert (await told(line, "connected")).direction == "in"  # nobody can say whose number that is
