"""Auto-dial: the contacts of a call list are called one after the other, each once."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot import auto_dial, offers, ordering
from bot.auto_dial import IDLE_SECONDS, AutoDial
from bot.errors import Ambiguous, NotAllowed, Unavailable
from bot.events import REP, Accepted, CallEnded, CdrReceived, Described, LegAnswered, LegRinging, Outcome, Requested
from bot.store import ledger
from bot.store.calls import new_id
from handlers import Click, offer_buttons
from tests.calling_desk import (
    BOTH,
    CLOSED,
    MAX,
    NOA,
    SAM,
    act,
    answer,
    audit,
    begin,
    buttons,
    card,
    contact,
    end,
    furnish,
    numbers,
    press,
    press_of,
    rest,
    text,
    wrap,
)
from tests.fake_slack import FakeSlack
from tests.office import ADA, SETTINGS, Office, office
from tests.slack_state import Clock

REST = 15
Begin = Callable[..., AbstractAsyncContextManager[Office]]


@pytest.fixture
def open_office(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> Begin:
    """Callboard starts on the same folder, as often as it is called."""
    return lambda settings=SETTINGS: office(tmp_path, fake_slack, slack_clock, settings)


@pytest.fixture
async def busy(open_office: Begin) -> AsyncIterator[Office]:
    """U1 and U4 have phones."""
    async with open_office() as desk:
        await furnish(desk)
        yield desk


async def switch_on(desk: Office, user: str = "U1", seconds: int = REST) -> None:
    await act(desk, "auto", user=user, choice=str(seconds))


async def after(desk: Office, seconds: float, rounds: AutoDial | None = None) -> None:
    """So much later auto-dial looks what is due."""
    desk.clock.advance(seconds)
    await (rounds or AutoDial(desk.board))()
    await desk.settle()
    await rest(desk)


# The whole story


async def test_from_one_contact_to_the_next_without_a_press(busy: Office) -> None:
    await begin(busy)
    await switch_on(busy)
    at = datetime.fromtimestamp(busy.clock() - 2 + REST, ZoneInfo("Europe/Berlin"))  # it rested for two seconds
    assert f"Auto-dial is on. Your phone rings at {at:%H:%M:%S}" in text(busy, "U1")
    assert buttons(busy) == ["call", "skip", "later", "pause", "auto_stop"]
    await after(busy, REST - 3)
    assert numbers(busy) == []
    await after(busy, 0)
    assert numbers(busy) == [NOA]
    assert "It goes on when this call has ended." in text(busy, "U1")
    assert buttons(busy) == ["auto_stop"]

    await end(busy, 1, Outcome.BUSY)
    await after(busy, 600)  # the record may come late: the rep has that time from when it is shown
    assert "The line was busy: Noa Green" in text(busy, "U1")
    at = datetime.fromtimestamp(busy.clock() - 2 + REST, ZoneInfo("Europe/Berlin"))
    assert f"It goes on at {at:%H:%M:%S}. To try this contact again, press Later." in text(busy, "U1")
    await after(busy, REST - 3)
    assert "The line was busy: Noa Green" in text(busy, "U1")
    await after(busy, 0)
    assert "Next is Sam Hill" in text(busy, "U1")
    await after(busy, REST)
    assert numbers(busy) == [NOA, SAM]

    await answer(busy, 2)
    await after(busy, 600)
    assert "It goes on when you have said how it went." in text(busy, "U1")
    assert numbers(busy) == [NOA, SAM]
    await wrap(busy)
    assert "Next is Max" in text(busy, "U1")
    await after(busy, REST)
    assert numbers(busy) == [NOA, SAM, MAX]
    await end(busy, 3, Outcome.NO_ANSWER)
    await after(busy, 0)
    await after(busy, REST)
    assert "Everybody of this list is done" in text(busy, "U1")
    assert ("U1", "auto-dial on") in await audit(busy)


async def test_the_one_before_them_can_be_called_at_once_skipped_or_put_off(busy: Office) -> None:
    list_id = await begin(busy)
    await switch_on(busy)
    await act(busy, "skip")
    assert "Next is Sam Hill" in text(busy, "U1")
    await after(busy, 2)
    assert numbers(busy) == []
    await act(busy, "later", choice="1h")
    assert (await contact(busy, list_id, SAM)).state == "ready"
    await act(busy, "call")
    assert numbers(busy) == [MAX]
    await after(busy, REST)
    assert numbers(busy) == [MAX]
    assert "Auto-dial is on" in text(busy, "U1")


async def test_it_is_stopped_by_the_rep_at_any_time(busy: Office) -> None:
    list_id = await begin(busy)
    await switch_on(busy)
    await act(busy, "auto_stop")
    assert "Auto-dial is" not in text(busy, "U1")
    assert buttons(busy) == ["call", "skip", "later", "pause", "auto"]
    await after(busy, 600)
    assert numbers(busy) == []
    with pytest.raises(NotAllowed, match="was off already"):
        await auto_dial.stop(busy.board, "U1", list_id)
    await switch_on(busy)
    await act(busy, "pause")
    await after(busy, 600)
    await act(busy, "go_on")
    await after(busy, 600)
    assert numbers(busy) == []
    assert "auto" in buttons(busy)


async def test_a_paused_rep_goes_on_by_it(busy: Office) -> None:
    await begin(busy)
    await act(busy, "pause")
    await switch_on(busy)
    assert "Next is Noa Green" in text(busy, "U1")
    await after(busy, REST)
    assert numbers(busy) == [NOA]


# In the very moment in which the phone is about to ring


async def at_the_last_moment(desk: Office, happens: Callable[[], Coroutine[Any, Any, Any]]) -> None:
    """What is due is known already when it happens, and not written down yet."""
    desk.clock.advance(REST + 1)
    async with desk.writer_held_up():
        await AutoDial(desk.board)()
        for _ in range(50):
            await desk.board.read(lambda db: None)
        happening = asyncio.create_task(happens())
        await asyncio.sleep(0)
    await happening
    await desk.settle()


async def test_nobody_is_dialled_once_it_was_stopped(busy: Office) -> None:
    list_id = await begin(busy)
    await switch_on(busy)
    await at_the_last_moment(busy, lambda: auto_dial.stop(busy.board, "U1", list_id))
    assert numbers(busy) == []
    assert "Auto-dial is off" not in text(busy, "U1")  # they know: they have pressed it
    await act(busy, "call")
    assert numbers(busy) == [NOA]


async def test_nobody_is_dialled_for_a_rep_whose_phone_has_just_rung(busy: Office) -> None:
    await busy.link("U1", extension="201")
    await begin(busy)
    await switch_on(busy)
    rings = LegRinging(ref="in-1", at=busy.clock() + REST + 1, leg="ext:201")
    await at_the_last_moment(busy, lambda: busy.board.ingest("voicenter", [rings]))
    assert numbers(busy) == []
    busy.clock.advance(5)
    await busy.happen(CallEnded(ref="in-1", at=busy.clock()))
    await after(busy, REST + 1)
    assert numbers(busy) == [NOA]  # it goes on by itself


# Once, whatever happens


async def test_a_press_in_the_same_moment_and_auto_dial_are_one_call(busy: Office) -> None:
    list_id = await begin(busy)
    await switch_on(busy)
    pressed = await press_of(busy, list_id)
    click = Click(user="U1", action=offers.CALL, value=pressed.value, trigger="t")
    assert await offer_buttons.write_press(busy.desk, click)
    await after(busy, REST)
    assert numbers(busy) == []
    await offer_buttons.call(busy.desk, click)
    await after(busy, REST)
    assert numbers(busy) == [NOA]


async def test_an_unclear_call_ends_it_and_is_never_repeated(busy: Office) -> None:
    await begin(busy)
    busy.phone.answer = Ambiguous("Paperphone did not answer in time.")
    await switch_on(busy)
    await after(busy, REST)
    assert numbers(busy) == [NOA]
    busy.phone.answer = None
    for _ in range(3):
        await after(busy, REST)
    assert numbers(busy) == [NOA]
    assert "Auto-dial is off. It is unclear whether the last call was placed." in text(busy, "U1")
    await act(busy, "next")
    assert "Auto-dial is off" not in text(busy, "U1")
    await after(busy, 600)
    assert numbers(busy) == [NOA]


async def test_a_slow_phone_service_holds_up_no_other_rep_and_is_asked_once(busy: Office) -> None:
    list_id = await begin(busy, BOTH)
    await switch_on(busy)
    await switch_on(busy, "U4")
    busy.phone.answer = Unavailable("Paperphone could not be reached.")
    rounds = AutoDial(busy.board)
    busy.clock.advance(REST)
    await rounds()
    await rounds()  # while the first is at work
    await busy.settle()
    assert sorted(numbers(busy)) == [NOA, SAM]
    await after(busy, 600, rounds)
    assert sorted(numbers(busy)) == [NOA, SAM]
    assert (await contact(busy, list_id, NOA)).state == "calling"
    assert "Auto-dial is off. They were not called. Press Call when you are ready" in text(busy, "U4")


@pytest.mark.parametrize("back", [5, 3600])
async def test_a_clock_that_is_set_back_keeps_nobody_waiting(busy: Office, back: float) -> None:
    """Only ours: Slack's and the phone service's go on."""

    def set_back(seconds: float) -> None:
        busy.board.now = lambda: busy.clock() - seconds

    await begin(busy)
    await switch_on(busy)
    set_back(back)
    await after(busy, 0)
    assert "Auto-dial is on." in text(busy, "U1")
    await after(busy, REST)
    assert numbers(busy) == [NOA]
    set_back(2 * back)
    await end(busy, 1, Outcome.BUSY)
    for _ in range(2):
        await after(busy, 2)
    shown = len(card(busy, "U1").updates)
    for _ in range(3):
        await after(busy, 1)
    assert len(card(busy, "U1").updates) == shown
    await after(busy, REST)
    assert "Next is Sam Hill" in text(busy, "U1")
    set_back(3 * back)
    await after(busy, 0)
    await after(busy, REST)
    assert numbers(busy) == [NOA, SAM]


# What stands against it


async def test_their_own_phone_is_not_rung_twice_in_vain(busy: Office) -> None:
    await begin(busy)
    await switch_on(busy)
    await after(busy, REST)
    before = card(busy, "U1").ts
    await busy.happen(CdrReceived(ref="paper-1", at=busy.clock(), leg=REP, outcome=Outcome.NO_ANSWER))
    await after(busy, REST)
    await after(busy, 600)
    assert numbers(busy) == [NOA]
    shown = text(busy, "U1")
    assert "Your phone was not answered: Noa Green" in shown
    assert "Auto-dial is off. They were not called." in shown
    assert card(busy, "U1").ts > before  # where they look
    await act(busy, "call")
    assert numbers(busy) == [NOA, NOA]
    assert "Auto-dial is off" not in text(busy, "U1")


async def test_whoever_is_on_the_phone_is_not_rung(busy: Office) -> None:
    await begin(busy)
    await busy.type("/call +12025550155")
    await busy.happen(LegRinging(ref="paper-1", at=busy.clock(), leg=REP))
    await switch_on(busy)
    for _ in range(3):
        await after(busy, REST)
    assert numbers(busy) == ["+12025550155"]
    await answer(busy, 1, seconds=1)
    await after(busy, 5)
    assert numbers(busy) == ["+12025550155"]
    await after(busy, REST)
    assert numbers(busy) == ["+12025550155", NOA]


async def test_it_can_be_switched_on_again_when_their_phone_was_not_answered(busy: Office) -> None:
    await begin(busy)
    await switch_on(busy)
    await after(busy, REST)
    await busy.happen(CdrReceived(ref="paper-1", at=busy.clock(), leg=REP, outcome=Outcome.NO_ANSWER))
    await after(busy, 0)
    assert "or switch it on again" in text(busy, "U1")
    await switch_on(busy)
    await after(busy, 0)
    assert "Auto-dial is on." in text(busy, "U1")
    await after(busy, REST)
    assert numbers(busy) == [NOA, NOA]


async def sends_messages(desk: Office, count: int, at: float) -> None:
    """U1 sends so many voice messages, of which the last is heard right now."""
    for number in range(count):
        asked = Requested(at=at, rep="U1", rep_phone="", number=f"+1202555{6000 + number}", purpose="message")
        taken = Accepted(ref=f"message-{number}", at=at)
        over = () if number == count - 1 else (CallEnded(ref=f"message-{number}", at=at + 5),)
        await desk.board.ingest("voicenter", [asked, taken, *over], call_id=f"{new_id(at)}-{number}")


async def test_voice_messages_that_a_rep_has_sent_keep_nobody_waiting(busy: Office) -> None:
    """They ring no phone of the rep's."""
    await begin(busy)
    await switch_on(busy)
    await sends_messages(busy, 3, busy.clock() + REST - 3)
    await after(busy, REST)
    assert numbers(busy) == [NOA]


