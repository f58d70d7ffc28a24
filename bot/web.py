"""HTTP in: webhooks of the providers, Slack's requests (HTTP mode), health.

A webhook is answered only after its events are committed. A wrong secret, an unknown account and a foreign source
address all get the same 404, so that nothing can be learned by trying.
"""

import hmac
import ipaddress
import logging
import sqlite3
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.board import Board
from bot.errors import Unreadable
from bot.provider import Answer, Provider, Question, Reply, Request
from bot.store import ledger, people

log = logging.getLogger("callboard.web")

MAX_BODY = 256 * 1024
"""Bytes. The largest documented webhook is about 4 KiB; what is bigger is not read to its end."""


class _TooLarge(Exception):
    pass


def routes(board: Board) -> list[BaseRoute]:
    """All routes but Slack's."""

    async def hook(request: HttpRequest) -> Response:
        return await _hook(board, request)

    async def ready(request: HttpRequest) -> Response:
        report = await health(board)
        return JSONResponse(report, status_code=200 if report["ready"] else 503)

    async def live(request: HttpRequest) -> Response:
        return PlainTextResponse("alive")

    return [
        Route("/hooks/{account}/{secret}", hook, methods=["GET", "POST", "PUT"]),
        Route("/hooks/{account}/{secret}/{path:path}", hook, methods=["GET", "POST", "PUT"]),
        Route("/healthz", ready),
        Route("/healthz/live", live),
    ]


def application(board: Board, slack: ASGIApp | None = None) -> ASGIApp:
    """The ASGI application. `slack`: Bolt's ASGI application, in HTTP mode."""
    ours = Starlette(routes=routes(board))
    if slack is None:
        return ours

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        # Straight to Bolt: routing and its middleware cost a third of an acknowledgement.
        is_slack = scope["type"] == "http" and scope["path"] == "/slack/events"
        await (slack if is_slack else ours)(scope, receive, send)

    return dispatch


async def _hook(board: Board, request: HttpRequest) -> Response:
    account = request.path_params["account"]
    provider = board.providers.get(account)
    # Compared first and in constant time, so that an unknown account takes as long as a wrong secret.
    genuine = hmac.compare_digest(request.path_params["secret"].encode(), board.settings.hook_secret.encode())
    if not genuine or provider is None or not _from_there(board, account, request):
        return PlainTextResponse("Not found", status_code=404)
    try:
        body = await _body(request)
    except _TooLarge:
        return PlainTextResponse(f"Nothing was read: more than {MAX_BODY} bytes.", status_code=413)
    except ClientDisconnect:
        return PlainTextResponse("Nothing was read: the body was cut off.", status_code=400)
    try:
        webhook = provider.read_webhook(
            Request(
                method=request.method,
                path=request.path_params.get("path", "").strip("/"),
                query=tuple(request.query_params.multi_items()),
                headers={name.lower(): value for name, value in request.headers.items()},
                body=body,
                received_at=board.now(),
            )
        )
    except Unreadable as error:
        await board.problem(
            f"webhook {account}", f"A webhook of {provider.title} ({account}) could not be read: {error}"
        )
        return PlainTextResponse(f"Nothing was read: {error}", status_code=400)
    try:
        if webhook.events:
            await board.ingest(account, webhook.events, raw=body or request.url.query.encode())
        if webhook.question is not None:
            return _response(provider.write_answer(webhook.question, await _answer(board, webhook.question)))
    except sqlite3.Error:
        log.exception("A webhook of %s could not be stored; its sender is asked to send it again.", account)
        return PlainTextResponse("Not stored; send it again.", status_code=503)
    return _response(webhook.reply)


def _from_there(board: Board, account: str, request: HttpRequest) -> bool:
    allowed = next((known.addresses for known in board.settings.accounts if known.name == account), ())
    if not allowed:
        return True
    if request.client is None:
        return False
    try:
        source = ipaddress.ip_address(request.client.host)
        return any(source in ipaddress.ip_network(network, strict=False) for network in allowed)
    except ValueError:
        return False


async def _body(request: HttpRequest) -> bytes:
    """The body, at most `MAX_BODY` bytes: refused by its announced length, else as soon as it grows over."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > MAX_BODY:
        raise _TooLarge
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_BODY:
            raise _TooLarge
        parts.append(part)
    return b"".join(parts)


async def _answer(board: Board, question: Question) -> Answer:
    contact = await board.read(people.contact, question.number) if question.number else None
    if contact is None:
        return Answer()
    url = board.settings.contact_url.replace("{number}", question.number.lstrip("+"))
    return Answer(contact.name, contact.company, url)


def _response(reply: Reply) -> Response:
    return Response(reply.body, status_code=reply.status, media_type=None, headers={"content-type": reply.content_type})


async def health(board: Board) -> dict[str, Any]:
    """Alive, and ready: database, Slack, and each provider, as last seen by use and by the regular checks."""
    try:
        broken = {key: text for key, text, *_ in await board.read(ledger.problems)}
        database = "ok"
    except sqlite3.Error as error:
        broken, database = {}, type(error).__name__
    slack = "failing" if broken.keys() & {"Slack", "Slack app", "Slack connection"} else "ok"
    providers = {name: _state(provider, broken) for name, provider in board.providers.items()}
    ready = database == "ok" and slack == "ok" and (not providers or "ok" in providers.values())
    return {"alive": True, "ready": ready, "database": database, "slack": slack, "providers": providers}


def _state(provider: Provider, broken: dict[str, str]) -> str:
    return "failing" if f"provider {provider.account}" in broken else "ok"
