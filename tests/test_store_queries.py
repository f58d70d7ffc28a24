"""Every query that bot.store really sends, with its own parameters, finds its rows by an index.

The statements are recorded while each function runs, so one that is new, or changed, is looked at without being
listed here; what must be listed is how to call a new function.
"""

import inspect
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest
from typing_extensions import override

from bot.audit_search import Lines
from bot.call import Call
from bot.call_search import Search
from bot.events import (
    CUSTOMER,
    Accepted,
    CallEnded,
    CdrReceived,
    Controlled,
    Described,
    LegAnswered,
    LegRinging,
    Outcome,
    RecordingChanged,
    Requested,
    State,
    Unclear,
)
from bot.roundups import Roundup
from bot.store import (
    audit,
    call_log,
    calling_lists,
    calls,
    campaigns,
    cards,
    channels,
    consents,
    contact_imports,
    contacts,
    dials,
    figures,
    ledger,
    lookups,
    messages,
    missed,
    missed_calls,
    offers,
    opt_outs,
    owners,
    people,
    presence,
    recordings,
    registries,
    retention,
    roundups,
    taken_in,
    threads,
    web_phones,
    workflow_steps,
)
from bot.store.call_log import Reach
from bot.store.cards import Card
from bot.store.consents import Agreed
from bot.store.contacts import Contact
from bot.store.messages import Batch, Recipient
from bot.store.opt_outs import Waiting
from bot.store.people import Person
from bot.store.recordings import Copy
from bot.store.web_phones import Phone
from bot.web_phone import Report
from tests.empty_store import connected
from tests.missed_store import Routes

NOW = 1_770_000_000.0
CALLER = "+12025550155"
MODULES: tuple[ModuleType, ...] = (
    *(
        audit,
        call_log,
        calling_lists,
        calls,
        campaigns,
        cards,
        channels,
        consents,
        contact_imports,
        contacts,
        figures,
        ledger,
        lookups,
    ),
    *(
        dials,
        messages,
        missed,
        missed_calls,
        offers,
        opt_outs,
        owners,
        people,
        presence,
        recordings,
        registries,
        retention,
        taken_in,
        threads,
    ),
    *(roundups, web_phones, workflow_steps),
)
CARD = Card(1, "call", "s", "C1", 1, "", "", "", "n", 0, 0, None, NOW)
MESSAGES = Batch("b1", "U1", "@U1", "acme", "running", NOW, NOW, "", 0, b"{}")
RECIPIENT = Recipient("b1", 0, CALLER, "Noa Green", "waiting", NOW)
COPY = Copy("c1", "https://recordings.example/1.mp3", "@U1", "wanted", NOW, "F1", "DU1", "1.0", NOW, 0, NOW)
RECORDED = Call(
    id="c1", account="acme", direction="in", state=State.ENDED, rep="U1", ended_at=NOW, recordings=(COPY.recording,)
)
ROUNDUP = Roundup("hourly", "C1", NOW, NOW + 3600, NOW + 3600, ("",), ("",))
PHONE = Phone("U1", "acme", "201", b"sealed", "link", "session", NOW)
REGISTRY = registries.Copy("r1", "US", "US", "2026-02-02", 1, "U9", NOW, "us.txt", "current")
MINE = Person("U1", phone_kind="number", phone="+12025550190", extension="201")

SCANS = {
    "calling_lists.latest": "the latest twenty in the order of an index, but for the few that were discarded",
    "cards.conversation": "the check of the demo asks once, in an office of a few cards",
    "cards.set_back": "once each time the clock is set back",
    "consents.all_given": "a list of calls is judged by all of them, once, where there is a registry",
    "ledger.problems": "what is broken now: a handful of rows",
    "ledger.subscriptions": "one row per channel and digest, read once a minute",
    "contacts.named": "part of a name may be anywhere in one; a person waits while an index of all names is read",
    "people.never_called": "a list of calls is judged by all of it, once",
    "people.blocked": "shown to admins, latest first, on request",
    "presence.save_presence": "one row per person and account, when somebody says who they are there",
    "web_phones.waiting": "what waits for its call: a few rows, for an hour at most",
    "web_phones.drop_old": "the same rows",
    "retention.shorten_lists": "one row per file, once an hour",
    "retention.forget_imports": "one row per file, once an hour",
    "retention.forget_words": "steps that a workflow has asked for, by the hour",
    "people.called": "one row per person of the team, when somebody is called by name",
    "people.with_phones": "one row per person of the team, when a manager looks at who waits",
    "people.homes": "whose App Home was opened: one row per person of the team",
}
"""Functions that read a table from end to end -> why that is fine."""


