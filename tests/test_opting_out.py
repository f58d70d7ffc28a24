"""Whoever asks not to be called again is on the list at once, and what was begun for them before stops."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot import jobs, opting_out
from bot.errors import Ambiguous, Refused, Unavailable
from bot.events import CdrReceived, Outcome
from bot.store import opt_outs, people
from tests.campaign_desk import audit
from tests.dialer import SALE, Dialer, dialer
from tests.fake_slack import FakeSlack
from tests.office import Office, office
from tests.slack_state import Clock

NOA, SAM = "+12025550101", "+12025550102"
STOP = "Asked not to be called again"


@pytest.fixture
async def desk(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> AsyncIterator[Office]:
    async with office(tmp_path, fake_slack, slack_clock, kind=Dialer) as desk:
        await desk.link("U1")
        yield desk


async def listed(desk: Office, number: str = NOA) -> tuple[str, str, float] | None:
    return await desk.board.read(people.do_not_call, number)


async def called(desk: Office, number: str = NOA) -> None:
    """A conversation of U1's that is over; its card is the last in their conversation."""
    await desk.type(f"/call {number}")
    ref = f"paper-{len(desk.phone.orders)}"
    await desk.happen(
        CdrReceived(ref=ref, at=desk.clock(), leg="customer", outcome=Outcome.ANSWERED, talk_seconds=60),
    )


async def wrap(desk: Office, **fields: str) -> None:
    card = next(message for message in desk.conversation("U1") if "call:wrap" in str(message.blocks))
    await desk.press("call:wrap", card, desk.slack.open_dm("U1").id)
    assert await desk.submit(fields) == {}
    await desk.settle()


# Said in a call


async def test_a_rep_says_so_of_a_call_and_nobody_calls_them_again(desk: Office) -> None:
    await called(desk)
    await wrap(desk, disposition=STOP, later="1h")
    (call,) = await desk.calls()
    assert call.disposition == STOP
    assert (await listed(desk) or ())[:2] == ("asked for it in a call", "U1")
    assert ("U1", "do-not-call add", NOA, f"asked for it in a call {call.id}") in await audit(desk)
    told = desk.conversation("U1")[-1].text
    assert "+1 202-555-0101 is on the do-not-call list now: nobody here calls them any more" in told
    assert "Reminder to call" not in "".join(message.text for message in desk.conversation("U1"))
    desk.clock.advance(60)
    assert "is on the do-not-call list" in await desk.type(f"/call {NOA}")


async def test_it_is_a_choice_wherever_one_says_how_a_call_went(desk: Office) -> None:
    assert desk.board.settings.dispositions[-1] == STOP
    await desk.type("/calls log add")
    fields = {"who": SAM, "minutes": "3", "disposition": STOP}
    assert await desk.submit(fields) == {}
    await desk.settle()
    assert (await listed(desk, SAM) or ("",))[0] == "asked for it in a call"


async def test_other_outcomes_put_nobody_there_and_none_does_where_none_is_set(desk: Office) -> None:
    await called(desk)
    await wrap(desk, disposition="Not interested")
    assert await listed(desk) is None
    desk.board.settings = replace(desk.board.settings, stop_disposition="")
    await wrap(desk, disposition=STOP)
    assert await listed(desk) is None


async def test_what_was_known_before_is_not_lost(desk: Office) -> None:
    await called(desk)
    await desk.type(f"/callboard dnc add {NOA} wrote a letter", user="U2")
    at = desk.clock()
    await wrap(desk, disposition=STOP)
    assert await listed(desk) == ("wrote a letter", "U2", at)


# What was begun before


async def test_nobody_is_reminded_to_call_them(desk: Office) -> None:
    await called(desk)
    await wrap(desk, note="Call again", later="1h")
    assert "Reminder to call" in desk.conversation("U1")[0].text
    await desk.type(f"/callboard dnc add {NOA} asked us by mail", user="U4")
    await desk.settle()
    assert "Reminder to call" not in desk.conversation("U1")[0].text
    before = len(desk.conversation("U1"))
    desk.clock.advance(2 * 3600)
    await jobs.remind(desk.board)
    await desk.settle()
    assert len(desk.conversation("U1")) == before


