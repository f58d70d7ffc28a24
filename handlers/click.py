"""What somebody did in Slack: one kind of thing, whether typed, pressed, chosen or submitted."""

from typing import Any

import msgspec


class Click(msgspec.Struct, frozen=True):  # made for every request: a data class takes ten times as long
    """A command, a pressed button, a chosen option or a submitted form.

    Attributes:
        user: Slack user id.  channel: where, "" = App Home or a form.  text: after the command.
        action: action_id or callback_id.  value: of the button, option, or the form's private_metadata.
        trigger: opens one modal within 3 s; also unique per click, so it identifies what was asked for. A form's is its
            id, the same however often it is sent.
        response_url: answers for 30 minutes, "" = there is none.  message_ts: of the message with the button.
        fields: a form's values by block id; unset ones are "". Checked boxes and several people are joined by a space.
        view: the whole view for forms and App Home, else empty.
    """

    user: str
    channel: str = ""
    text: str = ""
    action: str = ""
    value: str = ""
    trigger: str = ""
    response_url: str = ""
    message_ts: str = ""
    fields: dict[str, str] = {}
    view: dict[str, Any] = {}


def pressed(body: dict[str, Any], action: dict[str, Any]) -> Click:
    """The click of an interaction's payload and one of its actions: page "block_actions payload"."""
    option = action.get("selected_option") or {}
    container = body.get("container") or {}
    return Click(
        user=body["user"]["id"],
        channel=(body.get("channel") or {}).get("id", ""),
        action=action["action_id"],
        value=action.get("value")
        or option.get("value")
        or action.get("selected_date")
        or action.get("selected_user")
        or "",
        trigger=body.get("trigger_id", ""),
        response_url=body.get("response_url", ""),
        message_ts=container.get("message_ts", ""),
        view=body.get("view") or {},
    )


def fields_of(view: dict[str, Any]) -> dict[str, str]:
    """A form's values by block id, as in `Click.fields`: page "view_submission payload"."""
    found = {}
    for block, elements in (view.get("state") or {}).get("values", {}).items():
        for element in elements.values():
            option = element.get("selected_option") or {}
            boxes = " ".join(box["value"] for box in element.get("selected_options") or ())
            boxes = boxes or " ".join(element.get("selected_users") or ())
            value = element.get("value") or option.get("value") or boxes or element.get("selected_date") or ""
            value = value or element.get("selected_user") or ""
            found[block] = str(value).strip()
    return found


def first_input(click: Click) -> str:
    """Block id of a form's first field, below which what is wrong with all of it is said."""
    return next(str(block["block_id"]) for block in click.view["blocks"] if block["type"] == "input")
