"""Webhooks damaged in any way: answered as documented, kept as far as they can be, and shown like any other.

The samples of every service are sent to the whole office with members dropped, doubled, retyped and lengthened, at any
depth, and with bytes that were changed on the way. `tests/test_provider_damage.py` has the same of single members.
"""

import json
import logging
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from bot.events import CdrReceived
from bot.fold import fold
from bot.hooks import Request
from bot.provider import Provider
from bot.providers import provider_class
from tests.office import ENVIRONMENT, Office
from tests.provider_samples import KINDS, Raw, configured, meaning, offline, raw, sample_files
from tests.test_provider_damage import ODD

HOOKED = [kind for kind in KINDS if provider_class(kind).hook_paths]
DAMAGES = 3
"""Of each sample."""
MORE: tuple[Any, ...] = (
    *(
        "x" * 5000,
        "שלום " * 300,
        "\x00",
        "\\u0000",
        "{",
        "[1",
        '"',
        "%",
        "-0",
        "+",
        "sip:a@b",
        "http://[::1",
        2**63,
        0.1,
    ),
    *("*bold* <@U1> <https://evil.example|here>", "a\nb\tc", "\u202e", "anonymous", [[]], [{}, {}], {"": {"": None}}),
)
BYTES = (b"&", b"<", b">", b"\x00", b"\xff", b"x" * 3000, b"%", b"+", b"&#0;", b"&#xd800;", b"<value/>", b"=", b"\xe9")


@dataclass(frozen=True)
class Sent:
    """One webhook. `path`: below the hook address, with its query."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    sample: str


def damaged(kind: str, chance: random.Random) -> Iterator[Sent]:
    """Every sample as it is, and some times damaged."""
    for file in sample_files(kind, "webhooks"):
        message = raw(file.read_bytes())
        yield _sent(message, message.body, message.target[1], file)
        for _ in range(DAMAGES):
            yield _sent(message, damaged_body(message.body, chance), _query(message.target[1], chance), file)


def _sent(message: Raw, body: bytes, query: list[tuple[str, str]], file: Path) -> Sent:
    path = message.target[0] + (f"?{urlencode(query)}" if query else "")
    headers = {name: value for name, value in message.headers.items() if name not in ("host", "content-length")}
    return Sent(message.start[0], path, headers, body, file.stem)


def _query(query: list[tuple[str, str]], chance: random.Random) -> list[tuple[str, str]]:
    changed = list(query)
    if changed:
        at = chance.randrange(len(changed))
        odd = _odd(chance)
        changed[at : at + 1] = (
            [] if odd is None else [(changed[at][0], odd if isinstance(odd, str) else json.dumps(odd))]
        )
    return changed


def damaged_body(body: bytes, chance: random.Random) -> bytes:
    """JSON with members dropped and retyped; anything else with other bytes in it."""
    try:
        value = json.loads(body)
    except ValueError:
        return _bytes(body, chance)
    if not isinstance(value, dict | list) or chance.random() < 0.1:
        return _bytes(body, chance)
    for _ in range(chance.randint(1, 3)):
        places = list(_places(value))
        if places:
            inside, name = chance.choice(places)
            if chance.random() < 0.2:
                del inside[name]
            else:
                inside[name] = _odd(chance)
    return json.dumps(value, ensure_ascii=chance.random() < 0.5).encode(errors="surrogatepass")


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield value, name
        if isinstance(inner, dict | list):
            yield from _places(inner)


def _odd(chance: random.Random) -> Any:
    return json.loads(json.dumps(chance.choice((*ODD, *MORE))))


def _bytes(body: bytes, chance: random.Random) -> bytes:
    changed = bytearray(body)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(changed) + 1)
        changed[at : at + chance.choice((0, 0, 1, 20))] = chance.choice(BYTES)
    return bytes(changed)


@pytest.mark.parametrize("kind", HOOKED)
async def test_whatever_comes_is_answered_as_documented_and_shown(
    kind: str, desk: Office, caplog: pytest.LogCaptureFixture
) -> None:
    provider = configured(kind, offline, "IL")
    desk.board.providers = {kind: provider}
    hook = f"/hooks/{kind}/{ENVIRONMENT['CALLBOARD_HOOK_SECRET']}"
    before = [record for record in caplog.records if record.levelno >= logging.ERROR]
    answers = dict.fromkeys((200, 400), 0)
    for one in damaged(kind, random.Random(f"damaged {kind}")):
        path = quote(one.path, safe="/?&=%+")
        answer = await desk.http.request(one.method, hook + path, headers=one.headers, content=one.body)
        assert answer.status_code in answers, (one.sample, answer.text)
        answers[answer.status_code] += 1
        assert answer.status_code == 200 or answer.text, one.sample
    assert answers[200] > answers[400]  # what is damaged in places that do not matter is read
    desk.clock.advance(10)
    await desk.settle()
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == before
    shown = await desk.calls()
    assert shown
    for call in shown:
        assert call.started_at < desk.clock() + 400
    await desk.type("/calls log", user="U9")
    assert desk.told or desk.slack.views


RECORD = {
    "type": "Incoming Call", "status": "ANSWER", "time": 1_700_000_000, "duration": 40, "dialtime": 4,
    "caller": "12025550155", "target": "AAPINFzL", "did": "12025550100",
}  # fmt: skip


@pytest.mark.parametrize("damage", [*ODD, *MORE, {"ivruniqueid": None}, {**RECORD, "ivruniqueid": {}}])
@pytest.mark.parametrize("at", range(3))
def test_one_damaged_record_of_several_takes_no_other_along(damage: Any, at: int) -> None:
    provider = configured("voicenter", offline, "US")
    rows: list[Any] = [{**RECORD, "ivruniqueid": ref} for ref in ("one", "two")]
    rows.insert(at, damage)
    assert _told(provider, rows) >= {"one", "two"}


def _told(provider: Provider, rows: list[Any]) -> set[str]:
    request = Request("POST", "cdr", (), {}, json.dumps(rows).encode(), 1_700_000_000.0)
    events = provider.read_webhook(request).events
    for ref in {event.ref for event in events}:
        fold("call-1", "voicenter", [event for event in events if event.ref == ref])
    return {event.ref for event in events if isinstance(event, CdrReceived)}


def test_every_sample_is_damaged() -> None:
    for kind in HOOKED:
        sent = {one.sample for one in damaged(kind, random.Random(0))}
        assert sent == {file.stem for file in sample_files(kind, "webhooks") if meaning(file)}
