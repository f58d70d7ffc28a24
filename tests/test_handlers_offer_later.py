"""A contact of a call list is put off: comes due by the clock, for whoever put it off, by their own clock."""

import pytest

from bot import offers
from bot.errors import NotAllowed
from bot.events import Outcome
from bot.store.offers import GRACE_SECONDS
from tests.calling_desk import (
    BOTH,
    NOA,
    act,
    answer,
    before,
    begin,
    buttons,
    card,
    elements,
    end,
    free,
    press_of,
    rest,
    text,
    wrap,
)
from tests.office import Office

__all__ = ["free"]  # a fixture


async def test_later_comes_due_by_the_clock_for_whoever_put_it_off_first(free: Office) -> None:
    list_id = await begin(free, BOTH)
    assert await act(free, "later", choice="1h") == "Noa Green comes back to you at 04:40."
    assert "Next is Max" in text(free, "U1")
    await act(free, "skip")
    await act(free, "skip", user="U4")
    free.clock.advance(3599)
    await offers.due(free.board)
    assert await before(free, list_id, "U4") is None
    await offers.due(free.board)
    held = await before(free, list_id, "U1")
    assert held is not None
    assert held.number == NOA
    await rest(free)
    await act(free, "later", choice="1h")
    await act(free, "pause")
    free.clock.advance(3600 + GRACE_SECONDS)
    await offers.due(free.board)
    await rest(free)
    assert "Next is Noa Green" in text(free, "U4")


async def test_later_is_by_the_reps_own_clock_and_takes_any_time(free: Office) -> None:
    await begin(free)
    assert await act(free, "later", choice="afternoon") == "Noa Green comes back to you at 15:00."
    assert await act(free, "later", choice="tomorrow") == "Sam Hill comes back to you tomorrow at 09:00."
    await act(free, "later", choice="choose")
    assert "past" in (await free.submit({"day": "2026-01-01", "time": "9:00"}))["time"]
    assert await free.submit({"day": "2026-02-05", "time": "16:30"}) == {}
    await rest(free)
    assert "1 of them" not in text(free, "U1")
    assert "3 more wait until later" in text(free, "U1")
    assert "Max comes back to you on 5 Feb at 16:30." in free.conversation("U1")[-1].text


async def test_in_the_afternoon_this_afternoon_is_not_buttons(free: Office) -> None:
    free.clock.advance(11 * 3600)
    await begin(free)
    values = [option["value"] for option in elements(card(free, "U1"))["offer:later"]["options"]]
    assert [value.rpartition("|")[2] for value in values] == ["1h", "tomorrow", "choose"]


async def test_later_after_nobody_answered_and_not_after_a_talk(free: Office) -> None:
    list_id = await begin(free)
    await act(free, "call")
    pressed = await press_of(free, list_id, "U1")
    for early in (
        offers.put_off(free.board, "U1", pressed, free.clock() + 60),
        offers.onward(free.board, "U1", pressed),
    ):
        with pytest.raises(NotAllowed, match="runs"):
            await early
    await end(free, 1, Outcome.NO_ANSWER)
    await act(free, "later", choice="1h")
    assert "Next is Sam Hill" in text(free, "U1")
    free.clock.advance(3600)
    await act(free, "call")
    await answer(free, 2)
    assert "later" not in buttons(free)
    await wrap(free)
    assert "Next is Noa Green" in text(free, "U1")
    assert "we called, no answer" in text(free, "U1")
