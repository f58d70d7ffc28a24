"""Events in, calls out: the one transaction that makes Callboard safe to kill.

`ingest()` writes the events, refolds the call, and marks what must be shown, all in the caller's transaction.
"""

import secrets
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec

from bot.call import Call, Unreported
from bot.events import AnyEvent, Controlled, HangUpAsked, Outcome, Requested, Settled, State, Wrapped
from bot.fold import fold
from bot.roundups import Roundup, ended_at
from bot.store import cards, messages, missed, missed_calls, offers, owners, recordings, roundups, taken_in, threads

_read_events = msgspec.json.Decoder(list[AnyEvent])
_read_call = msgspec.json.Decoder(Call)
_write = msgspec.json.Encoder().encode

_SAID = (Controlled, HangUpAsked, Settled, Wrapped)
"""What people say of a call, or do to it: no call begins with that."""
HOLD_SECONDS = 20
"""How long a card of an unknown outgoing call waits while an order of ours is on its way to the same provider.

Longer than the answer to an order may take (`assembly.py`: 4 s to connect, 12 s to answer): by then it is known whose
that call is.
"""
_FETCHED = b'"fetched":true'
"""In the body of such a call, and of no other: in a text its quotation marks would be escaped."""
_BEFORE = "SELECT body, place, direction, outcome, answered_at, ended_at, line FROM calls WHERE id = ?"
_SAVE = (
    "INSERT INTO calls (id, account, direction, state, outcome, rep, number, line, started_at, answered_at,"
    " ended_at, ring_seconds, talk_seconds, place, body, purpose)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (id) DO UPDATE SET direction=excluded.direction, state=excluded.state,"
    " outcome=excluded.outcome, rep=excluded.rep, number=excluded.number, line=excluded.line,"
    " started_at=excluded.started_at, answered_at=excluded.answered_at, ended_at=excluded.ended_at,"
    " ring_seconds=excluded.ring_seconds, talk_seconds=excluded.talk_seconds, place=excluded.place,"
    " body=excluded.body, purpose=excluded.purpose"
)


class Routing(Protocol):
    """Where things are shown; pure."""

    def place(self, call: Call) -> str:
        """Channel id, or "@" + Slack user id, of an incoming call or a CDR summary; "" = nowhere."""

    def summary(self, call: Call) -> bool:
        """Whether a finished call gets a CDR summary of its own there."""

    def announced(self, call: Call) -> bool:
        """Whether an incoming call is shown there as it comes, not only when it was missed."""

    def unreported(self, call: Call) -> Unreported:
        """Why nobody is told of a call that was not answered, "" = it is a missed caller's."""

    def escalate_after(self) -> float:
        """Seconds until an unclaimed missed caller is escalated; 0 = never."""

    def remind_after(self) -> float:
        """Seconds until whoever claimed a missed caller is reminded; 0 = never."""

    def stops(self, heard: Sequence[str]) -> str:
        """How somebody has said during a voice message that they are never to be called again; "" = they have not."""

    def roundup(self, call: Call, place: str, now: float) -> Roundup | None:
        """What tells of a call there in place of a message of its own, None = it has that, or nothing does."""


@dataclass(frozen=True)
class Change:
    """One call after new events. `fresh`: how many of the events were not duplicates."""

    call: Call
    fresh: int


def new_id(now: float) -> str:
    """A call id: sorts by time, cannot be guessed, fits every provider's custom field (22 characters).

    Milliseconds, 256ths of one, and chance: whatever is keyed by it is appended to its index, not strewn over it.
    """
    return f"{int(now * 256_000):014x}{secrets.token_hex(4)}"


