"""`callboard check`: the settings and the phone services, and that one bad thing does not hide another."""

import re
from pathlib import Path

import httpx
import pytest

from bot.assembly import serving
from bot.settings_values import VARIABLES
from bot.web import application
from tests.computer import Computer, computer, fault
from tests.office import SETTINGS, Office

__all__ = ["computer"]  # a fixture

GURULIZE = SETTINGS.replace(
    "[accounts.voicenter]", '[accounts.gurulize]\nurl = "https://gurulize.example"\nusername = "u"'
)


def hangs(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("", request=request)


def refuses(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"ERR": 1, "DESC": "Authorization failed."})


async def test_all_is_well_and_the_addresses_are_told(computer: Computer, desk: Office) -> None:
    async with serving(application(desk.board), "127.0.0.1", 0) as port:
        computer.environment["CALLBOARD_PUBLIC_URL"] = f"http://127.0.0.1:{port}"
        code, lines = await computer.check()
    assert code == 0, lines
    assert lines[-1] == "Everything is ready: start it with `callboard run`."
    for line in (
        "ok       Settings: 1 account, 1 line",
        "ok       SLACK_BOT_TOKEN: this is callboard in Callboard test",
        f"ok       Scopes: all {len(desk.slack.scopes)} granted",
        "ok       SLACK_APP_TOKEN: Socket Mode connections are allowed",
        "ok       Channel #calls: member",
        "ok       admins: Zoe",
        f"ok       managers: {desk.slack.users['U2'].name}",
        f"ok       CALLBOARD_PUBLIC_URL: http://127.0.0.1:{port} reaches Callboard",
        "ok       voicenter: Voicenter knows this account: 2 extensions.",
    ):
        assert line in lines
    hook = f"http://127.0.0.1:{port}/hooks/voicenter/hook-secret-for-tests"
    told = "\n".join(lines)
    assert f"note       Voicenter (voicenter): {hook}/cdr  CDR notification" in told
    assert f"note       Voicenter (voicenter): {hook}/popup  Pop-up screen" in told
    assert f"note       Voicenter (voicenter): {hook}/ivr  External IVR" in told
    assert f"note       Voicenter (voicenter): {hook}/layer  External layer" in told
    assert "show them to nobody else" in told
    assert told.count("hook-secret-for-tests") == 4
    for secret in ("xoxb-", "xapp-", "CODE-SECRET", "fake-signing-secret"):
        assert secret not in told


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        (
            "SLACK_BOT_TOKEN",
            "xoxb-wrong",
            "WRONG    SLACK_BOT_TOKEN: Slack says invalid_auth. Install the app again and copy its bot token.",
        ),
        (
            "SLACK_API_URL",
            "http://127.0.0.1:9/api/",
            "WRONG    Slack cannot be reached (ClientConnectorError). Check network and firewall.",
        ),
        (
            "SLACK_APP_TOKEN",
            "xapp-wrong",
            "WRONG    SLACK_APP_TOKEN: Slack says invalid_auth. "
            "It needs the scope connections:write, and Socket Mode must be switched on for the app.",
        ),
        ("SLACK_BOT_TOKEN", "", "MISSING  SLACK_BOT_TOKEN is not set. Copy it from your Slack app's page, "),
        ("SLACK_BOT_TOKEN", "xoxp-1", "WRONG    SLACK_BOT_TOKEN does not start with xoxb-. Copy it again from "),
        (
            "VOICENTER_CODE",
            "",
            "MISSING  VOICENTER_CODE is not set: the account's API code, from Voicenter. Set it in the environment.",
        ),
        ("CALLBOARD_HOOK_SECRET", "", "MISSING  CALLBOARD_HOOK_SECRET must have 16 or more letters and digits"),
        ("CALLBOARD_HOOK_SECRET", "short", "WRONG    CALLBOARD_HOOK_SECRET must have 16 or more letters and digits"),
    ],
)
async def test_a_variable_that_is_empty_or_wrong(computer: Computer, variable: str, value: str, words: str) -> None:
    computer.environment[variable] = value
    code, lines = await computer.check()
    (bad,) = [line for line in lines if line.startswith(("WRONG", "MISSING"))]
    assert bad.startswith(words)
    assert code == 1


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"C1"', '"C99"', "WRONG    Channel C99: Slack says channel_not_found. It does not exist, or is private"),
        ('"C1"', '"C2"', "MISSING  Channel #elsewhere: Callboard is not a member. Type `/invite @Callboard` in #else"),
        ('"C1"', '"C3"', "WRONG    Channel #old is archived. Unarchive it, or set another in callboard.toml."),
        ('channel = "C1"', "", "MISSING  Line Sales has no channel, so its calls are not shown. Add channel = "),
        ('"US"\n', '"Mars"\n', "WRONG    region = “MARS” is not a country code."),
        (
            "[accounts.voicenter]",
            '[accounts.voicenter]\nlog_url = "x"',
            "WRONG    VOICENTER_LOG_URL is not an address.",
        ),
        ("[accounts.voicenter]", "", "MISSING  No telephony account is configured. Add a section like [accounts."),
        ("[accounts.voicenter]", '[accounts.voicenter]\nreply_format = "CSV"', "WRONG    voicenter: VOICENTER_REPLY_"),
    ],
)
async def test_a_mistake_in_the_file(computer: Computer, old: str, new: str, words: str) -> None:
    computer.slack.channels["C3"] = type(computer.slack.channels["C1"])("C3", "old", archived=True)
    computer.text = SETTINGS.replace(old, new)
    if "No telephony" in words:
        computer.text = computer.text.replace('account = "voicenter"', "")
    code, lines = await computer.check()
    (bad,) = [line for line in lines if line.startswith(("WRONG", "MISSING"))]
    assert bad.startswith(words)
    assert code == 1


