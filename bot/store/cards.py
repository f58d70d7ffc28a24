"""Cards: what should be visible in Slack. Marking one is cheap and idempotent; only the feed posts.

A card is identified by (kind, subject, place). `place` is a channel id, or "@" + a Slack user id for that person's
conversation with the app.
"""

import json
import sqlite3
from dataclasses import dataclass
from typing import Any

LINE = "line"
"""Kind of the cards that stand in another card's thread; their body names it: {"card": id, "event": {...}}."""
SLACK_CALL = "slack_call"
"""Kind of the native Slack call of a call; its body names the card above it in the same way."""
IN_THREAD = (LINE, SLACK_CALL)


@dataclass(frozen=True)
class Card:
    """One row. `ts` "" = not posted; `posting_at` > 0 = a post is under way or its fate is unknown.

    Attributes:
        version: counts marks; a card marked while it was being shown stays dirty.
        shown: fingerprint of what Slack shows.  nonce: found in our own message's metadata after a crash.
        body: content of cards that are not a function of other tables, as JSON.
    """

    id: int
    kind: str
    subject: str
    place: str
    version: int
    channel: str
    ts: str
    shown: str
    nonce: str
    posting_at: float
    attempts: int
    body: bytes | None
    created_at: float


HELD_SECONDS = 60
"""Cards of calls and of missed callers are due sooner by themselves; what is due later waits for something."""

_COLUMNS = "id, kind, subject, place, version, channel, ts, shown, nonce, posting_at, attempts, body, created_at"


def mark(db: sqlite3.Connection, kind: str, subject: str, place: str, due_at: float, body: bytes | None = None) -> None:
    """Ask for a card to be shown (again), not before `due_at`. A card with another body is replaced in place."""
    db.execute(
        "INSERT INTO cards (kind, subject, place, due_at, nonce, body, created_at)"
        " VALUES (?, ?, ?, ?, lower(hex(randomblob(8))), ?, ?) ON CONFLICT (subject, kind, place) DO UPDATE SET"
        " due_at = CASE WHEN dirty AND attempts > 0 THEN due_at ELSE excluded.due_at END,"
        " dirty = 1, version = version + 1, body = coalesce(excluded.body, body)",
        (kind, subject, place, due_at, body, due_at),
    )


def waits_no_longer(
    db: sqlite3.Connection, kind: str, subject: str, place: str, now: float, body: bytes | None
) -> bool:
    """Show a card now that was marked for later, with that body; None = with the one it has. False: it is shown."""
    cursor = db.execute(
        "UPDATE cards SET due_at = CASE WHEN attempts > 0 THEN due_at ELSE min(due_at, ?) END,"
        " version = version + 1, body = coalesce(?, body)"
        " WHERE subject = ? AND kind = ? AND place = ? AND dirty AND ts = ''",
        (now, body, subject, kind, place),
    )
    return cursor.rowcount == 1


def drop_picture(db: sqlite3.Connection, card: Card) -> bool:
    """Slack refuses the picture of a card: show the card without. False: it has none."""
    body: dict[str, Any] = json.loads(card.body or b"{}")
    if not body.pop("picture", ""):
        return False
    db.execute("UPDATE cards SET body = ?, version = version + 1 WHERE id = ?", (json.dumps(body).encode(), card.id))
    return True


def cancel(db: sqlite3.Connection, kind: str, subject: str, place: str) -> None:
    """What was to be shown need not be, unless it is shown already."""
    db.execute(
        "DELETE FROM cards WHERE subject = ? AND kind = ? AND place = ? AND ts = '' AND posting_at = 0",
        (subject, kind, place),
    )


def cancel_all(db: sqlite3.Connection, kind: str, about: str) -> None:
    """As `cancel`, wherever they were to be shown: those whose subjects are `about` with a colon and more behind it."""
    db.execute(
        "DELETE FROM cards WHERE subject > ? AND subject < ? AND kind = ? AND ts = '' AND posting_at = 0",
        (f"{about}:", f"{about};", kind),  # ";" is what follows ":"
    )


def touch(db: sqlite3.Connection, subject: str, kind: str = "") -> None:
    """Show every card of a subject again at the next opportunity."""
    db.execute(
        "UPDATE cards SET dirty = 1, version = version + 1 WHERE subject = ? AND (kind = ? OR ? = '')",
        (subject, kind, kind),
    )


def touch_all(db: sqlite3.Connection, kind: str, about: str) -> None:
    """As `touch`, those that are shown, or are about to be, and whose subjects are as in `cancel_all`."""
    db.execute(
        "UPDATE cards SET dirty = 1, version = version + 1 WHERE subject > ? AND subject < ? AND kind = ?"
        " AND (ts <> '' OR posting_at > 0)",
        (f"{about}:", f"{about};", kind),
    )