def ingest(
    db: sqlite3.Connection,
    account: str,
    events: Iterable[AnyEvent],
    *,
    now: float,
    routing: Routing,
    call_id: str = "",
    raw: bytes | None = None,
    late: bool = False,
    fetched: bool = False,
) -> list[Change]:
    """Store events of one account and bring everything derived from them up to date.

    Events already stored are skipped, without effect. `call_id` addresses events of our own; events from outside
    find their call by the provider's id, by our id if it came back with them, or as the echo of an unclear dial.
    `late`: told so long after it happened that a call is no news any more: it is kept and a missed caller is
    shown, but nothing is posted of the call itself. `fetched`: asked for so long after it happened that nobody is
    owed a call because of it either (`Call.fetched`).
    """
    late = late or fetched
    by_ref: dict[str, list[AnyEvent]] = {}
    for event in events:
        by_ref.setdefault(event.ref, []).append(event)
    changes = []
    for ref, told in by_ref.items():
        holder = owners.holder(db, account, ref) if ref else ""
        owner = call_id or owners.owner(db, account, told, holder)
        begins = not owner
        # Ids sort by time, and old calls go by theirs.
        owner = owner or new_id(min(now, *(event.at for event in told)) if fetched else now)
        moved = _link(db, account, ref, holder, owner, now, routing) if ref and holder != owner else []
        stored = [] if begins else _stored(db, owner)
        if not stored and all(isinstance(event, _SAID) for event in told):
            continue  # the call was taken in by another, or forgotten, in this very moment
        fresh = _new(told, stored)
        if fresh:
            _store(db, account, owner, ref, fresh, raw, now)
            raw = None  # kept once, beside the first events it told
        if fresh or moved:
            events = [*stored, *fresh]
            call = _refold(db, account, owner, events, now, routing, begins=begins, late=late, fetched=fetched)
            threads.tell(db, call.id, [*moved, *fresh], now)
            if call.state is State.UNCLEAR and not call.refs:
                call = _with_its_echo(db, call, now, routing)
            changes.append(Change(call, len(fresh)))
    return changes


def _stored(db: sqlite3.Connection, call_id: str) -> list[AnyEvent]:
    """A call's events, in the order in which they were told."""
    rows = db.execute("SELECT body FROM events WHERE call_id = ? ORDER BY id", (call_id,)).fetchall()
    return [event for row in rows for event in _read_events.decode(row[0])]


def _new(told: list[AnyEvent], stored: list[AnyEvent]) -> list[AnyEvent]:
    """Those that are not stored yet, each once. Only the writer thread asks and stores, so nobody comes in between."""
    known = {event.key for event in stored}
    fresh = {event.key: event for event in reversed(told)}  # of repeats the first counts
    return [event for key, event in reversed(fresh.items()) if key not in known]


def _store(
    db: sqlite3.Connection, account: str, owner: str, ref: str, events: list[AnyEvent], raw: bytes | None, now: float
) -> None:
    """What was told at once of one ref is one row: each row more costs a webhook as much as all that is read of it."""
    db.execute(
        "INSERT INTO events (call_id, account, ref, body, raw, received_at) VALUES (?, ?, ?, ?, ?, ?)",
        (owner, account, ref, _write(events), raw, now),
    )


def _refold(
    db: sqlite3.Connection,
    account: str,
    call_id: str,
    events: list[AnyEvent],
    now: float,
    routing: Routing,
    *,
    begins: bool = False,
    late: bool = False,
    fetched: bool = False,
) -> Call:
    """Fold a call anew from all its events, store it, and mark what shows it. `begins`: nothing is known of it yet."""
    call = fold(call_id, account, events)
    if not call.rep:
        call = msgspec.structs.replace(call, rep=_rep_of(db, call))
    if call.unanswered and (why := routing.unreported(call)):
        call = msgspec.structs.replace(call, unreported=why)
    before = None if begins else db.execute(_BEFORE, (call_id,)).fetchone()
    was_fetched = before is not None and _FETCHED in before["body"]
    # Whoever waits because of it already goes on to.
    if was_fetched or (fetched and (begins or not missed_calls.counts(db, call_id))):
        call = msgspec.structs.replace(call, fetched=True)
    body = _write(call)
    if before is not None and before["body"] == body:
        return call
    place = waits_at = routing.place(call)
    if before is not None and before["place"] and (before["line"] or not call.line or place[:1] in ("", "@")):
        place = before["place"]  # it stays there, unless its line, and so a channel, is told only now
        # Its caller does not, where the settings have another channel for the line by now.
        waits_at = missed_calls.where_now(place, waits_at) if before["line"] == call.line else place
    db.execute(
        _SAVE,
        (
            *(call.id, account, call.direction, call.state, call.outcome, call.rep, call.number, call.line),
            *(call.started_at, call.answered_at, call.ended_at, call.ring_seconds, call.talk_seconds, place, body),
            call.purpose,
        ),
    )
    if late or (before is not None and (before["direction"], before["place"]) != (call.direction, place)):
        cards.touch(db, call.id)  # also what showed it as of the other direction, or elsewhere: it takes itself away
    roundup = routing.roundup(call, place, now)
    if not late or (before is not None and _moves(db, call, before["place"], place)):
        _show(db, call, place, now, routing, roundup)
    if call.state is State.ENDED or (before is not None and before["ended_at"]):
        roundups.follow(db, call, before, place, roundup, routing.roundup, now, late=late)
    if call.rep_phone:
        offers.show_call(db, call.id)
    if before is not None and not fetched and _less_talked(before, call):
        missed_calls.reopen(db, call, now, routing.escalate_after(), routing.remind_after(), before["answered_at"])
    missed_calls.follow(db, call, waits_at, now, routing.escalate_after(), begins=begins)
    if call.recordings:
        recordings.follow(db, call, now, begins=begins, late=late)
    if call.heard and call.purpose == "message":
        known = _read_call.decode(before["body"]).heard if before is not None else ()
        # What a manager has answered by taking them off again is not answered anew.
        fresh = [told for told in call.heard if told not in known]
        messages.heed(db, call, routing.stops(fresh), now)
    return call


