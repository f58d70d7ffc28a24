"""What a step of a workflow is given, as Slack's event tells it. Pure.

Slack: https://docs.slack.dev/reference/events/function_executed.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from bot.errors import BadInput

LONGEST_TEXT = 3000
"""Characters of one input, as in a form of Slack."""
USER, STARTER = "slack#/types/user_id", "slack#/types/user_context"
STARTED_BY = "started_by"
"""Input that Slack fills by itself: no builder of a workflow sees or sets it."""
_USER = re.compile(r"<?@?([UW][A-Z0-9]+)(?:\|[^<>]*)?>?")


class Parameter(msgspec.Struct, frozen=True):
    """An input or output, as the app's manifest declares it. `type`: Slack's name of it."""

    name: str
    type: str = "string"
    required: bool = False


class Asked(msgspec.Struct, frozen=True):
    """What a workflow asks for.

    Attributes:
        id: Slack's function_execution_id.  kind: the step's callback_id.  inputs: by name, as Slack gave them.
        workflow: Slack's id of this run of the workflow.  started_by: Slack user id, "" = Slack did not say.
    """

    id: str
    kind: str
    inputs: dict[str, Any]
    workflow: str = ""
    started_by: str = ""

    def text(self, name: str) -> str:
        """A text, "" = not given.

        Raises:
            BadInput: it is something else, or too long.
        """
        value = self.inputs.get(name)
        if value is None:
            return ""
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise BadInput(f"The step's input “{name}” is not a text. Nothing was done; set it in the workflow.")
        text = str(value).strip()
        if len(text) > LONGEST_TEXT:
            raise BadInput(f"The step's input “{name}” is longer than {LONGEST_TEXT} characters. Nothing was done.")
        return text

    def user(self, name: str) -> str:
        """A Slack user's id.

        Raises:
            BadInput: it is none, or missing.
        """
        value = self.inputs.get(name)
        found = _USER.fullmatch(value.strip()) if isinstance(value, str) else None
        if found is None:
            raise BadInput(
                f"The step's input “{name}” names nobody in Slack. Nothing was done; set it in the workflow."
            )
        return found[1]

    def flag(self, name: str) -> bool:
        """Yes or no.

        Raises:
            BadInput: it is neither.
        """
        value = self.inputs.get(name)
        known = {"true": True, "false": False, "": False}.get(str("" if value is None else value).strip().casefold())
        if known is None:
            raise BadInput(f"The step's input “{name}” is neither true nor false. Nothing was done.")
        return known


def read(event: Mapping[str, Any]) -> Asked | None:
    """A `function_executed` event; None = it names no execution, so nobody can be answered.

    What is secret in it stays behind: `bot_access_token`, and the `secret` beside the id of who started the workflow.
    """
    execution, function, inputs = (event.get(name) for name in ("function_execution_id", "function", "inputs"))
    if not execution or not isinstance(execution, str):
        return None
    kind = function.get("callback_id") if isinstance(function, dict) else None
    given = dict(inputs) if isinstance(inputs, dict) else {}
    starter = given.pop(STARTED_BY, None)
    found = _USER.fullmatch(str(starter.get("id") if isinstance(starter, dict) else starter))
    workflow = event.get("workflow_execution_id")
    return Asked(
        id=execution,
        kind=kind if isinstance(kind, str) else "",
        inputs=given,
        workflow=workflow if isinstance(workflow, str) else "",
        started_by=found[1] if found else "",
    )
