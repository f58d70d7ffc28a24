"""The external IVR: GET_IVR_ACTION asks for the next action, HANGUP_CALL tells how a call ended. Free of I/O.

Source: "API Documentation" rev. 3.2, chapter 5. It dials one target at a time, so further ones are tried when it asks
again: the menu that it is to go on with after a failure then names the dial and whom it has tried.
"""

import json
from collections.abc import Mapping
from urllib.parse import quote, unquote

from bot import loose
from bot.errors import Unreadable, Unsupported
from bot.events import AnyEvent, CallEnded, Described, LegAnswered, LegEnded, LegRinging, Outcome
from bot.hooks import Dial, GoTo, HangUp, Menu, Question, RecordMessage, Reply, SayDigits, Step, Webhook

from . import xmlrpc
from .causes import CAUSES, TEMPORARY_FAILURE
from .fields import Fields, is_extension, is_phone, phone, spelling
from .progress import rung
from .tables import outcome_of

JSON, XML = "ivr", "ivr-xml"
"""`Question.form`: how it was asked is how it is answered."""
LANGUAGES = ("he", "en")
NO_SOUND = "blank"
"""The sound that the document's examples name where nothing is to be heard."""
NO_NUMBER = "Unknown"
"""The caller ID that its example shows where there is none; the member is mandatory."""

Shape = Mapping[str, tuple[type, bool]]
_MENU: Shape = {
    "REC": (str, True),
    "LOOP": (int, True),
    "DELAY": (int, True),
    "SIZE": (int, True),
    "MENU": (str, True),
    "VALIDATION": (int, True),
}
ACTIONS: Mapping[str, Shape] = {
    "MENU": _MENU,
    "CALL": {
        "TARGET": (str, True),
        "CALLERID": (str, True),
        "CALLERNAME": (str, True),
        "CALLER_REC": (str, False),
        "MOH_CLASS": (str, False),
        "TARGET_REC": (str, False),
        "CALL_MAX_DIAL": (int, True),
        "CALL_MAX": (int, True),
        "NEXT_MENU": (str, False),
        "NEXT_MENU_RECORD": (str, False),
        "NEXT_MENU_LOOP": (int, False),
        "NEXT_MENU_SIZE": (int, False),
        "NEXT_MENU_WAIT": (int, False),
        "REC_STATUS": (int, True),
        "DTMF_PLAY": (str, False),
        "DIALSTRINGS": (list, False),
    },
    "SAYDIGITS": {**_MENU, "SAYDIGITSRECORD": (str, True), "DIGITS": (str, True)},
    "SILENTRECORD": {"REC": (str, False), "MAXDURATION": (int, False)},
    "VO": {"LAYER": (int, True), "RECORD": (str, True), "LOOP": (int, True), "DELAY": (int, True)},
    "HANGUP": {"HANGUP_REC": (str, False), "HANGUP_CAUSE": (int, False)},
}
"""ACTION -> field of its DATA -> (type, whether it is mandatory)."""

_STATUSES = {
    "answer": Outcome.ANSWERED,
    "answered": Outcome.ANSWERED,  # the examples' spelling
    "busy": Outcome.BUSY,
    "noanswer": Outcome.NO_ANSWER,
    "cancel": Outcome.CANCELLED,
    "congestion": Outcome.UNREACHABLE,
    "chanunavail": Outcome.UNREACHABLE,
    "dontcall": Outcome.REJECTED,
    "torture": Outcome.REJECTED,  # the callee's joke on whom they reject
    "invalidargs": Outcome.FAILED,
}
"""CALL_STATUS -> ours; others as in a CDR."""


def read_question(fields: Fields, received_at: float, region: str, *, in_xml: bool) -> Webhook:
    """GET_IVR_ACTION. Also without an id it is answered, though nothing can be told of the call then."""
    step, tried = _place(fields.text("menu"))
    previous, _ = _place(fields.text("previousmenu"))
    question = Question(
        number=phone(fields.text("callerid"), region),
        form=XML if in_xml else JSON,
        asks="next",
        ref=fields.text("ivruniqueid"),
        line=phone(fields.text("did"), region),
        name=caller_name(fields),
        step=step,
        previous=previous,
        digits=fields.text("dtmf"),
        tried=tried,
    )
    return Webhook(described(question, "ivr", received_at), question=question)


