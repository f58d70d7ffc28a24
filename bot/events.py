"""What can happen to a call. A call (`bot/call.py`) is the fold of its events (`bot/fold.py`).

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
Purpose = Literal["call", "message", "conference"]
"""Two people talk; something is played to one; somebody is put into a conference."""

REP = "rep"
"""The leg to the rep's phone in a click-to-call. Legs of incoming calls are named by whom they rang."""
CUSTOMER = "customer"
"""The leg to the outside party."""
THIRD = "third:"
"""How the leg to somebody who is consulted or transferred to begins; a number or extension follows."""
UNNAMED = "ext:"
"""The leg of an incoming call to somebody of ours of whom is not told who."""


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


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
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
        leg: `REP`, `CUSTOMER`, or for incoming calls whom it rang ("ext:AAPINFzL", "queue:12", "did:+1555...");
            `THIRD` and a number or extension for whoever is consulted or transferred to.
        leg_ref: the provider's own id of the leg, "" = it has none.
    """

    leg: str
    leg_ref: str = ""

    @property
    @override
    def key(self) -> str:
        return f"{self.ref}:{self.__struct_config__.tag}:{self.leg}"


class Requested(Event, frozen=True, kw_only=True, tag="requested"):
    """A person asked for this call; written down before the provider is asked. Ours.

    Attributes:
        rep: Slack user id.  rep_phone: what rings first.  number: whom to reach.  line: caller ID, "" = default.
        dial_digits, confirm_key: as in `CallOrder`.  conference: into which one they are called.
    """

    rep: str
    rep_phone: str
    number: str
    line: str = ""
    name: str = ""
    note: str = ""
    purpose: Purpose = "call"
    record: bool = False
    dial_digits: str = ""
    confirm_key: str = ""
    conference: str = ""


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


class LegAlive(LegEvent, frozen=True, kw_only=True):
    """An event of a leg that lives.

    Attributes:
        again: it had seemed to be over since then (seconds since 1970 UTC), 0 = it had not.
    """

    again: float = 0

    @property
    @override
    def key(self) -> str:
        moment = f":{self.again}" if self.again else ""
        return f"{self.ref}:{self.__struct_config__.tag}:{self.leg}{moment}"


class LegRinging(LegAlive, frozen=True, kw_only=True, tag="leg_ringing"):
    """A phone rings."""


class LegAnswered(LegAlive, frozen=True, kw_only=True, tag="leg_answered"):
    """A phone was picked up."""


class LegEnded(LegEvent, frozen=True, kw_only=True, tag="leg_ended"):
    """A leg is over. `outcome` ANSWERED where it had been picked up, PENDING where it is not told.

    One that is not told may be the end of ringing in vain: a phone may ring several times in one call.
    """

    outcome: Outcome

    @property
    @override
    def key(self) -> str:
        moment = f":{self.at}" if self.outcome is Outcome.PENDING else ""
        return f"{self.ref}:{self.__struct_config__.tag}:{self.leg}{moment}"


class CallEnded(Event, frozen=True, kw_only=True, tag="call_ended"):
    """The whole call is over.

    Attributes:
        outcome: only where the provider tells (NO_CREDIT, FAILED); else PENDING and the legs tell.
        absent: nobody told so; it was to be found no more. Whatever shows that it lived on counts more.
    """

    outcome: Outcome = Outcome.PENDING
    absent: bool = False

    @property
    @override
    def key(self) -> str:
        moment = f":{self.at}" if self.absent else ""
        return f"{self.ref}:{self.__struct_config__.tag}{moment}"


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

    A phone that rang in vain may ring again later in the same call and be answered: then a leg has two.

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

    @property
    @override
    def key(self) -> str:
        answered = self.outcome is Outcome.ANSWERED
        return f"{self.ref}:{self.__struct_config__.tag}:{self.leg}{'' if answered else ':unanswered'}"


class HangUpAsked(Event, frozen=True, kw_only=True, tag="hang_up_asked"):
    """Somebody pressed *Hang up* and the provider accepted it. Ours. Who did so last is who is told of."""

    by: str

    @property
    @override
    def key(self) -> str:
        return f"{self.ref}:{self.__struct_config__.tag}:{self.at}"


class Wrapped(Event, frozen=True, kw_only=True, tag="wrapped"):
    """Somebody said how it went. Ours. The latest one counts.

    Attributes:
        disposition: "" keeps the earlier one.  note: free text, "" keeps the earlier one.
        taken_back: what is empty because they emptied it; a note also that the call was asked for with.
    """

    by: str
    disposition: str = ""
    note: str = ""
    taken_back: tuple[Literal["disposition", "note"], ...] = ()

    @property
    @override
    def key(self) -> str:
        return f"{self.ref}:{self.__struct_config__.tag}:{self.by}:{self.at}"


class Controlled(Event, frozen=True, kw_only=True, tag="controlled"):
    """Somebody did something to a running call and the provider accepted it. Ours.

    Attributes:
        by: Slack user id, "" = Callboard itself.  action: name of the operation ("hold", "press_key", ...), or
            "consult_ended": whoever was consulted (`detail`) is not on the line any more.
        detail: with what or to whom, for people: a number, a key, a tag's name.
    """

    by: str
    action: str
    detail: str = ""

    @property
    @override
    def key(self) -> str:
        return f"{self.ref}:{self.__struct_config__.tag}:{self.action}:{self.by}:{self.at}"


class HoldChanged(Event, frozen=True, kw_only=True, tag="hold_changed"):
    """The provider tells that the outside party was put on hold, or talks again."""

    on: bool

    @property
    @override
    def key(self) -> str:
        return f"{self.ref}:{self.__struct_config__.tag}:{self.on}:{self.at}"


class RecordingChanged(Event, frozen=True, kw_only=True, tag="recording_changed"):
    """The provider tells that recording began, ended or failed.

    Attributes:
        recording: the provider's id of it, "" = not told.  words: why it failed.
    """

    on: bool
    recording: str = ""
    words: str = ""

    @property
    @override
    def key(self) -> str:
        return f"{self.ref}:{self.__struct_config__.tag}:{self.on}:{self.recording or self.at}"


class RecordingReady(Event, frozen=True, kw_only=True, tag="recording_ready"):
    """A recording of the call can be fetched. `recording`: URL, or the provider's id for `fetch_recording`."""

    recording: str
    seconds: int = 0

    @property
    @override
    def key(self) -> str:
        return f"{self.ref}:{self.__struct_config__.tag}:{self.recording}"


