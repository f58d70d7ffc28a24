"""Missed callers of whom more is told later, or other things: who called, when, and that nobody talked with them."""

import sqlite3

import pytest

from bot.events import (
    CUSTOMER,
    CallEnded,
    CdrReceived,
    Described,
    LegAnswered,
    LegEnded,
    LegRinging,
    Outcome,
    Requested,
    Unclear,
)
from bot.store import calls, missed
from tests.missed_store import (
    AFTER,
    CALLER,
    CLAIMED,
    NOW,
    OTHER,
    Routes,
    all_rows,
    ingest,
    miss,
    only,
    overrule,
    said_to_have_talked,
    talk,
)


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
