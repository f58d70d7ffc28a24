"""`/calls log fetch`: older calls from a service's own log, a day at a time: silent, once, honest about how far."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from typing_extensions import override

from bot import log_fetching
from bot.catching_up import AGAIN_SECONDS, catch_up
from bot.delivering import Deliveries
from bot.errors import Refused
from bot.events import AnyEvent, CallEnded, CdrReceived, Described, Outcome
from bot.log_fetching import PAUSE_SECONDS
from bot.orders import LogSearch
from bot.store import calls, figures, ledger, missed, recordings
from tests import slack_requests
from tests.audit_lines import audit_log
from tests.fake_slack import FakeSlack
from tests.office import LINE, SETTINGS, Office, PaperPhone, office
from tests.slack_state import Clock
from tests.test_catching_up import shown

ADMIN, MANAGER, REP = "U9", "U2", "U1"
CALLER = "+12025550144"
DAY = 86400.0
MADRID = ZoneInfo("Europe/Madrid")


class Logbook(PaperPhone):
    """Its log is `rows`: what each call is known by, when it began, how it ended. `faults`: search number -> error."""

    title = "Paperphone"

    def __init__(self, account: str, now: Callable[[], float]) -> None:
        super().__init__(account, now)
        self.searches: list[LogSearch] = []
        self.asked_at: list[float] = []
        self.rows: list[tuple[str, float, Outcome]] = []
        self.faults: dict[int, BaseException] = {}
        self.gate: asyncio.Event | None = None
        self.recording = ""

    @override
    async def call_log(self, search: LogSearch) -> tuple[AnyEvent, ...]:
        self.searches.append(search)
        self.asked_at.append(self.now())
        if self.gate is not None:
            await self.gate.wait()
        if fault := self.faults.pop(len(self.searches), None):
            raise fault
        found = [
            record(ref, at, outcome, self.recording)
            for ref, at, outcome in self.rows
            if search.since <= at < search.until
        ]
        return tuple(event for events in found for event in events)


def record(ref: str, at: float, outcome: Outcome = Outcome.NO_ANSWER, recording: str = "") -> tuple[AnyEvent, ...]:
    """An incoming call as the log tells it."""
    talk = 30 if outcome is Outcome.ANSWERED else 0
    return (
        Described(ref=ref, at=at, source="cdr:ext:201", direction="in", number=CALLER, line=LINE),
        CdrReceived(
            ref=ref, at=at, leg="ext:201", outcome=outcome, ring_seconds=20, talk_seconds=talk, recording=recording
        ),
        CallEnded(ref=ref, at=at + 20 + talk),
    )


@pytest.fixture
async def desk(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> AsyncIterator[Office]:
    slack_clock.now = datetime(2026, 11, 26, 12, tzinfo=MADRID).timestamp()
    async with office(tmp_path, fake_slack, slack_clock, kind=Logbook) as desk:
        yield desk


def phone(desk: Office) -> Logbook:
    assert isinstance(desk.phone, Logbook)
    return desk.phone


def at(day: int, hour: int = 10, month: int = 10) -> float:
    return datetime(2026, month, day, hour, tzinfo=MADRID).timestamp()


async def fetch(desk: Office, words: str, *, user: str = ADMIN) -> str:
    return await desk.type(f"/calls log fetch {words}".strip(), user=user)


def report(desk: Office) -> str:
    """What the admin was told last in their conversation."""
    return desk.conversation(ADMIN)[-1].text


def days_asked(desk: Office) -> list[tuple[str, str]]:
    return [
        (
            f"{datetime.fromtimestamp(one.since, MADRID):%m-%d %H:%M}",
            f"{datetime.fromtimestamp(one.until, MADRID):%m-%d %H:%M}",
        )
        for one in phone(desk).searches
    ]


async def test_a_period_is_fetched_day_by_day_kept_counted_and_told_to_nobody_else(desk: Office) -> None:
    phone(desk).rows = [
        ("a", at(1), Outcome.NO_ANSWER),
        ("b", at(1, 23), Outcome.ANSWERED),
        ("c", at(3, 0), Outcome.NO_ANSWER),
        ("d", at(4), Outcome.NO_ANSWER),
    ]
    told = await fetch(desk, "2026-10-01..2026-10-03")
    assert told.startswith("Fetching the calls of 1 Oct 2026 to 3 Oct 2026 from the call log of Paperphone.")
    assert days_asked(desk) == [
        ("10-01 00:00", "10-02 00:00"),
        ("10-02 00:00", "10-03 00:00"),
        ("10-03 00:00", "10-04 00:00"),
    ]
    waits = [later - before for before, later in zip(phone(desk).asked_at, phone(desk).asked_at[1:], strict=False)]
    assert min(waits) >= PAUSE_SECONDS, "the service limits questions, and others have some, too"
    assert {call.refs for call in await desk.calls()} == {("a",), ("b",), ("c",)}
    assert await desk.board.read(missed.waiting) == []
    assert [card.kind for card in await shown(desk)] == ["notice"]
    assert "1 Oct 2026 to 3 Oct 2026: 3 new calls, none known before" in report(desk)
    assert "1 Oct: 2, 3 Oct: 1" in report(desk)
    counts = await desk.board.read(figures.counts, at(1, 0), at(4, 0))
    assert (counts.incoming, counts.missed) == (3, 2)
    assert "3 Oct" in await desk.type("/calls log 2026-10-01..2026-10-04 missed", user=MANAGER)
    lines = [line[1:] for line in await desk.board.read(audit_log)]
    assert lines == [
        (ADMIN, "fetched call log", "voicenter", "2026-10-01..2026-10-03: 3 new, 0 known"),
        (ADMIN, "fetch call log", "voicenter", "2026-10-01..2026-10-03"),
    ]


async def test_what_is_known_changes_nothing_and_is_counted_as_known(desk: Office) -> None:
    phone(desk).rows = [("a", at(1), Outcome.NO_ANSWER), ("b", at(2), Outcome.NO_ANSWER)]
    await desk.board.ingest("voicenter", record("a", at(1)))
    desk.clock.advance(10)
    await desk.settle()
    (before,) = await desk.board.read(missed.waiting)
    for new, known in (("one new call", "one known before"), ("no new call", "2 known before")):
        await fetch(desk, "2026-10-01..2026-10-02")
        assert f"{new}, {known}" in report(desk)
    assert len(await desk.calls()) == 2
    (row,) = await desk.board.read(missed.waiting)
    assert (row.id, row.calls, row.last_at) == (before.id, before.calls, before.last_at)


async def test_the_missed_callers_of_the_last_day_wait_those_of_before_do_not(desk: Office) -> None:
    phone(desk).rows = [("old", at(25, 11, 11), Outcome.NO_ANSWER), ("new", at(26, 8, 11), Outcome.NO_ANSWER)]
    await fetch(desk, "2026-11-25..2026-11-26")
    desk.clock.advance(10)
    await desk.settle()
    (row,) = await desk.board.read(missed.waiting)
    assert (row.calls, row.opened_at) == (1, at(26, 8, 11))


async def test_who_called_while_callboard_was_down_waits_whoever_reads_the_log_first(desk: Office) -> None:
    """What finished since the log was read last is still to be caught up with; older calls are nobody's debt."""
    down_since = at(22, 12, 11)
    await desk.board.write(ledger.remember, "call log voicenter", str(down_since), down_since)
    phone(desk).rows = [("before", at(20, 10, 11), Outcome.NO_ANSWER), ("down", at(24, 10, 11), Outcome.NO_ANSWER)]
    await fetch(desk, "2026-11-20..2026-11-24")
    await catch_up(desk.board)
    waiting = await desk.board.read(missed.waiting)
    assert [(row.calls, row.opened_at) for row in waiting] == [(1, at(24, 10, 11))]


