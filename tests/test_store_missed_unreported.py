"""Callers who hung up too soon, and lines whose missed calls are nobody's concern: no row, and no figure."""

import sqlite3
from itertools import permutations

import pytest

from bot import digest
from bot.events import AnyEvent, CallEnded, CdrReceived, Described, LegEnded, LegRinging, Outcome
from bot.periods import Period
from bot.store import cards, figures, missed
from tests.missed_store import (
    AFTER,
    CALLER,
    FAX,
    NOW,
    all_rows,
    ingest,
    miss,
    only,
    overrule,
    record,
    returns,
    said_to_have_talked,
    talk,
)


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
