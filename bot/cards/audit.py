"""The audit log: a page of who did what, and the same as a file. Pure.

Buttons: `audit:older` and `audit:newer` carry a `Turn` as JSON, `audit:export` one without a line to go on from.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from bot.audit_search import Lines, is_channel
from bot.call_search import zone_of
from bot.cards import (
    Block,
    Message,
    actions,
    button,
    clock,
    context,
    day_clock,
    header,
    message,
    plain,
    rep_words,
    section,
    shorten,
    upper_first,
)
from bot.cards.call_log import days_words
from bot.numbers import pretty
from bot.tables import csv_file, phone

if TYPE_CHECKING:
    from bot.store.audit import Line

PAGE = 8
"""Lines of one page: with their reasons they fit into the text that screen readers are given."""
_SUBJECT = 60
"""Characters of what it was done to; the file has all of it."""
_DETAIL, _TAIL = 310, 160
"""The same of the details, and of their end: what is cut is in their middle."""
_ROOM, _STEP = 345, 50
"""So long details may be as Slack counts them; else they are cut by so much more."""
_WHY, _WHY_LIMIT = " Why: ", 220
"""A manager's reason, which stands last and has 200 characters at most, is not cut at all."""

_USER = r"[UW](?=[A-Z]*\d)[A-Z0-9]{1,20}"
_TOKEN = re.compile(rf"(<@{_USER}>|@?\b{_USER}\b|\+\d{{7,15}}\b)")
_CHANNEL = re.compile(r"[CG][A-Z0-9]{1,20}")
_OF_A_PLACE = ("digest", "digest stop")
"""What is done to a place in Slack."""
_OUR_ID = re.compile(r"\s?\b[0-9a-f]{20,22}\b")
"""Of a call, list or batch, as the details have it: says nothing to a person."""


