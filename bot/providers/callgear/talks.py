"""The simulator's call state diagram: A is the contact, B the employee, C a third party.

SESSION -> TALK -> HOLD -> DIALING(C) -> OPERATOR_TALK(B+C) -> TALK(A+C) or back; a third party that cannot be reached
leads back to HOLD, or, when the transfer was ordered while it rang, ends the call.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, tzinfo
from typing import Any, Literal

from bot.events import CUSTOMER, REP, THIRD, Outcome
from bot.providers.callgear.methods import Fails
from bot.simulator.behaviours import Step, behaviour_of
from bot.simulator.exchange import SimCall
from bot.simulator.network import Network

State = Literal["SESSION", "TALK", "HOLD", "DIALING", "OPERATOR_TALK", "POST_TALK", "FINISHING"]
LONG_SECONDS = 7200.0
EMPLOYEES = {7: ("Ada Green", "12025550190"), 8: ("Max Stone", "12025550191")}
"""Employee id -> name and phone."""
TAGS = {77: "Sold", 78: "Complaint"}
CALLER = "caller"
"""The contact's leg of an incoming call, which is the call itself."""
LEAST_DIGITS = 7
"""What is shorter is an extension."""


def employee_at(phone: str) -> int:
    """The employee with that phone, 0 = nobody of ours."""
    return next((one for one, (_, own) in EMPLOYEES.items() if own == phone), 0)


def employee(leg: str) -> int | None:
    """The employee whose leg of an incoming call that is."""
    named = leg.removeprefix("ext:")
    return int(named) if named != leg and named.isdecimal() and int(named) in EMPLOYEES else None


def moment(at: float, zone: tzinfo) -> str:
    """Seconds since 1970 UTC as CallGear writes them: by the account's clock, without a zone."""
    return datetime.fromtimestamp(at, zone).replace(tzinfo=None).isoformat(sep=" ", timespec="milliseconds")


