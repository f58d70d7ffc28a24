"""`/call` and the call card, as a person sees them: signed requests in, Slack messages out."""

import dataclasses
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from bot import controlling, jobs, who
from bot.asking import carried, heeding
from bot.call import HANG_UP_SECONDS, Call
from bot.cards import VALUE_LIMIT
from bot.consent import Recording
from bot.dialing import YES_SECONDS, Ask
from bot.errors import Ambiguous, BadInput, NotAllowed, Refused, Unavailable
from bot.events import (
    REP,
    AnyEvent,
    CallEnded,
    CdrReceived,
    Described,
    LegAnswered,
    LegEnded,
    LegRinging,
    Outcome,
    Requested,
)
from bot.providers import provider_class
from bot.store import calls, contacts, people
from bot.who import EXAMPLE
from tests import slack_requests
from tests.audit_lines import audit_log
from tests.fake_slack import FakeSlack
from tests.office import ADA, LINE, SETTINGS, Office, PaperPhone, office
from tests.slack_state import Clock, Message

CUSTOMER_NUMBER = "+12025550123"


async def test_a_call_from_ringing_to_how_it_went(desk: Office) -> None:
    await desk.link("U1")
    told = await desk.type("/call +1 202 555 0123 note about the offer")
    assert "Ringing your phone" in told
    (order,) = desk.phone.orders
    assert (order.rep.value, order.number, order.caller_id) == (ADA, CUSTOMER_NUMBER, LINE)
    (card,) = desk.conversation("U1")
    assert "Ringing your phone" in card.text
    assert "about the offer" in card.text

    await desk.happen(LegAnswered(ref="paper-1", at=desk.clock(), leg=REP))
    (card,) = desk.conversation("U1")
    assert "Ringing +1 202-555-0123" in card.text
    await desk.happen(LegAnswered(ref="paper-1", at=desk.clock(), leg="customer"))
    assert "Talking to +1 202-555-0123" in desk.conversation("U1")[0].text

    ended = [
        CdrReceived(ref="paper-1", at=desk.clock(), leg=leg, outcome=Outcome.ANSWERED, ring_seconds=4, talk_seconds=80)
        for leg in (REP, "customer")
    ]
    await desk.happen(*ended)
    (card,) = desk.conversation("U1")
    assert "Talked for 1 min 20 s" in card.text
    summary = desk.slack.channel("C1")[-1]
    assert "Outgoing call to +1 202-555-0123" in summary.text
    assert "by U1" in summary.text

    channel = desk.slack.open_dm("U1").id
    await desk.press("call:wrap", card, channel)
    assert await desk.submit({"disposition": "Interested", "note": "wants a quote", "later": "1h"}) == {}
    (card,) = desk.conversation("U1")
    for words in ("Interested", "wants a quote", "Reminder to call"):
        assert words in card.text
    (call,) = await desk.calls()
    (_, *latest), *_ = await desk.board.read(audit_log)
    assert latest == ["U1", "how it went", "+12025550123", f"{call.id} Interested with a note"]


async def test_a_colleague_may_be_called_by_name(desk: Office) -> None:
    await desk.link("U1")
    await desk.link("U2", "+12025550144", name="Grace Hall")
    assert "to call Grace Hall" in await desk.type("/call grace hall")
    assert desk.phone.orders[-1].number == "+12025550144"

    await desk.contact(CUSTOMER_NUMBER, "Grace Hallward")  # a part of whose name that is
    await desk.type("/call grace hall")
    assert desk.phone.orders[-1].number == "+12025550144"
    assert "to call Grace Hallward" in await desk.type("/call hallward")


async def test_a_contact_and_a_colleague_of_the_very_same_name_are_asked_about(desk: Office) -> None:
    await desk.link("U1")
    await desk.link("U2", "+12025550144", name="Grace Hall")
    await desk.contact(CUSTOMER_NUMBER, "Grace Hall")
    told = await desk.type("/call Grace Hall")
    assert "Several contacts and colleagues have that name. Whom shall I call?" in told
    assert "Grace Hall, +1 202-555-0123" in told
    assert "Grace Hall (colleague), +1 202-555-0144" in told
    assert desk.phone.orders == []
    await desk.press("call:pick:1", desk.slack.ephemerals[-1], "C1")
    assert [order.number for order in desk.phone.orders] == ["+12025550144"]


async def test_where_nobody_can_be_asked_the_form_says_whom_a_name_may_mean(desk: Office) -> None:
    """A form that was opened by the shortcut: its answer would come as a text that has no buttons."""
    await desk.link("U1")
    await desk.contact(CUSTOMER_NUMBER, "Dana Levi")
    await desk.send(slack_requests.shortcut(desk.slack, "start_call"))
    errors = await desk.submit({"who": "Dan"})
    assert errors["who"].startswith("No contact is called “Dan”, so nothing was dialled. Did you mean Dana Levi?")
    await desk.contact("+12025550124", "Dana Hall")
    await desk.contact(CUSTOMER_NUMBER, "Dana Levi", "Acme")
    told = (
        "Several contacts are called “Dana”: Dana Hall, +1 202-555-0124; Dana Levi (Acme), +1 202-555-0123. "
        "Write the number. Nothing was done."
    )
    assert await desk.submit({"who": "Dana"}) == {"who": told}
    assert desk.phone.orders == []
    assert await desk.submit({"who": "Dana Hall"}) == {}
    assert [order.number for order in desk.phone.orders] == ["+12025550124"]


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


