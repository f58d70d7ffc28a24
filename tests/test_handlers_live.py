"""The controls of a running call, by signed Slack requests: only what makes sense, done once, told in the thread."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from bot import controlling, unclear
from bot.call import Call
from bot.consent import Recording
from bot.controlling import CONTROLS, WITHOUT_US, control
from bot.errors import Ambiguous, BadInput, NotAllowed, Refused, Unavailable
from bot.events import (
    CUSTOMER,
    REP,
    AnyEvent,
    CdrReceived,
    Described,
    Heard,
    LegAnswered,
    LegEnded,
    LegRinging,
    Outcome,
    RecordingChanged,
    State,
)
from bot.operations import operations
from bot.orders import Prompt, Speech, TalkOption
from bot.store import contacts, ledger
from tests import slack_requests
from tests.audit_lines import audit_log
from tests.fake_slack import FakeSlack
from tests.office import LINE, SETTINGS, Office, PaperPhone, office
from tests.slack_state import Clock, Message

TALK = frozenset(
    {"hold", "consult", "forward", "transfer", "press_key", "play", "tag", "start_recording", "coach", "block"}
)
OPTIONS = (
    TalkOption(button="1", kind="tag_call", name="Tag", value="77", value_name="Sold"),
    TalkOption(button="9", kind="record_talk", name="Record"),
)


class Switchboard(PaperPhone):
    """Everything can be done to a talk; `done` is what was asked, `fault` is raised instead, `good` requests later."""

    def __init__(self, account: str, now: Callable[[], float]) -> None:
        super().__init__(account, now)
        self.done: list[tuple[str, ...]] = []
        self.prompts: list[Prompt] = []
        self.fault: Exception | None = None
        self.good = 0
        self.gate: asyncio.Event | None = None

    @override
    def controls(self, call: Call) -> frozenset[str]:
        if call.state is not State.TALKING:
            return frozenset({"hang_up"}) if call.live else frozenset()
        if call.consulting:
            return frozenset({"complete_transfer", "return_to_caller", "hang_up"})
        if call.held:
            return frozenset({"resume", "consult", "hang_up"})
        return TALK | {"hang_up", "use_talk_option", "drop_leg"} | ({"stop_recording"} if call.recording_on else set())

    async def _do(self, *what: str) -> None:
        self.done.append(what)
        if self.gate is not None:
            await self.gate.wait()
        if self.fault is not None and len(self.done) > self.good:
            raise self.fault

    @override
    async def hold(self, call: Call, speech: Speech | None = None) -> None:
        await self._do("hold")

    @override
    async def resume(self, call: Call) -> None:
        await self._do("resume")

    @override
    async def consult(self, call: Call, to: str, speech: Speech | None = None) -> None:
        await self._do("consult", to, *([speech.text] if speech is not None else []))

    @override
    async def complete_transfer(self, call: Call) -> None:
        await self._do("complete_transfer")

    @override
    async def return_to_caller(self, call: Call) -> None:
        await self._do("return_to_caller")

    @override
    async def forward(self, call: Call, to: str) -> None:
        await self._do("forward", to)

    @override
    async def press_key(self, call: Call, key: str) -> None:
        await self._do("press_key", key)

    @override
    async def play(self, call: Call, prompt: Prompt) -> None:
        self.prompts.append(prompt)
        await self._do("play", prompt.speech.text or prompt.speech.media)

    @override
    async def start_recording(self, call: Call, name: str = "") -> tuple[AnyEvent, ...]:
        await self._do("start_recording")
        return ()

    @override
    async def stop_recording(self, call: Call) -> None:
        await self._do("stop_recording")

    @override
    async def tag(self, call: Call, tag: str) -> None:
        await self._do("tag", tag)

    @override
    async def coach(self, call: Call, phone: str = "") -> None:
        await self._do("coach", phone)

    @override
    async def block(self, call: Call) -> None:
        await self._do("block")

    @override
    async def use_talk_option(self, call: Call, button: str) -> None:
        await self._do("use_talk_option", button)

    @override
    async def talk_options(self) -> tuple[TalkOption, ...]:
        return OPTIONS


@pytest.fixture
async def desk(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> AsyncIterator[Office]:
    recorded = SETTINGS + '[recording]\ncountries = { US = "ask" }\n'
    async with office(tmp_path, fake_slack, slack_clock, recorded, kind=Switchboard) as desk:
        await desk.link("U1")
        yield desk


def phone(desk: Office) -> Switchboard:
    assert isinstance(desk.phone, Switchboard)
    return desk.phone


async def talking(desk: Office) -> Call:
    await desk.type("/call +1 202 555 0101")
    at = desk.clock()
    await desk.happen(
        LegRinging(ref="paper-1", at=at, leg=REP),
        LegAnswered(ref="paper-1", at=at + 1, leg=REP),
        LegRinging(ref="paper-1", at=at + 2, leg=CUSTOMER),
        LegAnswered(ref="paper-1", at=at + 3, leg=CUSTOMER),
    )
    return await only(desk)


async def only(desk: Office) -> Call:
    (call,) = await desk.calls()
    return call


def card(desk: Office) -> Message:
    return next(message for message in desk.conversation("U1") if not message.thread_ts)


def thread(desk: Office) -> list[str]:
    return [message.text for message in desk.conversation("U1") if message.thread_ts == card(desk).ts]


def buttons(desk: Office) -> set[str]:
    return {
        element["action_id"].removeprefix("live:")
        for block in card(desk).blocks
        if block["type"] == "actions"
        for element in block["elements"]
        if element["action_id"].startswith("live:")
    }


async def press(desk: Office, action: str, user: str = "U1") -> str:
    desk.clock.advance(2)
    return await desk.press(f"live:{action}", card(desk), desk.slack.open_dm("U1").id, user=user)


def test_every_operation_on_a_running_call_is_a_control() -> None:
    names = list(operations())
    on_a_call = names[names.index("hang_up") : names.index("talk_options")]
    assert set(CONTROLS) == {*on_a_call, "use_talk_option"} - {"bridge"}


async def test_only_what_makes_sense_now_is_shown(desk: Office) -> None:
    await desk.type("/call +1 202 555 0101")
    assert buttons(desk) == set()
    await talking_from_ringing(desk)
    assert buttons(desk) == TALK | {"use_talk_option", "drop_leg"}
    await press(desk, "hold")
    assert buttons(desk) == {"resume", "consult"}
    assert "on hold" in card(desk).text


async def talking_from_ringing(desk: Office) -> None:
    at = desk.clock()
    await desk.happen(LegAnswered(ref="paper-1", at=at, leg=REP), LegAnswered(ref="paper-1", at=at + 1, leg=CUSTOMER))


async def test_consult_and_transfer_are_told_in_the_thread_and_in_the_audit_log(desk: Office) -> None:
    await talking(desk)
    await press(desk, "hold")
    await press(desk, "consult")
    assert await desk.submit({"who": "+1 202 555 0177"}) == {}
    assert buttons(desk) == {"complete_transfer", "return_to_caller"}
    await press(desk, "complete_transfer")
    assert phone(desk).done == [("hold",), ("consult", "+12025550177"), ("complete_transfer",)]
    assert thread(desk) == [
        "U1 put the call on hold.",
        "U1 put the call on hold and called +1 202-555-0177.",
        "U1 completed the transfer.",
    ]
    audit = [(what, detail.partition(" ")[2]) for _, who, what, _, detail in await desk.board.read(audit_log)]
    assert audit[:4] == [
        ("complete transfer", ""),
        ("consult", "+12025550177"),
        ("consult", "+12025550177 asked for"),  # before the service was
        ("hold", ""),
    ]
    assert (await only(desk)).transferred_to == "+12025550177"
    assert buttons(desk) <= WITHOUT_US  # the others talk without us


# Somebody joins a call that is being recorded.


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


async def cut_off(desk: Office, action: str, to: str, *meanwhile: AnyEvent) -> None:
    """The process ends while the service's answer is awaited, and starts again."""
    call = await only(desk)
    phone(desk).gate = asyncio.Event()
    order = controlling.bring_in(desk.board, call.id, "U1", action, to)
    if action not in controlling.BRINGS_IN:
        order.close()
        act: Callable[[Any, Call], Any] = lambda provider, one: getattr(provider, action)(one, to)  # noqa: E731
        order = control(desk.board, call.id, "U1", action, act)
    pending = asyncio.create_task(order)
    while not phone(desk).done:
        await asyncio.sleep(0)
    pending.cancel()
    await asyncio.gather(pending, return_exceptions=True)
    await desk.board.ingest("voicenter", meanwhile)
    for _ in range(2):  # the second start finds nothing
        await unclear.recover(desk.board)
        await controlling.recover(desk.board)
    desk.clock.advance(4)
    await desk.settle()


