"""What providers are asked for and what they list: plain frozen data, one shape for all five services.

Conventions: numbers are E.164 ("+15550100") or an extension code of the provider; durations are seconds; times are
seconds since 1970 UTC. None and "" mean: the provider's own default, or not told.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

CampaignState = Literal["running", "stopped", "deleted", "unknown"]
"""`unknown`: the provider tells a state that its document does not list; it may dial or not."""


class RepPhone(msgspec.Struct, frozen=True):
    """What rings at the rep's.

    Attributes:
        kind: "number" (E.164), "extension" (the provider's code), "login" (a login code of a shared phone),
            "trunk" (the extension behind a SIP trunk; value is ignored), "employee" (the provider's directory id;
            all active phones of that person).
    """

    kind: Literal["number", "extension", "login", "trunk", "employee"]
    value: str


class Speech(msgspec.Struct, frozen=True):
    """Something to be played to somebody: a stored sound, or a text to be spoken.

    Attributes:
        media: the provider's name or id of a stored sound.  text: to be spoken instead.
        language: of the text, BCP 47 ("en-US").  voice: as the provider names it ("female").
    """

    media: str = ""
    text: str = ""
    language: str = ""
    voice: str = ""


class CallOrder(msgspec.Struct, frozen=True, kw_only=True):
    """All options of one click-to-call.

    Attributes:
        call_id: our id of the call.
        rep: rung first.  number: then dialled.
        caller_id, caller_name: what the customer sees.  rep_caller_id, rep_caller_name: what the rep sees.
        hide_line_from_rep: the rep sees the customer's number instead of the line.
        caller_id_rule: how the provider picks the caller ID among the account's numbers, in its own words.
        customer_first: ring the customer first, then the rep.
        record: record from the start.
        max_seconds: talk time after which the provider cuts the call.
        rep_ring_seconds, ring_seconds: how long the rep's and the customer's phone may ring.
        rep_auto_answer, auto_answer: pick up by itself (own extensions only).
        rep_must_be_online, number_must_be_online: refuse when that extension is offline.
        confirm_key: the rep presses this key before the customer is dialled: one of 0-9 * #, or "any".
        language: of the provider's prompts, ISO 639-1.
        voicemail: the provider's voicemail code that takes over when the rep's extension does not answer.
        dial_digits: DTMF sent to the customer's side after the answer; "." waits one second.
        dial_music: the provider's id of the sound heard while the second phone rings.
        rep_message, customer_message: played to that side before the talk.
        talk_at_once: the talk begins as soon as the second party answers, also during a message.
        hear_dialling: the rep hears the line while the customer is dialled.
        scenario: the provider's id of a stored scenario that handles the call.
        line_scenario: the scenario of the line itself handles the call.
        variables: custom data that comes back with webhooks; names without any prefix.
    """

    call_id: str
    rep: RepPhone
    number: str
    caller_id: str = ""
    caller_name: str = ""
    rep_caller_id: str = ""
    rep_caller_name: str = ""
    hide_line_from_rep: bool = False
    caller_id_rule: str = ""
    customer_first: bool = False
    record: bool = False
    max_seconds: int | None = None
    rep_ring_seconds: int | None = None
    ring_seconds: int | None = None
    rep_auto_answer: bool = False
    auto_answer: bool = False
    rep_must_be_online: bool = False
    number_must_be_online: bool = False
    confirm_key: str = ""
    language: str = ""
    voicemail: str = ""
    dial_digits: str = ""
    dial_music: str = ""
    rep_message: Speech | None = None
    customer_message: Speech | None = None
    talk_at_once: bool = False
    hear_dialling: bool = False
    scenario: str = ""
    line_scenario: bool = False
    variables: Mapping[str, str] = {}


class MessageOrder(msgspec.Struct, frozen=True, kw_only=True):
    """All options of one voice message: one party is called, something is played, the call ends.

    Attributes:
        call_id: our id of the call.  number: whom to call.
        template: the provider's id or name of a stored message (Exolve service, EnableX prompt, CallGear file,
            Voicenter record).  text, language, voice: spoken instead, as in `Speech`.
        digits: read out one by one.  loop, after: stored sounds played after that, `loop` again and again.
        caller_id, caller_name: what the recipient sees.  caller_id_rule: as in `CallOrder`.
        ring_seconds, max_seconds: how long the phone may ring, and the whole message may take.
        record: record what is said.  auto_answer: pick up by itself (own extensions only).
        dial_digits: DTMF sent after the answer.
        collect_digits, recognise: tell which keys were pressed, what was said.
        answer_seconds: how long to wait for the first key or word.  silence_seconds: silence that ends the answer.
        prompt_ref: comes back with what was heard.
        variables: custom data that comes back with webhooks.
    """

    call_id: str
    number: str
    template: str = ""
    text: str = ""
    language: str = ""
    voice: str = ""
    digits: str = ""
    loop: str = ""
    after: str = ""
    caller_id: str = ""
    caller_name: str = ""
    caller_id_rule: str = ""
    ring_seconds: int | None = None
    max_seconds: int | None = None
    record: bool = False
    auto_answer: bool = False
    dial_digits: str = ""
    collect_digits: bool = False
    recognise: bool = False
    answer_seconds: int | None = None
    silence_seconds: int | None = None
    prompt_ref: str = ""
    variables: Mapping[str, str] = {}


class ConferenceOrder(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody's phone rings and is put into a conference of the provider.

    Attributes:
        conference: the provider's code of it.  phone: whom to ring.  caller_id, caller_name: what they see.
        ring_seconds, max_seconds, auto_answer: as in `CallOrder`.
    """

    call_id: str
    phone: RepPhone
    conference: str
    caller_id: str = ""
    caller_name: str = ""
    ring_seconds: int | None = None
    max_seconds: int | None = None
    auto_answer: bool = False


