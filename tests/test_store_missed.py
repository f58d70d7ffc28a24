"""Missed callers: one row per caller and place, closed by any later conversation and by no earlier one."""

import asyncio
import random
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import permutations
from pathlib import Path

import msgspec
import pytest
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
    LegAnswered,
    LegEnded,
    LegRinging,
    Outcome,
    Requested,
    Settled,
    Unclear,
)
from bot.periods import Period
from bot.roundups import Roundup
from bot.store import Database, calls, cards, channels, figures, missed, schema
from bot.store.missed import Missed
from tests.empty_store import connected

NOW = 1_770_000_000.0
CALLER, OTHER = "+12025550155", "+12025550156"
AFTER = 900.0
CLAIMED = 3600.0
FAX = "+12025550109"
BRIEF = 5


@dataclass
class Routes:
    """The line's last two digits name its channel."""

    after: float = AFTER

    def place(self, call: Call) -> str:
        return f"C{call.line[-2:]}" if call.line else "C00"

    def summary(self, call: Call) -> bool:
        return True

    def announced(self, call: Call) -> bool:
        return True

    def unreported(self, call: Call) -> Unreported:
        return "line" if call.line == FAX else "brief" if 0 < call.ended_at - call.started_at < BRIEF else ""

    def escalate_after(self) -> float:
        return self.after

    def remind_after(self) -> float:
        return CLAIMED

    def stop_key(self) -> str:
        return ""

    def roundup(self, call: Call, place: str, now: float) -> Roundup | None:
        return None


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = connected(tmp_path / "store.sqlite", sqlite3.Connection)
    yield connection
    connection.close()


def ingest(db: sqlite3.Connection, *events: AnyEvent, now: float, after: float = AFTER) -> None:
    calls.ingest(db, "acme", events, now=now, routing=Routes(after))


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


# One row


def test_five_tries_are_one_row(db: sqlite3.Connection) -> None:
    for number in range(5):
        miss(db, f"m{number}", NOW + 100 * number)
    row = only(db)
    assert (row.calls, row.opened_at, row.last_at, row.number, row.place) == (5, NOW, NOW + 400, CALLER, "C00")
    assert [at for _, at in missed.call_ids(db, row.id)] == [NOW + 100 * number for number in range(5)]
    assert row.escalate_at == NOW + 10 + AFTER  # counted from the first: trying again does not postpone it
    assert len([1 for _ in db.execute("SELECT 1 FROM cards WHERE kind = 'missed'")]) == 1


def test_records_that_arrive_late_and_in_no_order_count_the_same(db: sqlite3.Connection) -> None:
    for number in (3, 0, 4, 1, 2, 2, 0):
        ingest(db, *record(f"m{number}", NOW + 100 * number, Outcome.NO_ANSWER), now=NOW + 5000)
    row = only(db)
    assert (row.calls, row.opened_at, row.last_at) == (5, NOW, NOW + 400)


def test_a_caller_is_owed_a_call_in_each_place(db: sqlite3.Connection) -> None:
    miss(db, "m1")
    miss(db, "m2", line="+12025550101")
    assert sorted(row.place for row in missed.waiting(db)) == ["C00", "C01"]
    talk(db, "t1", NOW + 100)
    assert missed.waiting(db) == []  # whoever spoke with them spoke for all


def test_withheld_numbers_are_nobody_we_could_tell_apart(db: sqlite3.Connection) -> None:
    miss(db, "m1", number="")
    miss(db, "m2", NOW + 100, number="")
    assert [row.calls for row in missed.waiting(db)] == [1, 1]
    ingest(db, *record("t1", NOW + 200, Outcome.ANSWERED, number=""), now=NOW + 300)
    assert len(missed.waiting(db)) == 2


def test_nobody_is_missed_where_nothing_is_shown(db: sqlite3.Connection) -> None:
    class Nowhere(Routes):
        @override
        def place(self, call: Call) -> str:
            return ""

    calls.ingest(db, "acme", record("m1", NOW, Outcome.NO_ANSWER), now=NOW, routing=Nowhere())
    assert all_rows(db) == []
    assert db.execute("SELECT count(*) FROM cards").fetchone()[0] == 0


def test_a_new_try_after_it_was_closed_is_a_new_row(db: sqlite3.Connection) -> None:
    miss(db, "m1")
    talk(db, "t1", NOW + 100)
    miss(db, "m2", NOW + 1000)
    assert [(row.calls, row.open) for row in all_rows(db)] == [(1, False), (1, True)]


# Missed after all, or not


def test_answered_by_a_colleague_after_all_removes_it(db: sqlite3.Connection) -> None:
    miss(db, "m1")
    miss(db, "m2", NOW + 100)
    row = only(db)
    ingest(db, *record("m2", NOW + 100, Outcome.ANSWERED, leg="ext:202"), now=NOW + 200)
    # That conversation began after the other try, so it closes it, too.
    closed = missed.get(db, row.id)
    assert closed is not None
    assert (closed.calls, closed.closed_how) == (1, "reached us")


