"""A rep's card of a call list: from the first contact to the last, two reps, pausing, later, and what it shows."""

import asyncio
from pathlib import Path

import pytest

from bot import offers
from bot.errors import NotAllowed
from bot.events import REP, LegAnswered, Outcome
from tests import slack_requests
from tests.calling_desk import (
    BOTH,
    MAX,
    NOA,
    SAM,
    act,
    before,
    begin,
    begin_beside,
    buttons,
    card,
    cards,
    contact,
    end,
    free,
    furnish,
    numbers,
    paste,
    press,
    press_of,
    rest,
    text,
    wrap,
)
from tests.fake_slack import FakeSlack
from tests.office import SETTINGS, Office, office
from tests.slack_state import Clock

__all__ = ["free"]  # a fixture


# The whole story


async def test_from_the_first_contact_to_the_last(desk: Office) -> None:
    await furnish(desk)
    await desk.contact(SAM, "Sam Hill", "Hill & Sons")
    list_id = await begin(desk)
    shown = text(desk, "U1")
    for words in (
        "Call list Autumn offers\nNext is Noa Green, +1 202-555-0101\ncity: Haifa\nIt is ",
        "in New York, within calling hours (at any hour, every day)\nNo earlier calls with this number.",
        "You can: “Call”, “Skip”, “Later”, “Pause list”, “Auto-dial”.\n2 more wait",
    ):
        assert words in shown, words

    told = await act(desk, "call")
    assert told == "Ringing your phone to call Noa Green, +1 202-555-0101. Its card is below the list's."
    assert numbers(desk) == [NOA]
    assert "Calling Noa Green, +1 202-555-0101\nIts card below has everything you can do." in text(desk, "U1")
    assert buttons(desk) == []
    for leg, doing in ((REP, "Calling"), ("customer", "Talking to")):
        await desk.happen(LegAnswered(ref="paper-1", at=desk.clock(), leg=leg))
        assert f"{doing} Noa Green" in text(desk, "U1")
    await end(desk, 1, Outcome.ANSWERED, 80)
    assert "Talked for 1 min 20 s with Noa Green, +1 202-555-0101\nSay how it went" in text(desk, "U1")
    assert buttons(desk) == ["wrap", "next", "pause", "auto"]

    await wrap(desk, note="call in spring")
    assert (await contact(desk, list_id, NOA)).state == "done"
    assert "Next is Sam Hill (Hill & Sons), +1 202-555-0102" in text(desk, "U1")
    assert [message.text[:9] for message in desk.conversation("U1")] == ["📞 Talked ", "Call list"]
    await act(desk, "call")
    await end(desk, 2, Outcome.NO_ANSWER)
    assert "No answer: Sam Hill" in text(desk, "U1")
    assert buttons(desk) == ["next", "later", "wrap", "pause", "auto"]
    await act(desk, "next")
    assert "Next is Max, +1 202-555-0103\ncity: Lod" in text(desk, "U1")
    await act(desk, "skip")
    assert "Everybody of this list is done. Thank you!" in text(desk, "U1")
    assert "Done: 2 called, 1 skipped." in text(desk, "U2")
    assert "100 %" in text(desk, "U2")
    assert "no call list at the moment" in await desk.type("/call next")
    assert numbers(desk) == [NOA, SAM]


async def test_what_is_known_of_a_contact(free: Office) -> None:
    await free.link("U2", "+12025550177")
    await free.type(f"/call {NOA} note first try", user="U2")
    await end(free, 1, Outcome.BUSY)
    await begin(free, rows=f"number,name,Company,plan_name\n{NOA},Noa Green,Green Gardens,gold\n")
    shown = text(free, "U1")
    assert "Next is Noa Green (Green Gardens), +1 202-555-0101\nplan name: gold" in shown
    assert "we called, busy (first try)" in shown


