"""Days with two call lists, invented: two reps, auto-dial, presses, phones, faults and restarts in any order."""

import asyncio
import random
import sqlite3
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from bot import auto_dial, calling_lists, offers, unclear
from bot.auto_dial import AutoDial
from bot.cards.offer import Press
from bot.errors import Ambiguous, CallboardError, Refused, Unavailable
from bot.events import REP, Accepted, AnyEvent, CallEnded, CdrReceived, Described, LegAnswered, Outcome, State, Wrapped
from bot.orders import CallOrder
from bot.store import calls, ledger
from bot.store import offers as store
from tests.fake_slack import FakeSlack
from tests.office import SETTINGS, Office, PaperPhone, office
from tests.slack_state import Clock

NUMBERS = [f"+120255502{digit:02}" for digit in range(8)]
MANY = SETTINGS.replace("[policy]", "[policy]\nattempts_per_day = 3\nattempts_per_week = 20")
STEPS = 150
WEIGHTS = {
    "auto": 12, "phone": 16, "call": 4, "twice": 2, "onward": 3, "skip": 1, "later": 1, "wrap": 4, "due": 3,
    "pause": 1, "go_on": 3, "start": 4, "stop": 1, "pause_list": 1, "resume_list": 2, "fault": 1, "settle": 1,
    "time": 3, "restart": 1, "crash": 1,
}  # fmt: skip


class Day:
    """What the world outside knows, also while Callboard is away."""

    def __init__(self, seed: int) -> None:
        self.choose = random.Random(seed)
        self.orders: list[CallOrder] = []
        self.ringing: dict[str, CallOrder] = {}
        self.pressed: set[str] = set()
        self.trouble: list[str] = []
        self.lists: list[str] = []


class Phones(PaperPhone):
    """`fault` comes instead of the next answer, perhaps after the order was taken; `mute` never answers."""

    day: Day
    board: Any
    fault: Exception | None = None
    mute = False

    @override
    async def place_call(self, order: CallOrder) -> Accepted:
        await self._look(order)
        day, fault, self.fault = self.day, self.fault, None
        day.orders.append(order)
        ref = f"ref-{len(day.orders)}"
        if fault is None or (not isinstance(fault, Refused | Unavailable) and day.choose.random() < 0.5):
            day.ringing[ref] = order
        if self.mute:
            await asyncio.Event().wait()
        if fault is not None:
            raise fault
        return Accepted(ref=ref, at=self.now())

    async def _look(self, order: CallOrder) -> None:
        """Before a phone rings."""
        under_way = await self.board.read(calls.open_calls)
        (mine,) = [call for call in under_way if call.id == order.call_id]
        since = self.now() - 4 * 3600  # what nobody has told the end of for so long is forgotten
        under_way = [call for call in under_way if call.state is not State.UNCLEAR and call.started_at >= since]
        others = [call for call in under_way if call is not mine]
        if any(call.number == order.number for call in others):
            self.day.trouble.append(f"{order.number} is called twice at the same time")
        if order.call_id not in self.day.pressed and any(call.rep == mine.rep for call in others):
            self.day.trouble.append(f"{mine.rep} is called by auto-dial while they are on the phone")


def rows(db: sqlite3.Connection) -> list[tuple[str, str, str, str]]:
    found = db.execute("SELECT list, state, rep, call_id FROM calling_list_rows").fetchall()
    return [(row[0], row[1], row[2], row[3]) for row in found]


async def check(desk: Office, day: Day) -> None:
    await desk.board.write(lambda db: None)  # what was queued when somebody was cut off is on disk before it
    assert day.trouble == []
    known = {call.id for call in await desk.calls()}
    ordered = [order.call_id for order in day.orders]
    assert len(ordered) == len(set(ordered))
    assert set(ordered) <= known
    contacts = await desk.board.read(rows)
    assert len(contacts) == 12
    held = [(row[0], row[2]) for row in contacts if row[1] in ("offered", "calling")]
    assert len(held) == len(set(held))
    assert {row[3] for row in contacts if row[1] == "calling"} <= known


def phone_tells(day: Day, at: float) -> list[AnyEvent]:
    if not day.ringing:
        return []
    ref = day.choose.choice(sorted(day.ringing))
    order = day.ringing[ref]
    ours = order.call_id if day.choose.random() < 0.7 else ""
    told = Described(ref=ref, at=at, source="cdr", direction="out", number=order.number, call_id=ours)
    record = CdrReceived(ref=ref, at=at, leg=REP, outcome=Outcome.ANSWERED)
    ends: dict[str, list[AnyEvent]] = {
        "picked up": [LegAnswered(ref=ref, at=at, leg=REP)],
        "talk": [LegAnswered(ref=ref, at=at, leg=REP), LegAnswered(ref=ref, at=at, leg="customer")],
        "silent": [CallEnded(ref=ref, at=at)],
        "not there": [CdrReceived(ref=ref, at=at, leg=REP, outcome=Outcome.NO_ANSWER)],
        **{
            how: [record, CdrReceived(ref=ref, at=at, leg="customer", outcome=how, talk_seconds=20)]
            for how in (Outcome.ANSWERED, Outcome.BUSY, Outcome.NO_ANSWER)
        },
    }
    what = day.choose.choice(list(ends))
    if what not in ("picked up", "talk", "silent"):
        del day.ringing[ref]
    return [told, *ends[what]]