NEARLY_ALL = ("cards_by_message", "calls_by_rep")
"""Partial indexes that only leave out what is never looked for: they grow as their tables do."""


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
    connection = connected(tmp_path / "store.sqlite", Recording)
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
    stray = calls.by_ref(db, "acme", "r1")
    assert stray is not None
    done = (Controlled(at=NOW + 2, by="U1", action="hold"), RecordingChanged(ref="r1", at=NOW + 3, on=True))
    tell(*done, call_id=stray.id)
    ledger.remind(db, stray.id, "U1", NOW + 60)
    tell(Accepted(ref="r1", at=NOW + 9), call_id="ours-1")  # takes a stray in, with what people did with it
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


HEARD = Call(id="call-9", account="acme", purpose="message", number=CALLER, heard=("9",))
BATCH = campaigns.Batch("b1", "acme", "key", "Spring sale", "march.csv", "U1", NOW, "adding")
ROW = b'[{"line":1,"state":"ready","typed":"1","call":{"number":"+12025550155"}}]'


def take_rows(db: sqlite3.Connection) -> None:
    campaigns.create(db, BATCH)
    campaigns.add_rows(db, "b1", ROW)
    assert campaigns.take(db, "b1", 3, "why")


IMPORT = contact_imports.Import("i1", "contacts.csv", "U1", NOW, "preview")
CONTACTS = b'[{"line":2,"state":"ready","number":"+12025550155","name":"Noa Green"},{"line":3,"state":"invalid"}]'


def read_table(db: sqlite3.Connection) -> None:
    assert contact_imports.create(db, IMPORT, [CONTACTS])


def import_table(db: sqlite3.Connection) -> None:
    read_table(db)
    assert contact_imports.run(db, "i1", "U1", NOW) == {"new": 1, "invalid": 1}


def drop_table(db: sqlite3.Connection) -> None:
    read_table(db)
    assert contact_imports.drop(db, "i1", NOW)


LIST = calling_lists.CallingList("l1", "Autumn offers", "autumn.csv", "U2", NOW, "running", NOW)
REP = offers.Rep("l1", "U1", 0, 0)
OFFER = offers.Offer("l1", 1, "offered", CALLER, "", "{}", "", "U1", 0, 1, "", NOW)


def make_list(db: sqlite3.Connection) -> None:
    assert calling_lists.create(db, LIST, ["U1"], [ROW])


def move_list(db: sqlite3.Connection) -> None:
    make_list(db)
    assert calling_lists.move(db, "l1", ("running",), "paused", NOW)
    assert calling_lists.move(db, "l1", ("paused",), "running", NOW)
    assert calling_lists.move(db, "l1", ("running",), "stopped", NOW)


def forget_list(db: sqlite3.Connection) -> None:
    move_list(db)
    assert retention.shorten_lists(db, NOW + 10**6) == 1
    assert retention.forget_calling_lists(db, NOW + 10**6) == 1


def shorten_lists(db: sqlite3.Connection) -> None:
    for make in (take_rows, move_list, read_table):
        make(db)
    campaigns.move(db, "b1", ("adding",), "paused", NOW)
    while retention.shorten_lists(db, NOW + 10**6):
        pass
    assert retention.forget_lists(db, NOW + 10**6) == retention.forget_calling_lists(db, NOW + 10**6) == 1


def forget_calls(db: sqlite3.Connection) -> None:
    ingest(db)
    assert retention.forget_calls(db, retention.old_calls(db, NOW + 10**6, ""), NOW + 10**6)


def list_in_a_registry(db: sqlite3.Connection) -> registries.Copy | None:
    registries.create(db, REGISTRY)
    return registries.listing(db, CALLER)


def list_recordings(db: sqlite3.Connection) -> None:
    for rep in ("", "U1"):
        for number in ("", CALLER):
            recordings.calls_with(db, rep=rep, number=number)


def call_from_list(db: sqlite3.Connection) -> None:
    make_list(db)
    held = offers.candidate(db, "l1", "U1", NOW)
    assert held is not None
    offers.offer(db, held, "U1", NOW)
    row = offers.held(db, "l1", "U1")
    assert row is not None
    assert offers.take(db, row, "c1", NOW)
    offers.show_call(db, "c1")


def put_back(db: sqlite3.Connection) -> None:
    messages.write(db, MESSAGES, [RECIPIENT], NOW)
    messages.take(db, RECIPIENT, "c1")
    assert messages.put_back(db, "c1", NOW)


def retry_now(db: sqlite3.Connection) -> None:
    cards.retry_now(db, NOW)
    cards.retry_now(db, NOW, "C1")


def tell_roundup(db: sqlite3.Connection) -> None:
    roundups.tell(db, ROUNDUP, RECORDED, NOW, late=False)
    roundups.tell(db, ROUNDUP, RECORDED, NOW + 10**6, late=True)
    other = msgspec.structs.replace(ROUNDUP, kind="daily", due_at=ROUNDUP.due_at + 1)
    roundups.tell(db, other, RECORDED, NOW, late=False)
    assert roundups.told_elsewhere(db, other) == [ROUNDUP]


