"""CallGear's notifications: our templates, as printed and as people set them up, are understood."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from bot import check
from bot.events import Outcome, State
from bot.hooks import Request
from bot.providers.callgear import area
from bot.providers.callgear.calls import events_of
from bot.providers.callgear.notifications import FIELDS, TEMPLATES
from tests.callgear_line import HOOK, LINE, Line
from tests.office import ENVIRONMENT


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    async with aclosing(Line()) as line:
        yield line


@pytest.mark.parametrize("event", FIELDS)
def test_our_templates_are_read_back(event: str) -> None:
    filled = TEMPLATES[event]
    for name in ("call_session_id", "leg_id", "talk_time_duration", "file_duration", "wait_time_duration"):
        filled = filled.replace("{{" + name + "}}", "9")
    filled = filled.replace("{{file_link}}", '"https://media.callgear.com/1/2"').replace("{{direction}}", '"in"')
    body = re.sub(r"\{\{\w+\}\}", "null", filled).encode()
    webhook = Line().provider.read_webhook(Request("POST", "", (), {}, body, 1.0))
    assert webhook.events[0].ref == "9"


SUMMER, WINTER = 1_792_888_200.0, 1_792_891_800.0
"""2026-10-25 02:30:00 in Madrid: the first time, at 00:30 UTC, and once more when clocks have been put back."""


@pytest.mark.parametrize(
    ("received_at", "at"),
    [(SUMMER, SUMMER), (SUMMER - 200, SUMMER), (WINTER, WINTER), (WINTER + 900, WINTER), (WINTER - 600, SUMMER)],
)
async def test_the_hour_that_comes_twice_is_told_apart_by_when_it_is_told(received_at: float, at: float) -> None:
    async with aclosing(Line(zone="Europe/Madrid")) as line:
        line.provider.clock = lambda: received_at
        body = b'{"event": "inbound", "call_session_id": 9, "notification_time": "2026-10-25 02:30:00"}'
        webhook = line.provider.read_webhook(Request("POST", "", (), {}, body, received_at))
        assert {event.at for event in webhook.events} == {at}
        row = {"call_session_id": 9, "start_time": "2026-10-25T02:30:00", "direction": "in"}
        assert {event.at for event in events_of(row, received_at, line.provider.zone)} == {at}


def notified(line: Line, at: str, received_at: float) -> float:
    body = b'{"event": "inbound", "call_session_id": 9, "notification_time": "%s"}' % at.encode()
    (told,) = {event.at for event in line.provider.read_webhook(Request("POST", "", (), {}, body, received_at)).events}
    return told


async def test_a_wrong_zone_is_found_out(line: Line) -> None:
    """The account is in Moscow, and nobody has said so; what has yet to come happened when it was told."""
    noon = 1_700_049_600.0  # 12:00 UTC
    assert notified(line, "2023-11-15 15:00:02", noon) == noon
    assert line.provider.notices()[-1] == (
        "CallGear's notifications come 3 h before the time that they tell: the account is in another zone than "
        "CALLGEAR_ZONE says, UTC. Set it to the account's, or times of calls are wrong."
    )
    row = {"call_session_id": 9, "start_time": "2023-11-15 15:00:00", "direction": "in"}
    assert {event.at for event in events_of(row, noon, line.provider.zone)} == {noon}
    assert notified(line, "2023-11-15 11:59:58", noon) == noon - 2
    assert line.provider.notices() == ()
    assert notified(line, "2023-11-15 06:30:01", noon) == noon - 5.5 * 3600 + 1
    assert "5.5 h after the time that they tell" in line.provider.notices()[-1]
    for said in ("2023-11-15 11:47:00", "2023-11-12 09:00:00", "", "2023-11-15T12:00:00Z"):  # late, or as it should be
        notified(line, said, noon)
        assert line.provider.notices() == ()


async def test_an_account_tells_the_time_of_its_own_zone() -> None:
    async with aclosing(Line(zone="Asia/Jerusalem")) as line:
        line.exchange.zone = ZoneInfo("Asia/Jerusalem")
        begun = line.clock.now()
        await line.talking()
        line.events += await line.provider.active_calls()
        call = await line.wait(70)
        assert all(begun - 1 <= event.at <= line.clock.now() for event in line.events)
        assert (call.state, call.talk_seconds > 0) == (State.ENDED, True)


HOOKS: dict[str, Callable[[str, str], area.Notification]] = {
    "as printed": lambda event, body: area.Notification(HOOK, body),
    "quoted twice": lambda event, body: area.Notification(HOOK, re.sub(r"(\{\{\w+\}\})", r'"\1"', body)),
    "by GET": lambda event, body: area.Notification(
        f"{HOOK}?event={event}&" + "&".join(f"{name}={{{{{name}}}}}" for name in re.findall(r"\{\{(\w+)\}\}", body)),
        method="GET",
    ),
    "by its name": lambda event, body: area.Notification(HOOK, body.replace(f'"event": "{event}"', '"event": null')),
}
"""How people set notifications up -> our template set up in that way."""


@pytest.mark.parametrize("way", HOOKS)
@pytest.mark.parametrize("kind", ["out", "answered", "missed"])
async def test_templates_are_understood_however_they_are_set_up(line: Line, way: str, kind: Any) -> None:
    line.exchange.notifications = {event: HOOKS[way](event, body) for event, body in TEMPLATES.items()}
    if kind == "out":
        await line.talking()
        await line.do("start_recording")
    else:
        line.network.incoming(line.exchange, caller="+12025550131", did=LINE, kind=kind)
    call = await line.wait(70)
    assert (call.state, call.outcome) == (State.ENDED, Outcome.NO_ANSWER if kind == "missed" else Outcome.ANSWERED)
    assert call.line == LINE
    assert bool(call.recording) is (kind == "out")
    if kind == "answered":
        assert (call.number, call.person, call.talk_seconds) == ("+12025550131", "Ada Green", 20)


async def test_what_check_prints_is_pasted_and_understood(line: Line, tmp_path: Path) -> None:
    file = tmp_path / "callboard.toml"
    file.write_text('region = "US"\n[accounts.callgear]\n', encoding="utf-8")
    environment = ENVIRONMENT | {
        "CALLGEAR_ACCESS_TOKEN": "KEY",
        "CALLBOARD_DATA": str(tmp_path),
        "SLACK_API_URL": "http://127.0.0.1:9/api/",
        "CALLBOARD_PUBLIC_URL": "http://127.0.0.1:9",
    }
    printed: list[str] = []
    await check.check(environment, file, printed.append, http=lambda: httpx.AsyncClient(transport=line.transport))
    pasted = dict(re.findall(r"(?m)^note +(\w+), to be sent to (\S+: \{.*\})$", "\n".join(printed)))
    line.exchange.notifications = {event: area.Notification(*told.split(": ", 1)) for event, told in pasted.items()}
    assert set(pasted) == set(TEMPLATES)
    assert {one.url for one in line.exchange.notifications.values()} == {
        "http://127.0.0.1:9/hooks/callgear/hook-secret-for-tests"
    }
    assert "ok       callgear: CallGear knows this account: 0 active calls." in printed
    line.network.incoming(line.exchange, caller="+12025550131", did=LINE, kind="colleague")
    call = await line.wait(70)
    assert (call.number, call.line, call.person, call.outcome) == ("+12025550131", LINE, "Max Stone", Outcome.ANSWERED)
