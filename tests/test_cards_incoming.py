"""Incoming calls, missed callers, and the notices about them."""

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.call import Call, Leg
from bot.cards import Message
from bot.cards.cdr import cdr_card
from bot.cards.escalation import escalation, since_then
from bot.cards.incoming import incoming_card
from bot.cards.line import line_card
from bot.cards.missed import SNOOZES, missed_card, snooze_choice
from bot.cards.notice import notice_card, reminder
from bot.cards.times import MOMENTS
from bot.events import MISSED_OUTCOMES, Guided, Heard, Outcome, State
from bot.store.contacts import Contact
from bot.store.missed import Missed
from tests.card_examples import (
    DANA,
    NOW,
    PRETTY,
    REP,
    ZONE,
    action_ids,
    call,
    calls,
    checked,
    contacts,
    ended,
    missed,
    missed_callers,
    moments,
    users,
    words,
)

OTHER = "U0OTHER001"


def show(shown: Call, *, history: tuple[Call, ...] = (), last_rep: str = "", masked: bool = False) -> Message:
    return checked(
        incoming_card(shown, contact=DANA, history=history, last_rep=last_rep, now=NOW, zone=ZONE, masked=masked)
    )


@given(calls, contacts, st.lists(calls, max_size=5), users, st.booleans())
def test_any_incoming_call_makes_a_card_or_none(
    shown: Call, contact: Contact | None, history: list[Call], last_rep: str, masked: bool
) -> None:
    card = incoming_card(shown, contact=contact, history=history, last_rep=last_rep, now=NOW, zone=ZONE, masked=masked)
    assert (card is None) == shown.missed
    if card is not None:
        checked(card)


@given(calls, st.none() | calls, words.filter(bool))
def test_any_transferred_call_says_so(shown: Call, origin: Call | None, ref: str) -> None:
    handed_on = msgspec.structs.replace(shown, origin=ref)
    for card in (
        incoming_card(handed_on, contact=None, history=(), last_rep="", now=NOW, zone=ZONE, masked=True, origin=origin),
        cdr_card(handed_on, contact=None, account_title="Voicenter", now=NOW, zone=ZONE, masked=True, origin=origin),
    ):
        if card is not None:
            assert "ransferred " in checked(card).text


@pytest.mark.parametrize(
    ("origin", "told"),
    [
        (None, "Transferred from another call"),
        (call(rep="", person="", extension=""), "Transferred from another call"),
        (call(rep=REP, talk_seconds=0), f"Transferred by <@{REP}>"),
        (call(rep=REP, talk_seconds=80), f"Transferred by <@{REP}>, who talked 1 min 20 s"),
    ],
)
def test_whose_call_it_was(origin: Call | None, told: str) -> None:
    ringing = call(direction="in", state=State.RINGING, origin="another", line="", queue="")
    card = checked(
        incoming_card(ringing, contact=None, history=(), last_rep="", now=NOW, zone=ZONE, masked=False, origin=origin)
    )
    assert told in card.text
    assert "ransferred" not in show(call(direction="in", state=State.RINGING)).text


def test_while_it_rings_it_says_who_and_what_we_know_of_them() -> None:
    history = (
        ended(
            Outcome.ANSWERED, started_at=NOW - 86400, talk_seconds=80, disposition="Interested", note="wants a quote"
        ),
        ended(Outcome.NO_ANSWER, started_at=NOW - 9 * 86400, direction="in"),
    )
    text = show(call(direction="in", rep="", queue="Sales"), history=history, last_rep=REP).text
    for expected in (
        f"Incoming call from Dana Levi (Acme), {PRETTY}",
        "Ringing…",
        "Queue Sales, line +1 202-555-0199",
        f"Last spoke with <@{REP}>",
        f"Yesterday 15:00: we called, talked 1 min 20 s, with <@{REP}> (Interested; wants a quote)",
        "23 Feb 15:00: called us, no answer",
    ):
        assert expected in text


