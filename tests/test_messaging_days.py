"""Days of voice messages: people press, phones ring and fail, Callboard restarts, in any order; all of it is right.

Nobody is called twice for one intent, or while their batch is paused or stopped, or recorded without the announcement;
the card and the file count what the phone service saw.
"""

import asyncio
import contextlib
import csv
import io
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from typing_extensions import override

from bot import message_batches, message_queue, messaging, unclear
from bot.cards.said import GROUPS, Said, result_of
from bot.cards.voicemsg_forms import results_csv
from bot.errors import Ambiguous, CallboardError, Refused, Unavailable
from bot.events import Accepted, AnyEvent, Outcome
from bot.jobs import finish_silent
from bot.messaging import Wanted
from bot.orders import MessageOrder
from bot.store import messages
from tests.fake_slack import FakeSlack
from tests.office import SETTINGS, Office, office
from tests.slack_state import Clock
from tests.speaker import Speaker, fails, hears

ANNOUNCEMENT = "This call is recorded."
TEXT = (
    SETTINGS.replace('hours = ["00:00", "24:00"]', 'hours = ["09:00", "18:00"]').replace(
        "[policy]", "[policy]\nattempts_per_day = 0\nattempts_per_week = 0\napprove_over = 4"
    )
    + "[messages]\nreps = 6\nreps_daily = 3\nat_once = 2\n"
    + f'[recording]\ndefault = "announce"\nannouncement = "{ANNOUNCEMENT}"\ncountries = {{ GB = "off", IL = "ask" }}\n'
)
PEOPLE = [form.format(number) for number in range(100, 130) for form in ("+1202555{:04}", "+447700900{}")]
STEPS, OFFICES = 30, 3


