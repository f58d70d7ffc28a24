"""What an admin is told of calls that were fetched from a service's call log. Pure."""

from datetime import datetime
from typing import TYPE_CHECKING

from bot.call_search import zone_of
from bot.cards import clock, date_clock, plain, sentence

if TYPE_CHECKING:
    from bot.log_fetching import Fetch


def begun_words(fetch: "Fetch", title: str) -> str:
    """That it is under way."""
    return (
        f"Fetching {_first_lower(period_words(fetch, fetch.since, fetch.until))} from the call log of {plain(title)}. "
        "It goes day by day; when it is done you are told in your conversation with Callboard."
    )


def fetched_words(fetch: "Fetch", title: str) -> str:
    """All of it is on record."""
    told = [f"Fetched from the call log of {plain(title)}, {_days(fetch, fetch.since, fetch.until)}: {_counts(fetch)}"]
    if not _ends_with_a_day(fetch, fetch.until):
        told.append("What is later comes by itself.")
    return "\n".join([" ".join(told), *_by_day(fetch), *_after(fetch)])


def ended_words(fetch: "Fetch", title: str, trouble: str, again: str) -> str:
    """It ended early. `trouble`: why, a sentence. `again`: the command that goes on."""
    told = f"Fetching from the call log of {plain(title)} ended early. {sentence(trouble)}"
    if fetch.done <= fetch.since:
        told += " No day is complete."
    else:
        several = fetch.day(fetch.since) != fetch.day(fetch.done - 1)
        told += f" Complete {'are' if several else 'is'} {_days(fetch, fetch.since, fetch.done)}: {_counts(fetch)}"
    return "\n".join([told, *_by_day(fetch), f"To go on, type `{again}`.", *_after(fetch)])


def period_words(fetch: "Fetch", since: float, until: float) -> str:
    """ "The calls of 1 Oct 2026 to 15 Oct 2026"."""
    return f"The calls of {_days(fetch, since, until)}"


def _days(fetch: "Fetch", since: float, until: float) -> str:
    first, last = (date_clock(moment, fetch.zone).partition(",")[0] for moment in (since, until - 1))
    days = first if first == last else f"{first} to {last}"
    return days if _ends_with_a_day(fetch, until) else f"{days} until {clock(until, fetch.zone)}"


def _ends_with_a_day(fetch: "Fetch", until: float) -> bool:
    return fetch.day(until) != fetch.day(until - 1)


def _counts(fetch: "Fetch") -> str:
    count = sum(fetch.fresh.values())
    new = {0: "no new call", 1: "one new call"}.get(count, f"{count:,} new calls")
    known = {0: "none", 1: "one"}.get(fetch.known, f"{fetch.known:,}")
    return f"{new}, {known} known before."


def _by_day(fetch: "Fetch") -> list[str]:
    if not fetch.fresh:
        return []
    days = []
    for day, count in sorted(fetch.fresh.items()):
        noon = datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=zone_of(fetch.zone)).timestamp()
        days.append(f"{date_clock(noon, fetch.zone).partition(',')[0].rpartition(' ')[0]}: {count:,}")
    return [f"New by day: {', '.join(days)}."]


def _after(fetch: "Fetch") -> list[str]:
    if not fetch.fresh:
        return []
    return [
        "They are in `/calls log` and count in figures from now on; digests that were posted stay as they are. Nothing "
        "was posted of them, and nobody waits for a call back because of one that ended more than a day ago."
    ]


def _first_lower(text: str) -> str:
    return text[:1].lower() + text[1:]
