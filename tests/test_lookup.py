"""Names of callers from the team's own customer list: on the card when they come, never in anybody's way."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest

from bot import forgetting, guiding
from bot.events import CdrReceived, Described, LegRinging, Outcome
from bot.hooks import Question
from bot.lookup import AT_ONCE, FRESH_SECONDS, REST_SECONDS, Lookup
from bot.providers.voicenter import Voicenter
from bot.store import ledger, lookups
from tests.fake_slack import FakeSlack
from tests.office import ENVIRONMENT, LINE, SETTINGS, Office, office
from tests.slack_state import Clock

CALLER = "+12025550155"
LOOKS_UP = 'lookup_url = "https://crm.example/callers?number={number}"\n' + SETTINGS


class List:
    """The customer list; `answer` says what it answers next."""

    def __init__(self) -> None:
        self.asked: list[httpx.Request] = []
        self.answer: Callable[[], httpx.Response] = lambda: self.says('{"name": "Dana Levi", "company": "Gardens"}')
        self.waits: asyncio.Event | None = None

    def says(self, text: str, status: int = 200) -> httpx.Response:
        return httpx.Response(status, content=text.encode())

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if self.waits is not None:
            await self.waits.wait()
        return self.answer()


@pytest.fixture
def customers() -> List:
    return List()


@pytest.fixture
async def desk(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock, customers: List, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Office]:
    monkeypatch.setitem(ENVIRONMENT, "CALLBOARD_LOOKUP_TOKEN", "crm-token")
    async with (
        httpx.AsyncClient(transport=httpx.MockTransport(customers)) as http,
        office(tmp_path, fake_slack, slack_clock, LOOKS_UP) as opened,
    ):
        Lookup(opened.board, http).watch()
        yield opened


async def rings(desk: Office, ref: str = "in-1", number: str = CALLER, name: str = "") -> None:
    at = desk.clock()
    await desk.happen(
        Described(ref=ref, at=at, source="popup", direction="in", number=number, line=LINE, name=name),
        LegRinging(ref=ref, at=at, leg="ext:AAA"),
    )


def card(desk: Office) -> str:
    return desk.slack.channel("C1")[-1].text


async def problems(desk: Office) -> list[str]:
    return [text for key, text, *_ in await desk.board.read(ledger.problems) if key == "caller lookup"]


async def test_the_card_of_a_caller_nobody_wrote_down_gets_the_name(desk: Office, customers: List) -> None:
    await rings(desk, name="WIRELESS CALLER")
    assert "Dana Levi" in card(desk)
    assert "Gardens" in card(desk)
    (request,) = customers.asked
    assert str(request.url) == "https://crm.example/callers?number=%2B12025550155"
    assert request.headers["authorization"] == "Bearer crm-token"
    assert len(desk.slack.channel("C1")) == 1


async def test_a_card_is_shown_before_the_answer_comes(desk: Office, customers: List) -> None:
    customers.waits = asyncio.Event()
    at = desk.clock()
    told = Described(ref="in-1", at=at, source="popup", direction="in", number=CALLER, line=LINE)
    await desk.board.ingest("voicenter", [told, LegRinging(ref="in-1", at=at, leg="ext:AAA")])
    await desk.feed.drain()
    assert "+1 202-555-0155" in card(desk)
    assert "Dana" not in card(desk)
    customers.waits.set()
    desk.clock.advance(2)
    await desk.settle()
    assert "Dana Levi" in card(desk)


async def test_whoever_was_missed_before_we_heard_of_the_call_has_a_name_too(desk: Office) -> None:
    at = desk.clock()
    await desk.happen(
        Described(ref="in-1", at=at, source="cdr", direction="in", number=CALLER, line=LINE),
        CdrReceived(ref="in-1", at=at, leg="ext:AAA", outcome=Outcome.NO_ANSWER, ring_seconds=20),
    )
    assert "Dana Levi" in card(desk)
    assert "issed" in card(desk)


async def test_the_contact_book_comes_first_and_spares_the_question(desk: Office, customers: List) -> None:
    await desk.contact(CALLER, "Noa Green")
    await rings(desk)
    assert "Noa Green" in card(desk)
    assert customers.asked == []


async def test_each_caller_is_asked_about_once_a_day(desk: Office, customers: List) -> None:
    customers.answer = lambda: customers.says("", 404)
    await rings(desk)
    await rings(desk, "in-2")
    assert len(customers.asked) == 1
    assert "+1 202-555-0155" in card(desk)
    assert await problems(desk) == []
    desk.clock.advance(FRESH_SECONDS + 1)
    await rings(desk, "in-3")
    assert len(customers.asked) == 2


async def test_two_questions_at_the_same_moment_are_one(desk: Office, customers: List) -> None:
    look_up = desk.board.look_up
    assert look_up is not None
    found = await asyncio.gather(*(look_up(CALLER) for _ in range(5)))
    assert {contact.name for contact in found if contact} == {"Dana Levi"}
    assert len(customers.asked) == 1


@pytest.mark.parametrize(
    ("text", "status", "words"),
    [
        ("<html>", 200, "came no JSON object with a text “name”"),
        ('{"name": 5}', 200, "came no JSON object with a text “name”"),
        ("[]", 200, "came no JSON object with a text “name”"),
        ("[" * 50_000, 200, "came no JSON object with a text “name”"),
        ("no", 500, "came HTTP 500"),
        ("", 302, "came HTTP 302"),
        ("x" * 70_000, 200, "came more than 65536 bytes"),
    ],
)
async def test_an_address_that_does_not_work_is_told_to_the_admins_and_left_alone(
    desk: Office, customers: List, text: str, status: int, words: str
) -> None:
    customers.answer = lambda: customers.says(text, status)
    await rings(desk)
    await rings(desk, "in-2", "+12025550156")
    assert "+1 202-555-0156" in card(desk)
    (problem,) = await problems(desk)
    assert words in problem
    assert "crm-token" not in problem
    assert len(customers.asked) == 1
    assert any(words in message.text for message in desk.conversation("U9"))

    customers.answer = lambda: customers.says('{"name": "Sam Hill"}')
    desk.clock.advance(REST_SECONDS + 1)
    await rings(desk, "in-3", "+12025550157")
    assert "Sam Hill" in card(desk)
    assert await problems(desk) == []


@pytest.mark.parametrize("answer", ['{"name": "Dana Levi", "company": null}', '{"name": "Dana Levi"}'])
async def test_a_list_that_knows_no_company_knows_the_name(desk: Office, customers: List, answer: str) -> None:
    customers.answer = lambda: customers.says(answer)
    await rings(desk)
    assert "Dana Levi" in card(desk)
    assert await problems(desk) == []


@pytest.mark.parametrize("answer", ['{"name": null}', "{}", '{"name": "  ", "company": "Gardens"}'])
async def test_a_list_that_knows_no_name_is_not_broken(desk: Office, customers: List, answer: str) -> None:
    customers.answer = lambda: customers.says(answer)
    await rings(desk)
    await rings(desk, "in-2")
    assert "+1 202-555-0155" in card(desk)
    assert len(customers.asked) == 1
    assert await problems(desk) == []


async def test_an_answer_that_is_no_text_is_the_same(desk: Office, customers: List) -> None:
    customers.answer = lambda: httpx.Response(200, content=b'{"name": "\xff\xfe"}')
    await rings(desk)
    (problem,) = await problems(desk)
    assert "came no JSON object" in problem


async def test_an_address_that_is_none_is_the_same(desk: Office, customers: List) -> None:
    object.__setattr__(desk.board.settings, "lookup_url", "https://xn--a/{number}")
    await rings(desk)
    (problem,) = await problems(desk)
    assert "gave no answer (InvalidCodepoint)" in problem
    assert customers.asked == []


async def test_a_pop_up_is_answered_also_where_looking_up_fails_in_an_unforeseen_way(desk: Office) -> None:
    async def broken(number: str) -> None:
        raise RuntimeError("a bug")

    desk.board.look_up = broken
    service = Voicenter("voicenter", {"code": "CODE-SECRET"}, desk.phone.http, "US")
    reply, _ = await guiding.respond(desk.board, service, Question(number=CALLER, form="popup"), ())
    assert b'"STATUS": "OK"' in reply.body


async def test_one_that_cannot_be_reached_is_the_same(desk: Office, customers: List) -> None:
    def breaks() -> httpx.Response:
        raise httpx.ConnectError("refused")

    customers.answer = breaks
    await rings(desk)
    (problem,) = await problems(desk)
    assert "gave no answer (ConnectError)" in problem


@pytest.mark.parametrize("number", ["", "AAPINFzL", "201"])
async def test_a_withheld_number_or_an_extension_is_not_asked_about(desk: Office, customers: List, number: str) -> None:
    await rings(desk, number=number)
    assert customers.asked == []


@pytest.mark.parametrize("number", ["", "AAPINFzL"])
async def test_a_pop_up_of_a_withheld_number_has_no_name(desk: Office, customers: List, number: str) -> None:
    service = Voicenter("voicenter", {"code": "CODE-SECRET"}, desk.phone.http, "US")
    reply, _ = await guiding.respond(desk.board, service, Question(number=number, form="popup"), ())
    assert b"Dana Levi" not in reply.body
    assert customers.asked == []


async def test_a_burst_does_not_ask_on_where_the_address_has_just_failed(desk: Office, customers: List) -> None:
    customers.answer = lambda: customers.says("no", 500)
    look_up = desk.board.look_up
    assert look_up is not None
    found = await asyncio.gather(*(look_up(f"+12025550{number}") for number in range(100, 140)))
    assert set(found) == {None}
    assert len(customers.asked) <= AT_ONCE


async def test_a_name_cannot_ring_or_format(desk: Office, customers: List) -> None:
    customers.answer = lambda: customers.says('{"name": "<!channel> *Dana*", "company": "\\u0000<@U1>"}')
    await rings(desk)
    assert "<!channel>" not in card(desk)
    assert "<@U1>" not in card(desk)


async def test_a_pop_up_is_answered_with_it_if_it_is_quick(
    desk: Office, customers: List, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = Voicenter("voicenter", {"code": "CODE-SECRET"}, desk.phone.http, "US")
    question = Question(number=CALLER, form="popup")
    answered = await guiding.respond(desk.board, service, question, ())
    assert b"Dana Levi" in answered[0].body
    customers.waits = asyncio.Event()
    monkeypatch.setattr(guiding, "LOOKUP_SECONDS", 0.01)
    late = await guiding.respond(desk.board, service, Question(number="+12025550156", form="popup"), ())
    assert b"Dana Levi" not in late[0].body
    customers.waits.set()
    await desk.settle()


async def test_names_of_those_who_do_not_call_again_are_forgotten(desk: Office) -> None:
    await rings(desk)
    await forgetting.expire(desk.board)
    assert await desk.board.read(lookups.known, CALLER) is not None
    desk.clock.advance(forgetting.LOOKUP_DAYS * forgetting.DAY_SECONDS + 1)
    await forgetting.expire(desk.board)
    assert await desk.board.read(lookups.known, CALLER) is None
