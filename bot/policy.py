"""May this be dialled now? `decide()` is pure: order + rules + history + clock -> one of three answers.

The checks run in one fixed order and the first that objects speaks, so the same order always gets the same answer:
role, own number, emergency and short numbers, numbers that cost extra, impossible numbers, countries, the do-not-call
list, the country of the rep's own phone, how often the number's place lets it be called, attempts, the rep's calls
under way, caps by day and by night; then what a person is asked about, all at once: the callee's local time and
whatever `ask_first` names or, for an extension, what else its digits may be, and a do-not-call registry. Automatic
calls, which play something to whoever picks up, have no cap per rep but one per number called, and for them local time,
registries and consent are rules and no questions. Calls that a rep places from a calling list have both caps, the rule
of registries, and the question of the time.

What is *not* refused: a number that phonenumbers calls possible but not valid. Numbering plans change faster than
its metadata (and the ranges reserved for fiction, such as +44 7700 900xxx, are "invalid" there), so only what no
plan could contain is refused. Such a number belongs to the main country of its country code.
"""

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import phonenumbers
from phonenumbers import PhoneNumber

from bot import limits, number_kinds, numbers
from bot.numbers import is_emergency, pretty
from bot.rules import Allowed, Decision, History, NeedsConfirmation, Proposed, Refused, Rules
from bot.window import is_open, local_time, next_open, zones_of

_DAY = 86400
_LOOK_AGAIN = timedelta(hours=1)
"""So long a contact of a list waits whom nobody can be sure of: an admin may have mended that by then."""


def decide(order: Proposed, rules: Rules, history: History, now: datetime) -> Decision:
    """May `order` be dialled at `now` (an aware datetime)?"""
    return (
        _role(order, rules)
        or _own_number(order)
        or _emergency(order, rules)
        or (_extension(order) if order.extension else _number(order, rules))
        or (None if _knew_of_it(order, history) else _do_not_call(order, rules, history))
        or (_registry(order, rules, history, now) if order.automatic or order.from_list else None)
        or (_consent(order, rules, history, now) if order.automatic else None)
        or _own_phone(order, rules)
        or (None if order.waived or order.extension else limits.place_limit(order, rules, history, now))
        or (limits.number_limit(order, rules, history, now) if order.automatic or order.from_list else None)
        or (None if order.automatic else limits.at_once(rules, history, now))
        or (None if order.automatic or order.waived else limits.daily_cap(rules, history, now))
        or (None if order.automatic or order.waived else limits.night_cap(rules, history, now))
        or _questions(order, rules, history, now)
        or Allowed()
    )


def waivable(order: Proposed, rules: Rules, history: History, now: datetime) -> list[Refused]:
    """All that a manager would have to allow for this one call; [] = nothing."""
    caps = (limits.daily_cap(rules, history, now), limits.night_cap(rules, history, now))
    repeats = None if order.extension else limits.place_limit(order, rules, history, now)
    found = (_do_not_call(order, rules, history), repeats, *caps)
    return [refused for refused in found if refused is not None]


def never(number: str, region: str) -> str:
    """Why nobody may dial that number (E.164, or an extension) wherever calls may go, a clause; "" = they may."""
    anywhere = Rules(region=region, countries=frozenset(phonenumbers.SUPPORTED_REGIONS))
    order = Proposed(rep="", role="admin", number=number, extension=not number.startswith("+"))
    refused = _emergency(order, anywhere) or (None if order.extension else _number(order, anywhere))
    return refused.why.partition(": ")[2] if refused is not None else ""


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
    country = number_kinds.country(number)
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
    region = _country(order) or rules.region
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
    if parsed is None:
        short = number_kinds.is_short(order.number, rules.region)
        return _short_number(order.number) if short else _impossible(order.number)
    if number_kinds.is_short_abroad(parsed):
        return _short_number(order.number)
    kind = number_kinds.costly(order.number)
    if kind:
        return Refused(
            f"The call was not placed: {pretty(order.number)} is {kind}, and those are never dialled from here.",
            "Look for another number of theirs, or dial it on your own phone.",
            costly=True,
        )
    if number_kinds.is_of_no_country(parsed):
        return Refused(
            f"The call was not placed: {pretty(order.number)} belongs to no country (a satellite or worldwide "
            "network), and those are never dialled from here because of their price.",
            "Look for another number of theirs.",
            costly=True,
        )
    if not phonenumbers.is_possible_number(parsed):
        return _impossible(order.number)
    country = _country(order)
    if country not in rules.allowed_countries:
        return Refused(
            f"The call was not placed: {pretty(order.number)} is in {country}, and calls from here may only go to "
            f"{', '.join(sorted(rules.allowed_countries))}.",
            f"If your team does business there, ask an admin to add {country} to the allowed countries.",
            costly=True,
        )
    return None


def _knew_of_it(order: Proposed, history: History) -> bool:
    """Whether the manager who allows this call knew that the number is on the list: it may be there since."""
    return order.waived and (history.do_not_call is None or history.do_not_call.at <= order.waived_at)


