"""What CallGear's errors mean, and what to do about them: by mnemonic, by parameter, by the group of their code.

Source: "Call API", chapters "Error messages", "Groups of error codes", "List of errors common for all methods"; those
of single methods: https://callgear.github.io/call_api/.
"""

import re
from collections.abc import Mapping

from bot.providers.callgear.words import text

INTERNAL, LIMITS = -32603, -32029
"""Groups of error codes."""
_NOT_OURS = "Check {account}_URL, or update Callboard: this version of the API does not know what it was asked."
_RIGHT = "Ask the account's administrator for that right: client area, Account, “User administration”."
_VALUES = ("invalid_parameter_value", "data_type_error", "required_parameter_missed")
HINTS: Mapping[str, str] = {
    **dict.fromkeys(
        (
            *("parse_error", "invalid_request", "method_not_found", "unexpected_parameters"),
            *("batch_opreations_not_supported", "batch_operations_not_supported", "notifications_not_supported"),
        ),
        _NOT_OURS,
    ),
    **dict.fromkeys(_VALUES, ""),
    "access_token_expired": "Make a new key in the client area and set it.",
    "access_token_blocked": "The key is blocked: ask the account's administrator.",
    "access_token_invalid": "Check {account}_ACCESS_TOKEN.",
    "auth_error": "Check {account}_LOGIN and {account}_PASSWORD.",
    "ip_not_whitelisted": (
        "Add this computer's address in the client area: Account, “Rules and safety regulations”, tab “API” (or "
        "Account, tab “Call API”)."
    ),
    "component_disabled": "Ask the account's administrator to switch that component of the Call API on.",
    "account_inactive": "The account is blocked: ask CallGear's support.",
    "invalid_state": "Look at the call's card: it is in another state by now.",
    "call_session_not_found": "The call has ended.",
    "leg_not_found": "That leg has ended.",
    "contact_in_blacklist": "Take the number off the account's blacklist first.",
    "virtual_phone_number_not_found": "Check the line, or the virtual_phone_number setting.",
    "no_active_phone_number": (
        "There is no active phone with that number, or the employee has none: see the phones in the client area."
    ),
    "employee_not_found": "Check the employee's id in the client area.",
    "invalid_parameters_combination": "Of hear_dialling and talk_at_once set both, or only one of them.",
    "tts_text_exceeded": "Shorten the text.",
    "forbidden": _RIGHT,
    "scenario_not_found": "Look its id up in the client area, or leave “scenario” out.",
    "media_file_not_found": "Look the file's id up in the client area.",
    "character_encoding_not_allowed": "Leave out emoji and unusual signs.",
    "own_virtual_phone_number_not_allowed": "That is one of the account's own lines: call another number.",
    "coach_not_found": "No coach is set up in the client area: write the coach's number.",
    "tag_not_found": "Choose another tag.",
    "duplicate_tag": "The call has it: there is nothing more to do.",
    "duplicate_contact": "There is nothing more to do.",
    "talk_option_not_found": "The client area has other options by now: open the list again.",
}
"""Mnemonic -> what to do."""
CODE_HINTS: Mapping[int, str] = {
    -32700: _NOT_OURS,
    -32600: _NOT_OURS,
    -32601: _NOT_OURS,
    -32001: "Check the key, or login and password.",
    -32002: "Allow calls in that direction in the client area, Account, “Security rules and settings”, tab “API”.",
    -32003: _RIGHT,
    -32004: HINTS["invalid_state"],
    -32007: HINTS["virtual_phone_number_not_found"],
    -32008: HINTS["component_disabled"],
    -32009: HINTS["account_inactive"],
    -32099: _NOT_OURS,
}
"""The same by code, where the page has no mnemonic for it, or a newer one has another."""

ANYTHING = "Check the number, the line and the options of the call."
"""Where a call is refused because of a value, and not told which."""
_MESSAGE = "Check the message, or the id of its file."
FIELDS: Mapping[str, str] = {
    "contact": "Check the number.",
    "operator": "Check the phone that is linked for you.",
    "employee": HINTS["employee_not_found"],
    "virtual_phone_number": HINTS["virtual_phone_number_not_found"],
    "scenario_id": HINTS["scenario_not_found"],
    "media_file_id": HINTS["media_file_not_found"],
    "to": "Check the number or extension.",
    "phone_number": "Check the coach's number.",
    "dtmf_string": "Keys are 0 to 9, * and #.",
    "dialing_timeout": "It rings for 120 seconds at most.",
    **dict.fromkeys(("contact_message", "employee_message", "operator_message", "to_message"), _MESSAGE),
}
"""Parameter -> what to do where its value is wrong."""
METHODS: Mapping[tuple[str, str], str] = {
    ("record.call", "forbidden"): "The account records all its calls: only its client area stops that.",
}
"""(Method, mnemonic) -> what to do, where the page says more than of the mnemonic alone."""
_REFUSALS = frozenset(
    {-32700, -32600, -32601, -32602, -32001, -32002, -32003, -32004, -32007, -32008, -32009, -32029, -32099}
)
"""Groups of error codes that say that nothing was done. What comes with any other, nobody knows."""
OURS = frozenset({"call_session_not_found", "leg_not_found"})
"""Which parameter it was tells nobody anything: people did not type it."""


def is_refusal(mnemonic: str, code: int) -> bool:
    """Whether nothing was done."""
    return code in _REFUSALS or mnemonic in HINTS


def hint(method: str, mnemonic: str, code: int, field: str) -> str:
    """What to do, "" = nobody knows. `field`: dotted path of the parameter; "{account}" stands for its settings."""
    if mnemonic in _VALUES and (found := FIELDS.get(field.partition(".")[0])):
        return found
    found = METHODS.get((method, mnemonic)) or HINTS.get(mnemonic) or CODE_HINTS.get(code, "")
    return found or (ANYTHING if code == -32602 and method.startswith("start.") else "")


def filled(message: str, params: object) -> str:
    """A text with gaps ("Limit per {limit_type} ..."), filled from the error's `params`."""
    values = params if isinstance(params, dict) else {}
    return re.sub(r"\{(\w+)\}", lambda gap: text(values.get(gap[1])) or gap[0], message)


def whole_code(value: object) -> int:
    """The group of an error, also where the number is text; 0 = it is none."""
    found = text(value)
    return int(found) if re.fullmatch("-?[0-9]{1,9}", found) else 0
