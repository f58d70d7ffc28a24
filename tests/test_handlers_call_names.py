"""Names after `/call`: which contact, colleague or line is meant."""

from pathlib import Path

import pytest

from bot.events import REP, CdrReceived, Outcome
from bot.store import contacts, people
from tests.fake_slack import FakeSlack
from tests.office import LINE, SETTINGS, Office, office
from tests.slack_state import Clock

CUSTOMER_NUMBER = "+12025550123"


async def test_a_colleague_may_be_called_by_name(desk: Office) -> None:
    await desk.link("U1")
    await desk.link("U2", "+12025550144", name="Grace Hall")
    assert "to call Grace Hall" in await desk.type("/call grace hall")
    assert desk.phone.orders[-1].number == "+12025550144"

    await desk.contact(CUSTOMER_NUMBER, "Grace Hallward")  # a part of whose name that is
    await desk.type("/call grace hall")
    assert desk.phone.orders[-1].number == "+12025550144"
    assert "to call Grace Hallward" in await desk.type("/call hallward")


@pytest.mark.parametrize("name", ["Dana Record", "Dana from Sales", "Dana max 5", "Dana ext 12", "Dana & Note pad"])
async def test_a_name_with_an_options_word_is_no_call_to_somebody_else(desk: Office, name: str) -> None:
    await desk.link("U1")
    await desk.contact(CUSTOMER_NUMBER, "Dana")
    await desk.contact("+12025550125", "Dana &")
    await desk.contact("+12025550124", name)
    told = await desk.type(f"/call {name.lower().replace('&', '&amp;')}")
    assert "is all of somebody's name, so nothing was dialled. Write the name in quotes" in told
    await desk.type("/call")
    assert "is all of somebody's name" in (await desk.submit({"who": name}))["who"]
    assert desk.phone.orders == []
    await desk.type(f'/call "{name}"')
    assert [order.number for order in desk.phone.orders] == ["+12025550124"]


async def test_a_colleague_without_a_phone_is_no_contact_with_a_longer_name(desk: Office) -> None:
    await desk.link("U1")
    await desk.board.write(people.save_person, people.Person("U2", "Noa"))
    await desk.contact(CUSTOMER_NUMBER, "Noa Green")
    told = await desk.type("/call noa")
    assert (
        "has not linked a phone yet, so nothing was dialled. Ask them to type `/phone`, or call their number." in told
    )
    assert desk.phone.orders == []
    await desk.contact("+12025550124", "Noa")  # and nobody else who has it can be called
    assert "to call Noa, " in await desk.type("/call noa")
    assert [order.number for order in desk.phone.orders] == ["+12025550124"]
    assert "to call Noa Green" in await desk.type("/call Noa Green")


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("Dan", "Dana Levi"),
        ("D", "Dana Levi"),
        ("D", "D. Levi"),
        ("İ", "İ. Demir"),
        ("Noa G.", "Noa Green"),
        ("=", "Levi = Sons"),
        ("נוע", "נועה לוי"),
        ("Dr.", "Dr. Noa Green"),
        ("mr", "Mr. Dana Levi"),
        ("Ltd.", "Green Ltd."),
        ("Sam Hill", "Sam Green, Hill Partners"),
    ],
)
async def test_a_part_of_a_word_asks_whether_that_one_is_meant(desk: Office, typed: str, name: str) -> None:
    await desk.link("U1")
    await desk.contact(CUSTOMER_NUMBER, name)
    told = await desk.type(f"/call {typed}")
    assert told.startswith("Nobody is called “")
    assert "”, but it is a part of a name. Shall I call them?" in told
    assert f"{name}, +1 202-555-0123" in told.replace("\u2068", "").replace("\u2069", "")
    assert desk.phone.orders == []
    await desk.press("call:pick:0", desk.slack.ephemerals[-1], "C1")
    assert [order.number for order in desk.phone.orders] == [CUSTOMER_NUMBER]


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        *[("Jose", "José Ramírez"), ("ramirez", "José Ramírez"), ("zoe", "Zoë")],
        *[("muller", "Müller"), ("Müller", "Muller"), ("mueller", "Müller"), ("Müller", "Mueller")],
        *[("Mueller, Joerg", "Jörg Müller"), ("soeren", "Søren Ågård"), ("aagaard", "Søren Ågård")],
    ],
)
async def test_a_name_without_its_accents_is_the_same_name(desk: Office, typed: str, name: str) -> None:
    await desk.link("U1")
    await desk.contact(CUSTOMER_NUMBER, name)
    await desk.type(f"/call {typed}")
    assert [order.number for order in desk.phone.orders] == [CUSTOMER_NUMBER]


