"""The disk: said while there still is room, and afterwards when nothing could be written."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from typing_extensions import override

from bot.disk import LEAST_FREE_BYTES, Disk
from bot.events import CdrReceived, Outcome
from bot.store import Database, ledger
from tests import slack_requests
from tests.full_disk import fill
from tests.office import Office

T = TypeVar("T")


class Sick(Database):
    """The same file, read through the other; nothing can be written, as where the system took the disk away."""

    def __init__(self, whole: Database) -> None:
        self.path = whole.path
        self.failing = "attempt to write a readonly database"
        self.damaged = ""
        self.whole = whole

    @override
    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        raise sqlite3.OperationalError(self.failing)

    @override
    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await self.whole.read(work)


async def told(desk: Office) -> list[str]:
    await desk.settle()
    return [message.text for message in desk.conversation("U9")]


async def test_little_room_is_told_once_and_so_is_that_there_is_room_again(desk: Office) -> None:
    free = LEAST_FREE_BYTES - 1_000_000

    def room(folder: Path) -> int:
        assert folder == desk.board.db.path.parent
        return free

    disk = Disk(desk.board, room)
    for _ in range(2):
        await disk()
    (words,) = await told(desk)
    assert words == (
        f"The disk of the database has only 190 MB free, in {desk.board.db.path.parent}. Make room: when it is full, "
        "nothing can be dialled any more, and what callers do is not kept."
    )
    free = LEAST_FREE_BYTES + 1_000_000  # a file of the log more, and it would be told once again
    await disk()
    assert len(await told(desk)) == 1
    free = 2 * LEAST_FREE_BYTES
    await disk()
    assert (await told(desk))[1:] == ["Working again: disk."]
    free = LEAST_FREE_BYTES + 1_000_000
    await disk()
    assert len(await told(desk)) == 2


async def test_what_could_not_be_written_is_seen_at_once_and_told_when_it_can_be_again(
    desk: Office, caplog: pytest.LogCaptureFixture
) -> None:
    disk = Disk(desk.board, lambda folder: 2 * LEAST_FREE_BYTES)
    whole = desk.board.db
    desk.board.db = Sick(whole)
    answer = await desk.http.get("/healthz")
    assert (answer.status_code, answer.json()["database"]) == (503, "attempt to write a readonly database")
    assert "cannot be written (attempt to write a readonly database)" in await desk.type("/callboard", user="U9")
    for _ in range(3):
        await disk()
        desk.clock.advance(120)
    logged = [record.getMessage() for record in caplog.records if "cannot be written" in record.getMessage()]
    assert logged == ["The database cannot be written: attempt to write a readonly database."]
    desk.board.db = whole
    for _ in range(2):
        await disk()
    (words,) = await told(desk)
    assert words == (
        "The database could not be written for 6 minutes (attempt to write a readonly database). What people asked for "
        "then was refused with an error; webhooks were not taken, and not every phone service sends them again."
    )
    assert (await desk.http.get("/healthz")).status_code == 200


async def test_what_the_disk_refuses_is_kept_in_mind_until_it_takes_something(desk: Office) -> None:
    def wrong(db: sqlite3.Connection) -> None:
        db.execute("SELECT * FROM nowhere")

    def full(db: sqlite3.Connection) -> None:
        pages = db.execute("PRAGMA page_count").fetchone()[0]
        db.execute(f"PRAGMA max_page_count = {pages}")

    db = desk.board.db
    with pytest.raises(sqlite3.OperationalError):
        await db.write(wrong)
    assert db.failing == "", "a mistake of ours is not the disk's fault"
    await db.write(full)
    with pytest.raises(sqlite3.OperationalError):
        await desk.board.write(ledger.remember, "fact", "x" * 1_000_000, 1.0)
    assert db.failing == "database or disk is full"
    await db.write(lambda db: db.execute("PRAGMA max_page_count = 1000000").close())
    assert db.failing == "database or disk is full", "nothing was written yet"
    await desk.board.write(ledger.remember, "fact", "x", 1.0)
    assert db.failing == ""


async def test_damage_is_told_for_good_also_where_it_was_met_by_reading_only(desk: Office) -> None:
    """Most of the file still works, so what comes next would hide it; and each day without a backup costs a day."""

    def damaged(db: sqlite3.Connection) -> None:
        error = sqlite3.DatabaseError("database disk image is malformed")
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error

    with pytest.raises(sqlite3.DatabaseError):
        await desk.board.read(damaged)
    await desk.board.write(ledger.remember, "fact", "x", 1.0)
    answer = await desk.http.get("/healthz")
    assert (answer.status_code, answer.json()["database"]) == (503, "database disk image is malformed")
    for _ in range(2):
        await Disk(desk.board, lambda folder: 2 * LEAST_FREE_BYTES)()
    (words,) = await told(desk)
    assert words == (
        "Callboard's database is damaged (database disk image is malformed). Your admin has to put a backup in its "
        "place: docs/deploying.md."
    )
    assert "database is damaged" in await desk.type("/callboard", user="U9")
    desk.board.db.damaged = ""  # a start later, with a backup in its place
    await Disk(desk.board, lambda folder: 2 * LEAST_FREE_BYTES)()
    assert (await told(desk))[1:] == ["Working again: database."]


async def test_damage_that_is_met_by_a_write_is_told_too(desk: Office) -> None:
    def damaged(db: sqlite3.Connection) -> None:
        error = sqlite3.DatabaseError("database disk image is malformed")
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT_INDEX
        raise error

    with pytest.raises(sqlite3.DatabaseError):
        await desk.board.db.write(damaged)
    await desk.board.write(ledger.remember, "fact", "x", 1.0)
    assert (await desk.http.get("/healthz")).json()["database"] == "database disk image is malformed"


async def test_a_start_alone_mends_no_damage(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged(path: Path) -> None:
        assert path == desk.board.db.path
        raise sqlite3.DatabaseError("database disk image is malformed")

    await desk.board.problem("database", "It is damaged.")
    monkeypatch.setattr("bot.disk.examine", damaged)
    await Disk(desk.board, lambda folder: 2 * LEAST_FREE_BYTES)()
    assert "database" in [key for key, *_ in await desk.board.read(ledger.problems)]
    assert (await desk.http.get("/healthz")).status_code == 503


async def test_what_cannot_be_told_on_a_full_disk_is_no_job_that_failed(desk: Office) -> None:
    whole = desk.board.db
    sick = Sick(whole)
    sick.failing = ""  # it was written to before, and nobody has tried since
    desk.board.db = sick
    await Disk(desk.board, lambda folder: 0)()
    desk.board.db = whole
    assert await desk.board.read(ledger.problems) == []


async def test_whoever_asks_for_something_while_the_disk_is_full_is_told_that(desk: Office) -> None:
    await desk.link("U1")
    await fill(desk)
    headers, body = slack_requests.slash_command(desk.slack, "/call", f"+1 202 555 0123 note {'x' * 50_000}")
    answer = await desk.http.post("/slack/events", headers=headers, content=body)
    assert answer.text == (
        "Nothing was done: it could not be written down. Callboard's disk does not work (database or disk is full). "
        "Your admin has to see to it; try again then."
    )
    await desk.board.db.write(lambda db: db.execute("PRAGMA max_page_count = 1000000").close())
    assert "Ringing your phone" in await desk.type("/call +1 202 555 0123")


async def test_whoever_presses_a_button_while_the_disk_is_full_is_told_that(desk: Office) -> None:
    await desk.link("U1")
    await desk.type("/call +1 202 555 0123")
    await desk.happen(CdrReceived(ref="paper-1", at=desk.clock(), leg="customer", outcome=Outcome.BUSY))
    (card,) = desk.conversation("U1")
    whole = desk.board.db
    desk.board.db = Sick(whole)
    told = await desk.press("call:again", card, desk.slack.open_dm("U1").id)
    desk.board.db = whole
    assert told.startswith("Nothing was done: it could not be written down. ")
    assert len(desk.phone.orders) == 1


async def test_a_form_says_that_the_disk_is_full_and_keeps_what_was_typed(desk: Office) -> None:
    await desk.link("U1")
    await desk.type("/call")
    whole = desk.board.db
    desk.board.db = Sick(whole)
    (why,) = (await desk.submit({"who": "+1 202 555 0123"})).values()
    assert why.startswith("Nothing was done: it could not be written down. ")
    desk.board.db = whole
    assert await desk.submit({"who": "+1 202 555 0123"}) == {}
    assert "Ringing your phone" in desk.told