class Prompt(msgspec.Struct, frozen=True, kw_only=True):
    """Something played into a running call, and what to listen for.

    Attributes:
        speech: what to play.  prompt_ref: comes back with what was heard.
        collect_digits, recognise, answer_seconds, silence_seconds: as in `MessageOrder`.
    """

    speech: Speech
    prompt_ref: str = ""
    collect_digits: bool = False
    recognise: bool = False
    answer_seconds: int | None = None
    silence_seconds: int | None = None


Order = CallOrder | MessageOrder | ConferenceOrder

BASICS: Mapping[type, frozenset[str]] = {
    CallOrder: frozenset({"call_id", "rep", "number"}),
    MessageOrder: frozenset({"call_id", "number"}),
    ConferenceOrder: frozenset({"call_id", "phone", "conference"}),
}
"""Fields that every provider that takes such an order expresses; all others are options."""

SAID: Mapping[str, str] = {
    "caller_id": "from",
    "max_seconds": "max",
    "ring_seconds": "ring",
    "dial_digits": "ext",
    "line_scenario": "scenario",
    "collect_digits": "keys",
    "recognise": "words",
    "loop": "looping",
    "after": "finally",
    "customer_message": "an announcement",
}
"""Options that people know by another name: as they are typed after a command."""


def options(kind: type[Order]) -> dict[str, msgspec.structs.FieldInfo]:
    """The options of that kind of order by name."""
    return {option.name: option for option in msgspec.structs.fields(kind) if option.name not in BASICS[kind]}


def chosen(order: Order) -> frozenset[str]:
    """The options that this order sets to something else than the default."""
    return frozenset(
        name
        for name, option in options(type(order)).items()
        if getattr(order, name)
        != (option.default if option.default is not msgspec.NODEFAULT else option.default_factory())
    )


# What is looked up and kept at the provider.


