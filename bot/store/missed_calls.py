"""Which calls a missed caller waits because of, and which conversation closes that, however late either is told."""

import secrets
import sqlite3
from collections.abc import Callable

import msgspec

from bot.call import Call
from bot.events import Outcome
from bot.store import cards, missed

_read_call = msgspec.json.Decoder(Call)
_CONVERSATION = (
    # Nobody is rung, or waits in a queue, for a day; without that all would be read that was ever talked with them.
    "number = ? AND started_at > ? - 86400 AND outcome = 'answered' AND purpose <> 'message'"
    # Where a rep's word is all there is, nothing says when they began to talk.
    " AND (answered_at > ? OR (answered_at = 0 AND started_at > ?))"
)
"""Of calls: a conversation with a number that began after a moment; at the same moment is not later, as in digests."""


def follow(db: sqlite3.Connection, call: Call, place: str, now: float, escalate_after: float, *, begins: bool) -> None:
    """Bring the missed callers up to date with a call that has just changed, or `begins` with this change."""
    if call.missed:
        if begins or not _corrected(db, call, place, now):
            _open(db, call, place, now, escalate_after)
    elif not begins:
        forget(db, call.id, now)  # a leg that was answered after all may arrive late
    if call.direction == "out" and call.outcome in (Outcome.REFUSED, Outcome.NOT_PLACED):
        _give_back(db, call, now, escalate_after)
    if call.conversation and call.number:
        how = "called back" if call.direction == "out" else "reached us"
        talked_at = call.answered_at or call.started_at
        rows = db.execute(
            "SELECT id FROM missed WHERE number = ? AND closed_at = 0 AND last_at < ?", (call.number, talked_at)
        ).fetchall()
        for (missed_id,) in rows:
            missed.close(db, missed_id, now=talked_at, by=call.rep, how=how, call_id=call.id)


def _give_back(db: sqlite3.Connection, call: Call, now: float, escalate_after: float) -> None:
    """Nothing rang, so the claim that was made with this call (at the same moment, to the microsecond) is none; one
    that its rep had before, or has made since, stays."""
    rows = db.execute(
        "UPDATE missed SET claimed_by = '', claimed_at = 0, escalate_at = ? WHERE number = ? AND number <> ''"
        " AND closed_at = 0 AND claimed_by = ? AND claimed_at = ? RETURNING id",
        (now + escalate_after if escalate_after else 0, call.number, call.rep, call.started_at),
    ).fetchall()
    for (missed_id,) in rows:
        missed.put_right(db, missed_id)
        cards.touch(db, missed_id, "missed")


def reopen(
    db: sqlite3.Connection,
    call: Call,
    now: float,
    escalate_after: float,
    remind_after: float,
    talked_at: float = 0,
) -> None:
    """What was a conversation, by a rep's word say, was none by its record, or began sooner: whom it has not closed
    after all waits again.

    Unless they were talked with later; then that conversation has closed them. `talked_at`: when it began, as far as
    was known.
    """
    until = max(call.ended_at, talked_at, call.started_at)
    if call.conversation and not _tried_between(db, call.number, call.answered_at, until):
        return  # as nearly always
    rows = db.execute(
        "SELECT id, place, last_at FROM missed WHERE closed_call = ? AND closed_at > 0 AND id IN (SELECT missed_id"
        " FROM calls CROSS JOIN missed_calls ON missed_calls.call_id = calls.id WHERE calls.number = ?)",
        (call.id, call.number),
    ).fetchall()
    for missed_id, place, last_at in rows:
        later = _conversation_since(db, call.number, last_at)
        if later is not None:
            _close_by(db, missed_id, later)
            continue
        if waits := _waits(db, call.number, place):  # they have tried again since
            db.execute("UPDATE missed_calls SET missed_id = ? WHERE missed_id = ?", (waits, missed_id))
            _recount(db, waits, now)
            _recount(db, missed_id, now)
            continue
        db.execute(
            "UPDATE missed SET closed_at = 0, closed_by = '', closed_how = '', closed_call = '', reminded = 0,"
            " escalate_at = CASE WHEN claimed_by = '' THEN ? ELSE ? END WHERE id = ?",
            (now + escalate_after if escalate_after else 0, now + remind_after if remind_after else 0, missed_id),
        )
        missed.put_right(db, missed_id)
        cards.mark(db, "missed", missed_id, place, now)
    tries = db.execute(  # whose record came after that conversation, so that they were not missed
        "SELECT body, place FROM calls WHERE number = ? AND number <> '' AND started_at <= ? AND direction = 'in'"
        " AND state = 'ended' AND NOT EXISTS (SELECT 1 FROM missed_calls WHERE call_id = calls.id)"
        " ORDER BY started_at DESC LIMIT 20",
        (call.number, until),
    ).fetchall()
    for body, place in reversed(tries):
        attempt = _read_call.decode(body)
        if attempt.missed:
            _open(db, attempt, place, now, escalate_after)


