"""The card of a voice message in every state, its lists and its file, with whatever words outsiders send."""

import csv
import io
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.call import Call
from bot.cards import Message
from bot.cards.said import GROUPS, Said, result_of, what_words
from bot.cards.voicemsg import voicemsg_card
from bot.cards.voicemsg_forms import (
    delete_message,
    message_modal,
    results_csv,
    scheduled_message,
    template_message,
    template_modal,
    templates_message,
)
from bot.events import Outcome, State
from bot.orders import MessageOrder, Template, options
from bot.store.messages import Batch, Recipient
from tests.block_rules import check_view
from tests.card_examples import (
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
    ended,
    ids,
    moments,
    words,
)

BATCH = Batch("b1", REP, f"@{REP}", "acme", "running", NOW, NOW - 60, "", 0, b"{}")
RECIPIENT = Recipient("b1", 0, NUMBER, "Dana Levi", "waiting", NOW)
SAID = Said(text="Hello")


@pytest.mark.parametrize(
    ("one", "told"),
    [
        (Said(template="7", name="Welcome"), "the stored message “Welcome”"),
        (Said(digits="0405"), "the digits 0 4 0 5"),
        (
            Said(template="welcome", digits="7", loop="menu", after="bye"),
            "the stored message “welcome”, then the digits 7, then “menu” again and again, then “bye”",
        ),
    ],
)
def test_what_is_played_is_said_in_its_order(one: Said, told: str) -> None:
    assert what_words(one) == told


states = st.sampled_from(["waiting", "sent", "refused", "stopped"])
said = st.builds(
    Said, template=words, name=words, text=words, language=words, voice=words, line=words, keys=st.booleans(),
    digits=st.just("") | st.just("0405"), loop=st.just("") | words, after=st.just("") | words,
    ring_seconds=st.integers(0, 120), max_seconds=st.integers(0, 900), record=st.booleans(),
)  # fmt: skip
batches = st.builds(
    replace,
    st.just(BATCH),
    state=st.sampled_from(["draft", "running", "paused", "stopped", "dropped"]),
    ended_by=st.just(REP),
)
recipients = st.builds(
    Recipient,
    batch_id=st.just("b1"),
    position=st.just(0),
    number=st.sampled_from([NUMBER, "+447700900123", "+18005550123"]),
    name=words,
    state=states,
    due_at=moments,
    words=words,
)
stored = st.builds(
    Template,
    id=ids,
    name=words,
    media=words,
    redirect_digit=st.integers(0, 9),
    redirect_number=words,
    created_at=moments,
)


def show(
    *rows: tuple[Recipient, Call | None], batch: Batch = BATCH, what: Said = SAID, recording: bool = False
) -> Message:
    return checked(
        voicemsg_card(
            batch, what, rows, account_title="EnableX", now=NOW, zone=ZONE, can_hang_up=True, recording=recording
        )
    )


@given(batches, said, st.lists(st.tuples(recipients, st.one_of(st.none(), calls)), min_size=1, max_size=30))
def test_any_batch_makes_a_card_that_slack_takes(
    batch: Batch, what: Said, rows: list[tuple[Recipient, Call | None]]
) -> None:
    message = show(*rows, batch=batch, what=what)
    assert "<!" not in message.text
    list(csv.reader(io.StringIO(results_csv(rows).decode("utf-8-sig"))))


@given(words, st.lists(stored, max_size=30), stored)
def test_any_stored_message_can_be_shown(title: str, listed: list[Template], one: Template) -> None:
    accounts: list[tuple[str, str, list[Template] | str]] = [("acme", title, listed), ("other", title, title)]
    for message in (
        templates_message(accounts, "/voicemsg", many=True),
        template_message(title, one, NOW, ZONE),
        delete_message("acme", title, one),
    ):
        assert "<!" not in checked(message).text


def test_an_id_that_no_button_can_carry_is_not_cut() -> None:
    one = Template(id="x" * 2000, name="Order ready")
    card = checked(delete_message("acme", "Acme", one))
    assert card.text == "The id of “Order ready” is too long for a button. Delete it at Acme itself."


