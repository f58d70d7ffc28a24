"""Who is called into a running call: consulted, transferred to, coaching; who may be, and who hears of a recording."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot import controlling
from bot.consent import Recording
from bot.controlling import control
from bot.errors import Ambiguous, BadInput, NotAllowed
from bot.events import CUSTOMER, Described, LegAnswered, LegEnded, LegRinging, Outcome, RecordingChanged
from bot.store import contacts, ledger
from tests.audit_lines import audit_log
from tests.fake_slack import FakeSlack
from tests.live_desk import Switchboard, buttons, card, desk, only, phone, press, talking, thread
from tests.office import LINE, SETTINGS, Office, office
from tests.slack_state import Clock, Message

__all__ = ["desk"]  # a fixture


@pytest.fixture
async def announcing(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> AsyncIterator[Office]:
    """Where people are from says what they must know."""
    told = SETTINGS.replace('["US", "GB", "IL"]', '["US", "GB", "IL", "TR"]')
    told += (
        '[recording]\ncountries = { US = "announce", GB = "announce", IL = "ask" }\nannouncement = "It is recorded."\n'
    )
    async with office(tmp_path, fake_slack, slack_clock, told, kind=Switchboard) as desk:
        await desk.link("U1")
        await talking(desk)
        await recording(desk)
        yield desk


async def recording(desk: Office, *, on: bool = True) -> None:
    desk.clock.advance(4)
    await desk.happen(RecordingChanged(ref="paper-1", at=desk.clock(), on=on))
    assert (await only(desk)).recording_on is on


async def bring_in(desk: Office, action: str, who: str) -> Message | None:
    """The question that is asked first, if any."""
    await press(desk, action)
    assert await desk.submit({"who": who}) == {}
    desk.clock.advance(2)
    await desk.settle()
    return next((one for one in desk.conversation("U1") if "live:agreed" in str(one.blocks)), None)


async def test_whoever_is_consulted_hears_the_announcement_first(announcing: Office) -> None:
    assert await bring_in(announcing, "consult", "+44 7700 900177") is None
    assert phone(announcing).done == [("consult", "+447700900177", "It is recorded.")]
    assert (await only(announcing)).consulting == "+447700900177"
    audit = [detail for *_, detail in await announcing.board.read(audit_log)]
    assert any("the announcement is played first" in detail for detail in audit)


@pytest.mark.parametrize(
    ("action", "who", "words", "yes"),
    [
        ("consult", "+972 50 555 0177", "only if they agree", "They agreed"),
        ("forward", "+972 50 555 0177", "only if they agree", "They agreed"),
        ("forward", "+44 7700 900177", "Have you told them", "I told them"),
    ],
)
async def test_who_must_know_of_the_recording_is_asked_for_before_anybody_is_dialled(
    announcing: Office, action: str, who: str, words: str, yes: str
) -> None:
    question = await bring_in(announcing, action, who)
    assert phone(announcing).done == []
    assert question is not None
    assert words in question.text
    assert yes in str(question.blocks)
    place = announcing.slack.open_dm("U1").id
    for _ in range(2):  # the button stays, and counts once
        await announcing.press("live:agreed", question, place)
    number = who.replace(" ", "")
    assert phone(announcing).done == [(action, number)]
    assert number in ((await only(announcing)).consulting, (await only(announcing)).transferred_to)
    audit = [detail for *_, detail in await announcing.board.read(audit_log)]
    assert any("asked for; confirmed that" in detail for detail in audit)
    assert await announcing.board.read(ledger.open_intents) == []


async def test_who_must_not_be_recorded_is_not_called_into_a_recorded_call(announcing: Office) -> None:
    assert await bring_in(announcing, "consult", "+90 555 000 0001") is None
    assert phone(announcing).done == []
    assert any("Stop the recording first" in message.text for message in announcing.conversation("U1"))
    await recording(announcing, on=False)
    assert await bring_in(announcing, "consult", "+90 555 000 0001") is None
    assert phone(announcing).done == [("consult", "+905550000001")]


@pytest.mark.parametrize("who", ["+972 50 555 0190", "extension 204", "<@U4>", "+1 202 555 0100"])
async def test_colleagues_and_extensions_are_not_asked_for(announcing: Office, who: str) -> None:
    await announcing.link("U4", "+972505550190")
    assert await bring_in(announcing, "consult", who) is None
    (done,) = phone(announcing).done
    assert len(done) == 2  # nothing is played to them either


async def test_a_recording_that_is_none_of_ours_asks_for_nothing(desk: Office) -> None:
    """The service records by itself what nobody here lets be recorded."""
    object.__setattr__(desk.board.settings, "recording", Recording())
    await talking(desk)
    await recording(desk)
    assert await bring_in(desk, "consult", "+1 202 555 0177") is None
    assert phone(desk).done == [("consult", "+12025550177")]


async def test_a_question_that_is_answered_too_late_calls_nobody(announcing: Office) -> None:
    question = await bring_in(announcing, "consult", "+972 50 555 0177")
    await announcing.happen(LegEnded(ref="paper-1", at=announcing.clock(), leg=CUSTOMER, outcome=Outcome.ANSWERED))
    told = await announcing.press("live:agreed", question, announcing.slack.open_dm("U1").id)
    assert "already ended" in told
    assert phone(announcing).done == []


async def test_a_consultation_without_an_answer_shows_that_the_caller_waits(desk: Office) -> None:
    await talking(desk)
    phone(desk).fault = Ambiguous("Paperphone did not answer in time; it may or may not be calling.")
    await press(desk, "consult")
    await desk.submit({"who": "+1 202 555 0177"})
    assert "on hold" in card(desk).text
    assert buttons(desk) == {"resume", "consult"}
    assert thread(desk) == []
    phone(desk).fault = None
    await press(desk, "resume")
    assert not (await only(desk)).held


@pytest.mark.parametrize(
    ("who", "words"),
    [
        ("+1 900 555 0123", "remium"),
        ("nobody at all", "nobody at all"),
        ("911", "mergency"),
        ("411", "Nobody was called: 411 is a short number too"),
    ],
)
async def test_nobody_is_transferred_to_where_the_policy_forbids_it(desk: Office, who: str, words: str) -> None:
    await talking(desk)
    await press(desk, "forward")
    errors = await desk.submit({"who": who})
    told = [*errors.values(), *(message.text for message in desk.conversation("U1"))]
    assert any(words in text for text in told)
    assert phone(desk).done == []


@pytest.mark.parametrize("who", ["back", "+1 202 555 0177 from Sales", "+1 202 555 0177 note tell them"])
async def test_what_a_transfer_cannot_heed_is_refused_in_the_form(desk: Office, who: str) -> None:
    await talking(desk)
    await press(desk, "forward")
    assert "and nothing else" in (await desk.submit({"who": who}))["who"]
    assert phone(desk).done == []


@pytest.mark.parametrize("action", ["consult", "transfer", "forward", "coach"])
@pytest.mark.parametrize("who", ["+1 202 555 0190", "+1 202 555 0101", "Dana Levi"])
async def test_whoever_is_on_the_call_is_not_called_into_it(desk: Office, action: str, who: str) -> None:
    """Their own phone, or whom they talk to: the caller would be put on hold for nobody, or put through to nobody."""
    await desk.contact("+12025550101", "Dana Levi")
    await talking(desk)
    await press(desk, action)
    told = "is on this call already, so nobody was called. Name somebody else."
    assert (await desk.submit({"who": who}))["who"].endswith(told)
    assert phone(desk).done == []


async def test_an_extension_that_took_a_call_is_not_called_into_it(desk: Office) -> None:
    await desk.link("U1", "201", phone_kind="extension", extension="201", account="voicenter")
    at = desk.clock()
    await desk.happen(
        Described(ref="in-1", at=at, source="pop-up", direction="in", number="+12025550155", line=LINE),
        LegRinging(ref="in-1", at=at, leg="ext:201"),
        LegAnswered(ref="in-1", at=at + 3, leg="ext:201"),
    )
    call = await only(desk)
    with pytest.raises(BadInput, match="201 is on this call already"):
        await controlling.bring_in(desk.board, call.id, "U2", "forward", "201")
    assert phone(desk).done == []
    await controlling.bring_in(desk.board, call.id, "U2", "forward", "202")
    assert phone(desk).done == [("forward", "202")]


async def test_a_call_is_transferred_to_whom_a_first_name_alone_means(desk: Office) -> None:
    await talking(desk)
    await desk.link("U2", "+12025550144", name="Dana Hall")
    await press(desk, "forward")
    await desk.contact("+12025550177", "Dana Levi")
    errors = await desk.submit({"who": "Dana"})
    assert errors["who"] == (
        "Several contacts and colleagues are called “Dana”: Dana Levi, +1 202-555-0177; Dana Hall (colleague), "
        "+1 202-555-0144. Write the number. Nothing was done."
    )
    await desk.board.write(contacts.remove, "+12025550177")
    assert await desk.submit({"who": "Dana"}) == {}
    assert phone(desk).done == [("forward", "+12025550144")]


async def test_a_colleague_is_called_in_at_their_own_account_only(desk: Office) -> None:
    """At that of the call the same digits are somebody else's phone."""
    await talking(desk)
    await desk.link("U2", phone="201", phone_kind="extension", account="branch", name="Omer Katz")
    desk.board.providers = {**desk.board.providers, "branch": Switchboard("branch", desk.clock)}
    await press(desk, "forward")
    errors = await desk.submit({"who": "Omer Katz"})
    assert errors["who"].startswith("Omer Katz has an extension at Paperphone (branch), and the call is at ")
    assert phone(desk).done == []
    await desk.link("U2", phone="201", phone_kind="extension", account="voicenter", name="Omer Katz")
    assert await desk.submit({"who": "Omer Katz"}) == {}
    assert phone(desk).done == [("forward", "201")]


