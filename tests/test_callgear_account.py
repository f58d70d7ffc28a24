"""A CallGear account against its simulator: signing in, limits, brands, refusals."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.errors import ProviderError, Refused, SettingsError, Unavailable
from bot.orders import RepPhone, Speech
from bot.providers import callgear
from bot.providers.callgear.methods import CODES
from tests.callgear_line import LINE, Line
from tests.provider_samples import assert_same_request, conversation


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    async with aclosing(Line()) as line:
        yield line


async def test_a_session_is_opened_once_and_renewed(line: Line) -> None:
    line.provider.values |= {"access_token": "", "login": "demo", "password": "demo-password"}
    await asyncio.gather(*(line.provider.check() for _ in range(5)))
    assert [one["method"] for one in line.sent].count("login.user") == 1
    await line.clock.advance(3600)
    await line.provider.check()
    line.exchange.sessions.clear()
    line.exchange.keys = set()
    await line.provider.check()
    assert [one["method"] for one in line.sent].count("login.user") == 3
    await line.provider.sign_out()
    assert line.exchange.sessions == {}


async def test_a_session_is_spoken_as_documented() -> None:
    expected = conversation(Path(__file__).with_name("callgear_session.http"))

    def answer(request: httpx.Request) -> httpx.Response:
        asked, reply = expected.pop(0)
        assert_same_request(request, asked)
        return httpx.Response(200, content=reply.body)

    values = {"access_token": "", "login": "api-user", "password": "PASSWORD-SECRET"}
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        provider = callgear.CallGear("callgear", values, http, "US")
        provider.clock = lambda: 1_700_000_000.0
        await provider.check()
        await provider.sign_out()
        await provider.sign_out()  # there is none any more
    assert expected == []


async def test_a_session_that_ended_early_is_renewed_once_and_the_order_sent_once(line: Line) -> None:
    line.provider.values |= {"access_token": "", "login": "demo", "password": "demo-password"}
    await line.provider.check()
    line.exchange.keys = set()
    line.exchange.sessions.clear()
    line.sent.clear()
    await asyncio.gather(line.dial(), *(line.provider.check() for _ in range(5)))
    methods = [one["method"] for one in line.sent]
    assert methods.count("login.user") == 1
    assert methods.count("start.simple_call") == 2  # the first was refused
    assert len(line.network.calls) == 1


@pytest.mark.parametrize(
    "told",
    [
        *(lambda until: until - 7200, lambda until: until + 7200, lambda until: until * 1000, str),
        *(0, 10**400, 1e300, None, "", "soon", [], True),
    ],
)
async def test_whatever_it_says_of_its_end_a_session_is_opened_once(line: Line, told: Any) -> None:
    """Where our clock was two hours ahead, each question signed in anew."""
    line.provider.values |= {"access_token": "", "login": "demo", "password": "demo-password"}

    def answer(request: httpx.Request) -> httpx.Response:
        body = json.loads(line.answer(request).content)
        if "expire_at" in body["result"]["data"]:
            until = body["result"]["data"]["expire_at"]
            body["result"]["data"]["expire_at"] = told(until) if callable(told) else told
        return httpx.Response(200, json=body)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        line.provider.http = http
        for _ in range(3):
            await line.provider.check()
        assert [one["method"] for one in line.sent].count("login.user") == 1
        await line.clock.advance(3600)
        await line.provider.check()
        assert [one["method"] for one in line.sent].count("login.user") == 2


@pytest.mark.parametrize("odd", [None, "x", "", True, -5, 1.5, 10**400, [], {}, "1000"])
async def test_a_limit_that_makes_no_sense_loses_no_call(line: Line, odd: object) -> None:
    limits = {f"{span}_{what}": odd for span in ("day", "minute") for what in ("limit", "remaining", "reset")}

    def answer(request: httpx.Request) -> httpx.Response:
        body = json.loads(line.answer(request).content)
        body["result"]["metadata"] = {"limits": limits, "api_version": {"latest_version": odd, "current": odd}}
        return httpx.Response(200, json=body)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        line.provider.http = http
        assert (await line.dial()).refs
        line.provider.notices()
        line.provider.outdated()


async def test_nothing_is_waited_for_longer_than_a_day(line: Line) -> None:
    limits = {"day_limit": 100, "day_remaining": 0, "day_reset": 10**9, "minute_limit": 9, "minute_remaining": 9}

    def answer(request: httpx.Request) -> httpx.Response:
        body = json.loads(line.answer(request).content)
        body["result"]["metadata"] = {"limits": limits}
        return httpx.Response(200, json=body)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        line.provider.http = http
        await line.provider.check()
        with pytest.raises(Unavailable, match="asked nothing for 24 h"):
            await line.provider.check()
        await line.clock.advance(24 * 3600 + 1)
        await line.provider.check()


async def test_what_is_wrong_with_a_key_is_told(line: Line) -> None:
    line.exchange.expired, line.exchange.blocked = {"KEY"}, {"OTHER"}
    with pytest.raises(Refused, match="Make a new key"):
        await line.dial()
    line.provider.values["access_token"] = "OTHER"
    with pytest.raises(Refused, match="The key is blocked"):
        await line.dial()


async def test_without_a_session_nothing_is_ordered(line: Line) -> None:
    line.provider.values |= {"access_token": "", "login": "demo", "password": "demo-password"}
    line.silent = {"login.user"}
    with pytest.raises(Unavailable):
        await line.dial()
    assert [one["method"] for one in line.sent] == ["login.user"]
    assert line.network.calls == ()


async def test_a_key_that_is_refused_is_not_tried_again(line: Line) -> None:
    line.exchange.keys = set()
    with pytest.raises(Refused, match=r"Check CALLGEAR_ACCESS_TOKEN\."):
        await line.dial()
    assert [one["method"] for one in line.sent] == ["start.simple_call"]
    await line.provider.sign_out()
    assert len(line.sent) == 1  # a key has no session


async def test_a_wrong_password_is_not_tried_again(line: Line) -> None:
    line.provider.values |= {"access_token": "", "login": "demo", "password": "wrong"}
    with pytest.raises(Refused, match=r"Check CALLGEAR_LOGIN and CALLGEAR_PASSWORD\."):
        await line.provider.check()
    assert len(line.sent) == 1


async def test_a_wrong_password_is_tried_once_a_minute_by_what_asks_by_itself(line: Line) -> None:
    """Every three seconds it would be tried else, and the service takes that for somebody who guesses."""
    line.provider.values |= {"access_token": "", "login": "demo", "password": "wrong"}
    for _ in range(10):
        with pytest.raises(Refused, match="Check CALLGEAR_LOGIN and CALLGEAR_PASSWORD") as caught:
            await line.provider.check()
        assert caught.value.code == "auth_error"
        await line.clock.advance(3)
    assert len(line.sent) == 1
    with pytest.raises(Refused, match="Check CALLGEAR_LOGIN and CALLGEAR_PASSWORD"):
        await line.dial()  # a person waits, and may have mended it
    assert len(line.sent) == 2
    await line.clock.advance(61)
    line.provider.values["password"] = "demo-password"
    await line.provider.check()
    line.exchange.sessions.clear()
    line.exchange.keys = set()
    await line.provider.check()
    assert [one["method"] for one in line.sent].count("login.user") == 4


async def test_a_used_up_limit_stops_questions_but_no_dials(line: Line) -> None:
    line.exchange.minute_limit = 2
    for _ in range(2):
        await line.provider.check()
    with pytest.raises(Unavailable, match="Limit per minute"):  # nothing was done: messages wait and go out later
        await line.dial()
    assert "little: calls may be refused" in line.provider.notices()[0]
    with pytest.raises(Unavailable, match="last points are for calls"):
        await line.provider.check()
    assert len(line.sent) == 3
    await line.clock.advance(61)
    await line.provider.check()


async def test_a_used_up_day_waits_for_the_next(line: Line) -> None:
    line.exchange.day_limit = 2
    for _ in range(2):
        await line.provider.check()
    await line.clock.advance(3600)
    with pytest.raises(Unavailable, match=r"Limit per day.*counted anew in 23 h: try again then"):
        await line.dial()
    assert "0 of 2 points left today" in line.provider.notices()[0]  # told by the error itself
    await line.clock.advance(22 * 3600)
    with pytest.raises(Unavailable, match="last points are for calls"):
        await line.provider.check()
    await line.clock.advance(2 * 3600)
    await line.provider.check()


async def test_only_what_succeeds_costs_points(line: Line) -> None:
    await line.provider.check()
    line.exchange.blacklist = {"12025550101"}
    with pytest.raises(Refused, match="blacklist"):
        await line.dial()
    assert "999 of 1000 this minute" in line.provider.notices()[0]


async def test_questions_leave_the_last_points_to_calls(line: Line) -> None:
    line.exchange.minute_limit = 40
    for _ in range(39):
        await line.provider.check()
    with pytest.raises(Unavailable, match="last points are for calls"):
        await line.provider.check()
    await line.dial()
    await line.clock.advance(61)
    await line.provider.check()


async def test_questions_leave_the_last_points_of_a_day_to_calls(line: Line) -> None:
    line.exchange.day_limit = 40
    for _ in range(39):
        await line.provider.check()
    with pytest.raises(Unavailable, match=r"asked nothing for 2[34] h: the last points are for calls"):
        await line.provider.check()
    await line.dial()
    await line.clock.advance(24 * 3600 + 1)
    await line.provider.check()


IN_HALF_A_MINUTE = {"date": "Tue, 14 Nov 2023 22:13:20 GMT", "retry-after": "Tue, 14 Nov 2023 22:13:50 GMT"}
"""By the service's clock, whatever ours says."""


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({"retry-after": "30"}, 30), ({}, 60), ({"retry-after": "soon"}, 60), (IN_HALF_A_MINUTE, 30)],
)
async def test_who_is_let_through_no_more_waits(line: Line, headers: dict[str, str], seconds: int) -> None:
    busy = [httpx.Response(429, headers=headers, html="<html>Too many requests</html>")]
    http = httpx.AsyncClient(transport=httpx.MockTransport(lambda told: busy.pop() if busy else line.answer(told)))
    line.provider.http = http
    with pytest.raises(Unavailable, match="429"):
        await line.provider.check()
    await line.clock.advance(seconds - 1)
    with pytest.raises(Unavailable, match="asked nothing for 1 s"):
        await line.provider.check()
    assert line.sent == []
    await line.dial()
    await line.clock.advance(2)
    await line.provider.check()
    await http.aclose()


