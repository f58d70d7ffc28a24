"""A real process that is killed at every commit while it sends voice messages: nobody is called twice or forgotten."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import ClassVar

import pytest
from aiohttp import web
from typing_extensions import override

from bot.providers.exolve import CALL, LIST, SEND
from tests import office, slack_requests
from tests.fake_slack import FakeSlack
from tests.test_crash import World, a_world, at_every_commit, settled, until

NUMBERS = ("+12025550131", "+12025550132", "+12025550133")

EXTRA = """
[messages]
confirm_over = 10
[accounts.exolve]
source = "+12025550100"
url = "SERVICE"
"""


class MessageWorld(World):
    """MTS Exolve instead of the usual phone service: it lists one message, and takes orders for it."""

    environment: ClassVar[Mapping[str, str]] = office.ENVIRONMENT | {"EXOLVE_API_KEY": "KEY-SECRET"}

    def __init__(self, folder: Path, slack: FakeSlack) -> None:
        super().__init__(folder, slack)
        self.settings += EXTRA

    @override
    async def nothing_active(self, request: web.Request) -> web.Response:
        if request.path == LIST:
            return web.json_response({"voice_message_list": [{"id": "101", "name": "welcome", "media_id": 7}]})
        if request.path == SEND:
            self.orders.append({"number": ["+" + str((await request.json())["destination"])]})
            return web.json_response({"call_id": f"call-{len(self.orders)}"})
        if request.path == CALL:
            created = format_datetime(datetime.now(UTC))
            return web.json_response({**await request.json(), "status": "busy", "created": created, "ended": created})
        return await super().nothing_active(request)

    async def message(self) -> int:
        text = f"{', '.join(NUMBERS)} template welcome"
        return await self.send("/slack/events", *slack_requests.slash_command(self.slack, "/voicemsg", text, user="U2"))

    def over(self) -> bool:
        """Nobody waits, nothing is on its way to the service or to Slack."""
        waiting = self.query("SELECT count(*) FROM message_recipients WHERE state = 'waiting'")
        return waiting == [(0,)] and settled(self)


async def die_and_recover(folder: Path, crash_at: str) -> bool:
    """One batch with one death; False if it was sent before the death came."""
    async with a_world(folder, MessageWorld) as world:
        assert isinstance(world, MessageWorld)
        await world.start(crash_at)
        asked = 0
        if world.alive:
            asked = await world.message()
            await until(lambda: not world.alive or (len(world.orders) == len(NUMBERS) and world.over()))
        await world.stop()
        await world.start()
        assert world.alive, (folder / "log").read_text()
        assert await until(world.over, 30), world.query("SELECT * FROM cards WHERE dirty")
        ordered = Counter(order["number"][0] for order in world.orders)
        batches = world.query("SELECT id FROM message_batches")
        unclear = world.query(
            "SELECT r.number FROM message_recipients r JOIN calls c ON c.id = r.call_id WHERE c.state = 'unclear'"
        )
        told = [message.text for message in world.slack.dm("U2")]
        if not batches:
            assert not ordered
            assert asked != 200 or any("could send the voice message" in text for text in told), told
        else:
            for number in NUMBERS:  # once each; where nobody can know, the card says so
                assert ordered[number] == 1 or (ordered[number] == 0 and (number,) in unclear), (ordered, unclear)
            assert sum("a voice message to 3 recipients" in text for text in told) == 1, told
        assert world.query("PRAGMA quick_check") == [("ok",)]
        return world.died


@pytest.mark.parametrize("crash_at", ["5:after", "8:before"])
async def test_killed_at_a_commit(tmp_path: Path, crash_at: str) -> None:
    await die_and_recover(tmp_path, crash_at)


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
async def test_killed_at_every_commit(tmp_path: Path, when: str) -> None:
    deaths = await at_every_commit(lambda number: die_and_recover(tmp_path / str(number), f"{number}:{when}"))
    assert deaths > 12, "sending has fewer commits than it should"
