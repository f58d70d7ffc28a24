"""What can happen to a call, and `fold()`: a call is the fold of its events.

Everything a webhook, a poll or our own operation tells is one of the events below. `fold()` is pure and
depends only on the *set* of events: arrival order and repeats cannot change the result.

Conventions: `at` is seconds since 1970 in UTC, by the provider's clock where it tells, else the moment of
receipt. Numbers are E.164 ("+15550100") where they could be understood, else as received. Durations are seconds.

msgspec Structs instead of dataclasses: equally frozen, but they write and read themselves as JSON, checked.
"""

from enum import StrEnum
from typing import Literal

import msgspec
from typing_extensions import override

Direction = Literal["in", "out"]

REP = "rep"
"""The leg to the rep's phone in a click-to-call. Legs of incoming calls are named by whom they rang."""
CUSTOMER = "customer"
"""The leg to the outside party."""


class State(StrEnum):
    """Where a call is. Only ever moves down this list, except that `UNCLEAR` may still turn into any other."""

    REQUESTED = "requested"  # written down, the provider was not asked yet
    UNCLEAR = "unclear"  # the provider may or may not have it
    RINGING = "ringing"  # out: the rep's phone rings; in: somebody's phone rings
    CONNECTING = "connecting"  # out: the rep is on the line, the customer's phone rings
    TALKING = "talking"
    ENDED = "ended"


class Outcome(StrEnum):
    """How a call ended (the CDR's status, in our words). `REP_*`: the rep's own leg never got through."""

    PENDING = "pending"  # over, but the record that says how has not arrived
    ANSWERED = "answered"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    REJECTED = "rejected"
    CANCELLED = "cancelled"  # the calling side hung up before an answer
    ABANDONED = "abandoned"  # the caller left the queue or the menu
    VOICEMAIL = "voicemail"
    ANNOUNCEMENT = "announcement"  # an IVR played something and hung up, as configured
    UNREACHABLE = "unreachable"  # network says: unknown number, congestion, device off
    REP_NO_ANSWER = "rep_no_answer"
    REP_BUSY = "rep_busy"
    REP_REJECTED = "rep_rejected"
    REP_UNREACHABLE = "rep_unreachable"
    NO_CREDIT = "no_credit"
    REFUSED = "refused"  # the provider said no; nothing rang
    NOT_PLACED = "not_placed"  # the provider was not reached, or the rep says it never rang
    FAILED = "failed"  # a technical failure after it was accepted


MISSED_OUTCOMES = frozenset(
    {
        Outcome.NO_ANSWER,
        Outcome.BUSY,
        Outcome.REJECTED,
        Outcome.CANCELLED,
        Outcome.ABANDONED,
        Outcome.VOICEMAIL,
        Outcome.UNREACHABLE,
        Outcome.FAILED,
    }
)
"""An incoming call that ended like this leaves somebody waiting for a call back."""

