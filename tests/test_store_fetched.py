"""Calls that were fetched from a service's log long afterwards: kept and counted, but shown and owed to nobody."""

import sqlite3

import msgspec
from typing_extensions import override

from bot.call import Call, Unreported
from bot.call_search import Search
from bot.events import AnyEvent, CdrReceived, Described, Outcome, Requested, Settled, Unclear
from bot.store import call_log, calls, figures, missed, recordings, retention
from bot.store.call_log import Reach
from tests.missed_store import CALLER, FAX, NOW, Routes, all_rows, only, record

MONTH = 30 * 86400.0
THEN = NOW - MONTH


def tell(db: sqlite3.Connection, *events: AnyEvent, now: float = NOW, fetched: bool = False, call_id: str = "") -> None:
    calls.ingest(db, "acme", events, now=now, routing=Routes(), fetched=fetched, call_id=call_id)


def fetch(db: sqlite3.Connection, *events: AnyEvent) -> None:
    tell(db, *events, fetched=True)


def by_ref(db: sqlite3.Connection, ref: str) -> Call:
    call = calls.by_ref(db, "acme", ref)
    assert call is not None
    return call


def shown(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT count(*) FROM cards").fetchone()[0])


def test_it_is_kept_and_counted_and_nobody_waits_because_of_it(db: sqlite3.Connection) -> None:
    fetch(db, *record("m1", THEN, Outcome.NO_ANSWER), *record("t1", THEN + 600, Outcome.ANSWERED, direction="out"))
    assert (all_rows(db), shown(db)) == ([], 0)
    counts = figures.counts(db, THEN, THEN + 3600)
    assert (counts.incoming, counts.missed, counts.outgoing) == (1, 1, 1)
    rows = call_log.page(db, Search(missed=True, since=THEN), Reach("U1", ("C00",)), 10)
    assert [row.call.refs for row in rows] == [("m1",)]


def test_nor_when_more_is_told_of_it_later(db: sqlite3.Connection) -> None:
    described, told, ended = record("m1", THEN, Outcome.NO_ANSWER)
    fetch(db, described)
    tell(db, told, ended)  # not fetched: the same log, read by itself
    assert (by_ref(db, "m1").outcome, all_rows(db)) == (Outcome.NO_ANSWER, [])


def test_what_is_known_stays_as_it_is(db: sqlite3.Connection) -> None:
    known = record("m1", THEN, Outcome.NO_ANSWER)
    tell(db, *known, now=THEN + 20)
    before = (by_ref(db, "m1"), only(db), shown(db), db.execute("SELECT count(*) FROM events").fetchone()[0])
    fetch(db, *known)
    fetch(db, Described(ref="m1", at=THEN, source="log", direction="in", name="Noa"))  # and one thing that is new
    assert (only(db), shown(db)) == (before[1], before[2]), "whoever waits goes on to"
    assert by_ref(db, "m1").name == "Noa"


def test_a_record_that_was_lost_makes_nobody_wait(db: sqlite3.Connection) -> None:
    described, told, ended = record("m1", THEN, Outcome.NO_ANSWER)
    tell(db, described, now=THEN)
    fetch(db, told, ended)
    assert (by_ref(db, "m1").outcome, all_rows(db)) == (Outcome.NO_ANSWER, [])


def test_one_that_was_nobodys_concern_stays_so_when_the_settings_have_changed(db: sqlite3.Connection) -> None:
    """It was known, missed, and reported to nobody; by now the line's calls are, and one thing more is told of it."""
    tell(db, *record("m1", THEN, Outcome.NO_ANSWER, line=FAX), now=THEN + 20)
    more = Described(ref="m1", at=THEN, source="log", direction="in", name="Noa")
    calls.ingest(db, "acme", [more], now=NOW, routing=Reporting(), fetched=True)
    assert (by_ref(db, "m1").unreported, all_rows(db)) == ("", [])


class Reporting(Routes):
    """Every missed call is somebody's."""

    @override
    def unreported(self, call: Call) -> Unreported:
        return ""


def test_a_conversation_closes_whoever_waited_until_then(db: sqlite3.Connection) -> None:
    tell(db, *record("m1", THEN, Outcome.NO_ANSWER), now=THEN + 20)
    fetch(db, *record("t1", THEN + 600, Outcome.ANSWERED, direction="out"))
    (row,) = all_rows(db)
    assert (row.closed_at, row.closed_how) == (THEN + 610, "called back")


def test_a_conversation_that_was_none_brings_no_old_tries_back(db: sqlite3.Connection) -> None:
    """By their word a rep has talked to the caller; the service's record says that nobody did."""
    fetch(db, *record("old", THEN, Outcome.NO_ANSWER))
    tell(db, *record("new", NOW - 900, Outcome.NO_ANSWER), now=NOW - 880)
    asked = Requested(at=NOW - 600, rep="U1", rep_phone="+12025550190", number=CALLER)
    tell(
        db,
        asked,
        Unclear(at=NOW - 590, words="?"),
        Settled(at=NOW - 580, by="U1", outcome=Outcome.ANSWERED),
        call_id="c",
    )
    assert not only_open(db)
    tell(db, *record("t1", NOW - 599, Outcome.NO_ANSWER, direction="out"), call_id="c")
    assert only(db).calls == 1


def only_open(db: sqlite3.Connection) -> list[str]:
    return [row.id for row in missed.waiting(db)]


def test_a_conversation_that_a_fetched_record_takes_back_makes_nobody_wait(db: sqlite3.Connection) -> None:
    tell(db, *record("m1", THEN, Outcome.NO_ANSWER), now=THEN + 20)
    asked = Requested(at=THEN + 60, rep="U1", rep_phone="+12025550190", number=CALLER)
    settled = Settled(at=THEN + 80, by="U1", outcome=Outcome.ANSWERED)
    tell(db, asked, Unclear(at=THEN + 70, words="?"), settled, call_id="c")
    told = record("t1", THEN + 61, Outcome.NO_ANSWER, direction="out")
    calls.ingest(db, "acme", told, now=NOW, routing=Routes(), fetched=True, call_id="c")
    assert (by_ref(db, "t1").outcome, only_open(db)) == (Outcome.NO_ANSWER, [])


def test_its_recording_is_brought_to_nobody_and_can_be_asked_for(db: sqlite3.Connection) -> None:
    described, told, ended = record("t1", THEN, Outcome.ANSWERED)
    assert isinstance(told, CdrReceived)
    fetch(db, described, msgspec.structs.replace(told, recording="https://recordings.example/1.mp3"), ended)
    (copy,) = recordings.of_call(db, by_ref(db, "t1").id)
    assert (copy.place, copy.state) == ("", "kept")


def test_its_id_says_when_it_began_so_that_it_is_as_old_as_it_is(db: sqlite3.Connection) -> None:
    """Ids sort by time: what goes after some days goes in time, and nothing takes it for a call of today."""
    fetch(db, *record("m1", THEN, Outcome.NO_ANSWER))
    call = by_ref(db, "m1")
    assert calls.new_id(THEN)[:12] == call.id[:12]
    assert calls.ended_of_late(db, NOW - 7200) == []
    assert retention.old_calls(db, NOW - MONTH + 3600, "") == [call.id]


def test_it_is_no_echo_of_a_call_that_is_unclear_now(db: sqlite3.Connection) -> None:
    """An order is on its way while a month-old call to the same number is fetched; then its answer fails to come."""
    order = calls.new_id(NOW)
    tell(db, Requested(at=NOW, rep="U1", rep_phone="+12025550190", number=CALLER), call_id=order)
    fetch(db, *record("old", THEN, Outcome.ANSWERED, direction="out"))
    tell(db, Unclear(at=NOW + 12, words="?"), call_id=order)
    fresh = calls.get(db, order)
    assert fresh is not None
    assert (fresh.refs, by_ref(db, "old").id == order) == ((), False)


def test_a_call_that_begins_in_the_future_by_the_services_clock_gets_no_id_of_then(db: sqlite3.Connection) -> None:
    fetch(db, *record("m1", NOW + MONTH, Outcome.NO_ANSWER))
    assert by_ref(db, "m1").id < calls.new_id(NOW + 1)