def test_whoever_listens_to_a_menu_is_said_to_be_there() -> None:
    assert "In the menu…" in show(call(direction="in", guided_at=NOW, legs=())).text
    rung = (Leg(name="ext:AAPINFzL", ringing_at=NOW),)
    assert "Ringing…" in show(call(direction="in", rep="", guided_at=NOW, legs=rung)).text


def test_at_most_three_earlier_calls_are_named() -> None:
    history = tuple(ended(Outcome.BUSY, started_at=NOW - day * 86400) for day in range(1, 9))
    assert show(call(direction="in"), history=history).text.count("busy") == 3


def test_in_a_masked_place_neither_number_nor_notes_are_shown() -> None:
    history = (ended(Outcome.ANSWERED, note="wants a quote", started_at=NOW - 60),)
    shown = show(call(direction="in"), history=history, masked=True)
    assert "0100" not in str(shown)
    assert "quote" not in str(shown)
    assert "••••••••••00" in shown.text


def test_a_stranger_is_said_to_be_one() -> None:
    assert "No earlier calls with this caller." in show(call(direction="in")).text


@pytest.mark.parametrize(
    ("rep", "person", "expected"),
    [(REP, "Rita", f"<@{REP}> took it."), ("", "rita", "Rita took it."), ("", "", "Somebody took it.")],
)
def test_everyone_sees_who_took_it(rep: str, person: str, expected: str) -> None:
    shown = call(direction="in", state=State.TALKING, rep=rep, person=person, answered_at=NOW - 105)
    assert f"{expected} Talking 1:45, since 14:58." in show(shown).text


@pytest.mark.parametrize(("masked", "third"), [(False, "+44 7700 900177"), (True, "a number")])
def test_it_says_who_else_is_on_the_line(masked: bool, third: str) -> None:
    talking = call(direction="in", state=State.TALKING, answered_at=NOW - 65, rep=OTHER)
    consulting = show(msgspec.structs.replace(talking, consulting="+447700900177", held=True), masked=masked)
    assert f"Talking 1:05, since 14:58. {third[:1].upper()}{third[1:]} is on the other line." in consulting.text
    through = show(msgspec.structs.replace(talking, transferred_to="+447700900177"), masked=masked).text
    assert f"<@{OTHER}> took it and put them through to {third}. Those two talk." in through
    assert "Talking" not in through


def test_an_answered_call_ends_as_its_record() -> None:
    shown = show(
        ended(
            Outcome.ANSWERED, direction="in", talk_seconds=80, ring_seconds=8, wait_seconds=5, price=0.05,
            currency="EUR", recording="https://recordings.example/1.mp3", disposition="Interested",
        )
    )  # fmt: skip
    assert "Answered · talked 1 min 20 s · rang 8 s · waited 5 s · 14:57 · recorded · cost 0.05 EUR" in shown.text
    assert f"<@{REP}> took it." in shown.text
    assert "How it went: Interested" in shown.text
    assert "recordings.example" not in str(shown)
    assert action_ids(shown.blocks) == ["call:wrap"]


def test_an_announcement_needs_nobody() -> None:
    shown = show(ended(Outcome.ANNOUNCEMENT, direction="in"))
    assert "Nobody needs to call back." in shown.text
    assert action_ids(shown.blocks) == []


@pytest.mark.parametrize("outcome", sorted(MISSED_OUTCOMES))
def test_a_missed_call_has_no_incoming_card(outcome: Outcome) -> None:
    for why in ("", "brief", "line"):
        shown = ended(outcome, direction="in", unreported=why)
        assert incoming_card(shown, contact=None, history=(), last_rep="", now=NOW, zone=ZONE, masked=False) is None


TRIES = (("a", NOW - 22 * 60), ("b", NOW - 19 * 60), ("c", NOW - 4 * 60))


def show_missed(
    row: Missed, *, closing: Call | None = None, voicemail: bool = False, masked: bool = False, last_rep: str = ""
) -> Message:
    return checked(
        missed_card(
            row, calls=TRIES, contact=DANA, last_rep=last_rep, now=NOW, zone=ZONE, masked=masked, closing=closing,
            voicemail=voicemail,
        )
    )  # fmt: skip