class Days:
    """What the phone service was asked for in all offices, and has not told yet; what was asked for by whom."""

    def __init__(self, seed: int, clock: Clock) -> None:
        self.chance = random.Random(seed)
        self.clock = clock
        self.orders: list[tuple[MessageOrder, bool]] = []  # and whether anything can have rung
        self.untold: list[tuple[str, list[AnyEvent]]] = []
        self.made: dict[str, tuple[str, str]] = {}  # batch -> who sends it, what it says

    def order(self, order: MessageOrder) -> Accepted:
        how = self.chance.choice(("taken",) * 5 + ("not reached", "refused", "unclear"))
        self.orders.append((order, how != "not reached"))
        if how == "not reached":
            raise Unavailable("Not reached.")
        if how == "refused":
            raise Refused("No credit.")
        number = len(self.orders)
        picked_up = self.chance.random() < 0.6
        told = list(hears(number, self.clock()) if picked_up else fails(number, self.clock(), Outcome.BUSY))
        if self.chance.random() < 0.4:
            self.chance.shuffle(told)
        if how == "taken" or picked_up:
            self.untold.append((order.call_id, [*told, told[0]]))
        if how == "unclear":
            raise Ambiguous("No answer in time.")
        return Accepted(ref=f"said-{number}", at=self.clock())


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_happens(seed: int, tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> None:
    slack_clock.now = 1_770_000_000 + 13 * 3600  # Monday 15:40 UTC
    days = Days(seed, slack_clock)

    class Phone(Speaker):
        @override
        async def send_message(self, order: MessageOrder) -> Accepted:
            self.refuse_unexpressible(order)
            await asyncio.sleep(0)
            return days.order(order)

    @asynccontextmanager
    async def started() -> AsyncIterator[Office]:
        async with office(tmp_path, fake_slack, slack_clock, TEXT, kind=Phone) as desk:
            message_queue.watch(desk.board)
            await message_queue.recover(desk.board)
            await unclear.recover(desk.board)
            yield desk

    for _ in range(OFFICES):
        async with started() as desk:
            for _ in range(STEPS):
                with contextlib.suppress(CallboardError):
                    await days.chance.choice(DEEDS)(desk, days)
                await settled(desk, days)
    async with started() as desk:
        for batch_id in days.made:
            for deed in (confirm, approve, resume):
                with contextlib.suppress(CallboardError):
                    await deed(desk, days, batch_id)
        for _ in range(48):
            slack_clock.advance(3 * 3600)
            while days.untold:
                await tell(desk, days)
            await finish_silent(desk.board)
            await message_queue.due(desk.board)
            await settled(desk, days)
        assert all([await desk.board.read(messages.over, batch_id) for batch_id in days.made])


async def settled(desk: Office, days: Days) -> None:
    """Whoever is called by what goes on by itself belongs to a batch that sends; and all of it is right."""
    before = len(days.orders)
    await desk.settle()
    found = {batch_id: await desk.board.read(messages.get, batch_id) for batch_id in days.made}
    state = {days.made[batch_id][1]: batch.state for batch_id, batch in found.items() if batch}
    assert {state[said(order)] for order, _ in days.orders[before:]} <= {"running"}
    rang = Counter((said(order), order.number) for order, may_ring in days.orders if may_ring)
    assert set(rang.values()) <= {1}
    for order, _ in days.orders:
        assert not order.record or (order.text.startswith(ANNOUNCEMENT) and order.number.startswith("+1"))
    for batch_id, batch in found.items():
        rows = await desk.board.read(messages.results, batch_id)
        groups = Counter(result_of(*row).group for row in rows)
        assert batch is not None
        assert batch.state not in ("stopped", "dropped") or not groups["waiting"]
        assert batch.state != "paused" or groups["waiting"]
        table = csv.DictReader(io.StringIO(results_csv(rows).decode("utf-8-sig")))
        counts = {GROUPS[group]: count for group, count in groups.items()}
        assert Counter(row["result"] for row in table) == counts
        if len(rows) > 1 and batch.state in ("running", "paused", "stopped"):
            by, text = days.made[batch_id]
            (card,) = [card.text for card in desk.conversation(by) if f"Plays the text “{text}”" in card.text]
            assert all(f"{count} {words}" in card for words, count in counts.items())


def said(order: MessageOrder) -> str:
    return order.text.removeprefix(ANNOUNCEMENT).strip()


# What happens.


async def create(desk: Office, days: Days) -> None:
    by, text = days.chance.choice(("U1", "U2")), f"Text {len(days.made)}."
    wanted = Wanted(
        by=by,
        recipients=tuple((number, "") for number in days.chance.sample(PEOPLE, days.chance.choice((1, 3, 6)))),
        said=Said(text=text, record=days.chance.random() < 0.3),
        send_at=days.chance.choice((0, 0, desk.clock() + 4000)),
    )
    if len(days.made) < 6:
        days.made[(await messaging.create(desk.board, text, wanted)).id] = (by, text)


async def confirm(desk: Office, days: Days, batch_id: str = "") -> None:
    batch_id = batch_id or one_of(days)
    await message_batches.confirm(desk.board, batch_id, days.made.get(batch_id, ("U2",))[0])


async def approve(desk: Office, days: Days, batch_id: str = "") -> None:
    await message_batches.approve(desk.board, "U9", batch_id or one_of(days))


async def pause(desk: Office, days: Days) -> None:
    await message_batches.pause(desk.board, "U2", one_of(days))


async def resume(desk: Office, days: Days, batch_id: str = "") -> None:
    await message_batches.resume(desk.board, "U2", batch_id or one_of(days))


async def stop(desk: Office, days: Days) -> None:
    if days.chance.random() < 0.2:
        await message_batches.stop(desk.board, one_of(days), "U2")


async def tell(desk: Office, days: Days) -> None:
    """The phone service tells some of what it knows of a call."""
    if days.untold:
        call_id, events = days.untold.pop(days.chance.randrange(len(days.untold)))
        many = days.chance.randint(1, len(events))
        if events[many:]:
            days.untold.append((call_id, events[many:]))
        await desk.board.ingest("voicenter", events[:many], call_id=call_id)


async def wait(desk: Office, days: Days) -> None:
    desk.clock.advance(days.chance.choice((61, 600, 3600, 9 * 3600)))
    await message_queue.due(desk.board)


async def press_meanwhile(desk: Office, days: Days) -> None:
    """Two workers at the same moment, and somebody who presses."""
    desk.clock.advance(61)
    pressed = days.chance.choice((pause, resume, stop))(desk, days)
    work = (message_queue.due(desk.board), message_queue.due(desk.board), pressed)
    await asyncio.gather(*days.chance.sample(work, 3), return_exceptions=True)


def one_of(days: Days) -> str:
    return days.chance.choice([*days.made, "nothing"])


DEEDS: tuple[Callable[[Office, Days], Awaitable[None]], ...] = (
    *(create, create, confirm, confirm, approve, pause, resume, resume, stop),
    *(tell, tell, tell, tell, tell, wait, wait, press_meanwhile),
)
