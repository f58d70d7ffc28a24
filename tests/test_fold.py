"""`fold()`: simulated lives of both providers' calls end as they should, whatever order their webhooks come in."""

import asyncio
import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import providers
from bot.call import Call
from bot.errors import Ambiguous, ProviderError
from bot.events import (
    CUSTOMER,
    REP,
    UNNAMED,
    Accepted,
    AnyEvent,
    CallEnded,
    CdrReceived,
    Described,
    Guided,
    HangUpAsked,
    Heard,
    LegAnswered,
    LegEnded,
    LegRinging,
    NotPlaced,
    Outcome,
    RecordingChanged,
    Requested,
    Settled,
    State,
    Unclear,
    Wrapped,
)
from bot.fold import fold
from bot.hooks import Reply, Request
from bot.orders import CallOrder, RepPhone
from bot.provider import Provider
from bot.providers import NAMES, provider_class
from bot.simulator.app import exchange_class
from bot.simulator.behaviours import ANSWERS, BEHAVIOURS, INCOMING, TALK_SECONDS, IncomingKind
from bot.simulator.clock import ManualClock
from bot.simulator.exchange import Delivery, Exchange
from bot.simulator.network import Network

FOLDER = Path(providers.__file__).parent
KINDS = [
    name
    for name in NAMES
    if (FOLDER / name / "simulator.py").exists()
    and provider_class(name).can("place_call")
    and provider_class(name).next_step is Provider.next_step  # a call that we conduct lives in test_conducting.py
]
HOOK = "http://callboard.example/hooks/account/secret"
LONG_SECONDS = 1000.0
"""After this all webhooks have come, late ones too."""

ENDINGS = {ANSWERS.name: "01", **{behaviour.name: ending for ending, behaviour in BEHAVIOURS.items()}}
PREFIXES = {"gurulize": "+9055500000"}
"""Gurulize calls Turkish numbers only; everybody else may call +1 202 555 01xx."""

_ORDER = list(State)


@dataclass(frozen=True)
class World:
    """One simulated account and the provider class that speaks to it, without a network between them."""

    clock: ManualClock
    network: Network
    exchange: Exchange
    provider: Provider
    told: list[AnyEvent]


def world(kind: str) -> World:
    clock = ManualClock()
    told: list[AnyEvent] = []

    async def deliver(delivery: Delivery) -> Reply | None:
        assert delivery.url.startswith(HOOK)
        url = urlsplit(delivery.url.removeprefix(HOOK))
        headers = {name.lower(): value for name, value in delivery.headers.items()}
        query = tuple(parse_qsl(url.query, keep_blank_values=True))
        request = Request(delivery.method, url.path.strip("/"), query, headers, delivery.body, clock.now())
        webhook = provider.read_webhook(request)
        told.extend(webhook.events)
        return webhook.reply

    def serve(request: httpx.Request) -> httpx.Response:
        query = tuple(request.url.params.multi_items())
        path = request.url.path.removeprefix("/")
        reply = exchange.serve(
            Request(request.method, path, query, dict(request.headers), request.content, clock.now())
        )
        if reply is None:
            raise httpx.ReadTimeout("the simulated service never answers")
        return httpx.Response(reply.status, headers={"content-type": reply.content_type}, content=reply.body)

    network = Network(clock, deliver)
    exchange = exchange_class(kind)(network, HOOK)
    cls = provider_class(kind)
    values = {
        setting.name: setting.default or ("secret" if setting.secret else "https://provider.example/secret")
        for setting in cls.settings
    }
    provider = cls(kind, values, httpx.AsyncClient(transport=httpx.MockTransport(serve)), "IL")
    if hasattr(provider, "clock"):
        provider.clock = clock.now
    return World(clock, network, exchange, provider, told)


