"""The simulator's orders, strictly typed, and how the legs that they lead to go, step by step."""

from collections.abc import Sequence
from dataclasses import replace

import msgspec

from bot.events import CUSTOMER, REP, THIRD, Outcome
from bot.simulator.behaviours import MESSAGE_SECONDS, Step, behaviour_of

LONG_SECONDS = 7200.0
"""A leg that nobody hangs up stays up."""
PIN_SECONDS, GREETING_SECONDS = 6, 5
KEYS_SECONDS = 10
"""A menu waits so long for a key."""


class Play(msgspec.Struct, forbid_unknown_fields=True):
    prompt_name: str = ""
    text: str = ""
    language: str = ""
    voice: str = ""
    dtmf: bool = False
    asr: bool = False
    prompt_ref: str = ""
    start_timeout: int = 10
    recognizer_timeout: int = 2


class OnConnect(msgspec.Struct, forbid_unknown_fields=True):
    play: Play | None = None
    connect: "ConnectOrder | None" = None
    start_timeout: int = 10
    recognizer_timeout: int = 2


class DialOrder(msgspec.Struct, forbid_unknown_fields=True):
    cli: str = msgspec.field(name="from")
    to: str
    name: str = ""
    owner_ref: str = ""
    auto_record: bool = False
    action_on_connect: OnConnect | None = None
    event_url: str = ""


class ConnectOrder(msgspec.Struct, forbid_unknown_fields=True):
    cli: str = msgspec.field(name="from")
    to: str


class TransferOrder(msgspec.Struct, forbid_unknown_fields=True):
    cli: str = msgspec.field(name="from")
    transfer_to: str


class HoldOrder(msgspec.Struct, forbid_unknown_fields=True):
    hold: bool


class RecordOrder(msgspec.Struct, forbid_unknown_fields=True):
    start: bool = False
    stop: bool = False
    recording_name: str = ""


def greeted(steps: Sequence[Step], greeting: bool, pin: bool) -> list[Step]:
    """An incoming call's steps where callers key a PIN first, or hear a greeting and stay until they hang up."""
    begun = [replace(steps[0], after_seconds=steps[0].after_seconds + PIN_SECONDS * pin + GREETING_SECONDS * greeting)]
    return [*begun, Step(LONG_SECONDS, "caller", "ended", Outcome.ANSWERED)] if greeting else [*begun, *steps[1:]]


def third_steps(number: str, ours: str, theirs: str, *, stays: bool) -> list[Step]:
    """Somebody is transferred to: where they answer, our rep is let go and those two talk, until they hang up.

    `stays`: the other party is on the line then, with nobody.
    """
    steps = []
    for step in second_steps(number, THIRD + number):
        if step.leg == THIRD + number:
            steps.append(step)
        if step.what == "answered":
            steps.append(Step(0, ours, "ended", Outcome.ANSWERED))
    answered = any(step.what == "answered" for step in steps)
    return [*steps, Step(LONG_SECONDS if stays else 0, theirs, "ended", Outcome.ANSWERED)] if answered else steps


def rep_steps(number: str) -> list[Step]:
    """The rep's leg, as the rep's own number says; picked up, it stays up. Number 14 has a mailbox."""
    steps = list(behaviour_of(number).steps)
    if any(step.outcome is Outcome.VOICEMAIL for step in steps):
        mailbox = Step(15, REP, "answered", Outcome.VOICEMAIL)
        return [Step(1, REP, "ringing"), mailbox, Step(LONG_SECONDS, REP, "ended", Outcome.VOICEMAIL)]
    if steps and all(step.leg == REP for step in steps):
        return [replace(step, outcome=step.outcome) for step in steps if step.outcome is not Outcome.NO_CREDIT] or steps
    return [Step(1, REP, "ringing"), Step(3, REP, "answered"), Step(LONG_SECONDS, REP, "ended", Outcome.ANSWERED)]


def second_steps(number: str, leg: str) -> list[Step]:
    """The bridged leg, as its number says, from the moment of the order. The rep hangs up only if that comes first."""
    steps: list[Step] = []
    skipped, begun = 0.0, False
    for step in behaviour_of(number).steps:
        if step.leg == CUSTOMER:
            begun = True
            steps.append(replace(step, leg=leg, after_seconds=step.after_seconds + skipped))
            skipped = 0.0
            if step.what == "ended":
                break
        elif begun and step.what == "ended":
            steps.append(replace(step, after_seconds=step.after_seconds + skipped))
        elif begun:
            skipped += step.after_seconds
    if not steps:  # the ending in the table is about the rep's leg
        return [Step(1, leg, "ringing"), Step(4, leg, "answered"), Step(20, leg, "ended", Outcome.ANSWERED)]
    return steps


def message_steps(number: str, play: Play) -> list[Step]:
    """A message's only leg: rings, is picked up or not, listens, perhaps keys or speaks; it is for us to hang up."""
    usual = [step for step in behaviour_of(number).steps if step.leg == CUSTOMER]
    steps = [Step(1, CUSTOMER, "ringing")]
    for step in usual:
        if step.what == "ended" and not any(one.what == "answered" for one in usual):
            return [*steps, step]
    mailbox = any(step.outcome is Outcome.VOICEMAIL for step in usual)
    steps.append(Step(15 if mailbox else 4, CUSTOMER, "answered", Outcome.VOICEMAIL if mailbox else None))
    steps.append(Step(MESSAGE_SECONDS, CUSTOMER, "played"))
    steps += answer_steps(number, CUSTOMER, play)
    return [*steps, Step(LONG_SECONDS, CUSTOMER, "ended", Outcome.ANSWERED)]


def answer_steps(number: str, leg: str, play: Play) -> list[Step]:
    """What whoever has heard that does, as their number says: keys or says something, or too long nothing."""
    if not play.dtmf and not play.asr:
        return []
    said = next((step for step in behaviour_of(number).steps if step.what in ("keyed", "spoke")), None)
    if said is None or said.what != ("keyed" if play.dtmf else "spoke"):
        return [Step(KEYS_SECONDS, leg, "keyed")]
    return [replace(said, leg=leg, after_seconds=2)]