def test_the_only_try_that_was_answered_after_all_leaves_no_row(db: sqlite3.Connection) -> None:
    miss(db, "m1")
    row = only(db)
    db.execute("UPDATE cards SET dirty = 0")
    ingest(db, *record("m1", NOW, Outcome.ANSWERED, leg="ext:202"), now=NOW + 3)
    assert all_rows(db) == []
    card = cards.find(db, "missed", row.id)
    assert card is not None
    assert db.execute("SELECT dirty FROM cards WHERE id = ?", (card.id,)).fetchone()[0] == 1


def test_a_call_that_still_rings_somewhere_is_not_missed(db: sqlite3.Connection) -> None:
    ingest(
        db,
        Described(ref="m1", at=NOW, source="popup", direction="in", number=CALLER),
        LegRinging(ref="m1", at=NOW, leg="ext:201"),
        LegRinging(ref="m1", at=NOW, leg="ext:202"),
        LegEnded(ref="m1", at=NOW + 5, leg="ext:201", outcome=Outcome.BUSY),
        now=NOW + 5,
    )
    ingest(db, LegEnded(ref="m1", at=NOW + 9, leg="ext:202", outcome=Outcome.NO_ANSWER), now=NOW + 9)
    assert all_rows(db) == []  # the next phone of a ring group may be about to ring
    ingest(db, CallEnded(ref="m1", at=NOW + 9), now=NOW + 9)
    assert only(db).calls == 1


# Told out of turn, and corrected


def ended_before_it_was_described(db: sqlite3.Connection, ref: str = "m1", at: float = NOW) -> None:
    """The service tells of the phone that rang and of the end; who called comes out of turn."""
    ingest(db, LegEnded(ref=ref, at=at + 10, leg="ext:201", outcome=Outcome.BUSY), CallEnded(ref=ref, at=at + 10),
           now=at + 10)  # fmt: skip


def who_called(db: sqlite3.Connection, ref: str = "m1", at: float = NOW) -> None:
    ingest(db, Described(ref=ref, at=at, source="popup", direction="in", number=CALLER), now=at + 20)


def test_who_called_may_be_told_after_the_end(db: sqlite3.Connection) -> None:
    ended_before_it_was_described(db)
    withheld = only(db)
    missed.claim(db, withheld.id, "U1", NOW + 15)
    who_called(db)
    row = only(db)
    assert (row.id, row.number, row.claimed_by, row.opened_at) == (withheld.id, CALLER, "U1", NOW)
    talk(db, "t1", NOW + 100, "out")
    assert missed.waiting(db) == []


def test_who_called_may_wait_already(db: sqlite3.Connection) -> None:
    miss(db, "m0", NOW - 100)
    waits = only(db)
    ended_before_it_was_described(db)
    assert len(missed.waiting(db)) == 2
    who_called(db)
    assert (only(db).id, only(db).calls, only(db).last_at) == (waits.id, 2, NOW)


def test_who_called_may_have_been_talked_with_since(db: sqlite3.Connection) -> None:
    ended_before_it_was_described(db)
    talk(db, "t1", NOW + 12)
    who_called(db)
    (row,) = all_rows(db)
    assert (row.open, row.number, row.closed_how) == (False, CALLER, "reached us")


def test_who_called_and_on_whose_line_may_be_told_together_and_both_be_others(db: sqlite3.Connection) -> None:
    """Out of turn, where whoever was told of first waits on that line, too."""
    miss(db, "m0", NOW - 100, number=OTHER, line="+12025550102")
    miss(db, "m1", NOW, number=OTHER, line="")
    told = Described(ref="m1", at=NOW - 1, source="popup", direction="in", number=CALLER, line="+12025550102")
    ingest(db, told, now=NOW + 20)
    assert [(row.number, row.place, row.calls) for row in missed.waiting(db)] == [
        (OTHER, "C02", 1),
        (CALLER, "C02", 1),
    ]


def test_a_claim_stays_where_caller_and_line_are_told_late(db: sqlite3.Connection) -> None:
    miss(db, "m0", NOW - 100, line="")  # who waits where calls without a line are shown is another row
    miss(db, "m1", NOW, number="", line="")
    (row,) = [row for row in missed.waiting(db) if not row.number]
    missed.claim(db, row.id, "U1", NOW + 15)
    told = Described(ref="m1", at=NOW, source="popup", direction="in", number=CALLER, line="+12025550102")
    ingest(db, told, now=NOW + 20)
    moved = missed.get(db, row.id)
    assert moved is not None
    assert (moved.number, moved.place, moved.claimed_by) == (CALLER, "C02", "U1")


def test_whom_somebody_ticked_off_is_not_back_because_of_a_number(db: sqlite3.Connection) -> None:
    ended_before_it_was_described(db)
    missed.close(db, only(db).id, now=NOW + 15, by="U1", how="by hand")
    miss(db, "m2", NOW + 30)
    who_called(db)
    assert [(row.number, row.open, row.closed_how) for row in all_rows(db)] == [
        (CALLER, False, "by hand"),
        (CALLER, True, ""),
    ]