async def test_a_consultation_that_a_restart_cut_off_is_told_and_leads_back(desk: Office) -> None:
    await talking(desk)
    await cut_off(desk, "consult", "+12025550177")
    assert phone(desk).done == [("consult", "+12025550177")]
    assert buttons(desk) == {"resume", "consult"}
    told = [message.text for message in desk.conversation("U1") if "was restarted" in message.text]
    assert len(told) == 1
    assert "consult somebody (+1 202-555-0177)" in told[0]
    assert "may or may not" in told[0]
    assert await desk.board.read(ledger.open_intents) == []
    assert "unclear" in (await desk.board.read(audit_log))[0][4]


@pytest.mark.parametrize("ended", [True, False])
async def test_a_transfer_that_a_restart_cut_off_is_told_unless_the_call_is_over(desk: Office, ended: bool) -> None:
    await talking(desk)
    over = [LegEnded(ref="paper-1", at=desk.clock(), leg=CUSTOMER, outcome=Outcome.ANSWERED)] if ended else []
    await cut_off(desk, "forward", "+12025550177", *over)
    assert not (await only(desk)).held
    told = [message.text for message in desk.conversation("U1") if "was restarted" in message.text]
    assert len(told) == (not ended)
    assert await desk.board.read(ledger.open_intents) == []


