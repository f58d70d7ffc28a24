"""The step that sends voice messages: drafts, approval, hours, and what its answer says."""

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot import message_batches, message_queue
from bot.consent import Recording
from bot.errors import Ambiguous
from bot.events import CallEnded, Outcome
from bot.step_kind import PENDING_SECONDS
from bot.store import messages, people
from tests.fake_slack import FakeSlack
from tests.office import LINE, SETTINGS
from tests.slack_state import Clock
from tests.speaker import fails, hears, speaker
from tests.workflow_desk import NOA, SAM, Workflow, flow, workflow_office

__all__ = ["flow"]  # a fixture


DAY = 86400


HOURS = SETTINGS.replace('hours = ["00:00", "24:00"]', 'hours = ["09:00", "18:00"]')


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
    await flow.later(PENDING_SECONDS - 30)
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