@pytest.mark.parametrize("typed", ["Acme", "acme two", "noa acme", "ACM"])
async def test_of_a_company_it_is_asked_whom_to_call(desk: Office, typed: str) -> None:
    await desk.link("U1")
    await desk.contact(CUSTOMER_NUMBER, "Noa Green", "Acme Two")
    await desk.contact("+12025550124", "Sam Hill", "Macme")
    told = await desk.type(f"/call {typed}")
    assert f"Nobody is called “{typed}”, but a company fits. Whom shall I call?" in told
    assert "Noa Green (Acme Two)" in told
    assert "Sam Hill" not in told
    assert desk.phone.orders == []
    await desk.press("call:pick:0", desk.slack.ephemerals[-1], "C1")
    assert [order.number for order in desk.phone.orders] == [CUSTOMER_NUMBER]


async def test_of_a_large_company_some_are_named(desk: Office) -> None:
    await desk.link("U1")
    for number in range(9):
        await desk.contact(f"+120255501{number:02}", f"Person {number}", "Acme")
    told = await desk.type("/call acme")
    assert "Person 4" in told
    assert "Person 5" not in told
    assert "There are more: write more of the name, or the number." in told


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


async def test_a_first_name_that_several_have_is_asked_about(desk: Office) -> None:
    await desk.link("U1", name="Dana Long")  # who asks is never meant
    await desk.link("U2", "+12025550144", name="Dana Hall")
    await desk.contact(CUSTOMER_NUMBER, "Dana Levi")
    assert "Several contacts and colleagues have that name. Whom shall I call?" in await desk.type("/call Dana")
    assert desk.phone.orders == []
    assert "Dana Levi, +1 202-555-0123" in desk.told
    assert "Dana Hall (colleague), +1 202-555-0144" in desk.told
    await desk.press("call:pick:1", desk.slack.ephemerals[-1], "C1")
    assert [order.number for order in desk.phone.orders] == ["+12025550144"]

    await desk.contact("+12025550144", "Dana Hall")  # one phone is one choice
    assert (await desk.type("/call Dana")).count("555-0144") == 1
    third = people.Person("U0DANA", "Dana Reed", phone_kind="number", phone="+12025550146")
    await desk.board.write(people.save_person, third)
    await desk.board.write(contacts.remove, CUSTOMER_NUMBER)
    await desk.board.write(contacts.remove, "+12025550144")
    told = await desk.type("/call Dana")
    assert "Several colleagues are called “Dana”, so nothing was dialled. Mention the one you mean, or write " in told
    assert "<@U0DANA>, +1 202-555-0146; " in told


async def test_a_phone_at_an_account_that_is_gone_is_to_be_linked_again(desk: Office) -> None:
    await desk.link("U1", account="branch")
    told = await desk.type("/call +1 202 555 0123")
    assert "linked at the account “branch”, which is not set up here any more, so nothing was dialled." in told
    assert "Link it again with `/phone`." in told
    await desk.type("/call +1 202 555 0123 via voicenter")
    assert len(desk.phone.orders) == 1


async def test_an_extension_is_rung_at_its_own_account_only(desk: Office) -> None:
    """At another the same digits are somebody else's phone."""
    await desk.link("U1", phone="201", phone_kind="extension", account="branch")
    told = await desk.type("/call +1 202 555 0123 via voicenter")
    assert "linked at branch, and Paperphone cannot ring it, so nothing was dialled." in told
    branch = PaperPhone("branch", desk.clock)
    desk.board.providers = {**desk.board.providers, "branch": branch}
    await desk.type("/call +1 202 555 0123")
    assert (len(branch.orders), desk.phone.orders) == (1, [])
    await branch.http.aclose()


@pytest.mark.parametrize("typed", ["<@U2|ben>", "Omer Katz", "omer"])
async def test_a_colleagues_extension_is_called_at_its_own_account_only(desk: Office, typed: str) -> None:
    await desk.link("U1")
    await desk.link("U2", phone="201", phone_kind="extension", account="branch", name="Omer Katz")
    desk.board.providers = {**desk.board.providers, "branch": PaperPhone("branch", desk.clock)}
    told = await desk.type(f"/call {typed} via voicenter")
    assert (
        "has an extension at Paperphone (branch), and elsewhere it may be somebody else's, so nothing was dialled."
        in told
    )
    assert desk.phone.orders == []
    await desk.type(f"/call {typed}")
    (call,) = await desk.calls()
    assert (call.account, call.number) == ("branch", "201")


