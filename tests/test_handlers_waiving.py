"""One call against the policy: a manager says why and calls, a rep asks them; whatever else is forbidden stays so."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

import handlers.waiving
from bot import dialing, unclear, waiving
from bot.errors import Ambiguous, NeedsReason, NotAllowed, Refused
from bot.events import CallEnded
from bot.intents import ALLOWED_SECONDS, Ask
from bot.store import ledger, people
from handlers import Click
from tests import slack_requests
from tests.audit_lines import audit_log
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
    return [row[1:] for row in reversed(await desk.board.read(audit_log))]


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
    await desk.press("waive:call", allowed, dm(desk, "U1"))
    (used,) = [message for message in desk.conversation("U1") if "U2 allow" in message.text]
    assert "once, and you did." in used.text
    assert "waive:call" not in str(used.blocks)
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
    for user, words in (("U1", "You asked for this call yourself"), ("U4", "Only managers decide")):
        with pytest.raises(NotAllowed, match=words):
            await waiving.allow(desk.board, user, value_of(request))
    await desk.settle()
    assert "waive:yes" in str(desk.conversation("U2")[-1].blocks)


async def test_a_word_holds_for_four_hours(desk: Office) -> None:
    await desk.press("waive:yes", await asked(desk), dm(desk, "U2"), user="U2")
    allowed = desk.conversation("U1")[-1]
    desk.clock.advance(ALLOWED_SECONDS + 1)
    assert LISTED in await desk.press("waive:call", allowed, dm(desk, "U1"))
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


async def allowed_call(desk: Office) -> Message:
    """A rep has asked and a manager has said yes; returns what the rep sees of it."""
    await desk.press("waive:yes", await asked(desk), dm(desk, "U2"), user="U2")
    return desk.conversation("U1")[-1]


async def test_a_word_is_used_up_however_many_questions_came_of_it(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    """Outside of their hours *Call now* asks first, each time that it is pressed, and each answer is a press."""
    closed = SETTINGS.replace('hours = ["00:00", "24:00"]', 'hours = ["03:00", "03:01"]')
    async with office(tmp_path, fake_slack, slack_clock, closed) as desk:
        await desk.link("U1")
        await desk.board.write(people.block, NUMBER, "asked us to stop", "U9", desk.clock() - 86400)
        allowed = await allowed_call(desk)
        questions = []
        for _ in range(2):
            assert "Call anyway?" in await desk.press("waive:call", allowed, dm(desk, "U1"))
            questions.append(desk.slack.ephemerals[-1])
            desk.clock.advance(1)
        await desk.press("call:yes", questions[0], dm(desk, "U1"))
        assert len(desk.phone.orders) == 1
        await desk.happen(CallEnded(ref="paper-1", at=desk.clock()))
        assert "Or ask a manager" in await desk.press("call:yes", questions[1], dm(desk, "U1"))
        assert len(desk.phone.orders) == 1


async def test_a_call_that_the_service_refused_was_not_made(desk: Office) -> None:
    allowed = await allowed_call(desk)
    desk.phone.answer = Refused("Paperphone has no credit left. Nothing was dialled.")
    await desk.press("waive:call", allowed, dm(desk, "U1"))
    (used,) = [message for message in desk.conversation("U1") if "U2 allow" in message.text]
    assert "you did" not in used.text
    assert "it was not placed" in used.text
    assert "waive:call" not in str(used.blocks)


async def test_of_a_call_that_may_have_been_placed_nobody_says_that_it_was(desk: Office) -> None:
    allowed = await allowed_call(desk)
    desk.phone.answer = Ambiguous("Paperphone has not answered in time.")
    await desk.press("waive:call", allowed, dm(desk, "U1"))
    (used,) = [message for message in desk.conversation("U1") if "U2 allow" in message.text]
    assert "once. Whether it was placed is unclear: its card asks you." in used.text


async def test_a_yes_to_the_hour_is_not_made_younger_by_a_managers_word(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    closed = SETTINGS.replace('hours = ["00:00", "24:00"]', 'hours = ["03:00", "03:01"]')
    async with office(tmp_path, fake_slack, slack_clock, closed) as desk:
        for user in ("U1", "U2"):
            await desk.link(user, f"+1202555019{user[1]}")
            await desk.type(FORBIDDEN, user=user)
            await desk.press("call:yes", desk.slack.ephemerals[-1], "C1", user=user)
            await desk.happen(CallEnded(ref=f"paper-{user[1]}", at=desk.clock()))
        await desk.board.write(people.block, NUMBER, "asked us to stop", "U9", desk.clock())
        refused = {}
        for user in ("U1", "U2"):
            await desk.type("/call again", user=user)
            assert LISTED in await desk.press("call:yes", desk.slack.ephemerals[-1], "C1", user=user)
            refused[user] = desk.slack.ephemerals[-1]
        desk.clock.advance(3 * 3600)

        await said_why(desk, refused["U1"], "U1", "C1")
        await desk.press("waive:yes", desk.conversation("U2")[-1], dm(desk, "U2"), user="U2")
        assert "Call anyway?" in await desk.press("waive:call", desk.conversation("U1")[-1], dm(desk, "U1"))
        await said_why(desk, refused["U2"], "U2", "C1")
        assert "Call anyway?" in (desk.told + desk.conversation("U2")[-1].text)
        assert len(desk.phone.orders) == 2


async def test_a_manager_is_told_of_the_limit_that_is_not_theirs(desk: Office) -> None:
    await desk.board.write(people.unblock, NUMBER)
    for last in "45":
        await desk.type(f"/call +1 202 555 014{last}")
    assert "you have placed 2 calls today" in await desk.type(FORBIDDEN)
    await said_why(desk, desk.slack.ephemerals[-1], "U1", "C1")
    request = desk.conversation("U2")[-1]
    assert "They have placed 2 calls today, and the limit for one person is 2 a day." in request.text
    await desk.press("waive:yes", request, dm(desk, "U2"), user="U2")
    await desk.press("waive:call", desk.conversation("U1")[-1], dm(desk, "U1"))
    assert "they have placed 2 calls today" in (await audited(desk))[-1][3]


async def test_what_was_put_on_the_list_since_was_not_allowed(desk: Office) -> None:
    """A manager has allowed a call past the limit of the day; then the customer asks never to be called again."""
    await desk.board.write(people.unblock, NUMBER)
    for last in "45":
        await desk.type(f"/call +1 202 555 014{last}")
    assert "2 calls today" in await desk.type(FORBIDDEN)
    await said_why(desk, desk.slack.ephemerals[-1], "U1", "C1")
    request = desk.conversation("U2")[-1]
    desk.clock.advance(60)
    await desk.board.write(people.block, NUMBER, "asked us to stop", "U9", desk.clock())
    desk.clock.advance(60)
    await desk.press("waive:yes", request, dm(desk, "U2"), user="U2")
    told = await desk.press("waive:call", desk.conversation("U1")[-1], dm(desk, "U1"))
    assert LISTED in told
    assert "Or ask a manager" in told
    assert len(desk.phone.orders) == 2


async def test_what_was_put_on_the_list_before_managers_were_asked_is_allowed_too(desk: Office) -> None:
    """Also where the rep was refused for another reason: the managers are told both."""
    await desk.board.write(people.unblock, NUMBER)
    for last in "45":
        await desk.type(f"/call +1 202 555 014{last}")
    assert "2 calls today" in await desk.type(FORBIDDEN)
    refusal = desk.slack.ephemerals[-1]
    desk.clock.advance(60)
    await desk.board.write(people.block, NUMBER, "asked us to stop", "U9", desk.clock())
    desk.clock.advance(60)
    await said_why(desk, refusal, "U1", "C1")
    request = desk.conversation("U2")[-1]
    assert LISTED in request.text
    await desk.press("waive:yes", request, dm(desk, "U2"), user="U2")
    await desk.press("waive:call", desk.conversation("U1")[-1], dm(desk, "U1"))
    assert desk.phone.orders[-1].number == NUMBER


async def test_a_wish_with_a_long_note_fits_its_buttons(desk: Office) -> None:
    assert LISTED in await desk.type(f"{FORBIDDEN} note {'the blue one ' * 200}")
    await said_why(desk, desk.slack.ephemerals[-1], "U1", "C1", "She asked for it " * 11)
    request = desk.conversation("U2")[-1]
    assert "asks to call" in request.text
    await desk.press("waive:yes", request, dm(desk, "U2"), user="U2")
    await desk.press("waive:call", desk.conversation("U1")[-1], dm(desk, "U1"))
    assert [order.number for order in desk.phone.orders] == [NUMBER]


async def test_a_wish_that_is_sent_again_is_asked_once(desk: Office) -> None:
    await desk.type(FORBIDDEN)
    await desk.press("waive:why", desk.slack.ephemerals[-1], "C1", user="U1")
    (view,) = [view.id for view in desk.slack.views.values() if view.user == "U1"]
    answers = []
    for _ in range(2):
        signed = slack_requests.submit(desk.slack, view, {"why": "She asked for it"}, user="U1")
        answers.append(await desk.send(signed))
        if len(answers) == 1:
            await desk.press("waive:yes", desk.conversation("U2")[-1], dm(desk, "U2"), user="U2")
    assert answers[0] == {}
    assert "sent before" in answers[1]["errors"]["why"]
    assert "waive:yes" not in str(desk.conversation("U2")[-1].blocks)
    assert [what for _, what, _, _ in await audited(desk)].count("asked to be allowed a call") == 1


async def test_a_wish_that_a_restart_cut_off_is_told(desk: Office) -> None:
    await desk.type(FORBIDDEN)
    await desk.press("waive:why", desk.slack.ephemerals[-1], "C1", user="U1")
    (view,) = [view for view in desk.slack.views.values() if view.user == "U1"]
    click = Click("U1", action="waive:said", trigger=view.id, value=view.view["private_metadata"], fields={"why": "x"})
    assert await handlers.waiving.validate(desk.desk, click) == {}
    await unclear.recover(desk.board)
    await desk.settle()
    assert "restarted before it could" in desk.conversation("U1")[-1].text


async def test_a_wish_leaves_nothing_open(desk: Office) -> None:
    await asked(desk)
    assert not await desk.board.read(ledger.open_intents)
    await desk.type(FORBIDDEN)
    await desk.board.write(people.unblock, NUMBER)
    await said_why(desk, desk.slack.ephemerals[-1], "U1", "C1")
    assert not await desk.board.read(ledger.open_intents)


async def test_why_is_read_in_the_audit_log_whole(desk: Office) -> None:
    await desk.type(FORBIDDEN, user="U2")
    why = "She wrote on Monday that she wants to hear of the new price list, and asked for a call; ticket 4711. " * 2
    await said_why(desk, desk.slack.ephemerals[-1], "U2", "C1", why[:200])
    told = await desk.type("/callboard audit", user="U9")
    assert f"Why: {why[:200].strip()}" in told


async def test_who_may_not_decide_on_a_call_is_told_so_of_a_call(desk: Office) -> None:
    value = value_of(await asked(desk))
    for user in ("U1", "U4"):
        with pytest.raises(NotAllowed) as refused:
            await waiving.allow(desk.board, user, value)
        assert "list" not in str(refused.value)


async def test_a_form_from_app_home_is_answered_in_the_conversation_and_names_ring_nobody(desk: Office) -> None:
    """A global shortcut has no place of its own to answer in."""
    await desk.contact(NUMBER, "<http://x.example|Noa> *Green*")
    await desk.board.write(people.block, NUMBER, "<!here> asked <@U0SOMEBODY> us & them", "U9", desk.clock())
    await desk.send(slack_requests.shortcut(desk.slack, "start_call", user="U1"))
    assert await desk.submit({"who": "+1 202 555 0123", "note": "x" * 200}) == {}
    refusal = desk.conversation("U1")[-1]
    assert LISTED in refusal.text
    await said_why(desk, refusal, "U1", dm(desk, "U1"), "<http://x.example|so> & " + '\u202ewhy "so" ' * 15)
    for user in ("U2", "U9"):
        request = desk.conversation(user)[-1]
        assert "Why:" in request.text
        said = request.text + str([block["text"] for block in request.blocks if block["type"] == "section"])
        assert "<!" not in said
        assert "<http" not in said
    await desk.press("waive:yes", desk.conversation("U9")[-1], dm(desk, "U9"), user="U9")
    await desk.press("waive:call", desk.conversation("U1")[-1], dm(desk, "U1"))
    assert [order.number for order in desk.phone.orders] == [NUMBER]
