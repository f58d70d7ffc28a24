"""Settings -> a running Callboard: providers, store, feed, Slack app, routes, jobs. Imported by the wiring only.

`running()` starts everything in an order in which nothing can be lost (store, recovery, web, Slack, jobs) and stops it
the other way round.
"""

import asyncio
import contextlib
import errno
import gc
import logging
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import aiohttp
import httpx
import uvicorn
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient
from starlette.types import ASGIApp
from typing_extensions import override

from bot import (
    batches,
    changing,
    conducting,
    controlling,
    digests,
    disk,
    down_time,
    escalating,
    forgetting,
    guiding,
    jobs,
    log_fetching,
    message_queue,
    offers,
    opting_out,
    phone_page,
    registries,
    settings_noted,
    unclear,
    web,
    workflow_steps,
)
from bot.abandoned import Abandoned
from bot.auto_dial import AutoDial
from bot.board import Board
from bot.data_folder import DATABASE, opened, take
from bot.delivering import Deliveries
from bot.errors import CallboardError, SettingsError
from bot.feed import Feed
from bot.native_calls import NativeCalls
from bot.pictures import Pictures
from bot.provider import Provider
from bot.providers import provider_class
from bot.rendering import render
from bot.settings import Settings
from bot.slack_api import OnceMore
from bot.step_answers import StepAnswers
from bot.store import Database, people
from bot.workspace import Identity, SocketMode, identify, refresh
from handlers import (
    Desk,
    admin,
    approval,
    call_list,
    call_log,
    callers,
    calling_lists,
    calls,
    campaign_calls,
    campaigns,
    contact_imports,
    contacts,
    digest,
    groups,
    home,
    left_out,
    live,
    membership,
    missed,
    offer_buttons,
    phone,
    presence,
    recordings,
    register_errors,
    resting,
    roll_call,
    shortcuts,
    voice_messages,
    voice_templates,
    waiting,
    waiving,
)
from handlers import workflow_steps as steps

log = logging.getLogger("callboard")
THIS_COMPUTER = "127.0.0.1,::1,::ffff:127.0.0.1"
"""From where a proxy is believed whom it speaks for."""
SIGN_OUT_SECONDS = 3
"""So long a provider may take to end a session when we stop."""


@dataclass
class Callboard:
    """Everything that runs. `port`: where the web server listens."""

    board: Board
    feed: Feed
    app: AsyncApp
    port: int = 0


def providers(settings: Settings, http: httpx.AsyncClient) -> dict[str, Provider]:
    """Account name -> provider, in the order of the file.

    Raises:
        SettingsError: a setting has a value that its provider refuses.
    """
    providers = {
        account.name: provider_class(account.provider)(account.name, account.values, http, settings.region)
        for account in settings.accounts
    }
    if settings.public_url:
        for name, provider in providers.items():
            provider.hook_url = settings.hook_url(name)
    return providers


def http_client() -> httpx.AsyncClient:
    """The one client for all providers. 12 s: what has not been answered by then is treated as ambiguous."""
    # Every idle connection is looked at for each request: with 32 of them a request costs the loop twice as much.
    limits = httpx.Limits(max_connections=64, max_keepalive_connections=10)
    return httpx.AsyncClient(timeout=httpx.Timeout(12, connect=4), limits=limits, follow_redirects=False)


def slack_app(desk: Desk, identity: Identity) -> AsyncApp:
    """Bolt with all our listeners, the hot ones first."""
    settings = desk.board.settings
    authorized = AuthorizeResult(
        enterprise_id=identity.enterprise_id,
        team_id=identity.team_id,
        bot_token=settings.bot_token,
        bot_id=identity.bot_id,
        bot_user_id=identity.bot_user_id,
    )

    async def authorize() -> AuthorizeResult:
        return authorized

    app = AsyncApp(
        name="callboard",  # else Bolt looks through all modules for its caller's file, for 25 ms
        # Else Bolt logs as much as the root, and with it the whole of a request whose signature is wrong.
        logger=logging.getLogger("slack_bolt"),
        signing_secret=settings.signing_secret,
        client=AsyncWebClient(base_url=settings.slack_api, session=desk.slack.session, retry_handlers=[]),
        # With `token=` the first request would wait for auth.test, and fail if Slack's API does.
        authorize=authorize,
        # Bolt's default polls for the acknowledgement every 10 ms: see handlers/__init__.py.
        process_before_response=True,
        # It would speak with the token that comes with a workflow's step; ours answers, and theirs goes nowhere.
        attaching_function_token_enabled=False,
    )
    features = (calls, live, offer_buttons, call_list, call_log, campaigns, calling_lists, contacts, missed, waiting)
    more = (callers, recordings, digest, phone, presence, admin, home, voice_messages, voice_templates)
    for feature in (*features, *more, approval, waiving, shortcuts, steps):
        feature.register(app, desk)
    register_errors(app, desk)
    return app


