"""The modals and App Home."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import cards
from bot.call import Call
from bot.cards.home import home_view
from bot.cards.modals import (
    NONE,
    call_modal,
    error_modal,
    later_modal,
    loading_modal,
    phone_modal,
    wrap_modal,
)
from bot.cards.times import MOMENTS
from bot.events import Outcome, State
from bot.numbers import pretty
from bot.store.calling_lists import CallingList
from bot.store.campaigns import Batch
from bot.store.contacts import Contact
from bot.store.missed import Missed
from bot.store.people import Person
from tests.block_rules import check_view
from tests.card_examples import (
    DANA,
    LINE,
    NOW,
    NUMBER,
    PRETTY,
    REP,
    ZONE,
    action_ids,
    call,
    calls,
    contacts,
    ended,
    missed,
    missed_callers,
    persons,
    words,
)

typed = words.filter(lambda text: "<!" not in text)
"""What stands in an input stays as it was typed, so Slack gets it unescaped."""

ALL_OPTIONS = frozenset({"caller_id", "record", "max_seconds"})
ACCOUNTS = (("voicenter", "Voicenter"), ("gurulize", "Gurulize"))
LINES = ((LINE, "Sales"), ("+12025550198", ""))


def inputs(view: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Block name -> element, after Slack's rules; every element is called like its block."""
    check_view(view)
    found = {block["block_id"]: block["element"] for block in view["blocks"] if block["type"] == "input"}
    assert all(element["action_id"] == name for name, element in found.items())
    return found


def choices(element: dict[str, Any]) -> dict[str, str]:
    groups = element.get("option_groups", [element])
    return {option["value"]: option["text"]["text"] for group in groups for option in group["options"]}


def texts(view: dict[str, Any]) -> str:
    return cards.message([block for block in view["blocks"] if block["type"] != "input"]).text


def order(**changes: Any) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "lines": LINES,
        "accounts": ACCOUNTS,
        "options": ALL_OPTIONS,
        "initial": {},
        "private_metadata": "",
        **changes,
    }
    return call_modal(**asked)


def test_the_call_modal_asks_for_what_the_provider_can_express() -> None:
    view = order()
    assert list(inputs(view)) == ["who", "line", "account", "options", "max", "note"]
    assert view["callback_id"] == "call:order"
    assert list(inputs(order(options=frozenset(), accounts=ACCOUNTS[:1]))) == ["who", "note"]
    assert list(inputs(order(lines=()))) == ["who", "account", "options", "max", "note"]
    assert list(inputs(order(options=frozenset({"dial_digits"})))) == ["who", "digits", "account", "note"]


def test_only_whom_to_call_must_be_filled_in() -> None:
    asked = order(options=ALL_OPTIONS | {"dial_digits", "scenario"})["blocks"]
    assert [block["block_id"] for block in asked if not block.get("optional")] == ["who"]


def test_the_call_modal_can_be_filled_in_beforehand() -> None:
    initial = {"who": PRETTY, "line": LINE, "account": "gurulize", "options": "record", "max": "30", "note": "offer"}
    found = inputs(order(initial=initial, private_metadata="x"))
    assert found["who"]["initial_value"] == PRETTY
    assert found["line"]["initial_option"]["value"] == LINE
    assert found["account"]["initial_option"]["text"]["text"] == "Gurulize"
    assert [option["value"] for option in found["options"]["initial_options"]] == ["record"]
    assert found["max"]["initial_value"] == "30"
    assert found["note"]["initial_value"] == "offer"


def test_three_hundred_lines_fit_into_one_menu() -> None:
    lines = [(f"+1202555{number:04}", f"Line {number}") for number in range(300)]
    found = inputs(order(lines=lines, initial={"line": lines[299][0]}))["line"]
    assert len(choices(found)) == 300
    assert [len(group["options"]) for group in found["option_groups"]] == [100, 100, 100]
    assert found["initial_option"]["value"] == lines[299][0]


