"""Messages for somebody who has left, or whom Slack shows nothing: they end, and missed callers are told to others."""

import asyncio
import dataclasses
from pathlib import Path

import pytest

from bot.board import notice
from bot.store import cards, ledger, missed
from tests.fake_slack import FakeSlack
from tests.office import SETTINGS, Office, office
from tests.slack_state import Clock
from tests.test_escalations import claimed_by_ada, escalated, missed_caller, spoke

TWO = SETTINGS.replace('managers = ["U2"]', 'managers = ["U2", "U4"]')


def leaves(desk: Office, *users: str) -> None:
    for user in users:
        desk.slack.users[user] = dataclasses.replace(desk.slack.users[user], deleted=True)


def is_back(desk: Office, user: str) -> None:
    desk.slack.users[user] = dataclasses.replace(desk.slack.users[user], deleted=False)


def in_vain(desk: Office) -> list[str]:
    """What Slack was asked and refused."""
    return [request.method for request in desk.slack.requests if request.outcome != "ok"]


async def broken(desk: Office) -> list[str]:
    return [key for key, *_ in await desk.board.read(ledger.problems)]


async def hours(desk: Office, count: int) -> None:
    for _ in range(count):
        desk.clock.advance(3600)
        await desk.settle()


@pytest.mark.parametrize(
    ("method", "code"),
    [
        *(("conversations.open", code) for code in ("user_disabled", "user_not_found", "user_not_visible")),
        *(("conversations.open", code) for code in ("cannot_dm_bot", "channel_not_found")),
        *(("chat.postMessage", code) for code in ("channel_not_found", "is_archived")),
    ],
)
async def test_what_is_for_them_is_tried_once_and_the_admins_hear_once(desk: Office, method: str, code: str) -> None:
    desk.slack.fail_next(method, code)
    for number in range(3):
        await desk.board.tell("U4", f"Message number {number}.", f"n{number}")
    await desk.settle()
    await hours(desk, 30)
    assert in_vain(desk) == [method]
    assert desk.conversation("U4") == []
    assert await desk.board.read(cards.waiting) == 0
    (told,) = desk.conversation("U9")
    assert "U4" in told.text
    assert "is not shown, and not tried again" in told.text
    assert "callboard.toml" not in told.text
    assert await broken(desk) == ["Slack @U4"]


async def test_a_card_of_theirs_that_stands_there_is_let_be(desk: Office) -> None:
    await desk.board.tell("U4", "Hello to you.", "one")
    await desk.settle()
    desk.slack.fail_next("chat.update", "is_inactive")
    await desk.board.write(cards.mark, "notice", "one", "@U4", desk.clock(), notice("Hello again to you."))
    desk.clock.advance(5)
    await desk.settle()
    await hours(desk, 30)
    assert in_vain(desk) == ["chat.update"]
    assert await desk.board.read(cards.waiting) == 0


@pytest.mark.parametrize("stands", [True, False])
async def test_an_old_conversation_that_is_gone_says_nothing_of_the_person(desk: Office, stands: bool) -> None:
    """Such as that of a Slack app that was made anew: whoever is there is told whatever is for them."""
    await desk.board.tell("U4", "Hello to you.", "one")
    await desk.settle()
    moved = f"UPDATE cards SET channel = 'D0OLD', ts = iif({stands}, ts, '')"
    await desk.board.db.write(lambda db: db.execute(moved).rowcount)
    desk.slack.fail_next("chat.update" if stands else "chat.postMessage", "channel_not_found")
    await desk.board.write(cards.mark, "notice", "one", "@U4", desk.clock(), notice("Hello again to you."))
    for number in range(2):
        await desk.board.tell("U4", f"Message number {number}.", f"n{number}")
    desk.clock.advance(5)
    await desk.settle()
    shown = [message.text for message in desk.conversation("U4")]
    assert shown[1:] == ["Message number 0.", "Message number 1."] if stands else len(shown) == 4
    assert await broken(desk) == []
    assert await desk.board.read(cards.waiting) == 0


async def test_of_an_archived_channel_that_is_what_is_said_also_where_a_card_stands_there(desk: Office) -> None:
    await desk.board.write(cards.mark, "notice", "one", "C1", desk.clock(), notice("Hello to you."))
    await desk.settle()
    desk.slack.fail_next("chat.update", "is_inactive")
    await desk.board.write(cards.mark, "notice", "one", "C1", desk.clock(), notice("Hello again to you."))
    desk.clock.advance(5)
    await desk.settle()
    (told,) = desk.conversation("U9")
    assert "is archived. What belongs there waits" in told.text
    assert await desk.board.read(cards.waiting) == 1


