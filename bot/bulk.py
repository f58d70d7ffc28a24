"""A file of calls for a campaign -> rows, each judged by the policy. Pure.

`check()` takes seconds for many rows and holds the interpreter all the while: `bot/batches.py` runs it in a process of
its own, so what goes in and comes out is plain data, and the rows come in pieces that are quick to read.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from bot import numbers, policy, tables
from bot.errors import BadInput
from bot.orders import CampaignCall
from bot.periods import instant, time_of_day
from bot.registry_rows import contains
from bot.rules import History, Proposed, Refused, Role, Rules
from bot.window import is_open, zones_of

MOST_ROWS = 100_000
"""Ours, and of the largest dialer among our services."""

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "number": ("number", "phone", "phone number", "telephone", "tel", "mobile", "cell", "target", "to"),
    "name": ("name", "customer", "customer name", "contact", "full name"),
    "caller_id": ("caller id", "callerid", "from", "line"),
    "caller_name": ("caller name", "callername"),
    "priority": ("priority", "prio"),
    "at": ("at", "time", "when", "not before", "start"),
}
"""Field of a call -> headings that mean it, whatever their case; any other heading is a variable of that name."""

RowState = Literal["ready", "invalid", "duplicate", "dnc", "forbidden", "sending", "added", "rejected", "unclear"]
"""What became of a row. Judged here: ready, invalid, duplicate, dnc (do-not-call list), forbidden (by the policy).
Later: sending, added, rejected (by the phone service), unclear (its answer was lost; never sent again)."""
Hours = Literal["open", "closed", "unknown"]

EXTENSION = "extension"
"""The variable that tells of an extension behind the number: no dialer dials that, but whoever talks may see it."""
_OPTIONS = {"name": "name", "from": "caller_id", "priority": "priority", "at": "at"}
_TOKEN = re.compile(r'(?P<key>\w+)="(?P<value>[^"]*)"|"(?P<quoted>[^"]*)"|(?P<word>\S+)')
_NOT_PLACED = "The call was not placed: "


class Row(msgspec.Struct, frozen=True, omit_defaults=True):
    """One row of a file, judged.

    Attributes:
        line: in the file, from 1.  typed: what stands there as the number.  why: not ready, a clause for people.
        call: what is to be added.  hours: is it within calling hours there, now or at the time the row names?
    """

    line: int
    state: RowState
    typed: str = ""
    why: str = ""
    call: CampaignCall | None = None
    hours: Hours = "unknown"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What rows are judged by.

    Attributes:
        user: Slack user id of who adds them.  zone: IANA zone of times in the file.  now: seconds since 1970 UTC.
        listed: the do-not-call list, E.164.
        registered: (name, numbers) of each do-not-call registry, as `registry_rows` packs them.
        outdated: country -> why nobody can be sure of it, a clause.  agreed: number -> when they agreed to be called.
        waiting: numbers that wait in the campaign already.
    """

    user: str
    role: Role
    rules: Rules
    zone: str
    now: float
    listed: frozenset[str] = frozenset()
    registered: tuple[tuple[str, bytes], ...] = ()
    outdated: Mapping[str, str] = {}
    agreed: Mapping[str, float] = {}
    waiting: frozenset[str] = frozenset()


class Checked(msgspec.Struct, frozen=True):
    """A read file. `pieces`: JSON lists of `Row`.  `encoding`: as it was read.  `columns`: headings as understood.

    `behind`: (line, extension) of ready rows with one behind the number, which is a variable of the call.
    """

    pieces: tuple[bytes, ...]
    encoding: str
    columns: tuple[str, ...] = ()
    behind: tuple[tuple[int, str], ...] = ()


def check(data: bytes, plan: Plan) -> Checked:
    """Read and judge a whole file.

    Raises:
        BadInput: it is no table of calls; says what is wrong, and where.
    """
    text, encoding = tables.decode(data, plan.rules.region)
    table = tables.Table(text, COLUMNS)
    first: dict[str, int] = {}
    behind: list[tuple[int, str]] = []
    rows = (_judged(line, fields, variables, plan, first, behind) for line, fields, variables in table.rows())
    pieces = tables.in_pieces(rows, MOST_ROWS)
    if not pieces:
        raise BadInput("The file holds no calls, only headings. Nothing was added.")
    return Checked(pieces, encoding, table.columns, tuple(behind))


def _judged(
    line: int,
    fields: dict[str, str],
    variables: dict[str, str],
    plan: Plan,
    first: dict[str, int],
    behind: list[tuple[int, str]],
) -> Row:
    typed = fields.get("number", "")[:100]
    if "extra" in fields:
        why = "it has more cells than the first line; a value with the delimiter in it needs quotes"
        return Row(line, "invalid", typed, why)
    try:
        call, extension = call_of(fields, variables, plan.rules.region, plan.zone, plan.now)
    except BadInput as error:
        return Row(line, "invalid", typed, str(error))
    if extension:
        call = msgspec.structs.replace(call, variables={EXTENSION: extension, **call.variables})
    state, why = judge(call, typed, plan)
    if state == "ready":
        earlier = first.setdefault(call.number, line)
        if earlier != line:
            state, why = "duplicate", f"the same number as in line {earlier}"
        elif extension:
            behind.append((line, extension))
    return Row(line, state, typed, why, call, hours(call, plan) if state == "ready" else "unknown")