@given(
    st.lists(
        st.tuples(st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True), words), max_size=120, unique_by=lambda p: p[0]
    ),
    st.lists(words.filter(str.strip), max_size=3),
    st.dictionaries(st.sampled_from(["who", "line", "account", "options", "max", "note"]), typed),
    st.text(max_size=3000),
)
def test_any_call_modal_is_one_that_slack_takes(
    lines: list[tuple[str, str]], titles: list[str], initial: dict[str, str], metadata: str
) -> None:
    accounts = [(f"account{number}", title) for number, title in enumerate(titles)]
    inputs(order(lines=lines, accounts=accounts, initial=initial, private_metadata=metadata))


def test_the_wrap_modal_keeps_what_was_said_before() -> None:
    shown = ended(Outcome.ANSWERED, disposition="Renamed since", note="first note")
    view = wrap_modal(shown, ("Interested", "Not interested", "Interested"), contact=DANA)
    found = inputs(view)
    assert view["private_metadata"] == "c1"
    assert view["callback_id"] == "call:wrapped"
    assert list(choices(found["disposition"])) == ["Interested", "Not interested", "Renamed since", NONE]
    assert found["disposition"]["initial_option"]["value"] == "Renamed since"
    assert found["note"]["initial_value"] == "first note"
    assert choices(found["later"]) == dict(MOMENTS)
    assert PRETTY in texts(view)


def test_a_reminder_can_be_taken_back_where_there_is_one() -> None:
    found = inputs(wrap_modal(call(), (), reminder="09:35"))
    assert found["later"]["placeholder"]["text"] == "As it is: 09:35"
    assert list(choices(found["later"])) == [*MOMENTS, NONE]
    view = later_modal(call(), contact=DANA, reminder="tomorrow 09:00")
    assert "So far: tomorrow 09:00." in texts(view)
    assert list(choices(inputs(view)["when"])) == [*MOMENTS, NONE]


def test_an_outcome_can_be_taken_back_where_there_is_one() -> None:
    found = inputs(wrap_modal(ended(Outcome.ANSWERED, note="only a note"), ("Interested",)))
    assert list(choices(found["disposition"])) == ["Interested"]


def test_the_wrap_modal_without_dispositions_or_number_asks_for_less() -> None:
    assert list(inputs(wrap_modal(ended(Outcome.ANSWERED, number=""), ()))) == ["note"]


@given(calls, st.lists(typed, max_size=8), typed, contacts)
def test_any_wrap_and_later_modal_is_one_that_slack_takes(
    shown: Call, dispositions: list[str], said: str, contact: Contact | None
) -> None:
    shown = msgspec.structs.replace(shown, disposition=said, note=said)
    inputs(wrap_modal(shown, dispositions, contact=contact))
    inputs(later_modal(shown, contact=contact))


def test_the_later_modal_offers_moments_and_a_day_of_choice() -> None:
    view = later_modal(call(), contact=DANA)
    found = inputs(view)
    assert list(found) == ["when", "day", "time"]
    assert choices(found["when"]) == dict(MOMENTS)
    assert found["day"]["type"] == "datepicker"
    assert (view["callback_id"], view["private_metadata"]) == ("call:remind", "c1")


KINDS = (
    ("voicenter", "Voicenter", frozenset({"number", "extension", "login", "trunk"})),
    ("gurulize", "Gurulize", frozenset({"number"})),
)


def test_the_phone_modal_offers_the_kinds_that_can_ring_first() -> None:
    found = inputs(phone_modal(Person(REP), KINDS, LINES))
    assert list(found) == ["kind", "phone", "account", "extension", "line"]
    assert list(choices(found["kind"])) == ["number", "extension", "login", "trunk"]
    assert list(choices(found["line"])) == [NONE, LINE, "+12025550198"]
    small = inputs(phone_modal(Person(REP), KINDS[1:], ()))
    assert list(small) == ["kind", "phone", "extension"]
    assert list(choices(small["kind"])) == ["number"]


