"""Calls controlled, led and made by campaigns, end to end: the whole bot, the simulated services, signed requests.

Slow, because the simulated time runs; `make test MARKS=` includes it.
"""

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot import demo
from bot.call import Call
from bot.catching_up import catch_up
from bot.demo import DANA
from bot.events import Outcome, State
from bot.orders import CampaignCall
from bot.polling import Poll
from bot.providers.voicenter.simulator import VoicenterExchange
from bot.providers.voicenter.simulator_records import LOGGED_AFTER_SECONDS
from bot.store import calls, ledger, missed, people
from bot.store.presence import presence
from tests.town import BRISK, LEISURELY, Town
from tests.town import town as running

pytestmark = pytest.mark.slow


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with running(tmp_path) as there:
        yield there


async def test_voicenter_signs_people_in(town: Town) -> None:
    exchange = town.world.exchanges["voicenter"]
    assert isinstance(exchange, VoicenterExchange)

    board = town.callboard.board

    async def linked() -> bool:
        return (await board.read(people.person, DANA)).phone_kind == "extension"

    async def known() -> bool:
        return bool((await board.read(presence, DANA, "voicenter")).agent)

    async def available() -> bool:
        return exchange.statuses.get("12345") == "1"

    async def at_lunch() -> bool:
        return exchange.statuses.get("12345") == "3"

    for line, done in (
        ("/phone link extension AAPINFzL", linked),
        ("/phone status as 12345", known),
        ("/phone status available", available),
        ("/phone status lunch", at_lunch),
    ):
        await town.type(line)
        await town.until(done, f"the end of {line}")
    assert exchange.signed_in == {"12345": "AAPINFzL"}


async def test_voicenter_is_told_what_to_do_with_a_caller(town: Town) -> None:
    exchange = town.world.exchanges["voicenter"]
    led = town.world.network.incoming(exchange, caller="+12025550131", did=demo.SALES_LINE, kind="ivr", keys=("9", "1"))

    async def ended() -> Call | None:
        call = await town.callboard.board.read(calls.by_ref, "voicenter", led.id)
        return call if call is not None and call.state is State.ENDED else None

    call = await town.until(ended, "the end of the call")
    assert exchange.refused == []
    assert (call.outcome, call.heard) == (Outcome.ANSWERED, ("9", "1"))
    assert [leg.name for leg in call.legs if leg.answered_at] == ["did:+972505550190"]  # the phone Dana has linked

    async def told() -> bool:
        texts = [str(message.get("text", "")) for message in await town.slack.messages(demo.SALES)]
        steps = ("Keyed 9, the menu “welcome” is played.", "Keyed 1, put through to “sales”.")
        return all(step in texts for step in steps)

    await town.until(told, "both steps in the thread of the card")


async def test_voicenter_runs_a_campaign(town: Town) -> None:
    board = town.callboard.board
    voicenter = board.providers["voicenter"]
    campaign = next(one for one in await voicenter.campaigns() if one.state == "stopped")
    await voicenter.add_campaign_call(campaign.code, CampaignCall(number="+12025550103", caller_id=demo.SALES_LINE))
    await voicenter.start_campaign(campaign.code)

    async def ended() -> bool:
        made = await board.read(calls.with_number, "+12025550103", board.now() + 3600)
        return any(call.outcome is Outcome.ANSWERED for call in made)

    await town.until(ended, "the record of the campaign's call")
    assert (await voicenter.campaign(campaign.code)).pending == 0


async def test_who_waits_in_a_queue_is_listed_though_no_webhook_told(town: Town) -> None:
    board, exchange = town.callboard.board, town.world.exchanges["voicenter"]
    exchange.hook = f"{exchange.hook}-moved"  # the bot knows no such address: only asking tells
    town.world.clock.set_speed(LEISURELY)
    town.world.network.incoming(exchange, caller="+972505550177", did=demo.SALES_LINE, kind="abandoned")
    poll = Poll(board)

    async def known() -> bool:
        await poll()
        return any(call.number == "+972505550177" for call in await board.read(calls.open_calls, "voicenter"))

    await town.until(known, "a caller in the queue")
    await town.type("/calls waiting service queue")
    told = await town.sees("Calls waiting now on Service Queue (1)", "+972 50-555-0177", "Voicenter")
    assert "did not say" not in told
    town.world.clock.set_speed(BRISK)