def test_hundreds_of_hostile_recipients_fit() -> None:
    rows = [
        (replace(RECIPIENT, position=place, name=HOSTILE[place % len(HOSTILE)], state="refused", words="x" * 900), None)
        for place in range(200)
    ]
    assert "and 192 more, see the results as CSV" in show(*rows).text


@pytest.mark.parametrize(
    ("made", "group"),
    [
        (ended(Outcome.ANSWERED, played=Outcome.ANSWERED), "heard"),
        (ended(Outcome.ANSWERED, played=Outcome.NO_ANSWER), "heard"),
        (ended(Outcome.ANSWERED), "reached"),
        (ended(Outcome.ANSWERED, played=Outcome.FAILED), "not reached"),
        (ended(Outcome.BUSY), "not reached"),
        (ended(Outcome.PENDING), "unknown"),
        (ended(Outcome.REFUSED, words="No credit."), "refused"),
        (call(state=State.UNCLEAR), "unclear"),
        (call(state=State.TALKING), "calling"),
    ],
)
def test_what_became_of_a_recipient(made: Call, group: str) -> None:
    assert result_of(replace(RECIPIENT, state="sent"), made).group == group


def test_every_group_is_told_of_a_batch() -> None:
    calls_of = {
        "heard": ended(Outcome.ANSWERED, played=Outcome.ANSWERED, heard=("5",)),
        "reached": ended(Outcome.ANSWERED),
        "not reached": ended(Outcome.BUSY),
        "unknown": ended(Outcome.PENDING),
        "unclear": call(state=State.UNCLEAR),
        "calling": call(state=State.CONNECTING),
    }
    rows: list[tuple[Recipient, Call | None]] = [(replace(RECIPIENT, state="sent"), made) for made in calls_of.values()]
    rows += [(replace(RECIPIENT, state=state), None) for state in ("waiting", "refused", "stopped", "sent")]
    text = show(*rows).text
    assert all(f"1 {said_words}" in text for said_words in GROUPS.values())
    assert "8 of 10 done" in text


def test_whose_call_is_forgotten_does_not_wait() -> None:
    """Calls are deleted after the days of [retention]; the others of the batch may still wait for their day."""
    gone = (replace(RECIPIENT, state="sent", call_id="c1"), None)
    text = show(gone, (replace(RECIPIENT, position=1), None)).text
    assert "1 of 2 done\n1 waiting · 1 called, but not on record any more" in text
    assert "Sent: a voice message to 2 recipients" in show(gone, gone).text
    assert "is not on record any more" in show(gone).text
    assert "Cancel" not in show(gone).text


def test_of_hundreds_that_are_unclear_some_are_asked_of_at_a_time() -> None:
    made = [call(id=f"c{place}", state=State.UNCLEAR) for place in range(200)]
    rows = [(replace(RECIPIENT, position=place, state="sent"), one) for place, one in enumerate(made)]
    assert action_ids(show(*rows).blocks).count("call:settle_no") == 5


def test_one_that_a_copy_of_the_database_has_held_back_was_cancelled_by_nobody_known() -> None:
    """Whoever puts a copy back holds back what waited: docs/deploying.md."""
    told = show((replace(RECIPIENT, state="stopped"), None), batch=replace(BATCH, state="stopped"))
    assert "By Callboard; nobody was called." in told.text


def test_one_of_many_is_no_people() -> None:
    rows = ((RECIPIENT, None), (replace(RECIPIENT, position=1, state="refused", words="No."), None))
    assert "One person is called, in their own calling hours." in str(show(*rows, batch=replace(BATCH, state="draft")))
    assert "One who waits is not called any more." in str(show(*rows))


def test_the_pace_counts_those_whose_hour_has_come() -> None:
    called: list[tuple[Recipient, Call | None]] = [
        (replace(RECIPIENT, position=place, state="sent"), begun(ended(Outcome.BUSY), NOW - 600 + 150 * place))
        for place in range(4)
    ]
    waits: list[tuple[Recipient, Call | None]] = [(replace(RECIPIENT, position=4 + place), None) for place in range(8)]
    tomorrow = (replace(RECIPIENT, position=12, due_at=NOW + 86400), None)
    assert "24 an hour; at that pace done in 20 min" in show(*called, *waits, tomorrow).text
    for other in (show(*called, tomorrow), show(*called[:2], *waits)):
        assert "an hour" not in other.text
    paused = replace(BATCH, state="paused")
    assert "an hour" not in show(*called, *waits, batch=paused).text


