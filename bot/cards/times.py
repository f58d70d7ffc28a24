"""Times and durations in words, and the moments that people pick ("in 1 hour", "tomorrow 09:00"). Pure.

Moments are seconds since 1970 UTC; `zone` is an IANA name. Clock times are written out in the reader's zone
instead of using Slack's date tokens, because screen readers and notifications show those raw.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from types import MappingProxyType
from zoneinfo import ZoneInfo

from bot.errors import BadInput
from bot.periods import time_of_day

MOMENTS: Mapping[str, str] = MappingProxyType(
    {"15m": "In 15 minutes", "1h": "In 1 hour", "3h": "In 3 hours", "tomorrow": "Tomorrow at 09:00"}
)
"""What a person can pick for "later" -> the words on the menu; `moment()` knows the time."""

AFTERNOON = time(15)
"""What "this afternoon" is."""
_MINUTES = {"15m": 15, "1h": 60, "3h": 180}
_LAST_YEAR = 2999
"""At the end of the calendar's last year it is the next one elsewhere, which no clock can tell."""
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
PACE_SECONDS = 3600.0
"""So far back a pace is measured."""
_LEAST_SECONDS, _LEAST_DONE = 300.0, 3
"""Before that a pace means nothing."""


@lru_cache(maxsize=256)
def _zone(name: str) -> tzinfo | None:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, malformed, a directory such as "Europe"
        return None


def _local(at: float, zone: str) -> datetime:
    return datetime.fromtimestamp(at, _zone(zone) or UTC)


def _suffix(zone: str) -> str:
    return "" if _zone(zone) else " UTC"


def pace(begun_at: float, recent: int, left: int, now: float, zone: str) -> str:
    """How many an hour, and when all will be done at that pace; "" = it cannot be told.

    `recent`: how many were done in the last `PACE_SECONDS`, or since `begun_at`.
    """
    seconds = min(now - begun_at, PACE_SECONDS)
    if not begun_at or seconds < _LEAST_SECONDS or recent < _LEAST_DONE or not left:
        return ""
    hourly = recent * 3600 / seconds
    ahead = left * 3600 / hourly
    return f"{round(hourly):,} an hour; at that pace done in {about(ahead)}, {at_clock(now + ahead, now, zone)}"


def how_often(count: int) -> str:
    """ "once", "twice", "3 times"."""
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def counted(count: int, noun: str) -> str:
    """ "1 call", "1,200 calls"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def clock(at: float, zone: str, *, seconds: bool = False) -> str:
    """Time of day, "14:05", or "14:05:30"; "14:05 UTC" where the zone is not known."""
    return f"{_local(at, zone):{'%H:%M:%S' if seconds else '%H:%M'}}{_suffix(zone)}"


def is_morning(now: float, zone: str) -> bool:
    """Whether "this afternoon" is well ahead."""
    return _local(now, zone).time() < time(AFTERNOON.hour - 1)


def day_clock(at: float, now: float, zone: str) -> str:
    """Day and time: "14:05" today, "yesterday 14:05", "tomorrow 09:00", "4 Mar 14:05", "4 Mar 2025 14:05"."""
    return f"{_near(at, now, zone) or _date(at, now, zone)} {clock(at, zone)}".strip()


def at_clock(at: float, now: float, zone: str) -> str:
    """The same in a sentence: "at 14:05", "yesterday at 14:05", "on 4 Mar at 14:05", "on 4 Mar 2025 at 14:05"."""
    far = _date(at, now, zone)
    day = _near(at, now, zone) or (f"on {far}" if far else "")
    return f"{day} at {clock(at, zone)}".strip()


def _near(at: float, now: float, zone: str) -> str:
    return {-1: "yesterday", 1: "tomorrow"}.get((_local(at, zone).date() - _local(now, zone).date()).days, "")


def _date(at: float, now: float, zone: str) -> str:
    """ "" = today."""
    then, today = _local(at, zone), _local(now, zone)
    if then.date() == today.date():
        return ""
    return f"{then.day} {_MONTHS[then.month - 1]}" + ("" if then.year == today.year else f" {then.year}")


def date_clock(at: float, zone: str) -> str:
    """Day and time whenever it is read: "4 Mar 2026, 14:05"."""
    then = _local(at, zone)
    return f"{then.day} {_MONTHS[then.month - 1]} {then.year}, {clock(at, zone)}"


def duration(seconds: float) -> str:
    """A length of time in words: "45 s", "1 min 20 s", "2 h 5 min", "3 days"."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{hours // 24} days"


def about(seconds: float) -> str:
    """A waiting time without false precision: "40 s", "4 min", "2 h 5 min"."""
    return duration(seconds if seconds < 60 else seconds // 60 * 60)


def timer(seconds: float) -> str:
    """A running clock: "0:45", "12:03", "1:02:03"."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def moment(choice: str, now: float, zone: str) -> float:
    """When a choice of `MOMENTS` is, or "afternoon", seconds since 1970 UTC. "Tomorrow" is that of `zone`.

    Raises:
        BadInput: not one of them, or already past.
    """
    if choice in _MINUTES:
        return now + _MINUTES[choice] * 60
    if choice == "afternoon":
        return on(_local(now, zone).date().isoformat(), f"{AFTERNOON:%H:%M}", now, zone)
    if choice != "tomorrow":
        raise BadInput("That time was not understood, so nothing was set. Pick one from the list.")
    day = _local(now, zone).date() + timedelta(days=1)
    return datetime.combine(day, time(9), _zone(zone) or UTC).timestamp()


def on(day: str, clock_text: str, now: float, zone: str) -> float:
    """The moment of a date ("2026-03-04") and a time as people type it ("9:30", "6pm"); "" = 09:00.

    Raises:
        BadInput: not a date, not a time, or already past; the sentence says which.
    """
    try:
        local_day = date.fromisoformat(day)
    except ValueError as error:
        raise BadInput("That is not a date, so nothing was set. Pick a day in the calendar.") from error
    at = time_of_day(clock_text.strip() or "09:00")
    if at is None:
        raise BadInput(f"“{clock_text}” is not a time of day, so nothing was set. Write it like 14:30 or 6pm.")
    local = datetime.combine(local_day, at, _zone(zone) or UTC)
    if local.timestamp() <= now:
        local = local.replace(fold=1)  # the second of the two, in the night in which the clocks go back
    if local.timestamp() <= now:
        raise BadInput("That time is already past, so nothing was set. Pick a later one.")
    if local_day.year > _LAST_YEAR:
        raise BadInput("That date is too far ahead, so nothing was set. Pick an earlier one.")
    return local.timestamp()
