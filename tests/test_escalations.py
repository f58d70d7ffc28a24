"""Missed callers who wait too long, claimed or not: who is told, when, and how often."""

import asyncio
import dataclasses
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot import escalating
from bot.board import notice
from bot.events import (
    CUSTOMER,
    REP,
    Accepted,
    CallEnded,
    CdrReceived,
    Described,
    LegAnswered,
    LegEnded,
    LegRinging,
    Outcome,
    Requested,
)
from bot.store import calls, cards, missed
from handlers.resting import resting
from tests import slack_requests
from tests.fake_slack import FakeSlack
from tests.office import LINE, SETTINGS, Office, office
from tests.slack_state import Clock, Message, User
from tests.test_jobs import meanwhile

CALLER = "+12025550155"
STRICT = SETTINGS.replace('hours = ["00:00", "24:00"]', 'hours = ["09:00", "18:00"]').replace(
    'weekdays = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]', 'weekdays = ["mon", "tue", "wed", "thu", "fri"]'
)
MIDDAY = datetime(2026, 2, 4, 12, tzinfo=ZoneInfo("America/New_York")).timestamp()
"""A Wednesday, where +1 202 is."""


async def nobody(users: Iterable[str]) -> frozenset[str]:
    """Nobody has paused notifications."""
    return frozenset()


async def missed_caller(desk: Office, ref: str = "in-1", number: str = CALLER) -> str:
    """Somebody called and nobody answered; id of the row."""
    at = desk.clock()
    await desk.board.ingest(
        "voicenter",
        [
            Described(ref=ref, at=at, source="popup", direction="in", number=number, line=LINE),
            LegRinging(ref=ref, at=at, leg="ext:201"),
            LegEnded(ref=ref, at=at + 20, leg="ext:201", outcome=Outcome.NO_ANSWER),
            CallEnded(ref=ref, at=at + 20),
        ],
    )
    return next(row.id for row in await desk.board.read(missed.waiting) if row.number == number)


async def spoke(desk: Office, user: str, ref: str = "out-1", ago: float = 86400) -> None:
    """A rep talked to the caller some time ago."""
    at = desk.clock() - ago
    asked = Requested(at=at, rep=user, rep_phone="+12025550190", number=CALLER)
    await desk.board.ingest("voicenter", [asked, Accepted(ref=ref, at=at)], call_id=f"earlier-{ref}")
    told = CdrReceived(ref=ref, at=at, leg=CUSTOMER, outcome=Outcome.ANSWERED, talk_seconds=60)
    await desk.board.ingest("voicenter", [told])


_ESCALATED = ("Nobody has called back", "nobody has talked with them since")


async def claimed_by_ada(desk: Office) -> str:
    """Somebody called and nobody answered, and U1 takes it; id of the row."""
    row = await missed_caller(desk)
    desk.clock.advance(6)
    await desk.settle()
    (card,) = desk.slack.channels["C1"].messages
    await desk.press("missed:claim", card, "C1")
    return row


async def escalated(desk: Office, minutes: float) -> dict[str, int]:
    """After so many minutes: how often each person has been told of the caller."""
    desk.clock.advance(minutes * 60)
    await escalating.escalate(desk.board, lambda users: resting(desk.desk, users))
    await desk.settle()
    return {user: count for user in ("U1", "U2", "U4", "U9") if (count := sum(map(_tells, desk.conversation(user))))}


def _tells(message: Message) -> bool:
    """Whether it told of a caller when it was posted; what became of them since is what it says by now."""
    posted = (message.updates or (message,))[0].text
    return any(words in posted for words in _ESCALATED)


async def test_the_last_to_speak_hears_first_and_then_the_managers(desk: Office) -> None:
    await spoke(desk, "U4")
    row = await missed_caller(desk)
    assert await escalated(desk, 14) == {}
    assert await escalated(desk, 2) == {"U4": 1}
    assert await escalated(desk, 14) == {"U4": 1}
    assert await escalated(desk, 2) == {"U4": 1, "U2": 1}
    assert await escalated(desk, 600) == {"U4": 1, "U2": 1}
    found = await desk.board.read(missed.get, row)
    assert found is not None
    assert (found.escalations, found.escalate_at) == (2, 0)