def _tried_between(db: sqlite3.Connection, number: str, since: float, until: float) -> bool:
    row = db.execute(
        "SELECT 1 FROM calls WHERE number = ? AND number <> '' AND started_at >= ? AND started_at <= ?"
        " AND direction = 'in' LIMIT 1",
        (number, since, until),
    ).fetchone()
    return row is not None


def _conversation_since(db: sqlite3.Connection, number: str, at: float) -> sqlite3.Row | None:
    """The first conversation with a number that began after a moment, None = there is none."""
    found: sqlite3.Row | None = db.execute(
        f"SELECT id, rep, direction, max(answered_at, started_at) AS at FROM calls WHERE {_CONVERSATION}"
        " ORDER BY started_at LIMIT 1",
        (number, at, at, at),
    ).fetchone()
    return found


def _close_by(db: sqlite3.Connection, missed_id: str, talk: sqlite3.Row) -> None:
    """Also one that another conversation has closed: it does not wait in between, for since then its caller may."""
    how = "called back" if talk["direction"] == "out" else "reached us"
    db.execute(
        "UPDATE missed SET closed_at = ?, closed_by = ?, closed_how = ?, closed_call = ?, escalate_at = 0"
        " WHERE id = ? AND (closed_at = 0 OR closed_call NOT IN ('', ?))",
        (talk["at"], talk["rep"], how, talk["id"], missed_id, talk["id"]),
    )
    missed.put_right(db, missed_id)
    cards.touch(db, missed_id, "missed")


def _open(db: sqlite3.Connection, call: Call, place: str, now: float, escalate_after: float) -> None:
    if not place or counts(db, call.id):
        return
    if call.number and _conversation_since(db, call.number, call.started_at) is not None:
        return  # known before this call's record arrived
    waits = _waits(db, call.number, place)
    missed_id = waits or secrets.token_hex(8)
    if not waits:
        db.execute(
            "INSERT INTO missed (id, account, number, place, line, name, opened_at, last_at, calls, escalate_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?)",
            (missed_id, call.account, call.number, place, call.line, call.name, call.started_at, call.started_at,
             now + escalate_after if escalate_after else 0),
        )  # fmt: skip
    else:
        _tell_again(db, waits, call.started_at, now, escalate_after)
    db.execute(
        "INSERT INTO missed_calls (call_id, missed_id, at) VALUES (?, ?, ?)", (call.id, missed_id, call.started_at)
    )
    _recount(db, missed_id, now)


