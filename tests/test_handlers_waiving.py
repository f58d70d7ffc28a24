"""One call against the policy: a manager says why and calls, a rep asks them; whatever else is forbidden stays so."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot import dialing, waiving
from bot.dialing import ALLOWED_SECONDS, Ask
from bot.errors import NeedsReason, NotAllowed
from bot.store import ledger, people
from tests.fake_slack import FakeSlack
from tests.office import SETTINGS, Office, office
from tests.slack_state import Clock, Message

NUMBER = "+12025550123"
FORBIDDEN = "/call +1 202 555 0123"
LISTED = "202-555-0123 is on the do-not-call list"


@pytest.fixture
async def desk(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> AsyncIterator[Office]:
    capped = SETTINGS.replace("[policy]", "[policy]\ndaily_calls = 2")
    async with office(tmp_path, fake_slack, slack_clock, capped) as there:
        await there.link("U1")
        await there.link("U2", "+12025550192")
        await there.board.write(people.block, NUMBER, "asked us to stop", "U9", there.clock() - 86400)
        yield there


async def said_why(desk: Office, message: Any, user: str, channel: str, why: str = "She asked for it") -> Any:
    """Somebody presses the button below a refusal, and says why."""
    await desk.press("waive:why", message, channel, user=user)
    return await desk.submit({"why": why}, user=user)


async def asked(desk: Office) -> Message:
    """A rep asks for the forbidden call; returns what a manager sees of it."""
    told = await desk.type(FORBIDDEN)
    assert LISTED in told
    assert "Or ask a manager to allow this one call." in told
    assert await said_why(desk, desk.slack.ephemerals[-1], "U1", "C1") == {}
    assert "Asked: U2, U9." in desk.told
    return desk.conversation("U2")[-1]


def dm(desk: Office, user: str) -> str:
    return desk.slack.open_dm(user).id


async def audited(desk: Office) -> list[tuple[str, str, str, str]]:
    """(who, what, subject, detail), oldest first."""
    return [row[1:] for row in reversed(await desk.board.read(ledger.audit_log))]


async def test_a_manager_says_why_and_calls(desk: Office) -> None:
    told = await desk.type(FORBIDDEN, user="U2")
    assert LISTED in told
    assert "As a manager you may allow this one call, if you say why." in told
    assert not desk.phone.orders
    assert await said_why(desk, desk.slack.ephemerals[-1], "U2", "C1", "  ") == {"why": "Say why. Nothing was dialled."}
    assert await desk.submit({"why": "She asked  for it"}, user="U2") == {}
    assert [order.number for order in desk.phone.orders] == [NUMBER]
    who, what, subject, detail = (await audited(desk))[-1]
    assert (who, what, subject) == ("U2", "call against the policy", NUMBER)
    assert LISTED in detail
    assert detail.endswith("Why: She asked for it")


async def test_a_rep_asks_and_calls_when_a_manager_says_yes(desk: Office) -> None:
    request = await asked(desk)
    assert not desk.phone.orders
    for words in ("U1 asks to call", LISTED, "asked us to stop", "Why: She asked for it"):
        assert words in request.text
    assert request.text == desk.conversation("U9")[-1].text

    await desk.press("waive:yes", request, dm(desk, "U2"), user="U2")
    for manager in ("U2", "U9"):
        assert "U2 allowed U1 to call" in desk.conversation(manager)[-1].text
        assert "waive:yes" not in str(desk.conversation(manager)[-1].blocks)
    allowed = desk.conversation("U1")[-1]
    assert "U2 allows you to call" in allowed.text
    assert not desk.phone.orders
    await desk.press("call:yes", allowed, dm(desk, "U1"))
    (used,) = [message for message in desk.conversation("U1") if "U2 allow" in message.text]
    assert "once, and you did." in used.text
    assert "call:yes" not in str(used.blocks)
    assert [(order.number, order.rep.value) for order in desk.phone.orders] == [(NUMBER, "+12025550190")]
    whats = [(who, what) for who, what, subject, _ in await audited(desk) if subject == NUMBER]
    assert whats == [
        ("U1", "asked to be allowed a call"),
        ("U2", "decided on a call"),
        ("U1", "call"),
        ("U2", "call against the policy"),
    ]


async def test_the_first_word_counts(desk: Office) -> None:
    request = await asked(desk)
    value = value_of(request)
    await desk.press("waive:no", request, dm(desk, "U2"), user="U2")
    assert await desk.submit({"why": " "}, user="U2") == {"why": "Say why, so that they know."}
    assert await desk.submit({"why": "Write to her & wait"}, user="U2") == {}
    assert "U2 did not allow the call to +1 202-555-0123: Write to her &amp; wait" in desk.conversation("U1")[-1].text
    decision = ("U2", "decided on a call", NUMBER, "did not allow U1: Write to her & wait")
    assert decision in await audited(desk)
    before = len(desk.conversation("U1"))
    with pytest.raises(NotAllowed, match="decided before"):
        await waiving.allow(desk.board, "U9", value)
    await desk.settle()
    assert len(desk.conversation("U1")) == before
    assert not desk.phone.orders


def value_of(request: Message) -> str:
    (value,) = {
        str(element["value"])
        for block in request.blocks
        for element in block.get("elements", [])
        if str(element.get("action_id")).startswith("waive:")
    }
    return value


async def test_nobody_allows_their_own_wish_and_no_rep_anybodys(desk: Office) -> None:
    request = await asked(desk)
    for user, words in (("U1", "Nobody approves their own"), ("U4", "Only managers approve")):
        with pytest.raises(NotAllowed, match=words):
            await waiving.allow(desk.board, user, value_of(request))
    await desk.settle()
    assert "waive:yes" in str(desk.conversation("U2")[-1].blocks)


async def test_a_word_holds_for_four_hours(desk: Office) -> None:
    await desk.press("waive:yes", await asked(desk), dm(desk, "U2"), user="U2")
    allowed = desk.conversation("U1")[-1]
    desk.clock.advance(ALLOWED_SECONDS + 1)
    assert LISTED in await desk.press("call:yes", allowed, dm(desk, "U1"))
    assert not desk.phone.orders


async def test_the_word_of_somebody_who_is_no_manager_any_more_does_not_count(desk: Office) -> None:
    ask = Ask(rep="U1", number=NUMBER, reason="She asked for it", allowed_by="U4", allowed_at=desk.clock())
    with pytest.raises(NeedsReason, match="do-not-call list"):
        await dialing.dial(desk.board, "key", ask)
    assert not desk.phone.orders


async def test_a_cap_may_be_passed_once_and_both_reasons_are_told(desk: Office) -> None:
    for last in "45":
        await desk.type(f"/call +1 202 555 014{last}", user="U2")
    told = await desk.type(FORBIDDEN, user="U2")
    for words in (LISTED, "You have placed 2 calls today"):
        assert words in told
    await said_why(desk, desk.slack.ephemerals[-1], "U2", "C1")
    assert [order.number for order in desk.phone.orders][2:] == [NUMBER]
    assert "2 calls today" in (await audited(desk))[-1][3]
    assert "you may allow this one call" in await desk.type("/call +1 202 555 0146", user="U2")
    assert len(desk.phone.orders) == 3


@pytest.mark.parametrize("number", ["911", "+1 900 555 0100", "+33 1 23 45 67 89"])
async def test_what_nobody_may_allow_has_no_button(desk: Office, number: str) -> None:
    for user in ("U1", "U2"):
        told = await desk.type(f"/call {number}", user=user)
        assert "was not placed" in told
        assert "allow this one call" not in told
        assert "waive:" not in str(desk.slack.ephemerals[-1].blocks)


async def test_a_number_that_was_taken_off_the_list_meanwhile_is_not_asked_about(desk: Office) -> None:
    await desk.type(FORBIDDEN)
    await desk.board.write(people.unblock, NUMBER)
    await said_why(desk, desk.slack.ephemerals[-1], "U1", "C1")
    assert "Nothing forbids that call any more" in desk.conversation("U1")[-1].text
    assert desk.conversation("U2") == []


async def test_where_there_is_no_manager_nobody_can_be_asked(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    text = SETTINGS.replace('admins = ["U9"]\nmanagers = ["U2"]\n', "")
    async with office(tmp_path, fake_slack, slack_clock, text) as there:
        await there.link("U1")
        await there.board.write(people.block, NUMBER, "asked us to stop", "U9", there.clock())
        told = await there.type(FORBIDDEN)
        assert LISTED in told
        assert "allow this one call" not in told
