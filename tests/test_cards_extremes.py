"""Lists, small cards and forms with whatever outsiders, phone services and settings may send: Slack takes all of them.

The large cards have such tests beside their own.
"""

from dataclasses import replace as replace_row
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.cards import extensions, live_calls, plain, presence, recording, waiting, web_phone
from bot.cards.callers import Caller, callers_message
from bot.cards.controls import FORMS, LABELS, choice_modal, keypad_modal, party_modal, play_modal
from bot.cards.slack_call import slack_call_card
from bot.orders import Extension
from bot.store.missed import Missed
from tests.block_rules import check_view
from tests.card_examples import (
    NOW,
    REP,
    ZONE,
    call,
    calls,
    checked,
    contacts,
    ids,
    missed_callers,
    words,
)

controls = st.frozensets(st.sampled_from([*(action.partition(":")[2] for action in LABELS), "hang_up"]))
our_words = words.map(plain)
"""Sentences of ours that quote somebody."""
choices = st.lists(st.tuples(st.sampled_from(["", "1", "2", "3", "x" * 151]), words), max_size=4)
"""Values and labels as a phone service may list them: empty, twice, too long."""
some = st.sampled_from([0, 1, 2, 16, 200])


def many(one: Any, count: int) -> list[Any]:
    """So many of the same kind that differ in their ids."""
    return [replace(one, id=f"{number}") for number in range(count)]


@given(calls, some, controls, words, st.booleans())
def test_any_list_of_living_calls(one: Any, count: int, can: frozenset[str], name: str, team: bool) -> None:
    found = many(one, count)
    checked(live_calls.list_message(found, NOW, ZONE, lambda _: can, lambda _: name, team=team))


@given(calls, some, controls, contacts, our_words, words, st.booleans(), st.integers(0, 30))
def test_any_list_of_callers(
    one: Any, count: int, can: frozenset[str], contact: Any, acting: str, where: str, masked: bool, page: int
) -> None:
    acting = acting and f"{acting} takes the call…"
    found = [Caller(each, contact, masked, can, where, acting) for each in many(one, count)]
    nobody = f"There is no line {acting}." if acting else ""
    checked(
        callers_message(found, where, page, NOW, ZONE, where=where, nobody=nobody, behind=[(where, 0.0), ("", NOW)])
    )


def test_several_callers_to_whom_something_is_done_at_once() -> None:
    """By two reps, say: the list is for everybody else just then."""
    found = [Caller(each, None, False, frozenset(), "Paperphone", "<@U1> takes the call…") for each in many(call(), 2)]
    shown = checked(callers_message(found, "", 0, NOW, ZONE, where="", behind=[]))
    assert shown.text.count("<@U1> takes the call…") == 2


@given(missed_callers, some, contacts, words, st.lists(words, max_size=5), st.booleans())
def test_any_list_of_those_who_wait(
    one: Missed, count: int, contact: Any, label: str, names: list[str], masked: bool
) -> None:
    found = [replace_row(one, id=f"{number}", claimed_by=one.claimed_by and REP) for number in range(count)]
    colleagues = [(f"U{number:09}", name) for number, name in enumerate(names * 30)]
    for scope in ("", waiting.MINE, "+12025550199"):
        choice = waiting.Choice(scope=scope, page=1)
        shown = waiting.list_message(
            found, choice, NOW, ZONE, lambda _: contact, lambda _: masked, label=label, colleagues=colleagues
        )
        checked(shown)


@given(calls, st.integers(0, recording.SHOWN), words, words, st.booleans())
def test_any_list_of_recordings(one: Any, count: int, name: str, heading: str, reps: bool) -> None:
    found = many(replace(one, recordings=("a", "b")), count)
    checked(recording.list_message(found, heading, {one.number: name}, NOW, ZONE, with_reps=reps))
    checked(recording.choice_message(found, "start_recording", {one.number: name}))
    links = [f"https://callboard.example/recordings/{number}" for number in range(30)]
    checked(recording.links_message(one, name, links, 5))
    checked(recording.links_message(one, name, links[:1], 5))


@given(our_words, our_words, ids)
def test_any_question_before_recording(question: str, yes: str, call_id: str) -> None:
    check_view(recording.consent_modal(call_id, f"May it be recorded? {question}", yes))


@given(
    st.builds(Extension, code=words, name=words, speed_dial=words, owner=words, person=words, device=words),
    st.builds(extensions.Listed, title=words, more=some, wrong=words, whole=st.booleans()),
    st.sampled_from([0, 1, extensions.LISTED]),
    st.sampled_from([1, 2, 7, 16]),
)
def test_any_list_of_extensions(one: Extension, account: extensions.Listed, count: int, accounts: int) -> None:
    listed = replace(account, found=[one] * count)
    checked(extensions.extensions_message([listed] * accounts, "/phone"))


@given(words, st.dictionaries(st.text("0123456789", min_size=1, max_size=3), words, min_size=1, max_size=100))
def test_any_status(title: str, statuses: dict[str, str]) -> None:
    for known in (False, True):
        shown = presence.presence_message(
            title, "pbx", statuses, status="1", at=NOW, known=known, command="/phone", now=NOW, zone=ZONE
        )
        checked(shown)


@given(words, our_words)
def test_any_slack_call_and_web_phone(title: str, login: str) -> None:
    checked(slack_call_card("R0123456789", title, "https://callboard.example/phone"))
    checked(web_phone.link_message("https://callboard.example/phone/abc", 5))
    accounts = [("pbx", title), ("other", login)]
    check_view(web_phone.web_phone_modal(accounts, {"login": login, "account": "pbx"}, private_metadata="{}"))


@given(st.sampled_from(sorted(FORMS)), ids, words, choices)
def test_any_form_of_a_living_call(action: str, call_id: str, title: str, listed: list[tuple[str, str]]) -> None:
    check_view(party_modal(action, call_id))
    check_view(keypad_modal(call_id))
    check_view(play_modal(call_id, listed))
    check_view(choice_modal("tag", call_id, title, listed))
