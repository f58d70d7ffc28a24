"""Webhooks in: who may send them, what they get, and that nothing is answered before it is on disk."""

import asyncio
import contextlib
import json
import socket
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from bot.assembly import serving
from bot.events import LegRinging
from bot.hooks import Reply, Request, Webhook
from bot.providers.voicenter import Voicenter, xmlrpc
from bot.store import calls, contacts, ledger
from bot.store.contacts import Contact
from bot.web import MAX_BODY, MAX_SLACK_BODY, application
from tests.full_disk import fill
from tests.office import ENVIRONMENT, Office, PaperPhone

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


async def test_a_record_that_cannot_be_read_is_told_so_in_the_services_words(voicenter: Office) -> None:
    told = (await voicenter.http.post(f"{HOOK}/cdr", json={"a": 1})).json()
    assert (told["err"], "no ivruniqueid" in told["errdesc"]) == (1, True)
    xml = await voicenter.http.post(f"{HOOK}", content=b"<methodCall><methodName>CDR</methodName>")
    members = xmlrpc.read_response(xml.content)
    assert isinstance(members, dict)
    assert members["err"] == 1
    other = await voicenter.http.post(f"{HOOK}/elsewhere", json={"a": 1})
    assert (other.status_code, other.text.startswith("Nothing was read: ")) == (400, True)


async def test_a_body_that_does_not_say_its_length_is_cut_off(voicenter: Office) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(2 * MAX_BODY // 10_000):
            yield b"x" * 10_000

    answer = await voicenter.http.post(f"{HOOK}/cdr", content=parts())
    assert answer.status_code == 413


async def test_a_record_with_the_transcript_of_a_long_talk_is_read(voicenter: Office) -> None:
    """Newer records carry what was said (`aiData`), some hundred kilobytes an hour: it is not read, the call is."""
    words = [{"text": "word " * 20, "from": second, "to": second + 1} for second in range(4000)]
    answer = await voicenter.http.post(f"{HOOK}/cdr", json=RECORD | {"aiData": {"transcript": words}})
    assert answer.status_code == 200
    assert [call.talk_seconds for call in await voicenter.calls()] == [40]


async def test_the_admins_hear_of_a_webhook_that_is_too_large(voicenter: Office) -> None:
    """Its call would be missing, and nobody would know why."""
    answer = await voicenter.http.post(f"{HOOK}/cdr", content=b"x" * (MAX_BODY + 1))
    assert answer.status_code == 413
    ((key, text, *_),) = await voicenter.board.read(ledger.problems)
    assert (key, text) == (
        "webhook voicenter",
        f"A webhook of Voicenter (voicenter) could not be read: it has more than {MAX_BODY} bytes.",
    )
    await voicenter.http.post(f"{HOOK}/cdr", json=RECORD)
    await voicenter.settle()
    assert await voicenter.board.read(ledger.problems) == []


async def test_the_pop_up_is_answered_with_the_contact(voicenter: Office) -> None:
    await voicenter.board.write(contacts.save, Contact("+12025550155", "Noa Green", "Green Gardens"), "U9", 0)
    answer = await voicenter.http.get(f"{HOOK}/popup", params={"phone": "12025550155"})
    assert answer.json()["CLIENTNAME"] == "Noa Green"
    stranger = await voicenter.http.get(f"{HOOK}/popup", params={"phone": "12025550156"})
    assert (stranger.status_code, stranger.json()["STATUS"]) == (200, "OK")


async def test_a_transferred_call_says_whose_it_was(voicenter: Office) -> None:
    first, second = str(RECORD["ivruniqueid"]), "20300101000000aaaabbbbccccdddd02"
    told = RECORD | {"representative_name": "Dana Ort"}
    handed_on = {"type": "XferCDR", "ivruniqueid": second, "target": "BBPINFzM", "OriginalIvrUniqueID": first}
    for record in (told, told | handed_on | {"representative_name": "Walter Melon"}):
        await voicenter.http.post(f"{HOOK}/cdr", json=record)
    await voicenter.settle()
    shown = [message.text for message in voicenter.slack.channels["C1"].messages]
    assert [
        text for text in shown if "Walter Melon took it" in text and "ransferred by Dana Ort, who talked 40 s" in text
    ]


EXTENSION = "chrome-extension://ifiaikfdhcagbagdeflffjdammidpbio"


async def test_the_browser_extension_may_ask_and_read_the_answer(voicenter: Office) -> None:
    asked = await voicenter.http.options(f"{HOOK}/popup", headers={"origin": EXTENSION})
    assert (asked.status_code, asked.content) == (200, b"")
    assert asked.headers["access-control-allow-origin"] == EXTENSION
    assert "POST" in asked.headers["access-control-allow-methods"]
    assert asked.headers["access-control-allow-headers"] == "content-type"
    told = {"phone": "12025550155", "status": "Ringing", "ivrid": "x", "extenUser": "AAPINFzL"}
    answer = await voicenter.http.post(f"{HOOK}/popup", json=told, headers={"origin": EXTENSION})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, EXTENSION)
    record = await voicenter.http.post(f"{HOOK}/cdr", json=RECORD)
    assert "access-control-allow-origin" not in record.headers


