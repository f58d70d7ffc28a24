"""Roundups and quiet hours, end to end: the whole bot as it runs, a simulated service over real HTTP, and a restart.

Slow, because hours of simulated time pass; `make test MARKS=` includes it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot import demo, settings_reader
from bot.assembly import Callboard, running, serving
from bot.events import State
from bot.providers import provider_class
from bot.settings import Settings
from bot.store import calls
from tests.town import BRISK, PATIENCE, Town, town

pytestmark = pytest.mark.slow
DESK = "+972505550103"
CALLERS = ("+972505550131", "+972505550132", "+972505550133")
HURRIED = 1500
"""Seconds of the simulated world in a real one where nothing happens."""


def section(setting: str) -> str:
    return f'\n[lines."{DESK}"]\nlabel = "Desk"\naccount = "voicenter"\nchannel = "{demo.SUPPORT}"\n{setting}\n'


async def passes(there: Town, callboard: Callboard, until: float) -> None:
    """Time does, in a hurry; the feed waits by the real clock, so it is woken."""
    there.world.clock.set_speed(HURRIED)
    async with asyncio.timeout(PATIENCE):
        while there.world.clock.now() < until:
            await asyncio.sleep(0.02)
            callboard.board.wake.set()
    there.world.clock.set_speed(BRISK)


async def rings(there: Town, caller: str, kind: str) -> None:
    """Somebody calls the desk; returns when that is over and told."""
    led = there.world.network.incoming(there.world.exchanges["voicenter"], caller=caller, did=DESK, kind=kind)  # type: ignore[arg-type]

    async def over() -> bool:
        call = await there.callboard.board.read(calls.by_ref, "voicenter", led.id)
        return call is not None and call.state is State.ENDED

    await there.until(over, "the end of the call")


def posted(there: Town) -> list[str]:
    return [str(one["text"]) for one in there.slack._messages[demo.SUPPORT] if not one.get("thread_ts")]


@asynccontextmanager
async def restarted(there: Town, folder: Path) -> AsyncIterator[Callboard]:
    """The bot once more on what it has kept; the phone service is gone, Slack is the same."""
    async with (
        serving(there.slack.app, "127.0.0.1", 0) as port,
        running(again(there, folder, port), now=there.world.clock.now) as callboard,
    ):
        yield callboard


def again(there: Town, folder: Path, slack: int) -> Settings:
    secrets = {
        f"{account.name}_{one.name}".upper(): account.values[one.name]
        for account in there.callboard.board.settings.accounts
        for one in provider_class(account.provider).settings
        if one.secret
    }
    environment = {
        "SLACK_BOT_TOKEN": "xoxb-terminal",
        "SLACK_SIGNING_SECRET": there.callboard.board.settings.signing_secret,
        "SLACK_API_URL": f"http://127.0.0.1:{slack}/api/",
        "CALLBOARD_SLACK_MODE": "http",
        "CALLBOARD_PUBLIC_URL": "http://127.0.0.1:1",
        "CALLBOARD_PORT": "0",
        "CALLBOARD_HOOK_SECRET": there.callboard.board.settings.hook_secret,
        "CALLBOARD_DATA": str(folder / "data"),
    }
    return settings_reader.load(environment | secrets, folder / "callboard.toml")


async def test_an_hour_of_calls_is_one_message_also_after_a_restart(tmp_path: Path) -> None:
    async with town(tmp_path, added=section('roundup = "hourly"')) as there:
        hour = there.world.clock.now() // 3600 * 3600 + 3600  # Jerusalem's begin when everybody's do
        await passes(there, there.callboard, hour + 60)
        await rings(there, CALLERS[0], "answered")
        await rings(there, CALLERS[1], "answered")
        await rings(there, CALLERS[2], "missed")
        await there.sees("Missed call from", "0133", channel=demo.SUPPORT)
        assert len(posted(there)) == 1
    async with restarted(there, tmp_path) as callboard:
        await passes(there, callboard, hour + 3600 + 600)
        began = datetime.fromtimestamp(hour, ZoneInfo(demo.ZONE))
        told = await there.sees("Calls on", f"{began:%H:%M} to ", channel=demo.SUPPORT)
        assert "3 came in: 2 answered, 1 missed, 1 caller still waits." in told
    async with restarted(there, tmp_path) as callboard:
        await passes(there, callboard, hour + 3 * 3600)
    assert len(posted(there)) == 2


async def test_quiet_hours_hold_and_release(tmp_path: Path) -> None:
    soon = datetime.fromtimestamp(datetime.now(UTC).timestamp() // 60 * 60 + 1200, ZoneInfo(demo.ZONE))
    first = datetime.fromtimestamp(soon.timestamp() - 7200, soon.tzinfo)
    hours = f'quiet = ["{first:%H:%M}", "{soon:%H:%M}"]'
    async with town(tmp_path, added=section(hours)) as there:
        await rings(there, CALLERS[0], "answered")
        await rings(there, CALLERS[1], "missed")
        await there.type(f"/call {CALLERS[1]} from Desk")
        await there.sees("Talked for", "line Desk")
        await rings(there, CALLERS[2], "missed")
        assert posted(there) == []
    async with restarted(there, tmp_path) as callboard:
        await passes(there, callboard, soon.timestamp() - 60)
        assert posted(there) == []
        await passes(there, callboard, soon.timestamp() + 600)
        told = await there.sees("This channel was quiet meanwhile.", channel=demo.SUPPORT)
        assert "3 came in: 1 answered, 2 missed, 1 caller still waits.\n1 went out: 1 reached." in told
        await there.sees("Missed call from", "0133", channel=demo.SUPPORT)
        await passes(there, callboard, soon.timestamp() + 7200)
    assert len(posted(there)) == 2
