"""Every query that bot.store really sends, with its own parameters, finds its rows by an index.

The statements are recorded while each function runs, so one that is new, or changed, is looked at without being
listed here; what must be listed is how to call a new function.
"""

import inspect
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from typing_extensions import override

from bot.events import (
    CUSTOMER,
    Accepted,
    CallEnded,
    CdrReceived,
    Described,
    LegAnswered,
    LegRinging,
    Outcome,
    Requested,
    Unclear,
)
from bot.store import Database, calls, cards, figures, ledger, missed, people
from bot.store.cards import Card
from bot.store.people import Contact, Person
from tests.test_store_missed import Routes

NOW = 1_770_000_000.0
CALLER = "+12025550155"
MODULES: tuple[ModuleType, ...] = (calls, cards, figures, ledger, missed, people)
CARD = Card(1, "call", "s", "C1", 1, "", "", "", "n", 0, 0, None, NOW)
MINE = Person("U1", phone_kind="number", phone="+12025550190", extension="201")

SCANS = {
    "cards.conversation": "the check of the demo asks once, in an office of a few cards",
    "ledger.problems": "what is broken now: a handful of rows",
    "ledger.subscriptions": "one row per channel and digest, read once a minute",
    "ledger.audit_log": "the latest lines by id, which is the order of the table",
    "people.contacts_named": "a name may be anywhere in a contact's name; a person typed it and waits for it",
    "people.blocked": "shown to admins, latest first, on request",
    "people.homes": "whose App Home was opened: one row per person of the team",
}
"""Functions that read a table from end to end -> why that is fine."""


class Recording(sqlite3.Connection):
    """Remembers each statement with its parameters."""

    heard: list[tuple[str, Any]]

    @override
    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        if hasattr(self, "heard"):
            self.heard.append((sql, parameters))
        return super().execute(sql, parameters)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Recording]:
    Database(tmp_path / "store.sqlite").close()
    connection = sqlite3.connect(tmp_path / "store.sqlite", isolation_level=None, factory=Recording)
    connection.row_factory = sqlite3.Row
    yield connection
    connection.close()


def ingest(db: sqlite3.Connection) -> None:
    """Calls of every fate, so that every statement of ingest() is sent: strays, echoes, legs, missed callers."""

    def tell(*events: Any, call_id: str = "", now: float = NOW) -> None:
        calls.ingest(db, "acme", events, now=now, routing=Routes(), call_id=call_id)

    def asked(number: str) -> Requested:
        return Requested(at=NOW, rep="U1", rep_phone="+12025550190", number=number)

    ended = (LegAnswered(ref="r1", at=NOW, leg=CUSTOMER), CallEnded(ref="r1", at=NOW + 9))
    tell(*ended)
    tell(asked(CALLER), call_id="ours-1")
    tell(Accepted(ref="r1", at=NOW + 9), call_id="ours-1")  # takes a stray in
    tell(asked("+12025550124"), call_id=calls.new_id(NOW))
    order = calls.new_id(NOW)
    tell(asked("+12025550123"), call_id=order)
    tell(LegRinging(ref="r2", at=NOW, leg=CUSTOMER))
    tell(Unclear(at=NOW, words="Nobody knows."), call_id=order)
    tell(Described(ref="r3", at=NOW, source="poll", direction="out", number="+12025550123", call_id=order))
    tell(Described(ref="in", at=NOW, source="cdr", direction="in", number=CALLER, line="+12025550100"))
    tell(CdrReceived(ref="in", at=NOW, leg="ext:201", outcome=Outcome.NO_ANSWER, extension="201"))
    tell(CallEnded(ref="in", at=NOW + 9))
    tell(Described(ref="cb", at=NOW + 60, source="cdr", direction="out", number=CALLER))
    tell(CdrReceived(ref="cb", at=NOW + 60, leg=CUSTOMER, outcome=Outcome.ANSWERED, talk_seconds=9))
    tell(CdrReceived(ref="in", at=NOW, leg="ext:202", outcome=Outcome.ANSWERED, talk_seconds=9))


