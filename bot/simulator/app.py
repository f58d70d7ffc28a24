"""The simulated world as a web server: every simulated account below its own name, and three controls.

    /{account}/...            the provider's API, as its simulator answers it
    POST /_sim/incoming       {"account", "caller", "did", "kind": answered|missed|abandoned|colleague|ivr|layer,
                               "keys": ["2", …]}
    GET  /_sim/calls          all calls, with what has happened and when
    GET  /_sim/refused        answers of the bot that a service did not take
    POST /_sim/clock          {"speed": 10}: time runs ten times as fast from now on

Controls take and give JSON; numbers are E.164, times seconds since 1970 UTC. A wrong order is answered 400 with a
sentence. Nothing is protected: bind it to the loopback address.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any, cast

import httpx
import msgspec
from starlette.applications import Starlette
from starlette.requests import Request as WebRequest
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from bot.errors import SettingsError
from bot.hooks import Request
from bot.providers import NAMES
from bot.simulator.behaviours import IncomingKind
from bot.simulator.clock import RealClock
from bot.simulator.delivery import over_http
from bot.simulator.exchange import Exchange, SimCall
from bot.simulator.network import CUSTOMERS, Network


class SimulatedAccount(msgspec.Struct, frozen=True):
    """One account that is simulated.

    Attributes:
        kind: the provider's folder name.
        hook: the account's hook address at the bot, like "http://127.0.0.1:8080/hooks/gurulize/SECRET".
    """

    kind: str
    hook: str


class _Incoming(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    account: str
    caller: str
    did: str
    kind: IncomingKind = "answered"
    keys: tuple[str, ...] = ()


class _Speed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    speed: float


def exchange_class(kind: str) -> type[Exchange]:
    """The simulator in the folder of that provider.

    Raises:
        SettingsError: there is no such provider.
    """
    if kind not in NAMES:
        raise SettingsError(f"There is no provider “{kind}” to simulate. Choose one of: {', '.join(NAMES)}.")
    return cast(type[Exchange], import_module(f"bot.providers.{kind}.simulator").EXCHANGE)


class SimulatedWorld:
    """The network, its exchanges by account, and the ASGI application over them.

    Attributes:
        app: the application; calls live and webhooks are sent only between its startup and shutdown.
    """

    def __init__(self, accounts: Mapping[str, SimulatedAccount], *, clock: RealClock, http: httpx.AsyncClient) -> None:
        """`http` delivers the webhooks; whoever made it closes it."""
        self.clock = clock
        self.network = Network(clock, over_http(http, clock))
        self.exchanges = {
            name: exchange_class(account.kind)(self.network, account.hook) for name, account in accounts.items()
        }
        self.app = Starlette(
            routes=[
                Route("/_sim/incoming", self._incoming, methods=["POST"]),
                Route("/_sim/calls", self._calls, methods=["GET"]),
                Route("/_sim/refused", self._refused, methods=["GET"]),
                Route("/_sim/clock", self._clock, methods=["POST"]),
                Route("/_sim/customers", self._customers, methods=["GET"]),
                # Every method, and no redirect: what a wrong request gets is the provider's simulator to say.
                Route("/{account}", _Asgi(self)),
                Route("/{account}/{path:path}", _Asgi(self)),
            ],
            lifespan=self._lifespan,
        )

    @asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        yield
        await self.network.close()

    async def _incoming(self, request: WebRequest) -> Response:
        try:
            order = msgspec.json.decode(await request.body(), type=_Incoming)
        except msgspec.MsgspecError as error:
            return _sentence(f"The incoming call was not made: {error}.")
        exchange = self.exchanges.get(order.account)
        if exchange is None:
            return _sentence(f"The incoming call was not made: there is no simulated account “{order.account}”.")
        try:
            call = self.network.incoming(exchange, caller=order.caller, did=order.did, kind=order.kind, keys=order.keys)
        except ValueError as error:
            return _sentence(f"The incoming call was not made: {error}")
        return _json(self._describe(call), 201)

    async def _calls(self, request: WebRequest) -> Response:
        return _json([self._describe(call) for call in self.network.calls])

    async def _refused(self, request: WebRequest) -> Response:
        return _json({name: exchange.refused for name, exchange in self.exchanges.items()})

    async def _clock(self, request: WebRequest) -> Response:
        try:
            self.clock.set_speed(msgspec.json.decode(await request.body(), type=_Speed).speed)
        except (msgspec.MsgspecError, ValueError) as error:
            return _sentence(f"The clock goes on as before: {error}")
        return _json({"speed": self.clock.speed, "now": self.clock.now()})

    async def _customers(self, request: WebRequest) -> Response:
        """The customer list of the company that has this phone system, as `lookup_url` asks it."""
        found = CUSTOMERS.get(request.query_params.get("number", ""))
        return _json(dict(zip(("name", "company"), found, strict=True))) if found else _sentence("Nobody we know.", 404)

    def _describe(self, call: SimCall) -> dict[str, Any]:
        return {
            "id": call.id,
            "account": next(name for name, exchange in self.exchanges.items() if exchange is call.exchange),
            "direction": call.direction,
            "rep": call.rep,
            "number": call.number,
            "line": call.line,
            "behaviour": call.behaviour.name,
            "state": call.state,
            "placed_at": call.placed_at,
            "history": [
                {"at": past.at, "leg": past.step.leg, "what": past.step.what, "outcome": past.step.outcome}
                for past in call.history
            ],
        }


class _Asgi:
    """The exchanges' HTTP face. Plain ASGI, because an answer that never comes is not a Starlette response."""

    def __init__(self, world: SimulatedWorld) -> None:
        self._world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        web = WebRequest(scope, receive)
        exchange = self._world.exchanges.get(web.path_params["account"])
        if exchange is None:
            await _sentence("There is no simulated account of that name.", 404)(scope, receive, send)
            return
        exchange.address = f"{web.base_url}{web.path_params['account']}"
        reply = exchange.serve(
            Request(
                method=web.method,
                path=web.path_params.get("path", ""),
                query=tuple(web.query_params.multi_items()),
                headers={name.lower(): value for name, value in web.headers.items()},
                body=await web.body(),
                received_at=self._world.clock.now(),
            )
        )
        if reply is None:
            while (await receive())["type"] != "http.disconnect":  # until the client has lost patience
                pass
            return
        await Response(reply.body, reply.status, media_type=reply.content_type)(scope, receive, send)


def _json(told: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(told), status, media_type="application/json")


def _sentence(text: str, status: int = 400) -> Response:
    return Response(text, status, media_type="text/plain")
