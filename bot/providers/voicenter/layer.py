"""A layer of Voicenter's own IVR asks where to go with what the caller keyed. Free of I/O.

Source: "API Documentation" rev. 3.2, chapter 12; SAY_DIGITS and the limit of custom data from
https://www.voicenter.com/API/External-Layer. The layer itself plays its sound and collects the digits, so a menu of a
flow is named by the layer's number.
"""

import json
from collections.abc import Mapping

from bot.errors import Unsupported
from bot.hooks import Dial, GoTo, Menu, Question, Reply, SayDigits, Step, Webhook

from . import xmlrpc
from .fields import Fields, is_extension, phone
from .ivr import LANGUAGES, caller_name, described, layer_number, spoken

FORM = "layer"
MAX_CUSTOM = 128
"""Characters of one value of the custom data."""
SPOKEN = (*LANGUAGES, "ar", "ru")
"""Of SAY_DIGITS; "more on request"."""


def read(fields: Fields, received_at: float, region: str) -> Webhook:
    """IVR_LAYER_INPUT, which the document's text calls IvrExternalLayerInput. Nothing keyed arrives as "0"."""
    question = Question(
        number=phone(fields.text("callerid"), region),
        form=FORM,
        asks="next",
        ref=fields.text("ivruniqueid"),
        line=phone(fields.text("did"), region),
        name=caller_name(fields),
        step=fields.text("layerid"),
        previous=fields.text("previouslayerid"),
        digits=fields.text("dtmf"),
    )
    return Webhook(described(question, FORM, received_at), question=question)


def write(question: Question, step: Step | None, language: str, fallback: int | None) -> Reply:
    """Where the caller goes. None: the configured layer, else STATUS 1, after which Voicenter takes its own default.

    Raises:
        Unsupported: this step cannot be said.
    """
    if step is None:
        step = None if fallback is None else GoTo(layer=str(fallback))
    members: dict[str, xmlrpc.Value] = {"STATUS": 1 if step is None else 0}
    if step is not None:
        members |= _action(question, step, language, fallback)
    body = json.dumps(members, ensure_ascii=False).encode()
    return Reply(body=body, content_type="application/json; charset=utf-8")


def _action(question: Question, step: Step, language: str, fallback: int | None) -> dict[str, xmlrpc.Value]:
    match step:
        case GoTo():
            return _go_to(step.layer, step.caller_name or question.name, step.variables)
        case Menu():
            return _go_to(step.name, question.name, {})
        case SayDigits():
            following = layer_number(step.name)
            said = (("Recording", step.sound), ("Digits", step.say), ("Recording", step.sound_after))
            return {
                "ACTION": "SAY_DIGITS",
                "NEXT_LAYER": following,
                "NEXT_LAYER_IF_FAILED": following if fallback is None else fallback,
                "LANGUAGE": spoken(step.language, language, SPOKEN).upper(),
                "DATA": [{"RecordType": kind, "Content": content} for kind, content in said if content],
            }
        case Dial():
            return _dial(question, step)
    raise Unsupported(
        "Voicenter's external layer can go to a layer, dial or say digits, nothing else. "
        "Lead the caller to a layer of Voicenter that does it: do = “go_to”."
    )


def _go_to(layer: str, name: str, variables: Mapping[str, str]) -> dict[str, xmlrpc.Value]:
    return {
        "ACTION": "GO_TO_LAYER",
        "LAYER": layer_number(layer),
        "CALLER_NAME": name,
        "CUSTOM_DATA": _custom(variables),
    }


def _dial(question: Question, step: Dial) -> dict[str, xmlrpc.Value]:
    layers = {
        "NEXT_VO_ID": step.next_layer or step.if_failed,
        "ANSWER_NEXT_VO_ID": step.answered_layer,
        "UNAVAILABLE_VO_ID": step.offline_layer,
    }
    return {
        "ACTION": "DIAL",
        "MAX_CALL_DURATION": step.max_seconds,
        "MAX_DIAL_DURATION": step.ring_seconds,
        "RECORDING": "yes" if step.record else "no",
        "TARGETS": [
            {"TARGET": target.removeprefix("+"), "TYPE": "EXTENSION" if is_extension(target) else "PHONE"}
            for target in step.targets
        ],
        "CALLER_ID": (step.caller_id or question.number).removeprefix("+"),
        "CALLER_NAME": step.caller_name or question.name,
        **{name: layer_number(layer) for name, layer in layers.items() if layer},
        "CUSTOM_DATA": _custom(step.variables),
    }


def _custom(variables: Mapping[str, str]) -> dict[str, xmlrpc.Value]:
    for name, value in variables.items():
        if len(value) > MAX_CUSTOM:
            raise Unsupported(f"Voicenter carries {MAX_CUSTOM} characters in a value, and “{name}” has {len(value)}.")
    return dict(variables)