def test_the_phone_modal_shows_what_is_linked() -> None:
    person = Person(REP, phone_kind="number", phone=NUMBER, account="gurulize", extension="201", line=LINE)
    found = inputs(phone_modal(person, KINDS, LINES))
    assert found["phone"]["initial_value"] == PRETTY
    assert found["extension"]["initial_value"] == "201"
    assert found["account"]["initial_option"]["value"] == "gurulize"
    assert found["line"]["initial_option"]["value"] == LINE


@given(persons, typed)
def test_any_phone_modal_is_one_that_slack_takes(person: Person, title: str) -> None:
    person = replace(person, phone=title, extension=title)
    accounts = (("a", title, frozenset({"number", "trunk"})), ("b", title, frozenset[str]()))
    inputs(phone_modal(person, accounts, LINES, private_metadata="x"))


def test_what_is_shown_until_a_form_is_there_is_one_that_slack_takes() -> None:
    check_view(loading_modal("Start a call"))


@given(words)
def test_any_error_modal_is_one_that_slack_takes(text: str) -> None:
    check_view(error_modal("Not done", text))


def test_the_error_modal_keeps_the_sentence_and_its_mentions() -> None:
    view = error_modal("Not saved", f"Extension 201 is already linked to <@{REP}>, so <nothing> was changed.")
    assert texts(view) == f"Extension 201 is already linked to <@{REP}>, so &lt;nothing&gt; was changed."


def home(**changes: Any) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "live": (),
        "owed": (),
        "today": {},
        "person": Person(REP, phone_kind="number", phone=NUMBER, line=LINE),
        "problems": (),
        "health": (),
        "is_admin": False,
        "now": NOW,
        "zone": ZONE,
        "controls": lambda shown: frozenset({"hang_up"}) if shown.live else frozenset(),
        "names": lambda number: "Dana Levi" if number == NUMBER else "",
        **changes,
    }
    view = home_view(**shown)
    check_view(view)
    return view


def test_an_empty_home_says_so() -> None:
    view = home()
    text = texts(view)
    for expected in (
        f"Your phone: {PRETTY}",
        f"line {pretty(LINE)}",
        "No call at the moment.",
        "Nobody waits for a call back.",
        "No calls yet today.",
        "As of 15:00.",
    ):
        assert expected in text
    assert action_ids(view["blocks"]) == ["home:call", "home:phone"]
    assert "broken" not in text


def test_without_a_phone_home_offers_to_link_one_and_no_call() -> None:
    view = home(person=Person(REP))
    assert action_ids(view["blocks"]) == ["home:phone"]
    assert "Your phone is not linked yet." in texts(view)


@pytest.mark.parametrize(
    ("kind", "phone", "expected"),
    [("extension", "201", "extension 201"), ("login", "77", "login code 77"), ("trunk", "", "behind the SIP trunk")],
)
def test_home_names_the_kind_of_phone(kind: str, phone: str, expected: str) -> None:
    assert expected in texts(home(person=Person(REP, phone_kind=kind, phone=phone, account="voicenter")))


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (State.REQUESTED, "Being placed"),
        (State.UNCLEAR, "Unclear whether it rings"),
        (State.RINGING, "Ringing your phone"),
        (State.CONNECTING, "Their phone is ringing"),
        (State.TALKING, "Talking"),
        (State.ENDED, "Just ended"),
    ],
)
def test_home_shows_live_calls(state: State, said: str) -> None:
    view = home(live=[call(state=state)])
    assert said in texts(view)
    assert f"Dana Levi, {PRETTY}" in texts(view)
    assert ("call:hang_up" in action_ids(view["blocks"])) == call(state=state).live


