"""Numbers: what people and providers write, and what becomes of it."""

import contextlib

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberType, shortnumberinfo
from phonenumbers.phonemetadata import PhoneMetadata
from phonenumbers.shortnumberinfo import SUPPORTED_SHORT_REGIONS

from bot import number_kinds, numbers
from bot.errors import BadInput
from bot.numbers import at_start, country, e164, likely_country, masked, parse, pretty, with_extension, withheld


@pytest.mark.parametrize(
    ("text", "region", "number"),
    [
        ("(202) 555-0123", "US", "+12025550123"),
        ("202.555.0123", "US", "+12025550123"),
        ("+44 7700 900123", "US", "+447700900123"),
        ("07700 900123", "GB", "+447700900123"),
        ("050-555-0123", "IL", "+972505550123"),
        ("00972 50 555 0123", "GB", "+972505550123"),
        ("011 972 50 555 0123", "US", "+972505550123"),
        ("tel:+1-202-555-0123", "GB", "+12025550123"),
    ],
)
def test_what_people_and_providers_both_write(text: str, region: str, number: str) -> None:
    assert parse(text, region) == number
    assert e164(text, region) == number


@pytest.mark.parametrize(
    ("text", "region", "number"),
    [
        ("972505550123", "IL", "+972505550123"),  # without the plus
        ("447700900123", "US", "+447700900123"),
        (" +12025550123 ", "IL", "+12025550123"),
        ("anonymous", "IL", "anonymous"),
        (" 21 ", "IL", "21"),
        ("", "IL", ""),
        ("AAPINFzL", "IL", "AAPINFzL"),
        ("9" * 40, "IL", "9" * 40),
    ],
)
def test_what_providers_send_is_never_lost(text: str, region: str, number: str) -> None:
    assert e164(text, region) == number


@pytest.mark.parametrize(
    "text",
    [
        *("anonymous", " Unknown ", "RESTRICTED", "private number", "Unknown caller", "Unavailable", "withheld"),
        *("sip:anonymous@anonymous.invalid", "Anonymous@192.0.2.1"),
    ],
)
def test_what_stands_for_a_withheld_number(text: str) -> None:
    assert withheld(text)


@pytest.mark.parametrize("text", ["", "+12025550123", "21", "AAPINFzL", "private.wood@192.0.2.1", "sip:dana@192.0.2.1"])
def test_what_does_not(text: str) -> None:
    assert not withheld(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Ada", "“Ada” is not a phone number"),
        ("", "is not a phone number"),
        ("+1 202", "is too short"),
        ("+1 202 555 0123 4567", "is too long for a phone number. Check the digits."),
        ("972505550123", r"is too long for a phone number. Did you mean \+972 50-555-0123\? Then write its plus, too."),
        ("447700900123", r"Did you mean \+44 7700 900123\?"),
        ("00 44 7700 900123", r"Did you mean \+44 7700 900123\? Then write its plus, too."),
        ("+1 202 555 0 foo", "is not a phone number: write it without letters"),
        ("1-800-FLOWERS", "is not a phone number: write it without letters"),
        ("555 0123", "lacks its area code"),
        ("9" * 60, "is not a phone number"),
        (
            "+1 202 555 0123 ext. 12",
            "“.*ext. 12” has an extension behind it, which cannot be used here. Write the number",
        ),
        ("+1 202 555 0123,,12#", "has an extension behind it"),
        ("+49 30 123456 p12", "is not a phone number: write it without letters"),
        ("+49 30 1234 w 5678", "is not a phone number: write it without letters"),
        ("+49 30 12p34 ext 56", "is not a phone number: write it without letters"),
        ("911", "“911” is an emergency number, and Callboard never calls those"),
        ("1 1 2", "is an emergency number"),
    ],
)
def test_what_people_type_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(BadInput, match=words) as caught:
        parse(text, "US")
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    ("text", "number", "rest"),
    [
        ("+1 202 555 0123 Noa Green", "+12025550123", "Noa Green"),
        ("202–555–0123 24 Hour Taxi", "+12025550123", "24 Hour Taxi"),  # dashes as text programs write them
        ("٢٠٢٥٥٥٠١٢٣ نوا", "+12025550123", "نوا"),
        ("+1 202 555 0123, Noa Green, Green Gardens", "+12025550123", "Noa Green, Green Gardens"),
        ("+1 202 555 0123: asked us to stop", "+12025550123", "asked us to stop"),
        ("+1 202 555 0123;", "+12025550123", ""),
        ("+1 202 555 0123,Noa Green,Green Gardens", "+12025550123", "Noa Green,Green Gardens"),
        ("+1 202 555 0123 7:30 Club", "+12025550123", "7:30 Club"),
    ],
)
def test_a_number_before_other_words(text: str, number: str, rest: str) -> None:
    assert at_start(text, "US") == (number, rest)


@pytest.mark.parametrize(
    "text",
    [
        "+1 202 555 0123 +1 202 555 0124 Noa",
        "+1 202 555 0123, 202-555-0124",
        "2025550123,2025550124 Noa",
        "202-555-0123;202-555-0124;202-555-0125",
    ],
)
def test_a_second_number_is_no_other_words(text: str) -> None:
    with pytest.raises(BadInput, match="more than one number"):
        at_start(text, "US")