def judge(call: CampaignCall, typed: str, plan: Plan) -> tuple[RowState, str]:
    """Whether this call may be added, and why not. Not asked: the daily cap, for the campaign dials, not the person."""
    proposed = Proposed(
        rep=plan.user, role=plan.role, number=call.number, typed=typed, confirmed=True, from_list=bool(plan.registered)
    )
    registry = next((name for name, packed in plan.registered if contains(packed, call.number)), "")
    history = History(
        registered=registry,
        outdated=plan.outdated.get(numbers.likely_country(call.number), "") if plan.outdated else "",
        agreed_at=plan.agreed.get(call.number),
    )
    decision = policy.decide(proposed, plan.rules, history, datetime.fromtimestamp(plan.now, UTC))
    if isinstance(decision, Refused):
        return "dnc" if registry else "forbidden", decision.why.removeprefix(_NOT_PLACED)
    if call.number in plan.listed:
        return "dnc", "on the do-not-call list"
    if call.number in plan.waiting:
        return "duplicate", "waits in the campaign already"
    return "ready", ""


def hours(call: CampaignCall, plan: Plan) -> Hours:
    """Whether it is within calling hours where the number is, at the time the call names or else now."""
    zones = zones_of(call.number)
    if not zones:
        return "unknown"
    at = datetime.fromtimestamp(max(call.at or 0, plan.now), UTC)
    return "open" if is_open(plan.rules.window_of(call.number), zones, at) else "closed"


def call_of(
    fields: Mapping[str, str], variables: Mapping[str, str], region: str, zone: str, now: float
) -> tuple[CampaignCall, str]:
    """A call from words, by the names of `COLUMNS`, and the extension behind its number, "" = none.

    `region`, `zone`: of numbers and times that do not say theirs.

    Raises:
        BadInput: which of them cannot be used, and how to write it.
    """
    caller_id = fields.get("caller_id", "")
    if caller_id.casefold() in ("anonymous", "hidden", "withheld"):
        caller_id = "anonymous"
    elif caller_id:
        caller_id, _ = tables.number(caller_id, region, "caller id")
    priority = fields.get("priority", "")
    if priority and not re.fullmatch(r"-?\d{1,6}", priority):
        raise BadInput(f"“{priority[:40]}” is no priority: write a whole number, higher first.")
    number, extension = tables.number(fields.get("number", ""), region, "number")
    call = CampaignCall(
        number=number,
        caller_id=caller_id,
        caller_name=fields.get("caller_name", ""),
        name=fields.get("name", ""),
        at=moment(fields["at"], zone, now) if fields.get("at") else None,
        priority=int(priority) if priority else None,
        variables=dict(variables),
    )
    return call, extension


def moment(text: str, zone: str, now: float) -> float:
    """Seconds since 1970 UTC of a time as people write it: "14:30", "6pm" (the next one), "2026-03-04 14:30", ISO 8601.

    Raises:
        BadInput: not a time; shows how to write one. "3/4/2026" is one of two days, so it is not read.
    """
    text = text.strip()
    clock = time_of_day(text)
    local = ZoneInfo(zone)
    try:
        if clock is not None:
            today = datetime.fromtimestamp(now, local).date()
            upcoming = [instant(today + timedelta(days), clock, local).timestamp() for days in (0, 1)]
            return next(begins for begins in upcoming if begins > now)
        if text.isdecimal() and 9 <= len(text) <= 11:
            return float(text)
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadInput(f"“{text[:40]}” is no time: write 14:30 or 2026-03-04 14:30.") from error
    return found.timestamp() if found.tzinfo else instant(found.date(), found.time(), local).timestamp()


def read_words(text: str) -> tuple[dict[str, str], dict[str, str]]:
    """What follows a campaign's name in `/campaign add`: (fields, variables).

    `+1 202 555 0100 name Dana Levi from +1 202 555 0199 priority 5 at 14:30 city=Haifa note="call twice"`
    """
    fields: dict[str, list[str]] = {"number": []}
    variables: dict[str, list[str]] = {}
    into = fields["number"]
    for token in _TOKEN.finditer(re.sub("[“”„«»]", '"', text)):
        word = token["word"] or ""
        option = _OPTIONS.get(word.casefold(), "")
        key, is_variable, value = word.partition("=")
        if token["key"]:
            into = variables.setdefault(token["key"], [])
            into.append(token["value"])
        elif option:
            into = fields.setdefault(option, [])
        elif is_variable and re.fullmatch(r"\w+", key):
            into = variables.setdefault(key, [])
            into.append(value)
        else:
            into.append(token["quoted"] if token["quoted"] is not None else word)
    for option, words in fields.items():
        if not " ".join(words).strip() and option != "number":
            raise BadInput(f"“{option.replace('_', ' ')}” needs something after it. Nothing was done.")
    return (
        {name: " ".join(words).strip() for name, words in fields.items()},
        {name: " ".join(words).strip() for name, words in variables.items()},
    )
