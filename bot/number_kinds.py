"""What kind of number is this: short, at a surcharge, of which country? Pure.

`bot/policy.py` decides what follows from that. Everything is as phonenumbers' metadata has it.
"""

import functools
import re

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberType, shortnumberinfo

from bot import numbers

NEVER = {
    PhoneNumberType.PREMIUM_RATE: "a premium-rate number",
    PhoneNumberType.SHARED_COST: "a shared-cost number",
    PhoneNumberType.PERSONAL_NUMBER: "a personal number that forwards at the caller's cost",
    PhoneNumberType.UAN: "a company-wide number with a tariff of its own",
    PhoneNumberType.PAGER: "a pager",
}
"""Kinds of numbers that are never dialled, because the caller pays a surcharge; and how to name them."""
LONGEST_EXTENSION = 6
"""Digits."""


def country(number: str) -> str:
    """ISO 3166 of an E.164 number; of one unknown to the metadata, the main country of its country code; "" = it is
    none."""
    if found := numbers.region(number):
        return found
    parts = numbers.parsed(number)
    return phonenumbers.region_code_for_country_code(parts.country_code or 0) if parts is not None else ""


def is_of_no_country(number: PhoneNumber) -> bool:
    """Of a satellite or worldwide network, or of a country code that nobody has."""
    return phonenumbers.region_code_for_country_code(number.country_code or 0) in ("001", "ZZ")


def is_like_a_number(extension: str) -> bool:
    """Whether what is called an extension would be dialled as a telephone number: digits only, and more than six."""
    digits = re.sub("[-_]", "", extension)
    return digits.isdigit() and len(digits) > LONGEST_EXTENSION


def is_short(dialled: str, region: str) -> bool:
    """Whether that, written without a country, is a short number of the region (ISO 3166)."""
    digits = re.sub(r"\D", "", dialled)[:15]
    number = PhoneNumber(
        country_code=phonenumbers.country_code_for_region(region), national_number=int(digits) if digits else 0
    )
    return shortnumberinfo.is_valid_short_number_for_region(number, region)


def may_be_a_service(extension: str, region: str) -> bool:
    """Whether an extension's digits are a short number of the region, too, that can be called and not only written to.

    Of the short numbers that single networks give out, which no telephone system reaches, only the shortest count: of
    the four-digit extensions of the US nearly all would be one otherwise.
    """
    if not (extension.isdecimal() and extension.isascii() and is_short(extension, region)):
        return False
    number = PhoneNumber(country_code=phonenumbers.country_code_for_region(region), national_number=int(extension))
    only_there = len(extension) > 3 and shortnumberinfo.is_carrier_specific_for_region(number, region)
    return not (only_there or shortnumberinfo.is_sms_service_for_region(number, region))


def is_short_abroad(number: PhoneNumber) -> bool:
    """Whether it is a short number of the country whose code it begins with."""
    if len(phonenumbers.national_significant_number(number)) not in _short_lengths(number.country_code or 0):
        return False  # as nearly always: to ask for each of 25 countries of +1 takes as long as reading the number
    return shortnumberinfo.is_valid_short_number(number)


@functools.cache
def _short_lengths(country_code: int) -> frozenset[int]:
    """How many digits the short numbers of these countries have."""
    found: set[int] = set()
    for region in phonenumbers.region_codes_for_country_code(country_code):
        known = phonenumbers.PhoneMetadata.short_metadata_for_region(region)
        if known is not None and known.short_code is not None:
            found.update(known.short_code.possible_length or range(16))
    return frozenset(found)


def costly(number: str) -> str:
    """How to name what makes this E.164 number cost extra, "" = nothing.

    Networks ignore surplus digits, so a premium number with some appended is still one: the beginnings of a number
    that the metadata does not know are looked at too.
    """
    kind, parts = numbers.kind(number), numbers.parsed(number)
    if kind != PhoneNumberType.UNKNOWN or parts is None:
        return NEVER.get(kind, "")
    digits = phonenumbers.national_significant_number(parts)
    for length in range(len(digits) - 1, 5, -1):
        beginning = PhoneNumber(country_code=parts.country_code)
        beginning.national_number = int(digits[:length])
        if found := NEVER.get(phonenumbers.number_type(beginning), ""):
            return found
    return ""