def test_many_digits_are_not_tried_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever somebody types, everybody else waits while it is read."""
    tried = []

    def note(text: str, region: str) -> str:
        tried.append(text)
        return parse(text, region)

    monkeypatch.setattr("bot.numbers.parse", note)
    with pytest.raises(BadInput):
        at_start("1 " * 1500, "US")
    assert len(tried) <= 60


@pytest.mark.parametrize(
    ("behind", "extension"),
    [
        *[(" ext. 12", "12"), ("x12", "12"), (" x 12", "12"), (";ext=12", "12"), (",,12#", "12"), (" #12", "12")],
        *[(" Extension 0012", "0012"), (" ext \uff11\uff12", "12"), ("", ""), (" ", "")],
    ],
)
def test_an_extension_behind_a_number_is_no_part_of_it(behind: str, extension: str) -> None:
    assert with_extension(f"+1 202 555 0123{behind}", "US") == ("+12025550123", extension)
    assert with_extension(f"+49 30 123456{behind}", "US") == ("+4930123456", extension)


def test_pretty() -> None:
    assert pretty("+447700900123") == "+44 7700 900123"
    assert pretty("+972505550123") == "+972 50-555-0123"
    assert pretty("21") == "21"
    assert pretty("") == ""
    assert pretty("+") == "+"


def test_masked() -> None:
    assert masked("+12025550123") == "••••••••••23"
    assert masked("21") == "21"
    assert masked("7") == "7"
    assert masked("") == ""


def test_country() -> None:
    assert country("+12025550123") == "US"
    assert country("+972505550123") == "IL"
    assert country("+77272550123") == "KZ"
    assert country("+12684601234") == "AG"
    assert country("+870773111632") == ""  # a satellite
    assert country("+80012345678") == ""  # a worldwide freephone number
    assert country("21") == ""
    # Reserved for fiction, hence unknown to the metadata: `policy` takes the main country of +44 instead.
    assert country("+447700900123") == ""


@given(st.sampled_from(["US", "GB", "IL", "TR"]), st.integers(0, 10**12))
def test_reading_again_changes_nothing(region: str, digits: int) -> None:
    try:
        number = parse(str(digits), region)
    except BadInput:
        return
    assert number.startswith("+")
    assert parse(number, region) == number
    assert e164(number, region) == number
    assert parse(pretty(number), region) == number
    assert phonenumbers.is_possible_number(phonenumbers.parse(number, None))


@given(st.text(max_size=40), st.sampled_from(["US", "IL", ""]))
def test_only_bad_input_is_raised(text: str, region: str) -> None:
    assert isinstance(e164(text, region), str)
    assert isinstance(pretty(text), str)
    assert isinstance(country(text), str)
    assert len(masked(text)) == len(text)
    with contextlib.suppress(BadInput):
        parse(text, region)


def test_the_likely_country_of_a_number_that_its_plan_does_not_know() -> None:
    assert [likely_country(number) for number in ("+12025550123", "+447700900123", "+14165550123")] == [
        "US",
        "GB",
        "CA",
    ]
    assert [likely_country(number) for number in ("201", "", "+87012345678", "+80012345678")] == ["", "", "", ""]


def test_no_emergency_number_is_longer_than_we_look_at() -> None:
    plans = (PhoneMetadata.short_metadata_for_region(region) for region in SUPPORTED_SHORT_REGIONS)
    lengths = {length for plan in plans if plan and plan.emergency for length in plan.emergency.possible_length}
    assert max(lengths) == numbers.LONGEST_EMERGENCY
    assert numbers.is_emergency("201606", "ER")
    assert not numbers.is_emergency("2016065", "ER")


def test_what_is_asked_of_one_number_in_a_row_reads_it_once() -> None:
    assert numbers.parsed("+442079460123") is numbers.parsed("+442079460123")
    assert numbers.parsed("2079460123") is None
    assert numbers.parsed("+") is None


COUNTRY_CODES = sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)


@given(st.sampled_from(COUNTRY_CODES), st.text("0123456789", min_size=2, max_size=12))
def test_what_is_asked_of_a_number_once_is_what_its_plan_says(code: int, digits: str) -> None:
    number = f"+{code}{digits}"
    parts = numbers.parsed(number)
    if parts is None:
        return
    assert numbers.kind(number) == phonenumbers.number_type(parts)
    assert (numbers.kind(number) != PhoneNumberType.UNKNOWN) == phonenumbers.is_valid_number(parts)
    assert numbers.region(number) == (phonenumbers.region_code_for_number(parts) or "")
    assert number_kinds.is_short_abroad(parts) == shortnumberinfo.is_valid_short_number(parts)


@pytest.mark.parametrize("code", COUNTRY_CODES)
def test_a_short_number_of_any_country_is_known_behind_its_code(code: int) -> None:
    for one in phonenumbers.region_codes_for_country_code(code):
        known = PhoneMetadata.short_metadata_for_region(one)
        if known is not None and known.short_code is not None and known.short_code.example_number:
            short = phonenumbers.PhoneNumber(country_code=code, national_number=int(known.short_code.example_number))
            assert number_kinds.is_short_abroad(short) == shortnumberinfo.is_valid_short_number(short)