def test_home_does_not_offer_what_cannot_be_done() -> None:
    assert "call:hang_up" not in action_ids(home(live=[call()], controls=lambda shown: frozenset())["blocks"])
    asked = home(live=[call(hang_up_by=REP, hang_up_at=NOW - 5)])
    assert "call:hang_up" not in action_ids(asked["blocks"])
    assert f"Hanging up… asked by <@{REP}>" in texts(asked)
    again = home(live=[call(hang_up_by=REP, hang_up_at=NOW - 30)])
    assert "call:hang_up" in action_ids(again["blocks"])
    assert f"<@{REP}> asked to hang up, and no end was told" in texts(again)
    assert "Incoming, ringing" in texts(home(live=[call(direction="in")]))
    assert "Talking 1:45" in texts(home(live=[call(state=State.TALKING, answered_at=NOW - 105)]))


def test_home_shows_the_callbacks_that_are_owed() -> None:
    owed = [missed(), missed(id="m2", claimed_by=REP, snoozed_until=NOW + 60), missed(id="m3", number="", calls=1)]
    view = home(owed=owed)
    text = texts(view)
    for expected in (
        "; last at 14:56; waiting for 22 min; nobody has claimed it.",
        f"claimed by <@{REP}>; snoozed until 15:01.",
        "A withheld number\nMissed once",
    ):
        assert expected in text
    rest = ["missed:snooze", "missed:close"]
    assert action_ids(view["blocks"])[2:] == [
        *("missed:call_back", "missed:claim", *rest), *("missed:call_back", "missed:release", *rest),
        *("missed:claim", *rest),
    ]  # fmt: skip


def test_a_crowded_home_names_what_it_leaves_out() -> None:
    view = home(
        live=[call(id=f"c{n}") for n in range(40)],
        owed=[missed(id=f"m{n}") for n in range(90)],
        today={f"Figure {n} of the day, in many words": n for n in range(500)},
        problems=["word " * 100] * 200,
        health=["word " * 100] * 200,
        is_admin=True,
        controls=lambda shown: frozenset({"hang_up", "hold"}),
        lists=[(Batch(f"b{n}", "a", "k", "x" * 80, "y" * 80, REP, NOW, "adding"), {"ready": 9}) for n in range(200)],
        reminders=[(call(id=f"r{n}"), NOW + n, bool(n % 2)) for n in range(5)],
        reminders_left=8,
        mine=[(CallingList(f"l{n}", f"List {n}", "autumn.csv", REP, NOW, "running"), 9) for n in range(20)],
    )
    assert "And 30 more." in texts_of_contexts(view)
    assert "And 75 more." in texts_of_contexts(view)
    assert "And 8 more." in texts_of_contexts(view)


def texts_of_contexts(view: dict[str, Any]) -> list[str]:
    return [element["text"] for block in view["blocks"] if block["type"] == "context" for element in block["elements"]]


def test_admins_see_what_is_broken_and_others_that_something_is() -> None:
    problems = ["voicenter: it refused <our> code."]
    assert "• voicenter: it refused &lt;our&gt; code." in texts(home(problems=problems, is_admin=True))
    others = texts(home(problems=problems))
    assert "voicenter" not in others
    assert "The admins have been told." in others
    assert "• Voicenter works." in texts(home(health=["Voicenter works."], today={"Calls": 12}))


@given(
    st.lists(calls, max_size=15, unique_by=lambda shown: shown.id),
    st.lists(missed_callers, max_size=25, unique_by=lambda row: row.id),
    st.dictionaries(words, st.one_of(words, st.integers()), max_size=20),
    persons,
    st.lists(words, max_size=10),
    st.booleans(),
    words,
)
def test_any_home_is_one_that_slack_takes(
    live: list[Call],
    owed: list[Missed],
    today: dict[str, str | int],
    person: Person,
    sentences: list[str],
    flag: bool,
    name: str,
) -> None:
    home(
        reminders=[(one, NOW, flag) for one in live[:5]],
        live=live, owed=owed, today=today, person=person, problems=sentences, health=sentences, is_admin=flag,
        controls=lambda shown: frozenset({"hang_up", "hold"}) if flag else frozenset(), names=lambda number: name,
    )  # fmt: skip
