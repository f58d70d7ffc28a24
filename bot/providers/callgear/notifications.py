"""HTTP notifications of the client area: eight events, in bodies that whoever set them up has written.

CallGear puts JSON literals in place of {{placeholders}}, so a right template has no quotes around them. Ours (below)
name the event themselves; a foreign one is told by its mnemonic, else its name, else by what it holds.

What is sent of a colleague who is called into an outgoing call is nowhere told: "Waiting for answer" and "Talk started"
have no word for it, so the first of each is the rep's and later ones are repeats. List.calls tells the colleague's leg.
Sources: https://uiscom.ru/academiya/spravochnyj-centr/uvedomleniya/; placeholders as public integrations use them.
"""

import json
import re
from collections.abc import Mapping
from datetime import tzinfo

from msgspec.structs import replace

from bot import loose
from bot.errors import Unreadable
from bot.events import (
    CUSTOMER,
    REP,
    AnyEvent,
    CallEnded,
    CdrReceived,
    Described,
    Direction,
    LegAnswered,
    LegEnded,
    LegRinging,
    Outcome,
    RecordingReady,
    Tagged,
)
from bot.hooks import Reply, Request, Webhook
from bot.providers.callgear.words import e164, hours_off, moment, seconds, text

_COMMON = ("notification_mnemonic", "notification_name", "notification_time", "call_session_id", "virtual_phone_number")
_CONTACT = ("contact_phone_number", "contact_full_name", "external_id")
_EMPLOYEE = ("employee_id", "employee_full_name", "direction")
FIELDS: Mapping[str, tuple[str, ...]] = {
    "inbound": (*_CONTACT, "scenario_name"),
    "outbound": (*_CONTACT, *_EMPLOYEE),
    "waiting": (*_CONTACT, *_EMPLOYEE, "leg_id"),
    "talk_started": (*_CONTACT, *_EMPLOYEE, "leg_ids"),
    "talk_finished": (*_CONTACT, *_EMPLOYEE, "leg_ids", "talk_time_duration"),
    "finished": (
        *(*_CONTACT, *_EMPLOYEE, "talk_time_duration", "total_time_duration", "wait_time_duration", "call_source"),
        "tag_names",
    ),
    "lost": (*_CONTACT, "employee_ids", "wait_time_duration"),
    "recorded": (*_CONTACT, *_EMPLOYEE, "file_link", "file_duration", "tag_names"),
}
"""Our name of each event -> what its template asks for."""

TEMPLATES: Mapping[str, str] = {
    event: "{"
    + ", ".join([f'"event": "{event}"', *(f'"{name}": {{{{{name}}}}}' for name in (*_COMMON, *fields))])
    + "}"
    for event, fields in FIELDS.items()
}
"""Event -> the body to paste into its notification in the client area."""

TITLES: Mapping[str, str] = {
    "inbound": "Inbound call on a virtual number",
    "outbound": "Outbound call",
    "waiting": "Waiting for answer",
    "talk_started": "Talk started",
    "talk_finished": "Talk finished",
    "finished": "Call finished",
    "lost": "Lost call",
    "recorded": "Recorded talk",
}
"""Event -> its name in the client area."""

_RUSSIAN = {
    "входящий звонок на виртуальный номер": "inbound",
    "исходящий звонок": "outbound",
    "ожидание ответа": "waiting",
    "начало разговора": "talk_started",
    "завершение разговора": "talk_finished",
    "завершение звонка": "finished",
    "потерянный звонок": "lost",
    "записанный разговор": "recorded",
}
_ALSO = {
    "inbound call on a virtual phone number": "inbound",
    "waiting for the answer": "waiting",
    "call recording completed": "recorded",
}
"""As Planfix shows them of CallGear's own client area."""
NAMES: Mapping[str, str] = {**{title.lower(): event for event, title in TITLES.items()}, **_ALSO, **_RUSSIAN}
MNEMONICS: Mapping[str, str] = {
    "in_call_session": "inbound",
    "out_call_session": "outbound",
    "call_connected": "talk_started",
    "call_session_finished": "finished",
    "lost_call_session": "lost",
}
"""The few that are known, as the vendor's own pages in the browser name them; none is documented."""

_QUOTED_TWICE = re.compile(r'""((?:[^"\\\n]|\\.)*)""')
_QUOTED_LIST = re.compile(r'"(\[[^\[\]\n]*\])"')
_LEFT = re.compile(r'"?\{\{\s*\w+\s*\}\}"?')
"""A placeholder that was not replaced: which of them an event has is documented nowhere."""


def read(request: Request, zone: tzinfo) -> tuple[Webhook, float]:
    """One notification, and by how many hours its time seems to be of another zone; the sender only wants a 200.

    Raises:
        Unreadable: in no form that can be read, without a call, or of an event that cannot be told.
    """
    told = _told(request)
    ref = text(told.get("call_session_id"))
    if not ref:
        raise Unreadable("A CallGear notification names no call_session_id; paste the template again.")
    event = _event(told)
    if not event:
        raise Unreadable("A CallGear notification does not say which event it is about; paste the template again.")
    now = request.received_at
    at = moment(told.get("notification_time"), zone, now)
    return Webhook(tuple(_events(event, told, ref, loose.happened(at, now))), Reply(200, b"OK")), hours_off(at, now)