async def test_whoever_talks_for_long_is_not_rung_however_many_call_them_meanwhile(busy: Office) -> None:
    await busy.type("/call +12025550155")
    await busy.happen(LegAnswered(ref="paper-1", at=busy.clock(), leg=REP))
    await busy.happen(LegAnswered(ref="paper-1", at=busy.clock(), leg="customer"))
    for number in range(25):
        ref, at = f"in-{number}", busy.clock() + number
        said = Described(ref=ref, at=at, source="popup", direction="in", number=ADA, extension="201")
        rang = LegRinging(ref=ref, at=at, leg="ext:201")
        await busy.board.ingest("voicenter", [said, rang, CallEnded(ref=ref, at=at + 1)])
    await busy.board.write(lambda db: db.execute("UPDATE calls SET rep = 'U1' WHERE direction = 'in'"))
    await begin(busy)
    await switch_on(busy)
    await after(busy, 60)
    assert numbers(busy) == ["+12025550155"]


async def test_whoever_is_on_a_call_with_a_colleague_waits(busy: Office) -> None:
    await busy.type(f"/call {NOA}", user="U4")
    list_id = await begin(busy)
    row = await contact(busy, list_id, NOA)
    assert (row.state, row.due_at - busy.clock() > 500) == ("ready", True)
    assert "on a call with them right now" in row.why
    assert "Next is Sam Hill" in text(busy, "U1")
    await end(busy, 1, Outcome.NO_ANSWER)
    await rest(busy, 700)
    await act(busy, "skip")
    assert "Next is Noa Green" in text(busy, "U1")


