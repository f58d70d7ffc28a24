"""Calls that we conduct at EnableX, whatever goes wrong: nobody is left on the line, everybody knows how it went, and
nobody is dialled twice."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import nullcontext
from pathlib import Path

import httpx
import pytest

from bot.errors import Ambiguous, CallboardError, Refused
from bot.events import CUSTOMER, LegEnded, Outcome, RecordingChanged, State
from tests.enablex_town import (
    BROKEN,
    BUSY,
    DISORDERED,
    FRIENDLY,
    LATE,
    NO_ANSWER,
    NO_CREDIT,
    REFUSALS,
    REJECTS,
    REP_FIRST,
    SILENT,
    TWICE,
    UNCLEAR,
    UNKNOWN,
    Desk,
    over,
    refuses,
    says,
)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with Desk(tmp_path) as desk:
        yield desk


async def test_they_talk(desk: Desk) -> None:
    await desk.dial(FRIENDLY)
    await over(desk)
    assert (await desk.call()).outcome is Outcome.ANSWERED
    assert "Talked" in await desk.card()


@pytest.mark.parametrize(
    ("number", "outcome", "words"),
    [
        (BUSY, Outcome.NO_ANSWER, "No answer"),  # its events do not tell busy from unanswered
        (NO_ANSWER, Outcome.NO_ANSWER, "No answer"),
        (REJECTS, Outcome.NO_ANSWER, "No answer"),
        (UNKNOWN, Outcome.NO_ANSWER, "No answer"),
        (REP_FIRST, Outcome.ANSWERED, "Talked"),
        (NO_CREDIT, Outcome.FAILED, "Phone number not found for the service"),
        (SILENT, Outcome.ANSWERED, "Talked"),  # the answer to the bridge never comes, but they talk
        (BROKEN, Outcome.FAILED, "internal error"),
        (TWICE, Outcome.ANSWERED, "Talked"),
        (LATE, Outcome.ANSWERED, "Talked"),
        (DISORDERED, Outcome.ANSWERED, "Talked"),
    ],
)
async def test_however_the_customer_behaves(desk: Desk, number: str, outcome: Outcome, words: str) -> None:
    await desk.dial(number)
    await over(desk, 900)
    assert (await desk.call()).outcome is outcome
    assert words in await desk.card()


async def test_what_they_press_in_the_talk_is_told_in_the_thread(desk: Desk) -> None:
    await desk.dial("+12025550126")
    await over(desk)
    assert (await desk.call()).heard == ("5",)
    assert "Somebody on the line pressed 5." in await desk.thread()  # on which phone its page does not promise


@pytest.mark.parametrize("answer", [httpx.ReadTimeout("slow"), httpx.Response(500), says(200, {"state": "initiated"})])
async def test_an_order_without_an_answer_finds_its_call_again(desk: Desk, answer: httpx.Response | Exception) -> None:
    """The order was carried out: its events come to an address that holds our id of the call."""
    desk.answers["/call"] = [answer]
    desk.on_request["/call"] = desk.carried_out_all_the_same
    await desk.dial(FRIENDLY)
    assert (await desk.call()).state is State.UNCLEAR
    await over(desk)
    assert (await desk.call()).outcome is Outcome.ANSWERED
    assert len(desk.network.calls) == 1


@pytest.mark.parametrize("ending", ["16", "17"])
async def test_the_rep_does_not_pick_up(desk: Desk, ending: str) -> None:
    await desk.link(f"+120255501{ending}")
    await desk.dial(FRIENDLY)
    await over(desk)
    assert (await desk.call()).outcome is Outcome.REP_NO_ANSWER
    assert "The other side was not called" in await desk.card()
    assert desk.customer_dialled == 0


async def test_the_reps_mailbox_picks_up(desk: Desk) -> None:
    await desk.link("+12025550114")
    await desk.dial(FRIENDLY)
    await over(desk)
    assert (await desk.call()).outcome is Outcome.REP_NO_ANSWER
    assert desk.customer_dialled == 0


@pytest.mark.parametrize("refusal", REFUSALS)
async def test_the_bridge_is_refused(desk: Desk, refusal: tuple[int, object, str]) -> None:
    desk.answers["/connect"] = [refuses(*refusal)]
    await desk.dial(FRIENDLY)
    await over(desk, 60)
    assert (await desk.call()).outcome is Outcome.FAILED
    assert refusal[2] in await desk.card()


@pytest.mark.parametrize("answer", UNCLEAR)
async def test_nobody_knows_whether_the_bridge_is_made_and_it_is_not(
    desk: Desk, answer: httpx.Response | Exception
) -> None:
    desk.answers["/connect"] = [answer]
    await desk.dial(FRIENDLY)
    await over(desk, 60)
    assert (await desk.call()).outcome is Outcome.FAILED
    assert "may or may not" in await desk.card()


async def test_the_service_is_not_reached_for_the_bridge(desk: Desk) -> None:
    desk.answers["/connect"] = [httpx.ConnectError("no route")]
    await desk.dial(FRIENDLY)
    await over(desk, 60)
    assert "could not be reached" in await desk.card()


@pytest.mark.parametrize("tries", [1, 4, 9])
async def test_letting_go_fails_at_first(desk: Desk, tries: int) -> None:
    desk.answers["DELETE"] = [httpx.ConnectError("no route") for _ in range(tries)]
    await desk.dial(BUSY)
    await over(desk)
    assert ("hang it up" in await desk.notices()) is (tries == 9)


@pytest.mark.parametrize("seconds", range(1, 12))
async def test_the_rep_hangs_up(desk: Desk, seconds: int) -> None:
    """While their own phone rings, while the customer's does, in the talk: no phone goes on ringing."""
    await desk.dial(FRIENDLY)
    await desk.run(seconds)
    await desk.rep_hangs_up()
    await over(desk, 5)
    outcome = (await desk.call()).outcome
    wanted = (Outcome.REP_NO_ANSWER,) if seconds < 4 else (Outcome.NO_ANSWER, Outcome.CANCELLED)
    assert outcome in (wanted if seconds < 8 else (*wanted, Outcome.ANSWERED) if seconds == 8 else (Outcome.ANSWERED,))


