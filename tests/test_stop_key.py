"""`stop_key`: whoever presses it during a voice message is never called again, from that very moment on."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot import message_queue
from bot.events import CUSTOMER, CdrReceived, Outcome
from bot.routing import ByLine
from bot.store import people
from tests.audit_lines import audit_log
from tests.fake_slack import FakeSlack
from tests.office import SETTINGS, Office, office
from tests.slack_state import Clock
from tests.speaker import Speaker, hears, speaker
from tests.test_settings import MINIMAL, errors, read

NOA, SAM = "+12025550101", "+12025550102"
ONCE = "[policy]\nattempts_per_day = 0\nattempts_per_week = 0"
STOPS = SETTINGS.replace("[policy]", ONCE) + '[messages]\nreps = 5\nconfirm_over = 5\nat_once = 1\nstop_key = "9"\n'


@pytest.fixture
async def desk(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> AsyncIterator[Office]:
    async with office(tmp_path, fake_slack, slack_clock, STOPS, kind=Speaker) as there:
        message_queue.watch(there.board)
        await there.link("U1")
        yield there


async def listed(desk: Office, number: str = NOA) -> tuple[str, str, float] | None:
    return await desk.board.read(people.do_not_call, number)


async def test_whoever_presses_it_is_called_no_more(desk: Office) -> None:
    await desk.type(f'/voicemsg {NOA} "Your order is ready. Press 9, and we do not call again."')
    (order,) = speaker(desk).messages
    assert order.collect_digits, "it is listened for, also where nobody has asked for keys"
    await desk.happen(*hears(1, desk.clock(), keys="9"))
    (call,) = await desk.calls()
    found = await listed(desk)
    assert found is not None
    assert found[:2] == ("pressed 9 in a voice message", "")
    lines = [line[1:] for line in await desk.board.read(audit_log)]
    assert ("", "do-not-call add", NOA, f"pressed 9 in a voice message {call.id}") in lines
    told = await desk.type(f"/call {NOA}")
    assert "is on the do-not-call list, put there on 2 February 2026: pressed 9 in a voice message." in told
    assert "+1 202-555-0101: pressed 9 in a voice message (03:40)" in await desk.type("/callboard dnc")


async def test_those_who_wait_yet_are_asked_of_the_list_again(desk: Office) -> None:
    """The same person is in two messages; the second waits for its turn."""
    await desk.type(f'/voicemsg {NOA} "Hello"', user="U2")
    desk.clock.advance(10)
    await desk.type(f'/voicemsg {SAM}, {NOA} "Hello again"', user="U2")
    await desk.happen(*hears(1, desk.clock(), keys="9"))
    await desk.happen(*hears(2, desk.clock()))
    assert [order.number for order in speaker(desk).messages] == [NOA, SAM]
    assert "pressed 9 in a voice message" in desk.conversation("U2")[-1].text


async def test_words_that_mean_it_are_as_good_where_a_message_listens_for_some(desk: Office) -> None:
    messages = replace(desk.board.settings.messages, stop_words=("stop", "remove me"))
    desk.board.settings = replace(desk.board.settings, messages=messages)
    desk.board.routing = ByLine(desk.board.settings)
    for number, said in ((NOA, "Non-stoppable, great"), (SAM, "Please, REMOVE  me.")):
        await desk.type(f'/voicemsg {number} "Hello" words')
        await desk.happen(*hears(len(speaker(desk).messages), desk.clock(), phrase=said))
        desk.clock.advance(60)
    assert await listed(desk) is None
    assert (await listed(desk, SAM) or ("",))[0] == "said “remove me” in a voice message"


@pytest.mark.parametrize("keys", ["5", "99", ""])
async def test_other_keys_mean_what_they_mean(desk: Office, keys: str) -> None:
    await desk.type(f'/voicemsg {NOA} "Hello"')
    await desk.happen(*hears(1, desk.clock(), keys=keys))
    assert await listed(desk) is None


async def test_what_a_manager_takes_off_again_is_not_put_back_by_a_late_record(desk: Office) -> None:
    await desk.type(f'/voicemsg {NOA} "Hello"')
    await desk.happen(*hears(1, desk.clock(), keys="9"))
    assert "may be called again" in await desk.type(f"/callboard dnc remove {NOA}", user="U2")
    await desk.happen(CdrReceived(ref="said-1", at=desk.clock(), leg=CUSTOMER, outcome=Outcome.ANSWERED))
    assert await listed(desk) is None


async def test_why_somebody_was_on_the_list_before_is_not_lost(desk: Office) -> None:
    await desk.type(f'/voicemsg {NOA} "Hello"')
    await desk.board.write(people.block, NOA, "asked us by mail", "U2", 0.0)
    await desk.happen(*hears(1, desk.clock(), keys="9"))
    assert await listed(desk) == ("asked us by mail", "U2", 0.0)


async def test_where_nobody_set_it_a_nine_is_a_nine(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> None:
    async with office(tmp_path, fake_slack, slack_clock, kind=Speaker) as desk:
        await desk.link("U1")
        await desk.type(f'/voicemsg {NOA} "Hello"')
        assert not speaker(desk).messages[0].collect_digits
        await desk.happen(*hears(1, desk.clock(), keys="9"))
        assert await listed(desk) is None


def test_it_is_one_key(tmp_path: Path) -> None:
    assert read(tmp_path, MINIMAL + '[messages]\nstop_key = "#"\n').messages.stop_key == "#"
    for wrong in ('"10"', '"x"', "9", '"any"'):
        (found,) = errors(tmp_path, MINIMAL + f"[messages]\nstop_key = {wrong}\n")
        assert found == 'messages.stop_key must be one key of a telephone, like "9"; "" is none.'
