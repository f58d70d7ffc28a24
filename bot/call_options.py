"""Options that every call of an account, or of a line, shall have: `call = {…}` in callboard.toml. Pure.

They are the options of `CallOrder`, but for those that the person chooses (whom, from which line, how long, behind
which switchboard) and those that the gate decides (recording). What is read here is in the form of `CallOrder`; and of
`MessageOrder` for the voice messages of an account, `message = {…}`.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from bot import numbers
from bot.errors import BadInput
from bot.orders import CallOrder, MessageOrder, Order, Speech, options

if TYPE_CHECKING:
    from bot.provider import Provider

SHORTEST_RING, LONGEST_RING = 5, 120
"""Seconds. Two phones that ring so long one after the other are less than what ends a call of which nothing is told."""
LONGEST_CALL = 24 * 3600
"""Seconds: the most that `max`, or a setting, may say."""
LONGEST_MESSAGE = 900
"""Later a message is taken for over where nobody tells of its end, see `bot/jobs.py`."""
LONGEST_TEXT = 500
KEYS = ("any", *"0123456789*#")

_SECONDS = {
    "rep_ring_seconds": (SHORTEST_RING, LONGEST_RING),
    "ring_seconds": (SHORTEST_RING, LONGEST_RING),
    **dict.fromkeys(("answer_seconds", "silence_seconds"), (1, 10)),
}
_MESSAGES = ("rep_message", "customer_message")
_TYPED = "That is chosen for each call"
_SAID = "That is chosen for each message"
_RECORDED = "What is recorded is said by [recording], with what the other side must know"
NOT_HERE: Mapping[str, str] = {
    **dict.fromkeys(("call_id", "rep", "number"), f"{_TYPED}, whoever calls and whom"),
    "caller_id": f"{_TYPED}: the line that somebody has chosen with `/phone line`, or types after “from”",
    "scenario": f"{_TYPED}: it is typed after “scenario”",
    "line_scenario": f"{_TYPED}: it is typed, “scenario line”",
    "dial_digits": f"{_TYPED}: it is typed after the number, “ext 123”",
    "record": _RECORDED,
    "customer_first": "Callboard always rings the caller's own phone first, so that nobody who is called picks up "
    "and hears silence",
}
"""Options of `CallOrder` that cannot be set for all calls -> why."""
SETTABLE = tuple(name for name in options(CallOrder) if name not in NOT_HERE)

NOT_IN_MESSAGES: Mapping[str, str] = {
    **dict.fromkeys(("call_id", "number", "template", "text", "digits", "loop", "after"), _SAID),
    **dict.fromkeys(
        ("language", "voice"), f"{_SAID}; for all of them it is a setting of the account itself, beside this one"
    ),
    **dict.fromkeys(("collect_digits", "recognise"), f"{_SAID}: it is typed, “keys” or “words”"),
    "caller_id": f"{_SAID}: the line that somebody has chosen with `/phone line`, or types after “from”",
    "record": _RECORDED,
    "dial_digits": f"{_SAID}: it is typed after the number, “ext 123”",
    "auto_answer": "Messages go to numbers, and only extensions pick up by themselves",
    "prompt_ref": "Callboard has no use for it",
    "variables": "No service carries them with a voice message",
}
"""The same of `MessageOrder`."""


class Sort(msgspec.Struct, frozen=True):
    """What may be set for all orders of a sort.

    Attributes:
        what, many: for people.  able: where a provider's class names the options that it can express.
        nothing: an order without any, asked for its defaults only.  not_here: option -> why it cannot be set.
        longest: seconds that `max_seconds` may be.
    """

    what: str
    many: str
    able: str
    nothing: Order
    not_here: Mapping[str, str]
    longest: int

    @property
    def settable(self) -> tuple[str, ...]:
        return tuple(name for name in options(type(self.nothing)) if name not in self.not_here)


_NOTHING = CallOrder(call_id="", rep=None, number="")  # type: ignore[arg-type]  # asked for its defaults only
CALLS = Sort("a call", "calls", "order_options", _NOTHING, NOT_HERE, LONGEST_CALL)
MESSAGES = Sort(
    "a voice message",
    "messages",
    "message_options",
    MessageOrder(call_id="", number=""),
    NOT_IN_MESSAGES,
    LONGEST_MESSAGE,
)

TO_EXTENSIONS = ("auto_answer", "number_must_be_online")
_OWN_PHONES = {
    **dict.fromkeys(("rep_auto_answer", "rep_must_be_online"), ("extension", "login", "trunk")),
    "voicemail": ("extension",),
}
"""What makes sense only where the rep's phone is an extension of the account."""


