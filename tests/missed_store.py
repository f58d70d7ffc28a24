"""Calls that are missed and taken, as the store is told of them; and a missed caller's row."""

import sqlite3
from dataclasses import dataclass, replace

from typing_extensions import override

from bot import digest
from bot.call import Call, Unreported
from bot.events import (
    CUSTOMER,
    AnyEvent,
    CallEnded,
    CdrReceived,
    Described,
    Direction,
    Outcome,
    Requested,
    Settled,
    Unclear,
)
from bot.store import calls, figures, missed
from bot.store.missed import Missed
from tests import empty_store

NOW = 1_770_000_000.0
CALLER, OTHER = "+12025550155", "+12025550156"
AFTER = 900.0
CLAIMED = 3600.0
FAX = "+12025550109"
BRIEF = 5


@dataclass
class Routes(empty_store.Routes):
    """The line's last two digits name its channel."""

    @override
    def place(self, call: Call) -> str:
        return f"C{call.line[-2:]}" if call.line else "C00"

    @override
    def unreported(self, call: Call) -> Unreported:
        return "line" if call.line == FAX else "brief" if 0 < call.ended_at - call.started_at < BRIEF else ""

    @override
    def remind_after(self) -> float:
        return CLAIMED


def ingest(db: sqlite3.Connection, *events: AnyEvent, now: float, after: float = AFTER) -> None:
    calls.ingest(db, "acme", events, now=now, routing=Routes(after=after))


def record(
    ref: str,
    at: float,
    outcome: Outcome,
    *,
    number: str = CALLER,
    direction: Direction = "in",
    leg: str = "ext:201",
    line: str = "+12025550100",
) -> tuple[AnyEvent, ...]:
    """The final record of a call that began at `at`, rang for 10 s and, if answered, was talked for 60 s."""
    talk = 60 if outcome is Outcome.ANSWERED else 0
    leg = CUSTOMER if direction == "out" else leg
    return (
        Described(ref=ref, at=at, source=f"cdr:{leg}", direction=direction, number=number, line=line),
        CdrReceived(ref=ref, at=at, leg=leg, outcome=outcome, ring_seconds=10, talk_seconds=talk),
        CallEnded(ref=ref, at=at + 10 + talk),
    )


def miss(db: sqlite3.Connection, ref: str = "m1", at: float = NOW, **more: str) -> None:
    ingest(db, *record(ref, at, Outcome.NO_ANSWER, **more), now=at + 10)  # type: ignore[arg-type]


def talk(db: sqlite3.Connection, ref: str, at: float, direction: Direction = "in") -> None:
    ingest(db, *record(ref, at, Outcome.ANSWERED, direction=direction), now=at + 70)


def only(db: sqlite3.Connection) -> Missed:
    (row,) = missed.waiting(db)
    return row


def all_rows(db: sqlite3.Connection) -> list[Missed]:
    ids = [row[0] for row in db.execute("SELECT id FROM missed ORDER BY opened_at")]
    return [row for missed_id in ids if (row := missed.get(db, missed_id)) is not None]


def told_as_it_is(db: sqlite3.Connection, before: list[Missed], numbers: set[str]) -> None:
    """Since `before`, when nothing was left to show: who is shown otherwise now has a card that is to be drawn, of whom
    nobody waits for nobody is told any more, and with callers of other numbers nothing has happened.
    """
    rows, was = {row.id: row for row in all_rows(db)}, {row.id: row for row in before}
    dirty = {row[0] for row in db.execute("SELECT subject FROM cards WHERE kind = 'missed' AND dirty")}
    told = {row[0].split(":")[1] for row in db.execute("SELECT subject FROM cards WHERE kind = 'notice'")}
    still = {"escalate_at": 0.0, "escalations": 0, "reminded": 0}
    for missed_id in rows.keys() | was.keys():
        now, then = rows.get(missed_id), was.get(missed_id)
        if now is None or then is None or replace(now, **still) != replace(then, **still):  # type: ignore[arg-type]
            assert missed_id in dirty
        if now is not None and then is not None and not {now.number, then.number} & numbers:
            assert now == then
    assert told <= {row.id for row in rows.values() if row.open}


def said_to_have_talked(db: sqlite3.Connection) -> None:
    """A rep dials the missed caller, nobody knows what became of it, and they say that they talked."""
    asked = Requested(at=NOW + 60, rep="U1", rep_phone="+12025550190", number=CALLER)
    said = (Unclear(at=NOW + 70, words="Nobody knows."), Settled(at=NOW + 99, by="U1", outcome=Outcome.ANSWERED))
    for event in (asked, *said):
        calls.ingest(db, "acme", [event], now=event.at, routing=Routes(), call_id="ours")


def overrule(db: sqlite3.Connection, after: float = AFTER) -> None:
    """The service's own record of that call: nobody picked up."""
    told = (
        Described(ref="o1", at=NOW + 60, source="cdr", direction="out", number=CALLER, call_id="ours"),
        CdrReceived(ref="o1", at=NOW + 60, leg=CUSTOMER, outcome=Outcome.NO_ANSWER, ring_seconds=20),
    )
    before = all_rows(db)
    db.execute("UPDATE cards SET dirty = 0")
    ingest(db, *told, now=NOW + 700, after=after)
    told_as_it_is(db, before, {CALLER, ""})


def returns(db: sqlite3.Connection, start: float, as_of: float) -> digest.Returns:
    """Conversations of a digest that begins there, as the store finds them."""
    return lambda numbers: figures.returns(db, numbers, start, as_of)