def add_line(db: sqlite3.Connection, call_id: str, key: str, event: bytes, now: float) -> None:
    """Add a line to the threads of all cards of a call. The same `key` is the same line."""
    for card_id, place in db.execute(
        "SELECT id, place FROM cards WHERE subject = ? AND kind IN ('call', 'incoming')", (call_id,)
    ).fetchall():
        body = b'{"card":%d,"event":%b}' % (card_id, event)
        mark(db, LINE, f"{call_id}:{key}", place, now, body)


def drop_line(db: sqlite3.Connection, call_id: str, key: str) -> None:
    """Take a line away again: it was told of another call."""
    db.execute(
        "UPDATE cards SET dirty = 1, version = version + 1, body = ? WHERE subject = ? AND kind = ?",
        (b'{"card":0,"event":null}', f"{call_id}:{key}", LINE),
    )


def by_id(db: sqlite3.Connection, card_id: int) -> Card | None:
    """A card by its row."""
    row = db.execute(f"SELECT {_COLUMNS} FROM cards WHERE id = ?", (card_id,)).fetchone()
    return Card(*row) if row else None


def due(db: sqlite3.Connection) -> list[tuple[str, float]]:
    """(place, when its first dirty card is due) of each place that has one: a busy place cannot hide the others."""
    # Hops from place to place on the index; GROUP BY would read every entry of a long backlog.
    rows = db.execute(
        "WITH RECURSIVE places(place) AS (SELECT min(place) FROM cards WHERE dirty UNION ALL"
        " SELECT (SELECT min(place) FROM cards WHERE dirty AND place > places.place) FROM places"
        " WHERE places.place IS NOT NULL)"
        " SELECT place, (SELECT min(due_at) FROM cards WHERE dirty AND place = places.place) FROM places"
        " WHERE place IS NOT NULL"
    )
    return [(row[0], row[1]) for row in rows]


def next_in(db: sqlite3.Connection, place: str) -> Card | None:
    """The dirty card of a place that has been due the longest."""
    row = db.execute(
        f"SELECT {_COLUMNS} FROM cards WHERE dirty AND place = ? ORDER BY due_at LIMIT 1", (place,)
    ).fetchone()
    return Card(*row) if row else None


def by_message(db: sqlite3.Connection, channel: str, ts: str) -> Card | None:
    """The card that a Slack message shows."""
    row = db.execute(
        f"SELECT {_COLUMNS} FROM cards WHERE channel = ? AND ts = ? AND ts <> ''", (channel, ts)
    ).fetchone()
    return Card(*row) if row else None


def find(db: sqlite3.Connection, kind: str, subject: str) -> Card | None:
    """A card by what it shows."""
    row = db.execute(f"SELECT {_COLUMNS} FROM cards WHERE subject = ? AND kind = ?", (subject, kind)).fetchone()
    return Card(*row) if row else None


def posting(db: sqlite3.Connection, card: Card, channel: str, now: float) -> bool:
    """Before the post: from now on its fate is unknown until `shown()` or `not_posted()`. False: it was cancelled."""
    return (
        db.execute("UPDATE cards SET posting_at = ?, channel = ? WHERE id = ?", (now, channel, card.id)).rowcount == 1
    )


def not_posted(db: sqlite3.Connection, card: Card) -> None:
    """Slack certainly did not take the post."""
    db.execute("UPDATE cards SET posting_at = 0 WHERE id = ?", (card.id,))


def shown(db: sqlite3.Connection, card: Card, channel: str, ts: str, fingerprint: str) -> None:
    """Slack shows it. Stays dirty if it was marked again meanwhile."""
    db.execute(
        "UPDATE cards SET channel = ?, ts = ?, shown = ?, posting_at = 0, attempts = 0, dirty = (version <> ?)"
        " WHERE id = ?",
        (channel, ts, fingerprint, card.version, card.id),
    )
    if card.posting_at or not card.ts:  # lines whose turn came while it was not to be seen
        db.execute(
            "UPDATE cards SET dirty = 1, version = version + 1 WHERE subject > ? AND subject < ? AND kind = ?"
            " AND ts = '' AND body ->> 'card' = ?",
            (f"{card.subject}:", f"{card.subject};", LINE, card.id),
        )


def gone(db: sqlite3.Connection, card: Card) -> None:
    """It is not to be seen any more. A new mark would post it anew."""
    db.execute(
        "UPDATE cards SET ts = '', shown = '', posting_at = 0, attempts = 0, dirty = (version <> ?) WHERE id = ?",
        (card.version, card.id),
    )


