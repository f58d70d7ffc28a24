"""Fetch a recording into a file: from known hosts only, a sound only, never more than a limit, never a private host.

The address of a recording comes from outside (a webhook), so it is not trusted: whoever could make us fetch an
address of their choice could read our inner network through us.
"""

import ipaddress
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import anyio
import httpx

from bot.errors import Refused, Unavailable

SOUNDS = ("audio/", "application/ogg")
"""Beginnings of media types that are taken at their word."""
VAGUE = (
    *("application/octet-stream", "binary/octet-stream", "application/force-download", "application/x-download"),
    *("video/mp4", "video/webm"),
)
"""What storage hosts often say of a sound: here the first bytes must tell."""
SIGNATURES = (
    (re.compile(rb"RIFF....WAVE", re.DOTALL), "audio/wav"),
    (re.compile(rb"ID3|\xff[\xe2-\xff]"), "audio/mpeg"),
    (re.compile(rb"OggS"), "audio/ogg"),
    (re.compile(rb"fLaC"), "audio/flac"),
    (re.compile(rb"....ftyp(?:M4A|mp4|isom|dash|3gp)", re.DOTALL), "audio/mp4"),
    (re.compile(rb"\x1aE\xdf\xa3"), "audio/webm"),
)
"""How sound files begin: the registrations of these types at IANA."""
FOREIGN = "foreign host"
"""Code of the refusal to fetch from a host that is not known as the service's."""
_SIGN_IN = "Its link may have expired, or the account's credentials are not accepted there: check those."
_MAY_BE = {
    **dict.fromkeys((404, 410), "It may not be ready yet, or be gone by now: try again later."),
    **dict.fromkeys((401, 403), _SIGN_IN),
}
"""HTTP status -> what it may be."""
REDIRECTS = 3
SECONDS = 120.0
"""For everything together, however slowly it drips: an hour of talk is about 15 MB."""


async def download(
    http: httpx.AsyncClient,
    title: str,
    request: httpx.Request,
    into: Path,
    limit: int,
    hosts: Iterable[str],
    seconds: float = SECONDS,
) -> str:
    """Write the answer's body to `into`. Returns the media type of the sound. Nothing is left there when it fails.

    Args:
        title: the service's name for people.  limit: bytes.  seconds: for all of it, redirects included.
        hosts: "media.example" is that very host as an admin or the vendor named it; ".example" is any host below
            it, which then must have a public address and speak https.

    Raises:
        Refused: not from these hosts, not a sound, too large, or the host said no.
        Unavailable: not reached, or not in time.
    """
    try:
        with anyio.fail_after(seconds):
            return await _fetch(http, title, request, into, limit, frozenset(hosts))
    except TimeoutError as error:
        await anyio.Path(into).unlink(missing_ok=True)
        raise Unavailable(f"{title} was too slow, so the recording was not fetched. Try again later.") from error
    except UnicodeError as error:  # a redirect to a host that is none: httpx finds out only when it is asked for it
        await anyio.Path(into).unlink(missing_ok=True)
        raise Refused(f"{title} forwarded us to what is no web address, so the recording was not fetched.") from error
    except (httpx.TransportError, httpx.DecodingError) as error:
        await anyio.Path(into).unlink(missing_ok=True)
        raise Unavailable(f"{title} did not hand out the recording. Try again in a minute.") from error
    except BaseException:
        await anyio.Path(into).unlink(missing_ok=True)
        raise


async def _fetch(
    http: httpx.AsyncClient, title: str, request: httpx.Request, into: Path, limit: int, allowed: frozenset[str]
) -> str:
    for _ in range(REDIRECTS + 1):
        _check_address(title, request.url, allowed)
        request.extensions = {**request.extensions, "trace": _watch(title, request.url, allowed)}
        response = await http.send(request, stream=True, follow_redirects=False)
        try:
            _check_peer(title, request.url, response.extensions.get("network_stream"), allowed)
            if response.next_request is not None:
                request = _followed(request, response.next_request)
                continue
            return await _write(title, response, into, limit)
        finally:
            await response.aclose()
    raise Refused(f"{title} forwarded us too often, so the recording was not fetched.")


def _followed(first: httpx.Request, following: httpx.Request) -> httpx.Request:
    """The redirect without what signs us in, unless it stays on the same host."""
    if first.url.host != following.url.host:
        following.headers.pop("authorization", None)
    return following


def _named(host: str, allowed: frozenset[str]) -> bool:
    return host in allowed


def _check_address(title: str, url: httpx.URL, allowed: frozenset[str]) -> None:
    host = url.host.lower()
    below = any(name.startswith(".") and host.endswith(name) for name in allowed)
    if not _named(host, allowed) and not (below and url.scheme == "https"):
        where = f"The recording lies on {host or 'no host'}, which is not one of {title}'s"
        raise Refused(f"{where}; it was not fetched.", code=FOREIGN, words=host)
    if url.scheme not in ("http", "https"):
        raise Refused(f"The recording's address is not a web address of {title}; it was not fetched.")


def _watch(title: str, url: httpx.URL, allowed: frozenset[str]) -> Callable[[str, Mapping[str, Any]], Awaitable[None]]:
    """Look at a new connection before anything is sent over it.

    Events and what they carry: https://www.python-httpx.org/advanced/extensions/#trace
    """

    async def connected(event: str, told: Mapping[str, Any]) -> None:
        if event != "connection.connect_tcp.complete":
            return
        stream = told["return_value"]
        try:
            _check_peer(title, url, stream, allowed)
        except Refused:
            await stream.aclose()
            raise

    return connected


def _check_peer(title: str, url: httpx.URL, stream: Any, allowed: frozenset[str]) -> None:
    """The address that was really connected to: a name may point anywhere, and change between two look-ups."""
    peer = stream.get_extra_info("server_addr") if stream is not None else None
    if peer is None or _named(url.host.lower(), allowed):
        return
    if not ipaddress.ip_address(peer[0]).is_global:
        raise Refused(f"The recording's host has a private address, which {title} would not use; it was not fetched.")


async def _write(title: str, response: httpx.Response, into: Path, limit: int) -> str:
    if response.status_code in (408, 429, 499) or response.status_code >= 500:
        raise Unavailable(f"{title} cannot hand out the recording now ({response.status_code}). Try again later.")
    if response.status_code != 200:
        words = "no such recording" if response.status_code in (404, 410) else f"answered {response.status_code}"
        sentence = f"{title} did not hand out the recording: {words}. {_MAY_BE.get(response.status_code, '')}".strip()
        raise Refused(sentence, code=str(response.status_code), words=words)
    media_type = str(response.headers.get("content-type", "")).partition(";")[0].strip().lower()
    page = " As where one must sign in first: check the account's credentials." if media_type == "text/html" else ""
    no_sound = Refused(
        f"{title} sent {media_type or 'something without a type'} instead of a sound; it was not kept.{page}",
        words=media_type,
    )
    if not media_type.startswith((*SOUNDS, *VAGUE)):
        raise no_sound
    head, size = b"", 0
    async with await anyio.open_file(into, "wb") as file:
        async for part in response.aiter_bytes():
            head += part[: 16 - len(head)] if len(head) < 16 else b""
            size += len(part)
            if size > limit:
                raise Refused(f"The recording is larger than {limit // 1_000_000} MB, so it was not fetched.")
            await file.write(part)
    if not size:
        raise Refused(f"{title} sent an empty recording; it may not be ready yet.")
    if media_type.startswith(SOUNDS):
        return media_type
    sound = next((kind for signature, kind in SIGNATURES if signature.match(head)), "")
    if not sound:
        raise no_sound
    return sound
