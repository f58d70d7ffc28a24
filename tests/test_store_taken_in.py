"""Two calls are found to be one: what people did with the one that goes is there on the one that stays, each once."""

import sqlite3

import msgspec
import pytest

from bot.events import (
    CUSTOMER,
    Accepted,
    AnyEvent,
    CallEnded,
    CdrReceived,
    Controlled,
    Described,
    LegAnswered,
    LegRinging,
    Outcome,
    RecordingChanged,
    RecordingReady,
    Requested,
    State,
    Unclear,
    Wrapped,
)
from bot.store import calls, cards, ledger, missed, recordings
from tests.test_store_ingest import CUSTOMERS, NOW, described, everything, ingest, order, ref_of, rings, unclear

LATER, EVENING = NOW + 3600, NOW + 7200
TALKED: tuple[AnyEvent, ...] = (
    described("r1", CUSTOMERS[0]),
    LegAnswered(ref="r1", at=NOW + 2, leg=CUSTOMER),
    CallEnded(ref="r1", at=NOW + 9),
)


def stray(db: sqlite3.Connection, *events: AnyEvent) -> str:
    """A call that a webhook told of before the answer to the order came."""
    (change,) = ingest(db, *(events or TALKED))
    return change.call.id


def taken_in(db: sqlite3.Connection, call_id: str, how: str = "accepted") -> None:
    """The order turns out to be that call."""
    if how == "accepted":
        ingest(db, Accepted(ref="r1", at=NOW + 10), call_id=call_id)
    else:
        unclear(db, call_id)
    assert list(everything(db)) == [call_id]
    assert ref_of(db, call_id) == ("r1",)


def reminders(db: sqlite3.Connection) -> list[tuple[str, str, float, int]]:
    return [tuple(row) for row in db.execute("SELECT call_id, user, due_at, done FROM reminders ORDER BY user, due_at")]


# Reminders


@pytest.mark.parametrize("how", ["accepted", "unclear"])
def test_whoever_wanted_to_be_reminded_is(db: sqlite3.Connection, how: str) -> None:
    mine = order(db)
    other = stray(db)
    for user, due_at in (("U1", LATER), ("U2", EVENING)):
        ledger.remind(db, other, user, due_at)
    db.execute("UPDATE cards SET dirty = 0")
    taken_in(db, mine, how)
    assert reminders(db) == [(mine, "U1", LATER, 0), (mine, "U2", EVENING, 0)]
    assert ledger.reminder_of(db, mine, "U1") == LATER
    assert [found[:3] for found in ledger.reminders_due(db, LATER)] == [(f"{mine} U1", mine, "U1")]
    assert db.execute("SELECT dirty FROM cards WHERE subject = ? AND kind = 'call'", (mine,)).fetchone()[0] == 1


@pytest.mark.parametrize("on_the_order", [LATER, EVENING])
def test_of_two_reminders_of_one_person_the_earlier_stays(db: sqlite3.Connection, on_the_order: float) -> None:
    mine = order(db)
    other = stray(db)
    ledger.remind(db, mine, "U1", on_the_order)
    ledger.remind(db, other, "U1", LATER + EVENING - on_the_order)
    taken_in(db, mine)
    assert reminders(db) == [(mine, "U1", LATER, 0)]


@pytest.mark.parametrize("shown", ["the order", "the stray"])
def test_a_reminder_that_was_shown_takes_none_away_and_is_not_shown_again(db: sqlite3.Connection, shown: str) -> None:
    mine = order(db)
    other = stray(db)
    first, second = (mine, other) if shown == "the order" else (other, mine)
    ledger.remind(db, first, "U1", LATER)
    assert ledger.reminded(db, f"{first} U1", LATER)
    ledger.remind(db, second, "U1", EVENING)
    taken_in(db, mine)
    assert reminders(db) == [(mine, "U1", EVENING, 0)]


