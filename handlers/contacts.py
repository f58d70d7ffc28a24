"""`/contacts`: the contact book. Everybody finds, calls and adds; managers also import, and remove any of it."""

import html
import re
import sqlite3

import msgspec
from slack_bolt.async_app import AsyncApp

from bot import asking, contact_rows, dialing, numbers, slack_text, who
from bot.board import Board
from bot.cards import Message, plain
from bot.cards.contacts import LONGEST_SEARCH, Turn, add_form, book_message, party, removal_message, seen
from bot.cards.help import help_message
from bot.errors import BadInput, NotAllowed, NotFound
from bot.store import contacts as store
from bot.store import ledger
from bot.store.contacts import PAGE, START, Contact, Place
from handlers import Click, Desk, answer, contact_imports, on_actions, on_command, on_form, tell
from handlers.calls import dial, write_button

_QUOTES = ' "“”„«»'
_WITH_EXTENSION = re.compile(
    r"(?P<number>\+?[\d(][\d()./\-‐‑‒–—− ]*?) ?(?:;?ext(?:ension)?\.? ?[=:]? ?|(?-i:x) ?|,,+)(?P<extension>\d{1,7})#?"
    r"(?=[\s,;:]|$)[\s,;:]*",
    re.IGNORECASE,
)
"""“X2 Media” is a name; an extension has a small x."""
_AT_THE_END = re.compile(r"[+(]*\d[\d()./\-‐‑‒–—− ]*$")
_OF_A_NUMBER = 5
"""So many digits are more likely a number than a part of a name."""


def register(app: AsyncApp, desk: Desk) -> None:
    """All listeners of this feature."""
    on_command(app, desk, "contacts", command)
    on_actions(
        app,
        desk,
        "contacts",
        {
            "call": (call, write_button),
            "next": (turn, None),
            "earlier": (turn, None),
            "add": (open_add, None),
            "remove": (removed, None),
            **contact_imports.BUTTONS,
        },
    )
    on_form(app, desk, "contacts:added", validate_added, added)
    contact_imports.register(app, desk)


async def command(desk: Desk, click: Click) -> None:
    """`/contacts …`."""
    text = html.unescape(slack_text.as_read(slack_text.without_links(click.text)))
    word, _, rest = text.partition(" ")
    rest = rest.strip()
    match word.casefold():
        case "help" if not rest:
            await answer(desk, click, help_message("contacts", desk.board.settings.commands))
        case "add" if not rest:
            await open_add(desk, click)
        case "add":
            await _add(desk, click, *_read_contact(rest, desk.board.settings.region))
        case "remove" | "delete":
            await _ask_to_remove(desk, click, rest)
        case "import" if not rest:
            await contact_imports.open_form(desk, click)
        case "list" | "all" if not rest:
            await _show(desk, click, "")
        case "find" | "show" if rest:
            await _show(desk, click, rest)
        case _:
            await _show(desk, click, text)


def _read_contact(text: str, region: str) -> tuple[str, str, str, str]:
    """(number, name, company, the extension behind the number) as typed: +1 202 555 0100 Noa Green, Green Gardens.

    Raises:
        BadInput: the number does not come first; shows how to write it.
    """
    behind = _WITH_EXTENSION.match(text)
    whole = f"{behind['number']} {text[behind.end() :]}" if behind else text
    try:
        number, names = numbers.at_start(whole, region)
    except BadInput as error:
        last = _AT_THE_END.search(text)
        found = numbers.found_in(last[0], region) if last else ()
        if last and len(found) == 1 and last.start():
            typed = f"{numbers.pretty(found[0][0])} {text[: last.start()].rstrip(' ,;:-')}"
            raise BadInput(f"Write the number first: `/contacts add {typed}`. Nothing was changed.") from error
        raise
    first = next(iter(slack_text.tokens(names)), None)
    if first is not None and first.quoted and (names[: first.end].endswith(",") or not names[first.end :].strip()):
        name, company = first.text, names[first.end :]
    else:
        name, _, company = names.partition(",")
    return number, slack_text.unquoted(name), slack_text.unquoted(company), behind["extension"] if behind else ""


