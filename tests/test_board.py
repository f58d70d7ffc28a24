"""The board: slow work is tracked and waits its turn, and what is ingested survives a neighbour that fails."""

import asyncio
import gc
import logging
import sqlite3

import pytest

from bot.board import DIALS_AT_ONCE
from bot.events import LegRinging
from tests.office import Office, PaperPhone


def bad(db: sqlite3.Connection) -> None:
    raise ValueError("no")


async def test_a_neighbour_that_fails_does_not_use_up_the_events(desk: Office) -> None:
    events = iter([LegRinging(ref="theirs", at=desk.clock(), leg="ext:201")])
    await asyncio.gather(desk.board.ingest("voicenter", events), desk.board.write(bad), return_exceptions=True)
    assert [call.refs for call in await desk.calls()] == [("theirs",)]


async def test_work_in_turn_waits_and_everything_else_does_not(desk: Office) -> None:
    go_on = asyncio.Event()
    begun: list[str] = []

    async def work(name: str) -> None:
        begun.append(name)
        await go_on.wait()

    async def failed(error: Exception) -> None:
        raise AssertionError(error)

    for number in range(DIALS_AT_ONCE + 3):
        desk.board.spawn(work(f"dial {number}"), failed, in_turn=True)
    desk.board.spawn(work("form"), failed)
    await asyncio.sleep(0)
    assert begun == [*(f"dial {number}" for number in range(DIALS_AT_ONCE)), "form"]
    go_on.set()
    await desk.board.settle()
    assert len(begun) == DIALS_AT_ONCE + 4
    assert desk.board.tasks == set()


async def test_what_takes_long_elsewhere_is_nobodys_turn(desk: Office) -> None:
    """Legs that cannot be let go are asked to end for an hour, each in a task of its own."""
    go_on, begun = asyncio.Event(), asyncio.Event()

    async def stubborn() -> None:
        await go_on.wait()

    async def dial() -> None:
        begun.set()

    async def failed(error: Exception) -> None:
        raise AssertionError(error)

    for _ in range(DIALS_AT_ONCE):
        desk.board.spawn(stubborn(), failed)
    desk.board.spawn(dial(), failed, in_turn=True)
    for _ in range(3):
        await asyncio.sleep(0)
    assert begun.is_set()
    go_on.set()
    await desk.board.settle()


async def test_stopping_drops_what_waits_without_a_word(desk: Office) -> None:
    """A coroutine that is never run warns when it is collected; warnings are errors here."""
    begun: list[int] = []

    async def work(number: int) -> None:
        begun.append(number)
        await asyncio.Event().wait()

    async def failed(error: Exception) -> None:
        raise AssertionError(error)

    for number in range(DIALS_AT_ONCE + 3):
        desk.board.spawn(work(number), failed, in_turn=True)
    await asyncio.sleep(0)
    await desk.board.settle(0)
    gc.collect()
    await asyncio.sleep(0)
    assert begun == list(range(DIALS_AT_ONCE))
    assert not desk.board.waiting


async def test_accounts_of_one_service_are_told_apart(desk: Office) -> None:
    board = desk.board
    assert board.title("voicenter") == "Paperphone"
    board.providers = {"voicenter": desk.phone, "second": PaperPhone("second", desk.clock)}
    assert [board.title(name) for name in (*board.providers, "gone")] == [
        *("Paperphone (voicenter)", "Paperphone (second)"),
        "gone",
    ]
    await desk.link("U1")
    assert "several accounts: voicenter or second" in await desk.type("/call +1 202 555 0101 via paperphone")
    await desk.type("/call +1 202 555 0101 via SECOND")
    assert [call.account for call in await desk.calls()] == ["second"]
    await board.providers["second"].http.aclose()


async def test_what_stays_broken_is_logged_once_and_so_is_that_it_works_again(
    desk: Office, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "callboard")
    for _ in range(3):
        await desk.board.problem("provider voicenter", "voicenter: out of order.")
    await desk.board.problem("provider voicenter", "voicenter: the code is wrong.")
    for _ in range(2):
        await desk.board.solved("provider voicenter")
    assert [record.getMessage() for record in caplog.records] == [
        "provider voicenter: voicenter: out of order.",
        "provider voicenter: voicenter: the code is wrong.",
        "Working again: provider voicenter.",
    ]
