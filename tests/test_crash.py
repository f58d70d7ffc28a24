"""Kill -9 at every step: nothing lost, nothing shown twice, no second dial. Real process, real SQLite, real HTTP."""

import asyncio
import itertools
import json
import os
import shutil
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs

import aiohttp
import pytest
from aiohttp import web

from tests import office, slack_requests
from tests.fake_slack import FakeSlack

REF = "2030010100000000aaaabbbbccccdd01"
SECRET = office.ENVIRONMENT["CALLBOARD_HOOK_SECRET"]


def records() -> list[dict[str, object]]:
    """What the phone service tells afterwards: both legs of the call, and a call that nobody answered."""
    now = int(time.time())
    common = {"time": now, "did": "12025550100"}
    legs = [
        {"type": f"Click2Call leg{leg}", "status": "ANSWER", "ivruniqueid": REF, "duration": 40, "dialtime": 4}
        | {"caller": "12025550190", "target": "12025550123"}
        | common
        for leg in (1, 2)
    ]
    missed = {"type": "Incoming Call", "status": "NOANSWER", "ivruniqueid": f"{REF[:-1]}2", "duration": 0}
    missed |= {"dialtime": 20, "caller": "12025550155", "target": "AAPINFzL", "targetextension": "AAPINFzL"}
    return [*legs, missed | common]


class World:
    """Slack, the phone service, and one Callboard that may die. Everything on loopback.

    `settings`: of callboard.toml; SERVICE stands for the phone service's address.
    """

    environment: ClassVar[Mapping[str, str]] = office.ENVIRONMENT

    def __init__(self, folder: Path, slack: FakeSlack) -> None:
        self.folder = folder
        self.slack = slack
        self.orders: list[dict[str, list[str]]] = []
        self.settings = office.SETTINGS
        self.hang_order = False
        self.ordered = asyncio.Event()
        self.process: asyncio.subprocess.Process | None = None
        self.port = 0
        self.service = 0
        self.more_environment: dict[str, str] = {}

    async def order(self, request: web.Request) -> web.Response:
        """The phone service: click2call.aspx of Voicenter, JSON."""
        self.orders.append(parse_qs(await request.text()))
        self.ordered.set()
        if self.hang_order:
            await asyncio.Event().wait()
        return web.json_response({"ERRORCODE": 0, "ERRORMESSAGE": "OK", "CALLID": REF})

    async def nothing_active(self, request: web.Request) -> web.Response:
        monitor = {"ERR": 0, "DESC": "OK", "EXTENSIONS": [{"SIP": "AAPINFzL", "Name": "Ada"}]}
        return web.json_response(monitor | {"ERROR_NUMBER": 0, "ERROR_DESCRIPTION": "OK", "CDR_LIST": []})

    async def start(self, crash_at: str = "") -> None:
        """Start Callboard; with `crash_at` it may die before it is ready."""
        ready = self.folder / "port"
        ready.unlink(missing_ok=True)
        file = self.folder / "callboard.toml"
        here = f"http://127.0.0.1:{self.service}"
        urls = "\n".join(f'{name} = "{here}"' for name in ("click2call_url", "monitor_url", "log_url"))
        settings = self.settings.replace("[accounts.voicenter]", f"[accounts.voicenter]\n{urls}")
        file.write_text(settings.replace("SERVICE", here))
        environment = os.environ | self.environment | {
            "SLACK_API_URL": self.slack.base_url,
            "CALLBOARD_DATA": str(self.folder / "data"),
            "CALLBOARD_CONFIG": str(file),
            "CALLBOARD_PORT": "0",
            "CRASH_PORT": str(ready),
            "PYTHONPATH": str(Path(__file__).parents[1]),
        } | self.more_environment  # fmt: skip
        # Hundreds of starts: each would compile all of our modules anew.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        if crash_at:
            environment["CRASH_AT"] = crash_at
        log = (self.folder / "log").open("ab")
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.crash_runner", env=environment, stdout=log, stderr=log
        )
        log.close()
        if await until(lambda: ready.exists() or not self.alive):
            self.port = int(ready.read_text()) if ready.exists() else 0

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.returncode is None

    @property
    def died(self) -> bool:
        """Whether it died where `crash_at` said, however late the system tells its end."""
        return (self.folder / "died").exists()

    async def stop(self) -> None:
        if self.process is not None:
            if self.alive:
                self.process.kill()
            await self.process.wait()

    async def send(self, path: str, headers: dict[str, str], body: bytes) -> int:
        """Status of a request, 0 = Callboard died over it."""
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session,
                session.post(f"http://127.0.0.1:{self.port}{path}", headers=headers, data=body) as answer,
            ):
                return answer.status
        except (aiohttp.ClientError, TimeoutError):
            return 0

    async def command(self, text: str) -> int:
        return await self.send("/slack/events", *slack_requests.slash_command(self.slack, "/call", text))

    async def tell(self, record: dict[str, object]) -> int:
        """The phone service posts a CDR."""
        path = f"/hooks/voicenter/{SECRET}/cdr"
        return await self.send(path, {"Content-Type": "application/json"}, json.dumps(record).encode())

    def link(self) -> None:
        """Give U1 a phone, as `/phone` would have."""
        with sqlite3.connect(self.folder / "data" / "callboard.sqlite") as db:
            db.execute(
                "INSERT OR IGNORE INTO people (user, phone_kind, phone, line, account, extension)"
                " VALUES ('U1', 'number', '+12025550190', ?, 'voicenter', '')",
                (office.LINE,),
            )
        db.close()

    def query(self, sql: str) -> list[tuple[object, ...]]:
        db = sqlite3.connect(self.folder / "data" / "callboard.sqlite")
        try:
            return db.execute(sql).fetchall()
        finally:
            db.close()


