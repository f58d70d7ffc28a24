"""An office in which a rep talks, at a phone service that can do everything to a running call."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from typing_extensions import override

from bot.call import Call
from bot.events import CUSTOMER, REP, AnyEvent, LegAnswered, LegRinging, State
from bot.orders import Prompt, Speech, TalkOption
from tests.fake_slack import FakeSlack
from tests.office import SETTINGS, Office, PaperPhone, office
from tests.slack_state import Clock, Message

TALK = frozenset(
    {"hold", "consult", "forward", "transfer", "press_key", "play", "tag", "start_recording", "coach", "block"}
)
OPTIONS = (
    TalkOption(button="1", kind="tag_call", name="Tag", value="77", value_name="Sold"),
    TalkOption(button="9", kind="record_talk", name="Record"),
)


class Switchboard(PaperPhone):
    """Everything can be done to a talk; `done` is what was asked, `fault` is raised instead, `good` requests later."""

    def __init__(self, account: str, now: Callable[[], float]) -> None:
        super().__init__(account, now)
        self.done: list[tuple[str, ...]] = []
        self.prompts: list[Prompt] = []
        self.fault: Exception | None = None
        self.good = 0
        self.gate: asyncio.Event | None = None

    @override
    def controls(self, call: Call) -> frozenset[str]:
        if call.state is not State.TALKING:
            return frozenset({"hang_up"}) if call.live else frozenset()
        if call.consulting:
            return frozenset({"complete_transfer", "return_to_caller", "hang_up"})
        if call.held:
            return frozenset({"resume", "consult", "hang_up"})
        return TALK | {"hang_up", "use_talk_option", "drop_leg"} | ({"stop_recording"} if call.recording_on else set())

    async def _do(self, *what: str) -> None:
        self.done.append(what)
        if self.gate is not None:
            await self.gate.wait()
        if self.fault is not None and len(self.done) > self.good:
            raise self.fault

    @override
    async def hold(self, call: Call, speech: Speech | None = None) -> None:
        await self._do("hold")

    @override
    async def resume(self, call: Call) -> None:
        await self._do("resume")

    @override
    async def consult(self, call: Call, to: str, speech: Speech | None = None) -> None:
        await self._do("consult", to, *([speech.text] if speech is not None else []))

    @override
    async def complete_transfer(self, call: Call) -> None:
        await self._do("complete_transfer")

    @override
    async def return_to_caller(self, call: Call) -> None:
        await self._do("return_to_caller")

    @override
    async def forward(self, call: Call, to: str) -> None:
        await self._do("forward", to)

    @override
    async def press_key(self, call: Call, key: str) -> None:
        await self._do("press_key", key)

    @override
    async def play(self, call: Call, prompt: Prompt) -> None:
        self.prompts.append(prompt)
        await self._do("play", prompt.speech.text or prompt.speech.media)

    @override
    async def start_recording(self, call: Call, name: str = "") -> tuple[AnyEvent, ...]:
        await self._do("start_recording")
        return ()

    @override
    async def stop_recording(self, call: Call) -> None:
        await self._do("stop_recording")

    @override
    async def tag(self, call: Call, tag: str) -> None:
        await self._do("tag", tag)

    @override
    async def coach(self, call: Call, phone: str = "") -> None:
        await self._do("coach", phone)

    @override
    async def block(self, call: Call) -> None:
        await self._do("block")

    @override
    async def use_talk_option(self, call: Call, button: str) -> None:
        await self._do("use_talk_option", button)

    @override
    async def talk_options(self) -> tuple[TalkOption, ...]:
        return OPTIONS


@pytest.fixture
async def desk(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> AsyncIterator[Office]:
    recorded = SETTINGS + '[recording]\ncountries = { US = "ask" }\n'
    async with office(tmp_path, fake_slack, slack_clock, recorded, kind=Switchboard) as desk:
        await desk.link("U1")
        yield desk


def phone(desk: Office) -> Switchboard:
    assert isinstance(desk.phone, Switchboard)
    return desk.phone


async def talking(desk: Office) -> Call:
    await desk.type("/call +1 202 555 0101")
    at = desk.clock()
    await desk.happen(
        LegRinging(ref="paper-1", at=at, leg=REP),
        LegAnswered(ref="paper-1", at=at + 1, leg=REP),
        LegRinging(ref="paper-1", at=at + 2, leg=CUSTOMER),
        LegAnswered(ref="paper-1", at=at + 3, leg=CUSTOMER),
    )
    return await only(desk)


async def only(desk: Office) -> Call:
    (call,) = await desk.calls()
    return call


def card(desk: Office) -> Message:
    return next(message for message in desk.conversation("U1") if not message.thread_ts)


def thread(desk: Office) -> list[str]:
    return [message.text for message in desk.conversation("U1") if message.thread_ts == card(desk).ts]


def buttons(desk: Office) -> set[str]:
    return {
        element["action_id"].removeprefix("live:")
        for block in card(desk).blocks
        if block["type"] == "actions"
        for element in block["elements"]
        if element["action_id"].startswith("live:")
    }


async def press(desk: Office, action: str, user: str = "U1") -> str:
    desk.clock.advance(2)
    return await desk.press(f"live:{action}", card(desk), desk.slack.open_dm("U1").id, user=user)
