"""A card row -> what it should show now. Reads the state, leaves the drawing to `bot.cards`."""

import sqlite3
from dataclasses import replace as replace_row
from itertools import islice
from typing import Any

import msgspec
from msgspec.structs import replace

from bot import approval, calling_lists, tries
from bot.board import Board
from bot.call import Call, last_rep
from bot.cards import Message
from bot.cards.batch import SAMPLES, WORDS, batch_card
from bot.cards.call import call_card
from bot.cards.calling_list import WORDS as LISTED
from bot.cards.calling_list import list_card
from bot.cards.cdr import cdr_card
from bot.cards.contact_import import FATES, LEFT_OUT, import_card
from bot.cards.contact_import import SAMPLES as CONTACTS
from bot.cards.digest import digest_card
from bot.cards.escalation import since_then
from bot.cards.incoming import SHOWN_HISTORY, incoming_card
from bot.cards.line import line_card
from bot.cards.missed import missed_card
from bot.cards.notice import notice_card, put_off
from bot.cards.offer import HISTORY, Known, offer_card
from bot.cards.roundup import Reading, newest, roundup_card
from bot.cards.said import Said
from bot.cards.slack_call import slack_call_card
from bot.cards.times import PACE_SECONDS
from bot.cards.voicemsg import voicemsg_card
from bot.controlling import controls_of
from bot.events import AnyEvent, Outcome, State
from bot.permission import rules
from bot.phone_page import join_url
from bot.recordings import is_left, may_listen
from bot.roundups import Roundup, ended_at
from bot.routing import masks, masks_from
from bot.store import calling_lists as lists
from bot.store import (
    calls,
    campaigns,
    channels,
    contact_imports,
    ledger,
    lookups,
    messages,
    missed,
    offers,
    people,
    roundups,
)
from bot.store.cards import LINE, SLACK_CALL, Card
from bot.store.contacts import Contact
from bot.store.offers import Offer
from bot.window import zones_of

_LOOKED_AT = 20
"""Earlier calls with somebody, of which some may be others' to know."""


class _Line(msgspec.Struct):
    event: AnyEvent | None  # None: it was told of another call


async def render(board: Board, card: Card) -> Message | None:
    """What the card should show; None = nothing (any more)."""
    if card.kind == "notice":
        told = msgspec.json.decode(card.body or b"{}")
        if "reminder" in told:
            return await board.read(_reminder, board, card, told)
        return await board.read(_escalation, board, card, told) if "missed" in told else notice_card(told)
    if card.kind == "digest":
        return digest_card(msgspec.json.decode(card.body or b"{}"))
    if card.kind == LINE:
        event = msgspec.json.decode(card.body or b"", type=_Line).event
        return line_card(event, masked=masks(board.settings, card.place)) if event is not None else None
    if card.kind == SLACK_CALL:
        return await board.read(_slack_call, board, card)
    if card.kind == "missed":
        return await board.read(_missed, board, card)
    if card.kind == campaigns.CARD:
        return await board.read(_batch, board, card)
    if card.kind == contact_imports.CARD:
        return await board.read(_contact_import, board, card)
    if card.kind == lists.CARD:
        return await board.read(_calling_list, board, card)
    if card.kind == offers.CARD:
        return await board.read(_offer, board, card)
    if card.kind == messages.CARD:
        return await board.read(_voice_message, board, card)
    if card.kind == roundups.CARD:
        return await board.read(_roundup, board, card)
    return await board.read(_call, board, card)


def _call(db: sqlite3.Connection, board: Board, card: Card) -> Message | None:
    call = calls.get(db, card.subject)
    if call is None or _is_not_here(db, board, card, call):  # None: taken in by another call
        return None
    call = replace(call, line=board.settings.label(call.line))
    zone = _zone(db, board, card.place)
    contact = _contact(db, call.number)
    now = board.now()
    masked = masks(board.settings, card.place)
    provider = board.providers.get(call.account)
    title = board.title(call.account)
    acting = board.acting.get(call.id, "")
    origin = calls.by_ref(db, call.account, call.origin) if call.origin else None
    controls = controls_of(board, call)
    # In a channel the button asks who you are; in somebody's own conversation it is known.
    recording = is_left(board, call) and (not card.place.startswith("@") or may_listen(board, card.place[1:], call))
    if card.kind == "incoming":
        history = _earlier(db, board, card.place, call.number, call.started_at, SHOWN_HISTORY)
        return incoming_card(
            call,
            contact=contact,
            history=history,
            last_rep=last_rep(history),
            now=now,
            zone=zone,
            masked=masked,
            controls=controls,
            acting=acting,
            origin=origin,
            recording=recording,
        )
    if card.kind == "cdr":
        return cdr_card(
            call,
            contact=contact,
            account_title=title,
            now=now,
            zone=zone,
            masked=masked,
            origin=origin,
            recording=recording,
        )
    return call_card(
        call,
        contact=contact,
        account_title=title,
        can_hang_up=provider is not None and provider.can_hang_up(call),
        now=now,
        zone=zone,
        own=card.place.startswith("@"),
        masked=masked,
        controls=controls,
        acting=acting,
        reminder_at=ledger.reminder_of(db, call.id, card.place.removeprefix("@")),
        recording=recording,
    )


