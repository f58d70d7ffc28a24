"""Time for the simulator: real, faster than real, or turned by hand."""

import asyncio
import heapq
import itertools
import time
from contextlib import suppress
from typing import Protocol

_TURNS = 100
"""How often the event loop turns after a sleeper wakes: enough for it to run to its next wait, in process."""


class Clock(Protocol):
    """Where the simulator takes its time from. Times are seconds since 1970 UTC."""

    def now(self) -> float:
        """Seconds since 1970 UTC by this clock."""

    async def sleep(self, seconds: float) -> None:
        """Return when that many of this clock's seconds have passed; at once for 0 or less."""


class RealClock:
    """The wall clock, `speed` times as fast from the moment it was made. The speed may change at any time."""

    def __init__(self, speed: float = 1.0) -> None:
        self._speed = speed
        self._then = time.time()
        self._began = time.monotonic()
        self._changed = asyncio.Event()

    @property
    def speed(self) -> float:
        """Seconds of this clock per real second."""
        return self._speed

    def set_speed(self, speed: float) -> None:
        """Run at another speed from now on; who sleeps wakes at the time it wanted, by this clock."""
        if not speed > 0:
            raise ValueError(f"A clock cannot run at speed {speed}. Give a number above 0.")
        self._then, self._began = self.now(), time.monotonic()
        self._speed = speed
        self._changed.set()
        self._changed = asyncio.Event()

    def now(self) -> float:
        """Seconds since 1970 UTC; ahead of the wall clock once it has run faster."""
        return self._then + (time.monotonic() - self._began) * self._speed

    async def sleep(self, seconds: float) -> None:
        """Return when that many seconds have passed by this clock."""
        until = self.now() + seconds
        while (left := until - self.now()) > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(left / self._speed):  # wait_for() may swallow a cancellation
                    await self._changed.wait()


class ManualClock:
    """A clock that stands still until it is advanced, for tests."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self._now = now
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> float:
        """Seconds since 1970 UTC, as far as it was advanced."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Return when the clock has been advanced that far."""
        if seconds <= 0:
            return
        future = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + seconds, next(self._order), future))
        await future

    async def advance(self, seconds: float) -> None:
        """Let time pass; sleepers wake one by one, in the order of their times, each at its own time."""
        until = self._now + seconds
        await self._settle()
        while self._sleepers and self._sleepers[0][0] <= until:
            at, _, future = heapq.heappop(self._sleepers)
            if future.done():  # its task was cancelled
                continue
            self._now = at
            future.set_result(None)
            await self._settle()
        self._now = until

    @staticmethod
    async def _settle() -> None:
        for _ in range(_TURNS):
            await asyncio.sleep(0)
