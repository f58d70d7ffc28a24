"""`/call`, its modal, and the buttons of the call card. Those for afterwards are in `after_call.py`."""

import sqlite3
from collections.abc import Callable, Mapping
from typing import Literal

import msgspec
from slack_bolt.async_app import AsyncApp

from bot import asking, controlling, dialing, gathering, intents, numbers, offers, typed_lengths, unclear, waiving, who
from bot.call import Call
from bot.cards import actions, button, context, cut, message, safe, section
from bot.cards import who as shown
from bot.cards.help import help_message
from bot.cards.modals import NONE, call_modal
from bot.errors import BadInput, NeedsConsent, NeedsReason, NeedsYes, NotAllowed, NotFound
from bot.intents import Ask
from bot.namesakes import Choice, ambiguous
from bot.store import calls, ledger
from handlers import Click, Desk, after_call, answer, conferences, on_actions, on_command, on_form, tell

_read_ask = msgspec.json.Decoder(Ask)


def register(app: AsyncApp, desk: Desk) -> None:
    """All listeners of this feature."""
    on_command(app, desk, "call", command, write_command)
    on_actions(
        app,
        desk,
        "call",
        {
            "hang_up": (hang_up, None),
            "again": (call_again, write_button),
            "yes": (call_yes, write_yes),
            "pick": (call_yes, write_yes),
            **after_call.BUTTONS,
        },
    )
    on_form(app, desk, "call:order", validate_order, order)
    after_call.register(app, desk)


# What is on disk before Slack has its acknowledgement: who asked for what, once per click.


async def write_command(desk: Desk, click: Click) -> bool:
    """Help and the modal promise nothing; anything else may become a call."""
    if click.text.strip().casefold() in ("", "help"):
        return True
    return await write_intent(desk, click.trigger, click)


async def write_button(desk: Desk, click: Click) -> bool:
    """Each press has its own trigger; a second press of the same moment is caught by the gate."""
    return await write_intent(desk, click.trigger, click)


async def write_yes(desk: Desk, click: Click) -> bool:
    """A question is answered once, however often its button is pressed: the ask itself is the key. Where nobody was
    called after all, it may be answered again.

    Raises:
        NotAllowed: somebody is called because of it, or was.
    """
    return await _write_answer(desk, click, ledger.write_anew)


async def write_answer(desk: Desk, click: Click) -> bool:
    """The same, whatever came of it."""
    return await _write_answer(desk, click, ledger.write_intent)


async def _write_answer(
    desk: Desk, click: Click, write: Callable[[sqlite3.Connection, str, str, str, bytes, float], bool]
) -> bool:
    now = desk.board.now()

    def work(db: sqlite3.Connection) -> bool:
        if not ledger.take_once(db, f"press:{click.trigger}", click.user, click.action, now):
            return False  # Slack delivers the very same press again
        if not write(db, answer_key(click), click.user, click.action, _body(click), now):
            raise NotAllowed(
                "That question was answered before, so nothing was done a second time. Ask again to do it once more."
            )
        return True

    return await desk.board.db.write(work)


def answer_key(click: Click) -> str:
    """The question, in which the ask is."""
    return f"yes:{click.channel}:{click.message_ts}:{click.value}"


async def write_intent(desk: Desk, key: str, click: Click) -> bool:
    """Commit the intent. False: it was written before."""
    # Not board.write(): an intent alone shows nothing, so the feed need not wake.
    now = desk.board.now()
    return await desk.board.db.write(
        lambda db: ledger.write_intent(db, key, click.user, click.action, _body(click), now)
    )


def _body(click: Click) -> bytes:
    return msgspec.json.encode({"text": click.text, "value": click.value, "channel": click.channel})


# /call


async def command(desk: Desk, click: Click) -> None:
    """`/call …`: parse, resolve, dial."""
    if click.text.strip().casefold() == "help":
        await answer(desk, click, help_message("call", desk.board.settings.commands))
        return
    if not click.text.strip():
        await open_call_modal(desk, click)
        return
    try:
        said = gathering.parse(click.text, desk.board.settings.region)
        if said is not None:
            await conferences.call_in(desk, click, said, ask_first)
            return
        text = _read(click.text, desk.board.settings.region)
        if isinstance(text.who, who.Next):
            if text != who.CallText(text.who):
                raise BadInput(
                    "“next” shows the next contact of your call list and takes nothing more. Nothing was dialled; type "
                    "`/call next` alone."
                )
            await dialing.drop(desk.board, click.trigger)
            await offers.bring_down(desk.board, click.user)
            return
        if isinstance(text.who, who.Again):
            last = asking.heeding(desk.board, await asking.last_dialled(desk.board, click.user), text)
            await dialing.drop(desk.board, click.trigger)
            yes = msgspec.structs.replace(last, confirmed=True)
            behind = f" into conference {last.conference}" * bool(last.conference)
            behind += f", and then dial {last.dial_digits.replace('.', '')}" * bool(last.dial_digits)
            await ask_first(desk, click, yes, f"Call {shown(last.number, last.name, None)} again{behind}?")
            return
        await asking.check_all(desk.board, click.text, text)
        found = await asking.resolve(desk.board, click.user, text, asked=True)
    except Exception:
        await dialing.drop(desk.board, click.trigger)
        raise
    await _dial_or_choose(desk, click, found)


