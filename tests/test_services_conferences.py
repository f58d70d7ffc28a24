"""People called into a conference, end to end: the whole bot and a simulated Voicenter.

Slow, because the simulated time runs; `make test MARKS=` includes it.
"""

from pathlib import Path

import pytest

from bot import demo
from bot.events import Outcome, State
from bot.store import calls
from tests.town import town as running

pytestmark = pytest.mark.slow


async def test_two_are_called_into_a_conference(tmp_path: Path) -> None:
    async with running(tmp_path) as town:
        board = town.callboard.board
        await town.type("/call conference 4711 me, +972 50 555 0101 max 1m")
        told = await town.sees("Conference 4711:")
        assert told.count("ringing.") == 2

        async def over() -> bool:
            mine = await board.read(calls.spoken_by, demo.DANA, 0)
            return len(mine) == 2 and all(call.outcome is Outcome.ANSWERED for call in mine)

        await town.until(over, "the records of both")
        mine = await board.read(calls.spoken_by, demo.DANA, 0)
        assert {call.number for call in mine} == {"+972505550190", "+972505550101"}
        assert {(call.state, call.purpose, call.direction) for call in mine} == {(State.ENDED, "conference", "out")}
        assert len(town.world.network.calls) == 2
        await town.sees("was in conference 4711 for")
