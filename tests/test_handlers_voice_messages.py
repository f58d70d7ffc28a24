"""`/voicemsg` by signed Slack requests: every form of the command, its modals, the card's buttons, the results."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bot import jobs, message_batches, message_queue
from bot.board import CUT_OFF_SECONDS
from bot.call import HANG_UP_SECONDS
from bot.consent import Recording
from bot.errors import Ambiguous, NotAllowed, NotFound, Refused
from bot.events import Outcome
from bot.numbers import pretty
from bot.orders import Template
from bot.store import ledger, messages, people
from bot.store.people import Person
from handlers import exports
from handlers.voice_messages import Results
from tests import slack_requests
from tests.audit_lines import audit_log
from tests.fake_slack import FakeSlack
from tests.office import LINE, SETTINGS, Office, PaperPhone, office
from tests.slack_state import Clock, Message
from tests.speaker import Speaker, fails, hears, rings, speaker

ONE, TWO, THREE = "+12025550131", "+12025550132", "+12025550133"
BUSY_HOURS = SETTINGS.replace('hours = ["00:00", "24:00"]', 'hours = ["09:00", "18:00"]')


@pytest.fixture
async def desk(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> AsyncIterator[Office]:
    async with office(tmp_path, fake_slack, slack_clock, kind=Speaker) as desk:
        message_queue.watch(desk.board)
        await desk.contact(ONE, "Dana Levi")
        await desk.contact(TWO, "Noa Green", "Green Gardens")
        yield desk


def card(desk: Office, user: str = "U1") -> Message:
    """The latest message of a person's conversation that stands in no thread."""
    return next(message for message in reversed(desk.conversation(user)) if not message.thread_ts)


async def audit(desk: Office) -> list[str]:
    return [f"{who} {what} {subject}" for _, who, what, subject, _ in await desk.board.read(audit_log)]


async def test_a_text_to_one(desk: Office) -> None:
    told = await desk.type(
        '/voicemsg +1 202 555 0131 "Your order, number 5, is ready" language en-US voice female keys words'
    )
    assert "on its way" in told
    (order,) = speaker(desk).messages
    assert (order.number, order.text) == (ONE, "Your order, number 5, is ready")
    assert (order.language, order.voice, order.collect_digits, order.recognise) == ("en-US", "female", True, True)
    assert "Calling Dana Levi" in card(desk).text
    assert "“Your order, number 5, is ready” (en-US, female)" in card(desk).text
    await desk.happen(*rings(1, desk.clock()))
    await desk.happen(*hears(1, desk.clock(), keys="5", phrase="yes please"))
    assert "Dana Levi, +1 202-555-0131 heard the message" in card(desk).text
    assert "Pressed 5." in card(desk).text
    assert len(desk.conversation("U1")) == 1
    assert await audit(desk) == ["U1 voice message +12025550131", "U1 voice messages one recipient"]


