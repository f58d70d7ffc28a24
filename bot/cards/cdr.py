"""The record of one finished call (its CDR) on one card. Pure."""

from typing import TYPE_CHECKING

from bot.call import Call
from bot.cards import (
    NOTE_LIMIT,
    Message,
    actions,
    context,
    day_clock,
    duration,
    line_words,
    message,
    plain,
    price,
    rep_words,
    section,
    who,
    who_plain,
)
from bot.cards.outcomes import SHORT
from bot.cards.recording import get_button
from bot.events import Outcome

if TYPE_CHECKING:
    from bot.store.contacts import Contact


def cdr_card(
    call: Call,
    *,
    contact: "Contact | None",
    account_title: str,
    now: float,
    zone: str,
    masked: bool,
    origin: Call | None = None,
    recording: bool = False,
) -> Message:
    """A finished call as its record tells. Says that there is a recording, never where it is.

    `masked`: number and note are hidden, as on the card of an incoming call.
    `origin`: the call that `call.origin` names, None = not known.
    `recording`: it can be listened to, by whom `recording:get` lets.  `masked`: hide the number and the note.
    """
    party = who(call.number, call.name, contact, masked=masked, called=call.direction == "out")
    rep = rep_words(call.rep, call.person, call.extension)
    headline = f"→ *Outgoing call to {party}*" if call.direction == "out" else f"← *Incoming call from {party}*"
    blocks = [
        section(f"{headline}\n{record_words(call, now, zone)}", "cdr:call"),
        context(
            [
                " · ".join(
                    part
                    for part in (
                        f"by {rep}" if rep and call.direction == "out" else "",
                        f"taken by {rep}" if rep and call.direction == "in" and call.conversation else "",
                        line_words(call.line, call.queue),
                        origin_words(call, origin),
                        f"via {plain(account_title)}",
                    )
                    if part
                )
            ],
            "cdr:facts",
        ),
    ]
    told = [
        f"How it went: {plain(call.disposition)}" if call.disposition else "",
        f"Note: {plain(call.note, NOTE_LIMIT)}" if call.note and not masked else "",
    ]
    if any(told):
        blocks.append(context(told, "cdr:told"))
    if recording:
        blocks.append(
            actions([get_button(call, who_plain(call.number, call.name, contact, masked=masked))], "cdr:actions")
        )
    return message(blocks)


def origin_words(call: Call, origin: Call | None) -> str:
    """Who handed the call over, "" = nobody. `origin`: the call it came from, None = not known."""
    if not call.origin:
        return ""
    rep = rep_words(origin.rep, origin.person, origin.extension) if origin else ""
    if not origin or not rep:
        return "transferred from another call"
    return f"transferred by {rep}" + (f", who talked {duration(origin.talk_seconds)}" if origin.talk_seconds else "")


def record_words(call: Call, now: float, zone: str) -> str:
    """Outcome, times and price on one line: "Answered · talked 1 min 20 s · rang 8 s · 14:05"."""
    outcome = SHORT[call.outcome or Outcome.PENDING]
    cost = price(call.price, call.currency)
    parts = [
        outcome[:1].upper() + outcome[1:],
        f"talked {duration(call.talk_seconds)}" if call.talk_seconds else "",
        f"rang {duration(call.ring_seconds)}" if call.ring_seconds else "",
        f"waited {duration(call.wait_seconds)}" if call.wait_seconds else "",
        day_clock(call.started_at, now, zone) if call.started_at else "",
        "recorded" if call.recording else "",
        f"cost {cost}" if cost else "",
    ]
    return " · ".join(part for part in parts if part)
