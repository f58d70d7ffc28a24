"""Contacts of a call list who are not reached: tried again as often as the list says, and whose call comes late."""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot import tries
from bot.events import REP, CdrReceived, LegEnded, LegRinging, Outcome
from bot.store import people
from tests.calling_desk import CLOSED, NOA, act, contact, end, free, furnish, lists, numbers, paste, press, text
from tests.fake_slack import FakeSlack
from tests.office import Office, office
from tests.slack_state import Clock

__all__ = ["free"]  # a fixture


async def test_who_is_not_reached_is_called_again_as_often_as_the_list_says(free: Office) -> None:
    await paste(free, "Autumn offers for <@U1|ada>", tries="3")
    assert "Whoever is not reached is called up to 3 times." in text(free, "U2")
    await press(free, "give_out")
    list_id = (await lists(free))[-1].id
    for number, left, said in ((1, "twice", "once"), (2, "once", "twice")):
        await act(free, "call")
        await end(free, number, Outcome.BUSY)
        assert f"Next contact puts them off, to be called {left} more" in text(free, "U1")
        await act(free, "next")
        row = await contact(free, list_id, NOA)
        assert (row.state, row.why) == ("ready", f"Not reached so far: called {said}.")
        assert row.due_at - free.clock() == pytest.approx(tries.AGAIN_SECONDS, abs=10)
        free.clock.advance(tries.AGAIN_SECONDS)
        await act(free, "later", choice="tomorrow")
        assert "Next is Noa Green, +1 202-555-0101\ncity: Haifa\n" in text(free, "U1")
        assert f"Not reached so far: called {said}." in text(free, "U1")
    await act(free, "call")
    await end(free, 3, Outcome.NO_ANSWER)
    assert "puts them off" not in text(free, "U1")
    await act(free, "next")
    assert (await contact(free, list_id, NOA)).state == "done"
    assert numbers(free) == [NOA, NOA, NOA]


async def test_a_try_waits_for_the_limits_and_the_calling_hours(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    async with office(tmp_path, fake_slack, slack_clock, CLOSED) as desk:
        await furnish(desk)
        desk.clock.advance(12 * 3600)  # Monday 09:40 in New York
        await paste(desk, "Autumn offers for <@U1|ada>", tries="2")
        await press(desk, "give_out")
        list_id = (await lists(desk))[-1].id
        await act(desk, "call")
        await end(desk, 1, Outcome.NO_ANSWER)
        await act(desk, "next")
        row = await contact(desk, list_id, NOA)
        at = datetime.fromtimestamp(row.due_at, ZoneInfo("America/New_York"))
        assert f"{at:%A %H:%M}" == "Tuesday 09:00"
        assert "called once" in row.why


@pytest.mark.parametrize("outcome", [Outcome.ANSWERED, Outcome.REJECTED])
async def test_who_said_something_is_not_called_again(free: Office, outcome: Outcome) -> None:
    await paste(free, "Autumn offers for <@U1|ada>", tries="2")
    await press(free, "give_out")
    list_id = (await lists(free))[-1].id
    await act(free, "call")
    await end(free, 1, outcome, 20)
    await act(free, "next")
    assert (await contact(free, list_id, NOA)).state == "done"


async def test_a_call_that_never_rang_them_is_no_try(free: Office) -> None:
    await paste(free, "Autumn offers for <@U1|ada>", tries="2")
    await press(free, "give_out")
    list_id = (await lists(free))[-1].id
    await act(free, "call")
    await free.happen(CdrReceived(ref="paper-1", at=free.clock(), leg=REP, outcome=Outcome.NO_ANSWER))
    free.clock.advance(10)
    await act(free, "call")
    await end(free, 2, Outcome.NO_ANSWER)
    await act(free, "next")
    assert (await contact(free, list_id, NOA)).why == "Not reached so far: called once."


async def test_who_was_not_reached_when_a_rep_pauses_is_called_again(free: Office) -> None:
    await paste(free, "Autumn offers for <@U1|ada>", tries="2")
    await press(free, "give_out")
    list_id = (await lists(free))[-1].id
    await act(free, "call")
    await end(free, 1, Outcome.NO_ANSWER)
    await act(free, "pause")
    assert (await contact(free, list_id, NOA)).state == "ready"


async def ended(desk: Office, outcome: Outcome = Outcome.PENDING) -> None:
    """The call is over; how it ended is told by its record, perhaps long after *Next contact*."""
    await desk.happen(LegRinging(ref="paper-1", at=desk.clock(), leg="customer"))
    await desk.happen(LegEnded(ref="paper-1", at=desk.clock(), leg="customer", outcome=outcome))


async def test_a_record_that_comes_after_the_next_contact_counts(free: Office) -> None:
    await paste(free, "Autumn offers for <@U1|ada>", tries="2")
    await press(free, "give_out")
    list_id = (await lists(free))[-1].id
    await act(free, "call")
    await ended(free)
    await act(free, "next")
    assert (await contact(free, list_id, NOA)).state == "done"
    await end(free, 1, Outcome.NO_ANSWER)
    row = await contact(free, list_id, NOA)
    assert (row.state, row.why) == ("ready", "Not reached so far: called once.")
    assert row.due_at - free.clock() == pytest.approx(tries.AGAIN_SECONDS, abs=10)


async def test_who_was_reached_after_all_is_not_called_again(free: Office) -> None:
    await paste(free, "Autumn offers for <@U1|ada>", tries="2")
    await press(free, "give_out")
    list_id = (await lists(free))[-1].id
    await act(free, "call")
    await ended(free, Outcome.NO_ANSWER)
    await act(free, "next")
    assert (await contact(free, list_id, NOA)).state == "ready"
    await end(free, 1, Outcome.ANSWERED, 30)
    row = await contact(free, list_id, NOA)
    assert (row.state, row.why) == ("done", "")


async def test_a_record_that_comes_after_the_list_was_stopped_calls_nobody(free: Office) -> None:
    await paste(free, "Autumn offers for <@U1|ada>", tries="2")
    await press(free, "give_out")
    list_id = (await lists(free))[-1].id
    await act(free, "call")
    await ended(free)
    await press(free, "stop")
    await end(free, 1, Outcome.NO_ANSWER)
    assert (await contact(free, list_id, NOA)).state == "done"


async def test_who_may_not_be_called_any_more_is_not_tried_again(free: Office) -> None:
    await paste(free, "Autumn offers for <@U1|ada>", tries="2")
    await press(free, "give_out")
    list_id = (await lists(free))[-1].id
    await act(free, "call")
    await end(free, 1, Outcome.NO_ANSWER)
    await free.board.write(people.block, NOA, "asked us to stop", "U9", free.clock())
    await act(free, "next")
    assert (await contact(free, list_id, NOA)).state == "barred"
