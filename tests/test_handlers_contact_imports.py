"""`/contacts import` by signed requests: the form, the preview, all rows or none, and what was left out."""

from dataclasses import replace

import pytest

from bot import contact_imports
from bot.contact_rows import MOST_ROWS
from bot.store import contacts
from bot.store.contacts import Contact
from handlers.contact_imports import LEFT_OUT
from handlers.left_out import Reports
from tests import slack_requests
from tests.audit_lines import audit_log
from tests.fake_slack_files import add_file, shared, table
from tests.office import Office
from tests.slack_state import Message

ROWS = """Phone;Name;Organisation;Notes
+1 202 555 0101;Noa Green;Green Gardens;x
(202) 555-0102;Sam Hill;;
+1 202 555 0103;Max;;
nonsense;Zoe;;
202 555 0101;Noa again;;
=1+1;Eve;;
"""


async def furnish(desk: Office) -> None:
    await desk.contact("+12025550102", "Sam Hall", "Hall & Sons")
    await desk.contact("+12025550103", "Max")


async def paste(desk: Office, rows: str = ROWS, user: str = "U2") -> None:
    await desk.type("/contacts import", user=user)
    assert await desk.submit({"rows": rows}, user=user) == {}
    desk.clock.advance(2)
    await desk.settle()


def card(desk: Office) -> Message:
    (found,) = [message for message in desk.conversation("U2") if message.text.startswith("Contacts from")]
    return found


def buttons(desk: Office) -> list[str]:
    rows = (block["elements"] for block in card(desk).blocks if block["type"] == "actions")
    return [element["action_id"].removeprefix("contacts:") for elements in rows for element in elements]


async def press(desk: Office, what: str) -> str:
    desk.clock.advance(2)
    told = await desk.press(f"contacts:{what}", card(desk), desk.slack.open_dm("U2").id, user="U2")
    desk.clock.advance(2)
    await desk.settle()
    return told


async def book(desk: Office) -> dict[str, Contact]:
    return {one.number: one for one in await desk.board.read(contacts.page, size=50_000)}


async def audit(desk: Office) -> list[tuple[str, ...]]:
    return [line[1:] for line in await desk.board.read(audit_log)]


def said(desk: Office) -> str:
    """What the person's conversation says last."""
    return desk.conversation("U2")[-1].text


async def kept(desk: Office) -> int:
    return await desk.board.read(lambda db: db.execute("SELECT count(*) FROM contact_import_rows").fetchone()[0])


# Preview


async def test_the_preview_says_what_would_become_of_each_row_and_changes_nothing(desk: Office) -> None:
    await furnish(desk)
    before = await book(desk)
    await paste(desk)
    assert desk.told == "Read pasted rows; nothing was changed. The card is in your conversation with Callboard."
    text = card(desk).text
    for words in (
        "2 contacts can be imported. Nothing was changed yet.",
        "pasted rows, 6 rows:",
        "1 new\n– line 2: Noa Green (Green Gardens), +1 202-555-0101",
        "1 changed\n– line 3: Sam Hill (Hall &amp; Sons), +1 202-555-0102; before: Sam Hall (Hall &amp; Sons)",
        "1 unchanged",
        "3 left out\n– line 5: nonsense: ",
        "is not a phone number",
        "line 6: 202 555 0101: the same number as in line 2",
        "Columns: number, name, company.\nNot read: Notes.",
        "Sent by",
    ):
        assert words in text, words
    assert buttons(desk) == ["import_rows", "drop_rows", "report"]
    assert await book(desk) == before
    assert await audit(desk) == []


async def test_whom_somebody_has_changed_since_the_preview_is_shown_before_it_is_overwritten(desk: Office) -> None:
    """Also who was new then, and is in the book by now."""
    await furnish(desk)
    await paste(desk)
    for number, name in (("+12025550102", "Samuel Hall"), ("+12025550101", "Noa Greene")):
        await desk.contact(number, name)
        told = await press(desk, "import_rows")
        assert "The contact book has changed since its card was drawn, so nothing was imported" in told
        assert f"before: {name}" in card(desk).text
    assert (await book(desk))["+12025550101"].name == "Noa Greene"
    assert await press(desk, "import_rows") == ""
    assert [one.name for one in (await book(desk)).values()] == ["Max", "Noa Green", "Sam Hill"]


async def test_the_preview_says_which_of_several_numbers_is_taken(desk: Office) -> None:
    await paste(desk, "Name,Phone,Mobile,E-mail\nNoa,,+1 202 555 0101,\nSam,+1 202 555 0102,+1 202 555 0103,\n")
    text = card(desk).text
    assert "2 contacts can be imported." in text
    assert (
        "Columns: name, number.\nOf several numbers the first is taken: Phone, else Mobile.\nNot read: E-mail." in text
    )
    await press(desk, "import_rows")
    assert list(await book(desk)) == ["+12025550101", "+12025550102"]


