"""The five ways in which CallGear begins a call, and which of our options each of them has.

Source: https://callgear.github.io/call_api/create_call/. Unknown and empty parameters are refused there, so only what
was chosen is sent.
"""

from collections.abc import Mapping
from typing import Any

from bot.errors import Unsupported
from bot.orders import CallOrder, MessageOrder, Speech, chosen
from bot.providers.callgear.words import digits

_ALL = frozenset(
    {
        *("caller_id", "caller_id_rule", "customer_first", "talk_at_once", "hear_dialling", "dial_digits"),
        *("customer_message", "rep_message", "dial_music", "hide_line_from_rep", "confirm_key"),
        *("scenario", "line_scenario"),
    }
)
CALL_OPTIONS = _ALL
MESSAGE_OPTIONS = frozenset({"template", "text", "caller_id", "caller_id_rule", "ring_seconds", "dial_digits"})

_LACKS: Mapping[str, frozenset[str]] = {
    "start.employee_call": frozenset({"confirm_key", "scenario", "line_scenario"}),
    "start.simple_call": frozenset({"scenario", "line_scenario"}),
    "start.scenario_call": frozenset({"confirm_key", "dial_music", "hide_line_from_rep", "line_scenario"}),
    "start.vnumber_call": frozenset({"confirm_key", "dial_music", "hide_line_from_rep", "scenario", "rep_message"}),
}
"""Method -> our options that its table does not have."""

RULES = ("fixed", "fixed_for_numa", "random", "regional_random", "regional_fixed_for_numa")
"""How CallGear picks the number that is shown. Source: "virtual_phone_usage_rule"."""
LAST_SPOKEN = 0xFFFF
"""The last character that is spoken; others are refused (`character_encoding_not_allowed`)."""

_FLAGS = {"talk_at_once": "switch_at_once", "hear_dialling": "early_switching"}
_MESSAGES = {"start.employee_call": "employee_message", "start.simple_call": "operator_message"}


def call(order: CallOrder, line: str, title: str) -> tuple[str, dict[str, Any]]:
    """(method, parameters without the key) of a call. `line`: digits.

    Raises:
        Unsupported: options that do not go together; nothing was sent.
    """
    method = _method(order)
    clash = sorted(name.replace("_", " ") for name in clashing(order))
    if clash:
        raise Unsupported(f"{title} cannot combine these: {', '.join(clash)} with {method}. Leave them out.")
    rep = "operator" if method == "start.simple_call" else "employee"
    params: dict[str, Any] = {
        "first_call": "contact" if order.customer_first else rep,
        "virtual_phone_number": line,
        "virtual_phone_usage_rule": order.caller_id_rule,
        "contact": digits(order.number),
        "external_id": order.call_id,
        "direction": "out",
        "dtmf_string": order.dial_digits,
        "media_file_id": _id(order.dial_music),
        **{theirs: getattr(order, ours) for ours, theirs in _FLAGS.items()},
    }
    if order.hide_line_from_rep:
        params["show_virtual_phone_number"] = False
    if order.customer_message is not None:
        params["contact_message"] = spoken(order.customer_message)
    if order.rep_message is not None:
        params[_MESSAGES.get(method, "employee_message")] = spoken(order.rep_message)
    if method == "start.employee_call":
        employee, _, phone = order.rep.value.partition("/")
        params["employee"] = {"id": _id(employee), **({"phone_number": digits(phone)} if phone else {})}
    elif method == "start.simple_call":
        params |= {"operator": digits(order.rep.value), "operator_confirmation": order.confirm_key}
    elif method == "start.scenario_call":
        params["scenario_id"] = _id(order.scenario)
    # False is the default of the flags, and empty parameters are refused; a chosen False stays.
    return method, {
        name: value
        for name, value in params.items()
        if value not in ("", None) and not (value is False and name != "show_virtual_phone_number")
    }


def clashing(order: CallOrder) -> frozenset[str]:
    """Options of the order that its method does not have."""
    return chosen(order) & _LACKS[_method(order)]


def wrong(given: Mapping[str, Any]) -> dict[str, str]:
    """Options that no call can have so -> why.

    Whether "early_switching" needs "switch_at_once" where the rep's phone rings first (the Russian page, and the older
    English one), or excludes it (the newest English one), is for CallGear to say.
    """
    found = {}
    if given.get("caller_id_rule") not in ("", None, *RULES):
        found["caller_id_rule"] = f"CallGear has only these: {', '.join(RULES)}. Choose one of them."
    if (music := given.get("dial_music")) and not isinstance(_id(music), int):
        found["dial_music"] = 'CallGear knows its sounds by a number. Write that, like "101".'
    for name in ("rep_message", "customer_message"):
        text = speech.text if (speech := given.get(name)) else ""
        if strange := next((sign for sign in text if ord(sign) > LAST_SPOKEN), ""):
            found[name] = f"CallGear cannot speak “{strange}”. Write the text without it."
    return found


def message(order: MessageOrder, line: str, title: str) -> dict[str, Any]:
    """Parameters of start.informer_call, without the key.

    Raises:
        Unsupported: neither a stored sound nor a text, or both.
    """
    if bool(order.template) == bool(order.text):
        raise Unsupported(f"{title} plays either a stored sound or a text. Give one of them.")
    params: dict[str, Any] = {
        "virtual_phone_number": line,
        "virtual_phone_usage_rule": order.caller_id_rule,
        "contact": digits(order.number),
        "contact_message": spoken(Speech(media=order.template, text=order.text)),
        "external_id": order.call_id,
        "direction": "out",
        "dialing_timeout": order.ring_seconds,
        "dtmf_string": order.dial_digits,
    }
    return {name: value for name, value in params.items() if value not in ("", None)}


def spoken(speech: Speech) -> dict[str, str]:
    """A message object: the id of a file is text there, unlike anywhere else."""
    return {"type": "media", "value": speech.media} if speech.media else {"type": "tts", "value": speech.text}


def _method(order: CallOrder) -> str:
    if order.scenario:
        return "start.scenario_call"
    if order.line_scenario:
        return "start.vnumber_call"
    return "start.employee_call" if order.rep.kind == "employee" else "start.simple_call"


def _id(value: str) -> int | str:
    return int(value) if value.isascii() and value.isdecimal() else value
