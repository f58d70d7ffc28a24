"""A list of calls for a campaign, by signed Slack requests: its preview, adding it in chunks, its card."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.errors import Ambiguous, Refused, Unavailable
from bot.orders import CampaignCall
from bot.store import people
from tests import slack_requests
from tests.campaign_desk import GOOD, ROWS, audit, bulk_orders, buttons, card, paste, press, texts
from tests.dialer import SALE, Dialer, OneByOne, dialer
from tests.fake_slack import FakeSlack
from tests.fake_slack_files import add_file
from tests.office import Office, office
from tests.slack_state import Clock


@pytest.fixture
async def desk(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> AsyncIterator[Office]:
    async with office(tmp_path, fake_slack, slack_clock, kind=Dialer) as desk:
        yield desk


# Preview


async def test_the_preview_says_what_is_in_it_and_sends_nothing(desk: Office) -> None:
    await desk.board.write(people.block, "+12025550104", "asked", "U9", desk.clock())
    dialer(desk).sheets[SALE].calls["+12025550106"] = CampaignCall(number="+12025550106")
    await paste(desk)
    text = card(desk).text
    assert "4 calls can be added. Nothing was sent yet." in text
    assert "line 2: Dana Levi, +1 202-555-0101" in text
    assert "1 not allowed by the policy:\n• line 4: +1 900 555 0123" in text
    assert "2 twice in the file, or waiting in the campaign already:\n• line 6" in text
    assert "1 on the do-not-call list:\n• line 7" in text
    assert "1 invalid:\n• line 8: nonsense" in text
    assert "Columns: number, name; variables: city." in text
    assert buttons(desk) == ["add_rows", "drop_rows", "report"]
    assert bulk_orders(desk) == []
    assert desk.told == "Reading pasted rows; its card comes into your conversation with Callboard."


async def test_calls_outside_of_hours_are_told(desk: Office) -> None:
    hours = replace(desk.board.settings.policy, hours=("09:00", "18:00"))
    desk.board.settings = replace(desk.board.settings, policy=hours)
    await paste(desk, "number,at\n+12025550101,2026-03-04T04:00Z\n+447700900123,\n+12025550102,2026-03-04T16:00Z\n")
    assert "2 calls would be outside calling hours where the number is" in card(desk).text


@pytest.mark.parametrize(
    ("rows", "words"),
    [("name\nDana", "must be “number”"), ("number\n", "only headings"), ("number,phone\n1,2", "Two columns mean")],
)
async def test_a_table_that_is_none_leaves_nothing_behind(desk: Office, rows: str, words: str) -> None:
    await paste(desk, rows)
    assert [words in text for text in texts(desk)] == [True]
    assert await desk.board.read(lambda db: db.execute("SELECT count(*) FROM batches").fetchone()[0]) == 0


async def test_a_file_without_a_good_row_has_nothing_to_add(desk: Office) -> None:
    await paste(desk, "number\nnonsense\n")
    assert "No call can be added." in card(desk).text
    assert buttons(desk) == ["drop_rows", "report"]


async def test_one_of_file_and_rows(desk: Office) -> None:
    await desk.type("/campaign upload spring sale", user="U2")
    assert "one of the two" in (await desk.submit({}, user="U2"))["rows"]
    file = add_file(desk.slack, "calls.csv", ROWS.encode(), user="U2")
    both = {"rows": ROWS, "file": [file.as_json()]}
    assert "one of the two" in (await desk.submit(both, user="U2"))["rows"]
    assert "the end may be missing" in (await desk.submit({"rows": "x" * 3000}, user="U2"))["rows"]
    assert await desk.submit({"file": [file.as_json()]}, user="U2") == {}
    assert "calls.csv, 9 rows" in card(desk).text


# Adding


async def test_the_rows_are_added_in_chunks_with_exact_results(desk: Office) -> None:
    dialer(desk).said_no["+12025550103"] = "not a customer <!here>"
    await paste(desk)
    await press(desk, "add_rows")
    number = "+12025550104"
    assert bulk_orders(desk) == [("+12025550101", "+12025550102", "+12025550103"), (number, *GOOD[3:])]
    assert list(dialer(desk).sheets[SALE].calls) == ["+12025550101", "+12025550102", number, *GOOD[3:]]
    assert dialer(desk).sheets[SALE].calls["+12025550101"].variables == {"city": "Haifa"}
    text = card(desk).text
    assert "Done: 5 calls added." in text
    assert "6 of 6 sent, 5 added" in text
    assert "1 refused by the phone service:\n• line 5: +1 202 555 0103 – not a customer &lt;!here&gt;" in text
    assert buttons(desk) == ["report"]
    (done, begun) = (await audit(desk))[:2]
    assert begun[:3] == ("U2", "add campaign calls", "Spring sale")
    assert begun[3] == "voicenter: Spring sale pasted rows, 6 calls"
    assert done[3] == "voicenter: Spring sale: 5 added, 1 duplicate, 1 forbidden, 1 invalid, 1 rejected"


async def test_progress_is_one_message_edited_in_place(desk: Office) -> None:
    await paste(desk)
    seen: list[str] = []

    def look(operation: str) -> None:
        if operation == "add_campaign_calls" and seen:
            desk.clock.advance(5)
        seen.append(operation)

    dialer(desk).before = look
    await press(desk, "add_rows")
    assert len(texts(desk)) == 1
    assert len(card(desk).updates) >= 1


async def test_two_presses_add_once(desk: Office) -> None:
    await paste(desk)
    preview = card(desk)
    channel = desk.slack.open_dm("U2").id
    signed = [
        slack_requests.click(desk.slack, "campaign:add_rows", user="U2", channel=channel, ts=preview.ts)
        for _ in range(2)
    ]
    for one in signed:
        await desk.http.post("/slack/events", headers=one[0], content=one[1])
    await desk.settle()
    assert len(bulk_orders(desk)) == 2
    assert "Nothing was done a second time" in desk.told


async def test_the_do_not_call_list_is_asked_again_before_each_chunk(desk: Office) -> None:
    await paste(desk)
    await desk.board.write(people.block, "+12025550101", "asked", "U9", desk.clock())
    await press(desk, "add_rows")
    assert "+12025550101" not in dialer(desk).sheets[SALE].calls
    assert "1 on the do-not-call list:\n• line 2: +1 202 555 0101 – on the do-not-call list since" in card(desk).text


async def test_what_somebody_added_since_the_preview_is_not_added_again(desk: Office) -> None:
    await paste(desk)
    dialer(desk).sheets[SALE].calls["+12025550101"] = CampaignCall(number="+12025550101")
    await press(desk, "add_rows")
    assert bulk_orders(desk)[0] == ("+12025550102", "+12025550103", "+12025550104")
    assert "line 2: +1 202 555 0101 – waits in the campaign already" in card(desk).text


@pytest.mark.parametrize("acts", [True, False])
async def test_an_unclear_chunk_is_looked_up_and_never_sent_again(desk: Office, acts: bool) -> None:
    dialer(desk).faults["add_campaign_calls"] = [Ambiguous("Paperphone did not answer in time.")]
    dialer(desk).acts = acts
    await paste(desk)
    await press(desk, "add_rows")
    assert len(bulk_orders(desk)) == 1
    text = card(desk).text
    assert "Paused; 3 calls left." in text
    assert "Paperphone did not answer in time." in text
    assert ("3 unclear" in text) is not acts
    assert buttons(desk) == ["add_rows", "drop_rows", "report"]
    await press(desk, "add_rows")
    assert bulk_orders(desk)[1:] == [("+12025550104", *GOOD[3:])]
    assert f"Done: {6 if acts else 3} calls added." in card(desk).text


async def test_a_short_answer_is_unclear(desk: Office) -> None:
    dialer(desk).answers_short = True
    dialer(desk).said_no["+12025550102"] = "no"
    await paste(desk)
    await press(desk, "add_rows")
    assert "told of 2 of 3 calls" in card(desk).text
    assert "1 unclear" in card(desk).text
    assert "2 added" in card(desk).text


async def test_a_service_that_tells_nothing_of_single_calls_is_asked_which_wait(desk: Office) -> None:
    dialer(desk).silent = True
    dialer(desk).said_no["+12025550102"] = "no"
    await paste(desk)
    await press(desk, "add_rows")
    assert "Done: 5 calls added." in card(desk).text
    assert "1 unclear" in card(desk).text
    assert "did not say what became of this call" in card(desk).text
    assert len(bulk_orders(desk)) == 2


async def test_a_service_that_is_not_reached_pauses_and_loses_nothing(desk: Office) -> None:
    dialer(desk).faults["add_campaign_calls"] = [Unavailable("Paperphone could not be reached. Try again.")]
    await paste(desk)
    await press(desk, "add_rows")
    assert "Paused; 6 calls left." in card(desk).text
    assert "could not be reached" in card(desk).text
    await press(desk, "add_rows")
    assert "Done: 6 calls added." in card(desk).text


async def test_a_refused_chunk_pauses(desk: Office) -> None:
    dialer(desk).faults["add_campaign_calls"] = [Refused("Paperphone refused: too many.", words="too many")]
    await paste(desk)
    await press(desk, "add_rows")
    assert "Paused; 3 calls left." in card(desk).text
    assert "3 refused by the phone service:" in card(desk).text


async def test_a_campaign_that_is_gone_pauses(desk: Office) -> None:
    await paste(desk)
    del dialer(desk).sheets[SALE]
    await press(desk, "add_rows")
    assert "That campaign is gone." in card(desk).text
    assert bulk_orders(desk) == []


async def test_discard(desk: Office) -> None:
    await paste(desk)
    await press(desk, "drop_rows")
    assert "Stopped for good: 0 calls added, 6 not sent." in card(desk).text
    assert buttons(desk) == ["report"]
    assert [what for _, what, _, _ in await audit(desk)] == ["drop campaign calls"]
    assert bulk_orders(desk) == []


async def test_a_service_without_bulk_orders_gets_one_after_the_other(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    async with office(tmp_path, fake_slack, slack_clock, kind=OneByOne) as desk:
        refusal = Refused("Paperphone refused: bad number.", words="bad number")
        dialer(desk).faults["add_campaign_call"] = [refusal]
        await paste(desk)
        await press(desk, "add_rows")
        assert len(dialer(desk).orders_of("add_campaign_call")) == 6
        assert "Done: 5 calls added." in card(desk).text
        dialer(desk).asked.clear()
        dialer(desk).faults["add_campaign_call"] = [refusal] * 9
        desk.clock.advance(60)
        rows = "number\n" + "".join(f"+120255501{number}\n" for number in range(20, 29))
        await desk.type("/campaign upload spring sale", user="U2")
        await desk.submit({"rows": rows}, user="U2")
        newest = desk.conversation("U2")[-1]
        await desk.press("campaign:add_rows", newest, desk.slack.open_dm("U2").id, user="U2")
        assert len(dialer(desk).orders_of("add_campaign_call")) == 5


async def test_whoever_is_no_manager_any_more_adds_nothing(desk: Office) -> None:
    await paste(desk)
    desk.board.settings = replace(desk.board.settings, managers=())
    for action in ("add_rows", "drop_rows", "report"):
        assert "Only managers may" in await press(desk, action)
    assert "Nothing was sent yet" in card(desk).text
    assert bulk_orders(desk) == []


async def test_managers_see_lists_under_way_in_their_home(desk: Office) -> None:
    await paste(desk)
    for user, seen in (("U2", True), ("U1", False)):
        await desk.send(slack_requests.home_opened(desk.slack, user=user))
        shown = str(desk.slack.homes[user].view)
        assert ("Spring sale*, pasted rows: 6 calls can be added." in shown) is seen
    await press(desk, "add_rows")
    await desk.send(slack_requests.home_opened(desk.slack, user="U2"))
    assert "Spring sale" not in str(desk.slack.homes["U2"].view)
