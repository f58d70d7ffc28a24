"""Tables as spreadsheets write them: their columns and rows, numbers in cells, and the CSV of what was left out.

What else may come (encodings, delimiters, line ends) is tried by tests/test_bulk.py and tests/test_contact_rows.py.
"""

import pytest

from bot import tables
from bot.errors import BadInput
from bot.tables import Table

KNOWN = {"number": ("number", "phone"), "name": ("name",)}


def test_other_columns_are_variables_or_not_read() -> None:
    text = "Phone,City,city,,Name\n+12025550101,Haifa,Jaffa,x,Dana\n"
    table = Table(text, KNOWN)
    assert table.columns == ("number", "City", "city", "", "name")
    assert list(table.rows()) == [
        (2, {"number": "+12025550101", "name": "Dana"}, {"City": "Haifa", "city": "Jaffa"}),
    ]
    table = Table(text, KNOWN, variables=False)
    assert (table.columns, table.unread) == (("number", "", "", "", "name"), ("City", "city"))
    assert list(table.rows()) == [(2, {"number": "+12025550101", "name": "Dana"}, {})]


def test_only_columns_that_are_read_must_differ() -> None:
    text = "number,note,note\n1,2,3\n"
    assert Table(text, KNOWN, variables=False).columns == ("number", "", "")
    with pytest.raises(BadInput, match="Two columns mean “note”"):
        Table(text, KNOWN)


@pytest.mark.parametrize("typed", ["tel:+12025550101", "'+1 202 555 0101", "(202) 555-0101", "12025550101"])
def test_a_number_as_spreadsheets_leave_it(typed: str) -> None:
    assert tables.number(typed, "US") == ("+12025550101", "")
    assert tables.number("972505550101", "US") == ("+972505550101", "")


@pytest.mark.parametrize("behind", [" (ext. 12)", "(x12)", ";ext=12", " ext 12", " (#12)"])
def test_an_extension_behind_a_number_stands_apart(behind: str) -> None:
    assert tables.number(f"tel:+12025550101{behind}", "US") == ("+12025550101", "12")
    assert tables.number(f"(202) 555-0101{behind}", "US") == ("+12025550101", "12")


def test_a_few_of_many_extensions_are_named() -> None:
    assert tables.extensions([(2, "12"), (1003, "7")]) == "line 2 (12), line 1003 (7)"
    named = "line 0 (5), line 1 (5), line 2 (5), line 3 (5), line 4 (5) and 1,001 more"
    assert tables.extensions([(line, "5") for line in range(1006)]) == named


@pytest.mark.parametrize("typed", ["2025550101.0", "12025550101.0", "+12025550101.00", "2025550101,0"])
def test_a_number_that_became_a_decimal_is_not_another_one(typed: str) -> None:
    """As programs write a column of numbers with an empty cell in it; the 0 is no digit of theirs."""
    assert tables.number(typed, "US") == ("+12025550101", "")
    assert tables.number("4930123456.0", "DE") == ("+4930123456", "")


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "SEP=;", "\ufeffsep=;\r"])
def test_the_line_with_which_a_spreadsheet_names_its_delimiter_is_no_heading(first: str) -> None:
    table = Table(f"{first}\nnumber;name\n+12025550101;Green, Noa\n", KNOWN)
    assert list(table.rows()) == [(3, {"number": "+12025550101", "name": "Green, Noa"}, {})]
    with pytest.raises(BadInput, match="The file is empty"):
        Table(first, KNOWN)


def test_the_delimiter_that_is_named_goes_before_the_one_that_is_likely() -> None:
    table = Table("sep=|\nnumber|name, first, last\n+12025550101|Noa\n", KNOWN)
    assert list(table.rows()) == [(3, {"number": "+12025550101"}, {"name_first_last": "Noa"})]


