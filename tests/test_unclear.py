"""What a crash or a lost answer leaves behind is told, and never dialled again; a rep, or the service, settles it."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
from typing_extensions import override

from bot import dialing, unclear
from bot.errors import Ambiguous, NotAllowed
from bot.events import REP, Accepted, AnyEvent, CdrReceived, LegAnswered, LegRinging, Outcome, State
from bot.orders import CallOrder
from bot.store import calls, ledger
from tests.audit_lines import audit_log
from tests.fake_slack import FakeSlack
from tests.office import Office, PaperPhone, office
from tests.slack_state import Clock
from tests.test_dialing import ask

NUMBER = "+12025550123"


async def test_an_answer_is_written_down_although_the_disk_was_full(
    desk: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the call would be one that was only asked for, until the next restart."""
    await desk.link("U1")
    wanted = await ask(desk)
    place, slept = desk.phone.place_call, []

    async def full(work: object) -> object:
        raise sqlite3.OperationalError("database or disk is full")

    async def place_call(order: CallOrder) -> Accepted:
        answer = await place(order)
        monkeypatch.setattr(desk.board.db, "write", full)
        return answer

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 2:
            monkeypatch.undo()

    monkeypatch.setattr(desk.phone, "place_call", place_call)
    desk.board.sleep = sleep
    call = await dialing.dial(desk.board, "k1", wanted)
    assert (call.state, call.refs, len(desk.phone.orders), len(slept)) == (State.RINGING, ("paper-1",), 1, 2)
    assert await desk.board.read(ledger.open_intents) == []


async def test_recovery_tells_and_never_dials(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> None:
    async with office(tmp_path, fake_slack, slack_clock) as desk:
        await desk.link("U1")
        await ask(desk, "written")
        desk.phone.answer = asyncio.CancelledError()  # type: ignore[assignment]  # as if the process died here
        with pytest.raises(asyncio.CancelledError):
            await dialing.dial(desk.board, "sent", await ask(desk, "sent"))
    async with office(tmp_path, fake_slack, slack_clock) as desk:
        await unclear.recover(desk.board)
        await desk.settle()
        assert desk.phone.orders == []
        told = " ".join(message.text for message in desk.conversation("U1"))
        assert "Nothing was dialled" in told
        assert "Unclear" in told
        assert await desk.board.read(ledger.open_intents) == []
        await unclear.recover(desk.board)
        assert len(await desk.calls()) == 1


async def test_the_providers_record_overrules_the_rep(desk: Office) -> None:
    await desk.link("U1")
    desk.phone.answer = Ambiguous("No answer in time.")
    call = await dialing.dial(desk.board, "k1", await ask(desk))
    with pytest.raises(NotAllowed, match="Only the rep"):
        await unclear.settle(desk.board, call.id, "U4", Outcome.NOT_PLACED)
    await unclear.settle(desk.board, call.id, "U1", Outcome.NO_ANSWER)
    (_, *latest), *_ = await desk.board.read(audit_log)
    assert latest == ["U1", "settle unclear call", call.number, f"{call.id} no_answer"]
    await desk.board.ingest(
        "voicenter",
        [CdrReceived(ref="late", at=desk.clock(), leg="customer", outcome=Outcome.ANSWERED, talk_seconds=9)],
        call_id=call.id,  # the record carries it
    )
    found = await desk.board.read(calls.get, call.id)
    assert found is not None
    assert (found.outcome, found.talk_seconds) == (Outcome.ANSWERED, 9)


async def test_an_echo_that_comes_before_the_rep_says_anything_is_what_counts(desk: Office) -> None:
    await desk.link("U1")
    desk.phone.answer = Ambiguous("No answer in time.")
    call = await dialing.dial(desk.board, "k1", await ask(desk))
    await desk.board.ingest("voicenter", [LegAnswered(ref="late", at=desk.clock(), leg="customer")])
    with pytest.raises(NotAllowed, match="has told of this call meanwhile"):
        await unclear.settle(desk.board, call.id, "U1", Outcome.NO_ANSWER)
    found = await desk.board.read(calls.get, call.id)
    assert found is not None
    assert (found.state, found.refs) == (State.TALKING, ("late",))


async def test_an_answer_that_cannot_be_stored_is_unclear_after_the_restart(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    async with office(tmp_path, fake_slack, slack_clock) as desk:
        await desk.link("U1")
        stop = (
            "CREATE TRIGGER full BEFORE INSERT ON events WHEN instr(CAST(new.body AS TEXT), 'accepted')"
            " BEGIN SELECT raise(ABORT, 'full'); END"
        )
        await desk.board.db.write(lambda db: db.execute(stop).rowcount)
        told = await desk.type("/call +1 202 555 0123")
        assert "Ringing" in " ".join(shown.text for shown in desk.slack.ephemerals)
        assert "went wrong" in told
        await desk.board.db.write(lambda db: db.execute("DROP TRIGGER full").rowcount)
        assert len(desk.phone.orders) == 1
    async with office(tmp_path, fake_slack, slack_clock) as desk:
        await unclear.recover(desk.board)
        (call,) = await desk.calls()
        assert call.state is State.UNCLEAR
        with pytest.raises(NotAllowed, match="already calling"):
            await dialing.dial(desk.board, "k9", await ask(desk, "k9"))
        assert desk.phone.orders == []


async def test_an_unclear_call_blocks_its_number_until_it_is_settled(desk: Office) -> None:
    await desk.link("U1")
    desk.phone.answer = Ambiguous("Paperphone did not answer.")
    call = await dialing.dial(desk.board, "k1", await ask(desk))
    desk.phone.answer = None
    desk.clock.advance(600)
    with pytest.raises(NotAllowed, match="already calling"):
        await dialing.dial(desk.board, "k2", await ask(desk, "k2"))
    await unclear.settle(desk.board, call.id, "U1", Outcome.NOT_PLACED)
    assert (await dialing.dial(desk.board, "k3", await ask(desk, "k3"))).state is State.RINGING


async def test_a_call_of_which_the_service_has_told_meanwhile_was_placed(desk: Office) -> None:
    """Its card was still on the screen as unclear: said that nothing rang, it could be dialled a second time."""
    await desk.link("U1")
    desk.phone.answer = Ambiguous("Paperphone did not answer.")
    call = await dialing.dial(desk.board, "k1", await ask(desk))
    desk.phone.answer = None
    await desk.board.ingest("voicenter", [LegRinging(ref="late", at=desk.clock(), leg=REP)])
    with pytest.raises(NotAllowed, match="has told of this call meanwhile"):
        await unclear.settle(desk.board, call.id, "U1", Outcome.NOT_PLACED)
    assert [found.state for found in await desk.calls()] == [State.RINGING]
    desk.clock.advance(10)
    with pytest.raises(NotAllowed, match="already calling"):
        await dialing.dial(desk.board, "k2", await ask(desk, "k2"))


async def test_a_lost_answer_is_unclear_where_the_active_calls_cannot_be_read(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    """A bug in reading them, that is; the call may ring, so it must not stay one that was only asked for."""

    class Garbled(PaperPhone):
        @override
        async def active_calls(self) -> tuple[AnyEvent, ...]:
            raise KeyError("calls")

    async with office(tmp_path, fake_slack, slack_clock, kind=Garbled) as desk:
        await desk.link("U1")
        desk.phone.answer = Ambiguous("Paperphone did not answer.")
        call = await dialing.dial(desk.board, "k1", await ask(desk))
        assert (call.state, call.words) == (State.UNCLEAR, "Paperphone did not answer.")
        assert await desk.board.read(ledger.open_intents) == []
