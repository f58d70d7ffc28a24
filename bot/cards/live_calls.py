"""Live calls with their controls, for App Home and `/calls`. Pure."""

from collections.abc import Callable, Sequence

from bot.call import Call
from bot.cards import (
    Block,
    Message,
    clock,
    context,
    header,
    message,
    plain,
    rep_words,
    section,
    timer,
    upper_first,
    who,
    who_plain,
)
from bot.cards.controls import control_rows, hang_up_button, hanging_words, live_facts
from bot.events import State

SHOWN = 15
"""Calls of one list: with their controls they fit into Slack's 50 blocks."""


def live_blocks(
    live: Sequence[Call],
    now: float,
    zone: str,
    controls: Callable[[Call], frozenset[str]],
    names: Callable[[str], str],
    *,
    with_reps: bool = False,
) -> list[Block]:
    """A section per call, *Hang up* beside it and its other controls below. `with_reps`: whose call it is, too."""
    if not live:
        return [section("No call at the moment.", "live:none")]
    blocks: list[Block] = []
    for number, call in enumerate(live, 1):
        name = names(call.number) or call.name
        out = call.direction == "out"
        party, label = who(call.number, name, called=out), who_plain(call.number, name, called=out)
        can = controls(call)
        hang_up: Block | None = None
        if "hang_up" in can and not call.hanging_up(now):
            hang_up = hang_up_button(call, label, about=f"{number}. {label}")
        rep = rep_words(call.rep, call.person, call.extension) if with_reps else ""
        told = " · ".join(part for part in (_words(call, now, zone), rep, *live_facts(call)) if part)
        blocks.append(section(f"*{upper_first(party)}*\n{told}", f"live:call:{call.id}"[:255], hang_up))
        blocks += control_rows(call, f"{number}. {label}", can - {"hang_up"}, "", place=call.id)
    return blocks


def list_message(
    live: Sequence[Call],
    now: float,
    zone: str,
    controls: Callable[[Call], frozenset[str]],
    names: Callable[[str], str],
    *,
    team: bool,
) -> Message:
    """The answer to `/calls` or `/calls team`."""
    blocks = [
        header("Everybody's calls now" if team else "My calls now", "live:title"),
        *live_blocks(live[:SHOWN], now, zone, controls, names, with_reps=team),
    ]
    if len(live) > SHOWN:
        blocks.append(context([f"And {len(live) - SHOWN} more."], "live:more"))
    blocks.append(context([f"As of {clock(now, zone)}; type the command again for the newest."], "live:as_of"))
    return message(blocks)


def _words(call: Call, now: float, zone: str) -> str:
    if hanging := hanging_words(call, now):
        return hanging.rstrip(".")
    match call.state:
        case State.TALKING if call.conference:
            return f"In conference {plain(call.conference)}"
        case State.TALKING if call.answered_at:
            return f"Talking {timer(now - call.answered_at)}, since {clock(call.answered_at, zone)}"
        case State.TALKING:
            return "Talking"
        case State.UNCLEAR:
            return "Unclear whether it rings: see its card and say what happened"
        case State.RINGING if call.direction == "in":
            return "Incoming, ringing"
        case State.RINGING if not call.conference:
            return "Ringing your phone"
        case State.RINGING | State.CONNECTING:
            return "Their phone is ringing"
        case State.REQUESTED:
            return "Being placed"
        case State.ENDED:
            return "Just ended"
