"""What is typed after /calls log: periods by the reader's clock, numbers, people, flags; nonsense in full sentences."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.call_search import BACK_DAYS, Reader, Search, Typed, parse
from bot.errors import BadInput

MADRID = "Europe/Madrid"
SALES, SUPPORT = "+12025550100", "+12025550102"
LINES = ((SALES, "Sales"), (SUPPORT, "Support Madrid"), ("+12025550103", ""))
THURSDAY = datetime(2026, 11, 26, 9, 30, tzinfo=UTC).timestamp()


def reader(zone: str = MADRID, now: float = THURSDAY) -> Reader:
    return Reader("US", zone, now, LINES)


def read(text: str, zone: str = MADRID, now: float = THURSDAY) -> Search:
    return parse(text, reader(zone, now)).search


def days(search: Search, zone: str = MADRID) -> tuple[str, str]:
    """(first moment, the one after the last) by that zone's clocks, "" = open."""

    def told(at: float) -> str:
        return f"{datetime.fromtimestamp(at, ZoneInfo(zone)):%Y-%m-%d %H:%M}" if at else ""

    return told(search.since), told(search.until)


@pytest.mark.parametrize(
    ("text", "first", "after"),
    [
        ("today", "2026-11-26", "2026-11-27"),
        ("Yesterday", "2026-11-25", "2026-11-26"),
        ("this week", "2026-11-23", "2026-11-30"),
        ("last week", "2026-11-16", "2026-11-23"),
        ("this month", "2026-11-01", "2026-12-01"),
        ("LAST month", "2026-10-01", "2026-11-01"),
        ("2026-11-03", "2026-11-03", "2026-11-04"),
        ("2026-11-1..2026-11-15", "2026-11-01", "2026-11-16"),
        ("2026-11-01 .. 2026-11-15", "2026-11-01", "2026-11-16"),
        ("2026-11-01…2026-11-15", "2026-11-01", "2026-11-16"),
        ("2026-11-01...11-15", "2026-11-01", "2026-11-16"),
        ("11-01..11-15", "2026-11-01", "2026-11-16"),
        ("11-03", "2026-11-03", "2026-11-04"),
        ("12-20..01-05", "2025-12-20", "2026-01-06"),
        ("12-24", "2025-12-24", "2025-12-25"),
        ("02-29", "2024-02-29", "2024-03-01"),
        ("12-01..2026-01-15", "2025-12-01", "2026-01-16"),
        ("11-20..2026-01-15", "2025-11-20", "2026-01-16"),
        ("2026-11-01..", "2026-11-01", ""),
        ("11-01 ..", "2026-11-01", ""),
        ("..2026-11-01", "", "2026-11-02"),
        ("2026-11-24..today", "2026-11-24", "2026-11-27"),
        ("yesterday..", "2026-11-25", ""),
    ],
)
def test_a_period(text: str, first: str, after: str) -> None:
    assert days(read(text)) == (first and f"{first} 00:00", after and f"{after} 00:00")


@pytest.mark.parametrize(
    ("zone", "day"), [("Pacific/Auckland", "2026-11-27"), ("America/New_York", "2026-11-26"), ("Nowhere/At_All", "")]
)
def test_days_are_those_of_the_reader(zone: str, day: str) -> None:
    evening = datetime(2026, 11, 26, 23, 30, tzinfo=UTC).timestamp()
    found = read("today", zone, evening)
    shown = "UTC" if not day else zone
    assert days(found, shown)[0] == f"{day or '2026-11-26'} 00:00"


