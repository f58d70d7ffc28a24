"""While the team is not at work a rep may call less: whoever uses their Slack then is hardly they."""

import asyncio
import html
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot import dialing, policy
from bot.call import Call
from bot.controlling import bring_in
from bot.errors import CapReached, NeedsReason, NotAllowed, SettingsError
from bot.events import CallEnded
from bot.intents import Ask
from bot.limits import LATE, night
from bot.rules import Allowed, History, Proposed, Refused, Rules, Used
from bot.store import ledger
from bot.window import Window
from tests.audit_lines import audit_log
from tests.fake_slack import FakeSlack
from tests.office import SETTINGS, Office, office
from tests.slack_state import Clock
from tests.test_outside_calls import OUTSIDE, Exchange, answered

RULES = Rules(region="US", zone="Europe/Madrid")
ORDER = Proposed(rep="U1", role="rep", number="+12025550123", confirmed=True)


def at(text: str, zone: str = "Europe/Madrid") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


# When it is night.


@pytest.mark.parametrize(
    ("moment", "start", "end"),
    [
        ("2026-02-02 03:40", "2026-02-01 12:00", "2026-02-02 06:00"),  # the night to a Monday, since Sunday noon
        ("2026-02-02 06:00", "", ""),
        ("2026-02-02 20:59", "", ""),  # three hours after hours: people work late
        ("2026-02-02 21:00", "2026-02-02 21:00", "2026-02-03 06:00"),
        ("2026-02-03 05:59", "2026-02-02 21:00", "2026-02-03 06:00"),  # midnight changes nothing
        ("2026-02-06 23:00", "2026-02-06 21:00", "2026-02-07 12:00"),  # a weekend is counted from noon to noon
        ("2026-02-07 12:00", "2026-02-07 12:00", "2026-02-08 12:00"),
        ("2026-02-08 18:00", "2026-02-08 12:00", "2026-02-09 06:00"),
        ("2026-03-29 02:30", "2026-03-28 12:00", "2026-03-29 12:00"),  # the clocks go forward
    ],
)
def test_it_is_night_more_than_three_hours_from_the_hours_of_a_working_day(moment: str, start: str, end: str) -> None:
    assert night(RULES, at(moment)) == ((at(start), at(end)) if start else None)


@pytest.mark.parametrize(
    ("window", "dark"),
    [
        (Window(time(0), time(0), frozenset(range(7))), []),
        (Window(time(6), time(22), frozenset(range(7))), [1, 2]),  # from three hours after ten until three before six
        (Window(time(9), time(0), frozenset(range(7))), [3, 4, 5]),
        (Window(time(9), time(18), frozenset({6, 0, 1, 2, 3})), [21, 22, 23, 0, 1, 2, 3, 4, 5]),
    ],
)
def test_the_hours_and_days_are_those_of_the_policy(window: Window, dark: list[int]) -> None:
    rules = replace(RULES, window=window)
    found = [hour for hour in range(24) if night(rules, at(f"2026-02-04 {hour:02}:30"))]
    assert found == sorted(dark)


WINDOWS = st.builds(
    lambda start, length, days: Window(
        time(start // 4, start % 4 * 15),
        time(min(start + length, 96) // 4 % 24, min(start + length, 96) % 4 * 15),
        days,
    ),
    st.integers(0, 95),
    st.integers(1, 96),
    st.frozensets(st.integers(0, 6), min_size=1),
)


@given(
    window=WINDOWS,
    zone=st.sampled_from(["Europe/Madrid", "America/New_York", "Asia/Jerusalem", "Australia/Lord_Howe", "UTC"]),
    now=st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)),
)
@example(Window(), "Europe/Madrid", datetime(2026, 10, 25, 0, 59))  # the clocks go back
def test_nights_are_as_long_as_they_can_be_and_follow_each_other(window: Window, zone: str, now: datetime) -> None:
    moment, rules = now.replace(tzinfo=UTC), replace(RULES, window=window, zone=zone)
    found = night(rules, moment)
    local = moment.astimezone(ZoneInfo(zone))
    if window.contains(local):
        assert found is None
    if found is None:
        near = [local + step for step in (-LATE, timedelta(0), LATE)]
        near += [local + timedelta(minutes=minutes) for minutes in range(-240, 241, 15)]  # also where clocks change
        assert any(window.contains(one) for one in near)
        return
    start, end = found
    assert start <= moment < end
    assert end - start <= timedelta(hours=25)
    second = timedelta(seconds=1)
    assert night(rules, start) == night(rules, end - second) == found
    assert night(rules, end) is None or night(rules, end)[0] == end  # type: ignore[index]
    before = night(rules, start - second)
    assert before is None or before[1] == start


