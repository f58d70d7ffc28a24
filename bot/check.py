"""`callboard check`: what is missing or wrong, and the webhook addresses to paste at the providers.

Every line says what was checked and, where it is not right, what to do. Nothing is changed anywhere, no call placed.
"""

import os
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import aiohttp
import yaml
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.assembly import http_client, providers
from bot.errors import CallboardError, SettingsError
from bot.settings import Settings, examine
from bot.store.engine import SQLITE

MANIFEST = Path(__file__).parents[1] / "manifest.yml"
LEAST_FREE_BYTES = 200_000_000
_SECONDS = 10


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `note`: neither good nor bad, but worth knowing."""

    state: Literal["ok", "WRONG", "note"]
    text: str


async def check(environment: Mapping[str, str], file: Path | None, write: Callable[[str], None]) -> int:
    """Print one line for each thing looked at; 0 if nothing is wrong."""
    wrong = 0
    async for finding in findings(environment, file):
        wrong += finding.state == "WRONG"
        write(f"{finding.state:5}  {finding.text}")
    write("Everything is ready: start it with `callboard run`." if not wrong else f"{wrong} to be mended.")
    return 1 if wrong else 0


async def findings(environment: Mapping[str, str], file: Path | None) -> AsyncIterator[Finding]:
    """Everything, from the settings outwards."""
    settings, errors = examine(environment, file)
    for error in errors:
        yield Finding("WRONG", error)
    if settings is None:
        return
    yield Finding("ok", f"Settings: {len(settings.accounts)} account(s), {len(settings.lines)} line(s)")
    yield _disk(settings)
    yield Finding("note", f"SQLite {SQLITE}; one connection writes, so its WAL-reset bug cannot strike")
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_SECONDS)) as session:
        async for finding in _slack(settings, session):
            yield finding
        yield await _public_url(settings, session)
    async for finding in _providers(settings):
        yield finding


def _disk(settings: Settings) -> Finding:
    folder = settings.data
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(13, "not writable")
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return Finding("WRONG", f"Data folder {folder}: {error.strerror}. Create it, or set CALLBOARD_DATA.")
    if free < LEAST_FREE_BYTES:
        return Finding("WRONG", f"Data folder {folder}: only {free // 1_000_000} MB free. Make room: 200 MB at least.")
    return Finding("ok", f"Data folder {folder}: {free // 1_000_000_000} GB free")


async def _slack(settings: Settings, session: aiohttp.ClientSession) -> AsyncIterator[Finding]:
    slack = AsyncWebClient(
        token=settings.bot_token, base_url=settings.slack_api, session=session, retry_handlers=[], timeout=_SECONDS
    )
    try:
        answer = await slack.auth_test()
    except SlackApiError as error:
        reason = error.response.get("error", "unknown")
        yield Finding("WRONG", f"SLACK_BOT_TOKEN: Slack says {reason}. Install the app again and copy its token.")
        return
    except (SlackClientError, OSError, TimeoutError) as error:
        yield Finding("WRONG", f"Slack cannot be reached ({type(error).__name__}). Check network and firewall.")
        return
    yield Finding("ok", f"SLACK_BOT_TOKEN: this is {answer.get('user')} in {answer.get('team')}")
    yield _scopes(answer.headers.get("x-oauth-scopes") or answer.headers.get("X-OAuth-Scopes"))
    if settings.mode == "socket":
        yield await _app_token(settings, session)
    for channel in sorted({line.channel for line in settings.lines} | {settings.channel} - {""}):
        if channel:
            yield await _channel(slack, channel)


def _scopes(granted: str | None) -> Finding:
    if granted is None:
        return Finding("note", "Scopes: this Slack does not tell which are granted")
    needed = set(yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))["oauth_config"]["scopes"]["bot"])
    missing = needed - {scope.strip() for scope in granted.split(",")}
    if missing:
        names = ", ".join(sorted(missing))
        return Finding("WRONG", f"Scopes missing: {names}. Update the app from manifest.yml and install it again.")
    return Finding("ok", f"Scopes: all {len(needed)} granted")


async def _app_token(settings: Settings, session: aiohttp.ClientSession) -> Finding:
    slack = AsyncWebClient(
        token=settings.app_token, base_url=settings.slack_api, session=session, retry_handlers=[], timeout=_SECONDS
    )
    try:
        await slack.apps_connections_open(app_token=settings.app_token)
    except SlackApiError as error:
        reason = error.response.get("error", "unknown")
        return Finding("WRONG", f"SLACK_APP_TOKEN: Slack says {reason}. It needs the scope connections:write.")
    except (SlackClientError, OSError, TimeoutError) as error:
        return Finding("WRONG", f"SLACK_APP_TOKEN: Slack cannot be reached ({type(error).__name__}).")
    return Finding("ok", "SLACK_APP_TOKEN: Socket Mode connections are allowed")


async def _channel(slack: AsyncWebClient, channel: str) -> Finding:
    try:
        found = (await slack.conversations_info(channel=channel))["channel"]
    except SlackApiError as error:
        reason = error.response.get("error", "unknown")
        if reason in ("channel_not_found", "missing_scope"):
            hint = "It does not exist, or is private: type `/invite @Callboard` there."
            return Finding("WRONG", f"Channel {channel}: {hint}")
        return Finding("WRONG", f"Channel {channel}: Slack says {reason}.")
    except (SlackClientError, OSError, TimeoutError) as error:
        return Finding("WRONG", f"Channel {channel}: Slack cannot be reached ({type(error).__name__}).")
    if not found.get("is_member"):
        return Finding("WRONG", f"Channel #{found.get('name')}: not a member. Type `/invite @Callboard` there.")
    return Finding("ok", f"Channel #{found.get('name')}: member")


async def _public_url(settings: Settings, session: aiohttp.ClientSession) -> Finding:
    if not settings.public_url:
        return Finding("note", "CALLBOARD_PUBLIC_URL is not set: webhooks can only come from this computer")
    url = f"{settings.public_url}/healthz/live"
    try:
        async with session.get(url) as answer:
            alive = answer.status == 200 and (await answer.text()) == "alive"
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        return Finding(
            "WRONG", f"{url} cannot be reached ({type(error).__name__}). Is Callboard running, and the proxy?"
        )
    if not alive:
        return Finding("WRONG", f"{url} is answered by something else. Point the proxy at Callboard's port.")
    return Finding("ok", f"{settings.public_url} reaches Callboard")


async def _providers(settings: Settings) -> AsyncIterator[Finding]:
    async with http_client() as http:
        try:
            found = providers(settings, http)
        except SettingsError as error:
            yield Finding("WRONG", str(error))
            return
        for name, provider in found.items():
            if not provider.can("check"):
                yield Finding("note", f"{name}: {provider.title} cannot be checked without placing a call")
            else:
                try:
                    yield Finding("ok", f"{name}: {await provider.check()}")
                except CallboardError as error:
                    yield Finding("WRONG", f"{name}: {error}")
        yield Finding("note", "Webhook addresses to paste at the services; they hold a secret, so show them to nobody:")
        for name, provider in found.items():
            for path, what in (provider.hook_paths or {"": "All webhooks."}).items():
                yield Finding("note", f"  {provider.title} ({name}): {settings.hook_url(name, path)}  {what}")
