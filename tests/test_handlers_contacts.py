"""`/contacts` by signed requests: the book and its pages, finding, calling, adding, changing, removing."""

from typing import Any

import pytest

from bot.store import contacts, ledger
from bot.store.contacts import Contact
from tests import slack_requests
from tests.audit_lines import audit_log
from tests.fake_slack import FakeSlack
from tests.office import SETTINGS, Office, office
from tests.slack_state import Clock, Ephemeral

NOA = "+12025550123"
SAM = "+12025550124"


def shown(desk: Office) -> Ephemeral:
    return desk.slack.ephemerals[-1]


def elements(desk: Office) -> list[dict[str, Any]]:
    """Buttons of what was told last, in their order."""
    found: list[dict[str, Any]] = []
    for block in shown(desk).blocks:
        found += [block["accessory"]] if "accessory" in block else block.get("elements", [])
    return [element for element in found if element["type"] == "button"]


def buttons(desk: Office) -> list[str]:
    return [str(element["action_id"]).removeprefix("contacts:") for element in elements(desk)]


def names(desk: Office) -> list[str]:
    sections = (block["text"]["text"] for block in shown(desk).blocks if block["type"] == "section")
    return [text.partition("\n")[0].strip("*") for text in sections]


async def audit(desk: Office) -> list[tuple[str, ...]]:
    """(who, what, subject, detail), oldest first."""
    return [line[1:] for line in reversed(await desk.board.read(audit_log))]


async def in_book(desk: Office, number: str) -> Contact | None:
    return await desk.board.read(contacts.get, number)


async def fill(desk: Office, count: int) -> None:
    for number in range(count):
        await desk.contact(f"+120255501{number:02}", f"Name {number:02}")


# The book


async def test_the_book_is_shown_to_the_asker_alone_with_whole_numbers(desk: Office) -> None:
    await desk.contact(SAM, "Sam Hill")
    await desk.contact(NOA, "Noa Green", "Green Gardens")
    told = await desk.type("/contacts")
    assert "Noa Green (Green Gardens)\n+1 202-555-0123" in told
    assert names(desk) == ["Noa Green (Green Gardens)", "Sam Hill"]
    assert (shown(desk).user, shown(desk).channel) == ("U1", "C1")
    assert not list(desk.slack.channel("C1"))
    assert desk.conversation("U1") == []
    assert buttons(desk) == ["call", "call", "add"]
    assert [element["accessibility_label"] for element in elements(desk)[:2]] == [
        "Call: 1. Noa Green",
        "Call: 2. Sam Hill",
    ]
    await desk.type("/contacts", user="U2")
    assert buttons(desk) == ["call", "call", "add", "import"]


async def test_an_empty_book_says_so(desk: Office) -> None:
    assert "The contact book is empty." in await desk.type("/contacts")
    assert buttons(desk) == ["add"]


async def test_pages_turn_in_the_same_message(desk: Office) -> None:
    await fill(desk, 23)
    await desk.type("/contacts")
    assert names(desk) == [f"Name {number:02}" for number in range(10)]
    assert buttons(desk)[-2:] == ["next", "add"]
    await desk.press("contacts:next", shown(desk), "C1")
    assert names(desk) == [f"Name {number:02}" for number in range(10, 20)]
    assert buttons(desk)[-3:] == ["earlier", "next", "add"]
    await desk.press("contacts:next", shown(desk), "C1")
    assert names(desk) == [f"Name {number:02}" for number in range(20, 23)]
    assert buttons(desk)[-2:] == ["earlier", "add"]
    await desk.press("contacts:earlier", shown(desk), "C1")
    assert names(desk) == [f"Name {number:02}" for number in range(10, 20)]
    await desk.press("contacts:earlier", shown(desk), "C1")
    assert names(desk) == [f"Name {number:02}" for number in range(10)]
    assert len(desk.slack.ephemerals) == 1


