"""Days with missed callers, invented: three people press what they see or have seen, callers try again and reach us,
phones and Slack fail, Callboard is killed and settings are changed, in any order."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typing_extensions import override

from bot import escalating, settings_noted, unclear
from bot.errors import Ambiguous, Refused, Unavailable
from bot.events import (
    REP,
    Accepted,
    AnyEvent,
    CallEnded,
    CdrReceived,
    Described,
    LegAnswered,
    LegRinging,
    Outcome,
    State,
)
from bot.orders import CallOrder
from bot.store import calls, cards, missed
from handlers.resting import resting
from tests import slack_requests
from tests.fake_slack import FakeSlack
from tests.office import LINE, SETTINGS, Office, PaperPhone, office
from tests.slack_state import Clock

OTHER = "+12025550101"
CALLERS = [f"+120255502{digit:02}" for digit in range(3)]
TWO = SETTINGS.replace("[policy]", f'[lines."{OTHER}"]\nchannel = "C2"\n[policy]')
MOVED = TWO.replace('channel = "C2"\n[policy]', 'channel = "C1"\n[policy]')
PEOPLE = ("U1", "U4", "U2")
STEPS = 90
WEIGHTS = {
    "miss": 8, "reach": 2, "ring": 2, "press": 26, "late": 5, "list": 5, "phone": 9, "time": 8, "again": 3,
    "fault": 3, "slack": 3, "delete": 1, "restart": 1, "kill": 2, "move": 1,
}  # fmt: skip
DEAD = (
    *("is closed already", "has claimed this caller", "was faster", "Nobody has claimed", "only they or a manager"),
    "called again since",
)
"""What nobody is told who presses what their own message offers them."""
WORDS = ("was called back", "reached us", "was closed by")


class Day:
    """What the world outside knows, also while Callboard is away."""

    def __init__(self, seed: int) -> None:
        self.choose = random.Random(seed)
        self.orders: list[CallOrder] = []
        self.under_way: dict[str, CallOrder] = {}
        self.inside: dict[str, str] = {}
        self.late: list[slack_requests.Signed] = []
        self.count = 0
        self.trouble: list[str] = []
        self.text = TWO
        self.deleted = 0


class Phones(PaperPhone):
    """`fault` comes instead of the next answer."""

    day: Day
    board: Any
    fault: Exception | None = None

    @override
    async def place_call(self, order: CallOrder) -> Accepted:
        day, fault, self.fault = self.day, self.fault, None
        under_way = [call for call in await self.board.read(calls.open_calls) if call.id != order.call_id]
        under_way = [call for call in under_way if call.state is not State.UNCLEAR]  # as ever, for a while only
        if any(call.number == order.number for call in under_way):
            day.trouble.append(f"{order.number} is called while somebody is on the phone with them")
        (mine,) = [call for call in await self.board.read(calls.open_calls) if call.id == order.call_id]
        owed = [row for row in await self.board.read(missed.waiting) if row.number == order.number]
        if not any(row.claimed_by == mine.rep for row in owed):
            day.trouble.append(f"{mine.rep} calls {order.number} and has not claimed them")
        day.orders.append(order)
        ref = f"ref-{len(day.orders)}"
        if fault is None or isinstance(fault, Ambiguous):
            day.under_way[ref] = order
        if fault is not None:
            raise fault
        return Accepted(ref=ref, at=self.now())


def elements(message: Any, features: tuple[str, ...] = ("missed", "waiting")) -> Iterator[tuple[str, str]]:
    """(action id, value) of all that can be done about callers in a message."""
    for block in message.blocks:
        for element in block.get("elements", ()) if block["type"] == "actions" else ():
            if element["action_id"].partition(":")[0] not in features or ":assign:" in element["action_id"]:
                continue
            for value in [option["value"] for option in element.get("options", ())] or [element["value"]]:
                yield element["action_id"], value


def seen(desk: Office, user: str) -> list[tuple[str, Any]]:
    """(channel, message) of all that a person could act upon."""
    found: list[tuple[str, Any]] = [
        (channel, shown) for channel in ("C1", "C2") for shown in desk.slack.channel(channel)
    ]
    found += [(f"D{user}", shown) for shown in desk.conversation(user)]
    found += [(shown.channel, shown) for shown in desk.slack.ephemerals if shown.user == user]
    return [(channel, shown) for channel, shown in found if any(elements(shown))]


async def told_of(desk: Office, user: str) -> list[tuple[dict[str, Any], Any]]:
    """(what it was told of, message) of each escalation that a person sees."""
    found = []
    for shown in desk.conversation(user):
        card = await desk.board.read(cards.by_message, f"D{user}", shown.ts)
        body = msgspec.json.decode(card.body) if card is not None and card.kind == "notice" and card.body else {}
        if "missed" in body:
            found.append((body, shown))
    return found


async def check(desk: Office, day: Day) -> None:
    assert day.trouble == []
    assert len({order.call_id for order in day.orders}) == len(day.orders)
    if await desk.board.read(cards.waiting):
        return  # Slack has failed, and shows some of it later
    waiting = await desk.board.read(missed.waiting)
    assert len({(row.number, row.place) for row in waiting}) == len(waiting)
    shown = [(channel, one) for channel in ("C1", "C2") for one in desk.slack.channel(channel)]
    open_cards = [(channel, one) for channel, one in shown if any(a == "missed:close" for a, _ in elements(one))]
    assert len(open_cards) == len(waiting)
    for row in waiting:
        (text,) = [
            one.text
            for channel, one in open_cards
            if channel == row.place and any(a == "missed:close" and row.id in value for a, value in elements(one))
        ]
        assert ("claimed by" in text) == bool(row.claimed_by)
        assert row.claimed_by in text
    for user in PEOPLE:
        subjects = []
        for body, message in await told_of(desk, user):
            card = await desk.board.read(cards.by_message, f"D{user}", message.ts)
            assert card is not None
            subjects.append(card.subject)
            row_now = await desk.board.read(missed.get, body["missed"])
            assert row_now is not None
            offered = [action for action, _ in elements(message)]
            if not row_now.open:
                assert offered == []
                assert any(words in message.text for words in WORDS)
            elif row_now.claimed_by not in ("", user):
                assert offered == (["missed:release"] if user == "U2" else [])
                assert row_now.claimed_by in message.text
            else:
                assert offered == ["missed:call_back", "missed:release" if row_now.claimed_by else "missed:claim"]
        assert len(set(subjects)) == len(subjects)


def ends(day: Day, at: float) -> list[AnyEvent]:
    """What a phone service tells of a call that is under way."""
    if not day.under_way:
        return []
    ref = day.choose.choice(sorted(day.under_way))
    order = day.under_way.pop(ref)
    told = Described(ref=ref, at=at, source="cdr", direction="out", number=order.number, call_id=order.call_id)
    how = day.choose.choice([Outcome.ANSWERED, Outcome.BUSY, Outcome.NO_ANSWER, Outcome.REP_NO_ANSWER])
    if how is Outcome.REP_NO_ANSWER:
        return [told, CdrReceived(ref=ref, at=at, leg=REP, outcome=Outcome.NO_ANSWER), CallEnded(ref=ref, at=at)]
    return [
        told,
        CdrReceived(ref=ref, at=at, leg=REP, outcome=Outcome.ANSWERED),
        CdrReceived(ref=ref, at=at, leg="customer", outcome=how, talk_seconds=20 if how is Outcome.ANSWERED else 0),
        CallEnded(ref=ref, at=at),
    ]


def comes_in(day: Day, at: float, what: str) -> list[AnyEvent]:
    day.count += 1
    ref, number = f"in-{day.count}", day.choose.choice(CALLERS)
    line = day.choose.choice([LINE, OTHER])
    told = Described(ref=ref, at=at, source="cdr", direction="in", number=number, line=line)
    if what == "ring":
        day.inside[ref] = number
        taken = [LegAnswered(ref=ref, at=at, leg="ext:201")] if day.choose.random() < 0.5 else []
        return [told, LegRinging(ref=ref, at=at, leg="ext:201"), *taken]
    outcome = Outcome.NO_ANSWER if what == "miss" else Outcome.ANSWERED
    return [told, CdrReceived(ref=ref, at=at, leg="ext:201", outcome=outcome, ring_seconds=20, talk_seconds=9)]


async def escalate(desk: Office, minutes: float) -> None:
    desk.clock.advance(minutes * 60)
    await escalating.escalate(desk.board, lambda users: resting(desk.desk, users))
    await desk.settle()


async def act(desk: Office, day: Day, what: str) -> None:
    choose, clock = day.choose, desk.clock
    user = choose.choice(PEOPLE)
    if what in ("miss", "reach", "ring"):
        await desk.happen(*comes_in(day, clock(), what))
    elif what == "phone":
        await desk.happen(*ends(day, clock()))
        if day.inside and choose.random() < 0.7:
            ref = choose.choice(sorted(day.inside))
            del day.inside[ref]
            await desk.happen(CallEnded(ref=ref, at=clock()))
    elif what == "list":
        await desk.type("/missed", user=user, channel="D" + user if desk.conversation(user) else "C1")
    elif what in ("press", "late") and (found := seen(desk, user)):
        channel, message = choose.choice(found)
        action, value = choose.choice(list(elements(message)))
        press = slack_requests.click(desk.slack, action, user=user, channel=channel, ts=message.ts, value=value)
        if what == "late":
            day.late.append(press)
            return
        own = channel == f"D{user}" and not await desk.board.read(cards.waiting)
        own = own and any(message is shown for _, shown in await told_of(desk, user))
        before = len(desk.slack.ephemerals)
        await desk.send(press)
        answers = [shown.text for shown in desk.slack.ephemerals[before:]]
        if own and any(words in text for text in answers for words in DEAD):
            day.trouble.append(f"{user} pressed {action} and was told {answers}")
    elif what == "again" and day.late:
        await desk.send(day.late.pop(choose.randrange(len(day.late))))
    elif what == "time":
        await escalate(desk, choose.choice([1, 6, 16, 61]))
    elif what == "fault":
        faults = (Ambiguous("Nobody knows."), Unavailable("It was not reached."), Refused("There is no credit."))
        desk.phone.fault = choose.choice(faults)  # type: ignore[attr-defined]
    elif what == "slack":
        method = choose.choice(["chat.update", "chat.postMessage", "chat.delete"])
        desk.slack.fail_next(method, choose.choice(["500", "drop_before", "drop_after", "ratelimited"]))
    elif what == "delete" and (found := [(f"D{user}", one) for _, one in await told_of(desk, user)]):
        channel, message = choose.choice(found)
        desk.slack.delete(channel, message.ts)
        day.deleted += 1


@pytest.mark.parametrize("seed", [0, 1, 2, 117])
async def test_nobody_is_forgotten_called_twice_or_offered_what_does_nothing(
    seed: int, tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    day, clock, steps = Day(seed), slack_clock, STEPS
    fake_slack.channels["C2"].bot_is_member = True
    fake_slack.channels["C2"].members |= {"U1", "U4"}
    while steps > 0:
        async with office(tmp_path, fake_slack, clock, day.text, kind=Phones) as desk:
            assert isinstance(desk.phone, Phones)
            desk.phone.day, desk.phone.board = day, desk.board
            for number, user in enumerate(PEOPLE):
                await desk.link(user, f"+1202555019{number}", line="")
            await settings_noted.note(desk.board)
            await unclear.recover(desk.board)
            clock.advance(6)
            await desk.settle()
            await check(desk, day)
            while steps > 0:
                steps -= 1
                (what,) = day.choose.choices(list(WEIGHTS), list(WEIGHTS.values()))
                if what == "kill":  # between what is written down and what Slack is told of it
                    await desk.board.ingest("voicenter", comes_in(day, clock(), "miss"))
                    await escalating.escalate(desk.board, lambda users: resting(desk.desk, users))
                if what == "move":
                    day.text = MOVED if day.text == TWO else TWO
                if what in ("kill", "move", "restart"):
                    break
                await act(desk, day, what)
                clock.advance(1)
                await check(desk, day)
            else:
                await in_the_end(desk, day)


async def in_the_end(desk: Office, day: Day) -> None:
    """Everybody is off the phone, Slack works, and time goes by: whoever still waits is on somebody's mind."""
    desk.slack._faults.clear()
    while day.under_way:
        await desk.happen(*ends(day, desk.clock()))
    for ref in day.inside:
        await desk.happen(CallEnded(ref=ref, at=desk.clock()))
    for _ in range(40):
        await escalate(desk, 61)
    assert await desk.board.read(cards.waiting) == 0
    await check(desk, day)
    for row in await desk.board.read(missed.waiting):
        assert row.snoozed_until <= desk.clock() or row.escalate_at == row.snoozed_until
        if row.snoozed_until <= desk.clock():
            assert row.escalate_at == 0, "all have been told"
            assert (row.reminded if row.claimed_by else row.escalations) > 0
            told = [
                user for user in (*PEOPLE, "U9") for body, _ in await told_of(desk, user) if body["missed"] == row.id
            ]
            assert told or day.deleted
    assert day.trouble == []
