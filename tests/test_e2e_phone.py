"""The web phone in headless Chromium, against a stand-in for the vendor's script with the documented interface.

The page, its script and the vendor's are served on loopback from two origins, so that the page's policy is tried, too.
"""

import asyncio
import contextlib
import dataclasses
import os
import re
import shutil
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from aiohttp import web as aiohttp_web
from playwright.async_api import Page, async_playwright, expect
from typing_extensions import override

from bot.assembly import serving
from bot.call import Call
from bot.events import CUSTOMER, REP, AnyEvent, LegAnswered, State
from bot.phone_page import link
from bot.providers.voicenter import web_phone as voicenter
from bot.store import people, web_phones
from bot.store.people import Person
from bot.store.web_phones import Phone
from bot.web import application
from bot.web_phone import Report, WebPhone, seal
from tests.browser import CALLER, EXTENSION, PASSWORD, REF, SECRET, rings
from tests.fake_slack import FakeSlack
from tests.office import Office, PaperPhone, office
from tests.slack_state import Clock

CHROMIUM = shutil.which("chromium")
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync")
SCRIPT = Path(__file__).parent / "vendor" / "web_phone.js"
PICTURES = Path(__file__).parents[1] / "docs" / "pictures"

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here (Debian: apt-get install chromium)"),
]


class Browserphone(PaperPhone):
    """A service whose web phone's script is at `script`."""

    title: ClassVar[str] = "Voicenter"

    script = ""

    @override
    def web_phone(self) -> WebPhone:
        origin = self.script.rpartition("/")[0]
        return WebPhone(self.script, (origin,), Path(voicenter.__file__).with_name("web_phone.js"))

    @override
    def read_report(self, call: Call, told: Report) -> tuple[AnyEvent, ...]:
        return voicenter.events(call, told)


@dataclasses.dataclass
class Browser:
    """A rep before the page."""

    desk: Office
    page: Page
    origin: str
    complaints: list[str]
    pictures: Path

    async def open(self, password: str = PASSWORD) -> None:
        """As `/phone web` does: the link, opened in the browser."""
        board = self.desk.board
        person = Person("U1", name="Ada", phone_kind="extension", phone=EXTENSION, account="voicenter")
        await board.write(people.save_person, dataclasses.replace(person, extension=EXTENSION))
        await board.write(web_phones.save, Phone("U1", "voicenter", EXTENSION, seal(SECRET, password)))
        phone = await board.read(web_phones.get, "U1")
        assert phone is not None
        await self.page.goto(await link(board, phone))

    async def fire(self, callback: str, *told: str) -> None:
        await self.page.evaluate("told => window.vendor.fire(...told)", [callback, *told])

    async def done(self) -> list[list[str]]:
        found: list[list[str]] = await self.page.evaluate("window.vendor.done")
        return found

    async def see(self, element: str, words: str) -> None:
        await expect(self.page.locator(f"#{element}")).to_have_text(re.compile(re.escape(words)), timeout=15_000)

    async def picture(self, name: str) -> None:
        await self.page.screenshot(path=self.pictures / f"{name}.png")

    async def until(self, state: State) -> Call:
        """The call as the page's reports have made it."""
        for _ in range(300):
            found = await self.desk.calls()
            if found and found[-1].state is state:
                return found[-1]
            await self.page.wait_for_timeout(20)
        raise AssertionError(f"no call is {state}: {found}")


@contextlib.asynccontextmanager
async def vendor() -> AsyncIterator[str]:
    """The vendor's host: the address of the script."""

    async def script(request: aiohttp_web.Request) -> aiohttp_web.Response:
        return aiohttp_web.Response(text=SCRIPT.read_text(encoding="utf-8"), content_type="text/javascript")

    app = aiohttp_web.Application()
    app.router.add_get("/web_phone.js", script)
    app.router.add_get("/other.js", script)
    runner = aiohttp_web.AppRunner(app, access_log=None)
    await runner.setup()
    await aiohttp_web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/web_phone.js"
    await runner.cleanup()


