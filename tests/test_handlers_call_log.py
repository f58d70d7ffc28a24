"""`/calls log` by signed Slack requests: searching, turning pages in place, who sees what, the file."""

import csv
import dataclasses
import io
import json
import re
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.by_hand import BY_HAND, HandMade, events
from bot.events import CdrReceived, Described, LegRinging, Outcome
from bot.store import calls, missed, people
from handlers import call_log
from tests.audit_lines import audit_log
from tests.block_rules import check_message
from tests.fake_slack import FakeSlack
from tests.office import LINE, SETTINGS, Office, office
from tests.slack_state import Clock, Ephemeral, Message

CALLER = "+12025550155"
DANA = "+12025550123"
SHOWN = "202-555-0123"


@pytest.fixture
async def masking(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> AsyncIterator[Office]:
    """An office whose line hides numbers in its channel."""
    text = SETTINGS.replace('label = "Sales"', 'label = "Sales"\nmask = true')
    async with office(tmp_path, fake_slack, slack_clock, text) as opened:
        yield opened


async def miss(desk: Office, number: str = CALLER, **more: Any) -> None:
    """Somebody calls our line and nobody answers."""
    ref, at = desk.slack.next_id("in"), desk.clock()
    await desk.happen(
        Described(ref=ref, at=at, source="cdr", direction="in", number=number, line=LINE, **more),
        CdrReceived(ref=ref, at=at, leg="ext:AAA", outcome=Outcome.NO_ANSWER, ring_seconds=20),
    )


async def talk(desk: Office, user: str = "U1", number: str = DANA, ago: float = 600, **more: Any) -> None:
    """A finished outgoing call of a rep, a while ago."""
    now = desk.clock()
    made = HandMade(user, "out", number, now - ago, 60, **{"line": LINE, **more})
    await desk.board.ingest(BY_HAND, events(made, now), call_id=calls.new_id(now))


async def many(desk: Office, count: int, user: str = "U1") -> None:
    """So many calls, the first number the oldest; some of the same second."""
    for number in range(count):
        await talk(desk, user, f"+120255501{number:02}", ago=1000 - number // 2)


def numbers_shown(shown: Ephemeral) -> list[str]:
    """The last two digits of each call's number, in order."""
    rows = [block for block in shown.blocks if block["block_id"].startswith("log:call:")]
    return [row["text"]["text"].splitlines()[0].rstrip("*")[-2:] for row in rows]


def actions(shown: Ephemeral) -> list[str]:
    return [one["action_id"] for block in shown.blocks if block["type"] == "actions" for one in block["elements"]]


def last(desk: Office) -> Ephemeral:
    shown = desk.slack.ephemerals[-1]
    check_message(shown.text, list(shown.blocks))
    return shown


def rows_of(desk: Office, user: str = "U1") -> tuple[list[dict[str, str]], Message]:
    """(what stands in the latest file, the message that carries it)."""
    carrier = desk.conversation(user)[-1]
    (file,) = carrier.files
    content = desk.slack.files[file].content
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig")))), carrier


async def audit(desk: Office) -> list[tuple[str, ...]]:
    """(who, what, subject, detail) of each entry, latest first."""
    return [line[1:] for line in await desk.board.read(audit_log)]


# Searching and turning


async def test_my_latest_calls_newest_first(desk: Office) -> None:
    await desk.contact(DANA, "Dana Levi", "Acme")
    await talk(desk, note="asks about the offer", disposition="Interested")
    await talk(desk, "U4", "+12025550177")
    told = await desk.type("/calls log")
    for words in (
        "Call log",
        "My calls",
        "Outgoing call to Dana Levi (Acme), +1 202-555-0123",
        "by U1",
        "line Sales",
        "Answered · talked 1 min",
        "Interested",
        "Recorded by hand: asks about the offer",
    ):
        assert words in told
    assert "0177" not in told
    assert actions(last(desk)) == ["log:export"]


async def test_pages_turn_in_place_and_back_without_gap_or_repeat(desk: Office) -> None:
    await many(desk, 25)
    await desk.type("/calls log")
    pages = [numbers_shown(last(desk))]
    assert actions(last(desk)) == ["log:older", "log:export"]
    shown = len(desk.slack.ephemerals)
    while "log:older" in actions(last(desk)):
        await desk.press("log:older", last(desk), "C1")
        pages.append(numbers_shown(last(desk)))
    assert len(desk.slack.ephemerals) == shown
    assert [len(page) for page in pages] == [10, 10, 5]
    flat = [number for page in pages for number in page]
    assert sorted(flat) == [f"{number:02}" for number in range(25)]
    assert [int(number) // 2 for number in flat] == sorted((number // 2 for number in range(25)), reverse=True)
    assert actions(last(desk)) == ["log:newer", "log:export"]
    await desk.press("log:newer", last(desk), "C1")
    assert numbers_shown(last(desk)) == pages[1]
    await desk.press("log:newer", last(desk), "C1")
    assert numbers_shown(last(desk)) == pages[0]
    assert actions(last(desk)) == ["log:older", "log:export"]
    await talk(desk, number="+12025550199", ago=1)
    await desk.press("log:older", last(desk), "C1")
    assert numbers_shown(last(desk)) == pages[1]
    await desk.press("log:newer", last(desk), "C1")
    assert numbers_shown(last(desk)) == pages[0]
    await desk.press("log:newer", last(desk), "C1")
    assert numbers_shown(last(desk)) == ["99"]


async def test_a_search_stays_the_same_while_its_pages_turn(desk: Office) -> None:
    for number in range(12):
        await talk(desk, number=DANA, ago=100 + number)
        await talk(desk, number=CALLER, ago=100 + number)
    told = await desk.type(f"/calls log {SHOWN} today", user="U2")
    assert "Everybody's calls, with +1 202-555-0123, on 2 Feb 2026" in told
    desk.clock.advance(3 * 86400)
    await desk.press("log:older", last(desk), "C1", user="U2")
    assert numbers_shown(last(desk)) == ["23", "23"]
    assert "on 2 Feb 2026" in last(desk).text


async def test_words_of_a_search(desk: Office) -> None:
    await desk.contact(DANA, "Dana Levi")
    await desk.contact(CALLER, "Dana Cohen")
    await talk(desk)
    await miss(desk, CALLER)
    await talk(desk, number="+12025550177", ago=3 * 86400, line="")
    for text, wanted in (
        ("dana", {"23", "55"}),
        ("Dana Levi", {"23"}),
        ("missed", {"55"}),
        ("in today", {"55"}),
        ("out", {"23", "77"}),
        ("line Sales", {"23", "55"}),
        ("2026-01-30", {"77"}),
        ("01-29..01-31", {"77"}),
        ("..2026-01-31", {"77"}),
        ("(202) 555-0177", {"77"}),
        ("messages", set()),
    ):
        await desk.type(f"/calls log {text}")
        assert set(numbers_shown(last(desk))) == wanted, text
    assert "No call fits" in desk.told
    assert actions(last(desk)) == []
    told = await desk.type("/calls log missed")
    assert "Missed calls, since 2 Nov 2025" in told
    assert "My calls and the missed calls of all, on 2 Feb 2026" in await desk.type("/calls log today")
    assert "Everybody's missed calls" in await desk.type("/calls log missed", user="U2")
    assert "Outgoing calls of U1, on 2 Feb 2026" in await desk.type("/calls log out <@U1|ada> today", user="U2")
    assert "My outgoing calls, line Sales" in await desk.type("/calls log out line Sales")
    told = await desk.type("/calls log missed")
    assert "Call from Dana Cohen" in told
    assert "No answer" in told


async def test_a_search_takes_names_without_their_accents(desk: Office) -> None:
    await desk.contact(DANA, "Dána Löwi")
    await talk(desk)
    for typed in ("dana lowi", "dana loewi"):
        assert "with Dána Löwi" in await desk.type(f"/calls log {typed}")
        assert numbers_shown(last(desk)) == ["23"]
    assert "line Sales" in await desk.type("/calls log line SÁLES")


async def test_a_search_takes_names_with_their_company(desk: Office) -> None:
    await desk.contact(DANA, "Dana Levi", "Acme")
    await talk(desk)
    assert "with Dana Levi" in await desk.type("/calls log Dana (Acme)")
    assert numbers_shown(last(desk)) == ["23"]


async def test_days_are_those_of_the_person(desk: Office) -> None:
    await talk(desk, ago=600)  # 2026-02-02 02:30 UTC
    await desk.link("U1", zone="America/New_York")
    assert "0123" in await desk.type("/calls log 2026-02-01")
    assert "not begun yet" in await desk.type("/calls log 2026-02-02..")
    assert "0123" not in await desk.type("/calls log yesterday")
    await desk.link("U1", zone="Europe/Madrid")
    assert "0123" in await desk.type("/calls log today")


async def test_running_and_refused_calls_say_how_they_stand(desk: Office) -> None:
    await desk.link("U1")
    await desk.type(f"/call {DANA}")
    assert "Not over yet" in await desk.type("/calls log")
    await desk.happen(CdrReceived(ref="paper-1", at=desk.clock(), leg="customer", outcome=Outcome.BUSY))
    assert "Busy" in await desk.type("/calls log")


async def test_recordings_are_marked(desk: Office) -> None:
    await desk.link("U1")
    await desk.type(f"/call {DANA}")
    await desk.happen(
        CdrReceived(
            ref="paper-1",
            at=desk.clock(),
            leg="customer",
            outcome=Outcome.ANSWERED,
            talk_seconds=75,
            recording="https://recordings.example/secret.mp3",
        )
    )
    told = await desk.type("/calls log")
    assert "talked 1 min 15 s · recorded" in told
    assert "secret" not in str(last(desk).blocks)


async def test_an_incoming_call_that_still_rings_is_in_the_log(desk: Office) -> None:
    at = desk.clock()
    await desk.happen(
        Described(ref="in-1", at=at, source="popup", direction="in", number=CALLER, line=LINE),
        LegRinging(ref="in-1", at=at, leg="ext:AAA"),
    )
    assert "Not over yet" in await desk.type("/calls log in", user="U2")
    assert "No call fits" in await desk.type("/calls log in")


# Who sees what


async def test_reps_see_their_own_and_shared_missed_calls_managers_all(desk: Office) -> None:
    await talk(desk, "U1", "+12025550111")
    await talk(desk, "U4", "+12025550144")
    await miss(desk)
    await desk.type("/calls log today")
    assert set(numbers_shown(last(desk))) == {"11", "55"}
    for user in ("U2", "U9"):
        await desk.type("/calls log team", user=user)
        assert set(numbers_shown(last(desk))) == {"11", "44", "55"}
        await desk.type("/calls log <@U4|max> today", user=user)
        assert numbers_shown(last(desk)) == ["44"]
        await desk.type("/calls log", user=user)
        assert numbers_shown(last(desk)) == []
    await desk.type("/calls log <@U1|ada>")
    assert numbers_shown(last(desk)) == ["11"]


@pytest.mark.parametrize("text", ["max", "Reed", "max reed", "MÁX today", "today out “Max Reed.”"])
async def test_managers_search_a_colleagues_calls_by_name(desk: Office, text: str) -> None:
    await desk.board.write(people.save_met, people.Person("U4", "Max Reed"))  # has no phone any more
    await talk(desk, "U4", "+12025550144")
    await talk(desk, "U1", "+12025550111")
    told = await desk.type(f"/calls log {text}", user="U2")
    assert "alls of U4" in told
    assert numbers_shown(last(desk)) == ["44"]


async def test_reps_search_their_own_calls_by_name_and_nobody_elses(desk: Office) -> None:
    await desk.link("U1", name="Ada Long")
    await desk.link("U4", "+12025550146", name="Max Reed")
    await desk.link("U2", "+12025550147", name="Max Long")
    await talk(desk, "U1", "+12025550111")
    await talk(desk, "U4", "+12025550144")
    await miss(desk)
    for text in ("ada", "long"):
        assert "My calls" in await desk.type(f"/calls log {text}")
        assert numbers_shown(last(desk)) == ["11"]
    for text in ("max", "Max Reed"):
        assert await desk.type(f"/calls log {text}") == (
            "Other people's calls are shown to managers only. Type `/calls log` for your own."
        )


async def test_a_name_of_a_contact_and_a_colleague_is_asked_about(desk: Office) -> None:
    for user, name in (("U0DANA", "Dana Reed"), ("U0ZOE", "Zoe Reed")):
        await desk.board.write(people.save_met, people.Person(user, name))
    await desk.contact(DANA, "Dana Levi")
    await talk(desk)
    await desk.type("/calls log dana")  # a rep can only mean the contact
    assert numbers_shown(last(desk)) == ["23"]
    told = await desk.type("/calls log dana", user="U2")
    assert told == (
        "“dana” may be one of several: <@U0DANA>; Dana Levi, +1 202-555-0123. Write more of the name, or the number; "
        "for the calls of a colleague mention them. Nothing was searched."
    )
    assert "Calls of <@U0DANA>" in await desk.type("/calls log dana reed", user="U2")
    assert "with Dana Levi" in await desk.type("/calls log dana levi", user="U2")
    await desk.contact("+12025550144", "Dana")
    assert "with Dana, " in await desk.type("/calls log dana", user="U2")  # all of a contact's name
    assert "“reed” may be one of several: <@U0DANA>; <@U0ZOE>. " in await desk.type("/calls log reed", user="U2")
    await desk.contact(CALLER, "Zoe Hill")
    for text in ("zoe team", "<@U4|max> zoe"):  # there it can only be a contact
        assert "with Zoe Hill" in await desk.type(f"/calls log {text}", user="U2")
    assert "No contact is called “reed”" in await desk.type("/calls log reed team", user="U2")


@pytest.mark.parametrize("text", ["<@U4|max>", "team", "<@U4|max> last week missed"])
async def test_a_rep_who_names_others_is_refused(desk: Office, text: str) -> None:
    await talk(desk, "U4", "+12025550144")
    told = await desk.type(f"/calls log {text}")
    assert "shown to managers only" in told
    assert "0144" not in told


async def test_whoever_is_no_manager_any_more_turns_no_page(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    async with office(tmp_path, fake_slack, slack_clock) as desk:
        await many(desk, 11, "U4")
        await desk.type("/calls log <@U4|max>", user="U2")
    demoted = SETTINGS.replace('managers = ["U2"]', "managers = []")
    async with office(tmp_path, fake_slack, slack_clock, demoted) as desk:
        shown = last(desk)
        for action in ("log:older", "log:export"):
            assert "shown to managers only" in await desk.press(action, shown, "C1", user="U2")
    assert not fake_slack.files


async def test_numbers_of_a_masked_line_are_masked_for_reps_until_they_claim(masking: Office) -> None:
    desk = masking
    await miss(desk, name=CALLER)
    await talk(desk)
    told = await desk.type("/calls log today")
    assert "0155" not in told
    assert "55" in told
    assert SHOWN in told, "one's own calls are whole"
    await desk.press("log:export", last(desk), "C1")
    rows, _ = rows_of(desk)
    assert [row["number"] for row in rows] == ["••••••••••55", f"+1 {SHOWN}"]
    assert "0155" not in str(rows)
    assert "202-555-0155" in await desk.type("/calls log today", user="U2")
    (row,) = await desk.board.read(missed.waiting)
    (card,) = [message for message in desk.slack.channel("C1") if "issed" in message.text]
    await desk.press("missed:claim", card, "C1", value=row.id)
    assert "202-555-0155" in await desk.type("/calls log today")


# Refusals


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("mised", "No contact is called “mised”, so nothing was searched. Understood are"),
        ("today yesterday", "A period was given twice"),
        ("2026-11-31", "not a day of the calendar"),
        ("line Berlin", "choose one of: Sales"),
        ("@sam", "pick the person from Slack's list"),
        ("missed out", "Only incoming calls are missed"),
        ("<!channel>", "pick the person"),
    ],
)
async def test_what_is_not_understood_is_refused_in_words(desk: Office, text: str, words: str) -> None:
    told = await desk.type(f"/calls log {text}")
    assert words in told
    assert "<!" not in told


async def test_a_name_that_too_many_have(desk: Office) -> None:
    for number in range(21):
        await desk.contact(f"+120255501{number:02}", f"Dana {number:02}")
    assert "More than 20 contacts" in await desk.type("/calls log dana")


async def test_help_and_other_words(desk: Office) -> None:
    assert "/calls log add" in await desk.type("/calls log help")
    assert "`/calls log`" in await desk.type("/calls lgo")
    assert "/calls log missed" in await desk.type("/calls help")


async def test_a_button_of_an_older_version_says_so(desk: Office) -> None:
    await talk(desk)
    await desk.type("/calls log")
    shown = last(desk)
    blocks = json.loads(re.sub(r'("value": )"[^}]*}}"', r'\1"{}"', json.dumps(shown.blocks)))
    desk.slack.ephemerals[-1] = dataclasses.replace(shown, blocks=tuple(blocks))
    assert "older Callboard" in await desk.press("log:export", shown, "C1")


# The file


async def test_the_file_holds_the_whole_search_and_stands_in_the_audit_log(desk: Office) -> None:
    await desk.contact(DANA, "=HYPERLINK(1)", "+Acme")
    await desk.link("U1")
    await talk(desk, note='-1+1,"quoted"\nsecond line', disposition="@Interested")
    await many(desk, 12)
    await miss(desk, "=2+3", name="\t=cmd")
    await desk.type("/calls log today", user="U2")
    told = await desk.press("log:export", last(desk), "C1", user="U2")
    assert told == "14 calls are in a file in your conversation with Callboard."
    rows, carrier = rows_of(desk, "U2")
    assert len(rows) == 14
    assert [row["began (UTC)"] for row in rows] == sorted((row["began (UTC)"] for row in rows), reverse=True)
    assert carrier.text == "Call log: Everybody's calls, on 2 Feb 2026. 14 calls."
    assert desk.slack.files[carrier.files[0]].name == "calls-2026-02-02.csv"
    (dana,) = [row for row in rows if row["number"] == f"+1 {SHOWN}"]
    assert dana == {
        "began (UTC)": "2026-02-02T02:30:00+00:00",
        "began (Europe/Madrid)": "2026-02-02 03:30:00",
        "direction": "out",
        "number": f"+1 {SHOWN}",
        "name": "'=HYPERLINK(1)",
        "company": "'+Acme",
        "rep": "Ada",
        "line": "Sales",
        "queue": "",
        "result": "answered",
        "rang": "",
        "waited": "",
        "talked": "60",
        "how it went": "'@Interested",
        "note": 'Recorded by hand: -1+1,"quoted"\nsecond line',
        "recorded": "",
        "account": "another phone",
        "call": dana["call"],
    }
    (strange,) = [row for row in rows if row["direction"] == "in"]
    assert (strange["number"], strange["name"]) == ("'=2+3", "'\t'=cmd")
    assert (strange["result"], strange["rang"]) == ("no answer", "20")
    who, what, subject, detail = (await audit(desk))[0]
    assert (who, what, subject) == ("U2", "export call log", "")
    assert detail == f"14 calls, Everybody's calls, on 2 Feb 2026, {carrier.files[0]}"


async def test_a_file_of_one_number_names_it_in_the_audit_log_as_it_is_stored(desk: Office) -> None:
    await talk(desk)
    await desk.type(f"/calls log {SHOWN} out")
    assert (await desk.press("log:export", last(desk), "C1")).startswith("One call is in a file")
    who, what, subject, detail = (await audit(desk))[0]
    assert (who, what, subject) == ("U1", "export call log", DANA)
    assert detail.startswith("1 call, ")
    assert SHOWN not in detail
    rows, carrier = rows_of(desk)
    assert [row["number"] for row in rows] == [f"+1 {SHOWN}"]
    assert "with +1 202-555-0123" in carrier.text


async def test_a_search_of_more_than_one_file_holds_says_so(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    now, most = desk.clock(), 1000
    monkeypatch.setattr(call_log, "MOST", most)

    def fill(db: sqlite3.Connection) -> None:
        for number in range(most + 1):
            told = events(HandMade("U1", "out", DANA, now - 1000 - number, 60, note=f"{number}"), now)
            call_id = calls.new_id(now - number)
            calls.ingest(db, BY_HAND, told, now=now, routing=desk.board.routing, call_id=call_id, late=True)

    await desk.board.write(fill)
    await desk.type("/calls log")
    told = await desk.press("log:export", last(desk), "C1")
    assert "1,000 calls are in a file" in told
    assert "the newest 1,000 of more" in told
    rows, carrier = rows_of(desk)
    assert len(rows) == most
    assert rows[-1]["note"] == f"Recorded by hand: {most - 1}", "the oldest is left out"
    assert "There are more than fit" in carrier.text


@pytest.mark.parametrize(
    ("method", "fault", "words"),
    [
        ("files.getUploadURLExternal", "file_uploads_disabled", "the workspace allows no files"),
        ("upload", "500", "Slack did not take the file"),
        ("conversations.open", "500", "Slack"),
    ],
)
async def test_a_file_that_slack_does_not_take(desk: Office, method: str, fault: str, words: str) -> None:
    await talk(desk)
    await desk.type("/calls log")
    desk.slack.fail_next(method, fault)
    assert words in await desk.press("log:export", last(desk), "C1")
    assert not [message for message in desk.conversation("U1") if message.files]
    assert await audit(desk) == [], "nothing was exported"
