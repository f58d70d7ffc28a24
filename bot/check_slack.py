"""What `callboard check` asks Slack: are the tokens good, may we do all we need, who and where is named in settings?"""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import aiohttp
import yaml
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot import decide
from bot.outsiders import outside
from bot.settings import Settings
from bot.slack_api import UNREACHED, code_of, wrong_clock

MANIFEST = Path(__file__).parents[1] / "manifest.yml"
_SECONDS = 10
"""For one request."""
_MOST = 90
"""So many people are looked up: Slack answers about a hundred a minute."""
_NAMED = 10
"""So many people of a setting are called by their names."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        state: "MISSING": to be supplied.  "WRONG": there, and to be mended.  "note": neither good nor bad.
    """

    state: Literal["ok", "MISSING", "WRONG", "note"]
    text: str


async def look(settings: Settings, session: aiohttp.ClientSession, team: str) -> list[Finding]:
    """Everything, as far as Slack answers. `team`: id of the workspace that the database is of, "" = of none yet."""
    slack = _client(settings, session, settings.bot_token)
    try:
        answer = await slack.auth_test()
    except SlackApiError as error:
        if not code_of(error):
            status = f"HTTP {getattr(error.response, 'status_code', '?')}: what answered is not Slack's API"
            return [Finding("WRONG", f"Slack cannot be reached ({status}). Check network and firewall.")]
        return [Finding("WRONG", f"SLACK_BOT_TOKEN: {_said(error)}. Install the app again and copy its bot token.")]
    except UNREACHED as error:
        return [Finding("WRONG", f"Slack cannot be reached ({type(error).__name__}). Check network and firewall.")]
    found = [Finding("ok", f"SLACK_BOT_TOKEN: this is {answer.get('user')} in {answer.get('team')}")]
    if team and answer["team_id"] != team:
        words = f"{settings.data} is of another workspace ({team}). Set that one's tokens, or another CALLBOARD_DATA."
        found.append(Finding("WRONG", f"SLACK_BOT_TOKEN is of {answer.get('team')} ({answer['team_id']}), but {words}"))
    if words := wrong_clock(answer.headers, time.time(), settings.mode):
        found.append(Finding("WRONG", words))
    found.append(_scopes({name.lower(): value for name, value in answer.headers.items()}.get("x-oauth-scopes")))
    if settings.mode == "socket":
        found.append(await _app_token(settings, session))
    else:
        words = "cannot be checked from here: type `/callboard` in Slack; a wrong one is answered with an error"
        found.append(Finding("note", f"SLACK_SIGNING_SECRET {words}"))
    for channel in sorted(settings.channels):
        found.append(await _channel(slack, channel))
    return found + await _people(slack, settings, answer["team_id"], answer.get("enterprise_id") or "")


def _client(settings: Settings, session: aiohttp.ClientSession, token: str) -> AsyncWebClient:
    return AsyncWebClient(
        token=token, base_url=settings.slack_api, session=session, retry_handlers=[], timeout=_SECONDS
    )


def _said(error: SlackApiError) -> str:
    code = code_of(error)
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
    except UNREACHED as error:
        return Finding("WRONG", f"SLACK_APP_TOKEN: Slack cannot be reached ({type(error).__name__}).")
    return Finding("ok", "SLACK_APP_TOKEN: Socket Mode connections are allowed")


async def _channel(slack: AsyncWebClient, channel: str) -> Finding:
    try:
        found = (await slack.conversations_info(channel=channel))["channel"]
    except SlackApiError as error:
        if code_of(error) == "missing_scope":  # which is told
            return Finding("note", f"Channel {channel}: whether Callboard is in it cannot be told: {_said(error)}")
        fix = "It does not exist, or is private: then type `/invite @Callboard` in it."
        return Finding("WRONG", f"Channel {channel}: {_said(error)}. {fix}")
    except UNREACHED as error:
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


async def _people(slack: AsyncWebClient, settings: Settings, team: str, enterprise: str) -> list[Finding]:
    """An id that is nobody's looks like any other: whom it should mean would never hear of anything."""
    named = {
        "admins": settings.admins,
        "managers": settings.managers,
        "targets of [[flow]]": [at[1:] for at in sorted(decide.mentioned(settings.flows)) if not at.startswith("@S")],
        "policy.guests": settings.policy.guests,
        "policy.callers": settings.policy.callers,
    }
    everybody = list(dict.fromkeys(user for users in named.values() for user in users))
    at_once = asyncio.Semaphore(8)

    async def one(user: str) -> dict[str, Any]:
        async with at_once:
            try:
                return dict((await slack.users_info(user=user))["user"])
            except SlackApiError as error:
                if code_of(error) in ("user_not_found", "user_not_visible"):
                    return {}
                raise

    try:
        known = dict(zip(everybody, await asyncio.gather(*map(one, everybody[:_MOST])), strict=False))
    except SlackApiError as error:
        return [Finding("note", f"Whether the people in settings are there cannot be told: {_said(error)}")]
    except UNREACHED as error:
        return [Finding("WRONG", f"Slack cannot be reached any more ({type(error).__name__}).")]
    found = []
    for setting, users in named.items():
        there = {user: known[user] for user in users if user in known}
        wrong = [Finding("WRONG", f"{setting}: {user} {why}") for user in there if (why := _unfit(there[user]))]
        found += wrong
        if there and not wrong:
            found.append(Finding("ok", f"{setting}: {_names(there.values())}"))
        found += [
            Finding("note", f"{setting}: {_name(there[user])} ({user}) is a guest, or of another company")
            for user in there
            if setting in ("admins", "managers") and outside(there[user], team, enterprise)
        ]
    if left := len(everybody[_MOST:]):
        words = f"{left} more people of settings were not looked up, for Slack is asked about {_MOST} at most"
        found.append(Finding("note", words))
    return found


def _unfit(user: dict[str, Any]) -> str:
    """Why nobody can be meant by that id, and what to do; "" = somebody can."""
    if not user:
        return "is nobody in this workspace. In Slack, open the person's profile, ⋮, Copy member ID."
    if user.get("deleted"):
        return f"({_name(user)}) is deactivated. Take the id away, or name somebody else."
    if user.get("is_bot"):
        return f"({_name(user)}) is an app, which reads nothing. Name a person."
    return ""


def _names(people: Iterable[dict[str, Any]]) -> str:
    names = [_name(user) for user in people]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"


def _name(user: dict[str, Any]) -> str:
    return str(user.get("real_name") or user.get("name") or user.get("id"))