HOW: dict[str, Callable[[sqlite3.Connection], object]] = {
    "calls.ingest": ingest,
    "calls.get": lambda db: calls.get(db, "c1"),
    "calls.by_ref": lambda db: calls.by_ref(db, "acme", "r1"),
    "calls.place_of": lambda db: calls.place_of(db, "c1"),
    "calls.open_calls": lambda db: calls.open_calls(db, "acme"),
    "calls.pending_calls": lambda db: calls.pending_calls(db, NOW),
    "calls.of_rep": lambda db: calls.of_rep(db, "U1", NOW),
    "calls.with_number": lambda db: calls.with_number(db, CALLER, NOW),
    "calls.dials_since": lambda db: calls.dials_since(db, "U1", NOW),
    "calls.unfinished_dial": lambda db: calls.unfinished_dial(db, "U1", CALLER, NOW),
    "calls.dialled_just_now": lambda db: calls.dialled_just_now(db, "U1", CALLER, NOW),
    "cards.mark": lambda db: cards.mark(db, "call", "s", "C1", NOW),
    "cards.touch": lambda db: cards.touch(db, "s", "call"),
    "cards.due": cards.due,
    "cards.next_in": lambda db: cards.next_in(db, "C1"),
    "cards.by_message": lambda db: cards.by_message(db, "C1", "1.0"),
    "cards.find": lambda db: cards.find(db, "call", "s"),
    "cards.posting": lambda db: cards.posting(db, CARD, "C1", NOW),
    "cards.not_posted": lambda db: cards.not_posted(db, CARD),
    "cards.shown": lambda db: cards.shown(db, CARD, "C1", "1.0", "f"),
    "cards.gone": lambda db: cards.gone(db, CARD),
    "cards.later": lambda db: cards.later(db, CARD, NOW),
    "cards.waiting": cards.waiting,
    "cards.conversation": lambda db: cards.conversation(db, "U1"),
    "figures.rows": lambda db: figures.rows(db, NOW, NOW + 9),
    "figures.returns": lambda db: figures.returns(db, NOW, NOW + 9, NOW + 99),
    "figures.today": lambda db: figures.today(db, "U1", NOW),
    "ledger.write_intent": lambda db: ledger.write_intent(db, "k", "U1", "call", b"", NOW),
    "ledger.open_intents": ledger.open_intents,
    "ledger.bind_intent": lambda db: ledger.bind_intent(db, "k", "c1"),
    "ledger.send_intent": lambda db: ledger.send_intent(db, "k"),
    "ledger.finish_intent": lambda db: ledger.finish_intent(db, "k"),
    "ledger.drop_intent": lambda db: ledger.drop_intent(db, "k"),
    "ledger.audit": lambda db: ledger.audit(db, NOW, "U1", "call", CALLER),
    "ledger.audit_log": ledger.audit_log,
    "ledger.remind": lambda db: ledger.remind(db, "r", "c1", "U1", NOW),
    "ledger.reminders_due": lambda db: ledger.reminders_due(db, NOW),
    "ledger.reminder_of": lambda db: ledger.reminder_of(db, "c1"),
    "ledger.reminded": lambda db: ledger.reminded(db, "r"),
    "ledger.subscribe": lambda db: ledger.subscribe(db, "C1", "daily", b"", "U1", NOW),
    "ledger.unsubscribe": lambda db: ledger.unsubscribe(db, "C1"),
    "ledger.subscriptions": lambda db: ledger.subscriptions(db, "C1"),
    "ledger.digest_sent": lambda db: ledger.digest_sent(db, "C1", "daily", "2026-02-02"),
    "ledger.send_digest": lambda db: ledger.send_digest(db, "C1", "daily", "2026-02-02", b"", NOW),
    "ledger.problem": lambda db: ledger.problem(db, "k", "text", NOW),
    "ledger.solved": lambda db: ledger.solved(db, "k"),
    "ledger.problems": ledger.problems,
    "ledger.remember": lambda db: ledger.remember(db, "k", "v", NOW),
    "ledger.recall": lambda db: ledger.recall(db, "k"),
    "missed.forget": lambda db: missed.forget(db, "c1", NOW),
    "missed.close": lambda db: missed.close(db, "m1", now=NOW, by="U1", how="by hand"),
    "missed.claim": lambda db: missed.claim(db, "m1", "U1", NOW),
    "missed.release": lambda db: missed.release(db, "m1", "U1", NOW),
    "missed.snooze": lambda db: missed.snooze(db, "m1", "U1", NOW),
    "missed.get": lambda db: missed.get(db, "m1"),
    "missed.waiting": missed.waiting,
    "missed.owed_by": lambda db: missed.owed_by(db, "U1", ("C1",)),
    "missed.to_escalate": lambda db: missed.to_escalate(db, NOW),
    "missed.escalated": lambda db: missed.escalated(db, "m1", NOW),
    "missed.call_ids": lambda db: missed.call_ids(db, "m1"),
    "missed.postpone": lambda db: missed.postpone(db, "m1", NOW),
    "people.person": lambda db: people.person(db, "U1"),
    "people.people": lambda db: people.people(db, ("U1", "U2")),
    "people.check_free": lambda db: people.check_free(db, MINE),
    "people.save_person": lambda db: people.save_person(db, MINE),
    "people.opened_home": lambda db: people.opened_home(db, "U1", NOW),
    "people.homes": lambda db: people.homes(db, NOW),
    "people.contact": lambda db: people.contact(db, CALLER),
    "people.contacts_named": lambda db: people.contacts_named(db, "Noa"),
    "people.save_contact": lambda db: people.save_contact(db, Contact(CALLER, "Noa Green"), "U1", NOW),
    "people.do_not_call": lambda db: people.do_not_call(db, CALLER),
    "people.block": lambda db: people.block(db, CALLER, "Asked", "U1", NOW),
    "people.unblock": lambda db: people.unblock(db, CALLER),
    "people.blocked": people.blocked,
}
BY_INGEST = {"missed.follow"}
"""Called by `calls.ingest` on every path that has a statement."""


