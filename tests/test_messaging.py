"""The queue of voice messages: each recipient once, in their hours, through the gate, whatever fails or races."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from bot import dialing, message_batches, message_queue, messaging, unclear
from bot.cards.said import Said
from bot.errors import Ambiguous, BadInput, NotAllowed, NotFound, Refused, Unavailable, Unsupported
from bot.events import Accepted, Described, Outcome, State
from bot.jobs import LONGEST_MESSAGE_SECONDS, finish_silent
from bot.messaging import Wanted
from bot.orders import MessageOrder
from bot.store import calls, dials, ledger, messages, people
from bot.store.messages import Batch
from tests.fake_slack import FakeSlack
from tests.office import SETTINGS, Office, PaperPhone, office
from tests.slack_state import Clock
from tests.speaker import Speaker, fails, hears, speaker

NUMBERS = tuple(f"+1202555013{digit}" for digit in range(6))
SAID = Said(text="Your order is ready.")
HOURS = SETTINGS.replace('hours = ["00:00", "24:00"]', 'hours = ["09:00", "18:00"]')
# 2026-02-02 02:40 UTC is 21:40 on Sunday in Washington and 04:40 on Monday in Jerusalem.


@pytest.fixture
async def desk(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> AsyncIterator[Office]:
    async with office(tmp_path, fake_slack, slack_clock, kind=Speaker) as desk:
        message_queue.watch(desk.board)
        yield desk


async def batch(desk: Office, *numbers: str, by: str = "U2", start: bool = True, send_at: float = 0) -> Batch:
    """A batch that was confirmed where it needs to be."""
    wanted = Wanted(by=by, recipients=tuple((number, "") for number in numbers), said=SAID, send_at=send_at)
    made = await messaging.create(desk.board, "key", wanted)
    if made.state == "draft" and start:
        await message_batches.confirm(desk.board, made.id, by)
    await desk.settle()
    return made


async def states(desk: Office, made: Batch) -> list[str]:
    return [recipient.state for recipient, _ in await desk.board.read(messages.results, made.id)]


def called(desk: Office) -> list[str]:
    return [order.number for order in speaker(desk).messages]


async def test_so_many_at_once_and_the_next_when_one_is_over(desk: Office) -> None:
    made = await batch(desk, *NUMBERS)
    assert called(desk) == list(NUMBERS[:3])
    await desk.happen(*hears(1, desk.clock(), keys="5"))
    assert called(desk) == list(NUMBERS[:4])
    for number in (2, 3, 4, 5, 6):
        await desk.happen(*fails(number, desk.clock(), Outcome.BUSY))
    assert called(desk) == list(NUMBERS)
    assert await states(desk, made) == ["sent"] * 6
    await message_queue.due(desk.board)
    assert called(desk) == list(NUMBERS)


async def test_several_workers_send_to_each_once(desk: Office) -> None:
    made = await batch(desk, *NUMBERS, start=False)
    await desk.board.write(messages.move, made.id, "draft", "running")
    await asyncio.gather(*(message_queue.due(desk.board) for _ in range(8)))
    assert sorted(called(desk)) == sorted(NUMBERS[:3])


async def test_workers_that_read_the_same_queue_at_the_same_moment(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    """Each has seen all recipients waiting and nobody running. Here the limit per number does not help either."""
    unlimited = SETTINGS.replace("[policy]", "[policy]\nattempts_per_day = 0\nattempts_per_week = 0")
    async with office(tmp_path, fake_slack, slack_clock, unlimited, kind=Speaker) as desk:
        made = await batch(desk, *NUMBERS, start=False)
        await desk.board.write(messages.move, made.id, "draft", "running")
        rows = [recipient for recipient, _ in await desk.board.read(messages.results, made.id)]
        await asyncio.gather(*(message_queue._send(desk.board, made, rows[0]) for _ in range(5)))
        assert called(desk) == [NUMBERS[0]]
        await asyncio.gather(*(message_queue._send(desk.board, made, row) for row in rows[1:]))
        assert len(called(desk)) == len(set(called(desk))) == 3


async def test_a_draft_is_sent_when_it_is_confirmed_and_only_once(desk: Office) -> None:
    made = await batch(desk, *NUMBERS[:2], start=False)
    await message_queue.due(desk.board)
    assert called(desk) == []
    with pytest.raises(NotAllowed, match="Only whoever sends it"):
        await message_batches.confirm(desk.board, made.id, "U1")
    with pytest.raises(NotFound):
        await message_batches.confirm(desk.board, "nonsense", "U2")
    asked = [message_batches.confirm(desk.board, made.id, "U2") for _ in range(4)]
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert sorted(str(type(result).__name__) for result in found) == ["NoneType", *["NotAllowed"] * 3]
    await desk.settle()
    assert called(desk) == list(NUMBERS[:2])


async def test_stopped_in_the_middle(desk: Office) -> None:
    made = await batch(desk, *NUMBERS)
    with pytest.raises(NotAllowed):
        await message_batches.stop(desk.board, made.id, "U4")
    assert await message_batches.stop(desk.board, made.id, "U2") == 3
    assert await message_batches.stop(desk.board, made.id, "U2") == 0
    for number in (1, 2, 3):
        await desk.happen(*hears(number, desk.clock()))
    await message_queue.due(desk.board)
    assert called(desk) == list(NUMBERS[:3])
    assert await states(desk, made) == ["sent"] * 3 + ["stopped"] * 3
    with pytest.raises(NotAllowed, match="decided before"):
        await message_batches.confirm(desk.board, made.id, "U2")


async def test_each_in_their_own_hours(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> None:
    async with office(tmp_path, fake_slack, slack_clock, HOURS, kind=Speaker) as desk:
        slack_clock.now = 1_770_000_000  # Monday 02:40 UTC
        made = await batch(desk, "+12025550130", "+972505550101", "+447700900123")
        assert called(desk) == []
        (card,) = desk.conversation("U2")
        assert "2 deferred to 09:00 their time" in card.text  # in Israel and in Britain it is Monday already
        assert "1 deferred to tomorrow 09:00 their time (from 15:00 on)" in card.text  # Sunday evening in Washington
        slack_clock.now = 1_770_000_000 + 4 * 3600 + 1300  # 07:01 UTC: nine in Israel
        await message_queue.due(desk.board)
        assert called(desk) == ["+972505550101"]
        slack_clock.now += 2 * 3600  # nine in Britain
        await message_queue.due(desk.board)
        slack_clock.now += 5 * 3600 + 60  # nine in Washington
        await message_queue.due(desk.board)
        assert called(desk) == ["+972505550101", "+447700900123", "+12025550130"]
        assert await states(desk, made) == ["sent"] * 3


async def test_hours_that_close_while_it_waits(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> None:
    async with office(tmp_path, fake_slack, slack_clock, HOURS, kind=Speaker) as desk:
        slack_clock.now = 1_770_000_000 + 20 * 3600  # Monday 22:40 UTC, 17:40 in Washington
        made = await batch(desk, NUMBERS[0], NUMBERS[1], start=False)
        slack_clock.advance(1800)
        await message_batches.confirm(desk.board, made.id, "U2")
        await desk.settle()
        assert called(desk) == []
        (first, _), _ = await desk.board.read(messages.results, made.id)
        assert first.state == "waiting"
        slack_clock.now = first.due_at
        await message_queue.due(desk.board)
        assert called(desk) == [NUMBERS[0], NUMBERS[1]]


async def test_do_not_call_is_looked_up_again_before_each_is_sent(desk: Office) -> None:
    made = await batch(desk, *NUMBERS[:4], start=False)
    await desk.board.write(people.block, NUMBERS[1], "asked us to stop", "U9", desk.clock())
    await message_batches.confirm(desk.board, made.id, "U2")
    await desk.settle()
    assert called(desk) == [NUMBERS[0], NUMBERS[2], NUMBERS[3]]
    assert await states(desk, made) == ["sent", "refused", "sent", "sent"]
    assert "do-not-call list" in desk.conversation("U2")[-1].text


async def test_attempts_per_number(desk: Office) -> None:
    await batch(desk, NUMBERS[0])
    with pytest.raises(
        NotAllowed, match="automatically or from a list once today, and the limit for one number is 1 a day"
    ):
        await batch(desk, NUMBERS[0])
    for _ in range(2):
        desk.clock.advance(86400)
        await desk.board.ingest("voicenter", fails(len(speaker(desk).messages), desk.clock(), Outcome.NO_ANSWER))
        if len(speaker(desk).messages) < 2:
            await batch(desk, NUMBERS[0])
    with pytest.raises(NotAllowed, match="twice within seven days"):
        await batch(desk, NUMBERS[0])
    desk.clock.advance(7 * 86400)
    await batch(desk, NUMBERS[0])
    assert len(called(desk)) == 3


async def test_only_what_may_have_rung_is_an_attempt(desk: Office) -> None:
    speaker(desk).answers = [Refused("No credit.")]
    made = await batch(desk, NUMBERS[0])
    assert "No credit." in desk.conversation("U2")[-1].text
    await batch(desk, NUMBERS[0])
    assert called(desk) == [NUMBERS[0]] * 2
    assert await states(desk, made) == ["sent"]


async def test_a_service_that_is_not_reached_is_asked_again_a_few_times(desk: Office) -> None:
    speaker(desk).answers = [Unavailable("Not reached.")] * 5
    made = await batch(desk, NUMBERS[0])
    for _ in range(6):
        desk.clock.advance(61)
        await message_queue.due(desk.board)
    await desk.settle()
    assert len(called(desk)) == 1 + message_queue.UNREACHED_TRIES
    assert await states(desk, made) == ["sent"]
    assert "was not sent" in desk.conversation("U2")[-1].text
    assert "Not reached." in desk.conversation("U2")[-1].text


async def test_what_was_not_reached_while_it_was_paused_waits_for_resuming(desk: Office) -> None:
    speaker(desk).answers = [Unavailable("Not reached.")]
    made = await batch(desk, *NUMBERS[:2])
    await message_batches.pause(desk.board, "U2", made.id)
    assert await states(desk, made) == ["waiting", "waiting"]
    desk.clock.advance(61)
    await message_queue.due(desk.board)
    assert len(called(desk)) == 1
    await message_batches.resume(desk.board, "U2", made.id)
    await desk.settle()
    assert sorted(called(desk)) == sorted([NUMBERS[0], *NUMBERS[:2]])


async def test_paused_while_it_was_found_out_that_the_last_cannot_be_called(desk: Office) -> None:
    """Else it would be paused with nobody waiting: no button goes on with it, and its results never come."""
    speaker(desk).answers = [Unavailable("Not reached.")] * 9
    made = await batch(desk, NUMBERS[0])
    ((row, _),) = await desk.board.read(messages.results, made.id)
    await message_batches.pause(desk.board, "U2", made.id)
    await desk.board.write(messages.refuse, row, "Not to be called.")
    await desk.board.write(messages.defer, row, desk.clock() + 3600)
    ((kept, _),) = await desk.board.read(messages.results, made.id)
    assert kept == row
    await message_batches.resume(desk.board, "U2", made.id)
    await desk.board.write(messages.refuse, row, "Not to be called.")
    assert await states(desk, made) == ["refused"]


async def test_one_pause_for_all_while_the_service_is_not_reached(desk: Office) -> None:
    speaker(desk).answers = [Unavailable("Not reached.")]
    await batch(desk, *NUMBERS[:2])
    assert called(desk) == [NUMBERS[0]]
    await message_queue.due(desk.board)
    desk.clock.advance(61)
    await message_queue.due(desk.board)
    assert called(desk) == [NUMBERS[0], NUMBERS[1], NUMBERS[0]]


async def test_an_unclear_answer_is_never_repeated(desk: Office) -> None:
    speaker(desk).answers = [Ambiguous("No answer in time.")]
    made = await batch(desk, NUMBERS[0])
    for _ in range(3):
        desk.clock.advance(600)
        await message_queue.due(desk.board)
    assert called(desk) == [NUMBERS[0]]
    card = desk.conversation("U2")[-1]
    assert "Unclear" in card.text
    await desk.press("call:settle_no", card, "DU2", user="U2")
    assert "Nothing rang." in desk.conversation("U2")[-1].text
    await message_queue.due(desk.board)
    assert called(desk) == [NUMBERS[0]]
    assert await states(desk, made) == ["sent"]


async def test_what_is_unclear_of_many_is_asked_on_their_card(desk: Office) -> None:
    speaker(desk).answers = [None, Ambiguous("No answer in time."), Ambiguous("No answer in time.")]
    made = await batch(desk, *NUMBERS[:4])
    (card,) = desk.conversation("U2")
    assert "Did it ring at +1 202-555-0131?" in card.text
    assert "Did it ring at +1 202-555-0132?" in card.text
    _, second, *_ = [row.call_id for row, _ in await desk.board.read(messages.results, made.id)]
    await desk.press("call:settle_no", card, "DU2", user="U2", value=second)
    (card,) = desk.conversation("U2")
    assert "0131?" not in card.text
    await desk.press("call:settle_rang", card, "DU2", user="U2")
    (card,) = desk.conversation("U2")
    assert "Did it ring" not in card.text
    assert "1 not reached · 1 refused" in card.text
    await message_queue.due(desk.board)
    assert called(desk) == list(NUMBERS[:4])
    assert await states(desk, made) == ["sent"] * 4


async def test_an_unclear_answer_is_cleared_where_the_service_lists_calls_by_our_id(desk: Office) -> None:
    class Listing(Speaker):
        @override
        async def active_calls(self) -> tuple[Described, ...]:
            return (Described(ref="r-1", at=self.now(), source="poll", call_id=self.messages[-1].call_id),)

    phone = Listing("voicenter", desk.clock)
    phone.answers = [Ambiguous("No answer in time.")]
    desk.board.providers = {"voicenter": phone}
    await batch(desk, NUMBERS[0])
    (call,) = await desk.calls()
    assert (call.state, call.refs) == (State.RINGING, ("r-1",))
    await phone.http.aclose()


async def test_a_bug_of_ours_does_not_keep_the_others_waiting(desk: Office) -> None:
    speaker(desk).answers = [RuntimeError("bug")]
    made = await batch(desk, *NUMBERS[:2])
    assert called(desk) == list(NUMBERS[:2])
    (_, first), (_, second) = await desk.board.read(messages.results, made.id)
    assert first is not None
    assert second is not None
    assert (first.state, second.state) == (State.UNCLEAR, State.RINGING)


async def test_who_may_send_to_how_many(desk: Office) -> None:
    await batch(desk, NUMBERS[0], by="U1")
    with pytest.raises(NotAllowed, match="Only managers"):
        await batch(desk, *NUMBERS[1:3], by="U1")
    with pytest.raises(NotAllowed, match="201 recipients are too many"):
        await batch(desk, *(f"+12025550{number:03}" for number in range(201)))
    made = await batch(desk, NUMBERS[4], NUMBERS[4], NUMBERS[5], start=False)
    assert len(await states(desk, made)) == 2


async def test_a_text_is_no_longer_than_whoever_approves_it_is_shown(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    asked = SETTINGS.replace("[policy]", "[policy]\napprove_over = 1")
    async with office(tmp_path, fake_slack, slack_clock, asked, kind=Speaker) as desk:
        text = "Your order & more. " * 157
        wanted = Wanted(by="U2", recipients=((NUMBERS[0], ""), (NUMBERS[1], "")), said=Said(text=f"{text} and ends"))
        made = await messaging.create(desk.board, "key", wanted)
        await message_batches.confirm(desk.board, made.id, "U2")
        await desk.settle()
        assert "and ends”.\nTo +1 202-555-0130" in "".join(
            block.get("text", {}).get("text", "") for block in desk.conversation("U9")[-1].blocks
        )
        longer = Wanted(by="U2", recipients=wanted.recipients, said=Said(text=f"{text} and ends much later"))
        with pytest.raises(BadInput, match="The text has 3003 characters, and 3000 are the most"):
            await messaging.create(desk.board, "key", longer)


async def test_named_callers_and_countries_hold_for_messages(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    named = SETTINGS.replace("[policy]", '[policy]\ncallers = ["U4"]')
    async with office(tmp_path, fake_slack, slack_clock, named, kind=Speaker) as desk:
        with pytest.raises(NotAllowed, match="among those who may place calls"):
            await batch(desk, NUMBERS[0], by="U1")
        for number, words in (
            ("+33612345678", "is in FR"),
            ("+19005550123", "premium"),
            ("+442079460000", ""),
            ("+112", ""),
        ):
            if words:
                with pytest.raises(NotAllowed, match=words):
                    await batch(desk, number)
        made = await batch(desk, "+33612345678", NUMBERS[0], start=False)
        assert await states(desk, made) == ["refused", "waiting"]
        assert "is in FR" in desk.conversation("U2")[-1].text
        assert speaker(desk).messages == []


async def test_an_unknown_time_zone_is_no_automatic_call(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    async with office(tmp_path, fake_slack, slack_clock, HOURS, kind=Speaker) as desk:
        with pytest.raises(NotAllowed, match="not known what time it is"):
            await batch(desk, "+18005550123")
        made = await batch(desk, "+18005550123", NUMBERS[0], start=False)
        assert await states(desk, made) == ["refused", "waiting"]


async def test_a_service_that_cannot(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> None:
    async with office(tmp_path, fake_slack, slack_clock, kind=PaperPhone) as desk:
        with pytest.raises(Unsupported, match="None of your phone services can send"):
            await batch(desk, NUMBERS[0])


async def test_digits_and_sounds_go_to_whoever_can_play_them(desk: Office) -> None:
    class Teller(Speaker):
        message_options = frozenset({"text"})

    teller = Teller("teller", desk.clock)
    desk.board.providers = {"teller": teller, "voicenter": desk.phone}
    for said in (Said(digits="0405"), Said(loop="menu"), Said(template="Welcome", digits="7", after="goodbye")):
        wanted = Wanted(by="U2", recipients=((NUMBERS[len(called(desk))], ""),), said=said)
        await messaging.create(desk.board, "key", wanted)
        await desk.settle()
    assert [(order.template, order.digits, order.loop, order.after) for order in speaker(desk).messages] == [
        ("", "0405", "", ""), ("", "", "menu", ""), ("7", "7", "", "goodbye"),
    ]  # fmt: skip
    assert teller.messages == []
    for said in (Said(digits="7"), Said(text="Hi", after="goodbye")):
        wanted = Wanted(by="U2", recipients=((NUMBERS[5], ""),), said=said, account="teller")
        with pytest.raises(Unsupported, match=r"cannot send a voice message with these options: (digits|finally)"):
            await messaging.create(desk.board, "key", wanted)
    with pytest.raises(BadInput, match="Choose a stored message or write a text"):
        await messaging.create(desk.board, "key", Wanted(by="U2", recipients=((NUMBERS[5], ""),), said=Said()))
    await teller.http.aclose()


async def test_a_service_that_cannot_speak_is_said_together_with_one_that_can(desk: Office) -> None:
    class Player(PaperPhone):
        message_options = frozenset({"template"})

        @override
        async def send_message(self, order: MessageOrder) -> Accepted:
            raise AssertionError(order)

    player = Player("player", desk.clock)
    desk.board.providers = {"player": player, "voicenter": desk.phone}
    wanted = Wanted(by="U2", recipients=((NUMBERS[0], ""),), said=Said(text="Hi"), account="player")
    with pytest.raises(Unsupported, match=r"only play stored messages\. Choose one of those or “via voicenter”\."):
        await messaging.create(desk.board, "key", wanted)
    await player.http.aclose()


async def test_a_misspelt_name_does_not_go_to_whoever_cannot_list(desk: Office) -> None:
    class Silent(PaperPhone):
        message_options = frozenset({"template"})

        @override
        async def send_message(self, order: MessageOrder) -> Accepted:
            self.ordered = order.template
            return Accepted(ref="silent-1", at=self.now())

    silent = Silent("quiet", desk.clock)
    desk.board.providers = {"quiet": silent, "voicenter": desk.phone}
    wanted = Wanted(by="U2", recipients=((NUMBERS[0], ""),), said=Said(template="welcom"))
    with pytest.raises(NotFound, match="If it is stored at quiet, which cannot list"):
        await messaging.create(desk.board, "key", wanted)
    await messaging.create(
        desk.board, "key", Wanted(by="U2", recipients=wanted.recipients, said=Said(template="Welcome"))
    )
    await desk.settle()
    assert [order.template for order in speaker(desk).messages] == ["7"]
    desk.board.providers = {"quiet": silent, "voicenter": desk.phone}
    await messaging.create(
        desk.board, "key", Wanted(by="U2", recipients=((NUMBERS[1], ""),), said=wanted.said, account="quiet")
    )
    await desk.settle()
    assert silent.ordered == "welcom"
    await silent.http.aclose()


async def test_a_rep_sends_so_many_in_a_day_and_the_rest_wait(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    """Whoever uses a rep's Slack could else send to a number after the other all night."""
    capped = SETTINGS + "[messages]\nreps = 3\nreps_daily = 2\n"
    async with office(tmp_path, fake_slack, slack_clock, capped, kind=Speaker) as desk:
        message_queue.watch(desk.board)
        await batch(desk, *NUMBERS[4:6], by="U2")  # neither a colleague's nor a call is one of theirs
        await desk.link("U1")
        await desk.type("/call +1 202 555 0188")
        assert len(desk.phone.orders) == 1
        await batch(desk, *NUMBERS[:3], by="U1")
        for number in (1, 2, 3, 4):
            await desk.happen(*hears(number, desk.clock(), keys="5"))
        assert called(desk) == [*NUMBERS[4:6], *NUMBERS[:2]], "the third waits"
        (told,) = [message.text for message in desk.conversation("U9")]
        assert "has sent 2 voice messages today, and `reps_daily` in `[messages]` allows no more" in told
        later = await batch(desk, NUMBERS[3], by="U1", start=False)
        assert later.state == "draft", "it would be tomorrow, so that is asked about first"
        await batch(desk, "+12025550140", by="U2")
        assert called(desk)[4:] == ["+12025550140"]
        desk.clock.advance(86400)
        await message_queue.due(desk.board)
        assert called(desk)[5:] == [NUMBERS[2]]


