"""“Call anyway?”: what is asked first, what a question carries, and how long a yes counts."""

from pathlib import Path

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from bot.asking import carried
from bot.cards import VALUE_LIMIT
from bot.events import REP, LegEnded, Outcome
from bot.intents import YES_SECONDS, Ask
from tests.fake_slack import FakeSlack
from tests.office import SETTINGS, office
from tests.slack_state import Clock

CUSTOMER_NUMBER = "+12025550123"


signs = st.text(st.one_of(st.characters(codec="utf-8"), st.sampled_from('\x01"\\\n🧨')), max_size=2100)


@given(note=signs, name=st.text(max_size=80), scenario=st.text(max_size=100), typed=st.text("+ -()0", max_size=250))
def test_a_question_carries_the_whole_ask_with_as_much_of_the_note_as_fits(
    note: str, name: str, scenario: str, typed: str
) -> None:
    ask = Ask(rep="U1", number=CUSTOMER_NUMBER, name=name, typed=typed, scenario=scenario, note=note)
    value = carried(ask)
    assert len(value) <= VALUE_LIMIT
    found = msgspec.json.decode(value, type=Ask)
    assert msgspec.structs.replace(found, note="") == msgspec.structs.replace(ask, note="")
    if len(msgspec.json.encode(ask).decode()) <= VALUE_LIMIT:
        assert found == ask
    else:
        assert note.startswith(found.note.removesuffix("…"))
        assert len(value) > VALUE_LIMIT - 20


async def test_a_long_note_survives_the_question(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> None:
    note = "She said “" + 'well" ' * 140 + "”."
    async with office(tmp_path, fake_slack, slack_clock, SETTINGS.replace('"24:00"', '"00:01"')) as desk:
        await desk.link("U1")
        assert "Call anyway?" in await desk.type(f"/call +1 202 555 0123 note {note}")
        await desk.press("call:yes", desk.slack.ephemerals[-1], "C1")
        assert [order.number for order in desk.phone.orders] == [CUSTOMER_NUMBER]
        assert [call.note for call in await desk.calls()] == [note]


async def test_what_is_too_long_to_be_asked_about_is_said(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    async with office(tmp_path, fake_slack, slack_clock, SETTINGS.replace('"24:00"', '"00:01"')) as desk:
        await desk.link("U1")
        told = await desk.type(f"/call +1 202 555 0123 scenario {'x' * 2000}")
        assert told == "That is too long to be asked about, so nothing was dialled. Write less, or the number alone."
        assert desk.phone.orders == []


async def test_a_yes_that_comes_much_later_is_asked_for_anew(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    async with office(tmp_path, fake_slack, slack_clock, SETTINGS.replace('"24:00"', '"00:01"')) as desk:
        await desk.link("U1")
        await desk.type("/call +1 202 555 0123")
        question = desk.slack.ephemerals[-1]
        desk.clock.advance(YES_SECONDS + 60)
        assert "Call anyway?" in await desk.press("call:yes", question, "C1")
        assert desk.phone.orders == []
        await desk.press("call:yes", desk.slack.ephemerals[-1], "C1")
        assert [order.number for order in desk.phone.orders] == [CUSTOMER_NUMBER]


async def test_a_question_about_a_form_that_was_open_for_long_can_be_answered(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    """Slack takes answers to a command for half an hour; after that it is asked in the conversation."""
    async with office(tmp_path, fake_slack, slack_clock, SETTINGS.replace('"24:00"', '"00:01"')) as desk:
        await desk.link("U1")
        await desk.type("/call")
        desk.clock.advance(1801)
        assert await desk.submit({"who": "+1 202 555 0123"}) == {}
        (question,) = desk.conversation("U1")
        assert question.text.endswith("Call anyway?\nYou can: “Call now”.")
        await desk.press("call:yes", question, desk.slack.open_dm("U1").id)
        assert [order.number for order in desk.phone.orders] == [CUSTOMER_NUMBER]


async def test_new_and_foreign_numbers_are_asked_about_once(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    settings = SETTINGS.replace("[policy]", '[policy]\nask_first = ["foreign", "new"]')
    async with office(tmp_path, fake_slack, slack_clock, settings) as desk:
        await desk.link("U1")
        assert "Nobody of ours has had a call with +1 202-555-0123 before" in await desk.type("/call +1 202 555 0123")
        assert desk.phone.orders == []
        await desk.press("call:yes", desk.slack.ephemerals[-1], "C1")
        assert [order.number for order in desk.phone.orders] == [CUSTOMER_NUMBER]
        await desk.happen(LegEnded(ref="paper-1", at=desk.clock(), leg=REP, outcome=Outcome.NO_ANSWER))
        desk.clock.advance(60)
        await desk.type("/call +1 202 555 0123")
        assert len(desk.phone.orders) == 2
        await desk.happen(LegEnded(ref="paper-2", at=desk.clock(), leg=REP, outcome=Outcome.NO_ANSWER))
        await desk.contact("+12025550133", "Sam Hill", "")
        await desk.type("/call Sam Hill")
        assert len(desk.phone.orders) == 3
        told = await desk.type("/call +44 7700 900123")
        assert "+44 7700 900123 is in another country (GB), where calls may cost more. Nobody of ours" in told
        assert len(desk.phone.orders) == 3
