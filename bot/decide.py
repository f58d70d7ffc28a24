"""What to do with an incoming call that the phone service asks about: pure, from the flows of callboard.toml.

A flow belongs to a line (or to all) and has named steps. The service asks when a call comes in, and again when a menu
has collected digits; the answer is a step of `bot.hooks`, which the provider puts into its own words.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from bot.hooks import Dial, GoTo, HangUp, Menu, Question, RecordMessage, SayDigits, Step

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
KINDS: Mapping[str, type[Step]] = {
    "menu": Menu,
    "say_digits": SayDigits,
    "dial": Dial,
    "go_to": GoTo,
    "record": RecordMessage,
    "hang_up": HangUp,
}
"""What a step may `do` -> what it is. Its other settings are the fields of that class."""
OTHERWISE = "*"
"""The choice for digits that no other choice names."""
_MENTIONED = re.compile(r"@[USW][A-Z0-9]+")


class Flow(msgspec.Struct, frozen=True, kw_only=True):
    """What happens to calls of a line.

    Attributes:
        line: E.164, "" = every line that has no flow of its own.  start: name of the first step.
        steps: name -> step.  choices: name of a menu -> digits -> name of the next step; "" = nothing was keyed.
        hours, weekdays: when `start` is right, in the installation's time zone; at other times `closed` is.
    """

    start: str
    steps: Mapping[str, Step]
    choices: Mapping[str, Mapping[str, str]] = {}
    line: str = ""
    closed: str = ""
    hours: tuple[str, str] = ("00:00", "24:00")
    weekdays: tuple[str, ...] = DAYS


def read(tables: object) -> tuple[tuple[Flow, ...], list[str]]:
    """Flows of `[[flow]]` in callboard.toml, and a sentence for each thing that is wrong with them."""
    if not isinstance(tables, list):
        return (), ["flow must be a list of tables, [[flow]]."]
    flows, errors = [], []
    for number, table in enumerate(tables, 1):
        try:
            flow = _flow(table)
        except (msgspec.ValidationError, ValueError, TypeError) as error:
            errors.append(f"[[flow]] number {number} cannot be read: {error}. Compare it with docs/routing.md.")
            continue
        errors += [f"[[flow]] number {number}: {sentence}" for sentence in _wrong(flow)]
        flows.append(flow)
    return tuple(flows), errors


def decide(
    question: Question, flows: Sequence[Flow], now: datetime, reach: Mapping[str, tuple[str, ...]] | None = None
) -> Step | None:
    """The step to take, None = no flow says anything about this.

    Args:
        now: with a time zone.
        reach: target of a dial as written ("@U123") -> what is dialled for it; targets without an entry stay.

    A question about a dial means that the targets in `Question.tried` did not answer.
    """
    flow = next((one for one in flows if one.line == question.line), None)
    flow = flow or next((one for one in flows if not one.line), None)
    if flow is None:
        return None
    return _reached(flow, _name(flow, question, now), question, reach or {})


def _reached(flow: Flow, name: str, question: Question, reach: Mapping[str, tuple[str, ...]]) -> Step | None:
    """The step of that name; a dial in which nobody (more) can be rung gives way to what follows it."""
    seen = set[str]()
    while name not in seen:
        seen.add(name)
        step = flow.steps.get(name)
        if not isinstance(step, Dial):
            return step
        tried = question.tried if name == question.step else ()
        phones = dict.fromkeys(phone for written in step.targets for phone in reach.get(written, (written,)))
        if targets := tuple(phone for phone in phones if phone not in tried):
            return msgspec.structs.replace(step, targets=targets, **_if_failed(flow, step))
        name = step.if_failed
    return None


def _if_failed(flow: Flow, step: Dial) -> dict[str, Any]:
    """How the menu is that follows a dial, for services that play it by themselves."""
    menu = flow.steps.get(step.if_failed)
    if step.failed_sound or not isinstance(menu, Menu):
        return {}
    return {
        "failed_sound": menu.sound,
        "failed_repeat": menu.repeat,
        "failed_digits": menu.digits,
        "failed_wait_seconds": menu.wait_seconds,
    }


def word(step: Step | None) -> str:
    """What that step does, in the word of the flows; "" = None."""
    return next((word for word, kind in KINDS.items() if isinstance(step, kind)), "")


def mentioned(flows: Sequence[Flow]) -> frozenset[str]:
    """Slack users ("@U123") and user groups ("@S123") that dials of these flows name."""
    return frozenset(
        target
        for flow in flows
        for step in flow.steps.values()
        if isinstance(step, Dial)
        for target in step.targets
        if target.startswith("@")
    )


def dialled(flow: Flow) -> list[tuple[str, str]]:
    """(step, target) of all that a flow may dial, as written, but for people and user groups."""
    steps = [(name, step) for name, step in flow.steps.items() if isinstance(step, Dial)]
    return [(name, target) for name, step in steps for target in step.targets if not target.startswith("@")]


def _name(flow: Flow, question: Question, now: datetime) -> str:
    asked = question.step or (flow.start if question.digits else "")
    if not asked:
        return flow.start if _open(flow, now) or not flow.closed else flow.closed
    if isinstance(flow.steps.get(asked), Dial):
        return asked
    choices = flow.choices.get(asked, {})
    return choices.get(question.digits, choices.get(OTHERWISE, "") if question.digits else "")


def _open(flow: Flow, now: datetime) -> bool:
    since, until = flow.hours
    return DAYS[now.weekday()] in flow.weekdays and since <= now.strftime("%H:%M") < until


def local(now: float, zone: str) -> datetime:
    """Seconds since 1970 UTC as the installation's time."""
    return datetime.fromtimestamp(now, ZoneInfo(zone))


