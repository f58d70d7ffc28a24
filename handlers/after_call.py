"""After a call: how it went, and when to call again. The buttons of its card, and their forms."""

import sqlite3
from collections.abc import Mapping
from typing import Any, Literal

from slack_bolt.async_app import AsyncApp

from bot import opting_out, unclear
from bot.board import Board
from bot.call import Call
from bot.cards import cut
from bot.cards.modals import NONE, later_modal, wrap_modal
from bot.cards.times import day_clock, moment, on
from bot.errors import BadInput, NotAllowed
from bot.events import Outcome, Wrapped
from bot.routing import masks_from
from bot.store import calls, ledger, lookups
from handlers import Click, Desk, First, Handler, on_form

_What = Literal["disposition", "note"]
_TAKEN_BACK: Mapping[_What, str] = {
    "disposition": "outcome taken back",
    "note": "note taken away",
}
_QUOTED = 200
"""Characters of a note that somebody else has written."""


def register(app: AsyncApp, desk: Desk) -> None:
    """The forms; the buttons are among those of `handlers/calls.py`."""
    on_form(app, desk, "call:wrapped", validate_wrapped, wrapped, at_once=True)
    on_form(app, desk, "call:remind", validate_remind, remind, at_once=True)


async def settle(desk: Desk, click: Click) -> None:
    """The rep says what became of an unclear call."""
    outcome = {
        "call:settle_talked": Outcome.ANSWERED,
        "call:settle_rang": Outcome.NO_ANSWER,
        "call:settle_no": Outcome.NOT_PLACED,
    }[click.action]
    await unclear.settle(desk.board, click.value, click.user, outcome)


async def open_wrap(desk: Desk, click: Click) -> None:
    """*How did it go?*"""
    board = desk.board
    call = await desk.board.call(click.value)
    contact = await board.read(lookups.known, call.number)
    masked = _masked(board, call, click.user)
    reminder = "" if masked else await _reminder(desk, call, click.user)
    view = wrap_modal(call, board.settings.dispositions, contact=contact, masked=masked, reminder=reminder)
    await desk.slack.views_open(trigger_id=click.trigger, view=view)


def _masked(board: Board, call: Call, user: str) -> bool:
    return call.rep != user and masks_from(board.settings, board.routing.place(call), user)


async def validate_wrapped(desk: Desk, click: Click) -> dict[str, str]:
    """Something must be filled in, or have stood there."""
    if any(_shown(click.view).values()) or any(click.fields.get(name) for name in ("disposition", "note", "later")):
        return {}
    return {"note": "Choose how it went, or write a note."}


async def wrapped(desk: Desk, click: Click) -> None:
    """Disposition, note, and perhaps a reminder: all of it in one commit, or none.

    Raises:
        NotFound: the call is gone.  NotAllowed: what they change was changed by somebody else while the form was open.
    """
    board = desk.board
    call, now = await desk.board.call(click.value), board.now()
    later, zone = click.fields.get("later", ""), await board.read(board.zone_of, click.user)
    due_at = moment(later, now, zone) if later and later != NONE else 0.0

    def write(db: sqlite3.Connection) -> list[calls.Change]:
        changes: list[calls.Change] = []
        masked = _masked(board, call, click.user)
        event = _said(click, calls.get(db, call.id) or call, now, masked=masked)
        if event.disposition or event.note or event.taken_back:
            changes = calls.ingest(db, call.account, [event], now=now, routing=board.routing, call_id=call.id)
            told = [call.id, event.disposition, "with a note" if event.note else ""]
            told += [_TAKEN_BACK[what] for what in event.taken_back]
            ledger.audit(db, now, click.user, "how it went", call.number, " ".join(filter(None, told)))
        if event.disposition and event.disposition == board.settings.stop_disposition:
            opting_out.asked(db, board, call, click.user, masked=masked)
        elif due_at:
            ledger.remind(db, call.id, click.user, due_at)
        elif later:
            ledger.take_back_reminder(db, call.id, click.user)
        return changes

    board.changed(change.call for change in await board.write(write))


