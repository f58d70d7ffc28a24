"""Who has agreed to be called: written down one by one or from a CSV, and what voice messages do without it."""

import html
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot import message_queue
from bot.store import consents, people
from bot.store.consents import Agreed
from tests.audit_lines import audit_log
from tests.fake_slack import FakeSlack
from tests.fake_slack_files import add_file
from tests.office import Office, office
from tests.slack_state import Clock
from tests.speaker import Speaker, speaker

NOA, SAM, MAX = "+12025550101", "+12025550102", "+972505550103"
JANUARY = 1_767_222_000.0  # the first of January 2026 in Madrid


@pytest.fixture
async def desk(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> AsyncIterator[Office]:
    async with office(tmp_path, fake_slack, slack_clock, kind=Speaker) as desk:
        await desk.link("U1")
        yield desk


async def of(desk: Office, number: str = NOA) -> Agreed | None:
    return await desk.board.read(consents.get, number)


async def audited(desk: Office) -> list[tuple[str, ...]]:
    return [tuple(line[1:]) for line in await desk.board.read(audit_log) if "consent" in line[2]]


# Writing it down


async def test_a_manager_writes_it_down_with_when_and_from_where(desk: Office) -> None:
    assert "No consent of +1 202-555-0101 is on record." in await desk.type(f"/callboard consent {NOA}")
    told = await desk.type("/callboard consent add +1 202 555 0101 2026-01-01 order form, box 3", user="U2")
    shown = "+1 202-555-0101 agreed to be called on 1 January 2026: order form, box 3. <@U2> wrote it down on"
    assert shown in html.unescape(told)
    assert await of(desk) == Agreed(NOA, "", JANUARY, "order form, box 3", "U2", desk.clock())
    assert await audited(desk) == [("U2", "consent add", NOA, "2026-01-01: order form, box 3")]
    assert shown in html.unescape(await desk.type(f"/callboard consent {NOA}"))


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (f"add {NOA} 2026-01-01", "From where it is known that they agreed is missing. Nothing was changed."),
        (f"add {NOA} 2026-02-30 form", "“2026-02-30” is no date: write 2026-03-04. Nothing was changed."),
        (f"add {NOA} 2027-01-01 form", "“2027-01-01” has not come yet. Nothing was changed."),
        ("add form", "Write the number first"),
        ("", "Write `/callboard consent +1 202 555 0100`"),
        (f"remove {NOA}", "No consent of +1 202-555-0101 is on record. Nothing was changed."),
    ],
)
async def test_what_cannot_be_used_is_said(desk: Office, typed: str, words: str) -> None:
    assert words in await desk.type(f"/callboard consent {typed}", user="U2")
    assert await of(desk) is None
    assert await audited(desk) == []


async def test_reps_do_not_and_everybody_may_withdraw_it(desk: Office) -> None:
    assert "Only managers" in await desk.type(f"/callboard consent add {NOA} form")
    assert "Only managers" in await desk.type("/callboard consent import")
    await desk.type(f"/callboard consent add {NOA} form", user="U2")
    assert "+1 202-555-0101 agrees no more." in await desk.type(f"/callboard consent remove {NOA}")
    assert await of(desk) is None
    assert (await audited(desk))[0] == ("U1", "consent remove", NOA, "2026-02-02: form")


async def test_of_one_number_the_latest_counts(desk: Office) -> None:
    await desk.type(f"/callboard consent add {NOA} 2026-01-15 form", user="U2")
    told = await desk.type(f"/callboard consent add {NOA} 2026-01-01 fair", user="U2")
    assert "A later consent of +1 202-555-0101 is on record already" in told
    assert (await of(desk) or Agreed("", "", 0, "", "", 0)).source == "form"


