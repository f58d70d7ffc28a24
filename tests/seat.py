"""A person before the local Slack page, in headless Chromium: `async with sitting(folder) as seat`.

`CALLBOARD_PICTURES=1 make test MARKS=e2e` writes the pictures to docs/pictures; otherwise they go to a temporary
folder.
"""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import FilePayload, Locator, Page, async_playwright

from bot import demo, local_slack
from bot.events import State
from bot.local_slack import LocalSlackUnavailable
from bot.store import calls

CHROMIUM = shutil.which("chromium")
ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
ROOT = Path(__file__).parents[1]
MARKS = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here (Debian: apt-get install chromium)"),
]
"""`pytestmark` of a module that sits here."""


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

    async def talking(self, party: str) -> Locator:
        """The card of a talk. It lasts 20 s of simulated time, which goes slowly from its start: no page must hurry."""
        while not any(
            call.state is State.TALKING for call in await self.running.callboard.board.read(calls.open_calls)
        ):
            await asyncio.sleep(0.02)
        self.running.world.clock.set_speed(0.25)
        return await self.see(f"Talking to {party}")

    async def fill(self, label: str, value: str) -> None:
        field = self.page.locator(f'.modal .bk-input:has(.bk-label:text-is("{label}"))')
        if await field.locator("select").count():
            await field.locator("select").select_option(label=value)
        else:
            await field.locator("input").fill(value)

    async def picture(self, name: str, message: Locator) -> None:
        await self.page.mouse.move(5, 5)  # what the pointer is on looks different
        await message.scroll_into_view_if_needed()
        await message.screenshot(path=self.pictures / f"{name}.png")

    async def attach(self, name: str, text: str) -> None:
        """Send a file to where one is."""
        file: FilePayload = {"name": name, "mimeType": "text/csv", "buffer": text.encode()}
        async with self.page.expect_file_chooser() as chooser:
            await self.page.get_by_text("📎").first.click()
        await (await chooser.value).set_files(file)
        await self.page.locator("main .composer-input").press("Enter")

    async def act_as(self, user: str) -> None:
        """Be somebody else of the team."""
        await self.page.locator("label.actas select").select_option(user)

    async def press(self, message: Locator, button: str) -> None:
        """Press a button of a message, and say yes where it asks."""
        await message.get_by_role("button", name=button, exact=True).click()

    async def submit(self) -> None:
        """Send the form that is open; it closes."""
        await self.page.locator(".modal-btn.primary").click()
        await self.page.locator(".modal").wait_for(state="detached")


def pictures_in(folder: Path) -> Path:
    """Where pictures go: to the docs, if they are asked for."""
    return ROOT / "docs" / "pictures" if os.environ.get("CALLBOARD_PICTURES") else folder


@asynccontextmanager
async def sitting(folder: Path) -> AsyncIterator[Seat]:
    try:
        program = await asyncio.to_thread(local_slack.fetch, ROOT / ".callboard" / "local-slack")
    except LocalSlackUnavailable as error:
        pytest.skip(str(error))
    async with demo.started(folder / "state", program, quiet=True) as running, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = await browser.new_page(viewport={"width": 1100, "height": 800}, device_scale_factor=2)
        page.set_default_timeout(90_000)  # milliseconds; several sit here at once on a small machine
        await page.goto(running.slack.url)
        await page.wait_for_selector(".app-status .status.ok")
        await page.locator("label.actas select").select_option(demo.DANA)
        yield Seat(page, running, pictures_in(folder))
        await browser.close()
