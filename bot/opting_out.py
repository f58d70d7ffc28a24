"""Whoever is to be called no more is taken out of the campaigns that they wait in at a phone service.

It dials them by itself, so nobody of ours is asked again. What they were added to is written down with the do-not-call
entry (`bot/store/opt_outs.py`); removing dials nobody, so what did not work is simply done again.
"""

import sqlite3
from collections.abc import Iterable
from itertools import groupby

from bot import campaigns
from bot.board import Board, notice
from bot.call import Call
from bot.campaigns import Found
from bot.cards import plain, who
from bot.errors import Ambiguous, CallboardError, NotFound, Refused, Unavailable
from bot.store import cards, ledger, opt_outs
from bot.store.opt_outs import Waiting

PATIENCE_SECONDS = 10.0
"""So long a round waits for a phone service; one that is slower goes on by itself."""
LATE_SECONDS = 900.0
"""After so long whoever could do it by hand is told."""


def asked(db: sqlite3.Connection, board: Board, call: Call, user: str, *, masked: bool = False) -> None:
    """Somebody asked in a call not to be called again, as whoever talked with them says, who is told what it did.

    `masked`: they are not shown the number.
    """
    if not call.number.startswith("+"):
        return  # withheld, or a colleague's extension
    if opt_outs.opt_out(db, call.number, "asked for it in a call", user, board.now(), call.id):
        words = (
            f"{who(call.number, call.name, masked=masked)} is on the do-not-call list now: nobody here calls them any "
            "more, and no voice message or list does. If that was a slip, a manager takes them off with "
            "`/callboard dnc remove`."
        )
        body = notice(board.settings.renamed(words))
        cards.mark(db, "notice", f"opted out:{call.id}", f"@{user}", board.now(), body)


async def due(board: Board) -> None:
    """Remove whoever waits yet, campaign by campaign."""
    found = groupby(await board.read(opt_outs.waiting), lambda one: (one.account, one.campaign))
    await board.together([_campaign(board, list(some)) for _, some in found], PATIENCE_SECONDS)


async def _campaign(board: Board, some: list[Waiting]) -> None:
    mark = f"opting out {some[0].account} {some[0].campaign}"
    if mark in board.acting:
        return
    board.acting[mark] = "removing calls"
    try:
        await _remove(board, some)
    except (Unavailable, Ambiguous) as error:
        late = [one for one in some if board.now() - one.at > LATE_SECONDS]
        await board.write(_tell, board, late, str(error))
    except NotFound:
        await board.write(_done, some)  # the campaign is gone, and what waited in it
    except CallboardError as error:
        await board.write(_give_up, board, some, str(error))
    finally:
        del board.acting[mark]


async def _remove(board: Board, some: list[Waiting]) -> None:
    found = await campaigns.by_value(board, f"{some[0].account} {some[0].campaign}")
    there: frozenset[str] | None = None
    if found.provider.can("campaign_calls"):
        there = frozenset(call.number for call in await found.provider.campaign_calls(found.campaign.code))
    for one in some:
        if there is not None and one.number not in there:
            await board.write(_done, [one])
            continue
        try:
            await found.provider.remove_campaign_call(found.campaign.code, one.number)
        except Refused as error:
            await board.write(_give_up, board, [one], str(error))
        else:
            await board.write(_noted, board, found, one)


def _noted(db: sqlite3.Connection, board: Board, found: Found, one: Waiting) -> None:
    opt_outs.removed(db, one)
    told = f"{one.account}: {found.campaign.name}: on the do-not-call list"
    ledger.audit(db, board.now(), "", "remove campaign call", one.number, told)


def _done(db: sqlite3.Connection, some: Iterable[Waiting]) -> None:
    for one in some:
        opt_outs.removed(db, one)


def _give_up(db: sqlite3.Connection, board: Board, some: list[Waiting], why: str) -> None:
    _tell(db, board, some, why)
    _done(db, some)


def _tell(db: sqlite3.Connection, board: Board, some: Iterable[Waiting], why: str) -> None:
    """Managers, or admins where there are none, are told of each once."""
    for one in some:
        subject = f"{one.key} {one.at}"
        if cards.places(db, "notice", subject):
            continue
        words = (
            f"{who(one.number)} is on the do-not-call list and may wait in the campaign {plain(one.name)} yet, which "
            f"{board.title(one.account)} dials by itself. Taking them out did not work: {plain(why, 300)} Do it with "
            "`/campaign remove`, or on the pages of the service."
        )
        for user in board.settings.managers or board.settings.admins:
            cards.mark(db, "notice", subject, f"@{user}", board.now(), notice(board.settings.renamed(words)))
