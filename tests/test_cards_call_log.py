"""A page of the call log, its file and the form, with whatever words outsiders send."""

import csv
import io
import re
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.by_hand import BY_HAND
from bot.call_search import Search
from bot.cards.call_log import (
    PAGE,
    Logged,
    Reading,
    Turn,
    add_modal,
    export_comment,
    log_csv,
    log_message,
    search_words,
)
from bot.cards.outcomes import SHORT
from bot.events import Outcome, State
from tests.block_rules import check_view
from tests.card_examples import (
    DANA,
    HOSTILE,
    LINE,
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

READER = Reading(user=REP, now=NOW, zone=ZONE, label={LINE: "Sales"}, names={NUMBER: "Dana Levi"}, everybody=True)
COLUMNS = 18
MINE = Search(rep=REP)
searches = st.builds(
    Search,
    since=st.one_of(st.just(0.0), moments),
    until=st.one_of(st.just(0.0), moments),
    numbers=st.lists(st.sampled_from([NUMBER, "+447700900123", "201"]), unique=True).map(tuple),
    rep=st.sampled_from(["", REP, "U0OTHER001"]),
    direction=st.sampled_from([None, "in", "out"]),
    missed=st.booleans(),
    line=st.sampled_from(["", LINE, NUMBER]),
    messages=st.booleans(),
)
logged = st.builds(Logged, call=calls, contact=contacts, masked=st.booleans())


def page(*found: Logged, search: Search = MINE, newer: bool = False, older: bool = False) -> str:
    message = log_message(found, search, READER, newer=newer, older=older, command="/calls")
    return checked(message).text


def rows(*found: Logged) -> list[list[str]]:
    text = log_csv(found, READER, {REP: "Ada"}).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text)))


def test_a_call_on_two_lines() -> None:
    found = ended(Outcome.ANSWERED, talk_seconds=80, disposition="Sold", note="wants papers", recording="r1")
    told = page(Logged(found, DANA, False)).splitlines()
    assert told[2:4] == [
        "14:57 · Outgoing call to Dana Levi (Acme), +1 202-555-0100",
        f"by <@{REP}> · line Sales · Answered · talked 1 min 20 s · recorded · Sold · wants papers",
    ]


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_ending_is_said_in_words(outcome: Outcome) -> None:
    for direction in ("in", "out"):
        told = page(Logged(ended(outcome, direction=direction), None, False))
        assert SHORT[outcome].casefold() in told.casefold()


@pytest.mark.parametrize("state", [state for state in State if state is not State.ENDED])
def test_a_call_that_is_not_over_says_so(state: State) -> None:
    told = page(Logged(call(state=state), None, False))
    assert ("Not known whether it rang" if state is State.UNCLEAR else "Not over yet") in told


def test_the_mark_of_a_call_recorded_by_hand_outlives_its_note() -> None:
    by_hand = ended(Outcome.ANSWERED, account=BY_HAND, note="Recorded by hand: papers")
    assert page(Logged(by_hand, None, False)).count("ecorded by hand") == 1
    assert "recorded by hand · later" in page(Logged(msgspec.structs.replace(by_hand, note="later"), None, False))


def test_a_hidden_number_is_hidden_in_name_and_file() -> None:
    shown = Logged(ended(Outcome.NO_ANSWER, direction="in", name="12025550100", note="secret"), None, True)
    (_, row) = rows(shown)
    for told in (page(shown), " ".join(row)):
        assert "555" not in told
        assert "secret" not in told
        assert "•00" in told
    named = Logged(shown.call, DANA, True)
    assert "Dana Levi (Acme), ••" in page(named)


def test_buttons_say_where_they_go() -> None:
    found = [Logged(call(id=f"c{number}", started_at=NOW - number), None, False) for number in range(PAGE)]
    search = Search(rep=REP, numbers=tuple(f"+1202555{number:04}" for number in range(20)), line=LINE, since=NOW - 9.25)
    message = checked(log_message(found, search, READER, newer=True, older=True, command="/calls"))
    assert action_ids(message.blocks) == ["log:newer", "log:older", "log:export"]
    (buttons,) = [block["elements"] for block in message.blocks if block["type"] == "actions"]
    turns = [msgspec.json.decode(button["value"], type=Turn) for button in buttons]
    assert turns == [
        Turn(search, NOW, "c0", newer=True),
        Turn(search, NOW - 9, "c9"),
        Turn(search),
    ]


