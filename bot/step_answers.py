"""Tells Slack how the steps of workflows went: functions.completeSuccess and functions.completeError.

Slack: https://docs.slack.dev/reference/methods/functions.completeSuccess. An answer is told until Slack takes it, or
says that nobody waits for it any more; Slack refuses a second one, so telling it again does no harm.
"""

import logging
from dataclasses import dataclass

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot import step_kind, workflow_steps
from bot.board import Board
from bot.slack_api import Limited, Unanswered, ask, code_of
from bot.step_kind import Answer
from bot.store import workflow_steps as store
from bot.store.workflow_steps import Step

log = logging.getLogger("callboard.steps")

PROBLEM, OUTPUTS = "Workflow steps", "Workflow steps' outputs"
"""Keys of the two problems that admins are told of: Slack refuses any answer, or the outputs of one."""
_AGAIN = (5.0, 15.0, 60.0, 300.0, 900.0, 3600.0)
"""Seconds until Slack is told again, after each time that it could not be."""
_OVER = ("function_execution_not_found", "execution_not_in_running_state")
"""Slack's codes for an execution that waits for no answer: it was ended there, or has this one already."""
_INVALID = "parameter_validation_failed"
_DIFFERS = (
    "It is done, but Slack did not take its results: the outputs of the step “{kind}” in the app's manifest are not "
    "those of docs/workflow-steps.md."
)


@dataclass
class StepAnswers:
    """Brings answers to Slack. `client`: with the bot's token, and must not retry by itself, as in the feed."""

    board: Board
    client: AsyncWebClient
    _free_at: float = 0

    async def sweep(self) -> None:
        """Look which steps are over, and tell Slack of those; called every few seconds."""
        await workflow_steps.settle(self.board)
        if self.board.now() < self._free_at:
            return
        for step in await self.board.read(store.due, self.board.now()):
            try:
                await self._tell(step, step_kind.decode(step.answer))
            except Limited as limit:
                self._free_at = self.board.now() + limit.seconds
                return
            except (Unanswered, OSError) as error:
                log.warning("Slack could not be told how step %s went (%s).", step.id, type(error).__name__)
                await self._again(step)
                return  # the others would not fare better

    async def _tell(self, step: Step, answer: Answer) -> None:
        try:
            if answer.error:
                await ask(self.client.functions_completeError, function_execution_id=step.id, error=answer.error)
            else:
                outputs = answer.outputs
                await ask(self.client.functions_completeSuccess, function_execution_id=step.id, outputs=outputs)
        except SlackApiError as error:
            code = code_of(error) or str(error)
            if code in _OVER:
                log.info("Slack waits for no answer of step %s (%s).", step.id, code)
                await self.board.write(store.done, step.id)
            elif code == _INVALID and not answer.error:
                words = _DIFFERS.format(kind=step.kind)
                await self.board.problem(OUTPUTS, words)
                told = step_kind.encode(Answer(error=words))
                await self.board.write(store.answer, step.id, told, self.board.now(), state="answered")
            else:
                words = f"Slack was not told how the step of a workflow went: it refused ({code}). It is told again."
                await self.board.problem(PROBLEM, words)
                await self._again(step)
        else:
            await self.board.write(store.done, step.id)
            await self.board.solved(PROBLEM)
            if not answer.error:
                await self.board.solved(OUTPUTS)

    async def _again(self, step: Step) -> None:
        seconds = _AGAIN[min(step.tries, len(_AGAIN) - 1)]
        await self.board.write(store.later, step.id, self.board.now() + seconds)
