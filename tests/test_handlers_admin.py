"""`/callboard`: status, the do-not-call list, rules, audit, webhook addresses; what Slack tells about us."""

import dataclasses
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web

from bot.store import campaigns, contacts, ledger, people
from tests import slack_requests
from tests.audit_lines import audit_log
from tests.fake_slack import FakeSlack
from tests.office import SETTINGS, Office, office
from tests.slack_state import Clock

NUMBER = "+12025550123"
SECRET = "hook-secret-for-tests"


@asynccontextmanager
async def cut_off(slack: FakeSlack) -> AsyncIterator[None]:
    """Response addresses minted meanwhile belong to a server that cuts every connection."""

    async def cut(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    server = web.Application()
    server.router.add_route("*", "/{rest:.*}", cut)
    runner = web.AppRunner(server, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    origin, slack.origin = slack.origin, f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield
    finally:
        slack.origin = origin
        await runner.cleanup()


async def audited(desk: Office) -> list[tuple[str, str, str, str]]:
    """(who, what, subject, detail), oldest first."""
    return [row[1:] for row in reversed(await desk.board.read(audit_log))]


async def test_status_says_what_works(desk: Office) -> None:
    told = await desk.type("/callboard status", user="U2")
    for words in (
        "you are a manager",
        "Paperphone (voicenter): works\n",
        "Slack: works",
        "Messages waiting to be shown: 0",
        " GB free",
        "Nothing is broken",
    ):
        assert words in told


async def test_a_conversation_that_takes_no_messages_is_not_slack(desk: Office) -> None:
    """An archived channel, say, or a colleague who has left: `/healthz` says that Slack is well, too."""
    words = "<@U7> is a deactivated user. What is for them is not shown, and not tried again."
    await desk.board.problem("Slack @U7", words)
    told = await desk.type("/callboard")
    assert "Slack: works" in told
    assert "Broken:" in told
    assert "is a deactivated user" in told
    await desk.board.problem("Slack connection", "Slack's connection is gone.")
    assert "Slack: failing" in await desk.type("/callboard")


async def test_services_says_what_each_can_do(desk: Office) -> None:
    told = await desk.type("/callboard services")
    assert "*Paperphone* (voicenter) can place calls, end calls, say which calls are active" in told
    assert "check its settings" not in told  # the paper phone cannot


async def test_status_counts_what_waits_and_what_is_broken(desk: Office) -> None:
    await desk.board.problem("Slack", "Slack refuses the token <!channel>.")
    desk.clock.advance(60)
    await desk.board.problem("Slack", "Slack refuses the token <!channel>.")
    told = await desk.type("/callboard")
    for words in ("Slack: failing", "waiting to be shown: 1", "the token &lt;!channel&gt;.", "twice"):
        assert words in told


async def test_the_admins_lists_are_written_down_in_the_audit_log(desk: Office) -> None:
    await desk.type("/callboard dnc add (202) 555-0123 asked us to stop", user="U2")
    assert await desk.board.read(people.do_not_call, NUMBER) == ("asked us to stop", "U2", desk.clock())
    await desk.type("/callboard dnc remove +1 202 555 0123", user="U9")
    assert await audited(desk) == [
        ("U2", "do-not-call add", NUMBER, "asked us to stop"),
        ("U9", "do-not-call remove", NUMBER, ""),
    ]
    told = await desk.type("/callboard audit", user="U9")
    assert "U2: do-not-call add · +1 202-555-0123\nasked us to stop" in told


async def test_times_are_by_the_readers_clock(desk: Office) -> None:
    await desk.link("U9", zone="America/New_York")
    await desk.type("/callboard dnc add +1 202 555 0123 asked us to stop", user="U2")
    await desk.board.problem("disk", "The disk is full.")
    for line, words in (("dnc", "U2&gt;, 21:40)"), ("audit", "21:40 · U2: do-not-call"), ("status", "(since 21:40, ")):
        assert words in await desk.type(f"/callboard {line}", user="U9")


async def test_adding_a_number_again_keeps_why_it_must_not_be_called(desk: Office) -> None:
    await desk.type("/callboard dnc add +1 202 555 0123 asked us to stop", user="U2")
    told = await desk.type("/callboard dnc add +1 202 555 0123", user="U9")
    assert told == "+1 202-555-0123 is on the do-not-call list already. Nothing was changed."
    assert "asked us to stop (&lt;@U2&gt;" in await desk.type("/callboard dnc")
    reason = "by law, see <https://example.com|example.com>"
    await desk.type(f"/callboard dnc add +1 202 555 0123 {reason}", user="U9")
    assert "0123: by law, see example.com (" in await desk.type("/callboard dnc")


async def test_whether_a_number_is_on_the_list_and_why(desk: Office) -> None:
    """The list shows its latest alone, so it is asked about one."""
    await desk.type("/callboard dnc add +1 202 555 0123 asked us to *stop*", user="U2")
    told = await desk.type("/callboard dnc (202) 555-0123")
    assert told == "+1 202-555-0123 is on the do-not-call list: asked us to ∗stop∗ (&lt;@U2&gt;, 03:40)."
    assert await desk.type("/callboard dnc <tel:+12025550124|+1 202 555 0124>") == (
        "+1 202-555-0124 is not on the do-not-call list."
    )
    assert "dnc +1 202 555 0100" in await desk.type("/callboard dnc Noa Green")
    assert [line[1] for line in await audited(desk)] == ["do-not-call add"]


async def test_whoever_is_told_to_stop_puts_the_number_on_the_list_at_once(desk: Office) -> None:
    """Law wants it done at once, by whatever means somebody says so; taking one off again is the managers' business."""
    told = await desk.type("/callboard dnc add +1 202 555 0123 asked us to stop")
    assert told == "+1 202-555-0123 will not be called any more."
    assert await desk.board.read(people.do_not_call, NUMBER) == ("asked us to stop", "U1", desk.clock())
    assert await audited(desk) == [("U1", "do-not-call add", NUMBER, "asked us to stop")]
    assert "Only managers may take numbers off" in await desk.type("/callboard dnc remove +1 202 555 0123")
    assert "is on the do-not-call list already" in await desk.type("/callboard dnc add +1 202 555 0123 x", user="U4")
    assert await desk.board.read(people.do_not_call, NUMBER) == ("asked us to stop", "U1", desk.clock())


async def test_it_is_said_where_the_phone_service_may_call_them_all_the_same(desk: Office) -> None:
    """A campaign dials by itself what waits in it."""
    listed = campaigns.Batch("b1", "voicenter", "key", "Spring sale", "march.csv", "U2", desk.clock(), "adding")
    rows = [
        {"line": 1, "state": "ready", "call": {"number": NUMBER}},
        {"line": 2, "state": "ready", "call": {"number": "+12025550124"}},
    ]

    def added(db: sqlite3.Connection) -> None:
        campaigns.create(db, listed)
        campaigns.add_rows(db, "b1", msgspec.json.encode(rows))
        campaigns.take(db, "b1", 2, "listed")
        campaigns.settle(db, "b1", [(1, "added", ""), (2, "rejected", "no")], desk.clock())

    await desk.board.write(added)
    told = await desk.type("/callboard dnc add +1 202 555 0123")
    assert told == (
        "+1 202-555-0123 will not be called any more. It was added to a campaign, which the phone service dials by "
        "itself: Spring sale. If it waits there yet, it is taken out within a minute, or the managers are told."
    )
    assert await desk.type("/callboard dnc add +1 202 555 0124") == "+1 202-555-0124 will not be called any more."


@pytest.mark.parametrize("line", ["dnc remove +1 202 555 0123", "dnc add 12"])
async def test_what_was_not_done_is_not_in_the_audit_log(desk: Office, line: str) -> None:
    assert "Nothing was changed" in await desk.type(f"/callboard {line}", user="U2")
    assert await audited(desk) == []


async def test_who_saw_the_webhook_addresses_is_in_the_audit_log_and_they_are_not(desk: Office) -> None:
    assert "Only admins" in await desk.type("/callboard hooks", user="U2")
    assert await audited(desk) == []
    assert "hook-secret-for-tests" in await desk.type("/callboard hooks", user="U9")
    assert await audited(desk) == [("U9", "see webhook addresses", "", "")]


@pytest.mark.parametrize("line", ["contact", "contact add +1 202 555 0123 Noa Green", "contacts find Noa"])
async def test_contacts_are_where_their_own_command_is(desk: Office, line: str) -> None:
    told = await desk.type(f"/callboard {line}")
    assert told == "Contacts have a command of their own now: `/contacts`; nothing was done."
    assert await desk.board.read(contacts.get, NUMBER) is None


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("dnc add Noa", "number first"),
        ("dnc add 12", "too short"),
        ("dnc add +1 202 555 0123 4567 8901 2345", "will not be called"),
    ],
)
async def test_numbers_as_people_write_them(desk: Office, line: str, words: str) -> None:
    assert words in await desk.type(f"/callboard {line}", user="U2")


