"""Where Callboard is being set up, for `callboard check` to look at: each test spoils something."""

import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
import pytest
from aiohttp import web

from bot.check import check
from bot.disk import free_bytes
from tests.fake_slack import FakeSlack
from tests.office import ENVIRONMENT, SETTINGS

EXTENSIONS = {"ERR": 0, "DESC": "OK", "EXTENSIONS": [{"SIP": "AAPINFzL"}, {"SIP": "BBPINFzM"}]}


def known(request: httpx.Request) -> httpx.Response:
    """The phone service knows the account."""
    return httpx.Response(200, json=EXTENSIONS)


@dataclass
class Computer:
    """Where Callboard is being set up; each test spoils something and looks."""

    folder: Path
    slack: FakeSlack
    text: str = SETTINGS
    environment: dict[str, str] = field(default_factory=dict)
    phone: Callable[[httpx.Request], httpx.Response] = known
    free: Callable[[Path], int] = free_bytes

    async def check(self, file: Path | None = None) -> tuple[int, list[str]]:
        """(exit code, lines)."""
        if file is None:
            file = self.folder / "callboard.toml"
            file.write_text(self.text, encoding="utf-8")
        lines: list[str] = []

        def http() -> httpx.AsyncClient:
            return httpx.AsyncClient(transport=httpx.MockTransport(self.phone))

        code = await check(self.environment, file, lines.append, http=http, free=self.free)
        return code, lines


def nobodys_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def computer(tmp_path: Path, fake_slack: FakeSlack) -> Computer:
    fake_slack.users["U9"] = replace(fake_slack.users["U1"], id="U9", name="Zoe")
    given = ENVIRONMENT | {
        "CALLBOARD_DATA": str(tmp_path / "data"),
        "CALLBOARD_PORT": str(nobodys_port()),
        "CALLBOARD_PUBLIC_URL": "",
        "CALLBOARD_SLACK_MODE": "socket",
        "SLACK_API_URL": fake_slack.base_url,
        "SLACK_APP_TOKEN": fake_slack.app_token,
        "GURULIZE_PASSWORD": "PASSWORD-SECRET",
    }
    return Computer(tmp_path, fake_slack, environment=given)


@asynccontextmanager
async def page(status: int, text: str, headers: Mapping[str, str] | None = None) -> AsyncIterator[str]:
    """A web server that answers everything the same; yields its address."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=status, text=text, headers=headers)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def fault(computer: Computer, words: str) -> None:
    """Exactly one line, and this one, is not good."""
    code, lines = await computer.check()
    assert code == 1
    assert [line for line in lines if line.startswith(("WRONG", "MISSING"))] == [words]
    assert lines[-1] == "1 to be mended. Then run `callboard check` again."
