"""Whoever from outside is called into a running call costs what a call costs: same policy, same caps, same alarms."""

import asyncio
import html
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typing_extensions import override

from bot import controlling, dialing, unclear
from bot.call import Call
from bot.controlling import bring_in, control
from bot.errors import Ambiguous, CapReached, NotAllowed, Refused, Unavailable
from bot.events import CUSTOMER, REP, AnyEvent, CallEnded, Controlled, Described, LegAnswered, LegEnded, Outcome, State
from bot.intents import Ask
from bot.orders import Speech
from bot.store import Database, ledger, people
from tests.audit_lines import audit_log
from tests.fake_slack import FakeSlack
from tests.office import ADA, LINE, SETTINGS, Office, PaperPhone, office
from tests.slack_state import Clock

T = TypeVar("T")
BRINGING_IN = ("consult", "transfer", "forward", "coach")
OUTSIDE = "+12025550177"


class Exchange(PaperPhone):
    """Calls anybody into a talk; `rung` is whom, `fault` is raised instead, `gate` is waited for."""

    def __init__(self, account: str, now: Callable[[], float]) -> None:
        super().__init__(account, now)
        self.rung: list[str] = []
        self.fault: Exception | None = None
        self.gate: asyncio.Event | None = None

    @override
    def controls(self, call: Call) -> frozenset[str]:
        return frozenset({*BRINGING_IN, "return_to_caller"}) if call.state is State.TALKING else frozenset()

    async def _ring(self, to: str) -> None:
        self.rung.append(to)
        if self.gate is not None:
            await self.gate.wait()
        if self.fault is not None:
            raise self.fault

    @override
    async def consult(self, call: Call, to: str, speech: Speech | None = None) -> None:
        await self._ring(to)

    @override
    async def transfer(self, call: Call, to: str) -> None:
        await self._ring(to)

    @override
    async def forward(self, call: Call, to: str) -> None:
        await self._ring(to)

    @override
    async def coach(self, call: Call, phone: str = "") -> None:
        await self._ring(phone)

    @override
    async def return_to_caller(self, call: Call) -> None:
        pass


def exchange(desk: Office) -> Exchange:
    assert isinstance(desk.phone, Exchange)
    return desk.phone


@asynccontextmanager
async def capped(folder: Path, slack: FakeSlack, clock: Clock, *caps: str) -> AsyncIterator[Office]:
    """An office with these caps, in which the calls to extension 201 are U1's and those to 202 are U2's."""
    text = SETTINGS.replace("[policy]", "\n".join(["[policy]", *caps]))
    async with office(folder, slack, clock, text, kind=Exchange) as desk:
        await desk.link("U1", extension="201")
        await desk.link("U2", "+12025550192", extension="202")
        yield desk


