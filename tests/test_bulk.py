"""A file of calls: read whatever a spreadsheet made of it, each row judged, nothing guessed."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot import bulk, tables
from bot.bulk import Plan, Row
from bot.errors import BadInput
from bot.orders import CampaignCall
from bot.rules import Rules

NOW = 1_772_632_800.0
"""Wednesday 2026-03-04 14:00 UTC: 15:00 in Madrid, 09:00 in Washington."""
RULES = Rules(region="US", countries=frozenset({"US", "GB", "IL"}), zone="Europe/Madrid")
PLAN = Plan(user="U2", role="manager", rules=RULES, zone="Europe/Madrid", now=NOW)


def check(text: str | bytes, plan: Plan = PLAN) -> list[Row]:
    data = text.encode() if isinstance(text, str) else text
    return [row for piece in bulk.check(data, plan).pieces for row in msgspec.json.decode(piece, type=list[Row])]


def states(text: str | bytes, plan: Plan = PLAN) -> list[tuple[int, str]]:
    return [(row.line, row.state) for row in check(text, plan)]


def calls(text: str | bytes, plan: Plan = PLAN) -> list[CampaignCall]:
    return [row.call for row in check(text, plan) if row.state == "ready" and row.call]


def test_headings_in_plain_words() -> None:
    (call,) = calls(
        "Phone Number,Customer,Caller ID,caller_name,PRIORITY,at,City,Order no.\n"
        "+1 202 555 0101,Dana Levi,+1 202 555 0100,Sales,5,2026-03-05 09:30,Haifa,7-b\n"
    )
    assert call == CampaignCall(
        number="+12025550101",
        caller_id="+12025550100",
        caller_name="Sales",
        name="Dana Levi",
        at=NOW + 18.5 * 3600,
        priority=5,
        variables={"City": "Haifa", "Order_no": "7-b"},
    )


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_delimiters(mark: str) -> None:
    (call,) = calls(f'number{mark}name\n+12025550101{mark}"Levi{mark} Dana"\n')
    assert call.name == f"Levi{mark} Dana"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings(encoding: str) -> None:
    data = "number,name\n+972505550101,דנה לוי\n".encode(encoding)
    assert bulk.check(data, PLAN).encoding in ("utf-8", "utf-16")
    assert calls(data)[0].name == "דנה לוי"


def test_what_spreadsheets_of_a_country_write() -> None:
    plan = replace(PLAN, rules=Rules(region="IL"))
    data = "number,name\n0505550101,דנה\n".encode("cp1255")
    assert bulk.check(data, plan).encoding == "cp1255"
    assert calls(data, plan)[0].name == "דנה"
    assert calls("number,name\n+12025550101,Zoë\n".encode("cp1252"))[0].name == "Zoë"


def test_line_ends_and_empty_lines_and_quoted_line_breaks_keep_the_count() -> None:
    text = 'number,note\r\n\r\n+12025550101,"two\r\nlines"\r\n,\r\n12,x\r\n+12025550102,y'
    assert states(text) == [(3, "ready"), (6, "invalid"), (7, "ready")]


def test_an_extension_behind_a_number_is_a_variable_and_no_digits_of_it() -> None:
    rows = ("+1 202 555 0101 ext. 12,", "+1 202 555 0102x7,20", "202 555 0101 x13,", "12 ext 4,", "202 555 0103,5")
    text = "\n".join(("number,extension", *rows))
    assert [(call.number, call.variables) for call in calls(text)] == [
        ("+12025550101", {"extension": "12"}),
        ("+12025550102", {"extension": "20"}),
        ("+12025550103", {"extension": "5"}),
    ]
    assert bulk.check(text.encode(), PLAN).behind == ((2, "12"), (3, "7"))


def test_a_bare_list_of_numbers() -> None:
    assert [call.number for call in calls("+1 202 555 0101\n(202) 555-0102\n")] == ["+12025550101", "+12025550102"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("\n\n", "empty"),
        ("name,city\nDana,Haifa\n", "must be “number”; it says: name, city"),
        ("+12025550101,Dana\n+12025550102,Noa\n", "must be “number”"),
        ("number,phone\n1,2\n", "Two columns mean “number”"),
        ("number,city,City\n1,2,3\n", ""),
        ("number,city,city\n1,2,3\n", "Two columns mean “city”"),
        ("number\n", "only headings"),
        ("number\n" + '"' + "x" * 200_000, "Line 2 cannot be read"),
        (b"PK\x03\x04\x00\x00\x81", "not a text file"),
        (b"number\n" + b"1" * tables.MOST_BYTES, "larger than 10 MB"),
    ],
)
def test_a_file_that_is_none_is_refused_in_a_sentence(text: str | bytes, words: str) -> None:
    if words:
        with pytest.raises(BadInput, match=words):
            check(text)
    else:
        check(text)


def test_too_many_rows() -> None:
    with pytest.raises(BadInput, match="more than 100,000 rows"):
        check("number\n" + "1\n" * (bulk.MOST_ROWS + 1))


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("", "number is missing"),
        ("call me,,,", "is not a phone number"),
        ("1.20255E+10,,,", "rounded by a spreadsheet"),
        ("911,,,", "“911” is an emergency number"),
        ("+12025550101,nobody,,", "“nobody” is not a phone number"),
        ("+12025550101,,high,", "is no priority"),
        ("+12025550101,,,3/4/2026", "is no time"),
        ("+12025550101,,,25:00", "is no time"),
        ("+12025550101,,,,surplus", "more cells than the first line"),
    ],
)
def test_an_invalid_row_says_why(row: str, why: str) -> None:
    row = row or ",,1,"
    ((found),) = check(f"number,caller id,priority,at\n{row}\n")
    assert found.state == "invalid"
    assert found.line == 2
    assert why in found.why


def test_the_policy_filters_every_row() -> None:
    rows = check("number\n911\n+1 900 555 0123\n+33 1 99 00 12 34\n+870 773 111 632\n+12025550101\n")
    assert [row.state for row in rows] == ["invalid", "forbidden", "forbidden", "forbidden", "ready"]
    assert "premium-rate" in rows[1].why
    assert "is in FR" in rows[2].why
    assert not any("The call was not placed" in row.why for row in rows)


def test_an_emergency_number_in_any_dress_is_not_added() -> None:
    assert [row.state for row in check("number\n112\n999\n+44999\n")] == ["invalid", "invalid", "invalid"]
    call = CampaignCall(number="+1911")
    assert bulk.judge(call, "911", PLAN)[0] == "forbidden"


def test_duplicates_do_not_call_and_waiting() -> None:
    plan = replace(PLAN, listed=frozenset({"+12025550102"}), waiting=frozenset({"+12025550103"}))
    rows = check("number\n2025550101\n+1 202 555 0102\n+12025550103\n(202) 555-0101\n", plan)
    assert [(row.state, row.why) for row in rows] == [
        ("ready", ""),
        ("dnc", "on the do-not-call list"),
        ("duplicate", "waits in the campaign already"),
        ("duplicate", "the same number as in line 2"),
    ]


def test_a_row_that_is_not_added_is_no_first_of_a_pair() -> None:
    assert [row.state for row in check("number,at\n+12025550101,never\n+12025550101,\n")] == ["invalid", "ready"]


def test_hours_are_those_of_the_number_at_its_time() -> None:
    rows = check(
        "number,at\n+12025550101,\n+442079460101,\n+12025550102,2026-03-05 03:00\n+12025550103,2026-03-07 20:00"
    )
    assert [row.hours for row in rows] == ["open", "open", "closed", "closed"]
    early = replace(PLAN, now=NOW - 5 * 3600)
    assert check("number\n+12025550101\n", early)[0].hours == "closed"
    assert check("number\n+447700900123\n")[0].hours in ("open", "unknown")


def test_a_number_that_lost_its_plus() -> None:
    assert calls("number\n972505550101\n")[0].number == "+972505550101"
    assert calls("number\n'+12025550101\n")[0].number == "+12025550101"


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("15:30", NOW + 1800),
        ("3:30pm", NOW + 1800),
        ("14:30", NOW + 86400 - 1800),
        ("2026-03-04 15:30", NOW + 1800),
        ("2026-03-04T15:30", NOW + 1800),
        ("2026-03-04T14:30Z", NOW + 1800),
        ("1772632800", NOW),
    ],
)
def test_moments(text: str, at: float) -> None:
    assert bulk.moment(text, "Europe/Madrid", NOW) == at


def test_words_of_a_command() -> None:
    fields, variables = bulk.read_words(
        '+1 202 555 0101 name Dana Levi from anonymous priority 5 at 14:30 city=New York note="call at noon"'
    )
    assert fields == {
        "number": "+1 202 555 0101",
        "name": "Dana Levi",
        "caller_id": "anonymous",
        "priority": "5",
        "at": "14:30",
    }
    assert variables == {"city": "New York", "note": "call at noon"}
    assert bulk.read_words("+12025550101 name “Dana at Acme”")[0]["name"] == "Dana at Acme"
    with pytest.raises(BadInput, match="“name” needs something"):
        bulk.read_words("+12025550101 name")


def test_anonymous_hides_the_number() -> None:
    assert calls("number,from\n+12025550101,Anonymous\n")[0].caller_id == "anonymous"


@given(st.one_of(st.binary(max_size=400), st.text(max_size=200).map(lambda text: f"number,name\n{text}".encode())))
def test_whatever_comes_is_rows_or_a_sentence(data: bytes) -> None:
    try:
        rows = check(data)
    except BadInput as error:
        rows, words = [], str(error)
    else:
        words = "Read."
    assert words.endswith(".")
    if not rows:
        assert words != "Read."
        return
    assert all(row.why for row in rows if row.state != "ready")
    assert len({row.line for row in rows}) == len(rows)
