"""The call card in every state, and the record of a finished call."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.call import Call
from bot.cards import Message
from bot.cards.call import call_card
from bot.cards.cdr import cdr_card
from bot.cards.outcomes import NEVER_DIALLED, SHORT
from bot.events import Outcome, State
from bot.store.contacts import Contact
from tests.card_examples import (
    DANA,
    HOSTILE,
    NOW,
    NUMBER,
    PRETTY,
    REP,
    ZONE,
    action_ids,
    call,
    calls,
    checked,
    contacts,
    ended,
    words,
)


def show(shown: Call, *, can_hang_up: bool = True, reminder_at: float = 0, own: bool = True) -> Message:
    return checked(
        call_card(
            shown, contact=DANA, account_title="Voicenter", can_hang_up=can_hang_up, now=NOW, zone=ZONE,
            reminder_at=reminder_at, own=own,
        )
    )  # fmt: skip


@given(calls, contacts, words, st.booleans(), st.booleans(), st.booleans())
def test_any_call_makes_a_card_that_slack_takes(
    shown: Call, contact: Contact | None, title: str, can_hang_up: bool, own: bool, masked: bool
) -> None:
    checked(
        call_card(
            shown, contact=contact, account_title=title, can_hang_up=can_hang_up, now=NOW, zone=ZONE,
            reminder_at=NOW + 60, own=own, masked=masked,
        )
    )  # fmt: skip


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (State.REQUESTED, "Placing the call to"),
        (State.UNCLEAR, "Callboard will not dial again by itself"),
        (State.RINGING, "Ringing your phone…"),
        (State.CONNECTING, "You are on the line."),
        (State.TALKING, "Talking to"),
    ],
)
def test_a_living_call_says_who_on_what_line_and_how_far(state: State, said: str) -> None:
    text = show(call(state=state)).text
    for expected in (said, "Dana Levi (Acme)", PRETTY, "line +1 202-555-0199", "via Voicenter", "started 14:57"):
        assert expected in text


def test_the_timer_runs_while_they_talk() -> None:
    text = show(call(state=State.TALKING, answered_at=NOW - 105)).text
    assert "1:45, since 14:58" in text


def test_a_call_that_was_handed_on_says_so() -> None:
    handed = call(state=State.TALKING, answered_at=NOW - 60, transferred_to="+12025550177")
    text = show(handed).text
    assert "was put through to +1 202-555-0177" in text
    assert "They talk without you." in text
    assert "Talking to" not in text
    assert "without the rep" in show(handed, own=False).text


@pytest.mark.parametrize("state", [State.RINGING, State.CONNECTING, State.TALKING])
def test_a_living_call_can_be_ended_once(state: State) -> None:
    shown = show(call(state=state))
    assert action_ids(shown.blocks) == ["call:hang_up"]
    button = shown.blocks[-1]["elements"][0]
    assert button["value"] == "c1"
    assert button["confirm"]["style"] == "danger"
    assert "Dana Levi" in button["accessibility_label"]
    asked = show(call(state=state, hang_up_by=REP, hang_up_at=NOW - 5))
    assert action_ids(asked.blocks) == []
    assert f"Hanging up… asked by <@{REP}>" in asked.text
    again = show(call(state=state, hang_up_by=REP, hang_up_at=NOW - 30))
    assert action_ids(again.blocks) == ["call:hang_up"]
    assert f"<@{REP}> asked to hang up, and no end was told" in again.text


@pytest.mark.parametrize("state", [State.RINGING, State.CONNECTING, State.TALKING])
def test_what_the_provider_cannot_do_is_said(state: State) -> None:
    shown = show(call(state=state), can_hang_up=False)
    assert action_ids(shown.blocks) == []
    assert "Voicenter cannot end this call: hang up on your phone." in shown.text


def test_nothing_can_be_pressed_before_the_provider_has_it() -> None:
    shown = show(call(state=State.REQUESTED))
    assert action_ids(shown.blocks) == []
    assert "cannot end" not in shown.text


def test_an_unclear_call_asks_what_happened() -> None:
    shown = show(call(state=State.UNCLEAR, words="Voicenter did not answer in time; it may be calling."))
    assert action_ids(shown.blocks) == ["call:settle_talked", "call:settle_rang", "call:settle_no"]
    assert "Voicenter did not answer in time" in shown.text
    assert "You can: “We talked”, “It rang, no answer”, “Nothing rang”." in shown.text


@pytest.mark.parametrize("outcome", list(Outcome))
def test_an_ended_call_says_how_and_offers_what_makes_sense(outcome: Outcome) -> None:
    shown = show(ended(outcome, talk_seconds=80, ring_seconds=8))
    assert PRETTY in shown.text
    pressed = action_ids(shown.blocks)
    assert ("call:wrap" in pressed) == (outcome not in NEVER_DIALLED)
    assert pressed[-2:] == ["call:again", "call:later"]
    assert {element["value"] for element in shown.blocks[-1]["elements"]} == {"c1"}


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (Outcome.ANSWERED, "Talked for 1 min 20 s with Dana Levi (Acme)"),
        (Outcome.PENDING, "Waiting for Voicenter's record"),
        (Outcome.BUSY, "The line was busy"),
        (Outcome.REP_NO_ANSWER, "Your phone was not answered"),
        (Outcome.NO_CREDIT, "Ask an admin to top up"),
        (Outcome.NOT_PLACED, "You can safely call again"),
        (Outcome.FAILED, "failed at Voicenter"),
    ],
)
def test_outcomes_in_words(outcome: Outcome, said: str) -> None:
    assert said in show(ended(outcome, talk_seconds=80 if outcome is Outcome.ANSWERED else 0)).text


@pytest.mark.parametrize("outcome", [Outcome.REP_NO_ANSWER, Outcome.REP_REJECTED])
def test_whoever_hung_up_is_not_told_to_pick_up(outcome: Outcome) -> None:
    shown = show(ended(outcome, hang_up_by=REP)).text
    assert "Hung up before your phone was answered" in shown
    assert "The other side was not called." in shown
    assert "Keep the phone at hand" not in shown


def test_a_refusal_shows_the_providers_words_and_the_next_step() -> None:
    shown = show(ended(Outcome.REFUSED, words="Voicenter refused: <!channel> wrong code."))
    assert "Voicenter refused: &lt;!channel&gt; wrong code. Nothing rang." in shown.text


def test_the_end_keeps_note_disposition_reminder_and_who_said_so() -> None:
    shown = show(
        ended(
            Outcome.ANSWERED, note="asks about the offer", disposition="Interested", settled_by=REP,
            recording="https://recordings.example/1.mp3",
        ),
        reminder_at=NOW + 86400,
    )  # fmt: skip
    for expected in (
        "Talked with Dana",
        "How it went: Interested",
        "Note: asks about the offer",
        "Reminder to call: tomorrow 15:00",
        "recorded",
        f"as told by <@{REP}>",
        "Change how it went",
    ):
        assert expected in shown.text
    assert "recordings.example" not in str(shown)


def test_a_past_reminder_is_not_shown() -> None:
    assert "Reminder" not in show(ended(Outcome.BUSY), reminder_at=NOW - 1).text


def test_without_a_number_nobody_can_be_called_again() -> None:
    assert action_ids(show(ended(Outcome.ANSWERED, number="")).blocks) == ["call:wrap"]


def test_in_a_channel_it_is_the_reps_phone_and_the_number_can_be_masked() -> None:
    shown = call_card(
        call(), contact=None, account_title="Voicenter", can_hang_up=False, now=NOW, zone=ZONE, own=False, masked=True
    )
    assert "Ringing the rep's phone…" in checked(shown).text
    assert f"by <@{REP}>" in shown.text
    assert "0100" not in str(shown)


def test_a_key_that_must_be_pressed_first_is_said() -> None:
    assert "Pick up and press 5, then" in show(call(confirm_key="5")).text
    assert "Pick up and press any key, then" in show(call(confirm_key="any")).text
    assert "press" not in show(call(confirm_key="5", state=State.CONNECTING)).text


def test_what_is_dialled_behind_the_number_is_said_to_whoever_calls() -> None:
    behind = call(dial_digits="..1....23#")
    assert "dials 123# once they answer" in show(behind).text
    assert "123#" not in show(behind, own=False).text
    assert "once they answer" not in show(call()).text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"state": State.REQUESTED}, "Calling Dana Levi (Acme), +1 202-555-0100 into conference 4711"),
        ({"state": State.UNCLEAR}, "Ask them, or look into the conference, then say which it was."),
        ({"state": State.RINGING}, "When they pick up, they are in conference 4711."),
        ({"state": State.CONNECTING}, "When they pick up, they are in conference 4711."),
        ({"state": State.TALKING, "answered_at": NOW - 80}, "is in conference 4711\n1:20, since"),
        (
            {"state": State.ENDED, "outcome": Outcome.ANSWERED, "talk_seconds": 80},
            "was in conference 4711 for 1 min 20",
        ),
        ({"state": State.ENDED, "outcome": Outcome.ANSWERED}, "was in conference 4711\n"),
        (
            {"state": State.ENDED, "outcome": Outcome.BUSY},
            "The line was busy: Dana Levi (Acme), +1 202-555-0100, for conference",
        ),
    ],
)
def test_the_card_of_somebody_in_a_conference(changes: dict[str, Any], said: str) -> None:
    shown = show(call(conference="4711", rep_phone="", **changes), can_hang_up=False).text
    assert said in shown
    assert "your phone" not in shown
    assert "You are on the line" not in shown


def test_a_call_from_the_desk_phone_has_no_phone_to_pick_up() -> None:
    text = show(call(rep="")).text
    assert "Calling Dana Levi" in text
    assert "Pick up" not in text


def test_an_incoming_call_on_this_card_is_said_to_be_one() -> None:
    text = show(call(direction="in")).text
    assert "Incoming call from Dana Levi" in text
    assert "Call back" in show(ended(Outcome.ANSWERED, direction="in")).text


@pytest.mark.parametrize("name", HOSTILE)
def test_the_text_says_all_that_the_blocks_say(name: str) -> None:
    shown = call_card(
        ended(Outcome.REFUSED, name=name, words=name, note=name, disposition=name), contact=None,
        account_title=name or "X", can_hang_up=True, now=NOW, zone=ZONE,
    )  # fmt: skip
    for block in checked(shown).blocks:
        for element in block.get("elements", [block]):
            assert (
                element["text"]["text"].replace("*", "") in shown.text
                if isinstance(element["text"], dict)
                else element["text"].replace("*", "") in shown.text
            )


@given(calls, contacts, words, st.booleans())
def test_any_record_makes_a_card_that_slack_takes(
    shown: Call, contact: Contact | None, title: str, masked: bool
) -> None:
    card = checked(cdr_card(shown, contact=contact, account_title=title, now=NOW, zone=ZONE, masked=masked))
    assert "recordings.example" not in str(card)


def test_whom_somebody_else_called_may_not_be_told() -> None:
    """Gurulize's statuses name no numbers; nobody withholds the number that is called."""
    shown = ended(Outcome.ANSWERED, number="", name="", rep="", talk_seconds=80)
    card = checked(cdr_card(shown, contact=None, account_title="Gurulize", now=NOW, zone=ZONE, masked=False))
    assert card.text.startswith("→ Outgoing call to a number that was not told\n")


