"""The simulated phone network: calls that proceed in time, told to the bot by each provider's exchange.

Each step of a call happens on the clock, and the exchange (`simulator/exchange.py`) says which webhooks tell of it;
that they come twice, late or never is done here.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot.events import CUSTOMER, Direction, Outcome
from bot.hooks import Reply
from bot.simulator.behaviours import (
    INCOMING,
    MESSAGE_SECONDS,
    Behaviour,
    IncomingKind,
    Step,
    behaviour_of,
    message_behaviour,
)
from bot.simulator.clock import Clock
from bot.simulator.exchange import Delivery, Exchange, Happened, SimCall

log = logging.getLogger(__name__)

FIRST_WITHIN_SECONDS = 15.0
"""A demo should not look dead: the first spontaneous call comes this soon."""

KEPT_CALLS = 1000
"""Ended calls that are still remembered."""

CUSTOMERS = {
    "+12025550131": ("Rosa Diaz", "Harbour Books"),
    "+447700900132": ("Tom Baker", "Baker & Sons"),
    "+972505550133": ("Yael Stone", ""),
}
"""Of the made-up people who call by themselves, those whom the company knows: name and company."""
_CALLERS = ("+12025550131", "+447700900132", "+972505550133", "+12025550134", "+447700900135")
_KINDS: tuple[IncomingKind, ...] = ("answered", "missed", "abandoned")

Deliver = Callable[[Delivery], Awaitable[Reply | None]]
"""Brings a webhook to the bot; retries as a provider would. Returns the bot's answer, None when it gave up."""


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

    def message(
        self,
        exchange: Exchange,
        *,
        number: str,
        line: str = "",
        play_seconds: float = MESSAGE_SECONDS,
        ring_seconds: float | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> SimCall:
        """Call one party and play something; what happens is chosen by the number's last two digits."""
        behaviour = message_behaviour(number, play_seconds, ring_seconds)
        return self._begin(exchange, "", number, line, "out", behaviour, list(behaviour.steps), variables)

    def begin(
        self,
        exchange: Exchange,
        steps: Sequence[Step],
        *,
        number: str,
        rep: str = "",
        line: str = "",
        direction: Direction = "out",
        variables: Mapping[str, str] | None = None,
    ) -> SimCall:
        """A call whose course the exchange itself knows, step by step; see also `change`."""
        behaviour = replace(behaviour_of(number), steps=tuple(steps))
        return self._begin(exchange, rep, number, line, direction, behaviour, list(steps), variables)

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

    def incoming(
        self, exchange: Exchange, *, caller: str, did: str, kind: IncomingKind, keys: Sequence[str] = ()
    ) -> SimCall:
        """Let somebody call one of our numbers. `keys`: as in `Exchange.lead`.

        Raises:
            ValueError: the service has no incoming calls, or none of that kind.
        """
        if kind == "ivr" or kind == "layer":
            return exchange.lead(caller, did, kind, keys)
        if not exchange.extensions:
            raise ValueError(f"{exchange.kind} has no incoming calls. Choose an account of another provider.")
        steps = [
            Step(
                step.after_seconds, step.leg.format(*exchange.extensions, queue=exchange.queue), step.what, step.outcome
            )
            for step in INCOMING[kind]
        ]
        steps = list(exchange.incoming_steps(steps))
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

    def change(
        self, call: SimCall, steps: Sequence[Step] = (), *, keep: Callable[[Step], bool] = lambda _: True
    ) -> None:
        """Something intervenes in a live call: `steps` are added from now on, planned ones stay if `keep` says so.

        Steps that are kept happen when they would have happened. An ended call is not revived.
        """
        if call.over:
            return
        now = self.clock.now()
        planned: list[tuple[float, Step]] = []
        for at, step in _absolute(call.due_at - call.plan[0].after_seconds, call.plan):
            if keep(step):
                planned.append((max(at, now), step))
        planned += _absolute(now, steps)
        planned.sort(key=lambda one: one[0])  # stable: steps at the same moment stay in order
        self._lives.pop(call.id).cancel()
        call.plan = []
        before = now
        for at, step in planned:
            call.plan.append(replace(step, after_seconds=at - before))
            before = at
        self._live(call)

    async def ask(self, delivery: Delivery) -> Reply | None:
        """Bring a question to the bot and wait for its answer. None: it could not be reached or gave up."""
        return await self._deliver(delivery)

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something beside the calls until it ends or the network is closed; errors are logged."""
        self._start(work)

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
        if call.plan:  # known at once, because the call may be changed again before its task runs
            call.due_at = self.clock.now() + call.plan[0].after_seconds
        task = asyncio.create_task(self._proceed(call))
        self._lives[call.id] = task

        def gone(done: asyncio.Task[None]) -> None:
            if self._lives.get(call.id) is done:
                del self._lives[call.id]
            _report(done)

        task.add_done_callback(gone)

    async def _proceed(self, call: SimCall) -> None:
        while call.plan:
            call.due_at = self.clock.now() + call.plan[0].after_seconds
            await self.clock.sleep(call.plan[0].after_seconds)
            if self._lives.get(call.id) is not asyncio.current_task():
                return  # the plan was changed: another task lives it now, and a cancellation may have come too late
            step = call.plan.pop(0)
            if call.plan:  # the webhooks of this step may already change what comes next
                call.due_at = self.clock.now() + call.plan[0].after_seconds
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


def _absolute(since: float, steps: Sequence[Step]) -> list[tuple[float, Step]]:
    timed = []
    for step in steps:
        since += step.after_seconds
        timed.append((since, step))
    return timed


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("A simulated call stopped because of an error in the simulator.", exc_info=error)
