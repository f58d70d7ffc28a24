"""CallGear's values, cleaned where they enter: numbers without a plus, times without a zone, booleans as text."""

import re
from datetime import datetime, tzinfo

from bot import loose
from bot.numbers import withheld

_HALF_A_SIGN = re.compile("[\ud800-\udfff]")
"""Of an emoji that was cut in two; nothing that holds one can be stored."""


def digits(number: str) -> str:
    """E.164 without the plus; a SIP number or anything else with letters as it is."""
    return re.sub(r"[^0-9]", "", number) if re.fullmatch(r"\+?[\d\s().-]+", number) else number


def text(value: object) -> str:
    """A value as text: ids are numbers here and text there, `success` is "true" or true."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return _HALF_A_SIGN.sub("\N{REPLACEMENT CHARACTER}", str(value)).strip() if isinstance(value, str | int) else ""


def bare(number: str) -> str:
    """Without the suffix that a leg's number may carry: 74959268686...9.2.3.3 in the example of list.calls."""
    return re.sub(r"(?<=[0-9])\.[0-9.]+$", "", number) if number[:1].isdecimal() else number


def e164(value: object) -> str:
    """With its plus; "" = withheld."""
    found = text(value)
    if withheld(found):
        return ""
    return f"+{found}" if re.fullmatch(r"[1-9][0-9]{6,14}", found) else found


def moment(value: object, zone: tzinfo, told_at: float) -> float:
    """Seconds since 1970 UTC of "2030-01-01 10:00:00[.5]", with a T, or both; 0 where it is no time.

    The page promises ISO 8601 with a zone ("YYYY-MM-DDT hh:mm:ssZ", chapter Agreements) and shows it without one: then
    it is the account's. When clocks are put back an hour comes twice; what was told at `told_at` (seconds since 1970
    UTC) is of the last one that was not yet to come.
    """
    try:
        found = datetime.fromisoformat(text(value).replace("T ", "T"))
        first = (found if found.tzinfo else found.replace(tzinfo=zone)).timestamp()
        again = first if found.tzinfo else found.replace(tzinfo=zone, fold=1).timestamp()
        at = again if again <= told_at + loose.CLOCKS_DIFFER_SECONDS else first
    except (ValueError, OverflowError):
        return 0.0
    return loose.moment(at)


def hours_off(at: float, told_at: float) -> float:
    """By how much a moment is ahead of that in which it was told, where only another time zone explains it; else 0.

    Zones differ by halves of an hour at least, and by 14 hours at most.
    """
    halves = round((at - told_at) / 1800) if at else 0
    rest = abs(at - told_at - halves * 1800)
    return halves / 2 if halves and abs(halves) <= 2 * 14 and rest < loose.CLOCKS_DIFFER_SECONDS / 10 else 0.0


def seconds(value: object) -> int:
    """A duration; 0 where it is not told."""
    found = (str(value) if isinstance(value, float) else text(value)).partition(".")[0]
    return int(found) if found.isascii() and found.isdecimal() and len(found) < 8 else 0
