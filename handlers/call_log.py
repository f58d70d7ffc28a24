"""`/calls log`: the call log, searched and paged in place, as a file; older calls and those made elsewhere come in."""

import asyncio
import html
import sqlite3
from collections.abc import Sequence
from datetime import datetime

import msgspec
from slack_bolt.async_app import AsyncApp

from bot import by_hand, call_search, log_fetching, namesakes, opting_out, slack_text, who
from bot.board import Board
from bot.by_hand import BY_HAND, HandMade
from bot.call import Call
from bot.call_search import Reader, Search
from bot.cards import who as shown
from bot.cards.call_log import (
    PAGE,
    Logged,
    Reading,
    Turn,
    add_modal,
    export_comment,
    log_csv,
    log_message,
    search_words,
)
from bot.cards.fetched import begun_words
from bot.cards.help import help_message
from bot.cards.modals import NONE
from bot.cards.times import counted
from bot.errors import BadInput, CallboardError, NotAllowed, NotFound
from bot.events import AnyEvent
from bot.fold import fold
from bot.names import Fit, fit
from bot.numbers import pretty
from bot.routing import masks_from
from bot.store import call_log, calls, channels, contacts, ledger, lookups, people
from bot.store.call_log import Reach, Row
from bot.uploading import conversation
from handlers import Click, Desk, answer, exports, on_actions, on_form, tell

MOST = 10_000
"""Calls of one file."""
_NAMESAKES = 20
"""Contacts that one name may mean in a search."""
_OTHERS = "Other people's calls are shown to managers only. Type `/calls log` for your own."


def register(app: AsyncApp, desk: Desk) -> None:
    """All listeners of this feature but the command, which `call_list` has."""
    on_actions(app, desk, "log", {"older": (turn, None), "newer": (turn, None), "export": (export, None)})
    on_form(app, desk, "log:added", validate_added, added)


# Searching


async def command(desk: Desk, click: Click) -> None:
    """`/calls log …`; `click.text` is what follows `log`."""
    board, text = desk.board, click.text.strip()
    word, _, rest = text.partition(" ")
    if word.casefold() == "help" and not rest:
        await answer(desk, click, help_message("calls", board.settings.commands))
        return
    if word.casefold() == "add":
        await open_form(desk, click, html.unescape(slack_text.without_links(rest)))
        return
    if word.casefold() == "fetch":
        await fetch(desk, click, html.unescape(slack_text.without_links(rest)))
        return
    lines = [(line.number, line.label) for line in board.settings.lines]
    zone = await board.read(board.zone_of, click.user)
    reader = Reader(board.settings.region, zone, board.now(), lines)
    found = call_search.parse(text, reader) if text else call_search.Typed(Search(rep=click.user))
    if found.team and board.settings.role(click.user) == "rep":
        raise NotAllowed(_OTHERS)
    search = found.search
    if found.name:
        search = await _with_name(board, click.user, found)
    await _show(desk, click, Turn(search), replace=False)


async def turn(desk: Desk, click: Click) -> None:
    """*Older*, *Newer*: in place of the page that they stand on."""
    await _show(desk, click, _turn_of(click), replace=True)


def _turn_of(click: Click) -> Turn:
    try:
        return msgspec.json.decode(click.value, type=Turn)
    except msgspec.MsgspecError as error:
        raise BadInput("That button is from an older Callboard. Type `/calls log` again.") from error


async def _show(desk: Desk, click: Click, where: Turn, *, replace: bool) -> None:
    board, search = desk.board, where.search
    reach = await _reach(board, click.user, search)
    after = (where.at, where.call) if where.call else None
    found = await board.read(call_log.page, search, reach, PAGE + 1, after, newer=where.newer)
    more = len(found) > PAGE
    rows = (found[-PAGE:] if where.newer else found[:PAGE]) if more else found
    logged, reading = await board.read(_read, board, click.user, search, rows)
    page = log_message(
        logged,
        search,
        reading,
        newer=more if where.newer else after is not None,
        older=True if where.newer else more,
        command=board.settings.commands["calls"],
    )
    await answer(desk, click, page, replace=replace)


async def _reach(board: Board, user: str, search: Search) -> Reach:
    """What that person may see.

    Raises:
        NotAllowed: they look for somebody else's calls, which are not shown to them.
    """
    if board.settings.role(user) != "rep":
        return Reach()
    if search.rep not in ("", user):
        raise NotAllowed(_OTHERS)
    return Reach(user, await board.read(channels.open_to, user, board.settings.channels))