class Played(Event, frozen=True, kw_only=True, tag="played"):
    """What became of something that was played into the call.

    Attributes:
        play: the provider's id of it.  prompt_ref: ours.  outcome: ANSWERED = heard to its end, NO_ANSWER = keys or
        words were waited for in vain, FAILED.
    """

    outcome: Outcome
    play: str = ""
    prompt_ref: str = ""

    @property
    @override
    def key(self) -> str:
        return f"{self.ref}:{self.__struct_config__.tag}:{self.play or self.at}:{self.outcome}"


class Heard(Event, frozen=True, kw_only=True, tag="heard"):
    """Somebody on the line pressed keys or spoke, as the provider recognised it.

    Attributes:
        digits: keys pressed.  phrase: words understood.  play, prompt_ref: what they answered, "" = not told.
    """

    digits: str = ""
    phrase: str = ""
    play: str = ""
    prompt_ref: str = ""

    @property
    @override
    def key(self) -> str:
        return f"{self.ref}:{self.__struct_config__.tag}:{self.play or self.at}:{self.digits}:{self.phrase}"


class Guided(Event, frozen=True, kw_only=True, tag="guided"):
    """The service asked what to do with the call, and this was said. Ours.

    Attributes:
        asked: where the call stood and where before that; a question that comes again unchanged is the same one.
        digits: what the caller had keyed.  does: what the step does, a word of the flows ("menu", "dial", ...),
        "" = no flow said anything, so the service goes on as it is set up.  step: the step's name.
        tried: how many targets of that step did not answer before.
    """

    asked: str = ""
    digits: str = ""
    does: str = ""
    step: str = ""
    tried: int = 0

    @property
    @override
    def key(self) -> str:
        return f"{self.ref}:{self.__struct_config__.tag}:{self.asked}:{self.digits}"


class Tagged(Event, frozen=True, kw_only=True, tag="tagged"):
    """The call has a tag. `label`: its name for people."""

    label: str

    @property
    @override
    def key(self) -> str:
        return f"{self.ref}:{self.__struct_config__.tag}:{self.label}"


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
    | Controlled
    | HoldChanged
    | RecordingChanged
    | RecordingReady
    | Played
    | Heard
    | Guided
    | Tagged
)
