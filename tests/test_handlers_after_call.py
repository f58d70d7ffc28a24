"""After a call: how it went, and when to call again."""

import sqlite3
from pathlib import Path

import pytest

from bot import jobs
from bot.cards.modals import NONE
from bot.errors import Ambiguous
from bot.events import REP, CdrReceived, Described, LegAnswered, Outcome, State, Wrapped
from bot.store import ledger
from tests import slack_requests
from tests.audit_lines import audit_log
from tests.card_examples import action_ids
from tests.fake_slack import FakeSlack
from tests.office import LINE, SETTINGS, Office, office
from tests.slack_state import Clock, Message

CUSTOMER_NUMBER = "+12025550123"


@pytest.mark.parametrize(
    ("button", "outcome"),
    [
        ("call:settle_talked", Outcome.ANSWERED),
        ("call:settle_rang", Outcome.NO_ANSWER),
        ("call:settle_no", Outcome.NOT_PLACED),
    ],
)
async def test_an_unclear_call_is_settled_by_the_rep_and_not_dialled_before(
    desk: Office, button: str, outcome: Outcome
) -> None:
    await desk.link("U1")
    desk.phone.answer = Ambiguous("Paperphone did not answer in time.")
    await desk.type("/call +1 202 555 0123")
    desk.clock.advance(60)
    assert "already calling" in await desk.type("/call +1 202 555 0123")
    assert len(desk.phone.orders) == 1
    (card,) = desk.conversation("U1")
    await desk.press(button, card, desk.slack.open_dm("U1").id)
    (call,) = await desk.calls()
    assert call.outcome is outcome


async def unclear_card(desk: Office) -> Message:
    await desk.link("U1")
    desk.phone.answer = Ambiguous("Paperphone did not answer in time.")
    await desk.type("/call +1 202 555 0123")
    (card,) = desk.conversation("U1")
    return card


@pytest.mark.parametrize("button", ["call:settle_rang", "call:settle_no", "call:settle_talked"])
async def test_what_the_phone_service_tells_in_that_moment_is_not_settled_away(desk: Office, button: str) -> None:
    """They talk: a call that is taken for over would have no *Hang up* any more."""
    card = await unclear_card(desk)
    (call,) = await desk.calls()
    answered = [LegAnswered(ref="p-1", at=desk.clock(), leg=leg) for leg in (REP, "customer")]
    signed = slack_requests.click(desk.slack, button, channel=desk.slack.open_dm("U1").id, ts=card.ts)
    await desk.happen(*answered, call_id=call.id)
    await desk.send(signed)
    assert "phone service has told of this call meanwhile" in desk.told
    assert "Nothing was changed" in desk.told
    (call,) = await desk.calls()
    assert call.state is State.TALKING
    assert "settle unclear call" not in [what for _, _, what, *_ in await desk.board.read(audit_log)]


async def test_an_unclear_call_is_settled_once_also_by_two_at_the_same_moment(desk: Office) -> None:
    card = await unclear_card(desk)
    channel = desk.slack.open_dm("U1").id
    presses = [
        slack_requests.click(desk.slack, f"call:settle_{how}", channel=channel, ts=card.ts)
        for how in ("talked", "rang")
    ]
    again = presses[0]
    for signed in presses:
        await desk.send(signed)
    assert "has said already what became of this call. Nothing was changed" in desk.told
    before = len(desk.slack.ephemerals)
    await desk.send(again)
    assert len(desk.slack.ephemerals) == before, "Slack has only sent it again"
    (call,) = await desk.calls()
    assert call.outcome is Outcome.ANSWERED
    assert [what for _, _, what, *_ in await desk.board.read(audit_log)].count("settle unclear call") == 1


