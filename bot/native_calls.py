"""Calls as Slack's own call objects (`calls.*`), where a rep has a page to join by: the web phone.

Slack: https://docs.slack.dev/apis/web-api/using-the-calls-api. What Slack shall know is a function of the stored call;
a row of `slack_calls` says what it was told. `calls.add` has no way to ask afterwards what became of it, so it has one
chance per call: an answer that was lost is not asked for again, and the call keeps its plain card. Everything later may
be said twice, because Slack answers a repeat with `bad_users` or `inactive_call`.
"""

import asyncio
import json
import logging
from dataclasses import dataclass, field
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.board import Board
from bot.call import Call
from bot.cards import who_plain
from bot.events import REP, THIRD, State
from bot.numbers import pretty
from bot.phone_page import join_url
from bot.slack_api import Limited, Unanswered, ask, code_of
from bot.store import calls, cards, lookups, slack_calls, web_phones
from bot.store.slack_calls import ADDED, ENDED, LOST, REFUSED, SlackCall

log = logging.getLogger("callboard.native")

PROBLEM = "Slack calls"
_FIXES = {
    "missing_scope": "The app lacks the scope calls:write: install it again from manifest.yml",
    "not_implemented": "Slack does not offer them to this workspace",
    "not_allowed_token_type": "Slack does not offer them to this kind of app",
}
_KNOWN_ALREADY = ("bad_users", "inactive_call")
"""Slack's codes for what it was told before."""
Person = dict[str, str]


