"""`callboard check`: what is missing or wrong, and the webhook addresses to paste at the providers.

Every line says what was looked at and, where it is not right, what to do. No call is placed and nothing is changed;
only the data folder is created where there is none. It may be asked while Callboard runs. Each look has a time limit,
and one that fails does not stop the others.
"""

import asyncio
import contextlib
import errno
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import aiohttp
import httpx
import yaml
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.assembly import http_client, listening, providers
from bot.data_folder import DATABASE, opened, unusable
from bot.disk import LEAST_FREE_BYTES, free_bytes
from bot.errors import CallboardError, SettingsError, Unsupported
from bot.providers import provider_class
from bot.settings import Account, Settings
from bot.settings_reader import examine
from bot.store.engine import SQLITE
from bot.store.engine import examine as examine_file
from bot.store.schema import VERSION

MANIFEST = Path(__file__).parents[1] / "manifest.yml"
WAL_RESET_FIXED = (3, 51, 3)
"""From this version on two connections can write a WAL file safely: https://sqlite.org/wal.html#walresetbug"""
_SECONDS = 10.0
"""For one request to Slack or to our own address."""
_PATIENCE = 30.0
"""For one whole look, whatever it consists of."""
_UNREACHABLE = (SlackClientError, aiohttp.ClientError, OSError, TimeoutError)


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        state: "MISSING": to be supplied.  "WRONG": there, and to be mended.  "note": neither good nor bad.
    """

    state: Literal["ok", "MISSING", "WRONG", "note"]
    text: str


Look = Callable[[], Awaitable[list[Finding]]]


async def check(
    environment: Mapping[str, str],
    file: Path | None,
    write: Callable[[str], None],
    *,
    http: Callable[[], httpx.AsyncClient] = http_client,
    free: Callable[[Path], int] = free_bytes,
) -> int:
    """Print a line for each thing looked at, as soon as it is known. 0: all good; 1: something is to be mended.

    Never raises. `file`: settings file, None = as `settings_reader.examine` finds it. `http`, `free`: tests bring
    their own.
    """
    bad = 0
    async for finding in findings(environment, file, http, free):
        bad += finding.state in ("MISSING", "WRONG")
        write(f"{finding.state:7}  {finding.text}")
    if bad:
        write(f"{bad} to be mended. Then run `callboard check` again.")
    else:
        write("Everything is ready: start it with `callboard run`.")
    return 1 if bad else 0


async def findings(
    environment: Mapping[str, str],
    file: Path | None,
    http: Callable[[], httpx.AsyncClient],
    free: Callable[[Path], int],
) -> AsyncIterator[Finding]:
    """Everything, from the settings outwards."""
    settings, errors = examine(environment, file)
    for words in errors:
        yield Finding(_settings_state(words, environment), words)
    if settings is None:
        return
    yield Finding("ok", f"Settings: {_count(settings.accounts, 'account')}, {_count(settings.lines, 'line')}")
    for found in _roles(settings):
        yield found
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_SECONDS)) as session, http() as client:
        looks: list[tuple[str, Look]] = [
            ("Data folder", lambda: _disk(settings, free)),
            ("Database", lambda: _database(settings)),
            ("SQLite", _sqlite),
            ("Slack", lambda: _slack(settings, session)),
            ("Port", lambda: _port(settings, session)),
            ("CALLBOARD_PUBLIC_URL", lambda: _public_url(settings, session)),
        ]
        looks += [(account.name, _look_at(settings, account, client)) for account in settings.accounts]
        for what, look in looks:
            for found in await _guarded(what, look):
                yield found
    for found in _hooks(settings):
        yield found


async def _guarded(what: str, look: Look) -> list[Finding]:
    """A look that hangs or breaks is itself a finding; its error is not shown, for it might hold a secret."""
    try:
        async with asyncio.timeout(_PATIENCE):
            return await look()
    except TimeoutError:
        return [Finding("WRONG", f"{what}: no answer within {_PATIENCE:.0f} s. Check network and firewall.")]
    except Exception as error:
        return [Finding("WRONG", f"{what} could not be looked at ({type(error).__name__}). Mend the others first.")]


def _settings_state(words: str, environment: Mapping[str, str]) -> Literal["MISSING", "WRONG"]:
    """Errors of the settings begin with what they are about: a variable that is empty, or nothing, is missing."""
    name = words.partition(" ")[0]
    unset = name.isupper() and not environment.get(name, "").strip()
    return "MISSING" if unset or name == "No" or "does not exist" in words else "WRONG"


def _roles(settings: Settings) -> list[Finding]:
    found = []
    if not settings.admins:
        found.append(Finding("note", "No admins are named in callboard.toml, so nobody is told when something breaks"))
    nightly = settings.policy.night_calls or settings.policy.night_calls_at_once
    if settings.zone == "UTC" and not nightly:
        fix = "Set your office's, or night_calls"
        found.append(Finding("note", f"time_zone is UTC, so as much may be called at night as by day. {fix}"))
    over = settings.policy.approve_over
    if over and len({*settings.admins, *settings.managers}) < 2:
        words = (
            f"policy.approve_over = {over}, but there are no two managers, so lists of more than {over} cannot be sent"
        )
        found.append(Finding("MISSING", f"{words}. Name a second one in managers = […]."))
    homeless = [line.label or line.number for line in settings.lines if not (line.channel or settings.channel)]
    if homeless:
        fix = 'Add channel = "C…" to its section, or one for all at the top of callboard.toml.'
        found += [
            Finding("MISSING", f"Line {name} has no channel, so its calls are not shown. {fix}") for name in homeless
        ]
    elif not settings.lines and not settings.channel:
        found.append(Finding("note", "No lines and no channel are set, so incoming and missed calls are not shown"))
    return found


async def _disk(settings: Settings, free: Callable[[Path], int]) -> list[Finding]:
    folder = settings.data
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):  # permissions alone say nothing of read-only and full disks
            pass
        available = free(folder)
    except OSError as error:
        return [Finding("WRONG", unusable(folder, error))]
    if available < LEAST_FREE_BYTES:
        fix = f"Make room: {LEAST_FREE_BYTES // 1_000_000} MB at least."
        return [Finding("WRONG", f"Data folder {folder}: only {available // 1_000_000} MB free. {fix}")]
    return [Finding("ok", f"Data folder {folder}: {available / 1e9:.1f} GB free")]


async def _database(settings: Settings) -> list[Finding]:
    """Opened as `callboard run` would, but only to read: it may be at work in it."""
    file = settings.data / DATABASE
    if not settings.data.is_dir():
        return []  # what is wrong with the folder is said; nothing can be in it
    if not file.exists():
        return [Finding("ok", f"Database {file}: none yet; the first start makes it")]
    try:
        version, whole = await asyncio.to_thread(opened, examine_file, file)
    except SettingsError as error:
        return [Finding("WRONG", str(error))]
    if 0 < version < VERSION:
        fix = "the next start brings it up to date; make a backup first: docs/deploying.md"
        return [Finding("note", f"Database {file}: of an older Callboard; {fix}")]
    return [Finding("ok", f"Database {file}: {'whole' if whole else 'too large to be read to its end, whole so far'}")]


async def _sqlite() -> list[Finding]:
    version = tuple(int(part) for part in SQLITE.split("."))
    if version < WAL_RESET_FIXED:
        why = "older than 3.51.3, which is fine: only one connection writes, so its WAL-reset bug cannot strike"
        return [Finding("note", f"SQLite {SQLITE} is {why}")]
    return [Finding("ok", f"SQLite {SQLITE}")]


async def _slack(settings: Settings, session: aiohttp.ClientSession) -> list[Finding]:
    slack = _client(settings, session, settings.bot_token)
    try:
        answer = await slack.auth_test()
    except SlackApiError as error:
        if not _code(error):
            status = f"HTTP {getattr(error.response, 'status_code', '?')}: what answered is not Slack's API"
            return [Finding("WRONG", f"Slack cannot be reached ({status}). Check network and firewall.")]
        return [Finding("WRONG", f"SLACK_BOT_TOKEN: {_said(error)}. Install the app again and copy its bot token.")]
    except _UNREACHABLE as error:
        return [Finding("WRONG", f"Slack cannot be reached ({type(error).__name__}). Check network and firewall.")]
    found = [Finding("ok", f"SLACK_BOT_TOKEN: this is {answer.get('user')} in {answer.get('team')}")]
    found.append(_scopes({name.lower(): value for name, value in answer.headers.items()}.get("x-oauth-scopes")))
    if settings.mode == "socket":
        found.append(await _app_token(settings, session))
    else:
        words = "cannot be checked from here: type `/callboard` in Slack; a wrong one is answered with an error"
        found.append(Finding("note", f"SLACK_SIGNING_SECRET {words}"))
    for channel in sorted({line.channel for line in settings.lines} | {settings.channel}):
        if channel:
            found.append(await _channel(slack, channel))
    return found


def _client(settings: Settings, session: aiohttp.ClientSession, token: str) -> AsyncWebClient:
    return AsyncWebClient(
        token=token, base_url=settings.slack_api, session=session, retry_handlers=[], timeout=int(_SECONDS)
    )


def _code(error: SlackApiError) -> str:
    """Slack's own code; there is none where something else than Slack's API has answered."""
    data = getattr(error.response, "data", None)
    return str(data.get("error") or "") if isinstance(data, dict) else ""


def _said(error: SlackApiError) -> str:
    code = _code(error)
    return f"Slack says {code}" if code else "what answered is not Slack's API"


def _scopes(granted: str | None) -> Finding:
    if granted is None:
        return Finding("note", "Scopes: it cannot be told which are granted, for this Slack does not say")
    needed = set(yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))["oauth_config"]["scopes"]["bot"])
    missing = needed - {scope.strip() for scope in granted.split(",")}
    if missing:
        names = ", ".join(sorted(missing))
        return Finding("MISSING", f"Scopes: {names}. Update the app from manifest.yml and install it again.")
    return Finding("ok", f"Scopes: all {len(needed)} granted")


async def _app_token(settings: Settings, session: aiohttp.ClientSession) -> Finding:
    try:
        await _client(settings, session, settings.app_token).apps_connections_open(app_token=settings.app_token)
    except SlackApiError as error:
        fix = "It needs the scope connections:write, and Socket Mode must be switched on for the app."
        return Finding("WRONG", f"SLACK_APP_TOKEN: {_said(error)}. {fix}")
    except _UNREACHABLE as error:
        return Finding("WRONG", f"SLACK_APP_TOKEN: Slack cannot be reached ({type(error).__name__}).")
    return Finding("ok", "SLACK_APP_TOKEN: Socket Mode connections are allowed")


async def _channel(slack: AsyncWebClient, channel: str) -> Finding:
    try:
        found = (await slack.conversations_info(channel=channel))["channel"]
    except SlackApiError as error:
        fix = "It does not exist, or is private: then type `/invite @Callboard` in it."
        return Finding("WRONG", f"Channel {channel}: {_said(error)}. {fix}")
    except _UNREACHABLE as error:
        return Finding("WRONG", f"Channel {channel}: Slack cannot be reached ({type(error).__name__}).")
    name = f"#{found.get('name')}"
    if found.get("is_archived"):
        return Finding("WRONG", f"Channel {name} is archived. Unarchive it, or set another in callboard.toml.")
    if not found.get("is_member"):
        return Finding("MISSING", f"Channel {name}: Callboard is not a member. Type `/invite @Callboard` in {name}.")
    if found.get("is_ext_shared"):
        buttons = "of its people only those in `guests` may press our buttons"
        words = f"It is shared with another company, which can read there who calls; {buttons}"
        return Finding("note", f"Channel {name}: member. {words}")
    return Finding("ok", f"Channel {name}: member")


async def _port(settings: Settings, session: aiohttp.ClientSession) -> list[Finding]:
    where = f"Port {settings.port} on {settings.host}"
    try:
        listening(settings.host, settings.port).close()
    except SettingsError as error:
        taken = isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.EADDRINUSE
        if taken and await _alive(session, f"{settings.own_url}/healthz/live") == "alive":
            return [Finding("ok", f"{where}: Callboard runs there")]
        return [Finding("WRONG", str(error))]
    return [Finding("ok", f"{where}: free")]


async def _public_url(settings: Settings, session: aiohttp.ClientSession) -> list[Finding]:
    if not settings.public_url:
        return [Finding("note", "CALLBOARD_PUBLIC_URL is not set: webhooks can only come from this computer")]
    found = await _reached(settings, session)
    address = urlsplit(settings.public_url)
    if address.scheme == "http" and address.hostname not in ("localhost", "127.0.0.1", "::1"):
        words = "is not https://: the hook secret, callers' numbers and links to recordings can be read on the way"
        found.append(Finding("note", f"CALLBOARD_PUBLIC_URL {words}"))
    return found


async def _reached(settings: Settings, session: aiohttp.ClientSession) -> list[Finding]:
    url = f"{settings.public_url}/healthz/live"
    answer = await _alive(session, url)
    if answer == "alive":
        return [Finding("ok", f"CALLBOARD_PUBLIC_URL: {settings.public_url} reaches Callboard")]
    proxy_alone = answer.startswith(("nothing", "HTTP 502", "HTTP 503", "HTTP 504"))
    if proxy_alone and await _alive(session, f"{settings.own_url}/healthz/live") != "alive":
        words = "cannot be checked while Callboard is not running: start it, then check once more"
        return [Finding("note", f"CALLBOARD_PUBLIC_URL ({answer} at {settings.public_url}) {words}")]
    fix = f"Let the proxy there pass requests on to port {settings.port} of this computer."
    return [Finding("WRONG", f"CALLBOARD_PUBLIC_URL: {answer} at {url}, not Callboard. {fix}")]


async def _alive(session: aiohttp.ClientSession, url: str) -> str:
    """ "alive", or what there is instead."""
    try:
        async with session.get(url) as answer:
            if answer.status != 200:
                return f"HTTP {answer.status}"
            return "alive" if await answer.content.read(100) == b"alive" else "something else"
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        return f"nothing answers ({type(error).__name__})"


def _look_at(settings: Settings, account: Account, client: httpx.AsyncClient) -> Look:
    async def look() -> list[Finding]:
        name = account.name
        try:
            provider = providers(replace(settings, accounts=(account,)), client)[name]
            told = await provider.check()
            with contextlib.suppress(CallboardError):  # a session that is left behind expires by itself
                await provider.sign_out()
            return [Finding("ok", f"{name}: {told}")]
        except Unsupported:
            title = provider_class(account.provider).title
            return [Finding("note", f"{name}: the settings of {title} cannot be checked without placing a call")]
        except CallboardError as error:
            return [Finding("WRONG", f"{name}: {error}")]

    return look


def _hooks(settings: Settings) -> list[Finding]:
    where = "" if settings.public_url else " They work on this computer only, until CALLBOARD_PUBLIC_URL is set."
    words = "Each holds CALLBOARD_HOOK_SECRET, so show them to nobody else."
    found = [Finding("note", f"Webhook addresses to paste at your phone services. {words}{where}")]
    for account in settings.accounts:
        kind = provider_class(account.provider)
        if not kind.hook_paths:
            found.append(Finding("note", f"  {kind.title} ({account.name}): none; it tells nothing by itself"))
        for path, what in kind.hook_paths.items():
            address = settings.hook_url(account.name, path)
            found.append(Finding("note", f"  {kind.title} ({account.name}): {address}  {what}"))
        for event, body in kind.hook_templates.items():
            found.append(Finding("note", f"    {event}, to be sent to {settings.hook_url(account.name)}: {body}"))
    return found


def _count(things: tuple[object, ...], noun: str) -> str:
    return f"{len(things)} {noun}{'' if len(things) == 1 else 's'}"
