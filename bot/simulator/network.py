"""The simulated phone network: calls that proceed in time, told to the bot by each provider's simulator.

A provider takes part with a module `bot/providers/<name>/simulator.py` that defines

    class NameExchange(Exchange): ...
    EXCHANGE = NameExchange

and nothing more: `simulator/app.py` finds it and constructs `EXCHANGE(network, hook)` for each account. An
exchange is free of I/O. `serve()` is its HTTP face: it reads an order, calls `self.network.place(self, ...)`
(or `hang_up`, `live_calls`) and returns the reply; what the reply must be is told by `behaviour_of(number).reply`:

    "accepted"        place the call, then the usual success
    "out of credit"   where the service refuses at once: its refusal, nothing placed; else as "accepted"
    "never"           place the call, then return None: the client waits in vain
    "internal error"  `Reply(500, ...)`, nothing placed

`webhooks()` is asked once for every step of a call, right after the step was added to `call.history`, and returns
what the service would send for it (nothing, where it would stay silent). Webhooks that come at the very end of a
call belong to its last step: `call.over` is then true. Duplicates, delays and losses are the network's work.
"""

import asyncio
import logging
import random
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from bot.events import CUSTOMER, Direction, Outcome, State
from bot.provider import Reply, Request
from bot.simulator.behaviours import INCOMING, Behaviour, IncomingKind, Step, behaviour_of
from bot.simulator.clock import Clock

log = logging.getLogger(__name__)

FIRST_WITHIN_SECONDS = 15.0
"""A demo should not look dead: the first spontaneous call comes this soon."""

KEPT_CALLS = 1000
"""Ended calls that are still remembered."""

_CALLERS = ("+12025550131", "+447700900132", "+972505550133", "+12025550134", "+447700900135")
_KINDS: tuple[IncomingKind, ...] = ("answered", "missed", "abandoned")


@dataclass(frozen=True)
class Delivery:
    """A webhook on its way to the bot. Headers as they go out; the body is complete."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


Deliver = Callable[[Delivery], Awaitable[None]]
"""Brings a webhook to the bot; retries as a provider would, and gives up without raising."""


@dataclass(frozen=True)
class Happened:
    """A step and when it happened, in seconds since 1970 UTC."""

    step: Step
    at: float


@dataclass(frozen=True)
class LegTimes:
    """What has happened to one leg so far; times in seconds since 1970 UTC, 0 = not (yet)."""

    ringing_at: float = 0
    answered_at: float = 0
    ended_at: float = 0
    outcome: Outcome | None = None


@dataclass(eq=False)
class SimCall:
    """A call in the simulated network. Numbers are written as the exchange was told them.

    Attributes:
        id: the service's own id of the call.  kind: the provider's folder name.
        rep: what rings first, or who of ours is rung.  number: the outside party.  line: caller ID or DID.
        plan: steps still to come.  history: steps that happened.  placed_at: seconds since 1970 UTC.
        variables: whatever the exchange wants back with its webhooks.
    """

    id: str
    exchange: "Exchange"
    rep: str
    number: str
    line: str
    direction: Direction
    behaviour: Behaviour
    placed_at: float
    plan: list[Step]
    history: list[Happened] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """The provider's folder name."""
        return self.exchange.kind

    @property
    def over(self) -> bool:
        """Nothing more will happen."""
        return not self.plan

    @property
    def state(self) -> State:
        """Where the call is, in the words that people see: RINGING, CONNECTING, TALKING, ENDED."""
        if self.over:
            return State.ENDED
        up = {leg for leg in self.legs if self.leg(leg).answered_at and not self.leg(leg).ended_at}
        if self.direction == "in":
            return State.TALKING if up else State.RINGING
        if CUSTOMER in up:
            return State.TALKING
        return State.CONNECTING if up else State.RINGING

    @property
    def legs(self) -> tuple[str, ...]:
        """Legs that something has happened to, in order of their first step."""
        return tuple(dict.fromkeys(happened.step.leg for happened in self.history))

    def leg(self, name: str) -> LegTimes:
        """What has happened to that leg so far."""
        at = {happened.step.what: happened.at for happened in self.history if happened.step.leg == name}
        outcome = next((h.step.outcome for h in self.history if h.step.leg == name and h.step.outcome), None)
        return LegTimes(at.get("ringing", 0), at.get("answered", 0), at.get("ended", 0), outcome)


class Exchange(ABC):
    """One account of a provider, simulated. See the module's text for what its methods must do.

    Attributes:
        kind: the provider's folder name.
        extensions: who can be rung by incoming calls, two or more; () = the service has no incoming calls.
        queue: the queue that callers may leave, as the service names it in its legs.
        hook: the account's hook address at the bot, without a trailing slash.
    """

    kind: ClassVar[str]
    extensions: ClassVar[tuple[str, ...]] = ()
    queue: ClassVar[str] = ""

    def __init__(self, network: "Network", hook: str) -> None:
        self.network = network
        self.hook = hook.rstrip("/")

    @abstractmethod
    def new_id(self, number: int) -> str:
        """The id of the next call; `number` has not been used before."""

    @abstractmethod
    def serve(self, request: Request) -> Reply | None:
        """Answer a request to the service; `path` is below the account's base address. None = never answer."""

    @abstractmethod
    def webhooks(self, call: SimCall, step: Step) -> Sequence[Delivery]:
        """What the service sends about this step of the call."""