async def dialled(here: World, number: str) -> list[AnyEvent]:
    """What is written down about a dial, as the gate for all dials does it."""
    # An extension where the service has them: most services tell more about their own phones.
    own = here.exchange.extensions
    kinds = [kind for kind in ("extension", "employee") if own and kind in here.provider.rep_phones]
    phone = RepPhone(kinds[0], own[0]) if kinds else RepPhone("number", number[:-2] + "99")
    asked = Requested(at=here.clock.now(), rep="U1", rep_phone=phone.value, number=number)
    order = CallOrder(call_id="call-1", rep=phone, number=number)
    try:
        return [asked, await here.provider.place_call(order)]
    except Ambiguous as error:
        return [asked, Unclear(at=here.clock.now(), words=str(error))]
    except ProviderError as error:
        return [asked, NotPlaced(at=here.clock.now(), outcome=Outcome.REFUSED, words=str(error))]


@cache
def life(kind: str, behaviour: str) -> tuple[AnyEvent, ...]:
    """All events of one call, in the order they came. The first is `Requested`."""

    async def live() -> tuple[AnyEvent, ...]:
        here = world(kind)
        ours = await dialled(here, PREFIXES.get(kind, "+120255501") + ENDINGS[behaviour])
        await here.clock.advance(LONG_SECONDS)
        await here.network.close()
        return (*ours, *here.told)

    return asyncio.run(live())


@cache
def incoming_life(kind: str, goes: IncomingKind) -> tuple[AnyEvent, ...]:
    async def live() -> tuple[AnyEvent, ...]:
        here = world(kind)
        here.network.incoming(here.exchange, caller="+12025550131", did="+972505550100", kind=goes)
        await here.clock.advance(LONG_SECONDS)
        await here.network.close()
        return tuple(here.told)

    return asyncio.run(live())


def call_of(events: Iterable[AnyEvent]) -> Call:
    return fold("call-1", "account", events)


def stored(events: Iterable[AnyEvent]) -> list[AnyEvent]:
    """As the store keeps them: of events with one key, the first that came."""
    kept: dict[str, AnyEvent] = {}
    for event in events:
        kept.setdefault(event.key, event)
    return list(kept.values())


EXPECTED: dict[str, Outcome | None] = {
    "answers": Outcome.ANSWERED,
    "busy": Outcome.BUSY,
    "no answer": Outcome.NO_ANSWER,
    "rejects": Outcome.REJECTED,
    "voicemail": Outcome.VOICEMAIL,
    "unknown number": Outcome.UNREACHABLE,
    "rep does not pick up": Outcome.REP_NO_ANSWER,
    "rep busy": Outcome.REP_BUSY,
    "rep hangs up first": Outcome.ANSWERED,
    "out of credit": Outcome.NO_CREDIT,
    "provider times out": Outcome.ANSWERED,
    "provider fails": None,  # nobody knows, and nothing will tell
    "duplicate webhooks": Outcome.ANSWERED,
    "late webhooks": Outcome.ANSWERED,
    "out-of-order webhooks": Outcome.ANSWERED,
    "no final webhook": None,
    "presses 5": Outcome.ANSWERED,
    "speaks": Outcome.ANSWERED,
}
OTHERWISE: dict[tuple[str, str], Outcome | None] = {
    **{
        ("callgear", behaviour): Outcome.NO_ANSWER  # why nobody talked is not in its notifications
        for behaviour in ("busy", "rejects", "unknown number", "rep does not pick up", "rep busy")
    },
    ("callgear", "voicemail"): Outcome.ANSWERED,
    ("callgear", "out of credit"): Outcome.REFUSED,
    ("gurulize", "voicemail"): Outcome.ANSWERED,  # a mailbox that picks up has no status of its own
    ("voicenter", "voicemail"): Outcome.ANSWERED,  # the same; VOICEMAIL is the account's own mailbox
    ("voicenter", "rejects"): Outcome.BUSY,
    ("voicenter", "out of credit"): Outcome.REFUSED,  # told at once, and nothing rings
}
"""Where a service cannot tell the difference."""

EXPECTED_INCOMING: dict[IncomingKind, tuple[Outcome, bool]] = {
    "answered": (Outcome.ANSWERED, False),
    "missed": (Outcome.NO_ANSWER, True),
    "abandoned": (Outcome.ABANDONED, True),
    "colleague": (Outcome.ANSWERED, False),
}
RINGING_IN = [kind for kind in KINDS if exchange_class(kind).extensions]


