"""Voicenter: click-to-call, CDR notification, pop-up screen, active calls.

Start with `tables.py` (what its words mean), then `webhooks.py` (what it tells) and `api.py` (what it is asked).
Source: "API Documentation" rev. 3.2; newer facts from https://www.voicenter.com/API/ are marked where they are used.
"""

import time
from collections.abc import Callable, Mapping
from typing import ClassVar

import httpx
from typing_extensions import override

from bot.errors import Refused, SettingsError, Unsupported
from bot.events import Accepted, AnyEvent, Call
from bot.provider import ORDER_BASICS, Answer, CallOrder, Provider, Question, Reply, Request, Setting, Webhook

from . import api, webhooks
from .fields import is_extension


class Voicenter(Provider):
    """One Voicenter account.

    Attributes:
        clock: seconds since 1970 UTC; for events whose time Voicenter does not tell.
    """

    title: ClassVar[str] = "Voicenter"
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting("code", "The account's API code, from Voicenter.", secret=True),
        Setting(
            "click2call_url",
            "Where click-to-call is; newer accounts use https://api.voicenter.com.",
            default="https://api.voicenter.co.il",
        ),
        Setting(
            "monitor_url",
            "Where active calls and extensions are listed; newer accounts use https://monapisec.voicenter.co.il.",
            default="https://monitor.voicenter.co.il",
        ),
        Setting("reply_format", "How click-to-call replies: JSON or XML.", default="JSON"),
    )
    order_options: ClassVar[frozenset[str]] = frozenset(CallOrder.__dataclass_fields__) - ORDER_BASICS
    hook_paths: ClassVar[Mapping[str, str]] = {
        "cdr": "CDR notification: the record of every call after it has ended (XML-RPC or JSON).",
        "popup": "Pop-up screen: who is calling, asked while the phone rings; also tells that a call was answered.",
    }
    rep_phones: ClassVar[frozenset[str]] = frozenset({"number", "extension", "login", "trunk"})
    rings_back: ClassVar[bool] = False  # the pop-up is optional and per extension: poll while a call lives

    def __init__(self, account: str, values: Mapping[str, str], http: httpx.AsyncClient, region: str) -> None:
        """Raises SettingsError where `reply_format` is neither of the two."""
        super().__init__(account, values, http, region)
        for setting in self.settings:
            if setting.default is not None and not self.values.get(setting.name):
                self.values[setting.name] = setting.default
        self.values["reply_format"] = self.values["reply_format"].strip().upper()
        if self.values["reply_format"] not in ("JSON", "XML"):
            raise SettingsError(f"{account.upper()}_REPLY_FORMAT is neither JSON nor XML. Set it to one of them.")
        self.clock: Callable[[], float] = time.time

    @override
    async def place_call(self, order: CallOrder) -> Accepted:
        """Ring the rep, then the number. Document chapters 1.1, 1.2 and 1.6."""
        self.refuse_unexpressible(order)
        form = api.call_form(order, self.values["code"], self.values["reply_format"])
        response = await self.send(self._post("click2call_url", api.CLICK2CALL, form), dials=True)
        return Accepted(ref=api.call_ref(response, self.account), at=self.clock())

    @override
    async def hang_up(self, call: Call) -> None:
        """End what the rep's extension is in: Voicenter ends by extension, not by call. Document chapter 1.5.

        Raises:
            Unsupported: the call rang no extension, so there is nothing to name.
        """
        extension = _extension_on(call)
        if not extension:
            raise Unsupported(
                "Voicenter can only hang up its own extensions, and this call is not on one as far as it has told. "
                "Hang up on the phone itself."
            )
        form = api.terminate_form(extension, self.values["code"], self.values["reply_format"])
        api.terminated(await self.send(self._post("click2call_url", api.CLICK2CALL, form)), self.account)

    @override
    def can_hang_up(self, call: Call) -> bool:
        """Only calls on an extension that we know can be ended."""
        return bool(_extension_on(call))

    @override
    async def active_calls(self) -> tuple[AnyEvent, ...]:
        """What every extension of the account is in. Document chapter 7.1; what it means: `progress.py`."""
        url = self.values["monitor_url"].rstrip("/") + api.EXTENSIONS_CALLS
        # GET is the only way this one is documented, so the code is in the address: never log that.
        response = await self.send(self.http.build_request("GET", url, params={"code": self.values["code"]}))
        return api.extension_events(response, self.account, self.clock(), self.region)

    @override
    async def check(self) -> str:
        """Count the extensions. Document chapter 8.

        Raises:
            Refused: also for an empty list, which is all that Voicenter answers to a wrong code.
        """
        form = {"code": self.values["code"], "showAll": "0"}
        response = await self.send(self._post("monitor_url", api.EXTENSIONS, form))
        count = api.extension_count(response, self.account)
        if not count:
            raise Refused(
                "Voicenter lists no extensions; the code may be wrong, for it answers a wrong one just like this. "
                f"Check {self.account.upper()}_CODE."
            )
        return f"Voicenter knows this account: {count} extension{'' if count == 1 else 's'}."

    @override
    def read_webhook(self, request: Request) -> Webhook:
        """CDR notifications and pop-ups, see `webhooks.py`."""
        return webhooks.read(request, self.region)

    @override
    def write_answer(self, question: Question, answer: Answer) -> Reply:
        """The pop-up's reply: whose number it is. Document chapter 2, step 3."""
        return webhooks.write_answer(answer)

    def _post(self, base: str, path: str, form: Mapping[str, str]) -> httpx.Request:
        return self.http.build_request("POST", self.values[base].rstrip("/") + path, data=dict(form))


def _extension_on(call: Call) -> str:
    codes = (call.extension, call.rep_phone)
    return next((code for code in codes if is_extension(code) and code != "SIPTRUNK"), "")


PROVIDER = Voicenter
