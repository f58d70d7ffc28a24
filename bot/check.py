"""`callboard check`: what is missing or wrong, and the webhook addresses to paste at the providers.

Every line says what was looked at and, where it is not right, what to do. No call is placed and nothing is changed;
only the data folder is created where there is none. It may be asked while Callboard runs. Each look has a time limit,
and one that fails does not stop the others.
"""

import asyncio
import contextlib
import errno
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Literal
from urllib.parse import urljoin, urlsplit

import aiohttp
import httpx
import msgspec

from bot import check_slack
from bot.assembly import http_client, listening, providers
from bot.cards.times import counted
from bot.check_slack import Finding
from bot.data_folder import DATABASE, LOCK, opened, unusable, writable
from bot.disk import LEAST_FREE_BYTES, free_bytes
from bot.errors import CallboardError, SettingsError, Unsupported
from bot.providers import provider_class
from bot.settings import Account, Settings
from bot.settings_reader import examine
from bot.settings_values import VARIABLES
from bot.store import is_taken, ledger
from bot.store.engine import SQLITE, read_only
from bot.store.engine import examine as examine_file
from bot.store.schema import VERSION
from bot.workspace import IDENTITY, Identity

WAL_RESET_FIXED = (3, 51, 3)
"""From this version on two connections can write a WAL file safely: https://sqlite.org/wal.html#walresetbug"""
_SECONDS = 10.0
"""For one request."""
_PATIENCE = 30.0
"""For one whole look, whatever it consists of."""
_REDIRECT, _BAD_CERTIFICATE, _NO_TLS = "redirects to ", "its certificate is not accepted", "no TLS"
_NO_NAME = "no such name"
"""What may be where Callboard should answer."""

Look = Callable[[], Awaitable[list[Finding]]]


async def check(
    environment: Mapping[str, str],
    file: Path | None,
    write: Callable[[str], None],
    *,
    http: Callable[[], httpx.AsyncClient] = http_client,
    free: Callable[[Path], int] = free_bytes,
) -> int:
    """Print a line for each thing looked at, as soon as it is known. 0: all good; 1: something is to be mended.

    Never raises. `file`: settings file, None = as `settings_reader.examine` finds it. `http`, `free`: tests bring
    their own.
    """
    bad = 0
    async for finding in findings(environment, file, http, free):
        bad += finding.state in ("MISSING", "WRONG")
        write(f"{finding.state:7}  {finding.text}")
    if bad:
        write(f"{bad} to be mended. Then run `callboard check` again.")
    else:
        write("Everything is ready: start it with `callboard run`.")
    return 1 if bad else 0


async def findings(
    environment: Mapping[str, str],
    file: Path | None,
    http: Callable[[], httpx.AsyncClient],
    free: Callable[[Path], int],
) -> AsyncIterator[Finding]:
    """Everything, from the settings outwards."""
    settings, errors = examine(environment, file)
    for words in errors:
        yield Finding(_settings_state(words, environment), words)
    if settings is None:
        return
    accounts, lines = counted(len(settings.accounts), "account"), counted(len(settings.lines), "line")
    yield Finding("ok", f"Settings: {accounts}, {lines}")
    for found in [*_roles(settings), *_unread(settings, environment)]:
        yield found
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_SECONDS)) as session, http() as client:
        looks: list[tuple[str, Look]] = [
            ("Data folder", lambda: _disk(settings, free)),
            ("Database", lambda: _database(settings)),
            ("SQLite", _sqlite),
            ("Slack", lambda: _slack(settings, session)),
            ("Port", lambda: _port(settings, session)),
            ("CALLBOARD_PUBLIC_URL", lambda: _public_url(settings, session)),
        ]
        looks += [(account.name, _look_at(settings, account, client)) for account in settings.accounts]
        for what, look in looks:
            for found in await _guarded(what, look):
                yield found
    for found in _hooks(settings):
        yield found


