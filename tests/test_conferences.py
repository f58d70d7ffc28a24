"""People called into a conference: each once, through the gate, with a card; what stops one stops no other."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import ClassVar

import pytest
from msgspec.structs import replace
from typing_extensions import override

from bot import conferences, dialing, gathering, unclear
from bot.errors import Ambiguous, CallboardError, Refused
from bot.events import CUSTOMER, Accepted, CdrReceived, LegAnswered, LegRinging, Outcome, State
from bot.intents import CONFERENCE, Ask
from bot.orders import ConferenceOrder, Order, RepPhone, options
from bot.store import ledger
from tests.audit_lines import audit_log
from tests.fake_slack import FakeSlack
from tests.office import ADA, LINE, Office, PaperPhone, office
from tests.slack_state import Clock

NUMBER, OTHER, SAM = "+12025550123", "+12025550124", "+12025550192"


class Rooms(PaperPhone):
    """Takes orders for conferences, too.

    `said_no`: number -> what is raised for it.  `broken`: a number that we fail over.
    """

    conference_options: ClassVar[frozenset[str]] = frozenset(options(ConferenceOrder))

    def __init__(self, account: str, now: Clock) -> None:
        super().__init__(account, now)
        self.joined: list[ConferenceOrder] = []
        self.said_no: dict[str, Exception] = {}
        self.broken = ""

    @override
    def refuse_unexpressible(self, order: Order) -> None:
        if isinstance(order, ConferenceOrder) and order.phone.value == self.broken:
            raise RuntimeError("a bug")
        super().refuse_unexpressible(order)

    @override
    async def join_conference(self, order: ConferenceOrder) -> Accepted:
        self.refuse_unexpressible(order)
        self.joined.append(order)
        if error := self.said_no.get(order.phone.value):
            raise error
        return Accepted(ref=f"room-{len(self.joined)}", at=self.now())


@pytest.fixture
async def desk(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> AsyncIterator[Office]:
    async with office(tmp_path, fake_slack, slack_clock, kind=Rooms) as there:
        yield there


def rooms(desk: Office) -> Rooms:
    assert isinstance(desk.phone, Rooms)
    return desk.phone


def rung(desk: Office) -> list[tuple[str, str]]:
    return [(order.phone.kind, order.phone.value) for order in rooms(desk).joined]


def texts(desk: Office, user: str = "U1") -> str:
    return "\n".join(message.text for message in desk.conversation(user))


async def test_everybody_is_called_once_and_has_a_card(desk: Office) -> None:
    await desk.link("U1")
    await desk.link("U2", SAM, name="Sam")
    await desk.contact(NUMBER, "Dana Levi")
    told = await desk.type(f"/call conference 4711 me, <@U2|sam>, Dana Levi, {NUMBER}, 201")
    assert rung(desk) == [("number", ADA), ("number", SAM), ("number", NUMBER), ("extension", "201")]
    first = rooms(desk).joined[0]
    assert (first.conference, first.caller_id, first.max_seconds) == ("4711", LINE, 7200)
    assert desk.phone.orders == []
    assert told.startswith("Conference 4711:")
    assert told.count("ringing.") == 4
    assert len(desk.conversation("U1")) == 4
    assert "Ringing Dana Levi, +1 202-555-0123…" in texts(desk)
    assert "When they pick up, they are in conference 4711." in texts(desk)
    assert "your phone" not in texts(desk)
    audit = [(what, number) for _, _, what, number, *_ in await desk.board.read(audit_log)]
    assert ("call into conference 4711", NUMBER) in audit
    assert await desk.board.read(ledger.open_intents) == []


async def test_a_call_into_a_conference_from_ringing_to_its_end(desk: Office) -> None:
    await desk.type("/call conference 4711 +1 202 555 0123 max 30m")  # without a phone of one's own
    assert rooms(desk).joined[0].max_seconds == 1800
    await desk.happen(LegRinging(ref="room-1", at=desk.clock(), leg=CUSTOMER))
    assert "Ringing +1 202-555-0123…" in texts(desk)
    await desk.happen(LegAnswered(ref="room-1", at=desk.clock(), leg=CUSTOMER))
    assert "+1 202-555-0123 is in conference 4711" in texts(desk)
    assert "In conference 4711" in await desk.type("/calls")
    await desk.happen(
        CdrReceived(ref="room-1", at=desk.clock(), leg=CUSTOMER, outcome=Outcome.ANSWERED, talk_seconds=80)
    )
    (call,) = await desk.calls()
    assert (call.state, call.outcome, call.purpose, call.talk_seconds) == (
        State.ENDED,
        Outcome.ANSWERED,
        "conference",
        80,
    )
    assert "was in conference 4711 for 1 min 20 s" in texts(desk)
    desk.clock.advance(60)
    told = await desk.press("call:again", desk.conversation("U1")[0], desk.slack.open_dm("U1").id)
    assert "Calling +1 202-555-0123 into conference 4711." in told
    assert rung(desk) == [("number", NUMBER), ("number", NUMBER)]
    assert desk.phone.orders == []


async def test_again_says_that_it_is_into_the_conference(desk: Office) -> None:
    await desk.type("/call conference 4711 +1 202 555 0123")
    await desk.happen(CdrReceived(ref="room-1", at=desk.clock(), leg=CUSTOMER, outcome=Outcome.BUSY))
    assert "The line was busy: +1 202-555-0123, for conference 4711" in texts(desk)
    assert "again into conference 4711?" in await desk.type("/call again")


async def test_what_stops_one_stops_nobody_else(desk: Office) -> None:
    rooms(desk).said_no = {
        OTHER: Refused("Paperphone refused: no such room.", words="no such room"),
        "+12025550125": Ambiguous("Paperphone did not answer in time."),
    }
    await desk.type(f"/callboard dnc add {NUMBER} asked us to stop", user="U2")
    told = await desk.type(f"/call conference 4711 {NUMBER}, {OTHER}, +1 202 555 0125, 911, +1 202 555 0126")
    lines = dict(line.removeprefix("• ").split(": ", 1) for line in told.splitlines()[1:])
    assert "asked us to stop" in lines["+1 202-555-0123"]
    assert "no such room" in lines["+1 202-555-0124"]
    assert "did not answer in time" in lines["+1 202-555-0125"]
    assert "emergency" in lines["911"]
    assert lines["+1 202-555-0126"] == "ringing."
    assert rung(desk) == [("number", number) for number in (OTHER, "+12025550125", "+12025550126")]
    assert "look into the conference, then say which it was" in texts(desk)
    assert await desk.board.read(ledger.open_intents) == []


async def test_a_bug_of_ours_with_one_keeps_nobody_else_waiting(desk: Office) -> None:
    rooms(desk).broken = NUMBER
    await desk.type(f"/call conference 4711 {NUMBER}, {OTHER}")
    assert rung(desk) == [("number", OTHER)]
    said = [message.text for message in desk.slack.ephemerals]
    assert any("+1 202-555-0123: not called." in text and "+1 202-555-0124: ringing." in text for text in said)
    assert "incident" in said[-1].casefold() or "incident" in said[0].casefold()
    assert await desk.board.read(ledger.open_intents) == []


async def test_a_question_is_asked_for_each_and_its_yes_calls_that_one(desk: Office) -> None:
    object.__setattr__(desk.board.settings.policy, "hours", ("00:00", "00:01"))
    await desk.link("U1")
    told = await desk.type(f"/call conference 4711 me, {NUMBER}, {OTHER}")
    assert rung(desk) == [("number", ADA)]  # whoever types is not asked whether they may be called
    assert told.count("you are asked in your conversation") == 2
    asked = [message for message in desk.conversation("U1") if "call:yes" in str(message.blocks)]
    assert len(asked) == 2
    place = desk.slack.open_dm("U1").id
    for _ in range(2):  # pressed twice, called once
        await desk.press("call:yes", asked[0], place)
    assert rung(desk) == [("number", ADA), ("number", NUMBER)]
    assert rooms(desk).joined[1].conference == "4711"


async def test_caps_count_each_of_them(desk: Office) -> None:
    object.__setattr__(desk.board.settings.policy, "daily_calls", 2)
    told = await desk.type(f"/call conference 4711 {NUMBER}, {OTHER}, +1 202 555 0125")
    assert rung(desk) == [("number", NUMBER), ("number", OTHER)]
    assert told.count("ringing.") == 2


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("4711 me", "does not know a number or extension of yours, so nobody was called"),
        ("4711 <@U1|ada>", "does not know a number or extension of yours"),
        ("4711 +1 202 555 0123, <@U2|sam>", "has not linked a phone yet"),
        ("4711 +1 202 555 0123, Nobody Here", "No contact is called “Nobody Here”"),
        (
            "4711 +1 202 555 0123, Noa",
            "Several contacts are called “Noa”: Noa Green, +1 202-555-0131; Noa Hill, +1 202-555-0132.",
        ),
        ("4711 +1 202 555 0123 from Nowhere", "There is no line “Nowhere”"),
        ("4711 +1 202 555 0123 via pigeon", "There is no telephony account “pigeon”"),
        ("4711 +1 202 555 0123 record", "takes “from”, “via” and “max” only"),
        ("4711", "Say whom to call into conference 4711"),
    ],
)
async def test_a_mistake_calls_nobody(desk: Office, line: str, words: str) -> None:
    await desk.contact("+12025550131", "Noa Green")
    await desk.contact("+12025550132", "Noa Hill")
    assert words in await desk.type(f"/call conference {line}")
    assert rung(desk) == []
    assert await desk.board.read(ledger.open_intents) == []


async def test_the_account_is_one_that_has_conferences(desk: Office) -> None:
    plain = PaperPhone("plain", desk.clock)
    desk.board.providers = {"plain": plain, "voicenter": desk.phone}
    await desk.link("U1", account="plain")
    await desk.type("/call conference 4711 me")
    assert rung(desk) == [("number", ADA)]
    told = await desk.type(f"/call conference 4711 {NUMBER} via plain")
    assert "Paperphone cannot call people into conferences" in told
    assert "Choose “via voicenter”." in told
    await desk.link("U2", "300", phone_kind="extension", extension="300", account="plain", name="Sam")
    assert "Sam has an extension at Paperphone" in await desk.type("/call conference 4711 <@U2|sam>")
    desk.board.providers = {"plain": plain}
    told = await desk.type(f"/call conference 4711 {NUMBER}")
    assert told == "None of your phone services can call people into conferences, so nobody was called."
    assert len(rung(desk)) == 1
    await plain.http.aclose()


async def test_options_of_every_call_that_a_conference_has(desk: Office) -> None:
    given = {
        "ring_seconds": 20,
        "caller_name": "Green Gardens",
        "max_seconds": 600,
        "auto_answer": True,
        "language": "he",
    }
    object.__setattr__(desk.board.settings.accounts[0], "call", given)
    await desk.type(f"/call conference 4711 {NUMBER}, 201")
    number, extension = rooms(desk).joined
    assert (number.ring_seconds, number.caller_name, number.max_seconds) == (20, "Green Gardens", 600)
    assert (number.auto_answer, extension.auto_answer) == (False, True)
    assert "last 10 minutes at most" in await desk.type(f"/call conference 4711 {OTHER} max 30m")
    assert len(rung(desk)) == 2


async def test_a_crash_in_between_is_told_for_each_and_nobody_is_called_again(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    async with office(tmp_path, fake_slack, slack_clock, kind=Rooms) as desk:
        asks = tuple(Ask(rep="U1", number=number, conference="4711") for number in (NUMBER, OTHER))
        await desk.board.write(ledger.write_intent, "k", "U1", "call", b"{}", desk.clock())
        keys = await conferences.promise(desk.board, "k", asks)
        assert [intent.key for intent in await desk.board.read(ledger.open_intents)] == keys == ["k:1", "k:2"]
        await dialing.dial(desk.board, keys[0], asks[0])
    async with office(tmp_path, fake_slack, slack_clock, kind=Rooms) as desk:
        await unclear.recover(desk.board)
        await desk.settle()
        assert "before it could call +1 202-555-0124 into the conference you asked for" in texts(desk)
        assert "could call +1 202-555-0123" not in texts(desk)
        assert rung(desk) == []
        assert await desk.board.read(ledger.open_intents) == []
        await dialing.drop(desk.board, "k:2")


async def test_an_intent_of_one_of_them_is_sent_once(desk: Office) -> None:
    ask = Ask(rep="U1", number=NUMBER, conference="4711")
    (key,) = await conferences.promise(desk.board, "k", (ask,))
    assert await conferences.promise(desk.board, "k", (ask,)) == [key]
    (intent,) = await desk.board.read(ledger.open_intents)
    assert intent.kind == CONFERENCE
    await dialing.dial(desk.board, key, ask)
    with pytest.raises(CallboardError, match="already calling"):
        await dialing.dial(desk.board, key, ask)
    desk.clock.advance(5 * 3600)
    await desk.happen(CdrReceived(ref="room-1", at=desk.clock(), leg=CUSTOMER, outcome=Outcome.BUSY))
    await dialing.dial(desk.board, key, replace(ask, confirmed=True))
    assert len(rung(desk)) == 1


async def test_whom_a_text_means(desk: Office) -> None:
    await desk.link("U1", "300", phone_kind="extension", extension="300", account="voicenter")
    said = gathering.parse("conference 4711 me, <@U1>, 300", "US")
    assert said is not None
    (ask,) = await conferences.asks(desk.board, "U1", said)
    assert (ask.number, ask.extension, ask.account, ask.conference) == ("300", True, "voicenter", "4711")
    await desk.type("/call conference 4711 me")
    assert rooms(desk).joined[0].phone == RepPhone("extension", "300")
