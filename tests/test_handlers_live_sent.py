"""What is sent into a running call: keys, messages, questions, tags; and what was heard."""

import pytest

from bot.errors import Unavailable
from bot.events import Heard
from bot.orders import Prompt, Speech
from tests.audit_lines import audit_log
from tests.live_desk import desk, phone, press, talking, thread
from tests.office import Office

__all__ = ["desk"]  # a fixture


async def test_keys_are_pressed_one_after_the_other(desk: Office) -> None:
    await talking(desk)
    await press(desk, "press_key")
    assert "keys 0-9" in (await desk.submit({"keys": "12a"}))["keys"]
    assert await desk.submit({"keys": "1 2#"}) == {}
    assert phone(desk).done == [("press_key", "1"), ("press_key", "2"), ("press_key", "#")]
    assert thread(desk) == ["U1 pressed 12#."]


@pytest.mark.parametrize("typed", ["１２#", "١٢#", "1-2 #", "\u202a1\u00a02‑#\u202c"])
async def test_keys_as_they_are_typed_elsewhere_or_pasted(desk: Office, typed: str) -> None:
    await talking(desk)
    await press(desk, "press_key")
    assert await desk.submit({"keys": typed}) == {}
    assert [key for _, key in phone(desk).done] == ["1", "2", "#"]


async def test_how_many_keys_were_pressed_is_told_where_not_all_were(desk: Office) -> None:
    await talking(desk)
    await press(desk, "press_key")
    assert "keys 0-9" in (await desk.submit({"keys": "  "}))["keys"]
    phone(desk).fault, phone(desk).good = Unavailable("Paperphone did not answer."), 2
    await desk.submit({"keys": "12345"})
    assert "Only 2 of 5 keys were pressed for certain." in desk.conversation("U1")[-1].text
    assert (await desk.board.read(audit_log))[0][4].partition(" ")[2].startswith("5 keys unclear: Only 2")


async def test_what_may_be_a_secret_is_pressed_and_nowhere_written_down(desk: Office) -> None:
    await talking(desk)
    await press(desk, "press_key")
    assert await desk.submit({"keys": "4929 1234#"}) == {}
    assert "".join(key for _, key in phone(desk).done) == "49291234#"
    assert thread(desk) == ["U1 pressed 9 keys."]
    everything = await desk.board.read(lambda db: "".join(db.iterdump()))
    assert "4929" not in everything


async def test_a_message_is_played(desk: Office) -> None:
    await talking(desk)
    await press(desk, "play")
    assert "one of the two" in (await desk.submit({"template": "", "text": ""}))["text"]
    assert await desk.submit({"text": "We are on our way.", "language": "en-GB", "voice": "male"}) == {}
    assert phone(desk).done == [("play", "We are on our way.")]
    speech = Speech(text="We are on our way.", language="en-GB", voice="male")
    assert phone(desk).prompts == [Prompt(speech=speech)]


async def test_a_question_is_played_and_its_answer_told(desk: Office) -> None:
    """Nothing is chosen for the account: its settings say in which language and voice a text is spoken."""
    await talking(desk)
    await press(desk, "play")
    assert await desk.submit({"text": "Press 1 for sales.", "listen": ["keys", "words"]}) == {}
    speech = Speech(text="Press 1 for sales.")
    assert phone(desk).prompts == [Prompt(speech=speech, collect_digits=True, recognise=True)]


async def test_tags_are_those_of_the_account(desk: Office) -> None:
    await talking(desk)
    await press(desk, "tag")
    assert await desk.submit({"choice": "77"}) == {}
    assert phone(desk).done == [("tag", "77")]
    assert thread(desk) == ["U1 tagged the call Sold."]


async def test_what_is_heard_stands_in_the_thread_once(desk: Office) -> None:
    await talking(desk)
    heard = Heard(ref="paper-1", at=desk.clock(), digits="5", play="p1")
    await desk.happen(heard)
    await desk.happen(heard, Heard(ref="paper-1", at=desk.clock(), phrase="yes <!channel>", play="p2"))
    assert thread(desk) == ["The other side pressed 5.", "Heard: “yes &lt;!channel&gt;”"]
