"""`callboard demo`: the simulated phone network, a local Slack and the real bot, all on this computer.

Nothing here is special-cased in the bot: the demo writes a settings file and starts what `callboard run` starts.
"""

import asyncio
import contextlib
import secrets
import shutil
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import httpx
import msgspec

from bot import local_slack, settings_reader
from bot.assembly import Callboard, http_client, listening, running, serving
from bot.errors import SettingsError
from bot.local_slack import LocalSlack, LocalSlackUnavailable, Workspace
from bot.periods import Subscription
from bot.providers import NAMES, provider_class
from bot.simulator.app import SimulatedAccount, SimulatedWorld
from bot.simulator.clock import RealClock
from bot.store import Taken, alone, contacts, ledger, people
from bot.store.contacts import Contact
from bot.store.people import Person

Write = Callable[[str], None]

ZONE = "Asia/Jerusalem"
LOCK = "demo.lock"
PORT = 8400
"""The bot's, or the first free one after it."""
SALES, SUPPORT = "C0SALES", "C0SUPPORT"
DANA, OMER, MAYA = "U0DANA", "U0OMER", "U0MAYA"
SALES_LINE, SUPPORT_LINE = "+972505550100", "+972505550101"
MESSAGE_LINE = "+972505550102"
MAYAS_PHONE = "+972505550192"
PEOPLE = {DANA: "Dana Levi", OMER: "Omer Katz", MAYA: "Maya Stern"}
CONTACTS = (
    Contact("+972505550199", "Noa Green", "Green Gardens"),
    Contact("+972505550111", "Busy Ben", "Always On Ltd"),
    Contact("+972505550112", "Silent Sam", ""),
)
SETTINGS = f"""\
region = "IL"
time_zone = "{ZONE}"
channel = "{SALES}"
admins = ["{MAYA}"]
managers = ["{OMER}"]
lookup_url = "{{world}}/_sim/customers?number={{number}}"

[accounts.voicenter]
click2call_url = "{{world}}/voicenter"
monitor_url = "{{world}}/voicenter"
dialer_url = "{{world}}/voicenter"
log_url = "{{world}}/voicenter"
presence_url = "{{world}}/voicenter"

[accounts.gurulize]
url = "{{world}}/gurulize/c2c"
username = "demo"

[accounts.callgear]
virtual_phone_number = "{MESSAGE_LINE}"
url = "{{world}}/callgear/v4.0"

[accounts.enablex]
cli = "{MESSAGE_LINE}"
url = "{{world}}/enablex/voice/v1"

[accounts.exolve]
source = "{MESSAGE_LINE}"
url = "{{world}}/exolve"

[lines."{SALES_LINE}"]
label = "Sales"
account = "voicenter"
channel = "{SALES}"

[lines."{SUPPORT_LINE}"]
label = "Support"
account = "voicenter"
channel = "{SUPPORT}"

[[flow]]
start = "welcome"
[flow.steps.welcome]
do = "menu"
sound = "welcome"
[flow.steps.welcome.choices]
1 = "sales"
2 = "goodbye"
"*" = "welcome"
"" = "sales"
[flow.steps.sales]
do = "dial"
targets = ["@{DANA}", "@{OMER}"]
ring_seconds = 20
if_failed = "goodbye"
[flow.steps.goodbye]
do = "hang_up"

[policy]
countries = ["IL", "US", "GB", "TR"]
weekdays = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
hours = ["00:00", "24:00"]

[recording]
countries.IL = "ask"
countries.US = "announce"
announcement = "This call is recorded."
deliver = "file"

[missed]
escalate_minutes = 3
"""


IN_WORDS = """
[digest]
picture = false
"""
"""The local Slack's page draws no pictures that are files, and a terminal none at all: the chart in words says more."""


@dataclass(frozen=True)
class Demo:
    """What runs: the bot, the simulated world and where a person looks at it."""

    callboard: Callboard
    world: SimulatedWorld
    slack: LocalSlack


async def demo(state: Path, *, check: bool, terminal: bool, write: Write) -> int:
    """Run until Ctrl-C, or with `check` until everything was tried. Returns the exit code.

    Raises:
        SettingsError: another demo keeps its things in that folder, or somebody else does, or nothing can be kept
            there; no port is free.
    """
    with _sole(state):
        return await _demo(state, check=check, terminal=terminal, write=write)


