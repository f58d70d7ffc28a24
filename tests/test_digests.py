"""A digest is sent once for its period and channel: after down time, when clocks change, with right figures."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest

from bot import digests
from bot.events import CdrReceived, Described, Outcome
from bot.periods import Subscription
from bot.store import figures, ledger
from tests.office import LINE, Office

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
    rows = await desk.board.read(figures.rows, start, start + 86400)
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
