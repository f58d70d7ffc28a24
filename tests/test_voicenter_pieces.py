"""One call that Voicenter tells in pieces: records, pop-ups, the two lists and the log, in whatever order they come."""

import json
from itertools import permutations
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

from bot.call import Call
from bot.events import Outcome, State
from bot.hooks import Request
from bot.polling import ABSENT_TWICE, IDLE_SECONDS, POLL_SECONDS, Poll
from bot.providers.voicenter import Voicenter, monitor
from bot.providers.voicenter.fields import Fields
from tests.office import Office
from tests.voicenter_world import World

T = 1_700_000_000
REF = "20231114000000aaaabbbbccccdddd01"
CALLER, LINE = "+12025550131", "+12025550100"
INCOMING = {
    "ivruniqueid": REF,
    "time": T,
    "type": "Incoming Call",
    "status": "NOANSWER",
    "caller": "12025550131",
    "did": "12025550100",
    "target": "AAPINFzL",
    "targetextension": "AAPINFzL",
    "duration": 0,
    "dialtime": 20,
    "price": 0,
}
IN_A_QUEUE = {"type": "Queue", "queueid": 12345, "queuename": "Service Queue"}


async def told(desk: Office, path: str, record: dict[str, Any]) -> None:
    """Voicenter sends this to a hook of the account."""
    body = json.dumps(record).encode()
    request = Request("POST", path, (), {}, body, desk.clock())
    await desk.board.ingest("voicenter", World().provider.read_webhook(request).events)


async def the_call(desk: Office) -> Call:
    (call,) = await desk.calls()
    return call


# Records


@pytest.mark.parametrize("order", [*permutations(range(3))])
async def test_whoever_did_not_answer_at_first_and_then_did_has_talked(order: tuple[int, ...], desk: Office) -> None:
    """The extension rang in vain, the caller went to a queue, and there the same extension answered."""
    records = (
        INCOMING,
        INCOMING | IN_A_QUEUE | {"time": T + 31, "status": "ANSWER", "duration": 55, "dialtime": 5, "price": 12},
        INCOMING | {"type": "XferCDR", "time": T + 22, "target": "BBPINFzM", "targetextension": "BBPINFzM"},
    )
    for which in order:
        await told(desk, "cdr", records[which])
    before = await the_call(desk)
    for which in order:
        await told(desk, "cdr", records[which])
    call = await the_call(desk)
    assert call == before
    assert (call.state, call.outcome, call.missed) == (State.ENDED, Outcome.ANSWERED, False)
    assert (call.started_at, call.answered_at, call.talk_seconds, call.price) == (T, T + 36, 55, 0.12)
    assert (call.extension, call.ended_at, call.ring_seconds) == ("AAPINFzL", T + 91, 20)


@pytest.mark.parametrize("first", ["record", "list"])
async def test_a_colleague_who_called_has_not_withheld_the_number(first: str, desk: Office) -> None:
    """Whether the record tells of it alone or the list did before: they can be called back at their extension."""
    if first == "list":
        row = {"ivrid": REF, "direction": "Incoming", "callerphone": "AAPINFzL", "callstatus": "Ringing"}
        extension = {"username": "BBPINFzM", "calls": [row | {"callstarted": T, "callanswered": 0}]}
        await desk.board.ingest(
            "voicenter", monitor.extension_events(Fields({"EXTENSIONS": [extension]}), desk.clock(), "US")
        )
    inside = {"caller": "AAPINFzL", "callerextension": "AAPINFzL", "target": "BBPINFzM", "targetextension": "BBPINFzM"}
    await told(desk, "cdr", INCOMING | inside | {"did": ""})
    assert [(call.direction, call.number, call.missed) for call in await desk.calls()] == [("in", "AAPINFzL", True)]


# The lists


def listed(desk: Office, *, queue: bool = False, ahead: int = 0, **status: str) -> None:
    """What the two lists say from now on: whether the caller waits in the queue, and extension -> status there.

    `ahead`: so many seconds Voicenter's clock is ahead of ours.
    """
    now = int(desk.clock()) + ahead
    call = {"ivrid": REF, "direction": "Incoming", "callerphone": "12025550131", "did": "12025550100"}
    rows = [
        {
            "username": extension,
            "calls": [call | {"callstatus": told, "callstarted": now, "callanswered": now * (told == "Talking")}],
        }
        for extension, told in status.items()
    ]
    callers = [{"Phone": "12025550131", "CallID": REF, "JoinTime": now}] * queue
    waiting = monitor.queue_callers(Fields({"QUEUES": [{"Name": "Service Queue", "ID": 1, "Callers": callers}]}), "US")
    events = monitor.extension_events(Fields({"EXTENSIONS": rows}), now, "US")
    desk.phone.events = (*events, *monitor.queue_events(waiting, now))


