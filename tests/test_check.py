"""`callboard check` says what is missing or wrong, each with the fix; secrets stay unsaid; it never raises."""

import os
import re
import socket
import sqlite3
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bot.assembly import serving
from bot.check import check
from bot.data_folder import take
from bot.disk import free_bytes
from bot.errors import SettingsError
from bot.settings_values import VARIABLES
from bot.store import Database, alone, engine, ledger
from bot.store.schema import VERSION
from bot.web import application
from bot.workspace import IDENTITY
from tests.fake_slack import FakeSlack
from tests.office import ENVIRONMENT, LINE, SETTINGS, Office

EXTENSIONS = {"ERR": 0, "DESC": "OK", "EXTENSIONS": [{"SIP": "AAPINFzL"}, {"SIP": "BBPINFzM"}]}
GURULIZE = SETTINGS.replace(
    "[accounts.voicenter]", '[accounts.gurulize]\nurl = "https://gurulize.example"\nusername = "u"'
)


def known(request: httpx.Request) -> httpx.Response:
    """The phone service knows the account."""
    return httpx.Response(200, json=EXTENSIONS)


def hangs(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("", request=request)


def refuses(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"ERR": 1, "DESC": "Authorization failed."})


@dataclass
class Computer:
    """Where Callboard is being set up; each test spoils something and looks."""

    folder: Path
    slack: FakeSlack
    text: str = SETTINGS
    environment: dict[str, str] = field(default_factory=dict)
    phone: Callable[[httpx.Request], httpx.Response] = known
    free: Callable[[Path], int] = free_bytes

    async def check(self, file: Path | None = None) -> tuple[int, list[str]]:
        """(exit code, lines)."""
        if file is None:
            file = self.folder / "callboard.toml"
            file.write_text(self.text, encoding="utf-8")
        lines: list[str] = []

        def http() -> httpx.AsyncClient:
            return httpx.AsyncClient(transport=httpx.MockTransport(self.phone))

        code = await check(self.environment, file, lines.append, http=http, free=self.free)
        return code, lines


def nobodys_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def computer(tmp_path: Path, fake_slack: FakeSlack) -> Computer:
    fake_slack.users["U9"] = replace(fake_slack.users["U1"], id="U9", name="Zoe")
    given = ENVIRONMENT | {
        "CALLBOARD_DATA": str(tmp_path / "data"),
        "CALLBOARD_PORT": str(nobodys_port()),
        "CALLBOARD_PUBLIC_URL": "",
        "CALLBOARD_SLACK_MODE": "socket",
        "SLACK_API_URL": fake_slack.base_url,
        "SLACK_APP_TOKEN": fake_slack.app_token,
        "GURULIZE_PASSWORD": "PASSWORD-SECRET",
    }
    return Computer(tmp_path, fake_slack, environment=given)


