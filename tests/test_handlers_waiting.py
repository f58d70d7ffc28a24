"""`/missed`: who waits for a call back, page by page, and what is done about them from the list."""

from dataclasses import replace
from pathlib import Path

import pytest

from bot.store import missed, people
from bot.store.people import Person
from tests.audit_lines import audit_log
from tests.block_rules import check_message
from tests.fake_slack import FakeSlack
from tests.office import LINE, SETTINGS, Office, office
from tests.slack_state import Clock, Ephemeral
from tests.test_handlers_missed import CALLER, miss

MASKING = SETTINGS.replace('label = "Sales"', 'label = "Sales"\nmask = true')


def listed(desk: Office) -> Ephemeral:
    """The list as the person sees it now."""
    shown = next(shown for shown in reversed(desk.slack.ephemerals) if "aiting for a call back" in shown.text)
    check_message(shown.text, list(shown.blocks))
    return shown


def values(message: Ephemeral, action: str) -> list[str]:
    elements = [element for block in message.blocks if block["type"] == "actions" for element in block["elements"]]
    return [element["value"] for element in elements if element["action_id"] == action]


async def crowd(desk: Office, count: int) -> None:
    """So many wait, a minute apart."""
    for number in range(count):
        await miss(desk, f"in-{number}", f"+120255501{number:02}")
        desk.clock.advance(60)


async def test_nobody_waits(desk: Office) -> None:
    assert "Nobody is waiting for a call back." in await desk.type("/missed")
    assert "Nobody whom you have claimed is waiting for a call back." in await desk.type("/missed mine")
    for line in ("sales", "line Sales", "+1 202 555 0100", "line (202) 555-0100", "12025550100"):
        assert "Nobody is waiting for a call back, on Sales." in await desk.type(f"/missed {line}")


async def test_they_are_listed_page_by_page(desk: Office) -> None:
    await crowd(desk, 23)
    told = await desk.type("/missed")
    for words in ("Waiting for a call back (23)", "23 unclaimed", "The longest waits for 25 min", "Page 1 of 3"):
        assert words in told
    seen = values(listed(desk), "waiting:call_back")
    assert len(seen) == 10
    assert "1. +1 202-555-0100\nMissed once on line Sales; last at" in told
    await desk.press("waiting:page:next", listed(desk), "C1")
    assert "Page 2 of 3" in listed(desk).text
    assert "11. +1 202-555-0110" in listed(desk).text
    seen += values(listed(desk), "waiting:call_back")
    await desk.press("waiting:page:next", listed(desk), "C1")
    seen += values(listed(desk), "waiting:call_back")
    assert len({value.partition("|")[0] for value in seen}) == 23
    await desk.press("waiting:page:earlier", listed(desk), "C1")
    assert "Page 2 of 3" in listed(desk).text
    assert sum("aiting for a call back" in shown.text for shown in desk.slack.ephemerals) == 1, "it is one message"


async def test_a_claim_a_snooze_and_a_closing_show_in_the_list_and_on_the_card(desk: Office) -> None:
    await crowd(desk, 3)
    rows = await desk.board.read(missed.waiting)
    await desk.type("/missed")
    await desk.press("waiting:claim", listed(desk), "C1", value=f"{rows[0].id}|||0")
    assert "2 unclaimed · 1 claimed" in listed(desk).text
    assert listed(desk).text.index("+1 202-555-0101") < listed(desk).text.index("+1 202-555-0100"), "nobody's first"
    (card, *_) = [shown for shown in desk.slack.channel("C1") if "555-0100" in shown.text]
    assert "claimed by U1" in card.text
    await desk.press("waiting:snooze", listed(desk), "C1", value=f"{rows[1].id}|1h||0")
    assert "1 unclaimed · 1 claimed · 1 snoozed" in listed(desk).text
    assert "snoozed until" in listed(desk).text
    (close,) = [value for value in values(listed(desk), "waiting:close") if value.startswith(rows[2].id)]
    await desk.press("waiting:close", listed(desk), "C1", value=close)
    assert "Waiting for a call back (2)" in listed(desk).text
    assert "1 claimed · 1 snoozed" in listed(desk).text
    assert "(1)" in await desk.type("/missed mine")
    (mine,) = values(listed(desk), "waiting:release")
    await desk.press("waiting:release", listed(desk), "C1", value=mine)
    assert "Nobody whom you have claimed is waiting for a call back." in listed(desk).text
    done = [line[2] for line in await desk.board.read(audit_log)]
    assert done == [f"{what} missed caller" for what in ("release", "close", "snooze", "claim")]


