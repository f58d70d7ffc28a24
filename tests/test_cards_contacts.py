"""The contact book and a table of contacts as cards and forms: whatever comes from outside, Slack takes it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cards.contact_import import FATES, LEFT_OUT, SAMPLES, import_card
from bot.cards.contacts import add_form, book_message, import_form, removal_message
from bot.contact_rows import MOST_ROWS
from bot.store.contact_imports import Import, ImportState
from bot.store.contacts import PAGE, Contact
from bot.tables import MOST_BYTES
from tests.block_rules import check_view
from tests.card_examples import HOSTILE, NOW, REP, ZONE, action_ids, checked, words

STATES: tuple[ImportState, ...] = ("preview", "done", "dropped")
COUNTS = {"new": 5, "changed": 2, "unchanged": 1, "invalid": 9, "duplicate": 1}


def people(word: str, count: int = PAGE) -> list[Contact]:
    return [Contact(f"+120255501{number:02}", word or "x", word) for number in range(count)]


def table(state: ImportState = "preview", word: str = "contacts.csv", notes: str = "Columns: number, name.") -> Import:
    return Import("abc", word or "x", REP, NOW, state, notes)


@given(words, words, st.booleans(), st.booleans(), st.booleans())
def test_a_page_of_whatever_names(name: str, text: str, earlier: bool, later: bool, manager: bool) -> None:
    page = people(name)
    checked(book_message(page, text, earlier=earlier, later=later, manager=manager, command="/contacts"))
    checked(book_message([], text, earlier=False, later=False, manager=manager, command="/contacts"))


@given(words, st.booleans())
def test_whom_to_remove_of_whatever_names(name: str, may: bool) -> None:
    checked(removal_message([(contact, REP, may) for contact in people(name)], more=True))


def test_only_what_may_be_removed_has_a_button() -> None:
    one, two = people("Noa", 2)
    shown = removal_message([(one, REP, True), (two, REP, False)], more=False)
    assert action_ids(shown.blocks) == ["contacts:remove"]
    assert f"Added by <@{REP}>; only they or a manager may remove it." in shown.text


@pytest.mark.parametrize("word", [*HOSTILE, ""])
def test_the_forms(word: str) -> None:
    check_view(add_form("https://hooks.example/1", word, word))
    check_view(import_form(""))


def test_the_form_says_the_limits_that_there_are() -> None:
    assert f"At most {MOST_BYTES // 1_000_000} MB and {MOST_ROWS:,} rows." in str(import_form("")["blocks"])


@given(words, st.sampled_from(STATES))
def test_a_table_of_whatever_rows(word: str, state: ImportState) -> None:
    contact = people(word, 1)[0]
    samples: dict[str, Any] = {fate: [(number, contact, contact) for number in range(SAMPLES)] for fate in FATES}
    left_out = [(number, word, "invalid", word) for number in range(LEFT_OUT)]
    checked(import_card(table(state, word, f"{word}\n{word}"), COUNTS, samples, left_out, ZONE))


@pytest.mark.parametrize(
    ("state", "counts", "there"),
    [
        ("preview", COUNTS, ["contacts:import_rows", "contacts:drop_rows", "contacts:report"]),
        ("preview", {"new": 1}, ["contacts:import_rows", "contacts:drop_rows"]),
        ("preview", {"unchanged": 1}, ["contacts:drop_rows"]),
        ("preview", {"invalid": 1}, ["contacts:drop_rows", "contacts:report"]),
        ("done", COUNTS, ["contacts:report"]),
        ("done", {"new": 1}, []),
        ("dropped", {}, []),
    ],
)
def test_buttons_are_there_while_they_make_sense(state: ImportState, counts: dict[str, int], there: list[str]) -> None:
    assert action_ids(import_card(table(state), counts, {}, [], ZONE).blocks) == there


def test_every_figure_is_in_the_text() -> None:
    left_out = [(number, "12", "invalid", "too short") for number in range(LEFT_OUT)]
    card = import_card(table(), COUNTS, {}, left_out, ZONE)
    for told in ("7 contacts can be imported", "18 rows", "5 new", "2 changed", "1 unchanged", "10 left out", "2 more"):
        assert told in card.text
