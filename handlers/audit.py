"""`/callboard audit`: who did what, searched and paged in place, and as a file. For admins, its buttons too."""

import sqlite3
from datetime import datetime

import msgspec
from slack_bolt.async_app import AsyncApp

from bot import audit_search, call_search
from bot.audit_search import Lines
from bot.board import Board
from bot.call_search import Reader
from bot.cards.audit import (
    PAGE,
    Reading,
    Turn,
    audit_csv,
    audit_message,
    export_comment,
    how_many,
    ids_in,
    search_words,
)
from bot.cards.help import help_message
from bot.errors import BadInput, NotAllowed, NotFound
from bot.store import audit, people
from bot.store.audit import Line
from bot.uploading import conversation
from handlers import Click, Desk, answer, exports, on_actions, tell

MOST = 100_000
"""Lines of one file."""


def register(app: AsyncApp, desk: Desk) -> None:
    """All listeners of this feature but the command, which `admin` has."""
    on_actions(app, desk, "audit", {"older": (turn, None), "newer": (turn, None), "export": (export, None)})


async def command(desk: Desk, click: Click) -> None:
    """`/callboard audit …`; `click.text` is what follows `audit`."""
    board, text = desk.board, click.text.strip()
    _check(board, click.user)
    if text.casefold() == "help":
        await answer(desk, click, help_message("callboard", board.settings.commands))
        return
    reader = Reader(board.settings.region, await board.read(board.zone_of, click.user), board.now())
    await _show(desk, click, Turn(audit_search.parse(text, reader)), replace=False)


async def turn(desk: Desk, click: Click) -> None:
    """*Older*, *Newer*: in place of the page that they stand on."""
    _check(desk.board, click.user)
    await _show(desk, click, _turn_of(click), replace=True)


def _check(board: Board, user: str) -> None:
    if board.settings.role(user) != "admin":
        raise NotAllowed("Only admins may read the audit log. Nothing was done; ask one of yours.")


def _turn_of(click: Click) -> Turn:
    try:
        return msgspec.json.decode(click.value, type=Turn)
    except msgspec.MsgspecError as error:
        raise BadInput("That button is from an older Callboard. Type `/callboard audit` again.") from error


async def _show(desk: Desk, click: Click, where: Turn, *, replace: bool) -> None:
    board, search, newer = desk.board, where.search, where.newer
    after = (where.at, where.line) if where.line else None
    beyond = after is not None  # there are lines on the other side of the page, too: those that it was turned from
    found = await board.read(audit.page, search, PAGE + 1, after, newer=newer)
    if beyond and not found:  # they were deleted meanwhile: what is left of those that were turned from
        beyond, newer = False, not newer
        after = (where.at, where.line + (-1 if newer else 1))
        found = await board.read(audit.page, search, PAGE + 1, after, newer=newer)
    more = len(found) > PAGE
    lines = (found[-PAGE:] if newer else found[:PAGE]) if more else found
    page = audit_message(
        lines,
        search,
        await board.read(audit.count, search),
        Reading(board.now(), await board.read(board.zone_of, click.user), await board.read(_names, lines)),
        newer=more if newer else beyond,
        older=beyond if newer else more,
        command=board.settings.commands["callboard"],
    )
    await answer(desk, click, page, replace=replace)


def _names(db: sqlite3.Connection, lines: list[Line]) -> dict[str, str]:
    return {user: person.name for user, person in people.people(db, ids_in(lines)).items() if person.name}


# The file


async def export(desk: Desk, click: Click) -> None:
    """*Export CSV*: the whole search as a file in their own conversation with Callboard."""
    board = desk.board
    _check(board, click.user)
    search, zone = _turn_of(click).search, await board.read(board.zone_of, click.user)
    content, count, found = await board.read(_file, search, zone)
    if not count:
        raise NotFound("No line fits that search any more, so there is nothing to export.")
    reading = Reading(board.now(), zone)
    day = datetime.fromtimestamp(reading.now, call_search.zone_of(zone)).date()

    # Numbers as they are stored, or forgetting one would leave it here; channels by their ids, too.
    numbers = search.numbers
    others = tuple(word for word in search.stored if word not in numbers)
    words = await board.plainly(search_words(msgspec.structs.replace(search, words=others), reading, str))
    await exports.export(
        desk,
        await conversation(desk.slack, click.user),
        "",
        f"audit-{day}.csv",
        content,
        f"Audit log of {day}",
        by=click.user,
        what="export audit log",
        subject=next(iter(numbers), ""),
        detail=", ".join(part for part in (how_many(count), words, search.by, *numbers[1:]) if part),
        comment=export_comment(search, reading, count, found),
    )
    are = "One line is" if count == 1 else f"{count:,} lines are"
    newest = f", the newest of {found:,}: name a shorter period for the others" if found > count else ""
    await tell(desk, click, f"{are} in a file in your conversation with Callboard{newest}.")


def _file(db: sqlite3.Connection, search: Lines, zone: str) -> tuple[bytes, int, int]:
    """(the file, lines in it, lines that fit): a line at a time, in a reader's thread."""
    known: dict[str, str] = {"": ""}

    def name(user: str) -> str:
        if user not in known:
            known[user] = people.person(db, user).name
        return known[user]

    found = audit.count(db, search)
    content, count = audit_csv(audit.each(db, search, MOST), zone, name)
    return content, count, max(found, count)
