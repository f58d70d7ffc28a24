"""Steps of workflows end to end: the whole bot and the simulated services over real HTTP.

Slow, because the simulated time runs; `make test MARKS=` includes it.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot import demo
from tests.town import Town
from tests.town import town as running

pytestmark = pytest.mark.slow


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with running(tmp_path) as there:
        yield there


async def answer(town: Town, step: str) -> dict[str, Any]:
    async def look() -> dict[str, Any] | None:
        return town.slack.steps.get(step)

    found: dict[str, Any] = await town.until(look, "the answer of the step")
    return found


@pytest.mark.parametrize("account", ["callgear", "voicenter", "enablex"])
async def test_a_call_goes_through_and_the_workflow_goes_on(town: Town, account: str) -> None:
    whom = f"+972 50 555 0101 via {account}"
    step = await town.slack.workflow("place_a_call", times=3, rep=demo.DANA, whom=whom, note="asked for a quote")
    await town.sees("Workflow: asked for a quote")
    assert step not in town.slack.steps
    call = await town.ended(wanted=lambda call: call.talk_seconds > 0)  # its records come one by one
    found = await answer(town, step)
    assert (found["outcome"], found["number"]) == ("answered", "+972505550101")
    assert found["talk_seconds"] == call.talk_seconds
    assert len([one for one in town.world.network.calls if one.direction == "out"]) == 1


async def test_a_busy_line(town: Town) -> None:
    step = await town.slack.workflow("place_a_call", rep=demo.DANA, whom="+972 50 555 0111 via voicenter")
    assert await answer(town, step) == {"outcome": "busy", "talk_seconds": 0, "number": "+972505550111"}


async def test_who_has_no_phone(town: Town) -> None:
    step = await town.slack.workflow("place_a_call", rep="U0NOBODY", whom="+972 50 555 0101")
    assert "does not know your phone yet" in (await answer(town, step))["error"]
    assert town.world.network.calls == ()


async def test_a_voice_message_and_its_answer(town: Town) -> None:
    said: dict[str, Any] = {"sender": demo.DANA, "text": "Shall we deliver tomorrow?", "via": "enablex"}
    step = await town.slack.workflow("send_a_voice_message", recipients="+972 50 555 0126", keys=True, times=2, **said)
    assert await answer(town, step) == {"heard": 1, "not_reached": 0, "answer": "5"}
    step = await town.slack.workflow("send_a_voice_message", recipients="+972 50 555 0114", **said)
    assert await answer(town, step) == {"heard": 0, "not_reached": 1}
