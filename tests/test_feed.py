"""The feed against a Slack that limits, drops, fails and loses channels: nothing lost, nothing twice."""

import dataclasses

import pytest

from bot.board import notice
from bot.store import cards, ledger
from tests.office import Office
from tests.slack_state import Message


async def ask(desk: Office, subject: str = "one", text: str = "Hello to all of you.", place: str = "C1") -> None:
    await desk.board.write(cards.mark, "notice", subject, place, desk.clock(), notice(text))


def shown(desk: Office, channel: str = "C1") -> list[Message]:
    return desk.slack.channel(channel)


async def test_posts_once_and_edits_in_place(desk: Office) -> None:
    await ask(desk)
    await desk.settle()
    await ask(desk)
    await desk.settle()
    desk.clock.advance(5)
    await ask(desk, text="Hello again to you.")
    await desk.settle()
    (message,) = shown(desk)
    assert message.text.startswith("Hello again")
    assert len(message.updates) == 1


async def test_a_burst_keeps_slacks_limit_of_one_post_a_second(desk: Office) -> None:
    for number in range(5):
        await ask(desk, f"n{number}", f"Message number {number}.")
    began = desk.clock()
    await desk.settle()
    assert [message.text for message in shown(desk)] == [f"Message number {number}." for number in range(5)]
    assert desk.clock() - began >= 4
    posts = [request for request in desk.slack.requests if request.method == "chat.postMessage"]
    assert len(posts) == 5  # none was refused and sent again


async def test_a_busy_channel_does_not_hold_up_the_others(desk: Office) -> None:
    for number in range(150):
        await ask(desk, f"n{number}", f"Message number {number}.")
    await ask(desk, "private", "A word to you.", "@U1")
    await desk.feed.step()
    await desk.feed.stop()
    assert len(desk.conversation("U1")) == 1


@pytest.mark.parametrize("kind", ["500", "drop_before", "drop_after", "ratelimited"])
async def test_a_post_that_fails_is_shown_once_in_the_end(desk: Office, kind: str) -> None:
    desk.slack.fail_next("chat.postMessage", kind)
    await ask(desk)
    await desk.settle()
    for _ in range(3):
        desk.clock.advance(60)
        await desk.settle()
    assert len(shown(desk)) == 1


@pytest.mark.parametrize("kind", ["500", "drop_before", "drop_after", "ratelimited"])
async def test_an_edit_that_fails_is_shown_in_the_end(desk: Office, kind: str) -> None:
    await ask(desk)
    await desk.settle()
    desk.clock.advance(5)
    desk.slack.fail_next("chat.update", kind)
    await ask(desk, text="Hello again to you.")
    await desk.settle()
    for _ in range(3):
        desk.clock.advance(60)
        await desk.settle()
    (message,) = shown(desk)
    assert message.text == "Hello again to you."


async def test_a_channel_without_us_waits_and_the_admins_hear_once(desk: Office) -> None:
    await ask(desk, place="C2")
    await desk.settle()
    for _ in range(3):
        desk.clock.advance(600)
        await desk.settle()
    (told,) = desk.conversation("U9")
    assert "/invite" in told.text
    desk.slack.channels["C2"] = dataclasses.replace(desk.slack.channels["C2"], bot_is_member=True)
    desk.clock.advance(7200)
    await desk.settle()
    assert len(shown(desk, "C2")) == 1
    assert "Slack C2" not in [key for key, *_ in await desk.board.read(ledger.problems)]


async def test_a_message_that_somebody_deleted_is_shown_anew(desk: Office) -> None:
    await ask(desk)
    await desk.settle()
    desk.slack.delete("C1", shown(desk)[0].ts)
    desk.clock.advance(5)
    await ask(desk, text="Hello again to you.")
    for _ in range(2):
        await desk.settle()
        desk.clock.advance(5)
    (message,) = shown(desk)
    assert message.text == "Hello again to you."


async def test_a_card_that_cannot_be_drawn_does_not_stop_the_others(desk: Office) -> None:
    await desk.board.write(cards.mark, "notice", "broken", "C1", desk.clock(), b"{}")
    await ask(desk)
    await desk.settle()
    desk.clock.advance(5)
    await desk.settle()
    assert [message.text for message in shown(desk)] == ["Hello to all of you."]
    assert any(key == "card notice" for key, *_ in await desk.board.read(ledger.problems))


async def test_marked_while_it_is_being_shown_is_shown_again(desk: Office) -> None:
    hang = desk.slack.hang("chat.postMessage")
    await ask(desk)
    await desk.feed.step()
    await hang.reached.wait()
    await ask(desk, text="Hello again to you.")
    hang.release()
    await desk.settle()
    desk.clock.advance(5)
    await desk.settle()
    (message,) = shown(desk)
    assert message.text == "Hello again to you."
