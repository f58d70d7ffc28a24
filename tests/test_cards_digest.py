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
    card = checked(digest_card(DIGEST), own_words=True)
    assert card.text == (
        f"12 incoming calls: 9 answered, 3 missed. <@{REP}>: 4 made. &lt;!channel&gt;\n"
        "You can: “Show who waits”, “What do these mean?”."
    )
    read = cards.message(card.blocks).text
    assert "Call digest\n12 incoming calls: 9 answered, 3 missed.\nBy person\n" in read
    assert "As of Wednesday 4 March 2026 15:00." in read
    assert action_ids(card.blocks) == ["digest:waiting", "digest:definitions"]


BY_HOUR = {"chart": "*By hour*\n`▁█`\nBusiest: 9", "above": "*By hour*\nBusiest: 9", "alt": "Bars: 09:00: 3 incoming"}


def test_the_picture_stands_in_place_of_the_chart() -> None:
    for body, picture in (({"by_hour": BY_HOUR}, ""), ({"by_hour": BY_HOUR, "picture": "F1"}, "F1"), ({}, "")):
        card = checked(digest_card({**DIGEST, **body}), own_words=True)
        kinds = [block["type"] for block in card.blocks]
        assert kinds == ["header", "section", *(["image"] if picture else []), "context", "actions"]
        assert ("`▁█`" in str(card.blocks)) == (bool(body) and not picture)
        assert ("Busiest: 9" in str(card.blocks)) == bool(body)
        if picture:
            assert card.blocks[2]["slack_file"] == {"id": "F1"}
            assert card.blocks[2]["alt_text"] == "Bars: 09:00: 3 incoming"
            assert "Bars: 09:00: 3 incoming" in cards.message(card.blocks).text
    assert len(cards.image("F1", "x" * 3000, "id")["alt_text"]) == 2000


@given(words, words, st.lists(words, max_size=60), words, st.booleans())
def test_any_digest_is_one_that_slack_takes(title: str, text: str, lines: list[str], as_of: str, drawn: bool) -> None:
    by_hour = {"by_hour": BY_HOUR, "picture": "F1" if drawn else ""}
    checked(
        digest_card({"title": title, "text": f"Call digest: {text}", "lines": lines, "as_of": as_of} | by_hour),
        own_words=True,
    )


def test_a_digest_of_three_hundred_lines_fits() -> None:
    rows = [f"+1 202-555-0{number:03}: 4 incoming, 3 answered, 1 missed & more" for number in range(300)]
    more = {"by_hour": BY_HOUR, "picture": "F1"}
    card = checked(digest_card({**DIGEST, **more, "lines": rows, "text": "\n".join(rows)}), own_words=True)
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
