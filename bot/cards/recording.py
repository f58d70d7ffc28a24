"""Recordings in Slack: the words of a file, the list of recorded calls, links, and the question before recording. Pure.

Buttons: `recording:get` carries a call's id; `recording:listen` is a link and does nothing here.
"""

from collections.abc import Mapping, Sequence

from bot.call import Call
from bot.cards import (
    Block,
    Message,
    actions,
    button,
    context,
    day_clock,
    duration,
    header,
    message,
    rep_words,
    safe,
    section,
    upper_first,
    who,
    who_plain,
)
from bot.cards.forms import form

SHOWN = 10
"""Calls of one list."""


def title(call: Call, name: str) -> str:
    """Of the file, plain text; also what screen readers say: "Recording of the call with Dana Levi, +1 202-…"."""
    return f"Recording of the {_what(call)} {who_plain(call.number, name or call.name)}"


def comment(call: Call, name: str, reference: str) -> str:
    """Of the message that carries the file, mrkdwn. `reference` makes it different from all others."""
    talked = f", talked {duration(call.talk_seconds)}" if call.talk_seconds and call.purpose != "message" else ""
    return f"Recording {reference} of the {_what(call)} {who(call.number, name or call.name)}{talked}."


def _what(call: Call) -> str:
    return "voice message to" if call.purpose == "message" else "call with"


def get_button(call: Call, party: str) -> Block:
    """The button on a card; `party` in plain text."""
    return button("Recording", "recording:get", call.id, about=party)


def list_message(
    calls: Sequence[Call], heading: str, names: Mapping[str, str], now: float, zone: str, *, with_reps: bool = False
) -> Message:
    """Recorded calls, a button each. `zone`: IANA. `with_reps`: whose call it was, too."""
    blocks: list[Block] = [header(heading, "recording:title")]
    if not calls:
        blocks.append(section("There is no recording.", "recording:none"))
    for number, call in enumerate(calls, 1):
        name = names.get(call.number, "") or call.name
        told = [
            day_clock(call.started_at, now, zone),
            "voice message" if call.purpose == "message" else "",
            f"talked {duration(call.talk_seconds)}" if call.talk_seconds and call.purpose != "message" else "",
            rep_words(call.rep, call.person, call.extension) if with_reps else "",
            f"{len(call.recordings)} recordings" if len(call.recordings) > 1 else "",
        ]
        text = f"*{upper_first(who(call.number, name))}*\n{' · '.join(part for part in told if part)}"
        about = f"{number}. {who_plain(call.number, name)}"
        blocks.append(section(text, f"recording:call:{call.id}", get_button(call, about)))
    return message(blocks)


def links_message(call: Call, name: str, links: Sequence[str], minutes: int) -> Message:
    """Where to listen, for one person, for some minutes."""
    party, plain_party = who(call.number, name or call.name), who_plain(call.number, name or call.name)
    several = len(links) > 1
    elements = []
    for number, address in enumerate(links[:25], 1):
        label = f"Listen to {number}" if several else "Listen"
        elements.append({**button(label, f"recording:listen:{number}", "", about=plain_party), "url": address})
    about_it = f"{'Recordings' if several else 'Recording'} of the {_what(call)} {party}."
    limits = (
        f"The {'links are' if several else 'link is'} yours alone, for {minutes} minutes; each use is written down."
    )
    blocks = [
        section(about_it, "recording:links"),
        actions(elements, "recording:listen"),
        context([limits], "recording:limits"),
    ]
    return message(blocks)


def choice_message(running: Sequence[Call], action: str, names: Mapping[str, str]) -> Message:
    """Which of several running calls? `action`: start_recording or stop_recording."""
    label = "Record" if action == "start_recording" else "Stop recording"
    blocks: list[Block] = [section(f"You have several calls. {label} which?", "recording:which")]
    for number, call in enumerate(running, 1):
        name = names.get(call.number, "") or call.name
        chosen = button(label, f"live:{action}", call.id, about=f"{number}. {who_plain(call.number, name)}")
        blocks.append(section(upper_first(who(call.number, name)), f"recording:which:{call.id}", chosen))
    return message(blocks)


def consent_modal(call_id: str, question: str, yes: str) -> Block:
    """What must be confirmed before recording; callback_id `recording:consented`."""
    blocks = [
        section(safe(question), "recording:question"),
        context(["Your answer is written down."], "recording:noted"),
    ]
    return form("Record the call?", blocks, "recording:consented", call_id, submit=yes)
