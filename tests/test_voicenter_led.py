"""Voicenter's simulator leads callers by what the bot answers, and its campaigns dial: told by it, read by us."""

import json
import threading
from typing import Any

import pytest
from typing_extensions import override

from bot.call import Call
from bot.decide import decide, local
from bot.errors import Ambiguous, Refused
from bot.events import Outcome, State
from bot.fold import fold
from bot.hooks import Answer, Reply, Webhook
from bot.orders import CampaignCall, IvrSettings, Strategy
from bot.providers.voicenter.fields import phone
from bot.providers.voicenter.simulator_dialer import PARAMETERS
from bot.providers.voicenter.simulator_ivr import ivr_faults, layer_faults
from tests.flows import flows
from tests.voicenter_world import World

DID, CALLER = "+972505550100", "+12025550131"
FLOW = """
[[flow]]
start = "hello"
[flow.steps.hello]
do = "menu"
sound = "welcome"
choices = {1="sales", 2="far", 3="code", 4="later", 5="own", 6="bye", 7="busy", 8="end"}
[flow.steps.sales]
do = "dial"
targets = ["AAPINFzL"]
[flow.steps.far]
do = "dial"
targets = ["+12025550112", "+12025550111", "BBPINFzM"]
ring_seconds = 10
[flow.steps.busy]
do = "dial"
targets = ["+12025550111"]
if_failed = "hello"
[flow.steps.code]
do = "say_digits"
say = "0405"
choices = { "1" = "sales" }
[flow.steps.later]
do = "record"
[flow.steps.own]
do = "go_to"
layer = "7"
[flow.steps.bye]
do = "hang_up"
cause = 17
[flow.steps.end]
do = "hang_up"
sound = "opening_hours"
"""
LAYERS = """
[[flow]]
start = "8"
[flow.steps.8]
do = "menu"
sound = ""
choices = { "1" = "sales", "2" = "9", "3" = "10", "4" = "own" }
[flow.steps.sales]
do = "dial"
targets = ["+12025550111", "AAPINFzL"]
[flow.steps.9]
do = "menu"
sound = ""
choices = { "1" = "busy" }
[flow.steps.busy]
do = "dial"
targets = ["+12025550111"]
next_layer = "7"
[flow.steps.10]
do = "say_digits"
say = "0405"
choices = { "1" = "9" }
[flow.steps.own]
do = "go_to"
layer = "7"
variables = { lead = "42" }
"""


class Led(World):
    """Callers are led by flows; `answer` is given instead of every step, or with `silent` none at all."""

    def __init__(self, flow: str = FLOW) -> None:
        super().__init__()
        self.flows = flows(flow)
        self.answer: Reply | None = None
        self.silent = False

    @override
    def answered(self, webhook: Webhook) -> Reply | None:
        question = webhook.question
        if question is None or question.asks == "who":
            return webhook.reply
        self.asked.append(f"{question.step}:{question.digits}")
        if self.answer is not None or self.silent:
            return self.answer
        step = decide(question, self.flows, local(self.clock.now(), "UTC"))
        return self.provider.write_answer(question, Answer(step=step))

    async def call_in(self, kind: Any, *keys: str, caller: str = CALLER) -> Call:
        self.exchange.network.incoming(self.exchange, caller=caller, did=DID, kind=kind, keys=keys)
        await self.clock.advance(120)
        return self.call


