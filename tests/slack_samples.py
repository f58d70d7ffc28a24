"""A card, a modal and a Home tab that Slack accepts, for the tests of the fake Slack."""

from typing import Any

TEXT = "Call from +1 202 555 0100 to Sales, ringing."
ANSWERED = "Call from +1 202 555 0100 to Sales, answered by Ada."


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def card(*values: str) -> list[dict[str, Any]]:
    buttons = [
        {
            "type": "button",
            "action_id": "call_back",
            "text": plain("Call back"),
            "value": value,
            "accessibility_label": f"Call back {value}",
        }
        for value in values or ("1",)
    ]
    return [
        {"type": "section", "text": {"type": "mrkdwn", "text": "*Ringing*"}},
        *({"type": "actions", "elements": [button]} for button in buttons),
    ]


def modal(**more: Any) -> dict[str, Any]:
    element = {"type": "plain_text_input", "action_id": "typed"}
    choice = {
        "type": "static_select",
        "action_id": "queue",
        "options": [{"text": plain("Sales"), "value": "sales"}, {"text": plain("Support"), "value": "support"}],
    }
    blocks = [
        {"type": "input", "block_id": "number", "label": plain("Number"), "element": element},
        {"type": "input", "block_id": "queue", "label": plain("Queue"), "element": choice, "optional": True},
    ]
    view = {"type": "modal", "callback_id": "dial", "title": plain("Call"), "submit": plain("Call"), "blocks": blocks}
    return view | more


def home(words: str = "Nothing is ringing.") -> dict[str, Any]:
    return {"type": "home", "blocks": [{"type": "section", "text": plain(words)}]}
