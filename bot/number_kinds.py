"""What kind of number is this: short, at a surcharge, of which country? Pure.

`bot/policy.py` decides what follows from that. Everything is as phonenumbers' metadata has it.
"""

import re

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberType, shortnumberinfo

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


def country(number: PhoneNumber) -> str:
    """ISO 3166; for a number unknown to the metadata, the main country of its country code."""
    return phonenumbers.region_code_for_number(number) or phonenumbers.region_code_for_country_code(
        number.country_code or 0
    )


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
    return shortnumberinfo.is_valid_short_number(number)


def costly(number: PhoneNumber) -> str:
    """How to name what makes this number cost extra, "" = nothing.

    Networks ignore surplus digits, so a premium number with some appended is still one: the beginnings of a number
    that the metadata does not know are looked at too.
    """
    kind = NEVER.get(phonenumbers.number_type(number), "")
    if kind or phonenumbers.is_valid_number(number):
        return kind
    digits = phonenumbers.national_significant_number(number)
    for length in range(len(digits) - 1, 5, -1):
        beginning = PhoneNumber(country_code=number.country_code)
        beginning.national_number = int(digits[:length])
        kind = NEVER.get(phonenumbers.number_type(beginning), "")
        if kind:
            return kind
    return ""
