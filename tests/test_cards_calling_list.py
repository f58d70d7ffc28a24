"""The cards of a call list, its form and its file, with whatever words outsiders send."""

import csv
import io
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.call import Call
from bot.cards import Message
from bot.cards.calling_list import WORDS, headline, list_card, lists_message
from bot.cards.calling_list_forms import make_form, results_csv
from bot.cards.offer import Known, Press, later_form, offer_card, press, question_message
from bot.errors import BadInput
from bot.events import Outcome, State
from bot.orders import CampaignCall
from bot.store.calling_lists import CallingList, Done, Progress
from bot.store.contacts import Contact
from bot.store.offers import Offer, Rep
from bot.window import Window
from tests.block_rules import check_view
from tests.card_examples import (
    HOSTILE,
    NOW,
    NUMBER,
    REP,
    ZONE,
    action_ids,
    call,
    calls,
    checked,
    contacts,
    ended,
    moments,
    words,
)

LIST = CallingList("l1", "Autumn offers", "autumn.csv", "U0MAKER001", NOW - 3600, "running", NOW - 1800)
TURN = Rep("l1", REP, 0, 0)
ROW = Offer("l1", 2, "offered", NUMBER, "Dana Levi", '{"city":"Haifa"}', "", REP, 0, 1, "", NOW)
KNOWN = Known(row=ROW, call=None, contact=None, title="EnableX", history=(), zones=("America/New_York",))

states = st.sampled_from(["preview", "asked", "running", "paused", "done", "stopped", "dropped"])
found_lists = st.builds(
    CallingList,
    id=st.just("l1"),
    name=words,
    source=words,
    by=st.just(REP),
    at=moments,
    state=states,
    begun_at=moments,
    ended_at=moments,
    words=words,
    notes=words,
)
row_states = st.sampled_from(["ready", "offered", "calling", "done", "skipped", "barred", *WORDS])
progresses = st.builds(
    Progress,
    counts=st.dictionaries(row_states, st.integers(1, 20_000)),
    later=st.integers(0, 9),
    outcomes=st.dictionaries(st.sampled_from(["", *Outcome]), st.integers(1, 999)),
    reps=st.dictionaries(st.just(REP), st.tuples(st.integers(0, 99), st.integers(0, 99))),
    recent=st.tuples(st.integers(0, 99), moments),
)
samples = st.tuples(
    st.integers(1, 99), words, words, st.one_of(st.none(), st.builds(CampaignCall, number=st.just(NUMBER), name=words))
)
rows = st.builds(
    msgspec.structs.replace,
    st.just(ROW),
    state=st.sampled_from(["offered", "calling"]),
    name=words,
    why=words,
    variables=st.dictionaries(words, words, max_size=14).map(
        lambda table: msgspec.json.encode(
            {k.encode(errors="ignore").decode(): v.encode(errors="ignore").decode() for k, v in table.items()}
        ).decode()
    ),
)
knowns = st.builds(
    Known,
    row=rows,
    call=st.one_of(st.none(), calls),
    contact=contacts,
    title=words,
    history=st.lists(st.tuples(calls, st.booleans()), max_size=4),
    zones=st.sampled_from([(), ("America/New_York",), ("America/New_York", "Pacific/Guam")]),
)


def show(known: Known | None = KNOWN, found: CallingList = LIST, rep: Rep = TURN, now: float = NOW) -> Message:
    return checked(offer_card(found, rep, known, (12, 3, NOW + 60), (7, 4), Window(), now, ZONE))


def after(last: Call) -> Message:
    row = msgspec.structs.replace(ROW, state="calling", call_id="c1")
    return show(replace(KNOWN, row=row, call=last))


@given(found_lists, progresses, st.lists(words, max_size=3), st.lists(samples, max_size=3))
def test_any_list_makes_a_card_that_slack_takes(
    found: CallingList, progress: Progress, reps: list[str], shown: list[tuple[int, str, str, CampaignCall | None]]
) -> None:
    kinds = dict.fromkeys(("ready", *WORDS), shown)
    message = list_card(found, progress, [REP, *reps], reps, {"closed": 2, "unknown": 1}, kinds, NOW, ZONE)
    assert "<!" not in checked(message).text
    assert headline(found, progress.counts)


@pytest.mark.parametrize(("tries", "words"), [(1, ""), (2, "called up to twice."), (3, "called up to 3 times.")])
def test_the_makers_card_says_how_often_somebody_is_called(tries: int, words: str) -> None:
    card = list_card(
        msgspec.structs.replace(LIST, state="preview", tries=tries),
        Progress({}, 0, {}, {}, (0, 0)),
        [REP],
        [],
        {},
        {},
        NOW,
        ZONE,
    )
    assert words in card.text
    assert ("called up to" in card.text) == bool(words)


def test_one_contact_waits() -> None:
    assert headline(msgspec.structs.replace(LIST, state="asked"), {"ready": 1}).startswith("1 contact waits for")
    alone = checked(offer_card(LIST, TURN, KNOWN, (1, 1, NOW + 60), (1, 1), Window(), NOW, ZONE)).text
    assert "1 more waits until later · you have done 1, and talked to 1 of them" in alone


@given(found_lists, st.one_of(st.none(), knowns), st.integers(0, 1), st.one_of(st.just(0.0), moments), words)
def test_any_contact_makes_a_card_that_slack_takes(
    found: CallingList, known: Known | None, paused: int, auto: float, why: str
) -> None:
    message = show(known, found, Rep("l1", REP, paused, 0, auto, 15, why))
    assert "<!" not in message.text