async def missed_from_an_extension(desk: Office) -> None:
    """201 of another account has called, and nobody took it."""
    desk.board.providers = {**desk.board.providers, "branch": PaperPhone("branch", desk.clock)}
    await desk.link("U1")
    at = desk.clock()
    events: list[AnyEvent] = [
        Described(ref="in-1", at=at, source="call", direction="in", number="201", line=LINE),
        LegRinging(ref="in-1", at=at, leg="queue"),
        CallEnded(ref="in-1", at=at + 5),
    ]
    await desk.board.ingest("branch", events)
    desk.clock.advance(10)
    await desk.settle()


async def test_an_extension_that_called_is_called_back_at_its_own_account(desk: Office) -> None:
    await missed_from_an_extension(desk)
    told = await desk.type("/call back via voicenter")
    assert told.startswith("Extension 201 called at Paperphone (branch), and elsewhere it may be somebody else's")
    (card,) = desk.slack.channel("C1")
    await desk.press("missed:call_back", card, "C1")
    assert [(call.account, call.number) for call in await desk.calls()][1:] == [("branch", "201")]


async def test_call_back_and_call_again_call_an_extension_at_its_own_account(desk: Office) -> None:
    await missed_from_an_extension(desk)
    assert "Ringing your phone to call 201" in await desk.type("/call back")
    desk.board.providers = {"voicenter": desk.phone}  # the branch is closed
    await desk.type("/call again")
    assert "no telephony account “branch”" in await desk.press("call:yes", desk.slack.ephemerals[-1], "C1")
    assert [(call.account, call.number) for call in await desk.calls()][1:] == [("branch", "201")]


async def busy_card(desk: Office) -> Message:
    await desk.link("U1")
    await desk.type("/call +1 202 555 0123")
    await desk.happen(CdrReceived(ref="paper-1", at=desk.clock(), leg="customer", outcome=Outcome.BUSY))
    desk.clock.advance(60)
    return desk.conversation("U1")[0]


async def test_call_again_on_a_card_of_an_account_that_is_gone_calls_by_another(desk: Office) -> None:
    """As after /call again: there is no “via” to be chosen on a button. Nor is a line shown that is gone, by default
    either: `/phone show` says so already."""
    card = await busy_card(desk)
    branch = PaperPhone("branch", desk.clock)
    desk.board.providers = {"branch": branch}
    object.__setattr__(desk.board.settings, "lines", ())
    assert "Ringing your phone" in await desk.press("call:again", card, desk.slack.open_dm("U1").id)
    assert [(order.number, order.caller_id) for order in branch.orders] == [(CUSTOMER_NUMBER, "")]
    await branch.http.aclose()


@pytest.mark.parametrize("again", ["the button", "/call again"])
async def test_calling_again_from_a_line_that_moved_goes_by_its_account_now(desk: Office, again: str) -> None:
    card = await busy_card(desk)
    branch = PaperPhone("branch", desk.clock)
    desk.board.providers = {"voicenter": desk.phone, "branch": branch}
    (line,) = desk.board.settings.lines
    object.__setattr__(desk.board.settings, "lines", (dataclasses.replace(line, account="branch"),))
    if again == "the button":
        await desk.press("call:again", card, desk.slack.open_dm("U1").id)
    else:
        await desk.type(again)
        await desk.press("call:yes", desk.slack.ephemerals[-1], "C1")
    assert [(order.number, order.caller_id) for order in branch.orders] == [(CUSTOMER_NUMBER, LINE)]
    assert len(desk.phone.orders) == 1
    await branch.http.aclose()


async def test_of_a_colleagues_extension_at_an_account_that_is_gone_that_is_told(desk: Office) -> None:
    await desk.link("U1")
    await desk.link("U2", phone="201", phone_kind="extension", account="branch")
    told = await desk.type("/call <@U2|ben>")
    assert "has an extension at the account “branch”, which is not set up here any more, so nothing was" in told
    assert "Ask them to type `/phone`, or call their number." in told


async def test_ones_own_name_is_no_unknown_contact(desk: Office) -> None:
    await desk.link("U1", name="Ada Long")
    assert await desk.type("/call Ada Long") == "That is you. Nothing was dialled."


async def test_namesakes_among_colleagues_are_asked_about(desk: Office) -> None:
    await desk.link("U1", name="Sam Reed")
    for user in ("U0SAM1", "U0SAM2"):
        namesake = people.Person(user, "Sam Reed", phone_kind="number", phone=f"+1202555014{user[-1]}")
        await desk.board.write(people.save_person, namesake)
    told = await desk.type("/call Sam Reed")
    assert told == (
        "Several colleagues are called “Sam Reed”, so nothing was dialled. Mention the one you mean, or write the "
        "number: <@U0SAM1>, +1 202-555-0141; <@U0SAM2>, +1 202-555-0142."
    )
    for person in (
        people.Person("U0SAM1", "Sam Reed"),
        people.Person("U0SAM2", "Sam Reed", phone_kind="extension", phone="202"),
    ):
        await desk.board.write(people.save_person, person)
    assert "<@U0SAM1>, no phone; <@U0SAM2>, extension 202." in await desk.type("/call Sam Reed")
    assert not desk.phone.orders


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("/call abc123xyz", "No contact is called"),
        ("/call 911", "emergency"),
        ("/call +1 202 555 0190", "your own"),
        ("/call +33 1 42 68 53 00", "FR"),
        ("/call +1 900 555 0123", "premium-rate"),
        ("/call +1 202 555", "too short"),
        ("/call +1 202 555 0123 from Nowhere", "There is no line “Nowhere”"),
        ("/call +1 202 555 0123 via carrier", "There is no telephony account “carrier”"),
        ("/call +1 202 555 0123 max soon", "length of time"),
        ("/call <@U2|grace>", "has not linked a phone"),
        ("/call <@U1|ada>", "That is you"),
        ("/call back", "Nobody is waiting"),
        ("/call again", "not called anybody"),
        ("/call help", "calls back the latest missed caller"),
    ],
)
async def test_what_cannot_be_dialled_is_explained(desk: Office, line: str, words: str) -> None:
    await desk.link("U1")
    assert words in await desk.type(line)
    assert desk.phone.orders == []
    assert await desk.calls() == []