async def test_accents_that_are_typed_are_meant_and_without_them_it_may_be_either(desk: Office) -> None:
    await desk.link("U1")
    await desk.contact(CUSTOMER_NUMBER, "Jose")
    await desk.contact("+12025550124", "José")
    told = await desk.type("/call Jose")
    assert "Several contacts have that name" in told
    assert told.index("0123") < told.index("0124")
    await desk.link("U2", "+12025550144", name="Zoe Hill")
    await desk.link("U4", "+12025550145", name="Zoë Hill")
    assert "Several colleagues are called “zoe hill”" in await desk.type("/call zoe hill")
    assert desk.phone.orders == []
    await desk.type("/call José")
    assert [order.number for order in desk.phone.orders] == ["+12025550124"]


async def test_of_a_name_that_is_written_out_and_one_that_is_not_the_one_that_was_typed(desk: Office) -> None:
    await desk.link("U1")
    await desk.contact(CUSTOMER_NUMBER, "Mueller")
    await desk.contact("+12025550124", "Müller")
    await desk.contact("+12025550125", "Muller")
    for typed, number in (("Mueller", CUSTOMER_NUMBER), ("Müller", "+12025550124")):
        await desk.type(f"/call {typed}")
        assert desk.phone.orders[-1].number == number
    told = await desk.type("/call muller")
    assert "Several contacts have that name" in told
    assert "0123" not in told
    await desk.board.write(contacts.remove, "+12025550124")
    told = await desk.type("/call Müller")
    assert "Several contacts have that name" in told
    assert "0123" in told
    assert "0125" in told
    assert len(desk.phone.orders) == 2


@pytest.mark.parametrize(
    "typed", ["Noa Green (Gärten &amp; Höfe)", "noa, gaerten &amp; hoefe", "Green (GARTEN &amp; HOFE)."]
)
async def test_somebody_is_called_as_cards_show_them_with_the_company(desk: Office, typed: str) -> None:
    await desk.link("U1")
    await desk.contact(CUSTOMER_NUMBER, "Noa Green", "Gärten & Höfe")
    await desk.contact("+12025550124", "Noa Green", "Acme")
    assert "to call Noa Green" in await desk.type(f"/call {typed}")
    assert [order.number for order in desk.phone.orders] == [CUSTOMER_NUMBER]


async def test_of_a_company_that_is_not_theirs_nobody_is_called(desk: Office) -> None:
    await desk.link("U1")
    await desk.contact(CUSTOMER_NUMBER, "Noa Green", "Acme")
    assert (await desk.type("/call Noa (Acme Two)")).startswith("No contact is called “Noa (Acme Two)”, so nothing was")
    assert "Several contacts" in await both_of_one_company(desk)
    assert desk.phone.orders == []


async def both_of_one_company(desk: Office) -> str:
    await desk.contact("+12025550124", "Noa Hill", "Acme")
    return await desk.type("/call Noa, Acme")


@pytest.mark.parametrize("typed", ["Noa Green wants a quote", "noa green: wants a quote", "Noa wants a quote"])
async def test_words_behind_a_name_are_told_where_a_note_goes(desk: Office, typed: str) -> None:
    await desk.link("U1")
    await desk.contact(CUSTOMER_NUMBER, "Noa Green")
    told = await desk.type(f"/call {typed}")
    name = typed.partition(" wants")[0].rstrip(":")
    assert told.endswith(f"What is no part of the name goes behind “note”: `/call {name} note wants a quote`.")
    assert "add the contact" in await desk.type("/call Noa Hill Smith")
    assert desk.phone.orders == []


