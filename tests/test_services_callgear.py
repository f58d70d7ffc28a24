"""Everything that CallGear can do with a call, end to end: signed Slack requests, the whole bot, the simulated service.

Slow, because the simulated time runs; `make test MARKS=` includes it.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot import demo
from bot.call import Call
from bot.events import Outcome
from bot.providers.callgear.simulator import CallGearExchange
from bot.providers.callgear.talks import Talk
from tests.town import Town
from tests.town import town as running

pytestmark = pytest.mark.slow

CUSTOMER = "+972 50 555 0101"
TALKING = {
    *("hang_up", "hold", "consult", "press_key", "coach", "tag", "block", "use_talk_option", "drop_leg"),
    "start_recording",
}
"""What the card of a talk offers."""


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with running(tmp_path) as there:
        yield there


def exchange(town: Town, account: str = "callgear") -> CallGearExchange:
    found = town.world.exchanges[account]
    assert isinstance(found, CallGearExchange)
    return found


def talk(town: Town) -> Talk:
    """The simulated service's view of the only call."""
    (call,) = town.world.network.calls
    return exchange(town).talk(call)


def served(town: Town, *methods: str) -> list[dict[str, Any]]:
    """What was asked of the service by these methods."""
    return [params for method, params in exchange(town).served if method in methods]


async def talking(town: Town) -> Call:
    await town.type(f"/call {CUSTOMER} via callgear")
    return await town.talking()


async def offers(town: Town, wanted: set[str]) -> None:
    async def look() -> bool:
        return await town.shows() == wanted

    await town.until(look, f"a card with {wanted}")


async def test_every_button_of_a_talk(town: Town) -> None:
    await town.type(f"/call {CUSTOMER} via callgear")
    await offers(town, {"hang_up"})  # nothing else makes sense while it rings
    await town.talking()
    await offers(town, TALKING)

    await town.press("live:hold")
    await town.sees("put the call on hold")
    await offers(town, {"hang_up", "resume", "consult"})
    assert talk(town).state == "HOLD"
    await town.press("live:resume")
    await town.sees("took the call off hold")
    await offers(town, TALKING)

    await town.press("live:press_key")
    await town.choose({"keys": "5#"})
    await town.sees("pressed 5#")
    assert talk(town).keys == "5#"

    await town.press("live:tag")
    await town.choose({"choice": "Sold"})
    await town.sees("tagged the call Sold")
    assert talk(town).tags == {77}
    await town.sees("tags: Sold")  # as the service lists it

    await town.press("live:coach")
    await town.choose({"who": "+972 50 555 0191"})
    await town.sees("let a coach join")
    assert served(town, "add.coach")[0]["phone_number"] == "972505550191"

    await town.press("live:start_recording")
    await town.agree()
    await town.sees("started recording")
    await offers(town, TALKING - {"start_recording"} | {"stop_recording"})
    assert talk(town).recording
    await town.press("live:stop_recording")
    await town.sees("stopped recording")
    assert not talk(town).recording

    await town.press("live:use_talk_option")
    await town.choose({"choice": "10: Tag"})  # recording is not among them: its own button asks for consent
    await town.sees("used 10: Tag")

    await town.press("live:block")
    await town.sees("blocked the contact at the phone service")
    assert exchange(town).blacklist == {"972505550101"}
    await offers(town, TALKING - {"block"})

    await town.press("call:hang_up")
    call = await town.ended(wanted=lambda call: bool(call.recording))
    assert (call.outcome, call.tags, call.hang_up_by) == (Outcome.ANSWERED, ("Sold",), demo.DANA)


@pytest.mark.parametrize(("whose", "leg"), [("50-555-0101", "customer"), ("the rep's phone", "rep")])
async def test_one_leg_is_ended(town: Town, whose: str, leg: str) -> None:
    await talking(town)
    await town.call(lambda call: all(one.ref for one in call.legs))  # the service tells their ids when it is asked
    await town.press("live:drop_leg")
    await town.choose({"choice": whose})
    await town.sees("hung up", whose)
    assert talk(town).call.leg(leg).ended_at
    assert (await town.ended()).outcome is Outcome.ANSWERED


async def test_consult_and_complete_the_transfer(town: Town) -> None:
    await talking(town)
    await town.press("live:consult")
    await town.choose({"who": "+972 50 555 0178"})
    await town.sees("put the call on hold and called", "0178")
    await offers(town, {"hang_up", "complete_transfer", "return_to_caller"})
    await town.sees("with +972 50-555-0178 on the other line")
    await town.until(lambda: _is(talk(town).state, "OPERATOR_TALK"), "the third party")
    await town.press("live:complete_transfer")
    await town.sees("completed the transfer")
    await town.sees("was put through to", "0178")
    await offers(town, {"hang_up", "drop_leg"})
    assert not talk(town).call.over  # those two talk on
    assert (await town.ended()).outcome is Outcome.ANSWERED


