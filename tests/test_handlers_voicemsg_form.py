"""The form of `/voicemsg`: what it offers, what it says, and that it is sent once."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.consent import Recording
from bot.orders import Template
from tests import slack_requests
from tests.fake_slack import FakeSlack
from tests.office import Office, office
from tests.slack_state import Clock
from tests.speaker import Speaker, speaker
from tests.voicemsg_desk import ONE, THREE, TWO, card, desk

__all__ = ["desk"]  # a fixture


async def test_a_form_that_is_closed_before_it_is_filled_is_no_incident(
    desk: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The phone service takes its time, and they do not want to send anything after all."""
    stored = speaker(desk).templates

    async def slowly() -> tuple[Template, ...]:
        desk.slack.views.clear()
        return await stored()

    monkeypatch.setattr(speaker(desk), "templates", slowly)
    assert await desk.type("/voicemsg") == ""
    assert desk.slack.views == {}
    assert desk.slack.ephemerals == []


async def test_the_form_sends_what_was_pasted(desk: Office) -> None:
    await desk.type("/voicemsg", user="U2")
    pasted = f"name;phone\nIda;{THREE}\n{TWO}\nDana Levi\n"
    assert "to" in await desk.submit({"to": "Nobody Known", "text": "Hello"}, user="U2")
    assert "text" in await desk.submit({"to": pasted, "text": "Hello", "stored": "voicenter/7"}, user="U2")
    assert "text" in await desk.submit({"to": pasted}, user="U2")
    assert "time" in await desk.submit({"to": pasted, "text": "Hello", "time": "late"}, user="U2")
    assert await desk.submit({"to": pasted, "stored": "voicenter/8", "listen": ["keys"]}, user="U2") == {}
    await desk.press("voicemsg:send", card(desk, "U2"), "DU2", user="U2")
    assert [(order.number, order.template, order.collect_digits) for order in speaker(desk).messages] == [
        (THREE, "8", True),
        (TWO, "8", True),
        (ONE, "8", True),
    ]
    assert {call.name for call in await desk.calls()} == {"Ida", "Noa Green", "Dana Levi"}


async def test_the_form_asks_for_the_limits_and_for_recording_where_that_may_be(desk: Office) -> None:
    await desk.type("/voicemsg")
    blocks = {block["block_id"]: block for block in shown(desk)}
    assert blocks["limits"]["element"]["placeholder"]["text"] == "ring 20s max 1m"
    assert [box["value"] for box in blocks["listen"]["element"]["options"]] == ["keys", "words"]  # no rule lets it
    assert "limits" in await desk.submit({"to": ONE, "text": "Hello", "limits": "for a while"})
    assert await desk.submit({"to": ONE, "text": "Hello", "limits": "max 1m ring 20s"}) == {}
    recording = Recording(countries={"US": "announce"}, announcement="This call is recorded.")
    desk.board.settings = replace(desk.board.settings, recording=recording)
    await desk.type("/voicemsg")
    assert "Record it, once that was announced" in str(shown(desk))
    assert "listen" in await desk.submit({"to": TWO, "stored": "voicenter/7", "listen": ["record"]})
    assert await desk.submit({"to": TWO, "text": "Hello", "listen": ["record"]}) == {}
    assert [(order.ring_seconds, order.max_seconds, order.record) for order in speaker(desk).messages] == [
        (20, 60, False), (None, None, True),
    ]  # fmt: skip


async def test_the_form_offers_only_what_a_service_can(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    class Ringer(Speaker):
        message_options = frozenset({"template", "ring_seconds", "record"})

    async with office(tmp_path, fake_slack, slack_clock, kind=Ringer) as desk:
        recording = Recording(default="announce", announcement="This call is recorded.")
        desk.board.settings = replace(desk.board.settings, recording=recording)
        await desk.type("/voicemsg")
        blocks = {block["block_id"]: block for block in shown(desk)}
        assert blocks["limits"]["element"]["placeholder"]["text"] == "ring 20s"
        assert "listen" not in blocks  # it speaks no announcement


def shown(desk: Office) -> list[dict[str, Any]]:
    """The blocks of the form that is open."""
    (view,) = desk.slack.views.values()
    return list(view.view["blocks"])


async def test_a_form_that_is_sent_again_because_slack_saw_no_answer_is_one_message(desk: Office) -> None:
    desk.board.settings = replace(desk.board.settings, policy=replace(desk.board.settings.policy, attempts_per_day=5))
    await desk.type("/voicemsg")
    (view,) = desk.slack.views
    sent = [
        await desk.send(slack_requests.submit(desk.slack, view, {"to": ONE, "text": "Hello"}))  # each with its trigger
        for _ in range(2)
    ]
    assert "was sent before; nothing was sent a second time" in str(sent[1])
    assert len(speaker(desk).messages) == 1


async def test_the_shortcut_opens_the_form_and_answers_in_the_conversation(desk: Office) -> None:
    await desk.send(slack_requests.shortcut(desk.slack, "send_voice_message"))
    assert await desk.submit({"to": "Dana Levi", "text": "Hello", "day": "2026-02-03", "time": "10:30 p.m."}) == {}
    texts = [message.text for message in desk.conversation("U1")]
    assert any("is scheduled" in text for text in texts)
    assert any("on its way" in text or "scheduled" in text for text in texts)


async def test_the_form_says_when_the_service_cannot_be_asked(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    async with office(tmp_path, fake_slack, slack_clock) as desk:
        await desk.type("/voicemsg")
        (view,) = desk.slack.views.values()
        assert "None of your phone services can send" in str(view.view["blocks"])
        assert await desk.type("/voicemsg templates") == (
            "Stored voice messages\nNone of your phone services can send voice messages."
        )


async def test_a_number_in_a_message_is_called_from_the_form(desk: Office) -> None:
    await desk.send(
        slack_requests.shortcut(desk.slack, "call_number", text="Ring <tel:+12025550131|+1 202 555 0131> before 2026")
    )
    (view,) = desk.slack.views.values()
    assert "+1 202-555-0131" in str(view.view["blocks"])
    desk.slack.views.clear()
    await desk.send(slack_requests.shortcut(desk.slack, "call_number", text="Ring 202-555-0131 ext. 42, please"))
    (view,) = desk.slack.views.values()
    assert "+1 202-555-0131 ext 42" in str(view.view["blocks"])
    desk.slack.views.clear()
    await desk.send(slack_requests.shortcut(desk.slack, "call_number", text="Nothing here, order 12"))
    assert "no phone number in that message" in desk.told