@pytest.mark.parametrize(("recorded", "waits"), [(NOW + 20, 0), (NOW + 200, 1)])
def test_when_they_called_is_as_the_record_says(db: sqlite3.Connection, recorded: float, waits: int) -> None:
    """The webhooks come by our clock, the record by the service's."""
    ended_before_it_was_described(db, at=NOW + 50)
    who_called(db, at=NOW + 50)
    talk(db, "t1", NOW + 100)
    told = CdrReceived(ref="m1", at=recorded, leg="ext:201", outcome=Outcome.BUSY, ring_seconds=10)
    ingest(db, told, now=NOW + 900)
    assert len(missed.waiting(db)) == waits
    assert [row.last_at for row in all_rows(db)] == [recorded]


def test_whom_a_conversation_before_their_try_had_closed_is_closed_by_the_next(db: sqlite3.Connection) -> None:
    """By its record the call came after the conversation that seemed to have closed it, but before another one."""
    rang = (
        Described(ref="m1", at=NOW, source="popup", direction="in", number=CALLER, line="+12025550100"),
        LegRinging(ref="m1", at=NOW, leg="ext:201"),
        CallEnded(ref="m1", at=NOW + 10),
    )
    ingest(db, *rang, now=NOW + 10)
    talk(db, "t1", NOW + 20)
    talk(db, "t2", NOW + 500, "out")
    late = CdrReceived(ref="m1", at=NOW + 40, leg="ext:201", outcome=Outcome.NO_ANSWER, ring_seconds=10)
    ingest(db, late, now=NOW + 900)
    (row,) = all_rows(db)
    by = calls.by_ref(db, "acme", "t2")
    assert by is not None
    assert (row.last_at, row.closed_at, row.closed_how, row.closed_call) == (NOW + 40, NOW + 510, "called back", by.id)


def test_a_try_after_the_conversation_that_was_none_leaves_those_before_it_called_back(db: sqlite3.Connection) -> None:
    miss(db, "m1")
    ended_before_it_was_described(db, "m2", NOW + 1000)
    who_called(db, "m2", NOW + 1000)
    talk(db, "t1", NOW + 500)
    assert only(db).calls == 2
    brief = CdrReceived(ref="m2", at=NOW + 1000, leg="ext:201", outcome=Outcome.NO_ANSWER, ring_seconds=2)
    ingest(db, brief, now=NOW + 1200)
    (row,) = all_rows(db)
    conversation = calls.by_ref(db, "acme", "t1")
    assert conversation is not None
    assert (row.calls, row.closed_how, row.closed_call) == (1, "reached us", conversation.id)


def test_a_conversation_that_began_before_the_try_has_not_closed_it(db: sqlite3.Connection) -> None:
    miss(db, "m1")
    picked_up = LegAnswered(ref="t1", at=NOW + 3, leg="ext:202")
    described = Described(ref="t1", at=NOW - 20, source="popup", direction="in", number=CALLER)
    ingest(db, described, picked_up, CallEnded(ref="t1", at=NOW + 60), now=NOW + 60)
    assert missed.waiting(db) == []
    ingest(
        db,
        CdrReceived(ref="t1", at=NOW - 20, leg="ext:202", outcome=Outcome.ANSWERED, ring_seconds=10, talk_seconds=70),
        now=NOW + 70,
    )
    assert (only(db).calls, only(db).closed_call) == (1, "")


def test_a_conversation_that_was_another_orders_has_closed_nobody(db: sqlite3.Connection) -> None:
    """An unclear order is taken for a call of which only our service told, and then its own record comes."""
    mine = calls.new_id(NOW)
    asked = Requested(at=NOW, rep="U1", rep_phone="+12025550190", number=CALLER)
    calls.ingest(db, "acme", [asked], now=NOW, routing=Routes(), call_id=mine)
    echo = CdrReceived(ref="t1", at=NOW + 800, leg=CUSTOMER, outcome=Outcome.ANSWERED, ring_seconds=10)
    ingest(db, echo, now=NOW + 890)
    calls.ingest(db, "acme", [Unclear(at=NOW + 9, words="?")], now=NOW + 895, routing=Routes(), call_id=mine)
    miss(db, "m1", NOW + 805)
    assert missed.waiting(db) == []
    told = Described(ref="o1", at=NOW, source="cdr", direction="out", number=CALLER, call_id=mine)
    own = CdrReceived(ref="o1", at=NOW, leg=CUSTOMER, outcome=Outcome.ANSWERED, ring_seconds=10, talk_seconds=5)
    ingest(db, told, own, now=NOW + 900)
    assert (only(db).calls, only(db).opened_at) == (1, NOW + 805)


KINDS = ("missed", "missed by its record", "talked", "answered after all", "unanswered after all", "out", "by word")


