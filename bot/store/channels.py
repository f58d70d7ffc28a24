"""Who is in the private channels in which calls are shown, as last read from Slack (`handlers/membership.py`)."""

import json
import sqlite3
from collections.abc import Mapping

from bot.store import ledger

_MEMBERS = "members of "
"""What these facts are kept under; the channel's id follows."""
Members = list[str] | None
"""Slack user ids, sorted; None = the channel is open to everybody."""


def keep_members(db: sqlite3.Connection, channel: str, members: Members, now: float) -> None:
    """Note who is in a channel."""
    ledger.remember(db, _MEMBERS + channel, json.dumps(members), now)


def members(db: sqlite3.Connection) -> Mapping[str, Members]:
    """Channel -> who is in it, of all that are known."""
    rows = db.execute("SELECT key, value FROM facts WHERE key BETWEEN ? AND ?", (_MEMBERS, f"{_MEMBERS}\x7f"))
    return {row[0].removeprefix(_MEMBERS): json.loads(row[1]) for row in rows}


def closed_to(db: sqlite3.Connection, user: str) -> frozenset[str]:
    """Private channels that this person is not in."""
    return frozenset(channel for channel, inside in members(db).items() if inside is not None and user not in inside)
