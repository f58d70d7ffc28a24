"""Voicenter's call log: it tells what the CDR notification tells, wholly, and within the limits."""

import json
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import Refused, SettingsError, Unavailable
from bot.events import AnyEvent, CallEnded, CdrReceived, Described, Outcome, Requested, State
from bot.fold import fold
from bot.orders import LogSearch
from bot.providers.voicenter import call_log, records, tables
from bot.providers.voicenter.fields import Fields
from bot.providers.voicenter.simulator_records import log_record
from bot.store import calls
from tests.office import Office
from tests.voicenter_world import World, story

DAY = LogSearch(since=0, until=4_000_000_000)
NUMBERS = ["0505550101", "972505550102", "12025550131", "AAPINFzL", "BBPINFzM", "", "anonymous"]


def without_the_wait(events: list[AnyEvent]) -> list[AnyEvent]:
    """What the log has no field for, and what follows from it."""
    return [
        msgspec.structs.replace(event, wait_seconds=0)
        if isinstance(event, CdrReceived)
        else msgspec.structs.replace(event, at=0)
        if isinstance(event, CallEnded)
        else event
        for event in events
    ]


@given(
    st.fixed_dictionaries(
        {
            "type": st.sampled_from([*tables._TYPES, "Something new"]),
            "status": st.sampled_from([*tables._STATUSES, "SOMETHING"]),
            "caller": st.sampled_from(NUMBERS),
            "target": st.sampled_from(NUMBERS),
            "callerextension": st.sampled_from(["", "AAPINFzL"]),
            "targetextension": st.sampled_from(["", "BBPINFzM"]),
            "did": st.sampled_from(["", "0505550199"]),
            "time": st.integers(1_000_000_000, 2_000_000_000),
            "duration": st.integers(0, 4000),
            "dialtime": st.integers(0, 60),
            "ivruniqueid": st.just("20231114000000aaaabbbbccccdddd01"),
            "representative_name": st.sampled_from(["", "Dana Ort"]),
        },
        optional={
            "price": st.integers(0, 500),
            "record": st.sampled_from(["", "https://cpanel.voicenter.co.il/x.mp3"]),
            "CustomData": st.fixed_dictionaries({"var_callboard": st.just("call-1")}),
            "OriginalIvrUniqueID": st.just("20231114000000aaaabbbbccccdddd09 "),
            "seconds_waiting_in_queue": st.integers(0, 90),
        },
    ),
    st.sampled_from([{"queueid": 0, "queuename": ""}, {"queueid": 12345, "queuename": "Service Queue"}]),
)
def test_the_log_tells_what_the_notification_tells(told: dict[str, Any], queue: dict[str, Any]) -> None:
    cdr = told | queue
    notified = records.events(Fields(cdr), 0, "IL")
    looked_up = records.events(call_log.as_notified(Fields(log_record(cdr))), 0, "IL")
    assert [event.key for event in looked_up] == [event.key for event in notified]
    assert without_the_wait(looked_up) == without_the_wait(notified)
    if "seconds_waiting_in_queue" not in cdr:
        assert looked_up == notified


@pytest.mark.parametrize("asked", ["JSON", "GET"])
@pytest.mark.parametrize("goes", ["out", "answered", "missed", "abandoned", "colleague"])
async def test_looking_a_call_up_after_its_webhooks_changes_nothing(desk: Office, goes: Any, asked: str) -> None:
    here = World(log_request=asked)
    if goes == "out":
        await story(here, record=True)
    else:
        here.exchange.network.incoming(here.exchange, caller="+12025550131", did="+972505550100", kind=goes)
        await here.clock.advance(120)
    await desk.board.ingest("voicenter", [event for event in here.told if event.ref])
    (before,) = await desk.calls()
    looked_up = await here.provider.call_log(DAY)
    assert looked_up
    assert await desk.board.ingest("voicenter", looked_up) == []
    assert await desk.calls() == [before]


