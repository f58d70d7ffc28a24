"""Stricter rules of some places: of a country, or of a part of one whose area codes are known. Pure.

A number's place is a presumption: people move, and take their numbers along. Laws presume the same: Florida's takes an
area code of the state for somebody who is there.
"""

from collections.abc import Iterator, Mapping
from datetime import time

import msgspec
from typing_extensions import override

from bot import numbers
from bot.window import Window

AREA_CODES: Mapping[str, tuple[str, ...]] = {
    "US-FL": (
        *("239", "305", "321", "324", "352", "386", "407", "448", "561", "645", "656", "689", "727", "728"),
        *("754", "772", "786", "813", "850", "863", "904", "941", "954"),
    ),
}
"""Parts of a country (ISO 3166-2) -> how their numbers begin behind the country's code. Florida's: NANPA's list."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """What holds there beside the rules for all.

    Attributes:
        hours: from and until when people are called, "HH:MM" by their own clock; ("", "") = as everywhere.
        calls_per_day: calls to one number within 24 hours, by whomever, answered or not; 0 = no limit.
        unanswered_per_day, unanswered_per_week: calls to one number that nobody answered, on a day of the team's zone
            and within seven days; when there were as many, they are not called again. 0 = no limit.
        area_codes: how its numbers begin behind the country's code; () = all of the country, or as `AREA_CODES` says.
    """

    hours: tuple[str, str] = ("", "")
    calls_per_day: int = 0
    unanswered_per_day: int = 0
    unanswered_per_week: int = 0
    area_codes: tuple[str, ...] = ()

    @override
    def __str__(self) -> str:
        limits = (
            f"{self.calls_per_day} calls in 24 hours" if self.calls_per_day else "",
            f"{self.unanswered_per_day} unanswered a day" if self.unanswered_per_day else "",
            f"{self.unanswered_per_week} unanswered a week" if self.unanswered_per_week else "",
        )
        found = [f"{self.hours[0]} to {self.hours[1]}" if self.hours[0] else "", *limits, " ".join(self.area_codes)]
        return ", ".join(filter(None, found)) or "as everywhere"


DEFAULTS: Mapping[str, Place] = {
    "US-FL": Place(hours=("08:00", "20:00"), calls_per_day=3),
    "AE": Place(hours=("09:00", "18:00"), unanswered_per_day=1, unanswered_per_week=2),
}
"""Florida's Telephone Solicitation Act; Cabinet Resolution 56 of 2024 of the United Arab Emirates."""


def of(number: str, places: Mapping[str, Place]) -> Iterator[tuple[str, Place]]:
    """Name and rules of the places that an E.164 number is in."""
    parts = numbers.parsed(number) if places else None
    if parts is None:
        return
    country, national = numbers.likely_country(number), number.removeprefix(f"+{parts.country_code}")
    for name, place in places.items():
        begins = place.area_codes or AREA_CODES.get(name, ("",))
        if name.partition("-")[0] == country and national.startswith(begins):
            yield name, place


def window(base: Window, number: str, places: Mapping[str, Place]) -> Window:
    """When that number may be called: in the hours for all that are also those of its place. Where there are none of
    these, its place's."""
    for _, place in of(number, places):
        if not place.hours[0]:
            continue
        start, end = (time.fromisoformat(clock) for clock in place.hours)
        begins, ends = max(base.start, start), min(base.end, end, key=_last)
        if ends == time(0) or begins < ends:
            start, end = begins, ends
        base = Window(start, end, base.weekdays)
    return base


def _last(end: time) -> time:
    """Midnight is the end of a day."""
    return end if end != time(0) else time.max