def read(
    shown: str,
    table: object,
    region: str,
    kind: "type[Provider]",
    beside: Mapping[str, Any] = MappingProxyType({}),
    sort: Sort = CALLS,
) -> tuple[dict[str, Any], list[str]]:
    """The options of one table of the settings, and a sentence for each mistake in it.

    Args:
        shown: what the table is called there, like `accounts.sales.call`.
        region: ISO 3166 code of the country that numbers without a prefix belong to.
        kind: the service that is to express them.
        beside: the account's, where these are a line's and go before them.
    """
    if not isinstance(table, dict):
        return {}, [f"{shown} must be a section, [{shown}], or options in braces, like {{ ring_seconds = 25 }}."]
    found: dict[str, Any] = {}
    errors = []
    for name, value in table.items():
        try:
            found[name] = _value(name, value, region, sort)
        except BadInput as error:
            errors.append(f"{shown}.{name}: {error}")
    errors += _unexpressible(shown, found, kind, sort)
    if not errors:
        known, wrong = kind.wrong_options(beside), kind.wrong_options({**beside, **found})
        errors += [f"{shown}.{name}: {words}" for name, words in wrong.items() if name not in known]
    return found, errors


def _value(name: str, value: object, region: str, sort: Sort) -> Any:
    if name in sort.not_here:
        raise BadInput(f"{sort.not_here[name]}. Remove it here.")
    if name not in sort.settable:
        raise BadInput(f"There is no such option of {sort.what}. Use one of: {', '.join(sort.settable)}.")
    if name == "max_seconds":
        return _seconds(value, 1, sort.longest)
    if name in _SECONDS:
        return _seconds(value, *_SECONDS[name])
    if name in _MESSAGES:
        return _speech(value)
    if name == "variables":
        return _variables(value)
    if isinstance(getattr(sort.nothing, name), bool):
        if not isinstance(value, bool):
            raise BadInput("It must be true or false.")
        return value
    if not isinstance(value, str):
        raise BadInput("It must be a text in quotes.")
    return _text(name, value.strip(), region)


def _seconds(value: object, least: int, most: int) -> int | None:
    if not isinstance(value, int) or isinstance(value, bool) or not (value == 0 or least <= value <= most):
        raise BadInput(f"It must be a whole number of seconds from {least} to {most}, or 0 for the service's own.")
    return value or None


def _speech(value: object) -> Speech | None:
    media = value.get("media") if isinstance(value, dict) and value.keys() == {"media"} else None
    text = media if isinstance(value, dict) else value
    if not isinstance(text, str):
        raise BadInput('It must be a text that is spoken, in quotes, or a stored sound, like { media = "101" }.')
    text = " ".join(text.split())
    if len(text) > LONGEST_TEXT:
        raise BadInput(f"It has {len(text)} characters. Make it {LONGEST_TEXT} at most.")
    if not text:
        return None
    return Speech(media=text) if media is not None else Speech(text=text)


def _variables(value: object) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise BadInput('It must be names with texts in quotes, like { team = "north" }.')
    for name in value:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,31}", name):
            raise BadInput(f"“{name}” is no name of a variable. Use letters, digits and _, at most 32.")
    return dict(value)


def _text(name: str, text: str, region: str) -> str:
    """The text as it is, but for those that have a form of their own. "" = the service's own."""
    if not text:
        return ""
    if name == "rep_caller_id":
        return numbers.parse(text, region)
    if name == "confirm_key" and text not in KEYS:
        raise BadInput('It must be one key, 0 to 9, "*" or "#", or "any".')
    if name == "language" and not re.fullmatch(r"[a-z]{2}", text):
        raise BadInput('It must be a language code of two small letters, like "en".')
    if len(text) > 100 or not text.isprintable():
        raise BadInput("It must be one line of at most 100 characters.")
    return text


def _unexpressible(shown: str, given: Mapping[str, Any], kind: "type[Provider]", sort: Sort) -> list[str]:
    known: frozenset[str] = getattr(kind, sort.able)
    able = ", ".join(name for name in sort.settable if name in known)
    fix = f"Remove it; those it has: {able}." if able else f"Remove it; none can be set for all of its {sort.many}."
    foreign = [name for name in given if name not in known]
    return [f"{shown}.{name}: {kind.title} has no such option of {sort.what}. {fix}" for name in foreign]


def with_defaults(order: CallOrder, given: Mapping[str, Any], *, extension: bool) -> CallOrder:
    """The order with what was set for all calls, as far as the person has not chosen and it makes sense for this one.

    `extension`: an own extension is called, not a number.
    """
    wanted = {
        name: value
        for name, value in given.items()
        if (extension or name not in TO_EXTENSIONS)
        and order.rep.kind in _OWN_PHONES.get(name, (order.rep.kind,))
        and getattr(order, name) == getattr(_NOTHING, name)
    }
    return replace(order, **wanted) if wanted else order


def without(order: CallOrder, names: frozenset[str]) -> CallOrder:
    """The order without these options."""
    return replace(order, **{name: getattr(_NOTHING, name) for name in names}) if names else order


def announced(order: CallOrder, announcement: str) -> CallOrder:
    """The order in which the announcement of a recording is heard first and to its end, whatever else is played.

    Ask only where `can_announce()`.
    """
    after = order.customer_message.text if order.customer_message else ""
    return replace(order, customer_message=Speech(text=f"{announcement} {after}".strip()), talk_at_once=False)


def can_announce(order: CallOrder) -> bool:
    """Whether an announcement fits in: not beside a stored sound, which would take its place or be left out."""
    return order.customer_message is None or not order.customer_message.media
