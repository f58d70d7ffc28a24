"""A service's phone for the browser: what a service says of it, the link from Slack, the password at rest. Pure.

Everything is signed and sealed with keys derived from Slack's bot token, so there is no further secret to keep; not
from the hook secret, which the phone services know. A new token makes old links and stored passwords worthless: people
are asked for theirs again.
"""

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec

OfItself = Literal["registered", "initiate_failed", "register_failed", "disconnected"]
OfACall = Literal["ringing", "calling", "ended", "failed", "rejected", "answered"]
"""What a web phone tells: four words about itself, six about a call."""
LINK_SECONDS = 600
"""How long a link from Slack may be opened; it works once."""
SESSION_SECONDS = 12 * 3600
"""How long an opened page works."""
_USER = re.compile(r"[UW][A-Z0-9]{1,30}")


class WebPhone(msgspec.Struct, frozen=True):
    """What a page needs to be this service's phone.

    Attributes:
        script: address of the vendor's script.
        hosts: what the script may connect to, as sources of a Content-Security-Policy ("wss://sip.example.com").
        adapter: our own script that speaks to the vendor's; what it must offer is said in bot/static/phone.js.
    """

    script: str
    hosts: tuple[str, ...]
    adapter: Path


class Report(msgspec.Struct, frozen=True):
    """What a web phone told of a call.

    Attributes:
        ref: the service's id of the call.  login: the extension that the page is.  at: received, seconds since 1970.
    """

    what: OfACall
    ref: str
    login: str
    at: float


@dataclass(frozen=True)
class Login:
    """By what the service knows the extension."""

    user: str
    password: str = field(repr=False)


def new_link(secret: str, user: str, now: float) -> tuple[str, str]:
    """(ticket for the page's address, its nonce). Stands behind the "#", so no server and no log ever sees it."""
    nonce = secrets.token_urlsafe(16)
    told = f"{user}.{int(now) + LINK_SECONDS}.{nonce}"
    return f"{told}.{_mac(secret, told)}", nonce


def read_link(secret: str, ticket: str, now: float) -> tuple[str, str] | None:
    """(Slack user, nonce) of a genuine ticket that is still fresh, else None."""
    told, _, mac = ticket.rpartition(".")
    if not hmac.compare_digest(mac.encode(), _mac(secret, told).encode()):
        return None
    user, expires, nonce = told.split(".")
    return (user, nonce) if _USER.fullmatch(user) and now <= int(expires) else None


def fingerprint(token: str) -> str:
    """What is kept of a session or a nonce: whoever reads the database cannot use it."""
    return hashlib.sha256(token.encode()).hexdigest()


def seal(secret: str, password: str) -> bytes:
    """A password as it is kept (Fernet: AES-128-CBC with HMAC-SHA256, https://github.com/fernet/spec)."""
    from cryptography.fernet import Fernet  # loaded only where there is a web phone

    return Fernet(_fernet_key(secret)).encrypt(password.encode())


def unseal(secret: str, sealed: bytes) -> str | None:
    """The password, None = it was sealed with another token."""
    from cryptography.fernet import Fernet, InvalidToken

    try:
        return Fernet(_fernet_key(secret)).decrypt(sealed).decode()
    except InvalidToken:
        return None


def _key(secret: str, use: str) -> bytes:
    return hmac.new(secret.encode(), f"callboard web phone: {use}".encode(), hashlib.sha256).digest()


def _fernet_key(secret: str) -> bytes:
    return base64.urlsafe_b64encode(_key(secret, "password"))


def _mac(secret: str, told: str) -> str:
    mac = hmac.new(_key(secret, "link"), told.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(mac).decode().rstrip("=")
