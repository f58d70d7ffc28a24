"""Voicenter's external IVR and external layers, simulated: callers who are led by what the bot answers.

Stricter than the real one: an answer that the document does not allow is refused, which ends the call (IVR) or leads
to the first extension (layer), and is reported at `/_sim/refused`. So is one that takes longer than 5 s. What a caller
keys is told with the call, else their number's last two digits say it: 26 keys 5, 12 keys nothing, any other keys 1.
"""

import asyncio
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from bot.events import CUSTOMER, Outcome
from bot.simulator.behaviours import TALK_SECONDS, Step, behaviour_of
from bot.simulator.exchange import Delivery, SimCall

from . import xmlrpc
from .causes import CAUSES, TEMPORARY_FAILURE
from .fields import is_extension
from .ivr import ACTIONS, LANGUAGES
from .layer import SPOKEN

if TYPE_CHECKING:
    from .simulator import VoicenterExchange

log = logging.getLogger(__name__)

ANSWER_SECONDS = 5
"""Real ones: however fast the simulated clock runs, the bot has its time."""
LED = "led"
"""Under which variable a call knows that it is led, and by which of the two."""
MENU = "menu"
"""The leg of whoever listens to a menu."""
LONGEST_SECONDS = 3600
MOST_STEPS = 50
KEY_SECONDS = 2
FIRST_LAYER, EXTERNAL_LAYERS = 8, (8, 9, 10)
"""Where a caller begins; layers that ask. All others are Voicenter's own and ring the first extension."""
_STATUSES = {
    Outcome.ABANDONED: "VOEND",
    Outcome.ANNOUNCEMENT: "TE",
    Outcome.VOICEMAIL: "VOICEMAIL",
    Outcome.ANSWERED: "ANSWER",
    Outcome.NO_ANSWER: "NOANSWER",
    Outcome.BUSY: "BUSY",
    Outcome.REJECTED: "DONTCALL",
    Outcome.CANCELLED: "CANCEL",
    Outcome.FAILED: "INVALIDARGS",
}
Way = Literal["ivr", "layer"]
LAYER_SHAPES: Mapping[str, Mapping[str, tuple[type, bool]]] = {
    "GO_TO_LAYER": {"LAYER": (int, True), "CALLER_NAME": (str, False), "CUSTOM_DATA": (dict, True)},
    "DIAL": {
        "MAX_CALL_DURATION": (int, False),
        "MAX_DIAL_DURATION": (int, False),
        "RECORDING": (str, False),
        "TARGETS": (list, True),
        "CALLER_ID": (str, False),
        "CALLER_NAME": (str, False),
        "NEXT_VO_ID": (int, False),
        "ANSWER_NEXT_VO_ID": (int, False),
        "UNAVAILABLE_VO_ID": (int, False),
        "CUSTOM_DATA": (dict, True),
    },
    "SAY_DIGITS": {
        "NEXT_LAYER": (int, True),
        "NEXT_LAYER_IF_FAILED": (int, True),
        "LANGUAGE": (str, True),
        "DATA": (list, True),
    },
}
"""ACTION -> its members, as in `ACTIONS`."""
_SAID = ("Recording", "Digits", "Number", "Date", "DateTime")


