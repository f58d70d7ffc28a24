"""One call that Voicenter tells in pieces: records, pop-ups, the two lists and the log, in whatever order they come."""

import json
from itertools import permutations
from typing import Any

import pytest

from bot.call import Call
from bot.events import Outcome, State
from bot.hooks import Request
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