@asynccontextmanager
async def page(status: int, text: str, headers: Mapping[str, str] | None = None) -> AsyncIterator[str]:
    """A web server that answers everything the same; yields its address."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=status, text=text, headers=headers)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_all_is_well_and_the_addresses_are_told(computer: Computer, desk: Office) -> None:
    async with serving(application(desk.board), "127.0.0.1", 0) as port:
        computer.environment["CALLBOARD_PUBLIC_URL"] = f"http://127.0.0.1:{port}"
        code, lines = await computer.check()
    assert code == 0, lines
    assert lines[-1] == "Everything is ready: start it with `callboard run`."
    for line in (
        "ok       Settings: 1 account, 1 line",
        "ok       SLACK_BOT_TOKEN: this is callboard in Callboard test",
        f"ok       Scopes: all {len(desk.slack.scopes)} granted",
        "ok       SLACK_APP_TOKEN: Socket Mode connections are allowed",
        "ok       Channel #calls: member",
        "ok       admins: Zoe",
        f"ok       managers: {desk.slack.users['U2'].name}",
        f"ok       CALLBOARD_PUBLIC_URL: http://127.0.0.1:{port} reaches Callboard",
        "ok       voicenter: Voicenter knows this account: 2 extensions.",
    ):
        assert line in lines
    hook = f"http://127.0.0.1:{port}/hooks/voicenter/hook-secret-for-tests"
    told = "\n".join(lines)
    assert f"note       Voicenter (voicenter): {hook}/cdr  CDR notification" in told
    assert f"note       Voicenter (voicenter): {hook}/popup  Pop-up screen" in told
    assert f"note       Voicenter (voicenter): {hook}/ivr  External IVR" in told
    assert f"note       Voicenter (voicenter): {hook}/layer  External layer" in told
    assert "show them to nobody else" in told
    assert told.count("hook-secret-for-tests") == 4
    for secret in ("xoxb-", "xapp-", "CODE-SECRET", "fake-signing-secret"):
        assert secret not in told


async def fault(computer: Computer, words: str) -> None:
    """Exactly one line, and this one, is not good."""
    code, lines = await computer.check()
    assert code == 1
    assert [line for line in lines if line.startswith(("WRONG", "MISSING"))] == [words]
    assert lines[-1] == "1 to be mended. Then run `callboard check` again."


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        (
            "SLACK_BOT_TOKEN",
            "xoxb-wrong",
            "WRONG    SLACK_BOT_TOKEN: Slack says invalid_auth. Install the app again and copy its bot token.",
        ),
        (
            "SLACK_API_URL",
            "http://127.0.0.1:9/api/",
            "WRONG    Slack cannot be reached (ClientConnectorError). Check network and firewall.",
        ),
        (
            "SLACK_APP_TOKEN",
            "xapp-wrong",
            "WRONG    SLACK_APP_TOKEN: Slack says invalid_auth. "
            "It needs the scope connections:write, and Socket Mode must be switched on for the app.",
        ),
        ("SLACK_BOT_TOKEN", "", "MISSING  SLACK_BOT_TOKEN is not set. Copy it from your Slack app's page, "),
        ("SLACK_BOT_TOKEN", "xoxp-1", "WRONG    SLACK_BOT_TOKEN does not start with xoxb-. Copy it again from "),
        (
            "VOICENTER_CODE",
            "",
            "MISSING  VOICENTER_CODE is not set: the account's API code, from Voicenter. Set it in the environment.",
        ),
        ("CALLBOARD_HOOK_SECRET", "", "MISSING  CALLBOARD_HOOK_SECRET must have 16 or more letters and digits"),
        ("CALLBOARD_HOOK_SECRET", "short", "WRONG    CALLBOARD_HOOK_SECRET must have 16 or more letters and digits"),
    ],
)
async def test_a_variable_that_is_empty_or_wrong(computer: Computer, variable: str, value: str, words: str) -> None:
    computer.environment[variable] = value
    code, lines = await computer.check()
    (bad,) = [line for line in lines if line.startswith(("WRONG", "MISSING"))]
    assert bad.startswith(words)
    assert code == 1


async def test_a_channel_that_is_shared_with_another_company(computer: Computer) -> None:
    computer.slack.channels["C1"].shared = True
    code, lines = await computer.check()
    (told,) = [line for line in lines if "#calls" in line]
    assert told.startswith("note     Channel #calls: member. It is shared with another company, which can read there")
    assert told.endswith("of its people only those in `guests` may press our buttons")
    assert code == 0


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"C1"', '"C99"', "WRONG    Channel C99: Slack says channel_not_found. It does not exist, or is private"),
        ('"C1"', '"C2"', "MISSING  Channel #elsewhere: Callboard is not a member. Type `/invite @Callboard` in #else"),
        ('"C1"', '"C3"', "WRONG    Channel #old is archived. Unarchive it, or set another in callboard.toml."),
        ('channel = "C1"', "", "MISSING  Line Sales has no channel, so its calls are not shown. Add channel = "),
        ('"US"\n', '"Mars"\n', "WRONG    region = “MARS” is not a country code."),
        (
            "[accounts.voicenter]",
            '[accounts.voicenter]\nlog_url = "x"',
            "WRONG    VOICENTER_LOG_URL is not an address.",
        ),
        ("[accounts.voicenter]", "", "MISSING  No telephony account is configured. Add a section like [accounts."),
        ("[accounts.voicenter]", '[accounts.voicenter]\nreply_format = "CSV"', "WRONG    voicenter: VOICENTER_REPLY_"),
    ],
)
async def test_a_mistake_in_the_file(computer: Computer, old: str, new: str, words: str) -> None:
    computer.slack.channels["C3"] = type(computer.slack.channels["C1"])("C3", "old", archived=True)
    computer.text = SETTINGS.replace(old, new)
    if "No telephony" in words:
        computer.text = computer.text.replace('account = "voicenter"', "")
    code, lines = await computer.check()
    (bad,) = [line for line in lines if line.startswith(("WRONG", "MISSING"))]
    assert bad.startswith(words)
    assert code == 1


async def test_all_mistakes_of_the_settings_are_told_at_once(computer: Computer) -> None:
    computer.text = 'region = "Mars"\ncolour = "blue"\n'
    computer.environment["SLACK_BOT_TOKEN"] = ""
    code, lines = await computer.check()
    assert [line[:7].strip() for line in lines[:-1]] == ["WRONG", "MISSING", "MISSING", "WRONG"]
    assert lines[-1] == "4 to be mended. Then run `callboard check` again."
    assert code == 1


async def test_a_file_that_is_not_there_or_cannot_be_read(computer: Computer, tmp_path: Path) -> None:
    _, lines = await computer.check(tmp_path / "elsewhere.toml")
    assert lines[0].startswith("MISSING  ")
    assert "does not exist" in lines[0]
    _, lines = await computer.check(tmp_path)
    fix = "Let this user read it, or name another file."
    assert lines[0] == f"WRONG    {tmp_path} cannot be read (Is a directory). {fix}"


def database(computer: Computer) -> Path:
    """As a Callboard that was stopped has left it."""
    file = computer.folder / "data" / "callboard.sqlite"
    Database(file).close()
    return file


def statement(file: Path, sql: str) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        db.execute(sql)


def everything(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


async def test_the_database_is_looked_at_and_left_as_it_is(computer: Computer) -> None:
    _, lines = await computer.check()
    file = database(computer)
    assert f"ok       Database {file}: none yet; the first start makes it" in lines
    statement(file, f"PRAGMA user_version = {VERSION - 1}")
    before = everything(file.parent)
    _, lines = await computer.check()
    (told,) = [line for line in lines if str(file) in line]
    assert told.startswith(f"note     Database {file}: of an older Callboard; the next start brings it up to date")
    assert everything(file.parent) == before
    statement(file, f"PRAGMA user_version = {VERSION}")
    before = everything(file.parent)
    _, lines = await computer.check()
    assert f"ok       Database {file}: whole" in lines
    assert everything(file.parent) == before


async def test_the_database_of_a_callboard_that_runs_is_looked_at_too(computer: Computer) -> None:
    file = computer.folder / "data" / "callboard.sqlite"
    running = Database(file)
    try:
        await running.write(lambda db: ledger.remember(db, "fact", "x" * 9000, 1))
        before = everything(file.parent)
        with alone(file.with_name("callboard.lock")):
            _, lines = await computer.check()
        assert f"ok       Database {file}: whole" in lines
        now = everything(file.parent)
        assert [now[name] for name in (file.name, f"{file.name}-wal")] == [
            before[name] for name in (file.name, f"{file.name}-wal")
        ]
        await running.write(lambda db: ledger.remember(db, "fact", "y", 2))
    finally:
        running.close()


async def test_a_large_database_is_not_read_to_its_end(computer: Computer, monkeypatch: pytest.MonkeyPatch) -> None:
    file = database(computer)
    count = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)"
    statement(file, f"{count} INSERT INTO facts (key, value, at) SELECT i, 'x', 1 FROM n")
    monkeypatch.setattr(engine, "EXAMINE_SECONDS", -1)
    _, lines = await computer.check()
    assert f"ok       Database {file}: too large to be read to its end, whole so far" in lines


@pytest.mark.parametrize("kept", [0.5, 0.05])
async def test_a_damaged_database_is_said(computer: Computer, kept: float) -> None:
    file = database(computer)
    whole = file.read_bytes()
    size = int(len(whole) * kept) // 4096 * 4096
    file.write_bytes(whole[:size] + bytes(len(whole) - size))
    words = "database disk image is malformed. If it is damaged, put a backup in its place: docs/deploying.md."
    await fault(computer, f"WRONG    The database {file} cannot be used: {words}")


async def test_a_file_that_is_no_database_is_said(computer: Computer) -> None:
    file = database(computer)
    file.write_bytes(b"number,name\n" * 1000)
    words = "file is not a database. If it is damaged, put a backup in its place: docs/deploying.md."
    await fault(computer, f"WRONG    The database {file} cannot be used: {words}")


async def test_a_database_of_another_program_is_said_and_never_changed(computer: Computer) -> None:
    file = computer.folder / "data" / "callboard.sqlite"
    file.parent.mkdir()
    statement(file, "CREATE TABLE invoices (id INTEGER)")
    before = everything(file.parent)
    words = "It is another program's. Move it away, or set another CALLBOARD_DATA."
    await fault(computer, f"WRONG    The database {file} cannot be used: {words}")
    with pytest.raises(sqlite3.DatabaseError, match="another program's"):
        Database(file)
    assert everything(file.parent) == before


async def test_a_lock_that_somebody_else_has_left_is_said(computer: Computer, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after one start as root: the lock is the first thing that is taken."""
    lock = database(computer).with_name("callboard.lock")
    lock.touch()
    monkeypatch.setattr(os, "access", lambda path, _: Path(path) != lock)
    words = f"The file {lock} cannot be written. Make it this user's own (chown), then start."
    await fault(computer, f"WRONG    {words}")
    with pytest.raises(SettingsError, match=re.escape(words)):
        async with AsyncExitStack() as stack:
            take(stack, lock.parent)


