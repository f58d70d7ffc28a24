"""What somebody typed after `/voicemsg` -> whom, what to play, and how. Pure; finding names is the caller's business.

    <who>[, who ...] <template | "text"> [via ACCOUNT] [from LINE] [language en-US] [voice female] [keys] [words]
                                         [digits 4711] [looping SOUND] [finally SOUND] [at TIME]
                                         [ring 20s] [max 1m] [record]

Who may be one number with an extension behind it, `+1 202 555 0100 ext 123`. A text in quotes is spoken; anything else
is the name of a stored message, which is the last word, or what follows the word `template`. With digits or a sound
after it there need be none: there only `template` names one after a name of several words. Max may be a part of
somebody's name: it is an option where a length of time follows, or the names are past. In a form, recipients are lines:
a typed list, or a table that was copied (CSV).
"""

import csv
import html
import re
from collections.abc import Sequence

import msgspec

from bot import numbers, slack_text, typed_lengths, who
from bot.errors import BadInput

EXAMPLE = 'Example: +1 202 555 0100, Dana Levi "Your order is ready" keys.'
FLAGS = ("keys", "words", "record")
LENGTHS = ("ring", "max")
VALUES = ("via", "from", "language", "voice", "template", "digits", "looping", "finally", "at", *LENGTHS)
_SOUNDS = ("template", "looping", "finally")
_NEEDS = {
    "via": "needs the telephony account to use",
    "from": "needs the line to call from",
    "language": "needs a language, like en-US",
    "voice": "needs a voice, like female",
    "template": "needs the name of a stored message",
    "digits": "needs the digits to be read out",
    "looping": "needs the name of a stored sound",
    "finally": "needs the name of a stored sound",
    "at": "needs a time, like 14:30, or tomorrow 09:00",
    "ring": "needs how long it may ring, like 20s",
    "max": "needs how long the message may last, like 90s or 2m",
}
_TOKEN = re.compile(
    r'<[^<>]*>|["“„«”](?P<quoted>[^"“„«”»]*)["”“»](?=[\s,;]|$)|(?P<comma>[,;\n])|(?:&(?:amp|lt|gt);|[^\s,;])+'
)
"""Slack writes "&" as "&amp;", so that semicolon separates nobody."""
_ODD_QUOTES = re.compile(r"""(?<!\S)[*_~]*['‘‚’‹›`»「『"].*['‘’‹›`«」』"][*_~]*$|\S+["“”„»]$""")
"""Around a text, though none that a text is spoken for: an apostrophe may be a part of a name."""
_DIALLABLE = re.compile(r"[\d()+./\-‐‑‒–—−]+")
_EXTENSION = re.compile(r"(?:x|ext\.?|extension) ?[0-9]+", re.IGNORECASE)
_DAY = re.compile(r"tomorrow|today|\d{4}-\d{2}-\d{2}")
_PHONE_DIGITS = 7
"""So many digits make a cell of a table a phone number and not an order number or an amount."""
Someone = who.Number | who.Mention | who.Name


class MessageText(msgspec.Struct, frozen=True):
    """A read `/voicemsg`.

    Attributes:
        template, text: one of them, or neither where something else is played.
        whole: the name and the template behind it, which may be all the name of somebody; "" = cannot be.
        digits: read out one by one, after that.  loop, after: stored sounds that follow.
        account: in lower case, "" = any.  line: E.164 or its name, "" = the default.
        day: "", "today", "tomorrow" or a date (ISO).  clock: as typed, "" = now.
        ring_seconds, max_seconds: how long it may ring, and the whole last; 0 = the service's own.
        dial_digits: dialled once they have answered, as in `MessageOrder`; only where one alone is called.
    """

    who: tuple[Someone, ...]
    template: str = ""
    text: str = ""
    digits: str = ""
    loop: str = ""
    after: str = ""
    account: str = ""
    line: str = ""
    language: str = ""
    voice: str = ""
    keys: bool = False
    words: bool = False
    day: str = ""
    clock: str = ""
    ring_seconds: int = 0
    max_seconds: int = 0
    record: bool = False
    dial_digits: str = ""
    whole: str = ""


