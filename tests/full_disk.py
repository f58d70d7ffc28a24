"""A disk that is full, for what is done on it."""

import sqlite3
from contextlib import suppress

from bot.store import ledger
from tests.office import Office

WORDS = "Callboard's disk does not work ({}). Your admin has to see to it; try again then."
"""What people are told; with the system's, or the database's, own words for it."""


async def fill(desk: Office) -> None:
    """Until not even a line of the audit log can be written down any more."""

    def at_most(db: sqlite3.Connection) -> None:
        (pages,) = db.execute("PRAGMA page_count").fetchone()
        db.execute(f"PRAGMA max_page_count = {pages}")

    await desk.board.db.write(at_most)
    with suppress(sqlite3.OperationalError):
        while True:
            await desk.board.write(ledger.audit, desk.clock(), "", "fill", "")
