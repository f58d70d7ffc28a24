"""May this call be recorded, and what must the other side know first? Pure.

Where one side alone may consent, and where everybody must, differs from country to country and within some (in the
United States eleven states or more want everybody's consent), so nothing is recorded until a rule is configured, and
of two countries the stricter one counts. Not legal advice: the rules are the admin's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import msgspec
import phonenumbers

from bot import numbers
from bot.cards.times import counted
from bot.errors import NotAllowed

Rule = Literal["off", "ask", "announce"]
"""Not at all; the rep asks and the other side agrees; the other side is told. The strictest first."""
Deliver = Literal["file", "link"]
Role = Literal["rep", "manager", "admin"]
_STRICTEST: tuple[str, ...] = get_args(Rule)


@dataclass(frozen=True)
class Recording:
    """Settings of recording.

    Attributes:
        countries: ISO 3166 code -> rule for people who live there.  default: for all other countries, and for
            whoever has no country: extensions and withheld numbers.
        announcement: what is played to the other side, or said by the rep.
        deliver: a file below the card of whoever may listen, or links that are asked for.
        listen: who may: reps to their own calls (and managers to all), managers, or admins only.
        keep_days: after so many days our copies are deleted, 0 = never.  max_megabytes: larger ones are not fetched.
    """

    countries: Mapping[str, Rule] = field(default_factory=dict)
    default: Rule = "off"
    announcement: str = ""
    deliver: Deliver = "link"
    listen: Role = "rep"
    keep_days: int = 90
    max_megabytes: int = 50


class Consent(msgspec.Struct, frozen=True):
    """What recording this call asks for; both empty = nothing more.

    Attributes:
        play: what the phone service plays to the other side before the talk.
        question: what a person must confirm first.  yes: the words of the button that does.
        done: for the audit log, once it is confirmed or played.
    """

    play: str = ""
    question: str = ""
    yes: str = ""
    done: str = ""


def decide(
    settings: Recording, number: str, line: str, region: str, *, running: bool, can_play: bool = False
) -> Consent:
    """What must happen before a call is recorded.

    Args:
        number: the other side, E.164, or an extension, or "" = withheld.  line: ours, "" = not known.
        region: ISO 3166 code of the office, whose rule counts where the line is not known.
        running: the two talk already; otherwise the call is about to be placed and recorded from its start.
        can_play: the phone service can play something to the other side before the talk.

    Raises:
        NotAllowed: no call with that country is recorded.
    """
    country, rule = _stricter(settings, number, line, region)
    place = f"with numbers from {country}" if country else "with extensions and withheld numbers"
    match rule:
        case "off":
            raise NotAllowed(
                f"Calls {place} are not recorded here, so nothing was recorded. "
                "Your admin decides that in callboard.toml, [recording]."
            )
        case "announce" if can_play and not running:
            return Consent(play=settings.announcement, done="the announcement was played first")
        case "announce":
            when = "Have you told" if running else "Will you tell"
            first = "" if running else " as the first thing you say"
            return Consent(
                question=f"Calls {place} are recorded only if the other side knows. {when} them{first}: "
                f"“{settings.announcement}”?",
                yes="I told them" if running else "I will tell them",
                done="confirmed that it was announced" if running else "promised to announce it",
            )
        case _:
            instead = "" if running else " If not yet, call without recording, ask, and start it then."
            return Consent(
                question=f"Calls {place} are recorded only if the other side agrees. Were they asked, and did they "
                f"agree?{instead}",
                yes="They agreed",
                done="confirmed that the other side agreed",
            )


def of_message(settings: Recording, number: str, line: str, region: str, *, can_play: bool) -> Consent:
    """What must happen before a voice message is recorded. Nobody is on the line who could ask or tell.

    Args:
        number, line, region: as of `decide()`.
        can_play: the announcement can be spoken before the message.

    Raises:
        NotAllowed: it cannot be recorded as the rules want it.
    """
    country, rule = _stricter(settings, number, line, region)
    place = f"with numbers from {country}" if country else "with extensions and withheld numbers"
    match rule:
        case "off":
            raise NotAllowed(
                f"Calls {place} are not recorded here, so nobody was called. Leave out “record”. "
                "Your admin decides that in callboard.toml, [recording]."
            )
        case "announce" if can_play:
            return Consent(play=settings.announcement, done="the announcement was played first")
        case "announce":
            raise NotAllowed(
                f"Calls {place} are recorded only if the other side is told first, and “{settings.announcement}” "
                "cannot be spoken before a stored sound or digits, so nobody was called. Write a text, where the "
                "service speaks texts, or leave out “record”."
            )
        case _:
            raise NotAllowed(
                f"Calls {place} are recorded only if the other side agrees, and nobody is there to ask, so nobody was "
                "called. Leave out “record”."
            )


def announces(settings: Recording) -> bool:
    """Whether anybody at all may be recorded who is only told."""
    return "announce" in (settings.default, *settings.countries.values())


def joining(settings: Recording, number: str, line: str, region: str, *, talks_first: bool, can_play: bool) -> Consent:
    """What must happen before somebody from outside joins a call that is being recorded.

    Args:
        number: theirs.  line, region: as of `decide()`.
        talks_first: the rep is the first they talk to.
        can_play: the phone service can play something to them before that.

    Raises:
        NotAllowed: no call with that country is recorded.
    """
    country, rule = _stricter(settings, number, line, region)
    people = f"people from {country}" if country else "people from there"
    if_not = "If not yet, stop the recording first."
    match rule:
        case "off":
            raise NotAllowed(
                f"This call is being recorded, and {people} are not recorded here, so nobody was called. "
                "Stop the recording first, then try again. Your admin decides that in callboard.toml, [recording]."
            )
        case "announce" if can_play:
            return Consent(play=settings.announcement, done="the announcement is played first")
        case "announce" if talks_first:
            return Consent(
                question=f"This call is being recorded, and {people} are recorded only if they know. Will you tell "
                f"them as the first thing you say: “{settings.announcement}”?",
                yes="I will tell them",
                done="promised to announce the recording",
            )
        case "announce":
            return Consent(
                question=f"This call is being recorded, and {people} are recorded only if they know. Have you told "
                f"them: “{settings.announcement}”? {if_not}",
                yes="I told them",
                done="confirmed that the recording was announced",
            )
        case _:
            return Consent(
                question=f"This call is being recorded, and {people} are recorded only if they agree. Were they "
                f"asked, and did they agree? {if_not}",
                yes="They agreed",
                done="confirmed that they agreed to be recorded",
            )


def _stricter(settings: Recording, number: str, line: str, region: str) -> tuple[str, Rule]:
    """Of their country and ours the one whose rule counts, "" = they have none; and that rule."""
    theirs = numbers.likely_country(number)
    ours = numbers.likely_country(line) or region
    rules = {theirs: settings.countries.get(theirs, settings.default)}
    if ours in settings.countries:
        rules.setdefault(ours, settings.countries[ours])
    country = min(rules, key=lambda code: _STRICTEST.index(rules[code]))
    return country, rules[country]


def words(settings: Recording) -> str:
    """The rules for recording, for people."""
    meaning = {
        "off": "are never recorded",
        "ask": "are recorded if the other side was asked and agreed",
        "announce": "are recorded if the other side is told first",
    }
    lines = [
        f"• Calls with numbers from {code} {meaning[settings.countries[code]]}" for code in sorted(settings.countries)
    ]
    others = "Calls" if not lines else "All other calls"
    lines.append(f"• {others} {meaning[settings.default]}. Of two countries the stricter one counts")
    if settings.announcement:
        lines.append(f"• The announcement: “{settings.announcement}”")
    who = {
        "rep": "whose call it was, managers and admins",
        "manager": "managers and admins",
        "admin": "admins",
    }
    lines.append(f"• Who may listen: {who[settings.listen]}; each time is in the audit log")
    how = "as a file below your own card" if settings.deliver == "file" else "by a link that is good for some minutes"
    lines.append(f"• You get a recording {how}")
    keep = f"after {counted(settings.keep_days, 'day')}" if settings.keep_days else "never"
    lines.append(f"• Callboard deletes its copies and links {keep}; the phone service keeps its own as long as it does")
    return "\n".join(lines)


def read(table: Mapping[str, Any]) -> tuple[Recording, list[str]]:
    """The section [recording] of callboard.toml, and a sentence for each mistake in it."""
    errors: list[str] = []
    given = dict(table)
    countries: dict[str, Rule] = {}
    listed = given.pop("countries", {})
    if not isinstance(listed, dict):
        errors.append('recording.countries must name a rule for each country, like { IL = "announce" }.')
        listed = {}
    for code, rule in listed.items():
        if str(code).upper() not in phonenumbers.SUPPORTED_REGIONS:
            words = numbers.MISTAKEN.get(str(code).upper(), "Use two letters, like “IL”.")
            errors.append(f"recording.countries: “{code}” is not a country code. {words}")
        elif rule not in _STRICTEST:
            errors.append(f"recording.countries.{code} must be one of: {', '.join(_STRICTEST)}.")
        else:
            countries[str(code).upper()] = rule
    announcement = given.pop("announcement", "")
    if not isinstance(announcement, str):
        errors.append("recording.announcement must be a text in quotes.")
        announcement = ""

    def chosen(name: str, choices: tuple[str, ...], default: str) -> Any:
        value = given.pop(name, default)
        if value not in choices:
            errors.append(f"recording.{name} must be one of: {', '.join(choices)}.")
            return default
        return value

    def whole(name: str, default: int, least: int) -> int:
        value = given.pop(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            errors.append(f"recording.{name} must be a whole number, {least} or more.")
            return default
        return value

    found = Recording(
        countries=countries,
        default=chosen("default", _STRICTEST, "off"),
        announcement=announcement.strip(),
        deliver=chosen("deliver", get_args(Deliver), "link"),
        listen=chosen("listen", get_args(Role), "rep"),
        keep_days=whole("keep_days", 90, 0),
        max_megabytes=whole("max_megabytes", 50, 1),
    )
    if not found.announcement and "announce" in (found.default, *countries.values()):
        errors.append(
            "recording.announcement is not set, but a rule is “announce”. Write what the other side is told, "
            'like announcement = "This call is recorded."'
        )
    return found, errors
