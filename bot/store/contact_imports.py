"""Tables of contacts on their way into the contact book: their rows, what would become of each, what was left out."""

import hashlib
import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from bot.contact_rows import Row
from bot.store import cards
from bot.store.contacts import IF_KNOWN, INTO, Contact

CARD = "contacts"
"""Kind of an import's card."""
REFUSED = ("invalid", "duplicate")
"""States of rows that are left out."""

ImportState = Literal["preview", "done", "dropped"]
_read_rows = msgspec.json.Decoder(list[Row])

_FATE = (
    "CASE WHEN r.state <> 'ready' THEN r.state WHEN c.number IS NULL THEN 'new'"
    " WHEN c.name = r.name AND r.company IN ('', c.company) THEN 'unchanged' ELSE 'changed' END"
)
"""What would become of a row `r` now, with `c` the contact of its number."""
_ROWS = "contact_import_rows r LEFT JOIN contacts c ON c.number = r.number WHERE r.import = ?"


class Import(msgspec.Struct, frozen=True):
    """A table of contacts that somebody sent.

    Attributes:
        source: name of the file, or "pasted rows".  by: Slack user id.  at: seconds since 1970 UTC.
        notes: how it was read.  counts: when it is done, fate of rows -> how many, JSON.
        report: of the CSV of what was left out: "", "due" or "sent".
    """

    id: str
    source: str
    by: str
    at: float
    state: ImportState
    notes: str = ""
    counts: str = "{}"
    report: str = ""


_IMPORT = ", ".join(Import.__struct_fields__)


def get(db: sqlite3.Connection, import_id: str) -> Import | None:
    """An import by its id."""
    row = db.execute(f"SELECT {_IMPORT} FROM contact_imports WHERE id = ?", (import_id,)).fetchone()
    return Import(*row) if row else None


def create(db: sqlite3.Connection, new: Import, pieces: Sequence[bytes]) -> bool:
    """Write down what was read, and show it. `pieces`: JSON lists of `Row`.

    False: it is on record already, and was not cancelled.
    """
    cursor = db.execute(
        f"INSERT INTO contact_imports ({_IMPORT}) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id)"
        " DO UPDATE SET state = excluded.state, at = excluded.at, notes = excluded.notes WHERE state = 'dropped'",
        tuple(getattr(new, name) for name in Import.__struct_fields__),
    )
    if cursor.rowcount != 1:
        return False
    for piece in pieces:
        db.executemany(
            "INSERT INTO contact_import_rows (import, line, state, typed, number, name, company, why)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (new.id, row.line, row.state, row.typed, row.number, row.name, row.company, row.why)
                for row in _read_rows.decode(piece)
            ),
        )
    show(db, new, new.at)
    return True


def counts(db: sqlite3.Connection, found: Import) -> Mapping[str, int]:
    """Fate of rows (new, changed, unchanged, invalid, duplicate) -> how many, as the book stands until it is done."""
    if found.state != "preview":
        return dict(json.loads(found.counts))
    rows = db.execute(f"SELECT {_FATE} AS fate, count(*) FROM {_ROWS} GROUP BY fate", (found.id,))
    return {row[0]: row[1] for row in rows}


def some(db: sqlite3.Connection, import_id: str, fate: str, limit: int) -> list[tuple[int, Contact, Contact | None]]:
    """The first rows that would become this: (line, the contact it makes, the one there is)."""
    rows = db.execute(
        "SELECT r.line, r.number, r.name, CASE WHEN r.company = '' THEN coalesce(c.company, '') ELSE r.company END,"
        f" c.name, c.company FROM {_ROWS} AND r.state = 'ready' AND {_FATE} = ? ORDER BY r.line LIMIT ?",
        (import_id, fate, limit),
    )
    return [
        (row[0], Contact(row[1], row[2], row[3]), Contact(row[1], row[4], row[5]) if row[4] is not None else None)
        for row in rows
    ]


def refused(db: sqlite3.Connection, import_id: str, limit: int = -1) -> list[tuple[int, str, str, str]]:
    """(line, as typed, state, why) of rows that are left out, by line. `limit`: -1 = all."""
    marks = ", ".join("?" * len(REFUSED))
    rows = db.execute(
        f"SELECT line, typed, state, why FROM contact_import_rows WHERE import = ? AND state IN ({marks})"
        " ORDER BY line LIMIT ?",
        (import_id, *REFUSED, limit),
    )
    return [(row[0], row[1], row[2], row[3]) for row in rows]


def replaced(db: sqlite3.Connection, import_id: str) -> str:
    """A fingerprint of the contacts that would be changed, as they are now: whoever says yes has seen these."""
    rows = db.execute(
        f"SELECT r.number, c.name, c.company FROM {_ROWS} AND r.state = 'ready' AND {_FATE} = 'changed'"
        " ORDER BY r.line",
        (import_id,),
    )
    return hashlib.blake2s(json.dumps([tuple(row) for row in rows]).encode(), digest_size=8).hexdigest()


def show(db: sqlite3.Connection, found: Import, now: float) -> None:
    """Draw its card, as the book stands now."""
    cards.mark(db, CARD, found.id, f"@{found.by}", now)


def run(db: sqlite3.Connection, import_id: str, by: str, now: float) -> Mapping[str, int] | None:
    """Bring the rows into the book, all of them in this transaction. Returns what became of how many, exactly.

    Only rows that were left out are kept, for their report. None: it waits for this no more.
    """
    found = get(db, import_id)
    if found is None or found.state != "preview":
        return None
    became = counts(db, found)
    db.execute(
        f"{INTO} SELECT number, name, company, ?, ?, all_folded(name), all_folded(company) FROM contact_import_rows"
        f" WHERE import = ? AND state = 'ready' {IF_KNOWN}",
        (by, now, import_id),
    )
    report = "due" if any(became.get(state) for state in REFUSED) else ""
    db.execute(
        "UPDATE contact_imports SET state = 'done', counts = ?, report = ? WHERE id = ?",
        (json.dumps(became), report, import_id),
    )
    db.execute("DELETE FROM contact_import_rows WHERE import = ? AND state = 'ready'", (import_id,))
    show(db, found, now)
    return became


def drop(db: sqlite3.Connection, import_id: str, now: float) -> bool:
    """Forget the rows of an import that nobody wants. False: it waits for an answer no more."""
    found = get(db, import_id)
    if found is None or found.state != "preview":
        return False
    db.execute("UPDATE contact_imports SET state = 'dropped' WHERE id = ?", (import_id,))
    db.execute("DELETE FROM contact_import_rows WHERE import = ?", (import_id,))
    show(db, found, now)
    return True


def reports_due(db: sqlite3.Connection) -> list[Import]:
    """Imports whose CSV of what was left out is to be sent."""
    return [Import(*row) for row in db.execute(f"SELECT {_IMPORT} FROM contact_imports WHERE report = 'due'")]


def take_report(db: sqlite3.Connection, import_id: str) -> bool:
    """Take the one chance to send it by itself. False: it was taken before."""
    cursor = db.execute("UPDATE contact_imports SET report = 'sent' WHERE id = ? AND report = 'due'", (import_id,))
    return cursor.rowcount == 1
