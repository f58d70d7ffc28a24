"""A table as people send it, whatever a spreadsheet made of it -> columns and rows; the one that goes back. Pure."""

import csv
import functools
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice

import msgspec

from bot import numbers
from bot.errors import BadInput

MOST_BYTES = 10_000_000
"""Of a file. Slack's form takes no more: page "File input element"."""

CODE_PAGES: Mapping[str, str] = {
    **dict.fromkeys(("RU", "BY", "UA", "KZ", "BG"), "cp1251"),
    **dict.fromkeys(("CZ", "PL", "HU", "SK", "RO", "HR", "SI"), "cp1250"),
    **{"GR": "cp1253", "TR": "cp1254", "IL": "cp1255"},
}
"""Region -> what spreadsheets there write when they do not write UTF-8; cp1252 elsewhere.

Numbers are the same in all of them, so a wrong one spoils names at most, and the preview shows some.
"""

PIECE = 250
"""Rows of one piece: in the database in two milliseconds."""

_ROUNDED = re.compile(r"\d(?:[.,]\d+)?E\+?\d+", re.IGNORECASE)
_DECIMAL = re.compile(r"(\+?\d{6,})[.,]0+")
"""A number as programs write it that keep numbers as fractions: the zero behind the point would be a digit dialled."""
_IN_BRACKETS = re.compile(r"\s*\(\s*((?:ext|x|#)[^()]*)\)\s*$", re.IGNORECASE)
"""An extension behind a number: (ext. 12)."""
_DELIMITERS = ",;\t|"
_SEP = re.compile(rf'\ufeff?"?sep=([{_DELIMITERS}])[{_DELIMITERS}]*"?[{_DELIMITERS}]*(?:\r\n|\r|\n|$)', re.IGNORECASE)
"""The line with which Excel is told the delimiter, and which it leaves there."""
_FORMULA = re.compile(
    r"""^(?=[\t\r])|(?:^|(?<=[;\t\r\n]))
        (?=[^\S\t\r\n]*[=+@\-\uff1d\uff0b\uff20\uff0d])
        (?!\s*\+\d+([ ]\d[\d ().-]*)?\s*(?:[;\t\r\n]|$))""",
    re.VERBOSE,
)
"""Where a formula may begin: also behind what ends a cell elsewhere, and with the wide signs of Japanese programs. No
number with its plus, if it is digits up to a blank, so that there is nothing to reckon.
https://owasp.org/www-community/attacks/CSV_Injection
"""
_PERHAPS = re.compile(r"^[\s=+@\-\uff1d\uff0b\uff20\uff0d]|[;\t\r\n]")
"""What has none of these has no formula, which is seen sooner: a file may have 700,000 cells."""
_E164 = re.compile(r"\+\d{6,15}")
_END = "\0"
"""Behind the last line, where no text that was read has one: in a cell, if a quote was never closed."""
_NAMED = 5


def decode(data: bytes, region: str) -> tuple[str, str]:
    """Text of a file, and the encoding it had: UTF-8, UTF-16 with its mark, or the code page of spreadsheets there."""
    if len(data) > MOST_BYTES:
        raise BadInput(
            f"The file is larger than {MOST_BYTES // 1_000_000} MB, so it was not read. Cut it into several."
        )
    encodings = ["utf-16"] if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ["utf-8-sig"]
    for encoding in [*encodings, CODE_PAGES.get(region, "cp1252")]:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text, encoding.removesuffix("-sig")
    raise BadInput("That is not a text file, so nothing was read. Save the table as CSV (UTF-8) and send it again.")


