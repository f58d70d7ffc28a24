"""Exolve's answers in our words; every oddity has a sample.

Source: "Voice API" of https://docs.exolve.ru: tables "Возможные ошибки", examples of the six methods.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from bot import loose
from bot.errors import Refused
from bot.events import CUSTOMER, AnyEvent, CdrReceived, Described, LegAnswered, LegEnded, LegRinging, Outcome, Played
from bot.numbers import country
from bot.orders import Template
from bot.provider import refused

FINAL: Mapping[str, Outcome] = {
    "completed": Outcome.ANSWERED,
    "no_answer": Outcome.NO_ANSWER,
    "busy": Outcome.BUSY,
    "rejected": Outcome.REJECTED,
    "canceled": Outcome.CANCELLED,
    "cancelled": Outcome.CANCELLED,
    "failed": Outcome.FAILED,
}
"""Status of a sent message -> how it ended. The page shows `completed` only; any other word leaves it to `ended`."""

_YEARS = (1_262_304_000, 4_102_444_800)
"""2010 to 2100: Exolve is younger. A time that is not set may be written as the year 1, which RFC 1123 makes 2001."""

HINTS: tuple[tuple[str, str], ...] = (
    (
        "own confirmed number",
        "This is a trial account: until it is paid for it may only call the number that is confirmed in its portal.",
    ),
    ("not in correct status", "The account is not active or is blocked: see its balance and contract in the portal."),
    ("error getting media resource", "There is no sound with that number: copy it from the portal."),
    ("scenario not found", "There is no such stored message in this application."),
    ("error getting application", "There is no such stored message in this application."),
)
"""A part of Exolve's words, in lower case -> what it means and what to do."""


_BROKEN = re.compile(r'error"?\s*:\s*["“]([^"”{}]+)["”]')
"""An error whose quotes are broken, as the page prints one."""


def text_of(value: object) -> str:
    """An id as text: newer installations send 64-bit numbers where the page shows text."""
    return str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""


def digits(number: str) -> str:
    """As Exolve writes numbers: no plus; a Russian number dialled with 8 begins with 7."""
    bare = re.sub(r"[^0-9]", "", number)
    return f"7{bare[1:]}" if len(bare) == 11 and bare.startswith("8") and not number.startswith("+") else bare


def e164(value: object) -> str:
    """With the plus again. What begins with 8 is Russian unless a country does, as Hong Kong with 852."""
    bare = re.sub(r"[^0-9]", "", text_of(value))
    bare = bare if country(f"+{bare}") else digits(bare)
    return f"+{bare}" if bare else ""


def moment(value: object) -> float:
    """Seconds since 1970 UTC. Stored messages are dated by RFC 3339, calls by RFC 1123; 0 where it is neither."""
    text = text_of(value)
    if not text:
        return 0.0
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            found = read(text)
            at = (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
        except (ValueError, TypeError, OverflowError):
            continue
        return at if _YEARS[0] <= at <= _YEARS[1] else 0.0
    return 0.0


def seconds(value: object) -> int:
    """A duration, also where it is text."""
    text = text_of(value)
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 8 else 0


def template_of(row: Mapping[str, Any]) -> Template:
    """A stored message. It redirects if it has a number to redirect to: digit 0 is both the default and a digit."""
    number = e164(row.get("redirect_number"))
    return Template(
        id=text_of(row.get("id")),
        name=text_of(row.get("name")),
        media=text_of(row.get("media_id")),
        redirect_digit=seconds(row.get("digit")) if number else 0,
        redirect_number=number,
        created_at=moment(row.get("created_at")),
    )


def events_of(answer: Mapping[str, Any], ref: str, now: float) -> tuple[AnyEvent, ...]:
    """What call/v1/GetInfo tells of a sent message; the same events however often it is asked.

    `started` is the moment of the answer: in the page's example it and the duration make `ended`.
    """
    status = text_of(answer.get("status")).lower().replace("-", "_").replace(" ", "_")
    moments = (moment(answer.get(name)) for name in ("created", "started", "ended", "updated"))
    latest = now + loose.CLOCKS_DIFFER_SECONDS
    created, started, ended, updated = (at if at <= latest else 0.0 for at in moments)  # not yet to come
    created = created or started or now
    outcome = FINAL.get(status)
    told: list[AnyEvent] = [
        Described(
            ref=ref,
            at=created,
            source="poll",
            direction="out",
            number=e164(answer.get("destination")),
            line=e164(answer.get("source")),
        ),
        LegRinging(ref=ref, at=created, leg=CUSTOMER),
    ]
    if outcome is None:
        if started:
            told.append(LegAnswered(ref=ref, at=started, leg=CUSTOMER))
        if ended:  # over, in a word that we do not know
            how = Outcome.ANSWERED if started else Outcome.PENDING
            told.append(LegEnded(ref=ref, at=ended, leg=CUSTOMER, outcome=how))
        return tuple(told)
    answered, ended = outcome is Outcome.ANSWERED, ended or updated  # the last thing that happens to a call is its end
    talk = seconds(answer.get("duration")) if answered else 0
    ring_until = started if answered and started else ended - talk
    told.append(
        CdrReceived(
            ref=ref,
            at=created,
            leg=CUSTOMER,
            outcome=outcome,
            ring_seconds=max(round(ring_until - created), 0) if ring_until else 0,
            talk_seconds=talk,
        )
    )
    if answered:
        told.append(Played(ref=ref, at=ended or started or created, play=ref, outcome=Outcome.ANSWERED))
    return tuple(told)


def words_of(answer: Mapping[str, Any]) -> str:
    """An error's words, wherever they stand; "" = nowhere."""
    nested = answer.get("error")
    inner = nested.get("message") if isinstance(nested, dict) else nested
    return next((text for part in (inner, answer.get("message")) if (text := text_of(part))), "")


def is_own(refusal: Refused) -> bool:
    """Whether Exolve itself had a look, and not only a web server in front of it that knows no such address."""
    words = refusal.words.lower()
    return not words.startswith("http ") and "page not found" not in words


def refusal(title: str, account: str, status: int, answer: Mapping[str, Any], raw: str, wrong: str = "") -> Refused:
    """An error of HTTP 4xx, or a redirect: its words, wherever they stand, and what they mean.

    A page for browsers is not Exolve's: something on the way there has turned us away. `wrong`: what to do where
    something in the order is wrong, of which it does not say what.
    """
    broken = _BROKEN.search(raw[:300])
    words = words_of(answer) or (broken[1].strip() if broken else raw.strip()[:300])
    found = refused(title, f"HTTP {status}" if not words or words.startswith("<") else words, str(status))
    if not is_own(found) and status != 401:
        return Refused(f"{found} Check {account.upper()}_URL.", code=found.code, words=found.words)
    if status == 401 or (status == 400 and "token" in words.lower()):
        return Refused(f"{found} Check {account.upper()}_API_KEY.", code=str(status), words=words)
    hint = next((hint for part, hint in HINTS if part in words.lower()), "")
    if words.lower().startswith("validation error"):
        hint = wrong
    return Refused(f"{found} {hint}".strip(), code=str(status), words=words)
