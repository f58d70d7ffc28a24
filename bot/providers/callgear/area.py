"""The simulator's client area: notifications as somebody has set them up there, and a scenario that asks.

A notification is a template for an address and a body, in which CallGear puts JSON literals in place of
{{placeholders}}; a scenario's step "interactive call processing" asks an address what to do and obeys the answer.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

import msgspec

from bot.events import CUSTOMER, REP, Outcome
from bot.hooks import Reply
from bot.providers.callgear.notifications import TEMPLATES, TITLES
from bot.providers.callgear.talks import EMPLOYEES, TAGS, Talk, employee, employee_at, moment
from bot.simulator.behaviours import Step, behaviour_of
from bot.simulator.exchange import Delivery, SimCall

if TYPE_CHECKING:
    from bot.providers.callgear.simulator import CallGearExchange

MENU_SECONDS = 4
"""So long a caller listens to a menu before they press a key."""


class Notification(NamedTuple):
    """One that was set up. `url` and `body` are templates; a body is sent by POST only."""

    url: str
    body: str = ""
    method: str = "POST"


def as_printed(hook: str) -> dict[str, Notification]:
    """All eight, set up as `callboard check` says."""
    return {event: Notification(hook, body) for event, body in TEMPLATES.items()}


def delivery(notification: Notification, values: Mapping[str, Any]) -> Delivery:
    """The notification on its way."""
    url = _filled(notification.url, values, quote)
    if notification.method == "GET":
        return Delivery("GET", url)
    body = _filled(notification.body, values, lambda literal: literal)
    return Delivery(notification.method, url, {"content-type": "application/json"}, body.encode())


def _filled(template: str, values: Mapping[str, Any], written: Callable[[str], str]) -> str:
    """A placeholder that there is no value for is null."""
    return re.sub(
        r"\{\{(\w+)\}\}", lambda found: written(json.dumps(values.get(found[1]), ensure_ascii=False)), template
    )


def events(talk: Talk, step: Step) -> list[str]:
    """Which of the eight events that step is."""
    call, told = talk.call, list[str]()
    if call.direction == "in":
        if step.what == "ringing" and len(call.history) == 1:
            told.append("inbound")
        if step.what == "ringing" and step.leg.startswith("ext:"):
            told.append("waiting")
        if step.what == "answered" and step.leg not in talk.called:
            told.append("talk_started")
        if step.what == "ended" and call.leg(step.leg).answered_at and step.leg not in talk.called:
            told.append("talk_finished")
    elif step.leg == REP and step.what == "ringing":
        told.append("waiting")
    elif step.leg == CUSTOMER and step.what == "answered":
        told.append("talk_started")
    elif step.leg == CUSTOMER and step.what == "ended" and call.leg(CUSTOMER).answered_at:
        told.append("talk_finished")
    if call.over:
        told.append("finished")
        if call.direction == "in" and not talk.talked:
            told.append("lost")
        if talk.was_recorded:
            told.append("recorded")
    return told


def values(event: str, talk: Talk, step: Step, media_url: str, zone: tzinfo) -> dict[str, Any]:
    """What placeholders stand for; those that are not here are null."""
    call, now = talk.call, talk.network.clock.now()
    ours = next((leg for leg in call.legs if leg.startswith("ext:") and call.leg(leg).answered_at), step.leg)
    who = employee(ours)
    return {
        "notification_name": TITLES[event],
        "notification_time": moment(now, zone),
        "call_session_id": int(call.id),
        "virtual_phone_number": call.line.lstrip("+"),
        "contact_phone_number": call.number.lstrip("+"),
        "external_id": call.variables.get("external_id") or None,
        "direction": call.direction,
        "employee_id": who,
        "employee_full_name": EMPLOYEES[who][0] if who else None,
        "employee_ids": [who] if who else [],
        "leg_id": talk.leg_id(step.leg),
        "leg_ids": [talk.leg_id(leg) for leg in call.legs],
        "talk_time_duration": talk.talked,
        "total_time_duration": round(now - call.placed_at),
        "wait_time_duration": round(now - call.placed_at) - talk.talked,
        "call_source": "callapi" if call.direction == "out" else "va",
        "file_link": f"{media_url}/media/{call.id}/1",
        "file_duration": talk.talked,
        "tag_names": [TAGS[tag] for tag in sorted(talk.tags)],
    }


async def ask(exchange: "CallGearExchange", call: SimCall, address: str, keyed: str = "None") -> None:
    """The scenario asks what to do with a call; without an answer it goes on as it is configured."""
    values = {"numa": call.number.lstrip("+"), "numb": call.line.lstrip("+"), "input_result": keyed, "cdr_id": call.id}
    query = "&".join(f"{name}={quote(value)}" for name, value in values.items())
    reply = await exchange.network.ask(Delivery("GET", f"{address}{'&' if '?' in address else '?'}{query}"))
    told = _read(reply)
    exchange.answers.append(told)
    phones, code = told.get("phones"), told.get("returned_code")
    if isinstance(phones, list) and phones:
        exchange.network.change(call, _rings(call, [str(phone) for phone in phones]), keep=lambda step: False)
    elif code in exchange.menus:
        await exchange.network.clock.sleep(MENU_SECONDS)
        if not call.over:
            await ask(
                exchange, call, exchange.menus[code], "5" if behaviour_of(call.number).name == "presses 5" else "None"
            )


def _read(reply: Reply | None) -> dict[str, Any]:
    """{} where there is no answer, or none that is documented."""
    if reply is None or reply.status != 200:
        return {}
    try:
        return msgspec.json.decode(reply.body, type=dict[str, Any])
    except msgspec.MsgspecError:
        return {}


def _rings(call: SimCall, phones: Sequence[str]) -> list[Step]:
    """The caller leaves the scenario, and one phone after the other rings until somebody answers."""
    steps = [Step(0, leg, "ended", Outcome.PENDING) for leg in call.legs if not call.leg(leg).ended_at]
    for phone in phones:
        leg = f"ext:{employee_at(phone) or phone}"
        theirs = [step for step in behaviour_of(phone).steps if step.leg == CUSTOMER]
        steps += [Step(step.after_seconds, leg, step.what, step.outcome) for step in theirs]
        if any(step.what == "answered" for step in theirs):
            break
    return steps
