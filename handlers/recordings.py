"""`/recording`, the button *Recording* on cards, and the question before a call is recorded."""

import sqlite3

from msgspec.structs import replace
from slack_bolt.async_app import AsyncApp

from bot import consent, namesakes, who
from bot.board import Board
from bot.call import Call
from bot.cards import who as shown
from bot.cards.help import help_message
from bot.cards.recording import SHOWN, choice_message, consent_modal, links_message, list_message
from bot.controlling import control, controls_of
from bot.delivering import gets_file
from bot.errors import BadInput, NeedsConsent, NotAllowed, NotFound
from bot.names import Fit, fit
from bot.numbers import pretty
from bot.recordings import LINK_SECONDS, heard_by, is_left, link, may_listen
from bot.store import calls, ledger, lookups, people
from bot.store import recordings as rows
from handlers import Click, Desk, answer, on_actions, on_command, on_form, tell

_NAMESAKES = 5
"""Contacts that are told where one name may mean several."""


def register(app: AsyncApp, desk: Desk) -> None:
    """All listeners of this feature."""
    on_command(app, desk, "recording", command)
    on_actions(app, desk, "recording", {"get": (get, None), "listen": (listen, None)})
    on_form(app, desk, "recording:consented", validate_consented, consented)


async def command(desk: Desk, click: Click) -> None:
    """`/recording …`."""
    word, _, rest = click.text.strip().partition(" ")
    match word.casefold():
        case "":
            await _list(desk, click, "")
        case "list":
            await _list(desk, click, rest.strip())
        case "get":
            await _get_latest(desk, click, rest.strip())
        case "start" | "stop":
            await _by_hand(desk, click, f"{word.casefold()}_recording")
        case "policy":
            await tell(desk, click, f"The rules for recording:\n{consent.words(desk.board.settings.recording)}")
        case "help":
            await answer(desk, click, help_message("recording", desk.board.settings.commands))
        case _:
            raise BadInput(f"“{word}” is not something `/recording` can do. Type `/recording help` for all of it.")


# While the call runs.


async def start(desk: Desk, click: Click) -> None:
    """*Record* on a running call: asks first where the other side must know."""
    try:
        await _start(desk, click, consented=False)
    except NeedsConsent as question:
        view = consent_modal(click.value, str(question), question.yes)
        await desk.slack.views_open(trigger_id=click.trigger, view=view)


async def validate_consented(desk: Desk, click: Click) -> dict[str, str]:
    """There is nothing to fill in."""
    return {}


async def consented(desk: Desk, click: Click) -> None:
    """They said that the other side knows."""
    await _start(desk, click, consented=True)


async def _start(desk: Desk, click: Click, *, consented: bool) -> None:
    await control(
        desk.board,
        click.value,
        click.user,
        "start_recording",
        lambda provider, call: provider.start_recording(call),
        consented=consented,
    )


async def _by_hand(desk: Desk, click: Click, action: str) -> None:
    board = desk.board
    running = await board.read(calls.open_calls)
    mine = [call for call in running if call.rep == click.user and call.purpose != "message"]
    possible = [call for call in mine if action in controls_of(board, call)]
    if len(possible) > 1:
        await answer(desk, click, choice_message(possible, action, await _names(board, possible)))
        return
    # The only one is refused in the right words where it cannot be.
    call = next(iter(possible or mine), None)
    if call is None:
        raise NotFound("You have no running call, so nothing was done. Recordings of earlier calls: `/recording`.")
    chosen = replace(click, value=call.id)
    if action == "start_recording":
        await start(desk, chosen)
    else:
        await control(board, call.id, click.user, action, lambda provider, running: provider.stop_recording(running))
        party = shown(call.number, (await _names(board, [call])).get(call.number, "") or call.name)
        await tell(desk, click, f"The call with {party} is not recorded any more.")


# Afterwards.


async def listen(desk: Desk, click: Click) -> None:
    """A link was opened; Slack tells of it, and the link itself does the rest."""


async def get(desk: Desk, click: Click) -> None:
    """*Recording*: as a file in their conversation, or links that are theirs alone."""
    await _bring(desk, click, await heard_by(desk.board, click.user, click.value))


async def _get_latest(desk: Desk, click: Click, text: str) -> None:
    found = await _recorded(desk, click, text)
    if not found:
        raise NotFound("There is no recording that you may listen to. `/recording policy` says who may.")
    await _bring(desk, click, await heard_by(desk.board, click.user, found[0].id))