class Talk:
    """Where one call is, and what was done to it."""

    def __init__(self, call: SimCall, network: Network) -> None:
        self.call = call
        self.network = network
        self.held = False
        self.third = ""
        self.called: dict[str, str] = {}  # leg of a third party -> whom it rings; one may be called twice
        self.transferring = False
        self.recording = False
        self.was_recorded = False
        self.coached = False
        self.blocked = False
        self.tags: set[int] = set()
        self.keys = ""

    @property
    def state(self) -> State:
        """The diagram's word for where the call is."""
        if self.call.over:
            return "FINISHING"
        if self.third and not self.call.leg(self.third).ended_at:
            return "OPERATOR_TALK" if self.call.leg(self.third).answered_at else "DIALING"
        if self.held:
            return "HOLD"
        up = [name for name in self.call.legs if self.call.leg(name).answered_at and not self.call.leg(name).ended_at]
        if len(up) > (self.call.direction == "out"):
            return "TALK"  # of an incoming call's contact there is no leg
        return "POST_TALK" if self._has_talked() else "SESSION"

    def leg_id(self, name: str) -> int:
        """The number of a leg."""
        return int(self.call.id) * 10 + (self.call.legs.index(name) if name in self.call.legs else 9)

    def number(self, leg: str) -> str:
        """What that leg calls, digits."""
        if leg in (REP, CUSTOMER, CALLER):
            return (self.call.rep if leg == REP else self.call.number).lstrip("+")
        found = employee(leg)
        return EMPLOYEES[found][1] if found else self.called.get(leg, leg.removeprefix("ext:"))

    def calls(self, leg: str) -> tuple[str, str]:
        """Which number that leg shows and which it calls, as in the example of list.calls."""
        line, contact = self.call.line.lstrip("+"), self.call.number.lstrip("+")
        ours = leg not in (CUSTOMER, CALLER)
        return (contact, self.number(leg)) if ours else (line, f"{contact}...9.2.3.3")

    def word(self, leg: str) -> str:
        """The leg's state for people."""
        if not self.is_up(leg):
            return "Dial"
        if self.state == "OPERATOR_TALK" and leg not in (CUSTOMER, CALLER):
            return "Operators talking"
        return "On hold" if self.held else "Conversation"

    def employee(self, leg: str) -> int | None:
        """Whose phone that leg rings, None = nobody's of ours."""
        return employee_at(self.called[leg]) or None if leg in self.called else employee(leg)

    def is_up(self, leg: str) -> bool:
        """Whether somebody is on the line at that leg, talking or on hold."""
        return self._has_talked() if leg == CALLER else bool(self.call.leg(leg).answered_at)

    def is_ours(self, leg: str) -> bool:
        """Whether it is an employee's or an extension; a third party may be neither."""
        third = self.called.get(leg)
        return leg not in (CUSTOMER, CALLER) if third is None else bool(employee_at(third)) or len(third) < LEAST_DIGITS

    @property
    def talked(self) -> int:
        """How long the two talked, seconds."""
        others = [self.call.leg(name) for name in self.call.legs if name != REP]
        leg = next((leg for leg in others if leg.answered_at), None)
        if leg is None or leg.outcome is Outcome.VOICEMAIL:
            return 0
        return round(leg.ended_at - leg.answered_at) if leg.ended_at else 0

    def happened(self, step: Step) -> None:
        """Something happened to a leg of the call."""
        if step.leg != self.third:
            return
        if step.what == "answered" and self.transferring:
            self._hand_over()
        elif step.what == "ended" and not self.call.leg(self.third).answered_at:
            self.third = ""
            if self.transferring:
                self.network.hang_up(self.call)

    # What may be done when: table "Allowed state".

    def release(self, params: Mapping[str, Any]) -> None:
        self.network.hang_up(self.call)

    def hold(self, params: Mapping[str, Any]) -> None:
        self._demand("TALK")
        self.held = True
        # Whoever waits does not hang up by themselves here; the talk goes on when it is resumed.
        waiting = Step(LONG_SECONDS, self._contact(), "ended", Outcome.ANSWERED)
        self.network.change(self.call, [waiting], keep=lambda step: False)

    def unhold(self, params: Mapping[str, Any]) -> None:
        self._demand("HOLD")
        self._talk_on()

    def make(self, params: Mapping[str, Any]) -> None:
        self._demand("HOLD")
        self.third = f"{THIRD}{params['to']}#{len(self.called)}"
        self.called[self.third] = params["to"]
        steps = [
            Step(step.after_seconds, self.third, step.what, step.outcome)
            for step in behaviour_of(params["to"]).steps
            if step.leg == CUSTOMER and not (step.what == "ended" and step.outcome is Outcome.ANSWERED)
        ] or [Step(1, self.third, "ringing"), Step(25, self.third, "ended", Outcome.NO_ANSWER)]
        self.network.change(self.call, steps)

    def transfer(self, params: Mapping[str, Any]) -> None:
        self._demand("DIALING", "OPERATOR_TALK")
        if self.state == "DIALING":
            self.transferring = True
        else:
            self._hand_over()

    def restore(self, params: Mapping[str, Any]) -> None:
        self._demand("DIALING", "OPERATOR_TALK")
        third, self.third, self.transferring = self.third, "", False
        answered = self.call.leg(third).answered_at
        ended = Step(0, third, "ended", Outcome.ANSWERED if answered else Outcome.CANCELLED)
        self.network.change(self.call, [ended], keep=lambda step: step.leg != third)
        self._talk_on()

    def disconnect(self, params: Mapping[str, Any]) -> None:
        legs = [*self.call.legs, CALLER] if self.call.direction == "in" else self.call.legs
        name = next((leg for leg in legs if self.leg_id(leg) == params["leg_id"]), "")
        if not name or self.call.leg(name).ended_at:
            raise Fails("leg_not_found", field="leg_id", value=params["leg_id"])
        if name == CUSTOMER or self.call.direction == "in":
            self.network.hang_up(self.call)
            return
        self.network.change(self.call, [Step(0, name, "ended", Outcome.ANSWERED)], keep=lambda step: step.leg != name)

    def tag(self, params: Mapping[str, Any]) -> None:
        if params["tag_id"] in self.tags:
            raise Fails("duplicate_tag", field="tag_id", value=params["tag_id"])
        self.tags.add(params["tag_id"])

    def record(self, params: Mapping[str, Any]) -> None:
        self._demand("TALK")
        on = params["action"] == "on"
        if on == self.recording:
            raise Fails("record_already_started" if on else "record_already_stopped")
        self.recording, self.was_recorded = on, True

    def coach(self, params: Mapping[str, Any]) -> None:
        self._demand("TALK")
        if self.coached:
            raise Fails("coach_not_found")
        self.coached = True

    def dtmf(self, params: Mapping[str, Any]) -> None:
        self._demand("TALK")
        self.keys += params["dtmf_string"]

    def block(self, params: Mapping[str, Any]) -> None:
        if self.blocked:
            raise Fails("duplicate_contact")
        self.blocked = True

    def option(self, params: Mapping[str, Any]) -> None:
        self._demand("TALK")
        if params["button"] == "9":
            self.recording, self.was_recorded = not self.recording, True
        elif params["button"] not in ("10", "11"):
            raise Fails("talk_option_not_found", field="button", value=params["button"])

    def _demand(self, *states: State) -> None:
        if self.state not in states:
            raise Fails("invalid_state")

    def _has_talked(self) -> bool:
        return any(self.call.leg(name).answered_at for name in self.call.legs if name != REP)

    def _contact(self) -> str:
        return CUSTOMER if self.call.direction == "out" else next(iter(self.call.legs))

    def _talk_on(self) -> None:
        self.held = False
        contact = self._contact()
        coming = [Step(20, contact, "ended", Outcome.ANSWERED)]
        if self.call.direction == "out":
            coming.append(Step(1, REP, "ended", Outcome.ANSWERED))
        going = {step.leg for step in coming}
        self.network.change(self.call, coming, keep=lambda step: step.leg not in going)

    def _hand_over(self) -> None:
        """B leaves, A and C talk on."""
        self.held = self.transferring = False
        ours = REP if self.call.direction == "out" else next(iter(self.call.legs))
        coming = [Step(0, ours, "ended", Outcome.ANSWERED), Step(20, self.third, "ended", Outcome.ANSWERED)]
        if self.call.direction == "out":
            coming.append(Step(20, CUSTOMER, "ended", Outcome.ANSWERED))
        self.network.change(self.call, coming, keep=lambda step: False)
        self.third = ""


MANAGED: Mapping[str, Callable[[Talk, Mapping[str, Any]], None]] = {
    "release.call": Talk.release,
    "hold.call": Talk.hold,
    "unhold.call": Talk.unhold,
    "make.call": Talk.make,
    "transfer.talk": Talk.transfer,
    "restore.talk": Talk.restore,
    "disconnect.leg": Talk.disconnect,
    "tag.call": Talk.tag,
    "record.call": Talk.record,
    "add.coach": Talk.coach,
    "send.dtmf": Talk.dtmf,
    "block.contact": Talk.block,
    "call.talk_option": Talk.option,
}
"""Method on a running call -> what it does."""
