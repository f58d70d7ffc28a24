"""The servers that are measured, each in a process of its own: `python -m benchmarks.servers NAME PORT [FOLDER]`.

bolt: a bare Bolt app.  row: a bare Starlette route with one committed row.  bot: the whole Callboard in HTTP mode.
world: what the bot speaks to (Slack's Web API and the phone service), quick, slow or silent as it is told.
"""

import asyncio
import contextlib
import gc
import os
import sqlite3
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from bot.settings import Settings

SECRET = "benchmark-signing-secret"
HOOK = "benchmark-hook-secret-0123"
LINES = tuple(f"+1202555010{number}" for number in range(6))


def on_core(number: int) -> None:
    """What is measured has one core and what loads it another, as when the floors were measured.

    They share where the system cannot say so, or has one core only.
    """
    with contextlib.suppress(AttributeError, OSError):
        os.sched_setaffinity(0, {number})


def bolt() -> object:
    """The floor of an acknowledgement: Bolt's ASGI adapter, process_before_response, preset authorize, one listener."""
    from slack_bolt.adapter.asgi.async_handler import AsyncSlackRequestHandler
    from slack_bolt.async_app import AsyncAck, AsyncApp
    from slack_bolt.authorization import AuthorizeResult

    async def authorize() -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=None, team_id="T1", bot_token="xoxb-1", bot_id="B1", bot_user_id="U0")

    async def call(ack: AsyncAck) -> None:
        await ack()

    app = AsyncApp(signing_secret=SECRET, authorize=authorize, process_before_response=True)
    app.command("/call")(call)
    return AsyncSlackRequestHandler(app, path="/slack/events")


def row(folder: Path) -> object:
    """The floor of a webhook: parse JSON, commit one row with a unique key through the same writer, answer."""
    import msgspec

    from bot.store import Database

    database = Database(folder / "row.sqlite")

    def insert(key: str, body: bytes) -> Callable[[sqlite3.Connection], int]:
        def work(db: sqlite3.Connection) -> int:
            return db.execute("INSERT OR IGNORE INTO facts (key, value, at) VALUES (?, ?, 0)", (key, body)).rowcount

        return work

    async def hook(request: Request) -> Response:
        body = await request.body()
        key = msgspec.json.decode(body)["ivruniqueid"]
        await database.write(insert(key, body))
        return PlainTextResponse("ok")

    return Starlette(routes=[Route("/hook", hook, methods=["POST"])])


def world() -> object:
    """Slack and the phone service. /mood/quick, /mood/slow (5 s), /mood/silent say how they answer."""
    mood = "quick"

    async def change(request: Request) -> Response:
        nonlocal mood
        mood = request.path_params["mood"]
        return PlainTextResponse(mood)

    async def answer(request: Request) -> Response:
        if mood != "quick":
            await asyncio.sleep(5 if mood == "slow" else 3600)
        path = request.url.path
        if "click2call" in path:
            return JSONResponse({"ERRORCODE": 0, "ERRORMESSAGE": "OK", "CALLID": os.urandom(16).hex()})
        if "comet" in path.lower():
            return JSONResponse({"ERR": 0, "DESC": "OK", "EXTENSIONS": [{"SIP": "AAPINFzL"}]})
        if path.startswith("/hub/cdr"):
            return JSONResponse({"ERROR_NUMBER": 0, "ERROR_DESCRIPTION": "OK", "CDR_LIST": []})
        told = {
            "ok": True,
            "messages": [],
            "team_id": "T1",
            "user_id": "U0",
            "bot_id": "B1",
            "user": {"id": "U1", "name": "ada", "real_name": "Ada Byron", "tz": "Europe/London"},
            "ts": f"{os.getpid()}.{os.urandom(3).hex()}",
        }
        shown = path.rpartition(".")[2] in ("open", "info")
        return JSONResponse(told | {"channel": {"id": "D1"} if shown else "C1"})

    methods = ["GET", "POST"]
    return Starlette(routes=[Route("/mood/{mood}", change), Route("/{path:path}", answer, methods=methods)])


def settings_of(folder: Path, port: int, lines: Sequence[str] = ()) -> "Settings":
    """What the bot is configured with; `lines`: of the office, in two channels. Its world is at WORLD_PORT."""
    from bot import settings_reader

    outside = f"http://127.0.0.1:{os.environ.get('WORLD_PORT', '9')}"
    file = folder / "callboard.toml"
    file.write_text(
        'region = "US"\nchannel = "C1"\nmanagers = ["U2"]\n[accounts.voicenter]\n'
        f'click2call_url = "{outside}"\nmonitor_url = "{outside}"\nlog_url = "{outside}"\n'
        + "".join(
            f'[lines."{line}"]\nlabel = "Line {number}"\nchannel = "C{1 + number % 2}"\n'
            for number, line in enumerate(lines)
        )
        +
        # One person stands for hundreds here: refused, they would be measured with all that a refusal says and writes.
        "[policy]\ncalls_at_once = 0\ndaily_calls = 0\n"
        'hours = ["00:00", "24:00"]\nweekdays = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]\n'
    )
    environment = {
        "SLACK_BOT_TOKEN": "xoxb-1",
        "SLACK_SIGNING_SECRET": SECRET,
        "SLACK_API_URL": f"{outside}/api/",
        "CALLBOARD_SLACK_MODE": "http",
        "CALLBOARD_PUBLIC_URL": "http://127.0.0.1",
        "CALLBOARD_HOOK_SECRET": HOOK,
        "CALLBOARD_DATA": str(folder / "data"),
        "CALLBOARD_PORT": str(port),
        "VOICENTER_CODE": "benchmark",
    }
    return settings_reader.load(environment, file)


async def bot(folder: Path, port: int) -> None:
    """The whole Callboard, every listener registered, wired to the world at WORLD_PORT."""
    gc.disable()  # as `callboard run` does
    from bot.assembly import running

    long_jobs = "LONG_JOBS" in os.environ
    async with running(settings_of(folder, port, LINES if long_jobs else ())) as callboard:
        from bot.store import people

        await callboard.board.write(
            people.save_person, people.Person("U1", phone_kind="number", phone="+12025550190", account="voicenter")
        )
        if long_jobs:
            from benchmarks.long_jobs import serve

            await serve(callboard.board, folder)
        await asyncio.Event().wait()


def main() -> None:
    """Serve until killed."""
    # With the development tools comes what httpx needs to import its own command line, for 10 ms: no user has that.
    sys.modules["pygments"] = None  # type: ignore[assignment]
    import uvloop

    name, port = sys.argv[1], int(sys.argv[2])
    if "LONG_JOBS" not in os.environ:  # what these are done by has a core where there is one
        on_core(1 if name == "world" else 0)
    folder = Path(sys.argv[3]) if len(sys.argv) > 3 else Path()
    if name == "bot":
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(bot(folder, port))
        return
    app = row(folder) if name == "row" else bolt() if name == "bolt" else world()
    uvicorn.run(app, host="127.0.0.1", port=port, loop="uvloop", http="httptools", log_config=None, access_log=False)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
