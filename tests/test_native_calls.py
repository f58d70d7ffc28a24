"""Calls as Slack's own call objects: one each, true while they run, ended once, and the plain card otherwise."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from typing_extensions import override

from bot.call import Call, Leg
from bot.cards.slack_call import slack_call_card
from bot.events import (
    CUSTOMER,
    REP,
    CallEnded,
    CdrReceived,
    Controlled,
    Described,
    LegAnswered,
    LegEnded,
    LegRinging,
    Outcome,
    State,
)
from bot.native_calls import NativeCalls, participants
from bot.settings import Settings
from bot.store import ledger, slack_calls, web_phones
from bot.store.web_phones import Phone
from bot.web_phone import WebPhone
from tests.block_rules import check_message
from tests.card_examples import words
from tests.fake_slack import FakeSlack
from tests.office import SETTINGS, Office, PaperPhone, office
from tests.slack_state import Clock, NativeCall

NUMBER = "+12025550101"
ON = "slack_calls = true\n" + SETTINGS


class InTheBrowser(PaperPhone):
    """A service with a web phone."""

    @override
    def web_phone(self) -> WebPhone:
        return WebPhone("https://phone.example/phone.js", (), Path("none.js"))


@dataclasses.dataclass
class Seat:
    desk: Office
    native: NativeCalls

    async def call(self) -> Call:
        """U1 calls, and both pick up."""
        await self.desk.type(f"/call {NUMBER}")
        await self.desk.happen(LegRinging(ref="paper-1", at=self.at, leg=REP))
        await self.talk()
        (call,) = await self.desk.calls()
        return call

    async def talk(self) -> None:
        await self.happen(
            LegAnswered(ref="paper-1", at=self.at, leg=REP), LegAnswered(ref="paper-1", at=self.at, leg=CUSTOMER)
        )

    async def happen(self, *events: LegAnswered | LegEnded | LegRinging | CallEnded | Controlled | Described) -> None:
        await self.desk.happen(*events)
        await self.desk.settle()

    async def hang_up(self) -> None:
        self.desk.clock.advance(24)
        await self.happen(CallEnded(ref="paper-1", at=self.at))

    async def row(self) -> str:
        (call,) = await self.desk.calls()
        found = await self.desk.board.read(slack_calls.get, call.id)
        return found.state if found else ""

    @property
    def at(self) -> float:
        return self.desk.clock()

    @property
    def objects(self) -> list[NativeCall]:
        return list(self.desk.slack.native_calls.values())

    @property
    def object(self) -> NativeCall:
        (found,) = self.objects
        return found

    def asked(self, method: str) -> list[str]:
        return [request.outcome for request in self.desk.slack.requests if request.method == method]

    def shown(self) -> list[str]:
        """Texts of the messages with a call block, with the block's id."""
        found = []
        for message in self.desk.conversation("U1"):
            found += [f"{b['call_id']} {message.text}" for b in message.blocks if b["type"] == "call"]
        return found


async def seated(desk: Office) -> Seat:
    await desk.link("U1")
    await desk.board.write(web_phones.save, Phone("U1", "voicenter", "AAPINFzL", b""))
    native = NativeCalls(desk.board, desk.desk.slack)
    await native.recover()
    native.watch()
    return Seat(desk, native)


