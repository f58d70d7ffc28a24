"""`/callboard registry`: a copy is imported, counts, grows old, and goes; and what follows for whom may be called."""

import html
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot import offers, permission, registries
from bot.errors import NotAllowed
from bot.store import ledger
from bot.store import registries as store
from tests import slack_requests
from tests.audit_lines import audit_log
from tests.calling_desk import act, begin, furnish, numbers, paste, press, rest, text
from tests.fake_slack_files import add_file
from tests.office import Office

NOA, SAM = "+12025550101", "+12025550102"
FILE = b"202,5550101\n202,5550199\n"


def day(desk: Office, before: int = 0) -> str:
    today = datetime.fromtimestamp(desk.clock(), ZoneInfo("Europe/Madrid")).date()
    return (today - timedelta(before)).isoformat()


async def take_in(desk: Office, data: bytes = FILE, *, age: int = 0, **fields: str) -> None:
    """The form, filled in."""
    file = add_file(desk.slack, "registry.txt", data, user="U9")
    await desk.type("/callboard registry import", user="U9")
    filled = {"name": "US", "country": "US", "day": day(desk, age), "file": [file.as_json()], **fields}
    assert await desk.submit(filled, user="U9") == {}
    await rest(desk)


async def audited(desk: Office) -> list[tuple[str, ...]]:
    return [tuple(line[1:]) for line in await desk.board.read(audit_log) if "registry" in line[2]]


# Importing one


async def test_an_admin_imports_a_copy_and_everybody_sees_how_old_it_is(desk: Office) -> None:
    assert "No do-not-call registry was imported" in await desk.type("/callboard registry")
    await take_in(desk, FILE + b"nonsense\n", age=3)
    assert desk.conversation("U9")[-1].text == (
        "The registry “US” has 2 numbers as of 30 January 2026. Left out: 1 line with no number there: line 3: "
        "nonsense. Voice messages and calls from lists go to none of them; by hand it is asked first."
    )
    told = html.unescape(await desk.type("/callboard registry"))
    assert "• *US* (US): 2 numbers as of 30 January 2026, 3 days old, 31 are the most; imported by <@U9>" in told
    assert await audited(desk) == [
        ("U9", "import registry", "US", "US, as of 2026-01-30: 2 numbers, 1 line left out"),
    ]


async def test_it_is_for_admins(desk: Office) -> None:
    assert "Only admins" in await desk.type("/callboard registry import", user="U2")
    assert "Only admins" in await desk.type("/callboard registry remove US", user="U2")
    with pytest.raises(NotAllowed):
        await registries.take_in(desk.board, "U2", "US", "US", "", FILE, "x.txt", "id")
    assert "Write `/callboard registry`" in await desk.type("/callboard registry what", user="U9")


async def test_a_day_that_has_not_come_is_none(desk: Office) -> None:
    file = add_file(desk.slack, "registry.txt", FILE, user="U9")
    await desk.type("/callboard registry import", user="U9")
    filled = {"name": "US", "country": "US", "day": day(desk, -1), "file": [file.as_json()]}
    assert "has not come yet" in (await desk.submit(filled, user="U9"))["day"]


async def test_a_few_numbers_may_be_pasted(desk: Office) -> None:
    await desk.type("/callboard registry import", user="U9")
    assert "one of the two" in (await desk.submit({"name": "US", "country": "US", "day": day(desk)}, user="U9"))["rows"]
    filled = {"name": "US", "country": "US", "day": day(desk), "rows": "2025550101\n2025550102"}
    assert await desk.submit(filled, user="U9") == {}
    await rest(desk)
    assert "2 numbers" in await desk.type("/callboard registry")


async def test_a_file_in_the_conversation_may_be_one(desk: Office) -> None:
    file = add_file(desk.slack, "registry.csv", FILE, user="U9")
    await desk.send(slack_requests.direct_message(desk.slack, "", user="U9", files=[file.as_json()]))
    question, channel = desk.conversation("U9")[-1], desk.slack.open_dm("U9").id
    await desk.press("registry:file", question, channel, user="U9")
    assert await desk.submit({"name": "US", "country": "US", "day": day(desk)}, user="U9") == {}
    await rest(desk)
    assert "2 numbers" in await desk.type("/callboard registry")


async def test_a_new_copy_takes_the_place_of_the_old_and_parts_stand_side_by_side(desk: Office) -> None:
    await take_in(desk)
    await take_in(desk, b"2025550102\n" + b"".join(b"202555%04d\n" % last for last in range(1000, 2500)))
    await take_in(desk, b"3055550101\n", name="US 305")
    assert [(copy.name, copy.count) for copy in await desk.board.read(store.current)] == [("US", 1501), ("US 305", 1)]
    found = {number: await desk.board.read(store.listing, number) for number in (NOA, SAM, "+13055550101")}
    assert [copy.name if copy else "" for copy in found.values()] == ["", "US", "US 305"]
    assert await desk.board.read(lambda db: db.execute("SELECT count(*) FROM registries").fetchone()[0]) == 2
    assert "counts no more" in await desk.type("/callboard registry remove US", user="U9")
    assert await desk.board.read(store.listing, SAM) is None
    assert "There is no registry “US”" in await desk.type("/callboard registry remove US", user="U9")
    assert await desk.board.read(lambda db: db.execute("SELECT count(*) FROM registry_pages").fetchone()[0]) == 1