async def _bring(desk: Desk, click: Click, call: Call) -> None:
    board = desk.board
    place = f"@{click.user}"
    names = await _names(board, [call])
    if gets_file(board, call, place):
        fresh = await board.write(_want, board, call, click.user)
        party = shown(call.number, names.get(call.number, "") or call.name)
        if fresh or not board.settings.public_url:
            how = "is on its way to" if fresh else "is in"
            await tell(desk, click, f"The recording of the call with {party} {how} your conversation with Callboard.")
            return
    links = [link(board, call, which, click.user) for which in range(len(call.recordings))]
    await board.write(_given, call, click.user, board.now())
    found = links_message(call, names.get(call.number, ""), links, LINK_SECONDS // 60)
    again = "Links to recordings are shown to you alone. Press “Recording” on the call's card again."
    await answer(desk, click, found, instead=again)


def _given(db: sqlite3.Connection, call: Call, user: str, now: float) -> None:
    ledger.audit(db, now, user, "link to recording", call.number, call.id)


def _want(db: sqlite3.Connection, board: Board, call: Call, user: str) -> bool:
    """Whether anything is on its way now."""
    place, now = f"@{user}", board.now()
    for recording in call.recordings:
        if rows.want(db, call, recording, place, now):
            ledger.audit(db, now, user, "asked for recording", call.number, call.id)
    for copy in rows.of_call(db, call.id):
        if copy.place == place and rows.want_again(db, copy, now):
            ledger.audit(db, now, user, "asked for recording", call.number, call.id)
    return any(copy.state in ("wanted", "sharing") for copy in rows.of_call(db, call.id) if copy.place == place)


async def _list(desk: Desk, click: Click, text: str) -> None:
    board = desk.board
    found = await _recorded(desk, click, text)
    person = await board.read(people.person, click.user)
    names = await _names(board, found)
    listed = list_message(
        found,
        "Recordings" if text else "My latest recordings",
        names,
        board.now(),
        person.zone or board.settings.zone,
        with_reps=bool(text),
    )
    await answer(desk, click, listed)


async def _recorded(desk: Desk, click: Click, text: str) -> list[Call]:
    """Recorded calls that this person may hear, latest first: their own, a colleague's, or those with a number."""
    board = desk.board
    rep, number = click.user, ""
    if text:
        match who.somebody(text, board.settings.region):
            case who.Mention(user):
                rep = user
            case who.Name(name):
                rep, number = await _named(board, click.user, name)
            case who.Number(number) | who.Extension(number):
                rep = ""
        if rep not in ("", click.user) and board.settings.role(click.user) == "rep":
            raise NotAllowed("Other people's recordings are shown to managers only. `/recording` shows your own.")
    return await board.read(_heard, board, click.user, rep, number)


async def _named(board: Board, user: str, name: str) -> tuple[str, str]:
    """(the colleague, else the number of the contact) of that name."""
    rep, found = await namesakes.looked_for(board, user, name, _NAMESAKES + 1)
    if rep:
        return rep, ""
    if not found:
        raise NotFound(f"No contact is called “{name}”. Write the number, like `/recording list +1 202 555 0100`.")
    if len(found) > 1:
        several = namesakes.listed_contacts(found[:_NAMESAKES], more=len(found) > _NAMESAKES)
        raise BadInput(f"Several contacts are called “{name}”: {several}. Write the number.")
    if fit(found[0].name, name) is Fit.INSIDE:
        raise NotFound(
            f"No contact is called “{name}”. Did you mean {found[0].name}? Then write more of the name, or "
            f"{pretty(found[0].number)}."
        )
    return "", found[0].number


def _heard(db: sqlite3.Connection, board: Board, user: str, rep: str, number: str) -> list[Call]:
    found = (calls.get(db, call_id) for call_id in rows.calls_with(db, rep=rep, number=number, limit=5 * SHOWN))
    return [call for call in found if call and is_left(board, call) and may_listen(board, user, call)][:SHOWN]


async def _names(board: Board, listed: list[Call]) -> dict[str, str]:
    def read(db: sqlite3.Connection) -> dict[str, str]:
        found = ((call.number, lookups.known(db, call.number)) for call in listed if call.number)
        return {number: contact.name for number, contact in found if contact}

    return await board.read(read)