async def test_call_later_sets_a_reminder(desk: Office) -> None:
    await desk.link("U1")
    await desk.type("/call +1 202 555 0123")
    await desk.happen(CdrReceived(ref="paper-1", at=desk.clock(), leg="customer", outcome=Outcome.NO_ANSWER))
    (card,) = desk.conversation("U1")
    await desk.press("call:later", card, desk.slack.open_dm("U1").id)
    assert "needs its day" in (await desk.submit({"time": "14:30"}))["time"]
    late = await desk.submit({"day": "2025-01-01", "time": "10:30 p.m."})
    assert any("already past" in words for words in late.values())
    assert await desk.submit({"when": "3h"}) == {}
    assert "Reminder to call" in desk.conversation("U1")[0].text
    desk.clock.advance(3 * 3600)
    await jobs.remind(desk.board)
    await desk.settle()
    card, reminder = desk.conversation("U1")
    assert "Reminder:" in reminder.text
    assert "Reminder to call" not in card.text, "it has come"
    # Where "Later" was pressed it is seen that it was understood.
    await desk.press("call:later", reminder, desk.slack.open_dm("U1").id)
    assert await desk.submit({"when": "tomorrow"}) == {}
    _, again = desk.conversation("U1")
    assert "*Put off:* you are reminded again tomorrow at 09:00." in str(again.blocks)
    assert action_ids(again.blocks) == ["call:again", "call:later"]
    await desk.press("call:later", again, desk.slack.open_dm("U1").id)
    assert await desk.submit({"when": NONE}) == {}
    assert desk.conversation("U1")[1].text == reminder.text


async def ended_card(desk: Office, behind: str = "") -> Message:
    await desk.link("U1")
    await desk.type(f"/call +1 202 555 0123{behind}")
    await desk.happen(CdrReceived(ref="paper-1", at=desk.clock(), leg="customer", outcome=Outcome.NO_ANSWER))
    (card,) = desk.conversation("U1")
    return card


