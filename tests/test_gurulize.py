"""Gurulize, beyond its samples: what it refuses by itself, its settings, and its simulator's answers."""

from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from msgspec.structs import replace

from bot.errors import Refused, SettingsError, Unreadable, Unsupported
from bot.events import CallEnded, LegAnswered, LegEnded, LegRinging
from bot.hooks import Request
from bot.orders import CallOrder, RepPhone
from bot.providers.gurulize import Gurulize
from bot.providers.gurulize.simulator import GurulizeExchange
from bot.providers.gurulize.status import EVENTS, NAMES
from bot.simulator.clock import ManualClock
from bot.simulator.exchange import Delivery
from bot.simulator.network import Network

VALUES = {
    "url": "https://provider.example/url",
    "username": "demo",
    "password": "secret",
    "language": "en",
    "max_seconds": "3600",
}
ORDER = CallOrder(call_id="call-1", rep=RepPhone("number", "+905550000001"), number="+905550000002")


def gurulize(**values: str) -> Gurulize:
    def answer(request: httpx.Request) -> httpx.Response:
        raise AssertionError("nothing may be sent")

    http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    return Gurulize("sales", {**VALUES, **values}, http, "TR")


@pytest.mark.parametrize(
    "number",
    ["+12025550101", "+972505550101", "555000000", "55500000012", "0555", "AAPINFzLAB", "", "٥٥٥٠٠٠٠٠٠١", "0055500000"],
)
async def test_numbers_that_cannot_be_written_in_ten_digits(number: str) -> None:
    for order in (replace(ORDER, number=number), replace(ORDER, rep=RepPhone("number", number))):
        with pytest.raises(Unsupported, match="Turkish numbers only"):
            await gurulize().place_call(order)


@pytest.mark.parametrize(
    ("message", "advice"),
    [
        ("User Information Is Invalid", "Check SALES_USERNAME and SALES_PASSWORD."),
        ("Invalid Parameter (caller): Not a phone number", "Link another number with `/phone link`."),
        ("Invalid Parameter (callee): Not a phone number", "Check the number."),
        ("Missing Parameter (username)", "Check SALES_USERNAME and SALES_PASSWORD."),
        ("Invalid Parameter (duration): Not a number", "Choose another talk time: `max`, or SALES_MAX_SECONDS."),
        ("Invalid Parameter (lang)", "Set SALES_LANGUAGE to one of: en, tr."),
        ("Geçersiz parametre (callee): Telefon numarası değil", "Check the number."),
        ("Eksik parametre (password)", "Check SALES_USERNAME and SALES_PASSWORD."),
        ("Kullanıcı bilgileri geçersiz", ""),
    ],
)
async def test_a_refusal_says_what_to_do_next(message: str, advice: str) -> None:
    provider = gurulize()
    answer = httpx.Response(200, json={"success": False, "message": message})
    provider.http = httpx.AsyncClient(transport=httpx.MockTransport(lambda request: answer))
    with pytest.raises(Refused) as caught:
        await provider.place_call(ORDER)
    assert str(caught.value) == f"Gurulize refused: {message}. {advice}".strip()
    assert caught.value.words == message
    await provider.http.aclose()


@pytest.mark.parametrize("message", [None, [], ["No"], {"text": "No"}, True])
async def test_a_message_that_is_no_text_is_not_shown_as_code(message: object) -> None:
    provider = gurulize()
    answer = httpx.Response(200, json={"success": False, "message": message})
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda request: answer)) as http:
        provider.http = http
        with pytest.raises(Refused, match=r"^Gurulize refused: no reason given\.$"):
            await provider.place_call(ORDER)


