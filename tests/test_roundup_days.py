"""Days of calls, invented: told piece by piece and late, faults of Slack and restarts in any order.

Whatever happens, each conversation is told of once, by a message of its own or by one roundup, and a quiet channel is.
"""

import random
import re
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.events import (
    CUSTOMER,
    AnyEvent,
    CallEnded,
    CdrReceived,
    Described,
    Direction,
    LegAnswered,
    LegRinging,
    Outcome,
)
from tests.fake_slack import FakeSlack
from tests.office import LINE, SETTINGS, Office, office
from tests.slack_state import Clock

ZONE = ZoneInfo("Europe/Madrid")
BEGINS = datetime(2026, 2, 2, 17, tzinfo=ZONE).timestamp()
HOURS = 17
FAULTS = ("500", "drop_before", "drop_after", "ratelimited", "internal_error")
MODES = {
    "hourly": 'roundup = "hourly"',
    "daily": 'roundup = "daily"',
    "quiet": 'quiet = ["20:00", "08:00"]',
    "hourly and quiet": 'roundup = "hourly"\nquiet = ["20:30", "07:10"]',
    "daily and quiet": 'roundup = "daily"\nquiet = ["20:00", "08:00"]',
    "another after each restart": "",
}


def pieces(chance: random.Random, ref: str, began: float) -> list[tuple[float, list[AnyEvent]]]:
    """When what is told of a call that somebody answers; at the start, at its end, and by its record."""
    direction: Direction = chance.choice(("in", "out"))
    leg = CUSTOMER if direction == "out" else "ext:201"
    number = f"+120255501{chance.randrange(10, 99)}"
    answered, ended = began + 5, began + 5 + chance.choice((10, 60, 1500))
    told = Described(ref=ref, at=began, source="ring", direction=direction, number=number, line=LINE)
    shift = chance.choice((-6, 0, 0, 6))  # the record knows better when it ended
    record = CdrReceived(
        ref=ref,
        at=began,
        leg=leg,
        outcome=Outcome.ANSWERED,
        ring_seconds=5,
        talk_seconds=round(ended - answered) + shift,
    )
    found: list[tuple[float, list[AnyEvent]]] = [
        (began, [told, LegRinging(ref=ref, at=began, leg=leg)]),
        (answered, [LegAnswered(ref=ref, at=answered, leg=leg)]),
        (ended, [CallEnded(ref=ref, at=ended)]),
        (ended + chance.choice((1, 3, 40, 900, 5000)), [record]),
    ]
    if chance.random() < 0.2:  # its webhooks are lost, or come all at once
        return [(found[-1][0], [event for _, events in found for event in events])]
    return found


def tried(chance: random.Random, ref: str, began: float) -> tuple[float, list[AnyEvent]]:
    """One that nobody answers."""
    told = Described(ref=ref, at=began, source="cdr", direction="in", number="+12025550199", line=LINE)
    missed = CdrReceived(ref=ref, at=began, leg="ext:201", outcome=Outcome.NO_ANSWER, ring_seconds=20)
    return began + 20 + chance.choice((1, 300)), [told, missed, CallEnded(ref=ref, at=began + 20)]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("seed", range(2))
async def test_each_conversation_is_told_of_once(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock, mode: str, seed: int
) -> None:
    chance = random.Random(f"{mode} {seed}")
    slack_clock.now = BEGINS - 60
    moments = [*(BEGINS + chance.randrange(HOURS * 3600) for _ in range(25))]
    # Many at the turn of an hour, where it is easy to be told of twice, or by nobody.
    moments += [BEGINS + 3600 * chance.randrange(1, HOURS) - chance.randrange(90) for _ in range(25)]
    happens = [part for number, began in enumerate(moments) for part in pieces(chance, f"c{number}", began)]
    happens += [tried(chance, f"m{number}", BEGINS + chance.randrange(HOURS * 3600)) for number in range(4)]
    happens += [(BEGINS + 600.0 * step, []) for step in range(6 * (HOURS + 30))]
    happens.sort(key=lambda part: part[0])
    first = 0
    while first < len(happens):
        last = first + chance.randrange(40, 200)
        setting = MODES[mode] or chance.choice([one for one in MODES.values() if "roundup" in one])
        text = SETTINGS.replace('label = "Sales"', f'label = "Sales"\n{setting}')
        async with office(tmp_path, fake_slack, slack_clock, text) as desk:
            for moment, events in happens[first:last]:
                slack_clock.now = max(slack_clock(), moment)
                if events:
                    await desk.board.ingest("voicenter", events)
                if chance.random() < 0.05:
                    fake_slack.fail_next("chat.postMessage", chance.choice(FAULTS))
                if chance.random() < 0.7:  # else the bot is stopped, or Slack is slow
                    await desk.settle()
            if last >= len(happens):
                await desk.settle()
                told(desk, len(moments), quiet=re.search(r'quiet = \["(.*)", "(.*)"\]', MODES[mode]))
        first = last


def told(desk: Office, conversations: int, quiet: "re.Match[str] | None") -> None:
    posted = [one for one in desk.slack.channel("C1") if not one.thread_ts]
    roundups = [one.text for one in posted if one.text.startswith("Calls ")]
    own = [one for one in posted if not one.text.startswith(("Calls ", "☎️"))]
    counted = sum(int(found) for one in roundups for found in re.findall(r"(\d+) (?:answered|reached)", one))
    assert counted + len(own) == conversations
    assert len({one.splitlines()[0] for one in roundups}) == len(roundups) > 0
    if quiet is None:
        assert own == []
        return
    for one in posted:
        clock = f"{datetime.fromtimestamp(float(one.ts), ZONE):%H:%M}"
        assert quiet[2] <= clock < quiet[1], one.text
