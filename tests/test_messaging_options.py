"""How long a voice message rings and lasts, and whether it is recorded: what reaches the phone service, and what is
refused before anybody is called.
"""

from dataclasses import replace

import pytest
from typing_extensions import override

from bot import dialing, message_batches, message_queue, messaging
from bot.cards.said import Said
from bot.consent import Recording, Rule
from bot.errors import NotAllowed, Unavailable, Unsupported
from bot.messaging import Wanted
from bot.orders import MessageOrder
from bot.store import messages
from bot.store.messages import Batch
from tests.audit_lines import audit_log
from tests.message_desk import desk
from tests.office import LINE, Office
from tests.speaker import Speaker, speaker

__all__ = ["desk"]  # a fixture

US, SECOND, GB = "+12025550131", "+12025550132", "+447700900123"
ANNOUNCEMENT = "This call is recorded."
TEXT = Said(text="Your order is ready.", record=True)


class Caller(Speaker):
    """It speaks texts and rings as long as is wanted, and no more."""

    title = "Caller"
    message_options = frozenset({"text", "caller_id", "ring_seconds"})


def rules(desk: Office, default: Rule = "off", **countries: Rule) -> None:
    found = Recording(countries=countries, default=default, announcement=ANNOUNCEMENT)
    desk.board.settings = replace(desk.board.settings, recording=found)


async def send(desk: Office, said: Said, *numbers: str, account: str = "", send_at: float = 0) -> Batch:
    wanted = Wanted(
        by="U2", recipients=tuple((n, "") for n in numbers or (US,)), said=said, account=account, send_at=send_at
    )
    made = await messaging.create(desk.board, "key", wanted)
    if made.state == "draft":
        await message_batches.confirm(desk.board, made.id, "U2")
    await desk.settle()
    return made


def ordered(desk: Office) -> list[MessageOrder]:
    return speaker(desk).messages


# How long it rings and lasts


async def test_both_reach_the_service_also_when_it_is_tried_again_the_next_day(desk: Office) -> None:
    speaker(desk).answers = [Unavailable("Not reached.")]
    later = desk.clock() + 3600
    made = await send(desk, Said(text="Hello", ring_seconds=20, max_seconds=60), send_at=later)
    assert ordered(desk) == []
    for _ in range(2):  # not reached, so it waits again
        desk.clock.now = max(desk.clock(), later) + message_queue.UNREACHED_SECONDS + 1
        await message_queue.due(desk.board)
        await desk.settle()
    assert [(order.ring_seconds, order.max_seconds, order.record) for order in ordered(desk)] == [(20, 60, False)] * 2
    ((row, _),) = await desk.board.read(messages.results, made.id)
    assert (row.state, row.tries) == ("sent", 1)
    (card,) = desk.conversation("U2")
    assert "rings 20 s at most" in card.text
    assert "lasts 1 min at most" in card.text


async def test_nobody_is_given_less_time_to_answer_than_the_policy_says(desk: Office) -> None:
    words = "Phones ring 15 seconds at least before a voice message gives up, as your admin has set it, so nothing was"
    with pytest.raises(NotAllowed, match=words):
        await send(desk, Said(text="Hello", ring_seconds=14))
    assert words in await desk.type(f'/voicemsg {US} "Hello" ring 5s')
    assert ordered(desk) == []
    await send(desk, Said(text="Hello", ring_seconds=15))
    assert [order.ring_seconds for order in ordered(desk)] == [15]


async def test_the_form_says_so_where_it_is_written(desk: Office) -> None:
    await desk.type("/voicemsg")
    told = await desk.submit({"to": US, "text": "Hello", "limits": "ring 5s"})
    assert "Phones ring 15 seconds at least" in told["limits"]


async def test_what_waits_since_before_the_rule_rings_as_long_as_it_says(desk: Office) -> None:
    def least(seconds: int) -> None:
        policy = replace(desk.board.settings.policy, ring_at_least=seconds)
        desk.board.settings = replace(desk.board.settings, policy=policy)

    least(0)
    await send(desk, Said(text="Hello", ring_seconds=8), send_at=desk.clock() + 3600)
    least(15)
    desk.clock.advance(3601)
    await message_queue.due(desk.board)
    await desk.settle()
    assert [order.ring_seconds for order in ordered(desk)] == [15]