def _tell_again(db: sqlite3.Connection, missed_id: str, at: float, now: float, escalate_after: float) -> None:
    """They tried again, and nobody sees that a card was edited: so whoever claimed them is told at once.

    Once is enough, however often they try; but where all have been told by then, that begins anew.
    """
    soon = now + missed.SETTLE_SECONDS
    db.execute(
        "UPDATE missed SET escalate_at = ? WHERE id = ? AND claimed_by <> '' AND claimed_at < ?"
        " AND snoozed_until <= ? AND escalate_at > ? AND reminded = 0",
        (soon, missed_id, at, now, soon),
    )
    db.execute(
        "UPDATE missed SET reminded = 0, escalate_at = iif(claimed_by = '', ?, ?) WHERE id = ? AND last_at < ?"
        " AND escalate_at = 0 AND iif(claimed_by = '', escalations, reminded) > 0",
        (now + escalate_after if escalate_after else 0, soon, missed_id, at),
    )


def _corrected(db: sqlite3.Connection, call: Call, place: str, now: float) -> bool:
    """Who called, when, and on whose line, may be told after the call was missed: out of turn, or by its record.

    False: it is in no row, or not any more: of a caller who has a row already, or who waits since a conversation, or
    elsewhere.
    """
    row = db.execute(
        "SELECT missed.id, number, place, calls, closed_at, closed_call, at FROM missed_calls JOIN missed"
        " ON missed.id = missed_id WHERE call_id = ?",
        (call.id,),
    ).fetchone()
    if row is None:
        return False
    if row["place"] != place and not row["closed_at"]:
        if row["calls"] > 1 or row["number"] not in ("", call.number) or _waits(db, call.number, place):
            forget(db, call.id, now)
            return False
        db.execute("UPDATE missed SET place = ?, line = ? WHERE id = ?", (place, call.line, row["id"]))
        cards.touch(db, row["id"], "missed")  # which takes itself away where it was
        _recount(db, row["id"], now)
    if (row["number"], row["at"]) == (call.number, call.started_at):
        return True
    if row["number"] != call.number:
        if row["number"] or (not row["closed_at"] and _waits(db, call.number, place)):
            forget(db, call.id, now)
            return False
        db.execute("UPDATE missed SET number = ?, name = ? WHERE id = ?", (call.number, call.name, row["id"]))
    if row["closed_call"] and _conversation_since(db, call.number, call.started_at) is None:
        forget(db, call.id, now)
        return False
    db.execute("UPDATE missed_calls SET at = ? WHERE call_id = ?", (call.started_at, call.id))
    _recount(db, row["id"], now)
    _close_if_talked(db, row["id"])
    return True


def where_now(place: str, routed: str) -> str:
    """Where a caller waits whose call is shown in a place, while settings would show such a call elsewhere by now.

    In the channel in which the team looks now; but who called somebody's own extension is theirs.
    """
    return routed if place and routed and "@" not in (place[0], routed[0]) else place


def moved(db: sqlite3.Connection, routed: Callable[[Call], str]) -> list[tuple[str, str, str]]:
    """(id, number, place) of those who wait elsewhere than in the place where their calls would be shown now.

    `routed`: where a call would be.
    """
    found = []
    for row in db.execute("SELECT id, number, place FROM missed WHERE closed_at = 0").fetchall():
        last = db.execute(
            "SELECT body FROM missed_calls JOIN calls ON calls.id = call_id WHERE missed_id = ? ORDER BY at DESC"
            " LIMIT 1",
            (row["id"],),
        ).fetchone()
        place = where_now(row["place"], routed(_read_call.decode(last["body"]))) if last else row["place"]
        if place != row["place"]:
            found.append((row["id"], row["number"], place))
    return found


def follow_settings(db: sqlite3.Connection, routed: Callable[[Call], str], now: float) -> None:
    """At start: whoever waits is shown where their line's channel is now, and no more where it was."""
    for missed_id, number, place in moved(db, routed):
        if waits := _waits(db, number, place):
            _merge(db, missed_id, waits, now)
        else:
            db.execute("UPDATE missed SET place = ? WHERE id = ?", (place, missed_id))
            cards.touch(db, missed_id, "missed")  # which takes itself away where it was
            cards.mark(db, "missed", missed_id, place, now)


