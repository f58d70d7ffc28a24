"""A recording is fetched from known, public hosts only; a sound only, of limited size, in limited time."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest

from bot.download import download
from bot.errors import CallboardError, Refused, Unavailable

HOSTS = frozenset({"api.example", ".media.example"})
WAV = b"RIFF\x24\x00\x00\x00WAVEfmt "


async def fetch(
    answer: Callable[[httpx.Request], httpx.Response],
    into: Path,
    url: str = "https://api.example/1",
    *,
    limit: int = 1_000_000,
    seconds: float = 10,
    headers: dict[str, str] | None = None,
) -> str:
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        request = http.build_request("GET", url, headers=headers)
        return await download(http, "Paperphone", request, into, limit, HOSTS, seconds)


def sound(content: bytes = WAV, media_type: str = "audio/wav") -> httpx.Response:
    return httpx.Response(200, content=content, headers={"content-type": media_type})


@pytest.mark.parametrize(
    ("content", "told", "media_type"),
    [
        (b"anything", "audio/mpeg", "audio/mpeg"),
        (WAV, "audio/x-wav; rate=8000", "audio/x-wav"),
        (WAV, "application/octet-stream", "audio/wav"),
        (b"ID3\x04", "application/force-download", "audio/mpeg"),
        (b"ID3\x04", "application/x-download", "audio/mpeg"),
        (b"ID3\x04", "binary/octet-stream", "audio/mpeg"),
        (b"\xff\xfb\x90", "application/octet-stream", "audio/mpeg"),
        (b"OggS\x00", "application/octet-stream", "audio/ogg"),
        (b"fLaC", "application/octet-stream", "audio/flac"),
        (b"\x00\x00\x00\x20ftypM4A ", "video/mp4", "audio/mp4"),
        (b"\x1aE\xdf\xa3", "video/webm", "audio/webm"),
    ],
)
async def test_a_sound_is_written_and_named(tmp_path: Path, content: bytes, told: str, media_type: str) -> None:
    into = tmp_path / "talk"
    assert await fetch(lambda request: sound(content, told), into) == media_type
    assert into.read_bytes() == content


@pytest.mark.parametrize(
    ("response", "words"),
    [
        (sound(b"<html>", "text/html"), "text/html instead of a sound"),
        (sound(b"<html>", "application/octet-stream"), "instead of a sound"),
        (sound(b"\x00\x00\x00\x20ftypqt  ", "video/mp4"), "instead of a sound"),
        (sound(b"x", ""), "something without a type"),
        (sound(b"MZ", "application/x-msdownload"), "instead of a sound"),
        (sound(b""), "empty"),
        (sound(b"x" * 1_000_001), "larger than 1 MB"),
        (httpx.Response(404), r"no such recording\. It may not be ready yet, or be gone by now"),
        (httpx.Response(410), r"no such recording\. It may not be ready yet"),
        (httpx.Response(401), r"answered 401\. Its link may have expired, or the account's credentials"),
        (httpx.Response(403), r"answered 403\. Its link may have expired, or the account's credentials"),
        (httpx.Response(204), "answered 204"),
        (
            sound(b"<html>", "text/html; charset=utf-8"),
            r"not kept\. As where one must sign in first: check the account",
        ),
    ],
)
async def test_what_is_no_recording_is_refused_and_not_kept(
    tmp_path: Path, response: httpx.Response, words: str
) -> None:
    with pytest.raises(Refused, match=words):
        await fetch(lambda request: response, tmp_path / "talk")
    assert not (tmp_path / "talk").exists()


async def test_a_damaged_answer_is_asked_for_again_later(tmp_path: Path) -> None:
    packed = {"content-type": "audio/mpeg", "content-encoding": "gzip"}

    async def parts() -> AsyncIterator[bytes]:
        yield b"ID3 this is not compressed"

    with pytest.raises(Unavailable, match="did not hand out the recording"):
        await fetch(lambda request: httpx.Response(200, headers=packed, content=parts()), tmp_path / "talk")
    assert not (tmp_path / "talk").exists()


@pytest.mark.parametrize("status", [408, 429, 500, 503])
async def test_a_host_that_cannot_now_is_asked_again_later(tmp_path: Path, status: int) -> None:
    with pytest.raises(Unavailable, match=str(status)):
        await fetch(lambda request: httpx.Response(status), tmp_path / "talk")


@pytest.mark.parametrize(
    "url",
    [
        "https://elsewhere.example/1",
        "https://media.example.evil.test/1",
        "https://notmedia.example/1",
        "http://a.media.example/1",
        "https://169.254.169.254/latest",
        "https://[::1]/1",
        "https://127.0.0.1/1",
        "https://api.example@127.0.0.1/1",
        "ftp://api.example/1",
        "file:///etc/passwd",
        "/relative",
    ],
)
async def test_other_addresses_are_never_asked(tmp_path: Path, url: str) -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return sound()

    with pytest.raises(Refused):
        await fetch(answer, tmp_path / "talk", url)
    assert asked == []


@pytest.mark.parametrize(
    "to",
    [
        *("http://127.0.0.1/secret", "http://10.0.0.8/", "https://elsewhere.example/", "http://a.media.example/1"),
        *("https://xn--a/1", "//xn--a.media.example/1"),
    ],
)
async def test_a_redirect_to_a_foreign_or_private_host_is_not_followed(tmp_path: Path, to: str) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        return httpx.Response(302, headers={"location": to})

    with pytest.raises(Refused, match="not fetched"):
        await fetch(answer, tmp_path / "talk")
    assert asked == ["api.example"]


async def test_a_redirect_to_a_known_host_is_followed_without_our_credentials(tmp_path: Path) -> None:
    seen: list[tuple[str, str | None]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append((request.url.host, request.headers.get("authorization")))
        if len(seen) == 1:
            return httpx.Response(302, headers={"location": "https://eu.media.example/1"})
        return sound()

    assert await fetch(answer, tmp_path / "talk", headers={"authorization": "Basic x"}) == "audio/wav"
    assert seen == [("api.example", "Basic x"), ("eu.media.example", None)]


async def test_redirects_end(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="too often"):
        await fetch(lambda request: httpx.Response(302, headers={"location": "/again"}), tmp_path / "talk")


async def test_a_slow_drip_ends_in_time_and_leaves_nothing(tmp_path: Path) -> None:
    async def drip() -> AsyncIterator[bytes]:
        yield WAV
        await asyncio.Event().wait()

    response = httpx.Response(200, content=drip(), headers={"content-type": "audio/wav"})
    with pytest.raises(Unavailable, match="too slow"):
        await fetch(lambda request: response, tmp_path / "talk", seconds=0.05)
    assert not (tmp_path / "talk").exists()


async def test_a_line_that_breaks_leaves_nothing(tmp_path: Path) -> None:
    async def breaks() -> AsyncIterator[bytes]:
        yield WAV
        raise httpx.ReadError("cut")

    response = httpx.Response(200, content=breaks(), headers={"content-type": "audio/wav"})
    with pytest.raises(Unavailable, match="did not hand out"):
        await fetch(lambda request: response, tmp_path / "talk")
    assert not (tmp_path / "talk").exists()


async def test_a_name_that_points_to_a_private_address_is_connected_to_but_told_nothing(tmp_path: Path) -> None:
    """The wildcard stands for a vendor's domain of which a name was bent to our inner network."""
    received = bytearray()
    gone = asyncio.Event()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.extend(await reader.read())
        writer.close()
        gone.set()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, httpx.AsyncClient() as http:
        request = http.build_request("GET", f"https://127.0.0.1:{port}/", headers={"authorization": "Basic x"})
        with pytest.raises(CallboardError, match="private address"):
            await download(http, "Paperphone", request, tmp_path / "talk", 1000, {".0.0.1"})
        await asyncio.wait_for(gone.wait(), 5)
    assert received == b""


async def test_a_host_that_the_admin_named_may_be_private(tmp_path: Path) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: audio/wav\r\ncontent-length: 16\r\n\r\n" + WAV)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, httpx.AsyncClient() as http:
        request = http.build_request("GET", f"http://127.0.0.1:{port}/")
        assert await download(http, "Paperphone", request, tmp_path / "talk", 1000, {"127.0.0.1"}) == "audio/wav"
