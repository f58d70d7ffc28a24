"""Campaigns, end to end: a manager in Slack, the whole bot, Voicenter's simulated dialer, over real HTTP."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.demo import OMER
from bot.events import State
from bot.store import calls, people
from tests.town import Town
from tests.town import town as running

pytestmark = pytest.mark.slow
NAME = "Campaign leads"
PASTED = """number;name
+972 50 555 0101;Ada Fields
+972 50 555 0112;Ben Hill
+972 50 555 0101;Ada again
050 555 0198;Carl Brook
911;Nobody
+972 50 555 0199;Asked us to stop
nonsense;x
"""


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with running(tmp_path) as there:
        yield there


async def test_a_list_of_calls_becomes_calls(town: Town) -> None:
    board = town.callboard.board
    await board.write(people.block, "+972505550199", "asked us to stop", OMER, board.now())
    await town.type(f"/campaign stop {NAME}", user=OMER)
    await town.press("campaign:stop", user=OMER)
    await town.sees(NAME, "dials nobody any more")

    await town.type(f"/campaign upload {NAME}", user=OMER)
    await town.choose({"campaign": NAME, "rows": PASTED}, user=OMER)
    card = await town.sees("3 calls can be added")
    for told in ("line 4", "line 6", "line 7", "line 8"):  # the second of a number, 911, do-not-call, nonsense
        assert told in card
    await town.press("campaign:add_rows", times=2, user=OMER)
    await town.sees("Done: 3 calls added")

    await town.type(f"/campaign start {NAME}", user=OMER)
    await town.press("campaign:start", user=OMER)
    await town.sees(NAME, "runs now")

    async def called() -> bool:
        found = [
            call
            for number in ("+972505550101", "+972505550112", "+972505550198")
            for call in await board.read(calls.with_number, number, board.now() + 1, 9)
        ]
        return len(found) == 3 and all(call.state is State.ENDED for call in found)

    await town.until(called, "three calls, each made once")
    await town.type("/campaign", user=OMER)
    await town.sees("Campaigns", NAME, "Running · 0 calls waiting")
    await town.type(f"/campaign results {NAME}", user=OMER)
    await town.sees("3 numbers were added", "3 of them were called")