def test_every_behaviour_has_an_expectation() -> None:
    assert set(EXPECTED) == set(ENDINGS)
    assert set(EXPECTED_INCOMING) == set(INCOMING)


@pytest.mark.parametrize("behaviour", ENDINGS)
@pytest.mark.parametrize("kind", KINDS)
def test_outcome(kind: str, behaviour: str) -> None:
    expected = OTHERWISE.get((kind, behaviour), EXPECTED[behaviour])
    call = call_of(stored(life(kind, behaviour)))
    assert call.outcome is expected
    assert call.direction == "out"
    if behaviour == "provider fails":
        assert call.state is State.UNCLEAR
        assert "internal error" in call.words.lower()
    elif behaviour == "no final webhook":
        assert call.state is State.TALKING
    else:
        assert call.state is State.ENDED


@pytest.mark.parametrize("behaviour", [name for name, outcome in EXPECTED.items() if outcome is Outcome.ANSWERED])
@pytest.mark.parametrize("kind", KINDS)
def test_both_legs_are_one_conversation(kind: str, behaviour: str) -> None:
    call = call_of(stored(life(kind, behaviour)))
    assert call.conversation
    assert len(call.refs) == 1
    assert {leg.name for leg in call.legs} == {REP, CUSTOMER}
    assert call.talk_seconds == pytest.approx(TALK_SECONDS, abs=2)


@pytest.mark.parametrize("goes", INCOMING)
@pytest.mark.parametrize("kind", RINGING_IN)
def test_incoming(kind: str, goes: IncomingKind) -> None:
    call = call_of(stored(incoming_life(kind, goes)))
    assert call.direction == "in"
    assert call.state is State.ENDED
    assert (call.outcome, call.missed) == EXPECTED_INCOMING[goes]
    assert call.number == "+12025550131"
    assert call.extension or goes == "abandoned"


ALL_LIVES = [(kind, name) for kind in KINDS for name in ENDINGS]
ALL_INCOMING = [(kind, goes) for kind in RINGING_IN for goes in INCOMING]


def lives() -> st.SearchStrategy[tuple[AnyEvent, ...]]:
    out = st.sampled_from(ALL_LIVES).map(lambda which: life(*which))
    if not ALL_INCOMING:
        return out
    return out | st.sampled_from(ALL_INCOMING).map(lambda which: incoming_life(*which))


@given(st.data(), lives())
def test_any_order_and_any_repeats_make_the_same_call(data: Any, events: tuple[AnyEvent, ...]) -> None:
    repeats = data.draw(st.lists(st.sampled_from(events), max_size=len(events)))
    shuffled = data.draw(st.permutations([*events, *repeats]))
    assert call_of(shuffled) == call_of(events)
    assert call_of(stored(shuffled)) == call_of(stored(events))


@given(st.data(), st.sampled_from(ALL_LIVES))
def test_an_outgoing_call_only_moves_forward(data: Any, which: tuple[str, str]) -> None:
    """However webhooks overtake each other, nobody sees an ended call ring again."""
    first, *rest = life(*which)
    shuffled = data.draw(st.permutations(rest))
    states = [call_of([first, *shuffled[:count]]).state for count in range(len(shuffled) + 1)]
    known = [_ORDER.index(state) for state in states if state is not State.UNCLEAR]
    assert known == sorted(known)


@pytest.mark.parametrize(("kind", "goes"), ALL_INCOMING)
def test_an_incoming_call_only_moves_forward(kind: str, goes: IncomingKind) -> None:
    """While it goes from one phone to the next it is not missed: that is decided when it is over."""
    events = incoming_life(kind, goes)
    calls = [call_of(events[: count + 1]) for count in range(len(events))]
    states = [_ORDER.index(call.state) for call in calls]
    assert states == sorted(states)
    assert {call.missed for call in calls} <= {False, EXPECTED_INCOMING[goes][1]}


def test_a_ring_group_that_moves_on_has_not_missed_the_call() -> None:
    rang: list[AnyEvent] = [
        Described(ref="41", at=1, source="popup", direction="in", number="+12025550131"),
        LegRinging(ref="41", at=1, leg="ext:ada"),
        LegEnded(ref="41", at=13, leg="ext:ada", outcome=Outcome.NO_ANSWER),
    ]
    assert call_of(rang).state is State.RINGING
    assert not call_of(rang).missed
    over = call_of([*rang, CallEnded(ref="41", at=14)])
    assert (over.state, over.outcome, over.missed) == (State.ENDED, Outcome.NO_ANSWER, True)


