"""The queue of voice messages when a service fails or Callboard is killed: asked again, unclear, never sent twice."""

import asyncio
import dataclasses
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from bot import dialing, intents, message_batches, message_queue, unclear
from bot.errors import Ambiguous, Unavailable
from bot.events import Described, State
from bot.store import calls, ledger, messages
from tests.fake_slack import FakeSlack
from tests.message_desk import NUMBERS, SAID, batch, called, desk, states
from tests.office import Office, office
from tests.slack_state import Clock
from tests.speaker import Speaker, speaker

__all__ = ["desk"]  # a fixture


async def test_a_service_that_is_not_reached_is_asked_again_a_few_times(desk: Office) -> None:
    speaker(desk).answers = [Unavailable("Not reached.")] * 5
    made = await batch(desk, NUMBERS[0])
    for _ in range(6):
        desk.clock.advance(61)
        await message_queue.due(desk.board)
    await desk.settle()
    assert len(called(desk)) == 1 + message_queue.UNREACHED_TRIES
    assert await states(desk, made) == ["sent"]
    assert "was not sent" in desk.conversation("U2")[-1].text
    assert "Not reached." in desk.conversation("U2")[-1].text


async def test_a_number_that_is_no_line_of_ours_any_more_is_shown_to_nobody(desk: Office) -> None:
    """It was given back, say, and somebody else's by now."""
    await desk.link("U2")  # their line is shown
    made = await batch(desk, *NUMBERS[:2], start=False)
    desk.board.settings = dataclasses.replace(desk.board.settings, lines=())
    await message_batches.confirm(desk.board, made.id, "U2")
    await desk.settle()
    assert called(desk) == []
    assert await states(desk, made) == ["refused", "refused"]
    text = desk.conversation("U2")[-1].text
    assert "+1 202-555-0100, which the message was to show, is not one of your lines any more" in text


async def test_paused_while_it_was_found_out_that_the_last_cannot_be_called(desk: Office) -> None:
    """Else it would be paused with nobody waiting: no button goes on with it, and its results never come."""
    speaker(desk).answers = [Unavailable("Not reached.")] * 9
    made = await batch(desk, NUMBERS[0])
    ((row, _),) = await desk.board.read(messages.results, made.id)
    await message_batches.pause(desk.board, "U2", made.id)
    await desk.board.write(messages.refuse, row, "Not to be called.")
    await desk.board.write(messages.defer, row, desk.clock() + 3600)
    ((kept, _),) = await desk.board.read(messages.results, made.id)
    assert kept == row
    await message_batches.resume(desk.board, "U2", made.id)
    await desk.board.write(messages.refuse, row, "Not to be called.")
    assert await states(desk, made) == ["refused"]


async def test_one_pause_for_all_while_the_service_is_not_reached(desk: Office) -> None:
    speaker(desk).answers = [Unavailable("Not reached.")]
    await batch(desk, *NUMBERS[:2])
    assert called(desk) == [NUMBERS[0]]
    await message_queue.due(desk.board)
    desk.clock.advance(61)
    await message_queue.due(desk.board)
    assert called(desk) == [NUMBERS[0], NUMBERS[1], NUMBERS[0]]


async def test_an_unclear_answer_is_never_repeated(desk: Office) -> None:
    speaker(desk).answers = [Ambiguous("No answer in time.")]
    made = await batch(desk, NUMBERS[0])
    for _ in range(3):
        desk.clock.advance(600)
        await message_queue.due(desk.board)
    assert called(desk) == [NUMBERS[0]]
    card = desk.conversation("U2")[-1]
    assert "Unclear" in card.text
    await desk.press("call:settle_no", card, "DU2", user="U2")
    assert "Nothing rang." in desk.conversation("U2")[-1].text
    await message_queue.due(desk.board)
    assert called(desk) == [NUMBERS[0]]
    assert await states(desk, made) == ["sent"]


async def test_what_is_unclear_of_many_is_asked_on_their_card(desk: Office) -> None:
    speaker(desk).answers = [None, Ambiguous("No answer in time."), Ambiguous("No answer in time.")]
    made = await batch(desk, *NUMBERS[:4])
    (card,) = desk.conversation("U2")
    assert "Did it ring at +1 202-555-0131?" in card.text
    assert "Did it ring at +1 202-555-0132?" in card.text
    _, second, *_ = [row.call_id for row, _ in await desk.board.read(messages.results, made.id)]
    await desk.press("call:settle_no", card, "DU2", user="U2", value=second)
    (card,) = desk.conversation("U2")
    assert "0131?" not in card.text
    await desk.press("call:settle_rang", card, "DU2", user="U2")
    (card,) = desk.conversation("U2")
    assert "Did it ring" not in card.text
    assert "1 not reached · 1 refused" in card.text
    await message_queue.due(desk.board)
    assert called(desk) == list(NUMBERS[:4])
    assert await states(desk, made) == ["sent"] * 4


