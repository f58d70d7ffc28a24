"""Who people are at services that keep a status of them, and what they set last."""

import sqlite3
from dataclasses import dataclass

from bot.errors import BadInput
from bot.store import ledger, people


@dataclass(frozen=True)
class Presence:
    """A person at one account.

    Attributes:
        agent: their id at the service, "" = not told.  status: as set last through us, "" = never.
        at: when, seconds since 1970 UTC.
    """

    agent: str = ""
    status: str = ""
    at: float = 0


def presence(db: sqlite3.Connection, user: str, account: str) -> Presence:
    """A person at an account; one nobody has told us of is empty."""
    query = "SELECT agent, status, at FROM presence WHERE user = ? AND account = ?"
    row = db.execute(query, (user, account)).fetchone()
    return Presence(*row) if row else Presence()


def save_presence(
    db: sqlite3.Connection, user: str, account: str, new: Presence, now: float, what: str, detail: str
) -> None:
    """Insert or replace, with a line in the audit log.

    Raises:
        BadInput: somebody else is known by that id there; says who.
    """
    taken = "SELECT user FROM presence WHERE account = ? AND agent = ? AND user <> ?"
    if row := db.execute(taken, (account, new.agent, user)).fetchone():
        owner = people.person(db, row[0]).name or "a colleague"
        raise BadInput(f"User id {new.agent} is taken by {owner}, so nothing was changed. Ask them if it is a mistake.")
    ledger.audit(db, now, user, what, account, detail)
    db.execute(
        "INSERT OR REPLACE INTO presence (user, account, agent, status, at) VALUES (?, ?, ?, ?, ?)",
        (user, account, new.agent, new.status, new.at),
    )
