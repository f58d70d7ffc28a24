"""CallGear's call state diagram, through all branches, against its simulator.

Source: https://callgear.github.io/call_api/, "Call state diagram", and the allowed state of every method.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from typing_extensions import override

from bot.errors import Refused, Unavailable
from bot.events import LegRinging, State
from bot.hooks import Request
from bot.providers.callgear import area
from bot.providers.callgear.methods import Fails
from bot.providers.callgear.talks import Talk
from tests.callgear_line import LINE, Line


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    async with aclosing(Line()) as line:
        yield line


async def test_hold_and_resume(line: Line) -> None:
    call = await line.talking()
    assert {"hold", "consult", "start_recording"} <= line.provider.controls(call)
    call = await line.do("hold")
    assert (line.state, line.provider.controls(call)) == ("HOLD", frozenset({"hang_up", "resume", "consult"}))
    with pytest.raises(Refused, match="another state"):
        await line.provider.hold(call)
    await line.do("resume")
    assert line.state == "TALK"
    assert (await line.wait(60)).conversation


async def test_whoever_was_put_on_hold_without_an_answer_is_taken_off_again(line: Line) -> None:
    call = await line.talking()
    await line.provider.hold(call)  # carried out, and the answer was lost
    assert "resume" in line.provider.controls(await line.do("hold"))
    await line.do("resume")
    assert line.state == "TALK"


@pytest.mark.parametrize(("there", "back"), [("hold", "resume"), ("consult", "return_to_caller")])
async def test_who_was_taken_off_hold_without_an_answer_is_in_a_talk_again(line: Line, there: str, back: str) -> None:
    await line.talking()
    call = await line.do(there, *(["+12025550178"] if there == "consult" else []))
    await getattr(line.provider, back)(call)  # carried out, and the answer was lost
    assert "hold" in line.provider.controls(await line.do(back))
    assert line.state == "TALK"


@pytest.mark.parametrize("third", ["+12025550178", "+12025550191"], ids=["outside", "colleague"])
async def test_who_was_put_through_without_an_answer_is_known_to_be(line: Line, third: str) -> None:
    await line.talking()
    await line.do("consult", third, detail=third)
    await line.wait(6)
    line.events += await line.provider.active_calls()
    call = line.call()
    await line.provider.complete_transfer(call)  # carried out, and the answer was lost
    await line.wait(1)
    with pytest.raises(Refused, match="another state"):
        await line.provider.return_to_caller(call)  # they talk with somebody else
    assert (await line.do("complete_transfer")).transferred_to == third


async def test_a_colleague_whom_the_rep_has_left_with_the_customer_is_not_the_rep(line: Line) -> None:
    await line.talking()
    line.events += await line.provider.active_calls()
    await line.do("consult", "+12025550191", detail="+12025550191")
    await line.wait(2)
    line.events += await line.provider.active_calls()  # it rings
    await line.do("complete_transfer")
    call = await line.wait(6)
    line.events += await line.provider.call_state(call)  # nobody but the customer and the colleague is left
    legs = {leg.name: leg for leg in line.call().legs}
    assert set(legs) == {"rep", "customer", "third:+12025550191"}
    assert legs["rep"].ref != legs["third:+12025550191"].ref
    assert legs["third:+12025550191"].answered_at
    body = b'{"event": "talk_finished", "call_session_id": %d, "direction": "out"}' % int(call.refs[0])
    told = line.provider.read_webhook(Request("POST", "", (), {}, body, line.clock.now()))
    line.events += told.events  # the rep's talk with the customer
    assert line.call().state is State.TALKING
    assert (await line.wait(60)).state is State.ENDED


async def test_of_a_call_that_was_handed_over_whoever_placed_it_is_told(line: Line) -> None:
    for event, who, name in [("outbound", 7, "Ada Green"), ("finished", 8, "Max Stone")]:
        told = {"event": event, "call_session_id": 1, "direction": "out", "contact_phone_number": "12025550101"}
        told |= {"employee_id": who, "employee_full_name": name, "notification_time": f"2023-11-14 12:30:0{who}"}
        told |= {"talk_time_duration": 33, "total_time_duration": 45} if event == "finished" else {}
        body = json.dumps(told).encode()
        line.events += line.provider.read_webhook(Request("POST", "", (), {}, body, 1_700_000_000.0)).events
    assert (line.call().person, line.call().extension, line.call().talk_seconds) == ("Ada Green", "7", 33)


async def test_a_transfer_to_who_has_gone_is_refused(line: Line) -> None:
    await line.talking()
    await line.do("consult", "+12025550111", detail="+12025550111")
    call = await line.wait(8)
    with pytest.raises(Refused, match="another state"):
        await line.provider.complete_transfer(call)
    line.unreached = {"list.calls"}
    with pytest.raises(Refused, match="another state"):
        await line.provider.complete_transfer(call)


async def test_recording_may_be_asked_for_again_where_no_answer_came(line: Line) -> None:
    call = await line.talking()
    await line.provider.start_recording(call)  # carried out, and the answer was lost
    assert "stop_recording" in line.provider.controls(await line.do("start_recording"))
    await line.provider.stop_recording(line.call())
    assert "start_recording" in line.provider.controls(await line.do("stop_recording"))


@pytest.mark.parametrize("seconds", [0, 6])
async def test_the_way_back_from_a_consultation_of_which_no_answer_told(line: Line, seconds: float) -> None:
    await line.talking()
    await line.provider.consult(await line.do("hold"), "+12025550178")
    await line.wait(seconds)
    await line.do("resume")
    assert line.state == "TALK"


async def test_a_hold_that_makes_no_sense_is_refused(line: Line) -> None:
    call = await line.dial()
    with pytest.raises(Refused, match="another state"):
        await line.provider.hold(call)
    line.unreached = {"list.calls"}
    with pytest.raises(Refused, match="another state"):
        await line.provider.hold(call)


async def test_consult_and_go_back(line: Line) -> None:
    await line.talking()
    call = await line.do("consult", "+12025550178", detail="+12025550178")
    assert (line.state, line.provider.controls(call)) == (
        "DIALING",
        frozenset({"hang_up", "complete_transfer", "return_to_caller"}),
    )
    await line.wait(6)
    assert line.state == "OPERATOR_TALK"
    await line.do("return_to_caller")
    assert line.state == "TALK"


async def test_going_back_while_the_third_party_still_rings(line: Line) -> None:
    await line.talking()
    await line.do("consult", "+12025550178")
    await line.wait(2)
    await line.do("return_to_caller")
    assert line.state == "TALK"
    assert (await line.wait(60)).conversation


async def test_consult_and_transfer(line: Line) -> None:
    await line.talking()
    await line.do("consult", "+12025550178", detail="+12025550178")
    await line.wait(8)
    call = await line.do("complete_transfer")
    assert call.transferred_to == "+12025550178"
    assert line.state in ("SESSION", "TALK")  # the two of them talk on
    assert not line.network.calls[0].over
    assert (await line.wait(60)).state is State.ENDED


async def test_a_transfer_while_the_third_party_rings_waits_for_it(line: Line) -> None:
    await line.talking()
    await line.do("consult", "+12025550178")
    await line.wait(2)
    await line.do("complete_transfer")
    assert line.state == "DIALING"
    await line.wait(10)
    assert not line.network.calls[0].over
    await line.wait(60)
    assert line.network.calls[0].over


async def test_a_transfer_that_was_taken_back_is_forgotten(line: Line) -> None:
    await line.talking()
    await line.do("consult", "+12025550178")
    await line.do("complete_transfer")
    await line.do("return_to_caller")
    await line.do("consult", "+12025550178")
    await line.wait(6)
    assert line.state == "OPERATOR_TALK"


async def test_a_transfer_to_somebody_who_does_not_answer_ends_the_call(line: Line) -> None:
    await line.talking()
    await line.do("consult", "+12025550112")
    await line.wait(2)
    await line.do("complete_transfer")
    assert (await line.wait(40)).state is State.ENDED


@pytest.mark.parametrize("back", ["resume", "return_to_caller"])
async def test_a_failed_consultation_leads_back_to_hold(line: Line, back: str) -> None:
    await line.talking()
    await line.do("consult", "+12025550111")
    await line.wait(8)
    assert line.state == "HOLD"
    await line.do(back)
    assert line.state == "TALK"


async def test_when_nobody_can_be_consulted_the_talk_goes_on(line: Line) -> None:
    call = await line.talking()
    line.exchange.phoneless = {"204"}
    with pytest.raises(Refused, match="no active phone"):
        await line.provider.consult(call, "204")
    assert line.state == "TALK"  # not on a hold of which the card knows nothing
    call = await line.do("hold")
    with pytest.raises(Refused, match="no active phone"):
        await line.provider.consult(call, "204")
    assert line.state == "HOLD"


async def test_a_consultation_that_did_not_get_there_leaves_nobody_on_hold(line: Line) -> None:
    call = await line.talking()
    line.unreached = {"make.call"}
    with pytest.raises(Unavailable):
        await line.provider.consult(call, "204")
    assert line.state == "TALK"
    line.unreached = {"make.call", "unhold.call"}
    with pytest.raises(Unavailable):
        await line.provider.consult(call, "204")
    assert line.state == "HOLD"  # the card does not know it
    line.unreached = set()
    await line.do("consult", "+12025550178")
    assert line.state == "DIALING"


async def test_a_recording_that_the_account_demands_shows(line: Line) -> None:
    call = await line.talking()
    line.exchange.talk(line.network.calls[0]).recording = True
    assert "start_recording" in line.provider.controls(call)
    for _ in range(3):
        await line.wait(1)
        line.events += await line.provider.active_calls()
    assert "stop_recording" in line.provider.controls(line.call())
    call = await line.do("stop_recording")
    line.events += await line.provider.active_calls()
    assert "start_recording" in line.provider.controls(call)


async def test_whoever_is_called_in_has_a_leg_of_their_own(line: Line) -> None:
    await line.talking()
    for to in ("+12025550178", "204"):
        await line.do("consult", to)
        await line.wait(6)
        line.events += await line.provider.active_calls()
        await line.do("return_to_caller")
    legs = {leg.name: leg for leg in line.call().legs}
    assert set(legs) == {"rep", "customer", "third:+12025550178", "third:204"}
    assert len({leg.ref for leg in legs.values()}) == 4
    assert line.call().state is State.TALKING


@pytest.mark.parametrize(
    ("to", "leg"),
    [("+12025550191", "ext:8"), ("204", "ext:204"), ("+12025550178", "third:+12025550178")],
    ids=["employee", "extension", "outside"],
)
async def test_whoever_is_called_into_an_incoming_call_is_told_from_who_took_it(line: Line, to: str, leg: str) -> None:
    line.network.incoming(line.exchange, caller="+12025550131", did=LINE, kind="answered")
    await line.wait(10)
    call = await line.do("consult", to, detail=to)
    await line.wait(8)

    async def third() -> set[str]:
        told = await line.provider.active_calls()
        assert "ext:7" in {event.leg for event in told if isinstance(event, LegRinging)}
        return {event.leg for event in told if isinstance(event, LegRinging) and call.is_third(event.leg)}

    assert await third() == {leg}
    await line.do("return_to_caller")
    await line.wait(1)
    assert await third() == set()


async def test_whoever_takes_a_call_at_a_phone_of_no_employee_has_one_leg(line: Line) -> None:
    """As a flow of ours has it ring: notifications name employees only, list.calls names the phone."""
    sim = line.network.incoming(line.exchange, caller="+12025550131", did=LINE, kind="answered")
    await line.wait(1)
    line.network.change(sim, area._rings(sim, ["12025550111", "12025550101"]), keep=lambda step: False)
    for _ in range(50):
        line.events += await line.provider.active_calls()
        if (call := await line.wait(1)).state is State.TALKING:
            break
    line.events += await line.provider.active_calls()
    call = line.call()
    assert [leg.name for leg in call.legs if leg.answered_at] == ["ext:12025550101"]
    (took,) = [leg for leg in call.legs if leg.name == "ext:12025550101"]
    assert (call.extension, took.ref) == ("12025550101", str(line.exchange.talk(sim).leg_id("ext:12025550101")))
    call = await line.do("consult", "+12025550178", detail="+12025550178")
    await line.wait(8)
    told = await line.provider.active_calls()
    third = {event.leg for event in told if isinstance(event, LegRinging) and call.is_third(event.leg)}
    assert third == {"third:+12025550178"}
    await line.do("return_to_caller")
    call = await line.wait(60)
    assert (call.conversation, call.extension) == (True, "12025550101")


async def test_a_caller_who_was_put_through_to_a_colleague_without_an_answer_is_known_to_be(line: Line) -> None:
    line.network.incoming(line.exchange, caller="+12025550131", did=LINE, kind="answered")
    await line.wait(10)
    await line.do("consult", "+12025550191", detail="+12025550191")
    await line.wait(8)
    await line.provider.complete_transfer(line.call())  # carried out, and the answer was lost
    call = await line.do("complete_transfer")
    assert (call.transferred_to, call.state) == ("+12025550191", State.TALKING)


@pytest.mark.parametrize(
    ("action", "arguments"),
    [
        ("hold", ()),
        ("resume", ()),
        ("complete_transfer", ()),
        ("return_to_caller", ()),
        ("press_key", ("5",)),
        ("start_recording", ()),
        ("coach", ()),
        ("use_talk_option", ("9",)),
    ],
)
async def test_nothing_is_possible_before_the_talk(line: Line, action: str, arguments: tuple[str, ...]) -> None:
    await line.dial()
    call = await line.wait(2)
    assert line.provider.controls(call) == {"hang_up"}
    with pytest.raises(Refused) as caught:
        await getattr(line.provider, action)(call, *arguments)
    assert caught.value.code == "invalid_state"


ANSWERS, BUSY = "12025550178", "12025550111"
NEEDS = {
    "hold": {"TALK"},
    "unhold": {"HOLD"},
    "make": {"HOLD"},
    "transfer": {"DIALING", "OPERATOR_TALK"},
    "restore": {"DIALING", "OPERATOR_TALK"},
    "record": {"TALK"},
    "coach": {"TALK"},
    "dtmf": {"TALK"},
    "option": {"TALK"},
}
"""What the table "Allowed state" says; what is not here is allowed while the call lives."""


class Diagram(RuleBasedStateMachine):
    """A person does whatever comes to mind; the simulated call is always where the diagram says.

    Attributes:
        state: by the diagram.  third: whom the third party's number belongs to.  given_up: a transfer was ordered
        while the third party still rang.
    """

    @initialize()
    def begin(self) -> None:
        self.runner = asyncio.Runner()
        self.line = self.runner.run(self._talking())
        self.talk: Talk = self.line.exchange.talk(self.line.network.calls[0])
        self.state, self.third, self.given_up = "TALK", "", False

    async def _talking(self) -> Line:
        line = Line()
        await line.talking()
        return line

    @override
    def teardown(self) -> None:
        self.runner.run(self.line.aclose())
        self.runner.close()

    def _order(self, name: str, params: dict[str, Any] | None = None) -> str:
        """Order it; returns the mnemonic of the refusal, "" = it was taken."""

        async def order() -> str:
            try:
                getattr(self.talk, name)(params or {})
            except Fails as refusal:
                return refusal.mnemonic
            finally:
                await self.line.wait(0)  # what happens at once has happened
            return ""

        return self.runner.run(order())

    def _do(self, name: str, params: dict[str, Any] | None = None) -> bool:
        """Order it; True = it was taken, which it must be where the diagram allows it and nowhere else."""
        refused, allowed = self._order(name, params), self.state in NEEDS[name]
        assert (refused == "invalid_state") is not allowed, f"{name} in {self.state}: {refused or 'taken'}"
        return allowed

    @rule()
    def hold(self) -> None:
        if self._do("hold"):
            self.state = "HOLD"

    @rule()
    def unhold(self) -> None:
        if self._do("unhold"):
            self.state = "TALK"

    @rule(to=st.sampled_from([ANSWERS, BUSY]))
    def make(self, to: str) -> None:
        if self._do("make", {"to": to}):
            self.state, self.third = "DIALING", to

    @rule()
    def transfer(self) -> None:
        dialling = self.state == "DIALING"
        if self._do("transfer"):
            self.given_up = dialling
            self.state = "DIALING" if dialling else "TALK"

    @rule()
    def restore(self) -> None:
        if self._do("restore"):
            self.state, self.given_up = "TALK", False

    @precondition(lambda self: self.state == "DIALING")
    @rule()
    def third_party_decides(self) -> None:
        self.runner.run(self.line.wait(6))
        if self.third == ANSWERS:
            self.state = "TALK" if self.given_up else "OPERATOR_TALK"
        else:
            self.state = "FINISHING" if self.given_up else "HOLD"
        self.given_up = False

    @rule(
        what=st.sampled_from(
            [("record", {"action": "on"}), ("coach", {}), ("dtmf", {"dtmf_string": "5"}), ("option", {"button": "10"})]
        )
    )
    def something_in_a_talk(self, what: tuple[str, dict[str, Any]]) -> None:
        self._do(*what)

    @precondition(lambda self: self.state != "FINISHING")
    @rule(how=st.sampled_from(["release", "drop the contact", "the contact hangs up"]))
    def it_ends(self, how: str) -> None:
        if how == "release":
            assert self._order("release") == ""
        elif how == "drop the contact":
            assert self._order("disconnect", {"leg_id": self.talk.leg_id("customer")}) == ""
        elif self.state == "TALK":
            self.runner.run(self.line.wait(30))
        else:
            return  # whoever waits, waits
        self.state = "FINISHING"

    @precondition(lambda self: self.state in ("DIALING", "OPERATOR_TALK"))
    @rule()
    def the_third_leg_is_dropped(self) -> None:
        self.runner.run(self.line.wait(1.5))  # it rings by now
        assert self._order("disconnect", {"leg_id": self.talk.leg_id(self.talk.third)}) == ""
        self.state = "FINISHING" if self.given_up else "HOLD"
        self.given_up = False

    @invariant()
    def it_is_where_the_diagram_says(self) -> None:
        assert self.talk.state == self.state


Diagram.TestCase.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
TestDiagram = Diagram.TestCase
