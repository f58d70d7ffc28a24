"""`/phone`, `/digest`, `/callboard` and App Home, as people see them."""

import dataclasses
import json
from pathlib import Path

import pytest

from bot import digests
from bot.events import CdrReceived, Described, LegAnswered, Outcome
from bot.store import ledger, people
from handlers import home
from handlers.roll_call import RollCall
from tests import slack_requests
from tests.block_rules import check_view
from tests.fake_slack import FakeSlack
from tests.office import ADA, LINE, SETTINGS, Office, office
from tests.slack_state import Clock

CALLER = "+12025550155"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("/phone link +1 202 555 0191", "+1 202-555-0191"),
        ("/phone link extension 201", "extension 201"),
        ("/phone extension AAPINFzL", "extension AAPINFzL"),
        ("/phone ext 201 via voicenter", "extension 201 at Paperphone"),
        ("/phone show", "No phone is linked"),
        ("/phone line Sales", "people see Sales"),
        ("/phone help", "rings this number first"),
        ("/phone link", "Say which phone"),
        ("/phone link 12", "too short"),
        ("/phone link extension !!", "not a code"),
        ("/phone login 1234", "None of the connected services"),
        ("/phone ext 201 via carrier", "There is no telephony account"),
        ("/phone line Nowhere", "There is no line"),
        ("/phone dance", "not something"),
        ("/phone unlink", "not linked any more"),
    ],
)
async def test_phone(desk: Office, line: str, words: str) -> None:
    if "line" in line:
        await desk.link("U1")
    assert words in await desk.type(line)


async def test_a_phone_belongs_to_one_person(desk: Office) -> None:
    await desk.type("/phone link extension 201")
    assert "already linked to" in await desk.type("/phone link extension 201", user="U2")
    await desk.type("/phone link +1 202 555 0191")
    assert "already linked to" in await desk.type("/phone link +1 202 555 0191", user="U2")


async def test_the_phone_form(desk: Office) -> None:
    await desk.type("/phone")
    assert "phone" in await desk.submit({"kind": "number", "phone": "12"})
    filled = {"kind": "extension", "phone": "AAPINFzL", "extension": "AAPINFzL", "line": LINE}
    assert await desk.submit(filled) == {}
    person = await desk.board.read(people.person, "U1")
    assert (person.phone_kind, person.extension, person.line, person.name) == ("extension", "AAPINFzL", LINE, "Ada")


async def test_incoming_calls_to_a_linked_extension_are_that_reps(desk: Office) -> None:
    await desk.type("/phone link extension AAPINFzL")
    await desk.happen(
        Described(ref="in-1", at=desk.clock(), source="popup", direction="in", number=CALLER, extension="AAPINFzL"),
        LegAnswered(ref="in-1", at=desk.clock(), leg="ext:AAPINFzL"),
    )
    assert CALLER[-4:] in desk.conversation("U1")[0].text


@pytest.mark.parametrize(
    ("line", "user", "words"),
    [
        ("/digest now", "U1", "Call digest"),
        ("/digest", "U1", "No digest is posted here"),
        ("/digest help", "U1", "posts here every day"),
        ("/digest daily 18:00", "U1", "Only managers"),
        ("/digest stop", "U1", "Only managers"),
        ("/digest daily 18:00 Europe/Madird", "U2", "Europe/Madrid"),
        ("/digest daily", "U2", "needs its time"),
        ("/digest stop", "U2", "No digest was posted here"),
    ],
)
async def test_digest(desk: Office, line: str, user: str, words: str) -> None:
    assert words in await desk.type(line, user=user)


async def test_a_digest_is_posted_once_also_after_down_time(desk: Office) -> None:
    assert "every day at 18:00" in await desk.type("/digest daily 18:00 Europe/Madrid", user="U2")
    await desk.happen(
        Described(ref="in-1", at=desk.clock(), source="cdr", direction="in", number=CALLER, line=LINE),
        CdrReceived(ref="in-1", at=desk.clock(), leg="ext:AAA", outcome=Outcome.NO_ANSWER, ring_seconds=20),
    )
    desk.clock.advance(3 * 86400)
    for _ in range(3):
        await digests.due(desk.board)
        await desk.settle()
    posted = [message for message in desk.slack.channel("C1") if "Call digest" in message.text]
    assert len(posted) == 3  # one for each evening that was missed
    assert sum("1 missed caller" in message.text for message in posted) == 1
    assert "every day" in await desk.type("/digest list")
    told = await desk.press("digest:definitions", posted[0], "C1")
    assert "answer rate" in told
    assert "+1 202-555-0155" in await desk.press("digest:waiting", posted[0], "C1")
    assert "not posted here" not in await desk.type("/digest stop", user="U2")
    assert not await desk.board.read(ledger.subscriptions)


