"""The contact book as one person sees it: its pages, what may be removed, and its forms. Pure.

Buttons `contacts:<what>`: *Call* carries the contact's number, *Remove* also `seen()`; those that turn the page carry a
`Turn`, and so does *Add*, of what was looked for in vain.
"""

import hashlib
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from bot.cards import (
    Block,
    Message,
    actions,
    button,
    confirm,
    context,
    header,
    message,
    plain,
    rep_words,
    section,
)
from bot.cards.forms import form, table_inputs, text_input
from bot.numbers import pretty

if TYPE_CHECKING:
    from bot.store.contacts import Contact

LONGEST_SEARCH = 150
"""Characters that are looked for."""
_LENGTH = 80


class Turn(msgspec.Struct, frozen=True):
    """What turns the page: what is looked for, and the contact after (or before) which the book goes on."""

    text: str
    name: str
    number: str


def party(contact: "Contact") -> str:
    """Name and company, mrkdwn: "Noa Green (Green Gardens)"."""
    return f"{plain(contact.name)} ({plain(contact.company)})" if contact.company else plain(contact.name)


def book_message(
    page: Sequence["Contact"], text: str, *, earlier: bool, later: bool, manager: bool, command: str
) -> Message:
    """A page of the book, or of what was found in it.

    `text`: what was looked for, "" = nothing.  `earlier`, `later`: there are more before, after it.
    `command`: the name of `/contacts` here.
    """
    blocks = [header("Contacts", "contacts:title")]
    if text and page:
        blocks.append(context([f"With “{plain(text, LONGEST_SEARCH)}” in name, company or number."], "contacts:text"))
    for place, contact in enumerate(page, 1):
        call = button("Call", "contacts:call", contact.number, about=f"{place}. {contact.name}")
        words = f"*{party(contact)}*\n{pretty(contact.number)}"
        blocks.append(section(words, f"contacts:{contact.number}", call))
    if not page:
        blocks.append(section(_nobody(text), "contacts:none"))
    buttons = []
    if earlier:
        buttons.append(_turn("Earlier", "earlier", text, page[0]))
    if later:
        buttons.append(_turn("Next", "next", text, page[-1]))
    buttons.append(button("Add a contact…", "contacts:add", "" if page else _value(text)))
    if manager:
        buttons.append(button("Import a CSV…", "contacts:import", ""))
    blocks.append(actions(buttons, "contacts:do"))
    blocks.append(
        context([f"Only you see this. `{command} Noa` finds somebody, `{command} help` shows all."], "contacts:help")
    )
    return message(blocks)


def _nobody(text: str) -> str:
    if not text:
        return "The contact book is empty."
    return f"Nobody in the contact book has “{plain(text, LONGEST_SEARCH)}” in name, company or number."


def _turn(label: str, what: str, text: str, contact: "Contact") -> Block:
    value = _value(text, contact.name, contact.number)
    return button(
        label, f"contacts:{what}", value, about=f"contacts {'after' if what == 'next' else 'before'} {contact.name}"
    )


def _value(text: str, name: str = "", number: str = "") -> str:
    """A `Turn` as JSON, without what it cannot carry, and in which nothing looks as if it could ring somebody."""
    parts = (text[:LONGEST_SEARCH], name[:_LENGTH], number)  # no longer are they typed, or kept
    turn = Turn(*(part.encode(errors="ignore").decode() for part in parts))
    return msgspec.json.encode(turn).decode().replace("<", "\\u003c")


def removal_message(found: Sequence[tuple["Contact", str, bool]], *, more: bool) -> Message:
    """Whom somebody may mean to remove: (contact, who added it, may they remove it). `more`: than are shown."""
    blocks = [section("*Whom shall I remove from the contact book?*", "contacts:ask")]
    for place, (contact, by, may) in enumerate(found, 1):
        words = f"{party(contact)}, {pretty(contact.number)}"
        remove: Block | None = None
        if may:
            gone = f"{contact.name}, {pretty(contact.number)}, is taken out of the contact book for everybody."
            ask = confirm("Remove this contact?", gone, "Remove", "Keep", danger=True)
            about = f"{place}. {contact.name}"
            value = f"{contact.number} {seen(contact)}"
            remove = button("Remove", "contacts:remove", value, style="danger", about=about, ask=ask)
        else:
            words += f"\nAdded by {rep_words(by)}; only they or a manager may remove it."
        blocks.append(section(words, f"contacts:remove:{contact.number}", remove))
    if more:
        blocks.append(context(["There are more: write more of the name, or the number."], "contacts:more"))
    return message(blocks)


def seen(contact: "Contact") -> str:
    """A fingerprint of whose number it is: by the time a button is pressed it may be somebody else's."""
    return hashlib.blake2s(f"{contact.name}\n{contact.company}".encode(errors="ignore"), digest_size=6).hexdigest()


def add_form(url: str, number: str = "", name: str = "") -> Block:
    """A contact; callback_id `contacts:added`. Blocks: number, name, company. `url`: where the answer goes."""
    initial = {block: re.sub("[<>]", "", text) for block, text in (("number", number), ("name", name))}
    blocks = [
        text_input("number", "Number", initial, placeholder="+1 202 555 0100", length=40),
        text_input("name", "Name", initial, placeholder="Noa Green", length=_LENGTH),
        text_input(
            "company", "Company", {}, optional=True, length=_LENGTH, hint="Empty: stays as it is, if there is one."
        ),
    ]
    return form("Add a contact", blocks, "contacts:added", url, submit="Add")


def import_form(url: str) -> Block:
    """Many contacts, as a file or pasted; callback_id `contacts:table`. Blocks: file, rows."""
    words = (
        "The first line names the columns: *number*, *name* and, if you like, *company*; others are not read. "
        "At most 10 MB and 20,000 rows. You see what is in it before anything is changed."
    )
    blocks = [section(words, "about"), *table_inputs("number, name, company")]
    return form("Import contacts", blocks, "contacts:table", url, submit="Read")
