"""`/recording` and *Recording*, by signed Slack requests: who may, what must be confirmed, what is brought how."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bot.errors import NotAllowed, NotFound
from bot.orders import TalkOption
from handlers import Click
from handlers.live import _choices
from handlers.recordings import get
from tests import slack_requests
from tests.audit_lines import audit_log
from tests.fake_slack import FakeSlack
from tests.office import Office, office
from tests.recorded import (
    ANNOUNCEMENT,
    SOUND,
    Recorder,
    came_in,
    card,
    deliveries,
    end,
    files,
    recorded,
    recorder,
    settings,
    talk,
)
from tests.slack_state import Clock

Open = Callable[..., AbstractAsyncContextManager[Office]]


@pytest.fixture
def opened(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> Open:
    """An office with the given [recording]; Ada's extension is 201."""

    def open_office(**more: Any) -> AbstractAsyncContextManager[Office]:
        return office(tmp_path, fake_slack, slack_clock, settings(**more), kind=Recorder)

    return open_office


@pytest.fixture
async def desk(opened: Open) -> AsyncIterator[Office]:
    async with opened() as desk:
        await desk.link("U1", extension="201")
        yield desk


async def audit(desk: Office) -> list[tuple[str, str, str]]:
    """(who, what, detail) without our ids, the latest first."""
    rows = await desk.board.read(audit_log)
    return [(who, what, detail.partition(" ")[2]) for _, who, what, _, detail in rows]


def action_ids(blocks: Any) -> list[str]:
    elements = [e for block in blocks for e in [*block.get("elements", ()), block.get("accessory")] if e]
    return [element["action_id"] for element in elements if "action_id" in element]


def links(desk: Office) -> list[str]:
    return [
        element["url"]
        for block in desk.slack.ephemerals[-1].blocks
        for element in block.get("elements", ())
        if "url" in element
    ]


# From the start


async def test_a_recorded_call_asks_first_and_once(desk: Office) -> None:
    told = await desk.type("/call +1 202 555 0123 record")
    assert "did they agree" in told
    assert "call without recording" in told
    assert desk.phone.orders == []
    question = desk.slack.ephemerals[-1]
    assert "They agreed" in question.text
    await desk.press("call:yes", question, "C1")
    await desk.press("call:yes", question, "C1")
    (order,) = desk.phone.orders
    assert (order.record, order.customer_message) == (True, None)
    (placed,) = [detail for who, what, detail in await audit(desk) if (who, what) == ("U1", "call")]
    assert "recorded: confirmed that the other side agreed" in placed


async def test_consent_and_calling_hours_are_two_questions(opened: Open) -> None:
    async with opened() as desk:
        object.__setattr__(desk.board.settings.policy, "hours", ("00:00", "00:01"))
        await desk.link("U1")
        assert "did they agree" in await desk.type("/call +1 202 555 0123 record")
        hours = await desk.press("call:yes", desk.slack.ephemerals[-1], "C1")
        assert "agree" not in hours
        assert desk.phone.orders == []
        await desk.press("call:yes", desk.slack.ephemerals[-1], "C1")
        assert [order.record for order in desk.phone.orders] == [True]


