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
    day_clock,
    duration,
    line_words,
    message,
    paragraphs,
    plain,
    rep_words,
    section,
    upper_first,
    who,
)
from bot.cards.call_log import ended_words
from bot.events import Outcome
from bot.roundups import Roundup

if TYPE_CHECKING:
    from bot.store.contacts import Contact

SHOWN = 10
"""So many calls are named; the call log has all."""


class Reading(msgspec.Struct, frozen=True):
    """What is known beside the calls themselves.

    Attributes:
        contacts: by number.  names: Slack user id -> name.  waiting: call id -> the missed caller who waits since.
        now: seconds since 1970 UTC.  zone: IANA name.  masked: numbers are hidden.
        command: the name of `/calls` here.
    """

    contacts: "Mapping[str, Contact]"
    names: Mapping[str, str]
    waiting: Mapping[str, str]
    now: float
    zone: str
    masked: bool
    command: str = "/calls"

    def day(self, at: float) -> str:
        """The date, as `/calls log` takes it."""
        return datetime.fromtimestamp(at // 1, zone_of(self.zone)).date().isoformat()


def roundup_card(roundup: Roundup, calls: Sequence[Call], newest: Sequence[Call], reading: Reading) -> Message | None:
    """None where there is nothing to tell: no call, or in quiet hours none but missed ones, which have their own cards.

    Nobody of ours is mentioned in it, which would ring them. `calls`: all that it tells of.  `newest`: those that are
    named, the newest first, with their line's name.
    """
    if not calls or (roundup.kind == "quiet" and all(call.unanswered for call in calls)):
        return None
    several = len({call.line for call in newest}) > 1
    rows = [_row(call, roundup, reading, several=several) for call in newest]
    if len(calls) > len(newest):
        rows.append(f"and {len(calls) - len(newest)} more: `{reading.command} log {_days(roundup, reading)}`")
    as_of = f"As of {clock(reading.now, reading.zone)}."
    quiet = " This channel was quiet meanwhile." if roundup.kind == "quiet" else ""
    blocks = [
        section(f"*Calls {_period(roundup, reading)}*\n{_figures(calls, reading.waiting)}", "roundup:figures"),
        *paragraphs(rows, "roundup:calls"),
        context([as_of + quiet], "roundup:as_of"),
    ]
    return message(blocks)


def _period(roundup: Roundup, reading: Reading) -> str:
    start, end = (day_clock(at, reading.now, reading.zone) for at in (roundup.start, roundup.end))
    one_day = reading.day(roundup.start) == reading.day(roundup.end)
    return f"from {start} to {clock(roundup.end, reading.zone) if one_day else end}"


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
    unreported = sum(call.unanswered and not call.missed for call in calls)
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
    began = clock(call.started_at, reading.zone) if one_day else day_clock(call.started_at, reading.now, reading.zone)
    party = who(call.number, call.name, reading.contacts.get(call.number), masked=reading.masked)
    rep = plain(reading.names.get(call.rep, "")) or rep_words("", call.person, call.extension)
    by = f" by {rep}" if rep and (call.conversation or call.direction == "out") else ""
    told = [
        f"{'From' if call.direction == 'in' else 'To'} {party}{by if call.direction == 'out' else ''}: "
        f"{ended_words(call)}{by if call.direction == 'in' else ''}",
        f"talked {duration(call.talk_seconds)}" if call.talk_seconds else "",
        ("still waits" if call.id in reading.waiting else "does not wait any more") if call.missed else "",
        line_words(call.line) if several else "",
    ]
    return f"{upper_first(began)} · {', '.join(part for part in told if part)}"