async def test_a_colleague_is_found_without_accents_and_by_a_part_of_a_double_name(desk: Office) -> None:
    await desk.link("U1")
    await desk.link("U2", "+12025550144", name="Jürgen Łoś-Weiß (Sales)")
    await desk.link("U4", "+12025550145", name="Ann Hill, MD")
    for typed, number in (("jurgen", "44"), ("juergen", "44"), ("los-weiss", "44"), ("weiss", "44"), ("Hill", "45")):
        told = await desk.type(f"/call {typed}")
        assert "Ringing" in told or "already calling" in told, typed
        assert desk.phone.orders[-1].number.endswith(number)


@pytest.mark.parametrize("typed", ["José record", "jose record"])
async def test_a_name_with_an_options_word_is_known_without_its_accents(desk: Office, typed: str) -> None:
    await desk.link("U1")
    await desk.contact(CUSTOMER_NUMBER, "Jose")
    await desk.contact("+12025550124", "José Record")
    assert "is all of somebody's name, so nothing was dialled." in await desk.type(f"/call {typed}")


async def test_a_line_is_known_without_the_letters_that_a_keyboard_lacks(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    other = '[lines."+12025550111"]\nlabel = "Buero"\naccount = "voicenter"\n[policy]'
    text = SETTINGS.replace('label = "Sales"', 'label = "Büro"').replace("[policy]", other)
    async with office(tmp_path, fake_slack, slack_clock, text) as desk:
        await desk.link("U1")
        for place, (typed, line) in enumerate((("buro", LINE), ("büro", LINE), ("Buero", "+12025550111"))):
            await desk.type(f"/call +1 202 555 012{place} from {typed}")
            assert desk.phone.orders[-1].caller_id == line
            assert "people see" in await desk.type(f"/phone line {typed}")
            assert (await desk.board.read(people.person, "U1")).line == line
            assert f"line {'Buero' if place == 2 else 'Büro'}" in await desk.type(f"/calls log line {typed}")


async def test_a_line_is_known_by_the_apostrophe_of_a_phone(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    text = SETTINGS.replace('label = "Sales"', 'label = "Málaga\'s"')
    async with office(tmp_path, fake_slack, slack_clock, text) as desk:
        await desk.link("U1")
        await desk.type("/call +1 202 555 0123 from malaga’s")
        assert [order.caller_id for order in desk.phone.orders] == [LINE]


@pytest.mark.parametrize(
    ("typed", "meant", "other"),
    [("Levi", "Dana Levi", "Levine Hill"), ("Noa", "Dr. Noa Green", "Noam Katz"), ("hill", "Ann-Hill", "Hills Inc.")],
)
async def test_a_word_of_a_name_is_not_passed_over_for_what_begins_like_it(
    desk: Office, typed: str, meant: str, other: str
) -> None:
    await desk.link("U1")
    await desk.contact(CUSTOMER_NUMBER, other)
    await desk.contact("+12025550124", meant)
    told = await desk.type(f"/call {typed}")
    assert "Several contacts have that name" in told
    assert told.index(meant) < told.index(other)
    assert desk.phone.orders == []


async def test_a_guest_who_is_turned_away_is_no_colleague(desk: Office) -> None:
    await desk.link("U1")
    for user, name, kind in (("U0GUEST1", "Noa", ""), ("U0GUEST2", "Omer Hall", "number")):
        guest = people.Person(user, name, phone_kind=kind, phone="+12025550147" if kind else "", outside=True)
        await desk.board.write(people.save_person, guest)
        desk.board.outsiders.add(user)
    await desk.contact(CUSTOMER_NUMBER, "Noa Green")
    await desk.contact("+12025550124", "Omer Katz")
    assert "to call Noa Green" in await desk.type("/call noa")
    assert "No contact is called “Omer Hall”" in await desk.type("/call Omer Hall")
    assert "to call Omer Katz" in await desk.type("/call omer")


async def test_a_first_or_last_name_alone_finds_a_colleague(desk: Office) -> None:
    await desk.link("U1", name="Ada Long")
    await desk.link("U2", "+12025550144", name="Omer van der Berg")
    for place, name in enumerate(("omer", "Berg", "van der Berg"), 1):
        assert "to call Omer van der Berg" in await desk.type(f"/call {name}")
        assert desk.phone.orders[-1].number == "+12025550144"
        ended = [
            CdrReceived(ref=f"paper-{place}", at=desk.clock(), leg=leg, outcome=Outcome.BUSY)
            for leg in (REP, "customer")
        ]
        await desk.happen(*ended)
    assert await desk.type("/call Ada") == "That is you. Nothing was dialled."
    assert "No contact is called “Ome”" in await desk.type("/call Ome")
    await desk.link("U4", "+12025550145", name="J Reed")
    assert "No contact is called “J”" in await desk.type("/call J")
    assert len(desk.phone.orders) == 3


@pytest.mark.parametrize("typed", ["Dana Levi", "levi dana", "Dana Levi.", "Hill, Omer", "omer hill"])
async def test_names_are_found_as_the_book_turns_them(desk: Office, typed: str) -> None:
    await desk.link("U1")
    await desk.link("U2", "+12025550144", name="Hill, Omer B.")
    await desk.contact("+12025550124", "Levi, Dana 🌸")
    told = await desk.type(f"/call {typed}")
    assert "to call Levi, Dana" in told or "to call Hill, Omer" in told
    assert len(desk.phone.orders) == 1
    await desk.contact("+12025550125", "Dana M. Levi")
    assert "Several contacts have that name" in await desk.type("/call levi dana")


async def test_a_title_alone_is_nobodys_name(desk: Office) -> None:
    await desk.link("U1")
    await desk.link("U2", "+12025550144", name="Dr. Grace Hall")
    assert "No contact is called “Dr”, so nothing was dialled." in await desk.type("/call Dr.")
    await desk.contact(CUSTOMER_NUMBER, "Mrs. Noa Green")
    await desk.type("/call")
    assert await desk.submit({"who": "Mrs"}) == {}
    assert "Shall I call them?" in desk.told
    assert desk.phone.orders == []
    await desk.type("/call Dr. Grace")
    assert [order.number for order in desk.phone.orders] == ["+12025550144"]


async def test_ones_own_name_is_no_unknown_contact(desk: Office) -> None:
    await desk.link("U1", name="Ada Long")
    assert await desk.type("/call Ada Long") == "That is you. Nothing was dialled."


async def test_contacts_by_name(desk: Office) -> None:
    await desk.link("U1")
    await desk.contact(CUSTOMER_NUMBER, "Noa Green", "Green Gardens")
    await desk.contact("+12025550124", "Noah Grey")
    told = await desk.type("/call noa green")
    assert "Noa Green" in told
    assert desk.phone.orders[0].number == CUSTOMER_NUMBER


@pytest.mark.parametrize("name", ["Noa Green.", "noa green,", "Noa Green!", "Omer Katz.", "omer?"])
async def test_a_full_stop_behind_a_name_is_none_of_it(desk: Office, name: str) -> None:
    await desk.link("U1")
    await desk.link("U2", "+12025550144", name="Omer Katz")
    await desk.contact(CUSTOMER_NUMBER, "Noa Green")
    await desk.contact("+12025550124", "Green Inc.")
    assert "Ringing your phone to call " in await desk.type(f"/call {name}")
    assert "to call Green Inc." in await desk.type("/call Green Inc.")


async def test_what_stands_in_the_middle_of_a_word_calls_nobody_by_itself(desk: Office) -> None:
    """Whoever types “me” does not mean Acme."""
    await desk.link("U1")
    await desk.contact(CUSTOMER_NUMBER, "Acme")
    assert await desk.type("/call me") == (
        "No contact is called “me”, so nothing was dialled. Did you mean Acme? Then write more of the name, or "
        "+1 202-555-0123."
    )
    assert desk.phone.orders == []
    await desk.contact("+12025550124", "Home")
    assert "Whom shall I call" in await desk.type("/call me")
    for number, (part, name) in enumerate({"brien": "Sean O'Brien", "meyer": "Ann Hill-Meyer", "levi": "Lev"}.items()):
        await desk.contact(f"+1202555013{number}", name)
        assert ("Ringing" in await desk.type(f"/call {part}")) == (name != "Lev")
