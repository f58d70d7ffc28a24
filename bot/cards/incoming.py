"""The incoming card: who calls, what we know of them, who took it. Pure."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bot.cards import (
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
from bot.cards.cdr import record_words
from bot.cards.outcomes import SHORT
from bot.events import Call, Outcome, State

if TYPE_CHECKING:
    from bot.store.people import Contact

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
) -> Message | None:
    """The card of an incoming call; None once it is missed, because then the missed caller's card shows it.

    Attributes:
        history: earlier calls with the same number, the latest first; the first three are shown.
        last_rep: who spoke with them last, Slack user id or a name, "" = nobody.
        masked: hide the number and the notes (public channels).
    """
    if call.missed:
        return None
    party = who(call.number, call.name, contact, masked=masked)
    taker = rep_words(call.rep, call.person, call.extension)
    line = line_words(call.line, call.queue)
    if call.state is State.ENDED:
        return _ended(call, party, who_plain(call.number, call.name, contact, masked=masked), taker, line, now, zone)
    if call.state is State.TALKING:
        running = (
            f" {timer(now - call.answered_at)}, since {clock(call.answered_at, zone)}." if call.answered_at else ""
        )
        blocks = [
            section(f"📞 *Call from {party}*\n{upper_first(taker or 'somebody')} took it. Talking{running}", "in:state")
        ]
    else:
        ringing = f" at {taker}" if taker else ""
        blocks = [section(f"📞 *Incoming call from {party}*\nRinging{ringing}…", "in:state")]
    if line:
        blocks.append(context([upper_first(line)], "in:line"))
    known = _known(history, last_rep, now, zone, masked)
    blocks.append(context([known], "in:known"))
    return message(blocks)


def _ended(call: Call, party: str, party_plain: str, taker: str, line: str, now: float, zone: str) -> Message:
    taken = f"{upper_first(taker)} took it." if taker and call.conversation else ""
    if call.outcome is Outcome.ANNOUNCEMENT:
        taken = "They heard the announcement and the call ended, as it is set up. Nobody needs to call back."
    blocks = [section(f"📞 *Call from {party}*\n{record_words(call, now, zone)}", "in:state")]
    facts = [taken, upper_first(line)]
    if call.disposition:
        facts.append(f"How it went: {plain(call.disposition)}")
    if any(facts):
        blocks.append(context(facts, "in:facts"))
    if call.conversation:
        blocks.append(actions([wrap_button(call, party_plain)], "in:actions"))
    return message(blocks)


def _known(history: Sequence[Call], last_rep: str, now: float, zone: str, masked: bool) -> str:
    if not history and not last_rep:
        return "No earlier calls with this caller."
    lines = [_earlier(call, now, zone, masked) for call in history[:SHOWN_HISTORY]]
    if last_rep:
        lines.insert(0, f"Last spoke with {rep_words(last_rep)}")
    return "\n".join(lines)


def _earlier(call: Call, now: float, zone: str, masked: bool) -> str:
    rep = rep_words(call.rep, call.person, call.extension)
    way = "called us" if call.direction == "in" else "we called"
    outcome = SHORT[call.outcome] if call.outcome else "not over yet"
    if call.conversation and call.talk_seconds:
        outcome = f"talked {duration(call.talk_seconds)}"
    words = f"{upper_first(day_clock(call.started_at, now, zone))}: {way}, {outcome}"
    words += f", with {rep}" if rep and call.conversation else ""
    told = [plain(call.disposition), "" if masked else plain(call.note, 120)]
    told = [part for part in told if part]
    return words + (f" ({'; '.join(told)})" if told else "")
