"""Webhooks in: who may send them, what they get, and that nothing is answered before it is on disk."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest

from bot.providers.voicenter import Voicenter
from bot.store import calls, people
from bot.store.people import Contact
from bot.web import MAX_BODY, application
from tests.office import ENVIRONMENT, Office

HOOK = f"/hooks/voicenter/{ENVIRONMENT['CALLBOARD_HOOK_SECRET']}"
RECORD = {
    "type": "Incoming Call", "status": "ANSWER", "ivruniqueid": "20300101000000aaaabbbbccccdddd01",
    "time": 1_770_000_000, "duration": 40, "dialtime": 4, "caller": "12025550155", "target": "AAPINFzL",
    "did": "12025550100",
}  # fmt: skip


@pytest.fixture
async def voicenter(desk: Office) -> Office:
    """The office with a real provider behind the hook."""
    provider = Voicenter("voicenter", {"code": "CODE-SECRET"}, desk.phone.http, "US")
    desk.board.providers = {"voicenter": provider}
    return desk


async def test_strangers_learn_nothing(voicenter: Office) -> None:
    answers = []
    for path in (
        "/hooks/voicenter/wrong-secret-0123456",
        "/hooks/nobody/wrong-secret-0123456",
        HOOK.replace("voicenter", "nobody"),
    ):
        answer = await voicenter.http.post(f"{path}/cdr", json=RECORD)
        answers.append((answer.status_code, answer.content))
    assert set(answers) == {(404, b"Not found")}
    assert await voicenter.calls() == []


async def test_a_record_is_on_disk_when_it_is_answered_and_counts_once(voicenter: Office) -> None:
    for _ in range(3):
        answer = await voicenter.http.post(f"{HOOK}/cdr", json=RECORD)
        assert (answer.status_code, answer.json()["err"]) == (200, 0)
    (call,) = await voicenter.calls()
    assert call.talk_seconds == 40
    assert await voicenter.board.read(calls.by_ref, "voicenter", str(RECORD["ivruniqueid"])) == call


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"not a record", 400),
        (b'{"a": 1}', 400),
        (b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'b'>]><methodCall/>", 400),
        (b"[" * 100_000, 400),
        (b"x" * (MAX_BODY + 1), 413),
    ],
)
async def test_what_cannot_be_read_is_refused_without_a_traceback(voicenter: Office, body: bytes, status: int) -> None:
    answer = await voicenter.http.post(f"{HOOK}/cdr", content=body)
    assert answer.status_code == status
    assert "Traceback" not in answer.text
    assert await voicenter.calls() == []


async def test_a_body_that_does_not_say_its_length_is_cut_off(voicenter: Office) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b"x" * 10_000

    answer = await voicenter.http.post(f"{HOOK}/cdr", content=parts())
    assert answer.status_code == 413


async def test_the_pop_up_is_answered_with_the_contact(voicenter: Office) -> None:
    await voicenter.board.write(people.save_contact, Contact("+12025550155", "Noa Green", "Green Gardens"), "U9", 0)
    answer = await voicenter.http.get(f"{HOOK}/popup", params={"phone": "12025550155"})
    assert answer.json()["CLIENTNAME"] == "Noa Green"
    stranger = await voicenter.http.get(f"{HOOK}/popup", params={"phone": "12025550156"})
    assert (stranger.status_code, stranger.json()["STATUS"]) == (200, "OK")


async def test_a_disk_that_fails_asks_for_another_delivery(voicenter: Office) -> None:
    await voicenter.board.db.write(lambda db: db.execute("DROP TABLE events"))
    answer = await voicenter.http.post(f"{HOOK}/cdr", json=RECORD)
    assert answer.status_code == 503


@pytest.mark.parametrize(("address", "status"), [("203.0.113.9", 200), ("198.51.100.1", 404)])
async def test_foreign_addresses_are_strangers(voicenter: Office, address: str, status: int) -> None:
    account = voicenter.board.settings.accounts[0]
    object.__setattr__(account, "addresses", ("203.0.113.0/24",))
    transport = httpx.ASGITransport(application(voicenter.board), client=(address, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://callboard.test") as http:
        assert (await http.post(f"{HOOK}/cdr", json=RECORD)).status_code == status


async def test_health(desk: Office) -> None:
    assert (await desk.http.get("/healthz/live")).text == "alive"
    assert (await desk.http.get("/healthz")).json()["ready"] is True
    await desk.board.problem("provider voicenter", "voicenter: the code is wrong.")
    answer = await desk.http.get("/healthz")
    assert (answer.status_code, json.loads(answer.content)["providers"]) == (503, {"voicenter": "failing"})
