"""The samples of every provider, read: what was received, what must be sent, and what both mean.

Samples lie beside the code, `samples/<kind>/<name>.http` with its meaning in `<name>.json`:

    webhooks/                  the raw request, its path below the account's hook address, received at 1700000000.
        {"events": [...], "reply": {"status", "body", "content_type"}, "question": null | {...},
         "answers": [{"answer": {...}, "reply": {...}}, ...] (optional: what `write_answer` makes of the question;
         a step of an answer is written as in a flow, with "do")}
        or {"raises": "Unreadable"}
    operations/<operation>/    the raw request that must be sent, a line `---`, the raw response; repeated where an
                               operation sends several. Required settings are NAME-SECRET, addresses among them
                               https://provider.example/<name>; others have their defaults. The account's own
                               hook address is https://callboard.example/hooks/<kind>/secret.
        {the operation's arguments by their names (left out = the default), and
         "returns" | "events" | "raises": {"error", "code", "words"}}
        A call and an order are filled up with an id. Where a file is asked for it is made; "file" is its content.

Raw HTTP has LF or CRLF line ends; one line end at the end of the file is not part of the body. Requests are compared
as parsed; of their headers, Host, Authorization and the media type are, where the sample has them. `at` of an
Accepted is not compared. "region" in the .json is the account's country, else IL.
"""

import inspect
import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_type_hints
from urllib.parse import parse_qsl

import httpx
import msgspec
import pytest

from bot import providers
from bot.call import Call
from bot.errors import ProviderError
from bot.hooks import Request
from bot.operations import Operations, dialling, operations
from bot.orders import CallOrder, ConferenceOrder, MessageOrder, Order
from bot.provider import Provider
from bot.providers import NAMES, provider_class

FOLDER = Path(providers.__file__).parent
KINDS = [name for name in NAMES if (FOLDER / name / "__init__.py").exists()]
DIALS = dialling()
HTML = "<!DOCTYPE html><html><body><h1>It works!</h1></body></html>"
ORDERS: dict[type[Order], tuple[str, str]] = {
    CallOrder: ("place_call", "order_options"),
    MessageOrder: ("send_message", "message_options"),
    ConferenceOrder: ("join_conference", "conference_options"),
}
"""Kind of order -> the operation that takes it, and the attribute that names the options it can express."""
RECEIVED_AT = 1_700_000_000.0


@dataclass(frozen=True)
class Raw:
    """One HTTP message, parsed: a request's or a response's first line, headers in lower case, body."""

    start: tuple[str, ...]
    headers: dict[str, str]
    body: bytes

    @property
    def target(self) -> tuple[str, list[tuple[str, str]]]:
        path, _, query = self.start[1].partition("?")
        return path, parse_qsl(query, keep_blank_values=True)


