"""What passes between a provider's webhooks and Callboard: plain frozen data, no framework type.

A webhook is read into events, and where the service asks something, into a `Question`. An `Answer` says who a caller
is; a `Step` says what is done with a call. Both go back in the service's own words by `Provider.write_answer`.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

from bot.events import AnyEvent


class Request(msgspec.Struct, frozen=True):
    """A webhook as it came in.

    Attributes:
        path: below the provider's hook address, "" or "popup"; never holds our secret.
        query: decoded pairs in order.  headers: names in lower case.
        received_at: seconds since 1970 UTC.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes
    received_at: float


class Reply(msgspec.Struct, frozen=True):
    """What a webhook's sender gets back."""

    status: int = 200
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = {}


class Question(msgspec.Struct, frozen=True):
    """The provider waits for an answer about a call.

    Attributes:
        number: the caller, E.164 where possible.  form: for the provider's own use in `write_answer`.
        asks: "who" is this, or what is to be done "next" with the call.
        ref: the provider's id of the call.  line: the number that was called.
        step: where the call stands in the flow, as an earlier step named it; "" at its start.
        digits: what the caller keyed, "" = nothing.
        tried: targets of the dial `step` that did not answer, where the service dials one after the other.
    """

    number: str
    form: str = ""
    asks: Literal["who", "next"] = "who"
    ref: str = ""
    line: str = ""
    name: str = ""
    step: str = ""
    previous: str = ""
    digits: str = ""
    tried: tuple[str, ...] = ()


class Answer(msgspec.Struct, frozen=True):
    """What we know of a caller. name "" = nobody we know.

    Attributes:
        url: a page about the contact, "" = none.
        step: the answer to what is to be done next; None answers "who" only.
    """

    name: str = ""
    company: str = ""
    url: str = ""
    step: "Step | None" = None


class Menu(msgspec.Struct, frozen=True, kw_only=True):
    """Play a sound and collect digits; the service asks again with `Question.step` = name.

    Attributes:
        sound: the provider's name of it.  repeat: how often it is played.  wait_seconds: for the first digit.
        digits: the most that are collected.  confirm: the caller confirms what was keyed.
    """

    name: str
    sound: str
    repeat: int = 2
    wait_seconds: int = 5
    digits: int = 1
    confirm: bool = False
    language: str = ""


class SayDigits(msgspec.Struct, frozen=True, kw_only=True):
    """Play a sound, read digits out, then collect as `Menu` does."""

    name: str
    say: str
    sound: str = ""
    sound_after: str = ""
    repeat: int = 1
    wait_seconds: int = 5
    digits: int = 1
    confirm: bool = False
    language: str = ""


class Dial(msgspec.Struct, frozen=True, kw_only=True):
    """Put the caller through.

    Attributes:
        targets: whom to ring, at the same time where the service can, else in turn: E.164 numbers and extension codes
            of the provider.
        caller_id, caller_name: what they see; "" = the caller's own.
        ring_seconds, max_seconds: how long it may ring and last.
        caller_sound, target_sound: played to that side first.  music: heard by the caller meanwhile.
        dial_digits: DTMF sent after the answer.  record: record the talk.
        dial_strings: ready dial strings in the service's own words, such as one for each carrier, where it takes such.
        if_failed: name of the step that follows when nobody answers, "" = hang up.  failed_*: how the menu is that
            the service plays then by itself; failed_sound "" = it asks again instead.
        next_layer, answered_layer, offline_layer: the service's own layers that follow, where it names such.
    """

    targets: tuple[str, ...]
    name: str = ""
    caller_id: str = ""
    caller_name: str = ""
    ring_seconds: int = 30
    max_seconds: int = 7200
    caller_sound: str = ""
    target_sound: str = ""
    music: str = ""
    dial_digits: str = ""
    dial_strings: tuple[str, ...] = ()
    record: bool = False
    if_failed: str = ""
    failed_sound: str = ""
    failed_repeat: int = 1
    failed_digits: int = 1
    failed_wait_seconds: int = 5
    next_layer: str = ""
    answered_layer: str = ""
    offline_layer: str = ""
    language: str = ""
    variables: Mapping[str, str] = {}


class GoTo(msgspec.Struct, frozen=True, kw_only=True):
    """Go on in a layer (or branch) that is configured at the service; a sound may be played before."""

    layer: str
    name: str = ""
    sound: str = ""
    repeat: int = 1
    wait_seconds: int = 0
    caller_name: str = ""
    language: str = ""
    variables: Mapping[str, str] = {}


class RecordMessage(msgspec.Struct, frozen=True, kw_only=True):
    """Record what the caller says. `sound`: played first."""

    name: str = ""
    sound: str = ""
    max_seconds: int | None = None
    language: str = ""


class HangUp(msgspec.Struct, frozen=True, kw_only=True):
    """End the call. `cause`: Q.850, 16 = normal clearing. `sound`: played first."""

    name: str = ""
    sound: str = ""
    cause: int = 16
    language: str = ""


# `name` of a step is its name in the flow.
Step = Menu | SayDigits | Dial | GoTo | RecordMessage | HangUp


class Webhook(msgspec.Struct, frozen=True):
    """A webhook, read.

    Attributes:
        events: to be committed before `reply` is sent.
        question: if set, the reply is written by `Provider.write_answer` instead.
    """

    events: tuple[AnyEvent, ...]
    reply: Reply = Reply()
    question: Question | None = None
