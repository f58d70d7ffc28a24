"""Web phones: whose they are, who has the page open, and what a page told of calls that are not known yet."""

import sqlite3
from dataclasses import dataclass, field

from bot.web_phone import Report

LATEST_SECONDS = 3600
"""How long a report waits for its call to become known."""


@dataclass(frozen=True)
class Phone:
    """A person's web phone.

    Attributes:
        user: Slack user id.  login: the extension at the service.  sealed: its password, see `bot.web_phone.seal`.
        link: fingerprint of the link that may be opened, "" = none.  session: of the page that is open, "" = none.
        session_until: seconds since 1970 UTC.
    """

    user: str
    account: str
    login: str
    sealed: bytes = field(repr=False)
    link: str = ""
    session: str = ""
    session_until: float = 0


_PHONE = ", ".join(Phone.__dataclass_fields__)


def get(db: sqlite3.Connection, user: str) -> Phone | None:
    """A person's web phone."""
    row = db.execute(f"SELECT {_PHONE} FROM web_phones WHERE user = ?", (user,)).fetchone()
    return Phone(*row) if row else None


def save(db: sqlite3.Connection, new: Phone) -> None:
    """Insert or replace; a page that is open is signed out."""
    marks = ", ".join("?" * len(Phone.__dataclass_fields__))
    values = tuple(getattr(new, name) for name in Phone.__dataclass_fields__)
    db.execute(f"INSERT OR REPLACE INTO web_phones ({_PHONE}) VALUES ({marks})", values)


def forget(db: sqlite3.Connection, user: str) -> bool:
    """Delete it with its password. False: there was none."""
    return db.execute("DELETE FROM web_phones WHERE user = ?", (user,)).rowcount == 1


def linked(db: sqlite3.Connection, user: str, link: str) -> None:
    """A new link is on its way; an older one does not open any more."""
    db.execute("UPDATE web_phones SET link = ? WHERE user = ?", (link, user))


def open_page(db: sqlite3.Connection, user: str, link: str, session: str, until: float) -> bool:
    """Take the link's one chance and begin a session; an older page is signed out. False: the link was used before."""
    cursor = db.execute(
        "UPDATE web_phones SET link = '', session = ?, session_until = ? WHERE user = ? AND link = ? AND link <> ''",
        (session, until, user, link),
    )
    return cursor.rowcount == 1


def of_session(db: sqlite3.Connection, session: str, now: float) -> Phone | None:
    """Whose page that is."""
    row = db.execute(
        f"SELECT {_PHONE} FROM web_phones WHERE session = ? AND session <> '' AND session_until > ?", (session, now)
    ).fetchone()
    return Phone(*row) if row else None


def keep(db: sqlite3.Connection, account: str, told: Report) -> None:
    """Write a report down; a repeat is the same report."""
    db.execute(
        "INSERT INTO web_phone_reports (account, ref, login, what, at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (account, told.ref, told.login, told.what, told.at),
    )


def take(db: sqlite3.Connection, account: str, ref: str) -> list[Report]:
    """The reports of a call, in the order they came; they are not kept any longer."""
    rows = db.execute(
        "DELETE FROM web_phone_reports WHERE account = ? AND ref = ? RETURNING what, ref, login, at", (account, ref)
    ).fetchall()
    return sorted((Report(*row) for row in rows), key=lambda told: told.at)


def waiting(db: sqlite3.Connection) -> list[tuple[str, str]]:
    """(account, ref) of calls of which only a page has told so far."""
    rows = db.execute("SELECT DISTINCT account, ref FROM web_phone_reports")
    return [(row[0], row[1]) for row in rows]


def drop_old(db: sqlite3.Connection, now: float) -> None:
    """Reports of calls that nobody else ever told of."""
    db.execute("DELETE FROM web_phone_reports WHERE at < ?", (now - LATEST_SECONDS,))
