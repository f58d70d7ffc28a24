"""Voicenter beside its calls: messages and conferences, queues, presence, recordings."""

import asyncio
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import msgspec
import pytest

from bot.call import Call
from bot.errors import Refused, SettingsError, Unavailable, Unsupported
from bot.events import CUSTOMER, CdrReceived, Outcome, Requested, State
from bot.fold import fold
from bot.orders import ConferenceOrder, Extension, LogSearch, MessageOrder, RepPhone
from bot.polling import ABSENT_TWICE, Poll
from bot.providers.voicenter import Voicenter
from bot.providers.voicenter.simulator_records import LOGGED_AFTER_SECONDS
from bot.simulator.app import SimulatedAccount, SimulatedWorld
from bot.simulator.behaviours import IncomingKind
from bot.simulator.clock import RealClock
from tests.office import Office
from tests.voicenter_world import World, order, story

DAY = LogSearch(since=0, until=4_000_000_000)


async def test_everything_over_http(tmp_path: Path) -> None:
    hook = SimulatedAccount("voicenter", "http://callboard.example/hooks/voicenter/secret")
    webhooks = httpx.MockTransport(lambda request: httpx.Response(200))
    world = SimulatedWorld({"office": hook}, clock=RealClock(500), http=httpx.AsyncClient(transport=webhooks))
    base = "http://simulator.example/office"
    urls = dict.fromkeys(("click2call_url", "monitor_url", "log_url", "presence_url"), base)
    async with (
        asyncio.timeout(10),
        world.app.router.lifespan_context(world.app),
        httpx.AsyncClient(transport=httpx.ASGITransport(world.app)) as client,
    ):
        office = Voicenter("office", {"code": "CODE-SECRET", **urls}, client, "IL")
        await office.place_call(order(record=True))
        (call,) = world.network.calls
        while not call.over or world.network.clock.now() < call.history[-1].at + LOGGED_AFTER_SECONDS:
            await asyncio.sleep(0)
        await office.set_presence("12345", "1", "AAPINFzL")
        assert await office.queue_callers() == ()
        assert len(await office.extensions()) == 2
        found = await office.call_log(DAY)
        link = next(event.recording for event in found if isinstance(event, CdrReceived) and event.recording)
        assert link.startswith(base)
        assert await office.fetch_recording(link, tmp_path / "a.mp3", 1000) == "audio/mpeg"


# Messages and conferences


def single(here: World, purpose: Any) -> Call:
    began = Requested(at=0, rep="U1", rep_phone="", number="+972505550102", purpose=purpose)
    return fold("call-1", "office", [began, *here.told])


@pytest.mark.parametrize(
    ("number", "outcome", "talk"),
    [
        ("+972505550102", Outcome.ANSWERED, 8),
        ("+972505550112", Outcome.NO_ANSWER, 0),
        ("AAPINFzL", Outcome.ANSWERED, 8),
    ],
)
async def test_a_message_is_one_leg_however_it_is_called(number: str, outcome: Outcome, talk: int) -> None:
    here = World()
    here.told.append(await here.provider.send_message(MessageOrder(call_id="call-1", number=number, template="hello")))
    await here.clock.advance(3)
    here.told += await here.provider.active_calls()
    await here.clock.advance(60)
    done = single(here, "message")
    assert (done.state, done.outcome, done.talk_seconds) == (State.ENDED, outcome, talk)
    assert [leg.name for leg in done.legs] == [CUSTOMER]


async def test_a_message_takes_half_a_minute_unless_it_is_told_otherwise() -> None:
    here = World()
    for longest, talk in ((None, 8), (3, 3)):
        here.told = [
            await here.provider.send_message(
                MessageOrder(call_id="call-1", number="+972505550102", digits="42", max_seconds=longest)
            )
        ]
        await here.clock.advance(60)
        assert single(here, "message").talk_seconds == talk


async def test_a_message_without_anything_to_play_is_not_sent() -> None:
    here = World()
    with pytest.raises(Unsupported, match="nobody was called"):
        await here.provider.send_message(MessageOrder(call_id="call-1", number="+972505550102"))
    assert here.exchange.network.calls == ()


async def test_somebody_is_called_into_a_conference() -> None:
    here = World()
    order = ConferenceOrder(
        call_id="call-1", phone=RepPhone("extension", "AAPINFzL"), conference="4711", max_seconds=50
    )
    here.told.append(await here.provider.join_conference(order))
    await here.clock.advance(20)
    assert single(here, "conference").state is State.TALKING
    await here.clock.advance(60)
    done = single(here, "conference")
    assert (done.state, done.outcome, done.talk_seconds) == (State.ENDED, Outcome.ANSWERED, 50)