def invented(choose: random.Random, ref: str) -> list[tuple[str, list[AnyEvent]]]:
    """A call as it is told bit by bit: (our id, "" = the service tells; what is told)."""
    at = NOW + choose.choice([0, 10, 50, 100, 100.4, 500])
    number, line = choose.choice([CALLER, OTHER, ""]), choose.choice(["", "+12025550101", FAX])
    kind, rings = choose.choice(KINDS), choose.choice([2, 10, 30])
    talked, other = choose.choice([5, 60]), choose.choice([Outcome.BUSY, Outcome.VOICEMAIL, Outcome.NO_ANSWER])

    def cdr(outcome: Outcome, leg: str = "ext:201", shift: float = 0) -> AnyEvent:
        talk = talked if outcome is Outcome.ANSWERED else 0
        return CdrReceived(ref=ref, at=at + shift, leg=leg, outcome=outcome, ring_seconds=rings, talk_seconds=talk)

    told = Described(ref=ref, at=at, source="cdr", direction="in", number=number, line=line)
    end: AnyEvent = CallEnded(ref=ref, at=at + rings)
    picked_up: AnyEvent = LegAnswered(ref=ref, at=at + rings, leg="ext:201")
    out = msgspec.structs.replace(told, direction="out", number=number or CALLER, call_id=f"ours-{ref}")
    asked = Requested(at=at, rep="U1", rep_phone="+12025550190", number=out.number)
    said = Settled(at=at + 40, by="U1", outcome=choose.choice([Outcome.ANSWERED, Outcome.NO_ANSWER]))
    ours: list[tuple[str, list[AnyEvent]]] = [
        (out.call_id, [event]) for event in (asked, Unclear(at=at + 5, words="Who knows."), said)
    ]
    rang: list[AnyEvent] = [told, LegRinging(ref=ref, at=at, leg="ext:201")]
    stories: dict[str, list[list[AnyEvent]]] = {
        "missed": [rang, [LegEnded(ref=ref, at=at + rings, leg="ext:201", outcome=other)], [end]],
        "missed by its record": [rang, [end], [cdr(other, shift=choose.choice([-20, -1, 1, 20]))]],
        "talked": [rang, [picked_up], [end], [cdr(Outcome.ANSWERED)]],
        "answered after all": [[told, cdr(Outcome.NO_ANSWER)], [cdr(Outcome.ANSWERED, "ext:202")]],
        "unanswered after all": [[told], [picked_up], [end], [cdr(other)]],
        "out": [[msgspec.structs.replace(out, call_id="")], [cdr(Outcome.ANSWERED, "rep")], [cdr(other, CUSTOMER)]],
        "by word": [[out, cdr(choose.choice([Outcome.ANSWERED, other]), CUSTOMER)]] if choose.random() < 0.5 else [],
    }
    bits = stories[kind]
    if choose.random() < 0.4:
        choose.shuffle(bits)
    return [*(ours if kind == "by word" else []), *(("", bit) for bit in bits)]


def recount(db: sqlite3.Connection) -> set[tuple[str, str, float]]:
    """Who is owed a call, slowly: (number, place, when they tried last; 0 = it is not known who they are)."""
    found = [(calls.get(db, row["id"]), row["place"]) for row in db.execute("SELECT id, place FROM calls").fetchall()]
    every = [(call, place) for call, place in found if call is not None]
    talks = [(call.number, call.answered_at or call.started_at) for call, _ in every if call.conversation]
    owed: dict[tuple[str, str], float] = {}
    for call, place in every:
        talked = any(number == call.number != "" and at > call.started_at for number, at in talks)
        if call.missed and not talked:
            owed[call.number, place] = max(owed.get((call.number, place), 0), call.started_at if call.number else 0)
    return {(*whom, at) for whom, at in owed.items()}


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


def test_against_a_slow_recount_of_invented_days(tmp_path: Path) -> None:
    for one in range(80):
        choose = random.Random(one)
        connection = connected(tmp_path / f"{one}.sqlite", sqlite3.Connection)
        days = [invented(choose, f"r{number}") for number in range(choose.randint(2, 6))]
        now = NOW + 1000
        while any(days):
            call_id, told = choose.choice([day for day in days if day]).pop(0)
            now += 7
            before, numbers = all_rows(connection), {""}
            connection.execute("UPDATE cards SET dirty = 0")
            for _ in range(choose.choice([1, 1, 1, 2])):
                changes = calls.ingest(connection, "acme", told, now=now, routing=Routes(), call_id=call_id)
                numbers |= {change.call.number for change in changes}
            told_as_it_is(connection, before, numbers)
            for row in missed.waiting(connection):
                if choose.random() < 0.1:
                    missed.claim(connection, row.id, "U1", now, now + CLAIMED)
                if choose.random() < 0.3:
                    cards.mark(connection, "notice", f"{missed.ESCALATED}:{row.id}:{now}", "@U1", now)
        waits = {(row.number, row.place, row.last_at if row.number else 0) for row in missed.waiting(connection)}
        assert waits == recount(connection), one
        period = Period("today", NOW - 100, NOW + 600, now)
        rows = figures.rows(connection, period.start, period.end)
        found = digest.figures(rows, returns(connection, period.start, now), period, "UTC", str, now)
        assert {row.number for row in found.waiting} == {number for number, *_ in waits if number}, one
        connection.close()


def returns(db: sqlite3.Connection, start: float, as_of: float) -> digest.Returns:
    return lambda numbers: figures.returns(db, numbers, start, as_of)


# Closed by whom


@pytest.mark.parametrize(("direction", "how"), [("in", "reached us"), ("out", "called back")])
def test_a_later_conversation_closes_it_whoever_called(db: sqlite3.Connection, direction: Direction, how: str) -> None:
    miss(db, "m1")
    row = only(db)
    talk(db, "t1", NOW + 600, direction)
    closed = missed.get(db, row.id)
    conversation = calls.by_ref(db, "acme", "t1")
    assert closed is not None
    assert conversation is not None
    assert (closed.closed_at, closed.closed_how, closed.closed_call) == (NOW + 610, how, conversation.id)
    assert closed.escalate_at == 0


