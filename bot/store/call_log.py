"""The call log: finished and running calls that fit a search, newest first, a page at a time.

A page goes on from the call that stood last on the one before (its start and id, which together are unique), not from
a count of rows: calls that come in meanwhile neither repeat a row nor hide one.
"""

import sqlite3
from collections.abc import Sequence

import msgspec

from bot.call import Call
from bot.call_search import Search
from bot.events import MISSED_OUTCOMES
from bot.store.figures import SAYS_UNREPORTED

_FOREVER = 1e12
"""Later than any call, seconds since 1970 UTC: keeps every search on an index."""
_OUTCOMES = ", ".join(f"'{outcome}'" for outcome in sorted(MISSED_OUTCOMES))
_MISSED = f"direction = 'in' AND state = 'ended' AND outcome IN ({_OUTCOMES}) AND NOT {SAYS_UNREPORTED}"
_read_call = msgspec.json.Decoder(Call)


class Reach(msgspec.Struct, frozen=True):
    """Which calls somebody may see at all.

    Attributes:
        rep: Slack user id of a rep, who sees their own calls; "" = everybody's are seen.
        places: where missed calls are seen, too, whoever's they are.
    """

    rep: str = ""
    places: tuple[str, ...] = ()


class Row(msgspec.Struct, frozen=True):
    """One call. `place`: where it was shown, as in `calls.place_of`."""

    call: Call
    place: str

    @property
    def key(self) -> tuple[float, str]:
        """Where it stands in the order."""
        return self.call.started_at, self.call.id


def page(
    db: sqlite3.Connection,
    search: Search,
    reach: Reach,
    limit: int,
    after: tuple[float, str] | None = None,
    *,
    newer: bool = False,
) -> list[Row]:
    """At most `limit` calls, newest first.

    `after`: the key of a call; those older than it, or with `newer` the nearest of those newer than it.
    """
    found = [
        Row(_read_call.decode(row["body"]), row["place"])
        for where, values in _branches(search, reach)
        for row in _some(db, where, values, search, limit, after, newer)
    ]
    found.sort(key=lambda row: row.key, reverse=not newer)
    return sorted(found[:limit], key=lambda row: row.key, reverse=True)


def claimed(db: sqlite3.Connection, calls: Sequence[str], by: str) -> frozenset[str]:
    """Those of the calls (ids) whose missed caller somebody has claimed."""
    query = (
        "SELECT 1 FROM missed_calls JOIN missed ON missed.id = missed_calls.missed_id"
        " WHERE missed_calls.call_id = ? AND missed.claimed_by = ?"
    )
    return frozenset(call_id for call_id in calls if db.execute(query, (call_id, by)).fetchone())


def _branches(search: Search, reach: Reach) -> list[tuple[str, list[object]]]:
    """Conditions whose calls together are those that may be seen; no call fits two of them."""
    if not reach.rep:
        return [("rep = ? AND rep <> ''", [search.rep])] if search.rep else [("", [])]
    if search.rep not in ("", reach.rep):
        return []
    branches: list[tuple[str, list[object]]] = [("rep = ? AND rep <> ''", [reach.rep])]
    if not search.rep and not search.messages and search.direction != "out" and reach.places:
        marks = ", ".join("?" * len(reach.places))
        branches.append((f"{_MISSED} AND place IN ({marks}) AND rep <> ?", [*reach.places, reach.rep]))
    return branches


def _some(
    db: sqlite3.Connection,
    where: str,
    values: Sequence[object],
    search: Search,
    limit: int,
    after: tuple[float, str] | None,
    newer: bool,
) -> list[sqlite3.Row]:
    """Rows of one branch, in the order in which the page is filled. One bound on each side, so that both are used."""
    conditions = [where] if where else []
    given = list(values)
    if search.numbers:
        conditions.append(f"number IN ({', '.join('?' * len(search.numbers))})")
        given += search.numbers
    if search.missed:
        conditions.append(_MISSED)
    if search.direction:
        conditions.append("direction = ?")
        given.append(search.direction)
    if search.line:
        conditions.append("line = ?")
        given.append(search.line)
    conditions.append("purpose = 'message'" if search.messages else "purpose <> 'message'")
    since, until = search.since, search.until or _FOREVER
    if after is None:
        conditions.append("started_at >= ? AND started_at < ?")
        given += [since, until]
    elif newer:
        conditions.append("started_at >= ? AND started_at < ? AND (started_at > ? OR id > ?)")
        given += [max(since, after[0]), until, *after]
    else:
        conditions.append("started_at >= ? AND started_at <= ? AND (started_at < ? OR id < ?)")
        given += [since, after[0], *after]
    order = "ASC" if newer else "DESC"
    return db.execute(
        f"SELECT place, body FROM calls WHERE {' AND '.join(conditions)}"
        f" ORDER BY started_at {order}, id {order} LIMIT ?",
        [*given, limit],
    ).fetchall()
