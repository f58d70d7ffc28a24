"""Slack in: one module per feature. This module is the only place that acknowledges.

Bolt runs with `process_before_response=True`, so Slack has its answer when a listener returns: each listener below
writes down what must not be lost, acknowledges, and hands the slow part to a tracked task. That task's errors and
Bolt's own both end in `tell()`: one sentence to the person, nothing swallowed.
"""

import asyncio
import logging
import re
import sqlite3
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot import slack_text
from bot.board import Board, sentence, unexpected
from bot.cards import MESSAGE_LIMIT, Message, message, paragraphs, safe
from bot.cards.modals import error_modal, loading_modal
from bot.errors import CallboardError, NotFound
from bot.outsiders import WORDS, outside
from bot.slack_api import UNREACHED, code_of, is_slacks
from bot.store import ledger, people
from bot.store.people import Person
from bot.window import find_zone
from handlers.click import Click as Click  # every feature takes it from here
from handlers.click import fields_of, first_input, pressed

log = logging.getLogger("callboard.handlers")
_LONG_QUOTE = re.compile(r"“([^”]{79})[^”]{2,}”")
"""What somebody typed, quoted back to them: all of it would push the advice out of sight."""
MEET_SECONDS = 1.0
"""So long Slack is waited for when somebody comes for the first time: a form must be opened within 3 s."""
_NOT_VISIBLE = "user_not_visible"
"""Slack's code for somebody whom it does not show us: https://docs.slack.dev/reference/methods/users.info."""
_TOO_LATE = ("expired_trigger_id", "invalid_trigger_id")
_OPEN_ALREADY = "exchanged_trigger_id"


@dataclass(frozen=True)
class Desk:
    """What every handler works with: the board, and the Slack client that all of them share.

    Attributes:
        met: Slack users of whom Slack has told of late who they are.  meetings: those for whom it is being asked.
        team, enterprise: ids of our workspace and its organisation, "" = none.
        afterwards: what follows when a click is done with, whether it worked or not.
    """

    board: Board
    slack: AsyncWebClient
    met: set[str] = field(default_factory=set)
    team: str = ""
    enterprise: str = ""
    meetings: dict[str, asyncio.Future[None]] = field(default_factory=dict)
    afterwards: list[Callable[[Click], None]] = field(default_factory=list)

    def is_outside(self, user: str, told: Mapping[str, Any]) -> bool:
        """Whether somebody is no member, as users.info tells; that is remembered for whatever they press next."""
        found = outside(told, self.team, self.enterprise)
        (self.board.outsiders.add if found else self.board.outsiders.discard)(user)
        return found


Handler = Callable[[Desk, Click], Awaitable[None]]
"""Slow work after the acknowledgement; may raise any error."""
First = Callable[[Desk, Click], Awaitable[bool]]
"""What must be on disk before the acknowledgement. False: this very click came before, do nothing. May raise
CallboardError, which the person is told; nothing is done then, either."""


def does(act: Callable[[Board, str, str], Awaitable[object]]) -> Handler:
    """The handler of a button that only does this: board, Slack user id and the button's value are all it takes."""

    async def handler(desk: Desk, click: Click) -> None:
        await act(desk.board, click.user, click.value)

    return handler


class Validate(Protocol):
    """Errors of a form by block id, shown in the modal; empty = it is good."""

    async def __call__(self, desk: Desk, click: Click) -> Mapping[str, str]: ...


def on_command(app: AsyncApp, desk: Desk, name: str, handler: Handler, first: First | None = None) -> None:
    """Register a slash command under its configured name (`name`: without the slash, as in `settings.COMMANDS`)."""
    app.command(desk.board.settings.commands[name])(_command(desk, name, handler, first))


def _command(
    desk: Desk, name: str, handler: Handler, first: First | None = None
) -> Callable[[AsyncAck, dict[str, str]], Awaitable[None]]:
    async def listener(ack: AsyncAck, command: dict[str, str]) -> None:
        click = Click(
            user=command["user_id"],
            channel=command.get("channel_id", ""),
            text=slack_text.typed(command.get("text", "")),
            action=name or command["command"],
            trigger=command.get("trigger_id", ""),
            response_url=command.get("response_url", ""),
        )
        await _acknowledge(desk, ack, click, handler, first)

    return listener


async def _no_such_command(desk: Desk, click: Click) -> None:
    """It was renamed in Slack or in our settings, and not in the other."""
    here = ", ".join(f"`{name}`" for name in desk.board.settings.commands.values())
    raise NotFound(
        f"“{click.action}” is a command of Slack's app that Callboard has under no such name, so nothing was done. "
        f"Here it has {here}. Your admin names it alike in `[commands]` of callboard.toml and in the Slack app."
    )


def on_actions(app: AsyncApp, desk: Desk, feature: str, handlers: Mapping[str, tuple[Handler, First | None]]) -> None:
    """Register all buttons and menus of a feature: action ids "feature:what" -> handler by "what".

    One listener with a table inside: Bolt tries listeners one after the other, and each try costs as much as a parse.
    """

    async def listener(ack: AsyncAck, body: dict[str, Any], action: dict[str, Any]) -> None:
        what = action["action_id"].removeprefix(f"{feature}:").partition(":")[0]
        handler, first = handlers.get(what, (_nothing, None))
        await _acknowledge(desk, ack, pressed(body, action), handler, first)

    app.action(_prefix(feature))(listener)