async def test_calling_back_from_the_list_dials_once(desk: Office) -> None:
    await desk.link("U1")
    await miss(desk, "in-1")
    await desk.type("/missed")
    await desk.press("waiting:call_back", listed(desk), "C1")
    assert any("Ringing your phone" in shown.text for shown in desk.slack.ephemerals)
    assert [order.number for order in desk.phone.orders] == [CALLER]
    assert "1 claimed" in listed(desk).text


async def test_who_was_too_late_is_told_and_sees_the_list_as_it_is(desk: Office) -> None:
    await miss(desk, "in-1")
    (row,) = await desk.board.read(missed.waiting)
    await desk.type("/missed")
    await desk.board.write(missed.claim, row.id, "U4", desk.clock())
    await desk.press("waiting:claim", listed(desk), "C1")
    assert any("was faster and has claimed" in shown.text for shown in desk.slack.ephemerals)
    assert "claimed by U4" in listed(desk).text


@pytest.mark.parametrize("since", ["they have called again", "a colleague has claimed them", "a claim was given back"])
async def test_a_caller_is_not_closed_for_what_a_list_of_the_morning_says_of_them(desk: Office, since: str) -> None:
    """Nobody edits a list that somebody has open: what came since would be ticked off unseen."""
    await miss(desk, "in-1")
    (row,) = await desk.board.read(missed.waiting)
    if since == "a claim was given back":
        await desk.board.write(missed.claim, row.id, "U4", desk.clock())
    await desk.type("/missed")
    (old,) = [shown for shown in desk.slack.ephemerals if "Waiting for" in shown.text]
    desk.clock.advance(3 * 3600)
    if since == "they have called again":
        await miss(desk, "in-2")
        words = "They have called again since that was shown, at "
    elif since == "a colleague has claimed them":
        await desk.board.write(missed.claim, row.id, "U4", desk.clock())
        words = "U4&gt; has claimed this caller since that was shown"
    else:
        await desk.board.write(missed.release, row.id, "U4", 0)
        words = ""
    before = len(desk.slack.ephemerals)
    await desk.press("waiting:close", old, "C1")
    told = [shown.text for shown in desk.slack.ephemerals[before:] if "was not closed" in shown.text]
    assert len(told) == bool(words)
    assert all(words in text for text in told)
    assert len(await desk.board.read(missed.waiting)) == bool(words)
    if words:
        await desk.press("waiting:close", listed(desk), "C1")  # the list as it is now
        assert await desk.board.read(missed.waiting) == []


async def test_tomorrow_is_that_of_whoever_chose_it(desk: Office) -> None:
    await desk.link("U1", zone="America/New_York")  # it is 21:40 of the day before there
    await miss(desk, "in-1")
    (row,) = await desk.board.read(missed.waiting)
    await desk.type("/missed")
    await desk.press("waiting:snooze", listed(desk), "C1", value=f"{row.id}|tomorrow||0")
    assert "snoozed until tomorrow 09:00" in listed(desk).text


async def test_a_page_that_is_not_there_any_more_is_the_last_one(desk: Office) -> None:
    await crowd(desk, 11)
    await desk.type("/missed")
    await desk.press("waiting:page:next", listed(desk), "C1")
    (last,) = values(listed(desk), "waiting:close")
    await desk.press("waiting:close", listed(desk), "C1", value=last)
    assert "Waiting for a call back (10)" in listed(desk).text
    assert "Page" not in listed(desk).text