def _moves(db: sqlite3.Connection, call: Call, before: str, place: str) -> bool:
    """Whether it is to be shown where it was not, in place of a message that it has elsewhere."""
    kind = "incoming" if call.direction == "in" else "cdr"
    return before not in ("", place) and before in cards.places(db, kind, call.id)


def _less_talked(before: sqlite3.Row, call: Call) -> bool:
    """What was a conversation is none any more, or began sooner than was known: by its record, say."""
    talked = before["outcome"] == Outcome.ANSWERED
    return talked and (not call.conversation or call.answered_at < before["answered_at"])


def _show(
    db: sqlite3.Connection, call: Call, place: str, now: float, routing: Routing, roundup: Roundup | None
) -> None:
    """`roundup`: what tells of it in place of a message of its own; one that it has already goes on."""
    if call.direction == "in":
        if place and roundup is None and routing.announced(call):
            cards.mark(db, "incoming", call.id, place, now + (missed.SETTLE_SECONDS if call.unanswered else 0))
        else:
            cards.touch(db, call.id, "incoming")  # it may be shown since before its line was told
        return
    if call.purpose == "message":
        messages.show(db, call.id)  # a batch may call hundreds: their one card tells of all
        return
    if call.rep and call.ours:  # placed through Callboard
        cards.mark(db, "call", call.id, f"@{call.rep}", now)
    never_rang = call.outcome in (Outcome.REFUSED, Outcome.NOT_PLACED)
    if roundup is not None:
        cards.touch(db, call.id, "cdr")
    elif call.state is State.ENDED and not never_rang and place and routing.summary(call):
        stray = not call.ours and _sending(db, call.account)
        cards.mark(db, "cdr", call.id, place, now + (HOLD_SECONDS if stray else 0))


def _sending(db: sqlite3.Connection, account: str) -> bool:
    row = db.execute(
        "SELECT 1 FROM intents JOIN calls ON calls.id = intents.call_id"
        # The second condition is the index's own: SQLite does not conclude it from the first.
        " WHERE intents.state = 'sending' AND intents.state <> 'done' AND calls.account = ? LIMIT 1",
        (account,),
    ).fetchone()
    return row is not None


def _with_its_echo(db: sqlite3.Connection, call: Call, now: float, routing: Routing) -> Call:
    """A webhook may come before the answer fails to: the one stray that can only be this order's is taken in."""
    stray = owners.stray_of(db, call, now)
    if stray is None:
        return call
    moved = list[AnyEvent]()
    for ref in stray.refs:
        moved += _link(db, call.account, ref, owners.holder(db, call.account, ref), call.id, now, routing)
    call = _refold(db, call.account, call.id, _stored(db, call.id), now, routing)
    threads.tell(db, call.id, moved, now)
    return call


