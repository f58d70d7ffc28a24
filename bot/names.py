"""What people are called, and how much of it somebody typed. Pure."""

import re
import unicodedata
from collections.abc import Callable, Iterable
from enum import IntEnum
from functools import lru_cache
from typing import TypeVar

T = TypeVar("T")
STOPS = ".,;:!?…،؛؟。"
"""What ends a sentence, or stands between name and company."""
_AROUND = f"""{STOPS}"“”„«»'‘’‚‹›()[]*_~` """

_MARKS = re.compile(
    # Accents of Latin and Greek, points of Hebrew and Arabic. Not those that make another letter: й, ї, ў, ґ and those
    # of other scripts, such as the vowels of Hindi.
    "(?<![иіукг])[\u0300-\u036f]+|[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u064b-\u065f\u0670]+"
    # What cannot be seen: where a word may be parted, which way it is written, how an emoji is drawn.
    "|[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe00-\ufe0f\ufeff]+"
)
_LETTERS = str.maketrans(
    {
        **{"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ŧ": "t", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"},
        **dict.fromkeys("’‘‛ʼʹ′׳", "'"),
        **dict.fromkeys("“”„‟″״", '"'),
        **dict.fromkeys("‐‑‒–—−־", "-"),
    }
)
"""Letters that Unicode does not take apart, and the signs that keyboards put in for ' " and -."""
_WRITTEN_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})
"""What Germans and Scandinavians write where a keyboard, an address or an old system has no such letter; æ and ß always
are ae and ss."""
_MAY_BE_WRITTEN_OUT = re.compile("[äöüøåÄÖÜØÅ\u212b\u0308\u030a]")
_TITLES = frozenset(
    (
        *("mr", "mrs", "ms", "mx", "miss", "sir", "dr", "doctor", "prof", "professor", "rev", "jr", "sr"),
        *("herr", "frau", "hr", "fr", "mme", "mlle", "madame", "monsieur", "senor", "senora", "sra", "srta", "sig"),
        *("г-н", "г-жа", "господин", "госпожа", "др", "д-р", "проф"),
        *("מר", "גב'", "גברת", 'ד"ר', "פרופ'", 'עו"ד', "הרב"),
        *("inc", "ltd", "llc", "plc", "gmbh", "ag", "co", "corp", "sa", "sl", "bv", "srl", "ооо", 'בע"מ', "and", "the"),
    )
)
"""Words that are in many names and nobody's own, folded. "Don", "Ben" and "Van" are first names, too."""


class Fit(IntEnum):
    """How much of a name somebody typed."""

    NONE = -1
    INSIDE = 0
    """What begins in the middle of a word."""
    BEGINS = 1
    """The beginning of a word; nothing but a title; or words among others."""
    WORDS = 2
    """Whole words."""
    ALL = 3


def folded(text: str) -> str:
    """A text as it is compared: "José  O’Brien" and "jose o'brien" are the same then."""
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text.replace("´", "'").casefold())
        text = unicodedata.normalize("NFC", _MARKS.sub("", text.casefold()).translate(_LETTERS))
    return " ".join(text.casefold().split())


def spellings(text: str) -> tuple[str, ...]:
    """A text as it is compared, and where it can be written otherwise without accents, that too: muller and mueller."""
    if text.isascii() or not _MAY_BE_WRITTEN_OUT.search(text):
        return (folded(text),)
    return (folded(text), folded(unicodedata.normalize("NFKC", text).casefold().translate(_WRITTEN_OUT)))


def all_folded(text: str) -> str:
    """A text as it is stored to be found and put in order: each of its spellings on a line of its own."""
    return "\n".join(spellings(text))


def same(one: str, other: str) -> bool:
    """Whether two names are the same, case and accents aside."""
    return not set(spellings(one)).isdisjoint(spellings(other))


def holds(text: str, part: str) -> bool:
    """Whether a part, such as a word, is anywhere in a text, case and accents aside."""
    typed = _typed(part)
    for whole in spellings(text):
        for one, *_ in typed:
            if one in whole:
                return True
    return False


