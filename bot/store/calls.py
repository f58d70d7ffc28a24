"""Events in, calls out: the one transaction that makes Callboard safe to kill.

`ingest()` writes the events, refolds the call, and marks what must be shown, all in the caller's transaction.
"""

import secrets
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec

from bot.events import AnyEvent, Call, Described, Outcome, State
from bot.fold import fold
from bot.store import cards, missed

_read_event = msgspec.json.Decoder(AnyEvent)
_read_call = msgspec.json.Decoder(Call)
_write = msgspec.json.Encoder().encode

ADOPT_SECONDS = 900
"""How long after an unclear dial an event of an unknown call may be taken for its echo."""
HOLD_SECONDS = 10
"""How long a card of an unknown outgoing call waits while an order of ours is on its way to the same provider."""


class Routing(Protocol):
    """Where things are shown; pure."""

    def place(self, call: Call) -> str:
        """Channel id, or "@" + Slack user id, of an incoming call or a CDR summary; "" = nowhere."""

    def summary(self, call: Call) -> bool:
        """Whether a finished call gets a CDR summary of its own there."""

    def escalate_after(self) -> float:
        """Seconds until an unclaimed missed caller is escalated; 0 = never."""


@dataclass(frozen=True)
class Change:
    """One call after new events. `fresh`: how many of the events were not duplicates."""

    call: Call
    fresh: int


def new_id(now: float) -> str:
    """A call id: sorts by time, cannot be guessed, fits every provider's custom field (22 characters)."""
    return f"{int(now * 1000):012x}{secrets.token_hex(5)}"


def ingest(
    db: sqlite3.Connection,
    account: str,
    events: Iterable[AnyEvent],
    *,
    now: float,
    routing: Routing,
    call_id: str = "",
    raw: bytes | None = None,
) -> list[Change]:
    """Store events of one account and bring everything derived from them up to date.

    Events already stored are skipped, without effect. `call_id` addresses events of our own; events from outside
    find their call by the provider's id, by our id if it came back with them, or as the echo of an unclear dial.
    """
    by_ref: dict[str, list[AnyEvent]] = {}
    for event in events:
        by_ref.setdefault(event.ref, []).append(event)
    changes = []
    for ref, told in by_ref.items():
        owner = call_id or _owner(db, account, told)
        begins = not owner
        owner = owner or new_id(now)
        if ref:
            owner = _link(db, account, ref, owner, known=not begins)
        fresh = _insert(db, account, owner, told, raw, now)
        raw = None  # kept once, beside the first event it told
        if fresh:
            # All events of a call that begins here are at hand; otherwise they are read back.
            call = _refold(db, account, owner, fresh if begins else None, now, routing)
            changes.append(Change(call, len(fresh)))
    return changes


def _insert(
    db: sqlite3.Connection, account: str, owner: str, events: list[AnyEvent], raw: bytes | None, now: float
) -> list[AnyEvent]:
    """Store events in one statement; returns those that were not there yet."""
    by_key: dict[str, AnyEvent] = {}
    for event in events:
        by_key.setdefault(event.key if event.ref else f"{owner}{event.key}", event)
    values: list[object] = []
    for key, event in by_key.items():
        values += (account, key, owner, _write(event), raw if not values else None, now)
    rows = ", ".join(["(?, ?, ?, ?, ?, ?)"] * len(by_key))
    inserted = db.execute(
        f"INSERT INTO events (account, key, call_id, body, raw, received_at) VALUES {rows}"
        " ON CONFLICT DO NOTHING RETURNING key",
        values,
    ).fetchall()
    return [by_key[row[0]] for row in inserted]