def _read(text: str, region: str) -> who.CallText:
    try:
        return who.parse(text, region, behind=True)
    except BadInput as error:
        why = str(error).removesuffix(who.EXAMPLE).strip()
        example = f" {who.EXAMPLE}" if why != str(error) else ""
        raise BadInput(f"{why} Nothing was dialled.{example}") from error


async def _dial_or_choose(desk: Desk, click: Click, found: Ask | Choice) -> None:
    if isinstance(found, Choice):
        await dialing.drop(desk.board, click.trigger)
        await _ask_which(desk, click, found)
        return
    await dial(desk, click, click.trigger, found)


async def dial(desk: Desk, click: Click, key: str, ask: Ask) -> None:
    """Dial a written intent and say how it goes; the card shows the rest."""
    board = desk.board

    async def written(call: Call) -> None:
        party = shown(call.number, call.name, None)
        rings = f"Calling {party} into conference {call.conference}" if call.conference else ""
        rings = rings or f"Ringing your phone to call {party}"
        await tell(desk, click, f"{rings}. Its card is in your conversation with Callboard.")

    now = board.now()
    try:
        call = await dialing.dial(board, key, ask, written)
    except NeedsYes as question:
        await dialing.drop(board, key)
        if isinstance(question, NeedsConsent):
            await ask_first(desk, click, msgspec.structs.replace(ask, consented=True), str(question), question.yes)
        else:
            await ask_first(desk, click, msgspec.structs.replace(ask, confirmed=True), str(question))
        return
    except NeedsReason as refusal:
        await dialing.drop(board, key)
        label = "Ask a manager…" if board.settings.role(ask.rep) == "rep" else "Allow it…"
        wanted = msgspec.structs.replace(ask, reason="", allowed_by="", allowed_at=0, refused_at=now)
        await _offer(desk, click, str(refusal), "waive:why", label, asking.carried(wanted), ask.name or ask.number)
        return
    except Exception:
        await dialing.drop(board, key)
        raise
    if ask.reason:
        await waiving.used(board, ask, call)
    if call.words:
        await tell(desk, click, unclear.words(call))


async def ask_first(desk: Desk, click: Click, ask: Ask, question: str, yes: str = "Call now") -> None:
    """Ask before dialling; the answer carries the whole ask. `yes`: the words of its button."""
    value = asking.carried(msgspec.structs.replace(ask, asked_at=desk.board.now()))
    await _offer(desk, click, question, "call:yes", yes, value, ask.name or ask.number, style="primary")


async def _offer(
    desk: Desk,
    click: Click,
    words: str,
    action: str,
    label: str,
    value: str,
    about: str,
    style: Literal["primary", ""] = "",
) -> None:
    """A sentence, and a button for what can be done."""
    blocks = [
        section(safe(words), "call:question"),
        actions([button(label, action, value, style=style, about=about)], "call:answer"),
    ]
    # A form may be sent long after its address for answers has expired, or have come from App Home and have none.
    offer = {"label": label, "action_id": action, "value": value, "style": style, "about": about}
    await answer(desk, click, message(blocks), instead=words, buttons=[offer])


async def _ask_which(desk: Desk, click: Click, choice: Choice) -> None:
    question = f"Several {choice.several} have that name. Whom shall I call?"
    if choice.part:
        question = safe(f"Nobody is called “{choice.part}”, but it is a part of a name. Shall I call them?")
    if choice.company:
        question = safe(f"Nobody is called “{choice.company}”, but a company fits. Whom shall I call?")
    blocks, buttons = [section(question, "call:choice")], []
    for place, (contact, ask) in enumerate(choice.asks):
        value, action = asking.carried(ask), f"call:pick:{place}"
        party = shown(contact.number, contact.name, contact)
        blocks.append(section(party, f"call:choice:{place}"))
        about = f"{cut(contact.name, 40)}, {numbers.pretty(contact.number)}"  # some have the very same name
        blocks.append(actions([button("Call", action, value, about=about)], f"call:choose:{place}"))
        buttons.append({"label": f"Call {about}", "action_id": action, "value": value, "about": about})
    if choice.more:
        more = "There are more: write more of the name, or the number."
        blocks.append(context([more], "call:choice:more"))
        question = f"{question} {more}"
    await answer(desk, click, message(blocks), instead=question, buttons=buttons)


