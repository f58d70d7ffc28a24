"""Gurulize Voice API: two phones are rung one after the other and joined (click2call).

Source: "Gurulize Voice API Documentation" (help centre). It has one request, "Registration", and one webhook,
"Tracking Call Request". There is no way to end a call, to ask about one, or to be told of incoming calls.
"""

import re
import time
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import httpx
from typing_extensions import override

from bot import loose
from bot.errors import Ambiguous, Refused, SettingsError, Unsupported
from bot.events import Accepted
from bot.hooks import Reply, Request, Webhook
from bot.orders import CallOrder
from bot.provider import LIMITED, Provider, Setting, internal_error, left_open, limited, refused
from bot.providers.gurulize.status import read_status

LANGUAGES = ("en", "tr")

_SIGN_IN = "Check {account}_USERNAME and {account}_PASSWORD."
HINTS: Mapping[str, str] = {
    "user information": _SIGN_IN,
    "(username)": _SIGN_IN,
    "(password)": _SIGN_IN,
    "(caller)": "Link another number with `/phone link`.",
    "(callee)": "Check the number.",
    "(duration)": "Choose another talk time: `max`, or {account}_MAX_SECONDS.",
    "(lang)": f"Set {{account}}_LANGUAGE to one of: {', '.join(LANGUAGES)}.",
}
"""A part of a message, in lower case -> what to do next.

The page has the English messages only; the parameter that one is about is named as it was sent.
"""

_TURKISH = re.compile(r"(?:\+?90|0090|0)?([1-9]\d{9})", re.ASCII)
_SUCCESS = {"true": True, "1": True, "false": False, "0": False}
"""The page says boolean; the words and digits for it cost nothing to accept."""


class Gurulize(Provider):
    """A Gurulize account. Calls Turkish numbers only: the API takes 10 digits without a country."""

    title: ClassVar[str] = "Gurulize"
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting("url", "the address for call requests that Gurulize gave you; it is not published"),
        Setting("username", "the account's user name"),
        Setting("password", "the account's password", secret=True),
        Setting("language", "language of Gurulize's messages: en or tr", default="en"),
        Setting("max_seconds", "talk time in seconds after which calls are cut; Gurulize demands one", default="3600"),
    )
    order_options: ClassVar[frozenset[str]] = frozenset({"max_seconds", "language"})
    hook_paths: ClassVar[Mapping[str, str]] = {"": "the address for status changes of call requests"}

    def __init__(self, account: str, values: Mapping[str, str], http: httpx.AsyncClient, region: str) -> None:
        super().__init__(account, values, http, region)
        self.clock: Callable[[], float] = time.time
        if not self.values["url"].startswith(("https://", "http://")):
            raise SettingsError(f"{self._variable('url')} is not an address. Set it to the one that Gurulize gave you.")
        if self.values["language"] not in LANGUAGES:
            raise SettingsError(f"{self._variable('language')} must be one of: {', '.join(LANGUAGES)}.")
        if not re.fullmatch("[1-9][0-9]{0,5}", self.values["max_seconds"]):
            raise SettingsError(f"{self._variable('max_seconds')} must be a whole number of seconds, like 3600.")

    @classmethod
    @override
    def wrong_options(cls, given: Mapping[str, Any]) -> Mapping[str, str]:
        """A language that the page does not list."""
        if given.get("language") in ("", None, *LANGUAGES):
            return {}
        return {"language": f"{cls.title} has only these: {', '.join(LANGUAGES)}. Choose one of them."}

    @override
    async def place_call(self, order: CallOrder) -> Accepted:
        """Ring the rep ("caller"), then the number ("callee"). Source: section "Registration".

        Raises:
            Unsupported: not a Turkish number, another language than en and tr, or an option it does not have.
            Refused, Unavailable, Ambiguous: as everywhere.
        """
        self.refuse_unexpressible(order)
        language = order.language or self.values["language"]
        if language not in LANGUAGES:
            raise Unsupported(f"{self.title} cannot speak “{language}”. Choose one of: {', '.join(LANGUAGES)}.")
        form = {
            "username": self.values["username"],
            "password": self.values["password"],
            "caller": self._national(order.rep.value),
            "callee": self._national(order.number),
            "duration": str(self.values["max_seconds"] if order.max_seconds is None else order.max_seconds),
            "lang": language,
        }
        request = self.http.build_request("POST", self.values["url"], data=form)
        return self._accepted(await self.send(request, dials=True, any_status=True))

    @override
    def read_webhook(self, request: Request) -> Webhook:
        """A status change of a call. Source: sections "Tracking Call Request" and "Status Codes".

        Raises:
            Unreadable: no request id, or neither a number as status code nor a word of the page.
        """
        return Webhook(read_status(request), Reply(200, b"OK"))

    def _accepted(self, response: httpx.Response) -> Accepted:
        # The page does not say which HTTP status a failure has: the body's `success` is the truth.
        try:
            body = loose.members(response.content, response.headers.get("content-type", ""))
        except (ValueError, RecursionError):
            body = {}
        success = _SUCCESS.get(str(body.get("success")).strip().lower())
        told, status = body.get("message"), response.status_code
        words = told if isinstance(told, str) else ""
        if success is False:
            raise self._refusal(words)
        if success is None and left_open(status):
            raise internal_error(self.title, status, dials=True)
        if success is None and status == LIMITED:
            raise limited(self.title, words)
        if success is None and status >= 300:  # turned away before Gurulize had a look
            found = refused(self.title, words or f"HTTP {status}", str(status))
            raise Refused(f"{found} Check {self._variable('url')}.", code=found.code, words=found.words)
        ref = body.get("id")
        if success is None or isinstance(ref, bool) or not isinstance(ref, int | str) or not str(ref).strip():
            raise Ambiguous(
                f"{self.title} gave an answer that cannot be read (HTTP {status}); "
                "it may or may not be calling. Look at your phone before you try again."
            )
        # A number here, text in the webhooks' query: text everywhere.
        return Accepted(ref=str(ref).strip(), at=self.clock())

    def _refusal(self, words: str) -> Refused:
        hint = next((hint for part, hint in HINTS.items() if part in words.lower()), "")
        sentence = f"{refused(self.title, words)} {hint.format(account=self.account.upper())}".strip()
        return Refused(sentence, words=words)

    def _national(self, number: str) -> str:
        """The 10 digits that the page writes as 5xxyyyzztt."""
        match = _TURKISH.fullmatch(re.sub(r"[\s().-]", "", number))
        if match is None:
            raise Unsupported(
                f"{self.title} cannot call {number}: it takes Turkish numbers only. Write one like +90 555 000 00 01."
            )
        return match[1]

    def _variable(self, setting: str) -> str:
        return f"{self.account}_{setting}".upper()


PROVIDER = Gurulize