async def test_what_no_webhook_told_is_caught_up_with_from_the_call_log(town: Town) -> None:
    """The bot could not be reached for a while; its own clock says when it asked the log last."""
    board, exchange = town.callboard.board, town.world.exchanges["voicenter"]
    await town.until(lambda: board.read(ledger.recall, "call log voicenter"), "the first look")
    told_at, exchange.hook = exchange.hook, f"{exchange.hook}-moved"  # the bot knows no such address: 404, no retry
    network = town.world.network
    missed = network.incoming(exchange, caller="+972505550177", did=demo.SALES_LINE, kind="missed")
    taken = network.incoming(exchange, caller="+972505550178", did=demo.SALES_LINE, kind="answered")

    async def over() -> bool:
        return missed.over and taken.over

    await town.until(over, "the end of both")

    async def outcome(number: str) -> Outcome | None:
        found = await board.read(calls.with_number, number, board.now() + 1, 9)
        assert len(found) <= 1  # never twice, whoever told of it
        return found[0].outcome if found else None

    async def caught_up() -> bool:
        await catch_up(board)
        return (await outcome("+972505550177"), await outcome("+972505550178")) == (
            Outcome.NO_ANSWER,
            Outcome.ANSWERED,
        )

    await town.until(caught_up, "both in the bot's own records")
    assert await town.sees("Missed call from +972 50-555-0177", channel=demo.SALES)
    exchange.hook = told_at
    before = await board.db.read(lambda db: db.execute("SELECT count(*) FROM events").fetchone()[0])
    await catch_up(board)
    assert await board.db.read(lambda db: db.execute("SELECT count(*) FROM events").fetchone()[0]) == before


async def test_calls_of_before_are_fetched_from_the_log_and_announced_to_nobody(town: Town) -> None:
    """Nobody told the bot of them, and it did not ask in time; three days later an admin fetches that day."""
    board, exchange = town.callboard.board, town.world.exchanges["voicenter"]
    await town.until(lambda: board.read(ledger.recall, "call log voicenter"), "the first look")
    exchange.hook, services = f"{exchange.hook}-moved", board.providers
    board.providers = {}  # nor are they polled
    network = town.world.network
    missed_one = network.incoming(exchange, caller="+972505550177", did=demo.SALES_LINE, kind="missed")
    taken = network.incoming(exchange, caller="+972505550178", did=demo.SALES_LINE, kind="answered")

    async def over() -> bool:
        return missed_one.over and taken.over and network.clock.now() - taken.history[-1].at > LOGGED_AFTER_SECONDS

    await town.until(over, "the end of both, in the log")
    board.now, board.providers = lambda: network.clock.now() + 3 * 86400, services
    # The log was read since, as it is every quarter of an hour: else its callers would still be owed a call.
    await board.write(ledger.remember, "call log voicenter", str(board.now()), board.now())
    day = datetime.fromtimestamp(missed_one.history[0].at, ZoneInfo(demo.ZONE)).date()
    await town.type(f"/calls log fetch {day}", user=demo.OMER)
    await town.sees("Only admins fetch calls")
    await town.type(f"/calls log fetch {day}", user=demo.MAYA)
    told = await town.sees("Fetched from the call log of Voicenter", "known before")
    assert "2 new calls, none known before" in told
    found = [(await board.read(calls.with_number, f"+97250555017{n}", board.now(), 9)) for n in (7, 8)]
    assert [[call.outcome for call in known] for known in found] == [[Outcome.NO_ANSWER], [Outcome.ANSWERED]]
    assert await board.read(missed.waiting) == []
    assert town.lines("50-555-0177") == []
    await town.type(f"/calls log fetch {day} via Voicenter", user=demo.MAYA)
    await town.sees("no new call, 2 known before")


async def test_the_customer_list_says_who_calls(town: Town) -> None:
    town.rings("voicenter", "+447700900132", demo.SALES_LINE)
    await town.sees("Incoming", "Tom Baker", "Baker & Sons".replace("&", "&amp;"))
    town.rings("voicenter", "+447700900135", demo.SALES_LINE)
    assert "Baker" not in await town.sees("Incoming", "900135")