def test_a_reminder_that_was_shown_stays_shown(db: sqlite3.Connection) -> None:
    mine = order(db)
    other = stray(db)
    ledger.remind(db, other, "U1", LATER)
    assert ledger.reminded(db, f"{other} U1", LATER)
    taken_in(db, mine)
    assert ledger.reminders_due(db, EVENING) == []


# What people said and did


@pytest.mark.parametrize("how", ["accepted", "unclear"])
def test_how_it_went_goes_over_and_leaves_no_call_behind(db: sqlite3.Connection, how: str) -> None:
    mine = order(db)
    other = stray(db)
    ingest(db, Wrapped(at=NOW + 9, by="U2", disposition="Sold", note="Wants two."), call_id=other)
    taken_in(db, mine, how)
    call = everything(db)[mine]
    assert (call.disposition, call.note, call.state) == ("Sold", "Wants two.", State.ENDED)


@pytest.mark.parametrize(
    "said",
    [Wrapped(at=NOW + 12, by="U2", note="Late."), Controlled(at=NOW + 12, by="", action="consult_ended")],
)
def test_what_is_said_of_a_call_that_has_just_gone_makes_no_call_of_its_own(
    db: sqlite3.Connection, said: AnyEvent
) -> None:
    """It would ring for ever: no service knows of it, so nobody would tell its end."""
    mine = order(db)
    other = stray(db)
    taken_in(db, mine)
    assert ingest(db, said, call_id=other) == []
    assert list(everything(db)) == [mine]
    assert [call.id for call in calls.open_calls(db)] == []


def lines(db: sqlite3.Connection) -> set[tuple[str, str]]:
    """(call id, what) of the lines in threads that are shown, or are to be."""
    found = db.execute("SELECT subject, body FROM cards WHERE kind = 'line'").fetchall()
    told = [(row["subject"], msgspec.json.decode(row["body"])["event"]) for row in found]
    return {(subject.partition(":")[0], event["type"]) for subject, event in told if event is not None}


def test_what_was_done_stands_in_the_thread_of_the_card_that_stays(db: sqlite3.Connection) -> None:
    mine = order(db)
    other = stray(db, rings(), RecordingChanged(ref="r1", at=NOW + 3, on=False, words="No space."))
    ingest(db, Controlled(at=NOW + 4, by="U2", action="hold"), call_id=other)
    taken_in(db, mine)
    assert lines(db) == {(mine, "recording_changed"), (mine, "controlled")}
    assert everything(db)[mine].held


@pytest.mark.parametrize("posted", [True, False])
def test_a_line_below_the_card_that_goes_goes_too(db: sqlite3.Connection, posted: bool) -> None:
    mine = order(db)
    other = stray(db, Described(ref="r1", at=NOW, source="popup", direction="in", number=CUSTOMERS[0]), rings())
    ingest(db, RecordingChanged(ref="r1", at=NOW + 3, on=False, words="No space."))
    line = cards.find(db, "line", f"{other}:r1:recording_changed:False:{NOW + 3}")
    assert line is not None
    if posted:
        cards.shown(db, line, "C1", "2.0", "as shown")
    assert lines(db) == {(other, "recording_changed")}
    taken_in(db, mine)
    assert lines(db) == {(mine, "recording_changed")}
    left = cards.by_id(db, line.id)
    assert left is not None
    assert cards.is_dirty(db, line.id)  # so that the feed takes it away


def test_what_is_being_done_is_known_as_done_to_the_call_that_stays(db: sqlite3.Connection) -> None:
    mine = order(db)
    other = stray(db, rings())
    ledger.write_intent(db, "k1", "U2", "control", b'["consult","204"]', NOW)
    ledger.bind_intent(db, "k1", other)
    taken_in(db, mine)
    assert [intent.call_id for intent in ledger.open_intents(db)] == [mine]


# Recordings


