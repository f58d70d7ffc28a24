"""The call log: a page of calls, the same as a file, and the form for a call that was made elsewhere. Pure.

Buttons: `log:older` and `log:newer` carry a `Turn` as JSON, `log:export` one without a call to go on from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from bot.by_hand import NOTE
from bot.call import Call
from bot.call_search import Search, zone_of
from bot.cards import (
    Block,
    Message,
    actions,
    button,
    clock,
    context,
    date_clock,
    day_clock,
    duration,
    header,
    line_words,
    message,
    plain,
    rep_words,
    section,
    upper_first,
    who,
)
from bot.cards.forms import CLOCK_LENGTH, any_input, form, select_input, text_input, typed
from bot.cards.modals import NONE
from bot.cards.outcomes import SHORT
from bot.cards.times import counted
from bot.events import Outcome, State
from bot.numbers import masked as masked_number
from bot.numbers import pretty
from bot.tables import csv_file, phone

if TYPE_CHECKING:
    from bot.store.contacts import Contact

PAGE = 10
"""Calls of one page: with their notes they fit into the text that screen readers are given."""
_NOTE = 120
"""Characters of a note on a page; the file has all of it."""
_SAID = 40
"""The same of a disposition."""
_UNREPORTED = {"": "", "brief": ", hung up early", "line": ", not reported"}


class Turn(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a page goes on.

    Attributes:
        search: what was looked for.
        at, call: the start and id of the call to go on from, "" = the newest page.
        newer: the page of newer calls, not of older ones.
    """

    search: Search
    at: float = 0
    call: str = ""
    newer: bool = False


@dataclass(frozen=True)
class Logged:
    """A call as one reader may see it. `masked`: number and note are hidden."""

    call: Call
    contact: "Contact | None"
    masked: bool


class Reading(msgspec.Struct, frozen=True):
    """Who reads, and what their search means to them.

    Attributes:
        user: Slack user id.  now: seconds since 1970 UTC.  zone: IANA name.
        label: our line's number -> its name, or the number itself.
        names: number that was searched for -> the contact's name.
        everybody: they see the calls of all; others see their own, and the missed calls of all.
    """

    user: str
    now: float
    zone: str
    label: Mapping[str, str]
    names: Mapping[str, str]
    everybody: bool

    def line(self, number: str) -> str:
        return self.label.get(number, number)


def log_message(
    logged: Sequence[Logged], search: Search, reading: Reading, *, newer: bool, older: bool, command: str
) -> Message:
    """A page. `newer`, `older`: there are such calls.  `command`: the name of `/calls` here."""
    blocks: list[Block] = [
        header("Call log", "log:title"),
        context([search_words(search, reading)], "log:search"),
    ]
    blocks += [section(_words(one, reading), f"log:call:{one.call.id}"[:255]) for one in logged]
    if not logged:
        blocks.append(section(f"No call fits. `{command} help` shows what can be searched for.", "log:none"))
    buttons = []
    if newer and logged:
        buttons.append(_turn("Newer", "log:newer", search, logged[0].call, newer=True))
    if older and logged:
        buttons.append(_turn("Older", "log:older", search, logged[-1].call, newer=False))
    if logged:
        value = msgspec.json.encode(Turn(search)).decode()
        buttons.append(button("Export CSV", "log:export", value, about="all calls of this search"))
        blocks.append(actions(buttons, "log:turn"))
    blocks.append(context([f"As of {clock(reading.now, reading.zone)}."], "log:as_of"))
    return message(blocks)


def _turn(label: str, action: str, search: Search, call: Call, *, newer: bool) -> Block:
    value = msgspec.json.encode(Turn(search, call.started_at, call.id, newer)).decode()
    return button(label, action, value, about="calls of the log")


def search_words(search: Search, reading: Reading) -> str:
    """What was looked for, mrkdwn: "Everybody's missed calls, with Dana Levi, +1 202-555-0100, since 1 Nov 2026"."""
    what = "voice messages" if search.messages else "missed calls" if search.missed else "calls"
    if search.direction and not search.missed and not search.messages:
        what = f"{'incoming' if search.direction == 'in' else 'outgoing'} {what}"
    parts = [
        _whose(search, what, reading),
        f"with {' or '.join(who(one, reading.names.get(one, '')) for one in search.numbers[:3])}"
        if search.numbers
        else "",
        f"and {counted(len(search.numbers) - 3, 'more number')}" if len(search.numbers) > 3 else "",
        line_words(reading.line(search.line)),
        days_words(search.since, search.until, reading.zone),
    ]
    return ", ".join(part for part in parts if part)


def _whose(search: Search, what: str, reading: Reading) -> str:
    if search.rep and search.rep != reading.user:
        return f"{upper_first(what)} of {rep_words(search.rep)}"
    if reading.everybody and not search.rep:
        return f"Everybody's {what}"
    if search.rep or search.messages or search.direction == "out":
        return f"My {what}"
    return upper_first(what) if search.missed else f"My {what} and the missed calls of all"


def days_words(since: float, until: float, zone: str) -> str:
    """The days of a search, "1 Nov 2026 to 15 Nov 2026"; "" = any. `since`, `until`: as in `Search`."""
    first = _date(since, zone) if since else ""
    last = _date(until - 1, zone) if until else ""
    if first and last:
        return f"on {first}" if first == last else f"{first} to {last}"
    return f"since {first}" if first else f"until {last}" if last else ""


def _date(at: float, zone: str) -> str:
    return date_clock(at, zone).partition(",")[0]


