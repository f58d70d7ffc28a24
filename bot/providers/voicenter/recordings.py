"""Recordings behind the links of the records.

Sources: "API Documentation" rev. 3.2, chapter 4 (field `record`); links of newer accounts lead to the control panel and
want the account's code, as https://www.voicenter.com/API/Call-Log shows them.
"""

from pathlib import Path

import httpx
from typing_extensions import override

from bot.download import FOREIGN
from bot.errors import Refused

from .account import Account

PANEL_HOSTS = (".voicenter.co.il", ".voicenter.com")
"""Voicenter's own servers; the other links lead to a storage that knows no code."""
ADDRESSES = ("click2call_url", "monitor_url", "log_url", "presence_url")


class Recordings(Account):
    """The link as it came, once: asked again and again, Voicenter answers 429."""

    @override
    async def fetch_recording(self, recording: str, into: Path, limit: int) -> str:
        """GET, with the account's code where it is Voicenter itself that is asked: never log that address."""
        try:
            url = httpx.URL(recording)
            host = url.host  # decoded only now
        except (httpx.InvalidURL, UnicodeError):
            raise Refused(f"The recording's link of {self.title} is no web address; it was not fetched.") from None
        own = {(ours.scheme, ours.host) for ours in (httpx.URL(self.values[name]) for name in ADDRESSES)}
        hosts = frozenset(self.values["recording_hosts"].replace(",", " ").split()) | {ours for _, ours in own}
        if (url.scheme, host) in own or (url.scheme == "https" and host.endswith(PANEL_HOSTS)):
            url = url.copy_set_param("code", self.values["code"])
        try:
            return await self.download(self.http.build_request("GET", url), into, limit, hosts)
        except Refused as error:
            if error.code != FOREIGN or not error.words:
                raise
            advice = f"If it is, add {error.words} to {self.account.upper()}_RECORDING_HOSTS."
            raise Refused(f"{error} {advice}", code=error.code, words=error.words) from error
