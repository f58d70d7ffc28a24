"""The command line.

callboard run        the real thing: environment and callboard.toml
callboard check      what is missing or wrong, and the webhook addresses to paste at the provider
callboard providers  every operation and option that each telephony service can express
callboard demo       everything on this computer: no Slack workspace, no telephone account
"""

import argparse
import asyncio
import gc
import logging
import os
import signal
import sqlite3
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, NoReturn

from typing_extensions import override

from bot.errors import SettingsError

log = logging.getLogger("callboard")
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
_FIRST = "New here? `callboard demo` needs nothing. `callboard check` says what the real thing still needs."


class _Parser(argparse.ArgumentParser):
    @override
    def error(self, message: str) -> NoReturn:
        """One sentence, and where to go on."""
        self.exit(2, f"Callboard did nothing: {message}. `{self.prog} --help` says what there is.\n")


class _NotAgain(logging.Filter):
    """The same words once an hour: a connection in Socket Mode is tried, and complained of, every ten seconds."""

    def __init__(self) -> None:
        super().__init__()
        self.said: dict[str, float] = {}

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        words = record.getMessage()
        if record.created - self.said.get(words, 0.0) < 3600:
            return False
        if len(self.said) > 100:
            self.said.clear()
        self.said[words] = record.created
        return True


def main(arguments: list[str] | None = None) -> int:
    """Entry point of the `callboard` command; returns the exit code."""
    parser = _Parser(prog="callboard", description="The phone system inside Slack.", epilog=_FIRST)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    run = commands.add_parser("run", help="run Callboard for your workspace")
    check = commands.add_parser("check", help="say what is missing or wrong, and the webhook addresses")
    for real in (run, check):
        real.add_argument("--config", type=Path, help="settings file (default: callboard.toml, or CALLBOARD_CONFIG)")
    listed = commands.add_parser("providers", help="say what each telephony service can do")
    listed.add_argument("--json", action="store_true", help="as JSON")
    listed.add_argument("--markdown", action="store_true", help="as the tables of docs/providers/README.md")
    demo = commands.add_parser("demo", help="try it: no Slack workspace, no telephone account")
    demo.add_argument("--check", action="store_true", help="run the demo's set-up headless, try it, exit 0 or 1")
    demo.add_argument("--terminal", action="store_true", help="talk to it in this terminal instead of the Slack page")
    kept = "folder for everything it keeps (default: .callboard)"
    demo.add_argument("--state", type=Path, default=Path(".callboard"), help=kept)
    chosen = parser.parse_args(arguments)
    if chosen.command is None:
        parser.error(f"name a command: {', '.join(commands.choices)}")
    try:
        _log(running=chosen.command == "run")
        return _start(_work(chosen))
    except SettingsError as error:
        print(f"Callboard did not start: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever reads what we print has read enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _log(*, running: bool) -> None:
    level = (os.environ.get("CALLBOARD_LOG", "").strip() or ("INFO" if running else "ERROR")).upper()
    if level not in LEVELS:
        raise SettingsError(f"CALLBOARD_LOG must be one of: {', '.join(LEVELS)}.")
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # httpx logs addresses with secrets, httpcore each step of each connection.
    for chatty in ("httpx", "httpcore", "apscheduler", "slack_bolt", "slack_sdk", "uvicorn"):
        logging.getLogger(chatty).setLevel(logging.WARNING if running else logging.ERROR)
    # Bolt would say at each start that SLACK_BOT_TOKEN is not used: it is, by the client that Bolt is given.
    logging.getLogger("slack_bolt").addFilter(lambda record: "`token`" not in record.getMessage())
    logging.getLogger("slack_bolt").addFilter(_NotAgain())


def _work(chosen: argparse.Namespace) -> Coroutine[Any, Any, int]:
    if chosen.command == "providers":
        return _providers(chosen)
    if chosen.command == "check":
        from bot.check import check

        return check(os.environ, chosen.config, _say)
    if chosen.command == "demo":
        from bot.demo import demo

        return demo(chosen.state, check=chosen.check, terminal=chosen.terminal, write=_say)
    return _run(chosen.config)


async def _providers(chosen: argparse.Namespace) -> int:
    from bot import abilities

    write = abilities.as_json if chosen.json else abilities.as_markdown if chosen.markdown else abilities.as_text
    print(write())
    return 0


async def _run(config: Path | None) -> int:
    gc.disable()  # until it runs: importing makes hardly any garbage, and looking for it takes a tenth of the start
    from bot import settings_reader
    from bot.assembly import running
    from bot.data_folder import DATABASE, unusable_database

    stopped, started = asyncio.Event(), asyncio.Event()
    this = asyncio.current_task()
    assert this is not None

    def stop() -> None:
        stopped.set()
        if not started.is_set():  # whatever it waits for, a Slack that does not answer say
            this.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    settings = settings_reader.load(os.environ, config)
    try:
        async with running(settings) as callboard:
            started.set()
            log.info("Callboard runs; webhooks and health are served on port %s.", callboard.port)
            await stopped.wait()
            log.info("Callboard stops.")
    except asyncio.CancelledError:
        if not stopped.is_set():
            raise
        log.info("Callboard was stopped before it had started.")
    except sqlite3.Error as error:  # it opens; what is damaged is a page that is read only now
        if started.is_set():
            raise
        raise SettingsError(unusable_database(settings.data / DATABASE, error)) from error
    return 0


def _say(text: str) -> None:
    print(text, flush=True)


def _start(work: Coroutine[Any, Any, int]) -> int:
    try:
        from uvloop import new_event_loop  # 1.7 times the acknowledgements a second of asyncio's own loop
    except ImportError:  # Windows, PyPy
        return asyncio.run(work)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(work)


if __name__ == "__main__":
    sys.exit(main())
