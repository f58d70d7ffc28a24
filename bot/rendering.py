"""A card row -> what it should show now. Reads the state, leaves the drawing to `bot.cards`."""

import sqlite3
from dataclasses import replace as replace_row

import msgspec
from msgspec.structs import replace

from bot.board import Board
from bot.cards import Message
from bot.cards.call import call_card
from bot.cards.cdr import cdr_card
from bot.cards.digest import digest_card
from bot.cards.incoming import incoming_card
from bot.cards.missed import missed_card
from bot.cards.notice import notice_card
from bot.events import Call, Outcome
from bot.routing import masks
from bot.store import calls, ledger, missed, people
from bot.store.cards import Card
from bot.store.people import Contact


async def render(board: Board, card: Card) -> Message | None:
    """What the card should show; None = nothing (any more)."""
    if card.kind == "notice":
        return notice_card(msgspec.json.decode(card.body or b"{}"))
    if card.kind == "digest":
        return digest_card(msgspec.json.decode(card.body or b"{}"))
    if card.kind == "missed":
        return await board.read(_missed, board, card)
    return await board.read(_call, board, card)


def _call(db: sqlite3.Connection, board: Board, card: Card) -> Message | None:
    call = calls.get(db, card.subject)
    if call is None:
        return None  # taken in by another call
    call = replace(call, line=_label(board, call.line))
    zone = _zone(db, board, card.place)
    contact = _contact(db, call.number)
    now = board.now()
    masked = masks(board.settings, card.place)
    provider = board.providers.get(call.account)
    title = provider.title if provider else call.account
    if card.kind == "incoming":
        history = calls.with_number(db, call.number, call.started_at) if call.number else []
        return incoming_card(
            call, contact=contact, history=history, last_rep=last_rep(history), now=now, zone=zone, masked=masked
        )
    if card.kind == "cdr":
        return cdr_card(call, contact=contact, account_title=title, now=now, zone=zone, masked=masked)
    return call_card(
        call,
        contact=contact,
        account_title=title,
        can_hang_up=provider is not None and provider.can_hang_up(call),
        now=now,
        zone=zone,
        own=card.place.startswith("@"),
        masked=masked,
        reminder_at=ledger.reminder_of(db, call.id),
    )


def _missed(db: sqlite3.Connection, board: Board, card: Card) -> Message | None:
    row = missed.get(db, card.subject)
    if row is None:
        return None  # answered by a colleague after all
    row = replace_row(row, line=_label(board, row.line))
    history = calls.with_number(db, row.number, row.opened_at, 10) if row.number else []
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


def last_rep(history: list[Call]) -> str:
    """Slack user id of who spoke with them last, "" = nobody; `history` latest first."""
    return next((call.rep for call in history if call.conversation and call.rep), "")


def _label(board: Board, number: str) -> str:
    """A line's name where it has one: people know "Sales", not its number."""
    line = board.settings.line(number)
    return (line.label if line else "") or number


def _contact(db: sqlite3.Connection, number: str) -> Contact | None:
    return people.contact(db, number) if number else None


def _zone(db: sqlite3.Connection, board: Board, place: str) -> str:
    """A person's own zone in their own conversation, the installation's in channels."""
    return (people.person(db, place[1:]).zone if place.startswith("@") else "") or board.settings.zone
