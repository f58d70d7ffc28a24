"""What EnableX tells: one JSON object per event, in many spellings, plain or encrypted.

Source: "Voice API" of https://developer.enablex.io, all paragraphs "Events". An event does not say which half of a
call it is about, so each call is ordered with an address of its own (`event_url`, see `Trail`): below `TO_REP` and
`JOINED` the first channel is the rep's, below `MESSAGE` and `QUESTION` the recipient's; anywhere else it is an incoming
call, or one that another program of the project has placed (`OTHERS`), which our own number as caller shows.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from bot import loose
from bot.call import Call
from bot.errors import Unavailable, Unreadable
from bot.events import (
    CUSTOMER,
    REP,
    THIRD,
    AnyEvent,
    CallEnded,
    Described,
    Heard,
    LegAnswered,
    LegEnded,
    LegRinging,
    Outcome,
    Played,
    RecordingChanged,
    RecordingReady,
)
from bot.hooks import Request, Webhook
from bot.numbers import e164, withheld
from bot.providers.enablex.api import digits, text
from bot.providers.enablex.encryption import decrypted

TO_REP, JOINED, MESSAGE, QUESTION = "rep", "joined", "message", "question"
"""First part of the address that an ordered call's events come to.

`JOINED`: EnableX itself bridges the customer when the rep has picked up. `QUESTION`: a message that waits for keys or
words.
"""
OTHERS = "others"
LINE = "did:line"
"""The leg of an incoming call before anybody of ours is on it."""

ALIASES: Mapping[str, str] = {
    "briding": "bridging",
    "bridgingfailed": "bridgefailed",
    "playfnished": "playfinished",
    "inprogress": "ringing",
    "recognised": "recognized",
    "unrecognised": "unrecognized",
}
"""Spellings of states in the page -> one of them. All are compared in lower case, without blanks and underscores."""
PLAYED = ("playfinished", "digitcollected", "menutimeout")
"""States that only something that was played can have."""

UP = ("connected", "ivr")
"""What "Analyze Call" says of a call that was picked up."""
_PHONE = re.compile(r"\+?[\d\s().-]+", re.ASCII)
BEGIN_SECONDS = 10.0
"""By then a message is being played to somebody who has picked up."""

FAILURES: tuple[tuple[str, Outcome], ...] = (
    ("busy", Outcome.BUSY),
    ("reject", Outcome.REJECTED),
    ("declin", Outcome.REJECTED),
    ("unallocated", Outcome.UNREACHABLE),
    ("invalid", Outcome.UNREACHABLE),
    ("not found", Outcome.UNREACHABLE),
    ("unreach", Outcome.UNREACHABLE),
)
"""A part of the words beside an ending, where there are any -> how it ended; else nobody answered."""


class Trail(NamedTuple):
    """The address that an ordered call's events come to: what it is, our id of the call, the customer's digits.

    That id tells whose events these are also where the answer to the order never came; the digits tell the customer
    from whom the call is transferred to.
    """

    what: str
    call_id: str = ""
    number: str = ""

    @classmethod
    def of(cls, path: str) -> "Trail":
        """As read from a webhook's path; whatever is none of ours belongs to an incoming call."""
        what, call_id, number = [*path.strip("/").lower().split("/"), "", ""][:3]
        return cls(what, call_id, number) if what in (TO_REP, JOINED, MESSAGE, QUESTION) else cls("")

    @property
    def path(self) -> str:
        """Below the account's hook address."""
        return "/".join(part for part in self if part)