# What may be called then.


def test_a_rep_may_call_less_at_night() -> None:
    dark, light = at("2026-02-02 03:40"), at("2026-02-02 16:00")
    full = History(tonight=20, today=Used(20))
    decision = policy.decide(ORDER, RULES, full, dark)
    assert isinstance(decision, Refused)
    assert decision.words == (
        "The call was not placed: you have placed 20 calls since yesterday 12:00, and outside your team's working "
        "hours the limit for one person is 20. Go on at 06:00 in Madrid, or ask an admin to raise the limit."
    )
    assert (decision.cap, decision.used, decision.next_slot) == ("night_calls", 20, at("2026-02-02 06:00"))
    assert decision.waivable
    assert policy.decide(ORDER, RULES, replace(full, tonight=19), dark) == Allowed()
    assert policy.decide(ORDER, RULES, full, light) == Allowed()
    assert policy.decide(ORDER, replace(RULES, night_calls=0), full, dark) == Allowed()
    assert policy.decide(replace(ORDER, waived=True), RULES, full, dark) == Allowed()
    assert policy.waivable(ORDER, RULES, full, dark) == [decision]
    assert policy.waivable(ORDER, RULES, full, light) == []
    assert isinstance(policy.decide(replace(ORDER, from_list=True), RULES, full, dark), Refused)


@pytest.mark.parametrize(
    ("day", "night_calls", "limit", "cap"),
    [(12, 4, 4, "night_calls_at_once"), (12, 0, 12, "calls_at_once"), (0, 4, 4, "night_calls_at_once"),
     (3, 4, 3, "calls_at_once")],
)  # fmt: skip
def test_a_rep_has_fewer_calls_at_the_same_moment_at_night(day: int, night_calls: int, limit: int, cap: str) -> None:
    rules = replace(RULES, calls_at_once=day, night_calls_at_once=night_calls)
    dark = at("2026-02-02 03:40")
    assert policy.decide(ORDER, rules, History(under_way=limit - 1), dark) == Allowed()
    decision = policy.decide(replace(ORDER, waived=True), rules, History(under_way=limit), dark)
    assert isinstance(decision, Refused)
    assert f"the limit for one person is {limit} at the same moment" in decision.why
    assert ("outside your team's working hours." in decision.why) is (cap == "night_calls_at_once")
    assert (decision.cap, decision.waivable) == (cap, False)
    if day != limit:
        assert policy.decide(ORDER, rules, History(under_way=limit), at("2026-02-02 16:00")) == Allowed()


