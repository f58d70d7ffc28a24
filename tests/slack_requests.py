"""What Slack sends to the bot when a person does something: signed HTTP requests as plain (headers, body).

    headers, body = slash_command(slack, "/call", "+1 202 555 0101", user="U1", channel="C1")
    reply = await http.post("/slack/events", headers=headers, content=body)

A person can only use what they see: `click` and `submit` look at the message, modal or Home tab that the fake Slack
shows, refuse a button or an input that is not there, and take value, block_id and type from it. trigger_ids and
response_urls are minted by the fake Slack, which then holds the bot to their rules. For Socket Mode, `payload_of`
gives back what an envelope carries. Pages "Implementing slash commands", "Handling user interaction", "Events API",
"Verifying requests from Slack".
"""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode

from tests.block_rules import elements_of
from tests.fake_slack import FakeSlack
from tests.fake_slack_steps import Execution, declared
from tests.slack_content import message_as_json, view_as_json

Signed = tuple[dict[str, str], bytes]
"""Headers and body."""

FORM = "application/x-www-form-urlencoded"


def sign(body: bytes, content_type: str, secret: str, at: float) -> Signed:
    """`at`: seconds since 1970 UTC; the bot refuses what is older than 5 minutes. Signature version v0."""
    stamp = str(int(at))
    digest = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    headers = {"Content-Type": content_type, "X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}"}
    return headers, body


def slash_command(slack: FakeSlack, command: str, text: str = "", *, user: str = "U1", channel: str = "C1") -> Signed:
    """A person types a command. It works in any channel, also where the bot is not."""
    where = slack.channels[channel]
    fields = {
        "token": "unused",
        "team_id": slack.team,
        "team_domain": "callboard-test",
        "channel_id": channel,
        "channel_name": "directmessage" if where.im else "privategroup" if where.private else where.name,
        "user_id": user,
        "user_name": slack.users[user].name.lower(),
        "command": command,
        "text": text,
        "api_app_id": slack.app_id,
        "is_enterprise_install": "false",
        "response_url": slack.mint_response_url(user, channel),
        "trigger_id": slack.mint_trigger(user),
    }
    return _sign_now(slack, urlencode(fields), FORM)


def click(
    slack: FakeSlack,
    action_id: str,
    *,
    user: str = "U1",
    channel: str = "",
    ts: str = "",
    view_id: str = "",
    value: str | None = None,
    values: Mapping[str, Any] | None = None,
) -> Signed:
    """A person uses a button, select or other element of a message (`channel`, `ts`), modal or Home tab (`view_id`).

    `value`: the button's or option's value, or what is picked or typed; needed where an action_id is there more than
    once and where something is chosen. `values`: what else is filled in, see `submit`.
    """
    payload = _payload(slack, "block_actions", user)
    if view_id:
        view = _view(slack, view_id, user)
        blocks: Sequence[Any] = view.view["blocks"]
        payload["view"] = view_as_json(slack, view, _state(blocks, values or {}, complete=False))
        payload["container"] = {"type": "view", "view_id": view_id}
    else:
        blocks = _add_message(slack, payload, user, channel, ts)
    block, element = _find(blocks, action_id, value)
    assert element["type"] == "button" or value is not None, f"nothing is chosen in {action_id!r}"
    payload["actions"] = [
        {
            "type": element["type"],
            "action_id": action_id,
            "block_id": block["block_id"],
            "action_ts": slack.next_ts(),
            **_given(element, value),
        }
    ]
    return _interaction(slack, payload)


def shortcut(
    slack: FakeSlack, callback_id: str, *, user: str = "U1", channel: str = "C1", ts: str = "", text: str = ""
) -> Signed:
    """A person uses a shortcut: from a message where `text` (of it) is given, else a global one.

    Page "Implementing shortcuts". Only a message's has a channel and a response_url.
    """
    payload = _payload(slack, "message_action" if text else "shortcut", user)
    payload |= {"callback_id": callback_id, "action_ts": slack.next_ts()}
    if text:
        payload["channel"] = {"id": channel, "name": slack.channels[channel].name}
        payload["message"] = {"type": "message", "user": user, "ts": ts or slack.next_ts(), "text": text}
        payload["message_ts"] = payload["message"]["ts"]
        payload["response_url"] = slack.mint_response_url(user, channel)
    return _interaction(slack, payload)


