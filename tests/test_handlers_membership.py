"""Private channels: whose calls were missed there is shown to those who are in them, and to managers."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.events import CdrReceived, Described, LegAnswered, LegRinging, Outcome, Wrapped
from bot.store import channels, people
from handlers import membership
from tests.fake_slack import FakeSlack
from tests.office import LINE, SETTINGS, Office, office
from tests.slack_state import Channel, Clock
from tests.test_handlers_missed import CALLER, miss

PRIVATE = SETTINGS.replace('channel = "C1"\n[policy]', 'channel = "G1"\n[policy]')


@pytest.fixture
async def desk(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> AsyncIterator[Office]:
    fake_slack.channels["G1"] = Channel("G1", "board", private=True, members={"U1"})
    async with office(tmp_path, fake_slack, slack_clock, PRIVATE) as there:
        await membership.refresh(there.desk)
        yield there


async def closed_to(desk: Office, user: str) -> set[str]:
    return set(await desk.board.read(channels.closed_to, user))


async def test_who_is_not_in_the_channel_sees_nobody_of_it(desk: Office) -> None:
    await miss(desk, "in-1")
    for user, shown in (("U1", True), ("U4", False), ("U2", True)):  # inside, outside, a manager
        assert ("202-555-0155" in await desk.type("/missed", user=user)) == shown
    for user, shown in (("U1", True), ("U4", False), ("U2", True)):
        assert ("202-555-0155" in await desk.type("/calls log missed today", user=user)) == shown
    for user, shown in (("U1", True), ("U4", False), ("U2", True)):
        for channel in ("C1", desk.slack.open_dm(user).id):
            told = await desk.type("/digest now", user=user, channel=channel)
            assert ("202-555-0155, missed" in told, "55, missed" in told) == (shown, True)
    await desk.link("U4", phone="+12025550194")
    assert "Nobody is waiting" in await desk.type("/call back", user="U4")
    assert desk.phone.orders == []
    await desk.link("U1")
    await desk.type("/call back", user="U1")
    assert [order.number for order in desk.phone.orders] == [CALLER]


async def test_who_joins_sees_them_and_who_leaves_does_not(desk: Office) -> None:
    assert await closed_to(desk, "U4") == {"G1"}
    desk.slack.channels["G1"].members = {"U4"}
    await membership.refresh(desk.desk)
    assert (await closed_to(desk, "U4"), await closed_to(desk, "U1")) == (set(), {"G1"})
    desk.slack.channels["G1"].private = False
    await membership.refresh(desk.desk)
    assert await closed_to(desk, "U1") == set()


async def test_what_has_not_changed_is_not_written_again(desk: Office) -> None:
    async def written() -> list[tuple[str, float]]:
        query = "SELECT key, at FROM facts WHERE key LIKE 'members of %' ORDER BY key"
        return await desk.board.read(lambda db: [tuple(row) for row in db.execute(query)])

    before = await written()
    assert len(before) == 2
    desk.clock.advance(300)
    await membership.refresh(desk.desk)
    assert await written() == before


async def test_many_members_are_read_to_the_last_page(desk: Office) -> None:
    desk.slack.channels["G1"].members = {f"U{number:04}" for number in range(2000)}
    await membership.refresh(desk.desk)
    assert (await closed_to(desk, "U1999"), await closed_to(desk, "U2000")) == (set(), {"G1"})


@pytest.mark.parametrize("method", ["conversations.info", "conversations.members"])
@pytest.mark.parametrize("fault", ["ratelimited", "500", "channel_not_found"])
async def test_where_slack_refuses_the_last_known_stay(desk: Office, method: str, fault: str) -> None:
    desk.slack.channels["G1"].members = {"U4"}
    desk.slack.fail_next(method, fault)
    if method == "conversations.info":  # of the other channel first
        desk.slack.fail_next(method, fault)
    await membership.refresh(desk.desk)
    assert "G1" in await closed_to(desk, "U4")


async def test_an_open_channel_that_is_made_private_without_us_is_closed_until_we_are_in_it(desk: Office) -> None:
    assert await closed_to(desk, "U1") == set()
    desk.slack.fail_next("conversations.info", "channel_not_found")  # as Slack says then; C1 comes first
    await membership.refresh(desk.desk)
    assert await closed_to(desk, "U1") == {"C1"}
    await membership.refresh(desk.desk)
    assert await closed_to(desk, "U1") == set()


OTHER = "+12025550177"
"""A line whose calls are shown where everybody is."""


async def talk(desk: Office, ref: str, line: str, note: str, leg: str = "queue:") -> None:
    """Somebody calls there, Ada takes it, and notes how it went."""
    at = desk.clock()
    await desk.happen(
        Described(ref=ref, at=at, source="cdr", direction="in", number=CALLER, line=line),
        LegAnswered(ref=ref, at=at, leg=leg),
        CdrReceived(ref=ref, at=at, leg=leg, outcome=Outcome.ANSWERED, talk_seconds=60),
    )
    call = (await desk.calls())[-1]
    await desk.happen(Wrapped(at=at, by="U1", note=note, disposition="Angry"), call_id=call.id)
    desk.clock.advance(300)


async def ring(desk: Office, ref: str, line: str) -> None:
    at = desk.clock()
    await desk.happen(
        Described(ref=ref, at=at, source="cdr", direction="in", number=CALLER, line=line),
        LegRinging(ref=ref, at=at, leg="queue:"),
    )


def shown(desk: Office, channel: str) -> str:
    """The latest card there."""
    return desk.slack.channels[channel].messages[-1].text


async def test_what_was_said_in_a_private_channel_stands_on_no_card_elsewhere(desk: Office) -> None:
    """The same person calls sales, where everybody reads."""
    desk.slack.channels["G1"].members.add(desk.slack.bot_user)
    await talk(desk, "in-1", LINE, "means to sue us")
    await ring(desk, "in-2", OTHER)
    assert "Incoming call from +1 202-555-0155" in shown(desk, "C1")
    assert "No earlier calls with this caller" in shown(desk, "C1")
    await ring(desk, "in-3", LINE)
    assert "means to sue us" in shown(desk, "G1")
    await talk(desk, "in-4", OTHER, "wants the blue one")
    await ring(desk, "in-5", LINE)
    assert "wants the blue one" in shown(desk, "G1"), "who reads it there may read the other channel, too"
    await ring(desk, "in-6", OTHER)
    assert "wants the blue one" in shown(desk, "C1")
    assert "sue" not in shown(desk, "C1")


async def test_what_was_said_on_somebodys_own_extension_stands_on_no_card_elsewhere(desk: Office) -> None:
    ada = people.Person("U1", phone_kind="extension", phone="201", account="voicenter", extension="201")
    await desk.board.write(people.save_person, ada)
    at = desk.clock()
    await desk.happen(
        Described(ref="in-1", at=at, source="popup", direction="in", number=CALLER, extension="201"),
        LegAnswered(ref="in-1", at=at, leg="ext:201"),
        CdrReceived(ref="in-1", at=at, leg="ext:201", outcome=Outcome.ANSWERED, talk_seconds=60),
    )
    (call,) = await desk.calls()
    assert call.rep == "U1"
    await desk.happen(Wrapped(at=at, by="U1", note="her lawyer"), call_id=call.id)
    desk.clock.advance(300)
    await miss(desk, "in-2")
    await ring(desk, "in-3", OTHER)
    for text in (message.text for message in desk.slack.channels["C1"].messages):
        assert "her lawyer" not in text
        assert "Last spoke" not in text