async def _guarded(what: str, look: Look) -> list[Finding]:
    """A look that hangs or breaks is itself a finding; its error is not shown, for it might hold a secret."""
    try:
        async with asyncio.timeout(_PATIENCE):
            return await look()
    except TimeoutError:
        return [Finding("WRONG", f"{what}: no answer within {_PATIENCE:.0f} s. Check network and firewall.")]
    except Exception as error:
        return [Finding("WRONG", f"{what} could not be looked at ({type(error).__name__}). Mend the others first.")]


def _settings_state(words: str, environment: Mapping[str, str]) -> Literal["MISSING", "WRONG"]:
    """Errors of the settings begin with what they are about: a variable that is empty, or nothing, is missing."""
    name = words.partition(" ")[0]
    unset = name.isupper() and not environment.get(name, "").strip()
    unset = unset and "is not an address" not in words  # that stands in the file
    return "MISSING" if unset or name == "No" or "does not exist" in words else "WRONG"


def _unread(settings: Settings, environment: Mapping[str, str]) -> list[Finding]:
    """A variable whose name is misspelt is like one that is not set."""
    known = VARIABLES | {f"{account.name}_{name}".upper() for account in settings.accounts for name in account.values}
    ours = ("CALLBOARD_", *(f"{account.name}_".upper() for account in settings.accounts))
    found = []
    for name in sorted(name for name in environment.keys() - known if name.startswith(ours)):
        meant = get_close_matches(name, sorted(known), n=1)
        question = f" Is {meant[0]} meant?" if meant else ""
        found.append(Finding("note", f"{name} in the environment is read by nothing.{question}"))
    return found


def _roles(settings: Settings) -> list[Finding]:
    found = []
    if not settings.admins:
        found.append(Finding("note", "No admins are named in callboard.toml, so nobody is told when something breaks"))
    nightly = settings.policy.night_calls or settings.policy.night_calls_at_once
    if settings.zone == "UTC" and not nightly:
        fix = "Set your office's, or night_calls"
        found.append(Finding("note", f"time_zone is UTC, so as much may be called at night as by day. {fix}"))
    over = settings.policy.approve_over
    if over and len({*settings.admins, *settings.managers}) < 2:
        words = (
            f"policy.approve_over = {over}, but there are no two managers, so lists of more than {over} cannot be sent"
        )
        found.append(Finding("MISSING", f"{words}. Name a second one in managers = […]."))
    homeless = [line.label or line.number for line in settings.lines if not (line.channel or settings.channel)]
    if homeless:
        fix = 'Add channel = "C…" to its section, or one for all at the top of callboard.toml.'
        found += [
            Finding("MISSING", f"Line {name} has no channel, so its calls are not shown. {fix}") for name in homeless
        ]
    elif not settings.lines and not settings.channel:
        found.append(Finding("note", "No lines and no channel are set, so incoming and missed calls are not shown"))
    return found


async def _disk(settings: Settings, free: Callable[[Path], int]) -> list[Finding]:
    folder = settings.data
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):  # permissions alone say nothing of read-only and full disks
            pass
        available = free(folder)
        writable(folder / LOCK)
    except OSError as error:
        return [Finding("WRONG", unusable(folder, error))]
    except SettingsError as error:
        return [Finding("WRONG", str(error))]
    if available < LEAST_FREE_BYTES:
        fix = f"Make room: {LEAST_FREE_BYTES // 1_000_000} MB at least."
        return [Finding("WRONG", f"Data folder {folder}: only {available // 1_000_000} MB free. {fix}")]
    return [Finding("ok", f"Data folder {folder}: {available / 1e9:.1f} GB free")]


async def _database(settings: Settings) -> list[Finding]:
    """Opened as `callboard run` would, but only to read: it may be at work in it."""
    file = settings.data / DATABASE
    if not settings.data.is_dir():
        return []  # what is wrong with the folder is said; nothing can be in it
    if not file.exists():
        return [Finding("ok", f"Database {file}: none yet; the first start makes it")]
    try:
        version, whole = await asyncio.to_thread(opened, examine_file, file)
    except SettingsError as error:
        return [Finding("WRONG", str(error))]
    if 0 < version < VERSION:
        fix = "the next start brings it up to date; make a backup first: docs/deploying.md"
        return [Finding("note", f"Database {file}: of an older Callboard; {fix}")]
    return [Finding("ok", f"Database {file}: {'whole' if whole else 'too large to be read to its end, whole so far'}")]