def test_a_night_in_between_does_not_slow_the_pace_down() -> None:
    """Thousands are called in their hours, from nine on; those of yesterday tell nothing of how fast it goes."""
    times = [NOW - 54000 + 60 * place for place in range(9)] + [NOW - 600 + 150 * place for place in range(4)]
    called: list[tuple[Recipient, Call | None]] = [
        (replace(RECIPIENT, position=place, state="sent"), begun(ended(Outcome.BUSY), at))
        for place, at in enumerate(times)
    ]
    waits: list[tuple[Recipient, Call | None]] = [(replace(RECIPIENT, position=20 + place), None) for place in range(8)]
    assert "24 an hour; at that pace done in 20 min" in show(*called, *waits).text


def begun(made: Call, at: float) -> Call:
    return msgspec.structs.replace(made, started_at=at)


def test_buttons_only_where_they_work() -> None:
    two = ((RECIPIENT, None), (replace(RECIPIENT, position=1), None))
    done = tuple((replace(RECIPIENT, position=place, state="sent"), ended(Outcome.BUSY)) for place in (0, 1))
    live = call(state=State.CONNECTING)
    assert action_ids(show(*two).blocks) == ["voicemsg:pause", "voicemsg:stop"]
    assert action_ids(show(*two, batch=replace(BATCH, state="paused")).blocks) == ["voicemsg:resume", "voicemsg:stop"]
    assert action_ids(show(*two, batch=replace(BATCH, state="draft")).blocks) == ["voicemsg:send", "voicemsg:drop"]
    assert action_ids(show(*done).blocks) == ["voicemsg:csv"]
    assert action_ids(show(*two, batch=replace(BATCH, state="dropped")).blocks) == []
    assert action_ids(show((RECIPIENT, None)).blocks) == ["voicemsg:stop"]
    assert action_ids(show((replace(RECIPIENT, state="sent"), live)).blocks) == ["call:hang_up"]
    assert action_ids(show((replace(RECIPIENT, state="sent"), ended(Outcome.BUSY))).blocks) == []
    heard = (replace(RECIPIENT, state="sent"), ended(Outcome.ANSWERED))
    assert action_ids(show(heard, recording=True).blocks) == ["recording:get"]
    assert action_ids(show(*done, recording=True).blocks) == ["voicemsg:csv"]


def test_forms_that_slack_takes() -> None:
    every = frozenset(options(MessageOrder))
    many = [(f"acme/{number}", "x" * 200) for number in range(250)]
    view = message_modal(
        stored=many, named=True, options=every, lines=[(NUMBER, "Sales")], accounts=[("a", "A"), ("b", "B")],
        private_metadata="{}",
    )  # fmt: skip
    check_view(view)
    check_view(message_modal(stored=(), named=False, options=frozenset(), lines=(), accounts=(), private_metadata=""))
    check_view(template_modal([("a", "A"), ("b", "B")], "{}"))


def test_what_waits_says_how_it_will_be_sent() -> None:
    what = Said(text="Hello", ring_seconds=20, max_seconds=90, record=True)
    text = checked(scheduled_message([(BATCH, what, 1, RECIPIENT)], NOW, ZONE, everybody=False)).text
    assert "rings 20 s at most · lasts 1 min 30 s at most · recorded, which is announced first" in text
    assert "rings 20 s at most · lasts 1 min 30 s at most · recorded" in show((RECIPIENT, None), what=what).text


def test_a_long_list_of_what_waits() -> None:
    rows = [
        (replace(BATCH, id=f"b{number}"), SAID, number + 1, replace(RECIPIENT, due_at=NOW + 60 * number))
        for number in range(40)
    ]
    text = checked(scheduled_message(rows, NOW, ZONE, everybody=True)).text
    assert f"1. Dana Levi, {PRETTY}, waits now" in text
    assert f": Dana Levi, {PRETTY} · plays" in text.partition("2. 2 recipients wait, the first until ")[2]
    assert "And 25 more." in text
