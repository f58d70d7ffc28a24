"""`/campaign calllist` by signed requests: the form, the preview, giving out, approval, the maker's card, results."""

import html
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot import calling_lists, offers
from bot.cards.times import PACE_SECONDS
from bot.errors import NotAllowed
from bot.events import Outcome
from bot.numbers import pretty
from bot.store import calling_lists as store
from bot.store import people
from handlers.calling_lists import LEFT_OUT
from handlers.left_out import Reports
from tests import slack_requests
from tests.audit_lines import audit_log
from tests.calling_desk import (
    BOTH,
    MAX,
    NOA,
    SAM,
    THREE,
    act,
    answer,
    audit,
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
    paste,
    press,
    rest,
    text,
    wrap,
)
from tests.campaign_desk import ROWS
from tests.fake_slack import FakeSlack
from tests.fake_slack_files import add_file, shared, table
from tests.office import SETTINGS, Office, office
from tests.slack_state import Clock

STRICT = SETTINGS.replace('managers = ["U2"]', 'managers = ["U2", "U4"]').replace(
    "[policy]", "[policy]\napprove_over = 2"
)


@pytest.fixture
async def strict(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> AsyncIterator[Office]:
    async with office(tmp_path, fake_slack, slack_clock, STRICT) as there:
        await furnish(there)
        yield there


# Making one


async def test_who_is_no_manager_any_more_gives_colleagues_no_list(strict: Office) -> None:
    desk = strict
    await paste(desk, "Autumn offers for <@U1|ada>", f"number\n{NOA}\n")
    was, desk.board.settings = desk.board.settings, replace(desk.board.settings, managers=("U4",))
    assert "Only managers may give call lists to others, so nothing was done" in await press(desk, "give_out")
    desk.board.settings = was
    await press(desk, "give_out")
    await press(desk, "pause")
    desk.board.settings = replace(was, managers=("U4",))
    assert "Only managers may give call lists to others" in await press(desk, "resume")
    await press(desk, "stop")
    assert [one.state for one in await lists(desk)] == ["stopped"]


async def test_rows_are_judged_as_for_campaigns_and_nobody_is_called(desk: Office) -> None:
    await desk.link("U1")
    await desk.board.write(people.block, "+12025550104", "asked us to stop", "U9", desk.clock())
    await paste(desk, BOTH, ROWS)
    shown = text(desk, "U2")
    for words in (
        "Call list Autumn offers\n5 contacts can be given out. Nobody was called yet.\npasted rows, 9 rows",
        "To be called by U1, U4, one contact at a time each.",
        "No phone is linked for U4: they cannot call before they have typed `/phone`.",
        "• line 5: Noa Green, +1 202-555-0103",
        "1 invalid:\n• line 8: nonsense",
        "1 twice in the table:\n• line 6: 202 555 0101",
        "1 on the do-not-call list:\n• line 7",
        "1 not allowed by the policy:\n• line 4: +1 900 555 0123",
    ):
        assert words in shown, words
    assert buttons(desk, "U2") == ["give_out", "drop", "report"]
    assert cards(desk, "U1") == []
    assert desk.phone.orders == []


async def test_an_extension_behind_a_number_is_before_the_rep_and_not_dialled(desk: Office) -> None:
    await furnish(desk)
    await paste(desk, "Mine for <@U1|ada>", "number,name\n+1 202 555 0101 ext. 12,Noa\n")
    told = "Not dialled: the extension behind a number, in line 2 (12). It is kept as the variable “extension”."
    assert told in text(desk, "U2")
    await press(desk, "give_out")
    assert "extension: 12" in text(desk, "U1")
    await act(desk, "call")
    (order,) = desk.phone.orders
    assert (order.number, order.dial_digits) == (NOA, "")


async def test_columns_that_only_campaigns_use_are_said_not_to_be_used(desk: Office) -> None:
    await paste(desk, "Mine", f"number,name,caller id\n{NOA},Noa,\n")
    assert "Not used: caller id. Each rep calls from their own line." in text(desk, "U2")


async def test_what_was_left_out_comes_as_a_file_once_it_is_given_out(desk: Office) -> None:
    await furnish(desk)
    reports = Reports(desk.desk, LEFT_OUT)
    await paste(desk, BOTH, ROWS)
    await reports()
    assert shared(desk.slack) == []
    await press(desk, "give_out")
    await reports()
    await reports()
    (file,) = shared(desk.slack)
    assert (file.channel, file.thread_ts) == (desk.slack.open_dm("U2").id, card(desk, "U2").ts)
    assert [row[:3] for row in table(file)[1:]] == [
        ["4", "+1 900 555 0123", "forbidden"],
        ["6", "202 555 0101", "duplicate"],
        ["8", "nonsense", "invalid"],
    ]
    await press(desk, "report")
    assert len(shared(desk.slack)) == 2


async def test_a_file_of_the_conversation_becomes_a_list(desk: Office) -> None:
    await furnish(desk)
    for user, own in (("U2", False), ("U1", True)):
        file = add_file(desk.slack, "autumn.csv", THREE.encode(), user=user)
        await desk.send(slack_requests.direct_message(desk.slack, "", user=user, files=[file.as_json()]))
        question = desk.conversation(user)[-1]
        await desk.press("calllist:file", question, desk.slack.open_dm(user).id, user=user)
        values = {"name": "Autumn"} | ({} if own else {"reps": ["U1", "U4"]})
        assert await desk.submit(values, user=user) == {}
        await rest(desk)
        assert "3 contacts can be given out" in text(desk, user)
        assert "autumn.csv, 3 rows" in text(desk, user)


async def test_the_form_needs_a_name_and_one_of_file_and_rows(desk: Office) -> None:
    await desk.type("/campaign calllist", user="U2")
    await desk.press("calllist:new", desk.slack.ephemerals[-1], "C1", user="U2")
    assert "one of the two" in (await desk.submit({"name": "x", "reps": ["U1"]}, user="U2"))["rows"]
    assert "Give the list a name" in (await desk.submit({"name": " ", "reps": ["U1"], "rows": "1"}, user="U2"))["name"]


async def test_the_same_form_sent_twice_makes_one_list(desk: Office) -> None:
    await desk.type("/campaign calllist Mine", user="U2")
    (view,) = [view.id for view in desk.slack.views.values() if view.user == "U2"]
    signed = slack_requests.submit(desk.slack, view, {"rows": THREE, "reps": ["U2"]}, user="U2")
    await desk.send(signed)
    await desk.send(signed)
    assert len(await lists(desk)) == 1
    assert "not read a second time" in desk.conversation("U2")[-1].text


async def test_too_many_rows_are_refused_whole(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling_lists, "MOST_ROWS", 1000)
    rows = "number\n" + "+12025550101\n" * (calling_lists.MOST_ROWS + 1)
    file = add_file(desk.slack, "long.csv", rows.encode(), user="U2")
    await desk.type("/campaign calllist Mine", user="U2")
    assert await desk.submit({"file": [file.as_json()], "reps": ["U2"]}, user="U2") == {}
    assert "more than 1,000 rows, so nothing was read" in desk.conversation("U2")[-1].text
    assert await lists(desk) == []


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Autumn offers for <@U1|ada> <@U4>", ("Autumn offers", ("U1", "U4"))),
        ("Autumn offers FOR <@U1|ada>, <@U4|max> and <@U1|ada>", ("Autumn offers", ("U1", "U4"))),
        ("“Calls for spring” for <@W1|ada>", ("Calls for spring", ("W1",))),
        ("Calls for spring", ("Calls for spring", ())),
        ("for <@U1|ada>", ("", ("U1",))),
    ],
)
def test_what_follows_the_command(text: str, read: tuple[str, tuple[str, ...]]) -> None:
    assert calling_lists.read_words(text) == read