class Led:
    """A caller who is led through a menu.

    Attributes:
        keys: what they key, menu by menu; whoever has nothing left hangs up.  in_xml: how the bot is asked.
    """

    def __init__(self, exchange: "VoicenterExchange", call: SimCall, way: Way, keys: Sequence[str]) -> None:
        self.exchange, self.call, self.way = exchange, call, way
        self.keys = list(keys) or {"26": ["5"], "12": ["", ""]}.get(call.number[-2:], ["1"])
        self.in_xml = exchange.ivr_format == "xml" and way == "ivr"

    async def walk(self) -> None:
        """Ask and obey until the call is over."""
        await (self._through_ivr() if self.way == "ivr" else self._through_layers())

    # The external IVR

    async def _through_ivr(self) -> None:
        menu, previous, digits = "-1", "-1", ""
        for _ in range(MOST_STEPS):
            told = await self._ask("GET_IVR_ACTION", {"DTMF": digits, "MENU": menu, "PREVIOUS_MENU": previous})
            if self.call.over:
                return
            if told is None or self._refuses(ivr_faults(told, self.in_xml)) or told["STATUS"]:
                self._end(CAUSES[TEMPORARY_FAILURE].outcome)
                return
            data, following = told["DATA"], ""
            match told["ACTION"]:
                case "MENU" | "SAYDIGITS":
                    keyed, following = await self._keyed(data["SIZE"]), data["MENU"]
                    if keyed is None:
                        return
                    digits = keyed
                case "CALL":
                    target = [data["TARGET"]]
                    if await self._dial(target, data["CALL_MAX_DIAL"], data["CALL_MAX"], bool(data.get("NEXT_MENU"))):
                        return
                    following, digits = data["NEXT_MENU"], ""
                    if data.get("NEXT_MENU_RECORD", "blank") != "blank":
                        keyed = await self._keyed(data.get("NEXT_MENU_SIZE", 1))
                        if keyed is None:
                            return
                        digits = keyed
                case "VO":
                    await self._own_layer()
                    return
                case "SILENTRECORD":
                    await self.exchange.network.clock.sleep(min(data.get("MAXDURATION", 10), 10))
                    self._end(Outcome.VOICEMAIL)
                    return
                case "HANGUP":
                    self._end(CAUSES[data.get("HANGUP_CAUSE", 16)].outcome)
                    return
            previous, menu = menu, following
        self._end(Outcome.FAILED)

    # External layers

    async def _through_layers(self) -> None:
        layer, previous = FIRST_LAYER, 1
        for _ in range(MOST_STEPS):
            digits = await self._keyed(8)
            if digits is None:
                return
            asked: dict[str, xmlrpc.Value] = {"DTMF": digits or "0", "LAYER_ID": layer, "PREVIOUS_LAYER_ID": previous}
            told = await self._ask("IVR_LAYER_INPUT", asked)
            if self.call.over:
                return
            following: int | None = 0
            if told is not None and not self._refuses(layer_faults(told)) and not told["STATUS"]:
                following = await self._layer_action(told)
            if following is None:
                return
            previous, layer = layer, following
            if layer not in EXTERNAL_LAYERS:
                await self._own_layer()
                return
        self._end(Outcome.FAILED)

    async def _layer_action(self, told: Mapping[str, Any]) -> int | None:
        """The layer that follows, None where the call has ended."""
        match told["ACTION"]:
            case "GO_TO_LAYER":
                return int(told["LAYER"])
            case "SAY_DIGITS":
                return int(told["NEXT_LAYER"])
        targets = [target["TARGET"] for target in told["TARGETS"]]
        following = told.get("NEXT_VO_ID")
        limits = (told.get("MAX_DIAL_DURATION", 60), told.get("MAX_CALL_DURATION", 7200))
        return None if await self._dial(targets, *limits, following is not None) else following

    # What both do

    async def _ask(self, method: str, asked: Mapping[str, xmlrpc.Value]) -> dict[str, Any] | None:
        call = self.call
        data: dict[str, xmlrpc.Value] = {
            "DID": call.line.removeprefix("+"),
            "CALLER_ID": call.number.removeprefix("+"),
            "IVR_UNIQUE_ID": call.id,
            **({"CALLER_NAME": ""} if self.way == "ivr" else {}),
            **asked,
        }
        url = f"{self.exchange.hook}/{self.way}"
        try:
            reply = await asyncio.wait_for(
                self.exchange.network.ask(message(url, method, data, self.in_xml)), ANSWER_SECONDS
            )
        except TimeoutError:
            reply = None
        if reply is None or reply.status != 200:
            self._refuses([f"no answer within {ANSWER_SECONDS} s" if reply is None else f"HTTP {reply.status}"])
            return None
        try:
            told = xmlrpc.read_response(reply.body) if self.in_xml else json.loads(reply.body)
        except ValueError as error:
            told = str(error)
        if not isinstance(told, dict):
            self._refuses(["the answer is no object"])
            return None
        return told

    def _refuses(self, faults: Sequence[str]) -> bool:
        if faults:
            words = f"{self.call.id}: {'; '.join(faults)}"
            self.exchange.refused.append(words)
            log.warning("The simulated service refused an answer. %s", words)
        return bool(faults)

    async def _keyed(self, most: int) -> str | None:
        """What is keyed into a menu, None where the caller hung up instead."""
        await self.exchange.network.clock.sleep(KEY_SECONDS)
        if self.call.over:
            return None
        if not self.keys:
            self._end(Outcome.ABANDONED)
            return None
        return self.keys.pop(0)[:most]

    async def _dial(self, targets: Sequence[str], ring: float, most: float, goes_on: bool) -> bool:
        """Ring them at the same time. Returns whether the call ended with that; else it waits for what follows."""
        steps, answered = dialled(targets, ring, most)
        if not answered and goes_on:
            seconds = sum(step.after_seconds for step in steps)
            self.exchange.network.change(self.call, [*steps, _hangs_up_at_last()], keep=lambda _: False)
            await self.exchange.network.clock.sleep(seconds + 1)
            return self.call.over
        self.exchange.network.change(self.call, steps, keep=lambda _: False)
        return True

    async def _own_layer(self) -> None:
        await self._dial([self.exchange.extensions[0]], 60, 7200, goes_on=False)

    def _end(self, outcome: Outcome) -> None:
        self.exchange.network.change(self.call, [Step(0, MENU, "ended", outcome)], keep=lambda _: False)


