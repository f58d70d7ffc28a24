"""The one gate: one order per intent whatever fails, caps under concurrency, restarts that tell and do not redial."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot import dialing
from bot.dialing import Ask
from bot.errors import Ambiguous, BadInput, NeedsYes, NotAllowed, NotFound, Refused, Unavailable, Unsupported
from bot.events import CallEnded, CdrReceived, LegAnswered, Outcome, State
from bot.provider import CallOrder
from bot.store import calls, ledger
from tests.fake_slack import FakeSlack
from tests.office import SETTINGS, Office, office
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


async def test_outside_of_hours_asks_first(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> None:
    strict = SETTINGS.replace('hours = ["00:00", "23:59"]', 'hours = ["03:00", "03:01"]')
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


async def test_recovery_tells_and_never_dials(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> None:
    async with office(tmp_path, fake_slack, slack_clock) as desk:
        await desk.link("U1")
        await ask(desk, "written")
        desk.phone.answer = asyncio.CancelledError()  # type: ignore[assignment]  # as if the process died here
        with pytest.raises(asyncio.CancelledError):
            await dialing.dial(desk.board, "sent", await ask(desk, "sent"))
    async with office(tmp_path, fake_slack, slack_clock) as desk:
        await dialing.recover(desk.board)
        await desk.settle()
        assert desk.phone.orders == []
        told = " ".join(message.text for message in desk.conversation("U1"))
        assert "Nothing was dialled" in told
        assert "Unclear" in told
        assert await desk.board.read(ledger.open_intents) == []
        await dialing.recover(desk.board)
        assert len(await desk.calls()) == 1


async def test_who_may_hang_up(desk: Office) -> None:
    await desk.link("U1")
    call = await dialing.dial(desk.board, "k1", await ask(desk))
    with pytest.raises(NotAllowed, match="Only the rep"):
        await dialing.hang_up(desk.board, call.id, "U4")
    await dialing.hang_up(desk.board, call.id, "U2")  # a manager
    with pytest.raises(NotAllowed, match="already"):
        await dialing.hang_up(desk.board, call.id, "U1")
    await desk.board.ingest("voicenter", [CallEnded(ref="paper-1", at=desk.clock())])
    with pytest.raises(NotFound, match="already ended"):
        await dialing.hang_up(desk.board, call.id, "U1")
    with pytest.raises(NotFound, match="not on record"):
        await dialing.hang_up(desk.board, "nonsense", "U1")
    assert len(desk.phone.hung_up) == 1


async def test_the_providers_record_overrules_the_rep(desk: Office) -> None:
    await desk.link("U1")
    desk.phone.answer = Ambiguous("No answer in time.")
    call = await dialing.dial(desk.board, "k1", await ask(desk))
    with pytest.raises(NotAllowed, match="Only the rep"):
        await dialing.settle(desk.board, call.id, "U4", Outcome.NOT_PLACED)
    await desk.board.ingest(  # its echo, before anybody said anything
        "voicenter",
        [LegAnswered(ref="late", at=desk.clock(), leg="customer")],
    )
    found = await desk.board.read(calls.get, call.id)
    assert found is not None
    assert (found.state, found.refs) == (State.TALKING, ("late",))
    await dialing.settle(desk.board, call.id, "U1", Outcome.NO_ANSWER)
    await desk.board.ingest(
        "voicenter",
        [CdrReceived(ref="late", at=desk.clock(), leg="customer", outcome=Outcome.ANSWERED, talk_seconds=9)],
    )
    found = await desk.board.read(calls.get, call.id)
    assert found is not None
    assert (found.outcome, found.talk_seconds) == (Outcome.ANSWERED, 9)


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
            await dialing.recover(desk.board)
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
    with pytest.raises(Unsupported, match="cannot call extensions"):
        await dialing.dial(desk.board, "k1", await ask(desk, number="201", extension=True))
    with pytest.raises(Unsupported, match="record"):
        await dialing.dial(desk.board, "k2", await ask(desk, "k2", record=True))
