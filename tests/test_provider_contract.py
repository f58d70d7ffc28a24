"""What every provider must keep, found by its folder: this file is not edited for a new one.

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

import html
import inspect
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_type_hints
from urllib.parse import parse_qsl, quote, quote_plus

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import providers
from bot.call import Call
from bot.decide import KINDS as KINDS_OF_STEPS
from bot.errors import Ambiguous, ProviderError, Refused, Unavailable, Unreadable, Unsupported
from bot.events import Accepted, AnyEvent
from bot.hooks import Answer, Question, Reply, Request
from bot.operations import Operations, dialling, operations
from bot.orders import BASICS, SAID, CallOrder, ConferenceOrder, MessageOrder, Order, RepPhone, options
from bot.provider import Provider
from bot.providers import NAMES, provider_class

FOLDER = Path(providers.__file__).parent
KINDS = [name for name in NAMES if (FOLDER / name / "__init__.py").exists()]
DIALS = dialling()
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


def webhook_samples() -> Iterator[Any]:
    for kind in KINDS:
        for file in sample_files(kind, "webhooks"):
            yield pytest.param(kind, file, id=f"{kind}-{file.stem}")


def operation_samples() -> Iterator[Any]:
    for kind in KINDS:
        for name in operations():
            for file in sample_files(kind, f"operations/{name}"):
                yield pytest.param(kind, name, file, id=f"{kind}-{name}-{file.stem}")


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


def returned(name: str, told: Any) -> Any:
    """The sample's "returns" as what the operation's signature promises."""
    kind = get_type_hints(getattr(Operations, name).__wrapped__)["return"]
    return event(told) if kind is Accepted else None if kind is type(None) else msgspec.convert(told, kind)


def event(told: dict[str, Any]) -> AnyEvent:
    converted: AnyEvent = msgspec.convert({"at": 0, **told}, AnyEvent)
    return converted


def without_time(one: object) -> object:
    return msgspec.structs.replace(one, at=0) if isinstance(one, Accepted) else one


def same_reply(reply: Reply, told: dict[str, Any]) -> bool:
    return {"status": reply.status, "body": reply.body.decode(), "content_type": reply.content_type} == told


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


def test_every_folder_is_named() -> None:
    folders = {file.parent.name for file in FOLDER.glob("*/__init__.py")}
    assert folders == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_every_sample_has_its_meaning_beside_it(kind: str) -> None:
    files = [file for file in (FOLDER / kind / "samples").rglob("*") if file.is_file()]
    named = {file.with_suffix("") for file in files}
    assert set(files) == {name.with_suffix(suffix) for name in named for suffix in (".http", ".json")}
    places = {file.parent.relative_to(FOLDER / kind / "samples").as_posix() for file in files}
    assert places <= {"webhooks", *(f"operations/{name}" for name in operations())}


@pytest.mark.parametrize("kind", KINDS)
def test_no_secret_is_shown(kind: str) -> None:
    provider = configured(kind, offline)
    assert "SECRET" not in repr(provider)
    assert "SECRET" not in str(provider)
    assert any(setting.secret for setting in provider.settings)


@pytest.mark.parametrize(("kind", "file"), list(webhook_samples()))
def test_webhook_reads_as_written(kind: str, file: Path) -> None:
    told = meaning(file)
    provider = configured(kind, offline, told.get("region", "IL"))
    request = webhook_request(raw(file.read_bytes()))
    if "raises" in told:
        assert told["raises"] == "Unreadable"
        with pytest.raises(Unreadable) as caught:
            provider.read_webhook(request)
        assert str(caught.value).endswith(".")
        assert_no_secret(caught.value)
        return
    webhook = provider.read_webhook(request)
    assert list(webhook.events) == [event(one) for one in told["events"]]
    assert all(one.ref for one in webhook.events)
    assert webhook.question == (msgspec.convert(told["question"], Question) if told.get("question") else None)
    assert same_reply(webhook.reply, told["reply"])
    for pair in told.get("answers", []):
        assert webhook.question is not None
        assert same_reply(provider.write_answer(webhook.question, said(pair["answer"])), pair["reply"])


@pytest.mark.parametrize("kind", [kind for kind in KINDS if provider_class(kind).hook_paths])
def test_nothing_has_happened_that_is_yet_to_come(kind: str) -> None:
    """Of a service whose clock is hours ahead, or whose times are of another zone: calls back would come too early."""
    for file in sample_files(kind, "webhooks"):
        told, request = meaning(file), webhook_request(raw(file.read_bytes()))
        if told.get("events"):
            provider = configured(kind, offline, told.get("region", "IL"))
            now = min(one["at"] for one in told["events"]) - 3 * 3600
            events = provider.read_webhook(msgspec.structs.replace(request, received_at=now)).events
            assert [type(one) for one in events] == [type(event(one)) for one in told["events"]], file.stem
            assert max(one.at for one in events) <= now + 300, file.stem


@pytest.mark.parametrize("name", ["call_state", "active_calls"])
@pytest.mark.parametrize("kind", KINDS)
async def test_nothing_is_found_out_that_is_yet_to_come(kind: str, name: str, tmp_path: Path) -> None:
    """The same of what is asked for."""
    for file in successful(kind, name) if provider_class(kind).can(name) else ():
        told, answers = meaning(file), iter(response for _, response in conversation(file))

        def answer(request: httpx.Request, answers: Iterator[Raw] = answers) -> httpx.Response:
            response = next(answers)
            return httpx.Response(int(response.start[1]), headers=response.headers, content=response.body)

        if told.get("events"):
            provider = configured(kind, answer, told.get("region", "IL"))
            now = min(one["at"] for one in told["events"]) - 3 * 3600
            provider.clock = lambda now=now: now  # type: ignore[attr-defined]
            events = await getattr(provider, name)(**arguments(name, told, tmp_path))
            assert events, file.stem
            assert max(one.at for one in events) <= now + 300, file.stem


def said(told: dict[str, Any]) -> Answer:
    """An answer of a sample; a step is written as in a flow, with what it does under "do"."""
    step = dict(told.get("step", {}))
    kind = KINDS_OF_STEPS[step.pop("do")] if step else None
    return Answer(**told | ({"step": msgspec.convert(step, kind)} if kind else {}))


def webhook_request(message: Raw) -> Request:
    path, query = message.target
    return Request(message.start[0], path.removeprefix("/"), tuple(query), message.headers, message.body, RECEIVED_AT)


@pytest.mark.parametrize(("kind", "name", "file"), list(operation_samples()))
async def test_operation_speaks_as_written(kind: str, name: str, file: Path, tmp_path: Path) -> None:
    told = meaning(file)
    exchanges = conversation(file)

    def answer(request: httpx.Request) -> httpx.Response:
        expected, response = exchanges.pop(0)
        assert_same_request(request, expected)
        return httpx.Response(int(response.start[1]), headers=response.headers, content=response.body)

    act = getattr(configured(kind, answer, told.get("region", "IL")), name)
    if "raises" in told:
        expected = told["raises"]
        with pytest.raises(ProviderError) as caught:
            await act(**arguments(name, told, tmp_path))
        assert type(caught.value).__name__ == expected["error"]
        if isinstance(caught.value, Refused):
            assert caught.value.code == expected.get("code", "")
            assert caught.value.words == expected["words"]
        assert_no_secret(caught.value)
    elif "events" in told:
        assert list(await act(**arguments(name, told, tmp_path))) == [event(one) for one in told["events"]]
    else:
        got = await act(**arguments(name, told, tmp_path))
        assert without_time(got) == without_time(returned(name, told["returns"]))
    if "file" in told:
        assert (tmp_path / "file").read_text() == told["file"]
    assert not exchanges, "all requests of the sample were sent"


@pytest.mark.parametrize("name", operations())
@pytest.mark.parametrize("kind", KINDS)
async def test_every_operation_is_sampled_or_refused(kind: str, name: str) -> None:
    provider = configured(kind, offline)
    if provider.can(name):
        assert successful(kind, name)
        return
    with pytest.raises(Unsupported) as caught:
        await getattr(provider, name)()
    assert str(caught.value) == f"{provider.title} cannot {operations()[name]}."
    assert not sample_files(kind, f"operations/{name}")


SOMETHING: dict[object, object] = {
    **{"str": "something", "bool": True, "int | None": 30, "Speech | None": {"text": "something"}},
    "Mapping": {"name": "value"},
}
"""A value of each type that an option may have."""


@pytest.mark.parametrize(("order", "option"), [(order, option) for order in ORDERS for option in options(order)])
@pytest.mark.parametrize("kind", KINDS)
async def test_every_option_is_sampled_or_refused(kind: str, order: type[Order], option: str) -> None:
    name, attribute = ORDERS[order]
    provider = configured(kind, offline)
    known = getattr(provider, attribute)
    assert known <= options(order).keys()
    if not provider.can(name):
        assert not known
        return
    orders = [meaning(file)["order"] for file in successful(kind, name)]
    if option in known:
        assert any(option in one for one in orders)
        return
    told = options(order)[option]
    something = SOMETHING[str(getattr(told.type, "__name__", told.type)).replace("bot.orders.", "")]
    basics = {key: value for key, value in orders[0].items() if key in BASICS[order]}
    with pytest.raises(Unsupported, match=SAID.get(option, option.replace("_", " "))):
        await getattr(provider, name)(argument(order, {**basics, option: something}, Path()))


@pytest.mark.parametrize("phone", ["number", "extension", "login", "trunk", "employee"])
@pytest.mark.parametrize("kind", KINDS)
async def test_every_kind_of_rep_phone_is_sampled_or_refused(kind: str, phone: Any) -> None:
    provider = configured(kind, offline)
    if not provider.can("place_call"):
        return
    orders = [meaning(file)["order"] for file in successful(kind, "place_call")]
    if phone in provider.rep_phones:
        assert any(order["rep"]["kind"] == phone for order in orders)
        return
    with pytest.raises(Unsupported, match=f"{provider.title} cannot .*{phone}"):
        await provider.place_call(CallOrder(call_id="call-1", rep=RepPhone(phone, "1"), number=orders[0]["number"]))


def sampled_operations() -> Iterator[Any]:
    for kind in KINDS:
        for name in operations():
            if provider_class(kind).can(name):
                yield pytest.param(kind, name, id=f"{kind}-{name}")


HTML = "<!DOCTYPE html><html><body><h1>It works!</h1></body></html>"
NOT_REACHED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
UNCLEAR = (httpx.ReadTimeout, httpx.WriteTimeout, httpx.ReadError, httpx.RemoteProtocolError)


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


def raising(error: type[httpx.TransportError]) -> Callable[[], httpx.Response]:
    def answer() -> httpx.Response:
        raise error("the line is broken")

    return answer


@pytest.mark.parametrize("error", NOT_REACHED)
@pytest.mark.parametrize(("kind", "name"), list(sampled_operations()))
async def test_not_reached_is_unavailable(kind: str, name: str, error: type[httpx.TransportError]) -> None:
    assert type(await failure(kind, name, raising(error))) is Unavailable


@pytest.mark.parametrize("error", UNCLEAR)
@pytest.mark.parametrize(("kind", "name"), list(sampled_operations()))
async def test_no_answer_to_a_dial_is_ambiguous(kind: str, name: str, error: type[httpx.TransportError]) -> None:
    raised = await failure(kind, name, raising(error))
    assert type(raised) is Ambiguous if name in DIALS else isinstance(raised, Unavailable | Ambiguous)


@pytest.mark.parametrize("status", [408, 499, 500, 502, 503, 504])
@pytest.mark.parametrize(("kind", "name"), list(sampled_operations()))
async def test_an_internal_error_on_a_dial_is_ambiguous(kind: str, name: str, status: int) -> None:
    """408 and 499 are those of a gateway for what was given up on the way."""
    raised = await failure(kind, name, lambda: httpx.Response(status, html=HTML))
    assert type(raised) is Ambiguous if name in DIALS else isinstance(raised, Unavailable | Ambiguous)


@pytest.mark.parametrize("told", ["", "7", "-7", "soon", "9" * 5000, "Wed, 15 Nov 2023 00:00:00 GMT"])
@pytest.mark.parametrize(("kind", "name"), list(sampled_operations()))
async def test_what_is_asked_too_often_is_asked_later(kind: str, name: str, told: str) -> None:
    """It is no refusal: what waits in a queue, or in a file of calls, waits on."""
    raised = await failure(kind, name, lambda: httpx.Response(429, headers={"retry-after": told}, html=HTML))
    assert type(raised) is Unavailable
    assert "again" in str(raised)
    assert "_URL" not in str(raised)


@pytest.mark.parametrize("error", ["failed", {"code": -1, "message": "No."}])
@pytest.mark.parametrize(("kind", "name"), list(sampled_operations()))
async def test_an_error_is_none_the_less_one_for_an_ok_around_it(kind: str, name: str, error: object) -> None:
    if name == "fetch_recording":
        return  # whose answer is a sound, and JSON is none
    raised = await failure(kind, name, lambda: httpx.Response(200, json={"error": error}))
    assert not isinstance(raised, Unsupported)
    assert not isinstance(raised, Unavailable) or name not in DIALS


@pytest.mark.parametrize("status", [403, 500])
@pytest.mark.parametrize(("kind", "name"), list(sampled_operations()))
async def test_credentials_that_a_service_says_back_are_shown_to_nobody(kind: str, name: str, status: int) -> None:
    credentials = [f"{one.name.upper()}-SECRET" for one in provider_class(kind).settings if one.secret]
    words = f"Not allowed for {' and '.join(credentials)}"
    told = dict.fromkeys(("ERRORMESSAGE", "message", "msg", "desc", "details", "description"), words)
    for error in ("", words, {"code": -1, "message": words, "details": words, "data": {"mnemonic": words}}):
        await failure(kind, name, lambda error=error: httpx.Response(status, json=told | {"error": error}))  # type: ignore[misc]


def with_credential(kind: str, credential: str, answer: Callable[[], httpx.Response]) -> Provider:
    provider = configured(kind, lambda request: answer())
    secret = {setting.name: credential for setting in provider.settings if setting.secret}
    return type(provider)(kind, provider.values | secret, provider.http, provider.region)


async def answered(provider: Provider) -> httpx.Response:
    return await provider.send(provider.http.build_request("GET", "https://provider.example"), any_status=True)


@pytest.mark.parametrize(
    "written",
    [
        json.dumps({"message": 'password "%s" is wrong'}),
        json.dumps({"message": "password=%s&lang=en"}).replace("&", "\\u0026").replace("=", "\\u003d"),
        "<message>password is %s</message>",
        json.dumps({"message": "wrong password\n%s\n"}),
        json.dumps({"message": 'Wrong: {"password": "%s", "lang":"en"}'}),
        "Bad request: username=demo&password=%s&lang=en",
        "password%%3D%s%%26lang%%3Den",
        "%s",
        "%s, %s and %s",
    ],
)
@pytest.mark.parametrize("credential", ['a"b/c d&e=f+ğ', "geheim'7<x>", "CODE0000000000ab", "271828182", "hunterstwo"])
@pytest.mark.parametrize("kind", KINDS)
async def test_credentials_are_found_as_any_service_may_write_them(kind: str, credential: str, written: str) -> None:
    text = json.dumps(credential)[1:-1]
    forms = (
        credential,
        text,
        text.replace("/", "\\/"),
        json.dumps(credential, ensure_ascii=False)[1:-1],
        "".join(f"\\u{ord(one):04x}" if one in "<>&='" else json.dumps(one)[1:-1] for one in credential),
        quote(credential, safe=""),
        quote_plus(credential),
        html.escape(credential),
    )
    for form in forms:
        content = written.replace("%s", form).replace("%%", "%").encode()
        response = await answered(with_credential(kind, credential, lambda: httpx.Response(403, content=content)))  # noqa: B023
        assert form not in response.text
        assert response.text.count("***") == written.count("%s")


@pytest.mark.parametrize(
    ("credential", "answer"),
    [
        ("123456", {"success": True, "id": 71234560, "call_session_id": "20231234567", "at": 1234567890.123456789}),
        ("session", {"call_session_id": 7, "sessions": [], "session2": "a_session"}),
        ("972505550101", {"id": "9725055501011", "CALLID": "a972505550101"}),
        ("ab1", {"id": "ab1", "CALLID": "cab12"}),
        ("success", {"success": True, "message": "Request Received", "id": 41}),
        ("1402235247", {"JoinTime": 1402235247, "ID": 10035}),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
async def test_what_only_holds_a_careless_password_is_none(kind: str, credential: str, answer: dict[str, Any]) -> None:
    """An id with three stars in it would be that of no call."""
    response = await answered(with_credential(kind, credential, lambda: httpx.Response(200, json=answer)))
    assert response.json() == answer


async def test_what_signs_a_request_in_is_shown_to_nobody_either() -> None:
    """Some gateways say a header back that they cannot read."""
    words = ""

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal words
        words = request.headers["authorization"]
        return httpx.Response(403, json={"message": f"Not a key=value pair in Authorization header: '{words}'."})

    with pytest.raises(Refused) as caught:
        await configured("enablex", answer).hang_up(Call(id="call-1", account="enablex", refs=("v-1",)))
    assert words.startswith("Basic ")
    assert words.removeprefix("Basic ") not in str(caught.value) + caught.value.words
    assert "***" in str(caught.value)


NO_KNOWN_FORM = (HTML, "", "\x00", "[]", "{}", "null", '{"a":', "<a>", "<?xml version='1.0'?><a/>")
TOO_DEEP = '{"a":' * 5000


@pytest.mark.parametrize("content", [*NO_KNOWN_FORM, pytest.param(TOO_DEEP, id="too-deep")])
@pytest.mark.parametrize(("kind", "name"), list(sampled_operations()))
async def test_an_answer_to_a_dial_in_no_known_form_is_ambiguous(kind: str, name: str, content: str) -> None:
    if any(content.encode() == response.body for file in successful(kind, name) for _, response in conversation(file)):
        return  # a service may well answer "{}" when it has nothing to say
    raised = await failure(kind, name, lambda: httpx.Response(200, html=content))
    assert type(raised) is Ambiguous if name in DIALS else not isinstance(raised, Unsupported)


@pytest.mark.parametrize("recording", ["", "x", "../call/x", "https://\x00", "https://[::1", "https://xn--a/x"])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if provider_class(kind).can("fetch_recording")])
async def test_a_recording_without_a_good_address_is_refused(kind: str, recording: str, tmp_path: Path) -> None:
    """It came with a webhook, as anything may."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(404)

    with pytest.raises(Refused) as caught:
        await configured(kind, answer).fetch_recording(recording, tmp_path / "file", 1000)
    assert str(caught.value).endswith(".")
    assert_no_secret(caught.value)
    assert all(b"/recording/" in request.url.raw_path and b"/call/" not in request.url.raw_path for request in asked)


