"""What happens by the clock: polling, timers, reminders, silent calls; each once, whatever happened before."""

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from typing_extensions import override

from bot import jobs
from bot.catching_up import catch_up
from bot.errors import Unavailable, Unreadable
from bot.events import (
    REP,
    AnyEvent,
    CdrReceived,
    Described,
    LegAnswered,
    LegRinging,
    Outcome,
    RecordingChanged,
    State,
)
from bot.orders import LogSearch
from bot.polling import Poll
from bot.store import ledger
from tests.office import LINE, Office, PaperPhone


async def dialled(desk: Office) -> str:
    await desk.link("U1")
    await desk.type("/call +1 202 555 0123")
    (call,) = await desk.calls()
    return call.id


async def test_polling_feeds_progress_and_notices_the_end(desk: Office) -> None:
    await dialled(desk)
    poll = Poll(desk.board)
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


async def test_a_provider_that_cannot_be_polled_is_a_problem_until_it_can(
    desk: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await dialled(desk)

    async def down() -> tuple[()]:
        raise Unavailable("Paperphone did not answer.")

    poll = Poll(desk.board)
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
    await desk.board.write(ledger.remind, call_id, "U1", desk.clock() + 60)
    for _ in range(3):
        desk.clock.advance(120)
        await jobs.remind(desk.board)
        await desk.settle()
    reminders = [message for message in desk.conversation("U1") if "Reminder:" in message.text]
    assert len(reminders) == 1
    assert "call:again" in str(reminders[0].blocks)


async def test_a_reminder_tells_of_the_latest_call_and_not_of_the_one_it_was_set_on(desk: Office) -> None:
    call_id = await dialled(desk)
    busy = CdrReceived(ref="paper-1", at=desk.clock(), leg="customer", outcome=Outcome.BUSY)
    await desk.happen(busy)
    await desk.board.write(ledger.remind, call_id, "U1", desk.clock() + 3 * 3600)
    desk.clock.advance(3600)
    await desk.type("/call +1 202 555 0123")
    talk = CdrReceived(ref="paper-2", at=desk.clock(), leg="customer", outcome=Outcome.ANSWERED, talk_seconds=60)
    await desk.happen(talk)
    desk.clock.advance(3 * 3600)
    await jobs.remind(desk.board)
    await desk.settle()
    (reminder,) = [message.text for message in desk.conversation("U1") if "Reminder:" in message.text]
    assert "Last time you called was on 2 Feb 2026, 04:40 (answered)." in reminder


async def test_of_a_call_that_turns_out_to_be_another_one_people_are_reminded_once_and_its_thread_goes_over(
    desk: Office,
) -> None:
    order = await dialled(desk)
    at, number = desk.clock(), "+12025550123"
    await desk.happen(  # told as a call of its own, and as one that comes in
        Described(ref="stray", at=at, source="popup", direction="in", number=number, line=LINE),
        LegRinging(ref="stray", at=at, leg="ext:201"),
    )
    stray = next(call for call in await desk.calls() if call.id != order)
    await desk.happen(RecordingChanged(ref="stray", at=at + 1, on=False, words="No space."))
    assert len([message for message in desk.slack.channel("C1") if message.thread_ts]) == 1
    for call_id, user in ((stray.id, "U1"), (order, "U1"), (stray.id, "U4")):
        await desk.board.write(ledger.remind, call_id, user, desk.clock() + 60)
    await desk.happen(Described(ref="stray", at=at + 2, source="cdr", number=number, call_id=order))
    assert [call.id for call in await desk.calls()] == [order]
    assert desk.slack.channel("C1") == []
    assert len([message for message in desk.conversation("U1") if message.thread_ts]) == 1
    desk.clock.advance(61)
    for _ in range(2):
        await jobs.remind(desk.board)
        await desk.settle()
    for user in ("U1", "U4"):
        assert len([message for message in desk.conversation(user) if "Reminder:" in message.text]) == 1


async def test_two_people_are_reminded_of_the_same_call_each_at_their_own_time(desk: Office) -> None:
    call_id = await dialled(desk)
    for user, seconds in (("U1", 3600), ("U4", 10_800)):
        await desk.board.write(ledger.remind, call_id, user, desk.clock() + seconds)
    seen = []
    for _ in range(4):
        desk.clock.advance(3601)
        await jobs.remind(desk.board)
        await desk.settle()
        seen.append(
            ["Reminder:" in str([message.text for message in desk.conversation(user)]) for user in ("U1", "U4")]
        )
    assert seen == [[True, False], [True, False], [True, True], [True, True]]


def meanwhile(
    desk: Office,
    monkeypatch: pytest.MonkeyPatch,
    work: Callable[[], Awaitable[object]],
    then: Callable[..., object] | None = None,
) -> None:
    """Somebody is faster: this is done when a job read what is due and asks for their zone, or what `then` reads."""
    read = desk.board.read

    async def hook(what: Any, *args: Any, **more: Any) -> Any:
        if what == (then or desk.board.zone_of):
            await work()
        return await read(what, *args, **more)

    monkeypatch.setattr(desk.board, "read", hook)


async def test_a_guest_is_reminded_of_nobody(desk: Office) -> None:
    """They had asked for it as a member; it would tell them a name, a number and a note."""
    call_id = await dialled(desk)
    await desk.board.write(ledger.remind, call_id, "U1", desk.clock() + 60)
    desk.board.outsiders.add("U1")
    desk.clock.advance(61)
    await jobs.remind(desk.board)
    await desk.settle()
    assert not [message for message in desk.conversation("U1") if "Reminder:" in message.text]
    assert await desk.board.read(ledger.reminders_due, desk.clock()) == []


async def test_a_reminder_that_is_moved_while_it_is_prepared_comes_at_its_new_time(
    desk: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    call_id = await dialled(desk)
    await desk.board.write(ledger.remind, call_id, "U1", desk.clock() + 60)
    desk.clock.advance(120)
    later = desk.clock() + 600
    with monkeypatch.context() as patch:
        meanwhile(desk, patch, lambda: desk.board.write(ledger.remind, call_id, "U1", later))
        await jobs.remind(desk.board)
    await desk.settle()
    assert not any("Reminder:" in message.text for message in desk.conversation("U1"))
    desk.clock.advance(660)
    await jobs.remind(desk.board)
    await desk.settle()
    assert sum("Reminder:" in message.text for message in desk.conversation("U1")) == 1


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


async def test_a_silent_call_that_is_answered_in_that_moment_goes_on(desk: Office) -> None:
    await dialled(desk)
    desk.clock.advance(jobs.SILENT_SECONDS + 60)
    answered = LegAnswered(ref="paper-1", at=desk.clock(), leg="customer")
    async with desk.writer_held_up():
        telling = asyncio.create_task(desk.board.ingest("voicenter", [answered]))
        await asyncio.sleep(0)
        finishing = asyncio.create_task(jobs.finish_silent(desk.board))
        for _ in range(50):
            await desk.board.read(lambda db: None)
    await asyncio.gather(telling, finishing)
    assert (await desk.calls())[0].state is State.TALKING


async def test_providers_are_checked(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    async def wrong() -> str:
        raise Unavailable("Paperphone did not answer.")

    monkeypatch.setattr(type(desk.phone), "check", lambda self: wrong())
    await jobs.check_providers(desk.board)
    assert [key for key, *_ in await desk.board.read(ledger.problems)] == ["provider voicenter"]


async def test_a_slow_service_holds_up_the_check_of_no_other(desk: Office) -> None:
    class Checked(PaperPhone):
        def __init__(self, account: str, answers: asyncio.Event) -> None:
            super().__init__(account, desk.clock)
            self.asked, self.answers = asyncio.Event(), answers

        @override
        async def check(self) -> str:
            self.asked.set()
            await self.answers.wait()
            raise Unavailable("Paperphone did not answer.")

    go_on, at_once = asyncio.Event(), asyncio.Event()
    at_once.set()
    slow, other = Checked("slow", go_on), Checked("voicenter", at_once)
    desk.board.providers = {"slow": slow, "voicenter": other}
    round_of = asyncio.ensure_future(jobs.check_providers(desk.board))
    async with asyncio.timeout(5):
        await slow.asked.wait()
        await other.asked.wait()
    go_on.set()
    await round_of
    assert sorted(key for key, *_ in await desk.board.read(ledger.problems)) == ["provider slow", "provider voicenter"]
    for phone in (slow, other):
        await phone.http.aclose()


class OddPhone(PaperPhone):
    """Answers in a way that nobody can read, or that nobody thought of."""

    error: Exception = Unreadable("Paperphone's list cannot be read.")

    @override
    async def active_calls(self) -> tuple[AnyEvent, ...]:
        raise self.error

    @override
    async def check(self) -> str:
        raise self.error

    @override
    async def call_log(self, search: LogSearch) -> tuple[AnyEvent, ...]:
        raise self.error


@pytest.mark.parametrize("error", [Unreadable("Paperphone's list cannot be read."), KeyError("secret")])
async def test_an_account_that_cannot_be_read_does_not_stop_the_polling_of_others(
    desk: Office, error: Exception
) -> None:
    odd = OddPhone("aaa", desk.clock)
    odd.error = error
    desk.board.providers = {"aaa": odd, "voicenter": desk.phone, "zzz": odd}
    for account in ("aaa", "voicenter", "zzz"):
        await desk.board.ingest(account, [LegRinging(ref="r1", at=desk.clock(), leg=REP)])
    desk.phone.events = (LegAnswered(ref="r1", at=desk.clock(), leg=REP),)
    await Poll(desk.board)()
    states = {call.account: call.state for call in await desk.calls()}
    assert states == {"aaa": State.RINGING, "voicenter": State.CONNECTING, "zzz": State.RINGING}
    problems = [key for key, *_ in await desk.board.read(ledger.problems)]
    assert sorted(problems) == ["provider aaa", "provider zzz"]
    await jobs.check_providers(desk.board)
    await catch_up(desk.board)  # the first start
    await catch_up(desk.board)
    problems = [key for key, *_ in await desk.board.read(ledger.problems)]
    assert sorted(problems) == ["call log aaa", "call log zzz", "provider aaa", "provider zzz"]
    assert "secret" not in str(await desk.board.read(ledger.problems))
    await odd.http.aclose()


async def test_a_call_that_was_never_listed_is_not_taken_for_over(desk: Office) -> None:
    await dialled(desk)
    poll = Poll(desk.board)
    for _ in range(4):
        await poll()
    assert (await desk.calls())[0].state is State.RINGING


async def test_a_call_that_is_listed_again_was_not_absent(desk: Office) -> None:
    await dialled(desk)
    poll = Poll(desk.board)
    listed = (LegAnswered(ref="paper-1", at=desk.clock(), leg=REP),)
    for desk.phone.events in (listed, (), listed, (), listed):
        await poll()
    assert (await desk.calls())[0].state is State.CONNECTING


async def test_a_job_that_fails_is_a_problem_and_runs_again(desk: Office) -> None:
    rounds: list[int] = []
    mended = asyncio.Event()

    async def flaky() -> None:
        rounds.append(len(rounds))
        if len(rounds) == 1:
            raise ValueError("secret")
        if len(rounds) == 3:  # by then the second round has ended and said so
            mended.set()

    scheduler = await jobs.start(desk.board, {"flaky": (flaky, 0.01)})
    await asyncio.wait_for(mended.wait(), 20)
    scheduler.shutdown(wait=False)
    assert await desk.board.read(ledger.problems) == []
    await desk.settle()
    told = [message.text for message in desk.conversation("U9")]
    assert any("“flaky” failed: ValueError" in text for text in told)
    assert any("Working again: job flaky" in text for text in told)
    assert "secret" not in "".join(told)


async def test_a_clock_that_is_set_back_stops_nothing(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """By an hour, say, when the network tells it the time at last: then what was due in a moment is so in an hour."""
    monkeypatch.setattr(jobs, "CLOCK_SECONDS", 0.01)
    rounds, again = 0, asyncio.Event()

    async def regular() -> None:
        nonlocal rounds
        rounds += 1
        if rounds == 1:
            for job in scheduler.get_jobs():
                job.modify(next_run_time=datetime.now(UTC) + timedelta(hours=1))
        else:
            again.set()

    scheduler = await jobs.start(desk.board, {"regular": (regular, 0.01)})
    await asyncio.wait_for(again.wait(), 20)
    waits = [job.next_run_time - datetime.now(UTC) for job in scheduler.get_jobs()]
    scheduler.shutdown(wait=False)
    assert max(waits) <= timedelta(seconds=900)


@pytest.mark.parametrize("turns", range(6))
async def test_what_is_due_in_the_moment_of_a_stop_leaves_no_traceback(
    desk: Office, caplog: pytest.LogCaptureFixture, turns: int
) -> None:
    scheduler = await jobs.start(desk.board, {})
    for _ in range(turns):
        await asyncio.sleep(0)
    await jobs.stop(scheduler)
    await desk.settle()
    assert [record.getMessage() for record in caplog.records if record.name.startswith("apscheduler")] == []


async def test_a_job_that_fails_all_night_is_logged_once(desk: Office, caplog: pytest.LogCaptureFixture) -> None:
    """Also where that it fails cannot be written down either: on a full disk a log that grows is no help."""
    rounds, enough, mended = 0, asyncio.Event(), asyncio.Event()

    async def full(*args: Any) -> Any:
        raise sqlite3.OperationalError("database or disk is full")

    async def failing() -> None:
        nonlocal rounds
        rounds += 1
        if rounds > 5:
            desk.board.write = write  # type: ignore[method-assign]
            enough.set()
        if rounds > 7:
            mended.set()
            return
        await full()

    write = desk.board.write
    desk.board.write = full  # type: ignore[method-assign, assignment]
    caplog.set_level(logging.INFO, "callboard")
    scheduler = await jobs.start(desk.board, {"failing": (failing, 0.01)})
    await asyncio.wait_for(enough.wait(), 20)
    await asyncio.wait_for(mended.wait(), 20)
    scheduler.shutdown(wait=False)
    await desk.settle()
    words = "“failing” failed: OperationalError, database or disk is full."
    assert any(words in message.text for message in desk.conversation("U9"))
    about = [record for record in caplog.records if "failing" in record.getMessage() or record.exc_info]
    told = [record.getMessage() for record in about]
    assert told.count("Job failing failed.") == 1
    assert sum("failing" in words for words in told) == 3, "that it fails, twice, and that it works again"
    assert not any("own error report failed" in words for words in told)


async def test_a_full_disk_is_not_blamed_on_the_phone_service(desk: Office) -> None:
    async def full(*args: Any, **kwargs: Any) -> Any:
        raise sqlite3.OperationalError("database or disk is full")

    desk.board.ingest = full  # type: ignore[method-assign]
    with pytest.raises(sqlite3.OperationalError):
        await Poll(desk.board)()
    assert await desk.board.read(ledger.problems) == []


async def test_an_old_version_of_an_interface_reaches_the_admins_once(desk: Office) -> None:
    class Old(PaperPhone):
        words = "Paperphone will switch off this version of its API within two months."

        @override
        async def check(self) -> str:
            return "fine"

        @override
        def outdated(self) -> str:
            return self.words

    phone = Old("voicenter", desk.clock)
    desk.board.providers = {"voicenter": phone}
    for _ in range(2):
        await jobs.check_providers(desk.board)
    phone.words = ""
    await jobs.check_providers(desk.board)
    await desk.settle()
    assert desk.conversation("U9")[0].text.startswith("Paperphone will")
    assert len(desk.conversation("U9")) == 2
    await phone.http.aclose()