@pytest.mark.parametrize("seconds", range(12))
async def test_hang_up_is_pressed(desk: Desk, seconds: int) -> None:
    await desk.dial(FRIENDLY)
    await desk.run(seconds)
    await desk.hang_up()
    await over(desk, 5)
    assert (await desk.call()).hang_up_by == "U1"
    assert desk.customer_dialled == (seconds >= 4)


@pytest.mark.parametrize("lost", [set(), {"disconnected"}], ids=["told", "untold"])
@pytest.mark.parametrize("by", ["button", "phone"])
async def test_it_ends_while_the_bridge_is_ordered(desk: Desk, by: str, lost: set[str]) -> None:
    desk.lost = lost
    desk.on_request["/connect"] = desk.hang_up if by == "button" else desk.rep_hangs_up
    await desk.dial(FRIENDLY)
    await over(desk, 30)
    assert (await desk.call()).outcome is Outcome.CANCELLED
    assert "Ended before anybody answered" in await desk.card()


async def test_a_rep_who_leaves_during_an_unclear_bridge_leaves_no_phone_ringing(desk: Desk) -> None:
    desk.lost = {"bridging"}
    desk.answers["/connect"] = [httpx.ReadTimeout("slow")]
    desk.on_request["/connect"] = desk.carried_out_all_the_same
    await desk.dial(NO_ANSWER)
    await desk.run(5)
    await desk.rep_hangs_up()
    await over(desk, 9)  # the customer's phone would ring longer