async def test_ten_contacts_are_one_page_and_eleven_are_two(desk: Office) -> None:
    await fill(desk, 10)
    await desk.type("/contacts")
    assert "next" not in buttons(desk)
    await desk.contact("+12025550199", "Zoe")
    await desk.type("/contacts")
    assert "next" in buttons(desk)


async def test_a_page_of_a_book_that_has_changed_is_never_empty(desk: Office) -> None:
    await fill(desk, 13)
    await desk.type("/contacts")
    first = shown(desk)
    for number in range(10, 13):
        await desk.board.write(contacts.remove, f"+120255501{number:02}")
    await desk.press("contacts:next", first, "C1")
    assert names(desk) == [f"Name {number:02}" for number in range(10)]
    await fill(desk, 13)
    await desk.press("contacts:next", first, "C1") if "next" in buttons(desk) else await desk.type("/contacts")
    await desk.press("contacts:next", shown(desk), "C1")
    await desk.board.write(contacts.remove, "+12025550100")
    await desk.press("contacts:earlier", shown(desk), "C1")
    assert names(desk) == [f"Name {number:02}" for number in range(1, 11)]


async def test_a_button_that_was_tampered_with_turns_nothing(desk: Office) -> None:
    await fill(desk, 11)
    await desk.type("/contacts")
    (button,) = [element for element in elements(desk) if element["action_id"] == "contacts:next"]
    button["value"] = "2"
    assert "Type `/contacts` for the book" in await desk.press("contacts:next", shown(desk), "C1")


# Finding


@pytest.mark.parametrize(
    "text",
    ["noa", "GARDENS", "green noa", "0123", "+1 202 555 0123", "(202) 555-0123", "find Noa", "“Noa Green”", "Noa 0123"],
)
async def test_somebody_is_found_by_a_part(desk: Office, text: str) -> None:
    await desk.contact(NOA, "Noa Green", "Green Gardens")
    await desk.contact(SAM, "Sam Hill")
    told = await desk.type(f"/contacts {text}")
    assert "Noa Green (Green Gardens)" in told
    assert "Sam Hill" not in told


@pytest.mark.parametrize("text", ["jörg", "jorg", "Joerg", "GAERTEN", "gärten müller", "mueller gaerten"])
async def test_somebody_is_found_however_the_letters_are_written(desk: Office, text: str) -> None:
    await desk.contact(NOA, "Jörg Müller", "Gärten & Höfe")
    await desk.contact(SAM, "Sam Hill")
    told = await desk.type(f"/contacts {text}")
    assert "Jörg Müller" in told
    assert "Sam Hill" not in told


@pytest.mark.parametrize(
    "typed",
    [
        *["+1 202 555 0123 ext. 12 Noa Green", "(202) 555-0123x12, Noa Green", "+12025550123;ext=12 Noa Green"],
        *["<tel:+12025550123,,12#|+1 202 555 0123,,12#> Noa Green", "202 555 0123 Ext 12: Noa Green"],
    ],
)
async def test_an_extension_behind_the_number_is_no_part_of_the_name(desk: Office, typed: str) -> None:
    told = await desk.type(f"/contacts add {typed}")
    assert await in_book(desk, NOA) == Contact(NOA, "Noa Green", "")
    assert "The extension 12 behind it is not kept: `/call Noa Green ext 12` dials it" in told


@pytest.mark.parametrize(
    ("typed", "like"),
    [
        ("Noa Green +1 202 555 0123", "+1 202-555-0123 Noa Green"),
        ("Noa Green, Green Gardens, (202) 555-0123", "+1 202-555-0123 Noa Green, Green Gardens"),
        ("Studio 54 +12025550123", "+1 202-555-0123 Studio 54"),
    ],
)
async def test_a_number_behind_the_name_is_told_where_it_goes(desk: Office, typed: str, like: str) -> None:
    told = f"Write the number first: `/contacts add {like}`. Nothing was changed."
    assert await desk.type(f"/contacts add {typed}") == told
    assert await in_book(desk, NOA) is None


