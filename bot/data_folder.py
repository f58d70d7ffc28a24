"""The folder with the database: ours alone while Callboard runs, or a sentence why it cannot be used."""

import errno
import os
import sqlite3
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TypeVar

from bot.errors import SettingsError
from bot.store import Taken, alone, is_failing

DATABASE = "callboard.sqlite"
LOCK = "callboard.lock"
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
T = TypeVar("T")


def take(stack: AsyncExitStack, folder: Path) -> None:
    """Until the stack is left no other Callboard works there.

    Raises:
        SettingsError: one does already, or the folder cannot be used.
    """
    writable(folder / LOCK)
    try:
        stack.enter_context(alone(folder / LOCK))
    except Taken as error:
        raise SettingsError(
            f"Another Callboard is at work in {folder}. Stop it first, or set another CALLBOARD_DATA."
        ) from error
    except (OSError, sqlite3.Error) as error:
        raise SettingsError(unusable(folder, error)) from error


def unusable(folder: Path, error: Exception) -> str:
    """The sentence for a data folder of which the system says `error`."""
    if isinstance(error, FileExistsError | NotADirectoryError):  # whose words would not help
        return f"Data folder {folder} cannot be used (a file is in its place). Move that away, or set CALLBOARD_DATA."
    why = getattr(error, "strerror", None) or error
    if _is_full(error):
        return f"Data folder {folder} cannot be used ({why}). Make room on its disk, or set another CALLBOARD_DATA."
    return f"Data folder {folder} cannot be used ({why}). Make it writable for this user, or set CALLBOARD_DATA."


def _is_full(error: Exception) -> bool:
    return getattr(error, "sqlite_errorname", "") == "SQLITE_FULL" or getattr(error, "errno", 0) in _NO_SPACE


def _read_only(folder: Path) -> bool:
    return bool(os.statvfs(folder).f_flag & os.ST_RDONLY) if hasattr(os, "statvfs") else False


def writable(*files: Path) -> None:
    """Those that are there: opening one that is not works, and what comes next fails in other words.

    Raises:
        SettingsError: somebody else owns one, as after a start, or a backup put there, as root.
    """
    for file in files:
        if file.exists() and not os.access(file, os.W_OK):
            fix = "Make it this user's own (chown), then start."
            if _read_only(file.parent):
                fix = "Its disk is mounted read-only: mount it for writing, or set another CALLBOARD_DATA."
            raise SettingsError(f"The file {file} cannot be written. {fix}")


def opened(open_database: Callable[[Path], T], file: Path) -> T:
    """What `open_database` makes of the file.

    Raises:
        SettingsError: it cannot be opened, or not be written; says why.
    """
    if file.is_dir():
        raise SettingsError(f"The database {file} is a folder. Move it away, or set another CALLBOARD_DATA.")
    writable(file, *(file.with_name(file.name + beside) for beside in ("-wal", "-shm")))
    try:
        return open_database(file)
    except sqlite3.Error as error:
        raise SettingsError(unusable_database(file, error)) from error


def unusable_database(file: Path, error: sqlite3.Error) -> str:
    """The sentence for a database with which SQLite has that error."""
    words = str(error)  # a sentence where it is ours
    if _is_full(error):  # which no backup would mend
        words += ". Make room on its disk, then start again."
    elif is_failing(error):
        words += ". Look whether its disk is full, or failing, then start again."
    elif not words.endswith("."):
        words += ". If it is damaged, put a backup in its place: docs/deploying.md."
    return f"The database {file} cannot be used: {words}"
