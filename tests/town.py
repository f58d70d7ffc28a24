"""A town for tests: the whole bot and the simulated services over real HTTP, through signed Slack requests.

await town.type("/call +972 50 555 0101 via callgear")     Dana types
await town.talking()                                        and talks, as long as the test needs
await town.press("live:hold")                               and presses a button of her card
await town.fill({"keys": "5#"})                             and sends the form that it opened
"""

import asyncio
import json
import secrets
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from bot import demo
from bot.assembly import Callboard, serving
from bot.call import Call
from bot.events import State
from bot.simulator.app import SimulatedWorld
from bot.store import calls, cards, people
from bot.terminal import TEAM, TerminalSlack

BRISK, LEISURELY = 8, 1
"""Seconds of the simulated world in a real one: while we wait for it, and while it waits for us."""
PATIENCE = 90


class Workspace(TerminalSlack):
    """With workflows: `workflow()` comes to a step of ours, `steps` says how each went."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.steps: dict[str, dict[str, Any]] = {}

    async def workflow(self, kind: str, *, times: int = 1, **inputs: Any) -> str:
        """A workflow comes to a step, of which Slack tells so many times; returns the execution's id."""
        execution = f"Fx{secrets.token_hex(4)}"
        event = {"type": "function_executed", "function": {"callback_id": kind}, "inputs": inputs}
        event |= {"function_execution_id": execution, "workflow_execution_id": "Wx1", "bot_access_token": "xwfp-1"}
        body = {"type": "event_callback", "team_id": TEAM, "api_app_id": "A0TERMINAL", "event": event}
        sent = json.dumps(body | {"event_id": f"Ev{execution}"}).encode()
        await asyncio.gather(*(self._send(sent, "application/json") for _ in range(times)))
        return execution

    def _functions_completesuccess(self, given: dict[str, Any]) -> dict[str, Any]:
        return self._complete(given, json.loads(given["outputs"]))

    def _functions_completeerror(self, given: dict[str, Any]) -> dict[str, Any]:
        return self._complete(given, {"error": given["error"]})

    def _complete(self, given: dict[str, Any], how: dict[str, Any]) -> dict[str, Any]:
        assert given["function_execution_id"] not in self.steps, "answered twice"
        self.steps[given["function_execution_id"]] = how
        return {}


def _latest(db: sqlite3.Connection, rep: str) -> Call | None:
    """The latest call of a rep, messages too; else the latest that is nobody's yet."""
    row = db.execute(
        "SELECT id FROM calls WHERE rep = ? OR state <> 'ended' ORDER BY rep = ? DESC, started_at DESC LIMIT 1",
        (rep, rep),
    ).fetchone()
    return calls.get(db, row[0]) if row else None