async def test_a_form_that_is_closed_before_it_is_filled_is_no_incident(
    desk: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The phone service takes its time, and they do not want to send anything after all."""
    stored = speaker(desk).templates

    async def slowly() -> tuple[Template, ...]:
        desk.slack.views.clear()
        return await stored()

    monkeypatch.setattr(speaker(desk), "templates", slowly)
    assert await desk.type("/voicemsg") == ""
    assert desk.slack.views == {}
    assert desk.slack.ephemerals == []


async def test_hanging_up_a_message_that_had_no_effect_may_be_tried_again(desk: Office) -> None:
    await desk.type('/voicemsg Dana Levi "Hello"')
    await desk.happen(*rings(1, desk.clock()))
    for presses in (1, 2):
        await desk.press("call:hang_up", card(desk), "DU1")
        assert len(desk.phone.hung_up) == presses
        assert "call:hang_up" not in str(card(desk).blocks)
        desk.clock.advance(HANG_UP_SECONDS)
        await jobs.tick(desk.board)
        await desk.settle()


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (Outcome.BUSY, "was not reached\nBusy."),
        (Outcome.NO_ANSWER, "was not reached\nNo answer."),
        (Outcome.VOICEMAIL, "was not reached\nVoicemail took it."),
        (Outcome.ANSWERED, "picked up"),
    ],
)
async def test_how_a_single_one_ends(desk: Office, outcome: Outcome, words: str) -> None:
    await desk.type('/voicemsg Dana Levi "Hello"')
    await desk.happen(*fails(1, desk.clock(), outcome))
    assert words in card(desk).text


async def test_a_stored_message_by_name_and_by_id(desk: Office) -> None:
    await desk.type("/voicemsg Dana Levi welcome from Sales")
    await desk.type('/voicemsg Noa Green template "order READY" via Paperphone')
    await desk.type(f"/voicemsg {THREE} template 7")
    assert [(order.number, order.template, order.caller_id) for order in speaker(desk).messages] == [
        (ONE, "7", LINE),
        (TWO, "8", ""),
        (THREE, "7", ""),
    ]
    assert any("stored message “Order ready”" in message.text for message in desk.conversation("U1"))


async def test_many_are_shown_first_and_their_results_come_as_a_file(desk: Office) -> None:
    told = await desk.type(f'/voicemsg Dana Levi, +1 202 555 0132, {THREE}, {THREE} "Hello" keys', user="U2")
    assert "Nothing was sent yet" in told
    assert speaker(desk).messages == []
    preview = card(desk, "U2")
    assert "Send a voice message to 3 recipients?" in preview.text
    assert "3 of 3 can be called: Dana Levi, +1 202-555-0131; " in preview.text, "a name has a comma behind it itself"
    assert preview.text.count("+1 202-555-01") == 3  # whoever says yes sees to whom
    await desk.press("voicemsg:send", preview, "DU2", user="U2")
    assert len(speaker(desk).messages) == 3
    assert "3 being called" in card(desk, "U2").text
    await desk.happen(*hears(1, desk.clock(), keys="5"))
    await desk.happen(*hears(2, desk.clock(), phrase="=yes please"))
    await Results(desk.desk)()
    assert desk.slack.files == {}
    await desk.happen(*fails(3, desk.clock(), Outcome.BUSY))
    shown = card(desk, "U2")
    for words in (
        "Sent: a voice message to 3 recipients",
        "3 of 3 done",
        "2 heard it",
        "1 not reached",
        "Pressed 5: 1",
    ):
        assert words in shown.text
    assert "Answered in words: 1" in shown.text
    assert len([message for message in desk.conversation("U2") if not message.thread_ts]) == 1
    for _ in range(2):
        await Results(desk.desk)()
    (file,) = desk.slack.files.values()
    assert (file.channel, file.thread_ts) == ("DU2", shown.ts)
    rows = list(csv.DictReader(io.StringIO((file.content or b"").decode("utf-8-sig"))))
    assert [(row["number"], row["name"], row["result"], row["keys pressed"], row["words spoken"]) for row in rows] == [
        (pretty(ONE), "Dana Levi", "heard it to the end", "5", ""),
        (pretty(TWO), "Noa Green", "heard it to the end", "", "'=yes please"),
        (pretty(THREE), "", "not reached", "", ""),
    ]
    assert rows[2]["details"] == "busy"
    await desk.press("voicemsg:csv", shown, "DU2", user="U2")
    assert len(desk.slack.files) == 2
    log = await desk.board.read(audit_log)
    exports = [(who, subject, detail.split()[0]) for _, who, what, subject, detail in log if "export" in what]
    assert exports == [("U2", "3 recipients", "voicenter"), ("", "3 recipients", "voicenter")]


async def test_results_that_cannot_be_attached_are_told_once(desk: Office) -> None:
    await desk.type(f'/voicemsg {ONE}, {TWO} "Hello"', user="U2")
    await desk.press("voicemsg:send", card(desk, "U2"), "DU2", user="U2")
    for number in (1, 2):
        await desk.happen(*fails(number, desk.clock(), Outcome.BUSY))
    desk.slack.fail_next("files.completeUploadExternal", "file_uploads_disabled")
    for _ in range(2):
        await Results(desk.desk)()
        await desk.settle()
    told = [message.text for message in desk.conversation("U2") if "could not be attached" in message.text]
    assert len(told) == 1
    assert "Its card has a button" in told[0]


async def test_results_whose_upload_was_cut_off_are_told_of(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a kill would: neither done nor failed. What was attached is not spoken of."""

    async def dies(*_: object, **__: object) -> None:
        raise asyncio.CancelledError

    for number, whom, cut in ((1, f"{ONE}, {TWO}", True), (3, f"{THREE}, +12025550134", False)):
        await desk.type(f'/voicemsg {whom} "Hello"', user="U2")
        await desk.press("voicemsg:send", card(desk, "U2"), "DU2", user="U2")
        for sent in (number, number + 1):
            await desk.happen(*fails(sent, desk.clock(), Outcome.BUSY))
        with monkeypatch.context() as patch, suppress(asyncio.CancelledError):
            if cut:
                patch.setattr(exports, "upload", dies)
            await Results(desk.desk)()
        for _ in range(2):
            desk.clock.advance(CUT_OFF_SECONDS)
            await Results(desk.desk)()
            await desk.settle()
    told = [message.text for message in desk.conversation("U2") if "may not have been attached" in message.text]
    assert len(told) == 1
    assert len(desk.slack.files) == 1


async def test_a_preview_is_discarded(desk: Office) -> None:
    await desk.type(f'/voicemsg {ONE}, {TWO} "Hello"', user="U2")
    preview = card(desk, "U2")
    await desk.press("voicemsg:drop", preview, "DU2", user="U2")
    assert "Discarded" in card(desk, "U2").text
    assert speaker(desk).messages == []
    assert "U2 stop voice messages 2 unsent" in await audit(desk)


async def test_stopped_while_it_runs(desk: Office) -> None:
    await desk.type("/voicemsg " + ", ".join(f"+120255501{n}" for n in range(30, 36)) + ' "Hello"', user="U2")
    await desk.press("voicemsg:send", card(desk, "U2"), "DU2", user="U2")
    assert "Nobody more is called" in await desk.press("voicemsg:stop", card(desk, "U2"), "DU2", user="U2")
    for number in (1, 2, 3):
        await desk.happen(*hears(number, desk.clock()))
    assert len(speaker(desk).messages) == 3
    text = card(desk, "U2").text
    assert "Stopped: a voice message to 6 recipients" in text
    assert "3 stopped before they were called" in text
    assert "Stopped by U2" in text


async def test_paused_it_calls_nobody_more_until_it_is_resumed(desk: Office) -> None:
    await desk.type("/voicemsg " + ", ".join(f"+120255501{n}" for n in range(30, 36)) + ' "Hello"', user="U2")
    await desk.press("voicemsg:send", card(desk, "U2"), "DU2", user="U2")
    await desk.press("voicemsg:pause", card(desk, "U2"), "DU2", user="U2")
    for number in (1, 2, 3):
        await desk.happen(*hears(number, desk.clock()))
    await message_queue.due(desk.board)
    assert len(speaker(desk).messages) == 3
    text = card(desk, "U2").text
    for words in ("Paused: a voice message to 6 recipients", "until somebody presses Resume", "3 waiting"):
        assert words in text
    assert "paused" in await desk.type("/voicemsg scheduled", user="U2")

    await desk.press("voicemsg:resume", card(desk, "U2"), "DU2", user="U2")
    assert len(speaker(desk).messages) == 6
    assert "Sending: a voice message to 6 recipients" in card(desk, "U2").text
    assert "U2 pause voice messages 3 unsent" in await audit(desk)
    assert "U2 resume voice messages 3 unsent" in await audit(desk)


async def test_only_whoever_sends_it_or_a_manager_pauses(desk: Office) -> None:
    await desk.type("/voicemsg " + ", ".join(f"+120255501{n}" for n in range(30, 36)) + ' "Hello"', user="U2")
    await desk.press("voicemsg:send", card(desk, "U2"), "DU2", user="U2")
    ((batch, *_),) = await desk.board.read(messages.waiting)
    with pytest.raises(NotAllowed, match="or a manager"):
        await message_batches.pause(desk.board, "U4", batch.id)
    with pytest.raises(NotFound, match="gone on meanwhile"):
        await message_batches.resume(desk.board, "U2", batch.id)


async def test_outside_of_their_hours_it_asks_to_schedule(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    async with office(tmp_path, fake_slack, slack_clock, BUSY_HOURS, kind=Speaker) as desk:
        assert "Nothing was sent yet" in await desk.type(f'/voicemsg {ONE} "Hello"')
        preview = card(desk)
        assert "tomorrow 09:00 their time (15:00)" in preview.text
        await desk.press("voicemsg:send", preview, "DU1")
        assert "is scheduled" in card(desk).text
        assert "1. +1 202-555-0131, waits until 15:00" in await desk.type("/voicemsg scheduled")
        assert "No voice message waits" in await desk.type("/voicemsg scheduled", user="U4")
        listed = await desk.type("/voicemsg scheduled", user="U2")
        assert "by U1" in listed
        await desk.press("voicemsg:stop", desk.slack.ephemerals[-1], "C1", user="U2")
        assert "Cancelled" in card(desk).text
        assert "By U2; nobody was called." in card(desk).text
        desk.clock.advance(86400)
        await message_queue.due(desk.board)
        assert speaker(desk).messages == []


@pytest.mark.parametrize(
    ("at", "hours"),
    [
        ("at 20:00", 16.3),
        ("at 8 pm", 16.3),
        ("at tomorrow 9am", 29.3),
        ("at tomorrow 09:00", 29.3),
        ("at 2026-02-04 09:00", 53.3),
        ("at 03:00", 23.3),
    ],
)
async def test_sent_later_by_the_senders_clock(desk: Office, at: str, hours: float) -> None:
    await desk.board.write(people.save_person, Person("U1", zone="Europe/Madrid"))
    told = await desk.type(f'/voicemsg {ONE} "Hello" {at}')
    assert told.startswith("The voice message is scheduled.")
    ((_, _, first),) = await desk.board.read(messages.waiting)
    assert (first.due_at - desk.clock()) / 3600 == pytest.approx(hours, abs=0.1)


async def test_the_last_evening_of_the_calendar_is_too_far_ahead(desk: Office) -> None:
    """West of Greenwich it is no moment that a clock can tell."""
    await desk.board.write(people.save_person, Person("U1", zone="America/New_York"))
    told = await desk.type(f'/voicemsg {ONE} "Hello" at 9999-12-31 23:59')
    assert told == "That date is too far ahead, so nothing was set. Pick an earlier one."
    assert desk.conversation("U1") == []


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


async def test_the_same_command_twice_is_one(desk: Office) -> None:
    signed = slack_requests.slash_command(desk.slack, "/voicemsg", f'{ONE} "Hello"')
    await desk.send(signed)
    await desk.send(signed)
    assert len(speaker(desk).messages) == 1
    assert len(desk.conversation("U1")) == 1


async def test_colleagues_are_called_on_their_phone(desk: Office) -> None:
    await desk.link("U2", THREE)
    await desk.type('/voicemsg <@U2|grace> "Can you come?"')
    assert [order.number for order in speaker(desk).messages] == [THREE]


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


# Stored messages


async def test_stored_messages_are_listed_and_shown(desk: Office) -> None:
    listed = await desk.type("/voicemsg templates")
    assert "Welcome: id 7; key 1 puts through to +1 202-555-0100" in listed
    assert "Order ready: id 8" in listed
    assert "sound 1968" in await desk.type("/voicemsg templates show Order ready")
    speaker(desk).stored["8"] = msgspec.structs.replace(speaker(desk).stored["8"], name="Q&A")
    assert "sound 1968" in await desk.type("/voicemsg templates show q&amp;a")
    speaker(desk).fault = Refused("The key is wrong.")
    assert "The key is wrong." in await desk.type("/voicemsg templates")


async def test_a_message_is_stored_and_deleted(desk: Office) -> None:
    await desk.type("/voicemsg templates add", user="U2")
    wrong = {"name": "Closed", "media": "1970", "digit": "5"}
    assert "number" in await desk.submit(wrong, user="U2")
    assert "number" in await desk.submit({"name": "Closed", "media": "1970", "number": "+1 202 555 0100"}, user="U2")
    for number, words in (("+1 900 555 0123", "premium-rate"), ("+90 555 000 00 01", "is in TR")):
        assert words in (await desk.submit(wrong | {"number": number}, user="U2"))["number"]
    assert await desk.submit(wrong | {"number": "+1 202 555 0100"}, user="U2") == {}
    assert "stored the message “Closed” (id 9)" in desk.told
    assert speaker(desk).stored["9"].redirect_number == "+12025550100"
    await desk.type("/voicemsg templates delete closed", user="U2")
    assert "9" in speaker(desk).stored
    await desk.press("template:delete", desk.slack.ephemerals[-1], "C1", user="U2")
    assert "9" not in speaker(desk).stored
    assert await audit(desk) == ["U2 delete voice message 9", "U2 store voice message Closed"]


@pytest.mark.parametrize(
    ("error", "fate"),
    [
        (Ambiguous("Paperphone did not answer in time."), "unclear"),
        (Refused("Paperphone refused: in use.", words="in use"), "not done"),
    ],
)
async def test_what_became_of_a_stored_message_is_in_the_audit_log(desk: Office, error: Exception, fate: str) -> None:
    phone = speaker(desk)
    phone.storing = [error, error]
    await desk.type("/voicemsg templates add", user="U2")
    assert await desk.submit({"name": "Closed", "media": "1970"}, user="U2") == {}
    assert str(error) in desk.conversation("U2")[-1].text
    await desk.type("/voicemsg templates delete welcome", user="U2")
    assert str(error) in await desk.press("template:delete", desk.slack.ephemerals[-1], "C1", user="U2")
    log = [line[1:] for line in await desk.board.read(audit_log)]
    assert log == [
        ("U2", "delete voice message", "7", f"voicenter {fate}: {error}"),
        ("U2", "store voice message", "Closed", f"voicenter {fate}: {error}"),
    ]


async def test_a_service_that_lists_none_takes_names_as_typed(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    class Silent(PaperPhone):
        message_options = frozenset({"template", "text", "caller_id"})
        send_message = Speaker.send_message  # borrowed: it needs only `messages` and `answers`

        def __init__(self, *given: object) -> None:
            super().__init__(*given)  # type: ignore[arg-type]
            self.messages: list[object] = []
            self.answers: list[object] = []

    async with office(tmp_path, fake_slack, slack_clock, kind=Silent) as desk:
        assert "does not list its stored messages" in await desk.type("/voicemsg templates")
        await desk.type(f"/voicemsg {ONE} template 101")
        assert [order.template for order in desk.phone.messages] == ["101"]  # type: ignore[attr-defined]
        told = await desk.type(f'/voicemsg {TWO} "Hello" keys')
        assert "with these options: keys. Nothing was dialled" in told
        assert "lets Callboard store messages" in await desk.type("/voicemsg templates add", user="U2")


# The form


async def test_the_form_sends_what_was_pasted(desk: Office) -> None:
    await desk.type("/voicemsg", user="U2")
    pasted = f"name;phone\nIda;{THREE}\n{TWO}\nDana Levi\n"
    assert "to" in await desk.submit({"to": "Nobody Known", "text": "Hello"}, user="U2")
    assert "text" in await desk.submit({"to": pasted, "text": "Hello", "stored": "voicenter/7"}, user="U2")
    assert "text" in await desk.submit({"to": pasted}, user="U2")
    assert "time" in await desk.submit({"to": pasted, "text": "Hello", "time": "late"}, user="U2")
    assert await desk.submit({"to": pasted, "stored": "voicenter/8", "listen": ["keys"]}, user="U2") == {}
    await desk.press("voicemsg:send", card(desk, "U2"), "DU2", user="U2")
    assert [(order.number, order.template, order.collect_digits) for order in speaker(desk).messages] == [
        (THREE, "8", True),
        (TWO, "8", True),
        (ONE, "8", True),
    ]
    assert {call.name for call in await desk.calls()} == {"Ida", "Noa Green", "Dana Levi"}


async def test_the_form_asks_for_the_limits_and_for_recording_where_that_may_be(desk: Office) -> None:
    await desk.type("/voicemsg")
    blocks = {block["block_id"]: block for block in shown(desk)}
    assert blocks["limits"]["element"]["placeholder"]["text"] == "ring 20s max 1m"
    assert [box["value"] for box in blocks["listen"]["element"]["options"]] == ["keys", "words"]  # no rule lets it
    assert "limits" in await desk.submit({"to": ONE, "text": "Hello", "limits": "for a while"})
    assert await desk.submit({"to": ONE, "text": "Hello", "limits": "max 1m ring 20s"}) == {}
    recording = Recording(countries={"US": "announce"}, announcement="This call is recorded.")
    desk.board.settings = replace(desk.board.settings, recording=recording)
    await desk.type("/voicemsg")
    assert "Record it, once that was announced" in str(shown(desk))
    assert "listen" in await desk.submit({"to": TWO, "stored": "voicenter/7", "listen": ["record"]})
    assert await desk.submit({"to": TWO, "text": "Hello", "listen": ["record"]}) == {}
    assert [(order.ring_seconds, order.max_seconds, order.record) for order in speaker(desk).messages] == [
        (20, 60, False), (None, None, True),
    ]  # fmt: skip


async def test_the_form_offers_only_what_a_service_can(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    class Ringer(Speaker):
        message_options = frozenset({"template", "ring_seconds", "record"})

    async with office(tmp_path, fake_slack, slack_clock, kind=Ringer) as desk:
        recording = Recording(default="announce", announcement="This call is recorded.")
        desk.board.settings = replace(desk.board.settings, recording=recording)
        await desk.type("/voicemsg")
        blocks = {block["block_id"]: block for block in shown(desk)}
        assert blocks["limits"]["element"]["placeholder"]["text"] == "ring 20s"
        assert "listen" not in blocks  # it speaks no announcement


def shown(desk: Office) -> list[dict[str, Any]]:
    """The blocks of the form that is open."""
    (view,) = desk.slack.views.values()
    return list(view.view["blocks"])


async def test_a_form_that_is_sent_again_because_slack_saw_no_answer_is_one_message(desk: Office) -> None:
    desk.board.settings = replace(desk.board.settings, policy=replace(desk.board.settings.policy, attempts_per_day=5))
    await desk.type("/voicemsg")
    (view,) = desk.slack.views
    sent = [
        await desk.send(slack_requests.submit(desk.slack, view, {"to": ONE, "text": "Hello"}))  # each with its trigger
        for _ in range(2)
    ]
    assert "was sent before; nothing was sent a second time" in str(sent[1])
    assert len(speaker(desk).messages) == 1


async def test_the_shortcut_opens_the_form_and_answers_in_the_conversation(desk: Office) -> None:
    await desk.send(slack_requests.shortcut(desk.slack, "send_voice_message"))
    assert await desk.submit({"to": "Dana Levi", "text": "Hello", "day": "2026-02-03", "time": "10:30 p.m."}) == {}
    texts = [message.text for message in desk.conversation("U1")]
    assert any("is scheduled" in text for text in texts)
    assert any("on its way" in text or "scheduled" in text for text in texts)


async def test_the_form_says_when_the_service_cannot_be_asked(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    async with office(tmp_path, fake_slack, slack_clock) as desk:
        await desk.type("/voicemsg")
        (view,) = desk.slack.views.values()
        assert "None of your phone services can send" in str(view.view["blocks"])
        assert await desk.type("/voicemsg templates") == (
            "Stored voice messages\nNone of your phone services can send voice messages."
        )


async def test_a_number_in_a_message_is_called_from_the_form(desk: Office) -> None:
    await desk.send(
        slack_requests.shortcut(desk.slack, "call_number", text="Ring <tel:+12025550131|+1 202 555 0131> before 2026")
    )
    (view,) = desk.slack.views.values()
    assert "+1 202-555-0131" in str(view.view["blocks"])
    desk.slack.views.clear()
    await desk.send(slack_requests.shortcut(desk.slack, "call_number", text="Ring 202-555-0131 ext. 42, please"))
    (view,) = desk.slack.views.values()
    assert "+1 202-555-0131 ext 42" in str(view.view["blocks"])
    desk.slack.views.clear()
    await desk.send(slack_requests.shortcut(desk.slack, "call_number", text="Nothing here, order 12"))
    assert "no phone number in that message" in desk.told