@pytest.fixture
async def seat(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> AsyncIterator[Seat]:
    async with office(tmp_path, fake_slack, slack_clock, ON, kind=InTheBrowser) as desk:
        yield await seated(desk)


async def test_a_call_that_is_talked_on_is_added_and_shown_once(seat: Seat) -> None:
    await seat.desk.contact(NUMBER, "Noa Green", "Green Gardens")
    call = await seat.call()
    assert seat.object.external_id == call.id
    assert seat.object.title == "Call with Noa Green (Green Gardens), +1 202-555-0101"
    assert seat.object.join_url == "https://callboard.example/phone"
    assert seat.object.users[0] == {"slack_id": "U1"}
    assert seat.object.users[1]["display_name"].startswith("Noa Green")
    (shown,) = seat.shown()
    assert shown.startswith(f"{seat.object.id} Call with Noa Green")
    assert "https://callboard.example/phone" in shown
    above = [m for m in seat.desk.conversation("U1") if not m.thread_ts]
    assert [m.thread_ts for m in seat.desk.conversation("U1") if m.thread_ts] == [above[0].ts]
    for _ in range(3):
        await seat.native.sweep()
    await seat.talk()
    assert seat.asked("calls.add") == ["ok"]
    assert len(seat.shown()) == 1


async def test_of_two_who_add_it_at_the_same_moment_one_does(seat: Seat) -> None:
    seat.desk.board.followers.clear()
    call = await seat.call()
    others = [NativeCalls(seat.desk.board, seat.desk.desk.slack) for _ in range(3)]
    await asyncio.gather(*(native.step(call.id) for native in others))
    assert seat.asked("calls.add") == ["ok"]


async def test_it_is_ended_once_with_its_duration(seat: Seat) -> None:
    await seat.call()
    await seat.hang_up()
    (call,) = await seat.desk.calls()
    assert call.talk_seconds > 20
    assert (seat.object.ended, seat.object.duration) == (True, call.talk_seconds)
    await seat.desk.happen(
        CdrReceived(ref="paper-1", at=seat.at, leg=CUSTOMER, outcome=Outcome.ANSWERED, talk_seconds=99)
    )
    await seat.native.sweep()
    assert seat.asked("calls.end") == ["ok"]
    assert len(seat.shown()) == 1


async def test_what_is_never_talked_on_is_no_slack_call(seat: Seat) -> None:
    await seat.desk.type(f"/call {NUMBER}")
    await seat.happen(LegRinging(ref="paper-1", at=seat.at, leg=REP))
    await seat.hang_up()
    await seat.native.sweep()
    assert seat.objects == []


async def test_who_comes_and_goes_is_mirrored(seat: Seat) -> None:
    call = await seat.call()
    await seat.happen(LegAnswered(ref="paper-1", at=seat.at, leg="third:+12025550107"))
    assert [user.get("display_name") for user in seat.object.users] == [None, "+1 202-555-0101", "+1 202-555-0107"]
    await seat.happen(LegEnded(ref="paper-1", at=seat.at, leg=REP, outcome=Outcome.ANSWERED))
    assert {"slack_id": "U1"} not in seat.object.users
    assert len(seat.object.users) == 2
    await seat.desk.contact(NUMBER, "Noa Green")
    await seat.native.step(call.id)
    assert seat.object.title == "Call with Noa Green, +1 202-555-0101"
    assert not seat.object.ended


@pytest.mark.parametrize(
    ("code", "words"), [("not_implemented", "does not offer"), ("internal_error", "internal_error")]
)
async def test_where_slack_refuses_there_is_the_plain_card_and_the_admins_hear_once(
    seat: Seat, code: str, words: str
) -> None:
    seat.desk.slack.fail_next("calls.add", code)
    await seat.call()
    await seat.native.sweep()
    await seat.hang_up()
    await seat.desk.type("/call +12025550102")
    seat.desk.slack.fail_next("calls.add", code)
    await seat.happen(
        LegAnswered(ref="paper-2", at=seat.at, leg=REP), LegAnswered(ref="paper-2", at=seat.at, leg=CUSTOMER)
    )
    assert seat.asked("calls.add") == [code, code]
    assert seat.shown() == []
    assert any("Talking to" in message.text for message in seat.desk.conversation("U1"))
    told = [message.text for message in seat.desk.conversation("U9") if "Slack calls" in message.text]
    assert len(told) == 1
    assert words in told[0]


async def test_a_missing_scope_is_named_and_said_to_be_mended(seat: Seat) -> None:
    seat.desk.slack.scopes -= {"calls:write"}
    await seat.call()
    (told,) = [message.text for message in seat.desk.conversation("U9")]
    assert "calls:write" in told
    await seat.hang_up()
    seat.desk.slack.scopes |= {"calls:write"}
    await seat.desk.type("/call +12025550102")
    await seat.happen(
        LegAnswered(ref="paper-2", at=seat.at, leg=REP), LegAnswered(ref="paper-2", at=seat.at, leg=CUSTOMER)
    )
    assert len(seat.objects) == 1
    assert not any(found[0] == "Slack calls" for found in await seat.desk.board.read(ledger.problems))


@pytest.mark.parametrize("fault", ["drop_before", "drop_after", "500"])
async def test_a_lost_answer_is_not_asked_for_again(seat: Seat, fault: str) -> None:
    seat.desk.slack.fail_next("calls.add", fault)
    await seat.call()
    await seat.native.sweep()
    assert await seat.row() == slack_calls.LOST
    assert seat.asked("calls.add") == [fault]
    assert seat.shown() == []
    await seat.hang_up()
    assert seat.asked("calls.end") == []


async def test_slacks_limit_is_kept_and_the_call_added_later(seat: Seat) -> None:
    seat.desk.slack.fail_next("calls.add", "ratelimited", retry_after=30)
    await seat.call()
    await seat.native.sweep()
    assert seat.asked("calls.add") == ["ratelimited"]
    seat.desk.clock.advance(31)
    await seat.native.sweep()
    await seat.desk.settle()
    assert seat.asked("calls.add") == ["ratelimited", "ok"]
    assert len(seat.shown()) == 1


@pytest.mark.parametrize("fault", ["drop_before", "drop_after", "500"])
async def test_an_end_that_was_cut_off_is_told_again_until_slack_knows(seat: Seat, fault: str) -> None:
    await seat.call()
    seat.desk.slack.fail_next("calls.end", fault)
    await seat.hang_up()
    assert await seat.row() == slack_calls.ADDED
    await seat.native.sweep()
    assert await seat.row() == slack_calls.ENDED
    (call,) = await seat.desk.calls()
    assert (seat.object.ended, seat.object.duration) == (True, call.talk_seconds)
    await seat.native.sweep()
    assert len(seat.asked("calls.end")) == 2
    assert await seat.desk.board.read(ledger.problems) == []


async def test_after_a_crash_nothing_is_added_twice_and_what_ended_meanwhile_is_ended(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    async with office(tmp_path, fake_slack, slack_clock, ON, kind=InTheBrowser) as desk:
        seat = await seated(desk)
        await seat.call()
        desk.board.followers.clear()  # nobody is there any more
        await desk.happen(CallEnded(ref="paper-1", at=slack_clock()))
        await desk.type("/call +12025550102")
        answered = [LegAnswered(ref="paper-2", at=slack_clock(), leg=leg) for leg in (REP, CUSTOMER)]
        await desk.happen(*answered)
        second = (await desk.calls())[-1]
        assert await desk.board.write(slack_calls.begin, second.id, "Call", b"[]")  # killed while Slack was asked
    async with office(tmp_path, fake_slack, slack_clock, ON, kind=InTheBrowser) as desk:
        seat = await seated(desk)
        await seat.native.sweep()
        await desk.settle()
        assert seat.object.ended
        assert seat.asked("calls.add") == ["ok"]
        assert len(seat.shown()) == 1


@pytest.mark.parametrize("missing", ["setting", "page", "service"])
async def test_without_a_page_or_unless_wanted_it_is_the_plain_card(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock, missing: str
) -> None:
    text = SETTINGS if missing == "setting" else ON
    kind: type[PaperPhone] = PaperPhone if missing == "service" else InTheBrowser
    async with office(tmp_path, fake_slack, slack_clock, text, kind=kind) as desk:
        seat = await seated(desk)
        if missing == "page":
            await desk.board.write(web_phones.forget, "U1")
        await seat.call()
        await seat.native.sweep()
        assert seat.objects == []
        assert seat.asked("calls.add") == []


async def test_an_end_that_slack_refuses_is_told_to_the_admins_and_not_tried_for_ever(seat: Seat) -> None:
    await seat.call()
    seat.desk.slack.fail_next("calls.end", "invalid_call_id")
    await seat.hang_up()
    await seat.native.sweep()
    assert seat.asked("calls.end") == ["invalid_call_id"]
    (told,) = [message.text for message in seat.desk.conversation("U9")]
    assert "could not be kept up to date" in told


async def test_who_is_there_already_is_no_problem(seat: Seat) -> None:
    await seat.call()
    seat.desk.slack.fail_next("calls.participants.add", "drop_after")
    await seat.happen(LegAnswered(ref="paper-1", at=seat.at, leg="third:+12025550107"))
    await seat.native.sweep()
    assert seat.asked("calls.participants.add") == ["drop_after", "bad_users"]
    await seat.native.sweep()
    assert len(seat.asked("calls.participants.add")) == 2
    assert len(seat.object.users) == 3
    assert await seat.desk.board.read(ledger.problems) == []


@given(words)
def test_the_message_holds_for_every_name(name: str) -> None:
    shown = slack_call_card("R1", f"Call with {name}", "https://callboard.example/phone")
    check_message(shown.text, shown.blocks)
    assert "https://callboard.example/phone" in shown.text


def test_who_is_on_a_call() -> None:
    call = Call(id="c", account="a", rep="U1", state=State.TALKING)
    assert participants(call, "Noa") == [
        {"slack_id": "U1"},
        {"external_id": "c:customer", "display_name": "Noa"},
    ]
    gone = Call(id="c", account="a", rep="U1", legs=(Leg(name=REP, ringing_at=1, answered_at=2, ended_at=3),))
    assert participants(gone, "Noa")[0] == {"external_id": "c:customer", "display_name": "Noa"}


def test_the_setting_is_off_unless_wanted() -> None:
    assert {f.name: f.default for f in dataclasses.fields(Settings)}["slack_calls"] is False
