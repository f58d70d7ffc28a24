"""A digest is sent once for its period and channel: after down time, when clocks change, with right figures."""

import asyncio
import sqlite3
import tracemalloc
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from bot import digests
from bot.events import CdrReceived, Described, Outcome
from bot.periods import Period, Subscription
from bot.store import figures, ledger
from tests.empty_store import connected
from tests.fake_slack import FakeSlack
from tests.office import LINE, Office, office
from tests.slack_state import Clock

MADRID = ZoneInfo("Europe/Madrid")


async def subscribed(desk: Office, hour: int, minute: int, since: datetime) -> None:
    body = msgspec.json.encode(Subscription("daily", None, hour, minute, "Europe/Madrid"))
    await desk.board.write(ledger.subscribe, "C1", "daily", body, "U2", since.timestamp())


def posted(desk: Office) -> list[str]:
    return [message.text for message in desk.slack.channel("C1") if "Call digest" in message.text]


@pytest.mark.parametrize(
    ("day", "hour"),
    [
        ((2026, 10, 25), 2),  # clocks go back: 02:30 comes twice
        ((2027, 3, 28), 2),  # clocks go forward: 02:30 never comes
        ((2026, 11, 20), 18),
    ],
)
async def test_once_also_when_clocks_change(desk: Office, day: Sequence[int], hour: int) -> None:
    start = datetime(day[0], day[1], day[2], tzinfo=MADRID)
    await subscribed(desk, hour, 30, start)
    desk.clock.now = start.timestamp()
    for _ in range(24 * 4):
        desk.clock.advance(900)
        await digests.due(desk.board)
    await desk.settle()
    assert len(posted(desk)) == 1


async def test_two_at_the_same_moment_send_one(desk: Office) -> None:
    start = datetime(2026, 11, 20, tzinfo=MADRID)
    await subscribed(desk, 18, 0, start)
    desk.clock.now = start.timestamp() + 20 * 3600
    written = [
        await desk.board.write(ledger.send_digest, "C1", "daily", "2026-11-20", b'{"title": ""}', desk.clock())
        for _ in range(2)
    ]
    await digests.due(desk.board)
    assert written == [True, False]
    assert len(await desk.board.db.read(lambda db: db.execute("SELECT * FROM digest_runs").fetchall())) == 1


async def test_one_that_is_stopped_while_it_is_counted_does_not_come(desk: Office) -> None:
    """That takes a while where many channels have theirs at the same time."""
    start = datetime(2026, 11, 20, tzinfo=MADRID)
    await subscribed(desk, 18, 0, start)
    desk.clock.now = start.timestamp() + 20 * 3600
    async with desk.writer_held_up():
        stopping = asyncio.create_task(desk.board.write(ledger.unsubscribe, "C1"))
        await asyncio.sleep(0)
        sending = asyncio.create_task(digests.due(desk.board))
        for _ in range(100):
            await desk.board.read(lambda db: None)
    assert (await asyncio.gather(stopping, sending))[0] == 1
    await desk.settle()
    assert posted(desk) == []


async def test_figures_are_those_of_an_obvious_recount(desk: Office) -> None:
    start = datetime(2026, 11, 20, tzinfo=MADRID).timestamp()
    outcomes = [Outcome.ANSWERED, Outcome.NO_ANSWER, Outcome.ABANDONED, Outcome.ANSWERED, Outcome.ANNOUNCEMENT]
    for number in range(60):
        outcome = outcomes[number % len(outcomes)]
        at, ref = start + number * 1000, f"in-{number}"
        await desk.board.ingest(
            "voicenter",
            [
                Described(ref=ref, at=at, source="cdr", direction="in", number=f"+120255501{number % 7:02}", line=LINE),
                CdrReceived(ref=ref, at=at, leg="ext:A", outcome=outcome, ring_seconds=5, talk_seconds=10),
            ],
        )
    desk.clock.now = start + 86400
    rows = await desk.board.read(lambda db: list(figures.rows(db, start, start + 86400)))
    everything = await desk.calls()
    answered = [call for call in everything if call.outcome is Outcome.ANSWERED]
    missed = [call for call in everything if call.outcome in (Outcome.NO_ANSWER, Outcome.ABANDONED)]
    waiting = {
        call.number
        for call in missed
        if not any(other.number == call.number and other.started_at > call.started_at for other in answered)
    }
    assert len(rows) == len(everything) == 60
    await subscribed(desk, 23, 59, datetime.fromtimestamp(start, MADRID))
    await digests.due(desk.board)
    await desk.settle()
    (text,) = posted(desk)
    assert f"{len(everything)} incoming calls: {len(answered)} answered, {len(missed)} missed" in text
    assert f"{len(waiting)} not yet returned" in text


