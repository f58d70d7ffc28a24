"""Every error Callboard raises on purpose, one class per reaction.

    CallboardError              words for a person: what was not done, why, what to do next
    ├── BadInput                the person typed something we cannot use      -> say so, nothing was done
    ├── NotAllowed              policy or role forbids it                     -> say so, offer the next step
    │   ├── NeedsYes            allowed once the person says yes              -> ask
    │   │   └── NeedsConsent    recording, once the other side knows          -> ask, and keep the answer
    │   ├── NeedsReason         a manager may allow this one call, and why    -> ask for the reason, and keep it
    │   ├── NotNow              allowed from a known moment on                -> say when, or wait
    │   │   ├── CapReached      a limit of the day is used up                 -> the same, and tell the admins
    │   │   └── StartedEnough   by whoever starts workflows, in others' names -> the same
    │   └── Costly              because of its price or its country           -> say so, tell the admins of several
    ├── NotFound                the thing is gone (call, card, channel)       -> say so
    ├── SettingsError           the installation is wrong                     -> refuse to start, name the setting
    ├── Unreadable              a webhook we cannot read                      -> 400 to the sender
    └── ProviderError           the telephony service did not do it
        ├── Unsupported         it has no way to say it; nothing was sent     -> say what can be done instead
        ├── Refused             it said no; its code and words are kept       -> show its words
        ├── Unavailable         it was not reached; nothing happened          -> safe to try again by hand
        └── Ambiguous           it may or may not have happened               -> reconcile, never repeat

`str(error)` is always fit to be shown to a person: full sentences, no secrets, no traceback.
"""


class CallboardError(Exception):
    """Something a person can be told. `str()` is that sentence."""


class BadInput(CallboardError):
    """What the person typed cannot be used; nothing was done."""


class NotAllowed(CallboardError):
    """Policy or role forbids it; nothing was done."""


class NeedsYes(NotAllowed):
    """Allowed, but worth a question first; nothing was done. `str()` is the question's reason."""


class NeedsReason(NotAllowed):
    """Forbidden, but for a single call that a manager allows with a reason; nothing was done.

    Attributes:
        forbids: the error that it is for everybody else.
    """

    def __init__(self, sentence: str, forbids: NotAllowed) -> None:
        super().__init__(sentence)
        self.forbids = forbids

    @property
    def elsewhere(self) -> str:
        """The same, for where nobody can give a reason."""
        return f"{self.forbids} Or type `/call` in Slack, where a manager may allow this one call."


class NotNow(NotAllowed):
    """Allowed later; nothing was done.

    Attributes:
        at: from when on; seconds since 1970 UTC.
    """

    def __init__(self, sentence: str, at: float) -> None:
        super().__init__(sentence)
        self.at = at


class CapReached(NotNow):
    """A limit of the day or of the night is used up; nothing was done.

    Attributes:
        cap: its name in `[policy]`.  used: calls, or whole minutes.
    """

    def __init__(self, sentence: str, at: float, cap: str, used: int) -> None:
        super().__init__(sentence, at)
        self.cap = cap
        self.used = used


class StartedEnough(NotNow):
    """The workflows that somebody starts have done, in others' names, what one person may; nothing was done.

    Attributes:
        starter: Slack user id, "" = nobody of the workspace.  cap: name of the limit.
    """

    def __init__(self, sentence: str, at: float, starter: str, cap: str) -> None:
        super().__init__(sentence, at)
        self.starter = starter
        self.cap = cap


class Costly(NotAllowed):
    """A number that is never dialled from here because of its price, or of the country it is in."""


class NeedsConsent(NeedsYes):
    """May be recorded once the person says that the other side knows; nothing was done.

    Attributes:
        yes: the words of the button that says so.
    """

    def __init__(self, question: str, yes: str) -> None:
        super().__init__(question)
        self.yes = yes


class NotFound(CallboardError):
    """What the person pointed at does not exist (any more)."""


class SettingsError(CallboardError):
    """The installation is incomplete or contradictory; names the setting and the fix."""


class Unreadable(CallboardError):
    """A webhook that is not in any form its provider documents. The sender gets 400."""


class ProviderError(CallboardError):
    """A telephony service did not do what it was asked."""


class Unsupported(ProviderError):
    """The service has no way to express it; nothing was sent."""


class Refused(ProviderError):
    """The service said no.

    Attributes:
        code: the service's own code, "" where it has none.
        words: the service's own words, unescaped.
    """

    def __init__(self, sentence: str, *, code: str = "", words: str = "") -> None:
        super().__init__(sentence)
        self.code = code
        self.words = words


class Unavailable(ProviderError):
    """The service was not reached, so nothing happened; trying again by hand is safe."""


class Ambiguous(ProviderError):
    """The service may or may not have acted. Never repeat; reconcile instead."""