async def test_nobody_is_called_in_who_may_not_be_meant(desk: Office) -> None:
    await talking(desk)
    await desk.contact("+12025550177", "Dana Levi")
    await press(desk, "forward")
    errors = await desk.submit({"who": "Dan"})
    assert errors["who"].startswith("No contact is called “Dan”, so nothing was dialled. Did you mean Dana Levi?")
    assert phone(desk).done == []


@pytest.mark.parametrize(("action", "to"), [("forward", "+12025550177"), ("coach", ""), ("use_talk_option", "")])
async def test_whoever_may_not_call_may_not_bring_anybody_in(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock, action: str, to: str
) -> None:
    """Also where the account itself knows whose phone rings: its coach, or whom a key puts through to."""
    only_others = SETTINGS.replace("[policy]", '[policy]\ncallers = ["U4"]')
    async with office(tmp_path, fake_slack, slack_clock, only_others, kind=Switchboard) as desk:
        at = desk.clock()
        await desk.link("U1", extension="201")
        await desk.happen(
            Described(ref="in-1", at=at, source="popup", direction="in", number="+12025550144", extension="201"),
            LegRinging(ref="in-1", at=at, leg="ext:201"),
            LegAnswered(ref="in-1", at=at + 1, leg="ext:201"),
        )
        call = await only(desk)
        assert call.rep == "U1"
        with pytest.raises(NotAllowed, match="not among those who may place calls"):
            await control(
                desk.board, call.id, "U1", action, lambda provider, call: getattr(provider, action)(call, to), to=to
            )
        assert phone(desk).done == []
