"""Voicenter: the whole of its document, a class for each chapter, and one class over them.

Start with `tables.py` (what its words mean), then `webhooks.py` (what it tells) and `click2call.py` (what it is asked).
Source: "API Documentation" rev. 3.2; newer facts from https://www.voicenter.com/API/ are marked where they are used.
"""

from collections.abc import Mapping
from typing import ClassVar

import httpx
from typing_extensions import override

from bot.call import Call
from bot.errors import SettingsError
from bot.events import AnyEvent
from bot.hooks import Answer, Question, Reply, Request, Webhook
from bot.provider import Setting
from bot.web_phone import Report, WebPhone

from . import web_phone, webhooks
from .asking import PATHS, SETTINGS, Asking
from .call_log import SCOPES, CallLog
from .click2call import Click2Call
from .dialer import Dialer
from .monitor import Monitor
from .presence import NAMES, Presence
from .recordings import Recordings


class Voicenter(Click2Call, CallLog, Dialer, Asking, Monitor, Presence, Recordings):
    """One Voicenter account."""

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
        Setting(
            "dialer_url",
            "Where campaigns are; newer accounts use https://api.voicenter.com.",
            default="https://api.voicenter.co.il",
        ),
        Setting("reply_format", "How click-to-call replies: JSON or XML.", default="JSON"),
        *SETTINGS,
        Setting(
            "log_url",
            "Where finished calls are listed; newer accounts use https://api.voicenter.com.",
            default="https://api1.voicenter.co.il",
        ),
        Setting("log_request", "How finished calls are asked for: JSON or GET.", default="JSON"),
        Setting(
            "log_scope",
            f"Whose finished calls are listed: {', '.join(SCOPES)}; none = as Voicenter does by itself.",
            default="none",
        ),
        Setting(
            # The document's own address is http://betaapi.voicenter.co.il; it would carry the code in the clear.
            "presence_url",
            "Where people are signed in and out.",
            default="https://api.voicenter.com",
        ),
        Setting("status_names", "The account's names of its statuses; those left out keep theirs.", default=NAMES),
        Setting(
            "recording_hosts",
            "Where recordings lie; a name that begins with a dot is any host below it.",
            default="starkey-centrex-recordings.s3.amazonaws.com .voicenter.co.il .voicenter.com",
        ),
        Setting(
            "popup_origin",
            "The browser extension that may ask for the pop-up.",
            default="chrome-extension://ifiaikfdhcagbagdeflffjdammidpbio",
        ),
        Setting("web_phone_script", "Address of Voicenter's web phone script; empty = no web phone.", default=""),
        Setting("web_phone_hosts", "What that script connects to; empty = the script's own host.", default=""),
    )
    hook_paths: ClassVar[Mapping[str, str]] = {
        "cdr": "CDR notification: the record of every call after it has ended (XML-RPC or JSON).",
        "popup": "Pop-up screen: who is calling, asked while the phone rings; also tells that a call was answered.",
        **PATHS,
    }
    rings_back: ClassVar[bool] = False  # the pop-up is optional and per extension: poll while a call lives

    def __init__(self, account: str, values: Mapping[str, str], http: httpx.AsyncClient, region: str) -> None:
        """Raises SettingsError for a setting that is none of its words, or a web phone at an unsafe address."""
        super().__init__(account, values, http, region)
        self.values["reply_format"] = self.one_of("reply_format", "JSON", "XML")
        self.values["log_request"] = self.one_of("log_request", "JSON", "GET")
        self.values["log_scope"] = self._scope()
        self.browser_origin = self.values["popup_origin"]
        self._web_phone = web_phone.offered(account, self.values)

    def _scope(self) -> str:
        told = self.values["log_scope"].strip().capitalize()
        if told not in ("None", *SCOPES):
            raise SettingsError(
                f"{self.account.upper()}_LOG_SCOPE is none of: {', '.join(SCOPES)}. Set it to one of them, or leave it "
                "out."
            )
        return "" if told == "None" else told

    @override
    def read_webhook(self, request: Request) -> Webhook:
        """CDR notifications and pop-ups, see `webhooks.py`; questions of an IVR, see `asking.py`."""
        return self.read_question(request) or webhooks.read(request, self.region)

    @override
    def write_unreadable(self, request: Request, why: str) -> Reply:
        """In the document's words: `err` 1 to a CDR notification (chapter 4), STATUS 1 to an IVR (5 and 12)."""
        told = self.write_error(request) or webhooks.write_parse_error(request, why)
        return told or super().write_unreadable(request, why)

    @override
    def write_answer(self, question: Question, answer: Answer) -> Reply:
        """The pop-up's reply: whose number it is (chapter 2, step 3); or the IVR's next step (chapters 5 and 12)."""
        if question.asks == "next":
            return self.write_step(question, answer)
        return webhooks.write_answer(answer, self.browser_origin)

    @override
    def web_phone(self) -> WebPhone | None:
        """Document chapter 11, see `web_phone.py`."""
        return self._web_phone

    @override
    def read_report(self, call: Call, told: Report) -> tuple[AnyEvent, ...]:
        """What the ten callbacks mean, see `web_phone.py`."""
        return web_phone.events(call, told)


PROVIDER = Voicenter
