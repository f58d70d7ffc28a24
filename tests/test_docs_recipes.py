"""What the pages tell an operator to do: each command and recipe is done as it is written, and has its effect."""

import asyncio
import dataclasses
import re
import sqlite3
import sys
from pathlib import Path

import pytest

from bot import auto_dial, calling_lists
from bot.errors import CallboardError
from bot.events import Controlled
from bot.intents import CONTROL
from bot.numbers import pretty
from bot.store import calls, ledger, messages, offers, presence, schema, web_phones, workflow_steps
from bot.store import campaigns as store
from bot.store.messages import Batch, Recipient
from tests.office import Office
from tests.pages import names, read, rows, section


async def test_the_health_addresses_answer(desk: Office) -> None:
    told = names(section(read("docs/deploying.md"), "## Health"))
    assert told == ["/healthz/live", "/healthz"]
    live, ready = [await desk.http.get(path) for path in told]
    assert (live.status_code, live.text) == (200, "alive")
    assert ready.status_code == 200
    assert {"ready", "database", "slack", "providers"} <= set(ready.json())


async def test_the_backup_command_makes_a_whole_copy(desk: Office, tmp_path: Path) -> None:
    (command,) = re.findall(r'bin/python -c "(.+)"', read("docs/deploying.md"))
    await desk.contact("+12025550123", "Noa Green")
    copy = tmp_path / "copy.sqlite"
    code = command.replace("/var/lib/callboard/callboard.sqlite", str(desk.board.db.path))
    code = code.replace("/var/backups/callboard.sqlite", str(copy))
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
    assert await asyncio.wait_for(process.wait(), 30) == 0
    with sqlite3.connect(copy) as database:
        assert database.execute("SELECT name FROM contacts").fetchall() == [("Noa Green",)]
    database.close()


def tables() -> set[str]:
    database = sqlite3.connect(":memory:", isolation_level=None)
    schema.migrate(database)
    found = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    database.close()
    return {name for name in found if not name.startswith(("sqlite_", "_"))}


def test_every_table_is_accounted_for() -> None:
    told = [name for row in rows(read("docs/privacy.md")) for name in re.findall(r"`([a-z_]+)`", row[1])]
    assert sorted(told) == sorted(tables())


async def test_a_number_is_forgotten(desk: Office) -> None:
    """Every recipe step is run over a day in which the number was met in every way."""
    number, other = "+12025550123", "+12025550124"
    await desk.link("U1")
    for caller, name in ((number, "Noa Green"), (other, "Sam Hill")):
        await desk.contact(caller, name)
        await desk.type(f"/call {caller} note about the offer")
        await desk.type(f"/contacts add {caller} {name}", user="U9")
    await desk.board.tell("U1", f"Reminder: you wanted to call {pretty(number)}.", "reminder")
    await desk.type("/call +12025550125")  # with somebody else, in which the number is consulted
    batch = Batch("batch1", "U1", "@U1", "voicenter", "ended", 0, 0, "", 1, b'{"text":"For Noa Green"}')
    await desk.board.write(messages.write, batch, [Recipient("batch1", 0, number, "Noa Green", "stopped", 0)], 0)
    (brought_in,) = [call for call in await desk.board.read(calls.open_calls) if call.number == "+12025550125"]
    table = f"number,name\n{number},Noa Green\n{other},Sam Hill\n".encode()
    listed = await calling_lists.prepare(desk.board, "U9", "Autumn", ["U1"], table, "autumn.csv", "asked")
    await calling_lists.give_out(desk.board, "U9", listed.id)
    consult = Controlled(at=desk.board.now(), by="U1", action="consult", detail=number)
    await desk.board.ingest(brought_in.account, [consult], call_id=brought_in.id)

    def unclear(db: sqlite3.Connection) -> None:
        """Somebody else was to be put through to the number, and nobody knows whether they were."""
        (theirs,) = [call for call in calls.open_calls(db) if call.number == other]
        ledger.write_intent(db, "joins:1", "U1", CONTROL, f'["forward","{number}"]'.encode(), 0)
        ledger.bind_intent(db, "joins:1", theirs.id)

    await desk.board.write(unclear)

    def answered(db: sqlite3.Connection) -> None:
        """A workflow's step failed, and Slack was not told yet."""
        workflow_steps.begin(db, "Fx1", "place_a_call", "U1", "U4", 0)
        words = f'{{"error":"No contact is called “Noa Green”; {pretty(number)} is nobody."}}'.encode()
        assert workflow_steps.answer(db, "Fx1", words, 0, state="asked")

    await desk.board.write(answered)
    for called in (number, other):
        await desk.type(f"/calls log add {called}")
        assert await desk.submit({"minutes": "5", "note": f"about {called}"}) == {}
        await desk.type(f"/calls log {called}")
        await desk.press("log:export", desk.slack.ephemerals[-1], "C1")

    def texts(database: sqlite3.Connection) -> str:
        found = (database.execute(f"SELECT * FROM {table}").fetchall() for table in sorted(tables()))
        return "\n".join(str(tuple(row)) for part in found for row in part)

    path = desk.board.db.path
    desk.board.db.close()
    database = sqlite3.connect(path, isolation_level=None)
    before = texts(database)
    (recipe,) = re.findall(r"```sql\n(.*?)```", read("docs/privacy.md"), re.DOTALL)
    for statement in recipe.split(";\n"):
        database.execute(statement, {"number": number} if ":number" in statement else {})
    after = texts(database)
    database.close()
    for words in (number, pretty(number), "Noa Green"):
        assert words in before
        assert words not in after
    assert "Sam Hill" in after
    assert after.count(other) > 3
    assert number.encode() not in path.read_bytes()