@contextlib.contextmanager
def _sole(state: Path) -> Iterator[None]:
    """A second demo would sweep away what the first has open, and the first what is not a demo's."""
    theirs = [name for name in ("callboard.toml", "data") if (state / name).exists()]
    if theirs and not (state / LOCK).exists():
        raise SettingsError(
            f"The demo would overwrite {theirs[0]} in {state}, which is no demo's, so nothing was done. Name an empty "
            "or a new folder with --state."
        )
    try:
        state.mkdir(parents=True, exist_ok=True)
        (state / LOCK).touch()
    except OSError as error:
        in_its_place = isinstance(error, FileExistsError | NotADirectoryError)
        why = "a file is in its place" if in_its_place else error.strerror
        raise SettingsError(f"The demo cannot use the folder {state} ({why}). Name another with --state.") from error
    try:
        with alone(state / LOCK):
            yield
    except Taken as error:
        fix = "Stop it first, or name another folder with --state."
        raise SettingsError(f"Another demo is at work in {state}. {fix}") from error


async def _demo(state: Path, *, check: bool, terminal: bool, write: Write) -> int:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    program = None
    if not terminal:
        try:
            write("Getting the local Slack ready …")
            program = await asyncio.to_thread(local_slack.fetch, state / "local-slack")
        except LocalSlackUnavailable as error:
            if not stopped.is_set():  # Ctrl-C ends npm, too
                write(str(error))
    if stopped.is_set():
        write("Stopped before it had started.")
        return 0
    async with AsyncExitStack() as stack:
        try:
            there = await stack.enter_async_context(started(state, program, quiet=check)) if program else None
        except LocalSlackUnavailable as error:
            write(str(error))
            there = None
        if there is not None:
            if check:
                from bot.demo_check import try_everything

                return await try_everything(there.callboard, there.world, there.slack, write)
            _welcome(there, write)
            await stopped.wait()
            write("\nStopping …")
            return 0
    from bot.demo_terminal import in_terminal

    return await in_terminal(state, check=check, write=write, stopped=stopped)


@asynccontextmanager
async def started(
    state: Path, program: Path, *, incoming_every: float = 75, quiet: bool = False
) -> AsyncIterator[Demo]:
    """The whole demo in the page's form. `quiet`: nobody calls by themselves."""
    workspace = Workspace(
        users=tuple(
            {"id": user, "name": _handle(name), "real_name": name, "tz": ZONE} for user, name in PEOPLE.items()
        ),
        channels=(
            {"id": SALES, "name": "sales", "members": list(PEOPLE)},
            {"id": SUPPORT, "name": "support", "members": list(PEOPLE)},
        ),
    )
    async with AsyncExitStack() as stack:
        slack = await stack.enter_async_context(local_slack.start(program, workspace, state))
        environment = {
            "SLACK_BOT_TOKEN": workspace.bot_token,
            "SLACK_APP_TOKEN": workspace.app_token,
            "SLACK_API_URL": slack.api_url,
        }
        callboard, world = await stack.enter_async_context(bot_and_world(state, environment, added=IN_WORDS))
        if not quiet:
            await stack.enter_async_context(people_call(world, incoming_every))
        yield Demo(callboard, world, slack)


@asynccontextmanager
async def bot_and_world(
    state: Path,
    environment: dict[str, str],
    *,
    more: Mapping[str, str] = MappingProxyType({}),
    added: str = "",
) -> AsyncIterator[tuple[Callboard, SimulatedWorld]]:
    """The simulated phone network and the bot, wired to each other over real HTTP on loopback.

    `more`: further accounts -> their provider.  `added`: further settings, in which {world} is the network's address.

    Raises:
        SettingsError: no port is free.
    """
    hook_secret = secrets.token_urlsafe(24)
    async with AsyncExitStack() as stack:
        http: httpx.AsyncClient = await stack.enter_async_context(http_client())
        listener = stack.enter_context(_listener())
        port = listener.getsockname()[1]
        kinds = {**{name: name for name in NAMES}, **more}
        hooks = {
            name: SimulatedAccount(kind, f"http://127.0.0.1:{port}/hooks/{name}/{hook_secret}")
            for name, kind in kinds.items()
        }
        world = SimulatedWorld(hooks, clock=RealClock(), http=http)
        world_port = await stack.enter_async_context(serving(world.app, "127.0.0.1", 0))
        file = _fresh(state, (SETTINGS + added).replace("{world}", f"http://127.0.0.1:{world_port}"))
        loaded = settings_reader.load(
            environment
            | {
                "CALLBOARD_DATA": str(state / "data"),
                "CALLBOARD_PORT": str(port),
                "CALLBOARD_PUBLIC_URL": f"http://127.0.0.1:{port}",
                "CALLBOARD_HOOK_SECRET": hook_secret,
                **{
                    f"{name}_{setting.name}".upper(): f"demo-{setting.name}"
                    for name, kind in kinds.items()
                    for setting in provider_class(kind).settings
                    if setting.secret
                },
            },
            file,
        )
        callboard = await stack.enter_async_context(running(loaded, now=world.clock.now, listener=listener))
        await _furnish(callboard)
        yield callboard, world


