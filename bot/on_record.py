"""What is on record about a number, as the policy asks for it: lists, registries, what its owner has said."""

import sqlite3
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from bot import numbers, places
from bot.limits import day_start, week_start
from bot.rules import DoNotCall, Proposed, Rules
from bot.store import consents, dials, people, registries
from bot.store.registries import Copy

INQUIRY_SECONDS = 90 * 86400.0
"""So long whoever called may be called back though a registry has them: in the USA an inquiry counts three months."""

DAY_SECONDS = 86400.0


def of_number(db: sqlite3.Connection, limits: Rules, proposed: Proposed, at: float) -> dict[str, Any]:
    """What lists and registries say of a number, and what its owner has said: fields of `History`."""
    number = proposed.number
    found: dict[str, Any] = {"do_not_call": _listed(db, number)}
    if not proposed.extension and any(places.of(number, limits.places)):
        found |= _repeats(db, limits, number, at)
    copies = registries.current(db) if not proposed.extension else []
    if not copies and not (proposed.automatic and limits.consent_days):
        return found
    agreed = consents.get(db, number)
    listing = registries.listing(db, number) if copies else None
    found["agreed_at"] = agreed.given_at if agreed else None
    found["registered"] = listing.name if listing else ""
    found["called_us"] = listing is not None and dials.called_us(db, number, at - INQUIRY_SECONDS)
    found["outdated"] = outdated(copies, limits, at).get(numbers.likely_country(number), "") if copies else ""
    return found


def _repeats(db: sqlite3.Connection, limits: Rules, number: str, at: float) -> dict[str, int]:
    """How often they were called of late. Whoever has called themselves since may be called back."""
    if dials.called_us(db, number, at - DAY_SECONDS):
        return {}
    clock = datetime.fromtimestamp(at, UTC)
    day, week = day_start(limits, clock).timestamp(), week_start(limits, clock).timestamp()
    lately, today, this_week = dials.calls_to(db, number, at - DAY_SECONDS, day, week)
    return {"called_lately": lately, "unanswered_today": today, "unanswered_this_week": this_week}


def outdated(copies: Iterable[Copy], limits: Rules, at: float) -> dict[str, str]:
    """Country -> which copy of its registry is too old by then (seconds since 1970 UTC), a clause."""
    today = datetime.fromtimestamp(at, ZoneInfo(limits.zone)).date()
    found = {}
    for copy in copies:
        day, most = date.fromisoformat(copy.as_of), limits.registry_days.get(copy.country, 0)
        if most and (today - day).days > most:
            found[copy.country] = (
                f"{too_old(copy.name)} of {day.day} {day:%B %Y}, and {most} days are the most that one may be old"
            )
    return found


def too_old(name: str) -> str:
    """How that is begun to be said of the copy of a registry."""
    return f"the copy of the do-not-call registry “{name}” is"


def _listed(db: sqlite3.Connection, number: str) -> DoNotCall | None:
    listed = people.do_not_call(db, number)
    if listed is None:
        return None
    by = people.person(db, listed[1]).name or f"<@{listed[1]}>"  # the words may go into a file
    return DoNotCall(listed[0], by if listed[1] else "", listed[2])
