"""Telling Slack how a step went: again until it takes it, once, and not for ever."""

import pytest

from bot.events import Outcome
from bot.store import ledger
from bot.store import workflow_steps as store
from tests.workflow_desk import SAM, Workflow, flow

__all__ = ["flow"]  # a fixture


DAY = 86400


@pytest.mark.parametrize("fault", ["500", "drop_before", "internal_error", "access_denied", "account_inactive"])
async def test_slack_is_told_again_until_it_takes_it(flow: Workflow, fault: str) -> None:
    step = await flow.call()
    for _ in range(3):
        flow.desk.slack.fail_next("functions.completeSuccess", fault)
    await flow.ended(outcome=Outcome.BUSY)
    await flow.answers.sweep()
    assert len(flow.told) == 1, "not at once"
    for _ in range(4):
        await flow.later(61)
    assert step.state == "completed"
    assert [outcome for _, outcome in flow.told] == [fault, fault, fault, "ok"]
    assert await flow.desk.board.read(ledger.problems) == []


async def test_slack_asks_to_wait(flow: Workflow) -> None:
    step = await flow.call("Nobody", started_by="")  # its answer goes at once
    assert step.state == "failed"
    flow.desk.slack.fail_next("functions.completeError", "ratelimited", retry_after=30)
    first = await flow.call("Nobody")
    await flow.later(10)
    assert first.state == "running"
    await flow.later(21)
    assert first.state == "failed"


async def test_an_answer_that_was_lost_on_its_way_back_is_not_a_second_one(flow: Workflow) -> None:
    step = await flow.call()
    flow.desk.slack.fail_next("functions.completeSuccess", "drop_after")
    await flow.ended(outcome=Outcome.BUSY)
    assert step.state == "completed"
    await flow.later()
    assert [outcome for _, outcome in flow.told] == ["drop_after", "execution_not_in_running_state"]
    assert await flow.states() == ["done"]


async def test_an_execution_that_is_gone_is_given_up_quietly(flow: Workflow) -> None:
    step = await flow.call()
    del flow.desk.slack.executions[step.id]
    await flow.ended(outcome=Outcome.BUSY)
    await flow.later(3600)
    assert flow.told == [("functions.completeSuccess", "function_execution_not_found")]
    assert await flow.states() == ["done"]
    assert await flow.desk.board.read(ledger.problems) == []


async def test_a_manifest_with_other_outputs_is_told(flow: Workflow) -> None:
    step = await flow.call()
    flow.desk.slack.fail_next("functions.completeSuccess", "parameter_validation_failed")
    await flow.ended(outcome=Outcome.BUSY)
    await flow.later()
    assert "the outputs of the step “place_a_call” in the app's manifest are not those" in step.error
    assert [key for key, *_ in await flow.desk.board.read(ledger.problems)] == ["Workflow steps' outputs"]
    await flow.call("Nobody Known")
    assert len(await flow.desk.board.read(ledger.problems)) == 1, "a step that failed says nothing of outputs"
    step = await flow.call(SAM)
    await flow.ended(2, outcome=Outcome.BUSY)
    assert step.state == "completed"
    assert await flow.desk.board.read(ledger.problems) == []


async def test_what_was_answered_is_not_kept(flow: Workflow) -> None:
    step = await flow.call("Nobody Known")
    assert (await flow.step(step)).answer == b""
    assert await flow.desk.board.read(store.due, flow.desk.clock() + DAY) == []
    assert await flow.desk.calls() == []