@pytest.mark.parametrize("in_xml", [False, True])
@pytest.mark.parametrize(
    ("keys", "asked", "outcome", "person"),
    [
        (["1"], [":", "hello:1"], Outcome.ANSWERED, "Dana Ort"),
        (["2"], [":", "hello:2", "far:", "far:"], Outcome.ANSWERED, "Walter Melon"),
        (["3", "1"], [":", "hello:3", "code:1"], Outcome.ANSWERED, "Dana Ort"),
        (["4"], [":", "hello:4"], Outcome.VOICEMAIL, ""),
        (["5"], [":", "hello:5"], Outcome.ANSWERED, "Dana Ort"),
        (["6"], [":", "hello:6"], Outcome.BUSY, ""),
        (["8"], [":", "hello:8"], Outcome.ANNOUNCEMENT, ""),  # as it is set up: nobody need be called back
        (["7", "1"], [":", "hello:7", "hello:1"], Outcome.ANSWERED, "Dana Ort"),
        (["7"], [":", "hello:7"], Outcome.ABANDONED, ""),  # busy, the menu is played again, they hang up
        (["3"], [":", "hello:3"], Outcome.ABANDONED, ""),
    ],
)
async def test_a_caller_is_led_through_the_ivr(
    keys: list[str], asked: list[str], outcome: Outcome, person: str, in_xml: bool
) -> None:
    here = Led()
    here.exchange.ivr_format = "xml" if in_xml else "json"
    done = await here.call_in("ivr", *keys)
    assert here.exchange.refused == []
    assert here.asked == asked
    assert (done.state, done.outcome, done.person) == (State.ENDED, outcome, person)
    assert (done.direction, done.number, done.line) == ("in", CALLER, DID)
    assert len(done.refs) == 1
    assert done.talk_seconds == (20 if outcome is Outcome.ANSWERED else 0)


@pytest.mark.parametrize(
    ("keys", "asked", "outcome", "person"),
    [
        (["1"], ["8:1"], Outcome.ANSWERED, "Dana Ort"),
        (["2", "1"], ["8:2", "9:1"], Outcome.ANSWERED, "Dana Ort"),  # busy, then a layer of Voicenter's own
        (["3", "1", "1"], ["8:3", "10:1", "9:1"], Outcome.ANSWERED, "Dana Ort"),
        (["4"], ["8:4"], Outcome.ANSWERED, "Dana Ort"),
        (["", "1"], ["8:0"], Outcome.ANSWERED, "Dana Ort"),  # nothing keyed arrives as 0, which no choice names
    ],
)
async def test_a_caller_is_led_through_layers(keys: list[str], asked: list[str], outcome: Outcome, person: str) -> None:
    here = Led(LAYERS)
    done = await here.call_in("layer", *keys)
    assert here.exchange.refused == []
    assert here.asked == asked
    assert (done.state, done.outcome, done.person) == (State.ENDED, outcome, person)


async def test_a_caller_who_withholds_the_number_is_led_like_others() -> None:
    here = Led()
    done = await here.call_in("ivr", "1", caller="anonymous")
    assert here.exchange.refused == []
    assert (done.state, done.outcome, done.number) == (State.ENDED, Outcome.ANSWERED, "")


async def test_the_default_of_the_ivr_is_an_error_that_ends_the_call() -> None:
    here = Led()
    done = await here.call_in("ivr", "9")
    assert here.exchange.refused == []
    assert (done.state, done.outcome) == (State.ENDED, Outcome.FAILED)


@pytest.mark.parametrize(
    ("kind", "body", "fault"),
    [
        ("ivr", b"<html>", "no object"),
        ("ivr", b"[]", "no object"),
        ("ivr", json.dumps({"STATUS": 0, "ACTION": "MENU", "LANGUAGE": "HE", "DATA": {}}).encode(), "REC is missing"),
        ("layer", b'{"STATUS": 0, "ACTION": "FLY"}', "ACTION is 'FLY'"),
    ],
)
async def test_what_the_document_does_not_allow_is_refused_and_reported(kind: Any, body: bytes, fault: str) -> None:
    here = Led()
    here.answer = Reply(200, body)
    done = await here.call_in(kind, "1")
    assert done.state is State.ENDED
    (told,) = here.exchange.refused
    assert fault in told


