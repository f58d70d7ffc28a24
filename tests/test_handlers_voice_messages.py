"""`/voicemsg` by signed Slack requests: what is sent, the card and its buttons, the results."""

import asyncio
import csv
import io
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from bot import jobs, message_batches, message_queue
from bot.board import CUT_OFF_SECONDS
from bot.call import HANG_UP_SECONDS
from bot.errors import NotAllowed, NotFound
from bot.events import Outcome
from bot.numbers import pretty
from bot.store import messages, people
from bot.store.people import Person
from handlers import exports
from handlers.voice_messages import Results
from tests import slack_requests
from tests.audit_lines import audit_log
from tests.fake_slack import FakeSlack
from tests.office import LINE, SETTINGS, Office, office
from tests.slack_state import Clock
from tests.speaker import Speaker, fails, hears, rings, speaker
from tests.voicemsg_desk import ONE, THREE, TWO, audit, card, desk

__all__ = ["desk"]  # a fixture

BUSY_HOURS = SETTINGS.replace('hours = ["00:00", "24:00"]', 'hours = ["09:00", "18:00"]')


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


async def test_results_of_a_card_that_somebody_deleted_come_by_the_button_of_the_new_one(desk: Office) -> None:
    await desk.type(f'/voicemsg {ONE}, {TWO} "Hello"', user="U2")
    await desk.press("voicemsg:send", card(desk, "U2"), "DU2", user="U2")
    await desk.happen(*fails(1, desk.clock(), Outcome.BUSY), *fails(2, desk.clock(), Outcome.BUSY))
    desk.slack.delete("DU2", card(desk, "U2").ts)
    await Results(desk.desk)()
    for _ in range(3):
        desk.clock.advance(3)
        await desk.settle()
    (told,) = [message.text for message in desk.conversation("U2") if "could not be attached" in message.text]
    assert "The message that the file belongs below was deleted" in told
    (anew,) = [message for message in desk.conversation("U2") if "voicemsg:csv" in str(message.blocks)]
    await desk.press("voicemsg:csv", anew, "DU2", user="U2")
    assert [message.thread_ts for message in desk.conversation("U2") if message.files] == [anew.ts]


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
    assert await desk.press("voicemsg:drop", preview, "DU2", user="U2") == "Discarded; nobody was called."
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


async def test_who_is_no_manager_any_more_sends_none_of_what_only_managers_may(desk: Office) -> None:
    await desk.type("/voicemsg " + ", ".join(f"+120255501{n}" for n in range(30, 36)) + ' "Hello"', user="U2")
    demoted = replace(desk.board.settings, managers=())
    was, desk.board.settings = desk.board.settings, demoted
    told = await desk.press("voicemsg:send", card(desk, "U2"), "DU2", user="U2")
    assert "Only managers may send a voice message to more than one recipient, so nothing was sent" in told
    desk.board.settings = was
    await desk.press("voicemsg:send", card(desk, "U2"), "DU2", user="U2")
    desk.clock.advance(2)
    await desk.press("voicemsg:pause", card(desk, "U2"), "DU2", user="U2")
    desk.board.settings = demoted
    assert "Only managers may" in await desk.press("voicemsg:resume", card(desk, "U2"), "DU2", user="U2")
    ((batch, *_),) = await desk.board.read(messages.waiting)
    assert batch.state == "paused"
    desk.clock.advance(2)
    await desk.press("voicemsg:stop", card(desk, "U2"), "DU2", user="U2")
    assert await desk.board.read(messages.waiting) == []


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