async def _with_name(board: Board, user: str, found: call_search.Typed) -> Search:
    """The search, with the colleague or the numbers of all contacts that its name may mean.

    Raises:
        NotFound: nobody.  BadInput: too many.
    """
    name, search = found.name, found.search
    colleagues = not (found.team or search.rep)
    rep, known = await namesakes.looked_for(board, user, name, _NAMESAKES + 1, colleagues=colleagues)
    if rep:
        return msgspec.structs.replace(search, rep=rep)
    if not known:
        raise NotFound(f"No contact is called “{name}”, so nothing was searched. {call_search.UNDERSTOOD}")
    if len(known) > _NAMESAKES:
        raise BadInput(f"More than {_NAMESAKES} contacts are called “{name}”. Write more of the name, or the number.")
    return msgspec.structs.replace(search, numbers=tuple(dict.fromkeys(contact.number for contact in known)))


def _read(
    db: sqlite3.Connection, board: Board, user: str, search: Search, rows: Sequence[Row]
) -> tuple[list[Logged], Reading]:
    """The calls as that person may see them, and what the search means to them."""
    numbers = {row.call.number for row in rows} | set(search.numbers)
    known = {number: lookups.known(db, number) for number in numbers if number}
    hidden = [row for row in rows if row.call.rep != user and masks_from(board.settings, row.place, user)]
    theirs = call_log.claimed(db, [row.call.id for row in hidden], user)
    masked = {row.call.id for row in hidden} - theirs
    logged = [Logged(row.call, known.get(row.call.number), row.call.id in masked) for row in rows]
    reading = Reading(
        user=user,
        now=board.now(),
        zone=board.zone_of(db, user),
        label={line.number: line.label for line in board.settings.lines if line.label},
        names={number: found.name for number in search.numbers if (found := known[number])},
        everybody=board.settings.role(user) != "rep",
    )
    return logged, reading


# The file


async def export(desk: Desk, click: Click) -> None:
    """*Export CSV*: the whole search as a file in their own conversation with Callboard."""
    board, search = desk.board, _turn_of(click).search
    rows = await board.read(call_log.page, search, await _reach(board, click.user, search), MOST + 1)
    more, rows = len(rows) > MOST, rows[:MOST]
    if not rows:
        raise NotFound("No call fits that search any more, so there is nothing to export.")
    logged, reading = await board.read(_read, board, click.user, search, rows)
    reps = await board.read(people.people, tuple({row.call.rep for row in rows}))
    names = {user: person.name for user, person in reps.items()}
    content = await asyncio.to_thread(log_csv, logged, reading, names)
    day = datetime.fromtimestamp(reading.now, call_search.zone_of(reading.zone)).date()
    # Numbers as they are stored, or forgetting one would leave it here.
    words = await board.plainly(search_words(msgspec.structs.replace(search, numbers=()), reading))
    parts = (counted(len(rows), "call"), words, search.rep, *search.numbers[1:])
    await exports.export(
        desk,
        await conversation(desk.slack, click.user),
        "",
        f"calls-{day}.csv",
        content,
        f"Call log of {day}",
        by=click.user,
        what="export call log",
        subject=next(iter(search.numbers), ""),
        detail=", ".join(part for part in parts if part),
        comment=export_comment(search, reading, len(rows), more=more),
    )
    count = "One call is" if len(rows) == 1 else f"{len(rows):,} calls are"
    newest = f", the newest {MOST:,} of more: name a shorter period for the others" if more else ""
    await tell(desk, click, f"{count} in a file in your conversation with Callboard{newest}.")


# Older calls, from a service's own log


async def fetch(desk: Desk, click: Click, text: str) -> None:
    """`/calls log fetch …`: begun, written down, and done in the background; it tells when it is over."""
    board = desk.board
    begun = await log_fetching.begin(board, click.user, text, click.trigger)
    board.spawn(log_fetching.run(board, begun.account), log_fetching.failed)
    await tell(desk, click, begun_words(begun, board.title(begun.account)))


# A call made elsewhere


async def open_form(desk: Desk, click: Click, party: str = "") -> None:
    """`/calls log add`; within 3 s of the click."""
    board = desk.board
    person = await board.read(people.person, click.user)
    zone = call_search.zone_of(person.zone or board.settings.zone)
    view = add_modal(
        lines=[(line.number, line.label) for line in board.settings.lines],
        dispositions=board.settings.dispositions,
        today=datetime.fromtimestamp(board.now(), zone).date().isoformat(),
        initial={"who": party, "line": person.line},
        private_metadata=msgspec.json.encode(
            {"response_url": click.response_url, "call": calls.new_id(board.now())}
        ).decode(),
    )
    await desk.slack.views_open(trigger_id=click.trigger, view=view)


