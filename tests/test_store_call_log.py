"""The call log's pages: no call twice and none left out, whoever may see what, whenever they began."""

import random
import sqlite3

import pytest

from bot.by_hand import BY_HAND, HandMade, events
from bot.call_search import Search
from bot.events import CUSTOMER, AnyEvent, CdrReceived, Described, Direction, Outcome, Requested
from bot.store import call_log, calls, missed
from bot.store.call_log import Reach, Row
from tests.missed_store import FAX, Routes

NOW = 1_770_000_000.0
CALLER, OTHER = "+12025550155", "+12025550156"
SALES, SUPPORT = "+12025550101", "+12025550102"
EVERYTHING = Search()
MANAGER = Reach()
REP = Reach("U1", ("C01", "@U1"))


def put(db: sqlite3.Connection, *told: AnyEvent, account: str = "acme") -> str:
    (change,) = calls.ingest(db, account, told, now=NOW, routing=Routes(), call_id=calls.new_id(NOW))
    return change.call.id


def made(
    db: sqlite3.Connection,
    rep: str = "U1",
    at: float = NOW,
    *,
    number: str = CALLER,
    direction: Direction = "out",
    talked: int = 60,
    line: str = SALES,
) -> str:
    call = HandMade(rep, direction, number, at, talked, line)
    return put(db, *events(call, NOW), account=BY_HAND)


def miss(db: sqlite3.Connection, at: float = NOW, number: str = CALLER, line: str = SALES) -> str:
    ref = f"in-{random.random()}"
    return put(
        db,
        Described(ref=ref, at=at, source="cdr", direction="in", number=number, line=line),
        CdrReceived(ref=ref, at=at, leg="ext:AAA", outcome=Outcome.NO_ANSWER, ring_seconds=20),
    )


def message(db: sqlite3.Connection, rep: str = "U1", at: float = NOW) -> str:
    return put(
        db,
        Requested(at=at, rep=rep, rep_phone="", number=CALLER, line=SALES, purpose="message"),
        CdrReceived(at=at, leg=CUSTOMER, outcome=Outcome.ANSWERED, talk_seconds=9),
    )


def ids(rows: list[Row]) -> list[str]:
    return [row.call.id for row in rows]


def found(db: sqlite3.Connection, search: Search = EVERYTHING, reach: Reach = MANAGER) -> set[str]:
    return set(ids(call_log.page(db, search, reach, 1000)))


def walk(db: sqlite3.Connection, search: Search, reach: Reach, size: int) -> list[list[str]]:
    """All pages from the newest to the oldest."""
    pages: list[list[str]] = []
    rows = call_log.page(db, search, reach, size)
    while rows:
        pages.append(ids(rows))
        rows = call_log.page(db, search, reach, size, rows[-1].key)
    return pages


def test_who_is_no_missed_caller_is_in_the_log_and_not_among_the_missed(db: sqlite3.Connection) -> None:
    waits, fax = miss(db), miss(db, line=FAX)
    assert found(db) == {waits, fax}
    assert found(db, Search(direction="in")) == {waits, fax}
    assert found(db, Search(missed=True)) == {waits}
    assert found(db, EVERYTHING, Reach("U1", ("C01", "C09"))) == {waits}  # a rep sees whom somebody owes a call


