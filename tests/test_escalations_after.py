"""What the message that somebody is told of a missed caller says when the caller was taken care of."""

import asyncio
from pathlib import Path

import pytest

from bot import escalating
from bot.events import CUSTOMER, CallEnded, CdrReceived, Described, Outcome, Requested, Settled, Unclear
from bot.store import cards, missed
from tests import slack_requests
from tests.fake_slack import FakeSlack
from tests.office import LINE, SETTINGS, Office, office
from tests.slack_state import Clock, Message
from tests.test_escalations import CALLER, claimed_by_ada, escalated, missed_caller, nobody, spoke

NOBODY = "Nobody has called back +1 202-555-0155."
TWO = SETTINGS.replace('managers = ["U2"]', 'managers = ["U2", "U4"]')


def all_told(desk: Office, user: str = "U2") -> list[Message]:
    """What this person was told of missed callers, as it is now."""
    return [
        message for message in desk.conversation(user) if "missed:" in str((message.updates or (message,))[0].blocks)
    ]


def told(desk: Office, user: str = "U2") -> Message:
    (message,) = all_told(desk, user)
    return message


def buttons(message: Message) -> list[str]:
    return [
        element["action_id"] for block in message.blocks if block["type"] == "actions" for element in block["elements"]
    ]


def edits(desk: Office, user: str = "U2") -> int:
    """How often a message in this person's conversation was edited."""
    channel = desk.slack.open_dm(user).id
    return sum(
        request.method == "chat.update" and request.arguments["channel"] == channel and request.outcome == "ok"
        for request in desk.slack.requests
    )


async def reached_us(desk: Office) -> None:
    at = desk.clock()
    await desk.happen(
        Described(ref="in-2", at=at, source="cdr", direction="in", number=CALLER, line=LINE),
        CdrReceived(ref="in-2", at=at, leg="ext:201", outcome=Outcome.ANSWERED, talk_seconds=60),
        CallEnded(ref="in-2", at=at + 60),
    )


async def happens(desk: Office, what: str, row: str, user: str = "U1") -> None:
    """What can become of a missed caller."""
    card = desk.slack.channels["C1"].messages[-1]
    match what:
        case "called back":
            await spoke(desk, user, ago=0)
        case "reached us":
            await reached_us(desk)
        case "snoozed":
            await desk.press("missed:snooze", card, "C1", user=user, value=f"{row}|1h")
        case _:
            await desk.press(f"missed:{what}", card, "C1", user=user)
    await desk.settle()


async def waited(desk: Office) -> str:
    """A missed caller of whom U2, a manager, was told; id of the row."""
    row = await missed_caller(desk)
    desk.clock.advance(6)
    await desk.settle()
    assert await escalated(desk, 16) == {"U2": 1}
    desk.clock.advance(60)
    return row


@pytest.mark.parametrize(
    ("what", "words", "left"),
    [
        ("called back", "+1 202-555-0155 was called back 17 min after their first call, at ", []),
        ("reached us", "+1 202-555-0155 reached us 17 min after their first call, at ", []),
        ("close", "+1 202-555-0155 was closed by U1 at ", []),
        ("claim", "U1 claimed +1 202-555-0155 at ", ["missed:release"]),
        ("snoozed", "U1 snoozed +1 202-555-0155 until ", ["missed:call_back", "missed:claim"]),
    ],
)
async def test_it_says_what_became_of_them_and_who_did_it_once(
    desk: Office, what: str, words: str, left: list[str]
) -> None:
    row = await waited(desk)
    before = told(desk)
    await happens(desk, what, row)
    after = told(desk)
    assert after.ts == before.ts
    assert NOBODY not in after.text
    assert after.text.startswith(words)
    assert "U1" in after.text or what == "reached us"
    assert "tried once, last at" in after.text.lower()
    assert buttons(after) == left
    assert edits(desk) == 1
    desk.clock.advance(600)
    await desk.settle()
    assert edits(desk) == 1


async def test_whoever_takes_the_caller_from_it_sees_their_own_buttons(desk: Office) -> None:
    await desk.link("U2")
    await waited(desk)
    direct = desk.slack.open_dm("U2").id
    await desk.press("missed:claim", told(desk), direct, user="U2")
    assert told(desk).text.startswith("You claimed +1 202-555-0155 at ")
    assert buttons(told(desk)) == ["missed:call_back", "missed:release"]
    await desk.press("missed:release", told(desk), direct, user="U2")
    assert told(desk).text.startswith(NOBODY)
    assert buttons(told(desk)) == ["missed:call_back", "missed:claim"]
    await desk.press("missed:call_back", told(desk), direct, user="U2")
    assert [order.number for order in desk.phone.orders] == [CALLER]


