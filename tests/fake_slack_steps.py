"""Custom steps of the fake Slack: executions, and the `functions.*` methods. Their own pages, and "Custom steps".

What it knows of a step it reads from docs/workflow-steps.md, as if an admin had added that to the app's manifest; an
answer must be of the declared types.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tests.slack_state import SlackError

if TYPE_CHECKING:
    from tests.fake_slack import FakeSlack

Args = Mapping[str, Any]
PAGE = Path(__file__).parents[1] / "docs" / "workflow-steps.md"
_TYPES = {"string": str, "integer": int, "boolean": bool}


@dataclass
class Execution:
    """One step of one run of a workflow. `state`: "running", "completed" or "failed"."""

    id: str
    kind: str
    state: str = "running"
    outputs: dict[str, Any] = field(default_factory=dict)
    error: str = ""


@cache
def addition() -> dict[str, Any]:
    """What docs/workflow-steps.md adds to the manifest."""
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    loaded: dict[str, Any] = yaml.safe_load(block)
    return loaded


def declared(kind: str) -> dict[str, Any]:
    """A step as the event names it: parameters are a list there."""
    step = addition()["functions"].get(kind, {"title": kind, "description": kind})
    listed = {part: list(step.get(part, {}).values()) for part in ("input_parameters", "output_parameters")}
    return {"id": "Fn1", "callback_id": kind, "type": "app", "app_id": "A1", **step, **listed}


def functions_complete_success(slack: "FakeSlack", args: Args) -> dict[str, Any]:
    found = _running(slack, args)
    outputs = json.loads(args["outputs"]) if isinstance(args["outputs"], str) else args["outputs"]
    known = {one["name"]: one for one in declared(found.kind)["output_parameters"]}
    wrong = [
        name for name, value in outputs.items() if name not in known or type(value) is not _TYPES[known[name]["type"]]
    ]
    wrong += [name for name, one in known.items() if one["is_required"] and name not in outputs]
    if wrong:
        raise SlackError("parameter_validation_failed", *(f"{name} is not as declared" for name in sorted(wrong)))
    found.state, found.outputs = "completed", outputs
    return {}


def functions_complete_error(slack: "FakeSlack", args: Args) -> dict[str, Any]:
    found = _running(slack, args)
    found.state, found.error = "failed", str(args["error"])
    return {}


def _running(slack: "FakeSlack", args: Args) -> Execution:
    found = slack.executions.get(args["function_execution_id"])
    if found is None:
        raise SlackError("function_execution_not_found")
    if found.state != "running":
        raise SlackError("execution_not_in_running_state")
    return found