def with_another(member: bytes) -> Callable[[bytes], bytes]:
    """The object with one more member at its end."""
    return lambda body: body.rstrip()[:-1].rstrip(b",") + (b", " if body.strip() != b"{}" else b"") + member + b"}"


NO_MATTER: dict[str, Callable[[bytes], bytes]] = {
    "byte order mark": lambda body: b"\xef\xbb\xbf" + body,
    "another encoding": lambda body: body.decode().encode("utf-16"),
    "line ends and a nul": lambda body: b"\r\n" + body + b"\r\n\0",
    "a list of one": lambda body: b"[" + body + b"]",
    "text once more": lambda body: json.dumps(body.decode()).encode(),
    "another charset": with_another(b'"more": "caf\xe9"'),
    "half a character": with_another(b'"more": "\\ud83d"'),
    "no number": with_another(b'"more": [NaN, -Infinity, 1e999]'),
    "a large number": with_another(b'"more": ' + b"9" * 5000),
    "a line break": with_another(b'"more": "one\ntwo"'),
    "a comma too many": with_another(b""),
    "more members": with_another(b'"more": {"": [1, null, {"id": {}}]}, "MORE": ""'),
}
"""What may be wrong with a JSON object whose every member can still be read."""


@pytest.mark.parametrize("damage", NO_MATTER)
@pytest.mark.parametrize("kind", [kind for kind in KINDS if provider_class(kind).hook_paths])
def test_damage_that_does_not_matter_loses_no_webhook(kind: str, damage: str) -> None:
    tried = 0
    for file in sample_files(kind, "webhooks"):
        told, request = meaning(file), webhook_request(raw(file.read_bytes()))
        if "raises" in told or not is_object(request.body):
            continue
        provider = configured(kind, offline, told.get("region", "IL"))
        whole = provider.read_webhook(request)
        damaged = provider.read_webhook(msgspec.structs.replace(request, body=NO_MATTER[damage](request.body)))
        assert (damaged.events, damaged.question) == (whole.events, whole.question), file.stem
        tried += 1
    assert tried


