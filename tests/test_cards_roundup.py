"""The roundup's message: figures, rows, and whatever outsiders may send."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from bot.call import Call
from bot.cards.roundup import SHOWN, Reading, roundup_card
from bot.events import Outcome, State
from bot.roundups import Kind, Roundup
from tests.card_examples import DANA, LINE, NOW, NUMBER, REP, ZONE, calls, checked, contacts, words

HOUR = Roundup("hourly", "C1", NOW - 3600, NOW, NOW, ("",), ("",))
READING = Reading({NUMBER: DANA}, {REP: "Ada Byron"}, {}, {}, NOW + 20, ZONE, False)


def call(id: str, outcome: Outcome, **more: Any) -> Call:
    usual: dict[str, Any] = {"direction": "in", "number": NUMBER, "line": LINE, "started_at": NOW - 1800}
    return Call(id=id, account="a", state=State.ENDED, outcome=outcome, ended_at=NOW - 1700, **usual | more)


def read(*told: Call, **more: Any) -> list[str]:
    card = checked(roundup_card(HOUR, told, msgspec.structs.replace(READING, **more)))
    return card.text.splitlines()


def test_every_fate_is_counted_once() -> None:
    told = [
        call("1", Outcome.ANSWERED, talk_seconds=70),
        call("2", Outcome.NO_ANSWER),
        call("3", Outcome.VOICEMAIL),
        call("4", Outcome.ABANDONED, unreported="brief"),
        call("5", Outcome.ANNOUNCEMENT),
        call("6", Outcome.PENDING),
        call("7", Outcome.BUSY, direction="out"),
        call("8", Outcome.ANSWERED, direction="out", talk_seconds=5),
    ]
    assert read(*told, waiting={"2": "m1", "3": "m1"})[:4] == [
        "Calls on 4 Mar 2026, 14:00 to 15:00",
        "6 came in: 1 answered, 2 missed, 1 caller still waits, 1 ended with an announcement, "
        "1 not answered and not reported, 1 not known yet.",
        "2 went out: 1 reached.",
        "Talk time: 1 min 15 s.",
    ]
    assert "2 missed, 2 callers still wait," in read(*told, waiting={"2": "m1", "3": "m2"})[1]
    assert "2 missed, nobody waits any more," in read(*told)[1]


def test_a_call_is_a_row() -> None:
    rows = read(
        call("1", Outcome.ANSWERED, rep=REP, talk_seconds=70),
        call("2", Outcome.ANSWERED, rep=REP, direction="out"),
        call("3", Outcome.NO_ANSWER, person="Omer"),
        call("4", Outcome.BUSY, direction="out", line="+12025550198", number=""),
        call("5", Outcome.NO_ANSWER, unreported="brief"),
    )[4:-1]
    who = "Dana Levi (Acme), +1 202-555-0100"  # of the last call nobody need hear
    assert rows == [
        f"14:30 · From {who}: answered by Ada Byron, talked 1 min 10 s, line +1 202-555-0199",
        f"14:30 · To {who} by Ada Byron: answered, line +1 202-555-0199",
        f"14:30 · From {who}: no answer, does not wait any more, line +1 202-555-0199",
        "14:30 · To a number that was not told: busy, line +1 202-555-0198",
    ]
    assert f"14:30 · From {who}: no answer, still waits" in read(call("3", Outcome.NO_ANSWER), waiting={"3": "m1"})


def test_masked_numbers_are_hidden_also_where_they_are_the_name() -> None:
    assert "2025550100" not in "".join(read(call("1", Outcome.ANSWERED, name=NUMBER), masked=True, contacts={}))


def test_of_more_than_one_day_the_days_are_told() -> None:
    night = Roundup("quiet", "C1", NOW - 20 * 3600, NOW - 3600, NOW, ("",), ("",))
    told = [call(str(number), Outcome.ANSWERED, started_at=NOW - 19 * 3600) for number in range(SHOWN + 2)]
    rows = checked(roundup_card(night, told, READING)).text.splitlines()
    assert rows[0] == "Calls from 3 Mar 2026, 19:00 to 4 Mar 2026, 14:00"
    assert rows[2].startswith("3 Mar 2026, 20:00 · From")
    assert rows[-2:] == [
        "and 2 more: `/calls log 2026-03-03..2026-03-04`",
        "As of 4 Mar 2026, 15:00. This channel was quiet meanwhile.",
    ]


def test_without_calls_there_is_nothing_to_tell_nor_of_a_night_of_missed_ones() -> None:
    kinds: tuple[Kind, ...] = ("hourly", "daily", "quiet")
    none = [roundup_card(msgspec.structs.replace(HOUR, kind=kind), [], READING) for kind in kinds]
    assert none == [None, None, None]
    missed = [call("1", Outcome.NO_ANSWER), call("2", Outcome.NO_ANSWER, unreported="line")]
    shown = [roundup_card(msgspec.structs.replace(HOUR, kind=kind), missed, READING) for kind in kinds]
    assert [card is None for card in shown] == [False, False, True]


@given(st.lists(calls, min_size=1, max_size=30), contacts, words, st.booleans(), st.sampled_from(["UTC", ZONE, "?"]))
def test_any_roundup_is_one_that_slack_takes(
    told: list[Call], contact: Any, name: str, masked: bool, zone: str
) -> None:
    known = {one.number: contact for one in told if contact}
    waiting = {one.id: "m1" for one in told[::2]}
    reading = Reading(known, {one.rep: name for one in told}, waiting, {LINE: name}, NOW, zone, masked, "/acme-calls")
    card = roundup_card(HOUR, told, reading)
    if card is None:
        assert all(one.unanswered for one in told)
        return
    checked(card)
    assert "<!" not in card.text
    assert "<@" not in card.text
