"""Services that ask what to do with a call: answered in time whatever our database does, and shown in the thread."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot import guiding, jobs
from bot.decide import mentioned, read
from bot.events import Described, LegAnswered, LegRinging
from bot.hooks import Dial, Question
from bot.polling import Poll
from bot.providers.voicenter import Voicenter
from bot.store import ledger, people
from bot.store.people import Person
from handlers import groups
from tests.fake_slack import FakeSlack
from tests.office import ENVIRONMENT, LINE, SETTINGS, Office, office
from tests.slack_state import Clock

HOOK = f"/hooks/voicenter/{ENVIRONMENT['CALLBOARD_HOOK_SECRET']}"
REF = "20231114221320sim00000000000000a"
FLOW = """
[[flow]]
start = "hello"
[flow.steps.hello]
do = "menu"
sound = "welcome"
choices = { "1" = "sales", "2" = "team", "3" = "broken", "9" = "hello", "" = "bye" }
[flow.steps.sales]
do = "dial"
targets = ["AAPINFzL", "BBPINFzM"]
[flow.steps.team]
do = "dial"
targets = ["@S1"]
if_failed = "bye"
[flow.steps.broken]
do = "go_to"
layer = "nowhere"
[flow.steps.bye]
do = "hang_up"
sound = "bye"
"""


@pytest.fixture
async def desk(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> AsyncIterator[Office]:
    """The office with a real provider behind the hook, and the flow."""
    async with office(tmp_path, fake_slack, slack_clock, SETTINGS + FLOW) as opened:
        provider = Voicenter("voicenter", {"code": "CODE-SECRET"}, opened.phone.http, "US")
        opened.board.providers = {"voicenter": provider}
        yield opened


async def ask(desk: Office, menu: str = "-1", digits: str = "", previous: str = "-1", ref: str = REF) -> dict[str, Any]:
    data = {"DID": LINE.lstrip("+"), "CALLER_ID": "12025550155", "CALLER_NAME": "", "IVR_UNIQUE_ID": ref}
    data |= {"DTMF": digits, "MENU": menu, "PREVIOUS_MENU": previous}
    answer = await desk.http.post(f"{HOOK}/ivr", json={"METHOD": "GET_IVR_ACTION", "DATA": data})
    assert answer.status_code == 200
    return dict(answer.json())


def thread(desk: Office) -> list[str]:
    return [message.text for message in desk.slack.channels["C1"].messages if message.thread_ts]


async def test_every_step_shows_in_the_callers_thread(desk: Office) -> None:
    await ask(desk)
    await ask(desk, "hello", "9")
    await ask(desk, "hello", "1", "hello")
    await ask(desk, "sales|AAPINFzL", "", "hello")
    await desk.settle()
    assert thread(desk) == [
        "The menu “hello” is played.",
        "Keyed 9, the menu “hello” is played.",
        "Keyed 1, put through to “sales”.",
        "Not answered, put through to “sales”.",
    ]
    (call,) = await desk.calls()
    assert (call.direction, call.number, call.line, call.heard) == ("in", "+12025550155", LINE, ("9", "1"))
    assert call.live


async def test_a_question_that_comes_twice_is_one_step(desk: Office) -> None:
    for _ in range(3):
        assert (await ask(desk, "hello", "1"))["ACTION"] == "CALL"
        desk.clock.advance(1)
    await desk.settle()
    assert thread(desk) == ["Keyed 1, put through to “sales”."]


async def test_what_no_flow_knows_is_told_too(desk: Office) -> None:
    told = await ask(desk, "hello", "7")
    assert (told["STATUS"], told["DATA"]) == (1, {"HANGUP_CAUSE": 41})
    await desk.settle()
    assert thread(desk) == [
        "Keyed 7, no step of a flow could be taken, so the phone service goes on as it is set up there.",
    ]


async def test_a_step_that_cannot_be_said_is_answered_with_the_default_and_told_to_the_admins(desk: Office) -> None:
    for number in range(2):
        told = await ask(desk, "hello", "3", ref=f"{REF[:-1]}{number}")
        assert (told["STATUS"], told["DATA"]) == (1, {"HANGUP_CAUSE": 41})
    await desk.settle()
    (message,) = desk.conversation("U9")
    assert "A flow of callboard.toml failed at its step “broken”" in message.text
    assert "layers are numbers, and “nowhere” is none" in message.text


async def test_a_rule_that_breaks_is_answered_with_the_default_and_told_to_the_admins(desk: Office) -> None:
    desk.board.settings = replace(desk.board.settings, flows=(7,))  # type: ignore[arg-type]
    told = await ask(desk)
    assert (told["STATUS"], told["ACTION"]) == (1, "HANGUP")
    await desk.settle()
    (message,) = desk.conversation("U9")
    assert "A flow of callboard.toml failed, so Voicenter went on as it is set up there." in message.text


async def test_a_caller_is_answered_while_the_database_is_held_up_and_nothing_is_lost(desk: Office) -> None:
    desk.board.answer_seconds = 0.01
    async with desk.writer_held_up():
        assert (await ask(desk))["ACTION"] == "MENU"
        assert (await ask(desk, "hello", "3"))["STATUS"] == 1
        assert desk.board.tasks  # what was told still waits for the writer
    await desk.settle()
    assert thread(desk)[0] == "The menu “hello” is played."
    assert len(thread(desk)) == 2
    assert [key for key, *_ in await desk.board.read(ledger.problems)] == ["flow"]


async def test_a_caller_is_answered_when_nothing_can_be_read(desk: Office) -> None:
    desk.board.answer_seconds = 0.01
    reading, go_on = threading.Event(), threading.Event()

    async def held_up(work: Any, *args: Any, **kwargs: Any) -> Any:
        reading.set()
        await asyncio.to_thread(go_on.wait, 20)

    usual, desk.board.read = desk.board.read, held_up  # type: ignore[method-assign]
    assert (await ask(desk, "hello", "2"))["ACTION"] == "HANGUP"  # nobody of the team is known, so the next step
    assert reading.is_set()
    go_on.set()
    desk.board.read = usual  # type: ignore[method-assign]


async def test_a_caller_is_answered_when_nothing_can_be_stored(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(work: object) -> object:
        raise sqlite3.DatabaseError("database disk image is malformed")

    with monkeypatch.context() as patch:
        patch.setattr(desk.board.db, "write", broken)
        assert (await ask(desk))["ACTION"] == "MENU"


async def test_a_call_that_is_asked_about_is_not_silent(desk: Office) -> None:
    await ask(desk)
    desk.clock.advance(jobs.SILENT_SECONDS - 10)
    await ask(desk, "hello", "9")
    desk.clock.advance(jobs.SILENT_SECONDS - 10)
    await jobs.finish_silent(desk.board)
    assert (await desk.calls())[0].live
    desk.clock.advance(20)
    await jobs.finish_silent(desk.board)
    assert not (await desk.calls())[0].live


async def test_what_a_question_tells_is_kept_also_where_the_disk_is_full_for_a_while(
    desk: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is answered, so nobody tells it a second time."""
    tries: list[float] = []

    async def full(work: object) -> object:
        raise sqlite3.OperationalError("database or disk is full")

    async def sleep(seconds: float) -> None:
        tries.append(seconds)
        if len(tries) == 3:
            monkeypatch.undo()
        await asyncio.sleep(0)

    monkeypatch.setattr(desk.board.db, "write", full)
    desk.board.sleep = sleep
    assert await ask(desk)
    await desk.board.settle()
    (call,) = await desk.calls()
    assert (call.number, call.guided_at > 0) == ("+12025550155", True)