async def test_a_direction_that_is_forbidden_is_explained(line: Line) -> None:
    error = {"code": -32002, "message": "Not allowed", "data": {"mnemonic": "never_heard_of"}}
    answer = httpx.Response(200, json={"jsonrpc": "2.0", "id": 1, "error": error})
    line.provider.http = httpx.AsyncClient(transport=httpx.MockTransport(lambda told: answer))
    with pytest.raises(Refused, match=r"Not allowed\. Allow calls in that direction in the client area"):
        await line.dial()
    await line.provider.http.aclose()


async def refusal(line: Line, code: int, mnemonic: str = "", message: str = "No", **data: Any) -> str:
    """What whoever places a call is told of this error."""
    error = {"code": code, "message": message, "data": {"mnemonic": mnemonic, **data}}
    answer = httpx.Response(200, json={"jsonrpc": "2.0", "id": 1, "error": error})
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda told: answer)) as http:
        line.provider.http = http
        with pytest.raises(ProviderError) as caught:
            await line.dial()
    return str(caught.value)


@pytest.mark.parametrize(
    ("mnemonic", "field", "words"),
    [
        ("invalid_parameter_value", "contact", "(contact). Check the number."),
        ("data_type_error", "operator", "(operator). Check the phone that is linked for you."),
        ("invalid_parameter_value", "employee.id", "(employee.id). Check the employee's id in the client area."),
        ("required_parameter_missed", "virtual_phone_number", "Check the line, or the virtual_phone_number setting."),
        ("invalid_parameter_value", "contact_message.value", "Check the message, or the id of its file."),
        ("invalid_parameter_value", "", "Check the number, the line and the options of the call."),
        ("unexpected_parameters", "direction", "(direction). Check CALLGEAR_URL, or update Callboard: "),
        ("method_not_found", "", "Check CALLGEAR_URL, or update Callboard: "),
        ("forbidden", "", "Ask the account's administrator for that right: client area, Account, "),
        ("duplicate_tag", "", "The call has it: there is nothing more to do."),
    ],
)
async def test_each_common_error_says_what_to_do(line: Line, mnemonic: str, field: str, words: str) -> None:
    assert words in await refusal(line, -32602, mnemonic, field=field)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (-32001, "Check the key, or login and password."),
        (-32003, "Ask the account's administrator"),
        (-32004, "Look at the call's card"),
        (-32007, "Check the line, or the virtual_phone_number setting."),
        (-32008, "switch that component"),
        (-32009, "ask CallGear's support"),
        (-32029, "Points are counted anew in 60 s: try again then."),
        (-32601, "Check CALLGEAR_URL, or update Callboard"),
    ],
)
@pytest.mark.parametrize("mnemonic", ["", "never_heard_of"])
async def test_an_error_without_a_known_mnemonic_is_told_by_its_group(
    line: Line, code: int, words: str, mnemonic: str
) -> None:
    assert words in await refusal(line, code, mnemonic)


