"""Abandoned calls of campaigns that a phone service dials by itself: somebody picked up, and nobody was free for them.

The USA allows 3 of 100 that are picked up, for each campaign and 30 days; the United Kingdom the same in 24 hours.
They are counted when another one is told of, and before it is too many the campaign is stopped, where the service can
stop it, or those who can do it by hand are told. Nothing that Callboard itself dials is ever abandoned: the rep's own
phone rings first.
"""

import sqlite3
from datetime import UTC, datetime

from bot import campaigns
from bot.board import Board, notice
from bot.call import Call
from bot.cards import plain
from bot.cards.campaign import share
from bot.cards.times import counted
from bot.errors import CallboardError
from bot.events import Outcome
from bot.limits import day_start
from bot.permission import rules
from bot.store import campaigns as store
from bot.store import cards, ledger

LEAST = 3
"""So many are abandoned before a share says anything: of ten people one is ten of a hundred."""


class Abandoned:
    """Called now and then: the campaigns of whose calls another was abandoned since."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._told: set[tuple[str, str]] = set()
        board.followers.append(self._follow)

    def _follow(self, call: Call) -> None:
        if call.direction == "out" and call.outcome is Outcome.ABANDONED and not call.rep_phone:
            self._told.add((call.account, call.number))

    async def __call__(self) -> None:
        told, self._told = self._told, set()
        if not self._board.settings.policy.abandoned_percent:
            return
        found = {
            (account, *one) for account, n in told for one in await self._board.read(store.with_number, account, n)
        }
        for account, campaign, name in sorted(found):
            await _judge(self._board, account, campaign, name)


async def _judge(board: Board, account: str, campaign: str, name: str) -> None:
    policy, now = board.settings.policy, board.now()
    since = now - policy.abandoned_days * 86400
    abandoned, picked_up = await board.read(store.abandoned, account, campaign, since)
    if abandoned < LEAST or 100 * abandoned <= policy.abandoned_percent * picked_up:
        return
    stopped, how = False, ""
    if policy.abandoned_stops:
        try:
            stopped = await _stop(board, account, campaign, f"{abandoned} of {picked_up} abandoned")
        except CallboardError as error:
            how = f"Stopping it did not work: {plain(str(error), 300)} Stop it by hand. "
        else:
            if not stopped:
                return  # nobody is dialled any more
            how = "It was stopped. "
    day = day_start(rules(board), datetime.fromtimestamp(now, UTC)).timestamp()
    subject = f"abandoned:{account} {campaign}:{now if stopped else day}"
    words = (
        f"{abandoned} calls of {picked_up} that were picked up in {counted(policy.abandoned_days, 'day')} in the "
        f"campaign {plain(name)} met nobody who was free: {share(abandoned, picked_up)}, and `abandoned_percent` "
        f"allows {policy.abandoned_percent:g} %. {how}Let it dial fewer at the same moment, with *Strategy…* of "
        "`/campaign show`: with one call for each free member nobody meets nobody."
    )
    body = notice(board.settings.renamed(words))

    def tell(db: sqlite3.Connection) -> None:
        for user in dict.fromkeys((*board.settings.managers, *board.settings.admins)):
            if f"@{user}" not in cards.places(db, "notice", subject):
                cards.mark(db, "notice", subject, f"@{user}", now, body)

    await board.write(tell)


async def _stop(board: Board, account: str, campaign: str, why: str) -> bool:
    """False: it does not run.

    Raises:
        Unsupported, Refused, Unavailable, Ambiguous, NotFound: the service's answer.
    """
    found = await campaigns.by_value(board, f"{account} {campaign}")
    if found.campaign.state not in ("running", "unknown"):
        return False
    await found.provider.stop_campaign(found.campaign.code)
    told = f"{account}: {found.campaign.name} {why}"
    await board.record(ledger.audit, board.now(), "", "stop campaign", found.campaign.name, told)
    return True
