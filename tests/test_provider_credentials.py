"""What every provider must keep of its credentials: whatever a service says back, nobody is shown them."""

import html
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, quote_plus

import httpx
import pytest

from bot.call import Call
from bot.errors import Refused
from bot.provider import Provider
from bot.providers import provider_class
from tests.provider_samples import KINDS, configured, failure, offline, sampled_operations


@pytest.mark.parametrize("kind", KINDS)
def test_no_secret_is_shown(kind: str) -> None:
    provider = configured(kind, offline)
    assert "SECRET" not in repr(provider)
    assert "SECRET" not in str(provider)
    assert any(setting.secret for setting in provider.settings)


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