@given(
    missed_callers,
    st.lists(st.tuples(st.just("c"), moments), max_size=20),
    contacts,
    users,
    st.one_of(st.none(), calls),
    st.booleans(),
)
def test_any_missed_caller_makes_a_card_that_slack_takes(
    row: Missed,
    tries: list[tuple[str, float]],
    contact: Contact | None,
    last_rep: str,
    closing: Call | None,
    flag: bool,
) -> None:
    card = checked(
        missed_card(
            row, calls=tries, contact=contact, last_rep=last_rep, now=NOW, zone=ZONE, masked=flag, closing=closing,
            voicemail=flag,
        )
    )  # fmt: skip
    assert bool(action_ids(card.blocks)) == row.open


def test_a_missed_caller_waits() -> None:
    shown = show_missed(missed(), voicemail=True, last_rep=OTHER)
    for expected in (
        f"Missed call from Dana Levi (Acme), {PRETTY}",
        "Missed 3 times (14:38, 14:41, 14:56)",
        "Waiting since 14:38",
        "On line +1 202-555-0199",
        "They reached voicemail",
        f"Last spoke with <@{OTHER}>",
        "You can: “Call back”, “I'll take it”, “Snooze”, “Close”.",
    ):
        assert expected in shown.text
    assert action_ids(shown.blocks) == ["missed:call_back", "missed:claim", "missed:snooze", "missed:close"]


def test_a_card_that_nobody_touches_is_still_true_later() -> None:
    row = missed(escalations=1)
    shown, later = (
        missed_card(row, calls=TRIES, contact=DANA, last_rep=OTHER, now=now, zone=ZONE, masked=False, closing=None).text
        for now in (NOW, NOW + 3600)
    )
    assert later == shown


def test_the_story_grows_until_it_is_closed() -> None:
    claimed = missed(claimed_by=REP, claimed_at=NOW - 120)
    shown = show_missed(claimed)
    assert f"→ claimed by <@{REP}> at 14:58" in shown.text
    assert "missed:release" in action_ids(shown.blocks)
    assert "missed:claim" not in action_ids(shown.blocks)
    back = replace(claimed, closed_at=NOW - 60, closed_by=REP, closed_how="called back", closed_call="c9")
    closing = ended(Outcome.ANSWERED, talk_seconds=45)
    done = show_missed(back, closing=closing)
    assert done.text.splitlines()[1] == (
        f"Missed 3 times (14:38, 14:41, 14:56) → claimed by <@{REP}> at 14:58 → "
        f"called back 21 min after their first call, at 14:59 by <@{REP}>, talked 45 s → closed"
    )
    assert action_ids(done.blocks) == []


def test_another_day_is_named_in_good_english() -> None:
    day = 24 * 3600
    row = missed(claimed_by=REP, claimed_at=NOW - 120 - day, opened_at=NOW - 2 * day, last_at=NOW - day)
    assert f"→ claimed by <@{REP}> yesterday at 14:58" in show_missed(row).text
    back = replace(row, closed_at=NOW - day, closed_by=REP, closed_how="called back", closed_call="c9")
    assert f"after their first call, yesterday at 15:00 by <@{REP}>" in show_missed(back).text
    by_hand = replace(row, closed_at=NOW - 2 * day, closed_by=REP, closed_how="by hand")
    assert f"closed by <@{REP}> on 2 Mar at 15:00, without a call" in show_missed(by_hand).text
    told = escalation(row, DANA, NOW, ZONE, reader=REP)["text"]
    assert "You claimed Dana Levi (Acme), +1 202-555-0100 yesterday at 14:58, and nobody has" in told
    assert "Waiting since 2 Mar 15:00; tried 3 times, last yesterday at 15:00 on line" in told
    since = since_then({"claimed_by": "", "claimed_at": 0}, row, None, DANA, NOW, ZONE, reader=OTHER, manages=True)
    assert f"<@{REP}> claimed Dana Levi (Acme), +1 202-555-0100 yesterday at 14:58." in since["text"]