@dataclass
class Town:
    """The bot, the world behind it, and Dana's seat in Slack."""

    callboard: Callboard
    world: SimulatedWorld
    slack: Workspace

    async def type(self, line: str, *, user: str = demo.DANA) -> None:
        """Dana, or somebody else of the team, types this in the sales channel."""
        command, _, text = line.partition(" ")
        await self.slack.command(user, demo.SALES, command, text)

    async def press(self, action: str, *, times: int = 1, user: str = demo.DANA) -> None:
        """Press a button of a card as soon as it is there; more than once, in the same moment."""
        await self.click(await self.button(action), times=times, user=user)

    async def button(self, action: str) -> tuple[str, str, dict[str, Any]]:
        """Conversation, message and element of a button of a card, as soon as it is there."""

        async def look() -> tuple[str, str, dict[str, Any]] | None:
            for place, messages in self.slack._messages.items():
                for message in reversed(messages):
                    for block in message.get("blocks", ()):
                        for element in block.get("elements", ()):
                            if element.get("action_id") == action and not message.get("thread_ts"):
                                return place, message["ts"], {**element, "block_id": block["block_id"]}
            return None

        found: tuple[str, str, dict[str, Any]] = await self.until(look, f"a button {action}")
        return found

    async def click(self, button: tuple[str, str, dict[str, Any]], *, times: int = 1, user: str = demo.DANA) -> None:
        place, ts, element = button
        await asyncio.gather(*(self.slack.interact(user, place, ts, element) for _ in range(times)))

    async def fill(self, title: str, *, user: str = demo.DANA, **values: str) -> dict[str, str]:
        """Fill in the form of that title once it is open, text by block; returns the errors shown in it."""

        async def look() -> dict[str, Any] | None:
            modal = self.slack._modal
            if modal is None or modal["title"]["text"] != title or not (fields := _fields(modal)):
                return None
            return modal if values.keys() <= fields.keys() else None

        fields = _fields(await self.until(look, f"the form {title}"))
        given = {
            block: {fields[block]["action_id"]: {"type": fields[block]["type"], "value": value}}
            for block, value in values.items()
        }
        return await self.slack.submit(user, given)

    def rings(self, account: str, caller: str, line: str) -> None:
        """Somebody outside calls a line and waits."""
        self.world.network.incoming(self.world.exchanges[account], caller=caller, did=line, kind="missed")

    def lines(self, *words: str) -> list[str]:
        """What stands anywhere in Slack with those words in it."""
        texts = [str(message.get("text", "")) for told in self.slack._messages.values() for message in told]
        return [text for text in texts if all(word in text for word in words)]

    async def agree(self) -> None:
        """Dana says in the form that the other side agreed to be recorded."""

        async def look() -> dict[str, Any] | None:
            return await self.slack.form() or None

        form = await self.until(look, "the form that asks for consent")
        assert "did they agree" in form["blocks"][0]["text"]["text"]
        await self.slack.submit(demo.DANA, {})
        self.slack.close_form()

    async def press_in_channel(self, action: str) -> None:
        """Press a button of the newest message in the sales channel that has it: a card, or what /calls answered."""
        message, element = await self.until(lambda: self._button(action, demo.SALES), f"a button {action} in #sales")
        await self.slack.interact(demo.DANA, demo.SALES, message["ts"], element)

    async def press_at_home(self, action: str) -> None:
        """Open App Home and press a button there."""
        await self.slack.open_home(demo.DANA)

        async def look() -> dict[str, Any] | None:
            return _element(await self.slack.home(demo.DANA), action)

        await self.slack.interact(demo.DANA, "", "", await self.until(look, f"a button {action} in App Home"))

    async def _button(self, action: str, channel: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
        for message in reversed(await self.slack.messages(channel)):
            element = None if message.get("thread_ts") else _element(message.get("blocks", ()), action)
            if element is not None:
                return message, element
        return None

    async def choose(self, values: dict[str, str], *, user: str = demo.DANA) -> None:
        """Fill the fields (block ids) of the form that opens, and send it; of a choice the first option that has the
        text."""

        async def look() -> dict[str, Any] | None:
            form = await self.slack.form()
            blocks = {block["block_id"]: block for block in form.get("blocks", ()) if block["type"] == "input"}
            return {name: blocks[name]["element"] for name in values} if set(values) <= set(blocks) else None

        elements = await self.until(look, f"a form with {set(values)}")
        state = {name: {element["action_id"]: _filled(element, values[name])} for name, element in elements.items()}
        assert await self.slack.submit(user, state) == {}
        self.slack.close_form()

    async def shows(self) -> set[str]:
        """Which buttons her newest card has."""
        for message in await self.messages():
            elements = [element for block in message.get("blocks", ()) for element in block.get("elements", ())]
            if found := {one["action_id"].partition(":")[2] for one in elements if "action_id" in one}:
                return found
        return set()

    async def conversation(self) -> str:
        return str(await self.until(lambda: self.callboard.board.read(cards.conversation, demo.DANA), "a conversation"))

    async def messages(self) -> list[dict[str, Any]]:
        return list(reversed(await self.slack.messages(await self.conversation())))

    async def sees(self, *words: str, channel: str = "") -> str:
        """A message with all these words, anywhere unless told where."""

        async def look() -> str:
            if channel:
                texts = [str(message.get("text", "")) for message in await self.slack.messages(channel)]
                return next((text for text in texts if all(word in text for word in words)), "")
            return next(iter(self.lines(*words)), "")

        return str(await self.until(look, f"a message with {words}"))

    async def call(self, wanted: Callable[[Call], bool]) -> Call:
        async def look() -> Call | None:
            latest = await self.callboard.board.read(_latest, demo.DANA)
            return latest if latest is not None and wanted(latest) else None

        found = await self.until(look, "the call in that state")
        assert isinstance(found, Call)
        return found

    async def until(self, look: Callable[[], Any], what: str) -> Any:
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while not (found := await look()):
            if asyncio.get_running_loop().time() > deadline:
                everything = {name: [m.get("text") for m in told] for name, told in self.slack._messages.items()}
                pytest.fail(f"waited in vain for {what}; Slack shows: {everything}")
            await asyncio.sleep(0.02)
        return found

    async def talking(self) -> Call:
        """Wait until the two talk; from then on simulated time passes at its real pace, so no test has to hurry."""
        call = await self.call(lambda call: call.state is State.TALKING)
        self.world.clock.set_speed(LEISURELY)
        return call

    async def ended(self, *, wanted: Callable[[Call], bool] = lambda call: True) -> Call:
        """Let time pass until the call has ended and whatever comes after that is as wanted."""
        self.world.clock.set_speed(BRISK)
        return await self.call(lambda call: call.state is State.ENDED and wanted(call))

    def silent(self, account: str) -> Callable[[], Any]:
        """For `until`: nobody is on the line at that service any more."""

        async def look() -> bool:
            return not self.world.network.live_calls(self.world.exchanges[account])

        return look


def _fields(view: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Block id -> input element of a form."""
    return {block["block_id"]: block["element"] for block in view["blocks"] if block["type"] == "input"}


def _element(blocks: Iterable[dict[str, Any]], action: str) -> dict[str, Any] | None:
    for block in blocks:
        accessory = block.get("accessory")
        for element in (*block.get("elements", ()), *((accessory,) if accessory else ())):
            if element.get("action_id") == action:
                return {**element, "block_id": block["block_id"]}
    return None


def _filled(element: dict[str, Any], text: str) -> dict[str, Any]:
    if "options" not in element:
        return {"type": element["type"], "value": text}
    chosen = next(option for option in element["options"] if text in option["text"]["text"])
    return {"type": element["type"], "selected_option": chosen}


@asynccontextmanager
async def town(
    tmp_path: Path, *, more: Mapping[str, str] = MappingProxyType({}), added: str = "", **variables: str
) -> AsyncIterator[Town]:
    """Everything starts and Dana has a phone. `more`, `added`: as of `demo.bot_and_world`; `variables`: environment."""
    secret = secrets.token_hex(16)
    channels = {demo.SALES: "sales", demo.SUPPORT: "support"}
    slack = Workspace(demo.PEOPLE, channels, demo.ZONE, secret, lambda text: None)
    async with AsyncExitStack() as stack:
        port = await stack.enter_async_context(serving(slack.app, "127.0.0.1", 0))
        slack.url = f"http://127.0.0.1:{port}"
        environment = {
            "SLACK_BOT_TOKEN": "xoxb-terminal",
            "SLACK_SIGNING_SECRET": secret,
            "SLACK_API_URL": f"{slack.url}/api/",
            "CALLBOARD_SLACK_MODE": "http",
            **variables,
        }
        callboard, world = await stack.enter_async_context(
            demo.bot_and_world(tmp_path, environment, more=more, added=added)
        )
        slack.bot_url = f"http://127.0.0.1:{callboard.port}"
        world.clock.set_speed(BRISK)
        there = Town(callboard, world, slack)
        await there.type("/phone link +972 50 555 0190")
        async with asyncio.timeout(PATIENCE):
            while (await callboard.board.read(people.person, demo.DANA)).phone_kind != "number":
                await asyncio.sleep(0.02)
        yield there
