"""Killed while Slack takes `calls.add` or `calls.end`: one Slack call at most, ended once. Real process, real HTTP."""

import asyncio
import json
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import office
from tests.test_crash import REF, SECRET, World, a_world, until

pytestmark = pytest.mark.slow

SETTINGS = "slack_calls = true\n" + office.SETTINGS.replace(
    "[accounts.voicenter]", '[accounts.voicenter]\nweb_phone_script = "https://phone.example/phone.js"'
)


async def talking(world: World) -> None:
    """U1, who has a web phone, calls somebody and talks; the list of active calls is empty, so it soon ends."""
    world.link()
    with sqlite3.connect(world.folder / "data" / "callboard.sqlite") as db:
        db.execute("INSERT INTO web_phones (user, account, login, sealed) VALUES ('U1', 'voicenter', 'AAPINFzL', '')")
    db.close()
    assert await world.command("+1 202 555 0123") == 200
    assert await until(lambda: world.query("SELECT 1 FROM cards WHERE kind = 'call' AND ts <> ''"))
    now = int(time.time())
    told = {"phone": "12025550123", "ivrid": REF, "extenUser": "AAPINFzL", "direction": "Click2Call", "did": ""}
    told |= {"status": "Talking"}
    body = json.dumps(told | {"callStarted": now, "callAnswered": now, "isAnswered": True}).encode()
    assert await world.send(f"/hooks/voicenter/{SECRET}/popup", {"Content-Type": "application/json"}, body) == 200


async def killed_over(world: World, method: str, acted: Callable[[], object]) -> None:
    """Slack has the request and acts on it, though nobody waits for the answer; then Callboard starts again."""
    await world.start()
    hang = world.slack.hang(method)
    await talking(world)
    await asyncio.wait_for(hang.reached.wait(), 20)
    await world.stop()
    hang.release()
    assert await until(acted)
    await world.start()
    assert await until(lambda: world.query("SELECT 1 FROM calls WHERE state = 'ended'"), 30)


def asked(world: World, method: str) -> list[str]:
    return [request.outcome for request in world.slack.requests if request.method == method]


def blocks(world: World) -> int:
    return sum(block["type"] == "call" for message in world.slack.dm("U1") for block in message.blocks)


async def test_killed_while_slack_takes_the_call(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        world.settings = SETTINGS
        await killed_over(world, "calls.add", lambda: world.slack.native_calls)
        assert asked(world, "calls.add") == ["ok"]
        assert blocks(world) == 0, "nobody knows its id, so it is shown nowhere"
        assert world.query("SELECT state FROM slack_calls") == [("lost",)]
        assert sum("+1 202-555-0123" in message.text for message in world.slack.dm("U1")) == 1, "its plain card"


async def test_killed_while_slack_takes_the_end(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        world.settings = SETTINGS
        await killed_over(world, "calls.end", lambda: any(call.ended for call in world.slack.native_calls.values()))
        assert await until(lambda: world.query("SELECT state FROM slack_calls") == [("ended",)], 30)
        assert asked(world, "calls.add") == ["ok"]
        assert asked(world, "calls.end") == ["ok", "inactive_call"]
        assert blocks(world) == 1
        assert world.query("SELECT * FROM problems WHERE key = 'Slack calls'") == []
