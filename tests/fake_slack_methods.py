"""The Web API methods of the fake Slack. Each takes the workspace and the arguments.

A method returns its answer without `ok`, or raises SlackError with a code that Slack's reference names for it. Scopes
common to all conversations, unknown and missing arguments and rate limits are checked before it is called.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from tests import fake_slack_calls, fake_slack_files, fake_slack_steps, slack_facts
from tests.slack_content import (
    change,
    content,
    find,
    message_as_json,
    metadata_of,
    named,
    open_view,
    replace_view,
    show,
    view_as_json,
    view_of,
)
from tests.slack_state import Channel, Message, SlackError, View

if TYPE_CHECKING:
    from tests.fake_slack import FakeSlack

Args = Mapping[str, Any]


def auth_test(slack: "FakeSlack", args: Args) -> dict[str, Any]:
    return {
        "url": "https://callboard-test.slack.com/",
        "team": "Callboard test",
        "team_id": slack.team,
        "user": "callboard",
        "user_id": slack.bot_user,
        "bot_id": slack.bot_id,
        "is_enterprise_install": False,
    }


def apps_connections_open(slack: "FakeSlack", args: Args) -> dict[str, Any]:
    return {"url": slack.mint_socket_url()}


def chat_post_message(slack: "FakeSlack", args: Args) -> dict[str, Any]:
    channel = _joined(slack, args["channel"])
    text, blocks = content(args)
    thread_ts = str(args.get("thread_ts") or "")
    if thread_ts and not any(message.ts == thread_ts for message in channel.messages):
        raise SlackError("cannot_reply_to_message")
    metadata = metadata_of(args) or {}
    fake_slack_calls.check_call_blocks(slack, blocks, posting=True)
    fake_slack_files.check_pictures(slack, blocks)
    slack.check_post_rate(channel.id)
    message = Message(slack.next_ts(), text, slack.with_block_ids(blocks), metadata, slack.bot_user, thread_ts)
    channel.messages.append(message)
    return {"channel": channel.id, "ts": message.ts, "message": message_as_json(slack, message, metadata=True)}


def chat_update(slack: "FakeSlack", args: Args) -> dict[str, Any]:
    channel = _joined(slack, args["channel"])
    old = find(channel, args["ts"])
    if old.author != slack.bot_user:
        raise SlackError("cant_update_message")
    text, blocks = content(args)  # a text without blocks removes the blocks
    metadata = metadata_of(args)
    fake_slack_calls.check_call_blocks(slack, blocks, posting=False)
    fake_slack_files.check_pictures(slack, blocks)
    new = change(slack, channel, old, text, blocks, old.metadata if metadata is None else metadata)
    return {"channel": channel.id, "ts": new.ts, "text": text, "message": message_as_json(slack, new, metadata=True)}


def chat_delete(slack: "FakeSlack", args: Args) -> dict[str, Any]:
    channel = _joined(slack, args["channel"])
    message = find(channel, args["ts"])
    if message.author != slack.bot_user:
        raise SlackError("cant_delete_message")
    channel.messages.remove(message)
    return {"channel": channel.id, "ts": message.ts}


def chat_post_ephemeral(slack: "FakeSlack", args: Args) -> dict[str, Any]:
    channel = _joined(slack, args["channel"])
    if args["user"] not in channel.members:
        raise SlackError("user_not_in_channel")
    text, blocks = content(args)
    return {"message_ts": show(slack, channel.id, args["user"], text, blocks)}


def chat_get_permalink(slack: "FakeSlack", args: Args) -> dict[str, Any]:
    channel = _visible(slack, args["channel"])
    ts = find(channel, args["message_ts"]).ts.replace(".", "")
    return {"channel": channel.id, "permalink": f"https://callboard-test.slack.com/archives/{channel.id}/p{ts}"}


def conversations_open(slack: "FakeSlack", args: Args) -> dict[str, Any]:
    if "im:write" not in slack.scopes:
        slack.missing_scope("im:write")
    if args.get("channel"):
        return {"channel": {"id": _visible(slack, args["channel"]).id}}
    users = args.get("users") or []
    users = users.split(",") if isinstance(users, str) else users
    if not users:
        raise SlackError("users_list_not_supplied")
    if len(users) > 1:
        raise SlackError("invalid_user_combination", "Callboard writes to one person at a time")
    if users[0] in slack.users and slack.users[users[0]].deleted:
        raise SlackError("user_disabled")
    return {"channel": {"id": slack.open_dm(users[0]).id}}


def conversations_history(slack: "FakeSlack", args: Args) -> dict[str, Any]:
    """Newest first, without replies in threads."""
    channel = _joined(slack, args["channel"], archived_too=True)
    _check_kind(slack, channel, "history")
    own = [message for message in reversed(channel.messages) if message.thread_ts in ("", message.ts)]
    return _page(slack, own, args)


def conversations_replies(slack: "FakeSlack", args: Args) -> dict[str, Any]:
    """The message at the head of a thread, then its replies, oldest first."""
    channel = _joined(slack, args["channel"], archived_too=True)
    _check_kind(slack, channel, "history")
    thread = [message for message in channel.messages if args["ts"] in (message.ts, message.thread_ts)]
    if not thread:
        raise SlackError("thread_not_found")
    return _page(slack, thread, args)


def _page(slack: "FakeSlack", messages: list[Message], args: Args) -> dict[str, Any]:
    oldest, latest = float(args.get("oldest") or 0), float(args.get("latest") or "inf")
    inclusive = _true(args.get("inclusive"))
    found = [
        message
        for message in messages
        if oldest < float(message.ts) < latest or (inclusive and float(message.ts) in (oldest, latest))
    ]
    start, limit = int(args.get("cursor") or 0), min(int(args.get("limit") or 100), 999)
    page, more = found[start : start + limit], start + limit < len(found)
    return {
        "messages": [
            message_as_json(slack, message, metadata=_true(args.get("include_all_metadata"))) for message in page
        ],
        "has_more": more,
        "response_metadata": {"next_cursor": str(start + limit) if more else ""},
    }


def conversations_info(slack: "FakeSlack", args: Args) -> dict[str, Any]:
    channel = _visible(slack, args["channel"])
    _check_kind(slack, channel, "read")
    found: dict[str, Any] = {
        "id": channel.id,
        "is_channel": not channel.private and not channel.im,
        "is_group": channel.private,
        "is_im": channel.im,
        "is_private": channel.private or channel.im,
        "is_archived": channel.archived,
        "is_ext_shared": channel.shared,
    }
    if not channel.im:
        found |= {"name": channel.name, "is_member": channel.bot_is_member}
    if _true(args.get("include_num_members")):
        found["num_members"] = len(channel.members) + channel.bot_is_member
    return {"channel": found}


def conversations_members(slack: "FakeSlack", args: Args) -> dict[str, Any]:
    channel = _visible(slack, args["channel"])
    _check_kind(slack, channel, "read")
    members = sorted({*channel.members, *(["UBOT"] if channel.bot_is_member else [])})
    start, limit = int(args.get("cursor") or 0), min(int(args.get("limit") or 100), 999)
    more = start + limit < len(members)
    return {
        "members": members[start : start + limit],
        "response_metadata": {"next_cursor": str(start + limit) if more else ""},
    }


def dnd_info(slack: "FakeSlack", args: Args) -> dict[str, Any]:
    user = slack.users.get(args["user"])
    if user is None:
        raise SlackError("user_not_found")
    start, end = user.rests
    return {"dnd_enabled": end > start, "next_dnd_start_ts": int(start), "next_dnd_end_ts": int(end)}


def usergroups_users_list(slack: "FakeSlack", args: Args) -> dict[str, Any]:
    if args["usergroup"] not in slack.groups:
        raise SlackError("no_such_subteam")
    return {"users": list(slack.groups[args["usergroup"]])}


def users_info(slack: "FakeSlack", args: Args) -> dict[str, Any]:
    user = slack.users.get(args["user"])
    if user is None:
        raise SlackError("user_not_found")
    offset = datetime.fromtimestamp(slack.now(), UTC).astimezone(ZoneInfo(user.tz)).utcoffset()
    found: dict[str, Any] = {
        "id": user.id,
        "team_id": user.team or slack.team,
        "is_restricted": user.guest,
        "is_ultra_restricted": False,
        "name": user.name.lower(),
        "real_name": user.name,
        "deleted": user.deleted,
        "is_admin": user.is_admin,
        "is_owner": False,
        "is_bot": user.bot,
        "tz": user.tz,
        "tz_offset": int(offset.total_seconds()) if offset else 0,
        "profile": {"real_name": user.name, "display_name": user.name},
    }
    if _true(args.get("include_locale")):
        found["locale"] = "en-GB"
    return {"user": found}


def views_open(slack: "FakeSlack", args: Args) -> dict[str, Any]:
    trigger = slack.triggers.get(args.get("trigger_id") or "")
    if trigger is None:
        raise SlackError("invalid_trigger_id")
    if trigger.used:
        raise SlackError("exchanged_trigger_id")
    if slack.now() - trigger.minted_at > slack_facts.TRIGGER_SECONDS:
        raise SlackError("expired_trigger_id")
    view = view_of(args, "modal")
    opened = open_view(slack, trigger.user, view)
    trigger.used = True
    return {"view": view_as_json(slack, opened)}


def views_update(slack: "FakeSlack", args: Args) -> dict[str, Any]:
    name, external = args.get("view_id"), args.get("external_id")
    if bool(name) == bool(external):
        raise SlackError("invalid_arguments", "give either view_id or external_id")
    found = [v for v in slack.views.values() if v.id == name or (external and v.view.get("external_id") == external)]
    if not found:
        raise SlackError("not_found")
    return {"view": view_as_json(slack, replace_view(slack, found[0], view_of(args, "modal"), args.get("hash")))}


def views_publish(slack: "FakeSlack", args: Args) -> dict[str, Any]:
    user, view = args["user_id"], view_of(args, "home")
    if user not in slack.users:
        raise SlackError("invalid_arguments", f"invalid user_id: {user}")
    if user in slack.homes:
        home = replace_view(slack, slack.homes[user], view, args.get("hash"))
    else:
        home = View(slack.next_id("V"), user, slack.next_id("h"), named(slack, view))
    slack.homes[user] = home
    return {"view": view_as_json(slack, home)}


METHODS: dict[str, Callable[["FakeSlack", Args], dict[str, Any]]] = {
    "apps.connections.open": apps_connections_open,
    "auth.test": auth_test,
    "calls.add": fake_slack_calls.calls_add,
    "calls.end": fake_slack_calls.calls_end,
    "calls.participants.add": fake_slack_calls.calls_participants_add,
    "calls.participants.remove": fake_slack_calls.calls_participants_remove,
    "calls.update": fake_slack_calls.calls_update,
    "chat.delete": chat_delete,
    "chat.getPermalink": chat_get_permalink,
    "chat.postEphemeral": chat_post_ephemeral,
    "chat.postMessage": chat_post_message,
    "chat.update": chat_update,
    "conversations.history": conversations_history,
    "conversations.replies": conversations_replies,
    "conversations.info": conversations_info,
    "conversations.members": conversations_members,
    "conversations.open": conversations_open,
    **fake_slack_files.METHODS,
    "dnd.info": dnd_info,
    "functions.completeError": fake_slack_steps.functions_complete_error,
    "functions.completeSuccess": fake_slack_steps.functions_complete_success,
    "usergroups.users.list": usergroups_users_list,
    "users.info": users_info,
    "views.open": views_open,
    "views.publish": views_publish,
    "views.update": views_update,
}


def _visible(slack: "FakeSlack", name: str) -> Channel:
    """The bot does not learn that a private channel exists before it is in it."""
    channel = slack.channels.get(name)
    if channel is None or (channel.private and not channel.bot_is_member):
        raise SlackError("channel_not_found")
    return channel


def _joined(slack: "FakeSlack", name: str, *, archived_too: bool = False) -> Channel:
    channel = _visible(slack, name)
    if not channel.bot_is_member:
        raise SlackError("not_in_channel")
    if channel.archived and not archived_too:
        raise SlackError("is_archived")
    return channel


def _check_kind(slack: "FakeSlack", channel: Channel, what: str) -> None:
    """Reading needs the scope of that kind of conversation; another kind's does not help."""
    scope = f"{'im' if channel.im else 'groups' if channel.private else 'channels'}:{what}"
    if scope not in slack.scopes:
        slack.missing_scope(scope)


def _true(value: Any) -> bool:
    """A flag as JSON or as a form field."""
    return value in (True, "true", "1", 1)
