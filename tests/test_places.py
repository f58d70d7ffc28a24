"""Stricter rules of some places: whose numbers they hold for, their hours, and how often one number is called there."""

from datetime import UTC, datetime, time
from pathlib import Path

import pytest

from bot import places
from bot.events import CdrReceived, Described, Outcome
from bot.places import DEFAULTS, Place
from bot.policy import decide, waivable
from bot.rules import Allowed, History, NeedsConfirmation, Proposed, Refused, Rules
from bot.settings_reader import load
from bot.window import Window
from tests.fake_slack import FakeSlack
from tests.office import SETTINGS, Office, office
from tests.slack_state import Clock
from tests.test_settings import ENVIRONMENT, MINIMAL, errors, write

FLORIDA, DUBAI, CAPITAL = "+13055550123", "+97142345678", "+12025550123"
RULES = Rules(region="US", countries=frozenset({"US", "AE"}), places=DEFAULTS, window=Window(time(8), time(21)))
ORDER = Proposed(rep="U1", role="rep", number=FLORIDA)
NOON = datetime(2026, 11, 18, 16, 0, tzinfo=UTC)  # 11:00 in Miami, 20:00 in Dubai


@pytest.mark.parametrize(
    ("number", "names"),
    [
        (FLORIDA, ["US-FL"]),
        ("+19045550123", ["US-FL"]),
        (CAPITAL, []),
        ("+13065550123", []),  # Saskatchewan
        (DUBAI, ["AE"]),
        ("+971501234567", ["AE"]),
        ("201", []),
        ("", []),
    ],
)
def test_a_number_is_where_its_country_and_area_code_are(number: str, names: list[str]) -> None:
    assert [name for name, _ in places.of(number, DEFAULTS)] == names


def test_area_codes_may_be_named() -> None:
    named = {"US-OK": Place(area_codes=("405", "539"), calls_per_day=3), "US": Place(hours=("08:00", "21:00"))}
    assert [name for name, _ in places.of("+14055550123", named)] == ["US-OK", "US"]
    assert [name for name, _ in places.of(CAPITAL, named)] == ["US"]


@pytest.mark.parametrize(
    ("base", "hours", "found"),
    [
        (("08:00", "21:00"), ("08:00", "20:00"), ("08:00", "20:00")),
        (("09:00", "18:00"), ("08:00", "20:00"), ("09:00", "18:00")),
        (("00:00", "00:00"), ("08:00", "20:00"), ("08:00", "20:00")),
        (("09:00", "18:00"), ("08:00", "00:00"), ("09:00", "18:00")),
        (("20:00", "00:00"), ("08:00", "18:00"), ("08:00", "18:00")),  # no hour is in both
        (("00:00", "00:00"), ("08:00", "00:00"), ("08:00", "00:00")),
    ],
)
def test_the_hours_of_both_count(base: tuple[str, str], hours: tuple[str, str], found: tuple[str, str]) -> None:
    start, end = map(time.fromisoformat, base)
    there = places.window(Window(start, end), FLORIDA, {"US-FL": Place(hours=hours)})
    assert (there.start, there.end) == tuple(map(time.fromisoformat, found))
    assert places.window(Window(start, end), CAPITAL, {"US-FL": Place(hours=hours)}) == Window(start, end)


def test_nobody_is_called_outside_of_them_unasked() -> None:
    late = datetime(2026, 11, 19, 1, 30, tzinfo=UTC)  # half past eight in the evening in Miami and Washington
    asked = decide(ORDER, RULES, History(), late)
    assert isinstance(asked, NeedsConfirmation)
    assert "calls are meant to be placed between 08:00 and 20:00" in asked.why
    elsewhere = Proposed(rep="U1", role="rep", number=CAPITAL)
    assert decide(elsewhere, RULES, History(), late) == Allowed()
    message = Proposed(rep="U1", role="rep", number=FLORIDA, automatic=True)
    assert isinstance(decide(message, RULES, History(), late), Refused)


@pytest.mark.parametrize(
    ("number", "history", "words"),
    [
        (
            FLORIDA,
            History(called_lately=3),
            "called 3 times within 24 hours, and the rule of US-FL is 3 times at most.",
        ),
        (
            DUBAI,
            History(unanswered_today=1),
            "called once today without reaching anybody, and the rule of AE is once",
        ),
        (
            DUBAI,
            History(unanswered_this_week=2),
            "called twice within seven days without reaching anybody, and the",
        ),
        (FLORIDA, History(called_lately=2, unanswered_today=2, unanswered_this_week=9), ""),
        (DUBAI, History(called_lately=9), ""),
        (CAPITAL, History(called_lately=9, unanswered_today=9), ""),
    ],
)
def test_how_often_one_number_is_called(number: str, history: History, words: str) -> None:
    order = Proposed(rep="U1", role="rep", number=number, confirmed=True)
    found = decide(order, RULES, history, NOON)
    if words:
        assert isinstance(found, Refused)
        assert words in found.why
        assert found.waivable
    else:
        assert found == Allowed()
    listed = Proposed(rep="U1", role="rep", number=number, confirmed=True, from_list=True)
    later = decide(listed, RULES, history, NOON)
    assert not isinstance(later, Refused) or later.next_slot is not None
    assert len(waivable(order, RULES, history, NOON)) == bool(words)
    waived = Proposed(rep="U1", role="rep", number=number, confirmed=True, waived=True)
    assert decide(waived, RULES, history, NOON) == Allowed()


