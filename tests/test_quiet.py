"""Quiet hours and the periods of roundups, on days like any other and on those when the clocks change."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import quiet
from bot.settings import Hours

NIGHT: tuple[Hours, ...] = (("20:00", "08:00"),)
LUNCH: tuple[Hours, ...] = (("12:10", "12:20"),)


def at(text: str, zone: str = "Europe/Madrid", fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp()


def words(span: quiet.Span | None, zone: str = "Europe/Madrid") -> str:
    if span is None:
        return ""
    first, last = (datetime.fromtimestamp(moment, ZoneInfo(zone)) for moment in span)
    return f"{first:%d %H:%M} to {last:%d %H:%M}"


@pytest.mark.parametrize(
    ("moment", "span"),
    [
        ("2026-02-02 19:59:59", ""),
        ("2026-02-02 20:00", "02 20:00 to 03 08:00"),
        ("2026-02-03 00:00", "02 20:00 to 03 08:00"),
        ("2026-02-03 07:59:59", "02 20:00 to 03 08:00"),
        ("2026-02-03 08:00", ""),
    ],
)
def test_quiet_hours_pass_midnight(moment: str, span: str) -> None:
    assert words(quiet.quiet_span(NIGHT, "Europe/Madrid", at(moment))) == span


def test_quiet_hours_of_one_day_end_on_it_and_those_until_midnight_at_its_end() -> None:
    assert words(quiet.quiet_span(LUNCH, "Europe/Madrid", at("2026-02-02 12:15"))) == "02 12:10 to 02 12:20"
    evening = (("20:00", "00:00"),)
    assert words(quiet.quiet_span(evening, "Europe/Madrid", at("2026-02-02 23:59"))) == "02 20:00 to 03 00:00"
    assert quiet.quiet_span(evening, "Europe/Madrid", at("2026-02-03 00:00")) is None


def test_those_of_several_lines_are_one_where_they_meet() -> None:
    hours = (("18:00", "20:00"), ("19:00", "23:00"), ("23:00", "06:00"))
    assert words(quiet.quiet_span(hours, "Europe/Madrid", at("2026-02-02 19:30"))) == "02 18:00 to 03 06:00"


def test_nobody_is_quiet_without_hours() -> None:
    assert quiet.quiet_span((), "UTC", 1e9) is None


@pytest.mark.parametrize(
    ("first", "last", "long"),
    [("2026-03-28 22:00", "2026-03-29 06:00", 11), ("2026-10-24 22:00", "2026-10-25 06:00", 13)],
)
def test_a_night_is_shorter_or_longer_when_the_clocks_change(first: str, last: str, long: int) -> None:
    for moment in (at(first), at(last)):
        span = quiet.quiet_span(NIGHT, "Europe/Madrid", moment)
        assert span is not None
        assert span[1] - span[0] == long * 3600


def test_hours_over_which_the_clock_jumps_are_none() -> None:
    gap = (("02:15", "02:45"),)
    assert quiet.quiet_span(gap, "Europe/Madrid", at("2026-03-29 03:00")) is None
    assert quiet.quiet_span(gap, "Europe/Madrid", at("2026-03-29 01:59:59")) is None


@pytest.mark.parametrize(
    ("hours", "ends"),
    [
        (NIGHT, False),
        ((("08:00", "20:00"), ("20:00", "08:00")), True),
        ((("08:00", "20:00"), ("20:01", "08:00")), False),
        ((("00:00", "23:59"),), False),
        ((("00:00", "12:00"), ("11:00", "00:00")), True),
    ],
)
def test_a_whole_day_of_quiet_hours_is_noticed(hours: tuple[Hours, ...], ends: bool) -> None:
    assert quiet.whole_day(hours) is ends


@pytest.mark.parametrize(
    ("moment", "hours", "span"),
    [
        ("2026-02-02 13:00", (), "02 13:00 to 02 14:00"),
        ("2026-02-02 13:59:59", (), "02 13:00 to 02 14:00"),
        ("2026-02-02 18:59:59", NIGHT, "02 18:00 to 02 19:00"),
        ("2026-02-02 19:00", NIGHT, "02 19:00 to 03 08:00"),  # at whose end nothing may be posted
        ("2026-02-03 03:30", NIGHT, "02 19:00 to 03 08:00"),
        ("2026-02-03 08:00", NIGHT, "03 08:00 to 03 09:00"),
        ("2026-02-02 12:09", LUNCH, "02 12:00 to 02 12:20"),
        ("2026-02-02 12:15", LUNCH, "02 12:00 to 02 12:20"),
        ("2026-02-02 12:20", LUNCH, "02 12:20 to 02 13:00"),
        ("2026-02-02 20:10", (("20:30", "07:30"),), "02 20:00 to 03 07:30"),
        ("2026-02-03 04:00", (("20:30", "07:30"),), "02 20:00 to 03 07:30"),
        ("2026-02-03 07:40", (("20:30", "07:30"),), "03 07:30 to 03 08:00"),
    ],
)
def test_an_hour_and_what_quiet_hours_make_of_it(moment: str, hours: tuple[Hours, ...], span: str) -> None:
    assert words(quiet.hour(hours, "Europe/Madrid", at(moment))) == span


def test_the_hour_that_comes_twice_is_one_and_the_one_that_is_left_out_none() -> None:
    twice = {quiet.hour((), "Europe/Madrid", at("2026-10-25 02:30", fold=fold)) for fold in (0, 1)}
    (span,) = twice
    assert span[1] - span[0] == 7200
    before, after = (quiet.hour((), "Europe/Madrid", at(f"2026-03-29 {clock}")) for clock in ("01:59", "03:00"))
    assert (before[1], words(after)) == (after[0], "29 03:00 to 29 04:00")


@pytest.mark.parametrize(("day", "long"), [("2026-02-02", 24), ("2026-03-29", 23), ("2026-10-25", 25)])
def test_a_day_is_as_long_as_it_is(day: str, long: int) -> None:
    start, end = quiet.day("Europe/Madrid", at(f"{day} 12:00"))
    assert (start, end - start) == (at(f"{day} 00:00"), long * 3600)


CLOCK = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.sampled_from([0, 10, 30, 59]))
HOURS = st.lists(st.tuples(CLOCK, CLOCK).filter(lambda one: one[0] != one[1]), max_size=3).map(
    lambda found: tuple(sorted(set(found)))
)
ZONES = st.sampled_from(["UTC", "Europe/Madrid", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"])
MOMENTS = st.one_of(
    st.floats(1.76e9, 1.83e9),
    *(  # about the changes of 2026
        st.floats(-90_000, 90_000).map(lambda seconds, around=around: around + seconds)  # type: ignore[misc]
        for around in (at("2026-03-29 03:00"), at("2026-10-25 02:00"), at("2026-04-05 02:00", "Australia/Lord_Howe"))
    ),
)


@given(MOMENTS, HOURS.filter(lambda hours: not quiet.whole_day(hours)), ZONES)
def test_periods_neither_overlap_nor_leave_a_gap_nor_end_in_quiet_hours(
    moment: float, hours: tuple[Hours, ...], zone: str
) -> None:
    start, end = quiet.hour(hours, zone, moment)
    assert start <= moment < end
    for within in (start, (start + end) / 2, end - 0.01):
        assert quiet.hour(hours, zone, within) == (start, end)
    assert quiet.hour(hours, zone, end)[0] == end
    assert quiet.hour(hours, zone, start - 0.01)[1] == start
    assert quiet.quiet_span(hours, zone, end) is None
    first, last = quiet.day(zone, moment)
    assert first <= moment < last
    assert (quiet.day(zone, last)[0], quiet.day(zone, first - 0.01)[1]) == (last, first)
    assert datetime.fromtimestamp(last, UTC) > datetime.fromtimestamp(first, UTC)