@pytest.mark.parametrize(
    ("zone", "now", "words"),
    [
        ("Europe/Madrid", "2026-02-02 03:40", "06:00 in Madrid"),
        ("Europe/Madrid", "2026-02-02 21:30", "06:00 tomorrow in Madrid"),
        ("Europe/Madrid", "2026-02-07 13:00", "12:00 tomorrow in Madrid"),
        ("America/Argentina/Buenos_Aires", "2026-02-02 03:40", "06:00 in Buenos Aires"),
        ("US/Pacific", "2026-02-02 03:40", "06:00 (US/Pacific)"),
        ("Israel", "2026-02-02 21:30", "06:00 tomorrow (Israel)"),
        ("UTC", "2026-02-02 03:40", "06:00 (UTC)"),
        ("Etc/GMT-2", "2026-02-02 03:40", "06:00 (Etc/GMT-2)"),
    ],
)
def test_it_is_said_when_to_go_on_whatever_the_zone_is_called(zone: str, now: str, words: str) -> None:
    decision = policy.decide(ORDER, replace(RULES, zone=zone), History(tonight=20), at(now, zone))
    assert isinstance(decision, Refused)
    assert decision.next_step == f"Go on at {words}, or ask an admin to raise the limit."


@pytest.mark.parametrize("cap", ["night_calls", "night_calls_at_once"])
def test_a_limit_below_zero_is_none(cap: str) -> None:
    with pytest.raises(SettingsError, match=cap):
        replace(RULES, **{cap: -1})


# In an office whose clock stands at 03:40 on a Monday.

WORKING = SETTINGS.replace('hours = ["00:00", "24:00"]', 'hours = ["09:00", "18:00"]').replace(', "sat", "sun"]', "]")


@asynccontextmanager
async def at_night(folder: Path, slack: FakeSlack, clock: Clock, *caps: str) -> AsyncIterator[Office]:
    text = WORKING.replace("[policy]", "\n".join(["[policy]", *caps]))
    async with office(folder, slack, clock, text, kind=Exchange) as desk:
        await desk.link("U1", extension="201")
        await desk.link("U2", "+12025550192", extension="202")
        yield desk


async def call(desk: Office, number: int, user: str = "U1") -> Call:
    """As by a press on *Call anyway*."""
    key = f"{user}-{number}-{desk.clock()}"
    await desk.board.write(ledger.write_intent, key, user, "command", b"{}", desk.clock())
    ask = Ask(rep=user, number=f"+1202555{100 + number:04}", confirmed=True, asked_at=desk.clock())
    return await dialing.dial(desk.board, key, ask)


async def ends(desk: Office) -> None:
    open_calls = [CallEnded(ref=one.refs[0], at=desk.clock()) for one in await desk.calls() if one.live]
    await desk.happen(*open_calls)


async def alarms(desk: Office) -> list[str]:
    await desk.settle()
    return [html.unescape(message.text) for message in desk.conversation("U9")]


