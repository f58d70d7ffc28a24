"""An office in Madrid whose channel gets roundups or has quiet hours, and calls whose records come as time passes."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.events import CUSTOMER, AnyEvent, CallEnded, CdrReceived, Described, Direction, Outcome
from tests.fake_slack import FakeSlack
from tests.office import LINE, SETTINGS, Office, office
from tests.slack_state import Clock, Message

CALLER, OTHER = "+12025550155", "+12025550156"
HELP = "+12025550101"
HOURLY = SETTINGS.replace('label = "Sales"', 'label = "Sales"\nroundup = "hourly"')
DAILY = HOURLY.replace('"hourly"', '"daily"')
NIGHT = SETTINGS.replace('label = "Sales"', 'label = "Sales"\nquiet = ["20:00", "08:00"]')
Open = Callable[[str], AbstractAsyncContextManager[Office]]


@pytest.fixture
def opened(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> Open:
    """Opens the office, always the same, with these settings."""
    return lambda text: office(tmp_path, fake_slack, slack_clock, text)


def at(text: str) -> float:
    """A moment of Madrid, where the office is."""
    return datetime.fromisoformat(f"2026-02-{text}").replace(tzinfo=ZoneInfo("Europe/Madrid")).timestamp()


async def until(desk: Office, moment: float) -> None:
    """Time passes, a minute at a time, as the feed sees it."""
    assert moment >= desk.clock()
    while desk.clock() < moment:
        desk.clock.advance(min(60, moment - desk.clock()))
        await desk.settle()


def record(
    ref: str,
    began: float,
    outcome: Outcome,
    *,
    number: str = CALLER,
    direction: Direction = "in",
    line: str = LINE,
    talk: int = 60,
) -> tuple[AnyEvent, ...]:
    """The record of a call that rang for 10 s and, if answered, was talked for a minute."""
    talked = talk if outcome is Outcome.ANSWERED else 0
    leg = CUSTOMER if direction == "out" else "ext:201"
    return (
        Described(ref=ref, at=began, source=f"cdr:{leg}", direction=direction, number=number, line=line),
        CdrReceived(ref=ref, at=began, leg=leg, outcome=outcome, ring_seconds=10, talk_seconds=talked),
        CallEnded(ref=ref, at=began + 10 + talked),
    )


async def call(desk: Office, moment: float, ref: str, outcome: Outcome = Outcome.ANSWERED, **more: object) -> None:
    """One that begins at a moment, and of which its record tells at its end."""
    told = record(ref, moment, outcome, **more)  # type: ignore[arg-type]
    await until(desk, told[-1].at)
    await desk.happen(*told)


def seen(desk: Office, channel: str = "C1") -> list[str]:
    return [message.text for message in desk.slack.channel(channel)]


def roundups(desk: Office, channel: str = "C1") -> list[Message]:
    return [message for message in desk.slack.channel(channel) if message.text.startswith("Calls ")]


HELP_DESK = f'\n[lines."{HELP}"]\nlabel = "Help"\nroundup = "hourly"\n'