class _Token(msgspec.Struct, frozen=True):
    text: str
    quoted: bool = False
    comma: bool = False
    name: bool = False  # a part of one, also where it reads like an option

    @property
    def option(self) -> str:
        word = self.text.casefold()
        return word if not (self.quoted or self.name) and word in (*FLAGS, *VALUES) else ""


def parse(text: str, region: str) -> MessageText:
    """Read the text of `/voicemsg`. `region`: ISO 3166 code of the country that numbers without a prefix belong to.

    Raises:
        BadInput: a full sentence with what was not understood and an example. Nothing was sent.
    """
    tokens = _tokens(text)
    if any(not token.quoted and token.text[0] in '"“„«' for token in tokens):
        raise BadInput(
            "A quotation mark is never closed, or no space follows it, or more of them stand inside of the text, so "
            f"nothing was sent. {EXAMPLE}"
        )
    stop = next((place for place, token in enumerate(tokens) if token.option), len(tokens))
    options = _options([token for token in tokens[stop:] if not token.comma])
    segments = _segments(tokens[:stop])
    spoken = whole = ""
    if "template" not in options:
        whole = " ".join(_written(token) for token in (segments or [[]])[-1])
        alone = bool(options.keys() & {"digits", "looping", "finally"})
        option = tokens[stop].text if stop < len(tokens) else ""
        segments, spoken, options["template"] = _split(segments, option, alone=alone)
    if not segments:
        raise BadInput(f"Say whom to call, so nothing was sent. {EXAMPLE}")
    named = [" ".join(_written(token) for token in segment) for segment in segments]
    found = [_reached(name, region, behind=True) for name in named]
    if len(found) > 1 and any(digits for _, digits in found):
        raise BadInput(f"An extension behind a number is for a single recipient, so nothing was sent. {EXAMPLE}")
    return MessageText(
        who=tuple(one for one, _ in found),
        template=html.unescape(options["template"]),
        text=html.unescape(slack_text.as_read(spoken)),
        digits=_digits(options.get("digits", "")),
        loop=options.get("looping", ""),
        after=options.get("finally", ""),
        account=options.get("via", "").casefold(),
        line=options.get("from", ""),
        language=options.get("language", ""),
        voice=options.get("voice", ""),
        keys="keys" in options,
        words="words" in options,
        day=options.get("day", ""),
        clock=options.get("at", ""),
        ring_seconds=_length("ring", options),
        max_seconds=_length("max", options),
        record="record" in options,
        dial_digits=found[0][1],
        whole=html.unescape(whole) if options["template"] and isinstance(found[-1][0], who.Name) else "",
    )


def limits(text: str) -> tuple[int, int]:
    """(how long it may ring, how long the whole may last) of a form's field, `ring 20s max 1m`; 0 = not said.

    Raises:
        BadInput: a full sentence with what was not understood.
    """
    tokens = [token for token in _tokens(text) if not token.comma]
    if any(token.option and token.option not in LENGTHS for token in tokens) or (tokens and not tokens[0].option):
        raise BadInput(f"“{text.strip()}” was not understood. Write it like ring 20s max 1m.")
    options = _options(tokens)
    return _length("ring", options), _length("max", options)


def _length(option: str, options: dict[str, str]) -> int:
    return typed_lengths.message_seconds(option, options[option]) if option in options else 0


def _tokens(text: str) -> list[_Token]:
    """The words, those that are a part of a name marked."""
    tokens = [
        _Token(match["quoted"], quoted=True)
        if match["quoted"] is not None
        else _Token(match[0], comma=match["comma"] is not None)
        for match in _TOKEN.finditer(slack_text.without_links(text))
    ]
    named = True  # the names are not past: no option yet, and no text that is to be spoken
    for place, token in enumerate(tokens):
        before = tokens[place - 1] if place else None
        after = tokens[place + 1] if place + 1 < len(tokens) else None
        lasts = after is not None and not after.quoted and typed_lengths.seconds(after.text) is not None
        if (
            token.option in LENGTHS
            and not lasts
            and (named or (before is not None and before.option in (*_SOUNDS, "from", "via")))
        ) or (token.option == "record" and before is not None and before.option in _SOUNDS):
            tokens[place] = msgspec.structs.replace(token, name=True)
        spoken = token.quoted and before is not None and not before.comma
        named = named and not tokens[place].option and not spoken
    return tokens