@pytest.mark.parametrize(
    ("typed", "name", "company"),
    [
        ('"Green, Noa", "Gardens, Inc."', "Green, Noa", "Gardens, Inc."),
        ("“Green, Noa”", "Green, Noa", ""),
        ('"Bob" Green, Gardens', '"Bob" Green', "Gardens"),
        ('"Noa Green", Gardens, Inc.', "Noa Green", "Gardens, Inc."),
    ],
)
async def test_a_comma_in_quotes_is_a_part_of_the_name(desk: Office, typed: str, name: str, company: str) -> None:
    await desk.type(f"/contacts add +1 202 555 0123 {typed}")
    assert await in_book(desk, NOA) == Contact(NOA, name, company)


async def test_other_words_for_what_the_book_can_do(desk: Office) -> None:
    await desk.contact(NOA, "Noa Green")
    await desk.contact(SAM, "Sam Hill")
    assert "Sam Hill" in await desk.type("/contacts list")
    told = await desk.type("/contacts show noa")
    assert "Noa Green" in told
    assert "Sam Hill" not in told
    assert "Whom shall I remove" in await desk.type("/contacts delete Noa", user="U2")


async def test_a_name_may_begin_like_an_extension(desk: Office) -> None:
    told = await desk.type("/contacts add +1 202 555 0123 X2 Media")
    assert await in_book(desk, NOA) == Contact(NOA, "X2 Media", "")
    assert "not kept" not in told


async def test_a_number_that_slack_has_turned_into_a_link_is_found_and_added(desk: Office) -> None:
    await desk.type("/contacts add <tel:+12025550123|+1 202 555 0123> Noa Green, Green &amp; Sons")
    assert await in_book(desk, NOA) == Contact(NOA, "Noa Green", "Green & Sons")
    assert "Noa Green (Green &amp; Sons)" in await desk.type("/contacts <tel:+12025550123|+1 202 555 0123>")
    assert "Noa Green" in await desk.type("/contacts green &amp; sons")


async def test_what_is_found_has_pages_too(desk: Office) -> None:
    await fill(desk, 12)
    await desk.contact("+447700900123", "Anna")
    await desk.type("/contacts name")
    await desk.press("contacts:next", shown(desk), "C1")
    assert names(desk) == ["Name 10", "Name 11"]


async def test_nobody_found_is_said_plainly_and_can_be_added(desk: Office) -> None:
    told = await desk.type("/contacts Nobody <!here>")
    assert "Nobody in the contact book has “Nobody &lt;!here&gt;” in name, company or number." in told
    assert "call" not in buttons(desk)
    await desk.press("contacts:add", shown(desk), "C1")
    (view,) = desk.slack.views.values()
    assert [block["element"].get("initial_value", "") for block in view.view["blocks"]] == ["", "Nobody !here", ""]
    await desk.submit({"number": "+1 202 555 0123"})
    assert await in_book(desk, NOA) == Contact(NOA, "Nobody !here")


async def test_a_number_that_nobody_has_stands_in_the_form(desk: Office) -> None:
    await desk.type("/contacts 202 555 0123")
    await desk.press("contacts:add", shown(desk), "C1")
    assert await desk.submit({"name": "Noa Green"}) == {}
    assert await in_book(desk, NOA) == Contact(NOA, "Noa Green")


async def test_hostile_names_ring_nobody(desk: Office) -> None:
    await desk.contact(NOA, "<!channel> *now*", "<https://evil.example|Bank>")
    for number in range(10):
        await desk.contact(f"+4477009001{number:02}", "<!channel> then")
    await desk.type("/contacts")
    await desk.press("contacts:next", shown(desk), "C1")
    assert names(desk) == ["&lt;!channel&gt; then"]
    for line in ("/contacts", "/contacts channel", "/contacts remove channel", f"/contacts add {NOA} <!here>"):
        told = await desk.type(line, user="U2")
        words = str([block["text"]["text"] for block in shown(desk).blocks if block["type"] == "section"]) + told
        assert "<!" not in words
        assert "<http" not in words