class Network:
    """All calls of all exchanges, each proceeding by itself on the clock."""

    def __init__(self, clock: Clock, deliver: Deliver) -> None:
        self.clock = clock
        self._deliver = deliver
        self._number = int(clock.now())  # a simulator that is started again does not repeat its ids
        self._calls: dict[str, SimCall] = {}
        self._lives: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def calls(self) -> tuple[SimCall, ...]:
        """All calls that are remembered, oldest first."""
        return tuple(self._calls.values())

    def live_calls(self, exchange: Exchange) -> tuple[SimCall, ...]:
        """Calls of that exchange that are ringing or being talked."""
        return tuple(call for call in self._calls.values() if call.exchange is exchange and not call.over)

    def find(self, call_id: str) -> SimCall | None:
        """The call with that id, None where it is not known (any more)."""
        return self._calls.get(call_id)

    def place(
        self,
        exchange: Exchange,
        *,
        rep: str,
        number: str,
        line: str = "",
        max_seconds: float | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> SimCall:
        """Ring the rep, then the number; what happens is chosen by the number's last two digits.

        `max_seconds`: talk time after which the call is cut.
        """
        behaviour = behaviour_of(number)
        steps = list(behaviour.steps)
        for index, step in enumerate(steps[1:], start=1):
            before = steps[index - 1]
            if max_seconds is not None and (before.leg, before.what) == (CUSTOMER, "answered"):
                steps[index] = Step(min(step.after_seconds, max_seconds), step.leg, step.what, step.outcome)
        return self._begin(exchange, rep, number, line, "out", behaviour, steps, variables)

    def incoming(self, exchange: Exchange, *, caller: str, did: str, kind: IncomingKind) -> SimCall:
        """Let somebody call one of our numbers.

        Raises:
            ValueError: the service has no incoming calls.
        """
        if not exchange.extensions:
            raise ValueError(f"{exchange.kind} has no incoming calls. Choose an account of another provider.")
        steps = [
            Step(
                step.after_seconds, step.leg.format(*exchange.extensions, queue=exchange.queue), step.what, step.outcome
            )
            for step in INCOMING[kind]
        ]
        behaviour = Behaviour(kind, f"An incoming call: {kind}.", tuple(steps))
        return self._begin(exchange, exchange.extensions[0], caller, did, "in", behaviour, steps, None)

    def hang_up(self, call: SimCall) -> bool:
        """End every leg of the call now. False where it was over already."""
        if call.over:
            return False
        self._lives.pop(call.id).cancel()
        call.plan = []
        for leg in call.legs:
            times = call.leg(leg)
            if not times.ended_at:
                call.plan.append(Step(0, leg, "ended", Outcome.ANSWERED if times.answered_at else Outcome.CANCELLED))
        if not call.plan:  # nothing has rung yet
            call.plan.append(Step(0, call.behaviour.steps[0].leg, "ended", Outcome.CANCELLED))
        self._live(call)
        return True

    async def spontaneous(
        self, exchange: Exchange, did: str, *, every_seconds: float = 90.0, seed: int | None = None
    ) -> None:
        """Made-up people call `did` again and again until this is cancelled: answered, missed, abandoned in turn.

        The first call comes within 15 s, the others after about `every_seconds`. `seed` makes it repeatable.
        """
        chance = random.Random(seed)
        await self.clock.sleep(min(FIRST_WITHIN_SECONDS, every_seconds) * chance.uniform(0.3, 0.9))
        turn = 0
        while True:
            kind = _KINDS[turn % len(_KINDS)]
            self.incoming(exchange, caller=chance.choice(_CALLERS), did=did, kind=kind)
            turn += 1
            await self.clock.sleep(every_seconds * chance.uniform(0.7, 1.3))

    async def close(self) -> None:
        """Stop all calls and deliveries where they are."""
        tasks = [*self._lives.values(), *self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(
        self,
        exchange: Exchange,
        rep: str,
        number: str,
        line: str,
        direction: Direction,
        behaviour: Behaviour,
        steps: list[Step],
        variables: Mapping[str, str] | None,
    ) -> SimCall:
        self._number += 1
        call = SimCall(
            id=exchange.new_id(self._number),
            exchange=exchange,
            rep=rep,
            number=number,
            line=line,
            direction=direction,
            behaviour=behaviour,
            placed_at=self.clock.now(),
            plan=steps,
            variables=dict(variables or {}),
        )
        self._calls[call.id] = call
        for old in [known for known in self._calls.values() if known.over][: max(0, len(self._calls) - KEPT_CALLS)]:
            del self._calls[old.id]
        self._live(call)
        return call

    def _live(self, call: SimCall) -> None:
        task = asyncio.create_task(self._proceed(call))
        self._lives[call.id] = task

        def gone(done: asyncio.Task[None]) -> None:
            if self._lives.get(call.id) is done:
                del self._lives[call.id]
            _report(done)

        task.add_done_callback(gone)

    async def _proceed(self, call: SimCall) -> None:
        while call.plan:
            await self.clock.sleep(call.plan[0].after_seconds)
            step = call.plan.pop(0)
            call.history.append(Happened(step, self.clock.now()))
            if step.what not in call.behaviour.drops:
                deliveries = [d for d in call.exchange.webhooks(call, step) for _ in range(call.behaviour.copies)]
                self._start(self._send(deliveries, call.behaviour.delays.get(step.what, 0)))

    async def _send(self, deliveries: list[Delivery], after_seconds: float) -> None:
        await self.clock.sleep(after_seconds)
        for delivery in deliveries:
            await self._deliver(delivery)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(_report)


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("A simulated call stopped because of an error in the simulator.", exc_info=error)