async def test_a_message_is_no_conversation(desk: Office) -> None:
    """It closes no missed caller, counts for nobody's calls, and has no record of its own in the channel."""
    await batch(desk, NUMBERS[0])
    await desk.happen(*hears(1, desk.clock(), phrase="yes please"))
    (call,) = await desk.calls()
    assert (call.outcome, call.conversation, call.heard) == (Outcome.ANSWERED, False, ("yes please",))
    assert await desk.board.read(dials.dials_since, 0, 0, "U2") == (0, 0)
    assert desk.slack.channel("C1") == []
    assert "heard the message" in desk.conversation("U2")[-1].text


async def test_a_crash_between_writing_down_and_sending(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    """Never left: sent after all, once. May have left: unclear, never sent again."""
    async with office(tmp_path, fake_slack, slack_clock, kind=Speaker) as desk:
        made = await batch(desk, *NUMBERS[:2], start=False)
        await desk.board.write(messages.move, made.id, "draft", "running")
        rows = [recipient for recipient, _ in await desk.board.read(messages.results, made.id)]
        for row, leave in zip(rows, (False, True), strict=True):
            call_id = calls.new_id(slack_clock())
            order = message_queue.order_of(SAID, call_id, row.number)
            take = lambda db, row=row, call_id=call_id: messages.take(db, row, call_id)  # noqa: E731
            await desk.board.write(dialing._commit_message, desk.board, "voicenter", "U2", "", order, take)
            if leave:
                assert await desk.board.write(ledger.send_intent, dialing.message_key(call_id))
    async with office(tmp_path, fake_slack, slack_clock, kind=Speaker) as desk:
        for _ in range(2):
            await message_queue.recover(desk.board)
            await unclear.recover(desk.board)
            await message_queue.due(desk.board)
            await desk.settle()
        assert called(desk) == [NUMBERS[0]]
        (_, first), (_, second) = await desk.board.read(messages.results, made.id)
        assert first is not None
        assert second is not None
        assert (first.state, second.state) == (State.RINGING, State.UNCLEAR)
        assert await desk.board.read(ledger.open_intents) == []
        assert len(await desk.calls()) == 3  # the first try of the first is on record as not placed


async def test_killed_right_after_it_was_written_down_that_the_service_was_not_reached(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with office(tmp_path, fake_slack, slack_clock, kind=Speaker) as desk:
        made = await batch(desk, NUMBERS[0], send_at=slack_clock() + 60)
        slack_clock.advance(61)
        speaker(desk).answers = [Unavailable("Not reached.")]
        write = desk.board.db.write

        async def dies(work: Callable[[sqlite3.Connection], Any]) -> Any:
            result = await write(work)
            if speaker(desk).messages:
                raise asyncio.CancelledError
            return result

        monkeypatch.setattr(desk.board.db, "write", dies)
        with pytest.raises(asyncio.CancelledError):
            await message_queue.due(desk.board)
    async with office(tmp_path, fake_slack, slack_clock, kind=Speaker) as desk:
        await message_queue.recover(desk.board)
        await unclear.recover(desk.board)
        slack_clock.advance(61)
        await message_queue.due(desk.board)
        await message_queue.due(desk.board)
        assert called(desk) == [NUMBERS[0]]
        ((recipient, call),) = await desk.board.read(messages.results, made.id)
        assert recipient.tries == 1
        assert call is not None
        assert call.state is State.RINGING


async def test_a_scheduled_message_waits(desk: Office) -> None:
    made = await batch(desk, NUMBERS[0], send_at=desk.clock() + 3600)
    assert made.state == "running"
    assert called(desk) == []
    assert "is scheduled" in desk.conversation("U2")[-1].text
    desk.clock.advance(3601)
    await message_queue.due(desk.board)
    assert called(desk) == [NUMBERS[0]]


async def test_an_account_that_was_taken_out_of_the_settings_keeps_nobody_waiting(desk: Office) -> None:
    made = await batch(desk, NUMBERS[0], send_at=desk.clock() + 3600)
    await desk.board.write(lambda db: db.execute("UPDATE message_batches SET account = 'gone'"))
    await message_queue.due(desk.board)
    assert await states(desk, made) == ["waiting"]  # it may come back until then
    desk.clock.advance(3601)
    await message_queue.due(desk.board)
    await desk.settle()
    assert (await states(desk, made), called(desk)) == (["refused"], [])
    assert "There is no telephony account “gone” any more" in desk.conversation("U2")[-1].text


async def test_a_call_whose_end_is_never_told_frees_its_place(desk: Office) -> None:
    await batch(desk, *NUMBERS[:4])
    for number in (1, 2, 3):
        await desk.happen(*hears(number, desk.clock())[:2])
    desk.clock.advance(LONGEST_MESSAGE_SECONDS + 1)
    await finish_silent(desk.board)
    await desk.settle()
    assert called(desk) == list(NUMBERS[:4])


async def test_a_service_that_hangs_holds_up_no_other(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands may wait for it, each for its timeout."""

    class Hanging(Speaker):
        @override
        async def send_message(self, order: MessageOrder) -> Accepted:
            await go_on.wait()
            return await super().send_message(order)

    go_on, slow = asyncio.Event(), Hanging("slow", desk.clock)
    monkeypatch.setattr(message_queue, "PATIENCE_SECONDS", 0.01)
    desk.board.providers = {"slow": slow, "voicenter": desk.phone}
    many = tuple((number, "") for number in NUMBERS[:2])
    for key, recipients, account, at in (
        ("slow", many, "slow", desk.clock() + 30),
        ("fast", ((NUMBERS[2], ""),), "voicenter", desk.clock() + 60),
    ):
        wanted = Wanted(by="U2", recipients=recipients, said=SAID, account=account, send_at=at)
        made = await messaging.create(desk.board, key, wanted)
        if made.state == "draft":
            await message_batches.confirm(desk.board, made.id, "U2")
    await desk.settle()
    for _ in range(2):  # one round at a time, as the job does
        desk.clock.advance(31)
        await asyncio.wait_for(message_queue.due(desk.board), 10)
    while not called(desk):
        await asyncio.sleep(0.001)
    assert called(desk) == [NUMBERS[2]]
    assert slow.messages == []
    go_on.set()
    await desk.settle()
    assert sorted(order.number for order in slow.messages) == sorted(NUMBERS[:2])
    await slow.http.aclose()
