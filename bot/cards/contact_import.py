"""A table of contacts on its way into the contact book: preview and result on one card. Pure.

Buttons `contacts:import_rows`, `contacts:drop_rows`, `contacts:report` carry the import's id; the first one also which
contacts it replaces, as the card was drawn.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bot.cards import (
    Block,
    Message,
    actions,
    button,
    context,
    date_clock,
    header,
    message,
    paragraphs,
    plain,
    section,
    sentence,
)
from bot.cards.contacts import party
from bot.cards.times import counted
from bot.numbers import pretty

if TYPE_CHECKING:
    from bot.store.contact_imports import Import
    from bot.store.contacts import Contact

SAMPLES = 3
"""New and changed contacts that the card shows, of each."""
LEFT_OUT = 8
"""Rows left out that it shows; all of them are in the CSV."""
FATES = ("new", "changed", "unchanged")

Sample = tuple[int, "Contact", "Contact | None"]


def import_card(
    found: "Import",
    counts: Mapping[str, int],
    samples: Mapping[str, Sequence[Sample]],
    left_out: Sequence[tuple[int, str, str, str]],
    zone: str,
    replaced: str = "",
) -> Message:
    """The card.

    `samples`: fate -> the first rows, as (line, the contact it makes, the one there is).
    `left_out`: the first rows that are, as (line, as typed, state, why).
    `replaced`: fingerprint of the contacts that are changed, as they are now.
    """
    refused = counts.get("invalid", 0) + counts.get("duplicate", 0)
    rows = sum(counts.values())
    blocks = [
        header(f"Contacts from {found.source}", "import:title"),
        section(f"*{headline(found, counts)}*", "import:state"),
    ]
    if found.state != "dropped":
        words = [f"{plain(found.source)}, {rows:,} {'row' if rows == 1 else 'rows'}:"]
        for fate in FATES:
            words.append(f"• {counts.get(fate, 0):,} {fate}")
            words += [f"– {_sample(one)}" for one in samples.get(fate, ())]
        words.append(f"• {refused:,} left out")
        words += [
            f"– line {line}: {plain(typed, 40) or 'no number'}: {sentence(why, 160)}"
            for line, typed, _, why in left_out
        ]
        if refused > len(left_out):
            words.append(f"– … and {refused - len(left_out):,} more, all of them in the CSV")
        blocks += paragraphs(words, "import:rows", 4)
    if found.state == "preview":
        blocks += paragraphs(map(sentence, found.notes.splitlines()), "import:notes", 3)
    if buttons := _buttons(found, counts, refused, replaced):
        blocks.append(actions(buttons, "import:do"))
    blocks.append(context([f"Sent by <@{found.by}>, {date_clock(found.at, zone)}."], "import:by"))
    return message(blocks)


def headline(found: "Import", counts: Mapping[str, int]) -> str:
    """How it stands, in a few words."""
    wanted = _wanted(counts)
    match found.state:
        case "preview" if wanted:
            return f"{counted(wanted, 'contact')} can be imported. Nothing was changed yet."
        case "preview":
            return "There is nothing to import."
        case "done":
            return f"Done: {counts.get('new', 0):,} new and {counts.get('changed', 0):,} changed in the contact book."
        case _:
            return "Cancelled. Nothing was changed, and what was read is forgotten."


def _wanted(counts: Mapping[str, int]) -> int:
    return counts.get("new", 0) + counts.get("changed", 0)


def _sample(sample: Sample) -> str:
    line, new, before = sample
    shown = f"line {line}: {party(new)}, {pretty(new.number)}"
    return f"{shown}; before: {party(before)}" if before is not None else shown


def _buttons(found: "Import", counts: Mapping[str, int], refused: int, replaced: str) -> list[Block]:
    buttons: list[Block] = []
    if found.state == "preview":
        if wanted := _wanted(counts):
            label = f"Import {counted(wanted, 'contact')}"
            value = f"{found.id}|{replaced}" if replaced else found.id
            buttons.append(button(label, "contacts:import_rows", value, style="primary", about=found.source))
        buttons.append(button("Cancel", "contacts:drop_rows", found.id, about=found.source))
    if found.state != "dropped" and refused:
        buttons.append(button("Rows left out, as CSV", "contacts:report", found.id, about=found.source))
    return buttons
