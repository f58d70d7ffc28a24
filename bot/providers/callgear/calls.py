"""list.calls: what is active, as events.

A leg's `state` is a word for people in the language of the account; it is the only thing that tells ringing from
talking, so its known words are read by a table, and an unknown word claims nothing but that the leg is there.
"""

from collections.abc import Mapping
from datetime import tzinfo
from typing import Any

from bot import loose
from bot.errors import Unavailable
from bot.events import CUSTOMER, REP, THIRD, AnyEvent, Described, LegAnswered, LegRinging, RecordingChanged, Tagged
from bot.providers.callgear.words import bare, e164, moment, text

ON_THE_LINE = frozenset(
    {
        *("conversation", "talking", "operators talking", "on hold", "call transfer", "sending dtmf"),
        *("talk", "operators' conversation", "transferring call"),
        *("разговор", "разговор операторов", "на удержании", "перевод вызова", "перевод звонка", "отправка dtmf"),
    }
)
"""Words for a leg that was picked up, in lower case.

Source: list.calls, tables of states and examples: the newest English page, the older one where its words are others,
and the Russian twin (https://comagic.github.io/call_api/manage_call/list_calls/).
"""
ON_HOLD = frozenset({"on hold", "на удержании"})
GONE = frozenset({"disconnected", "disconnect", "разъединено", "отключен", "отключён"})


def rows(data: object, title: str) -> list[dict[str, Any]]:
    """The objects of a list.

    Raises:
        Unavailable: it is no list.
    """
    if not isinstance(data, list):
        raise Unavailable(f"{title} sent no list where one was asked for. Try again in a minute.")
    return [row for row in data if isinstance(row, dict)]


def events_of(row: Mapping[str, Any], now: float, zone: tzinfo) -> tuple[AnyEvent, ...]:
    """One active call."""
    ref = text(row.get("call_session_id"))
    if not ref:
        return ()
    out = text(row.get("direction")).lower() == "out"
    at = loose.happened(moment(row.get("start_time"), zone, now), now)
    told: list[AnyEvent] = [
        Described(
            ref=ref,
            at=at,
            source="poll",
            direction="out" if out else "in",
            number=e164(row.get("contact_phone_number")),
            line=e164(row.get("virtual_phone_number")),
            call_id=text(row.get("external_id")),
        )
    ]
    for name, leg in _named(row, out=out):
        told += _leg(name, leg, ref, at, now)
    if at < now and any(text(leg.get("record_call_enabled")) == "true" for leg in _legs(row)):
        # Also where the client area demands it; since when is not told, and each question must tell the same.
        told.append(RecordingChanged(ref=ref, at=at, on=True))
    tags = row.get("tags")
    for tag in tags if isinstance(tags, list) else ():
        if isinstance(tag, dict) and text(tag.get("tag_name")):
            told.append(Tagged(ref=ref, at=at, label=text(tag.get("tag_name"))))
    return tuple(told)


def _named(row: Mapping[str, Any], *, out: bool) -> list[tuple[str, Mapping[str, Any]]]:
    """Legs that are there, each with our name for it.

    Of several of our own the first is the rep's and the others were called in, also when the rep's is disconnected;
    of several others the contact's number tells which is theirs. The contact's leg of an incoming call is the call
    itself and has no events. No field tells who was called first, and whether a leg that has ended stays in the list
    is not told either (https://callgear.github.io/call_api/manage_call/list_calls/): where it does not, a colleague
    is taken for the rep here, and `Call.named` knows their leg by its id.
    """
    legs = _legs(row)
    ours = [leg for leg in _listed(row) if text(leg.get("is_operator")) == "true"]
    others = [leg for leg in legs if leg not in ours]
    contact = text(row.get("contact_phone_number"))
    # The number they are called at comes first: whoever is called in sees the contact's number as calling.
    numbers = [text(leg.get(name)) for name in ("called_phone_number", "calling_phone_number") for leg in others]
    theirs = next(
        (leg for leg, number in zip([*others, *others], numbers, strict=True) if bare(number) == contact), None
    )
    theirs = theirs or next(iter(others), None)
    named: list[tuple[str, Mapping[str, Any]]] = []
    for leg in legs:
        called = bare(text(leg.get("called_phone_number")))
        if leg in ours and not out:
            named.append((f"ext:{text(leg.get('employee_id')) or called}", leg))
        elif leg is theirs:
            named += [(CUSTOMER, leg)] if out else []
        else:
            named.append((REP if leg in ours[:1] else f"{THIRD}{e164(called)}", leg))
    return named


def on_hold(row: Mapping[str, Any]) -> bool:
    """Whether somebody of that call waits."""
    return any(text(leg.get("state")).lower() in ON_HOLD for leg in _legs(row))


def _legs(row: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [leg for leg in _listed(row) if text(leg.get("state")).lower() not in GONE]


def _listed(row: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Those that are gone, too."""
    listed = row.get("legs")
    return [leg for leg in (listed if isinstance(listed, list) else ()) if isinstance(leg, dict)]


def _leg(name: str, leg: Mapping[str, Any], ref: str, at: float, now: float) -> list[AnyEvent]:
    leg_ref = text(leg.get("leg_id"))
    told: list[AnyEvent] = [LegRinging(ref=ref, at=at, leg=name, leg_ref=leg_ref)]
    if text(leg.get("state")).lower() in ON_THE_LINE:
        told.append(LegAnswered(ref=ref, at=now, leg=name, leg_ref=leg_ref))
    return told