async def _sqlite() -> list[Finding]:
    version = tuple(int(part) for part in SQLITE.split("."))
    if version < WAL_RESET_FIXED:
        why = "older than 3.51.3, which is fine: only one connection writes, so its WAL-reset bug cannot strike"
        return [Finding("note", f"SQLite {SQLITE} is {why}")]
    return [Finding("ok", f"SQLite {SQLITE}")]


async def _slack(settings: Settings, session: aiohttp.ClientSession) -> list[Finding]:
    def known(file: Path) -> str:
        told = read_only(file, lambda db: ledger.recall(db, IDENTITY))
        return msgspec.json.decode(told[0], type=Identity).team_id if told else ""

    team, file = "", settings.data / DATABASE
    with contextlib.suppress(SettingsError):  # what is wrong with the file is said above
        team = await asyncio.to_thread(opened, known, file) if file.exists() else ""
    return await check_slack.look(settings, session, team)


async def _port(settings: Settings, session: aiohttp.ClientSession) -> list[Finding]:
    where = f"Port {settings.port} on {settings.host}"
    try:
        listening(settings.host, settings.port).close()
    except SettingsError as error:
        taken = isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.EADDRINUSE
        if taken and await _alive(session, f"{settings.own_url}/healthz/live") == "alive":
            if await asyncio.to_thread(is_taken, settings.data / LOCK):
                return [Finding("ok", f"{where}: Callboard runs there")]
            words = f"another Callboard runs there, which does not use {settings.data}. Stop it, or set CALLBOARD_PORT."
            return [Finding("WRONG", f"{where}: {words}")]
        return [Finding("WRONG", str(error))]
    return [Finding("ok", f"{where}: free")]


async def _public_url(settings: Settings, session: aiohttp.ClientSession) -> list[Finding]:
    if not settings.public_url:
        return [Finding("note", "CALLBOARD_PUBLIC_URL is not set: webhooks can only come from this computer")]
    found = await _reached(settings, session)
    address = urlsplit(settings.public_url)
    if address.scheme == "http" and address.hostname not in ("localhost", "127.0.0.1", "::1"):
        words = "is not https://: the hook secret, callers' numbers and links to recordings can be read on the way"
        found.append(Finding("note", f"CALLBOARD_PUBLIC_URL {words}"))
    return found


async def _reached(settings: Settings, session: aiohttp.ClientSession) -> list[Finding]:
    public, url = settings.public_url, f"{settings.public_url}/healthz/live"
    answer = await _alive(session, url)
    if answer == "alive":
        return [Finding("ok", f"CALLBOARD_PUBLIC_URL: {public} reaches Callboard")]
    wrong = ""
    if answer.startswith(_REDIRECT):
        where = answer.removeprefix(_REDIRECT).removesuffix("/healthz/live")
        wrong = f"{public} redirects to {where}, and webhooks do not follow. Set it to where Callboard itself answers."
    elif answer == _BAD_CERTIFICATE:
        fix = "Have one made for that name, such as by Let's Encrypt, and renewed in time."
        wrong = f"the certificate of {public} is not accepted, so no phone service will reach it. {fix}"
    elif answer == _NO_TLS:
        fix = "Name the address of the proxy that does TLS: Callboard itself does not."
        wrong = f"no TLS connection to {public} comes about, though https:// promises one. {fix}"
    elif answer == _NO_NAME:
        fix = "Mend its spelling, or have an entry made for it in the DNS."
        wrong = f"nobody knows the name {urlsplit(public).hostname}. {fix}"
    if wrong:
        return [Finding("WRONG", f"CALLBOARD_PUBLIC_URL: {wrong}")]
    proxy_alone = answer.startswith(("nothing", "HTTP 502", "HTTP 503", "HTTP 504"))
    if proxy_alone and await _alive(session, f"{settings.own_url}/healthz/live") != "alive":
        words = "cannot be checked while Callboard is not running: start it, then check once more"
        return [Finding("note", f"CALLBOARD_PUBLIC_URL ({answer} at {public}) {words}")]
    fix = f"Let the proxy there pass requests on to port {settings.port} of this computer."
    return [Finding("WRONG", f"CALLBOARD_PUBLIC_URL: {answer} at {url}, not Callboard. {fix}")]


