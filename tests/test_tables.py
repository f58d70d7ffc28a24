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
    assert tables.number(typed, "US") == "+12025550101"
    assert tables.number("972505550101", "US") == "+972505550101"


def test_the_report_is_a_table_that_no_spreadsheet_takes_for_formulas() -> None:
    text = tables.report([(2, "=HYPERLINK(1)", "invalid", "no number"), (3, "+1 900 555 0123", "forbidden", "-1")])
    assert text == (
        "\ufeffline,number,result,reason\r\n2,'=HYPERLINK(1),invalid,no number\r\n3,+1 900 555 0123,forbidden,'-1\r\n"
    )