# Calling


async def test_call_dials_through_the_gate_with_the_pressers_phone(desk: Office) -> None:
    await desk.link("U1")
    await desk.contact(NOA, "Noa Green")
    await desk.type("/contacts noa")
    page = shown(desk)
    assert "Ringing your phone to call Noa Green" in await desk.press("contacts:call", page, "C1")
    assert [order.number for order in desk.phone.orders] == [NOA]
    ((who, what, *_),) = await audit(desk)
    assert (who, what) == ("U1", "call")
    await desk.press("contacts:call", page, "C1")
    assert len(desk.phone.orders) == 1  # the first is still under way


async def test_one_press_that_slack_delivers_twice_is_one_call(desk: Office) -> None:
    await desk.link("U1")
    await desk.contact(NOA, "Noa Green")
    await desk.type("/contacts")
    page = shown(desk)
    signed = slack_requests.click(desk.slack, "contacts:call", channel="C1", ts=page.ts)
    await desk.send(signed)
    desk.clock.advance(60)
    await desk.send(signed)
    assert len(desk.phone.orders) == 1


async def test_the_policy_is_asked_and_a_refusal_dials_nothing(desk: Office) -> None:
    await desk.contact(NOA, "Noa Green")
    await desk.type("/contacts")
    assert "does not know your phone yet" in await desk.press("contacts:call", shown(desk), "C1")
    await desk.link("U1")
    await desk.type("/callboard dnc add +1 202 555 0123 asked us", user="U2")
    await desk.type("/contacts")
    assert "do-not-call" in await desk.press("contacts:call", shown(desk), "C1")
    assert desk.phone.orders == []
    assert await desk.board.read(ledger.open_intents) == []


async def test_a_contact_that_was_removed_is_not_called(desk: Office) -> None:
    await desk.link("U1")
    await desk.contact(NOA, "Noa Green")
    await desk.type("/contacts")
    await desk.board.write(contacts.remove, NOA)
    assert "so nothing was dialled" in await desk.press("contacts:call", shown(desk), "C1")
    assert desk.phone.orders == []
    assert await desk.board.read(ledger.open_intents) == []


# Adding


@pytest.mark.parametrize(
    ("text", "name", "company", "typed"),
    [
        ("+1 202 555 0123 Noa Green", "Noa Green", "", "Noa Green"),
        ("+1 (202) 555-0123 Noa  Green , Green Gardens, Inc.", "Noa Green", "Green Gardens, Inc.", "Noa Green"),
        ("+12025550123 24 Hour Taxi", "24 Hour Taxi", "", "+1 202-555-0123"),
        ("+1 202 555 0123 24 Hour Taxi", "24 Hour Taxi", "", "+1 202-555-0123"),
        ("+1 202 555 0123 Back from Haifa", "Back from Haifa", "", "+1 202-555-0123"),
        ("+1 202 555 0123, “Noa Green”, Green Gardens", "Noa Green", "Green Gardens", "Noa Green"),
        ('+1 202 555 0123 Noa Green, "Green Gardens"', "Noa Green", "Green Gardens", "Noa Green"),
        (
            "+1 202 555 0123 <mailto:noa@example.com|noa@example.com>, <https://example.com|example.com>",
            *("noa@example.com", "example.com", "noa@example.com"),
        ),
        ('+1 202 555 0123 Noa "Green"', 'Noa "Green"', "", "+1 202-555-0123"),
    ],
)
async def test_a_contact_is_added_and_can_be_called_as_it_says(
    desk: Office, text: str, name: str, company: str, typed: str
) -> None:
    told = await desk.type(f"/contacts add {text}")
    assert f"is in the contact book; `/call {typed}` calls +1 202-555-0123." in told
    assert await in_book(desk, NOA) == Contact(NOA, name, company)
    assert [line[:3] for line in await audit(desk)] == [("U1", "contact add", NOA)]
    await desk.link("U1")
    await desk.type(f"/call {typed}")
    assert [order.number for order in desk.phone.orders] == [NOA]


