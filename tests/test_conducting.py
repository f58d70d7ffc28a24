"""Calls that we conduct: the second half is dialled once, whatever fails, and nobody is left alone on the line."""

import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from bot import conducting
from bot.call import Call
from bot.errors import Ambiguous, Refused, Unavailable
from bot.events import CUSTOMER, REP, AnyEvent, Described, LegAnswered, LegEnded, LegRinging, Outcome, State
from bot.intents import CONDUCT
from bot.store import ledger
from tests.fake_slack import FakeSlack
from tests.office import ADA, LINE, Office, PaperPhone, office
from tests.slack_state import Clock

CUSTOMER_NUMBER = "+12025550101"


class Conducted(PaperPhone):
    """Rings the rep only. `bridged` and `let_go` are what we asked for; `fault` is raised instead, once per entry."""

    def __init__(self, account: str, now: Callable[[], float]) -> None:
        super().__init__(account, now)
        self.bridged: list[str] = []
        self.let_go: list[str] = []
        self.faults: list[Exception] = []
        self.state: tuple[AnyEvent, ...] = ()

    @override
    def next_step(self, call: Call) -> str:
        legs = {leg.name: leg for leg in call.legs}
        rep, customer = legs.get(REP), legs.get(CUSTOMER)
        if rep is None or not rep.answered_at or rep.ended_at:
            return ""
        if customer is None:
            return "bridge"
        return "hang_up" if customer.ended_at else ""

    @override
    async def bridge(self, call: Call, number: str) -> None:
        self.bridged.append(number)
        if self.faults:
            raise self.faults.pop(0)

    @override
    async def call_state(self, call: Call) -> tuple[AnyEvent, ...]:
        return self.state

    @override
    async def hang_up(self, call: Call) -> None:
        self.let_go.append(call.id)
        if self.faults:
            raise self.faults.pop(0)