def someone(text: str, region: str) -> Someone:
    """One recipient as typed: a number, a colleague or a contact's name.

    Raises:
        BadInput: nobody whom a voice message can be sent to.
    """
    return _reached(text, region)[0]


def _reached(text: str, region: str, *, behind: bool = False) -> tuple[Someone, str]:
    """Whom, and what is dialled once they have answered. `behind`: as of `who.parse()`."""
    try:
        read = who.parse(text, region, behind=behind)
    except BadInput as error:
        words = str(error).removesuffix(who.EXAMPLE).strip()
        raise BadInput(f"{words} Nothing was sent." + f" {EXAMPLE}" * (words != str(error))) from error
    found = read.who
    if isinstance(found, who.Number | who.Mention | who.Name):
        return found, read.dial_digits
    if isinstance(found, who.Extension) and numbers.is_emergency(found.digits, region):
        raise BadInput(f"“{text}” is an emergency number, and Callboard never calls those. Nothing was sent.")
    raise BadInput(
        f"“{text}” cannot be sent a voice message: name a number, a contact or a colleague. Nothing was sent."
    )


def recipients(text: str, region: str) -> tuple[tuple[Someone, str], ...]:
    """(whom, name as written or "") of what was typed or pasted into a form: a line each.

    A line with one phone number and something else is a row of a table: the first other cell is the name. Any other
    line is a list of people. A first line without any number and with several cells is taken for a table's head.

    Raises:
        BadInput: names the line that was not understood.
    """
    rows = [line.strip() for line in slack_text.without_links(text).splitlines() if line.strip()]
    tabled = any(len(_numbers(cells)) == 1 < len(cells) for cells in map(_cells, rows[1:]))
    found: list[tuple[Someone, str]] = []
    for count, row in enumerate(rows):
        cells = _cells(row)
        called = _numbers(cells)
        if count == 0 and tabled and len(cells) > 1 and not called:
            continue
        try:
            if len(called) == 1 < len(cells):
                name = next((cell for cell in cells if cell and cell != called[0]), "")
                found.append((someone(called[0], region), name[: who.LONGEST_NAME]))
            else:
                found += [(someone(cell, region), "") for cell in cells if cell]
        except BadInput as error:
            raise BadInput(f"Line {count + 1}: {error}") from error
    return tuple(found)


def _cells(row: str) -> list[str]:
    separator = next((sign for sign in "\t;," if sign in row), ",")
    return [cell.strip() for cell in next(csv.reader([row], delimiter=separator), [])]


def _numbers(cells: Sequence[str]) -> list[str]:
    """The cells that are phone numbers."""
    return [
        cell
        for cell in cells
        if sum(char.isdecimal() for char in cell) >= _PHONE_DIGITS and _DIALLABLE.fullmatch(cell.replace(" ", ""))
    ]


def _written(token: _Token) -> str:
    return f'"{token.text}"' if token.quoted else token.text


def _segments(tokens: list[_Token]) -> list[list[_Token]]:
    """What stands between commas; empty ones are left out."""
    segments: list[list[_Token]] = [[]]
    for token in tokens:
        if token.comma:
            segments.append([])
        else:
            segments[-1].append(token)
    return [segment for segment in segments if segment]


def _digits(text: str) -> str:
    digits = re.sub(r"[\s-]", "", text)
    if digits and not (digits.isascii() and digits.isdecimal()):
        raise BadInput(f"“{text}” is not digits to be read out, so nothing was sent. Write them like digits 4711.")
    return digits


