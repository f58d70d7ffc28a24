"""`/voicemsg`, its forms, the buttons of its card, and the results as a file."""

import asyncio
import html
import sqlite3
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import msgspec
from slack_bolt.async_app import AsyncApp

from bot import asking, consent, message_batches, message_queue, messaging, namesakes, saying, slack_text, who
from bot.board import Board
from bot.cards import Block, Message
from bot.cards.help import help_message
from bot.cards.said import Said
from bot.cards.times import on
from bot.cards.voicemsg_forms import (
    message_modal,
    results_csv,
    scheduled_message,
)
from bot.errors import BadInput, CallboardError, NotAllowed, NotFound, Unavailable, Unsupported
from bot.messaging import Wanted, so_many
from bot.periods import time_of_day
from bot.store import cards, ledger, messages
from bot.store.messages import Batch
from handlers import Click, Desk, answer, does, exports, on_actions, on_command, on_form, on_shortcut, open_slowly, tell
from handlers.calls import write_button, write_intent
from handlers.voice_templates import stored_at, templates

_LISTS = ("templates", "scheduled", "help")
_SPOKEN = "A text to be spoken goes in quotes"


def register(app: AsyncApp, desk: Desk) -> None:
    """All listeners of this feature."""
    on_command(app, desk, "voicemsg", command, write_command)
    on_actions(
        app,
        desk,
        "voicemsg",
        {
            "send": (send, None),
            "drop": (stop, None),
            "stop": (stop, None),
            "pause": (does(message_batches.pause), None),
            "resume": (does(message_batches.resume), None),
            "csv": (attach, None),
        },
    )
    on_form(app, desk, "voicemsg:order", validate_order, order)
    on_shortcut(app, desk, "send_voice_message", open_form)


async def write_command(desk: Desk, click: Click) -> bool:
    """Lists, help and the form promise nothing; anything else may become calls."""
    word = (click.text.split() or [""])[0].casefold()
    return True if not word or word in _LISTS else await write_button(desk, click)


async def command(desk: Desk, click: Click) -> None:
    """`/voicemsg …`"""
    words = click.text.split()
    word = words[0].casefold() if words else ""
    if not word:
        await open_form(desk, click)
    elif word == "help":
        await answer(desk, click, help_message("voicemsg", desk.board.settings.commands))
    elif word == "scheduled":
        await answer(desk, click, await desk.board.read(_scheduled, desk.board, click.user))
    elif word == "templates":
        await templates(desk, click, html.unescape(click.text.strip()[len(word) :].strip()))
    else:
        await _typed(desk, click)


async def _typed(desk: Desk, click: Click) -> None:
    board = desk.board
    try:
        text = saying.parse(click.text, board.settings.region)
        await _check_message(board, text)
        wanted = Wanted(
            by=click.user,
            recipients=await _typed_recipients(board, click.user, text),
            said=Said(
                template=text.template,
                text=text.text,
                digits=text.digits,
                loop=text.loop,
                after=text.after,
                language=text.language,
                voice=text.voice,
                line=asking.line_of(board, saying.line_number(text.line, board.settings.region) if text.line else ""),
                keys=text.keys,
                words=text.words,
                ring_seconds=text.ring_seconds,
                max_seconds=text.max_seconds,
                record=text.record,
                dial_digits=text.dial_digits,
            ),
            account=asking.account_of(board, text.account),
            send_at=await _moment(board, click.user, text.day, text.clock),
        )
        try:
            batch = await messaging.create(board, click.trigger, wanted)
        except NotFound as error:
            if " " not in text.template:
                raise
            raise NotFound(f"{error} {_SPOKEN}.") from error
    except Exception:
        await board.write(ledger.drop_intent, click.trigger)
        raise
    await _tell_of(desk, click, batch)


async def _typed_recipients(board: Board, user: str, text: saying.MessageText) -> tuple[tuple[str, str], ...]:
    try:
        return await asking.listed(board, user, [(one, "") for one in text.who])
    except NotFound as error:
        if not text.whole:
            raise
        # “noa hello there” has been read as the stored message “there” to somebody called “noa hello”.
        name = await namesakes.beginning(board, text.whole)
        said = text.whole[len(name) :].strip() if name else "Your order is ready"
        like = f'`/voicemsg {name or "+1 202 555 0100"} "{said}"`'
        unknown = slack_text.unquoted(text.whole.removesuffix(text.template).strip())
        raise NotFound(f"No contact is called “{unknown}”, so nothing was sent. {_SPOKEN}: {like}.") from error


