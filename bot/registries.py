"""Copies of do-not-call registries: a whole file is read, and counts from one commit on; an old one is told of.

Laws ask for a fresh copy every so many days, and for none that is older: `registry_days` of [policy].
"""

import sqlite3
from datetime import date, datetime
from zoneinfo import ZoneInfo

from anyio import to_process, to_thread

from bot import registry_rows
from bot.board import Board
from bot.cards.times import counted
from bot.errors import BadInput, NotAllowed, NotFound
from bot.judging import IN_A_PROCESS_FROM
from bot.on_record import too_old
from bot.permission import rules
from bot.store import ledger, offers
from bot.store import registries as store
from bot.store.registries import Copy

NAME_LENGTH = 40
"""Characters."""
WARN_DAYS = 3
"""So many days before a copy is too old the admins are told."""
_READ_SECONDS = 3600
"""A copy that has been read for so long never came to an end."""
_PROBLEM = "registry "


def check_admin(board: Board, user: str) -> None:
    """Registries say whom the whole team may call.

    Raises:
        NotAllowed: this person is no admin.
    """
    if board.settings.role(user) != "admin":
        raise NotAllowed("Only admins may import and remove registries, so nothing was done. Ask one of yours.")


def check_day(board: Board, as_of: str) -> date:
    """The day of a copy, ISO; "" = today.

    Raises:
        BadInput: it is no date, or has not come.
    """
    today = _today(board)
    try:
        day = date.fromisoformat(as_of) if as_of else today
    except ValueError as error:
        raise BadInput(f"“{as_of[:20]}” is not a date, so nothing was read. Write it like 2026-03-04.") from error
    if day > today:
        raise BadInput("That day has not come yet, so nothing was read. Say on which day the registry made this copy.")
    return day


async def take_in(
    board: Board, user: str, name: str, country: str, as_of: str, data: bytes, source: str, copy_id: str
) -> str:
    """Read a file; from then on it counts, and the copy before of that name no more. Returns what was done, sentences.

    `as_of`: as of `check_day()`.  `copy_id`: the same for the same asking, which is done once.

    Raises:
        NotAllowed: not an admin, or asked before.  BadInput: the file cannot be used; says why.
    """
    check_admin(board, user)
    name = " ".join(name.split())[:NAME_LENGTH] or country
    day = check_day(board, as_of)
    run_sync = (to_process if len(data) >= IN_A_PROCESS_FROM else to_thread).run_sync
    found = await run_sync(registry_rows.read, data, country)
    new = Copy(copy_id, name, country, day.isoformat(), found.count, user, board.now(), source[:200])
    if not await board.write(store.create, new):
        raise NotAllowed("That was sent before, so it was not read a second time. `/callboard registry` shows it.")
    pages = list(registry_rows.pages(found.packed))
    for begin in range(0, len(pages), store.CHUNK):
        await board.write(store.add_pages, copy_id, pages[begin : begin + store.CHUNK])

    def finish(db: sqlite3.Connection) -> None:
        store.make_current(db, copy_id)
        told = f"{country}, as of {day}: {counted(found.count, 'number')}, {counted(found.unread, 'line')} left out"
        ledger.audit(db, board.now(), user, "import registry", name, told)
        offers.bring_back(db, too_old(name), board.now())

    await board.write(finish)
    await watch(board)
    words = f"The registry “{name}” has {counted(found.count, 'number')} as of {day.day} {day:%B %Y}."
    if found.unread:
        first = "; ".join(f"line {line}: {text}" for line, text in found.first)
        words += f" Left out: {counted(found.unread, 'line')} with no number there: {first}."
    return f"{words} Voice messages and calls from lists go to none of them; by hand it is asked first."


async def remove(board: Board, user: str, name: str) -> None:
    """It counts no more.

    Raises:
        NotAllowed: not an admin.  NotFound: there is none of that name.
    """
    check_admin(board, user)

    def write(db: sqlite3.Connection) -> bool:
        if not store.remove(db, name):
            return False
        ledger.audit(db, board.now(), user, "remove registry", name)
        return True

    if not await board.write(write):
        raise NotFound(f"There is no registry “{name}”, so nothing was done. `/callboard registry` shows them.")
    await watch(board)


async def watch(board: Board) -> None:
    """The admins hear of a copy that is, or soon will be, too old; what counts no more is deleted bit by bit."""
    today, days = _today(board), rules(board).registry_days
    copies = await board.read(store.current)
    wrong: dict[str, str] = {}
    for copy in copies:
        most, age = days.get(copy.country, 0), (today - date.fromisoformat(copy.as_of)).days
        import_it = "Import a new one with `/callboard registry import`."
        if most and age > most:
            wrong[_key(copy.name)] = (
                f"The copy of the do-not-call registry “{copy.name}” is {age} days old, and {most} are the most. No "
                f"voice message, and no call from a list, goes to {copy.country} until there is a new one. {import_it}"
            )
        elif most and age > most - WARN_DAYS:
            wrong[_key(copy.name, soon=True)] = (
                f"The copy of the do-not-call registry “{copy.name}” is {age} days old, and {most} are the most: after "
                f"that no voice message and no call from a list goes to {copy.country}. {import_it}"
            )
    for key, words in wrong.items():
        await board.problem(key, words)
    for key, *_ in await board.read(ledger.problems):
        if key.startswith(_PROBLEM) and key not in wrong:
            await board.write(ledger.solved, key)  # whoever has imported the new one knows
            board.logged.pop(key, None)
    await board.write(store.give_up, board.now() - _READ_SECONDS)
    while await board.write(store.sweep):
        pass  # each is a transaction of its own, so others come in between


def _key(name: str, *, soon: bool = False) -> str:
    return f"{_PROBLEM}“{name}”{' grows old' if soon else ''}"


def _today(board: Board) -> date:
    return datetime.fromtimestamp(board.now(), ZoneInfo(board.settings.zone)).date()
