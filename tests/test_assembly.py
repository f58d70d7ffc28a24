"""Socket Mode from start to stop, with a connection that goes away and comes back."""

import asyncio
import contextlib
import gc
import os
import sqlite3
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import aiohttp
import msgspec
import pytest
from slack_sdk.errors import SlackApiError

from bot.assembly import _stop, running, slack_app
from bot.board import Board
from bot.data_folder import DATABASE, opened, unusable, unusable_database
from bot.errors import SettingsError
from bot.settings_reader import load
from bot.store import Database, ledger, workflow_steps
from bot.workspace import Identity, SocketMode, _not_started, refresh
from tests import slack_requests
from tests.fake_slack import FakeSlack
from tests.office import ENVIRONMENT, SETTINGS, Office


def socket_settings(folder: Path, slack: FakeSlack, **more: str) -> dict[str, str]:
    (folder / "callboard.toml").write_text(SETTINGS)
    return ENVIRONMENT | {
        "SLACK_API_URL": slack.base_url,
        "SLACK_APP_TOKEN": slack.app_token,
        "CALLBOARD_SLACK_MODE": "socket",
        "CALLBOARD_DATA": str(folder / "data"),
        "CALLBOARD_CONFIG": str(folder / "callboard.toml"),
        "CALLBOARD_PORT": "0",
        "VOICENTER_MONITOR_URL": slack.origin,
    } | more  # fmt: skip


async def broken(board: Board) -> list[str]:
    return [key for key, *_ in await board.read(ledger.problems)]


async def test_socket_mode_connects(tmp_path: Path, fake_slack: FakeSlack) -> None:
    async with running(load(socket_settings(tmp_path, fake_slack))):
        await asyncio.wait_for(fake_slack.sockets.connected.wait(), 10)


async def test_garbage_is_collected_once_it_runs(tmp_path: Path, fake_slack: FakeSlack) -> None:
    """`callboard run` spares itself that while it starts."""
    gc.disable()
    try:
        async with running(load(socket_settings(tmp_path, fake_slack))):
            assert gc.isenabled()
    finally:
        gc.enable()


async def test_a_workflows_step_is_acknowledged_once_it_is_written_down(tmp_path: Path, fake_slack: FakeSlack) -> None:
    async with running(load(socket_settings(tmp_path, fake_slack))) as callboard:
        await asyncio.wait_for(fake_slack.sockets.connected.wait(), 10)
        inputs = {"rep": "U1", "whom": "+12025550101"}
        event = slack_requests.function_executed(fake_slack, "place_a_call", inputs, execution="Fx1")
        for _ in range(2):
            payload = slack_requests.payload_of(event)
            assert await asyncio.wait_for(fake_slack.sockets.deliver("events_api", payload), 10) == {}
            assert await callboard.board.read(workflow_steps.get, "Fx1")


async def test_webhooks_are_taken_while_slack_is_away(tmp_path: Path, fake_slack: FakeSlack) -> None:
    settings = load(socket_settings(tmp_path, fake_slack))
    async with running(settings):
        pass  # who we are is known from now on
    for _ in range(9):  # also when it looks again
        fake_slack.fail_next("apps.connections.open", "500")
    fake_slack.sockets.connected.clear()
    async with running(settings) as callboard, aiohttp.ClientSession() as session:
        hook = f"http://127.0.0.1:{callboard.port}/hooks/voicenter/{settings.hook_secret}/cdr"
        told = {"ivruniqueid": "1", "caller": "12025550101", "type": "Incoming Call", "status": "NOANSWER"}
        async with session.post(hook, json=told | {"did": "12025550190", "time": int(callboard.board.now())}) as answer:
            assert answer.status == 200
        assert not fake_slack.sockets.connected.is_set()


@pytest.fixture
async def socket_mode(desk: Office) -> AsyncIterator[SocketMode]:
    """Nobody else looks after it."""
    desk.board.settings = replace(desk.board.settings, app_token=desk.slack.app_token)
    app = slack_app(desk.desk, Identity(desk.slack.team, desk.slack.bot_id, desk.slack.bot_user))
    async with aiohttp.ClientSession() as session, contextlib.aclosing(SocketMode(desk.board, app, session)) as found:
        yield found


