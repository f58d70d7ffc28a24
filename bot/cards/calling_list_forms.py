"""The form that makes a call list, and its results as a file. Pure."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

from bot.cards import Block, section
from bot.cards.forms import any_input, form, select_input, table_inputs, text_input
from bot.cards.outcomes import SHORT
from bot.tables import csv_file, phone

if TYPE_CHECKING:
    from bot.store.calling_lists import Done

NAME_LENGTH = 80
"""Characters of a list's name."""
TRIES: Mapping[int, str] = MappingProxyType(
    {
        1: "Do not try again",
        2: "Try once more, hours later or as the limits allow",
        3: "Try twice more, hours later or as the limits allow",
    }
)
"""How often whoever is not reached is called, in all."""
MOST_REPS = 50
"""Who calls from one list, at most."""

_STATES = {
    "ready": "not called",
    "offered": "before a rep",
    "calling": "being called",
    "done": "called",
    "skipped": "skipped",
    "barred": "not allowed",
}


def make_form(name: str, reps: Sequence[str], private_metadata: str, *, own: bool, file: bool) -> Block:
    """A call list; callback_id `calllist:table`. Blocks: name, reps, tries, file, rows.

    `own`: it is for the person who makes it, so nobody else can be chosen.  `file`: the table is there already.
    """
    words = (
        "Reps get one contact after the other, with what is known of them. "
        "The first line of the table names the columns: *number*, and if you like *name*, *priority*, *at* (not before)"
        "; any other column is shown beside the contact. You see what is in it before anybody is called."
    )
    blocks = [
        section(words, "about"),
        text_input("name", "Name of the list", {"name": name}, placeholder="Autumn offers", length=NAME_LENGTH),
    ]
    if not own:
        menu: Block = {"type": "multi_users_select", "max_selected_items": MOST_REPS}
        if reps:
            menu["initial_users"] = list(reps)[:MOST_REPS]
        blocks.append(any_input("reps", "Who calls", menu))
    blocks.append(
        select_input(
            "tries",
            "If they are not reached",
            [(str(tries), words) for tries, words in TRIES.items()],
            {"tries": "1"},
        )
    )
    if not file:
        blocks += table_inputs("number, name, city…", "The first line says what the columns are.")
    return form("New call list", blocks, "calllist:table", private_metadata, submit="Read")


def results_csv(rows: "Sequence[Done]", names: Mapping[str, str]) -> bytes:
    """What became of each contact, UTF-8 with a mark for spreadsheets. Times are UTC, ISO 8601.

    `names`: Slack user id -> name of who called.
    """

    def cells(row: "Done") -> list[str | float]:
        call = row.call
        at = call.started_at if call else row.changed_at
        return [
            phone(row.number),
            row.name,
            _STATES[row.state],
            SHORT[call.outcome] if call and call.outcome else "",
            names.get(row.rep, row.rep),
            datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds") if at else "",
            call.talk_seconds if call else "",
            call.disposition if call else "",
            call.note if call else "",
            row.why,
        ]

    heading = ["number", "name", "state", "outcome", "rep", "when (UTC)", "talk seconds", "disposition", "note", "why"]
    return csv_file(heading, map(cells, rows))
