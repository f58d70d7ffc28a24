"""Dirty cards -> Slack. The only place that posts, edits or deletes messages.

Slack has no idempotency key, so each post is bracketed by two commits: "posting" before, "shown" after. A post
whose fate is unknown (crash, dropped connection) is looked up in the channel by the nonce in its metadata
(https://docs.slack.dev/messaging/message-metadata) before anything is posted again.
"""

import asyncio
import hashlib
import json
import logging
import sqlite3
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.board import Board
from bot.cards import Message
from bot.slack_api import (
    CLOCKS_DIFFER_SECONDS,
    NO_ENTRY,
    NO_PLACE,
    NO_THREAD,
    NOBODY,
    PERHAPS,
    Limited,
    Unanswered,
    ask,
    code_of,
    messages_between,
    status_of,
)
from bot.store import cards, ledger, missed, roundups
from bot.store.cards import IN_THREAD, Card

log = logging.getLogger("callboard.feed")

METADATA = "callboard_card"
POST_SECONDS = 1.05
"""Slack allows about one post a second in a channel: https://docs.slack.dev/apis/web-api/rate-limits"""
UPDATE_SECONDS = 1.25
"""chat.update is tier 3 (50 a minute and bursts); one card is not edited more often than this."""
LINE_SECONDS = 60.0
"""So often a line is looked at whose card cannot be shown."""
GATHER_SECONDS = 0.02
"""How long marks are gathered before the next look at what is due."""
LOOK_UP_SECONDS = 3.0
"""How long after an interrupted post its message must have appeared in the channel."""
PATIENCE = 3
"""So often Slack may not answer about a card before the admins hear of it."""
AGAIN_SECONDS = 5.0
"""How long after the database failed the feed tries again."""
_RETRY = (2.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0)
_GONE = frozenset({"message_not_found", "edit_window_closed", "cant_update_message", "block_mismatch"})
_BLOCKS = "invalid_blocks"
"""Slack's code for a message that shows what it does not take; also for a picture that it does not know (any more)."""
_NO_SCOPE = (
    "cannot be written to, for the app lacks a scope: install it again from manifest.yml; `callboard check` says which "
    "is missing"
)
_HELD = frozenset({"incoming", "cdr", "missed", roundups.CARD})
"""Kinds of cards of which a channel sees no new one in its quiet hours; those that stand there are edited all the same,
which notifies nobody. What somebody asked for, a digest say, comes when it was asked for."""

Render = Callable[[Card], Awaitable[Message | None]]
"""What a card should show now; None = nothing (any more)."""


class _NotYet(Exception):
    """The card above it is not posted yet, and due at `until` (seconds since 1970 UTC). `failed`: or may be no more."""

    def __init__(self, until: float, *, failed: bool = False) -> None:
        self.until = until
        self.failed = failed


