"""`callboard demo --terminal`: the same demo, talked to in this terminal."""

import asyncio
import os
import secrets
import sys
import threading
from contextlib import AsyncExitStack, suppress
from pathlib import Path

from bot import demo
from bot.assembly import serving
from bot.terminal import HELP, TerminalSlack


async def in_terminal(state: Path, *, check: bool, write: demo.Write, stopped: asyncio.Event) -> int:
    """Run until `quit`, the end of the input or Ctrl-C; with `check` until everything was tried."""
    secret = secrets.token_hex(16)
    channels = {demo.SALES: "sales", demo.SUPPORT: "support"}
    quiet = (lambda text: None) if check else write
    slack = TerminalSlack(demo.PEOPLE, channels, demo.ZONE, secret, quiet)
    async with AsyncExitStack() as stack:
        port = await stack.enter_async_context(serving(slack.app, "127.0.0.1", 0))
        slack.url = f"http://127.0.0.1:{port}"
        environment = {
            "SLACK_BOT_TOKEN": "xoxb-terminal",
            "SLACK_SIGNING_SECRET": secret,
            "SLACK_API_URL": f"{slack.url}/api/",
            "CALLBOARD_SLACK_MODE": "http",
            "CALLBOARD_PUBLIC_URL": "http://127.0.0.1",
        }
        there = demo.bot_and_world(state, environment, added=demo.IN_WORDS)
        callboard, world = await stack.enter_async_context(there)
        slack.bot_url = f"http://127.0.0.1:{callboard.port}"
        if check:
            from bot.demo_check import try_everything

            return await try_everything(callboard, world, slack, write)
        await stack.enter_async_context(demo.people_call(world, 75))
        write(f"Callboard runs; you are Dana, in #sales. Try: /call Noa Green\n{HELP}")
        await _converse(slack, stopped)
    return 0


async def _converse(slack: TerminalSlack, stopped: asyncio.Event) -> None:
    """Hand over each typed line, until there are no more."""
    reader = asyncio.StreamReader()
    threading.Thread(target=_read, args=(reader, asyncio.get_running_loop()), daemon=True).start()
    ending = asyncio.create_task(stopped.wait())
    try:
        while True:
            typed = asyncio.create_task(reader.readline())
            await asyncio.wait({typed, ending}, return_when=asyncio.FIRST_COMPLETED)
            if not typed.done():
                typed.cancel()
                return
            line = typed.result().decode(errors="replace")
            if not line or not await slack.handle(line):
                return
    finally:
        ending.cancel()


def _read(reader: asyncio.StreamReader, loop: asyncio.AbstractEventLoop) -> None:
    """In a thread, for the loop can wait for terminals and pipes, but not for a file or /dev/null."""
    with suppress(RuntimeError):  # the loop has ended meanwhile
        with suppress(OSError):  # nobody can type here any more
            while sys.stdin and (typed := os.read(sys.stdin.fileno(), 4096)):
                loop.call_soon_threadsafe(reader.feed_data, typed)
        loop.call_soon_threadsafe(reader.feed_eof)