class Table:
    """A CSV text: its delimiter, columns and rows.

    `known`: field -> headings that mean it, whatever their case; one of the fields is "number". Any other heading is a
    variable of that name; without `variables` its column is not read, and of several numbers the first counts.

    Attributes:
        columns: fields and variables in their order, "" = not read.  unread: headings of the columns that are not.
        numbers: headings of those with numbers.

    Raises:
        BadInput: it has no usable heading; says what is missing.
    """

    def __init__(self, text: str, known: Mapping[str, Sequence[str]], *, variables: bool = True) -> None:
        named = _SEP.match(text)
        self.above = 1 if named else 0  # lines that are no part of the table
        self.text = text[named.end() :] if named else text
        self.known = known
        # The heading decides: csv.Sniffer also looks at the rows, and takes letters and blanks for delimiters there.
        marks = named[1] if named else _DELIMITERS
        heads = {mark: next((cells for _, cells in self._filled(mark)), []) for mark in marks}
        self.delimiter = max(marks, key=lambda mark: ("number" in map(self._field, heads[mark]), len(heads[mark])))
        cells = [cell.strip() for cell in heads[self.delimiter]]
        if not cells:
            raise BadInput("The file is empty, so nothing was added.")
        found = [self._field(cell) for cell in cells]
        self.headed = "number" in found
        if not self.headed:
            if len(cells) > 1 or not re.search(r"\d{3}", cells[0]):
                raise BadInput(
                    "The first line must say what the columns are, and one of them must be “number”; it says: "
                    f"{', '.join(cell[:30] for cell in cells[:8])}. Nothing was read."
                )
            found = ["number"]  # a bare list of numbers
        self.unread: tuple[str, ...] = ()
        if not variables:
            self.unread = tuple(cell for cell, name in zip(cells, found, strict=True) if cell and name not in known)
            found = [name if name in known else "" for name in found]
        self.numbers = tuple(cell for cell, name in zip(cells, found, strict=True) if name == "number")
        for name in found:
            if name and found.count(name) > 1 and (variables or name != "number"):
                raise BadInput(f"Two columns mean “{name.replace('_', ' ')}”, so nothing was read. Rename one of them.")
        self.columns = tuple(found)

    def rows(self) -> Iterator[tuple[int, dict[str, str], dict[str, str]]]:
        """(line, fields, variables) of each row that is not empty; "extra" among the fields: it has too many cells.

        Raises:
            BadInput: a row cannot be read; says which.
        """
        for line, cells in islice(self._filled(self.delimiter), 1 if self.headed else 0, None):
            fields: dict[str, str] = {}
            variables: dict[str, str] = {}
            for name, cell in zip(self.columns, cells, strict=False):
                if cell.strip() and name:
                    (fields if name in self.known else variables).setdefault(name, cell.strip())
            if len(cells) > len(self.columns) and any(cell.strip() for cell in cells[len(self.columns) :]):
                fields["extra"] = " "
            yield line, fields, variables

    def _filled(self, delimiter: str) -> Iterator[tuple[int, list[str]]]:
        """(line, cells) of each row that is not empty, the heading too. Raises as `rows()`."""
        reader = csv.reader(chain(io.StringIO(self.text, newline=""), (_END,)), delimiter=delimiter)
        line = self.above + 1
        try:
            for cells in reader:
                if cells == [_END]:
                    return
                if cells and cells[-1].endswith(_END):
                    raise csv.Error("a quote in it is never closed")
                if any(cell.strip() for cell in cells):
                    yield line, cells
                line = self.above + reader.line_num + 1
        except csv.Error as error:
            raise BadInput(f"Line {line} cannot be read as CSV ({error}), so nothing was added. Mend it.") from error

    def _field(self, heading: str) -> str:
        """A field, or the name of a variable: letters, digits and _; "" = a column without a heading."""
        words = " ".join(re.sub(r"[_\-]+", " ", heading).casefold().split())
        for name, meanings in self.known.items():
            if words in meanings:
                return name
        return re.sub(r"\W+", "_", heading.strip()).strip("_")


def in_pieces(rows: Iterable[msgspec.Struct], most: int) -> tuple[bytes, ...]:
    """Judged rows as JSON lists of at most `PIECE`, which are quick to read one by one.

    Raises:
        BadInput: there are more than `most`.
    """
    pieces: list[bytes] = []
    piece: list[msgspec.Struct] = []
    for count, row in enumerate(rows, 1):
        if count > most:
            raise BadInput(f"The file has more than {most:,} rows, so nothing was read. Cut it into several files.")
        piece.append(row)
        if len(piece) == PIECE:
            pieces.append(msgspec.json.encode(piece))
            piece = []
    return (*pieces, msgspec.json.encode(piece)) if piece else tuple(pieces)


def number(text: str, region: str, what: str = "number") -> tuple[str, str]:
    """(E.164, the extension behind it, "" = none) of a cell, as spreadsheets leave it. `what`: the column, for people.

    Raises:
        BadInput: it is empty, no number, or was rounded; says which.
    """
    if not text:
        raise BadInput(f"The {what} is missing.")
    if _ROUNDED.fullmatch(text):
        raise BadInput(f"“{text[:40]}” was rounded by a spreadsheet: format that column as text, and enter it again.")
    text = text.removeprefix("tel:").removeprefix("'")
    text = decimal[1] if (decimal := _DECIMAL.fullmatch(text)) else _IN_BRACKETS.sub(r" \1", text)
    try:
        return numbers.with_extension(text, region)
    except BadInput:
        digits = re.sub(r"[\s().-]", "", text)
        if digits.isdecimal() and len(digits) > 10 and not digits.startswith("0"):
            try:  # spreadsheets drop the plus
                return numbers.with_extension(f"+{digits}", region)
            except BadInput:
                pass
        raise


def extensions(behind: Sequence[tuple[int, str]]) -> str:
    """The first of (line, extension), as a sentence names them."""
    first = ", ".join(f"line {line} ({extension})" for line, extension in behind[:_NAMED])
    return first + f" and {len(behind) - _NAMED:,} more" * (len(behind) > _NAMED)


# The other way round.


def report(rows: Iterable[tuple[int, str, str, str]]) -> bytes:
    """A CSV of rows that were left out: (line, as typed, what became of it, why)."""
    heading = ("line", "number", "result", "reason")
    return csv_file(heading, ((line, phone(typed), state, why) for line, typed, state, why in rows))


def csv_file(heading: Sequence[str], rows: Iterable[Sequence[str | float]]) -> bytes:
    """A CSV that spreadsheets open as meant: UTF-8 with the mark that Excel wants, texts in quotes, no formulas."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(heading)
    writer.writerows([cell(value) if isinstance(value, str) else value for value in row] for row in rows)
    return out.getvalue().encode("utf-8-sig", "replace")


def cell(text: str) -> str:
    """Words from outside that no spreadsheet takes for a formula; a number with its plus may stay."""
    return _FORMULA.sub("'", text) if _PERHAPS.search(text) else text


@functools.lru_cache(maxsize=4096)  # a file of many lines is about few numbers, and each takes 40 us
def phone(number: str) -> str:
    """A number for a cell: with blanks, for what is digits alone is shown as 4.477E+11 and rounded when it is saved."""
    return numbers.pretty(number) if _E164.fullmatch(number) else number
