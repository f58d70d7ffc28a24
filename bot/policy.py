"""May this be dialled now? `decide()` is pure: order + rules + history + clock -> one of three answers.

The checks run in one fixed order and the first that objects speaks, so the same order always gets the same answer:
role, own number, emergency and short numbers, numbers that cost extra, impossible numbers, countries, the do-not-call
list, the country of the rep's own phone, attempts, the rep's daily cap; then what a person is asked about, all at once:
the callee's local time and whatever `ask_first` names or, for an extension, what else its digits may be. Automatic
calls, which play something to whoever picks up, have no cap per rep but one per number called, and for them the local
time is a rule and not a question. Calls that a rep places from a calling list have both caps, and the question of the
time.

What is *not* refused: a number that phonenumbers calls possible but not valid. Numbering plans change faster than
its metadata (and the ranges reserved for fiction, such as +44 7700 900xxx, are "invalid" there), so only what no
plan could contain is refused. Such a number belongs to the main country of its country code.
"""

import re
from datetime import date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec
import phonenumbers
from phonenumbers import PhoneNumber

from bot import number_kinds
from bot.errors import SettingsError
from bot.numbers import is_emergency, pretty
from bot.periods import instant
from bot.window import Window, find_zone, is_open, local_time, next_open, zones_of

Role = Literal["rep", "manager", "admin"]
AskFirst = Literal["foreign", "new"]
"""A number of another country than the team's; one that is in no call on record, and nobody's we know."""
ASK_FIRST: tuple[AskFirst, ...] = ("foreign", "new")


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """The policy's settings.

    Attributes:
        region: ISO 3166 code of the team's own country; what a number without a prefix belongs to.
        countries: ISO 3166 codes that may be called; empty = only `region`.
        window: the callee's local hours; outside of them a person is asked first.
        daily_calls, team_daily_calls: calls that one rep, and all together, may place in a day of `zone`, those in
            flight included; 0 = no limit.
        daily_minutes, team_daily_minutes: the same of time talked in them.
        attempts_per_day, attempts_per_week: automatic calls and calls from lists to one number, by days of `zone`;
            0 = no limit.
        ask_first: what a person is asked about before it is dialled by hand.
        roles: who may call at all.
        zone: IANA name of the team's time zone; its midnight starts a new day for the daily cap.

    Raises:
        SettingsError: a value that can never be met; names the setting.
    """

    region: str
    countries: frozenset[str] = frozenset()
    window: Window = msgspec.field(default_factory=Window)
    daily_calls: int = 200
    daily_minutes: int = 0
    team_daily_calls: int = 0
    team_daily_minutes: int = 0
    attempts_per_day: int = 1
    attempts_per_week: int = 2
    ask_first: frozenset[AskFirst] = frozenset()
    roles: frozenset[Role] = frozenset({"rep", "manager", "admin"})
    zone: str = "UTC"

    def __post_init__(self) -> None:
        for code in sorted(self.countries | {self.region}):
            if code not in phonenumbers.SUPPORTED_REGIONS:
                raise SettingsError(
                    f"“{code}” in the policy's region or countries is not a country code. "
                    "Write two capital letters (ISO 3166), like US or GB."
                )
        for cap in ("daily_calls", "daily_minutes", "team_daily_calls", "team_daily_minutes"):
            if getattr(self, cap) < 0:
                raise SettingsError(f"The policy's {cap} is below zero. Write a number, like 200, or 0 for no limit.")
        if find_zone(self.zone) is None:
            raise SettingsError(f"The policy's zone “{self.zone}” is unknown. Write one like Europe/Madrid.")

    @property
    def allowed_countries(self) -> frozenset[str]:
        """ISO 3166 codes that may be called."""
        return self.countries or frozenset({self.region})