def submit(slack: FakeSlack, view_id: str, values: Mapping[str, Any], *, user: str = "U1") -> Signed:
    """A person submits a modal. `values`: by action_id, what is typed, or the value(s) or id(s) chosen.

    Slack itself does not send a modal in which a required input is empty: AssertionError.
    """
    view = _view(slack, view_id, user)
    assert "submit" in view.view, "this modal has nothing to submit"
    payload = _payload(slack, "view_submission", user)
    payload["view"] = view_as_json(slack, view, _state(view.view["blocks"], values, complete=True))
    payload["response_urls"] = []
    return _interaction(slack, payload)


def close(slack: FakeSlack, view_id: str, *, user: str = "U1") -> Signed:
    """A person closes a modal. The bot only hears of it when the view asked for it with notify_on_close."""
    view = _view(slack, view_id, user)
    assert view.view.get("notify_on_close"), "Slack would not tell the bot: the view has no notify_on_close"
    del slack.views[view_id]
    payload = _payload(slack, "view_closed", user)
    del payload["trigger_id"]
    payload |= {"view": view_as_json(slack, view), "is_cleared": False}
    return _interaction(slack, payload)


def ask_options(
    slack: FakeSlack,
    action_id: str,
    typed: str,
    *,
    user: str = "U1",
    view_id: str = "",
    channel: str = "",
    ts: str = "",
) -> Signed:
    """A person types into an external select, and Slack asks the bot for options."""
    payload = _payload(slack, "block_suggestion", user)
    del payload["trigger_id"]
    if view_id:
        view = _view(slack, view_id, user)
        blocks: Sequence[Any] = view.view["blocks"]
        payload |= {"view": view_as_json(slack, view), "container": {"type": "view", "view_id": view_id}}
    else:
        blocks = _add_message(slack, payload, user, channel, ts)
        del payload["response_url"]
    block, element = _find(blocks, action_id, None)
    assert "external_select" in element["type"], f"{action_id} is no external select; Slack would not ask"
    payload |= {"action_id": action_id, "block_id": block["block_id"], "value": typed}
    return _interaction(slack, payload)


def event(
    slack: FakeSlack, inner: Mapping[str, Any], *, event_id: str = "", retry: int = 0, reason: str = "http_timeout"
) -> Signed:
    """An event of the Events API. `retry`: 0 = first delivery, 1 to 3 = repeated with the same `event_id`."""
    outer = {
        "token": "unused",
        "team_id": slack.team,
        "api_app_id": slack.app_id,
        "event": {"event_ts": slack.next_ts(), **inner},
        "type": "event_callback",
        "event_id": event_id or slack.next_id("Ev"),
        "event_time": int(slack.now()),
        "authorizations": [
            {"team_id": slack.team, "user_id": slack.bot_user, "is_bot": True, "is_enterprise_install": False}
        ],
    }
    headers, body = _sign_now(slack, json.dumps(outer), "application/json")
    if retry:
        headers |= {"X-Slack-Retry-Num": str(retry), "X-Slack-Retry-Reason": reason}
    return headers, body


def home_opened(slack: FakeSlack, *, user: str = "U1", tab: str = "home", **delivery: Any) -> Signed:
    """A person opens the bot's Home tab. `delivery`: of `event`."""
    inner: dict[str, Any] = {"type": "app_home_opened", "user": user, "tab": tab, "channel": slack.open_dm(user).id}
    if tab == "home" and user in slack.homes:
        inner["view"] = view_as_json(slack, slack.homes[user])
    return event(slack, inner, **delivery)