async def test_a_disk_that_is_read_only_is_nobodys_to_chown(
    computer: Computer, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = database(computer)
    monkeypatch.setattr(os, "access", lambda *_: False)
    monkeypatch.setattr("bot.data_folder._read_only", lambda folder: True)
    fix = "Its disk is mounted read-only: mount it for writing, or set another CALLBOARD_DATA."
    await fault(computer, f"WRONG    The file {file} cannot be written. {fix}")


async def test_a_database_of_a_newer_callboard_is_said(computer: Computer) -> None:
    file = database(computer)
    statement(file, "PRAGMA user_version = 99")
    words = "The database was written by a newer Callboard. Update Callboard, then start it."
    await fault(computer, f"WRONG    The database {file} cannot be used: {words}")


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write everything")
@pytest.mark.parametrize("name", ["callboard.sqlite", "callboard.sqlite-wal"])
async def test_a_database_that_cannot_be_written_is_said(computer: Computer, name: str) -> None:
    beside = database(computer).with_name(name)
    beside.touch()
    beside.chmod(0o444)
    fix = "Make it this user's own (chown), then start."
    await fault(computer, f"WRONG    The file {beside} cannot be written. {fix}")


async def test_scopes_that_are_not_granted_are_named(computer: Computer) -> None:
    computer.slack.scopes -= {"im:write", "groups:history"}
    words = "MISSING  Scopes: groups:history, im:write. Update the app from manifest.yml and install it again."
    await fault(computer, words)


async def test_a_slack_that_tells_no_scopes(computer: Computer) -> None:
    known = '"user": "callboard", "team": "Local", "team_id": "T1"'
    body = f'{{"ok": true, {known}, "channel": {{"name": "calls", "is_member": true}}}}'
    computer.text = SETTINGS.replace('admins = ["U9"]', "").replace('managers = ["U2"]', "")
    async with page(200, body, {"content-type": "application/json"}) as address:
        computer.environment["SLACK_API_URL"] = f"{address}/api/"
        code, lines = await computer.check()
    assert code == 0
    assert "note     Scopes: it cannot be told which are granted, for this Slack does not say" in lines


@pytest.mark.parametrize("kind", ["text/html", "application/json", "text/plain"])
async def test_something_else_than_slack_answers(computer: Computer, kind: str) -> None:
    async with page(200, "<h1>It works!</h1>", {"content-type": kind}) as address:
        computer.environment["SLACK_API_URL"] = f"{address}/api/"
        code, lines = await computer.check()
    assert code == 1
    (bad,) = [line for line in lines if line.startswith("WRONG")]
    assert "what answered is not Slack's API" in bad or "Slack could not be looked at (AttributeError)" in bad


async def test_a_gateway_before_slack_that_answers_in_plain_text(computer: Computer) -> None:
    async with page(503, "upstream connect error", {"content-type": "text/plain"}) as address:
        computer.environment["SLACK_API_URL"] = f"{address}/api/"
        fix = "Check network and firewall."
        await fault(computer, f"WRONG    Slack cannot be reached (HTTP 503: what answered is not Slack's API). {fix}")


async def test_a_dropped_connection_is_a_line(computer: Computer) -> None:
    computer.slack.fail_next("auth.test", "drop_before")
    await fault(computer, "WRONG    Slack cannot be reached (ServerDisconnectedError). Check network and firewall.")


async def test_over_http_the_app_token_is_not_asked_for(computer: Computer) -> None:
    computer.environment |= {"CALLBOARD_SLACK_MODE": "http", "SLACK_APP_TOKEN": ""}
    async with page(200, "alive") as address:
        computer.environment["CALLBOARD_PUBLIC_URL"] = address
        code, lines = await computer.check()
    assert code == 0
    assert not any("SLACK_APP_TOKEN" in line for line in lines)
    assert any(line.startswith("note     SLACK_SIGNING_SECRET cannot be checked from here") for line in lines)


async def test_without_a_public_address(computer: Computer) -> None:
    code, lines = await computer.check()
    assert code == 0
    assert "note     CALLBOARD_PUBLIC_URL is not set: webhooks can only come from this computer" in lines
    assert any("They work on this computer only, until CALLBOARD_PUBLIC_URL is set." in line for line in lines)


@pytest.mark.parametrize("running", [True, False])
async def test_a_public_address_without_anybody_behind_it(computer: Computer, running: bool) -> None:
    """That is wrong only while Callboard runs: before the first start nothing can answer."""
    async with page(502, "Bad gateway") as proxy, page(200, "alive") as here:
        computer.environment["CALLBOARD_PUBLIC_URL"] = proxy
        if running:
            computer.environment["CALLBOARD_PORT"] = here.rpartition(":")[2]
        code, lines = await computer.check()
    assert code == int(running)
    (line,) = [line for line in lines if "CALLBOARD_PUBLIC_URL" in line]
    state = "WRONG    CALLBOARD_PUBLIC_URL: HTTP 502 at" if running else "note     CALLBOARD_PUBLIC_URL (HTTP 502 at"
    assert line.startswith(state)


@pytest.mark.parametrize(("status", "text"), [(200, "<h1>Our shop</h1>"), (404, "alive"), (200, "alive and kicking")])
async def test_a_public_address_of_somebody_else(computer: Computer, status: int, text: str) -> None:
    async with page(status, text) as address:
        computer.environment["CALLBOARD_PUBLIC_URL"] = address
        port, what = computer.environment["CALLBOARD_PORT"], "something else" if status == 200 else "HTTP 404"
        fix = f"Let the proxy there pass requests on to port {port} of this computer."
        await fault(computer, f"WRONG    CALLBOARD_PUBLIC_URL: {what} at {address}/healthz/live, not Callboard. {fix}")


@pytest.mark.parametrize("status", [301, 302, 308])
async def test_a_public_address_that_only_redirects(computer: Computer, status: int) -> None:
    """A browser follows; a phone service's webhooks, which are POSTed, are lost."""
    async with page(200, "alive") as here, page(status, "", {"location": f"{here}/healthz/live?for=you"}) as before:
        computer.environment["CALLBOARD_PUBLIC_URL"] = before
        await fault(
            computer,
            f"WRONG    CALLBOARD_PUBLIC_URL: {before} redirects to {here}, and webhooks do not follow. Set it to where "
            "Callboard itself answers.",
        )
    async with page(status, "", {"location": "/login"}) as before:
        computer.environment["CALLBOARD_PUBLIC_URL"] = before
        _, lines = await computer.check()
    assert any(f"{before} redirects to {before}/login, and webhooks" in line for line in lines)


@asynccontextmanager
async def self_signed(folder: Path) -> AsyncIterator[str]:
    """A web server whose certificate nobody has signed but itself; yields its address."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "here")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(datetime(2020, 1, 1)).not_valid_after(datetime(2049, 1, 1))
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    file = folder / "certificate.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, *plain)
        + made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    )
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(file)
    runner = web.AppRunner(web.Application(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    try:
        yield f"https://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_a_name_that_nobody_knows(computer: Computer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also while Callboard is not running: it would not be reached then, either."""
    known = socket.getaddrinfo

    def lookup(host: str, *more: Any, **others: Any) -> Any:
        if host == "callboard.invalid":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return known(host, *more, **others)

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    computer.environment["CALLBOARD_PUBLIC_URL"] = "https://callboard.invalid"
    fix = "Mend its spelling, or have an entry made for it in the DNS."
    await fault(computer, f"WRONG    CALLBOARD_PUBLIC_URL: nobody knows the name callboard.invalid. {fix}")


async def test_a_certificate_that_is_not_accepted(computer: Computer, tmp_path: Path) -> None:
    """Also before the first start: it is not Callboard that is missing."""
    async with self_signed(tmp_path) as address:
        computer.environment["CALLBOARD_PUBLIC_URL"] = address
        await fault(
            computer,
            f"WRONG    CALLBOARD_PUBLIC_URL: the certificate of {address} is not accepted, so no phone service will "
            "reach it. Have one made for that name, such as by Let's Encrypt, and renewed in time.",
        )


async def test_an_address_without_the_encryption_that_it_promises(computer: Computer) -> None:
    async with page(200, "alive") as address:
        secure = address.replace("http://", "https://")
        computer.environment["CALLBOARD_PUBLIC_URL"] = secure
        await fault(
            computer,
            f"WRONG    CALLBOARD_PUBLIC_URL: no TLS connection to {secure} comes about, though https:// promises one. "
            "Name the address of the proxy that does TLS: Callboard itself does not.",
        )


async def test_an_address_that_is_not_encrypted_is_noted(computer: Computer) -> None:
    computer.environment["CALLBOARD_PUBLIC_URL"] = f"http://127.0.0.2:{nobodys_port()}"  # another computer's
    _, lines = await computer.check()
    words = "is not https://: the hook secret, callers' numbers and links to recordings can be read on the way"
    assert f"note     CALLBOARD_PUBLIC_URL {words}" in lines
    async with page(200, "alive") as here:
        computer.environment["CALLBOARD_PUBLIC_URL"] = here
        assert not any("is not https://" in line for line in (await computer.check())[1])


async def test_a_port_that_another_program_has(computer: Computer) -> None:
    """`callboard run` would not start; one that runs by now has it itself."""
    async with page(404, "not here") as other:
        computer.environment["CALLBOARD_PORT"] = port = other.rpartition(":")[2]
        fix = "Stop what uses it, or set CALLBOARD_PORT."
        await fault(computer, f"WRONG    Port {port} is taken on 127.0.0.1. {fix}")
    assert f"ok       Port {port} on 127.0.0.1: free" in (await computer.check())[1]
    async with page(200, "alive") as other:
        computer.environment["CALLBOARD_PORT"] = port = other.rpartition(":")[2]
        assert f"ok       Port {port} on 127.0.0.1: Callboard runs there" in (await computer.check())[1]
    computer.environment["CALLBOARD_HOST"] = "192.0.2.1"
    await fault(
        computer,
        f"WRONG    Callboard cannot listen on 192.0.2.1, port {port} (Cannot assign requested address). "
        "Set CALLBOARD_HOST to an address of this computer, and CALLBOARD_PORT to a port above 1023.",
    )


async def test_a_provider_that_refuses_or_hangs(computer: Computer) -> None:
    computer.phone = refuses
    await fault(computer, "WRONG    voicenter: Voicenter refused: Authorization failed. Check VOICENTER_CODE.")
    computer.phone = hangs
    await fault(computer, "WRONG    voicenter: Voicenter did not answer. Try again in a minute.")


async def test_a_provider_that_is_not_reached(computer: Computer) -> None:
    """Its address is to blame only where somebody has set it."""

    def away(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("", request=request)

    computer.phone = away
    words = "Voicenter could not be reached, so nothing was done. Try again. Check network and firewall"
    await fault(computer, f"WRONG    voicenter: {words}.")
    computer.text = SETTINGS.replace(
        "[accounts.voicenter]", '[accounts.voicenter]\nmonitor_url = "https://monitor.example"'
    )
    await fault(computer, f"WRONG    voicenter: {words}, and VOICENTER_MONITOR_URL (https://monitor.example).")


async def test_a_provider_that_cannot_be_checked(computer: Computer) -> None:
    computer.text = GURULIZE.replace('account = "voicenter"', "")
    code, lines = await computer.check()
    assert code == 0
    assert "note     gurulize: the settings of Gurulize cannot be checked without placing a call" in lines
    assert any("/hooks/gurulize/hook-secret-for-tests  the address for status" in line for line in lines)
    assert "PASSWORD-SECRET" not in "".join(lines)


async def test_one_bad_provider_does_not_hide_the_other(computer: Computer) -> None:
    second = '[accounts.gurulize]\nurl = "https://gurulize.example/c2c"\nusername = "u"\nmax_seconds = "long"\n'
    computer.text = SETTINGS.replace("[lines.", f"{second}[lines.")
    _, lines = await computer.check()
    assert any(line.startswith("ok       voicenter: ") for line in lines)
    assert any(line.startswith("WRONG    gurulize: GURULIZE_MAX_SECONDS must be") for line in lines)
    assert any("/hooks/gurulize/" in line for line in lines)


async def test_the_data_folder(computer: Computer, tmp_path: Path) -> None:
    computer.free = lambda folder: 199_000_000
    folder = tmp_path / "data"
    await fault(computer, f"WRONG    Data folder {folder}: only 199 MB free. Make room: 200 MB at least.")
    computer.free = lambda folder: 200_000_000
    assert f"ok       Data folder {folder}: 0.2 GB free" in (await computer.check())[1]
    folder.rmdir()
    folder.touch()
    why = "cannot be used (a file is in its place). Move that away, or set CALLBOARD_DATA."
    await fault(computer, f"WRONG    Data folder {folder} {why}")
    assert not any("Database" in line for line in (await computer.check())[1])  # which nobody could make there


async def test_a_folder_in_the_place_of_the_database_is_said(computer: Computer, tmp_path: Path) -> None:
    file = tmp_path / "data" / "callboard.sqlite"
    file.mkdir(parents=True)
    await fault(computer, f"WRONG    The database {file} is a folder. Move it away, or set another CALLBOARD_DATA.")


async def test_a_mistake_of_ours_is_a_line_and_does_not_stop_the_rest(computer: Computer) -> None:
    def broken(folder: Path) -> int:
        raise RuntimeError("with a secret in it")

    computer.free = broken
    await fault(computer, "WRONG    Data folder could not be looked at (RuntimeError). Mend the others first.")


async def test_people_and_places_that_are_not_named(computer: Computer) -> None:
    head, _, tail = computer.text.partition(f'[lines."{LINE}"]')
    computer.text = head.replace('channel = "C1"', "").replace('admins = ["U9"]', "") + tail[tail.index("[policy]") :]
    code, lines = await computer.check()
    assert code == 0
    assert "note     No admins are named in callboard.toml, so nobody is told when something breaks" in lines
    assert "note     No lines and no channel are set, so incoming and missed calls are not shown" in lines


async def test_where_it_is_not_known_when_it_is_night(computer: Computer) -> None:
    note = "note     time_zone is UTC, so as much may be called at night as by day. Set your office's, or night_calls"
    assert note not in (await computer.check())[1]
    computer.text = computer.text.replace('time_zone = "Europe/Madrid"', "")
    code, lines = await computer.check()
    assert (code, note in lines) == (0, True)
    computer.text = computer.text.replace("[policy]", "[policy]\nnight_calls = 20")
    assert note not in (await computer.check())[1]


async def test_a_limit_for_which_nobody_could_say_yes(computer: Computer) -> None:
    computer.text = computer.text.replace("[policy]", "[policy]\napprove_over = 5")
    code, _ = await computer.check()
    assert code == 0
    computer.text = computer.text.replace('managers = ["U2"]', "")
    await fault(
        computer,
        "MISSING  policy.approve_over = 5, but there are no two managers, so lists of more than 5 cannot be sent. "
        "Name a second one in managers = […].",
    )


@pytest.mark.parametrize(
    ("setting", "fault_of", "words"),
    [
        (
            'admins = ["U0123456789"]',
            {},
            "admins: U0123456789 is nobody in this workspace. In Slack, open the person's",
        ),
        ('admins = ["U9", "U8"]', {"deleted": True}, "admins: U8 (Lee) is deactivated. Take the id away, or name some"),
        ('admins = ["U8"]', {"bot": True}, "admins: U8 (Lee) is an app, which reads nothing. Name a person."),
    ],
)
async def test_an_admin_whom_nothing_would_reach(
    computer: Computer, setting: str, fault_of: dict[str, Any], words: str
) -> None:
    """The example's ids, say: each looks right, and what an admin must hear would go nowhere."""
    computer.slack.users["U8"] = replace(computer.slack.users["U1"], id="U8", name="Lee", **fault_of)
    computer.text = SETTINGS.replace('admins = ["U9"]', setting)
    code, lines = await computer.check()
    (bad,) = [line for line in lines if line.startswith(("WRONG", "MISSING"))]
    assert bad.startswith(f"WRONG    {words}")
    assert not any(line.startswith("ok       admins") for line in lines)
    assert code == 1


async def test_people_who_may_call_are_looked_up_too(computer: Computer) -> None:
    many = {f"U7{number}": f"Rep {number}" for number in range(12)}
    for user, name in many.items():
        computer.slack.users[user] = replace(computer.slack.users["U1"], id=user, name=name)
    computer.slack.users["U8"] = replace(computer.slack.users["U1"], id="U8", name="Lee", guest=True)
    ids = ", ".join(f'"{user}"' for user in many)
    computer.text = SETTINGS.replace("[policy]", f'[policy]\ncallers = [{ids}]\nguests = ["U8", "U6"]')
    computer.text = computer.text.replace('managers = ["U2"]', 'managers = ["U8"]')
    _, lines = await computer.check()
    assert f"ok       policy.callers: {', '.join([*many.values()][:10])} and 2 more" in lines
    assert "ok       managers: Lee" in lines
    assert "note     managers: Lee (U8) is a guest, or of another company" in lines  # who may do what managers do
    (bad,) = [line for line in lines if line.startswith("WRONG")]
    assert bad.startswith("WRONG    policy.guests: U6 is nobody in this workspace.")


async def test_whom_a_flow_puts_callers_through_to_is_looked_up(computer: Computer) -> None:
    """Whoever is not there is left out when somebody calls, and nobody hears of it."""
    targets = 'targets = ["@U1", "@U6", "@S0123456789"]'
    computer.text = SETTINGS + f'\n[[flow]]\nstart = "front"\n[flow.steps.front]\ndo = "dial"\n{targets}\n'
    await fault(
        computer,
        "WRONG    targets of [[flow]]: U6 is nobody in this workspace. In Slack, open the person's profile, ⋮, Copy "
        "member ID.",
    )


async def test_slack_is_asked_about_so_many_people_only_as_it_lets_itself_be(computer: Computer) -> None:
    many = [f"U7{number:03}" for number in range(130)]
    for user in many:
        computer.slack.users[user] = replace(computer.slack.users["U1"], id=user, name=f"Rep {user}")
    computer.text = SETTINGS.replace("[policy]", f"[policy]\ncallers = {many}".replace("'", '"'))
    code, lines = await computer.check()
    assert code == 0
    assert "note     42 more people of settings were not looked up, for Slack is asked about 90 at most" in lines
    (told,) = [line for line in lines if "policy.callers" in line]
    assert told.startswith("ok       policy.callers: Rep U7000, ")
    assert told.endswith(" and 78 more")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (420, "7 minutes behind Slack's"),
        (-90, "2 minutes ahead of Slack's"),
        (-7200, "120 minutes ahead of Slack's"),
    ],
)
async def test_a_clock_that_is_wrong(computer: Computer, seconds: float, words: str) -> None:
    computer.slack.dated_at = lambda: time.time() + seconds
    fix = "so times, calling hours and limits are wrong. Set it, say with `timedatectl set-ntp true`."
    await fault(computer, f"WRONG    This computer's clock is {words}, {fix}")


