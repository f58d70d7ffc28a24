"""Contacts from a CSV: its form, and the buttons of its card."""

import hashlib
from collections.abc import Mapping

import msgspec
from slack_bolt.async_app import AsyncApp

from bot import contact_imports, tables
from bot.cards import plain
from bot.cards.contacts import import_form
from bot.errors import NotFound
from bot.store import contact_imports as store
from handlers import Click, Desk, First, Handler, does, left_out, on_form, tell
from handlers.slack_files import fetch, table, wrong_table

LEFT_OUT = left_out.Kind(
    store.CARD,
    store.reports_due,
    store.take_report,
    store.refused,
    lambda table: f"Rows of {table.source} that were not imported into the contact book",
)


def register(app: AsyncApp, desk: Desk) -> None:
    """The form; the buttons are registered with those of the book."""
    on_form(app, desk, "contacts:table", validate_table, read_table)


async def open_form(desk: Desk, click: Click) -> None:
    """*Import a CSV…*, `/contacts import`."""
    contact_imports.check_manager(desk.board, click.user)
    await desk.slack.views_open(trigger_id=click.trigger, view=import_form(click.response_url))


async def validate_table(desk: Desk, click: Click) -> dict[str, str]:
    """A file or pasted rows."""
    return wrong_table(click)


async def read_table(desk: Desk, click: Click) -> None:
    """The form *Import contacts*: the card shows what is in the table."""
    click = msgspec.structs.replace(click, response_url=click.value)
    contact_imports.check_manager(desk.board, click.user)
    name, data = await table(desk, click)
    await _prepare(desk, click, name, data, click.trigger)


async def file_sent(desk: Desk, click: Click) -> None:
    """*Import contacts…* for a file in the conversation."""
    contact_imports.check_manager(desk.board, click.user)
    name, data = await fetch(desk, click.value, tables.MOST_BYTES)
    await _prepare(desk, click, name, data, click.value)


async def _prepare(desk: Desk, click: Click, name: str, data: bytes, asking: str) -> None:
    """`asking`: the same for the same asking, which is done once."""
    import_id = hashlib.blake2s(asking.encode(), digest_size=10).hexdigest()
    await contact_imports.prepare(desk.board, click.user, data, name, import_id)
    await tell(
        desk,
        click,
        f"Read {plain(name)}; nothing was changed. The card is in your conversation with Callboard.",
    )


async def report(desk: Desk, click: Click) -> None:
    """*Rows left out, as CSV*, as often as it is asked for."""
    contact_imports.check_manager(desk.board, click.user)
    found = await desk.board.read(store.get, click.value)
    if found is None or found.state == "dropped":
        raise NotFound("That list of contacts is not on record any more. Nothing was sent.")
    await left_out.send(desk, LEFT_OUT, found, click.user)


BUTTONS: Mapping[str, tuple[Handler, First | None]] = {
    "import": (open_form, None),
    "file": (file_sent, None),
    "import_rows": (does(contact_imports.run), None),
    "drop_rows": (does(contact_imports.drop), None),
    "report": (report, None),
}
"""Those of the form and the card, by what stands behind `contacts:`."""