def test_whatever_follows_the_command_is_read_once() -> None:
    """Read in every way in which it could be cut up, this would take longer than the universe has lasted, and while
    it is read nobody else's call is seen."""
    long = f"Autumn for {'@a' * 500} b"
    name, reps = calling_lists.read_words(long)
    assert long.startswith(name)
    assert reps == ()


async def test_a_rep_makes_lists_for_themselves_only(desk: Office) -> None:
    await furnish(desk)
    assert "Only managers may give call lists to others" in await desk.type(f"/campaign calllist {BOTH}")
    assert "did not arrive as a mention" in await desk.type("/campaign calllist Mine for @ada", user="U2")
    for group in ("<!subteam^S1|@sales>", "<#C1|calls>", "<@U1|ada>, <!subteam^S1>"):
        told = await desk.type(f"/campaign calllist Mine for {group}", user="U2")
        assert told.startswith("A list is for people, not for groups or channels, so nothing was done. Pick them")
    list_id = await begin(desk, "Mine for <@U1|ada>", user="U1")
    assert [rep.user for rep in await desk.board.read(store.reps, list_id)] == ["U1"]
    maker, rep = cards(desk, "U1")
    assert "Being called: 0 of 3 done." in maker.text
    assert "Next is Noa Green, +1 202-555-0101" in rep.text


