"""Of a campaign's calls that are picked up some meet nobody who is free: they are counted, told of, and stop it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.abandoned import Abandoned
from bot.errors import Unavailable
from bot.events import CUSTOMER, CdrReceived, Described, Outcome
from bot.settings_reader import load
from tests.audit_lines import audit_log
from tests.dialer import SALE, Dialer, dialer
from tests.fake_slack import FakeSlack
from tests.office import Office, office
from tests.slack_state import Clock
from tests.test_settings import ENVIRONMENT, MINIMAL, errors, write

FIRST = 12025550100


@pytest.fixture
async def desk(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> AsyncIterator[Office]:
    async with office(tmp_path, fake_slack, slack_clock, kind=Dialer) as desk:
        await desk.link("U1")
        dialer(desk).sheets[SALE].state = "running"
        yield desk


async def fill(desk: Office, count: int = 99) -> None:
    """Numbers that were added to the campaign."""
    await desk.type("/campaign upload spring sale", user="U2")
    rows = "number\n" + "".join(f"+{FIRST + at}\n" for at in range(count))
    assert await desk.submit({"rows": rows}, user="U2") == {}
    (card,) = [message for message in desk.conversation("U2") if message.text.startswith("Calls for")]
    desk.clock.advance(2)
    await desk.press("campaign:add_rows", card, desk.slack.open_dm("U2").id, user="U2")
    desk.clock.advance(2)
    await desk.settle()
    assert len(dialer(desk).sheets[SALE].calls) == count


async def dialled(desk: Office, outcome: Outcome, *numbers: int) -> None:
    """The service's dialer has called these."""
    for at in numbers:
        ref = f"dialer-{at}-{desk.clock()}"
        told = Described(ref=ref, at=desk.clock(), source="cdr:customer", direction="out", number=f"+{FIRST + at}")
        talked = 30 if outcome is Outcome.ANSWERED else 0
        ended = CdrReceived(ref=ref, at=desk.clock(), leg=CUSTOMER, outcome=outcome, talk_seconds=talked)
        await desk.happen(told, ended)


def told(desk: Office, user: str = "U2") -> list[str]:
    return [message.text for message in desk.conversation(user) if "met nobody who was free" in message.text]


async def look(desk: Office, meter: Abandoned) -> None:
    await meter()
    await desk.settle()


def stops(desk: Office) -> int:
    return len(dialer(desk).orders_of("stop_campaign"))


async def test_before_it_is_too_many_the_campaign_is_stopped_and_managers_and_admins_hear_of_it(desk: Office) -> None:
    meter = Abandoned(desk.board)
    await fill(desk)
    await dialled(desk, Outcome.ANSWERED, *range(60))
    await dialled(desk, Outcome.ABANDONED, 60, 61)
    await look(desk, meter)
    assert (stops(desk), told(desk)) == (0, []), "two of sixty-two are more than 2.5 %, but only two"
    await dialled(desk, Outcome.ABANDONED, 62)
    await look(desk, meter)
    assert stops(desk) == 1
    assert dialer(desk).sheets[SALE].state == "stopped"
    for user in ("U2", "U9"):
        (words,) = told(desk, user)
        assert words.startswith("3 calls of 63 that were picked up in 30 days in the campaign Spring sale met nobody")
        assert "4.8 %, and `abandoned_percent` allows 2.5 %. It was stopped. Let it dial fewer" in words
    lines = [line[1:] for line in await desk.board.read(audit_log)]
    assert ("", "stop campaign", "Spring sale", "voicenter: Spring sale 3 of 63 abandoned") in lines
    shown = await desk.type("/campaign results Spring sale")
    assert "Met nobody who was free: 3 of 63 who picked up in 30 days, 4.8 %." in shown
    await dialled(desk, Outcome.ABANDONED, 63)  # calls that ran
    await look(desk, meter)
    assert (stops(desk), len(told(desk))) == (1, 1)