@pytest.mark.parametrize(
    ("line", "ending"),
    [
        ("/call +1 202 555", "is too short for a phone number. Check the digits. Nothing was dialled."),
        ("/call Noa Green via", f"quote the name. Nothing was dialled. {EXAMPLE}"),
    ],
)
async def test_what_was_not_understood_was_not_dialled(desk: Office, line: str, ending: str) -> None:
    assert (await desk.type(line)).endswith(ending)


async def test_without_a_linked_phone_nothing_is_dialled(desk: Office) -> None:
    assert "/phone link" in await desk.type("/call +1 202 555 0123")
    assert desk.phone.orders == []


async def test_do_not_call(desk: Office) -> None:
    await desk.link("U1")
    await desk.board.write(people.block, CUSTOMER_NUMBER, "asked us to stop", "U2", desk.clock())
    assert "asked us to stop" in await desk.type("/call +1 202 555 0123")
    assert desk.phone.orders == []


async def test_typing_it_twice_dials_once(desk: Office) -> None:
    await desk.link("U1")
    await desk.type("/call +1 202 555 0123")
    assert "already calling" in await desk.type("/call (202) 555-0123")
    assert len(desk.phone.orders) == 1


async def test_contacts_by_name(desk: Office) -> None:
    await desk.link("U1")
    await desk.contact(CUSTOMER_NUMBER, "Noa Green", "Green Gardens")
    await desk.contact("+12025550124", "Noah Grey")
    told = await desk.type("/call noa green")
    assert "Noa Green" in told
    assert desk.phone.orders[0].number == CUSTOMER_NUMBER


async def test_a_name_that_several_have_asks_which(desk: Office) -> None:
    await desk.link("U1")
    await desk.contact(CUSTOMER_NUMBER, "Noa Green")
    await desk.contact("+12025550124", "Noa Grey")
    assert "Whom shall I call" in await desk.type("/call noa")
    question = desk.slack.ephemerals[-1]
    await desk.press("call:pick:1", question, "C1")
    await desk.press("call:pick:1", question, "C1")
    assert [order.number for order in desk.phone.orders] == ["+12025550124"]


@pytest.mark.parametrize("name", ["Noa Green.", "noa green,", "Noa Green!", "Omer Katz.", "omer?"])
async def test_a_full_stop_behind_a_name_is_none_of_it(desk: Office, name: str) -> None:
    await desk.link("U1")
    await desk.link("U2", "+12025550144", name="Omer Katz")
    await desk.contact(CUSTOMER_NUMBER, "Noa Green")
    await desk.contact("+12025550124", "Green Inc.")
    assert "Ringing your phone to call " in await desk.type(f"/call {name}")
    assert "to call Green Inc." in await desk.type("/call Green Inc.")


@pytest.mark.parametrize(
    "text",
    ["number +1 202 555 0123", "📞 +1 202 555 0123", "Noa +1 202 555 0123 please", "please call 202-555-0123"],
)
async def test_words_around_a_number_are_said_to_be_too_many(desk: Office, text: str) -> None:
    await desk.link("U1")
    assert await desk.type(f"/call {text}") == (
        f"“{text}” is nobody's name, so nothing was dialled. Write the number alone: +1 202-555-0123."
    )
    assert desk.phone.orders == []


async def test_two_numbers_among_words_are_one_too_many(desk: Office) -> None:
    await desk.link("U1")
    told = await desk.type("/call either +1 202 555 0123 or +1 202 555 0124")
    assert told.endswith("is nobody's name, so nothing was dialled. Write one number alone, like +1 202-555-0123.")


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


async def test_more_namesakes_than_are_offered_are_not_passed_over_in_silence(desk: Office) -> None:
    await desk.link("U1")
    for number in range(5):
        await desk.contact(f"+1202555012{number}", f"Noa {number}")
    assert "There are more" not in await desk.type("/call noa")
    await desk.contact("+12025550125", "Noa 5")
    told = await desk.type("/call noa")
    assert "There are more: write more of the name, or the number." in told
    assert ("Noa 4" in told, "Noa 5" in told) == (True, False)


