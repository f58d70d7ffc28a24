"""Voicenter, beyond its samples: what it refuses by itself, hostile XML, whole stories, and its simulator."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.call import Call
from bot.errors import Ambiguous, Refused, SettingsError, Unavailable, Unsupported
from bot.events import LegAnswered, LegRinging, Outcome, State
from bot.providers.voicenter import Voicenter, tables, xmlrpc
from bot.providers.voicenter.fields import Fields, is_extension, phone, spelling
from bot.simulator.behaviours import IncomingKind
from tests.voicenter_world import World, order

NOW = 1_700_000_000.0
OK = {"ERRORCODE": 0, "ERRORMESSAGE": "OK", "CALLID": "20300101000000aaaabbbbccccdddd01"}
SAMPLES = Path(tables.__file__).parent / "samples" / "webhooks"


def configured(reply: dict[str, Any] | None = None, **values: str) -> tuple[Voicenter, list[httpx.Request]]:
    """An account whose service always replies this, and what was sent to it."""
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, json=reply)

    http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    provider = Voicenter("office", {"code": "CODE-SECRET", **values}, http, "IL")
    provider.clock = lambda: NOW
    return provider, sent


def call(**told: Any) -> Call:
    return Call(id="call-1", account="office", **told)


async def test_the_tenth_custom_value_of_others_is_refused() -> None:
    provider, sent = configured(OK)
    with pytest.raises(Unsupported, match=r"at most 10 .* has 11\. Leave out 2\."):
        await provider.place_call(order(variables={f"v{n}": "" for n in range(11)}))
    assert sent == []


async def test_xml_is_asked_for_where_it_is_configured() -> None:
    provider, sent = configured(OK, reply_format="xml ")
    accepted = await provider.place_call(order())
    assert dict(parse_qsl(sent[0].content.decode()))["format"] == "XML"
    assert accepted.at == NOW
    with pytest.raises(SettingsError, match="OFFICE_REPLY_FORMAT is neither JSON nor XML"):
        configured(reply_format="yaml")


async def test_addresses_are_settings() -> None:
    told = {"click2call_url": "http://127.0.0.1:9/sim/", "monitor_url": "http://127.0.0.1:9/sim"}
    provider, sent = configured(OK | {"ERR": 0, "EXTENSIONS": [{}]}, **told)
    await provider.place_call(order())
    await provider.active_calls()
    await provider.check()
    assert [request.url.path for request in sent] == [
        "/sim/ForwardDialer/click2call.aspx",
        "/sim/comet/API/GetExtensionsCalls",
        "/sim/comet/API/GetQueuesCallers",
        "/sim/Comet/api/GetExtensions",
    ]


@pytest.mark.parametrize(
    "phones",
    [
        {},
        {"rep_phone": "+12025550123"},
        {"rep_phone": "9996"},  # a login code
        {"rep_phone": "SIPTRUNK"},
        {"rep_phone": "login:9996"},
    ],
)
async def test_only_extensions_can_be_hung_up(phones: dict[str, str]) -> None:
    provider, sent = configured(OK)
    with pytest.raises(Unsupported, match="Hang up on the phone itself"):
        await provider.hang_up(call(**phones))
    assert sent == []


@pytest.mark.parametrize(
    ("code", "advice"),
    [(1, "Check the number"), (2, "Try again"), (3, "switch it on or sign in"), (4, "must allow click-to-call")],
)
async def test_a_refusal_says_what_to_do_next(code: int, advice: str) -> None:
    provider, _ = configured({"ERRORCODE": code, "ERRORMESSAGE": "No.", "CALLID": ""})
    with pytest.raises(Refused, match=rf"^Voicenter refused \({code}\): No\. .*{advice}"):
        await provider.place_call(order())


async def test_too_many_requests_are_no_wrong_address() -> None:
    http = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(429)))
    provider = Voicenter("office", {"code": "CODE-SECRET"}, http, "IL")
    with pytest.raises(Unavailable, match=r"lets nothing more through \(HTTP 429\)\. Try again in a minute\."):
        await provider.place_call(order())


@pytest.mark.parametrize(("headers", "seconds"), [({"retry-after": "20"}, 20), ({}, 60)])
async def test_a_limit_is_waited_out_by_questions_about_active_calls(headers: dict[str, str], seconds: int) -> None:
    """They come every three seconds, two at a time."""
    asked: list[httpx.Request] = []
    limits = [httpx.Response(429, headers=headers)]

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return limits.pop() if limits else httpx.Response(200, json={"ERR": 0, "DESC": "OK"})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        provider = Voicenter("office", {"code": "CODE-SECRET"}, http, "IL")
        now = NOW
        provider.clock = lambda: now
        with pytest.raises(Unavailable, match="HTTP 429"):
            await provider.active_calls()
        now += seconds - 1
        with pytest.raises(Unavailable, match="is asked nothing for 1 s"):
            await provider.active_calls()
        assert len(asked) == 1
        now += 1
        assert await provider.active_calls() == ()


async def never() -> AsyncIterator[bytes]:
    """An answer that begins and never ends."""
    yield b"{"
    await asyncio.Event().wait()


async def damaged() -> AsyncIterator[bytes]:
    yield b"this is not compressed"


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, never),
        ({"content-encoding": "gzip"}, damaged),
        ({"location": "http://xn--/"}, damaged),
        ({"location": "mailto:x"}, damaged),
    ],
)
async def test_an_answer_that_never_ends_or_is_damaged_leaves_an_order_open(
    headers: dict[str, str], body: Callable[[], AsyncIterator[bytes]]
) -> None:
    status = 302 if "location" in headers else 200
    answer = httpx.MockTransport(lambda _: httpx.Response(status, headers=headers, content=body()))
    provider = Voicenter("office", {"code": "CODE-SECRET"}, httpx.AsyncClient(transport=answer), "IL")
    provider.order_seconds = provider.answer_seconds = 0.05
    with pytest.raises(Ambiguous, match=r"^Voicenter .*; it may or may not be calling\.$"):
        await provider.place_call(order())
    with pytest.raises(Unavailable, match=r"^Voicenter .*\. Try again in a minute\.$"):
        await provider.queue_callers()


async def test_a_wrong_code_names_its_setting() -> None:
    provider, _ = configured({"ERR": 1, "DESC": "Authorization failed."})
    with pytest.raises(Refused, match="Check OFFICE_CODE"):
        await provider.active_calls()
    nothing, _ = configured({"ERR": 0, "DESC": "OK", "EXTENSIONS": []})
    with pytest.raises(Refused, match=r"may be wrong.*Check OFFICE_CODE"):
        await nothing.check()


async def test_times_that_are_not_told_are_ours() -> None:
    calls = [{"ivrid": f"{n}", "callstatus": s, "direction": "Incoming"} for n, s in enumerate(["Ringing", "Hold"])]
    provider, _ = configured({"ERR": 0, "DESC": "OK", "EXTENSIONS": [{"username": "AAPINFzL", "calls": calls}]})
    legs = [event for event in await provider.active_calls() if isinstance(event, LegRinging | LegAnswered)]
    assert legs == [
        LegRinging(ref="0", at=NOW, leg="ext:AAPINFzL"),
        LegAnswered(ref="1", at=NOW, leg="ext:AAPINFzL"),
    ]


def test_every_type_and_status_has_a_sample() -> None:
    parts = [file.stem.partition("_") for file in SAMPLES.glob("*.json")]
    names = {(kind, spelling(name)) for kind, _, name in parts}
    assert len(tables.TYPES) == 19
    assert {name for kind, name in names if kind == "type"} == set(tables.TYPES)
    assert {name for kind, name in names if kind == "status"} >= set(tables.STATUSES)


@pytest.mark.parametrize("region", ["IL", "US", "GB", "TR"])
@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("0505550101", "+972505550101"),
        ("050-555-0101", "+972505550101"),
        ("972505550101", "+972505550101"),
        ("+972505550101", "+972505550101"),
        ("12025550101", "+12025550101"),
        ("447700900123", "+447700900123"),
        (" 0505550101 ", "+972505550101"),
        ("AAPINFzL", "AAPINFzL"),
        ("4iWqKGpK", "4iWqKGpK"),
        ("anonymous", ""),
        ("Anonymous", ""),
        ("Unknown", ""),
        ("Restricted", ""),
        ("*3001", "*3001"),
        ("", ""),
    ],
)
def test_numbers_mean_the_same_whatever_country_the_account_is_in(written: str, meant: str, region: str) -> None:
    assert phone(written, region) == meant


def test_one_object_is_a_list_of_one_and_the_other_way_round() -> None:
    """As what makes JSON of XML has it: who is in the only call would else be on none."""
    one = {"username": "AAPINFzL", "calls": {"ivrid": "1"}}
    told = Fields({"EXTENSIONS": one, "DATA": [one], "MORE": [one, one], "NONE": None, "WORD": "x"})
    (row,) = told.rows("extensions")
    assert (row.text("username"), row.rows("calls")[0].text("ivrid")) == ("AAPINFzL", "1")
    assert told.inner("data").text("username") == "AAPINFzL"
    assert (told.inner("more").members, len(told.rows("more"))) == ({}, 2)
    assert told.rows("none") == told.rows("word") == Fields({"none": {}}).rows("none") == []


def test_what_an_extension_looks_like() -> None:
    assert is_extension("AAPINFzL")
    assert is_extension("4iWqKGpK")
    assert not any(map(is_extension, ["0505550101", "+972505550101", "9996", "", "a b", "Anonymous"]))


# XML-RPC

NOT_IN_XML = [*"\x00\x08\x0b\x0c\x0e\x1f\ud800\udfff\ufffe\uffff"]
characters = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters=NOT_IN_XML)
text = st.text(characters, max_size=12).map(str.strip)
leaves = text | st.integers(-(2**63), 2**63 - 1) | st.booleans() | st.floats(allow_nan=False, allow_infinity=False)


def nodes(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(children, max_size=3) | st.dictionaries(text, children, max_size=3)


@given(st.dictionaries(text, st.recursive(leaves, nodes, max_leaves=6), max_size=4), text)
def test_what_is_written_is_read_back(members: dict[str, Any], method: str) -> None:
    assert xmlrpc.read_call(xmlrpc.write_call(method, members)) == (method, [members])
    assert xmlrpc.read_response(xmlrpc.write_response(members)) == members


@pytest.mark.parametrize("character", NOT_IN_XML, ids=ascii)
def test_what_xml_cannot_hold_spoils_nothing_else(character: str) -> None:
    written = xmlrpc.write_response({f"na{character}me": f"Dana{character} <Levi>", "next": "told"})

    assert xmlrpc.read_response(written) == {"na\ufffdme": "Dana\ufffd <Levi>", "next": "told"}


@pytest.mark.parametrize(
    ("damage", "name"),
    [
        (lambda told: told.replace(b"NAME", b"Levi & Sons &lt;x&gt; &nbsp; &#64;"), "Levi & Sons <x> &nbsp; @"),
        (lambda told: told.replace(b"NAME", "שלום".encode("windows-1255")), "\ufffd" * 4),
        (lambda told: b'<?xml version="1.0" encoding="klingon"?>' + told.replace(b"NAME", "שלום".encode()), "שלום"),
        (lambda told: b'<?xml version="1.0" encoding="windows-1255"?>'
         + told.replace(b"NAME", "שלום & Co".encode("windows-1255")), "שלום & Co"),
        (lambda told: told.replace(b"NAME", b"Dana\x00\x0b Levi"), "Dana\ufffd\ufffd Levi"),
        (lambda told: told.replace(b"NAME", b"Dana&#0;&#x0B;&#xD83D; Levi"), "Dana\ufffd\ufffd\ufffd Levi"),
        (lambda told: told.replace(b"NAME", b"<![CDATA[Levi & <Sons>]]>"), "Levi & <Sons>"),
        (lambda told: told.replace(b"<methodResponse", b'<methodResponse xmlns="urn:x"'), "NAME"),
        (lambda told: re.sub(rb"<(/?)(\w+)", rb"<\1x:\2", told).replace(b"nse>", b'nse xmlns:x="urn:x">', 1), "NAME"),
    ],
)  # fmt: skip
def test_one_odd_value_in_xml_leaves_the_others(damage: Callable[[bytes], bytes], name: str) -> None:
    written = xmlrpc.write_response({"name": "NAME", "next": "told"}).partition(b"?>")[2]
    assert xmlrpc.read_response(damage(written)) == {"name": name, "next": "told"}


def nested(arrays: int) -> bytes:
    """A response whose value is that many arrays in each other: three elements each, and three more around them."""
    inside = "<value><array><data>" * arrays + "</data></array></value>" * arrays
    return f"<methodResponse><params><param>{inside}</param></params></methodResponse>".encode()


def test_nesting_has_a_limit() -> None:
    fits = (xmlrpc.MAX_DEPTH - 3) // 3
    assert isinstance(xmlrpc.read_response(nested(fits)), list)
    with pytest.raises(xmlrpc.NotXmlRpc, match="nested deeper than 64"):
        xmlrpc.read_response(nested(fits + 1))


def test_length_has_a_limit() -> None:
    with pytest.raises(xmlrpc.NotXmlRpc, match="longer than"):
        xmlrpc.read_response(nested(1) + b" " * xmlrpc.MAX_BYTES)


@pytest.mark.parametrize("document", ["", "<methodCall>", "<a/>", '<?xml version="1.0" encoding="klingon"?><a/>'])
@pytest.mark.parametrize("read", [xmlrpc.read_call, xmlrpc.read_response])
def test_what_is_no_xmlrpc_is_refused(document: str, read: Callable[[bytes], object]) -> None:
    with pytest.raises(xmlrpc.NotXmlRpc):
        read(document.encode())


def test_a_reason_never_repeats_the_content() -> None:
    with pytest.raises(xmlrpc.NotXmlRpc) as caught:
        xmlrpc.read_call(b"<!DOCTYPE secret><methodCall/>")
    assert "secret" not in str(caught.value)


# Whole stories, told by the simulator and read by the provider.


@pytest.mark.parametrize("cdr", ["json", "xml", "form"])
@pytest.mark.parametrize("popup", ["json", "get", "form"])
async def test_a_call_told_in_every_form_is_one_conversation(cdr: Any, popup: Any) -> None:
    here = World()
    here.exchange.cdr_format, here.exchange.popup_format = cdr, popup
    await here.place(record=True, caller_id="+972505550199")
    await here.clock.advance(60)
    done = here.call
    assert (done.state, done.outcome, done.number) == (State.ENDED, Outcome.ANSWERED, "+972505550102")
    assert (done.talk_seconds, done.ring_seconds, done.price, done.currency) == (20, 4, 0.07, "ILS")
    assert (done.extension, done.person) == ("AAPINFzL", "Dana Ort")
    assert done.recording == f"https://voicenter.example/recordings/{done.refs[0]}.mp3"
    assert len(done.refs) == 1
    assert set(here.asked) == {"+972505550102"}
    assert {event.call_id for event in here.told if hasattr(event, "call_id")} == {"call-1"}


async def test_polling_tells_progress_without_any_pop_up() -> None:
    here = World()
    await here.place()
    here.told = here.told[:2]
    states = []
    for seconds in (2, 3, 5):
        await here.clock.advance(seconds)
        here.told = [*here.told[:2], *await here.provider.active_calls()]
        states.append(here.call.state)
    assert states == [State.RINGING, State.CONNECTING, State.TALKING]
    await here.clock.advance(60)
    assert await here.provider.active_calls() == ()


async def test_hang_up_ends_the_call_of_that_extension() -> None:
    here = World()
    await here.place()
    await here.clock.advance(12)
    await here.provider.hang_up(here.call)
    await here.clock.advance(1)
    assert (here.call.state, here.call.outcome, here.call.talk_seconds) == (State.ENDED, Outcome.ANSWERED, 3)
    with pytest.raises(Refused, match=r"No active call.*hang up on the phone"):
        await here.provider.hang_up(here.call)


def test_hanging_up_ends_whatever_the_extension_is_in() -> None:
    provider, _ = configured(OK)
    one, other = call(rep_phone="AAPINFzL"), call(extension="AAPINFzL")
    assert provider.ends_too(one, other)
    assert not provider.ends_too(one, call(extension="BBPINFzM"))
    assert not provider.ends_too(call(rep_phone="+12025550123"), call(rep_phone="+12025550123"))


async def test_the_rep_hangs_up_before_the_customer_is_called() -> None:
    here = World()
    await here.place()
    await here.clock.advance(4.5)
    await here.provider.hang_up(here.call)
    await here.clock.advance(1)
    assert (here.call.state, here.call.outcome) == (State.ENDED, Outcome.CANCELLED)


@pytest.mark.parametrize(
    ("goes", "outcome", "queue", "wait", "talk", "person"),
    [
        ("answered", Outcome.ANSWERED, "", 0, 20, "Dana Ort"),
        ("missed", Outcome.NO_ANSWER, "", 0, 0, "Dana Ort"),
        ("abandoned", Outcome.ABANDONED, "Service Queue", 15, 0, ""),
        ("colleague", Outcome.ANSWERED, "Service Queue", 13, 20, "Walter Melon"),
    ],
)
async def test_incoming_calls(
    goes: IncomingKind, outcome: Outcome, queue: str, wait: int, talk: int, person: str
) -> None:
    here = World()
    here.exchange.network.incoming(here.exchange, caller="+12025550131", did="+972505550100", kind=goes)
    await here.clock.advance(60)
    done = here.call
    assert (done.direction, done.number, done.line) == ("in", "+12025550131", "+972505550100")
    assert (done.outcome, done.queue, done.wait_seconds, done.talk_seconds) == (outcome, queue, wait, talk)
    assert done.person == person


FORM = {"code": "c", "phone": "AAPINFzL", "target": "972505550101", "action": "call", "format": "JSON"}


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"phone": ""}, 1, "Phone is missing"),
        ({"target": ""}, 1, "Target is missing"),
        ({"code": ""}, 1, "Code is missing"),
        ({"code": "another"}, 1, "Code is invalid"),
        ({"phone": "+972505550101"}, 1, "Phone is invalid"),
        ({"target": "٠٥٠"}, 1, "Target is invalid"),
        ({"phone": "logincode"}, 1, "Phonelogincode is missing"),
        ({"max_duration": "9"}, 1, "Invalid request parameters max_duration"),
        ({f"var_{n}": "1" for n in range(11)}, 1, "Invalid request parameters"),
        ({"maxduration": "long"}, 1, "Maxduration is invalid"),
        ({"action": "dance"}, 1, "Invalid request parameters target"),
        ({"record": "maybe"}, 1, "Record is invalid"),
        ({"phone": "972505550102", "vm_id": "7"}, 1, "Vm_id is invalid"),
        ({"phone": "972505550102", "phoneautoanswer": "true"}, 1, "Phoneautoanswer is invalid"),
        ({"targetautoanswer": "1"}, 1, "Targetautoanswer is invalid"),
        ({"action": "message"}, 1, "Invalid request parameters target"),
        ({"action": "callference", "phone": "SIPTRUNK"}, 1, "Invalid request parameters target"),
        ({"target": "972505550119"}, 2, "Application error"),
        ({"phone": "OFFLINE1"}, 3, "Extension representative offline"),
        ({"phone": "BLOCKED1"}, 4, "Extension blocked for Click2Call calls"),
        ({"action": "terminate"}, 1, "Invalid request parameters target"),
    ],
)
async def test_the_simulator_refuses(change: dict[str, str], code: int, words: str) -> None:
    here = World()
    here.exchange.code = "c"
    reply = here.ask("ForwardDialer/click2call.aspx", "POST", body=urlencode(FORM | change).encode())
    assert json.loads(reply.body) == {"ERRORCODE": code, "ERRORMESSAGE": words, "CALLID": ""}
    assert here.exchange.network.calls == ()


async def test_the_simulator_takes_any_case_and_answers_in_xml_unless_told() -> None:
    here = World()
    reply = here.ask("/forwarddialer/CLICK2CALL.aspx", query="Phone=AAPINFzL&TARGET=0505550101&Code=c")
    members = xmlrpc.read_response(reply.body)
    assert isinstance(members, dict)
    assert (members["ERRORCODE"], len(str(members["CALLID"]))) == ("0", 32)
    listed = json.loads(here.ask("COMET/api/getextensions", query="code=c").body)
    assert [row["SIP"] for row in listed["EXTENSIONS"]] == list(here.exchange.extensions)
    assert json.loads(here.ask("comet/api/getextensions").body)["EXTENSIONS"] == []
    assert json.loads(here.ask("comet/API/GetExtensionsCalls").body)["ERR"] == 1
    assert json.loads(here.ask("HUB/CDR").body)["ERROR_NUMBER"] == 2
    assert here.ask("hub/cdrs").status == 404