def _merge(db: sqlite3.Connection, gone: str, stays: str, now: float) -> None:
    """One caller had two rows, and waits in one place now; whoever has claimed either has claimed them."""
    db.execute(
        "UPDATE missed SET (claimed_by, claimed_at, escalate_at, reminded, snoozed_until, snoozed_by) = (SELECT"
        " claimed_by, claimed_at, escalate_at, reminded, snoozed_until, snoozed_by FROM missed WHERE id = ?)"
        " WHERE id = ? AND claimed_by = '' AND (SELECT claimed_by FROM missed WHERE id = ?) <> ''",
        (gone, stays, gone),
    )
    db.execute("UPDATE missed_calls SET missed_id = ? WHERE missed_id = ?", (stays, gone))
    for missed_id in (stays, gone):
        _recount(db, missed_id, now)
    missed.put_right(db, stays)


def _waits(db: sqlite3.Connection, number: str, place: str) -> str:
    """Id of the open row of a caller, "" = none."""
    row = db.execute(
        "SELECT id FROM missed WHERE number = ? AND place = ? AND closed_at = 0 AND number <> ''", (number, place)
    ).fetchone()
    return str(row[0]) if row else ""


def forget(db: sqlite3.Connection, call_id: str, now: float) -> None:
    """A call is not missed after all: take it off its caller's count."""
    row = db.execute("DELETE FROM missed_calls WHERE call_id = ? RETURNING missed_id", (call_id,)).fetchone()
    if row is not None:
        _recount(db, row[0], now)
        _close_if_talked(db, row[0])


def move(db: sqlite3.Connection, gone: str, stays: str) -> None:
    """One call is taken in by another: the same caller tried, or was called back, by that one."""
    db.execute("UPDATE OR IGNORE missed_calls SET call_id = ? WHERE call_id = ?", (stays, gone))
    forget(db, gone, 0)
    talked = db.execute("SELECT number FROM calls WHERE id = ? AND outcome = 'answered'", (gone,)).fetchone()
    if talked is None:
        return  # it has closed nobody's card
    closed = db.execute(
        "UPDATE missed SET closed_call = ?, closed_by = coalesce((SELECT nullif(rep, '') FROM calls WHERE id = ?),"
        " closed_by) WHERE closed_call = ? AND id IN (SELECT missed_id FROM calls CROSS JOIN missed_calls"
        " ON missed_calls.call_id = calls.id WHERE calls.number = ?) RETURNING id",
        (stays, stays, gone, talked[0]),
    ).fetchall()
    for (missed_id,) in closed:
        cards.touch(db, missed_id, "missed")


def _close_if_talked(db: sqlite3.Connection, missed_id: str) -> None:
    """Their last try was before a conversation after all, or not before the one that was taken to have closed it."""
    row = missed.get(db, missed_id)
    if row is not None and row.number and (row.open or (row.closed_call and row.closed_at <= row.last_at)):
        talk = _conversation_since(db, row.number, row.last_at)
        if talk is not None:
            _close_by(db, missed_id, talk)


def _recount(db: sqlite3.Connection, missed_id: str, now: float) -> None:
    count, first, last = db.execute(
        "SELECT count(*), min(at), max(at) FROM missed_calls WHERE missed_id = ?", (missed_id,)
    ).fetchone()
    place = db.execute("SELECT place FROM missed WHERE id = ?", (missed_id,)).fetchone()[0]
    if count:
        db.execute(
            "UPDATE missed SET calls = ?, opened_at = ?, last_at = ? WHERE id = ?", (count, first, last, missed_id)
        )
    else:
        db.execute("DELETE FROM missed WHERE id = ?", (missed_id,))
        missed.put_right(db, missed_id)
    cards.mark(db, "missed", missed_id, place, now + missed.SETTLE_SECONDS)


def counts(db: sqlite3.Connection, call_id: str) -> bool:
    """Whether a call is one of somebody's tries who was missed, whatever became of that."""
    return db.execute("SELECT 1 FROM missed_calls WHERE call_id = ?", (call_id,)).fetchone() is not None
