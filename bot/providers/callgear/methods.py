"""The simulator's tables: parameters of the 22 methods with their types, components, errors with code and text.

Source: https://callgear.github.io/call_api/, the tables "Request parameters" and "Errors" of every method.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as filled
from typing import Any

from bot.providers.callgear.starts import RULES

CODES: Mapping[str, tuple[int, str]] = {
    "parse_error": (-32700, "Invalid JSON was received by the server."),
    "invalid_request": (-32600, "The JSON sent is not a valid Request object"),
    "method_not_found": (-32601, "The method does not exist / is not available"),
    "call_session_not_found": (-32602, "Call session not found"),
    "data_type_error": (-32602, "Data supplied is of wrong type"),
    "required_parameter_missed": (-32602, "The required parameter has been missed"),
    "invalid_parameter_value": (-32602, "Invalid parameter value"),
    "unexpected_parameters": (-32602, "Unexpected method parameter(s)"),
    "invalid_parameters_combination": (-32602, "Invalid parameters combination"),
    "tts_text_exceeded": (-32602, "TTS text length has been exceeded"),
    "media_file_not_found": (-32602, "Media file not found"),
    "character_encoding_not_allowed": (-32602, "Character encoding is not allowed"),
    "employee_not_found": (-32602, "Employee not found"),
    "no_active_phone_number": (-32602, "Employee has no active phone number"),
    "own_virtual_phone_number_not_allowed": (-32602, "Calls to own virtual numbers are not allowed"),
    "scenario_not_found": (-32602, "Scenario not found"),
    "leg_not_found": (-32602, "Leg not found"),
    "tag_not_found": (-32602, "Tag not found"),
    "duplicate_tag": (-32602, "The tag is set already"),
    "duplicate_contact": (-32602, "The contact is blocked already"),
    "record_already_started": (-32602, "Recording has been started already"),
    "record_already_stopped": (-32602, "Recording has been stopped already"),
    "coach_not_found": (-32602, "Coach not found"),
    "talk_option_not_found": (-32602, "Talk option not found"),
    "internal_error": (-32603, "Internal error, contact the support service"),
    "access_token_expired": (-32001, "Access token has been expired"),
    "access_token_blocked": (-32001, "Access token has been blocked"),
    "access_token_invalid": (-32001, "Access token is invalid"),
    "auth_error": (-32001, "Login or password is wrong"),
    "contact_in_blacklist": (-32002, "The contact is on the blacklist"),
    "ip_not_whitelisted": (-32003, "Your IP {ip} is not whitelisted"),
    "forbidden": (-32003, "Permission denied"),
    "invalid_state": (-32004, "The call is in a state that does not allow it"),
    "virtual_phone_number_not_found": (-32007, "Virtual phone number not found"),
    "component_disabled": (-32008, "Component {component_name} has been disabled"),
    "account_inactive": (-32009, "Your account has been disabled, contact the support service"),
    "limit_exceeded": (
        *(
            -32029,
            "Limit per {limit_type} has been exceeded. Value of current limit per {limit_type} is {limit_max_value}",
        ),
    ),
    "batch_opreations_not_supported": (-32099, "Batch operations are not supported"),
    "notifications_not_supported": (-32099, "Notifications are not supported"),
}
"""Mnemonic -> code and text, into which the error's `params` are put."""


@dataclass
class Fails(Exception):
    """A refusal. `field`: dotted path. `code`: where a method has another than the usual one."""

    mnemonic: str
    field: str = ""
    value: object = None
    code: int = 0
    params: Mapping[str, Any] = filled(default_factory=dict)


_START = {
    "virtual_phone_number": "str!", "virtual_phone_usage_rule": "rule", "contact": "number!", "external_id": "str",
    "dtmf_string": "tones", "direction": "in|out",
}  # fmt: skip
_TWO = {
    "switch_at_once": "bool", "early_switching": "bool", "contact_message": "message",
}  # fmt: skip
_SESSION = {"call_session_id": "int!"}

