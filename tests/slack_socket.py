"""Socket Mode of the fake Slack: the bot connects, envelopes go to it, it acknowledges them."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web


class Sockets:
    """The bot's open connections. `connected` is set once there is one."""

    def __init__(self) -> None:
        self.connected = asyncio.Event()
        self._open: list[web.WebSocketResponse] = []
        self._waiting: dict[str, asyncio.Future[Mapping[str, Any]]] = {}
        self._sent = 0

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"type": "hello", "num_connections": len(self._open) + 1})
        self._open.append(socket)
        self.connected.set()
        async for message in socket:
            answer = json.loads(message.data)
            waiting = self._waiting.pop(answer.get("envelope_id", ""), None)
            if waiting is not None:
                waiting.set_result(answer.get("payload") or {})
        self._open.remove(socket)
        return socket

    async def deliver(self, kind: str, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        """Send one envelope to one connection and wait until it is acknowledged. Returns what the ack carries.

        `kind`: "slash_commands", "interactive" or "events_api".
        """
        self._sent += 1
        envelope = f"envelope-{self._sent}"
        self._waiting[envelope] = asyncio.get_running_loop().create_future()
        await self._open[0].send_json(
            {
                "type": kind,
                "envelope_id": envelope,
                "payload": payload,
                "accepts_response_payload": kind != "events_api",
            }
        )
        return await self._waiting[envelope]

    async def close(self) -> None:
        for socket in list(self._open):
            await socket.close()
