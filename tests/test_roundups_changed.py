"""Roundups and quiet hours once the settings, or what is known of a call, have changed; and in a busy channel."""

import dataclasses
import re

import pytest

from bot.events import CallEnded, CdrReceived, Described, LegAnswered, Outcome, Requested, Unclear, Wrapped
from bot.store import calls, cards, channels, retention
from tests.office import LINE, SETTINGS
from tests.roundup_desk import (
    CALLER,
    DAILY,
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


async def test_what_is_told_later_is_put_in_by_an_edit(opened: Open) -> None:
    async with opened(HOURLY) as desk:
        await call(desk, at("02 13:02"), "a")
        await until(desk, at("02 14:05"))
        await desk.happen(*record("b", at("02 13:50"), Outcome.ANSWERED, number=OTHER))
        await until(desk, at("02 14:06"))
        (told,) = roundups(desk)
        assert ("2 came in: 2 answered" in told.text, len(told.updates)) == (True, 1)


async def test_a_call_that_turns_out_to_have_ended_in_another_hour_is_in_that_one_only(opened: Open) -> None:
    async with opened(HOURLY) as desk:
        told = Described(ref="a", at=at("02 13:59"), source="ring", direction="in", number=CALLER, line=LINE)
        await until(desk, at("02 13:59:50"))
        answered = LegAnswered(ref="a", at=at("02 13:59"), leg="ext:201")
        await desk.happen(told, answered, CallEnded(ref="a", at=at("02 13:59:58")))
        await until(desk, at("02 14:02"))
        assert "Calls on 2 Feb 2026, 13:00 to 14:00" in seen(desk)[0]
        done = CdrReceived(ref="a", at=at("02 13:59"), leg="ext:201", outcome=Outcome.ANSWERED, talk_seconds=65)
        await desk.happen(done)
        await until(desk, at("02 15:01"))
        (only,) = seen(desk)
        assert "Calls on 2 Feb 2026, 14:00 to 15:00" in only


async def test_what_an_hour_began_with_is_told_when_the_settings_have_changed(opened: Open) -> None:
    async with opened(HOURLY) as desk:
        await call(desk, at("02 13:02"), "a")
    async with opened(SETTINGS) as desk:
        await call(desk, at("02 13:30"), "b", number=OTHER)
        assert len(seen(desk)) == 1
        await until(desk, at("02 14:01"))
        (told,) = roundups(desk)
        assert "1 came in" in told.text


@pytest.mark.parametrize(("hours", "comes"), [(3, True), (30, False)])
async def test_what_a_log_tells_after_down_time_is_told_if_it_is_news(opened: Open, hours: int, comes: bool) -> None:
    async with opened(HOURLY) as desk:
        desk.clock.now = at("03 19:00")
        told = record("a", desk.clock() - hours * 3600, Outcome.ANSWERED)
        await desk.board.ingest("voicenter", told, late=True)
        await until(desk, at("03 19:05"))
        assert len(roundups(desk)) == comes


async def test_what_a_log_tells_much_later_changes_what_stands_there(opened: Open) -> None:
    async with opened(HOURLY) as desk:
        await call(desk, at("02 13:02"), "a")
        await until(desk, at("02 14:05"))
        desk.clock.now = at("05 09:00")
        await desk.board.ingest("voicenter", record("b", at("02 13:30"), Outcome.ANSWERED, number=OTHER), late=True)
        await until(desk, at("05 09:01"))
        (told,) = roundups(desk)
        assert "2 came in" in told.text


async def test_what_an_admin_fetches_is_told_nowhere(opened: Open) -> None:
    async with opened(HOURLY) as desk:
        await call(desk, at("02 13:02"), "a")
        older = record("b", at("02 13:10"), Outcome.ANSWERED, number=OTHER)
        await desk.board.write(
            calls.ingest, "voicenter", older, now=desk.clock(), routing=desk.board.routing, fetched=True
        )
        await until(desk, at("02 14:01"))
        (told,) = roundups(desk)
        assert "1 came in" in told.text


@pytest.mark.parametrize("pace", ["hourly", ""])
async def test_a_line_that_leaves_in_the_middle_of_an_hour_is_told_of_as_far_as_it_was_in(
    opened: Open, pace: str
) -> None:
    first, then = HELP_DESK, HELP_DESK.replace('"hourly"', '""')
    if not pace:  # or joins
        first, then = then, first
    async with opened(HOURLY.replace("[policy]", f"{first}[policy]")) as desk:
        await call(desk, at("02 13:02"), "a")
        await call(desk, at("02 13:10"), "b", line=HELP, number=OTHER)
    async with opened(HOURLY.replace("[policy]", f"{then}[policy]")) as desk:
        await call(desk, at("02 13:20"), "c", line=HELP, number=OTHER)
        await call(desk, at("02 13:30"), "d")
        await until(desk, at("02 14:01"))
        (told,) = roundups(desk)
        assert (len(seen(desk)), "3 came in" in told.text) == (2, True)


async def test_a_change_of_the_pace_tells_of_nothing_twice(opened: Open) -> None:
    async with opened(HOURLY) as desk:
        await call(desk, at("02 10:02"), "a")
        await call(desk, at("02 14:02"), "b")
    async with opened(DAILY) as desk:
        await call(desk, at("02 14:30"), "c")
        await call(desk, at("02 15:30"), "d")
        await until(desk, at("03 00:01"))
        assert [re.findall(r"\d+ came in", text) for text in seen(desk)] == [
            ["1 came in"],
            ["2 came in"],
            ["1 came in"],
        ]
        # What stands there keeps what it told of, also when it is drawn anew.
        for ref, began in (("a", "02 10:02"), ("c", "02 14:30"), ("d", "02 15:30")):
            told = next(one for one in await desk.calls() if one.started_at == at(began))
            await desk.board.ingest("voicenter", [Wrapped(at=desk.clock(), by="U1", note=ref)], call_id=told.id)
        for one in roundups(desk):
            card = await desk.board.read(cards.by_message, "C1", one.ts)
            assert card is not None
            await desk.board.write(cards.touch, card.subject, "roundup")
        await until(desk, at("03 00:05"))
        assert [re.findall(r"\d+ came in", text) for text in seen(desk)] == [
            ["1 came in"],
            ["2 came in"],
            ["1 came in"],
        ]


async def test_what_is_told_late_goes_where_the_others_of_its_time_are(opened: Open) -> None:
    async with opened(HOURLY) as desk:
        await call(desk, at("02 14:02"), "a")
        await until(desk, at("02 15:01"))
    async with opened(DAILY) as desk:
        await desk.happen(*record("b", at("02 14:50"), Outcome.ANSWERED, number=OTHER))
        await until(desk, at("02 15:10"))
        await desk.happen(*record("c", at("02 15:05"), Outcome.ANSWERED))
        await until(desk, at("03 00:01"))
        assert [re.findall(r"\d+ came in", text) for text in seen(desk)] == [["2 came in"], ["1 came in"]]


async def test_what_was_told_of_in_the_morning_has_no_message_of_its_hour_later(opened: Open) -> None:
    async with opened(NIGHT.replace('label = "Sales"', 'label = "Sales"\nroundup = "hourly"')) as desk:
        await call(desk, at("02 19:30"), "a")
        await until(desk, at("03 08:01"))
        (before,) = roundups(desk)
    async with opened(HOURLY) as desk:
        await desk.happen(Wrapped(ref="a", at=desk.clock(), by="U1", note="They order."))
        await until(desk, at("03 09:01"))
        (after,) = roundups(desk)
        assert (after.ts, "1 came in" in after.text) == (before.ts, True)


@pytest.mark.parametrize("noted", [False, True])
async def test_quiet_hours_that_are_given_up_tell_of_nothing_twice_and_lose_nothing(opened: Open, noted: bool) -> None:
    text = NIGHT.replace('label = "Sales"', 'label = "Sales"\nroundup = "hourly"')
    async with opened(text) as desk:
        await call(desk, at("02 19:30"), "a")
        await call(desk, at("02 21:10"), "b", number=OTHER)
    async with opened(HOURLY) as desk:
        if noted:  # so its hour is told of at once, as it is by now
            await desk.happen(Wrapped(ref="a", at=desk.clock(), by="U1", note="They order."))
            await until(desk, at("02 21:15"))
            assert "1 came in" in seen(desk)[0]
        await call(desk, at("02 21:40"), "c")
        await until(desk, at("02 22:01"))
        assert len(seen(desk)) == 1 + noted
        await until(desk, at("03 08:01"))
        found = [re.findall(r"\d+ came in", text) for text in seen(desk)]
        assert sorted(found) == [["1 came in"], ["2 came in"]]