@pytest.mark.parametrize("goes", ["out", "answered", "missed", "abandoned", "colleague"])
async def test_the_log_alone_makes_the_same_call(goes: Any) -> None:
    here = World()
    if goes == "out":
        await story(here, record=True)
    else:
        here.exchange.network.incoming(here.exchange, caller="+12025550131", did="+972505550100", kind=goes)
        await here.clock.advance(120)
    orders = [event for event in here.told if not event.ref or event.key.endswith(":accepted")]
    notified = [event for event in here.told if isinstance(event, CdrReceived | CallEnded)]
    described = [event for event in here.told if isinstance(event, Described) and event.source.startswith("cdr")]
    by_webhook = fold("call-1", "office", without_the_wait([*orders, *notified, *described]))
    by_log = fold("call-1", "office", without_the_wait([*orders, *await here.provider.call_log(DAY)]))
    assert by_log == by_webhook
    assert by_log.state is State.ENDED
    assert {leg.recorded for leg in by_log.legs} == {True}
    assert len(by_log.legs) == (2 if goes == "out" else 1)


async def test_an_order_whose_webhooks_were_all_lost_is_found_in_the_log(desk: Office) -> None:
    here = World()
    await story(here, caller_id="+972505550199")
    requested = Requested(at=here.clock.now() - 200, rep="U1", rep_phone="AAPINFzL", number="+972505550102")
    await desk.board.ingest("voicenter", [requested], call_id="call-1")
    await desk.board.ingest("voicenter", await here.provider.call_log(DAY))
    (call,) = await desk.calls()
    assert (call.id, call.outcome, call.talk_seconds, len(call.legs)) == ("call-1", Outcome.ANSWERED, 20, 2)
    assert await desk.board.read(calls.by_ref, "voicenter", call.refs[0]) == call


async def test_periods_are_halved_until_nothing_is_cut_off() -> None:
    here = World()
    for _ in range(7):
        await story(here)
    whole = await here.provider.call_log(DAY)
    here.exchange.log_records = 2
    assert set(await here.provider.call_log(DAY)) == set(whole)
    assert len(whole) == 7 * 2 * 2
    assert len({event.ref for event in whole}) == 7


async def test_a_record_is_in_the_log_some_time_after_the_call() -> None:
    here = World()
    await here.place()
    await here.clock.advance(60)
    assert here.call.state is State.ENDED
    assert await here.provider.call_log(DAY) == ()
    await here.clock.advance(60)
    assert len(await here.provider.call_log(DAY)) == 4


async def test_a_full_answer_is_taken_for_cut_off() -> None:
    here = World()
    row = {"CallID": "20231114000000aaaabbbbccccdddd01", "Date": "2023-11-14T21:56:40Z", "Type": "Queue"}
    replies = [[row] * call_log.MAX_RECORDS, [row], [row] * (call_log.MAX_RECORDS - 1)]
    sent: list[dict[str, str]] = []

    def serve(request: httpx.Request) -> httpx.Response:
        sent.append(json.loads(request.content)["search"])
        return httpx.Response(200, json={"ERROR_NUMBER": 0, "CDR_LIST": replies.pop(0)})

    here.provider.http = httpx.AsyncClient(transport=httpx.MockTransport(serve))
    found = await here.provider.call_log(LogSearch(since=0, until=4))
    assert len(found) == 3 * call_log.MAX_RECORDS
    day = "1970-01-01T00:00:0"
    assert sent == [{"fromdate": day + a, "todate": day + b} for a, b in ("03", "01", "23")]


async def test_the_limit_is_waited_for_and_told() -> None:
    here = World()
    await story(here)
    assert here.provider.notices() == ()
    here.exchange.asked = [here.clock.now()] * 30
    before = here.clock.now()
    assert await here.provider.call_log(DAY)
    assert here.clock.now() - before >= 60
    assert here.provider.notices() == (
        "Voicenter limits questions about finished calls; looking them up takes longer.",
    )
    await here.clock.advance(90)
    assert here.provider.notices() == ()


