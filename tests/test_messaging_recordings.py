"""What was recorded of voice messages is found where recordings of calls are: who may listen, how, and for how long."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from bot import message_queue
from bot.errors import NotAllowed
from bot.events import Outcome, RecordingReady
from bot.recordings import heard_by
from tests.fake_slack import FakeSlack
from tests.office import Office, office
from tests.recorded import ANNOUNCEMENT, SOUND, Recorder, card, deliveries, files, settings
from tests.slack_state import Clock
from tests.speaker import Speaker, fails, hears, speaker

Open = Callable[..., AbstractAsyncContextManager[Office]]
ONE, TWO = "+12025550131", "+12025550132"
DAY = 86400.0


class Both(Speaker, Recorder):
    """Plays messages, and records them."""

    title = "Paperphone"


@pytest.fixture
def opened(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> Open:
    def open_office(**more: Any) -> AbstractAsyncContextManager[Office]:
        text = settings(countries={"US": "announce"}, **more)
        return office(tmp_path, fake_slack, slack_clock, text, kind=Both)

    return open_office


@pytest.fixture
async def desk(opened: Open) -> AsyncIterator[Office]:
    async with opened() as desk:
        message_queue.watch(desk.board)
        await desk.contact(ONE, "Dana Levi")
        yield desk


async def heard(desk: Office, number: int) -> None:
    """The recipient of the so manieth order heard it, and what was recorded can be fetched."""
    ready = RecordingReady(ref=f"said-{number}", at=desk.clock() + 12, recording=f"rec-{number}")
    await desk.happen(*hears(number, desk.clock()), ready)


async def test_whoever_sent_it_listens_from_its_card(desk: Office) -> None:
    await desk.type('/voicemsg Dana Levi "Your order is ready" record')
    assert speaker(desk).messages[0].text == f"{ANNOUNCEMENT} Your order is ready"
    assert "recording:get" not in str(card(desk).blocks)
    await heard(desk, 1)
    assert "Dana Levi, +1 202-555-0131 heard the message" in card(desk).text
    told = await desk.press("recording:get", card(desk), "DU1")
    assert told.startswith("Recording of the voice message to Dana Levi")
    (call,) = await desk.calls()
    assert call.recordings == ("rec-1",)
    assert await heard_by(desk.board, "U2", call.id) == call  # a manager, too
    with pytest.raises(NotAllowed, match="may listen to this recording"):
        await heard_by(desk.board, "U4", call.id)
    listed = await desk.type("/recording")
    assert "Dana Levi" in listed
    assert "voice message" in listed
    assert "There is no recording." in await desk.type("/recording", user="U4")


async def test_nothing_is_offered_of_one_that_nobody_picked_up(desk: Office) -> None:
    await desk.type('/voicemsg Dana Levi "Your order is ready" record')
    await desk.happen(*fails(1, desk.clock(), Outcome.BUSY))
    assert "recording:get" not in str(card(desk).blocks)
    assert "There is no recording." in await desk.type("/recording")


async def test_who_may_not_listen_is_offered_nothing(opened: Open) -> None:
    async with opened(listen="manager") as desk:
        await desk.type(f'/voicemsg {ONE} "Your order is ready" record')
        await heard(desk, 1)
        assert "heard the message" in card(desk).text
        assert "recording:get" not in str(card(desk).blocks)


async def test_files_of_many_stand_below_their_one_card(opened: Open) -> None:
    async with opened(deliver="file", keep_days=30) as desk:
        message_queue.watch(desk.board)
        await desk.type(f'/voicemsg {ONE}, {TWO} "Your order is ready" record', user="U2")
        await desk.press("voicemsg:send", card(desk, "U2"), "DU2", user="U2")
        for number in (1, 2):
            await heard(desk, number)
        shown = card(desk, "U2")
        for _ in range(4):
            await deliveries(desk).deliver()
            desk.clock.advance(5)
        assert [message.thread_ts for message in files(desk, "U2")] == [shown.ts, shown.ts]
        assert {file.content for file in desk.slack.files.values()} == {SOUND + b"rec-1", SOUND + b"rec-2"}
        assert all("of the voice message to +1 202-555-013" in message.text for message in files(desk, "U2"))


async def test_when_its_time_is_over_the_button_goes(opened: Open) -> None:
    async with opened(keep_days=30) as desk:
        await desk.type(f'/voicemsg {ONE} "Your order is ready" record')
        await heard(desk, 1)
        assert "recording:get" in str(card(desk).blocks)
        desk.clock.advance(31 * DAY)
        await deliveries(desk).expire()
        await desk.settle()
        assert "recording:get" not in str(card(desk).blocks)
