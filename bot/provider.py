"""What a telephony service is to Callboard: one class whose overridden operations are what it can do.

Reading webhooks is free of I/O; speaking to the service goes through `Provider.send()`, which sorts every
failure into our four error classes. No operation that dials is ever repeated automatically.
"""

import asyncio
import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar
from urllib.parse import quote, quote_plus

import httpx
from typing_extensions import override

from bot import numbers
from bot.call import Call
from bot.download import download
from bot.errors import Ambiguous, Refused, Unavailable, Unreadable, Unsupported
from bot.events import AnyEvent
from bot.hooks import Answer, Question, Reply, Request, Webhook
from bot.operations import Operations
from bot.orders import SAID, CallOrder, ConferenceOrder, MessageOrder, Order, chosen
from bot.web_phone import Report, WebPhone

_ALONE = (
    rb"_(?!\w|\"\s*:)(?<![^\\]\":_)(?<![^\\]\":\s_)"
    rb"(?:(?<!\w_)|(?<=%[0-9A-Fa-f]{2}_)|(?<=\\u[0-9A-Fa-f]{4}_)|(?<=\\[bfnrt]_))"
)
"""A word by itself, or behind a sign that is written by its code; neither a member's name nor a number that is a value.
It begins with the word: so it is found fast.
"""
SECRET_BYTES = 6
"""From this length on a credential is looked for in what a service answers; a shorter one may stand for anything."""
_KEPT = ("content-type", "retry-after", "date")
"""Headers of an answer that are read; the others tell how its body was packed."""
LARGEST_ANSWER = 64 * 1024 * 1024
"""Bytes. The largest that is known of is ten thousand records of a call log, some ten million."""
LONGEST_WORDS = 400
"""Characters of a service's own words within a sentence of ours: what to do next stands behind them."""
LIMITED = 429
"""HTTP status of what was asked too often; nothing was done."""
LIMITED_SECONDS, LONGEST_SECONDS = 60, 3600
"""So long nothing should be asked after it, where it does not say how long; and at most, whatever it says."""


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