async def test_a_known_number_changes_its_name_and_says_what_it_was(desk: Office) -> None:
    await desk.contact(NOA, "Noa Grey", "Green Gardens")
    told = await desk.type("/contacts add +1 202 555 0123 Noa Green")
    assert told == (
        "+1 202-555-0123 is Noa Green (Green Gardens) in the contact book now; before it was Noa Grey (Green Gardens)."
    )
    assert await in_book(desk, NOA) == Contact(NOA, "Noa Green", "Green Gardens")
    told = await desk.type("/contacts add +1 202 555 0123 Noa Green, Green Gardens")
    assert "already, with +1 202-555-0123. Nothing was changed." in told
    assert await audit(desk) == [
        ("U1", "contact change", NOA, "Noa Grey, Green Gardens -> Noa Green, Green Gardens"),
    ]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("add Noa Green", "number first"),
        ("add 12 Noa", "too short"),
        ("add +1 202 555 0123", "The name is missing."),
        ("add +1 202 555 0123 , Green Gardens", "The name is missing."),
        ("add +1 202 555 0123 " + "x" * 81, "longer than 80"),
        ("add 911 Police", "emergency number"),
    ],
)
async def test_what_cannot_be_added_says_why_and_changes_nothing(desk: Office, line: str, words: str) -> None:
    told = await desk.type(f"/contacts {line}")
    assert words in told
    assert "Nothing was changed" in told
    assert await audit(desk) == []
    assert "The contact book is empty." in await desk.type("/contacts")


async def test_the_form_says_what_is_wrong_where_it_is(desk: Office) -> None:
    await desk.type("/contacts add")
    assert "too short" in (await desk.submit({"number": "12", "name": "Noa"}))["number"]
    assert "missing" in (await desk.submit({"number": NOA, "name": " "}))["name"]
    assert await desk.submit({"number": "202 555 0123", "name": "Noa Green", "company": "Green Gardens"}) == {}
    assert "Noa Green (Green Gardens) is in the contact book" in desk.told
    assert await in_book(desk, NOA) == Contact(NOA, "Noa Green", "Green Gardens")
    await desk.type("/contacts add")
    await desk.submit({"number": NOA, "name": "Noa Grey"})
    assert "before it was Noa Green (Green Gardens)" in desk.told
    assert desk.conversation("U1") == []


# Removing


async def test_removing_asks_first_and_says_who_is_gone(desk: Office) -> None:
    await desk.type("/contacts add +1 202 555 0123 Noa Green, Green Gardens")
    await desk.contact(SAM, "Sam Hill")
    told = await desk.type("/contacts remove noa")
    assert "Whom shall I remove" in told
    (remove,) = elements(desk)
    assert remove["confirm"]["text"]["text"].startswith("Noa Green, +1 202-555-0123, is taken out")
    assert await in_book(desk, NOA) is not None
    await desk.press("contacts:remove", shown(desk), "C1")
    assert shown(desk).text == "Noa Green (Green Gardens), +1 202-555-0123, is not in the contact book any more."
    assert await in_book(desk, NOA) is None
    assert await in_book(desk, SAM) is not None
    assert (await audit(desk))[-1] == ("U1", "contact remove", NOA, "Noa Green, Green Gardens")


def whom(desk: Office) -> list[str]:
    """Whose *Remove* is offered."""
    return [element["value"].partition(" ")[0] for element in elements(desk)]


async def test_whoever_the_number_belongs_to_by_now_is_not_removed_in_place_of_whom_was_shown(desk: Office) -> None:
    await desk.type("/contacts add +1 202 555 0123 Noa Green, Green Gardens")
    await desk.type("/contacts remove noa")
    question = shown(desk)
    await desk.type("/contacts add +1 202 555 0123 Dana Levi, Green Gardens", user="U4")
    told = await desk.press("contacts:remove", question, "C1")
    assert "+1 202-555-0123 is Dana Levi (Green Gardens) in the contact book by now" in told
    assert "Nothing was removed" in told
    assert await in_book(desk, NOA) == Contact(NOA, "Dana Levi", "Green Gardens")
    await desk.type("/contacts add +1 202 555 0123 Noa Green, Green Gardens", user="U4")
    await desk.press("contacts:remove", question, "C1")
    assert await in_book(desk, NOA) is None