async def test_the_last_hours_are_left_to_who_tells_of_news(desk: Office) -> None:
    """A record that is fetched is announced to nobody; what may still be news comes by itself now and then."""
    now = desk.clock()
    phone(desk).rows = [("news", now - 300, Outcome.NO_ANSWER)]
    await fetch(desk, "today")
    assert phone(desk).searches == [LogSearch(since=at(26, 0, 11), until=now - AGAIN_SECONDS)]
    assert await desk.calls() == []
    assert "26 Nov 2026 until 09:30" in report(desk)
    desk.clock.now = at(26, 2, 11)
    told = await fetch(desk, "today")
    assert told == "Calls of the last two and a half hours come by themselves, so nothing was fetched."


async def test_words_that_are_understood(desk: Office) -> None:
    for words, since, until in (
        ("yesterday", at(25, 0, 11), at(26, 0, 11)),
        ("11-03", at(3, 0, 11), at(4, 0, 11)),
        ("2026-11-24..", at(24, 0, 11), desk.clock() - AGAIN_SECONDS),
        ("this week via Paperphone", at(23, 0, 11), desk.clock() - AGAIN_SECONDS),
        ("2026-11-24 via voicenter", at(24, 0, 11), at(25, 0, 11)),
    ):
        phone(desk).searches.clear()
        now = desk.clock()
        await fetch(desk, words)
        assert (phone(desk).searches[0].since, phone(desk).searches[-1].until) == (since, until), words
        desk.clock.now = now


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("", "Say which days"),
        ("everything", "“everything” is no period"),
        ("2026-10-01 missed", "“2026-10-01 missed” is no period"),
        ("2026-10-32", "not a day of the calendar"),
        ("03/10/2026", "could be two days"),
        ("2026-10-15..2026-10-01", "ends before it begins"),
        ("..", "needs at least one day"),
        ("..2026-10-01", "Say from which day on"),
        ("2026-12-01", "has not begun yet"),
        ("2026-11-20..2026-12-24", "not over yet"),
        ("2026-07-01..2026-10-15", "107 days"),
        ("2026-10-01 via acme", "There is no telephony account “acme”"),
    ],
)
async def test_what_cannot_be_fetched_is_said_and_nothing_is_asked_for(desk: Office, words: str, told: str) -> None:
    answer = await fetch(desk, words)
    assert told in answer
    assert "othing was fetched" in answer
    assert "searched" not in answer
    assert phone(desk).searches == []
    assert await desk.board.read(audit_log) == []


