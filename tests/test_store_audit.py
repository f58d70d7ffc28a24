"""The pages of the audit log: no line twice and none left out, whatever is looked for and whenever it was written."""

import sqlite3

from bot.audit_search import Lines
from bot.store import audit, ledger

NOW = 1_770_000_000.0
NUMBER = "+12025550155"
EVERYTHING = Lines()


def whats(db: sqlite3.Connection, search: Lines) -> list[str]:
    found = [line.what for line in audit.page(db, search, 1000)]
    assert audit.count(db, search) == len(found)
    assert [line.what for line in audit.each(db, search, 1000)] == found
    return found


def walk(db: sqlite3.Connection, search: Lines, size: int) -> list[list[str]]:
    """All pages from the newest to the oldest; each also back from the one after it."""
    pages, after, lines = [], None, audit.page(db, search, size)
    while lines:
        pages.append([line.what for line in lines])
        if after is not None:
            back = audit.page(db, search, size, lines[0].key, newer=True)
            assert [line.what for line in back] == pages[-2]
        after = lines[-1].key
        lines = audit.page(db, search, size, after)
    return pages


def test_pages_are_whole_in_both_directions_where_moments_are_the_same(db: sqlite3.Connection) -> None:
    for number in range(10):
        ledger.audit(db, NOW + number // 3, "U1", f"w{number}", "")
    assert walk(db, EVERYTHING, 4) == [["w9", "w8", "w7", "w6"], ["w5", "w4", "w3", "w2"], ["w1", "w0"]]
    assert walk(db, EVERYTHING, 5) == [["w9", "w8", "w7", "w6", "w5"], ["w4", "w3", "w2", "w1", "w0"]]


def test_what_is_written_meanwhile_moves_no_page(db: sqlite3.Connection) -> None:
    for number in range(6):
        ledger.audit(db, NOW + number, "U1", f"w{number}", "")
    first = audit.page(db, EVERYTHING, 3)
    ledger.audit(db, NOW + 9, "U1", "new", "")
    ledger.audit(db, NOW + 2, "U1", "clock set back", "")
    assert [line.what for line in audit.page(db, EVERYTHING, 3, first[-1].key)] == ["clock set back", "w2", "w1"]
    assert [line.what for line in audit.page(db, EVERYTHING, 3, first[0].key, newer=True)] == ["new"]


def test_days_and_who(db: sqlite3.Connection) -> None:
    ledger.audit(db, NOW - 1, "U1", "before", "")
    ledger.audit(db, NOW, "U1", "first", "")
    ledger.audit(db, NOW + 9, "U2", "last", "")
    ledger.audit(db, NOW + 10, "", "after", "")
    assert whats(db, EVERYTHING) == ["after", "last", "first", "before"]
    assert whats(db, Lines(NOW, NOW + 10)) == ["last", "first"]
    assert whats(db, Lines(since=NOW + 10)) == ["after"]
    assert whats(db, Lines(until=NOW)) == ["before"]
    assert whats(db, Lines(by="U1")) == ["first", "before"]
    assert whats(db, Lines(NOW, by="U2")) == ["last"]
    assert walk(db, Lines(NOW, NOW + 10), 1) == [["last"], ["first"]]


def test_every_word_is_somewhere_in_the_line(db: sqlite3.Connection) -> None:
    ledger.audit(db, NOW, "U1", "do-not-call add", NUMBER, "asked us to stop")
    ledger.audit(db, NOW, "U2", "start campaign", "Frühjahr 100%", "acme: FRÜHJAHR")
    ledger.audit(db, NOW, "U2", "decided on a call", NUMBER, "allowed U1")
    assert whats(db, Lines(words=("Do-Not-Call",))) == ["do-not-call add"]
    assert whats(db, Lines(words=("allow",))) == ["decided on a call"]
    assert whats(db, Lines(words=(NUMBER,))) == ["decided on a call", "do-not-call add"]
    assert whats(db, Lines(words=(NUMBER, "STOP"))) == ["do-not-call add"]
    assert whats(db, Lines(words=("frühJAHR",))) == ["start campaign"]
    assert whats(db, Lines(words=("%",))) == ["start campaign"], "no sign of it means anything else"
    assert whats(db, Lines(by="U1", words=("allow",))) == []


def test_a_page_is_not_sorted_but_read_in_order(db: sqlite3.Connection) -> None:
    heard: list[str] = []
    db.set_trace_callback(heard.append)
    audit.page(db, EVERYTHING, 8, (NOW, 5))
    list(audit.each(db, Lines(by="U1"), 8))
    db.set_trace_callback(None)
    for query in heard:
        steps = [row["detail"] for row in db.execute(f"EXPLAIN QUERY PLAN {query}")]
        assert len(steps) == 1, steps
        assert "audit_by_time" in steps[0]