def test_a_recording_that_somebody_has_is_not_brought_a_second_time(db: sqlite3.Connection) -> None:
    mine = order(db)
    other = stray(db, *TALKED, RecordingReady(ref="r1", at=NOW + 9, recording="https://recordings.example/1"))
    call = everything(db)[other]
    recordings.want(db, call, call.recording, "@U1", NOW)
    (copy,) = [copy for copy in recordings.of_call(db, other) if copy.place]
    recordings.sharing(db, copy, "F1", "DU1", "1.0", NOW)
    assert recordings.shared(db, copy)
    taken_in(db, mine)
    assert recordings.of_call(db, other) == []
    found = [(copy.place, copy.state, copy.file) for copy in recordings.of_call(db, mine)]
    assert found == [("", "kept", ""), ("@U1", "shared", "F1")]


def test_a_file_that_both_calls_have_in_slack_is_deleted_in_time(db: sqlite3.Connection) -> None:
    mine = order(db)
    other = stray(db, *TALKED, RecordingReady(ref="r1", at=NOW + 9, recording="https://recordings.example/1"))
    call = everything(db)[other]
    for call_id, file in ((mine, "F2"), (other, "F1")):
        recordings.want(db, msgspec.structs.replace(call, id=call_id), call.recording, "@U1", NOW)
        (copy,) = [copy for copy in recordings.of_call(db, call_id) if copy.place]
        recordings.sharing(db, copy, file, "DU1", "1.0", NOW)
    taken_in(db, mine)
    assert {copy.file for copy in recordings.outdated(db, NOW + 60, NOW + 60)} >= {"F1", "F2"}


# Missed callers


def test_a_caller_whom_it_called_back_was_called_back_by_who_placed_it(db: sqlite3.Connection) -> None:
    ingest(db, Described(ref="m1", at=NOW - 60, source="popup", direction="in", number=CUSTOMERS[0]))
    ingest(db, CallEnded(ref="m1", at=NOW - 50))
    mine = order(db)
    other = stray(db)
    ((missed_id, by, closed),) = [tuple(row) for row in db.execute("SELECT id, closed_by, closed_call FROM missed")]
    assert (by, closed) == ("", other)
    ingest(db, Accepted(ref="r1", at=NOW + 10), call_id=mine)
    row = missed.get(db, missed_id)
    assert row is not None
    assert (row.closed_by, row.closed_call, row.closed_how) == ("U1", mine, "called back")


@pytest.mark.parametrize("how", ["accepted", "unclear"])
def test_whoever_only_heard_a_message_waits_again(db: sqlite3.Connection, how: str) -> None:
    """Before the answer to its order it looked like a call that a colleague had made."""
    for ref, at in (("m1", NOW - 60), ("m2", NOW + 1)):
        ingest(db, Described(ref=ref, at=at, source="popup", direction="in", number=CUSTOMERS[0]))
    ingest(db, CallEnded(ref="m1", at=NOW - 50))
    asked = Requested(at=NOW, rep="U1", rep_phone="", number=CUSTOMERS[0], purpose="message")
    mine = calls.new_id(NOW)
    ingest(db, asked, call_id=mine)
    stray(db)
    ingest(db, CallEnded(ref="m2", at=NOW + 9))  # they tried again while it was played
    assert missed.waiting(db) == []
    ingest(db, Accepted(ref="r1", at=NOW + 10) if how == "accepted" else Unclear(at=NOW + 10, words="?"), call_id=mine)
    assert ref_of(db, mine) == ("r1",)
    (row,) = missed.waiting(db)
    assert (row.calls, row.closed_call, row.escalate_at > 0) == (2, "", True)


def test_whom_nobody_reached_by_the_record_that_says_whose_call_it_was_waits_again(db: sqlite3.Connection) -> None:
    ingest(db, Described(ref="m1", at=NOW - 60, source="popup", direction="in", number=CUSTOMERS[0]))
    ingest(db, CallEnded(ref="m1", at=NOW - 50))
    mine = order(db)
    stray(db)
    assert missed.waiting(db) == []
    told = Described(ref="r1", at=NOW, source="cdr", direction="out", number=CUSTOMERS[0], call_id=mine)
    ingest(db, told, CdrReceived(ref="r1", at=NOW, leg=CUSTOMER, outcome=Outcome.VOICEMAIL, ring_seconds=9))
    assert ref_of(db, mine) == ("r1",)
    (row,) = missed.waiting(db)
    assert (row.calls, row.closed_call) == (1, "")