def test_the_strictest_service_waits_longer_than_we_do(desk: Office) -> None:
    assert 2 * desk.board.answer_seconds < 3


async def team(desk: Office) -> tuple[str, ...]:
    question = Question(number="+12025550155", asks="next", line=LINE, step="hello", digits="2")
    step = await guiding._next(desk.board, question, "voicenter")
    return step.targets if isinstance(step, Dial) else ()


async def test_a_user_group_is_whoever_is_on_no_call(desk: Office) -> None:
    desk.slack.groups["S1"] = ["U1", "U2", "U4", "U7"]
    await desk.board.write(people.save_person, Person("U1", phone_kind="number", phone="+12025550190"))
    await desk.board.write(people.save_person, Person("U2", phone_kind="extension", phone="B", extension="BBPINFzM"))
    assert await team(desk) == ()  # not read from Slack yet
    await groups.refresh(desk.desk)
    assert await team(desk) == ("+12025550190", "BBPINFzM")
    rings = LegRinging(ref="r1", at=desk.clock(), leg="ext:BBPINFzM")
    told = Described(ref="r1", at=desk.clock(), source="popup", direction="in", extension="BBPINFzM")
    await desk.happen(rings, told)
    assert await team(desk) == ("+12025550190", "BBPINFzM")
    await desk.happen(LegAnswered(ref="r1", at=desk.clock(), leg="ext:BBPINFzM"))
    assert await team(desk) == ("+12025550190",)


