"""Who is calling, asked of the team's own customer list (`lookup_url`) where the contact book does not know.

Each caller is asked about once a day, in the background: a card never waits for it, and is shown again when the answer
is there.
"""

import asyncio
import logging
from urllib.parse import quote

import httpx
import msgspec

from bot.board import Board
from bot.call import Call
from bot.store import lookups
from bot.store.contacts import Contact

log = logging.getLogger("callboard.lookup")

PATIENCE_SECONDS = 2.0
"""A pop-up has to be answered within 3 s, and a phone rings for 15."""
FRESH_SECONDS = 86400.0
"""So long an answer counts, "nobody we know" included; who calls later is asked about again."""
MOST_BYTES = 64 * 1024
AT_ONCE = 4
REST_SECONDS = 30.0
"""So long an address that failed is left alone."""
PROBLEM = "caller lookup"


class _Found(msgspec.Struct):
    """What the address answers, JSON. Other members are ignored; null is what many lists say for nothing."""

    name: str | None = None
    company: str | None = None


_read = msgspec.json.Decoder(_Found).decode


class _NoAnswer(Exception):
    """The address gave no answer that can be used; `str()` says why, without secrets."""


class Lookup:
    """Asks `settings.lookup_url`. `{number}` in it stands for the caller's E.164 number, its plus escaped."""

    def __init__(self, board: Board, client: httpx.AsyncClient) -> None:
        self.board = board
        self._client = client
        self._asking: dict[str, asyncio.Task[Contact | None]] = {}
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._rests_until = 0.0

    def watch(self) -> None:
        """From now on whoever calls or was missed is looked up; so is the caller that a pop-up asks about."""
        self.board.followers.append(self.follow)
        self.board.look_up = self.known

    def follow(self, call: Call) -> None:
        """A call has changed."""
        if call.direction == "in" and (call.live or call.missed):
            self.board.track(asyncio.ensure_future(self.known(call.number)))

    async def known(self, number: str) -> Contact | None:
        """Who has this number by the contact book, else by the address; None = nobody, or not found out.

        The address is asked about E.164 numbers only: a pop-up also asks for who calls without one.
        """
        if not number.startswith("+"):
            return None
        task = self._asking.get(number)
        if task is None:
            task = self._asking[number] = asyncio.ensure_future(self._find(number))
            task.add_done_callback(lambda _: self._asking.pop(number, None))
        return await asyncio.shield(task)

    async def _find(self, number: str) -> Contact | None:
        now = self.board.now()
        if now < self._rests_until or await self.board.read(lookups.asked, number, now - FRESH_SECONDS):
            return await self.board.read(lookups.known, number)
        return await self._ask(number)

    async def _ask(self, number: str) -> Contact | None:
        try:
            async with self._turns:
                if self.board.now() < self._rests_until:  # it failed while this one waited for its turn
                    return None
                async with asyncio.timeout(PATIENCE_SECONDS):
                    name, company = await self._fetch(number)
        except (_NoAnswer, httpx.HTTPError, httpx.InvalidURL, UnicodeError, TimeoutError) as error:
            why = str(error) if isinstance(error, _NoAnswer) else f"it gave no answer ({type(error).__name__})"
            text = f"Callers that are not in the contact book stay without a name: at lookup_url {why}."
            self._rests_until = self.board.now() + REST_SECONDS
            await self.board.problem(PROBLEM, text)
            return None
        now = self.board.now()
        await self.board.write(lookups.keep, number, name, company, now, now - FRESH_SECONDS)
        await self.board.solved(PROBLEM)
        return Contact(number, name, company) if name else None

    async def _fetch(self, number: str) -> tuple[str, str]:
        """Name and company, "" = not known."""
        settings = self.board.settings
        url = settings.lookup_url.replace("{number}", quote(number, safe=""))
        headers = {"accept": "application/json"}
        if settings.lookup_token:
            headers["authorization"] = f"Bearer {settings.lookup_token}"
        async with self._client.stream("GET", url, headers=headers, follow_redirects=False) as response:
            if response.status_code == 404:
                return "", ""
            if response.status_code != 200:
                raise _NoAnswer(f"came HTTP {response.status_code}")
            body = b""
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > MOST_BYTES:
                    raise _NoAnswer(f"came more than {MOST_BYTES} bytes")
        try:
            found = _read(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise _NoAnswer("came no JSON object with a text “name”") from None
        return (found.name or "").strip()[:200], (found.company or "").strip()[:200]
