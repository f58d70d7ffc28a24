"""A call list within the rules: calling hours, the do-not-call list, how often a number is called."""

from pathlib import Path

import pytest

from bot import offers, permission
from bot.errors import NotAllowed
from bot.events import REP, CdrReceived, Outcome
from bot.intents import YES_SECONDS
from bot.store import people
from tests.calling_desk import (
    CLOSED,
    MAX,
    NOA,
    SAM,
    act,
    before,
    begin,
    begin_beside,
    contact,
    end,
    furnish,
    numbers,
    rest,
    text,
)
from tests.fake_slack import FakeSlack
from tests.office import Office, office
from tests.slack_state import Clock

DAY = 86400.0


async def test_outside_their_hours_it_asks_and_a_yes_counts_once(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    async with office(tmp_path, fake_slack, slack_clock, CLOSED) as desk:
        await furnish(desk)
        await begin(desk)
        assert "outside calling hours (between 09:00 and 18:00, every day)" in text(desk, "U1")
        assert "Call anyway?" in await act(desk, "call")
        assert desk.phone.orders == []
        first = desk.slack.ephemerals[-1]
        assert "Call anyway?" in await act(desk, "call")
        second, channel = desk.slack.ephemerals[-1], desk.slack.open_dm("U1").id
        for question in (second, second, first):
            await desk.press("offer:yes", question, channel)
        await rest(desk)
        assert numbers(desk) == [NOA]
        assert "Calling Noa Green" in text(desk, "U1")


async def test_a_yes_that_comes_much_later_is_asked_for_anew(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    async with office(tmp_path, fake_slack, slack_clock, CLOSED) as desk:
        await furnish(desk)
        await begin(desk)
        assert "Call anyway?" in await act(desk, "call")
        question, channel = desk.slack.ephemerals[-1], desk.slack.open_dm("U1").id
        desk.clock.advance(YES_SECONDS + 60)
        await desk.press("offer:yes", question, channel)
        await rest(desk)
        assert desk.phone.orders == []
        assert desk.slack.ephemerals[-1] is not question
        await desk.press("offer:yes", desk.slack.ephemerals[-1], channel)
        await rest(desk)
        assert numbers(desk) == [NOA]


# The do-not-call list, and how often a number is called


async def test_a_number_that_is_listed_meanwhile_is_not_dialled_and_the_row_says_so(desk: Office) -> None:
    await furnish(desk)
    list_id = await begin(desk)
    await desk.board.write(people.block, NOA, "asked us to stop", "U9", desk.clock())
    await desk.board.write(people.block, SAM, "moved", "U9", desk.clock())
    told = await act(desk, "call")
    assert "+1 202-555-0101 is on the do-not-call list" in told
    assert desk.phone.orders == []
    for number, why in ((NOA, "asked us to stop"), (SAM, "moved")):
        row = await contact(desk, list_id, number)
        assert row.state == "barred"
        assert why in row.why
    assert "Next is Max" in text(desk, "U1")
    assert "2 not allowed any more" in text(desk, "U2")


async def test_a_number_comes_back_when_the_limits_allow_it_with_the_reason(desk: Office) -> None:
    await furnish(desk)
    await begin(desk, rows=f"number,name\n{NOA},Noa Green\n{MAX},Max\n")
    await act(desk, "call")
    await end(desk, 1, Outcome.NO_ANSWER)
    told = await act(desk, "later", choice="1h")
    assert told.startswith("Noa Green comes back to you tomorrow at ")
    assert "was called automatically or from a list once today" in told
    await act(desk, "skip")
    assert "Nobody is to be called right now. The next contact comes tomorrow at" in text(desk, "U1")
    desk.clock.advance(3 * 3600)
    await offers.due(desk.board)
    assert len(desk.phone.orders) == 1
    desk.clock.advance(DAY)
    await offers.due(desk.board)
    await rest(desk)
    assert "Next is Noa Green" in text(desk, "U1")
    assert "was called automatically or from a list once today" in text(desk, "U1")
    await act(desk, "call")
    assert numbers(desk) == [NOA, NOA]
    await end(desk, 2, Outcome.NO_ANSWER)
    told = await act(desk, "later", choice="tomorrow")
    assert "twice within seven days" in told
    assert "comes back to you on 9 Feb at 00:00." in told


async def test_a_number_of_another_list_counts_and_is_not_shown(desk: Office) -> None:
    await furnish(desk)
    await begin(desk, rows=f"number,name\n{NOA},Noa Green\n")
    await act(desk, "call")
    await end(desk, 1, Outcome.BUSY)
    await act(desk, "next")
    list_id = await begin_beside(desk)
    row = await contact(desk, list_id, NOA)
    assert (row.state, row.due_at > desk.clock()) == ("ready", True)
    assert "once today" in row.why
    held = await before(desk, list_id)
    assert held is not None
    assert held.number == SAM


async def test_a_call_from_a_list_counts_for_voice_messages_too(desk: Office) -> None:
    await furnish(desk)
    await begin(desk)
    await desk.board.read(permission.check_message, desk.board, "U2", NOA, desk.clock())
    await act(desk, "call")
    with pytest.raises(NotAllowed, match="from a list once today"):
        await desk.board.read(permission.check_message, desk.board, "U2", NOA, desk.clock())
    await desk.happen(CdrReceived(ref="paper-1", at=desk.clock(), leg=REP, outcome=Outcome.NO_ANSWER))
    await desk.board.read(permission.check_message, desk.board, "U2", NOA, desk.clock())  # their phone never rang