def test_other_ways_to_be_closed() -> None:
    reached = missed(closed_at=NOW - 60, closed_how="reached us", closed_call="c9")
    closing = ended(Outcome.ANSWERED, direction="in", rep="", person="Rita")
    assert "reached us 21 min after their first call, at 14:59, taken by Rita → closed" in (
        show_missed(reached, closing=closing).text
    )
    by_hand = missed(closed_at=NOW - 60, closed_how="by hand", closed_by=OTHER)
    assert f"(14:38, 14:41, 14:56) → closed by <@{OTHER}> at 14:59, without a call\n" in show_missed(by_hand).text


def test_snoozed_and_escalated_are_said() -> None:
    snoozed = show_missed(missed(snoozed_until=NOW + 3600, snoozed_by=REP, escalations=1))
    assert f"Snoozed until 16:00 by <@{REP}>" in snoozed.text
    assert "Escalated" not in snoozed.text
    assert "Escalated twice: nobody has called back yet" in show_missed(missed(escalations=2)).text
    assert "Escalated" not in show_missed(missed(escalations=2, claimed_by=REP, claimed_at=NOW)).text


def test_the_snooze_menu_forgets_its_last_choice() -> None:
    first, second = show_missed(missed()), show_missed(missed(snoozed_until=NOW + 900))
    assert first.blocks[-1]["block_id"] != second.blocks[-1]["block_id"]


def test_the_snooze_menu_names_caller_and_choice() -> None:
    menu = next(e for e in show_missed(missed()).blocks[-1]["elements"] if e["action_id"] == "missed:snooze")
    assert [snooze_choice(option["value"]) for option in menu["options"]] == [("m1", choice) for choice in SNOOZES]
    assert set(SNOOZES) <= set(MOMENTS)


def test_nobody_can_call_a_withheld_number_back() -> None:
    shown = checked(
        missed_card(
            missed(number=""),
            calls=TRIES[:1],
            contact=None,
            last_rep="",
            now=NOW,
            zone=ZONE,
            masked=False,
            closing=None,
        )
    )
    assert "missed:call_back" not in action_ids(shown.blocks)
    assert "a withheld number" in shown.text
    assert "nobody can call back" in shown.text
    assert "Missed once (14:38)" in shown.text


def test_a_masked_card_hides_the_number_everywhere() -> None:
    assert "0100" not in str(show_missed(missed(), masked=True))


def test_many_attempts_over_days_are_told_briefly() -> None:
    tries = [(str(n), NOW - 86400 * 2 + n * 9000) for n in range(20)]
    card = missed_card(
        missed(calls=20), calls=tries, contact=None, last_rep="", now=NOW, zone=ZONE, masked=False, closing=None
    )
    assert "Missed 20 times (latest " in card.text
    assert card.text.count("yesterday") <= 2


@given(words, st.lists(st.fixed_dictionaries({"label": st.just("Go on"), "value": st.text(max_size=9)}), max_size=60))
def test_any_notice_is_one_that_slack_takes(text: str, buttons: list[dict[str, str]]) -> None:
    given_buttons = [{**button, "action_id": "notice:go"} for button in buttons]
    card = notice_card({"text": f"Good news. {text}", "buttons": given_buttons})
    checked(card)
    assert len(action_ids(card.blocks)) == min(len(buttons), 9)


def test_a_notice_needs_no_buttons_and_keeps_mentions() -> None:
    card = checked(notice_card({"text": f"<@{REP}> asked. It failed: <!channel> & co."}))
    assert card.text == f"<@{REP}> asked. It failed: &lt;!channel&gt; &amp; co."


def test_a_long_notice_is_split() -> None:
    card = checked(notice_card({"text": "word " * 2000}))
    assert len(card.blocks) == 4


def test_a_notice_that_is_already_escaped_is_not_escaped_again() -> None:
    assert checked(notice_card({"text": "Tom &amp; Jerry called."})).text == "Tom &amp; Jerry called."


