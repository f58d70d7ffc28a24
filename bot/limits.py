"""How often and how long: the caps of a rep and of the team, by day and by night, and the attempts to one number. Pure.

Each check answers None for "no objection". Days, hours and weekdays are those of the team's time zone.
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot import places
from bot.cards.times import clock, counted, day_clock, how_often
from bot.numbers import pretty
from bot.periods import instant
from bot.rules import History, Proposed, Refused, Rules

LATE = timedelta(hours=3)
"""So long before and after the policy's hours the team may still be at work: people begin early, stay late, or call
those of another coast, within their hours."""
_NOON = time(12)
_CONTINENTS = frozenset(
    {"Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"}
)
"""How names of time zones begin that end in a city."""


def week_start(rules: Rules, now: datetime) -> datetime:
    """When the seven days that end with the current one began (UTC), for `History.attempts_this_week`."""
    return _midnight(rules, now.astimezone(ZoneInfo(rules.zone)).date() - timedelta(6))


def day_start(rules: Rules, now: datetime) -> datetime:
    """When the current day of the daily cap began (UTC): calls from then on are `History.today`."""
    return _midnight(rules, now.astimezone(ZoneInfo(rules.zone)).date())


def day_end(rules: Rules, now: datetime) -> datetime:
    """When the next day of the daily cap begins (UTC)."""
    return _midnight(rules, now.astimezone(ZoneInfo(rules.zone)).date() + timedelta(1))


def night(rules: Rules, now: datetime) -> tuple[datetime, datetime] | None:
    """From when and until when (UTC) calls count towards `night_calls`; None = the team may be at work.

    It is night more than `LATE` before or after the hours of a working day. Calls are counted until it ends, which
    midnight does not; where it is longer, at a weekend say, from noon to noon.
    """
    zone = ZoneInfo(rules.zone)
    today = now.astimezone(zone).date()
    if any(begin <= now < end for begin, end in _shifts(rules, today)):
        return None
    shifts = list(_shifts(rules, today))
    noons = [instant(today + timedelta(days), _NOON, zone) for days in (-1, 0, 1)]
    started = [end for _, end in shifts] + noons
    ends = [begin for begin, _ in shifts] + noons
    return max(at for at in started if at <= now), min(at for at in ends if at > now)


def _shifts(rules: Rules, today: date) -> Iterator[tuple[datetime, datetime]]:
    """When the team may be at work from the day before yesterday, which may last until yesterday, to the day after
    tomorrow (UTC); today first, for by day that answers."""
    window, zone = rules.window, ZoneInfo(rules.zone)
    for days in (0, -1, 1, -2, 2):
        day = today + timedelta(days)
        if day.weekday() in window.weekdays:
            last = day + timedelta(1) if window.end == time(0) else day
            yield instant(day, window.start, zone) - LATE, instant(last, window.end, zone) + LATE


def at_once(rules: Rules, history: History, now: datetime) -> Refused | None:
    """How many calls one rep may have at the same moment: whoever uses their Slack could place hundreds in a minute."""
    limit, cap, when = rules.calls_at_once, "calls_at_once", ""
    less = rules.night_calls_at_once
    if less and (less < limit or not limit) and history.under_way >= less and night(rules, now):
        limit, cap, when = less, "night_calls_at_once", " outside your team's working hours"
    if not limit or history.under_way < limit:
        return None
    return Refused(
        f"The call was not placed: {counted(history.under_way, 'call')} of yours "
        f"{'is' if history.under_way == 1 else 'are'} under way, and the limit for one person is {limit} at the same "
        f"moment{when}.",
        "Hang up those that are over, with `/calls`, or ask an admin to raise the limit.",
        now + timedelta(minutes=1),
        cap=cap,
        used=history.under_way,
    )


def night_cap(rules: Rules, history: History, now: datetime) -> Refused | None:
    """What a rep may call while the team is not at work: hardly they, where they call dozens."""
    if not rules.night_calls or history.tonight < rules.night_calls or (dark := night(rules, now)) is None:
        return None
    since = day_clock(dark[0].timestamp(), now.timestamp(), rules.zone)
    words = (
        f"placed {counted(history.tonight, 'call')} since {since}, and outside your team's working hours the limit for "
        f"one person is {rules.night_calls}."
    )
    return Refused(
        f"The call was not placed: you have {words}",
        f"Go on at {until(rules, dark[1], now)}, or ask an admin to raise the limit.",
        dark[1],
        waivable=True,
        told=f"they have {words}",
        cap="night_calls",
        used=history.tonight,
    )


def until(rules: Rules, at: datetime, now: datetime) -> str:
    """A moment of today or tomorrow by the team's clock, "06:00 in Madrid": whoever reads it may be elsewhere."""
    zone = ZoneInfo(rules.zone)
    day = "" if at.astimezone(zone).date() == now.astimezone(zone).date() else " tomorrow"
    continent, _, city = rules.zone.replace("_", " ").rpartition("/")
    there = f"in {city}" if continent.partition("/")[0] in _CONTINENTS else f"({rules.zone})"
    return f"{clock(at.timestamp(), rules.zone)}{day} {there}"


