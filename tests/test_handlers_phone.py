"""`/phone`: every form and every mistake, the modal, and Slack failing beside it."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable, Mapping
from typing import ClassVar

import pytest
from typing_extensions import override

from bot.cards.modals import NONE
from bot.errors import ProviderError, Refused
from bot.provider import Provider
from bot.store import people, web_phones
from bot.store.people import Person
from bot.store.web_phones import Phone
from tests import slack_requests
from tests.audit_lines import audit_log
from tests.office import LINE, Office, PaperPhone

NUMBER = "+12025550191"


class NumbersOnly(PaperPhone):
    """A second phone service, which rings numbers only."""

    title: ClassVar[str] = "Ringabout"
    rep_phones: ClassVar[frozenset[str]] = frozenset({"number"})


class MessagesOnly(PaperPhone):
    """A service that plays messages and places no calls."""

    title: ClassVar[str] = "Tellabout"
    place_call = Provider.place_call


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
        ("/phone +1 202 555 0191", "number", NUMBER, "", ""),
        ("/phone (202) 555-0191 extension 201", "number", NUMBER, "201", ""),
        ("/phone link <tel:+12025550191|202 555 0191>", "number", NUMBER, "", ""),
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
        ("/phone link +1 202 555 0191 via carrier", "Choose one of: codephone, ringabout, tellabout"),
        ("/phone link +1 202 555 0191 via tellabout", "Tellabout cannot place calls, so nothing was changed."),
        ("/phone wep", "`/phone help` shows all of it"),
        ("/phone link +1 202 555 0191 extension !!", "“!!” is not a code"),
        ("/phone link +1 900 555 0123", "is a premium-rate number, so nothing was changed"),
        ("/phone link +44 906 123 4567", "is a premium-rate number, so nothing was changed"),
        ("/phone link +882 16 123456", "is a number of a satellite or worldwide network"),
        (
            "/phone link +90 555 000 00 01",
            "is in TR, while calls from here may only go to GB, IL, US, so nothing was changed: every call of yours "
            "would ring it first. Link a phone there, or your extension, or ask an admin to allow that country.",
        ),
        ("/phone link extension 911", "911 is an emergency number"),
        ("/phone link extension 00905550000001", "is too long for an extension"),
        ("/phone link extension 00-905550000001", "is too long for an extension"),
        ("/phone link via codephone", "not a phone number"),
        ("/phone link Ada", "is not a phone number. Write it like +1 202 555 0100. Nothing was changed."),
        (
            "/phone 201",
            "“201” is too short for a phone number. If it is your extension, type `/phone link extension 201`.",
        ),
        ("/phone login", "Say which, like `/phone link login 4711`. Nothing was changed."),
        ("/phone link extension", "Say which, like `/phone link extension 201`. Nothing was changed."),
        *(
            (
                f"/phone link {text}",
                f"“{text}” is too short for a phone number. If it is your extension, type `/phone link extension 201`.",
            )
            for text in ("201", "x201", "X 201")
        ),
        ("/phone line", "There are: Sales."),
        ("/phone line +1 202 555 0177", "Choose one of: Sales."),
        ("/phone line Team 7", "There is no line “Team 7”, so nothing was changed. Choose one of: Sales."),
    ],
)
async def test_mistakes_are_explained_and_change_nothing(desk: Office, line: str, words: str) -> None:
    services = {
        "codephone": NoTrunk("codephone", desk.clock),
        "ringabout": NumbersOnly("ringabout", desk.clock),
        "tellabout": MessagesOnly("tellabout", desk.clock),
    }
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
        ("/phone line “Sales”", "people see Sales", LINE),
        ("/phone line (202) 555-0100", "people see Sales", LINE),
        ("/phone line none", "people see the service's default number", ""),
    ],
)
async def test_the_line_that_people_see(desk: Office, line: str, words: str, kept: str) -> None:
    await desk.link("U1", line="" if kept else LINE)
    assert words in await desk.type(line)
    assert (await person(desk)).line == kept


@pytest.mark.parametrize(
    ("linked", "account", "words"),
    [
        (
            f"/phone link {NUMBER} via ringabout",
            "ringabout",
            "people see the default number of Ringabout: Sales is a line of Paperphone, shown where you write `from "
            "Sales`.",
        ),
        (
            "/phone link login 1234",
            "codephone",
            "people see the default number of Codephone: Sales is a line of Paperphone, which cannot ring that phone.",
        ),
        (f"/phone link {NUMBER}", "voicenter", "people see Sales."),
    ],
)
async def test_a_line_of_another_service_is_not_what_people_see(
    desk: Office, linked: str, account: str, words: str
) -> None:
    services = {"codephone": NoTrunk("codephone", desk.clock), "ringabout": NumbersOnly("ringabout", desk.clock)}
    desk.board.providers = {"voicenter": desk.phone, **services}
    await desk.type(linked)
    assert words in await desk.type("/phone line Sales")
    assert words in await desk.type("/phone show")
    await desk.send(slack_requests.home_opened(desk.slack))
    assert ("You call from line Sales." in str(desk.slack.homes["U1"].view)) == words.startswith("people see Sales")
    await desk.type("/call +1 202 555 0155")
    (placed,) = [order for service in desk.board.providers.values() for order in service.orders]  # type: ignore[attr-defined]
    assert (placed.caller_id == LINE) == words.startswith("people see Sales")
    for service in services.values():
        await service.http.aclose()


async def test_a_zone_of_slack_that_is_unknown_here_is_not_the_persons(desk: Office) -> None:
    desk.slack.users["U1"] = dataclasses.replace(desk.slack.users["U1"], tz="Mars/Base")
    await desk.type("/phone link +1 202 555 0191")
    assert "(Europe/Madrid)" in await desk.type("/digest now")
    await desk.send(slack_requests.home_opened(desk.slack))
    assert "U1" in desk.slack.homes


async def test_unlinking_forgets_everything_but_the_person(desk: Office) -> None:
    await desk.type("/phone link ext 201")
    await desk.type("/phone unlink")
    assert await person(desk) == Person("U1", name="Ada", zone="Europe/London")
    assert "202-555-0191" in await desk.type("/phone link +1 202 555 0191 ext 201", user="U2")  # free again
    assert [line[1:] for line in await desk.board.read(audit_log)] == [
        ("U2", "link phone", NUMBER, "201"),
        ("U1", "unlink phone", "no phone", ""),
        ("U1", "link phone", "201", "voicenter 201"),
    ]


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


async def test_the_service_in_the_form_is_the_one_that_calls(desk: Office) -> None:
    """A number is rung by any service, so none need be chosen; who has chosen one, and changes the line, keeps it."""
    services = {
        "voicenter": desk.phone,
        "ringabout": NumbersOnly("ringabout", desk.clock),
        "tellabout": MessagesOnly("tellabout", desk.clock),
        "codephone": NoTrunk("codephone", desk.clock),
    }
    desk.board.providers = services
    await desk.link("U1", NUMBER, account="ringabout")
    assert await fill(desk, line=LINE) == {}
    assert (await person(desk)).account == "ringabout"
    assert "+1 202-555-0191 at Ringabout rings first" in desk.told
    for chosen, kept in ((NONE, ""), ("codephone", "codephone")):
        desk.slack.views.clear()
        assert await fill(desk, account=chosen) == {}
        assert (await person(desk)).account == kept
    desk.slack.views.clear()
    errors = await fill(desk, account=NONE, kind="extension", phone="201")
    assert errors == {"account": "Only one of the services can ring it: choose which. Nothing was changed."}
    assert await desk.submit({"account": NONE, "kind": "login", "phone": "1234"}) == {}
    assert (await person(desk)).account == "codephone", "no other service has these"
    await desk.type("/phone")
    (view,) = [found for found in desk.slack.views.values() if found.user == "U1"]
    (choice,) = [block["element"] for block in view.view["blocks"] if block["block_id"] == "account"]
    assert [option["value"] for option in choice["options"]] == [NONE, "voicenter", "ringabout", "codephone"]
    for service in services.values():
        if service is not desk.phone:
            await service.http.aclose()


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"phone": "12"}, "phone", "too short"),
        ({"kind": "extension", "phone": "2 0 1"}, "phone", "not a code"),
        ({"phone": NUMBER, "extension": "2 0 1"}, "extension", "not a code"),
        ({"phone": "+1 202 555 0192"}, "phone", "already linked to Grace, so"),
        ({"kind": "extension", "phone": "202"}, "phone", "already linked to Grace, so"),
    ],
)
async def test_mistakes_are_shown_in_the_form(desk: Office, values: dict[str, str], field: str, words: str) -> None:
    taken = {"phone_kind": "extension", "phone": "202", "extension": "202", "account": "voicenter"}
    await (desk.link("U2", **taken) if values.get("phone") == "202" else desk.link("U2", "+12025550192"))
    errors = await fill(desk, **values)
    assert set(errors) == {field}
    assert words in errors[field]
    assert not (await person(desk)).linked


@pytest.mark.parametrize(
    ("theirs", "typed"),
    [
        ("+1 202 555 0192 extension 201", "extension 201"),
        ("extension 201", "+1 202 555 0191 extension 201"),
        ("extension 201 via voicenter", "extension 201"),
        ("+1 202 555 0192 extension 201", "+1 202 555 0191 extension 201 via voicenter"),
    ],
)
async def test_nobody_takes_a_colleagues_extension_by_naming_an_account_or_none(
    desk: Office, theirs: str, typed: str
) -> None:
    """Whose calls those are may listen to their recordings."""
    await desk.type(f"/phone link {theirs}", user="U2")
    assert "Extension 201 is already linked" in await desk.type(f"/phone link {typed}")
    assert not (await person(desk)).linked


@pytest.mark.parametrize("theirs", [{"phone": "201"}, {"phone": "AAP"}])
async def test_nobody_rings_a_colleagues_extension_as_their_own(desk: Office, theirs: dict[str, str]) -> None:
    await desk.link("U2", phone_kind="extension", extension="201", account="voicenter", **theirs)
    for own in ({"phone": "201"}, theirs):
        errors = await fill(desk, kind="extension", extension="XYZ", **own)
        assert "is already linked to Grace, so nothing was changed" in errors["phone"]
        desk.slack.views.clear()
    assert not (await person(desk)).linked


async def test_at_another_account_the_same_extension_is_somebody_elses(desk: Office) -> None:
    codephone = NoTrunk("codephone", desk.clock)
    desk.board.providers = {"voicenter": desk.phone, "codephone": codephone}
    await desk.type("/phone link extension 201 via voicenter", user="U2")
    assert "201" in await desk.type("/phone link extension 201 via codephone")
    assert (await person(desk)).account == "codephone"
    told = await desk.type("/phone link +1 202 555 0194 extension 201", user="U4")
    assert "say so behind it, like `via voicenter`" in told
    await codephone.http.aclose()


@pytest.mark.parametrize("typed", ["command", "form"])
async def test_whose_phone_is_changed_is_told_where_it_stays(desk: Office, typed: str) -> None:
    """Whoever had somebody's Slack for a while would hear their callers from then on."""
    await desk.type(f"/phone link {NUMBER}")
    assert desk.conversation("U1") == [], "the first one is theirs"
    for _ in range(2):
        if typed == "form":
            assert await fill(desk, phone="+1 202 555 0194") == {}
        else:
            await desk.type("/phone link +1 202 555 0194")
    (told,) = desk.conversation("U1")
    assert told.text == (
        "Your phone was changed: +1 202-555-0194 rings now when you call, instead of +1 202-555-0191. If it was not "
        "you, somebody else uses your Slack: type `/phone link` and your own number, and tell your admin."
    )


