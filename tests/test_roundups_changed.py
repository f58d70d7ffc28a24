"""Roundups and quiet hours once the settings, or what is known of a call, have changed; and in a busy channel."""

import dataclasses

from bot.events import Described, Outcome, Requested, Unclear, Wrapped
from bot.store import channels, retention
from tests.office import LINE, SETTINGS
from tests.test_roundups import (
    CALLER,
    HELP,
    HELP_DESK,
    HOURLY,
    NIGHT,
    OTHER,
    Open,
    at,
    call,
    opened,
    record,
    roundups,
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


async def test_what_a_roundup_has_told_of_gets_no_message_of_its_own_later(opened: Open) -> None:
    async with opened(HOURLY) as desk:
        await call(desk, at("02 13:02"), "a")
        await call(desk, at("02 13:12"), "b", direction="out", number=OTHER)
        await until(desk, at("02 14:01"))
        assert len(seen(desk)) == 1
    async with opened(SETTINGS) as desk:
        for ref in "ab":
            await desk.happen(Wrapped(ref=ref, at=desk.clock(), by="U1", note="They order."))
        await until(desk, at("02 14:10"))
        assert len(seen(desk)) == 1


async def test_what_is_told_only_then_is_put_into_the_roundup_of_its_time(opened: Open) -> None:
    async with opened(HOURLY) as desk:
        await call(desk, at("02 13:02"), "a")
        await until(desk, at("02 14:01"))
    async with opened(SETTINGS) as desk:
        await desk.happen(*record("b", at("02 13:30"), Outcome.ANSWERED, number=OTHER))
        await call(desk, at("02 14:05"), "c", number=OTHER)
        await until(desk, at("02 14:10"))
        assert ["2 came in" in text for text in seen(desk)] == [True, False]


async def test_a_call_whose_line_is_told_later_leaves_the_roundup(opened: Open) -> None:
    text = 'roundup = "hourly"\n' + SETTINGS.replace('label = "Sales"', 'label = "Sales"\nroundup = ""')
    async with opened(text) as desk:
        await call(desk, at("02 13:02"), "a", line="")
        await call(desk, at("02 13:12"), "b", line="", number=OTHER)
        await until(desk, at("02 14:01"))
        assert "2 came in" in seen(desk)[0]
        told = Described(ref="a", at=at("02 13:02"), source="late", direction="in", number=CALLER, line=LINE)
        await desk.happen(told)
        await until(desk, at("02 14:10"))
        assert ["1 came in" in text for text in seen(desk)] == [True, False]


async def test_what_is_told_of_long_ago_brings_no_roundup(opened: Open) -> None:
    async with opened(NIGHT) as desk:
        await call(desk, at("02 21:00"), "a", Outcome.NO_ANSWER)
        await until(desk, at("03 08:01"))
        assert len(seen(desk)) == 1
        desk.clock.now = at("08 09:00")
        await desk.board.ingest("voicenter", record("b", at("02 22:00"), Outcome.ANSWERED, number=OTHER), late=True)
        await until(desk, at("08 09:05"))
        assert len(seen(desk)) == 1


async def test_a_forgotten_roundup_is_not_posted_again(opened: Open) -> None:
    async with opened(HOURLY) as desk:
        await call(desk, at("02 13:02"), "a")
        await until(desk, at("02 14:01"))
        assert len(seen(desk)) == 1
        desk.clock.now = at("12 09:00")
        old = await desk.board.read(retention.old_notices, at("11 09:00"), 0)
        assert await desk.board.write(retention.forget_notices, old, at("11 09:00")) == 1
        await desk.happen(Wrapped(ref="a", at=desk.clock(), by="U1", note="They order."))
        await until(desk, at("12 09:05"))
        assert len(seen(desk)) == 1


async def test_a_call_that_another_takes_in_leaves_the_roundup(opened: Open) -> None:
    text = 'roundup = "hourly"\n' + SETTINGS.replace("[policy]", f'{HELP_DESK}channel = "C2"\n[policy]')
    async with opened(text) as desk:
        desk.slack.channels["C2"] = dataclasses.replace(desk.slack.channels["C2"], bot_is_member=True)
        await until(desk, at("02 13:00"))
        asked = Requested(at=desk.clock(), rep="U1", rep_phone="+12025550190", number=CALLER, line=HELP)
        await desk.board.ingest("voicenter", [asked, Unclear(at=desk.clock(), words="Nobody knows.")], call_id="c1")
        await call(desk, at("02 13:02"), "a", direction="out", number=OTHER, line="")
        await call(desk, at("02 13:12"), "b", direction="out", number=OTHER, line="")
        await until(desk, at("02 14:01"))
        assert "2 went out" in seen(desk)[0]
        ours = Described(
            ref="a", at=at("02 13:02"), source="late", direction="out", number=CALLER, line=HELP, call_id="c1"
        )
        await desk.happen(ours)
        await until(desk, at("02 14:10"))
        assert "1 went out" in seen(desk)[0]
        assert "1 went out" in seen(desk, "C2")[0]


async def test_who_asks_how_callboard_is_hears_which_channels_are_quiet(opened: Open) -> None:
    async with opened(NIGHT) as desk:
        await until(desk, at("02 19:59"))
        assert "uiet" not in await desk.type("/callboard")
        await until(desk, at("02 20:01"))
        told = await desk.type("/callboard")
        assert "Messages waiting to be shown: 0\n• Quiet: <#C1> until tomorrow 08:00\n" in told
        await desk.board.write(channels.keep_members, "C1", ["U9"], desk.clock())
        assert "Quiet" not in await desk.type("/callboard")


async def test_calls_of_other_lines_that_are_told_late_edit_no_roundup(opened: Open) -> None:
    text = HOURLY.replace("[policy]", HELP_DESK.replace('roundup = "hourly"', "") + "[policy]")
    async with opened(text) as desk:
        await call(desk, at("02 13:02"), "a")
        await until(desk, at("02 14:01"))
        for turn in range(3):
            await desk.happen(*record(f"r{turn}", at("02 13:30"), Outcome.ANSWERED, number=OTHER, line=HELP))
            await until(desk, desk.clock() + 61)  # so that its time would be another
        (told,) = roundups(desk)
        assert (len(seen(desk)), len(told.updates)) == (4, 0)


async def test_the_clock_that_is_set_back_brings_none_too_early(opened: Open) -> None:
    async with opened(HOURLY) as desk:
        await call(desk, at("02 13:50"), "a")
        desk.clock.now = at("02 13:20")
        await until(desk, at("02 13:40"))
        assert seen(desk) == []
        await call(desk, at("02 13:55"), "b", number=OTHER)
        await until(desk, at("02 14:01"))
        (told,) = roundups(desk)
        assert ("2 came in" in told.text, len(told.updates)) == (True, 0)
