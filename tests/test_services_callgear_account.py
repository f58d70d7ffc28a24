"""A CallGear account end to end: how its calls begin, its limits, its scenario's questions, a second account.

Slow, because the simulated time runs; `make test MARKS=` includes it.
"""

from pathlib import Path

import pytest

from bot import demo, jobs
from bot.events import Outcome, State
from bot.providers.callgear import area
from bot.providers.callgear.simulator import CallGearExchange
from tests.test_services_callgear import CUSTOMER, exchange, served
from tests.town import town as running

pytestmark = pytest.mark.slow

UIS_LINE = "+972505550103"
UIS = f"""
[accounts.uis]
provider = "callgear"
virtual_phone_number = "{UIS_LINE}"
url = "{{world}}/uis/v4.0"
"""
FLOW = f"""
[[flow]]
line = "{demo.MESSAGE_LINE}"
start = "hello"
[flow.steps.hello]
do = "menu"
sound = "welcome"
choices = {{ "5" = "dana", "*" = "hello", "" = "front" }}
[flow.steps.dana]
do = "dial"
targets = ["@{demo.DANA}"]
if_failed = "front"
[flow.steps.front]
do = "dial"
targets = ["+12025550191"]
"""


# How calls begin.


@pytest.mark.parametrize(("scenario", "method"), [("55", "start.scenario_call"), ("line", "start.vnumber_call")])
async def test_a_scenario_handles_the_call(tmp_path: Path, scenario: str, method: str) -> None:
    async with running(tmp_path) as town:
        await town.type(f"/call {CUSTOMER} via callgear scenario {scenario}")
        await town.talking()
        (params,) = served(town, method)
        assert params.get("scenario_id", "line") == (int(scenario) if scenario == "55" else "line")
        assert params["contact"] == "972505550101"
        await town.press("call:hang_up")
        assert (await town.ended()).outcome is Outcome.ANSWERED


async def test_a_scenario_is_chosen_in_the_form(tmp_path: Path) -> None:
    async with running(tmp_path) as town:
        await town.type("/call")
        await town.choose({"who": CUSTOMER, "account": "CallGear", "scenario": "56"})
        await town.sees("Scenario not found", channel=demo.SALES)  # the service knows which there are
        await town.type("/call")
        await town.choose({"who": "+972 50 555 0102", "account": "CallGear", "scenario": "55"})
        await town.talking()
        assert [params["scenario_id"] for params in served(town, "start.scenario_call")] == [56, 55]


async def test_a_start_that_was_never_answered_is_found_again(tmp_path: Path) -> None:
    async with running(tmp_path) as town:
        town.world.clock.set_speed(1)  # the call still runs when we have lost patience
        await town.type("/call +972 50 555 0120 via callgear")
        await town.call(lambda call: bool(call.refs) and call.live)
        await town.press("call:hang_up")
        assert (await town.ended()).state is State.ENDED
        assert len(served(town, "start.simple_call")) == len(town.world.network.calls) == 1
        texts = [str(message.get("text")) for message in await town.messages()]
        assert not any("Nothing rang" in text for text in texts)  # nobody had to be asked


async def test_a_start_that_failed_is_asked_about_and_not_repeated(tmp_path: Path) -> None:
    async with running(tmp_path) as town:
        await town.type("/call +972 50 555 0121 via callgear")
        await town.sees("Unclear", "will not dial again by itself")
        assert served(town, "list.calls")  # looked for before anybody was asked
        await town.press("call:settle_no")
        assert (await town.ended()).outcome is Outcome.NOT_PLACED
        assert len(served(town, "start.simple_call")) == 1
        assert town.world.network.calls == ()


# Limits, versions, sessions.