async def test_a_recording_that_the_account_demands_is_said_to_be_one(line: Line) -> None:
    call = await line.dial()
    error = {"code": -32003, "message": "Permission denied", "data": {"mnemonic": "forbidden"}}
    answer = httpx.Response(200, json={"jsonrpc": "2.0", "id": 1, "error": error})
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda told: answer)) as http:
        line.provider.http = http
        with pytest.raises(
            Refused, match=r"denied\. The account records all its calls: only its client area stops that"
        ):
            await line.provider.stop_recording(call)


async def test_a_sentence_with_gaps_is_filled(line: Line) -> None:
    """`params`: "map of parameters' substitutions for a template with a text about an error"."""
    message = "Limit per {limit_type} has been exceeded. Value of current limit per {limit_type} is {limit_max_value}"
    params = {"limit_type": "day", "limit_max_value": 100}
    words = await refusal(line, -32029, "limit_exceeded", message, params=params)
    assert "Limit per day has been exceeded. Value of current limit per day is 100. Points are" in words
    assert "{nothing}" in await refusal(line, -32602, "tag_not_found", "No {nothing} here", params={"nothing": None})
    assert "{x}" in await refusal(line, -32602, "tag_not_found", "No {x} here", params=None)


@pytest.mark.parametrize("place", ["result", "beside"])
async def test_limits_are_learned_wherever_they_stand(line: Line, place: str) -> None:
    """The page says “in a reply”, and shows no more than the member itself."""
    limits = {"day_limit": 100, "day_remaining": 50, "day_reset": 60, "minute_limit": 9, "minute_remaining": 9}

    def answer(request: httpx.Request) -> httpx.Response:
        body = json.loads(line.answer(request).content)
        del body["result"]["metadata"]
        (body if place == "beside" else body["result"])["metadata"] = {"limits": limits}
        return httpx.Response(200, json=body)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        line.provider.http = http
        await line.provider.check()
    assert "50 of 100 points left today" in line.provider.notices()[0]