async def test_a_coach_whose_call_a_restart_cut_off_is_told(desk: Office) -> None:
    await talking(desk)
    await cut_off(desk, "coach", "")
    (told,) = [message.text for message in desk.conversation("U1") if "was restarted" in message.text]
    assert "when you asked to let a coach join, so it may or may not have been done" in told


async def test_two_clicks_have_one_effect_and_the_card_says_what_happens(desk: Office) -> None:
    call = await talking(desk)
    gate = phone(desk).gate = asyncio.Event()
    hold: Callable[[Any, Call], Any] = lambda provider, one: provider.hold(one)  # noqa: E731
    first = asyncio.create_task(control(desk.board, call.id, "U1", "hold", hold))
    while not phone(desk).done:
        await asyncio.sleep(0)
    with pytest.raises(NotAllowed, match="Nothing was done a second time"):
        await control(desk.board, call.id, "U1", "hold", hold)
    desk.clock.advance(2)
    await desk.feed.drain()
    assert "Putting on hold…" in card(desk).text
    assert buttons(desk) == set()
    gate.set()
    await first
    desk.clock.advance(2)
    await desk.settle()
    assert phone(desk).done == [("hold",)]
    assert "resume" in buttons(desk)


async def test_what_was_done_is_on_record_although_the_disk_was_full(
    desk: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = await talking(desk)
    slept = []

    async def full(work: object) -> object:
        raise sqlite3.OperationalError("database or disk is full")

    async def hold(provider: Any, one: Call) -> None:
        await provider.hold(one)
        monkeypatch.setattr(desk.board.db, "write", full)

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        monkeypatch.undo()

    desk.board.sleep = sleep
    await control(desk.board, call.id, "U1", "hold", hold)
    assert len(slept) == 1
    (held,) = await desk.calls()
    assert held.held


async def test_what_is_told_before_the_answer_comes_is_later_than_the_order(desk: Office) -> None:
    """The service tells that the recording failed while its answer is on its way."""
    call = await talking(desk)
    desk.clock.advance(4)  # they have begun to talk by now
    gate = phone(desk).gate = asyncio.Event()
    start: Callable[[Any, Call], Any] = lambda provider, one: provider.start_recording(one)  # noqa: E731
    starting = asyncio.create_task(control(desk.board, call.id, "U1", "start_recording", start, consented=True))
    while not phone(desk).done:
        await asyncio.sleep(0)
    desk.clock.advance(1)
    failed = RecordingChanged(ref="paper-1", at=desk.clock(), on=False, recording="rec-1", words="No space left")
    await desk.happen(failed)
    desk.clock.advance(1)
    gate.set()
    await starting
    assert not (await only(desk)).recording_on


async def test_what_is_done_to_a_call_that_turns_out_to_be_another_is_done_to_that(desk: Office) -> None:
    """Its webhooks overtook the answer to the order, which comes while somebody puts the stranger's call on hold."""
    at = desk.clock()
    told = [Described(ref="paper-1", at=at, source="popup", direction="out", number="+12025550101")]
    await desk.happen(*told, *(LegAnswered(ref="paper-1", at=at, leg=leg) for leg in (REP, CUSTOMER)))
    stranger = await only(desk)

    async def found_meanwhile(provider: Any, one: Call) -> None:
        await talking(desk)
        await provider.hold(one)

    await control(desk.board, stranger.id, "U2", "hold", found_meanwhile)
    ours = await only(desk)
    assert (ours.id != stranger.id, ours.held, ours.rep) == (True, True, "U1")


async def test_a_control_that_races_with_the_end_says_so_kindly(desk: Office) -> None:
    call = await talking(desk)
    phone(desk).fault = Refused("Paperphone refused: call session not found.", words="call session not found")

    async def ends_meanwhile(provider: Any, one: Call) -> None:
        await desk.board.ingest(
            "voicenter", [LegEnded(ref="paper-1", at=desk.clock(), leg=CUSTOMER, outcome=Outcome.ANSWERED)]
        )
        await provider.hold(one)

    with pytest.raises(Exception, match="The call ended before that could be done"):
        await control(desk.board, call.id, "U1", "hold", ends_meanwhile)
    assert "already ended" in await press(desk, "hold")


async def test_what_the_service_refuses_is_told_and_changes_nothing(desk: Office) -> None:
    await talking(desk)
    phone(desk).fault = Refused("Paperphone refused: not now.", words="not now")
    assert await press(desk, "hold") == "The call was not put on hold: Paperphone refused: not now."
    await press(desk, "forward")
    await desk.submit({"who": "+1 202 555 0177"})
    assert desk.conversation("U1")[-1].text == "The call was not transferred: Paperphone refused: not now."
    assert not (await only(desk)).held
    assert thread(desk) == []
    assert "not done" in (await desk.board.read(audit_log))[0][4]


async def test_others_keep_their_hands_off_but_a_manager_may(desk: Office) -> None:
    call = await talking(desk)
    with pytest.raises(NotAllowed, match="Only the rep on the call, or a manager"):
        await control(desk.board, call.id, "U4", "hold", lambda provider, one: provider.hold(one))
    assert phone(desk).done == []
    await control(desk.board, call.id, "U2", "hold", lambda provider, one: provider.hold(one))
    await desk.settle()
    assert thread(desk) == ["U2 put the call on hold."]


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


@pytest.mark.parametrize("action", ["hold", "tag"])
async def test_of_a_call_at_an_account_that_is_gone_that_is_told(desk: Office, action: str) -> None:
    await talking(desk)
    before = card(desk)
    desk.board.providers = {}
    told = await desk.press(f"live:{action}", before, desk.slack.open_dm("U1").id)
    shown = [view.view["blocks"][0]["text"]["text"] for view in desk.slack.views.values()]
    words = (
        "That call is at the account “voicenter”, which is not set up here any more. Nothing was done; use the phone "
        "itself."
    )
    assert [told, *shown] == ([words] if action == "hold" else ["", words])


async def test_keys_are_pressed_one_after_the_other(desk: Office) -> None:
    await talking(desk)
    await press(desk, "press_key")
    assert "keys 0-9" in (await desk.submit({"keys": "12a"}))["keys"]
    assert await desk.submit({"keys": "1 2#"}) == {}
    assert phone(desk).done == [("press_key", "1"), ("press_key", "2"), ("press_key", "#")]
    assert thread(desk) == ["U1 pressed 12#."]


@pytest.mark.parametrize("typed", ["１２#", "١٢#", "1-2 #", "\u202a1\u00a02‑#\u202c"])
async def test_keys_as_they_are_typed_elsewhere_or_pasted(desk: Office, typed: str) -> None:
    await talking(desk)
    await press(desk, "press_key")
    assert await desk.submit({"keys": typed}) == {}
    assert [key for _, key in phone(desk).done] == ["1", "2", "#"]


@pytest.mark.parametrize(
    ("action", "values", "good"),
    [
        ("press_key", {"keys": "5"}, 3),
        ("play", {"text": "One moment."}, 3),
        ("tag", {"choice": "77"}, 3),
        ("forward", {"who": "+1 202 555 0177"}, 0),
    ],
)
async def test_a_form_that_is_sent_twice_counts_once(
    desk: Office, action: str, values: dict[str, str], good: int
) -> None:
    """Slack sends it again where the answer was lost on the way; also what the service refused is not tried again."""
    await talking(desk)
    await press(desk, action)
    phone(desk).fault, phone(desk).good = Refused("Paperphone refused: not now.", words="not now"), good
    (view_id,) = [view.id for view in desk.slack.views.values() if view.user == "U1"]
    for _ in range(3):
        assert not await desk.send(slack_requests.submit(desk.slack, view_id, values))
    assert len(phone(desk).done) == 1


async def test_how_many_keys_were_pressed_is_told_where_not_all_were(desk: Office) -> None:
    await talking(desk)
    await press(desk, "press_key")
    assert "keys 0-9" in (await desk.submit({"keys": "  "}))["keys"]
    phone(desk).fault, phone(desk).good = Unavailable("Paperphone did not answer."), 2
    await desk.submit({"keys": "12345"})
    assert "Only 2 of 5 keys were pressed for certain." in desk.conversation("U1")[-1].text
    assert (await desk.board.read(audit_log))[0][4].partition(" ")[2].startswith("5 keys unclear: Only 2")


async def test_what_may_be_a_secret_is_pressed_and_nowhere_written_down(desk: Office) -> None:
    await talking(desk)
    await press(desk, "press_key")
    assert await desk.submit({"keys": "4929 1234#"}) == {}
    assert "".join(key for _, key in phone(desk).done) == "49291234#"
    assert thread(desk) == ["U1 pressed 9 keys."]
    everything = await desk.board.read(lambda db: "".join(db.iterdump()))
    assert "4929" not in everything


async def test_a_message_is_played(desk: Office) -> None:
    await talking(desk)
    await press(desk, "play")
    assert "one of the two" in (await desk.submit({"template": "", "text": ""}))["text"]
    assert await desk.submit({"text": "We are on our way.", "language": "en-GB", "voice": "male"}) == {}
    assert phone(desk).done == [("play", "We are on our way.")]
    speech = Speech(text="We are on our way.", language="en-GB", voice="male")
    assert phone(desk).prompts == [Prompt(speech=speech)]


async def test_a_question_is_played_and_its_answer_told(desk: Office) -> None:
    """Nothing is chosen for the account: its settings say in which language and voice a text is spoken."""
    await talking(desk)
    await press(desk, "play")
    assert await desk.submit({"text": "Press 1 for sales.", "listen": ["keys", "words"]}) == {}
    speech = Speech(text="Press 1 for sales.")
    assert phone(desk).prompts == [Prompt(speech=speech, collect_digits=True, recognise=True)]


async def test_tags_are_those_of_the_account(desk: Office) -> None:
    await talking(desk)
    await press(desk, "tag")
    assert await desk.submit({"choice": "77"}) == {}
    assert phone(desk).done == [("tag", "77")]
    assert thread(desk) == ["U1 tagged the call Sold."]


async def test_what_is_heard_stands_in_the_thread_once(desk: Office) -> None:
    await talking(desk)
    heard = Heard(ref="paper-1", at=desk.clock(), digits="5", play="p1")
    await desk.happen(heard)
    await desk.happen(heard, Heard(ref="paper-1", at=desk.clock(), phrase="yes <!channel>", play="p2"))
    assert thread(desk) == ["The other side pressed 5.", "Heard: “yes &lt;!channel&gt;”"]


async def test_a_line_that_slack_may_have_posted_is_looked_up_in_its_thread(desk: Office) -> None:
    await talking(desk)
    desk.slack.fail_next("chat.postMessage", "drop_after")
    await press(desk, "hold")
    desk.clock.advance(10)
    await desk.settle()
    assert thread(desk) == ["U1 put the call on hold."]
    assert any(request.method == "conversations.replies" for request in desk.slack.requests)


async def test_an_ended_call_has_no_controls(desk: Office) -> None:
    await talking(desk)
    record = CdrReceived(ref="paper-1", at=desk.clock(), leg=CUSTOMER, outcome=Outcome.ANSWERED, talk_seconds=9)
    await desk.happen(record)
    assert buttons(desk) == set()


async def test_a_form_opens_at_once_even_when_the_service_is_slow(desk: Office) -> None:
    await talking(desk)
    await desk.send(
        slack_requests.click(desk.slack, "live:tag", user="U1", channel=desk.slack.open_dm("U1").id, ts=card(desk).ts)
    )
    methods = [request.method for request in desk.slack.requests if request.method.startswith("views.")]
    assert methods == ["views.open", "views.update"]


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


async def test_a_form_is_not_opened_for_whom_may_not_use_it(desk: Office) -> None:
    at = desk.clock()
    await desk.happen(
        Described(ref="in-1", at=at, source="popup", direction="in", number="+12025550144", line=LINE, extension="201"),
        LegRinging(ref="in-1", at=at, leg="ext:201"),
        LegAnswered(ref="in-1", at=at + 1, leg="ext:201"),
    )
    (shown,) = desk.slack.channel("C1")
    await desk.press("live:drop_leg", shown, "C1", user="U4")
    (view,) = desk.slack.views.values()
    assert "Only the rep on the call, or a manager, can hang up one side" in str(view.view["blocks"])
