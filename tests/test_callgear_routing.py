"""A CallGear scenario asks Callboard over HTTP, and is answered whatever goes wrong behind the scenes."""

import dataclasses
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, ClassVar, cast

import pytest

from bot.decide import Flow
from bot.providers.callgear import CallGear
from bot.store import ledger, people
from bot.store.people import Person
from tests.fake_slack import FakeSlack
from tests.office import SETTINGS, Office, no_wire, office
from tests.slack_state import Clock

FLOW = """
[[flow]]
start = "hello"
[flow.steps.hello]
do = "menu"
sound = "welcome"
choices = { "1" = "ada", "" = "front", "*" = "code" }
[flow.steps.ada]
do = "dial"
targets = ["@U1", "@U2", "201"]
[flow.steps.front]
do = "dial"
targets = ["@U1"]
if_failed = "code"
[flow.steps.code]
do = "say_digits"
say = "405"
choices = { "*" = "hello" }
"""


@pytest.fixture
async def desk(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> AsyncIterator[Office]:
    async with office(tmp_path, fake_slack, slack_clock, SETTINGS + FLOW) as desk:
        http = no_wire()
        callgear = CallGear("callgear", {"access_token": "KEY-SECRET"}, http, "US")
        desk.board.providers = {**desk.board.providers, "callgear": callgear}
        yield desk
        await http.aclose()


async def ask(desk: Office, *, method: str = "GET", **told: str) -> dict[str, Any]:
    """What the scenario is told."""
    told = {"numa": "12025550131", "numb": "12025550100", "cdr_id": "5", **told}
    parts: dict[str, Any] = {"params": told} if method == "GET" else {"data": told}
    answer = await desk.http.request(method, "/hooks/callgear/hook-secret-for-tests/route", **parts)
    assert answer.status_code == 200
    return dict(answer.json())


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_the_flow_answers(desk: Office, method: str) -> None:
    await desk.link("U1")
    await desk.board.write(people.save_person, Person("U2", phone_kind="extension", phone="77", account="voicenter"))
    assert await ask(desk, method=method, input_result="None") == {"returned_code": "hello"}
    # The phone of U2 is an extension of another service.
    assert await ask(desk, method=method, input_result="1") == {"phones": ["12025550190", "201"]}
    assert await ask(desk, method=method, input_result="1", step="hello") == {"phones": ["12025550190", "201"]}
    assert await ask(desk, method=method, input_result="9", step="hello") == {"text": "4 0 5"}
    assert await ask(desk, method=method, input_result="None", step="hello") == {"phones": ["12025550190"]}


async def test_nobody_has_a_phone(desk: Office) -> None:
    assert await ask(desk, step="hello") == {"text": "4 0 5"}


async def test_a_question_is_answered_when_the_database_does_not(desk: Office) -> None:
    await desk.link("U1")
    board, read = desk.board, desk.board.read

    async def busy(*_: Any, **__: Any) -> Any:
        raise sqlite3.OperationalError("database is locked")

    board.read = busy  # type: ignore[method-assign]  # a disk that fails
    try:
        told = await ask(desk, input_result="1")
    finally:
        board.read = read  # type: ignore[method-assign]
    assert told == {"phones": ["201"]}  # people are left out, because nobody knows their phones now


async def test_a_rule_that_fails_leaves_it_to_the_scenario_and_is_told_to_the_admins(desk: Office) -> None:
    desk.board.settings = dataclasses.replace(desk.board.settings, flows=())
    assert await ask(desk) == {}  # no flow: the scenario goes on as it is configured
    desk.board.settings = dataclasses.replace(desk.board.settings, flows=(cast(Flow, Fragile()),))
    assert await ask(desk) == {}
    assert await ask(desk) == {}
    await desk.settle()
    assert [key for key, *_ in await desk.board.read(ledger.problems)] == ["flow"]
    told = [message.text for message in desk.conversation("U9")]
    assert [text for text in told if "A flow of callboard.toml failed" in text] == told[-1:]


class Fragile:
    """A flow that fails when it is followed, not when it is read."""

    line = ""
    steps: ClassVar[dict[str, Any]] = {}