def begin(exchange: "VoicenterExchange", caller: str, did: str, way: Way, keys: Sequence[str]) -> SimCall:
    """Somebody calls `did`, which leads to a menu."""
    steps = [Step(0, MENU, "ringing"), _hangs_up_at_last()]
    call = exchange.network.begin(
        exchange, steps, number=caller, rep=MENU, line=did, direction="in", variables={LED: way}
    )
    exchange.network.start(Led(exchange, call, way, keys).walk())
    return call


def _hangs_up_at_last() -> Step:
    return Step(LONGEST_SECONDS, MENU, "ended", Outcome.ABANDONED)


def dialled(targets: Sequence[str], ring: float, most: float) -> tuple[list[Step], bool]:
    """What happens when these phones ring together, and whether one is picked up; the first that can be, is."""
    legs = {target: f"ext:{target}" if is_extension(target) else f"did:{target}" for target in targets}
    fates = {target: _fate(target, ring) for target in targets}
    taken = min((t for t in targets if fates[t][1] is Outcome.ANSWERED), key=lambda t: fates[t][0], default="")
    steps = [Step(1 if target == targets[0] else 0, leg, "ringing") for target, leg in legs.items()]
    until = fates[taken][0] if taken else float("inf")
    before = 0.0
    for target in sorted((t for t in targets if t != taken), key=lambda t: fates[t][0]):
        at, outcome = fates[target]
        at, outcome = (at, outcome) if at < until else (until, Outcome.CANCELLED)
        steps.append(Step(at - before, legs[target], "ended", outcome))
        before = at
    if taken:
        steps.append(Step(until - before, legs[taken], "answered"))
        steps.append(Step(min(TALK_SECONDS, most), legs[taken], "ended", Outcome.ANSWERED))
    return steps, bool(taken)


def _fate(target: str, ring: float) -> tuple[float, Outcome]:
    """After how many seconds of ringing that phone is picked up or stops."""
    rings = [step for step in behaviour_of(target).steps if step.leg == CUSTOMER]
    after = next((step for step in rings if step.what != "ringing"), Step(4, CUSTOMER, "answered"))
    seconds, outcome = after.after_seconds, after.outcome or Outcome.ANSWERED
    return (seconds, outcome) if seconds <= ring else (ring, Outcome.NO_ANSWER)


def message(url: str, method: str, data: Mapping[str, xmlrpc.Value], in_xml: bool) -> Delivery:
    """A request of the IVR to the bot."""
    if in_xml:
        return Delivery("POST", url, {"content-type": "text/xml; charset=utf-8"}, xmlrpc.write_call(method, data))
    body = json.dumps({"METHOD": method, "DATA": dict(data)}).encode()
    return Delivery("POST", url, {"content-type": "application/json; charset=utf-8"}, body)


def end_report(exchange: "VoicenterExchange", call: SimCall) -> Iterator[Delivery]:
    """HANGUP_CALL, where the call was led by the IVR: layers know nothing of it."""
    if call.variables.get(LED) != "ivr":
        return
    leg = _last(call)
    times = call.leg(leg)
    target = "" if leg == MENU else leg.partition(":")[2]
    data: dict[str, xmlrpc.Value] = {
        "DID": call.line.removeprefix("+"),
        "CALLER_ID": call.number.removeprefix("+"),
        "IVR_UNIQUE_ID": call.id,
        "TARGET": target,
        "CALL_TIME_EPOCH": round(times.ringing_at),
        "CALL_START_EPOCH": round(call.history[0].at),
        "CALL_DURATION": round(times.ended_at - call.history[0].at),
        "CALL_DAILTIME": round((times.answered_at or times.ended_at) - times.ringing_at) if target else 0,
        "CALL_STATUS": _status(times.outcome) if target else "",
    }
    yield message(f"{exchange.hook}/ivr", "HANGUP_CALL", data, exchange.ivr_format == "xml")