async def test_a_limit_that_others_use_up_is_not_waited_for_for_ever() -> None:
    here = World()
    waited: list[float] = []

    async def wait(seconds: float) -> None:
        waited.append(seconds)

    here.provider.sleep = wait
    here.exchange.asked = [here.clock.now()] * 30
    with pytest.raises(Unavailable, match=r"no more questions now: Request limit exceeded.*some minutes\.$"):
        await here.provider.call_log(DAY)
    assert waited == [5, 10, 20, 30]


async def test_records_that_cannot_be_placed_are_told() -> None:
    rows = [{"CallID": "", "Date": "2030-01-01T10:00:00Z"}, {"CallID": "x", "Date": "soon"}]
    here = World()
    reply = {"ERROR_NUMBER": 0, "ERROR_DESCRIPTION": "OK", "CDR_LIST": rows}
    here.provider.http = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200, json=reply)))
    assert await here.provider.call_log(DAY) == ()
    assert here.provider.notices() == ("Voicenter: 2 record(s) of its call log tell no call or no time; left out.",)


ROW = {"CallID": "x", "Date": "2030-01-01T10:00:00Z", "Type": "Incoming Call", "DialStatus": "ANSWER"}


def answering(*replies: httpx.Response) -> tuple[World, list[float]]:
    """An account whose log answers these, then nothing but what was told last; and how long was waited in between."""
    here, coming, waited = World(), list(replies), list[float]()

    def answer(request: httpx.Request) -> httpx.Response:
        return coming.pop(0) if len(coming) > 1 else coming[0]

    async def wait(seconds: float) -> None:
        waited.append(seconds)

    here.provider.http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    here.provider.sleep = wait
    return here, waited


def listed(*rows: object, **more: object) -> httpx.Response:
    return httpx.Response(200, json={"ERROR_NUMBER": 0, "ERROR_DESCRIPTION": "OK", "CDR_LIST": [*rows], **more})


@pytest.mark.parametrize("damaged", [None, "", 7, [], {}, {"CallID": None}])
async def test_a_damaged_record_takes_no_other_along(damaged: object) -> None:
    """It counts among those that the answer says there are: nothing was cut off because of it."""
    here, _ = answering(listed(ROW, damaged, TOTAL_HITS=2))
    assert {event.ref for event in await here.provider.call_log(DAY)} == {"x"}
    assert here.provider.notices() == ("Voicenter: 1 record(s) of its call log tell no call or no time; left out.",)


async def test_records_of_one_second_that_do_not_add_up_are_taken_as_they_are() -> None:
    """Nothing is cut off far below the limit, however many it says there are."""
    here, _ = answering(listed(ROW, TOTAL_HITS=2))
    events = await here.provider.call_log(LogSearch(since=1_893_492_000, until=1_893_492_001))
    assert {event.ref for event in events} == {"x"}


@pytest.mark.parametrize(("told", "waits"), [({}, 60), ({"retry-after": "12"}, 12), ({"retry-after": "2"}, 5)])
async def test_a_web_server_that_lets_nothing_more_through_is_waited_for(told: dict[str, str], waits: int) -> None:
    """As for the log's own word for it: the days that are being fetched go on."""
    here, waited = answering(httpx.Response(429, headers=told), listed(ROW))
    assert {event.ref for event in await here.provider.call_log(DAY)} == {"x"}
    assert waited == [waits]
    assert "limits questions" in here.provider.notices()[0]


