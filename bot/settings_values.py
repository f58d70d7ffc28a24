"""Single values of `callboard.toml`, each with a sentence for what can be wrong with it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from bot.consent import Recording
from bot.providers import NAMES, provider_class
from bot.settings import COMMANDS, Hours, Line, MessageSettings, Pace, PolicySettings, Retention

_USER = re.compile(r"[UW][A-Z0-9]{1,30}")
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_TOP = "at the top of the file, before the first section"
PLACES: Mapping[str, tuple[str, ...]] = {
    _TOP: (
        *("region", "time_zone", "channel", "admins", "managers", "summaries", "roundup", "quiet", "mask_numbers"),
        *("dispositions", "stop_disposition", "slack_calls", "lookup_url", "contact_url"),
    ),
    "in [accounts.NAME]": ("provider", "addresses", "call", "message"),
    'in [lines."NUMBER"]': tuple(one.name for one in fields(Line) if one.name != "number"),
    "in [policy]": tuple(one.name for one in fields(PolicySettings)),
    "in [messages]": tuple(one.name for one in fields(MessageSettings)),
    "in [recording]": tuple(one.name for one in fields(Recording)),
    "in [retention]": tuple(one.name for one in fields(Retention)),
    "in [missed]": ("brief_seconds", "escalate_minutes", "claim_minutes"),
    "in [digest]": ("picture",),
    "in [commands]": ("prefix", *COMMANDS),
}
"""Where in callboard.toml what stands; a service's own settings, and those of flows, are left out."""
VARIABLES = frozenset(
    (
        *("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_API_URL"),
        *("CALLBOARD_CONFIG", "CALLBOARD_DATA", "CALLBOARD_HOOK_SECRET", "CALLBOARD_HOST", "CALLBOARD_LOG"),
        *("CALLBOARD_LOOKUP_TOKEN", "CALLBOARD_OLD_HOOK_SECRET", "CALLBOARD_PORT", "CALLBOARD_PUBLIC_URL"),
        "CALLBOARD_SLACK_MODE",
    )
)
"""All of ours in the environment but those of accounts."""
_SECTIONS = (
    "accounts",
    "lines",
    "policy",
    "messages",
    "recording",
    "retention",
    "missed",
    "digest",
    "commands",
    "flow",
)


