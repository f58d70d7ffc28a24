"""CallGear against its simulator: calls from start to end, and how strictly it listens."""

import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC
from typing import Any

import httpx
import pytest

from bot.errors import Ambiguous, Refused, Unsupported
from bot.events import AnyEvent, Described, LegAnswered, LegRinging, Outcome, Requested, State
from bot.hooks import Answer as Told
from bot.hooks import Dial, GoTo, HangUp, Menu, RecordMessage, Request, SayDigits
from bot.orders import CallOrder, MessageOrder, RepPhone, Speech
from bot.providers.callgear.calls import events_of, on_hold
from bot.providers.callgear.methods import METHODS, Fails, check_params
from tests.callgear_line import CUSTOMER, LINE, Line


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    async with aclosing(Line()) as line:
        yield line


async def test_a_call_from_start_to_end(line: Line) -> None:
    assert (await line.dial()).state is State.RINGING
    call = await line.wait(12)
    assert (call.state, line.state, call.refs[0]) == (State.TALKING, "TALK", str(line.network.calls[0].id))
    call = await line.wait(60)
    assert call.outcome is Outcome.ANSWERED
    assert call.talk_seconds == pytest.approx(20, abs=2)


@pytest.mark.parametrize("ending", ["11", "12", "13", "15", "16", "17"])
async def test_a_call_without_a_talk(line: Line, ending: str) -> None:
    await line.dial(f"+120255501{ending}")
    call = await line.wait(60)
    assert (call.state, call.outcome) == (State.ENDED, Outcome.NO_ANSWER)


async def test_what_cannot_be_done_again_is_not_offered_again(line: Line) -> None:
    call = await line.talking()
    assert {"block", "start_recording"} <= line.provider.controls(call)
    await line.do("block")
    call = await line.do("start_recording")
    assert line.provider.controls(call) & {"block", "start_recording", "stop_recording"} == {"stop_recording"}


async def test_everything_else_in_a_talk(line: Line) -> None:
    call = await line.talking()
    talk = line.exchange.talk(line.network.calls[0])
    await line.provider.press_key(call, "5")
    await line.provider.coach(call)
    await line.provider.tag(call, "77")
    with pytest.raises(Refused, match="set already"):
        await line.provider.tag(call, "77")
    options = await line.provider.talk_options()
    assert {(option.kind, option.value_name) for option in options} >= {("record_talk", ""), ("tag_call", "Sold")}
    await line.provider.start_recording(call)
    await line.provider.start_recording(call)  # it runs already: no error
    await line.provider.use_talk_option(call, "9")
    assert (talk.keys, talk.coached, talk.tags, talk.recording) == ("5", True, {77}, False)
    line.events += await line.provider.active_calls()
    assert line.call().tags == ("Sold",)
    await line.provider.block(call)
    await line.provider.hang_up(call)
    call = await line.wait(1)
    assert call.recording.startswith("https://media.callgear.com/")
    with pytest.raises(Refused, match="blacklist"):
        await line.dial()
    with pytest.raises(Refused, match="has ended"):
        await line.provider.hang_up(call)


@pytest.mark.parametrize(
    ("method", "action", "argument"), [("add.coach", "coach", ""), ("call.talk_option", "use_talk_option", "12")]
)
async def test_a_coach_or_an_option_that_may_ring_somebody_is_unclear(
    line: Line, method: str, action: str, argument: str
) -> None:
    """A talk option may transfer the call, or call a coach."""
    call = await line.talking()
    line.silent = {method}
    with pytest.raises(Ambiguous, match="may or may not be calling"):
        await getattr(line.provider, action)(call, argument)
    assert [sent["method"] for sent in line.sent].count(method) == 1


async def test_a_coach_or_a_phone_that_is_not_set_up_is_explained(line: Line) -> None:
    call = await line.talking()
    line.exchange.talk(line.network.calls[0]).coached = True
    with pytest.raises(Refused, match="No coach is set up in the client area: write the coach's number"):
        await line.provider.coach(call)
    line.exchange.phoneless = {"204"}
    with pytest.raises(Refused, match="There is no active phone with that number, or the employee has none"):
        await line.provider.consult(call, "204")


@pytest.mark.parametrize(("leg", "over"), [("customer", True), ("rep", False)])
async def test_a_leg_is_dropped(line: Line, leg: str, over: bool) -> None:
    await line.talking()
    line.events += await line.provider.active_calls()
    refs = {one.name: one.ref for one in line.call().legs}
    await line.provider.drop_leg(line.call(), refs[leg])
    await line.wait(1)
    assert line.network.calls[0].over is over
    with pytest.raises(Refused):
        await line.provider.drop_leg(line.call(), "999")


async def test_a_start_that_was_never_answered_is_found_by_its_external_id(line: Line) -> None:
    with pytest.raises(Ambiguous):
        await line.dial("+12025550120")
    await line.wait(2)
    events = await line.provider.active_calls()
    assert [event.call_id for event in events if isinstance(event, Described)] == ["call-1"]
    assert len(line.network.calls) == 1


