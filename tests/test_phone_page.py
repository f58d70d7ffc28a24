"""The web phone's page over HTTP: who may open it, and its login."""

import dataclasses
import json
import logging
import re

import pytest

from bot.phone_page import MAX_BODY
from bot.store import people, web_phones
from bot.web_phone import LINK_SECONDS, SESSION_SECONDS, new_link, read_link, seal, unseal
from tests.audit_lines import audit_log
from tests.browser import (
    CALLER,
    EXTENSION,
    ORIGIN,
    PASSWORD,
    REF,
    SECRET,
    Page,
    browser,
    browserdesk,
    page,
    set_up,
    ticket,
)
from tests.office import Office

__all__ = ["browserdesk", "page"]  # fixtures


# Who may open it.


async def test_the_page_is_the_same_for_everybody_and_loads_nothing_from_elsewhere(page: Page) -> None:
    answer = await page.http.get("/phone")
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self' https://vendor.example/phone.js;" in policy
    assert "connect-src 'self' wss://sip.vendor.example;" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    for secret in (PASSWORD, EXTENSION, "Ada"):
        assert secret not in answer.text
    assert not re.search(r"<script(?![^>]*\ssrc=)|\son\w+=|style=|https?://", answer.text), "inline, or from elsewhere"
    for name, kind in (("phone.js", "text/javascript"), ("phone.css", "text/css"), ("adapter/voicenter.js", "text/j")):
        part = await page.http.get(f"/phone/{name}")
        assert part.status_code == 200
        assert part.headers["content-type"].startswith(kind)
    for name in ("phone.html", "other.js", "../settings.py", "adapter/nobody.js"):
        assert (await page.http.get(f"/phone/{name}")).status_code == 404


async def test_without_a_web_phone_there_is_no_page(desk: Office) -> None:
    assert (await desk.http.get("/phone")).status_code == 404
    assert "None of the connected services has a web phone" in await desk.type("/phone web")


async def test_a_link_opens_once(browserdesk: Office) -> None:
    secret = await set_up(browserdesk)
    async with browser(browserdesk) as first, browser(browserdesk) as second:
        answer = await first.ask("open", {"ticket": secret})
        assert answer.status_code == 200
        cookie = answer.headers["set-cookie"].lower()
        for word in ("httponly", "samesite=strict", "secure", "path=/phone", f"max-age={SESSION_SECONDS}"):
            assert word in cookie
        assert secret not in cookie
        assert (await second.ask("open", {"ticket": secret})).status_code == 403
        assert (await second.ask("session")).status_code == 401
        assert (await first.ask("session")).json() == {
            "name": "Ada",
            "service": "Paperphone",
            "script": "https://vendor.example/phone.js?v=1",
            "adapter": "adapter/voicenter.js",
            "login": {"user": EXTENSION, "password": PASSWORD},
        }


async def test_a_link_is_only_good_for_ten_minutes_and_until_the_next(browserdesk: Office) -> None:
    first = await set_up(browserdesk)
    await browserdesk.type("/phone web")
    second = ticket(browserdesk)
    async with browser(browserdesk) as page:
        assert (await page.ask("open", {"ticket": first})).status_code == 403
        browserdesk.clock.advance(LINK_SECONDS + 1)
        answer = await page.ask("open", {"ticket": second})
        assert answer.status_code == 403
        assert "/phone web" in answer.json()["words"]


@pytest.mark.parametrize("forged", ["", ".", "a.b.c.d", "U2{rest}", "{all}x", "{all}.", "נ.ש.ב.ר"])
async def test_a_forged_link_opens_nothing(browserdesk: Office, forged: str) -> None:
    genuine = await set_up(browserdesk)
    async with browser(browserdesk) as page:
        told = forged.format(rest=genuine[2:], all=genuine)
        assert (await page.ask("open", {"ticket": told})).status_code == 403
        assert not page.http.cookies


def test_a_link_is_signed_with_a_key_of_its_own() -> None:
    made, nonce = new_link(SECRET, "U1", 1000.0)
    assert read_link(SECRET, made, 1000.0 + LINK_SECONDS) == ("U1", nonce)
    assert read_link(SECRET, made, 1001.0 + LINK_SECONDS) is None
    assert read_link(SECRET + "x", made, 1000.0) is None
    assert SECRET not in made


async def test_a_page_that_was_open_gives_no_password_to_who_is_a_guest_by_now(page: Page) -> None:
    page.desk.board.outsiders.add("U1")
    answer = await page.ask("session")
    assert answer.status_code == 403
    assert answer.json()["words"].startswith("Callboard is for the members of its workspace")
    assert PASSWORD not in answer.text