async def test_a_rep_who_picks_up_after_hanging_up_calls_nobody(desk: Desk) -> None:
    """The button's order is accepted, but the rep's phone was already being picked up, as EnableX tells too late."""
    await desk.dial(FRIENDLY)
    await desk.run(2)
    desk.answers["DELETE"] = [says(200, {"voice_id": "x", "state": "success"})]
    await desk.hang_up()
    await over(desk, 20)
    assert desk.customer_dialled == 0


@pytest.mark.parametrize("accepted", [True, False])
async def test_a_rep_who_picks_up_while_the_button_hangs_up(desk: Desk, accepted: bool) -> None:
    """Accepted, it came too late for the rep's phone; not answered, the call goes on."""

    async def picks_up() -> None:
        await desk.clock.advance(2)
        while not any(leg.answered_at for leg in (await desk.call()).legs):
            await asyncio.sleep(0)

    await desk.dial(FRIENDLY)
    await desk.run(2)
    desk.answers["DELETE"] = [says(200, {"state": "success"}) if accepted else httpx.ReadTimeout("slow")]
    desk.on_request[""] = picks_up
    with nullcontext() if accepted else pytest.raises(CallboardError):
        await desk.hang_up()
    await over(desk, 5 if accepted else 60)
    assert desk.customer_dialled == (not accepted)


STATES = ("ringing", "connected", "bridging", "bridged", "bridge_failed", "bridge_disconnected", "disconnected")


@pytest.mark.parametrize("number", [FRIENDLY, BUSY, NO_ANSWER, REP_FIRST])
@pytest.mark.parametrize("lost", [*STATES, "everything"])
async def test_webhooks_are_lost(desk: Desk, lost: str, number: str) -> None:
    desk.lost = set(STATES) if lost == "everything" else {lost}
    await desk.dial(number)
    await over(desk, 900)
    call = await desk.call()
    talked = number in (FRIENDLY, REP_FIRST)
    if lost in ("connected", "bridged"):
        assert call.outcome is (Outcome.ANSWERED if talked else Outcome.NO_ANSWER)
    elif lost != "everything":
        wanted = {Outcome.ANSWERED} if talked else {Outcome.NO_ANSWER, Outcome.CANCELLED}
        assert call.outcome in wanted


async def test_a_talk_of_which_nobody_told_is_found_by_asking(desk: Desk) -> None:
    desk.lost = {"bridged"}
    await desk.dial(FRIENDLY)
    await desk.run(20)
    assert (await desk.call()).state is State.CONNECTING
    await desk.run(8)
    assert (await desk.call()).state is State.TALKING


async def test_a_talk_whose_end_nobody_told_is_over(desk: Desk) -> None:
    desk.lost = {"bridge_disconnected"}
    await desk.dial(FRIENDLY)
    await over(desk, 95)  # before the rep has enough of it
    assert (await desk.call()).outcome is Outcome.ANSWERED


async def test_a_talk_whose_end_nobody_told_is_over_also_after_a_restart(desk: Desk) -> None:
    """What the account was seen to refuse before the restart is known after it."""
    desk.lost = {"bridge_disconnected"}
    await desk.dial(FRIENDLY)
    await desk.run(32)
    assert desk.asked.count("PUT /play") == 2  # in the talk; and the first time after it, which ends nothing
    for _ in range(3):
        await desk.restart()
        await desk.quiet()
    await over(desk, 63)  # before the rep has enough of it
    assert (await desk.call()).outcome is Outcome.ANSWERED


async def test_nothing_is_known_after_a_restart_that_was_not_seen_before(desk: Desk) -> None:
    desk.lost = {"bridge_disconnected"}
    desk.answers["/play"] = [refuses(406, 6117, "Voice not supported")] * 9
    await desk.dial(FRIENDLY)
    await desk.run(32)
    await desk.restart()
    await desk.quiet()
    await desk.run(63)
    assert (await desk.call()).state is State.TALKING


