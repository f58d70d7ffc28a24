"""The missed caller's card: one per caller, edited until somebody has spoken with them. Pure."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from bot.call import Call
from bot.cards import (
    Block,
    Message,
    about,
    actions,
    at_clock,
    button,
    clock,
    confirm,
    context,
    day_clock,
    duration,
    line_words,
    message,
    plain_text,
    rep_words,
    section,
    upper_first,
    who,
    who_plain,
)
from bot.cards.times import how_often

if TYPE_CHECKING:
    from bot.store.contacts import Contact
    from bot.store.missed import Missed

SNOOZES = ("15m", "1h", "tomorrow")
"""Choices of the snooze menu, as `times.moment()` takes them."""
_SNOOZE_WORDS = {"15m": "15 minutes", "1h": "1 hour", "tomorrow": "Tomorrow at 09:00"}
_TIMES_SHOWN = 6


def missed_card(
    missed: "Missed",
    *,
    calls: Sequence[tuple[str, float]],
    contact: "Contact | None",
    last_rep: str,
    now: float,
    zone: str,
    masked: bool,
    closing: Call | None,
    voicemail: bool = False,
) -> Message:
    """The card of a missed caller: "missed 3 times → claimed → called back 4 min after their first call → closed".

    Buttons carry `missed.id`: `missed:call_back` (only with a number), `missed:claim`; `missed:close` carries "id|" and
    `seen()`, `missed:release` "id|since when it is claimed", the menu `missed:snooze` "id|15m", see `snooze_choice()`.

    Attributes:
        calls: (call id, when it began) of each attempt, oldest first.
        last_rep: who spoke with them last, Slack user id or name, "" = nobody.
        closing: the conversation that closed it, if one did.
        voicemail: they left a voice message on at least one attempt.
    """
    party = who(missed.number, missed.name, contact, masked=masked)
    title = "Missed call from" if missed.open else "Missed call, closed:"
    blocks = [
        section(f"☎️ *{title} {party}*\n{_story(missed, calls, closing, now, zone)}", "missed:story"),
    ]
    line = line_words(missed.line)
    facts = [
        f"On {line}" if line else "",
        f"Last spoke with {rep_words(last_rep)}" if last_rep else "",
        "They reached voicemail" if voicemail else "",
    ]
    if missed.open:
        facts.extend(_standing(missed, now, zone))
    if any(facts):
        blocks.append(context(facts, "missed:facts"))
    if missed.open:
        # A menu keeps showing the last choice unless its block is a new one.
        blocks.append(
            actions(
                own_buttons(missed, who_plain(missed.number, missed.name, contact, masked=masked)),
                f"missed:actions:{int(missed.snoozed_until)}",
            )
        )
    return message(blocks)


def snooze_choice(value: str) -> tuple[str, str]:
    """(missed id, choice of `SNOOZES`) of the snooze menu's option value."""
    missed_id, _, choice = value.partition("|")
    return missed_id, choice


def attempts(missed: "Missed", calls: Sequence[tuple[str, float]], now: float, zone: str) -> str:
    """ "missed 3 times (14:02, 14:05, 14:20)"."""
    words = f"missed {how_often(len(calls) or missed.calls)}"
    moments = [at for _, at in calls] or sorted({missed.opened_at, missed.last_at})
    times = _times(moments[-_TIMES_SHOWN:], now, zone)
    return f"{words} ({'latest ' if len(moments) > _TIMES_SHOWN else ''}{times})"


def _times(moments: Sequence[float], now: float, zone: str) -> str:
    """Clock times; the day is named where it changes and is not today."""
    shown: list[str] = []
    day = ""
    for at in moments:
        full, bare = day_clock(at, now, zone), clock(at, zone)
        this_day = full.removesuffix(bare)
        shown.append(full if this_day != day else bare)
        day = this_day
    return ", ".join(shown)


