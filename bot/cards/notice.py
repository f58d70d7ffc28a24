"""Notices: a few sentences with buttons, such as reminders, escalations and problems. Pure.

A notice is a JSON payload {"text": mrkdwn, "buttons": [{"label", "action_id", "value", "style", "about"}]}; "buttons",
"style" and "about" may be left out. It is stored with its card and escaped when it is shown.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bot.call import Call
from bot.cards import (
    NOTE_LIMIT,
    Block,
    Message,
    about,
    actions,
    button,
    date_clock,
    day_clock,
    line_words,
    message,
    paragraphs,
    plain,
    rep_words,
    safe,
    section,
    who,
    who_plain,
)
from bot.cards.outcomes import SHORT
from bot.cards.times import how_often

if TYPE_CHECKING:
    from bot.store.contacts import Contact
    from bot.store.missed import Missed

_BUTTONS = 25
"""Elements of one actions block. Page "Actions block"."""
_ROWS = 9
"""Rows of buttons; with 40 sections and one block of small print they fit into a message."""


def notice_card(payload: Mapping[str, Any]) -> Message:
    """The message of a notice."""
    blocks = paragraphs([safe(str(payload["text"]))], "notice") or [section("There is nothing to show.", "notice")]
    # Slack wants every action_id of a block to be unique, so equal actions get rows of their own.
    rows: list[list[Block]] = []
    for number, given in enumerate(payload.get("buttons") or (), 1):
        element = _button(given, number)
        free = (
            row
            for row in rows
            if len(row) < _BUTTONS and all(other["action_id"] != element["action_id"] for other in row)
        )
        row = next(free, None)
        if row is not None:
            row.append(element)
        elif len(rows) < _ROWS:
            rows.append([element])
    blocks.extend(actions(row, f"notice:actions:{index}") for index, row in enumerate(rows))
    return message(blocks)


def _button(given: Mapping[str, Any], number: int) -> Block:
    """Numbered for screen readers unless it says itself what it is about, so that no two sound alike."""
    return button(
        str(given["label"]),
        str(given["action_id"]),
        str(given["value"]),
        style=given.get("style", ""),
        about=str(given.get("about", "")) or (f"choice {number}" if number > 1 else ""),
    )


def reminder(call: Call, contact: "Contact | None", zone: str, last: Call | None = None) -> dict[str, Any]:
    """The payload that reminds a rep to call somebody. Buttons `call:again`, `call:later` carry `call.id`.

    `last`: the latest of their calls with that number; None = there was none since.
    """
    last = last or call
    text = f"*Reminder:* you wanted to call {who(call.number, call.name, contact)}."
    if last.started_at:
        way = "you called" if last.direction == "out" else "they called"
        outcome = f" ({SHORT[last.outcome]})" if last.outcome else ""
        text += f"\nLast time {way} was on {date_clock(last.started_at, zone)}{outcome}."
    if call.note:
        text += f"\nYour note: {plain(call.note, NOTE_LIMIT)}"
    party = who_plain(call.number, call.name, contact)
    return {
        "text": text,
        "buttons": [
            {"label": "Call now", "action_id": "call:again", "value": call.id, "style": "primary", "about": party},
            {"label": "Later", "action_id": "call:later", "value": call.id, "about": party},
        ],
    }


def escalation(
    missed: "Missed",
    contact: "Contact | None",
    now: float,
    zone: str,
    *,
    masked: bool = False,
    last_rep: str = "",
    asked_by: str = "",
    reader: str = "",
) -> dict[str, Any]:
    """The payload that says nobody has called back, or that `asked_by` wants this person to.

    `reader`: whom it is for. Buttons `missed:call_back`, and `missed:claim` or `missed:release`, carry `missed.id`;
    *Release* of another's claim carries "id|whose".
    """
    party = who(missed.number, missed.name, contact, masked=masked)
    line = line_words(missed.line)
    asks = f"{rep_words(asked_by)} asks you to call back {party}" if asked_by else f"Nobody has called back {party}"
    anothers = not asked_by and missed.claimed_by not in ("", reader)
    if missed.claimed_by and not asked_by:
        claimer = rep_words(missed.claimed_by) if anothers else "You"
        since = day_clock(missed.claimed_at, now, zone)
        asks = f"{claimer} claimed {party} at {since}, and nobody has talked with them since"
    text = (
        f"*{asks}.*\n"
        f"Waiting for {about(now - missed.opened_at)}; tried {how_often(missed.calls)}, "
        f"last at {day_clock(missed.last_at, now, zone)}"
        f"{f' on {line}' if line else ''}."
    )
    if last_rep:
        text += f" They last spoke with {rep_words(last_rep)}."
    if anothers:
        text += " `/missed` gives them to somebody else."
    if not missed.number:
        text += " The number is withheld, so it cannot be called; close it when it is dealt with."
    label = who_plain(missed.number, missed.name, contact, masked=masked)
    claimed = asked_by or missed.claimed_by
    claim = ("Release", "missed:release") if claimed else ("I'll take it", "missed:claim")
    # By the time it is pressed it may be somebody else's, and it would be their claim that is taken away.
    value = f"{missed.id}|{missed.claimed_by}" if anothers else missed.id
    buttons = [{"label": claim[0], "action_id": claim[1], "value": value, "about": label}]
    if missed.number and not anothers:  # who is somebody else's is called by nobody but them
        buttons.insert(
            0,
            {
                "label": "Call back",
                "action_id": "missed:call_back",
                "value": missed.id,
                "style": "primary",
                "about": label,
            },
        )
    return {"text": text, "buttons": buttons}
