"""How often and how long: the caps of a rep and of the team, and the attempts to one number. Pure.

Each check answers None for "no objection". Days are those of the team's time zone.
"""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.cards.times import how_often
from bot.numbers import pretty
from bot.periods import instant
from bot.rules import History, Proposed, Refused, Rules


def week_start(rules: Rules, now: datetime) -> datetime:
    """When the seven days that end with the current one began (UTC), for `History.attempts_this_week`."""
    return _midnight(rules, now.astimezone(ZoneInfo(rules.zone)).date() - timedelta(6))


def day_start(rules: Rules, now: datetime) -> datetime:
    """When the current day of the daily cap began (UTC): calls from then on are `History.today`."""
    return _midnight(rules, now.astimezone(ZoneInfo(rules.zone)).date())


def day_end(rules: Rules, now: datetime) -> datetime:
    """When the next day of the daily cap begins (UTC)."""
    return _midnight(rules, now.astimezone(ZoneInfo(rules.zone)).date() + timedelta(1))


def at_once(rules: Rules, history: History, now: datetime) -> Refused | None:
    """How many calls one rep may have at the same moment: whoever uses their Slack could place hundreds in a minute."""
    if not rules.calls_at_once or history.under_way < rules.calls_at_once:
        return None
    return Refused(
        f"The call was not placed: {history.under_way} calls of yours are under way, and the limit for one person is "
        f"{rules.calls_at_once} at the same moment.",
        "Hang up those that are over, with `/calls`, or ask an admin to raise the limit.",
        now + timedelta(minutes=1),
        cap="calls_at_once",
        used=history.under_way,
    )


def daily_cap(rules: Rules, history: History, now: datetime) -> Refused | None:
    """What the rep, or all together, may call or talk in a day."""
    mine, team = history.today, history.team_today
    caps = (
        ("daily_calls", mine.calls, "{0} placed {1} calls today, and the limit for one person is {2} a day"),
        ("daily_minutes", mine.minutes, "{0} talked for {1} minutes today, and the limit for one person is {2}"),
        ("team_daily_calls", team.calls, "{1} calls were placed by all of you today, and the limit is {2} a day"),
        ("team_daily_minutes", team.minutes, "all of you have talked for {1} minutes today, and the limit is {2}"),
    )
    for cap, used, words in caps:
        limit: int = getattr(rules, cap)
        if limit and used >= limit:
            return Refused(
                f"The call was not placed: {words.format('you have', used, limit)}.",
                "Go on tomorrow, or ask an admin to raise the limit.",
                day_end(rules, now),
                waivable=True,
                told=f"{words.format('they have', used, limit)}.",
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


def _midnight(rules: Rules, day: date) -> datetime:
    return instant(day, time(0), ZoneInfo(rules.zone))
