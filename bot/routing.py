"""Where a call is shown. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from bot import quiet
from bot.call import Call, Unreported
from bot.events import Outcome, State
from bot.roundups import KINDS, Kind, Roundup, ended_at, is_told
from bot.settings import Hours, Settings

_HUNG_UP = frozenset({Outcome.NO_ANSWER, Outcome.CANCELLED, Outcome.ABANDONED})
"""The caller's own doing, as far as services tell the two apart. Who met a busy line or left a message did not give up.
"""


@dataclass(frozen=True)
class ByLine:
    """Calls go to their line's channel; extension-addressed calls to that rep's own conversation with the app."""

    settings: Settings

    def place(self, call: Call) -> str:
        """Channel id or "@" + user id; "" = nowhere configured."""
        line = self.settings.line(call.line)
        if line is None and call.direction == "in" and call.rep and not call.queue:
            return f"@{call.rep}"
        return (line.channel if line else "") or self.settings.channel

    def summary(self, call: Call) -> bool:
        """Whether a finished outgoing call gets a CDR summary in the channel."""
        line = self.settings.line(call.line)
        return line.summary if line else self.settings.summaries

    def announced(self, call: Call) -> bool:
        """Whether an incoming call is shown as it comes, not only when it was missed, where no roundup tells of it."""
        line = self.settings.line(call.line)
        return line is None or line.incoming

    def unreported(self, call: Call) -> Unreported:
        """Why nobody is told of a call that was not answered, "" = it is a missed caller's."""
        line = self.settings.line(call.line)
        if call.by_hand:
            return ""  # somebody told of it so that the caller is called back
        if line is not None and not line.missed:
            return "line"
        # From the first ring, menu or queue to the end. Where nobody told how long that was, it is not called brief.
        lasted = call.ended_at - call.started_at
        return "brief" if call.outcome in _HUNG_UP and 0 < lasted < self.settings.brief_seconds else ""

    def escalate_after(self) -> float:
        """Seconds; 0 = never."""
        return self.settings.escalate_minutes * 60.0

    def remind_after(self) -> float:
        """Seconds until whoever claimed a missed caller is reminded; 0 = never."""
        return self.settings.claim_minutes * 60.0

    def stops(self, heard: Sequence[str]) -> str:
        """How somebody has said during a voice message that they are never to be called again; "" = they have not.

        `heard`: keys pressed and phrases spoken.
        """
        settings = self.settings.messages
        for told in heard:
            if told and told == settings.stop_key:
                return f"pressed {told}"
            said = f" {_spoken(told)} "
            for words in settings.stop_words:
                if f" {_spoken(words)} " in said:
                    return f"said “{words}”"
        return ""

    def quiet_until(self, place: str, at: float) -> float:
        """When the quiet hours end that a moment is in there, seconds since 1970 UTC; 0 = it is in none."""
        hours = self._quiet.get(place)
        span = quiet.quiet_span(hours, self.settings.zone, at) if hours else None
        return span[1] if span else 0

    def roundup(self, call: Call, place: str, now: float) -> Roundup | None:
        """What tells of a call there in place of a message of its own, None = it has that, or nothing does.

        A call belongs to the period in which it ended; one that goes on now to this one.
        """
        if not self._quiet and not self._paced:
            return None
        line = self.settings.line(call.line)
        kind: Kind = (line.roundup if line else self.settings.roundup) or "quiet"
        hours, zone = self._quiet.get(place, ()), self.settings.zone
        if place[:1] in ("", "@") or (kind == "quiet" and not hours):
            return None
        incoming, outgoing = self._told[kind]
        if (line.number if line else "") not in (incoming if call.direction == "in" else outgoing) or not is_told(call):
            return None
        at = ended_at(call) if call.state is State.ENDED else now
        if kind == "hourly":
            span = quiet.hour(hours, zone, at)
        elif kind == "daily":
            span = quiet.day(zone, at)
        elif (silent := quiet.quiet_span(hours, zone, at)) is not None:
            span = silent
        else:
            return None
        start, end = span
        return Roundup(kind, place, start, end, self.quiet_until(place, end) or end, incoming, outgoing)

    @cached_property
    def _quiet(self) -> Mapping[str, tuple[Hours, ...]]:
        return quiet_hours(self.settings)

    @cached_property
    def _paced(self) -> bool:
        return bool(self.settings.roundup) or any(line.roundup for line in self.settings.lines)

    @cached_property
    def _told(self) -> Mapping[Kind, tuple[tuple[str, ...], tuple[str, ...]]]:
        """Lines whose incoming, and whose outgoing calls each kind of roundup tells of, "" = those not listed."""
        shown = [(line.number, line.roundup, line.incoming, line.summary) for line in self.settings.lines]
        shown.append(("", self.settings.roundup, True, self.settings.summaries))
        return {
            kind: (
                tuple(number for number, pace, incoming, _ in shown if (pace or "quiet") == kind and incoming),
                tuple(number for number, pace, _, outgoing in shown if (pace or "quiet") == kind and outgoing),
            )
            for kind in KINDS
        }


def _spoken(phrase: str) -> str:
    """Its words alone, as they are compared."""
    return " ".join(re.findall(r"\w+", phrase.casefold()))


def quiet_hours(settings: Settings) -> dict[str, tuple[Hours, ...]]:
    """Channel -> its quiet hours; one that has none is left out.

    One line that wants them silences the channel: its messages stand among the others'.
    """
    found: dict[str, set[Hours]] = {}
    for channel, hours in [("", settings.quiet), *((line.channel, line.quiet) for line in settings.lines)]:
        place = channel or settings.channel
        if place and hours:
            found.setdefault(place, set()).add(hours)
    return {place: tuple(sorted(hours)) for place, hours in found.items()}


def masks_from(settings: Settings, place: str, user: str) -> bool:
    """Whether numbers of that place are masked where only this person sees them, in App Home or a list of all lines.

    As the place itself shows them, for who is not in that channel must not see more than who is; whole to managers.
    """
    return masks(settings, place) and settings.role(user) == "rep"


def masks(settings: Settings, place: str) -> bool:
    """Whether outside numbers are masked in that place. Never in a rep's own conversation.

    One line that wants it masks the channel: its messages stand among the others'.
    """
    if place.startswith("@"):
        return False
    return settings.mask or any(line.mask for line in settings.lines if (line.channel or settings.channel) == place)