def direct_message(
    slack: FakeSlack, text: str, *, user: str = "U1", files: Sequence[Mapping[str, Any]] = (), **delivery: Any
) -> Signed:
    """A person writes to the bot; the message is in the conversation, too. `delivery`: of `event`.

    `files`: `File.as_json()` of those that are sent with it.
    """
    channel = slack.open_dm(user).id
    message = slack.say(channel, user, text)
    inner = {**message_as_json(slack, message, metadata=False), "channel": channel, "channel_type": "im"}
    if files:
        inner |= {"subtype": "file_share", "files": list(files)}
    return event(slack, inner, **delivery)


STEP_TOKEN = "xwfp-token-of-a-step"
STARTER_SECRET = "secret-of-a-starter"


def function_executed(
    slack: FakeSlack, kind: str, inputs: Any, *, execution: str = "", started_by: str = "", **delivery: Any
) -> Signed:
    """A workflow has come to a step of ours. `delivery`: of `event`.

    `execution`: of one that began before, which Slack tells again.  `started_by`: who started the workflow, if the step
    asks for that. Page "function_executed event".
    """
    execution = execution or slack.next_id("Fx")
    slack.executions.setdefault(execution, Execution(execution, kind))
    if started_by:
        inputs = {**inputs, "started_by": {"id": started_by, "secret": STARTER_SECRET}}
    inner = {
        "type": "function_executed",
        "function": declared(kind),
        "inputs": inputs,
        "function_execution_id": execution,
        "workflow_execution_id": "Wx1",
        "bot_access_token": STEP_TOKEN,
    }
    return event(slack, inner, **delivery)


def uninstalled(slack: FakeSlack, **delivery: Any) -> Signed:
    return event(slack, {"type": "app_uninstalled"}, **delivery)


