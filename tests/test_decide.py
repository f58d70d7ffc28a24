"""Flows: what is answered to a service that asks, and what is said about a flow that is wrong."""

import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import guiding
from bot.decide import decide, mentioned, read
from bot.hooks import Dial, GoTo, HangUp, Menu, Question, RecordMessage, SayDigits
from bot.store import people
from bot.store.people import Person
from tests.fake_slack import FakeSlack
from tests.flows import flows
from tests.office import SETTINGS, office
from tests.slack_state import Clock

LINE = "+12025550100"
WORDS = f"""
[[flow]]
line = "{LINE}"
start = "hello"
closed = "night"
hours = ["09:00", "18:00"]
weekdays = ["mon", "tue"]
[flow.steps.hello]
do = "menu"
sound = "welcome"
choices = {{ "1" = "sales", "2" = "ada", "3" = "code", "" = "sales", "*" = "hello" }}
[flow.steps.sales]
do = "dial"
targets = ["+12025550190", "201"]
if_failed = "night"
[flow.steps.ada]
do = "dial"
targets = ["@U1"]
if_failed = "later"
[flow.steps.code]
do = "say_digits"
say = "405"
choices = {{ "*" = "later" }}
[flow.steps.later]
do = "record"
max_seconds = 60
[flow.steps.night]
do = "hang_up"
sound = "closed"
[[flow]]
start = "pbx"
[flow.steps.pbx]
do = "go_to"
layer = "7"
"""
MONDAY_NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def ask(step: str = "", digits: str = "", line: str = LINE) -> Question:
    return Question(number="+12025550131", asks="next", line=line, step=step, digits=digits)


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        (ask(), Menu),
        (ask("hello", "1"), Dial),
        (ask("hello"), Dial),
        (ask("hello", "9"), Menu),
        (ask("hello", "3"), SayDigits),
        (ask("code", "12"), RecordMessage),
        (ask("", "1"), Dial),  # a service that does not name its steps: digits belong to the first
        (ask(line="+12025550109"), GoTo),
        (ask("nowhere", "1"), type(None)),
    ],
)
def test_each_question_has_its_step(question: Question, kind: type) -> None:
    assert type(decide(question, flows(WORDS), MONDAY_NOON)) is kind


@pytest.mark.parametrize(("hour", "day", "kind"), [(8, 23, HangUp), (9, 23, Menu), (18, 23, HangUp), (12, 25, HangUp)])
def test_closed_hours_have_a_step_of_their_own(hour: int, day: int, kind: type) -> None:
    assert type(decide(ask(), flows(WORDS), MONDAY_NOON.replace(hour=hour, day=day))) is kind


def test_people_are_dialled_at_their_phones_and_left_out_without_one() -> None:
    assert mentioned(flows(WORDS)) == {"@U1"}
    there = decide(ask("hello", "2"), flows(WORDS), MONDAY_NOON, {"@U1": ("204",)})
    assert isinstance(there, Dial)
    assert there.targets == ("204",)
    assert isinstance(decide(ask("hello", "2"), flows(WORDS), MONDAY_NOON, {"@U1": ()}), RecordMessage)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ('[[flow]]\nstart = "a"', "names the step “a”, which is not there"),
        ('[[flow]]\nstart = "a"\n[flow.steps.a]\ndo = "fly"', "must do one of: menu"),
        ('[[flow]]\nstart = "a"\n[flow.steps.a]\ndo = "menu"\nsound = "x"', "has no choices"),
        ('[[flow]]\nstart = "a"\n[flow.steps.a]\ndo = "hang_up"\n[flow.steps.b]\ndo = "hang_up"', "never reached"),
        ('[[flow]]\nstart = "a"\nsteps = 5', "steps are sections, like [flow.steps.a]"),
        ('[[flow]]\nstart = "a"\n[flow.steps]\na = "hang_up"', "step “a” is a section, [flow.steps.a]"),
        ('[[flow]]\nstart = "a"\ncolour = 3\n[flow.steps.a]\ndo = "hang_up"', "it has no colour"),
        ('[[flow]]\nstart = "a"\n[flow.steps.a]\ndo = "hang_up"\nloud = true', "has no loud"),
        ('[[flow]]\nstart = "a"\n[flow.steps.a]\ndo = "dial"\ntargets = "201"', "cannot be read"),
        ('[[flow]]\nstart = "a"\nhours = ["9", "18:00"]\n[flow.steps.a]\ndo = "hang_up"', "“9” is no time"),
        ('[[flow]]\nstart = "a"\nhours = ["22:00", "06:00"]\n[flow.steps.a]\ndo = "hang_up"', "is not after 22:00"),
        ('[[flow]]\nstart = "a"\nhours = ["09:00", "00:00"]\n[flow.steps.a]\ndo = "hang_up"', "midnight is 24:00"),
        ('[[flow]]\nstart = "a"\nweekdays = ["monday"]\n[flow.steps.a]\ndo = "hang_up"', "is no weekday"),
        ('[[flow]]\nstart = "a"\n[flow.steps.a]\ndo = "menu"\nchoices = {"1" = "a"}', "step “a”: Object missing"),
        ('[[flow]]\nstart = "a"\nhours = ["18:00", "09:00"]\n[flow.steps.a]\ndo = "hang_up"', "09:00 is not after 18"),
        ('[[flow]]\nstart = "a"\nhours = ["18:00", "00:00"]\n[flow.steps.a]\ndo = "hang_up"', "midnight is 24:00"),
        ('[[flow]]\nstart = "a"\n[flow.steps.a]\ndo = "dial"\ntargets = ["@ada", "201"]', "“@ada” is neither"),
        ("flow = 3", "must be a list"),
    ],
)
def test_a_wrong_flow_is_said_at_the_start(words: str, told: str) -> None:
    _, errors = read(tomllib.loads(words)["flow"])
    assert any(told in error for error in errors), errors


nonsense = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["start", "steps", "do", "a"]), inner),
    max_leaves=8,
)


@given(nonsense, st.text(max_size=3), st.text(max_size=3))
def test_whatever_is_written_and_asked_nothing_is_raised(table: Any, step: str, digits: str) -> None:
    found, errors = read([table])
    assert found or errors
    decide(ask(step, digits, ""), found, MONDAY_NOON)
    assert decide(ask(step, digits), flows(WORDS), MONDAY_NOON) is None or digits or not step or step == "hello"


async def test_a_question_is_answered_from_the_flows(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> None:
    words = '[[flow]]\nstart = "a"\n[flow.steps.a]\ndo = "dial"\ntargets = ["@U1", "201"]\n'
    async with office(tmp_path, fake_slack, slack_clock, SETTINGS + words) as desk:
        await desk.board.write(people.save_person, Person("U1", phone_kind="number", phone="+12025550190"))
        step = await guiding._next(desk.board, ask(), "voicenter")
        assert isinstance(step, Dial)
        assert step.targets == ("+12025550190", "201")
