"""The picture of a digest: drawn in a process of its own, put into Slack, and shown in place of the chart in words.

A digest is never held up by its picture and never shown twice because of it. `digests.due` commits the digest whole,
with its chart in words, as a card that the feed shows `SECONDS` later. Meanwhile the picture is drawn and uploaded
here, seen by nobody, and one commit puts the file's id into the card and has it shown at once; so does every failure,
without an id. After a crash before that commit the card comes with its words when its time is there, and at Slack is
left at most a file that nobody sees; after it, the card is posted with that very file. A message that Slack refuses
because of the picture is posted without: `feed`.
"""

import asyncio
import logging
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from bot import uploading
from bot.board import Board
from bot.errors import CallboardError, Unavailable
from bot.store import cards

log = logging.getLogger("callboard.pictures")

SECONDS = 20.0
"""So long a digest waits for its picture, whatever is slow."""
DRAW_SECONDS = 15.0
"""Drawing takes one; the first time, when matplotlib looks at the computer's fonts, two; more on a busy computer."""
PROGRAM = ("-m", "bot.drawing")
PROBLEM = "digest picture"
TITLE = "Calls by hour"

_ROOT = Path(__file__).parents[1]
_PNG, _PNG_END = b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"
_PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT")
"""What Python itself may need of our environment. Our secrets stand there, too."""
_KEPT = 8

Draw = Callable[[bytes], Awaitable[bytes]]
"""Hours as JSON, as of `digest_words.bars()` -> PNG."""


class NotDrawn(CallboardError):
    """There is no picture; says why."""


class Pictures:
    """Adds pictures to digests that wait for theirs.

    Attributes:
        seconds: as SECONDS.
    """

    def __init__(
        self, board: Board, slack: uploading.Client, draw: Draw | None = None, seconds: float = SECONDS
    ) -> None:
        """`draw`: None = by `drawn()`.  `seconds`: tests are less patient."""
        self.board = board
        self.seconds = seconds
        self._slack = slack
        self._draw = draw or self._by_process
        self._turn = asyncio.Lock()
        self._drawn: dict[bytes, bytes] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def seconds_for(self, content: Mapping[str, Any]) -> float:
        """For how long that digest is to wait; 0 = it gets no picture, as there were no calls or nobody wants one."""
        return self.seconds if self.board.settings.digest_picture and "by_hour" in content else 0.0

    def begin(self, place: str, subject: str, content: Mapping[str, Any]) -> None:
        """Add the picture to a digest that is written down, in the background."""
        if not self._tasks:
            self.board.spawn(self._follow(), _failed)
        task = asyncio.create_task(self._add(place, subject, content))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _follow(self) -> None:
        """All of them are one task of the board, which lets dials wait while it has many."""
        try:
            while self._tasks:
                await asyncio.wait(self._tasks)
        finally:
            for task in self._tasks:
                task.cancel()

    async def _add(self, place: str, subject: str, content: Mapping[str, Any]) -> None:
        try:
            body = await self._pictured(content)
            await self.board.write(cards.waits_no_longer, "digest", subject, place, self.board.now(), body)
            if body is not None:
                await self.board.solved(PROBLEM)
        except Exception as error:
            await _failed(error)

    async def _pictured(self, content: Mapping[str, Any]) -> bytes | None:
        """The body of the digest's card, with the picture; None = there is none."""
        try:
            async with asyncio.timeout(self.seconds):
                return msgspec.json.encode({**content, "picture": await self._file(content["by_hour"])})
        except (TimeoutError, Unavailable) as error:  # the next one may have more luck
            log.warning("A digest is posted without its picture. %s", str(error) or f"{self.seconds:g} s are over.")
        except CallboardError as error:
            fix = "To do without pictures, set picture = false in [digest] of callboard.toml."
            await self.board.problem(PROBLEM, f"A digest was posted without its picture. {error} {fix}")
        return None

    async def _file(self, by_hour: Mapping[str, Any]) -> str:
        """Draw it and bring it to Slack; the file's id."""
        png = await self._png(msgspec.json.encode(by_hour["bars"]))
        alt = str(by_hour["alt"])
        return await uploading.picture(self._slack, "calls-by-hour.png", png, TITLE, alt, self.board.sleep)

    async def _png(self, hours: bytes) -> bytes:
        """One is drawn at a time; the same hours, as for several channels, only once."""
        async with self._turn:
            if hours not in self._drawn:
                self._drawn[hours] = await self._draw(hours)
                if len(self._drawn) > _KEPT:
                    del self._drawn[next(iter(self._drawn))]
            return self._drawn[hours]

    async def _by_process(self, hours: bytes) -> bytes:
        return await drawn(hours, self.board.settings.data.absolute() / "matplotlib")


async def drawn(
    hours: bytes, folder: Path, *, program: Sequence[str] = PROGRAM, seconds: float = DRAW_SECONDS
) -> bytes:
    """The picture as PNG, by a process that is gone when this returns.

    Args:
        hours: as of `digest_words.bars()`, JSON.  folder: where matplotlib keeps its list of fonts; absolute.
        program, seconds: what Python is to run, and for how long it may; tests bring their own.

    Raises:
        NotDrawn: it failed, took too long, or what came is no picture.
    """
    found = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *program,
            cwd=_ROOT,  # where it finds `bot`, however this process did
            env=found | {"MPLBACKEND": "agg", "MPLCONFIGDIR": str(folder)},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:  # no memory, or no processes, left
        raise NotDrawn(f"Drawing it could not begin ({error.strerror}).") from error
    try:
        async with asyncio.timeout(seconds):
            png, said = await process.communicate(hours)
    except TimeoutError as error:
        raise NotDrawn(f"Drawing it took more than {seconds:g} s.") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        log.warning("Drawing ended with %d: %s", process.returncode, said.decode(errors="replace").strip())
        raise NotDrawn("Drawing it failed; the log says why. Are all packages of requirements.lock installed?")
    if not (png.startswith(_PNG) and png.endswith(_PNG_END)):
        raise NotDrawn("What was drawn is no picture.")
    return png


async def _failed(error: Exception) -> None:
    """Its time comes all the same."""
    log.error("A digest comes without its picture.", exc_info=error)