async def test_the_preview_says_which_extensions_are_not_kept(desk: Office) -> None:
    await paste(desk, "Phone,Name\n+1 202 555 0101 ext. 12,Noa\n(202) 555-0102x7,Sam\n202 555 0101 x13,Eve\n")
    text = card(desk).text
    assert "2 contacts can be imported." in text
    assert "Not kept: the extension behind a number, in line 2 (12), line 3 (7)." in text
    assert "`/call NAME ext 12` dials one, where the phone service can." in text
    assert "line 4: 202 555 0101 x13: the same number as in line 2" in text
    await press(desk, "import_rows")
    assert {number: one.name for number, one in (await book(desk)).items()} == {
        "+12025550101": "Noa",
        "+12025550102": "Sam",
    }


async def test_a_file_is_read_from_slack(desk: Office) -> None:
    file = add_file(desk.slack, "friends & co.csv", ROWS.encode("utf-16"), user="U2")
    await desk.type("/contacts import", user="U2")
    assert await desk.submit({"file": [file.as_json()]}, user="U2") == {}
    assert "friends &amp; co.csv, 6 rows:" in card(desk).text
    await press(desk, "import_rows")
    assert (await book(desk))["+12025550101"] == Contact("+12025550101", "Noa Green", "Green Gardens")


async def test_it_is_opened_from_the_book_too(desk: Office) -> None:
    await desk.type("/contacts", user="U2")
    await desk.press("contacts:import", desk.slack.ephemerals[-1], "C1", user="U2")
    assert await desk.submit({"rows": "number,name\n+12025550101,Noa\n"}, user="U2") == {}
    assert "1 contact can be imported" in card(desk).text


async def test_a_file_sent_into_the_conversation_may_be_contacts_and_is_read_once(desk: Office) -> None:
    file = add_file(desk.slack, "contacts.csv", ROWS.encode(), user="U2")
    await desk.send(slack_requests.direct_message(desk.slack, "", user="U2", files=[file.as_json()]))
    question = desk.conversation("U2")[-1]
    assert "Shall the calls of contacts.csv go into a campaign, or are they contacts?" in question.text
    channel = desk.slack.open_dm("U2").id
    assert "Read contacts.csv; nothing was changed" in await desk.press("contacts:file", question, channel, user="U2")
    desk.clock.advance(2)
    await desk.settle()
    assert "contacts.csv, 6 rows:" in card(desk).text
    assert "not read a second time" in await desk.press("contacts:file", question, channel, user="U2")
    assert "contacts.csv, 6 rows:" in card(desk).text
    await press(desk, "drop_rows")
    assert "Cancelled" in card(desk).text
    assert "Read contacts.csv" in await desk.press("contacts:file", question, channel, user="U2")
    await press(desk, "import_rows")
    assert "Done: 3 new" in card(desk).text
    assert "not read a second time" in await desk.press("contacts:file", question, channel, user="U2")
    with_role(desk, ())
    assert "Only managers" in await desk.press("contacts:file", question, channel, user="U2")


async def test_one_of_file_and_rows(desk: Office) -> None:
    await desk.type("/contacts import", user="U2")
    assert "one of the two" in (await desk.submit({}, user="U2"))["rows"]
    file = add_file(desk.slack, "contacts.csv", ROWS.encode(), user="U2")
    assert "one of the two" in (await desk.submit({"rows": ROWS, "file": [file.as_json()]}, user="U2"))["rows"]
    assert "the end may be missing" in (await desk.submit({"rows": "x" * 3000}, user="U2"))["rows"]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("name\nDana", "must be “number”"),
        ("number\n+12025550101", "There is no “name”"),
        ("number,name\n", "only headings"),
        ("number,name,full name\n1,2,3", "Two columns mean"),
    ],
)
async def test_a_table_that_is_none_leaves_nothing_behind(desk: Office, rows: str, words: str) -> None:
    await paste(desk, rows)
    assert words in said(desk)
    assert len(desk.conversation("U2")) == 1
    assert await kept(desk) == 0


async def test_limits_are_said_in_words(desk: Office) -> None:
    await desk.type("/contacts import", user="U2")
    (view,) = desk.slack.views.values()
    assert "At most 10 MB and 20,000 rows." in str(view.view["blocks"])
    rows = "number,name\n" + "1,x\n" * (MOST_ROWS + 1)
    file = add_file(desk.slack, "many.csv", rows.encode(), user="U2")
    await desk.submit({"file": [file.as_json()]}, user="U2")
    assert "more than 20,000 rows, so nothing was read. Cut it" in said(desk)
    desk.clock.advance(2)
    file = add_file(desk.slack, "large.csv", b"x" * 10_000_001, user="U2")
    await desk.type("/contacts import", user="U2")
    await desk.submit({"file": [file.as_json()]}, user="U2")
    assert "larger than 10 MB" in said(desk)


