"""Steps of Workflow Builder that fail with a sentence: what the policy forbids, and what makes no sense."""

from pathlib import Path
from typing import Any

import pytest

from bot.errors import Refused, Unavailable
from bot.store import ledger, people
from tests import slack_requests
from tests.fake_slack import FakeSlack
from tests.office import LINE, SETTINGS
from tests.slack_state import Clock
from tests.speaker import speaker
from tests.workflow_desk import CALL, MESSAGE, NOA, SAM, Workflow, flow, workflow_office

__all__ = ["flow"]  # a fixture


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
