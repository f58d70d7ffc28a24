"""A CallGear account for tests: the provider, and the simulated service behind it without any network.

await line.talking()                       Ada and a customer talk
await line.do("hold")                      Ada puts them on hold, and it is written down
"""

import json
from typing import Any
from urllib.parse import parse_qsl

import httpx

from bot.call import Call
from bot.events import AnyEvent, Controlled, Requested
from bot.fold import fold
from bot.hooks import Reply, Request
from bot.orders import CallOrder, RepPhone
from bot.providers.callgear import CallGear
from bot.providers.callgear.simulator import CallGearExchange
from bot.simulator.clock import ManualClock
from bot.simulator.exchange import Delivery
from bot.simulator.network import Network

REP, CUSTOMER, LINE = "+12025550190", "+12025550101", "+12025550100"
HOOK = "http://callboard.example/hooks/callgear/secret"


class Line:
    """A provider and the simulated service behind it.

    Attributes:
        events: what was told, asked and done.  sent: requests.  transport: brings them there.
        silent: methods that are never answered.  unreached: methods whose requests do not get there.
    """

    def __init__(self, **values: str) -> None:
        self.clock = ManualClock()
        self.events: list[AnyEvent] = []
        self.sent: list[dict[str, Any]] = []
        self.silent: set[str] = set()
        self.unreached: set[str] = set()
        self.network = Network(self.clock, self.deliver)
        self.exchange = CallGearExchange(self.network, HOOK)
        self.transport = httpx.MockTransport(self.answer)
        http = httpx.AsyncClient(transport=self.transport)
        settings = {"access_token": "KEY", "virtual_phone_number": LINE, "url": "https://callapi.example/v4.0"}
        self.provider = CallGear("callgear", settings | values, http, "US")
        self.provider.clock = self.clock.now

    async def deliver(self, delivery: Delivery) -> Reply | None:
        query = tuple(parse_qsl(delivery.url.partition("?")[2], keep_blank_values=True))
        request = Request(delivery.method, "", query, dict(delivery.headers), delivery.body, self.clock.now())
        webhook = self.provider.read_webhook(request)
        self.events += webhook.events
        return webhook.reply

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(json.loads(request.content))
        if self.sent[-1]["method"] in self.unreached:
            raise httpx.ConnectError("there is no way to the simulated service")
        if self.sent[-1]["method"] in self.silent:
            raise httpx.ReadTimeout("the simulated service never answers")
        reply = self.exchange.serve(
            Request(request.method, "v4.0", (), dict(request.headers), request.content, self.clock.now())
        )
        if reply is None:
            raise httpx.ReadTimeout("the simulated service never answers")
        return httpx.Response(reply.status, headers={"content-type": reply.content_type}, content=reply.body)

    async def dial(self, number: str = CUSTOMER, **more: Any) -> Call:
        rep = more.pop("rep", RepPhone("number", REP))
        self.events.append(Requested(at=self.clock.now(), rep="U1", rep_phone=rep.value, number=number, line=LINE))
        self.events.append(await self.provider.place_call(CallOrder(call_id="call-1", rep=rep, number=number, **more)))
        return self.call()

    async def talking(self) -> Call:
        await self.dial()
        return await self.wait(12)

    async def do(self, action: str, *arguments: Any, detail: str = "") -> Call:
        """Do it and write it down, as `bot/controlling.py` does."""
        await getattr(self.provider, action)(self.call(), *arguments)
        self.events.append(Controlled(at=self.clock.now(), by="U1", action=action, detail=detail or str(arguments)))
        return self.call()

    async def wait(self, seconds: float) -> Call:
        await self.clock.advance(seconds)
        return self.call()

    async def aclose(self) -> None:
        await self.network.close()
        await self.provider.http.aclose()

    def call(self) -> Call:
        return fold("call-1", "callgear", {event.key: event for event in reversed(self.events)}.values())

    @property
    def state(self) -> str:
        return self.exchange.talk(self.network.calls[-1]).state