async def test_92_days_are_the_most(desk: Office) -> None:
    await fetch(desk, "2026-08-01..2026-10-31")
    assert len(phone(desk).searches) == 92


async def test_a_day_has_as_many_hours_as_it_has(desk: Office) -> None:
    await fetch(desk, "2026-10-25")  # the clocks go back
    (search,) = phone(desk).searches
    assert search.until - search.since == 25 * 3600


@pytest.mark.parametrize("user", [REP, MANAGER])
async def test_admins_only(desk: Office, user: str) -> None:
    assert "Only admins" in await fetch(desk, "2026-10-01", user=user)
    assert phone(desk).searches == []


async def test_a_service_without_a_log_says_so(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> None:
    slack_clock.now = at(26, 12, 11)
    async with office(tmp_path, fake_slack, slack_clock) as desk:
        for words in ("2026-10-01", "2026-10-01 via voicenter"):
            assert (
                "cannot list finished calls" in (told := await fetch(desk, words)) or "can list finished calls" in told
            )
        assert "othing was fetched" in told


async def test_of_several_accounts_one_is_named(desk: Office) -> None:
    second = Logbook("second", desk.clock)
    desk.board.providers = {**desk.board.providers, "second": second}
    told = await fetch(desk, "2026-10-01")
    assert "`via voicenter` or `via second`" in told
    assert "`via voicenter` or `via second`" in await fetch(desk, "2026-10-01 via Paperphone")
    await fetch(desk, "2026-10-01 via Second")
    assert (len(phone(desk).searches), len(second.searches)) == (0, 1)
    await second.http.aclose()


async def test_what_would_be_forgotten_at_once_is_not_fetched(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    slack_clock.now = at(26, 12, 11)
    text = SETTINGS + "[retention]\ncalls_days = 60\n"
    async with office(tmp_path, fake_slack, slack_clock, text, kind=Logbook) as desk:
        told = await fetch(desk, "2026-09-27")
        assert "forgotten after 60 days" in told
        assert "from 2026-09-28 on" in told
        assert phone(desk).searches == []
        await fetch(desk, "2026-09-28")
        assert len(phone(desk).searches) == 1


async def test_recordings_whose_time_is_over_go_without_a_word(desk: Office) -> None:
    """Nobody ever had a link or a file of them, so there is nothing to say of their end."""
    phone(desk).rows = [("over", at(3, month=8), Outcome.ANSWERED), ("left", at(3), Outcome.ANSWERED)]
    phone(desk).recording = "https://recordings.example/1.mp3"
    await fetch(desk, "2026-08-03")
    await fetch(desk, "2026-10-03")
    states = []
    for ref in ("over", "left"):
        call = await desk.board.read(calls.by_ref, "voicenter", ref)
        assert call is not None
        states += [copy.state for copy in await desk.board.read(recordings.of_call, call.id)]
    assert states == ["deleted", "kept"]
    before = await desk.board.read(audit_log)
    await Deliveries(desk.board, desk.desk.slack).expire()
    assert await desk.board.read(audit_log) == before


# What goes wrong on the way


async def test_a_service_that_refuses_midway_is_quoted_with_how_far_it_came_and_what_to_do(desk: Office) -> None:
    phone(desk).rows = [("a", at(1), Outcome.NO_ANSWER), ("b", at(3), Outcome.NO_ANSWER)]
    phone(desk).faults = {3: Refused("Voicenter refused: bad date range.", code="5")}
    await fetch(desk, "2026-10-01..2026-10-05")
    told = report(desk)
    assert "Voicenter refused: bad date range." in told
    assert "Complete are 1 Oct 2026 to 2 Oct 2026: one new call, none known before" in told
    assert "`/calls log fetch 2026-10-03..2026-10-05 via voicenter`" in told
    assert await desk.board.read(ledger.recall, "log fetch voicenter") is None
    await fetch(desk, "2026-10-03..2026-10-05 via voicenter")
    assert "3 Oct 2026 to 5 Oct 2026: one new call" in report(desk)
    details = [line[4] for line in await desk.board.read(audit_log)]
    assert "2026-10-01..2026-10-05: stopped before 2026-10-03: 1 new, 0 known" in details


async def test_a_service_that_refuses_at_once(desk: Office) -> None:
    phone(desk).faults = {1: Refused("The code is wrong.")}
    await fetch(desk, "2026-10-01")
    assert "The code is wrong. No day is complete." in report(desk)
    assert "`/calls log fetch 2026-10-01 via voicenter`" in report(desk)


async def test_a_bug_of_ours_is_told_with_an_incident(desk: Office) -> None:
    phone(desk).faults = {2: ZeroDivisionError()}
    await fetch(desk, "2026-10-01..2026-10-02")
    assert "incident" in report(desk)
    assert "Complete is 1 Oct 2026" in report(desk)


async def test_one_at_a_time_for_each_account(desk: Office) -> None:
    gate = phone(desk).gate = asyncio.Event()
    first = asyncio.create_task(fetch(desk, "2026-10-01..2026-10-03"))
    async with asyncio.timeout(20):
        while not phone(desk).searches:
            await asyncio.sleep(0)
    second = asyncio.create_task(fetch(desk, "2026-10-05"))
    async with asyncio.timeout(20):
        while len(desk.slack.ephemerals) < 2:
            await asyncio.sleep(0)
    gate.set()
    await first
    await second
    (told,) = [one.text for one in desk.slack.ephemerals if "being fetched already" in one.text]
    assert "1 Oct 2026 to 3 Oct 2026" in told
    assert "U9" in told
    assert len(phone(desk).searches) == 3


async def test_after_a_restart_it_goes_on_where_it_was_and_counts_each_call_once(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    slack_clock.now = at(26, 12, 11)
    rows = [(f"r{number}", at(2, 1) + number, Outcome.NO_ANSWER) for number in range(45)]
    rows.append(("known", at(2), Outcome.ANSWERED))
    async with office(tmp_path, fake_slack, slack_clock, kind=Logbook) as desk:
        phone(desk).rows = rows
        await desk.board.ingest("voicenter", record("known", at(2), Outcome.ANSWERED), late=True)
        # The program is stopped after it has taken in some of the second day's calls.
        write, taken = desk.board.db.write, []

        async def cut_off(work: Callable[..., object]) -> object:
            result = await write(work)
            if len(await desk.calls()) > 20:
                taken.append(len(await desk.calls()))
                raise asyncio.CancelledError
            return result

        desk.board.db.write = cut_off  # type: ignore[method-assign,assignment]
        await desk.type("/calls log fetch 2026-10-01..2026-10-03", user=ADMIN)
        desk.board.db.write = write  # type: ignore[method-assign]
    assert 20 < taken[0] < 46
    assert not any("new call" in message.text for message in fake_slack.dm(ADMIN))
    async with office(tmp_path, fake_slack, slack_clock, kind=Logbook) as desk:
        phone(desk).rows = rows
        await log_fetching.recover(desk.board)
        await desk.settle()
        assert days_asked(desk)[0] == ("10-02 00:00", "10-03 00:00"), "the first day is complete"
        assert len(await desk.calls()) == 46
        assert "1 Oct 2026 to 3 Oct 2026: 45 new calls, one known before" in report(desk)
        assert "2 Oct: 45" in report(desk)
        before = len(desk.conversation(ADMIN))
        await log_fetching.recover(desk.board)
        await desk.settle()
        assert len(desk.conversation(ADMIN)) == before


async def test_an_account_that_is_gone_after_a_restart_is_told(desk: Office) -> None:
    told = log_fetching.Fetch(
        id="x", by=ADMIN, account="gone", zone="Europe/Madrid", since=at(1, 0), until=at(3, 0), done=at(2, 0), known=4
    )
    await desk.board.write(ledger.remember, "log fetch gone", msgspec.json.encode(told).decode(), desk.clock())
    await log_fetching.recover(desk.board)
    await desk.settle()
    assert "gone is not set up any more" in report(desk)
    assert "Complete is 1 Oct 2026: no new call, 4 known before" in report(desk)
    assert await desk.board.read(ledger.recall, "log fetch gone") is None


async def test_the_same_command_twice_is_one(desk: Office) -> None:
    signed = slack_requests.slash_command(desk.slack, "/calls", "log fetch 2026-10-01", user=ADMIN, channel="C1")
    for _ in range(2):
        await desk.send(signed)
    assert len(phone(desk).searches) == 1


async def test_others_write_while_a_long_day_comes_in(desk: Office) -> None:
    phone(desk).rows = [(f"r{number}", at(2) + number, Outcome.NO_ANSWER) for number in range(50)]
    sizes = []
    write = desk.board.db.write

    async def counted(work: Callable[..., object]) -> object:
        before = len(await desk.calls())
        result = await write(work)
        sizes.append(len(await desk.calls()) - before)
        return result

    desk.board.db.write = counted  # type: ignore[method-assign,assignment]
    await fetch(desk, "2026-10-02")
    assert [size for size in sizes if size] == [20, 20, 10]
