"""HTTP in: webhooks of the providers, Slack's requests (HTTP mode), health; the web phone is in phone_page.py.

A webhook is answered only after its events are committed. A wrong secret, an unknown account and a foreign source
address all get the same 404, so that nothing can be learned by trying.
"""

import asyncio
import hmac
import ipaddress
import logging
import sqlite3
from collections.abc import Coroutine
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot import alarms, guiding, phone_page, recordings
from bot.board import SLACK_ITSELF, Board, unexpected
from bot.errors import BadInput, CallboardError, NotAllowed, NotFound, Unavailable, Unreadable
from bot.events import CdrReceived
from bot.hooks import Reply, Request
from bot.provider import Provider
from bot.store import is_of_the_disk, ledger

log = logging.getLogger("callboard.web")

MAX_BODY = 1024 * 1024
"""Bytes. The largest documented webhook is about 4 KiB, but a record may carry the transcript of its talk; what is
bigger is not read to its end."""
MAX_SLACK_BODY = 4 * 1024 * 1024
"""The same for what Slack sends: a form has 250 KB at most (page "views.open"), and escaped some three times that."""
HOOKS = "/hooks/"
LISTENERS = 8
"""Recordings that are fetched at the same moment; others wait their turn."""


class _NotRead(Exception):
    """The body was not read; carries what the sender is told."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply


def routes(board: Board) -> list[BaseRoute]:
    """All routes but Slack's and the webhooks'."""

    async def ready(request: HttpRequest) -> Response:
        report = await health(board)
        return JSONResponse(report, status_code=200 if report["ready"] else 503)

    async def live(request: HttpRequest) -> Response:
        return PlainTextResponse("alive")

    async def recording(request: HttpRequest) -> Response:
        async with turns:
            return await _recording(listening, request)

    turns, listening = asyncio.Semaphore(LISTENERS), recordings.Listening(board)
    return [
        Route("/healthz", ready),
        Route("/healthz/live", live),
        Route(recordings.PATH + "{token}", recording),
        *phone_page.routes(board),
    ]


def application(board: Board, slack: ASGIApp | None = None) -> ASGIApp:
    """The ASGI application. `slack`: Bolt's ASGI application, in HTTP mode."""
    ours = Starlette(routes=routes(board))

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        # Straight there: routing, middleware and request objects cost a third of an acknowledgement or a webhook.
        if scope["type"] == "http" and scope["path"].startswith(HOOKS):
            await _reply(await _hook(board, scope, receive), send)
        elif slack is not None and scope["type"] == "http" and scope["path"] == "/slack/events":
            await _limited(board, slack, scope, receive, send)
        else:
            await ours(scope, receive, send)

    return dispatch


