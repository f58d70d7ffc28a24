"""The digest's card and the help."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import cards, gathering, periods
from bot import who as who_words
from bot.cards.digest import digest_card
from bot.cards.help import FORMS, help_message
from tests.card_examples import REP, ZONE, action_ids, checked, words

DIGEST = {
    "title": "Call digest",
    "text": f"12 incoming calls: 9 answered, 3 missed. <@{REP}>: 4 made. <!channel>",
    "lines": ["12 incoming calls: 9 answered, 3 missed.", f"*By person*\n<@{REP}>: 4 made", "<!channel>"],
    "as_of": "As of Wednesday 4 March 2026 15:00.",
}


def test_the_digest_shows_its_lines_and_acts() -> None:
    card = checked(digest_card(DIGEST))
    assert card.text == f"12 incoming calls: 9 answered, 3 missed. <@{REP}>: 4 made. &lt;!channel&gt;"
    read = cards.message(card.blocks).text
    assert "Call digest\n12 incoming calls: 9 answered, 3 missed.\nBy person\n" in read
    assert "As of Wednesday 4 March 2026 15:00." in read
    assert action_ids(card.blocks) == ["digest:waiting", "digest:definitions"]


@given(words, words, st.lists(words, max_size=60), words)
def test_any_digest_is_one_that_slack_takes(title: str, text: str, lines: list[str], as_of: str) -> None:
    checked(digest_card({"title": title, "text": f"Call digest: {text}", "lines": lines, "as_of": as_of}))


def test_a_digest_of_three_hundred_lines_fits() -> None:
    rows = [f"+1 202-555-0{number:03}: 4 incoming, 3 answered, 1 missed & more" for number in range(300)]
    card = checked(digest_card({**DIGEST, "lines": rows, "text": "\n".join(rows)}))
    read = "".join(block["text"]["text"] for block in card.blocks if block["type"] == "section")
    assert all(row.replace("&", "&amp;") in read for row in rows)


@pytest.mark.parametrize("command", list(FORMS))
def test_help_names_every_form_under_the_commands_own_name(command: str) -> None:
    card = checked(help_message(command, {command: f"/cb-{command}"}))
    for form, what in FORMS[command][1]:
        assert f"`{f'/cb-{command} {form}'.strip()}`: {what}" in card.text
    assert f"/{command}" in checked(help_message(command, {})).text


def test_what_help_shows_of_call_and_digest_is_understood() -> None:
    for form, _ in FORMS["call"][1]:
        typed = form.replace("@sam", f"<@{REP}|sam>")
        if gathering.parse(typed, "US") is None:
            who_words.parse(typed, "US", behind=True)
    for form, _ in FORMS["digest"][1]:
        periods.parse(form, ZONE)
