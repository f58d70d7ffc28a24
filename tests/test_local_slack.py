"""The local Slack: only the checked program is used, and a command goes round trip to a real Bolt app."""

import asyncio
import io
import os
import re
import signal
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import aiohttp
import pytest
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond
from slack_sdk.web.async_client import AsyncWebClient

from bot.local_slack import (
    INSTEAD,
    OPEN_WARNING,
    PACKAGES,
    Json,
    LocalSlack,
    LocalSlackUnavailable,
    Workspace,
    fetch,
    free_port,
    package_for,
    start,
    unpack,
    verify,
)

KEPT = Path(__file__).parents[1] / ".callboard" / "local-slack"
WORKSPACE = Workspace(
    users=({"id": "U0ANN", "name": "ann", "real_name": "Ann Lee"}, {"id": "U0BEN", "name": "ben"}),
    channels=({"id": "C0CALLS", "name": "calls", "members": ["U0ANN"]},),
)


def archive(path: Path, *entries: tuple[str, bytes, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, kind, data in entries:
            info = tarfile.TarInfo(name)
            info.type, info.size = kind, len(data)
            info.linkname = "/etc/passwd" if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE) else ""
            tar.addfile(info, io.BytesIO(data))
    return path


def is_running(pid: int) -> bool:
    """A dead process that nobody has waited for is not running."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


PROGRAM = ("package/bin/local-slack", tarfile.REGTYPE, b"#!/bin/sh\n")


def test_a_file_with_another_checksum_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "some.tgz"
    file.write_bytes(b"something else")
    with pytest.raises(LocalSlackUnavailable, match=r"^some\.tgz is not the local Slack that was checked, so "):
        verify(file, PACKAGES["linux-x64"][2])


@pytest.mark.skipif(sys.platform != "linux", reason="no local Slack for this platform")
def test_nothing_is_kept_of_a_download_with_another_checksum(tmp_path: Path) -> None:
    npm = tmp_path / "npm.py"
    npm.write_text("import pathlib; pathlib.Path('local-slack.tgz').write_bytes(b'not it')")
    with pytest.raises(LocalSlackUnavailable, match="is not the local Slack that was checked"):
        fetch(tmp_path / "folder", npm=[sys.executable, npm])
    assert not list((tmp_path / "folder").iterdir())


@pytest.mark.skipif(sys.platform != "linux", reason="no local Slack for this platform")
@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("raise SystemExit('npm error code E404')", r"\(npm error code E404\)"),
        ("", "npm gave no local Slack archive"),
    ],
)
def test_a_failed_download_is_one_sentence(tmp_path: Path, script: str, reason: str) -> None:
    npm = tmp_path / "npm.py"
    npm.write_text(script)
    with pytest.raises(LocalSlackUnavailable, match=rf"{reason}.*, so {re.escape(INSTEAD)}\.$"):
        fetch(tmp_path, npm=[sys.executable, npm])


def test_only_the_program_is_taken_out_of_the_archive(tmp_path: Path) -> None:
    tgz = archive(tmp_path / "good.tgz", PROGRAM, ("package/package.json", tarfile.REGTYPE, b"{}"))
    target = tmp_path / "local-slack"
    unpack(tgz, target)
    assert target.read_bytes() == PROGRAM[2]
    assert os.access(target, os.X_OK)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["good.tgz", "local-slack"]


def test_several_demos_may_get_ready_at_the_same_moment(tmp_path: Path) -> None:
    name, kind, script = PROGRAM
    tgz, target = archive(tmp_path / "good.tgz", (name, kind, script * 200_000)), tmp_path / "local-slack"
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(unpack, tgz, target) for _ in range(40)]:
            done.result()
    assert target.read_bytes() == script * 200_000


@pytest.mark.parametrize(
    "odd",
    [
        ("../outside", tarfile.REGTYPE, b"x"),
        ("/outside", tarfile.REGTYPE, b"x"),
        ("package/../../outside", tarfile.REGTYPE, b"x"),
        ("package/link", tarfile.SYMTYPE, b""),
        ("package/hard", tarfile.LNKTYPE, b""),
        ("package/device", tarfile.CHRTYPE, b""),
    ],
    ids=lambda entry: str(entry[0]),
)
def test_an_archive_with_an_odd_entry_is_refused(tmp_path: Path, odd: tuple[str, bytes, bytes]) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(LocalSlackUnavailable, match="odd entry"):
        unpack(archive(tmp_path / "odd.tgz", PROGRAM, odd), folder / "local-slack")
    assert not list(folder.iterdir())
    assert not (tmp_path / "outside").exists()


@pytest.mark.parametrize("content", [b"", b"not an archive"])
def test_an_unreadable_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.tgz").write_bytes(content)
    with pytest.raises(LocalSlackUnavailable, match="cannot be read"):
        unpack(tmp_path / "bad.tgz", tmp_path / "local-slack")


def test_an_unchecked_platform_is_named() -> None:
    with pytest.raises(LocalSlackUnavailable) as caught:
        package_for("darwin", "arm64")
    assert str(caught.value) == f"No checked local Slack exists for darwin-arm64, so {INSTEAD}."
    assert package_for("linux", "x86_64") == PACKAGES["linux-x64"]


def test_tokens_are_not_shown() -> None:
    assert "xoxb" not in repr(WORKSPACE)
    assert "xapp" not in repr(WORKSPACE)
    assert WORKSPACE.signing_secret not in repr(WORKSPACE)


@pytest.mark.asyncio
async def test_a_busy_port_is_passed_over() -> None:
    port = free_port(3000)
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", port)
    async with server:
        assert free_port(port) > port


@pytest.mark.asyncio
async def test_a_program_that_ends_at_once_is_unavailable(tmp_path: Path) -> None:
    program = tmp_path / "broken"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    with pytest.raises(LocalSlackUnavailable, match="did not start"):
        async with start(program, WORKSPACE, tmp_path / "state"):
            pass


@pytest.fixture(scope="session")
def program() -> Path:
    """The real program, downloaded once."""
    try:
        return fetch(KEPT)
    except LocalSlackUnavailable as error:
        pytest.skip(str(error))


async def until_messages(slack: LocalSlack, channel: str, count: int) -> list[Json]:
    async with asyncio.timeout(5):
        while len(found := await slack.messages(channel)) < count:
            await asyncio.sleep(0.01)
    return found


@pytest.mark.slow
@pytest.mark.asyncio
async def test_two_that_start_at_the_same_moment_have_ports_of_their_own(program: Path, tmp_path: Path) -> None:
    """Both find the same one free: the second would have used the first one's Slack, and its own had ended."""
    both = asyncio.Barrier(2)

    async def run(name: str) -> int:
        async with start(program, WORKSPACE, tmp_path / name) as slack:
            await both.wait()
            client = AsyncWebClient(token=WORKSPACE.bot_token, base_url=slack.api_url)
            await client.chat_postMessage(channel="C0CALLS", text=name)
            await both.wait()
            assert [message["text"] for message in await slack.messages("C0CALLS")] == [name]
            await both.wait()
            return slack.port

    ports = await asyncio.gather(run("one"), run("two"))
    assert ports[0] != ports[1]


@pytest.mark.slow
@pytest.mark.asyncio
async def test_a_command_goes_to_a_bolt_app_and_back(program: Path, tmp_path: Path) -> None:
    async with start(program, WORKSPACE, tmp_path) as slack:
        client = AsyncWebClient(token=WORKSPACE.bot_token, base_url=slack.api_url)
        app = AsyncApp(client=client, signing_secret=WORKSPACE.signing_secret)
        homes: asyncio.Queue[str] = asyncio.Queue()
        pressed: asyncio.Queue[Json] = asyncio.Queue()

        @app.command("/call")
        async def call(ack: AsyncAck, command: Json, respond: AsyncRespond) -> None:
            await ack()
            await respond(f"Calling {command['text']} for {command['user_id']}", response_type="ephemeral")

        @app.action("hang_up")
        async def hang_up(ack: AsyncAck, action: Json) -> None:
            await ack()
            await pressed.put(action)

        @app.event("app_home_opened")
        async def home(event: Json) -> None:
            await homes.put(event["user"])

        handler = AsyncSocketModeHandler(
            app, WORKSPACE.app_token, web_client=AsyncWebClient(token=WORKSPACE.app_token, base_url=slack.api_url)
        )
        await handler.connect_async()  # type: ignore[no-untyped-call]
        try:
            await slack.command("U0ANN", "C0CALLS", "/call", "+44 20 7946 0000")
            (answer,) = await until_messages(slack, "C0CALLS", 1)
            assert answer["text"] == "Calling +44 20 7946 0000 for U0ANN"
            assert answer["ephemeral_to"] == "U0ANN"

            posted = await client.chat_postMessage(channel="U0BEN", text="A call for you")
            action = {"type": "button", "action_id": "hang_up", "block_id": "b0", "value": "7"}
            await slack.interact("U0BEN", str(posted["channel"]), str(posted["ts"]), action)
            async with asyncio.timeout(5):
                assert (await pressed.get())["value"] == "7"
                await slack.open_home("U0ANN")
                assert await homes.get() == "U0ANN"

            assert {"U0ANN", "U0BEN"} <= {user["id"] for user in (await slack.state())["users"]}
            assert any(entry["kind"] == "slash_commands" for entry in await slack.log())
            assert (await slack.page())["state"]["modalStack"] == []
            with pytest.raises(ValueError, match="channel, user and command are required"):
                await slack.command("", "", "")
        finally:
            await handler.close_async()  # type: ignore[no-untyped-call]


@pytest.mark.slow
@pytest.mark.asyncio
async def test_it_answers_this_computer_and_its_own_page_only(program: Path, tmp_path: Path) -> None:
    async with start(program, WORKSPACE, tmp_path) as slack:
        assert not slack.open, OPEN_WARNING
        for headers in ({"Host": f"example.com:{slack.port}"}, {"Origin": "http://example.com"}):
            async with slack.session.get(f"{slack.url}/_control/state", headers=headers) as response:
                assert response.status == 403
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await slack.session.ws_connect(f"{slack.url}/ui", headers={"Origin": "http://example.com"})
        async with start(program, WORKSPACE, tmp_path / "other", slack.port) as other:
            assert other.port > slack.port
        assert is_running(slack.pid)
        assert os.getpgid(slack.pid) != os.getpgid(0)
    assert not is_running(slack.pid)


STARTER = """
import asyncio, sys
from pathlib import Path
from bot.local_slack import Workspace, start

async def main():
    async with start(Path(sys.argv[1]), Workspace((), ()), Path(sys.argv[2])) as slack:
        print(slack.pid, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.mark.slow
@pytest.mark.asyncio
async def test_it_ends_when_its_starter_is_killed(program: Path, tmp_path: Path) -> None:
    root = Path(__file__).parents[1]
    starter = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", STARTER, program, tmp_path), cwd=root, stdout=asyncio.subprocess.PIPE
    )
    assert starter.stdout is not None
    async with asyncio.timeout(20):
        pid = int(await starter.stdout.readline())
        starter.send_signal(signal.SIGKILL)
        await starter.wait()
        while is_running(pid):
            await asyncio.sleep(0.01)