async def test_a_guest_gets_none(desk: Office) -> None:
    """Their first contact would be in their conversation at once, and whatever they pressed would be refused."""
    desk.slack.users["U4"].guest = True
    desk.desk.met.discard("U4")
    assert "may not use Callboard" in await desk.type("/campaign calllist March for <@U4|max>", user="U2")
    await desk.type("/campaign calllist", user="U2")
    await desk.press("calllist:new", desk.slack.ephemerals[-1], "C1", user="U2")
    filled = {"name": "March", "reps": ["U1", "U4"], "rows": "number\n+12025550101"}
    assert "may not use Callboard" in (await desk.submit(filled, user="U2"))["reps"]
    assert await desk.submit(filled | {"reps": ["U1"]}, user="U2") == {}


async def test_who_became_a_guest_is_shown_nobody_more_of_their_list(desk: Office) -> None:
    await furnish(desk)
    list_id = await begin(desk, BOTH)
    await press(desk, "pause")
    assert await before(desk, list_id, "U4") is None
    desk.board.outsiders.add("U4")
    await press(desk, "resume")
    await offers.due(desk.board)
    assert await before(desk, list_id, "U1") is not None
    assert await before(desk, list_id, "U4") is None


async def test_only_the_maker_or_a_manager_may_change_a_list(desk: Office) -> None:
    await furnish(desk)
    list_id = await begin(desk)
    for change in (calling_lists.pause, calling_lists.stop, calling_lists.drop):
        with pytest.raises(NotAllowed, match="Only whoever made the list, or a manager"):
            await change(desk.board, "U1", list_id)
    await calling_lists.pause(desk.board, "U9", list_id)


async def test_discarding_forgets_what_was_read(desk: Office) -> None:
    await paste(desk, BOTH)
    await press(desk, "drop")
    assert "Discarded. Nobody was called, and what was read is forgotten." in text(desk, "U2")
    assert buttons(desk, "U2") == []
    count = "SELECT count(*) FROM calling_list_rows"
    assert await desk.board.read(lambda db: db.execute(count).fetchone()[0]) == 0
    (found,) = await desk.board.read(lambda db: db.execute("SELECT id FROM calling_lists").fetchone())
    with pytest.raises(NotAllowed, match="decided before"):
        await calling_lists.give_out(desk.board, "U2", found)


# A second manager


