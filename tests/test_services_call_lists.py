"""A call list, end to end: a rep in Slack, the whole bot as it is wired, Voicenter's simulator, over real HTTP."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.events import Outcome
from tests.town import Town
from tests.town import town as running

pytestmark = pytest.mark.slow
PASTED = "number,name,city\n+972 50 555 0101,Ada Fields,Haifa\n+972 50 555 0111,Ben Hill,\n"


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with running(tmp_path) as there:
        yield there


async def test_a_rep_works_through_a_list_of_their_own(town: Town) -> None:
    await town.type("/campaign calllist Autumn offers")
    await town.choose({"name": "Autumn offers", "rows": PASTED})
    await town.sees("Call list Autumn offers", "2 contacts can be given out")
    await town.press("calllist:give_out")
    await town.sees("Call list Autumn offers", "Next is Ada Fields", "city: Haifa")

    await town.press("offer:call", times=2)
    await town.ended(wanted=lambda call: (call.number, call.outcome) == ("+972505550101", Outcome.ANSWERED))
    await town.sees("Call list Autumn offers", "Say how it went, and the next contact comes.")
    await town.press("call:wrap")
    await town.choose({"disposition": "Interested"})

    await town.sees("Call list Autumn offers", "Next is Busy Ben (Always On Ltd)")
    await town.press("offer:call")
    await town.ended(wanted=lambda call: (call.number, call.outcome) == ("+972505550111", Outcome.BUSY))
    await town.press("offer:next")
    await town.sees("Everybody of this list is done.")
    await town.sees("Done: 2 called, 0 skipped.", "answered: 1", "busy: 1")
    assert len(town.lines("Call list Autumn offers")) == 2  # the maker's and the rep's