async def test_a_number_as_a_link_and_the_reason_as_it_was_meant(desk: Office) -> None:
    await desk.type("/callboard dnc add <tel:+12025550123|202 555 0123> R&amp;D asked", user="U2")
    assert await desk.board.read(people.do_not_call, NUMBER) == ("R&D asked", "U2", desk.clock())
    assert "R&amp;D asked" in await desk.type("/callboard dnc")


async def test_hostile_words_ring_nobody(desk: Office) -> None:
    await desk.type("/callboard dnc add +1 202 555 0123 <!channel> *now*", user="U2")
    told = await desk.type("/callboard dnc")
    assert "<!channel>" not in told
    assert "*now*" not in told


async def test_a_long_do_not_call_list_is_not_cut_silently(desk: Office) -> None:
    for number in range(100):
        await desk.board.write(people.block, f"+120255501{number:02}", "", "U2", desk.clock() + number)
    await desk.board.write(people.block, "+447700900123", "", "U2", desk.clock() - 1)
    assert "the latest 100" in await desk.type("/callboard dnc list")
    shown = "\n".join(block["text"]["text"] for block in desk.slack.ephemerals[-1].blocks)
    assert shown.count("no reason given (") == 100
    assert "7700" not in shown
    assert desk.conversation("U1") == []  # not a message that stays