def record(call: SimCall) -> dict[str, xmlrpc.Value]:
    """The members of the CDR in which a led call differs from others."""
    leg = _last(call)
    times = call.leg(leg)
    target = "" if leg == MENU else leg.partition(":")[2]
    return {
        "caller": call.number.removeprefix("+"),
        "target": target,
        "type": "VoiceMail" if times.outcome is Outcome.VOICEMAIL else "Incoming Call",
        "targetextension": target if is_extension(target) and times.answered_at else "",
        "did": call.line.removeprefix("+"),
        "time": round(call.history[0].at),
        "dialtime": round((times.answered_at or times.ended_at) - times.ringing_at) if target else 0,
        "duration": round(times.ended_at - times.answered_at) if times.answered_at else 0,
        "status": "BUSY" if times.outcome is Outcome.REJECTED else _status(times.outcome),
    }


def _last(call: SimCall) -> str:
    """The leg that tells how the call ended: one that was answered, else the one that ended last."""
    answered = next((leg for leg in call.legs if call.leg(leg).answered_at), "")
    return answered or max(call.legs, key=lambda leg: call.leg(leg).ended_at)


def _status(outcome: Outcome | None) -> str:
    return _STATUSES.get(outcome or Outcome.FAILED, "CONGESTION")


# What the document does not allow


def ivr_faults(told: Mapping[str, Any], in_xml: bool) -> list[str]:
    """Sentences about an answer to GET_IVR_ACTION; none = it is right."""
    faults = _shape_faults(
        told, {"STATUS": (int, True), "ACTION": (str, True), "LANGUAGE": (str, True), "DATA": (dict, True)}
    )
    if faults:
        return faults
    language, action = told["LANGUAGE"], told["ACTION"]
    if language not in [one if in_xml else one.upper() for one in LANGUAGES]:
        faults.append(f"LANGUAGE is {language!r}")
    if action not in ACTIONS:
        return [*faults, f"ACTION is {action!r}"]
    data = told["DATA"]
    faults += _shape_faults(data, ACTIONS[action])
    # A mandatory text may be empty where an example of the document shows it so, and nowhere else.
    faults += [
        f"{name} is empty" for name, (_, mandatory) in ACTIONS[action].items()
        if mandatory and name != "CALLERNAME" and data.get(name) == ""
    ]  # fmt: skip
    if action == "CALL" and not _dialable(data.get("TARGET")):
        faults.append(f"TARGET is {data.get('TARGET')!r}")
    faults += [f"{name} is negative" for name, value in data.items() if isinstance(value, int) and value < 0]
    if data.get("HANGUP_CAUSE", 16) not in CAUSES:
        faults.append(f"HANGUP_CAUSE is {data['HANGUP_CAUSE']}")
    return faults


def layer_faults(told: Mapping[str, Any]) -> list[str]:
    """Sentences about an answer to IVR_LAYER_INPUT; none = it is right."""
    if told.get("STATUS") == 1:
        return []
    action = str(told.get("ACTION"))
    if action not in LAYER_SHAPES:
        return [f"ACTION is {action!r}"]
    faults = _shape_faults(told, {"STATUS": (int, True), "ACTION": (str, True), **LAYER_SHAPES[action]})
    if faults:
        return faults
    faults = [f"{name} is no text of at most 128 characters" for name, value in told.get("CUSTOM_DATA", {}).items()
              if not isinstance(value, str) or len(value) > 128]  # fmt: skip
    for target in told.get("TARGETS", []):
        kind = "EXTENSION" if is_extension(str(target.get("TARGET"))) else "PHONE"
        if set(target) != {"TARGET", "TYPE"} or target["TYPE"] != kind or not _dialable(target["TARGET"]):
            faults.append(f"a target is {target!r}")
    if told.get("RECORDING", "no") not in ("yes", "no") or told.get("LANGUAGE", "HE").lower() not in SPOKEN:
        faults.append("RECORDING or LANGUAGE is another word")
    if action == "SAY_DIGITS" and not all(
        row.get("RecordType") in _SAID and row.get("Content") for row in told["DATA"]
    ):
        faults.append("DATA holds something that cannot be said")
    return faults


def _shape_faults(told: Mapping[str, Any], shape: Mapping[str, tuple[type, bool]]) -> list[str]:
    faults = [f"{name} is not in the document" for name in told if name not in shape]
    for name, (kind, mandatory) in shape.items():
        if name not in told and mandatory:
            faults.append(f"{name} is missing")
        elif name in told and type(told[name]) is not kind:
            faults.append(f"{name} is {told[name]!r}")
    return faults


def _dialable(target: object) -> bool:
    return isinstance(target, str) and (is_extension(target) or (target.isascii() and target.isdigit()))
