"""Lengths of time as people type them: of a call, of a voice message, and how long a phone rings. Pure."""

import re

from bot.call_options import LONGEST_CALL, LONGEST_MESSAGE, LONGEST_RING, SHORTEST_RING
from bot.errors import BadInput
from bot.slack_text import plain_digits, quoted

_LENGTH = re.compile(
    r"(?:(\d{1,2})h(?:ours?|rs?)?)?(?:(\d{1,4})m(?:in|ins|inutes?)?)?(?:(\d{1,5})s(?:ec|ecs|econds?)?)?"
)


def seconds(text: str) -> int | None:
    """ "30m", "90s", "1h30m", "45" (minutes) -> seconds; None = not a length of time."""
    word = plain_digits(text).casefold()
    if word.isdecimal() and len(word) <= 6:
        return int(word) * 60
    match = _LENGTH.fullmatch(word)
    if match is None or not any(match.groups()):
        return None
    hours, minutes, rest = (int(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + rest


def call_seconds(text: str) -> int:
    """The longest talk time as people write it: 30m, 90s, 1h, or 45 for minutes.

    Raises:
        BadInput: not a length of time, or longer than a day.
    """
    longest = seconds(text)
    if longest is None:
        raise BadInput(f"{quoted(text)} after “max” is not a length of time. Write 30m, 90s, 1h, or 45 for minutes.")
    if not 0 < longest <= LONGEST_CALL:
        raise BadInput(f"{quoted(text)} after “max” must be more than nothing and at most 24 hours.")
    return longest


def message_seconds(option: str, text: str) -> int:
    """How long a phone may ring (`ring`), or a message last (`max`). Bare numbers: seconds, and minutes as in `/call`.

    Raises:
        BadInput: not a length of time, or none that can be.
    """
    written = "".join(text.split())
    bare = option == "ring" and written.isdecimal()
    found = seconds(f"{written}s" if bare else written)
    if found is None:
        like = "20s, 1m, or 20 for seconds" if option == "ring" else "90s, 2m, or 2 for minutes"
        raise BadInput(f"“{text}” after “{option}” is not a length of time. Write {like}. Nothing was sent.")
    if option == "ring" and not SHORTEST_RING <= found <= LONGEST_RING:
        raise BadInput(
            f"A phone rings for {SHORTEST_RING} seconds to {LONGEST_RING // 60} minutes, so “{text}” after “ring” "
            "cannot be. Write like 20s. Nothing was sent."
        )
    if option == "max" and not 0 < found <= LONGEST_MESSAGE:
        raise BadInput(
            f"A voice message lasts {LONGEST_MESSAGE // 60} minutes at most, so “{text}” after “max” cannot be. "
            "Write like 90s or 2m. Nothing was sent."
        )
    return found
