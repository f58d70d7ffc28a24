"""JSON that is damaged where it does not matter: it is read all the same. What is broken is not."""

import json
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import loose
from bot.providers.voicenter.fields import Fields


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("{a: 1, B_2 : [1, 2,],}", {"a": 1, "B_2": [1, 2]}),
        ('{"a": "b: c, }", d: "\\"e: ,]"}', {"a": "b: c, }", "d": '"e: ,]'}),
        ('{a: {b: "x",\n},\n}', {"a": {"b": "x"}}),
        ('{"a": true}', {"a": True}),
    ],
)
def test_json_is_read_as_the_document_prints_it(written: str, read: object) -> None:
    assert loose.loads(written) == loose.loads(written.encode()) == read


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=9), lambda x: st.lists(x) |
                    st.dictionaries(st.text(max_size=5), x)))  # fmt: skip
def test_what_is_json_is_read_as_json(told: object) -> None:
    assert loose.loads(json.dumps(told)) == told


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r'{"a": "Dana \ud83d"}', {"a": "Dana �"}),
        (r'{"\uDC00": ["\ud800\ud800x"],}', {"�": ["��x"]}),
        (r'{"a": "\ud83d\ude00 \\ud800"}', {"a": "😀 \\ud800"}),
    ],
)
def test_half_a_character_is_none(written: str, read: object) -> None:
    """A name that was cut in the middle of an emoji: neither the database nor Slack takes the half that is left."""
    assert loose.loads(written) == loose.loads(written.encode()) == read
    assert isinstance(read, dict)
    assert Fields({"customdata": written}).inner("customdata").members == Fields(read).members


@pytest.mark.parametrize("written", ["{a: }", "{a 1}", "{'a': 1}", "a: 1", "{", b"\xff{}"])
def test_what_is_no_json_either_way_is_an_error(written: str | bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        loose.loads(written)


@pytest.mark.parametrize("written", ["a" * 300_000, '"' + '\\"' * 150_000, '"' * 300_001, "a" + " " * 300_000])
def test_a_long_text_that_is_no_json_takes_no_time(written: str) -> None:
    """Where a name or a string was looked at again and again, this took minutes."""
    with pytest.raises(ValueError, match=r".+"):
        loose.loads(written)


@pytest.mark.parametrize(
    ("body", "content_type", "read"),
    [
        (b'\xef\xbb\xbf{"a": 1}\0', "", {"a": 1}),
        ('{"a": "é"}'.encode("utf-16"), "", {"a": "é"}),
        ('{"a": "שלום"}'.encode("windows-1255"), 'text/plain; charset="windows-1255"', {"a": "שלום"}),
        ('{"a": "şıĞ"}'.encode("iso-8859-9"), "application/json;Charset=ISO-8859-9", {"a": "şıĞ"}),
        ('{"a": "שלום"}'.encode(), "application/json; charset=windows-1255", {"a": "שלום"}),
        ('{"a": "é", "b": 1}'.encode("latin-1"), "application/json", {"a": "�", "b": 1}),
        (b'{"a": "\xe9"}', "application/json; charset=no-such-thing", {"a": "�"}),
        (b'{"a": "one\ntwo"}', "", {"a": "one\ntwo"}),
        (b'{"a": NaN, "b": -Infinity, "c": 1e999, "d": 1.5}', "", {"a": None, "b": None, "c": None, "d": 1.5}),
        (b'{"a": NaN, "b": %s, "c": 12345678901234567890123}' % (b"9" * 5000), "",
         {"a": None, "b": None, "c": 12345678901234567890123}),
        (b'"{\\"a\\": 1}"', "", {"a": 1}),
        (b'[{"a": 1}]', "", {"a": 1}),
    ],
)  # fmt: skip
def test_one_odd_value_leaves_the_others(body: bytes, content_type: str, read: object) -> None:
    assert loose.members(body, content_type) == read


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b'[{"a": 1}, {"a": 2}]', b'"a"', b"<html>", b'{"a": 1', b'{"a":']
)
def test_what_is_no_object_has_no_members(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        loose.members(body)


@pytest.mark.parametrize(
    ("body", "content_type", "read"),
    [
        (b"a=1&b=two+words&c=two%20words&d=&e", "", {"a": "1", "b": "two words", "c": "two words", "d": "", "e": ""}),
        (b"\xef\xbb\xbfname=%D7%93%D7%A0%D7%94\r\n", "application/x-www-form-urlencoded", {"name": "דנה"}),
        (b"name=%E3%F0%E4", "application/x-www-form-urlencoded; charset=windows-1255", {"name": "דנה"}),
        (
            b"name=\xe3\xf0\xe4&b=1",
            "application/x-www-form-urlencoded; charset=windows-1255",
            {"name": "דנה", "b": "1"},
        ),
        (b"name=%CC%E8%F0%E0", "application/x-www-form-urlencoded;charset=cp1251", {"name": "Мира"}),
        (b"name=%D7%93%D7%A0%D7%94", "x; charset=windows-1255", {"name": "דנה"}),  # in spite of what it says
        (b"name=%E3%F0", "x; charset=klingon", {"name": "��"}),
        (b"a=%&b=%zz&c=%2&=x&&d==&e=%00", "", {"a": "%", "b": "%zz", "c": "%2", "": "x", "d": "=", "e": "\0"}),
        ("name=דנה&b=1".encode("utf-16"), "", {"name": "דנה", "b": "1"}),
        (b"", "", {}),
    ],
)
def test_a_form_is_read_in_its_charset(body: bytes, content_type: str, read: dict[str, str]) -> None:
    assert dict(loose.form(body, content_type)) == read


def test_a_form_of_endlessly_many_fields_is_none() -> None:
    with pytest.raises(ValueError, match="fields"):
        loose.form(b"&".join(b"a=%d" % n for n in range(1000)))


@given(st.lists(st.tuples(st.text(max_size=9), st.text(max_size=9)), max_size=9))
def test_what_is_written_as_a_form_is_read_as_one(pairs: list[tuple[str, str]]) -> None:
    written = urlencode(pairs)
    assert loose.form(written.encode()) == parse_qsl(written, keep_blank_values=True)