async def press_call(desk: Office, day: Day, user: str, pressed: Press) -> None:
    key = offers.key(user, pressed)
    if await desk.board.write(
        ledger.write_intent, key, user, offers.CALL, f'{{"value":"{pressed.value}"}}'.encode(), 0
    ):

        async def written(call: Any) -> None:
            day.pressed.add(call.id)

        await offers.call(desk.board, user, pressed, written)


async def cut_off(work: Coroutine[Any, Any, None], turns: int) -> None:
    task = asyncio.create_task(work)
    for _ in range(turns):
        await asyncio.sleep(0.0002)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def hours(desk: Office, day: Day, steps: int) -> int:
    """So many steps, or until Callboard is started anew. Returns how many are left."""
    choose, board, clock, rounds = day.choose, desk.board, desk.clock, AutoDial(desk.board)
    while steps > 0:
        steps -= 1
        (what,) = choose.choices(list(WEIGHTS), list(WEIGHTS.values()))
        user, list_id = choose.choice(["U1", "U4"]), choose.choice(day.lists)
        row = await board.read(store.held, list_id, user)
        pressed = Press(list_id, row.line, row.offer) if row else Press(list_id, 2, 1)
        mine = [call for call in await desk.calls() if call.rep == user]
        talks = [call.id for call in mine if call.conversation and not call.disposition]
        doubtful = [call.id for call in mine if call.state is State.UNCLEAR]

        async def twice(user: str = user, pressed: Press = pressed) -> None:
            work = [press_call(desk, day, user, pressed) for _ in range(2)]
            found = await asyncio.gather(*work, offers.skip(board, user, pressed), return_exceptions=True)
            assert [error for error in found if error and not isinstance(error, CallboardError)] == []

        does: dict[str, Callable[[], Awaitable[Any]]] = {
            "auto": rounds,
            "phone": lambda: board.ingest("voicenter", phone_tells(day, clock())),
            "call": lambda: press_call(desk, day, user, pressed),  # noqa: B023  # called in this very step
            "twice": twice,
            "onward": lambda: offers.onward(board, user, pressed),  # noqa: B023
            "skip": lambda: offers.skip(board, user, pressed),  # noqa: B023
            "later": lambda: offers.put_off(board, user, pressed, clock() + 7200),  # noqa: B023
            "due": lambda: offers.due(board),
            "pause": lambda: offers.pause(board, user, list_id),  # noqa: B023
            "go_on": lambda: offers.go_on(board, user, list_id),  # noqa: B023
            "start": lambda: auto_dial.start(board, user, list_id, 15),  # noqa: B023
            "stop": lambda: auto_dial.stop(board, user, list_id),  # noqa: B023
            "pause_list": lambda: calling_lists.pause(board, "U2", list_id),  # noqa: B023
            "resume_list": lambda: calling_lists.resume(board, "U2", list_id),  # noqa: B023
        }
        if what == "auto":
            clock.advance(choose.choice([2, 16, 40]))
        try:
            if what in does:
                await does[what]()
            elif what == "wrap" and talks:
                said = Wrapped(at=clock(), by=user, disposition="Interested")
                await board.ingest("voicenter", [said], call_id=choose.choice(talks))
            elif what == "settle" and doubtful:
                outcome = choose.choice([Outcome.NOT_PLACED, Outcome.NO_ANSWER, Outcome.ANSWERED])
                await unclear.settle(board, choose.choice(doubtful), user, outcome)
            elif what == "fault":
                faults = (Ambiguous("?"), Unavailable("no"), Refused("no"), RuntimeError("a bug"))
                desk.phone.fault = choose.choice(faults)  # type: ignore[attr-defined]
            elif what == "time":
                clock.advance(choose.choice([6, 61, 600, 7300, 40000]))
            elif what == "crash":
                desk.phone.mute = choose.random() < 0.7  # type: ignore[attr-defined]
                await cut_off(press_call(desk, day, user, pressed), choose.randrange(60))
        except CallboardError:
            pass  # said to whoever pressed
        await board.settle(60)
        await check(desk, day)
        if what in ("restart", "crash"):
            break
    return steps


@pytest.mark.parametrize("seed", [2001, 2057, 2073])
async def test_nobody_is_lost_or_called_twice(
    seed: int, tmp_path: Path, fake_slack: FakeSlack, caplog: pytest.LogCaptureFixture
) -> None:
    day, clock, steps = Day(seed), Clock(1_770_033_600.0), STEPS  # Monday noon, UTC
    while steps > 0:
        async with office(tmp_path, fake_slack, clock, MANY, kind=Phones) as desk:
            assert isinstance(desk.phone, Phones)
            desk.phone.day, desk.phone.board = day, desk.board
            if not day.lists:
                await desk.link("U1")
                await desk.link("U4", "+12025550194")
                for name, numbers in (("Autumn", NUMBERS[:6]), ("Winter", NUMBERS[2:])):
                    table = "\n".join(["number", *numbers]).encode()
                    made = await calling_lists.prepare(desk.board, "U2", name, ["U1", "U4"], table, "x", name, 2)
                    await calling_lists.give_out(desk.board, "U2", made.id)
                    day.lists.append(made.id)
            await offers.recover(desk.board)
            await unclear.recover(desk.board)
            offers.watch(desk.board)
            steps = await hours(desk, day, steps)
    assert len(day.orders) > 2
    assert [record for record in caplog.records if record.name in ("callboard.offers", "callboard.auto_dial")] == []