TALK: list[AnyEvent] = [
    Requested(at=0, rep="U1", rep_phone="+12025550199", number="+12025550101"),
    LegAnswered(ref="41", at=1, leg=REP),
    LegAnswered(ref="41", at=2, leg=CUSTOMER),
]


@given(st.data())
def test_who_rang_without_a_name_is_whoever_answered_first(data: Any) -> None:
    """Nobody else who rang or answered, and no leg that is nobody's phone; and it is the phone that they took up."""
    told: list[AnyEvent] = [
        LegRinging(ref="41", at=1, leg=UNNAMED, leg_ref="31"),
        LegRinging(ref="41", at=2, leg="ext:bob", leg_ref="33"),
        LegAnswered(ref="41", at=3, leg="queue:12", leg_ref="34"),
        LegAnswered(ref="41", at=5, leg="ext:ada", leg_ref="32"),
        LegAnswered(ref="41", at=9, leg="ext:bob", leg_ref="33"),
    ]
    call = call_of(data.draw(st.permutations(told)))
    assert {leg.name: (leg.ref, leg.ringing_at) for leg in call.legs} == {
        "ext:ada": ("32", 1),
        "ext:bob": ("33", 2),
        "queue:12": ("34", 3),
    }


@given(st.data())
def test_a_call_that_was_not_to_be_found_is_over_unless_a_phone_lived_on(data: Any) -> None:
    """Not because somebody notes something, or has just asked for its end."""
    over = CallEnded(ref="41", at=30, absent=True)
    said: list[AnyEvent] = [HangUpAsked(at=40, by="U1"), Wrapped(at=50, by="U1", note="Call later")]
    ended = call_of(data.draw(st.permutations([*TALK, over, *said])))
    assert (ended.state, ended.ended_at) == (State.ENDED, 30)
    alive = LegRinging(ref="41", at=31, leg="third:+12025550177")
    assert call_of(data.draw(st.permutations([*TALK, over, alive, *said]))).state is State.TALKING
    told = CallEnded(ref="41", at=25)
    assert call_of(data.draw(st.permutations([*TALK, over, alive, told]))).state is State.ENDED


@given(st.data(), st.sampled_from([4.0, 5.0, 6.0]), st.sampled_from(["", "No space left"]))
def test_a_recording_that_is_over_does_not_run_whatever_the_order(data: Any, at: float, words: str) -> None:
    """Also where it failed in the very moment in which it began, or by another clock before that."""
    begun = RecordingChanged(ref="41", at=5, on=True, recording="rec-1")
    over = RecordingChanged(ref="41", at=at, on=False, recording="rec-1", words=words)
    assert call_of([*TALK, begun]).recording_on
    assert not call_of(data.draw(st.permutations([*TALK, begun, over, begun]))).recording_on


@given(st.data())
def test_another_recording_runs_after_one_that_failed(data: Any) -> None:
    events = [
        *TALK,
        RecordingChanged(ref="41", at=5, on=True, recording="rec-1"),
        RecordingChanged(ref="41", at=5, on=False, recording="rec-1", words="No space left"),
        RecordingChanged(ref="41", at=6, on=True, recording="rec-2"),
    ]
    assert call_of(data.draw(st.permutations(events))).recording_on


@given(st.data())
def test_hanging_up_is_awaited_since_it_was_asked_for_last(data: Any) -> None:
    events = [*TALK, *(HangUpAsked(at=at, by=by) for at, by in ((10, "U1"), (40, "U2")))]
    call = call_of(data.draw(st.permutations(stored(events))))
    assert (call.hang_up_by, call.hang_up_at) == ("U2", 40)
    assert [call.hanging_up(at) for at in (41, 59, 61)] == [True, True, False]


