"""`/phone`: every form and every mistake, the modal, and Slack failing beside it."""

import dataclasses
from typing import ClassVar

import pytest

from bot.store import people
from bot.store.people import Person
from tests import slack_requests
from tests.office import LINE, Office, PaperPhone

NUMBER = "+12025550191"


class NumbersOnly(PaperPhone):
    """A second phone service, which rings numbers only."""

    title: ClassVar[str] = "Ringabout"
    rep_phones: ClassVar[frozenset[str]] = frozenset({"number"})


class NoTrunk(PaperPhone):
    """A service that rings everything but a trunk."""

    title: ClassVar[str] = "Codephone"
    rep_phones: ClassVar[frozenset[str]] = frozenset({"number", "extension", "login"})


async def person(desk: Office, user: str = "U1") -> Person:
    return await desk.board.read(people.person, user)


@pytest.mark.parametrize(
    ("line", "kind", "phone", "extension", "account"),
    [
        ("/phone link +1 202 555 0191", "number", NUMBER, "", ""),
        ("/phone link (202) 555-0191", "number", NUMBER, "", ""),
        ("/phone link number +1 202 555 0191 via voicenter", "number", NUMBER, "", "voicenter"),
        ("/phone link +1 202 555 0191 extension AAPINFzL", "number", NUMBER, "AAPINFzL", ""),
        ("/phone link +1 202 555 0191 EXT 201 via voicenter", "number", NUMBER, "201", "voicenter"),
        ("/phone link ext AAPINFzL", "extension", "AAPINFzL", "AAPINFzL", "voicenter"),
        ("/phone extension AAPINFzL via Voicenter", "extension", "AAPINFzL", "AAPINFzL", "voicenter"),
        ("/phone login 1234", "login", "1234", "", "codephone"),
        ("/phone link login 1234", "login", "1234", "", "codephone"),
    ],
)
async def test_what_is_linked(desk: Office, line: str, kind: str, phone: str, extension: str, account: str) -> None:
    codephone = NoTrunk("codephone", desk.clock)
    desk.board.providers = {"voicenter": desk.phone, "codephone": codephone}
    told = await desk.type(line)
    found = await person(desk)
    assert (found.phone_kind, found.phone, found.extension, found.account) == (kind, phone, extension, account)
    assert ("202-555-0191" if kind == "number" else phone) in told
    assert "the service's default number" in told
    assert (f"extension {extension} are shown as yours" in told) == bool(extension)
    await codephone.http.aclose()


async def test_the_name_and_zone_are_slacks(desk: Office) -> None:
    await desk.type("/phone link +1 202 555 0191")
    found = await person(desk)
    assert (found.name, found.zone) == ("Ada", "Europe/London")


@pytest.mark.parametrize("fault", ["500", "drop_before", "drop_after", "ratelimited", "user_not_found"])
async def test_a_phone_is_linked_also_when_slack_does_not_say_who_it_is(desk: Office, fault: str) -> None:
    await desk.link("U1", name="Ada Byron", zone="Asia/Jerusalem")
    for _ in range(2):  # aiohttp itself asks once more when a kept connection is cut
        desk.slack.fail_next("users.info", fault)
    assert "202-555-0191" in await desk.type("/phone link +1 202 555 0191")
    found = await person(desk)
    assert (found.phone, found.name, found.zone) == (NUMBER, "Ada Byron", "Asia/Jerusalem")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("/phone extension 201 via ringabout", "Ringabout cannot ring your extension first"),
        ("/phone login 1234 via ringabout", "Link your number instead"),
        ("/phone trunk via codephone", "Link your number or login or extension instead"),
        ("/phone trunk", "None of the connected services can ring your trunk first"),
        ("/phone link +1 202 555 0191 via carrier", "Choose one of: codephone, ringabout"),
        ("/phone link +1 202 555 0191 extension !!", "“!!” is not a code"),
        ("/phone link via codephone", "not a phone number"),
        ("/phone login", "not a code"),
        ("/phone line", "There are: Sales."),
        ("/phone line +1 202 555 0177", "Choose one of: Sales."),
    ],
)
async def test_mistakes_are_explained_and_change_nothing(desk: Office, line: str, words: str) -> None:
    services = {"codephone": NoTrunk("codephone", desk.clock), "ringabout": NumbersOnly("ringabout", desk.clock)}
    desk.board.providers = services
    await desk.link("U1")
    before = await person(desk)
    assert words in await desk.type(line)
    assert dataclasses.replace(await person(desk), name=before.name, zone=before.zone) == before
    for service in services.values():
        await service.http.aclose()


