"""What may cost a lot of money, as where somebody else uses a colleague's Slack: the admins hear of it, once a day."""

import html
from pathlib import Path

import pytest

from bot import alarms
from bot.errors import CapReached
from bot.events import CallEnded
from bot.store import ledger
from tests.audit_lines import audit_log
from tests.fake_slack import FakeSlack
from tests.office import SETTINGS, Office, office
from tests.slack_state import Clock


async def told(desk: Office, admin: str = "U9") -> list[str]:
    await desk.settle()
    return [html.unescape(message.text) for message in desk.conversation(admin)]


@pytest.mark.parametrize("cap", ["daily_calls", "team_daily_calls"])
async def test_a_limit_that_is_reached_is_told_once_a_day(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock, cap: str
) -> None:
    capped = SETTINGS.replace("[policy]", f"[policy]\n{cap} = 2")
    async with office(tmp_path, fake_slack, slack_clock, capped) as desk:
        await desk.link("U1")
        for number in range(2):
            await desk.type(f"/call +1 202 555 013{number}")
        assert await told(desk) == []
        for number in range(5):
            assert "and the limit" in await desk.type(f"/call +1 202 555 014{number}")
        (words,) = await told(desk)
        who = "<@U1> has placed 2 calls" if cap == "daily_calls" else "All together have placed 2 calls"
        assert words.startswith(f"{who} today, and `{cap}` in `[policy]` allows no more: ")
        assert "`/calls log today`" in words
        assert len(desk.phone.orders) == 2
        logged = [line[1:] for line in await desk.board.read(audit_log)]
        assert logged.count(("U1", "refused call", "+12025550144", cap.replace("_", " "))) == 1
        desk.clock.advance(86400)
        for number in range(3):
            await desk.type(f"/call +1 202 555 015{number}")
        assert len(await told(desk)) == 2


async def test_a_day_of_calls_is_not_placed_in_a_minute(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    capped = SETTINGS.replace("[policy]", "[policy]\ncalls_at_once = 2")
    async with office(tmp_path, fake_slack, slack_clock, capped) as desk:
        await desk.link("U1")
        for number in range(4):
            await desk.type(f"/call +1 202 555 013{number}")
        assert len(desk.phone.orders) == 2
        (words,) = await told(desk)
        assert words.startswith("<@U1> has 2 calls under way at the same moment, and `calls_at_once` in `[policy]` ")
        await desk.happen(CallEnded(ref="paper-1", at=desk.clock()))
        assert "Ringing your phone" in await desk.type("/call +1 202 555 0139")


@pytest.mark.parametrize(
    ("cap", "words"),
    [
        ("calls_at_once", "<@U1> has 1 call under way at the same moment, "),
        ("daily_calls", "<@U1> has placed 1 call today, "),
        ("daily_minutes", "<@U1> has talked for 1 minute today, "),
        ("reps_daily", "<@U1> has sent 1 voice message today, "),
    ],
)
async def test_a_single_one_is_told_as_one(desk: Office, cap: str, words: str) -> None:
    await alarms.refused(desk.board, "U1", "+12025550131", CapReached("No.", 0, cap, 1))
    (alarm,) = await told(desk)
    assert alarm.startswith(words)


async def test_a_limit_that_was_passed_with_a_managers_word_is_not_said_to_be_as_high(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    capped = SETTINGS.replace("[policy]", "[policy]\ndaily_calls = 1")
    async with office(tmp_path, fake_slack, slack_clock, capped) as desk:
        await desk.link("U2")
        await desk.type("/call +1 202 555 0130", user="U2")
        await desk.type("/call +1 202 555 0131", user="U2")
        await desk.press("waive:why", desk.slack.ephemerals[-1], "C1", user="U2")
        await desk.submit({"why": "She asked for it"}, user="U2")
        assert len(desk.phone.orders) == 2
        await desk.type("/call +1 202 555 0132", user="U2")
        (words,) = await told(desk)
        assert words.startswith("<@U2> has placed 2 calls today, and `daily_calls` in `[policy]` allows no more: ")


async def test_whoever_tries_numbers_that_cost_a_lot_is_told_of(desk: Office) -> None:
    """A slip or two are nobody's concern; the same number again is the same slip."""
    await desk.link("U1")
    for number in ("+1 900 555 0101", "+1 900 555 0101", "+7 495 555 0101"):
        assert "was not placed" in await desk.type(f"/call {number}")
    assert await told(desk) == []
    answer = await desk.type("/call +881 6 5555 0101")
    assert "was not placed" in answer
    (words,) = await told(desk)
    assert words.startswith("<@U1> has tried to call 3 numbers today that are never dialled from here, ")
    assert answer.splitlines()[0].split(", and")[0] in words
    assert "Nothing was dialled." in words
    await desk.type("/call +1 900 555 0177")
    (words,) = await told(desk)
    assert words.startswith("<@U1> has tried to call 4 numbers today")
    assert [line[2:4] for line in await desk.board.read(audit_log)][:2] == [
        ("refused call", "+19005550177"),
        ("refused call", "+881655550101"),
    ]


async def test_what_costs_nothing_is_no_alarm(desk: Office) -> None:
    await desk.link("U1")
    for number in ("112", "+1 202 555 0190", "+1 202 555", "911"):
        await desk.type(f"/call {number}")
    await desk.board.write(ledger.audit, 1.0, "U9", "x", "y")
    assert await told(desk) == []
    assert "refused call" not in [line[2] for line in await desk.board.read(audit_log)]