@pytest.mark.parametrize("typed", ["command", "form"])
async def test_nobody_links_whom_nobody_may_call(desk: Office, typed: str) -> None:
    """Each call of theirs would ring them first, at whatever hour."""
    await desk.board.write(people.block, NUMBER, "asked us to stop", "U2", desk.clock())
    if typed == "form":
        told = (await fill(desk, phone=NUMBER))["phone"]
    else:
        told = await desk.type(f"/phone link {NUMBER}")
    assert "+1 202-555-0191 is on the do-not-call list, so nothing was changed" in told
    assert not (await person(desk)).linked


async def test_nobody_links_a_line_of_ours(desk: Office) -> None:
    """A flow that rings them would call itself, again and again, and each round is paid for."""
    told = await desk.type(f"/phone link {LINE}")
    assert "+1 202-555-0100 is a line of yours (Sales), so nothing was changed" in told
    assert not (await person(desk)).linked


@pytest.mark.parametrize("typed", ["/phone link +1 202 555 0192", "/phone link extension 202", "the form"])
async def test_the_phone_of_who_has_left_may_be_linked_by_another(desk: Office, typed: str) -> None:
    """A deactivated user cannot type `/phone unlink`, and their extension goes to whoever comes."""
    had = {"extension": "202", "account": "voicenter"}
    await desk.link("U2", "+12025550192" if "0192" in typed else "202", phone_kind="number", **had)
    await desk.board.write(web_phones.save, Phone("U2", "voicenter", "202", b"sealed"))
    values = {"kind": "extension", "phone": "202"}
    if typed == "the form":
        assert "already linked to Grace" in (await fill(desk, **values))["phone"]
    else:
        assert "Ask them to unlink it" in await desk.type(typed)
    desk.slack.users["U2"] = dataclasses.replace(desk.slack.users["U2"], deleted=True)
    if typed == "the form":
        assert await desk.submit(values) == {}
    else:
        assert "rings first" in await desk.type(typed)
    assert (await person(desk)).linked
    assert not (await person(desk, "U2")).linked
    assert await desk.board.read(web_phones.get, "U2") is None, "a page of theirs is signed out"
    audit = [line[1:] for line in await desk.board.read(audit_log)]
    assert audit[1][:2] == ("U1", "unlink phone")
    assert audit[1][3] == "of <@U2>, who is no member any more"


