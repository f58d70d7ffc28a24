"""A rep works through a call list by signed requests: a contact at a time, called once, how it went, the next."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot import calling_lists, offers, permission, tries
from bot.dialing import YES_SECONDS
from bot.errors import NotAllowed
from bot.events import REP, CdrReceived, LegAnswered, LegEnded, LegRinging, Outcome
from bot.store import people
from bot.store.offers import GRACE_SECONDS
from tests import slack_requests
from tests.calling_desk import (
    BOTH,
    CLOSED,
    MAX,
    NOA,
    SAM,
    THREE,
    act,
    answer,
    before,
    begin,
    buttons,
    card,
    cards,
    contact,
    elements,
    end,
    furnish,
    lists,
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

FREE = SETTINGS.replace("[policy]", "[policy]\nattempts_per_day = 0\nattempts_per_week = 0")
DAY = 86400.0


@pytest.fixture
async def free(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> AsyncIterator[Office]:
    """No limit of attempts."""
    async with office(tmp_path, fake_slack, slack_clock, FREE) as there:
        await furnish(there)
        yield there


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


# Who is not reached


async def test_who_is_not_reached_is_called_again_as_often_as_the_list_says(free: Office) -> None:
    await paste(free, "Autumn offers for <@U1|ada>", tries="3")
    assert "Whoever is not reached is called up to 3 times." in text(free, "U2")
    await press(free, "give_out")
    list_id = (await lists(free))[-1].id
    for number, left, said in ((1, "twice", "once"), (2, "once", "twice")):
        await act(free, "call")
        await end(free, number, Outcome.BUSY)
        assert f"Next contact puts them off, to be called {left} more" in text(free, "U1")
        await act(free, "next")
        row = await contact(free, list_id, NOA)
        assert (row.state, row.why) == ("ready", f"Not reached so far: called {said}.")
        assert row.due_at - free.clock() == pytest.approx(tries.AGAIN_SECONDS, abs=10)
        free.clock.advance(tries.AGAIN_SECONDS)
        await act(free, "later", choice="tomorrow")
        assert "Next is Noa Green, +1 202-555-0101\ncity: Haifa\n" in text(free, "U1")
        assert f"Not reached so far: called {said}." in text(free, "U1")
    await act(free, "call")
    await end(free, 3, Outcome.NO_ANSWER)
    assert "puts them off" not in text(free, "U1")
    await act(free, "next")
    assert (await contact(free, list_id, NOA)).state == "done"
    assert numbers(free) == [NOA, NOA, NOA]


async def test_a_try_waits_for_the_limits_and_the_calling_hours(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    async with office(tmp_path, fake_slack, slack_clock, CLOSED) as desk:
        await furnish(desk)
        desk.clock.advance(12 * 3600)  # Monday 09:40 in New York
        await paste(desk, "Autumn offers for <@U1|ada>", tries="2")
        await press(desk, "give_out")
        list_id = (await lists(desk))[-1].id
        await act(desk, "call")
        await end(desk, 1, Outcome.NO_ANSWER)
        await act(desk, "next")
        row = await contact(desk, list_id, NOA)
        at = datetime.fromtimestamp(row.due_at, ZoneInfo("America/New_York"))
        assert f"{at:%A %H:%M}" == "Tuesday 09:00"
        assert "called once" in row.why


@pytest.mark.parametrize("outcome", [Outcome.ANSWERED, Outcome.REJECTED])
async def test_who_said_something_is_not_called_again(free: Office, outcome: Outcome) -> None:
    await paste(free, "Autumn offers for <@U1|ada>", tries="2")
    await press(free, "give_out")
    list_id = (await lists(free))[-1].id
    await act(free, "call")
    await end(free, 1, outcome, 20)
    await act(free, "next")
    assert (await contact(free, list_id, NOA)).state == "done"


async def test_a_call_that_never_rang_them_is_no_try(free: Office) -> None:
    await paste(free, "Autumn offers for <@U1|ada>", tries="2")
    await press(free, "give_out")
    list_id = (await lists(free))[-1].id
    await act(free, "call")
    await free.happen(CdrReceived(ref="paper-1", at=free.clock(), leg=REP, outcome=Outcome.NO_ANSWER))
    free.clock.advance(10)
    await act(free, "call")
    await end(free, 2, Outcome.NO_ANSWER)
    await act(free, "next")
    assert (await contact(free, list_id, NOA)).why == "Not reached so far: called once."


async def test_who_was_not_reached_when_a_rep_pauses_is_called_again(free: Office) -> None:
    await paste(free, "Autumn offers for <@U1|ada>", tries="2")
    await press(free, "give_out")
    list_id = (await lists(free))[-1].id
    await act(free, "call")
    await end(free, 1, Outcome.NO_ANSWER)
    await act(free, "pause")
    assert (await contact(free, list_id, NOA)).state == "ready"


async def ended(desk: Office, outcome: Outcome = Outcome.PENDING) -> None:
    """The call is over; how it ended is told by its record, perhaps long after *Next contact*."""
    await desk.happen(LegRinging(ref="paper-1", at=desk.clock(), leg="customer"))
    await desk.happen(LegEnded(ref="paper-1", at=desk.clock(), leg="customer", outcome=outcome))


async def test_a_record_that_comes_after_the_next_contact_counts(free: Office) -> None:
    await paste(free, "Autumn offers for <@U1|ada>", tries="2")
    await press(free, "give_out")
    list_id = (await lists(free))[-1].id
    await act(free, "call")
    await ended(free)
    await act(free, "next")
    assert (await contact(free, list_id, NOA)).state == "done"
    await end(free, 1, Outcome.NO_ANSWER)
    row = await contact(free, list_id, NOA)
    assert (row.state, row.why) == ("ready", "Not reached so far: called once.")
    assert row.due_at - free.clock() == pytest.approx(tries.AGAIN_SECONDS, abs=10)


async def test_who_was_reached_after_all_is_not_called_again(free: Office) -> None:
    await paste(free, "Autumn offers for <@U1|ada>", tries="2")
    await press(free, "give_out")
    list_id = (await lists(free))[-1].id
    await act(free, "call")
    await ended(free, Outcome.NO_ANSWER)
    await act(free, "next")
    assert (await contact(free, list_id, NOA)).state == "ready"
    await end(free, 1, Outcome.ANSWERED, 30)
    row = await contact(free, list_id, NOA)
    assert (row.state, row.why) == ("done", "")


async def test_a_record_that_comes_after_the_list_was_stopped_calls_nobody(free: Office) -> None:
    await paste(free, "Autumn offers for <@U1|ada>", tries="2")
    await press(free, "give_out")
    list_id = (await lists(free))[-1].id
    await act(free, "call")
    await ended(free)
    await press(free, "stop")
    await end(free, 1, Outcome.NO_ANSWER)
    assert (await contact(free, list_id, NOA)).state == "done"


async def test_who_may_not_be_called_any_more_is_not_tried_again(free: Office) -> None:
    await paste(free, "Autumn offers for <@U1|ada>", tries="2")
    await press(free, "give_out")
    list_id = (await lists(free))[-1].id
    await act(free, "call")
    await end(free, 1, Outcome.NO_ANSWER)
    await free.board.write(people.block, NOA, "asked us to stop", "U9", free.clock())
    await act(free, "next")
    assert (await contact(free, list_id, NOA)).state == "barred"


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


# Outside their hours


async def test_outside_their_hours_it_asks_and_a_yes_counts_once(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    async with office(tmp_path, fake_slack, slack_clock, CLOSED) as desk:
        await furnish(desk)
        await begin(desk)
        assert "outside calling hours (between 09:00 and 18:00, every day)" in text(desk, "U1")
        assert "Call anyway?" in await act(desk, "call")
        assert desk.phone.orders == []
        first = desk.slack.ephemerals[-1]
        assert "Call anyway?" in await act(desk, "call")
        second, channel = desk.slack.ephemerals[-1], desk.slack.open_dm("U1").id
        for question in (second, second, first):
            await desk.press("offer:yes", question, channel)
        await rest(desk)
        assert numbers(desk) == [NOA]
        assert "Calling Noa Green" in text(desk, "U1")


async def test_a_yes_that_comes_much_later_is_asked_for_anew(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    async with office(tmp_path, fake_slack, slack_clock, CLOSED) as desk:
        await furnish(desk)
        await begin(desk)
        assert "Call anyway?" in await act(desk, "call")
        question, channel = desk.slack.ephemerals[-1], desk.slack.open_dm("U1").id
        desk.clock.advance(YES_SECONDS + 60)
        await desk.press("offer:yes", question, channel)
        await rest(desk)
        assert desk.phone.orders == []
        assert desk.slack.ephemerals[-1] is not question
        await desk.press("offer:yes", desk.slack.ephemerals[-1], channel)
        await rest(desk)
        assert numbers(desk) == [NOA]


# The do-not-call list, and how often a number is called


async def test_a_number_that_is_listed_meanwhile_is_not_dialled_and_the_row_says_so(desk: Office) -> None:
    await furnish(desk)
    list_id = await begin(desk)
    await desk.board.write(people.block, NOA, "asked us to stop", "U9", desk.clock())
    await desk.board.write(people.block, SAM, "moved", "U9", desk.clock())
    told = await act(desk, "call")
    assert "+1 202-555-0101 is on the do-not-call list" in told
    assert desk.phone.orders == []
    for number, why in ((NOA, "asked us to stop"), (SAM, "moved")):
        row = await contact(desk, list_id, number)
        assert row.state == "barred"
        assert why in row.why
    assert "Next is Max" in text(desk, "U1")
    assert "2 not allowed any more" in text(desk, "U2")


async def test_a_number_comes_back_when_the_limits_allow_it_with_the_reason(desk: Office) -> None:
    await furnish(desk)
    await begin(desk, rows=f"number,name\n{NOA},Noa Green\n{MAX},Max\n")
    await act(desk, "call")
    await end(desk, 1, Outcome.NO_ANSWER)
    told = await act(desk, "later", choice="1h")
    assert told.startswith("Noa Green comes back to you tomorrow at ")
    assert "was called automatically or from a list once today" in told
    await act(desk, "skip")
    assert "Nobody is to be called right now. The next contact comes tomorrow at" in text(desk, "U1")
    desk.clock.advance(3 * 3600)
    await offers.due(desk.board)
    assert len(desk.phone.orders) == 1
    desk.clock.advance(DAY)
    await offers.due(desk.board)
    await rest(desk)
    assert "Next is Noa Green" in text(desk, "U1")
    assert "was called automatically or from a list once today" in text(desk, "U1")
    await act(desk, "call")
    assert numbers(desk) == [NOA, NOA]
    await end(desk, 2, Outcome.NO_ANSWER)
    told = await act(desk, "later", choice="tomorrow")
    assert "twice within seven days" in told
    assert "comes back to you on 9 Feb at 00:00." in told


async def test_a_number_of_another_list_counts_and_is_not_shown(desk: Office) -> None:
    await furnish(desk)
    await begin(desk, rows=f"number,name\n{NOA},Noa Green\n")
    await act(desk, "call")
    await end(desk, 1, Outcome.BUSY)
    await act(desk, "next")
    list_id = await begin_beside(desk)
    row = await contact(desk, list_id, NOA)
    assert (row.state, row.due_at > desk.clock()) == ("ready", True)
    assert "once today" in row.why
    held = await before(desk, list_id)
    assert held is not None
    assert held.number == SAM


async def test_a_call_from_a_list_counts_for_voice_messages_too(desk: Office) -> None:
    await furnish(desk)
    await begin(desk)
    await desk.board.read(permission.check_message, desk.board, "U2", NOA, desk.clock())
    await act(desk, "call")
    with pytest.raises(NotAllowed, match="from a list once today"):
        await desk.board.read(permission.check_message, desk.board, "U2", NOA, desk.clock())
    await desk.happen(CdrReceived(ref="paper-1", at=desk.clock(), leg=REP, outcome=Outcome.NO_ANSWER))
    await desk.board.read(permission.check_message, desk.board, "U2", NOA, desk.clock())  # their phone never rang


async def begin_beside(desk: Office, rows: str = THREE) -> str:
    """A list that is not made by the form."""
    found = await calling_lists.prepare(desk.board, "U2", "Second", ["U1"], rows.encode(), "pasted rows", "second")
    await calling_lists.give_out(desk.board, "U2", found.id)
    await rest(desk)
    return found.id


# Later


async def test_later_comes_due_by_the_clock_for_whoever_put_it_off_first(free: Office) -> None:
    list_id = await begin(free, BOTH)
    assert await act(free, "later", choice="1h") == "Noa Green comes back to you at 04:40."
    assert "Next is Max" in text(free, "U1")
    await act(free, "skip")
    await act(free, "skip", user="U4")
    free.clock.advance(3599)
    await offers.due(free.board)
    assert await before(free, list_id, "U4") is None
    await offers.due(free.board)
    held = await before(free, list_id, "U1")
    assert held is not None
    assert held.number == NOA
    await rest(free)
    await act(free, "later", choice="1h")
    await act(free, "pause")
    free.clock.advance(3600 + GRACE_SECONDS)
    await offers.due(free.board)
    await rest(free)
    assert "Next is Noa Green" in text(free, "U4")


async def test_later_is_by_the_reps_own_clock_and_takes_any_time(free: Office) -> None:
    await begin(free)
    assert await act(free, "later", choice="afternoon") == "Noa Green comes back to you at 15:00."
    assert await act(free, "later", choice="tomorrow") == "Sam Hill comes back to you tomorrow at 09:00."
    await act(free, "later", choice="choose")
    assert "past" in (await free.submit({"day": "2026-01-01", "time": "9:00"}))["time"]
    assert await free.submit({"day": "2026-02-05", "time": "16:30"}) == {}
    await rest(free)
    assert "1 of them" not in text(free, "U1")
    assert "3 more wait until later" in text(free, "U1")
    assert "Max comes back to you on 5 Feb at 16:30." in free.conversation("U1")[-1].text


async def test_in_the_afternoon_this_afternoon_is_not_buttons(free: Office) -> None:
    free.clock.advance(11 * 3600)
    await begin(free)
    values = [option["value"] for option in elements(card(free, "U1"))["offer:later"]["options"]]
    assert [value.rpartition("|")[2] for value in values] == ["1h", "tomorrow", "choose"]


async def test_later_after_nobody_answered_and_not_after_a_talk(free: Office) -> None:
    list_id = await begin(free)
    await act(free, "call")
    pressed = await press_of(free, list_id, "U1")
    for early in (
        offers.put_off(free.board, "U1", pressed, free.clock() + 60),
        offers.onward(free.board, "U1", pressed),
    ):
        with pytest.raises(NotAllowed, match="runs"):
            await early
    await end(free, 1, Outcome.NO_ANSWER)
    await act(free, "later", choice="1h")
    assert "Next is Sam Hill" in text(free, "U1")
    free.clock.advance(3600)
    await act(free, "call")
    await answer(free, 2)
    assert "later" not in buttons(free)
    await wrap(free)
    assert "Next is Noa Green" in text(free, "U1")
    assert "we called, no answer" in text(free, "U1")


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
