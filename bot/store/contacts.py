"""The contact book: whose number it is. One number is one contact."""

import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from bot.names import STOPS, Fit, all_folded, bare, fit_folded, folded, spellings, spelt_like, words

PAGE = 10
"""Contacts of one page."""
_WORDS = 8
"""Of what is looked for; more are not."""
_LIKE_A_NUMBER = re.compile(r"[\d\s()+./-]+")
_WITH_TRUNK_ZERO = 7
"""So many digits with a 0 before them are a whole number as it is dialled at home; its contact's has no 0 there."""


@dataclass(frozen=True)
class Contact:
    """Somebody in the contact book. `number` is E.164."""

    number: str
    name: str
    company: str = ""


Place = tuple[str, str]
"""Where a contact stands in the book, which is in the order of names, case and accents aside: (name, number)."""
START: Place = ("", "")
INTO = "INSERT INTO contacts (number, name, company, by, at, name_folded, company_folded)"
IF_KNOWN = (
    "ON CONFLICT (number) DO UPDATE SET name = excluded.name, name_folded = excluded.name_folded,"
    " company = CASE WHEN excluded.company = '' THEN company ELSE excluded.company END,"
    " company_folded = CASE WHEN excluded.company = '' THEN company_folded ELSE excluded.company_folded END"
)
"""What becomes of a contact that is added again: a company that is left out stays, and so does who added it."""


def get(db: sqlite3.Connection, number: str) -> Contact | None:
    """The contact with that E.164 number."""
    row = db.execute("SELECT number, name, company FROM contacts WHERE number = ?", (number,)).fetchone()
    return Contact(*row) if row else None


def named(db: sqlite3.Connection, name: str, limit: int = 5) -> list[Contact]:
    """Contacts whose name is `name`, else with a word that begins like it, else with it inside; the best fit first."""
    # A whole name is what is typed most: no other fits as well, so nothing else of the book is read.
    first = folded(name)
    rows = db.execute(
        "SELECT number, name, company FROM contacts WHERE name_folded >= ? AND name_folded < ?"
        " ORDER BY name_folded, number",
        (first, f"{first}\v"),
    )
    if whole := [Contact(*row) for row in rows if spelt_like(name, row[1])]:
        return whole[:limit]
    where, values = having(words(name)[:_WORDS], "name_folded")
    rows = db.execute(
        f"SELECT number, name, company, name_folded FROM contacts WHERE {where} ORDER BY name_folded, number", values
    )
    fits: dict[Fit, list[sqlite3.Row]] = {how: [] for how in reversed(Fit)}
    for row in rows:
        fits[fit_folded(row[3], name)].append(row)
    found = fits[Fit.ALL] or fits[Fit.WORDS] + fits[Fit.BEGINS] or fits[Fit.INSIDE]
    return [Contact(*row[:3]) for row in found[:limit]]


def having(wanted: Sequence[str], *columns: str) -> tuple[str, list[str]]:
    """The condition that each of these words is in one of these columns of folded texts; and its values."""
    conditions, values = list[str](), list[str]()
    for word in wanted:
        typed = spellings(word)
        conditions.append(f"({' OR '.join([f'instr({column}, ?)' for column in columns for _ in typed])})")
        values += typed * len(columns)
    return " AND ".join(conditions) or "0", values


def page(
    db: sqlite3.Connection, text: str = "", place: Place = START, *, back: bool = False, size: int = PAGE
) -> list[Contact]:
    """The contacts that come after a place in the book, or with `back` right before it, by name.

    `text`: each word of it must be a part of the name, the company or the digits of the number; case and accents do not
    matter. "" = all. Who looks for something has the book read from that place until the page is full.
    """
    wanted, values = _wanted(text)
    sign, order = ("<", " DESC") if back else (">", "")
    name, number = place
    rows = db.execute(
        f"SELECT number, name, company FROM contacts WHERE (name_folded, number) {sign} (?, ?){wanted}"
        f" ORDER BY name_folded{order}, number{order} LIMIT ?",
        (all_folded(name), number, *values, size),
    ).fetchall()
    found = [Contact(*row) for row in rows]
    return found[::-1] if back else found


def _wanted(text: str) -> tuple[str, list[str]]:
    """Conditions on a contact, and their values."""
    parts = [text] if _LIKE_A_NUMBER.fullmatch(folded(text)) else text.split()[:_WORDS]
    where, values = "", list[str]()
    for word in parts:
        word = word.rstrip(STOPS) or word
        number = folded(word)
        digits = re.sub(r"\(0\)|\D", "", number) if _LIKE_A_NUMBER.fullmatch(number) else ""
        if len(digits) >= _WITH_TRUNK_ZERO:
            digits = digits.lstrip("0")
        held, typed = having([bare(word) or word], "name_folded", "company_folded")
        where += f" AND ({held} OR instr(number, ?))" if digits else f" AND {held}"
        values += [*typed, digits] if digits else typed
    return where, values


def added_by(db: sqlite3.Connection, number: str) -> str:
    """Slack user id of who added that contact, "" = there is none."""
    row = db.execute("SELECT by FROM contacts WHERE number = ?", (number,)).fetchone()
    return str(row[0]) if row else ""


def save(db: sqlite3.Connection, new: Contact, by: str, now: float) -> Contact | None:
    """Add a contact, or change its name, and its company where one is given. Returns what was there before.

    `by`, `now`: kept of whoever added it first.
    """
    before = get(db, new.number)
    db.execute(
        f"{INTO} VALUES (?, ?, ?, ?, ?, ?, ?) {IF_KNOWN}",
        (new.number, new.name, new.company, by, now, all_folded(new.name), all_folded(new.company)),
    )
    return before


def remove(db: sqlite3.Connection, number: str) -> bool:
    """Take a contact out of the book. False: it was not in it."""
    return db.execute("DELETE FROM contacts WHERE number = ?", (number,)).rowcount == 1