async def test_an_answer_that_is_an_error_page_is_reported() -> None:
    here = Led()
    here.answer = Reply(500, b"")
    assert (await here.call_in("ivr")).outcome is Outcome.FAILED
    assert here.exchange.refused[0].endswith("HTTP 500")


async def test_no_answer_is_reported_and_a_layer_falls_back() -> None:
    here = Led(LAYERS)
    here.silent = True
    done = await here.call_in("layer", "1")
    assert (done.outcome, done.person) == (Outcome.ANSWERED, "Dana Ort")
    assert here.exchange.refused[0].endswith("no answer within 5 s")


HANG_UP = {"STATUS": 0, "ACTION": "HANGUP", "LANGUAGE": "HE", "DATA": {"HANGUP_CAUSE": 16}}
CALL = {"TARGET": "1", "CALLERID": "1", "CALLERNAME": "", "CALL_MAX_DIAL": 1, "CALL_MAX": 1, "REC_STATUS": 0}


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"STATUS": "0"}, "STATUS is '0'"),
        ({"LANGUAGE": "he"}, "LANGUAGE is 'he'"),
        ({"DATA ": {}}, "DATA  is not in the document"),
        ({"ACTION": "hangup"}, "ACTION is 'hangup'"),
        ({"DATA": {"HANGUP_CAUSE": 99}}, "HANGUP_CAUSE is 99"),
        ({"DATA": {"HANGUP_CAUSE": "16"}}, "HANGUP_CAUSE is '16'"),
        ({"ACTION": "CALL", "DATA": CALL | {"TARGET": "+1"}}, "TARGET is '+1'"),
        ({"ACTION": "CALL", "DATA": CALL | {"CALL_MAX": -1}}, "CALL_MAX is negative"),
        ({"ACTION": "CALL", "DATA": CALL | {"CALLERID": ""}}, "CALLERID is empty"),
    ],
)
def test_the_simulated_ivr_is_strict(change: dict[str, Any], fault: str) -> None:
    assert ivr_faults(HANG_UP, in_xml=False) == []
    assert fault in ivr_faults(HANG_UP | change, in_xml=False)


GO = {"STATUS": 0, "ACTION": "GO_TO_LAYER", "LAYER": 22, "CALLER_NAME": "", "CUSTOM_DATA": {}}
DIAL = {"STATUS": 0, "ACTION": "DIAL", "TARGETS": [{"TARGET": "AAPINFzL", "TYPE": "EXTENSION"}], "CUSTOM_DATA": {}}


@pytest.mark.parametrize(
    ("told", "fault"),
    [
        (GO | {"LAYER": "22"}, "LAYER is '22'"),
        (GO | {"LAYER ": 22}, "LAYER  is not in the document"),
        (GO | {"CUSTOM_DATA": {"a": "x" * 129}}, "a is no text of at most 128 characters"),
        (DIAL | {"TARGETS": [{"TARGET": "AAPINFzL", "TYPE": "PHONE"}]}, "a target is"),
        (DIAL | {"RECORDING": "maybe"}, "RECORDING or LANGUAGE is another word"),
    ],
)
def test_the_simulated_layer_is_strict(told: dict[str, Any], fault: str) -> None:
    assert layer_faults(GO) == layer_faults(DIAL) == layer_faults({"STATUS": 1}) == []
    assert any(found.startswith(fault) for found in layer_faults(told))


# Campaigns


