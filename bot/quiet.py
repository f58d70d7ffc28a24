"""Quiet hours of a channel, and the periods of its roundups. Pure but for the zone tables `zoneinfo` reads.

Moments are seconds since 1970 UTC. Everything rests on `periods.instant()`, which never goes backwards as the
wall-clock time it is given grows; so periods can neither overlap nor leave a gap when the clocks change.
"""

from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from bot.periods import instant
from bot.settings import Hours

Span = tuple[float, float]
"""`start <= moment < end`."""

_DAY = 24 * 60
_JUST_BEFORE = 1.0  # all begin at whole seconds


def whole_day(hours: tuple[Hours, ...]) -> bool:
    """Whether it would never end."""
    quiet: set[int] = set()
    for one in hours:
        first, last = (int(clock[:2]) * 60 + int(clock[3:]) for clock in one)
        quiet.update(minute % _DAY for minute in range(first, last if last > first else last + _DAY))
    return len(quiet) == _DAY


def quiet_span(hours: tuple[Hours, ...], zone: str, at: float) -> Span | None:
    """The quiet hours that a moment is in, those that follow each other at once as one; None = it is in none."""
    return next((span for span in _spans(hours, zone, at) if span[0] <= at < span[1]), None)


def hour(hours: tuple[Hours, ...], zone: str, at: float) -> Span:
    """The hour by the wall clock that a moment is in, as far as it is not quiet.

    Quiet hours end together with the hours in which they lie, and with the one at whose end they begin: what could not
    be told then is told in one.
    """
    tz, spans = ZoneInfo(zone), _spans(hours, zone, at)
    return _begin(at, tz, spans), _end(at, tz, spans)


def day(zone: str, at: float) -> Span:
    """The day that a moment is in."""
    tz = ZoneInfo(zone)
    local = _local(at, tz).date()
    return _midnight(local, tz), _midnight(local + timedelta(days=1), tz)


def _local(at: float, tz: ZoneInfo) -> datetime:
    """By the wall clock. Without its fraction, which may be rounded up to a second that is another day's."""
    return datetime.fromtimestamp(at // 1, tz)


def _midnight(local: date, tz: ZoneInfo) -> float:
    return instant(local, time(0), tz).timestamp()


def _begin(at: float, tz: ZoneInfo, spans: tuple[Span, ...]) -> float:
    while True:
        local = _local(at, tz)
        begun = instant(local.date(), time(local.hour), tz).timestamp()
        if ends := [end for _, end in spans if begun < end <= at]:
            return ends[-1]
        quiet = next((start for start, end in spans if start <= begun < end), None)
        if quiet is None:
            return begun
        at = quiet - _JUST_BEFORE  # the hour at whose end, or in which, they began


def _end(at: float, tz: ZoneInfo, spans: tuple[Span, ...]) -> float:
    local = _local(at, tz).replace(tzinfo=None, minute=0, second=0, microsecond=0) + timedelta(hours=1)
    ends = instant(local.date(), local.time(), tz).timestamp()
    return next((end for start, end in spans if at < end and start <= ends), ends)


def _spans(hours: tuple[Hours, ...], zone: str, at: float) -> tuple[Span, ...]:
    return _around(hours, zone, _local(at, ZoneInfo(zone)).date()) if hours else ()


@lru_cache(maxsize=64)
def _around(hours: tuple[Hours, ...], zone: str, local: date) -> tuple[Span, ...]:
    """All quiet hours of a day and the two on either side of it, in order; none touches another."""
    tz = ZoneInfo(zone)
    found: list[Span] = []
    for days in range(-2, 3):
        one = local + timedelta(days=days)
        for first, last in hours:
            until = one if last > first else one + timedelta(days=1)
            start = instant(one, time.fromisoformat(first), tz).timestamp()
            end = instant(until, time.fromisoformat(last), tz).timestamp()
            if start < end:  # else the clock jumps over them
                found.append((start, end))
    merged: list[Span] = []
    for start, end in sorted(found):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], end)
        else:
            merged.append((start, end))
    return tuple(merged)
