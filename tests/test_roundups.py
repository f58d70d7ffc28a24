"""Roundups of an hour or a day: one message for many calls, at its time, of what the channel shows."""

import dataclasses

from bot.events import (
    CUSTOMER,
    CallEnded,
    CdrReceived,
    Described,
    LegAnswered,
    LegRinging,
    NotPlaced,
    Outcome,
    Requested,
    Wrapped,
)
from tests.fake_slack import FakeSlack
from tests.office import LINE, SETTINGS, Office
from tests.roundup_desk import (
    CALLER,
    DAILY,
    HELP,
    HELP_DESK,
    HOURLY,
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


async def kinds(desk: Office) -> set[str]:
    """Of cards that the channel has, or is to have."""
    return await desk.board.db.read(
        lambda db: {row[0] for row in db.execute("SELECT kind FROM cards WHERE place = 'C1'")}
    )


async def test_an_hour_of_calls_is_one_message(opened: Open) -> None:
    async with opened(HOURLY) as desk:
        await desk.contact(CALLER, "Noa Green")
        await call(desk, at("02 13:02"), "a")
        await call(desk, at("02 13:10"), "b", direction="out", number=OTHER)
        await call(desk, at("02 13:20"), "c", Outcome.NO_ANSWER, direction="out", number=OTHER)
        await call(desk, at("02 13:50"), "d", talk=200)
        assert (seen(desk), await kinds(desk)) == ([], {"roundup"})
        await until(desk, at("02 14:01"))
        (told,) = roundups(desk)
        assert told.text.splitlines() == [
            "Calls on 2 Feb 2026, 13:00 to 14:00",
            "2 came in: 2 answered, none missed.",
            "2 went out: 1 reached.",
            "Talk time: 5 min 20 s.",
            "13:50 · From Noa Green, +1 202-555-0155: answered by extension 201, talked 3 min 20 s",
            "13:20 · To +1 202-555-0156: no answer",
            "13:10 · To +1 202-555-0156: answered, talked 1 min",
            "13:02 · From Noa Green, +1 202-555-0155: answered by extension 201, talked 1 min",
            "As of 2 Feb 2026, 14:00.",
        ]
        await until(desk, at("02 16:30"))  # nothing is posted for an hour without calls
        assert seen(desk) == [told.text]


async def test_a_missed_caller_is_shown_at_once_and_counted(opened: Open) -> None:
    async with opened(HOURLY) as desk:
        await call(desk, at("02 13:02"), "a", Outcome.NO_ANSWER)
        await call(desk, at("02 13:04"), "b", Outcome.NO_ANSWER, number=OTHER)
        assert [text.startswith("☎️ Missed call from") for text in seen(desk)] == [True, True]
        await call(desk, at("02 13:30"), "c", direction="out", number=OTHER)
        await until(desk, at("02 14:01"))
        (told,) = roundups(desk)
        assert "2 came in: 0 answered, 2 missed, 1 caller still waits." in told.text
        assert "13:04 · From +1 202-555-0156: no answer, does not wait any more" in told.text
        assert "13:02 · From +1 202-555-0155: no answer, still waits" in told.text
        assert len(seen(desk)) == 3


async def test_a_call_that_rings_is_not_shown(opened: Open) -> None:
    async with opened(HOURLY) as desk:
        await until(desk, at("02 13:00"))
        told = Described(ref="a", at=at("02 13:00"), source="ring", direction="in", number=CALLER, line=LINE)
        await desk.happen(told, LegRinging(ref="a", at=at("02 13:00"), leg="ext:201"))
        await desk.happen(LegAnswered(ref="a", at=desk.clock(), leg="ext:201"))
        assert (seen(desk), await kinds(desk)) == ([], set())
        await until(desk, at("02 14:10"))  # it is counted in the hour in which it ends
        await desk.happen(CallEnded(ref="a", at=desk.clock()))
        assert seen(desk) == []
        await until(desk, at("02 15:01"))
        (told_of,) = roundups(desk)
        assert "Calls on 2 Feb 2026, 14:00 to 15:00\n1 came in: 1 answered, none missed." in told_of.text


async def test_a_restart_at_any_moment_neither_doubles_nor_loses_it(opened: Open) -> None:
    async with opened(HOURLY) as desk:
        await call(desk, at("02 13:02"), "a")
    async with opened(HOURLY) as desk:  # and long after its hour was over
        desk.clock.now = at("02 15:40")
        await desk.settle()
        assert len(roundups(desk)) == 1
        await desk.happen(*record("a", at("02 13:02"), Outcome.ANSWERED))  # told once more
    async with opened(HOURLY) as desk:
        await until(desk, at("02 17:00"))
        assert len(seen(desk)) == 1


async def test_a_post_that_a_kill_cut_off_is_not_repeated(opened: Open, fake_slack: FakeSlack) -> None:
    async with opened(HOURLY) as desk:
        await call(desk, at("02 13:02"), "a")
        fake_slack.fail_next("chat.postMessage", "drop_after")
        await until(desk, at("02 14:01"))
    async with opened(HOURLY) as desk:
        await until(desk, at("02 14:30"))
        assert len(seen(desk)) == 1


async def test_the_clock_that_is_set_back_brings_no_second_one(opened: Open) -> None:
    async with opened(HOURLY) as desk:
        await call(desk, at("02 13:02"), "a")
        await until(desk, at("02 14:01"))
        desk.clock.now = at("02 13:30")
        await desk.happen(*record("b", at("02 13:29"), Outcome.ANSWERED, number=OTHER))
        await until(desk, at("02 14:30"))
        (told,) = roundups(desk)
        assert "2 came in" in told.text


async def test_a_day_is_one_message_when_it_is_over(opened: Open) -> None:
    async with opened(DAILY) as desk:
        await call(desk, at("02 09:02"), "a")
        await call(desk, at("02 21:02"), "b", direction="out", number=OTHER)
        await until(desk, at("02 23:59"))
        assert seen(desk) == []
        await until(desk, at("03 00:01"))
        (told,) = seen(desk)
        assert told.startswith("Calls on 2 Feb 2026\n1 came in: 1 answered, none missed.\n1 went out")
        assert "21:02 · To" in told


async def test_lines_of_one_channel_are_in_one(opened: Open) -> None:
    async with opened(HOURLY.replace("[policy]", f"{HELP_DESK}[policy]")) as desk:
        await call(desk, at("02 13:02"), "a")
        await call(desk, at("02 13:30"), "b", line=HELP, number=OTHER)
        await until(desk, at("02 14:01"))
        (told,) = roundups(desk)
        assert "2 came in" in told.text
        assert "0156: answered by extension 201, talked 1 min, line Help" in told.text  # where there are several


async def test_each_channel_has_its_own(opened: Open) -> None:
    async with opened(HOURLY.replace("[policy]", f'{HELP_DESK}channel = "C2"\n[policy]')) as desk:
        desk.slack.channels["C2"] = dataclasses.replace(desk.slack.channels["C2"], bot_is_member=True)
        await call(desk, at("02 13:02"), "a")
        await call(desk, at("02 13:30"), "b", line=HELP, number=OTHER)
        await until(desk, at("02 14:01"))
        assert ["1 came in" in one.text for one in (*roundups(desk), *roundups(desk, "C2"))] == [True, True]


async def test_one_pace_is_for_all_lines_that_say_nothing_else(opened: Open) -> None:
    text = 'roundup = "hourly"\n' + SETTINGS.replace("[policy]", f"{HELP_DESK}[policy]").replace(
        'label = "Help"\nroundup = "hourly"', 'label = "Help"\nroundup = ""'
    )
    async with opened(text) as desk:
        await call(desk, at("02 13:02"), "a")
        await call(desk, at("02 13:10"), "b", line="", number=OTHER)
        assert seen(desk) == []
        await call(desk, at("02 13:30"), "c", line=HELP, number=OTHER)
        assert len(seen(desk)) == 1
        await until(desk, at("02 14:01"))
        assert "2 came in" in roundups(desk)[0].text


async def test_only_so_many_are_named(opened: Open) -> None:
    async with opened(HOURLY) as desk:
        for minute in range(13):
            await call(desk, at(f"02 13:{10 + 2 * minute}"), f"r{minute}", direction="out", number=OTHER)
        await until(desk, at("02 14:01"))
        (told,) = roundups(desk)
        assert told.text.count("· To") == 10
        assert "and 3 more: `/calls log 2026-02-02`" in told.text
        assert told.text.index("13:34 ·") < told.text.index("13:16 ·")


async def test_it_tells_of_what_the_line_would_have_shown(opened: Open) -> None:
    async with opened(HOURLY.replace('roundup = "hourly"', 'roundup = "hourly"\nsummary = false')) as desk:
        await call(desk, at("02 13:02"), "a")
        await call(desk, at("02 13:10"), "b", direction="out", number=OTHER)
        await until(desk, at("02 14:01"))
        assert "went out" not in seen(desk)[0]
    async with opened(HOURLY.replace('roundup = "hourly"', 'roundup = "hourly"\nincoming = false')) as desk:
        await call(desk, at("02 15:02"), "c")
        await call(desk, at("02 15:10"), "d", direction="out", number=OTHER)
        await until(desk, at("02 16:01"))
        assert "came in" not in seen(desk)[-1]


async def test_calls_that_have_a_message_of_their_own_are_not_told_again(opened: Open) -> None:
    async with opened(SETTINGS) as desk:
        await call(desk, at("02 13:02"), "a")
        await call(desk, at("02 13:10"), "b", direction="out", number=OTHER)
        assert len(seen(desk)) == 2
    async with opened(HOURLY) as desk:
        await call(desk, at("02 13:30"), "c", number=OTHER)
        await desk.happen(Wrapped(ref="b", at=desk.clock(), by="U1", note="They order."))
        assert "They order." in seen(desk)[1]
        await until(desk, at("02 14:01"))
        (told,) = roundups(desk)
        assert "1 came in: 1 answered, none missed." in told.text


async def test_a_call_may_last_for_many_hours(opened: Open) -> None:
    async with opened(HOURLY) as desk:
        await call(desk, at("02 04:00"), "a", talk=9 * 3600 + 600)
        await until(desk, at("02 14:01"))
        (told,) = roundups(desk)
        assert "1 came in: 1 answered" in told.text


async def test_of_whom_nobody_need_hear_nothing_is_posted(opened: Open) -> None:
    text = HOURLY.replace('roundup = "hourly"', 'roundup = "hourly"\nmissed = false')
    async with opened(text) as desk:
        await call(desk, at("02 13:02"), "a", Outcome.NO_ANSWER)
        await until(desk, at("02 14:01"))
        assert seen(desk) == []
        await call(desk, at("02 14:02"), "b", Outcome.NO_ANSWER)
        await call(desk, at("02 14:10"), "c", direction="out", number=OTHER)
        await until(desk, at("02 15:01"))
        (told,) = roundups(desk)
        assert told.text.splitlines()[1:3] == [
            "1 came in: 0 answered, none missed, 1 not answered and not reported.",
            "1 went out: 1 reached.",
        ]
        assert "From" not in told.text


async def test_numbers_are_hidden_where_the_channel_hides_them_and_nobody_is_rung(opened: Open) -> None:
    async with opened(HOURLY.replace('label = "Sales"', 'label = "Sales"\nmask = true')) as desk:
        await desk.link("U1", extension="201")
        told = record("a", at("02 13:02"), Outcome.ANSWERED)
        await until(desk, told[-1].at)
        await desk.happen(*told)
        await until(desk, at("02 14:01"))
        assert "0155" not in seen(desk)[0]
        assert "<@" not in seen(desk)[0]


async def test_a_reps_own_card_and_conversation_are_as_always(opened: Open) -> None:
    async with opened(HOURLY) as desk:
        await desk.link("U1")
        await desk.type("/call +1 202 555 0123")
        assert len(desk.conversation("U1")) == 1
        ended = CdrReceived(ref="paper-1", at=desk.clock(), leg=CUSTOMER, outcome=Outcome.ANSWERED, talk_seconds=33)
        await desk.happen(ended, CallEnded(ref="paper-1", at=desk.clock() + 40))
        assert "Talked for 33 s" in desk.conversation("U1")[0].text
        assert seen(desk) == []
        desk.clock.advance(3700)
        await desk.settle()
        assert "1 went out: 1 reached." in roundups(desk)[0].text


async def test_nothing_is_written_for_orders_that_never_rang(opened: Open) -> None:
    async with opened(HOURLY) as desk:
        await until(desk, at("02 13:00"))
        asked = Requested(at=desk.clock(), rep="U1", rep_phone="+12025550190", number=CALLER, line=LINE)
        await desk.board.ingest("voicenter", [asked], call_id="c1")
        await desk.board.ingest(
            "voicenter", [NotPlaced(at=desk.clock(), outcome=Outcome.REFUSED, words="No.")], call_id="c1"
        )
        await until(desk, at("02 15:00"))
        assert seen(desk) == []