def is_object(body: bytes) -> bool:
    try:
        return body.startswith(b"{") and isinstance(json.loads(body), dict)
    except ValueError:
        return False


ODD: tuple[Any, ...] = (
    *(None, "", "null", True, 0, -1, 1e300, 10**25, "9" * 400, "NaN", "-inf", "1.5", "٣", [], {}, [None], {"id": [1]}),
    *("1970-01-01T00:00:00", "2099-12-31 23:59:59+14:00", "0001-01-01T00:00:00Z", 1_700_000_000_000, "<!channel>"),
)
"""What a member may hold in place of what it should."""


@pytest.mark.parametrize("kind", [kind for kind in KINDS if provider_class(kind).hook_paths])
def test_one_odd_member_loses_no_webhook(kind: str) -> None:
    """Where it can be read without it: an odd value says no more than none, and what is told can be kept and shown."""
    for file in sample_files(kind, "webhooks"):
        told, request = meaning(file), webhook_request(raw(file.read_bytes()))
        if not told.get("events") or not is_object(request.body):
            continue
        provider, members = configured(kind, offline, told.get("region", "IL")), json.loads(request.body)
        refs = {one.ref for one in provider.read_webhook(request).events}
        for name, value in members.items():
            without = {other: value for other, value in members.items() if other != name}
            if str(value) in refs or not reads(provider, request, without):
                continue
            for odd in ODD:
                damaged = {**members, name: odd}
                events = reads(provider, request, damaged)
                assert events is not None, (file.stem, name, odd)
                assert {one.ref for one in events} <= refs, (file.stem, name, odd)
                assert all(map(plausible, events)), (file.stem, name, odd)


