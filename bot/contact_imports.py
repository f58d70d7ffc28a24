"""Contacts from a table into the contact book: read and judged, shown, then all of them in one commit or none.

What a row becomes (new, changed, unchanged) is asked of the book in that very commit, so the figures of the result are
exact, whatever was changed since the preview.
"""

import sqlite3
from collections.abc import Mapping

from anyio import to_process, to_thread

from bot import contact_rows, tables
from bot.board import Board
from bot.errors import NotAllowed
from bot.store import contact_imports as store
from bot.store import ledger
from bot.store.contact_imports import Import

IN_A_PROCESS_FROM = 50_000
"""Bytes from which a table is judged in a process of its own: below, starting one takes longer than the work."""


def check_manager(board: Board, user: str) -> None:
    """Only managers (and admins) import contacts.

    Raises:
        NotAllowed: this person is neither.
    """
    if board.settings.role(user) == "rep":
        raise NotAllowed(
            "Only managers may import contacts, so nothing was done. Ask one of yours, or add them one by one with "
            "`/contacts add`."
        )


async def prepare(board: Board, user: str, data: bytes, source: str, import_id: str) -> None:
    """Read a table and show what is in it. The book stays as it is. `import_id`: the same for the same asking.

    Raises:
        NotAllowed: not a manager, or this was asked before.  BadInput: the table cannot be used; says why.
    """
    check_manager(board, user)
    run_sync = (to_process if len(data) >= IN_A_PROCESS_FROM else to_thread).run_sync
    checked = await run_sync(contact_rows.check, data, board.settings.region)
    notes = [f"Columns: {', '.join(_COLUMN_WORDS.get(name, name) for name in checked.columns)}."]
    if len(checked.numbers) > 1:
        notes.append(f"Of several numbers the first is taken: {', else '.join(checked.numbers)}.")
    if checked.unread:
        notes.append(f"Not read: {', '.join(checked.unread)}.")
    if checked.behind:
        notes.append(
            f"Not kept: the extension behind a number, in {tables.extensions(checked.behind)}. "
            + board.settings.renamed("`/call NAME ext 12` dials one, where the phone service can.")
        )
    if checked.encoding not in ("utf-8", "utf-16"):
        notes.append(f"The file is not UTF-8; it was read as {checked.encoding}. Check the names.")
    new = Import(import_id, source[:200], user, board.now(), "preview", "\n".join(notes))
    if not await board.write(store.create, new, checked.pieces):
        raise NotAllowed("That was sent before, so it was not read a second time. Its card is in your conversation.")


_COLUMN_WORDS = {"first": "first name", "last": "last name"}


async def run(board: Board, user: str, value: str) -> None:
    """*Import N contacts*: all of them in one commit. `value`: the import's id, and `store.replaced()` as was shown.

    Raises:
        NotAllowed: not a manager, or it was imported or cancelled before, or the book is another one by now.
    """
    check_manager(board, user)
    import_id, _, seen = value.partition("|")
    now = board.now()

    def write(db: sqlite3.Connection) -> str:
        found = store.get(db, import_id)
        if seen and found is not None and found.state == "preview" and store.replaced(db, import_id) != seen:
            store.show(db, found, now)
            return _CHANGED
        became = store.run(db, import_id, user, now)
        if became is None or found is None:
            return "That list was imported or cancelled before, so nothing was done a second time."
        ledger.audit(db, now, user, "import contacts", found.source, _told(became))
        return ""

    if refusal := await board.write(write):
        raise NotAllowed(refusal)


_CHANGED = (
    "The contact book has changed since its card was drawn, so nothing was imported. The card shows in a moment what "
    "would be replaced by now: look at it, then press again."
)


async def drop(board: Board, user: str, import_id: str) -> None:
    """*Cancel*: what was read is forgotten.

    Raises:
        NotAllowed: not a manager, or it was imported or cancelled before.
    """
    check_manager(board, user)

    def write(db: sqlite3.Connection) -> bool:
        found = store.get(db, import_id)
        if not store.drop(db, import_id, board.now()):
            return False
        ledger.audit(db, board.now(), user, "cancel import of contacts", found.source if found else "")
        return True

    if not await board.write(write):
        raise NotAllowed("That list was imported or cancelled before, so it was not cancelled now.")


def _told(became: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {fate}" for fate, count in sorted(became.items()))
