"""What the manifest promises and the cards offer is what the app listens to, no more, no less."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml

from bot.settings import COMMANDS
from tests import slack_requests
from tests.office import Office

ROOT = Path(__file__).parents[1]
SOURCES = [*sorted((ROOT / "bot" / "cards").glob("*.py")), *sorted((ROOT / "handlers").glob("*.py"))]
OLD = "from an older message"


def found(pattern: str) -> set[str]:
    return {match for path in SOURCES for match in re.findall(pattern, path.read_text(encoding="utf-8"))}


# Buttons and menus, by their action ids; forms, by their callback ids.
ACTIONS = sorted(
    found(r'button\(\s*(?:f?"[^"]*"|\w+), f?"([a-z_]+:[a-z_]+)')
    | found(r'"action_id": "([a-z_]+:[a-z_]+)"')
    | found(r'"(live:[a-z_]+)": ')
    | {
        "missed:claim",
        "missed:snooze",
        "missed:close",
        "waiting:close",
        "waiting:assign",
        "campaign:clear",
        "call:pick",
    }
)
FORMS = sorted(found(r'(?:blocks|\]), "([a-z_]+:[a-z_]+)", ') - {"modal:shown"})
REGISTERED_FORMS = found(r'on_form\(app, desk, "([a-z_]+:[a-z_]+)"')


def manifest() -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / "manifest.yml").read_text(encoding="utf-8")))


def interaction(desk: Office, payload: dict[str, Any]) -> slack_requests.Signed:
    body = urlencode({"payload": json.dumps(payload)}).encode()
    return slack_requests.sign(body, slack_requests.FORM, desk.slack.signing_secret, desk.slack.signed_at())


async def test_every_command_of_the_manifest_has_help(desk: Office) -> None:
    commands = [command["command"] for command in manifest()["features"]["slash_commands"]]
    assert commands == [f"/{name}" for name in COMMANDS]
    for command in commands:
        assert "help" in await desk.type(f"{command} help")


async def test_an_unknown_command_is_none_of_ours(desk: Office) -> None:
    assert "has under no such name, so nothing was done" in await desk.type("/other help")


async def test_every_shortcut_of_the_manifest_is_heard(desk: Office) -> None:
    declared = manifest()["features"]["shortcuts"]
    assert {shortcut["callback_id"] for shortcut in declared} == found(r'on_shortcut\(app, desk, "([a-z_]+)"')
    for shortcut in declared:
        await desk.send(
            slack_requests.shortcut(
                desk.slack, shortcut["callback_id"], text="+1 202 555 0123" if shortcut["type"] == "message" else ""
            )
        )
        assert desk.slack.views.popitem()[1].user == "U1"


async def test_every_subscribed_event_is_heard(desk: Office) -> None:
    subscribed = manifest()["settings"]["event_subscriptions"]["bot_events"]
    desk.slack.open_dm("U1")
    send = {
        "app_home_opened": slack_requests.home_opened(desk.slack),
        "message.im": slack_requests.direct_message(desk.slack, "hello"),
        "app_uninstalled": slack_requests.uninstalled(desk.slack),
        "tokens_revoked": slack_requests.tokens_revoked(desk.slack),
    }
    assert set(subscribed) == set(send)
    for signed in send.values():
        await desk.send(signed)


@pytest.mark.parametrize("user", ["U1", "U2", "U9"])
@pytest.mark.parametrize("action", ACTIONS)
async def test_every_button_says_something_also_on_a_card_of_what_is_gone(desk: Office, action: str, user: str) -> None:
    """Whatever it is about may have been forgotten since, and its service may be set up no more."""
    value = "transfer nothing +12025550123" if action == "live:agreed" else "nothing|1h"
    payload = {
        "type": "block_actions",
        "user": {"id": user},
        "team": {"id": desk.slack.team},
        "api_app_id": desk.slack.app_id,
        "trigger_id": desk.slack.mint_trigger(user),
        "channel": {"id": "C1"},
        "container": {"type": "message", "message_ts": "1.1"},
        "response_url": desk.slack.mint_response_url(user, "C1"),
        "actions": [{"type": "button", "action_id": action, "block_id": "b", "value": value}],
    }
    await desk.send(interaction(desk, payload))
    told = [shown.text for shown in desk.slack.ephemerals] + [shown.text for shown in desk.conversation(user)]
    assert not any(OLD in text or "incident" in text for text in told)
    assert told or desk.slack.views or action == "recording:listen"


async def test_a_button_of_an_older_message_says_so(desk: Office) -> None:
    payload = {
        "type": "block_actions",
        "user": {"id": "U1"},
        "team": {"id": desk.slack.team},
        "trigger_id": desk.slack.mint_trigger("U1"),
        "channel": {"id": "C1"},
        "response_url": desk.slack.mint_response_url("U1", "C1"),
        "actions": [{"type": "button", "action_id": "call:dance", "block_id": "b", "value": "x"}],
    }
    await desk.send(interaction(desk, payload))
    assert OLD in desk.told


def test_every_form_is_heard() -> None:
    assert len(ACTIONS) > 15
    assert set(FORMS) == REGISTERED_FORMS
