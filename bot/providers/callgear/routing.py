"""Interactive call processing: a scenario of the PBX asks what to do with a call.

Source: https://callgear.github.io/interactive_call_processing/. A scenario names itself which parameters it sends;
an empty answer lets it go on as it is configured. A branch that collects digits asks the address with
`?step=` and its own name, because the service does not say who asks; see docs/providers/callgear.md.
"""

import msgspec

from bot import loose
from bot.errors import Unreadable, Unsupported
from bot.hooks import Answer, Dial, GoTo, Menu, Question, Reply, Request, SayDigits, Webhook
from bot.providers.callgear.words import digits, e164, text

JSON = "application/json; charset=utf-8"


def read(request: Request) -> Webhook:
    """The question.

    Raises:
        Unreadable: it names no caller.
    """
    told = {name.strip().lower(): value.strip().strip('"') for name, value in [*request.query, *_posted(request)]}
    if not told.get("numa"):
        raise Unreadable("CallGear asked about a call without “numa”; add it to the scenario's request.")
    keyed = told.get("input_result", "")
    question = Question(
        number=e164(told["numa"]),
        form="route",
        asks="next",
        ref=told.get("call_session_id") or told.get("cdr_id", ""),
        line=e164(told.get("numb", "")),
        step=told.get("step", ""),
        digits="" if keyed.lower() in ("none", "null") else keyed,
    )
    return Webhook((), write(Answer()), question)


def _posted(request: Request) -> list[tuple[str, str]]:
    """What a scenario that asks by POST says; the page does not tell in which form it does."""
    charset = request.headers.get("content-type", "")
    body = loose.text(request.body, charset)
    try:
        if body.startswith(("{", "[", '"')):
            return [(name, text(value)) for name, value in loose.members(body).items()]
        return [(name, value) for name, value in loose.form(request.body, charset) if value]
    except (ValueError, RecursionError) as error:
        raise Unreadable("CallGear asked in something that is no form and no JSON; nothing was answered.") from error


def write(answer: Answer) -> Reply:
    """What can be said: dial, speak, or a branch of the scenario; no step leaves it to the scenario.

    Raises:
        Unsupported: a step that a scenario cannot be told.
    """
    step, told = answer.step, dict[str, object]()
    if isinstance(step, Dial):
        told["phones"] = [digits(target) for target in step.targets]
        told |= {name: value for name, value in _sounds(step).items() if value}
    elif isinstance(step, SayDigits):
        told = {"text": " ".join(step.say)}
    elif isinstance(step, GoTo):
        told = {"returned_code": step.layer}
    elif isinstance(step, Menu):
        told = {"returned_code": step.name}  # the scenario has a branch of that name, which collects the digits
    elif step is not None:
        raise Unsupported(
            "A CallGear scenario can be told to dial, to say digits or to go to a branch of its own, nothing else. "
            "Lead the caller to a branch that does it: do = “go_to”."
        )
    return Reply(200, msgspec.json.encode(told), JSON)


def _sounds(step: Dial) -> dict[str, str]:
    return {"message_name": text(step.caller_sound), "operator_media": text(step.target_sound)}