def on_form(
    app: AsyncApp, desk: Desk, callback_id: str, validate: Validate, handler: Handler, *, at_once: bool = False
) -> None:
    """Register a modal's submission: errors are shown in the modal, else it closes and the work begins.

    `at_once`: all the work is to write down what was typed, so the modal closes when that is on disk, and stays open
    with what was typed where it could not be.
    """

    async def listener(ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        click = Click(
            user=body["user"]["id"],
            action=callback_id,
            value=view.get("private_metadata", ""),
            trigger=view.get("id", "") or body.get("trigger_id", ""),
            fields=fields_of(view),
            view=view,
        )
        errors: Mapping[str, str] = {}
        if not desk.board.turned_away(click.user):  # it may have been open when they became a guest
            errors = await _judged(desk, click, validate)
            if at_once and not errors and await let_in(desk, click.user):
                errors = await _kept(desk, click, handler)
        if errors:
            shown = {block: await desk.board.plainly(words) for block, words in errors.items()}
            await ack(response_action="errors", errors=shown)
            return
        await _acknowledge(desk, ack, click, _nothing_more if at_once else handler, None)

    app.view(callback_id)(listener)


def on_shortcut(app: AsyncApp, desk: Desk, callback_id: str, handler: Handler) -> None:
    """Register a global or message shortcut. `Click.text`: of the message, "" for a global one.

    A global one has no channel and no response_url, so its answers go to the person's conversation with us.
    """

    async def listener(ack: AsyncAck, body: dict[str, Any]) -> None:
        message: dict[str, Any] = body.get("message") or {}
        click = Click(
            user=body["user"]["id"],
            channel=(body.get("channel") or {}).get("id", ""),
            text=message.get("text", ""),
            action=callback_id,
            trigger=body.get("trigger_id", ""),
            response_url=body.get("response_url", ""),
            message_ts=message.get("ts", ""),
        )
        await _acknowledge(desk, ack, click, handler, None)

    app.shortcut(callback_id)(listener)


async def tell(desk: Desk, click: Click, text: str, *, replace: bool = False) -> None:
    """One sentence to the person, only for them, where they are looking; in their conversation with us otherwise."""
    words = safe(desk.board.settings.renamed(text))
    # A text that is too long for one message's `text` still fits into its blocks.
    told = message(paragraphs(words.splitlines(), "told"), words) if len(words) > MESSAGE_LIMIT else Message(words, ())
    await answer(desk, click, told, replace=replace, instead=words)


async def answer(
    desk: Desk,
    click: Click,
    message: Message,
    *,
    replace: bool = False,
    instead: str = "",
    buttons: Iterable[Mapping[str, str]] = (),
) -> None:
    """A message only for the person. Falls back to their conversation with the app, where it stays.

    `instead`: what is said there in place of a message that must not stay anywhere, such as a secret.
    `buttons`: of a question, as in a notice, so that it can be answered there.
    """
    if click.response_url:
        webhook = AsyncWebhookClient(click.response_url, session=desk.slack.session, retry_handlers=[])
        try:
            response = await webhook.send(
                text=message.text,
                blocks=list(message.blocks) or None,
                response_type="ephemeral",
                replace_original=replace,
            )
        except UNREACHED:
            pass  # told in the conversation below instead
        else:
            if response.status_code == 200:
                return
    text = instead or message.text
    await desk.board.tell(click.user, text, f"told:{click.trigger}:{click.action}:{hash(text)}", buttons)


async def person_of(desk: Desk, click: Click) -> Person:
    """The person, with name and zone from Slack where they can be had."""
    person = await desk.board.read(people.person, click.user)
    return await _as_slack_says(desk, person) or person  # linking a phone must not depend on it


async def _as_slack_says(desk: Desk, person: Person) -> Person | None:
    """The person with what Slack says of them now; None = it says nothing, and the next time will tell."""
    try:
        user = (await desk.slack.users_info(user=person.user))["user"]
    except UNREACHED as error:
        if code_of(error) != _NOT_VISIBLE:
            return None
        desk.board.outsiders.add(person.user)  # every member is visible to us
        return people.named(person, "", "", outside=True)
    zone = user.get("tz") or ""  # Slack's table of zones may be newer than this machine's
    name = user.get("real_name") or user.get("name", "")
    from_outside = desk.is_outside(person.user, user)
    return people.named(person, name, zone if find_zone(zone) else "", outside=from_outside)


async def open_slowly(desk: Desk, click: Click, title: str, view: Callable[[], Awaitable[dict[str, Any]]]) -> None:
    """Open a form for which the phone service must be asked: a trigger lives 3 s, so it is filled afterwards.

    Whoever has closed it by then wants none.
    """
    opened = await desk.slack.views_open(trigger_id=click.trigger, view=loading_modal(title))
    try:
        filled = await view()
    except CallboardError as error:
        filled = error_modal(title, desk.board.settings.renamed(str(error)))
    try:
        await desk.slack.views_update(view_id=opened["view"]["id"], view=filled)
    except SlackApiError as error:
        if code_of(error) != "not_found":
            raise


def register_errors(app: AsyncApp, desk: Desk) -> None:
    """Whatever escapes a listener itself, or is a command that none has, becomes a sentence, too. After all others."""
    app.command(re.compile("/"))(_command(desk, "", _no_such_command))

    async def failed(error: Exception, body: dict[str, Any]) -> None:
        user = body.get("user_id") or (body.get("user") or {}).get("id", "")
        text = sentence(error)
        if user:
            await desk.board.tell(user, text, f"error:{desk.board.now()}")

    app.error(failed)


async def let_in(desk: Desk, user: str) -> bool:
    """Whether somebody may use Callboard at all. Of whom we never heard Slack is asked first, for a moment."""
    if user not in desk.met:
        meeting = desk.meetings.get(user) or _begin_to_meet(desk, user)
        if not (await desk.board.read(people.person, user)).name:
            await asyncio.wait({meeting}, timeout=MEET_SECONDS)
    return not desk.board.turned_away(user)


def _begin_to_meet(desk: Desk, user: str) -> asyncio.Future[None]:
    meeting = desk.meetings[user] = asyncio.ensure_future(meet(desk, user))
    meeting.add_done_callback(lambda _: desk.meetings.pop(user))
    desk.board.track(meeting)
    return meeting


async def meet(desk: Desk, user: str) -> None:
    """Whose name and time zone are not known, or may have changed since yesterday: times are shown by their clock."""
    known = await desk.board.read(people.person, user)
    person = await _as_slack_says(desk, known)
    if person is None:
        return  # their next click asks again, not only tomorrow's
    if (person.name, person.zone, person.outside) != (known.name, known.zone, known.outside):
        await desk.board.write(people.save_met, person)
    if not desk.board.turned_away(user):  # else each click asks: they may have been made a member just now
        desk.met.add(user)


async def _acknowledge(desk: Desk, ack: AsyncAck, click: Click, handler: Handler, first: First | None) -> None:
    async def failed(error: Exception) -> None:
        await tell(desk, click, _words(error))

    if desk.board.turned_away(click.user):  # before anything is promised
        await ack()
        desk.board.spawn(_turn_away(desk, click), failed)
        return
    if first is not None:
        try:
            fresh = await first(desk, click)
        except CallboardError as refusal:
            await ack()
            desk.board.spawn(tell(desk, click, str(refusal)), failed)
            return
        except sqlite3.Error as error:
            text = f"Nothing was done: it could not be written down. {unexpected(error)}"
            if click.action in desk.board.settings.commands:
                await ack(text)
            else:  # a press has no answer of its own
                await ack()
                desk.board.spawn(tell(desk, click, text), failed)
            return
        if not fresh:
            await ack()
            return
    await ack()
    # What may dial waits its turn. A form does not: it must be opened within 3 s.
    desk.board.spawn(_run(handler, desk, click), failed, in_turn=first is not None and bool(click.text.strip()))


def _words(error: Exception) -> str:
    if code_of(error) in _TOO_LATE:
        return "The form could not be opened in time, so nothing was done. Try again."
    if code_of(error) == _OPEN_ALREADY:
        return "The form should be open. If it is not, nothing was done; try again."
    if is_slacks(error):
        log.warning("Slack was not reached, or failed: %s", code_of(error) or type(error).__name__)
        return "Slack did not do what Callboard asked of it, so this went no further. Try again in a moment."
    return _LONG_QUOTE.sub(r"“\1…”", sentence(error))


async def _run(handler: Handler, desk: Desk, click: Click) -> None:
    if not await let_in(desk, click.user):
        await _turn_away(desk, click)
        return
    try:
        await handler(desk, click)
    finally:
        for follow in desk.afterwards:
            follow(click)


async def _turn_away(desk: Desk, click: Click) -> None:
    await desk.board.write(ledger.drop_intents_of, click.user)
    await tell(desk, click, WORDS)
    await let_in(desk, click.user)  # they may be a member by now: then the next click does what it says


async def _judged(desk: Desk, click: Click, validate: Validate) -> Mapping[str, str]:
    """What is wrong with a form, that it could not be written down included: a message could not be, either."""
    try:
        return await validate(desk, click)
    except sqlite3.Error as error:
        return {first_input(click): f"Nothing was done: it could not be written down. {unexpected(error)}"}


async def _kept(desk: Desk, click: Click, handler: Handler) -> Mapping[str, str]:
    try:
        await handler(desk, click)
    except Exception as error:
        words = str(error) if isinstance(error, CallboardError) else f"Nothing was saved. {unexpected(error)}"
        return {first_input(click): words}
    return {}


async def _nothing_more(desk: Desk, click: Click) -> None:
    """It is done already."""


async def _nothing(desk: Desk, click: Click) -> None:
    await tell(desk, click, "That button is from an older message and does nothing any more.")


def _prefix(feature: str) -> re.Pattern[str]:
    return re.compile(f"^{re.escape(feature)}:")