async def test_nothing_is_said_of_what_nobody_chose(desk: Office) -> None:
    await send(desk, Said(text="Hello"))
    assert (ordered(desk)[0].ring_seconds, ordered(desk)[0].max_seconds) == (None, None)
    (card,) = desk.conversation("U2")
    assert "at most" not in card.text


async def test_a_message_goes_to_the_service_that_can_do_all_of_it(desk: Office) -> None:
    caller = Caller("caller", desk.clock)
    desk.board.providers = {"caller": caller, "voicenter": desk.phone}
    await send(desk, Said(text="Hello", ring_seconds=20))
    await send(desk, Said(text="Hello", ring_seconds=20, max_seconds=60), SECOND)
    assert [order.number for order in caller.messages] == [US]
    assert [order.number for order in ordered(desk)] == [SECOND]
    await caller.http.aclose()


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (
            Said(text="Hello", max_seconds=60),
            "this option: max. Nothing was dialled; leave it out. It has: from",
        ),
        (
            Said(text="Hello", ring_seconds=9, record=True, keys=True),
            "these options: keys, record. Nothing was",
        ),
    ],
)
async def test_what_the_service_cannot_do_is_refused_with_what_it_can(desk: Office, said: Said, words: str) -> None:
    rules(desk, "announce")
    caller = Caller("caller", desk.clock)
    desk.board.providers = {"caller": caller}
    with pytest.raises(Unsupported) as error:
        await send(desk, said)
    assert f"Caller cannot send a voice message with {words}" in str(error.value)
    assert caller.messages == []
    assert await desk.calls() == []
    await caller.http.aclose()


async def test_a_service_that_has_none_says_so(desk: Office) -> None:
    class Plain(Speaker):
        title = "Plain"
        message_options = frozenset({"text"})

    plain = Plain("plain", desk.clock)
    desk.board.providers = {"plain": plain}
    with pytest.raises(Unsupported, match=r"this option: ring\. Nothing was dialled; leave it out\.$"):
        await send(desk, Said(text="Hello", ring_seconds=20))
    await plain.http.aclose()


async def test_an_extension_behind_a_number_is_dialled_where_the_service_can(desk: Office) -> None:
    await desk.type(f'/voicemsg {US} ext 123 "Hello"')
    (order,) = ordered(desk)
    assert (order.number, order.dial_digits, order.text) == (US, "..123", "Hello")
    (card,) = desk.conversation("U1")
    assert "dials 123 once they answer" in card.text
    caller = Caller("caller", desk.clock)
    desk.board.providers = {"caller": caller}
    told = await desk.type(f'/voicemsg {SECOND} ext 123 "Hello"')
    assert "Caller cannot send a voice message with this option: ext. Nothing was dialled" in told
    assert caller.messages == []
    await caller.http.aclose()


# Recording


async def test_the_announcement_is_spoken_before_the_text(desk: Office) -> None:
    rules(desk, US="announce")
    made = await send(desk, TEXT)
    (order,) = ordered(desk)
    assert (order.record, order.text) == (True, f"{ANNOUNCEMENT} Your order is ready.")
    (call,) = await desk.calls()
    (line,) = [line for line in await desk.board.read(audit_log) if line[2] == "voice message"]
    assert line[4] == f"voicenter {call.id} recorded: the announcement was played first"
    (card,) = desk.conversation("U2")
    assert "recorded, which is announced first" in card.text
    assert message_queue.read_said(made.body).text == "Your order is ready."