# The book


async def _show(desk: Desk, click: Click, text: str) -> None:
    text = text.strip(_QUOTES)[:LONGEST_SEARCH]
    await answer(desk, click, await desk.board.read(_page, desk.board, click.user, text))


async def turn(desk: Desk, click: Click) -> None:
    """*Next*, *Earlier*: the same message shows another page."""
    to = _turn(click)
    back = click.action == "contacts:earlier"
    page = await desk.board.read(_page, desk.board, click.user, to.text, (to.name, to.number), back=back)
    await answer(desk, click, page, replace=True)


def _turn(click: Click) -> Turn:
    try:
        return msgspec.json.decode(click.value, type=Turn)
    except msgspec.MsgspecError as error:
        raise BadInput("That button is from an older Callboard. Type `/contacts` for the book.") from error


def _page(
    db: sqlite3.Connection, board: Board, user: str, text: str, place: Place = START, *, back: bool = False
) -> Message:
    found = store.page(db, text, place, back=back)
    if place != START and (not found or (back and len(found) < PAGE)):  # the book has changed meanwhile
        found = store.page(db, text)
    ends = [(contact.name, contact.number) for contact in (*found[:1], *found[-1:])]
    return book_message(
        found,
        text,
        earlier=bool(ends and store.page(db, text, ends[0], back=True, size=1)),
        later=bool(ends and store.page(db, text, ends[1], size=1)),
        manager=board.settings.role(user) != "rep",
        command=board.settings.commands["contacts"],
    )


async def call(desk: Desk, click: Click) -> None:
    """*Call*: through the one gate, with the presser's own phone."""
    contact = await desk.board.read(store.get, click.value)
    if contact is None:
        await dialing.drop(desk.board, click.trigger)
        raise NotFound("That contact is not in the contact book any more, so nothing was dialled.")
    await dial(desk, click, click.trigger, asking.again(click.user, contact.number, contact.name))


# Adding and changing


async def open_add(desk: Desk, click: Click) -> None:
    """*Add a contact…*, `/contacts add`."""
    typed = _turn(click).text if click.value else ""  # what was looked for in vain
    number, name = (typed, "") if sum(char.isdecimal() for char in typed) >= _OF_A_NUMBER else ("", typed)
    await desk.slack.views_open(trigger_id=click.trigger, view=add_form(click.response_url, number, name))


async def validate_added(desk: Desk, click: Click) -> dict[str, str]:
    """Whatever is wrong is said in the form."""
    fields = click.fields
    try:
        numbers.with_extension(fields.get("number", ""), desk.board.settings.region)
    except BadInput as error:
        return {"number": str(error)}
    try:
        contact_rows.names(fields.get("name", ""), fields.get("company", ""))
    except BadInput as error:
        return {"company" if "company" in str(error) else "name": str(error)}
    return {}


async def added(desk: Desk, click: Click) -> None:
    """The form *Add a contact*; its answer goes where it was opened."""
    click = msgspec.structs.replace(click, response_url=click.value)
    number, extension = numbers.with_extension(click.fields["number"], desk.board.settings.region)
    await _add(desk, click, number, click.fields["name"], click.fields.get("company", ""), extension)