async def test_nobodys_talk_is_ended_on_a_guess(desk: Desk) -> None:
    """A service that never refuses playing as EnableX does, or that says something of its own, tells nothing."""
    desk.lost = {"bridge_disconnected"}
    desk.answers["/play"] = [refuses(406, 6117, "Voice not supported")] * 9
    await desk.dial(FRIENDLY)
    await desk.run(95)
    assert (await desk.call()).state is State.TALKING
    desk.answers["/play"] = [refuses(405, 6112, "Call is in bridged mode"), refuses(503, "BUSY", "Too many calls")]
    desk.answers["/play"] += [refuses(406, 6117, "Voice not supported"), refuses(405, 6112, "Call is in bridged mode")]
    for _ in range(4):
        call = await desk.call()
        assert LegEnded not in [type(event) for event in await desk.provider.call_state(call)]
    assert desk.answers["/play"] == []


async def test_an_untold_end_is_believed_the_second_time(desk: Desk) -> None:
    desk.lost = {"bridge_disconnected"}
    await desk.dial(FRIENDLY)
    await desk.run(30)
    call = await desk.call()
    assert call.state is State.TALKING
    desk.answers["/play"] = [refuses(405, 6112, "Call is in bridged mode"), *[refuses(406, 6117, "No such voice")] * 2]
    ends = [any(isinstance(event, LegEnded) for event in await desk.provider.call_state(call)) for _ in range(3)]
    assert ends == [False, False, True]


@pytest.mark.parametrize("lost", ["started", "completed", "started completed"])
async def test_a_recording_of_which_nobody_told_is_found(desk: Desk, lost: str, tmp_path: Path) -> None:
    desk.lost = set(lost.split())
    await desk.dial(FRIENDLY)
    await desk.run(15)
    await desk.control("start_recording")
    await over(desk)
    call = await desk.call()
    assert len(call.recordings) == 1
    assert await desk.provider.fetch_recording(call.recording, tmp_path / "talk.wav", 100_000) == "audio/wav"


async def test_a_recording_that_failed_is_not_offered(desk: Desk) -> None:
    await desk.dial(FRIENDLY)
    await desk.run(15)
    await desk.control("start_recording")
    call = await desk.call()
    failed = RecordingChanged(ref=call.refs[0], at=desk.clock.now(), on=False, recording="rec-1", words="Disk full")
    begun = RecordingChanged(ref=call.refs[0], at=desk.clock.now(), on=True, recording="rec-1")
    await desk.board.ingest("enablex", [begun, failed])
    await over(desk)
    assert "rec-1" not in (await desk.call()).recordings


async def test_a_phone_that_rings_on_is_let_go(desk: Desk) -> None:
    desk.lost = {"bridge_failed"}
    await desk.dial(NO_ANSWER)
    await over(desk, 95)  # before the rep has enough of it
    assert (await desk.call()).outcome is Outcome.NO_ANSWER


@pytest.mark.parametrize("number", [FRIENDLY, BUSY, REP_FIRST])
@pytest.mark.parametrize("state", STATES)
async def test_webhooks_come_twice_and_late(desk: Desk, state: str, number: str) -> None:
    desk.copies, desk.late = 2, {state: 7.5}
    await desk.dial(number)
    await over(desk, 900)
    assert (await desk.call()).outcome is (Outcome.NO_ANSWER if number == BUSY else Outcome.ANSWERED)


@pytest.mark.parametrize("number", [FRIENDLY, BUSY, REP_FIRST])
async def test_enablex_bridges_by_itself(tmp_path: Path, number: str) -> None:
    """The setting `bridge = enablex`: `action_on_connect.connect`, and not a single order of ours to connect."""
    async with Desk(tmp_path, bridge="enablex") as desk:
        await desk.dial(number)
        await over(desk)
        assert (await desk.call()).outcome is (Outcome.NO_ANSWER if number == BUSY else Outcome.ANSWERED)
        assert desk.customer_dialled == 0


