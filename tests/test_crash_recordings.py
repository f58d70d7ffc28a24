"""Kill -9 while Slack takes a recording: it is there once. A real process, real SQLite, real HTTP."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web

from tests.test_crash import SECRET, World, a_world, until

REF = "f1aa71c0-8f2a-4fe8-b5ef-9a330454ef58"
SOUND = b"RIFF\x04\x00\x00\x00WAVE a talk"

pytestmark = pytest.mark.slow


async def service(request: web.Request) -> web.Response:
    """EnableX: it places calls, and has one recording."""
    if request.path.startswith("/voice/recording/"):
        return web.Response(body=SOUND, content_type="audio/wav")
    return web.json_response({"voice_id": REF, "state": "initiated"})


async def tell(world: World, path: str, **told: str) -> None:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    webhook = web.json_response({"voice_id": REF, "timestamp": now, **told})
    assert isinstance(webhook.body, bytes)
    headers = {"Content-Type": "application/json"}
    assert await world.send(f"/hooks/enablex/{SECRET}{path}", headers, webhook.body) == 200


async def recorded_call(world: World) -> None:
    """Placed, talked on, recorded, and over."""
    assert await world.command("+1 202 555 0123 via enablex") == 200
    assert await until(lambda: world.query("SELECT 1 FROM call_refs"))
    parties = {"from": "12025550100", "to": "12025550123"}
    await tell(world, "/rep", state="connected", **parties)
    await tell(world, "/rep", state="bridged", **parties)
    await tell(world, "/rep", state="disconnected", **parties)
    await tell(world, "/rep", state="completed", recording_id="rec-1")


def states(world: World) -> list[tuple[object, ...]]:
    return world.query("SELECT state FROM recordings")


@pytest.mark.parametrize("method", ["files.getUploadURLExternal", "files.completeUploadExternal"])
async def test_killed_while_slack_takes_the_file(tmp_path: Path, method: str) -> None:
    runner = web.AppRunner(_application(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with a_world(tmp_path) as world:
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/voice"
        world.settings += f'[accounts.enablex]\nurl = "{url}"\ncli = "+12025550100"\n[recording]\ndeliver = "file"\n'
        world.more_environment = {"ENABLEX_APP_ID": "APP-SECRET", "ENABLEX_APP_KEY": "KEY-SECRET"}
        await world.start()
        world.link()
        hang = world.slack.hang(method)
        await recorded_call(world)
        await asyncio.wait_for(hang.reached.wait(), 20)
        assert states(world) == [("sharing" if method.startswith("files.complete") else "wanted",)]
        await world.stop()
        hang.release()  # Slack has the request and acts on it, though nobody waits for the answer
        await world.start()
        assert await until(lambda: states(world) == [("shared",)]), (tmp_path / "log").read_text()
        shown = [message for message in world.slack.dm("U1") if message.files]
        assert len(shown) == 1
        (file,) = shown[0].files
        assert world.slack.files[file].content == SOUND
        told = world.query("SELECT count(*) FROM audit WHERE what = 'recording delivered'")
        assert told == [(1,)]
    await runner.cleanup()


def _application() -> web.Application:
    application = web.Application()
    application.router.add_route("*", "/voice/{rest:.*}", service)
    return application
