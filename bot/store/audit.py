"""The audit log as it is read: lines that fit a search, newest first, a page at a time. `ledger.audit` writes them.

As in `call_log`, a page goes on from the line that stood last on the one before (its moment and id), not from a count
of rows: lines that are written meanwhile neither repeat one nor hide one.
"""

import sqlite3
from collections.abc import Iterator

import msgspec

from bot.audit_search import Lines

_FOREVER = 1e12
"""Later than any line, seconds since 1970 UTC: keeps every search on the index."""
_COLUMNS = "id, at, who, what, subject, detail"
_SAID = "what || ' ' || subject || ' ' || detail"
Key = tuple[float, int]
"""Where a line stands in the order."""


class Line(msgspec.Struct, frozen=True):
    """One line. `at`: seconds since 1970 UTC.  `who`: Slack user id, "" = Callboard by itself."""

    id: int
    at: float
    who: str
    what: str
    subject: str
    detail: str

    @property
    def key(self) -> Key:
        return self.at, self.id


def page(
    db: sqlite3.Connection, search: Lines, limit: int, after: Key | None = None, *, newer: bool = False
) -> list[Line]:
    """At most `limit` lines, newest first.

    `after`: the key of a line; those older than it, or with `newer` the nearest of those newer than it.
    """
    where, values = _where(search, after, newer)
    order = "ASC" if newer else "DESC"
    query = f"SELECT {_COLUMNS} FROM audit WHERE {where} ORDER BY at {order}, id {order} LIMIT ?"
    rows = [Line(*row) for row in db.execute(query, (*values, limit))]
    return rows[::-1] if newer else rows


def each(db: sqlite3.Connection, search: Lines, limit: int) -> Iterator[Line]:
    """The same one by one: a file may hold more lines than are wanted in memory at once."""
    where, values = _where(search)
    query = f"SELECT {_COLUMNS} FROM audit WHERE {where} ORDER BY at DESC, id DESC LIMIT ?"
    return (Line(*row) for row in db.execute(query, (*values, limit)))


def count(db: sqlite3.Connection, search: Lines) -> int:
    """How many lines fit."""
    where, values = _where(search)
    (found,) = db.execute(f"SELECT count(*) FROM audit WHERE {where}", values).fetchone()
    return int(found)


def _where(search: Lines, after: Key | None = None, newer: bool = False) -> tuple[str, list[object]]:
    """Conditions and their values. One bound on each side, so that both are used."""
    since, until = search.since, search.until or _FOREVER
    values: list[object]
    if after is None:
        where, values = "at >= ? AND at < ?", [since, until]
    elif newer:
        where, values = "at >= ? AND at < ? AND (at > ? OR id > ?)", [max(since, after[0]), until, *after]
    else:
        where, values = "at >= ? AND at <= ? AND (at < ? OR id < ?)", [since, after[0], *after]
    if search.by:
        where += " AND who = ?"
        values.append(search.by)
    for word in search.stored:
        where += f" AND holds({_SAID}, ?)"
        values.append(word)
    return where, values