async def test_few_of_many_are_fine_and_so_are_those_who_were_not_reached(desk: Office) -> None:
    meter = Abandoned(desk.board)
    policy = replace(desk.board.settings.policy, abandoned_percent=5.0)
    desk.board.settings = replace(desk.board.settings, policy=policy)
    await fill(desk)
    await dialled(desk, Outcome.ANSWERED, *range(70))
    await dialled(desk, Outcome.NO_ANSWER, *range(70, 90))
    await dialled(desk, Outcome.ABANDONED, 90, 91, 92)
    await look(desk, meter)
    assert stops(desk) == 0


async def test_what_people_dial_themselves_is_not_the_campaigns(desk: Office) -> None:
    meter = Abandoned(desk.board)
    await fill(desk, 20)
    await desk.type(f"/call +{FIRST + 1}")
    await desk.happen(CdrReceived(ref="paper-1", at=desk.clock(), leg=CUSTOMER, outcome=Outcome.ABANDONED))
    await dialled(desk, Outcome.ABANDONED, 2, 3)
    await look(desk, meter)
    assert stops(desk) == 0
    assert "2 of 2 who picked up" in await desk.type("/campaign results Spring sale")


async def test_what_is_older_counts_no_more(desk: Office) -> None:
    meter = Abandoned(desk.board)
    await fill(desk, 20)
    await dialled(desk, Outcome.ABANDONED, 1, 2)
    desk.clock.advance(31 * 86400)
    await dialled(desk, Outcome.ABANDONED, 3)
    await look(desk, meter)
    assert stops(desk) == 0


async def test_one_that_is_started_again_is_stopped_again_and_told_again(desk: Office) -> None:
    meter = Abandoned(desk.board)
    await fill(desk, 20)
    for at in range(3):
        await dialled(desk, Outcome.ABANDONED, at)
    await look(desk, meter)
    dialer(desk).sheets[SALE].state = "running"
    desk.clock.advance(60)
    await dialled(desk, Outcome.ABANDONED, 4)
    await look(desk, meter)
    assert (stops(desk), len(told(desk))) == (2, 2)


async def test_where_it_cannot_be_stopped_it_is_said_once_a_day(desk: Office) -> None:
    meter = Abandoned(desk.board)
    await fill(desk, 20)
    dialer(desk).faults["stop_campaign"] = [Unavailable("Paperphone was not reached.") for _ in range(2)]
    for at in range(4):
        await dialled(desk, Outcome.ABANDONED, at)
        await look(desk, meter)
    (words,) = told(desk)
    assert "Stopping it did not work: Paperphone was not reached. Stop it by hand." in words
    desk.clock.advance(86400)
    await dialled(desk, Outcome.ABANDONED, 5)
    await look(desk, meter)
    assert "It was stopped." in told(desk)[-1]


@pytest.mark.parametrize(("percent", "stop", "words"), [(0.0, True, 0), (2.5, False, 1)])
async def test_it_may_be_told_only_or_not_be_watched(desk: Office, percent: float, stop: bool, words: int) -> None:
    meter = Abandoned(desk.board)
    policy = replace(desk.board.settings.policy, abandoned_percent=percent, abandoned_stops=stop)
    desk.board.settings = replace(desk.board.settings, policy=policy)
    await fill(desk, 20)
    await dialled(desk, Outcome.ABANDONED, 1, 2, 3)
    await look(desk, meter)
    assert (stops(desk), len(told(desk))) == (0, words)


def test_the_figures_are_settings(tmp_path: Path) -> None:
    text = f"{MINIMAL}[policy]\nabandoned_percent = 3\nabandoned_days = 1\nabandoned_stops = false\n"
    policy = load(ENVIRONMENT, write(tmp_path, text)).policy
    assert (policy.abandoned_percent, policy.abandoned_days, policy.abandoned_stops) == (3.0, 1, False)
    for wrong in ("-1", "101", '"3"', "true"):
        (found,) = errors(tmp_path, f"{MINIMAL}[policy]\nabandoned_percent = {wrong}\n")
        assert found == "policy.abandoned_percent must be a number from 0, which is no watch, to 100."
