"""What is written down before it is done: the kinds of intents, and what is asked for with those of a call.

`bot/store/ledger.py` keeps them: an intent has one chance, whatever is delivered twice or killed in between.
"""

import msgspec
from msgspec.structs import replace

CONTROL = "control"
"""Kind of the intents of what makes another phone ring during a call: see `bot/controlling.py`."""
CONDUCT = "conduct"
"""Kind of the intents of a call that we conduct."""
CONFERENCE = "conference"
"""Kind of the intents of those who are called into a conference: what is asked, as JSON of `Ask`."""
CHANGE = "change"
"""Kind of the intents of what is changed at a phone service beside its calls: see `bot/changing.py`."""
WAIVED = "waived"
"""Kind of the intents of what a manager has allowed and was done."""
MESSAGE = "message"
"""Kind of the intents of voice messages, one each; what somebody typed to send them is another intent."""
CHANGE = "change"
"""Kind of the intents of what is changed at a phone service beside calls: a `changing.Change` as JSON."""
STEP = "step"
"""Kind of the intents of steps of workflows."""
ALLOWED_SECONDS = 4 * 3600
"""So long somebody may place the call that a manager has allowed them."""
YES_SECONDS = 900
"""So long a yes to a question counts; later the policy asks anew, for the callee's night may have come."""


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """What a person asked for, resolved to a number. Travels as JSON in intents and confirm buttons.

    Attributes:
        number: E.164, or an extension of the provider when `extension`.  typed: what the person typed, if they did.
        line: caller ID, E.164, "" = the rep's default.  account: "" = the line's, else the rep's, else the first.
        max_seconds: talk time after which the provider cuts the call, 0 = the provider's default.
        scenario: the provider's id of a scenario that handles the call, "line" = the line's own, "" = none.
        confirmed: the person said yes to a question of the policy, put at `asked_at` (seconds since 1970 UTC).
        consented: the person said that the other side knows of the recording, or will; see `bot/consent.py`.
        from_list: the number is a contact of a calling list, so the limits of campaigns hold for it.
        dial_digits: dialled once they have answered, as in `CallOrder`: an extension behind a switchboard.
        conference: they are put into that conference of the provider, without the rep's phone ringing; "" = a call.
        reason: why this one call is placed against the policy, as a manager `allowed_by` has allowed it at `allowed_at`
            (seconds since 1970 UTC).  refused_at: when it was last said what forbids it, likewise; no more is allowed.
        missed: id of the missed caller who is called back, and claimed in the commit that writes the call down.
    """

    rep: str
    number: str
    name: str = ""
    typed: str = ""
    extension: bool = False
    line: str = ""
    account: str = ""
    record: bool = False
    max_seconds: int = 0
    scenario: str = ""
    note: str = ""
    confirmed: bool = False
    asked_at: float = 0
    consented: bool = False
    from_list: bool = False
    dial_digits: str = ""
    conference: str = ""
    reason: str = ""
    allowed_by: str = ""
    allowed_at: float = 0
    refused_at: float = 0
    missed: str = ""


def while_it_counts(ask: Ask, now: float) -> Ask:
    """The ask, without a yes that is too old: what was asked was about another hour. `now`: seconds since 1970 UTC."""
    return ask if now - ask.asked_at <= YES_SECONDS else replace(ask, confirmed=False)


def message_key(call_id: str) -> str:
    """Key of the intent of one voice message."""
    return f"{MESSAGE}:{call_id}"
