"""`callboard demo` as a person starts it: a process of its own."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot import local_slack
from bot.__main__ import main
from bot.demo import LOCK, bot_and_world
from bot.demo import demo as begun
from bot.errors import SettingsError
from bot.local_slack import LocalSlackUnavailable, Workspace
from bot.store import alone

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
async def _signals_as_before() -> AsyncIterator[None]:
    """A demo in this process answers Ctrl-C by itself."""
    yield
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().remove_signal_handler(number)


async def demo(state: Path, *options: str, typed: int = asyncio.subprocess.DEVNULL) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "demo", "--state", str(state), *options),
        cwd=ROOT,
        stdin=typed,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


@pytest.mark.slow
@pytest.mark.parametrize("options", [("--check",), ("--check", "--terminal")])
async def test_check_performs_a_call_and_a_call_back(tmp_path: Path, options: tuple[str, ...]) -> None:
    process = await demo(tmp_path, *options)
    output, _ = await asyncio.wait_for(process.communicate(), 240)
    told = output.decode()
    assert process.returncode == 0, told
    assert "All seen" in told
    assert "Traceback" not in told


async def test_a_second_one_does_not_sweep_away_what_the_first_has_open(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with alone(tmp_path / LOCK):
        assert await asyncio.to_thread(main, ["demo", "--terminal", "--state", str(tmp_path)]) == 2
    assert "Another demo is at work" in capsys.readouterr().err
    file = tmp_path / "file"
    file.touch()
    assert await asyncio.to_thread(main, ["demo", "--terminal", "--state", str(file)]) == 2
    assert "cannot use the folder" in capsys.readouterr().err


def files(folder: Path) -> dict[Path, str]:
    return {file: file.read_text() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize("name", ["callboard.toml", "data"])
async def test_what_is_no_demos_is_not_overwritten(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs = tmp_path / name
    if name == "data":
        theirs.mkdir()
        (theirs / "callboard.sqlite").write_text("all our calls")
    else:
        theirs.write_text('region = "IL"\n')
    before = files(tmp_path)
    assert await asyncio.to_thread(main, ["demo", "--terminal", "--state", str(tmp_path)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert f"The demo would overwrite {name} in {tmp_path}, which is no demo's, so nothing was done." in said.err
    assert files(tmp_path) == before


@pytest.mark.slow
async def test_what_a_file_holds_is_typed_until_its_end(tmp_path: Path) -> None:
    lines = tmp_path / "lines"
    lines.write_text("nonsense\n/call 911\n")
    with lines.open() as typed:
        process = await demo(tmp_path / "state", "--terminal", typed=typed.fileno())
        output, _ = await asyncio.wait_for(process.communicate(), 120)
    told = output.decode()
    assert process.returncode == 0, told
    assert "911 is an emergency number" in told


@pytest.mark.slow
async def test_ctrl_c_ends_everything_it_started(tmp_path: Path) -> None:
    process = await demo(tmp_path)
    assert process.stdout is not None
    told = ""
    async with asyncio.timeout(120):
        while "Ctrl-C" not in told:
            line = (await process.stdout.readline()).decode()
            if not line:
                pytest.skip(f"the local Slack cannot run here: {told}")
            told += line
    if "Open http" not in told:
        process.kill()
        pytest.skip(f"the local Slack cannot run here: {told}")
    ports = [int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", told)]
    process.send_signal(signal.SIGINT)
    rest, _ = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 0
    assert "Traceback" not in rest.decode()
    for port in ports:
        with pytest.raises(OSError, match=r"refused|Connect"):
            await asyncio.open_connection("127.0.0.1", port)


async def test_ctrl_c_while_the_page_is_fetched_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The terminal's Ctrl-C ends the download, too: that is no reason to go on without the page."""
    loop = asyncio.get_running_loop()

    def fetch(folder: Path) -> Path:
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(2):  # until it has come
            asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result()
        raise LocalSlackUnavailable("Downloading the local Slack did not work")

    monkeypatch.setattr(local_slack, "fetch", fetch)
    written: list[str] = []
    assert await begun(tmp_path, check=False, terminal=False, write=written.append) == 0
    assert written == ["Getting the local Slack ready …", "Stopped before it had started."]


@pytest.mark.parametrize("script", ["#!/bin/sh\nexit 1\n", "no program at all"])
async def test_where_the_page_does_not_start_the_demo_goes_on_in_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    program = tmp_path / "local-slack"
    program.write_text(script)
    program.chmod(0o755 if script.startswith("#!") else 0o644)
    monkeypatch.setattr(local_slack, "fetch", lambda folder: program)
    written: list[str] = []
    assert await begun(tmp_path / "state", check=False, terminal=False, write=written.append) == 0
    assert written[1].startswith("The local Slack did not start (")
    assert written[1].endswith(f", so {local_slack.INSTEAD}.")
    assert written[2].startswith("Callboard runs; you are Dana")


async def test_where_no_port_is_free_the_demo_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_slack, "free_port", lambda first: 0)
    with pytest.raises(LocalSlackUnavailable, match="No port from 3000 to 3099 is free, so the demo goes on"):
        async with local_slack.start(tmp_path / "never", Workspace((), ()), tmp_path):
            pass
    with pytest.raises(SettingsError, match="No port from 8400 to 8499 is free"):
        async with bot_and_world(tmp_path, {}):
            pass


async def test_two_that_start_at_the_same_moment_have_ports_of_their_own(tmp_path: Path) -> None:
    """Each looks for a free one, and only some seconds later something listens there."""
    written: list[str] = []
    states = [tmp_path / "one", tmp_path / "two"]
    demos = [begun(state, check=False, terminal=True, write=written.append) for state in states]
    assert await asyncio.gather(*demos) == [0, 0]
    assert len(written) == 2