def described(question: Question, source: str, received_at: float) -> tuple[AnyEvent, ...]:
    """What a question tells of its call."""
    if not question.ref:
        return ()
    told = Described(
        ref=question.ref,
        at=received_at,
        source=source,
        direction="in",
        number=question.number,
        line=question.line,
        name=question.name,
    )
    return (told,)


def caller_name(fields: Fields) -> str:
    """The caller's name where it says more than the number, which is often repeated there."""
    name = fields.text("callername")
    return "" if name == fields.text("callerid") or is_phone(name) else name


def read_end(fields: Fields, received_at: float, region: str, *, in_xml: bool) -> Webhook:
    """HANGUP_CALL: the dial that ended the call, or none where the caller left a menu.

    Raises:
        Unreadable: it does not say which call.
    """
    ref = fields.text("ivruniqueid")
    if not ref:
        raise Unreadable("Voicenter reported the end of a call without its IVR_UNIQUE_ID; nothing was stored.")
    target, line = fields.text("target"), phone(fields.text("did"), region)
    extension = target if is_extension(target) else ""
    began = loose.happened(fields.epoch("calltimeepoch"), received_at)
    answered = began + fields.seconds("calldailtime", "calldialtime")
    outcome = _outcome(fields)
    started, duration = fields.epoch("callstartepoch"), fields.seconds("callduration")
    ended = loose.happened(started + duration if started and duration else 0, received_at)
    if outcome is Outcome.ANSWERED:
        ended = max(ended, answered)
    leg = rung(extension, "", phone(target, region) or line)
    events: list[AnyEvent] = [
        Described(
            ref=ref,
            at=began,
            source="hangup",
            direction="in",
            number=phone(fields.text("callerid"), region),
            line=line,
            extension=extension,
        )
    ]
    if target:
        events.append(LegRinging(ref=ref, at=began, leg=leg))
    if target and outcome is Outcome.ANSWERED:
        events.append(LegAnswered(ref=ref, at=answered, leg=leg))
    events += [LegEnded(ref=ref, at=ended, leg=leg, outcome=outcome), CallEnded(ref=ref, at=ended)]
    return Webhook(tuple(events), _reply({"STATUS": 0}, in_xml=in_xml))


def _outcome(fields: Fields) -> Outcome:
    status = fields.text("callstatus")
    if not fields.text("target"):
        return Outcome.ABANDONED  # nobody was dialled
    known = _STATUSES.get(spelling(status))
    return known or outcome_of(status, incoming=True, talked=False)


def write(question: Question, step: Step | None, language: str, fallback: int | None) -> Reply:
    """The next action. None: the configured layer, else an error that reads as a hang-up however it is taken.

    Raises:
        Unsupported: this step cannot be said.
    """
    in_xml, status = question.form == XML, 0
    if step is None and fallback is None:  # what Voicenter does with STATUS 1 is not documented
        status, action, data = 1, "HANGUP", dict[str, xmlrpc.Value]({"HANGUP_CAUSE": TEMPORARY_FAILURE})
    else:
        action, data = _action(question, GoTo(layer=str(fallback)) if step is None else step)
    told = spoken(step.language if step is not None else "", language)
    members: dict[str, xmlrpc.Value] = {
        "STATUS": status,
        "ACTION": action,
        "LANGUAGE": told if in_xml else told.upper(),
        "DATA": data,
    }
    return _reply(members, in_xml=in_xml)


def spoken(language: str, otherwise: str, known: tuple[str, ...] = LANGUAGES) -> str:
    """The language of a step in Voicenter's two letters.

    Raises:
        Unsupported: it speaks others only.
    """
    told = (language or otherwise).lower().replace("_", "-").partition("-")[0]
    if told not in known:
        names = f"{', '.join(known[:-1])} and {known[-1]}"
        raise Unsupported(f"Voicenter's IVR speaks {names}, not “{language}”. Correct the step's language.")
    return told


def layer_number(name: str) -> int:
    """The number of a layer.

    Raises:
        Unsupported: its name is none.
    """
    if not (name.isascii() and name.isdecimal()):
        raise Unsupported(f"Voicenter's IVR layers are numbers, and “{name}” is none. Correct it in the flow.")
    return int(name)