@pytest.mark.parametrize(
    ("line", "words", "kept"),
    [
        ("/phone line sales", "people see Sales", LINE),
        ("/phone line (202) 555-0100", "people see Sales", LINE),
        ("/phone line none", "people see the service's default number", ""),
    ],
)
async def test_the_line_that_people_see(desk: Office, line: str, words: str, kept: str) -> None:
    await desk.link("U1", line="" if kept else LINE)
    assert words in await desk.type(line)
    assert (await person(desk)).line == kept


async def test_unlinking_forgets_everything_but_the_person(desk: Office) -> None:
    await desk.type("/phone link ext 201")
    await desk.type("/phone unlink")
    assert await person(desk) == Person("U1", name="Ada", zone="Europe/London")
    assert "202-555-0191" in await desk.type("/phone link +1 202 555 0191 ext 201", user="U2")  # free again


async def fill(desk: Office, **values: str) -> dict[str, str]:
    """Open the form, fill in, submit; unnamed fields stay as they stood there. Returns the errors."""
    await desk.type("/phone")
    (view,) = [found for found in desk.slack.views.values() if found.user == "U1"]
    shown = {}
    for block in view.view["blocks"]:
        element = block.get("element", {})
        start = element.get("initial_value") or (element.get("initial_option") or {}).get("value")
        if start:
            shown[block["block_id"]] = start
    return await desk.submit(shown | values)


@pytest.mark.parametrize(
    ("before", "values", "phone", "extension"),
    [
        ({}, {"kind": "extension", "phone": "201"}, "201", "201"),
        ({}, {"kind": "extension", "phone": "201", "extension": "AAP"}, "201", "AAP"),
        ({}, {"kind": "number", "phone": NUMBER, "extension": "AAP"}, NUMBER, "AAP"),
        # It stood there as the extension that rings: another one takes its place in both.
        ({"phone_kind": "extension", "phone": "201", "extension": "201"}, {"phone": "202"}, "202", "202"),
        ({"phone_kind": "extension", "phone": "201", "extension": "AAP"}, {"phone": "202"}, "202", "AAP"),
        ({"phone": NUMBER, "extension": "AAP"}, {"extension": ""}, NUMBER, ""),
        ({"phone": NUMBER, "extension": "AAP"}, {}, NUMBER, "AAP"),
    ],
)
async def test_the_extension_in_the_form(
    desk: Office, before: dict[str, str], values: dict[str, str], phone: str, extension: str
) -> None:
    if before:
        await desk.link("U1", **before)
    assert await fill(desk, **values) == {}
    found = await person(desk)
    assert (found.phone, found.extension) == (phone, extension)
    assert phone[-3:] in desk.told


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"phone": "12"}, "phone", "too short"),
        ({"kind": "extension", "phone": "2 0 1"}, "phone", "not a code"),
        ({"phone": NUMBER, "extension": "2 0 1"}, "extension", "not a code"),
        ({"phone": "+1 202 555 0192"}, "phone", "already linked to <@U2>"),
        ({"kind": "extension", "phone": "202"}, "phone", "already linked to <@U2>"),
    ],
)
async def test_mistakes_are_shown_in_the_form(desk: Office, values: dict[str, str], field: str, words: str) -> None:
    taken = {"phone_kind": "extension", "phone": "202", "extension": "202", "account": "voicenter"}
    await (desk.link("U2", **taken) if values.get("phone") == "202" else desk.link("U2", "+12025550192"))
    errors = await fill(desk, **values)
    assert set(errors) == {field}
    assert words in errors[field]
    assert not (await person(desk)).linked


async def test_a_form_that_came_too_late_says_so(desk: Office) -> None:
    desk.slack.fail_next("views.open", "expired_trigger_id")
    told = await desk.type("/phone")
    assert "could not be opened in time" in told
    assert "incident" not in told
    assert desk.slack.views == {}


async def test_the_form_is_opened_from_app_home_and_its_answer_is_in_the_conversation(desk: Office) -> None:
    await desk.send(slack_requests.home_opened(desk.slack))
    await desk.send(slack_requests.click(desk.slack, "home:phone", view_id=desk.slack.homes["U1"].id))
    assert await desk.submit({"kind": "number", "phone": "202 555 0191"}) == {}
    assert "202-555-0191" in desk.conversation("U1")[-1].text
