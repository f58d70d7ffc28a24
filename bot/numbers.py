"""Telephone numbers as people and providers write them -> E.164. Pure; phonenumbers knows the world's plans."""

import functools
import re

import phonenumbers
from phonenumbers import shortnumberinfo

from bot.errors import BadInput

EMERGENCY_EVERYWHERE = frozenset({"112", "911", "999", "100", "101", "102"})
"""Emergency numbers somewhere that a desk phone, a SIM or a PBX may also honour elsewhere: never dialled at all."""
LONGEST_EMERGENCY = 6
"""Digits, in all countries."""
MISTAKEN = {"UK": "Write “GB” for the United Kingdom.", "EL": "Write “GR” for Greece."}
"""What to do about codes of countries that are in use and in no standard."""
MOST_WORDS = 20
"""Of one number, as people write it: no number has so many digits."""
_OF_NUMBERS = frozenset("+-()./‐‑‒–—−")
_SEPARATED = re.compile(r"([^,;:]+)[,;:](\D.*|[^,;:]{7,}.*|)")
"""The last digits of a number, and what may be written right behind the sign that ends it: words, or another number."""
_WITHHELD = re.compile(
    r"(?:sip:)?(?:anonymous|unknown|restricted|private|unavailable|withheld|blocked|hidden)(?:[ _-]?(?:caller|number))?"
    "(?:@.*)?",
    re.IGNORECASE,
)
"""The last part: https://www.rfc-editor.org/rfc/rfc3323#section-4.1.1.3, "sip:anonymous@anonymous.invalid"."""
_LETTER = re.compile(r"[^\W\d_]")
_LETTER_INSIDE = re.compile(r"\d\D*[^\W\d_]\D*\d")
"""As in "0123 p12", which phones write for a pause: the 12 would be the number's last digits."""


@functools.lru_cache(maxsize=32)  # all that is asked of one number: reading it takes longer than most of that
def parsed(number: str) -> phonenumbers.PhoneNumber | None:
    """The parts of an E.164 number, not to be changed; None = it is none."""
    if not number.startswith("+"):
        return None
    try:
        return phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return None


@functools.lru_cache(maxsize=32)
def region(number: str) -> str:
    """ISO 3166 code of an E.164 number whose plan knows it, "001" = worldwide, "" = it does not."""
    parts = parsed(number)
    return (phonenumbers.region_code_for_number(parts) or "") if parts is not None else ""


@functools.lru_cache(maxsize=32)
def kind(number: str) -> int:
    """`PhoneNumberType` of an E.164 number, UNKNOWN = it is not valid."""
    parts = parsed(number)
    return phonenumbers.number_type(parts) if parts is not None else phonenumbers.PhoneNumberType.UNKNOWN


def is_emergency(digits: str, *regions: str) -> bool:
    """Whether these bare digits ring the police somewhere, or in one of these countries (ISO 3166)."""
    if digits.isdecimal() and len(digits) > LONGEST_EMERGENCY:
        return False  # as nearly always; to ask for each country takes a fifth of the time that a list takes
    return digits in EMERGENCY_EVERYWHERE or any(
        shortnumberinfo.is_emergency_number(digits, region) for region in regions
    )


def withheld(text: str) -> bool:
    """Whether this is what networks write in place of a caller's number that is not told."""
    return _WITHHELD.fullmatch(text.strip()) is not None


def e164(text: str, region: str) -> str:
    """E.164 form of a number a *provider* sent; what cannot be understood comes back stripped, never lost.

    `region`: ISO 3166 code of the country that numbers without a prefix belong to.
    """
    text = text.strip()
    local = _try(text, region)
    # Providers drop the plus: 972505550001. What is valid is believed first, local before international, for
    # some countries call almost any twelve digits possible.
    foreign = _try("+" + text, None) if text.isdigit() else None
    for number in (local, foreign):
        if number is not None and phonenumbers.is_valid_number(number):
            return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if text.isdigit() and not text.startswith("0") and len(text) > 10 and foreign is not None:
        local, foreign = foreign, local
    for number in (local, foreign):
        if number is not None and phonenumbers.is_possible_number(number):
            return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return text


def _try(text: str, region: str | None) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None


def parse(text: str, region: str) -> str:
    """E.164 form of a number a *person* typed.

    Raises:
        BadInput: letters, an extension behind it, an emergency number, too short, too long; the sentence says which.
    """
    number, extension = with_extension(text, region)
    if extension:
        raise BadInput(f"“{text}” has an extension behind it, which cannot be used here. Write the number alone.")
    return number


