"""`callboard check`: the public address, its certificate, and the port."""

import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bot.store import alone
from tests.computer import Computer, computer, fault, nobodys_port, page

__all__ = ["computer"]  # a fixture


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
        data = computer.folder / "data"
        with alone(data / "callboard.lock"):
            assert f"ok       Port {port} on 127.0.0.1: Callboard runs there" in (await computer.check())[1]
        words = f"another Callboard runs there, which does not use {data}. Stop it, or set CALLBOARD_PORT."
        await fault(computer, f"WRONG    Port {port} on 127.0.0.1: {words}")
        (data / "callboard.lock").unlink()
        await fault(computer, f"WRONG    Port {port} on 127.0.0.1: {words}")
        (data / "callboard.lock").write_bytes(b"no lock of ours" * 100)
        assert f"ok       Port {port} on 127.0.0.1: Callboard runs there" in (await computer.check())[1]
        (data / "callboard.lock").unlink()
    computer.environment["CALLBOARD_HOST"] = "192.0.2.1"
    await fault(
        computer,
        f"WRONG    Callboard cannot listen on 192.0.2.1, port {port} (Cannot assign requested address). "
        "Set CALLBOARD_HOST to an address of this computer, and CALLBOARD_PORT to a port above 1023.",
    )