def _refold(
    db: sqlite3.Connection,
    account: str,
    call_id: str,
    events_at_hand: list[AnyEvent] | None,
    now: float,
    routing: Routing,
) -> Call:
    """Fold a call anew from all its events, store it, and mark what shows it. `events_at_hand`: of a new call."""
    events = events_at_hand
    if events is None:
        rows = db.execute("SELECT body FROM events WHERE call_id = ?", (call_id,)).fetchall()
        events = [_read_event.decode(row[0]) for row in rows]
    call = fold(call_id, account, events)
    if not call.rep:
        call = msgspec.structs.replace(call, rep=_rep_of(db, call))
    body = _write(call)
    begins = events_at_hand is not None
    before = None if begins else db.execute("SELECT body, place FROM calls WHERE id = ?", (call_id,)).fetchone()
    if before is not None and before["body"] == body:
        return call
    place = (before["place"] if before is not None else "") or routing.place(call)
    db.execute(
        "INSERT INTO calls (id, account, direction, state, outcome, rep, number, line, started_at, answered_at,"
        " ended_at, ring_seconds, talk_seconds, place, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET direction=excluded.direction, state=excluded.state,"
        " outcome=excluded.outcome, rep=excluded.rep, number=excluded.number, line=excluded.line,"
        " started_at=excluded.started_at, answered_at=excluded.answered_at, ended_at=excluded.ended_at,"
        " ring_seconds=excluded.ring_seconds, talk_seconds=excluded.talk_seconds, place=excluded.place,"
        " body=excluded.body",
        (
            *(call.id, account, call.direction, call.state, call.outcome, call.rep, call.number, call.line),
            *(call.started_at, call.answered_at, call.ended_at, call.ring_seconds, call.talk_seconds, place, body),
        ),
    )
    _show(db, call, place, now, routing)
    missed.follow(db, call, place, now, routing.escalate_after(), begins=begins)
    return call


def _show(db: sqlite3.Connection, call: Call, place: str, now: float, routing: Routing) -> None:
    if call.direction == "in":
        if place:
            cards.mark(db, "incoming", call.id, place, now + (missed.SETTLE_SECONDS if call.missed else 0))
        return
    if call.rep and call.rep_phone:  # placed through Callboard
        cards.mark(db, "call", call.id, f"@{call.rep}", now)
    never_rang = call.outcome in (Outcome.REFUSED, Outcome.NOT_PLACED)
    if call.state is State.ENDED and not never_rang and place and routing.summary(call):
        stray = not call.rep_phone and _sending(db, call.account)
        cards.mark(db, "cdr", call.id, place, now + (HOLD_SECONDS if stray else 0))


def _sending(db: sqlite3.Connection, account: str) -> bool:
    row = db.execute(
        "SELECT 1 FROM intents JOIN calls ON calls.id = intents.call_id"
        " WHERE intents.state = 'sending' AND calls.account = ? LIMIT 1",
        (account,),
    ).fetchone()
    return row is not None


def _owner(db: sqlite3.Connection, account: str, events: list[AnyEvent]) -> str:
    """Our call that events of one ref from outside belong to, "" = one we do not know."""
    row = db.execute("SELECT call_id FROM call_refs WHERE account = ? AND ref = ?", (account, events[0].ref)).fetchone()
    if row is not None:
        return str(row[0])
    hint = next((event for event in events if isinstance(event, Described)), None)
    if hint is not None and hint.call_id:
        row = db.execute("SELECT id FROM calls WHERE id = ? AND account = ?", (hint.call_id, account)).fetchone()
        if row is not None:
            return str(row[0])
    return _echo_of(db, account, events[0], hint)


def _echo_of(db: sqlite3.Connection, account: str, event: AnyEvent, hint: Described | None) -> str:
    """The one unclear dial that an event of an unknown call can only belong to, or ""."""
    if hint is not None and hint.direction == "in":
        return ""
    unclear = db.execute(
        "SELECT id, number FROM calls WHERE account = ? AND state = ? AND started_at BETWEEN ? AND ?"
        " AND NOT EXISTS (SELECT 1 FROM call_refs WHERE call_id = calls.id)",
        (account, State.UNCLEAR, event.at - ADOPT_SECONDS, event.at + 60),
    ).fetchall()
    if hint is not None and hint.number:
        unclear = [row for row in unclear if row["number"] == hint.number]
    return str(unclear[0]["id"]) if len(unclear) == 1 else ""


