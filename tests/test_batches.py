"""Lists of calls without Slack: killed at every commit, paused under way, resumed; no number is ordered twice."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import pytest
from typing_extensions import override

from bot import batches, campaigns
from bot.board import Board
from bot.errors import NotAllowed, Unavailable
from bot.orders import CampaignCall
from bot.store import Database, cards
from bot.store import campaigns as store
from tests.dialer import SALE, Dialer, OneByOne
from tests.empty_store import prepared
from tests.office import settings
from tests.slack_state import Clock

T = TypeVar("T")
NUMBERS = [f"+120255501{number:02}" for number in range(10)]
ROWS = "number\n" + "\n".join([*NUMBERS, "nonsense"])


class Doomed(Database):
    """Dies at a chosen write: what was under way goes no further, as if the process had been killed."""

    dies_at = 0
    after = False
    writes = 0

    @override
    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        self.writes += 1
        doomed = bool(self.dies_at) and self.writes >= self.dies_at
        if doomed and not (self.after and self.writes == self.dies_at):
            raise asyncio.CancelledError
        result = await super().write(work)
        if doomed:
            raise asyncio.CancelledError
        return result


@asynccontextmanager
async def a_board(folder: Path, phone: Dialer, clock: Clock) -> AsyncIterator[Board]:
    database = Doomed(prepared(folder / "callboard.sqlite"))
    try:
        yield Board(settings(folder), database, {"voicenter": phone}, now=clock)
    finally:
        database.close()


@pytest.fixture
async def phone(slack_clock: Clock) -> AsyncIterator[Dialer]:
    phone = Dialer("voicenter", slack_clock)
    yield phone
    await phone.http.aclose()


async def prepare(board: Board, rows: str = ROWS) -> None:
    found, _ = await campaigns.find(board, "Spring sale")
    await batches.prepare(board, "U2", found, rows.encode(), "march.csv", "b1")


async def journey(board: Board) -> None:
    """What people do until the list is done; what was done before is not done again."""
    if await board.read(store.get, "b1") is None:
        await prepare(board)
    await batches.begin(board, "U2", "b1")
    await batches.run(board, "b1")


async def rows(board: Board) -> dict[str, str]:
    """Number -> state of its row."""

    def read(db: sqlite3.Connection) -> dict[str, str]:
        return {row[0]: row[1] for row in db.execute("SELECT typed, state FROM batch_rows ORDER BY line")}

    return await board.read(read)


def ordered(phone: Dialer) -> list[object]:
    return [number for order in phone.orders_of("add_campaign_calls") for number in order[1:]]


async def state_of(board: Board) -> str:
    batch = await board.read(store.get, "b1")
    return batch.state if batch else ""


@pytest.mark.parametrize("after", [True, False], ids=["after", "before"])
@pytest.mark.parametrize("kind", [Dialer, OneByOne])
async def test_killed_at_every_commit(tmp_path: Path, slack_clock: Clock, after: bool, kind: type[Dialer]) -> None:
    at, finished = 1, False
    while not finished:
        phone, folder = kind("voicenter", slack_clock), tmp_path / str(at)
        folder.mkdir()
        async with a_board(folder, phone, slack_clock) as board:
            assert isinstance(board.db, Doomed)
            board.db.dies_at, board.db.after = at, after
            try:
                await journey(board)
                finished = True
            except asyncio.CancelledError:
                pass
        async with a_board(folder, phone, slack_clock) as board:
            await batches.recover(board)
            await journey(board)
            found = await rows(board)
            assert await state_of(board) == "done", at
        sent = [str(call.number) for _, call in phone.orders_of("add_campaign_call")] + ordered(phone)  # type: ignore[attr-defined]
        assert len(sent) == len(set(sent)), (at, sent)
        assert found.pop("nonsense") == "invalid"
        waiting = phone.sheets[SALE].calls
        assert {number for number, state in found.items() if state == "added"} == set(waiting), at
        assert {state for number, state in found.items() if number not in waiting} <= {"unclear"}, at
        assert len(waiting) >= len(NUMBERS) - phone.bulk_rows, at
        await phone.http.aclose()
        at += 1
    assert at > 10, "the journey has fewer commits than it should"


async def test_killed_while_the_service_acts(tmp_path: Path, phone: Dialer, slack_clock: Clock) -> None:
    """It took the chunk, and we never heard: what waits was added, what does not is unclear."""

    def killed(operation: str) -> None:
        if operation == "add_campaign_calls" and len(ordered(phone)) > 3:
            raise asyncio.CancelledError

    async with a_board(tmp_path, phone, slack_clock) as board:
        phone.before = killed
        with pytest.raises(asyncio.CancelledError):
            await journey(board)
        assert list((await rows(board)).values()).count("sending") == 3
    phone.before = None
    phone.sheets[SALE].calls[NUMBERS[4]] = CampaignCall(number=NUMBERS[4])
    async with a_board(tmp_path, phone, slack_clock) as board:
        await batches.recover(board)
        found = await rows(board)
    assert [found[number] for number in NUMBERS] == [*["added"] * 3, "unclear", "added", "unclear", *["added"] * 4]
    assert ordered(phone) == NUMBERS


async def test_what_cannot_be_looked_up_stays_unclear(tmp_path: Path, phone: Dialer, slack_clock: Clock) -> None:
    async with a_board(tmp_path, phone, slack_clock) as board:
        await prepare(board)
        await batches.begin(board, "U2", "b1")
        await board.write(store.take, "b1", 3, "")
    phone.faults["campaign_calls"] = [Unavailable("Paperphone could not be reached. Try again.")]
    async with a_board(tmp_path, phone, slack_clock) as board:
        await batches.recover(board)
        assert list((await rows(board)).values()).count("unclear") == 3
        assert await state_of(board) == "done"
    assert ordered(phone) == NUMBERS[3:]


async def test_killed_while_a_file_is_read(tmp_path: Path, phone: Dialer, slack_clock: Clock) -> None:
    async with a_board(tmp_path, phone, slack_clock) as board:
        assert isinstance(board.db, Doomed)
        board.db.dies_at, board.db.after = 2, True
        with pytest.raises(asyncio.CancelledError):
            await prepare(board)
    async with a_board(tmp_path, phone, slack_clock) as board:
        await batches.recover(board)
        assert await state_of(board) == ""
        assert await rows(board) == {}
        card = await board.read(cards.find, "notice", "batch:b1")
    assert card is not None
    assert b"Nothing was added; send the file again." in (card.body or b"")


async def test_a_call_by_hand_that_a_crash_cut_off_is_told(tmp_path: Path, phone: Dialer, slack_clock: Clock) -> None:
    async with a_board(tmp_path, phone, slack_clock) as board:
        found, _ = await campaigns.find(board, "Spring sale")
        assert isinstance(board.db, Doomed)
        board.db.dies_at = 2
        call = CampaignCall(number=NUMBERS[0])
        with pytest.raises(asyncio.CancelledError):
            await batches.add_one(board, "U2", found, call, "202 555 0100", "b1")
    assert phone.orders_of("add_campaign_call") == []
    async with a_board(tmp_path, phone, slack_clock) as board:
        await batches.recover(board)
        card = await board.read(cards.find, "notice", "batch:b1")
        await batches.recover(board)
    assert phone.orders_of("add_campaign_call") == [(SALE, call)]
    assert card is not None
    assert b"After a restart: +1 202-555-0100 waits in Spring sale now." in (card.body or b"")


async def test_pause_holds_after_the_chunk_that_is_on_its_way(
    tmp_path: Path, phone: Dialer, slack_clock: Clock
) -> None:
    async with a_board(tmp_path, phone, slack_clock) as board:
        await prepare(board)
        await batches.begin(board, "U2", "b1")
        asked, phone.pause = asyncio.Event(), asyncio.Event()
        phone.before = lambda operation: asked.set() if operation == "add_campaign_calls" else None
        running = asyncio.create_task(batches.run(board, "b1"))
        await asked.wait()
        assert await batches.stop(board, "U9", "b1", drop=False)
        phone.pause.set()
        await running
        assert await state_of(board) == "paused"
        assert ordered(phone) == NUMBERS[: phone.bulk_rows]
        with pytest.raises(NotAllowed, match="Only managers"):
            await batches.begin(board, "U1", "b1")
        assert not await batches.stop(board, "U9", "b1", drop=False)
        await journey(board)
        assert await state_of(board) == "done"
    assert ordered(phone) == NUMBERS


async def test_two_runs_at_the_same_time_are_one(tmp_path: Path, phone: Dialer, slack_clock: Clock) -> None:
    async with a_board(tmp_path, phone, slack_clock) as board:
        await prepare(board)
        await batches.begin(board, "U2", "b1")
        await asyncio.gather(batches.run(board, "b1"), batches.run(board, "b1"))
    assert ordered(phone) == NUMBERS


@pytest.mark.parametrize("kind", [Dialer, OneByOne])
async def test_two_lists_with_the_same_numbers_at_the_same_time(
    tmp_path: Path, slack_clock: Clock, kind: type[Dialer]
) -> None:
    phone = kind("voicenter", slack_clock)
    async with a_board(tmp_path, phone, slack_clock) as board:
        found, _ = await campaigns.find(board, "Spring sale")
        for batch in ("b1", "b2"):
            await batches.prepare(board, "U2", found, ROWS.encode(), "march.csv", batch)
            await batches.begin(board, "U2", batch)
        await asyncio.gather(batches.run(board, "b1"), batches.run(board, "b2"))
        counts = [await board.read(store.counts, batch) for batch in ("b1", "b2")]
        left_out = await board.read(store.refused, "b2")
    assert set(phone.sheets[SALE].calls) == set(NUMBERS)
    sent = [str(call.number) for _, call in phone.orders_of("add_campaign_call")] + ordered(phone)  # type: ignore[attr-defined]
    assert sorted(map(str, sent)) == NUMBERS
    assert [sum(count.values()) for count in counts] == [11, 11]
    assert sum(count["added"] for count in counts) == len(NUMBERS)
    assert {why for _, _, state, why in left_out if state == "duplicate"} <= {store.ANOTHER, batches.WAITING}
    await phone.http.aclose()


async def test_the_same_call_by_hand_from_two_at_the_same_time(
    tmp_path: Path, phone: Dialer, slack_clock: Clock
) -> None:
    async with a_board(tmp_path, phone, slack_clock) as board:
        found, _ = await campaigns.find(board, "Spring sale")
        call = CampaignCall(number=NUMBERS[0])
        adding = (batches.add_one(board, user, found, call, "202 555 0100", user) for user in ("U2", "U9"))
        told = await asyncio.gather(*adding)
    assert phone.orders_of("add_campaign_call") == [(SALE, call)]
    assert sorted(told) == [
        "+1 202-555-0100 waits in Spring sale now.",
        "202 555 0100 was not added to Spring sale. Somebody else adds the same number at this moment",
    ]


async def test_a_list_whose_account_is_gone_waits(tmp_path: Path, phone: Dialer, slack_clock: Clock) -> None:
    async with a_board(tmp_path, phone, slack_clock) as board:
        await prepare(board)
        await batches.begin(board, "U2", "b1")
        await board.write(store.take, "b1", 3, "")
    async with a_board(tmp_path, phone, slack_clock) as board:
        board.providers = {}
        await batches.recover(board)
        assert await state_of(board) == "paused"
        assert list((await rows(board)).values()).count("sending") == 3
    phone.sheets[SALE].calls[NUMBERS[1]] = CampaignCall(number=NUMBERS[1])
    async with a_board(tmp_path, phone, slack_clock) as board:
        await journey(board)
        assert list((await rows(board)).values())[:3] == ["unclear", "added", "unclear"]
    assert ordered(phone) == NUMBERS[3:]


async def test_discarding_ends_the_looking_up(tmp_path: Path, phone: Dialer, slack_clock: Clock) -> None:
    async with a_board(tmp_path, phone, slack_clock) as board:
        await prepare(board)
        await batches.begin(board, "U2", "b1")
        await board.write(store.take, "b1", 3, "")
        await batches.stop(board, "U2", "b1", drop=False)
        assert await batches.stop(board, "U2", "b1", drop=True)
        assert list((await rows(board)).values()).count("unclear") == 3


async def test_a_call_by_hand_whose_service_is_gone_after_a_crash(
    tmp_path: Path, phone: Dialer, slack_clock: Clock
) -> None:
    async with a_board(tmp_path, phone, slack_clock) as board:
        found, _ = await campaigns.find(board, "Spring sale")
        assert isinstance(board.db, Doomed)
        board.db.dies_at = 3
        with pytest.raises(asyncio.CancelledError):
            await batches.add_one(board, "U2", found, CampaignCall(number=NUMBERS[0]), "202 555 0100", "b1")
    phone.faults["campaigns"] = [Unavailable("Paperphone could not be reached. Try again.")]
    async with a_board(tmp_path, phone, slack_clock) as board:
        await batches.recover(board)
        card = await board.read(cards.find, "notice", "batch:b1")
    assert card is not None
    assert b"202 555 0100 may or may not have been added to Spring sale." in (card.body or b"")