@pytest.mark.parametrize(
    ("rule", "said", "words"),
    [
        ("off", TEXT, "Calls with numbers from US are not recorded here, so nobody was called."),
        ("ask", TEXT, "are recorded only if the other side agrees, and nobody is there to ask, so nobody was called."),
        ("announce", Said(template="Welcome", record=True), "“This call is recorded.” cannot be spoken before a store"),
        ("announce", Said(digits="7", record=True), "cannot be spoken before a stored sound or digits, so nobody was"),
    ],
)
async def test_nobody_is_recorded_against_the_rules(desk: Office, rule: Rule, said: Said, words: str) -> None:
    rules(desk, US=rule)
    with pytest.raises(NotAllowed) as error:
        await send(desk, said)
    assert words in str(error.value)
    assert "record" in str(error.value)
    assert ordered(desk) == []
    assert await desk.calls() == []


async def test_of_many_those_who_may_not_be_recorded_are_not_called(desk: Office) -> None:
    rules(desk, US="announce", GB="ask")
    made = await send(desk, TEXT, US, GB, SECOND)
    rows = [row for row, _ in await desk.board.read(messages.results, made.id)]
    assert [(row.number, row.state) for row in rows] == [(US, "sent"), (GB, "refused"), (SECOND, "sent")]
    assert "from GB are recorded only if the other side agrees" in rows[1].words
    assert [order.number for order in ordered(desk)] == [US, SECOND]


async def test_the_stricter_rule_of_the_line_counts(desk: Office) -> None:
    rules(desk, GB="announce", US="ask")
    with pytest.raises(NotAllowed, match="from US are recorded only if the other side agrees"):
        await send(desk, msg(TEXT, LINE), GB)
    with pytest.raises(NotAllowed, match="from US"):  # the office's, where the line is not known
        await send(desk, TEXT, GB)


async def test_the_rule_of_the_line_counts_that_the_account_calls_from_by_itself(desk: Office) -> None:
    """As for calls: nobody has chosen a line, and the service shows the one of its settings."""

    class British(Speaker):
        @override
        def default_line(self) -> str:
            return GB

    phone = British("voicenter", desk.clock)
    desk.board.providers = {"voicenter": phone}
    rules(desk, US="announce", GB="off")
    with pytest.raises(NotAllowed, match="with numbers from GB are not recorded here"):
        await send(desk, TEXT)
    assert phone.messages == []
    await send(desk, msg(TEXT, LINE))
    (order,) = phone.messages
    assert (order.caller_id, order.text) == (LINE, f"{ANNOUNCEMENT} Your order is ready.")
    await phone.http.aclose()


def msg(said: Said, line: str) -> Said:
    return Said(text=said.text, record=said.record, line=line)


async def test_a_rule_that_is_stricter_by_the_time_it_is_sent_counts(desk: Office) -> None:
    rules(desk, US="announce")
    made = await send(desk, TEXT, send_at=desk.clock() + 3600)
    rules(desk, US="off")
    desk.clock.advance(3601)
    await message_queue.due(desk.board)
    await desk.settle()
    assert ordered(desk) == []
    ((row, call),) = await desk.board.read(messages.results, made.id)
    assert (row.state, call) == ("refused", None)
    assert "not recorded here" in row.words


async def test_the_gate_itself_lets_nothing_be_recorded_unannounced(desk: Office) -> None:
    """Whoever keeps a queue may forget it."""
    order = MessageOrder(call_id="c-1", number=US, text="Hello", record=True)
    with pytest.raises(NotAllowed, match="not recorded here"):
        await dialing.send(desk.board, "voicenter", "U2", "", order, lambda db: None, lambda db: None)
    assert ordered(desk) == []


async def test_the_command_has_them_in_the_words_of_a_call(desk: Office) -> None:
    rules(desk, US="announce")
    await desk.type(f'/voicemsg {US} "Hello" ring 20s max 1m record')
    (order,) = ordered(desk)
    assert (order.ring_seconds, order.max_seconds, order.record) == (20, 60, True)
    assert "recorded only if the other side is told first" in await desk.type(f"/voicemsg {SECOND} welcome record")
    assert "needs how long it may ring" in await desk.type(f'/voicemsg {SECOND} "Hello" ring')
    assert len(ordered(desk)) == 1