async def test_every_message_of_one_caller_is_put_right(desk: Office) -> None:
    await spoke(desk, "U4")
    await missed_caller(desk)
    assert await escalated(desk, 16) == {"U4": 1}
    assert await escalated(desk, 16) == {"U4": 1, "U2": 1}
    await missed_caller(desk, "again")
    assert await escalated(desk, 16) == {"U4": 1, "U2": 2}
    desk.clock.advance(60)
    await spoke(desk, "U1", "out-2", ago=0)
    await desk.settle()
    for user, count in (("U4", 1), ("U2", 2)):
        assert len(all_told(desk, user)) == count
        assert all(" was called back " in message.text for message in all_told(desk, user))
        assert [buttons(message) for message in all_told(desk, user)] == [[]] * count
        assert edits(desk, user) == count


async def test_it_shows_one_step_after_the_other(desk: Office) -> None:
    row = await waited(desk)
    await happens(desk, "claim", row)
    assert told(desk).text.startswith("U1 claimed")
    assert "`/missed` gives them to somebody else" in told(desk).text
    await happens(desk, "snoozed", row, user="U4")
    assert told(desk).text.startswith("U4 snoozed +1 202-555-0155 until ")
    assert "U1 claimed them at " in told(desk).text
    await happens(desk, "release", row)
    await happens(desk, "claim", row, user="U4")
    assert told(desk).text.startswith("U4 claimed +1 202-555-0155 at ")
    await happens(desk, "called back", row, user="U4")
    assert " was called back " in told(desk).text
    assert buttons(told(desk)) == []


async def test_a_reminder_of_ones_claim_says_that_it_is_anothers_now(desk: Office) -> None:
    row = await claimed_by_ada(desk)
    await escalated(desk, 61)
    assert told(desk, "U1").text.startswith("You claimed ")
    await desk.board.write(missed.assign, row, "U4", desk.clock())
    await desk.settle()
    assert told(desk, "U1").text.startswith("U4 claimed +1 202-555-0155 at ")
    assert buttons(told(desk, "U1")) == []  # only managers release what is another's


async def test_a_reminder_of_a_claim_that_was_given_back_lets_everybody_take_it(desk: Office) -> None:
    row = await claimed_by_ada(desk)
    await escalated(desk, 61)
    await happens(desk, "release", row)
    assert told(desk, "U1").text.startswith("+1 202-555-0155 waits, and nobody has claimed them any more.")
    assert buttons(told(desk, "U1")) == ["missed:call_back", "missed:claim"]


async def test_what_a_manager_asked_somebody_says_what_became_of_it(desk: Office) -> None:
    for number, user in enumerate(("U1", "U2", "U4")):
        await desk.link(user, phone=f"+1202555019{number}")
    await missed_caller(desk)
    desk.clock.advance(6)
    await desk.settle()
    for to in ("U1", "U4"):
        desk.clock.advance(60)
        await desk.type("/missed", user="U2")
        shown = desk.slack.ephemerals[-1]
        (choice,) = [name for name in buttons(shown) if name.startswith("waiting:assign:")]  # type: ignore[arg-type]
        await desk.press(choice, shown, "C1", user="U2", value=to)
    assert told(desk, "U1").text.startswith("U4 claimed +1 202-555-0155 at ")
    assert buttons(told(desk, "U1")) == []
    assert told(desk, "U4").text.startswith("U2 asks you to call back")
    assert edits(desk, "U4") == 0
    desk.clock.advance(60)
    await spoke(desk, "U4", ago=0)
    await desk.settle()
    for user in ("U1", "U4"):
        assert " was called back " in told(desk, user).text
        assert buttons(told(desk, user)) == []


async def test_a_conversation_that_was_none_brings_it_back(desk: Office) -> None:
    await waited(desk)
    at = desk.clock()
    asked = Requested(at=at, rep="U1", rep_phone="+12025550190", number=CALLER)
    said = Settled(at=at, by="U1", outcome=Outcome.ANSWERED)
    await desk.happen(asked, Unclear(at=at, words="Nobody knows."), said, call_id="ours")
    assert " was called back " in told(desk).text
    await desk.happen(
        Described(ref="o1", at=at, source="cdr", direction="out", number=CALLER, call_id="ours"),
        CdrReceived(ref="o1", at=at, leg=CUSTOMER, outcome=Outcome.NO_ANSWER, ring_seconds=20),
    )
    assert told(desk).text.startswith(NOBODY)
    assert buttons(told(desk)) == ["missed:call_back", "missed:claim"]


async def test_of_whom_a_colleague_has_answered_after_all_nothing_stays(desk: Office) -> None:
    await waited(desk)
    await desk.happen(CdrReceived(ref="in-1", at=desk.clock(), leg="ext:202", outcome=Outcome.ANSWERED, talk_seconds=9))
    assert desk.conversation("U2") == []


