"""`/phone` on our own web server: the page that is a rep's phone, and what it tells and asks.

The page itself is the same for everybody and holds nothing. A link from Slack carries a ticket behind its "#", which
the page trades once for a session cookie; with that it fetches its login, reports what the vendor's script tells, and
dials through the one gate. Every request that does something must be JSON, from our own origin, and small.
"""

import json
import logging
import re
import secrets
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bot import asking, dialing, outsiders, who
from bot.board import Board, sentence, unexpected
from bot.call import Call
from bot.cards import who_plain
from bot.errors import CallboardError, NeedsConsent, NeedsReason, NeedsYes
from bot.namesakes import Choice
from bot.provider import Provider
from bot.store import calls, ledger, lookups, people, web_phones
from bot.store.web_phones import Phone
from bot.web_phone import SESSION_SECONDS, OfACall, OfItself, Report, WebPhone, fingerprint, new_link, read_link, unseal

log = logging.getLogger("callboard.phone")

PATH = "/phone"
MAX_BODY = 8 * 1024
"""Bytes of a request of the page."""
_COOKIE = "callboard_phone"
_STATIC = Path(__file__).with_name("static")
_KINDS = {"phone.js": "text/javascript", "phone.css": "text/css"}
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
}
_PROBLEMS = {
    "initiate_failed": "could not be set up at the phone service",
    "register_failed": "could not sign in: its user or password is wrong, or it is in use elsewhere",
    "disconnected": "lost its connection",
}
_T = TypeVar("_T", bound=msgspec.Struct)


class _Nothing(msgspec.Struct, frozen=True):
    """An empty object."""


class _Opening(msgspec.Struct, frozen=True):
    ticket: str


class _Told(msgspec.Struct, frozen=True):
    what: OfItself | OfACall
    ref: str = ""


class _Dial(msgspec.Struct, frozen=True):
    """`id`: made by the page for this press of the button; a repeat of it is the same dial.

    `confirmed`, `consented`: they said yes to that question, as in `Ask`.
    """

    id: str
    who: str
    confirmed: bool = False
    consented: bool = False


class _No(Exception):
    """The request is answered with a sentence and nothing else."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


def with_web_phone(board: Board) -> dict[str, Provider]:
    """The accounts that have a web phone."""
    return {name: provider for name, provider in board.providers.items() if provider.web_phone() is not None}


def join_url(board: Board) -> str:
    """The page's address, for everybody: it opens only for whom it is signed in."""
    return f"{board.settings.base_url}{PATH}"


async def link(board: Board, phone: Phone) -> str:
    """An address that opens the page for this person, once and soon. Holds a secret: show it to them only."""
    ticket, nonce = new_link(board.settings.bot_token, phone.user, board.now())
    await board.write(web_phones.linked, phone.user, fingerprint(nonce))
    return f"{join_url(board)}#{ticket}"