class Provider(Operations):
    """One configured account of a telephony service. Subclasses override what the service can do.

    Attributes:
        title: the service's name for people.
        settings: its own settings.  order_options: the fields of `CallOrder` it can express, besides the basics.
        hook_paths: what to append to the account's hook address, and what each is for, to paste at the service.
        hook_templates: event -> the body of its webhook, where a person must write it at the service.
        message_options, conference_options: the same for `MessageOrder` and `ConferenceOrder`.
        rep_phones: kinds of `RepPhone` it can ring first.
        line_setting: which of its settings is the number that calls go out from where no line is chosen.
        rings_back: webhooks tell the progress of a call, so it need not be polled.
        presence: statuses that people can be set to, key -> name for people.
        bulk_rows: how many calls `add_campaign_calls` takes in one order.
        account: the configured name; also the first part of its environment variables and hook address.
        hook_url: the account's own hook address, "" where the bot has no public address; holds our secret.
        order_seconds, answer_seconds: so long an answer may take, however slowly it drips; the first where a phone may
            ring because of it, so that whoever waits for a stray call's order knows (`HOLD_SECONDS`).
        browser_origin: of a browser extension that asks our hooks itself, "" = none does.
    """

    title: ClassVar[str]
    settings: ClassVar[tuple[Setting, ...]]
    order_options: ClassVar[frozenset[str]] = frozenset()
    hook_paths: ClassVar[Mapping[str, str]] = {}
    hook_templates: ClassVar[Mapping[str, str]] = {}
    rep_phones: ClassVar[frozenset[str]] = frozenset({"number"})
    line_setting: ClassVar[str] = ""
    rings_back: ClassVar[bool] = True
    message_options: ClassVar[frozenset[str]] = frozenset()
    conference_options: ClassVar[frozenset[str]] = frozenset()
    presence: Mapping[str, str] = MappingProxyType({})  # an account may have names of its own
    bulk_rows: ClassVar[int] = 1
    order_seconds: float = 18.0
    answer_seconds: float = 60.0

    def __init__(self, account: str, values: Mapping[str, str], http: httpx.AsyncClient, region: str) -> None:
        """`values`: checked settings by name. `region`: ISO 3166 country that bare numbers belong to."""
        self.account = account
        self.values = dict(values)
        self.http = http
        self.region = region
        self.hook_url = ""
        self.browser_origin = ""
        secrets = (self.values.get(setting.name, "") for setting in self.settings if setting.secret)
        self._credentials = [form for secret in secrets for form in _said_back(secret)]

    @override
    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.account}>"

    # What can be asked of this class, or this very call, before anything is sent. Free of I/O.

    def default_line(self) -> str:
        """E.164 of the number that calls go out from where no line is chosen; "" = only the service knows which."""
        written = self.values.get(self.line_setting, "")
        number = numbers.e164(written, self.region)
        # The service gets the digits as they are set: only where they are those of the number does it mean the same.
        return number if number == f"+{re.sub('[^0-9]', '', written)}" else ""

    def can_hang_up(self, call: Call) -> bool:
        """Whether this very call could be ended: the operation exists and the call has what it needs."""
        return self.can("hang_up")

    def ends_too(self, call: Call, other: Call) -> bool:
        """Whether hanging up `call` would end `other`: a service may end what a phone is in, whichever call that is."""
        return False

    def controls(self, call: Call) -> frozenset[str]:
        """Names of the operations on a running call that make sense for this very call as it stands.

        The card shows no other buttons. A class that has such operations overrides it with its state machine.
        """
        return frozenset({"hang_up"}) if call.live and self.can_hang_up(call) else frozenset()

    def next_step(self, call: Call) -> str:
        """What a call that we conduct needs now: "bridge" (to `call.number`), "hang_up", or "" = nothing."""
        return ""

    def outdated(self) -> str:
        """A sentence where the service is about to switch this version of its interface off, else ""."""
        return ""

    def poll_after(self, asked: int) -> float:
        """Seconds to wait before `call_state` is asked again about an open call that was asked about so often.

        Where webhooks tell, it only makes up for lost ones.
        """
        return 60.0 if self.rings_back else 5.0

    def learned(self) -> str:
        """What its answers have shown of the account and what a restart must not forget, "" = nothing."""
        return ""

    def relearn(self, learned: str) -> None:
        """At start: what `learned()` said last."""

    def notices(self) -> tuple[str, ...]:
        """Sentences for status pages that the service's last replies gave rise to, such as limits."""
        return ()

    def web_phone(self) -> WebPhone | None:
        """Its phone for the browser, None = it has none, or none is set up."""
        return None

    async def sign_out(self) -> None:
        """Callboard stops: end a session, where one was opened.

        Raises:
            CallboardError: it could not be ended; it expires by itself.
        """

    # Options that every call shall have. Free of I/O.

    @classmethod
    def wrong_options(cls, given: Mapping[str, Any]) -> Mapping[str, str]:
        """Options, of those that the class names, that no call (or voice message) can have so -> why, in a sentence."""
        return {}

    def clashing(self, order: CallOrder) -> frozenset[str]:
        """Options of this very order that do not go with what else is in it; what was set for all calls gives way."""
        return frozenset()

    # What it tells by itself. Free of I/O.

    def read_webhook(self, request: Request) -> Webhook:
        """Events of a webhook, in our words.

        Raises:
            Unreadable: not in any form the service documents.
        """
        raise Unreadable(f"{self.title} sends no webhooks.")

    def write_unreadable(self, request: Request, why: str) -> Reply:
        """What the sender of a webhook gets that we cannot read: HTTP 400 and `why`, a sentence.

        Services that document how they are told so override it.
        """
        return Reply(400, f"Nothing was read: {why}".encode())

    def write_answer(self, question: Question, answer: Answer) -> Reply:
        """Our answer in the service's words. Only services that ask questions override it."""
        return Reply()

    def read_report(self, call: Call, told: Report) -> tuple[AnyEvent, ...]:
        """Events of what a web phone told of a call that is on record. Only services that have one override it."""
        return ()

    # For subclasses.

    def refuse_unexpressible(self, order: Order) -> None:
        """First line of what takes an order: an option that the class does not name is refused, never dropped.

        Raises:
            Unsupported: names the options, or the kinds of phone that it can ring first; nothing was sent.
        """
        what, known = {
            CallOrder: ("place a call", self.order_options),
            MessageOrder: ("send a voice message", self.message_options),
            ConferenceOrder: ("call somebody into a conference", self.conference_options),
        }[type(order)]
        phone = order.rep if isinstance(order, CallOrder) else getattr(order, "phone", None)
        if phone is not None and phone.kind not in self.rep_phones:
            kinds = " or ".join(sorted(self.rep_phones))
            raise Unsupported(
                f"{self.title} cannot ring your {phone.kind} first, so nothing was dialled. Choose another service "
                f"with “via”, or link another phone for it with `/phone link`: {kinds}."
            )
        foreign = sorted({SAID.get(name, name.replace("_", " ")) for name in chosen(order) - known})
        if foreign:
            options, them = ("this option", "it") if len(foreign) == 1 else ("these options", "them")
            names = ", ".join(foreign)
            told = f"{self.title} cannot {what} with {options}: {names}. Nothing was dialled; leave {them} out."
            if isinstance(order, CallOrder) and "record" in foreign and self.can("start_recording"):
                told += " To record, press “Record” on the call's card while you talk."
            raise Unsupported(told)

    async def download(self, request: httpx.Request, into: Path, limit: int, hosts: frozenset[str]) -> str:
        """Write a sound to a file, as `bot.download` allows. Returns its media type."""
        return await download(self.http, self.title, request, into, limit, hosts)

    async def send(self, request: httpx.Request, *, dials: bool = False, any_status: bool = False) -> httpx.Response:
        """Send one request, once. `dials`: an unclear fate is `Ambiguous`, else it is merely `Unavailable`.

        `any_status`: the service explains itself also with HTTP 5xx, so that answer is returned, too.

        Which httpx errors leave the fate unclear: https://www.python-httpx.org/exceptions/. A redirect is not followed,
        but httpx reads where it leads to.
        """
        try:
            async with asyncio.timeout(self.order_seconds if dials else self.answer_seconds):
                response = await self._whole(request)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise Unavailable(f"{self.title} could not be reached, so nothing was done. Try again.") from error
        except (httpx.TransportError, TimeoutError) as error:
            if dials:
                raise Ambiguous(f"{self.title} did not answer in time; it may or may not be calling.") from error
            raise Unavailable(f"{self.title} did not answer. Try again in a minute.") from error
        except (httpx.DecodingError, httpx.InvalidURL, UnicodeError, _WithoutEnd) as error:
            if dials:
                raise Ambiguous(f"{self.title} gave a damaged answer; it may or may not be calling.") from error
            raise Unavailable(f"{self.title} gave a damaged answer. Try again in a minute.") from error
        if response.status_code >= 500 and not any_status:
            raise internal_error(self.title, response.status_code, dials=dials)
        return self._without_credentials(response)

    async def _whole(self, request: httpx.Request) -> httpx.Response:
        """The answer to its end, where it has one: whatever does not end would fill the memory first."""
        response = await self.http.send(request, stream=True)
        try:
            told = bytearray()
            async for part in response.aiter_bytes():
                told += part
                if len(told) > LARGEST_ANSWER:
                    raise _WithoutEnd
        finally:
            await response.aclose()
        return _again(response, bytes(told))

    def _without_credentials(self, response: httpx.Response) -> httpx.Response:
        """A service may say back what it was sent, and its words are shown to people and stand in the log."""
        said = response.content
        signed_in = response.request.headers.get("authorization", "").rpartition(" ")[2].encode()
        if len(signed_in) >= SECRET_BYTES:
            said = said.replace(signed_in, b"***")
        for credential in self._credentials:
            said = credential.sub(b"***", said)
        return response if said == response.content else _again(response, said)