@pytest.mark.parametrize("kind", ["answered", "missed", "abandoned", "colleague"])
async def test_polling_and_notifications_tell_of_the_same_call(line: Line, kind: Any) -> None:
    line.network.incoming(line.exchange, caller="+12025550131", did=LINE, kind=kind)
    polled: list[AnyEvent] = []
    for _ in range(70):
        await line.wait(1)
        polled += await line.provider.active_calls()
    told = line.call()
    line.events = [*polled, *line.events]
    both = line.call()
    assert (both.state, both.outcome, both.missed, both.refs) == (told.state, told.outcome, told.missed, told.refs)
    assert both.missed is (kind in ("missed", "abandoned"))


async def test_a_message_is_played(line: Line) -> None:
    order = MessageOrder(call_id="call-1", number=CUSTOMER, text="Your parcel is here.")
    line.events = [
        Requested(at=line.clock.now(), rep="U1", rep_phone="", number=CUSTOMER, purpose="message"),
        await line.provider.send_message(order),
    ]
    call = await line.wait(60)
    assert (call.outcome, call.talk_seconds) == (Outcome.ANSWERED, 8)


async def test_an_employee_is_rung_by_id(line: Line) -> None:
    call = await line.dial(rep=RepPhone("employee", "7"))
    assert call.state is State.RINGING
    with pytest.raises(Refused, match="employee's id"):
        await line.provider.place_call(CallOrder(call_id="c", rep=RepPhone("employee", "99"), number=CUSTOMER))


# What is said, and how strictly the simulator listens.


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ({"confirm_key": "1", "rep": RepPhone("employee", "7")}, "confirm key"),
        ({"scenario": "55", "dial_music": "101"}, "dial music"),
        ({"line_scenario": True, "rep_message": Speech(text="Hi")}, "rep message"),
    ],
)
async def test_options_that_do_not_go_together_are_named(line: Line, order: dict[str, Any], words: str) -> None:
    with pytest.raises(Unsupported, match=words):
        await line.dial(**order)
    assert line.sent == []


JSON = "application/json; charset=UTF-8"
VALUES: dict[str, Any] = {
    **{
        "str": "x",
        "number": "12025550101",
        "rule": "fixed",
        "russian": "74950000001",
        "tones": "1.2",
        "tone": "5",
        "key": "any",
        "bool": True,
    },
    **{"int": 1, "seconds": 30, "message": {"type": "tts", "value": "Hi"}, "employee": {"id": 7}},
}


def good(method: str) -> dict[str, Any]:
    return {
        name: VALUES.get(kind.rstrip("!"), kind.rstrip("!").partition("|")[0]) for name, kind in METHODS[method].items()
    }


@pytest.mark.parametrize("method", METHODS)
def test_every_parameter_is_checked(method: str) -> None:
    check_params(method, good(method))
    with pytest.raises(Fails, match="unexpected_parameters") as unexpected:
        check_params(method, {**good(method), "unknown": 1})
    assert unexpected.value.field == "unknown"
    for name, kind in METHODS[method].items():
        left_out = {other: value for other, value in good(method).items() if other != name}
        if kind.endswith("!"):
            with pytest.raises(Fails, match="required_parameter_missed"):
                check_params(method, left_out)
        else:
            check_params(method, left_out)
        nonsense: tuple[Any, ...] = (None, "", [], 1.5)
        for wrong in nonsense:
            with pytest.raises(Fails, match=r"data_type_error|invalid_parameter_value"):
                check_params(method, {**good(method), name: wrong})


@pytest.mark.parametrize(
    ("body", "mnemonic"),
    [
        (b"{", "parse_error"),
        (b"[]", "batch_opreations_not_supported"),
        (b'{"method": "list.calls", "params": {}, "id": 1}', "invalid_request"),
        (b'{"jsonrpc": "2.0", "method": "list.calls", "params": {}}', "notifications_not_supported"),
        (b'{"jsonrpc": "2.0", "method": "list.calls", "params": {}, "id": [1]}', "invalid_request"),
        (b'{"jsonrpc": "2.0", "method": "list.calls", "params": [], "id": 1}', "invalid_request"),
        (b'{"jsonrpc": "2.0", "method": "start_employee_call", "params": {}, "id": 1}', "method_not_found"),
        (b'{"jsonrpc": "2.0", "method": "list.calls", "params": {}, "id": 1}', "required_parameter_missed"),
    ],
)
def test_the_envelope_is_checked(body: bytes, mnemonic: str) -> None:
    reply = Line().exchange.serve(Request("POST", "v4.0", (), {"content-type": JSON}, body, 0))
    assert reply is not None
    assert json.loads(reply.body)["error"]["data"]["mnemonic"] == mnemonic


@pytest.mark.parametrize(
    ("method", "path", "media_type", "status"),
    [
        ("POST", "v4.0", "application/json;charset=utf-8", 200),
        ("GET", "v4.0", JSON, 405),
        ("POST", "v3.0", JSON, 404),
        ("POST", "", JSON, 404),
        ("POST", "v4.0", "application/json", 415),
        ("POST", "v4.0", "text/plain; charset=UTF-8", 415),
    ],
)
def test_what_the_page_demands_of_http_is_checked(method: str, path: str, media_type: str, status: int) -> None:
    body = b'{"jsonrpc": "2.0", "method": "list.calls", "params": {"access_token": "KEY"}, "id": "a"}'
    reply = Line().exchange.serve(Request(method, path, (), {"content-type": media_type}, body, 0))
    assert reply is not None
    assert reply.status == status


