"""An office that sends voice messages: a phone service that plays them, and two contacts."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot import message_queue
from tests.audit_lines import audit_log
from tests.fake_slack import FakeSlack
from tests.office import Office, office
from tests.slack_state import Clock, Message
from tests.speaker import Speaker

ONE, TWO, THREE = "+12025550131", "+12025550132", "+12025550133"


@pytest.fixture
async def desk(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> AsyncIterator[Office]:
    async with office(tmp_path, fake_slack, slack_clock, kind=Speaker) as desk:
        message_queue.watch(desk.board)
        await desk.contact(ONE, "Dana Levi")
        await desk.contact(TWO, "Noa Green", "Green Gardens")
        yield desk


def card(desk: Office, user: str = "U1") -> Message:
    """The latest message of a person's conversation that stands in no thread."""
    return next(message for message in reversed(desk.conversation(user)) if not message.thread_ts)


async def audit(desk: Office) -> list[str]:
    return [f"{who} {what} {subject}" for _, who, what, subject, _ in await desk.board.read(audit_log)]
