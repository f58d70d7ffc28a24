"""Status changes that Gurulize tells, read into events. Source: "Gurulize Voice API Documentation", section 2."""

import re
from collections.abc import Callable
from typing import Any

from bot import loose
from bot.errors import Unreadable
from bot.events import CUSTOMER, REP, AnyEvent, CallEnded, LegAnswered, LegEnded, LegRinging, Outcome
from bot.hooks import Request

_LONGEST_ID = 64
_MILLISECONDS_FROM = 1e11
"""The page shows seconds. A number this large is milliseconds, as in Gurulize's video API, or the year 5138."""
# fmt: off
NAMES = (
    "INIT", "CALLER_CONNECTED", "CALLEE_CONNECTED", "CALLER_BUSY", "CALLEE_BUSY", "CALLER_REJECT", "CALLEE_REJECT",
    "CALLER_NOT_ANSWERED", "CALLEE_NOT_ANSWERED", "CALLER_NOT_CONNECTED", "CALLEE_NOT_CONNECTED",
    "CALLER_CLOSED", "CALLEE_CLOSED", "OUT_OF_CREDITS",
)
# fmt: on
"""The words in the order of their codes, for a status whose code is damaged; CALLS_STARTING is another name of 0."""


def _ringing(leg: str) -> Callable[[str, float], tuple[AnyEvent, ...]]:
    return lambda ref, at: (LegRinging(ref=ref, at=at, leg=leg),)


def _ended(leg: str, outcome: Outcome) -> Callable[[str, float], tuple[AnyEvent, ...]]:
    return lambda ref, at: (LegEnded(ref=ref, at=at, leg=leg, outcome=outcome),)


def _rep_answered(ref: str, at: float) -> tuple[AnyEvent, ...]:
    # No status says that the callee rings; it is dialled when the caller is on the line.
    return LegAnswered(ref=ref, at=at, leg=REP), LegRinging(ref=ref, at=at, leg=CUSTOMER)


# "Caller" is the rep, who is rung first; "callee" is the customer. Whoever rejects, is busy or does not answer has
# a code of its own, so CLOSED means: had picked up and hung up. Both closes may come, and only one must: each
# ends its own leg and nothing else, because a second end of the same thing at another time would contradict it.
EVENTS: dict[int, Callable[[str, float], tuple[AnyEvent, ...]]] = {
    0: _ringing(REP),  # INIT, also called CALLS_STARTING
    1: _rep_answered,  # CALLER_CONNECTED
    2: lambda ref, at: (LegAnswered(ref=ref, at=at, leg=CUSTOMER),),  # CALLEE_CONNECTED
    3: _ended(REP, Outcome.BUSY),  # CALLER_BUSY
    4: _ended(CUSTOMER, Outcome.BUSY),  # CALLEE_BUSY
    5: _ended(REP, Outcome.REJECTED),  # CALLER_REJECT
    6: _ended(CUSTOMER, Outcome.REJECTED),  # CALLEE_REJECT
    7: _ended(REP, Outcome.NO_ANSWER),  # CALLER_NOT_ANSWERED
    8: _ended(CUSTOMER, Outcome.NO_ANSWER),  # CALLEE_NOT_ANSWERED
    9: _ended(REP, Outcome.UNREACHABLE),  # CALLER_NOT_CONNECTED
    10: _ended(CUSTOMER, Outcome.UNREACHABLE),  # CALLEE_NOT_CONNECTED
    11: _ended(REP, Outcome.ANSWERED),  # CALLER_CLOSED
    12: _ended(CUSTOMER, Outcome.ANSWERED),  # CALLEE_CLOSED
    13: lambda ref, at: (CallEnded(ref=ref, at=at, outcome=Outcome.NO_CREDIT),),  # OUT_OF_CREDITS
}
"""Status code -> its events. The code decides; `desc` is the same thing in words, and `cause` is not explained."""


def read_status(request: Request) -> tuple[AnyEvent, ...]:
    """Events of one status change; none for a code that the page does not list.

    Raises:
        Unreadable: no request id, or neither a number as status code nor a word of the page.
    """
    told = _fields(request)
    ref = told.get("id", "")
    if not 0 < len(ref) <= _LONGEST_ID:
        raise Unreadable("A status change without a request id (“id”) cannot be read.")
    number = told.get("code", "")
    if not (number.isascii() and number.isdigit()):
        number = _named(number) or _named(told.get("desc", ""))
    if not (number.isascii() and number.isdigit()):
        raise Unreadable("A status change without a number as status code (“code”) cannot be read.")
    events = EVENTS.get(int(number)) if len(number) < 9 else None  # int() refuses to read thousands of digits
    return events(ref, _time(told.get("time", ""), request.received_at)) if events else ()


def _named(words: str) -> str:
    """The code of a status in words, as in "responder.event.INIT=CALLS_STARTING"; "" = of none that is listed."""
    told = re.split("[.=]", words.upper().replace("CALLS_STARTING", NAMES[0]))
    return next((str(code) for code, name in enumerate(NAMES) if name in told), "")


def _fields(request: Request) -> dict[str, str]:
    """All fields by name. The page shows a query; form and JSON bodies cost nothing to accept.

    Names and values are stripped: the page's own example has blanks around them.
    """
    pairs: list[tuple[Any, Any]] = list(request.query)
    body = loose.text(request.body, request.headers.get("content-type", ""))
    if body.startswith(("{", "[", '"')):
        try:
            pairs += loose.members(body).items()
        except (ValueError, RecursionError) as error:
            raise Unreadable("A status change whose body is not a JSON object cannot be read.") from error
    elif body:
        try:
            pairs += loose.form(request.body, request.headers.get("content-type", ""))
        except ValueError as error:
            raise Unreadable("A status change whose body is not a form cannot be read.") from error
    return {
        name.strip().lower(): str(value).strip()
        for name, value in pairs
        if isinstance(value, str | int | float) and not isinstance(value, bool)
    }


def _time(text: str, received_at: float) -> float:
    """Seconds since 1970 UTC; the moment of receipt where no sensible time is told."""
    try:
        at = float(text)
    except ValueError:
        return received_at
    if at > _MILLISECONDS_FROM:
        at /= 1000
    return loose.happened(loose.moment(at), received_at)