def read_the_log(db: sqlite3.Connection) -> None:
    """Every search by everybody who may search, from the newest and from a call on in both directions."""
    searches = [
        Search(since=NOW),
        Search(since=NOW, until=NOW + 9, line="+12025550100", direction="in"),
        Search(numbers=(CALLER,)),
        Search(numbers=(CALLER, "201"), rep="U1"),
        Search(rep="U1", missed=True),
        Search(since=NOW, missed=True),
        Search(since=NOW, messages=True),
    ]
    for search in searches:
        for reach in (Reach(), Reach("U1", ("C1", "C2", "@U1"))):
            call_log.page(db, search, reach, 10)
            for newer in (False, True):
                call_log.page(db, search, reach, 10, (NOW, "c1"), newer=newer)


def read_the_audit_log(db: sqlite3.Connection) -> None:
    for search in (Lines(), Lines(since=NOW, until=NOW + 9, by="U1", words=("campaign", CALLER))):
        audit.page(db, search, 10)
        for newer in (False, True):
            audit.page(db, search, 10, (NOW, 1), newer=newer)


HOW: dict[str, Callable[[sqlite3.Connection], object]] = {
    "audit.page": read_the_audit_log,
    "audit.each": lambda db: list(audit.each(db, Lines(by="U1"), 10)),
    "audit.count": lambda db: audit.count(db, Lines(words=("allow",))),
    "call_log.page": read_the_log,
    "call_log.claimed": lambda db: call_log.claimed(db, ["c1"], "U1"),
    "calling_lists.get": lambda db: calling_lists.get(db, "l1"),
    "calling_lists.create": make_list,
    "calling_lists.move": move_list,
    "calling_lists.forget_rows": lambda db: calling_lists.forget_rows(db, "l1"),
    "calling_lists.show": lambda db: calling_lists.show(db, "l1", NOW),
    "calling_lists.reps": lambda db: calling_lists.reps(db, "l1"),
    "calling_lists.counts": lambda db: calling_lists.counts(db, "l1"),
    "calling_lists.hours": lambda db: calling_lists.hours(db, "l1"),
    "calling_lists.some": lambda db: calling_lists.some(db, "l1", "ready", 3),
    "calling_lists.refused": lambda db: calling_lists.refused(db, "l1"),
    "calling_lists.progress": lambda db: calling_lists.progress(db, "l1", NOW, NOW - 60),
    "calling_lists.results": lambda db: calling_lists.results(db, "l1"),
    "calling_lists.latest": lambda db: calling_lists.latest(db, 20),
    "calling_lists.asked": calling_lists.asked,
    "calling_lists.want_report": lambda db: calling_lists.want_report(db, "l1"),
    "calling_lists.reports_due": calling_lists.reports_due,
    "calling_lists.take_report": lambda db: calling_lists.take_report(db, "l1"),
    "calls.ingest": ingest,
    "calls.get": lambda db: calls.get(db, "c1"),
    "calls.by_ref": lambda db: calls.by_ref(db, "acme", "r1"),
    "calls.heard_at": lambda db: calls.heard_at(db, "c1"),
    "calls.place_of": lambda db: calls.place_of(db, "c1"),
    "calls.open_calls": lambda db: calls.open_calls(db, "acme"),
    "calls.ended_of_late": lambda db: calls.ended_of_late(db, NOW),
    "calls.spoken_by": lambda db: calls.spoken_by(db, "U1", NOW),
    "dials.on_a_call": lambda db: dials.on_a_call(db, CALLER, NOW),
    "calls.last_dialled": lambda db: calls.last_dialled(db, "U1", NOW),
    "calls.with_number": lambda db: calls.with_number(db, CALLER, NOW),
    "dials.attempts_since": lambda db: dials.attempts_since(db, CALLER, NOW),
    "dials.dials_since": lambda db: (dials.dials_since(db, NOW, NOW, "U1"), dials.dials_since(db, NOW, NOW)),
    "dials.under_way": lambda db: dials.under_way(db, "U1", NOW),
    "dials.joined_since": lambda db: (dials.joined_since(db, NOW, "U1"), dials.joined_since(db, NOW)),
    "dials.started_since": lambda db: dials.started_since(db, NOW, "place_a_call", "U1"),
    "dials.joined_now": lambda db: dials.joined_now(db, "U1", NOW),
    "dials.messages_since": lambda db: dials.messages_since(db, NOW, "U1"),
    "dials.unfinished_dial": lambda db: dials.unfinished_dial(db, "U1", CALLER, NOW),
    "dials.dialled_just_now": lambda db: dials.dialled_just_now(db, "U1", CALLER, NOW),
    "cards.mark": lambda db: cards.mark(db, "call", "s", "C1", NOW),
    "cards.waits_no_longer": lambda db: cards.waits_no_longer(db, "digest", "s", "C1", NOW, b"{}"),
    "cards.drop_picture": lambda db: cards.drop_picture(db, replace(CARD, body=b'{"picture": "F1"}')),
    "cards.cancel_all": lambda db: cards.cancel_all(db, "notice", "s"),
    "cards.cancel": lambda db: cards.cancel(db, "notice", "s", "@U1"),
    "cards.touch": lambda db: cards.touch(db, "s", "call"),
    "cards.touch_all": lambda db: cards.touch_all(db, "notice", "s"),
    "cards.add_line": lambda db: cards.add_line(db, "c1", "k", b"{}", NOW),
    "cards.by_id": lambda db: cards.by_id(db, 1),
    "cards.is_dirty": lambda db: cards.is_dirty(db, 1),
    "cards.due_at": lambda db: cards.due_at(db, 1),
    "cards.postpone": lambda db: cards.postpone(db, CARD, NOW),
    "cards.due": cards.due,
    "cards.next_in": lambda db: cards.next_in(db, "C1"),
    "cards.by_message": lambda db: cards.by_message(db, "C1", "1.0"),
    "cards.find": lambda db: cards.find(db, "call", "s"),
    "cards.posting": lambda db: cards.posting(db, CARD, "C1", NOW),
    "cards.not_posted": lambda db: cards.not_posted(db, CARD),
    "cards.shown": lambda db: cards.shown(db, CARD, "C1", "1.0", "f"),
    "cards.gone": lambda db: cards.gone(db, CARD),
    "cards.anew": lambda db: cards.anew(db, CARD),
    "cards.look_again": lambda db: cards.look_again(db, CARD),
    "cards.give_up": lambda db: cards.give_up(db, "C1"),
    "cards.leave": lambda db: cards.leave(db, CARD),
    "cards.retry_now": retry_now,
    "cards.let_pass": lambda db: cards.let_pass(db, CARD),
    "cards.held": lambda db: cards.held(db, NOW),
    "cards.hold_no_longer": lambda db: cards.hold_no_longer(db, [1], NOW),
    "cards.set_back": lambda db: cards.set_back(db, 3600, NOW),
    "cards.later": lambda db: cards.later(db, CARD, NOW),
    "cards.waiting": cards.waiting,
    "cards.places": lambda db: cards.places(db, "notice", "problem:x"),
    "cards.conversation": lambda db: cards.conversation(db, "U1"),
    "figures.rows": lambda db: figures.rows(db, NOW, NOW + 9),
    "figures.places": lambda db: figures.places(db, NOW, NOW + 60),
    "figures.counts": lambda db: figures.counts(db, NOW, NOW + 86400),
    "figures.returns": lambda db: list(figures.returns(db, [CALLER], NOW, NOW + 99)),
    "figures.today": lambda db: figures.today(db, "U1", NOW),
    "ledger.write_intent": lambda db: ledger.write_intent(db, "k", "U1", "call", b"", NOW),
    "ledger.write_anew": lambda db: ledger.write_anew(db, "k", "U1", "call", b"", NOW),
    "ledger.take_once": lambda db: ledger.take_once(db, "k", "U1", "live:keys", NOW),
    "ledger.open_intents": ledger.open_intents,
    "ledger.bind_intent": lambda db: ledger.bind_intent(db, "k", "c1"),
    "ledger.send_intent": lambda db: ledger.send_intent(db, "k"),
    "ledger.finish_intent": lambda db: ledger.finish_intent(db, "k"),
    "ledger.undo_intent": lambda db: ledger.undo_intent(db, "k"),
    "ledger.drop_intent": lambda db: ledger.drop_intent(db, "k"),
    "ledger.audit": lambda db: ledger.audit(db, NOW, "U1", "call", CALLER),
    "ledger.intent": lambda db: ledger.intent(db, "k"),
    "ledger.remind": lambda db: ledger.remind(db, "c1", "U1", NOW),
    "ledger.reminders_due": lambda db: ledger.reminders_due(db, NOW),
    "ledger.take_back_reminder": lambda db: ledger.take_back_reminder(db, "c1", "U1"),
    "ledger.reminders_of": lambda db: ledger.reminders_of(db, "U1"),
    "ledger.reminder_of": lambda db: ledger.reminder_of(db, "c1", "U1"),
    "ledger.reminded": lambda db: ledger.reminded(db, "r", NOW),
    "ledger.subscribe": lambda db: ledger.subscribe(db, "C1", "daily", b"", "U1", NOW),
    "ledger.unsubscribe": lambda db: ledger.unsubscribe(db, "C1"),
    "ledger.subscriptions": lambda db: ledger.subscriptions(db, "C1"),
    "ledger.digest_sent": lambda db: ledger.digest_sent(db, "C1", "daily", "2026-02-02", NOW),
    "ledger.send_digest": lambda db: ledger.send_digest(db, "C1", "daily", "2026-02-02", b"", NOW),
    "ledger.problem": lambda db: ledger.problem(db, "k", "text", NOW),
    "ledger.solved": lambda db: ledger.solved(db, "k"),
    "ledger.problems": ledger.problems,
    "ledger.remember": lambda db: ledger.remember(db, "k", "v", NOW),
    "ledger.recall": lambda db: ledger.recall(db, "k"),
    "ledger.recall_all": lambda db: ledger.recall_all(db, "k "),
    "ledger.forget_fact": lambda db: ledger.forget_fact(db, "k"),
    "messages.write": lambda db: messages.write(db, MESSAGES, [RECIPIENT], NOW),
    "messages.get": lambda db: messages.get(db, "b1"),
    "messages.results": lambda db: messages.results(db, "b1"),
    "messages.waiting": lambda db: messages.waiting(db, "U1"),
    "messages.move": lambda db: messages.move(db, "b1", "draft", "running"),
    "messages.asked": messages.asked,
    "messages.unsent": lambda db: messages.unsent(db, "b1"),
    "messages.end": lambda db: messages.end(db, "b1", "U1"),
    "messages.next_due": lambda db: messages.next_due(db, "acme", NOW),
    "messages.lost": lambda db: messages.lost(db, ["other"], NOW),
    "messages.running": lambda db: messages.running(db, "acme"),
    "messages.take": lambda db: messages.take(db, RECIPIENT, "c1"),
    "messages.defer": lambda db: messages.defer(db, RECIPIENT, NOW),
    "messages.refuse": lambda db: messages.refuse(db, RECIPIENT, "Why."),
    "messages.put_back": put_back,
    "messages.of_call": lambda db: messages.of_call(db, "c1"),
    "messages.show": lambda db: messages.show(db, "c1"),
    "messages.finished": messages.finished,
    "messages.over": lambda db: messages.over(db, "b1"),
    "messages.report": lambda db: messages.report(db, "b1"),
    "missed_calls.reopen": lambda db: missed_calls.reopen(db, RECORDED, NOW, 900.0, 3600.0),
    "missed_calls.moved": lambda db: missed_calls.moved(db, lambda call: "C9"),
    "missed_calls.follow_settings": lambda db: missed_calls.follow_settings(db, lambda call: "C9", NOW),
    "missed_calls.counts": lambda db: missed_calls.counts(db, "c1"),
    "missed_calls.forget": lambda db: missed_calls.forget(db, "c1", NOW),
    "missed.close": lambda db: missed.close(db, "m1", now=NOW, by="U1", how="by hand"),
    "missed.claim": lambda db: missed.claim(db, "m1", "U1", NOW),
    "missed.assign": lambda db: missed.assign(db, "m1", "U1", NOW),
    "missed.release": lambda db: missed.release(db, "m1", "U1", NOW),
    "missed.snooze": lambda db: missed.snooze(db, "m1", "U1", NOW),
    "missed.get": lambda db: missed.get(db, "m1"),
    "missed.waiting": missed.waiting,
    "missed.seen_by": lambda db: missed.seen_by(db, "U1"),
    "missed.owed_by": lambda db: missed.owed_by(db, "U1"),
    "channels.keep_members": lambda db: channels.keep_members(db, "C1", ["U1"], NOW),
    "channels.members": channels.members,
    "channels.closed_to": lambda db: channels.closed_to(db, "U1"),
    "channels.open_to": lambda db: channels.open_to(db, "U1", {"C1"}),
    "missed.to_escalate": lambda db: missed.to_escalate(db, NOW),
    "missed.escalated": lambda db: missed.escalated(db, "m1", NOW),
    "missed.told_nobody": lambda db: missed.told_nobody(db, "@U1", NOW),
    "missed.call_ids": lambda db: missed.call_ids(db, "m1"),
    "missed.postpone": lambda db: missed.postpone(db, "m1", NOW, NOW),
    "offers.rep": lambda db: offers.rep(db, "l1", "U1"),
    "offers.of": lambda db: offers.of(db, "U1"),
    "offers.get": lambda db: offers.get(db, "l1", 1),
    "offers.held": lambda db: offers.held(db, "l1", "U1"),
    "offers.candidate": lambda db: offers.candidate(db, "l1", "U1", NOW),
    "offers.offer": lambda db: offers.offer(db, OFFER, "U1", NOW),
    "offers.put_off": lambda db: offers.put_off(db, OFFER, "U1", NOW, "", NOW),
    "offers.settle": lambda db: offers.settle(db, OFFER, "done", "", NOW),
    "offers.anew": lambda db: offers.anew(db, OFFER, NOW),
    "offers.take": call_from_list,
    "offers.pause": lambda db: offers.pause(db, "l1", "U1", 1),
    "offers.go_by_itself": lambda db: offers.go_by_itself(db, "l1", "U1", 15, NOW),
    "offers.keep_going": lambda db: offers.keep_going(db, "l1", "U1", NOW),
    "offers.go_by_hand": lambda db: offers.go_by_hand(db, "l1", "U1", "."),
    "offers.going": offers.going,
    "offers.is_over": lambda db: offers.is_over(db, "l1"),
    "offers.left": lambda db: offers.left(db, "l1", NOW),
    "offers.done": lambda db: offers.done(db, "l1", "U1"),
    "offers.by_call": lambda db: offers.by_call(db, "c1"),
    "offers.tries": lambda db: offers.tries(db, OFFER),
    "offers.show_call": call_from_list,
    "offers.touch": lambda db: offers.touch(db, REP),
    "offers.show": lambda db: offers.show(db, REP, NOW),
    "offers.move_down": lambda db: offers.move_down(db, REP, NOW),
    "offers.idle": lambda db: offers.idle(db, NOW),
    "offers.answered": offers.answered,
    "people.person": lambda db: people.person(db, "U1"),
    "people.people": lambda db: people.people(db, ("U1", "U2")),
    "people.check_free": lambda db: people.check_free(db, MINE),
    "people.taken": lambda db: people.taken(db, MINE),
    "people.save_met": lambda db: people.save_met(db, people.Person("U1", "Dana Levi", "Europe/Madrid")),
    "people.outsiders": lambda db: people.outsiders(db),
    "ledger.drop_intents_of": lambda db: ledger.drop_intents_of(db, "U1"),
    "people.save_person": lambda db: people.save_person(db, MINE),
    "people.is_colleagues": lambda db: people.is_colleagues(db, CALLER),
    "people.opened_home": lambda db: people.opened_home(db, "U1", NOW),
    "people.called": lambda db: people.called(db, "Dana Levi"),
    "people.with_phones": lambda db: people.with_phones(db, 9),
    "people.homes": lambda db: people.homes(db, NOW),
    "lookups.known": lambda db: lookups.known(db, CALLER),
    "lookups.asked": lambda db: lookups.asked(db, CALLER, NOW),
    "lookups.keep": lambda db: lookups.keep(db, CALLER, "Dana Levi", "", NOW, NOW - 86400),
    "lookups.forget": lambda db: lookups.forget(db, NOW),
    "contacts.get": lambda db: contacts.get(db, CALLER),
    "contacts.named": lambda db: contacts.named(db, "Noa"),
    "contacts.page": lambda db: (
        contacts.page(db),
        contacts.page(db, "", ("Noa", CALLER)),
        contacts.page(db, "", ("Noa", CALLER), back=True),
        contacts.page(db, "noa 0155"),
    ),
    "contacts.added_by": lambda db: contacts.added_by(db, CALLER),
    "contacts.remove": lambda db: contacts.remove(db, CALLER),
    "contacts.save": lambda db: contacts.save(db, Contact(CALLER, "Noa Green"), "U1", NOW),
    "people.do_not_call": lambda db: people.do_not_call(db, CALLER),
    "people.block": lambda db: people.block(db, CALLER, "Asked", "U1", NOW),
    "people.unblock": lambda db: people.unblock(db, CALLER),
    "people.blocked": people.blocked,
    "people.never_called": people.never_called,
    "people.of_extensions": lambda db: people.of_extensions(db, "acme", ("201",)),
    "contact_imports.get": lambda db: contact_imports.get(db, "i1"),
    "contact_imports.create": read_table,
    "contact_imports.counts": lambda db: contact_imports.counts(db, IMPORT),
    "contact_imports.some": lambda db: contact_imports.some(db, "i1", "new", 3),
    "contact_imports.refused": lambda db: contact_imports.refused(db, "i1"),
    "contact_imports.replaced": lambda db: contact_imports.replaced(db, "i1"),
    "contact_imports.show": lambda db: contact_imports.show(db, IMPORT, NOW),
    "contact_imports.run": import_table,
    "contact_imports.drop": drop_table,
    "contact_imports.reports_due": contact_imports.reports_due,
    "contact_imports.take_report": lambda db: contact_imports.take_report(db, "i1"),
    "campaigns.get": lambda db: campaigns.get(db, "b1"),
    "campaigns.create": lambda db: campaigns.create(db, BATCH),
    "campaigns.add_rows": lambda db: campaigns.add_rows(db, "b9", ROW),
    "campaigns.forget": lambda db: campaigns.forget(db, "b1"),
    "campaigns.move": lambda db: campaigns.move(db, "b1", ("preview", "paused"), "adding", NOW),
    "campaigns.show": lambda db: campaigns.show(db, "b1", NOW),
    "campaigns.take": take_rows,
    "campaigns.ready_among": lambda db: campaigns.ready_among(db, "b1", frozenset({CALLER})),
    "campaigns.leave_out": lambda db: campaigns.leave_out(db, "b1", [1], "why"),
    "campaigns.settle": lambda db: campaigns.settle(db, "b1", [(1, "added", "")], NOW),
    "campaigns.sending": lambda db: campaigns.sending(db, "b1"),
    "campaigns.give_up": lambda db: campaigns.give_up(db, "b1", "why"),
    "campaigns.counts": lambda db: campaigns.counts(db, "b1"),
    "campaigns.hours": lambda db: campaigns.hours(db, "b1"),
    "campaigns.some": lambda db: campaigns.some(db, "b1", "ready", 3),
    "campaigns.refused": lambda db: campaigns.refused(db, "b1"),
    "campaigns.unfinished": campaigns.unfinished,
    "campaigns.open_lists": campaigns.open_lists,
    "campaigns.number_of": lambda db: campaigns.number_of(db, "b1"),
    "messages.heed": lambda db: messages.heed(db, HEARD, "pressed 9", NOW),
    "opt_outs.opt_out": lambda db: opt_outs.opt_out(db, CALLER, "Asked", "U1", NOW),
    "offers.bring_back": lambda db: offers.bring_back(db, "the copy", NOW),
    "registries.create": lambda db: registries.create(db, REGISTRY),
    "registries.add_pages": lambda db: registries.add_pages(db, "r1", [(1, b"")]),
    "registries.make_current": lambda db: registries.make_current(db, "r1"),
    "registries.give_up": lambda db: registries.give_up(db, NOW),
    "registries.remove": lambda db: registries.remove(db, "US"),
    "registries.current": registries.current,
    "registries.listing": list_in_a_registry,
    "registries.packed": lambda db: (list_in_a_registry(db), registries.packed(db)),
    "registries.sweep": lambda db: (registries.remove(db, "US"), registries.sweep(db)),
    "consents.get": lambda db: consents.get(db, CALLER),
    "consents.save": lambda db: consents.save(db, [Agreed(CALLER, "Noa", NOW, "form", "U2", NOW)]),
    "consents.withdraw": lambda db: consents.withdraw(db, CALLER),
    "consents.all_given": consents.all_given,
    "campaigns.with_number": lambda db: campaigns.with_number(db, "acme", CALLER),
    "campaigns.abandoned": lambda db: campaigns.abandoned(db, "acme", "key", NOW),
    "dials.calls_to": lambda db: dials.calls_to(db, CALLER, NOW, NOW, NOW),
    "dials.called_us": lambda db: dials.called_us(db, CALLER, NOW),
    "opt_outs.opt_in": lambda db: opt_outs.opt_in(db, CALLER),
    "opt_outs.waiting": opt_outs.waiting,
    "opt_outs.removed": lambda db: opt_outs.removed(db, Waiting(CALLER, "acme", "key", "Spring", NOW)),
    "campaigns.added_to": lambda db: campaigns.added_to(db, CALLER),
    "campaigns.want_report": lambda db: campaigns.want_report(db, "b1"),
    "campaigns.reports_due": campaigns.reports_due,
    "campaigns.take_report": lambda db: campaigns.take_report(db, "b1"),
    "campaigns.results": lambda db: campaigns.results(db, "acme", "key"),
    "presence.presence": lambda db: presence.presence(db, "U1", "acme"),
    "presence.save_presence": lambda db: presence.save_presence(
        db, "U1", "acme", presence.Presence("7", "away", NOW), NOW, "presence", "away"
    ),
    "recordings.follow": lambda db: recordings.follow(db, RECORDED, NOW, begins=False, late=False),
    "recordings.want": lambda db: recordings.want(db, RECORDED, COPY.recording, "@U1", NOW),
    "recordings.want_again": lambda db: recordings.want_again(db, COPY, NOW),
    "recordings.of_call": lambda db: recordings.of_call(db, "c1"),
    "recordings.due": lambda db: recordings.due(db, NOW),
    "recordings.keep": lambda db: recordings.keep(db, COPY),
    "recordings.sharing": lambda db: recordings.sharing(db, COPY, "F1", "DU1", "", NOW),
    "recordings.shared": lambda db: recordings.shared(db, COPY),
    "recordings.anew": lambda db: recordings.anew(db, COPY, NOW),
    "recordings.later": lambda db: recordings.later(db, COPY, NOW),
    "recordings.give_up": lambda db: recordings.give_up(db, COPY),
    "recordings.outdated": lambda db: recordings.outdated(db, NOW, NOW),
    "recordings.deleted": lambda db: recordings.deleted(db, COPY),
    "recordings.calls_with": list_recordings,
    "retention.old_calls": lambda db: retention.old_calls(db, NOW + 10**6, "c0"),
    "retention.forget_calls": forget_calls,
    "retention.forget_messages": lambda db: retention.forget_messages(db, NOW + 10**6),
    "retention.shorten_lists": shorten_lists,
    "retention.forget_lists": lambda db: retention.forget_lists(db, NOW + 10**6),
    "retention.forget_calling_lists": forget_list,
    "retention.forget_imports": lambda db: retention.forget_imports(db, NOW + 10**6),
    "retention.old_notices": lambda db: retention.old_notices(db, NOW + 10**6, 0),
    "retention.forget_notices": lambda db: retention.forget_notices(db, [1], NOW + 10**6),
    "retention.forget_words": lambda db: retention.forget_words(db, NOW + 10**6),
    "retention.forget_audit": lambda db: retention.forget_audit(db, NOW + 10**6),
    "roundups.tell": tell_roundup,
    "roundups.look_again": lambda db: roundups.look_again(db, "C1", NOW),
    "roundups.put_in": lambda db: roundups.put_in(db, "C1", RECORDED),
    "roundups.has_told": lambda db: roundups.has_told(db, "C1", RECORDED, ""),
    "roundups.told_elsewhere": lambda db: roundups.told_elsewhere(db, ROUNDUP),
    "roundups.calls_of": lambda db: roundups.calls_of(db, NOW, NOW + 3600, "C1"),
    "roundups.waiting": lambda db: roundups.waiting(db, "c1"),
    "web_phones.get": lambda db: web_phones.get(db, "U1"),
    "web_phones.save": lambda db: web_phones.save(db, PHONE),
    "web_phones.forget": lambda db: web_phones.forget(db, "U1"),
    "web_phones.linked": lambda db: web_phones.linked(db, "U1", "link"),
    "web_phones.open_page": lambda db: web_phones.open_page(db, "U1", "link", "session", NOW),
    "web_phones.of_session": lambda db: web_phones.of_session(db, "session", NOW),
    "web_phones.keep": lambda db: web_phones.keep(db, "acme", Report("ringing", "r1", "201", NOW)),
    "web_phones.take": lambda db: web_phones.take(db, "acme", "r1"),
    "web_phones.waiting": web_phones.waiting,
    "web_phones.drop_old": lambda db: web_phones.drop_old(db, NOW),
    "workflow_steps.begin": lambda db: workflow_steps.begin(db, "Fx1", "place_a_call", "U1", "U2", NOW),
    "workflow_steps.get": lambda db: workflow_steps.get(db, "Fx1"),
    "workflow_steps.became": lambda db: workflow_steps.became(db, "Fx1", "c1"),
    "workflow_steps.in_state": lambda db: workflow_steps.in_state(db, "open"),
    "workflow_steps.answer": lambda db: workflow_steps.answer(db, "Fx1", b"{}", NOW, state="open"),
    "workflow_steps.due": lambda db: workflow_steps.due(db, NOW),
    "workflow_steps.later": lambda db: workflow_steps.later(db, "Fx1", NOW),
    "workflow_steps.done": lambda db: workflow_steps.done(db, "Fx1"),
}
BY_INGEST = {
    *(
        "missed.put_right",
        "missed_calls.follow",
        "missed_calls.move",
        "roundups.follow",
        "taken_in.move",
        "threads.take_back",
        "threads.tell",
        "cards.drop_line",
    ),
    *("owners.holder", "owners.owner", "owners.stray_of"),
}
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
    partial = (name for name, sql in names.items() if "INDEX" in sql and " WHERE " in sql)
    small = tuple(f"INDEX {name}" for name in partial if name not in NEARLY_ALL)
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