def test_an_earlier_conversation_closes_nothing(db: sqlite3.Connection) -> None:
    talk(db, "t1", NOW - 600)
    miss(db, "m1")
    assert only(db).calls == 1
    talk(db, "t2", NOW - 300)  # its record arrives after the try's
    assert only(db).calls == 1


def test_nor_does_one_of_the_same_moment(db: sqlite3.Connection) -> None:
    """Several people may call from one number; in doubt somebody waits. A digest says the same."""
    talk(db, "t1", NOW - 10)  # talking from NOW on
    miss(db, "m1")
    assert only(db).calls == 1
    talk(db, "t2", NOW - 10)
    assert only(db).calls == 1
    rows = figures.rows(db, NOW - 60, NOW + 600)
    period = Period("2026", NOW - 60, NOW + 600, NOW + 600)
    found = digest.figures(rows, returns(db, period.start, NOW + 600), period, "UTC", str, NOW + 600)
    assert [waiting.number for waiting in found.waiting] == [CALLER]


def test_a_try_between_two_tries_and_a_conversation_leaves_the_later_ones_open(db: sqlite3.Connection) -> None:
    miss(db, "m1")
    miss(db, "m2", NOW + 1000)
    talk(db, "t1", NOW + 500)
    assert (only(db).calls, only(db).open) == (2, True)


def test_nobody_is_called_back_by_an_attempt(db: sqlite3.Connection) -> None:
    miss(db, "m1")
    ingest(db, *record("a1", NOW + 100, Outcome.NO_ANSWER, direction="out"), now=NOW + 110)
    assert only(db).calls == 1


def test_a_try_whose_record_comes_after_the_conversation_opens_nothing(db: sqlite3.Connection) -> None:
    talk(db, "t1", NOW + 100)
    miss(db, "m1")
    assert all_rows(db) == []


def test_a_conversation_by_a_reps_word_counts_as_well_for_a_record_that_is_late(db: sqlite3.Connection) -> None:
    asked = Requested(at=NOW + 60, rep="U1", rep_phone="+12025550190", number=CALLER)
    said = (Unclear(at=NOW + 70, words="Nobody knows."), Settled(at=NOW + 99, by="U1", outcome=Outcome.ANSWERED))
    for event in (asked, *said):
        calls.ingest(db, "acme", [event], now=event.at, routing=Routes(), call_id="ours")
    miss(db, "m1")
    assert all_rows(db) == []
    miss(db, "m2", NOW + 500)
    assert only(db).calls == 1


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


def test_whom_nobody_has_talked_with_after_all_waits_again(db: sqlite3.Connection) -> None:
    miss(db)
    said_to_have_talked(db)
    assert missed.waiting(db) == []
    overrule(db)
    row = only(db)
    assert (row.calls, row.closed_by, row.closed_how, row.closed_call) == (1, "", "", "")
    assert row.escalate_at == NOW + 700 + AFTER
    assert len(all_rows(db)) == 1


@pytest.mark.parametrize("after", [AFTER, 0.0])
def test_whoever_had_claimed_whom_nobody_has_talked_with_after_all_is_reminded_as_of_a_claim(
    db: sqlite3.Connection, after: float
) -> None:
    """Also where callers whom nobody has claimed are not escalated."""
    miss(db)
    missed.claim(db, only(db).id, "U1", NOW + 20, NOW + 20 + CLAIMED)
    missed.escalated(db, only(db).id, 0)
    said_to_have_talked(db)
    assert missed.waiting(db) == []
    overrule(db, after)
    row = only(db)
    assert (row.claimed_by, row.reminded) == ("U1", 0)  # to be told of that anew
    assert row.escalate_at == NOW + 700 + CLAIMED


def test_nobody_waits_again_and_is_told_of_where_that_is_switched_off(db: sqlite3.Connection) -> None:
    miss(db)
    said_to_have_talked(db)
    overrule(db, after=0)
    assert only(db).escalate_at == 0


def test_what_becomes_of_one_caller_changes_nothing_for_the_others(db: sqlite3.Connection) -> None:
    others = [f"+1202555017{number}" for number in range(4)]
    for number in others:
        miss(db, number, number=number)
    reminded, told, _, over = missed.waiting(db)
    for row in (reminded, told):
        missed.claim(db, row.id, "U2", NOW + 11, NOW + CLAIMED)
    missed.escalated(db, told.id, 0)
    missed.close(db, over.id, now=NOW + 12, by="U2", how="by hand")
    before = all_rows(db)

    miss(db)
    (row,) = (row for row in missed.waiting(db) if row.number == CALLER)
    missed.claim(db, row.id, "U1", NOW + 20, NOW + CLAIMED)
    miss(db, "m2", NOW + 30)
    said_to_have_talked(db)
    miss(db, "m3", NOW + 500)
    overrule(db)
    (row,) = (row for row in missed.waiting(db) if row.number == CALLER)
    assert row.calls == 3
    assert [row for row in all_rows(db) if row.number in others] == before


