"""Where `/call` may mean several, it asks whom; one choice calls once."""

import pytest

from bot.store import contacts, people
from tests import slack_requests
from tests.office import Office

CUSTOMER_NUMBER = "+12025550123"


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


async def test_a_name_that_several_have_asks_which(desk: Office) -> None:
    await desk.link("U1")
    await desk.contact(CUSTOMER_NUMBER, "Noa Green")
    await desk.contact("+12025550124", "Noa Grey")
    assert "Whom shall I call" in await desk.type("/call noa")
    question = desk.slack.ephemerals[-1]
    await desk.press("call:pick:1", question, "C1")
    await desk.press("call:pick:1", question, "C1")
    assert [order.number for order in desk.phone.orders] == ["+12025550124"]


async def test_more_namesakes_than_are_offered_are_not_passed_over_in_silence(desk: Office) -> None:
    await desk.link("U1")
    for number in range(5):
        await desk.contact(f"+1202555012{number}", f"Noa {number}")
    assert "There are more" not in await desk.type("/call noa")
    await desk.contact("+12025550125", "Noa 5")
    told = await desk.type("/call noa")
    assert "There are more: write more of the name, or the number." in told
    assert ("Noa 4" in told, "Noa 5" in told) == (True, False)


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
