"""The small Slack in the terminal, against the real bot's listeners over signed HTTP."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.assembly import Callboard, running, serving
from bot.settings import load
from bot.store import people
from bot.store.people import Contact, Person
from bot.terminal import TerminalSlack
from tests.office import ENVIRONMENT, SETTINGS


@dataclass
class Terminal:
    slack: TerminalSlack
    callboard: Callboard
    written: list[str]

    async def type(self, line: str) -> str:
        """Type a line; what was written since, when everything has settled."""
        before = len(self.written)
        assert await self.slack.handle(line)
        await self.callboard.board.settle(10)
        await self.callboard.feed.drain()
        return "\n".join(self.written[before:])


@pytest.fixture
async def terminal(tmp_path: Path) -> AsyncIterator[Terminal]:
    written: list[str] = []
    secret = ENVIRONMENT["SLACK_SIGNING_SECRET"]
    slack = TerminalSlack({"U1ADA": "Ada Long", "U2MAX": "Max Short"}, {"C1": "calls"}, "UTC", secret, written.append)
    file = tmp_path / "callboard.toml"
    file.write_text(SETTINGS)
    async with serving(slack.app, "127.0.0.1", 0) as port:
        slack.url = f"http://127.0.0.1:{port}"
        environment = {"SLACK_API_URL": f"{slack.url}/api/", "CALLBOARD_DATA": str(tmp_path / "data")}
        async with running(load(ENVIRONMENT | environment | {"CALLBOARD_PORT": "0"}, file)) as callboard:
            slack.bot_url = f"http://127.0.0.1:{callboard.port}"
            person = Person("U1ADA", phone_kind="number", phone="+12025550190", account="voicenter")
            await callboard.board.write(people.save_person, person)
            await callboard.board.write(people.save_contact, Contact("+12025550123", "Noa Green"), "U1ADA", 0)
            yield Terminal(slack, callboard, written)


async def test_commands_and_ephemerals(terminal: Terminal) -> None:
    assert "calls a colleague" in await terminal.type("/call help")
    assert "you are a rep" in await terminal.type("/callboard")
    assert "emergency" in await terminal.type("/call 911")


async def test_help_home_and_people(terminal: Terminal) -> None:
    assert "press button" in await terminal.type("what now")
    assert "App Home" in await terminal.type("home")
    assert "You are Max Short now" in await terminal.type("as max")
    assert "There is no “nobody”" in await terminal.type("as nobody")
    assert "no button of that number" in await terminal.type("99")
    assert not await terminal.slack.handle("quit")


async def test_a_form_is_filled_field_by_field(terminal: Terminal) -> None:
    assert "What rings" in await terminal.type("/phone")
    assert "number, extension or code" in await terminal.type("1")
    assert "extension's code" in await terminal.type("12")
    assert "Number people see" in await terminal.type("")
    assert "too short" in await terminal.type("")
    assert "202-555-0191" in await terminal.type("+1 202 555 0191")


async def test_a_form_can_be_closed(terminal: Terminal) -> None:
    await terminal.type("/call")
    assert "closed" in await terminal.type("cancel")


async def test_buttons_are_numbered(terminal: Terminal) -> None:
    shown = await terminal.type("/digest now")
    assert "Call digest" in shown
    number = shown.split("What do these mean?")[0].rsplit("[", 1)[1].split("]")[0]
    assert "What the figures mean" in await terminal.type(number)


async def test_a_wrong_signature_is_refused(terminal: Terminal) -> None:
    terminal.slack._secret = "another"
    before = len(terminal.written)
    await terminal.slack.command("U1ADA", "C1", "/callboard")
    assert len(terminal.written) == before