def _listener() -> socket.socket:
    """Listens already, for many seconds pass until the bot does, and another demo may look for a port meanwhile.

    Raises:
        SettingsError: no port is free.
    """
    while port := local_slack.free_port(PORT):
        with contextlib.suppress(SettingsError, OSError):  # another was faster
            listener = listening("127.0.0.1", port)
            listener.listen()
            return listener
    last = PORT + local_slack.PORTS - 1
    raise SettingsError(f"No port from {PORT} to {last} is free. Stop what listens there, and try again.")


def _fresh(state: Path, text: str) -> Path:
    """A new start: the local Slack forgets its messages when it ends, so what was recorded of them goes, too."""
    shutil.rmtree(state / "data", ignore_errors=True)
    state.mkdir(parents=True, exist_ok=True)
    file = state / "callboard.toml"
    file.write_text(text, encoding="utf-8")
    return file


@asynccontextmanager
async def people_call(world: SimulatedWorld, every: float) -> AsyncIterator[None]:
    """Made-up people call the two lines now and then while the block runs."""
    exchange = world.exchanges["voicenter"]
    callers = [
        asyncio.create_task(world.network.spontaneous(exchange, SALES_LINE, every_seconds=every)),
        asyncio.create_task(world.network.spontaneous(exchange, SUPPORT_LINE, every_seconds=every * 1.7)),
    ]
    try:
        yield
    finally:
        for caller in callers:
            caller.cancel()
        for caller in callers:
            with contextlib.suppress(asyncio.CancelledError):
                await caller


async def _furnish(callboard: Callboard) -> None:
    """Phones, contacts and a digest, as an admin would have set them up; what somebody changed stays."""
    board = callboard.board
    extensions = {DANA: "AAPINFzL", OMER: "BBPINFzM"}  # they take incoming calls, too
    team = [
        Person(user, PEOPLE[user], ZONE, "extension", extension, "voicenter", extension=extension, line=SALES_LINE)
        for user, extension in extensions.items()
    ]
    for linked in (*team, Person(MAYA, PEOPLE[MAYA], ZONE, "number", MAYAS_PHONE, "callgear")):
        if not (await board.read(people.person, linked.user)).linked:
            await board.write(people.save_person, linked)
    for contact in CONTACTS:
        if await board.read(contacts.get, contact.number) is None:
            await board.write(contacts.save, contact, MAYA, board.now())
    if not await board.read(ledger.subscriptions, SALES):
        daily = msgspec.json.encode(Subscription("daily", None, 18, 0, ZONE))
        await board.write(ledger.subscribe, SALES, "daily", daily, MAYA, board.now())


def _handle(name: str) -> str:
    return name.split()[0].lower()


def _welcome(found: Demo, write: Write) -> None:
    write(
        f"""
Callboard runs. Open {found.slack.url} and act as Dana.

Three things to try in #sales. Your calls' cards come into your conversation with Callboard, which this page lists
under “Direct messages” by your own name.
  1. /call Noa Green             somebody answers; watch the card, then say how it went
  2. /call +972 50 555 0111      busy. The last two digits say how the owner behaves: docs/simulator.md
  3. Wait for a missed call in #sales (within two minutes or so), then press “Call back”
Act as Maya, whose phone service can do more, and /call Noa Green: hold, consult, keypad and recording on the card.
Also: /missed, /contacts, /calls waiting, /calls log, /phone, /digest now, /callboard, and the App Home.
Ctrl-C ends everything."""
    )
    if found.slack.open:
        write(local_slack.OPEN_WARNING)