async def test_a_file_that_is_gone_is_told(desk: Office) -> None:
    file = add_file(desk.slack, "contacts.csv", ROWS.encode(), user="U2")
    file.deleted = True
    await desk.type("/contacts import", user="U2")
    await desk.submit({"file": [file.as_json()]}, user="U2")
    assert "That file is gone, so nothing was read" in said(desk)


async def test_another_encoding_is_told(desk: Office) -> None:
    file = add_file(desk.slack, "contacts.csv", "number,name\n+12025550101,Zoë\n".encode("cp1252"), user="U2")
    await desk.type("/contacts import", user="U2")
    await desk.submit({"file": [file.as_json()]}, user="U2")
    assert "not UTF-8; it was read as cp1252. Check the names." in card(desk).text
    assert "Zoë" in card(desk).text


async def test_hostile_rows_ring_nobody(desk: Office) -> None:
    await paste(desk, "number,name,<!channel>\n<!here>,*x*,\n+12025550101,<!everyone> *x*,\n")
    assert "<!" not in card(desk).text
    assert "<!" not in str(card(desk).blocks)
    assert "*x*" not in str(card(desk).blocks)


# Importing


async def test_all_rows_come_into_the_book_with_exact_figures(desk: Office) -> None:
    await furnish(desk)
    await paste(desk)
    await press(desk, "import_rows")
    assert await book(desk) == {
        "+12025550101": Contact("+12025550101", "Noa Green", "Green Gardens"),
        "+12025550102": Contact("+12025550102", "Sam Hill", "Hall & Sons"),
        "+12025550103": Contact("+12025550103", "Max"),
    }
    text = card(desk).text
    assert "Done: 1 new and 1 changed in the contact book." in text
    assert "1 unchanged" in text
    assert "3 left out" in text
    assert buttons(desk) == ["report"]
    assert len([one for one in desk.conversation("U2") if one.text.startswith("Contacts from")]) == 1
    assert await audit(desk) == [
        ("U2", "import contacts", "pasted rows", "1 changed, 1 duplicate, 2 invalid, 1 new, 1 unchanged"),
    ]


async def test_the_figures_are_those_of_the_moment_of_the_import(desk: Office) -> None:
    await furnish(desk)
    await paste(desk)
    await desk.contact("+12025550101", "Noa Green", "Green Gardens")
    await desk.board.write(contacts.remove, "+12025550103")
    await press(desk, "import_rows")
    text = card(desk).text
    assert "Done: 1 new and 1 changed" in text
    assert "Max" in (await book(desk))["+12025550103"].name


async def test_two_presses_import_once(desk: Office) -> None:
    await paste(desk)
    preview = card(desk)
    channel = desk.slack.open_dm("U2").id
    signed = [
        slack_requests.click(desk.slack, "contacts:import_rows", user="U2", channel=channel, ts=preview.ts)
        for _ in range(2)
    ]
    for headers, body in signed:
        await desk.http.post("/slack/events", headers=headers, content=body)
    await desk.settle()
    assert "nothing was done a second time" in desk.told
    assert [what for _, what, *_ in await audit(desk)] == ["import contacts"]


async def test_what_fails_in_the_middle_leaves_the_book_as_it_was(desk: Office) -> None:
    """All in one commit: a row that the database refuses undoes those before it."""
    await furnish(desk)
    await paste(desk)
    before = await book(desk)
    stop = "CREATE TRIGGER stop BEFORE UPDATE ON contacts BEGIN SELECT RAISE(ABORT, 'no'); END"
    await desk.board.write(lambda db: db.execute(stop) and None)
    assert "incident" in await press(desk, "import_rows")
    assert await book(desk) == before
    assert "2 contacts can be imported. Nothing was changed yet." in card(desk).text
    assert await audit(desk) == []
    await desk.board.write(lambda db: db.execute("DROP TRIGGER stop") and None)
    await press(desk, "import_rows")
    assert "Done: 1 new and 1 changed" in card(desk).text


async def test_cancel_forgets_what_was_read(desk: Office) -> None:
    await paste(desk)
    await press(desk, "drop_rows")
    assert "Cancelled. Nothing was changed" in card(desk).text
    assert buttons(desk) == []
    assert (await book(desk), await kept(desk)) == ({}, 0)
    assert await audit(desk) == [("U2", "cancel import of contacts", "pasted rows", "")]