def test_ten_full_rows_are_all_in_the_text() -> None:
    contact = replace(DANA, name="Bartholomew Featherstone", company="Featherstone and Daughters")
    full = [
        Logged(
            ended(
                *(Outcome.REP_UNREACHABLE,),
                id=f"c{number}",
                started_at=NOW - 400 * 86400,
                talk_seconds=3725,
                recording="r1",
                disposition="Wants to be called again in spring",
                note="n" * 119 + str(number),
            ),
            contact,
            False,
        )
        for number in range(PAGE)
    ]
    told = page(*full, newer=True, older=True)
    assert all("n" * 119 + str(number) in told for number in range(PAGE))
    assert told.endswith("As of 15:00.")


def test_an_empty_page_says_what_can_be_done() -> None:
    assert "No call fits. `/calls help` shows" in page()


@pytest.mark.parametrize(
    ("search", "wanted"),
    [
        (Search(), "Everybody's calls"),
        (Search(rep=REP), "My calls"),
        (Search(rep="U0OTHER001", messages=True), "Voice messages of <@U0OTHER001>"),
        (Search(direction="in", line=LINE), "Everybody's incoming calls, line Sales"),
        (Search(missed=True, direction="in"), "Everybody's missed calls"),
        (Search(numbers=(NUMBER,)), "Everybody's calls, with Dana Levi, +1 202-555-0100"),
        (Search(numbers=("201", "202", "203", "204")), "Everybody's calls, with 201 or 202 or 203, and 1 more number"),
        (Search(since=1_772_578_800, until=1_772_665_200), "Everybody's calls, on 4 Mar 2026"),
        (Search(since=1_772_406_000, until=1_772_665_200), "Everybody's calls, 2 Mar 2026 to 4 Mar 2026"),
        (Search(since=1_772_406_000), "Everybody's calls, since 2 Mar 2026"),
        (Search(until=1_772_665_200), "Everybody's calls, until 4 Mar 2026"),
    ],
)
def test_a_search_in_words(search: Search, wanted: str) -> None:
    assert search_words(search, READER) == wanted


@given(st.lists(logged, max_size=PAGE, unique_by=lambda one: one.call.id), searches, st.booleans(), st.booleans())
def test_whatever_outsiders_send_it_is_a_page(found: list[Logged], search: Search, newer: bool, older: bool) -> None:
    for everybody in (False, True):
        reading = msgspec.structs.replace(READER, everybody=everybody)
        told = checked(log_message(found, search, reading, newer=newer, older=older, command="/calls"))
        assert "<!" not in told.text
        assert "<!" not in export_comment(search, reading, len(found), more=newer)


@given(st.lists(logged, max_size=4), words)
def test_whatever_outsiders_send_no_cell_is_a_formula(found: list[Logged], name: str) -> None:
    text = log_csv(found, READER, {REP: name}).decode("utf-8-sig")
    table = list(csv.reader(io.StringIO(text, newline="")))
    assert [len(row) for row in table] == [COLUMNS] * (len(found) + 1)
    for row in table[1:]:
        for value in row:
            assert value[:1] not in ("=", "@", "\t", "\r", "-")
            assert not value.startswith("+") or re.fullmatch(r"\+[\d\s().-]+", value), "a number keeps its plus"


@pytest.mark.parametrize("hostile", HOSTILE)
def test_the_form_with_hostile_words(hostile: str) -> None:
    view = add_modal(
        lines=[(LINE, hostile), (NUMBER, "")],
        dispositions=["Sold", "Sold", "x" * 100, " "],
        today="2026-03-04",
        initial={"who": hostile.replace("<!", "<"), "line": LINE},  # nothing in a text field rings anybody
        private_metadata="{}",
    )
    check_view(view)


def test_the_form_without_lines_or_dispositions() -> None:
    view = add_modal(lines=[], dispositions=[], today="2026-03-04", initial={}, private_metadata="{}")
    check_view(view)
    inputs = [block["block_id"] for block in view["blocks"] if block["type"] == "input"]
    assert inputs == ["who", "direction", "day", "time", "minutes", "note"]