async def test_it_is_compared_with_the_same_hours_of_four_weeks(desk: Office) -> None:
    """Also over a change of the clocks: those of Madrid went back on 25 October 2026."""
    evening = datetime(2026, 11, 20, 18, tzinfo=MADRID)
    for week, (answered, missed) in enumerate(((5, 1), (4, 0), (0, 0), (8, 6), (9, 3), (50, 50))):
        at = datetime(2026, 11, 20, 17, 59, 59, tzinfo=MADRID).astimezone(MADRID) - timedelta(weeks=week)
        for number in range(answered + missed):
            ref, outcome = f"in-{week}-{number}", Outcome.ANSWERED if number < answered else Outcome.NO_ANSWER
            told = Described(ref=ref, at=at.timestamp(), source="cdr", direction="in", number="+12025550101", line=LINE)
            await desk.board.ingest(
                "voicenter",
                [
                    told,
                    CdrReceived(ref=ref, at=at.timestamp(), leg="ext:A", outcome=outcome, talk_seconds=10),
                    # A second after the hour: the next digest's.
                    Described(ref=f"{ref}x", at=at.timestamp() + 1, source="cdr", direction="in", number="", line=LINE),
                ],
                late=True,
            )
    desk.clock.now = evening.timestamp() + 5
    await subscribed(desk, 18, 0, evening - timedelta(hours=1))
    await digests.due(desk.board)
    await desk.settle()
    (text,) = posted(desk)
    assert "6 incoming calls: 5 answered, 1 missed" in text
    assert "In the same hours of the last 3 weeks, on average: 10 incoming (3 missed, answer rate 70 %)" in text


async def test_after_down_time_every_evening_is_made_up_once_and_only_the_last_of_long_ago(desk: Office) -> None:
    start = datetime(2026, 11, 1, 12, tzinfo=MADRID)
    await subscribed(desk, 18, 0, start)
    desk.clock.now = (start + timedelta(days=20)).timestamp()  # 21 November, noon; 20 evenings were missed
    for _ in range(3):
        await digests.due(desk.board)
        await desk.settle()
    told = posted(desk)
    assert len(told) == len(set(told)) == 7
    for day in range(14, 21):
        assert sum(f"{day} November 2026 18:00 (Europe/Madrid)" in text for text in told) == 1


async def test_one_that_a_clock_ahead_made_is_counted_again_when_its_time_comes(desk: Office) -> None:
    """In place: it is edited, and not posted twice."""
    noon = datetime(2026, 11, 20, 12, tzinfo=MADRID)
    desk.clock.now = noon.timestamp()
    await subscribed(desk, 18, 0, noon)
    desk.clock.advance(86400 * 2)
    await digests.due(desk.board)
    await desk.settle()
    assert ["0 incoming calls" in text for text in posted(desk)] == [True, True]
    desk.clock.now = noon.timestamp() + 60
    await desk.board.ingest(
        "voicenter",
        [
            Described(ref="in-1", at=desk.clock(), source="cdr", direction="in", number="+12025550101", line=LINE),
            CdrReceived(ref="in-1", at=desk.clock(), leg="ext:A", outcome=Outcome.NO_ANSWER, ring_seconds=9),
        ],
    )
    for _ in range(2 * 24 * 4):
        desk.clock.advance(900)
        await digests.due(desk.board)
        await desk.settle()
    assert ["1 incoming call:" in text for text in posted(desk)] == [True, False]


