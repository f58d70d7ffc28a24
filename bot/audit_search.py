"""What somebody typed after `/callboard audit` -> which lines of the audit log they look for. Pure.

    [2026-11-01..2026-11-15] [@colleague] [words]

In any order. Days and colleagues are named as after `/calls log`, and read by the same code.
"""

import re

import msgspec

from bot import call_search
from bot.call_search import Reader
from bot.errors import BadInput

EXAMPLE = (
    "For example, `/callboard audit 2026-11-01..2026-11-15 @colleague campaign`: the days, who did it, and words that "
    "are looked for in what was done; each may be left out."
)
_IN_THE_LOG = {"dnc": "do-not-call"}
"""A word of our commands -> what it is called in the log."""
MOST_WORDS, LONGEST = 8, 120
"""Words of a search, and characters of all of them: they travel in the buttons."""


class Lines(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which lines are looked for; all that is set must hold. Travels as JSON in the buttons of the list.

    Attributes:
        since, until: when it was done, seconds since 1970 UTC, `since <= moment < until`; 0 = open.
        by: Slack user id of whoever did it, "" = anybody.
        words: each is somewhere in what was done, to what, or the details; numbers as they are stored, and channels as
            Slack writes them, "<#C0123456789>".
    """

    since: float = 0
    until: float = 0
    by: str = ""
    words: tuple[str, ...] = ()

    @property
    def numbers(self) -> tuple[str, ...]:
        """Those of the words that are numbers, E.164."""
        return tuple(word for word in self.words if _is_number(word))

    @property
    def stored(self) -> tuple[str, ...]:
        """The words as lines have them: of a channel its id."""
        return tuple(word[2:-1] if is_channel(word) else _IN_THE_LOG.get(word.casefold(), word) for word in self.words)

    @property
    def plain_words(self) -> tuple[str, ...]:
        """The others."""
        return tuple(word for word in self.words if not _is_number(word))


def parse(text: str, reader: Reader) -> Lines:
    """Read the words after `/callboard audit`; none are all lines.

    Raises:
        BadInput: a full sentence with what was not understood, and an example.
    """
    try:
        search, words = call_search.sift(text, reader)
    except BadInput as error:
        raise _wrong(str(error).removesuffix(call_search.UNDERSTOOD).strip()) from error
    words = tuple(" ".join(word.split()) for word in words)
    if not all(words):
        raise _wrong("The quotes hold no word, so nothing was searched.")
    if len(words) > MOST_WORDS or sum(map(len, words)) > LONGEST:
        raise _wrong(f"More than {MOST_WORDS} words, or {LONGEST} letters, are too many. Nothing was searched.")
    return Lines(search.since, search.until, search.rep, words)


def _wrong(what: str) -> BadInput:
    return BadInput(f"{what} {EXAMPLE}")


def is_channel(word: str) -> bool:
    """Whether it is a channel that was picked from Slack's list."""
    return re.fullmatch(r"<#[CG][A-Z0-9]+>", word) is not None


def _is_number(word: str) -> bool:
    return word[:1] == "+" and word[1:].isdecimal()