REP_OUTCOMES = {
    Outcome.NO_ANSWER: Outcome.REP_NO_ANSWER,
    Outcome.BUSY: Outcome.REP_BUSY,
    Outcome.REJECTED: Outcome.REP_REJECTED,
    Outcome.UNREACHABLE: Outcome.REP_UNREACHABLE,
    Outcome.VOICEMAIL: Outcome.REP_NO_ANSWER,
}


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all events.

    Attributes:
        ref: the provider's id of the call; "" on events of our own, which are addressed by our call id.
        at: seconds since 1970, UTC.
    """

    ref: str = ""
    at: float

    @property
    def key(self) -> str:
        """Two events of one account with the same key are the same event, delivered twice."""
        return f"{self.ref}:{self.__struct_config__.tag}"


class LegEvent(Event, frozen=True, kw_only=True):
    """An event of one leg.

    Attributes:
        leg: `REP`, `CUSTOMER`, or for incoming calls whom it rang ("ext:AAPINFzL", "queue:12", "did:+1555...").
    """

    leg: str

    @property
    @override
    def key(self) -> str:
        return f"{self.ref}:{self.__struct_config__.tag}:{self.leg}"


class Requested(Event, frozen=True, kw_only=True, tag="requested"):
    """A person asked for this call; written down before the provider is asked. Ours.

    Attributes:
        rep: Slack user id.  rep_phone: what rings first.  number: whom to reach.  line: caller ID, "" = default.
    """

    rep: str
    rep_phone: str
    number: str
    line: str = ""
    name: str = ""
    note: str = ""


class Accepted(Event, frozen=True, kw_only=True, tag="accepted"):
    """The provider took the order; `ref` is its id of the call from now on."""


class NotPlaced(Event, frozen=True, kw_only=True, tag="not_placed"):
    """Nothing rang: refused by the provider or never reached it. Ours.

    Attributes:
        outcome: REFUSED or NOT_PLACED.  words: the sentence for the rep.
    """

    outcome: Outcome
    words: str


class Unclear(Event, frozen=True, kw_only=True, tag="unclear"):
    """The order was sent and the answer is ambiguous. Ours."""

    words: str


class Settled(Event, frozen=True, kw_only=True, tag="settled"):
    """A person (or reconciliation) said what became of an unclear or never-finished call. Ours.

    Attributes:
        by: Slack user id, "" = Callboard itself.  outcome: ANSWERED, NO_ANSWER, NOT_PLACED, ...
    """

    by: str
    outcome: Outcome


class LegRinging(LegEvent, frozen=True, kw_only=True, tag="leg_ringing"):
    """A phone rings."""


class LegAnswered(LegEvent, frozen=True, kw_only=True, tag="leg_answered"):
    """A phone was picked up."""


class LegEnded(LegEvent, frozen=True, kw_only=True, tag="leg_ended"):
    """A leg is over. `outcome` ANSWERED where it had been picked up, PENDING where it is not told."""

    outcome: Outcome


class CallEnded(Event, frozen=True, kw_only=True, tag="call_ended"):
    """The whole call is over.

    Attributes:
        outcome: only where the provider tells (NO_CREDIT, FAILED); else PENDING and the legs tell.
    """

    outcome: Outcome = Outcome.PENDING


class Described(Event, frozen=True, kw_only=True, tag="described"):
    """Facts about a call, from any webhook or poll. "" = not told. Several of one call add up.

    Attributes:
        number: the outside party.  line: our DID or caller ID.  name: the outside party's name as told.
        queue: queue name.  extension: who of ours talks or rings (provider's extension code or login).
        person: that person's name at the provider.  origin: ref of the call this one was transferred from.
        source: distinguishes descriptions of one call in the key ("popup", "poll", "cdr:customer").
    """

    source: str
    direction: Direction | None = None
    number: str = ""
    line: str = ""
    name: str = ""
    queue: str = ""
    extension: str = ""
    person: str = ""
    origin: str = ""
    call_id: str = ""  # our own call id, where it travelled with the order and came back

    @property
    @override
    def key(self) -> str:
        return f"{self.ref}:{self.__struct_config__.tag}:{self.source}"


class CdrReceived(LegEvent, frozen=True, kw_only=True, tag="cdr"):
    """The provider's final record of one leg: it overrules all earlier events of that leg.

    Attributes:
        at: when the leg began.  ring_seconds, talk_seconds, wait_seconds (in a queue): durations.
        price: in units of `currency` (ISO 4217), None = not told.  recording: URL, "" = none.
        extension, person: who of ours had this leg, "" = not told.
    """

    outcome: Outcome
    ring_seconds: int = 0
    talk_seconds: int = 0
    wait_seconds: int = 0
    price: float | None = None
    currency: str = ""
    recording: str = ""
    extension: str = ""
    person: str = ""


class HangUpAsked(Event, frozen=True, kw_only=True, tag="hang_up_asked"):
    """Somebody pressed *Hang up* and the provider accepted it. Ours."""

    by: str


class Wrapped(Event, frozen=True, kw_only=True, tag="wrapped"):
    """Somebody said how it went. Ours. The latest one counts.

    Attributes:
        disposition: "" keeps the earlier one.  note: free text, "" keeps the earlier one.
    """

    by: str
    disposition: str = ""
    note: str = ""

    @property
    @override
    def key(self) -> str:
        return f"{self.ref}:{self.__struct_config__.tag}:{self.by}:{self.at}"


AnyEvent = (
    Requested
    | Accepted
    | NotPlaced
    | Unclear
    | Settled
    | LegRinging
    | LegAnswered
    | LegEnded
    | CallEnded
    | Described
    | CdrReceived
    | HangUpAsked
    | Wrapped
)


class Leg(msgspec.Struct, frozen=True, kw_only=True):
    """One leg of a call, folded. Times are seconds since 1970 UTC, 0 = not yet / not told."""

    name: str
    ringing_at: float = 0
    answered_at: float = 0
    ended_at: float = 0
    outcome: Outcome | None = None
    ring_seconds: int = 0
    talk_seconds: int = 0
    wait_seconds: int = 0
    extension: str = ""
    person: str = ""
    recording: str = ""
    recorded: bool = False  # its CDR has arrived: nothing more will be said about this leg


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation, however many legs it has. Times are seconds since 1970 UTC, 0 = not (yet).

    Attributes:
        id: ours.  account: configured provider.  rep: Slack user id, "" = unknown.
        number: outside party, E.164 where possible.  line: our DID or caller ID.
        outcome: None while the call lives.  words: the provider's sentence on a refusal or an unclear answer.
        extension, person: who of ours talked (or was rung last), as the provider names them.
    """

    id: str
    account: str
    refs: tuple[str, ...] = ()
    direction: Direction = "out"
    state: State = State.REQUESTED
    outcome: Outcome | None = None
    words: str = ""
    rep: str = ""
    rep_phone: str = ""
    number: str = ""
    line: str = ""
    name: str = ""
    queue: str = ""
    extension: str = ""
    person: str = ""
    origin: str = ""
    note: str = ""
    disposition: str = ""
    started_at: float = 0
    answered_at: float = 0
    ended_at: float = 0
    ring_seconds: int = 0
    talk_seconds: int = 0
    wait_seconds: int = 0
    price: float | None = None
    currency: str = ""
    recording: str = ""
    hang_up_by: str = ""
    settled_by: str = ""
    legs: tuple[Leg, ...] = ()

    @property
    def live(self) -> bool:
        """Somebody may be ringing or talking right now."""
        return self.state in (State.RINGING, State.CONNECTING, State.TALKING)

    @property
    def missed(self) -> bool:
        """An incoming call that nobody of ours answered, decided after all legs have ended."""
        return self.direction == "in" and self.state is State.ENDED and self.outcome in MISSED_OUTCOMES

    @property
    def conversation(self) -> bool:
        """Two people talked (or, by a rep's word, did)."""
        return self.state is State.ENDED and self.outcome is Outcome.ANSWERED