def tokens_revoked(slack: FakeSlack, **delivery: Any) -> Signed:
    return event(slack, {"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [slack.bot_user]}}, **delivery)


def payload_of(signed: Signed) -> dict[str, Any]:
    """The payload of a request, as an envelope of Socket Mode carries it."""
    headers, body = signed
    if headers["Content-Type"] != FORM:
        return dict(json.loads(body))
    fields = dict(parse_qsl(body.decode(), keep_blank_values=True))
    return dict(json.loads(fields["payload"])) if "payload" in fields else fields


def _sign_now(slack: FakeSlack, body: str, content_type: str) -> Signed:
    return sign(body.encode(), content_type, slack.signing_secret, slack.signed_at())


def _interaction(slack: FakeSlack, payload: Mapping[str, Any]) -> Signed:
    return _sign_now(slack, urlencode({"payload": json.dumps(payload)}), FORM)


def _payload(slack: FakeSlack, kind: str, user: str) -> dict[str, Any]:
    name = slack.users[user].name.lower()
    return {
        "type": kind,
        "user": {"id": user, "username": name, "name": name, "team_id": slack.team},
        "api_app_id": slack.app_id,
        "token": "unused",
        "team": {"id": slack.team, "domain": "callboard-test"},
        "enterprise": None,
        "is_enterprise_install": False,
        "trigger_id": slack.mint_trigger(user),
    }


def _add_message(slack: FakeSlack, payload: dict[str, Any], user: str, channel: str, ts: str) -> Sequence[Any]:
    """Put the message that the person acts upon into the payload. Returns its blocks."""
    where = slack.channels[channel]
    assert user in where.members, f"{user} is not in {channel} and sees nothing there"
    container = {"type": "message", "message_ts": ts, "channel_id": channel, "is_ephemeral": False}
    for message in where.messages:
        if message.ts == ts:
            blocks = message.blocks
            payload["message"] = message_as_json(slack, message, metadata=True)
            break
    else:
        mine = [shown for shown in slack.ephemerals if (shown.channel, shown.ts, shown.user) == (channel, ts, user)]
        assert mine, f"{user} sees no message {ts} in {channel}"
        blocks = mine[0].blocks
        container["is_ephemeral"] = True
    payload["container"] = container
    payload["channel"] = {"id": channel, "name": "directmessage" if where.im else where.name}
    payload["response_url"] = slack.mint_response_url(user, channel, ts)
    return blocks


def _view(slack: FakeSlack, view_id: str, user: str) -> Any:
    shown = {**slack.views, **{home.id: home for home in slack.homes.values()}}
    assert view_id in shown, f"nobody sees a view {view_id}"
    assert shown[view_id].user == user, f"{user} does not see what {shown[view_id].user} sees"
    return shown[view_id]


def _find(blocks: Sequence[Any], action_id: str, value: str | None) -> tuple[Any, Any]:
    """The one element that is meant."""
    found = [(block, element) for block in blocks for element in elements_of([block]) if _is(element, action_id, value)]
    there = sorted({str(element.get("action_id")) for element in elements_of(blocks)})
    assert found, f"there is no {action_id!r} with value {value!r}; there are {there}"
    assert len(found) == 1, f"{len(found)} elements are called {action_id!r}; say which by value"
    return found[0]


def _is(element: Mapping[str, Any], action_id: str, value: str | None) -> bool:
    if element.get("action_id") != action_id:
        return False
    if "options" in element and value is not None:
        return value in [option["value"] for option in element["options"]]
    return element["type"] != "button" or value is None or element.get("value") == value


def _state(blocks: Sequence[Any], values: Mapping[str, Any], *, complete: bool) -> dict[str, Any]:
    """state.values of a view. `complete`: every required input must be filled in."""
    state: dict[str, Any] = {}
    left = set(values)
    for block in blocks:
        for element in elements_of([block]):
            name = element.get("action_id", "")
            if element["type"] in ("button", "overflow", "image"):
                continue
            left.discard(name)
            given = _given(element, values.get(name, _initial(element)))
            empty = not any(given.values())
            required = block["type"] == "input" and not block.get("optional")
            assert not (complete and required and empty), f"Slack asks for {name!r} before it submits"
            most = element.get("max_length")
            assert most is None or len(given["value"] or "") <= most, f"Slack takes {most} characters of {name!r}"
            state.setdefault(block["block_id"], {})[name] = {"type": element["type"], **given}
    assert not left, f"there is no input {sorted(left)} to fill in"
    return state


def _initial(element: Mapping[str, Any]) -> Any:
    if "initial_option" in element:
        return element["initial_option"]["value"]
    if "initial_options" in element:
        return [option["value"] for option in element["initial_options"]]
    return next((value for key, value in element.items() if key.startswith("initial_")), None)


def _given(element: Mapping[str, Any], value: Any) -> dict[str, Any]:
    """What Slack says of an element after a person has used it."""
    kind = element["type"]
    if kind == "button":
        return {"text": element["text"], **({"value": element["value"]} if "value" in element else {})}
    if kind in ("checkboxes", "multi_static_select", "multi_external_select"):
        return {"selected_options": [_option(element, one) for one in value or ()]}
    if kind in ("overflow", "radio_buttons", "static_select", "external_select"):
        return {"selected_option": None if value is None else _option(element, value)}
    key = {
        "datepicker": "selected_date",
        "timepicker": "selected_time",
        "datetimepicker": "selected_date_time",
        "users_select": "selected_user",
        "channels_select": "selected_channel",
        "conversations_select": "selected_conversation",
        "multi_users_select": "selected_users",
        "multi_channels_select": "selected_channels",
        "multi_conversations_select": "selected_conversations",
        "file_input": "files",
    }.get(kind, "value")
    return {key: value}


def _option(element: Mapping[str, Any], value: str) -> Any:
    if "external_select" in element["type"]:
        return {"text": {"type": "plain_text", "text": value, "emoji": True}, "value": value}
    groups = element.get("option_groups", [element])
    found = [option for group in groups for option in group["options"] if option["value"] == value]
    offered = [option["value"] for group in groups for option in group["options"]]
    assert found, f"{value!r} is not offered by {element['action_id']!r}; offered are {offered}"
    return found[0]