async def _check_message(board: Board, text: saying.MessageText) -> None:
    """`Noa Green` alone is somebody without a message, rather than the message “Green” to some Noa.

    Raises:
        BadInput: the message is missing, or stands before whom to call.
    """
    if not text.whole:
        return
    named = text.who[-1]
    turned = isinstance(named, who.Name) and not await namesakes.is_somebody(board, named.name)
    turned = turned and await namesakes.is_somebody(board, text.template)
    if not turned and not await namesakes.is_somebody(board, text.whole):
        return
    for _, _, stored in await stored_at(board):
        if not isinstance(stored, str) and any(messaging.named(template, text.template) for template in stored):
            return
    if turned:
        raise BadInput(f"First say whom to call, then what is played. Nothing was sent. {saying.EXAMPLE}")
    raise BadInput(
        f"Say what to play to {text.whole}: a text in quotes, or a stored message's name. Nothing was sent. Example: "
        f'`/voicemsg {text.whole} "Your order is ready"`. If “{text.template}” is a stored message, write '
        f"“template {text.template}”."
    )


async def _tell_of(desk: Desk, click: Click, batch: Batch) -> None:
    where = "your conversation with Callboard"
    if batch.state == "draft":
        await tell(desk, click, f"Nothing was sent yet: look at the preview in {where}, then send or discard it.")
    elif batch.send_at > desk.board.now():
        await tell(desk, click, f"The voice message is scheduled. Its card, which can cancel it, is in {where}.")
    else:
        await tell(desk, click, f"The voice message is on its way. Its card is in {where}.")


async def _moment(board: Board, user: str, day: str, clock: str) -> float:
    """Seconds since 1970 UTC, 0 = now. `day`: "", "today", "tomorrow", ISO; a bare time that is past means tomorrow.

    Raises:
        BadInput: not a date or a time, or already past.
    """
    if not day and not clock:
        return 0
    if " " in clock and time_of_day(clock) is None:  # a date, too, most likely
        raise BadInput(
            f"“{clock}” is no time, so nothing was sent. Write it like 14:30, 6pm, tomorrow 09:00 or 2026-03-04 09:00."
        )
    zone = await board.read(board.zone_of, user)
    now = board.now()
    today = datetime.fromtimestamp(now, ZoneInfo(zone)).date()
    if day in ("", "today", "tomorrow"):
        date = today + timedelta(day == "tomorrow")
        try:
            return on(date.isoformat(), clock, now, zone)
        except BadInput:
            if day:
                raise
            return on((today + timedelta(1)).isoformat(), clock, now, zone)
    return on(day, clock, now, zone)


# The form


async def open_form(desk: Desk, click: Click) -> None:
    """The form, with whatever the phone services store."""
    board = desk.board

    async def filled() -> Block:
        able = message_queue.sending_accounts(board)
        if not able:
            raise Unsupported("None of your phone services can send voice messages.")
        listed = [(name, stored) for name, _, stored in await stored_at(board) if not isinstance(stored, str)]
        providers = {name: board.provider(name) for name in able}
        options = frozenset[str]().union(*(provider.message_options for provider in providers.values()))
        speaks = any({"record", "text"} <= provider.message_options for provider in providers.values())
        if not (speaks and consent.announces(board.settings.recording)):
            options -= {"record"}
        return message_modal(
            stored=[(f"{name}/{template.id}", template.name) for name, found in listed for template in found],
            named=any(
                "template" in provider.message_options and not provider.can("templates")
                for provider in providers.values()
            ),
            options=options,
            lines=[(line.number, line.label) for line in board.settings.lines],
            accounts=[(name, provider.title) for name, provider in providers.items()],
            private_metadata=msgspec.json.encode({"response_url": click.response_url}).decode(),
        )

    await open_slowly(desk, click, "Send a voice message", filled)


async def validate_order(desk: Desk, click: Click) -> dict[str, str]:
    """Everything that can be said without asking a phone service is said in the form."""
    fields = click.fields
    played = [name for name in ("stored", "template", "text") if fields.get(name)]
    if len(played) != 1:
        at = next((name for name in ("text", "template", "stored") if name in fields), "to")
        return {at: "Choose a stored message or write a text: one of the two. Nothing was sent."}
    if "record" in fields.get("listen", "").split() and not fields.get("text"):
        return {"listen": "Only a text can be recorded: the announcement is spoken before it. Nothing was sent."}
    for block, check in (("to", _recipients), ("time", _form_moment), ("limits", _limits)):
        try:
            await check(desk, click)
        except CallboardError as error:
            return {"day" if block == "time" and "date" in str(error) else block: str(error)}
    if not await write_intent(desk, click.trigger, click):
        return {"to": "That form was sent before; nothing was sent a second time."}
    return {}