async def test_again_finds_the_last_call_also_after_many_messages(desk: Office) -> None:
    """And neither one before it nor one that they took."""
    await desk.link("U1", extension="201")
    await desk.type("/call +12025550102")
    desk.clock.advance(60)
    await desk.type("/call +12025550101")
    desk.clock.advance(60)
    at = desk.clock()
    took = CdrReceived(ref="in-1", at=at, leg="ext:201", outcome=Outcome.ANSWERED, talk_seconds=30, extension="201")
    await desk.happen(Described(ref="in-1", at=at, source="cdr", direction="in", number="+12025550177"), took)
    assert [call.rep for call in await desk.calls()] == ["U1"] * 3
    for number in range(25):
        heard = Requested(
            at=desk.clock() + 1, rep="U1", rep_phone="", number=f"+120255502{number:02}", purpose="message"
        )
        await desk.board.ingest("voicenter", [heard], call_id=f"{calls.new_id(desk.clock() + 1)}-{number}")
    desk.clock.advance(60)
    assert "+1 202-555-0101 again?" in await desk.type("/call again")
    desk.clock.advance(30 * 86400)
    assert "not called anybody in the last 30 days" in await desk.type("/call again")


async def test_again_asks_first_and_answers_once(desk: Office) -> None:
    await desk.link("U1")
    await desk.type("/call +1 202 555 0123")
    await desk.happen(CdrReceived(ref="paper-1", at=desk.clock(), leg="customer", outcome=Outcome.BUSY))
    assert "again?" in await desk.type("/call again")
    assert len(desk.phone.orders) == 1
    question = desk.slack.ephemerals[-1]
    await desk.press("call:yes", question, "C1")
    await desk.press("call:yes", question, "C1")
    assert len(desk.phone.orders) == 2


async def test_again_heeds_what_is_typed_behind_it(desk: Office) -> None:
    """A call that was to be recorded was not, and went out from another line."""
    await busy_card(desk)
    branch = PaperPhone("branch", desk.clock)
    desk.board.providers = {"voicenter": desk.phone, "branch": branch}
    other = "+12025550199"
    (line,) = desk.board.settings.lines
    lines = (line, dataclasses.replace(line, number=other, label="Support", account="branch"))
    object.__setattr__(desk.board.settings, "lines", lines)
    object.__setattr__(desk.board.settings, "recording", Recording(countries={"US": "ask"}))
    assert "again?" in await desk.type("/call again from Support max 5m record note about the invoice")
    assert "agreed" in await desk.press("call:yes", desk.slack.ephemerals[-1], "C1")
    await desk.press("call:yes", desk.slack.ephemerals[-1], "C1")
    (order,) = branch.orders
    assert (order.number, order.caller_id, order.max_seconds, order.record) == (CUSTOMER_NUMBER, other, 300, True)
    assert (await desk.calls())[-1].note == "about the invoice"
    desk.clock.advance(60)
    assert "no line “Nowhere”" in await desk.type("/call again from Nowhere")
    await branch.http.aclose()


async def test_again_by_another_account_leaves_its_line_behind(desk: Office) -> None:
    await busy_card(desk)
    branch = PaperPhone("branch", desk.clock)
    desk.board.providers = {"voicenter": desk.phone, "branch": branch}
    await desk.type("/call again via branch")
    await desk.press("call:yes", desk.slack.ephemerals[-1], "C1")
    assert [(order.number, order.caller_id) for order in branch.orders] == [(CUSTOMER_NUMBER, "")]
    await branch.http.aclose()


async def test_again_calls_an_extension_and_a_conference_where_they_are(desk: Office) -> None:
    asks = [
        Ask(rep="U1", number="201", extension=True, account="voicenter"),
        Ask(rep="U1", number=CUSTOMER_NUMBER, conference="4711", account="voicenter"),
    ]
    desk.board.providers = {"voicenter": desk.phone, "branch": desk.phone}
    for ask, what in zip(asks, ("extension 201", "conference 4711"), strict=True):
        with pytest.raises(BadInput, match=f"{what} at Paperphone"):
            heeding(desk.board, ask, who.CallText(who.Again(), provider="branch"))
        assert heeding(desk.board, ask, who.CallText(who.Again(), provider="voicenter", note="x")).note == "x"
    with pytest.raises(BadInput, match="takes “from”, “max” and “note” only"):
        heeding(desk.board, asks[1], who.CallText(who.Again(), record=True))


async def test_next_takes_nothing_more(desk: Office) -> None:
    assert "takes nothing more" in await desk.type("/call next note about the invoice")
    assert "no call list" in await desk.type("/call next")


async def test_a_choice_after_which_nobody_was_called_may_be_made_again(desk: Office) -> None:
    """Whoever is told to link a phone and call again presses what is still before them."""
    await desk.contact(CUSTOMER_NUMBER, "Noa Green")
    await desk.contact("+12025550124", "Noa Grey")
    await desk.type("/call noa")
    question = desk.slack.ephemerals[-1]
    assert "Link it with" in await desk.press("call:pick:1", question, "C1")
    await desk.link("U1")
    assert "Ringing your phone" in await desk.press("call:pick:1", question, "C1")
    assert [order.number for order in desk.phone.orders] == ["+12025550124"]
    told = await desk.press("call:pick:1", question, "C1")
    assert told == "That question was answered before, so nothing was done a second time. Ask again to do it once more."
    assert len(desk.phone.orders) == 1


