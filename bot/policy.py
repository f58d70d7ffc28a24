"""May this be dialled now? `decide()` is pure: order + rules + history + clock -> one of three answers.

The checks run in one fixed order and the first that objects speaks, so the same order always gets the same
answer: role, own number, emergency and short numbers, numbers that cost extra, impossible numbers, countries,
the do-not-call list, the rep's daily cap, the callee's local time.

What is *not* refused: a number that phonenumbers calls possible but not valid. Numbering plans change faster than
its metadata (and the ranges reserved for fiction, such as +44 7700 900xxx, are "invalid" there), so only what no
plan could contain is refused. Such a number belongs to the main country of its country code.
"""

import re
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberType, shortnumberinfo

from bot.errors import SettingsError
from bot.numbers import pretty
from bot.periods import instant
from bot.window import Window, find_zone, is_open, local_time, next_open, zones_of

Role = Literal["rep", "manager", "admin"]

EMERGENCY_EVERYWHERE = frozenset({"112", "911", "999", "100", "101", "102"})
"""Emergency numbers somewhere that a desk phone, a SIM or a PBX may also honour elsewhere: never dialled at all."""

NEVER = {
    PhoneNumberType.PREMIUM_RATE: "a premium-rate number",
    PhoneNumberType.SHARED_COST: "a shared-cost number",
    PhoneNumberType.PERSONAL_NUMBER: "a personal number that forwards at the caller's cost",
    PhoneNumberType.UAN: "a company-wide number with a tariff of its own",
    PhoneNumberType.PAGER: "a pager",
}
"""Kinds of numbers that are never dialled, because the caller pays a surcharge; and how to name them."""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The policy's settings.

    Attributes:
        region: ISO 3166 code of the team's own country; what a number without a prefix belongs to.
        countries: ISO 3166 codes that may be called; empty = only `region`.
        window: the callee's local hours; outside of them a person is asked first.
        daily_calls_per_rep: calls one rep may place in a day of `zone`, those in flight included.
        roles: who may call at all.
        zone: IANA name of the team's time zone; its midnight starts a new day for the daily cap.

    Raises:
        SettingsError: a value that can never be met; names the setting.
    """

    region: str
    countries: frozenset[str] = frozenset()
    window: Window = field(default_factory=Window)
    daily_calls_per_rep: int = 200
    roles: frozenset[Role] = frozenset({"rep", "manager", "admin"})
    zone: str = "UTC"

    def __post_init__(self) -> None:
        for code in sorted(self.countries | {self.region}):
            if code not in phonenumbers.SUPPORTED_REGIONS:
                raise SettingsError(
                    f"“{code}” in the policy's region or countries is not a country code. "
                    "Write two capital letters (ISO 3166), like US or GB."
                )
        if self.daily_calls_per_rep < 0:
            raise SettingsError("The policy's daily_calls_per_rep is below zero. Write a number of calls, like 200.")
        if find_zone(self.zone) is None:
            raise SettingsError(f"The policy's zone “{self.zone}” is unknown. Write one like Europe/Madrid.")

    @property
    def allowed_countries(self) -> frozenset[str]:
        """ISO 3166 codes that may be called."""
        return self.countries or frozenset({self.region})


@dataclass(frozen=True, kw_only=True)
class Proposed:
    """A call somebody wants to place by hand.

    Attributes:
        rep: Slack user id.  role: the highest role the rep has.
        number: E.164, or an own extension (then `extension` is True).
        own_number: what would ring first at the rep's, "" = unknown.
        typed: what the person typed, "" = it came from a button or the contact book.
        country: ISO 3166, "" = worked out from the number.
        confirmed: the person was asked (`NeedsConfirmation`) and said yes.
    """

    rep: str
    role: Role
    number: str
    own_number: str = ""
    extension: bool = False
    typed: str = ""
    country: str = ""
    confirmed: bool = False


@dataclass(frozen=True)
class DoNotCall:
    """An entry of the do-not-call list. `by`: a name for people. `at`: seconds since 1970 UTC."""

    reason: str
    by: str
    at: float


@dataclass(frozen=True, kw_only=True)
class History:
    """What is on record about this number and this rep.

    Attributes:
        do_not_call: the number's entry in the do-not-call list, None = not listed.
        calls_today: placed by this rep since `day_start()`, those in flight included.
    """

    do_not_call: DoNotCall | None = None
    calls_today: int = 0


@dataclass(frozen=True)
class Allowed:
    """Dial."""


@dataclass(frozen=True)
class NeedsConfirmation:
    """Ask first; dial when the person says yes.

    Attributes:
        why: full sentences.  next_slot: the next moment that would need no asking, None = there is none soon.
    """

    why: str
    next_slot: datetime | None = None


@dataclass(frozen=True)
class Refused:
    """Do not dial.

    Attributes:
        why, next_step: full sentences.  next_slot: when it would be allowed, None = waiting does not help.
    """

    why: str
    next_step: str
    next_slot: datetime | None = None

    @property
    def words(self) -> str:
        """Both sentences, for a person."""
        return f"{self.why} {self.next_step}"


Decision = Allowed | NeedsConfirmation | Refused


def decide(order: Proposed, rules: Rules, history: History, now: datetime) -> Decision:
    """May `order` be dialled at `now` (an aware datetime)?"""
    return (
        _role(order, rules)
        or _own_number(order)
        or _emergency(order, rules)
        or (None if order.extension else _number(order, rules) or _do_not_call(order, rules, history))
        or _daily_cap(rules, history, now)
        or (None if order.extension or order.confirmed else _window(order, rules, now))
        or Allowed()
    )


def day_start(rules: Rules, now: datetime) -> datetime:
    """When the current day of the daily cap began (UTC): calls from then on are `History.calls_today`."""
    return _midnight(rules, now.astimezone(ZoneInfo(rules.zone)).date())


# The checks, in order. Each answers None for "no objection".


def _role(order: Proposed, rules: Rules) -> Refused | None:
    if order.role in rules.roles:
        return None
    allowed = " or ".join(f"{role}s" for role in ("rep", "manager", "admin") if role in rules.roles) or "nobody"
    return Refused(
        f"The call was not placed: your role here is {order.role}, and only {allowed} may call.",
        "Ask an admin for the role, or ask a colleague to call.",
    )


def _own_number(order: Proposed) -> Refused | None:
    if not order.own_number or order.number != order.own_number:
        return None
    return Refused(
        f"The call was not placed: {pretty(order.number)} is your own phone.",
        "Check the number, or link another phone as yours.",
    )


def _emergency(order: Proposed, rules: Rules) -> Refused | None:
    """Also for extensions: a telephony service that is handed a bare 100 may well ring the police."""
    parsed = _parsed(order)
    region = _region(order.country, parsed) or rules.region
    dialled = {re.sub(r"\D", "", order.typed), re.sub(r"\D", "", order.number)}
    if parsed is not None:
        dialled.add(phonenumbers.national_significant_number(parsed))
    for digits in sorted(dialled):
        if digits in EMERGENCY_EVERYWHERE or any(
            shortnumberinfo.is_emergency_number(digits, where) for where in {region, rules.region}
        ):
            return Refused(
                f"The call was not placed: {digits} is an emergency number, and Callboard never dials those, "
                "because the emergency services could not see who and where you are.",
                "In an emergency, dial it on a phone in your hand. For a colleague, use their full number.",
            )
    return None


def _number(order: Proposed, rules: Rules) -> Refused | None:
    parsed = _parsed(order)
    shown = pretty(order.number)
    if parsed is None:
        if shortnumberinfo.is_valid_short_number_for_region(_short(order.number, rules.region), rules.region):
            return _short_number(shown)
        return _impossible(shown)
    if shortnumberinfo.is_valid_short_number(parsed):
        return _short_number(shown)
    kind = _costly(parsed)
    if kind:
        return Refused(
            f"The call was not placed: {shown} is {kind}, and those are never dialled from here.",
            "Look for another number of theirs, or dial it on your own phone.",
        )
    if phonenumbers.region_code_for_country_code(parsed.country_code or 0) in ("001", "ZZ"):
        return Refused(
            f"The call was not placed: {shown} belongs to no country (a satellite or worldwide network), "
            "and those are never dialled from here because of their price.",
            "Look for another number of theirs.",
        )
    if not phonenumbers.is_possible_number(parsed):
        return _impossible(shown)
    country = _region(order.country, parsed)
    if country not in rules.allowed_countries:
        return Refused(
            f"The call was not placed: {shown} is in {country}, and calls from here may only go to "
            f"{', '.join(sorted(rules.allowed_countries))}.",
            f"If your team does business there, ask an admin to add {country} to the allowed countries.",
        )
    return None


def _do_not_call(order: Proposed, rules: Rules, history: History) -> Refused | None:
    listed = history.do_not_call
    if listed is None:
        return None
    on = datetime.fromtimestamp(listed.at, ZoneInfo(rules.zone))
    by = f" by {listed.by}" if listed.by else ""
    reason = f": {listed.reason.strip().rstrip('.')}" if listed.reason.strip() else ""
    return Refused(
        f"The call was not placed: {pretty(order.number)} is on the do-not-call list, "
        f"put there{by} on {on.day} {on:%B %Y}{reason}.",
        "If they have asked to be called again, ask an admin to take the number off the list.",
    )


def _daily_cap(rules: Rules, history: History, now: datetime) -> Refused | None:
    if history.calls_today < rules.daily_calls_per_rep:
        return None
    tomorrow = _midnight(rules, now.astimezone(ZoneInfo(rules.zone)).date() + timedelta(1))
    return Refused(
        f"The call was not placed: you have placed {history.calls_today} calls today, "
        f"and the limit for one person is {rules.daily_calls_per_rep} a day.",
        "Go on tomorrow, or ask an admin to raise the limit.",
        tomorrow,
    )


def _window(order: Proposed, rules: Rules, now: datetime) -> NeedsConfirmation | None:
    zones = zones_of(order.number)
    if is_open(rules.window, zones, now):
        return None
    hours = f"calls are meant to be placed {rules.window.words}"
    if not zones:
        return NeedsConfirmation(f"It is not known what time it is at {pretty(order.number)}; {hours}. Call anyway?")
    return NeedsConfirmation(
        f"{local_time(rules.window, zones, now)}; {hours}. Call anyway?", next_open(rules.window, zones, now)
    )


# What the checks are made of.


def _parsed(order: Proposed) -> PhoneNumber | None:
    if order.extension or not order.number.startswith("+"):
        return None
    try:
        return phonenumbers.parse(order.number, None)
    except phonenumbers.NumberParseException:
        return None


def _region(country: str, parsed: PhoneNumber | None) -> str:
    """ISO 3166; for a number unknown to the metadata, the main country of its country code."""
    if country or parsed is None:
        return country
    return phonenumbers.region_code_for_number(parsed) or phonenumbers.region_code_for_country_code(
        parsed.country_code or 0
    )


def _short(digits: str, region: str) -> PhoneNumber:
    number = re.sub(r"\D", "", digits)[:15]
    return PhoneNumber(
        country_code=phonenumbers.country_code_for_region(region), national_number=int(number) if number else 0
    )


def _costly(parsed: PhoneNumber) -> str:
    """How to name what makes this number cost extra, "" = nothing.

    Networks ignore surplus digits, so a premium number with some appended is still one: the beginnings of a number
    that the metadata does not know are looked at too.
    """
    kind = NEVER.get(phonenumbers.number_type(parsed), "")
    if kind or phonenumbers.is_valid_number(parsed):
        return kind
    digits = phonenumbers.national_significant_number(parsed)
    for length in range(len(digits) - 1, 5, -1):
        beginning = PhoneNumber(country_code=parsed.country_code)
        beginning.national_number = int(digits[:length])
        kind = NEVER.get(phonenumbers.number_type(beginning), "")
        if kind:
            return kind
    return ""


def _short_number(shown: str) -> Refused:
    return Refused(
        f"The call was not placed: {shown} is a short number, whose price and owner differ from network to network.",
        "Dial it on your own phone, or use the full number.",
    )


def _impossible(shown: str) -> Refused:
    return Refused(
        f"The call was not placed: {shown or 'nothing'} is not a possible phone number.",
        "Check the digits and write the whole number with its country, like +1 202 555 0100.",
    )


def _midnight(rules: Rules, day: date) -> datetime:
    return instant(day, time(0), ZoneInfo(rules.zone))
