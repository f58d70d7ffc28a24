"""An office with a phone service that plays messages, and batches of them that are to be sent."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot import message_batches, message_queue, messaging
from bot.cards.said import Said
from bot.messaging import Wanted
from bot.store import messages
from bot.store.messages import Batch
from tests.fake_slack import FakeSlack
from tests.office import Office, office
from tests.slack_state import Clock
from tests.speaker import Speaker, speaker

NUMBERS = tuple(f"+1202555013{digit}" for digit in range(6))
SAID = Said(text="Your order is ready.")


@pytest.fixture
async def desk(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> AsyncIterator[Office]:
    async with office(tmp_path, fake_slack, slack_clock, kind=Speaker) as desk:
        message_queue.watch(desk.board)
        yield desk


async def batch(desk: Office, *numbers: str, by: str = "U2", start: bool = True, send_at: float = 0) -> Batch:
    """A batch that was confirmed where it needs to be."""
    wanted = Wanted(by=by, recipients=tuple((number, "") for number in numbers), said=SAID, send_at=send_at)
    made = await messaging.create(desk.board, "key", wanted)
    if made.state == "draft" and start:
        await message_batches.confirm(desk.board, made.id, by)
    await desk.settle()
    return made


async def states(desk: Office, made: Batch) -> list[str]:
    return [recipient.state for recipient, _ in await desk.board.read(messages.results, made.id)]


def called(desk: Office) -> list[str]:
    return [order.number for order in speaker(desk).messages]