def _link(
    db: sqlite3.Connection, account: str, ref: str, holder: str, owner: str, now: float, routing: Routing
) -> list[AnyEvent]:
    """Tie a provider's id to our call. A webhook that overtook the answer to our order made a stray: take it in.

    What was told of this id goes over. Usually that is all there is of the other call, and what people did with it
    goes, too; an order that had taken the id for its echo is left as it was without it. Returns what went over.
    `holder`: whose it was so far, "" = nobody's.
    """
    if not holder:
        db.execute("INSERT INTO call_refs (account, ref, call_id) VALUES (?, ?, ?)", (account, ref, owner))
        return []
    moved = _stored(db, holder)
    db.execute("UPDATE call_refs SET call_id = ? WHERE account = ? AND ref = ?", (owner, account, ref))
    db.execute(
        "UPDATE events SET call_id = ? WHERE call_id = ? AND account = ? AND ref = ?", (owner, holder, account, ref)
    )
    left = _stored(db, holder)
    if any(event.ref or isinstance(event, Requested) for event in left):
        moved = [event for event in moved if event.ref == ref]
        _refold(db, account, holder, left, now, routing)
    else:
        taken_in.move(db, holder, owner)
        gone = get(db, holder)
        if gone is not None and gone.state is State.ENDED:
            roundups.look_again(db, place_of(db, holder), ended_at(gone))
        if gone is not None and gone.conversation:  # `_less_talked` sees whether that is still so
            db.execute(
                "UPDATE calls SET outcome = ?, answered_at = ? WHERE id = ?", (gone.outcome, gone.answered_at, owner)
            )
        db.execute("DELETE FROM calls WHERE id = ?", (holder,))
        cards.touch(db, holder)  # what was shown of it finds nothing to show and takes itself away
    threads.take_back(db, holder, moved)
    return moved


def _rep_of(db: sqlite3.Connection, call: Call) -> str:
    if not call.extension:
        return ""
    rows = db.execute("SELECT account, user FROM people WHERE extension = ? AND extension <> ''", (call.extension,))
    mine = [(account, user) for account, user in rows if account in (call.account, "")]
    return str(max(mine)[1]) if mine else ""  # who named the account comes before who has the extension anywhere


def get(db: sqlite3.Connection, call_id: str) -> Call | None:
    """One call by our id."""
    row = db.execute("SELECT body FROM calls WHERE id = ?", (call_id,)).fetchone()
    return _read_call.decode(row[0]) if row else None


def heard_at(db: sqlite3.Connection, call_id: str) -> float:
    """When something of a call was told last, by our own clock: seconds since 1970 UTC, 0 = never."""
    row = db.execute("SELECT max(received_at) FROM events WHERE call_id = ?", (call_id,)).fetchone()
    return float(row[0] or 0)


def by_ref(db: sqlite3.Connection, account: str, ref: str) -> Call | None:
    """One call by the provider's id."""
    return get(db, owners.holder(db, account, ref))


def place_of(db: sqlite3.Connection, call_id: str) -> str:
    """Where an incoming call or a CDR summary is shown."""
    row = db.execute("SELECT place FROM calls WHERE id = ?", (call_id,)).fetchone()
    return str(row[0]) if row else ""


def _many(db: sqlite3.Connection, where: str, values: Sequence[object]) -> list[Call]:
    return [_read_call.decode(row[0]) for row in db.execute(f"SELECT body FROM calls WHERE {where}", values)]


def open_calls(db: sqlite3.Connection, account: str = "") -> list[Call]:
    """All calls that have not ended, oldest first; of one account or of all."""
    # The plus keeps SQLite from reading all calls ever in the order of their start.
    found = _many(db, "state <> 'ended' ORDER BY +started_at", ())
    return [call for call in found if account in ("", call.account)]


def ended_of_late(db: sqlite3.Connection, since: float) -> list[Call]:
    """Calls that began since then and have ended, oldest first."""
    return _many(db, "id >= ? AND state = 'ended' ORDER BY id", (f"{int(since * 1000):012x}",))  # ids sort by time


def spoken_by(db: sqlite3.Connection, rep: str, since: float, limit: int = 20) -> list[Call]:
    """A rep's calls that rang a phone of theirs, latest first: no messages."""
    return _many(
        db,
        "rep = ? AND rep <> '' AND started_at >= ? AND purpose <> 'message' ORDER BY started_at DESC LIMIT ?",
        (rep, since, limit),
    )


def last_dialled(db: sqlite3.Connection, rep: str, since: float) -> Call | None:
    """The latest call that a rep placed, None = there is none."""
    found = _many(
        db,
        "rep = ? AND rep <> '' AND started_at >= ? AND direction = 'out' AND purpose <> 'message' AND number <> ''"
        " ORDER BY started_at DESC LIMIT 1",
        (rep, since),
    )
    return found[0] if found else None


def with_number(db: sqlite3.Connection, number: str, before: float, limit: int = 3) -> list[Call]:
    """The last conversations and attempts with a number, latest first."""
    return _many(db, "number = ? AND started_at < ? ORDER BY started_at DESC LIMIT ?", (number, before, limit))
