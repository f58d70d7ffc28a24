"""Callboard did not run for a while: what was due then is done late only where somebody says so."""

from pathlib import Path

import pytest

from bot import batches, down_time, message_queue
from bot.store import campaigns, messages
from tests import campaign_desk
from tests.audit_lines import audit_log
from tests.dialer import Dialer, dialer
from tests.fake_slack import FakeSlack
from tests.message_desk import NUMBERS, batch, called, desk, states
from tests.office import Office, office
from tests.slack_state import Clock

__all__ = ["desk"]  # a fixture


async def was_down(desk: Office, seconds: float) -> None:
    """What a start does after so long."""
    await down_time.note(desk.board)
    desk.clock.advance(seconds)
    await message_queue.recover(desk.board)
    await down_time.hold(desk.board)
    await message_queue.due(desk.board)
    await desk.settle()


async def scheduled(desk: Office, seconds: float) -> str:
    """A message to two that is to be sent in so long; returns the batch's id."""
    made = await batch(desk, *NUMBERS[:2], start=False)
    await desk.board.write(messages.move, made.id, "draft", "running")
    await desk.board.db.write(
        lambda db: db.execute("UPDATE message_recipients SET due_at = ?", (desk.clock() + seconds,))
    )
    return made.id


async def test_what_was_due_in_a_long_down_time_waits_for_a_word(desk: Office) -> None:
    made = await scheduled(desk, 3600)
    await was_down(desk, 5 * 3600)
    assert called(desk) == []
    (told,) = [message for message in desk.conversation("U2") if "was not running" in message.text]
    assert "your voice message to 2 recipients was not sent when it was due" in told.text
    (card,) = [message for message in desk.conversation("U2") if "voicemsg:resume" in str(message.blocks)]
    (line,) = [line[1:] for line in await desk.board.read(audit_log) if line[2] == "pause voice messages"]
    assert line[:3] == ("", "pause voice messages", "2 unsent")
    await was_down(desk, 5 * 3600)
    assert len([message for message in desk.conversation("U2") if "was not running" in message.text]) == 1
    await desk.press("voicemsg:resume", card, desk.slack.open_dm("U2").id, user="U2")
    assert called(desk) == list(NUMBERS[:2])
    assert (await desk.board.read(messages.get, made)).state == "running"  # type: ignore[union-attr]


@pytest.mark.parametrize(("due", "down"), [(600, 1700), (7200, 3600)])
async def test_a_restart_keeps_nobody_waiting_nor_does_what_is_not_due_yet(
    desk: Office, due: float, down: float
) -> None:
    await scheduled(desk, due)
    await was_down(desk, down)
    desk.clock.advance(max(0, due - down))
    await message_queue.due(desk.board)
    await desk.settle()
    assert called(desk) == list(NUMBERS[:2])
    assert not any("was not running" in message.text for message in desk.conversation("U2"))


async def test_a_list_that_was_half_added_to_a_campaign_waits_for_a_word(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    async with office(tmp_path, fake_slack, slack_clock, kind=Dialer) as desk:
        await campaign_desk.paste(desk)
        (made,) = await desk.board.read(campaigns.open_lists)
        await desk.board.write(campaigns.move, made.id, ("preview",), "adding", desk.clock())
        await was_down(desk, 5 * 3600)
        await batches.recover(desk.board)
        await desk.settle()
        assert dialer(desk).orders_of("add_campaign_calls") == []
        assert "Callboard was not running from 03:40 until now." in campaign_desk.card(desk).text
        (told,) = [text for text in campaign_desk.texts(desk) if "late by itself" in text]
        assert "the rest of your calls for Spring sale, from pasted rows, was not added" in told
        await campaign_desk.press(desk, "add_rows")
        assert len(dialer(desk).orders_of("add_campaign_calls")) == 2


async def test_a_first_start_holds_nothing(desk: Office) -> None:
    made = await batch(desk, *NUMBERS[:2])
    await down_time.hold(desk.board)
    await desk.settle()
    assert await states(desk, made) == ["sent", "sent"]