class Proposed(msgspec.Struct, frozen=True, kw_only=True):
    """A call somebody wants to place by hand, or that is to be placed automatically.

    Attributes:
        rep: Slack user id.  role: the highest role the rep has.
        number: E.164, or an own extension (then `extension` is True).
        own_number: what would ring first at the rep's, "" = unknown.
        linked: a colleague has linked that extension, so it is one.
        typed: what the person typed, "" = it came from a button or the contact book.
        country: ISO 3166, "" = worked out from the number.
        confirmed: the person was asked (`NeedsConfirmation`) and said yes.
        automatic: something is played to whoever picks up; `rep` is who ordered that.
        from_list: the rep works through a calling list.
    """

    rep: str
    role: Role
    number: str
    own_number: str = ""
    extension: bool = False
    linked: bool = False
    typed: str = ""
    country: str = ""
    confirmed: bool = False
    automatic: bool = False
    from_list: bool = False


class DoNotCall(msgspec.Struct, frozen=True):
    """An entry of the do-not-call list. `by`: a name for people. `at`: seconds since 1970 UTC."""

    reason: str
    by: str
    at: float


class Used(msgspec.Struct, frozen=True):
    """Calls that were placed since `day_start()`, those in flight included, and whole minutes talked in them."""

    calls: int = 0
    minutes: int = 0


class History(msgspec.Struct, frozen=True, kw_only=True):
    """What is on record about this number, this rep and all of them.

    Attributes:
        do_not_call: the number's entry in the do-not-call list, None = not listed.
        today: by this rep.  team_today: by all together.
        attempts_today, attempts_this_week: automatic calls and calls from lists to this number since `day_start()`, and
            in the seven days that end with this one; only those that may have rung.
        known: the number is in a call on record, or somebody's we know; asked for where `Rules.ask_first` has "new".
    """

    do_not_call: DoNotCall | None = None
    today: Used = Used()
    team_today: Used = Used()
    attempts_today: int = 0
    attempts_this_week: int = 0
    known: bool = True


class Allowed(msgspec.Struct, frozen=True):
    """Dial."""


class NeedsConfirmation(msgspec.Struct, frozen=True):
    """Ask first; dial when the person says yes.

    Attributes:
        why: full sentences.  next_slot: the next moment that would need no asking, None = there is none soon.
    """

    why: str
    next_slot: datetime | None = None


class Refused(msgspec.Struct, frozen=True):
    """Do not dial.

    Attributes:
        why, next_step: full sentences.  next_slot: when it would be allowed, None = waiting does not help.
        costly: because of the number's price or country.  cap: which limit of the day is used up, "" = none is.
        used: how much was used of it.
    """

    why: str
    next_step: str
    next_slot: datetime | None = None
    costly: bool = False
    cap: str = ""
    used: int = 0

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
        or (_extension(order) if order.extension else _number(order, rules) or _do_not_call(order, rules, history))
        or _own_phone(order, rules)
        or (_attempts(order, rules, history, now) if order.automatic or order.from_list else None)
        or (None if order.automatic else _daily_cap(rules, history, now))
        or _questions(order, rules, history, now)
        or Allowed()
    )


def week_start(rules: Rules, now: datetime) -> datetime:
    """When the seven days that end with the current one began (UTC), for `History.attempts_this_week`."""
    return _midnight(rules, now.astimezone(ZoneInfo(rules.zone)).date() - timedelta(6))


def day_start(rules: Rules, now: datetime) -> datetime:
    """When the current day of the daily cap began (UTC): calls from then on are `History.today`."""
    return _midnight(rules, now.astimezone(ZoneInfo(rules.zone)).date())


def day_end(rules: Rules, now: datetime) -> datetime:
    """When the next day of the daily cap begins (UTC)."""
    return _midnight(rules, now.astimezone(ZoneInfo(rules.zone)).date() + timedelta(1))


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


def _own_phone(order: Proposed, rules: Rules) -> Refused | None:
    """One that was linked before these countries were set."""
    abroad = own_phone_abroad(order.own_number, rules)
    if not abroad:
        return None
    return Refused(
        f"The call was not placed: it would ring your own phone first, and {abroad}.",
        "Link a phone there, or your extension, with `/phone link`, or ask an admin to allow that country.",
        costly=True,
    )