async def test_what_is_for_them_later_is_tried_and_shown_once_they_are_back(desk: Office) -> None:
    leaves(desk, "U4")
    await desk.board.tell("U4", "Lost.", "one")
    await desk.settle()
    await hours(desk, 2)
    await desk.board.tell("U4", "Lost as well.", "two")
    await desk.settle()
    assert in_vain(desk) == ["conversations.open"] * 2
    assert len(desk.conversation("U9")) == 1
    is_back(desk, "U4")
    await desk.board.tell("U4", "Welcome back.", "three")
    await desk.settle()
    assert [message.text for message in desk.conversation("U4")] == ["Welcome back."]
    assert desk.conversation("U9")[-1].text == "Working again: Slack @U4."


async def test_of_a_manager_or_an_admin_the_others_are_told_where_to_take_them_out(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    text = SETTINGS.replace('admins = ["U9"]', 'admins = ["U9", "U1"]')
    async with office(tmp_path, fake_slack, slack_clock, text) as desk:
        leaves(desk, "U1")
        await desk.board.problem("disk", "The disk is full.")
        await desk.settle()
        await hours(desk, 30)
        assert in_vain(desk) == ["conversations.open"]
        assert ["callboard.toml" in message.text for message in desk.conversation("U9")] == [False, True]
        assert await desk.board.read(cards.waiting) == 0


async def test_a_caller_whom_they_were_to_be_told_of_is_told_to_the_managers_at_once(desk: Office) -> None:
    await spoke(desk, "U4")
    leaves(desk, "U4")
    await missed_caller(desk)
    assert await escalated(desk, 16) == {}
    assert await escalated(desk, 0.2) == {"U2": 1}
    assert await escalated(desk, 600) == {"U2": 1}


async def test_a_claim_of_who_has_left_is_told_to_the_managers_at_once(desk: Office) -> None:
    row = await claimed_by_ada(desk)
    leaves(desk, "U1")
    assert await escalated(desk, 61) == {}
    assert await escalated(desk, 0.2) == {"U2": 1}
    assert "U1 claimed +1 202-555-0155" in desk.conversation("U2")[-1].text
    assert await escalated(desk, 600) == {"U2": 1}
    found = await desk.board.read(missed.get, row)
    assert found is not None
    assert found.escalate_at == 0


async def test_of_two_managers_the_one_who_is_there_is_told_once(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    async with office(tmp_path, fake_slack, slack_clock, TWO) as desk:
        leaves(desk, "U2")
        await missed_caller(desk)
        assert await escalated(desk, 16) == {"U4": 1}
        for _ in range(3):
            assert await escalated(desk, 20) == {"U4": 1}


async def test_where_all_managers_have_left_the_admins_are_told(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    async with office(tmp_path, fake_slack, slack_clock, TWO) as desk:
        leaves(desk, "U2", "U4")
        await missed_caller(desk)
        assert await escalated(desk, 16) == {}
        assert await escalated(desk, 0.2) == {"U9": 1}
        assert await escalated(desk, 600) == {"U9": 1}
        before = len(in_vain(desk))
        await missed_caller(desk, "in-2", "+12025550156")
        assert await escalated(desk, 16) == {"U9": 2}
        assert len(in_vain(desk)) == before  # nobody is asked again within the day


async def test_a_manager_who_is_back_is_told_again_a_day_later(desk: Office) -> None:
    leaves(desk, "U2")
    await missed_caller(desk)
    await escalated(desk, 16)
    assert await escalated(desk, 0.2) == {"U9": 1}
    is_back(desk, "U2")
    desk.clock.advance(86400)
    await missed_caller(desk, "in-2", "+12025550156")
    assert await escalated(desk, 16) == {"U9": 1, "U2": 1}


async def test_where_nobody_is_there_at_all_it_is_a_problem_and_the_caller_stays_due(desk: Office) -> None:
    leaves(desk, "U2", "U9")
    row = await missed_caller(desk)
    await escalated(desk, 16)
    for _ in range(6):
        assert await escalated(desk, 1) == {}
    assert "missed callers" in await broken(desk)
    found = await desk.board.read(missed.get, row)
    assert found is not None
    assert found.escalate_at > desk.clock()
    is_back(desk, "U9")  # or Slack had been asked about the users of another workspace
    for _ in range(3):
        told = await escalated(desk, 61)
    assert told == {"U9": 1}
    assert "missed callers" not in await broken(desk)


async def test_who_took_the_caller_meanwhile_is_not_disturbed_by_one_that_nobody_could_be_told(desk: Office) -> None:
    """Slack says so only when the caller is somebody's already, or closed."""
    row = await missed_caller(desk)
    leaves(desk, "U2")
    desk.clock.advance(16 * 60)
    hang = desk.slack.hang("conversations.open")
    running = asyncio.create_task(escalated(desk, 0))
    await asyncio.wait_for(hang.reached.wait(), 60)
    await desk.board.write(missed.claim, row, "U1", desk.clock(), desk.clock() + 3600)
    hang.release()
    await running
    found = await desk.board.read(missed.get, row)
    assert found is not None
    assert found.escalate_at == desk.clock() + 3600 - (desk.clock() - found.claimed_at)