async def asked_to_end(call: Call) -> str:
    """The extension that a hang-up names to Voicenter."""
    named: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        named.extend(value for name, value in parse_qsl(request.content.decode()) if name == "phone")
        return httpx.Response(200, json={"ERRORCODE": 0, "ERRORMESSAGE": "OK", "CALLID": ""})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        await Voicenter("voicenter", {"code": "CODE-SECRET"}, http, "IL").hang_up(call)
    (extension,) = named
    return extension


async def polled(desk: Office, poll: Poll, rounds: int = 1) -> Call:
    for _ in range(rounds):
        desk.clock.advance(POLL_SECONDS)
        await poll()
    return await the_call(desk)


@pytest.mark.parametrize("hung_up", ["polled", "popup"])
async def test_a_phone_that_rings_again_and_is_answered_then_is_talked_on(hung_up: str, desk: Office) -> None:
    """A queue rings its extensions in turn, and the same one again after a pause."""
    poll = Poll(desk.board)
    listed(desk, queue=True, AAPINFzL="Ringing")
    await desk.board.ingest("voicenter", desk.phone.events)
    listed(desk, queue=True)
    over = {"phone": "12025550131", "ivrid": REF, "did": "12025550100", "extenUser": "AAPINFzL", "status": "Hangup"}
    over |= {"direction": "Incoming"}
    if hung_up == "popup":
        await told(desk, "popup", over)
    assert (await polled(desk, poll, ABSENT_TWICE)).state is State.RINGING
    desk.clock.advance(12)
    listed(desk, AAPINFzL="Talking")
    call = await polled(desk, poll)
    answered_at = call.answered_at
    assert (call.state, call.extension, call.live) == (State.TALKING, "AAPINFzL", True)
    desk.clock.advance(40)
    assert (await polled(desk, poll)).state is State.TALKING
    if hung_up == "popup":
        await told(desk, "popup", over | {"callAnswered": answered_at})
        talked = desk.clock() - answered_at
    listed(desk)
    call = await polled(desk, poll, ABSENT_TWICE)
    talked = talked if hung_up == "popup" else desk.clock() - answered_at
    assert (call.state, call.outcome, call.talk_seconds) == (State.ENDED, Outcome.ANSWERED, talked)


async def test_a_caller_between_two_phones_is_not_gone(desk: Office) -> None:
    """The menu that says "please hold" is on no list; whoever takes the caller then talks, and is seen to."""
    poll = Poll(desk.board)
    listed(desk, AAPINFzL="Ringing")
    await desk.board.ingest("voicenter", desk.phone.events)
    listed(desk)
    await polled(desk, poll, ABSENT_TWICE + 1)
    listed(desk, BBPINFzM="Ringing")
    await desk.board.ingest("voicenter", desk.phone.events)  # as by a pop-up, or when all accounts are asked
    call = await polled(desk, poll)
    assert (call.state, call.extension, call.missed) == (State.RINGING, "BBPINFzM", False)
    listed(desk, BBPINFzM="Talking")
    call = await polled(desk, poll, 3)
    answered_at = call.answered_at
    assert (call.state, call.extension, call.live) == (State.TALKING, "BBPINFzM", True)
    listed(desk)
    call = await polled(desk, poll, ABSENT_TWICE)
    assert (call.state, call.outcome, call.live) == (State.ENDED, Outcome.ANSWERED, False)
    assert call.talk_seconds == desk.clock() - answered_at