def test_whose_record_came_after_such_a_conversation_waits_too(db: sqlite3.Connection) -> None:
    said_to_have_talked(db)
    miss(db)
    assert missed.waiting(db) == []
    overrule(db)
    assert (only(db).calls, only(db).opened_at) == (1, NOW)


def test_whom_nobody_has_talked_with_after_all_may_have_tried_again(db: sqlite3.Connection) -> None:
    miss(db)
    said_to_have_talked(db)
    miss(db, "m2", NOW + 500)
    overrule(db)
    assert (only(db).calls, only(db).opened_at, len(all_rows(db))) == (2, NOW, 1)


def test_whom_nobody_has_talked_with_then_may_have_been_talked_with_later(db: sqlite3.Connection) -> None:
    miss(db)
    said_to_have_talked(db)
    talk(db, "t1", NOW + 500)
    overrule(db)
    (row,) = all_rows(db)
    assert (row.open, row.closed_how, row.closed_at) == (False, "reached us", NOW + 510)


def test_whom_nobody_has_talked_with_then_may_have_been_talked_with_later_and_wait_again(
    db: sqlite3.Connection,
) -> None:
    miss(db)
    said_to_have_talked(db)
    talk(db, "t1", NOW + 300)
    miss(db, "m2", NOW + 500)
    overrule(db)
    first, second = all_rows(db)
    assert (first.closed_how, first.closed_at, second.open) == ("reached us", NOW + 310, True)
    assert (only(db).id, only(db).calls, only(db).opened_at) == (second.id, 1, NOW + 500)


def test_a_try_that_was_after_a_conversation_may_have_been_before_another_and_they_wait_again(
    db: sqlite3.Connection,
) -> None:
    rang = (
        Described(ref="m1", at=NOW, source="popup", direction="in", number=CALLER),
        LegRinging(ref="m1", at=NOW, leg="ext:201"),
        CallEnded(ref="m1", at=NOW + 10),
    )
    ingest(db, *rang, now=NOW + 10)
    talk(db, "t1", NOW + 1)
    talk(db, "t2", NOW + 300)
    miss(db, "m2", NOW + 500)
    corrected = CdrReceived(ref="m1", at=NOW + 20, leg="ext:201", outcome=Outcome.NO_ANSWER, ring_seconds=10)
    ingest(db, corrected, now=NOW + 700)
    first, second = all_rows(db)
    assert (first.closed_how, first.closed_at, second.open) == ("reached us", NOW + 310, True)
    assert (only(db).id, only(db).calls) == (second.id, 1)


def test_in_any_order_of_records_the_same_are_owed_a_call() -> None:
    """Two tries and a conversation between them: the later try is owed a call, whatever is told first."""
    story = [
        record("m1", NOW, Outcome.NO_ANSWER),
        record("t1", NOW + 100, Outcome.ANSWERED),
        record("m2", NOW + 500, Outcome.BUSY),
    ]
    for told in permutations(story):
        connection = sqlite3.connect(":memory:", isolation_level=None)
        connection.row_factory = sqlite3.Row
        schema.migrate(connection)
        for number, events in enumerate(told):
            ingest(connection, *events, now=NOW + 1000 + number)
        assert [row.last_at for row in missed.waiting(connection)] == [NOW + 500], told
        connection.close()


# Who takes it


def rung(ref: str, seconds: int, at: float = NOW, outcome: Outcome = Outcome.NO_ANSWER) -> tuple[AnyEvent, ...]:
    """The record of a call that rang so long."""
    return (
        Described(ref=ref, at=at, source=f"cdr:{seconds}", direction="in", number=CALLER, line="+12025550100"),
        CdrReceived(ref=ref, at=at, leg="ext:201", outcome=outcome, ring_seconds=seconds),
    )


def ended(ref: str, after: float, at: float = NOW) -> tuple[AnyEvent, ...]:
    """What was told while it rang and when it was over, by a clock that is not the service's."""
    return (
        Described(ref=ref, at=at, source="popup", direction="in", number=CALLER, line="+12025550100"),
        LegRinging(ref=ref, at=at, leg="ext:201"),
        LegEnded(ref=ref, at=at + after, leg="ext:201", outcome=Outcome.NO_ANSWER),
        CallEnded(ref=ref, at=at + after),
    )


def test_whoever_hung_up_too_soon_waits_for_nothing(db: sqlite3.Connection) -> None:
    ingest(db, *ended("m1", 2), now=NOW + 2)
    assert all_rows(db) == []
    miss(db, "m2", NOW + 60)
    assert (only(db).calls, only(db).opened_at) == (1, NOW + 60)  # only the try that counts


def test_a_card_goes_when_the_record_says_that_it_hardly_rang_and_comes_when_it_says_otherwise(
    db: sqlite3.Connection,
) -> None:
    ingest(db, *ended("m1", 9), now=NOW + 9)
    row = only(db)
    card = cards.find(db, "missed", row.id)
    assert card is not None
    cards.shown(db, card, "C00", "1.0", "as shown")
    ingest(db, *rung("m1", 2), now=NOW + 60)
    assert (all_rows(db), cards.is_dirty(db, card.id)) == ([], True)  # drawn as nothing, so the feed deletes it
    ingest(db, *ended("m2", 2, NOW + 100), now=NOW + 102)
    assert all_rows(db) == []
    ingest(db, *rung("m2", 20, NOW + 100), now=NOW + 160)
    assert (only(db).calls, only(db).escalate_at) == (1, NOW + 160 + AFTER)


