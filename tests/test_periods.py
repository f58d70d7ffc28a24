"""Digest subscriptions: what is read, and periods that never overlap, leave a gap, or come twice."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import BadInput
from bot.periods import (
    CATCH_UP,
    Command,
    Help,
    List,
    Now,
    Period,
    Stop,
    Subscription,
    instant,
    next_due,
    parse,
    periods_due,
    time_of_day,
    today_so_far,
    zone_name,
)

MADRID = "Europe/Madrid"
DAILY = Subscription("daily", None, 18, 0, MADRID)
FRIDAY = Subscription("weekly", 4, 17, 0, MADRID)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("", List()),
        ("list", List()),
        ("NOW", Now()),
        ("stop", Stop()),
        (" help ", Help()),
        ("daily 18:00", DAILY),
        ("Daily at 18:00 europe/madrid", DAILY),
        ("daily 18.00", DAILY),
        ("daily 6pm", DAILY),
        ("daily 6:30 PM", Subscription("daily", None, 18, 30, MADRID)),
        ("daily 12am", Subscription("daily", None, 0, 0, MADRID)),
        ("daily 12pm UTC", Subscription("daily", None, 12, 0, "UTC")),
        ("daily 9:05 America/New_York", Subscription("daily", None, 9, 5, "America/New_York")),
        ("weekly fri 17:00", FRIDAY),
        ("weekly on Fridays at 17:00", FRIDAY),
        ("weekly fri at 5 P.M.", FRIDAY),
        ("weekly Monday 08:00 Asia/Dubai", Subscription("weekly", 0, 8, 0, "Asia/Dubai")),
    ],
)
def test_parse(text: str, command: Command) -> None:
    assert parse(text, MADRID) == command


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("14:30", time(14, 30)),
        (" 9.05 ", time(9, 5)),
        ("6pm", time(18)),
        ("6 p.m.", time(18)),
        ("6a.m", time(6)),
        ("6 PM", time(18)),
        ("12:30am", time(0, 30)),
        ("12pm", time(12)),
        *((text, None) for text in ("", "6", "18", "24:00", "9:60", "13pm", "0am", "noon", "6pm tomorrow", "6:5pm")),
    ],
)
def test_a_time_of_day_as_people_write_it(text: str, at: time | None) -> None:
    assert time_of_day(text) == at


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("monthly 1", "“monthly” is not something a digest can do"),
        ("now please", "“now” stands alone; “please”"),
        ("daily", "A daily digest needs its time"),
        ("weekly", "A weekly digest needs its day and time"),
        ("weekly fri", "A weekly digest needs its time"),
        ("weekly 17:00", "“17:00” is not a day of the week"),
        ("weekly f 17:00", "“f” is not a day of the week"),
        ("daily 6", "“6” could be morning or evening"),
        ("daily 18", "“18” is not a time of day. Write it like 18:00"),
        ("daily 24:00", "“24:00” is not a time of day"),
        ("daily 18:60", "is not a time of day"),
        ("daily 13pm", "is not a time of day"),
        ("daily 0am", "is not a time of day"),
        ("daily soon", "“soon” is not a time of day"),
        ("daily 18:00 Europe/Madird", r"“Europe/Madird” is not a time zone. Did you mean Europe/Madrid"),
        ("daily 18:00 Madrid", r"Did you mean .*Europe/Madrid"),
        ("daily 18:00 new_york", r"Did you mean .*America/New_York"),
        ("daily 18:00 qqqq", "Write one like Europe/Madrid"),
        ("daily 18:00 ../../etc/passwd", "is not a time zone"),
        ("daily 18:00 UTC extra", "“extra” after the zone"),
    ],
)
def test_what_is_not_understood_is_said(text: str, words: str) -> None:
    with pytest.raises(BadInput, match=words) as caught:
        parse(text, MADRID)
    assert str(caught.value)[-1] in ".?"


@given(st.one_of(st.text(max_size=40), st.text(max_size=20).map("daily 18:00 ".__add__)))
def test_raises_nothing_but_bad_input(text: str) -> None:
    try:
        command = parse(text, MADRID)
    except BadInput as error:
        assert str(error)  # noqa: PT017 - the point is that it is this error and has words
    else:
        assert isinstance(command, Command)


@given(
    st.builds(
        Subscription,
        st.just("weekly"),
        st.integers(0, 6),
        st.integers(0, 23),
        st.integers(0, 59),
        st.sampled_from([MADRID, "Asia/Kathmandu"]),
    )
)
def test_a_subscription_can_be_typed_as_it_is_said(subscription: Subscription) -> None:
    said = subscription.words.replace("(", "").replace(")", "")
    assert parse(f"weekly {said}", "UTC") == subscription


def test_zone_names_keep_their_case() -> None:
    assert zone_name("america/port-au-prince") == "America/Port-au-Prince"


def test_a_daily_period() -> None:
    found = periods_due(DAILY, utc(2026, 11, 20, 16, 59, 59), utc(2026, 11, 20, 17, 0))
    start, end = utc(2026, 11, 19, 17).timestamp(), utc(2026, 11, 20, 17).timestamp()
    assert found == [Period("2026-11-20", start, end, end)]
    assert periods_due(DAILY, utc(2026, 11, 20, 16), utc(2026, 11, 20, 16, 59, 59)) == []
    assert periods_due(DAILY, utc(2026, 11, 20, 17), utc(2026, 11, 21, 16)) == []
    assert next_due(DAILY, utc(2026, 11, 20, 16, 59)) == utc(2026, 11, 20, 17)
    assert next_due(DAILY, utc(2026, 11, 20, 17)) == utc(2026, 11, 21, 17)


def test_a_weekly_period() -> None:
    found = periods_due(FRIDAY, utc(2026, 11, 19), utc(2026, 11, 20, 16))
    start, end = utc(2026, 11, 13, 16).timestamp(), utc(2026, 11, 20, 16).timestamp()
    assert found == [Period("2026-W47", start, end, end)]
    assert next_due(FRIDAY, utc(2026, 11, 20, 16)) == utc(2026, 11, 27, 16)
    # The first days of January belong to the last week of the old year.
    [turn] = periods_due(FRIDAY, utc(2027, 1, 1), utc(2027, 1, 2))
    assert turn.key == "2026-W53"


def test_the_clock_changes() -> None:
    spring = periods_due(DAILY, utc(2026, 3, 28, 18), utc(2026, 3, 30, 20))
    assert [(period.key, period.end - period.start) for period in spring] == [
        ("2026-03-29", 23 * 3600),
        ("2026-03-30", 24 * 3600),
    ]
    [autumn] = periods_due(DAILY, utc(2026, 10, 25, 1), utc(2026, 10, 25, 20))
    assert autumn.end - autumn.start == 25 * 3600


@pytest.mark.parametrize(
    ("zone", "day", "at", "expected"),
    [
        (MADRID, date(2026, 3, 29), time(2, 30), utc(2026, 3, 29, 1)),  # nonexistent: the moment of the jump
        (MADRID, date(2026, 3, 29), time(2, 0), utc(2026, 3, 29, 1)),
        (MADRID, date(2026, 3, 29), time(3, 0), utc(2026, 3, 29, 1)),
        (MADRID, date(2026, 3, 29), time(1, 59), utc(2026, 3, 29, 0, 59)),
        (MADRID, date(2026, 10, 25), time(2, 30), utc(2026, 10, 25, 0, 30)),  # ambiguous: the first
        ("Australia/Lord_Howe", date(2026, 10, 4), time(2, 15), utc(2026, 10, 3, 15, 30)),  # half an hour
        ("Africa/Cairo", date(2026, 4, 24), time(0, 0), utc(2026, 4, 23, 22)),  # no midnight that day
        ("Pacific/Apia", date(2011, 12, 30), time(18, 0), utc(2011, 12, 30, 10)),  # a day that never was
    ],
)
def test_instant(zone: str, day: date, at: time, expected: datetime) -> None:
    assert instant(day, at, ZoneInfo(zone)) == expected


def test_a_day_that_never_was_makes_no_empty_digest() -> None:
    apia = Subscription("daily", None, 0, 0, "Pacific/Apia")
    found = periods_due(apia, utc(2011, 12, 28, 12), utc(2012, 1, 2))
    assert [period.key for period in found] == ["2011-12-29", "2011-12-30", "2012-01-01", "2012-01-02"]
    assert [period.start for period in found[1:]] == [period.end for period in found[:-1]]


def test_after_downtime_a_week_is_made_up_for() -> None:
    found = periods_due(DAILY, utc(2026, 1, 1), utc(2026, 11, 20, 17, 30))
    assert [period.key for period in found] == [f"2026-11-{day}" for day in range(14, 21)]
    # A weekly one is up to seven days old, and an hour more when the clocks went back in between: never lost.
    weekly = Subscription("weekly", 6, 1, 30, MADRID)
    [latest] = periods_due(weekly, utc(2026, 1, 1), utc(2026, 11, 1, 0, 15))
    assert latest.key == "2026-W43"


def test_today_so_far() -> None:
    now = utc(2026, 11, 20, 23, 30)
    assert today_so_far(MADRID, now) == Period("2026-11-21", utc(2026, 11, 20, 23).timestamp(), *[now.timestamp()] * 2)


_ZONE_NAMES = """
    Europe/Madrid America/New_York America/St_Johns America/Sao_Paulo Australia/Lord_Howe Africa/Cairo
    Africa/Casablanca Asia/Kathmandu Asia/Tehran Pacific/Apia Pacific/Chatham Antarctica/Troll UTC
