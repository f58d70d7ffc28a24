"""Steps of Workflow Builder begin once and are answered once, also when Callboard is restarted in between."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from bot import step_inputs, unclear, workflow_steps
from bot.events import Outcome
from bot.store import ledger
from tests import slack_requests
from tests.fake_slack import FakeSlack
from tests.slack_state import Clock
from tests.workflow_desk import CALL, MESSAGE, NOA, SAM, Workflow, flow, workflow_office

__all__ = ["flow"]  # a fixture


async def test_an_event_that_comes_twice_dials_once_and_is_answered_once(flow: Workflow) -> None:
    step = await flow.call()
    for retry in (1, 2):
        await flow.deliver(CALL, {"rep": "U1", "whom": NOA}, execution=step.id, retry=retry)
    await flow.answered()
    await flow.deliver(CALL, {"rep": "U1", "whom": NOA}, execution=step.id, retry=3)
    flow.desk.clock.advance(60)
    await flow.deliver(CALL, {"rep": "U1", "whom": SAM}, execution=step.id)
    assert len(flow.desk.phone.orders) == len(await flow.desk.calls()) == 1
    assert flow.told == [("functions.completeSuccess", "ok")]
    assert await flow.states() == ["done"]


async def test_events_that_come_at_the_same_moment_dial_once(flow: Workflow) -> None:
    inputs = {"rep": "U1", "whom": NOA}
    signed = slack_requests.function_executed(flow.desk.slack, CALL, inputs, execution="Fx1")
    await asyncio.gather(*(flow.desk.send(signed) for _ in range(5)))
    assert len(flow.desk.phone.orders) == 1


async def test_two_steps_for_the_same_number_at_the_same_moment_are_one_call(flow: Workflow) -> None:
    first = await flow.call()
    second = await flow.call()
    assert (first.state, second.state) == ("running", "failed")
    assert "You are already calling" in second.error
    assert len(flow.desk.phone.orders) == 1


async def test_what_cannot_be_written_down_is_not_acknowledged(flow: Workflow) -> None:
    def full(db: sqlite3.Connection) -> None:
        db.execute("CREATE TRIGGER full BEFORE INSERT ON workflow_steps BEGIN SELECT RAISE(ABORT, 'disk full'); END")

    await flow.desk.board.write(full)
    step = await flow.deliver(CALL, {"rep": "U1", "whom": NOA}, status=500)
    assert (await flow.states(), flow.desk.phone.orders) == ([], [])
    await flow.desk.board.write(lambda db: db.execute("DROP TRIGGER full").close())
    await flow.deliver(CALL, {"rep": "U1", "whom": NOA}, execution=step.id, retry=1)
    assert len(flow.desk.phone.orders) == 1


async def test_it_is_written_down_before_the_acknowledgement(flow: Workflow) -> None:
    """Slack would tell again what nobody knows of."""
    signed = slack_requests.function_executed(flow.desk.slack, CALL, {"rep": "U1", "whom": NOA})
    headers, body = signed
    async with flow.desk.writer_held_up():
        sending = asyncio.create_task(flow.desk.http.post("/slack/events", headers=headers, content=body))
        done, _ = await asyncio.wait({sending}, timeout=0.3)
        assert not done
    assert (await sending).status_code == 200
    assert len(await flow.states()) == 1


# Killed in between: `tests/test_crash_steps.py` does it to a real process.


async def test_a_step_that_became_nothing_fails_after_a_restart(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    async with workflow_office(tmp_path, fake_slack, slack_clock) as flow:
        for name, kind in (("Fx1", CALL), ("Fx2", MESSAGE), ("Fx3", "dance")):
            inputs = {"rep": "U1", "sender": "U2", "whom": NOA}
            event = slack_requests.payload_of(
                slack_requests.function_executed(fake_slack, kind, inputs, execution=name)
            )["event"]
            asked = step_inputs.read(event)
            assert asked is not None
            assert await workflow_steps.write_down(flow.desk.board, asked)
    async with workflow_office(tmp_path, fake_slack, slack_clock) as flow:
        await unclear.recover(flow.desk.board)
        await flow.desk.settle()
        await flow.answers.sweep()
        assert [found.error for found in fake_slack.executions.values()] == [
            "Callboard was restarted before the call was placed; nothing was dialled.",
            "Callboard was restarted before the voice message was on its way; nobody was called.",
            "Callboard was restarted before it could say that it has no such step.",
        ]
        assert (flow.desk.phone.orders, flow.desk.conversation("U1")) == ([], [])
        assert await flow.desk.board.read(ledger.open_intents) == []
        await flow.deliver(CALL, {"rep": "U1", "whom": NOA}, execution="Fx1", retry=1)
        assert flow.desk.phone.orders == []


async def test_a_call_that_ended_while_callboard_was_down_is_answered(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    async with workflow_office(tmp_path, fake_slack, slack_clock) as flow:
        step = await flow.call()
    async with workflow_office(tmp_path, fake_slack, slack_clock) as flow:
        await unclear.recover(flow.desk.board)
        await flow.answers.sweep()
        assert step.state == "running"
        await flow.ended(outcome=Outcome.BUSY)
        assert step.outputs["outcome"] == "busy"


async def test_an_answer_that_slack_did_not_get_before_a_restart_is_told_after_it(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    async with workflow_office(tmp_path, fake_slack, slack_clock) as flow:
        fake_slack.fail_next("functions.completeSuccess", "drop_before")
        step = await flow.call()
        await flow.ended(outcome=Outcome.BUSY)
        assert await flow.states() == ["answered"]
    async with workflow_office(tmp_path, fake_slack, slack_clock) as flow:
        await flow.later()
        assert step.outputs["outcome"] == "busy"
        assert await flow.states() == ["done"]


@pytest.mark.parametrize("sent", [False, True])
async def test_a_call_that_was_cut_off_is_told_as_it_is(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock, sent: bool
) -> None:
    async with workflow_office(tmp_path, fake_slack, slack_clock) as flow:
        step = await flow.call()
        (call,) = await flow.desk.calls()

        def cut_off(db: sqlite3.Connection) -> None:
            """As it is on disk before the order, or while it is on its way."""
            db.execute("UPDATE intents SET state = ?", ("sending" if sent else "written",))
            db.execute("DELETE FROM events WHERE ref = 'paper-1'")
            db.execute("DELETE FROM call_refs")

        await flow.desk.board.write(cut_off)
    async with workflow_office(tmp_path, fake_slack, slack_clock) as flow:
        await unclear.recover(flow.desk.board)
        await flow.later()
        if sent:
            assert step.state == "running"
            await unclear.settle(flow.desk.board, call.id, "U1", Outcome.NO_ANSWER)
            await flow.later()
            assert step.outputs["outcome"] == "no_answer"
        else:
            assert "Nothing was dialled" in step.error
        assert flow.desk.phone.orders == []