@pytest.mark.parametrize("kind", ["login", "trunk"])
async def test_only_numbers_and_extensions_come_into_conferences(kind: Any) -> None:
    here = World()
    with pytest.raises(Unsupported, match=f"cannot ring a {kind} for a conference"):
        await here.provider.join_conference(
            ConferenceOrder(call_id="call-1", phone=RepPhone(kind, "9996"), conference="4711")
        )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, "OK"),
        ({"pre_rec": "hello.wav"}, "Pre_rec is invalid"),
        ({"Dtmf": "1#"}, "Dtmf is invalid"),
        ({"maxduration": "half a minute"}, "Maxduration is invalid"),
        ({"targetmaxdialtime": "30"}, "Invalid request parameters targetmaxdialtime"),
        ({"var_deal": "7"}, "Invalid request parameters var_deal"),
        ({"phone": "SIPTRUNK"}, "Phone is invalid"),
        ({"phone": "OFFLINE1"}, "Extension representative offline"),
        ({"phone": "972505550119"}, "Application error"),
        ({"bbbcode": "1"}, "Invalid request parameters bbbcode"),
    ],
)
async def test_the_simulated_message_is_strict(change: dict[str, str], words: str) -> None:
    form = {"code": "x", "action": "message", "Phone": "972505550102", "format": "JSON"}
    form = {name: value for name, value in form.items() if name.lower() not in change} | change
    reply = World().ask("ForwardDialer/click2call.aspx", "POST", body=urlencode(form).encode())
    assert json.loads(reply.body)["ERRORMESSAGE"] == words


# Queues, extensions


@pytest.mark.parametrize(("goes", "waits"), [("abandoned", True), ("colleague", True), ("answered", False)])
async def test_who_waits_in_a_queue_is_not_gone(goes: IncomingKind, waits: bool) -> None:
    here = World()
    here.exchange.network.incoming(here.exchange, caller="+12025550131", did="+972505550100", kind=goes)
    await here.clock.advance(13.5)  # "colleague" rings nobody for a second now
    waiting = await here.provider.queue_callers()
    assert [(caller.queue, caller.number) for caller in waiting] == [("Service Queue", "+12025550131")] * waits
    (ref,) = {event.ref for event in await here.provider.active_calls()}
    assert ref == here.exchange.network.calls[0].id
    here.told = list(await here.provider.active_calls())
    assert here.call.state is (State.RINGING if waits else State.TALKING)
    await here.clock.advance(90)
    assert (here.call.state, here.call.live) == (State.ENDED, False)
    assert await here.provider.queue_callers() == ()


async def test_polling_does_not_end_a_call_between_two_extensions(desk: Office) -> None:
    here = World()
    desk.board.providers = {here.provider.account: here.provider}
    here.exchange.network.incoming(here.exchange, caller="+12025550131", did="+972505550100", kind="colleague")
    poll = Poll(desk.board)
    await here.clock.advance(2)
    await desk.board.ingest(here.provider.account, await here.provider.active_calls())
    await here.clock.advance(11.5)
    for _ in range(ABSENT_TWICE + 1):
        await poll()
    (call,) = await desk.calls()
    assert (call.state, call.queue) == (State.RINGING, "Service Queue")
    await here.clock.advance(90)
    for _ in range(ABSENT_TWICE):
        await poll()
    (call,) = await desk.calls()
    assert call.state is State.ENDED


async def test_the_accounts_below_are_listed_when_asked_for() -> None:
    here = World()
    own = await here.provider.extensions()
    desk = Extension(code="AAPINFzL", name="Dana Ort", speed_dial="301", owner="Sim", owner_id="1")
    desk = msgspec.structs.replace(desk, person="Dana Ort", device="Reachable")
    assert own[0] == desk
    await here.place()
    await here.clock.advance(2)
    assert (await here.provider.extensions())[0] == msgspec.structs.replace(desk, busy=True)
    assert len(await here.provider.extensions(everything=True)) == len(own) + 1


