"""`/missed`: who waits for a call back, and everything that can be done about each, in one list."""

import html
import sqlite3
from dataclasses import replace

import msgspec
from msgspec.structs import replace as with_changes
from slack_bolt.async_app import AsyncApp

from bot import asking, claiming, slack_text
from bot.board import Board
from bot.cards import Message
from bot.cards.escalation import escalation
from bot.cards.help import help_message
from bot.cards.waiting import MENU, MINE, Choice, list_message, urgency
from bot.errors import BadInput, NotAllowed
from bot.routing import masks, masks_from
from bot.slack_api import UNREACHED
from bot.store import cards, ledger, lookups, missed, people
from handlers import Click, Desk, Handler, answer, on_actions, on_command
from handlers import missed as card
from handlers.calls import write_button

LONGEST = 1000
"""Callers that are looked at; nobody reads so many pages."""


def register(app: AsyncApp, desk: Desk) -> None:
    """All listeners of this feature."""
    on_command(app, desk, "missed", command)
    on_actions(
        app,
        desk,
        "waiting",
        {
            "call_back": (_then_anew(card.call_back), write_button),
            "claim": (_then_anew(card.claim), None),
            "release": (_then_anew(card.release), None),
            "snooze": (_then_anew(card.snooze), None),
            "close": (_then_anew(card.close), None),
            "assign": (assign, None),
            "page": (turn, None),
        },
    )


async def command(desk: Desk, click: Click) -> None:
    """`/missed`: all, `mine`, or those of a line."""
    text = html.unescape(slack_text.without_links(click.text)).strip()
    if text.casefold() == "help":
        await answer(desk, click, help_message("missed", desk.board.settings.commands))
        return
    await show(desk, click, _scope(desk.board, text))


async def show(desk: Desk, click: Click, scope: str = "") -> None:
    """The first page, only for them."""
    await answer(desk, click, await desk.board.read(_list, desk.board, click, Choice(scope=scope)))


async def turn(desk: Desk, click: Click) -> None:
    """Another page, or the same anew."""
    found = await desk.board.read(_list, desk.board, click, Choice.of(click.value))
    await answer(desk, click, found, replace=True)


async def assign(desk: Desk, click: Click) -> None:
    """A manager gives a caller to somebody, who is told; the list as it is then."""
    board = desk.board
    choice, to = Choice.of(click.action.partition("assign:")[2]), click.value
    if board.settings.role(click.user) == "rep":
        raise NotAllowed("Only managers give callers to others, so nothing was changed. You can take them yourself.")
    try:
        chosen = (await desk.slack.users_info(user=to))["user"]
    except UNREACHED:
        chosen = {}  # Slack's menu has offered them
    if chosen.get("is_bot") or chosen.get("deleted"):  # the menu offers those, too
        raise BadInput("That is nobody who could call back, so nothing was changed. Choose a colleague.")
    if chosen:
        desk.is_outside(to, chosen)
    if board.turned_away(to):
        raise BadInput(
            f"<@{to}> may not use Callboard, being a guest or from another company, so nothing was changed. Choose a "
            "member of your workspace."
        )
    now = board.now()

    def give(db: sqlite3.Connection) -> None:
        row = claiming.still_open(missed.get(db, choice.missed_id))
        if row.claimed_by not in ("", to) and choice.more != str(row.claimed_at):
            raise NotAllowed(
                f"<@{row.claimed_by}> has claimed this caller since. Nothing was changed; to give them to <@{to}> all "
                "the same, choose again."
            )
        if not missed.assign(db, row.id, to, now, board.remind_at()):
            return  # it is theirs already
        ledger.audit(db, now, click.user, "assign missed caller", row.number or "withheld number", f"to <@{to}>")
        if to != click.user:
            contact = lookups.known(db, row.number) if row.number else None
            given = replace(missed.get(db, row.id) or row, line=board.settings.label(row.line))
            zone = board.zone_of(db, to)
            told = msgspec.json.encode(escalation(given, contact, now, zone, asked_by=click.user))
            cards.mark(db, "notice", f"{missed.ASSIGNED}:{row.id}:{now}", f"@{to}", now, told)

    try:
        await board.write(give)
    finally:
        await answer(desk, click, await board.read(_list, board, click, choice), replace=True)


def _then_anew(work: Handler) -> Handler:
    """What the button of the missed caller's own card does; then the list as it is now, also where that failed."""

    async def handle(desk: Desk, click: Click) -> None:
        choice = Choice.of(click.value)
        value = f"{choice.missed_id}|{choice.more}" if choice.more else choice.missed_id
        try:
            await work(desk, with_changes(click, value=value))
        finally:
            await turn(desk, click)

    return handle


def _scope(board: Board, text: str) -> str:
    """What is asked for: "" = all, `MINE`, or a line.

    Raises:
        BadInput: none of these.
    """
    word = slack_text.unquoted(text.casefold().removeprefix("line ").strip())
    if word in ("", MINE):
        return word
    found = asking.lines_named(board, word)
    if not found:
        name = board.settings.commands["missed"]
        known = board.settings.line_names
        raise BadInput(
            f"There is no line “{text}”. Type `{name}`, `{name} mine`, or a line's name"
            + (f": {known}." if known else "; none is configured.")
        )
    return found[0].number


def _list(db: sqlite3.Connection, board: Board, click: Click, choice: Choice) -> Message:
    settings, now, user = board.settings, board.now(), click.user
    alone = settings.role(user) == "rep"
    everybody = missed.seen_by(db, user, LONGEST) if alone else missed.waiting(db, LONGEST)
    if choice.scope == MINE:
        everybody = [one for one in everybody if one.claimed_by == user]
    elif choice.scope:
        everybody = [one for one in everybody if one.line == choice.scope]
    here = f"@{user}" if click.channel.startswith("D") else click.channel
    rows = [replace(one, line=settings.label(one.line)) for one in sorted(everybody, key=lambda one: urgency(one, now))]
    return list_message(
        rows,
        choice,
        now,
        board.zone_of(db, user),
        lambda number: lookups.known(db, number) if number else None,
        lambda one: masks(settings, here) or (one.claimed_by != user and masks_from(settings, one.place, user)),
        label=settings.label(choice.scope),
        colleagues=() if alone else people.with_phones(db, MENU + 1),
    )
