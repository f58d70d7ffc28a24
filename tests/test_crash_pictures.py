"""Kill -9 at every commit while a digest gets its picture: it is posted once. A real process, real HTTP."""

import shutil
import sqlite3
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from bot.periods import Subscription
from tests.test_crash import World, a_world, at_every_commit, records, settled, until

pytestmark = pytest.mark.slow


async def due_at_the_next_start(folder: Path) -> Path:
    """The data of a Callboard with a missed call, and with a digest of it that fell due while it was down."""
    now = time.time()
    at = datetime.fromtimestamp(now - now % 60 - 60, UTC)
    async with a_world(folder) as world:
        await world.start()
        assert await world.tell({**records()[-1], "time": int(at.timestamp()) - 600}) == 200
        assert await until(lambda: settled(world) and world.query("SELECT 1 FROM calls"))
        await world.stop()
    body = msgspec.json.encode(Subscription("daily", None, at.hour, at.minute, "UTC"))
    with sqlite3.connect(folder / "data" / "callboard.sqlite") as db:
        subscription = ("C1", "daily", body, "U2", at.timestamp() - 1)
        db.execute("INSERT INTO subscriptions (channel, kind, body, by, since) VALUES (?, ?, ?, ?, ?)", subscription)
    db.close()
    return folder / "data"


def digests(world: World) -> list[tuple[bool, str]]:
    """(Has a picture, text) of each that is shown."""
    return [
        (any(block["type"] == "image" for block in message.blocks), message.text)
        for message in world.slack.channel("C1")
        if "Call digest" in message.text
    ]


async def die_and_recover(folder: Path, data: Path, crash_at: str) -> bool:
    """One digest and one death; False if the digest was posted before the death came."""
    shutil.copytree(data, folder / "data")
    async with a_world(folder) as world:
        await world.start(crash_at)
        assert await until(lambda: not world.alive or (digests(world) and settled(world)), 90)
        await world.stop()
        files = [file for file in world.slack.files.values() if file.complete]
        written = world.query("SELECT 1 FROM cards WHERE kind = 'digest' AND body LIKE '%\"picture\":\"F%'")
        await world.start()
        assert await until(lambda: digests(world) and settled(world), 90), (folder / "log").read_text()
        ((pictured, text),) = digests(world)
        assert "1 incoming call: 0 answered, 1 missed" in text
        if written:
            assert pictured
            assert [file for file in world.slack.files.values() if file.complete] == files
        return world.died


async def test_killed_before_every_commit(tmp_path: Path) -> None:
    """So that what was done for it outside is done already: the file is at Slack, the message is posted."""
    data = await due_at_the_next_start(tmp_path / "before")
    deaths = await at_every_commit(lambda number: die_and_recover(tmp_path / str(number), data, f"{number}:before"))
    assert deaths > 4, "a digest has fewer commits than it should"


@pytest.mark.parametrize("method", ["files.completeUploadExternal", "files.info", "chat.postMessage"])
async def test_killed_while_slack_acts(tmp_path: Path, method: str) -> None:
    data = await due_at_the_next_start(tmp_path / "before")
    shutil.copytree(data, tmp_path / "dying" / "data")
    async with a_world(tmp_path / "dying") as world:
        hang = world.slack.hang(method)
        await world.start()
        await hang.reached.wait()
        await world.stop()
        hang.release()  # Slack has the request and acts on it, though nobody waits for the answer
        await world.start()
        assert await until(lambda: digests(world) and settled(world), 90)
        ((pictured, _),) = digests(world)
        assert pictured == (method == "chat.postMessage")
