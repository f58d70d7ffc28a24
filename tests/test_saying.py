"""What is typed after `/voicemsg`, and what is pasted into its form."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import saying
from bot.errors import BadInput
from bot.who import Mention, Name, Number

ONE, TWO = "+12025550131", "+12025550132"


def people(text: str) -> list[str]:
    named = saying.parse(text, "US").who
    return [
        one.number if isinstance(one, Number) else one.user if isinstance(one, Mention) else one.name for one in named
    ]


@pytest.mark.parametrize(
    ("text", "whom", "template", "spoken"),
    [
        ('+1 202 555 0131 "Hi, there"', [ONE], "", "Hi, there"),
        ("+12025550131,+12025550132 welcome", [ONE, TWO], "welcome", ""),
        ("+1 202 555 0131; +1 202 555 0132 Order ready", [ONE, TWO], "Order ready", ""),
        ("Dana Levi welcome", ["Dana Levi"], "welcome", ""),
        ('"Dana Levi" welcome home', ["Dana Levi"], "welcome home", ""),
        ('"Dana Levi" "welcome"', ["Dana Levi"], "", "welcome"),
        ('Dana Levi, Noa Green, "Hello"', ["Dana Levi", "Noa Green"], "", "Hello"),
        ("<@U2|sam>, Dana Levi template “Order ready”", ["U2", "Dana Levi"], "Order ready", ""),
        ("<tel:+12025550131|+1 202 555 0131> template 101", [ONE], "101", ""),
        ('Dana Levi "Fish &amp; chips are ready"', ["Dana Levi"], "", "Fish & chips are ready"),
        ('Fish &amp; Co, Dana Levi "Hi"', ["Fish & Co", "Dana Levi"], "", "Hi"),
        ("+1 202 555 0131 Fish &amp; chips", [ONE], "Fish & chips", ""),
        ("Dana&amp;Noa;Dana Levi welcome", ["Dana&Noa", "Dana Levi"], "welcome", ""),
        ("+1 202 555 0131,, welcome", [ONE], "", ""),
    ],
)
def test_whom_and_what(text: str, whom: list[str], template: str, spoken: str) -> None:
    if not template and not spoken:
        with pytest.raises(BadInput, match="Say what to play"):
            saying.parse(text, "US")
        return
    read = saying.parse(text, "US")
    assert (people(text), read.template, read.text) == (whom, template, spoken)


def test_all_options_in_any_order() -> None:
    read = saying.parse(
        'Dana "Hi" words at tomorrow 09:00 voice male from +1 202 555 0100 keys via Exolve language en-US', "US"
    )
    assert (read.words, read.keys, read.day, read.clock) == (True, True, "tomorrow", "09:00")
    assert (read.voice, read.line, read.account, read.language) == ("male", "+1 202 555 0100", "exolve", "en-US")
    assert saying.line_number(read.line, "US") == "+12025550100"
    assert saying.line_number("Sales 2", "US") == "Sales 2"
    assert saying.parse('Dana "Hi" at 2026-12-01', "US").day == "2026-12-01"
    assert saying.parse('Dana "Hi" from R&amp;D', "US").line == "R&D"
    read = saying.parse('Dana "Hi" at 9:00 Tomorrow keys', "US")
    assert (read.day, read.clock) == ("tomorrow", "9:00")


@pytest.mark.parametrize(
    ("text", "whom", "played"),
    [
        ("+1 202 555 0131 welcome digits 47 11", ONE, ("welcome", "4711", "", "")),
        ("+1 202 555 0131 digits 0-4-0-5", ONE, ("", "0405", "", "")),
        ('"Dana Levi" digits 7 via voicenter', "Dana Levi", ("", "7", "", "")),
        ("Dana Levi digits 7", "Dana Levi", ("", "7", "", "")),
        ("Dana Levi template welcome digits 7", "Dana Levi", ("welcome", "7", "", "")),
        ('<@U2|sam> looping "press a key" finally goodbye', "U2", ("", "", "press a key", "goodbye")),
        ("Dana template welcome finally goodbye", "Dana", ("welcome", "", "", "goodbye")),
    ],
)
def test_what_is_played_around_a_stored_message(text: str, whom: str, played: tuple[str, ...]) -> None:
    read = saying.parse(text, "US")
    assert people(text) == [whom]
    assert (read.template, read.digits, read.loop, read.after) == played


@pytest.mark.parametrize(
    ("text", "played", "dialled"),
    [
        ('+1 202 555 0131 ext 123 "Hi"', "Hi", "..123"),
        ('+1 202 555 0131 x42 "Hi" ring 20s', "Hi", "..42"),
        ("+1 202 555 0131 ext. 123 Order ready", "Order ready", "..123"),
        ("+1 202 555 0131 ext123 template welcome", "welcome", "..123"),
        ('+1 202 555 0131 "Hi"', "Hi", ""),
        ('+1 202 555 0131 "See <https://example.com|example.com>, <@U2|sam>"', "See example.com, sam", ""),
        ("+1 202 555 0131 Extra news", "Extra news", ""),
        ("+1 202 555 0131 ext", "ext", ""),
    ],
)
def test_an_extension_behind_the_number_of_one(text: str, played: str, dialled: str) -> None:
    read = saying.parse(text, "US")
    assert (people(text), read.template or read.text, read.dial_digits) == ([ONE], played, dialled)


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ('Dana "Hi" ring 20s max 1m record', (20, 60, True)),
        ('Dana "Hi" record keys max 90 s via enablex ring 20', (20, 90, True)),
        ("+1 202 555 0131 welcome max 2", (0, 120, False)),  # minutes, as after /call
        ("Dana Levi digits 7 ring 1m", (60, 0, False)),
        ("Dana welcome RING 45s", (45, 0, False)),
        ('Dana "Hi"', (0, 0, False)),
    ],
)
def test_how_long_it_rings_and_lasts_and_whether_it_is_recorded(text: str, limits: tuple[int, int, bool]) -> None:
    read = saying.parse(text, "US")
    assert (read.ring_seconds, read.max_seconds, read.record) == limits


@pytest.mark.parametrize(
    "text",
    [
        'Dana, "Hi", keys, via exolve, at 14:30, record',
        'Dana, "Hi"; keys; via exolve; at 14:30; record;',
        'Dana "Hi"\nkeys\nvia exolve\nat 14:30\nrecord',
    ],
)
def test_commas_between_options_mean_nothing(text: str) -> None:
    read = saying.parse(text, "US")
    assert (people(text), read.text, read.keys, read.record) == (["Dana"], "Hi", True, True)
    assert (read.account, read.clock) == ("exolve", "14:30")


@pytest.mark.parametrize("name", ["O'Brien", "welcome-2", "Order 'ready' now", "+1"])
def test_a_stored_message_may_have_a_sign_in_its_name(name: str) -> None:
    assert saying.parse(f'"Dana Levi" {name}', "US").template == name


@pytest.mark.parametrize(
    ("text", "whom", "played", "limits"),
    [
        ('"Max" welcome max 1m', ["Max"], "welcome", (0, 60)),
        ('Max Ring "Hi" max 1m', ["Max Ring"], "Hi", (0, 60)),
        ('Dana Levi, Max Green "Hi" ring 20s', ["Dana Levi", "Max Green"], "Hi", (20, 0)),
        ('<@U2|max>, Max Green template "Order ready" max 1m', ["U2", "Max Green"], "Order ready", (0, 60)),
        ("Dana template ring", ["Dana"], "ring", (0, 0)),
        ("Dana max", ["Dana"], "max", (0, 0)),
        ('Dana "Hi" from Max ring 20s', ["Dana"], "Hi", (20, 0)),
    ],
)
def test_a_name_may_be_max_where_no_length_of_time_follows(
    text: str, whom: list[str], played: str, limits: tuple[int, int]
) -> None:
    read = saying.parse(text, "US")
    assert (people(text), read.template or read.text, (read.ring_seconds, read.max_seconds)) == (whom, played, limits)


def test_a_form_has_the_two_limits_in_one_line() -> None:
    assert saying.limits("ring 20s max 1m") == saying.limits(" MAX 1m, ring 20 ") == (20, 60)
    assert saying.limits("") == (0, 0)
    for text in ("20s", "ring", "max 1m keys", "ring 20s ring 30s", "soon"):
        with pytest.raises(BadInput, match=r"Write it like ring 20s max 1m\.|given twice|needs how long"):
            saying.limits(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Say what to play"),
        ('Dana "Hi" max', "“max” needs how long the message may last, like 90s or 2m"),
        ('Dana "Hi" keys ring', "“ring” needs how long it may ring, like 20s"),
        ('Dana "Hi" ring soon', "“soon” after “ring” is not a length of time. Write 20s, 1m, or 20 for seconds."),
        ('Dana "Hi" ring 3s', "A phone rings for 5 seconds to 2 minutes, so “3s” after “ring” cannot be."),
        ('Dana "Hi" ring 3m', "5 seconds to 2 minutes"),
        ('Dana "Hi" max 0s', "A voice message lasts 15 minutes at most, so “0s” after “max” cannot be."),
        ('Dana "Hi" max 45', "15 minutes at most, so “45” after “max” cannot be. Write like 90s or 2m"),
        ('Dana "Hi" max 1m max 2m', "“max” was given twice"),
        ('Dana "Hi" record record', "“record” was given twice"),
        ('+1 202 555 0131 ext 123, Dana Levi "Hi"', "An extension behind a number is for a single recipient"),
        ("Dana welcome digits", "needs the digits to be read out"),
        ("Dana welcome digits 4a", "“4a” is not digits"),
        ("Dana welcome digits ٤", "is not digits"),
        ("Dana welcome finally", "needs the name of a stored sound"),
        ("template welcome", "Say whom to call"),
        ('Dana ""', "hold no text"),
        ('Dana "Hi" template welcome', "not understood"),
        ('Dana "Hi" later', "“later” after the text was not understood, .* words like keys, .*Your order is ready"),
        ('+1 202 555 0131 "Hi" x123', "“x123” after the text was not understood"),
        ('Dana "Hi" recorded keys', "“recorded” after the text was not understood"),
        ('Dana keys "Hi"', "“Hi” after “keys” was not understood.* what is played, then words like “keys”"),
        ('Dana Keys "Hi"', "A name that has such a word in it stands in quotes"),
        ('+1 202 555 0131 via exolve "Hi"', "“Hi” after “via” was not understood"),
        ('Dana template welcome "Hi"', "“Hi” after “template” was not understood"),
        ('Dana Voice "Hi"', "Say before “Voice” what to play"),
        ('"Your order is ready" +1 202 555 0131', "First say whom to call, then what is played"),
        ("Dana 'Hi there'", "“'Hi there'” is not in quotation marks like \"this\""),
        ("+1 202 555 0131 ‘Hi’", "is not in quotation marks like"),
        ("+1 202 555 0131 `Hi`", "is not in quotation marks like"),
        ("+1 202 555 0131 »Hi«", "is not in quotation marks like"),
        ('+1 202 555 0131 *"Hi"*', "is not in quotation marks like"),
        ('Dana Hi"', "is not in quotation marks like"),
        ('Dana "Hi"keys', "is never closed, or no space follows it"),
        ('Dana "He said "no" to me"', "or more of them stand inside of the text"),
        ('"Hi" "there" "you"', "not understood"),
        ('Dana "Hi" at', "needs a time"),
        ("back welcome", "cannot be sent a voice message"),
        ("+1 202 welcome", "too short"),
    ],
)
def test_what_is_not_understood_says_so(text: str, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        saying.parse(text, "US")


@given(st.text(max_size=80))
def test_nothing_but_bad_input_is_raised(text: str) -> None:
    for read in (saying.parse, saying.recipients):
        with contextlib.suppress(BadInput):
            read(text, "US")


@pytest.mark.parametrize(
    ("pasted", "found"),
    [
        (f"{ONE}\n\n  {TWO}  ", [(ONE, ""), (TWO, "")]),
        (f"{ONE}, {TWO}", [(ONE, ""), (TWO, "")]),
        ("Dana Levi, Noa Green", [("Dana Levi", ""), ("Noa Green", "")]),
        (f"name,phone\nDana,{ONE}\n{TWO},Noa", [(ONE, "Dana"), (TWO, "Noa")]),
        (f'"Levi, Dana",{ONE},Acme', [(ONE, "Levi, Dana")]),
        (f"Dana\t(202) 555-0131\t12\nNoa\t{TWO}\t7", [(ONE, "Dana"), (TWO, "Noa")]),
        (f"Dana;{ONE};2026", [(ONE, "Dana")]),
        ("Dana\t＋1 202－555－0131\nNoa\t\u202a+1 202 555 0132\u202c", [(ONE, "Dana"), (TWO, "Noa")]),
        (f"Dana,<tel:{ONE}|{ONE}>", [(ONE, "Dana")]),
        ("", []),
    ],
)
def test_lines_and_tables(pasted: str, found: list[tuple[str, str]]) -> None:
    read = saying.recipients(pasted, "US")
    assert [(one.number if isinstance(one, Number) else getattr(one, "name", ""), name) for one, name in read] == found
    assert all(isinstance(one, Number | Name) for one, _ in read)


def test_the_line_that_is_wrong_is_named() -> None:
    with pytest.raises(BadInput, match="Line 2: “\\+1202” is too short"):
        saying.recipients(f"{ONE}\n+1202", "US")
