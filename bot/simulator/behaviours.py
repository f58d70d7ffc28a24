"""Which number does what: the last two digits of the number that is called choose a behaviour.

The table is for people too: the documentation and the demo print it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from bot.events import CUSTOMER, REP, Outcome

What = Literal["ringing", "answered", "ended", "keyed", "spoke", "played"]
OrderReply = Literal["accepted", "out of credit", "never", "internal error"]
LedKind = Literal["ivr", "layer"]
"""The caller listens to a menu, and the bot is asked what follows."""
IncomingKind = Literal["answered", "missed", "abandoned", "colleague", LedKind]

TALK_SECONDS = 20
MESSAGE_SECONDS = 8
"""How long a played message takes where the order does not say it."""


@dataclass(frozen=True)
class Step:
    """One thing that happens in a call.

    Attributes:
        after_seconds: after the step before it.
        leg: `REP`, `CUSTOMER`; in incoming calls "ext:..." or "queue:...".
        outcome: of an "ended" step: how that leg ended, ANSWERED where it had been picked up.
        told: the keys of a "keyed" step, the words of a "spoke" step.
    """

    after_seconds: float
    leg: str
    what: What
    outcome: Outcome | None = None
    told: str = ""


@dataclass(frozen=True)
class Behaviour:
    """How a simulated call goes, and what is wrong with the webhooks that tell of it.

    Attributes:
        description: one line for people.
        steps: what happens, in order; empty = nothing rings.
        reply: what the order for the call is answered with. "out of credit": a service that tells so at once
            refuses, and nothing rings; one that accepts first plays `steps`. "never": the call is made but the
            answer never comes. "internal error": HTTP 500, and nothing rings.
        copies: how often each webhook is sent.
        delays: seconds by which the webhooks of such a step arrive late.
        drops: webhooks of such steps are never sent.
    """

    name: str
    description: str
    steps: tuple[Step, ...]
    reply: OrderReply = "accepted"
    copies: int = 1
    delays: Mapping[What, float] = field(default_factory=dict)
    drops: frozenset[What] = frozenset()


_REP_ANSWERS = (Step(1, REP, "ringing"), Step(3, REP, "answered"), Step(1, CUSTOMER, "ringing"))
_TALK = (*_REP_ANSWERS, Step(4, CUSTOMER, "answered"))
_CUSTOMER_HANGS_UP = (
    *_TALK,
    Step(TALK_SECONDS, CUSTOMER, "ended", Outcome.ANSWERED),
    Step(1, REP, "ended", Outcome.ANSWERED),
)


def _customer(after_seconds: float, outcome: Outcome) -> tuple[Step, ...]:
    """The rep answers, the customer's leg ends without an answer, the rep is let go."""
    return (
        *_REP_ANSWERS,
        Step(after_seconds, CUSTOMER, "ended", outcome),
        Step(1, REP, "ended", Outcome.ANSWERED),
    )


def _rep(after_seconds: float, outcome: Outcome) -> tuple[Step, ...]:
    """The rep's leg ends without an answer; the customer is never called."""
    return (Step(1, REP, "ringing"), Step(after_seconds, REP, "ended", outcome))


def _saying(step: Step) -> tuple[Step, ...]:
    """The customer does something during the usual talk."""
    ended, *rest = _CUSTOMER_HANGS_UP[len(_TALK) :]
    return (*_TALK, step, Step(TALK_SECONDS - step.after_seconds, ended.leg, ended.what, ended.outcome), *rest)


ANSWERS = Behaviour("answers", "Answers, talks for about 20 seconds and hangs up.", _CUSTOMER_HANGS_UP)
"""What every number does whose ending is not in the table."""

