"""The folder with the database: ours alone while Callboard runs, or a sentence why it cannot be used."""

import errno
import os
import sqlite3
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TypeVar

from bot.errors import SettingsError
from bot.store import Taken, alone

DATABASE = "callboard.sqlite"
LOCK = "callboard.lock"
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
T = TypeVar("T")


def take(stack: AsyncExitStack, folder: Path) -> None:
    """Until the stack is left no other Callboard works there.

    Raises:
        SettingsError: one does already, or the folder cannot be used.
    """
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


def opened(open_database: Callable[[Path], T], file: Path) -> T:
    """What `open_database` makes of the file.

    Raises:
        SettingsError: it cannot be opened, or not be written; says why.
    """
    if file.is_dir():
        raise SettingsError(f"The database {file} is a folder. Move it away, or set another CALLBOARD_DATA.")
    for part in (file, *(file.with_name(file.name + beside) for beside in ("-wal", "-shm"))):
        if part.exists() and not os.access(part, os.W_OK):  # as after root has put a backup there; opening it works
            raise SettingsError(f"The database {part} cannot be written. Make it this user's own (chown), then start.")
    try:
        return open_database(file)
    except sqlite3.Error as error:
        words = str(error)  # a sentence where it is ours
        if _is_full(error):  # which no backup would mend
            words += ". Make room on its disk, then start again."
        elif not words.endswith("."):
            words += ". If it is damaged, put a backup in its place: docs/deploying.md."
        raise SettingsError(f"The database {file} cannot be opened: {words}") from error