async def until(condition: Callable[[], object], seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        await asyncio.sleep(0.01)
    return False


@asynccontextmanager
async def a_world(folder: Path, kind: "type[World]" = World) -> AsyncIterator[World]:
    os.makedirs(folder, exist_ok=True)
    slack = FakeSlack(time.time)
    await slack.start()
    world = kind(folder, slack)
    service = web.Application()
    service.router.add_route("*", "/ForwardDialer/click2call.aspx", world.order)
    service.router.add_route("*", "/{rest:.*}", world.nothing_active)
    runner = web.AppRunner(service, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    world.service = runner.addresses[0][1]
    try:
        yield world
    finally:
        await world.stop()
        await slack.stop()
        await runner.cleanup()


def settled(world: World) -> bool:
    """Nothing is waiting to be dialled or shown."""
    (intents,) = world.query("SELECT count(*) FROM intents WHERE state <> 'done'")[0]
    (waiting,) = world.query("SELECT count(*) FROM cards WHERE dirty")[0]
    return not intents and not waiting


async def journey(world: World) -> list[dict[str, object]]:
    """A call, its records, a missed call; returns what was not answered with 200 and is therefore sent again."""
    acknowledged = await world.command("+1 202 555 0123")
    if acknowledged == 200:
        await until(lambda: not world.alive or (world.orders and settled(world)))
    unheard: list[dict[str, object]] = []
    for record in records():
        if not world.alive or await world.tell(record) != 200:
            unheard.append(record)
    await until(lambda: not world.alive or settled(world))
    return unheard


def check(world: World) -> None:
    """Nothing lost, nothing twice."""
    conversation = [message.text for message in world.slack.dm("U1")]
    channel = [message.text for message in world.slack.channel("C1")]
    assert len(world.orders) <= 1
    assert sum("Missed once" in text for text in channel) == 1, channel
    placed = sum("+1 202-555-0123" in text for text in conversation)
    if world.orders:
        assert placed == 1, conversation
        assert sum("Outgoing call to +1 202-555-0123" in text for text in channel) == 1, channel
        assert "Talked for 40 s" in " ".join(conversation)
        assert world.query("SELECT count(*) FROM calls WHERE direction = 'out'") == [(1,)]
    assert len(channel) == len(set(channel))
    assert world.query("PRAGMA quick_check") == [("ok",)]
    assert world.query("SELECT count(*) FROM calls WHERE direction = 'in'") == [(1,)]


async def linked(folder: Path) -> Path:
    """The data of a Callboard that was started once, and knows the phone of U1."""
    async with a_world(folder) as world:
        await world.start()
        world.link()
    return folder / "data"


async def die_and_recover(folder: Path, data: Path, crash_at: str) -> bool:
    """One journey with one death; False if the journey ended before the death came."""
    shutil.copytree(data, folder / "data")
    async with a_world(folder) as world:
        await world.start(crash_at)
        died_at_start = not world.alive
        unheard = records() if died_at_start else await journey(world)
        await world.stop()
        await world.start()
        assert world.alive, (folder / "log").read_text()
        for record in unheard:
            if world.orders or record["type"] == "Incoming Call":  # no order, no record
                assert await world.tell(record) == 200
        assert await until(lambda: settled(world), 30), world.query("SELECT * FROM cards WHERE dirty")
        check(world)
        told = [message.text for message in world.slack.dm("U1")]
        if not world.orders and not died_at_start and world.query("SELECT 1 FROM intents"):
            assert any("Nothing was dialled" in text or "Unclear" in text for text in told), told
        return world.died


async def at_every_commit(die: Callable[[int], Awaitable[bool]]) -> int:
    """A journey with a death at each commit until there are no more; how many deaths there were.

    Four at a time, because a journey mostly waits; a few more, since the last commits are not always the same number.
    """
    numbers, deaths, died = itertools.count(1), 0, [True]
    while any(died):
        died = await asyncio.gather(*(die(number) for number in itertools.islice(numbers, 4)))
        deaths += sum(died)
    return deaths


@pytest.mark.parametrize("crash_at", ["2:before", "6:after"])
async def test_killed_at_a_commit(tmp_path: Path, crash_at: str) -> None:
    await die_and_recover(tmp_path / "dying", await linked(tmp_path / "before"), crash_at)


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
async def test_killed_at_every_commit(tmp_path: Path, when: str) -> None:
    data = await linked(tmp_path / "before")
    deaths = await at_every_commit(lambda number: die_and_recover(tmp_path / str(number), data, f"{number}:{when}"))
    assert deaths > 12, "the journey has fewer commits than it should"


@pytest.mark.parametrize("after_the_post", [True, False])
async def test_killed_while_slack_takes_the_post(tmp_path: Path, after_the_post: bool) -> None:
    async with a_world(tmp_path) as world:
        await world.start()
        hang = world.slack.hang("chat.postMessage" if after_the_post else "conversations.open")
        world.link()
        assert await world.command("+1 202 555 0123") == 200
        await asyncio.wait_for(hang.reached.wait(), 10)
        await world.stop()
        hang.release()  # Slack has the request and acts on it, though nobody waits for the answer
        if after_the_post:
            assert await until(lambda: len(world.slack.dm("U1")) == 1)
        await world.start()
        for record in records():
            assert await world.tell(record) == 200
        assert await until(lambda: settled(world), 30)
        check(world)


async def test_killed_while_the_provider_acts(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        await world.start()
        world.link()
        world.hang_order = True
        assert await world.command("+1 202 555 0123") == 200
        await asyncio.wait_for(world.ordered.wait(), 10)
        await world.stop()
        world.hang_order = False
        await world.start()
        assert await until(lambda: "Unclear" in " ".join(message.text for message in world.slack.dm("U1")))
        assert await world.command("+1 202 555 0123") == 200
        # Answered before the call's records come: afterwards it would be another call, and rightly placed.
        assert await until(lambda: world.query("SELECT count(*) FROM intents WHERE state <> 'done'") == [(0,)])
        for record in records():
            assert await world.tell(record) == 200
        assert await until(lambda: settled(world), 30)
        check(world)
        assert len(world.orders) == 1
