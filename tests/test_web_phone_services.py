"""What a web phone tells and what pop-ups, polls and records tell of the same call, over real HTTP: one call.

The whole bot and the simulated Voicenter; the test is the page, and tells what the vendor's script would.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot import demo
from bot.call import Call
from bot.events import CUSTOMER, REP, Outcome, State
from bot.phone_page import link
from bot.providers.voicenter.simulator import VoicenterExchange
from bot.store import calls, people, web_phones
from bot.store.web_phones import Phone
from bot.web_phone import seal
from tests.town import Town
from tests.town import town as running

pytestmark = pytest.mark.slow

EXTENSION = VoicenterExchange.extensions[0]
CALLER = "+972505550177"


@dataclass
class Page:
    """Dana's browser."""

    town: Town
    http: httpx.AsyncClient

    async def ask(self, path: str, **told: object) -> dict[str, Any]:
        answer = await self.http.post(f"/phone/{path}", json=told, headers={"Origin": str(self.http.base_url)})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def tell(self, what: str, ref: str) -> str:
        return str((await self.ask("report", what=what, ref=ref))["party"])

    async def calls(self) -> list[Call]:
        """Every call on record, whatever its direction."""
        board = self.town.callboard.board
        rows = await board.db.read(lambda db: [row[0] for row in db.execute("SELECT id FROM calls ORDER BY id")])
        return [call for row in rows if (call := await board.read(calls.get, row)) is not None]

    async def ended(self) -> Call:
        """The one call, when its record has come."""

        async def look() -> Call | None:
            found = await self.calls()
            assert len(found) <= 1, found
            recorded = found and found[0].state is State.ENDED and all(leg.recorded for leg in found[0].legs)
            return found[0] if recorded else None

        self.town.world.clock.set_speed(8)
        call = await self.town.until(look, "the record of the call")
        assert isinstance(call, Call)
        return call


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[Page]:
    async with running(tmp_path, VOICENTER_WEB_PHONE_SCRIPT="https://phone.example/phone.js") as town:
        board = town.callboard.board
        dana = await board.read(people.person, demo.DANA)
        dana = replace(dana, phone_kind="extension", phone=EXTENSION, extension=EXTENSION, account="voicenter")
        await board.write(people.save_person, dana)
        sealed = seal(board.settings.bot_token, "the extension's password")
        phone = Phone(demo.DANA, "voicenter", EXTENSION, sealed)
        await board.write(web_phones.save, phone)
        base, _, ticket = (await link(board, phone)).partition("/phone#")
        async with httpx.AsyncClient(base_url=base) as http:
            page = Page(town, http)
            await page.ask("open", ticket=ticket)
            yield page


async def test_a_call_from_the_page_is_one_call(page: Page) -> None:
    (ref,) = (await page.ask("dial", id="0123456789", who="+972 50 555 0101"))["refs"]
    for what in ("ringing", "answered"):
        assert "+972 50-555-0101" in await page.tell(what, ref)
    await page.town.talking()
    call = await page.ended()
    await page.tell("ended", ref)
    assert (call.rep, call.outcome, call.direction) == (demo.DANA, Outcome.ANSWERED, "out")
    assert [leg.name for leg in call.legs] == [CUSTOMER, REP]
    assert await page.calls() == [await page.ended()] == [call]
    cards = [text for message in await page.town.messages() if "0101" in (text := str(message.get("text")))]
    assert len(cards) == 1, cards


async def test_an_incoming_call_to_the_page_is_one_call(page: Page) -> None:
    board, world = page.town.callboard.board, page.town.world
    world.clock.set_speed(1)
    life = world.network.incoming(world.exchanges["voicenter"], caller=CALLER, did=demo.SALES_LINE, kind="answered")
    await page.town.until(lambda: _rings(life), "the extension to ring")
    assert "+972 50-555-0177" in await page.tell("ringing", life.id)
    await page.tell("answered", life.id)
    (call,) = await page.calls()
    assert (call.state, call.rep) == (State.TALKING, demo.DANA)
    call = await page.ended()
    await page.tell("ended", life.id)
    assert (call.outcome, call.direction, [leg.name for leg in call.legs]) == (
        Outcome.ANSWERED,
        "in",
        [f"ext:{EXTENSION}"],
    )
    assert await page.calls() == [call]
    assert await board.read(web_phones.waiting) == []


async def _rings(life: Any) -> bool:
    return bool(life.leg(f"ext:{EXTENSION}").ringing_at)