def with_extension(text: str, region: str) -> tuple[str, str]:
    """(E.164, the extension behind it, "" = none) of a number a *person* typed: "ext. 12", "x12", ";ext=12", ",,12".

    Raises:
        BadInput: as `parse()`, but for the extension.
    """
    if is_emergency(re.sub(r"[\s().-]", "", text), region):
        raise BadInput(f"“{text}” is an emergency number, and Callboard never calls those. Dial it on a phone.")
    letters = _LETTER.search(text) is not None  # as nearly never: then two slower looks are spared
    if letters and phonenumbers.is_alpha_number(text):  # else a word after the number would become its last digits
        raise BadInput(f"“{text}” is not a phone number: write it without letters, like +1 202 555 0100.")
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException as error:
        raise BadInput(f"“{text}” is not a phone number. Write it like +1 202 555 0100.") from error
    extension = number.extension or ""
    if letters and _LETTER_INSIDE.search(text[: text.rfind(extension)] if extension else text):
        raise BadInput(f"“{text}” is not a phone number: write it without letters, like +1 202 555 0100.")
    reason = phonenumbers.is_possible_number_with_reason(number)
    if reason == phonenumbers.ValidationResult.TOO_SHORT:
        raise BadInput(f"“{text}” is too short for a phone number. Check the digits.")
    if reason == phonenumbers.ValidationResult.TOO_LONG:
        raise BadInput(f"“{text}” is too long for a phone number. {_with_plus(text) or 'Check the digits.'}")
    if reason == phonenumbers.ValidationResult.IS_POSSIBLE_LOCAL_ONLY:
        raise BadInput(f"“{text}” lacks its area code. Write the whole number, like +1 202 555 0100.")
    if reason != phonenumbers.ValidationResult.IS_POSSIBLE:
        next_step = _with_plus(text) or "Add the country, like +1 202 555 0100."
        raise BadInput(f"“{text}” is not a possible phone number. {next_step}")
    found = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return found, phonenumbers.normalize_digits_only(extension)


def _with_plus(text: str) -> str:
    """A question to whoever wrote a whole number without its plus, "" = that is not it."""
    digits = text.removeprefix("00")  # what many countries dial for the plus
    number = _try(f"+{digits}", None) if not digits.startswith(("+", "0")) else None
    if number is None or not phonenumbers.is_possible_number(number):
        return ""
    international = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    return f"Did you mean {international}? Then write its plus, too."


def at_start(text: str, region: str) -> tuple[str, str]:
    """(E.164, the rest) of a number as people write it, with blanks; the rest may begin with digits ("24 Hour Taxi").

    Raises:
        BadInput: there is no number at the start, or another one behind it.
    """
    number, rest = _first(text, region)
    try:
        _first(rest, region)
    except BadInput:
        return number, rest
    raise BadInput("That is more than one number. Write one at a time. Nothing was changed.")


def _first(text: str, region: str) -> tuple[str, str]:
    words = text.split()
    count = next((i for i, word in enumerate(words) if not all(map(_of_number, word))), len(words))
    last = _SEPARATED.fullmatch(words[count]) if count < len(words) else None
    if last and all(map(_of_number, last[1])):
        words[count : count + 1] = filter(None, last.groups())
        count += 1
    count = min(count, MOST_WORDS)
    if not count:
        raise BadInput("Write the number first, like +1 202 555 0100. Nothing was changed.")
    wrong = None
    for end in range(count, 0, -1):
        try:
            return parse(" ".join(words[:end]), region), " ".join(words[end:])
        except BadInput as error:
            wrong = wrong or error
    raise BadInput(f"{wrong} Nothing was changed.")


def _of_number(char: str) -> bool:
    return char.isdecimal() or char in _OF_NUMBERS


def found_in(text: str, region: str) -> tuple[tuple[str, str], ...]:
    """The phone numbers in a text, in its order, each once: (E.164, the extension behind it, "" = none)."""
    matches = phonenumbers.PhoneNumberMatcher(text, region, leniency=phonenumbers.Leniency.POSSIBLE)
    e164_form = phonenumbers.PhoneNumberFormat.E164
    found = ((phonenumbers.format_number(one.number, e164_form), one.number.extension or "") for one in matches)
    return tuple(dict.fromkeys(found))


def pretty(number: str) -> str:
    """International form for reading: "+44 7700 900123". What is not E.164 comes back as it is."""
    parts = parsed(number)
    if parts is None:
        return number
    return phonenumbers.format_number(parts, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def masked(number: str) -> str:
    """For public places: all but the last two digits hidden."""
    return "•" * max(len(number) - 2, 0) + number[-2:]


def country(number: str) -> str:
    """ISO 3166 code of an E.164 number, "" where it has none (satellite, freephone, unknown)."""
    found = region(number)
    return "" if found == "001" else found


def likely_country(number: str) -> str:
    """The same; a number that its plan does not know counts as one from the main country of its prefix."""
    if found := country(number):
        return found
    parts = parsed(number)
    region = phonenumbers.region_code_for_country_code(parts.country_code or 0) if parts is not None else ""
    return "" if region in ("001", "ZZ") else region
