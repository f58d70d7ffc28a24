"""What any service may answer: damaged, without end, a page for people, or more words than a card has room for."""

import random
import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from typing_extensions import override

from bot.errors import Ambiguous, ProviderError, Refused, Unavailable
from bot.events import AnyEvent, Event
from bot.operations import operations
from bot.provider import LARGEST_ANSWER, LONGEST_WORDS
from bot.providers import provider_class
from tests.provider_samples import (
    DIALS,
    HTML,
    KINDS,
    Raw,
    arguments,
    configured,
    conversation,
    failure,
    meaning,
    sample_files,
    sampled_operations,
    successful,
)
from tests.test_webhooks_damaged import damaged_body

ASKED = [one for one in sampled_operations() if one.values[1] != "fetch_recording"]
"""All operations whose answer is read whole; a recording is written to a file, piece by piece."""


class Endless(httpx.AsyncByteStream):
    """An answer without end; `sent`: bytes of it that were taken."""

    def __init__(self) -> None:
        self.sent = 0
        self.closed = False

    @override
    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            self.sent += 1 << 20
            yield b" " * (1 << 20)

    @override
    async def aclose(self) -> None:
        self.closed = True


@pytest.mark.parametrize(
    ("kind", "name"),
    [(kind, name) for kind in KINDS for name in ("place_call", "check") if provider_class(kind).can(name)],
)
async def test_an_answer_without_end_is_not_read_to_it(kind: str, name: str) -> None:
    """It would fill the memory within the seconds that an answer may take, and everything with it."""
    stream = Endless()
    raised = await failure(kind, name, lambda: httpx.Response(200, stream=stream))
    assert type(raised) is (Ambiguous if name in DIALS else Unavailable)
    assert stream.sent <= LARGEST_ANSWER + (1 << 20)
    assert stream.closed


@pytest.mark.parametrize(("kind", "name"), ASKED)
async def test_a_page_for_people_is_not_said_to_them_as_it_is_written(kind: str, name: str) -> None:
    """A firewall, or a web server in front of the service, answers with HTML."""
    for status in (302, 403, 404, 405):
        raised = await failure(kind, name, lambda status=status: httpx.Response(status, html=HTML))  # type: ignore[misc]
        words = raised.words if isinstance(raised, Refused) else ""
        assert "<" not in str(raised) + words
        assert str(status) in str(raised)


LONG = "No such thing. " * 500


@pytest.mark.parametrize(("kind", "name"), ASKED)
async def test_a_sentence_has_room_for_what_to_do(kind: str, name: str) -> None:
    """Slack takes three thousand characters; what to do next stands at the end."""
    told: dict[str, Any] = dict.fromkeys(("ERRORMESSAGE", "message", "msg", "desc", "Description", "error"), LONG)
    told |= {"ERRORCODE": 1, "ErrorCode": 1, "ERR": 1, "ERROR_NUMBER": 2, "ERROR_DESCRIPTION": LONG, "success": False}
    told |= {"Status": 2, "StatusErrorMessage": LONG, "state": "failed", "DESC": LONG}
    if kind == "callgear":
        told["error"] = {"code": -32602, "message": LONG, "data": {"mnemonic": "tag_not_found", "field": "tag_id"}}
    raised = await failure(kind, name, lambda: httpx.Response(403, json=told))
    assert len(str(raised)) < LONGEST_WORDS + 300
    assert str(raised).endswith(".")


@pytest.mark.parametrize("kind", KINDS)
async def test_whatever_an_answer_holds_it_is_read_or_said_to_be_unreadable(kind: str, tmp_path: Path) -> None:
    """Members dropped and retyped at any depth: what comes out can be stored and shown, or is one of our errors."""
    chance = random.Random(f"answers of {kind}")
    for name in operations():
        for file in sample_files(kind, f"operations/{name}") if name != "fetch_recording" else ():
            for _ in range(4):
                told, responses = meaning(file), [response for _, response in conversation(file)]
                at = chance.randrange(len(responses))
                responses[at] = replace(responses[at], body=damaged_body(responses[at].body, chance))

                def answer(request: httpx.Request, left: list[Raw] = responses) -> httpx.Response:
                    response = left.pop(0) if len(left) > 1 else left[0]  # the last one again where it asks for more
                    return httpx.Response(int(response.start[1]), headers=response.headers, content=response.body)

                act = getattr(configured(kind, answer, told.get("region", "IL")), name)
                got: Any = None
                said = "Done."
                try:
                    got = await act(**arguments(name, told, tmp_path))
                except ProviderError as error:
                    said = str(error)
                assert said.encode().endswith((b".", b"!")), (file.stem, said)
                written = msgspec.json.encode(got)
                if isinstance(got, tuple) and got and isinstance(got[0], Event):
                    assert msgspec.json.decode(written, type=tuple[AnyEvent, ...]) == got, file.stem


@pytest.mark.parametrize("kind", KINDS)
async def test_an_answer_that_comes_in_pieces_is_whole(kind: str) -> None:
    name = "place_call" if provider_class(kind).can("place_call") else "send_message"
    file = successful(kind, name)[0]
    told = meaning(file)
    body = file.read_bytes().partition(b"\n---\n")[2].partition(b"\n\n")[2].strip()

    class Pieces(httpx.AsyncByteStream):
        @override
        async def __aiter__(self) -> AsyncIterator[bytes]:
            for at in range(len(body)):
                yield body[at : at + 1]

    provider = configured(kind, lambda request: httpx.Response(200, stream=Pieces()), told.get("region", "IL"))
    try:
        accepted = await getattr(provider, name)(**arguments(name, told, Path(tempfile.gettempdir())))
    except ProviderError as error:  # pragma: no cover
        raise AssertionError(str(error)) from error
    assert accepted.ref == told["returns"]["ref"]
