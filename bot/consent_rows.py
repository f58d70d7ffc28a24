"""A CSV of people who agreed to be called -> rows, each judged. Pure."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

import msgspec

from bot import contact_rows, tables
from bot.errors import BadInput
from bot.periods import instant, time_of_day

MOST_ROWS = 20_000
"""Ours: so many come into the database in one commit of a few tenths of a second, for which webhooks can wait."""
SOURCE_LENGTH = 100
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "number": contact_rows.COLUMNS["number"],
    "name": contact_rows.COLUMNS["name"],
    "date": (
        *("date", "consent date", "consented at", "consented on", "given", "given at", "given on", "agreed"),
        *("agreed at", "agreed on", "opt in date", "optin date", "opt in", "timestamp", "when", "created at"),
    ),
    "source": ("source", "from", "where", "form", "channel", "consent source", "opt in source", "proof"),
}
"""Field -> headings that mean it, whatever their case; other columns are not read."""


class Row(msgspec.Struct, frozen=True):
    """Somebody who agreed. `number`: E.164.  `given_at`: seconds since 1970 UTC."""

    number: str
    name: str
    given_at: float
    source: str


class Checked(msgspec.Struct, frozen=True):
    """A read table. `wrong`: (line, why) of rows that were left out."""

    rows: tuple[Row, ...]
    wrong: tuple[tuple[int, str], ...]


def check(data: bytes, region: str, zone: str, now: float, day: str = "", source: str = "") -> Checked:
    """Read and judge a whole table.

    `region`, `zone`: of numbers and times that do not say theirs.  `day` (ISO), `source`: of rows that name none.

    Raises:
        BadInput: it is no table of that; says what is wrong, and where.
    """
    text, _ = tables.decode(data, region)
    table = tables.Table(text, COLUMNS, variables=False)
    rows: list[Row] = []
    wrong: list[tuple[int, str]] = []
    for count, (line, fields, _) in enumerate(table.rows(), 1):
        if count > MOST_ROWS:
            raise BadInput(
                f"The file has more than {MOST_ROWS:,} rows, so nothing was read. Cut it into several files."
            )
        try:
            number, _ = tables.number(fields.get("number", "")[:100], region)
            told, where = fields.get("date", day), fields.get("source", source)
            rows.append(row(number, told, where, zone, now, fields.get("name", "")))
        except BadInput as error:
            wrong.append((line, str(error)))
    if not rows and not wrong:
        raise BadInput("The file holds no numbers, only headings. Nothing was read.")
    return Checked(tuple(rows), tuple(wrong))


def row(number: str, day: str, source: str, zone: str, now: float, name: str = "") -> Row:
    """What is kept of one.

    Raises:
        BadInput: when or from where is missing, or has not come; says which.
    """
    source = " ".join(source.split())[:SOURCE_LENGTH]
    if not source:
        raise BadInput("From where it is known that they agreed is missing.")
    return Row(number, " ".join(name.split())[: contact_rows.NAME_LENGTH], moment(day, zone, now), source)


def moment(text: str, zone: str, now: float) -> float:
    """Seconds since 1970 UTC of when somebody agreed: "2026-03-04", "2026-03-04 14:30", ISO 8601, or those seconds.

    Raises:
        BadInput: it is none of these, or has not come. "3/4/2026" is one of two days, so it is not read.
    """
    text = text.strip()
    if not text:
        raise BadInput("When they agreed is missing.")
    try:
        if re.fullmatch(r"\d{9,10}", text):
            found = float(text)
        elif re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            midnight = time_of_day("0:00")
            assert midnight is not None
            found = instant(date.fromisoformat(text), midnight, ZoneInfo(zone)).timestamp()
        else:
            told = datetime.fromisoformat(text)
            found = (told if told.tzinfo else told.replace(tzinfo=ZoneInfo(zone))).timestamp()
    except ValueError as error:
        raise BadInput(f"“{text[:40]}” is no date: write 2026-03-04.") from error
    if found > now:
        raise BadInput(f"“{text[:40]}” has not come yet.")
    return found
