"""What somebody is told of a missed caller: that nobody has called back, or that they are asked to; and what it says
once somebody took care of it. Pure.

A payload as in `bot/cards/notice.py`, with "missed", "claimed_by" and "claimed_at" as they were when it was told.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bot.call import Call
from bot.cards import at_clock, day_clock, line_words, rep_words, upper_first, who, who_plain
from bot.cards.missed import closed_words
from bot.cards.times import how_often

if TYPE_CHECKING:
    from bot.store.contacts import Contact
    from bot.store.missed import Missed

WITHHELD = " The number is withheld, so it cannot be called; close it when it is dealt with."
TO_OTHERS = " `/missed` gives them to somebody else."


def escalation(
    missed: "Missed",
    contact: "Contact | None",
    now: float,
    zone: str,
    *,
    asked_by: str = "",
    reader: str = "",
) -> dict[str, Any]:
    """The payload that says nobody has called back, or that `asked_by`, who gave them the caller, wants this person to.

    `reader`: whom it is for. Buttons `missed:call_back` and `missed:claim` carry `missed.id`, `missed:release` carries
    "id|since when it is claimed".
    """
    party = who(missed.number, missed.name, contact)
    asks = f"{rep_words(asked_by)} asks you to call back {party}" if asked_by else f"Nobody has called back {party}"
    anothers = not asked_by and missed.claimed_by not in ("", reader)
    if missed.claimed_by and not asked_by:
        claimer = rep_words(missed.claimed_by) if anothers else "You"
        claimed = at_clock(missed.claimed_at, now, zone)
        asks = f"{claimer} claimed {party} {claimed}, and nobody has talked with them since"
    text = f"*{asks}.*\nWaiting since {day_clock(missed.opened_at, now, zone)}; {_tries(missed, now, zone)}"
    if anothers:
        text += TO_OTHERS
    if not missed.number:
        text += WITHHELD
    label = who_plain(missed.number, missed.name, contact)
    return {
        "text": text,
        "buttons": _buttons(missed, label, anothers=anothers),
        "missed": missed.id,
        "claimed_by": missed.claimed_by,
        "claimed_at": missed.claimed_at,
    }


def since_then(
    told: Mapping[str, Any],
    missed: "Missed",
    closing: Call | None,
    contact: "Contact | None",
    now: float,
    zone: str,
    *,
    reader: str,
    manages: bool,
) -> Mapping[str, Any]:
    """What a payload of `escalation()` says by now: what became of the caller and who did it; itself, if nothing did.

    `closing`: the conversation that closed it, if one did.  `manages`: the reader may release what others have claimed.
    """
    rests = missed.snoozed_until > now
    if missed.open and not rests and (told["claimed_by"], told["claimed_at"]) == (missed.claimed_by, missed.claimed_at):
        return told
    party = who(missed.number, missed.name, contact)
    anothers = missed.claimed_by not in ("", reader)
    claimer = rep_words(missed.claimed_by) if anothers else "You"
    claimed_at = at_clock(missed.claimed_at, now, zone)
    more = ""
    if not missed.open:
        was = "" if missed.closed_how == "reached us" else "was "
        asks = f"{party} {was}{closed_words(missed, closing, now, zone)}"
    elif rests:
        by = "You" if missed.snoozed_by == reader else rep_words(missed.snoozed_by) or "Somebody"
        asks = f"{by} snoozed {party} until {day_clock(missed.snoozed_until, now, zone)}"
        more = f" {claimer} claimed them {claimed_at}." if missed.claimed_by else ""
    elif missed.claimed_by:
        asks = f"{claimer} claimed {party} {claimed_at}"
    else:
        asks = f"{party} waits, and nobody has claimed them any more"
    text = f"*{upper_first(asks)}.*\n{upper_first(_tries(missed, now, zone))}{more}"
    if not missed.open:
        return {"text": text}
    if anothers and manages:
        text += TO_OTHERS
    if not missed.number:
        text += WITHHELD
    buttons = _buttons(missed, who_plain(missed.number, missed.name, contact), anothers=anothers)
    return {"text": text, "buttons": buttons if manages or not anothers else []}


def _tries(missed: "Missed", now: float, zone: str) -> str:
    line = line_words(missed.line)
    last = at_clock(missed.last_at, now, zone)
    return f"tried {how_often(missed.calls)}, last {last}{f' on {line}' if line else ''}."


def _buttons(missed: "Missed", label: str, *, anothers: bool) -> list[dict[str, str]]:
    claim = {"label": "I'll take it", "action_id": "missed:claim", "value": missed.id, "about": label}
    if missed.claimed_by:
        # By the time it is pressed it may be another claim that would be taken away.
        seen = f"{missed.id}|{missed.claimed_at}"
        claim = {"label": "Release", "action_id": "missed:release", "value": seen, "about": label}
    buttons = [claim]
    if missed.number and not anothers:  # who is somebody else's is called by nobody but them
        call = {"label": "Call back", "action_id": "missed:call_back", "value": missed.id, "about": label}
        buttons.insert(0, call | {"style": "primary"})
    return buttons