async def test_what_a_channel_hides_is_hidden(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> None:
    async with office(tmp_path, fake_slack, slack_clock, f"mask_numbers = true\n{SETTINGS}") as desk:
        await furnish(desk)
        await desk.link("U2", "+12025550177")
        await desk.type(f"/call {NOA} note for managers", user="U2")
        await end(desk, 1, Outcome.BUSY)
        await begin(desk, BOTH.replace("<@U4|max>", "<@U2|grace>"))
        assert "we called, busy" in text(desk, "U1")
        assert "for managers" not in text(desk, "U1")


async def test_words_from_outside_ring_nobody_and_lead_nowhere(desk: Office) -> None:
    await furnish(desk)
    evil = "number,name,<!here>\n" + f'{NOA},<!channel>,"<https://evil.example|your bank>"\n'
    await paste(desk, "<!everyone> *sale* for <@U1|ada>", evil, name="<!everyone> *sale*")
    await press(desk, "give_out")
    for user in ("U1", "U2"):
        message = card(desk, user)
        for outside in ("<!", "<https"):
            assert outside not in message.text
            assert outside not in str(message.blocks)
    assert "&lt;!channel&gt;" in card(desk, "U1").text
    assert "<!" not in await desk.type("/campaign calllist", user="U2")


async def test_hundreds_of_columns_fit(desk: Office) -> None:
    await furnish(desk)
    names = ",".join(f"column{n}" for n in range(300))
    await begin_beside(desk, f"number,{names}\n{NOA}," + ",".join(["x" * 300] * 300) + "\n")
    assert "and 290 more" in text(desk, "U1")


# Two reps


async def test_two_reps_never_have_the_same_contact_before_them(desk: Office) -> None:
    await furnish(desk)
    list_id = await begin(desk, BOTH)
    assert "Next is Noa Green" in text(desk, "U1")
    assert "Next is Sam Hill" in text(desk, "U4")

    async def skips(user: str) -> None:
        await offers.skip(desk.board, user, await press_of(desk, list_id, user))

    await asyncio.gather(skips("U1"), skips("U4"))
    held = [await before(desk, list_id, user) for user in ("U1", "U4")]
    assert [row.number for row in held if row] == [MAX]
    await rest(desk)
    free = next(user for user in ("U1", "U4") if "Next is Max" not in text(desk, user))
    assert "Nobody is left for you. Colleagues have the last contacts before them." in text(desk, free)


async def test_priority_and_not_before(desk: Office) -> None:
    await furnish(desk)
    at = "2026-02-02 10:00"  # 03:40 it is in Madrid
    rows = f"number,name,priority,at\n{NOA},Noa,,\n{SAM},Sam,7,\n{MAX},Max,9,{at}\n"
    await begin(desk, rows=rows)
    assert "Next is Sam" in text(desk, "U1")
    await act(desk, "skip")
    assert "Next is Noa" in text(desk, "U1")
    await act(desk, "skip")
    assert "Nobody is to be called right now. The next contact comes at 10:00" in text(desk, "U1")
    assert "comes at 10:00" in await desk.type("/call next")
    desk.clock.advance(7 * 3600)
    await offers.due(desk.board)
    await rest(desk)
    assert "Next is Max" in text(desk, "U1")


async def test_who_pauses_gives_back_whom_they_have_before_them(desk: Office) -> None:
    await furnish(desk)
    list_id = await begin(desk, BOTH)
    await act(desk, "pause")
    assert "You have paused this list." in text(desk, "U1")
    assert buttons(desk) == ["go_on", "auto"]
    assert "You have paused your call list" in await desk.type("/call next")
    await act(desk, "skip", user="U4")
    assert "Next is Noa Green" in text(desk, "U4")
    await act(desk, "go_on")
    assert "Next is Max" in text(desk, "U1")
    with pytest.raises(NotAllowed, match="goes on anyway"):
        await offers.go_on(desk.board, "U1", list_id)
    with pytest.raises(NotAllowed, match="do not call from it"):
        await offers.pause(desk.board, "U2", list_id)


async def test_pausing_after_a_call_keeps_what_came_of_it(desk: Office) -> None:
    await furnish(desk)
    list_id = await begin(desk)
    await act(desk, "call")
    with pytest.raises(NotAllowed, match="still runs"):
        await offers.pause(desk.board, "U1", list_id)
    await end(desk, 1, Outcome.BUSY)
    await act(desk, "pause")
    assert (await contact(desk, list_id, NOA)).state == "done"


async def test_pausing_after_the_last_contact_ends_the_list(desk: Office) -> None:
    await furnish(desk)
    await begin(desk, rows=f"number\n{NOA}\n")
    await act(desk, "call")
    await end(desk, 1, Outcome.BUSY)
    await act(desk, "pause")
    assert "Done: 1 called, 0 skipped." in text(desk, "U2")
    assert "Everybody of this list is done." in text(desk, "U1")


# /call next and App Home


async def test_call_next_brings_the_one_card_to_the_bottom(desk: Office) -> None:
    await furnish(desk)
    assert "You have no call list at the moment." in await desk.type("/call next")
    list_id = await begin(desk)
    for _ in range(3):
        await desk.board.tell("U1", "Something else.", f"n{desk.clock()}")
        await desk.type("/call next")
        await rest(desk)
        assert len(cards(desk, "U1")) == 1
        assert desk.conversation("U1")[-1].text.startswith("Call list Autumn offers\nNext is Noa Green")
    assert desk.phone.orders == []
    await desk.send(slack_requests.home_opened(desk.slack))
    home = desk.slack.homes["U1"]
    assert "*Autumn offers*: 3 left" in str(home.view)
    await desk.board.tell("U1", "Something else.", "last")
    await desk.send(slack_requests.click(desk.slack, "offer:show", user="U1", view_id=home.id, value=list_id))
    await rest(desk)
    assert desk.conversation("U1")[-1].text.startswith("Call list")
    count = "SELECT count(*) FROM cards WHERE kind = 'offer'"
    assert await desk.board.read(lambda db: db.execute(count).fetchone()[0]) <= 2
