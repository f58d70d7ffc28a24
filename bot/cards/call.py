"""The call card: one living message per call that a rep placed. Pure."""

from typing import TYPE_CHECKING

from bot.call import Call
from bot.cards import (
    NOTE_LIMIT,
    Block,
    Message,
    actions,
    button,
    clock,
    context,
    day_clock,
    duration,
    line_words,
    message,
    plain,
    rep_words,
    section,
    sentence,
    timer,
    who,
    who_plain,
)
from bot.cards.controls import control_rows, hang_up_button, hanging_words, live_facts
from bot.cards.outcomes import NEVER_DIALLED, ending
from bot.cards.recording import get_button
from bot.events import Outcome, State
from bot.numbers import pretty

if TYPE_CHECKING:
    from bot.store.contacts import Contact


def call_card(
    call: Call,
    *,
    contact: "Contact | None",
    account_title: str,
    can_hang_up: bool,
    now: float,
    zone: str,
    reminder_at: float = 0,
    own: bool = True,
    masked: bool = False,
    controls: frozenset[str] = frozenset(),
    acting: str = "",
    recording: bool = False,
) -> Message:
    """The card of a call, in every state. Times are seconds since 1970 UTC, shown in the IANA `zone`.

    Buttons carry `call.id`: `call:hang_up`, `call:wrap`, `call:again`, `call:later`, `call:settle_talked`,
    `call:settle_rang`, `call:settle_no`.

    Attributes:
        can_hang_up: the provider has that operation.
        reminder_at: when the rep will be reminded of this call, 0 = never.
        controls: operations on the running call that make sense now, see `bot/cards/controls.py`.
        acting: what is being done to the call at this very moment, "" = nothing.
        recording: it can be listened to, by whom `recording:get` lets.
        own: it is shown in the rep's own conversation with the app, so "your phone" is right.
        masked: hide the number (public channels).
    """
    party = who(call.number, call.name, contact, masked=masked)
    title = plain(account_title)
    headline, detail = _state(call, party, title, now, zone, own)
    blocks = [section(f"📞 *{headline}*" + (f"\n{detail}" if detail else ""), "call:state")]
    blocks.append(context([_facts(call, title, zone, now, own)], "call:facts"))
    told = _told(call, reminder_at, now, zone)
    if told:
        blocks.append(context(told, "call:told"))
    if call.live and not can_hang_up:
        where = "whoever was called hangs up" if call.conference else "hang up on your phone"
        blocks.append(context([f"{title} cannot end this call: {where}."], "call:cannot"))
    plain_party = who_plain(call.number, call.name, contact, masked=masked)
    blocks += control_rows(call, plain_party, controls, acting)
    buttons = _buttons(call, plain_party, can_hang_up and not acting and not call.hanging_up(now))
    if recording:
        buttons.append(get_button(call, plain_party))
    if buttons:
        blocks.append(actions(buttons, "call:actions"))
    return message(blocks)


def _state(call: Call, party: str, title: str, now: float, zone: str, own: bool) -> tuple[str, str]:
    """(headline with the party, what more there is to say)."""
    owner = "your" if own else "the rep's"
    hanging = hanging_words(call, now)
    if call.conference:
        return _of_conference(call, party, title, now, zone, own)
    if call.state is State.REQUESTED:
        return f"Placing the call to {party}", f"Asking {title} to ring {owner} phone…"
    if call.state is State.UNCLEAR:
        return (
            f"Unclear: the call to {party}",
            f"{sentence(call.words)} It is unclear whether it rings. Callboard will not dial again by itself. "
            f"Look at {owner} phone, then say which it was.".strip(),
        )
    if call.state is State.RINGING:
        if call.direction == "in":
            return f"Incoming call from {party}", hanging or "Ringing…"
        if not call.rep:
            return f"Calling {party}", hanging or "Ringing…"
        key = "any key" if call.confirm_key == "any" else plain(call.confirm_key)
        pick_up = f"Pick up and press {key}" if key else "Pick up"
        return f"Ringing {owner} phone…", hanging or f"{pick_up}, then {party} is called."
    if call.state is State.CONNECTING:
        return f"Ringing {party}…", hanging or ("You are on the line." if own else "The rep is on the line.")
    if call.state is State.TALKING and call.transferred_to:
        to = plain(pretty(call.transferred_to))
        return f"{party} was put through to {to}", hanging or f"They talk without {'you' if own else 'the rep'}."
    if call.state is State.TALKING:
        return f"Talking to {party}", " ".join(part for part in (_running(call, now, zone), hanging) if part)
    headline, next_step = ending(call, title, own=own)
    if call.outcome is Outcome.ANSWERED:
        return f"{headline} with {party}", next_step
    return f"{headline}: {party}", next_step