async def test_a_large_list_waits_for_a_second_manager(strict: Office) -> None:
    await paste(strict, "Autumn offers for <@U1|ada>")
    await press(strict, "give_out")
    assert "3 contacts wait for a second manager. Nobody was called yet." in text(strict, "U2")
    assert "U4 or U9 has to say yes first" in text(strict, "U2")
    assert cards(strict, "U1") == []
    asked = html.unescape(strict.conversation("U4")[-1].text)
    assert "<@U2> wants to give out the call list Autumn offers (3 contacts, from pasted rows) to <@U1>." in asked
    assert "To Noa Green, +1 202-555-0101; Sam Hill, +1 202-555-0102" in asked
    assert "the call list Autumn offers, 3 contacts (yours: another" in await strict.type(
        "/campaign approve", user="U2"
    )
    with pytest.raises(NotAllowed, match="Nobody approves their own list"):
        await calling_lists.approve(strict.board, "U2", (await lists(strict))[0].id)

    await strict.type("/campaign approve", user="U4")
    waiting = strict.slack.ephemerals[-1]
    for told in ("Approved; the list is given out.", "That was decided before"):
        assert told in await strict.press("approval:yes:1", waiting, "C1", user="U4")
    await rest(strict)
    assert "Next is Noa Green" in text(strict, "U1")
    assert "<@U4> approved <@U2>'s call list Autumn offers" in html.unescape(strict.conversation("U9")[-1].text)
    assert ("U4", "approve call list") in await audit(strict)


async def test_a_refusal_carries_its_reason(strict: Office) -> None:
    await paste(strict, "Autumn offers for <@U1|ada>")
    await press(strict, "give_out")
    list_id = (await lists(strict))[0].id
    asked, channel = strict.conversation("U4")[-1], strict.slack.open_dm("U4").id
    await strict.press("approval:no", asked, channel, user="U4")
    assert await strict.submit({"why": "Not <!channel> now"}, user="U4") == {}
    await rest(strict)
    assert "<@U4> did not approve it: Not <!channel> now" in text(strict, "U2")
    told = html.unescape(strict.conversation("U2")[-1].text)
    assert "did not approve your call list Autumn offers, so nobody is called: Not <!channel> now" in told
    assert cards(strict, "U1") == []
    for word in (
        calling_lists.approve(strict.board, "U9", list_id),
        calling_lists.refuse(strict.board, "U9", list_id, "no"),
    ):
        with pytest.raises(NotAllowed, match="decided before"):
            await word


async def test_ones_own_list_needs_nobody(strict: Office) -> None:
    await begin(strict, "Mine", user="U1")
    assert len(cards(strict, "U1")) == 2


# The maker's card


async def test_progress_outcomes_reps_and_pace(desk: Office) -> None:
    await furnish(desk)
    list_id = await begin(desk, BOTH, THREE + "".join(f"+120255501{n},,\n" for n in range(10, 17)))
    for _ in range(2):
        await act(desk, "skip", user="U4")
    desk.clock.advance(10)
    await act(desk, "call")
    await answer(desk)
    await wrap(desk)
    await act(desk, "later", choice="1h")
    desk.clock.advance(590)
    await desk.board.write(store.show, list_id, desk.clock())
    await rest(desk)
    shown = text(desk, "U2")
    for words in (
        "Being called: 3 of 10 done.",
        "▰▰▰▱▱▱▱▱▱▱ 30 %\n1 called, 2 skipped, 7 left, 1 of them later",
        "• answered: 1",
        "• U1: 1 done, 1 of them talked to",
        "• U4: 2 done, 0 of them talked to",
        " an hour; at that pace done in ",
    ):
        assert words in shown, words
    desk.clock.advance(PACE_SECONDS)
    await desk.board.write(store.show, list_id, desk.clock())
    await rest(desk)
    assert "at that pace" not in text(desk, "U2")