def _said(click: Click, call: Call, now: float, *, masked: bool) -> Wrapped:
    """What the form changes; what was left as it stood there may have been changed by somebody else since.

    `call`: as it is now, of which `masked` hides the note.

    Raises:
        NotAllowed: so was what they change themselves, which is theirs to look at first.
    """
    shown, current = _shown(click.view), _shown(wrap_modal(call, ()))
    given = {what: click.fields.get(what, "") for what in shown}
    given = {what: "" if text == NONE else text for what, text in given.items()}
    fresh = {what: text for what, text in given.items() if text not in (shown[what], current[what])}
    for what in fresh:
        if current[what] != shown[what]:
            raise _overtaken(what, current[what], unseen=masked and what == "note")
    return Wrapped(
        at=now,
        by=click.user,
        disposition=fresh.get("disposition", ""),
        note=fresh.get("note", ""),
        taken_back=tuple(what for what in _TAKEN_BACK if fresh.get(what) == ""),
    )


def _overtaken(what: _What, current: str, *, unseen: bool) -> NotAllowed:
    if unseen:
        return NotAllowed(
            "This call has a note already, which is not shown to you here, so yours did not replace it and nothing was "
            "saved. Leave the note empty, or ask whoever took the call to write it."
        )
    if what == "note":
        became = f"changed the note meanwhile; it reads “{cut(current, _QUOTED)}” now"
    else:
        became = f"changed the outcome meanwhile; it is “{current}” now"
    if not current:
        became = "taken the note away meanwhile" if what == "note" else "taken the outcome back meanwhile"
    return NotAllowed(
        f"Somebody has {became}, so nothing was saved. Copy what you wrote, close this form and open it again."
    )


def _shown(view: Mapping[str, Any]) -> dict[_What, str]:
    """What stood in the form when it was opened."""
    found: dict[_What, str] = dict.fromkeys(_TAKEN_BACK, "")
    for block in view.get("blocks", ()):
        if block.get("block_id") in found:
            element = block["element"]
            chosen = element.get("initial_option", {})
            found[block["block_id"]] = element.get("initial_value", "") or chosen.get("value", "")
    return found


async def open_later(desk: Desk, click: Click) -> None:
    """*Call later*."""
    call = await desk.board.call(click.value)
    contact = await desk.board.read(lookups.known, call.number)
    view = later_modal(call, contact=contact, reminder=await _reminder(desk, call, click.user))
    await desk.slack.views_open(trigger_id=click.trigger, view=view)


async def validate_remind(desk: Desk, click: Click) -> dict[str, str]:
    """The moment must be understood and lie ahead."""
    try:
        if not _none_any_more(click):
            await when_chosen(desk, click)
    except BadInput as error:
        words = str(error)
        return {"time" if "time" in words else "day" if click.fields.get("day") else "when": words}
    return {}


async def remind(desk: Desk, click: Click) -> None:
    """Write the reminder down, or that there is none any more; the card shows it."""
    call = await desk.board.call(click.value)
    if _none_any_more(click):
        await desk.board.write(ledger.take_back_reminder, call.id, click.user)
    else:
        await desk.board.write(ledger.remind, call.id, click.user, await when_chosen(desk, click))


def _none_any_more(click: Click) -> bool:
    return click.fields.get("when") == NONE and not click.fields.get("day")


async def _reminder(desk: Desk, call: Call, user: str) -> str:
    """When somebody is reminded of a call, in words, "" = they are not."""
    at = await desk.board.read(ledger.reminder_of, call.id, user)
    return day_clock(at, desk.board.now(), await desk.board.read(desk.board.zone_of, user)) if at else ""


async def when_chosen(desk: Desk, click: Click) -> float:
    """The moment that a form with `later_inputs()` names, by its sender's clock.

    Raises:
        BadInput: it is not understood, or already past.
    """
    now, zone = desk.board.now(), await desk.board.read(desk.board.zone_of, click.user)
    if click.fields.get("time") and not click.fields.get("day"):
        raise BadInput(
            "That time needs its day, so nothing was set. Pick one in the calendar, or leave the time empty."
        )
    if click.fields.get("day"):
        return on(click.fields["day"], click.fields.get("time", ""), now, zone)
    return moment(click.fields.get("when") or "1h", now, zone)


BUTTONS: Mapping[str, tuple[Handler, First | None]] = {
    "wrap": (open_wrap, None),
    "later": (open_later, None),
    "settle_talked": (settle, None),
    "settle_rang": (settle, None),
    "settle_no": (settle, None),
}
"""Those of the call's card, by what stands behind `call:`."""