async def test_a_language_it_does_not_have() -> None:
    with pytest.raises(Unsupported, match="cannot speak “he”"):
        await gurulize().place_call(replace(ORDER, language="he"))


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"url": "provider.example/c2c"}, "SALES_URL is not an address."),
        ({"language": "de"}, "SALES_LANGUAGE must be one of: en, tr."),
        ({"max_seconds": "an hour"}, "SALES_MAX_SECONDS must be a whole number of seconds"),
        ({"max_seconds": "0"}, "SALES_MAX_SECONDS must be a whole number of seconds"),
    ],
)
def test_settings_that_cannot_work(values: dict[str, str], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        gurulize(**values)


def status(**fields: str) -> Request:
    return Request("GET", "", tuple(fields.items()), {}, b"", 1_700_000_000.0)


def test_the_table_has_every_code_of_the_page() -> None:
    assert list(EVENTS) == list(range(14))
    events = [event for code in EVENTS for event in gurulize().read_webhook(status(id="1", code=str(code))).events]
    assert {type(event) for event in events} == {LegRinging, LegAnswered, LegEnded, CallEnded}
    assert len({event.key for event in events}) == 7  # ringing, answered and ended of two legs; the call's end


@pytest.mark.parametrize(
    ("time", "at"),
    [
        ("1427116743", 1427116743),
        ("1427116743250", 1427116743.25),
        (" 1427116743 ", 1427116743),
        ("", 1_700_000_000),
        ("0", 1_700_000_000),
        ("-5", 1_700_000_000),
        ("nan", 1_700_000_000),
        ("inf", 1_700_000_000),
        ("1e300", 1_700_000_000),
    ],
)
def test_times(time: str, at: float) -> None:
    (event,) = gurulize().read_webhook(status(id="1", code="2", time=time)).events
    assert event.at == at


@pytest.mark.parametrize("code", ["", "-1", "1.0", "٣", "²", "0x1"])
def test_codes_that_are_no_numbers(code: str) -> None:
    with pytest.raises(Unreadable, match="status code"):
        gurulize().read_webhook(status(id="1", code=code))


def test_a_damaged_code_is_made_up_for_by_its_word() -> None:
    assert len(NAMES) == len(EVENTS)
    for code, name in enumerate(NAMES):
        meant = gurulize().read_webhook(status(id="1", code=str(code))).events
        for told in ({"desc": name}, {"code": "?", "desc": f"responder.event.{name}"}, {"code": name.lower()}):
            assert gurulize().read_webhook(status(id="1", **told)).events == meant


@pytest.mark.parametrize("code", ["14", "99", "9" * 5000])
def test_codes_that_are_not_listed_say_nothing(code: str) -> None:
    webhook = gurulize().read_webhook(status(id="1", code=code))
    assert (webhook.events, webhook.reply.status) == ((), 200)


def test_an_endless_id_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="request id"):
        gurulize().read_webhook(status(id="4" * 65, code="1"))


FORM = {"username": "demo", "password": "secret", "caller": "5550000001", "callee": "5550000002", "duration": "300"}


async def simulated(
    form: dict[str, Any], method: str = "POST", users: dict[str, str] | None = None
) -> tuple[int, bytes]:
    async def deliver(delivery: Delivery) -> None:
        raise AssertionError("no time has passed")

    network = Network(ManualClock(), deliver)
    exchange = GurulizeExchange(network, "http://callboard.example/hooks/gurulize/secret")
    exchange.users = users
    reply = exchange.serve(Request(method, "", (), {}, urlencode(form).encode(), 0.0))
    await network.close()
    assert reply is not None
    return reply.status, reply.body


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"username": ""}, "Missing Parameter (username)"),
        ({"duration": ""}, "Missing Parameter (duration)"),
        ({"caller": "+905550000001"}, "Invalid Parameter (caller): Not a phone number"),
        ({"callee": "05550000002"}, "Invalid Parameter (callee): Not a phone number"),
        ({"duration": "long"}, "Invalid Parameter (duration): Not a number"),
        ({"callee": "1", "lang": "tr"}, "Geçersiz parametre (callee): Telefon numarası değil"),
    ],
)
async def test_the_simulator_refuses(change: dict[str, str], message: str) -> None:
    assert await simulated(FORM | change) == (200, f'{{"success":false,"message":"{message}"}}'.encode())


@pytest.mark.parametrize("users", [{}, {"demo": "other"}, {"other": "secret"}])
async def test_the_simulator_knows_its_users(users: dict[str, str]) -> None:
    assert await simulated(FORM, users=users) == (200, b'{"success":false,"message":"User Information Is Invalid"}')
    assert (await simulated(FORM, users={"demo": "secret"}))[1].startswith(b'{"success":true')


async def test_the_simulator_accepts_posts_only() -> None:
    assert await simulated(FORM) == (200, b'{"success":true,"message":"Request Received","id":1700000001}')
    assert (await simulated(FORM, "GET"))[0] == 405
