"""The one gate: one order per intent whatever fails, caps under concurrency, and what is refused is not dialled."""

import asyncio
import re
import sqlite3
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typing_extensions import override

from bot import dialing, permission, unclear
from bot.call import Call
from bot.errors import Ambiguous, BadInput, NeedsYes, NotAllowed, Refused, Unavailable, Unsupported
from bot.events import CUSTOMER, REP, AnyEvent, CallEnded, Described, LegAnswered, LegRinging, Outcome, Requested, State
from bot.intents import Ask
from bot.orders import CallOrder
from bot.store import calls, ledger, people
from tests.fake_slack import FakeSlack
from tests.office import SETTINGS, Office, PaperPhone, office
from tests.slack_state import Clock

NUMBER = "+12025550123"


async def ask(desk: Office, key: str = "k1", number: str = NUMBER, **more: object) -> Ask:
    wanted = Ask(rep="U1", number=number, **more)  # type: ignore[arg-type]  # tests name fields of Ask
    await desk.board.write(ledger.write_intent, key, "U1", "command", b"{}", desk.clock())
    return wanted


async def test_one_intent_is_one_order(desk: Office) -> None:
    await desk.link("U1")
    wanted = await ask(desk)
    assert not await desk.board.write(ledger.write_intent, "k1", "U1", "command", b"{}", desk.clock())
    call = await dialing.dial(desk.board, "k1", wanted)
    assert call.state is State.RINGING
    with pytest.raises(NotAllowed, match="already calling"):
        await dialing.dial(desk.board, "k1", wanted)
    assert len(desk.phone.orders) == 1


async def test_a_second_click_is_no_second_call_although_the_first_is_over_already(desk: Office) -> None:
    """Unless the service refused that one."""
    await desk.link("U1")
    desk.phone.answer = Refused("Paperphone refused: no credit.")
    await dialing.dial(desk.board, "k1", await ask(desk))
    desk.phone.answer = None
    await dialing.dial(desk.board, "k2", await ask(desk, "k2"))
    await desk.board.ingest("voicenter", [CallEnded(ref="paper-2", at=desk.clock())])
    desk.clock.advance(dialing.DOUBLE_CLICK_SECONDS)
    with pytest.raises(NotAllowed, match="already calling"):
        await dialing.dial(desk.board, "k3", await ask(desk, "k3"))
    desk.clock.advance(1)
    await dialing.dial(desk.board, "k4", await ask(desk, "k4"))
    assert len(desk.phone.orders) == 3