@pytest.fixture
async def desk(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> AsyncIterator[Office]:
    async with capped(tmp_path, fake_slack, slack_clock) as desk:
        yield desk


async def answered(desk: Office, ref: str, extension: str = "201") -> str:
    """Somebody has called and is talked to, which counts as nobody's call; returns the call's id."""
    at, leg = desk.clock(), f"ext:{extension}"
    told = {"source": "popup", "direction": "in", "number": "+12025550144", "extension": extension}
    await desk.happen(Described(ref=ref, at=at, **told), LegAnswered(ref=ref, at=at, leg=leg))  # type: ignore[arg-type]
    return next(call.id for call in await desk.calls() if ref in call.refs)


async def ring(desk: Office, call_id: str, action: str, to: str, user: str = "U1") -> None:
    """As the button and its form do."""
    if action == "coach":
        await control(desk.board, call_id, user, action, lambda provider, call: provider.coach(call, to), to=to)
    else:
        await bring_in(desk.board, call_id, user, action, to)
    desk.clock.advance(1)


async def call(desk: Office, number: str, user: str = "U1") -> Call:
    key = f"k{number}"
    await desk.board.write(ledger.write_intent, key, user, "command", b"{}", desk.clock())
    return await dialing.dial(desk.board, key, Ask(rep=user, number=number))


async def alarms(desk: Office) -> list[str]:
    await desk.settle()
    return [html.unescape(message.text) for message in desk.conversation("U9")]


# What the policy never dials.


@pytest.mark.parametrize("action", BRINGING_IN)
@pytest.mark.parametrize(
    ("to", "words"),
    [
        ("+19005550123", "premium-rate"),
        ("+905550000001", "is in TR"),
        ("+88216123456", "belongs to no country"),
        ("+12025550155", "do-not-call list"),
        ("112", "emergency number"),
        ("411", "short number too"),
        ("00905550000001", "too long for an extension"),
    ],
)
async def test_nobody_is_called_in_whom_the_policy_forbids(desk: Office, action: str, to: str, words: str) -> None:
    await desk.board.write(people.block, "+12025550155", "asked us to stop", "U9", desk.clock())
    running = await answered(desk, "in-1")
    with pytest.raises(NotAllowed, match=words):
        await ring(desk, running, action, to)
    assert exchange(desk).rung == []


async def test_the_admins_hear_of_numbers_that_cost_much_as_of_those_that_are_dialled(desk: Office) -> None:
    running = await answered(desk, "in-1")
    for number in range(3):
        assert await alarms(desk) == []
        with pytest.raises(NotAllowed, match="premium-rate"):
            await ring(desk, running, "forward", f"+1900555012{number}")
    (words,) = await alarms(desk)
    assert words.startswith("<@U1> has tried to call 3 numbers today that are never dialled from here, ")
    assert (await desk.board.read(audit_log))[0][1:] == ("U1", "refused call", "+19005550122", "cost")


# Caps of the day.


@pytest.mark.parametrize("action", BRINGING_IN)
async def test_whoever_is_called_in_from_outside_is_a_call_of_the_day(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock, action: str
) -> None:
    async with capped(tmp_path, fake_slack, slack_clock, "daily_calls = 2") as desk:
        first, second, third = [await answered(desk, f"in-{number}") for number in range(3)]
        await ring(desk, first, action, OUTSIDE)
        await call(desk, "+12025550131")
        with pytest.raises(CapReached) as error:
            await ring(desk, second, action, OUTSIDE)
        assert str(error.value) == (
            "Nobody was called: you have placed 2 calls today, and the limit for one person is 2 a day. Go on "
            "tomorrow, or ask an admin to raise the limit. A colleague or an extension can be called all the same."
        )
        assert exchange(desk).rung == [OUTSIDE]
        assert "limit for one person is 2 a day" in await desk.type("/call +1 202 555 0132")
        (words,) = await alarms(desk)
        assert words.startswith("<@U1> has placed 2 calls today, and `daily_calls` in `[policy]` allows no more: ")
        refused = ("U1", "refused call", OUTSIDE, "daily calls")
        assert refused in [line[1:] for line in await desk.board.read(audit_log)]
        desk.clock.advance(86400)
        await ring(desk, third, action, OUTSIDE)
        assert exchange(desk).rung == [OUTSIDE, OUTSIDE]


async def test_our_own_people_do_not_count(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> None:
    async with capped(tmp_path, fake_slack, slack_clock, "daily_calls = 1", "calls_at_once = 1") as desk:
        await desk.link("U4", "+972505550190")
        for place, to in enumerate(("+972505550190", LINE, "204", "BBPINFzM")):
            await ring(desk, await answered(desk, f"in-{place}"), "forward", to)
        await call(desk, "+12025550131")
        for place, to in enumerate(("+972505550190", LINE, "204")):
            await ring(desk, await answered(desk, f"later-{place}"), "consult", to)
        assert len(exchange(desk).rung) == 7
        with pytest.raises(CapReached):
            await ring(desk, await answered(desk, "last"), "consult", OUTSIDE)


async def test_a_number_is_no_colleagues_because_whoever_asks_has_just_linked_it(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    async with capped(tmp_path, fake_slack, slack_clock, "daily_calls = 1") as desk:
        await ring(desk, await answered(desk, "in-1"), "forward", ADA)
        await desk.link("U1", OUTSIDE, extension="201")
        with pytest.raises(CapReached):
            await ring(desk, await answered(desk, "in-2"), "forward", OUTSIDE)
        assert exchange(desk).rung == [ADA]


async def test_a_cap_of_the_team_counts_whom_everybody_calls_in(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    async with capped(tmp_path, fake_slack, slack_clock, "team_daily_calls = 2") as desk:
        await ring(desk, await answered(desk, "in-1"), "forward", OUTSIDE)
        await ring(desk, await answered(desk, "in-2", "202"), "consult", OUTSIDE, "U2")
        with pytest.raises(CapReached, match="2 calls were placed by all of you today, and the limit is 2 a day"):
            await ring(desk, await answered(desk, "in-3"), "forward", OUTSIDE)
        with pytest.raises(NotAllowed, match="placed by all of you"):
            await call(desk, "+12025550131")


async def test_it_counts_for_whoever_asks_for_it(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> None:
    """A manager who puts a rep's call through uses up none of the rep's calls."""
    async with capped(tmp_path, fake_slack, slack_clock, "daily_calls = 1") as desk:
        await ring(desk, await answered(desk, "in-1"), "forward", OUTSIDE, "U2")
        await call(desk, "+12025550131")
        with pytest.raises(CapReached):
            await ring(desk, await answered(desk, "in-2", "202"), "forward", OUTSIDE, "U2")


@pytest.mark.parametrize(
    ("fault", "counts"),
    [(Refused("No."), False), (Unavailable("Away."), False), (Ambiguous("Perhaps."), True), (ValueError("bug"), True)],
)
async def test_what_certainly_rang_nobody_does_not_count(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock, fault: Exception, counts: bool
) -> None:
    async with capped(tmp_path, fake_slack, slack_clock, "daily_calls = 1") as desk:
        running = await answered(desk, "in-1")
        exchange(desk).fault = fault
        with pytest.raises(type(fault)):
            await ring(desk, running, "forward", OUTSIDE)
        assert await desk.board.read(ledger.open_intents) == []
        exchange(desk).fault = None
        if counts:
            with pytest.raises(CapReached):
                await ring(desk, running, "forward", OUTSIDE)
        else:
            await ring(desk, running, "forward", OUTSIDE)


async def test_minutes_that_are_used_up_call_nobody_in(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    async with capped(tmp_path, fake_slack, slack_clock, "daily_minutes = 10") as desk:
        await call(desk, "+12025550131")
        await desk.happen(*(LegAnswered(ref="paper-1", at=desk.clock(), leg=leg) for leg in (REP, CUSTOMER)))
        (talk,) = await desk.calls()
        desk.clock.advance(600)
        with pytest.raises(CapReached, match="you have talked for 10 minutes today"):
            await ring(desk, talk.id, "consult", OUTSIDE)
        await ring(desk, talk.id, "consult", "204")


# At the same moment.


@pytest.mark.parametrize(
    ("action", "over"),
    [
        ("consult", Controlled(at=0, by="U1", action="return_to_caller")),
        ("consult", Controlled(at=0, by="", action="consult_ended", detail=OUTSIDE)),
        ("consult", CallEnded(ref="in-1", at=0)),
        ("transfer", LegEnded(ref="in-1", at=0, leg=f"ext:{OUTSIDE}", outcome=Outcome.NO_ANSWER)),
        ("transfer", CallEnded(ref="in-1", at=0)),
        ("forward", CallEnded(ref="in-1", at=0)),
        ("coach", CallEnded(ref="in-1", at=0)),
    ],
)
async def test_they_are_under_way_until_they_leave_or_the_call_ends(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock, action: str, over: AnyEvent
) -> None:
    async with capped(tmp_path, fake_slack, slack_clock, "calls_at_once = 1") as desk:
        running = await answered(desk, "in-1")
        await ring(desk, running, action, OUTSIDE)
        desk.clock.advance(600)
        other = await answered(desk, "in-2")
        with pytest.raises(CapReached) as error:
            await ring(desk, other, "forward", OUTSIDE)
        assert str(error.value).startswith(
            "Nobody was called: 1 call of yours is under way, and the limit for one person is 1 at the same moment. "
        )
        with pytest.raises(NotAllowed, match="under way"):
            await call(desk, "+12025550131")
        (words,) = await alarms(desk)
        assert words.startswith("<@U1> has 1 call under way at the same moment, and `calls_at_once` in `[policy]` ")
        at = desk.clock()
        now = type(over)(**{name: getattr(over, name) for name in over.__struct_fields__} | {"at": at})
        await desk.happen(now, call_id="" if over.ref else running)
        await call(desk, "+12025550131")


async def test_whoever_hangs_up_after_a_transfer_is_not_under_way_any_more(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    async with capped(tmp_path, fake_slack, slack_clock, "calls_at_once = 1") as desk:
        await ring(desk, await answered(desk, "in-1"), "transfer", OUTSIDE)
        leg = f"third:{OUTSIDE}"
        await desk.happen(LegAnswered(ref="in-1", at=desk.clock(), leg=leg))
        with pytest.raises(NotAllowed, match="under way"):
            await call(desk, "+12025550131")
        await desk.happen(LegEnded(ref="in-1", at=desk.clock(), leg=leg, outcome=Outcome.ANSWERED))
        await call(desk, "+12025550131")


async def test_whoever_is_consulted_once_more_is_one_call_at_a_time(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    """The first time is over, also where the service has told so by the name that their phone has the second time."""
    async with capped(tmp_path, fake_slack, slack_clock, "calls_at_once = 2", "daily_calls = 3") as desk:
        running = await answered(desk, "in-1")
        await ring(desk, running, "consult", OUTSIDE)
        await control(desk.board, running, "U1", "return_to_caller", lambda phone, one: phone.return_to_caller(one))
        await desk.happen(LegEnded(ref="in-1", at=desk.clock(), leg=f"third:{OUTSIDE}", outcome=Outcome.ANSWERED))
        await ring(desk, running, "consult", OUTSIDE)
        await call(desk, "+12025550131")
        with pytest.raises(NotAllowed, match="2 calls of yours are under way"):
            await call(desk, "+12025550132")
        await desk.happen(CallEnded(ref="in-1", at=desk.clock()), CallEnded(ref="paper-1", at=desk.clock()))
        with pytest.raises(NotAllowed, match="you have placed 3 calls today"):
            await call(desk, "+12025550133")


async def test_a_call_of_ours_and_whom_it_was_put_through_to_are_two(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    async with capped(tmp_path, fake_slack, slack_clock, "calls_at_once = 2") as desk:
        await call(desk, "+12025550131")
        await desk.happen(*(LegAnswered(ref="paper-1", at=desk.clock(), leg=leg) for leg in (REP, CUSTOMER)))
        (talk,) = await desk.calls()
        await ring(desk, talk.id, "forward", OUTSIDE)
        with pytest.raises(NotAllowed, match="2 calls of yours are under way"):
            await call(desk, "+12025550132")
        await desk.happen(CallEnded(ref="paper-1", at=desk.clock()))
        await call(desk, "+12025550133")


async def test_a_call_of_whose_end_nobody_tells_counts_no_longer_than_others(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    async with capped(tmp_path, fake_slack, slack_clock, "calls_at_once = 1") as desk:
        await ring(desk, await answered(desk, "in-1"), "forward", OUTSIDE)
        desk.clock.advance(4 * 3600)
        await call(desk, "+12025550131")


async def test_who_is_being_called_when_callboard_is_killed_counts_for_the_day(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    async with capped(tmp_path, fake_slack, slack_clock, "daily_calls = 1") as desk:
        running = await answered(desk, "in-1")
        exchange(desk).gate = asyncio.Event()
        pending = asyncio.create_task(ring(desk, running, "forward", OUTSIDE))
        while not exchange(desk).rung:
            await asyncio.sleep(0)
        pending.cancel()
        await asyncio.gather(pending, return_exceptions=True)
    async with capped(tmp_path, fake_slack, slack_clock, "daily_calls = 1") as desk:
        await unclear.recover(desk.board)
        await controlling.recover(desk.board)
        assert await desk.board.read(ledger.open_intents) == []
        with pytest.raises(NotAllowed, match="limit for one person is 1 a day"):
            await call(desk, "+12025550131")


class Dying(Database):
    """The same file; after so many writes the process is killed."""

    def __init__(self, whole: Database, writes: int) -> None:
        self.path, self.failing = whole.path, ""
        self.whole, self.writes = whole, writes

    @override
    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        self.writes -= 1
        if self.writes < 0:
            raise asyncio.CancelledError
        return await self.whole.write(work)

    @override
    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await self.whole.read(work)


async def killed(desk: Office, writes: int, work: Callable[[], Awaitable[object]]) -> bool:
    """Do it, and die after so many writes; whether it got further than that."""
    whole = desk.board.db
    desk.board.db = dying = Dying(whole, writes)
    with suppress(asyncio.CancelledError, Refused, Ambiguous):
        await work()
    desk.board.db = whole
    return dying.writes >= 0


@pytest.mark.parametrize("fault", [Refused("No."), Ambiguous("Perhaps.")])
async def test_wherever_callboard_is_killed_the_log_says_one_thing_of_it(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock, fault: Exception
) -> None:
    over = False
    for writes in range(20):
        async with capped(tmp_path / f"{writes}", fake_slack, slack_clock) as desk:
            running = await answered(desk, "in-1")
            exchange(desk).fault = fault
            over = await killed(desk, writes, lambda: ring(desk, running, "consult", OUTSIDE))  # noqa: B023
            for more in range(8):
                if await killed(desk, more, lambda: controlling.recover(desk.board)):
                    break
            assert await desk.board.read(ledger.open_intents) == []
            log = [line[4].partition(OUTSIDE)[2] for line in await desk.board.read(audit_log)]
            fates = [words.split(":")[0].strip() for words in log if not words.endswith("asked for")]
            assert len(fates) <= 1, (writes, fates)
        if over:
            break
    assert over
    assert fates == ["unclear" if isinstance(fault, Ambiguous) else "not done"]


# Several in the same moment.

WANTED = st.lists(st.sampled_from(["dial", *BRINGING_IN, "inside", "refused"]), min_size=2, max_size=9)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    wanted=WANTED,
    cap=st.sampled_from(["daily_calls", "team_daily_calls", "calls_at_once"]),
    limit=st.integers(1, 5),
)
async def test_no_cap_is_passed_however_many_ask_in_the_same_moment(
    wanted: list[str],
    cap: str,
    limit: int,
    tmp_path_factory: pytest.TempPathFactory,
    fake_slack: FakeSlack,
    slack_clock: Clock,
) -> None:
    folder = tmp_path_factory.mktemp("race")
    slack_clock.advance(60)  # Slack counts what was posted in the example before
    async with capped(folder, fake_slack, slack_clock, f"{cap} = {limit}") as desk:
        running = [await answered(desk, f"in-{place}") for place in range(len(wanted))]
        gate = exchange(desk).gate = asyncio.Event()  # nobody's answer comes before everybody has asked

        async def ask(place: int, what: str) -> None:
            if what == "dial":
                await call(desk, f"+120255501{place:02}")
            elif what == "inside":
                await ring(desk, running[place], "forward", "204")
            elif what == "refused":
                await ring(desk, running[place], "forward", f"+1900555010{place}")
            else:
                await ring(desk, running[place], what, OUTSIDE)

        asked = [asyncio.create_task(ask(place, what)) for place, what in enumerate(wanted)]
        while len(exchange(desk).rung) + sum(task.done() for task in asked) < len(asked):
            await asyncio.sleep(0)
        gate.set()
        found = await asyncio.gather(*asked, return_exceptions=True)
        assert all(one is None or isinstance(one, Call | NotAllowed) for one in found)
        costing = [what for what in wanted if what not in ("inside", "refused")]
        assert len(desk.phone.orders) + exchange(desk).rung.count(OUTSIDE) == min(limit, len(costing))
        assert exchange(desk).rung.count("204") == wanted.count("inside")
        assert len(exchange(desk).rung) == exchange(desk).rung.count(OUTSIDE) + wanted.count("inside")
