"""Lists that need a second manager: who is asked, what each of them sees, and that one word counts once."""

import asyncio
import html
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot import batches, message_batches, message_queue
from bot.consent import Recording
from bot.errors import NotAllowed
from bot.store import campaigns, messages, people
from tests import slack_requests
from tests.audit_lines import audit_log
from tests.campaign_desk import GOOD, bulk_orders, buttons, card, paste, press
from tests.dialer import Dialer
from tests.fake_slack import FakeSlack
from tests.office import SETTINGS, Office, office
from tests.slack_state import Clock, Message
from tests.speaker import Speaker, speaker

STRICT = (
    SETTINGS.replace('managers = ["U2"]', 'managers = ["U2", "U4"]').replace("[policy]", "[policy]\napprove_over = 2")
    + "\n[messages]\nreps = 9\nat_once = 9\n"
)
THREE = "/voicemsg +12025550131, +12025550132, +12025550133 “Your table is ready”"


@pytest.fixture
async def desk(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> AsyncIterator[Office]:
    async with office(tmp_path, fake_slack, slack_clock, STRICT, kind=Speaker) as desk:
        message_queue.watch(desk.board)
        yield desk


@pytest.fixture
async def dialer_desk(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> AsyncIterator[Office]:
    async with office(tmp_path, fake_slack, slack_clock, STRICT, kind=Dialer) as desk:
        yield desk


def latest(desk: Office, user: str) -> Message:
    return next(message for message in reversed(desk.conversation(user)) if not message.thread_ts)


def text(desk: Office, user: str) -> str:
    """Of the latest message; a mention is one where the id is as long as Slack's."""
    return html.unescape(latest(desk, user).text)


def elements(blocks: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [element for block in blocks if block["type"] == "actions" for element in block["elements"]]


def actions(message: Message) -> list[str]:
    return [element["action_id"] for element in elements(message.blocks)]


async def pressed(desk: Office, user: str, action: str) -> str:
    told = await desk.press(action, latest(desk, user), desk.slack.open_dm(user).id, user=user)
    desk.clock.advance(2)
    await desk.settle()
    return told


async def sent(desk: Office, user: str = "U1", options: str = "") -> None:
    """Three recipients, and *Send*."""
    await desk.type(f"{THREE} {options}".strip(), user=user)
    assert "Send a voice message to 3 recipients?" in latest(desk, user).text
    await pressed(desk, user, "voicemsg:send")


async def audit(desk: Office) -> list[tuple[str, str]]:
    return [(who, what) for _, who, what, *_ in await desk.board.read(audit_log)]


async def test_a_manager_is_shown_how_long_it_rings_and_that_it_is_recorded(desk: Office) -> None:
    recording = Recording(default="announce", announcement="This call is recorded.")
    desk.board.settings = replace(desk.board.settings, recording=recording)
    await sent(desk, options="ring 20s max 1m record")
    how = "“Your table is ready”; rings 20 s at most; lasts 1 min at most; recorded, which is announced first.\n"
    assert how in text(desk, "U2")


async def test_many_messages_wait_for_a_manager_and_are_sent_once_one_says_yes(desk: Office) -> None:
    await sent(desk)
    assert speaker(desk).messages == []
    assert "Waiting for a second manager" in text(desk, "U1")
    assert "U2 or U4 or U9 has to say yes first" in text(desk, "U1")
    assert actions(latest(desk, "U1")) == ["voicemsg:drop"]
    for manager in ("U2", "U4", "U9"):
        assert "<@U1> wants to send a voice message to 3 recipients via Paperphone" in text(desk, manager)
        assert "“Your table is ready”" in text(desk, manager)
        assert "To +1 202-555-0131; +1 202-555-0132; +1 202-555-0133." in text(desk, manager)
        assert actions(latest(desk, manager)) == ["approval:yes", "approval:no"]

    told = await pressed(desk, "U2", "approval:yes")

    assert told == "Approved; the messages are being sent."
    assert len(speaker(desk).messages) == 3
    assert "Sending: a voice message to 3 recipients" in text(desk, "U1")
    for manager in ("U2", "U4", "U9"):
        assert len([m for m in desk.conversation(manager) if "voice message" in m.text]) == 1
        assert "<@U2> approved <@U1>'s voice message to 3 recipients" in text(desk, manager)
        assert actions(latest(desk, manager)) == []
    assert ("U2", "approve voice messages") in await audit(desk)


async def test_a_list_up_to_the_limit_goes_at_once(desk: Office) -> None:
    await desk.type("/voicemsg +12025550131, +12025550132 “Your table is ready”")
    await pressed(desk, "U1", "voicemsg:send")
    assert len(speaker(desk).messages) == 2
    assert desk.conversation("U2") == []


async def test_a_refusal_carries_its_reason_to_whoever_wanted_it(desk: Office) -> None:
    await sent(desk)
    ((batch, _),) = await desk.board.read(messages.asked)
    await desk.press("approval:no", latest(desk, "U4"), desk.slack.open_dm("U4").id, user="U4")
    assert await desk.submit({"why": "  "}, user="U4") == {"why": "Say why, so that they know what to change."}
    assert await desk.submit({"why": "Too late in the\nmonth"}, user="U4") == {}
    desk.clock.advance(2)
    await desk.settle()

    assert speaker(desk).messages == []
    told = [html.unescape(message.text) for message in desk.conversation("U1")]
    assert any("Discarded by U4" in text for text in told)
    assert any("did not approve your voice message to 3 recipients, so nobody was called: Too late" in t for t in told)
    assert "<@U4> refused <@U1>'s voice message: Too late in the month" in text(desk, "U2")
    await too_late(desk, batch.id)


async def too_late(desk: Office, batch_id: str) -> None:
    """Somebody answers what their Slack still shows."""
    with pytest.raises(NotAllowed, match="decided before"):
        await message_batches.approve(desk.board, "U2", batch_id)
    with pytest.raises(NotAllowed, match="decided before"):
        await message_batches.refuse(desk.board, "U2", batch_id, "No")
    assert speaker(desk).messages == []


async def test_two_managers_at_the_same_moment_send_it_once(desk: Office) -> None:
    await sent(desk)
    requests = {manager: latest(desk, manager) for manager in ("U2", "U4")}
    await asyncio.gather(
        *(
            desk.press("approval:yes", request, desk.slack.open_dm(user).id, user=user)
            for user, request in requests.items()
        )
    )
    await desk.settle()
    told = [ephemeral.text for ephemeral in desk.slack.ephemerals]
    assert sum("Approved;" in words for words in told) == sum("decided before" in words for words in told) == 1
    assert len(speaker(desk).messages) == 3


async def test_whoever_comes_too_late_writes_no_reason_in_vain(desk: Office) -> None:
    await sent(desk)
    question = latest(desk, "U9")
    late = slack_requests.click(
        desk.slack, "approval:no", user="U9", channel=desk.slack.open_dm("U9").id, ts=question.ts
    )
    was, desk.board.settings = desk.board.settings, replace(desk.board.settings, admins=())
    await desk.send(late)
    assert "Only managers approve lists" in desk.told
    desk.board.settings = was
    await pressed(desk, "U4", "approval:yes")
    await desk.send(late)
    assert "decided before, so nothing was done a second time" in desk.told
    assert desk.slack.views == {}


async def test_nobody_approves_their_own_list_and_no_rep_approves_any(desk: Office) -> None:
    await sent(desk, "U2")
    assert desk.conversation("U1") == []
    ((batch, _),) = await desk.board.read(messages.asked)
    for user, words in (("U2", "Nobody approves their own list"), ("U1", "Only managers approve lists")):
        with pytest.raises(NotAllowed, match=words):
            await message_batches.approve(desk.board, user, batch.id)
        with pytest.raises(NotAllowed, match=words):
            await message_batches.refuse(desk.board, user, batch.id, "No")
    assert speaker(desk).messages == []


async def test_whoever_takes_it_back_takes_the_question_back(desk: Office) -> None:
    await sent(desk)
    ((batch, _),) = await desk.board.read(messages.asked)
    await pressed(desk, "U1", "voicemsg:drop")
    assert "U1 took the voice message back" in text(desk, "U2")
    await too_late(desk, batch.id)


async def test_without_a_second_manager_it_says_so_before_anything_is_shown(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    alone = STRICT.replace('managers = ["U2", "U4"]', "managers = []")
    async with office(tmp_path, fake_slack, slack_clock, alone, kind=Speaker) as desk:
        told = await desk.type(THREE, user="U9")
        assert "needs the word of a second manager, and there is no other" in told
        assert desk.conversation("U9") == []


async def test_a_file_for_a_campaign_waits_too(dialer_desk: Office) -> None:
    desk = dialer_desk
    await paste(desk)
    assert "add_rows" in buttons(desk)
    await press(desk, "add_rows")
    assert bulk_orders(desk) == []
    assert "6 calls wait for a second manager. Nothing was sent yet." in card(desk).text
    assert "U4 or U9 has to say yes first" in card(desk).text
    assert "add_rows" not in buttons(desk)
    assert "add 6 calls to the campaign Spring sale" in text(desk, "U4")
    assert "To Dana Levi, +1 202-555-0101; Sam Hill, " in text(desk, "U4")
    assert text(desk, "U4").count("+1 202-555-01") == 5
    assert "; and 1 more." in text(desk, "U4")
    assert "Lists that call more than 2 people wait" in await desk.type("/callboard policy")

    await pressed(desk, "U4", "approval:yes")

    assert sorted(set(GOOD) - set(added(desk))) == []
    assert len(added(desk)) == 6
    assert "<@U4> approved <@U2>'s 6 calls for the campaign Spring sale" in text(desk, "U9")
    assert ("U4", "approve campaign calls") in await audit(desk)


def added(desk: Office) -> list[str]:
    return [str(number) for order in bulk_orders(desk) for number in order]


async def test_a_refused_file_adds_nothing(dialer_desk: Office) -> None:
    desk = dialer_desk
    await paste(desk)
    await press(desk, "add_rows")
    await desk.press("approval:no", latest(desk, "U4"), desk.slack.open_dm("U4").id, user="U4")
    await desk.submit({"why": "Old list"}, user="U4")
    desk.clock.advance(2)
    await desk.settle()
    assert bulk_orders(desk) == []
    assert "<@U4> did not approve it: Old list" in html.unescape(card(desk).text)
    assert "<@U4> did not approve your calls for Spring sale, so none was added: Old list" in text(desk, "U2")
    assert "add_rows" not in buttons(desk)


async def test_a_file_that_was_approved_is_not_said_to_be_taken_back(
    dialer_desk: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """*Discard* and *Approve* at the same moment: whichever comes first is what all are told."""
    desk = dialer_desk
    await paste(desk)
    await press(desk, "add_rows")
    batch = (await desk.board.read(campaigns.open_lists))[0]
    await batches.approve(desk.board, "U4", batch.id)
    for word in (batches.approve(desk.board, "U9", batch.id), batches.refuse(desk.board, "U9", batch.id, "No")):
        with pytest.raises(NotAllowed, match="decided before"):
            await word

    async def as_it_was(board: object, batch_id: str) -> campaigns.Batch:
        return batch

    monkeypatch.setattr(batches, "_get", as_it_was)
    assert not await batches.stop(desk.board, "U2", batch.id, drop=True)
    await desk.settle()
    assert "<@U4> approved" in text(desk, "U9")


async def test_what_waits_can_be_listed(desk: Office) -> None:
    assert "No list waits for a second manager. Those that call more than 2 people do." in await desk.type(
        "/campaign approve", user="U4"
    )
    await sent(desk)
    await sent(desk, "U4")
    told = await desk.type("/campaign approve", user="U4")
    assert "1. <@U1>: a voice message to 3 recipients" in html.unescape(told)
    assert "2. <@U4>: a voice message to 3 recipients (yours: another manager has to say yes)" in html.unescape(told)
    assert "Only managers approve lists" in await desk.type("/campaign approve", user="U1")


async def test_more_lists_than_a_row_of_buttons_holds_can_all_be_answered(desk: Office) -> None:
    for _ in range(13):
        await sent(desk)
    assert "13. <@U1>" in html.unescape(await desk.type("/campaign approve", user="U4"))
    offered = [element["action_id"] for element in elements(desk.slack.ephemerals[-1].blocks)]
    assert offered[-2:] == ["approval:yes:13", "approval:no:13"]


async def test_a_file_discarded_while_it_is_asked_for_takes_the_question_back(
    dialer_desk: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """*Discard* was pressed on the preview, and *Add* a moment before."""
    desk = dialer_desk
    await paste(desk)
    before = (await desk.board.read(campaigns.open_lists))[0]
    await press(desk, "add_rows")

    async def as_it_was(board: object, batch_id: str) -> campaigns.Batch:
        return before

    monkeypatch.setattr(batches, "_get", as_it_was)
    assert await batches.stop(desk.board, "U2", before.id, drop=True)
    desk.clock.advance(2)
    await desk.settle()
    assert "<@U2> took the calls for Spring sale back" in text(desk, "U9")
    assert actions(latest(desk, "U9")) == []


async def test_whoever_is_asked_reads_before_when_nobody_is_called(desk: Office) -> None:
    await desk.board.write(people.save_met, people.Person("U4", "Max", "America/New_York"))
    tomorrow = datetime.fromtimestamp(desk.clock() + 86400, ZoneInfo("Europe/Madrid"))
    await desk.type(f"{THREE} at {tomorrow:%Y-%m-%d} 14:30")
    await pressed(desk, "U1", "voicemsg:send")
    assert f"Nobody is called before {tomorrow.day} {tomorrow:%b %Y}, 14:30." in text(desk, "U2")
    before = f"obody is called before {tomorrow.day} {tomorrow:%b %Y}, 08:30."
    assert f"N{before}" in text(desk, "U4")
    assert await pressed(desk, "U4", "approval:yes") == f"Approved; n{before}"
    assert speaker(desk).messages == []


async def test_no_name_of_a_list_can_write_the_question_itself(dialer_desk: Office) -> None:
    desk = dialer_desk
    name = "*Approved by <@U9>*" + "x" * 300
    await paste(desk, "number,name\n" + "\n".join(f'+120255501{n},"{name}\n_All is well_"' for n in range(31, 36)))
    await press(desk, "add_rows")
    request = latest(desk, "U4")
    assert "∗Approved by &lt;@U9&gt;∗" in request.text
    assert "_All is well_" not in request.text
    assert "x" * 80 not in request.text


async def test_whoever_is_asked_reads_the_whole_text(desk: Office) -> None:
    long = "Your table is ready. " * 60 + "Pay now, or we come for it."
    await desk.type(f"{THREE.partition('“')[0]}“{long}”")
    await pressed(desk, "U1", "voicemsg:send")
    assert f"“{long}”" in text(desk, "U4")
    assert long not in text(desk, "U1")


async def test_a_list_that_waits_survives_a_restart_and_is_sent_once(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with office(tmp_path, fake_slack, slack_clock, STRICT, kind=Speaker) as desk:
        await sent(desk)
    async with office(tmp_path, fake_slack, slack_clock, STRICT, kind=Speaker) as desk:
        await message_queue.recover(desk.board)
        await message_queue.due(desk.board)
        assert speaker(desk).messages == []
        monkeypatch.setattr(message_batches, "kick", lambda board: None)  # killed right after the yes was on disk
        await pressed(desk, "U2", "approval:yes")
        assert speaker(desk).messages == []
    async with office(tmp_path, fake_slack, slack_clock, STRICT, kind=Speaker) as desk:
        await message_queue.recover(desk.board)
        await message_queue.due(desk.board)
        assert len(speaker(desk).messages) == 3
        assert await desk.board.read(messages.asked) == []