async def test_a_connection_that_is_lost_is_told(
    desk: Office, socket_mode: SocketMode, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected = False

    async def is_connected() -> bool:
        return connected

    await socket_mode.begin()
    monkeypatch.setattr(socket_mode.handler.client, "is_connected", is_connected)
    await socket_mode()
    assert "Slack connection" not in await broken(desk.board)
    await socket_mode()
    assert "Slack connection" in await broken(desk.board)
    connected = True
    await socket_mode()
    assert "Slack connection" not in await broken(desk.board)


async def test_why_a_connection_does_not_come_back_is_told_where_slack_says_it(
    desk: Office, socket_mode: SocketMode, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def is_connected() -> bool:
        return False

    await socket_mode.begin()
    monkeypatch.setattr(socket_mode.handler.client, "is_connected", is_connected)
    for _ in range(9):
        desk.slack.fail_next("apps.connections.open", "token_revoked")
    before = len(desk.slack.requests)
    for _ in range(4):
        await socket_mode()
    ((_, words, *_),) = await desk.board.read(ledger.problems)
    assert words == (
        "Slack's connection is gone; commands and buttons do nothing. Slack refuses SLACK_APP_TOKEN (token_revoked). "
        "It needs the scope connections:write, and Socket Mode must be on for the app; then start again."
    )
    asked = [request.method for request in desk.slack.requests[before:]]
    assert asked.count("apps.connections.open") == 1, "Slack allows this method about once a minute"


async def test_it_connects_when_slack_is_back(desk: Office, socket_mode: SocketMode) -> None:
    for _ in range(2):
        desk.slack.fail_next("apps.connections.open", "500")
    await socket_mode.begin_if_reached()
    await socket_mode()
    assert "Slack connection" in await broken(desk.board)
    assert not desk.slack.sockets.connected.is_set()
    await socket_mode()
    await asyncio.wait_for(desk.slack.sockets.connected.wait(), 10)
    assert "Slack connection" not in await broken(desk.board)


async def test_tokens_of_another_workspace_are_told(desk: Office) -> None:
    """Else its people would find the contacts of ours in there, and our cards would be lost."""
    board, slack = desk.board, desk.desk.slack
    ours = msgspec.json.encode(Identity("T0OTHER", "B0", "U0BOT")).decode()
    await board.write(ledger.remember, "identity", ours, board.now())
    for _ in range(2):
        await refresh(board, slack)
        (found,) = await board.read(ledger.problems)
    assert found[0] == "Slack app"
    assert found[1].startswith("SLACK_BOT_TOKEN is of the workspace Callboard test (T1), but what is kept in ")
    assert found[1].endswith(
        " is of T0OTHER. Set that workspace's tokens, or another CALLBOARD_DATA, then start again."
    )
    known = await board.read(ledger.recall, "identity")
    assert known is not None
    assert known[0] == ours


async def test_an_outage_is_not_told_as_broken_until_the_next_hour(desk: Office) -> None:
    """Whoever posts, and whoever holds the connection, says it, and says when it is over."""
    desk.slack.fail_next("auth.test", "500")
    await refresh(desk.board, desk.desk.slack)
    assert await broken(desk.board) == []
    desk.slack.fail_next("auth.test", "token_revoked")
    await refresh(desk.board, desk.desk.slack)
    assert await broken(desk.board) == ["Slack app"]
    desk.slack.fail_next("auth.test", "500")
    await refresh(desk.board, desk.desk.slack)
    assert await broken(desk.board) == ["Slack app"], "nothing is known of the token"
    await refresh(desk.board, desk.desk.slack)
    assert await broken(desk.board) == []


async def test_a_clock_that_is_wrong_is_told_until_it_is_set(desk: Office) -> None:
    """In HTTP mode Slack's requests are refused then, and nobody who types a command could know why."""
    desk.slack.dated_at = lambda: time.time() + 420
    await refresh(desk.board, desk.desk.slack)
    await desk.settle()
    (told,) = [message.text for message in desk.conversation("U9")]
    assert told.startswith("This computer's clock is 7 minutes behind Slack's, so times, calling hours and limits are ")
    assert "; commands and buttons are refused, too. Set it, say with `timedatectl set-ntp true`." in told
    desk.slack.dated_at = lambda: time.time() + 20
    await refresh(desk.board, desk.desk.slack)
    assert await broken(desk.board) == []


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"SLACK_APP_TOKEN": "xapp-wrong"}, "SLACK_APP_TOKEN"),
        ({"SLACK_BOT_TOKEN": "xoxb-wrong"}, "SLACK_BOT_TOKEN"),
        ({"SLACK_API_URL": "http://127.0.0.1:9/"}, "cannot be reached"),
        ({"CALLBOARD_DATA": __file__}, f"Data folder {__file__} cannot be used"),
        ({"CALLBOARD_HOST": "203.0.113.7"}, "cannot listen on 203.0.113.7, port 0"),
    ],
)
async def test_what_keeps_it_from_starting_is_said(
    tmp_path: Path, fake_slack: FakeSlack, wrong: dict[str, str], words: str
) -> None:
    with pytest.raises(SettingsError, match=words):
        async with running(load(socket_settings(tmp_path, fake_slack, **wrong))):
            pass


