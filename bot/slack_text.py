"""What people type, as Slack hands it over: its links and mentions, quotes, signs that cannot be seen. Pure.

https://docs.slack.dev/messaging/formatting-message-text
"""

import re

import msgspec

from bot.names import STOPS

OPENING, _CLOSING = '"“„«”', '"”“»'
"""Quotes of several languages."""
_TOKEN = re.compile(
    # Whoever taps the space twice behind a mention or a quote gets a full stop there, which is none of it.
    rf"(?P<link><[^<>]*>)(?:[{STOPS}]+(?=\s|$))?"
    rf"|[{OPENING}](?P<quoted>[^{OPENING}{_CLOSING}]*)[{_CLOSING}][{STOPS}]*(?=\s|$)|\S+"
)
_TEL = re.compile(r"<tel:([^<>|]*)(?:\|[^<>]*)?>|(?<![^\s])tel:(\S+)", re.IGNORECASE)
_MARKED = re.compile(r"<((?:https?://|mailto:)[^<>|]+|[@#!][^<>|]+(?=\|))(?:\|([^<>]*))?>")
_UNSEEN = re.compile("[\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
"""Marks of writing direction, which contact books and our own cards put around what is copied from them; and where a
line may be broken, which is in what is copied from pages."""
_SPACES = str.maketrans(dict.fromkeys("\u00a0\u2007\u202f", " "))
"""Where no line may be broken; some keyboards, and most pages, have them."""


_OTHERWISE = re.compile(r"[＋－（．／](?=\s*[\d（－])|(?<=\d)）|(?<=\d)[־·](?=\d)")
_PLAIN = str.maketrans("＋－（）．／־·", "+-()./-.")
"""Signs of a number as East Asian and Hebrew keyboards write them, between its digits."""
_AND_A_STOP = re.compile(r"([+(\d][\d()+./\-‐‑‒–—− ]*\d)[,;:…!?]")
"""A number alone, copied together with what ended it where it stood."""


_LONGEST_QUOTED = 40


class Token(msgspec.Struct, frozen=True):
    """A word, a link or mention, or words in quotes. `end`: where the text after it begins."""

    text: str
    quoted: bool
    end: int


def tokens(text: str) -> list[Token]:
    """All of a text. One whose quotes are never closed is a word that begins with one of `OPENING`."""
    return [_token(match) for match in _TOKEN.finditer(text)]


def _token(match: re.Match[str]) -> Token:
    quoted = match["quoted"]
    return Token(quoted if quoted is not None else match["link"] or match[0], quoted is not None, match.end())


def typed(text: str) -> str:
    """What somebody typed behind a command, as they see it: spaces are spaces, and what cannot be seen is not there."""
    return _UNSEEN.sub("", text.translate(_SPACES))


def without_links(text: str) -> str:
    """Numbers that Slack has turned into links, as plain numbers again, with plain signs; and nothing that cannot be
    seen."""
    text = _TEL.sub(lambda match: match[1] or match[2] or "", _UNSEEN.sub("", text)).strip()
    text = _OTHERWISE.sub(lambda match: match[0].translate(_PLAIN), text)
    return alone[1] if (alone := _AND_A_STOP.fullmatch(text)) else text


def as_read(text: str) -> str:
    """A text that is kept, or spoken, as Slack shows it: links as their addresses, people and channels by name.

    What Slack itself has marked up, that is: before `html.unescape`, for what people type with "<" comes as "&lt;".
    """
    return _MARKED.sub(lambda match: _shown(*match.groups("")), text)


def _shown(to: str, label: str) -> str:
    if to.startswith("http"):
        return label if label and label in to else to
    return to.removeprefix("mailto:") if to.startswith("mailto:") else label


def unquoted(text: str) -> str:
    """A name without the quotes that stand around all of it."""
    match = _TOKEN.fullmatch(text.strip())
    return match["quoted"] if match and match["quoted"] else text


def plain_digits(text: str) -> str:
    """Decimal digits of any script as 0-9, everything else as it is."""
    return "".join(str(int(char)) if char.isdecimal() else char for char in text)


def quoted(text: str) -> str:
    """What somebody typed, in a sentence about it."""
    return f"“{text if len(text) <= _LONGEST_QUOTED else text[: _LONGEST_QUOTED - 1] + '…'}”"