async def call_yes(desk: Desk, click: Click) -> None:
    """*Call now* after a question, or one of several contacts."""
    await said_yes(desk, click, answer_key(click))


async def said_yes(desk: Desk, click: Click, key: str) -> None:
    """Dial the ask in a button; `key`: of the written intent."""
    try:
        ask = _read_ask.decode(click.value)
    except msgspec.MsgspecError as error:
        await dialing.drop(desk.board, key)
        raise BadInput("That button is from an older Callboard. Type `/call` again; nothing was dialled.") from error
    if ask.rep != click.user:
        await dialing.drop(desk.board, key)
        raise NotAllowed("That question was for somebody else, so nothing was dialled.")
    await dial(desk, click, key, intents.while_it_counts(ask, desk.board.now()))


async def call_again(desk: Desk, click: Click) -> None:
    """*Call again* (or back) on a card or a reminder: the press is the yes, with the presser's own phone."""
    call = await desk.board.read(calls.get, click.value)
    if call is None or not call.number:
        await dialing.drop(desk.board, click.trigger)
        raise NotFound("That call is not on record any more, so nothing was dialled.")
    await dial(desk, click, click.trigger, asking.anew(desk.board, click.user, call))


async def hang_up(desk: Desk, click: Click) -> None:
    """*Hang up*."""
    await controlling.hang_up(desk.board, click.value, click.user)


# The modal


async def open_call_modal(desk: Desk, click: Click, initial: Mapping[str, str] | None = None) -> None:
    """Open the call modal; within 3 s of the click."""
    board = desk.board
    options = frozenset[str]().union(*(provider.order_options for provider in board.providers.values()))
    view = call_modal(
        lines=[(line.number, line.label) for line in board.settings.lines],
        accounts=[(name, board.title(name)) for name, phone in board.providers.items() if phone.can("place_call")],
        options=options,
        initial=initial or {},
        private_metadata=msgspec.json.encode({"response_url": click.response_url}).decode(),
    )
    await desk.slack.views_open(trigger_id=click.trigger, view=view)


async def validate_order(desk: Desk, click: Click) -> dict[str, str]:
    """Everything that can be said without dialling is said in the modal."""
    try:
        _max_seconds(click)
    except BadInput as error:
        return {"max": str(error)}
    try:
        _dial_digits(click)
    except BadInput as error:
        return {"digits": str(error)}
    try:
        read = _read_who(desk, click)
        await asking.check_all(desk.board, click.fields.get("who", ""), read)
        found = await asking.resolve(desk.board, click.user, _typed(desk, click), asked=bool(_answers_at(click)))
        if isinstance(found, Choice) and not _answers_at(click):
            raise ambiguous(read.who, found)
    except (BadInput, NotFound) as error:
        return {"who": str(error)}
    if not await write_intent(desk, click.trigger, click):
        return {"who": "That form was sent before; nothing was dialled a second time."}
    return {}


async def order(desk: Desk, click: Click) -> None:
    """The submitted modal; its answers go where `/call` was typed."""
    click = msgspec.structs.replace(click, response_url=_answers_at(click))
    try:
        found = await asking.resolve(desk.board, click.user, _typed(desk, click), asked=True)
    except Exception:
        await dialing.drop(desk.board, click.trigger)
        raise
    await _dial_or_choose(desk, click, found)


def _answers_at(click: Click) -> str:
    """The response_url of what opened the form, where a choice can be shown; "" = a shortcut did, so it cannot."""
    return str(msgspec.json.decode(click.value or "{}").get("response_url", ""))


def _read_who(desk: Desk, click: Click) -> who.CallText:
    return who.parse(click.fields.get("who", ""), desk.board.settings.region, behind=True)


def _typed(desk: Desk, click: Click) -> who.CallText:
    fields = click.fields
    text = _read_who(desk, click)
    if isinstance(text.who, who.Nothing | who.Help | who.Back | who.Again | who.Next):
        raise BadInput("Type a number, an extension, or the name of a contact or colleague.")
    return msgspec.structs.replace(
        text,
        line=fields.get("line", "").replace(NONE, "") or text.line,
        provider=fields.get("account", "") or text.provider,
        record="record" in fields.get("options", "").split() or text.record,
        max_seconds=_max_seconds(click) or text.max_seconds,
        scenario=fields.get("scenario", "") or text.scenario,
        note=fields.get("note", "") or text.note,
        dial_digits=_dial_digits(click) or text.dial_digits,
    )


def _dial_digits(click: Click) -> str:
    digits = click.fields.get("digits", "").strip()
    return who.dial_digits(digits) if digits else ""


def _max_seconds(click: Click) -> int | None:
    limit = click.fields.get("max", "")
    return typed_lengths.call_seconds(limit) if limit else None