def own_phone_abroad(number: str, rules: Rules) -> str:
    """Why this phone of a rep's own may not be rung from here, a clause; "" = it may, or is no telephone number."""
    parsed = number_kinds.parsed(number)
    country = number_kinds.country(parsed) if parsed is not None else ""
    if not country or country in rules.allowed_countries:
        return ""
    allowed = ", ".join(sorted(rules.allowed_countries))
    return f"{pretty(number)} is in {country}, while calls from here may only go to {allowed}"


def emergency(digits: str) -> Refused:
    """The refusal of a number that rings the emergency services."""
    return Refused(
        f"The call was not placed: {digits} is an emergency number, and Callboard never dials those, "
        "because the emergency services could not see who and where you are.",
        "In an emergency, dial it on a phone in your hand. For a colleague, use their full number.",
    )


def _emergency(order: Proposed, rules: Rules) -> Refused | None:
    """Also for extensions: a telephony service that is handed a bare 100 may well ring the police."""
    parsed = _parsed(order)
    region = _country(order, parsed) or rules.region
    dialled = {re.sub(r"\D", "", order.typed), re.sub(r"\D", "", order.number)}
    if parsed is not None:
        dialled.add(phonenumbers.national_significant_number(parsed))
    for digits in sorted(dialled):
        if is_emergency(digits, region, rules.region):
            return emergency(digits)
    return None


def _extension(order: Proposed) -> Refused | None:
    """What a telephony service would take for a telephone number must pass as one."""
    if not number_kinds.is_like_a_number(order.number):
        return None
    return Refused(
        f"The call was not placed: {order.number} is too long for an extension.", "Call their whole number instead."
    )


