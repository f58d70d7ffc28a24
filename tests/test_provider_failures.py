"""What every provider must keep when its service fails: a true error, a sentence, and no dial a second time."""

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from bot.errors import Ambiguous, Refused, Unavailable, Unsupported
from bot.providers import provider_class
from tests.provider_samples import (
    DIALS,
    HTML,
    KINDS,
    assert_no_secret,
    configured,
    conversation,
    failure,
    sampled_operations,
    successful,
)

NOT_REACHED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
UNCLEAR = (httpx.ReadTimeout, httpx.WriteTimeout, httpx.ReadError, httpx.RemoteProtocolError)


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