def reads(provider: Provider, request: Request, members: dict[str, Any]) -> tuple[AnyEvent, ...] | None:
    """The events of these members, None = they cannot be read."""
    try:
        events = provider.read_webhook(msgspec.structs.replace(request, body=json.dumps(members).encode())).events
    except Unreadable:
        return None
    assert msgspec.json.decode(msgspec.json.encode(events), type=tuple[AnyEvent, ...]) == events
    return events


def plausible(one: AnyEvent) -> bool:
    """Of a time that calendars have, and a length that a call may have."""
    seconds = [getattr(one, name, 0) for name in ("ring_seconds", "talk_seconds", "wait_seconds", "seconds")]
    return 946_684_800 <= one.at < 4_103_000_000 and all(0 <= each < 10**8 for each in seconds)


@pytest.mark.parametrize("damage", NO_MATTER)
@pytest.mark.parametrize("kind", KINDS)
async def test_damage_that_does_not_matter_leaves_an_answer_as_it_is(kind: str, damage: str, tmp_path: Path) -> None:
    """What was done is known to be done, and what was refused to be refused: nobody has to look at their phone."""
    tried = 0
    for name in operations():
        for file in sample_files(kind, f"operations/{name}"):
            told, exchanges = meaning(file), conversation(file)
            if not all(is_object(response.body) for _, response in exchanges):
                continue

            def answer(request: httpx.Request, exchanges: list[tuple[Raw, Raw]] = exchanges) -> httpx.Response:
                response = exchanges.pop(0)[1]
                content = NO_MATTER[damage](response.body)
                return httpx.Response(int(response.start[1]), headers=response.headers, content=content)

            act = getattr(configured(kind, answer, told.get("region", "IL")), name)
            raised = ""
            try:
                await act(**arguments(name, told, tmp_path))
            except ProviderError as error:
                raised = type(error).__name__
            assert raised == told.get("raises", {"error": ""})["error"], file.stem
            tried += 1
    assert tried


