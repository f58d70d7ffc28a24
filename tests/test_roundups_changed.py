"""Roundups and quiet hours once the settings, or what is known of a call, have changed; and in a busy channel."""

from bot.events import Outcome
from tests.test_roundups import (
    NIGHT,
    Open,
    at,
    call,
    opened,
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
