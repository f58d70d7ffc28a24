"""Words from outside, who somebody is, times and durations, and what holds for every block."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import cards
from bot.cards import times
from bot.errors import BadInput
from bot.store.contacts import Contact
from tests.block_rules import RINGS_EVERYBODY, check_message
from tests.card_examples import DANA, HOSTILE, NOW, NUMBER, PRETTY, REP, ZONE, words


@given(words)
def test_plain_words_cannot_ring_link_format_or_break_the_line(text: str) -> None:
    shown = cards.plain(text)
    assert not any(sign in shown for sign in "<>*_~`\n\r\x00\u202e")
    assert len(shown) <= 5 * cards.NAME_LIMIT + 2
    shown.encode()  # no lone surrogate is left, which JSON could not carry


def test_plain_keeps_what_was_meant() -> None:
    assert cards.plain("  Tom  & Jerry <tj> ") == "Tom &amp; Jerry &lt;tj&gt;"
    assert cards.plain("snake_case") == "snakeˍcase"


def test_hebrew_is_isolated_so_that_the_number_beside_it_keeps_its_order() -> None:
    assert cards.who(NUMBER, "דנה") == f"\u2068דנה\u2069, {PRETTY}"


@given(words)
def test_safe_may_be_applied_twice_and_keeps_only_mentions_of_people(text: str) -> None:
    once = cards.safe(text)
    assert cards.safe(once) == once
    assert not RINGS_EVERYBODY.search(once)
    assert "<" not in once


def test_safe_keeps_mentions_of_people() -> None:
    assert cards.safe(f"<@{REP}> said <!here> & left") == f"<@{REP}> said &lt;!here&gt; &amp; left"


def test_safe_keeps_mentions_of_channels_which_ring_nobody() -> None:
    assert cards.safe("<#C1> is archived, <#C1|x>, <#everyone>") == (
        "<#C1> is archived, &lt;#C1|x&gt;, &lt;#everyone&gt;"
    )


@given(st.text("<>&ab@U1", max_size=60), st.integers(2, 40))
def test_cut_leaves_no_half_entity(text: str, limit: int) -> None:
    found = cards.cut(cards.escape(text), limit)
    assert len(found) <= limit
    bare = found.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")
    assert "&" not in bare


def test_cut_leaves_no_half_mention() -> None:
    assert cards.cut(f"Ask <@{REP}> now", 10) == "Ask…"


def test_a_button_never_carries_half_a_value() -> None:
    assert cards.button("Call", "call:yes", "x" * cards.VALUE_LIMIT)["value"] == "x" * cards.VALUE_LIMIT
    with pytest.raises(ValueError, match="call:yes cannot carry 2001 characters"):
        cards.button("Call", "call:yes", "x" * (cards.VALUE_LIMIT + 1))


@given(words, st.integers(1, 90))
def test_shorten_counts_emoji_twice(text: str, limit: int) -> None:
    assert len(cards.shorten(text, limit).encode("utf-16-le", "surrogatepass")) // 2 <= limit


@pytest.mark.parametrize(
    ("number", "name", "contact", "expected"),
    [
        (NUMBER, "", None, PRETTY),
        (NUMBER, "Dana L.", None, f"Dana L., {PRETTY}"),
        (NUMBER, "Dana L.", DANA, f"Dana Levi (Acme), {PRETTY}"),
        (NUMBER, "", Contact(NUMBER, "", "Acme"), f"{PRETTY} (Acme)"),
        (NUMBER, "12025550100", None, PRETTY),
        (NUMBER, "+1 (202) 555-0100", None, PRETTY),
        ("", "", None, "a withheld number"),
        ("", "Dana", None, "Dana, a withheld number"),
        ("201", "", None, "201"),
    ],
)
def test_who(number: str, name: str, contact: Contact | None, expected: str) -> None:
    assert cards.who(number, name, contact) == expected
    assert cards.who_plain(number, name, contact) == expected


def test_a_masked_number_is_not_given_away_by_the_name() -> None:
    assert cards.who(NUMBER, "12025550100", None, masked=True) == "••••••••••00"
    assert cards.who(NUMBER, "", DANA, masked=True) == "Dana Levi (Acme), ••••••••••00"


@pytest.mark.parametrize(
    ("user", "person", "extension", "expected"),
    [
        (REP, "Rita", "201", f"<@{REP}>"),
        ("", "Rita <b>", "201", "Rita &lt;b&gt;"),
        ("<!channel>", "", "", "&lt;!channel&gt;"),
        ("", "", "201", "extension 201"),
        ("", "", "", ""),
    ],
)
def test_rep_words(user: str, person: str, extension: str, expected: str) -> None:
    assert cards.rep_words(user, person, extension) == expected


@pytest.mark.parametrize(("count", "words"), [(0, "0 calls"), (1, "1 call"), (2, "2 calls"), (1200, "1,200 calls")])
def test_counted(count: int, words: str) -> None:
    assert times.counted(count, "call") == words


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        (None, "EUR", ""),
        (0.05, "EUR", "0.05 EUR"),
        (0.0125, "ILS", "0.0125 ILS"),
        (3, "", "3.00"),
        (0, "EUR", ""),
        (0.00004, "EUR", ""),
        (0.0001, "EUR", "0.0001 EUR"),
    ],
)
def test_price(amount: float | None, currency: str, expected: str) -> None:
    assert cards.price(amount, currency) == expected


@pytest.mark.parametrize(
    ("seconds", "duration", "timer"),
    [
        (0, "0 s", "0:00"),
        (-5, "0 s", "0:00"),
        (45, "45 s", "0:45"),
        (59.7, "1 min", "0:59"),
        (80, "1 min 20 s", "1:20"),
        (3599.6, "1 h", "59:59"),
        (3723, "1 h 2 min", "1:02:03"),
        (3 * 86400, "3 days", "72:00:00"),
    ],
)
def test_lengths_of_time(seconds: float, duration: str, timer: str) -> None:
    assert cards.duration(seconds) == duration
    assert cards.timer(seconds) == timer


def test_about_has_no_false_precision() -> None:
    assert [cards.about(s) for s in (40, 80, 3723)] == ["40 s", "1 min", "1 h 2 min"]


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (NOW, "15:00"),
        (NOW - 86400, "yesterday 15:00"),
        (NOW + 86400, "tomorrow 15:00"),
        (NOW - 9 * 86400, "23 Feb 15:00"),
        (NOW - 365 * 86400, "4 Mar 2025 15:00"),
    ],
)
def test_day_and_clock(at: float, expected: str) -> None:
    assert cards.day_clock(at, NOW, ZONE) == expected


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (NOW, "at 15:00"),
        (NOW - 86400, "yesterday at 15:00"),
        (NOW + 86400, "tomorrow at 15:00"),
        (NOW - 9 * 86400, "on 23 Feb at 15:00"),
        (NOW - 365 * 86400, "on 4 Mar 2025 at 15:00"),
    ],
)
def test_a_moment_in_a_sentence(at: float, expected: str) -> None:
    assert cards.at_clock(at, NOW, ZONE) == expected


def test_the_day_is_that_of_the_zone() -> None:
    late = NOW + 9 * 3600 + 1800  # 23:30 UTC, already tomorrow in Madrid
    assert cards.day_clock(late, NOW, ZONE) == "tomorrow 00:30"
    assert cards.date_clock(late, ZONE) == "5 Mar 2026, 00:30"


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "Europe", "../etc/passwd", "/etc/passwd"])
def test_an_unknown_zone_is_said_to_be_utc(zone: str) -> None:
    assert cards.clock(NOW, zone) == "14:00 UTC"


def test_moments_that_can_be_picked() -> None:
    assert times.moment("15m", NOW, ZONE) == NOW + 900
    assert times.moment("3h", NOW, ZONE) == NOW + 3 * 3600
    tomorrow = datetime.fromtimestamp(times.moment("tomorrow", NOW, ZONE), ZoneInfo(ZONE))
    assert (tomorrow.day, tomorrow.hour, tomorrow.minute) == (5, 9, 0)
    for choice in times.MOMENTS:
        assert times.moment(choice, NOW, ZONE) > NOW
    with pytest.raises(BadInput, match="nothing was set"):
        times.moment("never", NOW, ZONE)


def test_tomorrow_at_nine_is_nine_when_the_clocks_change() -> None:
    before = datetime(2026, 3, 28, 15, tzinfo=ZoneInfo(ZONE)).timestamp()
    assert cards.clock(times.moment("tomorrow", before, ZONE), ZONE) == "09:00"


@pytest.mark.parametrize(
    ("now", "text", "found"),
    [
        ("2026-10-25T01:00+02:00", "02:30", "2026-10-25T02:30+02:00"),  # it comes twice: the first one
        ("2026-10-25T02:45+02:00", "02:30", "2026-10-25T02:30+01:00"),  # that is past, and the second is ahead
        ("2026-03-29T01:45+01:00", "02:30", "2026-03-29T03:30+02:00"),  # it never comes
        ("2026-03-28T23:59+01:00", "00:00", "2026-03-29T00:00+01:00"),
    ],
)
def test_a_time_of_the_night_in_which_the_clocks_change(now: str, text: str, found: str) -> None:
    at = datetime.fromisoformat(now).timestamp()
    assert times.on(found[:10], text, at, ZONE) == datetime.fromisoformat(found).timestamp()


def test_a_time_that_has_come_twice_is_past() -> None:
    now = datetime.fromisoformat("2026-10-25T02:45+01:00").timestamp()
    with pytest.raises(BadInput, match="already past"):
        times.on("2026-10-25", "02:30", now, ZONE)


@pytest.mark.parametrize(("text", "hour", "minute"), [("", 9, 0), ("9:30", 9, 30), (" 16.05 ", 16, 5), ("6 pm", 18, 0)])
def test_a_date_and_a_typed_time(text: str, hour: int, minute: int) -> None:
    found = datetime.fromtimestamp(times.on("2026-03-05", text, NOW, ZONE), ZoneInfo(ZONE))
    assert (found.day, found.hour, found.minute) == (5, hour, minute)


@pytest.mark.parametrize(
    ("day", "clock", "words"),
    [
        ("", "9:00", "not a date"),
        ("2026-02-30", "9:00", "not a date"),
        ("2026-03-05", "25:00", "not a time"),
        ("2026-03-05", "noon", "“noon” is not a time of day, so nothing was set. Write it like 14:30 or 6pm"),
        ("2026-03-04", "14:59", "already past"),
        ("9999-12-31", "23:59", "That date is too far ahead, so nothing was set. Pick an earlier one."),
    ],
)
def test_dates_and_times_that_cannot_be(day: str, clock: str, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        times.on(day, clock, NOW, ZONE)


@given(st.lists(words, max_size=12))
def test_paragraphs_lose_nothing_that_fits(lines: list[str]) -> None:
    blocks = cards.paragraphs([cards.safe(line) for line in lines], "p")
    if blocks:
        check_message("Two words", [block for block in blocks if block["text"]["text"].strip()])
    shown = "".join(block["text"]["text"] for block in blocks)
    for line in lines:
        for word in cards.safe(line).split():
            if len(word) < 100:
                assert word in shown


def test_a_line_without_blanks_is_cut_where_it_must_be() -> None:
    blocks = cards.paragraphs([" " * 4000 + "<" + "x" * 7000], "p")
    check_message("Two words", blocks)
    assert sum(block["text"]["text"].count("x") for block in blocks) == 7000


def test_too_many_paragraphs_say_that_some_are_missing() -> None:
    blocks = cards.paragraphs(["word " * 590] * 60, "p", 40)
    assert len(blocks) == 41
    check_message("Two words", blocks)
    assert "left out" in blocks[-1]["elements"][0]["text"]


@pytest.mark.parametrize("text", HOSTILE)
def test_text_is_read_off_every_kind_of_block(text: str) -> None:
    ask = cards.confirm(text, text, "Yes", "No", danger=True)
    made = cards.message(
        [
            cards.header(text, "h"),
            cards.section(f"*Bold* {cards.plain(text)}", "s", cards.button("Look", "a:look", "1", about=text)),
            cards.context(["", f"small {cards.plain(text)}"], "c"),
            cards.actions([cards.button("Go", "a:go", "1", style="danger", about=text, ask=ask)], "a"),
        ]
    )
    if text.strip():
        check_message(made.text, made.blocks)
    assert "Bold " in made.text
    assert "small" in made.text
    assert made.text.endswith("You can: “Go”.")


def test_the_text_tells_also_of_a_button_beside_a_section() -> None:
    beside = cards.section("*Dana Levi*", "one", cards.button("Call", "contacts:call", NUMBER))
    below = cards.actions([cards.button("Add a contact…", "contacts:add", "")], "two")
    assert cards.message([beside, below]).text == "Dana Levi\nYou can: “Call”.\nYou can: “Add a contact…”."