def test_a_day_on_which_the_clocks_change_has_all_its_hours() -> None:
    longer, shorter = read("2026-10-25"), read("2026-03-29")
    assert (longer.until - longer.since, shorter.until - shorter.since) == (25 * 3600, 23 * 3600)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("+1 202 555 0123", "+12025550123"),
        ("(202) 555-0123", "+12025550123"),
        ("202.555.0123", "+12025550123"),
        ("<tel:+12025550123|+1 202 555 0123>", "+12025550123"),
        ("+44 7700 900123", "+447700900123"),
        ("201", "201"),
        ("911", "911"),
    ],
)
def test_a_number_as_people_write_it(text: str, number: str) -> None:
    for words in (text, f"{text} missed", f"today {text}", f"{text} 2026-11-03", f"11-01..11-15 {text}"):
        assert read(words).numbers == (number,), words


def test_a_day_before_a_number_is_a_day() -> None:
    found = read("11-03 +1 202 555 0123")
    assert (days(found)[0], found.numbers) == ("2026-11-03 00:00", ("+12025550123",))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("missed", {"missed": True}),
        ("in", {"direction": "in"}),
        ("missed in", {"missed": True, "direction": "in"}),
        ("missed, in.", {"missed": True, "direction": "in"}),
        ("<@U2|sam>.", {"rep": "U2"}),
        ("line Sales!", {"line": SALES}),
        ("+1 202 555 0123, missed", {"numbers": ("+12025550123",), "missed": True}),
        ("OUT", {"direction": "out"}),
        ("outgoing", {"direction": "out"}),
        ("messages", {"messages": True}),
        ("line sales", {"line": SALES}),
        ("line Support Madrid", {"line": SUPPORT}),
        ('line "Support Madrid"', {"line": SUPPORT}),
        ("line +1 202-555-0103", {"line": "+12025550103"}),
        ("line +1 202 555 0177", {"line": "+12025550177"}),
        ("missed line support madrid out", None),
    ],
)
def test_flags_and_lines(text: str, wanted: dict[str, object] | None) -> None:
    if wanted is None:
        with pytest.raises(BadInput, match="Only incoming calls are missed"):
            read(text)
        return
    found = read(text)
    assert {name: getattr(found, name) for name in wanted} == wanted


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Dana Levi", "Dana Levi"),
        ("missed Dana Levi today", "Dana Levi"),
        ('"Max Out" out', "Max Out"),
        ("Green &amp; Sons", "Green & Sons"),
        ("„Jörg Out“ yesterday", "Jörg Out"),
        ("O'Neil", "O'Neil"),
        ('missed, "Dana Levi".', "Dana Levi"),
        ("Dana, today.", "Dana"),
    ],
)
def test_a_name(text: str, name: str) -> None:
    assert parse(text, reader()).name == name


def test_words_in_any_order_mean_the_same() -> None:
    words = ("last week", "<@U2|sam>", "missed", "line Sales", "+1 202 555 0123")
    wanted = parse(" ".join(words), reader())
    assert wanted.search.rep == "U2"
    for turn in range(1, len(words)):
        turned = (*words[turn:], *words[:turn])
        assert parse(" ".join(turned), reader()) == wanted
        assert parse(" ".join(reversed(turned)), reader()) == wanted