async def test_an_unclear_answer_is_cleared_where_the_service_lists_calls_by_our_id(desk: Office) -> None:
    class Listing(Speaker):
        @override
        async def active_calls(self) -> tuple[Described, ...]:
            return (Described(ref="r-1", at=self.now(), source="poll", call_id=self.messages[-1].call_id),)

    phone = Listing("voicenter", desk.clock)
    phone.answers = [Ambiguous("No answer in time.")]
    desk.board.providers = {"voicenter": phone}
    await batch(desk, NUMBERS[0])
    (call,) = await desk.calls()
    assert (call.state, call.refs) == (State.RINGING, ("r-1",))
    await phone.http.aclose()


async def test_a_bug_of_ours_does_not_keep_the_others_waiting(desk: Office) -> None:
    speaker(desk).answers = [RuntimeError("bug")]
    made = await batch(desk, *NUMBERS[:2])
    assert called(desk) == list(NUMBERS[:2])
    (_, first), (_, second) = await desk.board.read(messages.results, made.id)
    assert first is not None
    assert second is not None
    assert (first.state, second.state) == (State.UNCLEAR, State.RINGING)


async def test_a_crash_between_writing_down_and_sending(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    """Never left: sent after all, once. May have left: unclear, never sent again."""
    async with office(tmp_path, fake_slack, slack_clock, kind=Speaker) as desk:
        made = await batch(desk, *NUMBERS[:2], start=False)
        await desk.board.write(messages.move, made.id, "draft", "running")
        rows = [recipient for recipient, _ in await desk.board.read(messages.results, made.id)]
        for row, leave in zip(rows, (False, True), strict=True):
            call_id = calls.new_id(slack_clock())
            order = message_queue.order_of(SAID, call_id, row.number)
            take = lambda db, row=row, call_id=call_id: messages.take(db, row, call_id)  # noqa: E731
            await desk.board.write(dialing._commit_message, desk.board, "voicenter", "U2", "", order, take)
            if leave:
                assert await desk.board.write(ledger.send_intent, intents.message_key(call_id))
    async with office(tmp_path, fake_slack, slack_clock, kind=Speaker) as desk:
        for _ in range(2):
            await message_queue.recover(desk.board)
            await unclear.recover(desk.board)
            await message_queue.due(desk.board)
            await desk.settle()
        assert called(desk) == [NUMBERS[0]]
        (_, first), (_, second) = await desk.board.read(messages.results, made.id)
        assert first is not None
        assert second is not None
        assert (first.state, second.state) == (State.RINGING, State.UNCLEAR)
        assert await desk.board.read(ledger.open_intents) == []
        assert len(await desk.calls()) == 3  # the first try of the first is on record as not placed


async def test_killed_right_after_it_was_written_down_that_the_service_was_not_reached(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with office(tmp_path, fake_slack, slack_clock, kind=Speaker) as desk:
        made = await batch(desk, NUMBERS[0], send_at=slack_clock() + 60)
        slack_clock.advance(61)
        speaker(desk).answers = [Unavailable("Not reached.")]
        write = desk.board.db.write

        async def dies(work: Callable[[sqlite3.Connection], Any]) -> Any:
            result = await write(work)
            if speaker(desk).messages:
                raise asyncio.CancelledError
            return result

        monkeypatch.setattr(desk.board.db, "write", dies)
        with pytest.raises(asyncio.CancelledError):
            await message_queue.due(desk.board)
    async with office(tmp_path, fake_slack, slack_clock, kind=Speaker) as desk:
        await message_queue.recover(desk.board)
        await unclear.recover(desk.board)
        slack_clock.advance(61)
        await message_queue.due(desk.board)
        await message_queue.due(desk.board)
        assert called(desk) == [NUMBERS[0]]
        ((recipient, call),) = await desk.board.read(messages.results, made.id)
        assert recipient.tries == 1
        assert call is not None
        assert call.state is State.RINGING