BEHAVIOURS: Mapping[str, Behaviour] = {
    "11": Behaviour("busy", "Is busy.", _customer(2, Outcome.BUSY)),
    "12": Behaviour("no answer", "Rings for 25 seconds and nobody answers.", _customer(25, Outcome.NO_ANSWER)),
    "13": Behaviour("rejects", "Rejects the call after 5 seconds.", _customer(5, Outcome.REJECTED)),
    "14": Behaviour(
        "voicemail",
        "A mailbox takes the call after 15 seconds; the rep hangs up 10 seconds later.",
        (
            *_REP_ANSWERS,
            Step(15, CUSTOMER, "answered"),
            Step(10, REP, "ended", Outcome.ANSWERED),
            Step(0, CUSTOMER, "ended", Outcome.VOICEMAIL),
        ),
    ),
    "15": Behaviour(
        "unknown number",
        "Is not a number in service.",
        (
            Step(1, REP, "ringing"),
            Step(3, REP, "answered"),
            Step(2, CUSTOMER, "ended", Outcome.UNREACHABLE),
            Step(1, REP, "ended", Outcome.ANSWERED),
        ),
    ),
    "16": Behaviour("rep does not pick up", "The rep's own phone rings for 25 seconds.", _rep(25, Outcome.NO_ANSWER)),
    "17": Behaviour("rep busy", "The rep's own phone is busy.", _rep(2, Outcome.BUSY)),
    "18": Behaviour(
        "rep hangs up first",
        "Answers, and the rep ends the talk after about 20 seconds.",
        (
            *_TALK,
            Step(TALK_SECONDS, REP, "ended", Outcome.ANSWERED),
            Step(1, CUSTOMER, "ended", Outcome.ANSWERED),
        ),
    ),
    "19": Behaviour(
        "out of credit",
        "The account has no credit left.",
        (Step(1, REP, "ended", Outcome.NO_CREDIT),),
        reply="out of credit",
    ),
    "20": Behaviour(
        "provider times out",
        "The provider makes the call but never answers the order for it.",
        _CUSTOMER_HANGS_UP,
        reply="never",
    ),
    "21": Behaviour("provider fails", "The provider answers HTTP 500 and nothing happens.", (), reply="internal error"),
    "22": Behaviour("duplicate webhooks", "Answers; every webhook arrives twice.", _CUSTOMER_HANGS_UP, copies=2),
    "23": Behaviour(
        "late webhooks",
        "Answers; the webhooks about the end arrive 5 minutes late.",
        _CUSTOMER_HANGS_UP,
        delays={"ended": 300},
    ),
    "24": Behaviour(
        "out-of-order webhooks",
        "Answers; the webhooks about picking up arrive after those about the end.",
        _CUSTOMER_HANGS_UP,
        delays={"answered": TALK_SECONDS + 10},
    ),
    "25": Behaviour(
        "no final webhook",
        "Answers; the webhooks about the end never arrive.",
        _CUSTOMER_HANGS_UP,
        drops=frozenset({"ended"}),
    ),
    "26": Behaviour(
        "presses 5",
        "Answers, listens and presses 5.",
        _saying(Step(6, CUSTOMER, "keyed", told="5")),
    ),
    "27": Behaviour(
        "speaks",
        "Answers, listens and says “yes please”.",
        _saying(Step(6, CUSTOMER, "spoke", told="yes please")),
    ),
}
"""Last two digits of the number called -> what it does."""

INCOMING: Mapping[IncomingKind, tuple[Step, ...]] = {
    "answered": (
        Step(1, "ext:{0}", "ringing"),
        Step(6, "ext:{0}", "answered"),
        Step(TALK_SECONDS, "ext:{0}", "ended", Outcome.ANSWERED),
    ),
    "missed": (Step(1, "ext:{0}", "ringing"), Step(20, "ext:{0}", "ended", Outcome.NO_ANSWER)),
    "abandoned": (Step(1, "queue:{queue}", "ringing"), Step(15, "queue:{queue}", "ended", Outcome.ABANDONED)),
    "colleague": (
        Step(1, "ext:{0}", "ringing"),
        Step(12, "ext:{0}", "ended", Outcome.NO_ANSWER),
        Step(1, "ext:{1}", "ringing"),
        Step(4, "ext:{1}", "answered"),
        Step(TALK_SECONDS, "ext:{1}", "ended", Outcome.ANSWERED),
    ),
}
"""What an incoming call may do; {0} and {1} are the first two extensions of the exchange, {queue} its queue."""


def behaviour_of(number: str) -> Behaviour:
    """What the phone with that number does."""
    return BEHAVIOURS.get(number[-2:], ANSWERS)


def message_behaviour(number: str, play_seconds: float, ring_seconds: float | None = None) -> Behaviour:
    """What the phone with that number does when a message of that length is played to it: no rep has a part in it.

    `ring_seconds`: after so long a phone that only rings is let go, None = it rings as long as it does.
    """
    usual = behaviour_of(number)
    steps = [Step(1, CUSTOMER, "ringing")]
    others = [step for step in usual.steps if step.leg == CUSTOMER and step.what != "ringing"]
    if not others:  # the table's ending belongs to the rep's leg, which a message has not
        others = [Step(4, CUSTOMER, "answered"), Step(0, CUSTOMER, "ended", Outcome.ANSWERED)]
    if ring_seconds is not None and others[0].after_seconds > ring_seconds:
        others = [Step(ring_seconds, CUSTOMER, "ended", Outcome.NO_ANSWER)]
    for step in others:
        if step.what == "ended" and any(one.what == "answered" for one in others):
            steps.append(Step(max(1, play_seconds), CUSTOMER, "ended", step.outcome))
        else:
            steps.append(step)
    return Behaviour(usual.name, usual.description, tuple(steps), usual.reply, usual.copies, usual.delays, usual.drops)
