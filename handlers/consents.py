"""`/callboard consent`: who has agreed to be called, one by one or many from a CSV."""

import asyncio
import re
import sqlite3
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
from slack_bolt.async_app import AsyncApp

from bot import consent_rows, numbers, slack_text
from bot.board import Board
from bot.cards import plain, who
from bot.cards.registry_forms import consent_form
from bot.cards.times import counted
from bot.errors import BadInput, NotAllowed, NotFound
from bot.store import consents as store
from bot.store import ledger
from bot.store.consents import Agreed
from handlers import Click, Desk, on_form, tell
from handlers.slack_files import table, wrong_table

_NAMED = 5
"""Rows that were left out and are named."""
_DAY = re.compile(r"(?<![\d-])\d{4}-\d{2}-\d{2}(?![\d-])")


def register(app: AsyncApp, desk: Desk) -> None:
    """The form."""
    on_form(app, desk, "consent:table", validate_table, read_table)


def check_manager(board: Board, user: str) -> None:
    """What somebody has agreed to lets the whole team call them.

    Raises:
        NotAllowed: this person is neither manager nor admin.
    """
    if board.settings.role(user) == "rep":
        raise NotAllowed("Only managers write down who agreed to be called. Nothing was done; ask one of yours.")


async def command(desk: Desk, click: Click, text: str) -> None:
    """`/callboard consent …`."""
    board = desk.board
    word, _, rest = text.partition(" ")
    match word.casefold():
        case "import":
            check_manager(board, click.user)
            await desk.slack.views_open(trigger_id=click.trigger, view=consent_form(click.response_url))
        case "add":
            check_manager(board, click.user)
            await tell(desk, click, await _add(board, click.user, rest))
        case "remove":
            await tell(desk, click, await _withdraw(board, click.user, rest))
        case "":
            raise BadInput(
                "Write `/callboard consent +1 202 555 0100`, `consent add +1 202 555 0100 order form 2026-03-01`, "
                "`consent remove …` or `consent import`. Nothing was changed."
            )
        case _:
            number, _ = numbers.at_start(slack_text.as_read(text), board.settings.region)
            await tell(desk, click, await _shown(board, number, click.user))


async def _add(board: Board, user: str, text: str) -> str:
    text = slack_text.as_read(text)
    found, now = _DAY.search(text), board.now()
    day = found[0] if found else _today(board)
    # Its digits would be taken for the number's.
    text = f"{text[: found.start()].strip()} {text[found.end() :].strip(' ,')}" if found else text
    number, source = numbers.at_start(text, board.settings.region)
    try:
        row = consent_rows.row(number, day, source, board.settings.zone, now)
    except BadInput as error:
        like = "`/callboard consent add +1 202 555 0100 order form 2026-03-01`"
        raise BadInput(f"{error} Nothing was changed. Write it like {like}.") from error
    if not await board.write(_save, user, [row], now, f"{day}: {row.source}", number):
        raise BadInput(f"A later consent of {numbers.pretty(number)} is on record already, so nothing was changed.")
    return await _shown(board, number, user)


def _save(
    db: sqlite3.Connection, user: str, rows: Sequence[consent_rows.Row], now: float, detail: str, subject: str = ""
) -> int:
    """`subject`: the number, if it is one by hand."""
    count = store.save(db, [Agreed(row.number, row.name, row.given_at, row.source, user, now) for row in rows])
    if count:
        ledger.audit(db, now, user, "import consents" if not subject else "consent add", subject, detail)
    return count


async def _withdraw(board: Board, user: str, text: str) -> str:
    number, _ = numbers.at_start(slack_text.as_read(text), board.settings.region)

    def write(db: sqlite3.Connection) -> bool:
        found = store.get(db, number)
        if found is None or not store.withdraw(db, number):
            return False
        given = datetime.fromtimestamp(found.given_at, ZoneInfo(board.settings.zone)).date()
        ledger.audit(db, board.now(), user, "consent remove", number, f"{given}: {found.source}")  # it is the proof
        return True

    if not await board.write(write):
        raise NotFound(f"No consent of {numbers.pretty(number)} is on record. Nothing was changed.")
    return (
        f"{numbers.pretty(number)} agrees no more. Calls by hand go on; `/callboard dnc add` keeps everybody from them."
    )


async def _shown(board: Board, number: str, user: str) -> str:
    found = await board.read(store.get, number)
    if found is None:
        return f"No consent of {numbers.pretty(number)} is on record."
    zone = ZoneInfo(await board.read(board.zone_of, user))
    given, noted = (datetime.fromtimestamp(at, zone) for at in (found.given_at, found.at))
    return (
        f"{who(number, found.name)} agreed to be called on {given.day} {given:%B %Y}: {plain(found.source)}. "
        f"<@{found.by}> wrote it down on {noted.day} {noted:%B %Y}."
    )


def _today(board: Board) -> str:
    return datetime.fromtimestamp(board.now(), ZoneInfo(board.settings.zone)).date().isoformat()


async def validate_table(desk: Desk, click: Click) -> dict[str, str]:
    """A file or pasted rows, and a day that has come."""
    day = click.fields.get("day", "")
    if day and day > _today(desk.board):
        return {"day": "That day has not come yet. Nothing was read."}
    return wrong_table(click)


async def read_table(desk: Desk, click: Click) -> None:
    """The form *Import consents*: all that can be used in one commit; the others are named."""
    board, fields = desk.board, click.fields
    check_manager(board, click.user)
    click = msgspec.structs.replace(click, response_url=click.value)
    name, data = await table(desk, click)
    zone, now = board.settings.zone, board.now()
    found = await asyncio.to_thread(
        consent_rows.check, data, board.settings.region, zone, now, fields.get("day", ""), fields.get("source", "")
    )
    news = await board.write(_save, click.user, found.rows, now, f"{name}: {len(found.rows):,}")
    words = (
        f"{counted(len(found.rows), 'consent')} of {plain(name)} {'is' if len(found.rows) == 1 else 'are'} on record"
    )
    words += f", {news:,} of them new or later than before." if news < len(found.rows) else "."
    if found.wrong:
        first = " ".join(f"Line {line}: {why}" for line, why in found.wrong[:_NAMED])
        words += f" {counted(len(found.wrong), 'row')} left out. {first}"
    await tell(desk, click, words)