@pytest.mark.parametrize("number", [FRIENDLY, pytest.param(BUSY, marks=pytest.mark.slow)])
@pytest.mark.parametrize("after", [True, False], ids=["after", "before"])
@pytest.mark.parametrize("at", range(2, 22))
async def test_the_process_dies(desk: Desk, number: str, after: bool, at: int) -> None:
    """At any commit of the call, and starts again 4 seconds later; what was told meanwhile is lost."""
    desk.crash_at, desk.after = at, after
    desk.writes = 1  # the phone is linked already
    await desk.dial(number)
    for _ in range(60):
        await desk.run(1)
        if desk.dead:
            await desk.run(4)
            await desk.restart()
            await desk.quiet()
            break
    await desk.run(900)
    assert desk.nothing_rings
    assert desk.customer_dialled <= 1
    assert desk.asked.count("POST /call") <= 1
    told = await desk.calls()
    if not told:
        assert "Nothing was dialled" in await desk.notices() or at == 2
        return
    assert (await desk.card()).strip()
    assert told[0].state in (State.ENDED, State.UNCLEAR)


async def test_it_dies_when_the_call_is_over_but_the_rep_is_on_the_line(desk: Desk) -> None:
    await desk.dial(BUSY)
    await desk.run(4)
    desk.board.followers.clear()  # what is told is stored, and nobody acts on it
    await desk.run(8)
    assert ((await desk.call()).state, desk.nothing_rings) == (State.ENDED, False)
    await desk.restart()
    await desk.quiet()
    await over(desk, 3)


async def test_two_orders_without_an_answer_are_told_apart(desk: Desk) -> None:
    for number in (FRIENDLY, "+12025550102"):
        desk.answers["/call"] = [httpx.ReadTimeout("slow")]
        desk.on_request["/call"] = desk.carried_out_all_the_same
        await desk.dial(number)
        await desk.clock.advance(0.2)
    assert [call.state for call in await desk.calls()] == [State.UNCLEAR] * 2
    await desk.run(60)
    assert [call.outcome for call in await desk.calls()] == [Outcome.ANSWERED] * 2
    assert desk.nothing_rings


@pytest.mark.parametrize(
    "told",
    [
        {"status": "failed", "msg": "Not now"},
        {"status": "error", "error_code": "INVALID_PARAM", "message": "Not now"},
        {"error_code": "RATE_LIMITED", "message": "Not now"},
        {"result": "6110", "msg": "Not now"},
        {"result": 409, "msg": "Not now"},
        {"result": 500, "msg": "Not now"},
    ],
)
async def test_a_refusal_that_comes_with_status_200_is_one(desk: Desk, told: dict[str, object]) -> None:
    await desk.dial(FRIENDLY)
    await desk.run(12)
    desk.answers["/hold"] = [says(200, told)]
    with pytest.raises(Refused, match="Not now"):
        await desk.control("hold")
    assert not (await desk.call()).held
    desk.answers["/hold"] = [says(200, {"result": "OK", "error_code": 0})]
    await desk.control("hold")
    assert (await desk.call()).held


# Transfers.


@pytest.mark.parametrize("action", ["transfer", "forward"])
@pytest.mark.parametrize(("third", "answers"), [("+12025550177", True), ("+12025550111", False)])
async def test_whoever_is_put_through_is_left_in_peace(desk: Desk, action: str, third: str, answers: bool) -> None:
    """As long as somebody talks to them: nobody is on the line alone."""
    await desk.dial(FRIENDLY)
    await desk.run(12)
    await desk.control(action, third)
    await desk.run(12)
    call = await desk.call()
    assert (call.transferred_to, call.state) == ((third, State.ENDED) if answers else ("", State.TALKING))
    assert not desk.nothing_rings
    assert desk.asked.count("DELETE") == 0
    await over(desk, 60)
    assert desk.asked.count("DELETE") == 1