def daily_cap(rules: Rules, history: History, now: datetime) -> Refused | None:
    """What the rep, or all together, may call or talk in a day."""
    mine, team = history.today, history.team_today
    caps = (
        ("daily_calls", mine.calls, "{0} placed {1} today, and the limit for one person is {2} a day"),
        ("daily_minutes", mine.minutes, "{0} talked for {1} today, and the limit for one person is {2}"),
        ("team_daily_calls", team.calls, "{1} {3} placed by all of you today, and the limit is {2} a day"),
        ("team_daily_minutes", team.minutes, "all of you have talked for {1} today, and the limit is {2}"),
    )
    for cap, used, words in caps:
        limit: int = getattr(rules, cap)
        if limit and used >= limit:
            many = counted(used, "minute" if cap.endswith("minutes") else "call"), limit, "was" if used == 1 else "were"
            return Refused(
                f"The call was not placed: {words.format('you have', *many)}.",
                "Go on tomorrow, or ask an admin to raise the limit.",
                day_end(rules, now),
                waivable=True,
                told=f"{words.format('they have', *many)}.",
                cap=cap,
                used=used,
            )
    return None


def number_limit(order: Proposed, rules: Rules, history: History, now: datetime) -> Refused | None:
    """How often one number is called automatically or from lists, whoever calls."""
    told = (
        (history.attempts_today, rules.attempts_per_day, "today", "a day"),
        (history.attempts_this_week, rules.attempts_per_week, "within seven days", "a week"),
    )
    for attempts, limit, when, each in told:
        if limit and attempts >= limit:
            return Refused(
                f"The call was not placed: {pretty(order.number)} was called automatically or from a list "
                f"{how_often(attempts)} {when}, and the limit for one number is {limit} {each}.",
                "Call them by hand, or wait; an admin can change the limit.",
                # A message that may not be sent is given up; a contact of a list comes back.
                day_end(rules, now) if order.from_list else None,
            )
    return None


def place_limit(order: Proposed, rules: Rules, history: History, now: datetime) -> Refused | None:
    """How often one number may be called where it is, by hand too, whoever calls."""
    for name, place in places.of(order.number, rules.places):
        told = (
            (history.called_lately, place.calls_per_day, "within 24 hours"),
            (history.unanswered_today, place.unanswered_per_day, "today without reaching anybody"),
            (history.unanswered_this_week, place.unanswered_per_week, "within seven days without reaching anybody"),
        )
        for count, limit, when in told:
            if limit and count >= limit:
                what = f"{pretty(order.number)} was called {how_often(count)} {when}"
                most = f"the rule of {name} is {how_often(limit)} at most"
                return Refused(
                    f"The call was not placed: {what}, and {most}.",
                    "Wait until they call, or call another day.",
                    day_end(rules, now) if order.from_list else None,
                    waivable=True,
                )
    return None


def _midnight(rules: Rules, day: date) -> datetime:
    return instant(day, time(0), ZoneInfo(rules.zone))