def _running(call: Call, now: float, zone: str) -> str:
    return f"{timer(now - call.answered_at)}, since {clock(call.answered_at, zone)}" if call.answered_at else ""


def _of_conference(call: Call, party: str, title: str, now: float, zone: str, own: bool) -> tuple[str, str]:
    """Of somebody who is called into a conference: no phone of the rep's has to do with it."""
    room = f"conference {plain(call.conference)}"
    hanging = hanging_words(call, now)
    if call.state is State.REQUESTED:
        return f"Calling {party} into {room}", f"Asking {title} to ring them…"
    if call.state is State.UNCLEAR:
        return (
            f"Unclear: the call to {party}",
            f"{sentence(call.words)} It is unclear whether it rings. Callboard will not dial again by itself. "
            "Ask them, or look into the conference, then say which it was.".strip(),
        )
    if call.state in (State.RINGING, State.CONNECTING):
        return f"Ringing {party}…", hanging or f"When they pick up, they are in {room}."
    if call.state is State.TALKING:
        return f"{party} is in {room}", " ".join(part for part in (_running(call, now, zone), hanging) if part)
    headline, next_step = ending(call, title, own=own)
    if call.outcome is Outcome.ANSWERED:
        length = f" for {duration(call.talk_seconds)}" if call.talk_seconds else ""
        return f"{party} was in {room}{length}", next_step
    return f"{headline}: {party}, for {room}", next_step


def _facts(call: Call, title: str, zone: str, now: float, own: bool) -> str:
    ended = call.state is State.ENDED
    rep = "" if own else rep_words(call.rep, call.person, call.extension)
    facts = [
        "Outgoing" if call.direction == "out" else "Incoming",
        line_words(call.line, call.queue),
        f"via {title}",
        f"by {rep}" if rep else "",
        f"started {day_clock(call.started_at, now, zone)}" if call.started_at else "",
        f"ended {day_clock(call.ended_at, now, zone)}" if ended and call.ended_at else "",
        f"rang {duration(call.ring_seconds)}" if ended and call.ring_seconds else "",
        f"dials {plain(call.dial_digits.replace('.', ''))} once they answer" if call.dial_digits and own else "",
        "recorded" if call.recording else "",
        *live_facts(call),
        f"with {plain(pretty(call.consulting))} on the other line" if call.consulting else "",
        f"transferred to {plain(pretty(call.transferred_to))}" if ended and call.transferred_to else "",
        f"tags: {', '.join(map(plain, call.tags))}" if call.tags else "",
        f"as told by {rep_words(call.settled_by)}" if call.settled_by else "",
    ]
    return " · ".join(fact for fact in facts if fact)


def _told(call: Call, reminder_at: float, now: float, zone: str) -> list[str]:
    told = [
        f"How it went: {plain(call.disposition)}" if call.disposition else "",
        f"Note: {plain(call.note, NOTE_LIMIT)}" if call.note else "",
        f"Reminder to call: {day_clock(reminder_at, now, zone)}" if reminder_at > now else "",
    ]
    return [text for text in told if text]


def _buttons(call: Call, party: str, can_hang_up: bool) -> list[Block]:
    if call.live and can_hang_up:
        return [hang_up_button(call, party)]
    if call.state is State.UNCLEAR:
        return [
            button("We talked", "call:settle_talked", call.id, about=party),
            button("It rang, no answer", "call:settle_rang", call.id, about=party),
            button("Nothing rang", "call:settle_no", call.id, about=party),
        ]
    if call.state is not State.ENDED:
        return []
    buttons: list[Block] = []
    if call.outcome not in NEVER_DIALLED:
        buttons.append(wrap_button(call, party))
    if call.number:
        again = "Call again" if call.direction == "out" else "Call back"
        buttons.append(button(again, "call:again", call.id, about=party))
        buttons.append(button("Call later", "call:later", call.id, about=party))
    return buttons


def wrap_button(call: Call, party: str) -> Block:
    """The button that asks how it went; `party` in plain text."""
    label = "Change how it went" if call.disposition else "How did it go?"
    return button(label, "call:wrap", call.id, about=party)