async def test_a_press_that_slack_delivers_again_calls_nobody_whatever_came_of_it(desk: Office) -> None:
    await desk.contact(CUSTOMER_NUMBER, "Noa Green")
    await desk.contact("+12025550124", "Noa Grey")
    await desk.type("/call noa")
    question = desk.slack.ephemerals[-1]
    press = slack_requests.click(desk.slack, "call:pick:1", user="U1", channel="C1", ts=question.ts)
    await desk.send(press)
    await desk.link("U1")
    said = len(desk.slack.ephemerals)
    await desk.send(press)
    assert desk.phone.orders == []
    assert len(desk.slack.ephemerals) == said


@pytest.mark.parametrize(
    ("error", "told", "card"),
    [
        (
            Refused("Paperphone refused: no such extension.", code="3", words="x"),
            "no such extension",
            "no such extension",
        ),
        (
            Unavailable("Paperphone could not be reached, so nothing was done."),
            "could not be reached",
            "not be reached",
        ),
        (Ambiguous("Paperphone did not answer in time."), "did not answer in time", "Unclear"),
        (RuntimeError("a bug"), "failed while placing", "Unclear"),
    ],
)
async def test_a_failing_provider_is_told(desk: Office, error: Exception, told: str, card: str) -> None:
    await desk.link("U1")
    desk.phone.answer = error
    said = await desk.type("/call +1 202 555 0123")
    assert told in said
    assert card in desk.conversation("U1")[0].text
    asks = "Its card, in your conversation with Callboard, asks what became of it; it is not dialled again by itself."
    assert (asks in said) == (card == "Unclear")
    assert len(desk.phone.orders) == 1


async def test_hang_up_once(desk: Office) -> None:
    await desk.link("U1")
    await desk.type("/call +1 202 555 0123")
    await desk.happen(LegRinging(ref="paper-1", at=desk.clock(), leg=REP))
    (card,) = desk.conversation("U1")
    await desk.press("call:hang_up", card, desk.slack.open_dm("U1").id)
    assert len(desk.phone.hung_up) == 1
    assert "Hanging up" in desk.conversation("U1")[0].text


async def test_a_card_whose_record_is_late_does_not_end_a_later_call(desk: Office) -> None:
    class Switchboard(PaperPhone):
        """It ends what a phone is in."""

        @override
        def ends_too(self, call: Call, other: Call) -> bool:
            return call.rep_phone == other.rep_phone

    await desk.link("U1")
    phone = Switchboard("voicenter", desk.clock)
    desk.board.providers = {"voicenter": phone}
    await desk.type("/call +1 202 555 0123")
    await desk.happen(*(LegAnswered(ref="paper-1", at=desk.clock(), leg=leg) for leg in (REP, "customer")))
    desk.clock.advance(60)
    await desk.type("/call +1 202 555 0155")
    await desk.happen(LegAnswered(ref="paper-2", at=desk.clock(), leg=REP))
    later, stale = sorted(await desk.calls(), key=lambda call: -call.started_at)
    await controlling.hang_up(desk.board, stale.id, "U1")  # the later one only rings: a phone may have both
    assert phone.hung_up == [stale.id]
    desk.clock.advance(HANG_UP_SECONDS + 1)
    await desk.happen(LegAnswered(ref="paper-2", at=desk.clock(), leg="customer"))
    with pytest.raises(NotAllowed, match="by now that is another call"):
        await controlling.hang_up(desk.board, stale.id, "U1")
    await controlling.hang_up(desk.board, later.id, "U1")
    assert phone.hung_up == [stale.id, later.id]
    await phone.http.aclose()


async def test_hanging_up_that_had_no_effect_may_be_tried_again(desk: Office) -> None:
    await desk.link("U1")
    await desk.type("/call +1 202 555 0123")
    await desk.happen(LegRinging(ref="paper-1", at=desk.clock(), leg=REP))
    place = desk.slack.open_dm("U1").id
    await desk.press("call:hang_up", desk.conversation("U1")[0], place)

    async def look(seconds: float) -> str:
        desk.clock.advance(seconds)
        await jobs.tick(desk.board)
        await desk.settle()
        return str(desk.conversation("U1")[0].blocks)

    assert "call:hang_up" not in await look(HANG_UP_SECONDS - 1)
    with pytest.raises(NotAllowed, match="Nothing was done a second time"):
        await controlling.hang_up(desk.board, (await desk.calls())[0].id, "U1")
    assert "call:hang_up" in await look(2)
    assert "no end was told" in desk.conversation("U1")[0].text
    for presses in (2, 3):
        await desk.press("call:hang_up", desk.conversation("U1")[0], place)
        assert len(desk.phone.hung_up) == presses
        assert "call:hang_up" not in await look(1)  # and again it is awaited
        assert "call:hang_up" in await look(HANG_UP_SECONDS)
    await desk.happen(LegEnded(ref="paper-1", at=desk.clock(), leg=REP, outcome=Outcome.NO_ANSWER))
    assert "call:hang_up" not in await look(60)


