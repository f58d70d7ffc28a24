"""App Home: my live calls, the callbacks I owe, my numbers of today, health."""

import hashlib
import json
import logging
import sqlite3
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from slack_bolt.async_app import AsyncApp

from bot import digests, linking
from bot.board import Board
from bot.cards import duration
from bot.cards.home import home_view, turned_away
from bot.controlling import controls_of
from bot.outsiders import WORDS
from bot.routing import masks_from
from bot.slack_api import UNREACHED, code_of
from bot.store import calling_lists, calls, campaigns, figures, ledger, lookups, missed, offers, people
from handlers import Click, Desk, let_in, on_actions
from handlers.calls import open_call_modal
from handlers.phone import open_phone_modal

log = logging.getLogger("callboard.home")

KEPT_FRESH_SECONDS = 24 * 3600
"""How long after it was last opened a Home is kept up to date."""
_PER_ROUND = 20
_REMINDERS_SHOWN = 5
_DOWN = ("", "ratelimited", "internal_error", "fatal_error", "service_unavailable", "request_timeout")
"""Slack's codes that say nothing about the Home in question; "" = it was not reached."""


def register(app: AsyncApp, desk: Desk) -> None:
    """All listeners of this feature."""

    async def opened(event: dict[str, Any]) -> None:
        if event.get("tab", "home") != "home":
            return
        user = event["user"]

        async def show() -> None:
            if not await let_in(desk, user):
                await desk.slack.views_publish(user_id=user, view=turned_away(WORDS))
                return
            await desk.board.write(people.opened_home, user, desk.board.now())
            await publish(desk, user)

        desk.board.spawn(show(), failed(user))

    def done(click: Click) -> None:
        """Whoever presses something in their Home sees there what became of it, and does not press again."""
        if click.view.get("type") == "home":
            desk.board.spawn(publish(desk, click.user), failed(click.user))

    def failed(user: str) -> Callable[[Exception], Coroutine[Any, Any, None]]:
        async def told(error: Exception) -> None:  # it comes with the next round
            log.warning("The Home of %s could not be shown: %s", user, type(error).__name__)

        return told

    app.event("app_home_opened")(opened)
    desk.afterwards.append(done)
    on_actions(app, desk, "home", {"call": (_start_call, None), "phone": (open_phone_modal, None)})


async def _start_call(desk: Desk, click: Click) -> None:
    await open_call_modal(desk, click)


async def publish(desk: Desk, user: str) -> None:
    """Show a person's Home as it is now."""
    view = await desk.board.read(_view, desk.board, user)
    await desk.slack.views_publish(user_id=user, view=view)


class Homes:
    """Keeps opened Homes up to date: publishes those whose content has changed."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._shown: dict[str, str] = {}

    async def __call__(self) -> None:
        """One round; at most 20 a time, to stay within Slack's limits. Whose turn was longest ago comes first."""
        board = self.desk.board
        opened = await board.read(people.homes, board.now() - KEPT_FRESH_SECONDS)
        users = [user for user in opened if not board.turned_away(user)]
        turns = {user: turn for turn, user in enumerate(self._shown)}
        self._shown = {user: shown for user, shown in self._shown.items() if user in set(users)}
        published = 0
        for user in sorted(users, key=lambda user: turns.get(user, -1)):
            view = await board.read(_view, board, user)
            if self._shown.get(user) == _fingerprint(view):
                continue
            if published == _PER_ROUND:
                break
            published += 1
            try:
                await self.desk.slack.views_publish(user_id=user, view=view)
            except UNREACHED as error:
                log.warning("The Home of %s could not be refreshed: %s", user, type(error).__name__)
                if code_of(error) in _DOWN:
                    return  # the others would not fare better
            # One that Slack refuses (a person who left, say) must not hold up the others: tried again when it changes.
            self._shown.pop(user, None)
            self._shown[user] = _fingerprint(view)


def _view(db: sqlite3.Connection, board: Board, user: str) -> dict[str, Any]:
    person = people.person(db, user)
    shown = replace(
        person,
        line=board.settings.label(linking.seen_line(board, person)),
        account=board.title(person.account),
    )
    zone = person.zone or board.settings.zone
    role = board.settings.role(user)
    live = [call for call in calls.open_calls(db) if call.rep == user and call.purpose != "message"]
    owed = [replace(one, line=board.settings.label(one.line)) for one in missed.owed_by(db, user)]
    mine = figures.today(db, user, digests.midnight(board, zone))
    later = ledger.reminders_of(db, user)
    broken = [board.settings.renamed(text) for _, text, *_ in ledger.problems(db)]
    return home_view(
        live=live,
        owed=owed,
        today={
            "Calls I made": mine["made"],
            "Answered": mine["connected"],
            "Talk time": duration(mine["talk_seconds"]),
            "Waiting for a call back": len(owed),
        },
        person=shown,
        problems=broken,
        health=[
            "Everything works." if not broken else "Something is broken; the admins know.",
            *(notice for one in board.providers.values() if role != "rep" for notice in one.notices()),
        ],
        is_admin=role == "admin",
        now=board.now(),
        zone=zone,
        controls=lambda call: controls_of(board, call),
        names=lambda number: getattr(lookups.known(db, number), "name", "") if number else "",
        masked=frozenset(
            one.id for one in owed if one.claimed_by != user and masks_from(board.settings, one.place, user)
        ),
        mine=[
            (one, offers.left(db, one.id, board.now())[0] + (offers.held(db, one.id, user) is not None))
            for rep in offers.of(db, user)
            if (one := calling_lists.get(db, rep.list)) is not None
        ],
        reminders=[
            (call, due_at, call.rep != user and masks_from(board.settings, board.routing.place(call), user))
            for call_id, due_at in later[:_REMINDERS_SHOWN]
            if (call := calls.get(db, call_id)) is not None
        ],
        reminders_left=len(later) - _REMINDERS_SHOWN,
        lists=[(one, campaigns.counts(db, one.id)) for one in campaigns.open_lists(db)] if role != "rep" else (),
    )


def _fingerprint(view: dict[str, Any]) -> str:
    # "As of" alone is no reason to publish again.
    blocks = [block for block in view["blocks"] if block.get("block_id") != "home:as_of"]
    return hashlib.blake2s(json.dumps(blocks, sort_keys=True).encode(), digest_size=16).hexdigest()