async def test_a_started_campaign_dials_and_its_records_come_by_webhook() -> None:
    here = Led()
    first, second, _ = await here.provider.campaigns()
    assert [(one.name, one.state) for one in (first, second)] == [
        ("Morning messages", "stopped"), ("Campaign leads", "running"),
    ]  # fmt: skip
    code = first.code
    at = here.clock.now() + 600
    await here.provider.add_campaign_call(code, CampaignCall(number="+12025550101", name="Noa", priority=1))
    await here.provider.add_campaign_call(code, CampaignCall(number="+12025550111", priority=9, variables={"a": "b"}))
    await here.provider.add_campaign_call(code, CampaignCall(number="+12025550103", at=at, caller_id="anonymous"))
    await here.provider.update_campaign_call(code, CampaignCall(number="+12025550101", name="Noa Green"))
    details = await here.provider.campaign(code)
    assert (details.pending, details.max_priority, details.min_priority) == (3, 9, 0)
    waiting = await here.provider.campaign_calls(code)
    assert [(call.number, call.name, call.priority, call.at, call.caller_id) for call in waiting] == [
        ("+12025550101", "Noa Green", 1, None, ""),
        ("+12025550111", "", 9, None, ""),
        ("+12025550103", "", 0, at, "anonymous"),
    ]
    await here.clock.advance(60)
    assert here.told == []  # nothing is dialled before it is started
    assert await here.provider.remove_campaign_member(code, "BBPINFzM") == 1
    await here.provider.start_campaign(code)
    await here.clock.advance(200)
    assert [call.number for call in await here.provider.campaign_calls(code)] == ["+12025550103"]
    calls = [
        fold(ref, "office", [e for e in here.told if e.ref == ref]) for ref in dict.fromkeys(e.ref for e in here.told)
    ]
    assert [(call.number, call.outcome, call.extension) for call in calls] == [
        ("+12025550111", Outcome.BUSY, "AAPINFzL"), ("+12025550101", Outcome.ANSWERED, "AAPINFzL"),
    ]  # fmt: skip
    await here.clock.advance(600)
    assert (await here.provider.campaign(code)).pending == 0


async def test_a_campaign_rings_no_more_phones_than_it_may() -> None:
    here = Led()
    code = (await here.provider.campaigns())[0].code
    await here.provider.configure_ivr_campaign(code, IvrSettings(most_calls=1))
    rows = tuple(CampaignCall(number=f"+1202555010{n}", caller_name="Dialer") for n in range(1, 4))
    assert [added.known and not added.words for added in await here.provider.add_campaign_calls(code, rows)] == [
        True
    ] * 3
    await here.provider.start_campaign(code)
    await here.clock.advance(10)
    assert len(here.exchange.network.live_calls(here.exchange)) == 1
    await here.provider.stop_campaign(code)
    await here.clock.advance(200)
    assert (await here.provider.campaign(code)).pending == 2
    await here.provider.clear_campaign(code)
    assert await here.provider.campaign_calls(code) == ()


async def test_a_bulk_order_answered_as_the_document_does_says_nothing_of_its_rows() -> None:
    here = Led()
    here.exchange.dialer.tells_of_rows = False
    code = (await here.provider.campaigns())[0].code
    rows = (CampaignCall(number="+12025550101"), CampaignCall(number="12"))
    added = await here.provider.add_campaign_calls(code, rows)
    assert [(one.number, one.known, one.words) for one in added] == [("+12025550101", False, ""), ("12", False, "")]
    assert [call.number for call in await here.provider.campaign_calls(code)] == ["+12025550101"]


async def test_numbers_by_the_thousand_are_not_read_on_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    here, threads = Led(), set()

    def read(text: str, region: str) -> str:
        threads.add(threading.current_thread())
        return phone(text, region)

    monkeypatch.setattr("bot.providers.voicenter.dialer.phone", read)
    code = (await here.provider.campaigns())[0].code
    rows = tuple(CampaignCall(number=f"+1202555010{n}") for n in range(1, 4))
    assert [added.known for added in await here.provider.add_campaign_calls(code, rows)] == [True] * 3
    assert [call.number for call in await here.provider.campaign_calls(code)] == [row.number for row in rows]
    assert threads
    assert threading.main_thread() not in threads