def test_whoever_has_claimed_a_caller_keeps_them_though_another_try_did_not_count(db: sqlite3.Connection) -> None:
    miss(db, "m1")
    ingest(db, *ended("m2", 9, NOW + 30), now=NOW + 39)
    missed.claim(db, only(db).id, "U1", NOW + 40)
    ingest(db, *rung("m2", 2, NOW + 30), now=NOW + 60)
    assert (only(db).calls, only(db).claimed_by, only(db).last_at) == (1, "U1", NOW)


@pytest.mark.parametrize(("first", "last", "open_after"), [(9, 2, 0), (2, 9, 1), (9, 9, 1), (2, 2, 0)])
def test_in_any_order_of_what_is_told_the_same_caller_waits(
    db: sqlite3.Connection, first: int, last: int, open_after: int
) -> None:
    told = [*ended("m1", first), *rung("m1", last)]
    for order in permutations(told):
        db.execute("BEGIN")
        for event in order:
            ingest(db, event, now=NOW + 60)
        assert len([row for row in all_rows(db) if row.open]) == open_after
        (why,) = db.execute("SELECT body ->> 'unreported' FROM calls").fetchone()
        assert why == (None if open_after else "brief")
        db.execute("ROLLBACK")


def test_a_line_whose_missed_calls_are_nobodys_concern(db: sqlite3.Connection) -> None:
    ingest(db, *record("m1", NOW, Outcome.VOICEMAIL, line=FAX), now=NOW + 10)
    assert all_rows(db) == []
    miss(db, "m2", NOW + 60)
    assert only(db).calls == 1


def test_a_conversation_that_was_none_brings_back_nobody_who_hung_up_too_soon(db: sqlite3.Connection) -> None:
    ingest(db, *ended("m1", 2), now=NOW + 2)
    said_to_have_talked(db)
    overrule(db)
    assert all_rows(db) == []


def test_the_figures_agree_with_the_cards(db: sqlite3.Connection) -> None:
    ingest(db, *ended("m1", 2), now=NOW + 2)
    ingest(db, *record("m2", NOW + 60, Outcome.BUSY, line=FAX), now=NOW + 70)
    miss(db, "m3", NOW + 120)
    talk(db, "t1", NOW + 300)
    rows = list(figures.rows(db, NOW - 60, NOW + 600))
    assert {row.id: row.unreported for row in rows} == {row.id: row.id in unreported(db) for row in rows}
    period = Period("2026", NOW - 60, NOW + 600, NOW + 600)
    found = digest.figures(rows, returns(db, period.start, NOW + 600), period, "UTC", str, NOW + 600)
    assert (found.incoming, found.answered_in, found.missed, found.unreported) == (4, 1, 1, 2)
    counted = figures.counts(db, NOW - 60, NOW + 600)
    assert (counted.incoming, counted.answered_in, counted.missed) == (4, 1, 1)
    assert (found.missed_callers, len(found.waiting), len([row for row in all_rows(db) if row.open])) == (1, 0, 0)


def test_a_conversation_by_a_reps_word_after_the_period_is_one_for_its_digest_too(db: sqlite3.Connection) -> None:
    miss(db)
    said_to_have_talked(db)
    period = Period("2026", NOW - 60, NOW + 30, NOW + 30)  # Callboard was down when it was due
    rows = figures.rows(db, period.start, period.end)
    found = digest.figures(rows, returns(db, period.start, NOW + 600), period, "UTC", str, NOW + 600)
    assert (found.waiting, found.returned) == ((), 1)
    assert missed.waiting(db) == []


def unreported(db: sqlite3.Connection) -> set[str]:
    return {row[0] for row in db.execute("SELECT call_id FROM call_refs WHERE ref IN ('m1', 'm2')")}


@pytest.mark.parametrize("after", [0.0, NOW + 900])
def test_one_that_is_given_back_comes_back_when_its_card_says(db: sqlite3.Connection, after: float) -> None:
    miss(db)
    row = only(db)
    missed.claim(db, row.id, "U1", NOW + 20)
    missed.snooze(db, row.id, "U1", NOW + 86400)
    assert missed.release(db, row.id, "U1", after)
    assert (only(db).claimed_by, only(db).snoozed_until) == ("", NOW + 86400)
    assert missed.to_escalate(db, NOW + 86399) == []
    assert [found.id for found in missed.to_escalate(db, NOW + 86400)] == [row.id]


async def test_of_all_who_claim_at_once_one_wins(tmp_path: Path) -> None:
    database = Database(tmp_path / "store.sqlite")
    await database.write(miss)
    (row,) = await database.read(missed.waiting)
    users = [f"U{number}" for number in range(20)]
    found = await asyncio.gather(
        *(database.write(lambda db, user=user: missed.claim(db, row.id, user, NOW + 60)) for user in users)  # type: ignore[misc]
    )
    assert {after.claimed_by if after else "nobody" for after in found} == {"U0"}
    database.close()


