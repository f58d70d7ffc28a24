"""The queue of voice messages: each recipient once, in their hours, within the limits, and nobody waits for ever."""

import asyncio
from pathlib import Path

import pytest
from typing_extensions import override

from bot import message_batches, message_queue, messaging
from bot.errors import NotAllowed, NotFound, Refused, Unavailable
from bot.events import Accepted, Outcome
from bot.jobs import LONGEST_MESSAGE_SECONDS, finish_silent
from bot.messaging import Wanted
from bot.orders import MessageOrder
from bot.store import messages, people
from tests.fake_slack import FakeSlack
from tests.message_desk import NUMBERS, SAID, batch, called, desk, states
from tests.office import SETTINGS, Office, office
from tests.slack_state import Clock
from tests.speaker import Speaker, fails, hears, speaker

__all__ = ["desk"]  # a fixture

HOURS = SETTINGS.replace('hours = ["00:00", "24:00"]', 'hours = ["09:00", "18:00"]')
# 2026-02-02 02:40 UTC is 21:40 on Sunday in Washington and 04:40 on Monday in Jerusalem.


async def test_so_many_at_once_and_the_next_when_one_is_over(desk: Office) -> None:
    made = await batch(desk, *NUMBERS)
    assert called(desk) == list(NUMBERS[:3])
    await desk.happen(*hears(1, desk.clock(), keys="5"))
    assert called(desk) == list(NUMBERS[:4])
    for number in (2, 3, 4, 5, 6):
        await desk.happen(*fails(number, desk.clock(), Outcome.BUSY))
    assert called(desk) == list(NUMBERS)
    assert await states(desk, made) == ["sent"] * 6
    await message_queue.due(desk.board)
    assert called(desk) == list(NUMBERS)


async def test_several_workers_send_to_each_once(desk: Office) -> None:
    made = await batch(desk, *NUMBERS, start=False)
    await desk.board.write(messages.move, made.id, "draft", "running")
    await asyncio.gather(*(message_queue.due(desk.board) for _ in range(8)))
    assert sorted(called(desk)) == sorted(NUMBERS[:3])