@pytest.mark.parametrize(
    ("ada", "rung"),
    [
        ({"phone_kind": "extension", "phone": "201", "extension": "AAP"}, ["AAP"]),
        # Whoever is named in a flow says by which code they are rung: no number that the company pays for.
        ({"phone_kind": "extension", "phone": "201", "extension": "0019005550123"}, ["201"]),
        ({"phone_kind": "extension", "phone": "0019005550123", "extension": "911"}, []),
        ({"phone_kind": "number", "phone": "+12025550190"}, ["+12025550190"]),
        ({"phone_kind": "number", "phone": "+972505550190"}, ["+972505550190"]),
        ({"phone_kind": "number", "phone": "+905550000001"}, []),  # of a country that may not be called any more
        ({"phone_kind": "number", "phone": "+19005550123"}, []),
        ({"phone_kind": "number", "phone": LINE}, []),  # the flow would call itself
    ],
)
async def test_a_flow_rings_nobodys_phone_that_may_not_be_rung(
    desk: Office, ada: dict[str, Any], rung: list[str]
) -> None:
    await desk.board.write(people.save_person, Person("U1", account="voicenter", **ada))
    await desk.board.write(ledger.remember, f"{guiding.GROUP}S1", '["U1"]', 0.0)
    assert list(await team(desk)) == rung


async def test_a_flow_rings_nobody_who_has_left(desk: Office) -> None:
    await desk.board.write(people.save_person, Person("U1", phone_kind="number", phone="+12025550190"))
    await desk.board.write(ledger.remember, f"{guiding.GROUP}S1", '["U1"]', 0.0)
    desk.board.outsiders.add("U1")
    assert await team(desk) == ()


@pytest.mark.parametrize(
    ("scopes", "group", "advice"),
    [(("usergroups:read",), "S1", "Install the app again"), ((), "S2", "Correct it in callboard.toml")],
)
async def test_a_group_that_cannot_be_read_is_a_problem_and_its_last_members_stay(
    desk: Office, scopes: tuple[str, ...], group: str, advice: str
) -> None:
    desk.slack.groups["S1"] = ["U1"]
    await groups.refresh(desk.desk)
    desk.slack.scopes -= set(scopes)
    desk.slack.groups = {group: ["U2"]}
    await groups.refresh(desk.desk)
    ((_, text, *_),) = await desk.board.read(ledger.problems)
    assert "so its calls go to those last known" in text
    assert advice in text
    assert await desk.board.read(guiding.members_of, "S1") == ("U1",)
    desk.slack.scopes |= set(scopes)
    desk.slack.groups = {"S1": ["U2"]}
    await groups.refresh(desk.desk)
    assert await desk.board.read(ledger.problems) == []
    assert await desk.board.read(guiding.members_of, "S1") == ("U2",)


async def test_a_call_in_a_menu_is_not_taken_for_over(desk: Office) -> None:
    """A dial failed and the menu is played again: the caller is on no phone, and yet on the line."""
    await ask(desk)
    at = desk.clock()
    await desk.happen(LegRinging(ref=REF, at=at, leg="ext:AAPINFzL"))
    await ask(desk, "sales|AAPINFzL")

    async def nothing() -> tuple[()]:
        return ()

    desk.board.providers["voicenter"].active_calls = nothing  # type: ignore[method-assign]
    poll = Poll(desk.board)
    for _ in range(4):
        await poll()
    (call,) = await desk.calls()
    assert call.live


def test_flows_name_groups() -> None:
    found, errors = read([{"start": "a", "steps": {"a": {"do": "dial", "targets": ["@S1", "@U1", "201"]}}}])
    assert errors == []
    assert mentioned(found) == {"@S1", "@U1"}