async def test_the_service_plays_the_announcement_where_it_can(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(countries={"US": "announce"}) as desk:
        await desk.link("U1")
        await desk.type("/call +1 202 555 0123 record")
        (order,) = desk.phone.orders
        assert order.record
        assert order.customer_message is not None
        assert order.customer_message.text == ANNOUNCEMENT
        can = Recorder.order_options - {"customer_message"}
        monkeypatch.setattr(Recorder, "order_options", can)
        told = await desk.type("/call +1 202 555 0124 record")
        assert "first thing you say" in told
        assert ANNOUNCEMENT in told
        assert len(desk.phone.orders) == 1
        await desk.press("call:yes", desk.slack.ephemerals[-1], "C1")
        assert desk.phone.orders[1].customer_message is None


async def test_without_a_rule_nothing_is_recorded_and_other_calls_are_placed(opened: Open) -> None:
    async with opened(countries={}, announcement="") as desk:
        await desk.link("U1")
        assert "not recorded here" in await desk.type("/call +1 202 555 0123 record")
        assert desk.phone.orders == []
        call = await talk(desk)
        assert desk.phone.orders[0].record is False
        assert "live:start_recording" not in action_ids(card(desk).blocks)
        assert "not recorded here" in await desk.type("/recording start")
        assert recorder(desk).done == []
        assert (await desk.calls()) == [call]


# By hand


async def test_recording_by_hand_asks_in_a_form_and_is_told_and_written_down(desk: Office) -> None:
    await talk(desk)
    await desk.press("live:start_recording", card(desk), "DU1")
    assert recorder(desk).done == []
    (view,) = desk.slack.views.values()
    assert "did they agree" in view.view["blocks"][0]["text"]["text"]
    assert view.view["submit"]["text"] == "They agreed"
    assert await desk.submit({}) == {}
    assert recorder(desk).done == ["start +12025550101"]
    desk.clock.advance(2)
    await desk.settle()
    assert "recording" in card(desk).text
    assert [message.text for message in desk.conversation("U1") if message.thread_ts] == ["U1 started recording."]
    assert (await audit(desk))[0] == ("U1", "start recording", "confirmed that the other side agreed")
    desk.clock.advance(2)
    assert await desk.type("/recording stop") == "The call with +1 202-555-0101 is not recorded any more."
    assert recorder(desk).done[1:] == ["stop +12025550101"]


async def test_recording_is_not_started_without_the_answer(desk: Office) -> None:
    await talk(desk)
    await desk.type("/recording start")
    assert len(desk.slack.views) == 1
    assert recorder(desk).done == []
    assert (await audit(desk))[0][1] != "start recording"


async def test_a_form_that_is_answered_after_the_end_says_so(desk: Office) -> None:
    await talk(desk)
    await desk.type("/recording start")
    await end(desk)
    await desk.submit({})
    assert recorder(desk).done == []
    assert any("already ended" in message.text for message in desk.conversation("U1"))


async def test_two_answers_start_one_recording(desk: Office) -> None:
    await talk(desk)
    for _ in range(2):
        await desk.type("/recording start")
        if desk.slack.views:
            await desk.submit({})
    assert recorder(desk).done == ["start +12025550101"]


async def test_which_of_several_calls_is_asked(desk: Office) -> None:
    await talk(desk, "+1 202 555 0101")
    await talk(desk, "+1 202 555 0102")
    told = await desk.type("/recording start")
    assert "Record which?" in told
    question = desk.slack.ephemerals[-1]
    assert action_ids(question.blocks) == ["live:start_recording"] * 2
    (second,) = [call.id for call in await desk.calls() if call.number.endswith("0102")]
    await desk.press("live:start_recording", question, "C1", value=second)
    await desk.submit({})
    assert recorder(desk).done == ["start +12025550102"]
    assert "Stop recording" not in told


async def test_a_voice_message_is_no_running_call(desk: Office) -> None:
    """It is recorded from its start or not at all, with what the other side hears first."""
    await talk(desk)
    (call,) = await desk.calls()
    body = msgspec.json.encode(msgspec.structs.replace(call, purpose="message"))
    await desk.board.db.write(lambda db: db.execute("UPDATE calls SET body = ?", (body,)).rowcount)
    assert "no running call" in await desk.type("/recording start")
    assert desk.slack.views == {}


async def test_nothing_runs(desk: Office) -> None:
    assert "no running call" in await desk.type("/recording start")
    assert "no running call" in await desk.type("/recording stop")


async def test_what_records_by_key_is_not_offered_beside_the_button(
    desk: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def options() -> tuple[TalkOption, ...]:
        return (
            TalkOption(button="9", kind="record_talk", name="Record"),
            TalkOption(button="5", kind="other", name="Park"),
        )

    monkeypatch.setattr(desk.phone, "talk_options", options)
    call = await talk(desk)
    assert await _choices(desk.phone, call, "use_talk_option") == [("5", "5: Park")]


# Afterwards: links


async def test_a_link_is_for_whoever_pressed_alone(desk: Office) -> None:
    await recorded(desk)
    assert "recording:get" in action_ids(card(desk).blocks)
    told = await desk.press("recording:get", card(desk), "DU1")
    assert "for 5 minutes" in told
    (address,) = links(desk)
    assert address.startswith("https://callboard.example/recordings/")
    answer = await desk.http.get(address)
    assert (answer.status_code, answer.content) == (200, SOUND + b"rec-1")
    assert (await audit(desk))[0][:2] == ("U1", "listened to recording")
    assert files(desk) == []
    assert all("/recordings/" not in str(message) for message in desk.conversation("U1"))


async def test_a_press_of_the_link_itself_does_nothing_here(desk: Office) -> None:
    await recorded(desk)
    await desk.press("recording:get", card(desk), "DU1")
    assert await desk.press("recording:listen:1", desk.slack.ephemerals[-1], "DU1") == ""


async def test_every_recording_of_a_call_has_its_link(desk: Office) -> None:
    await recorded(desk, "rec-1", "rec-2")
    assert "Recordings of the call" in await desk.type("/recording get")
    heard = [(await desk.http.get(address)).content for address in links(desk)]
    assert heard == [SOUND + b"rec-1", SOUND + b"rec-2"]


async def test_the_card_of_an_incoming_call_and_the_record_have_the_button(desk: Office) -> None:
    await came_in(desk)
    (incoming,) = desk.slack.channel("C1")
    assert "recording:get" in action_ids(incoming.blocks)
    assert "for 5 minutes" in await desk.press("recording:get", incoming, "C1")
    assert "Only" not in desk.told
    await recorded(desk)
    summary = desk.slack.channel("C1")[-1]
    assert "Outgoing call" in summary.text
    assert "recording:get" in action_ids(summary.blocks)
    assert "“Recording”" in summary.text


@pytest.mark.parametrize(
    ("listen", "allowed"),
    [("rep", {"U1", "U2", "U9"}), ("manager", {"U2", "U9"}), ("admin", {"U9"})],
)
async def test_who_may_listen_is_a_role(opened: Open, listen: str, allowed: set[str]) -> None:
    async with opened(listen=listen) as desk:
        await desk.link("U1", extension="201")
        await came_in(desk)
        (incoming,) = desk.slack.channel("C1")
        for user in ("U1", "U2", "U4", "U9"):
            told = await desk.press("recording:get", incoming, "C1", user=user)
            assert ("for 5 minutes" in told) == (user in allowed), (user, told)
            assert ("may listen to this recording" in told) == (user not in allowed)


async def test_no_link_without_an_address(desk: Office) -> None:
    await recorded(desk)
    object.__setattr__(desk.board.settings, "public_url", "")
    assert "CALLBOARD_PUBLIC_URL" in await desk.press("recording:get", card(desk), "DU1")


async def test_a_button_of_a_call_that_is_gone_or_was_not_recorded_says_so(desk: Office) -> None:
    await recorded(desk)
    call = await talk(desk, "+1 202 555 0102")
    for value, words in (("nobody", "not on record any more"), (call.id, "not recorded")):
        with pytest.raises(NotFound, match=words):
            await get(desk.desk, Click(user="U1", value=value))


async def test_a_service_that_hands_none_out(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    await recorded(desk)
    monkeypatch.setattr(Recorder, "can", classmethod(lambda cls, name: name != "fetch_recording"))
    assert "cannot hand out recordings" in await desk.press("recording:get", card(desk), "DU1")


# Afterwards: files


async def test_a_file_stands_below_the_card_and_asking_again_brings_no_second(opened: Open) -> None:
    async with opened(deliver="file") as desk:
        await desk.link("U1", extension="201")
        await recorded(desk)
        await deliveries(desk).deliver()
        await deliveries(desk).deliver()
        (file,) = files(desk)
        assert file.thread_ts == card(desk).ts
        assert "of the call with +1 202-555-0101" in file.text
        told = await desk.press("recording:get", card(desk), "DU1")
        assert "for 5 minutes" in told  # it is there already; who lost it listens by a link
        await deliveries(desk).deliver()
        assert len(files(desk)) == 1


async def test_whoever_asks_gets_a_file_of_their_own(opened: Open) -> None:
    async with opened(deliver="file") as desk:
        await desk.link("U1", extension="201")
        await came_in(desk)
        await deliveries(desk).deliver()
        (file,) = files(desk)  # Ada took the call; her conversation has no card of it
        assert file.thread_ts == ""
        (incoming,) = desk.slack.channel("C1")
        told = await desk.press("recording:get", incoming, "C1", user="U2")
        assert "on its way to your conversation" in told
        await deliveries(desk).deliver()
        assert len(files(desk, "U2")) == 1
        assert all(not message.files for message in desk.slack.channel("C1"))
        assert ("U2", "asked for recording", "") in await audit(desk)


async def test_no_file_goes_to_whom_may_not_listen(opened: Open) -> None:
    async with opened(deliver="file", listen="manager") as desk:
        await desk.link("U1", extension="201")
        await recorded(desk)
        await deliveries(desk).deliver()
        assert files(desk) == []
        assert recorder(desk).fetched == []
        assert "recording:get" not in action_ids(card(desk).blocks)
        call = (await desk.calls())[-1]
        with pytest.raises(NotAllowed, match="Managers may listen"):
            await get(desk.desk, Click(user="U1", value=call.id))


async def test_who_is_a_guest_by_now_or_has_left_listens_to_nothing_any_more(opened: Open) -> None:
    """Also by a link that is good for some minutes yet; and no file comes to them."""
    async with opened() as desk:
        await desk.link("U1", extension="201")
        await recorded(desk)
        await desk.press("recording:get", card(desk), "DU1")
        (address,) = links(desk)
        desk.board.outsiders.add("U1")
        assert (await desk.http.get(address)).status_code == 403
        assert recorder(desk).fetched == []
    async with opened(deliver="file") as desk:
        await recorded(desk)
        desk.board.outsiders.add("U1")
        await deliveries(desk).deliver()
        assert files(desk) == []


# Lists


async def test_my_latest_recordings_with_their_buttons(desk: Office) -> None:
    assert "There is no recording." in await desk.type("/recording")
    await desk.contact("+12025550102", "Dana <!channel> Levi")
    await recorded(desk, number="+1 202 555 0101")
    desk.clock.advance(60)
    await recorded(desk, "a", "b", number="+1 202 555 0102")
    told = await desk.type("/recording")
    assert told.index("Dana") < told.index("0101")
    assert "2 recordings" in told
    assert "<!channel>" not in told
    assert action_ids(desk.slack.ephemerals[-1].blocks) == ["recording:get"] * 2
    assert "There is no recording." in await desk.type("/recording", user="U4")


async def test_lists_of_others_are_for_managers(desk: Office) -> None:
    await recorded(desk)
    assert "managers only" in await desk.type("/recording list <@U1|ada>", user="U4")
    assert "0101" in await desk.type("/recording list <@U1|ada>", user="U2")
    assert "0101" in await desk.type("/recording list <@U1|ada>")
    assert "There is no recording." in await desk.type("/recording list +1 202 555 0101", user="U4")
    assert "0101" in await desk.type("/recording list +1 202 555 0101", user="U2")
    assert "There is no recording." in await desk.type("/recording list +1 202 555 0109", user="U2")


async def test_lists_of_others_are_found_by_their_name(desk: Office) -> None:
    await recorded(desk)
    await desk.link("U1", extension="201", name="Ada Long")
    for name in ("ada", "Long", "Áda Long"):
        assert "0101" in await desk.type(f"/recording list {name}", user="U2")
        assert "0101" in await desk.type(f"/recording list {name}")
        assert "managers only" in await desk.type(f"/recording list {name}", user="U4")
    await desk.contact("+12025550101", "Long & Sons")
    assert "; Long &amp; Sons, +1 202-555-0101. " in (await desk.type("/recording get long", user="U2"))


@pytest.mark.parametrize("typed", ["list\u00a0Ada", "\u200flist Ada\u200f", "LIST\u202fAda"])
async def test_spaces_and_marks_that_keyboards_put_in_part_words_as_others_do(desk: Office, typed: str) -> None:
    await recorded(desk)
    await desk.link("U1", extension="201", name="Ada Long")
    assert "0101" in await desk.type(f"/recording {typed}", user="U2")
    assert "Call log" in await desk.type("/calls \u200flog\u00a0today")


async def test_what_stands_in_the_middle_of_a_name_is_nobodys(desk: Office) -> None:
    await recorded(desk)
    await desk.contact("+12025550101", "Acme")
    assert await desk.type("/recording get me") == (
        "No contact is called “me”. Did you mean Acme? Then write more of the name, or +1 202-555-0101."
    )


async def test_get_brings_the_latest_that_fits(desk: Office) -> None:
    assert "no recording that you may listen to" in await desk.type("/recording get")
    await recorded(desk, "first", number="+1 202 555 0101")
    desk.clock.advance(60)
    await recorded(desk, "second", number="+1 202 555 0102")
    for line, name in (("/recording get", b"second"), ("/recording get +1 202 555 0101", b"first")):
        await desk.type(line)
        assert (await desk.http.get(links(desk)[0])).content == SOUND + name
    assert "no recording that you may" in await desk.type("/recording get +1 202 555 0101", user="U4")
    await desk.contact("+12025550101", "Sam Hill")
    await desk.contact("+12025550102", "Sam Hall")
    assert await desk.type("/recording get Sam") == (
        "Several contacts are called “Sam”: Sam Hall, +1 202-555-0102; Sam Hill, +1 202-555-0101. Write the number."
    )
    told = await desk.type("/recording get Nobody")
    assert "No contact is called “Nobody”. Write the number" in told
    assert "dialled" not in told
    assert "and nothing else" in await desk.type("/recording get back")
    assert "max 30m" not in await desk.type("/recording get <!channel>")
    await desk.link("U4", "+12025550146", name="Ben Hill")  # whose calls are found by a mention of them
    for part in ("Sam Hill", "Hill", "Hil"):
        await desk.type(f"/recording get {part}")
        assert (await desk.http.get(links(desk)[0])).content == SOUND + b"first"


async def test_policy_help_and_nonsense(desk: Office) -> None:
    assert "from US are recorded if the other side was asked" in await desk.type("/recording policy")
    assert "brings you your latest recording" in await desk.type("/recording help")
    assert "“erase” is not something `/recording` can do" in await desk.type("/recording erase all")


async def test_a_form_from_app_home_asks_in_the_conversation_where_it_can_be_answered(desk: Office) -> None:
    await desk.send(slack_requests.home_opened(desk.slack))
    home = desk.slack.homes["U1"]
    await desk.send(slack_requests.click(desk.slack, "home:call", view_id=home.id))
    assert await desk.submit({"who": "+1 202 555 0123", "options": ["record"]}) == {}
    assert desk.phone.orders == []
    (question,) = desk.conversation("U1")
    assert "did they agree" in question.text
    desk.clock.advance(2)
    await desk.press("call:yes", question, "DU1")
    assert [order.record for order in desk.phone.orders] == [True]