async def test_a_colleague_was_faster_from_another_list(open_office: Begin) -> None:
    """Neither list knows of the other, and the limit of attempts allows both."""
    async with open_office(SETTINGS.replace("[policy]", "[policy]\nattempts_per_day = 5")) as desk:
        await furnish(desk)
        first = await begin(desk)
        second = await begin(desk, "Winter offers for <@U4|max>", user="U9")
        assert [(await contact(desk, one, NOA)).state for one in (first, second)] == ["offered", "offered"]
        await act(desk, "call")
        told = await act(desk, "call", user="U4")
        assert "on a call with them right now" in told
        assert numbers(desk) == [NOA]
        assert (await contact(desk, second, NOA)).state == "ready"
        assert "Next is Sam Hill" in text(desk, "U4")


@pytest.mark.parametrize(("number", "dialled"), [("+12025550155", [NOA]), (ADA, [])])
async def test_others_in_a_conference_keep_nobody_from_calling(busy: Office, number: str, dialled: list[str]) -> None:
    """Only a rep's own phone in it does."""
    await begin(busy)
    called_in = Requested(
        at=busy.clock(), rep="U1", rep_phone="", number=number, line="", purpose="conference", conference="4711"
    )
    await busy.board.ingest("voicenter", [called_in, Accepted(ref="room-1", at=busy.clock())])
    await switch_on(busy)
    await after(busy, REST)
    assert numbers(busy) == dialled


