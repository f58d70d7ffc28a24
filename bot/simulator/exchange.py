"""What a provider's simulator is made of: its exchange, calls and what has happened to them, webhooks.

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

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from bot.events import CUSTOMER, Direction, Outcome, State
from bot.hooks import Reply, Request
from bot.simulator.behaviours import Behaviour, LedKind, Step

if TYPE_CHECKING:
    from bot.simulator.network import Network


@dataclass(frozen=True)
class Delivery:
    """A webhook on its way to the bot. Headers as they go out; the body is complete."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


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
        due_at: when the first step of the plan is to happen, by the simulator's clock.
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
    due_at: float = 0
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
        address: where it was asked last, without a trailing slash; "" = never over HTTP.
        refused: what the bot answered to the service's questions and should not have, a sentence each.
    """

    kind: ClassVar[str]
    extensions: ClassVar[tuple[str, ...]] = ()
    queue: ClassVar[str] = ""

    def __init__(self, network: "Network", hook: str) -> None:
        self.refused: list[str] = []
        self.network = network
        self.hook = hook.rstrip("/")
        self.address = ""

    @abstractmethod
    def new_id(self, number: int) -> str:
        """The id of the next call; `number` has not been used before."""

    @abstractmethod
    def serve(self, request: Request) -> Reply | None:
        """Answer a request to the service; `path` is below the account's base address. None = never answer."""

    def incoming_steps(self, steps: Sequence[Step]) -> Sequence[Step]:
        """What happens to an incoming call while nobody does anything with it; the usual `steps` by default."""
        return steps

    def lead(self, caller: str, did: str, kind: LedKind, keys: Sequence[str] = ()) -> SimCall:
        """Somebody calls `did` and is led by what the bot answers. `keys`: what they key, menu by menu.

        Raises:
            ValueError: the service asks nobody.
        """
        raise ValueError(f"{self.kind} asks nobody what to do with a call. Choose an account of another provider.")

    @abstractmethod
    def webhooks(self, call: SimCall, step: Step) -> Sequence[Delivery]:
        """What the service sends about this step of the call."""
