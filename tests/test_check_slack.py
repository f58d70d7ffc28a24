"""`callboard check`: what it asks Slack: scopes, tokens, channels, people."""

import time
from dataclasses import replace
from typing import Any

import pytest

from tests.computer import Computer, computer, fault, page
from tests.office import LINE, SETTINGS

__all__ = ["computer"]  # a fixture


async def test_a_channel_that_is_shared_with_another_company(computer: Computer) -> None:
    computer.slack.channels["C1"].shared = True
    code, lines = await computer.check()
    (told,) = [line for line in lines if "#calls" in line]
    assert told.startswith("note     Channel #calls: member. It is shared with another company, which can read there")
    assert told.endswith("of its people only those in `guests` may press our buttons")
    assert code == 0


async def test_scopes_that_are_not_granted_are_named(computer: Computer) -> None:
    computer.slack.scopes -= {"im:write", "groups:history"}
    words = "MISSING  Scopes: groups:history, im:write. Update the app from manifest.yml and install it again."
    await fault(computer, words)


async def test_a_slack_that_tells_no_scopes(computer: Computer) -> None:
    known = '"user": "callboard", "team": "Local", "team_id": "T1"'
    body = f'{{"ok": true, {known}, "channel": {{"name": "calls", "is_member": true}}}}'
    computer.text = SETTINGS.replace('admins = ["U9"]', "").replace('managers = ["U2"]', "")
    async with page(200, body, {"content-type": "application/json"}) as address:
        computer.environment["SLACK_API_URL"] = f"{address}/api/"
        code, lines = await computer.check()
    assert code == 0
    assert "note     Scopes: it cannot be told which are granted, for this Slack does not say" in lines


@pytest.mark.parametrize("kind", ["text/html", "application/json", "text/plain"])
async def test_something_else_than_slack_answers(computer: Computer, kind: str) -> None:
    async with page(200, "<h1>It works!</h1>", {"content-type": kind}) as address:
        computer.environment["SLACK_API_URL"] = f"{address}/api/"
        code, lines = await computer.check()
    assert code == 1
    (bad,) = [line for line in lines if line.startswith("WRONG")]
    assert "what answered is not Slack's API" in bad or "Slack could not be looked at (AttributeError)" in bad


async def test_a_gateway_before_slack_that_answers_in_plain_text(computer: Computer) -> None:
    async with page(503, "upstream connect error", {"content-type": "text/plain"}) as address:
        computer.environment["SLACK_API_URL"] = f"{address}/api/"
        fix = "Check network and firewall."
        await fault(computer, f"WRONG    Slack cannot be reached (HTTP 503: what answered is not Slack's API). {fix}")


async def test_a_dropped_connection_is_a_line(computer: Computer) -> None:
    computer.slack.fail_next("auth.test", "drop_before")
    await fault(computer, "WRONG    Slack cannot be reached (ServerDisconnectedError). Check network and firewall.")


async def test_over_http_the_app_token_is_not_asked_for(computer: Computer) -> None:
    computer.environment |= {"CALLBOARD_SLACK_MODE": "http", "SLACK_APP_TOKEN": ""}
    async with page(200, "alive") as address:
        computer.environment["CALLBOARD_PUBLIC_URL"] = address
        code, lines = await computer.check()
    assert code == 0
    assert not any("SLACK_APP_TOKEN" in line for line in lines)
    assert any(line.startswith("note     SLACK_SIGNING_SECRET cannot be checked from here") for line in lines)


async def test_people_and_places_that_are_not_named(computer: Computer) -> None:
    head, _, tail = computer.text.partition(f'[lines."{LINE}"]')
    computer.text = head.replace('channel = "C1"', "").replace('admins = ["U9"]', "") + tail[tail.index("[policy]") :]
    code, lines = await computer.check()
    assert code == 0
    assert "note     No admins are named in callboard.toml, so nobody is told when something breaks" in lines
    assert "note     No lines and no channel are set, so incoming and missed calls are not shown" in lines


async def test_where_it_is_not_known_when_it_is_night(computer: Computer) -> None:
    note = "note     time_zone is UTC, so as much may be called at night as by day. Set your office's, or night_calls"
    assert note not in (await computer.check())[1]
    computer.text = computer.text.replace('time_zone = "Europe/Madrid"', "")
    code, lines = await computer.check()
    assert (code, note in lines) == (0, True)
    computer.text = computer.text.replace("[policy]", "[policy]\nnight_calls = 20")
    assert note not in (await computer.check())[1]