@pytest.mark.parametrize("reach", [MANAGER, REP, Reach("U1", ())], ids=["manager", "rep", "rep without channels"])
@pytest.mark.parametrize("size", [1, 3, 10])
def test_pages_have_no_gap_and_no_repeat_also_of_calls_of_the_same_second(
    db: sqlite3.Connection, reach: Reach, size: int
) -> None:
    dice = random.Random(5)
    for _ in range(40):
        at = NOW - dice.choice((0, 0, 0, 1, 1, 60))
        dice.choice((lambda at: made(db, "U1", at), lambda at: made(db, "U2", at), lambda at: miss(db, at)))(at)
    pages = walk(db, EVERYTHING, reach, size)
    flat = [one for page in pages for one in page]
    rows = call_log.page(db, EVERYTHING, reach, 1000)
    assert len(rows) > 10
    assert flat == ids(rows)
    assert [row.key for row in rows] == sorted((row.key for row in rows), reverse=True)
    assert len(set(flat)) == len(flat)
    assert {len(page) for page in pages[:-1]} == {size}
    back = call_log.page(db, EVERYTHING, reach, 1000, rows[-1].key, newer=True)
    assert ids(back) == flat[:-1]
    middle = rows[len(rows) // 2]
    before = call_log.page(db, EVERYTHING, reach, size, middle.key, newer=True)
    assert ids(before) == flat[max(0, len(rows) // 2 - size) : len(rows) // 2]


def test_a_call_that_comes_meanwhile_neither_repeats_nor_hides_one(db: sqlite3.Connection) -> None:
    old = [made(db, at=NOW - at) for at in range(6)]
    first = call_log.page(db, EVERYTHING, MANAGER, 3)
    new = made(db, at=NOW + 5)
    second = call_log.page(db, EVERYTHING, MANAGER, 3, first[-1].key)
    assert ids(first) + ids(second) == old
    assert ids(call_log.page(db, EVERYTHING, MANAGER, 3, first[0].key, newer=True)) == [new]


def test_a_rep_sees_their_own_calls_and_the_missed_ones_that_are_everybodys(db: sqlite3.Connection) -> None:
    mine, theirs = made(db, "U1"), made(db, "U2")
    shared, elsewhere = miss(db, line=SALES), miss(db, line=SUPPORT)
    taken = made(db, "U2", direction="in", number=OTHER)
    assert found(db) == {mine, theirs, shared, elsewhere, taken}
    assert found(db, reach=REP) == {mine, shared}
    assert found(db, Search(missed=True), REP) == {shared}
    assert found(db, Search(direction="out"), REP) == {mine}
    assert found(db, Search(rep="U1"), REP) == {mine}
    assert found(db, Search(rep="U2"), REP) == set()
    assert found(db, Search(rep="U2"), MANAGER) == {theirs, taken}
    assert found(db, reach=Reach("U3", ())) == set()


def test_every_word_of_a_search_holds(db: sqlite3.Connection) -> None:
    early, late = made(db, at=NOW - 100), made(db, at=NOW, number=OTHER, line=SUPPORT)
    called, missed_one = made(db, direction="in", number=OTHER), miss(db, NOW - 50, OTHER)
    spoken = message(db)
    assert found(db) == {early, late, called, missed_one}
    assert found(db, Search(messages=True)) == {spoken}
    assert found(db, Search(messages=True), REP) == {spoken}
    assert found(db, Search(messages=True), Reach("U2", ("C01",))) == set()
    assert found(db, Search(since=NOW)) == {late, called}
    assert found(db, Search(until=NOW)) == {early, missed_one}
    assert found(db, Search(since=NOW - 100, until=NOW - 50)) == {early}
    assert found(db, Search(numbers=(OTHER,))) == {late, called, missed_one}
    assert found(db, Search(numbers=(OTHER, CALLER), direction="out")) == {early, late}
    assert found(db, Search(missed=True, line=SALES)) == {missed_one}
    assert found(db, Search(line=SUPPORT)) == {late}
    assert found(db, Search(numbers=(OTHER,), rep="U1", line=SALES, direction="in", since=NOW)) == {called}


def test_the_period_holds_on_every_page(db: sqlite3.Connection) -> None:
    inside = [made(db, at=NOW - at) for at in (1, 2, 3)]
    made(db, at=NOW)
    made(db, at=NOW - 4)
    search = Search(since=NOW - 3, until=NOW)
    assert walk(db, search, MANAGER, 2) == [inside[:2], inside[2:]]
    last = call_log.page(db, search, MANAGER, 10)[-1].key
    assert ids(call_log.page(db, search, MANAGER, 10, last, newer=True)) == inside[:2]


def test_who_claimed_a_missed_caller_is_known(db: sqlite3.Connection) -> None:
    first, second, other = miss(db, NOW - 9), miss(db), miss(db, number=OTHER)
    (row,) = [row for row in missed.waiting(db) if row.number == CALLER]
    missed.claim(db, row.id, "U1", NOW)
    assert call_log.claimed(db, [first, second, other], "U1") == {first, second}
    assert call_log.claimed(db, [first, second, other], "U2") == frozenset()


def test_the_place_of_a_call_is_told(db: sqlite3.Connection) -> None:
    miss(db, line=SUPPORT)
    (row,) = call_log.page(db, EVERYTHING, MANAGER, 10)
    assert (row.place, row.call.line) == ("C02", SUPPORT)
