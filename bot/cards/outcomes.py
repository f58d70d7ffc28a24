"""How a call ended, in words. Pure."""

from collections.abc import Mapping
from types import MappingProxyType

from bot.call import Call
from bot.cards import duration, sentence
from bot.events import Outcome

SHORT: Mapping[Outcome, str] = MappingProxyType(
    {
        Outcome.PENDING: "outcome not known yet",
        Outcome.ANSWERED: "answered",
        Outcome.NO_ANSWER: "no answer",
        Outcome.BUSY: "busy",
        Outcome.REJECTED: "declined",
        Outcome.CANCELLED: "ended before an answer",
        Outcome.ABANDONED: "the caller left the queue",
        Outcome.VOICEMAIL: "voicemail took it",
        Outcome.ANNOUNCEMENT: "heard an announcement",
        Outcome.UNREACHABLE: "not reachable",
        Outcome.REP_NO_ANSWER: "the rep's phone was not answered",
        Outcome.REP_BUSY: "the rep's phone was busy",
        Outcome.REP_REJECTED: "declined on the rep's phone",
        Outcome.REP_UNREACHABLE: "the rep's phone was not reachable",
        Outcome.NO_CREDIT: "no credit",
        Outcome.REFUSED: "refused",
        Outcome.NOT_PLACED: "not placed",
        Outcome.FAILED: "failed",
    }
)
"""Every outcome in a few words, for lists and records."""

NEVER_DIALLED = frozenset(
    {
        Outcome.REP_NO_ANSWER,
        Outcome.REP_BUSY,
        Outcome.REP_REJECTED,
        Outcome.REP_UNREACHABLE,
        Outcome.NO_CREDIT,
        Outcome.REFUSED,
        Outcome.NOT_PLACED,
    }
)
"""The outside party's phone never rang, so there is nothing to tell about how it went."""

_OUT: Mapping[Outcome, tuple[str, str]] = MappingProxyType(
    {
        Outcome.PENDING: ("Ended", "Waiting for {title}'s record, which tells how it went."),
        Outcome.NO_ANSWER: ("No answer", ""),
        Outcome.BUSY: ("The line was busy", ""),
        Outcome.REJECTED: ("The call was declined", ""),
        Outcome.CANCELLED: ("Ended before anybody answered", ""),
        Outcome.ABANDONED: ("Ended while waiting in the queue", ""),
        Outcome.VOICEMAIL: ("Voicemail took the call", ""),
        Outcome.ANNOUNCEMENT: ("An announcement answered and ended the call", ""),
        Outcome.UNREACHABLE: ("The number could not be reached", "Check the number, or try again later."),
        Outcome.REP_NO_ANSWER: (
            "{Owner} phone was not answered",
            "The other side was not called. Keep the phone at hand and call again.",
        ),
        Outcome.REP_BUSY: ("{Owner} phone was busy", "The other side was not called. Call again when it is free."),
        Outcome.REP_REJECTED: ("The call was declined on {owner} phone", "The other side was not called."),
        Outcome.REP_UNREACHABLE: (
            "{Owner} phone could not be reached",
            "The other side was not called. Check that it is switched on and that the linked phone is right.",
        ),
        Outcome.NO_CREDIT: (
            "Not placed: no credit left at {title}",
            "Ask an admin to top up the account, then call again.",
        ),
        Outcome.REFUSED: ("Not placed: {title} refused the call", "Nothing rang. Fix what it says, then call again."),
        Outcome.NOT_PLACED: ("The call was not placed", "Nothing rang. You can safely call again."),
        Outcome.FAILED: ("The call failed at {title}", "This is a technical failure there. Try again in a minute."),
    }
)


def ending(call: Call, title: str, *, own: bool) -> tuple[str, str]:
    """How an outgoing call ended: (headline, what to do next or ""), mrkdwn.

    `title`: the provider's name, already escaped. `own`: the reader is the rep whose call it was.
    """
    outcome = call.outcome or Outcome.PENDING
    if outcome is Outcome.ANSWERED:
        return (f"Talked for {duration(call.talk_seconds)}" if call.talk_seconds else "Talked"), ""
    headline, next_step = _OUT[outcome]
    if call.hang_up_by and outcome in (Outcome.REP_NO_ANSWER, Outcome.REP_REJECTED):
        headline, next_step = "Hung up before {owner} phone was answered", "The other side was not called."
    names = {"title": title, "owner": "your" if own else "the rep's", "Owner": "Your" if own else "The rep's"}
    said = sentence(call.words)
    next_step = next_step.format(**names)
    return headline.format(**names), f"{said} {next_step}".strip() if said else next_step