def _link(db: sqlite3.Connection, account: str, ref: str, owner: str, *, known: bool) -> str:
    """Tie a provider's id to our call. A webhook that overtook the answer to our order made a stray: take it in.

    `known`: the owner is not a call that begins right now, so somebody may have the id already.
    """
    find = "SELECT call_id FROM call_refs WHERE account = ? AND ref = ?"
    row = db.execute(find, (account, ref)).fetchone() if known else None
    if row is None:
        db.execute("INSERT INTO call_refs (account, ref, call_id) VALUES (?, ?, ?)", (account, ref, owner))
    elif row[0] != owner:
        stray = row[0]
        for table in ("events", "call_refs"):
            db.execute(f"UPDATE {table} SET call_id = ? WHERE call_id = ?", (owner, stray))
        db.execute("DELETE FROM calls WHERE id = ?", (stray,))
        missed.forget(db, stray, 0)
        cards.touch(db, stray)  # what was shown of it finds nothing to show and takes itself away
    return owner


def _rep_of(db: sqlite3.Connection, call: Call) -> str:
    if not call.extension:
        return ""
    row = db.execute(
        "SELECT user FROM people WHERE extension = ? AND account IN (?, '') ORDER BY account DESC LIMIT 1",
        (call.extension, call.account),
    ).fetchone()
    return str(row[0]) if row else ""


def get(db: sqlite3.Connection, call_id: str) -> Call | None:
    """One call by our id."""
    row = db.execute("SELECT body FROM calls WHERE id = ?", (call_id,)).fetchone()
    return _read_call.decode(row[0]) if row else None


def by_ref(db: sqlite3.Connection, account: str, ref: str) -> Call | None:
    """One call by the provider's id."""
    row = db.execute("SELECT call_id FROM call_refs WHERE account = ? AND ref = ?", (account, ref)).fetchone()
    return get(db, row[0]) if row else None


def place_of(db: sqlite3.Connection, call_id: str) -> str:
    """Where an incoming call or a CDR summary is shown."""
    row = db.execute("SELECT place FROM calls WHERE id = ?", (call_id,)).fetchone()
    return str(row[0]) if row else ""


def _many(db: sqlite3.Connection, where: str, values: Sequence[object]) -> list[Call]:
    return [_read_call.decode(row[0]) for row in db.execute(f"SELECT body FROM calls WHERE {where}", values)]


def open_calls(db: sqlite3.Connection, account: str = "") -> list[Call]:
    """All calls that have not ended, oldest first; of one account or of all."""
    found = _many(db, "state <> 'ended' ORDER BY started_at", ())
    return [call for call in found if account in ("", call.account)]


def pending_calls(db: sqlite3.Connection, before: float) -> list[Call]:
    """Calls that ended before that moment and whose record never came."""
    return _many(db, "outcome = 'pending' AND ended_at < ?", (before,))


def of_rep(db: sqlite3.Connection, rep: str, since: float, limit: int = 20) -> list[Call]:
    """A rep's calls, latest first."""
    return _many(db, "rep = ? AND started_at >= ? ORDER BY started_at DESC LIMIT ?", (rep, since, limit))


def with_number(db: sqlite3.Connection, number: str, before: float, limit: int = 3) -> list[Call]:
    """The last conversations and attempts with a number, latest first."""
    return _many(db, "number = ? AND started_at < ? ORDER BY started_at DESC LIMIT ?", (number, before, limit))


def dials_since(db: sqlite3.Connection, rep: str, since: float) -> int:
    """How many calls a rep placed through Callboard since then, those on their way included."""
    row = db.execute(
        "SELECT count(*) FROM calls WHERE rep = ? AND started_at >= ? AND direction = 'out'"
        " AND (outcome IS NULL OR outcome NOT IN ('refused', 'not_placed'))",
        (rep, since),
    ).fetchone()
    return int(row[0])


def unfinished_dial(db: sqlite3.Connection, rep: str, number: str, since: float) -> Call | None:
    """A call that the rep already has under way to the number."""
    found = _many(
        db,
        "number = ? AND started_at >= ? AND rep = ? AND direction = 'out' AND state <> 'ended' LIMIT 1",
        (number, since, rep),
    )
    return found[0] if found else None


def dialled_just_now(db: sqlite3.Connection, rep: str, number: str, since: float) -> bool:
    """Whether the rep asked for this number since then and the provider did not refuse it."""
    row = db.execute(
        "SELECT 1 FROM calls WHERE number = ? AND started_at >= ? AND rep = ? AND direction = 'out'"
        " AND (outcome IS NULL OR outcome NOT IN ('refused', 'not_placed')) LIMIT 1",
        (number, since, rep),
    ).fetchone()
    return row is not None
