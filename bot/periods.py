"""Digest subscriptions, and which of their periods are due. Pure but for the zone tables `zoneinfo` reads.

A digest at 18:00 covers from the previous 18:00 to this one, by the wall clock of its zone: 23 or 25 hours when the
clocks change. Everything rests on `instant()`, which never goes backwards as the wall-clock time it is given grows;
so periods can neither overlap nor leave a gap.
"""

import difflib
import functools
import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo, available_timezones

import msgspec

from bot.errors import BadInput
from bot.slack_text import quoted

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
CATCH_UP = timedelta(days=7)
"""Periods missed during downtime are made up for this long; older ones are skipped, except the latest."""

_FORMS = (
    "Write “daily 18:00”, “weekly fri 17:00”, “now”, “list”, “stop” or “help”; a zone like Europe/Madrid may follow."
)
_CLOCK = re.compile(r"(?P<hour>\d{1,2})(?:[:.](?P<minute>\d{2}))?\s?(?:(?P<half>[ap])\.?m\.?)?")


class Subscription(msgspec.Struct, frozen=True):
    """A digest that comes by itself.

    Attributes:
        kind: how often.  weekday: 0 = Monday, None on daily ones.
        hour, minute: by the wall clock of `zone`.  zone: IANA name.
    """

    kind: Literal["daily", "weekly"]
    weekday: int | None
    hour: int
    minute: int
    zone: str

    @property
    def words(self) -> str:
        """ "every Friday at 17:00 (Europe/Madrid)"."""
        day = "day" if self.weekday is None else WEEKDAYS[self.weekday]
        return f"every {day} at {self.hour:02}:{self.minute:02} ({self.zone})"


class Now(msgspec.Struct, frozen=True):
    """Show today's figures so far."""


class List(msgspec.Struct, frozen=True):
    """Show what is subscribed. Also what an empty command means."""


class Stop(msgspec.Struct, frozen=True):
    """End the channel's subscriptions."""


class Help(msgspec.Struct, frozen=True):
    """Explain the command."""


Command = Subscription | Now | List | Stop | Help
_WORDS: dict[str, Command] = {"": List(), "list": List(), "now": Now(), "stop": Stop(), "help": Help()}


class Period(msgspec.Struct, frozen=True):
    """What one digest covers: `start <= moment < end`.

    Attributes:
        key: local date the digest is due ("2026-11-20") or its ISO week ("2026-W47"); "sent once" hangs on it.
        start, end, due_at: seconds since 1970 UTC.  due_at: when to post it; the end, for subscriptions.
    """

    key: str
    start: float
    end: float
    due_at: float


def parse(text: str, default_zone: str) -> Command:
    """What somebody typed after `/digest`. `default_zone`: IANA name for subscriptions that name none.

    Raises:
        BadInput: not one of the forms; the sentence shows them, or the zones that look alike.
    """
    words = text.split()
    first = words[0].casefold() if words else ""
    if first in _WORDS:
        if len(words) > 1:
            raise BadInput(f"“{first}” stands alone; {quoted(words[1])} after it was not understood. {_FORMS}")
        return _WORDS[first]
    if first not in ("daily", "weekly"):
        raise BadInput(f"{quoted(words[0])} is not something a digest can do. {_FORMS}")
    rest = [word for word in words[1:] if word.casefold() not in ("at", "on", "every")]
    weekday = None
    if first == "weekly":
        if not rest:
            raise BadInput(f"A weekly digest needs its day and time. {_FORMS}")
        weekday = _weekday(rest.pop(0))
    if not rest:
        raise BadInput(f"A {first} digest needs its time. {_FORMS}")
    if len(rest) > 1 and rest[1].casefold().replace(".", "") in ("am", "pm"):
        rest[:2] = [rest[0] + rest[1]]
    at = _clock(rest.pop(0))
    if len(rest) > 1:
        raise BadInput(f"{quoted(rest[1])} after the zone was not understood. {_FORMS}")
    return Subscription(
        "daily" if weekday is None else "weekly",
        weekday,
        at.hour,
        at.minute,
        zone_name(rest[0]) if rest else default_zone,
    )


def zone_name(text: str) -> str:
    """The IANA name of a zone somebody typed in any case.

    Raises:
        BadInput: no such zone; suggests those that look alike.
    """
    names = _zone_names()
    found = names.get(text.casefold())
    if found:
        return found
    # A city alone is suggested, not taken: several zones may end in the same word.
    cities = {name.rpartition("/")[2].casefold(): name for name in sorted(names.values())}
    wanted = text.casefold().replace(" ", "_")
    alike = [names[name] for name in difflib.get_close_matches(wanted, names, n=3, cutoff=0.75)]
    alike += [cities[city] for city in difflib.get_close_matches(wanted.rpartition("/")[2], cities, n=2, cutoff=0.75)]
    nearest = list(dict.fromkeys(alike))[:3]
    advice = f"Did you mean {' or '.join(nearest)}?" if nearest else "Write one like Europe/Madrid or America/New_York."
    raise BadInput(f"{quoted(text)} is not a time zone. {advice}")


def instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The first moment (UTC) at which the zone's wall clock shows `at` on `day`, or has jumped over it.

    Ambiguous (clocks went back): the first of the two. Nonexistent (clocks went forward): the moment of the jump.
    """
    wanted = datetime.combine(day, at)
    late = wanted.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if late.astimezone(zone).replace(tzinfo=None) == wanted:
        return late
    # In a gap: fold=1 reads it with the offset after the jump and lands before it, fold=0 the other way round.
    early = wanted.replace(tzinfo=zone, fold=1).astimezone(UTC)
    seconds = int((late - early).total_seconds())
    low, high = 0, seconds
    while high - low > 1:
        middle = (low + high) // 2
        if (early + timedelta(seconds=middle)).astimezone(zone).replace(tzinfo=None) < wanted:
            low = middle
        else:
            high = middle
    return early + timedelta(seconds=high)


def periods_due(subscription: Subscription, since: datetime, now: datetime) -> list[Period]:
    """Periods that fell due after `since` and up to `now` (both aware), oldest first.

    Pass as `since` when the subscription was made; the caller's ledger knows which keys were already sent. After
    downtime everything of the last seven days is due, so nothing is lost; of older ones only the latest.
    """
    oldest = now - CATCH_UP
    zone = ZoneInfo(subscription.zone)
    step = _step(subscription)
    day = _latest_day(subscription, now)
    found: list[Period] = []
    while True:
        period = _period(subscription, day, zone)
        due = datetime.fromtimestamp(period.due_at, UTC)
        if due <= since or (due <= oldest and (found or due <= oldest - step)):
            return found[::-1]
        # Where a whole local date was skipped, two due times can coincide: an empty period is no digest.
        if due <= now and period.start < period.end:
            found.append(period)
        day -= step


def from_the_last(period: Period, subscription: Subscription, last_end: float) -> Period:
    """The same from where the last one ended: moved to a later hour or day, what was between would be in none.

    `last_end`: seconds since 1970 UTC, 0 = there was none. Where it is a whole step or more ago, they were off, or are
    made up for after down time.
    """
    between = period.start - last_end
    moved = 0 < between < _step(subscription).total_seconds()
    return msgspec.structs.replace(period, start=last_end) if moved else period


def next_due(subscription: Subscription, now: datetime) -> datetime:
    """When the next digest will be posted (UTC, after `now`)."""
    zone = ZoneInfo(subscription.zone)
    day = _latest_day(subscription, now) - _step(subscription)
    while True:
        due = _due(subscription, day, zone)
        if due > now:
            return due
        day += _step(subscription)


def today_so_far(zone: str, now: datetime) -> Period:
    """What `/digest now` covers: from local midnight until now."""
    day = now.astimezone(ZoneInfo(zone)).date()
    start = instant(day, time(0), ZoneInfo(zone)).timestamp()
    return Period(day.isoformat(), start, now.timestamp(), now.timestamp())


def weeks_before(period: Period, zone: str, weeks: int = 4) -> list[tuple[float, float]]:
    """(start, end) of the same local hours in the weeks before, the latest first; seconds since 1970 UTC.

    A period of more than a week has none: they would share some of its hours.
    """
    tz = ZoneInfo(zone)
    ends = [datetime.fromtimestamp(moment, tz) for moment in (period.start, period.end)]
    if ends[1].replace(tzinfo=None) - ends[0].replace(tzinfo=None) > timedelta(weeks=1):
        return []

    def earlier(local: datetime, week: int) -> float:
        return instant(local.date() - timedelta(weeks=week), local.time(), tz).timestamp()

    return [(earlier(ends[0], week), earlier(ends[1], week)) for week in range(1, weeks + 1)]


def _step(subscription: Subscription) -> timedelta:
    return timedelta(days=1 if subscription.weekday is None else 7)


def _latest_day(subscription: Subscription, now: datetime) -> date:
    """A local date of this subscription whose digest is due now or within a step: where counting back begins."""
    day = now.astimezone(ZoneInfo(subscription.zone)).date() + timedelta(days=1)
    if subscription.weekday is not None:
        day += timedelta(days=(subscription.weekday - day.weekday()) % 7)
    return day


def _due(subscription: Subscription, day: date, zone: ZoneInfo) -> datetime:
    return instant(day, time(subscription.hour, subscription.minute), zone)


def _period(subscription: Subscription, day: date, zone: ZoneInfo) -> Period:
    start = _due(subscription, day - _step(subscription), zone).timestamp()
    end = _due(subscription, day, zone).timestamp()
    key = day.isoformat()
    if subscription.weekday is not None:
        year, week, _ = day.isocalendar()
        key = f"{year}-W{week:02}"
    return Period(key, start, end, end)


def _weekday(text: str) -> int:
    word = text.casefold().rstrip(",")
    for number, name in enumerate(WEEKDAYS):
        if len(word) >= 3 and (name.casefold().startswith(word) or word == name.casefold() + "s"):
            return number
    raise BadInput(f"{quoted(text)} is not a day of the week. Write it like mon or monday. {_FORMS}")


def time_of_day(text: str) -> time | None:
    """A time as people write it: "14:30", "14.30", "6pm", "6:30 PM"; None = it is none, or may be one of two ("6")."""
    match = _CLOCK.fullmatch(text.strip().casefold())
    if match is None:
        return None
    hour, minute, half = int(match["hour"]), int(match["minute"] or 0), match["half"]
    if minute > 59 or hour > 23 or (half and not 1 <= hour <= 12) or not (half or match["minute"]):
        return None
    return time(hour % 12 + 12 * (half == "p") if half else hour, minute)


def _clock(text: str) -> time:
    found = time_of_day(text)
    if found is None:
        either = text.isdecimal() and 1 <= int(text) <= 12
        why = "could be morning or evening" if either else "is not a time of day"
        raise BadInput(f"{quoted(text)} {why}. Write it like 18:00 or 6pm.")
    return found


@functools.cache
def _zone_names() -> dict[str, str]:
    """Every zone by its name in lower case. Read once: it walks the zone tables of the machine (30 ms)."""
    names = available_timezones() - {"Factory", "localtime"}
    return {name.casefold(): name for name in sorted(names)}