def slack_over_http(app: AsyncApp) -> ASGIApp:
    """Bolt's ASGI application, for HTTP mode."""
    from slack_bolt.adapter.asgi.async_handler import AsyncSlackRequestHandler  # each mode spares the other's imports

    return cast(ASGIApp, AsyncSlackRequestHandler(app, path="/slack/events"))


class _Server(uvicorn.Server):
    @override
    @contextlib.contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def]  # signals are ours: several servers share this process
        yield


def listening(host: str, port: int) -> socket.socket:
    """A socket that is bound there. Whoever asked closes it.

    Raises:
        SettingsError: nobody can listen there; says why.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise SettingsError(f"Port {port} is taken on {host}. Stop what uses it, or set CALLBOARD_PORT.") from error
        fix = "Set CALLBOARD_HOST to an address of this computer, and CALLBOARD_PORT to a port above 1023."
        raise SettingsError(f"Callboard cannot listen on {host}, port {port} ({error.strerror}). {fix}") from error
    return listener


@asynccontextmanager
async def serving(app: object, host: str, port: int, listener: socket.socket | None = None) -> AsyncIterator[int]:
    """Serve an ASGI application while the block runs; yields the port (0 picks a free one).

    `listener`: in place of one there; it is closed with the block.

    Raises:
        SettingsError: nobody can listen there; says why.
    """
    listener = listener or listening(host, port)
    server = _Server(
        uvicorn.Config(
            app,  # type: ignore[arg-type]
            log_config=None,
            access_log=False,
            lifespan="auto",
            timeout_graceful_shutdown=3,
            forwarded_allow_ips=os.environ.get("FORWARDED_ALLOW_IPS", THIS_COMPUTER),
        )
    )
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started:
            if task.done():
                task.result()
                raise SettingsError("The web server did not start; the log says why.")
            await asyncio.sleep(0.005)
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        with contextlib.suppress(asyncio.CancelledError):
            await task
        listener.close()


@asynccontextmanager
async def running(
    settings: Settings,
    *,
    now: Callable[[], float] | None = None,
    open_database: Callable[[Path], Database] = Database,
    listener: socket.socket | None = None,
) -> AsyncIterator[Callboard]:
    """Start everything; stop it when the block ends. `now`, `open_database`, `listener` (as in `serving()`): tests and
    the demo bring their own.

    Raises:
        SettingsError: it cannot start; says why.
    """
    async with AsyncExitStack() as stack:
        # Before recovery: what another process is about to dial would look like what a crash had left behind.
        take(stack, settings.data)
        http = await stack.enter_async_context(http_client())
        session = await stack.enter_async_context(aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)))
        database = opened(open_database, settings.data / DATABASE)
        stack.callback(database.close)
        board = Board(settings, database, providers(settings, http))
        stack.push_async_callback(_sign_out, board)
        if now is not None:
            board.now = now
        slack = AsyncWebClient(
            token=settings.bot_token,
            base_url=settings.slack_api,
            session=session,
            retry_handlers=[OnceMore()],
            timeout=15,
        )
        identity = await identify(board, slack)
        desk = Desk(board, slack, team=identity.team_id, enterprise=identity.enterprise_id or "")
        board.outsiders = await board.read(people.outsiders)
        await settings_noted.note(board)
        native = NativeCalls(board, slack)
        await _recover(board, native)
        if settings.lookup_url:
            from bot.lookup import Lookup  # spared where there is none

            Lookup(board, http).watch()
        app = slack_app(desk, identity)
        feed = Feed(board, slack, lambda card: render(board, card))
        application = web.application(board, slack_over_http(app) if settings.mode == "http" else None)
        port = await stack.enter_async_context(serving(application, settings.host, settings.port, listener))
        showing = asyncio.create_task(feed.run())
        stack.push_async_callback(feed.stop)
        stack.push_async_callback(_stop, showing)
        stack.push_async_callback(board.settle)
        board.spawn(conducting.recover(board), conducting.failed)
        board.spawn(batches.recover(board), batches.failed)
        board.spawn(log_fetching.recover(board), log_fetching.failed)
        ticking = _ticking(desk, native)
        if settings.mode == "socket":
            socket_mode = await stack.enter_async_context(aclosing(SocketMode(board, app, session)))
            await socket_mode.begin_if_reached()
            ticking["socket"] = (socket_mode, 20)
        scheduler = await jobs.start(board, ticking)
        stack.push_async_callback(jobs.stop, scheduler)
        _calm_the_collector()
        yield Callboard(board, feed, app, port)


async def _recover(board: Board, native: NativeCalls) -> None:
    """What a crash has left behind, in an order in which each finds what it needs; and who hears of changed calls."""
    await message_queue.recover(board)
    await down_time.hold(board)
    await workflow_steps.recover(board)
    await offers.recover(board)
    await unclear.recover(board)
    await controlling.recover(board)
    await changing.recover(board)
    conducting.watch(board)
    message_queue.watch(board)
    offers.watch(board)
    await native.recover()
    native.watch()
    await board.solved(guiding.PROBLEM)


def _ticking(desk: Desk, native: NativeCalls) -> dict[str, tuple[Callable[[], Awaitable[None]], float]]:
    """What happens by the clock besides what `bot/jobs.py` does itself: name -> (function, every so many seconds)."""
    board, slack = desk.board, desk.slack
    deliveries = Deliveries(board, slack)
    pictures = Pictures(board, slack)
    answers = StepAnswers(board, slack)
    return {
        "running": (lambda: down_time.note(board), down_time.EVERY_SECONDS),
        "digests": (lambda: digests.due(board, pictures), 20),
        "slack_calls": (native.sweep, 20),
        "web_phones": (lambda: phone_page.catch_up(board), 15),
        "homes": (home.Homes(desk), 15),
        "reports": (
            left_out.Reports(desk, *(one.LEFT_OUT for one in (campaign_calls, contact_imports, calling_lists))),
            5,
        ),
        "escalate": (lambda: escalating.escalate(board, lambda users: resting.resting(desk, users)), 10),
        "groups": (lambda: groups.refresh(desk), 300),
        "members": (lambda: membership.refresh(desk), 300),
        "messages": (lambda: message_queue.due(board), 5),
        "call lists": (lambda: offers.due(board), 5),
        "auto-dial": (AutoDial(board), 2),
        "abandoned": (Abandoned(board), 20),
        "registries": (lambda: registries.watch(board), 3600),
        "opted out": (lambda: opting_out.due(board), 20),
        "message results": (voice_messages.Results(desk), 15),
        "workflow steps": (answers.sweep, 5),
        "recordings": (deliveries.deliver, 5),
        "old recordings": (deliveries.expire, 600),
        "old calls": (lambda: forgetting.expire(board), 3600),
        "disk": (disk.Disk(board), 60),
        "identity": (lambda: refresh(board, slack), 3600),
        "people": (roll_call.RollCall(desk), roll_call.EVERY_SECONDS),
    }


async def _sign_out(board: Board) -> None:
    """Sessions that providers opened are not left behind; one that cannot be ended expires by itself."""

    async def one(provider: Provider) -> None:
        try:
            async with asyncio.timeout(SIGN_OUT_SECONDS):
                await provider.sign_out()
        except (CallboardError, TimeoutError) as error:
            log.warning("The session at %s was not ended: %s", provider.account, str(error) or "no answer in time")

    await asyncio.gather(*(one(provider) for provider in board.providers.values()))


def _calm_the_collector() -> None:
    """What was imported lives for ever, and a burst of waiting tasks is no garbage: look at neither all the time.

    Full collections over a backlog of some thousand commands hold acknowledgements up for 100 ms each.
    """
    gc.freeze()  # not collected before: 28 ms in which the first acknowledgement would wait, for very little garbage
    gc.set_threshold(20_000, 20, 50)
    gc.enable()  # whoever starts may have switched it off


async def _stop(task: "asyncio.Task[None]") -> None:
    """Cancel until it ends: `asyncio.wait_for` of Python 3.11 loses a cancellation that comes as its wait ends."""
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=0.2)
    if not task.cancelled():
        task.result()
