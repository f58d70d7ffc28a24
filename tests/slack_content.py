"""Messages and views on their way into the fake Slack: read, checked, stored, and as Slack gives them back."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests import slack_facts
from tests.block_rules import check_message, check_text, check_view
from tests.slack_state import Channel, Ephemeral, Message, SlackError, View

if TYPE_CHECKING:
    from tests.fake_slack import FakeSlack

Args = Mapping[str, Any]


def content(args: Args) -> tuple[str, list[Any]]:
    """Text and blocks of a message, checked.

    Raises:
        SlackError: no_text, msg_too_long, invalid_arguments, invalid_blocks, invalid_blocks_format; with words.
    """
    for name in ("attachments", "markdown_text"):
        if args.get(name):
            raise SlackError("invalid_arguments", f"Callboard shows everything as text and blocks, not as {name}")
    for name in ("username", "icon_emoji", "icon_url"):
        if args.get(name):
            raise SlackError("missing_scope", needed="chat:write.customize")
    text, blocks = args.get("text") or "", from_json(args.get("blocks") or [], "invalid_blocks_format")
    if not isinstance(blocks, list):
        raise SlackError("invalid_blocks_format", "blocks is not a list")
    if len(text) > slack_facts.MESSAGE_TEXT:
        raise SlackError("msg_too_long")
    try:
        check_text(text)
    except AssertionError as error:
        raise SlackError("invalid_arguments" if text.strip() else "no_text", str(error)) from error
    try:
        check_message(text, blocks)
    except AssertionError as error:
        raise SlackError("invalid_blocks", str(error)) from error
    return text, blocks


def metadata_of(args: Args) -> dict[str, Any] | None:
    """Metadata of a message; None = not given, {} = none wanted."""
    if args.get("metadata") is None:
        return None
    metadata = from_json(args["metadata"], "invalid_metadata_format")
    if not isinstance(metadata, dict) or (metadata and set(metadata) != {"event_type", "event_payload"}):
        raise SlackError("invalid_metadata_format", "metadata is not an object of event_type and event_payload")
    return metadata


def view_of(args: Args, kind: str) -> dict[str, Any]:
    view = from_json(args["view"], "invalid_arguments")
    check_a_view(view, kind)
    return dict(view)


def check_a_view(view: Any, kind: str) -> None:
    if not isinstance(view, dict) or view.get("type") != kind:
        raise SlackError("invalid_arguments", f"view is not a {kind}")
    if len(json.dumps(view, ensure_ascii=False).encode()) > slack_facts.VIEW_BYTES:
        raise SlackError("view_too_large")
    try:
        check_view(view)
    except AssertionError as error:
        raise SlackError("invalid_arguments", str(error)) from error


def from_json(value: Any, error: str) -> Any:
    """Arguments of forms carry objects as JSON text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise SlackError(error, "not JSON") from None


def find(channel: Channel, ts: str) -> Message:
    for message in channel.messages:
        if message.ts == ts:
            return message
    raise SlackError("message_not_found")


def change(
    slack: "FakeSlack", channel: Channel, old: Message, text: str, blocks: Sequence[Any], metadata: Mapping[str, Any]
) -> Message:
    """Replace what a message says. What it said is kept in `updates`."""
    history = (*old.updates, replace(old, updates=()))
    new = replace(old, text=text, blocks=slack.with_block_ids(blocks), metadata=metadata, updates=history)
    channel.messages[channel.messages.index(old)] = new
    return new


def show(slack: "FakeSlack", channel: str, user: str, text: str, blocks: Sequence[Any]) -> str:
    """Show one person a message that nobody else sees. Returns its ts."""
    shown = Ephemeral(slack.next_ts(), channel, user, text, slack.with_block_ids(blocks))
    slack.ephemerals.append(shown)
    return shown.ts


def open_view(slack: "FakeSlack", user: str, view: dict[str, Any]) -> View:
    check_external_id(slack, view, "")
    opened = View(slack.next_id("V"), user, slack.next_id("h"), named(slack, view))
    slack.views[opened.id] = opened
    return opened


def replace_view(slack: "FakeSlack", old: View, view: dict[str, Any], known_hash: str | None) -> View:
    """`known_hash`: of the view that the bot believes is shown; None = whatever is shown."""
    if known_hash and known_hash != old.hash:
        raise SlackError("hash_conflict")
    check_external_id(slack, view, old.id)
    new = View(old.id, old.user, slack.next_id("h"), named(slack, view), (*old.updates, old.view))
    if old.id in slack.views:
        slack.views[old.id] = new
    return new


def check_external_id(slack: "FakeSlack", view: Args, own_id: str) -> None:
    taken = {v.view.get("external_id") for v in (*slack.views.values(), *slack.homes.values()) if v.id != own_id}
    if view.get("external_id") and view["external_id"] in taken:
        raise SlackError("duplicate_external_id")


def named(slack: "FakeSlack", view: dict[str, Any]) -> dict[str, Any]:
    """A view with a block_id for every block. Blocks that had none get a new one at every update, as in Slack."""
    return {**view, "blocks": list(slack.with_block_ids(view["blocks"]))}


def view_as_json(slack: "FakeSlack", view: View, values: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """`values`: what the person has typed and chosen, by block_id and action_id."""
    return {
        "private_metadata": "",
        "callback_id": "",
        "external_id": "",
        **view.view,
        "id": view.id,
        "team_id": slack.team,
        "app_id": slack.app_id,
        "bot_id": slack.bot_id,
        "hash": view.hash,
        "root_view_id": view.id,
        "previous_view_id": None,
        "state": {"values": dict(values or {})},
    }


def message_as_json(slack: "FakeSlack", message: Message, *, metadata: bool) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": "message",
        "user": message.author,
        "ts": message.ts,
        "text": message.text,
        "team": slack.team,
    }
    if message.blocks:
        found["blocks"] = list(message.blocks)
    if message.author == slack.bot_user:
        found |= {"bot_id": slack.bot_id, "app_id": slack.app_id}
    if message.thread_ts:
        found["thread_ts"] = message.thread_ts
    if message.files and not slack.hide_files:
        shown = [slack.files[file] for file in message.files]
        found["files"] = [
            {"id": file.id, "mode": "tombstone"}
            if file.deleted
            else {"id": file.id, "name": file.name, "title": file.title, "size": file.length}
            for file in shown
        ]
    if metadata and message.metadata:
        found["metadata"] = dict(message.metadata)
    return found
