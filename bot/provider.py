"""What a telephony service is to Callboard: one class whose overridden operations are what it can do.

Reading webhooks is free of I/O; speaking to the service goes through `Provider.send()`, which sorts every
failure into our four error classes. No operation that dials is ever repeated automatically.
"""

import functools
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, ClassVar, Literal, TypeVar, cast

import httpx
from typing_extensions import override

from bot.errors import Ambiguous, Refused, Unavailable, Unreadable, Unsupported
from bot.events import Accepted, AnyEvent, Call


@dataclass(frozen=True)
class Setting:
    """One setting of a provider; its environment variable is `{ACCOUNT}_{NAME}` in capitals.

    Attributes:
        default: None = required.  secret: never shown, not even in part.
    """

    name: str
    help: str
    default: str | None = None
    secret: bool = False


@dataclass(frozen=True)
class RepPhone:
    """What rings at the rep's.

    Attributes:
        kind: "number" (E.164), "extension" (the provider's code), "login" (a login code of a shared phone),
            "trunk" (the extension behind a SIP trunk; value is ignored).
    """

    kind: Literal["number", "extension", "login", "trunk"]
    value: str


@dataclass(frozen=True, kw_only=True)
class CallOrder:
    """All options of one click-to-call. None and "" mean: the provider's own default.

    Attributes:
        call_id: our id of the call.
        rep: rung first.  number: then dialled; E.164, or an extension code of the provider.
        caller_id, caller_name: what the customer sees.  rep_caller_id, rep_caller_name: what the rep sees.
        record: record from the start.
        max_seconds: talk time after which the provider cuts the call.
        rep_ring_seconds, ring_seconds: how long the rep's and the customer's phone may ring.
        rep_auto_answer, auto_answer: pick up by itself (own extensions only).
        rep_must_be_online, number_must_be_online: refuse when that extension is offline.
        language: of the provider's prompts, ISO 639-1.
        voicemail: the provider's voicemail code that takes over when the rep's extension does not answer.
        variables: custom data that comes back with webhooks; names without any prefix.
    """

    call_id: str
    rep: RepPhone
    number: str
    caller_id: str = ""
    caller_name: str = ""
    rep_caller_id: str = ""
    rep_caller_name: str = ""
    record: bool = False
    max_seconds: int | None = None
    rep_ring_seconds: int | None = None
    ring_seconds: int | None = None
    rep_auto_answer: bool = False
    auto_answer: bool = False
    rep_must_be_online: bool = False
    number_must_be_online: bool = False
    language: str = ""
    voicemail: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)


ORDER_BASICS = frozenset({"call_id", "rep", "number"})
"""Fields of `CallOrder` that every provider that can place calls expresses."""


@dataclass(frozen=True)
class Request:
    """A webhook as it came in.

    Attributes:
        path: below the provider's hook address, "" or "popup"; never holds our secret.
        query: decoded pairs in order.  headers: names in lower case.
        received_at: seconds since 1970 UTC.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes
    received_at: float


@dataclass(frozen=True)
class Reply:
    """What a webhook's sender gets back."""

    status: int = 200
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"


@dataclass(frozen=True)
class Question:
    """The provider waits for an answer about a call: who is this?

    Attributes:
        number: the caller, E.164 where possible.  form: for the provider's own use in `write_answer`.
    """

    number: str
    form: str = ""


@dataclass(frozen=True)
class Answer:
    """What we know of a caller. name "" = nobody we know.

    Attributes:
        url: a page about the contact, "" = none.
    """

    name: str = ""
    company: str = ""
    url: str = ""


@dataclass(frozen=True)
class Webhook:
    """A webhook, read.

    Attributes:
        events: to be committed before `reply` is sent.
        question: if set, the reply is written by `Provider.write_answer` instead.
    """

    events: tuple[AnyEvent, ...]
    reply: Reply = Reply()
    question: Question | None = None


_Operation = TypeVar("_Operation", bound=Callable[..., Awaitable[Any]])
_REFUSES = "__refuses__"


def operation(phrase: str) -> Callable[[_Operation], _Operation]:
    """Turn an empty method body into a refusal built from `phrase`: "Gurulize cannot end calls."."""

    def decorate(method: _Operation) -> _Operation:
        @functools.wraps(method)
        async def refuse(self: "Provider", *args: Any, **kwargs: Any) -> Any:
            raise Unsupported(f"{self.title} cannot {phrase}.")

        setattr(refuse, _REFUSES, phrase)
        return cast(_Operation, refuse)

    return decorate