@pytest.mark.parametrize(
    ("helper", "words"),
    [
        ("https://help.example/tts", "Too long (employee_message). Shorten the text. More: https://help.example/tts"),
        ("", "Too long (employee_message). Shorten the text."),
        (None, "Too long (employee_message). Shorten the text."),
        ("javascript:alert(1)", "Too long (employee_message). Shorten the text."),
    ],
)
async def test_the_page_that_explains_a_refusal_is_named(line: Line, helper: str | None, words: str) -> None:
    data = {"mnemonic": "tts_text_exceeded", "field": "employee_message", "extended_helper": helper}
    error = {"code": -32602, "message": "Too long", "data": data}
    answer = httpx.Response(200, json={"jsonrpc": "2.0", "id": 1, "error": error})
    line.provider.http = httpx.AsyncClient(transport=httpx.MockTransport(lambda told: answer))
    with pytest.raises(Refused) as caught:
        await line.dial()
    assert str(caught.value) == f"CallGear refused: {words}"
    await line.provider.http.aclose()


@pytest.mark.parametrize("spelling", ["current_version_depricated", "current_version_deprecated"])
async def test_an_old_version_is_pointed_out(line: Line, spelling: str) -> None:
    await line.provider.check()
    assert line.provider.outdated() == ""
    line.exchange.deprecated = spelling
    await line.provider.check()
    assert "the newest is v4.5" in line.provider.outdated()


