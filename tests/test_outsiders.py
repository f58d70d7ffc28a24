"""Guests, and people of other companies: Callboard is not for them, whatever they type or press."""

import asyncio
import dataclasses
import html
from pathlib import Path
from typing import Any

import pytest

from bot.errors import NotAllowed
from bot.events import CdrReceived, Described, Outcome
from bot.outsiders import WORDS, outside
from bot.permission import check_caller
from bot.store import ledger, people
from handlers import home
from handlers.roll_call import RollCall
from tests import slack_requests
from tests.fake_slack import FakeSlack
from tests.fake_slack_files import add_file
from tests.office import LINE, SETTINGS, Office, office
from tests.slack_state import Clock
from tests.workflow_desk import workflow_office

CALLER = "+12025550155"


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        ({"team_id": "T1"}, False),
        ({}, False),
        ({"team_id": "T1", "is_restricted": True}, True),
        ({"team_id": "T1", "is_restricted": True, "is_ultra_restricted": True}, True),
        ({"team_id": "T2"}, True),
        ({"is_stranger": True}, True),
        ({"team_id": "T1", "deleted": True}, True),
        ({"team_id": "T2", "enterprise_user": {"enterprise_id": "E1"}}, False),
        ({"team_id": "E1", "enterprise_user": {"enterprise_id": "E1"}}, False),
        ({"team_id": "T2", "enterprise_user": {"enterprise_id": "E2"}}, True),
        ({"team_id": "E2", "enterprise_user": {"enterprise_id": "E2"}}, True),
        ({"team_id": "T2", "enterprise_user": {"enterprise_id": "E2", "teams": ["T2", "T1"]}}, False),
        ({"team_id": "T2", "enterprise_user": {"enterprise_id": "E2", "teams": ["T2", "T3"]}}, True),
    ],
)
def test_who_is_from_outside(user: dict[str, Any], expected: bool) -> None:
    assert outside(user, "T1", "E1") is expected


@pytest.mark.parametrize("organisation", [{}, {"enterprise_user": {"enterprise_id": "E2"}}])
def test_a_workspace_of_no_organisation_has_no_others_beside_it(organisation: dict[str, Any]) -> None:
    assert outside({"team_id": "T2", **organisation}, "T1", "")
    assert not outside({"team_id": "T2", **organisation}, "", "")  # who we are is not known


def a_guest(slack: FakeSlack, user: str = "U4", **changes: Any) -> None:
    slack.users[user] = dataclasses.replace(slack.users[user], **(changes or {"guest": True}))


async def test_a_guest_is_turned_away_from_their_first_command_on(desk: Office) -> None:
    """Also from the very first, of which nobody can know before Slack was asked."""
    await desk.link("U4", "+12025550192")
    await desk.board.write(people.save_met, people.Person("U4"))
    a_guest(desk.slack)
    desk.desk.met.discard("U4")
    for _ in range(2):
        assert await desk.type(f"/call {CALLER}", user="U4") == WORDS
    assert "nobody" not in await desk.type("/missed", user="U4")
    assert desk.phone.orders == []
    assert await desk.board.read(ledger.open_intents) == []
    assert WORDS.startswith("Callboard is for the members")