def test_what_was_talked_long_before_is_not_read_for_a_digest(db: Recording) -> None:
    """Of each number that was missed: some have called every day for years."""
    steps = [step for _, step in plans(db, HOW["figures.returns"])]
    assert "SEARCH later USING INDEX calls_by_number (number=? AND started_at>? AND started_at<?)" in steps


def test_nor_for_a_missed_caller(db: Recording) -> None:
    steps = {step for sql, step in plans(db, HOW["calls.ingest"]) if "max(answered_at, started_at)" in sql}
    assert steps == {"SEARCH calls USING INDEX calls_by_number (number=? AND started_at>?)"}


def test_recordings_are_looked_for_from_the_latest_call_on(db: Recording) -> None:
    """Not all there are, to sort them."""
    steps = {step for _, step in plans(db, list_recordings)}
    assert steps == {
        "SEARCH calls USING INDEX calls_by_number (number=?)",
        "SEARCH calls USING INDEX calls_by_rep (rep=?)",
        "SEARCH recordings USING INDEX sqlite_autoindex_recordings_1 (call_id=?)",
        "CORRELATED SCALAR SUBQUERY 1",
        "SCAN recordings USING INDEX recordings_left",
    }


def test_a_query_without_an_index_would_be_seen(db: Recording) -> None:
    def whole(db: sqlite3.Connection) -> None:
        db.execute("SELECT id FROM calls WHERE line = ?", ("+12025550100",))
        db.execute("SELECT id FROM calls ORDER BY started_at")

    def part(db: sqlite3.Connection) -> None:
        db.execute("SELECT id FROM calls WHERE state <> 'ended'")

    assert len(read_whole(db, plans(db, whole))) == 2
    assert read_whole(db, plans(db, part)) == []
