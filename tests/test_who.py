"""`/call` text: what is understood, and the sentence for what is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import BadInput
from bot.slack_text import as_read, unquoted
from bot.who import (
    LONGEST_NAME,
    LONGEST_TONES,
    Again,
    Back,
    CallText,
    Extension,
    Help,
    Mention,
    Name,
    Next,
    Nothing,
    Number,
    Who,
    dial_digits,
    parse,
    somebody,
)

US = "+12025550123"


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("", Nothing()),
        ("  \n ", Nothing()),
        ("back", Back()),
        ("BACK", Back()),
        ("again", Again()),
        ("next", Next()),
        ("help", Help()),
        ("+12025550123", Number(US, "+12025550123")),
        ("+1 (202) 555-0123", Number(US, "+1 (202) 555-0123")),
        ("202.555.0123", Number(US, "202.555.0123")),
        ("(202) 555 – 0123", Number(US, "(202) 555 – 0123")),
        ("+1\u00a0202\u00a0555\u00a00123", Number(US, "+1 202 555 0123")),
        ("\u202a+1 202-555-0123\u202c", Number(US, "+1 202-555-0123")),  # as copied from a contact book
        ("\u2068דנה\u2069", Name("דנה")),  # and from a card of ours
        ("011 972 50 555 0123", Number("+972505550123", "011 972 50 555 0123")),
        ("٠٠", Extension("00")),
        ("<tel:+12025550123|+1 202 555 0123>", Number(US, "+12025550123")),
        ("<tel:+12025550123>", Number(US, "+12025550123")),
        ("+1 <tel:2025550123|202 555 0123>", Number(US, "+1 2025550123")),
        ("tel:+1-202-555-0123", Number(US, "+1-202-555-0123")),
        ("<@U123ABC|ada>", Mention("U123ABC", "ada")),
        ("<@W123ABC>", Mention("W123ABC")),
        ("21", Extension("21")),
        ("123456", Extension("123456")),
        ("112", Extension("112")),  # the policy refuses it
        ("ext 123", Extension("123")),
        ("ext. 123", Extension("123")),
        ("ext123", Extension("123")),
        ("Extension 12", Extension("12")),
        ("x123", Extension("123")),
        ("x 123", Extension("123")),
        ("Ada", Name("Ada")),
        ("Ada   Example", Name("Ada Example")),
        ("Sinéad O'Example", Name("Sinéad O'Example")),
        ("Smith &amp; Sons", Name("Smith & Sons")),
        ("3M Example", Name("3M Example")),
        ("Max Example", Name("Max Example")),
        ("Xavier", Name("Xavier")),
        ('"From Example"', Name("From Example")),
        ("“Help Desk”", Name("Help Desk")),
        ("„Via  Roma“", Name("Via Roma")),
        ('"100"', Name("100")),
        ("Example Hotel:5", Name("Example Hotel:5")),
        ("1-800-FLOWERS", Name("1-800-FLOWERS")),
        ("<@U123ABC|ada>. ", Mention("U123ABC", "ada")),  # two spaces on a phone
        ("<@W123ABC>,", Mention("W123ABC")),
        ('"Help Desk".', Name("Help Desk")),
        ("„Via Roma“…", Name("Via Roma")),
        ("+1\u200b202\u2060555\ufeff0123", Number(US, "+12025550123")),  # as copied from a page
        ("+1 202\u202f555\u20070123", Number(US, "+1 202 555 0123")),
        ("＋１ ２０２ ５５５ ０１２３", Number(US, "+１ ２０２ ５５５ ０１２３")),
        ("（２０２）５５５－０１２３", Number(US, "(２０２)５５５-０１２３")),
        ("+1\u00ad202\u00ad555\u00ad0123", Number(US, "+12025550123")),
        ("202־555־0123", Number(US, "202-555-0123")),
        ("+1·202·555·0123", Number(US, "+1.202.555.0123")),
        *((f"+1 202 555 0123{stop}", Number(US, "+1 202 555 0123")) for stop in ",;:…!?"),
        ("Ada （Example）", Name("Ada （Example）")),
    ],
)
def test_who(text: str, who: Who) -> None:
    assert parse(text, "US") == CallText(who)


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ("from Sales", {"line": "Sales"}),
        ('from "Main office"', {"line": "Main office"}),
        ("from +1 202 555 0100", {"line": "+12025550100"}),
        ("from <tel:+12025550100|+1 202 555 0100> record", {"line": "+12025550100", "record": True}),
        ("from 21", {"line": "21"}),
        ("via Voicenter", {"provider": "voicenter"}),
        ("VIA gurulize RECORD", {"provider": "gurulize", "record": True}),
        ("max 30m", {"max_seconds": 1800}),
        ("max 30 m", {"max_seconds": 1800}),
        ("max 30 minutes", {"max_seconds": 1800}),
        ("max 90s", {"max_seconds": 90}),
        ("max 1h", {"max_seconds": 3600}),
        ("max 1h30m", {"max_seconds": 5400}),
        ("max 45", {"max_seconds": 2700}),
        ("max 24h", {"max_seconds": 86400}),
        ("note wants a quote", {"note": "wants a quote"}),
        ('note from "here &amp; now', {"note": 'from "here & now'}),
        ("note see <https://example.com|example.com>", {"note": "see example.com"}),
        ("note &lt;https://example.com&gt;", {"note": "<https://example.com>"}),
        ("note  two  spaces max 3 ", {"note": "two  spaces max 3"}),
        (
            "record max 10 via voicenter from Sales note x",
            {"record": True, "max_seconds": 600, "provider": "voicenter", "line": "Sales", "note": "x"},
        ),
    ],
)
@pytest.mark.parametrize(
    ("typed", "who"),
    [
        ("+1 202 555 0123", Number(US, "+1 202 555 0123")),
        ("<@U1|ada>", Mention("U1", "ada")),
        ("Ada Example", Name("Ada Example")),
        ('"Ada"', Name("Ada")),
        ("x21", Extension("21")),
        ("back", Back()),
    ],
)
def test_options(typed: str, who: Who, text: str, call: dict[str, object]) -> None:
    assert parse(f"{typed} {text}", "US") == CallText(who, **call)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("from Sales", "Say whom to call before “from”"),
        ("record", "Say whom to call before “record”"),
        ("max 30m", "Say whom to call before “max”"),
        ("Max", "Say whom to call before “Max”"),
        ("note hello", "Say whom to call before “note”"),
        ("Ada from", "“from” needs the line"),
        ("Ada from record", "“from” needs the line"),
        ("Ada via", "“via” needs the telephony account"),
        ("Ada via max 3", "“via” needs the telephony account"),
        ("Ada max", "“max” needs how long"),
        ('Ada from ""', "“from” needs the line"),
        ("Ada note", "“note” needs the note"),
        ("Ada max soon", "“soon” after “max” is not a length of time"),
        ("Ada max 0", "“0” after “max” must be more than nothing"),
        ("Ada max 25h", "“25h” after “max” must be"),
        ("Ada max -5", "“-5” after “max” is not a length"),
        ("Ada max 5m 7", "“7” was not understood"),
        ("Ada record record", "“record” was given twice"),
        ("Ada from Sales from Sales", "“from” was given twice"),
        ("Ada from Main office", "“office” was not understood"),
        ("Ada record please", "“please” was not understood"),
        ("+1 202 555 0123 Ada", "“Ada” after “0123” was not understood"),
        ("21 Ada", "“Ada” after “21” was not understood"),
        ("21 Ada Example", "put it in quotes"),
        ("back Ada", "“Ada” after “back”"),
        ("help desk", "“desk” after “help”"),
        (
            "again nonsense",
            "“nonsense” after “again” was not understood. Leave it out; or, if all of it is a name, put that in quotes",
        ),
        ("<@U1|ada> Example", "“Example” after"),
        ("<@U1> <@U2>", "“<@U2>” after"),
        ("Ada <@U1>", "“<@U1>” after “Ada”"),
        ("@ada", "did not arrive as a mention. Pick the person from Slack's list, or write their name without the @"),
        ("<#C1|general>", "Channels, groups and links cannot be called"),
        ("<!subteam^S1|@sales>", "Channels, groups and links cannot be called"),
        ("<https://example.com>", "Channels, groups and links cannot be called"),
        ('"Ada', "The quotation mark before “Ada” is never closed"),
        ('""', "The quotes hold no name"),
        ("A" * (LONGEST_NAME + 1), "is too long for a name"),
        ("5", "is too short|is not a"),
        ("12 34", "is too short|area code|is not a"),
        ("555 0123", "lacks its area code"),
        ("+1 202 555 0123 4567 89", "is too long"),
        ("+1202555CALL", "without letters"),
        ("+12025550123x5", "without letters"),
        ("tel:+12025550123;ext=5", "without letters"),
        ("x1", "“1” is not an extension: those have 2 to 6 digits"),
        ("ext 1234567", "is not an extension"),
        ("ext Ada", "needs the digits of an extension"),
        ("ext 12 34", "“34” after “12”"),
        ("Ada from +1 202", "is too short"),
    ],
)
def test_what_is_not_understood_is_said(text: str, words: str) -> None:
    with pytest.raises(BadInput, match=words) as caught:
        parse(text, "US")
    assert str(caught.value)[-1] in ".?"


@pytest.mark.parametrize(
    ("typed", "digits"),
    [
        ("+1 202 555 0123 ext 123", "..123"),
        ("+1 202 555 0123 ext. 123", "..123"),
        ("+1 202 555 0123 Extension 123", "..123"),
        ("+1 202 555 0123 x123", "..123"),
        ("+1 202 555 0123x123", "..123"),
        ("+1 202 555 0123 x 1", "..1"),
        ("(202) 555-0123 ext:0042", "..0042"),
        ("tel:+1-202-555-0123;ext=123", "..123"),
        ("<tel:+12025550123|+1 202 555 0123> ext 123", "..123"),
        ("+1 202 555 0123 ext ١٢٣", "..123"),
        ("+12025550123,,123", "....123"),
        ("+1 202 555 0123 ,123", "..123"),
        ("+1 202 555 0123,1,,23#", "..1....23#"),
    ],
)
@pytest.mark.parametrize("more", ["", " from Sales note x9"])
def test_what_is_dialled_behind_a_number(typed: str, digits: str, more: str) -> None:
    call = parse(typed + more, "US", behind=True)
    assert isinstance(call.who, Number)
    assert (call.who.number, call.dial_digits) == (US, digits)
    assert (call.line, call.note) == (("Sales", "x9") if more else ("", ""))
    with pytest.raises(BadInput):  # where it would be dropped, it is not understood
        parse(typed + more, "US")


@pytest.mark.parametrize(
    ("typed", "name", "digits"),
    [
        ("Noa Green ext 123", "Noa Green", "..123"),
        ("Noa Green Ext. 0042 from Sales", "Noa Green", "..0042"),
        ('"Noa ext 7" extension 5', "Noa ext 7", "..5"),
        ("Room x12", "Room x12", ""),
        ("Noa ext", "Noa ext", ""),
        ("Noa ext abc", "Noa ext abc", ""),
        ('"Noa ext 7"', "Noa ext 7", ""),
    ],
)
def test_what_is_dialled_behind_a_contacts_number(typed: str, name: str, digits: str) -> None:
    call = parse(typed, "US", behind=True)
    assert (call.who, call.dial_digits) == (Name(name), digits)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("21 ext 5", "“21” is an extension itself: nothing is dialled behind those"),
        ("+1 202 555 0123,,", "Behind the “,,” are no digits to dial"),
        (f"+1 202 555 0123,{'1' * LONGEST_TONES}", f"too long to be dialled: {LONGEST_TONES} keys"),
        ("+1 202 555 0123 ext 123456789012", "“ext” after “0123” was not understood"),
        ("+1 202 555 0123 ext", "“ext” after “0123” was not understood"),
        ("+1 202 ext 5", "is too short"),
        ("202 555 0123, 202 555 0124", "“0123,” after “555” was not understood"),
        ('202 555 0123 "ext 5"', "“ext 5” after “0123” was not understood"),
    ],
)
def test_what_cannot_be_dialled_behind_a_number_is_said(text: str, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        parse(text, "US", behind=True)


@pytest.mark.parametrize("name", ["Max", "Reed, Max", "Dana Record", "Noa from Sales", "Via Roma", "Note Pads max"])
def test_where_nobody_is_called_an_options_word_is_a_part_of_a_name(name: str) -> None:
    assert somebody(name, "US") == Name(name)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Name a contact, a number, an extension or a colleague, and nothing else."),
        ("back", "Name a contact, a number, an extension or a colleague, and nothing else."),
        ("+1 202 555 0123 from Sales", "Name a contact, a number, an extension or a colleague, and nothing else."),
        ("<@U2|ben> max 5", "Name a contact, a number, an extension or a colleague, and nothing else."),
        ('"Noa" note', "Name a contact, a number, an extension or a colleague, and nothing else."),
        ("<@U2|ben> please", "“please” after “<@U2|ben>” was not understood."),
        ('note "Noa', "The quotation mark before “Noa” is never closed."),
    ],
)
def test_where_nobody_is_called_nothing_stands_beside_a_name(text: str, words: str) -> None:
    with pytest.raises(BadInput) as caught:
        somebody(text, "US")
    assert str(caught.value).startswith(words)
    assert "Example" not in str(caught.value)


@pytest.mark.parametrize("text", ["ext 123", "x123", "21", "Ada", "Room x12", "3M Example", "+1 202 555 0123", "back"])
def test_nothing_behind_changes_nothing(text: str) -> None:
    assert parse(text, "US", behind=True) == parse(text, "US")


@pytest.mark.parametrize(
    ("text", "digits"),
    [("123", "..123"), (" ext 123 ", "..123"), (",,123#", "....123#"), ("1,,2", "..1....2"), ("*5", "..*5"),
     ("123456789012", "..123456789012"), ("12 34", "..1234")],
)  # fmt: skip
def test_digits_of_the_form(text: str, digits: str) -> None:
    assert dial_digits(text) == digits


@pytest.mark.parametrize("text", ["Ada", ",,", "12p3", "+1 202", "1" * LONGEST_TONES])
def test_digits_of_the_form_that_cannot_be_dialled(text: str) -> None:
    with pytest.raises(BadInput, match="dial"):
        dial_digits(text)


_TYPED = """
    from via record max note 30m 1h h +1 202 5550123 21 ext x9 ,,9 # " “ ” <@U1|a> < <tel: | > back again help Ada
    &amp; - + tel: @a ٣ ²