async def test_what_a_restart_cut_off_never_counts(desk: Office) -> None:
    new = store.Copy("c1", "US", "US", day(desk), 1, "U9", desk.clock(), "x.txt")
    await desk.board.write(store.create, new)
    await desk.board.write(store.add_pages, "c1", [(12025550101, b"x" * 8)])
    await registries.watch(desk.board)
    assert await desk.board.read(lambda db: db.execute("SELECT state FROM registries").fetchall()[0][0]) == "reading"
    desk.clock.advance(4000)
    await registries.watch(desk.board)
    assert await desk.board.read(lambda db: db.execute("SELECT count(*) FROM registry_pages").fetchone()[0]) == 0


# Whom it keeps from being called


async def test_by_hand_it_is_asked_unless_they_called_or_agreed(desk: Office) -> None:
    await desk.link("U1")
    await take_in(desk)
    told = await desk.type(f"/call {NOA}")
    assert "+1 202-555-0101 is in the do-not-call registry “US”: nobody may call to sell them something" in told
    assert numbers(desk) == []
    await desk.type(f"/call {SAM}")
    assert numbers(desk) == [SAM]
    desk.clock.advance(60)
    await desk.type(f"/callboard consent add {NOA} order form", user="U2")
    await desk.type(f"/call {NOA}")
    assert numbers(desk) == [SAM, NOA]


async def test_no_voice_message_goes_to_them(desk: Office) -> None:
    await take_in(desk)

    async def words(number: str) -> str:
        try:
            await desk.board.read(lambda found: permission.check_message(found, desk.board, "U2", number, desk.clock()))
        except NotAllowed as error:
            return str(error)
        return ""

    assert await words(SAM) == ""
    assert "+1 202-555-0101 is in the do-not-call registry “US”. If they have agreed" in await words(NOA)
    await desk.type(f"/callboard consent add {NOA} order form", user="U2")
    assert await words(NOA) == ""


async def test_nor_a_call_from_a_list(desk: Office) -> None:
    await furnish(desk)
    await take_in(desk)
    await paste(desk, "Autumn offers for <@U1|ada>")
    assert "Noa Green" not in text(desk, "U2").split("on the do-not-call list")[0]
    await press(desk, "give_out")
    assert "Next is Sam Hill" in text(desk, "U1")


async def test_also_one_that_was_given_out_before(desk: Office) -> None:
    await furnish(desk)
    await begin(desk)
    assert "Next is Noa Green" in text(desk, "U1")
    await take_in(desk)
    await act(desk, "call")
    assert numbers(desk) == []
    assert "Next is Sam Hill" in text(desk, "U1")


# When it is too old


async def test_the_admins_are_told_before_and_when_it_is_too_old(desk: Office) -> None:
    await take_in(desk, age=28)
    await registries.watch(desk.board)
    await desk.settle()
    assert len(desk.conversation("U9")) == 1
    desk.clock.advance(86400)
    for _ in range(2):
        await registries.watch(desk.board)
        await desk.settle()
    assert "is 29 days old, and 31 are the most: after that no voice message" in desk.conversation("U9")[-1].text
    count = len(desk.conversation("U9"))
    desk.clock.advance(3 * 86400)
    await registries.watch(desk.board)
    await desk.settle()
    (later,) = [message.text for message in desk.conversation("U9")[count:]]
    assert "is 32 days old, and 31 are the most. No voice message" in later
    assert "*too old*" in await desk.type("/callboard registry")
    await take_in(desk)
    assert "too old" not in await desk.type("/callboard registry")
    assert not [key for key, *_ in await desk.board.read(ledger.problems) if key.startswith("registry")]


async def test_then_nobody_there_is_called_but_by_hand_until_there_is_a_new_one(desk: Office) -> None:
    await furnish(desk)
    await begin(desk)
    await take_in(desk, b"2025550177", age=32)
    told = await act(desk, "call")
    assert "the copy of the do-not-call registry “US” is of 1 January 2026, and 31 days are the most" in told
    assert numbers(desk) == []
    await desk.type(f"/call {SAM}")
    assert numbers(desk) == [SAM]
    desk.clock.advance(60)
    await take_in(desk, b"2025550177")
    await offers.due(desk.board)
    await rest(desk)
    await act(desk, "call")
    assert len(numbers(desk)) == 2