def _action(question: Question, step: Step) -> tuple[str, dict[str, xmlrpc.Value]]:
    match step:
        case Menu():
            return "MENU", _menu(step, step.sound)
        case SayDigits():
            before = {"SAYDIGITSRECORD": step.sound or NO_SOUND, "DIGITS": step.say}
            return "SAYDIGITS", _menu(step, step.sound_after) | before
        case Dial():
            return "CALL", _dial(question, step)
        case GoTo():
            sound: dict[str, xmlrpc.Value] = {"RECORD": step.sound or NO_SOUND, "LOOP": step.repeat}
            return "VO", {"LAYER": layer_number(step.layer)} | sound | {"DELAY": step.wait_seconds}
        case RecordMessage():
            return "SILENTRECORD", _given({"REC": step.sound, "MAXDURATION": step.max_seconds})
        case HangUp():
            if step.cause not in CAUSES:
                raise Unsupported(
                    f"Voicenter's document knows no cause {step.cause}. Correct it in the flow; 16 is usual."
                )
            return "HANGUP", _given({"HANGUP_REC": step.sound, "HANGUP_CAUSE": step.cause})


def _given(members: Mapping[str, xmlrpc.Value]) -> dict[str, xmlrpc.Value]:
    return {name: value for name, value in members.items() if value not in ("", None)}


def _menu(step: Menu | SayDigits, sound: str) -> dict[str, xmlrpc.Value]:
    return {
        "REC": sound or NO_SOUND,
        "LOOP": step.repeat,
        "DELAY": step.wait_seconds,
        "SIZE": step.digits,
        "MENU": _named(step.name),
        "VALIDATION": int(step.confirm),
    }


def _dial(question: Question, step: Dial) -> dict[str, xmlrpc.Value]:
    target, *others = step.targets
    tried = (*(question.tried if question.step == step.name else ()), target)
    told: dict[str, xmlrpc.Value] = {
        "TARGET": target.removeprefix("+"),
        "CALLERID": (step.caller_id or question.number).removeprefix("+") or NO_NUMBER,
        "CALLERNAME": step.caller_name or question.name,
        "CALL_MAX_DIAL": step.ring_seconds,
        "CALL_MAX": step.max_seconds,
        "REC_STATUS": int(step.record),
    }
    told |= _given(
        {
            "CALLER_REC": step.caller_sound,
            "MOH_CLASS": step.music,
            "TARGET_REC": step.target_sound,
            "DTMF_PLAY": step.dial_digits,
        }
    )
    if step.dial_strings:
        told["DIALSTRINGS"] = list(step.dial_strings)
    if others or (step.if_failed and not step.failed_sound):
        told |= _next_menu(_named(step.name, *tried), NO_SOUND, 1, 1, 0)
    elif step.if_failed:
        played = (step.failed_repeat, step.failed_digits, step.failed_wait_seconds)
        told |= _next_menu(_named(step.if_failed), step.failed_sound, *played)
    return told


def _next_menu(menu: str, sound: str, repeat: int, size: int, wait: int) -> dict[str, xmlrpc.Value]:
    return {
        "NEXT_MENU": menu,
        "NEXT_MENU_RECORD": sound,
        "NEXT_MENU_LOOP": repeat,
        "NEXT_MENU_SIZE": size,
        "NEXT_MENU_WAIT": wait,
    }


def _named(step: str, *tried: str) -> str:
    """Our step, and whom it has tried, as a menu identifier of Voicenter's."""
    return "|".join(quote(part, safe="+") for part in (step, *tried))


def _place(menu: str) -> tuple[str, tuple[str, ...]]:
    step, *tried = (unquote(part) for part in menu.split("|"))
    return ("" if step == "-1" else step), tuple(tried)


def _reply(members: Mapping[str, xmlrpc.Value], *, in_xml: bool) -> Reply:
    if in_xml:
        return Reply(body=xmlrpc.write_response(members), content_type="text/xml; charset=utf-8")
    return Reply(
        body=json.dumps(dict(members), ensure_ascii=False).encode(), content_type="application/json; charset=utf-8"
    )
