"""What the team's own customer list said of callers.

The contact book comes first: what people wrote down there is never covered by what was looked up.
"""

import sqlite3

from bot.store import cards, contacts
from bot.store.contacts import Contact


def known(db: sqlite3.Connection, number: str) -> Contact | None:
    """Whose E.164 number it is by the contact book, else as it was looked up; None = nobody we know."""
    contact = contacts.get(db, number)
    if contact is None:
        row = db.execute(
            "SELECT number, name, company FROM lookups WHERE number = ? AND name <> ''", (number,)
        ).fetchone()
        contact = Contact(*row) if row else None
    return contact


def asked(db: sqlite3.Connection, number: str, since: float) -> bool:
    """Whether there is nothing to look up: they are in the contact book, or were looked up since then."""
    row = db.execute(
        "SELECT 1 FROM contacts WHERE number = ? UNION ALL SELECT 1 FROM lookups WHERE number = ? AND at > ? LIMIT 1",
        (number, number, since),
    ).fetchone()
    return row is not None


def keep(db: sqlite3.Connection, number: str, name: str, company: str, now: float, since: float) -> None:
    """Remember an answer, name "" = nobody they know; show what tells of this caller since then again."""
    db.execute(
        "INSERT INTO lookups (number, name, company, at) VALUES (?, ?, ?, ?) ON CONFLICT (number) DO UPDATE SET"
        " name = excluded.name, company = excluded.company, at = excluded.at",
        (number, name, company, now),
    )
    if name:
        subjects = db.execute(
            "SELECT id FROM calls WHERE number = ? AND started_at > ? UNION ALL"
            " SELECT id FROM missed WHERE number = ? AND closed_at = 0",
            (number, since, number),
        ).fetchall()
        for (subject,) in subjects:
            cards.touch(db, subject)


def forget(db: sqlite3.Connection, before: float) -> int:
    """Forget up to a thousand answers from before then. Returns how many."""
    gone = db.execute(
        "DELETE FROM lookups WHERE number IN (SELECT number FROM lookups WHERE at <= ? LIMIT 1000)", (before,)
    )
    return gone.rowcount
