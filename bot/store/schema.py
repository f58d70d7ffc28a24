"""The version of the file's schema, and the way to the newest: the tables themselves are in migrations.py."""

import logging
import sqlite3
from collections.abc import Callable
from typing import TYPE_CHECKING

from bot.names import all_folded

if TYPE_CHECKING:
    import sqlite_utils
    from sqlite_utils import Migrations

log = logging.getLogger("callboard.store")

VERSION = 19
"""`PRAGMA user_version` of a file that has all migrations. Spares importing sqlite-utils (27 MB) at every start."""


def version(connection: sqlite3.Connection) -> int:
    """Of the file's schema, 0 = it has none yet. Only reads.

    Raises:
        sqlite3.DatabaseError: the file is another program's, or was written by a newer Callboard.
    """
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if tables and "_sqlite_migrations" not in tables:
        raise sqlite3.DatabaseError("It is another program's. Move it away, or set another CALLBOARD_DATA.")
    found = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if found > VERSION:
        raise sqlite3.DatabaseError("The database was written by a newer Callboard. Update Callboard, then start it.")
    return found


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the file to the newest schema; each migration is a transaction of its own.

    Raises:
        sqlite3.DatabaseError: as `version()`.
    """
    before = version(connection)
    if before == VERSION:
        return
    import sqlite_utils

    if before:
        words = "The database is brought up to date, from version %s to %s; a large one takes a while."
        log.info(words, before, VERSION)
    connection.create_function("all_folded", 1, all_folded, deterministic=True)
    rows = connection.row_factory
    connection.row_factory = None  # sqlite-utils unpacks plain tuples
    try:
        _migrations().apply(sqlite_utils.Database(connection))
    finally:
        connection.row_factory = rows
    connection.execute(f"PRAGMA user_version = {VERSION}")
    if before:
        log.info("The database is up to date.")


def _migrations() -> "Migrations":
    from sqlite_utils import Migrations

    from bot.store.migrations import MIGRATIONS

    migrations = Migrations("callboard")
    for name, statements in MIGRATIONS.items():
        migrations(name=name)(_running(statements))
    return migrations


def _running(statements: str) -> "Callable[[sqlite_utils.Database], None]":
    def run(db: "sqlite_utils.Database") -> None:
        # Not executescript(): it would commit sqlite-utils' transaction first.
        for statement in statements.split(";\n"):
            if statement.strip():
                db.conn.execute(statement)

    return run
