"""`/callboard audit` by signed Slack requests: searching, turning pages in place, for admins only, the file."""

import csv
import dataclasses
import io
import json
import re
from collections.abc import Iterable

import pytest

from bot.store import ledger, retention
from handlers import audit
from tests.audit_lines import audit_log
from tests.block_rules import check_message
from tests.office import Office
from tests.slack_state import Ephemeral, Message

NUMBER = "+12025550123"
DAY = 86400.0


async def wrote(
    desk: Office, what: str, subject: str = "", detail: str = "", *, by: str = "U2", ago: float = 0
) -> None:
    await desk.board.write(ledger.audit, desk.clock() - ago, by, what, subject, detail)


async def many(desk: Office, count: int) -> None:
    """So many lines, the first the oldest; some of the same second."""
    for number in range(count):
        await wrote(desk, "start campaign", "Spring sale", f"entry-{number:02}", ago=1000 - number // 2)


def last(desk: Office) -> Ephemeral:
    shown = desk.slack.ephemerals[-1]
    check_message(shown.text, list(shown.blocks))
    return shown


def entries(shown: Ephemeral) -> list[int]:
    return [int(number) for number in re.findall(r"entry-(\d\d)", shown.text)]


def actions(shown: Ephemeral) -> list[str]:
    return [one["action_id"] for block in shown.blocks if block["type"] == "actions" for one in block["elements"]]


async def lines(desk: Office) -> list[tuple[str, ...]]:
    """(who, what, subject, detail), latest first."""
    return [line[1:] for line in await desk.board.read(audit_log)]


def file_of(desk: Office, user: str = "U9") -> tuple[list[dict[str, str]], Message, str]:
    """(its rows, the message that carries it, its name)."""
    carrier = desk.conversation(user)[-1]
    (file,) = carrier.files
    found = desk.slack.files[file]
    return list(csv.DictReader(io.StringIO(found.content.decode("utf-8-sig")))), carrier, found.name


# Searching and turning


async def test_pages_turn_in_place_and_back_without_gap_or_repeat(desk: Office) -> None:
    await many(desk, 20)
    assert "20 lines" in await desk.type("/callboard audit", user="U9")
    pages = [entries(last(desk))]
    assert actions(last(desk)) == ["audit:older", "audit:export"]
    shown = len(desk.slack.ephemerals)
    while "audit:older" in actions(last(desk)):
        await desk.press("audit:older", last(desk), "C1", user="U9")
        pages.append(entries(last(desk)))
    assert len(desk.slack.ephemerals) == shown
    assert pages == [list(range(19, 11, -1)), list(range(11, 3, -1)), [3, 2, 1, 0]]
    assert actions(last(desk)) == ["audit:newer", "audit:export"]
    await wrote(desk, "start campaign", detail="entry-99")
    await desk.press("audit:newer", last(desk), "C1", user="U9")
    assert entries(last(desk)) == pages[1]
    assert actions(last(desk)) == ["audit:newer", "audit:older", "audit:export"]
    await desk.press("audit:newer", last(desk), "C1", user="U9")
    assert entries(last(desk)) == pages[0]
    await desk.press("audit:newer", last(desk), "C1", user="U9")
    assert entries(last(desk)) == [99]
    assert actions(last(desk)) == ["audit:older", "audit:export"]


async def test_days_people_and_words_hold_together_and_on_every_page(desk: Office) -> None:
    await wrote(desk, "do-not-call add", NUMBER, "asked us to stop", ago=3 * DAY)
    await wrote(desk, "do-not-call add", "+12025550124", "wrote a letter", by="U9")
    await many(desk, 12)
    told = await desk.type("/callboard audit do-not-call", user="U9")
    assert "What everybody did, with “do-not-call” in it · 2 lines" in told
    assert "asked us to stop" in told
    assert "wrote a letter" in told
    assert "entry" not in told
    told = await desk.type("/callboard AUDIT today <@U9|cleo> letter", user="U9")
    assert "What U9 did, with “letter” in it, on 2 Feb 2026 · one line" in told
    assert "wrote a letter" in told
    told = await desk.type("/callboard audit (202) 555-0123", user="U9")
    assert "with +1 202-555-0123 in it · one line" in told
    assert "asked us to stop" in told
    await desk.type("/callboard audit SPRING today", user="U9")
    await desk.press("audit:older", last(desk), "C1", user="U9")
    assert entries(last(desk)) == [3, 2, 1, 0]
    assert "“SPRING” in it, on 2 Feb 2026 · 12 lines" in last(desk).text


async def test_a_channel_may_be_picked_from_slacks_list(desk: Office) -> None:
    """As a page shows it, with its name; Slack sends the id, and so the log has it."""
    await wrote(desk, "digest", "C0SALES01", "every day at 18:00")
    await wrote(desk, "digest", "C0SALES02", "every day at 19:00")
    for typed in ("<#C0SALES01|sales>", "<#C0SALES01> digest", "<#C0SALES01|>"):
        told = await desk.type(f"/callboard audit {typed}", user="U9")
        assert "What everybody did, with <#C0SALES01>" in told
        assert "· one line" in told
        assert "every day at 18:00" in told
    await desk.press("audit:export", last(desk), "C1", user="U9")
    ((row,), carrier, _) = file_of(desk)
    assert row["to what"] == "C0SALES01"
    assert carrier.text == "Audit log: What everybody did, with <#C0SALES01> in it. One line."
    latest, *_ = await lines(desk)
    assert latest[:3] == ("U9", "export audit log", "")
    assert latest[3].startswith("one line, What everybody did, with ")


async def test_letters_are_found_however_they_are_written(desk: Office) -> None:
    await wrote(desk, "do-not-call add", NUMBER, "Müller asked us to stop")
    for typed in ("MÜLLER", "muller", "mueller"):
        assert "asked us to stop" in await desk.type(f"/callboard audit {typed}", user="U9")


async def test_what_a_command_calls_dnc_is_found_by_that_word(desk: Office) -> None:
    await desk.type("/callboard dnc add +12025550101 asked us", user="U9")
    told = await desk.type("/callboard audit DNC", user="U9")
    assert "with “DNC” in it" in told
    assert "do-not-call add" in told


async def test_days_and_times_are_those_of_the_admins_zone(desk: Office) -> None:
    """02:40 UTC: in Madrid it is the same day, in New York still the one before."""
    await wrote(desk, "digest", "C1", "every day")
    assert "03:40 · U2: digest" in await desk.type("/callboard audit 2026-02-02", user="U9")
    await desk.link("U9", zone="America/New_York")
    assert "21:40 · U2: digest" in await desk.type("/callboard audit 2026-02-01", user="U9")
    assert "No line fits" in await desk.type("/callboard audit ..2026-01-31", user="U9")


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("1/2/2026", "could be two days"),
        ("@cleo", "nobody's name here"),
        ("2026-02-30", "not a day of the calendar"),
        ("2026-02-02..2026-02-01", "ends before it begins"),
        ("“spring", "never closed"),
    ],
)
async def test_nonsense_is_answered_with_an_example(desk: Office, typed: str, words: str) -> None:
    told = await desk.type(f"/callboard audit {typed}", user="U9")
    assert words in told
    assert "Nothing was searched" in told
    assert "`/callboard audit 2026-11-01..2026-11-15 @colleague campaign`" in told


