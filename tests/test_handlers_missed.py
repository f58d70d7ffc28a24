"""Missed callers as people see them: one card per caller, claimed, called back, closed."""

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from bot import escalating, jobs
from bot.events import CallEnded, CdrReceived, Described, LegRinging, Outcome
from bot.store import ledger, missed
from handlers.resting import resting
from tests import slack_requests
from tests.audit_lines import audit_log
from tests.fake_slack import FakeSlack
from tests.office import LINE, SETTINGS, Office, PaperPhone, office
from tests.slack_state import Clock, Message

CALLER = "+12025550155"


async def miss(desk: Office, ref: str, number: str = CALLER, outcome: Outcome = Outcome.NO_ANSWER) -> None:
    """Somebody calls our line and nobody answers."""
    at = desk.clock()
    await desk.happen(
        Described(ref=ref, at=at, source="cdr", direction="in", number=number, line=LINE),
        CdrReceived(ref=ref, at=at, leg="ext:AAA", outcome=outcome, ring_seconds=20),
    )


async def audit(desk: Office) -> list[tuple[str, ...]]:
    """(who, what, subject, detail) of each entry, latest first."""
    return [line[1:] for line in await desk.board.read(audit_log)]


def cards(desk: Office) -> list[Message]:
    return [message for message in desk.slack.channel("C1") if "issed" in message.text]


async def test_an_incoming_call_is_shown_while_it_rings_and_becomes_the_missed_card(desk: Office) -> None:
    at = desk.clock()
    await desk.happen(
        Described(ref="in-1", at=at, source="popup", direction="in", number=CALLER, line=LINE, name="Noa"),
        LegRinging(ref="in-1", at=at, leg="ext:AAA"),
    )
    (ringing,) = desk.slack.channel("C1")
    assert "Noa" in ringing.text
    await miss(desk, "in-1")
    (card,) = desk.slack.channel("C1")
    assert "Missed once" in card.text
    assert card.ts != ringing.ts