async def test_no_other_browser_may_ask(desk: Office) -> None:
    asked = await desk.http.options(HOOK)  # a service without such an extension
    assert asked.status_code == 405
    assert (await desk.http.options(HOOK.replace("hook-secret", "no-secret"))).status_code == 404


async def test_a_disk_that_fails_asks_for_another_delivery(voicenter: Office) -> None:
    await voicenter.board.db.write(lambda db: db.execute("DROP TABLE events"))
    answer = await voicenter.http.post(f"{HOOK}/cdr", json=RECORD)
    assert answer.status_code == 503


async def test_a_full_disk_is_a_line_in_the_log_and_not_one_for_each_webhook(
    voicenter: Office, caplog: pytest.LogCaptureFixture
) -> None:
    """The log is on the same disk, often."""
    large = RECORD | {"notes": "x" * 50_000}
    await fill(voicenter)
    for ivruniqueid in ("a", "b", "c"):
        answer = await voicenter.http.post(f"{HOOK}/cdr", json=large | {"ivruniqueid": ivruniqueid})
        assert answer.status_code == 503

    def said() -> list[str]:
        return [record.getMessage() for record in caplog.records if "stored" in record.getMessage()]

    assert said() == ["Webhooks of voicenter cannot be stored: database or disk is full."]
    assert not any(record.exc_info for record in caplog.records)
    await voicenter.board.db.write(lambda db: db.execute("PRAGMA max_page_count = 1000000").close())
    assert (await voicenter.http.post(f"{HOOK}/cdr", json=RECORD)).status_code == 200
    await fill(voicenter)
    assert (await voicenter.http.post(f"{HOOK}/cdr", json=large | {"ivruniqueid": "d"})).status_code == 503
    assert len(said()) == 2