@pytest.mark.parametrize(
    ("path", "query", "error"),
    [
        ("comet/API/GetQueuesCallers", "code=x&queue=7", 0),
        ("comet/API/GetQueuesCallers", "", 1),
        ("comet/API/GetQueuesCallers", "code=x&colour=red", 2),
        ("comet/API/GetExtensionsCalls", "code=x&colour=red", 2),
        ("Comet/api/GetExtensions", "code=x&showAll=perhaps", 2),
        ("Comet/api/GetExtensions", "code=x&colour=red", 2),
    ],
)
async def test_the_simulated_monitor_is_strict(path: str, query: str, error: int) -> None:
    assert json.loads(World().ask(path, query=query).body)["ERR"] == error


@pytest.mark.parametrize(
    ("path", "ways"),
    [
        ("ForwardDialer/click2call.aspx", "GET POST"),
        ("comet/API/GetExtensionsCalls", "GET"),
        ("comet/API/GetQueuesCallers", "GET"),
        ("Comet/api/GetExtensions", "GET POST JSON"),
        ("UserLogin/SetStatusFromAPI", "GET POST JSON"),
    ],
)
async def test_only_the_documented_ways_to_ask(path: str, ways: str) -> None:
    here = World()
    told = {
        "GET": here.ask(path, query="code=x"),
        "POST": here.ask(path, "POST", body=b"code=x"),
        "JSON": here.ask(path, "POST", body=b'{"code": "x"}'),
        "PUT": here.ask(path, "PUT", body=b"code=x"),
    }
    assert " ".join(way for way, reply in told.items() if reply.status == 200) == ways
    assert {reply.status for reply in told.values()} == {200, 405}


# Presence


async def test_people_sign_in_pause_and_sign_out() -> None:
    here = World()
    for status in ("1", "3", "4", "5", "7", "9", "11", "12", "13", "1", "2"):
        await here.provider.set_presence("12345", status, "AAPINFzL")
        assert here.exchange.statuses == {"12345": status}
    assert here.exchange.signed_in == {}


@pytest.mark.parametrize(
    ("person", "status", "extension", "words"),
    [
        ("12345", "1", "", r"\(5\.1\): Please choose extension\. Link your extension first"),
        ("12345", "1", "ZZPINFzZ", r"\(5\.7\): Failed - Extension Monitor doesn't exist\. Check the extension"),
        ("12345", "3", "AAPINFzL", r"\(5\.3\): Not logged in\. Sign in first, with `/phone status available`"),
        ("12345", "1", "BBPINFzM", r"\(4\.4\): Extension is already in use\. Sign in to another"),
        ("67890", "1", "AAPINFzL", r"\(4\.5\): You're already logged in with a different extension\. Sign out first"),
        ("12345", "6", "AAPINFzL", r"\(3\): Missing parameters\. Check the extension"),
        ("Dana", "1", "AAPINFzL", r"\(2\): Authorization failed\. Check OFFICE_CODE, and the person's user id"),
    ],
)
async def test_why_a_status_is_not_set(person: str, status: str, extension: str, words: str) -> None:
    here = World()
    await here.provider.set_presence("67890", "1", "BBPINFzM")
    with pytest.raises(Refused, match=words):
        await here.provider.set_presence(person, status, extension)
    assert here.exchange.signed_in == {"67890": "BBPINFzM"}


def answering(reply: httpx.Response) -> Voicenter:
    here = World()
    here.provider.http = httpx.AsyncClient(transport=httpx.MockTransport(lambda request: reply))
    return here.provider


async def test_whoever_is_signed_out_already_is_signed_out() -> None:
    """An answer was lost, say: nothing is left to be done."""
    here = World()
    await here.provider.set_presence("12345", "2", "AAPINFzL")
    assert here.exchange.signed_in == {}


@pytest.mark.parametrize("told", [{"StatusError": "Status Changed"}, {"StatusErrorMessage": " status changed"}])
async def test_what_is_told_in_words_alone_is_understood(told: dict[str, str]) -> None:
    """The document calls StatusError a string."""
    await answering(httpx.Response(200, json={"Status": 4, **told})).set_presence("12345", "1", "AAPINFzL")
    reply = httpx.Response(200, json={"Status": 5, "StatusError": "Not logged in"})
    with pytest.raises(Refused, match=r"\(5\.3\): Not logged in\. Sign in first, with `/phone status available`"):
        await answering(reply).set_presence("12345", "3", "AAPINFzL")


async def test_words_that_are_none_of_the_documents_get_no_advice_of_others() -> None:
    reply = httpx.Response(200, json={"Status": 4, "StatusError": 4, "StatusErroMessage": "Internal error"})
    with pytest.raises(Refused, match=r"\(4\.4\): Internal error\. Look at the person and the extension"):
        await answering(reply).set_presence("12345", "3", "AAPINFzL")