async def test_a_stolen_account_is_stopped_within_minutes_and_the_admins_hear_of_it(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    """Without any setting: dozens of calls within half an hour, as many at the same moment as there may be."""
    async with at_night(tmp_path, fake_slack, slack_clock) as desk:
        refused = []
        for number in range(60):
            try:
                await call(desk, number)
            except NotAllowed as error:
                refused.append(str(error))
                desk.clock.advance(30)
                if "at the same moment" in str(error):
                    await ends(desk)
        assert len(desk.phone.orders) == 20
        assert "the limit for one person is 4 at the same moment outside your team's working hours" in refused[0]
        assert "you have placed 20 calls since yesterday 12:00, and outside your team's working hours" in refused[-1]
        few, many = await alarms(desk)
        assert few.startswith(
            "<@U1> has 4 calls under way at the same moment, and `night_calls_at_once` in `[policy]` "
        )
        assert many == (
            "<@U1> has placed 20 calls while your team is not at work, and `night_calls` in `[policy]` allows no more: "
            "they cannot call any more until 06:00 in Madrid, but for what a manager allows. If that is more than you "
            "expect, look at `/calls log 2026-02-01..`: somebody else may be using a colleague's Slack."
        )
        assert "Everybody's calls, since 1 Feb 2026" in await desk.type("/calls log 2026-02-01..", user="U9")
        assert ("U1", "refused call", "night calls") in [
            (line[1], line[2], line[4]) for line in await desk.board.read(audit_log)
        ]
        await call(desk, 90, "U2")  # a colleague has calls of their own
        await ends(desk)
        desk.clock.advance(at("2026-02-02 06:00").timestamp() - desk.clock())
        await call(desk, 91)
        await ends(desk)
        desk.clock.advance(15 * 3600)  # the next night has its own
        await call(desk, 92)


async def test_what_the_admins_read_in_the_morning_is_right_then(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    slack_clock.now = at("2026-02-02 23:30").timestamp()
    async with at_night(tmp_path, fake_slack, slack_clock, "night_calls = 1") as desk:
        await call(desk, 1)
        with pytest.raises(NeedsReason, match=r"since 21:00, .* Go on at 06:00 tomorrow in Madrid"):
            await call(desk, 2)
        (words,) = await alarms(desk)
        assert "they cannot call any more until 06:00 in Madrid, but" in words
        assert "look at `/calls log 2026-02-02..`:" in words


async def test_late_in_the_evening_nothing_is_different(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    slack_clock.now = at("2026-02-02 19:30").timestamp()
    async with at_night(tmp_path, fake_slack, slack_clock) as desk:
        for number in range(40):
            await call(desk, number)
            if number % 10 == 9:
                await ends(desk)
        assert len(desk.phone.orders) == 40


async def test_whoever_is_called_into_a_call_counts_at_night(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    async with at_night(tmp_path, fake_slack, slack_clock, "night_calls = 2") as desk:
        first, second = await answered(desk, "in-1"), await answered(desk, "in-2")
        await bring_in(desk.board, first, "U1", "forward", OUTSIDE)
        await call(desk, 1)
        with pytest.raises(CapReached, match="Nobody was called: you have placed 2 calls since yesterday 12:00, and"):
            await bring_in(desk.board, second, "U1", "forward", OUTSIDE)
        await bring_in(desk.board, second, "U1", "forward", "204")
        assert desk.phone.rung == [OUTSIDE, "204"]  # type: ignore[attr-defined]


async def test_no_cap_of_the_night_is_passed_in_the_same_moment(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    for place, cap in enumerate(("night_calls", "night_calls_at_once")):
        async with at_night(tmp_path / cap, fake_slack, slack_clock, f"{cap} = 3") as desk:
            running = [await answered(desk, f"in-{number}") for number in range(4)]
            dials = [call(desk, 10 * place + number) for number in range(4)]
            rings = [bring_in(desk.board, one, "U1", "forward", OUTSIDE) for one in running]
            found = await asyncio.gather(*dials, *rings, return_exceptions=True)
            assert sum(isinstance(one, Call) for one in found) == 3
            assert len(desk.phone.orders) + len(desk.phone.rung) == 3  # type: ignore[attr-defined]


async def test_a_manager_may_allow_one_call_more(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> None:
    async with at_night(tmp_path, fake_slack, slack_clock, "night_calls = 1") as desk:
        await call(desk, 1)
        with pytest.raises(NeedsReason, match=r"Go on at 06:00 in Madrid.* Or ask a manager to allow this one call\."):
            await call(desk, 2)
        await desk.type("/call +1 202 555 0102")
        await desk.press("waive:why", desk.slack.ephemerals[-1], "C1")
        assert await desk.submit({"why": "The alarm went off"}) == {}
        request = desk.conversation("U2")[-1]
        assert "They have placed 1 call since yesterday 12:00, and outside your team's working hours" in request.text
        await desk.press("waive:yes", request, desk.slack.open_dm("U2").id, user="U2")
        allowed = desk.conversation("U1")[-1]
        question = await desk.press("waive:call", allowed, desk.slack.open_dm("U1").id)
        assert "Call anyway?" in question
        await desk.press("call:yes", desk.slack.ephemerals[-1], desk.slack.open_dm("U1").id)
        assert [order.number for order in desk.phone.orders] == ["+12025550101", "+12025550102"]
        with pytest.raises(NeedsReason):
            await call(desk, 3)