@pytest.mark.parametrize(
    ("setting", "fault_of", "words"),
    [
        (
            'admins = ["U0123456789"]',
            {},
            "admins: U0123456789 is nobody in this workspace. In Slack, open the person's",
        ),
        ('admins = ["U9", "U8"]', {"deleted": True}, "admins: U8 (Lee) is deactivated. Take the id away, or name some"),
        ('admins = ["U8"]', {"bot": True}, "admins: U8 (Lee) is an app, which reads nothing. Name a person."),
    ],
)
async def test_an_admin_whom_nothing_would_reach(
    computer: Computer, setting: str, fault_of: dict[str, Any], words: str
) -> None:
    """The example's ids, say: each looks right, and what an admin must hear would go nowhere."""
    computer.slack.users["U8"] = replace(computer.slack.users["U1"], id="U8", name="Lee", **fault_of)
    computer.text = SETTINGS.replace('admins = ["U9"]', setting)
    code, lines = await computer.check()
    (bad,) = [line for line in lines if line.startswith(("WRONG", "MISSING"))]
    assert bad.startswith(f"WRONG    {words}")
    assert not any(line.startswith("ok       admins") for line in lines)
    assert code == 1


async def test_people_who_may_call_are_looked_up_too(computer: Computer) -> None:
    many = {f"U7{number}": f"Rep {number}" for number in range(12)}
    for user, name in many.items():
        computer.slack.users[user] = replace(computer.slack.users["U1"], id=user, name=name)
    computer.slack.users["U8"] = replace(computer.slack.users["U1"], id="U8", name="Lee", guest=True)
    ids = ", ".join(f'"{user}"' for user in many)
    computer.text = SETTINGS.replace("[policy]", f'[policy]\ncallers = [{ids}]\nguests = ["U8", "U6"]')
    computer.text = computer.text.replace('managers = ["U2"]', 'managers = ["U8"]')
    _, lines = await computer.check()
    assert f"ok       policy.callers: {', '.join([*many.values()][:10])} and 2 more" in lines
    assert "ok       managers: Lee" in lines
    assert "note     managers: Lee (U8) is a guest, or of another company" in lines  # who may do what managers do
    (bad,) = [line for line in lines if line.startswith("WRONG")]
    assert bad.startswith("WRONG    policy.guests: U6 is nobody in this workspace.")


async def test_whom_a_flow_puts_callers_through_to_is_looked_up(computer: Computer) -> None:
    """Whoever is not there is left out when somebody calls, and nobody hears of it."""
    targets = 'targets = ["@U1", "@U6", "@S0123456789"]'
    computer.text = SETTINGS + f'\n[[flow]]\nstart = "front"\n[flow.steps.front]\ndo = "dial"\n{targets}\n'
    await fault(
        computer,
        "WRONG    targets of [[flow]]: U6 is nobody in this workspace. In Slack, open the person's profile, ⋮, Copy "
        "member ID.",
    )


async def test_slack_is_asked_about_so_many_people_only_as_it_lets_itself_be(computer: Computer) -> None:
    many = [f"U7{number:03}" for number in range(130)]
    for user in many:
        computer.slack.users[user] = replace(computer.slack.users["U1"], id=user, name=f"Rep {user}")
    computer.text = SETTINGS.replace("[policy]", f"[policy]\ncallers = {many}".replace("'", '"'))
    code, lines = await computer.check()
    assert code == 0
    assert "note     42 more people of settings were not looked up, for Slack is asked about 90 at most" in lines
    (told,) = [line for line in lines if "policy.callers" in line]
    assert told.startswith("ok       policy.callers: Rep U7000, ")
    assert told.endswith(" and 78 more")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (420, "7 minutes behind Slack's"),
        (-90, "2 minutes ahead of Slack's"),
        (-7200, "120 minutes ahead of Slack's"),
    ],
)
async def test_a_clock_that_is_wrong(computer: Computer, seconds: float, words: str) -> None:
    computer.slack.dated_at = lambda: time.time() + seconds
    fix = "so times, calling hours and limits are wrong. Set it, say with `timedatectl set-ntp true`."
    await fault(computer, f"WRONG    This computer's clock is {words}, {fix}")


async def test_a_clock_that_is_nearly_right(computer: Computer) -> None:
    computer.slack.dated_at = lambda: time.time() - 30
    assert (await computer.check())[0] == 0


async def test_without_the_scope_no_channel_is_blamed(computer: Computer) -> None:
    computer.slack.scopes -= {"channels:read"}
    await fault(computer, "MISSING  Scopes: channels:read. Update the app from manifest.yml and install it again.")
    told = "note     Channel C1: whether Callboard is in it cannot be told: Slack says missing_scope"
    assert told in (await computer.check())[1]


async def test_without_the_scope_nobody_is_blamed(computer: Computer) -> None:
    computer.slack.scopes -= {"users:read"}
    await fault(computer, "MISSING  Scopes: users:read. Update the app from manifest.yml and install it again.")
    told = "note     Whether the people in settings are there cannot be told: Slack says missing_scope"
    assert told in (await computer.check())[1]