async def test_all_mistakes_of_the_settings_are_told_at_once(computer: Computer) -> None:
    computer.text = 'region = "Mars"\ncolour = "blue"\n'
    computer.environment["SLACK_BOT_TOKEN"] = ""
    code, lines = await computer.check()
    assert [line[:7].strip() for line in lines[:-1]] == ["WRONG", "MISSING", "MISSING", "WRONG"]
    assert lines[-1] == "4 to be mended. Then run `callboard check` again."
    assert code == 1


async def test_a_file_that_is_not_there_or_cannot_be_read(computer: Computer, tmp_path: Path) -> None:
    _, lines = await computer.check(tmp_path / "elsewhere.toml")
    assert lines[0].startswith("MISSING  ")
    assert "does not exist" in lines[0]
    _, lines = await computer.check(tmp_path)
    fix = "Let this user read it, or name another file."
    assert lines[0] == f"WRONG    {tmp_path} cannot be read (Is a directory). {fix}"


async def test_a_provider_that_refuses_or_hangs(computer: Computer) -> None:
    computer.phone = refuses
    await fault(computer, "WRONG    voicenter: Voicenter refused: Authorization failed. Check VOICENTER_CODE.")
    computer.phone = hangs
    await fault(computer, "WRONG    voicenter: Voicenter did not answer. Try again in a minute.")


async def test_a_provider_that_is_not_reached(computer: Computer) -> None:
    """Its address is to blame only where somebody has set it."""

    def away(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("", request=request)

    computer.phone = away
    words = "Voicenter could not be reached, so nothing was done. Try again. Check network and firewall"
    await fault(computer, f"WRONG    voicenter: {words}.")
    computer.text = SETTINGS.replace(
        "[accounts.voicenter]", '[accounts.voicenter]\nmonitor_url = "https://monitor.example"'
    )
    await fault(computer, f"WRONG    voicenter: {words}, and VOICENTER_MONITOR_URL (https://monitor.example).")


async def test_a_provider_that_cannot_be_checked(computer: Computer) -> None:
    computer.text = GURULIZE.replace('account = "voicenter"', "")
    code, lines = await computer.check()
    assert code == 0
    assert "note     gurulize: the settings of Gurulize cannot be checked without placing a call" in lines
    assert any("/hooks/gurulize/hook-secret-for-tests  the address for status" in line for line in lines)
    assert "PASSWORD-SECRET" not in "".join(lines)


async def test_one_bad_provider_does_not_hide_the_other(computer: Computer) -> None:
    second = '[accounts.gurulize]\nurl = "https://gurulize.example/c2c"\nusername = "u"\nmax_seconds = "long"\n'
    computer.text = SETTINGS.replace("[lines.", f"{second}[lines.")
    _, lines = await computer.check()
    assert any(line.startswith("ok       voicenter: ") for line in lines)
    assert any(line.startswith("WRONG    gurulize: GURULIZE_MAX_SECONDS must be") for line in lines)
    assert any("/hooks/gurulize/" in line for line in lines)


async def test_a_mistake_of_ours_is_a_line_and_does_not_stop_the_rest(computer: Computer) -> None:
    def broken(folder: Path) -> int:
        raise RuntimeError("with a secret in it")

    computer.free = broken
    await fault(computer, "WRONG    Data folder could not be looked at (RuntimeError). Mend the others first.")


async def test_a_limit_for_which_nobody_could_say_yes(computer: Computer) -> None:
    computer.text = computer.text.replace("[policy]", "[policy]\napprove_over = 5")
    code, _ = await computer.check()
    assert code == 0
    computer.text = computer.text.replace('managers = ["U2"]', "")
    await fault(
        computer,
        "MISSING  policy.approve_over = 5, but there are no two managers, so lists of more than 5 cannot be sent. "
        "Name a second one in managers = […].",
    )


async def test_an_old_hook_secret_is_not_forgotten(computer: Computer) -> None:
    """It has become known: as long as it is taken, whoever knows it can report made-up calls."""
    note = (
        "note     CALLBOARD_OLD_HOOK_SECRET is set, so webhook addresses with it are taken, too. Take it away once "
        "`/callboard hooks` says that none is used any more"
    )
    assert note not in (await computer.check())[1]
    computer.environment["CALLBOARD_OLD_HOOK_SECRET"] = "the-secret-of-before"
    code, lines = await computer.check()
    assert (code, note in lines) == (0, True)
    assert not any("the-secret-of-before" in line for line in lines)


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("CALLBOARD_PUBLICURL", "CALLBOARD_PUBLIC_URL"),
        ("CALLBOARD_HOOK_SECRET_OLD", "CALLBOARD_HOOK_SECRET"),
        ("VOICENTER_LOGURL", "VOICENTER_LOG_URL"),
    ],
)
async def test_a_variable_that_nothing_reads_is_noted(computer: Computer, variable: str, meant: str) -> None:
    """In the file it would be a mistake; here it did nothing, and nobody said so."""
    _, before = await computer.check()
    assert not any("is read by nothing" in line for line in before)
    computer.environment[variable] = "a-secret-say"
    code, lines = await computer.check()
    assert f"note     {variable} in the environment is read by nothing. Is {meant} meant?" in lines
    assert code == 0
    assert "a-secret-say" not in "".join(lines)


def test_every_variable_is_known_to_the_check() -> None:
    text = (Path(__file__).parents[1] / "docs" / "settings.md").read_text(encoding="utf-8")
    told = set(re.findall(r"^\| `((?:CALLBOARD|SLACK)_[A-Z_]+)` \|", text, re.MULTILINE))
    assert told == VARIABLES
