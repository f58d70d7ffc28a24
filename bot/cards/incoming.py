"""The incoming card: who calls, what we know of them, who took it. Pure."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bot.call import Call
from bot.cards import (
    Block,
    Message,
    actions,
    clock,
    context,
    day_clock,
    duration,
    line_words,
    message,
    plain,
    rep_words,
    section,
    timer,
    upper_first,
    who,
    who_plain,
)
from bot.cards.call import wrap_button
from bot.cards.cdr import origin_words, record_words
from bot.cards.controls import control_rows, hang_up_button, hanging_words, live_facts
from bot.cards.outcomes import SHORT
from bot.cards.recording import get_button
from bot.events import Outcome, State
from bot.numbers import pretty

if TYPE_CHECKING:
    from bot.store.contacts import Contact

SHOWN_HISTORY = 3
"""How many earlier calls the card names."""


def incoming_card(
    call: Call,
    *,
    contact: "Contact | None",
    history: Sequence[Call],
    last_rep: str,
    now: float,
    zone: str,
    masked: bool,
    controls: frozenset[str] = frozenset(),
    acting: str = "",
    origin: Call | None = None,
    recording: bool = False,
) -> Message | None:
    """The card of an incoming call; None once it is missed, because then the missed caller's card shows it, or nobody's
    who hung up too soon to be one.

    Attributes:
        history: earlier calls with the same number, the latest first; the first three are shown.
        last_rep: who spoke with them last, Slack user id or a name, "" = nobody.
        masked: hide the number and the notes (public channels).
        controls, acting: as on the call card, *Hang up* among them: shown once it is known whose call it is.
        recording: as on the call card.
        origin: the call it was transferred from, as far as it is known.
    """
    if call.unanswered:
        return None
    party = who(call.number, call.name, contact, masked=masked)
    taker = rep_words(call.rep, call.person, call.extension)
    line = " · ".join(filter(None, (line_words(call.line, call.queue), origin_words(call, origin))))
    if call.state is State.ENDED:
        plain_party = who_plain(call.number, call.name, contact, masked=masked)
        buttons = [wrap_button(call, plain_party)] if call.conversation else []
        buttons += [get_button(call, plain_party)] if recording else []
        return _ended(call, party, buttons, taker, line, now, zone)
    if call.state is State.TALKING:
        running = (
            f" {timer(now - call.answered_at)}, since {clock(call.answered_at, zone)}." if call.answered_at else ""
        )
        took = f"{upper_first(taker or 'somebody')} took it"
        told = f"{took}. Talking{running}"
        if call.transferred_to:
            told = f"{took} and put them through to {_third(call.transferred_to, masked)}. Those two talk."
        elif call.consulting:
            told += f" {upper_first(_third(call.consulting, masked))} is on the other line."
        told = f"{told} {hanging_words(call, now)}".strip()
        blocks = [section(f"📞 *Call from {party}*\n{told}", "in:state")]
    else:
        ringing = f" at {taker}" if taker else ""
        where = "In the menu" if call.guided_at and not call.legs else f"Ringing{ringing}"
        blocks = [section(f"📞 *Incoming call from {party}*\n{where}…", "in:state")]
    if line:
        blocks.append(context([upper_first(line)], "in:line"))
    known = _known(history, last_rep, now, zone, masked)
    blocks.append(context([known], "in:known"))
    if call.state is State.TALKING and (facts := live_facts(call)):
        blocks.append(context([upper_first(" · ".join(facts))], "in:live"))
    plain_party = who_plain(call.number, call.name, contact, masked=masked)
    blocks += control_rows(call, plain_party, controls, acting)
    if call.rep and "hang_up" in controls and not acting and not call.hanging_up(now):
        blocks.append(actions([hang_up_button(call, plain_party)], "in:hang_up"))
    return message(blocks)


def _third(number: str, masked: bool) -> str:
    return "a number" if masked and number.startswith("+") else plain(pretty(number))


def _ended(call: Call, party: str, buttons: Sequence[Block], taker: str, line: str, now: float, zone: str) -> Message:
    taken = f"{upper_first(taker)} took it." if taker and call.conversation else ""
    if call.outcome is Outcome.ANNOUNCEMENT:
        taken = "They heard the announcement and the call ended, as it is set up. Nobody needs to call back."
    blocks = [section(f"📞 *Call from {party}*\n{record_words(call, now, zone)}", "in:state")]
    facts = [taken, upper_first(line)]
    if call.by_hand:
        facts.append("Recorded by hand")
    if call.disposition:
        facts.append(f"How it went: {plain(call.disposition)}")
    if any(facts):
        blocks.append(context(facts, "in:facts"))
    if buttons:
        blocks.append(actions(buttons, "in:actions"))
    return message(blocks)


def _known(history: Sequence[Call], last_rep: str, now: float, zone: str, masked: bool) -> str:
    if not history and not last_rep:
        return "No earlier calls with this caller."
    lines = [earlier(call, now, zone, masked) for call in history[:SHOWN_HISTORY]]
    if last_rep:
        lines.insert(0, f"Last spoke with {rep_words(last_rep)}")
    return "\n".join(lines)


def earlier(call: Call, now: float, zone: str, masked: bool) -> str:
    """An earlier call in a line: when, which way, how it ended, who, what was said of it. `masked`: no note."""
    rep = rep_words(call.rep, call.person, call.extension)
    way = "called us" if call.direction == "in" else "we called"
    if call.purpose == "message":
        way = "we sent a voice message"
    outcome = SHORT[call.outcome] if call.outcome else "not over yet"
    if call.conversation and call.talk_seconds:
        outcome = f"talked {duration(call.talk_seconds)}"
    words = f"{upper_first(day_clock(call.started_at, now, zone))}: {way}, {outcome}"
    words += f", with {rep}" if rep and call.conversation else ""
    told = [plain(call.disposition), "" if masked else plain(call.note, 120)]
    told = [part for part in told if part]
    return words + (f" ({'; '.join(told)})" if told else "")
