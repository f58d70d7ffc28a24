"""`/voicemsg templates`: stored messages, listed, shown, added, deleted."""

from pathlib import Path

import msgspec
import pytest

from bot.errors import Ambiguous, Refused
from tests import slack_requests
from tests.audit_lines import audit_log
from tests.fake_slack import FakeSlack
from tests.office import Office, PaperPhone, office
from tests.slack_state import Clock
from tests.speaker import Speaker, speaker
from tests.voicemsg_desk import ONE, TWO, audit, desk

__all__ = ["desk"]  # a fixture


async def test_stored_messages_are_listed_and_shown(desk: Office) -> None:
    listed = await desk.type("/voicemsg templates")
    assert "Welcome: id 7; key 1 puts through to +1 202-555-0100" in listed
    assert "Order ready: id 8" in listed
    assert "sound 1968" in await desk.type("/voicemsg templates show Order ready")
    speaker(desk).stored["8"] = msgspec.structs.replace(speaker(desk).stored["8"], name="Q&A")
    assert "sound 1968" in await desk.type("/voicemsg templates show q&amp;a")
    speaker(desk).fault = Refused("The key is wrong.")
    assert "The key is wrong." in await desk.type("/voicemsg templates")


async def test_a_message_is_stored_and_deleted(desk: Office) -> None:
    await desk.type("/voicemsg templates add", user="U2")
    wrong = {"name": "Closed", "media": "1970", "digit": "5"}
    assert "number" in await desk.submit(wrong, user="U2")
    assert "number" in await desk.submit({"name": "Closed", "media": "1970", "number": "+1 202 555 0100"}, user="U2")
    for number, words in (("+1 900 555 0123", "premium-rate"), ("+90 555 000 00 01", "is in TR")):
        assert words in (await desk.submit(wrong | {"number": number}, user="U2"))["number"]
    (view_id,) = desk.slack.views
    signed = slack_requests.submit(desk.slack, view_id, wrong | {"number": "+1 202 555 0100"}, user="U2")
    for _ in range(2):  # as Slack does that has seen no answer
        assert await desk.send(signed) == {}
    assert "stored the message “Closed” (id 9)" in desk.told
    assert speaker(desk).stored["9"].redirect_number == "+12025550100"
    await desk.type("/voicemsg templates delete closed", user="U2")
    assert "9" in speaker(desk).stored
    await desk.press("template:delete", desk.slack.ephemerals[-1], "C1", user="U2")
    assert "9" not in speaker(desk).stored
    assert await audit(desk) == ["U2 delete voice message 9", "U2 store voice message Closed"]


@pytest.mark.parametrize(
    ("error", "fate"),
    [
        (Ambiguous("Paperphone did not answer in time."), "unclear"),
        (Refused("Paperphone refused: in use.", words="in use"), "not done"),
    ],
)
async def test_what_became_of_a_stored_message_is_in_the_audit_log(desk: Office, error: Exception, fate: str) -> None:
    phone = speaker(desk)
    phone.storing = [error, error]
    await desk.type("/voicemsg templates add", user="U2")
    assert await desk.submit({"name": "Closed", "media": "1970"}, user="U2") == {}
    assert str(error) in desk.conversation("U2")[-1].text
    await desk.type("/voicemsg templates delete welcome", user="U2")
    assert str(error) in await desk.press("template:delete", desk.slack.ephemerals[-1], "C1", user="U2")
    log = [line[1:] for line in await desk.board.read(audit_log)]
    assert log == [
        ("U2", "delete voice message", "7", f"voicenter {fate}: {error}"),
        ("U2", "store voice message", "Closed", f"voicenter {fate}: {error}"),
    ]


async def test_a_service_that_lists_none_takes_names_as_typed(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    class Silent(PaperPhone):
        message_options = frozenset({"template", "text", "caller_id"})
        send_message = Speaker.send_message  # borrowed: it needs only `messages` and `answers`

        def __init__(self, *given: object) -> None:
            super().__init__(*given)  # type: ignore[arg-type]
            self.messages: list[object] = []
            self.answers: list[object] = []

    async with office(tmp_path, fake_slack, slack_clock, kind=Silent) as desk:
        assert "does not list its stored messages" in await desk.type("/voicemsg templates")
        await desk.type(f"/voicemsg {ONE} template 101")
        assert [order.template for order in desk.phone.messages] == ["101"]  # type: ignore[attr-defined]
        told = await desk.type(f'/voicemsg {TWO} "Hello" keys')
        assert "with this option: keys. Nothing was dialled" in told
        assert "lets Callboard store messages" in await desk.type("/voicemsg templates add", user="U2")