def _told(request: Request) -> dict[str, object]:
    body = loose.text(request.body, request.headers.get("content-type", ""))
    if body.startswith(("{", "[", '"')):
        for attempt in (lambda raw: raw, _null_left, _once_quoted):
            try:
                found = loose.members(attempt(body))
            except (ValueError, RecursionError):
                continue
            return {name: _literal(value) for name, value in found.items()}
        raise Unreadable("CallGear sent JSON that cannot be parsed; write placeholders without quotes around them.")
    try:
        pairs = [*request.query, *loose.form(request.body, request.headers.get("content-type", ""))]
    except ValueError as error:
        raise Unreadable("CallGear sent neither JSON nor a form; nothing was stored.") from error
    return {name.strip(): _literal(value) for name, value in pairs}


def _null_left(body: str) -> str:
    return _LEFT.sub("null", body)


def _once_quoted(body: str) -> str:
    return _QUOTED_LIST.sub(r"\1", _QUOTED_TWICE.sub(r'"\1"', _null_left(body)))


def _literal(value: object) -> object:
    """A JSON literal inside text: what a template with quotes, or a form, makes of a placeholder."""
    if not isinstance(value, str):
        return value
    if _LEFT.fullmatch(value.strip()):
        return None
    try:
        found: object = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return value if isinstance(found, int | float) and not isinstance(found, bool) else found


def _event(told: Mapping[str, object]) -> str:
    named = text(told.get("event")).lower()
    if named in FIELDS:
        return named
    known = MNEMONICS.get(text(told.get("notification_mnemonic")).lower())
    known = known or NAMES.get(text(told.get("notification_name")).lower())
    if known:
        return known
    has = {name for name, value in told.items() if value not in (None, "", [])}
    if "file_link" in has:
        return "recorded"
    if "total_time_duration" in has:
        return "finished"
    if {"leg_ids", "talk_time_duration"} <= has:
        return "talk_finished"
    if "leg_ids" in has:
        return "talk_started"
    if "leg_id" in has:
        return "waiting"
    if "wait_time_duration" in has:
        return "lost"
    if "employee_id" in has:
        return "outbound"
    return "inbound" if "scenario_name" in has else ""


def _events(event: str, told: Mapping[str, object], ref: str, at: float) -> list[AnyEvent]:
    direction = _direction(event, told)
    employee = text(told.get("employee_id"))
    ours = f"ext:{employee}" if direction == "in" else REP
    talk, wait = seconds(told.get("talk_time_duration")), seconds(told.get("wait_time_duration"))
    events: list[AnyEvent] = [
        Described(
            ref=ref,
            at=at,
            source=event,
            direction=direction,
            number=e164(told.get("contact_phone_number")),
            line=e164(told.get("virtual_phone_number")),
            name=text(told.get("contact_full_name")),
            extension=employee,
            person=text(told.get("employee_full_name")),
            call_id=text(told.get("external_id")),
        )
    ]
    line = f"did:{e164(told.get('virtual_phone_number'))}"
    match event:
        case "inbound":
            events.append(LegRinging(ref=ref, at=at, leg=line))
        case "waiting":
            events.append(LegRinging(ref=ref, at=at, leg=ours, leg_ref=text(told.get("leg_id"))))
        case "talk_started" if direction == "in":
            waited = LegEnded(ref=ref, at=at, leg=line, outcome=Outcome.PENDING)  # in the menu or queue
            events += [LegAnswered(ref=ref, at=at, leg=ours), waited]
        case "talk_started":
            events += [LegAnswered(ref=ref, at=at, leg=REP), LegAnswered(ref=ref, at=at, leg=CUSTOMER)]
        case "talk_finished":
            # Of an outgoing call it is the rep's: after a transfer the other side talks on with whoever took over.
            events.append(LegEnded(ref=ref, at=at, leg=ours, outcome=Outcome.ANSWERED))
        case "finished":
            if talk:
                record = _record(told, ref, at, ours if direction == "in" else CUSTOMER, talk, wait)
                # Which of several employees it names is not told. Who placed a call was named when it began, and of
                # what is described the first word counts.
                events.append(record if direction == "in" else replace(record, extension="", person=""))
            events.append(CallEnded(ref=ref, at=at, outcome=Outcome.PENDING if talk else Outcome.NO_ANSWER))
        case "lost":
            rung = told.get("employee_ids")
            outcome = Outcome.NO_ANSWER if rung not in (None, "", []) else Outcome.ABANDONED
            events += [
                LegEnded(ref=ref, at=at, leg=line, outcome=outcome),
                CallEnded(ref=ref, at=at, outcome=Outcome.NO_ANSWER),
            ]
        case "recorded" if link := text(told.get("file_link")):
            events.append(RecordingReady(ref=ref, recording=link, at=at, seconds=seconds(told.get("file_duration"))))
    return events + _tags(told, ref, at)


def _tags(told: Mapping[str, object], ref: str, at: float) -> list[AnyEvent]:
    names = told.get("tag_names")
    labels = [text(name) for name in (names if isinstance(names, list) else [names])]
    return [Tagged(ref=ref, at=at, label=label) for label in labels if label]


def _record(told: Mapping[str, object], ref: str, at: float, leg: str, talk: int, wait: int) -> CdrReceived:
    return CdrReceived(
        ref=ref,
        at=at - max(seconds(told.get("total_time_duration")), talk + wait),
        leg=leg,
        outcome=Outcome.ANSWERED,
        ring_seconds=wait,
        talk_seconds=talk,
        extension=text(told.get("employee_id")),
        person=text(told.get("employee_full_name")),
    )


def _direction(event: str, told: Mapping[str, object]) -> Direction | None:
    named = text(told.get("direction")).lower()
    if named in ("in", "out"):
        return "in" if named == "in" else "out"
    return {"inbound": "in", "lost": "in", "outbound": "out"}.get(event)  # type: ignore[return-value]
