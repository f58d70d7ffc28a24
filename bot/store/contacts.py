"""The contact book: whose number it is. One number is one contact."""

import re
import sqlite3
from dataclasses import dataclass

from bot.names import STOPS, Fit, as_spelt, bare, fit, folded, words

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
"""Where a contact stands in the book, which is in the order of names: (name, number)."""
START: Place = ("", "")
IF_KNOWN = (
    "ON CONFLICT (number) DO UPDATE SET name = excluded.name,"
    " company = CASE WHEN excluded.company = '' THEN company ELSE excluded.company END"
)
"""What becomes of a contact that is added again: a company that is left out stays, and so does who added it."""


def get(db: sqlite3.Connection, number: str) -> Contact | None:
    """The contact with that E.164 number."""
    row = db.execute("SELECT number, name, company FROM contacts WHERE number = ?", (number,)).fetchone()
    return Contact(*row) if row else None


def named(db: sqlite3.Connection, name: str, limit: int = 5) -> list[Contact]:
    """Contacts whose name is `name`, else with a word that begins like it, else with it inside; the best fit first."""
    wanted = words(name)[:_WORDS]
    where = " AND ".join(["holds(name, ?)"] * len(wanted)) or "0"
    rows = db.execute(f"SELECT number, name, company FROM contacts WHERE {where} ORDER BY name", wanted)
    found = sorted(((fit(row[1], name), Contact(*row)) for row in rows), key=lambda one: -one[0])
    best = found[0][0] if found else Fit.NONE
    if best is Fit.ALL:
        whole = [contact for how, contact in found if how is best]
        return as_spelt(name, whole, lambda one: one.name)[:limit]
    return [contact for how, contact in found if how >= min(best, Fit.BEGINS) and how is not Fit.NONE][:limit]


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
        f"SELECT number, name, company FROM contacts WHERE name COLLATE NOCASE {sign}= ?"
        f" AND (name COLLATE NOCASE {sign} ? OR number {sign} ?){wanted}"
        f" ORDER BY name COLLATE NOCASE{order}, number{order} LIMIT ?",
        (name, name, number, *values, size),
    ).fetchall()
    found = [Contact(*row) for row in rows]
    return found[::-1] if back else found


def _wanted(text: str) -> tuple[str, list[str]]:
    """Conditions on a contact, and their values."""
    parts = [text] if _LIKE_A_NUMBER.fullmatch(folded(text)) else text.split()[:_WORDS]
    values: list[str] = []
    for word in parts:
        word = word.rstrip(STOPS) or word
        number = folded(word)
        digits = re.sub(r"\(0\)|\D", "", number) if _LIKE_A_NUMBER.fullmatch(number) else ""
        if len(digits) >= _WITH_TRUNK_ZERO:
            digits = digits.lstrip("0")
        values += [bare(word) or word, digits, digits]
    one = " AND (holds(name || ' ' || company, ?) OR (? <> '' AND instr(number, ?)))"
    return one * len(parts), values


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
        f"INSERT INTO contacts (number, name, company, by, at) VALUES (?, ?, ?, ?, ?) {IF_KNOWN}",
        (new.number, new.name, new.company, by, now),
    )
    return before


def remove(db: sqlite3.Connection, number: str) -> bool:
    """Take a contact out of the book. False: it was not in it."""
    return db.execute("DELETE FROM contacts WHERE number = ?", (number,)).rowcount == 1
