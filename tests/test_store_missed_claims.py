"""Who takes a missed caller: claimed, given, given back, put off, ticked off; what a rep owes."""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.store import Database, cards, channels, missed
from tests.missed_store import AFTER, CALLER, CLAIMED, NOW, OTHER, all_rows, miss, only, told_as_it_is


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
