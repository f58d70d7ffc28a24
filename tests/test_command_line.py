"""The command line: every mistake is one sentence, and the log has nothing that a person would not miss."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.__main__ import main

CHATTY = ("httpx", "apscheduler", "slack_bolt", "slack_sdk", "uvicorn", "slack_bolt.AsyncApp")


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Loggers are the process's own."""
    loggers = [logging.getLogger(name) for name in (*CHATTY, None)]
    before = [(logger, logger.level, list(logger.filters)) for logger in loggers]
    yield
    for logger, level, filters in before:
        logger.setLevel(level)
        logger.filters[:] = filters


@pytest.mark.parametrize(
    ("level", "words"),
    [("LOUD", "CALLBOARD_LOG must be one of: DEBUG,"), ("debug", "does not exist"), ("", "does not exist")],
)
def test_what_keeps_it_from_starting_is_one_sentence(
    level: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CALLBOARD_LOG", level)
    assert main(["run", "--config", str(tmp_path / "nowhere.toml")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("Callboard did not start: ")
    assert words in line
    # What Bolt says of a token that it is right not to use would alarm whoever has just set it.
    ours = logging.getLogger("slack_bolt.AsyncApp")
    assert not ours.filter(logging.makeLogRecord({"msg": "As you gave `client` as well, `token` will be unused."}))
