"""`/calls waiting`: the incoming calls that nobody has answered yet, for whom they are, with their buttons."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from bot.call import Call
from bot.cards.callers import PAGE, Caller, callers_message
from bot.errors import Unavailable
from bot.events import AnyEvent, CallEnded, Described, Guided, LegAnswered, LegEnded, LegRinging, Outcome
from bot.orders import Prompt, QueueCaller
from bot.polling import IDLE_SECONDS, Poll
from bot.store import channels
from bot.store.calls import by_ref
from tests.block_rules import check_message
from tests.card_examples import NOW, ZONE, calls, contacts, words
from tests.fake_slack import FakeSlack
from tests.office import LINE, SETTINGS, Office, PaperPhone, office
from tests.slack_state import Channel, Clock, Ephemeral

CALLER = "+12025550155"
SUPPORT = "+12025550101"
TWO_LINES = SETTINGS.replace(
    "[policy]", f'[lines."{SUPPORT}"]\nlabel = "Support"\naccount = "voicenter"\nchannel = "G1"\n[policy]'
)


class Reception(PaperPhone):
    """Incoming calls may be taken, declined and played to while they ring, and blocked. It is asked who waits."""

    def __init__(self, account: str, now: Callable[[], float]) -> None:
        super().__init__(account, now)
        self.done: list[str] = []
        self.fault: Exception | None = None

    @override
    def controls(self, call: Call) -> frozenset[str]:
        return frozenset({"accept", "decline", "play", "block", "hang_up"}) if call.live else frozenset()

    @override
    async def accept(self, call: Call) -> None:
        self.done.append("accept")

    @override
    async def decline(self, call: Call) -> None:
        self.done.append("decline")

    @override
    async def play(self, call: Call, prompt: Prompt) -> None:
        self.done.append(f"play {prompt.speech.text}")

    @override
    async def block(self, call: Call) -> None:
        self.done.append("block")

    @override
    async def queue_callers(self) -> tuple[QueueCaller, ...]:
        return ()

    @override
    async def active_calls(self) -> tuple[AnyEvent, ...]:
        if self.fault is not None:
            raise self.fault
        return self.events


@pytest.fixture
async def desk(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> AsyncIterator[Office]:
    fake_slack.channels["G1"] = Channel("G1", "support", private=True, members={"U1", "U4"})
    async with office(tmp_path, fake_slack, slack_clock, TWO_LINES, kind=Reception) as desk:
        desk.board.polled["voicenter"] = desk.clock()
        yield desk


def phone(desk: Office) -> Reception:
    assert isinstance(desk.phone, Reception)
    return desk.phone


async def rings(desk: Office, ref: str = "in-1", number: str = CALLER, *, line: str = LINE, **more: Any) -> Call:
    """Somebody calls now."""
    at = desk.clock()
    leg = f"ext:{more['extension']}" if "extension" in more else f"queue:{more.get('queue', '')}"
    await desk.board.ingest(
        "voicenter",
        (
            Described(ref=ref, at=at, source="hook", direction="in", number=number, line=line, **more),
            LegRinging(ref=ref, at=at, leg=leg),
        ),
    )
    await desk.settle()
    call = await desk.board.read(by_ref, "voicenter", ref)
    assert call is not None
    return call


async def waiting(desk: Office, words: str = "", *, user: str = "U1", channel: str = "C1") -> str:
    desk.board.polled["voicenter"] = desk.clock()
    return await desk.type(f"/calls waiting {words}".strip(), user=user, channel=channel)


def listed(desk: Office) -> Ephemeral:
    """The list as the person sees it now."""
    shown = next(one for one in reversed(desk.slack.ephemerals) if "waiting" in one.text)
    check_message(shown.text, list(shown.blocks))
    return shown


def offered(desk: Office) -> list[str]:
    elements = [element for block in listed(desk).blocks for element in block.get("elements", ())]
    return [element["action_id"] for element in elements if "action_id" in element]


async def test_nobody_waits(desk: Office) -> None:
    assert await waiting(desk) == "No call is waiting."
    assert await waiting(desk, "line Sales") == "No call is waiting on Sales."
    for line in ("sales", "+1 202 555 0100", "12025550100", "(202) 555-0100"):
        assert await waiting(desk, line) == "No call is waiting on Sales."


async def test_the_longest_waiting_is_first_with_who_where_how_long_and_at_which_service(desk: Office) -> None:
    await desk.contact(CALLER, "Noa Green", "Green Gardens")
    await rings(desk, "in-1", queue="Orders")
    desk.clock.advance(65)
    await rings(desk, "in-2", "+12025550156", line=SUPPORT, extension="201")
    desk.clock.advance(60)
    told = await waiting(desk, user="U2")
    assert "Calls waiting now (2)" in told
    first, second = told.index("1. Noa Green (Green Gardens), +1 202-555-0155"), told.index("2. +1 202-555-0156")
    assert first < second
    for word in ("Waits 2:05", "queue Orders, line Sales", "Paperphone", "Waits 1:00", "rings at extension 201"):
        assert word in told
    assert offered(desk)[:3] == ["live:accept", "live:decline", "live:play"]


async def test_only_what_is_not_answered_yet_and_comes_from_outside(desk: Office) -> None:
    await rings(desk, "taken")
    await desk.happen(LegAnswered(ref="taken", at=desk.clock(), leg="queue:"))
    await rings(desk, "gone", "+12025550157")
    await desk.happen(
        LegEnded(ref="gone", at=desk.clock(), leg="queue:", outcome=Outcome.ABANDONED),
        CallEnded(ref="gone", at=desk.clock()),
    )
    await desk.link("U1")
    await desk.type("/call +1 202 555 0177")
    assert await waiting(desk, user="U2") == "No call is waiting."


async def test_a_caller_in_a_menu_waits_too(desk: Office) -> None:
    at = desk.clock()
    await desk.happen(
        Described(ref="led", at=at, source="hook", direction="in", number=CALLER, line=LINE),
        Guided(ref="led", at=at, asked="start", does="menu", step="hours"),
    )
    assert "in the menu" in await waiting(desk)


async def test_of_one_line_or_queue(desk: Office) -> None:
    await rings(desk, "in-1", queue="Orders")
    await rings(desk, "in-2", "+12025550156", line=SUPPORT)
    await rings(desk, "in-3", "+12025550157", line="", queue="support")
    told = await waiting(desk, "orders", user="U2")
    assert "Calls waiting now on Orders (1)" in told
    assert "0155" in told
    told = await waiting(desk, "Support", user="U2")
    assert "Calls waiting now on Support (2)" in told
    assert ("0156" in told, "0157" in told, "0155" in told) == (True, True, False)
    for text in ('"Support"', "“support”"):
        assert "Calls waiting now on Support (2)" in await waiting(desk, text, user="U2")
    assert "0157" not in await waiting(desk, "line Support", user="U2")
    assert "0157" not in await waiting(desk, "line “Support”", user="U2")
    assert "0156" not in await waiting(desk, "queue support", user="U2")
    told = await waiting(desk, "Berlin")
    assert told == (
        "No call is waiting on “Berlin”: there is no line of that name (there are Sales, Support), and nobody waits in "
        "a queue of that name."
    )


async def test_reps_see_what_their_channels_show_managers_all(desk: Office) -> None:
    await desk.board.write(channels.keep_members, "G1", ["U1", "U4"], desk.clock())
    await desk.link("U4", extension="204")
    await rings(desk, "open")
    await rings(desk, "closed", "+12025550156", line=SUPPORT, queue="Board")
    own = await rings(desk, "own", "+12025550157", line="", extension="204")
    assert own.rep == "U4"

    async def seen(user: str) -> list[bool]:
        told = await waiting(desk, user=user)
        return [number in told for number in ("0155", "0156", "0157")]

    assert await seen("U1") == [True, True, False]
    assert await seen("U4") == [True, True, True]
    assert await seen("U2") == [True, True, True]
    await desk.board.write(channels.keep_members, "G1", ["U4"], desk.clock())
    assert await seen("U1") == [True, False, False]
    assert "nobody waits in a queue of that name" in await waiting(desk, "Board"), "nor that there is somebody"


async def test_numbers_are_shown_as_their_place_shows_them(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    text = SETTINGS.replace('label = "Sales"', 'label = "Sales"\nmask = true')
    async with office(tmp_path, fake_slack, slack_clock, text, kind=Reception) as desk:
        await rings(desk, name=CALLER)
        await waiting(desk)
        assert "0155" not in str(listed(desk).blocks)
        assert "••55" in listed(desk).text
        await waiting(desk, user="U2")
        assert "0155" not in str(listed(desk).blocks), "others look on in that channel"
        assert "+1 202-555-0155" in await waiting(desk, user="U2", channel=fake_slack.open_dm("U2").id)
        assert "0155" not in await waiting(desk, channel=fake_slack.open_dm("U1").id)


async def test_buttons_are_those_that_this_person_may_press(desk: Office) -> None:
    await desk.link("U1", extension="201")
    await rings(desk, "nobodys")
    buttons = ["live:accept", "live:decline", "live:play"]
    await waiting(desk, user="U4")
    assert offered(desk) == [*buttons, "callers:page:refresh"]
    await waiting(desk, user="U2")
    assert offered(desk) == [*buttons, "live:block", "callers:page:refresh"]
    await desk.happen(CallEnded(ref="nobodys", at=desk.clock()))
    await rings(desk, "mine", "+12025550156", extension="201")
    await waiting(desk, user="U4")
    assert offered(desk) == ["callers:page:refresh"], "it rings at somebody"
    await waiting(desk, user="U1")
    assert offered(desk) == [*buttons, "live:block", "callers:page:refresh"]


async def test_a_call_is_declined_from_the_list(desk: Office) -> None:
    call = await rings(desk)
    await waiting(desk)
    await desk.press("live:decline", listed(desk), "C1", value=call.id)
    assert phone(desk).done == ["decline"]


async def test_refresh_renews_the_list_in_its_place(desk: Office) -> None:
    await rings(desk)
    await waiting(desk, "Sales")
    before = len(desk.slack.ephemerals)
    desk.clock.advance(10)
    await rings(desk, "in-2", "+12025550156")
    await desk.press("callers:page:refresh", listed(desk), "C1")
    assert "Calls waiting now on Sales (2)" in listed(desk).text
    for ref in ("in-1", "in-2"):
        await desk.happen(CallEnded(ref=ref, at=desk.clock()))
    await desk.press("callers:page:refresh", listed(desk), "C1")
    assert listed(desk).text.startswith("No call is waiting on Sales.")
    assert len(desk.slack.ephemerals) == before


async def test_many_fill_pages(desk: Office) -> None:
    for number in range(PAGE + 2):
        await rings(desk, f"in-{number}", f"+120255501{number:02}")
        desk.clock.advance(1)
    await waiting(desk)
    assert f"Calls waiting now ({PAGE + 2})" in listed(desk).text
    assert f"{PAGE}. " in listed(desk).text
    assert f"{PAGE + 1}. " not in listed(desk).text
    await desk.press("callers:page:next", listed(desk), "C1")
    assert f"{PAGE + 2}. +1 202-555-01{PAGE + 1}" in listed(desk).text
    await desk.press("callers:page:earlier", listed(desk), "C1")
    assert "1. +1 202-555-0100" in listed(desk).text


async def test_an_old_list_says_of_what_moment_it_is(desk: Office) -> None:
    """Of a service that must be asked who waits: as fresh as the last answer, and silent about it while that is new."""
    poll = Poll(desk.board)
    await poll()
    assert await desk.type("/calls waiting") == "No call is waiting."
    answered = desk.clock()
    phone(desk).fault = Unavailable("Paperphone did not answer.")
    for _ in range(4):
        desk.clock.advance(IDLE_SECONDS)
        await poll()
    told = await desk.type("/calls waiting")
    assert told.startswith("No call is waiting.\n")
    assert "Paperphone did not say who waits in its queues since 03:40:00" in told, answered
    told = await desk.type("/calls waiting Berlin")
    assert told.startswith("No call is waiting on “Berlin”")
    assert "Paperphone did not say who waits in its queues" in told
    del desk.board.polled["voicenter"]
    assert "Paperphone has not said yet who waits in its queues" in await desk.type("/calls waiting")
    phone(desk).fault = None
    desk.clock.advance(IDLE_SECONDS)
    await poll()
    assert await desk.type("/calls waiting") == "No call is waiting."


async def test_a_service_that_tells_by_itself_is_never_old(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    async with office(tmp_path, fake_slack, slack_clock) as desk:
        assert await desk.type("/calls waiting") == "No call is waiting."


@given(st.lists(st.tuples(calls, contacts, st.booleans()), max_size=PAGE + 3), words, st.integers(0, 3))
def test_any_callers_make_a_message_that_slack_takes(shown: list[Any], scope: str, page: int) -> None:
    rows = [
        Caller(call, contact, masked, frozenset({"accept", "decline", "play"}), "Voicenter")
        for number, (call, contact, masked) in enumerate(shown)
        if call.id not in {other.id for other, *_ in shown[:number]}
    ]
    made = callers_message(rows, scope, page, NOW, ZONE, where=scope, behind=[("Voicenter", NOW - 60)])
    check_message(made.text, list(made.blocks))
