"""`callboard demo --check`: performs a call and a call back in the demo, and says what a person would have seen."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Protocol

from bot.assembly import Callboard
from bot.demo import DANA, OMER, SALES, SALES_LINE, Write
from bot.simulator.app import SimulatedWorld
from bot.store import cards

CALLER = "+972505550177"
PATIENCE = 90.0
"""Seconds of real time for each thing that must become visible."""


class Seat(Protocol):
    """Where a person sits: the local Slack, or the terminal."""

    async def command(self, user: str, channel: str, command: str, text: str = "") -> None: ...
    async def interact(self, user: str, channel: str, ts: str, action: dict[str, Any]) -> None: ...
    async def messages(self, channel: str) -> list[dict[str, Any]]: ...


class NotSeen(Exception):
    """Something that should have become visible did not."""


async def try_everything(callboard: Callboard, world: SimulatedWorld, seat: Seat, write: Write) -> int:
    """0 if all was seen, 1 if not. Runs the simulated time five times as fast."""
    world.clock.set_speed(5)
    try:
        await _a_call(callboard, seat, write)
        await _a_call_back(world, seat, write)
    except NotSeen as error:
        write(f"FAILED: {error}")
        return 1
    write("All seen: the demo works.")
    return 0


async def _a_call(callboard: Callboard, seat: Seat, write: Write) -> None:
    write("Dana types: /call Noa Green note checking the demo")
    await seat.command(DANA, SALES, "/call", "Noa Green note checking the demo")
    conversation = await _conversation(callboard, DANA)
    for words in ("Ringing", "Talking to Noa Green", "Talked for"):
        message = await _seen(seat, conversation, _has(words, "Noa Green"))
        write(f"  her card says: {_first_line(message)}")
    summary = await _seen(seat, SALES, _has("Outgoing call to Noa Green"))
    write(f"  #sales has the record: {_first_line(summary)}")


async def _a_call_back(world: SimulatedWorld, seat: Seat, write: Write) -> None:
    write(f"Somebody calls from {CALLER} and nobody answers.")
    world.network.incoming(world.exchanges["voicenter"], caller=CALLER, did=SALES_LINE, kind="missed")
    card = await _seen(seat, SALES, _has("issed once", "55-0177"))
    write(f"  #sales says: {_first_line(card)}")
    write("Omer presses “Call back”.")
    button = next(
        (block["block_id"], element)
        for block in card["blocks"]
        if block["type"] == "actions"
        for element in block["elements"]
        if element.get("action_id") == "missed:call_back"
    )
    await seat.interact(OMER, SALES, card["ts"], {**button[1], "block_id": button[0]})
    card = await _seen(seat, SALES, _has("called back"), ts=card["ts"])
    write(f"  the same card says now: {_first_line(card)}")


async def _conversation(callboard: Callboard, user: str) -> str:
    """Channel id of a person's conversation with the app, as soon as something was posted there."""

    async def look() -> str:
        return await callboard.board.read(cards.conversation, user)

    return str(await _until(look, f"nothing appeared in {user}'s conversation with Callboard"))


async def _seen(seat: Seat, channel: str, wanted: Callable[[str], bool], ts: str = "") -> dict[str, Any]:
    last = ""

    async def look() -> dict[str, Any] | None:
        nonlocal last
        found = None
        for message in await seat.messages(channel):
            last = message.get("text", "")
            if wanted(last) and ts in ("", message["ts"]):
                found = message
        return found

    try:
        found = await _until(look, "")
    except NotSeen:
        raise NotSeen(f"waited {PATIENCE:.0f} s in vain; the last message in {channel} was: {last}") from None
    assert isinstance(found, dict)
    return found


async def _until(look: Callable[[], Any], complaint: str) -> object:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := await look():
            return found
        await asyncio.sleep(0.05)
    raise NotSeen(complaint)


def _first_line(message: dict[str, Any]) -> str:
    return str(message["text"]).partition("\n")[0]


def _has(*words: str) -> Callable[[str], bool]:
    return lambda text: all(word in text for word in words)
