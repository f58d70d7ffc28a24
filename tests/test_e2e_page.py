"""A newcomer's day in the local Slack page, in headless Chromium. Takes the pictures of the README.

`CALLBOARD_PICTURES=1 make test MARKS=e2e` writes them to docs/pictures; otherwise they go to a temporary folder.
"""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Locator, Page, async_playwright

from bot import demo, local_slack
from bot.local_slack import LocalSlackUnavailable

CHROMIUM = shutil.which("chromium")
ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "bot" / "providers" / "voicenter" / "samples" / "webhooks"

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here (Debian: apt-get install chromium)"),
]


@dataclass
class Seat:
    """A person before the page."""

    page: Page
    running: demo.Demo
    pictures: Path

    async def go(self, name: str) -> None:
        await self.page.locator(".sidebar-item", has_text=name).first.click()

    async def type(self, line: str) -> None:
        box = self.page.locator("main .composer-input")
        await box.fill(line)
        await box.press("Enter")

    def message(self, *words: str) -> Locator:
        found = self.page.locator(".messages .msg")
        for word in words:
            found = found.filter(has_text=word)
        return found.last

    async def see(self, *words: str) -> Locator:
        found = self.message(*words)
        await found.wait_for(timeout=60_000)
        return found

    async def fill(self, label: str, value: str) -> None:
        field = self.page.locator(f'.modal .bk-input:has(.bk-label:text-is("{label}"))')
        if await field.locator("select").count():
            await field.locator("select").select_option(label=value)
        else:
            await field.locator("input").fill(value)

    async def picture(self, name: str, message: Locator) -> None:
        await message.scroll_into_view_if_needed()
        await message.screenshot(path=self.pictures / f"{name}.png")


@pytest.fixture
async def seat(tmp_path: Path) -> AsyncIterator[Seat]:
    pictures = ROOT / "docs" / "pictures" if os.environ.get("CALLBOARD_PICTURES") else tmp_path
    try:
        program = await asyncio.to_thread(local_slack.fetch, ROOT / ".callboard" / "local-slack")
    except LocalSlackUnavailable as error:
        pytest.skip(str(error))
    async with demo.started(tmp_path / "state", program, quiet=True) as running, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = await browser.new_page(viewport={"width": 1100, "height": 800}, device_scale_factor=2)
        await page.goto(running.slack.url)
        await page.wait_for_selector(".app-status .status.ok")
        await page.locator("label.actas select").select_option(demo.DANA)
        yield Seat(page, running, pictures)
        await browser.close()


async def test_a_day(seat: Seat) -> None:
    await seat.go("sales")
    await seat.type("/call Noa Green note asks about the spring offer")
    await seat.see("Ringing your phone to call Noa Green")
    await seat.go("Dana Levi")
    card = await seat.see("Talking to Noa Green")
    await seat.picture("call-card", card)
    seat.running.world.clock.set_speed(4)
    card = await seat.see("Talked for", "Noa Green")
    await card.get_by_role("button", name="How did it go?").click()
    await seat.page.wait_for_selector(".modal")
    await seat.fill("How it went", "Interested")
    await seat.fill("Note", "send the catalogue")
    await seat.page.locator(".modal-btn.primary").click()
    await seat.see("How it went: Interested", "send the catalogue")
    await seat.picture("call-card-ended", seat.message("Talked for"))

    await seat.type("/call +972 50 555 0198")
    card = await seat.see("Talking to +972 50-555-0198")
    await card.get_by_role("button", name="Hang up").click()
    await seat.see("+972 50-555-0198", "How did it go?")

    await seat.go("sales")
    for _ in range(2):
        seat.running.world.network.incoming(
            seat.running.world.exchanges["voicenter"], caller="+972505550177", did=demo.SALES_LINE, kind="missed"
        )
        await seat.see("Missed call from +972 50-555-0177")
        await asyncio.sleep(0)
    await seat.see("Missed twice")
    await seat.picture("missed-caller", seat.message("Missed twice"))
    await seat.message("Missed twice").get_by_role("button", name="Call back").click()
    card = await seat.see("+972 50-555-0177", "called back")
    assert not await card.get_by_role("button", name="Call back").count()
    await seat.picture("missed-caller-closed", card)

    await post_the_documents_examples(seat)
    await seat.type("/digest now")
    digest = await seat.see("Call digest", "Answer rate")
    await seat.picture("digest", digest)
    await digest.get_by_role("button", name="What do these mean?").click()
    await seat.see("What the figures mean")

    await seat.type("/call 911")
    await seat.see("emergency")
    await seat.type("/callboard")
    await seat.see("Nothing is broken")
    await seat.page.locator(".sidebar-item", has_text="Callboard").last.click()
    await seat.page.locator(".home").get_by_text("My calls now").wait_for(timeout=20_000)
    await seat.page.screenshot(path=seat.pictures / "home.png")


async def post_the_documents_examples(seat: Seat) -> None:
    """Voicenter's example CDRs, repaired and with fictional numbers, posted as curl would."""
    board = seat.running.callboard.board
    hook = board.settings.hook_url("voicenter", "cdr")
    before = len(await seat.running.slack.messages(demo.SUPPORT))
    async with httpx.AsyncClient() as http:
        for name, moment in (("cdr_json", "1414320455"), ("cdr_xmlrpc", "1345373417")):
            head, _, body = (SAMPLES / f"{name}.http").read_text(encoding="utf-8").partition("\n\n")
            body = body.replace(
                moment, str(int(board.now()) - 60)
            )  # the examples' day, so that today's digest has them
            kind = next(line.partition(":")[2].strip() for line in head.splitlines() if line.startswith("Content-Type"))
            answer = await http.post(hook, content=body.encode(), headers={"Content-Type": kind})
            assert answer.status_code == 200
            assert "OK" in answer.text
    async with asyncio.timeout(30):
        while len(found := await seat.running.slack.messages(demo.SUPPORT)) < before + 2:
            await asyncio.sleep(0.05)
    assert all("Outgoing call to +972 50-555-0102" in message["text"] for message in found[-2:])