async def test_members_and_strategy() -> None:
    here = Led()
    code = (await here.provider.campaigns())[1].code
    assert await here.provider.add_campaign_member(code, "BBPINFzM") == 1
    assert await here.provider.add_campaign_member(code, "BBPINFzM") == 0
    assert await here.provider.add_campaign_member(code, "nobody") == 0
    assert [member.name for member in await here.provider.campaign_members(code)] == ["Dana Ort", "Walter Melon"]
    await here.provider.set_campaign_strategy(code, Strategy(most_waiting=3, calls_per_member=1.5))
    assert here.exchange.dialer.campaigns[code].strategy == {"setQueueMaximumCallers": 3, "setCoefficient": 1.5}
    await here.provider.configure_ivr_campaign(code, IvrSettings(representatives=("AAPINFzL",)))
    assert [member.code for member in await here.provider.campaign_members(code)] == ["AAPINFzL"]


async def test_the_simulated_dialer_refuses_and_leaves_open_as_the_real_one() -> None:
    here = Led()
    code = (await here.provider.campaigns())[0].code
    with pytest.raises(Refused, match=r"\(1\): Invalid campaign code\. Look the campaign up again"):
        await here.provider.add_campaign_call("nowhere", CampaignCall(number="+12025550101"))
    with pytest.raises(Refused, match=r"\(2\)"):
        await here.provider.add_campaign_call(code, CampaignCall(number="12"))
    with pytest.raises(Refused, match=r"\(2\)"):
        await here.provider.remove_campaign_call(code, "+12025550101")
    with pytest.raises(Refused, match=r"\(4\)"):
        await here.provider.add_campaign_call(code, CampaignCall(number="+12025550101", caller_id="Ada"))
    with pytest.raises(Ambiguous, match="may or may not"):
        await here.provider.add_campaign_call(code, CampaignCall(number="+12025550120"))
    with pytest.raises(Ambiguous):
        await here.provider.add_campaign_call(code, CampaignCall(number="+12025550121"))
    assert [call.number for call in await here.provider.campaign_calls(code)] == ["+12025550120"]
    rows = tuple(CampaignCall(number=number) for number in ("+12025550101", "12"))
    assert [added.code for added in await here.provider.add_campaign_calls(code, rows)] == ["", "2"]


def dialer(here: Led, method: str, told: object, *, query: str = "") -> dict[str, Any]:
    body = b"" if query else json.dumps(told).encode()
    reply = here.ask(f"forwarddialer/DIALER/{method}", "GET" if query else "POST", query, body)
    assert reply is not None
    return dict(json.loads(reply.body))


@pytest.mark.parametrize("method", PARAMETERS)
def test_the_simulated_dialer_takes_no_parameter_that_is_not_listed(method: str) -> None:
    told: Any = {"Campaign": "morning0messages0000000000000001", "Code": "c", "Colour": "red"}
    reply = dialer(Led(), method, [told] if method == "AddCallsBulk" else told)
    found = reply["AddResult"][0] if method == "AddCallsBulk" else reply
    assert (found["ErrorCode"], found["Description"]) == (3, "Unknown parameter Colour")


async def test_the_simulated_dialer_takes_get_where_the_document_does() -> None:
    here = Led()
    code = "morning0messages0000000000000001"
    told = dialer(here, "AddCall", None, query=f"Campaign={code}&Target=0505550101&var_test1=1&var_test2=somevalue")
    assert told == {"ErrorCode": 0, "Description": "OK"}
    (call,) = await here.provider.campaign_calls(code)
    assert (call.number, call.variables) == ("+972505550101", {"test1": "1", "test2": "somevalue"})
    for method in ("AddCallsBulk", "GetCampaignPendingCalls", "ConfigureIvrCampaign"):
        assert dialer(here, method, None, query=f"Campaign={code}")["Description"] == "JSON only"
    assert dialer(here, "GetCampaignList", None, query="a=b")["ErrorCode"] == 3
    here.exchange.code = "c"
    assert dialer(here, "StopCampaign", {"Campaign": code, "Code": "d"})["Description"] == "Code is invalid"
