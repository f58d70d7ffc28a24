"""The step that places a call: through the same gate, and answered when the call is over and known."""

import logging
from pathlib import Path

import pytest

from bot import unclear
from bot.errors import Ambiguous
from bot.events import CallEnded, LegAnswered, Outcome
from bot.step_kind import PENDING_SECONDS
from bot.store import people
from tests.office import LINE
from tests.slack_requests import STARTER_SECRET, STEP_TOKEN
from tests.workflow_desk import NOA, SAM, Workflow, flow

__all__ = ["flow"]  # a fixture


DAY = 86400


async def test_a_step_is_answered_when_its_call_has_ended(flow: Workflow) -> None:
    await flow.desk.contact(NOA, "Noa Green")
    step = await flow.call("Noa Green", note="asked for a quote", line="Sales")
    (order,) = flow.desk.phone.orders
    assert (order.number, order.caller_id, order.record) == (NOA, LINE, False)
    (card,) = flow.desk.conversation("U1")
    assert "Noa Green" in card.text
    assert "Workflow: asked for a quote" in card.text
    await flow.later(60)
    assert (step.state, flow.told) == ("running", [])
    await flow.answered(seconds=80)
    assert step.state == "completed"
    assert step.outputs == {"outcome": "answered", "talk_seconds": 80, "number": NOA}
    assert flow.told == [("functions.completeSuccess", "ok")]
    await flow.later(60)
    assert len(flow.told) == 1


async def test_the_answer_waits_for_the_records_of_a_call_that_ended(flow: Workflow) -> None:
    step = await flow.call()
    at = flow.desk.clock()
    await flow.desk.board.ingest("voicenter", [LegAnswered(ref="paper-1", at=at, leg="customer")])
    flow.desk.clock.advance(60)
    await flow.desk.board.ingest("voicenter", [CallEnded(ref="paper-1", at=at + 60)])
    await flow.answers.sweep()
    assert step.state == "running"
    await flow.ended(outcome=Outcome.ANSWERED, seconds=55)
    assert step.outputs["talk_seconds"] == 55


async def test_a_call_whose_record_never_comes_is_not_waited_for_for_ever(flow: Workflow) -> None:
    step = await flow.call()
    await flow.happen(CallEnded(ref="paper-1", at=flow.desk.clock()))
    (call,) = await flow.desk.calls()
    pending = call.outcome is Outcome.PENDING
    await flow.later(PENDING_SECONDS - 30)
    assert step.state == ("running" if pending else "completed")
    await flow.later(60)
    assert (step.state, step.outputs["outcome"]) == ("completed", str(call.outcome))


async def test_what_a_manager_may_allow_is_allowed_in_slack(flow: Workflow) -> None:
    await flow.desk.board.write(people.block, NOA, "asked us to stop", "U2", 0.0)
    step = await flow.call()
    assert step.state == "failed"
    assert "asked us to stop" in step.error
    assert step.error.endswith("Or type /call in Slack, where a manager may allow this one call.")


@pytest.mark.parametrize("outcome", [Outcome.BUSY, Outcome.NO_ANSWER, Outcome.VOICEMAIL])
async def test_nobody_answering_is_no_failure(flow: Workflow, outcome: Outcome) -> None:
    step = await flow.call()
    await flow.ended(outcome=outcome)
    assert step.outputs == {"outcome": str(outcome), "talk_seconds": 0, "number": NOA}


async def test_an_extension_and_options_in_the_text(flow: Workflow) -> None:
    step = await flow.call("201 from Sales max 30m")
    (order,) = flow.desk.phone.orders
    assert (order.number, order.caller_id, order.max_seconds) == ("201", LINE, 1800)
    await flow.ended(outcome=Outcome.BUSY)
    assert step.outputs["number"] == "201"


async def test_the_audit_log_says_who_started_the_workflow(flow: Workflow) -> None:
    await flow.call()
    (call,) = await flow.desk.calls()
    assert await flow.audit() == [("U4", "call by a workflow", NOA, f"{call.id} for U1 Wx1")]
    await flow.call(SAM, started_by="")
    latest, *_ = await flow.audit()
    assert latest[:3] == ("", "call by a workflow", SAM)
    shown = await flow.desk.type("/callboard audit", user="U9")
    assert "U4: call by a workflow" in shown
    assert "Callboard: call by a workflow" in shown


async def test_what_is_secret_in_the_event_is_kept_nowhere(
    flow: Workflow, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "callboard")
    caplog.set_level(logging.INFO)
    await flow.call()
    await flow.call("nobody of that name")
    await flow.answered()
    flow.desk.board.db.close()
    kept = b"".join(file.read_bytes() for file in (tmp_path / "data").iterdir() if file.is_file())
    for secret in (STEP_TOKEN, STARTER_SECRET):
        assert secret.encode() not in kept
        assert secret not in caplog.text
    assert all(request.outcome == "ok" for request in flow.desk.slack.requests), "with another token than the bot's"


# Unclear calls


async def test_an_unclear_call_is_waited_for_until_its_rep_says_what_became_of_it(flow: Workflow) -> None:
    flow.desk.phone.answer = Ambiguous("Paperphone did not answer in time.")
    step = await flow.call()
    (call,) = await flow.desk.calls()
    await flow.later(DAY - 60)
    assert step.state == "running"
    await unclear.settle(flow.desk.board, call.id, "U1", Outcome.ANSWERED)
    await flow.later()
    assert step.outputs == {"outcome": "answered", "talk_seconds": 0, "number": NOA}


async def test_nothing_rang_fails_the_step(flow: Workflow) -> None:
    flow.desk.phone.answer = Ambiguous("Paperphone did not answer in time.")
    step = await flow.call()
    (call,) = await flow.desk.calls()
    await unclear.settle(flow.desk.board, call.id, "U1", Outcome.NOT_PLACED)
    await flow.later()
    assert step.error == "The call to +1 202-555-0101 was not placed; nothing rang."


async def test_an_unclear_call_fails_the_step_after_a_day(flow: Workflow) -> None:
    flow.desk.phone.answer = Ambiguous("Paperphone did not answer in time.")
    step = await flow.call()
    await flow.later(DAY + 1)
    assert step.error.startswith("Whether the call to +1 202-555-0101 was placed is unclear")
    assert len(flow.desk.phone.orders) == 1


async def test_a_call_that_was_forgotten_fails_the_step(flow: Workflow) -> None:
    step = await flow.call()
    (call,) = await flow.desk.calls()
    await flow.desk.board.write(lambda db: db.execute("DELETE FROM calls WHERE id = ?", (call.id,)).close())
    await flow.later()
    assert step.error == "What became of it cannot be told: it is not on record any more."