async def test_what_was_typed_of_a_call_is_on_disk_before_the_form_closes(
    desk: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the process died with its answer to Slack: no work that was put off is ever done."""
    card = await ended_card(desk)
    await desk.press("call:wrap", card, desk.slack.open_dm("U1").id)
    with monkeypatch.context() as patch:
        patch.setattr(desk.board, "spawn", lambda work, *_, **__: work.close())
        assert await desk.submit({"note": "wants the blue one", "later": "3h"}) == {}
    (call,) = await desk.calls()
    assert call.note == "wants the blue one"
    due = await desk.board.read(ledger.reminder_of, call.id, "U1")
    assert due == pytest.approx(desk.clock() + 3 * 3600, abs=60)


async def test_a_form_stays_open_with_what_was_typed_where_it_could_not_be_kept(
    desk: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = await ended_card(desk)
    for action, fields in (("call:wrap", {"note": "wants the blue one"}), ("call:later", {"when": "3h"})):
        await desk.press(action, card, desk.slack.open_dm("U1").id)
        with monkeypatch.context() as patch:
            patch.setattr(desk.board.db, "write", full)
            (words,) = (await desk.submit(fields)).values()
        assert "Nothing was saved. Something went wrong in Callboard (incident" in words
        assert await desk.submit(fields) == {}


async def wrap(desk: Office, **fields: str) -> dict[str, str]:
    """A person opens *How did it go?* on the call's card and saves it; fields that are not named stay as they are."""
    await desk.press("call:wrap", desk.conversation("U1")[0], desk.slack.open_dm("U1").id)
    return await desk.submit(fields)


async def test_a_note_that_was_put_on_the_wrong_call_can_be_emptied(desk: Office) -> None:
    await ended_card(desk, " note asked for a quote")
    assert "Note: asked for a quote" in desk.conversation("U1")[0].text
    assert await wrap(desk, note="wants the blue one") == {}
    assert "Note: wants the blue one" in desk.conversation("U1")[0].text
    assert await wrap(desk, note="") == {}
    (call,) = await desk.calls()
    assert call.note == "", "nor does it fall back to what was typed behind the number"
    assert "Note" not in desk.conversation("U1")[0].text
    assert "wants the blue one" not in await desk.type("/calls log")
    (*_, detail), *_ = await desk.board.read(audit_log)
    assert detail == f"{call.id} note taken away"
    assert await wrap(desk, note="none") == {}
    assert "Note: none" in desk.conversation("U1")[0].text


async def test_an_outcome_can_be_taken_back(desk: Office) -> None:
    await ended_card(desk)
    assert await wrap(desk, disposition="Call later", note="wants the blue one") == {}
    assert "Call later" in await desk.type("/calls log")
    assert await wrap(desk, disposition=NONE) == {}
    (call,) = await desk.calls()
    assert (call.disposition, call.note) == ("", "wants the blue one")
    (card,) = desk.conversation("U1")
    assert "How it went" not in card.text
    assert "How did it go?" in str(card.blocks)
    told = await desk.type("/calls log")
    assert "Call later" not in told
    assert "wants the blue one" in told
    (*_, detail), *_ = await desk.board.read(audit_log)
    assert detail == f"{call.id} outcome taken back"


async def test_a_reminder_can_be_taken_back(desk: Office) -> None:
    """Neither on one form nor on the other is anything else needed, and nobody is reminded then."""
    card = await ended_card(desk)
    for way in ("call:later", "call:wrap"):
        await desk.press("call:later", card, desk.slack.open_dm("U1").id)
        assert await desk.submit({"when": "3h"}) == {}
        assert "Reminder to call" in desk.conversation("U1")[0].text
        await desk.press(way, card, desk.slack.open_dm("U1").id)
        assert await desk.submit({"when" if way == "call:later" else "later": NONE}) == {}
        assert "Reminder to call" not in desk.conversation("U1")[0].text
    desk.clock.advance(4 * 3600)
    await jobs.remind(desk.board)
    await desk.settle()
    assert len(desk.conversation("U1")) == 1


async def test_a_reminder_stays_where_only_a_note_is_saved(desk: Office) -> None:
    await ended_card(desk)
    assert await wrap(desk, later="3h") == {}
    assert await wrap(desk, note="wants the blue one") == {}
    assert "Reminder to call" in desk.conversation("U1")[0].text


async def test_what_a_form_showed_and_nobody_changed_in_it_overwrites_nothing(desk: Office) -> None:
    """Two have it open at once; and a note that is longer than the form's field is not cut by saving something else."""
    long = "n" * 1500
    card = await ended_card(desk, f" note {long}")
    await desk.press("call:wrap", card, desk.slack.open_dm("U1").id)
    (call,) = await desk.calls()
    await desk.happen(Wrapped(at=desk.clock(), by="U2", disposition="Interested"), call_id=call.id)
    assert await desk.submit({"later": "3h"}) == {}
    (call,) = await desk.calls()
    assert (call.disposition, call.note) == ("Interested", long)
    assert await wrap(desk) == {}, "nothing was changed, which is no mistake"
    assert [what for _, _, what, *_ in await desk.board.read(audit_log)] == ["call"]


async def test_two_who_say_how_it_went_at_once_overwrite_nothing_of_each_other(desk: Office) -> None:
    card = await ended_card(desk, " note asked for a quote")
    await desk.press("call:wrap", card, desk.slack.open_dm("U1").id)
    (call,) = await desk.calls()
    theirs = Wrapped(at=desk.clock(), by="U2", disposition="Interested", note="asked for a quote of ten")
    await desk.happen(theirs, call_id=call.id)
    (words,) = (await desk.submit({"note": "asked for a quote, by Friday"})).values()
    assert "Somebody has changed the note meanwhile; it reads “asked for a quote of ten” now" in words
    assert "nothing was saved" in words
    (words,) = (await desk.submit({"disposition": "Call later", "later": "3h"})).values()
    assert "Somebody has changed the outcome meanwhile; it is “Interested” now" in words
    (call,) = await desk.calls()
    assert (call.disposition, call.note) == ("Interested", "asked for a quote of ten")
    assert not await desk.board.read(ledger.reminder_of, call.id, "U1"), "all of it, or none"
    assert await desk.submit({"disposition": "Interested", "note": "asked for a quote of ten"}) == {}, "they agree"


async def test_a_note_that_somebody_took_away_meanwhile_is_not_brought_back_by_changing_a_word(desk: Office) -> None:
    card = await ended_card(desk, " note asked for a quote")
    await desk.press("call:wrap", card, desk.slack.open_dm("U1").id)
    (call,) = await desk.calls()
    await desk.happen(Wrapped(at=desk.clock(), by="U2", taken_back=("note",)), call_id=call.id)
    (words,) = (await desk.submit({"note": "asked for two quotes"})).values()
    assert "Somebody has taken the note away meanwhile" in words
    assert await desk.submit({"later": "3h"}) == {}


async def test_what_slack_sends_again_of_a_form_that_is_saved_changes_nothing(desk: Office) -> None:
    card = await ended_card(desk)
    await desk.press("call:wrap", card, desk.slack.open_dm("U1").id)
    (view_id,) = desk.slack.views
    signed = slack_requests.submit(desk.slack, view_id, {"note": "wants the blue one", "later": "3h"})
    for _ in range(2):
        assert await desk.send(signed) == {}
    said = [what for _, _, what, *_ in await desk.board.read(audit_log)]
    assert said.count("how it went") == 1


async def full(work: object) -> object:
    raise sqlite3.OperationalError("database or disk is full")


async def test_how_did_it_go_shows_no_more_than_the_card_that_it_was_asked_on(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    text = SETTINGS.replace('label = "Sales"', 'label = "Sales"\nmask = true')
    async with office(tmp_path, fake_slack, slack_clock, text) as desk:
        await desk.link("U1", extension="AAA", account="voicenter")
        at = desk.clock()
        told = Described(
            ref="in-1", at=at, source="cdr", direction="in", number=CUSTOMER_NUMBER, line=LINE, extension="AAA"
        )
        record = CdrReceived(ref="in-1", at=at, leg="ext:AAA", outcome=Outcome.ANSWERED, talk_seconds=60)
        await desk.happen(told, record)
        (call,) = await desk.calls()
        await desk.board.ingest("voicenter", [Wrapped(at=at, by="U1", note="wants a quote")], call_id=call.id)
        (card,) = desk.slack.channel("C1")
        for user, whole in (("U1", True), ("U4", False), ("U2", True)):  # who took it, a colleague, a manager
            await desk.press("call:wrap", card, "C1", user=user)
            form = str(desk.slack.views.popitem()[1].view)
            assert [words in form for words in ("202-555-0123", "wants a quote", "Remind me")] == [whole] * 3
        await desk.press("call:wrap", card, "C1", user="U4")
        (words,) = (await desk.submit({"note": "wants two"}, user="U4")).values()
        assert "has a note already, which is not shown to you here" in words
        assert "a quote" not in words
        assert await desk.submit({"disposition": "Interested"}, user="U4") == {}
        (call,) = await desk.calls()
        assert (call.disposition, call.note) == ("Interested", "wants a quote")


async def test_how_it_went_is_kept_as_a_whole_or_not_at_all(desk: Office) -> None:
    card = await ended_card(desk)
    await desk.press("call:wrap", card, desk.slack.open_dm("U1").id)
    await desk.board.db.write(lambda db: db.execute("DROP TABLE reminders"))
    (words,) = (await desk.submit({"note": "wants the blue one", "later": "3h"})).values()
    assert "Nothing was saved." in words
    (call,) = await desk.calls()
    assert call.note == ""
    assert [what for _, _, what, *_ in await desk.board.read(audit_log)] == ["call"]
