"""The long jobs of a bot that is measured, begun and ended by whoever speaks to its socket.

A line "begin digest upload retention" has each done again and again until "end"; "once digest" has it done once. Each
line is answered, with how often each was done, when that is so.
"""

import asyncio
import dataclasses
import json
import socket
import time
from collections import Counter
from pathlib import Path
from types import TracebackType

from benchmarks import stored, tables
from bot import batches, digests, forgetting
from bot.board import Board
from bot.campaigns import Found
from bot.orders import Campaign
from bot.periods import Period
from bot.settings import Retention

SOCKET = "jobs"
MONTH = 30 * 86_400.0


class Jobs:
    """What goes on in a bot."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self.done: Counter[str] = Counter()
        self.days = stored.DAYS
        self.data = tables.numbers(tables.UPLOADED)

    async def digest(self) -> None:
        """Of a month, with all its words."""
        end = stored.first_day(time.time()) + 85 * 86_400
        await digests.payload(self.board, Period("k", end - MONTH, end, end), "Europe/London", "C1")

    async def upload(self) -> None:
        """Of 100,000 numbers for a campaign."""
        found = Found("voicenter", self.board.provider("voicenter"), Campaign(code="1", name="Spring", state="running"))
        await batches.prepare(self.board, "U2", found, self.data, "many.csv", f"many-{time.time_ns()}")

    async def retention(self) -> None:
        """Of two days more, each time."""
        self.days -= 2
        settings = dataclasses.replace(self.board.settings, retention=Retention(calls_days=self.days))
        await forgetting.expire(dataclasses.replace(self.board, settings=settings))

    async def again_and_again(self, name: str) -> None:
        while True:
            await getattr(self, name)()
            self.done[name] += 1


async def serve(board: Board, folder: Path) -> None:
    """Listen for what is to be done."""
    jobs = Jobs(board)
    going: list[asyncio.Task[None]] = []

    async def heard(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            what, *names = line.decode().split()
            if what == "once":
                for name in names:
                    await getattr(jobs, name)()
            elif what == "begin":
                going.extend(asyncio.create_task(jobs.again_and_again(name)) for name in names)
            else:
                for task in going:
                    task.cancel()
                await asyncio.gather(*going, return_exceptions=True)
                failed = [str(task.exception()) for task in going if not task.cancelled() and task.exception()]
                going.clear()
                jobs.done.update({f"FAILED: {why}": 1 for why in failed})
            writer.write(json.dumps(jobs.done).encode() + b"\n")
            await writer.drain()

    (folder / SOCKET).unlink(missing_ok=True)
    await asyncio.start_unix_server(heard, folder / SOCKET)


class Worker:
    """Speaks to such a bot."""

    def __init__(self, folder: Path) -> None:
        while True:  # the bot answers its port a little sooner; the socket of one before it may still lie there
            self.connection = socket.socket(socket.AF_UNIX)
            self.connection.settimeout(300)
            try:
                self.connection.connect(str(folder / SOCKET))
                break
            except (FileNotFoundError, ConnectionRefusedError):
                self.connection.close()
                time.sleep(0.01)

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.connection.close()

    def tell(self, line: str) -> dict[str, int]:
        """How often each job was done by then."""
        self.connection.sendall(f"{line}\n".encode())
        answer = b""
        while not answer.endswith(b"\n"):
            answer += self.connection.recv(4096)
        done: dict[str, int] = json.loads(answer)
        if any(name.startswith("FAILED") for name in done):
            raise SystemExit(f"A long job failed: {done}")
        return done