def test_a_search_that_names_nobody_and_no_day_is_not_for_ever() -> None:
    for text in ("missed", "team", "in", "line Sales", "messages"):
        found = read(text)
        assert found.until == 0
        assert BACK_DAYS * 86400 <= THURSDAY - found.since < (BACK_DAYS + 1) * 86400 + 3600
    for text in ("+1 202 555 0123 missed", "<@U2> in", "Dana Levi", "..2026-11-01"):
        assert read(text).since == 0, text


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("3 November", "3"),
        ("3. November", "3."),
        ("November 3", "3"),
        ("3 Nov 2026", "3"),
        ("3 de noviembre", "3"),
        ("12 November", "November"),  # which may be an extension
        ("3/11", "3/11"),
        ("2026-11", "2026-11"),
        ("last 7 days", "7"),
    ],
)
def test_a_date_in_words_is_no_phone_number(text: str, part: str) -> None:
    with pytest.raises(BadInput, match=f"“{part}” was not understood, so nothing was searched. Understood are, in"):
        read(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("today yesterday", "A period was given twice"),
        ("2026-01-03 to 2026-01-05", "A period from one day to another is written like 2026-11-01..2026-11-15."),
        ("2026-11-01..2026-11-15 this week", "A period was given twice"),
        ("in out", "A direction was given twice"),
        ("<@U1> <@U2>", "A colleague was given twice"),
        ("line Sales line Sales", "A line was given twice"),
        ("+12025550123 missed +12025550124", "A number was given twice"),
        ("+12025550123 +12025550124", "A number was given twice"),
        ("+1 202 555 0123 Dana", "“Dana” was not understood"),
        ("Dana +1 202 555 0123", "beside a name"),
        ("Dana today Levi", "“Levi” was not understood"),
        ('Dana "Levi"', "“Levi” was not understood"),
        ("Studio 54", "A name that holds a number or one of these words goes in quotes."),
        ("Max in der Au", "A name that holds a number or one of these words goes in quotes."),
        ("team <@U2>", "`team` means everybody"),
        ("messages missed", "Voice messages only go out"),
        ("messages in", "Voice messages only go out"),
        ("2026-11-31", "not a day of the calendar"),
        ("2026-13-01", "not a day of the calendar"),
        ("02-30", "not a day of the calendar"),
        ("0000-00-00..", "not a day of the calendar"),
        ("9999-12-31", "not a day of the calendar"),
        ("2026-11-15..2026-11-01", "ends before it begins"),
        ("2027-01-01..", "not begun yet"),
        ("2026-11-27", "not begun yet"),
        ("3/11/2026", "could be two days"),
        ("03.11.26", "could be two days"),
        ("..", "at least one day"),
        ("line", "needs the line"),
        ("line Berlin", "choose one of: Sales, Support Madrid, +1 202-555-0103"),
        ("@sam", "pick the person"),
        ("<#C1|calls>", "pick the person"),
        ("<!channel>", "pick the person"),
        ('"Dana', "never closed"),
        ('""', "hold no name"),
        ("+1 202", "Nothing was searched"),
        ("+1 202 555 0123 4567 8901", "is not a phone number"),
        ("x" * 90, "too long for a name"),
    ],
)
def test_what_is_not_understood_is_said(text: str, words: str) -> None:
    with pytest.raises(BadInput, match=r"[.`]$") as caught:
        parse(text, reader())
    assert words in str(caught.value)
    assert "Nothing was searched" in str(caught.value) or "Understood are" in str(caught.value)


def test_without_lines_any_number_is_a_line() -> None:
    bare = Reader("US", MADRID, THURSDAY)
    assert parse("line +1 202 555 0177", bare).search.line == "+12025550177"
    with pytest.raises(BadInput, match="There is no line “Sales”"):
        parse("line Sales", bare)


tokens = st.sampled_from(
    [
        *(
            "today",
            "this",
            "last",
            "week",
            "month",
            "missed",
            "in",
            "out",
            "line",
            "messages",
            "team",
            "Sales",
            "..",
            "…",
        ),
        *("2026-11-01", "11-01", "2026-11-01..", "..11-15", "+1", "202", "555", "0123", "201", "<@U2>", "@sam", '"'),
        *("Dana", "“Levi”", "<#C1>", "2026-02-30", "99-99", "<tel:+12025550123>", "1/2/26", "²", "١٢", "\u200b", "דנה"),
    ]
)


@given(
    st.one_of(
        st.lists(tokens, min_size=1, max_size=7).map(" ".join), st.text(min_size=1, max_size=30).filter(str.strip)
    )
)
def test_whatever_is_typed_is_a_search_or_a_sentence(text: str) -> None:
    try:
        found = parse(text, reader())
    except BadInput as error:
        found = Typed(Search(), str(error))
    assert found != Typed(Search(), "")
    assert not found.search.until or found.search.since < found.search.until
