"""The `calls.*` methods of the fake Slack. Page "Using the Calls API" and the methods' own.

Stricter than what the pages say in one point: a second `calls.add` of the same call is refused, because they demand a
unique id and do not say what becomes of another one.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tests.slack_content import from_json
from tests.slack_state import NativeCall, SlackError

if TYPE_CHECKING:
    from tests.fake_slack import FakeSlack

Args = Mapping[str, Any]


def calls_add(slack: "FakeSlack", args: Args) -> dict[str, Any]:
    if args.get("created_by") not in slack.users:  # needed with a bot's token
        raise SlackError("invalid_created_by")
    if "date_start" in args and not 0 < int(args["date_start"]) <= slack.now() + 60:
        raise SlackError("invalid_start_time")
    external = str(args["external_unique_id"])
    if any(call.external_id == external for call in slack.native_calls.values()):
        raise SlackError("internal_error", f"there is a call {external} already")
    _check_url(args["join_url"])
    call = NativeCall(slack.next_id("R"), external, str(args.get("title", "")), args["join_url"], _users(slack, args))
    slack.native_calls[call.id] = call
    return _shown(call)


def calls_update(slack: "FakeSlack", args: Args) -> dict[str, Any]:
    call = _find(slack, args)
    call.title = str(args.get("title", call.title))
    return _shown(call)


def calls_end(slack: "FakeSlack", args: Args) -> dict[str, Any]:
    call = _running(slack, args)
    call.ended, call.duration = True, int(args["duration"]) if "duration" in args else None
    return _shown(call)


def calls_participants_add(slack: "FakeSlack", args: Args) -> dict[str, Any]:
    call, users = _running(slack, args), _users(slack, args)
    if any(user in call.users for user in users):
        raise SlackError("bad_users")
    call.users += users
    return _shown(call)


def calls_participants_remove(slack: "FakeSlack", args: Args) -> dict[str, Any]:
    call, users = _running(slack, args), _users(slack, args)
    if any(user not in call.users for user in users):
        raise SlackError("bad_users")
    call.users = [user for user in call.users if user not in users]
    return _shown(call)


def check_call_blocks(slack: "FakeSlack", blocks: list[Any], *, posting: bool) -> None:
    """A `call` block shows a call that was added, and is documented for posting only."""
    for block in blocks:
        if block["type"] == "call" and not posting:
            raise SlackError("invalid_blocks", "a call block is posted, not edited in")
        if block["type"] == "call" and block["call_id"] not in slack.native_calls:
            raise SlackError("invalid_blocks", f"there is no call {block['call_id']}")


def _find(slack: "FakeSlack", args: Args) -> NativeCall:
    if args["id"] not in slack.native_calls:
        raise SlackError("invalid_call_id")
    return slack.native_calls[args["id"]]


def _running(slack: "FakeSlack", args: Args) -> NativeCall:
    call = _find(slack, args)
    if call.ended:
        raise SlackError("inactive_call")
    return call


def _users(slack: "FakeSlack", args: Args) -> list[Mapping[str, str]]:
    users: list[Mapping[str, str]] = list(from_json(args.get("users") or [], "invalid_arguments"))
    for user in users:
        if set(user) == {"slack_id"}:
            if user["slack_id"] not in slack.users:
                raise SlackError("user_not_found")
        elif not {"external_id", "display_name"} <= set(user) <= {"external_id", "display_name", "avatar_url"}:
            raise SlackError("invalid_arguments", f"{user!r} is neither a Slack user nor an outside one")
    return users


def _check_url(url: str) -> None:
    if not url.startswith("https://"):
        raise SlackError("invalid_arguments", "join_url is no https address")


def _shown(call: NativeCall) -> dict[str, Any]:
    return {"call": {"id": call.id, "title": call.title, "join_url": call.join_url, "users": call.users}}