def _flow(table: Any) -> Flow:
    if not isinstance(table, dict):
        raise TypeError("it is no table")
    told = dict(table)
    steps, choices = {}, {}
    sections = told.pop("steps", {})
    if not isinstance(sections, dict):
        raise TypeError("its steps are sections, like [flow.steps.a]")
    for name, written in sections.items():
        if not isinstance(written, dict):
            raise TypeError(f"step “{name}” is a section, [flow.steps.{name}]")
        step = dict(written)
        kind = KINDS.get(str(step.pop("do", "")))
        if kind is None:
            raise ValueError(f"step “{name}” must do one of: {', '.join(KINDS)}")
        if kind in (Menu, SayDigits):
            choices[name] = step.pop("choices", {})
        step["name"] = name
        unknown = set(step) - set(kind.__struct_fields__)
        if unknown:
            raise ValueError(f"step “{name}” has no {', '.join(sorted(unknown))}")
        try:
            steps[name] = msgspec.convert(step, kind)
        except msgspec.ValidationError as error:
            raise ValueError(f"step “{name}”: {error}") from error
    known = {name: told.pop(name) for name in ("line", "start", "closed", "hours", "weekdays") if name in told}
    if told:
        raise ValueError(f"it has no {', '.join(sorted(told))}")
    # The steps are converted one by one: msgspec cannot tell untagged classes of a union apart.
    plain = msgspec.convert({"start": "", **known, "steps": {}, "choices": choices}, _Plain)
    return Flow(steps=steps, **msgspec.structs.asdict(plain))


class _Plain(msgspec.Struct):
    start: str
    choices: dict[str, dict[str, str]]
    line: str = ""
    closed: str = ""
    hours: tuple[str, str] = ("00:00", "24:00")
    weekdays: tuple[str, ...] = DAYS


def _wrong(flow: Flow) -> list[str]:
    named = {"start": flow.start, **({"closed": flow.closed} if flow.closed else {})}
    for menu, choices in flow.choices.items():
        named |= {f"step “{menu}”, choice “{digits}”": name for digits, name in choices.items()}
    named |= {
        f"step “{name}”, if_failed": step.if_failed
        for name, step in flow.steps.items()
        if isinstance(step, Dial) and step.if_failed
    }
    wrong = [
        f"{where} names the step “{name}”, which is not there."
        for where, name in named.items()
        if name not in flow.steps
    ]
    wrong += [f"the menu “{menu}” has no choices." for menu, choices in flow.choices.items() if not choices]
    wrong += [f"step “{name}” is never reached." for name in flow.steps if name not in named.values()]
    wrong += [f"“{day}” is no weekday; write mon, tue and so on." for day in flow.weekdays if day not in DAYS]
    times = [f"“{hour}” is no time; write it like 09:00." for hour in flow.hours if not _is_time(hour)]
    since, until = flow.hours
    if not times and until <= since:  # it would never be open
        times = [f"{until} is not after {since}. Write two times of one day; midnight is 24:00."]
    people = [
        f"“{target}” is neither a person nor a user group. Write its id, like @U0123456789 or @S0123456789."
        for target in sorted(mentioned([flow]))
        if not _MENTIONED.fullmatch(target)
    ]
    return [*wrong, *times, *people]


def _is_time(text: str) -> bool:
    try:
        time.fromisoformat(text)
    except ValueError:
        return text == "24:00"
    return len(text) == 5