# As it is in the office


@pytest.fixture
async def desk(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock):  # type: ignore[no-untyped-def]
    text = SETTINGS.replace("[policy]", "[policy]\nplaces = { US-FL = { calls_per_day = 2 }, AE = {} }")
    async with office(tmp_path, fake_slack, slack_clock, text) as desk:
        await desk.link("U1")
        await desk.link("U4", "+12025550194")
        yield desk


async def call(desk: Office, user: str = "U1", outcome: Outcome = Outcome.NO_ANSWER) -> str:
    before = len(desk.phone.orders)
    told = await desk.type(f"/call {FLORIDA}", user=user)
    if len(desk.phone.orders) > before:
        ref = f"paper-{len(desk.phone.orders)}"
        await desk.happen(CdrReceived(ref=ref, at=desk.clock(), leg="customer", outcome=outcome))
    desk.clock.advance(60)
    return told


async def test_by_hand_too_whoever_calls_and_a_manager_may_allow_one_more(desk: Office) -> None:
    await call(desk)
    await call(desk, "U4", Outcome.ANSWERED)
    told = await call(desk)
    assert "+1 305-555-0123 was called twice within 24 hours, and the rule of US-FL is twice at most." in told
    assert "ask a manager to allow this one call" in told
    assert len(desk.phone.orders) == 2
    desk.clock.advance(86400)
    await call(desk)
    assert len(desk.phone.orders) == 3


async def test_a_call_that_rang_nobody_does_not_count(desk: Office) -> None:
    for _ in range(3):
        await desk.type(f"/call {FLORIDA}")
        ref = f"paper-{len(desk.phone.orders)}"
        await desk.happen(CdrReceived(ref=ref, at=desk.clock(), leg="rep", outcome=Outcome.NO_ANSWER))
        desk.clock.advance(60)
    assert len(desk.phone.orders) == 3


async def test_whoever_has_called_is_called_back(desk: Office) -> None:
    await call(desk)
    await call(desk)
    told = Described(ref="in-1", at=desk.clock(), source="x", direction="in", number=FLORIDA, line="+12025550100")
    ended = CdrReceived(ref="in-1", at=desk.clock(), leg="ext:201", outcome=Outcome.NO_ANSWER)
    await desk.happen(told, ended)
    await call(desk)
    assert len(desk.phone.orders) == 3


# Settings


def test_places_are_set_beside_those_that_are_known(tmp_path: Path) -> None:
    assert load(ENVIRONMENT, write(tmp_path, MINIMAL)).policy.places == DEFAULTS
    text = f'{MINIMAL}[policy.places]\nAE = {{}}\nUS-OK = {{ area_codes = ["405"], hours = ["08:00", "24:00"] }}\n'
    found = load(ENVIRONMENT, write(tmp_path, text)).policy.places
    assert found["AE"] == Place()
    assert found["US-FL"] == DEFAULTS["US-FL"]
    assert found["US-OK"] == Place(hours=("08:00", "00:00"), area_codes=("405",))
    assert [str(found[name]) for name in ("AE", "US-OK", "US-FL")] == [
        *("as everywhere", "08:00 to 00:00, 405", "08:00 to 20:00, 3 calls in 24 hours"),
    ]


@pytest.mark.parametrize(
    ("places", "words"),
    [
        ("5", "policy.places must have rules for each place"),
        ("{ AE = 1 }", "policy.places must have rules for each place"),
        ("{ XX = {} }", "policy.places.XX: a place begins with a country code of two letters"),
        ("{ US-OK = { calls_per_day = 3 } }", "policy.places.US-OK: say which numbers are there"),
        ("{ US-OK = { area_codes = ['4o5'] } }", "policy.places.US-OK.area_codes must be digits in quotes."),
        ("{ AE = { hours = ['9', '18'] } }", "policy.places.AE.hours must be two times of four digits"),
        ("{ AE = { hours = ['18:00', '09:00'] } }", "policy.places.AE.hours: 09:00 is not after 18:00."),
        ("{ AE = { calls_per_day = -1 } }", "policy.places.AE.calls_per_day must be a whole number, 0 or more."),
        ("{ AE = { calls = 1 } }", "[policy.places.AE] has an unknown setting “calls”."),
    ],
)
def test_what_is_no_place_is_named(tmp_path: Path, places: str, words: str) -> None:
    (found,) = errors(tmp_path, f"{MINIMAL}[policy]\nplaces = {places}\n")
    assert words in found
