"""What somebody typed after `/call` -> whom, and how. Pure; finding a name, line or provider is the caller's business.

    <who> [from LINE] [via PROVIDER] [record] [max 30m] [note ...]

Who may be a number with an extension behind it: `+1 202 555 0100 ext 123`, or with pauses as phones keep them, `,,123`.
Options come in any order after who; `note` takes the rest. Nothing is guessed: words that could mean two things, or
nothing, are answered with a sentence and an example. Slack writes mentions as `<@U123|name>` and may turn a number
into `<tel:+12025550100|+1 202 555 0100>` (Slack: Enabling interactivity with slash commands; Formatting text).
"""

import html
import re

import msgspec

from bot import numbers, slack_text, typed_lengths
from bot.errors import BadInput
from bot.slack_text import OPENING, plain_digits, quoted

EXAMPLE = "Example: +1 202 555 0100 from Sales max 30m note asked for a quote."
EXAMPLE_BEHIND = "Example: +1 202 555 0100 ext 123, or +1 202 555 0100,,123."
LONGEST_NAME = 80
LONGEST_TONES = 24
"""Keys and commas behind a number."""
PAUSE = ".."
"""What a comma is as `CallOrder.dial_digits`: two seconds, as on a phone."""

_NOBODY_ELSE = "Name a contact, a number, an extension or a colleague, and nothing else."
_OPTIONS = ("from", "via", "record", "max", "scenario", "note")
_MENTION = re.compile(r"<@([UW][A-Z0-9]+)(?:\|([^<>]*))?>")
_DIALLABLE = re.compile(r"[\d()+./\-‐‑‒–—−]+")
_EXTENSION = re.compile(r"[0-9]{2,6}")
_EXTENSION_WORD = re.compile(r"(?:x|ext\.?|extension)([0-9]*)", re.IGNORECASE)
_EXT = re.compile(r"ext(?:ension)?\.?", re.IGNORECASE)
_BEHIND = re.compile(
    r"(?:;?ext(?:ension)?\.? ?[=:]?|x) ?(?P<extension>[0-9]{1,11})|(?P<tones>,[,0-9*#]*)", re.IGNORECASE
)
_WITH_BEHIND = re.compile(rf"(?P<number>\+?[(\d][\d()./\-‐‑‒–—− ]*?) ?(?:{_BEHIND.pattern})", re.IGNORECASE)
_UNIT = re.compile(r"h|hrs?|hours?|m|mins?|minutes?|s|secs?|seconds?")
_NEEDS = {
    "from": "needs the line to call from",
    "via": "needs the telephony account to use",
    "scenario": "needs the scenario's id at the phone service, or “line” for that of the line itself",
    "max": "needs how long the call may last, like 30m, 90s or 1h",
}


class Number(msgspec.Struct, frozen=True):
    """A phone number. `number`: E.164.  `typed`: as the person wrote it, for `policy.Proposed.typed`."""

    number: str
    typed: str


class Mention(msgspec.Struct, frozen=True):
    """A colleague. `user`: Slack user id.  `name`: as Slack wrote it, "" = not told."""

    user: str
    name: str = ""


class Extension(msgspec.Struct, frozen=True):
    """An own extension, 2 to 6 digits."""

    digits: str


class Name(msgspec.Struct, frozen=True):
    """A contact's name, spaces normalised."""

    name: str


class Back(msgspec.Struct, frozen=True):
    """Return the latest missed call."""


class Again(msgspec.Struct, frozen=True):
    """Redial, after asking."""


class Next(msgspec.Struct, frozen=True):
    """Show the contact of my call list whose turn it is."""


class Help(msgspec.Struct, frozen=True):
    """Explain the command."""


class Nothing(msgspec.Struct, frozen=True):
    """No argument: open the call modal."""


Who = Number | Mention | Extension | Name | Back | Again | Next | Help | Nothing
_WORDS: dict[str, Who] = {"back": Back(), "again": Again(), "next": Next(), "help": Help()}


