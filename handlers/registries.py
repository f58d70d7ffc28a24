"""`/callboard registry`: copies of do-not-call registries, their form, and files that are sent."""

import hashlib
from collections.abc import Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

import msgspec
from slack_bolt.async_app import AsyncApp

from bot import registries, registry_rows
from bot.board import Board
from bot.cards import plain
from bot.cards.registry_forms import registry_form
from bot.cards.times import counted
from bot.errors import BadInput
from bot.permission import rules
from bot.store import registries as store
from handlers import Click, Desk, on_actions, on_form, tell
from handlers.slack_files import table, wrong_table


def register(app: AsyncApp, desk: Desk) -> None:
    """The form, and the button of a file that was sent."""
    on_form(app, desk, "registry:table", validate_table, read_table)
    on_actions(app, desk, "registry", {"file": (file_sent, None)})


async def command(desk: Desk, click: Click, text: str) -> None:
    """`/callboard registry …`."""
    word, _, rest = text.partition(" ")
    match word.casefold():
        case "" | "list":
            await tell(desk, click, await _listed(desk.board))
        case "import":
            await open_form(desk, click)
        case "remove":
            await registries.remove(desk.board, click.user, rest.strip().strip("“”\"'"))
            await tell(desk, click, f"The registry “{plain(rest.strip())}” counts no more.")
        case _:
            raise BadInput(
                "Write `/callboard registry`, `registry import` or `registry remove US`. Nothing was changed."
            )


async def _listed(board: Board) -> str:
    copies, days = await board.read(store.current), rules(board).registry_days
    if not copies:
        return (
            "No do-not-call registry was imported. Admins do that with `/callboard registry import`; the numbers that "
            "your own team never calls are in `/callboard dnc`."
        )
    today = datetime.fromtimestamp(board.now(), ZoneInfo(board.settings.zone)).date()
    lines = []
    for copy in copies:
        day, most = date.fromisoformat(copy.as_of), days.get(copy.country, 0)
        age = (today - day).days
        old = (f"{counted(age, 'day')} old" if age else "of today") + (f", {most} are the most" if most else "")
        late = "; *too old*: no voice message and no call from a list goes there" if most and age > most else ""
        of = f"{counted(copy.count, 'number')} as of {day.day} {day:%B %Y}"
        lines.append(f"• *{plain(copy.name)}* ({copy.country}): {of}, {old}{late}; imported by <@{copy.by}>")
    return "\n".join(["Do-not-call registries:", *lines])


async def open_form(desk: Desk, click: Click) -> None:
    """`/callboard registry import`."""
    await _open(desk, click, {"url": click.response_url})


async def file_sent(desk: Desk, click: Click) -> None:
    """*A do-not-call registry…* for a file in the conversation."""
    await _open(desk, click, {"file": click.value})


async def _open(desk: Desk, click: Click, metadata: Mapping[str, str]) -> None:
    board = desk.board
    registries.check_admin(board, click.user)
    region = board.settings.region
    countries = sorted(rules(board).allowed_countries, key=lambda code: (code != region, code))
    today = datetime.fromtimestamp(board.now(), ZoneInfo(board.settings.zone)).date().isoformat()
    packed = msgspec.json.encode(metadata).decode()
    view = registry_form(countries, today, packed, sent="file" in metadata)
    await desk.slack.views_open(trigger_id=click.trigger, view=view)


async def validate_table(desk: Desk, click: Click) -> dict[str, str]:
    """A day that has come, and a file or pasted rows, where none was sent."""
    try:
        registries.check_day(desk.board, click.fields.get("day", ""))
    except BadInput as error:
        return {"day": str(error)}
    return {} if "file" in _metadata(click) else wrong_table(click)


def _metadata(click: Click) -> dict[str, str]:
    """Where the form's sender reads answers, or which file was sent before."""
    return msgspec.json.decode(click.value, type=dict[str, str])


async def read_table(desk: Desk, click: Click) -> None:
    """The form *Import a registry*: read in a while, then told of."""
    board, fields = desk.board, click.fields
    registries.check_admin(board, click.user)
    metadata = _metadata(click)
    click = msgspec.structs.replace(click, response_url=metadata.get("url", ""))
    asking = f"{click.trigger} {metadata.get('file', '')}"
    name, data = await table(desk, click, metadata.get("file", ""), registry_rows.MOST_BYTES)
    await tell(desk, click, f"Reading {plain(name)}; when it is done, your conversation with Callboard says so.")
    copy_id = hashlib.blake2s(asking.encode(), digest_size=10).hexdigest()
    told = await registries.take_in(
        board, click.user, fields["name"], fields["country"], fields.get("day", ""), data, name, copy_id
    )
    await board.tell(click.user, told, f"registry:{copy_id}")
