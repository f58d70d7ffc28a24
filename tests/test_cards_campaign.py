"""Campaigns and lists of calls as cards and forms: whatever comes from outside, Slack takes it and it rings nobody."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cards.batch import WORDS, batch_card
from bot.cards.campaign import (
    QUESTIONS,
    Shown,
    list_message,
    members_message,
    one_message,
    pending_message,
    question_message,
    results_message,
)
from bot.cards.campaign_forms import (
    call_form,
    file_form,
    ivr_form,
    member_form,
    number_form,
    strategy_form,
    upload_form,
)
from bot.events import Outcome
from bot.operations import operations
from bot.orders import Campaign, CampaignCall, Member
from bot.store.campaigns import Batch
from tests.block_rules import check_view
from tests.card_examples import HOSTILE, NOW, NUMBER, REP, ZONE, action_ids, checked, words

codes = st.from_regex(r"[A-Za-z0-9]{1,12}", fullmatch=True)
ALL = frozenset(operations())
counts = st.integers(0, 200_000)
campaigns = st.builds(
    Campaign,
    code=st.text(min_size=1),
    name=words,
    state=st.sampled_from(["running", "stopped"]),
    pending=st.none() | counts,
    min_priority=st.none() | counts,
    max_priority=st.none() | counts,
)
waiting = st.builds(
    CampaignCall,
    number=st.sampled_from([NUMBER, "", "<!channel>"]),
    caller_id=words,
    name=words,
    at=st.none() | st.floats(0, 4e9),
    priority=st.none() | counts,
    status=words,
    variables=st.dictionaries(words, words, max_size=2),
)


def shown(campaign: Campaign, number: int = 0, *, manager: bool = True, can: frozenset[str] = ALL) -> Shown:
    return Shown(campaign, f"voicenter {number:016x}", "", can, manager)


def batch(**changes: Any) -> Batch:
    given = {"id": "b1", "account": "voicenter", "campaign": "k", "name": "Spring sale", "source": "march.csv"}
    return Batch(**(given | {"by": REP, "at": NOW, "state": "preview"} | changes))  # type: ignore[arg-type]


@given(st.lists(campaigns, max_size=25), st.lists(words, max_size=4))
def test_the_list(found: list[Campaign], wrong: list[str]) -> None:
    listed = [shown(one, number) for number, one in enumerate(found)]
    checked(list_message(listed, wrong, NOW, ZONE, command="/campaign"))


@given(campaigns, st.lists(waiting, max_size=40), st.integers(-1, 9), st.booleans())
def test_one_and_its_calls(found: Campaign, calls: list[CampaignCall], page: int, manager: bool) -> None:
    one = shown(found, manager=manager)
    checked(one_message(one, NOW, ZONE))
    checked(pending_message(one, calls, page, NOW, ZONE))
    for what in QUESTIONS:
        checked(question_message(one, what))


@given(
    campaigns,
    st.lists(
        st.builds(Member, code=st.one_of(codes, st.text("9x", min_size=1950, max_size=2050)), name=words), max_size=25
    ),
)
def test_members(found: Campaign, members: list[Member]) -> None:
    checked(members_message(shown(found), members, {member.code: REP for member in members[::2]}))


@given(campaigns, counts, st.dictionaries(st.sampled_from(["", *Outcome]), st.tuples(counts, counts)))
def test_results(found: Campaign, added: int, outcomes: dict[str, tuple[int, int]]) -> None:
    checked(results_message(shown(found), added, outcomes, NOW, ZONE))


@given(
    st.sampled_from(["preview", "adding", "paused", "done", "dropped"]),
    st.dictionaries(st.sampled_from(["ready", "sending", "added", *WORDS]), st.integers(0, 100_000)),
    words,
    st.lists(words, min_size=3, max_size=3),
)
def test_a_list_of_calls(state: Any, rows: dict[str, int], word: str, typed: list[str]) -> None:
    sample = [(line, text, word, CampaignCall(number=NUMBER, name=word)) for line, text in enumerate(typed)]
    samples = {state: sample[: rows.get(state, 0)] for state in ("ready", *WORDS)}
    one = batch(state=state, source=word or "x", name=word, words=word, notes=f"{word}\n{word}")
    checked(batch_card(one, rows, {"closed": 1, "unknown": 2}, samples, ZONE))


def test_what_is_not_known_of_the_hours_is_said() -> None:
    card = batch_card(batch(), {"ready": 3}, {"open": 1, "closed": 1, "unknown": 1}, {}, ZONE)
    assert "1 call would be outside calling hours" in card.text
    assert "For 1 of them it is not known what time it is there." in card.text


@pytest.mark.parametrize(
    ("least", "most", "words"), [(0, 0, ""), (5, 5, "Priority 5."), (1, 9, "Priorities from 1 to 9.")]
)
def test_priorities_are_told_where_there_are_some(least: int, most: int, words: str) -> None:
    found = Campaign(code="SALE", name="Spring sale", state="running", min_priority=least, max_priority=most)
    text = checked(one_message(shown(found), NOW, ZONE)).text
    assert words in text
    assert ("Priorit" in text) == bool(words)


def test_one_call_waits() -> None:
    assert "1 call waits for a second manager." in batch_card(batch(state="asked"), {"ready": 1}, {}, {}, ZONE).text


def test_one_row_is_no_rows() -> None:
    assert "1 row\n" in batch_card(batch(), {"ready": 1}, {}, {}, ZONE).text


@pytest.mark.parametrize(
    ("state", "rows", "there"),
    [
        ("preview", {"ready": 3}, ["campaign:add_rows", "campaign:drop_rows"]),
        ("preview", {"invalid": 3}, ["campaign:drop_rows", "campaign:report"]),
        ("adding", {"ready": 3, "invalid": 1}, ["campaign:pause_rows"]),
        ("paused", {"ready": 3, "unclear": 1}, ["campaign:add_rows", "campaign:drop_rows", "campaign:report"]),
        ("paused", {"added": 3}, ["campaign:drop_rows"]),
        ("done", {"added": 3}, []),
        ("done", {"added": 3, "rejected": 1}, ["campaign:report"]),
        ("dropped", {"ready": 3}, []),
    ],
)
def test_only_buttons_that_make_sense(state: str, rows: dict[str, int], there: list[str]) -> None:
    assert action_ids(batch_card(batch(state=state), rows, {}, {}, ZONE).blocks) == there


def test_nobody_sees_a_button_that_the_service_cannot_do() -> None:
    found = Campaign(code="c", name="Spring sale", state="stopped")
    one = shown(found, can=frozenset({"campaigns", "stop_campaign"}))
    assert action_ids(one_message(one, NOW, ZONE).blocks) == ["campaign:results"]
    assert action_ids(members_message(one, [Member(code="201")], {}).blocks) == []


def test_a_campaign_of_which_nobody_knows_whether_it_dials_can_be_started_and_stopped() -> None:
    found = Campaign(code="c", name="Spring sale", state="unknown")
    one = shown(found, can=frozenset({"start_campaign", "stop_campaign"}))
    told = one_message(one, NOW, ZONE)
    assert action_ids(told.blocks) == ["campaign:start", "campaign:stop", "campaign:results"]
    assert "In a state that the service does not explain" in told.text


@pytest.mark.parametrize("name", HOSTILE)
def test_forms(name: str) -> None:
    choices = [(f"voicenter {number}", name) for number in range(150)]
    for view in (call_form, number_form, upload_form, member_form, strategy_form, ivr_form):
        check_view(view([(value, "Sale") for value, _ in choices], "voicenter 1", "https://slack.example/r"))
    if "<!" not in name:
        check_view(file_form(choices, "F1"))