def routes(board: Board) -> list[BaseRoute]:
    """The page, its parts, and what it may ask."""

    async def page(request: Request) -> Response:
        return _part(board, "phone.html", "text/html")

    async def part(request: Request) -> Response:
        name = request.path_params["name"]
        return _part(board, name, _KINDS[name]) if name in _KINDS else _plain(404, "Not found")

    async def adapter(request: Request) -> Response:
        provider = board.providers.get(request.path_params["account"])
        phone = provider.web_phone() if provider is not None else None
        if phone is None:
            return _plain(404, "Not found")
        return Response(phone.adapter.read_bytes(), media_type="text/javascript", headers=_HEADERS)

    def asked(answer: Callable[[Board, Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def run(request: Request) -> Response:
            try:
                _check_origin(board, request)
                return await answer(board, request)
            except _No as no:
                return _json({"words": str(no)}, no.status)
            except CallboardError as error:
                said = error.elsewhere if isinstance(error, NeedsReason) else str(error)
                return _json({"words": await _words(board, said)}, 409)
            except sqlite3.Error as error:
                words = f"Nothing was done: it could not be written down. {unexpected(error)}"
                return _json({"words": words}, 503)
            except Exception as error:  # its sentence carries an incident number
                return _json({"words": sentence(error)}, 500)

        return run

    return [
        Route(PATH, page),
        Route(f"{PATH}/{{name:str}}", part),
        Route(f"{PATH}/adapter/{{account:str}}.js", adapter),
        *(
            Route(f"{PATH}/{name}", asked(answer), methods=["POST"])
            for name, answer in (("open", _open), ("session", _session), ("report", _report), ("dial", _dial))
        ),
    ]


# The page.


def _part(board: Board, name: str, kind: str) -> Response:
    if not with_web_phone(board):
        return _plain(404, "Not found")
    headers = {**_HEADERS, "Content-Security-Policy": _policy(board)} if kind == "text/html" else _HEADERS
    return Response((_STATIC / name).read_bytes(), media_type=kind, headers=headers)


def _policy(board: Board) -> str:
    """Nothing but our own files and the vendor's one script, which may reach its own hosts."""
    phones = [phone for provider in board.providers.values() if (phone := provider.web_phone()) is not None]
    scripts = " ".join(
        dict.fromkeys(urlsplit(phone.script)._replace(query="", fragment="").geturl() for phone in phones)
    )
    hosts = list(dict.fromkeys(host for phone in phones for host in phone.hosts))
    sounds = " ".join(host for host in hosts if host.startswith("http"))
    return (
        f"default-src 'none'; script-src 'self' {scripts}; style-src 'self'; connect-src 'self' {' '.join(hosts)};"
        f" media-src 'self' blob: {sounds}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


# What the page asks.


async def _open(board: Board, request: Request) -> Response:
    """Trade the ticket of a link for a session, once."""
    told = await _body(request, _Opening)
    found = read_link(board.settings.bot_token, told.ticket, board.now())
    if found is None:
        raise _No(403, "This link is too old or not ours. Type /phone web in Slack for a new one.")
    user, nonce = found
    session, until = secrets.token_urlsafe(32), board.now() + SESSION_SECONDS

    def begin(db: sqlite3.Connection) -> bool:
        begun = web_phones.open_page(db, user, fingerprint(nonce), fingerprint(session), until)
        if begun:
            ledger.audit(db, board.now(), user, "open web phone", user)
        return begun

    if not await board.write(begin):
        raise _No(403, "This link was used before. Type /phone web in Slack for a new one.")
    response = _json({})
    base = urlsplit(board.settings.base_url)
    response.set_cookie(
        _COOKIE,
        session,
        max_age=SESSION_SECONDS,
        path=base.path + PATH,
        secure=base.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    return response


async def _session(board: Board, request: Request) -> Response:
    """What the page needs to be this person's phone: the only place where the password leaves Callboard."""
    await _body(request, _Nothing)
    phone, offered = await _phone(board, request)
    password = unseal(board.settings.bot_token, phone.sealed)
    if password is None:
        raise _No(409, "Your web phone's password cannot be read any more. Type /phone web login in Slack.")
    person = await board.read(people.person, phone.user)
    return _json(
        {
            "name": person.name,
            "service": board.provider(phone.account).title,
            "script": offered.script,
            "adapter": f"adapter/{phone.account}.js",
            "login": {"user": phone.login, "password": password},
        }
    )


async def _report(board: Board, request: Request) -> Response:
    """One of the script's callbacks. Answered when it is on disk, with what is known of the call."""
    told = await _body(request, _Told)
    phone, _ = await _phone(board, request)
    what: Any = told.what
    if what in _PROBLEMS:
        subject = f"web phone:{phone.session[:16]}:{what}"  # once per page, however often it tries
        text = f"Your web phone {_PROBLEMS[what]}, so calls do not ring there. Type `/phone web` to open it again."
        await board.tell(phone.user, text, subject)
    if what == "registered" or what in _PROBLEMS:
        return _json({})
    if not 0 < len(told.ref) <= 200:
        raise _No(400, "A report of a call must name the call, so nothing was stored.")
    report = Report(what, told.ref, phone.login, board.now())
    await _store(board, phone.account, report)
    if what in ("ringing", "calling") and await _known(board, phone.account, told.ref) is None:
        await _look(board, phone.account)  # a hint: the service is asked now, not when the next poll is due
        await _take(board, phone.account, told.ref)
    call = await _known(board, phone.account, told.ref)
    return _json({"party": await _party(board, call) if call is not None else ""})


async def _dial(board: Board, request: Request) -> Response:
    """Place a call through the gate, with its policy and its record; the page's phone rings first."""
    told = await _body(request, _Dial)
    phone, _ = await _phone(board, request)
    if not re.fullmatch(r"[A-Za-z0-9-]{8,64}", told.id):
        raise _No(400, "The page sent no id of its own for this call, so nothing was dialled. Reload it.")
    key = f"web phone:{phone.user}:{told.id}"
    body = msgspec.json.encode({"text": told.who})
    if not await board.write(ledger.write_intent, key, phone.user, "web phone", body, board.now()):
        raise _No(409, "That was asked for already, so it was not dialled a second time.")
    try:
        read = who.parse(told.who, board.settings.region, behind=True)
        await asking.check_all(board, told.who, read)
        ask = await asking.resolve(board, phone.user, read)
        if isinstance(ask, Choice):
            names = "; ".join(who_plain(contact.number, contact.name, contact) for contact, _ in ask.asks)
            raise _No(409, f"Several {ask.several} are called that, so nothing was dialled. Type the number: {names}.")
        said = {"confirmed": told.confirmed, "consented": told.consented}
        ask = msgspec.structs.replace(ask, account=ask.account or phone.account, **said)
        call = await dialing.dial(board, key, ask)
    except NeedsYes as question:
        await dialing.drop(board, key)
        of, yes = "confirmed", "Call all the same"
        if isinstance(question, NeedsConsent):
            of, yes = "consented", question.yes
        return _json({"ask": await _words(board, str(question)), "of": of, "yes": yes})
    except BaseException:
        await dialing.drop(board, key)
        raise
    if call.words:
        return _json({"words": await _words(board, call.words), "refs": call.refs})
    return _json({"words": f"Calling {await _party(board, call)}; your phone rings first.", "refs": call.refs})


# Reports of calls.


async def _store(board: Board, account: str, told: Report) -> None:
    """Commit a report, and its events where the call is on record."""

    def work(db: sqlite3.Connection) -> list[calls.Change]:
        web_phones.keep(db, account, told)
        return _apply(db, board, account, told.ref)

    board.changed(change.call for change in await board.write(work))


async def _take(board: Board, account: str, ref: str) -> None:
    board.changed(change.call for change in await board.write(_apply, board, account, ref))


def _apply(db: sqlite3.Connection, board: Board, account: str, ref: str) -> list[calls.Change]:
    """Reports become events of a call that others told of, never a call of their own: they know no direction, and no
    number, so an order of ours would look like a stranger's call until the service's answer came."""
    call, provider = calls.by_ref(db, account, ref), board.providers.get(account)
    if call is None or provider is None:
        return []
    events = [event for told in web_phones.take(db, account, ref) for event in provider.read_report(call, told)]
    return calls.ingest(db, account, events, now=board.now(), routing=board.routing)


async def catch_up(board: Board) -> None:
    """Reports whose call has become known since; called now and then."""
    waiting = await board.read(web_phones.waiting)
    for account, ref in waiting:
        if await _known(board, account, ref) is not None:
            await _take(board, account, ref)
    if waiting:
        await board.write(web_phones.drop_old, board.now())


async def _known(board: Board, account: str, ref: str) -> Call | None:
    return await board.read(calls.by_ref, account, ref)


async def _look(board: Board, account: str) -> None:
    provider = board.provider(account)
    if not provider.can("active_calls"):
        return
    try:
        await board.ingest(account, await provider.active_calls())
    except CallboardError as error:
        log.warning("%s could not be asked which call rings a web phone: %s", account, error)


# Requests and replies.


def _check_origin(board: Board, request: Request) -> None:
    """Only our own page asks. The cookie is SameSite=Strict besides, so a stranger's page would not even send it."""
    own = urlsplit(board.settings.public_url or str(request.base_url))
    told = request.headers.get("origin", "")
    # As browsers write it: in lower case, without the port that goes without saying.
    ours = f"{own.scheme}://{own.netloc}".lower().removesuffix(":443" if own.scheme == "https" else ":80")
    if told != ours or request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise _No(403, "Only the web phone's own page may ask for this. Type /phone web in Slack.")
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise _No(415, "Nothing was read: requests must be JSON.")


async def _body(request: Request, kind: type[_T]) -> _T:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY:
            raise _No(413, f"Nothing was read: more than {MAX_BODY} bytes.")
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _No(400, "Nothing was read: the request is not what this page sends. Reload it.") from error


async def _phone(board: Board, request: Request) -> tuple[Phone, WebPhone]:
    """Whose page asks."""
    cookie = request.cookies.get(_COOKIE, "")
    phone = await board.read(web_phones.of_session, fingerprint(cookie), board.now()) if cookie else None
    provider = board.providers.get(phone.account) if phone is not None else None
    offered = provider.web_phone() if provider is not None else None
    if phone is None or offered is None:
        raise _No(401, "You are not signed in here. Type /phone web in Slack and open the link it answers with.")
    if board.turned_away(phone.user):  # the page may have been open when they became a guest
        raise _No(403, await _words(board, outsiders.WORDS))
    return phone, offered


async def _party(board: Board, call: Call) -> str:
    contact = await board.read(lookups.known, call.number) if call.number else None
    return who_plain(call.number, call.name, contact)


async def _words(board: Board, text: str) -> str:
    """A sentence that was written for Slack, for a page: names in place of mentions, nothing escaped."""
    text = await board.plainly(text)
    for written, sign in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        text = text.replace(written, sign)
    return text


def _json(told: Mapping[str, object], status: int = 200) -> Response:
    return Response(json.dumps(told), status, headers=_HEADERS, media_type="application/json")


def _plain(status: int, text: str) -> Response:
    return Response(text, status, headers=_HEADERS, media_type="text/plain")