async def _add(desk: Desk, click: Click, number: str, name: str, company: str, extension: str) -> None:
    """`extension`: behind the number, which the book does not keep; "" = none."""
    board = desk.board
    try:
        new = Contact(number, *contact_rows.names(name, company))
    except BadInput as error:
        raise BadInput(
            f"{error} Write it after the number, like Noa Green, Green Gardens. Nothing was changed."
        ) from error

    def write(db: sqlite3.Connection) -> tuple[Contact | None, Contact]:
        before = store.save(db, new, click.user, board.now())
        after = store.get(db, number) or new
        if before is None:
            ledger.audit(db, board.now(), click.user, "contact add", number, _words(after))
        elif before != after:
            ledger.audit(db, board.now(), click.user, "contact change", number, f"{_words(before)} -> {_words(after)}")
        return before, after

    before, after = await board.write(write)
    shown = numbers.pretty(number)
    if before is None:
        words = f"{party(after)} is in the contact book; `/call {_typed(board, after)}` calls {shown}."
    elif before == after:
        words = f"{party(after)} is in the contact book already, with {shown}. Nothing was changed."
    else:
        words = f"{shown} is {party(after)} in the contact book now; before it was {party(before)}."
    if extension:
        words += (
            f" The extension {extension} behind it is not kept: `/call {_typed(board, after)} ext {extension}` dials "
            "it, where the phone service can."
        )
    await tell(desk, click, words)


def _typed(board: Board, contact: Contact) -> str:
    """What may be typed after `/call`: the name, where it is not taken for anything else."""
    try:
        read = who.parse(contact.name, board.settings.region, behind=True)
    except BadInput:
        return numbers.pretty(contact.number)
    name = who.CallText(who.Name(contact.name))
    return plain(contact.name) if read == name else numbers.pretty(contact.number)


def _words(contact: Contact) -> str:
    return f"{contact.name}, {contact.company}" if contact.company else contact.name


# Removing


async def _ask_to_remove(desk: Desk, click: Click, text: str) -> None:
    text = text.strip(_QUOTES)[:LONGEST_SEARCH]
    if not text:
        raise BadInput("Say whom: `/contacts remove Noa Green`, or the number. Nothing was removed.")
    found = await desk.board.read(_removable, desk.board, click.user, text)
    if not found:
        raise NotFound(
            f"Nobody in the contact book has “{plain(text)}” in name, company or number. Nothing was removed."
        )
    if len(found) == 1 and not found[0][2]:
        contact, by, _ = found[0]
        raise _not_theirs(contact, by)
    await answer(desk, click, removal_message(found[:PAGE], more=len(found) > PAGE))


def _removable(db: sqlite3.Connection, board: Board, user: str, text: str) -> list[tuple[Contact, str, bool]]:
    try:
        exact = store.get(db, numbers.parse(text, board.settings.region))
    except BadInput:
        exact = None
    found = [exact] if exact else store.page(db, text, size=PAGE + 1)
    return [(contact, by := store.added_by(db, contact.number), _may(board, user, by)) for contact in found]


async def removed(desk: Desk, click: Click) -> None:
    """*Remove*, after the question: whom it named, not whoever the number is by now."""
    board = desk.board
    number, _, shown = click.value.partition(" ")

    def write(db: sqlite3.Connection) -> Contact:
        contact = store.get(db, number)
        if contact is None:
            raise NotFound("That contact is not in the contact book any more. Nothing was removed.")
        by = store.added_by(db, contact.number)
        if not _may(board, click.user, by):
            raise _not_theirs(contact, by)
        if shown and shown != seen(contact):
            raise NotAllowed(
                f"{numbers.pretty(number)} is {party(contact)} in the contact book by now, who is not whom you were "
                "asked about. Nothing was removed; if you mean them, type `/contacts remove` and their name."
            )
        store.remove(db, contact.number)
        ledger.audit(db, board.now(), click.user, "contact remove", contact.number, _words(contact))
        return contact

    contact = await board.write(write)
    words = f"{party(contact)}, {numbers.pretty(contact.number)}, is not in the contact book any more."
    await tell(desk, click, words, replace=True)


def _may(board: Board, user: str, by: str) -> bool:
    return user == by or board.settings.role(user) != "rep"


def _not_theirs(contact: Contact, by: str) -> NotAllowed:
    return NotAllowed(f"{party(contact)} was added by <@{by}>, so nothing was removed. Only they or a manager may.")
