"""Telephone numbers as people and providers write them -> E.164. Pure; phonenumbers knows the world's plans."""

import phonenumbers

from bot.errors import BadInput


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
        BadInput: letters, too short, too long; the sentence says which.
    """
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException as error:
        raise BadInput(f"“{text}” is not a phone number. Write it like +1 202 555 0100, or pick a name.") from error
    reason = phonenumbers.is_possible_number_with_reason(number)
    if reason == phonenumbers.ValidationResult.TOO_SHORT:
        raise BadInput(f"“{text}” is too short for a phone number. Check the digits.")
    if reason == phonenumbers.ValidationResult.TOO_LONG:
        raise BadInput(f"“{text}” is too long for a phone number. Check the digits.")
    if reason == phonenumbers.ValidationResult.IS_POSSIBLE_LOCAL_ONLY:
        raise BadInput(f"“{text}” lacks its area code. Write the whole number, like +1 202 555 0100.")
    if reason != phonenumbers.ValidationResult.IS_POSSIBLE:
        raise BadInput(f"“{text}” is not a possible phone number. Add the country, like +1 202 555 0100.")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def pretty(number: str) -> str:
    """International form for reading: "+44 7700 900123". What is not E.164 comes back as it is."""
    if not number.startswith("+"):
        return number
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def masked(number: str) -> str:
    """For public places: all but the last two digits hidden."""
    return "•" * max(len(number) - 2, 0) + number[-2:]


def country(number: str) -> str:
    """ISO 3166 code of an E.164 number, "" where it has none (satellite, freephone, unknown)."""
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return ""
    region = phonenumbers.region_code_for_number(parsed) or ""
    return "" if region == "001" else region