@pytest.fixture
async def desk(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> AsyncIterator[Office]:
    async with office(tmp_path, fake_slack, slack_clock, kind=Conducted) as desk:
        conducting.watch(desk.board)
        await desk.link("U1")
        yield desk


def phone(desk: Office) -> Conducted:
    assert isinstance(desk.phone, Conducted)
    return desk.phone


async def rep_picks_up(desk: Office) -> Call:
    await desk.type(f"/call {CUSTOMER_NUMBER}")
    at = desk.clock()
    await desk.happen(LegRinging(ref="paper-1", at=at, leg=REP), LegAnswered(ref="paper-1", at=at + 3, leg=REP))
    (call,) = await desk.calls()
    return call


async def only(desk: Office) -> Call:
    (call,) = await desk.calls()
    return call


async def open_steps(desk: Office) -> list[str]:
    return [intent.key for intent in await desk.board.read(ledger.open_intents) if intent.kind == CONDUCT]


async def test_the_customer_is_called_when_the_rep_has_picked_up(desk: Office) -> None:
    await rep_picks_up(desk)
    assert phone(desk).bridged == [CUSTOMER_NUMBER]
    at = desk.clock()
    await desk.happen(
        LegRinging(ref="paper-1", at=at, leg=CUSTOMER), LegAnswered(ref="paper-1", at=at + 2, leg=CUSTOMER)
    )
    assert (await only(desk)).state is State.TALKING
    await desk.happen(LegEnded(ref="paper-1", at=at + 30, leg=CUSTOMER, outcome=Outcome.ANSWERED))
    assert len(phone(desk).let_go) == 1
    assert (await only(desk)).outcome is Outcome.ANSWERED
    assert (phone(desk).bridged, await open_steps(desk)) == ([CUSTOMER_NUMBER], [])


async def test_repeated_webhooks_call_the_customer_once(desk: Office) -> None:
    call = await rep_picks_up(desk)
    for _ in range(3):
        await desk.happen(LegAnswered(ref="paper-1", at=desk.clock(), leg=REP))
        await conducting.conduct(desk.board, call.id)
    assert phone(desk).bridged == [CUSTOMER_NUMBER]


async def test_a_refused_bridge_lets_the_rep_go_and_says_why(desk: Office) -> None:
    phone(desk).faults = [Refused("Paperphone refused: no such number.", code="6118", words="no such number")]
    phone(desk).state = (LegAnswered(ref="paper-1", at=desk.clock(), leg=REP),)
    await rep_picks_up(desk)
    assert len(phone(desk).let_go) == 1
    call = await only(desk)
    assert (call.state, call.outcome) == (State.ENDED, Outcome.FAILED)
    assert "no such number" in desk.conversation("U1")[-1].text


@pytest.mark.parametrize("shows_up", [True, False])
async def test_an_unclear_bridge_is_asked_about_and_never_repeated(desk: Office, shows_up: bool) -> None:
    if shows_up:
        phone(desk).state = (LegRinging(ref="paper-1", at=desk.clock(), leg=CUSTOMER),)
    phone(desk).faults = [Ambiguous("Paperphone did not answer in time; it may or may not be calling.")]
    await rep_picks_up(desk)
    assert phone(desk).bridged == [CUSTOMER_NUMBER]
    call = await only(desk)
    assert call.state is (State.CONNECTING if shows_up else State.ENDED)
    assert len(phone(desk).let_go) == (0 if shows_up else 1)
    assert await open_steps(desk) == []


async def test_letting_go_is_tried_again_and_told_in_the_end(desk: Office) -> None:
    await rep_picks_up(desk)
    phone(desk).faults = [Unavailable("Paperphone could not be reached, so nothing was done. Try again.")] * 9
    await desk.happen(LegEnded(ref="paper-1", at=desk.clock(), leg=CUSTOMER, outcome=Outcome.BUSY))
    assert len(phone(desk).let_go) == 10
    assert any("hang it up" in message.text for message in desk.conversation("U1"))
    assert await open_steps(desk) == []


async def test_a_bug_while_bridging_leaves_nobody_on_the_line(desk: Office) -> None:
    """The order may have left by then, so it is as one that was not answered."""
    phone(desk).faults = [KeyError("id")]
    await rep_picks_up(desk)
    assert (phone(desk).bridged, len(phone(desk).let_go)) == ([CUSTOMER_NUMBER], 1)
    assert (await only(desk)).outcome is Outcome.FAILED
    assert "Callboard failed while it connected you (KeyError)" in desk.conversation("U1")[-1].text
    assert await open_steps(desk) == []


async def test_a_bug_while_asking_leaves_nobody_on_the_line(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    async def garbled(call: Call) -> tuple[AnyEvent, ...]:
        raise KeyError("state")

    monkeypatch.setattr(phone(desk), "call_state", garbled)
    phone(desk).faults = [Ambiguous("Paperphone did not answer in time; it may or may not be calling.")]
    await rep_picks_up(desk)
    assert (phone(desk).bridged, len(phone(desk).let_go)) == ([CUSTOMER_NUMBER], 1)
    assert await open_steps(desk) == []


async def test_a_bug_while_letting_go_is_tried_again(desk: Office) -> None:
    await rep_picks_up(desk)
    phone(desk).faults = [KeyError("ok"), KeyError("ok")]
    await desk.happen(LegEnded(ref="paper-1", at=desk.clock(), leg=CUSTOMER, outcome=Outcome.BUSY))
    assert len(phone(desk).let_go) == 3
    assert await open_steps(desk) == []


async def test_a_step_waits_for_a_disk_that_is_full(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing else would make it go on: the rep has picked up and hears nobody."""
    tries: list[str] = []
    write = ledger.write_intent

    def full(db: sqlite3.Connection, key: str, *rest: Any) -> bool:
        tries.append(key)
        if key.startswith(CONDUCT) and len(tries) < 5:
            raise sqlite3.OperationalError("database or disk is full")
        return write(db, key, *rest)

    monkeypatch.setattr(ledger, "write_intent", full)
    await rep_picks_up(desk)
    assert phone(desk).bridged == [CUSTOMER_NUMBER]


@pytest.mark.parametrize("sent", [True, False])
async def test_a_restart_in_the_middle_of_the_bridge_dials_nobody(desk: Office, sent: bool) -> None:
    """`sent`: the order had left before the crash, and the customer's phone rings."""
    desk.board.followers.clear()  # the crash: nobody acts on what is stored
    call = await rep_picks_up(desk)
    key = f"{CONDUCT}:bridge:{call.id}"
    await desk.board.write(ledger.write_intent, key, "U1", CONDUCT, b"{}", desk.clock())
    await desk.board.write(ledger.bind_intent, key, call.id)
    await desk.board.write(ledger.send_intent, key)
    if sent:
        phone(desk).state = (LegRinging(ref="paper-1", at=desk.clock(), leg=CUSTOMER),)
    conducting.watch(desk.board)
    await conducting.recover(desk.board)
    await desk.settle()
    assert phone(desk).bridged == []
    assert (await only(desk)).state is (State.CONNECTING if sent else State.ENDED)
    assert len(phone(desk).let_go) == (0 if sent else 1)


async def test_a_restart_before_the_bridge_goes_on_with_it(desk: Office) -> None:
    desk.board.followers.clear()
    await rep_picks_up(desk)
    await conducting.recover(desk.board)
    await desk.settle()
    assert phone(desk).bridged == [CUSTOMER_NUMBER]


class Taking(Conducted):
    """It leaves to us, too, to join an incoming call with whoever takes it."""

    @override
    def controls(self, call: Call) -> frozenset[str]:
        return frozenset({"accept"})

    @override
    async def accept(self, call: Call) -> None:
        self.let_go.append(call.id)


@pytest.mark.parametrize(("own", "rung"), [("+905550000001", []), (ADA, [ADA])])
async def test_a_call_is_not_taken_at_a_phone_in_a_country_that_may_not_be_called(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock, own: str, rung: list[str]
) -> None:
    async with office(tmp_path, fake_slack, slack_clock, kind=Taking) as desk:
        await desk.link("U1", own)
        at = desk.clock()
        told = Described(ref="in-1", at=at, source="popup", direction="in", number=CUSTOMER_NUMBER, line=LINE)
        await desk.happen(told, LegRinging(ref="in-1", at=at, leg="ext:AAA"))
        await desk.press("live:accept", desk.slack.channel("C1")[-1], "C1")
        assert phone(desk).bridged == rung
        refused = (
            "is in TR, while calls from here may only go to GB, IL, US. The call was not taken; link a phone there"
        )
        assert any(refused in ephemeral.text for ephemeral in desk.slack.ephemerals) is not bool(rung)
