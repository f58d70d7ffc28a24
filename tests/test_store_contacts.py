"""The contact book in the store: its order, its pages, what is found in it, and a table that comes into it."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.contact_rows import Row
from bot.names import STOPS, Fit, all_folded, as_spelt, bare, fit, holds, words
from bot.store import Database, contact_imports, contacts
from bot.store.contact_imports import Import
from bot.store.contacts import START, Contact, Place
from tests.empty_store import connected, prepared

NOW = 1_770_000_000.0
BOOK = (
    Contact("+12025550101", "Noa Green", "Green Gardens"),
    Contact("+12025550102", "Дана Левина", "Завод"),
    Contact("+972505550103", "Zoe 24 Hour", ""),
    Contact("+12025550104", "amir", "Élan"),
    Contact("+447700900105", "Noa Green", "50% Off_Ltd"),
)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = Database(prepared(tmp_path / "store.sqlite"))
    yield found
    found.close()


async def save(database: Database, new: Contact, by: str = "U1") -> Contact | None:
    return await database.write(lambda db: contacts.save(db, new, by, NOW))


async def fill(database: Database) -> None:
    for contact in BOOK:
        await save(database, contact)


async def pages(
    database: Database, text: str = "", place: Place = START, *, back: bool = False, size: int = 10
) -> list[Contact]:
    return await database.read(lambda db: contacts.page(db, text, place, back=back, size=size))


async def named(database: Database, name: str) -> list[Contact]:
    return await database.read(lambda db: contacts.named(db, name))


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("noa", ["101", "105"]),
        ("REEN", ["101", "105"]),
        ("gardens noa", ["101"]),
        ("дана", ["102"]),
        ("ЗАВОД", ["102"]),
        ("éLAN", ["104"]),
        ("elan", ["104"]),
        ("nóa  gärdens", ["101"]),
        ("noa 0105", ["105"]),
        ("+1 (202) 555-0104", ["104"]),
        ("555.01", ["104", "101", "103", "102"]),
        ("050 555 0103", ["103"]),
        ("07700 900105", ["105"]),
        ("+44 (0)7700 900105", ["105"]),
        ("noa 0105.", ["105"]),
        ("noa, gardens", ["101"]),
        ("‘noa’ (gardens).", ["101"]),
        ("*noa* gardens”.", ["101"]),
        ("24", ["103"]),
        ("0", ["104", "101", "105", "103", "102"]),
        ("50% off_", ["105"]),
        ("%", ["105"]),
        ("n_a", []),
        ("noa zoe", []),
        ("0199", []),
        ("+", []),
    ],
)
async def test_whoever_has_each_word_in_name_company_or_number(
    database: Database, text: str, numbers: list[str]
) -> None:
    await fill(database)
    assert [contact.number[-3:] for contact in await pages(database, text)] == numbers


@pytest.mark.parametrize("text", ["", "n"])
async def test_pages_forth_and_back_show_each_once(database: Database, text: str) -> None:
    names = [f"{letter}na{number % 3}" for number, letter in enumerate("bBaAcCdDeEfF")]
    for number, name in enumerate(names):
        await save(database, Contact(f"+120255501{number:02}", name))
    whole = await pages(database, text, size=50)
    assert [one.name.casefold() for one in whole] == sorted(name.casefold() for name in names)
    seen: list[Contact] = []
    place = START
    while page := await pages(database, text, place, size=5):
        seen += page
        place = (page[-1].name, page[-1].number)
    assert seen == whole
    assert await pages(database, text, place, back=True, size=5) == whole[-6:-1]
    assert await pages(database, text, (whole[0].name, whole[0].number), back=True) == []


async def test_what_is_left_out_stays_and_so_does_who_added_it(database: Database) -> None:
    number = "+12025550101"
    first = Contact(number, "Noa", "Green Gardens")
    assert await save(database, first) is None
    assert await save(database, Contact(number, "Noa Green"), "U2") == first
    assert await database.read(lambda db: contacts.get(db, number)) == Contact(number, "Noa Green", "Green Gardens")
    assert await database.read(lambda db: contacts.added_by(db, number)) == "U1"
    assert await database.write(lambda db: contacts.remove(db, number))
    assert not await database.write(lambda db: contacts.remove(db, number))
    assert await database.read(lambda db: contacts.added_by(db, number)) == ""


async def test_a_name_for_call_is_found_in_any_script(database: Database) -> None:
    await fill(database)
    for name in ("дана левина", "ДАНА", "левин"):
        assert await named(database, name) == [BOOK[1]]
    assert await named(database, "n%a") == []


async def test_a_table_is_judged_by_the_book_of_the_moment(database: Database) -> None:
    await fill(database)
    rows = [
        Row(2, "ready", "1", "+12025550101", "Noa Grey", ""),
        Row(3, "ready", "2", "+12025550102", "Дана Левина", ""),
        Row(4, "ready", "3", "+12025550199", "New", "Firm"),
        Row(5, "duplicate", "4", "+12025550199", why="the same number as in line 4"),
        Row(6, "invalid", "5", why="The name is missing."),
        Row(7, "ready", "6", "+12025550104", "amir", "Other"),
    ]
    pieces = [msgspec.json.encode(rows[:3]), msgspec.json.encode(rows[3:])]
    new = Import("i1", "contacts.csv", "U2", NOW, "preview")
    assert await database.write(lambda db: contact_imports.create(db, new, pieces))
    assert not await database.write(lambda db: contact_imports.create(db, new, pieces))
    counts = await database.read(lambda db: contact_imports.counts(db, new))
    assert counts == {"new": 1, "changed": 2, "unchanged": 1, "invalid": 1, "duplicate": 1}
    (line, after, before), (other, *_) = await database.read(lambda db: contact_imports.some(db, "i1", "changed", 5))
    assert (line, after.name, before, other) == (2, "Noa Grey", BOOK[0], 7)
    await database.write(lambda db: contacts.remove(db, "+12025550102"))
    became = await database.write(lambda db: contact_imports.run(db, "i1", "U2", NOW))
    assert became == {"new": 2, "changed": 2, "invalid": 1, "duplicate": 1}
    assert await database.write(lambda db: contact_imports.run(db, "i1", "U2", NOW)) is None
    assert not await database.write(lambda db: contact_imports.drop(db, "i1", NOW))
    book = {one.number: one for one in await pages(database, size=50)}
    assert book["+12025550101"] == Contact("+12025550101", "Noa Grey", "Green Gardens")
    assert book["+12025550104"].company == "Other"
    assert book["+12025550199"] == Contact("+12025550199", "New", "Firm")
    assert await database.read(lambda db: contacts.added_by(db, "+12025550101")) == "U1"
    assert await database.read(lambda db: contacts.added_by(db, "+12025550199")) == "U2"
    done = await database.read(lambda db: contact_imports.get(db, "i1"))
    assert done is not None
    assert await database.read(lambda db: contact_imports.counts(db, done)) == became
    assert [row[0] for row in await database.read(lambda db: contact_imports.refused(db, "i1"))] == [5, 6]
    kept = await database.read(lambda db: db.execute("SELECT count(*) FROM contact_import_rows").fetchone()[0])
    assert kept == 2


async def test_the_book_is_in_the_order_in_which_people_look_for_names(database: Database) -> None:
    names = ["Zoe", "emma", "Émile", "Emil", "Özil", "Oz", "Åse", "Ase", "élan"]
    for number, name in enumerate(names):
        await save(database, Contact(f"+120255501{number:02}", name))
    whole = await pages(database)
    assert [one.name for one in whole] == ["Ase", "Åse", "élan", "Emil", "Émile", "emma", "Oz", "Özil", "Zoe"]
    assert await pages(database, "", ("Émile", whole[4].number), size=2) == whole[5:7]
    assert await pages(database, "", ("Émile", whole[4].number), back=True, size=2) == whole[2:4]


PARTS = (
    *("Dana", "dana", "Müller", "Mueller", "Muller", "LEVI", "Levi,", "O’Brien", "o'b", "ü", "Дана", "l", "(Sales)"),
    *("Dr.", "Ann-Marie", "24"),
)
SOME_WORDS = st.lists(st.sampled_from(PARTS), min_size=1, max_size=3).map(" ".join)


def test_who_is_found_is_who_fits(tmp_path: Path) -> None:
    """What is found by what is stored of names is what is found by comparing each name."""
    with contextlib.closing(connected(tmp_path / "store.sqlite", sqlite3.Connection)) as db:

        @given(names=st.lists(SOME_WORDS, min_size=1, max_size=6), typed=SOME_WORDS)
        def compared(names: list[str], typed: str) -> None:
            db.execute("DELETE FROM contacts")
            book = [
                Contact(f"+12025550{number:03}", name, "Müller & Levi" * (number % 2))
                for number, name in enumerate(names, 100)
            ]
            for one in book:
                contacts.save(db, one, "U1", NOW)
            book.sort(key=lambda one: (all_folded(one.name), one.number))
            assert contacts.named(db, typed, 99) == fitting(book, typed)
            held = [one for one in book if all(in_all(one, word) for word in typed.split())]
            assert contacts.page(db, typed, size=99) == held

        compared()


def fitting(book: list[Contact], typed: str) -> list[Contact]:
    found = [(fit(one.name, typed), one) for one in book if all(holds(one.name, word) for word in words(typed))]
    best = max((how for how, _ in found), default=Fit.NONE)
    if best is Fit.ALL:
        return as_spelt(typed, [one for how, one in found if how is best], lambda one: one.name)
    least = max(min(best, Fit.BEGINS), Fit.INSIDE)
    return [one for how, one in sorted(found, key=lambda fits: -fits[0]) if how >= least]


def in_all(one: Contact, word: str) -> bool:
    word = word.rstrip(STOPS) or word
    return holds(f"{one.name} {one.company}", bare(word) or word) or (word.isdecimal() and word in one.number)
