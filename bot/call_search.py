"""What somebody typed after `/calls log` -> which calls they look for. Pure; finding people is the caller's business.

    [today | yesterday | this week | last week | 2026-11-01..2026-11-15] [a number | @colleague | somebody's name]
    [missed | in | out] [line Sales] [messages] [team]

In any order. Days are those of the reader's time zone. Nothing is guessed: a word that means nothing here is taken for
somebody's name, and where it cannot be one it is answered with what is understood.
"""

import html
import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from bot import numbers, slack_text, typed_days, who
from bot.errors import BadInput
from bot.events import Direction
from bot.names import called
from bot.periods import instant
from bot.slack_text import quoted

UNDERSTOOD = (
    "Understood are, in any order: a period (`today`, `yesterday`, `this week`, `last week`, `this month`, "
    "`last month`, `2026-11-03`, `2026-11-01..2026-11-15`, `11-01..11-15`, `2026-11-01..`), a number, @colleague, "
    "a contact's or colleague's name, `missed`, `in`, `out`, `line Sales`, `messages`, `team`. A name "
    "that holds a number or one of these words goes in quotes."
)
BACK_DAYS = 92
"""How far back a search goes that names neither a period nor a number nor a person: it reads every call on the way."""

_DIALLABLE = r"[\d()+./\-‐‑‒–—−]+"
_DAY = r"(?:\d{4}-)?\d{1,2}-\d{1,2}|today|yesterday"
_DAYS = rf"({_DAY})?\.\.({_DAY})?"
_TO = rf"(?<!\S)({_DAY})?(?:\s*(?:\.\.\.|\.\.|…)\s*)({_DAY})?(?!\S)"
_OTHER_DAY = r"\d{1,2}[./]\d{1,2}[./](?:\d{4}|\d{2})|\d{4}[./]\d{1,2}[./]\d{1,2}"
_MENTION = r"<@[UW][A-Z0-9]+(?:\|[^<>]*)?>"
_PHONE_DIGITS = 7
"""So many digits at least has a phone number that is written without its country."""
_CHANNEL = r"(<#[CG][A-Z0-9]+)(?:\|[^<>]*)?>"
_DIRECTIONS: dict[str, Direction] = {"in": "in", "incoming": "in", "out": "out", "outgoing": "out"}


