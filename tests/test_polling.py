"""Calls whose end no webhook tells: each is asked about, ever less often, until it is over."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from typing_extensions import override

from bot.call import Call
from bot.errors import Ambiguous, Unavailable
from bot.events import (
    CUSTOMER,
    Accepted,
    AnyEvent,
    CallEnded,
    CdrReceived,
    Controlled,
    Described,
    LegAnswered,
    LegEnded,
    LegRinging,
    Outcome,
    Requested,
    State,
)
from bot.jobs import LONGEST_MESSAGE_SECONDS, LONGEST_SECONDS, SILENT_SECONDS, finish_silent
from bot.operations import Operations
from bot.polling import IDLE_SECONDS, POLL_SECONDS, Poll
from bot.store import calls, ledger, missed, owners
from tests.fake_slack import FakeSlack
from tests.office import LINE, Office, PaperPhone, office
from tests.slack_state import Clock


class Silent(PaperPhone):
    """Tells nothing by itself; `state` is its answer about any call."""

    rings_back = False
    active_calls = Operations.active_calls

    def __init__(self, account: str, now: Callable[[], float]) -> None:
        super().__init__(account, now)
        self.asked_at: list[float] = []
        self.state: tuple[AnyEvent, ...] = ()
        self.fault: Exception | None = None

    @override
    def poll_after(self, asked: int) -> float:
        return (5.0, 10.0, 20.0, 30.0)[min(asked, 3)]

    @override
    async def call_state(self, call: Call) -> tuple[AnyEvent, ...]:
        self.asked_at.append(self.now())
        if self.fault is not None:
            raise self.fault
        return self.state


@pytest.fixture
async def desk(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> AsyncIterator[Office]:
    async with office(tmp_path, fake_slack, slack_clock, kind=Silent) as desk:
        await desk.link("U1")
        await desk.type("/call +1 202 555 0101")
        yield desk


def phone(desk: Office) -> Silent:
    assert isinstance(desk.phone, Silent)
    return desk.phone


async def polled(desk: Office, poll: Poll, seconds: int) -> Call:
    for _ in range(seconds):
        desk.clock.advance(1)
        await poll()
    (call,) = await desk.calls()
    return call


async def test_it_is_asked_ever_less_often_until_it_is_over(desk: Office) -> None:
    poll, began = Poll(desk.board), desk.clock()
    phone(desk).state = (LegRinging(ref="paper-1", at=began, leg=CUSTOMER),)
    assert (await polled(desk, poll, 70)).state is State.CONNECTING
    assert [round(at - began) for at in phone(desk).asked_at] == pytest.approx([5, 15, 35, 65], abs=2)
    phone(desk).state = (CdrReceived(ref="paper-1", at=began, leg=CUSTOMER, outcome=Outcome.BUSY),)
    call = await polled(desk, poll, 40)
    assert (call.state, call.outcome) == (State.ENDED, Outcome.BUSY)
    asked = len(phone(desk).asked_at)
    await polled(desk, poll, 60)
    assert len(phone(desk).asked_at) == asked


async def test_a_call_that_is_not_known_any_more_is_over(desk: Office) -> None:
    await desk.happen(LegAnswered(ref="paper-1", at=desk.clock(), leg=CUSTOMER))
    call = await polled(desk, Poll(desk.board), 60)
    assert call.state is State.ENDED


async def test_a_failure_is_a_problem_until_it_works_again(desk: Office) -> None:
    poll = Poll(desk.board)
    phone(desk).fault = Unavailable("Paperphone did not answer. Try again in a minute.")
    await polled(desk, poll, 8)
    assert [key for key, *_ in await desk.board.read(ledger.problems)] == ["provider voicenter"]
    phone(desk).fault = None
    phone(desk).state = (CallEnded(ref="paper-1", at=desk.clock(), outcome=Outcome.FAILED),)
    assert (await polled(desk, poll, 30)).outcome is Outcome.FAILED
    assert await desk.board.read(ledger.problems) == []


@pytest.fixture
async def listing(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> AsyncIterator[Office]:
    async with office(tmp_path, fake_slack, slack_clock) as desk:  # this one lists what is active
        await desk.link("U1")
        await desk.type("/call +1 202 555 0101")
        await desk.happen(LegAnswered(ref="paper-1", at=desk.clock(), leg=CUSTOMER))
        yield desk


async def consulting(desk: Office, poll: Poll, *legs: str) -> str:
    """Poll once while these legs are listed; who is on the other line, as the card tells."""
    desk.clock.advance(3)
    desk.phone.events = tuple(LegRinging(ref="paper-1", at=1.0, leg=leg) for leg in (CUSTOMER, *legs))
    await poll()
    (call,) = await desk.calls()
    return call.consulting


async def test_a_leg_that_is_told_under_another_name_later_is_known_by_its_id(listing: Office) -> None:
    poll, other = Poll(listing.board), "+12025550191"
    (call,) = await listing.calls()
    consult = Controlled(at=listing.clock(), by="U1", action="consult", detail=other)
    await listing.board.ingest("voicenter", [consult], call_id=call.id)
    for name in (f"third:{other}", "rep", "rep", "rep"):  # the rep has left, and the answer to the transfer was lost
        listing.clock.advance(3)
        listing.phone.events = (
            LegRinging(ref="paper-1", at=1.0, leg=CUSTOMER, leg_ref="32"),
            LegRinging(ref="paper-1", at=1.0, leg=name, leg_ref="33"),
        )
        await poll()
    (call,) = await listing.calls()
    assert call.consulting == other  # still on the line
    assert {leg.name: leg.ref for leg in call.legs if leg.ref} == {"customer": "32", f"third:{other}": "33"}


async def test_whoever_was_consulted_and_is_listed_no_more_has_left(listing: Office) -> None:
    poll, third, other = Poll(listing.board), "third:+12025550178", "+12025550178"
    (call,) = await listing.calls()
    for _ in range(2):  # the same one may be called again
        listing.clock.advance(1)
        consult = Controlled(at=listing.clock(), by="U1", action="consult", detail=other)
        await listing.board.ingest("voicenter", [consult], call_id=call.id)
        told = [await consulting(listing, poll, *legs) for legs in [(), (), (third,), (), (third,), (), ()]]
        assert told == [other] * 6 + [""]  # not before it was seen, nor at its first absence
    (call,) = await listing.calls()
    assert call.held
    listing.clock.advance(6)
    await listing.settle()
    texts = [message.text for message in listing.conversation("U1")]
    assert texts.count("+1 202-555-0178 is not on the line any more; the call is still on hold.") == 2


@pytest.mark.parametrize("seen", [True, False])
async def test_whoever_was_consulted_and_left_while_we_were_down_has_left(listing: Office, seen: bool) -> None:
    """Only if they were seen before: a service may be slow to list somebody."""
    poll, third, other = Poll(listing.board), "third:+12025550178", "+12025550178"
    (call,) = await listing.calls()
    consult = Controlled(at=listing.clock(), by="U1", action="consult", detail=other)
    await listing.board.ingest("voicenter", [consult], call_id=call.id)
    await consulting(listing, poll, *([third] if seen else []))
    again = Poll(listing.board)
    assert [await consulting(listing, again) for _ in range(3)] == ([other, "", ""] if seen else [other] * 3)


@pytest.mark.parametrize("third", ["ext:8", "third:+12025550178"])
async def test_whoever_was_consulted_in_an_incoming_call_has_left(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock, third: str
) -> None:
    """A colleague's phone is named like that of whoever took the call."""
    async with office(tmp_path, fake_slack, slack_clock) as desk:
        poll, other = Poll(desk.board), "+12025550191"
        at = desk.clock()
        described = Described(ref="in-1", at=at, source="popup", direction="in", number="+12025550131", line=LINE)
        rung = [LegRinging(ref="in-1", at=at, leg=leg) for leg in ("ext:7", "ext:9")]
        await desk.happen(described, *rung, LegAnswered(ref="in-1", at=at + 5, leg="ext:7"))
        (call,) = await desk.calls()
        desk.clock.advance(10)
        consult = Controlled(at=desk.clock(), by="U1", action="consult", detail=other)
        await desk.board.ingest("voicenter", [consult], call_id=call.id)
        told = []
        for listed in [(), (third,), (third,), (), (third,), (), ()]:
            desk.clock.advance(3)
            legs = [LegRinging(ref="in-1", at=at, leg=leg) for leg in ("ext:7", *listed)]
            desk.phone.events = (*legs, LegAnswered(ref="in-1", at=desk.clock(), leg="ext:7"))
            await poll()
            told.append((await desk.calls())[0].consulting)
        assert told == [other] * 6 + [""]
        (call,) = await desk.calls()
        assert (call.state, call.held) == (State.TALKING, True)