class _Wrong(CallboardError):
    """What cannot be used, and in which field it stands."""

    def __init__(self, field: str, error: CallboardError) -> None:
        super().__init__(f"{error} Nothing was recorded.")
        self.field = field


async def validate_added(desk: Desk, click: Click) -> dict[str, str]:
    """Everything that can be wrong is said in the form."""
    try:
        await _made(desk.board, click)
    except _Wrong as error:
        return {error.field: str(error)}
    return {}


async def added(desk: Desk, click: Click) -> None:
    """The submitted form: the call is on record as if a phone service had told of it. Nobody is called."""
    board = desk.board
    metadata = msgspec.json.decode(click.value)
    click = msgspec.structs.replace(click, response_url=metadata["response_url"])
    made, told = await _made(board, click)
    call = await board.write(_record, board, metadata["call"], made, told)
    if call is None:
        raise NotAllowed("That form was sent before; the call is on record once.")
    board.changed([call])
    party = shown(call.number, call.name, None)
    what = "is a missed call now, to be called back" if call.missed else "is in the call log"
    await tell(desk, click, f"The call with {party} {what}. `/calls log` shows it.")


def _record(
    db: sqlite3.Connection, board: Board, call_id: str, made: HandMade, told: Sequence[AnyEvent]
) -> Call | None:
    """Call and audit entry in one transaction. None: this very form was sent before."""
    if calls.get(db, call_id) is not None:
        return None
    now = board.now()
    (change,) = calls.ingest(db, BY_HAND, told, now=now, routing=board.routing, call_id=call_id)
    detail = f"{call_id} {made.direction} {made.talked // 60} min"
    ledger.audit(db, now, made.rep, "record call by hand", made.number, detail)
    if made.disposition and made.disposition == board.settings.stop_disposition:
        opting_out.asked(db, board, change.call, made.rep)
    return change.call


async def _made(board: Board, click: Click) -> tuple[HandMade, tuple[AnyEvent, ...]]:
    """The call that a form tells of, and its events.

    Raises:
        _Wrong: a field cannot be used.
    """
    fields, now = click.fields, board.now()
    zone = await board.read(board.zone_of, click.user)
    field = "who"
    try:
        number, name = await _party(board, fields.get("who", ""))
        field = "minutes"
        talked = by_hand.minutes(fields.get("minutes", "")) * 60
        field = "time"
        began = by_hand.began(fields.get("day", ""), fields.get("time", ""), talked, now, zone)
    except CallboardError as error:
        raise _Wrong(field, error) from error
    made = HandMade(
        rep=click.user,
        direction="in" if fields.get("direction") == "in" else "out",
        number=number,
        began=began,
        talked=talked,
        line=fields.get("line", "").replace(NONE, ""),
        name=name,
        note=fields.get("note", ""),
        disposition=fields.get("disposition", ""),
    )
    told = by_hand.events(made, now)
    call = fold("", BY_HAND, told)
    if call.missed and not board.routing.place(call):
        words = "A call that nobody took is shown where its line's calls are: choose the line that it rang."
        raise _Wrong("line" if board.settings.lines else "minutes", BadInput(words))
    return made, told


async def _party(board: Board, text: str) -> tuple[str, str]:
    """(E.164, the contact's name or "") of whom a call was with.

    Raises:
        BadInput, NotFound: nobody, or several.
    """
    try:
        found = who.parse(text, board.settings.region).who
    except BadInput as error:
        raise BadInput(str(error).removesuffix(who.EXAMPLE).strip()) from error
    if isinstance(found, who.Number):
        contact = await board.read(lookups.known, found.number)
        return found.number, contact.name if contact else ""
    if not isinstance(found, who.Name):
        raise BadInput("Write a whole number like +1 202 555 0100, or a contact's name.")
    found_by_name = await board.read(contacts.named, found.name)
    by_company = [] if found_by_name else await namesakes.of_company(board, found.name)
    found_by_name = found_by_name or by_company
    if not found_by_name:
        raise NotFound(f"No contact is called “{found.name}”. Write the number.")
    if len(found_by_name) > 1:
        several = namesakes.listed_contacts(found_by_name)
        raise BadInput(f"Several contacts are called “{found.name}”: {several}. Write the number.")
    chosen = found_by_name[0]
    if not by_company and fit(chosen.name, found.name) < Fit.WORDS:
        raise NotFound(
            f"No contact is called “{found.name}”. Did you mean {chosen.name}? Then write more of the name, or "
            f"{pretty(chosen.number)}."
        )
    return chosen.number, chosen.name