async def test_outside_their_hours_they_wait_for_the_next_morning(open_office: Begin) -> None:
    async with open_office(CLOSED) as desk:
        await furnish(desk)
        list_id = await begin(desk)
        await switch_on(desk)
        await after(desk, REST)
        row = await contact(desk, list_id, NOA)
        assert (row.state, row.why) == ("ready", "It was outside their calling hours.")
        assert desk.clock() < row.due_at < desk.clock() + 86400
        assert "Next is Sam Hill" in text(desk, "U1")
        await after(desk, REST)
        await after(desk, REST)
        assert numbers(desk) == []
        assert "Nobody is to be called right now" in text(desk, "U1")
        assert "It goes on when somebody is to be called." in text(desk, "U1")
        await after(desk, IDLE_SECONDS)
        assert "Nobody was called for half an hour." in text(desk, "U1")
        desk.clock.advance(row.due_at - desk.clock())
        await offers.due(desk.board)
        await after(desk, 600)
        assert numbers(desk) == []


async def test_a_number_whose_time_is_not_known_is_left_to_the_rep(open_office: Begin) -> None:
    never = SETTINGS.replace('hours = ["00:00", "24:00"]', 'hours = ["09:00", "09:30"]')  # not in all of its zones
    async with open_office(never) as desk:
        await furnish(desk)
        await begin(desk, rows="number\n+18005550199\n")
        await switch_on(desk)
        await after(desk, REST)
        assert "Auto-dial is off. It is between" in text(desk, "U1")
        assert buttons(desk) == ["call", "skip", "later", "pause", "auto"]
        await after(desk, 600)
        assert numbers(desk) == []