"""
_ZONES = st.sampled_from(_ZONE_NAMES.split())
_SUBSCRIPTIONS = st.builds(
    lambda weekday, hour, minute, zone: Subscription(
        "daily" if weekday is None else "weekly", weekday, hour, minute, zone
    ),
    st.one_of(st.none(), st.integers(0, 6)),
    st.integers(0, 23),
    st.integers(0, 59),
    _ZONES,
)
_MOMENTS = st.datetimes(datetime(2007, 1, 1), datetime(2030, 12, 31), timezones=st.just(UTC))


@given(_SUBSCRIPTIONS, _MOMENTS, st.lists(st.integers(1, 60 * 60), min_size=1, max_size=60))
def test_however_often_it_is_asked_periods_are_contiguous_and_unique(
    subscription: Subscription, since: datetime, minutes: list[int]
) -> None:
    """A bot that wakes at odd moments, posting what is due and remembering the last, against one that slept."""
    posted: list[Period] = []
    now = since
    last = since
    for step in minutes:
        now += timedelta(minutes=step)
        for period in periods_due(subscription, last, now):
            posted.append(period)
            last = datetime.fromtimestamp(period.due_at, UTC)
    assert len({period.key for period in posted}) == len(posted)
    assert [period.start for period in posted[1:]] == [period.end for period in posted[:-1]]
    for period in posted:
        assert period.start < period.end == period.due_at
        assert since.timestamp() < period.due_at <= now.timestamp()
    slept = periods_due(subscription, since, now)
    assert slept == posted[len(posted) - len(slept) :]
    missed = [period for period in posted if period.due_at > (now - CATCH_UP).timestamp()]
    assert slept == (missed or posted[-1:])
    following = next_due(subscription, now)
    assert following > now
    if posted:
        assert periods_due(subscription, last, following)[0].start == posted[-1].end


@given(_SUBSCRIPTIONS, _MOMENTS)
def test_a_digest_is_due_when_the_clock_on_the_wall_says_so(subscription: Subscription, now: datetime) -> None:
    local = next_due(subscription, now).astimezone(ZoneInfo(subscription.zone))
    if (local.hour, local.minute) != (subscription.hour, subscription.minute):
        second_before = (local.astimezone(UTC) - timedelta(seconds=1)).astimezone(local.tzinfo)
        jumped = local.replace(tzinfo=None) - second_before.replace(tzinfo=None)
        assert jumped > timedelta(seconds=1)  # only where that time does not exist
    elif subscription.weekday is not None:
        assert local.weekday() == subscription.weekday


@given(_ZONES, st.datetimes(datetime(2007, 1, 1), datetime(2030, 1, 1)), st.integers(0, 3 * 86400))
def test_instant_never_goes_backwards(zone: str, wall: datetime, seconds: int) -> None:
    later = wall + timedelta(seconds=seconds)
    first = instant(wall.date(), wall.time(), ZoneInfo(zone))
    assert first <= instant(later.date(), later.time(), ZoneInfo(zone))
    assert first.astimezone(ZoneInfo(zone)).replace(tzinfo=None) >= wall
