"""Missed callers: one row per caller and place, closed by any later conversation and by no earlier one."""

import sqlite3
from itertools import permutations

import pytest
from typing_extensions import override

from bot import digest
from bot.call import Call
from bot.events import CallEnded, Described, Direction, LegEnded, LegRinging, Outcome, Requested, Settled, Unclear
from bot.periods import Period
from bot.store import calls, cards, figures, missed, schema
from tests.missed_store import AFTER, CALLER, NOW, Routes, all_rows, ingest, miss, only, record, returns, talk

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


def test_never_escalated_where_it_is_switched_off(db: sqlite3.Connection) -> None:
    ingest(db, *record("m1", NOW, Outcome.NO_ANSWER), now=NOW, after=0)
    assert only(db).escalate_at == 0
    assert missed.to_escalate(db, NOW + 10**6) == []