class CallText(msgspec.Struct, frozen=True):
    """A read `/call`.

    Attributes:
        line: E.164, or the line's name as typed; "" = the default line.
        provider: account name in lower case, "" = the default.
        max_seconds: talk time after which the call is cut, None = no limit.
        note: free text as typed, without Slack's escapes.
        scenario: the provider's id of a scenario that handles the call, "line" = the line's own, "" = none.
        dial_digits: what is dialled once they have answered, as in `CallOrder`.
    """

    who: Who
    line: str = ""
    provider: str = ""
    record: bool = False
    max_seconds: int | None = None
    note: str = ""
    scenario: str = ""
    dial_digits: str = ""


class _Token(slack_text.Token, frozen=True):
    @property
    def option(self) -> str:
        word = self.text.casefold()
        return word if not self.quoted and word in _OPTIONS else ""


def parse(text: str, region: str, *, behind: bool = False) -> CallText:
    """Read the text of `/call`. `region`: ISO 3166 code of the country that numbers without a prefix belong to.

    `behind`: an extension behind a number is dialled, too; where it is not, it is not understood, rather than dropped.

    Raises:
        BadInput: a full sentence with what was not understood and an example. Nothing else is ever raised.
    """
    text = slack_text.without_links(text)
    tokens = _tokens(text)
    note = next((place for place, token in enumerate(tokens) if token.option == "note"), len(tokens))
    _all_closed(tokens[:note])  # a note may hold what it likes
    if not tokens:
        return CallText(Nothing())
    if _missing_who(tokens):
        raise BadInput(f"Say whom to call before “{tokens[0].text}”; put it in quotes if it is a name. {EXAMPLE}")
    stop = next((place for place, token in enumerate(tokens) if place and token.option), len(tokens))
    found = _number_with_behind(tokens[:stop], region) or _name_with_behind(tokens[:stop], region) if behind else None
    who, digits = found or (_who(tokens[:stop], region), "")
    return msgspec.structs.replace(_options(who, tokens[stop:], text, region), dial_digits=digits)


def somebody(text: str, region: str) -> Number | Mention | Extension | Name:
    """Whom a text names, where nothing else may stand beside it: an option's word is a part of a name there.

    Raises:
        BadInput: nobody, or more than somebody; a full sentence, without an example of a `/call`.
    """
    tokens = _tokens(slack_text.without_links(text))
    try:
        _all_closed(tokens)
        found = _who(tokens, region) if tokens else Nothing()
    except BadInput as error:
        if any(token.option for token in tokens[1:]):
            raise BadInput(_NOBODY_ELSE) from error
        raise BadInput(str(error).removesuffix(EXAMPLE).strip()) from error
    if isinstance(found, Back | Again | Next | Help | Nothing):
        raise BadInput(_NOBODY_ELSE)
    return found


def _tokens(text: str) -> list[_Token]:
    return [_Token(token.text, token.quoted, token.end) for token in slack_text.tokens(text)]


def _all_closed(tokens: list[_Token]) -> None:
    for token in tokens:
        if not token.quoted and token.text[0] in OPENING:
            raise BadInput(f"The quotation mark before {quoted(token.text[1:])} is never closed. {EXAMPLE}")


def _missing_who(tokens: list[_Token]) -> bool:
    """An option comes first. A contact may still be called Max or Via: followed by an ordinary word, it is a name."""
    first = tokens[0].option
    if not first:
        return False
    if len(tokens) == 1 or first != "max" or tokens[1].option:
        return True
    return typed_lengths.seconds(tokens[1].text) is not None