async def test_a_session_ends_and_a_newer_one_takes_over(page: Page) -> None:
    await page.desk.type("/phone web")
    newer = ticket(page.desk)
    assert (await page.ask("session")).status_code == 200
    async with browser(page.desk) as other:
        await other.ask("open", {"ticket": newer})
        assert (await page.ask("session")).status_code == 401
        assert (await other.ask("session")).status_code == 200
        page.desk.clock.advance(SESSION_SECONDS + 1)
        assert (await other.ask("session")).status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
    ],
)
@pytest.mark.parametrize("path", ["open", "session", "report", "dial"])
async def test_only_the_page_itself_asks(page: Page, path: str, headers: dict[str, str], status: int) -> None:
    told = {"id": "0123456789", "who": CALLER, "what": "ringing", "ref": REF, "ticket": "x"}
    assert (await page.ask(path, told, **headers)).status_code == status
    assert page.phone.orders == []
    assert await page.desk.board.read(web_phones.waiting) == []


async def test_what_is_too_large_or_no_request_is_refused(page: Page) -> None:
    assert (await page.ask("report", {"what": "ringing", "ref": "x" * MAX_BODY})).status_code == 413
    assert (await page.ask("report", {"what": "ringing", "ref": "x" * 500})).status_code == 400
    assert (await page.ask("report", {"what": "dancing", "ref": REF})).status_code == 400
    assert (await page.ask("report", {"what": "ringing"})).status_code == 400
    assert (await page.ask("dial", {"id": "1", "who": CALLER})).status_code == 400
    assert (await page.ask("dial", ["no object"])).status_code == 400
    assert (await page.http.get("/phone/dial")).status_code in (404, 405)
    assert await page.desk.calls() == []


async def test_below_a_path_the_cookie_and_the_origin_are_right(page: Page) -> None:
    object.__setattr__(page.desk.board.settings, "public_url", f"{ORIGIN}/phones")
    await page.desk.type("/phone web")
    (found,) = re.findall(rf"<{ORIGIN}/phones/phone#([^|>]+)\|", page.desk.told)
    answer = await page.ask("open", {"ticket": found})
    assert "path=/phones/phone" in answer.headers["set-cookie"].lower()


@pytest.mark.parametrize("written", ["https://CALLBOARD.Example", "https://Callboard.example:443"])
async def test_an_address_that_browsers_write_otherwise_is_ours(page: Page, written: str) -> None:
    object.__setattr__(page.desk.board.settings, "public_url", written)
    assert (await page.ask("session", Origin="https://callboard.example")).status_code == 200


# Its login.


async def test_the_password_is_kept_sealed_and_never_told_again(
    browserdesk: Office, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("slack_sdk").setLevel(logging.WARNING)  # as bot/__main__.py has it
    await set_up(browserdesk)
    person = await browserdesk.board.read(people.person, "U1")
    assert (person.phone_kind, person.phone, person.extension) == ("extension", EXTENSION, EXTENSION)
    phone = await browserdesk.board.read(web_phones.get, "U1")
    assert phone is not None
    assert unseal(SECRET, phone.sealed) == PASSWORD
    assert unseal("another-hook-secret", phone.sealed) is None
    assert PASSWORD not in repr(phone)
    file = browserdesk.board.db.path
    raw = b"".join(f.read_bytes() for f in file.parent.glob(f"{file.name}*"))
    assert EXTENSION.encode() in raw
    assert PASSWORD.encode() not in raw
    assert PASSWORD not in caplog.text
    assert ticket(browserdesk) not in caplog.text
    assert PASSWORD not in json.dumps([str(r.arguments) for r in browserdesk.slack.requests])
    await browserdesk.type("/phone web login")
    assert PASSWORD not in json.dumps(browserdesk.slack.views[next(iter(browserdesk.slack.views))].view)


async def test_a_changed_token_means_asking_again(browserdesk: Office) -> None:
    await set_up(browserdesk)
    sealed = seal("xoxb-another", PASSWORD)
    phone = await browserdesk.board.read(web_phones.get, "U1")
    assert phone is not None
    await browserdesk.board.write(web_phones.save, dataclasses.replace(phone, sealed=sealed))
    await browserdesk.type("/phone web")
    (view,) = browserdesk.slack.views.values()
    assert view.view["callback_id"] == "phone:web_saved"


async def test_a_colleagues_extension_is_refused_in_the_form(browserdesk: Office) -> None:
    await set_up(browserdesk)
    await browserdesk.type("/phone web", user="U2")
    errors = await browserdesk.submit({"login": EXTENSION, "password": "x"}, user="U2")
    assert "already linked to Ada," in errors["login"]
    assert await browserdesk.board.read(web_phones.get, "U2") is None


async def test_forget(page: Page) -> None:
    assert "forgotten" in await page.desk.type("/phone web forget")
    assert (await page.ask("session")).status_code == 401
    assert "no web phone" in await page.desk.type("/phone web forget")
    assert "`/phone web login`" in await page.desk.type("/phone web dance")
    log = await page.desk.board.read(audit_log)
    assert {"web phone login", "open web phone", "forget web phone"} <= {what for _, _, what, _, _ in log}


async def test_a_link_that_cannot_be_shown_to_the_person_alone_stays_nowhere(browserdesk: Office) -> None:
    await set_up(browserdesk)
    browserdesk.slack.response_urls.clear()
    await browserdesk.type("/phone web")
    texts = [message.text for message in browserdesk.conversation("U1")]
    assert not any("#" in text for text in texts)