async def test_a_colleague_who_has_left_is_forgotten(desk: Office) -> None:
    """They can type nothing any more, so whoever runs Callboard does it."""
    user = "U0123456789"
    desk.slack.users[user] = dataclasses.replace(desk.slack.users["U1"], id=user, name="Lee Lane")
    await desk.link(user)
    there = presence.Presence("4711", "available", 0)
    await desk.board.write(presence.save_presence, user, "voicenter", there, 0, "status", "available")
    await desk.board.write(web_phones.save, web_phones.Phone(user, "voicenter", "4711", b"sealed"))
    await desk.board.write(ledger.subscribe, f"@{user}", "daily", b"{}", user, 0)
    text = section(read("docs/privacy.md"), "## Forgetting one number").partition("A colleague")[2]
    recipe = [found for found in re.findall(r"`(DELETE FROM [^`]+)`", text) if user in found]
    assert len(recipe) == 4
    await desk.board.db.write(lambda db: [db.execute(statement) for statement in recipe] and None)

    def left(db: sqlite3.Connection) -> list[str]:
        rows = {table: str([tuple(row) for row in db.execute(f"SELECT * FROM {table}")]) for table in tables()}
        return [table for table, found in rows.items() if user in found or "Lee Lane" in found]

    assert await desk.board.read(left) == ["audit"]  # what they did stays


async def test_a_copy_that_is_put_back_calls_nobody(desk: Office) -> None:
    """Who waited when it was made may have been called since."""
    await desk.link("U1")
    numbers = [f"+1202555013{digit}" for digit in range(4)]
    for state in ("running", "draft", "asked", "paused"):
        batch = Batch(state, "U1", "@U1", "voicenter", state, 0, 0, "", 0, b'{"text":"It is ready."}')
        await desk.board.write(messages.write, batch, [Recipient(state, 0, numbers[0], "", "waiting", 0)], 0)
    table = "number\n" + "\n".join(numbers)
    listed = await calling_lists.prepare(desk.board, "U9", "Autumn", ["U1"], table.encode(), "autumn.csv", "asked")
    await calling_lists.give_out(desk.board, "U9", listed.id)
    await auto_dial.start(desk.board, "U1", listed.id, 5)
    shown = await calling_lists.prepare(desk.board, "U9", "Winter", ["U1"], table.encode(), "winter.csv", "shown")
    states: tuple[store.BatchState, ...] = ("preview", "asked", "adding")
    for one in states:
        await desk.board.write(store.create, store.Batch(one, "voicenter", "c", "Sale", "sale.csv", "U9", 0, one))

    (recipe,) = re.findall(r"```sql\n(.*?)```", read("docs/deploying.md"), re.DOTALL)
    await desk.board.db.write(lambda db: [db.execute(statement) for statement in recipe.split(";\n")] and None)
    desk.clock.advance(5)
    await desk.settle()
    assert "A copy of the database was put back." in desk.conversation("U9")[-1].text
    assert await desk.board.read(messages.waiting) == []
    assert await desk.board.read(messages.asked) == []
    assert await desk.board.read(store.unfinished) == []
    assert [found.id for found in await desk.board.read(store.open_lists)] == ["adding"]
    for name in ("preview", "asked"):  # whose buttons would call whom they called since
        discarded = await desk.board.read(store.get, name)
        assert discarded is not None
        assert discarded.state == "dropped"
    with pytest.raises(CallboardError):
        await calling_lists.give_out(desk.board, "U9", shown.id)
    paused = await desk.board.read(messages.get, "paused")
    assert paused is not None
    assert paused.state == "stopped"
    assert await desk.board.read(offers.going) == []
    await calling_lists.resume(desk.board, "U9", listed.id)
    assert await desk.board.read(offers.going) == []