async def test_a_second_one_on_the_same_folder_does_not_start_and_changes_nothing(
    tmp_path: Path, fake_slack: FakeSlack
) -> None:
    settings = load(socket_settings(tmp_path, fake_slack))
    async with running(settings) as callboard:
        write = callboard.board.write
        await write(ledger.write_intent, "k1", "U1", "call", b"{}", 1.0)  # it is about to be dialled
        with pytest.raises(SettingsError, match="Another Callboard is at work"):
            async with running(settings):
                pass
        assert [intent.key for intent in await callboard.board.read(ledger.open_intents)] == ["k1"]
    async with running(settings) as callboard:  # the next one is welcome, and tells what the first left behind
        assert await callboard.board.read(ledger.open_intents) == []


@pytest.mark.parametrize(
    ("version", "words"), [("99", r"a newer Callboard\. Update Callboard, then start it\.$"), ("", "put a backup")]
)
async def test_a_database_that_is_not_ours_is_a_sentence(
    tmp_path: Path, fake_slack: FakeSlack, version: str, words: str
) -> None:
    settings = load(socket_settings(tmp_path, fake_slack))
    settings.data.mkdir()
    file = settings.data / DATABASE
    if version:
        with contextlib.closing(sqlite3.connect(file)) as database:
            database.execute(f"PRAGMA user_version = {version}")
    else:
        file.write_bytes(b"not a database, " * 100)
    with pytest.raises(SettingsError, match=words):
        async with running(settings):
            pass


def test_a_full_disk_is_no_damage_and_no_missing_right(tmp_path: Path) -> None:
    """Whoever put a backup in the database's place would lose what is in it."""

    def full(file: Path) -> Database:
        with contextlib.closing(sqlite3.connect(file)) as database:
            database.execute("PRAGMA max_page_count = 1")
            database.execute("CREATE TABLE t (x)")
        raise AssertionError("it was written")

    with pytest.raises(SettingsError) as told:
        opened(full, tmp_path / DATABASE)
    fix = "Make room on its disk, then start again."
    assert str(told.value) == f"The database {tmp_path / DATABASE} cannot be used: database or disk is full. {fix}"
    sick = sqlite3.OperationalError("disk I/O error")  # as at a full disk, too, where SQLite asks for shared memory
    sick.sqlite_errorcode = sqlite3.SQLITE_IOERR | 19 << 8
    assert unusable_database(tmp_path, sick).endswith(
        "disk I/O error. Look whether its disk is full, or failing, then start again."
    )
    fix = "Make room on its disk, or set another CALLBOARD_DATA."
    assert isinstance(told.value.__cause__, sqlite3.Error)
    for error, why in (
        (told.value.__cause__, "database or disk is full"),
        (OSError(28, "No space left on device"), "No space left on device"),
    ):
        assert unusable(tmp_path, error) == f"Data folder {tmp_path} cannot be used ({why}). {fix}"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
async def test_a_database_that_somebody_else_has_put_there_is_a_sentence(tmp_path: Path, fake_slack: FakeSlack) -> None:
    settings = load(socket_settings(tmp_path, fake_slack))
    settings.data.mkdir()
    (settings.data / DATABASE).touch(mode=0o400)
    with pytest.raises(SettingsError, match=r"cannot be written\."):
        async with running(settings):
            pass


@pytest.mark.parametrize(("status", "data"), [(503, {}), (500, "out of order"), (200, {"error": "internal_error"})])
def test_an_outage_of_slack_is_not_blamed_on_the_token(status: int, data: object) -> None:
    response = SimpleNamespace(status_code=status, data=data)
    error = SlackApiError("", response)  # type: ignore[no-untyped-call]  # Slack leaves this untyped
    words = str(_not_started(error, "SLACK_BOT_TOKEN", "Copy it again."))
    assert words.startswith("Slack cannot be reached (")
    assert "TOKEN" not in words


async def test_stopping_does_not_wait_for_ever_when_a_cancellation_is_lost() -> None:
    """As Python 3.11 loses one that comes at the very moment in which the feed is woken."""
    wake = asyncio.Event()

    async def shows() -> None:
        while True:
            wake.clear()
            try:
                await asyncio.wait_for(wake.wait(), 60)
            except TimeoutError:
                continue
            await asyncio.sleep(0)

    task = asyncio.create_task(shows())
    await asyncio.sleep(0.01)
    wake.set()
    await asyncio.sleep(0)
    stopped, _ = await asyncio.wait({asyncio.create_task(_stop(task))}, timeout=5)
    assert stopped
    assert task.cancelled()
