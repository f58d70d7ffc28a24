"""Steps of Slack's Workflow Builder, as Slack asks for them; what they do is in `bot/workflow_steps.py`."""

import logging
from typing import Any

from slack_bolt.async_app import AsyncApp

from bot import step_inputs, workflow_steps
from bot.step_inputs import Asked
from handlers import Desk, let_in

log = logging.getLogger("callboard.steps")


def register(app: AsyncApp, desk: Desk) -> None:
    """All listeners of this feature."""

    async def run(asked: Asked) -> None:
        for user in filter(None, dict.fromkeys((workflow_steps.actor(asked), asked.started_by))):
            await let_in(desk, user)  # a guest may have started it: the policy knows those of whom Slack was asked
        await workflow_steps.run(desk.board, asked)

    async def executed(event: dict[str, Any]) -> None:
        """Slack has its acknowledgement when this returns; after an error it has none and tells again."""
        asked = step_inputs.read(event)
        if asked is None:
            log.warning("Slack told of a workflow's step without an execution, so nobody can be answered.")
        elif await workflow_steps.write_down(desk.board, asked):
            desk.board.spawn(run(asked), _failed, in_turn=True)  # it dials

    app.event("function_executed")(executed)


async def _failed(error: Exception) -> None:
    """A bug of ours, or the database: the step fails at the next start."""
    log.error("A workflow's step could not be done.", exc_info=error)
