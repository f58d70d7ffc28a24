"""What was done to a running call is on record, whatever was cut off, full or told in another order."""

import asyncio
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

from bot import controlling, unclear
from bot.call import Call
from bot.controlling import control
from bot.events import CUSTOMER, REP, AnyEvent, Described, LegAnswered, LegEnded, Outcome, RecordingChanged
from bot.store import ledger
from tests.audit_lines import audit_log
from tests.live_desk import buttons, desk, only, phone, talking
from tests.office import Office

__all__ = ["desk"]  # a fixture


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
