"""The small Slack in the terminal, against the real bot's listeners over signed HTTP."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.assembly import Callboard, running, serving
from bot.cards import image
from bot.settings_reader import load
from bot.store import contacts, people
from bot.store.contacts import Contact
from bot.store.people import Person
from bot.terminal import TerminalSlack
from bot.terminal_screen import Json, filled
from bot.uploading import conversation, delete, is_shown, picture, upload
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
        await self.callboard.board.settle(60)
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
            await callboard.board.write(contacts.save, Contact("+12025550123", "Noa Green"), "U1ADA", 0)
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


def test_what_stands_in_a_field_is_kept_or_emptied() -> None:
    field = {"type": "plain_text_input", "initial_value": "wants a quote"}
    assert [filled(field, line, {})["value"] for line in ("", "-", "two")] == ["wants a quote", None, "two"]


async def test_a_form_without_fields_asks_for_a_yes(terminal: Terminal) -> None:
    view = {"title": {"text": "Record?"}, "submit": {"text": "Record"}, "blocks": []}
    slack = AsyncWebClient(token="x", base_url=f"{terminal.slack.url}/api/", retry_handlers=[])
    await slack.views_open(trigger_id="1", view={"type": "modal", **view})
    assert terminal.written[-1] == "Enter: Record"


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


async def test_a_file_is_shown_and_deleted(terminal: Terminal) -> None:
    slack = AsyncWebClient(token="x", base_url=f"{terminal.slack.url}/api/", retry_handlers=[])
    channel = await conversation(slack, "U1ADA")
    file = await upload(slack, channel, "", "talk.wav", b"RIFF", "A talk", comment="Recording 3fa9c1 of a call.")
    assert "(file: A talk)" in "\n".join(terminal.written)
    assert terminal.slack.files.content == {file: b"RIFF"}
    assert await is_shown(slack, channel, "", file, time.time())
    await delete(slack, file)
    assert terminal.slack.files.content == {}


async def test_a_picture_is_seen_where_a_message_shows_it(terminal: Terminal) -> None:
    slack = AsyncWebClient(token="x", base_url=f"{terminal.slack.url}/api/", retry_handlers=[])
    before = len(terminal.written)
    file = await picture(slack, "bars.png", b"PNG", "Bars", "Bars: one call", asyncio.sleep)
    assert terminal.written[before:] == []
    shown = image(file, "Bars: one call", "bars")
    await slack.chat_postMessage(channel="C1", text="A digest", blocks=[shown])
    assert "(picture: Bars: one call)" in terminal.written[-1]
    await delete(slack, file)
    with pytest.raises(SlackApiError, match="file_not_found"):
        await slack.files_info(file=file)


async def test_buttons_of_the_home_work(terminal: Terminal) -> None:
    shown = await terminal.type("home")
    number = next(part for part in shown.split("[") if "] Start a call" in part).partition("]")[0]
    assert "--- Start a call" in await terminal.type(number)
    await terminal.type("cancel")


async def test_buttons_of_somebody_elses_home_are_not_theirs(terminal: Terminal) -> None:
    """Nor did they end the demo: Max has not opened his."""
    shown = await terminal.type("home")
    number = next(part for part in shown.split("[") if "] Start a call" in part).partition("]")[0]
    await terminal.type("as max")
    assert "type “home” for yours" in await terminal.type(number)
    shown = await terminal.type("home")
    own = next(part for part in shown.split("[") if "] Link my phone" in part).partition("]")[0]
    assert "--- My phone" in await terminal.type(own)


PEOPLE = {"U1ADA": "Ada Long", "U2MAX": "Max Short"}
MANY = [{"text": {"type": "plain_text", "text": f"Message {n}"}, "value": str(n)} for n in range(1, 151)]
GROUPS = [
    {"label": {"text": "1 to 100"}, "options": MANY[:100]},
    {"label": {"text": "101 to 150"}, "options": MANY[100:]},
]


@pytest.mark.parametrize(
    ("element", "line", "told"),
    [
        ({"type": "static_select", "option_groups": GROUPS}, "120", {"selected_option": MANY[119]}),
        ({"type": "static_select", "option_groups": GROUPS}, "", {"selected_option": None}),
        ({"type": "users_select"}, "2", {"selected_user": "U2MAX"}),
        ({"type": "users_select", "initial_user": "U1ADA"}, "", {"selected_user": "U1ADA"}),
        ({"type": "multi_users_select"}, "2 1", {"selected_users": ["U2MAX", "U1ADA"]}),
        ({"type": "multi_users_select", "initial_users": ["U1ADA"]}, "", {"selected_users": ["U1ADA"]}),
        ({"type": "multi_users_select"}, "9", {"selected_users": []}),
        ({"type": "multi_users_select"}, "² 2", {"selected_users": ["U2MAX"]}),
    ],
)
def test_what_a_form_may_ask_for(element: Json, line: str, told: Json) -> None:
    assert filled(element, line, PEOPLE) == {"type": element["type"], **told}


async def test_long_menus_and_people_are_offered(terminal: Terminal) -> None:
    blocks = [
        {"type": "input", "block_id": "stored", "label": {"text": "Message"},
         "element": {"type": "static_select", "action_id": "stored", "option_groups": GROUPS}},
        {"type": "input", "block_id": "reps", "label": {"text": "Reps"},
         "element": {"type": "multi_users_select", "action_id": "reps"}},
    ]  # fmt: skip
    view = {"type": "modal", "title": {"text": "New list"}, "submit": {"text": "OK"}, "blocks": blocks}
    slack = AsyncWebClient(token="x", base_url=f"{terminal.slack.url}/api/", retry_handlers=[])
    await slack.views_open(trigger_id="1", view=view)
    assert "150 Message 150" in terminal.written[-1]
    assert await terminal.type("120") == "Reps:\n  1 Ada Long\n  2 Max Short"


async def test_somebody_may_be_chosen_in_a_message(terminal: Terminal) -> None:
    menu = {"type": "users_select", "action_id": "waiting:assign:x", "placeholder": {"text": "Give it to…"}}
    slack = AsyncWebClient(token="x", base_url=f"{terminal.slack.url}/api/", retry_handlers=[])
    await slack.chat_postMessage(
        channel="C1", text="x", blocks=[{"type": "actions", "block_id": "b", "elements": [menu]}]
    )
    number = terminal.written[-1].rsplit("[", 1)[1].split("]")[0]
    assert f"{number} 2  Max Short" in await terminal.type(number)
    assert await terminal.type(f"{number} 2") != ""


async def test_whatever_is_typed_the_demo_goes_on(terminal: Terminal) -> None:
    assert "press button" in await terminal.type("²")
    terminal.slack.bot_url = "http://127.0.0.1:1"
    assert "did not answer in time" in await terminal.type("/call 911")
