"""Voicenter's phone for the browser. "API Documentation" rev. 3.2, chapter 11 (WebRTC Web-phone, BETA 1.00).

The vendor's script names calls by `ivrID`, "Unique voicenter call ID": the very id that click-to-call returns and that
pop-up, active calls and CDR tell. So what the page reports is about a call that those tell of, too, and which of its
legs the page is follows from that call. `onCallAnswer` alone tells a "token"; see web_phone.js.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from bot.call import Call
from bot.errors import SettingsError
from bot.events import CUSTOMER, REP, AnyEvent, LegAnswered, LegEnded, LegRinging, Outcome
from bot.web_phone import Report, WebPhone

from .fields import is_extension
from .progress import rung

_SOURCE = re.compile(r"(?:https|wss|http|ws)://[A-Za-z0-9.*:\[\]/_~%@!$&()+=-]+")
_OVER = {"ended": Outcome.PENDING, "rejected": Outcome.REJECTED, "failed": Outcome.FAILED}


def offered(account: str, values: Mapping[str, str]) -> WebPhone | None:
    """The web phone as it is set up, None = it is not.

    Raises:
        SettingsError: an address that no browser would load, or that would open the page to others.
    """
    script, hosts = values["web_phone_script"].strip(), tuple(values["web_phone_hosts"].split())
    if not script:
        return None
    variable = f"{account.upper()}_WEB_PHONE"
    if not _SOURCE.fullmatch(script) or "*" in script or not _safe(script, "https"):
        raise SettingsError(f"{variable}_SCRIPT must be the address of Voicenter's script and begin with https://.")
    for host in hosts:
        if not _SOURCE.fullmatch(host) or not _safe(host, "https", "wss"):
            raise SettingsError(
                f"{variable}_HOSTS: “{host}” must begin with https:// or wss://, like wss://*.example.com."
            )
    host = urlsplit(script).netloc
    return WebPhone(script, hosts or (f"https://{host}", f"wss://{host}"), Path(__file__).with_name("web_phone.js"))


def _safe(address: str, *schemes: str) -> bool:
    """Encrypted, or on this computer."""
    parts = urlsplit(address)
    return bool(parts.hostname) and (parts.scheme in schemes or parts.hostname in ("127.0.0.1", "localhost"))


def events(call: Call, told: Report) -> tuple[AnyEvent, ...]:
    """What a report means for the call. Nothing where it cannot be told which leg the page is."""
    leg = _leg(call, told)
    if not leg:
        return ()
    if told.what in ("ringing", "calling"):
        return (LegRinging(ref=told.ref, at=told.at, leg=leg),)
    if told.what == "answered":
        return (LegAnswered(ref=told.ref, at=told.at, leg=leg),)
    # One phone of several that turns a caller away does not say how the call ended: the CDR does.
    outcome = Outcome.PENDING if call.direction == "in" else _OVER[told.what]
    return (LegEnded(ref=told.ref, at=told.at, leg=leg, outcome=outcome),)


def _leg(call: Call, told: Report) -> str:
    if call.direction == "in":
        return rung(told.login, "", "")
    if call.number == told.login:
        return CUSTOMER  # a colleague called this very extension
    if call.rep_phone == told.login:
        return REP
    if is_extension(call.rep_phone):
        return ""  # another extension's order: here it was only handed on
    # Only click-to-call rings the phone that calls; what the page dials by itself has no rep's leg.
    if told.what == "ringing" or any(leg.name == REP for leg in call.legs):
        return REP
    return "" if call.rep_phone else CUSTOMER
