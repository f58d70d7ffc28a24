"""Steps of Workflow Builder: through the same gates, begun once, answered when the call or the messages are over."""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot import message_batches, message_queue, step_inputs, unclear, workflow_steps
from bot.consent import Recording
from bot.errors import Ambiguous, Refused, Unavailable
from bot.events import CallEnded, LegAnswered, Outcome
from bot.store import ledger, messages, people
from bot.store import workflow_steps as store
from tests import slack_requests
from tests.fake_slack import FakeSlack
from tests.office import LINE, SETTINGS
from tests.slack_requests import STARTER_SECRET, STEP_TOKEN
from tests.slack_state import Clock
from tests.speaker import fails, hears, speaker
from tests.workflow_desk import CALL, MESSAGE, NOA, SAM, Workflow, workflow_office

DAY = 86400


@pytest.fixture
async def flow(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> AsyncIterator[Workflow]:
    async with workflow_office(tmp_path, fake_slack, slack_clock) as there:
        yield there


# Place a call


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
    await flow.later(workflow_steps.PENDING_SECONDS - 30)
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


# Refusals


HOURS = SETTINGS.replace('hours = ["00:00", "24:00"]', 'hours = ["09:00", "18:00"]')
# 2026-02-02 02:40 UTC is 21:40 on Sunday in Washington.


async def test_who_has_no_phone_cannot_call(flow: Workflow) -> None:
    step = await flow.call(rep="U4")
    assert step.state == "failed"
    assert step.error.startswith("Callboard does not know your phone yet, so nothing was dialled.")
    assert "`" not in step.error
    assert flow.desk.phone.orders == []


async def test_the_do_not_call_list_holds(flow: Workflow) -> None:
    await flow.desk.board.write(people.block, NOA, "asked us to stop", "U9", flow.desk.clock())
    step = await flow.call()
    assert "asked us to stop" in step.error
    assert "<@" not in step.error
    assert flow.desk.phone.orders == []


@pytest.mark.parametrize(
    ("whom", "words"),
    [
        ("Nobody Known", "No contact is called “Nobody Known”, so nothing was dialled."),
        ("Noa", "called “Noa”: Noa Green, +1 202-555-0101; Noa Stone, +1 202-555-0102. Write the number."),
        ("back", "Say whom to call"),
        ("again", "Say whom to call"),
        ("next", "Say whom to call"),
        ("help", "Say whom to call"),
        ("   ", "Say whom to call"),
        ("+1 202 555", "Nothing was dialled."),
        ("+33 1 55 55 01 00", "The call was not placed"),
        ("911", "emergency"),
    ],
)
async def test_whom_nobody_can_call(flow: Workflow, whom: str, words: str) -> None:
    await flow.desk.contact(NOA, "Noa Green")
    await flow.desk.contact(SAM, "Noa Stone")
    step = await flow.call(whom)
    assert step.state == "failed"
    assert words.casefold() in step.error.casefold()
    assert "Example:" not in step.error
    assert flow.desk.phone.orders == []
    assert await flow.states() == ["done"]
    assert await flow.desk.board.read(ledger.open_intents) == []


@pytest.mark.parametrize(
    ("inputs", "words"),
    [({"line": "Support"}, "There is no line “Support”"), ({"via": "acme"}, "There is no telephony account “acme”")],
)
async def test_an_unknown_line_or_service(flow: Workflow, inputs: dict[str, str], words: str) -> None:
    assert words in (await flow.call(**inputs)).error
    assert words in (await flow.say(**inputs)).error
    assert (await flow.call(via="Paperphone", line=LINE)).state == "running"


async def test_a_question_of_the_policy_fails_the_step(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    async with workflow_office(tmp_path, fake_slack, slack_clock, HOURS) as flow:
        step = await flow.call()
        assert "calls are meant to be placed" in step.error
        assert step.error.endswith("Call anyway? A workflow cannot answer that, so nothing was dialled.")
        assert flow.desk.phone.orders == []


async def test_a_recording_that_needs_consent_fails_the_step(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    asks = SETTINGS + '[recording]\ndefault = "ask"\n'
    async with workflow_office(tmp_path, fake_slack, slack_clock, asks) as flow:
        step = await flow.call(record=True)
        assert step.error.endswith("A workflow cannot answer that, so nothing was dialled.")
        assert flow.desk.phone.orders == []


async def test_caps_and_roles_are_the_reps(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> None:
    text = SETTINGS.replace("[policy]", '[policy]\ncallers = ["U1"]\ndaily_calls = 1')
    async with workflow_office(tmp_path, fake_slack, slack_clock, text) as flow:
        await flow.desk.link("U4", "+12025550194")
        assert "not among those who may place calls" in (await flow.call(rep="U4", started_by="U1")).error
        assert (await flow.call(started_by="U4")).state == "running"
        assert "1" in (await flow.call(SAM)).error
        assert len(flow.desk.phone.orders) == 1


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Refused("Paperphone refused: no credit.", words="no credit"), "Paperphone refused: no credit."),
        (Unavailable("Paperphone could not be reached."), "Paperphone could not be reached."),
    ],
)
async def test_a_call_that_was_not_placed_fails_the_step(flow: Workflow, answer: Exception, words: str) -> None:
    flow.desk.phone.answer = answer
    assert (await flow.call()).error == words


BAD: list[tuple[str, Any, str]] = [
    (CALL, {}, "The step's input “rep” names nobody in Slack. Nothing was done; set it in the workflow."),
    (CALL, None, "“rep” names nobody"),
    (CALL, ["U1"], "“rep” names nobody"),
    (CALL, {"rep": 7, "whom": NOA}, "“rep” names nobody"),
    (CALL, {"rep": "Ada", "whom": NOA}, "“rep” names nobody"),
    (CALL, {"rep": "U1"}, "Say whom to call"),
    (CALL, {"rep": "U1", "whom": ["x"]}, "The step's input “whom” is not a text."),
    (CALL, {"rep": "U1", "whom": True}, "“whom” is not a text"),
    (CALL, {"rep": "U1", "whom": NOA, "note": {"a": 1}}, "“note” is not a text"),
    (CALL, {"rep": "U1", "whom": NOA, "note": "x" * 3001}, "“note” is longer than 3000 characters"),
    (CALL, {"rep": "U1", "whom": NOA, "record": "perhaps"}, "“record” is neither true nor false"),
    (MESSAGE, {"recipients": NOA, "text": "Hello"}, "“sender” names nobody"),
    (MESSAGE, {"sender": "U2", "text": "Hello"}, "Say whom to call"),
    (MESSAGE, {"sender": "U2", "recipients": NOA}, "Choose a stored message or write a text"),
    (MESSAGE, {"sender": "U2", "recipients": NOA, "text": "a", "stored": "b"}, "Choose a stored message or write"),
    (MESSAGE, {"sender": "U2", "recipients": NOA, "text": 1.5}, "“text” is not a text"),
    (MESSAGE, {"sender": "U2", "recipients": "Nobody Known", "text": "Hello"}, "No contact is called “Nobody Known”"),
    (MESSAGE, {"sender": "U2", "recipients": "911", "text": "Hello"}, "never calls those. Nothing was sent."),
    ("dance", {"rep": "U1"}, "Callboard has no step “dance”"),
]


@pytest.mark.parametrize(("kind", "inputs", "words"), BAD)
async def test_what_makes_no_sense_is_a_sentence(flow: Workflow, kind: str, inputs: Any, words: str) -> None:
    step = await flow.deliver(kind, inputs)
    assert step.state == "failed"
    assert words in step.error
    assert "Example:" not in step.error
    assert flow.desk.phone.orders == []
    assert speaker(flow.desk).messages == []


@pytest.mark.parametrize("event", [{}, {"function": 7}, {"function_execution_id": 7}, {"function_execution_id": ""}])
async def test_an_event_without_an_execution_is_acknowledged(flow: Workflow, event: dict[str, Any]) -> None:
    await flow.desk.send(slack_requests.event(flow.desk.slack, {"type": "function_executed", **event}))
    assert await flow.states() == []


@pytest.mark.parametrize("value", [12025550101, "+1 202-555-0101", "<tel:+12025550101|+1 202-555-0101>"])
async def test_a_number_in_many_writings(flow: Workflow, value: Any) -> None:
    await flow.run(CALL, rep="<@U1>", whom=value, record="False", note=None)
    (order,) = flow.desk.phone.orders
    assert order.number == NOA


# At most once


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


# Whoever starts workflows acts in others' names


@pytest.mark.parametrize("starter", ["U4", ""])
async def test_the_limit_of_a_day_is_whoever_starts_workflows_too(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock, starter: str
) -> None:
    """Or a stolen account could call as often as all colleagues together may. Those that start by themselves, which
    anybody may have built, are one person's."""
    text = SETTINGS.replace("[policy]", "[policy]\ndaily_calls = 3")
    async with workflow_office(tmp_path, fake_slack, slack_clock, text) as flow:
        await flow.desk.link("U2", "+12025550192")
        steps = [
            await flow.call(f"+1202555010{number}", rep="U1" if number % 2 else "U2", started_by=starter)
            for number in range(5)
        ]
        assert [step.state for step in steps] == ["running"] * 3 + ["failed"] * 2
        assert len(flow.desk.phone.orders) == 3
        who = "a colleague" if starter else "nobody of your workspace"
        assert steps[3].error == (
            f"The call was not placed: workflows that {who} started have placed 3 calls today, in whoever's name, and "
            "the limit for one person is 3 a day. Go on tomorrow, or ask an admin to raise daily_calls."
        )
        others = await flow.call("+12025550109", started_by="U9")
        assert others.state == "running"
        (alarm,) = [message for message in flow.desk.conversation("U9") if "workflows that" in message.text]
        assert "If that is more than you expect" in alarm.text
        assert await flow.states() == ["open"] * 3 + ["done"] * 2 + ["open"]
        flow.desk.clock.advance(DAY)
        assert (await flow.call("+12025550105", rep="U2", started_by=starter)).state == "running"


async def test_at_night_whoever_starts_workflows_starts_fewer(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    """It is three o'clock in the office, and ten where they call."""
    text = SETTINGS.replace('hours = ["00:00", "24:00"]', 'hours = ["09:00", "18:00"]')
    text = text.replace("[policy]", "[policy]\nnight_calls = 2").replace("Europe/Madrid", "America/New_York")
    async with workflow_office(tmp_path, fake_slack, slack_clock, text) as flow:
        await flow.desk.link("U2", "+12025550192")
        flow.desk.clock.advance(5.5 * 3600)
        for rep, number, state in (("U1", 1, "running"), ("U2", 2, "running"), ("U2", 3, "failed")):
            step = await flow.call(f"+97250555010{number}", rep=rep)
            assert step.state == state, step.error
        assert "have placed 2 calls since yesterday 21:00" in step.error
        assert "Go on at 06:00 in New York" in step.error


async def test_voice_messages_of_a_day_are_whoever_starts_workflows_too(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    """A manager's own have no limit, and a workflow may be sent in their name."""
    text = SETTINGS + "[messages]\nreps_daily = 2\n"
    async with workflow_office(tmp_path, fake_slack, slack_clock, text) as flow:
        steps = [await flow.say(f"+1202555010{number}") for number in range(3)]
        assert [step.state for step in steps] == ["running", "running", "failed"]
        assert "workflows that a colleague started have sent 2 voice messages today" in steps[2].error
        assert (await flow.say("+12025550108", started_by="U2")).state == "running", "a manager's have no limit"


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


# Voice messages


async def test_one_who_hears_it_and_presses_a_key(flow: Workflow) -> None:
    await flow.desk.contact(NOA, "Noa Green")
    step = await flow.say("Noa Green", keys=True, line="Sales")
    (order,) = speaker(flow.desk).messages
    assert (order.number, order.text, order.caller_id) == (NOA, "Your order is ready.", LINE)
    assert order.collect_digits
    assert not order.recognise
    await flow.later()
    assert step.state == "running"
    await flow.happen(*hears(1, flow.desk.clock(), keys="5"))
    await flow.later(20)
    assert step.outputs == {"heard": 1, "not_reached": 0, "answer": "5"}
    assert flow.told == [("functions.completeSuccess", "ok")]
    (line,) = await flow.audit()
    assert line[:3] == ("U4", "voice message by a workflow", "one recipient")
    assert line[3].endswith(" for U2 Wx1")


async def test_words_are_an_answer_too_and_none_is_none(flow: Workflow) -> None:
    step = await flow.say(words="true", text="", stored="Welcome")
    await flow.happen(*hears(1, flow.desk.clock(), phrase="yes please"))
    await flow.later(20)
    assert step.outputs == {"heard": 1, "not_reached": 0, "answer": "yes please"}
    step = await flow.say(SAM)
    await flow.happen(*fails(2, flow.desk.clock(), Outcome.BUSY))
    await flow.later(20)
    assert step.outputs == {"heard": 0, "not_reached": 1}


async def test_how_long_a_message_rings_and_lasts_and_that_it_is_recorded(flow: Workflow) -> None:
    recording = Recording(default="announce", announcement="This call is recorded.")
    flow.desk.board.settings = replace(flow.desk.board.settings, recording=recording)
    await flow.say(ring="20s", max="1m", record=True)
    (order,) = speaker(flow.desk).messages
    assert (order.ring_seconds, order.max_seconds, order.record) == (20, 60, True)
    assert order.text == "This call is recorded. Your order is ready."
    for inputs, words in (
        ({"ring": "soon"}, "“soon” after “ring” is not a length of time."),
        ({"max": "1h"}, "A voice message lasts 15 minutes at most"),
        ({"record": True, "text": "", "stored": "Welcome"}, "cannot be spoken before a stored sound"),
    ):
        step = await flow.say(SAM, **inputs)
        assert step.state == "failed"
        assert words in step.error
    assert len(speaker(flow.desk).messages) == 1


async def test_many_wait_for_send_as_after_the_command(flow: Workflow) -> None:
    step = await flow.say(f"{NOA}, {SAM}\n+1 202 555 0103", keys=True)
    assert (speaker(flow.desk).messages, step.state) == ([], "running")
    (card,) = flow.desk.conversation("U2")
    await flow.desk.press("voicemsg:send", card, "DU2", user="U2")
    await flow.happen(*hears(1, flow.desk.clock(), keys="5"))
    await flow.happen(*hears(2, flow.desk.clock(), keys="1"))
    await flow.later(20)
    assert step.state == "running"
    await flow.happen(*fails(3, flow.desk.clock(), Outcome.NO_ANSWER))
    await flow.later(20)
    assert step.outputs == {"heard": 2, "not_reached": 1}


async def test_a_draft_that_is_discarded_fails_the_step(flow: Workflow) -> None:
    step = await flow.say(f"{NOA}, {SAM}")
    (card,) = flow.desk.conversation("U2")
    await flow.desk.press("voicemsg:drop", card, "DU2", user="U2")
    await flow.later()
    assert step.error == "The voice message was discarded, or not approved, so nobody was called."


async def test_a_draft_that_nobody_answers_is_discarded_after_a_day(flow: Workflow) -> None:
    step = await flow.say(f"{NOA}, {SAM}")
    await flow.later(DAY - 60)
    assert step.state == "running"
    await flow.later(61)
    assert step.error.startswith("For a day nobody has said that the voice message shall be sent")
    (card,) = flow.desk.conversation("U2")
    assert "Discarded by Callboard" in card.text
    (batch,) = await batches(flow)
    with pytest.raises(Exception, match="decided before"):
        await message_batches.confirm(flow.desk.board, batch.id, "U2")
    assert speaker(flow.desk).messages == []


async def test_a_large_list_waits_for_a_second_manager(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    async with workflow_office(
        tmp_path, fake_slack, slack_clock, SETTINGS.replace("[policy]", "[policy]\napprove_over = 1")
    ) as flow:
        step = await flow.say(f"{NOA}, {SAM}")
        (batch,) = await batches(flow)
        await message_batches.confirm(flow.desk.board, batch.id, "U2")
        await flow.later(DAY + 1)
        assert step.error.startswith("For a day nobody has said")
        asked = flow.desk.conversation("U9")[-1]
        assert "Nobody said yes or no in time" in asked.text
        assert not any(block["type"] == "actions" for block in asked.blocks)


async def test_reps_may_send_to_one_only(flow: Workflow) -> None:
    step = await flow.say(f"{NOA}, {SAM}", sender="U1")
    assert "Only managers may send a voice message to more than one recipient" in step.error
    assert await batches(flow) == []


async def test_it_waits_for_the_recipients_hours(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> None:
    async with workflow_office(tmp_path, fake_slack, slack_clock, HOURS) as flow:
        step = await flow.say()
        (card,) = flow.desk.conversation("U2")
        await flow.desk.press("voicemsg:send", card, "DU2", user="U2")
        await flow.later(60)
        assert (speaker(flow.desk).messages, step.state) == ([], "running")
        slack_clock.now = datetime(2026, 2, 2, 14, 30, tzinfo=UTC).timestamp()
        await message_queue.due(flow.desk.board)
        await flow.happen(*hears(1, flow.desk.clock()))
        await flow.later(20)
        assert step.outputs == {"heard": 1, "not_reached": 0}


async def test_one_who_may_not_be_called_any_more_fails_the_step(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    async with workflow_office(tmp_path, fake_slack, slack_clock, HOURS) as flow:
        step = await flow.say()
        (card,) = flow.desk.conversation("U2")
        await flow.desk.press("voicemsg:send", card, "DU2", user="U2")
        await flow.desk.board.write(people.block, NOA, "asked us to stop", "U9", flow.desk.clock())
        slack_clock.now = datetime(2026, 2, 2, 14, 30, tzinfo=UTC).timestamp()
        await message_queue.due(flow.desk.board)
        await flow.later()
        assert "asked us to stop" in step.error


async def test_a_message_of_which_nobody_tells_how_it_went(flow: Workflow) -> None:
    step = await flow.say()
    await flow.happen(CallEnded(ref="said-1", at=flow.desk.clock()))
    await flow.later(workflow_steps.PENDING_SECONDS - 30)
    assert step.state == "running"
    await flow.later(60)
    assert step.outputs == {"heard": 0, "not_reached": 1}


async def test_messages_that_stay_unclear_fail_the_step_after_a_day(flow: Workflow) -> None:
    speaker(flow.desk).answers = [Ambiguous("Paperphone did not answer in time.")]
    step = await flow.say()
    await flow.later(DAY - 60)
    assert step.state == "running"
    await flow.later(61)
    assert step.error.startswith("Of 1 voice message 1 is unclear")


async def test_a_batch_that_is_paused_now_and_then_is_waited_for(flow: Workflow) -> None:
    step = await flow.say(", ".join(f"+1 202 555 013{digit}" for digit in range(8)))
    (batch,) = await batches(flow)
    await flow.later(DAY - 600)
    await message_batches.confirm(flow.desk.board, batch.id, "U2")
    await flow.desk.settle()
    await message_batches.pause(flow.desk.board, "U2", batch.id)
    for number in (1, 2, 3):
        await flow.happen(*hears(number, flow.desk.clock()))
    await flow.later(DAY - 60)
    assert step.state == "running"
    await message_batches.resume(flow.desk.board, "U2", batch.id)
    await flow.desk.settle()
    await message_batches.pause(flow.desk.board, "U2", batch.id)
    await flow.later(60)
    assert step.state == "running", "whoever waits has been called since then"


async def test_a_batch_that_nobody_resumes_fails_the_step(flow: Workflow) -> None:
    step = await flow.say(", ".join(f"+1 202 555 013{digit}" for digit in range(5)))
    (batch,) = await batches(flow)
    await message_batches.confirm(flow.desk.board, batch.id, "U2")
    await flow.desk.settle()
    await message_batches.pause(flow.desk.board, "U2", batch.id)
    for number in (1, 2, 3):
        await flow.happen(*hears(number, flow.desk.clock()))
    await flow.later(DAY - 60)
    assert step.state == "running"
    await flow.later(61)
    assert step.error == (
        "Of 5 voice messages 2 were not sent: they are paused, and for a day nobody has resumed them. Their card still "
        "can, and shows the others."
    )
    await message_batches.resume(flow.desk.board, "U2", batch.id)
    await flow.desk.settle()
    assert len(speaker(flow.desk).messages) == 5


async def test_a_batch_that_is_stopped_has_its_figures(flow: Workflow) -> None:
    numbers = ", ".join(f"+1 202 555 013{digit}" for digit in range(5))
    step = await flow.say(numbers)
    (batch,) = await batches(flow)
    await message_batches.confirm(flow.desk.board, batch.id, "U2")
    await flow.desk.settle()
    assert len(speaker(flow.desk).messages) == 3
    await message_batches.stop(flow.desk.board, batch.id, "U2")
    for number in (1, 2, 3):
        await flow.happen(*hears(number, flow.desk.clock()))
    await flow.later(20)
    assert step.outputs == {"heard": 3, "not_reached": 2}


async def batches(flow: Workflow) -> list[messages.Batch]:
    def find(db: sqlite3.Connection) -> list[messages.Batch]:
        found = [messages.get(db, row[0]) for row in db.execute("SELECT id FROM message_batches ORDER BY id")]
        return [batch for batch in found if batch is not None]

    return await flow.desk.board.read(find)


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


# What Slack says


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