@pytest.mark.parametrize("what", ["called back", "claim", "close", "snoozed"])
async def test_one_that_somebody_has_deleted_does_not_come_back(desk: Office, what: str) -> None:
    row = await waited(desk)
    desk.slack.delete(desk.slack.open_dm("U2").id, told(desk).ts)
    await happens(desk, what, row)
    desk.clock.advance(60)
    await desk.settle()
    assert desk.conversation("U2") == []
    await happens(desk, "called back", row)
    assert desk.conversation("U2") == []


@pytest.mark.parametrize("fault", ["500", "drop_before", "drop_after", "ratelimited"])
async def test_where_slack_fails_it_is_put_right_in_the_end(desk: Office, fault: str) -> None:
    await waited(desk)
    before = told(desk)
    desk.slack.fail_next("chat.update", fault)
    await spoke(desk, "U1", ago=0)
    for _ in range(4):
        await desk.settle()
        desk.clock.advance(60)
    assert (told(desk).ts, " was called back " in told(desk).text) == (before.ts, True)


@pytest.mark.parametrize("when", ["before the edit", "after it"])
async def test_a_restart_puts_it_right_and_once(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock, when: str
) -> None:
    """Killed before Slack was told, or before it was written down that it had been."""
    async with office(tmp_path, fake_slack, slack_clock) as desk:
        row = await waited(desk)
        before = told(desk)
        await desk.board.write(missed.claim, row, "U1", desk.clock())
        if when == "after it":
            note = await desk.board.db.read(lambda db: cards.find(db, "notice", f"{missed.ESCALATED}:{row}:0"))
            assert note is not None
            await desk.settle()
            await desk.board.db.write(lambda db: cards.touch(db, note.subject, "notice"))
            assert told(desk).text.startswith("U1 claimed")
    slack_clock.advance(60)
    async with office(tmp_path, fake_slack, slack_clock) as desk:
        await desk.settle()
        assert told(desk).ts == before.ts
        assert told(desk).text.startswith("U1 claimed")
        assert edits(desk) == 1


async def test_it_is_not_posted_where_somebody_takes_the_caller_in_that_moment(desk: Office) -> None:
    """It takes Slack a while to open a conversation, and by then nobody is to be told any more."""
    row = await missed_caller(desk)
    desk.clock.advance(20 * 60)
    hang = desk.slack.hang("conversations.open")
    await escalating.escalate(desk.board, nobody)
    await desk.feed.step()
    await asyncio.wait_for(hang.reached.wait(), 60)
    await desk.board.write(missed.claim, row, "U1", desk.clock())
    hang.release()
    await desk.settle()
    assert desk.conversation("U2") == []


async def test_a_late_press_of_what_it_offered_before_changes_nothing(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    """Of two managers one is faster, and the other has pressed before their message was edited."""
    async with office(tmp_path, fake_slack, slack_clock, TWO) as desk:
        for number, user in enumerate(("U2", "U4")):
            await desk.link(user, phone=f"+1202555019{number}")
        await missed_caller(desk)
        desk.clock.advance(6)
        await desk.settle()
        assert await escalated(desk, 16) == {"U2": 1, "U4": 1}
        late = [
            slack_requests.click(
                desk.slack, action, user="U4", channel=desk.slack.open_dm("U4").id, ts=told(desk, "U4").ts
            )
            for action in ("missed:claim", "missed:call_back")
        ]
        await desk.press("missed:call_back", told(desk), desk.slack.open_dm("U2").id, user="U2")
        for press in late:
            await desk.send(press)
            assert "has claimed this caller" in desk.told
        assert len(desk.phone.orders) == 1
        assert told(desk, "U4").text.startswith("U2 claimed")
        assert buttons(told(desk, "U4")) == ["missed:release"]


@pytest.mark.parametrize(("fault", "count"), [("drop_before", 0), ("drop_after", 1)])
@pytest.mark.parametrize("what", ["claim", "called back"])
async def test_one_whose_post_was_cut_off_is_put_right_if_it_is_there_and_not_posted_else(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock, fault: str, count: int, what: str
) -> None:
    """Killed while it was posted, and somebody took care of the caller before Callboard was back."""
    async with office(tmp_path, fake_slack, slack_clock) as desk:
        row = await missed_caller(desk)
        slack_clock.advance(6)
        await desk.settle()
        slack_clock.advance(20 * 60)
        await escalating.escalate(desk.board, nobody)
        fake_slack.fail_next("chat.postMessage", fault)
        await desk.feed.step()
        await asyncio.gather(*desk.feed._tasks)
        await happens_unseen(desk, what, row)
    slack_clock.advance(60)
    async with office(tmp_path, fake_slack, slack_clock) as desk:
        await desk.settle()
        words = {"claim": "U1 claimed", "called back": " was called back "}[what]
        assert [words in message.text for message in desk.conversation("U2")] == [True] * count


async def happens_unseen(desk: Office, what: str, row: str) -> None:
    if what == "claim":
        await desk.board.write(missed.claim, row, "U1", desk.clock())
    else:
        await spoke(desk, "U1", ago=0)