def _number(order: Proposed, rules: Rules) -> Refused | None:
    parsed = _parsed(order)
    shown = pretty(order.number)
    if parsed is None:
        return _short_number(shown) if number_kinds.is_short(order.number, rules.region) else _impossible(shown)
    if number_kinds.is_short_abroad(parsed):
        return _short_number(shown)
    kind = number_kinds.costly(parsed)
    if kind:
        return Refused(
            f"The call was not placed: {shown} is {kind}, and those are never dialled from here.",
            "Look for another number of theirs, or dial it on your own phone.",
            costly=True,
        )
    if number_kinds.is_of_no_country(parsed):
        return Refused(
            f"The call was not placed: {shown} belongs to no country (a satellite or worldwide network), "
            "and those are never dialled from here because of their price.",
            "Look for another number of theirs.",
            costly=True,
        )
    if not phonenumbers.is_possible_number(parsed):
        return _impossible(shown)
    country = _country(order, parsed)
    if country not in rules.allowed_countries:
        return Refused(
            f"The call was not placed: {shown} is in {country}, and calls from here may only go to "
            f"{', '.join(sorted(rules.allowed_countries))}.",
            f"If your team does business there, ask an admin to add {country} to the allowed countries.",
            costly=True,
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
    mine, team = history.today, history.team_today
    caps = (
        ("daily_calls", mine.calls, "you have placed {} calls today, and the limit for one person is {} a day"),
        ("daily_minutes", mine.minutes, "you have talked for {} minutes today, and the limit for one person is {}"),
        ("team_daily_calls", team.calls, "{} calls were placed by all of you today, and the limit is {} a day"),
        ("team_daily_minutes", team.minutes, "all of you have talked for {} minutes today, and the limit is {}"),
    )
    for cap, used, words in caps:
        limit: int = getattr(rules, cap)
        if limit and used >= limit:
            return Refused(
                f"The call was not placed: {words.format(used, limit)}.",
                "Go on tomorrow, or ask an admin to raise the limit.",
                day_end(rules, now),
                cap=cap,
                used=used,
            )
    return None


def _attempts(order: Proposed, rules: Rules, history: History, now: datetime) -> Refused | None:
    told = (
        (history.attempts_today, rules.attempts_per_day, "today", "a day"),
        (history.attempts_this_week, rules.attempts_per_week, "within seven days", "a week"),
    )
    for attempts, limit, when, each in told:
        if limit and attempts >= limit:
            times = "once" if attempts == 1 else f"{attempts} times"
            return Refused(
                f"The call was not placed: {pretty(order.number)} was called automatically or from a list {times} "
                f"{when}, and the limit for one number is {limit} {each}.",
                "Call them by hand, or wait; an admin can change the limit.",
                # A message that may not be sent is given up; a contact of a list comes back.
                day_end(rules, now) if order.from_list else None,
            )
    return None


def _questions(order: Proposed, rules: Rules, history: History, now: datetime) -> NeedsConfirmation | Refused | None:
    if order.automatic:
        return _automatic_window(order, rules, now)
    if order.confirmed:
        return None
    if order.extension:
        return _service(order, rules)
    closed = _window(order, rules, now)
    asked = ([closed.why] if closed else []) + ([] if order.from_list else _unusual(order, rules, history))
    if not asked:
        return None
    return NeedsConfirmation(f"{' '.join(asked)} Call anyway?", closed.next_slot if closed else None)


def _unusual(order: Proposed, rules: Rules, history: History) -> list[str]:
    """What is to be asked about this number at any hour, a sentence each."""
    country = _country(order, _parsed(order))
    asked = []
    if "foreign" in rules.ask_first and country != rules.region:
        asked.append(f"{pretty(order.number)} is in another country ({country}), where calls may cost more.")
    if "new" in rules.ask_first and not history.known:
        asked.append(f"Nobody of ours has had a call with {pretty(order.number)} before, and it is in no contact.")
    return asked


def _service(order: Proposed, rules: Rules) -> NeedsConfirmation | None:
    """What nobody has linked may be no extension: a service that knows none of those digits may dial them."""
    if order.linked or not number_kinds.may_be_a_service(order.number, rules.region):
        return None
    return NeedsConfirmation(
        f"{order.number} is a short number in {rules.region} too: where your phone service has no extension "
        f"{order.number}, it may call that number, and that may cost money. Call anyway?"
    )


def _automatic_window(order: Proposed, rules: Rules, now: datetime) -> Refused | None:
    zones = zones_of(order.number)
    if is_open(rules.window, zones, now):
        return None
    hours = f"automatic calls are placed {rules.window.words} only"
    slot = next_open(rules.window, zones, now)
    if slot is None:  # no zone is known, or so many that no hour is right in all of them, as with free numbers
        return Refused(
            f"The call was not placed: it is not known what time it is at {pretty(order.number)}, and {hours}.",
            "Call them by hand instead.",
        )
    there = local_time(rules.window, zones, now).replace("It is", "it is", 1)
    return Refused(
        f"The call was not placed: {there}, and {hours}.", "Schedule it for then, or call them by hand.", slot
    )


def _window(order: Proposed, rules: Rules, now: datetime) -> NeedsConfirmation | None:
    """Without the question itself."""
    zones = zones_of(order.number)
    if is_open(rules.window, zones, now):
        return None
    hours = f"calls are meant to be placed {rules.window.words}"
    if not zones:
        return NeedsConfirmation(f"It is not known what time it is at {pretty(order.number)}; {hours}.")
    return NeedsConfirmation(f"{local_time(rules.window, zones, now)}; {hours}.", next_open(rules.window, zones, now))


# What the checks are made of.


def _parsed(order: Proposed) -> PhoneNumber | None:
    return None if order.extension else number_kinds.parsed(order.number)


def _country(order: Proposed, parsed: PhoneNumber | None) -> str:
    return order.country or (number_kinds.country(parsed) if parsed is not None else "")


def _short_number(shown: str) -> Refused:
    return Refused(
        f"The call was not placed: {shown} is a short number, whose price and owner differ from network to network.",
        "Dial it on your own phone, or use the full number.",
        costly=True,
    )


def _impossible(shown: str) -> Refused:
    return Refused(
        f"The call was not placed: {shown or 'nothing'} is not a possible phone number.",
        "Check the digits and write the whole number with its country, like +1 202 555 0100.",
    )


def _midnight(rules: Rules, day: date) -> datetime:
    return instant(day, time(0), ZoneInfo(rules.zone))
