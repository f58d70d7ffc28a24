"""A line's channel is another one in callboard.toml: whoever still waits is shown there, and once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot import settings_noted
from bot.events import CallEnded, CdrReceived, Described, LegRinging, Outcome
from bot.store import ledger, missed
from tests.fake_slack import FakeSlack
from tests.office import LINE, SETTINGS, Office, office
from tests.slack_state import Clock, Message
from tests.test_handlers_missed import CALLER, miss

OTHER = "+12025550101"
MOVED = SETTINGS.replace('account = "voicenter"\nchannel = "C1"', 'account = "voicenter"\nchannel = "C2"')
TWO = SETTINGS.replace(
    "[policy]", f'[lines."{OTHER}"]\nlabel = "Service"\naccount = "voicenter"\nchannel = "C2"\n[policy]'
)
TWO_MOVED = TWO.replace('label = "Sales"\naccount = "voicenter"\nchannel = "C1"', 'label = "Sales"\nchannel = "C2"')
GONE = SETTINGS.replace(f'[lines."{LINE}"]\nlabel = "Sales"\naccount = "voicenter"\nchannel = "C1"\n', "").replace(
    'channel = "C1"', 'channel = "C2"'
)


class Days:
    """The same office, opened again and again with other settings."""

    def __init__(self, folder: Path, slack: FakeSlack, clock: Clock) -> None:
        self.folder, self.slack, self.clock = folder, slack, clock
        slack.channels["C2"].bot_is_member = True
        slack.channels["C2"].members |= {"U1", "U4"}

    @asynccontextmanager
    async def open(self, text: str = SETTINGS) -> AsyncIterator[Office]:
        async with office(self.folder, self.slack, self.clock, text) as desk:
            await settings_noted.note(desk.board)
            self.clock.advance(6)
            await desk.settle()
            yield desk
            await desk.settle()
        self.clock.advance(60)


@pytest.fixture
def days(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> Days:
    return Days(tmp_path, fake_slack, slack_clock)


def cards(slack: FakeSlack, channel: str) -> list[Message]:
    return [message for message in slack.channel(channel) if "issed call" in message.text]


def posts(slack: FakeSlack) -> int:
    return sum(request.method == "chat.postMessage" for request in slack.requests)


@pytest.mark.parametrize("text", [MOVED, GONE])
async def test_who_waits_goes_along_and_is_shown_once(days: Days, text: str) -> None:
    async with days.open() as desk:
        await miss(desk, "in-1")
        await desk.press("missed:claim", cards(days.slack, "C1")[0], "C1")
    for _ in range(3):
        async with days.open(text) as desk:
            await desk.link("U1", line="")
            assert cards(days.slack, "C1") == []
            (card,) = cards(days.slack, "C2")
            assert "Missed once" in card.text
            assert "claimed by U1" in card.text
    assert posts(days.slack) == 2
    async with days.open(text) as desk:
        await desk.press("missed:call_back", card, "C2")
        assert [order.number for order in desk.phone.orders] == [CALLER]
        await miss(desk, "in-2")
        await desk.happen(
            CdrReceived(ref="paper-1", at=desk.clock(), leg="customer", outcome=Outcome.ANSWERED, talk_seconds=60)
        )
    assert cards(days.slack, "C1") == []


async def test_they_are_told_of_where_they_are_now(days: Days) -> None:
    """What comes late of their call, and whoever tries again, neither moves them back nor shows them twice."""
    async with days.open() as desk:
        await miss(desk, "in-1")
        at = desk.clock()
    async with days.open(MOVED) as desk:
        late = CdrReceived(ref="in-1", at=at, leg="ext:BBB", outcome=Outcome.NO_ANSWER, ring_seconds=30)
        await desk.happen(late)
        await miss(desk, "in-2")
        assert cards(days.slack, "C1") == []
        (card,) = cards(days.slack, "C2")
        assert "Missed twice" in card.text
        (row,) = await desk.board.read(missed.waiting)
        assert row.place == "C2"
    assert posts(days.slack) == 2


async def test_a_call_that_rings_while_it_is_changed_is_missed_where_the_team_looks_now(days: Days) -> None:
    async with days.open() as desk:
        at = desk.clock()
        await desk.happen(
            Described(ref="in-1", at=at, source="popup", direction="in", number=CALLER, line=LINE),
            LegRinging(ref="in-1", at=at, leg="ext:AAA"),
        )
    async with days.open(MOVED) as desk:
        await desk.happen(CallEnded(ref="in-1", at=desk.clock()))
        assert len(cards(days.slack, "C2")) == 1
        assert cards(days.slack, "C1") == []


@pytest.mark.parametrize("claimed", ["", "C1", "C2", "both"])
async def test_who_waits_there_already_is_one_caller_from_then_on(days: Days, claimed: str) -> None:
    async with days.open(TWO) as desk:
        await miss(desk, "in-1")
        await desk.happen(
            Described(ref="in-2", at=desk.clock(), source="cdr", direction="in", number=CALLER, line=OTHER),
            CdrReceived(ref="in-2", at=desk.clock(), leg="ext:AAA", outcome=Outcome.NO_ANSWER, ring_seconds=20),
        )
        for channel, user in (("C1", "U1"), ("C2", "U4")):
            (card,) = cards(days.slack, channel)
            if claimed in (channel, "both"):
                await desk.press("missed:claim", card, channel, user=user)
    async with days.open(TWO_MOVED) as desk:
        assert cards(days.slack, "C1") == []
        (card,) = cards(days.slack, "C2")
        assert "Missed twice" in card.text
        (row,) = await desk.board.read(missed.waiting)
        assert row.claimed_by == {"": "", "C1": "U1", "C2": "U4", "both": "U4"}[claimed]
        assert row.escalate_at > desk.clock()
    assert posts(days.slack) == 2


async def test_whose_own_extension_was_called_stays_theirs(days: Days) -> None:
    async with days.open() as desk:
        await desk.link("U1", extension="201")
        at = desk.clock()
        await desk.happen(
            Described(ref="in-1", at=at, source="cdr", direction="in", number=CALLER, extension="201"),
            CdrReceived(ref="in-1", at=at, leg="ext:201", outcome=Outcome.NO_ANSWER, ring_seconds=20),
        )
        (row,) = await desk.board.read(missed.waiting)
        assert row.place == "@U1"
    async with days.open(MOVED.replace('channel = "C1"\nadmins', 'channel = "C2"\nadmins')) as desk:
        assert await desk.board.read(missed.waiting) == [row]


@pytest.mark.parametrize("change", ["archived", "left"])
async def test_an_old_channel_that_cannot_be_written_to_is_nobodys_concern(days: Days, change: str) -> None:
    async with days.open() as desk:
        await miss(desk, "in-1")
    days.slack.channels["C1"].archived = change == "archived"
    days.slack.channels["C1"].bot_is_member = change != "left"
    text = MOVED.replace('channel = "C1"\nadmins', 'channel = "C2"\nadmins')
    async with days.open(text) as desk:
        assert len(cards(days.slack, "C2")) == 1
        assert await desk.board.read(ledger.problems) == []
        assert desk.conversation("U9") == []
        await desk.press("missed:close", cards(days.slack, "C2")[0], "C2")
        assert "without a call" in cards(days.slack, "C2")[0].text


async def test_a_channel_that_is_still_in_use_is_told_of_where_it_cannot_be_written_to(days: Days) -> None:
    async with days.open() as desk:
        await miss(desk, "in-1")
    days.slack.channels["C1"].bot_is_member = False
    async with days.open(MOVED) as desk:  # other calls are shown there
        assert "Slack C1" in [key for key, *_ in await desk.board.read(ledger.problems)]
        days.slack.channels["C1"].bot_is_member = True
        desk.clock.advance(7200)
        await desk.settle()
        assert cards(days.slack, "C1") == []