@dataclass
class NativeCalls:
    """Keeps Slack's call objects true. `client`: must not retry by itself, as in the feed."""

    board: Board
    client: AsyncWebClient
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _free_at: float = 0

    def watch(self) -> None:
        """Follow every call that a rep placed."""
        if self.board.settings.slack_calls:
            self.board.followers.append(self._follow)

    def _follow(self, call: Call) -> None:
        if call.rep and call.rep_phone and call.state in (State.TALKING, State.ENDED):
            self.board.spawn(self.step(call.id), _failed)

    async def recover(self) -> None:
        """At start, before anything is added: what a crash cut off is not done a second time."""
        if await self.board.write(slack_calls.lose):
            log.warning(
                "Callboard was stopped while Slack was asked for a call object; that call keeps its plain card."
            )

    async def sweep(self) -> None:
        """What had to wait, or happened while nobody watched; called now and then."""
        due = await self.board.read(slack_calls.open_ids)
        if self.board.settings.slack_calls:
            talking = await self.board.read(calls.open_calls)
            due += [call.id for call in talking if call.state is State.TALKING and call.id not in due]
        for call_id in due:
            await self.step(call_id)

    async def step(self, call_id: str) -> None:
        """Tell Slack what it does not know yet of one call."""
        async with self._turn:
            if self.board.now() < self._free_at:
                return
            row = await self.board.read(slack_calls.get, call_id)
            call = await self.board.read(calls.get, call_id)
            try:
                if row is None and call is not None and call.state is State.TALKING:
                    await self._add(call)
                elif row is not None and row.state == ADDED:
                    if call is None or call.state is State.ENDED:  # None: taken in by another call
                        await self._end(row, call)
                    else:
                        await self._mirror(row, call)
            except Limited as limit:
                self._free_at = self.board.now() + limit.seconds
            except (Unanswered, OSError) as error:
                log.warning("Slack could not be told of call %s (%s); it is told again.", call_id, type(error).__name__)

    async def _add(self, call: Call) -> None:
        place, above = f"@{call.rep}", await self.board.read(cards.find, "call", call.id)
        if above is None or call.purpose != "call" or not await self._has_page(call.rep):
            return
        title, there = await self._told(call)
        if not await self.board.write(slack_calls.begin, call.id, title, _json(there)):
            return
        try:
            answer = await ask(
                self.client.calls_add,
                external_unique_id=call.id,
                external_display_id=pretty(call.number) or None,
                join_url=join_url(self.board),
                created_by=call.rep,
                date_start=int(call.answered_at or call.started_at),
                title=title,
                users=there,
            )
        except Unanswered:
            log.warning("Slack did not say whether it has call %s; it is not added twice and keeps its card.", call.id)
            await self.board.write(slack_calls.close, call.id, LOST)
        except (Limited, OSError):
            await self.board.write(slack_calls.give_back, call.id)
            raise
        except SlackApiError as error:
            await self.board.write(slack_calls.close, call.id, REFUSED)
            code = code_of(error) or str(error)
            why = _FIXES.get(code, f"Slack refused one ({code})")
            text = f"Calls could not be shown as Slack calls; they have plain cards. {why}, or set slack_calls = false."
            await self.board.problem(PROBLEM, text)
        else:
            slack_id = str(answer["call"]["id"])
            body = _json({"card": above.id, "slack_id": slack_id, "title": title})
            await self.board.write(slack_calls.added, call.id, slack_id, place, self.board.now(), body)
            await self.board.solved(PROBLEM)

    async def _mirror(self, row: SlackCall, call: Call) -> None:
        title, there = await self._told(call)
        if row.title == title and row.people == _json(there):
            return
        known: list[Person] = json.loads(row.people)
        come = [person for person in there if _id(person) not in map(_id, known)]
        gone = [person for person in known if _id(person) not in map(_id, there)]
        if come:
            await self._say(self.client.calls_participants_add, id=row.slack_id, users=come)
        if gone:
            await self._say(self.client.calls_participants_remove, id=row.slack_id, users=gone)
        if title != row.title:
            await self._say(self.client.calls_update, id=row.slack_id, title=title)
        await self.board.write(slack_calls.told, call.id, title, _json(there))

    async def _end(self, row: SlackCall, call: Call | None) -> None:
        """Once: what was ended already is `inactive_call`."""
        duration = {"duration": call.talk_seconds} if call is not None and call.talk_seconds else {}
        await self._say(self.client.calls_end, id=row.slack_id, **duration)
        await self.board.write(slack_calls.close, row.call_id, ENDED)

    async def _say(self, method: Any, **arguments: Any) -> None:
        try:
            await ask(method, **arguments)
        except SlackApiError as error:
            code = code_of(error) or str(error)
            if code not in _KNOWN_ALREADY:
                text = f"A Slack call could not be kept up to date, so it may show less than its card: {code}."
                await self.board.problem(PROBLEM, text)

    async def _has_page(self, rep: str) -> bool:
        phone = await self.board.read(web_phones.get, rep)
        provider = self.board.providers.get(phone.account) if phone is not None else None
        return bool(self.board.settings.public_url and provider is not None and provider.web_phone())

    async def _told(self, call: Call) -> tuple[str, list[Person]]:
        """(title, participants) as Slack shall show them."""
        contact = await self.board.read(lookups.known, call.number) if call.number else None
        party = who_plain(call.number, call.name, contact)
        return f"Call with {party}", participants(call, party)


def participants(call: Call, party: str) -> list[Person]:
    """Who is on a call that is talked on, as Slack's `users`. `party`: the outside party in plain text."""
    legs = {leg.name: leg for leg in call.legs}
    left = REP in legs and legs[REP].ended_at > 0
    there: list[Person] = [] if left else [{"slack_id": call.rep}]
    there.append({"external_id": f"{call.id}:customer", "display_name": party})
    for leg in call.legs:
        if leg.name.startswith(THIRD) and leg.answered_at and not leg.ended_at:
            name = pretty(leg.name.removeprefix(THIRD))
            there.append({"external_id": f"{call.id}:{leg.name}", "display_name": name})
    return there


def _id(person: Person) -> str:
    return person.get("slack_id") or person["external_id"]


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


async def _failed(error: Exception) -> None:
    log.error("A Slack call could not be kept up to date.", exc_info=error)