@pytest.mark.parametrize(
    ("address", "status"),
    [("203.0.113.9", 200), ("198.51.100.1", 404), ("::ffff:203.0.113.9", 200), ("::ffff:198.51.100.1", 404)],
)
async def test_foreign_addresses_are_strangers(voicenter: Office, address: str, status: int) -> None:
    account = voicenter.board.settings.accounts[0]
    object.__setattr__(account, "addresses", ("203.0.113.0/24",))
    transport = httpx.ASGITransport(application(voicenter.board), client=(address, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://callboard.test") as http:
        assert (await http.post(f"{HOOK}/cdr", json=RECORD)).status_code == status


async def test_the_admins_hear_of_a_stranger_who_knows_the_secret(
    desk: Office, caplog: pytest.LogCaptureFixture
) -> None:
    """It may be the service itself, behind a proxy that is not believed: then all its webhooks are lost in silence."""
    accounts = tuple(replace(one, addresses=("203.0.113.0/24",)) for one in desk.board.settings.accounts)
    old = "the-secret-of-before"
    desk.board.settings = replace(desk.board.settings, old_hook_secret=old, accounts=accounts)
    transport = httpx.ASGITransport(application(desk.board), client=("10.0.0.5", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://callboard.test") as http:

        async def comes(path: str) -> list[str]:
            assert (await http.post(path, json=RECORD)).status_code == 404
            await desk.settle()
            return [message.text for message in desk.conversation("U9")]

        for unknowing in ("/hooks/voicenter/wrong-secret-0123456", f"/hooks/voicenter/{old}", "/hooks/nobody/x"):
            assert await comes(unknowing) == []
        (told,) = await comes(f"{HOOK}/cdr")
        assert told.startswith(
            "A webhook of Paperphone (voicenter) that knows the hook secret came from 10.0.0.5, which is not among the "
            "`addresses` of its section, so it was refused."
        )
        assert "FORWARDED_ALLOW_IPS" in told
        assert ENVIRONMENT["CALLBOARD_HOOK_SECRET"] not in told
        assert len(await comes(f"{HOOK}/cdr")) == 1
        desk.clock.advance(86400)
        assert len(await comes(f"{HOOK}/cdr")) == 2
    assert sum("10.0.0.5" in record.getMessage() for record in caplog.records) == 2


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        *(
            pytest.param(host, marks=pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here"))
            for host in ("::1", "::")
        ),
    ],
)
async def test_a_proxy_on_this_computer_is_believed_whom_it_speaks_for(host: str) -> None:
    async def who(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await PlainTextResponse(scope["client"][0])(scope, receive, send)

    async with serving(who, host, 0) as port, httpx.AsyncClient() as http:
        address = f"[{host}]" if host == "::1" else "127.0.0.1"
        answer = await http.get(f"http://{address}:{port}/", headers={"x-forwarded-for": "203.0.113.9"})
    assert answer.text == "203.0.113.9"


async def test_health(desk: Office) -> None:
    assert (await desk.http.get("/healthz/live")).text == "alive"
    assert (await desk.http.get("/healthz")).json()["ready"] is True
    await desk.board.problem("provider voicenter", "voicenter: the code is wrong.")
    answer = await desk.http.get("/healthz")
    assert (answer.status_code, json.loads(answer.content)["providers"]) == (503, {"voicenter": "failing"})


async def test_a_length_that_is_no_number_is_not_believed(voicenter: Office) -> None:
    """A superscript two is a digit to Python, but no number."""
    answer = await voicenter.http.post(f"{HOOK}/cdr", content=b"x", headers=[(b"content-length", b"\xb2")])
    assert answer.status_code == 400


class SlowPhone(PaperPhone):
    """Tells one event for every request, and asks nothing."""

    @override
    def read_webhook(self, request: Request) -> Webhook:
        return Webhook((LegRinging(ref=request.body.decode(), at=request.received_at, leg="ext:201"),), Reply(202))


async def test_nothing_is_answered_before_it_is_on_disk(desk: Office) -> None:
    slow = SlowPhone("voicenter", desk.clock)
    desk.board.providers = {"voicenter": slow}
    async with desk.writer_held_up():
        answers = [asyncio.create_task(desk.http.post(HOOK, content=f"ref-{number}".encode())) for number in range(3)]
        while desk.board.db._jobs.qsize() < 3:  # until all three wait for the writer
            await asyncio.sleep(0)
        assert not any(answer.done() for answer in answers)
    assert [(await answer).status_code for answer in answers] == [202] * 3
    with contextlib.closing(sqlite3.connect(desk.board.db.path)) as other:  # as anybody else sees the file
        assert other.execute("SELECT count(*) FROM events").fetchone() == (3,)
    await slow.http.aclose()


async def test_a_webhook_that_cannot_be_read_is_one_problem_with_its_account(voicenter: Office) -> None:
    for _ in range(3):
        await voicenter.http.post(f"{HOOK}/cdr", content=b"not a record")
    ((key, text, *_, count),) = await voicenter.board.read(ledger.problems)
    assert (key, count) == ("webhook voicenter", 3)
    assert "Voicenter" in text
    await voicenter.settle()
    assert len(voicenter.conversation("U9")) == 1
    assert ENVIRONMENT["CALLBOARD_HOOK_SECRET"] not in text


async def test_a_genuine_webhook_without_any_news_is_thanked(desk: Office) -> None:
    answer = await desk.http.post(HOOK, content=b"anything")
    assert (answer.status_code, await desk.calls()) == (200, [])


async def test_all_strangers_get_the_same_answer(voicenter: Office) -> None:
    """Also from a foreign address with the right secret, and whatever the method and the path below."""
    account = voicenter.board.settings.accounts[0]
    object.__setattr__(account, "addresses", ("203.0.113.0/24",))
    transport = httpx.ASGITransport(application(voicenter.board), client=("198.51.100.1", 1))
    wrong = ("/hooks/voicenter/wrong-secret-0123456", "/hooks/nobody/wrong-secret-0123456", HOOK)
    async with httpx.AsyncClient(transport=transport, base_url="http://callboard.test") as http:
        answers = [
            await http.request(method, path + below, content=b"x" * size)
            for path in wrong
            for method in ("GET", "POST", "PUT")
            for below in ("", "/cdr", "/popup/../cdr", "/א")
            for size in (0, MAX_BODY + 1)
        ]
    assert len({(answer.status_code, answer.content, tuple(answer.headers.items())) for answer in answers}) == 1
    assert answers[0].status_code == 404


async def test_health_without_a_database(desk: Office) -> None:
    await desk.board.db.write(lambda db: db.execute("DROP TABLE problems").rowcount)
    answer = await desk.http.get("/healthz")
    assert (answer.status_code, answer.json()["database"]) == (503, "OperationalError")


async def test_one_provider_that_works_is_enough_to_be_ready(desk: Office) -> None:
    other = SlowPhone("second", desk.clock)
    desk.board.providers = {"voicenter": desk.phone, "second": other}
    await desk.board.problem("provider voicenter", "voicenter: the code is wrong.")
    answer = await desk.http.get("/healthz")
    assert (answer.status_code, answer.json()["providers"]) == (200, {"voicenter": "failing", "second": "ok"})
    await other.http.aclose()


async def test_who_is_not_slack_cannot_fill_our_memory(desk: Office) -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(1000):
            read += 64 * 1024
            yield b"x" * 64 * 1024

    answer = await desk.http.post("/slack/events", content=endless())
    assert answer.status_code == 413
    assert read <= MAX_SLACK_BODY + 64 * 1024


async def test_the_old_secret_is_taken_while_addresses_are_being_changed(desk: Office) -> None:
    old = "the-secret-of-before"
    assert (await desk.http.post(f"/hooks/voicenter/{old}/cdr")).status_code == 404
    assert "old secret" not in await desk.type("/callboard hooks", user="U9")
    desk.board.settings = replace(desk.board.settings, old_hook_secret=old)
    assert "None has been used since the start." in await desk.type("/callboard hooks", user="U9")
    assert (await desk.http.post(f"{HOOK}/cdr")).status_code == 200
    assert desk.board.old_hooks == {}
    for wrong in ("nobody/the-secret-of-before", "voicenter/the-secret-of-befor", "voicenter/"):
        assert (await desk.http.post(f"/hooks/{wrong}")).status_code == 404
    assert (await desk.http.post(f"/hooks/voicenter/{old}/cdr")).status_code == 200
    told = await desk.type("/callboard hooks", user="U9")
    assert "• voicenter used one at " in told
    assert old not in told


async def test_a_stranger_with_the_old_secret_does_not_count_as_its_use(desk: Office) -> None:
    """It has become known, so whoever knows it may try; the account's own addresses say who is the service."""
    accounts = tuple(replace(one, addresses=("198.51.100.0/24",)) for one in desk.board.settings.accounts)
    desk.board.settings = replace(desk.board.settings, old_hook_secret="the-secret-of-before", accounts=accounts)
    assert (await desk.http.post("/hooks/voicenter/the-secret-of-before/cdr")).status_code == 404
    assert desk.board.old_hooks == {}