def anew(db: sqlite3.Connection, card: Card) -> None:
    """It is not to be seen any more, though it should be: post it anew."""
    db.execute(
        "UPDATE cards SET ts = '', shown = '', posting_at = 0, attempts = 0, dirty = 1, version = version + 1"
        " WHERE id = ?",
        (card.id,),
    )


def look_again(db: sqlite3.Connection, card: Card) -> None:
    """Slack may not show it any more: it is edited, also where nothing is new on it."""
    db.execute("UPDATE cards SET shown = '', dirty = 1, version = version + 1 WHERE id = ?", (card.id,))


def later(db: sqlite3.Connection, card: Card, due_at: float) -> None:
    """It could not be shown now; try again then."""
    db.execute("UPDATE cards SET due_at = ?, attempts = attempts + 1 WHERE id = ?", (due_at, card.id))


def give_up(db: sqlite3.Connection, place: str) -> None:
    """What waits to be shown there waits no longer; what changes later is tried."""
    db.execute("UPDATE cards SET dirty = 0 WHERE place = ? AND dirty", (place,))


def leave(db: sqlite3.Connection, card: Card) -> None:
    """The conversation that it was posted in is gone: what stands there is let be, the rest is posted in a new one."""
    db.execute(
        "UPDATE cards SET channel = iif(ts = '', '', channel), posting_at = 0, dirty = (ts = '') WHERE id = ?",
        (card.id,),
    )


def retry_now(db: sqlite3.Connection, now: float, place: str = "") -> None:
    """What kept cards from being shown is mended: those that wait for another attempt need not, in their old order.

    `place`: "" = everywhere.
    """
    there, values = ("place = ? AND ", (place,)) if place else ("", ())
    db.execute(
        f"UPDATE cards SET due_at = min(created_at, ?) WHERE dirty AND {there}attempts > 0 AND due_at > ?",
        (now, *values, now),
    )


def let_pass(db: sqlite3.Connection, card: Card) -> None:
    """The oldest message that waits for another attempt there goes before this one, which is newer."""
    db.execute(
        "UPDATE cards SET due_at = min(due_at, ?) WHERE id = (SELECT id FROM cards WHERE dirty AND place = ?"
        " AND ts = '' AND attempts > 0 AND id < ? ORDER BY created_at LIMIT 1)",
        (card.created_at, card.place, card.id),
    )


def held(db: sqlite3.Connection, now: float) -> list[int]:
    """New cards that wait for the end of quiet hours, or for another attempt: their rows."""
    rows = db.execute(
        "SELECT id FROM cards WHERE dirty AND due_at > ? AND ts = '' AND kind IN ('incoming', 'cdr', 'missed')",
        (now + HELD_SECONDS,),
    )
    return [row[0] for row in rows]


def hold_no_longer(db: sqlite3.Connection, card_ids: list[int], now: float) -> None:
    """Look at them now."""
    db.executemany("UPDATE cards SET due_at = ? WHERE id = ?", [(now, card_id) for card_id in card_ids])


def set_back(db: sqlite3.Connection, seconds: float, now: float) -> None:
    """The clock was set back by so much: what was due by it is due as much earlier, also once it is marked again."""
    db.execute("UPDATE cards SET due_at = due_at - ? WHERE due_at > ?", (seconds, now))


def postpone(db: sqlite3.Connection, card: Card, due_at: float) -> None:
    """Its turn has not come; that is no failed attempt."""
    db.execute("UPDATE cards SET due_at = ? WHERE id = ?", (due_at, card.id))


def is_dirty(db: sqlite3.Connection, card_id: int) -> bool:
    """Whether a card waits to be shown."""
    row = db.execute("SELECT dirty FROM cards WHERE id = ?", (card_id,)).fetchone()
    return bool(row and row[0])


def due_at(db: sqlite3.Connection, card_id: int) -> float | None:
    """When a card that waits to be shown is due, None = it does not wait."""
    row = db.execute("SELECT due_at FROM cards WHERE id = ? AND dirty", (card_id,)).fetchone()
    return float(row[0]) if row else None


def waiting(db: sqlite3.Connection) -> int:
    """How many cards wait to be shown."""
    return int(db.execute("SELECT count(*) FROM cards WHERE dirty").fetchone()[0])


def places(db: sqlite3.Connection, kind: str, subject: str) -> list[str]:
    """Where a subject is shown, or is to be."""
    rows = db.execute("SELECT place FROM cards WHERE subject = ? AND kind = ?", (subject, kind))
    return [str(row[0]) for row in rows.fetchall()]


def conversation(db: sqlite3.Connection, user: str) -> str:
    """Channel id of a person's conversation with the app, "" = nothing was posted there yet."""
    row = db.execute("SELECT channel FROM cards WHERE place = ? AND ts <> '' LIMIT 1", (f"@{user}",)).fetchone()
    return str(row[0]) if row else ""
