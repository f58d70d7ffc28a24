"""`/campaign calllist`: call lists as whoever makes them has them. What reps press is in `offer_buttons`."""

import asyncio
import re
from collections.abc import Mapping, Sequence

import msgspec
from slack_bolt.async_app import AsyncApp

from bot import calling_lists
from bot.cards import plain
from bot.cards.calling_list import LISTED, lists_message
from bot.cards.calling_list_forms import MOST_REPS, TRIES, make_form, results_csv
from bot.cards.times import counted
from bot.errors import CallboardError, NotFound
from bot.store import calling_lists as store
from bot.store import cards, people
from handlers import Click, Desk, answer, does, exports, left_out, let_in, on_actions, on_form, tell
from handlers.slack_files import table, wrong_table

LEFT_OUT = left_out.Kind(
    store.CARD,
    store.reports_due,
    store.take_report,
    store.refused,
    lambda found: f"Rows of {found.source} that are not in the call list {found.name}",
)


class _Asked(msgspec.Struct, frozen=True):
    """What the form carries: where its sender reads answers, the file that was sent before ("" = none), and whom the
    command named: a page that cannot show the menu of people, as the demo's, sends nothing of it.
    """

    url: str = ""
    file: str = ""
    reps: tuple[str, ...] = ()


def register(app: AsyncApp, desk: Desk) -> None:
    """All listeners of this feature but the command, which is `/campaign`'s."""
    on_actions(
        app,
        desk,
        "calllist",
        {
            "new": (new, None),
            "file": (file_sent, None),
            "give_out": (does(calling_lists.give_out), None),
            "drop": (does(calling_lists.drop), None),
            "pause": (does(calling_lists.pause), None),
            "resume": (does(calling_lists.resume), None),
            "stop": (does(calling_lists.stop), None),
            "results": (results, None),
            "report": (report, None),
        },
    )
    on_form(app, desk, "calllist:table", validate_table, read_table)


async def by_words(desk: Desk, click: Click, text: str) -> None:
    """`/campaign calllist`: all lists; with a name, and for whom, the form that makes one."""
    if not text:
        await list_all(desk, click)
        return
    name, reps = calling_lists.read_words(text)
    reps = await _checked(desk, click, reps)
    await _open(desk, click, name, reps, _Asked(click.response_url, reps=reps))


async def list_all(desk: Desk, click: Click) -> None:
    """The latest lists: a rep's own, or all of them to managers."""
    board = desk.board
    found = await board.read(store.latest, LISTED)
    shown = [one for one in found if calling_lists.shown_to(board, click.user, one[0], one[2])]
    zone = await board.read(board.zone_of, click.user)
    others = board.settings.role(click.user) != "rep"
    await answer(desk, click, lists_message(shown, zone, board.settings.commands["campaign"], others=others))


# Making one


async def new(desk: Desk, click: Click) -> None:
    """*New call list…*"""
    await _open(desk, click, "", (), _Asked(click.response_url))


async def file_sent(desk: Desk, click: Click) -> None:
    """*Make a call list…* for a file in the conversation."""
    await _open(desk, click, "", (), _Asked(click.response_url, click.value))


async def _open(desk: Desk, click: Click, name: str, reps: tuple[str, ...], asked: _Asked) -> None:
    metadata = msgspec.json.encode(asked).decode()
    own = desk.board.settings.role(click.user) == "rep"
    view = make_form(name, reps, metadata, own=own, file=bool(asked.file))
    await desk.slack.views_open(trigger_id=click.trigger, view=view)


async def validate_table(desk: Desk, click: Click) -> Mapping[str, str]:
    """A name, and a file or pasted rows."""
    if not click.fields.get("name", "").strip():
        return {"name": "Give the list a name, so that its reps know what they call for."}
    try:
        await _checked(desk, click, _reps(click))
    except CallboardError as error:
        return {"reps": str(error)}
    return {} if _asked(click).file else wrong_table(click)


async def _checked(desk: Desk, click: Click, reps: Sequence[str]) -> tuple[str, ...]:
    """As `calling_lists.check_reps()`, when Slack was asked about those of whom we never heard."""
    if len(reps) <= MOST_REPS:
        await asyncio.gather(*(let_in(desk, rep) for rep in reps))
    return calling_lists.check_reps(desk.board, click.user, reps)


def _asked(click: Click) -> _Asked:
    return msgspec.json.decode(click.value or "{}", type=_Asked)


def _reps(click: Click) -> Sequence[str]:
    return click.fields["reps"].split() if "reps" in click.fields else _asked(click).reps


async def read_table(desk: Desk, click: Click) -> None:
    """The form *New call list*: the card shows what is in the table."""
    asked, fields, reps = _asked(click), click.fields, _reps(click)
    click = msgspec.structs.replace(click, response_url=asked.url)
    source, data = await table(desk, click, asked.file)
    name = " ".join(fields["name"].split())
    tries = next((count for count in TRIES if fields.get("tries") == str(count)), 1)
    found = await calling_lists.prepare(desk.board, click.user, name, reps, data, source, click.trigger, tries)
    await tell(
        desk,
        click,
        f"Read {plain(source)} for the call list {plain(found.name)}; nobody was called. The card is in your "
        "conversation with Callboard.",
    )


# The card's buttons


async def results(desk: Desk, click: Click) -> None:
    """*Results*: as they are now, below the card."""
    board = desk.board
    found = await calling_lists.own(board, click.user, click.value)
    card = await board.read(cards.find, store.CARD, found.id)
    if card is None or not card.ts:
        raise NotFound("The list's card is not shown at the moment, so there is no thread for the file. Try again.")
    rows = await board.read(store.results, found.id)
    reps = await board.read(people.people, tuple({row.rep for row in rows if row.rep}))
    names = {user: person.name or user for user, person in reps.items()}
    content = await asyncio.to_thread(results_csv, rows, names)
    name = re.sub(r"[^\w.-]+", "-", found.name)
    await exports.export(
        desk,
        card.channel,
        card.ts,
        f"call-list-{name}.csv",
        content,
        f"Results of the call list {found.name}",
        by=click.user,
        what="export call list",
        subject=found.name,
        detail=counted(len(rows), "contact"),
    )


async def report(desk: Desk, click: Click) -> None:
    """*Rows left out, as CSV*, as often as it is asked for."""
    await left_out.send(desk, LEFT_OUT, await calling_lists.own(desk.board, click.user, click.value), click.user)