def _who(tokens: list[_Token], region: str) -> Who:
    first, rest = tokens[0], tokens[1:]
    if first.quoted:
        _nothing_after(first, rest)
        return _name([first.text])
    mention = _MENTION.fullmatch(first.text)
    if mention is not None:
        _nothing_after(first, rest)
        return Mention(mention[1], html.unescape(mention[2] or ""))
    if first.text.startswith("<"):
        raise BadInput(f"Channels, groups and links cannot be called: name a person or a number. {EXAMPLE}")
    if first.text.startswith("@"):
        raise BadInput(
            f"{quoted(first.text)} did not arrive as a mention. Pick the person from Slack's list, or write their name "
            "without the @."
        )
    word = _WORDS.get(first.text.casefold())
    if word is not None:
        if rest:
            raise BadInput(
                f"{quoted(rest[0].text)} after {quoted(first.text)} was not understood. Leave it out; or, if all of it "
                "is a name, put that in quotes."
            )
        return word
    extension = _extension(first, rest)
    if extension is not None:
        return extension
    diallable = 0
    while diallable < len(tokens) and not tokens[diallable].quoted and _DIALLABLE.fullmatch(tokens[diallable].text):
        diallable += 1
    if diallable:
        _nothing_after(tokens[diallable - 1], tokens[diallable:])
        return _number_or_extension(" ".join(token.text for token in tokens), region)
    if first.text.startswith("+"):
        raise BadInput(f"{quoted(first.text)} is not a phone number: write it without letters. {EXAMPLE}")
    strange = next((token for token in rest if token.quoted or token.text.startswith(("<", "@"))), None)
    if strange is not None:
        raise BadInput(f"{quoted(strange.text)} after {quoted(first.text)} was not understood. {EXAMPLE}")
    return _name([token.text for token in tokens])


def _extension(first: _Token, rest: list[_Token]) -> Extension | None:
    """`ext 123`, `ext123`, `x123`. A name may begin with x: then no digits follow."""
    match = _EXTENSION_WORD.fullmatch(first.text)
    if match is None:
        return None
    if match[1]:
        digits, after, last = match[1], rest, first
    elif rest and plain_digits(rest[0].text).isdecimal():
        digits, after, last = plain_digits(rest[0].text), rest[1:], rest[0]
    elif first.text.casefold() == "x":
        return None
    else:
        raise BadInput(f"{quoted(first.text)} needs the digits of an extension. Example: ext 123.")
    _nothing_after(last, after)
    if not _EXTENSION.fullmatch(digits):
        raise BadInput(f"{quoted(digits)} is not an extension: those have 2 to 6 digits. Example: ext 123.")
    return Extension(digits)


def _number_with_behind(tokens: list[_Token], region: str) -> tuple[Number, str] | None:
    """A number with something behind it, and that as `CallOrder.dial_digits`."""
    match = _WITH_BEHIND.fullmatch(plain_digits(" ".join(token.text for token in tokens)))
    if match is None or any(token.quoted for token in tokens):
        return None
    number = _number_or_extension(match["number"].strip(), region)
    if not isinstance(number, Number):
        raise BadInput(f"{quoted(match['number'].strip())} is an extension itself: nothing is dialled behind those.")
    return number, _tones(match)


def _name_with_behind(tokens: list[_Token], region: str) -> tuple[Name, str] | None:
    """The same of a contact's name. Only the word says so: "Room x12" is a name."""
    if len(tokens) < 3 or tokens[-2].quoted or not _EXT.fullmatch(tokens[-2].text):
        return None
    match = _BEHIND.fullmatch(f"ext{plain_digits(tokens[-1].text)}")
    named = _who(tokens[:-2], region) if match else None
    return (named, _tones(match)) if match and isinstance(named, Name) else None


def dial_digits(text: str) -> str:
    """What is dialled behind a number, as `CallOrder.dial_digits`: `123`, `ext 123`, or with pauses, `,,1,23#`.

    Raises:
        BadInput: it cannot be dialled.
    """
    written = plain_digits("".join(text.split()))
    match = _BEHIND.fullmatch(written if not written[:1].isdecimal() else f"x{written}")
    match = match or _BEHIND.fullmatch(f",{written}")
    if match is None:
        raise BadInput(f"{quoted(text)} cannot be dialled. Write digits, * and #, and a comma for a pause: ,,123.")
    return _tones(match)