def _split(segments: list[list[_Token]], option: str, *, alone: bool) -> tuple[list[list[_Token]], str, str]:
    """(recipients, text, template): what is to be played stands at the end of the last recipient.

    `option`: the word that follows, "" = none.  `alone`: something else is played, too, so there need be nothing, and
    what follows a name is more of the name.
    """
    last = segments[-1] if segments else []
    if last and last[-1].quoted and (len(last) > 1 or len(segments) > 1):
        rest = [*segments[:-1], *([last[:-1]] if len(last) > 1 else [])]
        if not last[-1].text.strip():
            raise BadInput(f"The quotes hold no text, so nothing was sent. {EXAMPLE}")
        return rest, last[-1].text.strip(), ""
    _check_quotes(last)
    whom = 0
    while whom < len(last) and not last[whom].quoted and _DIALLABLE.fullmatch(last[whom].text):
        whom += 1
    if whom:
        whom += _behind(last[whom:])
    if not whom and last:
        whom = 1 if last[0].quoted or last[0].text.startswith("<") else len(last) - (not alone)
    played = last[whom:]
    if alone and whom and not played:
        return segments, "", ""
    if not played or not whom or any(token.quoted for token in played):
        before = f"before “{option}” " if option else ""
        name = f" A name that has “{option}” in it stands in quotes." if option else ""
        raise BadInput(
            f"Say {before}what to play: a text in quotes, or a stored message's name, like “template welcome”. "
            f"Nothing was sent.{name} {EXAMPLE}"
        )
    if last[0].quoted and _numbers([" ".join(token.text for token in played)]) and played[0].text.startswith("+"):
        raise BadInput(f"First say whom to call, then what is played. Nothing was sent. {EXAMPLE}")
    return [*segments[:-1], last[:whom]], "", " ".join(token.text for token in played)


def _check_quotes(last: list[_Token]) -> None:
    """What ends with a text that was not read as one is the name of no stored message: some service would take it."""
    spoken = next((place for place, token in enumerate(last) if place and token.quoted), len(last))
    if spoken + 1 < len(last):
        raise BadInput(
            f"“{last[spoken + 1].text}” after the text was not understood, so nothing was sent. Only words like keys, "
            f"record, ring 20s or at 14:30 may follow it. {EXAMPLE}"
        )
    if odd := _ODD_QUOTES.search(" ".join(token.text for token in last)):
        raise BadInput(f'“{odd[0]}” is not in quotation marks like "this", so nothing was sent. {EXAMPLE}')


def _behind(tokens: list[_Token]) -> int:
    """How many words after a number name an extension behind it: `ext 123`, `x123`."""
    for count in (1, 2):
        words = [token.text for token in tokens[:count] if not token.quoted]
        if len(words) == count and _EXTENSION.fullmatch(" ".join(words)):
            return count
    return 0


def _options(tokens: list[_Token]) -> dict[str, str]:
    """Option -> what follows it, up to the next option; a time may be two words."""
    found: dict[str, str] = {}
    place = 0
    while place < len(tokens):
        option = tokens[place].option
        if not option:
            raise BadInput(_misplaced(tokens[place], tokens[place - 1]))
        if option in found:
            raise BadInput(f"“{option}” was given twice. Write it once. {EXAMPLE}")
        place += 1
        if option in FLAGS:
            found[option] = option
            continue
        values: list[str] = []
        while place < len(tokens) and not tokens[place].option:
            if values and tokens[place].quoted:
                raise BadInput(_misplaced(tokens[place], tokens[place - len(values) - 1]))
            values.append(tokens[place].text)
            place += 1
        if not values or not any(value.strip() for value in values):
            raise BadInput(f"“{option}” {_NEEDS[option]}. Nothing was sent. {EXAMPLE}")
        day = next((end for end in (0, -1) if _DAY.fullmatch(values[end].casefold())), None)
        if option == "at" and day is not None:
            found["day"] = values.pop(day).casefold()
        found[option] = html.unescape(" ".join(values))
    return found


def _misplaced(token: _Token, option: _Token) -> str:
    return (
        f"“{token.text}” after “{option.text}” was not understood, so nothing was sent. First comes whom to call, then "
        f"what is played, then words like “{option.text}”. A name that has such a word in it stands in quotes. "
        f"{EXAMPLE}"
    )


def line_number(text: str, region: str) -> str:
    """A line as typed: its number as E.164, or its name as it is."""
    return numbers.parse(text, region) if _DIALLABLE.fullmatch(text.replace(" ", "")) else text
