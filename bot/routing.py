"""Where a call is shown. Pure."""

from collections.abc import Set
from dataclasses import dataclass

from bot.call import Call, Unreported
from bot.events import Outcome
from bot.settings import Settings

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
        """Whether an incoming call is shown as it comes, not only when it was missed."""
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


def shared_places(settings: Settings, user: str, closed: Set[str]) -> tuple[str, ...]:
    """Where missed callers are this person's, too: the lines' channels, but those `closed` to them; and their own."""
    channels = {line.channel for line in settings.lines} | {settings.channel}
    return (*sorted(channels - closed - {""}), f"@{user}")


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
