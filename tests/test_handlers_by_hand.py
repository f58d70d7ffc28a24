"""`/calls log add` by signed Slack requests: a call made elsewhere is in the log, and nothing is dialled for it."""

from pathlib import Path
from typing import Any

import pytest

from bot import asking
from bot.by_hand import BY_HAND
from bot.call import Call
from bot.events import Outcome, State
from bot.store import calls, dials, ledger, missed
from tests import slack_requests
from tests.fake_slack import FakeSlack
from tests.office import LINE, SETTINGS, Office, office
from tests.slack_state import Clock
from tests.test_handlers_call_log import CALLER, DANA, audit, last, miss


async def add(desk: Office, user: str = "U1", text: str = "", **fields: Any) -> dict[str, str]:
    """Fill in the form; the errors shown in it."""
    await desk.type(f"/calls log add {text}".strip(), user=user)
    return await desk.submit({"who": DANA, "minutes": "5", **fields}, user=user)


async def only(desk: Office) -> Call:
    (call,) = await desk.calls()
    return call


async def test_a_call_made_elsewhere_is_a_call_of_the_log(desk: Office) -> None:
    await desk.contact(DANA, "Dana Levi", "Acme")
    await desk.link("U1")
    told: list[Call] = []
    desk.board.followers.append(told.append)
    assert (
        await add(desk, who="dana levi", note="will send papers", disposition=desk.board.settings.dispositions[0]) == {}
    )
    assert "The call with Dana Levi, +1 202-555-0123 is in the call log" in desk.told
    call = await only(desk)
    assert (call.state, call.outcome, call.direction, call.rep) == (State.ENDED, Outcome.ANSWERED, "out", "U1")
    assert (call.number, call.line, call.talk_seconds, call.account) == (DANA, LINE, 300, BY_HAND)
    assert call.started_at == call.answered_at == desk.clock() - 300
    assert (call.ended_at, call.conversation, call.by_hand) == (desk.clock(), True, True)
    assert (call.note, call.disposition) == ("Recorded by hand: will send papers", desk.board.settings.dispositions[0])
    (record,) = desk.slack.channel("C1")
    assert "Outgoing call to Dana Levi (Acme)" in record.text
    assert "via another phone" in record.text
    assert "Note: Recorded by hand: will send papers" in record.text
    assert not desk.conversation("U1"), "no live card"
    assert not desk.phone.orders
    assert [one.id for one in told] == [call.id]
    who, what, subject, detail = (await audit(desk))[0]
    assert (who, what, subject) == ("U1", "record call by hand", DANA)
    assert detail == f"{call.id} out 5 min"
    assert "Recorded by hand: will send papers" in await desk.type("/calls log")


async def test_nothing_is_begun_polled_or_dialled_for_it(desk: Office) -> None:
    await add(desk)
    call = await only(desk)
    assert await desk.board.read(calls.open_calls) == []
    assert await desk.board.read(ledger.open_intents) == []
    assert call.account not in desk.board.providers
    assert (call.refs, call.price, call.recordings, call.rep_phone) == ((), None, (), "")
    assert call.live is False
    assert await desk.board.read(dials.dials_since, 0, 0, "U1") == (0, 0), "the cap is for what Callboard dials"


async def test_it_closes_a_missed_caller_as_called_back(desk: Office) -> None:
    await miss(desk)
    desk.clock.advance(600)
    await add(desk, who=CALLER, minutes="3")
    await desk.settle()
    (card,) = [message for message in desk.slack.channel("C1") if "issed" in message.text]
    assert "called back" in card.text
    assert "by U1, talked 3 min" in card.text
    assert await desk.board.read(missed.waiting) == []


async def test_one_that_was_before_they_tried_closes_nothing(desk: Office) -> None:
    desk.clock.advance(8 * 3600)
    await miss(desk)
    desk.clock.advance(3600)
    assert await add(desk, who=CALLER, time="10:00") == {}  # missed at 11:40 in Madrid
    assert len(await desk.board.read(missed.waiting)) == 1
    assert await add(desk, who=CALLER, minutes="0") == {}
    assert len(await desk.board.read(missed.waiting)) == 1, "nobody was reached"


async def test_a_call_of_theirs_that_was_taken(desk: Office) -> None:
    await desk.contact(DANA, "Dana Levi")
    await miss(desk, DANA)
    desk.clock.advance(7200)
    await add(desk, direction="in", line=LINE, minutes="12")
    await desk.settle()
    (call,) = [call for call in await desk.calls() if call.by_hand]
    assert (call.direction, call.outcome, call.talk_seconds, call.rep) == ("in", Outcome.ANSWERED, 720, "U1")
    shown = [message.text for message in desk.slack.channel("C1")]
    assert any("reached us" in text for text in shown)
    assert any("U1 took it" in text and "Recorded by hand" in text for text in shown)
    assert "taken by U1" in await desk.type("/calls log in")


async def test_a_call_of_theirs_that_nobody_took_is_a_missed_caller(desk: Office) -> None:
    await add(desk, direction="in", line=LINE, minutes="0")
    assert "is a missed call now" in desk.told
    desk.clock.advance(10)
    await desk.settle()
    (row,) = await desk.board.read(missed.waiting)
    assert (row.number, row.place) == (DANA, "C1")
    (card,) = desk.slack.channel("C1")
    assert "issed" in card.text
    assert "0123" in await desk.type("/calls log missed")


