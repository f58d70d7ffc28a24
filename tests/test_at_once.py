"""Two presses come at the same moment, the same or what excludes it: one counts, and whoever was slower reads that."""

import asyncio
from pathlib import Path

import pytest

from bot.store import messages
from tests import calling_desk, campaign_desk, slack_requests, test_handlers_contact_imports
from tests.dialer import Dialer, dialer
from tests.fake_slack import FakeSlack
from tests.office import Office, office
from tests.slack_state import Clock, Message
from tests.speaker import Speaker, speaker

LATE = ("decided before", "being added", "imported or cancelled before", "dealt with already", "have paused")
SIX = "/voicemsg " + ", ".join(f"+120255501{number}" for number in range(30, 36)) + ' "Hello"'


async def press_both(desk: Office, card: Message, user: str, *actions: str) -> list[str]:
    """Presses on one card that Slack delivers together. Returns which of the words in `LATE` were told."""
    channel = desk.slack.open_dm(user).id
    presses = [slack_requests.click(desk.slack, action, user=user, channel=channel, ts=card.ts) for action in actions]
    before = len(desk.slack.ephemerals)
    posts = (desk.http.post("/slack/events", headers=headers, content=body) for headers, body in presses)
    assert [answer.status_code for answer in await asyncio.gather(*posts)] == [200] * len(actions)
    for _ in range(2):
        desk.clock.advance(3)
        await desk.settle()
    told = [shown.text for shown in desk.slack.ephemerals[before:]]
    assert not any("incident" in text for text in told)
    return [words for text in told for words in LATE if words in text]


@pytest.mark.parametrize("other", ["send", "drop"])
async def test_a_voice_message(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock, other: str) -> None:
    async with office(tmp_path, fake_slack, slack_clock, kind=Speaker) as desk:
        await desk.type(SIX, user="U2")
        told = await press_both(desk, desk.conversation("U2")[-1], "U2", "voicemsg:send", f"voicemsg:{other}")
        if other == "send":
            assert told == ["decided before"]
            assert len(speaker(desk).messages) == 3
        else:
            assert await desk.board.read(messages.waiting) == []


@pytest.mark.parametrize("other", ["give_out", "drop"])
async def test_a_call_list(desk: Office, other: str) -> None:
    await calling_desk.furnish(desk)
    await calling_desk.paste(desk, calling_desk.BOTH)
    card = calling_desk.card(desk, "U2")
    assert await press_both(desk, card, "U2", "calllist:give_out", f"calllist:{other}") == ["decided before"]
    given = [one.state for one in await calling_desk.lists(desk)] == ["running"]
    assert given != ("Discarded" in calling_desk.card(desk, "U2").text)
    assert len(calling_desk.cards(desk, "U1")) == given


@pytest.mark.parametrize("other", ["add_rows", "drop_rows"])
async def test_calls_for_a_campaign(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock, other: str) -> None:
    async with office(tmp_path, fake_slack, slack_clock, kind=Dialer) as desk:
        await campaign_desk.paste(desk)
        desk.clock.advance(3)
        await desk.settle()
        card = campaign_desk.card(desk)
        assert await press_both(desk, card, "U2", "campaign:add_rows", f"campaign:{other}") == ["being added"]
        added = "Done: 6 calls added" in campaign_desk.card(desk).text
        assert len(dialer(desk).orders_of("add_campaign_calls")) == (2 if added else 0)
        assert added != ("Stopped for good" in campaign_desk.card(desk).text)


@pytest.mark.parametrize("other", ["import_rows", "drop_rows"])
async def test_contacts(desk: Office, other: str) -> None:
    await test_handlers_contact_imports.paste(desk)
    card = test_handlers_contact_imports.card(desk)
    told = await press_both(desk, card, "U2", "contacts:import_rows", f"contacts:{other}")
    assert told == ["imported or cancelled before"]
    imported = "Done: 3 new" in test_handlers_contact_imports.card(desk).text
    assert len(await test_handlers_contact_imports.book(desk)) == (3 if imported else 0)


@pytest.mark.parametrize(("other", "called"), [("call", {1}), ("skip", {0, 1}), ("pause", {0, 1})])
async def test_a_contact_of_a_call_list(desk: Office, other: str, called: set[int]) -> None:
    await calling_desk.furnish(desk)
    await calling_desk.begin(desk)
    told = await press_both(desk, calling_desk.card(desk, "U1"), "U1", "offer:call", f"offer:{other}")
    orders = len(desk.phone.orders)
    assert orders in called
    assert other == "call" or orders + len(told) >= 1


async def test_who_has_paused_their_list_reads_that_below_a_button_of_before(desk: Office) -> None:
    await calling_desk.furnish(desk)
    await calling_desk.begin(desk)
    card = calling_desk.card(desk, "U1")
    late = slack_requests.click(desk.slack, "offer:call", user="U1", channel=desk.slack.open_dm("U1").id, ts=card.ts)
    await calling_desk.act(desk, "pause")
    await desk.send(late)
    assert desk.told == "You have paused your call list, so nothing was done. Press *Go on* on its card first."
    assert desk.phone.orders == []