async def test_the_form_says_what_is_wrong_and_then_calls(desk: Office) -> None:
    await desk.link("U1")
    await desk.type("/call")
    assert "who" in await desk.submit({"who": "911 what"})
    assert "max" in await desk.submit({"who": "+1 202 555 0123", "max": "soon"})
    announced = Recording(default="announce", announcement="This call is recorded.")
    object.__setattr__(desk.board.settings, "recording", announced)
    assert await desk.submit({"who": "+1 202 555 0123", "max": "30", "options": ["record"], "note": "hi"}) == {}
    (order,) = desk.phone.orders
    assert (order.max_seconds, order.record) == (1800, True)


async def test_a_callers_name_cannot_ring_the_channel(desk: Office) -> None:
    await desk.link("U1")
    await desk.contact(CUSTOMER_NUMBER, "<!channel> <https://evil.example|Bank>")
    await desk.type("/call +1 202 555 0123")
    text = desk.conversation("U1")[0].text
    assert "<!channel>" not in text
    assert "<https" not in text


async def test_the_form_offers_only_services_that_place_calls(desk: Office) -> None:
    exolve = provider_class("exolve")("exolve", {}, desk.phone.http, "US")
    desk.board.providers = {"voicenter": desk.phone, "second": PaperPhone("second", desk.clock), "exolve": exolve}
    await desk.type("/call")
    (view,) = desk.slack.views.values()
    assert "Paperphone (second)" in str(view.view)
    assert "Exolve" not in str(view.view)
    await desk.board.providers["second"].http.aclose()


signs = st.text(st.one_of(st.characters(codec="utf-8"), st.sampled_from('\x01"\\\n🧨')), max_size=2100)


@given(note=signs, name=st.text(max_size=80), scenario=st.text(max_size=100), typed=st.text("+ -()0", max_size=250))
def test_a_question_carries_the_whole_ask_with_as_much_of_the_note_as_fits(
    note: str, name: str, scenario: str, typed: str
) -> None:
    ask = Ask(rep="U1", number=CUSTOMER_NUMBER, name=name, typed=typed, scenario=scenario, note=note)
    value = carried(ask)
    assert len(value) <= VALUE_LIMIT
    found = msgspec.json.decode(value, type=Ask)
    assert msgspec.structs.replace(found, note="") == msgspec.structs.replace(ask, note="")
    if len(msgspec.json.encode(ask).decode()) <= VALUE_LIMIT:
        assert found == ask
    else:
        assert note.startswith(found.note.removesuffix("…"))
        assert len(value) > VALUE_LIMIT - 20