def read(request: Request, app_id: str, region: str, cli: str) -> Webhook:
    """One event.

    Args:
        region: ISO 3166 country that numbers without one belong to.  cli: digits of our own number, "" = not set.

    Raises:
        Unreadable: no JSON object, no voice_id, or encrypted for somebody else.
    """
    fields = _told(_fields(request, app_id), region)
    ref = text(fields.get("voiceid"))
    if not ref:
        raise Unreadable("EnableX sent an event without a voice_id, so its call is unknown; nothing was stored.")
    at = loose.happened(_moment(fields), request.received_at)
    trail = Trail.of(request.path)
    if not trail.what and cli and digits(text(fields.get("from"))) == cli != digits(text(fields.get("to"))):
        trail = Trail(OTHERS)
    events = _events(fields, ref, at, trail)
    ordered = trail.what not in ("", OTHERS)
    if events and (ours := trail.call_id or (ordered and text(fields.get("ownerref")))):
        events.append(Described(ref=ref, at=at, source="order", direction="out", call_id=ours))
    return Webhook(tuple(events))


def analysed(told: Mapping[str, Any], call: Call, now: float, region: str, *, joined: bool) -> tuple[AnyEvent, ...]:
    """What "Analyze Call" tells. That two parties are joined it does not say, so only the first leg is spoken of.

    `joined`: EnableX itself calls the customer when the rep has picked up.

    Raises:
        Unavailable: it tells no state, so nothing is known of the call.
    """
    fields = _told(_folded(told), region)
    at, state = loose.happened(_moment(fields), now), _state(fields)
    if not state:
        raise Unavailable("EnableX did not say how a call stands. Try again in a minute.")
    ref = call.refs[0]
    if call.direction == "in":
        return (_described(fields, ref, at, "in"),)
    others = not call.rep and any(leg.name == CUSTOMER for leg in call.legs)
    leg = CUSTOMER if call.purpose == "message" or others else REP
    if state not in UP:
        return (LegRinging(ref=ref, at=at, leg=leg),)
    told_now: list[AnyEvent] = [LegAnswered(ref=ref, at=at, leg=leg)]
    if call.purpose == "message" and state == "connected" and _heard_out(call, now):
        told_now.append(Played(ref=ref, at=at, play=state, outcome=Outcome.ANSWERED))
    elif leg == REP and joined:
        told_now.append(LegRinging(ref=ref, at=at, leg=CUSTOMER))
    return tuple(told_now)


def recording_begun(told: Mapping[str, Any], ref: str, now: float) -> tuple[AnyEvent, ...]:
    """What the answer to "Start Call Recording" tells; the webhook "started" tells the same."""
    fields = _folded(told)
    recording = text(fields.get("recordingid"))
    at = loose.happened(_moment(fields), now)
    return (RecordingChanged(ref=ref, at=at, on=True, recording=recording),) if recording else ()


def is_up(told: Mapping[str, Any]) -> bool:
    """Whether "Analyze Call" says that the call was picked up."""
    return _state(_folded(told)) in UP


def _heard_out(call: Call, now: float) -> bool:
    """A message that is not played any more, long enough after the recipient picked up: it was heard."""
    answered = next((leg.answered_at for leg in call.legs if leg.name == CUSTOMER), 0.0)
    return bool(answered) and now - answered >= BEGIN_SECONDS


def _fields(request: Request, app_id: str) -> dict[str, object]:
    fields = _object(request.body, request.headers.get("content-type", ""))
    # The page says x-algorithm, the samples x-algoritm; without either the event is plain.
    algorithm = request.headers.get("x-algoritm") or request.headers.get("x-algorithm")
    if not algorithm or ("encrypteddata" not in fields and "voiceid" in fields):
        return fields
    sealed = text(fields.get("encrypteddata"))
    return _object(decrypted(sealed, algorithm, request.headers.get("x-format", "hex"), app_id))


def _object(body: bytes, content_type: str = "") -> dict[str, object]:
    try:
        return _folded(loose.members(body, content_type))
    except (ValueError, RecursionError) as error:
        raise Unreadable("EnableX sent something that is no JSON object; nothing was stored.") from error


def _folded(members: Mapping[str, object]) -> dict[str, object]:
    """voice_Id, timeStamp, time_stamp: names without what their spellings differ in."""
    return {name.strip().lower().replace("_", ""): value for name, value in members.items()}


