"""*Call back* and `/call back`: the caller is claimed with the call, and with no call that was not placed."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot import unclear
from bot.errors import Ambiguous, Refused, Unavailable
from bot.events import CallEnded, CdrReceived, Described, LegAnswered, LegRinging, Outcome, Wrapped
from bot.store import missed, people
from bot.store.missed import Missed
from tests import slack_requests
from tests.audit_lines import audit_log
from tests.fake_slack import FakeSlack
from tests.office import LINE, SETTINGS, Office, office
from tests.slack_state import Clock, Message
from tests.test_handlers_missed import CALLER, cards, miss

NIGHT = SETTINGS.replace('hours = ["00:00", "24:00"]', 'hours = ["09:00", "18:00"]')
"""By the office's clock in tests it is night where +1 202 is."""
HOW = pytest.mark.parametrize("how", ["the card", "/missed", "/call back"])


@pytest.fixture
async def office_at_night(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> AsyncIterator[Office]:
    async with office(tmp_path, fake_slack, slack_clock, NIGHT) as desk:
        yield desk


async def team(desk: Office) -> None:
    """Somebody was missed; two could call back."""
    await desk.link("U1")
    await desk.link("U4", "+12025550194")
    await miss(desk, "in-1")
    desk.clock.advance(60)


async def waits(desk: Office) -> Missed:
    (row,) = await desk.board.read(missed.waiting)
    return row


async def call_back(desk: Office, how: str = "the card", user: str = "U1") -> str:
    """Somebody wants to call back; what they are told last, the list aside."""
    before = len(desk.slack.ephemerals)
    if how == "the card":
        await desk.press("missed:call_back", cards(desk)[0], "C1", user=user)
    elif how == "/missed":
        await desk.type("/missed", user=user)
        await desk.press("waiting:call_back", desk.slack.ephemerals[-1], "C1", user=user)
    else:
        await desk.type("/call back", user=user)
    told = [shown.text for shown in desk.slack.ephemerals[before:] if "aiting for a call back (" not in shown.text]
    return told[-1] if told else ""


async def claims(desk: Office) -> list[str]:
    """Who is said to have claimed somebody, in the audit log, oldest first."""
    return [who for _, who, what, *_ in reversed(await desk.board.read(audit_log)) if what == "claim missed caller"]


@HOW
@pytest.mark.parametrize("why", ["do not call", "cap"])
async def test_who_is_refused_keeps_no_claim(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock, how: str, why: str
) -> None:
    text = SETTINGS.replace("[policy]\n", "[policy]\ndaily_calls = 1\n")
    async with office(tmp_path, fake_slack, slack_clock, text) as desk:
        await team(desk)
        if why == "cap":
            await desk.type("/call +1 202 555 0177")
            desk.clock.advance(60)
        else:
            await desk.board.write(people.block, CALLER, "asked us to stop", "U9", desk.clock())
        before = await waits(desk)
        assert ("do-not-call list" if why == "do not call" else "you have placed 1 call today") in await call_back(
            desk, how
        )
        assert await waits(desk) == before
        assert "claimed by" not in cards(desk)[0].text
        assert await claims(desk) == []
        if why == "cap":
            assert "Ringing your phone" in await call_back(desk, how, "U4")
            assert (await waits(desk)).claimed_by == "U4"


@HOW
@pytest.mark.parametrize("error", [Refused("No credit.", code="402"), Unavailable("It was not reached.")])
async def test_what_the_service_did_not_place_keeps_no_claim(desk: Office, how: str, error: Exception) -> None:
    await team(desk)
    desk.phone.answer = error
    await call_back(desk, how)
    row = await waits(desk)
    assert (row.claimed_by, row.claimed_at) == ("", 0)
    assert row.escalate_at == desk.clock() + 15 * 60
    assert "claimed by" not in cards(desk)[0].text
    desk.phone.answer = None
    desk.clock.advance(60)
    assert "Ringing your phone" in await call_back(desk, how, "U4")
    assert (await waits(desk)).claimed_by == "U4"


@pytest.mark.parametrize("error", [Refused("No credit.", code="402"), None])
async def test_a_claim_of_before_stays(desk: Office, error: Exception | None) -> None:
    await team(desk)
    await desk.press("missed:claim", cards(desk)[0], "C1")
    desk.clock.advance(60)
    before = await waits(desk)
    if error:
        desk.phone.answer = error
    else:
        await desk.board.write(people.block, CALLER, "asked us to stop", "U9", desk.clock())
    await call_back(desk)
    assert await waits(desk) == before
    assert "claimed by U1" in cards(desk)[0].text


async def test_a_call_whose_fate_is_unclear_keeps_the_claim_until_its_rep_says_that_nothing_rang(desk: Office) -> None:
    await team(desk)
    desk.phone.answer = Ambiguous("It did not answer in time.")
    await call_back(desk)
    assert (await waits(desk)).claimed_by == "U1"
    card = desk.conversation("U1")[-1]
    desk.clock.advance(60)
    await desk.press("call:settle_no", card, desk.slack.open_dm("U1").id)
    assert (await waits(desk)).claimed_by == ""


async def test_an_earlier_call_that_is_told_of_again_takes_no_later_claim(desk: Office) -> None:
    await team(desk)
    desk.phone.answer = Refused("No credit.", code="402")
    await call_back(desk)
    desk.clock.advance(60)
    await desk.press("missed:claim", cards(desk)[0], "C1")
    (call,) = [call for call in await desk.calls() if call.direction == "out"]
    await desk.happen(Wrapped(at=desk.clock(), by="U1", note="will try later"), call_id=call.id)
    assert (await waits(desk)).claimed_by == "U1"


async def test_killed_before_the_order_left_it_keeps_no_claim(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with office(tmp_path, fake_slack, slack_clock) as desk:
        await team(desk)

        async def killed(*args: object, **more: object) -> None:
            raise asyncio.CancelledError

        with monkeypatch.context() as patch:
            patch.setattr("bot.dialing._place", killed)
            await desk.press("missed:call_back", cards(desk)[0], "C1")
        assert (await waits(desk)).claimed_by == "U1"
    async with office(tmp_path, fake_slack, slack_clock) as desk:
        await unclear.recover(desk.board)
        await desk.settle()
        assert (await waits(desk)).claimed_by == ""
        assert desk.phone.orders == []


async def asked(desk: Office, how: str = "the card", user: str = "U1") -> Message:
    """Somebody wants to call back in the caller's night; the question."""
    await call_back(desk, how, user)
    (question,) = [shown for shown in desk.slack.ephemerals if "call:yes" in str(shown.blocks) and shown.user == user]
    return question  # type: ignore[return-value]


@HOW
async def test_while_a_question_is_open_the_caller_is_everybodys(office_at_night: Office, how: str) -> None:
    desk = office_at_night
    await team(desk)
    before = await waits(desk)
    question = await asked(desk, how)
    assert await waits(desk) == before
    assert "claimed by" not in cards(desk)[0].text
    await desk.press("call:yes", question, "C1")
    assert [order.number for order in desk.phone.orders] == [CALLER]
    assert "claimed by U1" in cards(desk)[0].text
    assert await claims(desk) == ["U1"]


async def test_of_two_who_are_asked_only_one_calls(office_at_night: Office) -> None:
    desk = office_at_night
    await team(desk)
    questions = {user: await asked(desk, user=user) for user in ("U1", "U4")}
    await desk.press("call:yes", questions["U4"], "C1", user="U4")
    told = await desk.press("call:yes", questions["U1"], "C1")
    assert told == "&lt;@U4&gt; has claimed this caller, so nothing was dialled. Ask them first."
    assert len(desk.phone.orders) == 1
    assert (await waits(desk)).claimed_by == "U4"


async def test_a_yes_to_whom_somebody_has_dealt_with_meanwhile_dials_nobody(office_at_night: Office) -> None:
    desk = office_at_night
    await team(desk)
    question = await asked(desk)
    await desk.press("missed:close", cards(desk)[0], "C1", user="U4")
    assert "is closed already. Nothing was dialled" in await desk.press("call:yes", question, "C1")
    assert desk.phone.orders == []


async def test_what_a_manager_has_allowed_claims_the_caller_when_it_is_placed(desk: Office) -> None:
    await team(desk)
    await desk.board.write(people.block, CALLER, "asked us to stop", "U9", desk.clock() - 60)
    await call_back(desk)
    await desk.press("waive:why", desk.slack.ephemerals[-1], "C1")
    assert await desk.submit({"why": "She asked for it"}) == {}
    await desk.press("waive:yes", desk.conversation("U2")[-1], desk.slack.open_dm("U2").id, user="U2")
    assert (await waits(desk)).claimed_by == ""
    await desk.press("waive:call", desk.conversation("U1")[-1], desk.slack.open_dm("U1").id)
    assert [order.number for order in desk.phone.orders] == [CALLER]
    assert (await waits(desk)).claimed_by == "U1"


async def test_of_two_presses_at_the_same_moment_one_calls(desk: Office) -> None:
    await team(desk)
    presses = [
        slack_requests.click(desk.slack, "missed:call_back", user=user, channel="C1", ts=cards(desk)[0].ts)
        for user in ("U1", "U4")
    ]
    answers = await asyncio.gather(
        *(desk.http.post("/slack/events", headers=headers, content=body) for headers, body in presses)
    )
    assert [answer.status_code for answer in answers] == [200, 200]
    await desk.settle()
    assert len(desk.phone.orders) == 1
    told = [shown.text for shown in desk.slack.ephemerals]
    assert sum("Ringing your phone" in text for text in told) == 1
    assert sum("has claimed this caller, so nothing was dialled" in text for text in told) == 1
    assert len(await claims(desk)) == 1


async def ringing(desk: Office, ref: str = "in-9", *, taken: bool = False) -> None:
    """The caller tries again, and it rings, or somebody talks with them."""
    at = desk.clock()
    await desk.happen(
        Described(ref=ref, at=at, source="popup", direction="in", number=CALLER, line=LINE),
        LegRinging(ref=ref, at=at, leg="ext:AAA"),
        *([LegAnswered(ref=ref, at=at, leg="ext:AAA")] if taken else []),
    )


@HOW
@pytest.mark.parametrize("taken", [False, True])
async def test_who_is_on_the_phone_with_somebody_is_not_called_back(desk: Office, how: str, taken: bool) -> None:
    """A conversation closes their card only when it is over."""
    await team(desk)
    await ringing(desk, taken=taken)
    before = await waits(desk)
    assert "on a call with them right now, so nothing was dialled" in await call_back(desk, how)
    assert desk.phone.orders == []
    assert await waits(desk) == before
    await desk.happen(CallEnded(ref="in-9", at=desk.clock()))
    if not taken:
        assert "Ringing your phone" in await call_back(desk, how)


async def test_a_caller_who_was_missed_in_two_channels_is_called_once_at_a_time(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    fake_slack.channels["C2"].bot_is_member = True
    fake_slack.channels["C2"].members |= {"U4"}
    text = SETTINGS.replace("[policy]", '[lines."+12025550101"]\nchannel = "C2"\n[policy]')
    async with office(tmp_path, fake_slack, slack_clock, text) as desk:
        await team(desk)
        at = desk.clock()
        await desk.happen(
            Described(ref="in-2", at=at, source="cdr", direction="in", number=CALLER, line="+12025550101"),
            CdrReceived(ref="in-2", at=at, leg="ext:AAA", outcome=Outcome.NO_ANSWER, ring_seconds=20),
        )
        (other,) = [shown for shown in desk.slack.channel("C2") if "issed" in shown.text]
        await call_back(desk)
        told = await desk.press("missed:call_back", other, "C2", user="U4")
        assert "on a call with them right now" in told
        assert len(desk.phone.orders) == 1


@pytest.mark.parametrize("where", ["the card", "/missed", "Home"])
async def test_a_manager_releases_the_claim_that_they_see_and_no_later_one(desk: Office, where: str) -> None:
    await team(desk)
    await desk.press("missed:claim", cards(desk)[0], "C1")
    if where == "the card":
        place: dict[str, Any] = {"channel": "C1", "ts": cards(desk)[0].ts}
    elif where == "/missed":
        await desk.type("/missed", user="U2")
        place = {"channel": "C1", "ts": desk.slack.ephemerals[-1].ts}
    else:
        await desk.press("missed:release", cards(desk)[0], "C1")
        await desk.press("missed:claim", cards(desk)[0], "C1", user="U2")
        await desk.send(slack_requests.home_opened(desk.slack, user="U2"))
        place = {"view_id": desk.slack.homes["U2"].id}
    action = "waiting:release" if where == "/missed" else "missed:release"
    late = slack_requests.click(desk.slack, action, user="U2", **place)
    await desk.press("missed:release", cards(desk)[0], "C1", user="U2")
    await desk.press("missed:claim", cards(desk)[0], "C1", user="U4")
    await desk.send(late)
    told = [shown.text for shown in desk.slack.ephemerals] + [shown.text for shown in desk.conversation("U2")]
    assert any("has claimed this caller since. Nothing was changed." in text for text in told)
    assert (await waits(desk)).claimed_by == "U4"