"""
_PIECES = st.sampled_from([*_TYPED.split(), "\u00a0"])


@given(
    st.one_of(
        st.text(max_size=80), st.lists(_PIECES, max_size=9).map(" ".join), st.lists(_PIECES, max_size=9).map("".join)
    )
)
def test_raises_nothing_but_bad_input(text: str) -> None:
    try:
        call = parse(text, "US", behind=True)
    except BadInput as error:
        said = str(error)
    else:
        said = f"{call}."
        assert call.max_seconds is None or 0 < call.max_seconds <= 86400
        if isinstance(call.who, Number):
            assert call.who.number.startswith("+")
        assert set(call.dial_digits) <= set("0123456789*#.")
        if isinstance(call.who, Name):
            assert call.who.name.strip()
    assert said.endswith((".", "?"))


@given(
    st.permutations(["from Sales", "via voicenter", "record", "max 30m"]),
    st.integers(0, 4),
    st.sampled_from(["", " note call later"]),
)
def test_the_order_of_options_does_not_matter(options: list[str], count: int, note: str) -> None:
    chosen = options[:count]
    forwards = parse(" ".join(["Ada", *chosen]) + note, "US")
    backwards = parse(" ".join(["Ada", *reversed(chosen)]) + note, "US")
    assert forwards == backwards
    assert forwards.record == ("record" in chosen)
    assert (forwards.note == "call later") == bool(note)


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        (" “Noa Green” ", "Noa Green"),
        ('"Sales"', "Sales"),
        ("«Sales»", "Sales"),
        ("“Sales”.", "Sales"),
        *((text, text) for text in ("Sales", 'Noa "Green"', '"Noa" "Green"', '"', "")),
    ],
)
def test_quotes_around_all_of_it_are_no_part_of_it(text: str, bare: str) -> None:
    assert unquoted(text) == bare


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("see <https://example.com/a?b=1&amp;c=2>", "see https://example.com/a?b=1&amp;c=2"),
        ("<https://example.com|example.com> and <http://example.com/b|here>", "example.com and http://example.com/b"),
        ("<mailto:dana@example.com|dana@example.com>", "dana@example.com"),
        ("ask <@U2|grace> in <#C1|calls>, or <!subteam^S1|@sales>", "ask grace in calls, or @sales"),
        ("<@U2> <#C1> &lt;https://example.com&gt; a < b > c", "<@U2> <#C1> &lt;https://example.com&gt; a < b > c"),
    ],
)
def test_what_slack_marks_up_as_it_is_read(text: str, read: str) -> None:
    assert as_read(text) == read