class LogSearch(msgspec.Struct, frozen=True, kw_only=True):
    """Which finished calls are asked for.

    Attributes:
        since, until: when the call began; seconds since 1970 UTC, `until` not included.
        numbers: outside parties, E.164.  extensions: the provider's codes.  () = all.
        scope: whose calls, in the provider's words; "" = its default.
    """

    since: float
    until: float
    numbers: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ()
    scope: str = ""


class Extension(msgspec.Struct, frozen=True, kw_only=True):
    """An extension of the account.

    Attributes:
        code: the provider's own.  owner: the account it belongs to.
        person: who is signed in there.  device: the provider's word for whether its phone is connected, "" = not told.
        busy: it rings or talks right now.
    """

    code: str
    name: str = ""
    speed_dial: str = ""
    owner: str = ""
    owner_id: str = ""
    email: str = ""
    person: str = ""
    device: str = ""
    busy: bool = False


class QueueCaller(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who waits in a queue. `since`: seconds since 1970 UTC. `ref`: the provider's id of the call."""

    queue: str
    number: str
    ref: str
    since: float
    queue_id: str = ""


class TalkOption(msgspec.Struct, frozen=True, kw_only=True):
    """A control of the account that people reach by a key during a talk.

    Attributes:
        button: what `use_talk_option` wants.  kind: the provider's mnemonic.  name: for people.
        value, value_name: what it acts with (a tag, a scenario), "" = nothing.
    """

    button: str
    kind: str
    name: str
    value: str = ""
    value_name: str = ""


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """A stored voice message of the provider.

    Attributes:
        media: the provider's id of its sound.  created_at: seconds since 1970 UTC, 0 = not told.
        redirect_number: E.164; whoever presses `redirect_digit` is put through to it, "" = nowhere.
    """

    id: str
    name: str
    media: str = ""
    redirect_digit: int = 0
    redirect_number: str = ""
    created_at: float = 0


class NewTemplate(msgspec.Struct, frozen=True, kw_only=True):
    """A voice message to be stored; as in `Template`."""

    name: str
    media: str
    redirect_digit: int = 0
    redirect_number: str = ""


# Campaigns that run at the provider.


class Campaign(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign of the provider's dialer.

    Attributes:
        code: what all operations want.
        pending, max_priority, min_priority: only in details; None = not told.
    """

    code: str
    name: str
    state: CampaignState
    pending: int | None = None
    max_priority: int | None = None
    min_priority: int | None = None


class CampaignCall(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One call of a campaign, to be added or waiting.

    Attributes:
        caller_id: E.164; "anonymous" hides it.  caller_name: shown with it.  name: the customer's.
        at: not before; seconds since 1970 UTC, None = at once.  priority: higher first.
        status: the provider's word, only on waiting calls.  variables: names without any prefix.
    """

    number: str
    caller_id: str = ""
    caller_name: str = ""
    name: str = ""
    at: float | None = None
    priority: int | None = None
    status: str = ""
    variables: Mapping[str, str] = {}


class Added(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one row of a bulk order.

    Attributes:
        words: the provider's reason for refusing it, "" = it gave none.  code: the provider's code of that.
        known: False where the reply says nothing of this row: the order was taken, the row may or may not have been.
    """

    number: str
    words: str = ""
    code: str = ""
    known: bool = True


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who takes a campaign's calls. `code`: their extension at the provider."""

    code: str
    name: str = ""


class Strategy(msgspec.Struct, frozen=True, kw_only=True):
    """How a campaign paces itself. None = leave as it is.

    Attributes:
        monitored_queue: the provider's queue whose members take the calls.
        most_waiting: callers that may wait in it before dialling pauses.
        calls_per_member: calls dialled for each free member.
    """

    monitored_queue: int | None = None
    most_waiting: int | None = None
    calls_per_member: float | None = None


class IvrSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign that plays an IVR. `most_calls`: at the same time. `representatives`: extensions that take over."""

    most_calls: int | None = None
    representatives: tuple[str, ...] = ()