@pytest.mark.parametrize("callers", [(), ("U01ADA", "U01MAX")])
async def test_the_rules_in_words(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock, callers: tuple[str, ...]
) -> None:
    text = SETTINGS + (f"callers = {json.dumps(callers)}\ndaily_calls = 0\n" if callers else "daily_calls = 7\n")
    async with office(tmp_path, fake_slack, slack_clock, text) as desk:
        told = await desk.type("/callboard policy")
    for words in ("GB, IL, US", "emergency, premium-rate"):
        assert words in told
    named = "<@U01ADA>, <@U01MAX>, managers and admins" if callers else "every member"
    assert f"Who may call: {named}" in told
    assert ("no daily cap" if callers else "7 calls a day") in told


async def test_a_rule_of_one_is_told_as_one(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> None:
    names = ("daily_calls", "daily_minutes", "team_daily_calls", "team_daily_minutes", "night_calls", "approve_over")
    rules = "\n".join(f"{name} = 1" for name in names)
    text = SETTINGS.replace('hours = ["00:00"', f'{rules}\nhours = ["09:00"')
    async with office(tmp_path, fake_slack, slack_clock, text) as desk:
        told = await desk.type("/callboard policy")
        listed = await desk.type("/campaign approve", user="U2")
    for words in (
        "• 1 call a day for each rep, 1 minute a day for each rep, 1 call a day for all together, 1 minute a day for",
        ": 1 call of each rep in a night",
        "Lists that call more than one person wait",
    ):
        assert words in told
    assert "Those that call more than one person do." in listed


@pytest.mark.parametrize(
    ("hours", "caps", "words"),
    [
        ("09:00", "", ": 20 calls of each rep in a night, 4 of one rep at the same moment\n"),
        ("09:00", "night_calls_at_once = 0", ": 20 calls of each rep in a night\n"),
        ("09:00", "calls_at_once = 3", ": 20 calls of each rep in a night\n"),  # 4 are no less than by day
        ("09:00", "calls_at_once = 0", ", 4 of one rep at the same moment\n"),
        ("09:00", "night_calls = 0\nnight_calls_at_once = 0", ""),
        ("00:00", "", ""),  # there is no night
    ],
)
async def test_what_is_less_at_night_is_told(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock, hours: str, caps: str, words: str
) -> None:
    text = SETTINGS.replace('hours = ["00:00"', f'{caps}\nhours = ["{hours}"')
    async with office(tmp_path, fake_slack, slack_clock, text) as desk:
        told = await desk.type("/callboard policy")
    when = (
        "While the team is not at work, more than three hours before or after those hours by the clock of Europe/Madrid"
    )
    assert (f"• {when}: " in told) is bool(words)
    assert ("in a night" in told) is bool(words)
    assert words in told


@pytest.mark.parametrize(
    ("hours", "words"),
    [
        ("09:00", "between 09:00 and 24:00, every day, by the clock of the person called; outside of that, or for"),
        ("00:00", "at any hour, every day; for"),  # which has no outside
    ],
)
async def test_what_is_asked_about_is_told(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock, hours: str, words: str
) -> None:
    text = SETTINGS.replace("[policy]", '[policy]\nask_first = ["new", "foreign"]').replace("00:00", hours)
    async with office(tmp_path, fake_slack, slack_clock, text) as desk:
        told = await desk.type("/callboard policy")
    unusual = "numbers of other countries, or for numbers nobody has had a call with, Callboard asks first"
    assert f"{words} {unusual}\n" in told
    assert ("in these hours only" in told) == (hours != "00:00")


async def test_hours_without_an_outside_ask_nothing(desk: Office) -> None:
    told = await desk.type("/callboard policy")
    assert "placed at any hour, every day\n" in told
    assert "asks first" not in told


async def test_webhook_addresses_say_what_each_is_for(desk: Office) -> None:
    told = await desk.type("/callboard hooks", user="U9")
    assert f"https://callboard.example/hooks/voicenter/{SECRET}" in told
    assert "Paperphone (voicenter)" in told
    assert "show them to nobody" in told


async def test_addresses_of_this_computer_are_not_offered_as_if_a_service_could_reach_them(desk: Office) -> None:
    only_here = "They work on this computer only, until CALLBOARD_PUBLIC_URL is set."
    assert only_here not in await desk.type("/callboard hooks", user="U9")
    desk.board.settings = dataclasses.replace(desk.board.settings, public_url="")
    told = await desk.type("/callboard hooks", user="U9")
    assert f"http://127.0.0.1:8080/hooks/voicenter/{SECRET}" in told
    assert only_here in told


async def test_what_a_person_must_write_at_the_service_is_where_it_can_be_copied(desk: Office) -> None:
    assert "callboard check" not in await desk.type("/callboard hooks", user="U9")
    desk.phone.hook_templates = {"inbound": '{"event": "inbound"}'}  # type: ignore[misc]
    told = await desk.type("/callboard hooks", user="U9")
    assert "Its templates are printed by `callboard check` on the server." in told


async def test_the_size_of_the_database_counts_what_is_not_in_its_main_file_yet(desk: Office) -> None:
    file = desk.board.db.path
    await desk.board.write(ledger.remember, "much", 2_000_000 * "x", 0)
    told = await desk.type("/callboard")
    size = file.stat().st_size + file.with_name("callboard.sqlite-wal").stat().st_size
    assert f"Database: {size / 1e6:.1f} MB" in told
    assert size > 2_000_000 > file.stat().st_size


async def test_the_hook_secret_stays_nowhere(desk: Office) -> None:
    """Slack takes an answer for half an hour; what comes later goes to the conversation, but not a secret."""
    signed = slack_requests.slash_command(desk.slack, "/callboard", "hooks", user="U9")
    for url in desk.slack.response_urls.values():
        url.uses = 5
    await desk.send(signed)
    (message,) = desk.conversation("U9")
    assert "could not be shown" in message.text
    assert SECRET not in message.text
    bodies = await desk.board.db.read(lambda db: [row[0] or b"" for row in db.execute("SELECT body FROM cards")])
    assert SECRET.encode() not in b"".join(bodies)


async def test_a_person_is_answered_also_when_slack_cuts_the_connection(desk: Office) -> None:
    async with cut_off(desk.slack):
        await desk.type("/callboard policy")
        await desk.type("/callboard dance")
    told = [message.text for message in desk.conversation("U1")]
    assert ["GB, IL, US" in told[0], "not something" in told[1], len(told)] == [True, True, 2]


@pytest.mark.parametrize(
    "changes",
    [
        {"bot_id": "B9"},
        {"subtype": "message_changed"},
        {"subtype": "message_deleted", "user": None},
        {"subtype": "bot_message", "user": None},
        {"channel": "C1", "channel_type": "channel"},
    ],
)
async def test_only_what_a_person_writes_to_us_is_answered(desk: Office, changes: dict[str, Any]) -> None:
    inner = {
        "type": "message",
        "user": "U1",
        "text": "hello",
        "ts": "1770000000.000100",
        "channel": desk.slack.open_dm("U1").id,
        "channel_type": "im",
    }
    await desk.send(slack_requests.event(desk.slack, inner | changes))
    assert desk.conversation("U1") == []
    await desk.send(slack_requests.event(desk.slack, inner))
    told = desk.conversation("U1")[0].text
    assert told.startswith(
        "I understand slash commands, typed in any channel or here:\n• `/call`: Rings your phone, then"
    )
    assert all(f"• `{name}`: " in told for name in desk.board.settings.commands.values())
    assert told.endswith("`/call help`, or another of them with `help` behind it, shows all that it takes.")


async def test_each_message_is_answered_once(desk: Office) -> None:
    first = slack_requests.direct_message(desk.slack, "hello", event_id="Ev1")
    told = slack_requests.payload_of(first)["event"]
    again = slack_requests.event(desk.slack, told, event_id="Ev1", retry=1)
    second = slack_requests.direct_message(desk.slack, "are you there?", event_id="Ev2")
    for signed in (first, again, second):
        await desk.send(signed)
    answers = [message for message in desk.conversation("U1") if "slash commands" in message.text]
    assert len(answers) == 2
    for name in desk.board.settings.commands.values():
        assert f"`{name}`: " in answers[0].text


@pytest.mark.parametrize("kind", ["uninstalled", "tokens_revoked"])
async def test_losing_slack_is_a_problem_that_status_shows(desk: Office, kind: str) -> None:
    make = slack_requests.uninstalled if kind == "uninstalled" else slack_requests.tokens_revoked
    await desk.send(make(desk.slack))
    told = await desk.type("/callboard")
    assert "Slack: failing" in told
    assert "Install the app again" in told
