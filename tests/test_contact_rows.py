"""A table of contacts: whatever an address book exports is read, each row judged, nothing guessed."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import contact_rows, tables
from bot.contact_rows import MOST_ROWS, Row
from bot.errors import BadInput


def check(text: str | bytes, region: str = "US") -> list[Row]:
    data = text.encode() if isinstance(text, str) else text
    checked = contact_rows.check(data, region)
    return [row for piece in checked.pieces for row in msgspec.json.decode(piece, type=list[Row])]


def contacts(text: str | bytes, region: str = "US") -> list[tuple[str, str, str]]:
    return [(row.number, row.name, row.company) for row in check(text, region) if row.state == "ready"]


@pytest.mark.parametrize(
    "heading",
    [
        "number,name,company",
        "Phone Number,Full Name,Organization",
        "MOBILE,Contact_Name,Firm",
        "\ufeffTelephone,display-name,Company Name",
        "Phone 1 - Value,Name,Organization 1 - Name",
    ],
)
def test_headings_as_address_books_write_them(heading: str) -> None:
    assert contacts(f"{heading}\n(202) 555-0101,Noa Green,Green Gardens\n") == [
        ("+12025550101", "Noa Green", "Green Gardens")
    ]


def test_first_and_last_name_make_a_name_where_there_is_none() -> None:
    text = "First Name,Last Name,Phone\nNoa,Green,+12025550101\nSam,,+12025550102\n,Hill,+12025550103\n"
    assert [name for _, name, _ in contacts(text)] == ["Noa Green", "Sam", "Hill"]
    text = "Name,Given Name,Family Name,Phone\nDr. Noa Green,Noa,Green,+12025550101\n,Sam,Hill,+12025550102\n"
    assert [name for _, name, _ in contacts(text)] == ["Dr. Noa Green", "Sam Hill"]


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_delimiters(mark: str) -> None:
    text = f'number{mark}name\n+12025550101{mark}"Green{mark} Noa"\n'
    assert contacts(text) == [("+12025550101", "Green Noa" if mark == "\t" else f"Green{mark} Noa", "")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1255"])
def test_encodings(encoding: str) -> None:
    data = "number,name\n0505550101,נועה גרין\n".encode(encoding)
    assert contacts(data, "IL") == [("+972505550101", "נועה גרין", "")]
    assert contact_rows.check(data, "IL").encoding == encoding.removesuffix("-sig")


def test_of_several_numbers_the_first_that_there_is() -> None:
    """As Outlook and many others write them, who keep several of one person."""
    text = (
        "First Name,Last Name,Company,Business Phone,Mobile Phone,Primary Phone\n"
        "Noa,Green,Gardens,,+1 202 555 0101,+1 202 555 0109\n"
        "Sam,Hill,,(202) 555-0102,+1 202 555 0101,\n"
        "Max,,,,,\n"
    )
    assert contacts(text) == [("+12025550101", "Noa Green", "Gardens"), ("+12025550102", "Sam Hill", "")]
    checked = contact_rows.check(text.encode(), "US")
    assert checked.numbers == ("Business Phone", "Mobile Phone", "Primary Phone")
    assert checked.columns == ("first", "last", "company", "number")


def test_what_is_not_read_is_named() -> None:
    checked = contact_rows.check(b"Phone,Name,Notes,Notes,E-mail\n+12025550101,Noa,a,b,c\n", "US")
    assert checked.columns == ("number", "name")
    assert checked.unread == ("Notes", "Notes", "E-mail")


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (",Noa Green,", "number is missing"),
        ("call me,Noa Green,", "is not a phone number"),
        ("12,Noa Green,", "too short"),
        ("1.20255E+10,Noa Green,", "rounded by a spreadsheet"),
        ("911,Noa Green,", "emergency number"),
        ("+12025550101,,Green Gardens", "name is missing"),
        (f"+12025550101,{'x' * 81},", "name is longer than 80"),
        (f"+12025550101,Noa,{'x' * 81}", "company is longer than 80"),
        ("+12025550101,Noa,Green,Gardens", "more cells than the first line"),
    ],
)
def test_a_row_that_cannot_be_used_says_why_and_where(row: str, why: str) -> None:
    good, bad = check(f"number,name,company\n+12025550199,Dana Levi,\n{row}\n")
    assert (good.state, good.line) == ("ready", 2)
    assert (bad.state, bad.line, bad.number, bad.name) == ("invalid", 3, "", "")
    assert why in bad.why


def test_one_number_is_one_contact() -> None:
    rows = check("number,name\n2025550101,Noa\n+12025550102,Sam\n(202) 555-0101,Noa Green\nnone,x\nnone,y\n")
    assert [(row.line, row.state, row.why) for row in rows[:3]] == [
        (2, "ready", ""),
        (3, "ready", ""),
        (4, "duplicate", "the same number as in line 2"),
    ]
    assert [row.state for row in rows[3:]] == ["invalid", "invalid"]


def test_lines_are_counted_as_in_the_file() -> None:
    text = 'number,name,note\r\n\r\n+12025550101,Noa,"two\r\nlines"\r\n,,\r\n12,x,\r\n+12025550102,Sam,'
    assert [(row.line, row.state) for row in check(text)] == [(3, "ready"), (6, "invalid"), (7, "ready")]


def test_names_are_kept_on_one_line() -> None:
    assert contacts('number,name\n+12025550101,"  Noa\n  Green "\n') == [("+12025550101", "Noa Green", "")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("name,city\nDana,Haifa\n", "must be “number”"),
        ("number,city\n+12025550101,Haifa\n", "There is no “name”"),
        ("+12025550101\n+12025550102\n", "There is no “name”"),
        ("number,name,full name\n1,2,3\n", "Two columns mean “name”"),
        ("number,name\n", "only headings"),
        ("number,name\n" + '"' + "x" * 200_000, "Line 2 cannot be read"),
        (b"PK\x03\x04\x00\x00\x81", "not a text file"),
        (b"number,name\n" + b"1" * tables.MOST_BYTES, "larger than 10 MB"),
    ],
)
def test_a_file_that_is_no_table_of_contacts_is_refused_in_a_sentence(text: str | bytes, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        check(text)


def test_too_many_rows_are_refused_and_the_most_are_not() -> None:
    with pytest.raises(BadInput, match="more than 20,000 rows"):
        check("number,name\n" + "1,x\n" * (MOST_ROWS + 1))
    assert len(check("number,name\n" + "1,x\n" * MOST_ROWS)) == MOST_ROWS


@given(st.one_of(st.binary(max_size=400), st.text(max_size=200).map(lambda text: f"number,name\n{text}".encode())))
def test_whatever_comes_is_rows_or_a_sentence(data: bytes) -> None:
    try:
        rows = check(data)
    except BadInput as error:
        rows, words = [], str(error)
    else:
        words = "Read."
    assert words.endswith(".")
    assert bool(rows) == (words == "Read.")
    assert all(row.why for row in rows if row.state != "ready")
    assert all(row.number and row.name for row in rows if row.state == "ready")
    numbers = [row.number for row in rows if row.state == "ready"]
    assert len(set(numbers)) == len(numbers)