class Provider:
    """One configured account of a telephony service. Subclasses override what the service can do.

    Attributes:
        title: the service's name for people.
        settings: its own settings.  order_options: the fields of `CallOrder` it can express, besides the basics.
        hook_paths: what to append to the account's hook address, and what each is for, to paste at the service.
        rep_phones: kinds of `RepPhone` it can ring first.
        rings_back: webhooks tell the progress of a call, so it need not be polled.
        account: the configured name; also the first part of its environment variables and hook address.
    """

    title: ClassVar[str]
    settings: ClassVar[tuple[Setting, ...]]
    order_options: ClassVar[frozenset[str]] = frozenset()
    hook_paths: ClassVar[Mapping[str, str]] = {}
    rep_phones: ClassVar[frozenset[str]] = frozenset({"number"})
    rings_back: ClassVar[bool] = True

    def __init__(self, account: str, values: Mapping[str, str], http: httpx.AsyncClient, region: str) -> None:
        """`values`: checked settings by name. `region`: ISO 3166 country that bare numbers belong to."""
        self.account = account
        self.values = dict(values)
        self.http = http
        self.region = region

    @override
    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.account}>"

    # What it can be asked to do. Bodies are empty on purpose: see `operation`.

    @operation("place calls")
    async def place_call(self, order: CallOrder) -> Accepted:
        """Ring the rep, then the number, and join them. Returns the event with the service's call id.

        Raises:
            Refused: it said no; nothing rings.  Unavailable: not reached.  Ambiguous: nobody knows.
        """
        raise AssertionError

    @operation("end calls")
    async def hang_up(self, call: Call) -> None:
        """End a call that is ringing or answered. Returns when the service has accepted it."""
        raise AssertionError

    def can_hang_up(self, call: Call) -> bool:
        """Whether this very call could be ended: the operation exists and the call has what it needs. Free of I/O."""
        return self.can("hang_up")

    @operation("say which calls are active")
    async def active_calls(self) -> tuple[AnyEvent, ...]:
        """What is ringing and being talked right now, as the same events (and keys) that webhooks would give."""
        raise AssertionError

    @operation("check its settings without placing a call")
    async def check(self) -> str:
        """One sentence that says the credentials work.

        Raises:
            Refused: they do not; the service's words.  Unavailable: not reached.
        """
        raise AssertionError

    # What it tells by itself. Free of I/O.

    def read_webhook(self, request: Request) -> Webhook:
        """Events of a webhook, in our words.

        Raises:
            Unreadable: not in any form the service documents.
        """
        raise Unreadable(f"{self.title} sends no webhooks.")

    def write_answer(self, question: Question, answer: Answer) -> Reply:
        """Our answer in the service's words. Only services that ask questions override it."""
        return Reply()

    # For subclasses.

    def refuse_unexpressible(self, order: CallOrder) -> None:
        """First line of every `place_call`: an option the class does not name is refused, never dropped silently.

        Raises:
            Unsupported: names the options, or the kinds of phone that it can ring first; nothing was sent.
        """
        if order.rep.kind not in self.rep_phones:
            kinds = " or ".join(sorted(self.rep_phones))
            raise Unsupported(f"{self.title} cannot ring your {order.rep.kind} first. Choose a {kinds} as your phone.")
        foreign = [
            option.name.replace("_", " ")
            for option in fields(CallOrder)
            if option.name not in ORDER_BASICS | self.order_options
            and getattr(order, option.name)
            != (option.default if option.default_factory is MISSING else option.default_factory())
        ]
        if foreign:
            raise Unsupported(
                f"{self.title} cannot place a call with these options: {', '.join(foreign)}. Leave them out."
            )

    async def send(self, request: httpx.Request, *, dials: bool = False) -> httpx.Response:
        """Send one request, once. `dials`: an unclear fate is `Ambiguous`, else it is merely `Unavailable`.

        Which httpx errors leave the fate unclear: https://www.python-httpx.org/exceptions/
        """
        try:
            response = await self.http.send(request)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise Unavailable(f"{self.title} could not be reached, so nothing was done. Try again.") from error
        except httpx.TransportError as error:
            if dials:
                raise Ambiguous(f"{self.title} did not answer in time; it may or may not be calling.") from error
            raise Unavailable(f"{self.title} did not answer. Try again in a minute.") from error
        if response.status_code >= 500:
            if dials:
                raise Ambiguous(
                    f"{self.title} answered with an internal error ({response.status_code}); "
                    "it may or may not be calling."
                )
            raise Unavailable(f"{self.title} answered with an internal error ({response.status_code}).")
        return response

    @classmethod
    def can(cls, name: str) -> bool:
        """Whether the service has this operation: whether the class overrides it."""
        return not hasattr(getattr(cls, name), _REFUSES)


def operations() -> dict[str, str]:
    """Name -> phrase of every operation, in the order of the class."""
    members = vars(Provider).items()
    return {name: getattr(member, _REFUSES) for name, member in members if hasattr(member, _REFUSES)}


def refused(title: str, words: str, code: str = "") -> Refused:
    """The service said no, in its own words."""
    reason = words.strip().rstrip(".") or "no reason given"
    return Refused(f"{title} refused: {reason}.", code=code, words=words)
