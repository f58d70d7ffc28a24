"""Roundups: one message of a channel that tells of many calls. Which calls it tells of. Pure."""

from typing import Literal, get_args

import msgspec

from bot.call import Call
from bot.events import Outcome

Kind = Literal["hourly", "daily", "quiet"]
KINDS: tuple[Kind, ...] = get_args(Kind)


class Roundup(msgspec.Struct, frozen=True):
    """One of them, in one channel; a card's body.

    Attributes:
        kind: of lines whose channel gets one an hour, or a day; "quiet" is of the others, in quiet hours.
        start, end: of when the calls ended, `start <= moment < end`, seconds since 1970 UTC.
        due_at: when it is posted, the same.
        incoming, outgoing: numbers of our lines, "" = all that are not listed.
    """

    kind: Kind
    place: str
    start: float
    end: float
    due_at: float
    incoming: tuple[str, ...]
    outgoing: tuple[str, ...]

    @property
    def subject(self) -> str:
        """The same for all calls of one period and place: they are in one message."""
        return f"{subject(self.kind, self.place, self.start)}:{self.end:.0f}"

    def tells_of(self, call: Call, line: str) -> bool:
        """Whether an ended call is one of its. `line`: of ours, "" = none that is listed."""
        told = self.incoming if call.direction == "in" else self.outgoing
        return line in told and self.start <= ended_at(call) < self.end and is_told(call)

    def line_of(self, call: Call) -> str:
        """Of a call that it tells of: its line, "" = none that is listed."""
        return call.line if call.line in (self.incoming if call.direction == "in" else self.outgoing) else ""

    def joined(self, later: "Roundup") -> "Roundup":
        """The same once the settings have changed: lines that have left are told of as far as they were in."""
        incoming, outgoing = {*self.incoming, *later.incoming}, {*self.outgoing, *later.outgoing}
        return msgspec.structs.replace(later, incoming=tuple(sorted(incoming)), outgoing=tuple(sorted(outgoing)))


def subject(kind: Kind, place: str, start: float) -> str:
    """What those of a kind and place begin with, sorted by time."""
    return f"{kind}:{place}:{start:010.0f}"


def is_told(call: Call) -> bool:
    """Whether it is one that a channel is told of: it rang somewhere, and is no voice message."""
    never_rang = call.outcome in (Outcome.REFUSED, Outcome.NOT_PLACED)
    return not call.fetched and (call.direction == "in" or not (never_rang or call.purpose == "message"))


def ended_at(call: Call) -> float:
    """By a rep's word a call may have ended at no moment."""
    return call.ended_at or call.answered_at or call.started_at