async def test_workers_that_read_the_same_queue_at_the_same_moment(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    """Each has seen all recipients waiting and nobody running. Here the limit per number does not help either."""
    unlimited = SETTINGS.replace("[policy]", "[policy]\nattempts_per_day = 0\nattempts_per_week = 0")
    async with office(tmp_path, fake_slack, slack_clock, unlimited, kind=Speaker) as desk:
        made = await batch(desk, *NUMBERS, start=False)
        await desk.board.write(messages.move, made.id, "draft", "running")
        rows = [recipient for recipient, _ in await desk.board.read(messages.results, made.id)]
        await asyncio.gather(*(message_queue._send(desk.board, made, rows[0]) for _ in range(5)))
        assert called(desk) == [NUMBERS[0]]
        await asyncio.gather(*(message_queue._send(desk.board, made, row) for row in rows[1:]))
        assert len(called(desk)) == len(set(called(desk))) == 3


async def test_a_draft_is_sent_when_it_is_confirmed_and_only_once(desk: Office) -> None:
    made = await batch(desk, *NUMBERS[:2], start=False)
    await message_queue.due(desk.board)
    assert called(desk) == []
    with pytest.raises(NotAllowed, match="Only whoever sends it"):
        await message_batches.confirm(desk.board, made.id, "U1")
    with pytest.raises(NotFound):
        await message_batches.confirm(desk.board, "nonsense", "U2")
    asked = [message_batches.confirm(desk.board, made.id, "U2") for _ in range(4)]
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert sorted(str(type(result).__name__) for result in found) == ["NoneType", *["NotAllowed"] * 3]
    await desk.settle()
    assert called(desk) == list(NUMBERS[:2])


async def test_stopped_in_the_middle(desk: Office) -> None:
    made = await batch(desk, *NUMBERS)
    with pytest.raises(NotAllowed):
        await message_batches.stop(desk.board, made.id, "U4")
    assert await message_batches.stop(desk.board, made.id, "U2") == 3
    assert await message_batches.stop(desk.board, made.id, "U2") == 0
    for number in (1, 2, 3):
        await desk.happen(*hears(number, desk.clock()))
    await message_queue.due(desk.board)
    assert called(desk) == list(NUMBERS[:3])
    assert await states(desk, made) == ["sent"] * 3 + ["stopped"] * 3
    with pytest.raises(NotAllowed, match="decided before"):
        await message_batches.confirm(desk.board, made.id, "U2")


async def test_each_in_their_own_hours(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> None:
    async with office(tmp_path, fake_slack, slack_clock, HOURS, kind=Speaker) as desk:
        slack_clock.now = 1_770_000_000  # Monday 02:40 UTC
        made = await batch(desk, "+12025550130", "+972505550101", "+447700900123")
        assert called(desk) == []
        (card,) = desk.conversation("U2")
        assert "2 deferred to 09:00 their time" in card.text  # in Israel and in Britain it is Monday already
        assert "1 deferred to tomorrow 09:00 their time (from 15:00 on)" in card.text  # Sunday evening in Washington
        slack_clock.now = 1_770_000_000 + 4 * 3600 + 1300  # 07:01 UTC: nine in Israel
        await message_queue.due(desk.board)
        assert called(desk) == ["+972505550101"]
        slack_clock.now += 2 * 3600  # nine in Britain
        await message_queue.due(desk.board)
        slack_clock.now += 5 * 3600 + 60  # nine in Washington
        await message_queue.due(desk.board)
        assert called(desk) == ["+972505550101", "+447700900123", "+12025550130"]
        assert await states(desk, made) == ["sent"] * 3


async def test_hours_that_close_while_it_waits(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> None:
    async with office(tmp_path, fake_slack, slack_clock, HOURS, kind=Speaker) as desk:
        slack_clock.now = 1_770_000_000 + 20 * 3600  # Monday 22:40 UTC, 17:40 in Washington
        made = await batch(desk, NUMBERS[0], NUMBERS[1], start=False)
        slack_clock.advance(1800)
        await message_batches.confirm(desk.board, made.id, "U2")
        await desk.settle()
        assert called(desk) == []
        (first, _), _ = await desk.board.read(messages.results, made.id)
        assert first.state == "waiting"
        slack_clock.now = first.due_at
        await message_queue.due(desk.board)
        assert called(desk) == [NUMBERS[0], NUMBERS[1]]


async def test_do_not_call_is_looked_up_again_before_each_is_sent(desk: Office) -> None:
    made = await batch(desk, *NUMBERS[:4], start=False)
    await desk.board.write(people.block, NUMBERS[1], "asked us to stop", "U9", desk.clock())
    await message_batches.confirm(desk.board, made.id, "U2")
    await desk.settle()
    assert called(desk) == [NUMBERS[0], NUMBERS[2], NUMBERS[3]]
    assert await states(desk, made) == ["sent", "refused", "sent", "sent"]
    assert "do-not-call list" in desk.conversation("U2")[-1].text


async def test_attempts_per_number(desk: Office) -> None:
    await batch(desk, NUMBERS[0])
    with pytest.raises(
        NotAllowed, match="automatically or from a list once today, and the limit for one number is 1 a day"
    ):
        await batch(desk, NUMBERS[0])
    for _ in range(2):
        desk.clock.advance(86400)
        await desk.board.ingest("voicenter", fails(len(speaker(desk).messages), desk.clock(), Outcome.NO_ANSWER))
        if len(speaker(desk).messages) < 2:
            await batch(desk, NUMBERS[0])
    with pytest.raises(NotAllowed, match="twice within seven days"):
        await batch(desk, NUMBERS[0])
    desk.clock.advance(7 * 86400)
    await batch(desk, NUMBERS[0])
    assert len(called(desk)) == 3


async def test_only_what_may_have_rung_is_an_attempt(desk: Office) -> None:
    speaker(desk).answers = [Refused("No credit.")]
    made = await batch(desk, NUMBERS[0])
    assert "No credit." in desk.conversation("U2")[-1].text
    await batch(desk, NUMBERS[0])
    assert called(desk) == [NUMBERS[0]] * 2
    assert await states(desk, made) == ["sent"]


async def test_what_was_not_reached_while_it_was_paused_waits_for_resuming(desk: Office) -> None:
    speaker(desk).answers = [Unavailable("Not reached.")]
    made = await batch(desk, *NUMBERS[:2])
    await message_batches.pause(desk.board, "U2", made.id)
    assert await states(desk, made) == ["waiting", "waiting"]
    desk.clock.advance(61)
    await message_queue.due(desk.board)
    assert len(called(desk)) == 1
    await message_batches.resume(desk.board, "U2", made.id)
    await desk.settle()
    assert sorted(called(desk)) == sorted([NUMBERS[0], *NUMBERS[:2]])


async def test_a_rep_sends_so_many_in_a_day_and_the_rest_wait(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    """Whoever uses a rep's Slack could else send to a number after the other all night."""
    capped = SETTINGS + "[messages]\nreps = 3\nreps_daily = 2\n"
    async with office(tmp_path, fake_slack, slack_clock, capped, kind=Speaker) as desk:
        message_queue.watch(desk.board)
        await batch(desk, *NUMBERS[4:6], by="U2")  # neither a colleague's nor a call is one of theirs
        await desk.link("U1")
        await desk.type("/call +1 202 555 0188")
        assert len(desk.phone.orders) == 1
        await batch(desk, *NUMBERS[:3], by="U1")
        for number in (1, 2, 3, 4):
            await desk.happen(*hears(number, desk.clock(), keys="5"))
        assert called(desk) == [*NUMBERS[4:6], *NUMBERS[:2]], "the third waits"
        (told,) = [message.text for message in desk.conversation("U9")]
        assert "has sent 2 voice messages today, and `reps_daily` in `[messages]` allows no more" in told
        later = await batch(desk, NUMBERS[3], by="U1", start=False)
        assert later.state == "draft", "it would be tomorrow, so that is asked about first"
        await batch(desk, "+12025550140", by="U2")
        assert called(desk)[4:] == ["+12025550140"]
        desk.clock.advance(86400)
        await message_queue.due(desk.board)
        assert called(desk)[5:] == [NUMBERS[2]]


async def test_a_scheduled_message_waits(desk: Office) -> None:
    made = await batch(desk, NUMBERS[0], send_at=desk.clock() + 3600)
    assert made.state == "running"
    assert called(desk) == []
    assert "is scheduled" in desk.conversation("U2")[-1].text
    desk.clock.advance(3601)
    await message_queue.due(desk.board)
    assert called(desk) == [NUMBERS[0]]


async def test_an_account_that_was_taken_out_of_the_settings_keeps_nobody_waiting(desk: Office) -> None:
    made = await batch(desk, NUMBERS[0], send_at=desk.clock() + 3600)
    await desk.board.write(lambda db: db.execute("UPDATE message_batches SET account = 'gone'"))
    await message_queue.due(desk.board)
    assert await states(desk, made) == ["waiting"]  # it may come back until then
    desk.clock.advance(3601)
    await message_queue.due(desk.board)
    await desk.settle()
    assert (await states(desk, made), called(desk)) == (["refused"], [])
    assert "There is no telephony account “gone” any more" in desk.conversation("U2")[-1].text


async def test_a_call_whose_end_is_never_told_frees_its_place(desk: Office) -> None:
    await batch(desk, *NUMBERS[:4])
    for number in (1, 2, 3):
        await desk.happen(*hears(number, desk.clock())[:2])
    desk.clock.advance(LONGEST_MESSAGE_SECONDS + 1)
    await finish_silent(desk.board)
    await desk.settle()
    assert called(desk) == list(NUMBERS[:4])


async def test_a_service_that_hangs_holds_up_no_other(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands may wait for it, each for its timeout."""

    class Hanging(Speaker):
        @override
        async def send_message(self, order: MessageOrder) -> Accepted:
            await go_on.wait()
            return await super().send_message(order)

    go_on, slow = asyncio.Event(), Hanging("slow", desk.clock)
    monkeypatch.setattr(message_queue, "PATIENCE_SECONDS", 0.01)
    desk.board.providers = {"slow": slow, "voicenter": desk.phone}
    many = tuple((number, "") for number in NUMBERS[:2])
    for key, recipients, account, at in (
        ("slow", many, "slow", desk.clock() + 30),
        ("fast", ((NUMBERS[2], ""),), "voicenter", desk.clock() + 60),
    ):
        wanted = Wanted(by="U2", recipients=recipients, said=SAID, account=account, send_at=at)
        made = await messaging.create(desk.board, key, wanted)
        if made.state == "draft":
            await message_batches.confirm(desk.board, made.id, "U2")
    await desk.settle()
    for _ in range(2):  # one round at a time, as the job does
        desk.clock.advance(31)
        await asyncio.wait_for(message_queue.due(desk.board), 10)
    while not called(desk):
        await asyncio.sleep(0.001)
    assert called(desk) == [NUMBERS[2]]
    assert slow.messages == []
    go_on.set()
    await desk.settle()
    assert sorted(order.number for order in slow.messages) == sorted(NUMBERS[:2])
    await slow.http.aclose()
