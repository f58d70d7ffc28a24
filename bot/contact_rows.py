"""A CSV of contacts -> rows, each judged. Pure.

`check()` takes seconds for many rows: `bot/contact_imports.py` runs it in a process of its own, so what goes in and
comes out is plain data, and the rows come in pieces that are quick to read.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

from bot import tables
from bot.errors import BadInput

MOST_ROWS = 20_000
"""Ours: so many come into the book in one commit of a few tenths of a second, for which webhooks can wait."""
NAME_LENGTH = 80
"""Characters of a name or company; cards cut what is longer."""

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "number": (
        *("number", "phone", "phone number", "phone no", "phone no.", "telephone", "telephone number", "tel", "mobile"),
        *("mobile number", "mobile phone", "cell", "cell phone", "primary phone", "phone 1 value", "home phone"),
        *("business phone", "work phone", "office phone", "direct phone", "main phone", "company main phone"),
    ),
    "name": ("name", "full name", "contact", "contact name", "customer", "customer name", "display name"),
    "first": ("first name", "firstname", "first", "given name", "forename"),
    "last": ("last name", "lastname", "last", "family name", "surname"),
    "company": (
        *("company", "company name", "firm", "business", "organization", "organisation", "organization name"),
        *("organisation name", "organization 1 name", "account", "account name", "employer"),
    ),
}
"""Field -> headings that mean it, whatever their case; other columns are not read."""

RowState = Literal["ready", "invalid", "duplicate"]


class Row(msgspec.Struct, frozen=True, omit_defaults=True):
    """One row of a table, judged.

    Attributes:
        line: in the file, from 1.  typed: what stands there as the number.  number: E.164, "" = invalid.
        why: not ready, a clause for people.
    """

    line: int
    state: RowState
    typed: str = ""
    number: str = ""
    name: str = ""
    company: str = ""
    why: str = ""


class Checked(msgspec.Struct, frozen=True):
    """A read table.

    Attributes:
        pieces: JSON lists of `Row`.  encoding: as it was read.  columns: fields that it has.
        unread: headings of the other columns.  behind: (line, extension) of ready rows with one behind the number.
        numbers: headings of the columns with numbers, of which the first that is filled counts.
    """

    pieces: tuple[bytes, ...]
    encoding: str
    columns: tuple[str, ...]
    unread: tuple[str, ...]
    behind: tuple[tuple[int, str], ...] = ()
    numbers: tuple[str, ...] = ()


def check(data: bytes, region: str) -> Checked:
    """Read and judge a whole table. `region`: ISO 3166 code that numbers without a country belong to.

    Raises:
        BadInput: it is no table of contacts; says what is wrong, and where.
    """
    text, encoding = tables.decode(data, region)
    table = tables.Table(text, COLUMNS, variables=False)
    if not {"name", "first", "last"} & set(table.columns):
        raise BadInput(
            "The first line must say what the columns are: “number” and “name”, and if you like “company”. "
            "There is no “name”, so nothing was read."
        )
    first: dict[str, int] = {}
    behind: list[tuple[int, str]] = []
    rows = (_judged(line, fields, region, first, behind) for line, fields, _ in table.rows())
    pieces = tables.in_pieces(rows, MOST_ROWS)
    if not pieces:
        raise BadInput("The file holds no contacts, only headings. Nothing was read.")
    columns = tuple(dict.fromkeys(name for name in table.columns if name))
    return Checked(pieces, encoding, columns, table.unread, tuple(behind), table.numbers)


def _judged(
    line: int, fields: Mapping[str, str], region: str, first: dict[str, int], behind: list[tuple[int, str]]
) -> Row:
    typed = fields.get("number", "")[:100]
    if "extra" in fields:
        why = "it has more cells than the first line; a value with the delimiter in it needs quotes"
        return Row(line, "invalid", typed, why=why)
    try:
        number, extension = tables.number(fields.get("number", ""), region)
        name, company = names(
            fields.get("name") or " ".join(fields[part] for part in ("first", "last") if part in fields),
            fields.get("company", ""),
        )
    except BadInput as error:
        return Row(line, "invalid", typed, why=str(error))
    earlier = first.setdefault(number, line)
    if earlier != line:
        return Row(line, "duplicate", typed, number, why=f"the same number as in line {earlier}")
    if extension:
        behind.append((line, extension))
    return Row(line, "ready", typed, number, name, company)


def names(name: str, company: str) -> tuple[str, str]:
    """Name and company of a contact on one line each, as they are kept.

    Raises:
        BadInput: the name is missing, or one of them is too long; says which.
    """
    name, company = " ".join(name.split()), " ".join(company.split())
    if not name:
        raise BadInput("The name is missing.")
    for what, text in (("name", name), ("company", company)):
        if len(text) > NAME_LENGTH:
            raise BadInput(f"The {what} is longer than {NAME_LENGTH} characters.")
    return name, company
