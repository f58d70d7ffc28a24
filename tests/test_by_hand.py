"""A call that was made elsewhere: its events make a finished call, whatever is told of it; when it was."""

from datetime import datetime
from itertools import permutations
from zoneinfo import ZoneInfo

import pytest

from bot.by_hand import BY_HAND, HandMade, began, events, minutes
from bot.call import Call
from bot.errors import BadInput
from bot.events import Direction, Outcome, State
from bot.fold import fold
from bot.providers import NAMES
from bot.settings_reader import _NAME

NOW = 1_770_000_000.0
MADRID = "Europe/Madrid"
"""03:40 on Monday, 2 February 2026."""


def call(direction: Direction, talked: int, **more: str) -> Call:
    made = HandMade("U1", direction, "+12025550123", NOW - 1000, talked, **more)
    return fold("c1", BY_HAND, events(made, NOW))


def test_no_configured_account_can_have_its_name() -> None:
    assert _NAME.fullmatch(BY_HAND) is None
    assert all(_NAME.fullmatch(name) for name in NAMES)


@pytest.mark.parametrize("talked", [0, 60])
@pytest.mark.parametrize("direction", ["in", "out"])
def test_it_is_over_when_it_is_written_down(direction: Direction, talked: int) -> None:
    found = call(direction, talked, line="+12025550100", name="Dana Levi", note="papers", disposition="Sold")
    assert found.state is State.ENDED
    assert found.outcome is (Outcome.ANSWERED if talked else Outcome.NO_ANSWER)
    assert (found.started_at, found.ended_at, found.talk_seconds) == (NOW - 1000, NOW - 1000 + talked, talked)
    assert found.answered_at == (NOW - 1000 if talked else 0)
    assert (found.direction, found.number, found.line, found.name) == (
        *(direction, "+12025550123", "+12025550100", "Dana Levi"),
    )
    assert (found.note, found.disposition) == ("Recorded by hand: papers", "Sold")
    assert (found.by_hand, found.refs, found.rep_phone, found.ours) == (True, (), "", False)
    assert found.missed == (direction == "in" and not talked)
    assert found.rep == ("" if found.missed else "U1"), "a missed call is nobody's"


@pytest.mark.parametrize("direction", ["in", "out"])
def test_in_whatever_order_it_is_told(direction: Direction) -> None:
    told = events(HandMade("U1", direction, "+12025550123", NOW - 1000, 60), NOW)
    assert {fold("c1", BY_HAND, order) for order in permutations(told)} == {call(direction, 60)}


@pytest.mark.parametrize(
    ("text", "found"), [("5", 5), ("0", 0), (" 12 ", 12), ("5m", 5), ("20 min", 20), ("3 minutes", 3), ("1440", 1440)]
)
def test_minutes(text: str, found: int) -> None:
    assert minutes(text) == found


@pytest.mark.parametrize("text", ["", "soon", "-1", "1.5", "1441", "99999", "5 h", "²"])
def test_what_are_no_minutes(text: str) -> None:
    with pytest.raises(BadInput, match=r"\.$"):
        minutes(text)


@pytest.mark.parametrize(
    ("day", "clock", "talked", "when"),
    [
        ("", "", 300, "2026-02-02 03:35"),
        ("2026-02-02", "", 0, "2026-02-02 03:40"),
        ("", "03:10", 300, "2026-02-02 03:10"),
        ("2026-01-30", "3.05", 60, "2026-01-30 03:05"),
        ("2026-01-30", "3:05 pm", 60, "2026-01-30 15:05"),
        ("2026-02-02", "03:40", 0, "2026-02-02 03:40"),
        ("2026-02-02", "03:36", 300, "2026-02-02 03:35"),  # whole minutes: it ended just now
        ("2025-10-26", "02:30", 60, "2025-10-26 02:30"),  # twice that night
        ("2025-03-30", "02:30", 60, "2025-03-30 03:00"),  # never that night
    ],
)
def test_when_it_began(day: str, clock: str, talked: int, when: str) -> None:
    found = began(day, clock, talked, NOW, MADRID)
    assert f"{datetime.fromtimestamp(found, ZoneInfo(MADRID)):%Y-%m-%d %H:%M}" == when
    assert found + talked <= NOW


@pytest.mark.parametrize(
    ("day", "clock", "talked", "words"),
    [
        ("2026-02-03", "", 0, "day has not come yet"),
        ("", "03:41", 0, "time has not come yet"),
        ("", "03:38", 300, "would not be over yet"),
        ("2026-02-01", "", 0, "at what time"),
        ("2024-02-01", "10:00", 0, "more than a year ago"),
        ("tomorrow", "10:00", 0, "not a date"),
        ("", "24:00", 0, "not a time of day"),
        ("", "ten", 0, "not a time of day"),
    ],
)
def test_when_it_cannot_have_begun(day: str, clock: str, talked: int, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        began(day, clock, talked, NOW, MADRID)
