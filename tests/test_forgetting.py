"""`[retention]`: what is old goes, with all that hangs on it and out of the file itself; what is needed stays."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from bot import calling_lists, forgetting, jobs, offers
from bot.bulk import Row
from bot.call import Call
from bot.cards import Message
from bot.errors import Ambiguous
from bot.events import CdrReceived, Controlled, Described, Outcome, State
from bot.numbers import pretty
from bot.orders import CampaignCall
from bot.roundups import Roundup
from bot.settings_sections import LEAST_DAYS
from bot.store import (
    calls,
    campaigns,
    cards,
    contact_imports,
    ledger,
    messages,
    missed,
    recordings,
    retention,
    roundups,
    workflow_steps,
)
from bot.store.campaigns import Batch as List
from bot.store.cards import Card
from bot.store.messages import Batch, Recipient
from tests.audit_lines import audit_log
from tests.calling_desk import press_of
from tests.fake_slack import FakeSlack
from tests.office import LINE, SETTINGS, Office, office
from tests.slack_state import Clock
from tests.test_handlers_missed import CALLER, miss
from tests.test_settings import errors

DAY = 86400.0
KEEPS = SETTINGS + "[retention]\ncalls_days = 60\naudit_days = 90\n"
CUSTOMER, THIRD = "+12025550123", "+12025550144"


@pytest.fixture
async def desk(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> AsyncIterator[Office]:
    async with office(tmp_path, fake_slack, slack_clock, KEEPS) as there:
        await there.link("U1")
        yield there


async def talk(desk: Office) -> Call:
    """A call in which a third party is consulted, wrapped up, with a reminder and a recording; then its record."""
    await desk.type(f"/call {CUSTOMER} note wants the blue one")
    call = (await desk.calls())[-1]
    consult = Controlled(at=desk.clock(), by="U1", action="consult", detail=THIRD)
    await desk.board.ingest(call.account, [consult], call_id=call.id)
    await desk.board.write(ledger.remind, call.id, "U1", desk.clock() + 60)
    await desk.happen(
        *(
            CdrReceived(
                ref=call.refs[0], at=desk.clock(), leg=leg, outcome=Outcome.ANSWERED, recording="http://x.example/1"
            )
            for leg in ("rep", "customer")
        )
    )
    found = await desk.board.read(calls.get, call.id)
    assert found is not None
    return found


async def everything(desk: Office) -> dict[str, int]:
    """Table -> rows of it, where there are any."""

    def count(db: sqlite3.Connection) -> dict[str, int]:
        names = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        sizes = {name: db.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in names}
        return {name: size for name, size in sizes.items() if size and not name.startswith(("sqlite_", "_"))}

    return await desk.board.read(count)


async def day(desk: Office, name: str = "1") -> None:
    """Something of everything that is forgotten one day."""
    await talk(desk)
    await miss(desk, f"in-{name}")
    await close(desk, CALLER)
    sent = Batch(f"{calls.new_id(desk.clock())}", "U1", "@U1", "voicenter", "stopped", 0, desk.clock(), "", 1, b"{}")
    await desk.board.write(messages.write, sent, [Recipient(sent.id, 0, CALLER, "Noa Green", "refused", 0)], 0)
    listed = List(f"list-{name}", "voicenter", "key", "Spring sale", "march.csv", "U1", desk.clock(), "done")
    await desk.board.write(campaigns.create, listed)
    await desk.board.write(campaigns.add_rows, listed.id, b'[{"line":2,"state":"invalid","typed":"no number"}]')
    sheet = contact_imports.Import(f"import-{name}", "book.csv", "U1", desk.clock(), "preview")
    row_of_it = b'[{"line":2,"state":"ready","typed":"1","number":"+12025550155","name":"Noa Green"}]'
    await desk.board.write(contact_imports.create, sheet, [row_of_it])
    await desk.board.tell("U1", f"Somebody at {pretty(CALLER)} rang.", f"note-{name}")
    await desk.board.write(workflow_steps.begin, f"Fx{name}", "place_a_call", "U1", "U4", desk.clock())
    await desk.board.write(workflow_steps.done, f"Fx{name}")
    await desk.settle()


async def close(desk: Office, number: str) -> None:
    (row,) = [row for row in await desk.board.read(missed.waiting) if row.number == number]
    await desk.board.write(missed.close, row.id, now=desk.clock(), by="U1", how="by hand")


async def test_an_old_day_leaves_nothing_behind(desk: Office) -> None:
    await day(desk)
    before = await everything(desk)
    for table in (
        "calls",
        "events",
        "call_refs",
        "intents",
        "recordings",
        "reminders",
        "missed",
        "missed_calls",
        "workflow_steps",
    ):
        assert table in before, f"nothing to forget in {table}"

    desk.clock.advance(59 * DAY)
    await forgetting.expire(desk.board)
    assert await everything(desk) == before, "it is not old enough"

    desk.clock.advance(2 * DAY)
    await forgetting.expire(desk.board)
    assert set(await everything(desk)) == {"people", "audit", "facts"} & set(await everything(desk))
    lines = [line[2:4] for line in await desk.board.read(audit_log)]
    assert ("forget", "calls: 2") in lines
    assert ("forget", "voice messages: 1") in lines

    desk.clock.advance(31 * DAY)
    await forgetting.expire(desk.board)
    kept = [line[2:4] for line in await desk.board.read(audit_log)]
    assert all(what == "forget" for what, _ in kept)
    path = desk.board.db.path
    desk.board.db.close()  # the log goes into the file
    for words in (CUSTOMER, CALLER, THIRD, pretty(CALLER), "the blue one", "Noa Green"):
        assert words.encode() not in path.read_bytes()


async def test_a_young_day_stays_whole(desk: Office) -> None:
    """Also of somebody who waited since before it and called once more."""

    def read(db: sqlite3.Connection) -> set[tuple[object, ...]]:
        names = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        kept = [name for name in names if not name.startswith(("sqlite_", "_")) and name != "facts"]
        return {(name, *row) for name in kept for row in db.execute(f"SELECT * FROM {name}")}

    await day(desk)
    await miss(desk, "in-2", THIRD)
    await desk.settle()
    old = await desk.board.read(read)
    desk.clock.advance(59 * DAY)
    await day(desk, "3")
    await miss(desk, "in-4", THIRD)
    await close(desk, THIRD)
    await desk.settle()
    young = await desk.board.read(read) - old
    desk.clock.advance(2 * DAY)
    await forgetting.expire(desk.board)
    assert len(await desk.calls()) == 3
    assert young - await desk.board.read(read) == set()


async def test_what_is_forgotten_is_overwritten_while_callboard_runs(desk: Office) -> None:
    """It runs for months, and what is committed is first in the log beside the file only."""
    await talk(desk)
    await miss(desk, "in-1")
    (row,) = await desk.board.read(missed.waiting)
    await desk.board.write(missed.close, row.id, now=desk.clock(), by="U1", how="by hand")
    await desk.settle()
    path = desk.board.db.path
    files = (path, path.with_name(f"{path.name}-wal"))

    def still_there() -> list[tuple[str, str]]:
        words = (CUSTOMER, CALLER, THIRD, "the blue one")
        return [(file.name, word) for file in files for word in words if word.encode() in file.read_bytes()]

    assert len(still_there()) >= 4
    desk.clock.advance(100 * DAY)
    await forgetting.expire(desk.board)
    assert still_there() == []


async def test_somebody_who_reads_meanwhile_holds_nobody_up(desk: Office) -> None:
    await talk(desk)
    desk.clock.advance(100 * DAY)
    path = desk.board.db.path
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM calls").fetchone() == (1,)
        await forgetting.expire(desk.board)  # gone, and yet what the reader sees must stay
        assert reader.execute("SELECT count(*) FROM calls").fetchone() == (1,)
    assert await desk.calls() == []
    await forgetting.expire(desk.board)
    assert CUSTOMER.encode() not in path.read_bytes() + path.with_name(f"{path.name}-wal").read_bytes()


async def test_a_call_list_goes_when_it_is_over(desk: Office) -> None:
    rows = f"number,name\n{CALLER},Noa Green\n{CUSTOMER},Max\n".encode()
    for state in ("running", "stopped", "preview"):
        found = await calling_lists.prepare(desk.board, "U2", f"Autumn {state}", ["U1"], rows, "autumn.csv", state)
        if state != "preview":
            await calling_lists.give_out(desk.board, "U2", found.id)
        if state == "stopped":
            pressed = await press_of(desk, found.id)
            key = offers.key("U1", pressed)
            assert await desk.board.write(ledger.write_intent, key, "U1", offers.CALL, b"{}", desk.clock())
            await offers.call(desk.board, "U1", pressed, told)
            await calling_lists.stop(desk.board, "U2", found.id)
    (call,) = await desk.calls()
    await desk.happen(
        *(CdrReceived(ref=call.refs[0], at=desk.clock(), leg=leg, outcome=Outcome.BUSY) for leg in ("rep", "customer"))
    )
    tables = ("calling_lists", "calling_list_rows", "calling_list_reps", "calling_list_calls")
    assert [(await everything(desk)).get(table) for table in tables] == [3, 6, 3, 1]
    desk.clock.advance(61 * DAY)
    await forgetting.expire(desk.board)
    assert [(await everything(desk)).get(table) for table in tables] == [1, 2, 1, None]
    left = "SELECT count(*) FROM cards WHERE kind IN ('calllist', 'offer')"
    assert await desk.board.read(lambda db: db.execute(left).fetchone()[0]) == 2
    assert await desk.calls() == []


async def told(call: Call) -> None:
    """The rep hears of it."""


async def test_a_step_that_slack_waits_for_stays(desk: Office) -> None:
    await desk.board.write(workflow_steps.begin, "Fx1", "place_a_call", "U1", "U4", desk.clock())
    desk.clock.advance(100 * DAY)
    await forgetting.expire(desk.board)
    assert await desk.board.read(workflow_steps.get, "Fx1")


async def test_what_is_still_needed_stays(desk: Office) -> None:
    recorded = await talk(desk)
    await miss(desk, "in-1")  # and nobody has called back
    (copy, *_) = await desk.board.read(recordings.of_call, recorded.id)
    await desk.board.write(recordings.sharing, copy, "F1", "DU1", "1.0", desk.clock())
    desk.clock.advance(100 * DAY)
    await desk.happen(
        Described(ref="in-2", at=desk.clock(), source="cdr", direction="in", number="+12025550156", line=LINE),
        CdrReceived(ref="in-2", at=desk.clock(), leg="ext:AAA", outcome=Outcome.ANSWERED, talk_seconds=9),
    )
    await forgetting.expire(desk.board)
    assert len(await desk.calls()) == 3
    (row,) = await desk.board.read(missed.waiting)
    await desk.board.write(missed.close, row.id, now=desk.clock(), by="U1", how="by hand")
    assert await desk.board.write(recordings.deleted, copy)
    await forgetting.expire(desk.board)
    assert [call.number for call in await desk.calls()] == ["+12025550156"]


async def test_a_call_whose_fate_nobody_has_told_stays(desk: Office) -> None:
    desk.phone.answer = Ambiguous("No answer in time.")
    await desk.type(f"/call {CUSTOMER}")
    desk.clock.advance(100 * DAY)
    await forgetting.expire(desk.board)
    assert [call.state for call in await desk.calls()] == [State.UNCLEAR]


async def test_what_nobody_answered_goes_too(desk: Office) -> None:
    for state in ("draft", "paused", "running"):
        sent = Batch(calls.new_id(desk.clock()), "U1", "@U1", "voicenter", state, 0, desk.clock(), "", 1, b"{}")
        await desk.board.write(messages.write, sent, [Recipient(sent.id, 0, CALLER, "Noa Green", "waiting", 1e12)], 0)
    for state in ("preview", "paused", "adding"):
        listed = List(state, "voicenter", "key", "Spring sale", "march.csv", "U1", desk.clock(), state)  # type: ignore[arg-type]
        await desk.board.write(campaigns.create, listed)
    desk.clock.advance(61 * DAY)
    await forgetting.expire(desk.board)
    left = await desk.board.read(
        lambda db: [row[0] for row in db.execute("SELECT state FROM message_batches UNION SELECT state FROM batches")]
    )
    assert sorted(left) == ["adding", "running"]  # somebody waits for those


async def test_what_could_be_shown_to_nobody_goes_in_the_end(desk: Office) -> None:
    await desk.board.tell("U8", f"Somebody at {pretty(CALLER)} rang.", "note")  # who has left the workspace
    for days in (59, 2):
        desk.clock.advance(days * DAY)
        await desk.settle()
        await forgetting.expire(desk.board)
        left = await desk.board.read(cards.find, "notice", "note")
        assert (left is None) == (days == 2)


async def test_roundups_go_with_the_calls_that_they_told_of(desk: Office) -> None:
    gone = Roundup("hourly", "C1", desk.clock() - 3600, desk.clock(), desk.clock(), (LINE,), (LINE,))
    await desk.board.write(roundups.tell, gone, Call(id="c1", account="acme"), desk.clock(), late=False)
    for days in (59, 2):
        desk.clock.advance(days * DAY)
        await desk.settle()
        await forgetting.expire(desk.board)
        assert (await desk.board.read(cards.find, roundups.CARD, gone.subject) is None) == (days == 2)


async def test_a_call_stays_until_its_reminder_has_come(desk: Office) -> None:
    await miss(desk, "in-1", CALLER, Outcome.ANSWERED)
    (call,) = await desk.calls()
    await desk.board.write(ledger.remind, call.id, "U1", desk.clock() + 100 * DAY)
    desk.clock.advance(99 * DAY)
    await forgetting.expire(desk.board)
    desk.clock.advance(2 * DAY)
    await jobs.remind(desk.board)
    await desk.settle()
    assert "Reminder:" in desk.conversation("U1")[-1].text
    await forgetting.expire(desk.board)
    assert await desk.calls() == []


async def test_many_go_chunk_by_chunk(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "CHUNK", 3)
    for number in range(8):
        await miss(desk, f"in-{number}", f"+120255501{number:02}", Outcome.ANSWERED)
    desk.clock.advance(61 * DAY)
    await forgetting.expire(desk.board)
    assert await desk.calls() == []


async def test_a_long_list_goes_bit_by_bit_and_is_first_of_all_nothing_to_go_on_with(
    desk: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have a hundred thousand rows, and whoever calls meanwhile waits for no more than a few."""
    monkeypatch.setattr(retention, "LINES", 4)
    listed = List("list-1", "voicenter", "key", "Spring sale", "march.csv", "U1", desk.clock(), "adding")
    rows = [Row(line, "ready", CALLER, "", CampaignCall(number=CALLER)) for line in range(10)]

    def write(db: sqlite3.Connection) -> None:
        campaigns.create(db, listed)
        campaigns.add_rows(db, "list-1", msgspec.json.encode(rows))
        campaigns.move(db, "list-1", ("adding",), "paused", desk.clock())

    await desk.board.write(write)
    before = desk.clock() + DAY
    assert await desk.board.write(retention.forget_lists, before) == 0
    left = []
    while await desk.board.write(retention.shorten_lists, before):
        left.append(await desk.board.read(lambda db: db.execute("SELECT count(*) FROM batch_rows").fetchone()[0]))
        found = await desk.board.read(campaigns.get, "list-1")
        assert found is not None
        assert found.state == "dropped"
        assert await desk.board.write(retention.forget_lists, before) == (0 if left[-1] else 1)
    assert left == [6, 2, 0]


