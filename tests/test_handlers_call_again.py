"""`/call again` and `/call next`: what is called, and what may be typed behind it."""

import dataclasses

import pytest

from bot import who
from bot.asking import heeding
from bot.consent import Recording
from bot.errors import BadInput
from bot.events import CdrReceived, Described, Outcome, Requested
from bot.intents import Ask
from bot.store import calls
from tests.office import Office, PaperPhone
from tests.slack_state import Message

CUSTOMER_NUMBER = "+12025550123"


async def busy_card(desk: Office) -> Message:
    await desk.link("U1")
    await desk.type("/call +1 202 555 0123")
    await desk.happen(CdrReceived(ref="paper-1", at=desk.clock(), leg="customer", outcome=Outcome.BUSY))
    desk.clock.advance(60)
    return desk.conversation("U1")[0]


async def test_again_finds_the_last_call_also_after_many_messages(desk: Office) -> None:
    """And neither one before it nor one that they took."""
    await desk.link("U1", extension="201")
    await desk.type("/call +12025550102")
    desk.clock.advance(60)
    await desk.type("/call +12025550101")
    desk.clock.advance(60)
    at = desk.clock()
    took = CdrReceived(ref="in-1", at=at, leg="ext:201", outcome=Outcome.ANSWERED, talk_seconds=30, extension="201")
    await desk.happen(Described(ref="in-1", at=at, source="cdr", direction="in", number="+12025550177"), took)
    assert [call.rep for call in await desk.calls()] == ["U1"] * 3
    for number in range(25):
        heard = Requested(
            at=desk.clock() + 1, rep="U1", rep_phone="", number=f"+120255502{number:02}", purpose="message"
        )
        await desk.board.ingest("voicenter", [heard], call_id=f"{calls.new_id(desk.clock() + 1)}-{number}")
    desk.clock.advance(60)
    assert "+1 202-555-0101 again?" in await desk.type("/call again")
    desk.clock.advance(30 * 86400)
    assert "not called anybody in the last 30 days" in await desk.type("/call again")


async def test_again_asks_first_and_answers_once(desk: Office) -> None:
    await desk.link("U1")
    await desk.type("/call +1 202 555 0123")
    await desk.happen(CdrReceived(ref="paper-1", at=desk.clock(), leg="customer", outcome=Outcome.BUSY))
    assert "again?" in await desk.type("/call again")
    assert len(desk.phone.orders) == 1
    question = desk.slack.ephemerals[-1]
    await desk.press("call:yes", question, "C1")
    await desk.press("call:yes", question, "C1")
    assert len(desk.phone.orders) == 2


async def test_again_heeds_what_is_typed_behind_it(desk: Office) -> None:
    """A call that was to be recorded was not, and went out from another line."""
    await busy_card(desk)
    branch = PaperPhone("branch", desk.clock)
    desk.board.providers = {"voicenter": desk.phone, "branch": branch}
    other = "+12025550199"
    (line,) = desk.board.settings.lines
    lines = (line, dataclasses.replace(line, number=other, label="Support", account="branch"))
    object.__setattr__(desk.board.settings, "lines", lines)
    object.__setattr__(desk.board.settings, "recording", Recording(countries={"US": "ask"}))
    assert "again?" in await desk.type("/call again from Support max 5m record note about the invoice")
    assert "agreed" in await desk.press("call:yes", desk.slack.ephemerals[-1], "C1")
    await desk.press("call:yes", desk.slack.ephemerals[-1], "C1")
    (order,) = branch.orders
    assert (order.number, order.caller_id, order.max_seconds, order.record) == (CUSTOMER_NUMBER, other, 300, True)
    assert (await desk.calls())[-1].note == "about the invoice"
    desk.clock.advance(60)
    assert "no line “Nowhere”" in await desk.type("/call again from Nowhere")
    await branch.http.aclose()


async def test_again_by_another_account_leaves_its_line_behind(desk: Office) -> None:
    await busy_card(desk)
    branch = PaperPhone("branch", desk.clock)
    desk.board.providers = {"voicenter": desk.phone, "branch": branch}
    await desk.type("/call again via branch")
    await desk.press("call:yes", desk.slack.ephemerals[-1], "C1")
    assert [(order.number, order.caller_id) for order in branch.orders] == [(CUSTOMER_NUMBER, "")]
    await branch.http.aclose()


async def test_again_calls_an_extension_and_a_conference_where_they_are(desk: Office) -> None:
    asks = [
        Ask(rep="U1", number="201", extension=True, account="voicenter"),
        Ask(rep="U1", number=CUSTOMER_NUMBER, conference="4711", account="voicenter"),
    ]
    desk.board.providers = {"voicenter": desk.phone, "branch": desk.phone}
    for ask, what in zip(asks, ("extension 201", "conference 4711"), strict=True):
        with pytest.raises(BadInput, match=f"{what} at Paperphone"):
            heeding(desk.board, ask, who.CallText(who.Again(), provider="branch"))
        assert heeding(desk.board, ask, who.CallText(who.Again(), provider="voicenter", note="x")).note == "x"
    with pytest.raises(BadInput, match="takes “from”, “max” and “note” only"):
        heeding(desk.board, asks[1], who.CallText(who.Again(), record=True))


async def test_next_takes_nothing_more(desk: Office) -> None:
    assert "takes nothing more" in await desk.type("/call next note about the invoice")
    assert "no call list" in await desk.type("/call next")
