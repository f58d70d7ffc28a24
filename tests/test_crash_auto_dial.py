"""A real process that is killed at every commit while it works through a call list by auto-dial: nobody is called
twice, and a contact is either dealt with or before the rep, who is told why it does not go on."""

import shutil
import sqlite3
import time
from pathlib import Path

import msgspec
import pytest

from bot.bulk import Row
from bot.orders import CampaignCall
from bot.store import calling_lists, offers
from bot.store.calling_lists import CallingList
from tests.test_crash import REF, World, a_world, at_every_commit, linked, settled, until

NUMBER = "+12025550123"


async def prepared(folder: Path) -> Path:
    """The data of a Callboard whose rep U1 has switched auto-dial on and has a contact before them."""
    data, now = await linked(folder), time.time()
    row = Row(2, "ready", NUMBER, "", CampaignCall(number=NUMBER, name="Noa Green"))
    with sqlite3.connect(data / "callboard.sqlite") as db:
        found = CallingList("l1", "Autumn offers", "autumn.csv", "U2", now, "running", now)
        assert calling_lists.create(db, found, ["U1"], [msgspec.json.encode([row])])
        contact = offers.get(db, "l1", 2)
        assert contact is not None
        offers.offer(db, contact, "U1", now)
        assert offers.go_by_itself(db, "l1", "U1", 0, now)
        shown = offers.rep(db, "l1", "U1")
        assert shown is not None
        offers.show(db, shown, now)
    db.close()
    return data


async def not_reached(world: World) -> bool:
    """The phone service tells that the rep picked up and nobody else did. False: Callboard died over it."""
    common = {"time": int(time.time()), "did": "12025550100", "ivruniqueid": REF, "dialtime": 4}
    common |= {"caller": "12025550190", "target": NUMBER[1:]}
    for leg, status, seconds in ((1, "ANSWER", 20), (2, "NOANSWER", 0)):
        if await world.tell({"type": f"Click2Call leg{leg}", "status": status, "duration": seconds} | common) != 200:
            return False
    return True


def over(world: World) -> bool:
    """The list is done, or auto-dial is off and says why; nothing is on its way."""
    ((state, auto, words),) = world.query(
        "SELECT l.state, r.auto, r.words FROM calling_lists l JOIN calling_list_reps r ON r.list = l.id"
    )
    return (state == "done" or bool(not auto and words)) and settled(world)


async def die_and_recover(folder: Path, data: Path, crash_at: str) -> bool:
    """One contact with one death; False if it was done with before the death came."""
    shutil.copytree(data, folder / "data")
    async with a_world(folder) as world:
        await world.start(crash_at)
        heard = False
        if await until(lambda: not world.alive or (world.orders and settled(world))) and world.alive:
            heard = await not_reached(world)
            await until(lambda: not world.alive or over(world))
        await world.stop()
        await world.start()
        assert world.alive, (folder / "log").read_text()
        assert await until(lambda: world.orders or over(world)), world.query("SELECT * FROM calling_list_rows")
        if not heard:
            assert await until(lambda: settled(world))
            assert await not_reached(world) or not world.orders
        assert await until(lambda: over(world), 30), world.query("SELECT * FROM calling_list_rows")
        assert len(world.orders) <= 1
        ((row, list_state),) = world.query(
            "SELECT r.state, l.state FROM calling_list_rows r JOIN calling_lists l ON l.id = r.list"
        )
        assert (row, list_state) in (("done", "done"), ("calling", "running"), ("offered", "running"))
        shown = [message.text for message in world.slack.dm("U1") if message.text.startswith("Call list")]
        assert len(shown) == 1, shown
        assert ("Everybody of this list is done" in shown[0]) or ("Auto-dial is off." in shown[0]), shown
        assert world.query("PRAGMA quick_check") == [("ok",)]
        return world.died


@pytest.mark.slow
async def test_killed_at_every_commit(tmp_path: Path) -> None:
    """Before one and after the next in turn, for each takes seconds: auto-dial looks every other second."""
    data = await prepared(tmp_path / "before")
    when = ("after", "before")
    deaths = await at_every_commit(
        lambda number: die_and_recover(tmp_path / str(number), data, f"{number}:{when[number % 2]}")
    )
    assert deaths > 12, "a contact has fewer commits than it should"


@pytest.mark.slow
async def test_a_contact_by_auto_dial(tmp_path: Path) -> None:
    assert not await die_and_recover(tmp_path / "living", await prepared(tmp_path / "before"), "")
