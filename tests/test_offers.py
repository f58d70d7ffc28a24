"""Whatever happens in between, a contact of a call list is called once: clicks, repeats, failures, restarts."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from bot import dialing, offers, ordering, unclear
from bot.errors import Ambiguous, NeedsYes, NotAllowed, Unavailable
from bot.events import REP, CdrReceived, Outcome
from bot.store import ledger, people
from bot.store import offers as store
from handlers import Click, offer_buttons
from tests import slack_requests
from tests.calling_desk import (
    BOTH,
    CLOSED,
    NOA,
    SAM,
    act,
    answer,
    before,
    begin,
    buttons,
    card,
    cards,
    contact,
    furnish,
    numbers,
    press,
    press_of,
    rest,
    text,
    wrap,
)
from tests.fake_slack import FakeSlack
from tests.office import SETTINGS, Office, office
from tests.slack_state import Clock

# Once, whatever happens


async def test_a_rep_who_has_left_or_is_a_guest_keeps_no_contact_from_the_others(desk: Office) -> None:
    await furnish(desk)
    await begin(desk, BOTH)
    assert "Next is Sam Hill" in text(desk, "U4")
    desk.board.outsiders.add("U4")
    for _ in range(2):
        await act(desk, "skip")
    assert "Next is" not in text(desk, "U1")
    await offers.due(desk.board)
    await rest(desk)
    assert "Next is Sam Hill" in text(desk, "U1")


async def test_a_double_click_and_slacks_repeat_dial_once(desk: Office) -> None:
    await furnish(desk)
    await begin(desk)
    shown, channel = card(desk, "U1"), desk.slack.open_dm("U1").id
    signed = slack_requests.click(desk.slack, "offer:call", user="U1", channel=channel, ts=shown.ts)
    other = slack_requests.click(desk.slack, "offer:call", user="U1", channel=channel, ts=shown.ts)
    answers = await asyncio.gather(
        *(desk.http.post("/slack/events", headers=headers, content=body) for headers, body in (signed, signed, other))
    )
    assert [found.status_code for found in answers] == [200, 200, 200]
    await rest(desk)
    await desk.send(signed)
    await desk.send(other)
    assert numbers(desk) == [NOA]
    assert len(await desk.calls()) == 1


async def test_skipping_twice_skips_one(desk: Office) -> None:
    await furnish(desk)
    list_id = await begin(desk)
    shown, channel = card(desk, "U1"), desk.slack.open_dm("U1").id
    signed = slack_requests.click(desk.slack, "offer:skip", user="U1", channel=channel, ts=shown.ts)
    await desk.send(signed)
    await desk.send(signed)
    assert "dealt with already" in desk.told
    assert (await contact(desk, list_id, SAM)).state == "offered"


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("pause", "The call list Autumn offers was paused meanwhile, so nothing was done. Look at its card."),
        ("stop", "The call list Autumn offers was stopped meanwhile, so nothing was done. Look at its card."),
        ("forget", "That call list is not on record any more, so nothing was done."),
    ],
)
async def test_whose_list_is_over_while_they_think_reads_that(desk: Office, what: str, words: str) -> None:
    list_id = await begin(desk)
    await act(desk, "later", choice="choose")
    shown, channel = card(desk, "U1"), desk.slack.open_dm("U1").id
    signed = [
        slack_requests.click(desk.slack, f"offer:{button}", user="U1", channel=channel, ts=shown.ts)
        for button in ("call", "skip")
    ]
    if what == "forget":
        await desk.board.db.write(lambda db: db.execute("DELETE FROM calling_list_rows"))
        await desk.board.db.write(lambda db: db.execute("DELETE FROM calling_lists"))
    else:
        await press(desk, what)
    assert await desk.submit({"when": "3h"}) == {}
    assert [message.text for message in desk.conversation("U1") if words in message.text] == [words]
    for one in signed:
        await desk.send(one)
        assert desk.told == words
    assert desk.phone.orders == []
    assert await before(desk, list_id) is None


async def test_a_button_of_somebody_elses_contact_does_nothing(desk: Office) -> None:
    await furnish(desk)
    list_id = await begin(desk, BOTH)
    theirs = await press_of(desk, list_id, "U4")

    async def written(call: object) -> None:
        raise AssertionError("a call was placed")

    for press_it in (
        offers.skip(desk.board, "U1", theirs),
        offers.onward(desk.board, "U1", theirs),
        offers.put_off(desk.board, "U1", theirs, desk.clock() + 60),
        offers.call(desk.board, "U1", theirs, written),
    ):
        with pytest.raises(NotAllowed, match="dealt with already"):
            await press_it
    assert desk.phone.orders == []


async def test_an_unclear_call_is_never_repeated(desk: Office) -> None:
    await furnish(desk)
    list_id = await begin(desk)
    desk.phone.answer = Ambiguous("Paperphone did not answer in time.")
    told = await act(desk, "call")
    assert "did not answer in time" in told
    assert "Unclear: the call to Noa Green" in text(desk, "U1")
    assert "It is not dialled again." in text(desk, "U1")
    assert buttons(desk) == ["next", "pause", "auto"]
    pressed = await press_of(desk, list_id, "U1")
    with pytest.raises(NotAllowed, match="is unclear, so the contact was not put off"):
        await offers.put_off(desk.board, "U1", pressed, desk.clock() + 60)
    with pytest.raises(NotAllowed, match="was called already"):
        await offers.skip(desk.board, "U1", pressed)
    await act(desk, "next")
    assert "Next is Sam Hill" in text(desk, "U1")
    assert numbers(desk) == [NOA]


@pytest.mark.parametrize("trouble", ["unreached", "rep"])
async def test_where_their_phone_never_rang_they_can_be_called_again(desk: Office, trouble: str) -> None:
    await furnish(desk)
    list_id = await begin(desk)
    if trouble == "unreached":
        desk.phone.answer = Unavailable("Paperphone could not be reached.")
        await act(desk, "call")
        desk.phone.answer = None
    else:
        await act(desk, "call")
        await desk.happen(
            CdrReceived(ref="paper-1", at=desk.clock(), leg=REP, outcome=Outcome.NO_ANSWER),
        )
    assert buttons(desk) == ["call", "skip", "later", "pause", "auto"]
    pressed = await press_of(desk, list_id, "U1")
    with pytest.raises(NotAllowed, match="has not rung yet"):
        await offers.onward(desk.board, "U1", pressed)
    desk.clock.advance(dialing.DOUBLE_CLICK_SECONDS)
    await act(desk, "call")
    assert numbers(desk) == [NOA, NOA]
    await answer(desk, 2)
    await wrap(desk)
    assert "Next is Sam Hill" in text(desk, "U1")


async def test_a_list_that_is_paused_or_stopped_takes_back_whom_nobody_has_rung(desk: Office) -> None:
    await furnish(desk)
    list_id = await begin(desk)
    desk.phone.answer = Unavailable("Paperphone could not be reached.")
    await act(desk, "call")
    await press(desk, "pause")
    assert (await contact(desk, list_id, NOA)).state == "ready"
    await press(desk, "resume")
    desk.clock.advance(dialing.DOUBLE_CLICK_SECONDS)
    await act(desk, "call")
    await press(desk, "stop")
    assert (await contact(desk, list_id, NOA)).state == "ready"
    assert "0 called, 0 skipped, 3 not called" in text(desk, "U2")


async def test_nothing_is_dialled_from_a_list_that_is_paused_at_that_moment(desk: Office) -> None:
    await furnish(desk)
    list_id = await begin(desk)
    shown = card(desk, "U1")
    await desk.board.db.write(lambda db: db.execute("UPDATE calling_lists SET state = 'paused'").rowcount)
    told = await desk.press("offer:call", shown, desk.slack.open_dm("U1").id)
    assert "nothing was done" in told
    assert desk.phone.orders == []
    assert (await contact(desk, list_id, NOA)).state == "offered"


async def test_pausing_where_nobody_was_rung_gives_them_to_others(desk: Office) -> None:
    await furnish(desk)
    list_id = await begin(desk)
    desk.phone.answer = Unavailable("Paperphone could not be reached.")
    await act(desk, "call")
    await act(desk, "pause")
    assert (await contact(desk, list_id, NOA)).state == "ready"


async def test_without_a_phone_nothing_is_dialled_and_it_can_be_pressed_again(desk: Office) -> None:
    list_id = await begin(desk, BOTH)
    assert "/phone link" in await act(desk, "call")
    assert (await contact(desk, list_id, NOA)).state == "offered"
    await furnish(desk)
    await act(desk, "call")
    assert numbers(desk) == [NOA]


async def test_a_bug_before_the_call_uses_nothing_up(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: object) -> None:
        raise RuntimeError

    await furnish(desk)
    await begin(desk)
    with monkeypatch.context() as patch:
        patch.setattr(ordering, "order", breaks)
        assert "Something went wrong in Callboard" in await act(desk, "call")
    assert desk.phone.orders == []
    await act(desk, "call")
    assert numbers(desk) == [NOA]


async def test_the_question_is_never_about_somebody_else(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def listed_meanwhile(*_: object) -> None:
        await desk.board.write(people.block, NOA, "asked us to stop", "U9", desk.clock())
        raise NeedsYes("It is 21:40 in New York. Call anyway?")

    async with office(tmp_path, fake_slack, slack_clock, CLOSED) as desk:
        await furnish(desk)
        await begin(desk)
        monkeypatch.setattr(dialing, "dial", listed_meanwhile)
        assert "may not be called any more, so nothing was dialled" in await act(desk, "call")
        assert "Next is Sam Hill" in text(desk, "U1")


async def test_the_daily_cap_of_a_rep_keeps_their_contact(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    capped = SETTINGS.replace("[policy]", "[policy]\ndaily_calls = 1")
    async with office(tmp_path, fake_slack, slack_clock, capped) as desk:
        await furnish(desk)
        list_id = await begin(desk)
        await desk.type("/call +12025550155")
        assert "the limit for one person is 1 a day" in await act(desk, "call")
        assert (await contact(desk, list_id, NOA)).state == "offered"
        assert len(desk.phone.orders) == 1


# Restarts


Reopen = Callable[[], AbstractAsyncContextManager[Office]]


@pytest.fixture
def reopen(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> Reopen:
    """Callboard starts on the same folder, as often as it is called; nothing is kept in memory."""

    def start() -> AbstractAsyncContextManager[Office]:
        return office(tmp_path, fake_slack, slack_clock)

    return start


async def started(desk: Office) -> None:
    """What a start does."""
    await offers.recover(desk.board)
    await unclear.recover(desk.board)
    offers.watch(desk.board)


async def test_a_restart_between_each_step_loses_and_repeats_nothing(reopen: Reopen) -> None:
    async with reopen() as desk:
        await furnish(desk)
        list_id = await begin(desk)
    async with reopen() as desk:
        await started(desk)
        await act(desk, "call")
        assert numbers(desk) == [NOA]
    async with reopen() as desk:
        await started(desk)
        assert "Calling Noa Green" in text(desk, "U1")
        await answer(desk)
    async with reopen() as desk:  # the follower dies with what it was told: the next round goes on
        await desk.press("call:wrap", card(desk, "U1"), desk.slack.open_dm("U1").id)
        assert await desk.submit({"disposition": "Interested"}) == {}
        assert (await contact(desk, list_id, NOA)).state == "calling"
    async with reopen() as desk:
        await started(desk)
        await offers.due(desk.board)
        await rest(desk)
        assert (await contact(desk, list_id, NOA)).state == "done"
        assert "Next is Sam Hill" in text(desk, "U1")
        assert len(cards(desk, "U1")) == 1
        await press(desk, "pause")
    async with reopen() as desk:
        await started(desk)
        await press(desk, "resume")
        assert "Next is Sam Hill" in text(desk, "U1")
        assert numbers(desk) == []


async def test_what_was_pressed_and_not_dialled_can_be_pressed_again_after_a_restart(reopen: Reopen) -> None:
    async with reopen() as desk:
        await furnish(desk)
        list_id = await begin(desk)
        pressed = await press_of(desk, list_id, "U1")
        click = Click(user="U1", action=offers.CALL, value=pressed.value, trigger="t")
        assert await offer_buttons.write_press(desk.desk, click)
        assert not await offer_buttons.write_press(desk.desk, click)
    async with reopen() as desk:
        await started(desk)
        await rest(desk)
        assert desk.phone.orders == []
        assert "Nothing was dialled; please ask again." in desk.conversation("U1")[-1].text
        assert await desk.board.read(ledger.open_intents) == []
        await act(desk, "call")
        assert numbers(desk) == [NOA]


async def test_a_crash_before_the_order_left_says_so_and_lets_it_be_pressed_again(
    reopen: Reopen, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dies(*_: object) -> None:
        raise asyncio.CancelledError

    async with reopen() as desk:
        await furnish(desk)
        list_id = await begin(desk)
        pressed = await press_of(desk, list_id, "U1")
        click = Click(user="U1", action=offers.CALL, value=pressed.value, trigger="t")
        assert await offer_buttons.write_press(desk.desk, click)
        with monkeypatch.context() as patch:
            patch.setattr(dialing, "_place", dies)
            with pytest.raises(asyncio.CancelledError):
                await offers.call(desk.board, "U1", pressed, dies)
    async with reopen() as desk:
        await started(desk)
        await rest(desk)
        assert "Callboard was restarted before it could place this call." in text(desk, "U1")
        assert desk.phone.orders == []
        desk.clock.advance(dialing.DOUBLE_CLICK_SECONDS)
        await act(desk, "call")
        assert numbers(desk) == [NOA]
        assert (await contact(desk, list_id, NOA)).state == "calling"


async def test_a_contact_that_is_forgotten_is_not_before_anybody(desk: Office) -> None:
    await furnish(desk)
    list_id = await begin(desk)

    await desk.board.write(lambda db: db.execute("DELETE FROM calling_list_rows WHERE number = ?", (NOA,)))
    await offers.due(desk.board)
    await rest(desk)
    held = await before(desk, list_id)
    assert held is not None
    assert held.number == SAM
    assert await desk.board.read(store.get, list_id, 2) is None


async def test_what_was_put_before_a_rep_anew_is_not_taken_by_an_older_press(desk: Office) -> None:
    """As where something changes between the look at a contact and the commit of its call."""
    await furnish(desk)
    list_id = await begin(desk)
    row = await desk.board.read(store.held, list_id, "U1")
    assert row is not None
    await desk.board.write(store.anew, row, desk.clock())
    assert not await desk.board.write(store.take, row, "c1", desk.clock())
    fresh = await desk.board.read(store.held, list_id, "U1")
    assert fresh is not None
    assert await desk.board.write(store.take, fresh, "c1", desk.clock())
