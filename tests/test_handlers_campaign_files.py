"""Files of lists of calls: what was left out comes as one, and one sent into the conversation is asked about."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.board import CUT_OFF_SECONDS
from handlers import exports
from handlers.campaign_calls import LEFT_OUT
from handlers.left_out import Reports
from tests import slack_requests
from tests.campaign_desk import ROWS, audit, bulk_orders, buttons, card, drop, paste, press, texts, value
from tests.dialer import SALE, Dialer, dialer
from tests.fake_slack import FakeSlack
from tests.fake_slack_files import add_file, shared, table
from tests.office import Office, office
from tests.slack_state import Clock, Message


@pytest.fixture
async def desk(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> AsyncIterator[Office]:
    async with office(tmp_path, fake_slack, slack_clock, kind=Dialer) as desk:
        yield desk


# What was left out, as CSV


async def test_what_was_left_out_comes_as_a_file_into_the_thread_once(desk: Office) -> None:
    dialer(desk).said_no["+12025550103"] = "=1+1"
    await paste(desk)
    reports = Reports(desk.desk, LEFT_OUT)
    await reports()
    assert shared(desk.slack) == []
    await press(desk, "add_rows")
    await reports()
    await reports()
    (file,) = shared(desk.slack)
    assert (file.channel, file.thread_ts) == (desk.slack.open_dm("U2").id, card(desk).ts)
    assert file.name == "left-out-pasted-rows.csv"
    rows = table(file)
    assert rows[0] == ["line", "number", "result", "reason"]
    assert [row[:3] for row in rows[1:]] == [
        ["4", "+1 900 555 0123", "forbidden"],
        ["5", "+1 202 555 0103", "rejected"],
        ["6", "202 555 0101", "duplicate"],
        ["8", "nonsense", "invalid"],
    ]
    assert rows[2][3] == "'=1+1"
    assert ("", "export rows left out", "pasted rows", f"4 rows, {next(iter(desk.slack.files))}") in await audit(desk)


async def test_one_whose_upload_was_cut_off_is_told_of(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    async def dies(*_: object, **__: object) -> None:
        raise asyncio.CancelledError

    await paste(desk)
    await press(desk, "add_rows")
    reports = Reports(desk.desk, LEFT_OUT)
    with monkeypatch.context() as patch:
        patch.setattr(exports, "upload", dies)
        with pytest.raises(asyncio.CancelledError):
            await reports()
    for _ in range(2):
        desk.clock.advance(CUT_OFF_SECONDS)
        await reports()
        await desk.settle()
    assert shared(desk.slack) == []
    assert len([text for text in texts(desk) if "may not have been attached. The button on the card" in text]) == 1


async def test_it_can_be_asked_for_again(desk: Office) -> None:
    await paste(desk)
    await press(desk, "report")
    assert [file.name for file in shared(desk.slack)] == ["left-out-pasted-rows.csv"]
    await press(desk, "report")
    assert len(shared(desk.slack)) == 2
    exports = [(who, subject) for who, what, subject, _ in await audit(desk) if what == "export rows left out"]
    assert exports == [("U2", "pasted rows")] * 2


async def test_an_upload_that_fails_is_told_and_not_repeated(desk: Office) -> None:
    await paste(desk)
    await press(desk, "add_rows")
    desk.slack.fail_next("files.completeUploadExternal", "drop_after")
    await Reports(desk.desk, LEFT_OUT)()
    await desk.settle()
    await Reports(desk.desk, LEFT_OUT)()
    assert len(shared(desk.slack)) == 1
    assert "the file may be shown or not" in texts(desk)[-1]
    assert "The button on the card sends it." in texts(desk)[-1]
    desk.slack.scopes -= {"files:write"}
    assert "Slack refused the file: Callboard lacks the scope files:write" in await press(desk, "report")


async def test_nothing_left_out_no_file(desk: Office) -> None:
    await paste(desk, "number\n+12025550101\n")
    await press(desk, "add_rows")
    await Reports(desk.desk, LEFT_OUT)()
    assert shared(desk.slack) == []
    assert buttons(desk) == []


# A file in the conversation


async def choose(desk: Office, question: Message) -> dict[str, Any]:
    await desk.press("campaign:file", question, desk.slack.open_dm("U2").id, user="U2")
    return await desk.submit({"campaign": value(desk, SALE)}, user="U2")


async def test_a_file_in_the_conversation_asks_for_its_campaign(desk: Office) -> None:
    file = add_file(desk.slack, "march.csv", ROWS.encode(), user="U2")
    question = await drop(desk, file)
    assert "Shall the calls of march.csv go into a campaign, or are they contacts?" in question.text
    assert await choose(desk, question) == {}
    desk.clock.advance(2)
    await desk.settle()
    assert "march.csv, 9 rows" in card(desk).text
    await press(desk, "add_rows")
    assert "Done: 6 calls added." in card(desk).text
    desk.clock.advance(2)
    await choose(desk, question)
    assert "was sent before" in texts(desk)[-1]
    assert len(bulk_orders(desk)) == 2


async def test_an_event_that_slack_repeats_asks_once(desk: Office) -> None:
    file = add_file(desk.slack, "march.csv", ROWS.encode(), user="U2")
    signed = slack_requests.direct_message(desk.slack, "", user="U2", files=[file.as_json()])
    await desk.send(signed)
    await desk.send(signed)
    assert len(texts(desk)) == 1


async def test_a_rep_and_another_kind_of_file_are_told_why(desk: Office) -> None:
    answer = await drop(desk, add_file(desk.slack, "march.csv", ROWS.encode(), user="U1"), "U1")
    assert "Only managers may add calls" in answer.text
    answer = await drop(desk, add_file(desk.slack, "cat.png", b"x", user="U2"))
    assert "I can read CSV files" in answer.text
    assert answer.blocks[-1]["type"] != "actions"


async def failed(desk: Office, question: Message) -> str:
    before = len(desk.conversation("U2"))
    await choose(desk, question)
    desk.clock.advance(2)
    await desk.settle()
    new = desk.conversation("U2")[before:]
    assert not any(message.text.startswith("Calls for") for message in new)
    return desk.slack.ephemerals[-1].text if not new else new[-1].text


async def test_a_file_that_cannot_be_fetched_is_told(desk: Office) -> None:
    file = add_file(desk.slack, "march.csv", ROWS.encode(), user="U2")
    question = await drop(desk, file)
    token, desk.slack.bot_token = desk.slack.bot_token, "xoxb-other"
    desk.desk.slack.token = "xoxb-other"
    desk.slack.scopes -= {"files:read"}
    assert "files:read" in await failed(desk, question)
    desk.slack.bot_token = desk.desk.slack.token = token
    desk.slack.scopes |= {"files:read"}
    file.url = "https://evil.example/march.csv"
    assert "lies outside of Slack" in await failed(desk, question)
    file.url = "http://files.slack.com/march.csv"
    assert "lies outside of Slack" in await failed(desk, question)
    file.url = f"{desk.slack.origin}/files-pri/none/march.csv"
    assert "did not hand out march.csv (404)" in await failed(desk, question)
    for _ in range(3):
        desk.slack.fail_next("files.info", "drop_before")  # aiohttp asks a second time by itself
    assert "Slack could not be reached" in await failed(desk, question)
    file.deleted = True
    assert "That file is gone" in await failed(desk, question)


async def test_a_large_file_is_not_fetched(desk: Office) -> None:
    file = add_file(desk.slack, "march.csv", b"x" * 10_000_001, user="U2")
    question = await drop(desk, file)
    assert "larger than 10 MB" in await failed(desk, question)


async def test_many_rows_are_judged_in_a_process_of_their_own(desk: Office) -> None:
    rows = "number,name\n" + "".join(f"+1 202 555 01{number % 100:02},Name {number}\n" for number in range(2500))
    file = add_file(desk.slack, "many.csv", rows.encode(), user="U2")
    question = await drop(desk, file)
    await choose(desk, question)
    desk.clock.advance(2)
    await desk.settle()
    assert "many.csv, 2,500 rows" in card(desk).text
    assert "2,400 twice in the file" in card(desk).text
