"""A roundup: what happened in an hour, a day, or in quiet hours, in one message. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from bot.call import Call
from bot.call_search import zone_of
from bot.cards import (
    Message,
    clock,
    context,
    date_clock,
    duration,
    line_words,
    message,
    paragraphs,
    plain,
    rep_words,
    section,
    who,
)
from bot.cards.call_log import ended_words
from bot.events import Outcome
from bot.roundups import Roundup, ended_at

if TYPE_CHECKING:
    from bot.store.contacts import Contact

SHOWN = 10
"""So many calls are named; the call log has all."""


class Reading(msgspec.Struct, frozen=True):
    """What is known beside the calls themselves.

    Attributes:
        contacts: by number.  names: Slack user id -> name.  waiting: call id -> the missed caller who waits since.
        labels: our line's number -> its name.
        now: seconds since 1970 UTC.  zone: IANA name.  masked: numbers are hidden.
        command: the name of `/calls` here.
    """

    contacts: "Mapping[str, Contact]"
    names: Mapping[str, str]
    waiting: Mapping[str, str]
    labels: Mapping[str, str]
    now: float
    zone: str
    masked: bool
    command: str = "/calls"

    def day(self, at: float) -> str:
        """The date, as `/calls log` takes it."""
        return datetime.fromtimestamp(at // 1, zone_of(self.zone)).date().isoformat()


def newest(calls: Sequence[Call]) -> list[Call]:
    """Those that are named, the latest first: not those of which nobody is told."""
    return sorted((call for call in calls if not _hidden(call)), key=ended_at, reverse=True)[:SHOWN]


def _hidden(call: Call) -> bool:
    """Nobody answered, and nobody need hear of that."""
    return call.unanswered and not call.missed


def roundup_card(roundup: Roundup, calls: Sequence[Call], reading: Reading) -> Message | None:
    """None where there is nothing to tell: no call, or in quiet hours none but missed ones, which have their own cards.

    Nobody of ours is mentioned in it, which would ring them. `calls`: all that it tells of.
    """
    shown = newest(calls)
    if not shown or (roundup.kind == "quiet" and all(call.unanswered for call in calls)):
        return None
    several = len({call.line for call in shown}) > 1
    rows = [_row(call, roundup, reading, several=several) for call in shown]
    if more := sum(not _hidden(call) for call in calls) - len(shown):
        rows.append(f"and {more} more: `{reading.command} log {_days(roundup, reading)}`")
    as_of = f"As of {date_clock(reading.now, reading.zone)}."
    quiet = " This channel was quiet meanwhile." if roundup.kind == "quiet" else ""
    blocks = [
        section(f"*Calls {_period(roundup, reading)}*\n{_figures(calls, reading.waiting)}", "roundup:figures"),
        *paragraphs(rows, "roundup:calls"),
        context([as_of + quiet], "roundup:as_of"),
    ]
    return message(blocks)


def _period(roundup: Roundup, reading: Reading) -> str:
    """With its date, for it may come later, and is read later still."""
    zone = reading.zone
    if reading.day(roundup.start) != reading.day(roundup.end - 1):
        return f"from {date_clock(roundup.start, zone)} to {date_clock(roundup.end, zone)}"
    date = f"on {date_clock(roundup.start, zone).partition(',')[0]}"
    return date if roundup.kind == "daily" else f"{date}, {clock(roundup.start, zone)} to {clock(roundup.end, zone)}"


def _days(roundup: Roundup, reading: Reading) -> str:
    first, last = reading.day(roundup.start), reading.day(roundup.end - 1)
    return first if first == last else f"{first}..{last}"


def _figures(calls: Sequence[Call], waiting: Mapping[str, str]) -> str:
    came = [call for call in calls if call.direction == "in"]
    went = [call for call in calls if call.direction == "out"]
    talked = sum(call.talk_seconds for call in calls if call.outcome is Outcome.ANSWERED)
    told = [_came(came, len(set(waiting.values())))] if came else []
    if went:
        told.append(f"{len(went)} went out: {sum(call.outcome is Outcome.ANSWERED for call in went)} reached.")
    if talked:
        told.append(f"Talk time: {duration(talked)}.")
    return "\n".join(told)


def _came(calls: Sequence[Call], waiting: int) -> str:
    """As in a digest; `waiting`: so many callers."""
    answered = sum(call.outcome is Outcome.ANSWERED for call in calls)
    missed = sum(call.missed for call in calls)
    unreported = sum(map(_hidden, calls))
    pending = sum(call.outcome in (None, Outcome.PENDING) for call in calls)
    announced = len(calls) - answered - missed - unreported - pending
    still = f"{waiting} caller{'s' if waiting > 1 else ''} still wait{'' if waiting > 1 else 's'}"
    parts = [
        f"{answered} answered",
        f"{missed} missed, {still if waiting else 'nobody waits any more'}" if missed else "none missed",
        f"{announced} ended with an announcement" if announced else "",
        f"{unreported} not answered and not reported" if unreported else "",
        f"{pending} not known yet" if pending else "",
    ]
    return f"{len(calls)} came in: {', '.join(part for part in parts if part)}."


def _row(call: Call, roundup: Roundup, reading: Reading, *, several: bool) -> str:
    """`several`: the line is named, for the others are of others."""
    one_day = reading.day(roundup.start) == reading.day(roundup.end - 1)
    began = (clock if one_day else date_clock)(call.started_at, reading.zone)
    contact = reading.contacts.get(call.number)
    party = who(call.number, call.name, contact, masked=reading.masked, called=call.direction == "out")
    rep = plain(reading.names.get(call.rep, "")) or rep_words("", call.person, call.extension)
    by = f" by {rep}" if rep and (call.conversation or call.direction == "out") else ""
    told = [
        f"{'From' if call.direction == 'in' else 'To'} {party}{by if call.direction == 'out' else ''}: "
        f"{ended_words(call)}{by if call.direction == 'in' else ''}",
        f"talked {duration(call.talk_seconds)}" if call.talk_seconds else "",
        ("still waits" if call.id in reading.waiting else "does not wait any more") if call.missed else "",
        line_words(reading.labels.get(call.line, call.line)) if several else "",
    ]
    return f"{began} · {', '.join(part for part in told if part)}"
