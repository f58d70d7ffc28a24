"""`callboard check` says what is missing or wrong, each with the fix; secrets stay unsaid."""

from pathlib import Path

import pytest

from bot.check import check
from tests.fake_slack import FakeSlack
from tests.office import ENVIRONMENT, SETTINGS


async def run(folder: Path, slack: FakeSlack, text: str = SETTINGS, **environment: str) -> tuple[int, str]:
    file = folder / "callboard.toml"
    file.write_text(text)
    lines: list[str] = []
    given = ENVIRONMENT | {
        "CALLBOARD_DATA": str(folder / "data"),
        "SLACK_API_URL": slack.base_url,
        "SLACK_APP_TOKEN": slack.app_token,
        "CALLBOARD_SLACK_MODE": "socket",
        "CALLBOARD_PUBLIC_URL": slack.origin,
        "VOICENTER_MONITOR_URL": slack.origin,
    }  # fmt: skip
    code = await check(given | environment, file, lines.append)
    return code, "\n".join(lines)


async def test_what_is_right_and_the_addresses(tmp_path: Path, fake_slack: FakeSlack) -> None:
    code, told = await run(tmp_path, fake_slack)
    assert code == 1  # neither a phone service nor Callboard answers at the fake Slack's address
    for words in (
        "ok     SLACK_BOT_TOKEN",
        "ok     SLACK_APP_TOKEN",
        "ok     Channel #calls: member",
        "ok     Data folder",
        "WRONG  voicenter:",
        "/hooks/voicenter/hook-secret-for-tests/cdr",
        "/healthz/live is answered by something else",
    ):
        assert words in told, told
    for secret in ("xoxb-", "xapp-", "CODE-SECRET", "fake-signing-secret"):
        assert secret not in told


@pytest.mark.parametrize(
    ("change", "environment", "words"),
    [
        (("", ""), {"SLACK_BOT_TOKEN": "xoxb-wrong"}, "WRONG  SLACK_BOT_TOKEN: Slack says invalid_auth"),
        (("", ""), {"SLACK_API_URL": "http://127.0.0.1:9/api/"}, "Slack cannot be reached"),
        (("", ""), {"SLACK_APP_TOKEN": "xapp-wrong"}, "connections:write"),
        (('channel = "C1"', 'channel = "C2"'), {}, "Channel #elsewhere: not a member. Type `/invite"),
        (('channel = "C1"', 'channel = "C99"'), {}, "Channel C99: It does not exist"),
        (('region = "US"', 'region = "Mars"'), {}, "not a country code"),
        (("", ""), {"CALLBOARD_HOOK_SECRET": "short"}, "16 or more"),
        (("", ""), {"CALLBOARD_PUBLIC_URL": ""}, "can only come from this computer"),
        (("", ""), {"CALLBOARD_PUBLIC_URL": "http://127.0.0.1:9"}, "cannot be reached"),
        (("", ""), {"CALLBOARD_DATA": "/proc/nowhere"}, "WRONG  Data folder"),
    ],
)
async def test_each_fault_has_its_fix(
    tmp_path: Path, fake_slack: FakeSlack, change: tuple[str, str], environment: dict[str, str], words: str
) -> None:
    code, told = await run(tmp_path, fake_slack, SETTINGS.replace(*change), **environment)
    assert words in told, told
    assert (code == 1) == ("WRONG" in told)


async def test_missing_scopes_are_named(tmp_path: Path, fake_slack: FakeSlack) -> None:
    fake_slack.scopes = frozenset({"chat:write", "commands", "channels:read"})
    _, told = await run(tmp_path, fake_slack)
    assert "im:write" in told