async def test_a_web_servers_own_status_is_not_taken_for_voicenters() -> None:
    reply = httpx.Response(404, json={"type": "about:blank", "title": "Not Found", "status": 404})
    with pytest.raises(Refused, match=r"\(HTTP 404\): Not Found\. Check OFFICE_PRESENCE_URL\.$"):
        await answering(reply).set_presence("12345", "3", "AAPINFzL")


def test_an_account_has_its_own_names_for_statuses() -> None:
    assert World().provider.presence["3"] == "lunch"
    own = World(status_names="3=Coffee, 4 = Workshop,").provider.presence
    assert (own["3"], own["4"], own["1"]) == ("Coffee", "Workshop", "available")
    assert Voicenter.presence["3"] == "lunch"
    for wrong in ("8=Lunch", "3", "3=", "Lunch=3"):
        with pytest.raises(SettingsError, match=r"OFFICE_STATUS_NAMES has .*3=Coffee"):
            World(status_names=wrong)


# Recordings


async def test_a_recording_is_fetched_with_the_code_where_voicenter_itself_has_it(tmp_path: Path) -> None:
    here = World(click2call_url="https://voicenter.example")
    await story(here, record=True)
    link = here.call.recording
    assert await here.provider.fetch_recording(link, tmp_path / "a.mp3", 1000) == "audio/mpeg"
    assert (tmp_path / "a.mp3").read_bytes().startswith(b"ID3")
    with pytest.raises(Unavailable, match=r"429.*later"):
        await here.provider.fetch_recording(link, tmp_path / "a.mp3", 1000)


async def test_a_host_that_is_voicenters_after_all_can_be_named(tmp_path: Path) -> None:
    link = "https://another.s3.amazonaws.com/x.mp3"
    with pytest.raises(
        Refused, match=r"not fetched\. If it is, add another\.s3\.amazonaws\.com to OFFICE_RECORDING_HOSTS\.$"
    ):
        await World().provider.fetch_recording(link, tmp_path / "a.mp3", 1000)


@pytest.mark.parametrize(
    "link",
    [
        "http://192.0.2.7/x.mp3",
        "https://voicenter.co.il.example/x.mp3",
        "http://cpanel.voicenter.co.il/x.mp3",  # its control panel speaks https, and the code would be in the clear
        "https://another.s3.amazonaws.com/x.mp3",
        "ftp://api.voicenter.co.il/x.mp3",
        "http://[",
    ],
)
async def test_the_code_goes_nowhere_else(link: str, tmp_path: Path) -> None:
    here = World()
    sent: list[httpx.Request] = []

    def serve(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200)

    here.provider.http = httpx.AsyncClient(transport=httpx.MockTransport(serve))
    with pytest.raises(Refused):
        await here.provider.fetch_recording(link, tmp_path / "a.mp3", 1000)
    assert sent == []


async def test_a_storage_does_not_learn_the_code(tmp_path: Path) -> None:
    here = World(recording_hosts="storage.example, .voicenter.co.il")
    sent: list[httpx.Request] = []

    def serve(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, headers={"content-type": "audio/mpeg"}, content=b"ID3")

    here.provider.http = httpx.AsyncClient(transport=httpx.MockTransport(serve))
    await here.provider.fetch_recording("http://storage.example/x.mp3?a=1", tmp_path / "a.mp3", 1000)
    await here.provider.fetch_recording("https://cpanel.voicenter.co.il/x.mp3?a=1", tmp_path / "b.mp3", 1000)
    here.provider.values["recording_hosts"] = "cpanel.voicenter.co.il"  # an admin insists: still not in the clear
    await here.provider.fetch_recording("http://cpanel.voicenter.co.il/x.mp3", tmp_path / "c.mp3", 1000)
    # A host of the account itself, at an address that is not the account's: the code would be in the clear, too.
    await here.provider.fetch_recording("http://api.voicenter.co.il/x.mp3", tmp_path / "d.mp3", 1000)
    assert [str(request.url) for request in sent] == [
        "http://storage.example/x.mp3?a=1",
        "https://cpanel.voicenter.co.il/x.mp3?a=1&code=CODE-SECRET",
        "http://cpanel.voicenter.co.il/x.mp3",
        "http://api.voicenter.co.il/x.mp3",
    ]
