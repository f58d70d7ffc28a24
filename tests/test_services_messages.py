"""Voice messages end to end: the whole bot and each simulated service that plays them, over real HTTP.

Slow, because the simulated time runs; `make test MARKS=` includes it.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from bot import demo, recordings
from bot.events import Outcome
from tests.town import Town
from tests.town import town as running

pytestmark = pytest.mark.slow

SAYS = {
    "enablex": '"Shall we deliver tomorrow?"',
    "callgear": '"Hello"',
    "exolve": 'template "Delivery tomorrow"',
    "voicenter": "template welcome",
}


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with running(tmp_path) as there:
        yield there


async def say(town: Town, account: str, ending: str, options: str = "") -> None:
    await town.type(f"/voicemsg +972 50 555 01{ending} {SAYS[account]} via {account} {options}".strip())


@pytest.mark.parametrize(
    ("account", "words"),
    [
        ("enablex", "heard the message"),
        ("callgear", "picked up"),
        ("exolve", "heard the message"),
        ("voicenter", "picked up"),
    ],
)
async def test_answered_and_heard(town: Town, account: str, words: str) -> None:
    await say(town, account, "01")
    await town.sees("+972 50-555-0101", words)
    call = await town.ended()
    assert (call.outcome, call.purpose, call.conversation) == (Outcome.ANSWERED, "message", False)
    await town.until(town.silent(account), "nobody on the line")


@pytest.mark.parametrize(
    ("ending", "options", "words"),
    [("26", "keys", "Pressed 5."), ("26", "keys words", "Pressed 5."), ("27", "words", "Said: “yes please”.")],
)
async def test_answers_a_question(town: Town, ending: str, options: str, words: str) -> None:
    await say(town, "enablex", ending, options)
    await town.sees("heard the message", words)
    await town.until(town.silent("enablex"), "nobody on the line")


@pytest.mark.parametrize(
    ("account", "ending", "words"),
    [
        ("enablex", "11", "No answer."),  # it says no more than that nobody picked up
        ("callgear", "11", "No answer."),
        ("exolve", "11", "Busy."),
        ("exolve", "13", "Declined."),
        ("voicenter", "11", "Busy."),
        ("exolve", "12", "No answer."),
        ("enablex", "14", "Voicemail took it."),
    ],
)
async def test_not_reached(town: Town, account: str, ending: str, words: str) -> None:
    await say(town, account, ending)
    await town.sees("was not reached", words)
    await town.until(town.silent(account), "nobody on the line")


@pytest.mark.parametrize("account", ["voicenter", "callgear"])
async def test_it_rings_no_longer_than_somebody_wants(town: Town, account: str) -> None:
    """It would for 25 seconds."""
    await say(town, account, "12", "ring 16s")
    await town.sees("was not reached", "No answer.", "rings 16 s at most")
    await town.until(town.silent(account), "nobody on the line")
    (call,) = town.world.network.calls
    assert call.leg("customer").ended_at - call.leg("customer").ringing_at == pytest.approx(16, abs=1)


async def test_it_lasts_no_longer_than_somebody_wants(town: Town) -> None:
    await say(town, "voicenter", "01", "max 3s")
    await town.sees("picked up", "lasts 3 s at most")
    call = await town.ended(wanted=lambda call: call.talk_seconds > 0)
    assert call.talk_seconds == 3  # the message itself takes eight


@pytest.mark.parametrize(
    ("account", "options", "words"),
    [
        ("enablex", "ring 20s", "EnableX cannot send a voice message with this option: ring."),
        ("enablex", "ring 20s", "It has: from, language, voice, keys, words, record."),
        ("callgear", "ring 20s max 1m", "CallGear cannot send a voice message with this option: max."),
        ("callgear", "record", "this option: record. Nothing was dialled; leave it out. It has: from, ring, ext."),
        ("exolve", "ring 20s max 1m record", "these options: max, record, ring. Nothing was dialled; leave them out. "),
        ("voicenter", "record", "are recorded only if the other side agrees, and nobody is there to ask"),
        ("enablex", "record", "are recorded only if the other side agrees, and nobody is there to ask"),
    ],
)
async def test_what_a_service_cannot_do_is_said_and_nobody_is_called(
    town: Town, account: str, options: str, words: str
) -> None:
    await say(town, account, "01", options)
    await town.sees(words)
    assert town.world.network.calls == ()


async def test_what_is_recorded_of_a_message_can_be_heard(town: Town) -> None:
    board = town.callboard.board
    told = replace(board.settings.recording, countries={}, default="announce", deliver="link")
    board.settings = replace(board.settings, recording=told)
    await say(town, "voicenter", "01", "record")
    await town.sees("“This call is recorded.” cannot be spoken before a stored sound")
    assert town.world.network.calls == ()
    await say(town, "enablex", "27", "words record")
    await town.sees("heard the message", "Said: “yes please”.", "recorded, which is announced first")
    call = await town.ended(wanted=lambda call: bool(call.recordings))
    await town.press("recording:get")
    await town.sees("Recording of the voice message to +972 50-555-0127")
    async with httpx.AsyncClient() as http:
        answer = await http.get(recordings.link(board, call, 0, demo.DANA))
    assert (answer.status_code, answer.content[:4]) == (200, b"RIFF")


async def test_an_order_that_is_never_answered_is_not_sent_again(town: Town) -> None:
    """The simulated service calls all the same; its notifications name our own id of the call."""
    await say(town, "callgear", "20")
    await town.sees("picked up")
    assert [call.number[-9:] for call in town.world.network.calls].count("505550120") == 1


async def test_a_spoken_text_is_not_for_exolve(town: Town) -> None:
    await town.type('/voicemsg +972 50 555 0101 "Hello" via exolve')

    async def told() -> bool:
        texts = [str(message.get("text")) for message in await town.slack.messages(demo.SALES)]
        return any("MTS Exolve cannot speak a text, only play stored messages" in text for text in texts)

    await town.until(told, "the refusal")
    assert town.world.network.calls == ()