@pytest.mark.parametrize("kind", KINDS)
async def test_one_odd_member_of_an_answer_has_a_meaning(kind: str, tmp_path: Path) -> None:
    """It is done, refused, unclear, or for later; and what dials was sent once."""
    for name in operations():
        for file in successful(kind, name)[:3]:
            told, exchanges = meaning(file), conversation(file)
            body = exchanges[-1][1].body
            for damaged in with_odd_members(json.loads(body)) if is_object(body) else ():
                sent: list[httpx.Request] = []

                def answer(
                    request: httpx.Request,
                    sent: list[httpx.Request] = sent,
                    exchanges: list[tuple[Raw, Raw]] = exchanges,
                    damaged: object = damaged,
                ) -> httpx.Response:
                    sent.append(request)
                    response = exchanges[min(len(sent), len(exchanges)) - 1][1]
                    content = json.dumps(damaged).encode() if len(sent) >= len(exchanges) else response.body
                    return httpx.Response(int(response.start[1]), headers=response.headers, content=content)

                provider = configured(kind, answer, told.get("region", "IL"))
                try:
                    result = await getattr(provider, name)(**arguments(name, told, tmp_path))
                except ProviderError as error:
                    assert_no_secret(error)
                else:
                    msgspec.json.encode(result)
                    several = result if isinstance(result, tuple) else (result,)
                    assert all(plausible(one) for one in several if hasattr(one, "at") and hasattr(one, "ref")), damaged
                assert len(sent) <= len(exchanges) or name not in DIALS
                provider.notices()