async def test_consult_and_go_back_to_the_caller(town: Town) -> None:
    await talking(town)
    await town.press("live:hold")
    await offers(town, {"hang_up", "resume", "consult"})
    await town.press("live:consult")
    await town.choose({"who": "+972 50 555 0178"})
    await town.press("live:return_to_caller")
    await town.sees("went back to the call")
    await offers(town, TALKING)
    assert talk(town).state == "TALK"
    assert len(served(town, "hold.call")) == 1  # consulting from hold does not hold again


async def test_a_consultation_that_fails_leaves_the_caller_on_hold(town: Town) -> None:
    await talking(town)
    await town.press("live:consult")
    await town.choose({"who": "+972 50 555 0113"})  # rings, and declines
    await town.sees("is not on the line any more; the call is still on hold")
    await offers(town, {"hang_up", "resume", "consult"})
    await town.press("live:resume")
    await offers(town, TALKING)


async def test_two_clicks_have_one_effect(town: Town) -> None:
    await talking(town)
    await town.press("live:hold", times=3)
    await offers(town, {"hang_up", "resume", "consult"})
    await town.sees("Nothing was done")
    assert len(served(town, "hold.call")) == 1


async def test_a_control_that_races_with_the_end_is_told_kindly(town: Town) -> None:
    await talking(town)
    exchange(town).notifications.clear()  # it ends, and we have not heard of it
    town.world.network.hang_up(talk(town).call)
    await town.until(town.silent("callgear"), "nobody on the line")
    await town.press("live:hold")
    await town.sees("ended")
    assert (await town.ended()).outcome is Outcome.ANSWERED
    await offers(town, {"wrap", "again", "later"})


async def test_controls_work_in_the_list_and_at_home(town: Town) -> None:
    await talking(town)
    await town.type("/calls")
    await town.press_in_channel("live:hold")
    await town.call(lambda call: call.held)
    await town.press_at_home("live:resume")
    await town.call(lambda call: not call.held)
    await town.press_at_home("live:press_key")
    await town.choose({"keys": "1"})
    await town.sees("pressed 1")
    await town.type("/calls")
    await town.press_in_channel("call:hang_up")
    assert (await town.ended()).hang_up_by == demo.DANA


async def test_an_incoming_call_is_controlled_by_whom_it_rang(town: Town) -> None:
    await town.type("/phone link employee 7 via callgear")
    await town.until(lambda: _linked(town, "7"), "employee 7")
    town.world.network.incoming(exchange(town), caller="+972505550131", did=demo.MESSAGE_LINE, kind="answered")
    call = await town.talking()
    assert (call.direction, call.rep) == ("in", demo.DANA)
    await town.press_in_channel("live:hold")
    await town.call(lambda call: call.held)
    assert talk(town).state == "HOLD"
    await town.press_in_channel("live:resume")
    await town.call(lambda call: not call.held)
    assert (await town.ended()).outcome is Outcome.ANSWERED


async def test_a_colleague_who_is_consulted_in_an_incoming_call_and_leaves_is_told(town: Town) -> None:
    await town.type("/phone link employee 7 via callgear")
    await town.until(lambda: _linked(town, "7"), "employee 7")
    town.world.network.incoming(exchange(town), caller="+972505550131", did=demo.MESSAGE_LINE, kind="answered")
    await town.talking()
    await town.press_in_channel("live:consult")
    await town.choose({"who": "extension 213"})  # rings, and declines
    await town.sees("is on the other line", channel=demo.SALES)
    await town.sees("213 is not on the line any more; the call is still on hold", channel=demo.SALES)
    call = await town.call(lambda call: not call.consulting)
    assert (call.held, talk(town).state) == (True, "HOLD")


# Notifications that do not come.


@pytest.mark.parametrize(("ending", "outcome"), [("01", Outcome.ANSWERED), ("12", Outcome.CANCELLED)])
async def test_without_notifications_the_card_still_ends_rightly(town: Town, ending: str, outcome: Outcome) -> None:
    exchange(town).notifications.clear()
    await town.type(f"/call +972 50 555 01{ending} via callgear")
    if outcome is Outcome.ANSWERED:
        await town.talking()
        await town.press("live:hold")
        await town.call(lambda call: call.held)
        await town.press("live:resume")
        await town.call(lambda call: not call.held)
    call = await town.ended()
    assert call.outcome is outcome
    await offers(town, {"wrap", "again", "later"})


@pytest.mark.parametrize("kind", ["answered", "missed"])
async def test_of_an_incoming_call_the_rest_is_asked_for(town: Town, kind: Any) -> None:
    exchange(town).notifications = {"inbound": exchange(town).notifications["inbound"]}
    town.world.network.incoming(exchange(town), caller="+972505550131", did=demo.MESSAGE_LINE, kind=kind)
    if kind == "answered":
        await town.sees("Answered", "0131", channel=demo.SALES)
    else:
        await town.sees("Missed once", "0131", channel=demo.SALES)


async def _is(value: object, wanted: object) -> bool:
    return value == wanted


async def _linked(town: Town, phone: str) -> bool:
    from bot.store import people

    return (await town.callboard.board.read(people.person, demo.DANA)).phone == phone