def _story(missed: "Missed", calls: Sequence[tuple[str, float]], closing: Call | None, now: float, zone: str) -> str:
    steps = [upper_first(attempts(missed, calls, now, zone))]
    if missed.claimed_by:
        steps.append(f"claimed by {rep_words(missed.claimed_by)} {at_clock(missed.claimed_at, now, zone)}")
    if not missed.open:
        steps.append(closed_words(missed, closing, now, zone))
        if missed.closed_how != "by hand":
            steps.append("closed")
    return " → ".join(steps)


def closed_words(missed: "Missed", closing: Call | None, now: float, zone: str) -> str:
    """How one that is closed was closed, when and by whom: "called back 4 min after their first call, at 14:24 …"."""
    rep = rep_words(missed.closed_by)
    if closing is not None:
        rep = rep_words(closing.rep, closing.person, closing.extension) or rep
    talked = f", talked {duration(closing.talk_seconds)}" if closing is not None and closing.talk_seconds else ""
    after = f"{about(missed.closed_at - missed.opened_at)} after their first call"
    at = at_clock(missed.closed_at, now, zone)
    if missed.closed_how == "called back":
        return f"called back {after}, {at}" + (f" by {rep}" if rep else "") + talked
    if missed.closed_how == "reached us":
        return f"reached us {after}, {at}" + (f", taken by {rep}" if rep else "") + talked
    return f"closed by {rep or 'somebody'} {at}, without a call"


def _standing(missed: "Missed", now: float, zone: str) -> list[str]:
    """What is to be known of one that is still open."""
    # Nobody writes the card anew while they only wait, and a length of time would soon be wrong.
    standing = [f"Waiting since {day_clock(missed.opened_at, now, zone)}"]
    if missed.snoozed_until > now:
        by = f" by {rep_words(missed.snoozed_by)}" if missed.snoozed_by else ""
        standing.append(f"Snoozed until {day_clock(missed.snoozed_until, now, zone)}{by}")
    elif missed.escalations and not missed.claimed_by:
        times = "" if missed.escalations == 1 else f" {how_often(missed.escalations)}"
        standing.append(f"Escalated{times}: nobody has called back yet")
    if not missed.number:
        standing.append("The number is withheld, so nobody can call back. Close it when it is dealt with")
    return standing


def buttons(missed: "Missed", party: str, feature: str, value: Callable[[str], str]) -> list[Block]:
    """What can be done about one who waits: `FEATURE:call_back`, `claim` or `release`, `snooze`, `close`.

    `party`: who it is, in plain text.  `value`: of `SNOOZES`, or since when the claim is that is given back, or what is
    `seen()` of whom is closed, or "" for the other buttons -> what the element carries.
    """
    found: list[Block] = []
    if missed.number:
        found.append(button("Call back", f"{feature}:call_back", value(""), style="primary", about=party))
    if missed.claimed_by:
        # By the time it is pressed it may be somebody else's, and it would be their claim that is taken away.
        found.append(button("Release", f"{feature}:release", value(str(missed.claimed_at)), about=party))
    else:
        found.append(button("I'll take it", f"{feature}:claim", value(""), about=party))
    options = [{"text": plain_text(_SNOOZE_WORDS[choice], 75), "value": value(choice)} for choice in SNOOZES]
    snooze = {"type": "static_select", "action_id": f"{feature}:snooze", "options": options}
    found.append(snooze | {"placeholder": plain_text("Snooze…", 150)})
    ask = confirm("Close without a call?", f"Nobody will be asked to call back {party}.", "Close it", "Keep it open")
    return [*found, button("Close", f"{feature}:close", value(seen(missed)), about=party, ask=ask)]


def seen(missed: "Missed") -> str:
    """What whoever closes one knows of them: since when they are claimed, and how often they have tried."""
    return f"{missed.claimed_at}/{missed.calls}"


def own_buttons(missed: "Missed", party: str) -> list[Block]:
    """Those of the caller's own card."""
    return buttons(missed, party, "missed", lambda more: f"{missed.id}|{more}" if more else missed.id)