async def order(desk: Desk, click: Click) -> None:
    """The submitted form; its answers go where the command was typed."""
    metadata = msgspec.json.decode(click.value or "{}")
    click = msgspec.structs.replace(click, response_url=metadata.get("response_url", ""))
    fields = click.fields
    account, _, template = fields.get("stored", "").partition("/")
    try:
        if account and fields.get("account") not in (None, "", account):
            raise BadInput(f"That stored message is {account}'s, so another service cannot play it. Nothing was sent.")
        listen = fields.get("listen", "").split()
        ring_seconds, max_seconds = await _limits(desk, click)
        wanted = Wanted(
            by=click.user,
            recipients=await _recipients(desk, click),
            said=Said(
                template=template or fields.get("template", ""),
                text=fields.get("text", ""),
                language=fields.get("language", ""),
                voice=fields.get("voice", ""),
                line=fields.get("line", ""),
                keys="keys" in listen,
                words="words" in listen,
                ring_seconds=ring_seconds,
                max_seconds=max_seconds,
                record="record" in listen,
            ),
            account=account or fields.get("account", ""),
            send_at=await _form_moment(desk, click),
        )
        batch = await messaging.create(desk.board, click.trigger, wanted)
    except Exception:
        await desk.board.write(ledger.drop_intent, click.trigger)
        raise
    await _tell_of(desk, click, batch)


async def _recipients(desk: Desk, click: Click) -> tuple[tuple[str, str], ...]:
    return await asking.listed(
        desk.board, click.user, saying.recipients(click.fields.get("to", ""), desk.board.settings.region)
    )


async def _limits(desk: Desk, click: Click) -> tuple[int, int]:
    ring_seconds, max_seconds = saying.limits(click.fields.get("limits", ""))
    messaging.check_ring(desk.board, ring_seconds)
    return ring_seconds, max_seconds


async def _form_moment(desk: Desk, click: Click) -> float:
    return await _moment(desk.board, click.user, click.fields.get("day", ""), click.fields.get("time", ""))


# The card's buttons


async def send(desk: Desk, click: Click) -> None:
    """*Send* or *Schedule it*."""
    await message_batches.confirm(desk.board, click.value, click.user)


async def stop(desk: Desk, click: Click) -> None:
    """*Stop*, *Cancel* or *Discard*."""
    before = await desk.board.read(messages.get, click.value)
    if not await message_batches.stop(desk.board, click.value, click.user):
        raise NotFound("Nobody was waiting any more, so there was nothing to stop.")
    if click.response_url:
        words = "Nobody more is called; whoever is being called right now still hears the message."
        if before is not None and before.state in ("draft", "asked"):
            words = "Discarded; nobody was called."
        await tell(desk, click, words)


async def attach(desk: Desk, click: Click) -> None:
    """*Results as CSV*: as they are now, below the card."""
    batch = await desk.board.read(messages.get, click.value)
    if batch is None:
        raise NotFound("That voice message is not on record any more. Nothing was attached.")
    if batch.by != click.user and desk.board.settings.role(click.user) == "rep":
        raise NotAllowed("Only whoever sent it, or a manager, can see the results. Nothing was attached.")
    await _attach(desk, batch, click.user)


async def _attach(desk: Desk, batch: Batch, user: str = "") -> None:
    """`user`: who asks for it, as the audit log says; "" = it comes by itself."""
    board = desk.board
    card = await board.read(cards.find, messages.CARD, batch.id)
    if card is None or not card.ts:
        raise Unavailable("The card is not shown in Slack at the moment, so nothing was attached. Try again later.")
    results = await board.read(messages.results, batch.id)
    content = await asyncio.to_thread(results_csv, results)
    day = datetime.fromtimestamp(batch.created_at, ZoneInfo(board.settings.zone)).date()
    await exports.export(
        desk,
        card.channel,
        card.ts,
        f"voice-message-{day}.csv",
        content,
        f"Results of the voice message of {day}",
        by=user,
        what="export voice messages",
        subject=so_many(len(results)),
        detail=f"{batch.account} {batch.id}",
    )


class Results:
    """Attaches the results of batches that are over, once each; called now and then."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    async def __call__(self) -> None:
        """A file that cannot be attached is not tried again: its button stays on the card."""
        board = self.desk.board
        for batch in await board.read(messages.finished):
            card = await board.read(cards.find, messages.CARD, batch.id)
            if card is None or not card.ts:
                continue
            subject = f"results:{batch.id}"
            words = "The results of a voice message may not have been attached. Its card has a button for them."
            take = partial(messages.report, batch_id=batch.id)
            if not await board.begin_once(take, batch.by, subject, words):
                continue
            try:
                await _attach(self.desk, batch)
            except CallboardError as error:
                text = f"The results of a voice message could not be attached. {error} Its card has a button for them."
                await board.tell(batch.by, text, subject)
            else:
                await board.done_once(batch.by, subject)


def _scheduled(db: sqlite3.Connection, board: Board, user: str) -> Message:
    everybody = board.settings.role(user) != "rep"
    found = messages.waiting(db, "" if everybody else user)
    rows = [(batch, message_queue.read_said(batch.body), count, first) for batch, count, first in found]
    zone = board.zone_of(db, user)
    return scheduled_message(rows, board.now(), zone, everybody=everybody)
