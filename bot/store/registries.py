"""Copies of do-not-call registries: whole files of numbers that a country's authority hands out, each with its day.

A copy is `reading` until all its pages are there, then `current`: in that commit the one before it of the same name
becomes `old`, and its pages go bit by bit. A registry is no list of ours: `people.block()` has that.
"""

import sqlite3
from collections.abc import Iterable

import msgspec

from bot import registry_rows

CHUNK = 100
"""Pages of one transaction: 400 kilobytes, some milliseconds."""


class Copy(msgspec.Struct, frozen=True):
    """A copy of a registry.

    Attributes:
        name: for people; an import of the same name takes its place.  country: ISO 3166, whose numbers are in it.
        as_of: the day that the authority made it, ISO.  count: numbers.  by: Slack user id.
        at: when it was imported, seconds since 1970 UTC.  source: name of the file.
    """

    id: str
    name: str
    country: str
    as_of: str
    count: int
    by: str
    at: float
    source: str
    state: str = "reading"


_COPY = ", ".join(Copy.__struct_fields__)


def create(db: sqlite3.Connection, new: Copy) -> bool:
    """A copy begins to be read. False: this was asked before."""
    marks = ", ".join("?" * len(Copy.__struct_fields__))
    cursor = db.execute(
        f"INSERT INTO registries ({_COPY}) VALUES ({marks}) ON CONFLICT DO NOTHING",
        tuple(getattr(new, name) for name in Copy.__struct_fields__),
    )
    return cursor.rowcount == 1


def add_pages(db: sqlite3.Connection, copy_id: str, pages: Iterable[tuple[int, bytes]]) -> None:
    """Some of its numbers, as `registry_rows.pages()` has them."""
    db.executemany(
        "INSERT INTO registry_pages (registry, first, numbers) VALUES (?, ?, ?)",
        ((copy_id, first, numbers) for first, numbers in pages),
    )


def make_current(db: sqlite3.Connection, copy_id: str) -> None:
    """All of it is there: it counts from now on, and the one before of its name no more."""
    db.execute(
        "UPDATE registries SET state = 'old' WHERE state = 'current'"
        " AND name = (SELECT name FROM registries WHERE id = ?)",
        (copy_id,),
    )
    db.execute("UPDATE registries SET state = 'current' WHERE id = ?", (copy_id,))


def give_up(db: sqlite3.Connection, before: float) -> None:
    """Copies that began to be read before then, and never came to an end."""
    db.execute("UPDATE registries SET state = 'old' WHERE state = 'reading' AND at < ?", (before,))


def remove(db: sqlite3.Connection, name: str) -> bool:
    """It counts no more. False: there is none of that name."""
    return db.execute("UPDATE registries SET state = 'old' WHERE state = 'current' AND name = ?", (name,)).rowcount > 0


def current(db: sqlite3.Connection) -> list[Copy]:
    """Those that count, by name."""
    rows = db.execute(f"SELECT {_COPY} FROM registries WHERE state = 'current'")
    return sorted((Copy(*row) for row in rows), key=lambda copy: copy.name)


def listing(db: sqlite3.Connection, number: str) -> Copy | None:
    """The current copy that an E.164 number is in."""
    return next((copy for copy in current(db) if _has(db, copy.id, number)), None)


def _has(db: sqlite3.Connection, copy_id: str, number: str) -> bool:
    row = db.execute(
        "SELECT numbers FROM registry_pages WHERE registry = ? AND first <= ? ORDER BY first DESC LIMIT 1",
        (copy_id, int(number[1:]) if number[1:].isdecimal() else -1),
    ).fetchone()
    return row is not None and registry_rows.contains(row[0], number)


def packed(db: sqlite3.Connection) -> tuple[tuple[str, bytes], ...]:
    """(name, all numbers) of each current copy, for lists of calls."""
    found = []
    for copy in current(db):
        rows = db.execute("SELECT numbers FROM registry_pages WHERE registry = ? ORDER BY first", (copy.id,))
        found.append((copy.name, b"".join(row[0] for row in rows)))
    return tuple(found)


def sweep(db: sqlite3.Connection) -> int:
    """Delete some pages of copies that count no more: how many; 0 = nothing is left of them."""
    row = db.execute("SELECT id FROM registries WHERE state = 'old' LIMIT 1").fetchone()
    if row is None:
        return 0
    gone = db.execute(
        "DELETE FROM registry_pages WHERE registry = ? AND first IN"
        " (SELECT first FROM registry_pages WHERE registry = ? ORDER BY first LIMIT ?)",
        (row[0], row[0], CHUNK),
    ).rowcount
    if gone < CHUNK:
        db.execute("DELETE FROM registries WHERE id = ? AND state = 'old'", (row[0],))
    return max(gone, 1)