async def test_many_come_from_a_table(desk: Office) -> None:
    rows = (
        "Phone,Name,Opt-in date,Source\n+1 202 555 0101,Noa Green,2026-01-01,\n202 555 0102,,2026-01-02 10:00,Fair\n"
        "nonsense,,2026-01-01,x\n+972 50 555 0103,Max,1767222000,\n+1 202 555 0104,,3/4/2025,\n"
    )
    file = add_file(desk.slack, "agreed.csv", rows.encode(), user="U2")
    await desk.type("/callboard consent import", user="U2")
    assert await desk.submit({"file": [file.as_json()], "source": "Order form"}, user="U2") == {}
    told = desk.told
    assert "3 consents of agreed.csv are on record. 2 rows left out. Line 4: “nonsense” is not a phone number" in told
    assert "Line 6: “3/4/2025” is no date: write 2026-03-04." in told
    assert await of(desk) == Agreed(NOA, "Noa Green", JANUARY, "Order form", "U2", desk.clock())
    assert (await of(desk, SAM) or Agreed("", "", 0, "", "", 0)).source == "Fair"
    assert (await of(desk, MAX) or Agreed("", "", 0, "", "", 0)).given_at == JANUARY
    assert await audited(desk) == [("U2", "import consents", "", "agreed.csv: 3")]


async def test_a_row_needs_a_day_of_its_own_or_of_the_form(desk: Office) -> None:
    await desk.type("/callboard consent import", user="U2")
    late = await desk.submit({"rows": f"number\n{NOA}\n", "source": "Fair", "day": "2027-01-01"}, user="U2")
    assert late == {"day": "That day has not come yet. Nothing was read."}
    assert await desk.submit({"rows": f"number\n{NOA}\n", "source": "Fair"}, user="U2") == {}
    assert "0 consents of pasted rows are on record. 1 row left out. Line 2: When they agreed is missing." in desk.told
    await desk.type("/callboard consent import", user="U2")
    fields = {"rows": f"number\n{NOA}\n", "source": "Fair", "day": "2026-01-01"}
    assert await desk.submit(fields, user="U2") == {}
    assert "1 consent of pasted rows is on record." in desk.told


# What it is needed for


def demand(desk: Office, **days: int) -> None:
    settings = desk.board.settings
    desk.board.settings = replace(settings, messages=replace(settings.messages, consent=days, reps=5, confirm_over=5))


async def test_where_it_is_demanded_nobody_else_is_sent_a_voice_message(desk: Office) -> None:
    demand(desk, US=0)
    told = await desk.type(f'/voicemsg {NOA} "Hello"')
    assert "+1 202-555-0101 has not agreed to voice messages, as far as is on record." in told
    assert speaker(desk).messages == []
    await desk.type(f'/voicemsg {MAX} "Hello"')
    assert [order.number for order in speaker(desk).messages] == [MAX]
    await desk.type(f"/callboard consent add {NOA} 2020-01-01 form", user="U2")
    await desk.type(f'/voicemsg {NOA} "Hello"')
    assert [order.number for order in speaker(desk).messages] == [MAX, NOA]
    assert await desk.board.read(people.do_not_call, NOA) is None


async def test_it_holds_for_so_many_days(desk: Office) -> None:
    demand(desk, IL=365)
    await desk.type(f"/callboard consent add {MAX} 2025-02-01 form", user="U2")
    told = await desk.type(f'/voicemsg {MAX} "Hello"')
    assert "+972 50-555-0103 agreed to voice messages on 1 February 2025, and that holds for 365 days." in told
    await desk.type(f"/callboard consent add {MAX} 2025-02-04 form", user="U2")
    await desk.type(f'/voicemsg {MAX} "Hello"')
    assert [order.number for order in speaker(desk).messages] == [MAX]


async def test_whoever_withdraws_it_before_their_turn_is_not_called(desk: Office) -> None:
    demand(desk, US=0)
    await desk.type(f"/callboard consent add {NOA} form", user="U2")
    await desk.type(f'/voicemsg {NOA} "Hello" at 23:00')
    await desk.type(f"/callboard consent remove {NOA}")
    desk.clock.advance(24 * 3600)
    await message_queue.due(desk.board)
    await desk.settle()
    assert speaker(desk).messages == []


async def test_calls_by_hand_need_none(desk: Office) -> None:
    demand(desk, US=0)
    await desk.type(f"/call {NOA}")
    assert [order.number for order in desk.phone.orders] == [NOA]
