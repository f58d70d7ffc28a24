"""A newcomer's day in the local Slack page, in headless Chromium. Takes the pictures of the README."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from bot import demo
from bot.pictures import drawn
from tests.seat import MARKS, ROOT, Seat, pictures_in, sitting

INCOMING = (*[0] * 7, 1, 4, 12, 15, 11, 9, 7, 10, 14, 12, 8, 4, 2, 1, 0, 0, 0)
MISSED = (*[0] * 7, 1, 1, 2, 3, 1, 4, 3, 2, 2, 1, 1, 2, 1, 1, 0, 0, 0)
OUTGOING = (*[0] * 8, 6, 14, 18, 12, 3, 5, 12, 16, 10, 5, 1, *[0] * 5)
SAMPLES = ROOT / "bot" / "providers" / "voicenter" / "samples" / "webhooks"

pytestmark = MARKS


@pytest.fixture
async def seat(tmp_path: Path) -> AsyncIterator[Seat]:
    async with sitting(tmp_path) as seat:
        yield seat


async def test_a_day(seat: Seat) -> None:
    await seat.go("sales")
    await seat.type("/call Noa Green note asks about the spring offer")
    await seat.see("Ringing your phone to call Noa Green")
    await seat.go("Dana Levi")
    card = await seat.talking("Noa Green")
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
    await seat.press(seat.message("Talked for"), "Change how it went")
    await seat.page.wait_for_selector(".modal")
    await seat.fill("How it went", "Wrong number")
    await seat.submit()
    card = await seat.see("How it went: Wrong number", "send the catalogue")  # nobody has touched the note
    await seat.press(card, "Change how it went")
    await seat.page.wait_for_selector(".modal")
    await seat.fill("How it went", "Nothing: take it back")
    await seat.fill("Note", "")
    await seat.submit()
    card = await seat.see("Talked for", "Noa Green", "How did it go?")
    assert "send the catalogue" not in await card.inner_text()

    await seat.type("/call +972 50 555 0198")
    card = await seat.talking("+972 50-555-0198")
    await card.get_by_role("button", name="Hang up").click()
    seat.running.world.clock.set_speed(4)
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
    await seat.type("/missed")
    waiting = await seat.see("Waiting for a call back", "Missed twice")
    await seat.picture("missed-list", waiting)
    await waiting.get_by_role("button", name="I'll take it").first.click()
    await seat.see("Waiting for a call back", "claimed by")
    await seat.message("Missed call from", "Missed twice").get_by_role("button", name="Call back").click()
    card = await seat.see("+972 50-555-0177", "called back")
    assert not await card.get_by_role("button", name="Call back").count()
    await seat.picture("missed-caller-closed", card)

    await post_the_documents_examples(seat)
    await seat.type("/digest now")
    digest = await seat.see("Call digest", "Answer rate")
    await seat.picture("digest", digest)
    await digest.get_by_role("button", name="What do these mean?").click()
    await seat.see("What the figures mean")

    await seat.type("/calls log")
    await seat.picture("call-log", await seat.see("Call log", "Export CSV"))
    await seat.type("/contacts")
    await seat.picture("contacts", await seat.see("Contacts", "Noa Green", "Busy Ben"))

    await seat.type("/call 911")
    await seat.see("emergency")
    await seat.type("/callboard")
    await seat.see("Nothing is broken")
    await seat.page.locator(".sidebar-item", has_text="Callboard").last.click()
    await seat.page.locator(".home").get_by_text("My calls now").wait_for(timeout=20_000)
    await seat.page.screenshot(path=seat.pictures / "home.png")


async def test_a_call_list(seat: Seat) -> None:
    """A rep sends a file, gives themselves its contacts, and works through them."""
    await seat.go("sales")
    await seat.type("/call Noa Green note asks about the spring offer")
    await seat.go("Dana Levi")
    await seat.talking("Noa Green")
    seat.running.world.clock.set_speed(4)
    await seat.see("Talked for", "Noa Green")
    rows = "+972505550199,Noa Green,Haifa,two olive trees\n+972505550111,Busy Ben,Jaffa,\n12,Nobody,,\n"
    rows += "+972505550112,Silent Sam,Lod,\n"
    await seat.attach("autumn.csv", f"number,name,city,bought\n{rows}")
    await seat.press(await seat.see("autumn.csv", "a call list of your own"), "Make a call list…")
    await seat.page.wait_for_selector(".modal")
    await seat.fill("Name of the list", "Autumn offers")
    await seat.submit()
    preview = await seat.see("3 contacts can be given out", "1 invalid")
    await seat.press(preview, "Give out 3 contacts")
    offered = await seat.see("Next is Noa Green", "asks about the spring offer", "bought: two olive trees")
    await seat.picture("call-list", offered)
    await seat.press(offered, "Call")
    await seat.see("Call list Autumn offers", "Talking to Noa Green")
    over = await seat.see("Call list Autumn offers", "Say how it went")
    await seat.press(over, "How did it go?")
    await seat.page.wait_for_selector(".modal")
    await seat.fill("How it went", "Interested")
    await seat.submit()
    following = await seat.see("Next is Busy Ben")
    await following.locator("select", has_text="Call on").select_option(label="Call on after 15 seconds")
    last = await seat.see("Next is Silent Sam", "Auto-dial is on.")
    await seat.press(last, "Skip")
    await seat.see("Everybody of this list is done")
    await seat.see("Done: 2 called, 1 skipped")


async def test_the_hours_of_a_busy_day(tmp_path: Path) -> None:
    """The local Slack draws no pictures that are files, so here a digest's stands alone."""
    told = {"zone": demo.ZONE, "incoming": INCOMING, "missed": MISSED, "outgoing": OUTGOING}
    picture = pictures_in(tmp_path) / "digest-by-hour.png"
    picture.write_bytes(await drawn(json.dumps(told).encode(), tmp_path))


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