async def test_a_digest_is_refused_where_it_could_not_be_posted(desk: Office) -> None:
    assert "not a member" in await desk.type("/digest daily 18:00", user="U2", channel="C2")


@pytest.mark.parametrize(
    ("line", "user", "words"),
    [
        ("/callboard", "U1", "you are a rep"),
        ("/callboard", "U9", "you are an admin"),
        ("/callboard help", "U1", "do-not-call"),
        ("/callboard setup", "U1", "To do: Link your phone"),
        ("/callboard policy", "U1", "GB, IL, US"),
        ("/callboard hooks", "U2", "Only admins"),
        ("/callboard hooks", "U9", "hook-secret-for-tests"),
        ("/callboard audit", "U1", "Only admins"),
        ("/callboard audit", "U9", "audit log is empty"),
        ("/callboard dnc", "U1", "list is empty"),
        ("/callboard dnc add +1 202 555 0123", "U1", "will not be called any more"),
        ("/callboard dnc remove +1 202 555 0123", "U1", "Only managers"),
        ("/callboard dnc add", "U2", "number first"),
        ("/callboard dnc drop +1 202 555 0123", "U2", "Nothing was changed"),
        ("/callboard dnc remove +1 202 555 0123", "U2", "was not on"),
        ("/callboard dance", "U1", "not something"),
    ],
)
async def test_callboard(desk: Office, line: str, user: str, words: str) -> None:
    assert words in await desk.type(line, user=user)


async def test_the_do_not_call_list_and_its_audit(desk: Office) -> None:
    assert "will not be called" in await desk.type("/callboard dnc add +1 202 555 0123 asked us", user="U2")
    assert "asked us" in await desk.type("/callboard dnc")
    assert "may be called again" in await desk.type("/callboard dnc remove +1 202 555 0123", user="U2")
    told = await desk.type("/callboard audit", user="U9")
    assert "do-not-call add" in told
    assert "U2" in told


async def test_status_says_what_is_broken_and_the_admins_are_told_once(desk: Office) -> None:
    for _ in range(3):
        await desk.board.problem("provider voicenter", "voicenter: the code is wrong.")
    await desk.settle()
    assert len(desk.conversation("U9")) == 1
    told = await desk.type("/callboard")
    assert "failing" in told
    assert "the code is wrong" in told
    await desk.board.solved("provider voicenter")
    await desk.settle()
    assert "Working again" in desk.conversation("U9")[-1].text
    assert "Nothing is broken" in await desk.type("/callboard")


async def test_home(desk: Office) -> None:
    await desk.link("U1")
    await desk.type("/call +1 202 555 0123")
    await desk.happen(LegAnswered(ref="paper-1", at=desk.clock(), leg="customer"))
    await desk.happen(
        Described(ref="in-1", at=desk.clock(), source="cdr", direction="in", number=CALLER, line=LINE),
        CdrReceived(ref="in-1", at=desk.clock(), leg="ext:AAA", outcome=Outcome.NO_ANSWER),
    )
    await desk.send(slack_requests.home_opened(desk.slack))
    view = desk.slack.homes["U1"]
    check_view(dict(view.view))
    shown = json.dumps(view.view)
    for words in ("202-555-0123", "202-555-0155", "call:hang_up", "missed:call_back", "Change my phone"):
        assert words in shown

    refresh = home.Homes(desk.desk)
    await refresh()
    await refresh()
    published = [request for request in desk.slack.requests if request.method == "views.publish"]
    assert len(published) == 2  # opened, first round; the second found nothing new
    await desk.send(slack_requests.click(desk.slack, "call:hang_up", view_id=view.id))
    assert len(desk.phone.hung_up) == 1
    await desk.send(slack_requests.click(desk.slack, "home:call", view_id=view.id))
    assert [opened.view["callback_id"] for opened in desk.slack.views.values()] == ["call:order"]


async def test_home_of_somebody_without_a_phone(desk: Office) -> None:
    await desk.send(slack_requests.home_opened(desk.slack))
    view = desk.slack.homes["U1"]
    assert "not linked yet" in json.dumps(view.view)
    await desk.send(slack_requests.click(desk.slack, "home:phone", view_id=view.id))
    assert [opened.view["callback_id"] for opened in desk.slack.views.values()] == ["phone:saved"]


async def test_a_direct_message_is_answered_with_help(desk: Office) -> None:
    desk.slack.open_dm("U1")
    signed = slack_requests.direct_message(desk.slack, "hello?", event_id="Ev1")
    await desk.send(signed)
    await desk.send(signed)  # Slack delivers it again
    answers = [message for message in desk.conversation("U1") if "slash commands" in message.text]
    assert len(answers) == 1