async def test_between_two_bits_others_have_their_turn(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "CHUNK", 3)
    for number in range(8):
        await miss(desk, f"in-{number}", f"+120255501{number:02}", Outcome.ANSWERED)
    desk.clock.advance(61 * DAY)
    rests: list[float] = []

    async def rest(seconds: float) -> None:
        rests.append(seconds)

    desk.board.sleep = rest
    await forgetting.expire(desk.board)
    assert len(rests) >= 3
    assert all(0 < seconds <= forgetting.LONGEST_REST_SECONDS for seconds in rests)


async def test_what_stays_is_passed_over_once(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of callers may wait for ever, and their calls stand before all that goes."""
    monkeypatch.setattr(retention, "CHUNK", 2)
    for number in range(6):
        await miss(
            desk, f"in-{number}", f"+120255501{number:02}", Outcome.ANSWERED if number % 2 else Outcome.NO_ANSWER
        )
    desk.clock.advance(61 * DAY)
    looked: list[str] = []

    def find(db: sqlite3.Connection, before: float, after: str) -> list[str]:
        looked.append(after)
        return retention.old_calls(db, before, after)

    await forgetting._found(find, retention.forget_calls, "")(desk.board, desk.clock() - 60 * DAY)
    assert len(await desk.calls()) == 3
    assert looked == sorted(set(looked))
    assert len(looked) == 3


async def test_a_call_that_is_needed_again_since_it_was_found_stays(desk: Office) -> None:
    await talk(desk)
    before = desk.clock() + 10 * DAY
    found = await desk.board.read(retention.old_calls, before, "")
    assert len(found) == 1
    await desk.board.write(ledger.remind, found[0], "U4", before + 60)
    assert await desk.board.write(retention.forget_calls, found, before) == 0
    assert len(await desk.calls()) == 1


async def test_without_the_setting_nothing_goes(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> None:
    async with office(tmp_path, fake_slack, slack_clock) as desk:
        await miss(desk, "in-1", CALLER, Outcome.ANSWERED)
        desk.clock.advance(10_000 * DAY)
        await forgetting.expire(desk.board)
        assert len(await desk.calls()) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"calls_days = {LEAST_DAYS - 1}", "must be 0 (never) or at least 35"),
        ("audit_days = 1", "retention.audit_days must be 0"),
        ("calls_days = -1", "must be a whole number"),
        ("years = 3", "unknown setting “years”"),
    ],
)
def test_mistakes_in_the_settings(tmp_path: Path, text: str, words: str) -> None:
    assert any(words in error for error in errors(tmp_path, f"[retention]\n{text}\n"))


async def test_a_message_whose_call_is_forgotten_while_it_is_drawn_stays_in_slack(desk: Office) -> None:
    call = await talk(desk)
    shown = [message.ts for message in desk.conversation("U1")]
    desk.clock.advance(61 * DAY)
    await desk.board.write(cards.touch, call.id, "call")
    draw = desk.feed.render

    async def forgotten(card: Card) -> Message | None:
        await forgetting.expire(desk.board)
        return await draw(card)

    desk.feed.render = forgotten
    await desk.settle()
    assert await desk.board.read(calls.get, call.id) is None
    assert [message.ts for message in desk.conversation("U1")] == shown