async def test_limits_and_an_old_version_are_told(tmp_path: Path) -> None:
    async with running(tmp_path) as town:
        board = town.callboard.board
        exchange(town).minute_limit = 500
        exchange(town).deprecated = "current_version_depricated"
        await jobs.check_providers(board)
        await jobs.check_providers(board)
        await town.type("/callboard")
        await town.sees("points left today", "of 500 this minute", channel=demo.SALES)
        await town.slack.open_home(demo.MAYA)

        async def at_home() -> bool:
            return "of 500 this minute" in str(await town.slack.home(demo.MAYA))

        await town.until(at_home, "the limits in the admin's App Home")
        admins = f"D{demo.MAYA}"
        await town.sees("will switch off this version of its API", "v4.5", channel=admins)
        told = [message for message in await town.slack.messages(admins) if "switch off" in str(message["text"])]
        assert len(told) == 1


async def test_a_used_up_limit_is_told_and_waited_for(tmp_path: Path) -> None:
    async with running(tmp_path) as town:
        exchange(town).minute_limit = 0
        await town.type(f"/call {CUSTOMER} via callgear")
        await town.sees("Limit per minute has been exceeded", "counted anew in", "try again then")
        asked = len(exchange(town).served)
        await jobs.check_providers(town.callboard.board)
        assert len(exchange(town).served) == asked


async def test_a_session_is_ended_when_callboard_stops(tmp_path: Path) -> None:
    async with running(tmp_path) as town:
        provider = town.callboard.board.providers["callgear"]
        provider.values |= {"access_token": "", "login": "demo", "password": "demo-password"}
        await provider.check()
        simulated = exchange(town)
        assert len(simulated.sessions) == 1
    assert simulated.sessions == {}


# Two accounts, and a scenario that asks.


async def test_two_accounts_of_two_brands(tmp_path: Path) -> None:
    async with running(tmp_path, more={"uis": "callgear"}, added=UIS) as town:
        first, second = exchange(town), exchange(town, "uis")
        first.served.clear()
        await town.type(f"/call {CUSTOMER} via uis")
        call = await town.talking()
        assert (call.account, call.line or UIS_LINE) == ("uis", UIS_LINE)
        await town.sees("Talking to", "via CallGear (uis)")
        await town.press("live:hold")
        await town.call(lambda call: call.held)
        second.notifications.clear()  # so its end must be asked for
        await town.press("call:hang_up")
        assert (await town.ended()).outcome is Outcome.ANSWERED
        assert {"start.simple_call", "hold.call", "list.calls", "release.call"} <= _methods(second)
        assert not _methods(first) - {"list.calls"}  # the regular look whether its key works

        await town.type("/call")
        await town.choose({"who": "+972 50 555 0102", "account": "CallGear (callgear)"})
        await town.call(lambda call: call.account == "callgear")
        call = await town.talking()
        await town.sees("Talking to", "via CallGear (callgear)")
        await town.press("call:hang_up")
        await town.ended()
        assert "start.simple_call" in _methods(first)

        second.notifications = area.as_printed(second.hook)
        for account, line in (("callgear", demo.MESSAGE_LINE), ("uis", UIS_LINE)):
            town.world.network.incoming(exchange(town, account), caller="+972505550131", did=line, kind="missed")
        await town.sees("Missed twice", channel=demo.SALES)  # one card per caller, whichever account told


async def test_a_scenario_is_told_what_to_do(tmp_path: Path) -> None:
    async with running(tmp_path, added=FLOW) as town:
        simulated = exchange(town)
        simulated.scenario_asks = f"{simulated.hook}/route"
        simulated.menus = {"hello": f"{simulated.hook}/route?step=hello"}
        town.world.network.incoming(simulated, caller="+972505550126", did=demo.MESSAGE_LINE, kind="abandoned")
        await town.sees("Answered", "0126", channel=demo.SALES)
        assert simulated.answers == [{"returned_code": "hello"}, {"phones": ["972505550190"]}]  # 26 presses 5
        town.world.network.incoming(simulated, caller="+972505550131", did=demo.MESSAGE_LINE, kind="abandoned")
        await town.sees("Answered", "0131", channel=demo.SALES)
        assert simulated.answers[2:] == [{"returned_code": "hello"}, {"phones": ["12025550191"]}]  # who presses nothing


def _methods(simulated: CallGearExchange) -> set[str]:
    return {method for method, _ in simulated.served}
