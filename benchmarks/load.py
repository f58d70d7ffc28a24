"""A load generator in a process of its own: keep-alive connections, requests made beforehand, bounded in number.

`python -m benchmarks.load JOB` where the job is JSON: {"kind", "port", "clients", "requests", "rate"}; prints JSON
{"rate": answers a second, "p50": ms, "p99": ms, "max": ms, "bad": answers that were not 200}.
"""

import asyncio
import hashlib
import hmac
import json
import os
import sys
import time
from urllib.parse import urlencode

from benchmarks.servers import HOOK, SECRET, on_core


def command(number: int) -> bytes:
    """A signed `/call`, each with a trigger of its own."""
    fields = {"command": "/call", "text": f"+1202555{number % 10000:04d}", "user_id": "U1", "channel_id": "C1"}
    fields |= {"team_id": "T1", "trigger_id": f"{os.getpid()}.{number}.{time.time_ns()}", "response_url": ""}
    body = urlencode(fields).encode()
    stamp = str(int(time.time()))
    signature = hmac.new(SECRET.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
    head = (
        f"POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        f"X-Slack-Request-Timestamp: {stamp}\r\nX-Slack-Signature: v0={signature}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def webhook(path: str, number: int) -> bytes:
    """A CDR notification of a call of its own, as Voicenter posts it."""
    record = {
        "caller": f"1202555{number % 10000:04d}", "target": "AAPINFzL", "time": int(time.time()), "duration": 33,
        "ivruniqueid": f"{os.getpid()}{time.time_ns()}{number}", "type": "Incoming Call", "status": "ANSWER",
        "targetextension": "AAPINFzL", "did": "12025550100", "queueid": 0, "price": 7, "dialtime": 9,
        "record": "http://recordings.example/x.mp3", "representative_name": "Walter Melon",
    }  # fmt: skip
    body = json.dumps(record).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def client(port: int, requests: list[bytes], pause: float, waits: list[float]) -> int:
    """Send one request after the other; returns how many were not answered 200."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    bad = 0
    for request in requests:
        began = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
        )
        if length:
            await reader.readexactly(length)
        waits.append(time.perf_counter() - began)
        bad += not head.startswith(b"HTTP/1.1 200")
        if pause:
            await asyncio.sleep(max(0, pause - (time.perf_counter() - began)))
    writer.close()
    return bad


async def run(job: dict[str, object]) -> dict[str, float]:
    """One measurement."""
    count, clients = int(str(job["requests"])), int(str(job["clients"]))
    paths = {"row": "/hook", "hook": f"/hooks/voicenter/{HOOK}/cdr"}
    kind = str(job["kind"])
    made = [command(n) if kind == "command" else webhook(paths[kind], n) for n in range(count)]
    pause = clients / float(str(job["rate"])) if job.get("rate") else 0
    waits: list[float] = []
    began = time.perf_counter()
    bad = await asyncio.gather(*(client(int(str(job["port"])), made[n::clients], pause, waits) for n in range(clients)))
    seconds = time.perf_counter() - began
    waits.sort()
    return {
        "rate": count / seconds,
        "p50": waits[len(waits) // 2] * 1000,
        "p99": waits[int(len(waits) * 0.99)] * 1000,
        "max": waits[-1] * 1000,
        "bad": sum(bad),
    }


if __name__ == "__main__":
    import uvloop

    on_core(1)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(run(json.loads(sys.argv[1])))))
