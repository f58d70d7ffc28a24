"""Lines in the threads of a call's cards."""

import sqlite3
from collections.abc import Iterable

import msgspec

from bot.events import AnyEvent, Controlled, Guided, Heard, Played, RecordingChanged
from bot.store import cards

TOLD = (Controlled, Guided, Heard, Played, RecordingChanged)
"""What a call's card tells in its thread, a line each (`bot/cards/line.py`)."""
_write = msgspec.json.Encoder().encode


def tell(db: sqlite3.Connection, call_id: str, events: Iterable[AnyEvent], now: float) -> None:
    """Tell of what happened to a call. The same event is the same line."""
    for event in events:
        if isinstance(event, TOLD):
            cards.add_line(db, call_id, event.key, _write(event), now)


def take_back(db: sqlite3.Connection, call_id: str, events: Iterable[AnyEvent]) -> None:
    """They happened to another call."""
    for event in events:
        if isinstance(event, TOLD):
            cards.drop_line(db, call_id, event.key)