def test_a_record_in_words() -> None:
    shown = ended(
        Outcome.ANSWERED, talk_seconds=80, ring_seconds=8, wait_seconds=12, price=0.05, currency="EUR",
        recording="https://recordings.example/1.mp3", disposition="Interested", note="asks again",
    )  # fmt: skip
    card = checked(cdr_card(shown, contact=DANA, account_title="Voicenter", now=NOW, zone=ZONE, masked=False))
    assert card.text == (
        f"→ Outgoing call to Dana Levi (Acme), {PRETTY}\n"
        "Answered · talked 1 min 20 s · rang 8 s · waited 12 s · 14:57 · recorded · cost 0.05 EUR\n"
        f"by <@{REP}> · line +1 202-555-0199 · via Voicenter\n"
        "How it went: Interested · Note: asks again"
    )


def test_a_record_of_an_incoming_call_says_who_took_it_and_can_be_masked() -> None:
    note = "also under +1 202 555 0100"
    shown = ended(Outcome.ANSWERED, direction="in", rep="", person="Rita", queue="Sales", number=NUMBER, note=note)
    card = checked(cdr_card(shown, contact=None, account_title="Voicenter", now=NOW, zone=ZONE, masked=True))
    assert card.text.startswith("← Incoming call from ••••••••••00\n")
    assert "taken by Rita · queue Sales, line +1 202-555-0199" in card.text
    assert "0100" not in str(card)


def test_a_masked_record_tells_no_note() -> None:
    shown = ended(Outcome.ANSWERED, disposition="Interested", note="on her mobile, 202 555 0144")
    card = checked(cdr_card(shown, contact=None, account_title="Voicenter", now=NOW, zone=ZONE, masked=True))
    assert "How it went: Interested" in card.text
    assert "0144" not in str(card)


def test_every_outcome_has_words() -> None:
    assert set(SHORT) == set(Outcome)