@pytest.mark.parametrize(("values", "words"), [({"access_token": ""}, "ACCESS_TOKEN"), ({"zone": "Mars"}, "ZONE")])
def test_wrong_settings_are_said_at_the_start(values: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        Line(**values)


@pytest.mark.parametrize(
    "change",
    [
        {"whitelisted": False},
        {"active": False},
        {"disabled": {"Basic set"}},
        {"numbers": {"12025550109"}},
        {"keys": set()},
    ],
)
async def test_the_accounts_own_rules_are_told_with_what_to_do(line: Line, change: dict[str, Any]) -> None:
    vars(line.exchange).update(change)
    with pytest.raises(Refused) as caught:
        await line.dial()
    assert caught.value.code in {
        *("ip_not_whitelisted", "account_inactive", "component_disabled", "virtual_phone_number_not_found"),
        "access_token_invalid",
    }
    assert str(caught.value).count(".") >= 2


@pytest.mark.parametrize(
    ("order", "change", "code"),
    [
        ({"customer_message": Speech(text="x" * 501)}, {}, "tts_text_exceeded"),
        ({"customer_message": Speech(text="Hello \U0001f600")}, {}, "character_encoding_not_allowed"),
        ({"customer_message": Speech(media="999")}, {}, "media_file_not_found"),
        ({"dial_music": "999"}, {}, "media_file_not_found"),
        ({"caller_id_rule": "random"}, {"disabled": {"Automatic number management"}}, "component_disabled"),
        ({"scenario": "55"}, {"disabled": {"Call scenario"}}, "component_disabled"),
        ({"scenario": "56"}, {}, "scenario_not_found"),
        ({"line_scenario": True}, {"scenarios": set()}, "scenario_not_found"),
        ({"talk_at_once": True, "hear_dialling": True}, {}, "invalid_parameters_combination"),
        ({"number": LINE}, {"numbers": {"12025550100"}}, "own_virtual_phone_number_not_allowed"),
        ({"rep": RepPhone("employee", "7/+12025550177")}, {}, "no_active_phone_number"),
    ],
)
async def test_an_order_is_refused_as_documented(
    line: Line, order: dict[str, Any], change: dict[str, Any], code: str
) -> None:
    vars(line.exchange).update(change)
    with pytest.raises(Refused) as caught:
        await line.dial(**order)
    assert caught.value.code == code
    assert line.network.calls == ()


async def test_what_goes_with_hearing_the_line_is_for_callgear_to_say(line: Line) -> None:
    """One edition of its page refuses "early_switching" together with "switch_at_once", the others without."""
    with pytest.raises(Refused, match="set both, or only one of them"):
        await line.dial(talk_at_once=True, hear_dialling=True)
    params = line.sent[-1]["params"]
    assert (params["early_switching"], params["switch_at_once"]) == (True, True)


def test_every_refusal_has_a_sample() -> None:
    sampled = {
        found["mnemonic"]
        for file in (Path(callgear.__file__).parent / "samples" / "operations").rglob("*.http")
        for found in re.finditer(r'"mnemonic": "(?P<mnemonic>\w+)"', file.read_text(encoding="utf-8"))
    }
    assert set(CODES) - sampled == set()