async def test_a_clock_that_is_nearly_right(computer: Computer) -> None:
    computer.slack.dated_at = lambda: time.time() - 30
    assert (await computer.check())[0] == 0


async def test_without_the_scope_no_channel_is_blamed(computer: Computer) -> None:
    computer.slack.scopes -= {"channels:read"}
    await fault(computer, "MISSING  Scopes: channels:read. Update the app from manifest.yml and install it again.")
    told = "note     Channel C1: whether Callboard is in it cannot be told: Slack says missing_scope"
    assert told in (await computer.check())[1]


async def test_without_the_scope_nobody_is_blamed(computer: Computer) -> None:
    computer.slack.scopes -= {"users:read"}
    await fault(computer, "MISSING  Scopes: users:read. Update the app from manifest.yml and install it again.")
    told = "note     Whether the people in settings are there cannot be told: Slack says missing_scope"
    assert told in (await computer.check())[1]


@pytest.mark.parametrize("running", [True, False])
async def test_the_database_of_another_workspace(computer: Computer, running: bool) -> None:
    """A trial's folder, say: everybody of the real workspace would be from outside."""
    file = computer.folder / "data" / "callboard.sqlite"
    kept = Database(file)
    known = b'{"team_id":"T0OTHER","bot_id":"B1","bot_user_id":"U0"}'
    await kept.write(lambda db: ledger.remember(db, IDENTITY, known.decode(), 0))
    if not running:
        kept.close()
    await fault(
        computer,
        f"WRONG    SLACK_BOT_TOKEN is of Callboard test (T1), but {file.parent} is of another workspace (T0OTHER). "
        "Set that one's tokens, or another CALLBOARD_DATA.",
    )
    kept.close()


