"""A do-not-call registry's file: its numbers, however it writes them, and whether a number is among them."""

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import registry_rows
from bot.errors import BadInput
from bot.registry_rows import PAGE, Registry, contains, pages, read


def numbers(found: Registry) -> list[str]:
    packed = found.packed
    return [f"+{int.from_bytes(packed[at : at + 8], 'big')}" for at in range(0, len(packed), 8)]


@pytest.mark.parametrize(
    ("country", "text", "found"),
    [
        ("US", "202,5550123\n202,5550124\n", ["+12025550123", "+12025550124"]),  # as the USA's registry writes them
        ("US", "phone\r\n2025550123\r\n(202) 555-0124\r\n", ["+12025550123", "+12025550124"]),
        ("US", "1 202 555 0123\n+12025550123\n12025550123", ["+12025550123"]),
        ("IL", "050-555-0123\n0505550124\n972505550125\n+972505550126", [f"+97250555012{last}" for last in "3456"]),
        ("GB", "id;number\n1234567;07700900123\n7;+44 7700 900124\n", ["+447700900123", "+447700900124"]),
        ("AR", "011 15 2345 6789\n01123456789", ["+541123456789", "+5491123456789"]),  # those with 15 are mobile
        ("US", '"2025550123","2026-01-02"\n', ["+12025550123"]),
    ],
)
def test_numbers_are_read_as_registries_write_them(country: str, text: str, found: list[str]) -> None:
    assert numbers(read(text.encode(), country)) == sorted(found)


def test_what_is_no_number_is_named(tmp_path: object) -> None:
    found = read(b"number\n2025550123\nnonsense\n\n123\n2025550124\n", "US")
    assert (found.count, found.unread, found.first) == (2, 2, ((3, "nonsense"), (5, "123")))
    assert read("number\n2025550123".encode("utf-16"), "US").count == 1


def packed(*names: str, content: bytes = b"2025550123\n") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name in names:
            file.writestr(name, content)
    return out.getvalue()


def test_a_zip_file_with_one_in_it_is_that_one() -> None:
    assert read(packed("202.txt"), "US").count == 1
    with pytest.raises(BadInput, match="holds 2 files"):
        read(packed("202.txt", "305.txt"), "US")
    with pytest.raises(BadInput, match="could not be read"):
        read(packed("202.txt")[:60], "US")
    with pytest.raises(BadInput, match="larger than 50 MB"):
        read(packed("202.txt", content=b"\n" * (registry_rows.MOST_BYTES + 1)), "US")


def test_a_file_without_numbers_changes_nothing() -> None:
    with pytest.raises(BadInput, match="holds no telephone numbers"):
        read(b"number\nnobody\n", "US")


def test_more_than_can_be_kept_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_rows, "MOST_NUMBERS", 2)
    with pytest.raises(BadInput, match="more than 2 numbers"):
        read(b"2025550123\n2025550124\n2025550125\n", "US")


@given(st.sets(st.integers(0, 9999), min_size=1, max_size=1200), st.integers(0, 9999))
def test_a_number_is_found_where_it_is_and_nowhere_else(there: set[int], asked: int) -> None:
    found = read("\n".join(f"202555{last:04}" for last in there).encode(), "US")
    assert found.count == len(there)
    number = f"+1202555{asked:04}"
    assert contains(found.packed, number) is (asked in there)
    cut = list(pages(found.packed))
    assert b"".join(page for _, page in cut) == found.packed
    assert all(len(page) <= PAGE * 8 for _, page in cut)
    assert [first for first, _ in cut] == sorted(first for first, _ in cut)


@pytest.mark.parametrize("number", ["", "201", "+", "anonymous", "+1"])
def test_what_is_no_number_is_in_none(number: str) -> None:
    assert not contains(read(b"2025550123", "US").packed, number)