async def test_one_that_nobody_would_see_needs_a_line(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    async with office(
        tmp_path, fake_slack, slack_clock, SETTINGS.replace('\nchannel = "C1"\nadmins', "\nadmins")
    ) as desk:
        errors = await add(desk, direction="in", minutes="0", line="-")
        assert list(errors) == ["line"]
        assert await desk.calls() == []
        assert await desk.submit({"who": DANA, "direction": "in", "minutes": "0", "line": LINE}) == {}
        assert len(await desk.board.read(missed.waiting)) == 1


async def test_whom_somebody_recorded_is_called_back_whatever_the_settings_say_of_calls(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    settings = SETTINGS.replace('label = "Sales"', "missed = false") + "[missed]\nbrief_seconds = 60\n"
    async with office(tmp_path, fake_slack, slack_clock, settings) as desk:
        assert await add(desk, direction="in", minutes="0", line=LINE) == {}
        assert "is a missed call now" in desk.told
        assert [row.number for row in await desk.board.read(missed.waiting)] == [DANA]


async def test_not_reached(desk: Office) -> None:
    await add(desk, minutes="0", time="", note="")
    call = await only(desk)
    assert (call.outcome, call.talk_seconds, call.answered_at) == (Outcome.NO_ANSWER, 0, 0)
    assert call.started_at == call.ended_at == desk.clock()
    assert call.note == "Recorded by hand."


async def test_with_somebody_whose_accents_were_left_out(desk: Office) -> None:
    await desk.contact(DANA, "José Ruiz")
    assert await add(desk, who="jose ruiz") == {}
    assert (await only(desk)).number == DANA


async def test_with_somebody_of_a_company(desk: Office) -> None:
    await desk.contact(DANA, "José Ruiz", "Acme")
    assert await add(desk, who="Jose (ACME)") == {}
    assert (await only(desk)).number == DANA


async def test_on_a_day_and_at_a_time_of_the_reps_clock(desk: Office) -> None:
    await desk.link("U1", zone="America/New_York")  # it is 21:40 on 1 February there
    assert await add(desk, day="2026-01-30", time="23:45", minutes="20 min") == {}
    call = await only(desk)
    assert call.started_at == 1_769_834_700
    assert call.ended_at - call.started_at == 1200
    assert "30 Jan 23:45" in await desk.type("/calls log 2026-01-30")
    assert "No call fits" in await desk.type("/calls log 2026-01-31")


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("Dana Levi &amp; Co", "Dana Levi & Co"),
        ("<tel:+12025550123|+1 202 555 0123>", DANA),
    ],
)
async def test_who_is_filled_in_from_the_command(desk: Office, typed: str, shown: str) -> None:
    await desk.contact(DANA, "Dana Levi & Co")
    await desk.type(f"/calls log add {typed}")
    (view,) = desk.slack.views.values()
    (who,) = [block for block in view.view["blocks"] if block["block_id"] == "who"]
    assert who["element"]["initial_value"] == shown
    assert await desk.submit({"minutes": "5"}) == {}
    assert (await only(desk)).number == DANA


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"who": "911"}, "who", "Write a whole number"),
        ({"who": "201"}, "who", "Write a whole number"),
        ({"who": "back"}, "who", "Write a whole number"),
        ({"who": "Nobody Known"}, "who", "No contact is called “Nobody Known”"),
        ({"who": "Ze"}, "who", "No contact is called “Ze”. Did you mean Zev Hill?"),
        ({"who": "Dana"}, "who", "Several contacts are called “Dana”"),
        ({"who": "+1 202"}, "who", "too short"),
        ({"minutes": "soon"}, "minutes", "whole minutes"),
        ({"minutes": "-5"}, "minutes", "whole minutes"),
        ({"minutes": "1441"}, "minutes", "longer than a day"),
        ({"time": "25:00"}, "time", "not a time of day"),
        ({"time": "noon"}, "time", "not a time of day"),
        ({"time": "10:30 p.m."}, "time", "not come yet"),
        ({"time": "03:41"}, "time", "not come yet"),
        ({"day": "2026-02-03"}, "time", "not come yet"),
        ({"day": "2025-01-01", "time": "10:00"}, "time", "more than a year ago"),
        ({"day": "2026-02-01"}, "time", "at what time of that day"),
        ({"time": "03:38", "minutes": "5"}, "time", "would not be over yet"),
    ],
)
async def test_what_cannot_be_recorded_is_said_in_the_form(
    desk: Office, fields: dict[str, str], field: str, words: str
) -> None:
    await desk.contact(DANA, "Dana Levi")
    await desk.contact(CALLER, "Dana Cohen")
    await desk.contact("+12025550139", "Zev Hill")
    errors = await add(desk, **fields)
    assert list(errors) == [field]
    assert words in errors[field]
    assert errors[field].endswith("Nothing was recorded.")
    assert await desk.calls() == []
    assert await audit(desk) == []


async def test_a_form_that_is_sent_twice_is_one_call(desk: Office) -> None:
    await desk.type("/calls log add")
    (view,) = desk.slack.views
    twice = [slack_requests.submit(desk.slack, view, {"who": DANA, "minutes": "5"}) for _ in range(2)]
    for signed in twice:
        await desk.send(signed)
    assert len(await desk.calls()) == 1
    assert "sent before" in desk.conversation("U1")[-1].text
    assert [what for _, what, *_ in await audit(desk)] == ["record call by hand"]


async def test_calling_again_goes_through_a_phone_service(desk: Office) -> None:
    await desk.link("U1")
    await add(desk)
    ask = await asking.last_dialled(desk.board, "U1")
    assert (ask.number, ask.account) == (DANA, "")
    await desk.type("/call again")
    await desk.press("call:yes", last(desk), "C1")
    assert [order.number for order in desk.phone.orders] == [DANA]
