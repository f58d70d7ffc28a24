"""A card row becomes what it shows now: the right drawing of what is on record, for whom it is shown to."""

from pathlib import Path

import pytest

from bot.board import notice
from bot.cards import Message
from bot.events import (
    CUSTOMER,
    AnyEvent,
    CallEnded,
    CdrReceived,
    Described,
    Heard,
    LegRinging,
    Outcome,
    Wrapped,
)
from bot.rendering import render
from bot.store import cards, ledger, missed, people
from bot.store.cards import Card
from bot.store.people import Person
from tests.fake_slack import FakeSlack
from tests.office import LINE, SETTINGS, Office, office
from tests.slack_state import Clock

CALLER = "+12025550155"
SHOWN = "+1 202-555-0155"
TAIL = "55"


async def drawn(desk: Office, kind: str, subject: str) -> Message | None:
    card = await desk.board.read(cards.find, kind, subject)
    assert card is not None, f"no {kind} card of {subject}"
    return await render(desk.board, card)


async def text(desk: Office, kind: str, subject: str) -> str:
    message = await drawn(desk, kind, subject)
    assert message is not None
    return message.text


def incoming(desk: Office, ref: str = "in-1") -> tuple[AnyEvent, ...]:
    at = desk.clock()
    return (
        Described(ref=ref, at=at, source="popup", direction="in", number=CALLER, line=LINE, name="N. Green"),
        LegRinging(ref=ref, at=at, leg="ext:201"),
    )


async def record(desk: Office, *events: AnyEvent) -> str:
    """Id of the call that these make."""
    return (await desk.board.ingest("voicenter", events))[0].call.id


async def lost(desk: Office, ref: str = "in-1") -> tuple[str, str]:
    """(call, missed caller) of a call that nobody answered."""
    call_id = await record(desk, *incoming(desk, ref), CallEnded(ref=ref, at=desk.clock() + 20))
    return call_id, (await desk.board.read(missed.waiting))[-1].id


async def talked(desk: Office, ref: str = "out-1") -> str:
    """A conversation made on a desk phone."""
    at = desk.clock()
    return await record(
        desk,
        Described(ref=ref, at=at, source="cdr", direction="out", number=CALLER, line=LINE),
        CdrReceived(ref=ref, at=at, leg=CUSTOMER, outcome=Outcome.ANSWERED, ring_seconds=5, talk_seconds=65),
    )


async def test_a_notice_and_a_digest_are_what_was_written_down(desk: Office) -> None:
    await desk.board.write(cards.mark, "notice", "n1", "@U1", desk.clock(), notice("Something to tell."))
    assert await text(desk, "notice", "n1") == "Something to tell."
    payload = b'{"title":"Call digest","text":"Five calls.","lines":["Today","5 calls"],"as_of":"As of now"}'
    await desk.board.write(ledger.send_digest, "C1", "daily", "2026-02-02", payload, desk.clock())
    assert "Five calls." in await text(desk, "digest", "daily:2026-02-02")


async def test_an_incoming_call_names_the_line_and_who_the_contact_book_says_it_is(desk: Office) -> None:
    call_id = await record(desk, *incoming(desk))
    before = await text(desk, "incoming", call_id)
    assert SHOWN in before
    assert "N. Green" in before
    assert "Sales" in before  # the line's label, not its number
    await desk.contact(CALLER, "Noa Green", "Green Gardens")
    after = await text(desk, "incoming", call_id)
    assert "Noa Green" in after
    assert "Green Gardens" in after


async def test_an_incoming_call_tells_of_earlier_ones_only(desk: Office) -> None:
    await talked(desk)
    desk.clock.advance(3600)
    call_id = await record(desk, *incoming(desk))
    at_that_time = await text(desk, "incoming", call_id)
    desk.clock.advance(3600)
    await talked(desk, "out-2")
    assert (await text(desk, "incoming", call_id)).count("talked") == at_that_time.count("talked") == 1


async def test_a_summary_says_how_it_went(desk: Office) -> None:
    call_id = await talked(desk)
    said = await text(desk, "cdr", call_id)
    assert SHOWN in said
    assert "1 min 5 s" in said
    await desk.board.ingest("voicenter", [Wrapped(at=desk.clock(), by="U1", note="Wants a quote.")], call_id=call_id)
    assert "Wants a quote." in await text(desk, "cdr", call_id)


async def test_a_missed_caller_counts_tries_and_names_who_spoke_last(desk: Office) -> None:
    await desk.board.write(
        people.save_person, Person("U12345", phone_kind="extension", phone="201", account="voicenter", extension="201")
    )
    at = desk.clock()
    await record(
        desk,
        Described(ref="before", at=at, source="cdr", direction="in", number=CALLER, line=LINE),
        CdrReceived(ref="before", at=at, leg="ext:201", outcome=Outcome.ANSWERED, talk_seconds=9, extension="201"),
        CallEnded(ref="before", at=at + 9),
    )
    for number in range(3):
        desk.clock.advance(600)
        _, missed_id = await lost(desk, f"in-{number}")
    said = await text(desk, "missed", missed_id)
    assert "3 times" in said
    assert "Last spoke with <@U12345>" in said


async def test_a_closed_missed_caller_tells_of_the_conversation(desk: Office) -> None:
    _, missed_id = await lost(desk)
    desk.clock.advance(600)
    await talked(desk)
    said = await text(desk, "missed", missed_id)
    assert "called back 10 min" in said
    assert "talked 1 min 5 s" in said