async def test_the_phone_of_a_guest_may_be_linked_by_a_member(desk: Office) -> None:
    await desk.link("U4", NUMBER)
    assert "already linked" in await desk.type(f"/phone link {NUMBER}")
    desk.slack.users["U4"] = dataclasses.replace(desk.slack.users["U4"], guest=True)
    assert "rings first" in await desk.type(f"/phone link {NUMBER}")
    assert not (await person(desk, "U4")).linked


async def test_where_slack_does_not_say_who_has_left_nobody_has(desk: Office) -> None:
    await desk.link("U2", NUMBER)
    desk.slack.fail_next("users.info", "internal_error")
    desk.slack.fail_next("users.info", "internal_error")
    assert "already linked" in await desk.type(f"/phone link {NUMBER}")
    assert (await person(desk, "U2")).linked


async def test_the_form_is_answered_in_time_also_where_slack_says_nothing(
    desk: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slack itself waits three seconds for the answer to a form."""
    monkeypatch.setattr("handlers.taken.MEET_SECONDS", 0.05)
    await desk.link("U2", "202", phone_kind="extension", extension="202", account="voicenter")
    desk.slack.hang("users.info")
    errors = await asyncio.wait_for(fill(desk, kind="extension", phone="202"), 10)
    assert "already linked" in errors["phone"]


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


# Whether somebody takes calls


class Signing(PaperPhone):
    """A service that keeps a status of people."""

    title: ClassVar[str] = "Presentia"
    presence: Mapping[str, str] = {"1": "available", "2": "signed out", "9": "away", "12": "team <meeting>"}

    def __init__(self, account: str, now: Callable[[], float]) -> None:
        super().__init__(account, now)
        self.set: list[tuple[str, str, str]] = []
        self.refusal: ProviderError | None = None

    @override
    async def set_presence(self, person: str, status: str, extension: str = "") -> None:
        if self.refusal is not None:
            raise self.refusal
        self.set.append((person, status, extension))


@pytest.fixture
async def signing(desk: Office) -> AsyncIterator[Signing]:
    service = Signing("presentia", desk.clock)
    desk.board.providers = {"voicenter": desk.phone, "presentia": service}
    yield service
    await service.http.aclose()


async def test_a_status_is_shown_told_and_set(desk: Office, signing: Signing) -> None:
    told = await desk.type("/phone status")
    assert "Your status at Presentia, last set from here: nothing yet." in told
    assert "There are: available, signed out, away, team &lt;meeting&gt;." in told
    assert "/phone status as 12345" in told
    assert "must be told who you are" in await desk.type("/phone status away")
    assert signing.set == []
    assert "Choose a status" in await desk.type("/phone status as 12345")
    assert await desk.type("/phone status away") == "Presentia shows you as “away” now."
    assert signing.set == [("12345", "9", "")]
    assert "last set from here: away, 03:40." in await desk.type("/phone status")
    audit = [line[1:] for line in await desk.board.read(audit_log)]
    assert audit == [("U1", "presence", "presentia", "away"), ("U1", "presence.known_as", "presentia", "12345")]


async def test_a_status_is_chosen_from_the_menu(desk: Office, signing: Signing) -> None:
    await desk.type("/phone status as 12345")
    (menu,) = [
        element
        for block in desk.slack.ephemerals[-1].blocks
        for element in block.get("elements", ())
        if element.get("action_id") == "presence:set"
    ]
    assert [option["value"] for option in menu["options"]] == [f"presentia {key}" for key in signing.presence]
    await desk.press("presence:set", desk.slack.ephemerals[-1], "C1", value="presentia 12")
    assert signing.set == [("12345", "12", "")]
    assert "team &lt;meeting&gt;" in desk.told


@pytest.mark.parametrize(
    ("word", "key"),
    [("available", "1"), ("AWAY", "9"), ("team", "12"), ("sig", "2"), ("12", "12"), ("a", ""), ("lunch", "")],
)
async def test_what_a_word_means(desk: Office, signing: Signing, word: str, key: str) -> None:
    await desk.type("/phone status as 12345")
    told = await desk.type(f"/phone status {word} via Presentia")
    assert [status for _, status, _ in signing.set] == [key] * bool(key)
    assert key or f"has no status “{word}”, so nothing was changed. There are: available," in told


async def test_the_linked_extension_is_named(desk: Office, signing: Signing) -> None:
    await desk.type("/phone status as 12345")
    for link, extension in (("extension AAPINFzL via presentia", "AAPINFzL"), ("extension 201 via voicenter", "")):
        await desk.type(f"/phone link {link}")
        await desk.type("/phone status 1 via presentia")
        assert signing.set[-1] == ("12345", "1", extension)


async def test_a_status_that_the_service_refuses_is_told_and_not_remembered(desk: Office, signing: Signing) -> None:
    await desk.type("/phone status as 12345")
    signing.refusal = Refused("Presentia refused (4.4): Extension is already in use.", code="4.4", words="in use")
    assert "already in use" in await desk.type("/phone status available")
    assert "last set from here: nothing yet" in await desk.type("/phone status")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("/phone status as", "“” is not a user id"),
        ("/phone status as <@U2>", "is not a user id, so nothing was changed. Look it up at Presentia."),
        ("/phone status away via voicenter", "Paperphone keeps no status of people"),
        ("/phone status away via carrier", "Choose one of: voicenter, presentia"),
    ],
)
async def test_mistakes_about_a_status(desk: Office, signing: Signing, line: str, words: str) -> None:
    assert words in await desk.type(line)
    assert signing.set == []


async def test_nobody_sets_the_status_of_somebody_else(desk: Office, signing: Signing) -> None:
    await desk.link("U1", name="Ada")
    await desk.type("/phone status as 12345")
    assert "is taken by Ada, so nothing was changed" in await desk.type("/phone status as 12345", user="U2")
    assert "must be told who you are" in await desk.type("/phone status away", user="U2")
    await desk.type("/phone status as 67890", user="U2")
    await desk.type("/phone status away", user="U2")
    assert signing.set == [("67890", "9", "")]


async def test_several_services_that_keep_a_status(desk: Office, signing: Signing) -> None:
    other = Signing("another", desk.clock)
    desk.board.providers = {"presentia": signing, "another": other}
    assert "Say at which service, like “via presentia”" in await desk.type("/phone status")
    assert "Your status at Presentia" in await desk.type("/phone status via another")
    await desk.type("/phone link extension 201 via another")
    await desk.type("/phone status as 7")
    await desk.type("/phone status away")
    assert (other.set, signing.set) == ([("7", "9", "201")], [])
    await other.http.aclose()


async def test_no_service_keeps_a_status(desk: Office) -> None:
    assert "None of the connected services keeps a status" in await desk.type("/phone status away")
