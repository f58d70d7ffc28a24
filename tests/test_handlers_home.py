"""App Home: what a person finds there, and how it is kept up to date."""

import dataclasses
import json
from pathlib import Path

import pytest

from bot.events import CdrReceived, Described, LegAnswered, Outcome
from bot.store import people
from handlers import home
from tests import slack_requests
from tests.block_rules import check_view
from tests.fake_slack import FakeSlack
from tests.office import LINE, SETTINGS, Office, office
from tests.slack_state import ApiRequest, Clock

CALLER = "+12025550155"
CUSTOMER = "+1 202 555 0123"


async def shown(desk: Office, user: str = "U1") -> str:
    """Open the Home; its words."""
    await desk.send(slack_requests.home_opened(desk.slack, user=user))
    view = dict(desk.slack.homes[user].view)
    check_view(view)
    return json.dumps(view, ensure_ascii=False)


def published(desk: Office, user: str = "") -> list[ApiRequest]:
    found = [request for request in desk.slack.requests if request.method == "views.publish"]
    return [request for request in found if user in ("", request.arguments["user_id"])]


async def missed(desk: Office, number: str = CALLER, ref: str = "in-1") -> None:
    await desk.happen(
        Described(ref=ref, at=desk.clock(), source="cdr", direction="in", number=number, line=LINE),
        CdrReceived(ref=ref, at=desk.clock(), leg="ext:AAA", outcome=Outcome.NO_ANSWER),
    )


async def everybody(desk: Office, count: int) -> list[str]:
    """So many more people, each with a Home that was just opened."""
    users = [f"U{number}" for number in range(100, 100 + count)]
    for user in users:
        desk.slack.users[user] = dataclasses.replace(desk.slack.users["U1"], id=user, name=f"Rep {user}")
        await desk.board.write(people.opened_home, user, desk.clock())
    return users


async def test_only_ones_own_calls_are_there(desk: Office) -> None:
    await desk.link("U1")
    await desk.link("U2", "+12025550177")
    await desk.type(f"/call {CUSTOMER}")
    assert "202-555-0123" in await shown(desk)
    other = await shown(desk, "U2")
    assert "202-555-0123" not in other
    assert "No call at the moment" in other


async def test_callbacks_owed_until_somebody_takes_them(desk: Office) -> None:
    await missed(desk)
    for user in ("U1", "U2"):
        assert "202-555-0155" in await shown(desk, user)
    view = desk.slack.homes["U2"]
    await desk.send(slack_requests.click(desk.slack, "missed:claim", user="U2", view_id=view.id))
    assert "202-555-0155" in await shown(desk, "U2")
    assert "Nobody waits" in await shown(desk, "U1")


