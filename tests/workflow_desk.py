"""What a workflow asks of Callboard by its steps, and what Slack then knows of them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot import message_queue, workflow_steps
from bot.events import REP, AnyEvent, CdrReceived, LegAnswered, Outcome
from bot.step_answers import StepAnswers
from bot.store import workflow_steps as store
from tests import slack_requests
from tests.audit_lines import audit_log
from tests.fake_slack import FakeSlack
from tests.fake_slack_steps import Execution
from tests.office import SETTINGS, Office, office
from tests.slack_state import Clock
from tests.speaker import Speaker

NOA, SAM = "+12025550101", "+12025550102"
CALL, MESSAGE = "place_a_call", "send_a_voice_message"


@dataclass
class Workflow:
    """A workflow on an office. U4 builds and starts it; U1 has a phone."""

    desk: Office
    answers: StepAnswers

    async def run(self, kind: str, *, started_by: str = "U4", **inputs: Any) -> Execution:
        """The workflow comes to a step; then everything settles."""
        return await self.deliver(kind, inputs, started_by=started_by)

    async def deliver(self, kind: str, inputs: Any, *, status: int = 200, **more: Any) -> Execution:
        """Slack tells of a step, in those words."""
        signed = slack_requests.function_executed(self.desk.slack, kind, inputs, **more)
        found = list(self.desk.slack.executions.values())[-1]
        await self.desk.send(signed, status)
        await self.answers.sweep()
        return found

    async def call(self, whom: str = NOA, rep: str = "U1", **inputs: Any) -> Execution:
        return await self.run(CALL, rep=rep, whom=whom, **inputs)

    async def say(
        self, recipients: str = NOA, sender: str = "U2", text: str = "Your order is ready.", **inputs: Any
    ) -> Execution:
        return await self.run(MESSAGE, sender=sender, recipients=recipients, text=text, **inputs)

    async def later(self, seconds: float = 6) -> None:
        self.desk.clock.advance(seconds)
        await self.desk.settle()
        await self.answers.sweep()
        await self.desk.settle()

    async def happen(self, *events: AnyEvent, call_id: str = "") -> None:
        """The phone service tells; six seconds go by."""
        await self.desk.happen(*events, call_id=call_id)
        await self.answers.sweep()

    async def answered(self, number: int = 1, seconds: int = 80) -> None:
        """The call of that order is picked up, talked on, and ends, with its record."""
        at, ref = self.desk.clock(), f"paper-{number}"
        await self.happen(LegAnswered(ref=ref, at=at, leg=REP), LegAnswered(ref=ref, at=at, leg="customer"))
        await self.ended(number, Outcome.ANSWERED, seconds)

    async def ended(self, number: int = 1, outcome: Outcome = Outcome.NO_ANSWER, seconds: int = 0) -> None:
        """The record of the call of that order: the rep picked up, and the other side as told."""
        legs = ((REP, Outcome.ANSWERED), ("customer", outcome))
        at, ref = self.desk.clock(), f"paper-{number}"
        await self.happen(
            *(CdrReceived(ref=ref, at=at, leg=leg, outcome=how, talk_seconds=seconds) for leg, how in legs)
        )

    @property
    def told(self) -> list[tuple[str, str]]:
        """What Slack was told so far: (method, outcome)."""
        requests = self.desk.slack.requests
        return [(one.method, one.outcome) for one in requests if one.method.startswith("functions.")]

    async def states(self) -> list[str]:
        """Of all steps, oldest first."""

        def find(db: Any) -> list[str]:
            return [row[0] for row in db.execute("SELECT state FROM workflow_steps ORDER BY at, id")]

        return await self.desk.board.read(find)

    async def step(self, execution: Execution) -> store.Step:
        found = await self.desk.board.read(store.get, execution.id)
        assert found is not None
        return found

    async def audit(self) -> list[tuple[str, str, str, str]]:
        """The lines that name a workflow."""
        lines = [line[1:] for line in await self.desk.board.read(audit_log)]
        return [line for line in lines if "workflow" in line[1]]


@asynccontextmanager
async def workflow_office(
    folder: Path, slack: FakeSlack, clock: Clock, text: str = SETTINGS
) -> AsyncIterator[Workflow]:
    """Open it, with what a running Callboard does by itself."""
    async with office(folder, slack, clock, text, kind=Speaker) as desk:
        message_queue.watch(desk.board)
        await workflow_steps.recover(desk.board)
        await desk.link("U1")
        yield Workflow(desk, StepAnswers(desk.board, desk.desk.slack))


@pytest.fixture
async def flow(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> AsyncIterator[Workflow]:
    async with workflow_office(tmp_path, fake_slack, slack_clock) as there:
        yield there