def _state(fields: Mapping[str, object]) -> str:
    """Also "status"; and "event", as the page "Voice Platform Architecture" of the newest edition has it."""
    told = next((told for name in ("state", "status", "event") if (told := text(fields.get(name)))), "")
    return _word(told)


def _word(told: object) -> str:
    found = re.sub(r"[\s_-]", "", text(told)).lower()
    return ALIASES.get(found, found)


def _moment(fields: Mapping[str, object]) -> float:
    try:
        found = datetime.fromisoformat(text(fields.get("timestamp")))
        at = (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return 0.0
    return loose.moment(at)


def _told(fields: Mapping[str, object], region: str) -> dict[str, object]:
    """With the two numbers of an event in our form."""
    return {**fields, **{side: _number(fields.get(side), region) for side in ("from", "to")}}


def _number(value: object, region: str) -> str:
    """E.164 with its plus; EnableX writes digits only. "" = withheld. SIP addresses stay as they are."""
    found = text(value)
    bare = re.sub("[^0-9]", "", found)
    if withheld(found) or not found.strip("+"):
        return ""
    if not _PHONE.fullmatch(found) or not 7 <= len(bare) <= 15:
        return found
    if bare.startswith("00"):  # what most countries dial for the plus, whatever this account's dials
        return e164(f"+{bare[2:]}", region)
    return e164(found, region) if bare.startswith("0") else f"+{bare}"


def _events(fields: Mapping[str, object], ref: str, at: float, trail: Trail) -> list[AnyEvent]:
    """Told apart in this order, because the same words mean several things."""
    if text(fields.get("recordingid")):
        return _recording(fields, ref, at)
    state = _state(fields)
    playstate = _word(fields.get("playstate"))
    if playstate or text(fields.get("playid")) or state in PLAYED:
        return _play(fields, ref, at, trail, playstate or state)
    phrase = text(fields.get("recognizedphrase")) or text(fields.get("recognisedphrase"))
    if text(fields.get("asrid")) or phrase or state in ("recognized", "unrecognized", "timeout"):
        return _speech(fields, ref, at, phrase)
    if state == "dtmfcollected":
        pressed = text(fields.get("digit"))
        return [Heard(ref=ref, at=at, digits=pressed)] if pressed else []
    events = _progress(fields, ref, at, trail, state)
    if trail.what == OTHERS and state in ("ringing", "connected", "voicemail", "disconnected"):
        events.append(_described(fields, ref, at, "out"))
    return events


def _recording(fields: Mapping[str, object], ref: str, at: float) -> list[AnyEvent]:
    recording, state = text(fields.get("recordingid")), _state(fields)
    if state == "started":
        return [RecordingChanged(ref=ref, at=at, on=True, recording=recording)]
    if state == "failed":
        words = text(fields.get("msg")) or "no reason given"
        return [RecordingChanged(ref=ref, at=at, on=False, recording=recording, words=words)]
    if state == "completed":
        off = RecordingChanged(ref=ref, at=at, on=False, recording=recording)
        return [off, RecordingReady(ref=ref, at=at, recording=recording)]
    return []


def _play(fields: Mapping[str, object], ref: str, at: float, trail: Trail, state: str) -> list[AnyEvent]:
    play, prompt = text(fields.get("playid")), text(fields.get("promptref"))

    def played(outcome: Outcome) -> Played:
        return Played(ref=ref, at=at, play=play, prompt_ref=prompt, outcome=outcome)

    if state == "digitcollected":
        pressed = text(fields.get("digit"))
        keys = [Heard(ref=ref, at=at, digits=pressed, play=play, prompt_ref=prompt)] if pressed else []
        return [*keys, played(Outcome.ANSWERED)]
    if state == "menutimeout":
        return [played(Outcome.NO_ANSWER)]
    if state == "failed":
        return [played(Outcome.FAILED)]
    if state == "playfinished" and trail.what != QUESTION:
        return [played(Outcome.ANSWERED)]
    return []  # the question was read out; the answer is awaited


def _speech(fields: Mapping[str, object], ref: str, at: float, phrase: str) -> list[AnyEvent]:
    asr, prompt = text(fields.get("asrid")), text(fields.get("promptref"))
    outcome = Outcome.ANSWERED if phrase else Outcome.NO_ANSWER
    told: list[AnyEvent] = [Played(ref=ref, at=at, play=asr, prompt_ref=prompt, outcome=outcome)]
    return [Heard(ref=ref, at=at, phrase=phrase, play=asr, prompt_ref=prompt), *told] if phrase else told


def _progress(fields: Mapping[str, object], ref: str, at: float, trail: Trail, state: str) -> list[AnyEvent]:
    incoming = not trail.what
    first = REP if trail.what in (TO_REP, JOINED) else CUSTOMER
    second = _second(fields, trail)
    match state:
        case "incomingcall":
            return [_described(fields, ref, at, "in"), LegRinging(ref=ref, at=at, leg=LINE)]
        case "connected" if incoming:
            # Accepted, or answered by the greeting: no conversation yet, for nobody of ours is on the line.
            return [_described(fields, ref, at, "in"), LegRinging(ref=ref, at=at, leg=LINE)]
        case "ringing":
            return [] if incoming else [LegRinging(ref=ref, at=at, leg=first)]
        case "connected":
            called = [LegRinging(ref=ref, at=at, leg=CUSTOMER)] if trail.what == JOINED else []
            return [LegAnswered(ref=ref, at=at, leg=first), *called]
        case "voicemail":
            return [LegEnded(ref=ref, at=at, leg=first, outcome=Outcome.VOICEMAIL)]
        case "bridging":
            return [LegRinging(ref=ref, at=at, leg=second)]
        case "bridged":
            waited = [LegEnded(ref=ref, at=at, leg=LINE, outcome=Outcome.PENDING)] if incoming else []
            return [LegAnswered(ref=ref, at=at, leg=second), *waited]
        case "bridgefailed":
            return [LegEnded(ref=ref, at=at, leg=second, outcome=_failure(fields))]
        case "bridgedisconnected":
            return [LegEnded(ref=ref, at=at, leg=second, outcome=Outcome.ANSWERED)]
        case "disconnected" | "error":
            ended: list[AnyEvent] = [CallEnded(ref=ref, at=at)]
            return ended if incoming else [LegEnded(ref=ref, at=at, leg=first, outcome=_failure(fields)), *ended]
        case _:
            return []


def _second(fields: Mapping[str, object], trail: Trail) -> str:
    """The leg that an event of a bridge is about: `to` is "the destination number where the call is bridged"."""
    to = text(fields.get("to"))
    if not trail.what:
        return f"ext:{to}"
    if trail.what == OTHERS:
        return f"{THIRD}{to}"
    return CUSTOMER if not trail.number or digits(to) in ("", trail.number) else f"{THIRD}{to}"


def _failure(fields: Mapping[str, object]) -> Outcome:
    """How an unanswered leg ended; the fold knows better where it had been answered.

    The page names no field for it; the official sample voice-broadcast-ivr-bridge reads `disconnect_reason`.
    """
    words = " ".join(text(fields.get(name)) for name in ("disconnectreason", "msg", "reason", "cause"))
    words = words.lower().replace("_", " ")
    return next((outcome for part, outcome in FAILURES if part in words), Outcome.NO_ANSWER)


def _described(fields: Mapping[str, object], ref: str, at: float, direction: str) -> Described:
    return Described(
        ref=ref,
        at=at,
        source="event",
        direction="in" if direction == "in" else "out",
        number=text(fields.get("from" if direction == "in" else "to")),
        line=text(fields.get("to" if direction == "in" else "from")),
    )