def _is_not_here(db: sqlite3.Connection, board: Board, card: Card, call: Call) -> bool:
    """Whether something else shows the call by now."""
    if card.kind == "call":
        return False
    if card.kind == ("cdr" if call.direction == "in" else "incoming"):
        return True  # which way it went was told after the card was posted
    if card.place != calls.place_of(db, call.id):
        return True  # and so was whose line it was on
    return _is_new(card) and _is_in_a_roundup(db, board, call, card.place)  # as became clear after it was marked


def _is_in_a_roundup(db: sqlite3.Connection, board: Board, call: Call, place: str) -> bool:
    """By the settings, or because one that they do not ask for any more stands there."""
    if board.routing.roundup(call, place, board.now()) is not None:
        return True
    if call.state is not State.ENDED or ended_at(call) > board.now() - roundups.SETTLE_SECONDS:
        return False  # none can be there yet
    return roundups.has_told(db, place, call, _listed(board, call))


def _listed(board: Board, call: Call) -> str:
    return call.line if board.settings.line(call.line) else ""


def _slack_call(db: sqlite3.Connection, board: Board, card: Card) -> Message | None:
    call = calls.get(db, card.subject)
    if call is None or (call.state is State.ENDED and not card.ts):
        return None  # taken in by another call, or over before it could be posted
    told = msgspec.json.decode(card.body or b"{}")
    return slack_call_card(told["slack_id"], told["title"], join_url(board))


def _missed(db: sqlite3.Connection, board: Board, card: Card) -> Message | None:
    row = missed.get(db, card.subject)
    if row is None or row.place != card.place:
        return None  # answered by a colleague after all; or of a line with another channel, as was told later
    if not row.open and _is_new(card) and board.routing.quiet_until(card.place, row.closed_at):
        return None  # dealt with before the channel was to hear of it
    row = replace_row(row, line=board.settings.label(row.line))
    history = _earlier(db, board, card.place, row.number, row.opened_at, 10)
    attempts = missed.call_ids(db, row.id)
    tries = [call for call_id, _ in attempts if (call := calls.get(db, call_id)) is not None]
    return missed_card(
        row,
        calls=attempts,
        contact=_contact(db, row.number),
        last_rep=last_rep(history),
        now=board.now(),
        zone=_zone(db, board, card.place),
        masked=masks(board.settings, card.place),
        closing=calls.get(db, row.closed_call) if row.closed_call else None,
        voicemail=any(call.outcome is Outcome.VOICEMAIL for call in tries),
    )


def _reminder(db: sqlite3.Connection, board: Board, card: Card, told: dict[str, Any]) -> Message:
    due_at = ledger.reminder_of(db, told["reminder"], card.place[1:])
    return notice_card(put_off(told, due_at, board.now(), _zone(db, board, card.place)))


def _escalation(db: sqlite3.Connection, board: Board, card: Card, told: dict[str, Any]) -> Message | None:
    row = missed.get(db, told["missed"])
    if row is None:
        return None  # answered by a colleague after all
    reader = card.place[1:]
    shown = since_then(
        told,
        replace_row(row, line=board.settings.label(row.line)),
        calls.get(db, row.closed_call) if row.closed_call else None,
        _contact(db, row.number),
        board.now(),
        _zone(db, board, card.place),
        reader=reader,
        manages=board.settings.role(reader) != "rep",
    )
    if shown is not told and _is_new(card):
        return None  # somebody was faster than Slack, or has deleted it: of what is dealt with nobody need be told
    return notice_card({**shown, "text": board.settings.renamed(str(shown["text"]))})


def _is_new(card: Card) -> bool:
    """Slack does not show it, as far as is known."""
    return not card.ts and not card.posting_at


def _roundup(db: sqlite3.Connection, board: Board, card: Card) -> Message | None:
    found = msgspec.json.decode(card.body or b"", type=Roundup)
    settings = board.settings
    others = roundups.told_elsewhere(db, found)
    told = []
    for call in roundups.calls_of(db, found.start, found.end, card.place):
        line = _listed(board, call)
        if found.tells_of(call, line) and not any(other.tells_of(call, line) for other in others):
            told.append(call)
    shown = newest(told)
    reps = tuple(call.rep for call in shown if call.rep)
    reading = Reading(
        contacts={call.number: contact for call in shown if (contact := _contact(db, call.number)) is not None},
        names={user: person.name for user, person in people.people(db, reps).items()},
        waiting={call.id: who for call in told if call.missed and (who := roundups.waiting(db, call.id))},
        labels={line.number: line.label for line in settings.lines if line.label},
        now=board.now(),
        zone=settings.zone,
        masked=masks(settings, card.place),
        command=settings.commands["calls"],
    )
    return roundup_card(found, told, reading)


