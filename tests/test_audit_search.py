"""What is typed after /callboard audit: days and colleagues as after /calls log, words; nonsense in full sentences."""

from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import call_search
from bot.audit_search import EXAMPLE, LONGEST, MOST_WORDS, Lines, parse
from bot.cards.audit import Reading, Turn, audit_message
from bot.cards.call_log import days_words
from bot.errors import BadInput
from bot.store.audit import Line
from tests.test_call_search import MADRID, THURSDAY, reader, tokens


def read(text: str) -> Lines:
    return parse(text, reader())


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("yesterday", "on 25 Nov 2026"),
        ("last week", "16 Nov 2026 to 22 Nov 2026"),
        ("2026-11-01..2026-11-15", "1 Nov 2026 to 15 Nov 2026"),
        ("2026-11-01 .. 11-15", "1 Nov 2026 to 15 Nov 2026"),
        ("11-03", "on 3 Nov 2026"),
        ("2026-11-01..", "since 1 Nov 2026"),
        ("..2026-11-01", "until 1 Nov 2026"),
        ("campaign", ""),
    ],
)
def test_days_are_those_of_the_call_log(text: str, days: str) -> None:
    found = read(text)
    assert days_words(found.since, found.until, MADRID) == days
    if days:
        searched = call_search.parse(text, reader()).search
        assert (found.since, found.until) == (searched.since, searched.until)


@pytest.mark.parametrize(
    ("text", "by", "words"),
    [
        ("", "", ()),
        ("<@U2>", "U2", ()),
        ("<@U2|ben> do-not-call", "U2", ("do-not-call",)),
        ("Allow", "", ("Allow",)),
        ("spring sale", "", ("spring", "sale")),
        ("“spring  sale” stop", "", ("spring sale", "stop")),
        ("(202) 555-0123", "", ("+12025550123",)),
        ("<tel:+12025550123|+1 202 555 0123> allow", "", ("+12025550123", "allow")),
        ("add +1 202 555 0123 yesterday", "", ("add", "+12025550123")),
        ("“+1 202-555-0123” “Spring 2026” “12”", "", ("+12025550123", "Spring 2026", "12")),
        ('"(202) 555 0123" "1 2 3" "2026-11-03"', "", ("+12025550123", "1 2 3", "2026-11-03")),
        ("201", "", ("201",)),
        ("12", "", ("12",)),
        ("R&amp;D", "", ("R&D",)),
        ("missed in line team", "", ("missed", "in", "line", "team")),
    ],
)
def test_colleagues_and_words(text: str, by: str, words: tuple[str, ...]) -> None:
    found = read(text)
    assert (found.by, found.words) == (by, words)


def test_all_three_in_any_order() -> None:
    wanted = read("2026-11-01..2026-11-15 <@U2> campaign")
    assert read("campaign <@U2> 2026-11-01..2026-11-15") == wanted
    assert (wanted.by, wanted.words) == ("U2", ("campaign",))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1/11/2026", "could be two days"),
        ("2026-13-01", "not a day of the calendar"),
        ("2026-11-15..2026-11-01", "ends before it begins"),
        ("2026-11-27..", "has not begun yet, so there is nothing in it"),
        ("..", "at least one day"),
        ("yesterday today", "A period was given twice"),
        ("<@U1> <@U2>", "A colleague was given twice"),
        ("@ben", "“@ben” is nobody's name here"),
        ('"spring sale', "is never closed"),
        ('""', "The quotes hold no word"),
        ("a " * (MOST_WORDS + 1), "too many"),
        ("x" * (LONGEST + 1), "too many"),
    ],
)
def test_nonsense_is_answered_with_an_example(text: str, words: str) -> None:
    with pytest.raises(BadInput) as caught:
        read(text)
    assert words in str(caught.value)
    assert str(caught.value).endswith(EXAMPLE)
    assert "Understood are" not in str(caught.value), "that would be of calls"
    assert "searched" in str(caught.value)


@given(st.lists(st.one_of(tokens, st.text(max_size=30)), max_size=6))
def test_anything_is_read_or_answered_in_a_sentence(typed: list[str]) -> None:
    with suppress(BadInput):
        found = read(" ".join(typed))
        assert found.since <= THURSDAY
        assert all(found.words)


@pytest.mark.parametrize("letter", ["<", '"', "\\", "\x01", "ש"])
def test_the_longest_search_fits_into_its_buttons(letter: str) -> None:
    words = tuple(letter * (LONGEST // MOST_WORDS) for _ in range(MOST_WORDS))
    search = Lines(1e9 + 0.123456, 2e9 + 0.123456, "U" * 21, words)
    line = Line(10**12, 1.5e9 + 0.123456, "U1", "call", "", "")
    reading = Reading(THURSDAY, MADRID)
    page = audit_message([line], search, 1, reading, newer=True, older=True, command="/callboard")
    (buttons,) = [block["elements"] for block in page.blocks if block["type"] == "actions"]
    for button in buttons:
        assert msgspec.json.decode(button["value"], type=Turn).search == search
