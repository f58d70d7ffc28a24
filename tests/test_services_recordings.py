"""Recordings, end to end: the whole bot, each simulated service that records, signed Slack requests, real HTTP.

Slow, because the simulated time runs; `make test MARKS=` includes it.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot import demo, recordings
from bot.call import Call
from tests.audit_lines import audit_log
from tests.town import Town
from tests.town import town as running

pytestmark = pytest.mark.slow


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with running(tmp_path) as there:
        yield there


async def files(town: Town) -> list[dict[str, Any]]:
    return [message for message in await town.messages() if message.get("files")]


async def listened(town: Town, call: Call) -> httpx.Response:
    """What Dana's link gives; some services hand a recording out once a minute only."""
    async with httpx.AsyncClient() as http:
        answer = await http.get(recordings.link(town.callboard.board, call, 0, demo.DANA))
        if answer.status_code == 503:
            again = town.world.clock.now() + 61

            async def passed() -> bool:
                return town.world.clock.now() > again

            await town.until(passed, "a minute later")
            answer = await http.get(recordings.link(town.callboard.board, call, 0, demo.DANA))
    return answer


async def heard(town: Town, call: Call, begins: bytes) -> None:
    """Its file stands below its card, its link plays the same sound, and both are written down."""
    (message,) = await town.until(lambda: files(town), "the file")
    cards = [one for one in await town.messages() if one.get("thread_ts") is None]
    assert message["thread_ts"] in [one["ts"] for one in cards]
    sound = town.slack.files.content[message["files"][0]["id"]]
    assert sound.startswith(begins)
    answer = await listened(town, call)
    assert (answer.status_code, answer.content) == (200, sound)
    assert answer.headers["content-type"].startswith("audio/")

    async def written_down() -> bool:  # the delivery once Slack has scanned the file
        told = [what for _, _, what, _, _ in await town.callboard.board.read(audit_log)]
        return {"recording delivered", "listened to recording"} <= set(told)

    await town.until(written_down, "both in the audit log")


async def test_callgear_records_by_hand(town: Town) -> None:
    await town.type("/call +972 50 555 0101 via callgear")
    await town.talking()
    await town.press("live:start_recording")
    await town.agree()
    await town.sees("started recording")
    await town.press("live:stop_recording")
    await town.sees("stopped recording")
    await town.press("call:hang_up")
    call = await town.ended(wanted=lambda call: bool(call.recording))
    await heard(town, call, b"ID3")


async def test_enablex_records_by_command(town: Town) -> None:
    await town.type("/call +972 50 555 0101 via enablex")
    await town.talking()
    await town.type("/recording start")
    await town.agree()
    await town.call(lambda call: call.recording_on)
    call = await town.ended(wanted=lambda call: bool(call.recording))
    await heard(town, call, b"RIFF")
    await town.until(town.silent("enablex"), "nobody on the line")


async def test_voicenter_records_from_the_start(town: Town) -> None:
    await town.type("/call +972 50 555 0101 via voicenter record")

    async def question() -> Any:
        told = town.slack._messages[demo.SALES]
        return next((one for one in told if "did they agree" in one.get("text", "")), None)

    asked = await town.until(question, "the question")
    row = asked["blocks"][-1]
    await town.slack.interact(demo.DANA, demo.SALES, asked["ts"], {**row["elements"][0], "block_id": row["block_id"]})
    call = await town.ended(wanted=lambda call: bool(call.recording))
    await heard(town, call, b"ID3")