async def test_an_order_that_could_not_be_written_down_is_not_sent_and_says_so(
    desk: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk fills up between the call and its order. It must not look as if it were on its way for ever."""
    await desk.link("U1")

    def full(db: sqlite3.Connection, key: str) -> bool:
        raise sqlite3.OperationalError("database or disk is full")

    wanted = await ask(desk)
    with monkeypatch.context() as patch:
        patch.setattr(ledger, "send_intent", full)
        call = await dialing.dial(desk.board, "k1", wanted)
    assert (call.state, call.outcome, desk.phone.orders) == (State.ENDED, Outcome.NOT_PLACED, [])
    assert "could not be written down" in call.words
    assert await desk.board.read(ledger.open_intents) == []
    await dialing.dial(desk.board, "k2", await ask(desk, "k2"))
    assert len(desk.phone.orders) == 1


async def test_a_cap_holds_under_concurrent_asks(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> None:
    capped = SETTINGS.replace("[policy]", "[policy]\ndaily_calls = 3")
    async with office(tmp_path, fake_slack, slack_clock, capped) as desk:
        await desk.link("U1")
        asks = [(f"k{n}", await ask(desk, f"k{n}", f"+1202555013{n}")) for n in range(8)]
        found = await asyncio.gather(
            *(dialing.dial(desk.board, key, wanted) for key, wanted in asks), return_exceptions=True
        )
        refused = [error for error in found if isinstance(error, NotAllowed)]
        assert (len(desk.phone.orders), len(refused)) == (3, 5)
        assert all("limit for one person is 3" in str(error) for error in refused)


async def test_a_cap_of_the_team_counts_everybodys_calls(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    capped = SETTINGS.replace("[policy]", "[policy]\nteam_daily_calls = 2")
    async with office(tmp_path, fake_slack, slack_clock, capped) as desk:
        await desk.link("U1")
        await desk.link("U2", phone="+12025550194")
        await desk.type("/call +1 202 555 0131")
        await desk.type("/call +1 202 555 0132", user="U2")
        told = await desk.type("/call +1 202 555 0133")
        assert "2 calls were placed by all of you today, and the limit is 2 a day" in told
        assert len(desk.phone.orders) == 2
        desk.clock.advance(86400)
        await desk.type("/call +1 202 555 0133")
        assert len(desk.phone.orders) == 3


async def test_minutes_count_also_in_a_call_that_still_runs(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    capped = SETTINGS.replace("[policy]", "[policy]\ndaily_minutes = 10")
    async with office(tmp_path, fake_slack, slack_clock, capped) as desk:
        await desk.link("U1")
        await desk.type("/call +1 202 555 0131")
        await desk.happen(*(LegAnswered(ref="paper-1", at=desk.clock(), leg=leg) for leg in (REP, "customer")))
        desk.clock.advance(9 * 60)
        await desk.type("/call +1 202 555 0132")
        assert len(desk.phone.orders) == 2
        desk.clock.advance(60)
        told = await desk.type("/call +1 202 555 0133")
        assert "you have talked for 10 minutes today, and the limit for one person is 10" in told
        assert len(desk.phone.orders) == 2


async def test_outside_of_hours_asks_first(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> None:
    strict = SETTINGS.replace('hours = ["00:00", "24:00"]', 'hours = ["03:00", "03:01"]')
    async with office(tmp_path, fake_slack, slack_clock, strict) as desk:
        await desk.link("U1")
        assert "Call anyway?" in await desk.type("/call +1 202 555 0123")
        assert desk.phone.orders == []
        await desk.press("call:yes", desk.slack.ephemerals[-1], "C1")
        assert len(desk.phone.orders) == 1
        with pytest.raises(NeedsYes):
            await dialing.dial(desk.board, "k9", await ask(desk, "k9", "+12025550124"))


@pytest.mark.parametrize(
    ("more", "error", "words"),
    [
        ({"line": "+12025550100", "account": "other"}, BadInput, "belongs to voicenter"),
        ({"account": "other"}, BadInput, "no telephony account"),
    ],
)
async def test_contradictions_are_refused(
    desk: Office, more: dict[str, str], error: type[Exception], words: str
) -> None:
    await desk.link("U1")
    with pytest.raises(error, match=words):
        await dialing.dial(desk.board, "k1", await ask(desk, **more))
    assert desk.phone.orders == []


async def test_callers_may_be_named(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> None:
    named = SETTINGS.replace("[policy]", '[policy]\ncallers = ["U4"]')
    async with office(tmp_path, fake_slack, slack_clock, named) as desk:
        await desk.link("U1")
        assert "among those who may place calls" in await desk.type("/call +1 202 555 0123")


async def test_a_webhook_that_overtakes_the_answer_is_the_same_call(desk: Office) -> None:
    await desk.link("U1")
    await desk.board.ingest("voicenter", [LegAnswered(ref="paper-1", at=desk.clock(), leg="customer")])
    call = await dialing.dial(desk.board, "k1", await ask(desk))
    assert call.state is State.TALKING
    assert len(await desk.calls()) == 1


FAULTS = st.lists(
    st.sampled_from(["fine", "refused", "unavailable", "ambiguous", "bug", "twice", "again", "restart"]), max_size=8
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(faults=FAULTS)
async def test_never_more_than_one_order_per_intent(
    faults: list[str], tmp_path_factory: pytest.TempPathFactory, fake_slack: FakeSlack
) -> None:
    clock = Clock()
    folder = tmp_path_factory.mktemp("dial")
    orders: list[CallOrder] = []
    intents: set[str] = set()
    errors: dict[str, Exception | None] = {
        "refused": Refused("Paperphone refused: no."),
        "unavailable": Unavailable("Paperphone was not reached."),
        "ambiguous": Ambiguous("Paperphone did not answer."),
        "bug": RuntimeError("a bug"),
    }
    pending = list(enumerate(faults))
    while pending:
        async with office(folder, fake_slack, clock) as desk:
            await desk.link("U1")
            await unclear.recover(desk.board)
            while pending:
                number, fault = pending.pop(0)
                if fault == "restart":
                    break
                clock.advance(30)
                desk.phone.answer = errors.get(fault)
                key = f"k{number - 1 if fault == 'again' else number}"
                if not await desk.board.write(ledger.write_intent, key, "U1", "command", b"{}", clock()):
                    continue
                intents.add(key)
                work = [dialing.dial(desk.board, key, Ask(rep="U1", number=f"+1202555{100 + number:04d}"))]
                if fault == "twice":
                    work.append(dialing.dial(desk.board, key, Ask(rep="U1", number=f"+1202555{100 + number:04d}")))
                await asyncio.gather(*work, return_exceptions=True)
            orders += desk.phone.orders
    numbers = [order.number for order in orders]
    assert len(numbers) == len(set(numbers)) <= len(intents)


async def test_a_provider_without_extensions_says_so(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    await desk.link("U1")
    monkeypatch.setattr(type(desk.phone), "order_options", frozenset({"caller_id"}))
    words = (
        "Paperphone cannot call extensions like 201, only whole numbers. Nothing was dialled; type the whole number."
    )
    with pytest.raises(Unsupported, match=re.escape(words)):
        await dialing.dial(desk.board, "k1", await ask(desk, number="201", extension=True))
    words = "Nothing was dialled; type the whole number or dial a short number on your own phone."
    with pytest.raises(Unsupported, match=re.escape(words)):
        await dialing.dial(desk.board, "k3", await ask(desk, number="411", extension=True))
    with pytest.raises(Unsupported, match="record"):
        await dialing.dial(desk.board, "k2", await ask(desk, "k2", record=True))


async def test_a_service_that_can_call_extensions_is_named(desk: Office) -> None:
    class Numbers(PaperPhone):
        order_options: ClassVar[frozenset[str]] = frozenset({"caller_id"})

    await desk.link("U1")
    desk.board.providers = {"paper": Numbers("paper", desk.clock), "voicenter": desk.phone}
    words = "Nothing was dialled; choose “via voicenter” or type the whole number."
    with pytest.raises(Unsupported, match=re.escape(words)):
        await dialing.dial(desk.board, "k1", await ask(desk, number="201", extension=True))
    words = "choose “via voicenter”, type the whole number, or dial a short number on your own phone."
    with pytest.raises(Unsupported, match=re.escape(words)):
        await dialing.dial(desk.board, "k2", await ask(desk, number="411", extension=True))


async def test_what_may_be_a_short_number_is_asked_about_unless_somebody_has_linked_it(desk: Office) -> None:
    await desk.link("U1")
    with pytest.raises(NeedsYes, match="411 is a short number in US too"):
        await dialing.dial(desk.board, "k1", await ask(desk, number="411", extension=True))
    with pytest.raises(NotAllowed, match=r"411 is a short number too, and nobody has linked it.*`/phone link"):
        await desk.board.read(permission.check_transfer, desk.board, "U1", "411", "voicenter")
    assert desk.phone.orders == []
    await desk.link("U2", "411", phone_kind="extension", extension="411", account="voicenter")
    await desk.board.read(permission.check_transfer, desk.board, "U1", "411", "voicenter")
    await dialing.dial(desk.board, "k2", await ask(desk, "k2", number="411", extension=True))
    assert [order.number for order in desk.phone.orders] == ["411"]


async def test_a_phone_that_was_linked_before_its_country_was_forbidden_is_told_at_the_next_call(desk: Office) -> None:
    await desk.link("U1", "+905550000001")
    with pytest.raises(NotAllowed, match=r"your own phone first, and \+90 .* is in TR"):
        await dialing.dial(desk.board, "k1", await ask(desk))
    assert desk.phone.orders == []


async def test_an_emergency_number_is_called_one_where_extensions_cannot_be_called(
    desk: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.link("U1")
    monkeypatch.setattr(type(desk.phone), "order_options", frozenset({"caller_id"}))
    with pytest.raises(NotAllowed, match=r"911 is an emergency number.* In an emergency, dial it on a phone"):
        await dialing.dial(desk.board, "k1", await ask(desk, number="911", extension=True))


async def test_telling_that_fails_does_not_stop_the_call(desk: Office) -> None:
    await desk.link("U1")

    async def written(call: Call) -> None:
        raise ValueError(f"no words for {call.id}")

    call = await dialing.dial(desk.board, "k1", await ask(desk), written)
    assert (call.state, len(desk.phone.orders)) == (State.RINGING, 1)
    assert await desk.board.read(ledger.open_intents) == []


async def test_dropping_forgets_only_what_has_no_call(desk: Office) -> None:
    for key in ("asked", "bound", "sent"):
        await ask(desk, key)
    for key in ("bound", "sent"):
        await desk.board.write(ledger.bind_intent, key, f"call of {key}")
    assert await desk.board.write(ledger.send_intent, "sent")
    for key in ("asked", "bound", "sent"):
        await dialing.drop(desk.board, key)
    assert sorted(intent.key for intent in await desk.board.read(ledger.open_intents)) == ["bound", "sent"]


@pytest.mark.parametrize(
    ("answer", "state", "outcome", "words"),
    [
        (Refused("Paperphone refused: no credit."), State.ENDED, Outcome.REFUSED, "no credit"),
        (Unsupported("Paperphone cannot do that."), State.ENDED, Outcome.REFUSED, "cannot do that"),
        (Unavailable("Paperphone was not reached."), State.ENDED, Outcome.NOT_PLACED, "not reached"),
        (Ambiguous("Paperphone did not answer."), State.UNCLEAR, None, "did not answer"),
        (RuntimeError("secret"), State.UNCLEAR, None, "RuntimeError"),
    ],
)
async def test_what_a_provider_answers_is_on_the_call(
    desk: Office, answer: Exception, state: State, outcome: Outcome | None, words: str
) -> None:
    await desk.link("U1")
    desk.phone.answer = answer
    call = await dialing.dial(desk.board, "k1", await ask(desk))
    assert (call.state, call.outcome) == (state, outcome)
    assert words in call.words
    assert "secret" not in call.words
    assert len(desk.phone.orders) == 1
    assert await desk.board.read(ledger.open_intents) == []


REFUSALS = {
    "+12025550190": "is your own phone",
    "+911": "emergency number",
    "+19005550123": "premium-rate",
    "+905550000001": "is in TR",
    "+12025550177": "do-not-call list",
    "+88216123456": "belongs to no country",
}


@pytest.mark.parametrize("number", REFUSALS)
async def test_every_refusal_of_the_policy_dials_nothing(desk: Office, number: str) -> None:
    await desk.link("U1")
    await desk.board.write(people.block, "+12025550177", "Asked not to be called", "U2", desk.clock())
    with pytest.raises(NotAllowed, match=REFUSALS[number]):
        await dialing.dial(desk.board, "k1", await ask(desk, number=number))
    assert (desk.phone.orders, await desk.calls()) == ([], [])


async def test_nobody_dials_without_a_phone(desk: Office) -> None:
    with pytest.raises(NotAllowed, match="/phone link"):
        await dialing.dial(desk.board, "k1", await ask(desk))
    assert await desk.calls() == []


async def test_recovery_of_every_state(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> None:
    """Written: told. Bound to a call but not sent: nothing was dialled. Sending: nobody knows. Done: left alone."""
    async with office(tmp_path, fake_slack, slack_clock) as desk:
        await desk.link("U1")
        done = await dialing.dial(desk.board, "done", await ask(desk, "done", "+12025550121"))
        await ask(desk, "written", "+12025550122")
        unsent, sending = calls.new_id(desk.clock()), calls.new_id(desk.clock())
        for key, call_id, number in (("unsent", unsent, "+12025550123"), ("sending", sending, "+12025550124")):
            await ask(desk, key, number)
            asked = Requested(at=desk.clock(), rep="U1", rep_phone="+12025550190", number=number)
            await desk.board.ingest("voicenter", [asked], call_id=call_id)
            await desk.board.write(ledger.bind_intent, key, call_id)
        assert await desk.board.write(ledger.send_intent, "sending")
    slack_clock.advance(60)
    async with office(tmp_path, fake_slack, slack_clock) as desk:
        for _ in range(2):
            await unclear.recover(desk.board)
            found = {call.id: call for call in await desk.calls()}
            assert {call_id: (call.state, call.outcome) for call_id, call in found.items()} == {
                done.id: (State.RINGING, None),
                unsent: (State.ENDED, Outcome.NOT_PLACED),
                sending: (State.UNCLEAR, None),
            }
            await desk.settle()
            told = [message for message in desk.conversation("U1") if "place the call you asked for" in message.text]
            assert len(told) == 1
        assert desk.phone.orders == []
        assert await desk.board.read(ledger.open_intents) == []


async def test_a_default_line_of_another_account_is_not_used(desk: Office) -> None:
    desk.board.providers = {"other": desk.phone}
    desk.phone.account = "other"
    await desk.link("U1")
    await dialing.dial(desk.board, "k1", await ask(desk, account="other"))
    assert desk.phone.orders[0].caller_id == ""


async def test_a_lost_answer_is_looked_for_among_the_active_calls_before_anybody_is_asked(desk: Office) -> None:
    await desk.link("U1")

    class Listing(PaperPhone):
        @override
        async def active_calls(self) -> tuple[AnyEvent, ...]:
            others: list[AnyEvent] = [
                Described(ref="other-1", at=self.now(), source="poll", direction="out", number=NUMBER),
                LegRinging(ref="other-1", at=self.now(), leg=CUSTOMER),
            ]
            ours = self.orders[0].call_id
            return (*others, Described(ref="found-1", at=self.now(), source="poll", direction="out", call_id=ours))

    phone = Listing("voicenter", desk.clock)
    phone.answer = Ambiguous("Paperphone did not answer in time; it may or may not be calling.")
    desk.board.providers = {"voicenter": phone}
    call = await dialing.dial(desk.board, "k1", await ask(desk))
    assert (call.state, call.refs, len(phone.orders)) == (State.RINGING, ("found-1",), 1)
    call = await dialing.dial(desk.board, "k2", await ask(desk, "k2", "+12025550178"))
    assert (call.state, call.refs, len(phone.orders)) == (State.UNCLEAR, (), 2)
    await phone.http.aclose()


async def test_a_slack_that_does_not_answer_holds_up_no_call(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    await desk.link("U1")
    answered, told = asyncio.Event(), []

    async def written(call: Call) -> None:
        await answered.wait()
        told.append(call.number)

    monkeypatch.setattr(dialing, "TELL_SECONDS", 0.01)
    call = await asyncio.wait_for(dialing.dial(desk.board, "k1", await ask(desk), written), 10)
    assert (call.state, len(desk.phone.orders), told) == (State.RINGING, 1, [])
    answered.set()
    await desk.settle()
    assert told == [NUMBER]