async def test_who_has_paused_notifications_is_passed_over(desk: Office) -> None:
    await spoke(desk, "U4")
    desk.slack.users["U4"] = User("U4", "Lin", rests=(desk.clock() - 60, desk.clock() + 7200))
    await missed_caller(desk)
    assert await escalated(desk, 16) == {"U2": 1}
    assert await escalated(desk, 600) == {"U2": 1}


async def test_where_all_managers_have_paused_notifications_they_find_it_later(desk: Office) -> None:
    desk.slack.users["U2"].rests = (desk.clock() - 60, desk.clock() + 7200)
    await missed_caller(desk)
    assert await escalated(desk, 16) == {"U2": 1}


async def test_the_callers_of_a_night_do_not_ask_slack_too_often_who_rests(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    """They are all due in the same moment, and Slack answers some fifty questions a minute."""
    two = SETTINGS.replace('managers = ["U2"]', 'managers = ["U2", "U4"]')
    async with office(tmp_path, fake_slack, slack_clock, two) as desk:
        desk.slack.users["U2"].rests = (desk.clock() - 60, desk.clock() + 7200)
        for number in range(40):
            await missed_caller(desk, f"in-{number}", f"+120255501{number:02}")
        assert await escalated(desk, 16) == {"U4": 40}


@pytest.mark.parametrize("kind", ["user_not_found", "ratelimited", "500", "drop_before"])
async def test_where_slack_does_not_say_nobody_rests(desk: Office, kind: str) -> None:
    await spoke(desk, "U4")
    await missed_caller(desk)
    desk.slack.fail_next("dnd.info", kind)
    assert await escalated(desk, 16) == {"U4": 1}


async def test_an_app_without_the_scope_for_it_is_told_to_the_admins_once(desk: Office) -> None:
    await spoke(desk, "U4")
    await missed_caller(desk)
    desk.slack.scopes -= {"dnd:read"}
    assert await escalated(desk, 16) == {"U4": 1}
    assert sum("dnd:read" in message.text for message in desk.conversation("U9")) == 1
    desk.slack.scopes |= {"dnd:read"}
    assert await escalated(desk, 16) == {"U4": 1, "U2": 1}
    assert "Working again" in desk.conversation("U9")[-1].text


async def test_an_escalation_names_the_line_and_the_time_where_its_reader_is(desk: Office) -> None:
    await desk.link("U2", zone="Asia/Tokyo")
    row = await desk.board.read(missed.get, await missed_caller(desk))
    assert row is not None
    await escalated(desk, 16)
    last = datetime.fromtimestamp(row.last_at, ZoneInfo("Asia/Tokyo"))
    assert f"last at {last:%H:%M} on line Sales." in desk.conversation("U2")[-1].text


async def test_a_claimed_or_closed_caller_is_not_escalated(desk: Office) -> None:
    claimed = await missed_caller(desk)
    await desk.board.write(missed.claim, claimed, "U1", desk.clock())
    closed = await missed_caller(desk, "in-2", "+12025550156")
    await desk.board.write(missed.close, closed, now=desk.clock(), by="U1", how="by hand")
    assert await escalated(desk, 600) == {}


async def test_whoever_claimed_a_caller_is_reminded_and_then_the_managers_are_told(desk: Office) -> None:
    """Else a caller whom somebody took and forgot would be on nobody's mind any more."""
    await desk.link("U1")
    row = await claimed_by_ada(desk)
    assert await escalated(desk, 59) == {}
    assert await escalated(desk, 2) == {"U1": 1}
    reminder = desk.conversation("U1")[-1]
    assert reminder.text.startswith("You claimed +1 202-555-0155 at ")
    assert reminder.text.endswith("You can: “Call back”, “Release”.")
    assert await escalated(desk, 59) == {"U1": 1}
    assert await escalated(desk, 2) == {"U1": 1, "U2": 1}
    told = desk.conversation("U2")[-1]
    assert told.text.endswith(" `/missed` gives them to somebody else.\nYou can: “Release”.")
    assert await escalated(desk, 600) == {"U1": 1, "U2": 1}
    found = await desk.board.read(missed.get, row)
    assert found is not None
    assert (found.claimed_by, found.escalate_at) == ("U1", 0)


async def test_a_claim_that_was_released_meanwhile_is_not_released_by_its_reminder(desk: Office) -> None:
    """Nor put off for the managers: somebody may press its buttons before it is edited."""
    row = await claimed_by_ada(desk)
    await escalated(desk, 61)
    await escalated(desk, 61)
    late = []
    for user in ("U1", "U2"):
        (notice,) = desk.conversation(user)
        direct = desk.slack.open_dm(user).id
        late.append(slack_requests.click(desk.slack, "missed:release", user=user, channel=direct, ts=notice.ts))
    await desk.press("missed:release", desk.slack.channels["C1"].messages[-1], "C1")
    before = await desk.board.read(missed.get, row)
    desk.clock.advance(60)
    for press in late:
        await desk.send(press)
        assert desk.told == "Nobody has claimed this caller any more. Nothing was changed."
    assert await desk.board.read(missed.get, row) == before


async def test_a_manager_releases_the_claim_that_they_were_told_of_and_no_later_one(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    """Of two managers one gives the caller to somebody else, and the other reads only then what both were told."""
    two = SETTINGS.replace('managers = ["U2"]', 'managers = ["U2", "U9"]')
    async with office(tmp_path, fake_slack, slack_clock, two) as desk:
        row = await claimed_by_ada(desk)
        await escalated(desk, 61)
        assert await escalated(desk, 61) == {"U1": 1, "U2": 1, "U9": 1}
        await desk.board.write(missed.assign, row, "U4", desk.clock())
        (notice,) = desk.conversation("U2")
        told = await desk.press("missed:release", notice, desk.slack.open_dm("U2").id, user="U2")
        assert told.endswith(" has claimed this caller since. Nothing was changed.")
        found = await desk.board.read(missed.get, row)
        assert found is not None
        assert found.claimed_by == "U4"
        await desk.board.write(missed.assign, row, "U1", desk.clock())
        await desk.settle()
        assert await desk.press("missed:release", notice, desk.slack.open_dm("U2").id, user="U2") == ""
        (waiting,) = await desk.board.read(missed.waiting)
        assert waiting.claimed_by == ""


async def test_a_claimed_caller_whom_somebody_talked_with_reminds_nobody(desk: Office) -> None:
    await claimed_by_ada(desk)
    desk.clock.advance(120)
    await spoke(desk, "U4", ago=60)
    assert await escalated(desk, 600) == {}


async def test_a_caller_who_is_given_to_somebody_else_reminds_them_anew(desk: Office) -> None:
    row = await claimed_by_ada(desk)
    assert await escalated(desk, 61) == {"U1": 1}
    await desk.board.write(missed.assign, row, "U4", desk.clock(), desk.board.remind_at())
    assert await escalated(desk, 61) == {"U1": 1, "U4": 1}
    assert await escalated(desk, 61) == {"U1": 1, "U4": 1, "U2": 1}


async def test_a_claimed_caller_who_tries_again_reminds_at_once_and_once(desk: Office) -> None:
    """Slack tells nobody that a card was edited."""
    await claimed_by_ada(desk)
    desk.clock.advance(300)
    for number in range(3):
        await missed_caller(desk, f"again-{number}")
        assert await escalated(desk, 1) == {"U1": 1}
    assert "tried twice, last at " in desk.conversation("U1")[-1].text
    assert await escalated(desk, 50) == {"U1": 1}
    assert await escalated(desk, 10) == {"U1": 1, "U2": 1}


async def test_a_claimed_caller_who_was_snoozed_rests_also_when_they_try_again(desk: Office) -> None:
    row = await claimed_by_ada(desk)
    await desk.board.write(missed.snooze, row, "U1", desk.clock() + 3600)
    desk.clock.advance(300)
    await missed_caller(desk, "again")
    assert await escalated(desk, 1) == {}


async def test_a_manager_who_forgot_their_own_claim_hears_of_it_once_and_then_the_others(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    two = SETTINGS.replace('managers = ["U2"]', 'managers = ["U1", "U2"]')
    async with office(tmp_path, fake_slack, slack_clock, two) as desk:
        await claimed_by_ada(desk)
        assert await escalated(desk, 61) == {"U1": 1}
        assert await escalated(desk, 61) == {"U1": 1, "U2": 1}
        assert await escalated(desk, 600) == {"U1": 1, "U2": 1}


async def test_the_only_manager_is_reminded_of_their_own_claim_once(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    alone = SETTINGS.replace('managers = ["U2"]', 'managers = ["U1"]')
    async with office(tmp_path, fake_slack, slack_clock, alone) as desk:
        await claimed_by_ada(desk)
        assert await escalated(desk, 61) == {"U1": 1}
        assert await escalated(desk, 600) == {"U1": 1}
        assert await desk.board.read(missed.to_escalate, desk.clock()) == []


async def test_nobody_is_told_that_nobody_talks_with_a_caller_who_is_on_the_phone(desk: Office) -> None:
    """A conversation closes the card only when it is over, and it may be a long one."""
    await desk.link("U1")
    row = await claimed_by_ada(desk)
    desk.clock.advance(58 * 60)
    await desk.press("missed:call_back", desk.slack.channels["C1"].messages[-1], "C1")
    at = desk.clock()
    for leg in (REP, CUSTOMER):
        await desk.board.ingest("voicenter", [LegAnswered(ref="paper-1", at=at, leg=leg)])
    assert await escalated(desk, 3) == {}
    assert await escalated(desk, 20) == {}
    at = desk.clock()
    await desk.happen(
        *(CdrReceived(ref="paper-1", at=at, leg=leg, outcome=Outcome.NO_ANSWER) for leg in (REP, CUSTOMER)),
        CallEnded(ref="paper-1", at=at),
    )
    found = await desk.board.read(missed.get, row)
    assert found is not None
    assert found.open
    assert await escalated(desk, 2) == {"U1": 1}


async def test_of_a_claim_managers_are_told_by_the_name_that_our_command_has(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    text = SETTINGS + '[commands]\nmissed = "/waiting"\n'
    async with office(tmp_path, fake_slack, slack_clock, text) as desk:
        await claimed_by_ada(desk)
        await escalated(desk, 61)
        await escalated(desk, 61)
        assert " `/waiting` gives them to somebody else." in desk.conversation("U2")[-1].text


async def test_of_a_claim_of_who_is_a_guest_by_now_the_managers_are_told(desk: Office) -> None:
    """Callboard is not for them any more, so their claim would wait for nobody, and they would read who called."""
    await claimed_by_ada(desk)
    desk.board.outsiders.add("U1")
    assert await escalated(desk, 61) == {"U2": 1}
    assert await escalated(desk, 600) == {"U2": 1}


async def test_a_guest_who_spoke_with_them_last_is_passed_over(desk: Office) -> None:
    await spoke(desk, "U4")
    await missed_caller(desk)
    desk.board.outsiders.add("U4")
    assert await escalated(desk, 16) == {"U2": 1}


async def test_who_tries_again_after_everybody_was_told_is_told_of_anew(desk: Office) -> None:
    """Slack tells nobody that a card was edited, and a line's channel may see nothing but that card."""
    row = await missed_caller(desk)
    assert await escalated(desk, 16) == {"U2": 1}
    assert await escalated(desk, 600) == {"U2": 1}
    for number in range(3):
        await missed_caller(desk, f"again-{number}")
        assert await escalated(desk, 1) == {"U2": 1}
    assert await escalated(desk, 13) == {"U2": 2}
    assert "tried 4 times" in desk.conversation("U2")[-1].text
    assert await escalated(desk, 600) == {"U2": 2}
    await desk.board.write(missed.snooze, row, "U1", desk.clock() + 86400)
    await missed_caller(desk, "while it rests")
    assert await escalated(desk, 600) == {"U2": 2}


async def test_a_claimed_caller_who_tries_again_after_the_managers_were_told_reminds_anew(desk: Office) -> None:
    await claimed_by_ada(desk)
    assert await escalated(desk, 61) == {"U1": 1}
    assert await escalated(desk, 61) == {"U1": 1, "U2": 1}
    desk.clock.advance(86400)
    await missed_caller(desk, "the next day")
    assert await escalated(desk, 1) == {"U1": 2, "U2": 1}
    assert await escalated(desk, 61) == {"U1": 2, "U2": 2}


async def test_a_try_that_is_told_late_tells_nobody_anew(desk: Office) -> None:
    at = desk.clock()
    desk.clock.advance(60)
    await missed_caller(desk)
    assert await escalated(desk, 16) == {"U2": 1}
    desk.clock.now, later = at, desk.clock()
    await missed_caller(desk, "earlier")
    desk.clock.now = later
    assert await escalated(desk, 600) == {"U2": 1}


async def test_where_there_are_no_managers_the_admins_are_told(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    text = SETTINGS.replace('managers = ["U2"]', "")
    async with office(tmp_path, fake_slack, slack_clock, text) as desk:
        await spoke(desk, "U4")
        await missed_caller(desk)
        assert await escalated(desk, 16) == {"U4": 1}
        assert await escalated(desk, 16) == {"U4": 1, "U9": 1}


@pytest.mark.parametrize("claimed", [False, True])
async def test_who_has_left_keeps_no_caller_waiting(desk: Office, claimed: bool) -> None:
    """Slack shows a deactivated user nothing, as was found out when something was to be shown to them."""
    if claimed:
        await claimed_by_ada(desk)
    else:
        await spoke(desk, "U1")
        await missed_caller(desk)
    desk.slack.users["U1"] = dataclasses.replace(desk.slack.users["U1"], deleted=True)
    await desk.board.tell("U1", "Something that they never see.", "lost")
    await desk.settle()
    assert await escalated(desk, 61 if claimed else 16) == {"U2": 1}


async def test_claim_minutes_of_0_remind_nobody(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> None:
    async with office(tmp_path, fake_slack, slack_clock, SETTINGS + "[missed]\nclaim_minutes = 0\n") as desk:
        await claimed_by_ada(desk)
        desk.clock.advance(300)
        await missed_caller(desk, "again")
        assert await escalated(desk, 6000) == {}


@pytest.mark.parametrize("what", ["called back", "claimed", "given to U4", "snoozed", "closed"])
async def test_of_whom_somebody_took_care_while_slack_was_down_nobody_is_told(desk: Office, what: str) -> None:
    """What was to be told when it could not be would be wrong by now, and somebody would call them again."""
    row = await missed_caller(desk)
    desk.clock.advance(20 * 60)
    await escalating.escalate(desk.board, nobody)  # nothing is posted before `settle()`, as while Slack is away
    desk.clock.advance(3 * 3600)
    now = desk.clock()
    match what:
        case "called back":
            await spoke(desk, "U4", ago=0)
        case "claimed":
            await desk.board.write(missed.claim, row, "U1", now)
        case "given to U4":
            await desk.board.write(missed.assign, row, "U4", now)
        case "snoozed":
            await desk.board.write(missed.snooze, row, "U1", now + 86400 * 7)
        case _:
            await desk.board.write(missed.close, row, now=now, by="U1", how="by hand")
    await desk.settle()
    assert desk.conversation("U2") == []


async def test_a_claim_that_fails_leaves_the_claimer_their_reminder(desk: Office) -> None:
    row = await claimed_by_ada(desk)
    desk.clock.advance(61 * 60)
    await escalating.escalate(desk.board, nobody)
    await desk.board.write(missed.claim, row, "U4", desk.clock())
    assert await escalated(desk, 1) == {"U1": 1}


async def test_nobody_is_asked_any_more_to_call_back_who_was_called_back_meanwhile(desk: Office) -> None:
    row = await missed_caller(desk)
    body = notice("U2 asks you to call back.")
    await desk.board.write(cards.mark, "notice", f"{missed.ASSIGNED}:{row}:1", "@U4", desk.clock(), body)
    desk.clock.advance(60)
    await spoke(desk, "U1", ago=0)
    await desk.settle()
    assert desk.conversation("U4") == []


async def test_a_claim_while_the_escalation_is_prepared_wins(desk: Office) -> None:
    row = await missed_caller(desk)
    desk.clock.advance(20 * 60)
    await asyncio.gather(
        desk.board.write(missed.claim, row, "U1", desk.clock()), escalating.escalate(desk.board, nobody)
    )
    assert await escalated(desk, 600) == {}


async def test_a_snooze_while_the_escalation_is_prepared_wins(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    row = await missed_caller(desk)
    desk.clock.advance(20 * 60)
    until = desk.clock() + 3600
    with monkeypatch.context() as patch:
        meanwhile(desk, patch, lambda: desk.board.write(missed.snooze, row, "U1", until))
        await escalating.escalate(desk.board, nobody)
    assert await escalated(desk, 59) == {}
    assert await escalated(desk, 2) == {"U2": 1}


@pytest.mark.parametrize("ago", [0, 1])
async def test_a_snooze_while_it_is_put_off_wins(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock, monkeypatch: pytest.MonkeyPatch, ago: int
) -> None:
    """Until the next opening, or while they are on the phone."""
    slack_clock.now = MIDDAY + 5.9 * 3600 - ago * 3600
    async with office(tmp_path, fake_slack, slack_clock, STRICT) as desk:
        row = await missed_caller(desk)
        if ago:
            await desk.board.ingest(
                "voicenter",
                [
                    Described(ref="in-2", at=desk.clock(), source="popup", direction="in", number=CALLER, line=LINE),
                    LegRinging(ref="in-2", at=desk.clock(), leg="ext:201"),
                ],
            )
        desk.clock.advance(20 * 60)
        until = desk.clock() + 86400 * 7
        with monkeypatch.context() as patch:
            meanwhile(desk, patch, lambda: desk.board.write(missed.snooze, row, "U1", until), calls.open_calls)
            await escalating.escalate(desk.board, nobody)
        found = await desk.board.read(missed.get, row)
        assert found is not None
        assert found.escalate_at == until


async def test_whoever_claimed_and_snoozed_a_caller_is_reminded_at_its_end(desk: Office) -> None:
    row = await missed_caller(desk)
    await desk.board.write(missed.claim, row, "U1", desk.clock())
    await desk.board.write(missed.snooze, row, "U1", desk.clock() + 3600)
    assert await escalated(desk, 59) == {}
    assert await escalated(desk, 2) == {"U1": 1}
    assert await escalated(desk, 59) == {"U1": 1}
    assert await escalated(desk, 2) == {"U1": 1, "U2": 1}
    assert await desk.board.read(missed.to_escalate, desk.clock()) == []


async def test_a_snoozed_caller_whom_nobody_claimed_is_escalated_like_a_new_one(desk: Office) -> None:
    row = await missed_caller(desk)
    await desk.board.write(missed.snooze, row, "U1", desk.clock() + 3600)
    assert await escalated(desk, 59) == {}
    assert await escalated(desk, 2) == {"U2": 1}


async def test_escalations_wait_for_calling_hours(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> None:
    slack_clock.now = MIDDAY + 5.9 * 3600  # six minutes before they close, on Wednesday
    async with office(tmp_path, fake_slack, slack_clock, STRICT) as desk:
        row = await missed_caller(desk)
        assert await escalated(desk, 20) == {}
        found = await desk.board.read(missed.get, row)
        assert found is not None
        assert found.escalate_at == MIDDAY + 21 * 3600  # 09:00 on Thursday
        assert await escalated(desk, 60) == {}
        slack_clock.now = MIDDAY + 21 * 3600
        assert await escalated(desk, 1) == {"U2": 1}


async def test_a_released_caller_is_not_escalated_where_that_is_switched_off(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    async with office(tmp_path, fake_slack, slack_clock, SETTINGS + "[missed]\nescalate_minutes = 0\n") as desk:
        await missed_caller(desk)
        for action in ("missed:claim", "missed:release"):
            slack_clock.advance(10)
            await desk.settle()
            await desk.press(action, desk.slack.channel("C1")[-1], "C1")
        (row,) = await desk.board.read(missed.waiting)
        assert (row.claimed_by, row.escalate_at) == ("", 0)
        assert await escalated(desk, 600) == {}