@pytest.mark.parametrize("action", ["transfer", "forward"])
async def test_whoever_was_put_through_by_an_order_without_an_answer_is_left_in_peace(desk: Desk, action: str) -> None:
    await desk.dial(FRIENDLY)
    await desk.run(12)
    desk.answers[f"/{action}"] = [httpx.ReadTimeout("slow")]
    desk.on_request[f"/{action}"] = desk.carried_out_all_the_same
    with pytest.raises(Ambiguous):
        await desk.control(action, "+12025550177")
    await desk.run(12)
    assert not desk.nothing_rings
    assert desk.asked.count("DELETE") == 0
    await over(desk, 60)
    assert desk.asked.count("DELETE") == 1


@pytest.mark.parametrize("action", ["transfer", "forward"])
@pytest.mark.parametrize("answered", [True, False])
async def test_a_transfer_that_is_told_before_its_answer_comes_is_not_cut_off(
    desk: Desk, action: str, answered: bool
) -> None:
    """The rep is let go while the answer is awaited, and the service has not told yet that the third party talks."""
    await desk.dial(FRIENDLY)
    await desk.run(12)
    desk.late = {"bridged": 6}

    async def goes_on() -> None:
        await desk.carried_out_all_the_same()
        await desk.clock.advance(6)
        while not any(leg.name == "rep" and leg.ended_at for leg in (await desk.call()).legs):
            await asyncio.sleep(0)
        for _ in range(100):
            await asyncio.sleep(0)  # whoever acts on that does it now

    desk.on_request[f"/{action}"] = goes_on
    desk.answers[f"/{action}"] = [says(200, {"status": "success"}) if answered else httpx.ReadTimeout("slow")]
    with nullcontext() if answered else pytest.raises(CallboardError):
        await desk.control(action, "+12025550177")
    await desk.run(12)
    assert desk.asked.count("DELETE") == 0
    assert not desk.nothing_rings
    await over(desk, 60)


async def test_a_talk_that_ends_while_a_transfer_is_under_way_is_not_taken_for_its_end(desk: Desk) -> None:
    """A service that parts the two before it says that the third party talks."""
    await desk.dial(FRIENDLY)
    await desk.run(12)
    desk.late = {"bridged": 6}
    await desk.control("transfer", "+12025550177")
    await desk.run(3)
    parted = LegEnded(ref=(await desk.call()).refs[0], at=desk.clock.now(), leg=CUSTOMER, outcome=Outcome.ANSWERED)
    await desk.board.ingest("enablex", [parted])
    await desk.run(12)
    assert desk.asked.count("DELETE") == 0
    assert not desk.nothing_rings
    await over(desk, 60)


async def test_whoever_stays_when_nobody_told_that_the_third_phone_stopped_may_hang_up(desk: Desk) -> None:
    await desk.dial(FRIENDLY)
    await desk.run(12)
    desk.lost = {"bridge_failed"}
    await desk.control("transfer", BUSY)
    await over(desk, 150)  # the rep, who hears nobody


@pytest.mark.parametrize("lost", [set(), {"bridging"}, {"bridged"}, {"disconnected"}], ids=str)
async def test_whoever_was_put_through_is_let_go_whatever_was_told_of_the_others(desk: Desk, lost: set[str]) -> None:
    await desk.dial(FRIENDLY)
    await desk.run(12)
    desk.lost = lost
    await desk.control("transfer", "+12025550177")
    await over(desk, 60)


async def test_a_service_that_ends_the_call_with_the_third_party_is_no_trouble(desk: Desk) -> None:
    desk.exchange.stays = False
    await desk.dial(FRIENDLY)
    await desk.run(12)
    await desk.control("transfer", "+12025550177")
    await over(desk, 60)
    assert "hang it up" not in await desk.notices()


async def test_whoever_was_put_through_is_let_go_after_a_restart(desk: Desk) -> None:
    await desk.dial(FRIENDLY)
    await desk.run(12)
    await desk.control("transfer", "+12025550177")
    await desk.run(12)
    desk.board.followers.clear()  # what is told is stored, and nobody acts on it
    await desk.run(60)
    assert not desk.nothing_rings
    await desk.restart()
    await desk.quiet()
    await over(desk, 3)
