"""Roundups and quiet hours through the whole: what the service tells, what the channel sees, and when."""

import dataclasses
import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.events import (
    CUSTOMER,
    AnyEvent,
    CallEnded,
    CdrReceived,
    Described,
    Direction,
    LegAnswered,
    LegRinging,
    NotPlaced,
    Outcome,
    Requested,
    Wrapped,
)
from bot.store import calls, cards, missed
from bot.store import roundups as roundups_store
from tests.fake_slack import FakeSlack
from tests.office import LINE, SETTINGS, Office, office
from tests.slack_state import Clock, Message

CALLER, OTHER = "+12025550155", "+12025550156"
HELP = "+12025550101"
HOURLY = SETTINGS.replace('label = "Sales"', 'label = "Sales"\nroundup = "hourly"')
DAILY = HOURLY.replace('"hourly"', '"daily"')
NIGHT = SETTINGS.replace('label = "Sales"', 'label = "Sales"\nquiet = ["20:00", "08:00"]')
Open = Callable[[str], AbstractAsyncContextManager[Office]]


@pytest.fixture
def opened(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> Open:
    """Opens the office, always the same, with these settings."""
    return lambda text: office(tmp_path, fake_slack, slack_clock, text)


def at(text: str) -> float:
    """A moment of Madrid, where the office is."""
    return datetime.fromisoformat(f"2026-02-{text}").replace(tzinfo=ZoneInfo("Europe/Madrid")).timestamp()


async def until(desk: Office, moment: float) -> None:
    """Time passes, a minute at a time, as the feed sees it."""
    assert moment >= desk.clock()
    while desk.clock() < moment:
        desk.clock.advance(min(60, moment - desk.clock()))
        await desk.settle()


def record(
    ref: str,
    began: float,
    outcome: Outcome,
    *,
    number: str = CALLER,
    direction: Direction = "in",
    line: str = LINE,
    talk: int = 60,
) -> tuple[AnyEvent, ...]:
    """The record of a call that rang for 10 s and, if answered, was talked for a minute."""
    talked = talk if outcome is Outcome.ANSWERED else 0
    leg = CUSTOMER if direction == "out" else "ext:201"
    return (
        Described(ref=ref, at=began, source=f"cdr:{leg}", direction=direction, number=number, line=line),
        CdrReceived(ref=ref, at=began, leg=leg, outcome=outcome, ring_seconds=10, talk_seconds=talked),
        CallEnded(ref=ref, at=began + 10 + talked),
    )


async def call(desk: Office, moment: float, ref: str, outcome: Outcome = Outcome.ANSWERED, **more: object) -> None:
    """One that begins at a moment, and of which its record tells at its end."""
    told = record(ref, moment, outcome, **more)  # type: ignore[arg-type]
    await until(desk, told[-1].at)
    await desk.happen(*told)


def seen(desk: Office, channel: str = "C1") -> list[str]:
    return [message.text for message in desk.slack.channel(channel)]


def roundups(desk: Office, channel: str = "C1") -> list[Message]:
    return [message for message in desk.slack.channel(channel) if message.text.startswith("Calls ")]


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


HELP_DESK = f'\n[lines."{HELP}"]\nlabel = "Help"\nroundup = "hourly"\n'


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


async def test_what_an_hour_began_with_is_told_when_the_settings_have_changed(opened: Open) -> None:
    async with opened(HOURLY) as desk:
        await call(desk, at("02 13:02"), "a")
    async with opened(SETTINGS) as desk:
        await call(desk, at("02 13:30"), "b", number=OTHER)
        assert len(seen(desk)) == 1
        await until(desk, at("02 14:01"))
        (told,) = roundups(desk)
        assert "1 came in" in told.text


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


# Quiet hours


async def test_quiet_hours_hold_and_then_tell_all_in_one(opened: Open) -> None:
    async with opened(NIGHT) as desk:
        await call(desk, at("02 19:30"), "a")
        assert len(seen(desk)) == 1
        await call(desk, at("02 20:10"), "b", direction="out", number=OTHER)
        await call(desk, at("02 22:10"), "c")
        await call(desk, at("03 06:10"), "d", direction="out", number=OTHER)
        await until(desk, at("03 07:59:50"))
        assert len(seen(desk)) == 1
    async with opened(NIGHT) as desk:
        await until(desk, at("03 08:01"))
        (told,) = roundups(desk)
        assert told.text.startswith(
            "Calls from 2 Feb 2026, 20:00 to 3 Feb 2026, 08:00\n1 came in: 1 answered, none missed.\n2 went"
        )
        assert "2 Feb 2026, 22:10 · From" in told.text
        assert "This channel was quiet meanwhile." in told.text
        await call(desk, at("03 08:10"), "e", number=OTHER)  # one by one again
        assert len(seen(desk)) == 3


async def test_whoever_still_waits_in_the_morning_gets_a_card_and_whoever_was_called_back_none(opened: Open) -> None:
    async with opened(NIGHT) as desk:
        await call(desk, at("02 21:00"), "a", Outcome.NO_ANSWER)
        await call(desk, at("02 21:05"), "b", Outcome.NO_ANSWER, number=OTHER)
        await call(desk, at("03 02:00"), "c", Outcome.NO_ANSWER)
        assert [row.number for row in await desk.board.read(missed.waiting)] == [CALLER, OTHER]  # but all is known
        await call(desk, at("03 07:00"), "d", direction="out", number=OTHER)
        await until(desk, at("03 07:59:50"))
        assert seen(desk) == []
        await until(desk, at("03 08:01"))
        waits, told = sorted(seen(desk))[::-1]
        assert waits.startswith("☎️ Missed call from +1 202-555-0155\nMissed twice")
        assert "3 came in: 0 answered, 3 missed, 1 caller still waits.\n1 went out: 1 reached." in told
        assert len(seen(desk)) == 2


async def test_of_a_night_of_missed_callers_only_those_who_wait_are_shown(opened: Open) -> None:
    async with opened(NIGHT) as desk:
        await call(desk, at("02 21:00"), "a", Outcome.NO_ANSWER)
        await until(desk, at("03 08:01"))
        (only,) = seen(desk)
        assert only.startswith("☎️ Missed call from")


async def test_a_card_that_stands_there_goes_on_being_edited(opened: Open) -> None:
    async with opened(NIGHT) as desk:
        await call(desk, at("02 19:50"), "a", Outcome.NO_ANSWER)
        (before,) = desk.slack.channel("C1")
        await call(desk, at("02 20:30"), "b", direction="out")
        await until(desk, at("02 20:40"))
        (after,) = desk.slack.channel("C1")
        assert (after.ts, "called back" in after.text) == (before.ts, True)


async def test_a_call_that_was_shown_when_they_began_is_shown_to_its_end(opened: Open) -> None:
    async with opened(NIGHT) as desk:
        await until(desk, at("02 19:58"))
        told = Described(ref="a", at=at("02 19:58"), source="ring", direction="in", number=CALLER, line=LINE)
        await desk.happen(told, LegAnswered(ref="a", at=at("02 19:58"), leg="ext:201"))
        assert len(seen(desk)) == 1
        await until(desk, at("02 20:05"))
        await desk.happen(CallEnded(ref="a", at=desk.clock()))
        await until(desk, at("03 09:00"))
        (only,) = desk.slack.channel("C1")
        assert "Call from" in only.text
        assert len(only.updates) > 0


async def test_a_call_that_rings_in_quiet_hours_is_shown_if_it_goes_on_after_them(opened: Open) -> None:
    async with opened(NIGHT) as desk:
        await until(desk, at("03 07:59"))
        told = Described(ref="a", at=desk.clock(), source="ring", direction="in", number=CALLER, line=LINE)
        await desk.happen(told, LegRinging(ref="a", at=desk.clock(), leg="ext:201"))
        assert seen(desk) == []
        await until(desk, at("03 08:01"))
        await desk.happen(LegAnswered(ref="a", at=desk.clock(), leg="ext:201"))
        assert "Talking" in seen(desk)[0]
        await desk.happen(CallEnded(ref="a", at=desk.clock()))
        await until(desk, at("03 08:10"))
        assert len(seen(desk)) == 1


async def test_what_could_not_be_posted_before_them_waits(opened: Open, fake_slack: FakeSlack) -> None:
    async with opened(NIGHT) as desk:
        await until(desk, at("02 19:59:50"))
        fake_slack.fail_next("chat.postMessage", "500")
        await desk.happen(*record("a", at("02 19:58"), Outcome.ANSWERED, direction="out"))
        await until(desk, at("03 07:59"))
        assert seen(desk) == []
        await until(desk, at("03 08:01"))
        assert len(seen(desk)) == 1


@pytest.mark.parametrize("how", ["500", "drop_before"])
async def test_a_call_whose_card_did_not_come_before_them_is_told_of_afterwards(
    opened: Open, fake_slack: FakeSlack, how: str
) -> None:
    async with opened(NIGHT) as desk:
        await until(desk, at("02 19:59:50"))
        fake_slack.fail_next("chat.postMessage", how)
        told = Described(ref="a", at=desk.clock(), source="ring", direction="in", number=CALLER, line=LINE)
        await desk.board.ingest("voicenter", [told, LegAnswered(ref="a", at=desk.clock(), leg="ext:201")])
        await desk.settle()
        desk.clock.now = max(desk.clock(), at("02 20:00:01"))
        await until(desk, at("02 20:05"))
        assert seen(desk) == []
        await desk.happen(CallEnded(ref="a", at=desk.clock()))
        await until(desk, at("03 08:05"))
        (only,) = seen(desk)
        assert "1 came in: 1 answered" in only


async def test_while_it_is_not_known_whether_a_call_is_shown_it_counts_as_that(
    opened: Open, fake_slack: FakeSlack
) -> None:
    async with opened(NIGHT) as desk:
        desk.clock.now = at("02 20:30")
        await desk.board.ingest("voicenter", record("a", at("02 20:10"), Outcome.ANSWERED, direction="out"))
        (call,) = await desk.calls()
        period = (at("02 20:00"), at("03 08:00"), "C1")
        assert await desk.board.read(roundups_store.calls_of, *period) == [call]
        await desk.board.write(cards.mark, "cdr", call.id, "C1", desk.clock())
        card = await desk.board.read(cards.find, "cdr", call.id)
        assert card is not None
        await desk.board.write(cards.posting, card, "C1", desk.clock())
        assert await desk.board.read(roundups_store.calls_of, *period) == []


async def test_escalations_and_everything_in_private_come_at_once(opened: Open) -> None:
    async with opened(NIGHT) as desk:
        mine = Described(ref="a", at=at("02 21:00"), source="cdr", direction="in", number=CALLER, extension="201")
        await desk.link("U1", extension="201")
        await until(desk, at("02 21:00"))
        rung = CdrReceived(ref="a", at=at("02 21:00"), leg="ext:201", outcome=Outcome.NO_ANSWER, extension="201")
        await desk.happen(mine, rung)
        assert "Missed call" in desk.conversation("U1")[0].text
        await call(desk, at("02 21:30"), "b", Outcome.NO_ANSWER, number=OTHER)
        assert "0156" in await desk.type("/missed")
        assert seen(desk) == []


async def test_a_channel_is_as_quiet_as_the_quietest_of_its_lines(opened: Open) -> None:
    other = f'\n[lines."{HELP}"]\nlabel = "Help"\n[policy]'
    async with opened(NIGHT.replace("[policy]", other, 1)) as desk:
        await call(desk, at("02 21:00"), "a", line=HELP)
        assert seen(desk) == []
        await until(desk, at("03 08:01"))
        assert len(roundups(desk)) == 1


async def test_hours_that_are_quiet_are_one_roundup(opened: Open) -> None:
    text = NIGHT.replace('label = "Sales"', 'label = "Sales"\nroundup = "hourly"')
    async with opened(text) as desk:
        for number, hour in enumerate(("02 18:10", "02 19:10", "02 20:10", "03 01:10", "03 07:10", "03 08:10")):
            await call(desk, at(hour), f"r{number}", direction="out", number=OTHER)
        await until(desk, at("03 09:01"))
        assert [text.splitlines()[:2] for text in seen(desk)] == [
            ["Calls on 2 Feb 2026, 18:00 to 19:00", "1 went out: 1 reached."],
            ["Calls from 2 Feb 2026, 19:00 to 3 Feb 2026, 08:00", "4 went out: 4 reached."],
            ["Calls on 3 Feb 2026, 08:00 to 09:00", "1 went out: 1 reached."],
        ]


async def test_a_days_roundup_waits_for_the_morning(opened: Open) -> None:
    text = NIGHT.replace('label = "Sales"', 'label = "Sales"\nroundup = "daily"')
    async with opened(text) as desk:
        await call(desk, at("02 10:10"), "a")
        await call(desk, at("02 23:10"), "b")
        await call(desk, at("03 07:10"), "c")
        assert seen(desk) == []
        await until(desk, at("03 08:01"))
        (told,) = seen(desk)
        assert "2 came in" in told


async def test_a_digest_comes_when_it_was_asked_for(opened: Open) -> None:
    async with opened(NIGHT) as desk:
        await until(desk, at("02 21:00"))
        body = b'{"title":"Call digest","text":"Call digest","lines":["One."],"as_of":"Now."}'
        await desk.board.write(cards.mark, "digest", "daily:x", "C1", desk.clock(), body)
        await desk.settle()
        assert len(seen(desk)) == 1


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
