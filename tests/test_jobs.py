"""What happens by the clock: polling, timers, reminders, silent calls; each once, whatever happened before."""

import pytest

from bot import jobs
from bot.errors import Unavailable
from bot.events import REP, CdrReceived, LegAnswered, LegRinging, Outcome, State
from bot.store import ledger
from tests.office import Office


async def dialled(desk: Office) -> str:
    await desk.link("U1")
    await desk.type("/call +1 202 555 0123")
    (call,) = await desk.calls()
    return call.id


async def test_polling_feeds_progress_and_notices_the_end(desk: Office) -> None:
    await dialled(desk)
    poll = jobs.Poll(desk.board)
    desk.phone.events = (LegAnswered(ref="paper-1", at=desk.clock(), leg=REP),)
    await poll()
    assert (await desk.calls())[0].state is State.CONNECTING
    desk.phone.events = (*desk.phone.events, LegAnswered(ref="paper-1", at=desk.clock(), leg="customer"))
    await poll()
    assert (await desk.calls())[0].state is State.TALKING
    desk.phone.events = ()
    await poll()
    assert (await desk.calls())[0].state is State.TALKING  # absent once may be a slip
    await poll()
    assert (await desk.calls())[0].state is State.ENDED
    await desk.happen(
        CdrReceived(ref="paper-1", at=desk.clock(), leg="customer", outcome=Outcome.ANSWERED, talk_seconds=33)
    )
    assert (await desk.calls())[0].talk_seconds == 33


async def test_nothing_is_polled_while_no_call_is_open(desk: Office) -> None:
    desk.phone.events = (LegRinging(ref="theirs", at=desk.clock(), leg=REP),)
    await jobs.Poll(desk.board)()
    assert await desk.calls() == []


async def test_a_provider_that_cannot_be_polled_is_a_problem_until_it_can(
    desk: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await dialled(desk)

    async def down() -> tuple[()]:
        raise Unavailable("Paperphone did not answer.")

    poll = jobs.Poll(desk.board)
    monkeypatch.setattr(desk.phone, "active_calls", down)
    await poll()
    assert [key for key, *_ in await desk.board.read(ledger.problems)] == ["provider voicenter"]
    monkeypatch.undo()
    await poll()
    assert await desk.board.read(ledger.problems) == []


async def test_the_timer_of_a_live_call_runs(desk: Office) -> None:
    await dialled(desk)
    await desk.happen(LegAnswered(ref="paper-1", at=desk.clock(), leg="customer"))
    before = desk.conversation("U1")[0].text
    desk.clock.advance(30)
    await jobs.tick(desk.board)
    await desk.settle()
    assert desk.conversation("U1")[0].text != before


async def test_a_reminder_comes_once(desk: Office) -> None:
    call_id = await dialled(desk)
    await desk.board.write(ledger.remind, call_id, call_id, "U1", desk.clock() + 60)
    for _ in range(3):
        desk.clock.advance(120)
        await jobs.remind(desk.board)
        await desk.settle()
    reminders = [message for message in desk.conversation("U1") if "Reminder:" in message.text]
    assert len(reminders) == 1
    assert "call:again" in str(reminders[0].blocks)


@pytest.mark.parametrize(("talks", "limit"), [(False, jobs.SILENT_SECONDS), (True, jobs.LONGEST_SECONDS)])
async def test_a_call_of_which_nothing_is_heard_is_closed_in_the_end(desk: Office, talks: bool, limit: float) -> None:
    await dialled(desk)
    if talks:
        await desk.happen(LegAnswered(ref="paper-1", at=desk.clock(), leg="customer"))
    desk.clock.advance(limit - 60)
    await jobs.finish_silent(desk.board)
    assert (await desk.calls())[0].state is not State.ENDED
    desk.clock.advance(120)
    await jobs.finish_silent(desk.board)
    assert (await desk.calls())[0].state is State.ENDED


async def test_providers_are_checked(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    async def wrong() -> str:
        raise Unavailable("Paperphone did not answer.")

    monkeypatch.setattr(type(desk.phone), "check", lambda self: wrong())
    await jobs.check_providers(desk.board)
    assert [key for key, *_ in await desk.board.read(ledger.problems)] == ["provider voicenter"]
