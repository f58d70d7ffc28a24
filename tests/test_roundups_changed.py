"""Roundups and quiet hours once the settings, or what is known of a call, have changed; and in a busy channel."""

from bot.events import Outcome, Wrapped
from tests.test_roundups import (
    HOURLY,
    NIGHT,
    OTHER,
    Open,
    at,
    call,
    opened,
    record,
    seen,
    until,
)

__all__ = ["opened"]  # a fixture


async def test_missed_callers_come_at_once_when_quiet_hours_are_given_up(opened: Open) -> None:
    async with opened(NIGHT.replace('["20:00", "08:00"]', '["08:00", "20:00"]')) as desk:  # the wrong way round
        await call(desk, at("02 09:00"), "a", Outcome.NO_ANSWER)
        assert seen(desk) == []
    async with opened(NIGHT) as desk:
        await until(desk, at("02 09:02"))
        (only,) = seen(desk)
        assert only.startswith("☎️ Missed call from")


async def test_a_roundup_comes_however_much_is_told_of_its_calls(opened: Open) -> None:
    async with opened(HOURLY) as desk:
        await call(desk, at("02 13:02"), "a")
        await until(desk, at("02 14:00"))
        for turn in range(12):
            desk.clock.advance(10)
            await desk.happen(Wrapped(ref="a", at=desk.clock(), by="U1", note=f"Note {turn}."))
        assert len(seen(desk)) == 1
        for turn in range(6):  # and is brought up to date
            await desk.happen(*record(f"r{turn}", at("02 13:30") + turn, Outcome.ANSWERED, number=OTHER))
            desk.clock.advance(10)
            await desk.settle()
        assert "1 came in" not in seen(desk)[0]
