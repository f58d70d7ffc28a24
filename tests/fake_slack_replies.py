"""What the bot says without the Web API: to a response_url, and in its HTTP answers to commands and submissions.

The last two are handed over by the test, which has posted the request: `command_reply`, `submission_reply`.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests import slack_facts
from tests.slack_content import change, check_a_view, content, open_view, replace_view, show
from tests.slack_state import Message, ResponseUrl, SlackError

if TYPE_CHECKING:
    from tests.fake_slack import FakeSlack

_KNOWN = {"text", "blocks", "response_type", "replace_original", "delete_original", "thread_ts"}


def respond(slack: "FakeSlack", name: str, body: Any) -> None:
    """One POST to a response_url: at most 5 within 30 minutes. Page "Handling user interaction".

    Raises:
        SlackError: used_url, expired_url, invalid_url, invalid_payload, and those of `content`.
    """
    url = slack.response_urls.get(name)
    if url is None:
        raise SlackError("invalid_url")
    if slack.now() - url.minted_at > slack_facts.RESPONSE_URL_SECONDS:
        raise SlackError("expired_url")
    if url.uses >= slack_facts.RESPONSE_URL_USES:
        raise SlackError("used_url")
    url.uses += 1
    if not isinstance(body, dict) or set(body) - _KNOWN:
        raise SlackError("invalid_payload", f"known are {', '.join(sorted(_KNOWN))}")
    if body.get("delete_original") or body.get("replace_original"):
        _change_original(slack, url, body)
    else:
        _say(slack, url.user, url.channel, body)


def command_reply(slack: "FakeSlack", user: str, channel: str, status: int, body: bytes) -> None:
    """The bot's HTTP answer to a slash command; what it carries is shown to the person, or to the channel."""
    assert status == 200, f"the person sees an error: the bot answered {status}"
    if not body:
        return
    try:
        found = json.loads(body)
    except ValueError:
        found = {"text": body.decode()}
    _say(slack, user, channel, found)


def submission_reply(slack: "FakeSlack", view_id: str, status: int, body: bytes) -> dict[str, str]:
    """The bot's HTTP answer to a submitted modal. Returns errors to be shown, by block_id; {} = none.

    An empty answer closes the modal; response_action update, push and clear do what they say.
    """
    assert status == 200, f"the person sees an error: the bot answered {status}"
    view = slack.views[view_id]
    found = json.loads(body or b"{}")
    action = found.get("response_action")
    if not found:
        del slack.views[view_id]
    elif action == "errors":
        inputs = {block["block_id"] for block in view.view["blocks"] if block["type"] == "input"}
        assert found["errors"], "errors without any error: the modal would stay open and say nothing"
        assert set(found["errors"]) <= inputs, f"errors for {set(found['errors']) - inputs}, which are no inputs"
        return dict(found["errors"])
    elif action == "clear":
        slack.views = {name: other for name, other in slack.views.items() if other.user != view.user}
    else:
        assert action in ("update", "push"), f"Slack knows no response_action {action!r}"
        check_a_view(found["view"], "modal")
        if action == "push":
            stack = sum(other.user == view.user for other in slack.views.values())
            assert stack < slack_facts.VIEW_STACK, f"{stack} modals are open; Slack allows {slack_facts.VIEW_STACK}"
            open_view(slack, view.user, found["view"])
        else:
            replace_view(slack, view, found["view"], None)
    return {}


def _say(slack: "FakeSlack", user: str, channel: str, body: Mapping[str, Any]) -> None:
    kind = body.get("response_type", "ephemeral")
    if kind not in ("ephemeral", "in_channel"):
        raise SlackError("invalid_payload", f"there is no response_type {kind!r}")
    text, blocks = content(body)
    if kind == "ephemeral":
        show(slack, channel, user, text, blocks)
    else:
        message = Message(slack.next_ts(), text, slack.with_block_ids(blocks), {}, slack.bot_user)
        slack.channels[channel].messages.append(replace(message, thread_ts=body.get("thread_ts", "")))


def _change_original(slack: "FakeSlack", url: ResponseUrl, body: Mapping[str, Any]) -> None:
    if not url.original:
        raise SlackError("invalid_payload", "a command has no original that could be changed")
    channel = slack.channels[url.channel]
    text, blocks = ("", []) if body.get("delete_original") else content(body)
    for message in channel.messages:
        if message.ts == url.original:
            if body.get("delete_original"):
                channel.messages.remove(message)
            else:
                change(slack, channel, message, text, blocks, message.metadata)
            return
    for number, shown in enumerate(slack.ephemerals):
        if shown.ts == url.original:
            if body.get("delete_original"):
                del slack.ephemerals[number]
            else:
                slack.ephemerals[number] = replace(shown, text=text, blocks=slack.with_block_ids(blocks))
            return
    raise SlackError("message_not_found")