@dataclass
class Feed:
    """Shows dirty cards, one at a time per place, within Slack's limits. `run()` until cancelled.

    Attributes:
        client: must not repeat a post by itself: with Slack's default `retry_handlers` it would.
        sleep: tests inject their own.
        _asked_to_wait: place -> until when Slack wants nothing posted there, seconds since 1970 UTC.
        _posted_at: when Slack took a new message last.  _failed_at: card -> when Slack failed over it last.
        _cut_off: place that could not be posted to of late, whatever the message -> the card that has just let an older
            one go first, 0 = none.
    """

    board: Board
    client: AsyncWebClient
    render: Render
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _free_at: dict[str, float] = field(default_factory=dict)
    _asked_to_wait: dict[str, float] = field(default_factory=dict)
    _posted_at: float = 0
    _failed_at: dict[int, float] = field(default_factory=dict)
    _cut_off: dict[str, int] = field(default_factory=dict)
    _looked_at: float = 0
    _conversations: "OrderedDict[str, str]" = field(default_factory=OrderedDict)
    _busy: set[str] = field(default_factory=set)
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    async def run(self) -> None:
        """Show what is due, sleep until something is, for ever."""
        while True:
            self.board.wake.clear()
            try:
                wait = await self.step()
            except Exception:  # the database cannot be read: a feed that ended would show nothing until the next start
                log.exception("What is due could not be read.")
                await self.sleep(AGAIN_SECONDS)
                continue
            try:
                # Not wait_for(): where both come in one moment, Python 3.11's swallows the cancellation that stops us.
                async with asyncio.timeout(wait):
                    await self.board.wake.wait()
            except TimeoutError:
                continue
            await asyncio.sleep(GATHER_SECONDS)  # a burst of webhooks is looked at once, not once each

    async def stop(self, seconds: float = 5) -> None:
        """Wait for the messages that are on their way, at most so long; what is cut off is looked up at next start."""
        if self._tasks:
            _, late = await asyncio.wait(set(self._tasks), timeout=seconds)
            for task in late:
                task.cancel()

    async def step(self) -> float:
        """Start showing the next card of every place that is free. Returns seconds until there is more to do."""
        now = self.board.now()
        if now < self._looked_at:  # the clock was set back: what was counted by it would hold cards up as long
            self._free_at.clear()
            self._asked_to_wait.clear()
            await self.board.write(cards.set_back, self._looked_at - now, now)
        elif not self._looked_at and (held := await self.board.read(cards.held, now)):
            # The quiet hours that they wait for may not be in the settings any more.
            await self.board.write(cards.hold_no_longer, held, now)
        self._looked_at = now
        wait = 60.0
        for place, due_at in await self.board.read(cards.due):
            if place in self._busy:
                continue  # its task wakes us
            free_at = max(due_at, self._free_at.get(place, 0.0))
            if free_at > now:
                wait = min(wait, free_at - now)
                continue
            self._busy.add(place)
            task = asyncio.create_task(self._show_next(place))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return max(wait, 0.01)

    async def drain(self) -> None:
        """Show everything that is due by now; for tests and for stopping. Does not wait for what is due later."""
        until = self.board.now()
        while True:
            wait = await self.step()
            if self._tasks:
                await asyncio.wait(set(self._tasks))
            elif any(
                max(due_at, self._asked_to_wait.get(place, 0)) <= until
                for place, due_at in await self.board.read(cards.due)
            ):
                await self.sleep(wait)
            else:
                return

    async def _show_next(self, place: str) -> None:
        try:
            card = await self.board.read(cards.next_in, place)
            if card is not None and not card.ts and place in self._cut_off:
                card = await self._longest_waiting(place, card)
            if card is not None:
                await self._show(card)
        except sqlite3.Error as error:  # the disk is full, or away: what became of it could not be written down
            self._free_at[place] = self.board.now() + AGAIN_SECONDS
            log.warning("What becomes of the cards of %s could not be written down: %s", place, error)
        finally:
            self._busy.discard(place)
            self.board.wake.set()

    async def _longest_waiting(self, place: str, card: Card) -> Card | None:
        """What is tried first where nothing could be posted of late. Should that be at fault itself, `card` is next."""
        if self._cut_off[place] == card.id:
            self._cut_off[place] = 0
            return card
        self._cut_off[place] = card.id
        await self.board.write(cards.let_pass, card)
        return await self.board.read(cards.next_in, place)

    async def _show(self, card: Card) -> None:
        now = self.board.now
        try:
            asked = await self._bring_up_to_date(card)
            await self._mended(card, asked)
        except Limited as limit:
            # The place waits, and the card loses no turn.
            self._free_at[card.place] = self._asked_to_wait[card.place] = now() + limit.seconds
        except _NotYet as above:  # which may fail for days, or be shown any moment
            wait = min(max(above.until - now(), POST_SECONDS), LINE_SECONDS)
            await self.board.write(cards.later if above.failed else cards.postpone, card, now() + wait)
        except Unanswered:
            log.warning("Slack did not answer about card %s; looking it up before anything is posted again.", card.id)
            # Whoever fails again although Slack has taken another one since is at fault, and not Slack as a whole: else
            # each that is taken would bring it back before those that wait.
            if self._failed_at.get(card.id, now()) < self._posted_at:
                words = f"Slack fails over a {card.kind} card. It is tried again; others are shown."
                problem = f"card {card.kind}", words
            else:
                problem = "Slack", "Slack does not answer, or with an error of its own. Messages wait."
                self._cut_off.setdefault(card.place, 0)
            self._failed_at[card.id] = now()
            if card.attempts >= PATIENCE:
                await self.board.problem(*problem)
            await self.board.write(cards.later, card, now() + max(LOOK_UP_SECONDS, _backoff(card)))
        except SlackApiError as error:
            await self._refused(card, code_of(error) or f"HTTP {status_of(error)}")
        except (SlackClientError, OSError, TimeoutError) as error:
            self._cut_off.setdefault(card.place, 0)
            await self.board.problem("Slack", f"Slack could not be reached ({type(error).__name__}). Messages wait.")
            await self.board.write(cards.later, card, now() + _backoff(card))
        except sqlite3.Error:
            raise
        except Exception as error:  # a card that cannot be drawn must not stop the others
            log.exception("Card %s %s could not be shown.", card.kind, card.subject)
            await self.board.problem(
                f"card {card.kind}", f"A {card.kind} card could not be drawn: {type(error).__name__}."
            )
            await self.board.write(cards.later, card, now() + _backoff(card))

    async def _mended(self, card: Card, asked: bool) -> None:
        """What had been a problem until this card could be shown; where Slack was not `asked`, nothing of Slack."""
        mended = {"Slack", f"Slack {card.place}"} if asked else set()
        if asked and not card.ts and self._cut_off.pop(card.place, None) is not None:
            await self.board.write(cards.retry_now, self.board.now(), card.place)
        if card.attempts:
            mended.add(f"card {card.kind}")
        for key in sorted(mended & {found[0] for found in await self.board.read(ledger.problems)}):
            await self.board.solved(key)
            if key == "Slack":  # what failed meanwhile may wait for up to an hour
                await self.board.write(cards.retry_now, self.board.now())

    async def _refused(self, card: Card, error: str) -> None:
        if error == _BLOCKS and await self.board.write(cards.drop_picture, card):
            log.warning("Slack refused the picture of card %s; it is shown without.", card.id)
            return
        if error in NO_ENTRY:
            self._cut_off.setdefault(card.place, 0)
            words = f"Slack refuses SLACK_BOT_TOKEN ({error}). Install the app again and set its token. Messages wait."
            await self.board.problem("Slack", words)
            await self.board.write(cards.later, card, self.board.now() + _backoff(card))
            return
        if card.place.startswith("@") and error in NOBODY:
            if card.channel:  # of the conversation in which it was: that of an app that was made anew, say
                self._conversations.pop(card.place, None)
                await self.board.write(cards.leave, card)
            else:
                await self._nobody_there(card.place, error)
            return
        if error in NO_PLACE:
            self._cut_off.setdefault(card.place, 0)
        place = f"<@{card.place[1:]}>" if card.place.startswith("@") else f"<#{card.place}>"
        why = _NO_SCOPE if error == "missing_scope" else NO_PLACE.get(error, f"refused the message ({error})")
        await self.board.problem(
            f"Slack {card.place}", f"{place} {why}. What belongs there waits and is posted when it is mended."
        )
        await self.board.write(cards.later, card, self.board.now() + _backoff(card))

    async def _nobody_there(self, place: str, error: str) -> None:
        """Nothing that is for them is tried again. What comes later is, once: it would show that they are back."""
        user, now = place[1:], self.board.now()
        words = f"<@{user}> {NOBODY[error]}. What is for them is not shown, and not tried again; of missed callers "
        words += "others are told."
        if self.board.settings.role(user) != "rep":
            words += " Take them out of `managers` and `admins` in callboard.toml."
        await self.board.problem(f"Slack {place}", words)

        def end(db: sqlite3.Connection) -> None:
            missed.told_nobody(db, place, now)
            cards.give_up(db, place)

        self._conversations.pop(place, None)
        await self.board.write(end)

    async def _bring_up_to_date(self, card: Card) -> bool:
        """Whether Slack had to be asked."""
        message = await self.render(card)
        thread = await self._thread_of(card) if card.kind in IN_THREAD and not card.ts else None
        if thread is not None and not thread.ts:
            message = None  # what it belongs to is not shown any more
        asked = bool(card.posting_at and not card.ts)
        if asked:
            card = await self._look_up(card, thread.ts if thread else "")
            if not card.ts and message is not None:  # it may be for nobody any more, now that it is known to be new
                message = await self.render(replace(card, posting_at=0))
        if message is None:
            if card.ts:
                if await self.board.read(cards.by_id, card.id) is None:
                    return asked  # its time was over while it was drawn: what Slack shows is Slack's
                await self._delete(card)
            await self.board.write(cards.gone, card)
            return asked or bool(card.ts)
        shown = _fingerprint(message)
        if card.ts and card.shown == shown:
            await self.board.write(cards.shown, card, card.channel, card.ts, shown)
            return asked
        if card.ts:
            await self._edit(card, message, shown)
        elif until := self._held_until(card):
            if card.posting_at:  # it was looked up, and is not there
                await self.board.write(cards.not_posted, card)
            await self.board.write(cards.postpone, card, until)
            return asked
        else:
            try:
                await self._post(card, message, shown, thread.ts if thread else "")
            except SlackApiError as error:
                if thread is None or code_of(error) not in NO_THREAD or card.attempts >= PATIENCE:
                    raise
                # Somebody deleted the card above, most likely: it is looked at, and shown anew where that is so.
                await self.board.write(cards.look_again, thread)
                raise _NotYet(self.board.now(), failed=True) from error
        return True

    def _held_until(self, card: Card) -> float:
        """When a new one may be posted there, 0 = now."""
        now = self.board.now()
        if card.kind == roundups.CARD and now < (due_at := roundups.not_before(card)):
            return due_at + roundups.SETTLE_SECONDS
        return self.board.routing.quiet_until(card.place, now) if card.kind in _HELD else 0

    async def _thread_of(self, card: Card) -> Card:
        """The card above a line.

        Raises:
            _NotYet: it is about to be posted.
        """
        above = await self.board.read(cards.by_id, int(json.loads(card.body or b"{}")["card"]))
        if above is None:
            return replace(card, ts="")
        until = None if above.ts else await self.board.read(cards.due_at, above.id)
        if until is not None:
            raise _NotYet(until)
        return above

    async def _post(self, card: Card, message: Message, shown: str, thread: str) -> None:
        channel = card.channel or await self._conversation(card.place)
        if not await self.board.write(cards.posting, card, channel, self.board.now()):
            return  # cancelled while it was drawn, or while Slack opened the conversation
        self._free_at[card.place] = self.board.now() + POST_SECONDS
        try:
            answer = await ask(
                self.client.chat_postMessage,
                channel=channel,
                text=message.text,
                blocks=list(message.blocks),
                metadata={"event_type": METADATA, "event_payload": {"nonce": card.nonce}},
                unfurl_links=False,
                unfurl_media=False,
                **({"thread_ts": thread} if thread else {}),
            )
        except (SlackApiError, Limited) as error:
            if isinstance(error, SlackApiError) and code_of(error) in PERHAPS:
                raise Unanswered from error
            await self.board.write(cards.not_posted, card)
            raise
        self._posted_at = self.board.now()
        self._failed_at.pop(card.id, None)
        await self.board.write(cards.shown, card, answer["channel"], answer["ts"], shown)

    async def _edit(self, card: Card, message: Message, shown: str) -> None:
        self._free_at[card.place] = self.board.now() + (UPDATE_SECONDS if card.place.startswith("@") else POST_SECONDS)
        try:
            await ask(
                self.client.chat_update,
                channel=card.channel,
                ts=card.ts,
                text=message.text[:4000],
                blocks=list(message.blocks),
            )
        except SlackApiError as error:
            if code_of(error) not in _GONE:
                raise
            # Somebody deleted our message, or the workspace forbids late edits: show it anew.
            await self.board.write(cards.anew, card)
            return
        await self.board.write(cards.shown, card, card.channel, card.ts, shown)

    async def _delete(self, card: Card) -> None:
        try:
            await ask(self.client.chat_delete, channel=card.channel, ts=card.ts)
        except SlackApiError as error:
            code = code_of(error)
            if code != "message_not_found" and (code not in NO_PLACE or self._is_in_use(card.place)):
                raise

    def _is_in_use(self, place: str) -> bool:
        """Of one that is not, a line's old channel say, nobody need hear that what is over there cannot be removed."""
        return place in self.board.settings.channels

    async def _look_up(self, card: Card, thread: str) -> Card:
        """What became of an interrupted post? Returns the card with its `ts` if the message is there."""
        age = self.board.now() - card.posting_at
        if age < LOOK_UP_SECONDS:
            await self.sleep(min(LOOK_UP_SECONDS - age, LOOK_UP_SECONDS))  # the clock may have been set back
        # People go on talking in a busy channel: the message need not be among the latest hundred.
        first, last = card.posting_at - CLOCKS_DIFFER_SECONDS, card.posting_at + CLOCKS_DIFFER_SECONDS
        async for message in messages_between(self.client, card.channel, thread, first, last, metadata=True):
            payload = (message.get("metadata") or {}).get("event_payload") or {}
            if payload.get("nonce") == card.nonce:
                return replace(card, ts=message["ts"], shown="")
        return card

    async def _conversation(self, place: str) -> str:
        """Channel id of a place; a person's conversation with the app is opened once and remembered."""
        if not place.startswith("@"):
            return place
        if place not in self._conversations:
            answer = await ask(self.client.conversations_open, users=place[1:])
            self._conversations[place] = answer["channel"]["id"]
            if len(self._conversations) > 5000:
                self._conversations.popitem(last=False)
        return self._conversations[place]


def _fingerprint(message: Message) -> str:
    content = json.dumps([message.text, list(message.blocks)], sort_keys=True)
    return hashlib.blake2s(content.encode(), digest_size=16).hexdigest()


def _backoff(card: Card) -> float:
    return _RETRY[min(card.attempts, len(_RETRY) - 1)]