@pytest.fixture
async def strict(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> AsyncIterator[Office]:
    """Where somebody who hangs up within five seconds is no missed caller."""
    settings = SETTINGS + "[missed]\nbrief_seconds = 5\n"
    async with office(tmp_path, fake_slack, slack_clock, settings) as desk:
        yield desk


async def rang(desk: Office, ref: str, at: float, seconds: int) -> None:
    """The record of a call that nobody answered."""
    await desk.happen(
        Described(ref=ref, at=at, source="cdr", direction="in", number=CALLER, line=LINE),
        CdrReceived(ref=ref, at=at, leg="ext:AAA", outcome=Outcome.NO_ANSWER, ring_seconds=seconds),
    )


async def over(desk: Office, ref: str, seconds: int) -> float:
    """A call rings and is over; when it began."""
    at = desk.clock()
    await desk.happen(
        Described(ref=ref, at=at, source="popup", direction="in", number=CALLER, line=LINE),
        LegRinging(ref=ref, at=at, leg="ext:AAA"),
    )
    assert len(desk.slack.channel("C1")) == 1  # it rings, and who it is shows
    await desk.happen(CallEnded(ref=ref, at=at + seconds))
    return at


async def test_whoever_hangs_up_at_once_leaves_nothing_behind(strict: Office) -> None:
    await over(strict, "in-1", 2)
    assert strict.slack.channel("C1") == []
    assert "no answer, hung up early" in (await strict.type("/calls log in", user="U9")).lower()
    assert "hung up early" not in await strict.type("/calls log missed", user="U9")


async def test_a_record_that_comes_late_takes_the_card_away_or_brings_it(strict: Office) -> None:
    began = await over(strict, "in-1", 9)
    assert len(cards(strict)) == 1
    await rang(strict, "in-1", began, 2)
    assert strict.slack.channel("C1") == []
    began = await over(strict, "in-2", 2)
    assert cards(strict) == []
    await rang(strict, "in-2", began, 20)
    assert ["Missed once" in card.text for card in cards(strict)] == [True]


async def test_five_tries_are_one_card(desk: Office) -> None:
    for number in range(5):
        await miss(desk, f"in-{number}")
        desk.clock.advance(60)
    (card,) = cards(desk)
    assert "issed 5 times" in card.text


@pytest.mark.parametrize("when", ["while it waits", "with its record", "long after"])
async def test_the_channel_of_a_line_that_is_told_late_has_the_card(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock, when: str
) -> None:
    """A list of who waits in a queue does not say which line they called."""
    text = SETTINGS.replace('channel = "C1"\nadmins', 'channel = "C2"\nadmins')
    async with office(tmp_path, fake_slack, slack_clock, text) as desk:
        desk.slack.channels["C2"].bot_is_member = True
        at = desk.clock()
        await desk.happen(
            Described(ref="in-1", at=at, source="poll", direction="in", number=CALLER, queue="Sales"),
            LegRinging(ref="in-1", at=at, leg="queue:12"),
        )
        assert len(desk.slack.channel("C2")) == 1  # whose it is is not known
        line = Described(ref="in-1", at=at, source="cdr", direction="in", number=CALLER, line=LINE)
        if when == "while it waits":
            await desk.happen(line)
            assert (len(desk.slack.channel("C1")), desk.slack.channel("C2")) == (1, [])
        await desk.happen(CallEnded(ref="in-1", at=desk.clock()), *([line] if when == "with its record" else []))
        if when == "long after":
            (card,) = desk.slack.channel("C2")
            await desk.press("missed:claim", card, "C2", user="U2")
            desk.clock.advance(60)
            await desk.happen(line)
            assert "claimed by U2" in cards(desk)[0].text
        assert [(row.place, row.line) for row in await desk.board.read(missed.waiting)] == [("C1", LINE)]
        assert len(cards(desk)) == 1
        assert desk.slack.channel("C2") == []


async def test_a_call_whose_line_is_told_when_it_is_no_news_is_shown_there_all_the_same_if_it_was_shown(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    """Callboard was down when it ended: its service's log tells hours later whose line it was on."""
    text = SETTINGS.replace('channel = "C1"\nadmins', 'channel = "C2"\nadmins')
    async with office(tmp_path, fake_slack, slack_clock, text) as desk:
        desk.slack.channels["C2"].bot_is_member = True
        at = desk.clock()
        for ref in ("in-1", "in-2"):
            told = Described(ref=ref, at=at, source="poll", direction="in", number=CALLER, queue="Sales")
            if ref == "in-1":
                await desk.happen(told, LegRinging(ref=ref, at=at, leg="queue:12"))
            desk.clock.advance(7200)
            answered = CdrReceived(ref=ref, at=at, leg="ext:AAA", outcome=Outcome.ANSWERED, talk_seconds=60)
            recorded = replace(told, source="cdr", line=LINE)
            await desk.board.ingest("voicenter", (recorded, answered, CallEnded(ref=ref, at=at + 60)), late=True)
            await desk.settle()
        (card,) = desk.slack.channel("C1")
        assert "1 min" in card.text
        assert desk.slack.channel("C2") == []


async def test_a_line_that_is_told_late_and_has_no_channel_takes_nothing_away(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    other = "+12025550109"
    text = SETTINGS.replace('channel = "C1"\nadmins', "admins") + f'[lines."{other}"]\nlabel = "Support"\n'
    async with office(tmp_path, fake_slack, slack_clock, text) as desk:
        await desk.link("U1", phone_kind="extension", phone="201", extension="201")
        at = desk.clock()
        told = Described(ref="in-1", at=at, source="poll", direction="in", number=CALLER, extension="201")
        await desk.happen(told, LegRinging(ref="in-1", at=at, leg="ext:201"))
        await desk.happen(CallEnded(ref="in-1", at=desk.clock()), replace(told, source="cdr", line=other))
        (card,) = desk.conversation("U1")
        assert "Missed call" in card.text
        assert await desk.board.read(ledger.problems) == []


async def test_answered_by_a_colleague_is_not_missed(desk: Office) -> None:
    await miss(desk, "in-1")
    assert cards(desk)
    await desk.happen(
        CdrReceived(ref="in-1", at=desk.clock(), leg="ext:BBB", outcome=Outcome.ANSWERED, talk_seconds=60)
    )
    assert not cards(desk)


async def test_claim_release_and_who_was_faster(desk: Office) -> None:
    await miss(desk, "in-1")
    (card,) = cards(desk)
    later = slack_requests.click(desk.slack, "missed:claim", user="U4", channel="C1", ts=card.ts)
    await desk.press("missed:claim", card, "C1", user="U1")
    await desk.send(later)
    assert "was faster" in desk.told
    (card,) = cards(desk)
    assert "claimed by" in card.text
    assert "only they or a manager" in await desk.press("missed:release", card, "C1", user="U4")
    await desk.press("missed:release", card, "C1", user="U9")
    assert "claimed by" not in cards(desk)[0].text
    assert await audit(desk) == [
        ("U9", "release missed caller", CALLER, "C1"),
        ("U1", "claim missed caller", CALLER, "C1"),
    ]


async def test_call_back_claims_dials_and_the_conversation_closes_it(desk: Office) -> None:
    await desk.link("U1")
    await miss(desk, "in-1")
    (card,) = cards(desk)
    assert "Ringing your phone" in await desk.press("missed:call_back", card, "C1")
    assert [order.number for order in desk.phone.orders] == [CALLER]
    assert "claimed by" in cards(desk)[0].text
    assert [what for _, what, *_ in await audit(desk)] == ["call", "claim missed caller"]
    await desk.happen(
        CdrReceived(
            ref="paper-1", at=desk.clock(), leg="customer", outcome=Outcome.ANSWERED, ring_seconds=5, talk_seconds=60
        )
    )
    (card,) = cards(desk)
    assert "called back" in card.text
    assert not any(block["type"] == "actions" for block in card.blocks)


async def test_slash_call_back_takes_the_latest(desk: Office) -> None:
    await desk.link("U1")
    await miss(desk, "in-1", "+12025550156")
    desk.clock.advance(60)
    await miss(desk, "in-2", "+12025550157")
    await desk.type("/call back")
    assert [order.number for order in desk.phone.orders] == ["+12025550157"]
    assert "claimed by U1" in cards(desk)[1].text
    await desk.link("U4", "+12025550194")
    await desk.type("/call back", user="U4")
    assert [order.number for order in desk.phone.orders] == ["+12025550157", "+12025550156"]
    assert ("U1", "claim missed caller", "+12025550157", "C1") in await audit(desk)


@pytest.mark.parametrize("how", ["the button", "/call back"])
async def test_they_see_the_line_that_they_called(desk: Office, how: str) -> None:
    await desk.link("U1", line="")
    await miss(desk, "in-1")
    await (desk.press("missed:call_back", cards(desk)[0], "C1") if how == "the button" else desk.type(how))
    assert [order.caller_id for order in desk.phone.orders] == [LINE]


@pytest.mark.parametrize("how", ["the button", "/call back"])
async def test_a_line_whose_account_cannot_ring_ones_phone_is_no_hindrance(desk: Office, how: str) -> None:
    """An extension is rung at its own account only; a button has no “via” that could be left out."""
    await desk.link("U1", "201", phone_kind="extension", account="voicenter", line="")
    await miss(desk, "in-1")
    (line,) = desk.board.settings.lines
    object.__setattr__(desk.board.settings, "lines", (dataclasses.replace(line, account="branch"),))
    branch = PaperPhone("branch", desk.clock)
    desk.board.providers = {"voicenter": desk.phone, "branch": branch}
    await (desk.press("missed:call_back", cards(desk)[0], "C1") if how == "the button" else desk.type(how))
    assert [(order.number, order.caller_id) for order in desk.phone.orders] == [(CALLER, "")]
    await branch.http.aclose()


async def test_who_was_closed_meanwhile_is_not_called_and_that_is_said(desk: Office) -> None:
    await desk.link("U1")
    await miss(desk, "in-1")
    (card,) = cards(desk)
    channel = desk.board.settings.channel
    pressed = slack_requests.click(desk.slack, "missed:call_back", user="U1", channel=channel, ts=card.ts)
    await desk.press("missed:close", card, channel, user="U4")
    await desk.send(pressed)
    assert desk.told == (
        "This missed caller is closed already. Nothing was dialled; to call them all the same, type `/call` and their "
        "number."
    )
    assert desk.phone.orders == []


async def test_who_has_no_phone_keeps_nobody_from_calling_back(desk: Office) -> None:
    await miss(desk, "in-1")
    (card,) = cards(desk)
    assert "/phone link" in await desk.press("missed:call_back", card, "C1")
    assert "/phone link" in await desk.type("/call back")
    assert "claimed by" not in cards(desk)[0].text
    assert await audit(desk) == []


async def test_who_may_not_call_keeps_nobody_from_calling_back(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    text = SETTINGS.replace("[policy]\n", '[policy]\ncallers = ["U4"]\n')
    async with office(tmp_path, fake_slack, slack_clock, text) as desk:
        await desk.link("U1")
        await miss(desk, "in-1")
        (card,) = cards(desk)
        assert "not among those who may place calls" in await desk.press("missed:call_back", card, "C1")
        assert "not among those who may place calls" in await desk.type("/call back")
        assert "claimed by" not in cards(desk)[0].text
        assert desk.phone.orders == []


async def test_reaching_us_closes_it_but_an_earlier_conversation_does_not(desk: Office) -> None:
    await desk.happen(
        Described(ref="in-0", at=desk.clock(), source="cdr", direction="in", number=CALLER, line=LINE),
        CdrReceived(ref="in-0", at=desk.clock(), leg="ext:AAA", outcome=Outcome.ANSWERED, talk_seconds=9),
    )
    desk.clock.advance(60)
    await miss(desk, "in-1")
    assert "closed" not in cards(desk)[0].text
    desk.clock.advance(60)
    await desk.happen(
        Described(ref="in-2", at=desk.clock(), source="cdr", direction="in", number=CALLER, line=LINE),
        CdrReceived(ref="in-2", at=desk.clock(), leg="ext:AAA", outcome=Outcome.ANSWERED, talk_seconds=9),
    )
    assert "reached us" in cards(desk)[0].text


async def test_snooze_and_close(desk: Office) -> None:
    await miss(desk, "in-1")
    (card,) = cards(desk)
    missed_id = next(
        element["value"]
        for block in card.blocks
        if block["type"] == "actions"
        for element in block["elements"]
        if element["action_id"] == "missed:claim"
    )
    await desk.press("missed:snooze", card, "C1", value=f"{missed_id}|1h")
    assert "Snoozed until" in cards(desk)[0].text
    await desk.press("missed:close", cards(desk)[0], "C1")
    assert "without a call" in cards(desk)[0].text
    done = ("close missed caller", "snooze missed caller")
    assert await audit(desk) == [("U1", what, CALLER, "C1") for what in done]


async def test_a_withheld_number_cannot_be_called_back(desk: Office) -> None:
    await miss(desk, "in-1", "")
    await miss(desk, "in-2", "")
    assert len(cards(desk)) == 2
    assert "withheld" in cards(desk)[0].text
    assert "missed:call_back" not in str(cards(desk)[0].blocks)


@pytest.mark.parametrize("outcome", [Outcome.ABANDONED, Outcome.VOICEMAIL, Outcome.BUSY])
async def test_every_kind_of_not_reaching_us_is_missed(desk: Office, outcome: Outcome) -> None:
    await miss(desk, "in-1", outcome=outcome)
    assert len(cards(desk)) == 1


async def test_an_announcement_is_not_missed(desk: Office) -> None:
    await miss(desk, "in-1", outcome=Outcome.ANNOUNCEMENT)
    assert not [message for message in cards(desk) if "missed:" in str(message.blocks)]


async def test_unclaimed_callers_are_escalated_once_to_each(desk: Office) -> None:
    await miss(desk, "in-1")
    for _ in range(3):
        desk.clock.advance(20 * 60)
        await escalating.escalate(desk.board, lambda users: resting(desk.desk, users))
        await desk.settle()
    (told,) = desk.conversation("U2")
    assert "Nobody has called back" in told.text


async def test_a_call_that_never_told_its_end_is_closed(desk: Office) -> None:
    await desk.happen(
        Described(ref="in-1", at=desk.clock(), source="popup", direction="in", number=CALLER, line=LINE),
        LegRinging(ref="in-1", at=desk.clock(), leg="ext:AAA"),
    )
    desk.clock.advance(jobs.SILENT_SECONDS + 10)
    await jobs.finish_silent(desk.board)
    desk.clock.advance(10)
    await desk.settle()
    assert len(cards(desk)) == 1
