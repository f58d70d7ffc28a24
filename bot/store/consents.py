"""Who has agreed to be called although a rule would forbid it: to voice messages, or being in a registry."""

import sqlite3
from collections.abc import Iterable

import msgspec


class Agreed(msgspec.Struct, frozen=True):
    """That somebody has agreed.

    Attributes:
        number: E.164.  name: theirs, "" = not told.  given_at: when; seconds since 1970 UTC.
        source: from where it is known: a form, a contract, a call.
        by, at: who wrote it down here, Slack user id, and when.
    """

    number: str
    name: str
    given_at: float
    source: str
    by: str
    at: float


_AGREED = ", ".join(Agreed.__struct_fields__)


def get(db: sqlite3.Connection, number: str) -> Agreed | None:
    """What is on record of a number."""
    row = db.execute(f"SELECT {_AGREED} FROM consents WHERE number = ?", (number,)).fetchone()
    return Agreed(*row) if row else None


def save(db: sqlite3.Connection, given: Iterable[Agreed]) -> int:
    """Write some down. Of one number the latest counts. Returns how many were news."""
    before = db.total_changes
    db.executemany(
        f"INSERT INTO consents ({_AGREED}) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (number) DO UPDATE SET"
        " name = CASE WHEN excluded.name = '' THEN name ELSE excluded.name END, given_at = excluded.given_at,"
        " source = excluded.source, by = excluded.by, at = excluded.at WHERE excluded.given_at > given_at",
        (tuple(getattr(one, name) for name in Agreed.__struct_fields__) for one in given),
    )
    return db.total_changes - before


def withdraw(db: sqlite3.Connection, number: str) -> bool:
    """They do not agree any more. False: they had not."""
    return db.execute("DELETE FROM consents WHERE number = ?", (number,)).rowcount == 1


def all_given(db: sqlite3.Connection) -> dict[str, float]:
    """Number -> when they agreed, of everybody."""
    return dict(db.execute("SELECT number, given_at FROM consents").fetchall())