@pytest.fixture
async def browser(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> AsyncIterator[Browser]:
    async with contextlib.AsyncExitStack() as stack:
        desk = await stack.enter_async_context(office(tmp_path, fake_slack, slack_clock, kind=Browserphone))
        assert isinstance(desk.phone, Browserphone)
        desk.phone.script = await stack.enter_async_context(vendor())
        port = await stack.enter_async_context(serving(application(desk.board), "127.0.0.1", 0))
        origin = f"http://127.0.0.1:{port}"
        object.__setattr__(desk.board.settings, "public_url", origin)
        playwright = await stack.enter_async_context(async_playwright())
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = await chromium.new_page(viewport={"width": 520, "height": 640}, device_scale_factor=2)
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        pictures = PICTURES if os.environ.get("CALLBOARD_PICTURES") else tmp_path
        yield Browser(desk, page, origin, complaints, pictures)
        await chromium.close()


async def test_an_incoming_call_is_answered_muted_and_hung_up(browser: Browser) -> None:
    await browser.desk.contact(CALLER, "Noa Green", "Green Gardens")
    await browser.open()
    await browser.see("state", "Ready: calls ring here.")
    await browser.see("owner", "Ada, Voicenter")
    assert await browser.page.evaluate("window.vendor.login") == {"user": EXTENSION, "password": PASSWORD}
    assert browser.page.url == f"{browser.origin}/phone", "the ticket is gone from the address"
    answer, hang_up, mute = (browser.page.locator(f"#{name}") for name in ("answer", "hang-up", "mute"))
    for button in (answer, hang_up, mute):
        assert await button.is_disabled()

    browser.desk.phone.events = rings()  # the service knows of it; no webhook has told
    await browser.fire("onRinging", REF)
    await browser.see("call", "Ringing: Noa Green (Green Gardens), +1 202-555-0155.")
    await expect(hang_up).to_have_text("Decline")
    await browser.picture("web-phone-ringing")
    assert (await browser.until(State.RINGING)).rep == "U1"
    await answer.click()
    assert await browser.done() == [["answer", REF]]

    await browser.fire("onCallAnswer", "a-token")  # documented to tell a token, not the id
    await browser.see("call", "Talking to Noa Green")
    await browser.until(State.TALKING)
    await mute.click()
    await browser.see("call", "your microphone is muted")
    await expect(mute).to_have_text("Unmute microphone")
    await mute.click()
    await hang_up.click()
    assert (await browser.done())[1:] == [["mute", REF], ["unmute", REF], ["hangUp", REF]]
    await browser.fire("onCallEnd", REF)
    await browser.see("call", "The call has ended.")
    await browser.until(State.ENDED)
    assert len(await browser.desk.calls()) == 1
    assert browser.complaints == []


async def test_a_call_is_dialled_through_the_gate_and_picked_up_by_itself(browser: Browser) -> None:
    await browser.open()
    await browser.see("state", "Ready")
    await browser.page.get_by_label("Number, contact or extension").fill("911")
    await browser.page.keyboard.press("Enter")
    await browser.see("told", "emergency")
    assert browser.desk.phone.orders == []
    await browser.page.get_by_label("Number, contact or extension").fill("+1 202 555 0101")
    await browser.page.get_by_role("button", name="Call", exact=True).click()
    await browser.see("told", "Calling +1 202-555-0101; your phone rings first.")
    await browser.picture("web-phone")
    assert len(browser.desk.phone.orders) == 1
    await browser.fire("onRinging", "paper-1")
    await browser.fire("onCallAnswer", "paper-1")
    call = await browser.until(State.CONNECTING)
    assert [leg.name for leg in call.legs] == [REP]
    assert await browser.done() == [["answer", "paper-1"]], "answered by itself, and never dialled by the script"
    await browser.desk.happen(LegAnswered(ref="paper-1", at=browser.desk.clock(), leg=CUSTOMER))
    await browser.fire("onCallEnd", "paper-1")
    await browser.until(State.ENDED)
    assert len(await browser.desk.calls()) == 1
    assert browser.complaints == [message for message in browser.complaints if "409" in message], "only the refusal"


async def test_each_question_before_a_call_has_a_yes_of_its_own(browser: Browser) -> None:
    settings = browser.desk.board.settings
    object.__setattr__(settings, "policy", dataclasses.replace(settings.policy, hours=("00:00", "00:01")))
    object.__setattr__(settings, "recording", dataclasses.replace(settings.recording, countries={"US": "ask"}))
    await browser.open()
    await browser.see("state", "Ready")
    await browser.page.get_by_label("Number, contact or extension").fill("+1 202 555 0101 record")
    await browser.page.keyboard.press("Enter")
    await browser.page.get_by_role("button", name="They agreed").click()
    await browser.see("told", "Call anyway?")
    assert browser.desk.phone.orders == []
    await browser.page.get_by_role("button", name="Call all the same").click()
    await browser.see("told", "Calling +1 202-555-0101; your phone rings first.")
    assert [order.record for order in browser.desk.phone.orders] == [True]


async def test_every_callback_says_something_and_arrives(browser: Browser) -> None:
    await browser.open()
    await browser.see("state", "Ready")
    for callback, words in (
        ("onDisconnect", "Connection lost"),
        ("onInitiateFailed", "could not be set up"),
        ("onRegisterFailed", "did not accept"),
        ("onRegister", "Ready"),
    ):
        await browser.fire(callback)
        await browser.see("state", words)
    await browser.fire("onCall", REF)
    await browser.see("call", "Calling somebody.")
    await browser.fire("onCallFailed", REF)
    await browser.see("call", "The call failed.")
    await browser.fire("onRinging", REF)
    await browser.see("call", "somebody calls")
    await browser.fire("onCallRejected", REF)
    await browser.see("call", "The call was rejected.")
    expected = {"calling", "failed", "ringing", "rejected"}
    async with asyncio.timeout(15):
        while await browser.desk.board.db.read(_reported) != expected:
            await browser.page.wait_for_timeout(20)
    await browser.desk.settle()
    assert len(browser.desk.conversation("U1")) == 3, "three problems, each told in Slack"
    assert await browser.desk.calls() == []


def _reported(db: sqlite3.Connection) -> set[str]:
    return {row[0] for row in db.execute("SELECT what FROM web_phone_reports")}


async def test_two_calls_at_once(browser: Browser) -> None:
    other = f"{REF[:-1]}2"
    await browser.open()
    await browser.see("state", "Ready")
    await browser.fire("onRinging", REF)
    await browser.fire("onCallAnswer", REF)
    await browser.see("call", "Talking to somebody")
    await browser.fire("onRinging", other)
    await browser.see("call", "Another call rings: number not told.")
    await browser.page.locator("#hang-up").click()
    await browser.page.locator("#answer").click()
    assert await browser.done() == [["hangUp", REF], ["answer", other]]
    await browser.fire("onCallAnswer", "a-token")  # which of the two is known: it was answered here
    await browser.fire("onCallEnd", REF)
    await browser.see("call", "Talking to somebody.")


async def test_a_wrong_password_is_said_on_the_page_and_in_slack(browser: Browser) -> None:
    async with browser.page.expect_response("**/phone/report"):
        await browser.open("wrong")
        await browser.see("state", "did not accept your web phone's user or password")
    assert await browser.page.locator("#number").is_disabled()
    await browser.desk.settle()
    (message,) = browser.desk.conversation("U1")
    assert "could not sign in" in message.text


async def test_without_a_link_and_with_a_used_one_nothing_is_loaded(browser: Browser) -> None:
    await browser.page.goto(f"{browser.origin}/phone")
    await browser.see("state", "Type /phone web in Slack")
    await browser.open()
    await browser.see("state", "Ready")
    await browser.page.context.clear_cookies()
    await browser.page.goto("about:blank")
    await browser.page.goto(f"{browser.origin}/phone#U1.1.x.y")
    await browser.see("state", "too old or not ours")
    assert await browser.page.evaluate("window.vendor") is None


async def test_the_policy_stops_every_other_script(browser: Browser) -> None:
    await browser.open()
    await browser.see("state", "Ready")
    assert isinstance(browser.desk.phone, Browserphone)
    elsewhere = browser.desk.phone.script.replace("web_phone.js", "other.js")
    blocked: Any = await browser.page.evaluate(
        """async (elsewhere) => {
            const tried = [];
            const all = new Promise((resolve) => document.addEventListener("securitypolicyviolation", (event) => {
              if (tried.push(event.violatedDirective) === 3) resolve();
            }));
            for (const set of [(s) => { s.src = elsewhere; }, (s) => { s.textContent = "window.inline = true"; }]) {
              const script = document.createElement("script");
              set(script);
              document.head.append(script);
            }
            await fetch("https://elsewhere.example/").catch(() => {});
            await all;
            return [tried.sort(), window.inline === undefined];
        }""",
        elsewhere,
    )
    assert blocked == [["connect-src", "script-src-elem", "script-src-elem"], True]


async def test_it_works_by_keyboard_and_says_what_happens(browser: Browser) -> None:
    await browser.open()
    await browser.see("state", "Ready")
    live = await browser.page.evaluate("[...document.querySelectorAll('[role=status]')].map((element) => element.id)")
    assert live == ["state", "call", "told"]
    await browser.fire("onRinging", REF)
    reached = []
    for _ in range(4):
        await browser.page.keyboard.press("Tab")
        reached.append(await browser.page.evaluate("document.activeElement.id"))
    assert reached == ["answer", "hang-up", "number", "start"]
    await browser.page.locator("#answer").focus()
    await browser.page.keyboard.press("Enter")
    assert await browser.done() == [["answer", REF]]
    unnamed = await browser.page.evaluate(
        "[...document.querySelectorAll('button, input')].filter((e) => !e.textContent && !e.labels.length).length"
    )
    assert unnamed == 0
