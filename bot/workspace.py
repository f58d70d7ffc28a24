"""Who we are in the workspace, and the connection to Slack where it brings everything by itself (Socket Mode).

Sources: https://docs.slack.dev/reference/methods/auth.test and /apis/events-api/using-socket-mode.
"""

import asyncio
import logging
import time

import aiohttp
import msgspec
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.board import Board
from bot.errors import SettingsError
from bot.slack_api import UNREACHED, code_of, status_of, wrong_clock
from bot.store import ledger

_OUTAGE = {"fatal_error", "internal_error", "ratelimited", "request_timeout", "service_unavailable"}
"""What Slack answers when it is not the token's fault."""
IDENTITY = "identity"
"""Name of the fact that says who we are."""
CONNECT_SECONDS = 10
"""So long a start waits for the connection; Bolt's handler goes on trying meanwhile and afterwards."""
_UNREACHED = (
    "Slack cannot be reached, so commands and buttons do nothing. "
    "Callboard goes on trying; calls are kept meanwhile, and shown when it is back."
)

log = logging.getLogger("callboard")


class Identity(msgspec.Struct, frozen=True):
    """Who we are in the workspace. Kept in the store, so that no request ever waits for auth.test."""

    team_id: str
    bot_id: str
    bot_user_id: str
    enterprise_id: str | None = None


async def identify(board: Board, slack: AsyncWebClient) -> Identity:
    """From the store, else from auth.test.

    Raises:
        SettingsError: Slack refuses the token, or cannot be reached at the very first start.
    """
    known = await board.read(ledger.recall, IDENTITY)
    if known is not None:
        return msgspec.json.decode(known[0], type=Identity)
    return await refresh_identity(board, slack)


async def refresh_identity(board: Board, slack: AsyncWebClient) -> Identity:
    """Ask auth.test and remember the answer.

    Raises:
        SettingsError: Slack refuses the token, or it is of another workspace.  SlackUnreached: it cannot be asked.
    """
    try:
        answer = await slack.auth_test()
    except UNREACHED as error:
        raise _not_started(error, "SLACK_BOT_TOKEN", "Install the app again and copy its token.") from None
    known = await board.read(ledger.recall, IDENTITY)
    before = msgspec.json.decode(known[0], type=Identity).team_id if known else answer["team_id"]
    if before != answer["team_id"]:
        raise SettingsError(
            f"SLACK_BOT_TOKEN is of the workspace {answer.get('team')} ({answer['team_id']}), but what is kept in "
            f"{board.settings.data} is of {before}. Set that workspace's tokens, or another CALLBOARD_DATA, then start "
            "again."
        )
    found = Identity(
        team_id=answer["team_id"],
        bot_id=answer.get("bot_id") or "",
        bot_user_id=answer["user_id"],
        enterprise_id=answer.get("enterprise_id"),
    )
    await board.write(ledger.remember, IDENTITY, msgspec.json.encode(found).decode(), board.now())
    # Not by the board's own clock: the demo's may go faster.
    if words := wrong_clock(answer.headers, time.time(), board.settings.mode):
        await board.problem("clock", words)
    else:
        await board.solved("clock")
    return found


class SlackUnreached(SettingsError):
    """Slack, or what is in between, has an outage."""


def _not_started(error: Exception, token: str, fix: str) -> SettingsError:
    """A token is blamed only if Slack itself refuses it, not while there is an outage."""
    code = code_of(error)
    if code and code not in _OUTAGE:
        return SettingsError(f"Slack refuses {token} ({code}). {fix}")
    status = status_of(error) if isinstance(error, SlackApiError) else 0
    why = code or (f"HTTP {status}" if status else type(error).__name__)
    return SlackUnreached(f"Slack cannot be reached ({why}). Check the network, then start again.")


async def refresh(board: Board, slack: AsyncWebClient) -> None:
    """Look whether Slack still knows us, and say so if it does not."""
    try:
        await refresh_identity(board, slack)
    except SlackUnreached:
        return  # whoever posts and whoever connects says so, and sooner than in an hour that it is over
    except SettingsError as error:
        await board.problem("Slack app", str(error))
    else:
        await board.solved("Slack app")


class SocketMode:
    """Slack's connection in Socket Mode: `begin()` makes it, calling this now and then looks after it."""

    def __init__(self, board: Board, app: AsyncApp, session: aiohttp.ClientSession) -> None:
        from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler  # spared in HTTP mode

        settings = board.settings
        self.board = board
        self.web_client = AsyncWebClient(token=settings.app_token, base_url=settings.slack_api, session=session)
        self.handler = AsyncSocketModeHandler(app, settings.app_token, web_client=self.web_client)
        self.connecting: asyncio.Task[None] | None = None
        self.absent = 0
        self.why = ""

    async def begin(self) -> None:
        """Connect. From then on Bolt's handler connects again by itself, whatever happens.

        Raises:
            SettingsError: Slack refuses the token.  SlackUnreached: it cannot be asked; try again.
        """
        try:
            # Asked once by ourselves, because Bolt's handler tries a refused token again for ever.
            await self.web_client.apps_connections_open(app_token=self.board.settings.app_token)
        except UNREACHED as error:
            raise _not_started(error, "SLACK_APP_TOKEN", "It needs the scope connections:write.") from None
        self.connecting = asyncio.ensure_future(self.handler.connect_async())  # type: ignore[no-untyped-call]
        await asyncio.wait({self.connecting}, timeout=CONNECT_SECONDS)

    async def begin_if_reached(self) -> None:
        """The same; webhooks must not wait for a Slack that is away, so then it is left to the next look.

        Raises:
            SettingsError: Slack refuses the token.
        """
        try:
            await self.begin()
        except SlackUnreached:
            log.warning(_UNREACHED)

    async def __call__(self) -> None:
        """Connect if that was not possible so far, and say when the connection does not come back by itself."""
        if self.connecting is None:
            try:
                await self.begin()
            except SettingsError as error:
                words = _UNREACHED if isinstance(error, SlackUnreached) else str(error)
                await self.board.problem("Slack connection", words)
                return
        self.absent = 0 if await self.handler.client.is_connected() else self.absent + 1
        if not self.absent:
            await self.board.solved("Slack connection")
        elif self.absent > 1:  # Slack renews connections every few hours: once is no news
            if self.absent == 2:  # once: Slack lets it be asked about once a minute, and Bolt's handler asks, too
                self.why = await self._why()
            words = f"Slack's connection is gone; commands and buttons do nothing.{self.why}"
            await self.board.problem("Slack connection", words)

    async def _why(self) -> str:
        """What Slack has against a connection, if it says so; "" = nothing, or it is away."""
        try:
            await self.web_client.apps_connections_open(app_token=self.board.settings.app_token)
        except UNREACHED as error:
            fix = "It needs the scope connections:write, and Socket Mode must be on for the app; then start again."
            refusal = _not_started(error, "SLACK_APP_TOKEN", fix)
            return "" if isinstance(refusal, SlackUnreached) else f" {refusal}"
        return ""

    async def aclose(self) -> None:
        """Disconnect, or stop trying to connect."""
        if self.connecting is not None:
            self.connecting.cancel()
        await self.handler.close_async()  # type: ignore[no-untyped-call]  # Bolt leaves this untyped
