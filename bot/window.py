"""The callee's calling window: which zones a number may be in, whether it is open there, when it opens next. Pure.

Zones come from `phonenumbers.timezone` (2 ms and 0.5 MB to import). `phonenumbers.geocoder` would name cities, but
costs 269 ms and 101 MB: never import it.
"""

import functools
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import phonenumbers
from phonenumbers import PhoneNumberType
from phonenumbers.timezone import time_zones_for_geographical_number, time_zones_for_number

from bot import numbers
from bot.errors import SettingsError
from bot.periods import WEEKDAYS, instant

_DAYS_AHEAD = 15
"""How far to look for the next slot, days: two weeks see every weekday twice, also across a clock change."""


class Window(msgspec.Struct, frozen=True):
    """When people may be called, by their own clock.

    Attributes:
        start, end: local time of day, end excluded; an end of 00:00 means midnight.
        weekdays: 0 = Monday.

    Raises:
        SettingsError: a window that never opens.
    """

    start: time = time(9)
    end: time = time(18)
    weekdays: frozenset[int] = frozenset({0, 1, 2, 3, 4})

    def __post_init__(self) -> None:
        if self.end != time(0) and self.end <= self.start:
            raise SettingsError(
                f"The calling window's end ({self.end:%H:%M}) is not after its start ({self.start:%H:%M}). "
                "Write both as hours of one day, like 09:00 and 18:00."
            )
        if not self.weekdays or not self.weekdays <= set(range(7)):
            raise SettingsError(
                "The calling window's weekdays must be at least one day, from 0 (Monday) to 6 (Sunday)."
            )

    @property
    def always(self) -> bool:
        """Whether there is no hour outside of it."""
        return self.start == self.end == time(0) and len(self.weekdays) == 7

    @property
    def words(self) -> str:
        """ "between 09:00 and 18:00, Monday to Friday", "at any hour, every day"."""
        days = sorted(self.weekdays)
        if len(days) == 7:
            named = "every day"
        elif len(days) > 2 and days == list(range(days[0], days[-1] + 1)):
            named = f"{WEEKDAYS[days[0]]} to {WEEKDAYS[days[-1]]}"
        else:
            named = ", ".join(WEEKDAYS[day] for day in days)
        if self.start == self.end == time(0):
            return f"at any hour, {named}"
        end = "24:00" if self.end == time(0) else f"{self.end:%H:%M}"
        return f"between {self.start:%H:%M} and {end}, {named}"

    def contains(self, local: datetime) -> bool:
        """Whether this wall-clock time is inside."""
        moment = local.time()
        before_end = self.end == time(0) or moment < self.end
        return local.weekday() in self.weekdays and self.start <= moment and before_end


def zones_of(number: str) -> tuple[str, ...]:
    """IANA zones an E.164 number may be in; () = unknown. A mobile number's zone is a presumption, not a fact."""
    parsed = numbers.parsed(number)
    if parsed is None:
        return ()
    # A number that the metadata does not know still has a country code and often an area code.
    kind = numbers.kind(number)
    placed = kind == PhoneNumberType.UNKNOWN or phonenumbers.is_number_type_geographical(kind, parsed.country_code or 0)
    lookup = time_zones_for_geographical_number if placed else time_zones_for_number
    return tuple(name for name in lookup(parsed) if name != "Etc/Unknown" and find_zone(name) is not None)


def is_open(window: Window, zones: Sequence[str], now: datetime) -> bool:
    """Whether `now` is inside the window in every one of these zones (False where there are none)."""
    return bool(zones) and all(window.contains(now.astimezone(ZoneInfo(name))) for name in zones)


def next_open(window: Window, zones: Sequence[str], now: datetime) -> datetime | None:
    """The next moment (UTC, not before `now`) inside the window in all these zones, None = none within two weeks.

    A window opens in all zones at the moment it opens in the last of them, so only openings need to be tried.
    """
    if is_open(window, zones, now):
        return now.astimezone(UTC)
    openings = set()
    for name in zones:
        zone = ZoneInfo(name)
        today = now.astimezone(zone).date()
        for days in range(-1, _DAYS_AHEAD):
            openings.add(instant(today + timedelta(days), window.start, zone))
    return next((at for at in sorted(openings) if at >= now and is_open(window, zones, at)), None)


def local_time(window: Window, zones: Sequence[str], now: datetime) -> str:
    """ "It is 21:40 in Dubai"; the range of times where a number may be in several places.

    The weekday is said where it may be the reason for asking, or where it is not the same everywhere.
    """
    local = sorted(now.astimezone(ZoneInfo(name)).replace(tzinfo=None) for name in zones)
    off = any(moment.weekday() not in window.weekdays or moment.date() != local[0].date() for moment in local)
    first, last = (f"{moment:%A %H:%M}" if off else f"{moment:%H:%M}" for moment in (local[0], local[-1]))
    if first != last:
        return f"It is between {first} and {last} where this number may be"
    place = f"in {zones[0].rpartition('/')[2].replace('_', ' ')}" if len(zones) == 1 else "there"
    return f"It is {first} {place}"


@functools.cache
def find_zone(name: str) -> ZoneInfo | None:
    """The zone of this IANA name, None = unknown here: the machine's table may be older than the phone metadata."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