def _do_not_call(order: Proposed, rules: Rules, history: History) -> Refused | None:
    listed = history.do_not_call
    if listed is None or order.extension:
        return None
    on = datetime.fromtimestamp(listed.at, ZoneInfo(rules.zone))
    by = f" by {listed.by}" if listed.by else ""
    reason = f": {listed.reason.strip().rstrip('.')}" if listed.reason.strip() else ""
    return Refused(
        f"The call was not placed: {pretty(order.number)} is on the do-not-call list, "
        f"put there{by} on {on.day} {on:%B %Y}{reason}.",
        "If they have asked to be called again, ask a manager to take the number off the list.",
        waivable=True,
    )


def _agreed(order: Proposed, rules: Rules, history: History, now: datetime) -> bool:
    """Whether they have agreed to be called, and that holds yet."""
    if history.agreed_at is None:
        return False
    days = rules.consent_days.get(_country(order), 0)
    return not days or now.timestamp() - history.agreed_at < days * _DAY


def _registry(order: Proposed, rules: Rules, history: History, now: datetime) -> Refused | None:
    """Whoever calls one after the other sells something, most likely; by hand it is a question."""
    if _agreed(order, rules, history, now):
        return None
    if history.registered:
        return Refused(
            f"The call was not placed: {pretty(order.number)} is in the do-not-call registry “{history.registered}”.",
            "If they have agreed to be called, a manager writes that down with `/callboard consent add`.",
        )
    if history.outdated:
        return Refused(
            f"The call was not placed: {history.outdated}.",
            "Ask an admin to import a new one with `/callboard registry import`.",
            # A message that may not be sent is given up; a contact of a list comes back.
            now + _LOOK_AGAIN if order.from_list else None,
        )
    return None


def _consent(order: Proposed, rules: Rules, history: History, now: datetime) -> Refused | None:
    country = _country(order)
    if country not in rules.consent_days or _agreed(order, rules, history, now):
        return None
    why = f"{pretty(order.number)} has not agreed to voice messages, as far as is on record"
    if history.agreed_at is not None:
        on = datetime.fromtimestamp(history.agreed_at, ZoneInfo(rules.zone))
        why = (
            f"{pretty(order.number)} agreed to voice messages on {on.day} {on:%B %Y}, and that holds for "
            f"{rules.consent_days[country]} days"
        )
    return Refused(
        f"The call was not placed: {why}.",
        "If they have agreed, a manager writes it down with `/callboard consent add`; or call them by hand.",
    )


def _questions(order: Proposed, rules: Rules, history: History, now: datetime) -> NeedsConfirmation | Refused | None:
    if order.automatic:
        return _automatic_window(order, rules, now)
    if order.confirmed:
        return None
    if order.extension:
        return _service(order, rules)
    closed = _window(order, rules, now)
    asked = ([closed.why] if closed else []) + ([] if order.from_list else _unusual(order, rules, history, now))
    if not asked:
        return None
    return NeedsConfirmation(f"{' '.join(asked)} Call anyway?", closed.next_slot if closed else None)


def _unusual(order: Proposed, rules: Rules, history: History, now: datetime) -> list[str]:
    """What is to be asked about this number at any hour, a sentence each."""
    country = _country(order)
    asked = []
    if "foreign" in rules.ask_first and country != rules.region:
        asked.append(f"{pretty(order.number)} is in another country ({country}), where calls may cost more.")
    if "new" in rules.ask_first and not history.known:
        asked.append(f"Nobody of ours has had a call with {pretty(order.number)} before, and it is in no contact.")
    if history.registered and not history.called_us and not _agreed(order, rules, history, now):
        asked.append(
            f"{pretty(order.number)} is in the do-not-call registry “{history.registered}”: nobody may call to sell "
            "them something, unless they have asked for it."
        )
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
    window = rules.window_of(order.number)
    if is_open(window, zones, now):
        return None
    hours = f"automatic calls are placed {window.words} only"
    slot = next_open(window, zones, now)
    if slot is None:  # no zone is known, or so many that no hour is right in all of them, as with free numbers
        return Refused(
            f"The call was not placed: it is not known what time it is at {pretty(order.number)}, and {hours}.",
            "Call them by hand instead.",
        )
    there = local_time(window, zones, now).replace("It is", "it is", 1)
    return Refused(
        f"The call was not placed: {there}, and {hours}.", "Schedule it for then, or call them by hand.", slot
    )


def _window(order: Proposed, rules: Rules, now: datetime) -> NeedsConfirmation | None:
    """Without the question itself."""
    zones = zones_of(order.number)
    window = rules.window_of(order.number)
    if is_open(window, zones, now):
        return None
    hours = f"calls are meant to be placed {window.words}"
    if not zones:
        return NeedsConfirmation(f"It is not known what time it is at {pretty(order.number)}; {hours}.")
    return NeedsConfirmation(f"{local_time(window, zones, now)}; {hours}.", next_open(window, zones, now))


# What the checks are made of.


def _parsed(order: Proposed) -> PhoneNumber | None:
    return None if order.extension else numbers.parsed(order.number)


def _country(order: Proposed) -> str:
    return order.country or ("" if order.extension else number_kinds.country(order.number))


def _short_number(number: str) -> Refused:
    return Refused(
        f"The call was not placed: {pretty(number)} is a short number, whose price and owner differ from network to "
        "network.",
        "Dial it on your own phone, or use the full number.",
        costly=True,
    )


def _impossible(number: str) -> Refused:
    return Refused(
        f"The call was not placed: {pretty(number) or 'nothing'} is not a possible phone number.",
        "Check the digits and write the whole number with its country, like +1 202 555 0100.",
    )