def _words(one: Logged, reading: Reading) -> str:
    call = one.call
    party = who(call.number, call.name, one.contact, masked=one.masked, called=call.direction == "out")
    what = "Voice message" if call.purpose == "message" else "Outgoing call" if call.direction == "out" else "Call"
    way = "from" if call.direction == "in" else "to"
    head = f"{upper_first(day_clock(call.started_at, reading.now, reading.zone))} · {what} {way} {party}"
    told = [
        _rep(call),
        line_words(reading.line(call.line), call.queue),
        upper_first(ended_words(call)),
        f"talked {duration(call.talk_seconds)}" if call.talk_seconds else "",
        "recorded" if call.recording else "",
        "recorded by hand" if call.by_hand and not call.note.startswith(NOTE) else "",
        plain(call.disposition, _SAID),
        plain(call.note, _NOTE) if not one.masked else "",
    ]
    return f"*{head}*\n{' · '.join(part for part in told if part)}"


def _rep(call: Call) -> str:
    rep = rep_words(call.rep, call.person, call.extension)
    if not rep:
        return ""
    if call.direction == "out":
        return f"by {rep}"
    return f"taken by {rep}" if call.answered_at or call.conversation else f"rang {rep}"


def ended_words(call: Call) -> str:
    """How it ended, or how it stands."""
    if call.state is State.ENDED:
        return SHORT[call.outcome or Outcome.PENDING] + _UNREPORTED[call.unreported]
    return "not known whether it rang" if call.state is State.UNCLEAR else "not over yet"


# The file.


def log_csv(logged: Sequence[Logged], reading: Reading, reps: Mapping[str, str]) -> bytes:
    """All calls of a search, newest first, UTF-8 with a mark for spreadsheets; lengths in seconds.

    `reps`: Slack user id -> name.
    """
    heading = [
        *("began (UTC)", f"began ({reading.zone})", "direction", "number", "name", "company", "rep", "line"),
        *("queue", "result", "rang", "waited", "talked", "how it went", "note", "recorded", "account", "call"),
    ]
    tz = zone_of(reading.zone)

    def row(one: Logged) -> list[str | float]:
        call = one.call
        began = datetime.fromtimestamp(call.started_at, UTC)
        name = one.contact.name if one.contact and one.contact.name.strip() else call.name
        return [
            began.isoformat(timespec="seconds"),
            began.astimezone(tz).strftime("%Y-%m-%d %H:%M:%S"),
            "message" if call.purpose == "message" else call.direction,
            masked_number(call.number) if one.masked else phone(call.number),
            _unmasked(name, call.number) if one.masked else name,
            one.contact.company if one.contact else "",
            reps.get(call.rep, "") or call.rep or call.person or call.extension,
            reading.line(call.line),
            call.queue,
            ended_words(call),
            call.ring_seconds or "",
            call.wait_seconds or "",
            call.talk_seconds or "",
            call.disposition,
            "" if one.masked else call.note,
            "yes" if call.recording else "",
            call.account,
            call.id,
        ]

    return csv_file(heading, map(row, logged))


def _unmasked(name: str, number: str) -> str:
    """A name that may stand beside a hidden number: many networks send the number again as the name."""
    digits = "".join(char for char in name if char.isdecimal())
    known = "".join(char for char in number if char.isdecimal())
    return "" if len(digits) >= 5 and (digits in known or known in digits) else name


def export_comment(search: Search, reading: Reading, count: int, *, more: bool) -> str:
    """What is said with the file, mrkdwn."""
    calls = "one call" if count == 1 else f"{count:,} calls"
    told = f"Call log: {search_words(search, reading)}. {upper_first(calls)}."
    if more:
        told += " There are more than fit into one file: these are the newest. Name a shorter period for the others."
    return told


# The form.


def add_modal(
    *,
    lines: Sequence[tuple[str, str]],
    dispositions: Sequence[str],
    today: str,
    initial: Mapping[str, str],
    private_metadata: str,
) -> Block:
    """Record a call made elsewhere; callback_id `log:added`.

    Blocks: who, direction, day, time, minutes, line, disposition, note.

    Attributes:
        lines: (E.164, label).  today: ISO date.  initial: block name -> what stands there at first.
    """
    directions = [("out", "I called them"), ("in", "They called")]
    blocks: list[Block] = [
        section("For a call on a phone that Callboard does not see, such as your mobile. Nobody is called.", "about"),
        text_input("who", "With whom", initial, placeholder="+1 202 555 0100, or a contact's name", length=150),
        select_input("direction", "Who called", directions, {"direction": "out", **initial}),
        any_input("day", "On which day", {"type": "datepicker", "initial_date": today}),
        text_input(
            "time",
            "When it began",
            {},
            optional=True,
            placeholder="14:30",
            hint="Your local time. Empty: it has just ended.",
            length=CLOCK_LENGTH,
        ),
        text_input(
            "minutes",
            "Minutes talked",
            {},
            placeholder="5",
            hint="0: nobody was reached. A call of theirs that nobody took is a missed call.",
            length=12,
        ),
    ]
    if lines:
        choices = [(NONE, "None of ours"), *((number, f"{label or pretty(number)}") for number, label in lines)]
        blocks.append(select_input("line", "Our line", choices, initial, optional=True, empty="None of ours"))
    names = list(dict.fromkeys(said for name in dispositions if (said := typed(name, 75))))
    if names:
        blocks.append(select_input("disposition", "How it went", [(one, one) for one in names], {}, optional=True))
    blocks.append(text_input("note", "Note", {}, optional=True, multiline=True, length=1000))
    return form("Record a call", blocks, "log:added", private_metadata, submit="Record")
