"""Who is in the private channels in which calls are shown, and who may know of what is shown where.

Who is in them is what was last read from Slack (`handlers/membership.py`). A rep may know of calls in channels that are
not closed to them, and of those in their own conversation; who called a colleague's own extension is the colleague's
matter. What is theirs besides, because it was their call or they have claimed it, and that managers may know of
everything, each caller adds.
"""

import json
import sqlite3
from collections.abc import Mapping, Set

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


def is_open(place: str, user: str, closed: Set[str]) -> bool:
    """Whether somebody may know of what is shown in a place. `closed`: as `closed_to()` them."""
    return place == f"@{user}" or not (place.startswith("@") or place in closed)


def says_open(user: str, closed: Set[str]) -> tuple[str, tuple[str, ...]]:
    """The same of a column `place`, in SQL, with its values."""
    marks = ", ".join("?" * len(closed))
    return f"(place = ? OR (substr(place, 1, 1) <> '@' AND place NOT IN ({marks})))", (f"@{user}", *sorted(closed))


def open_to(db: sqlite3.Connection, user: str, channels: Set[str]) -> tuple[str, ...]:
    """Places of which that person may know: those of the channels, sorted, and their own conversation."""
    closed = closed_to(db, user)
    return (*(channel for channel in sorted(channels) if is_open(channel, user, closed)), f"@{user}")
