"""A call: a conversation, however many legs it has. `bot.fold.fold()` makes it from events; nobody changes it."""

from collections.abc import Iterable
from typing import Literal

import msgspec

from bot.events import MISSED_OUTCOMES, REP, THIRD, AnyEvent, Direction, LegEvent, Outcome, Purpose, State

Unreported = Literal["", "brief", "line"]
"""They hung up so soon that it does not count; it was on a line whose missed calls are nobody's concern."""
HANG_UP_SECONDS = 20
"""So long the end of a call is awaited that a service has taken an order to end; then it may be asked once more."""
BY_HAND = "another phone"
"""Account of calls that no phone service told of: a rep recorded them. No configured one can be called so."""


class Leg(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One leg of a call, folded. Times are seconds since 1970 UTC, 0 = not yet / not told."""

    name: str
    ref: str = ""
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


class Call(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A conversation, however many legs it has. Times are seconds since 1970 UTC, 0 = not (yet).

    Attributes:
        id: ours.  account: configured provider.  rep: Slack user id, "" = unknown.
        number: outside party, E.164 where possible.  line: our DID or caller ID.
        outcome: None while the call lives.  words: the provider's sentence on a refusal or an unclear answer.
        extension, person: who of ours talked (or was rung last), as the provider names them.
        recording: the first of `recordings`, which are addresses or ids for `fetch_recording`.
        held: the outside party is on hold.  recording_on: it is being recorded, as far as anybody told.
        consulting: the third party that is being called or talked to, "" = none.  transferred_to: who took over.
        hang_up_by, hang_up_at: who asked for its end last, and when.
        blocked: the service lets the outside party call no more.
        unreported: why a caller whom nobody answered is owed no call, "" = they are. Not told by events: the settings
            say so, see `bot/routing.py`.
        fetched: it was fetched from the service's log long after it happened, so that nobody is owed a call because of
            it. Not told by events either.
        guided_at: when a service last asked what to do with it, 0 = never; until somebody answers it may be in a menu.
        dial_digits: dialled once they answer, "." waits a second.  confirm_key: the rep presses it first; "" = none.
        conference: of the provider, that they were called into.
        played: what became of the message (`Played.outcome`).  heard: keys pressed and phrases spoken, in order.
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
    purpose: Purpose = "call"
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
    recordings: tuple[str, ...] = ()
    hang_up_by: str = ""
    hang_up_at: float = 0
    settled_by: str = ""
    held: bool = False
    recording_on: bool = False
    consulting: str = ""
    transferred_to: str = ""
    blocked: bool = False
    guided_at: float = 0
    tags: tuple[str, ...] = ()
    played: Outcome | None = None
    heard: tuple[str, ...] = ()
    unreported: Unreported = ""
    fetched: bool = False
    dial_digits: str = ""
    confirm_key: str = ""
    conference: str = ""
    legs: tuple[Leg, ...] = ()

    @property
    def live(self) -> bool:
        """Somebody may be ringing or talking right now."""
        return self.state in (State.RINGING, State.CONNECTING, State.TALKING)

    @property
    def unanswered(self) -> bool:
        """An incoming call that nobody of ours answered, decided after all legs have ended."""
        return self.direction == "in" and self.state is State.ENDED and self.outcome in MISSED_OUTCOMES

    @property
    def missed(self) -> bool:
        """One that nobody of ours answered, so that somebody is owed a call."""
        return self.unanswered and not self.unreported and not self.fetched

    @property
    def ours(self) -> bool:
        """It was placed through Callboard: not heard of from the provider alone."""
        return bool(self.rep_phone) or self.purpose != "call"

    def hanging_up(self, now: float) -> bool:
        """Somebody asked for its end, which is to be told any moment. `now`: seconds since 1970 UTC."""
        return bool(self.hang_up_by) and now - self.hang_up_at < HANG_UP_SECONDS

    def is_third(self, leg: str) -> bool:
        """Whether the leg of that name, of a call that somebody talks in, is of whom they called in.

        A colleague who is called into an incoming call has a leg like whoever took it; all others have stopped ringing.
        """
        took = min(((one.answered_at, one.name) for one in self.legs if one.answered_at), default=(0, leg))[1]
        return leg.startswith(THIRD) or (self.direction == "in" and leg.startswith("ext:") and leg != took)

    def named(self, event: AnyEvent) -> AnyEvent:
        """The event under the name that its leg has already.

        A service whose answer only shows who is there tells a colleague whom the rep has left alone with the other
        side as the rep; the leg's own id tells who it was.
        """
        if isinstance(event, LegEvent) and event.leg == REP and event.leg_ref:
            third = next((leg for leg in self.legs if leg.ref == event.leg_ref and leg.name.startswith(THIRD)), None)
            return msgspec.structs.replace(event, leg=third.name) if third else event
        return event

    @property
    def by_hand(self) -> bool:
        """A rep recorded it afterwards; it was made on a phone of their own."""
        return self.account == BY_HAND

    @property
    def conversation(self) -> bool:
        """Two people talked (or, by a rep's word, did). Whoever heard a message has not talked to anybody."""
        return self.state is State.ENDED and self.outcome is Outcome.ANSWERED and self.purpose != "message"


def last_rep(history: Iterable[Call]) -> str:
    """Slack user id of who spoke with them last, "" = nobody; `history` latest first."""
    return next((call.rep for call in history if call.conversation and call.rep), "")
