"""A do-not-call registry's file -> its numbers, packed; is a number among them? Pure.

A registry may have a million numbers. Packed they are eight bytes each, sorted, big-endian (so that bytes compare as
numbers do): what is kept in the database, and searched there and in lists of calls. `read()` takes seconds and holds
the interpreter: `bot/registries.py` runs it in a process of its own.
"""

import io
import re
import sys
import zipfile
import zlib
from array import array
from bisect import bisect_left
from collections.abc import Iterator

import msgspec
import phonenumbers
from phonenumbers import PhoneMetadata

from bot.contact_rows import COLUMNS
from bot.errors import BadInput

MOST_BYTES = 50_000_000
"""Of a file, also of one that is packed in another."""
MOST_NUMBERS = 2_000_000
"""Ours: sixteen megabytes in the database."""
PAGE = 500
"""Numbers of one page: four kilobytes, a page of SQLite's."""
_SIZE = 8
_SHOWN = 5
_SEPARATORS = re.compile(r"[,;\t|]")
_LEAST_DIGITS = 7
_AREA_CODE = 3
"""Digits of what the USA's registry writes in a column of its own: "202,5550100"."""


class Registry(msgspec.Struct, frozen=True):
    """A read file.

    Attributes:
        packed: the numbers.  unread: lines with something that is no number; the heading is none of them.
        first: the first of those, (line, text).
    """

    packed: bytes
    unread: int = 0
    first: tuple[tuple[int, str], ...] = ()

    @property
    def count(self) -> int:
        """How many numbers."""
        return len(self.packed) // _SIZE


def read(data: bytes, country: str) -> Registry:
    """Read a file: a number in each line, alone, in the column that the first line says, or else in the first that has
    one; also packed as ZIP.

    `country`: ISO 3166 code that numbers without one belong to.

    Raises:
        BadInput: it is too large, or holds no numbers; says which.
    """
    text = _text(data)
    numbers: set[int] = set()
    unread = 0
    first: list[tuple[int, str]] = []
    lines = text.splitlines()
    reader = _Reader(country, lines[0] if lines else "")
    for line, content in enumerate(lines, 1):
        number = reader.number(content)
        if number:
            numbers.add(number)
            if len(numbers) > MOST_NUMBERS:
                raise BadInput(
                    f"The file has more than {MOST_NUMBERS:,} numbers, so nothing was read. Cut it into several, each "
                    "a registry of its own name."
                )
        elif line > 1 and content.strip():
            unread += 1
            if len(first) < _SHOWN:
                first.append((line, content.strip()[:40]))
    if not numbers:
        raise BadInput(
            "The file holds no telephone numbers, so nothing was changed. It must have one in each line, like "
            "2025550123, or +12025550123, in its first column."
        )
    packed = array("Q", sorted(numbers))
    if sys.byteorder == "little":
        packed.byteswap()
    return Registry(packed.tobytes(), unread, tuple(first))


def _text(data: bytes) -> str:
    if data[:4] == b"PK\x03\x04":
        data = _unpacked(data)
    if len(data) > MOST_BYTES:
        raise BadInput(
            f"The file is larger than {MOST_BYTES // 1_000_000} MB, so it was not read. Cut it into several."
        )
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    return data.decode("latin-1")  # of digits all encodings have the same opinion


def _unpacked(data: bytes) -> bytes:
    wrong = "The ZIP file could not be read, so nothing was changed. Unpack it, and send the file that is in it."
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            inside = [one for one in packed.infolist() if not one.is_dir()]
            if len(inside) != 1:
                raise BadInput(
                    f"The ZIP file holds {len(inside)} files, so nothing was read. Send the one with numbers."
                )
            with packed.open(inside[0]) as file:
                return file.read(MOST_BYTES + 1)  # not what it says of itself
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError, EOFError, zlib.error) as error:
        raise BadInput(wrong) from error


class _Reader:
    """Numbers as a file writes them -> E.164 without the plus. Reading each as people's takes a minute for a million.

    How those of one length that begin alike are written in full is found out once, from the first of them, but for
    countries where that depends on more.
    """

    def __init__(self, country: str, heading: str) -> None:
        self.country = country
        named = (re.sub(r"[_\W]+", " ", cell).strip().casefold() for cell in _SEPARATORS.split(heading))
        self.column = next((at for at, name in enumerate(named) if name in COLUMNS["number"]), None)
        code = phonenumbers.country_code_for_region(country)
        self.american = code == 1
        plan = PhoneMetadata.metadata_for_region(country, None)
        self.alike = plan is None or plan.national_prefix_transform_rule is None
        self.known: dict[tuple[bool, int, str], tuple[int, str] | None] = {}

    def number(self, line: str) -> int:
        """Of a line, 0 = there is none."""
        for written in (line,) if line.isdigit() else self._candidates(line):
            digits = written if written is line else re.sub(r"\D", "", written)
            whole = "+" in written
            if len(digits) < _LEAST_DIGITS or not digits.isascii():
                continue
            shape = whole, len(digits), digits[:4]
            if self.alike and shape in self.known:
                if rule := self.known[shape]:
                    return int(rule[1] + digits[rule[0] :])
                continue
            found = _in_full(f"+{digits}" if whole else digits, self.country)
            self.known[shape] = _rule(digits, found)
            if found:
                return int(found)
        return 0

    def _candidates(self, line: str) -> Iterator[str]:
        cells = _SEPARATORS.split(line)
        if self.american and [len(re.sub(r"\D", "", cell)) for cell in cells[:2]] == [_AREA_CODE, _LEAST_DIGITS]:
            yield cells[0] + cells[1]
        yield from cells if self.column is None else cells[self.column : self.column + 1]


def _in_full(written: str, country: str) -> str:
    """E.164 without the plus, "" = it is no possible number."""
    try:
        number = phonenumbers.parse(written, country)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_possible_number(number):
        # What was written in full without its plus.
        return _in_full(f"+{written}", country) if not written.startswith(("+", "0")) and len(written) > 10 else ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)[1:]


def _rule(digits: str, full: str) -> tuple[int, str] | None:
    """(how many digits go, what comes before the others), None = it is no number."""
    for less in range(len(digits)):
        if full.endswith(digits[less:]):
            return less, full.removesuffix(digits[less:])
    return None


def contains(packed: bytes, number: str) -> bool:
    """Whether an E.164 number is among those."""
    if not number[1:].isdigit():
        return False
    wanted = int(number[1:]).to_bytes(_SIZE, "big")
    at = bisect_left(range(len(packed) // _SIZE), wanted, key=lambda place: _cell(packed, place))
    return _cell(packed, at) == wanted


def _cell(packed: bytes, place: int) -> bytes:
    return packed[place * _SIZE : (place + 1) * _SIZE]


def pages(packed: bytes) -> Iterator[tuple[int, bytes]]:
    """(the first number, without its plus; the numbers) page by page."""
    for begin in range(0, len(packed), PAGE * _SIZE):
        page = packed[begin : begin + PAGE * _SIZE]
        yield int.from_bytes(page[:_SIZE], "big"), page