class Values:
    """Reads one value after the other and collects what is wrong with them.

    Attributes:
        environment: variables by name.  table: the file; each value is taken out as it is read.
        errors: a sentence for each mistake, in the order in which they were met.
    """

    def __init__(self, environment: Mapping[str, str], table: dict[str, Any], errors: list[str]) -> None:
        # A file of variables that Windows has saved leaves a carriage return at each end, and a mark before the first;
        # an empty one is not set.
        self.environment = {
            name.lstrip("\ufeff"): value.strip() for name, value in environment.items() if value.strip()
        }
        self.table = dict(table)
        self.errors = errors

    def text(self, name: str, default: str) -> str:
        """A text at the top."""
        value = self.table.pop(name, default)
        if not isinstance(value, str):
            self.errors.append(f'{name} must be a text in quotes, like {name} = "…".')
            return default
        return value

    def variable(self, name: str, default: str = "") -> str:
        """Of the environment. Quotes around it are told here, and nobody else need look for them."""
        value = self.environment.get(name, default)
        if len(value) > 1 and value[0] in ('"', "'") and value[-1] == value[0]:
            self.errors.append(f"{name} has quotes around it, which would count as part of it. Take them away.")
            return value[1:-1]
        return value

    def misspelt(self, name: str) -> str:
        """What to do where a variable that is not set may be there under another name; "" = it is not."""
        from difflib import get_close_matches  # spared where nothing is missing

        ends = tuple(f"_{setting.name}".upper() for kind in NAMES for setting in provider_class(kind).settings)
        others = [one for one in self.environment if one not in VARIABLES and not one.endswith(ends)]
        meant = get_close_matches(name, others, n=1, cutoff=0.85)
        return f"{name} is not set, but {meant[0]} is: rename it if it is meant." if meant else ""

    def whole_secret(self, name: str, value: str) -> bool:
        """Whether it may be what it should be; if not, that is told, without the value."""
        if "…" in value:
            words = "stands for the rest in the documents. Put the whole value there."
            self.errors.append(f"{name} has “…” in it, which {words}")
        elif not re.fullmatch(r"[!-~]*", value):
            words = "Copy it again; a comment goes on a line of its own."
            self.errors.append(f"{name} has a blank or a sign in it that none has. {words}")
        else:
            return True
        return False

    def strings(self, name: str, value: object) -> tuple[str, ...]:
        """A list of texts."""
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.errors.append(f'{name} must be a list of texts, like {name.rpartition(".")[2]} = ["…"].')
            return ()
        return tuple(value)

    def flag(self, name: str, default: bool) -> bool:
        """True or false, at the top."""
        return self.yes_or_no(self.table, name, name, default)

    def yes_or_no(self, table: dict[str, Any], shown: str, name: str, default: bool) -> bool:
        """True or false; `shown`: what it is called, with its section."""
        value = table.pop(name, default)
        if not isinstance(value, bool):
            self.errors.append(f"{shown} must be true or false.")
            return default
        return value

    def sub(self, name: str) -> dict[str, Any]:
        """A section; it is taken out, and what is left of it may be told by `leftovers()`."""
        value = self.table.pop(name, {})
        if not isinstance(value, dict):
            self.errors.append(f"{name} must be a section, [{name}].")
            return {}
        return dict(value)

    def number(self, table: dict[str, Any], shown: str, name: str, default: int) -> int:
        """A whole number, 0 or more."""
        value = table.pop(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            self.errors.append(f"{shown} must be a whole number, 0 or more.")
            return default
        return value

    def whole(self, table: dict[str, Any], shown: str, name: str, default: int) -> int:
        """The last value of its section: whatever else stands there is unknown."""
        value = self.number(table, shown, name, default)
        self.leftovers(shown.split(".")[0], table) if "." in shown else None
        return value

    def leftovers(self, section: str, table: Iterable[str], own: Iterable[str] = ()) -> None:
        """What still stands in a section is unknown. `own`: settings that only this one has."""
        self.errors += [f"[{section}] has an unknown setting “{name}”. {advice(section, name, own)}" for name in table]

    def matching(self, name: str, value: str, pattern: re.Pattern[str], example: str) -> str:
        """A text of that form, "" = it is not given, or is told to be wrong."""
        if value and not pattern.fullmatch(value):
            self.errors.append(f"{name} = “{value}” is not a Slack id. It looks like {example}; copy it from Slack.")
            return ""
        return value

    def roundup(self, name: str, value: object) -> Pace:
        """How often one message tells of calls."""
        match value:
            case "" | "hourly" | "daily":
                return value
        self.errors.append(f'{name} must be "hourly" or "daily", or "" where each call has its own message.')
        return ""

    def quiet(self, name: str, value: object) -> Hours | tuple[()]:
        """Quiet hours; an empty list is none."""
        if value == []:
            return ()
        if not isinstance(value, list) or len(value) != 2 or not all(isinstance(clock, str) for clock in value):
            self.errors.append(f'{name} must be two times, like ["20:00", "08:00"], or [] for none.')
            return ()
        first, last = value[0], "00:00" if value[1] == "24:00" else value[1]  # both are midnight
        if not all(_CLOCK.fullmatch(clock) for clock in (first, last)):
            self.errors.append(f'{name} must be two times, like ["20:00", "08:00"], or [] for none.')
            return ()
        if first == last:
            words = "begin and end at the same time, so nothing would ever be posted, or all of it"
            self.errors.append(f'{name}: they {words}. Write two times, like ["20:00", "08:00"], or [] for none.')
            return ()
        return first, last

    def users(self, name: str, value: object) -> tuple[str, ...]:
        """Slack user ids."""
        if isinstance(value, list) and "" in value:
            self.errors.append(f"{name} has an empty id. Take it away, or copy the id from Slack.")
        return tuple(self.matching(name, user, _USER, "U0123456789") for user in self.strings(name, value))


def advice(section: str, name: str, own: Iterable[str] = ()) -> str:
    """What to do about a setting that is unknown in a section; "" = the top of the file. `own`: of that one alone."""
    if name.isupper():
        return "It is a variable of the environment: set it there, and take it out of the file."
    for variable in (name.upper(), f"CALLBOARD_{name}".upper(), f"SLACK_{name}".upper()):
        if variable in VARIABLES:
            return f"It is the variable {variable} of the environment: set it there, and take it out of the file."
    places = [place for place, names in PLACES.items() if name in names]
    if places:
        return f"It stands {', or '.join(places)}: move it there."
    from difflib import get_close_matches  # spared where nothing is misspelt

    head = f"in [{section.partition('.')[0]}"
    here = next((names for place, names in PLACES.items() if section and place.startswith(head)), ())
    meant = get_close_matches(name, (*here, *own) if section else (*PLACES[_TOP], *_SECTIONS), n=1, cutoff=0.7)
    return f"Is “{meant[0]}” meant? If not, remove it." if meant else "Remove it or check its spelling."


def is_address(value: str) -> bool:
    """Whether host and port can be told apart: not in an IPv6 address without its brackets."""
    try:
        return urlsplit(value).port != 0
    except ValueError:
        return False


def is_zone(name: str) -> bool:
    """Whether it is an IANA name of a time zone."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, malformed, a directory such as "Europe"
        return False
    return True


def like_zone(name: str) -> str:
    """The IANA name that may be meant, also by a city alone; "" = none is near."""
    from difflib import get_close_matches  # spared where it is right
    from zoneinfo import available_timezones

    known = {zone.lower(): zone for zone in sorted(available_timezones())}
    cities = {short.rpartition("/")[2]: zone for short, zone in known.items() if "/" in short}
    wanted = name.strip().lower().replace(" ", "_")
    near = get_close_matches(wanted, known, n=1, cutoff=0.85)
    return cities.get(wanted, "") or (known[near[0]] if near else "")
