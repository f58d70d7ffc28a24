"""Voicenter's data, cleaned where it enters. Every oddity here has a sample.

Sources: "API Documentation" rev. 3.2, chapters 2, 4 and 7; https://www.voicenter.com/API/ (current pages).
"""

import functools
import re
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from bot import loose
from bot.errors import BadInput
from bot.numbers import e164, parse, withheld

_PHONE = re.compile(r"\+?[\d\s().-]{3,}")
_CODE = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9]{3,32}")
_LONGEST_SECONDS = 30 * 24 * 3600  # no call lasts longer; what follows it in time would be in no calendar


class Fields:
    """Named values whose names may be spelt any way: `ivruniqueid`, `ivrunique-id`, `IvrUniqueID `.

    Of two names that differ in spelling only the last one counts, as in JSON with a repeated key.
    """

    def __init__(self, members: Mapping[str, object] | Iterable[tuple[str, object]]) -> None:
        # Public so that two can be laid over each other; read them through the methods.
        pairs = members.items() if isinstance(members, Mapping) else members
        self.members = {_SPELT[name]: value for name, value in pairs}

    def text(self, *names: str) -> str:
        """The first of these that says anything, stripped; "" if none does."""
        members, spelt = self.members, _SPELT
        for name in names:
            value = members.get(spelt[name])
            if value is not None and (found := value.strip() if type(value) is str else _text(value)):
                return found
        return ""

    def number(self, *names: str) -> float | None:
        """The first of these that is a number, also where it is written as text."""
        for name in names:
            if not (text := self.text(name)):
                continue
            try:
                value = float(text)
            except ValueError:
                continue
            if abs(value) < 1e18:  # also neither infinite nor NaN
                return value
        return None

    def seconds(self, *names: str) -> int:
        """A duration; 0 where it is not told or makes no sense."""
        told = round(self.number(*names) or 0)
        return told if 0 <= told <= _LONGEST_SECONDS else 0

    def flag(self, *names: str) -> bool | None:
        """Yes, no, or None where it is not told."""
        word = self.text(*names).lower()
        return _FLAGS.get(word)

    def epoch(self, *names: str) -> float:
        """Seconds since 1970 UTC; 0 where it is not told or makes no sense."""
        value = self.number(*names) or 0
        # The document's examples have eleven digits (15616841651, the year 2464): one too many.
        # Thirteen would be milliseconds, as some receivers report.
        for divisor in (1, 10, 1000):
            if at := loose.moment(value / divisor):
                return at
        return 0

    def url(self, *names: str) -> str:
        """A link fit to be opened, "" for anything else. Blanks inside it are escaped, line breaks dropped."""
        link = self.text(*names)
        if not link:
            return ""
        link = re.sub(r"[\t\r\n]", "", link).replace(" ", "%20")
        try:
            return link if urlsplit(link).scheme.lower() in ("http", "https") else ""
        except ValueError:
            return ""

    def inner(self, name: str) -> "Fields":
        """An object inside; it may arrive as JSON text, or in a list of one. Empty where there is none."""
        value = self.members.get(spelling(name))
        if isinstance(value, str) and value.strip().startswith("{"):
            try:
                value = loose.loads(value)
            except (ValueError, RecursionError):
                return Fields({})
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        return Fields(value if isinstance(value, Mapping) else {})

    def count(self, name: str) -> int:
        """How many there are in a list inside, also of what is no object."""
        value = self.members.get(spelling(name))
        return len(value) if isinstance(value, list) else int(bool(value))

    def rows(self, name: str) -> list["Fields"]:
        """A list of objects inside, or the only one without a list; what is not an object is left out."""
        value = self.members.get(spelling(name))
        rows = value if isinstance(value, list) else [value] if value else []
        return [Fields(row) for row in rows if isinstance(row, Mapping)]

    def call_id(self) -> str:
        """Our own call id, which travelled out as `var_callboard`.

        The document says it comes back but not where: so at the top, or among the custom data, which is spelt
        CUSTOM_DATA, CustomData and customdata, with or without the prefix.
        """
        return self.text("var_callboard") or self.custom("var_callboard", "callboard")

    def custom(self, *names: str) -> str:
        """As `text`, of the custom data that travelled with the call."""
        return self.inner("customdata").text(*names) if "customdata" in self.members else ""


_FLAGS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


def spelling(name: object) -> str:
    """A name without what Voicenter's spellings of it differ in."""
    return _SPELT[str(name)]


class _Spelt(dict[str, str]):
    """Spelling -> name. The same few names come with every webhook; a stranger's are not remembered for ever."""

    def __missing__(self, name: str) -> str:
        plain = re.sub(r"[\s_-]", "", str(name)).lower()
        if len(self) < 1024:
            self[name] = plain
        return plain


_SPELT = _Spelt()


@functools.lru_cache(maxsize=32768)  # our own numbers come with every webhook, callers with several; 5 MB when full
def phone(text: str, region: str) -> str:
    """E.164 form of a number as Voicenter writes it; extension codes come back as they are, "" = withheld.

    Documented forms are E.164 without the plus, and Israeli numbers with their leading 0: so a leading 0 is
    Israel whatever country the account is in, and `region` only helps with what fits neither.
    """
    text = text.strip()
    if withheld(text):
        return ""
    if not _PHONE.fullmatch(text):
        return text
    if text.startswith("0") and not text.startswith("00"):
        return e164(text, "IL")
    if text.isdigit() and not text.startswith("0"):
        try:
            return parse(f"+{text}", region)
        except BadInput:
            pass  # a national number without its 0, or a short one
    return e164(text, region)


def is_phone(text: str) -> bool:
    """Written as a telephone number rather than an extension code."""
    return _PHONE.fullmatch(text.strip()) is not None


def is_extension(text: str) -> bool:
    """Written as a Voicenter extension code ("AAPINFzL"): letters and digits, at least one letter."""
    return _CODE.fullmatch(text) is not None and not withheld(text)


def _text(value: object) -> str:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, int | float) else ""
