"""Webhooks of the simulated providers, over real HTTP. The simulator plays the outside world, so it may use httpx."""

import logging

import httpx

from bot.hooks import Reply
from bot.simulator.clock import Clock
from bot.simulator.exchange import Delivery
from bot.simulator.network import Deliver

log = logging.getLogger(__name__)

RETRY_SECONDS = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Pauses between the attempts, in the simulator's seconds: a bot that is being restarted still hears of its calls."""


def over_http(client: httpx.AsyncClient, clock: Clock) -> Deliver:
    """Deliver with `client`; try again when the bot is not reachable or answers 5xx, then give up with a warning."""

    async def deliver(delivery: Delivery) -> Reply | None:
        for pause in (*RETRY_SECONDS, None):
            try:
                response = await client.request(
                    delivery.method, delivery.url, headers=dict(delivery.headers), content=delivery.body
                )
                problem = f"HTTP {response.status_code}"
                if response.status_code < 500:
                    break
            except httpx.TransportError as error:
                problem = type(error).__name__
            if pause is None:
                log.warning("A simulated webhook was given up after %d attempts: %s.", len(RETRY_SECONDS) + 1, problem)
                return None
            await clock.sleep(pause)
        if response.status_code >= 400:
            log.warning("The bot refused a simulated webhook: %s.", problem)
        return Reply(response.status_code, response.content, response.headers.get("content-type", ""))

    return deliver