METHODS: Mapping[str, Mapping[str, str]] = {
    "login.user": {"login": "str!", "password": "str!"},
    "logout.user": {},
    "start.employee_call": {
        **_START, **_TWO, "first_call": "contact|employee!", "media_file_id": "int",
        "show_virtual_phone_number": "bool", "employee": "employee!", "employee_message": "message",
    },
    "start.simple_call": {
        **_START, **_TWO, "first_call": "contact|operator!", "media_file_id": "int",
        "show_virtual_phone_number": "bool", "operator": "number!", "operator_confirmation": "key",
        "operator_message": "message",
    },
    "start.scenario_call": {
        **_START, **_TWO, "first_call": "contact|employee!", "scenario_id": "int!", "employee_message": "message",
    },
    "start.vnumber_call": {**_START, **_TWO, "first_call": "contact|employee!", "show_virtual_phone_number": "bool"},
    "start.informer_call": {**_START, "dialing_timeout": "seconds", "contact_message": "message!"},
    "release.call": _SESSION,
    "hold.call": {**_SESSION, "contact_message": "message!"},
    "unhold.call": _SESSION,
    "make.call": {**_SESSION, "to": "str!", "to_message": "message"},
    "transfer.talk": _SESSION,
    "restore.talk": _SESSION,
    "disconnect.leg": {**_SESSION, "leg_id": "int!"},
    "tag.call": {**_SESSION, "tag_id": "int!"},
    "record.call": {**_SESSION, "action": "on|off!"},
    "add.coach": {**_SESSION, "phone_number": "number"},
    "send.dtmf": {**_SESSION, "dtmf_string": "tone!"},
    "block.contact": _SESSION,
    "call.talk_option": {**_SESSION, "button": "str!"},
    "list.talk_options": {},
    "list.calls": {"direction": "in|out", "virtual_phone_number": "russian"},
}  # fmt: skip
"""Method -> parameter -> type, with "!" where it is compulsory; every method but the first takes the key, too."""

COMPONENTS: Mapping[str, str] = {
    **dict.fromkeys(METHODS, "Call management"),
    **dict.fromkeys(("login.user", "logout.user", "release.call", "start.employee_call"), "Basic set"),
    **dict.fromkeys(("start.simple_call", "start.vnumber_call"), "Basic set"),
    "start.informer_call": "Informer calls",
    "start.scenario_call": "Call scenario",
}


def check_params(method: str, params: Mapping[str, Any]) -> None:
    """Raises Fails for what the method's table does not have, lacks, or has with another type."""
    table = METHODS[method]
    for name in params:
        if name not in table and not (name == "access_token" and method != "login.user"):
            raise Fails("unexpected_parameters", field=name, value=params[name])
    for name, kind in table.items():
        if name not in params:
            if kind.endswith("!"):
                raise Fails("required_parameter_missed", field=name)
            continue
        _check(name, kind.rstrip("!"), params[name])


def _check(name: str, kind: str, value: Any) -> None:
    match kind:
        case "bool":
            if not isinstance(value, bool):
                raise Fails("data_type_error", field=name, value=value)
        case "int" | "seconds":
            if not isinstance(value, int) or isinstance(value, bool):
                raise Fails("data_type_error", field=name, value=value)
            if kind == "seconds" and not 0 < value <= 120:
                raise Fails("invalid_parameter_value", field=name, value=value)
        case "message":
            _check_object(name, value, {"type": "media|tts!", "value": "str!"})
        case "employee":
            _check_object(name, value, {"id": "int!", "phone_number": "number"})
        case _:
            if not isinstance(value, str):
                raise Fails("data_type_error", field=name, value=value)
            if not _good(kind, value):
                raise Fails("invalid_parameter_value", field=name, value=value)


def _good(kind: str, value: str) -> bool:
    match kind:
        case "str":
            return bool(value)
        case "number":
            return value.isascii() and value.isdecimal() and 3 <= len(value) <= 15
        case "russian":  # "must start with 7"
            return value.startswith("7") and _good("number", value)
        case "rule":
            return value in RULES
        case "tones":
            return bool(value) and set(value) <= set("0123456789*#.")
        case "tone" | "key":
            return value in set("0123456789*#") or (kind == "key" and value == "any")
        case _:
            return value in kind.split("|")


def _check_object(name: str, value: Any, table: Mapping[str, str]) -> None:
    if not isinstance(value, dict):
        raise Fails("data_type_error", field=name, value=value)
    for inner in value:
        if inner not in table:
            raise Fails("unexpected_parameters", field=f"{name}.{inner}")
    for inner, kind in table.items():
        if inner not in value and kind.endswith("!"):
            raise Fails("required_parameter_missed", field=f"{name}.{inner}")
        if inner in value:
            _check(f"{name}.{inner}", kind.rstrip("!"), value[inner])
