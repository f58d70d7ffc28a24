"""What every measurement needs: servers in processes of their own, load, medians, and the table."""

import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROUNDS = 5


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def server(name: str, folder: Path, **environment: str) -> Iterator[tuple[int, int]]:
    """Run a server while the block runs; yields (port, process id)."""
    port = free_port()
    folder.mkdir(parents=True, exist_ok=True)
    # Installed packages come compiled; so are our own modules wherever nobody forbids Python to keep them.
    compiled = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.servers", name, str(port), str(folder)], env=compiled | environment
    )
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 0.2).close()
                break
            except OSError:
                if process.poll() is not None:
                    raise SystemExit(f"The {name} server did not start.") from None
                time.sleep(0.01)
        yield port, process.pid
    finally:
        process.kill()
        process.wait()


def load(kind: str, port: int, requests: int, clients: int, rate: float = 0) -> dict[str, float]:
    """One measurement by the load generator."""
    job = json.dumps({"kind": kind, "port": port, "clients": clients, "requests": requests, "rate": rate})
    answer = subprocess.run([sys.executable, "-m", "benchmarks.load", job], capture_output=True, check=True)
    found: dict[str, float] = json.loads(answer.stdout)
    if found["bad"]:
        raise SystemExit(f"{found['bad']} requests were not answered 200: the measurement means nothing.")
    return found


def median(rounds: list[dict[str, float]], name: str) -> float:
    return statistics.median(found[name] for found in rounds)


def heading() -> None:
    print(f"{'':58} {'ours':>9} {'floor':>9} {'':5} {'ratio':>7}  target")


def told(what: str, ours: float, floor: float, unit: str, most: float) -> None:
    """A line of the table whose target is no ratio: `ours` is to be at most `most`."""
    verdict = "reached" if ours <= most else "MISSED"
    print(
        f"{what:58} {ours:9.1f} {floor:9.1f} {unit:5} {ours / max(floor, 1e-3):6.2f}x  <= {most} {unit}  {verdict}",
        flush=True,
    )


def memory_of(pid: int) -> float:
    """MB that a process has in memory."""
    return int(Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()[0]) / 1024


def report(what: str, ours: float, floor: float, unit: str, target: float, at_least: bool) -> None:
    ratio = ours / floor
    good = ratio >= target if at_least else ratio <= target
    sign = ">=" if at_least else "<="
    verdict = "reached" if good else "MISSED"
    print(f"{what:58} {ours:9.1f} {floor:9.1f} {unit:5} {ratio:6.2f}x  {sign} {target}x  {verdict}", flush=True)
