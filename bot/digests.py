"""Digests that fall due: figures of the period, written into the ledger and the feed in one transaction.

Sent once per period and channel whatever happens: down time, a crash in the middle, clocks that change. A digest that
is to have a picture waits for it in the feed, already written down, for some seconds: see `bot/pictures.py`.
"""

import asyncio
import sqlite3
from collections.abc import Iterable, Set
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from bot import digest_words
from bot.board import Board
from bot.cards import sentence
from bot.digest import Figures, Row, figures, usual
from bot.numbers import masked
from bot.periods import Period, Subscription, from_the_last, periods_due, weeks_before
from bot.pictures import Pictures
from bot.routing import masks, masks_from
from bot.settings import Settings
from bot.store import channels, ledger, people
from bot.store import figures as queries

_UNTIL = "digest until "
"""Where the last digest of a channel ended is kept under this; channel and kind follow."""


async def due(board: Board, pictures: Pictures | None = None) -> None:
    """Write every digest that is due and not in the ledger yet. `pictures`: None = they have none."""
    now = board.now()
    for channel, kind, body, since in await board.read(ledger.subscriptions):
        if channel.startswith("@") and board.turned_away(channel[1:]):
            continue  # a guest by now
        subscription = msgspec.json.decode(body, type=Subscription)
        moments = datetime.fromtimestamp(since, UTC), datetime.fromtimestamp(now, UTC)
        for period in periods_due(subscription, *moments):
            if await board.read(ledger.digest_sent, channel, kind, period.key, now):
                continue
            last = await board.read(ledger.recall, f"{_UNTIL}{channel} {kind}")
            last_end = float(last[0]) if last and last[1] <= now else 0.0  # a clock that was ahead told of nothing yet
            if period.end <= last_end:
                continue  # of a day that was not its own before it was moved, and has been told of
            period = from_the_last(period, subscription, last_end)
            content = await payload(board, period, subscription.zone, channel)
            wait = pictures.seconds_for(content) if pictures else 0.0
            card, due_at = msgspec.json.encode(content), board.now() + wait
            sent = await board.write(_send, (channel, kind, body, since), period, card, now, due_at)
            if pictures and wait and sent:
                pictures.begin(channel, ledger.digest_subject(kind, period.key), content)


def _send(
    db: sqlite3.Connection,
    subscription: tuple[str, str, bytes, float],
    period: Period,
    card: bytes,
    now: float,
    due_at: float,
) -> bool:
    """False: it was sent before, or somebody has stopped or moved the digests of that channel while it was counted."""
    channel, kind, *_ = subscription
    if subscription not in ledger.subscriptions(db, channel):
        return False
    sent = ledger.send_digest(db, channel, kind, period.key, card, now, due_at)
    if sent:
        ledger.remember(db, f"{_UNTIL}{channel} {kind}", str(period.end), now)
    return sent


async def payload(board: Board, period: Period, zone: str, place: str, reader: str = "") -> dict[str, Any]:
    """What `cards.digest.digest_card` shows for a period, as of now. `reader`: who alone sees it, "" = all there."""
    reader = place[1:] if place.startswith("@") else reader
    found = await board.read(_figures, period, zone, board.now())
    if reader and board.settings.role(reader) == "rep":
        found = await board.read(_for_rep, board.settings, found, reader)
    # In a thread as well: the words of a busy week take some milliseconds.
    return await asyncio.to_thread(_content, board.settings, found, place, reader)


def _content(settings: Settings, found: Figures, place: str, reader: str) -> dict[str, Any]:
    labels = {line.number: line.label for line in settings.lines if line.label}
    lines = tuple(replace(line, line=labels.get(line.line, line.line)) for line in found.lines)
    return content(replace(found, lines=lines), mask=_masks(settings, place, reader))


def _masks(settings: Settings, place: str, reader: str) -> bool:
    """A digest is of all lines: where a rep alone sees it, it shows no more than the strictest of their channels."""
    shown = {settings.channel, *(line.channel for line in settings.lines)}
    return masks(settings, place) or (bool(reader) and any(masks_from(settings, one, reader) for one in shown))


def _for_rep(db: sqlite3.Connection, settings: Settings, found: Figures, user: str) -> Figures:
    """Who called a line with a private channel, or a colleague's own extension, is theirs to know."""
    theirs = {*channels.open_to(db, user, settings.channels), ""}
    places = queries.places(db, found.period.start, found.period.end)
    known = {number for number, place in places if place in theirs}
    shown = (one if one.number in known else replace(one, number=masked(one.number)) for one in found.waiting)
    return replace(found, waiting=tuple(shown))


def _figures(db: sqlite3.Connection, period: Period, zone: str, as_of: float) -> Figures:
    """Runs in a reader's thread: a month of a busy team takes longer than the event loop may be held up."""

    def name(user: str) -> str:
        return people.person(db, user).name or f"<@{user}>"

    def returns(numbers: Set[str]) -> Iterable[Row]:
        return queries.returns(db, numbers, period.start, as_of)

    calls = queries.rows(db, period.start, period.end)
    before = usual(queries.counts(db, *week) for week in weeks_before(period, zone))
    return replace(figures(calls, returns, period, zone, name, as_of), usual=before)


def content(found: Figures, *, mask: bool) -> dict[str, Any]:
    """Figures -> the digest card's payload."""
    pieces = digest_words.lines(found, mask=mask)
    # Columns must line up: runs of ordinary spaces may be folded where it is shown.
    chart = "\n".join(f"`{line}`" for line in pieces.chart.replace(" ", "\N{NO-BREAK SPACE}").splitlines())
    sections = [_words(pieces.totals), _words(pieces.missed)]
    for heading, rows in (("By person", pieces.reps), ("By line", pieces.lines)):
        if rows:
            sections.append(f"*{heading}*\n{_words(rows)}")
    told: dict[str, Any] = {
        "title": "Call digest",
        "text": f"Call digest\n{digest_words.words(found, mask=mask)}",
        "lines": [sentence(pieces.title), *(part for part in sections if part)],
        "as_of": pieces.as_of,
    }
    if bars := digest_words.bars(found):
        busiest, alt = sentence(pieces.busiest), digest_words.picture_words(found)
        above = f"*By hour*\n{busiest}"
        told["by_hour"] = {"chart": f"*By hour*\n{chart}\n{busiest}", "above": above, "alt": alt, "bars": bars}
    return told


def _words(rows: tuple[str, ...]) -> str:
    """Lines of text with everything from outside (names at the provider) made harmless."""
    return "\n".join(sentence(row) for row in rows)


def midnight(board: Board, zone: str) -> float:
    """When today began in that zone, seconds since 1970 UTC."""
    day = datetime.fromtimestamp(board.now(), ZoneInfo(zone)).date()
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).timestamp()
