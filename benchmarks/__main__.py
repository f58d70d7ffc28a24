"""`make bench`: Callboard against a bare Bolt app or Starlette route in the same run, medians of interleaved rounds.

Absolute figures change from machine to machine and run to run; only the ratios mean something, and those by 15 %.
"""

import socket
import statistics
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from benchmarks import at_size
from benchmarks.load import command
from benchmarks.measuring import ROUNDS, heading, load, median, memory_of, report, server


def mood(world: int, how: str) -> None:
    urllib.request.urlopen(f"http://127.0.0.1:{world}/mood/{how}", timeout=5).read()


def acknowledgement(folder: Path) -> None:
    """`/call` with its intent committed, the phone service 5 s slow, 32 clients."""
    with (
        server("world", folder) as (world, _),
        server("bolt", folder) as (bolt, _),
        server("bot", folder / "ack", WORLD_PORT=str(world)) as (bot, _),
    ):
        mood(world, "slow")
        ours, floor = [], []
        for _ in range(ROUNDS):
            floor.append(load("command", bolt, 4000, 32))
            ours.append(load("command", bot, 4000, 32))
        report(
            "/call acknowledged, intent committed, 32 clients",
            median(ours, "rate"),
            median(floor, "rate"),
            "1/s",
            0.8,
            True,
        )


def while_everything_hangs(folder: Path) -> None:
    """p99 of 50 `/call` a second while phone service, Slack and auth.test hang, against idle."""
    rounds: dict[str, list[dict[str, float]]] = {"quick": [], "silent": []}
    for number in range(3):
        for how in rounds:
            with (
                server("world", folder) as (world, _),
                server("bot", folder / f"hang-{how}-{number}", WORLD_PORT=str(world)) as (bot, _),
            ):
                mood(world, how)
                rounds[how].append(load("command", bot, 400, 8, 50))
    report(
        "p99 of the acknowledgement while all else hangs",
        median(rounds["silent"], "p99"),
        median(rounds["quick"], "p99"),
        "ms",
        1.5,
        False,
    )


def ingest(folder: Path) -> None:
    """A CDR: read, deduplicated, call folded, card marked, committed; against one committed row."""
    with (
        server("world", folder) as (world, _),
        server("row", folder / "row") as (floor_port, _),
        server("bot", folder / "ingest", WORLD_PORT=str(world)) as (bot, _),
    ):
        ours, floor = [], []
        for _ in range(ROUNDS):
            floor.append(load("row", floor_port, 4000, 32))
            ours.append(load("hook", bot, 4000, 32))
        report("webhook ingested, durable, 32 clients", median(ours, "rate"), median(floor, "rate"), "1/s", 0.5, True)


def start_and_memory(folder: Path) -> None:
    """From spawn to the first signed acknowledgement, and memory when idle."""
    with server("world", folder) as (world, _):
        # The very first start asks auth.test; all later ones know who they are.
        with server("bot", folder / "start", WORLD_PORT=str(world)):
            pass
        seconds: dict[str, list[float]] = {"bolt": [], "bot": []}
        memory: dict[str, list[float]] = {"bolt": [], "bot": []}
        for _ in range(ROUNDS):
            for name in seconds:
                began = time.perf_counter()
                with server(name, folder / "start", WORLD_PORT=str(world)) as (port, pid):
                    first(port)
                    seconds[name].append((time.perf_counter() - began) * 1000)
                    time.sleep(1)
                    memory[name].append(memory_of(pid))
        middle: Callable[[list[float]], float] = statistics.median
        report(
            "spawn to the first signed acknowledgement",
            middle(seconds["bot"]),
            middle(seconds["bolt"]),
            "ms",
            1.6,
            False,
        )
        report("memory when idle", middle(memory["bot"]), middle(memory["bolt"]), "MB", 1.6, False)


def first(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.sendall(command(1))
        assert connection.recv(100).startswith(b"HTTP/1.1 200")


def main() -> None:
    """Everything, one after the other; about six minutes."""
    heading()
    with tempfile.TemporaryDirectory() as folder:
        for measure in (acknowledgement, while_everything_hangs, ingest, start_and_memory):
            measure(Path(folder))
        at_size.main(Path(folder) / "at_size")


if __name__ == "__main__":
    main()
