"""The audit log as it is kept, for tests of what writes it."""

import sqlite3


def audit_log(db: sqlite3.Connection, limit: int = 20) -> list[tuple[float, str, str, str, str]]:
    """The latest lines: (at, who, what, subject, detail)."""
    rows = db.execute("SELECT at, who, what, subject, detail FROM audit ORDER BY id DESC LIMIT ?", (limit,))
    return [(row[0], row[1], row[2], row[3], row[4]) for row in rows]
