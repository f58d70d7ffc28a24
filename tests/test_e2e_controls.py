"""A running call in your hands, in the local Slack page: every state of its card, with pictures for the docs."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot import demo
from bot.store import cards
from tests.seat import MARKS, Seat, sitting
from tests.town import BRISK

pytestmark = MARKS


@pytest.fixture
async def seat(tmp_path: Path) -> AsyncIterator[Seat]:
    async with sitting(tmp_path) as seat:
        yield seat


async def test_a_call_in_your_hands(seat: Seat) -> None:
    clock = seat.running.world.clock
    await seat.act_as(demo.MAYA)
    await seat.go("sales")
    await seat.type("/call Noa Green")
    await seat.go("Maya Stern")
    await seat.picture("call-ringing", await seat.see("Ringing your phone"))
    card = await seat.talking("Noa Green")
    await card.get_by_role("button", name="Keypad…").wait_for()
    await seat.picture("call-talking", card)

    await seat.press(card, "Record")
    await seat.page.get_by_text("did they agree").wait_for()
    await seat.page.locator(".modal").screenshot(path=seat.pictures / "consent-form.png")
    await seat.submit()
    card = await seat.see("Talking to Noa Green", "recording", "Stop recording")
    await seat.picture("call-recording", card)

    await seat.press(card, "Hold")
    card = await seat.see("Noa Green", "on hold", "Resume")
    await seat.picture("call-on-hold", card)
    await seat.press(card, "Resume")
    card = await seat.see("Talking to Noa Green", "Consult…")

    await seat.press(card, "Consult…")
    await seat.page.wait_for_selector(".modal")
    await seat.fill("Who", "+972 50 555 0198")
    await seat.page.locator(".modal").screenshot(path=seat.pictures / "consult-form.png")
    await seat.submit()
    question = await seat.see("This call is being recorded", "only if they agree")  # they are not one of the team
    await seat.press(question, "They agreed")
    card = await seat.see("on the other line", "Complete the transfer")
    await seat.picture("call-consulting", card)
    clock.set_speed(BRISK)
    await seat.press(card, "Complete the transfer")
    card = await seat.see("Noa Green", "was put through to")
    await seat.picture("call-transferred", card)

    card = await seat.see("Noa Green", "recorded", "How did it go?")
    await card.get_by_role("button", name="Recording", exact=True).wait_for()
    await seat.picture("call-recorded", card)
    conversation = await seat.running.callboard.board.read(cards.conversation, demo.MAYA)
    async with asyncio.timeout(60):
        while not (found := [m for m in await seat.running.slack.messages(conversation) if m.get("files")]):
            await asyncio.sleep(0.05)
    (file,) = found
    assert (file["files"][0]["mimetype"], bool(file["thread_ts"])) == ("audio/mpeg", True)
