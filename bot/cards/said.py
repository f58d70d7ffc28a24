"""What a voice message says, and what came of it for each recipient, in words. Pure."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from bot.call import Call
from bot.cards import duration, plain
from bot.cards.outcomes import SHORT
from bot.events import Outcome, State

if TYPE_CHECKING:
    from bot.store.messages import Recipient

KEYS = frozenset("0123456789*#")


class Said(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a message says, and how.

    Attributes:
        template: a stored message, the provider's id of it.  name: of that message, for people.
        text: to be spoken instead.  language, voice: of the text, as the provider names them.
        digits: read out one by one after that, or alone.  loop, after: stored sounds that follow.
        ring_seconds, max_seconds: how long it may ring, and the whole last; 0 = the service's own.
        record: record the call, where the rules let it.
        dial_digits, caller_name, caller_id_rule, answer_seconds, silence_seconds: as in `MessageOrder`.
        line: caller ID, E.164, "" = the provider's own.  keys, words: tell which keys are pressed, what is said.
    """

    template: str = ""
    name: str = ""
    text: str = ""
    language: str = ""
    voice: str = ""
    line: str = ""
    keys: bool = False
    words: bool = False
    digits: str = ""
    loop: str = ""
    after: str = ""
    ring_seconds: int = 0
    max_seconds: int = 0
    record: bool = False
    dial_digits: str = ""
    caller_name: str = ""
    caller_id_rule: str = ""
    answer_seconds: int = 0
    silence_seconds: int = 0

    @property
    def more(self) -> frozenset[str]:
        """Which options of an order what it plays besides a text or a stored message needs."""
        return frozenset(name for name in ("digits", "loop", "after") if getattr(self, name))


class Result(NamedTuple):
    """What became of one recipient.

    Attributes:
        group: a key of `GROUPS`.  words: in a few words.  keys, phrases: what was pressed and said.
    """

    group: str
    words: str
    keys: str = ""
    phrases: str = ""


GROUPS: Mapping[str, str] = {
    "heard": "heard it to the end",
    "reached": "reached",
    "calling": "being called",
    "waiting": "waiting",
    "not reached": "not reached",
    "unknown": "over, but nobody told how",
    "unclear": "unclear",
    "refused": "refused",
    "stopped": "stopped before they were called",
    "forgotten": "called, but not on record any more",
}
"""What can become of a recipient, in the order of the card."""


def result_of(recipient: "Recipient", call: Call | None) -> Result:
    """What became of a recipient."""
    if recipient.state == "refused":
        return Result("refused", recipient.words)
    if recipient.state in ("waiting", "stopped"):
        return Result(recipient.state, "")
    if call is None:
        return Result("forgotten", "")  # [retention] has deleted the call, while others of the batch still wait
    keys = " ".join(told for told in call.heard if set(told) <= KEYS)
    phrases = "; ".join(told for told in call.heard if not set(told) <= KEYS)
    if call.state is State.UNCLEAR:
        return Result("unclear", call.words)
    if call.state is not State.ENDED:
        return Result("calling", "", keys, phrases)
    if call.outcome in (Outcome.REFUSED, Outcome.NOT_PLACED):
        return Result("refused", call.words or "Nothing rang.")
    if call.outcome is Outcome.ANSWERED or keys or phrases:
        if call.played is Outcome.FAILED:
            return Result("not reached", "the message could not be played", keys, phrases)
        return Result("heard" if call.played is not None else "reached", "", keys, phrases)
    if call.outcome in (None, Outcome.PENDING):
        return Result("unknown", "")
    return Result("not reached", SHORT[call.outcome], keys, phrases)


def what_words(said: Said, most: int = 300) -> str:
    """What is played, mrkdwn. `most`: characters of a text."""
    parts = []
    if said.text:
        manner = ", ".join(plain(part) for part in (said.language, said.voice) if part)
        parts.append(f"the text “{plain(said.text, most)}”{f' ({manner})' if manner else ''}")
    elif said.name or said.template or not said.more:
        parts.append(f"the stored message “{plain(said.name or said.template)}”")
    if said.digits:
        parts.append(f"the digits {' '.join(said.digits)}")
    if said.loop:
        parts.append(f"“{plain(said.loop)}” again and again")
    if said.after:
        parts.append(f"“{plain(said.after)}”")
    return ", then ".join(parts)


def how_words(said: Said) -> list[str]:
    """How it is sent, as far as somebody has chosen it, plain words."""
    digits = said.dial_digits.replace(".", "")
    return [
        *([f"dials {digits} once they answer"] if digits else []),
        *([f"rings {duration(said.ring_seconds)} at most"] if said.ring_seconds else []),
        *([f"lasts {duration(said.max_seconds)} at most"] if said.max_seconds else []),
        *(["recorded, which is announced first"] if said.record else []),
    ]