async def _alive(session: aiohttp.ClientSession, url: str) -> str:
    """ "alive", or what there is instead. A redirect is not followed: who sends webhooks does not, either."""
    try:
        async with session.get(url, allow_redirects=False) as answer:
            if answer.status in (301, 302, 303, 307, 308):
                where = urlsplit(urljoin(url, answer.headers.get("location", "")))
                return f"{_REDIRECT}{where.scheme}://{where.netloc}{where.path}"
            if answer.status != 200:
                return f"HTTP {answer.status}"
            return "alive" if await answer.content.read(100) == b"alive" else "something else"
    except aiohttp.ClientConnectorDNSError:
        return _NO_NAME
    except aiohttp.ClientConnectorCertificateError:
        return _BAD_CERTIFICATE
    except aiohttp.ClientConnectorSSLError:
        return _NO_TLS
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        return f"nothing answers ({type(error).__name__})"


def _look_at(settings: Settings, account: Account, client: httpx.AsyncClient) -> Look:
    async def look() -> list[Finding]:
        name = account.name
        try:
            provider = providers(replace(settings, accounts=(account,)), client)[name]
            told = await provider.check()
            with contextlib.suppress(CallboardError):  # a session that is left behind expires by itself
                await provider.sign_out()
            return [Finding("ok", f"{name}: {told}")]
        except Unsupported:
            title = provider_class(account.provider).title
            return [Finding("note", f"{name}: the settings of {title} cannot be checked without placing a call")]
        except CallboardError as error:
            unreached = isinstance(error.__cause__, httpx.ConnectError | httpx.ConnectTimeout)
            where = _own_addresses(account) if unreached else ""
            return [Finding("WRONG", f"{name}: {error}{where}")]

    return look


def _own_addresses(account: Account) -> str:
    """What to look at where a service is not reached; its usual addresses are right."""
    settings = provider_class(account.provider).settings
    own = [
        f"{account.name}_{one.name}".upper() + f" ({account.values[one.name]})"
        for one in settings
        if one.name.endswith("url") and account.values[one.name] != one.default
    ]
    return f" Check network and firewall{', and ' if own else ''}{', '.join(own)}."


def _hooks(settings: Settings) -> list[Finding]:
    where = "" if settings.public_url else " They work on this computer only, until CALLBOARD_PUBLIC_URL is set."
    words = "Each holds CALLBOARD_HOOK_SECRET, so show them to nobody else."
    found = []
    if settings.old_hook_secret:
        until = "Take it away once `/callboard hooks` says that none is used any more"
        old = f"CALLBOARD_OLD_HOOK_SECRET is set, so webhook addresses with it are taken, too. {until}"
        found.append(Finding("note", old))
    found.append(Finding("note", f"Webhook addresses to paste at your phone services. {words}{where}"))
    for account in settings.accounts:
        kind = provider_class(account.provider)
        if not kind.hook_paths:
            found.append(Finding("note", f"  {kind.title} ({account.name}): none; it tells nothing by itself"))
        for path, what in kind.hook_paths.items():
            address = settings.hook_url(account.name, path)
            found.append(Finding("note", f"  {kind.title} ({account.name}): {address}  {what}"))
        for event, body in kind.hook_templates.items():
            found.append(Finding("note", f"    {event}, to be sent to {settings.hook_url(account.name)}: {body}"))
    return found
