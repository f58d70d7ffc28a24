"""`/voicemsg` that cannot be: what is said and that nothing is sent; whom a name means."""

import pytest

from bot.orders import Template
from bot.store import ledger
from tests.office import Office
from tests.speaker import speaker
from tests.voicemsg_desk import ONE, THREE, desk

__all__ = ["desk"]  # a fixture


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("+1 202 555 0131", "Say what to play"),
        ('"Hello"', "Say what to play"),
        ("Dana Levi nonsense", "There is no stored message “nonsense”, so nothing was sent. There are: Welcome, Order"),
        ('Nobody Known "Hello"', "No contact is called “Nobody Known”"),
        ('ext 12 "Hello"', "cannot be sent a voice message"),
        ('911 "Hello"', "“911” is an emergency number, and Callboard never calls those. Nothing was sent."),
        ('+1 202 555 0131 "Hello', "never closed"),
        ('+1 202 555 0131 "Hello" via nobody', "There is no telephony account “nobody”"),
        ('+1 202 555 0131 "Hello" from Nowhere', "There is no line “Nowhere”"),
        ('+1 202 555 0131 "Hello" at 25:00', "“25:00” is not a time of day"),
        (
            '+1 202 555 0131 "Hello" at 5.2.2026 09:00',
            "“5.2.2026 09:00” is no time, so nothing was sent. Write it like 14:30, 6pm, tomorrow 09:00 or 20",
        ),
        ('+1 202 555 0131 "Hello" at 2020-01-01 10:00', "already past"),
        ('+1 202 555 0131 "Hello" keys keys', "given twice"),
        ('+1 202 555 0131 "Hello" voice', "“voice” needs a voice"),
        ('+1 900 555 0131 "Hello"', "premium-rate"),
        ('+33 6 12 34 56 78 "Hello"', "is in FR"),
        (
            '+1 202 555 0131, +1 202 555 0132 "Hello"',
            "Only managers may send a voice message to more than one recipient",
        ),
        ('<#C1|calls> "Hello"', "cannot be called: name a person or a number. Nothing was sent. Example: "),
        (
            "Dana Levi your order is  ready",
            "No contact is called “Dana Levi your order is”, so nothing was sent. A text to be spoken goes in quotes: "
            '`/voicemsg Dana Levi "your order is ready"`.',
        ),
        ("dana hello there", 'goes in quotes: `/voicemsg dana "hello there"`.'),
        ('"Somebody Else" hello', "No contact is called “Somebody Else”, so nothing was sent."),
        ("somebody hello there", 'goes in quotes: `/voicemsg +1 202 555 0100 "Your order is ready"`.'),
        ("+1 202 555 0131 your order is ready", "There are: Welcome, Order ready. A text to be spoken goes in quotes."),
        ('"Hello" Dana Levi', "First say whom to call, then what is played. Nothing was sent. Example: "),
        ('"Hello" Noa Green keys', "First say whom to call, then what is played. Nothing was sent. Example: "),
        ("templates show nothing", "There is no stored message “nothing”"),
        ("templates sing", "templates show NAME"),
        ("templates add", "Only managers may change stored messages"),
        ("templates delete welcome", "Only managers may change stored messages"),
    ],
)
async def test_what_is_refused_says_why(desk: Office, line: str, words: str) -> None:
    assert words in await desk.type(f"/voicemsg {line}")
    assert speaker(desk).messages == []
    assert desk.conversation("U1") == []
    assert await desk.board.read(ledger.open_intents) == []


async def test_words_without_quotes_behind_a_colleagues_name(desk: Office) -> None:
    await desk.link("U2", THREE, name="Grace Hall")
    assert 'in quotes: `/voicemsg hall "can you come"`.' in await desk.type("/voicemsg hall can you come")


async def test_of_many_stored_messages_a_few_are_named(desk: Office) -> None:
    speaker(desk).stored = {str(n): Template(id=str(n), name=f"Order {n}") for n in range(7)}
    told = await desk.type("/voicemsg Dana Levi nonsense")
    assert told.endswith("There are: Order 0, Order 1, Order 2, Order 3, Order 4 and more, see `/voicemsg templates`.")


async def test_two_contacts_of_one_name(desk: Office) -> None:
    await desk.contact(THREE, "Dana Levi")
    assert "Several contacts are called “Dana Levi”" in await desk.type('/voicemsg Dana Levi "Hello"')


@pytest.mark.parametrize("line", ["Noa Green", "noa green", "Dana Levi, Noa Green", "Noa Green keys", "Grace  Hall"])
async def test_a_whole_name_is_a_command_without_its_message(desk: Office, line: str) -> None:
    """Not the message “Green” to somebody called Noa."""
    await desk.link("U2", THREE, name="Grace Hall")
    told = await desk.type(f"/voicemsg {line}", user="U9")
    name = "Grace Hall" if "Grace" in line else "Noa Green"
    assert told.casefold().startswith(f"say what to play to {name}: ".casefold())
    assert f'`/voicemsg {name} "your order is ready"`'.casefold() in told.casefold()
    word = name.partition(" ")[2]
    assert f"If “{word}” is a stored message, write “template {word}”.".casefold() in told.casefold()
    assert "Nothing was sent." in told
    assert speaker(desk).messages == []
    assert await desk.board.read(ledger.open_intents) == []


async def test_a_stored_message_that_there_is_goes_before_a_whole_name(desk: Office) -> None:
    await desk.contact(THREE, "Dana Welcome")
    await desk.contact(ONE, "Dana")
    await desk.type("/voicemsg Dana welcome")
    await desk.type("/voicemsg Noa template Green")
    assert [(order.number, order.template) for order in speaker(desk).messages] == [(ONE, "7")]
    assert "There is no stored message “Green”" in desk.told


async def test_colleagues_are_found_by_their_first_or_last_name(desk: Office) -> None:
    await desk.link("U2", THREE, name="Dana Hall")
    told = await desk.type('/voicemsg Dana "Can you come?"')
    assert "Several contacts and colleagues are called “Dana”" in told
    await desk.type('/voicemsg Hall "Can you come?"')
    assert [order.number for order in speaker(desk).messages] == [THREE]


async def test_a_part_of_a_word_is_no_name(desk: Office) -> None:
    told = await desk.type('/voicemsg Dan "Hello"')
    assert told.startswith("No contact is called “Dan”, so nothing was dialled. Did you mean Dana Levi?")
    assert speaker(desk).messages == []
