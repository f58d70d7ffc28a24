"""How Voicenter's replies are read, whichever chapter they belong to. Free of I/O.

Errors stand in the body, each chapter's under a name of its own; the newer hosts answer some with HTTP 403 besides.
"""

from collections.abc import Mapping

import httpx

from bot import loose
from bot.errors import Refused, Unavailable
from bot.provider import LIMITED, internal_error, left_open, limited, reason

from . import xmlrpc
from .fields import Fields

UNREADABLE = "Voicenter's answer cannot be read."


def named_values(response: httpx.Response) -> Fields | None:
    """Named values of a reply, whether XML or JSON was asked for; None where it is neither."""
    body = response.content.lstrip(b"\xef\xbb\xbf \t\r\n")
    try:
        if body.startswith(b"<"):
            value = xmlrpc.read_response(body)
            return Fields(value) if isinstance(value, Mapping) else None
        return Fields(loose.members(body, response.headers.get("content-type", "")))
    except (ValueError, RecursionError):  # NotXmlRpc is a ValueError
        return None


def answered(response: httpx.Response, code_name: str, account: str, url: str) -> tuple[Fields, int]:
    """A reply to a question and the error code in it, 0 = none. `url`: the setting that names the host.

    Raises:
        Refused: turned away before Voicenter's application had a look.  Unavailable: it cannot be read, or was given
            up on the way.
    """
    reply = named_values(response)
    code = None if reply is None else reply.number(code_name)
    if code == response.status_code and code >= 300:
        code = None  # a web server's own, under a name that Voicenter has for its codes
    if left_open(response.status_code) and not code:
        raise internal_error("Voicenter", response.status_code, dials=False)
    if response.status_code >= 300 and not code:
        raise http_refusal(response, account, url)
    if reply is None or code is None:
        raise Unavailable(f"{UNREADABLE} Try again in a minute.")
    return reply, int(code)


def refusal(code: int, words: str, hint: str) -> Refused:
    """Voicenter said no, in its own words."""
    return Refused(f"Voicenter refused ({code}): {reason(words)}. {hint}", code=str(code), words=words)


def http_refusal(response: httpx.Response, account: str, url: str) -> Refused | Unavailable:
    """Turned away before Voicenter's application had a look: nothing was done."""
    status = response.status_code
    if status == LIMITED:
        return limited("Voicenter")
    if status in (401, 403):
        hint = f"Check {account.upper()}_CODE, and that this server's address is allowed in Voicenter's control panel."
    else:
        hint = f"Check {account.upper()}_{url}."
    words = response.reason_phrase
    return Refused(f"Voicenter refused (HTTP {status}): {reason(words)}. {hint}", code=str(status), words=words)