async def test_killed_between_the_ledger_and_slack_it_is_posted_once(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    start = datetime(2026, 11, 20, 12, tzinfo=MADRID)
    slack_clock.now = start.timestamp()
    async with office(tmp_path, fake_slack, slack_clock) as first:
        await subscribed(first, 18, 0, start)
        slack_clock.advance(7 * 3600)
        await digests.due(first.board)
        assert posted(first) == []  # written down, and gone before the feed had its turn
    async with office(tmp_path, fake_slack, slack_clock) as second:
        await digests.due(second.board)
        await second.settle()
        assert len(posted(second)) == 1
    async with office(tmp_path, fake_slack, slack_clock) as third:
        await digests.due(third.board)
        await third.settle()
        assert len(posted(third)) == 1


@pytest.mark.parametrize("fault", ["drop_after", "drop_before", "500", "ratelimited"])
async def test_slack_failing_in_the_middle_of_a_post_does_not_double_it(desk: Office, fault: str) -> None:
    start = datetime(2026, 11, 20, 12, tzinfo=MADRID)
    desk.clock.now = start.timestamp()
    await subscribed(desk, 18, 0, start)
    desk.clock.advance(7 * 3600)
    desk.slack.fail_next("chat.postMessage", fault)
    await digests.due(desk.board)
    for _ in range(5):
        await desk.settle()
        desk.clock.advance(60)
    assert len(posted(desk)) == 1


async def test_each_channel_and_each_kind_has_its_own(desk: Office) -> None:
    start = datetime(2026, 11, 20, 12, tzinfo=MADRID)  # a Friday
    await subscribed(desk, 18, 0, start)
    for place, kind in (("C1", "weekly"), ("@U1", "daily")):
        weekday = 4 if kind == "weekly" else None
        body = msgspec.json.encode(Subscription("weekly" if weekday else "daily", weekday, 18, 0, "Europe/Madrid"))
        await desk.board.write(ledger.subscribe, place, kind, body, "U2", start.timestamp())
    desk.clock.now = start.timestamp() + 7 * 3600
    for _ in range(2):
        await digests.due(desk.board)
        await desk.settle()
    weekly = [text for text in posted(desk) if "13 November 2026 18:00" in text]
    assert (len(posted(desk)), len(weekly)) == (2, 1)
    assert len([message for message in desk.conversation("U1") if "Call digest" in message.text]) == 1


async def test_a_call_at_the_very_moment_belongs_to_one_digest(desk: Office) -> None:
    start = datetime(2026, 11, 20, 12, tzinfo=MADRID)
    await subscribed(desk, 18, 0, start)
    moment = datetime(2026, 11, 20, 18, 0, tzinfo=MADRID).timestamp()
    for ref, at in (("a", moment - 1), ("b", moment), ("c", moment + 1)):
        await desk.board.ingest(
            "voicenter",
            [
                Described(ref=ref, at=at, source="cdr", direction="in", number="+12025550111", line=LINE),
                CdrReceived(ref=ref, at=at, leg="ext:A", outcome=Outcome.ANSWERED, talk_seconds=10),
            ],
        )
    desk.clock.now = moment + 86400
    await digests.due(desk.board)
    await desk.settle()
    counts = [text.partition(" incoming call")[0].rpartition("\n")[2] for text in posted(desk)]
    assert counts == ["1", "2"]


def stored(path: Path, answered: int) -> sqlite3.Connection:
    """A database with so many conversations of one afternoon, and one missed caller."""
    db = connected(path, sqlite3.Connection)
    started = datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp()
    db.executemany(
        "INSERT INTO calls (id, account, direction, state, outcome, rep, number, line, started_at, answered_at,"
        " ended_at, ring_seconds, talk_seconds, place, body) VALUES (?, 'acme', 'in', 'ended', ?, ?, ?, ?, ?, ?, ?, 5,"
        " ?, 'C1', ?)",
        (
            (
                *(f"{number:022x}", "answered" if number else "no_answer", f"U{number % 3}", f"+1202555{number:04d}"),
                *(LINE, started + number, started + number + 5 if number else 0, started + number + 60, 55, b"{}"),
            )
            for number in range(answered + 1)
        ),
    )
    return db


def test_a_busy_day_takes_no_more_memory_and_no_more_statements_than_a_quiet_one(tmp_path: Path) -> None:
    needed = []
    for answered in (300, 3000):
        db = stored(tmp_path / f"{answered}.sqlite", answered)
        statements: list[str] = []
        db.set_trace_callback(statements.append)
        end = datetime(2026, 11, 20, 18, tzinfo=UTC).timestamp()
        tracemalloc.start()
        found = digests._figures(db, Period("2026-11-20", end - 86400, end, end), "Europe/Madrid", end)
        memory = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        db.close()
        assert (found.answered_in, found.missed, len(found.reps)) == (answered, 1, 3)
        needed.append((memory, len(statements)))
    (quiet, few), (busy, many) = needed
    assert busy < quiet + 200_000
    assert many == few
