"""For tests of recordings: an office whose phone service records, and calls that were recorded."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
from typing_extensions import override

from bot.call import Call
from bot.delivering import Deliveries
from bot.events import (
    CUSTOMER,
    REP,
    AnyEvent,
    CdrReceived,
    Described,
    LegAnswered,
    LegEnded,
    LegRinging,
    Outcome,
    RecordingReady,
    State,
)
from tests.office import LINE, SETTINGS, Office, PaperPhone
from tests.slack_state import Message

SOUND = b"RIFF\x04\x00\x00\x00WAVE a talk"
ANNOUNCEMENT = "This call is recorded."


class Recorder(PaperPhone):
    """Records, and hands recordings out. `fault` is raised instead; `fetched` is what was asked for."""

    title = "Paperphone"

    def __init__(self, account: str, now: Callable[[], float]) -> None:
        super().__init__(account, now)
        self.done: list[str] = []
        self.fetched: list[str] = []
        self.faults: list[Exception] = []

    @override
    def controls(self, call: Call) -> frozenset[str]:
        if call.state is not State.TALKING:
            return frozenset({"hang_up"}) if call.live else frozenset()
        return frozenset({"hang_up", "stop_recording" if call.recording_on else "start_recording"})

    @override
    async def start_recording(self, call: Call, name: str = "") -> tuple[AnyEvent, ...]:
        self.done.append(f"start {call.number}")
        return ()

    @override
    async def stop_recording(self, call: Call) -> None:
        self.done.append(f"stop {call.number}")

    @override
    async def fetch_recording(self, recording: str, into: Path, limit: int) -> str:
        self.fetched.append(recording)
        if self.faults:
            raise self.faults.pop(0)
        await anyio.Path(into).write_bytes(SOUND + recording.encode())
        return "audio/wav"


def settings(**more: Any) -> str:
    """The office's settings with a section [recording]."""
    given = {"countries": {"US": "ask"}, "announcement": ANNOUNCEMENT} | more
    lines = []
    for name, value in given.items():
        if isinstance(value, dict):
            value = "{ " + ", ".join(f'{code} = "{rule}"' for code, rule in value.items()) + " }"
            lines.append(f"{name} = {value}")
        else:
            lines.append(f'{name} = "{value}"' if isinstance(value, str) else f"{name} = {value}")
    return SETTINGS + "[recording]\n" + "\n".join(lines) + "\n"


def recorder(desk: Office) -> Recorder:
    assert isinstance(desk.phone, Recorder)
    return desk.phone


def deliveries(desk: Office) -> Deliveries:
    return Deliveries(desk.board, desk.desk.slack)


async def talk(desk: Office, number: str = "+1 202 555 0101", user: str = "U1") -> Call:
    """A call that is being talked on."""
    await desk.type(f"/call {number}", user=user)
    ref, at = f"paper-{len(desk.phone.orders)}", desk.clock()
    await desk.happen(
        LegRinging(ref=ref, at=at, leg=REP),
        LegAnswered(ref=ref, at=at + 1, leg=REP),
        LegRinging(ref=ref, at=at + 2, leg=CUSTOMER),
        LegAnswered(ref=ref, at=at + 3, leg=CUSTOMER),
    )
    return (await desk.calls())[-1]


async def end(desk: Office, *recordings: str) -> Call:
    """The latest call ends; its recordings can be fetched."""
    ref = f"paper-{len(desk.phone.orders)}"
    at = desk.clock()
    told = [RecordingReady(ref=ref, at=at + place, recording=name) for place, name in enumerate(recordings)]
    await desk.happen(LegEnded(ref=ref, at=at, leg=CUSTOMER, outcome=Outcome.ANSWERED), *told)
    return (await desk.calls())[-1]


async def recorded(desk: Office, *recordings: str, number: str = "+1 202 555 0101", user: str = "U1") -> Call:
    """A call that was talked on and recorded."""
    await talk(desk, number, user)
    return await end(desk, *(recordings or ("rec-1",)))


async def came_in(desk: Office, recording: str = "rec-in") -> Call:
    """An incoming call that was taken by Ada and recorded by the service itself."""
    at = desk.clock()
    await desk.happen(
        Described(ref="in-1", at=at, source="popup", direction="in", number="+12025550177", line=LINE),
        CdrReceived(
            ref="in-1",
            at=at,
            leg="ext:201",
            outcome=Outcome.ANSWERED,
            talk_seconds=30,
            recording=recording,
            extension="201",
        ),
    )
    return (await desk.calls())[-1]


def card(desk: Office, user: str = "U1") -> Message:
    """The latest card in somebody's conversation."""
    return [message for message in desk.conversation(user) if message.blocks and not message.thread_ts][-1]


def files(desk: Office, user: str = "U1") -> list[Message]:
    """Messages with files that somebody sees."""
    return [message for message in desk.conversation(user) if message.files]