class _WithoutEnd(Exception):
    """An answer is longer than `LARGEST_ANSWER`."""


def _again(response: httpx.Response, content: bytes) -> httpx.Response:
    """The same answer with this content, unpacked."""
    headers = {name: response.headers[name] for name in _KEPT if name in response.headers}
    named = {name: value for name, value in response.extensions.items() if name == "reason_phrase"}
    return httpx.Response(
        response.status_code, headers=headers, content=content, request=response.request, extensions=named
    )


def _said_back(credential: str) -> list[re.Pattern[bytes]]:
    """What finds it in an answer: as it is, and as JSON, an address or HTML write it.

    One of digits alone, or of letters, may stand in a longer number or word that is something else, such as an id, or
    be the name of a member.
    """
    if len(credential.encode()) < SECRET_BYTES:
        return []
    text = json.dumps(credential)[1:-1]
    forms = (
        credential,
        text,
        text.replace("/", "\\/"),
        json.dumps(credential, ensure_ascii=False)[1:-1],
        re.sub("[<>&'=]", lambda sign: f"\\u{ord(sign[0]):04x}", text),  # as where JSON must be fit for a web page
        quote(credential, safe=""),
        quote_plus(credential),
        html.escape(credential),
    )
    found = [re.escape(form.encode()) for form in dict.fromkeys(forms)]
    if credential.isdecimal() or credential.isalpha():
        found = [_ALONE.replace(b"_", form) for form in found]
    return [re.compile(form) for form in found]