async def test_a_long_note_survives_the_question(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> None:
    note = "She said “" + 'well" ' * 140 + "”."
    async with office(tmp_path, fake_slack, slack_clock, SETTINGS.replace('"24:00"', '"00:01"')) as desk:
        await desk.link("U1")
        assert "Call anyway?" in await desk.type(f"/call +1 202 555 0123 note {note}")
        await desk.press("call:yes", desk.slack.ephemerals[-1], "C1")
        assert [order.number for order in desk.phone.orders] == [CUSTOMER_NUMBER]
        assert [call.note for call in await desk.calls()] == [note]


async def test_what_is_too_long_to_be_asked_about_is_said(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    async with office(tmp_path, fake_slack, slack_clock, SETTINGS.replace('"24:00"', '"00:01"')) as desk:
        await desk.link("U1")
        told = await desk.type(f"/call +1 202 555 0123 scenario {'x' * 2000}")
        assert told == "That is too long to be asked about, so nothing was dialled. Write less, or the number alone."
        assert desk.phone.orders == []


async def test_a_yes_that_comes_much_later_is_asked_for_anew(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    async with office(tmp_path, fake_slack, slack_clock, SETTINGS.replace('"24:00"', '"00:01"')) as desk:
        await desk.link("U1")
        await desk.type("/call +1 202 555 0123")
        question = desk.slack.ephemerals[-1]
        desk.clock.advance(YES_SECONDS + 60)
        assert "Call anyway?" in await desk.press("call:yes", question, "C1")
        assert desk.phone.orders == []
        await desk.press("call:yes", desk.slack.ephemerals[-1], "C1")
        assert [order.number for order in desk.phone.orders] == [CUSTOMER_NUMBER]


async def test_a_question_about_a_form_that_was_open_for_long_can_be_answered(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    """Slack takes answers to a command for half an hour; after that it is asked in the conversation."""
    async with office(tmp_path, fake_slack, slack_clock, SETTINGS.replace('"24:00"', '"00:01"')) as desk:
        await desk.link("U1")
        await desk.type("/call")
        desk.clock.advance(1801)
        assert await desk.submit({"who": "+1 202 555 0123"}) == {}
        (question,) = desk.conversation("U1")
        assert question.text.endswith("Call anyway?\nYou can: “Call now”.")
        await desk.press("call:yes", question, desk.slack.open_dm("U1").id)
        assert [order.number for order in desk.phone.orders] == [CUSTOMER_NUMBER]


async def test_which_namesake_is_asked_about_a_form_that_was_open_for_long(desk: Office) -> None:
    await desk.link("U1")
    await desk.contact(CUSTOMER_NUMBER, "Noa Green")
    await desk.contact("+12025550124", "Noa Grey")
    await desk.type("/call")
    desk.clock.advance(1801)
    assert await desk.submit({"who": "Noa"}) == {}
    (question,) = desk.conversation("U1")
    assert question.text == (
        "Several contacts have that name. Whom shall I call?\n"
        "You can: “Call Noa Green, +1 202-555-0123”, “Call Noa Grey, +1 202-555-0124”."
    )
    await desk.press("call:pick:1", question, desk.slack.open_dm("U1").id)
    assert [order.number for order in desk.phone.orders] == ["+12025550124"]


async def test_new_and_foreign_numbers_are_asked_about_once(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    settings = SETTINGS.replace("[policy]", '[policy]\nask_first = ["foreign", "new"]')
    async with office(tmp_path, fake_slack, slack_clock, settings) as desk:
        await desk.link("U1")
        assert "Nobody of ours has had a call with +1 202-555-0123 before" in await desk.type("/call +1 202 555 0123")
        assert desk.phone.orders == []
        await desk.press("call:yes", desk.slack.ephemerals[-1], "C1")
        assert [order.number for order in desk.phone.orders] == [CUSTOMER_NUMBER]
        await desk.happen(LegEnded(ref="paper-1", at=desk.clock(), leg=REP, outcome=Outcome.NO_ANSWER))
        desk.clock.advance(60)
        await desk.type("/call +1 202 555 0123")
        assert len(desk.phone.orders) == 2
        await desk.happen(LegEnded(ref="paper-2", at=desk.clock(), leg=REP, outcome=Outcome.NO_ANSWER))
        await desk.contact("+12025550133", "Sam Hill", "")
        await desk.type("/call Sam Hill")
        assert len(desk.phone.orders) == 3
        told = await desk.type("/call +44 7700 900123")
        assert "+44 7700 900123 is in another country (GB), where calls may cost more. Nobody of ours" in told
        assert len(desk.phone.orders) == 3


async def test_an_extension_behind_a_switchboard_is_dialled_also_when_called_again(desk: Office) -> None:
    await desk.link("U1")
    await desk.type("/call +1 202 555 0123 ext 42 note about the offer")
    (order,) = desk.phone.orders
    assert (order.number, order.dial_digits) == (CUSTOMER_NUMBER, "..42")
    card = desk.conversation("U1")[0]
    assert "dials 42 once they answer" in card.text
    await desk.happen(CdrReceived(ref="paper-1", at=desk.clock(), leg="customer", outcome=Outcome.BUSY))
    assert "again, and then dial 42?" in await desk.type("/call again")
    await desk.press("call:yes", desk.slack.ephemerals[-1], "C1")
    await desk.happen(CdrReceived(ref="paper-2", at=desk.clock(), leg="customer", outcome=Outcome.BUSY))
    desk.clock.advance(60)
    await desk.press("call:again", desk.conversation("U1")[1], desk.slack.open_dm("U1").id)
    assert [order.dial_digits for order in desk.phone.orders] == ["..42", "..42", "..42"]


async def test_a_service_that_cannot_dial_an_extension_behind_a_number_says_so(desk: Office) -> None:
    class Plain(PaperPhone):
        order_options = frozenset({"caller_id"})

    await desk.link("U1")
    plain = Plain("voicenter", desk.clock)
    desk.board.providers = {"voicenter": plain}
    assert await desk.type("/call +1 202 555 0123 ext 42") == (
        "Paperphone cannot dial 42 once they have answered. Nothing was dialled; call the number alone and press the "
        "keys on your phone."
    )
    desk.board.providers = {"voicenter": plain, "paper": desk.phone}
    assert "choose “via paper”, or call the number alone" in await desk.type("/call +1 202 555 0123 ext 42")
    assert plain.orders == desk.phone.orders == []
    await plain.http.aclose()


async def test_an_extension_behind_a_switchboard_has_a_field_of_the_form(desk: Office) -> None:
    await desk.link("U1")
    await desk.type("/call")
    assert "cannot be dialled" in (await desk.submit({"who": "+1 202 555 0123", "digits": "front desk"}))["digits"]
    assert await desk.submit({"who": "+1 202 555 0123", "digits": "1,,42#"}) == {}
    assert [order.dial_digits for order in desk.phone.orders] == ["..1....42#"]
    await desk.type("/call")
    assert await desk.submit({"who": "+1 202 555 0124 ext 7"}) == {}
    assert desk.phone.orders[1].dial_digits == "..7"


async def test_a_key_to_confirm_is_on_the_card(desk: Office) -> None:
    await desk.link("U1")
    object.__setattr__(desk.board.settings.accounts[0], "call", {"confirm_key": "any"})
    await desk.type("/call +1 202 555 0123")
    assert "Pick up and press any key, then" in desk.conversation("U1")[0].text