async def test_pause_resume_and_stop(desk: Office) -> None:
    await furnish(desk)
    list_id = await begin(desk)
    await press(desk, "pause")
    assert "Paused: 0 of 3 done.\npasted rows, 3 rows\n<@U2> paused it." in text(desk, "U2")
    assert "Paused. <@U2> paused it. You get the next contact when it goes on." in text(desk, "U1")
    assert await before(desk, list_id) is None
    await offers.due(desk.board)
    assert await before(desk, list_id) is None
    assert "your call list is paused" in await desk.type("/call next")
    await press(desk, "resume")
    assert "Next is Noa Green" in text(desk, "U1")
    await act(desk, "call")
    await end(desk, 1, Outcome.BUSY)
    await press(desk, "stop")
    assert "Stopped for good: 1 of 3 done." in text(desk, "U2")
    assert "1 called, 0 skipped, 2 not called" in text(desk, "U2")
    assert buttons(desk, "U2") == ["results"]
    assert "This list was stopped. <@U2> stopped it. Nobody more of it is called." in text(desk, "U1")
    assert elements(card(desk, "U1")) == {}
    assert [what for _, what in await audit(desk)][:4] == [
        "stop call list",
        "call",
        "resume call list",
        "pause call list",
    ]


async def test_a_call_that_runs_goes_on_while_its_list_is_paused(desk: Office) -> None:
    await furnish(desk)
    list_id = await begin(desk)
    await act(desk, "call")
    await press(desk, "pause")
    assert "Calling Noa Green" in text(desk, "U1")
    assert "U2's list is paused. <@U2> paused it." in text(desk, "U1")
    await answer(desk)
    await wrap(desk)
    assert (await contact(desk, list_id, NOA)).state == "done"
    assert await before(desk, list_id) is None
    assert "You get the next contact when it goes on" in text(desk, "U1")


async def test_results_come_as_a_file_below_the_card(desk: Office) -> None:
    await furnish(desk)
    rows = f"number,name\n{NOA},=1+1\n{SAM},Sam Hill\n{MAX},Max\n+12025550104,Zoe\n"
    await begin(desk, rows=rows)
    await act(desk, "call")
    await answer(desk)
    await wrap(desk, note="wants a quote")
    await act(desk, "skip")
    await desk.board.write(people.block, MAX, "asked us to stop", "U9", desk.clock())
    await act(desk, "call")
    await press(desk, "results")
    (file,) = shared(desk.slack)
    assert (file.name, file.thread_ts) == ("call-list-Autumn-offers.csv", card(desk, "U2").ts)
    head, noa, sam, blocked, zoe = table(file)
    assert head[:9] == [
        *("number", "name", "state", "outcome", "rep", "when (UTC)", "talk seconds", "disposition", "note"),
    ]
    assert noa[:5] == [pretty(NOA), "'=1+1", "called", "answered", "Ada"]
    assert noa[5].startswith("2026-")
    assert noa[6:9] == ["80", "Interested", "wants a quote"]
    assert sam[:5] == [pretty(SAM), "Sam Hill", "skipped", "", "Ada"]
    assert blocked[2] == "not allowed"
    assert "is on the do-not-call list" in blocked[-1]
    assert zoe[2] == "before a rep"
    latest, *_ = await desk.board.read(audit_log)
    assert latest[1:] == ("U2", "export call list", "Autumn offers", f"4 contacts, {next(iter(desk.slack.files))}")


async def test_a_file_of_results_that_may_be_shown_is_in_the_audit_log(desk: Office) -> None:
    await furnish(desk)
    await begin(desk)
    desk.slack.fail_next("files.completeUploadExternal", "drop_after")
    assert "may be shown or not" in await press(desk, "results")
    assert len(shared(desk.slack)) == 1
    assert ("U2", "export call list") in await audit(desk)


async def test_lists_with_their_state_for_those_whom_they_concern(desk: Office) -> None:
    await furnish(desk)
    told = await desk.type("/campaign calllist")
    assert "There are no call lists yet." in told
    assert "`/campaign calllist NAME` makes one." in told  # a rep's are for themselves
    await begin(desk)
    told = await desk.type("/campaign calllist", user="U2")
    assert "1. Autumn offers for U1: Being called: 0 of 3 done.\nmade by U2" in told.replace("   ", "")
    assert "Autumn offers" in await desk.type("/campaign calllist", user="U1")
    assert "There are no call lists yet." in await desk.type("/campaign calllist", user="U4")