async def test_a_press_in_home_is_seen_there_at_once(desk: Office, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever sees nothing happen presses again."""
    await missed(desk)
    await shown(desk)
    view = desk.slack.homes["U1"]
    await desk.send(slack_requests.click(desk.slack, "missed:claim", view_id=view.id))
    assert "claimed by U1" in json.dumps(desk.slack.homes["U1"].view)
    desk.slack.fail_next("views.publish", "internal_error")
    await desk.send(slack_requests.click(desk.slack, "missed:release", view_id=desk.slack.homes["U1"].id))
    assert "could not be shown" in caplog.text
    assert desk.conversation("U1") == [], "it comes with the next round"
    before = len(published(desk))
    card = next(message for message in desk.slack.channel("C1") if "Missed" in message.text)
    await desk.press("missed:claim", card, "C1")
    assert len(published(desk)) == before


async def test_whom_one_wants_to_call_later_stands_there_until_then(desk: Office) -> None:
    await desk.link("U1")
    await desk.contact("+12025550123", "Dana Levi")
    await desk.type(f"/call {CUSTOMER}")
    await desk.happen(
        CdrReceived(ref="paper-1", at=desk.clock(), leg="customer", outcome=Outcome.ANSWERED, talk_seconds=95)
    )
    assert "Call later" not in await shown(desk), "nobody asked for it yet"
    card = desk.conversation("U1")[-1]
    await desk.press("call:later", card, "DU1")
    assert await desk.submit({"when": "tomorrow"}) == {}
    told = await shown(desk)
    assert "Call later" in told
    assert "*Dana Levi, +1 202-555-0123*\\nReminder tomorrow at 09:00" in told
    assert "202-555-0123" not in await shown(desk, "U2")
    await desk.send(slack_requests.click(desk.slack, "call:later", view_id=desk.slack.homes["U1"].id))
    assert await desk.submit({"when": "-"}) == {}
    assert "Reminder" not in await shown(desk)
    await desk.press("call:later", card, "DU1")
    assert await desk.submit({"when": "1h"}) == {}
    await shown(desk)
    await desk.send(slack_requests.click(desk.slack, "call:again", view_id=desk.slack.homes["U1"].id))
    assert len(desk.phone.orders) == 2


async def test_a_masked_line_is_masked_in_the_homes_of_reps(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    text = SETTINGS.replace('label = "Sales"', 'label = "Sales"\nmask = true')
    async with office(tmp_path, fake_slack, slack_clock, text) as desk:
        await missed(desk)
        for user, whole in (("U1", False), ("U2", True), ("U9", True)):
            home = await shown(desk, user)
            assert ("202-555-0155" in home, "55" in home) == (whole, True)
        await desk.send(slack_requests.click(desk.slack, "missed:claim", view_id=desk.slack.homes["U1"].id))
        assert "202-555-0155" in await shown(desk)


async def test_todays_figures_are_a_recount_since_midnight(desk: Office) -> None:
    await desk.link("U1", zone="Asia/Jerusalem")
    await desk.type(f"/call {CUSTOMER}")
    await desk.happen(LegAnswered(ref="paper-1", at=desk.clock(), leg="customer"))
    await desk.happen(
        CdrReceived(ref="paper-1", at=desk.clock(), leg="customer", outcome=Outcome.ANSWERED, talk_seconds=95)
    )
    await desk.type("/call +1 202 555 0124")
    told = await shown(desk)
    for words in ("Calls I made: *2*", "Answered: *1*", "Talk time: *1 min 35 s*", "Waiting for a call back: *0*"):
        assert words in told
    desk.clock.advance(86400)
    assert "Calls I made: *0*" in await shown(desk)


async def test_what_is_broken_is_told_to_admins_in_full(desk: Office) -> None:
    assert "Everything works" in await shown(desk)
    await desk.board.problem("provider voicenter", "voicenter: the code is wrong.")
    assert "the code is wrong" in await shown(desk, "U9")
    rep = await shown(desk)
    assert "the code is wrong" not in rep
    assert "Something is broken" in rep


async def test_the_messages_tab_is_no_reason_to_publish(desk: Office) -> None:
    await desk.send(slack_requests.home_opened(desk.slack, tab="messages"))
    assert published(desk) == []
    assert await desk.board.read(people.homes, 0) == []


async def test_buttons_open_the_forms(desk: Office) -> None:
    await desk.link("U1")
    await shown(desk)
    for action, form in (("home:call", "call:order"), ("home:phone", "phone:saved")):
        view = desk.slack.homes["U1"]
        await desk.send(slack_requests.click(desk.slack, action, view_id=view.id))
        assert [opened.view["callback_id"] for opened in desk.slack.views.values()] == [form]
        desk.slack.views.clear()


async def test_it_follows_what_happens_and_is_quiet_otherwise(desk: Office) -> None:
    await desk.link("U1")
    await shown(desk)
    refresh = home.Homes(desk.desk)
    await refresh()
    before = len(published(desk))
    desk.clock.advance(60)  # "as of" alone is no reason
    await refresh()
    assert len(published(desk)) == before
    await missed(desk)
    await refresh()
    assert len(published(desk)) == before + 1
    assert "202-555-0155" in json.dumps(desk.slack.homes["U1"].view)


async def test_a_home_that_nobody_opened_today_is_left_alone(desk: Office) -> None:
    await shown(desk)
    desk.clock.advance(home.KEPT_FRESH_SECONDS + 1)
    await missed(desk)
    await home.Homes(desk.desk)()
    assert len(published(desk)) == 1


async def test_many_homes_are_published_by_turns(desk: Office) -> None:
    users = await everybody(desk, 45)
    refresh = home.Homes(desk.desk)
    for at_most in (20, 40, 45, 45):
        await refresh()
        assert len(published(desk)) == at_most
        desk.clock.advance(60)
    for number in range(2):
        await missed(desk, f"+120255501{number:02}", f"in-{number}")  # every Home changes again and again
        await refresh()
        desk.clock.advance(60)
    latest = [request.arguments["user_id"] for request in published(desk)[45:]]
    assert len(latest) == len(set(latest)) == 40
    assert set(latest) <= set(users)


@pytest.mark.parametrize("fault", ["user_not_found", "not_enabled", "invalid_arguments"])
async def test_one_home_that_slack_refuses_does_not_hold_up_the_others(desk: Office, fault: str) -> None:
    users = await everybody(desk, 3)
    desk.slack.fail_next("views.publish", fault)
    refresh = home.Homes(desk.desk)
    await refresh()
    assert set(desk.slack.homes) == set(users[1:])
    desk.clock.advance(60)
    await refresh()
    assert len(published(desk, users[0])) == 1  # not asked again and again
    await missed(desk)
    await refresh()
    assert set(desk.slack.homes) == set(users)  # but when it changes


@pytest.mark.parametrize("fault", ["ratelimited", "500", "drop_before", "drop_after"])
async def test_a_slack_that_is_down_is_left_alone_and_asked_again(desk: Office, fault: str) -> None:
    users = await everybody(desk, 3)
    refresh = home.Homes(desk.desk)
    desk.slack.fail_next("views.publish", fault)
    await refresh()
    assert len(published(desk)) == 1
    desk.clock.advance(60)
    await refresh()
    assert set(desk.slack.homes) == set(users)


@pytest.mark.parametrize("fault", ["500", "drop_before", "ratelimited"])
async def test_a_home_that_could_not_be_shown_comes_with_the_next_round(
    desk: Office, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    desk.slack.fail_next("views.publish", fault)
    await desk.send(slack_requests.home_opened(desk.slack))
    assert "could not be shown" in caplog.text
    await home.Homes(desk.desk)()
    assert "Today" in json.dumps(desk.slack.homes["U1"].view)


async def test_a_hostile_name_rings_nobody(desk: Office) -> None:
    await desk.contact(CALLER, "<!channel> *Noa*")
    await missed(desk)
    told = await shown(desk)
    assert "&lt;!channel&gt; ∗Noa∗" in told
    assert "<!channel>" not in told
