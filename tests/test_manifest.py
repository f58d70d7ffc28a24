"""manifest.yml is installable and asks for what the code uses, no more, no less."""

import ast
import inspect
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from slack_sdk.web.async_client import AsyncWebClient

from bot.cards.help import FORMS
from bot.step_inputs import Parameter
from bot.workflow_steps import KINDS
from tests import fake_slack_steps
from tests.slack_facts import COMMANDS_SCOPE, EVENTS, METHODS

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT.parent / "shared" / "slack"
"""A copy of Slack's reference that may lie beside the project; a clone has none."""
HANDLERS = sorted((ROOT / "handlers").glob("*.py"))

needs_reference = pytest.mark.skipif(not REFERENCE.is_dir(), reason="no copy of Slack's reference beside the project")
needs_handlers = pytest.mark.skipif(
    all(path.name == "__init__.py" for path in HANDLERS), reason="no handler is written yet, so little of Slack is used"
)


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "manifest.yml").read_text(encoding="utf-8"))
    return loaded


@cache
def used_methods() -> set[str]:
    """Names of the methods of slack_sdk's client (chat_postMessage, ...) that whoever may speak to Slack uses."""
    found = set()
    for path in [
        *(ROOT / "bot" / f"{name}.py" for name in ("feed", "native_calls", "slack_api", "step_answers", "uploading")),
        *HANDLERS,
    ]:
        if path.is_file():
            found |= used_of_client(path.read_text(encoding="utf-8"))
    return found


def used_of_client(source: str) -> set[str]:
    """By convention a client is a name or attribute called `client` or `slack`.

    Named is used: feed.py hands methods to the one function that calls them.
    """
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute):
            owner = node.value
            name = owner.id if isinstance(owner, ast.Name) else owner.attr if isinstance(owner, ast.Attribute) else ""
            of_client = inspect.iscoroutinefunction(getattr(AsyncWebClient, node.attr, None))
            if name.lstrip("_") in {"client", "slack"} and of_client:
                found.add(node.attr)
    return found


def client_name(method: str) -> str:
    """conversations.history -> conversations_history, as slack_sdk calls it."""
    return method.replace(".", "_")


FOR_BOLT = {"apps.connections.open", "auth.test"}
"""Called by slack_bolt for us: Socket Mode, and who the bot is."""


def with_steps(manifest: Any, addition: Any) -> Any:
    """The manifest as docs/workflow-steps.md says it becomes: lists longer, single values replaced."""
    if isinstance(manifest, dict) and isinstance(addition, dict):
        return manifest | {name: with_steps(manifest.get(name), value) for name, value in addition.items()}
    return manifest + addition if isinstance(manifest, list) else addition


@pytest.mark.parametrize("steps", [False, True])
def test_matches_slacks_schema(manifest: dict[str, Any], steps: bool) -> None:
    if steps:
        manifest = with_steps(manifest, fake_slack_steps.addition())
    path = REFERENCE / "schemas" / "manifest.schema.1.0.0.json"
    if not path.is_file():
        pytest.skip("no copy of Slack's manifest schema beside the project")
    jsonschema.Draft7Validator(json.loads(path.read_text(encoding="utf-8"))).validate(manifest)


def test_display_information(manifest: dict[str, Any]) -> None:
    shown = manifest["display_information"]
    assert set(shown) == {"name", "description", "background_color"}
    assert shown["name"] == manifest["features"]["bot_user"]["display_name"] == "Callboard"
    assert 1 <= len(shown["description"]) <= 140
    assert re.fullmatch("#[0-9a-f]{6}", shown["background_color"])


def test_home_tab_and_messages_tab_are_open(manifest: dict[str, Any]) -> None:
    assert manifest["features"]["app_home"] == {
        "home_tab_enabled": True,
        "messages_tab_enabled": True,
        "messages_tab_read_only_enabled": False,
    }


def test_shortcuts(manifest: dict[str, Any]) -> None:
    """Limits of Slack's manifest reference: a name of 24 characters, a description of 150."""
    shortcuts = manifest["features"]["shortcuts"]
    assert len({shortcut["callback_id"] for shortcut in shortcuts}) == len(shortcuts) == 3
    for shortcut in shortcuts:
        assert set(shortcut) == {"name", "type", "callback_id", "description"}
        assert shortcut["type"] in ("global", "message")
        assert 1 <= len(shortcut["name"]) <= 24
        assert 1 <= len(shortcut["description"]) <= 150


def test_commands(manifest: dict[str, Any]) -> None:
    commands = manifest["features"]["slash_commands"]
    assert [command["command"] for command in commands] == [
        *("/call", "/calls", "/missed", "/recording", "/campaign", "/voicemsg", "/phone", "/contacts", "/digest"),
        "/callboard",
    ]
    for command in commands:
        assert set(command) == {"command", "description", "usage_hint", "should_escape"}
        assert command["should_escape"] is True
        assert "help" in command["usage_hint"]
        assert 1 <= len(command["description"]) <= 2000
        assert len(command["usage_hint"]) <= 1000


def test_the_hints_name_every_word(manifest: dict[str, Any]) -> None:
    """`/campaign` has too many; its help says them."""
    for command in manifest["features"]["slash_commands"]:
        forms = FORMS[command["command"].removeprefix("/")][1]
        words = {form.split()[0] for form, _ in forms if re.match(r"[a-z]+\b", form)}
        left_out = words - set(re.findall(r"\w+", command["usage_hint"]))
        assert not left_out or command["command"] == "/campaign", f"{command['command']}: {left_out}"