@pytest.mark.parametrize(
    ("step", "told"),
    [
        (Dial(targets=("+12025550190", "204")), {"phones": ["12025550190", "204"]}),
        (
            Dial(targets=("204",), caller_sound="wait.mp3", target_sound="5"),
            {"phones": ["204"], "message_name": "wait.mp3", "operator_media": "5"},
        ),
        (SayDigits(name="code", say="405"), {"text": "4 0 5"}),
        (GoTo(layer="night"), {"returned_code": "night"}),
        (Menu(name="main", sound="hello"), {"returned_code": "main"}),
        (None, {}),
    ],
)
def test_a_scenario_gets_what_can_be_said(step: Any, told: dict[str, Any]) -> None:
    provider = Line().provider
    asked = provider.read_webhook(Request("GET", "route", (("numa", "12025550131"),), {}, b"", 0)).question
    assert asked is not None
    assert json.loads(provider.write_answer(asked, Told(step=step)).body) == told
    for other in (HangUp(), RecordMessage()):  # the scenario goes on as it is set up, and the admins hear of it
        with pytest.raises(Unsupported, match="go to a branch"):
            provider.write_answer(asked, Told(step=other))


@pytest.mark.parametrize(
    ("method", "more", "code"),
    [
        ("start.simple_call", {"first_call": "contact", "operator": "12025550190"}, -32002),
        ("start.employee_call", {"first_call": "contact", "employee": {"id": 7}}, -32002),
        ("start.scenario_call", {"first_call": "contact", "scenario_id": 55}, -32602),
        ("start.vnumber_call", {"first_call": "contact"}, -32602),
        ("start.informer_call", {"contact_message": {"type": "tts", "value": "Hello"}}, -32602),
    ],
)
def test_a_blacklisted_contact_has_the_methods_own_code(method: str, more: dict[str, Any], code: int) -> None:
    line = Line()
    line.exchange.blacklist = {"12025550101"}
    params = {"access_token": "KEY", "virtual_phone_number": "12025550100", "contact": "12025550101", **more}
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    error = line.answer(
        httpx.Request("POST", "https://x.example/v4.0", headers={"content-type": JSON}, json=body)
    ).json()["error"]
    assert (error["code"], error["data"]["mnemonic"]) == (code, "contact_in_blacklist")


async def test_active_calls_are_listed_as_in_the_pages_example(line: Line) -> None:
    line.network.incoming(line.exchange, caller="+12025550131", did=LINE, kind="answered")
    call = await line.wait(10)
    body = {"jsonrpc": "2.0", "id": 1, "method": "list.calls", "params": {"access_token": "KEY"}}
    request = httpx.Request("POST", "https://x.example/v4.0", headers={"content-type": JSON}, json=body)
    legs = line.answer(request).json()["result"]["data"][0]["legs"]
    told = [(leg["calling_phone_number"], leg["called_phone_number"], leg["state"]) for leg in legs]
    assert told == [
        ("12025550100", "12025550131...9.2.3.3", "Conversation"),
        ("12025550131", "12025550190", "Conversation"),
    ]
    assert legs[1]["employee_full_name"] == "Ada Green"
    await line.do("consult", "+12025550178")
    await line.wait(8)
    states = [leg["state"] for leg in line.answer(request).json()["result"]["data"][0]["legs"]]
    assert states == ["On hold", "Operators talking", "Operators talking"]
    assert call.live


@pytest.mark.parametrize(
    ("dial", "talk", "operators", "hold", "transfer", "gone"),
    [
        ("Dial", "Conversation", "Operators talking", "On hold", "Call Transfer", "Disconnected"),
        ("Redial", "Talk", "Operators' conversation", "On hold", "Transferring call", "Disconnect"),
        ("Дозвон", "Разговор", "Разговор операторов", "На удержании", "Перевод вызова", "Разъединено"),
    ],
    ids=["newest", "older", "russian"],
)
def test_the_words_of_each_edition_of_the_page_are_understood(
    dial: str, talk: str, operators: str, hold: str, transfer: str, gone: str
) -> None:
    words = {1: dial, 2: talk, 3: operators, 4: hold, 5: transfer, 6: gone}
    legs = [
        {"leg_id": number, "called_phone_number": f"1202555019{number}", "is_operator": True, "state": word}
        for number, word in words.items()
    ]
    row = {"call_session_id": 9, "direction": "out", "contact_phone_number": "12025550101", "legs": legs}
    told = events_of(row, 1_700_000_000.0, UTC)
    assert {event.leg_ref for event in told if isinstance(event, LegRinging)} == {"1", "2", "3", "4", "5"}
    assert {event.leg_ref for event in told if isinstance(event, LegAnswered)} == {"2", "3", "4", "5"}
    assert on_hold(row)