def _batch(db: sqlite3.Connection, board: Board, card: Card) -> Message | None:
    batch = campaigns.get(db, card.subject)
    if batch is None:
        return None
    samples = {state: campaigns.some(db, batch.id, state, SAMPLES) for state in ("ready", *WORDS)}
    return batch_card(
        batch,
        campaigns.counts(db, batch.id),
        campaigns.hours(db, batch.id),
        samples,
        _zone(db, board, card.place),
        approvers=approval.names(board.settings, batch.by),
    )


def _contact_import(db: sqlite3.Connection, board: Board, card: Card) -> Message | None:
    found = contact_imports.get(db, card.subject)
    if found is None:
        return None
    counts = contact_imports.counts(db, found)
    samples = {fate: contact_imports.some(db, found.id, fate, CONTACTS) for fate in FATES if fate != "unchanged"}
    left_out = contact_imports.refused(db, found.id, LEFT_OUT)
    replaced = contact_imports.replaced(db, found.id) if found.state == "preview" else ""
    return import_card(found, counts, samples, left_out, _zone(db, board, card.place), replaced)


def _calling_list(db: sqlite3.Connection, board: Board, card: Card) -> Message | None:
    found = lists.get(db, card.subject)
    if found is None:
        return None
    now = board.now()
    reps = [rep.user for rep in lists.reps(db, found.id)]
    return list_card(
        found,
        lists.progress(db, found.id, now, now - PACE_SECONDS),
        reps,
        calling_lists.unlinked(db, reps),
        lists.hours(db, found.id),
        {state: lists.some(db, found.id, state, SAMPLES) for state in ("ready", *LISTED)},
        now,
        _zone(db, board, card.place),
        approvers=approval.names(board.settings, found.by),
    )


def _offer(db: sqlite3.Connection, board: Board, card: Card) -> Message | None:
    list_id, user, shown = card.subject.split(":")
    found, rep = lists.get(db, list_id), offers.rep(db, list_id, user)
    if found is None or rep is None or rep.shown != int(shown):
        return None  # the list is forgotten, or its card was moved down
    row, limits = offers.held(db, list_id, user), rules(board)
    return offer_card(
        found,
        rep,
        _known(db, board, user, row) if row else None,
        offers.left(db, list_id, board.now()),
        offers.done(db, list_id, user),
        limits.window_of(row.number) if row else limits.window,
        board.now(),
        _zone(db, board, card.place),
    )


def _known(db: sqlite3.Connection, board: Board, user: str, row: Offer) -> Known:
    call = calls.get(db, row.call_id) if row.call_id else None
    facts = msgspec.json.decode(row.variables, type=dict[str, str])
    company = next((value for name, value in facts.items() if name.casefold() == "company"), "")
    return Known(
        row=row,
        call=call,
        contact=_contact(db, row.number) or Contact(row.number, row.name, company),
        title=board.title(call.account) if call else "",
        history=[
            (one, one.rep != user and masks_from(board.settings, board.routing.place(one), user))
            for one in _earlier(db, board, f"@{user}", row.number, board.now(), HISTORY)
        ],
        zones=zones_of(row.number),
        tries_left=tries.left(db, row) if row.state == "calling" else 0,
    )


def _voice_message(db: sqlite3.Connection, board: Board, card: Card) -> Message | None:
    batch = messages.get(db, card.subject)
    if batch is None:
        return None
    results = messages.results(db, batch.id)
    provider = board.providers.get(batch.account)
    call = results[0][1]
    recording = call is not None and is_left(board, call) and may_listen(board, card.place[1:], call)
    return voicemsg_card(
        batch,
        msgspec.json.decode(batch.body, type=Said),
        results,
        account_title=board.title(batch.account),
        now=board.now(),
        zone=_zone(db, board, card.place),
        can_hang_up=provider is not None and call is not None and "hang_up" in provider.controls(call),
        recording=recording,
        approvers=approval.names(board.settings, batch.by),
    )


def _earlier(db: sqlite3.Connection, board: Board, place: str, number: str, before: float, limit: int) -> list[Call]:
    """The last calls with a number, latest first, of which whoever sees that place may know: what was said in a private
    channel is not read outside of it, nor what was said on somebody's own extension."""
    if not number:
        return []
    reader = place[1:] if place.startswith("@") else ""
    manager = bool(reader) and board.settings.role(reader) != "rep"
    closed = channels.closed_to(db, reader)

    def told(call: Call) -> bool:
        where = calls.place_of(db, call.id)
        theirs = where == place or (call.rep == reader and bool(reader))
        return manager or theirs or channels.is_open(where, reader, closed)

    return list(islice(filter(told, calls.with_number(db, number, before, _LOOKED_AT)), limit))


def _contact(db: sqlite3.Connection, number: str) -> Contact | None:
    return lookups.known(db, number) if number else None


def _zone(db: sqlite3.Connection, board: Board, place: str) -> str:
    """A person's own zone in their own conversation, the installation's in channels."""
    return board.zone_of(db, place[1:]) if place.startswith("@") else board.settings.zone