def test_whoever_has_claimed_a_caller_keeps_them(db: sqlite3.Connection) -> None:
    first = stray(db, Described(ref="r1", at=NOW, source="popup", direction="in", number=CUSTOMERS[0]))
    other = stray(db, Described(ref="r2", at=NOW, source="popup", direction="in", number=CUSTOMERS[0]))
    ingest(db, CallEnded(ref="r2", at=NOW + 20))
    ((missed_id,),) = [tuple(row) for row in db.execute("SELECT id FROM missed")]
    missed.claim(db, missed_id, "U2", NOW + 21)
    told = Described(ref="r2", at=NOW, source="cdr", direction="in", number=CUSTOMERS[0], call_id=first)
    ingest(db, told, CallEnded(ref="r1", at=NOW + 20))
    assert list(everything(db)) == [first]
    assert calls.get(db, other) is None
    row = missed.get(db, missed_id)
    assert row is not None
    assert (row.claimed_by, row.calls, missed.call_ids(db, missed_id)) == ("U2", 1, [(first, NOW)])


def test_who_was_no_missed_caller_waits_no_more(db: sqlite3.Connection) -> None:
    mine = order(db)
    stray(db, Described(ref="r1", at=NOW, source="popup", direction="in", number=CUSTOMERS[0]))
    ingest(db, CallEnded(ref="r1", at=NOW + 20))
    assert len(missed.waiting(db)) == 1
    taken_in(db, mine)  # it was ours, going out
    assert missed.waiting(db) == []
    assert db.execute("SELECT count(*) FROM missed_calls").fetchone()[0] == 0


# What is not taken in


def test_an_order_that_had_taken_anothers_id_keeps_what_is_its_own(db: sqlite3.Connection) -> None:
    lost = order(db)
    unclear(db, lost)
    ingest(db, rings("r1", NOW + 20))
    assert ref_of(db, lost) == ("r1",)
    ledger.remind(db, lost, "U1", LATER)
    ingest(db, Wrapped(at=NOW + 20, by="U1", note="Mine."), call_id=lost)
    late = order(db, CUSTOMERS[1], at=NOW + 20)
    ingest(db, Accepted(ref="r1", at=NOW + 22), call_id=late)
    found = everything(db)
    assert (found[lost].note, found[late].note) == ("Mine.", "")
    assert reminders(db) == [(lost, "U1", LATER, 0)]


def test_of_several_ids_of_a_stray_only_the_one_that_is_told_goes_over(db: sqlite3.Connection) -> None:
    mine = order(db)
    other = stray(db)
    ingest(db, LegRinging(ref="r2", at=NOW + 3, leg=CUSTOMER), call_id=other)
    ingest(db, Wrapped(at=NOW + 9, by="U2", note="Whose?"), call_id=other)
    ingest(db, Accepted(ref="r1", at=NOW + 10), call_id=mine)
    assert {call_id: call.refs for call_id, call in everything(db).items()} == {mine: ("r1",), other: ("r2",)}


def test_it_shows_at_once_also_where_nothing_new_was_told(db: sqlite3.Connection) -> None:
    first = stray(db, Described(ref="r1", at=NOW, source="popup", direction="in", number=CUSTOMERS[0]))
    stray(db, described("r2", CUSTOMERS[0], source="cdr"), LegAnswered(ref="r2", at=NOW + 5, leg="ext:201"))
    ingest(db, described("r2", CUSTOMERS[0], source="cdr", call_id=first))  # a repeat, but for whose it is
    (call,) = everything(db).values()
    assert (call.id, call.state, call.outcome) == (first, State.TALKING, None)
    ingest(db, CallEnded(ref="r1", at=NOW + 20))
    assert everything(db)[first].outcome is Outcome.ANSWERED
