"""Notices: a few sentences with buttons, such as reminders and problems. Pure.

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
    actions,
    at_clock,
    button,
    date_clock,
    message,
    paragraphs,
    plain,
    safe,
    section,
    who,
    who_plain,
)
from bot.cards.outcomes import SHORT

if TYPE_CHECKING:
    from bot.store.contacts import Contact

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
    """The payload that reminds a rep to call somebody; "reminder" is the call's id, as are the values of its buttons
    `call:again`, `call:later`.

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
        "reminder": call.id,
        "buttons": [
            {"label": "Call now", "action_id": "call:again", "value": call.id, "style": "primary", "about": party},
            {"label": "Later", "action_id": "call:later", "value": call.id, "about": party},
        ],
    }


def put_off(told: Mapping[str, Any], due_at: float, now: float, zone: str) -> Mapping[str, Any]:
    """What a payload of `reminder()` says by now. `due_at`: when they are reminded again, 0 = they are not."""
    if due_at <= now:
        return told
    return {**told, "text": f"{told['text']}\n*Put off:* you are reminded again {at_clock(due_at, now, zone)}."}