async def test_reps_see_their_own_extension_and_the_channels(desk: Office) -> None:
    await miss(desk, "in-1")
    (row,) = await desk.board.read(missed.waiting)
    await desk.board.db.write(lambda db: db.execute("UPDATE missed SET place = '@U4'").rowcount)
    assert "Nobody is waiting" in await desk.type("/missed", user="U1")
    for user in ("U4", "U2"):  # whose extension it is, and a manager
        assert "(1)" in await desk.type("/missed", user=user)
    assert row.line == LINE


@pytest.mark.parametrize(("user", "channel", "whole"), [("U1", "D", False), ("U2", "D", True), ("U2", "C1", False)])
async def test_numbers_are_masked_as_their_channel_masks_them(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock, user: str, channel: str, whole: bool
) -> None:
    async with office(tmp_path, fake_slack, slack_clock, MASKING) as desk:
        await miss(desk, "in-1")
        where = desk.slack.open_dm(user).id if channel == "D" else channel
        assert ("202-555-0155" in await desk.type("/missed", user=user, channel=where)) == whole


async def test_an_unknown_line_is_explained(desk: Office) -> None:
    assert "There is no line “a &amp; b”" in await desk.type("/missed a &amp; b")
    told = await desk.type("/missed nowhere")
    assert "There is no line “nowhere”. Type `/missed`, `/missed mine`, or a line's name: Sales." in told
    assert "shows those that you have claimed" in await desk.type("/missed help")
    for text in ("“Sales”", '"sales"', 'line "Sales"'):
        assert "Nobody is waiting for a call back, on Sales." in await desk.type(f"/missed {text}")


def assigns(message: Ephemeral) -> list[str]:
    elements = [element for block in message.blocks if block["type"] == "actions" for element in block["elements"]]
    return [element["action_id"] for element in elements if "assign" in element["action_id"]]


async def team(desk: Office) -> None:
    """Three who could call back."""
    for number, user in enumerate(("U1", "U2", "U4")):
        await desk.link(user, phone=f"+1202555019{number}")


async def test_a_manager_gives_a_caller_to_somebody_who_is_told(desk: Office) -> None:
    await team(desk)
    await miss(desk, "in-1")
    await desk.type("/missed", user="U1")
    assert assigns(listed(desk)) == []
    await desk.type("/missed", user="U2")
    (choice,) = assigns(listed(desk))
    await desk.press(choice, listed(desk), "C1", user="U2", value="U1")
    await desk.settle()
    assert "claimed by U1" in listed(desk).text
    (told,) = desk.conversation("U1")
    assert "U2 asks you to call back +1 202-555-0155." in told.text
    await desk.press("missed:call_back", told, desk.slack.open_dm("U1").id)
    assert [order.number for order in desk.phone.orders] == [CALLER]
    log = [line[1:] for line in await desk.board.read(audit_log)]
    assert ("U2", "assign missed caller", CALLER, "to <@U1>") in log


async def test_it_is_given_once_also_from_one_to_another(desk: Office) -> None:
    await team(desk)
    await miss(desk, "in-1")
    await desk.type("/missed", user="U2")
    for _ in range(2):
        (choice,) = assigns(listed(desk))
        await desk.press(choice, listed(desk), "C1", user="U2", value="U1")
    (choice,) = assigns(listed(desk))
    await desk.press(choice, listed(desk), "C1", user="U2", value="U4")
    (choice,) = assigns(listed(desk))
    await desk.press(choice, listed(desk), "C1", user="U2", value="U2")  # to oneself: no message
    await desk.settle()
    assert [len(desk.conversation(user)) for user in ("U1", "U4", "U2")] == [1, 1, 0]
    assert "claimed by U2" in listed(desk).text


