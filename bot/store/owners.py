"""Which call of ours an event from outside belongs to. Only reads."""

import sqlite3

import msgspec

from bot.call import Call
from bot.events import AnyEvent, Described, State

_read_call = msgspec.json.Decoder(Call)
ADOPT_SECONDS = 900
"""How long after an unclear dial an event of an unknown call may be taken for its echo."""


def holder(db: sqlite3.Connection, account: str, ref: str) -> str:
    """The call that has a provider's id, "" = none."""
    row = db.execute("SELECT call_id FROM call_refs WHERE account = ? AND ref = ?", (account, ref)).fetchone()
    return str(row[0]) if row else ""


def owner(db: sqlite3.Connection, account: str, events: list[AnyEvent], held_by: str) -> str:
    """Our call that events of one ref from outside belong to, "" = one we do not know. `held_by`: that has the ref."""
    described = [event for event in events if isinstance(event, Described)]
    for told in described:
        # Our own id leaves no doubt, also where the ref was taken for another call's before.
        if (
            told.call_id
            and db.execute("SELECT 1 FROM calls WHERE id = ? AND account = ?", (told.call_id, account)).fetchone()
        ):
            return told.call_id
    return held_by or _echo_of(db, account, events[0], described[0] if described else None)


def stray_of(db: sqlite3.Connection, order: Call, now: float) -> Call | None:
    """The one call that we were told of before an order became unclear, and that can only be it. None = there is none.

    A webhook may come before the answer fails to.
    """
    rows = db.execute(  # ids sort by time, so these are the calls that we heard of since this one was asked for
        "SELECT body FROM calls WHERE id >= ? AND account = ? AND direction = 'out'", (order.id[:12], order.account)
    )
    strays = [
        stray
        for stray in (_read_call.decode(row[0]) for row in rows)
        if stray.refs and not stray.ours and stray.number in ("", order.number)
        if not _rings_another(db, order, stray.extension)
    ]
    if len(strays) != 1:
        return None
    rivals = _without_ref(db, order.account, strays[0].number, order.started_at - ADOPT_SECONDS, now + 60)
    return None if any(rival.id != order.id for rival in rivals) else strays[0]


def _echo_of(db: sqlite3.Connection, account: str, event: AnyEvent, hint: Described | None) -> str:
    """The one unclear dial that an event of an unknown call can only belong to, or ""."""
    if hint is not None and hint.direction == "in":
        return ""
    orders = _without_ref(db, account, hint.number if hint else "", event.at - ADOPT_SECONDS, event.at + 60)
    if hint is not None:
        orders = [order for order in orders if not _rings_another(db, order, hint.extension)]
    return orders[0].id if [order.state for order in orders] == [State.UNCLEAR] else ""


def _rings_another(db: sqlite3.Connection, order: Call, extension: str) -> bool:
    """Whether an extension is none that the order has to do with: a colleague calls by another program.

    Only where the order rings one by the name that the service has for it: no login code, and no short number.
    """
    if extension in ("", order.rep_phone, order.number) or order.rep_phone.isdecimal():
        return False
    linked = "SELECT 1 FROM people WHERE user = ? AND phone_kind = 'extension' AND phone = ?"
    return db.execute(linked, (order.rep, order.rep_phone)).fetchone() is not None


def _without_ref(db: sqlite3.Connection, account: str, number: str, since: float, until: float) -> list[Call]:
    """Orders of which the provider's id is not known, those still being sent included. `number` "" = to anybody."""
    rows = db.execute(
        "SELECT body FROM calls WHERE account = ? AND state IN ('requested', 'unclear') AND started_at BETWEEN ? AND ?",
        (account, since, until),
    )
    orders = [_read_call.decode(row[0]) for row in rows]
    return [order for order in orders if not order.refs and number in ("", order.number)]