async def test_a_third_party_who_took_over_is_not_missed(listing: Office) -> None:
    poll, third = Poll(listing.board), "third:+12025550178"
    (call,) = await listing.calls()
    consult = Controlled(at=listing.clock(), by="U1", action="consult", detail="+12025550178")
    await listing.board.ingest("voicenter", [consult], call_id=call.id)
    await consulting(listing, poll, third)
    done = Controlled(at=listing.clock(), by="U1", action="complete_transfer")
    await listing.board.ingest("voicenter", [done], call_id=call.id)
    assert [await consulting(listing, poll) for _ in range(3)] == [""] * 3
    (call,) = await listing.calls()
    assert (call.transferred_to, call.held) == ("+12025550178", False)


class Listing(PaperPhone):
    """Lists its active calls, and remembers when it was asked to."""

    def __init__(self, account: str, now: Callable[[], float]) -> None:
        super().__init__(account, now)
        self.asked_at: list[float] = []

    @override
    async def active_calls(self) -> tuple[AnyEvent, ...]:
        self.asked_at.append(self.now())
        return await super().active_calls()


async def test_a_call_of_which_no_webhook_told_is_seen(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    async with office(tmp_path, fake_slack, slack_clock, kind=Listing) as desk:
        service, poll, began = desk.phone, Poll(desk.board), slack_clock()
        assert isinstance(service, Listing)
        for _ in range(40):
            await poll()
            desk.clock.advance(1)
        assert [at - began for at in service.asked_at] == pytest.approx([0, 15, 30])
        service.events = (
            Described(ref="in-1", at=desk.clock(), source="poll", direction="in", number="+12025550144", line=LINE),
            LegRinging(ref="in-1", at=desk.clock(), leg="ext:201"),
        )
        for _ in range(30):
            await poll()
            desk.clock.advance(1)
        assert [call.state for call in await desk.calls()] == [State.RINGING]
        assert len(service.asked_at) > 15  # often, now that there is one


async def test_a_clock_that_is_set_back_hides_no_call_of_which_no_webhook_told(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    async with office(tmp_path, fake_slack, slack_clock, kind=Listing) as desk:
        service, poll = desk.phone, Poll(desk.board)
        assert isinstance(service, Listing)
        await poll()
        desk.clock.advance(-3600)
        await poll()
        await poll()
        assert len(service.asked_at) == 2, "once by each clock"


async def test_a_caller_who_waits_long_is_not_missed_while_the_service_lists_them(listing: Office) -> None:
    poll, began = Poll(listing.board), listing.clock()
    waits = (
        Described(ref="in-1", at=began, source="poll:queue:7", direction="in", number="+12025550144", line=LINE),
        LegRinging(ref="in-1", at=began, leg="queue:7"),
    )
    listing.phone.events = waits
    for _ in range(2 * SILENT_SECONDS // 10):
        await poll()
        await finish_silent(listing.board)
        listing.clock.advance(10)
    assert await listing.board.read(missed.waiting) == []
    answered = LegAnswered(ref="in-1", at=listing.clock(), leg="ext:201")
    await listing.board.ingest("voicenter", [answered])
    call = await listing.board.read(calls.by_ref, "voicenter", "in-1")
    assert call is not None
    assert call.state is State.TALKING


async def test_a_caller_who_is_listed_for_ever_is_let_go_in_the_end(listing: Office) -> None:
    poll = Poll(listing.board)
    listing.phone.events = (LegRinging(ref="in-1", at=listing.clock(), leg="queue:7"),)
    for _ in range(3):
        await poll()
        listing.clock.advance(LONGEST_SECONDS / 2 + 1)
    await poll()
    await finish_silent(listing.board)
    for _ in range(20):  # nor does it come back with every answer that lists it still
        listing.clock.advance(POLL_SECONDS)
        await poll()
        call = await listing.board.read(calls.by_ref, "voicenter", "in-1")
        assert call is not None
        assert call.state is State.ENDED


async def test_a_message_that_is_listed_for_ever_is_over_once(listing: Office) -> None:
    began, ends = listing.clock(), set()
    asked = Requested(at=began, rep="U1", rep_phone="", number="+12025550101", purpose="message")
    for event in (asked, Accepted(ref="msg-1", at=began)):
        await listing.board.ingest("voicenter", [event], call_id="ours")
    poll, listing.phone.events = Poll(listing.board), (LegAnswered(ref="msg-1", at=began, leg=CUSTOMER),)
    for _ in range(LONGEST_MESSAGE_SECONDS // 10 + 60):
        await poll()
        await finish_silent(listing.board)
        listing.clock.advance(10)
        call = await listing.board.read(calls.get, "ours")
        assert call is not None
        ends.add(call.ended_at)
    assert len(ends) == 2  # 0, and when it was over


async def test_one_that_is_listed_again_is_not_silent_in_that_very_moment(listing: Office) -> None:
    poll, rings = Poll(listing.board), LegRinging(ref="in-1", at=listing.clock(), leg="queue:7")
    listing.phone.events = (rings,)
    await poll()
    listing.phone.events = ()
    listing.clock.advance(SILENT_SECONDS + 10)
    for _ in range(2):
        await poll()
        listing.clock.advance(POLL_SECONDS)
    listing.clock.advance(IDLE_SECONDS)
    listing.phone.events = (rings,)
    await poll()
    await finish_silent(listing.board)
    call = await listing.board.read(calls.by_ref, "voicenter", "in-1")
    assert call is not None
    assert call.state is State.RINGING


async def test_another_phone_rings_for_a_caller_who_seemed_gone_and_began_long_ago(listing: Office) -> None:
    """What a list says of a phone that rings may be when the whole call began."""
    poll, began = Poll(listing.board), listing.clock()
    listing.phone.events = (LegRinging(ref="in-1", at=began, leg="ext:201"),)
    await poll()
    listing.phone.events = ()
    for _ in range(2):
        listing.clock.advance(POLL_SECONDS)
        await poll()
    listing.phone.events = (LegRinging(ref="in-1", at=began, leg="ext:202"),)
    listing.clock.advance(IDLE_SECONDS)
    for _ in range(3):
        await poll()
        listing.clock.advance(POLL_SECONDS)
    call = await listing.board.read(calls.by_ref, "voicenter", "in-1")
    assert call is not None
    assert (call.state, call.missed) == (State.RINGING, False)


class Slow(PaperPhone):
    """What happens while it is asked: `meanwhile`; then comes the answer, of before that."""

    meanwhile: Callable[[], Awaitable[object]] | None = None

    @override
    async def active_calls(self) -> tuple[AnyEvent, ...]:
        if self.meanwhile is not None:
            await self.meanwhile()
        return self.events


async def test_an_answer_that_comes_late_brings_no_call_back(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    async with office(tmp_path, fake_slack, slack_clock, kind=Slow) as desk:
        service, poll = desk.phone, Poll(desk.board)
        assert isinstance(service, Slow)
        talks = LegAnswered(ref="in-1", at=desk.clock(), leg="ext:201")

        async def came_and_went() -> None:
            desk.clock.advance(5)
            over = LegEnded(ref="in-1", at=desk.clock(), leg="ext:201", outcome=Outcome.PENDING)
            await desk.board.ingest("voicenter", [talks, over])
            desk.clock.advance(5)

        service.meanwhile, service.events = came_and_went, (talks,)
        await poll()
        call = await desk.board.read(calls.by_ref, "voicenter", "in-1")
        assert call is not None
        assert (call.state, call.talk_seconds) == (State.ENDED, 5)


async def test_an_answer_that_comes_late_ends_no_call_that_was_picked_up_meanwhile(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    async with office(tmp_path, fake_slack, slack_clock, kind=Slow) as desk:
        service, poll = desk.phone, Poll(desk.board)
        assert isinstance(service, Slow)
        await desk.board.ingest("voicenter", [LegRinging(ref="in-1", at=desk.clock(), leg="ext:201")])

        async def picked_up() -> None:
            desk.clock.advance(5)
            await desk.board.ingest("voicenter", [LegAnswered(ref="in-1", at=desk.clock(), leg="ext:202")])
            desk.clock.advance(5)

        for service.meanwhile in (None, picked_up):
            desk.clock.advance(POLL_SECONDS)
            await poll()
        (call,) = await desk.calls()
        assert call.state is State.TALKING


async def test_nor_does_it_end_the_phone_that_picked_up_meanwhile(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    """They wait in a queue, which the answer lists still."""
    async with office(tmp_path, fake_slack, slack_clock, kind=Slow) as desk:
        service, poll = desk.phone, Poll(desk.board)
        assert isinstance(service, Slow)
        rings = [LegRinging(ref="in-1", at=desk.clock(), leg=leg) for leg in ("queue:7", "ext:201")]
        await desk.board.ingest("voicenter", rings)

        async def picked_up() -> None:
            desk.clock.advance(5)
            await desk.board.ingest("voicenter", [LegAnswered(ref="in-1", at=desk.clock(), leg="ext:201")])
            desk.clock.advance(5)

        service.events = (rings[0],)
        for service.meanwhile in (None, picked_up):
            desk.clock.advance(POLL_SECONDS)
            await poll()
        (call,) = await desk.calls()
        assert call.state is State.TALKING


async def test_an_unclear_call_is_no_reason_to_ask_often_for_ever(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    async with office(tmp_path, fake_slack, slack_clock, kind=Listing) as desk:
        service, poll = desk.phone, Poll(desk.board)
        assert isinstance(service, Listing)
        await desk.link("U1")
        service.answer = Ambiguous("No answer in time.")
        await desk.type("/call +1 202 555 0101")
        service.asked_at.clear()
        for _ in range(10):
            await poll()
            desk.clock.advance(3)
        assert len(service.asked_at) == 10
        desk.clock.advance(owners.ADOPT_SECONDS)
        service.asked_at.clear()
        for _ in range(10):
            await poll()
            desk.clock.advance(3)
        assert len(service.asked_at) == 2


async def test_a_service_that_hangs_keeps_no_other_from_being_asked(desk: Office) -> None:
    class Hanging(Listing):
        @override
        async def active_calls(self) -> tuple[AnyEvent, ...]:
            self.asked_at.append(self.now())
            await go_on.wait()
            return ()

    go_on, service, other = asyncio.Event(), Hanging("slow", desk.clock), Listing("other", desk.clock)
    desk.board.providers = {"slow": service, "other": other}
    poll = Poll(desk.board)
    poll.patience = 0.2  # three times that
    for _ in range(3):
        await asyncio.wait_for(poll(), 10)
        desk.clock.advance(IDLE_SECONDS)
    assert (len(service.asked_at), len(other.asked_at)) == (1, 3)
    go_on.set()
    await desk.board.settle()
    await poll()
    assert (len(service.asked_at), len(other.asked_at)) == (2, 4)
    for one in (service, other):
        await one.http.aclose()
