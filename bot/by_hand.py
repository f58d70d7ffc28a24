"""A call that was made elsewhere, on a mobile say, as a rep tells of it afterwards -> its events. Pure.

Nothing is dialled: the call is over when it is written down. Its account is none of ours, so nobody polls, conducts or
controls it.
"""

import re
from datetime import date, datetime, timedelta

import msgspec

from bot.call import BY_HAND
from bot.call_search import zone_of
from bot.errors import BadInput
from bot.events import (
    CUSTOMER,
    AnyEvent,
    CallEnded,
    Controlled,
    Described,
    Direction,
    LegAnswered,
    LegEnded,
    LegRinging,
    Outcome,
    Requested,
    Wrapped,
)
from bot.periods import instant, time_of_day

__all__ = ["BY_HAND", "MOST_MINUTES", "NOTE", "HandMade", "began", "events", "minutes"]

NOTE = "Recorded by hand"
"""How the note of such a call begins."""
MOST_MINUTES = 24 * 60
OLDEST_DAYS = 366
_LEG = "elsewhere"
"""The phone that an incoming call rang: none that we know."""
_SLACK_SECONDS = 90.0
"""Clock times are whole minutes, and so are lengths: by so much a call may seem to end ahead of now."""
_MINUTES = re.compile(r"(\d{1,4})(?: ?m(?:in(?:utes?)?)?)?", re.IGNORECASE)


class HandMade(msgspec.Struct, frozen=True):
    """What a rep tells of a call.

    Attributes:
        rep: Slack user id.  number: E.164.  line: ours, E.164, "" = none.  name: the contact's, "" = none.
        began: seconds since 1970 UTC.  talked: seconds, 0 = nobody was reached.
        note, disposition: "" = none.
    """

    rep: str
    direction: Direction
    number: str
    began: float
    talked: int
    line: str = ""
    name: str = ""
    note: str = ""
    disposition: str = ""


def events(made: HandMade, now: float) -> tuple[AnyEvent, ...]:
    """All that ever happens to such a call; a missed one is nobody's, like any other."""
    end = made.began + made.talked
    leg = CUSTOMER if made.direction == "out" else _LEG
    told: list[AnyEvent] = []
    if made.direction == "out":
        told.append(
            Requested(at=made.began, rep=made.rep, rep_phone="", number=made.number, line=made.line, name=made.name)
        )
    else:
        told.append(
            Described(
                at=made.began, source="by hand", direction="in", number=made.number, line=made.line, name=made.name
            )
        )
    if made.talked:
        told += [LegAnswered(at=made.began, leg=leg), LegEnded(at=end, leg=leg, outcome=Outcome.ANSWERED)]
        if made.direction == "in":
            told.append(Controlled(at=made.began, by=made.rep, action="accept"))
    else:
        told += [LegRinging(at=made.began, leg=leg), LegEnded(at=end, leg=leg, outcome=Outcome.NO_ANSWER)]
    note = f"{NOTE}: {made.note}" if made.note else f"{NOTE}."
    return (
        *told,
        CallEnded(at=end),
        Wrapped(at=now, by=made.rep, disposition=made.disposition, note=note),
    )


def minutes(text: str) -> int:
    """Whole minutes as typed.

    Raises:
        BadInput: not that, or more than a day.
    """
    match = _MINUTES.fullmatch(text.strip())
    if match is None:
        raise BadInput("Write how long you talked in whole minutes, like 5; 0 if nobody was reached.")
    if int(match[1]) > MOST_MINUTES:
        raise BadInput("No call lasts longer than a day. Write how long you talked in minutes.")
    return int(match[1])


def began(day: str, clock: str, talked: int, now: float, zone: str) -> float:
    """When a call began, by a date ("2026-11-03", "" = today) and a time ("14:30", "" = it has just ended).

    Raises:
        BadInput: not a date or a time, ahead of now, or too long ago; the sentence says which.
    """
    tz = zone_of(zone)
    today = datetime.fromtimestamp(now, tz).date()
    try:
        on = date.fromisoformat(day) if day else today
    except ValueError as error:
        raise BadInput("That is not a date. Pick a day in the calendar.") from error
    if on > today:
        raise BadInput("That day has not come yet. A call is recorded when it is over.")
    if on < today - timedelta(days=OLDEST_DAYS):
        raise BadInput("That is more than a year ago. Check the date.")
    if not clock:
        if on != today:
            raise BadInput("Write at what time of that day it began, like 14:30.")
        return now - talked
    at = time_of_day(clock)
    if at is None:
        raise BadInput("That is not a time of day. Write it like 14:30.")
    found = instant(on, at, tz).timestamp()
    if found > now:
        raise BadInput("That time has not come yet. A call is recorded when it is over.")
    if found + talked > now + _SLACK_SECONDS:
        raise BadInput("A call that began then and lasted so long would not be over yet. Check time and minutes.")
    return min(found, now - talked)
