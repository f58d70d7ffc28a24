"""The command line: every mistake is one sentence, and the log has nothing that a person would not miss."""

import asyncio
import logging
import os
import signal
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from bot import assembly
from bot.__main__ import _log, main
from bot.board import unexpected
from bot.store import Database
from tests.fake_slack import FakeSlack
from tests.office import ENVIRONMENT, SETTINGS, office
from tests.slack_state import Clock


@pytest.mark.parametrize(
    ("level", "words"),
    [("LOUD", "CALLBOARD_LOG must be one of: DEBUG,"), ("debug\r", "does not exist"), ("", "does not exist")],
)
def test_what_keeps_it_from_starting_is_one_sentence(
    level: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CALLBOARD_LOG", level)
    assert main(["run", "--config", str(tmp_path / "nowhere.toml")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("Callboard did not start: ")
    assert words in line


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ([], "name a command: run, check, providers, demo. `callboard --help` says what there is."),
        (["start"], "invalid choice: 'start'"),
        (["run", "--confg", "x"], "unrecognized arguments: --confg x. `callboard --help` says what there is."),
        (["demo", "--state"], "--state: expected one argument. `callboard demo --help` says what there is."),
    ],
)
def test_what_was_mistyped_is_one_sentence(typed: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(typed)
    said = capsys.readouterr()
    assert (left.value.code, said.out) == (2, "")
    (line,) = said.err.splitlines()
    assert line.startswith("Callboard did nothing: ")
    assert words in line


def test_a_newcomer_is_told_where_to_begin(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--help"])
    said = capsys.readouterr()
    assert (left.value.code, said.err) == (0, "")
    assert "New here? `callboard demo` needs nothing." in said.out


def test_what_bolt_says_of_a_token_that_it_is_right_not_to_use_would_alarm_whoever_has_just_set_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLBOARD_LOG", "")
    main(["run", "--config", str(tmp_path / "nowhere.toml")])
    said = logging.makeLogRecord({"msg": "As you gave `client` as well, `token` will be unused."})
    assert not logging.getLogger("slack_bolt").filter(said)


def test_a_connection_that_is_tried_all_night_is_logged_now_and_then(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Bolt says every ten seconds that Slack is not reached; that it is not, Callboard itself says once."""
    _log(running=True)
    words = "Failed to check the current session (s_1) or reconnect to the server (error: ClientConnectorError)"
    logger = logging.getLogger("slack_bolt")
    for second in range(0, 3601, 10):
        record = logger.makeRecord(logger.name, logging.ERROR, "", 0, words, (), None)
        record.created = 1_000_000.0 + second
        logger.handle(record)
    logger.error("Something else.")
    said = [record.getMessage() for record in caplog.records if record.name == "slack_bolt"]
    assert said == [words, words, "Something else."]


async def test_what_was_typed_is_not_in_the_log_when_its_signature_is_wrong(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("slack_bolt").setLevel(logging.WARNING)  # as bot/__main__.py has it
    async with office(tmp_path, fake_slack, slack_clock) as desk:
        answer = await desk.http.post("/slack/events", data={"command": "/call", "text": "+1 202 555 0123"})
        assert answer.status_code == 401
    assert "555" not in caplog.text


async def test_a_wrong_signature_is_in_the_log_once(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever types a command sees an error of Slack's, and nobody would know why; strangers could fill the log."""
    async with office(tmp_path, fake_slack, slack_clock) as desk:
        wrong = {"X-Slack-Signature": "v0=00", "X-Slack-Request-Timestamp": str(int(time.time()))}
        for headers in ({}, wrong, wrong):
            answer = await desk.http.post("/slack/events", headers=headers, data={"command": "/call", "text": "x"})
            assert answer.status_code == 401
    said = [record.getMessage() for record in caplog.records if "signature" in record.getMessage()]
    assert said == [
        "A request to /slack/events was refused, for its signature is wrong. If commands fail in Slack, look at "
        "SLACK_SIGNING_SECRET and at this computer's clock."
    ]


def test_a_database_whose_damage_shows_only_when_it_is_read_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It opens: what is damaged is a page in the middle."""
    for name, value in (ENVIRONMENT | {"CALLBOARD_DATA": str(tmp_path / "data")}).items():
        monkeypatch.setenv(name, value)
    file = tmp_path / "callboard.toml"
    file.write_text(SETTINGS)
    database = tmp_path / "data" / "callboard.sqlite"
    Database(database).close()
    with closing(sqlite3.connect(database)) as db:
        (page,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'facts'").fetchone()
    whole = bytearray(database.read_bytes())
    whole[(page - 1) * 4096 : page * 4096] = b"\xff" * 4096
    database.write_bytes(whole)
    assert main(["run", "--config", str(file)]) == 2
    words = "database disk image is malformed. If it is damaged, put a backup in its place: docs/deploying.md."
    assert capsys.readouterr().err == f"Callboard did not start: The database {database} cannot be used: {words}\n"


async def test_damage_that_is_met_while_it_runs_is_no_disk_that_may_recover() -> None:
    damaged = sqlite3.DatabaseError("database disk image is malformed")
    damaged.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    assert unexpected(damaged) == (
        "Callboard's database is damaged (database disk image is malformed). Your admin has to put a backup in its "
        "place: docs/deploying.md."
    )


def test_it_can_be_stopped_while_it_still_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A Slack that never answers must not take a SIGKILL."""

    @asynccontextmanager
    async def starting(settings: object) -> AsyncIterator[None]:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.Event().wait()
        yield

    monkeypatch.setattr(assembly, "running", starting)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    file = tmp_path / "callboard.toml"
    file.write_text(SETTINGS)
    with caplog.at_level(logging.INFO, "callboard"):
        assert main(["run", "--config", str(file)]) == 0
    assert "stopped before it had started" in caplog.text
