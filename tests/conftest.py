"""Fixtures that everything uses, and a guard: no test reaches beyond this machine."""

import ipaddress
import logging
import sqlite3
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from tests.empty_store import opened
from tests.fake_slack import FakeSlack
from tests.office import Office, office
from tests.slack_state import Clock

# How long an example takes says nothing about the code on a machine that does something else, too.
_SLOW = [hypothesis.HealthCheck.too_slow]
# The same tree gets the same verdict each time; a wider search is for whoever has time to look at what it finds.
hypothesis.settings.register_profile("same", deadline=None, suppress_health_check=_SLOW, derandomize=True)
hypothesis.settings.register_profile(
    "search", deadline=None, suppress_health_check=_SLOW, max_examples=2000, print_blob=True
)
hypothesis.settings.load_profile("same")


class OutsideNetwork(RuntimeError):
    """A test tried to reach another machine. Use the fake Slack, a simulator or httpx.MockTransport."""


def _is_here(host: Any) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    if name in (None, "", "localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _refuse_outside(event: str, args: tuple[Any, ...]) -> None:
    """An audit hook, so no library is patched; it cannot be removed again, and need not be."""
    if event in ("socket.connect", "socket.sendto"):
        # Unix sockets have a path for an address, or none at all.
        host = args[1][0] if isinstance(args[1], tuple) and args[1] else None
    elif event == "socket.getaddrinfo":
        host = args[0]
    else:
        return
    if not _is_here(host):
        raise OutsideNetwork(f"{event} to {host!r} was refused: tests stay on this machine")


@pytest.hookimpl(trylast=True)  # when it is known which are run
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow tests mostly wait: their modules stand evenly among the others, so that these are run meanwhile.

    Else one process of several has most of them, and does them one after the other when all the rest is done.
    """
    modules: dict[str, list[pytest.Item]] = {}
    for item in items:
        modules.setdefault(item.nodeid.partition("::")[0], []).append(item)
    slow = [module for module in modules.values() if any(item.get_closest_marker("slow") for item in module)]
    quick = [module for module in modules.values() if module not in slow]
    if not slow or not quick:
        return
    slow = [module for start in range(_STRIDE) for module in slow[start::_STRIDE]]
    each = sum(map(len, quick)) / len(slow)
    items.clear()
    passed, due = 0, each / 2
    for module in quick:
        items.extend(module)
        passed += len(module)
        while slow and passed >= due:
            items.extend(slow.pop(0))
            due += each
    items.extend(item for module in slow for item in module)


_STRIDE = 7
"""Modules that are alike have names that are alike, and take alike long: neighbours by name are kept apart."""


@pytest.fixture(autouse=True, scope="session")
def _no_outside_network() -> None:
    sys.addaudithook(_refuse_outside)


@pytest.fixture(autouse=True)
def _loggers_as_before() -> Iterator[None]:
    """They are the process's own, and whoever tries the command line sets them."""
    names = ("httpx", "httpcore", "apscheduler", "slack_bolt", "slack_sdk", "uvicorn", None)
    before = [(logger, logger.level, list(logger.filters)) for logger in map(logging.getLogger, names)]
    yield
    for logger, level, filters in before:
        logger.setLevel(level)
        logger.filters[:] = filters


@pytest.fixture(autouse=True)
def _slack_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy this machine is: a test that needs a Slack that is late says so itself."""
    monkeypatch.setattr("handlers.MEET_SECONDS", 60)
    monkeypatch.setattr("handlers.taken.MEET_SECONDS", 60)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """An empty database, as the writer has it."""
    yield from opened(tmp_path / "store.sqlite")


@pytest.fixture
def slack_clock() -> Clock:
    return Clock()


@pytest.fixture
async def fake_slack(slack_clock: Clock) -> AsyncIterator[FakeSlack]:
    slack = FakeSlack(slack_clock)
    await slack.start()
    yield slack
    await slack.stop()


@pytest.fixture
def slack_client(fake_slack: FakeSlack) -> AsyncWebClient:
    """As the bot has it for posts: nothing is repeated behind its back."""
    return AsyncWebClient(token=fake_slack.bot_token, base_url=fake_slack.base_url, retry_handlers=[])


@pytest.fixture
async def desk(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> AsyncIterator[Office]:
    async with office(tmp_path, fake_slack, slack_clock) as opened:
        yield opened