def with_odd_members(told: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The object with one odd member, in it or in an object inside it."""
    for name, value in told.items():
        for odd in ODD[::2]:
            yield {**told, name: odd}
        inside = value[0] if isinstance(value, list) and value else value
        if isinstance(inside, dict):
            for damaged in with_odd_members(inside):
                yield {**told, name: [damaged, *value[1:]] if isinstance(value, list) else damaged}


def readable(kind: str, request: Request) -> None:
    provider = configured(kind, offline)
    try:
        webhook = provider.read_webhook(request)
    except Unreadable:
        return
    assert all(one.key for one in webhook.events)
    if webhook.question is not None:
        provider.write_answer(webhook.question, Answer())


def requests(kind: str) -> st.SearchStrategy[Request]:
    """Anything at all, and samples with something wrong in them."""
    samples = [webhook_request(raw(file.read_bytes())) for file in sample_files(kind, "webhooks")]
    paths = st.sampled_from(sorted(provider_class(kind).hook_paths)) | st.text(max_size=8)
    names = st.sampled_from(sorted({name for one in samples for name, _ in one.query} | {"id"})) | st.text(max_size=8)
    types = ["application/json", "application/x-www-form-urlencoded", "text/xml", "text/plain", "multipart/form-data"]
    headers: Sequence[dict[str, str]] = [{}, *({"content-type": media_type} for media_type in types)]
    anything = st.builds(
        Request,
        method=st.sampled_from(["GET", "POST", "PUT"]),
        path=paths,
        query=st.lists(st.tuples(names, st.text(max_size=12)), max_size=6).map(tuple),
        headers=st.sampled_from(headers),
        body=st.binary(max_size=60) | st.recursive(json_leaves, json_nodes).map(lambda told: json.dumps(told).encode()),
        received_at=st.just(RECEIVED_AT),
    )
    return anything | st.builds(damaged, st.sampled_from(samples), st.integers(0, 4000), st.binary(max_size=4), names)


json_leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)


def json_nodes(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3)


def damaged(request: Request, place: int, splinter: bytes, name: str) -> Request:
    """A sample with a few bytes of its body replaced, and one value of its query too."""
    at = place % (len(request.body) + 1)
    body = request.body[:at] + splinter + request.body[at + len(splinter) :]
    query = tuple((key, splinter.decode(errors="replace") if key == name else value) for key, value in request.query)
    return Request(request.method, request.path, query, request.headers, body, request.received_at)


TELLING = [kind for kind in KINDS if sample_files(kind, "webhooks")]


@pytest.mark.parametrize("kind", sorted(set(KINDS) - set(TELLING)))
def test_a_service_without_webhooks_reads_none(kind: str) -> None:
    assert not provider_class(kind).hook_paths
    with pytest.raises(Unreadable, match="sends no webhooks"):
        configured(kind, offline).read_webhook(Request("POST", "", (), {}, b"{}", RECEIVED_AT))


@pytest.mark.parametrize("kind", TELLING)
def test_whatever_comes_is_read_or_unreadable(kind: str) -> None:
    @given(requests(kind))
    def check(request: Request) -> None:
        readable(kind, request)

    check()


BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol">'
    + b"".join(
        b'<!ENTITY lol%d "%s">' % (n, b"&lol%s;" % (b"" if n == 1 else b"%d" % (n - 1)) * 10) for n in range(1, 10)
    )
    + b"]><methodCall><methodName>&lol9;</methodName></methodCall>"
)
DTD = b'<?xml version="1.0"?><!DOCTYPE methodCall SYSTEM "http://attacker.example/x.dtd"><methodCall/>'
FILE = b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><methodCall><methodName>&b;</methodName></methodCall>'
DEEP = b"<a>" * 200_000
LONG = b"{" * 200_000


@pytest.mark.parametrize("body", [BOMB, DTD, FILE, DEEP, LONG], ids=["bomb", "dtd", "file", "deep xml", "deep json"])
@pytest.mark.parametrize("media_type", ["text/xml", "application/json", "text/plain"])
@pytest.mark.parametrize("kind", KINDS)
def test_hostile_documents_are_unreadable(kind: str, media_type: str, body: bytes) -> None:
    provider = configured(kind, offline)
    for path in provider.hook_paths:
        with pytest.raises(Unreadable):
            provider.read_webhook(Request("POST", path, (), {"content-type": media_type}, body, RECEIVED_AT))
