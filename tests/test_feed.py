"""The feed against a Slack that limits, drops, fails and loses channels: nothing lost, nothing twice."""

import asyncio
import dataclasses
import logging
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from bot.board import notice
from bot.cards import Message as CardMessage
from bot.cards.notice import notice_card
from bot.store import cards, ledger
from bot.store.cards import Card
from tests.fake_slack import FakeSlack
from tests.office import Office, office
from tests.slack_state import Clock, Message


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


PERHAPS = ["internal_error", "fatal_error", "after:internal_error", "after:fatal_error"]
GARBLED = [f"garbled:{kind}" for kind in ("text/html", "application/json", "text/plain")]


@pytest.mark.parametrize("kind", ["500", "drop_before", "drop_after", "ratelimited", *PERHAPS, *GARBLED])
async def test_a_post_that_fails_is_shown_once_in_the_end(desk: Office, kind: str) -> None:
    desk.slack.fail_next("chat.postMessage", kind)
    await ask(desk)
    await desk.settle()
    for _ in range(3):
        desk.clock.advance(60)
        await desk.settle()
    assert len(shown(desk)) == 1
    assert desk.conversation("U9") == []  # no card that could not be drawn, say


@pytest.mark.parametrize("kind", ["500", "drop_before", "drop_after", "ratelimited", *GARBLED])
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


async def test_a_scope_that_is_missing_is_told_with_what_to_do(desk: Office) -> None:
    desk.slack.scopes -= {"im:write"}
    await desk.board.tell("U1", "Hello", "hello")
    await desk.settle()
    (told,) = [text for key, text, *_ in await desk.board.read(ledger.problems) if key == "Slack @U1"]
    assert told == (
        "<@U1> cannot be written to, for the app lacks a scope: install it again from manifest.yml; `callboard check` "
        "says which is missing. What belongs there waits and is posted when it is mended."
    )


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


async def posted(desk: Office) -> list[str]:
    """One round of the feed; the codes of the posts so far."""
    await desk.feed.step()
    await desk.feed.stop()
    return [request.outcome for request in desk.slack.requests if request.method == "chat.postMessage"]


async def test_a_post_that_was_cut_off_is_found_again_in_a_busy_channel(desk: Office) -> None:
    desk.slack.fail_next("chat.postMessage", "drop_after")
    await ask(desk)
    await posted(desk)
    for number in range(450):  # more than two pages of people talking before the feed looks
        desk.clock.advance(1)
        desk.slack.say("C1", "U1", f"Chat number {number}.")
    await desk.settle()
    assert sum(message.author == desk.slack.bot_user for message in shown(desk)) == 1
    desk.clock.advance(5)
    await ask(desk, text="Hello again to you.")  # and it is this message that is edited from now on
    await desk.settle()
    assert [message.text for message in shown(desk) if message.author == desk.slack.bot_user] == ["Hello again to you."]


@pytest.mark.parametrize("ahead", [-600, 600])
async def test_a_post_that_was_cut_off_is_found_also_where_our_clock_is_wrong(desk: Office, ahead: float) -> None:
    desk.board.now = lambda: desk.clock() + ahead
    desk.slack.fail_next("chat.postMessage", "drop_after")
    await desk.board.write(cards.mark, "notice", "one", "C1", desk.board.now(), notice("Hello to all of you."))
    await desk.settle()
    for _ in range(3):
        desk.clock.advance(60)
        await desk.settle()
    assert len(shown(desk)) == 1


