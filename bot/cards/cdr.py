"""The record of one finished call (its CDR) on one card. Pure."""

from typing import TYPE_CHECKING

from bot.cards import (
    NOTE_LIMIT,
    Message,
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
)
from bot.cards.outcomes import SHORT
from bot.events import Call, Outcome

if TYPE_CHECKING:
    from bot.store.people import Contact


def cdr_card(
    call: Call, *, contact: "Contact | None", account_title: str, now: float, zone: str, masked: bool
) -> Message:
    """A finished call as its record tells. Says that there is a recording, never where it is."""
    party = who(call.number, call.name, contact, masked=masked)
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
        f"Note: {plain(call.note, NOTE_LIMIT)}" if call.note else "",
    ]
    if any(told):
        blocks.append(context(told, "cdr:told"))
    return message(blocks)


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
