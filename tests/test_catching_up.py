"""A bot that was down catches up from the service's own call log: everything once, old news unannounced."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from bot.catching_up import AGAIN_SECONDS, AT_ONCE, FURTHEST_SECONDS, NEWS_SECONDS, catch_up
from bot.errors import Unavailable
from bot.events import AnyEvent, CallEnded, CdrReceived, Described, LegRinging, Outcome
from bot.hooks import Request, Webhook
from bot.orders import LogSearch
from bot.store import calls, cards, ledger, missed
from bot.store.cards import Card
from tests import slack_requests
from tests.fake_slack import FakeSlack
from tests.office import LINE, SETTINGS, Office, PaperPhone, office
from tests.slack_state import Clock

CALLER = "+12025550144"


class Logging(PaperPhone):
    """Has a call log: `log` is its answer to every search. `tells`: what its webhooks say."""

    def __init__(self, account: str, now: Callable[[], float]) -> None:
        super().__init__(account, now)
        self.searches: list[LogSearch] = []
        self.log: tuple[AnyEvent, ...] = ()
        self.fault: Exception | None = None
        self.tells: tuple[AnyEvent, ...] = ()

    @override
    def read_webhook(self, request: Request) -> Webhook:
        return Webhook(self.tells)

    @override
    async def call_log(self, search: LogSearch) -> tuple[AnyEvent, ...]:
        self.searches.append(search)
        if self.fault is not None:
            raise self.fault
        return self.log


@pytest.fixture
async def desk(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> AsyncIterator[Office]:
    async with office(tmp_path, fake_slack, slack_clock, kind=Logging) as desk:
        await catch_up(desk.board)  # the first start
        yield desk


def phone(desk: Office) -> Logging:
    assert isinstance(desk.phone, Logging)
    return desk.phone


def record(ref: str, at: float, outcome: Outcome = Outcome.NO_ANSWER) -> tuple[AnyEvent, ...]:
    """An incoming call as its webhook, and the log, tell it."""
    talk = 30 if outcome is Outcome.ANSWERED else 0
    return (
        Described(ref=ref, at=at, source="cdr:ext:201", direction="in", number=CALLER, line=LINE),
        CdrReceived(ref=ref, at=at, leg="ext:201", outcome=outcome, ring_seconds=20, talk_seconds=talk),
        CallEnded(ref=ref, at=at + 20 + talk),
    )


async def shown(desk: Office) -> list[Card]:
    """The cards that Slack shows."""
    found = await desk.board.read(lambda db: [row[0] for row in db.execute("SELECT id FROM cards WHERE ts <> ''")])
    everything = [await desk.board.read(cards.by_id, card_id) for card_id in found]
    return [card for card in everything if card is not None]


async def test_the_first_start_asks_for_nothing(desk: Office) -> None:
    assert phone(desk).searches == []


async def test_after_a_day_everything_since_is_asked_for_and_counted_once(desk: Office) -> None:
    stopped = desk.clock()
    known = record("known", stopped - 60)
    await desk.happen(*known)
    desk.clock.advance(24 * 3600)
    phone(desk).log = (*known, *record("missed", desk.clock() - 5 * 3600))
    for _ in range(2):
        await catch_up(desk.board)
        desk.clock.advance(10)
        await desk.settle()
    assert phone(desk).searches[0] == LogSearch(since=stopped - AGAIN_SECONDS, until=stopped + 24 * 3600 + 6)
    assert len(await desk.calls()) == 2
    (row,) = await desk.board.read(missed.waiting)
    assert row.calls == 2
    assert [card.kind for card in await shown(desk)] == ["missed"]  # the one card of that caller


async def test_what_is_no_news_is_kept_but_not_posted(desk: Office) -> None:
    desk.clock.advance(24 * 3600)
    old, new = desk.clock() - NEWS_SECONDS - 100, desk.clock() - 300
    phone(desk).log = (*record("old", old, Outcome.ANSWERED), *record("new", new, Outcome.ANSWERED))
    await catch_up(desk.board)
    await desk.settle()
    assert {call.refs for call in await desk.calls()} == {("new",), ("old",)}
    new_call = await desk.board.read(calls.by_ref, "voicenter", "new")
    assert new_call is not None
    assert [card.subject for card in await shown(desk)] == [new_call.id]


async def test_never_further_back_than_a_month(desk: Office) -> None:
    desk.clock.advance(100 * 24 * 3600)
    await catch_up(desk.board)
    assert phone(desk).searches[0].since == desk.clock() - FURTHEST_SECONDS


async def test_a_log_that_fails_is_told_and_asked_again_from_where_it_was(desk: Office) -> None:
    stopped = desk.clock()
    desk.clock.advance(3600)
    phone(desk).fault = Unavailable("Paperphone did not answer.")
    await catch_up(desk.board)
    assert [key for key, *_ in await desk.board.read(ledger.problems)] == ["call log voicenter"]
    phone(desk).fault = None
    desk.clock.advance(900)
    await catch_up(desk.board)
    assert phone(desk).searches[-1].since == stopped - AGAIN_SECONDS
    assert await desk.board.read(ledger.problems) == []


async def test_others_write_while_a_long_log_comes_in(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """One commit for days of calls would hold up every webhook and click for as long as it takes."""
    ingest, parts = desk.board.ingest, []

    async def counted(account: str, events: list[AnyEvent], **more: Any) -> list[calls.Change]:
        parts.append({event.ref for event in events})
        return await ingest(account, events, **more)

    monkeypatch.setattr(desk.board, "ingest", counted)
    told = [record(f"r{number}", desk.clock() + number) for number in range(50)]
    phone(desk).log = tuple(event for kind in zip(*told, strict=True) for event in kind)  # not call by call
    desk.clock.advance(900)
    await catch_up(desk.board)
    assert [len(part) for part in parts] == [AT_ONCE, AT_ONCE, 10]
    assert len(await desk.calls()) == 50
    (row,) = await desk.board.read(missed.waiting)
    assert row.calls == 50


async def test_a_clock_that_was_ahead_hides_nothing(desk: Office) -> None:
    desk.clock.now += 86400
    await catch_up(desk.board)
    desk.clock.now -= 86400
    desk.clock.advance(900)
    await catch_up(desk.board)
    search = phone(desk).searches[-1]
    assert (search.since, search.until) == (desk.clock() - AGAIN_SECONDS, desk.clock())


class Slow(Logging):
    """Answers when `go_on` is set."""

    def __init__(self, account: str, now: Callable[[], float]) -> None:
        super().__init__(account, now)
        self.go_on = asyncio.Event()

    @override
    async def call_log(self, search: LogSearch) -> tuple[AnyEvent, ...]:
        told = await super().call_log(search)
        await self.go_on.wait()
        return told


async def test_a_slow_log_holds_up_no_other(desk: Office) -> None:
    slow = Slow("slow", desk.clock)
    desk.board.providers = {"slow": slow, "voicenter": desk.phone}
    await desk.board.write(ledger.remember, "call log slow", str(desk.clock()), desk.clock())
    phone(desk).log = record("in-1", desk.clock() - 600)
    catching = asyncio.ensure_future(catch_up(desk.board))
    async with asyncio.timeout(5):
        while not await desk.calls():
            await asyncio.sleep(0)
    slow.go_on.set()
    await catching
    await slow.http.aclose()


async def test_a_log_that_has_not_answered_yet_is_not_asked_once_more(desk: Office) -> None:
    slow = Slow("slow", desk.clock)
    desk.board.providers = {"slow": slow}
    await desk.board.write(ledger.remember, "call log slow", str(desk.clock()), desk.clock())
    first = asyncio.ensure_future(catch_up(desk.board))
    async with asyncio.timeout(5):
        while not slow.searches:
            await asyncio.sleep(0)
    second = asyncio.ensure_future(catch_up(desk.board))
    for _ in range(50):
        await desk.board.read(lambda db: None)
    assert len(slow.searches) == 1
    slow.go_on.set()
    await asyncio.gather(first, second)
    await catch_up(desk.board)
    assert len(slow.searches) == 2
    await slow.http.aclose()


async def told_by_the_log(desk: Office, *refs: str) -> None:
    """A quarter of an hour passes, in which these calls are told by nobody but the log."""
    at = desk.clock()
    desk.clock.advance(900)
    phone(desk).log = tuple(event for ref in refs for event in record(ref, at + 60, Outcome.ANSWERED))
    await catch_up(desk.board)
    await desk.settle()


async def webhook(desk: Office, *events: AnyEvent) -> None:
    phone(desk).tells = events or record(f"w{desk.clock()}", desk.clock() - 60)
    answer = await desk.http.post("/hooks/voicenter/hook-secret-for-tests/cdr", content=b"anything")
    assert answer.status_code == 200
    await desk.settle()


async def broken(desk: Office) -> list[str]:
    return [text for key, text, *_ in await desk.board.read(ledger.problems) if key == "webhooks of voicenter"]


async def test_records_that_come_no_more_are_told_and_when_they_do_again(desk: Office) -> None:
    """An address that leads nowhere any more would show in nothing but delays."""
    await webhook(desk)
    await told_by_the_log(desk, "a", "b")
    assert await broken(desk) == []
    await told_by_the_log(desk, "c")
    (words,) = await broken(desk)
    assert words.startswith("Paperphone (voicenter) does not tell of its calls by itself any more: ")
    assert [message.text for message in desk.conversation("U9")] == [words]
    await webhook(desk, LegRinging(ref="d", at=desk.clock(), leg="ext:201"))  # a pop-up, which may have another address
    await told_by_the_log(desk, "d", "e", "f")
    assert len(desk.conversation("U9")) == 1
    await webhook(desk)
    await told_by_the_log(desk, "g")
    assert await broken(desk) == []
    assert "Working again" in desk.conversation("U9")[-1].text


async def test_what_to_look_at_is_told_by_the_name_that_our_command_has(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    text = SETTINGS + '[commands]\ncallboard = "/board"\n'
    async with office(tmp_path, fake_slack, slack_clock, text, kind=Logging) as desk:
        await catch_up(desk.board)
        await webhook(desk)
        await told_by_the_log(desk, "a", "b", "c")
        assert "still those of `/board hooks`" in desk.conversation("U9")[-1].text
        await desk.send(slack_requests.home_opened(desk.slack, user="U9"))
        assert "still those of `/board hooks`" in str(desk.slack.homes["U9"].view)


async def test_a_record_in_between_says_that_they_come(desk: Office) -> None:
    await webhook(desk)
    await told_by_the_log(desk, "a", "b")
    await webhook(desk)
    await told_by_the_log(desk, "c", "d")
    assert await broken(desk) == []


async def test_a_service_whose_log_always_tells_more_than_its_webhooks_is_told_of_once(desk: Office) -> None:
    """Only one of its queues has webhooks, say: the records of that one show each time that they still come."""
    for turn in range(5):
        await webhook(desk)
        await told_by_the_log(desk)
        await told_by_the_log(desk, *(f"{turn}{call}" for call in "abc"))
    assert len(desk.conversation("U9")) <= 2
    await webhook(desk)
    await told_by_the_log(desk)
    assert await broken(desk) == []
    for turn in range(5, 8):
        await told_by_the_log(desk, *(f"{turn}{call}" for call in "abc"))
    assert len(await broken(desk)) == 1, "now they come no more"


async def test_who_never_set_webhooks_up_is_not_told_that_none_come(desk: Office) -> None:
    for number in range(4):
        await told_by_the_log(desk, f"a{number}", f"b{number}")
    assert await broken(desk) == []


async def test_calls_of_down_time_are_no_sign(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> None:
    async with office(tmp_path, fake_slack, slack_clock, kind=Logging) as desk:
        await catch_up(desk.board)
        await webhook(desk)
        await catch_up(desk.board)
    slack_clock.advance(7200)
    async with office(tmp_path, fake_slack, slack_clock, kind=Logging) as desk:
        phone(desk).log = tuple(event for ref in "abcd" for event in record(ref, slack_clock() - 3000))
        await catch_up(desk.board)
        assert await broken(desk) == []
        await told_by_the_log(desk, "e", "f", "g")  # now it is one, also where none has come since the start
        assert len(await broken(desk)) == 1


async def test_a_clock_that_was_ahead_hides_no_silence(desk: Office) -> None:
    desk.clock.now += 86400
    await webhook(desk)
    await catch_up(desk.board)
    desk.clock.now -= 86400
    await told_by_the_log(desk)
    await told_by_the_log(desk, "a", "b", "c")
    assert len(await broken(desk)) == 1


async def test_a_record_that_is_only_late_is_no_sign(desk: Office) -> None:
    await webhook(desk)
    at = desk.clock()
    desk.clock.advance(900)
    phone(desk).log = tuple(event for ref in "abcd" for event in record(ref, at + 600))
    await catch_up(desk.board)
    assert await broken(desk) == []