async def test_but_not_for_an_hour() -> None:
    here, waited = answering(httpx.Response(429, headers={"retry-after": "3600"}))
    with pytest.raises(Unavailable, match=r"no more questions now: HTTP 429\. Try again in some minutes\.$"):
        await here.provider.call_log(DAY)
    assert waited == []


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ({"numbers": ("+972505550102",)}, True),
        ({"numbers": ("+972505550103",)}, False),
        ({"extensions": ("AAPINFzL",)}, True),
        ({"extensions": ("BBPINFzM",)}, False),
        ({"scope": "Account"}, True),
        ({"until": 1.0}, False),
    ],
)
@pytest.mark.parametrize("asked", ["JSON", "GET"])
async def test_what_is_searched_for(search: dict[str, Any], found: bool, asked: str) -> None:
    here = World(log_request=asked)
    await story(here)
    assert bool(await here.provider.call_log(LogSearch(**{"since": 0, "until": 4_000_000_000} | search))) is found


@pytest.mark.parametrize(
    ("setting", "number", "words"),
    [("code", "2", "Check OFFICE_CODE"), ("trusted", "4", r"is not trusted\. Have this server's address allowed")],
)
async def test_who_may_not_look_calls_up(setting: str, number: str, words: str) -> None:
    here = World()
    setattr(here.exchange, setting, "" if setting == "trusted" else "another")
    with pytest.raises(Refused, match=words) as caught:
        await here.provider.call_log(DAY)
    assert caught.value.code == number


DOCUMENT = (
    "code=x&format=JSON&todate=2014-11-18T16:31&fromdate=2014-11-11T16:31&phones=972505550101&phones=0505550102"
    "&extension=SipSip&fields=Date&fields=Type&Fields=DID&Fields=CallerNumber"
)


@pytest.mark.parametrize(
    ("query", "number"),
    [
        (DOCUMENT, 0),
        (DOCUMENT.replace("JSON", "HTML"), 0),
        (DOCUMENT.replace("code=x&", ""), 2),
        (DOCUMENT.replace("=Type", "=Colour"), 5),
        (DOCUMENT.replace("extension=", "colour="), 5),
        (DOCUMENT.replace("JSON", "XML"), 5),
        (DOCUMENT.replace("2014-11-18T16:31", "soon"), 5),
        (DOCUMENT.replace("2014-11-18", "2014-11-01"), 5),
        (DOCUMENT + "&IdentityCriteria=Everybody", 5),
        (DOCUMENT + "&todate=2014-11-18T16:31", 5),
    ],
)
async def test_the_simulated_log_is_strict(query: str, number: int) -> None:
    here = World()
    reply = here.ask("hub/cdr/", query=query)
    if "HTML" in query:
        assert reply.body == b"<html><body><table></table></body></html>"
        return
    assert json.loads(reply.body)["ERROR_NUMBER"] == number


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"code": "x"}', b'{"search": 1, "fields": [], "code": ""}'])
async def test_the_simulated_log_refuses_other_json(body: bytes) -> None:
    assert json.loads(World().ask("hub/cdr", "POST", body=body).body)["ERROR_NUMBER"] == 5


@pytest.mark.parametrize("asked", ["JSON", "GET"])
@pytest.mark.parametrize(
    ("scope", "told"),
    [("", None), ("none", None), ("hierarchical", "Hierarchical"), (" Account ", "Account"), ("USER", "User")],
)
async def test_whose_calls_are_listed_is_a_setting(scope: str, told: str | None, asked: str) -> None:
    here = World(log_request=asked, log_scope=scope)
    request = here.provider._question(DAY, 0, 1)
    if asked == "GET":
        assert request.url.params.get("IdentityCriteria") == told
    else:
        assert json.loads(request.content)["search"].get("IdentityCriteria") == told
    other = here.provider._question(LogSearch(since=0, until=1, scope="Department"), 0, 1)
    assert b"Department" in other.content + other.url.query


async def test_only_the_scopes_of_the_document_are_settings() -> None:
    with pytest.raises(SettingsError, match=r"OFFICE_LOG_SCOPE is none of: Account, Hierarchical, Department, User\."):
        World(log_scope="Everybody")


async def test_only_two_ways_to_ask() -> None:
    with pytest.raises(SettingsError, match="OFFICE_LOG_REQUEST is neither JSON nor GET"):
        World(log_request="XML")
