"""`/call conference` text: what is understood, and the sentence for what is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import BadInput
from bot.gathering import MOST, ConferenceText, Guest, Me, parse
from bot.who import Extension, Mention, Name, Number

SAM = Mention("U2", "sam")
US = Number("+12025550123", "+1 202 555 0123")


@pytest.mark.parametrize(
    ("text", "guests", "more"),
    [
        ("me", (Me(),), {}),
        ("ME, <@U2|sam>", (Me(), SAM), {}),
        ("<@U2|sam>, +1 202 555 0123 ;Dana Levi\n201", (SAM, US, Name("Dana Levi"), Extension("201")), {}),
        ('"Levi, Dana", ext 201', (Name("Levi, Dana"), Extension("201")), {}),
        ("Dana, Dana, me, me", (Name("Dana"), Me()), {}),
        ("me, Dana from Sales", (Me(), Name("Dana")), {"line": "Sales"}),
        (
            "Dana, me via Voicenter max 30m from +1 202 555 0100",
            (Name("Dana"), Me()),
            {"line": "+12025550100", "provider": "voicenter", "max_seconds": 1800},
        ),
        ("<tel:+12025550123|+1 202 555 0123>, me", (Number("+12025550123", "+12025550123"), Me()), {}),
    ],
)
@pytest.mark.parametrize("code", ["4711", "room12", "1"])
def test_who_is_called_into_which(code: str, text: str, guests: tuple[Guest, ...], more: dict[str, str]) -> None:
    assert parse(f"conference {code} {text}", "US") == ConferenceText(code, guests, **more)  # type: ignore[arg-type]
    assert parse(f"Conference  {code}\n{text}", "US") == ConferenceText(code, guests, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    ["", "Dana", '"conference"', "Conference Room", "conferences 4711 me", '"conference 4711"', "back", "+1 202"],
)
def test_anything_else_is_another_call(text: str) -> None:
    assert parse(text, "US") is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("4711", "Say whom to call into conference 4711; put it in quotes if it is a contact's name"),
        ("4711 ", "Say whom to call into conference 4711"),
        ("", "Say which conference, and whom to call into it"),
        ("4711 Dana,, me", "Nobody stands between two commas"),
        ("4711 Dana,", "Nobody stands between two commas"),
        ("4711 +1 202 555 0123,,5", "Nobody stands between two commas"),
        ("4711 Dana from Sales, me", "go to the end, after everybody"),
        ("4711 Dana, me record", "takes “from”, “via” and “max” only"),
        ("4711 Dana, me scenario 5", "takes “from”, “via” and “max” only"),
        ("4711 Dana, me note hello", "takes “from”, “via” and “max” only"),
        ("4711 Dana, back", "Name everybody: a number, a contact"),
        ("4711 Dana, +1 202", "is too short for a phone number. Check the digits. Nothing was dialled. Example: conf"),
        ("4711 +1 202 555 0123 ext 5", "“ext” after “0123” was not understood"),
        (f"4711 {', '.join(f'20{n}' for n in range(10, 11 + MOST))}", f"These are {MOST + 1}, and one command calls"),
    ],
)
def test_what_is_not_understood_is_said(text: str, words: str) -> None:
    with pytest.raises(BadInput, match=words) as caught:
        parse(f"conference {text}".strip(), "US")
    assert str(caught.value)[-1] in ".?"


PIECES = (
    *("4711", "me", ",", ";", '"', "“", "<@U2|a>", "<", ">", "@a", "Dana", "201", "from", "max", "30m", "via"),
    "\n",
)


@given(st.lists(st.sampled_from(PIECES)), st.sampled_from(["", " "]))
def test_raises_nothing_but_bad_input(pieces: list[str], between: str) -> None:
    try:
        found = parse(f"conference 4711 {between.join(pieces)}", "US")
    except BadInput as error:
        said = str(error)
    else:
        said = f"{found}."
        assert found is None or found.guests
    assert said.endswith((".", "?"))