async def test_a_limit_of_the_rep_is_said_once(open_office: Begin) -> None:
    async with open_office(SETTINGS.replace("[policy]", "[policy]\ndaily_calls = 1")) as desk:
        await furnish(desk)
        list_id = await begin(desk)
        await desk.type("/call +12025550155")
        await answer(desk, 1)
        await switch_on(desk)
        for _ in range(3):
            await after(desk, REST)
        assert "the limit for one person is 1 a day" in text(desk, "U1")
        assert (await contact(desk, list_id, NOA)).state == "offered"
        assert numbers(desk) == ["+12025550155"]


async def test_without_a_phone_it_says_so(open_office: Begin) -> None:
    async with open_office() as desk:
        await begin(desk)
        await switch_on(desk)
        await after(desk, REST)
        assert "Callboard does not know your phone yet" in text(desk, "U1")


async def test_a_list_that_its_maker_pauses_calls_nobody_until_it_goes_on(busy: Office) -> None:
    list_id = await begin(busy)
    await switch_on(busy)
    await press(busy, "pause")
    assert buttons(busy) == []
    await after(busy, REST)
    assert numbers(busy) == []
    await press(busy, "resume")
    await after(busy, REST)
    assert numbers(busy) == [NOA]
    await press(busy, "stop")
    with pytest.raises(NotAllowed, match="is over"):
        await auto_dial.start(busy.board, "U1", list_id, REST)


async def test_it_is_on_for_one_list_of_a_rep(busy: Office) -> None:
    first = await begin(busy)
    await auto_dial.start(busy.board, "U1", first, REST)
    second = await begin(busy, "Winter offers for <@U1|ada>", "number\n+12025550177\n", user="U9")
    await auto_dial.start(busy.board, "U1", second, 16)
    await after(busy, REST)
    assert numbers(busy) == ["+12025550177"]
    with pytest.raises(NotAllowed, match="do not call from that list"):
        await auto_dial.start(busy.board, "U4", first, REST)


async def test_a_bug_ends_it(busy: Office, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def breaks(*_: object) -> None:
        raise RuntimeError

    await begin(busy)
    await switch_on(busy)
    with monkeypatch.context() as patch, caplog.at_level(logging.CRITICAL, "callboard.auto_dial"):
        patch.setattr(ordering, "order", breaks)
        await after(busy, REST)
    assert "Auto-dial is off. Callboard failed" in text(busy, "U1")
    await after(busy, 600)
    assert numbers(busy) == []
    assert await busy.board.read(ledger.open_intents) == []


async def test_a_menu_of_nothing_is_refused(busy: Office) -> None:
    list_id = await begin(busy)
    with pytest.raises(Exception, match="not one of a call list any more"):
        await offer_buttons.auto(busy.desk, Click(user="U1", action="offer:auto", value=f"{list_id}|soon", trigger="t"))


# Restarts


async def test_a_short_restart_goes_on_and_a_long_one_does_not(open_office: Begin) -> None:
    async with open_office() as desk:
        await furnish(desk)
        await begin(desk)
        await switch_on(desk)
    async with open_office() as desk:
        await after(desk, REST)
        assert numbers(desk) == [NOA]
    async with open_office() as desk:
        await end(desk, 1, Outcome.NO_ANSWER)
        await after(desk, 0)
        await after(desk, REST)
        assert "Next is Sam Hill" in text(desk, "U1")
    async with open_office() as desk:
        await after(desk, IDLE_SECONDS + 1)
        assert "Nobody was called for half an hour." in text(desk, "U1")
        await after(desk, 600)
        assert numbers(desk) == []