async def test_help_is_shown_and_not_searched_for(desk: Office) -> None:
    assert "who did what" in await desk.type("/callboard audit help", user="U9")


async def test_why_stays_in_sight_behind_a_long_reason(desk: Office) -> None:
    letter = "asked us in a long letter never to call this number again, and sent a copy to their lawyer " * 5
    await desk.type(f"/callboard dnc add +1 202 555 0123 {letter}", user="U2")
    await desk.link("U2")
    await desk.type("/call +1 202 555 0123", user="U2")
    await desk.press("waive:why", desk.slack.ephemerals[-1], "C1", user="U2")
    why = ("They called us back this morning and want the contract, says Dana; see ticket 4711. " * 3)[:199].strip()
    await desk.submit({"why": why}, user="U2")
    told = await desk.type("/callboard audit against", user="U9")
    assert "U2: call against the policy · +1 202-555-0123\nfor U2: " in told
    assert " … " in told
    assert f"Why: {why}" in told
    await desk.press("audit:export", last(desk), "C1", user="U9")
    ((row,), *_) = file_of(desk)
    assert letter.strip() in row["details"]
    assert row["details"].endswith(f"Why: {why}")


@pytest.mark.parametrize(
    ("gone", "left", "buttons"),
    [
        (4, range(11, 3, -1), ["audit:newer", "audit:export"]),  # of the page that is turned to
        (6, range(13, 5, -1), ["audit:newer", "audit:export"]),  # and some of the one that stands there
        (12, range(19, 11, -1), ["audit:export"]),
        (20, (), []),
    ],
)
async def test_a_page_whose_lines_are_gone_shows_those_that_are_left(
    desk: Office, gone: int, left: Iterable[int], buttons: list[str]
) -> None:
    """`[retention]` deletes the oldest while a page stands there: the log is not empty because of that."""
    await many(desk, 20)
    await desk.type("/callboard audit", user="U9")
    await desk.press("audit:older", last(desk), "C1", user="U9")
    await desk.board.write(retention.forget_audit, desk.clock() - 1000 + gone // 2)
    await desk.press("audit:older", last(desk), "C1", user="U9")
    assert entries(last(desk)) == list(left)
    assert ("The audit log is empty." in last(desk).text) is (gone == 20)
    assert actions(last(desk)) == buttons


async def test_the_newest_lines_may_be_gone_as_well(desk: Office) -> None:
    """As after a number was forgotten."""
    await many(desk, 20)
    await desk.type("/callboard audit", user="U9")
    await desk.press("audit:older", last(desk), "C1", user="U9")
    await desk.board.db.write(lambda db: db.execute("DELETE FROM audit WHERE detail >= 'entry-10'"))
    await desk.press("audit:newer", last(desk), "C1", user="U9")
    assert entries(last(desk)) == list(range(9, 1, -1))
    assert actions(last(desk)) == ["audit:older", "audit:export"]


# Who may


async def test_only_admins_read_it_and_only_while_they_are(desk: Office) -> None:
    await many(desk, 20)
    for user in ("U1", "U2"):
        assert "Only admins may read the audit log" in await desk.type("/callboard audit", user=user)
    await desk.type("/callboard audit", user="U9")
    await desk.press("audit:older", last(desk), "C1", user="U9")
    page, before = last(desk), len(desk.slack.ephemerals)
    desk.board.settings = dataclasses.replace(desk.board.settings, admins=())
    for action in ("audit:older", "audit:newer", "audit:export"):
        assert "Only admins may read the audit log" in await desk.press(action, page, "C1", user="U9")
    assert not [shown for shown in desk.slack.ephemerals[before:] if "entry" in shown.text]
    assert not [message for message in desk.conversation("U9") if message.files]
    assert {what for _, what, *_ in await lines(desk)} == {"start campaign"}


async def test_a_button_of_an_older_callboard_says_so(desk: Office) -> None:
    await many(desk, 1)
    await desk.type("/callboard audit", user="U9")
    shown = last(desk)
    blocks = json.loads(re.sub(r'("value": )"[^}]*}}"', r'\1"{}"', json.dumps(shown.blocks)))
    desk.slack.ephemerals[-1] = dataclasses.replace(shown, blocks=tuple(blocks))
    told = await desk.press("audit:export", desk.slack.ephemerals[-1], "C1", user="U9")
    assert told == "That button is from an older Callboard. Type `/callboard audit` again."


# The file


async def test_the_file_holds_everything_found_and_stands_in_the_log_itself(desk: Office) -> None:
    await desk.link("U2")
    await many(desk, 20)
    await wrote(desk, "do-not-call add", NUMBER, "=HYPERLINK(1)")
    await desk.type("/callboard audit campaign today", user="U9")
    told = await desk.press("audit:export", last(desk), "C1", user="U9")
    assert told == "20 lines are in a file in your conversation with Callboard."
    rows, carrier, name = file_of(desk)
    assert name == "audit-2026-02-02.csv"
    assert carrier.text == "Audit log: What everybody did, with “campaign” in it, on 2 Feb 2026. 20 lines."
    assert [row["details"] for row in rows] == [f"entry-{number:02}" for number in range(19, -1, -1)]
    assert rows[-1] == {
        "when (UTC)": "2026-02-02T02:23:20+00:00",
        "when (Europe/Madrid)": "2026-02-02 03:23:20",
        "who": desk.slack.users["U2"].name,
        "Slack id": "U2",
        "what": "start campaign",
        "to what": "Spring sale",
        "details": "entry-00",
    }
    latest, *_ = await lines(desk)
    words = "20 lines, What everybody did, with “campaign” in it, on 2 Feb 2026"
    assert latest == ("U9", "export audit log", "", f"{words}, {carrier.files[0]}")


async def test_no_cell_of_the_file_is_a_formula(desk: Office) -> None:
    await wrote(desk, "start campaign", "=HYPERLINK(1)", "@SUM(1)")
    await desk.type("/callboard audit", user="U9")
    await desk.press("audit:export", last(desk), "C1", user="U9")
    ((row,), *_) = file_of(desk)
    assert (row["to what"], row["details"]) == ("'=HYPERLINK(1)", "'@SUM(1)")


async def test_a_file_about_a_number_names_it_in_the_log_as_it_is_stored(desk: Office) -> None:
    await wrote(desk, "do-not-call add", NUMBER, "asked us to stop")
    await desk.type("/callboard audit 202-555-0123 stop <@U2>", user="U9")
    assert (await desk.press("audit:export", last(desk), "C1", user="U9")).startswith("One line is in a file")
    (who, what, subject, detail), *_ = await lines(desk)
    assert (who, what, subject) == ("U9", "export audit log", NUMBER)
    assert detail.startswith("one line, What U2 did, with “stop” in it, U2, ")
    assert "555" not in detail
    rows, *_ = file_of(desk)
    assert [row["to what"] for row in rows] == ["+1 202-555-0123"]


async def test_what_was_looked_for_stands_in_the_log_as_it_was_typed(desk: Office) -> None:
    await wrote(desk, "start campaign", "R&D <snake_case> *")
    await desk.type("/callboard audit R&amp;D &lt;snake_case&gt; *", user="U9")
    await desk.press("audit:export", last(desk), "C1", user="U9")
    latest, *_ = await lines(desk)
    assert latest[3].startswith("one line, What everybody did, with “R&D” and “<snake_case>” and “*” in it, F")
    assert "with “R&amp;D” and “&lt;snakeˍcase&gt;” and “∗” in it" in await desk.type("/callboard audit exp", user="U9")


async def test_more_than_a_file_holds_is_said(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "MOST", 5)
    await many(desk, 7)
    await desk.type("/callboard audit", user="U9")
    told = await desk.press("audit:export", last(desk), "C1", user="U9")
    assert told == (
        "5 lines are in a file in your conversation with Callboard, the newest of 7: name a shorter period for the "
        "others."
    )
    rows, carrier, _ = file_of(desk)
    assert [row["details"] for row in rows] == [f"entry-0{number}" for number in (6, 5, 4, 3, 2)]
    assert "These are the newest of 7." in carrier.text


@pytest.mark.parametrize(
    ("method", "fault", "words"),
    [
        ("files.getUploadURLExternal", "file_uploads_disabled", "the workspace allows no files"),
        ("upload", "500", "Slack did not take the file"),
    ],
)
async def test_a_file_that_slack_does_not_take(desk: Office, method: str, fault: str, words: str) -> None:
    await many(desk, 1)
    await desk.type("/callboard audit", user="U9")
    desk.slack.fail_next(method, fault)
    assert words in await desk.press("audit:export", last(desk), "C1", user="U9")
    assert not [message for message in desk.conversation("U9") if message.files]
    assert [what for _, what, *_ in await lines(desk)] == ["start campaign"], "nothing was exported"


@pytest.mark.parametrize("fault", ["file_uploads_disabled", "ratelimited"])
async def test_a_file_that_slack_does_not_show_is_not_called_exported(desk: Office, fault: str) -> None:
    """It was to be, and that was written down before anybody could see it."""
    await many(desk, 1)
    await desk.type("/callboard audit", user="U9")
    desk.slack.fail_next("files.completeUploadExternal", fault)
    told = await desk.press("audit:export", last(desk), "C1", user="U9")
    assert not [message for message in desk.conversation("U9") if message.files]
    (who, what, _, detail), (*_, before), _ = await lines(desk)
    assert (who, what) == ("U9", "export audit log")
    assert detail == f"{before} not done: {told}"
    assert before.startswith("one line, What everybody did, ")


async def test_nothing_is_exported_where_the_lines_are_gone(desk: Office) -> None:
    await many(desk, 1)
    await desk.type("/callboard audit", user="U9")
    await desk.board.write(retention.forget_audit, desk.clock())
    told = await desk.press("audit:export", last(desk), "C1", user="U9")
    assert told == "No line fits that search any more, so there is nothing to export."