async def test_a_press_that_was_under_way_when_it_was_cancelled_imports_nothing(desk: Office) -> None:
    await paste(desk)
    channel = desk.slack.open_dm("U2").id
    late = slack_requests.click(desk.slack, "contacts:import_rows", user="U2", channel=channel, ts=card(desk).ts)
    await press(desk, "drop_rows")
    await desk.send(late)
    assert "imported or cancelled before" in desk.told
    assert await book(desk) == {}


async def test_nothing_new_has_nothing_to_import(desk: Office) -> None:
    await desk.contact("+12025550101", "Noa Green", "Green Gardens")
    await paste(desk, "number,name\n+12025550101,Noa Green\n")
    assert "There is nothing to import." in card(desk).text
    assert buttons(desk) == ["drop_rows"]


async def test_many_rows_are_judged_in_a_process_and_imported_at_once(desk: Office) -> None:
    rows = "number,name,company\n" + "".join(
        f"+1 202 555 {number:04},Name {number:05} of a long row,Some Company Ltd {number}\n" for number in range(2500)
    )
    assert len(rows) > contact_imports.IN_A_PROCESS_FROM
    file = add_file(desk.slack, "many.csv", rows.encode(), user="U2")
    await desk.type("/contacts import", user="U2")
    await desk.submit({"file": [file.as_json()]}, user="U2")
    desk.clock.advance(2)
    await desk.settle()
    assert "2,500 contacts can be imported" in card(desk).text
    await press(desk, "import_rows")
    assert "Done: 2,500 new and 0 changed" in card(desk).text
    assert len(await book(desk)) == 2500
    assert await kept(desk) == 0


# Who may


async def test_only_managers_import(desk: Office) -> None:
    assert "Only managers may import contacts" in await desk.type("/contacts import")
    assert desk.slack.views == {}
    await paste(desk)
    with_role(desk, ())
    for what in ("import_rows", "drop_rows", "report"):
        assert "Only managers may import contacts" in await press(desk, what)
    assert await book(desk) == {}
    assert buttons(desk) == ["import_rows", "drop_rows", "report"]


async def test_who_lost_the_role_while_the_form_was_open_imports_nothing(desk: Office) -> None:
    await desk.type("/contacts import", user="U2")
    with_role(desk, ())
    await desk.submit({"rows": ROWS}, user="U2")
    assert "Only managers may import contacts" in said(desk)
    assert len(desk.conversation("U2")) == 1


def with_role(desk: Office, managers: tuple[str, ...]) -> None:
    desk.board.settings = replace(desk.board.settings, managers=managers)


# What was left out


async def test_what_was_left_out_comes_as_a_file_once_and_whenever_it_is_asked_for(desk: Office) -> None:
    await paste(desk)
    reports = Reports(desk.desk, LEFT_OUT)
    await reports()
    assert shared(desk.slack) == []
    await press(desk, "import_rows")
    await reports()
    await reports()
    (file,) = shared(desk.slack)
    assert (file.channel, file.thread_ts) == (desk.slack.open_dm("U2").id, card(desk).ts)
    assert file.name == "left-out-pasted-rows.csv"
    rows = table(file)
    assert rows[0] == ["line", "number", "result", "reason"]
    assert [row[:3] for row in rows[1:]] == [
        ["5", "nonsense", "invalid"],
        ["6", "202 555 0101", "duplicate"],
        ["7", "'=1+1", "invalid"],
    ]
    await press(desk, "report")
    assert len(shared(desk.slack)) == 2


async def test_it_can_be_had_before_anything_is_imported(desk: Office) -> None:
    await paste(desk)
    await press(desk, "report")
    assert len(shared(desk.slack)) == 1
    assert await book(desk) == {}


async def test_an_upload_that_fails_is_told_and_not_repeated(desk: Office) -> None:
    await paste(desk)
    await press(desk, "import_rows")
    desk.slack.fail_next("files.completeUploadExternal", "drop_after")
    await Reports(desk.desk, LEFT_OUT)()
    await desk.settle()
    await Reports(desk.desk, LEFT_OUT)()
    assert len(shared(desk.slack)) == 1
    assert "The button on the card sends it." in desk.conversation("U2")[-1].text


async def test_nothing_left_out_no_file(desk: Office) -> None:
    await paste(desk, "number,name\n+12025550101,Noa\n")
    await press(desk, "import_rows")
    await Reports(desk.desk, LEFT_OUT)()
    assert shared(desk.slack) == []
    assert buttons(desk) == []


async def test_a_long_list_of_bad_rows_is_cut_on_the_card_and_whole_in_the_file(desk: Office) -> None:
    bad = "".join(f"bad{number},x\n" for number in range(30))
    await paste(desk, f"number,name\n{bad}")
    assert "30 left out" in card(desk).text
    assert "… and 22 more, all of them in the CSV" in card(desk).text
    await press(desk, "report")
    assert shared(desk.slack)[0].content.decode().count("bad") >= 30