async def in_the_campaign(desk: Office) -> None:
    for number in (NOA, SAM):
        await desk.type(f"/campaign add Spring sale {number}", user="U2")
    assert list(dialer(desk).sheets[SALE].calls) == [NOA, SAM]


async def test_they_are_taken_out_of_the_campaign_that_a_service_dials(desk: Office) -> None:
    await in_the_campaign(desk)
    told = await desk.type(f"/callboard dnc add {NOA} asked us to stop")
    assert told.endswith("If it waits there yet, it is taken out within a minute, or the managers are told.")
    await opting_out.due(desk.board)
    assert list(dialer(desk).sheets[SALE].calls) == [SAM]
    assert ("", "remove campaign call", NOA, "voicenter: Spring sale: on the do-not-call list") in await audit(desk)
    assert await desk.board.read(opt_outs.waiting) == []
    await opting_out.due(desk.board)
    assert len(dialer(desk).orders_of("remove_campaign_call")) == 1


async def test_nothing_is_done_where_they_were_called_already(desk: Office) -> None:
    await in_the_campaign(desk)
    dialer(desk).sheets[SALE].calls.clear()
    await desk.type(f"/callboard dnc add {NOA}")
    await opting_out.due(desk.board)
    assert dialer(desk).orders_of("remove_campaign_call") == []
    assert await desk.board.read(opt_outs.waiting) == []


@pytest.mark.parametrize("error", [Unavailable("Not reached."), Ambiguous("No answer.")])
async def test_a_service_that_does_not_answer_is_asked_again_and_at_last_the_managers_are_told(
    desk: Office, error: Exception
) -> None:
    await in_the_campaign(desk)
    await desk.type(f"/callboard dnc add {NOA}")
    dialer(desk).faults["remove_campaign_call"] = [error, error, error]
    await opting_out.due(desk.board)
    assert desk.conversation("U2") == []
    for _ in range(2):
        desk.clock.advance(1000)
        await opting_out.due(desk.board)
        await desk.settle()
    (told,) = [message.text for message in desk.conversation("U2")]
    assert "+1 202-555-0101 is on the do-not-call list and may wait in the campaign Spring sale yet" in told
    await opting_out.due(desk.board)
    assert list(dialer(desk).sheets[SALE].calls) == [SAM]
    assert await desk.board.read(opt_outs.waiting) == []


async def test_a_service_that_refuses_is_for_the_managers_and_the_others_are_removed(desk: Office) -> None:
    await in_the_campaign(desk)
    dialer(desk).faults["remove_campaign_call"] = [Refused("Paperphone refused: locked.", words="locked")]
    for number in (NOA, SAM):
        await desk.type(f"/callboard dnc add {number}")
        desk.clock.advance(1)
    await opting_out.due(desk.board)
    await desk.settle()
    (told,) = [message.text for message in desk.conversation("U2")]
    assert "Taking them out did not work: Paperphone refused: locked." in told
    assert list(dialer(desk).sheets[SALE].calls) == [NOA]
    assert await desk.board.read(opt_outs.waiting) == []


async def test_a_campaign_that_is_gone_needs_nothing(desk: Office) -> None:
    await in_the_campaign(desk)
    await desk.type(f"/callboard dnc add {NOA}")
    del dialer(desk).sheets[SALE]
    await opting_out.due(desk.board)
    assert await desk.board.read(opt_outs.waiting) == []


async def test_whoever_is_taken_off_the_list_again_stays_in_the_campaign(desk: Office) -> None:
    await in_the_campaign(desk)
    for number in (NOA, SAM):
        await desk.type(f"/callboard dnc add {number}")
    await desk.type(f"/callboard dnc remove {NOA}", user="U2")
    await opting_out.due(desk.board)
    assert list(dialer(desk).sheets[SALE].calls) == [NOA]