@given(st.data())
def test_what_was_said_of_a_call_can_be_taken_back_and_said_anew(data: Any) -> None:
    asked = Requested(at=1, rep="U1", rep_phone="+12025550199", number="+12025550101", note="asked for with it")
    said = [
        Wrapped(at=20, by="U1", disposition="sold", note="wants two"),
        Wrapped(at=30, by="U2", taken_back=("note",)),
        Wrapped(at=40, by="U1", taken_back=("disposition",)),
        Wrapped(at=50, by="U1", note="wants three"),
    ]
    told = [("", "asked for with it"), ("sold", "wants two"), ("sold", ""), ("", ""), ("", "wants three")]
    for count, expected in enumerate(told):
        events = [asked, *said[:count], *said[:count]]
        call = call_of(data.draw(st.permutations(stored(data.draw(st.permutations(events))))))
        assert (call.disposition, call.note) == expected


def test_what_was_said_before_anything_could_be_taken_back_reads_as_it_did() -> None:
    kept = b'[{"type":"wrapped","at":20.0,"by":"U1","note":"wants two"},{"type":"wrapped","at":30.0,"by":"U1"}]'
    (first, second) = events = msgspec.json.decode(kept, type=list[AnyEvent])
    assert call_of(events).note == "wants two"
    assert msgspec.json.encode([first, second]) == kept, "and is written as it was"


times = st.integers(0, 5).map(float)
legs = st.sampled_from([REP, CUSTOMER, "ext:AAPINFzL", "ext:BBPINFzM", UNNAMED, "queue:12"])
leg_refs = st.sampled_from(["", "32", "33"])
endings = st.sampled_from(Outcome)
refs = st.sampled_from(["41", "42"])
any_event: st.SearchStrategy[AnyEvent] = st.one_of(
    st.builds(
        Requested, at=times, rep=st.just("U1"), rep_phone=st.just("+12025550199"), number=st.just("+12025550101")
    ),
    st.builds(Accepted, ref=refs, at=times),
    st.builds(
        NotPlaced, at=times, outcome=st.sampled_from([Outcome.REFUSED, Outcome.NOT_PLACED]), words=st.just("No.")
    ),
    st.builds(Unclear, at=times, words=st.just("Perhaps.")),
    st.builds(Settled, at=times, by=st.just("U1"), outcome=endings),
    st.builds(LegRinging, ref=refs, at=times, leg=legs, leg_ref=leg_refs, again=st.sampled_from([0.0, 2.0])),
    st.builds(LegAnswered, ref=refs, at=times, leg=legs, leg_ref=leg_refs, again=st.sampled_from([0.0, 2.0])),
    st.builds(LegEnded, ref=refs, at=times, leg=legs, outcome=endings),
    st.builds(CallEnded, ref=refs, at=times, outcome=endings, absent=st.booleans()),
    st.builds(
        Described,
        ref=refs,
        at=times,
        source=st.sampled_from(["popup", "poll"]),
        direction=st.sampled_from([None, "in", "out"]),
        name=st.sampled_from(["", "Ada"]),
    ),
    st.builds(CdrReceived, ref=refs, at=times, leg=legs, outcome=endings, talk_seconds=st.integers(0, 9)),
    st.builds(HangUpAsked, at=times, by=st.just("U2")),
    st.builds(RecordingChanged, ref=refs, at=times, on=st.booleans(), recording=st.sampled_from(["", "rec-1"])),
    st.builds(
        Wrapped,
        at=times,
        by=st.sampled_from(["U1", "U2"]),
        disposition=st.sampled_from(["", "sold", "later"]),
        note=st.sampled_from(["", "wants two"]),
        taken_back=st.sampled_from([(), ("disposition",), ("note",), ("disposition", "note")]),
    ),
)


@given(st.data(), st.lists(any_event, min_size=1, max_size=10).map(stored))
def test_any_events_at_all_make_one_call(data: Any, events: list[AnyEvent]) -> None:
    call = call_of(events)
    assert call_of(data.draw(st.permutations(events))) == call
    assert (call.state is State.ENDED) == (call.outcome is not None)
    assert (call.ended_at > 0) <= (call.state is State.ENDED)
    assert call.talk_seconds >= 0


# Gurulize has no final record: its statuses alone must tell, however many of them got lost or came twice.