async def test_an_old_hook_secret_is_not_forgotten(computer: Computer) -> None:
    """It has become known: as long as it is taken, whoever knows it can report made-up calls."""
    note = (
        "note     CALLBOARD_OLD_HOOK_SECRET is set, so webhook addresses with it are taken, too. Take it away once "
        "`/callboard hooks` says that none is used any more"
    )
    assert note not in (await computer.check())[1]
    computer.environment["CALLBOARD_OLD_HOOK_SECRET"] = "the-secret-of-before"
    code, lines = await computer.check()
    assert (code, note in lines) == (0, True)
    assert not any("the-secret-of-before" in line for line in lines)


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("CALLBOARD_PUBLICURL", "CALLBOARD_PUBLIC_URL"),
        ("CALLBOARD_HOOK_SECRET_OLD", "CALLBOARD_HOOK_SECRET"),
        ("VOICENTER_LOGURL", "VOICENTER_LOG_URL"),
    ],
)
async def test_a_variable_that_nothing_reads_is_noted(computer: Computer, variable: str, meant: str) -> None:
    """In the file it would be a mistake; here it did nothing, and nobody said so."""
    _, before = await computer.check()
    assert not any("is read by nothing" in line for line in before)
    computer.environment[variable] = "a-secret-say"
    code, lines = await computer.check()
    assert f"note     {variable} in the environment is read by nothing. Is {meant} meant?" in lines
    assert code == 0
    assert "a-secret-say" not in "".join(lines)


def test_every_variable_is_known_to_the_check() -> None:
    text = (Path(__file__).parents[1] / "docs" / "settings.md").read_text(encoding="utf-8")
    told = set(re.findall(r"^\| `((?:CALLBOARD|SLACK)_[A-Z_]+)` \|", text, re.MULTILINE))
    assert told == VARIABLES
