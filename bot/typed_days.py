"""Days as people type them after `/calls log` and `/callboard audit`. Pure."""

import re
from datetime import date, timedelta

from bot.errors import BadInput
from bot.slack_text import quoted

ONE_DAY = r"\d{4}-\d{1,2}-\d{1,2}"
SHORT_DAY = r"\d{1,2}-\d{1,2}"
_YEARS = (1971, 2999)
"""Nobody looks for others, and their moments are none that every machine can tell."""
_LEAP_CYCLE = 9
"""Years within which every day of the calendar comes, 29 February included."""


def calendar(which: str, unit: str, today: date) -> tuple[date, date]:
    """(first day, the day after the last) of this or the last week or month."""
    if unit == "week":
        monday = today - timedelta(days=today.weekday())
        return (monday, monday + timedelta(days=7)) if which == "this" else (monday - timedelta(days=7), monday)
    first = today.replace(day=1)
    if which == "last":
        return (first - timedelta(days=1)).replace(day=1), first
    return first, (first + timedelta(days=31)).replace(day=1)


def between(first: str, last: str, today: date) -> tuple[date | None, date | None]:
    """The days of `first..last`; "" = open. A day without its year is the latest that fits.

    Raises:
        BadInput: neither is given, or one is no day of the calendar.
    """
    if not first and not last:
        raise BadInput("A period needs at least one day, like 2026-11-01... Nothing was searched.")
    begin = day(first, today) if first else None
    if not last:
        return begin, None
    if begin is None or not re.fullmatch(SHORT_DAY, last):
        end = day(last, today)
        if begin is not None and re.fullmatch(SHORT_DAY, first) and begin > end:
            begin = day(first, end)
        return begin, end
    return begin, day(last, begin, after=True)


def day(word: str, today: date, *, after: bool = False) -> date:
    """A day as typed. One without its year is the latest up to `today`; `after`: the first from `today` on.

    Raises:
        BadInput: not a day of the calendar.
    """
    if word == "today":
        return today
    if word == "yesterday":
        return today - timedelta(days=1)
    parts = [int(part) for part in word.split("-")]
    try:
        if len(parts) == 3:
            if not _YEARS[0] <= parts[0] <= _YEARS[1]:
                raise ValueError
            return date(parts[0], parts[1], parts[2])
        return _without_year(parts[0], parts[1], today, after=after)
    except ValueError as error:
        wrong = f"{quoted(word)} is not a day of the calendar. Write it like 2026-11-03. Nothing was searched."
        raise BadInput(wrong) from error


def _without_year(month: int, number: int, today: date, *, after: bool) -> date:
    step = 1 if after else -1
    for years in range(_LEAP_CYCLE):
        try:
            found = date(today.year + years * step, month, number)
        except ValueError:
            if (month, number) != (2, 29):
                raise
            continue
        if (found >= today) if after else (found <= today):
            return found
    raise ValueError