async def test_being_uninstalled_is_a_problem(desk: Office) -> None:
    await desk.send(slack_requests.tokens_revoked(desk.slack))
    assert any("tokens_revoked" in text for _, text, *_ in await desk.board.read(ledger.problems))


async def test_a_colleague_is_called_by_mention(desk: Office) -> None:
    await desk.link("U1")
    await desk.link("U2", "+12025550177")
    desk.slack.users["U2"] = dataclasses.replace(desk.slack.users["U2"])
    await desk.type("/call <@U2|grace>")
    assert [order.number for order in desk.phone.orders] == ["+12025550177"]
    assert ADA != "+12025550177"


async def test_refusals_name_commands_as_they_are_called_here(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    async with office(tmp_path, fake_slack, slack_clock, SETTINGS + '[commands]\nprefix = "cb-"\n') as desk:
        told = await desk.type("/cb-call +1 202 555 0101")
        assert "`/cb-phone link" in told
        assert "`/phone" not in told
        await desk.board.tell("U1", "Type `/callboard help`.", "a-test")
        await desk.settle()
        assert desk.conversation("U1")[-1].text == "Type `/cb-callboard help`."


@pytest.mark.parametrize(
    ("added", "typed", "known"),
    [("", "/acme-call", "`/call`, `/calls`,"), ('[commands]\nprefix = "cb-"\n', "/call", "`/cb-call`, `/cb-calls`,")],
)
async def test_a_command_that_was_renamed_in_one_place_only_is_answered(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock, added: str, typed: str, known: str
) -> None:
    """Slack says only that the app did not respond, and the log has a suggestion for programmers."""
    async with office(tmp_path, fake_slack, slack_clock, SETTINGS + added) as desk:
        await desk.link("U1")
        told = await desk.type(f"{typed} +1 202 555 0101")
        assert told.startswith(
            f"“{typed}” is a command of Slack's app that Callboard has under no such name, so nothing was done. "
            f"Here it has {known}"
        )
        assert told.endswith("Your admin names it alike in `[commands]` of callboard.toml and in the Slack app.")
        assert desk.phone.orders == []


@pytest.mark.parametrize(
    ("command", "advice"),
    [
        ("/calls", "`/calls help`."),
        ("/missed", "or a line's name: Sales."),
        ("/phone line", "Choose one of: Sales."),
        ("/phone link", "Nothing was changed."),
        ("/callboard", "Type `/callboard help` for all of it."),
        ("/recording", "Type `/recording help` for all of it."),
    ],
)
async def test_whatever_is_typed_the_advice_stays_in_sight(desk: Office, command: str, advice: str) -> None:
    told = await desk.type(f"{command} {'blah' * 1000}")
    assert told.endswith(advice)
    assert len(told) < 300


async def test_times_are_by_the_clock_that_slack_tells_of_whoever_reads_them(desk: Office) -> None:
    """Also of a manager who never linked a phone; asked for in the background, once a day."""
    asked: list[str] = []
    desk.slack.users["U2"] = dataclasses.replace(desk.slack.users["U2"], tz="Asia/Tokyo")
    desk.desk.met.discard("U2")
    for _ in range(2):
        await desk.type("/callboard dnc add +12025550101 asked us", user="U2")
        asked.append((await desk.board.read(people.person, "U2")).zone)
    assert asked[-1] == "Asia/Tokyo"
    assert "11:40" in await desk.type("/callboard dnc", user="U2")  # 02:40 UTC

    desk.slack.users["U2"] = dataclasses.replace(desk.slack.users["U2"], tz="Europe/London", name="Marta")
    await desk.type("/callboard dnc", user="U2")
    assert (await desk.board.read(people.person, "U2")).zone == "Asia/Tokyo"
    await RollCall(desk.desk)()
    await desk.type("/callboard dnc", user="U2")
    await desk.settle()
    found = await desk.board.read(people.person, "U2")
    assert (found.zone, found.name) == ("Europe/London", "Marta")


async def test_a_slack_that_does_not_say_who_somebody_is_stops_nobody(desk: Office) -> None:
    desk.desk.met.discard("U2")
    for _ in range(2):
        desk.slack.fail_next("users.info", "drop_before")
    assert "/callboard" in await desk.type("/callboard help", user="U2")
    await desk.settle()
    assert not (await desk.board.read(people.person, "U2")).linked
    await desk.type("/callboard help", user="U2")  # asks again, at the next click and not tomorrow
    await desk.settle()
    assert (await desk.board.read(people.person, "U2")).zone == desk.slack.users["U2"].tz
