"""`ingest()`: which call an event belongs to, whatever comes first, twice or late; and what is marked to be shown."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.call import Call
from bot.events import (
    CUSTOMER,
    REP,
    Accepted,
    AnyEvent,
    CallEnded,
    CdrReceived,
    Described,
    LegAnswered,
    LegEnded,
    LegRinging,
    NotPlaced,
    Outcome,
    Requested,
    Settled,
    State,
    Unclear,
)
from bot.store import calls, cards, ledger, missed, owners, people
from bot.store.people import Person
from tests.empty_store import Routes, opened

NOW = 1_770_000_000.0
CUSTOMERS = ("+12025550123", "+12025550124")
LINE = "+12025550100"


def ingest(
    db: sqlite3.Connection, *events: AnyEvent, call_id: str = "", now: float = NOW, account: str = "acme"
) -> list[calls.Change]:
    return calls.ingest(db, account, events, now=now, routing=Routes(), call_id=call_id)


def order(db: sqlite3.Connection, number: str = CUSTOMERS[0], *, at: float = NOW, account: str = "acme") -> str:
    """Somebody asked for a call; it is on its way to the provider."""
    call_id = calls.new_id(at)
    asked = Requested(at=at, rep="U1", rep_phone="+12025550190", number=number)
    ingest(db, asked, call_id=call_id, now=at, account=account)
    return call_id


def unclear(db: sqlite3.Connection, call_id: str, at: float = NOW + 10) -> Call:
    (change,) = ingest(db, Unclear(at=at, words="Nobody knows."), call_id=call_id, now=at)
    return change.call


def everything(db: sqlite3.Connection) -> dict[str, Call]:
    ids = [row[0] for row in db.execute("SELECT id FROM calls")]
    return {call_id: call for call_id in ids if (call := calls.get(db, call_id)) is not None}


def ref_of(db: sqlite3.Connection, call_id: str) -> tuple[str, ...]:
    found = calls.get(db, call_id)
    assert found is not None
    return found.refs


def rings(ref: str = "r1", at: float = NOW + 1) -> LegRinging:
    return LegRinging(ref=ref, at=at, leg=REP)


def described(ref: str, number: str = "", *, at: float = NOW + 1, source: str = "poll", call_id: str = "") -> Described:
    return Described(ref=ref, at=at, source=source, direction="out", number=number, call_id=call_id)


# Once


def test_a_duplicate_changes_nothing_at_all(db: sqlite3.Connection) -> None:
    events = (
        Described(ref="r1", at=NOW, source="popup", direction="in", number=CUSTOMERS[0], line=LINE),
        LegRinging(ref="r1", at=NOW, leg="ext:201"),
        LegEnded(ref="r1", at=NOW + 20, leg="ext:201", outcome=Outcome.NO_ANSWER),
        CallEnded(ref="r1", at=NOW + 20),
    )
    assert [change.fresh for change in ingest(db, *events)] == [4]
    before = list(db.iterdump())
    assert ingest(db, *events, now=NOW + 60) == []
    assert ingest(db, events[2], events[2], now=NOW + 60) == []
    assert list(db.iterdump()) == before


def test_only_what_is_new_counts(db: sqlite3.Connection) -> None:
    ingest(db, rings())
    (change,) = ingest(db, rings(), rings(), LegAnswered(ref="r1", at=NOW + 5, leg=REP))
    assert (change.fresh, change.call.state) == (1, State.CONNECTING)


def test_both_legs_are_one_call(db: sqlite3.Connection) -> None:
    for leg in (REP, CUSTOMER):
        ingest(db, CdrReceived(ref="r1", at=NOW, leg=leg, outcome=Outcome.ANSWERED, talk_seconds=30))
    (call,) = everything(db).values()
    assert [leg.name for leg in call.legs] == [CUSTOMER, REP]
    assert (call.state, call.talk_seconds) == (State.ENDED, 30)


def test_calls_of_one_batch_stay_apart(db: sqlite3.Connection) -> None:
    changes = ingest(db, rings("r1"), rings("r2"), LegAnswered(ref="r1", at=NOW + 5, leg=REP))
    assert [(change.call.refs, change.fresh) for change in changes] == [(("r1",), 2), (("r2",), 1)]


def test_accounts_have_ids_of_their_own(db: sqlite3.Connection) -> None:
    for account in ("acme", "other"):
        ingest(db, rings("r1"), account=account)
    assert sorted(call.account for call in everything(db).values()) == ["acme", "other"]
    found = calls.by_ref(db, "other", "r1")
    assert found is not None
    assert found.account == "other"


def test_what_was_received_is_kept_once_beside_what_it_told_first(db: sqlite3.Connection) -> None:
    told: list[AnyEvent] = [rings("r1"), described("r1"), rings("r2")]
    calls.ingest(db, "acme", [rings("r1")], now=NOW, routing=Routes())
    calls.ingest(db, "acme", told, now=NOW, routing=Routes(), raw=b"as it came")
    rows = db.execute("SELECT ref, raw FROM events ORDER BY id").fetchall()
    assert [tuple(row) for row in rows] == [("r1", None), ("r1", b"as it came"), ("r2", None)]


# Whose event is it?


def test_a_webhook_that_overtakes_the_answer_becomes_the_orders(db: sqlite3.Connection) -> None:
    call_id = order(db)
    ingest(db, rings("r1"))
    ingest(db, CdrReceived(ref="r1", at=NOW + 1, leg=REP, outcome=Outcome.NO_ANSWER))
    assert len(everything(db)) == 2
    (change,) = ingest(db, Accepted(ref="r1", at=NOW + 2), call_id=call_id)
    assert list(everything(db)) == [call_id]
    assert (change.call.outcome, change.call.rep) == (Outcome.REP_NO_ANSWER, "U1")
    assert db.execute("SELECT count(*) FROM events WHERE call_id <> ?", (call_id,)).fetchone()[0] == 0


def test_a_stray_that_was_shown_takes_itself_away(db: sqlite3.Connection) -> None:
    call_id = order(db)
    ended = (rings("r1"), LegAnswered(ref="r1", at=NOW + 2, leg=CUSTOMER), CallEnded(ref="r1", at=NOW + 9))
    (stray,) = ingest(db, *ended)
    card = cards.find(db, "cdr", stray.call.id)
    assert card is not None
    cards.shown(db, card, "C1", "1.0", "as shown")
    ingest(db, Accepted(ref="r1", at=NOW + 10), call_id=call_id)
    again = cards.find(db, "cdr", stray.call.id)
    assert again is not None
    assert db.execute("SELECT dirty FROM cards WHERE id = ?", (again.id,)).fetchone()[0] == 1
    assert calls.get(db, stray.call.id) is None  # so it is drawn as nothing


def test_a_strays_summary_waits_while_an_order_is_on_its_way(db: sqlite3.Connection) -> None:
    call_id = order(db)
    ledger.write_intent(db, "k1", "U1", "call", b"{}", NOW)
    ledger.bind_intent(db, "k1", call_id)
    ledger.send_intent(db, "k1")
    ended = (LegAnswered(ref="r1", at=NOW + 2, leg=CUSTOMER), CallEnded(ref="r1", at=NOW + 9))
    (stray,) = ingest(db, *ended)
    (later,) = ingest(db, *ended, account="other")
    due = {row["subject"]: row["due_at"] for row in db.execute("SELECT subject, due_at FROM cards WHERE kind = 'cdr'")}
    assert due == {stray.call.id: NOW + calls.HOLD_SECONDS, later.call.id: NOW}


@pytest.mark.parametrize("stray_first", [True, False])
def test_our_id_that_comes_back_says_whose_it_is(db: sqlite3.Connection, stray_first: bool) -> None:
    mine, other = order(db), order(db, CUSTOMERS[1])
    for call_id in (mine, other):
        unclear(db, call_id)
    if stray_first:
        ingest(db, rings("r1"))
        assert len(everything(db)) == 3  # it could be either
    ingest(db, described("r1", source="cdr:rep"), described("r1", source="cdr:customer", call_id=other))
    assert {call_id: call.refs for call_id, call in everything(db).items()} == {mine: (), other: ("r1",)}


def test_an_id_that_is_not_ours_or_another_accounts_is_ignored(db: sqlite3.Connection) -> None:
    foreign = order(db, account="other")
    ingest(db, described("r1", call_id=foreign), described("r2", call_id="made up"))
    assert everything(db)[foreign].refs == ()
    assert len(everything(db)) == 3


@pytest.mark.parametrize("number", ["", CUSTOMERS[0]])
def test_the_echo_of_the_only_unclear_dial_is_its(db: sqlite3.Connection, number: str) -> None:
    call_id = order(db)
    unclear(db, call_id)
    ingest(db, described("r1", number, at=NOW + 20), rings("r1", NOW + 20))
    assert list(everything(db)) == [call_id]
    assert everything(db)[call_id].state is State.RINGING
    ingest(db, rings("r2", NOW + 30))  # it has its echo: the next one is somebody else's
    assert len(everything(db)) == 2


@pytest.mark.parametrize(
    ("number", "at", "direction"),
    [
        (CUSTOMERS[1], NOW + 20, "out"),  # to somebody else
        ("", NOW + owners.ADOPT_SECONDS + 60, "out"),  # too late
        ("", NOW - 120, "out"),  # before anybody asked
        (CUSTOMERS[0], NOW + 20, "in"),  # they call us
    ],
)
def test_what_cannot_be_the_echo_is_not(db: sqlite3.Connection, number: str, at: float, direction: str) -> None:
    call_id = order(db)
    unclear(db, call_id)
    told = Described(ref="r1", at=at, source="poll", direction=direction, number=number)  # type: ignore[arg-type]
    ingest(db, told)
    assert everything(db)[call_id].state is State.UNCLEAR
    assert len(everything(db)) == 2


@pytest.mark.parametrize("first", ["stray", "unclear"])
@pytest.mark.parametrize(
    ("kind", "phone", "extension", "echo"),
    [
        ("extension", "AAPINFzL", "BBPINFzM", False),
        ("extension", "AAPINFzL", "AAPINFzL", True),
        ("extension", "AAPINFzL", "CCPINFzN", True),  # whom they called
        ("extension", "AAPINFzL", "", True),  # of whom is not told
        ("extension", "201", "BBPINFzM", True),  # its short number, which may be that very phone's
        ("login", "AAPINFzL", "BBPINFzM", True),  # wherever they have signed in to
        ("number", "AAPINFzL", "BBPINFzM", True),
    ],
)
def test_what_rings_another_extension_is_not_the_echo(
    kind: str, phone: str, extension: str, echo: bool, first: str, db: sqlite3.Connection
) -> None:
    """A colleague who calls from another program: of that phone it is not told whom it will call."""
    people.save_person(db, Person("U1", name="Ada", phone_kind=kind, phone=phone, account="acme"))
    people.save_person(db, Person("U2", name="Ben", phone_kind="extension", phone=phone, account="another"))
    call_id = calls.new_id(NOW)
    asked = Requested(at=NOW, rep="U1", rep_phone=phone, number="CCPINFzN")
    ingest(db, asked, call_id=call_id, now=NOW)
    told = Described(ref="r1", at=NOW + 1, source="poll:rep", direction="out", extension=extension)
    if first == "unclear":
        unclear(db, call_id)
    ingest(db, told, rings())
    if first == "stray":
        unclear(db, call_id)
    found = everything(db)
    assert ((found[call_id].state, found[call_id].refs), len(found)) == (
        ((State.RINGING, ("r1",)), 1) if echo else ((State.UNCLEAR, ()), 2)
    )


def test_of_two_unclear_dials_the_number_decides_or_nobody(db: sqlite3.Connection) -> None:
    first, second = order(db), order(db, CUSTOMERS[1])
    for call_id in (first, second):
        unclear(db, call_id)
    ingest(db, rings("r0", NOW + 20))
    assert (ref_of(db, first), ref_of(db, second)) == ((), ())
    ingest(db, described("r1", CUSTOMERS[1], at=NOW + 20))
    assert (ref_of(db, first), ref_of(db, second)) == ((), ("r1",))


def test_an_event_is_no_echo_while_another_order_is_on_its_way(db: sqlite3.Connection) -> None:
    lost = order(db)
    unclear(db, lost)
    sent = order(db, CUSTOMERS[1], at=NOW + 20)
    ingest(db, rings("r1", NOW + 21))
    ingest(db, Accepted(ref="r1", at=NOW + 22), call_id=sent)
    found = everything(db)
    assert set(found) == {lost, sent}
    assert (found[lost].state, found[lost].refs) == (State.UNCLEAR, ())
    assert (found[sent].state, found[sent].refs) == (State.RINGING, ("r1",))


def test_an_echo_taken_by_the_wrong_order_goes_over_and_leaves_it_whole(db: sqlite3.Connection) -> None:
    lost = order(db)
    unclear(db, lost)
    ingest(db, rings("r1", NOW + 20))
    assert ref_of(db, lost) == ("r1",)
    late = order(db, CUSTOMERS[1], at=NOW + 20)
    ingest(db, Accepted(ref="r1", at=NOW + 22), call_id=late)
    found = everything(db)
    assert set(found) == {lost, late}
    assert (found[lost].state, found[lost].refs, found[lost].number) == (State.UNCLEAR, (), CUSTOMERS[0])
    assert (found[late].state, found[late].refs, found[late].number) == (State.RINGING, ("r1",), CUSTOMERS[1])


@pytest.mark.parametrize("number", ["", CUSTOMERS[0]])
def test_an_echo_that_came_before_the_order_became_unclear(db: sqlite3.Connection, number: str) -> None:
    call_id = order(db)
    ingest(db, described("r1", number), rings("r1"))
    assert len(everything(db)) == 2
    call = unclear(db, call_id)
    assert (call.state, call.refs) == (State.RINGING, ("r1",))
    assert list(everything(db)) == [call_id]


def test_a_stray_that_may_be_another_orders_is_left_alone(db: sqlite3.Connection) -> None:
    lost, sent = order(db), order(db, CUSTOMERS[1])
    ingest(db, rings("r1"))
    assert unclear(db, lost).state is State.UNCLEAR
    ingest(db, Accepted(ref="r1", at=NOW + 2), call_id=sent)
    assert {call_id: call.refs for call_id, call in everything(db).items()} == {lost: (), sent: ("r1",)}


def test_strays_that_cannot_be_an_unclear_orders_are_left_alone(db: sqlite3.Connection) -> None:
    ingest(db, described("old", CUSTOMERS[0], at=NOW - 300), now=NOW - 300)
    call_id = order(db)
    ingest(db, described("elsewhere", CUSTOMERS[1]))
    ingest(db, Described(ref="in", at=NOW + 1, source="poll", direction="in", number=CUSTOMERS[0]))
    ingest(db, described("foreign", CUSTOMERS[0]), account="other")
    assert unclear(db, call_id).state is State.UNCLEAR
    ingest(db, described("one", CUSTOMERS[0], at=NOW + 20), now=NOW + 20)  # and the true one is found afterwards
    assert ref_of(db, call_id) == ("one",)


def test_of_two_strays_none_is_taken(db: sqlite3.Connection) -> None:
    call_id = order(db)
    for ref in ("r1", "r2"):
        ingest(db, described(ref, CUSTOMERS[0]))
    assert unclear(db, call_id).state is State.UNCLEAR
    assert len(everything(db)) == 3


STORY: tuple[AnyEvent, ...] = (
    Described(ref="r1", at=NOW + 1, source="poll", direction="out", number=CUSTOMERS[0]),
    LegRinging(ref="r1", at=NOW + 1, leg=REP),
    LegAnswered(ref="r1", at=NOW + 4, leg=REP),
    LegRinging(ref="r1", at=NOW + 4, leg=CUSTOMER),
    LegAnswered(ref="r1", at=NOW + 9, leg=CUSTOMER),
    CdrReceived(ref="r1", at=NOW + 1, leg=REP, outcome=Outcome.ANSWERED, ring_seconds=3, talk_seconds=30),
    CdrReceived(ref="r1", at=NOW + 4, leg=CUSTOMER, outcome=Outcome.ANSWERED, ring_seconds=5, talk_seconds=25),
    CallEnded(ref="r1", at=NOW + 34),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    before=st.permutations(STORY),
    split=st.integers(0, len(STORY)),
    one_by_one=st.booleans(),
    fate=st.sampled_from(["accepted", "unclear", "unclear, its id comes back"]),
)
def test_however_it_arrives_it_is_the_same_one_call(
    before: Sequence[AnyEvent], split: int, one_by_one: bool, fate: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """In any order, in any batches, twice over, before or after the answer to the order."""
    for db in opened(tmp_path_factory.mktemp("any") / "store.sqlite"):
        call_id = order(db)

        def tell(events: Sequence[AnyEvent], db: sqlite3.Connection = db) -> None:
            for batch in [[event] for event in events] if one_by_one else [events]:
                ingest(db, *batch)

        tell(before[:split])
        if fate == "accepted":
            ingest(db, Accepted(ref="r1", at=NOW + 1), call_id=call_id)
        else:
            unclear(db, call_id)
        tell(before[split:])
        if fate == "unclear, its id comes back":
            ingest(db, described("r1", source="cdr:rep", call_id=call_id))
        tell(before)
        (call,) = everything(db).values()
        assert (call.id, call.refs, call.rep, call.number) == (call_id, ("r1",), "U1", CUSTOMERS[0])
        assert (call.state, call.outcome, call.talk_seconds) == (State.ENDED, Outcome.ANSWERED, 25)


# What is to be shown


def marks(db: sqlite3.Connection) -> set[tuple[str, str, float]]:
    """(kind, place, due) of the dirty cards."""
    return {tuple(row) for row in db.execute("SELECT kind, place, due_at FROM cards WHERE dirty")}


def test_an_order_is_shown_to_its_rep_and_summed_up_when_it_is_over(db: sqlite3.Connection) -> None:
    call_id = order(db)
    ingest(db, Accepted(ref="r1", at=NOW), call_id=call_id)
    assert marks(db) == {("call", "@U1", NOW)}
    ingest(db, LegAnswered(ref="r1", at=NOW + 2, leg=CUSTOMER), CallEnded(ref="r1", at=NOW + 9), now=NOW + 9)
    assert marks(db) == {("call", "@U1", NOW + 9), ("cdr", "C1", NOW + 9)}


@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.NOT_PLACED])
def test_a_call_that_never_rang_is_not_summed_up(db: sqlite3.Connection, outcome: Outcome) -> None:
    ingest(db, NotPlaced(at=NOW, outcome=outcome, words="No."), call_id=order(db))
    assert {kind for kind, *_ in marks(db)} == {"call"}


def test_no_summary_where_none_is_wanted(db: sqlite3.Connection) -> None:
    ended = (LegAnswered(ref="r1", at=NOW, leg=CUSTOMER), CallEnded(ref="r1", at=NOW + 9))
    calls.ingest(db, "acme", ended, now=NOW, routing=Routes(summaries=False))
    assert marks(db) == set()


def test_where_incoming_calls_are_not_wanted_missed_ones_are_shown_all_the_same(db: sqlite3.Connection) -> None:
    told = (Described(ref="r1", at=NOW, source="popup", direction="in", number=CUSTOMERS[0]),)
    calls.ingest(db, "acme", told, now=NOW, routing=Routes(incoming=False))
    assert marks(db) == set()
    calls.ingest(db, "acme", [CallEnded(ref="r1", at=NOW + 9)], now=NOW + 9, routing=Routes(incoming=False))
    assert marks(db) == {("missed", "C1", NOW + 9 + missed.SETTLE_SECONDS)}


def test_what_is_shown_of_an_incoming_call_goes_on_when_its_line_is_told_later(db: sqlite3.Connection) -> None:
    ingest(db, Described(ref="r1", at=NOW, source="popup", direction="in", number=CUSTOMERS[0]))
    db.execute("UPDATE cards SET dirty = 0, ts = '1.1'")  # Slack shows it
    calls.ingest(db, "acme", [CallEnded(ref="r1", at=NOW + 9)], now=NOW + 9, routing=Routes(incoming=False))
    assert ("incoming", "C1", NOW) in marks(db), "else it would ring in Slack for ever"


def test_an_incoming_call_is_shown_at_once_and_its_missing_a_moment_later(db: sqlite3.Connection) -> None:
    ingest(db, Described(ref="r1", at=NOW, source="popup", direction="in", number=CUSTOMERS[0]))
    assert marks(db) == {("incoming", "C1", NOW)}
    ingest(db, CallEnded(ref="r1", at=NOW + 9), now=NOW + 9)
    due = NOW + 9 + missed.SETTLE_SECONDS
    assert marks(db) == {("incoming", "C1", due), ("missed", "C1", due)}


def test_a_change_that_shows_nothing_new_marks_nothing(db: sqlite3.Connection) -> None:
    ingest(db, rings("r1"), LegAnswered(ref="r1", at=NOW + 2, leg=CUSTOMER), CallEnded(ref="r1", at=NOW + 9))
    db.execute("UPDATE cards SET dirty = 0")
    (change,) = ingest(db, CallEnded(ref="r1", at=NOW + 9, outcome=Outcome.PENDING), described("r1"))
    assert change.fresh == 1  # the description told what was known
    assert marks(db) == set()


def test_a_call_on_somebodys_extension_is_theirs(db: sqlite3.Connection) -> None:
    people.save_person(db, Person("U1", phone_kind="extension", phone="201", account="acme", extension="201"))
    people.save_person(db, Person("U2", phone_kind="extension", phone="201", account="other", extension="201"))
    for account, rep in (("acme", "U1"), ("other", "U2"), ("third", "")):
        (change,) = ingest(db, LegRinging(ref="r1", at=NOW, leg="ext:201"), account=account)
        assert change.call.rep == rep


def test_a_failure_in_the_middle_leaves_nothing_behind(tmp_path: Path) -> None:
    for db in opened(tmp_path / "store.sqlite"):
        db.execute("CREATE TRIGGER full BEFORE INSERT ON cards BEGIN SELECT raise(ABORT, 'full'); END")
        before = list(db.iterdump())
        db.execute("BEGIN")
        with pytest.raises(sqlite3.IntegrityError):
            ingest(db, Described(ref="r1", at=NOW, source="popup", direction="in", number=CUSTOMERS[0]))
        db.execute("ROLLBACK")
        assert list(db.iterdump()) == before


def test_what_a_person_says_of_a_call_without_record_counts_until_it_comes(db: sqlite3.Connection) -> None:
    call_id = order(db)
    unclear(db, call_id)
    ingest(db, Settled(at=NOW + 60, by="U1", outcome=Outcome.NOT_PLACED), call_id=call_id)
    assert everything(db)[call_id].outcome is Outcome.NOT_PLACED
    ingest(
        db,
        described("r1", source="cdr:customer", call_id=call_id),
        CdrReceived(ref="r1", at=NOW + 2, leg=CUSTOMER, outcome=Outcome.ANSWERED, talk_seconds=9),
    )
    assert (everything(db)[call_id].outcome, everything(db)[call_id].talk_seconds) == (Outcome.ANSWERED, 9)
