"""One call for a campaign by hand, by signed Slack requests: added, changed, removed."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.errors import Ambiguous, Refused, Unavailable
from bot.orders import CampaignCall
from bot.store import people
from tests import slack_requests
from tests.audit_lines import audit_log
from tests.campaign_desk import audit, paste, press, texts, value
from tests.dialer import SALE, Dialer, Sheet, dialer
from tests.fake_slack import FakeSlack
from tests.office import Office, office
from tests.slack_state import Clock


@pytest.fixture
async def desk(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> AsyncIterator[Office]:
    async with office(tmp_path, fake_slack, slack_clock, kind=Dialer) as desk:
        yield desk


async def test_one_call_by_words(desk: Office) -> None:
    told = await desk.type(
        "/campaign add Spring sale +1 202 555 0101 name Dana Levi from +12025550100 priority 5 city=Haifa", user="U2"
    )
    assert told == "+1 202-555-0101 waits in Spring sale now."
    call = CampaignCall(
        number="+12025550101", name="Dana Levi", caller_id="+12025550100", priority=5, variables={"city": "Haifa"}
    )
    assert dialer(desk).orders_of("add_campaign_call") == [(SALE, call)]
    assert (await audit(desk))[0] == ("U2", "add campaign call", "+12025550101", "voicenter: Spring sale: 1 added")
    assert desk.conversation("U2") == []


async def test_one_call_by_the_form(desk: Office) -> None:
    await desk.type("/campaign add", user="U2")
    sale = value(desk, SALE)
    for field, wrong in (("number", "12"), ("caller_id", "me"), ("priority", "first"), ("at", "soon")):
        filled = {"campaign": sale, "number": "+1 202 555 0101"} | {field: wrong}
        assert list(await desk.submit(filled, user="U2")) == [field]
    filled = {"campaign": sale, "number": "+1 202 555 0101", "variables": "Haifa"}
    assert "one a line" in (await desk.submit(filled, user="U2"))["variables"]
    filled |= {"variables": "city=Haifa\nzip = 31", "at": "2026-03-04 14:30"}
    assert await desk.submit(filled, user="U2") == {}
    ((_, call),) = dialer(desk).orders_of("add_campaign_call")
    assert isinstance(call, CampaignCall)
    assert call.variables == {"city": "Haifa", "zip": "31"}
    assert call.at == 1_772_631_000.0
    assert desk.told == "+1 202-555-0101 waits in Spring sale now."


async def test_an_extension_that_no_dialer_dials_is_not_dropped_in_silence(desk: Office) -> None:
    told = await desk.type("/campaign add Spring sale +1 202 555 0101 ext 12 name Dana", user="U2")
    assert told.startswith("No campaign dials an extension like 12 behind a number, so nothing was done.")
    assert "extension=12" in told
    await desk.type("/campaign add", user="U2")
    filled = {"campaign": value(desk, SALE), "number": "+1 202 555 0101 x12"}
    assert "No campaign dials an extension" in (await desk.submit(filled, user="U2"))["number"]
    assert dialer(desk).orders_of("add_campaign_call") == []
    desk.slack.views.clear()
    await paste(desk, "number\n+1 202 555 0101 x12\n")
    assert any("Not dialled: the extension behind a number, in line 2 (12)." in text for text in texts(desk))


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("+1 900 555 0123", "premium-rate"),
        ("+33 1 99 00 12 34", "is in FR"),
        ("+1 202 555 0104", "on the do-not-call list"),
        ("+1 202 555 0105", "waits in the campaign already"),
    ],
)
async def test_the_policy_is_asked_for_one_call_too(desk: Office, number: str, words: str) -> None:
    await desk.board.write(people.block, "+12025550104", "asked", "U9", desk.clock())
    dialer(desk).sheets[SALE].calls["+12025550105"] = CampaignCall(number="+12025550105")
    told = await desk.type(f"/campaign add Spring sale {number}", user="U2")
    assert "was not added to Spring sale" in told
    assert words in told
    assert dialer(desk).orders_of("add_campaign_call") == []


@pytest.mark.parametrize(
    ("error", "told", "state"),
    [
        (Refused("Paperphone refused: bad number.", words="bad number"), "was not added to Spring sale.", "rejected"),
        (Unavailable("Paperphone could not be reached, so nothing was done. Try again."), "was not added", "ready"),
        (Ambiguous("Paperphone did not answer in time."), "may or may not have been added to Spring sale.", "unclear"),
        (RuntimeError("a bug"), "may or may not have been added to Spring sale.", "unclear"),
    ],
)
async def test_what_became_of_one_call_is_told(desk: Office, error: Exception, told: str, state: str) -> None:
    dialer(desk).faults["add_campaign_call"] = [error]
    words = await desk.type("/campaign add Spring sale +1 202 555 0101", user="U2")
    assert told in words
    assert len(dialer(desk).orders_of("add_campaign_call")) == 1
    assert f"Spring sale: 1 {state}" in (await audit(desk))[0][3]
    if state == "unclear":
        assert "Look with `/campaign pending Spring sale`" in words
        assert "a bug" not in words


async def test_an_unclear_call_that_waits_was_added(desk: Office) -> None:
    dialer(desk).faults["add_campaign_call"] = [Ambiguous("Paperphone did not answer in time.")]
    dialer(desk).acts = True
    told = await desk.type("/campaign add Spring sale +1 202 555 0101", user="U2")
    assert told == "+1 202-555-0101 waits in Spring sale now."


async def test_times_are_meant_by_the_senders_clock(desk: Office) -> None:
    await desk.link("U2", zone="America/New_York")
    await desk.type("/campaign add Spring sale +1 202 555 0101 at 14:30", user="U2")
    await desk.type("/campaign add Spring sale", user="U2")
    assert await desk.submit({"number": "+1 202 555 0102", "at": "2026-02-02 14:30"}, user="U2") == {}
    await paste(desk, "number,at\n+1 202 555 0103,14:30\n")
    await press(desk, "add_rows")
    assert {call.at for call in dialer(desk).sheets[SALE].calls.values()} == {1_770_060_600.0}
    assert "1. +1 202-555-0101 · not before tomorrow 14:30" in await desk.type(
        "/campaign pending Spring sale", user="U2"
    )


@pytest.mark.parametrize(("word", "operation"), [("add", "add_campaign_call"), ("remove", "remove_campaign_call")])
async def test_a_campaign_whose_name_has_digits_opens_the_form_too(desk: Office, word: str, operation: str) -> None:
    dialer(desk).sheets["2026"] = Sheet("Spring 2026", calls={"+12025550101": CampaignCall(number="+12025550101")})
    assert await desk.type(f"/campaign {word} Spring 2026", user="U2") == ""
    number = "+1 202 555 0102" if word == "add" else "+1 202 555 0101"
    assert await desk.submit({"number": number}, user="U2") == {}
    assert [order[0] for order in dialer(desk).orders_of(operation)] == ["2026"]


async def test_the_same_form_sent_twice_adds_once(desk: Office) -> None:
    await desk.type("/campaign add Spring sale", user="U2")
    (view,) = desk.slack.views
    signed = slack_requests.submit(desk.slack, view, {"number": "+1 202 555 0101"}, user="U2")
    await desk.send(signed)
    await desk.send(signed)
    assert len(dialer(desk).orders_of("add_campaign_call")) == 1
    assert "waits in the campaign already" in texts(desk)[-1]


async def test_a_waiting_call_is_changed_and_removed(desk: Office) -> None:
    dialer(desk).sheets[SALE].calls["+12025550101"] = CampaignCall(number="+12025550101")
    told = await desk.type("/campaign update Spring sale +1 202 555 0101 priority 9", user="U2")
    assert told == "The call to +1 202-555-0101 in Spring sale is changed."
    assert dialer(desk).sheets[SALE].calls["+12025550101"].priority == 9
    await desk.type("/campaign update Spring sale", user="U2")
    await desk.submit({"number": "+1 202 555 0101", "name": "Dana"}, user="U2")
    assert dialer(desk).sheets[SALE].calls["+12025550101"].name == "Dana"
    told = await desk.type("/campaign remove Spring sale +1 202 555 0101", user="U2")
    assert told == "+1 202-555-0101 does not wait in Spring sale any more."
    await desk.type("/campaign remove Spring sale", user="U2")
    await desk.submit({"number": "+1 202 555 0101"}, user="U2")
    assert "no such call" in texts(desk)[-1]
    whats = [what for _, what, _, _ in await audit(desk)]
    assert whats == [*["remove campaign call"] * 2, *["update campaign call"] * 2]


async def test_a_number_is_in_the_audit_log_only_where_it_can_be_forgotten(desk: Office) -> None:
    await desk.type("/campaign add Spring sale +1 202 555 0101", user="U2")
    rows = await desk.board.read(audit_log)
    assert [subject for _, _, _, subject, _ in rows] == ["+12025550101"]
    assert not any("0101" in detail for *_, detail in rows)