class Turn(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a page goes on.

    Attributes:
        search: what was looked for.
        at, line: moment and id of the line to go on from, 0 = the newest page.
        newer: the page of newer lines, not of older ones.
    """

    search: Lines
    at: float = 0
    line: int = 0
    newer: bool = False


class Reading(msgspec.Struct, frozen=True):
    """Who reads.

    Attributes:
        now: seconds since 1970 UTC.  zone: IANA name.
        names: Slack user id -> name, of those in the lines who are known here.
    """

    now: float
    zone: str
    names: Mapping[str, str] = {}


def audit_message(
    lines: Sequence["Line"], search: Lines, count: int, reading: Reading, *, newer: bool, older: bool, command: str
) -> Message:
    """A page. `count`: of all lines that fit. `newer`, `older`: there are such.  `command`: name of `/callboard`."""
    blocks: list[Block] = [
        header("Audit log", "audit:title"),
        context([search_words(search, reading), how_many(count) if count else ""], "audit:search"),
    ]
    blocks += [section(_words(line, reading), f"audit:line:{line.id}") for line in lines]
    if not lines:
        words = "The audit log is empty."
        if search != Lines():
            words = f"No line fits. `{command} audit` shows all; `{command} audit yesterday` those of a day."
        blocks.append(section(words, "audit:none"))
    buttons = []
    if newer and lines:
        buttons.append(_turn("Newer", "audit:newer", search, lines[0], newer=True))
    if older and lines:
        buttons.append(_turn("Older", "audit:older", search, lines[-1], newer=False))
    if lines:
        buttons.append(button("Export CSV", "audit:export", _value(Turn(search)), about="all lines of this search"))
        blocks.append(actions(buttons, "audit:turn"))
    blocks.append(context([f"As of {clock(reading.now, reading.zone)}."], "audit:as_of"))
    return message(blocks)


def _turn(label: str, action: str, search: Lines, line: "Line", *, newer: bool) -> Block:
    value = _value(Turn(search, line.at, line.id, newer))
    return button(label, action, value, about="lines of the audit log")


def _value(turn: Turn) -> str:
    """As a button carries it, with nothing in it that could ring somebody."""
    return msgspec.json.encode(turn).decode().replace("<", "\\u003c")


def search_words(search: Lines, reading: Reading, said: Callable[[str], str] = plain) -> str:
    """What was looked for, mrkdwn: "What @Ada did, with “campaign” in it, since 1 Nov 2026".

    `said`: how words are written; elsewhere than in Slack as they are.
    """
    sought = [word if is_channel(word) else f"“{said(word)}”" for word in search.plain_words]
    sought += map(pretty, search.numbers)
    parts = [
        f"What {rep_words(search.by)} did" if search.by else "What everybody did",
        f"with {' and '.join(sought)} in it" if sought else "",
        days_words(search.since, search.until, reading.zone),
    ]
    return ", ".join(part for part in parts if part)


def how_many(count: int) -> str:
    """ "1,234 lines"."""
    return "one line" if count == 1 else f"{count:,} lines"


def _words(line: "Line", reading: Reading) -> str:
    """Who, when, what, to what; below it the details, with the reason at their end."""
    when = upper_first(day_clock(line.at, reading.now, reading.zone))
    by = rep_words(line.who) or "Callboard"
    subject = _said(line.subject[:_SUBJECT] + "…" if len(line.subject) > _SUBJECT else line.subject, reading)
    if line.what in _OF_A_PLACE:
        subject = _channel(line.subject) or subject
    head = f"*{when} · {by}: {plain(line.what)}{f' · {subject}' if subject else ''}*"
    detail = _fitting(_OUR_ID.sub("", " ".join(line.detail.split())).strip(), reading)
    if line.what.endswith(" missed caller"):
        detail = _channel(line.detail) or detail  # where they wait
    return f"{head}\n{detail}" if detail else head


def _channel(text: str) -> str:
    """A channel by its name, where the text is a channel's id; a campaign may be called like one."""
    return f"<#{text}>" if _CHANNEL.fullmatch(text) else ""


def _fitting(text: str, reading: Reading) -> str:
    """Both ends of long details, mrkdwn: mentions and escaped signs are longer there, and emoji count double."""
    for most in range(_DETAIL, 0, -_STEP):
        said = _said(_middle_out(text, most), reading)
        if shorten(said, _ROOM) == said:
            break
    return said


def _middle_out(text: str, most: int) -> str:
    """Both ends of a text of more than `most` characters, cut at a blank where there is one."""
    if len(text) <= most:
        return text
    why = len(text) - text.rfind(_WHY) if _WHY in text else 0
    end = why if 0 < why <= _WHY_LIMIT else _TAIL * most // _DETAIL
    head, tail = text[: max(most - end, 0)], text[-end:]
    if " " in head:
        head = head.rpartition(" ")[0]
    if " " in tail[: _TAIL // 2]:
        tail = tail.partition(" ")[2]
    return f"{head.rstrip()} … {tail.lstrip()}"


def _said(text: str, reading: Reading) -> str:
    """Words of a line, mrkdwn: harmless, with people by name and numbers as people write them."""
    parts = []
    for place, part in enumerate(_TOKEN.split(text)):
        parts.append(_named(part, reading) if place % 2 else _harmless(part))
    return "".join(parts).strip()


def _harmless(text: str) -> str:
    """`plain()`, but blanks at its ends stay."""
    words = plain(text, 1000)
    return f"{' ' if words and text[:1].isspace() else ''}{words}{' ' if text[-1:].isspace() else ''}"


def _named(token: str, reading: Reading) -> str:
    user = token.strip("<@>")
    if token.startswith("+"):
        return pretty(token)
    return rep_words(user) if token.startswith("<@") or user in reading.names else plain(token)


def ids_in(lines: Iterable["Line"]) -> tuple[str, ...]:
    """What looks like a Slack user's id in the lines, but for who did it."""
    found = {
        token.strip("<@>"): None
        for line in lines
        for text in (line.subject, line.detail)
        for token in _TOKEN.findall(text)
        if token.strip("<@>")[0] in "UW"
    }
    return tuple(found)


# The file.


def audit_csv(lines: Iterable["Line"], zone: str, name: Callable[[str], str]) -> tuple[bytes, int]:
    """All lines of a search, newest first, whole, UTF-8 with a mark for spreadsheets; and how many they are.

    `name`: of a Slack user id, "" = not known. Where details have an id, the name stands before it.
    """

    def said(text: str) -> str:
        return _TOKEN.sub(lambda found: _with_name(found[0], name), text)

    tz, count = zone_of(zone), 0

    def rows() -> Iterator[list[str]]:
        nonlocal count
        for line in lines:
            count += 1
            at = datetime.fromtimestamp(line.at, UTC)
            yield [
                at.isoformat(timespec="seconds"),
                at.astimezone(tz).strftime("%Y-%m-%d %H:%M:%S"),
                name(line.who) or line.who if line.who else "Callboard",
                line.who,
                said(line.what),
                said(phone(line.subject)),
                said(line.detail),
            ]

    file = csv_file(["when (UTC)", f"when ({zone})", "who", "Slack id", "what", "to what", "details"], rows())
    return file, count


def _with_name(token: str, name: Callable[[str], str]) -> str:
    user = token.strip("<@>")
    known = name(user) if user[0] in "UW" else ""
    return f"{known} ({user})" if known else token


def export_comment(search: Lines, reading: Reading, count: int, found: int) -> str:
    """What is said with the file, mrkdwn. `found`: lines that fit, of which `count` are in the file."""
    told = f"Audit log: {search_words(search, reading)}. {upper_first(how_many(count))}."
    if found > count:
        told += f" These are the newest of {found:,}. Name a shorter period for the others."
    return told