async def test_a_post_that_was_cut_off_is_found_after_a_restart(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    fake_slack.fail_next("chat.postMessage", "drop_after")
    async with office(tmp_path, fake_slack, slack_clock) as desk:
        await ask(desk)
        assert await posted(desk) == ["drop_after"]
    slack_clock.advance(60)
    async with office(tmp_path, fake_slack, slack_clock) as desk:
        await desk.settle()
        assert len(shown(desk)) == 1
        assert await posted(desk) == ["drop_after"]


async def test_slack_asks_to_wait_and_is_left_alone_so_long(desk: Office) -> None:
    """By every card that belongs there."""
    desk.slack.fail_next("chat.postMessage", "ratelimited", retry_after=45)
    await ask(desk)
    await ask(desk, "two")
    assert await posted(desk) == ["ratelimited"]
    desk.clock.advance(44)
    assert await posted(desk) == ["ratelimited"]
    desk.clock.advance(2)
    assert await posted(desk) == ["ratelimited", "ok"]


async def test_after_slack_was_away_it_is_said_to_work_again(desk: Office) -> None:
    address = desk.feed.client.base_url
    desk.feed.client.base_url = "http://127.0.0.1:9/api/"  # nobody listens on the discard port
    await ask(desk)
    await posted(desk)
    assert (await desk.http.get("/healthz")).json()["slack"] == "failing"
    desk.feed.client.base_url = address
    desk.clock.advance(10)
    await desk.settle()
    assert len(shown(desk)) == 1
    report = await desk.http.get("/healthz")
    assert (report.status_code, report.json()["slack"]) == (200, "ok")
    assert await desk.board.read(ledger.problems) == []


@pytest.mark.parametrize("error", ["invalid_auth", "token_revoked", "account_inactive"])
async def test_a_token_that_is_good_for_nothing_is_a_problem_of_slack_not_of_a_place(desk: Office, error: str) -> None:
    desk.slack.fail_next("chat.postMessage", error)
    await ask(desk)
    await posted(desk)
    ((key, text, *_),) = await desk.board.read(ledger.problems)
    assert (key, "SLACK_BOT_TOKEN" in text, error in text) == ("Slack", True, True)
    assert (await desk.http.get("/healthz")).json()["slack"] == "failing"
    desk.clock.advance(10)
    await desk.settle()
    assert len(shown(desk)) == 1
    assert await desk.board.read(ledger.problems) == []


async def test_a_card_that_needs_no_slack_mends_nothing(desk: Office) -> None:
    await ask(desk)
    await desk.settle()
    desk.clock.advance(5)
    await desk.board.problem("Slack", "Slack could not be reached.")
    await ask(desk)  # looks as before: nothing is sent
    sent = len(desk.slack.requests)
    card = await desk.board.read(cards.next_in, "C1")
    assert card is not None
    await desk.feed._show(card)
    assert len(desk.slack.requests) == sent
    assert [key for key, *_ in await desk.board.read(ledger.problems)] == ["Slack"]


async def test_a_card_that_can_be_drawn_again_is_said_so(desk: Office) -> None:
    await desk.board.write(cards.mark, "notice", "one", "C1", desk.clock(), b"{}")
    await posted(desk)
    await ask(desk, "another")  # a card that never failed says nothing about the one that does
    await posted(desk)
    assert [key for key, *_ in await desk.board.read(ledger.problems)] == ["card notice"]
    await ask(desk)
    desk.clock.advance(10)
    await desk.settle()
    assert len(shown(desk)) == 2
    assert await desk.board.read(ledger.problems) == []


@pytest.mark.parametrize(
    ("change", "words"), [({"archived": True}, "is archived"), ({"private": True, "bot_is_member": False}, "not exist")]
)
async def test_a_channel_that_is_lost_gets_its_card_when_it_is_back(
    desk: Office, change: dict[str, Any], words: str
) -> None:
    before = dataclasses.replace(desk.slack.channels["C1"])
    desk.slack.channels["C1"] = dataclasses.replace(before, **change)
    for number in range(3):
        await ask(desk, f"n{number}", f"Message number {number}.")
    for _ in range(4):
        await desk.settle()
        desk.clock.advance(60)
    (told,) = desk.conversation("U9")
    assert words in told.text
    desk.slack.channels["C1"] = before
    for _ in range(3):
        desk.clock.advance(4000)
        await desk.settle()
    assert sorted(message.text for message in shown(desk)) == [f"Message number {number}." for number in range(3)]
    assert [message.text for message in desk.conversation("U9")][1:] == ["Working again: Slack C1."]


async def test_what_is_no_more_to_be_seen_is_deleted_and_can_come_back(desk: Office) -> None:
    message: CardMessage | None = notice_card({"text": "Hello to all of you."})
    now = [message]

    async def render(card: Card) -> CardMessage | None:
        return now[0]

    desk.feed.render = render
    await ask(desk)
    await desk.settle()
    for now[0], left in ((None, 0), (None, 0), (message, 1)):
        desk.clock.advance(5)
        await ask(desk)
        await desk.settle()
        assert len(shown(desk)) == left
    assert [r.outcome for r in desk.slack.requests if r.method == "chat.delete"] == ["ok"]


async def test_a_card_never_to_be_seen_asks_slack_for_nothing(desk: Office) -> None:
    async def render(card: Card) -> CardMessage | None:
        return None

    desk.feed.render = render
    await ask(desk)
    await desk.settle()
    assert desk.slack.requests == []
    assert await desk.board.read(cards.waiting) == 0


@pytest.mark.parametrize("turns", range(4))
async def test_it_stops_also_when_it_is_woken_in_the_same_moment(desk: Office, turns: int) -> None:
    running = asyncio.create_task(desk.feed.run())
    desk.board.wake.clear()
    while not desk.board.wake._waiters:  # until it waits
        await asyncio.sleep(0)
    desk.board.wake.set()
    for _ in range(turns):  # of the loop: at some of them the wait is over, but it has not gone on
        await asyncio.sleep(0)
    running.cancel()
    done, _ = await asyncio.wait({running}, timeout=3)
    assert done


async def test_it_stops_also_where_slack_does_not_answer(desk: Office) -> None:
    hang = desk.slack.hang("chat.postMessage")
    await ask(desk)
    await desk.feed.step()
    await hang.reached.wait()
    await asyncio.wait_for(desk.feed.stop(0.01), 60)
    hang.release()
    assert shown(desk) == []
    desk.clock.advance(60)
    await desk.settle()
    assert len(shown(desk)) == 1


async def test_a_clock_that_is_set_back_holds_no_look_up_up(desk: Office) -> None:
    desk.slack.fail_next("chat.postMessage", "drop_after")
    await ask(desk)
    await posted(desk)
    desk.clock.now -= 600
    began = desk.clock()
    await desk.board.write(lambda db: db.execute("UPDATE cards SET due_at = ?", (began,)))
    await desk.feed.drain()
    assert desk.clock() - began < 30
    assert len(shown(desk)) == 1


async def test_a_clock_that_is_set_back_holds_nothing_up(desk: Office) -> None:
    await ask(desk)
    await desk.settle()
    desk.clock.now -= 3600
    await ask(desk, "two", "A second message.")
    assert len(await posted(desk)) == 2


async def test_a_slack_that_answers_nothing_for_long_is_left_alone_and_told_of(desk: Office) -> None:
    for _ in range(60):
        desk.slack.fail_next("chat.postMessage", "500")
    await ask(desk)
    for _ in range(60):
        await desk.settle()
        desk.clock.advance(10)
    posts = [request for request in desk.slack.requests if request.method == "chat.postMessage"]
    tried = [request for request in posts if request.arguments["channel"] == "C1"]
    assert 4 <= len(tried) < 10  # within ten minutes
    ((key, words, *_),) = await desk.board.read(ledger.problems)
    assert (key, "Slack does not answer" in words) == ("Slack", True)


async def test_a_database_that_cannot_be_read_for_a_moment_does_not_end_the_feed(
    desk: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = asyncio.Event()

    def due(db: sqlite3.Connection) -> list[tuple[str, float]]:
        failed.set()
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(cards, "due", due)
    running = asyncio.create_task(desk.feed.run())
    await asyncio.wait_for(failed.wait(), 10)
    monkeypatch.undo()
    await ask(desk)
    while not shown(desk):
        assert not running.done()
        await asyncio.sleep(0)
    running.cancel()


async def test_a_full_disk_is_not_tried_again_at_once(
    desk: Office, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Each attempt writes pages into the log, which may lie on the same disk."""
    await ask(desk)
    tried = []

    async def full(work: object) -> object:
        tried.append(work)
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch, caplog.at_level(logging.CRITICAL):
        patch.setattr(desk.board.db, "write", full)
        for _ in range(5):
            await desk.feed.step()
            await desk.feed.stop()
            desk.clock.advance(0.1)
        assert len(tried) == 1
        desk.clock.advance(5)
        await desk.feed.step()
        await desk.feed.stop()
        assert len(tried) == 2
    assert desk.slack.requests == []
    desk.clock.advance(5)
    await desk.settle()
    assert len(shown(desk)) == 1


async def test_a_clock_that_is_set_back_holds_up_no_card_that_is_there(desk: Office) -> None:
    await ask(desk)
    later = desk.clock() + 180
    await desk.board.write(cards.mark, "notice", "cut off", "@U1", later, notice("That was cut off."))
    await desk.settle()
    desk.clock.now -= 3600
    await desk.board.write(lambda db: db.execute("UPDATE cards SET body = ?", (notice("Hello again to you."),)))
    await desk.board.write(cards.touch, "one")
    await posted(desk)  # finds out that the clock was set back
    await posted(desk)
    assert [message.text for message in shown(desk)] == ["Hello again to you."]
    assert desk.conversation("U1") == []
    desk.clock.advance(181)
    await posted(desk)
    assert len(desk.conversation("U1")) == 1


async def test_a_line_below_a_card_that_cannot_be_shown_is_not_looked_at_every_second(desk: Office) -> None:
    """Each look is a commit, and a channel may stay closed to us for days."""
    await ask(desk, place="C2")  # where Callboard is no member
    for _ in range(5):
        await posted(desk)
        desk.clock.advance(100)
    above = await desk.board.read(cards.find, "notice", "one")
    assert above is not None
    body = b'{"card":%d,"event":{}}' % above.id
    desk.feed.render = lambda card: _message(card)
    await desk.board.write(cards.mark, cards.LINE, "line", "C2", desk.clock(), body)
    await posted(desk)  # the card above, which has waited longer
    desk.clock.advance(2)
    await posted(desk)
    due = await desk.board.db.read(lambda db: db.execute("SELECT due_at FROM cards WHERE kind = 'line'").fetchone()[0])
    assert due - desk.clock() == pytest.approx(60)


async def test_a_line_below_a_card_that_somebody_deleted_stands_below_the_new_one(desk: Office) -> None:
    desk.feed.render = lambda card: _message(card)
    await ask(desk)
    await desk.settle()
    above = await desk.board.read(cards.find, "notice", "one")
    assert above is not None
    desk.slack.delete("C1", above.ts)
    body = b'{"card":%d,"event":{}}' % above.id
    for number in range(2):
        await desk.board.write(cards.mark, cards.LINE, f"line{number}", "C1", desk.clock() + number, body)
    for _ in range(12):
        await posted(desk)
        desk.clock.advance(3)
    card, *lines = shown(desk)
    assert [line.thread_ts for line in lines] == [card.ts] * 2
    assert await desk.board.read(ledger.problems) == []


async def test_a_card_below_which_nothing_may_stand_is_not_shown_over_and_over(desk: Office) -> None:
    desk.feed.render = lambda card: _message(card)
    await ask(desk)
    await desk.settle()
    above = await desk.board.read(cards.find, "notice", "one")
    assert above is not None
    desk.slack.ails = lambda _, arguments: "cannot_reply_to_message" if arguments.get("thread_ts") else ""
    await desk.board.write(cards.mark, cards.LINE, "line", "C1", desk.clock(), b'{"card":%d,"event":{}}' % above.id)
    for _ in range(40):
        await posted(desk)
        desk.clock.advance(60)
    assert [message.ts for message in shown(desk)] == [above.ts]
    ((_, text, *_),) = await desk.board.read(ledger.problems)
    assert "refused the message (cannot_reply_to_message)" in text
    assert len(desk.slack.requests) < 30


async def _message(card: Card) -> CardMessage | None:
    return notice_card({"text": f"A {card.kind} for you."})


async def test_what_waits_since_slack_was_away_is_shown_as_soon_as_it_is_back(desk: Office) -> None:
    address = desk.feed.client.base_url
    desk.feed.client.base_url = "http://127.0.0.1:9/api/"  # nobody listens on the discard port
    await ask(desk)
    for _ in range(6):  # the next attempt is a quarter of an hour away
        await posted(desk)
        desk.clock.advance(400)
    desk.feed.client.base_url = address
    await ask(desk, "two", "A word to you.", "@U1")
    for _ in range(4):
        await posted(desk)
        desk.clock.advance(2)
    assert [len(desk.conversation("U1")), len(shown(desk))] == [1, 1]


@pytest.mark.parametrize("again", ["something new", "the next attempt"])
@pytest.mark.parametrize("fault", ["500", "drop_before", "drop_after", "after:internal_error", "is_archived"])
async def test_after_ten_bad_minutes_all_of_it_is_there_once_and_in_its_order(
    desk: Office, fault: str, again: str
) -> None:
    """Also where it is something new that shows that Slack is back: that comes last all the same, and soon the rest."""
    desk.slack.ails = lambda method, _: fault if method == "chat.postMessage" else ""
    for minute in range(10):
        if minute < 4:
            await ask(desk, f"n{minute}", f"Message number {minute}.")
        for _ in range(10):
            await posted(desk)
            desk.clock.advance(6)
    desk.slack.ails = None
    if again == "something new":
        await ask(desk, "n4", "Message number 4.")
    for _ in range(20 if again == "something new" else 500):
        await posted(desk)
        desk.clock.advance(2)
    assert numbers(desk) == list(range(5 if again == "something new" else 4))


def numbers(desk: Office) -> list[int]:
    """Those in the messages of the channel, as they stand there."""
    return [int(message.text.removeprefix("Message number ").removesuffix(".")) for message in shown(desk)]


async def test_who_is_asked_to_wait_loses_no_place(desk: Office) -> None:
    desk.slack.fail_next("chat.postMessage", "ratelimited", retry_after=45)
    for number in range(3):
        await ask(desk, f"n{number}", f"Message number {number}.")
        await posted(desk)
        desk.clock.advance(2)
    desk.clock.advance(45)
    await desk.settle()
    assert numbers(desk) == [0, 1, 2]


@pytest.mark.parametrize("fault", ["500", "internal_error", "msg_too_long"])
async def test_a_message_with_which_slack_has_trouble_holds_up_no_other(desk: Office, fault: str) -> None:
    desk.slack.ails = lambda _, arguments: fault if "Hard to take" in arguments.get("text", "") else ""
    await ask(desk, "hard", "Hard to take.")
    for number in range(4):
        for _ in range(5):
            await posted(desk)
            desk.clock.advance(6)
        await ask(desk, f"n{number}", f"Message number {number}.")
    for _ in range(8):
        await posted(desk)
        desk.clock.advance(2)
    assert numbers(desk) == [0, 1, 2, 3]
    tried = sum("Hard to take" in request.arguments.get("text", "") for request in desk.slack.requests)
    assert tried <= 12
    told = [message.text for message in desk.conversation("U9")]
    assert len(told) <= 7, told  # and not two for each message that Slack takes
    if fault != "msg_too_long":
        assert "Slack fails over a notice card. It is tried again; others are shown." in told