async def test_it_is_known_after_a_restart_when_slack_says_nothing(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    async with office(tmp_path, fake_slack, slack_clock) as desk:
        a_guest(fake_slack)
        desk.desk.met.discard("U4")
        await desk.type("/missed", user="U4")
    async with office(tmp_path, fake_slack, slack_clock) as desk:
        desk.desk.met.discard("U4")
        for _ in range(4):
            fake_slack.fail_next("users.info", "drop_before")
        assert await desk.type("/missed", user="U4") == WORDS


async def test_a_slack_that_hangs_keeps_no_new_colleague_waiting(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handlers.MEET_SECONDS", 0.01)
    desk.desk.met.discard("U4")
    hang = desk.slack.hang("users.info")
    headers, body = slack_requests.slash_command(desk.slack, "/missed", "", user="U4")
    assert (await desk.http.post("/slack/events", headers=headers, content=body)).status_code == 200
    await hang.reached.wait()
    while not desk.slack.ephemerals:
        await asyncio.sleep(0)
    assert "Nobody is waiting" in desk.told
    hang.release()


async def test_whom_slack_does_not_show_us_is_from_outside(desk: Office) -> None:
    """It shows us every member; of people of other companies it does not always say who they are."""
    await desk.link("U4", "+12025550192")
    await desk.board.write(people.save_met, people.Person("U4"))
    desk.desk.met.discard("U4")
    for _ in range(4):  # whoever was turned away is asked about once more
        desk.slack.fail_next("users.info", "user_not_visible")
    assert await desk.type(f"/call {CALLER}", user="U4") == WORDS
    assert desk.phone.orders == []
    assert (await desk.board.read(people.person, "U4")).outside


async def test_people_of_another_company_press_nothing(desk: Office) -> None:
    """In a channel that is shared with them they see our cards with all their buttons."""
    await desk.happen(
        Described(ref="r", at=desk.clock(), source="cdr", direction="in", number=CALLER, line=LINE),
        CdrReceived(ref="r", at=desk.clock(), leg="queue:", outcome=Outcome.ABANDONED, ring_seconds=20),
    )
    (card,) = desk.slack.channels["C1"].messages
    before = card.text
    a_guest(desk.slack, team="T-OTHER")
    desk.desk.met.discard("U4")
    for button in ("missed:claim", "missed:close", "missed:call_back"):
        assert await desk.press(button, card, "C1", user="U4") == WORDS
    (card,) = desk.slack.channels["C1"].messages
    assert card.text == before
    assert desk.phone.orders == []


async def test_home_says_so_too(desk: Office) -> None:
    a_guest(desk.slack)
    desk.desk.met.discard("U4")
    await desk.send(slack_requests.home_opened(desk.slack, user="U4"))
    assert WORDS in str(desk.slack.homes["U4"].view)
    await home.Homes(desk.desk)()
    assert WORDS in str(desk.slack.homes["U4"].view)


async def test_a_home_that_a_member_had_opened_tells_a_guest_nothing_more(desk: Office) -> None:
    await desk.send(slack_requests.home_opened(desk.slack, user="U4"))
    shown = str(desk.slack.homes["U4"].view)
    a_guest(desk.slack)
    await RollCall(desk.desk)()
    await desk.type("/missed", user="U4")
    await desk.link("U4", "+12025550192", outside=True)
    await home.Homes(desk.desk)()
    assert str(desk.slack.homes["U4"].view) == shown


@pytest.mark.parametrize("setting", ['guests = ["U4"]', 'callers = ["U1", "U4"]'])
async def test_the_settings_let_guests_in(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock, setting: str
) -> None:
    text = SETTINGS.replace("[policy]\n", f"[policy]\n{setting}\n")
    assert text != SETTINGS
    async with office(tmp_path, fake_slack, slack_clock, text) as desk:
        a_guest(fake_slack)
        desk.desk.met.discard("U4")
        assert "Nobody is waiting" in await desk.type("/missed", user="U4")
        told = await desk.type("/callboard policy")
        assert ("every member, and the guest" in told) == ("guests" in setting)


async def test_a_guest_who_is_let_in_may_call_only_where_everybody_may(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    text = SETTINGS.replace("[policy]\n", '[policy]\nguests = ["U4"]\ncallers = ["U1"]\n')
    async with office(tmp_path, fake_slack, slack_clock, text) as desk:
        a_guest(fake_slack)
        await desk.link("U4", "+12025550192", outside=True)
        assert "You are not among those who may place calls" in await desk.type(f"/call {CALLER}", user="U4")
        told = await desk.type("/callboard policy", user="U4")
        assert "Who may call: <@U1>, managers and admins\n" in html.unescape(told)


async def test_who_has_left_is_found_out_within_a_day(desk: Office) -> None:
    """They press nothing in Slack any more; a web phone that they have opened would call on."""
    await desk.link("U4", "+12025550192")
    await desk.link("U1")
    a_guest(desk.slack, deleted=True)
    await RollCall(desk.desk)()
    assert desk.board.turned_away("U4")
    assert not desk.board.turned_away("U1")
    with pytest.raises(NotAllowed):
        check_caller(desk.board, "U4")
    assert (await desk.board.read(people.person, "U4")).outside, "also after a restart"


async def test_of_many_some_are_looked_up_at_a_time_and_each_once_a_day(desk: Office) -> None:
    """In one long round whoever stops Callboard would wait for its end."""
    for number in range(25):
        user = f"U1{number:02}"
        desk.slack.users[user] = dataclasses.replace(desk.slack.users["U1"], id=user)
        await desk.link(user, f"+120255501{number:02}")
    roll_call = RollCall(desk.desk)

    async def round_of(count: int) -> None:
        before = len(desk.slack.requests)
        await roll_call()
        asked = [request.method for request in desk.slack.requests[before:]]
        assert asked == ["users.info"] * count

    for count in (10, 10, 5, 0):
        await round_of(count)
        desk.clock.advance(15)
    assert desk.desk.met == {f"U1{number:02}" for number in range(25)}
    desk.clock.advance(-3600)
    await round_of(10)
    desk.clock.advance(86400)
    await round_of(10)


async def test_a_guest_who_becomes_a_member_is_one_the_next_day(desk: Office) -> None:
    a_guest(desk.slack)
    await RollCall(desk.desk)()
    assert await desk.type("/missed", user="U4") == WORDS
    a_guest(desk.slack, guest=False)
    await RollCall(desk.desk)()
    await desk.type("/missed", user="U4")
    await desk.settle()
    assert "Nobody is waiting" in await desk.type("/missed", user="U4")


@pytest.mark.parametrize(
    ("button", "fields"), [("call:wrap", {"note": "wants the blue one"}), ("call:later", {"when": "3h"})]
)
async def test_a_form_that_was_open_when_its_sender_became_a_guest_keeps_nothing(
    desk: Office, button: str, fields: dict[str, str]
) -> None:
    """Also one whose whole work is done before Slack is answered."""
    await desk.link("U4", "+12025550192")
    await desk.type(f"/call {CALLER}", user="U4")
    await desk.happen(CdrReceived(ref="paper-1", at=desk.clock(), leg="customer", outcome=Outcome.NO_ANSWER))
    (card,) = desk.conversation("U4")
    await desk.press(button, card, desk.slack.open_dm("U4").id, user="U4")
    a_guest(desk.slack)
    await RollCall(desk.desk)()
    await desk.type("/missed", user="U4")
    assert await desk.submit(fields, user="U4") == {}
    assert desk.conversation("U4")[-1].text == WORDS
    (call,) = await desk.calls()
    assert call.note == ""
    assert await desk.board.read(ledger.reminders_due, desk.clock() + 86400) == []


async def test_a_form_tells_a_guest_nothing(desk: Office) -> None:
    """What is wrong with it may name a contact, or why somebody must not be called."""
    await desk.link("U4", "+12025550192")
    await desk.send(slack_requests.shortcut(desk.slack, "start_call", user="U4"))
    a_guest(desk.slack)
    await RollCall(desk.desk)()
    await desk.type("/missed", user="U4")
    assert await desk.submit({"who": "somebody unheard of"}, user="U4") == {}
    assert desk.conversation("U4")[-1].text == WORDS


async def test_a_guest_who_writes_to_us_or_sends_a_file_is_turned_away(desk: Office) -> None:
    a_guest(desk.slack)
    desk.desk.met.discard("U4")
    await desk.send(slack_requests.direct_message(desk.slack, "hello", user="U4"))
    file = add_file(desk.slack, "march.csv", b"number\n+12025550101\n", user="U4")
    signed = slack_requests.direct_message(desk.slack, "", user="U4", files=[file.as_json()])
    await desk.send(signed)
    await desk.send(signed)  # as Slack does where it had no answer
    told = [message for message in desk.conversation("U4") if message.author == desk.slack.bot_user]
    assert [message.text for message in told] == [WORDS, WORDS]
    assert not any(block["type"] == "actions" for message in told for block in message.blocks)


async def test_a_workflow_says_nothing_for_a_guest_of_whom_we_never_heard(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    """It may act for whoever starts it, and that may be a guest."""
    async with workflow_office(tmp_path, fake_slack, slack_clock) as flow:
        a_guest(fake_slack)
        flow.desk.desk.met.discard("U4")
        step = await flow.say(sender="U4")
        assert (step.state, step.error) == ("failed", WORDS.replace("`", ""))
        assert flow.desk.phone.orders == []


async def test_a_guest_who_was_just_made_a_member_is_refused_once_more_at_most(desk: Office) -> None:
    a_guest(desk.slack)
    desk.desk.met.discard("U4")
    assert await desk.type("/missed", user="U4") == WORDS
    a_guest(desk.slack, guest=False)
    assert await desk.type("/missed", user="U4") == WORDS
    assert "Nobody is waiting" in await desk.type("/missed", user="U4")


async def test_who_became_a_guest_is_asked_about_again_where_slack_said_nothing(desk: Office) -> None:
    """Not only the next day."""
    await desk.board.write(people.save_met, people.Person("U4", "Max", "Europe/London"))
    a_guest(desk.slack)
    await RollCall(desk.desk)()
    desk.slack.fail_next("users.info", "500")
    assert "Nobody is waiting" in await desk.type("/missed", user="U4")
    await desk.type("/missed", user="U4")  # it is asked meanwhile, and either may be first
    assert await desk.type("/missed", user="U4") == WORDS