def patience(response: httpx.Response, now: float) -> int:
    """Seconds for which nothing should be asked after HTTP 429. `now`: seconds since 1970 UTC.

    Source: https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3, a number of seconds or a date.
    """
    told = response.headers.get("retry-after", "").strip()
    if told.isascii() and told.isdecimal():
        return min(int(told[:9]), LONGEST_SECONDS)
    if until := _moment(told):
        return round(min(max(until - (_moment(response.headers.get("date", "")) or now), 0), LONGEST_SECONDS))
    return LIMITED_SECONDS


def _moment(date: str) -> float:
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, OverflowError):
        return 0.0


def limited(title: str, words: str = "") -> Unavailable:
    """HTTP 429, in the service's own words where there are any."""
    told = reason(words or f"HTTP {LIMITED}")
    return Unavailable(f"{title} lets nothing more through ({told}). Try again in a minute.")


def left_open(status: int) -> bool:
    """Whether an HTTP status, where nothing else is told, leaves open what became of the request.

    408 and 499 are those of gateways for what was given up on the way.
    """
    return status >= 500 or status in (408, 499)


def internal_error(title: str, status: int, *, dials: bool) -> Ambiguous | Unavailable:
    """HTTP 5xx without a word that explains it. `dials`: so it is open what became of the call."""
    words = f"{title} answered with an internal error ({status})"
    return Ambiguous(f"{words}; it may or may not be calling.") if dials else Unavailable(f"{words}.")


def refused(title: str, words: str, code: str = "") -> Refused:
    """The service said no, in its own words."""
    return Refused(f"{title} refused: {reason(words)}.", code=code, words=words)


def reason(words: str) -> str:
    """A service's own words, fit to stand in a sentence."""
    told = " ".join(words.split())
    if len(told) > LONGEST_WORDS:
        told = told[:LONGEST_WORDS].rstrip() + "…"
    return told.rstrip(".") or "no reason given"