async def _limited(board: Board, slack: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Bolt reads a body to its end before it looks whether it is signed: anybody could fill our memory.

    It says to nobody but the sender that a signature is wrong, which whoever has set a wrong secret must hear, too.
    """
    size = 0

    async def heard(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 401:
            _unsigned(board, scope)
        await send(message)

    async def counted() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > MAX_SLACK_BODY:
            raise _NotRead(_plain(413, f"Nothing was read: more than {MAX_SLACK_BODY} bytes."))
        return message

    try:
        await slack(scope, counted, heard)
    except _NotRead as refusal:
        await _reply(refusal.reply, send)


def _unsigned(board: Board, scope: Scope) -> None:
    """Once, and not of whoever does not even try: anybody may send anything there."""
    if "signature" not in board.logged and any(name == b"x-slack-signature" for name, _ in scope["headers"]):
        board.logged["signature"] = "wrong"
        log.warning(
            "A request to /slack/events was refused, for its signature is wrong. If commands fail in Slack, look at "
            "SLACK_SIGNING_SECRET and at this computer's clock."
        )


async def _reply(reply: Reply, send: Send) -> None:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in reply.headers.items()]
    headers += (b"content-type", reply.content_type.encode("latin-1")), (b"content-length", b"%d" % len(reply.body))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})


def _allowing(origin: str) -> dict[str, str]:
    """https://fetch.spec.whatwg.org/#http-cors-protocol"""
    told = {"origin": origin, "methods": "GET, POST", "headers": "content-type"}
    return {f"access-control-allow-{name}": value for name, value in told.items()}


def _plain(status: int, text: str) -> Reply:
    return Reply(status, text.encode())


_TOO_LARGE = _plain(413, f"Nothing was read: more than {MAX_BODY} bytes.")


async def _hook(board: Board, scope: Scope, receive: Receive) -> Reply:
    """/hooks/{account}/{secret}[/{path}]: read, commit, then answer."""
    account, _, rest = scope["path"].removeprefix(HOOKS).partition("/")
    secret, _, path = rest.partition("/")
    provider = _sent_by(board, account, secret, scope.get("client"))
    if provider is None:
        return _plain(404, "Not found")
    if scope["method"] == "OPTIONS" and provider.browser_origin:  # a browser asks whether it may ask
        return Reply(headers=_allowing(provider.browser_origin))
    if scope["method"] not in ("GET", "POST", "PUT"):
        return _plain(405, "Nothing was read: webhooks come by GET, POST or PUT.")
    try:
        request = await _request(scope, receive, path, board.now())
    except _NotRead as refusal:
        if refusal.reply.status == _TOO_LARGE.status:
            await _unreadable(board, provider, f"it has more than {MAX_BODY} bytes.")
        return refusal.reply
    try:
        webhook = provider.read_webhook(request)
    except Unreadable as error:
        await _unreadable(board, provider, str(error))
        return provider.write_unreadable(request, str(error))
    except Exception:  # a bug of ours; the sender may send it again after an update
        log.exception("Reading a webhook of %s failed.", account)
        await _unreadable(board, provider, "Callboard itself failed; the log says where.")
        return _plain(500, "Not read; send it again.")
    reply, events, asked = webhook.reply, webhook.events, webhook.question is not None
    if webhook.question is not None:
        reply, events = await guiding.respond(board, provider, webhook.question, events)
    try:
        raw = request.body or scope["query_string"]
        if events and asked:  # not a second time: a caller waits for the answer
            await _in_time(board, board.keep(account, events, raw=raw))
        elif events:
            await board.ingest(account, events, raw=raw)
        if any(type(event) is CdrReceived for event in events):
            board.heard[account] = request.received_at
        if account not in board.readable:
            board.readable.add(account)
            board.track(asyncio.ensure_future(board.solved(f"webhook {account}")))  # nobody waits for that
        if board.logged:
            board.logged.pop(f"unstored {account}", None)
    except sqlite3.Error as error:
        _unstored(board, account, error)
        if not asked:
            return _plain(503, "Not stored; send it again.")
    return reply


def _unstored(board: Board, account: str, error: sqlite3.Error) -> None:
    """Once until one can be stored: the log is on the same disk, often."""
    words = f"Webhooks of {account} cannot be stored: {error}."
    if board.logged.get(key := f"unstored {account}") != words:
        board.logged[key] = words
        log.error(words, exc_info=None if is_of_the_disk(error) else error)


def _sent_by(board: Board, account: str, secret: str, client: tuple[str, int] | None) -> Provider | None:
    """The account's provider, None = whoever sends that is not to be listened to."""
    provider = board.providers.get(account)
    # Compared first and in constant time, so that an unknown account takes as long as a wrong secret.
    genuine = hmac.compare_digest(secret.encode(), board.settings.hook_secret.encode())
    by_the_old = False
    if old := board.settings.old_hook_secret:
        by_the_old = hmac.compare_digest(secret.encode(), old.encode())
        genuine = genuine or by_the_old
    if not genuine or provider is None:
        return None
    if not _from_there(board, account, client):
        if client is not None and not by_the_old:  # of the old secret it is known that others know it
            board.track(asyncio.ensure_future(alarms.stranger(board, account, client[0])))  # nobody waits for that
        return None
    if by_the_old:
        board.old_hooks[account] = board.now()
    return provider


async def _in_time(board: Board, storing: Coroutine[Any, Any, object]) -> None:
    """A question is answered in time even when the disk is slow, or full: the events are committed all the same."""
    stored = asyncio.ensure_future(storing)
    done, _ = await asyncio.wait({stored}, timeout=board.answer_seconds)
    if done:
        stored.result()
    else:
        board.track(stored)


async def _unreadable(board: Board, provider: Provider, why: str) -> None:
    board.readable.discard(provider.account)
    await board.problem(
        f"webhook {provider.account}", f"A webhook of {provider.title} ({provider.account}) could not be read: {why}"
    )


def _from_there(board: Board, account: str, client: tuple[str, int] | None) -> bool:
    allowed = next((known.addresses for known in board.settings.accounts if known.name == account), ())
    if not allowed:
        return True
    if client is None:
        return False
    try:
        source = ipaddress.ip_address(client[0])
        source = getattr(source, "ipv4_mapped", None) or source  # as "::", which hears both kinds, names the older
        return any(source in ipaddress.ip_network(network, strict=False) for network in allowed)
    except ValueError:
        return False


async def _request(scope: Scope, receive: Receive, path: str, now: float) -> Request:
    """The webhook in plain words; its body at most `MAX_BODY` bytes, refused by its announced length or as it grows."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    announced = headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > MAX_BODY:
        raise _NotRead(_TOO_LARGE)
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _NotRead(_plain(400, "Nothing was read: the body was cut off."))
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > MAX_BODY:
            raise _NotRead(_TOO_LARGE)
    query = scope["query_string"].decode("latin-1")
    return Request(
        method=scope["method"],
        path=path.strip("/"),
        query=tuple(parse_qsl(query, keep_blank_values=True)) if query else (),
        headers=headers,
        body=body,
        received_at=now,
    )


async def _recording(listening: recordings.Listening, request: HttpRequest) -> Response:
    """The sound behind a link, or a sentence; no cache keeps either."""
    private = {"cache-control": "no-store", "referrer-policy": "no-referrer", "x-content-type-options": "nosniff"}
    if request.method != "GET":  # a look at the headers alone is no listening, and fetches nothing
        return PlainTextResponse("Open the link to listen.", 405, private)
    piece = request.headers.get("range", "")
    try:
        sound = await listening.sound(
            request.path_params["token"], from_start=not piece or piece.replace(" ", "").startswith("bytes=0-")
        )
    except CallboardError as error:
        kinds = ((BadInput, 404), (NotFound, 410), (NotAllowed, 403), (Unavailable, 503))
        status = next((number for kind, number in kinds if isinstance(error, kind)), 502)
        return PlainTextResponse(str(error), status, private)
    except sqlite3.Error as error:  # nobody listens without that being written down
        return PlainTextResponse(unexpected(error), 503, private)
    return FileResponse(
        sound.path,
        media_type=sound.media_type,
        filename=sound.filename,
        headers=private,
        content_disposition_type="inline",
    )


async def health(board: Board) -> dict[str, Any]:
    """Alive, and ready: database, Slack, and each provider, as last seen by use and by the regular checks."""
    try:
        broken = {key: text for key, text, *_ in await board.read(ledger.problems)}
        database = board.db.failing or board.db.damaged or "ok"
    except sqlite3.Error as error:
        broken, database = {}, type(error).__name__
    slack = "failing" if broken.keys() & SLACK_ITSELF else "ok"
    providers = {name: _state(provider, broken) for name, provider in board.providers.items()}
    ready = database == "ok" and slack == "ok" and (not providers or "ok" in providers.values())
    return {"alive": True, "ready": ready, "database": database, "slack": slack, "providers": providers}


def _state(provider: Provider, broken: dict[str, str]) -> str:
    return "failing" if f"provider {provider.account}" in broken else "ok"