async def test_an_incoming_call_gives_way_to_its_missed_caller(desk: Office) -> None:
    call_id, missed_id = await lost(desk)
    assert await drawn(desk, "incoming", call_id) is None
    assert SHOWN in await text(desk, "missed", missed_id)


@pytest.mark.parametrize("kind", ["call", "incoming", "cdr", "missed"])
async def test_of_what_is_gone_nothing_is_shown(desk: Office, kind: str) -> None:
    await desk.board.write(cards.mark, kind, "gone", "C1", desk.clock())
    assert await drawn(desk, kind, "gone") is None


async def test_a_call_of_an_account_that_was_removed_is_still_shown(desk: Office) -> None:
    await desk.link("U1")
    await desk.type("/call +1 202 555 0155")
    (call,) = await desk.calls()
    assert "Hang up" in str(await drawn(desk, "call", call.id))
    desk.board.providers = {}
    assert "Hang up" not in str(await drawn(desk, "call", call.id))
    assert SHOWN in await text(desk, "call", call.id)


async def test_times_are_those_of_whoever_reads(desk: Office) -> None:
    """Noon in Madrid is six in the morning in New York."""
    desk.clock.now = 1_770_116_400.0  # 2026-02-03 11:00 UTC
    await desk.link("U1", zone="America/New_York")
    call_id = await talked(desk)
    for place, shown, hidden in (("C1", "12:00", "06:00"), ("@U1", "06:00", "12:00"), ("@U2", "12:00", "06:00")):
        await desk.board.write(lambda db, there: db.execute("UPDATE calls SET place = ?", (there,)).rowcount, place)
        await desk.board.write(cards.mark, "cdr", call_id, place, desk.clock())
        found = await desk.board.db.read(lambda db: [tuple(row) for row in db.execute(f"SELECT {COLUMNS} FROM cards")])
        (card,) = (Card(*row) for row in found if row[3] == place)
        message = await render(desk.board, card)
        assert message is not None
        assert shown in message.text
        assert hidden not in message.text


COLUMNS = ", ".join(Card.__dataclass_fields__)


@pytest.mark.parametrize("kind", ["incoming", "cdr", "missed"])
async def test_numbers_are_masked_in_channels_where_that_is_set(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock, kind: str
) -> None:
    """Also in a channel that has a line of its own."""
    async with office(tmp_path, fake_slack, slack_clock, f"mask_numbers = true\n{SETTINGS}") as desk:
        if kind == "missed":
            _, subject = await lost(desk)
        else:
            subject = await (record(desk, *incoming(desk)) if kind == "incoming" else talked(desk))
        message = await drawn(desk, kind, subject)
        assert message is not None
        everything = f"{message.text} {message.blocks}"
        assert f"•{TAIL}" in everything
        assert "0155" not in everything


async def test_numbers_are_not_masked_for_whoever_placed_the_call(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    async with office(tmp_path, fake_slack, slack_clock, f"mask_numbers = true\n{SETTINGS}") as desk:
        await desk.link("U1")
        await desk.type("/call +1 202 555 0155")
        assert SHOWN in desk.conversation("U1")[0].text


async def test_a_call_that_turns_out_to_have_come_in_is_no_outgoing_one_any_more(desk: Office) -> None:
    """The end is told before who called: webhooks come in any order."""
    at = desk.clock()
    await desk.happen(CallEnded(ref="r1", at=at + 9))
    (summary,) = desk.slack.channel("C1")
    assert "Outgoing call" in summary.text
    desk.slack.fail_next("chat.delete", "500")
    await desk.happen(Described(ref="r1", at=at, source="popup", direction="in", number=CALLER, line=LINE))
    await desk.happen()
    (card,) = desk.slack.channel("C1")
    assert "Missed call" in card.text


async def test_a_call_that_turns_out_to_be_a_desk_phones_is_no_incoming_one_any_more(desk: Office) -> None:
    """Its phone is told before whom it calls."""
    at = desk.clock()
    await desk.happen(LegRinging(ref="r1", at=at, leg="ext:201"))
    assert len(desk.slack.channel("C1")) == 1
    await desk.happen(Described(ref="r1", at=at, source="popup", direction="out", number=CALLER, line=LINE))
    assert desk.slack.channel("C1") == []
    await desk.happen(CallEnded(ref="r1", at=at + 9))
    (summary,) = desk.slack.channel("C1")
    assert "Outgoing call" in summary.text


async def test_what_happened_while_its_card_was_away_stands_in_the_new_ones_thread(desk: Office) -> None:
    """A missed caller's card takes the call's place; by a late record the call was answered after all."""
    call_id = await record(desk, *incoming(desk), CallEnded(ref="in-1", at=desk.clock() + 20))
    await desk.happen()
    keys = Heard(ref="in-1", at=desk.clock(), digits="5")
    await desk.happen(keys)
    await desk.happen()
    (waits,) = desk.slack.channel("C1")
    assert "Missed call" in waits.text
    answered = CdrReceived(ref="in-1", at=desk.clock(), leg="ext:202", outcome=Outcome.ANSWERED, talk_seconds=60)
    await desk.happen(answered)
    await desk.happen()
    card, line = desk.slack.channel("C1")
    assert line.thread_ts == card.ts
    assert (await desk.board.read(cards.find, "incoming", call_id)) is not None
    await desk.happen()
    assert len(desk.slack.channel("C1")) == 2
