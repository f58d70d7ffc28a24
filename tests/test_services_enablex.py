"""EnableX calls that are controlled, end to end: the whole bot, the simulated service, signed Slack requests.

Slow, because the simulated time runs; `make test MARKS=` includes it.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot import demo
from bot.events import Outcome, State
from tests.town import Town
from tests.town import town as running

pytestmark = pytest.mark.slow
CALL, CALLER, THIRD = "/call +972 50 555 0101 via enablex", "+972505550131", "+972505550177"
SAYS_DANA = f"<@{demo.DANA}>"


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with running(tmp_path) as there:
        yield there


async def nobody_left(town: Town) -> None:
    await town.until(town.silent("enablex"), "nobody on the line")


async def test_a_talk_is_held_recorded_and_hung_up(town: Town) -> None:
    await town.type(CALL)
    await town.talking()
    await town.press("live:hold", times=2)
    await town.call(lambda call: call.held)
    await town.sees(SAYS_DANA, "put the call on hold.")
    await town.press("live:resume")
    await town.call(lambda call: not call.held)
    await town.sees(SAYS_DANA, "took the call off hold.")
    await town.press("live:start_recording")
    await town.agree()
    await town.call(lambda call: call.recording_on)
    await town.sees(SAYS_DANA, "started recording.")
    await town.press("live:stop_recording")
    await town.call(lambda call: not call.recording_on and call.recording.startswith("rec-"))
    await town.sees(SAYS_DANA, "stopped recording.")
    await town.press("call:hang_up", times=2)
    call = await town.ended()
    assert (call.outcome, call.hang_up_by) == (Outcome.ANSWERED, demo.DANA)
    assert len(town.lines("put the call on hold.")) == 1
    await nobody_left(town)


@pytest.mark.parametrize(
    ("action", "title", "words"),
    [("transfer", "Transfer", "transferred the call to"), ("forward", "Transfer blindly", "without asking first.")],
)
async def test_a_caller_is_put_through(town: Town, action: str, title: str, words: str) -> None:
    await town.type(CALL)
    await town.talking()
    await town.press(f"live:{action}")
    assert await town.fill(title, who="somebody unknown") != {}
    assert await town.fill(title, who=THIRD) == {}
    await town.sees(SAYS_DANA, words)
    assert (await town.ended()).transferred_to == THIRD
    live = town.world.network.live_calls(town.world.exchanges["enablex"])
    assert [call.leg(f"third:{THIRD[1:]}").answered_at > 0 for call in live] == [True]  # those two go on talking
    await nobody_left(town)


async def test_whoever_a_caller_is_put_through_to_counts_as_a_call(town: Town) -> None:
    object.__setattr__(town.callboard.board.settings.policy, "daily_calls", 2)
    await town.type(CALL)
    await town.talking()
    await town.press("live:transfer")
    assert await town.fill("Transfer", who=THIRD) == {}
    await town.sees(SAYS_DANA, "transferred the call to")
    await town.type("/call +972 50 555 0102 via enablex")
    await town.sees("you have placed 2 calls today, and the limit for one person is 2 a day.")
    assert len(town.world.network.calls) == 1


async def test_nobody_is_put_through_to_who_would_be_a_call_too_many(town: Town) -> None:
    object.__setattr__(town.callboard.board.settings.policy, "daily_calls", 1)
    await town.type(CALL)
    await town.talking()
    await town.press("live:forward")
    assert await town.fill("Transfer blindly", who=THIRD) == {}
    await town.sees("Nobody was called: you have placed 1 call today, and the limit for one person is 1 a day.")
    assert (await town.call(lambda call: call.state is State.TALKING)).transferred_to == ""
    (call,) = town.world.network.calls
    assert [name for name in call.legs if name.startswith("third:")] == []


async def test_nobody_is_put_through_to_an_extension(town: Town) -> None:
    await town.type(CALL)
    await town.talking()
    await town.press("live:forward")
    errors = await town.fill("Transfer blindly", who=f"<@{demo.OMER}>")
    assert errors["who"].startswith("Omer Katz has an extension at Voicenter, and the call is at EnableX. ")
    assert await town.fill("Transfer blindly", who="extension 201") == {}
    await town.sees("calls numbers, not extensions like 201")
    assert (await town.call(lambda call: call.state is State.TALKING)).transferred_to == ""


async def test_an_incoming_call_is_taken_held_and_hung_up(town: Town) -> None:
    town.rings("enablex", CALLER, demo.MESSAGE_LINE)
    await town.press("live:accept", times=2)
    await town.talking()
    await town.sees(SAYS_DANA, "took the call.")
    await town.press("live:hold")
    await town.call(lambda call: call.held)
    await town.press("live:resume")
    await town.call(lambda call: not call.held)
    await town.press("call:hang_up")
    assert (await town.ended()).outcome is Outcome.ANSWERED
    assert len(town.lines("took the call.")) == 1
    await nobody_left(town)


async def test_an_incoming_call_is_declined(town: Town) -> None:
    town.rings("enablex", CALLER, demo.MESSAGE_LINE)
    await town.press("live:decline", times=2)
    await town.sees(SAYS_DANA, "declined the call.")
    await nobody_left(town)
    await town.sees("Missed call")
    assert len(town.lines("declined the call.")) == 1


async def test_a_waiting_caller_hears_a_message_and_is_taken(town: Town) -> None:
    town.rings("enablex", CALLER, demo.MESSAGE_LINE)
    await town.press("live:play")
    assert await town.fill("Play a message") != {}
    assert await town.fill("Play a message", text="One moment, please.") == {}
    await town.sees(SAYS_DANA, "played", "One moment, please.")
    await town.press("live:accept")
    await town.talking()
    await town.press("call:hang_up")
    await nobody_left(town)


async def test_nobody_takes_a_call_at_a_phone_that_cannot_be_rung(town: Town) -> None:
    await town.type("/phone link extension AAPINFzL")
    await town.sees("AAPINFzL")
    town.rings("enablex", CALLER, demo.MESSAGE_LINE)
    await town.press("live:accept")
    await town.sees("cannot ring your extension, so the call was not taken")


async def test_a_control_that_races_with_the_end_is_told_kindly(town: Town) -> None:
    await town.type(CALL)
    await town.talking()
    hold = await town.button("live:hold")
    (call,) = town.world.network.live_calls(town.world.exchanges["enablex"])
    town.world.network.hang_up(call)
    await town.click(hold)

    async def told() -> list[str]:  # whichever of the two came first
        return town.lines("already ended", "on hold") or town.lines("ended before that could be done")

    await town.until(told, "what became of the hold")
    await town.ended()


async def test_the_rep_is_let_go_when_nobody_answers(town: Town) -> None:
    await town.type("/call +972 50 555 0112 via enablex")
    assert (await town.ended()).outcome is Outcome.NO_ANSWER
    await nobody_left(town)
