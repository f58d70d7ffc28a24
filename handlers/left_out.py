"""The CSV of what was left out of a table, into the thread of the table's card: once by itself, then by a button."""

import re
import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import msgspec

from bot import tables
from bot.errors import CallboardError, NotFound
from bot.store import cards
from handlers import Desk, exports


class Kind(msgspec.Struct, frozen=True):
    """A kind of table that people send. A table has `id`, `source` (its file) and `by` (Slack user id).

    Attributes:
        card: kind of its card.  due: tables whose CSV is to be sent.
        take: takes the one chance to send a table's by itself.
        rows: (line, as typed, what became of it, why) of each row left out, by a table's id.
        title: of the file, by its table.
    """

    card: str
    due: Callable[[sqlite3.Connection], Sequence[Any]]
    take: Callable[[sqlite3.Connection, str], bool]
    rows: Callable[[sqlite3.Connection, str], Sequence[tuple[int, str, str, str]]]
    title: Callable[[Any], str]


class Reports:
    """Sends the CSV of every table that is done; called now and then."""

    def __init__(self, desk: Desk, *kinds: Kind) -> None:
        self.desk = desk
        self.kinds = kinds

    async def __call__(self) -> None:
        """All that are due and whose card is shown."""
        board = self.desk.board
        for kind in self.kinds:
            for table in await board.read(kind.due):
                card = await board.read(cards.find, kind.card, table.id)
                subject = f"report:{table.id}"
                words = f"The list of rows of {table.source} that were left out may not have been attached. {_BUTTON}"
                if card is None or not card.ts:
                    continue
                if not await board.begin_once(partial(_take, kind, table.id), table.by, subject, words):
                    continue
                try:
                    await send(self.desk, kind, table)
                except CallboardError as error:
                    text = f"The list of rows that were left out: {error} {_BUTTON}"
                    await board.tell(table.by, text, subject)
                else:
                    await board.done_once(table.by, subject)


_BUTTON = "The button on the card sends it."


def _take(kind: Kind, table: str, db: sqlite3.Connection) -> bool:
    return kind.take(db, table)


async def send(desk: Desk, kind: Kind, table: Any, user: str = "") -> None:
    """Send it now. `user`: who asks for it, as the audit log says; "" = it comes by itself.

    Raises:
        NotFound: there is no card whose thread it could go into.  NotAllowed, Unavailable, Ambiguous: as `export()`.
    """
    card = await desk.board.read(cards.find, kind.card, table.id)
    if card is None or not card.ts:
        raise NotFound("Its card is not shown at the moment, so there is no thread for the file. Try again.")
    content, count = await desk.board.read(_file, kind, table.id)
    source = re.sub(r"[^\w.-]+", "-", table.source).removesuffix(".csv")
    await exports.export(
        desk,
        card.channel,
        card.ts,
        f"left-out-{source}.csv",
        content,
        kind.title(table),
        by=user,
        what="export rows left out",
        subject=table.source,
        detail="one row" if count == 1 else f"{count} rows",
    )


def _file(db: sqlite3.Connection, kind: Kind, table: str) -> tuple[bytes, int]:
    """(the CSV, rows in it)."""
    rows = kind.rows(db, table)
    return tables.report(rows), len(rows)