async def test_the_same_phone_rings_again_for_a_caller_who_seemed_gone(desk: Office) -> None:
    poll = Poll(desk.board)
    listed(desk, AAPINFzL="Ringing")
    await desk.board.ingest("voicenter", desk.phone.events)
    for _ in range(2):
        listed(desk)
        assert (await polled(desk, poll, ABSENT_TWICE + 1)).missed
        desk.clock.advance(12)
        listed(desk, AAPINFzL="Ringing")
        call = await polled(desk, poll, IDLE_SECONDS // POLL_SECONDS)
        assert (call.state, call.missed) == (State.RINGING, False)
    assert (await polled(desk, poll, 5)).state is State.RINGING
    listed(desk, AAPINFzL="Talking")
    assert (await polled(desk, poll, 5)).state is State.TALKING
    listed(desk)
    call = await polled(desk, poll, ABSENT_TWICE)
    assert (call.state, call.outcome) == (State.ENDED, Outcome.ANSWERED)


async def test_a_caller_who_is_handed_back_is_talked_with(desk: Office) -> None:
    poll = Poll(desk.board)
    for extension in ("AAPINFzL", "BBPINFzM", "AAPINFzL", "BBPINFzM"):
        if extension == "AAPINFzL":
            listed(desk, AAPINFzL="Talking")
        else:
            listed(desk, BBPINFzM="Talking")
        await desk.board.ingest("voicenter", desk.phone.events)
        for _ in range(5):
            call = await polled(desk, poll)
            assert call.state is State.TALKING
        assert await asked_to_end(call) == extension
    listed(desk)
    assert (await polled(desk, poll, ABSENT_TWICE)).state is State.ENDED


async def test_a_talk_that_was_left_out_of_two_answers_goes_on(desk: Office) -> None:
    poll = Poll(desk.board)
    row: dict[str, Any] = {
        "ivrid": REF,
        "direction": "Click2Call",
        "callerphone": "12025550131",
        "callstatus": "Talking",
    }
    row |= {"callstarted": int(desk.clock()), "callanswered": int(desk.clock())}
    extension = {"username": "AAPINFzL", "calls": [row]}
    there = monitor.extension_events(Fields({"EXTENSIONS": [extension]}), desk.clock(), "US")
    await desk.board.ingest("voicenter", there)
    desk.phone.events = ()
    assert (await polled(desk, poll, ABSENT_TWICE)).state is State.ENDED
    desk.phone.events = there
    assert (await polled(desk, poll, IDLE_SECONDS // POLL_SECONDS)).state is State.TALKING
    desk.phone.events = ()
    call = await polled(desk, poll, ABSENT_TWICE)
    assert (call.state, call.outcome, call.answered_at) == (State.ENDED, Outcome.ANSWERED, row["callanswered"])
    record = {"type": "Click2Call leg2", "caller": "12025550100", "target": "12025550131", "status": "ANSWER"}
    await told(desk, "cdr", INCOMING | record | {"callerextension": "AAPINFzL", "did": "", "duration": 30})
    desk.phone.events = there  # the list lags behind the record
    call = await polled(desk, poll, 10)
    assert (call.state, call.talk_seconds) == (State.ENDED, 30)


@pytest.mark.parametrize("status", ["Ringing", "Talking"])
async def test_a_clock_that_is_ahead_keeps_no_call_open(status: str, desk: Office) -> None:
    poll = Poll(desk.board)
    listed(desk, ahead=120, AAPINFzL=status)
    await desk.board.ingest("voicenter", desk.phone.events)
    assert (await polled(desk, poll)).live
    listed(desk)
    assert (await polled(desk, poll, ABSENT_TWICE)).state is State.ENDED


@pytest.mark.parametrize("status", ["Ringing", "Talking"])
async def test_nor_one_that_seemed_over_before(status: str, desk: Office) -> None:
    poll = Poll(desk.board)
    listed(desk, ahead=120, AAPINFzL=status)
    await desk.board.ingest("voicenter", desk.phone.events)
    there = desk.phone.events
    for _ in range(2):
        listed(desk)
        assert (await polled(desk, poll, ABSENT_TWICE)).state is State.ENDED
        desk.phone.events = there
        assert (await polled(desk, poll, IDLE_SECONDS // POLL_SECONDS)).live
    listed(desk)
    assert (await polled(desk, poll, ABSENT_TWICE)).state is State.ENDED


async def test_hanging_up_names_the_phone_that_the_call_is_on_now(desk: Office) -> None:
    """Whoever has handed the caller on may be in another call by now."""
    poll, provider = Poll(desk.board), World().provider
    listed(desk, AAPINFzL="Talking")
    await desk.board.ingest("voicenter", desk.phone.events)
    assert await asked_to_end(await the_call(desk)) == "AAPINFzL"
    desk.clock.advance(20)
    listed(desk, BBPINFzM="Talking")
    call = await polled(desk, poll, ABSENT_TWICE)
    assert (call.state, await asked_to_end(call)) == (State.TALKING, "BBPINFzM")
    assert provider.ends_too(call, Call(id="2", account="voicenter", extension="BBPINFzM"))
    assert not provider.ends_too(call, Call(id="2", account="voicenter", extension="AAPINFzL"))
    desk.clock.advance(20)
    listed(desk, queue=True)
    call = await polled(desk, poll, ABSENT_TWICE)
    assert (call.state, provider.can_hang_up(call)) == (State.RINGING, False)
