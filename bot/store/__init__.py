"""All SQL. `engine` has the one writer and the readers, `schema` the tables; the rest is cut by feature.

Functions that take a `sqlite3.Connection` run inside `Database.write()` (one transaction for everything they do)
or `Database.read()`. Nobody outside this package sees SQL.
"""

from bot.store.engine import Database, Taken, alone, is_damage, is_failing, is_of_the_disk, is_taken

__all__ = ["Database", "Taken", "alone", "is_damage", "is_failing", "is_of_the_disk", "is_taken"]