@pytest.mark.parametrize("before", ["", "U2"])
async def test_a_manager_takes_no_claim_away_that_they_have_not_seen(desk: Office, before: str) -> None:
    """Their list is as old as they left it; somebody may be about to call by now, or another manager was faster."""
    await team(desk)
    await miss(desk, "in-1")
    (row,) = await desk.board.read(missed.waiting)
    if before:
        await desk.board.write(missed.claim, row.id, before, desk.clock())
    await desk.type("/missed", user="U2")
    (choice,) = assigns(listed(desk))
    desk.clock.advance(300)
    await desk.board.write(missed.assign, row.id, "U4", desk.clock())
    await desk.press(choice, listed(desk), "C1", user="U2", value="U1")
    assert any("has claimed this caller since. Nothing was changed" in shown.text for shown in desk.slack.ephemerals)
    (row,) = await desk.board.read(missed.waiting)
    assert row.claimed_by == "U4"
    assert desk.conversation("U1") == []
    assert "claimed by U4" in listed(desk).text
    (choice,) = assigns(listed(desk))  # they have seen it now
    await desk.press(choice, listed(desk), "C1", user="U2", value="U1")
    (row,) = await desk.board.read(missed.waiting)
    assert row.claimed_by == "U1"


@pytest.mark.parametrize(("fault", "given"), [("", False), ("500", True)])
async def test_only_a_person_gets_one(desk: Office, fault: str, given: bool) -> None:
    """Where Slack does not say who they are, its own menu is believed."""
    await team(desk)
    desk.slack.users["U4"].deleted = True
    await miss(desk, "in-1")
    await desk.type("/missed", user="U2")
    (choice,) = assigns(listed(desk))
    if fault:
        desk.slack.fail_next("users.info", fault)
    await desk.press(choice, listed(desk), "C1", user="U2", value="U4")
    (row,) = await desk.board.read(missed.waiting)
    assert (row.claimed_by == "U4") == given
    assert any("nobody who could call back" in shown.text for shown in desk.slack.ephemerals) != given


async def test_a_guest_gets_none(desk: Office) -> None:
    """Slack's menu offers them, but whatever they press is refused."""
    await team(desk)
    desk.slack.users["U4"].guest = True
    desk.desk.met.discard("U4")
    await miss(desk, "in-1")
    await desk.type("/missed", user="U2")
    (choice,) = assigns(listed(desk))
    await desk.press(choice, listed(desk), "C1", user="U2", value="U4")
    (row,) = await desk.board.read(missed.waiting)
    assert row.claimed_by == ""
    assert any("may not use Callboard" in shown.text for shown in desk.slack.ephemerals)
    assert desk.conversation("U4") == []


async def test_a_closed_one_is_given_to_nobody(desk: Office) -> None:
    await team(desk)
    await miss(desk, "in-1")
    (row,) = await desk.board.read(missed.waiting)
    await desk.type("/missed", user="U2")
    (choice,) = assigns(listed(desk))
    await desk.board.write(missed.close, row.id, now=desk.clock(), by="U1", how="by hand")
    await desk.press(choice, listed(desk), "C1", user="U2", value="U1")
    assert any("is closed already" in shown.text for shown in desk.slack.ephemerals)
    assert desk.conversation("U1") == []


async def test_a_rep_gives_nobody_away(desk: Office) -> None:
    await team(desk)
    await miss(desk, "in-1")
    await desk.type("/missed", user="U2")
    (choice,) = assigns(listed(desk))
    # Whoever has kept a list from the time when they were a manager.
    shown = desk.slack.ephemerals[0] = replace(desk.slack.ephemerals[0], user="U1")
    assert "Only managers give callers to others" in await desk.press(choice, shown, "C1", value="U4")
    (row,) = await desk.board.read(missed.waiting)
    assert row.claimed_by == ""


async def test_a_large_team_is_chosen_from_in_slacks_own_menu(desk: Office) -> None:
    await miss(desk, "in-1")
    await team(desk)
    await desk.type("/missed", user="U2")
    assert "'type': 'users_select'" not in str(listed(desk).blocks)
    for number in range(99):
        rep = Person(f"U0{number:03}", f"Rep {number}", phone_kind="extension", phone=f"{number}")
        await desk.board.write(people.save_person, rep)
    await desk.type("/missed", user="U2")
    assert "'type': 'users_select'" in str(listed(desk).blocks)
    (choice,) = assigns(listed(desk))
    await desk.press(choice, listed(desk), "C1", user="U2", value="U4")
    (row,) = await desk.board.read(missed.waiting)
    assert row.claimed_by == "U4"
