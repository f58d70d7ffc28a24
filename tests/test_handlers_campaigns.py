"""`/campaign` by signed Slack requests: looking, starting and stopping, members, settings; who may, and who may not."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot import campaigns, changing, unclear
from bot.errors import Ambiguous, NotAllowed, Refused, Unavailable
from bot.events import CUSTOMER, CdrReceived, Described, Outcome
from bot.orders import CampaignCall, IvrSettings, Strategy
from bot.store import ledger
from tests import slack_requests
from tests.campaign_desk import audit, value
from tests.dialer import CARE, SALE, Dialer, Sheet, dialer
from tests.fake_slack import FakeSlack
from tests.office import Office, office
from tests.slack_state import Clock, Ephemeral


@pytest.fixture
async def desk(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> AsyncIterator[Office]:
    async with office(tmp_path, fake_slack, slack_clock, kind=Dialer) as desk:
        yield desk


def last(desk: Office) -> Ephemeral:
    return desk.slack.ephemerals[-1]


def buttons(desk: Office) -> list[str]:
    return [
        element["action_id"].removeprefix("campaign:")
        for block in last(desk).blocks
        for element in [*block.get("elements", ()), *([block["accessory"]] if "accessory" in block else [])]
        if "action_id" in element
    ]


async def press(desk: Office, action: str, *, user: str = "U2", value: str | None = None) -> str:
    desk.clock.advance(2)
    return await desk.press(f"campaign:{action}", last(desk), "C1", user=user, value=value)


# Looking


async def test_the_list_says_state_and_waiting_calls(desk: Office) -> None:
    dialer(desk).sheets[SALE].calls["+12025550101"] = CampaignCall(number="+12025550101")
    told = await desk.type("/campaign", user="U2")
    assert "Spring sale\nStopped · 1 call waiting" in told
    assert "Customer care\nRunning · 0 calls waiting" in told
    assert buttons(desk) == [
        *("start", "show", "pending", "members", "results"),
        *("stop", "show", "pending", "members", "results"),
    ]


async def test_a_rep_may_look_and_sees_no_button_that_changes_anything(desk: Office) -> None:
    await desk.type("/campaign")
    assert buttons(desk) == ["show", "pending", "members", "results"] * 2
    assert await press(desk, "show", user="U1", value=value(desk, SALE)) == last(desk).text
    assert buttons(desk) == ["show", "pending", "members", "results"]


async def test_a_name_and_values_with_an_ampersand(desk: Office) -> None:
    dialer(desk).sheets["RD"] = Sheet("R&D")
    assert "R&amp;D" in await desk.type("/campaign show R&amp;D", user="U2")
    await desk.type("/campaign add R&amp;D +1 202 555 0101 name Green &amp; Sons shop=A&amp;B", user="U2")
    call = dialer(desk).sheets["RD"].calls["+12025550101"]
    assert (call.name, call.variables) == ("Green & Sons", {"shop": "A&B"})


async def test_what_can_be_done_to_one(desk: Office) -> None:
    told = await desk.type("/campaign show spring SALE", user="U2")
    assert "Priorities from 1 to 9." in told
    assert buttons(desk)[5:] == ["add", "upload", "update", "remove", "strategy", "ivr", "clear"]


async def test_no_code_of_a_campaign_leaves_the_house(desk: Office) -> None:
    """At some services the code is all that an order needs."""
    for line in ("", "show Spring sale", "start Spring sale", "members Customer care", "pending Spring sale"):
        await desk.type(f"/campaign {line}".strip(), user="U2")
    await press(desk, "pending:refresh")
    await desk.type("/campaign strategy Spring sale", user="U2")
    seen = json.dumps([dict(request.arguments) for request in desk.slack.requests])
    seen += json.dumps([[shown.text, shown.blocks] for shown in desk.slack.ephemerals])
    assert "Spring sale" in seen
    assert "CODE-SECRET" not in seen
    stored = desk.board.db.path.read_bytes() + desk.board.db.path.with_suffix(".sqlite-wal").read_bytes()
    assert b"CODE-SECRET" not in stored


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("show sprign sale", "Did you mean “Spring sale”?"),
        ("show care", "Did you mean “Customer care”?"),
        ("show nothing at all like it", "There are: “Spring sale”, “Customer care”."),
        ("show", "Say which campaign. There are: “Spring sale”, “Customer care”."),
        ("show Spring sale and more", "“and more” after “Spring sale” was not understood."),
        ("start", "Say which campaign."),
        ("spring", "is not something `/campaign` can do"),
        ("list spring", "Type `/campaign show spring`"),
        ("via nobody", "There is no telephony account “nobody”."),
        ("show Spring sale via nobody", "There is no telephony account “nobody”."),
        ("members Spring sale replace 201", "write `add @sam` or `remove 201`"),
        ("members Spring sale add", "Say who"),
        ("members Spring sale add <!subteam^S1|@sales>", "Say who: `@sam`, or an extension like `201`. Nothing"),
        ("members Spring sale add <#C1|calls>", "Say who: `@sam`, or an extension like `201`. Nothing was done."),
        ("members Spring sale add +1 202 555 0101", "Say who"),
        ("members Spring sale add <@U1>", "has not linked an extension"),
        ("add Spring sale 12345", "is too short for a phone number. Check the digits. Nothing was done."),
        ("add Spring sale +1 202 555 0101 at noon", "is no time: write 14:30 or 2026-03-04 14:30. Nothing was done."),
        ("add Spring sale +1 202 555 0101 priority high", "write a whole number, higher first. Nothing was done."),
    ],
)
async def test_what_is_not_understood_is_said_with_what_to_type(desk: Office, typed: str, words: str) -> None:
    assert words in await desk.type(f"/campaign {typed}", user="U2")
    assert [order for order in dialer(desk).asked if order[0] != "campaign_calls"] == []


async def test_the_longest_name_that_fits_is_meant(desk: Office) -> None:
    dialer(desk).sheets["X"] = Sheet("Spring")
    assert "Spring sale\n" in await desk.type("/campaign show Spring sale via Paperphone", user="U2")
    assert "Spring\n" in await desk.type('/campaign show "spring"', user="U2")


async def test_two_of_one_name_are_not_guessed(desk: Office) -> None:
    dialer(desk).sheets["X"] = Sheet("spring  SALE")
    told = await desk.type("/campaign show Spring sale", user="U2")
    assert "Several campaigns are called “Spring sale”: use the buttons of `/campaign`." in told


async def test_several_accounts(desk: Office) -> None:
    other = Dialer("other", desk.clock)
    other.sheets = {"Y": Sheet("Spring sale"), "Z": Sheet("Winter")}
    desk.board.providers = {**desk.board.providers, "other": other}
    assert "add via voicenter or via other" in await desk.type("/campaign show Spring sale", user="U2")
    assert "at Paperphone (other)" in await desk.type("/campaign show Spring sale via other", user="U2")
    told = await desk.type("/campaign via other", user="U2")
    assert "Winter" in told
    assert "Customer care" not in told
    other.faults["campaigns"] = [Unavailable("Paperphone could not be reached, so nothing was done. Try again.")]
    told = await desk.type("/campaign", user="U2")
    assert "Customer care" in told
    assert "could not be reached" in told
    other.faults["campaigns"] = [Unavailable("Paperphone could not be reached, so nothing was done. Try again.")]
    assert "could not be reached" in await desk.type("/campaign show Winter", user="U2")
    await other.http.aclose()


async def test_without_any_campaigns(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> None:
    async with office(tmp_path, fake_slack, slack_clock) as desk:
        assert "Paperphone cannot list campaigns" in await desk.type("/campaign", user="U2")
        assert "Paperphone cannot list campaigns" in await desk.type("/campaign start Spring sale", user="U2")
    async with office(tmp_path, fake_slack, slack_clock, kind=Dialer) as desk:
        dialer(desk).sheets.clear()
        assert "no campaigns yet" in await desk.type("/campaign", user="U2")
        assert "There are: none yet" in await desk.type("/campaign show Spring sale", user="U2")


async def test_waiting_calls_are_paged_in_place(desk: Office) -> None:
    for number in range(40):
        e164 = f"+120255501{number:02}"
        dialer(desk).sheets[SALE].calls[e164] = CampaignCall(
            number=e164, name="<!channel>", priority=number, at=desk.clock() + 3600, status="Pending"
        )
    told = await desk.type("/campaign pending Spring sale")
    assert "1. &lt;!channel&gt;, +1 202-555-0100" in told
    assert "not before" in told
    assert "40 wait, page 1 of 3." in told
    assert buttons(desk) == ["pending:later", "pending:refresh"]
    shown = len(desk.slack.ephemerals)
    await press(desk, "pending:later", user="U1")
    assert len(desk.slack.ephemerals) == shown
    assert "page 2 of 3" in last(desk).text
    assert "16. " in last(desk).text
    assert buttons(desk) == ["pending:earlier", "pending:later", "pending:refresh"]
    dialer(desk).sheets[SALE].calls.clear()
    await press(desk, "pending:later", user="U1")
    assert "No call waits." in last(desk).text


async def test_results_count_the_calls_that_callboard_knows(desk: Office) -> None:
    assert "nothing to count" in await desk.type("/campaign results Spring sale")
    for last_two in ("01", "02", "03"):
        await desk.type(f"/campaign add Spring sale +1 202 555 01{last_two}", user="U2")
        if last_two == "01":
            told = await desk.type("/campaign results Spring sale")
            assert "1 number was added through Callboard; 0 of them were called." in told
    desk.clock.advance(60)
    at = desk.clock()
    for ref, number, outcome in (
        ("r1", "+12025550101", Outcome.NO_ANSWER),
        ("r2", "+12025550101", Outcome.ANSWERED),
        ("r3", "+12025550102", Outcome.BUSY),
    ):
        at += 60
        seconds = 90 if outcome is Outcome.ANSWERED else 0
        record = CdrReceived(ref=ref, at=at, leg=CUSTOMER, outcome=outcome, talk_seconds=seconds)
        await desk.happen(Described(ref=ref, at=at, source="cdr", direction="out", number=number), record)
    told = await desk.type("/campaign results Spring sale")
    assert "3 numbers were added through Callboard; 2 of them were called." in told
    assert "answered: 1, 1 min 30 s of talk" in told
    assert "busy: 1" in told
    assert "no answer" not in told
    assert "not called yet, as far as Callboard knows: 1" in told


# Start, stop, clear


async def test_start_and_stop_ask_first(desk: Office) -> None:
    told = await desk.type("/campaign start spring sale", user="U2")
    assert "Start Spring sale? 0 calls wait. It dials those that wait" in told
    assert dialer(desk).asked == []
    assert await press(desk, "start") == "Spring sale runs now."
    assert dialer(desk).asked == [("start_campaign", SALE)]
    await desk.type("/campaign stop spring sale", user="U2")
    assert await press(desk, "stop") == "Spring sale dials nobody any more."
    assert (await audit(desk))[:2] == [
        ("U2", "stop campaign", "Spring sale", "voicenter: Spring sale"),
        ("U2", "start campaign", "Spring sale", "voicenter: Spring sale"),
    ]


async def test_buttons_of_the_list_ask_in_slack_itself(desk: Office) -> None:
    await desk.type("/campaign", user="U2")
    confirms = [
        element["confirm"]["title"]["text"]
        for block in last(desk).blocks
        for element in block.get("elements", ())
        if element.get("action_id") in ("campaign:start", "campaign:stop")
    ]
    assert confirms == ["Start Spring sale?", "Stop Customer care?"]
    assert await press(desk, "start") == "Spring sale runs now."


async def test_clear_asks_and_removes_what_waits(desk: Office) -> None:
    dialer(desk).sheets[SALE].calls["+12025550101"] = CampaignCall(number="+12025550101")
    told = await desk.type("/campaign clear spring sale", user="U2")
    assert "1 call waits. All that wait are removed for good" in told
    assert await press(desk, "clear") == "Spring sale has no waiting calls any more."
    assert dialer(desk).sheets[SALE].calls == {}


@pytest.mark.parametrize("what", ["start", "clear"])
async def test_more_calls_than_whoever_says_yes_was_asked_about_are_neither_dialled_nor_removed(
    desk: Office, what: str
) -> None:
    sheet = dialer(desk).sheets[SALE]
    sheet.calls["+12025550101"] = CampaignCall(number="+12025550101")
    assert "1 call waits." in await desk.type(f"/campaign {what} spring sale", user="U2")
    question = last(desk)
    sheet.calls |= {f"+1202555011{last}": CampaignCall(number=f"+1202555011{last}") for last in range(3)}
    told = await desk.press(f"campaign:{what}", question, "C1", user="U2")
    assert "4 calls wait in Spring sale by now, and 1 when you were asked, so nothing was done" in told
    assert f"Type `/campaign {what} Spring sale` to be asked anew" in told
    assert dialer(desk).orders_of(f"{what}_campaign") == []
    await desk.type(f"/campaign {what} spring sale", user="U2")
    del sheet.calls["+12025550110"]  # one less is no reason to ask again
    await press(desk, what)
    assert dialer(desk).orders_of(f"{what}_campaign") == [(SALE,)]


async def test_a_second_press_does_nothing(desk: Office) -> None:
    await desk.type("/campaign start spring sale", user="U2")
    question = last(desk)
    await desk.press("campaign:start", question, "C1", user="U2")
    assert "is running already" in await desk.press("campaign:start", question, "C1", user="U2")
    assert dialer(desk).asked == [("start_campaign", SALE)]
    assert "is running already" in await desk.type("/campaign start spring sale", user="U2")


async def test_two_presses_at_the_same_moment_are_one(desk: Office) -> None:
    (found, _) = await campaigns.find(desk.board, "Spring sale")
    second: list[asyncio.Task[None]] = []

    def press_again(operation: str) -> None:
        if not second:
            second.append(asyncio.create_task(campaigns.change(desk.board, "U2", found, "start_campaign")))

    dialer(desk).before = press_again
    go_on = dialer(desk).pause = asyncio.Event()
    first = asyncio.create_task(campaigns.change(desk.board, "U2", found, "start_campaign"))
    while not second or not second[0].done():
        await asyncio.sleep(0)
    with pytest.raises(NotAllowed, match="Nothing was done a second time"):
        await second[0]
    go_on.set()
    await first
    assert dialer(desk).asked == [("start_campaign", SALE)]


@pytest.mark.parametrize("what", ["start", "stop", "clear"])
async def test_a_rep_may_not(desk: Office, what: str) -> None:
    assert f"Only managers may {what} campaigns." in await desk.type(f"/campaign {what} Spring sale")
    campaign = "Customer care" if what == "stop" else "Spring sale"
    await desk.type(f"/campaign {what} {campaign}", user="U2")
    desk.board.settings = replace(desk.board.settings, managers=())  # no manager any more
    assert "Only managers" in await press(desk, what)
    assert dialer(desk).asked == []


@pytest.mark.parametrize(
    "word", ["add", "update", "remove", "upload", "strategy", "ivr", "members Spring sale add 201"]
)
async def test_a_rep_may_change_nothing(desk: Office, word: str) -> None:
    for line in (f"/campaign {word}", f"/campaign {word} Spring sale +1 202 555 0101"):
        if word.startswith("members") and "0101" in line:
            continue
        assert "Only managers may" in await desk.type(line)
    assert desk.slack.views == {}
    assert dialer(desk).asked == []


async def test_a_campaign_that_is_gone(desk: Office) -> None:
    await desk.type("/campaign start spring sale", user="U2")
    del dialer(desk).sheets[SALE]
    assert "That campaign is gone. Nothing was done" in await press(desk, "start")


@pytest.mark.parametrize(
    ("error", "words", "fate"),
    [
        (Refused("Paperphone refused: no money.", words="no money"), "no money", "not done"),
        (Unavailable("Paperphone could not be reached, so nothing was done. Try again."), "not be reached", "not done"),
        (Ambiguous("Paperphone did not answer in time."), "Look with `/campaign show Spring sale` before", "unclear"),
    ],
)
async def test_the_services_answer_is_told_and_in_the_audit_log(
    desk: Office, error: Exception, words: str, fate: str
) -> None:
    await desk.type("/campaign start spring sale", user="U2")
    dialer(desk).faults["start_campaign"] = [error]
    assert words in await press(desk, "start")
    assert dialer(desk).orders_of("start_campaign") == [(SALE,)]
    who, what, _, detail = (await audit(desk))[0]
    assert (who, what) == ("U2", "start campaign")
    assert f"Spring sale {fate}: Paperphone" in detail


@pytest.mark.parametrize("error", [None, Ambiguous("Paperphone did not answer in time.")])
async def test_what_the_service_did_is_in_the_audit_log_once_the_disk_takes_it(
    desk: Office, error: Exception | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[str] = []
    write = ledger.audit

    def full(db: sqlite3.Connection, now: float, who: str, what: str, subject: str, detail: str = "") -> None:
        tries.append(what)
        if len(tries) < 5:
            raise sqlite3.OperationalError("database or disk is full")
        write(db, now, who, what, subject, detail)

    await desk.type("/campaign start spring sale", user="U2")
    dialer(desk).faults["start_campaign"] = [error] if error else []
    monkeypatch.setattr(ledger, "audit", full)
    told = await press(desk, "start")
    assert "incident" not in told
    assert [(who, what) for who, what, *_ in await audit(desk)] == [("U2", "start campaign")]


@pytest.mark.parametrize("what", ["start", "clear"])
async def test_of_what_a_kill_cuts_off_whoever_asked_is_told_and_it_is_not_done_again(desk: Office, what: str) -> None:
    """A campaign that runs costs money."""
    await desk.type(f"/campaign {what} spring sale", user="U2")
    question = last(desk)
    dialer(desk).pause = asyncio.Event()
    headers, body = slack_requests.click(
        desk.slack, f"campaign:{what}", user="U2", channel=question.channel, ts=question.ts
    )
    await desk.http.post("/slack/events", headers=headers, content=body)
    while not dialer(desk).orders_of(f"{what}_campaign"):
        await asyncio.sleep(0)
    for task in desk.board.tasks:
        task.cancel()
    await desk.settle()
    assert await audit(desk) == []
    for _ in range(2):
        await unclear.recover(desk.board)
        await changing.recover(desk.board)
        await desk.settle()
    (told,) = desk.conversation("U2")
    assert f"restarted before the answer came when you asked to {what} the campaign Spring sale" in told.text
    assert "it is not done a second time. Look with `/campaign show Spring sale` before you do it again." in told.text
    ((who, done, subject, detail),) = await audit(desk)
    assert (who, done, subject) == ("U2", f"{what} campaign", "Spring sale")
    assert detail.endswith("Spring sale unclear: Callboard was restarted before the answer came")
    assert len(dialer(desk).orders_of(f"{what}_campaign")) == 1


# Members


async def test_members_with_the_people_we_know(desk: Office) -> None:
    await desk.link("U1", "201", phone_kind="extension", extension="201", account="voicenter")
    told = await desk.type("/campaign members customer care", user="U2")
    assert "Ada · <@U1>, extension 201" in told
    assert buttons(desk) == ["member_remove", "member_add"]
    await desk.type("/campaign members customer care")
    assert buttons(desk) == []


async def test_a_member_is_added_by_name_or_extension_and_removed(desk: Office) -> None:
    await desk.link("U4", "204", phone_kind="extension", extension="204", account="voicenter")
    told = await desk.type("/campaign members spring sale add <@U4|max>", user="U2")
    assert told == "Spring sale: extension 204 takes its calls now."
    await desk.type("/campaign members spring sale add AAPINFzL", user="U2")
    assert "was in it already" in await desk.type("/campaign members spring sale add 204", user="U2")
    assert list(dialer(desk).sheets[SALE].members) == ["204", "AAPINFzL"]
    assert "takes no more" in await desk.type("/campaign members spring sale remove AAPINFzL via voicenter", user="U2")
    await desk.type("/campaign members spring sale", user="U2")
    assert "extension 204 takes no more of its calls" in await press(desk, "member_remove")
    assert dialer(desk).sheets[SALE].members == {}
    assert [what for _, what, _, _ in await audit(desk)].count("add campaign member") == 3


async def test_a_member_is_added_by_the_form(desk: Office) -> None:
    await desk.link("U4", "204", phone_kind="extension", extension="204", account="voicenter")
    await desk.type("/campaign members spring sale", user="U2")
    await press(desk, "member_add")
    errors = await desk.submit({"colleague": "U1"}, user="U2")
    assert "has not linked an extension" in errors["extension"]
    assert "one of the two" in (await desk.submit({}, user="U2"))["extension"]
    assert await desk.submit({"colleague": "U4"}, user="U2") == {}
    assert dialer(desk).sheets[SALE].members == {"204": ""}
    assert desk.told == "Spring sale: extension 204 takes its calls now."


@pytest.mark.parametrize("code", ["+19005550123", "19005550123", "0019005550123", "911", "201+"])
async def test_who_takes_its_calls_is_an_extension_and_no_number(desk: Office, code: str) -> None:
    """The service would dial it for each of them, past countries, prices and limits."""
    await desk.type("/campaign members spring sale", user="U2")
    await press(desk, "member_add")
    errors = await desk.submit({"extension": code}, user="U2")
    assert f"“{code}” is no extension" in errors["extension"]
    desk.slack.views.clear()
    await desk.type("/campaign ivr", user="U2")
    errors = await desk.submit({"campaign": value(desk, CARE), "people": f"201, {code}"}, user="U2")
    assert f"“{code}” is no extension" in errors["people"]
    assert dialer(desk).sheets[SALE].members == {}
    assert [what for what, *_ in dialer(desk).asked] == []


async def test_a_colleague_whose_extension_is_a_number_takes_no_calls(desk: Office) -> None:
    """Everybody says of themselves what theirs is."""
    await desk.link("U4", extension="19005550123")
    told = await desk.type("/campaign members spring sale add <@U4|max>", user="U2")
    assert "“19005550123” is no extension" in told
    assert dialer(desk).sheets[SALE].members == {}


async def test_an_extension_of_another_account_is_not_taken(desk: Office) -> None:
    await desk.link("U4", "204", phone_kind="extension", extension="204", account="elsewhere")
    told = await desk.type("/campaign members spring sale add <@U4>", user="U2")
    assert "has not linked an extension of voicenter" in told


# Settings


async def test_strategy_and_ivr_are_set_in_forms(desk: Office) -> None:
    await desk.type("/campaign strategy Spring sale", user="U2")
    assert "whole number" in (await desk.submit({"queue": "first"}, user="U2"))["queue"]
    assert "above 0" in (await desk.submit({"ratio": "many"}, user="U2"))["ratio"]
    assert "at least one" in (await desk.submit({}, user="U2"))["ratio"]
    assert await desk.submit({"queue": "17", "ratio": "1,5"}, user="U2") == {}
    assert dialer(desk).asked == [("set_campaign_strategy", SALE, Strategy(monitored_queue=17, calls_per_member=1.5))]
    assert desk.told == (
        "The strategy of Spring sale is set. With more than one call for each free member some people answer and "
        "nobody is there. In the USA and in the UK 3 of 100 may be, and how many they are the service counts, not "
        "Callboard."
    )
    await desk.type("/campaign strategy Spring sale", user="U2")
    assert await desk.submit({"ratio": "1"}, user="U2") == {}
    assert desk.told == "The strategy of Spring sale is set."
    await desk.type("/campaign ivr", user="U2")
    assert "whole number" in (await desk.submit({"campaign": value(desk, CARE), "most": "x"}, user="U2"))["most"]
    assert "at least one" in (await desk.submit({"campaign": value(desk, CARE)}, user="U2"))["most"]
    await desk.submit({"campaign": value(desk, CARE), "most": "4", "people": "201, AAPINFzL"}, user="U2")
    settings = IvrSettings(most_calls=4, representatives=("201", "AAPINFzL"))
    assert dialer(desk).asked[-1] == ("configure_ivr_campaign", CARE, settings)
    assert [what for _, what, _, _ in await audit(desk)] == [
        "configure ivr campaign",
        *["set campaign strategy"] * 2,
    ]


async def test_a_form_opens_at_once_and_says_why_it_cannot_be_filled(desk: Office) -> None:
    dialer(desk).faults["campaigns"] = [Unavailable("Paperphone could not be reached. Try again.")]
    await desk.type("/campaign strategy Spring sale", user="U2")
    methods = [request.method for request in desk.slack.requests if request.method.startswith("views.")]
    assert methods == ["views.open", "views.update"]
    (view,) = desk.slack.views.values()
    assert "could not be reached" in json.dumps(view.view)


@pytest.mark.parametrize("word", ["strategy", "ivr", "add", "update", "remove", "upload"])
async def test_every_form_has_the_campaign_that_was_named(desk: Office, word: str) -> None:
    await desk.type(f"/campaign {word} customer CARE", user="U2")
    (view,) = desk.slack.views.values()
    (menu,) = [block["element"] for block in view.view["blocks"] if block.get("block_id") == "campaign"]
    assert menu["initial_option"]["text"]["text"] == "Customer care"