def asked_of_the_database() -> set[str]:
    """Functions of bot.store that are given a connection."""
    return {
        f"{module.__name__.rpartition('.')[2]}.{name}"
        for module in MODULES
        for name, function in vars(module).items()
        if inspect.isfunction(function) and function.__module__ == module.__name__ and not name.startswith("_")
        if "db" in inspect.signature(function).parameters
    }


def plans(db: Recording, run: Callable[[sqlite3.Connection], object]) -> list[tuple[str, str]]:
    """(statement, step of its plan) of all that a function sends."""
    db.heard = []
    run(db)
    heard = {(sql, tuple(values)) for sql, values in db.heard}
    return [
        (sql, row["detail"])
        for sql, values in sorted(heard, key=str)
        for row in db.execute(f"EXPLAIN QUERY PLAN {sql}", values)
    ]


def test_every_function_is_looked_at() -> None:
    assert set(HOW) | BY_INGEST == asked_of_the_database()


def read_whole(db: Recording, found: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Steps that read a table of ours from end to end.

    A partial index may be read so: it is made for that, and holds the open, dirty or due rows only.
    """
    names = {row["name"]: row["sql"] or "" for row in db.execute("SELECT name, sql FROM sqlite_master").fetchall()}
    small = tuple(f"INDEX {name}" for name, sql in names.items() if "INDEX" in sql and " WHERE " in sql)
    return [
        (sql, step)
        for sql, step in found
        if step.startswith("SCAN") and step.split()[1] in (*names, "later") and not step.endswith(small)
    ]


@pytest.mark.parametrize("name", sorted(set(HOW) - set(SCANS)))
def test_finds_its_rows_by_an_index(db: Recording, name: str) -> None:
    assert read_whole(db, plans(db, HOW[name])) == []


@pytest.mark.parametrize("name", SCANS)
def test_what_may_read_a_whole_table_still_does(db: Recording, name: str) -> None:
    """Else its reason is out of date."""
    assert read_whole(db, plans(db, HOW[name]))


def test_a_query_without_an_index_would_be_seen(db: Recording) -> None:
    def whole(db: sqlite3.Connection) -> None:
        db.execute("SELECT id FROM calls WHERE line = ?", ("+12025550100",))
        db.execute("SELECT id FROM calls ORDER BY started_at")

    def part(db: sqlite3.Connection) -> None:
        db.execute("SELECT id FROM calls WHERE state <> 'ended'")

    assert len(read_whole(db, plans(db, whole))) == 2
    assert read_whole(db, plans(db, part)) == []
