"""One simulated Voicenter account and the provider that speaks to it, without a network between them."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from bot.call import Call
from bot.events import AnyEvent, Requested
from bot.fold import fold
from bot.hooks import Reply, Request, Webhook
from bot.orders import CallOrder, RepPhone
from bot.providers.voicenter import Voicenter
from bot.providers.voicenter.simulator import VoicenterExchange
from bot.simulator.clock import ManualClock
from bot.simulator.exchange import Delivery
from bot.simulator.network import Network

HOOK = "http://callboard.example/hooks/voicenter/secret"


def order(**options: Any) -> CallOrder:
    return CallOrder(call_id="call-1", rep=RepPhone("extension", "AAPINFzL"), number="+972505550102", **options)


class World:
    """One simulated account and the provider that speaks to it, without a network between them."""

    def __init__(self, **values: str) -> None:
        self.clock = ManualClock()
        self.told: list[AnyEvent] = []
        self.asked: list[str] = []
        self.exchange = VoicenterExchange(Network(self.clock, self.deliver), HOOK)
        http = httpx.AsyncClient(transport=httpx.MockTransport(self.serve))
        self.provider = Voicenter("office", {"code": "CODE-SECRET", **values}, http, "IL")
        self.provider.sleep = self.pass_by
        self.provider.clock = self.clock.now

    async def pass_by(self, seconds: float) -> None:
        await self.clock.advance(seconds)

    async def deliver(self, delivery: Delivery) -> Reply | None:
        url = urlsplit(delivery.url.removeprefix(HOOK))
        query = tuple(parse_qsl(url.query, keep_blank_values=True))
        request = Request(delivery.method, url.path, query, delivery.headers, delivery.body, self.clock.now())
        webhook = self.provider.read_webhook(request)
        assert webhook.events
        self.told += webhook.events
        return self.answered(webhook)

    def answered(self, webhook: Webhook) -> Reply | None:
        if webhook.question is not None:
            self.asked.append(webhook.question.number)
        return webhook.reply

    def serve(self, request: httpx.Request) -> httpx.Response:
        reply = self._reply(request.url.path, request.method, request.url.query.decode(), request.content)
        if reply is None:
            raise httpx.ReadTimeout("the simulated service never answers")
        return httpx.Response(reply.status, headers={"content-type": reply.content_type}, content=reply.body)

    def ask(self, path: str, method: str = "GET", query: str = "", body: bytes = b"") -> Reply:
        reply = self._reply(path, method, query, body)
        assert reply is not None
        return reply

    def _reply(self, path: str, method: str, query: str, body: bytes) -> Reply | None:
        return self.exchange.serve(Request(method, path, tuple(parse_qsl(query)), {}, body, self.clock.now()))

    @property
    def call(self) -> Call:
        return fold("call-1", "office", {event.key: event for event in reversed(self.told)}.values())

    async def place(self, **options: Any) -> None:
        asked = order(**options)
        self.told.append(
            Requested(at=self.clock.now(), rep="U1", rep_phone=asked.rep.value, number=asked.number, line="")
        )
        self.told.append(await self.provider.place_call(asked))


async def story(here: World, **options: Any) -> None:
    """A call is ordered, takes place, and is told by webhooks."""
    await here.place(**options)
    await here.clock.advance(120)