def gurulize(*codes: int) -> Call:
    provider = world("gurulize").provider
    events: list[AnyEvent] = [Requested(at=1, rep="U1", rep_phone="+905550000001", number="+905550000002")]
    for code in codes:
        query = (("id", "41"), ("code", str(code)), ("time", str(1_700_000_000 + 10 * code)))
        events += provider.read_webhook(Request("GET", "", query, {}, b"", 1_700_005_000.0)).events
    return call_of(stored(events))


@pytest.mark.parametrize(
    ("codes", "outcome", "talked"),
    [
        ((0, 1, 2, 11, 12), Outcome.ANSWERED, 100),
        ((0, 1, 2, 11), Outcome.ANSWERED, 90),
        ((0, 1, 2, 12), Outcome.ANSWERED, 100),
        ((2, 12), Outcome.ANSWERED, 100),
        ((0, 1, 2, 13), Outcome.ANSWERED, 110),
        ((12,), Outcome.ANSWERED, 0),
        ((0, 1, 11), Outcome.CANCELLED, 0),
        ((0, 11), Outcome.PENDING, 0),
        ((0, 13), Outcome.NO_CREDIT, 0),
        ((0, 1, 13, 11), Outcome.NO_CREDIT, 0),
        ((0, 3), Outcome.REP_BUSY, 0),
        ((0, 5), Outcome.REP_REJECTED, 0),
        ((0, 7), Outcome.REP_NO_ANSWER, 0),
        ((0, 9), Outcome.REP_UNREACHABLE, 0),
        ((0, 1, 4, 11), Outcome.BUSY, 0),
        ((0, 1, 6, 11), Outcome.REJECTED, 0),
        ((0, 1, 8, 11), Outcome.NO_ANSWER, 0),
        ((0, 1, 10, 11), Outcome.UNREACHABLE, 0),
    ],
)
def test_gurulize_statuses_in_every_order(codes: tuple[int, ...], outcome: Outcome, talked: int) -> None:
    for order in itertools.permutations(codes):
        call = gurulize(*order, *order[:1])
        assert (call.state, call.outcome, call.talk_seconds) == (State.ENDED, outcome, talked)


@pytest.mark.parametrize("leg", [CUSTOMER, REP])
def test_a_mailbox_that_was_taken_for_an_answer_first_is_a_mailbox(leg: str) -> None:
    asked = Requested(at=1.0, rep="U1", rep_phone="+12025550190", number="+12025550123")
    told: list[AnyEvent] = [
        LegAnswered(ref="r", at=4.0, leg=leg),
        LegEnded(ref="r", at=5.0, leg=leg, outcome=Outcome.VOICEMAIL),
        CallEnded(ref="r", at=20.0),
    ]
    call = fold("c1", "acme", [asked, *told])
    assert call.outcome is (Outcome.VOICEMAIL if leg == CUSTOMER else Outcome.REP_NO_ANSWER)
    assert (call.answered_at, call.talk_seconds) == (0, 0)


@pytest.mark.parametrize(
    ("codes", "state"),
    [((), State.REQUESTED), ((0,), State.RINGING), ((0, 1), State.CONNECTING), ((0, 1, 2), State.TALKING)],
)
def test_gurulize_live_states(codes: tuple[int, ...], state: State) -> None:
    for order in itertools.permutations(codes):
        assert gurulize(*order).state is state


@given(st.permutations(range(5)))
def test_what_was_keyed_is_told_in_the_order_of_its_times(order: list[int]) -> None:
    events: list[AnyEvent] = [
        Described(ref="r", at=1, source="ivr", direction="in", number="+12025550131"),
        Guided(ref="r", at=2, asked=">", does="menu", step="hello"),
        Guided(ref="r", at=3, asked=">hello", digits="9", does="menu", step="hello"),
        Heard(ref="r", at=4, phrase="yes"),
        Guided(ref="r", at=5, asked="hello>hello", digits="1", does="dial", step="sales"),
    ]
    call = fold("call-1", "account", [events[place] for place in (*order, *order)])
    assert (call.heard, call.guided_at, call.state) == (("9", "yes", "1"), 5, State.RINGING)
