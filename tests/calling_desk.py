"""What people do with call lists in Slack, and what they then see."""

import html
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot import calling_lists, offers
from bot.cards.offer import Press
from bot.events import REP, CdrReceived, LegAnswered, Outcome
from bot.store import calling_lists as store
from bot.store import offers as turns
from bot.store.calling_lists import CallingList
from bot.store.offers import Offer
from tests.audit_lines import audit_log
from tests.fake_slack import FakeSlack
from tests.office import SETTINGS, Office, office
from tests.slack_state import Clock, Message

NOA, SAM, MAX = "+12025550101", "+12025550102", "+12025550103"
FREE = SETTINGS.replace("[policy]", "[policy]\nattempts_per_day = 0\nattempts_per_week = 0")
BOTH = "Autumn offers for <@U1|ada> <@U4|max>"
THREE = f"number,name,city\n{NOA},Noa Green,Haifa\n{SAM},Sam Hill,\n{MAX},Max,Lod\n"
CLOSED = SETTINGS.replace('hours = ["00:00", "24:00"]', 'hours = ["09:00", "18:00"]')


async def furnish(desk: Office) -> None:
    """U1 and U4 have phones, and what a running Callboard does by itself is done."""
    await desk.link("U1")
    await desk.link("U4", "+12025550194")
    offers.watch(desk.board)


async def paste(desk: Office, words: str, rows: str = THREE, user: str = "U2", **more: Any) -> None:
    """Make a list by `/campaign calllist` and pasted rows."""
    await desk.type(f"/campaign calllist {words}", user=user)
    assert await desk.submit({"rows": rows, **more}, user=user) == {}
    await rest(desk)


async def rest(desk: Office, seconds: float = 2) -> None:
    desk.clock.advance(seconds)
    await desk.settle()


async def begin(desk: Office, words: str = "Autumn offers for <@U1|ada>", rows: str = THREE, user: str = "U2") -> str:
    """A list that is given out; returns its id."""
    await paste(desk, words, rows, user)
    await press(desk, "give_out", user=user)
    return (await lists(desk))[-1].id


async def lists(desk: Office) -> list[CallingList]:
    """All of them, the oldest first."""
    return [one for one, *_ in reversed(await desk.board.read(store.latest, 99))]


def cards(desk: Office, user: str) -> list[Message]:
    """Every card of a call list in somebody's conversation, as maker or rep."""
    return [message for message in desk.conversation(user) if message.text.startswith("Call list ")]


def card(desk: Office, user: str) -> Message:
    """The one there is."""
    (found,) = cards(desk, user)
    return found


def text(desk: Office, user: str) -> str:
    """What the one card says; a mention is one where the id is as long as Slack's."""
    return html.unescape(card(desk, user).text)


def elements(message: Message) -> dict[str, Any]:
    """action_id -> element."""
    found = [block["elements"] for block in message.blocks if block["type"] == "actions"]
    return {element["action_id"]: element for elements in found for element in elements}


def buttons(desk: Office, user: str = "U1") -> list[str]:
    """What the one card offers."""
    return [action.partition(":")[2] for action in elements(card(desk, user))]


def numbers(desk: Office) -> list[str]:
    """Whom the phone service was asked to call."""
    return [order.number for order in desk.phone.orders]


async def press(desk: Office, what: str, *, user: str = "U2") -> str:
    """A button of the maker's card; returns what only they were told."""
    return await _press(desk, f"calllist:{what}", card(desk, user), user)


async def act(desk: Office, what: str, *, user: str = "U1", choice: str = "") -> str:
    """A button, or a choice of the menu, of a rep's card."""
    shown = card(desk, user)
    value = None
    if choice:
        options = elements(shown)[f"offer:{what}"]["options"]
        (value,) = [option["value"] for option in options if option["value"].endswith(f"|{choice}")]
    return await _press(desk, f"offer:{what}", shown, user, value)


async def _press(desk: Office, action: str, message: Message, user: str, value: str | None = None) -> str:
    await rest(desk)
    told = await desk.press(action, message, desk.slack.open_dm(user).id, user=user, value=value)
    await rest(desk)
    return told


async def answer(desk: Office, number: int = 1, seconds: int = 80) -> None:
    """The call of that order is picked up, talked on, and ends."""
    ref = f"paper-{number}"
    await desk.happen(LegAnswered(ref=ref, at=desk.clock(), leg=REP))
    await desk.happen(LegAnswered(ref=ref, at=desk.clock(), leg="customer"))
    await end(desk, number, Outcome.ANSWERED, seconds)


async def end(desk: Office, number: int, outcome: Outcome, seconds: int = 0) -> None:
    """The phone service's record of the call of that order."""
    records = [
        CdrReceived(ref=f"paper-{number}", at=desk.clock(), leg=leg, outcome=how, talk_seconds=seconds)
        for leg, how in ((REP, Outcome.ANSWERED), ("customer", outcome))
    ]
    await desk.happen(*records)


async def wrap(desk: Office, disposition: str = "Interested", user: str = "U1", **more: str) -> None:
    """*How did it go?* on the list's card."""
    await _press(desk, "call:wrap", card(desk, user), user)
    assert await desk.submit({"disposition": disposition, **more}, user=user) == {}
    await rest(desk)


async def before(desk: Office, list_id: str, user: str = "U1") -> Offer | None:
    """Whom a rep has before them."""
    return await desk.board.read(turns.held, list_id, user)


async def press_of(desk: Office, list_id: str, user: str = "U1") -> Press:
    """What a button of that contact carries now."""
    row = await before(desk, list_id, user)
    assert row is not None
    return Press(list_id, row.line, row.offer)


async def contact(desk: Office, list_id: str, number: str) -> Offer:
    """One of a list by their number."""

    def find(db: Any) -> Offer:
        row = db.execute("SELECT line FROM calling_list_rows WHERE list = ? AND number = ?", (list_id, number))
        found = turns.get(db, list_id, row.fetchone()[0])
        assert found is not None
        return found

    return await desk.board.read(find)


async def audit(desk: Office) -> list[tuple[str, str]]:
    return [(who, what) for _, who, what, *_ in await desk.board.read(audit_log)]


@pytest.fixture
async def free(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> AsyncIterator[Office]:
    """No limit of attempts."""
    async with office(tmp_path, fake_slack, slack_clock, FREE) as there:
        await furnish(there)
        yield there


async def begin_beside(desk: Office, rows: str = THREE) -> str:
    """A list that is not made by the form."""
    found = await calling_lists.prepare(desk.board, "U2", "Second", ["U1"], rows.encode(), "pasted rows", "second")
    await calling_lists.give_out(desk.board, "U2", found.id)
    await rest(desk)
    return found.id
