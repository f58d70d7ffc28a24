"""Voice messages end to end: the whole bot and each simulated service that plays them, over real HTTP.

Slow, because the simulated time runs; `make test MARKS=` includes it.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot import demo
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
