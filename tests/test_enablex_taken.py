"""Incoming calls at EnableX that somebody takes, whatever goes wrong: they talk, or both sides know why not."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx
import pytest

from bot.errors import CallboardError
from bot.events import Outcome, State
from tests.enablex_town import BUSY, NO_ANSWER, REFUSALS, UNCLEAR, Desk, over, refuses, says


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with Desk(tmp_path) as desk:
        yield desk


async def comes_in(desk: Desk) -> None:
    desk.network.incoming(desk.exchange, caller="+12025550131", did=desk.values["cli"], kind="missed")
    await desk.run(15 if desk.exchange.pin or desk.exchange.greeting else 3)


Act = Callable[[Desk], Awaitable[None]]


@pytest.mark.parametrize(("greeting", "pin"), [(False, False), (True, False), (False, True), (True, True)])
async def test_a_call_is_taken(desk: Desk, greeting: bool, pin: bool) -> None:
    desk.exchange.greeting, desk.exchange.pin = greeting, pin
    await comes_in(desk)
    await desk.take()
    call = await desk.call()
    assert (call.rep, call.state) == ("U1", State.RINGING)
    assert desk.provider.controls(call) == {"hang_up"}
    await desk.run(8)
    call = await desk.call()
    assert (call.state, "hold" in desk.provider.controls(call)) == (State.TALKING, True)
    await over(desk, 60)
    assert (await desk.call()).outcome is Outcome.ANSWERED


@pytest.mark.parametrize("refusal", REFUSALS)
async def test_taking_fails_at_the_reps_phone(desk: Desk, refusal: tuple[int, object, str]) -> None:
    desk.answers["/connect"] = [refuses(*refusal)]
    await comes_in(desk)
    with pytest.raises(CallboardError, match=refusal[2]):
        await desk.take()
    await over(desk, 10)
    assert (await desk.call()).missed


@pytest.mark.parametrize("answer", UNCLEAR)
async def test_taking_is_unclear(desk: Desk, answer: httpx.Response | Exception) -> None:
    desk.answers["/connect"] = [answer]
    await comes_in(desk)
    with pytest.raises(CallboardError, match="may or may not"):
        await desk.take()
    await over(desk, 20)
    assert (await desk.call()).missed


@pytest.mark.parametrize("ending", ["11", "12", "13", "15"])
async def test_whoever_took_it_does_not_pick_up(desk: Desk, ending: str) -> None:
    await desk.link(f"+120255501{ending}")
    await comes_in(desk)
    await desk.take()
    await over(desk, 60)
    assert (await desk.call()).missed


async def test_accepting_is_refused_and_may_be_tried_again(desk: Desk) -> None:
    desk.answers["/accept"] = [refuses(500, 500, "Internal Server Error"), httpx.ConnectError("no route")]
    await comes_in(desk)
    for _ in range(2):
        with pytest.raises(CallboardError):
            await desk.take()
    await desk.take()
    await over(desk, 60)
    assert (await desk.call()).outcome is Outcome.ANSWERED


async def test_two_take_it_and_one_phone_rings(desk: Desk) -> None:
    await comes_in(desk)
    await desk.take()
    with pytest.raises(CallboardError, match="As the call stands now"):
        await desk.take()
    await over(desk, 60)
    assert desk.customer_dialled == 1


async def test_the_caller_hangs_up_while_the_reps_phone_rings(desk: Desk) -> None:
    await comes_in(desk)
    await desk.take()
    await desk.run(3)
    await desk.rep_hangs_up()  # the first party, which is the caller here
    await over(desk, 5)
    assert (await desk.call()).missed


@pytest.mark.parametrize("seconds", [0, 3, 8])
async def test_a_taken_call_is_hung_up_from_slack(desk: Desk, seconds: int) -> None:
    await comes_in(desk)
    await desk.take()
    await desk.run(seconds)
    await desk.hang_up()
    await over(desk, 5)


@pytest.mark.parametrize("after", [True, False], ids=["after", "before"])
@pytest.mark.parametrize("at", range(1, 9))
async def test_the_process_dies_while_a_call_is_taken(desk: Desk, after: bool, at: int) -> None:
    await comes_in(desk)
    desk.writes, desk.crash_at, desk.after = 0, at, after
    await desk.take(dies=True)
    for _ in range(20):
        await desk.run(1)
        if desk.dead:
            await desk.restart()
            await desk.quiet()
            break
    await desk.run(9)
    call = await desk.call()
    # Whoever talks may hold, record and hang up, also after a crash.
    assert call.state is not State.TALKING or (call.rep, (await desk.thread()).count("took the call")) == ("U1", 1)
    await desk.run(400)
    call = await desk.call()
    if desk.customer_dialled == 0:  # nobody knows that anybody wanted to take it: the caller waits or may be taken
        assert not desk.nothing_rings or call.state is State.ENDED
        return
    assert (call.state, desk.nothing_rings, desk.customer_dialled) == (State.ENDED, True, 1)


async def test_declining(desk: Desk) -> None:
    await comes_in(desk)
    await desk.control("decline")
    await over(desk, 5)
    assert (await desk.call()).missed


async def test_a_caller_hears_a_message_waits_and_is_taken(desk: Desk) -> None:
    await comes_in(desk)
    await desk.play("One moment, please.")
    await desk.run(12)
    await desk.take()
    await over(desk, 60)
    assert (await desk.call()).outcome is Outcome.ANSWERED


@pytest.mark.parametrize(
    "answer",
    [
        refuses(500, 500, "Internal Server Error"),
        refuses(503, "", "Service Unavailable"),
        httpx.Response(429, headers={"retry-after": "1"}, json={"error_code": "RATE_LIMITED", "message": "Too many"}),
        says(401, {"status": "error", "error_code": "CREDENTIAL_EXPIRED", "message": "Sign in again"}),
    ],
)
async def test_a_service_that_cannot_look_does_not_end_a_talk(desk: Desk, answer: httpx.Response) -> None:
    await comes_in(desk)
    await desk.take()
    await desk.run(8)
    desk.answers["GET"] = [answer] * 9
    for _ in range(3):  # as often as it is asked in a minute or two of a longer talk
        desk.poll._asked.clear()
        await desk.run(3)
    assert ((await desk.call()).state, desk.nothing_rings) == (State.TALKING, False)
    assert len(desk.answers["GET"]) < 8
    await over(desk, 60)


async def test_a_caller_who_cannot_be_let_go_is_let_go_later(desk: Desk) -> None:
    desk.answers["/connect"] = [refuses(404, "6110", "Application Not Found")]
    desk.answers["DELETE"] = [httpx.ConnectError("no route") for _ in range(9)]
    await comes_in(desk)
    with pytest.raises(CallboardError):
        await desk.take()
    await desk.run(60)
    assert "A caller may still be on the line with nobody" in await desk.notices()
    await over(desk, 400)


@pytest.mark.parametrize("action", ["transfer", "forward"])
async def test_a_caller_who_could_not_be_put_through_talks_on(desk: Desk, action: str) -> None:
    await comes_in(desk)
    await desk.take()
    await desk.run(8)
    await desk.control(action, BUSY)
    await desk.run(6)
    call = await desk.call()
    assert (call.transferred_to, call.state, "hold" in desk.provider.controls(call)) == ("", State.TALKING, True)
    await over(desk, 60)  # nobody is left on the line when the rep has hung up


@pytest.mark.parametrize("action", ["transfer", "forward"])
async def test_a_talk_is_not_taken_for_an_answer_of_whom_it_is_transferred_to(desk: Desk, action: str) -> None:
    await comes_in(desk)
    await desk.take()
    await desk.run(8)
    await desk.control(action, NO_ANSWER)
    for _ in range(5):
        desk.poll._asked.clear()
        await desk.run(3)
    third = next(leg for leg in (await desk.call()).legs if leg.name == f"ext:{NO_ANSWER}")
    assert (third.ringing_at > 0, third.answered_at) == (True, 0)
    await over(desk, 100)
    assert (await desk.call()).transferred_to == ""


@pytest.mark.parametrize("action", ["transfer", "forward"])
async def test_a_caller_who_is_put_through_talks_on_without_the_rep(desk: Desk, action: str) -> None:
    await comes_in(desk)
    await desk.take()
    await desk.run(8)
    await desk.control(action, "+12025550177")
    await desk.run(8)
    call = await desk.call()
    assert (call.transferred_to, call.state, desk.nothing_rings) == ("+12025550177", State.TALKING, False)
    assert desk.asked.count("DELETE") == 0
    await over(desk, 60)
    assert desk.asked.count("DELETE") == 1  # the other has hung up, and nobody is left to talk to


async def test_a_caller_who_leaves_during_an_unclear_bridge_leaves_no_phone_ringing(desk: Desk) -> None:
    desk.lost = {"bridging"}
    desk.answers["/connect"] = [httpx.ReadTimeout("slow")]

    async def leaves() -> None:
        await desk.carried_out_all_the_same()
        await desk.rep_hangs_up()  # the first party, which is the caller here

    desk.on_request["/connect"] = leaves
    await desk.link("+12025550112")
    await comes_in(desk)
    with pytest.raises(CallboardError, match="The call ended before"):
        await desk.take()
    await over(desk, 1)
    assert "took" not in await desk.thread()