def as_spelt(typed: str, found: list[T], name: Callable[[T], str]) -> list[T]:
    """Of those whose whole name was typed, whoever is meant.

    Accents that are typed are meant: "José" is not Jose, if there is a José. Without them it may be either; but
    "Mueller" is not Müller, if there is a Mueller.
    """
    return [one for one in found if spelt_like(typed, name(one))] or found


def spelt_like(typed: str, name: str) -> bool:
    """Whether that is the whole name, with the accents that were typed if any were."""
    spelt = folded if _cased(typed) == folded(typed) else _cased
    return spelt(name) == spelt(typed)


def called(typed: str, them: Iterable[T], name: Callable[[T], str]) -> T | None:
    """Whichever of them has that whole name, None = none; where several have it, the one that is spelt like that."""
    alike = [one for one in them if name(one) and same(name(one), typed)]
    return next(iter(as_spelt(typed, alike, name)), None)


def _cased(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text.casefold()).split())


def words(typed: str) -> list[str]:
    """The words of a name, without the commas between them; each name that it may fit `holds()` them all."""
    return [word.strip(STOPS) or word for word in typed.split()]


def fit(name: str, typed: str) -> Fit:
    """How what was typed fits a name, case and accents aside. Signs alone, a single letter or a title are no word.

    All the words of a name may come in another order: "Dana Levi" is "Levi, Dana". Where they are only some of them,
    and others stand between, it may be somebody else: "Sam Hill" is not Sam Green of Hill Partners.
    """
    return fit_folded(all_folded(name), typed)


def fit_folded(name: str, typed: str) -> Fit:
    """The same of a name as it is stored."""
    return max([_fit(one, *part) for one in name.split("\n") for part in _typed(typed)])


@lru_cache(maxsize=64)  # what was typed is compared with thousands of names
def _typed(text: str) -> list[tuple[str, list[str], Fit]]:
    """(folded, its words, the most that it fits anything but the whole) of each of its spellings."""
    apart = [(part, words(part)) for part in spellings(text)]
    return [(part, those, Fit.WORDS if _names_somebody(those) else Fit.BEGINS) for part, those in apart]


def _fit(name: str, part: str, apart: list[str], most: Fit) -> Fit:
    """The same of two that are folded."""
    if name == part:
        return Fit.ALL
    best = _place(name, part)
    if len(apart) > 1 and best < Fit.WORDS:
        least = min(_place(name, word) for word in apart)
        if least >= Fit.BEGINS:
            best = Fit.WORDS if _has_words(name, part) else Fit.BEGINS
    return min(best, most)


def _has_words(name: str, part: str) -> bool:
    """Whether a part is all the words of a name in some order, or some that follow each other, but for signs."""
    typed, whole = _parted(part), _parted(name)
    told = [word for word in whole if word in typed or (len(word) > 1 and word not in _TITLES)]
    return sorted(typed) == sorted(told) or f" {' '.join(typed)} " in f" {' '.join(whole)} "


def _parted(text: str) -> list[str]:
    return "".join(char if _in_word(char) else " " for char in text).split()


def _place(name: str, part: str) -> Fit:
    best, place = Fit.NONE, name.find(part) if part else -1
    while place >= 0:
        best = max(best, Fit.INSIDE)
        if not (_in_word(part[:1]) and _in_word(name[place - 1 : place])):
            goes_on = _in_word(part[-1:]) and _in_word(name[place + len(part) :][:1])
            best = max(best, Fit.BEGINS if goes_on else Fit.WORDS)
        place = name.find(part, place + 1)
    return best


def _names_somebody(apart: list[str]) -> bool:
    return sum(map(str.isalnum, "".join(apart))) > 1 and not _TITLES.issuperset(apart)


def _in_word(char: str) -> bool:
    """Letters, digits, and the accents and vowel signs that are written as a sign of their own; "" is none."""
    return char != "" and unicodedata.category(char)[0] in "LMN"


def bare(text: str) -> str:
    """A name without what stands around it: the full stop of a phone's keyboard, quotes, the stars of bold type.

    A bracket that closes one inside the name stays: "Dana (Sales)".
    """
    found = text.strip(_AROUND)
    return f"{found})" if found.count("(") > found.count(")") else found