@given(found_lists, words)
def test_the_lists_the_forms_and_the_question(found: CallingList, outside: str) -> None:
    listed = lists_message([(found, {"ready": 3}, [REP] * 30)] * 25, ZONE, "/campaign", others=True)
    assert "<!" not in checked(listed).text
    for own in (True, False):
        check_view(make_form("Autumn offers", [REP], "{}", own=own, file=own))
    check_view(later_form(msgspec.structs.replace(ROW, name=outside), "l1 2 1"))
    assert "<!" not in checked(question_message(f"{outside} Call anyway?", Press("l1", 2, 1, True), outside)).text


@given(st.lists(st.builds(Done, st.just(NUMBER), words, row_states.filter(lambda s: s not in WORDS), words,
                          st.sampled_from(["", REP]), moments, st.one_of(st.none(), calls)), max_size=5))  # fmt: skip
def test_any_results_make_a_file(done: list[Done]) -> None:
    file = results_csv(done, {REP: "=Ada"}).decode("utf-8-sig", "replace")
    for line in list(csv.reader(io.StringIO(file)))[1:]:
        assert not any(cell[:1] in ("=", "@") for cell in line)


def test_who_is_next_is_told_with_all_that_is_known() -> None:
    known = replace(
        KNOWN,
        contact=Contact(NUMBER, "Dana Levi", "Acme"),
        history=[(ended(Outcome.BUSY, note="try again"), False), (ended(Outcome.BUSY, note="secret"), True)],
        row=msgspec.structs.replace(ROW, why="They were called once today."),
    )
    shown = show(known)
    for told in (
        "Next is Dana Levi (Acme), +1 202-555-0100",
        "city: Haifa",
        "It is 09:00 in New York, within calling hours (between 09:00 and 18:00, Monday to Friday)",
        "14:57: we called, busy (try again)\n14:57: we called, busy\n",
        "They were called once today.",
        "12 more wait, 3 of them until later",
        "you have done 7, and talked to 4 of them",
    ):
        assert told in shown.text, told
    assert "secret" not in shown.text
    assert action_ids(shown.blocks) == ["offer:call", "offer:skip", "offer:later", "offer:pause", "offer:auto"]
    assert "outside calling hours" in show(now=NOW - 3600).text
    assert "not known what time it is there" in show(replace(KNOWN, zones=())).text


@pytest.mark.parametrize(
    ("last", "told", "offered"),
    [
        (call(state=State.REQUESTED), "Calling Dana Levi", []),
        (call(state=State.TALKING), "Talking to Dana Levi", []),
        (call(state=State.UNCLEAR), "It is not dialled again.", ["next", "pause", "auto"]),
        (ended(Outcome.ANSWERED), "Say how it went", ["wrap", "next", "pause", "auto"]),
        (ended(Outcome.ANSWERED, disposition="Good"), "How it went: Good", ["wrap", "next", "pause", "auto"]),
        (ended(Outcome.PENDING), "Waiting for EnableX's record", ["wrap", "next", "pause", "auto"]),
        (ended(Outcome.NO_ANSWER), "No answer: Dana Levi", ["next", "later", "wrap", "pause", "auto"]),
        (ended(Outcome.REP_NO_ANSWER), "Your phone was not answered", ["call", "skip", "later", "pause", "auto"]),
        (ended(Outcome.REFUSED, words="No credit."), "No credit.", ["call", "skip", "later", "pause", "auto"]),
    ],
)
def test_how_it_stands_decides_what_can_be_done(last: Call, told: str, offered: list[str]) -> None:
    message = after(last)
    assert told in message.text
    assert [action.partition(":")[2] for action in action_ids(message.blocks)] == offered


@pytest.mark.parametrize(
    ("last", "told"),
    [
        (call(state=State.TALKING), "It goes on when this call has ended."),
        (ended(Outcome.PENDING), "It goes on when this call has ended."),
        (ended(Outcome.ANSWERED), "It goes on when you have said how it went."),
        (ended(Outcome.BUSY), "It goes on at 15:00:35. To try this contact again, press Later."),
        (call(state=State.UNCLEAR), ""),
        (ended(Outcome.REP_BUSY), ""),
    ],
)
def test_what_auto_dial_waits_for(last: Call, told: str) -> None:
    row = msgspec.structs.replace(ROW, state="calling", call_id="c1", changed_at=NOW)
    rep = Rep("l1", REP, 0, 0, NOW + 20, 15)
    message = show(replace(KNOWN, row=row, call=last), rep=rep)
    assert (f"Auto-dial is on. {told}" in message.text) == bool(told)
    assert ("Auto-dial is on" in message.text) == bool(told)
    soon = show(replace(KNOWN, row=row, call=ended(Outcome.BUSY)), rep=Rep("l1", REP, 0, 0, NOW, 15))
    assert "It goes on soon." in soon.text


def test_a_call_that_is_forgotten_holds_nobody_up() -> None:
    message = show(replace(KNOWN, row=msgspec.structs.replace(ROW, state="calling", call_id="c1")))
    assert "Dana Levi, +1 202-555-0100 was called\nThat call is not on record any more." in message.text
    assert action_ids(message.blocks) == ["offer:next", "offer:pause", "offer:auto"]


@pytest.mark.parametrize("value", ["", "l1", "l1 2", "l1 2 x", "l1 2 1 no", *HOSTILE])
def test_a_value_that_is_none_of_ours_is_refused(value: str) -> None:
    with pytest.raises(BadInput, match="Nothing was done"):
        press(value)


@pytest.mark.parametrize("confirmed", [True, False])
def test_what_is_pressed_is_read_as_it_was_written(confirmed: bool) -> None:
    pressed = Press("l1", 2, 3, confirmed)
    assert press(pressed.value) == (pressed, "")
    assert press(f"{pressed.value}|tomorrow") == (pressed, "tomorrow")
