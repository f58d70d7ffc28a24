"""A real process that is killed at every commit of a workflow's step: dialled once at most, answered once, no hang."""

import asyncio
import shutil
from pathlib import Path

import pytest
from typing_extensions import override

from tests import slack_requests
from tests.fake_slack_steps import Execution
from tests.test_crash import World, a_world, at_every_commit, linked, records, settled, until
from tests.workflow_desk import CALL


class StepWorld(World):
    """A workflow comes to *Place a call* for U1. Slack tells again what was not acknowledged."""

    @override
    async def command(self, text: str) -> int:
        signed = slack_requests.function_executed(self.slack, CALL, {"rep": "U1", "whom": text}, execution="Fx1")
        return await self.send("/slack/events", *signed)

    @property
    def step(self) -> Execution:
        return self.slack.executions["Fx1"]

    def answers(self) -> list[str]:
        return [request.outcome for request in self.slack.requests if request.method.startswith("functions.")]

    def unclear(self) -> bool:
        return bool(self.query("SELECT 1 FROM calls WHERE state = 'unclear'"))

    def told(self) -> list[tuple[object, ...]]:
        return [*self.query("SELECT * FROM workflow_steps"), *self.query("SELECT id, state, outcome FROM calls")]

    def over(self) -> bool:
        (undone,) = self.query("SELECT count(*) FROM workflow_steps WHERE state <> 'done'")[0]
        return self.step.state != "running" and not undone and settled(self)


async def journey(world: StepWorld) -> None:
    if await world.command("+1 202 555 0123") != 200:
        return
    await until(lambda: not world.alive or world.orders or world.step.state != "running")
    for record in records():
        if world.alive and world.orders:
            await world.tell(record)
    await until(lambda: not world.alive or world.over(), 40)


async def die_and_recover(folder: Path, data: Path, crash_at: str) -> bool:
    """One step with one death; False if it was answered before the death came."""
    shutil.copytree(data, folder / "data")
    async with a_world(folder, StepWorld) as world:
        assert isinstance(world, StepWorld)
        await world.start(crash_at)
        if world.alive:
            await journey(world)
        await world.stop()
        await world.start()
        assert world.alive, (folder / "log").read_text()
        assert await world.command("+1 202 555 0123") == 200  # Slack tells again, also what it need not
        await until(lambda: world.orders or world.unclear() or world.step.state != "running")
        for record in records():
            if world.orders:
                assert await world.tell(record) == 200
        assert await until(lambda: world.over() or (world.unclear() and not world.orders), 60), world.told()
        assert len(world.orders) <= 1
        assert world.answers().count("ok") == (world.step.state != "running")
        if world.orders:
            assert world.step.outputs["outcome"] == "answered"
        elif world.step.state == "failed":
            assert "othing was dialled" in world.step.error
        else:
            assert world.unclear(), "it waits for whoever knows whether anything rang"
        assert world.query("PRAGMA quick_check") == [("ok",)]
        return world.died


@pytest.mark.parametrize("crash_at", ["9:after"])
async def test_killed_at_a_commit(tmp_path: Path, crash_at: str) -> None:
    await die_and_recover(tmp_path / "dying", await linked(tmp_path / "before"), crash_at)


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
async def test_killed_at_every_commit(tmp_path: Path, when: str) -> None:
    data = await linked(tmp_path / "before")
    deaths = await at_every_commit(lambda number: die_and_recover(tmp_path / str(number), data, f"{number}:{when}"))
    assert deaths > 12, "a step has fewer commits than it should"


async def test_killed_while_slack_takes_the_answer(tmp_path: Path) -> None:
    async with a_world(tmp_path, StepWorld) as world:
        assert isinstance(world, StepWorld)
        await world.start()
        hang = world.slack.hang("functions.completeError")
        assert await world.command("+1 202 555 0123") == 200  # U1 has no phone
        await asyncio.wait_for(hang.reached.wait(), 20)
        await world.stop()
        hang.release()
        assert await until(lambda: world.step.state == "failed")
        await world.start()
        assert await until(world.over, 30)
        assert world.answers() == ["ok", "execution_not_in_running_state"]
        assert "does not know your phone" in world.step.error