class Search(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which calls are looked for; all that is set must hold. Travels as JSON in the buttons of the list.

    Attributes:
        since, until: when they began, seconds since 1970 UTC, `since <= moment < until`; 0 = open.
        numbers: the outside party, one of these, as stored (E.164 or an extension); empty = anybody.
        rep: Slack user id, "" = anybody's.  line: E.164, "" = any.
        missed: only incoming calls that nobody answered.  messages: voice messages and nothing else.
    """

    since: float = 0
    until: float = 0
    numbers: tuple[str, ...] = ()
    rep: str = ""
    direction: Direction | None = None
    missed: bool = False
    line: str = ""
    messages: bool = False


class Typed(msgspec.Struct, frozen=True):
    """A read search.

    Attributes:
        name: of a contact or colleague, still to be found; belongs into `search.numbers` or `search.rep`.
        team: everybody's calls were asked for outright.
    """

    search: Search
    name: str = ""
    team: bool = False


class Reader(msgspec.Struct, frozen=True):
    """Who reads, as far as it matters to what words mean.

    Attributes:
        region: ISO 3166 code of the country that numbers without a prefix belong to.  zone: IANA name.
        now: seconds since 1970 UTC.  lines: (E.164, label) of our own.
    """

    region: str
    zone: str
    now: float
    lines: Sequence[tuple[str, str]] = ()

    @property
    def tz(self) -> ZoneInfo:
        """The time zone; UTC where its name means nothing."""
        return zone_of(self.zone)

    @property
    def today(self) -> date:
        return datetime.fromtimestamp(self.now, self.tz).date()

    def begin(self, day: date) -> float:
        """The first moment of a day."""
        return instant(day, time(0), self.tz).timestamp()


class _Token(msgspec.Struct, frozen=True):
    text: str
    quoted: bool = False

    @property
    def word(self) -> str:
        """As a word of ours, without the full stop that a phone sets behind two spaces."""
        return "" if self.quoted else re.sub(r"(?<=[^.])\.$", "", self.text.casefold())

    @property
    def diallable(self) -> bool:
        return not self.quoted and bool(re.fullmatch(_DIALLABLE, self.text))


def parse(text: str, reader: Reader) -> Typed:
    """Read the words after `/calls log`; there is at least one.

    Raises:
        BadInput: a full sentence with what was not understood, or contradicts itself, and what is understood.
    """
    tokens = _tokens(text)
    found = _Found(reader)
    place = 0
    while place < len(tokens):
        place += found.take(tokens[place:])
    return found.typed()


def period(text: str, reader: Reader) -> tuple[float, float]:
    """The days that `text` names and nothing else: since and until as in `Search`.

    Raises:
        BadInput: it is something else; a full sentence, as of `parse`.
    """
    tokens, found = _tokens(text), _Found(reader)
    if not tokens or found.period(tokens) != len(tokens):
        raise BadInput(f"{quoted(text)} is no period. Write it like 2026-11-01..2026-11-15. Nothing was searched.")
    return found.search.since, found.search.until


def sift(text: str, reader: Reader) -> tuple[Search, tuple[str, ...]]:
    """The period and the colleague among words, and the words that are neither; a number is one of those, as stored,
    and a channel that was picked from Slack's list, as "<#C0123456789>".

    Raises:
        BadInput: a period or a colleague that cannot be one, or two of them; a full sentence, as of `parse`.
    """
    tokens, found = _tokens(text), _Found(reader)
    words: list[str] = []
    place = 0
    while place < len(tokens):
        rest = tokens[place:]
        channel = re.fullmatch(_CHANNEL, rest[0].text)
        if channel:
            words.append(f"{channel[1]}>")
        count = 1 if channel else found.period(rest) or found.mention(rest)
        if not count:
            count = _run(rest) or 1
            words += _stored(rest[:count], reader.region)
        place += count
    return found.search, tuple(words)


def _stored(tokens: list[_Token], region: str) -> list[str]:
    """What these words are in the store where they are a number, also one in quotes, else the words."""
    first = tokens[0]
    if _run(tokens) or (first.quoted and re.fullmatch(_DIALLABLE, "".join(first.text.split()))):
        with suppress(BadInput):
            return [_number(tokens, region)]
    return [html.unescape(token.text) for token in tokens]


def zone_of(name: str) -> ZoneInfo:
    """The time zone of that IANA name; UTC where it means nothing."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, malformed, a directory such as "Europe"
        return ZoneInfo("UTC")


def _tokens(text: str) -> list[_Token]:
    text = re.sub(
        _TO, lambda match: f"{match[1] or ''}..{match[2] or ''}", slack_text.without_links(text), flags=re.IGNORECASE
    )
    tokens = []
    for token in slack_text.tokens(text):
        if not token.quoted and token.text[0] in slack_text.OPENING:
            raise BadInput(f"The quotation mark before {quoted(token.text[1:])} is never closed. Nothing was searched.")
        text = token.text if token.quoted else token.text.rstrip(",;!?") or token.text
        tokens.append(_Token(text, token.quoted))
    return tokens


class _Found:
    """What was understood so far."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.search = Search()
        self.told: set[str] = set()
        self.names: list[str] = []
        self.open_name = False  # the word before belongs to the name, so the next one may, too
        self.team = False

    def take(self, tokens: list[_Token]) -> int:
        """Read the first of these words, and those that belong to it; how many that were."""
        for read in (self._flag, self._line, self.period, self.mention, self._number):
            if count := read(tokens):
                self.open_name = False
                return count
        return self._name(tokens[0])

    def typed(self) -> Typed:
        """All of it.

        Raises:
            BadInput: it contradicts itself.
        """
        search = self.search
        if search.missed and search.direction == "out":
            raise BadInput("Only incoming calls are missed: leave out `missed` or `out`. Nothing was searched.")
        if search.messages and (search.missed or search.direction == "in"):
            raise BadInput(
                "Voice messages only go out: leave out `messages`, or `missed` and `in`. Nothing was searched."
            )
        if self.team and search.rep:
            raise BadInput("`team` means everybody: leave it out, or the colleague. Nothing was searched.")
        if "a period" not in self.told and not (search.numbers or self.names or search.rep):
            back = self.reader.begin(self.reader.today - timedelta(days=BACK_DAYS))
            search = msgspec.structs.replace(search, since=back)
        return Typed(search, " ".join(self.names), self.team)

    def _set(self, what: str, **changes: object) -> None:
        if what in self.told:
            how = " A period from one day to another is written like 2026-11-01..2026-11-15." * (what == "a period")
            raise BadInput(f"{what.capitalize()} was given twice. Name one of them.{how} Nothing was searched.")
        self.told.add(what)
        self.search = msgspec.structs.replace(self.search, **changes)

    def _flag(self, tokens: list[_Token]) -> int:
        word = tokens[0].word
        if word in _DIRECTIONS:
            self._set("a direction", direction=_DIRECTIONS[word])
        elif word == "missed":
            self.search = msgspec.structs.replace(self.search, missed=True)
        elif word == "messages":
            self.search = msgspec.structs.replace(self.search, messages=True)
        elif word == "team":
            self.team = True
        else:
            return 0
        return 1

    def _line(self, tokens: list[_Token]) -> int:
        if tokens[0].word != "line":
            return 0
        known = ", ".join(label or numbers.pretty(number) for number, label in self.reader.lines)
        if len(tokens) == 1:
            raise BadInput(f"`line` needs the line after it{f': {known}' if known else ''}. Nothing was searched.")
        for count in range(len(tokens) - 1, 0, -1):  # a line's name may be several words
            name = html.unescape(" ".join(token.text for token in tokens[1 : count + 1]))
            lines = [line for line in self.reader.lines if name in (line[0], numbers.pretty(line[0]))]
            if line := lines[0] if lines else called(name, self.reader.lines, lambda line: line[1]):
                self._set("a line", line=line[0])
                return count + 1
        if count := _run(tokens[1:]):
            self._set("a line", line=_number(tokens[1 : count + 1], self.reader.region))
            return count + 1
        raise BadInput(
            f"There is no line {quoted(tokens[1].text)}{f'; choose one of: {known}' if known else ''}. "
            "Nothing was searched."
        )

    def period(self, tokens: list[_Token]) -> int:
        """As `take()`, of a period only."""
        reader, word = self.reader, tokens[0].word
        if word in ("this", "last") and len(tokens) > 1 and tokens[1].word in ("week", "month"):
            first, after = typed_days.calendar(word, tokens[1].word, reader.today)
            self._days(first, after - timedelta(days=1))
            return 2
        if word in ("today", "yesterday") or re.fullmatch(typed_days.ONE_DAY, word):
            day = typed_days.day(word, reader.today)
            self._days(day, day)
            return 1
        if match := re.fullmatch(_DAYS, word, re.IGNORECASE):
            self._days(*typed_days.between(match[1] or "", match[2] or "", reader.today))
            return 1
        # Two small numbers with a hyphen are a day only where they cannot be a part of a number.
        if re.fullmatch(typed_days.SHORT_DAY, word) and _run(tokens) == 1:
            day = typed_days.day(word, reader.today)
            self._days(day, day)
            return 1
        if re.fullmatch(_OTHER_DAY, word):
            raise BadInput(f"{quoted(word)} could be two days. Write it like 2026-11-03. Nothing was searched.")
        return 0

    def _days(self, first: date | None, last: date | None) -> None:
        if first and last and last < first:
            raise BadInput("That period ends before it begins. Write the earlier day first. Nothing was searched.")
        if first and first > self.reader.today:
            raise BadInput("That period has not begun yet, so there is nothing in it. Nothing was searched.")
        since = self.reader.begin(first) if first else 0.0
        until = self.reader.begin(last + timedelta(days=1)) if last else 0.0
        self._set("a period", since=since, until=until)

    def mention(self, tokens: list[_Token]) -> int:
        """As `take()`, of a colleague only."""
        text = tokens[0].text
        if tokens[0].quoted or text[0] not in "<@":
            return 0
        if not re.fullmatch(_MENTION, text):
            raise BadInput(
                f"{quoted(text)} is nobody's name here: pick the person from Slack's list. Nothing was searched. "
                f"{UNDERSTOOD}"
            )
        colleague = who.parse(text, self.reader.region).who
        self._set("a colleague", rep=colleague.user if isinstance(colleague, who.Mention) else "")
        return 1

    def _number(self, tokens: list[_Token]) -> int:
        count = _run(tokens)
        if count:
            if self.names and _is_small(tokens[:count]):
                raise _not_understood(tokens[:count])
            if self.names:
                raise BadInput("A number was given beside a name. Name one of them. Nothing was searched.")
            self._set("a number", numbers=(_number(tokens[:count], self.reader.region),))
        return count

    def _name(self, token: _Token) -> int:
        name = html.unescape(" ".join(token.text.split()))
        if not name:
            raise BadInput(f"The quotes hold no name, so nothing was searched. {UNDERSTOOD}")
        if self.search.numbers or (self.names and (token.quoted or not self.open_name)):
            raise BadInput(f"{quoted(name)} was not understood, so nothing was searched. {UNDERSTOOD}")
        self.names.append(name)
        self.open_name = not token.quoted
        if len(" ".join(self.names)) > who.LONGEST_NAME:
            raise BadInput(f"{quoted(' '.join(self.names))} is too long for a name. Nothing was searched.")
        return 1


def _run(tokens: list[_Token]) -> int:
    """How many words are one number as people write it; a plus begins the next one, a period is none."""
    count = 0
    while count < len(tokens) and tokens[count].diallable and any(char.isdecimal() for char in tokens[count].text):
        word = tokens[count].word
        if count and (
            word.startswith("+") or re.fullmatch(typed_days.ONE_DAY, word) or re.fullmatch(_DAYS, word, re.IGNORECASE)
        ):
            break
        count += 1
    return count


def _number(tokens: list[_Token], region: str) -> str:
    """E.164, or an extension's digits."""
    text = " ".join(token.text for token in tokens)
    try:
        found = who.parse(text, region).who
    except BadInput as error:
        if _is_small(tokens):
            raise _not_understood(tokens) from error
        raise BadInput(f"{error} Nothing was searched.") from error
    if isinstance(found, who.Number):
        return found.number
    return found.digits if isinstance(found, who.Extension) else text


def _is_small(tokens: list[_Token]) -> bool:
    """Whether it is rather a part of a date, "3 November", than of a phone number."""
    text = "".join(token.text for token in tokens)
    return not text.startswith("+") and sum(char.isdecimal() for char in text) < _PHONE_DIGITS


def _not_understood(tokens: list[_Token]) -> BadInput:
    text = " ".join(token.text for token in tokens)
    return BadInput(f"{quoted(text)} was not understood, so nothing was searched. {UNDERSTOOD}")