def test_claimed_released_snoozed_and_closed(db: sqlite3.Connection) -> None:
    miss(db, "m1")
    row = only(db)
    assert (claimed := missed.claim(db, row.id, "U1", NOW + 60)) is not None
    assert (claimed.claimed_by, claimed.claimed_at, claimed.escalate_at) == ("U1", NOW + 60, 0)
    assert not missed.release(db, row.id, "U2", NOW + 900)
    assert missed.release(db, row.id, "U1", NOW + 900)
    assert (only(db).claimed_by, only(db).escalate_at) == ("", NOW + 900)
    assert missed.snooze(db, row.id, "U2", NOW + 5000)
    assert missed.to_escalate(db, NOW + 4999) == []
    assert [found.id for found in missed.to_escalate(db, NOW + 5000)] == [row.id]
    assert missed.close(db, row.id, now=NOW + 70, by="U3", how="by hand")
    assert not missed.close(db, row.id, now=NOW + 80, by="U4", how="by hand")
    assert not missed.snooze(db, row.id, "U2", NOW + 9000)
    assert not missed.release(db, row.id, "U1", NOW + 900)
    assert (after := missed.claim(db, row.id, "U1", NOW + 90)) is not None
    assert (after.claimed_by, after.closed_by, after.open) == ("", "U3", False)
    assert missed.to_escalate(db, NOW + 99999) == []
    assert missed.claim(db, "nobody", "U1", NOW) is None


def test_whoever_is_given_a_caller_has_that_one_and_what_was_to_be_told_of_it_is_not(db: sqlite3.Connection) -> None:
    miss(db)
    miss(db, "o1", NOW + 1, number=OTHER)
    miss(db, "o2", NOW + 2, number="+12025550157")
    row, _, over = missed.waiting(db)
    missed.close(db, over.id, now=NOW + 20, by="U2", how="by hand")
    missed.snooze(db, row.id, "U2", NOW + 86400)
    turns: list[Callable[[], bool]] = [
        lambda: missed.assign(db, row.id, "U1", NOW + 50, NOW + CLAIMED),
        lambda: missed.assign(db, row.id, "U3", NOW + 60, NOW + CLAIMED),
        lambda: missed.release(db, row.id, "U3", NOW + AFTER),
    ]
    for given in turns:
        cards.mark(db, "notice", f"{missed.ESCALATED}:{row.id}:{NOW}", "@U1", NOW)
        before = all_rows(db)
        db.execute("UPDATE cards SET dirty = 0")
        assert given()
        assert db.execute("SELECT count(*) FROM cards WHERE kind = 'notice'").fetchone()[0] == 0
        told_as_it_is(db, before, {CALLER})
        if given_to := missed.waiting(db)[0].claimed_by:
            assert not missed.assign(db, row.id, given_to, NOW + 70)
    released = missed.waiting(db)[0]
    assert (released.claimed_by, released.claimed_at, released.snoozed_until) == ("", 0, 0)
    assert not missed.assign(db, over.id, "U1", NOW + 80)
    assert all_rows(db)[2].claimed_by == ""


def test_what_a_rep_owes(db: sqlite3.Connection) -> None:
    for number, line in enumerate(("+12025550100", "+12025550101", "+12025550102")):
        miss(db, f"m{number}", NOW + number, number=f"+1202555016{number}", line=line)
    mine, theirs, _ = missed.waiting(db)
    missed.claim(db, mine.id, "U1", NOW)
    missed.claim(db, theirs.id, "U2", NOW)
    assert [row.place for row in missed.owed_by(db, "U1")] == ["C00", "C02"]
    channels.keep_members(db, "C02", ["U2", "U3"], NOW)
    channels.keep_members(db, "C01", None, NOW)
    assert [row.place for row in missed.owed_by(db, "U1")] == ["C00"]
    assert [row.place for row in missed.seen_by(db, "U1")] == ["C00", "C01"]
    assert [row.place for row in missed.seen_by(db, "U3")] == ["C00", "C01", "C02"]
    channels.keep_members(db, "C00", ["U3"], NOW)
    assert [row.place for row in missed.owed_by(db, "U1")] == ["C00"], "claimed before they left"
    channels.keep_members(db, "C02", None, NOW)
    assert [row.place for row in missed.owed_by(db, "U1")] == ["C00", "C02"]


def test_many_who_wait_for_ever_hide_nobody_who_called_just_now(db: sqlite3.Connection) -> None:
    """Withheld numbers close by hand only: where nobody does that, they gather."""
    for number in range(300):
        miss(db, f"w{number}", NOW + number, number="", line="+12025550101")
    channels.keep_members(db, "C01", ["U2"], NOW)
    miss(db, at=NOW + 1000)
    assert [row.number for row in missed.owed_by(db, "U1")] == [CALLER]
    assert missed.owed_by(db, "U2")[-1].number == CALLER
    assert [len(missed.owed_by(db, user)) for user in ("U1", "U2")] == [1, 301]
    latest = missed.waiting(db, 2)
    assert [row.opened_at for row in latest] == [NOW + 299, NOW + 1000]


def test_never_escalated_where_it_is_switched_off(db: sqlite3.Connection) -> None:
    ingest(db, *record("m1", NOW, Outcome.NO_ANSWER), now=NOW, after=0)
    assert only(db).escalate_at == 0
    assert missed.to_escalate(db, NOW + 10**6) == []