def test_a_reminder_says_whom_and_offers_the_call() -> None:
    card = checked(notice_card(reminder(ended(Outcome.BUSY, note="about the offer"), DANA, ZONE)))
    assert f"you wanted to call Dana Levi (Acme), {PRETTY}" in card.text
    assert "Last time you called was on 4 Mar 2026, 14:57 (busy)." in card.text
    assert "Your note: about the offer" in card.text
    assert action_ids(card.blocks) == ["call:again", "call:later"]
    assert {element["value"] for element in card.blocks[-1]["elements"]} == {"c1"}


def test_an_escalation_says_since_when_and_offers_the_call_back() -> None:
    card = checked(notice_card(escalation(missed(), DANA, NOW, ZONE)))
    assert f"Nobody has called back Dana Levi (Acme), {PRETTY}." in card.text
    assert "Waiting since 14:38; tried 3 times, last at 14:56 on line +1 202-555-0199." in card.text
    assert action_ids(card.blocks) == ["missed:call_back", "missed:claim"]


def test_an_escalation_of_a_withheld_number_offers_no_call() -> None:
    card = checked(notice_card(escalation(missed(number=""), None, NOW, ZONE)))
    assert action_ids(card.blocks) == ["missed:claim"]
    assert "withheld" in card.text


@given(missed_callers, calls, contacts, users)
def test_any_reminder_and_escalation_is_a_notice_that_slack_takes(
    row: Missed, shown: Call, contact: Contact | None, asked_by: str
) -> None:
    checked(notice_card(reminder(shown, contact, ZONE)))
    checked(notice_card(escalation(row, contact, NOW, ZONE, asked_by=asked_by)))


@pytest.mark.parametrize(
    ("event", "masked", "told"),
    [
        (Guided(at=NOW, digits="2", does="dial", step="Sales"), True, "Keyed 2, put through to “Sales”."),
        (Guided(at=NOW, does="menu", step="<!channel>"), False, "The menu “&lt;!channel&gt;” is played."),
        (Guided(at=NOW, digits="123", does="hang_up"), True, "Keyed several digits, the call is ended by “”."),
        (Guided(at=NOW, digits="123", does="say_digits", step="a"), False, "Keyed 123, digits are read out in “a”."),
        (Guided(at=NOW, does="hang_up", step="bye", tried=2), False, "Not answered, the call is ended by “bye”."),
        (Guided(at=NOW, does="go_to", step="own"), False, "The phone service goes on with “own”."),
        (Heard(ref="1", at=NOW, digits="4929", play="p"), True, "The other side pressed several digits."),
        (Heard(ref="1", at=NOW, digits="4929", play="p"), False, "The other side pressed 4929."),
        (Heard(ref="1", at=NOW, digits="49"), False, "Somebody on the line pressed 49."),  # perhaps the rep
    ],
)  # fmt: skip
def test_each_step_has_its_line(event: Guided | Heard, masked: bool, told: str) -> None:
    line = line_card(event, masked=masked)
    assert line is not None
    assert checked(line).text == told


@given(missed_callers, missed_callers, st.none() | calls, contacts, st.booleans(), users)
def test_whatever_became_of_them_is_a_notice_that_slack_takes_with_buttons_that_do_something(
    before: Missed, row: Missed, closing: Call | None, contact: Contact | None, manages: bool, reader: str
) -> None:
    told = escalation(before, contact, NOW, ZONE, reader=reader)
    shown = since_then(told, row, closing, contact, NOW, ZONE, reader=reader, manages=manages)
    card = checked(notice_card(shown))
    offered = {action.removeprefix("missed:") for action in action_ids(card.blocks)}
    if shown is told:
        assert (row.open, row.claimed_by) == (True, before.claimed_by)
    elif not row.open:
        assert offered == set()
    else:
        mine = row.claimed_by in ("", reader)
        release = row.claimed_by and (mine or manages)
        assert offered == {*["call_back"] * bool(row.number and mine), *["release"] * bool(release)} | (
            set() if row.claimed_by else {"claim"}
        )