def test_asks_for_the_scopes_of_its_methods_and_events(manifest: dict[str, Any]) -> None:
    assert set(manifest["oauth_config"]["scopes"]) == {"bot"}
    asked = manifest["oauth_config"]["scopes"]["bot"]
    assert len(asked) == len(set(asked))
    used = [method for name, method in METHODS.items() if name in FOR_BOLT or client_name(name) in used_methods()]
    assert len(used) > len(FOR_BOLT)
    assert set(asked) == {COMMANDS_SCOPE}.union(*(method.needed for method in used), *EVENTS.values())


def test_every_scope_and_event_says_why() -> None:
    lines = (ROOT / "manifest.yml").read_text(encoding="utf-8").splitlines()
    entries = [line for line in lines if re.match(r" +- (?!command:|name:)[a-z_:.]+( |$)", line)]
    assert len(entries) >= 2 + len(EVENTS)
    assert [line for line in entries if " # " not in line] == []


def test_events(manifest: dict[str, Any]) -> None:
    assert set(manifest["settings"]["event_subscriptions"]) == {"bot_events"}
    assert set(manifest["settings"]["event_subscriptions"]["bot_events"]) == set(EVENTS)


def test_settings_are_for_socket_mode_in_one_workspace(manifest: dict[str, Any]) -> None:
    settings = {name: value for name, value in manifest["settings"].items() if name != "event_subscriptions"}
    assert settings == {
        "interactivity": {"is_enabled": True},
        "org_deploy_enabled": False,
        "socket_mode_enabled": True,
        "token_rotation_enabled": False,
    }


@pytest.mark.parametrize("name", METHODS)
def test_needed_scopes_are_scopes_of_the_method(name: str) -> None:
    method = METHODS[name]
    assert method.needed <= method.any_of
    assert bool(method.needed) == bool(method.any_of)
    assert not method.required & method.optional


@needs_reference
@pytest.mark.parametrize("name", METHODS)
def test_facts_of_methods_agree_with_the_reference(name: str) -> None:
    ref = json.loads((REFERENCE / "api-ref" / "methods" / f"{name}.json").read_text(encoding="utf-8"))
    method = METHODS[name]
    assert method.required == set(ref["args"]["required"]) - {"token"}
    assert method.required | method.optional == set(ref["args"]["properties"]) - {"token"}
    assert method.any_of == set(ref["scope"].get("bot", ()))
    assert f"t{method.tier}" == ref["rate_limits"]
    assert method.json == ref.get("json_input_supported", False)


@needs_reference
def test_facts_of_events_agree_with_the_reference() -> None:
    reference = json.loads((REFERENCE / "api-ref" / "events.json").read_text(encoding="utf-8"))
    known = {event["name"]: event for event in reference if "Events" in event["APIs"]}
    assert {name: set(known[name]["scopes"]) for name in EVENTS} == EVENTS


def test_finds_what_is_used_of_the_client() -> None:
    source = "client.views_open(x=1)\ncall(self._slack.chat_update, x=1)\nother.views_push()\nclient.token"
    assert used_of_client(source) == {"views_open", "chat_update"}


def test_every_used_method_is_in_the_facts() -> None:
    assert used_methods()
    assert used_methods() <= {client_name(method) for method in METHODS}


# Steps of Workflow Builder, which are no part of it: the Free plan would refuse it.


def test_steps_are_left_out(manifest: dict[str, Any]) -> None:
    assert "functions" not in manifest
    assert "function_runtime" not in manifest["settings"]


def test_what_steps_add_to_the_manifest(manifest: dict[str, Any]) -> None:
    """Pages "Custom steps" and "App manifest reference"; `is_required` is of manifests without a version, like ours."""
    added = fake_slack_steps.addition()
    assert set(added) == {"settings", "functions"}
    whole = with_steps(manifest, added)
    assert "_metadata" not in whole
    assert whole["settings"]["org_deploy_enabled"] is True
    assert whole["settings"]["function_runtime"] == "remote"
    events = whole["settings"]["event_subscriptions"]["bot_events"]
    assert sorted(events) == sorted([*EVENTS, "function_executed"])
    assert whole["oauth_config"] == manifest["oauth_config"]
    for kind, step in whole["functions"].items():
        assert set(step) == {"title", "description", "input_parameters", "output_parameters"}
        assert len(kind) <= 100
        assert 1 <= len(step["title"]) <= 255
        for name, parameter in (step["input_parameters"] | step["output_parameters"]).items():
            assert set(parameter) == {"type", "title", "description", "is_required", "name"}
            assert parameter["name"] == name


def test_steps_are_declared_as_the_code_knows_them() -> None:
    def told(parameters: dict[str, Any]) -> tuple[Parameter, ...]:
        return tuple(Parameter(name, one["type"], one["is_required"]) for name, one in parameters.items())

    steps = fake_slack_steps.addition()["functions"]
    assert list(steps) == list(KINDS)
    for name, kind in KINDS.items():
        assert told(steps[name]["input_parameters"]) == kind.inputs
        assert told(steps[name]["output_parameters"]) == kind.outputs


@needs_reference
def test_the_event_of_a_step_needs_no_scope() -> None:
    reference = json.loads((REFERENCE / "api-ref" / "events.json").read_text(encoding="utf-8"))
    assert [event["scopes"] for event in reference if event["name"] == "function_executed"] == [[]]