async def test_a_number_means_one_and_a_name_may_mean_several(desk: Office) -> None:
    await desk.contact(NOA, "Noa Green")
    await desk.contact(SAM, "Noa Grey")
    await desk.type("/contacts remove (202) 555-0124", user="U2")
    assert whom(desk) == [SAM]
    await desk.type("/contacts remove noa", user="U2")
    assert whom(desk) == [NOA, SAM]
    await desk.press("contacts:remove", shown(desk), "C1", user="U2", value=elements(desk)[1]["value"])
    assert await in_book(desk, SAM) is None
    assert await in_book(desk, NOA) is not None


async def test_only_managers_and_whoever_added_it_remove(desk: Office) -> None:
    await desk.contact(NOA, "Noa Green")  # by U9
    told = await desk.type("/contacts remove Noa Green")
    assert "was added by &lt;@U9&gt;, so nothing was removed. Only they or a manager may." in told
    await desk.type("/contacts add +1 202 555 0124 Noa Grey")
    await desk.type("/contacts remove noa")
    assert whom(desk) == [SAM]
    assert "Added by U9; only they or a manager may remove it." in desk.told
    await desk.type("/contacts add +1 202 555 0123 Mine Now")  # a changed name is still U9's contact
    assert "was added by" in await desk.type("/contacts remove mine")
    await desk.type("/contacts remove mine", user="U2")
    question = shown(desk)
    await desk.press("contacts:remove", question, "C1", user="U2")
    assert await in_book(desk, NOA) is None
    removals = [line for line in await audit(desk) if line[1] == "contact remove"]
    assert removals == [("U2", "contact remove", NOA, "Mine Now")]


async def test_who_may_is_asked_again_when_the_button_is_pressed(desk: Office) -> None:
    await desk.type("/contacts add +1 202 555 0123 Noa Green")
    await desk.type("/contacts remove noa")
    question = shown(desk)
    await desk.board.write(contacts.remove, NOA)
    assert "not in the contact book any more. Nothing was removed" in await desk.press(
        "contacts:remove", question, "C1"
    )
    await desk.contact(NOA, "Noa Grey")  # by U9
    assert "was added by" in await desk.press("contacts:remove", question, "C1")
    assert await in_book(desk, NOA) == Contact(NOA, "Noa Grey")


@pytest.mark.parametrize(("text", "words"), [("", "Say whom"), ("Zoe", "Nobody in the contact book has “Zoe”")])
async def test_nobody_to_remove(desk: Office, text: str, words: str) -> None:
    told = await desk.type(f"/contacts remove {text}")
    assert words in told
    assert "Nothing was removed" in told


async def test_more_than_a_page_to_remove_is_said(desk: Office) -> None:
    await fill(desk, 11)
    told = await desk.type("/contacts remove name", user="U2")
    assert "There are more" in told
    assert len(elements(desk)) == 10


# The command itself


async def test_it_has_help_under_the_name_it_has_here(tmp_path: Any, fake_slack: FakeSlack, slack_clock: Clock) -> None:
    text = SETTINGS + '[commands]\ncontacts = "/book"\n'
    async with office(tmp_path, fake_slack, slack_clock, text) as desk:
        assert "`/book add +1 202 555 0100 Noa Green, Green Gardens`" in await desk.type("/book help")
        assert "`/book Noa` finds somebody" in await desk.type("/book")
        told = await desk.type("/call Zoe")
        assert "`/book add +1 202 555 0100 Zoe`" in told
        assert "`/book`" in await desk.type("/callboard contact find Noa")