@pytest.mark.parametrize("heading", ["Name (last, first);Number", "Number;Name (last, first, title)"])
def test_a_comma_in_a_heading_is_no_delimiter_where_another_one_finds_the_number(heading: str) -> None:
    table = Table(f"{heading}\n+12025550101;+12025550101\n", KNOWN)
    assert (table.delimiter, len(table.columns)) == (";", 2)
    assert [fields["number"] for _, fields, _ in table.rows()] == ["+12025550101"]


def test_a_heading_may_be_of_several_lines() -> None:
    table = Table('"Phone\nnumber",Name\r\n+12025550101,Dana\r\n', KNOWN | {"number": ("phone number",)})
    assert list(table.rows()) == [(3, {"number": "+12025550101", "name": "Dana"}, {})]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('number,name\n+12025550101,"Noa\n+12025550102,Sam\n+12025550103,Kim\n', 2),
        ('number,name\n+12025550101,Noa\n+12025550102,"Sam', 3),
        ('number,"name\n+12025550101,Noa\n', 1),
    ],
)
def test_a_quote_that_is_never_closed_swallows_no_rows(text: str, line: int) -> None:
    with pytest.raises(BadInput, match=f"Line {line} cannot be read as CSV .a quote in it is never closed."):
        list(Table(text, KNOWN).rows())


def test_a_first_line_without_end_is_a_sentence() -> None:
    with pytest.raises(BadInput, match="Line 1 cannot be read as CSV"):
        Table("x" * 200_000, KNOWN)


def test_the_report_is_a_table_that_no_spreadsheet_takes_for_formulas() -> None:
    file = tables.report([(2, "=HYPERLINK(1)", "invalid", "no number"), (3, "+1 900 555 0123", "forbidden", "-1")])
    assert file.decode() == (
        '\ufeff"line","number","result","reason"\r\n'
        '2,"\'=HYPERLINK(1)","invalid","no number"\r\n'
        '3,"+1 900 555 0123","forbidden","\'-1"\r\n'
    )


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("=1+1", "'=1+1"),
        (" =1+1", "' =1+1"),
        ("\t=1+1", "'\t'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("-1", "'-1"),
        ("＝1+1", "'＝1+1"),
        ("Dana;=cmd|' /C calc'!A0;", "Dana;'=cmd|' /C calc'!A0;"),
        ("two\n=1+1", "two\n'=1+1"),
        ("two\r\n @A1", "two\r\n' @A1"),
        ("+1-202-555-0123", "'+1-202-555-0123"),
        ("+1 202-555-0123", "+1 202-555-0123"),
        ("+12025550123", "+12025550123"),
        ("+44 7700 900123; +1 202-555-0123", "+44 7700 900123; +1 202-555-0123"),
        ("+1+cmd|' /C calc'!A0", "'+1+cmd|' /C calc'!A0"),
        ("a-b = c; d", "a-b = c; d"),
        ("", ""),
    ],
)
def test_no_words_are_a_formula_whatever_a_spreadsheet_takes_for_the_end_of_a_cell(text: str, written: str) -> None:
    """Where the decimal sign is a comma, a semicolon ends a cell, and so does a line break behind one."""
    assert tables.cell(text) == written


def test_a_file_is_of_the_same_cells_also_where_a_semicolon_ends_them() -> None:
    file = tables.csv_file(["name", "seconds"], [["Levi; Dana", 5], ['"x"', ""]])
    assert file == '\ufeff"name","seconds"\r\n"Levi; Dana",5\r\n"""x""",""\r\n'.encode()
    assert tables.csv_file(["name"], [["\ud800"]]).endswith(b'"?"\r\n')


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("+447700900123", "+44 7700 900123"),
        ("+12025550123", "+1 202-555-0123"),
        ("•••••••23", "•••••••23"),
        ("447700900123", "447700900123"),
        ("+1 and more", "+1 and more"),
        ("", ""),
    ],
)
def test_a_number_with_blanks_is_no_figure_that_a_spreadsheet_rounds(number: str, shown: str) -> None:
    assert tables.phone(number) == shown
    assert not shown.startswith("+4") or tables.number(shown, "US") == (number, "")