def raw(text: bytes) -> Raw:
    head, gap, body = text.replace(b"\r\n", b"\n").partition(b"\n\n")
    start, *lines = head.decode().strip().split("\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    assert gap or not body, "an HTTP message has an empty line after its headers"
    return Raw(tuple(start.split(" ", 2)), headers, body.removesuffix(b"\n"))


def sample_files(kind: str, under: str) -> list[Path]:
    return sorted((FOLDER / kind / "samples" / under).glob("*.http"))


def meaning(file: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(file.with_suffix(".json").read_text())
    return told


def configured(kind: str, answer: Callable[[httpx.Request], httpx.Response], region: str = "IL") -> Provider:
    cls = provider_class(kind)
    values = {
        setting.name: setting.default
        if setting.default is not None and not setting.secret
        else f"https://provider.example/{setting.name}"
        if setting.name.endswith("url")
        else f"{setting.name.upper()}-SECRET"
        for setting in cls.settings
    }
    http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    provider = cls(kind, values, http, region)
    provider.hook_url = f"https://callboard.example/hooks/{kind}/secret"
    if hasattr(provider, "clock"):
        provider.clock = lambda: RECEIVED_AT
    if hasattr(provider, "sleep"):
        provider.sleep = at_once
    return provider


async def at_once(seconds: float) -> None:
    """Nobody waits in a test."""


def offline(request: httpx.Request) -> httpx.Response:
    raise AssertionError("nothing may be sent")


def argument(kind: Any, told: Any, tmp_path: Path) -> Any:
    """A JSON value as what the operation's signature asks for."""
    if kind is Path:
        return tmp_path / "file"
    if kind is Call:
        return msgspec.convert({"id": "call-1", "account": "sample", **told}, Call)
    if kind in ORDERS:
        return msgspec.convert({"call_id": "call-1", **told}, kind)
    return msgspec.convert(told, kind)


def arguments(name: str, told: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
    method = getattr(Operations, name)
    types = get_type_hints(method.__wrapped__)
    names = [parameter for parameter in inspect.signature(method.__wrapped__).parameters if parameter != "self"]
    foreign = told.keys() - {*names, "returns", "events", "raises", "region", "file"}
    assert not foreign, f"{name} has no arguments {foreign}"
    return {
        parameter: argument(types[parameter], told.get(parameter), tmp_path)
        for parameter in names
        if parameter in told or types[parameter] is Path
    }


def body_parts(content_type: str, body: bytes) -> object:
    if "json" in content_type:
        return json.loads(body)
    if "urlencoded" in content_type:
        return sorted(parse_qsl(body.decode(), keep_blank_values=True))
    return body.strip()


def conversation(file: Path) -> list[tuple[Raw, Raw]]:
    blocks = [raw(block) for block in file.read_bytes().replace(b"\r\n", b"\n").split(b"\n---\n")]
    assert len(blocks) % 2 == 0, "each request has its response"
    return list(zip(blocks[::2], blocks[1::2], strict=True))


def assert_same_request(sent: httpx.Request, expected: Raw) -> None:
    path, query = expected.target
    assert (sent.method, sent.url.path) == (expected.start[0], path)
    assert sorted(sent.url.params.multi_items()) == sorted(query)
    for header in ("host", "authorization"):
        if header in expected.headers:
            assert sent.headers[header] == expected.headers[header]
    media_type = expected.headers.get("content-type", "")
    if media_type:
        assert sent.headers["content-type"].partition(";")[0] == media_type.partition(";")[0]
    media_type = media_type or sent.headers.get("content-type", "")
    assert body_parts(media_type, sent.content) == body_parts(media_type, expected.body)


def assert_no_secret(error: BaseException) -> None:
    """Neither in the sentence nor in what a traceback in the log would show below it."""
    told: BaseException | None = error
    while told is not None:
        assert "-SECRET" not in str(told)
        told = told.__cause__ or told.__context__


def successful(kind: str, name: str) -> list[Path]:
    return [file for file in sample_files(kind, f"operations/{name}") if "raises" not in meaning(file)]


def webhook_request(message: Raw) -> Request:
    path, query = message.target
    return Request(message.start[0], path.removeprefix("/"), tuple(query), message.headers, message.body, RECEIVED_AT)


def sampled_operations() -> Iterator[Any]:
    for kind in KINDS:
        for name in operations():
            if provider_class(kind).can(name):
                yield pytest.param(kind, name, id=f"{kind}-{name}")


async def failure(kind: str, name: str, answer: Callable[[], httpx.Response]) -> ProviderError:
    """What the operation raises when the service does this; a dial must not be tried a second time."""
    told = meaning(successful(kind, name)[0])
    sent = []

    def respond(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return answer()

    with pytest.raises(ProviderError) as caught:
        await getattr(configured(kind, respond, told.get("region", "IL")), name)(
            **arguments(name, told, Path(tempfile.gettempdir(), "callboard-sample"))
        )
    assert len(sent) == 1 or name not in DIALS
    assert str(caught.value).endswith((".", "!"))
    assert_no_secret(caught.value)
    return caught.value