def _tones(match: re.Match[str]) -> str:
    if match["extension"]:
        return PAUSE + match["extension"]
    tones = match["tones"]
    if not tones.strip(","):
        raise BadInput(f"Behind the {quoted(tones)} are no digits to dial. {EXAMPLE_BEHIND}")
    if len(tones) > LONGEST_TONES:
        raise BadInput(f"{quoted(tones)} is too long to be dialled: {LONGEST_TONES} keys and commas at most.")
    return tones.replace(",", PAUSE)


def _number_or_extension(text: str, region: str) -> Who:
    digits = plain_digits(text)
    if _EXTENSION.fullmatch(digits):
        return Extension(digits)
    return Number(numbers.parse(digits, region), text)


def _name(words: list[str]) -> Name:
    name = html.unescape(" ".join(" ".join(words).split()))
    if not name:
        raise BadInput(f"The quotes hold no name. {EXAMPLE}")
    if len(name) > LONGEST_NAME:
        raise BadInput(f"{quoted(name)} is too long for a name. {EXAMPLE}")
    return Name(name)


def _nothing_after(token: _Token, rest: list[_Token]) -> None:
    if rest:
        raise BadInput(
            f"{quoted(rest[0].text)} after {quoted(token.text)} was not understood. If it is all a contact's name, "
            f"put it in quotes. {EXAMPLE}"
        )


def _options(who: Who, tokens: list[_Token], text: str, region: str) -> CallText:
    line = provider = note = scenario = ""
    record = False
    longest: int | None = None
    seen: set[str] = set()
    place = 0
    while place < len(tokens):
        token = tokens[place]
        option = token.option
        place += 1
        if not option:
            raise BadInput(
                f"{quoted(token.text)} was not understood. Names of several words go in quotes, "
                f"and remarks after “note”. {EXAMPLE}"
            )
        if option in seen:
            raise BadInput(f"“{option}” was given twice. Write it once. {EXAMPLE}")
        seen.add(option)
        if option == "record":
            record = True
            continue
        if option == "note":
            note = html.unescape(slack_text.as_read(text[token.end :].strip()))
            if not note:
                raise BadInput(f"“note” needs the note after it. {EXAMPLE}")
            break
        value = tokens[place] if place < len(tokens) and not tokens[place].option else None
        if value is None or not value.text.strip():
            raise BadInput(f"“{option}” {_NEEDS[option]}. If it is a part of a name, quote the name. {EXAMPLE}")
        place += 1
        if option == "from":
            line, place = _line(tokens, place, region)
        elif option == "via":
            provider = html.unescape(value.text.strip()).casefold()
        elif option == "scenario":
            scenario = html.unescape(value.text.strip())
        else:
            longest, place = _max(tokens, place)
    return CallText(who, line, provider, record, longest, note, scenario)


def _line(tokens: list[_Token], place: int, region: str) -> tuple[str, int]:
    """The line before `place`, and where to go on: a number may go on over several words, a name is one or quoted."""
    first = tokens[place - 1]
    if first.quoted or not _DIALLABLE.fullmatch(first.text):
        return html.unescape(" ".join(first.text.split())), place
    parts = [first.text]
    while place < len(tokens) and not tokens[place].quoted and _DIALLABLE.fullmatch(tokens[place].text):
        parts.append(tokens[place].text)
        place += 1
    digits = plain_digits(" ".join(parts))
    return (digits if _EXTENSION.fullmatch(digits) else numbers.parse(digits, region)), place


def _max(tokens: list[_Token], place: int) -> tuple[int, int]:
    text = tokens[place - 1].text
    if plain_digits(text).isdecimal() and place < len(tokens) and _UNIT.fullmatch(tokens[place].text.casefold()):
        text += tokens[place].text
        place += 1
    return typed_lengths.call_seconds(text), place
