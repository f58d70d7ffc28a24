"""EnableX, simulated: eleven routes with the state rules of its pages, and every event they lead to.

The rep's number says how the rep's leg goes (endings 16 and 17), the customer's how the customer's does: EnableX hears
of the customer only when it is asked to bridge. Where a page is silent (an unknown call, a wrong field) the answer is
the general error form.
"""

import asyncio
import base64
import re
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import msgspec
from typing_extensions import override

from bot.events import CUSTOMER, REP, THIRD, Outcome
from bot.hooks import Reply, Request
from bot.simulator.behaviours import MESSAGE_SECONDS, Step, behaviour_of
from bot.simulator.exchange import Delivery, Exchange, SimCall
from bot.simulator.network import Network

from .lives import (
    LONG_SECONDS,
    ConnectOrder,
    DialOrder,
    HoldOrder,
    OnConnect,
    Play,
    RecordOrder,
    TransferOrder,
    answer_steps,
    greeted,
    message_steps,
    rep_steps,
    second_steps,
    third_steps,
)
from .plays import Plays, play_id
from .replies import Fails, beep, check_play, check_seconds, digits, event_members, refusal, reply, time_words
from .sealing import sealed

SECOND = "second"
"""The leg of an incoming call that was bridged."""


class EnableXExchange(Exchange):
    """A simulated project. It takes any credentials that are not empty.

    Attributes:
        cli: the provisioned number, digits; "" = any.  secret: the APP ID to encrypt events with, "" = plain events.
        greeting: callers hear a greeting, and are answered by it.  pin: the number is shared, callers key a PIN first.
        stays: whoever was put through stays on the line when the other hangs up; the page says nothing of it.
        recordings: id -> sound.
        fails: codes and states that the pages show and nothing else leads to: "6107", "6110", "6119"; "play",
            "speech" and "recording", each the event that tells so.
    """

    kind: ClassVar[str] = "enablex"
    extensions: ClassVar[tuple[str, ...]] = ("101", "102")
    queue: ClassVar[str] = "front"

    def __init__(self, network: Network, hook: str) -> None:
        super().__init__(network, hook)
        self.cli = ""
        self.secret = ""
        self.greeting = self.pin = False
        self.stays = True
        self.recordings: dict[str, bytes] = {}
        self.fails: set[str] = set()
        self._plays = Plays()
        self._held: set[str] = set()
        self._recording: dict[str, str] = {}
        self._names: set[str] = set()

    @override
    def new_id(self, number: int) -> str:
        return str(uuid.UUID(int=number))

    @override
    def serve(self, request: Request) -> Reply | None:
        path = f"/{request.path.strip('/')}".removeprefix("/voice").removeprefix("/v1").rstrip("/")
        try:
            self._check_key(request)
            media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
            if request.body and media_type != "application/json":
                raise Fails(400, 400, "Content-Type must be application/json")
            for verbs, pattern, serve in _ROUTES:
                found = re.fullmatch(pattern, path)
                if found and request.method in verbs:
                    return serve(self, request, *found.groups())
        except msgspec.MsgspecError as error:
            return reply({"result": 400, "msg": str(error), "state": "failed"}, 400)
        except Fails as failure:
            return refusal(path, failure, self.network.clock.now())
        return Reply(404, b"Not Found")

    # Calls.

    @override
    def incoming_steps(self, steps: Sequence[Step]) -> Sequence[Step]:
        return greeted(steps, self.greeting, self.pin)

    def rep_hangs_up(self, call: SimCall) -> None:
        """The first party puts the receiver down. Its page does not say that a phone which rings then stops ringing."""
        first = self._first(call)
        self.network.change(call, [Step(0, first, "ended", Outcome.ANSWERED)], keep=lambda step: step.leg != first)

    def _dial(self, request: Request) -> Reply | None:
        order = msgspec.json.decode(request.body, type=DialOrder)
        cli, to = self._own(order.cli), digits(order.to)
        behaviour = behaviour_of(to)
        if behaviour.reply == "internal error":
            return reply({"result": 500, "msg": "Internal Server Error", "state": "failed"}, 500)
        if behaviour.reply == "out of credit":
            raise Fails(400, 400, "Insufficient balance")
        told = {"event_url": order.event_url, "owner_ref": order.owner_ref, "from": cli, "to": to}
        action = order.action_on_connect or OnConnect()
        check_seconds(action)
        if (play := action.play) is not None:
            check_play(play)
            call = self.network.begin(
                self, message_steps(to, play), number=to, line=cli, variables=told | {"first": CUSTOMER}
            )
            self._plays.begin(call, play)
        else:
            call = self.network.begin(self, rep_steps(to), number=to, line=cli, variables=told | {"first": REP})
            if action.connect is not None:
                call.variables["connect"] = digits(action.connect.to)
        if order.auto_record:
            call.variables["auto_record"] = "yes"
        if behaviour.reply == "never":
            return None
        told = {"voice_id": call.id, "state": "initiated", "msg": "", "owner_ref": order.owner_ref}
        return reply(told | {"time_stamp": time_words(self.network.clock.now())})

    def _accept(self, request: Request, ref: str) -> Reply:
        call = self._live(ref)
        if call.direction != "in" or call.variables.get("accepted") or self.greeting:
            raise Fails(409, 409, "Call is accepted already")
        call.variables["accepted"] = "yes"
        self.network.change(call, [Step(LONG_SECONDS, "caller", "ended", Outcome.ANSWERED)], keep=lambda step: False)
        self._event(call, state="connected")
        return self._tell(call, status="success")

    def _connect(self, request: Request, ref: str) -> Reply | None:
        order = msgspec.json.decode(request.body, type=ConnectOrder)
        call = self._live(ref)
        self._own(order.cli)
        if "6110" in self.fails:
            raise Fails(404, 6110, "Application Not Found")
        to = digits(order.to)
        self._check_alone(call)
        behaviour = behaviour_of(to)
        if behaviour.reply == "internal error":
            return reply({"result": 500, "msg": "Internal Server Error", "state": "failed"}, 500)
        if behaviour.reply == "out of credit":
            raise Fails(404, 6118, "Phone number not found for the service")
        self._bridge(call, to)
        if behaviour.reply == "never":
            return None
        bridge = str(uuid.uuid5(uuid.NAMESPACE_OID, ref))
        return self._tell(call, time="timeStamp", bridge_id=bridge, state="Initiated")

    def _bridge(self, call: SimCall, to: str) -> None:
        leg = CUSTOMER if call.direction == "out" else SECOND
        call.variables |= {"second": leg, "second_number": to}
        call.behaviour = replace(behaviour_of(to), steps=call.behaviour.steps)
        coming = second_steps(to, leg)
        hanging_up = {step.leg for step in coming if step.what == "ended"}
        self.network.change(call, coming, keep=lambda step: step.leg not in hanging_up)

    def _hang_up(self, request: Request, ref: str) -> Reply:
        call = self._live(ref)
        self.network.hang_up(call)
        return self._tell(call, time="timeStamp", state="success", channel_id=f"ch-{ref[-4:]}")

    def _analyse(self, request: Request, ref: str) -> Reply:
        call = self._live(ref)
        first = call.leg(self._first(call))
        playing = self._plays.waits(call) and first.answered_at
        up = first.answered_at or self._accepted(call)
        state = "IVR" if playing else "connected" if up else "In progress"
        return self._tell(call, state=state, direction="Inbound" if call.direction == "in" else "Outbound")

    # What is done to a call.

    def _play(self, request: Request, ref: str) -> Reply:
        play = msgspec.json.decode(request.body, type=Play)
        call = self._live(ref)
        if self._bridged(call):
            raise Fails(405, 6112, "Call is in bridged mode, can't play media")
        if self._plays.waits(call):
            raise Fails(408, 6114, "Play request pending")
        if not call.leg(self._first(call)).answered_at and not self._accepted(call):
            raise Fails(400, 400, "Media Request Failed")
        check_play(play)
        if play.text and "6107" in self.fails:
            raise Fails(503, 6107, "Error doing text to speech conversion")
        self._plays.begin(call, play)
        first = self._first(call)
        self.network.change(call, [Step(MESSAGE_SECONDS, first, "played"), *answer_steps(call.number, first, play)])
        return self._tell(call, play_id=play_id(call), playstate="initiated")

    def _hold(self, request: Request, ref: str) -> Reply:
        order = msgspec.json.decode(request.body, type=HoldOrder)
        call = self._in_a_talk(ref)
        (self._held.add if order.hold else self._held.discard)(call.id)
        return Reply(200)  # the page shows no answer

    def _transfer(self, request: Request, ref: str) -> Reply:
        order = msgspec.json.decode(request.body, type=TransferOrder)
        self._own(order.cli)
        call = self._hand_on(ref, order.transfer_to)
        return self._tell(call, status="initiated", channel_id=f"ch-{ref[-4:]}")

    def _forward(self, request: Request, ref: str) -> Reply:
        order = msgspec.json.decode(request.body, type=ConnectOrder)
        self._own(order.cli)
        call = self._hand_on(ref, order.to)
        return self._tell(call, status="success")

    def _hand_on(self, ref: str, to: str) -> SimCall:
        call = self._in_a_talk(ref)
        first, second = self._first(call), call.variables["second"]
        ours, theirs = (first, second) if call.direction == "out" else (second, first)
        steps = third_steps(digits(to), ours, theirs, stays=self.stays)
        self._held.discard(ref)
        answers = any(step.what == "answered" for step in steps)
        self.network.change(call, steps, keep=lambda step: not answers)
        return call

    def _record(self, request: Request, ref: str) -> Reply:
        order = msgspec.json.decode(request.body, type=RecordOrder)
        if order.start == order.stop:
            raise Fails(400, 400, "Either start or stop must be true")
        call = self._in_a_talk(ref)
        if order.stop:
            if call.id not in self._recording:
                raise Fails(409, 409, "Call is not recording")
            self._recorded(call)
            return self._tell(call, time="timeStamp", status="success", recording_id="")
        if call.id in self._recording:
            raise Fails(408, 408, "Call is already recording")
        if "6119" in self.fails or (order.recording_name and order.recording_name in self._names):
            raise Fails(500, 6119, "Failed to start recording on bridge")
        self._names.add(order.recording_name)
        return self._tell(call, time="timeStamp", status="success", recording_id=self._start_recording(call))

    def _recording_file(self, request: Request, recording: str) -> Reply:
        if recording not in self.recordings:
            return reply({"result": 404, "msg": "Recording File Not Found"}, 404)
        return Reply(200, self.recordings[recording], "audio/wav")

    # Events.

    @override
    def webhooks(self, call: SimCall, step: Step) -> Sequence[Delivery]:
        found = [self._delivery(call, **told) for told in self._told(call, step)]
        if call.over and call.id in self._recording:
            found.insert(0, self._delivery(call, **self._stopped(call)))
        return found

    def _told(self, call: SimCall, step: Step) -> list[dict[str, Any]]:
        if step.what == "played":
            return self._plays.played(call, failed="play" in self.fails)
        if step.what in ("keyed", "spoke"):
            return self._plays.heard(call, step, bridged=self._bridged(call), understood="speech" not in self.fails)
        if step.leg.startswith(THIRD):
            state = _BRIDGING[step.what] if step.what != "ended" or call.leg(step.leg).answered_at else "bridge_failed"
            return [{"state": state, "to": step.leg.removeprefix(THIRD)}]
        if step.leg == call.variables.get("second"):
            answered = call.leg(step.leg).answered_at
            if step.what == "answered" and call.variables.get("auto_record"):
                self._start_recording(call)
            state = _BRIDGING[step.what] if step.what != "ended" or answered else "bridge_failed"
            told = {"state": state, "to": call.variables["second_number"]}
            return [told, {"state": "Disconnected"}] if call.over and call.direction == "in" else [told]
        if call.direction == "in":
            rang = [past for past in call.history if past.step.what == "ringing"]
            if step.what == "ringing" and len(rang) == 1:
                # "incomingcall" comes only where no greeting is set up.
                state = "connected" if self.greeting else "incomingcall"
                call.variables |= {"from": call.number.lstrip("+"), "to": call.line.lstrip("+")}
                return [{"state": state, "from": call.number.lstrip("+"), "to": call.line.lstrip("+")}]
            return [{"state": "Disconnected"}] if call.over or step.leg == self._first(call) else []
        if step.what == "ended":
            return [{"state": "disconnected"}]
        if step.what == "answered" and (number := call.variables.pop("connect", "")):
            self._bridge(call, number)
        if step.what == "answered" and self._first(call) == CUSTOMER and call.variables.get("auto_record"):
            self._start_recording(call)  # of a message there is no second party whom it would wait for
        mailbox = step.what == "answered" and step.outcome is Outcome.VOICEMAIL
        return [{"state": "voicemail" if mailbox else {"ringing": "ringing", "answered": "connected"}[step.what]}]

    def _start_recording(self, call: SimCall) -> str:
        recording = f"rec-{call.id}-{len(self.recordings)}"
        self._recording[call.id] = recording
        self._event(call, recording_id=recording, state="started", msg="")
        return recording

    def _stopped(self, call: SimCall) -> dict[str, Any]:
        recording = self._recording.pop(call.id)
        if "recording" in self.fails:
            return {"recording_id": recording, "state": "failed", "msg": "No space left"}
        self.recordings[recording] = beep()
        return {"recording_id": recording, "state": "completed", "msg": ""}

    def _recorded(self, call: SimCall) -> None:
        self._event(call, **self._stopped(call))

    def _event(self, call: SimCall, **told: Any) -> None:
        delivery = self._delivery(call, **told)

        async def bring() -> None:
            await asyncio.sleep(0)  # the answer to the order goes first
            await self.network.ask(delivery)

        self.network.start(bring())

    def _delivery(self, call: SimCall, **told: Any) -> Delivery:
        members = event_members(call.id, call.variables, told, self.network.clock.now())
        body = msgspec.json.encode(members)
        headers = {"content-type": "application/json"}
        if self.secret:
            body = msgspec.json.encode({"encrypted_data": sealed(body, self.secret)})
            headers |= {"x-algoritm": "aes-256-cbc", "x-format": "hex", "x-encoding": "utf8"}
        return Delivery("POST", call.variables.get("event_url") or self.hook, headers, body)

    # What the pages demand.

    def _check_key(self, request: Request) -> None:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        try:
            user, _, password = base64.b64decode(key, validate=True).decode().partition(":")
        except ValueError:
            user = password = ""
        if scheme != "Basic" or not user or not password:
            raise Fails(401, 401, "Unauthorized")

    def _own(self, cli: str) -> str:
        if not digits(cli) or (self.cli and cli != self.cli):
            raise Fails(404, 6118, "Phone number not found for the service")
        return cli

    def _live(self, ref: str) -> SimCall:
        call = self.network.find(ref)
        if call is None or call.exchange is not self or call.over:
            raise Fails(404, 404, "Call not found")
        return call

    def _in_a_talk(self, ref: str) -> SimCall:
        call = self._live(ref)
        if not self._bridged(call):
            raise Fails(409, 409, "Call is not bridged yet")
        return call

    def _check_alone(self, call: SimCall) -> None:
        first = call.leg(self._first(call))
        if not first.answered_at and not self._accepted(call):
            raise Fails(409, 409, "Call is not connected yet")
        if "second" in call.variables and not call.leg(call.variables["second"]).ended_at:
            raise Fails(409, 409, "Call is bridged already")

    def _bridged(self, call: SimCall) -> bool:
        leg = call.leg(call.variables.get("second", ""))
        return bool(leg.answered_at and not leg.ended_at)

    def _accepted(self, call: SimCall) -> bool:
        greeted = call.direction == "in" and self.greeting and bool(call.history)
        return greeted or bool(call.variables.get("accepted"))

    def _first(self, call: SimCall) -> str:
        return call.variables.get("first", "caller")

    def _tell(self, call: SimCall, *, time: str = "timestamp", **told: Any) -> Reply:
        members = {"voice_id": call.id, "from": call.variables.get("from", ""), "to": call.variables.get("to", "")}
        return reply(members | told | {time: time_words(self.network.clock.now())})


_Serve = Callable[..., Reply | None]
_ROUTES: tuple[tuple[tuple[str, ...], str, _Serve], ...] = (
    (("POST",), "/call", EnableXExchange._dial),
    (("PUT", "POST"), "/call/([^/]+)/accept", EnableXExchange._accept),
    (("PUT",), "/call/([^/]+)/play", EnableXExchange._play),
    (("PUT",), "/call/([^/]+)/connect", EnableXExchange._connect),
    (("PUT",), "/call/([^/]+)/transfer", EnableXExchange._transfer),
    (("PUT",), "/call/([^/]+)/forward", EnableXExchange._forward),
    (("PUT", "POST"), "/call/([^/]+)/hold", EnableXExchange._hold),
    (("PUT",), "/call/([^/]+)/recording", EnableXExchange._record),
    (("GET",), "/recording/([^/]+)", EnableXExchange._recording_file),
    (("GET",), "/call/([^/]+)", EnableXExchange._analyse),
    (("DELETE",), "/call/([^/]+)", EnableXExchange._hang_up),
)

_BRIDGING = {"ringing": "bridging", "answered": "bridged", "ended": "bridge_disconnected"}

EXCHANGE = EnableXExchange
