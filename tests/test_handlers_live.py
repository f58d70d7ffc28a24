"""The controls of a running call, by signed Slack requests: only what makes sense, done once, told in the thread."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from bot.call import Call
from bot.controlling import CONTROLS, WITHOUT_US, control
from bot.errors import NotAllowed, Refused
from bot.events import CUSTOMER, REP, CdrReceived, Described, LegAnswered, LegEnded, LegRinging, Outcome
from bot.operations import operations
from tests import slack_requests
from tests.audit_lines import audit_log
from tests.live_desk import TALK, buttons, card, desk, only, phone, press, talking, thread
from tests.office import LINE, Office

__all__ = ["desk"]  # a fixture


def test_every_operation_on_a_running_call_is_a_control() -> None:
    names = list(operations())
    on_a_call = names[names.index("hang_up") : names.index("talk_options")]
    assert set(CONTROLS) == {*on_a_call, "use_talk_option"} - {"bridge"}


async def test_only_what_makes_sense_now_is_shown(desk: Office) -> None:
    await desk.type("/call +1 202 555 0101")
    assert buttons(desk) == set()
    await talking_from_ringing(desk)
    assert buttons(desk) == TALK | {"use_talk_option", "drop_leg"}
    await press(desk, "hold")
    assert buttons(desk) == {"resume", "consult"}
    assert "on hold" in card(desk).text


async def talking_from_ringing(desk: Office) -> None:
    at = desk.clock()
    await desk.happen(LegAnswered(ref="paper-1", at=at, leg=REP), LegAnswered(ref="paper-1", at=at + 1, leg=CUSTOMER))


async def test_consult_and_transfer_are_told_in_the_thread_and_in_the_audit_log(desk: Office) -> None:
    await talking(desk)
    await press(desk, "hold")
    await press(desk, "consult")
    assert await desk.submit({"who": "+1 202 555 0177"}) == {}
    assert buttons(desk) == {"complete_transfer", "return_to_caller"}
    await press(desk, "complete_transfer")
    assert phone(desk).done == [("hold",), ("consult", "+12025550177"), ("complete_transfer",)]
    assert thread(desk) == [
        "U1 put the call on hold.",
        "U1 put the call on hold and called +1 202-555-0177.",
        "U1 completed the transfer.",
    ]
    audit = [(what, detail.partition(" ")[2]) for _, who, what, _, detail in await desk.board.read(audit_log)]
    assert audit[:4] == [
        ("complete transfer", ""),
        ("consult", "+12025550177"),
        ("consult", "+12025550177 asked for"),  # before the service was
        ("hold", ""),
    ]
    assert (await only(desk)).transferred_to == "+12025550177"
    assert buttons(desk) <= WITHOUT_US  # the others talk without us


async def test_two_clicks_have_one_effect_and_the_card_says_what_happens(desk: Office) -> None:
    call = await talking(desk)
    gate = phone(desk).gate = asyncio.Event()
    hold: Callable[[Any, Call], Any] = lambda provider, one: provider.hold(one)  # noqa: E731
    first = asyncio.create_task(control(desk.board, call.id, "U1", "hold", hold))
    while not phone(desk).done:
        await asyncio.sleep(0)
    with pytest.raises(NotAllowed, match="Nothing was done a second time"):
        await control(desk.board, call.id, "U1", "hold", hold)
    desk.clock.advance(2)
    await desk.feed.drain()
    assert "Putting on hold…" in card(desk).text
    assert buttons(desk) == set()
    gate.set()
    await first
    desk.clock.advance(2)
    await desk.settle()
    assert phone(desk).done == [("hold",)]
    assert "resume" in buttons(desk)


async def test_a_control_that_races_with_the_end_says_so_kindly(desk: Office) -> None:
    call = await talking(desk)
    phone(desk).fault = Refused("Paperphone refused: call session not found.", words="call session not found")

    async def ends_meanwhile(provider: Any, one: Call) -> None:
        await desk.board.ingest(
            "voicenter", [LegEnded(ref="paper-1", at=desk.clock(), leg=CUSTOMER, outcome=Outcome.ANSWERED)]
        )
        await provider.hold(one)

    with pytest.raises(Exception, match="The call ended before that could be done"):
        await control(desk.board, call.id, "U1", "hold", ends_meanwhile)
    assert "already ended" in await press(desk, "hold")


async def test_what_the_service_refuses_is_told_and_changes_nothing(desk: Office) -> None:
    await talking(desk)
    phone(desk).fault = Refused("Paperphone refused: not now.", words="not now")
    assert await press(desk, "hold") == "The call was not put on hold: Paperphone refused: not now."
    await press(desk, "forward")
    await desk.submit({"who": "+1 202 555 0177"})
    assert desk.conversation("U1")[-1].text == "The call was not transferred: Paperphone refused: not now."
    assert not (await only(desk)).held
    assert thread(desk) == []
    assert "not done" in (await desk.board.read(audit_log))[0][4]


async def test_others_keep_their_hands_off_but_a_manager_may(desk: Office) -> None:
    call = await talking(desk)
    with pytest.raises(NotAllowed, match="Only the rep on the call, or a manager"):
        await control(desk.board, call.id, "U4", "hold", lambda provider, one: provider.hold(one))
    assert phone(desk).done == []
    await control(desk.board, call.id, "U2", "hold", lambda provider, one: provider.hold(one))
    await desk.settle()
    assert thread(desk) == ["U2 put the call on hold."]


@pytest.mark.parametrize("action", ["hold", "tag"])
async def test_of_a_call_at_an_account_that_is_gone_that_is_told(desk: Office, action: str) -> None:
    await talking(desk)
    before = card(desk)
    desk.board.providers = {}
    told = await desk.press(f"live:{action}", before, desk.slack.open_dm("U1").id)
    shown = [view.view["blocks"][0]["text"]["text"] for view in desk.slack.views.values()]
    words = (
        "That call is at the account “voicenter”, which is not set up here any more. Nothing was done; use the phone "
        "itself."
    )
    assert [told, *shown] == ([words] if action == "hold" else ["", words])


@pytest.mark.parametrize(
    ("action", "values", "good"),
    [
        ("press_key", {"keys": "5"}, 3),
        ("play", {"text": "One moment."}, 3),
        ("tag", {"choice": "77"}, 3),
        ("forward", {"who": "+1 202 555 0177"}, 0),
    ],
)
async def test_a_form_that_is_sent_twice_counts_once(
    desk: Office, action: str, values: dict[str, str], good: int
) -> None:
    """Slack sends it again where the answer was lost on the way; also what the service refused is not tried again."""
    await talking(desk)
    await press(desk, action)
    phone(desk).fault, phone(desk).good = Refused("Paperphone refused: not now.", words="not now"), good
    (view_id,) = [view.id for view in desk.slack.views.values() if view.user == "U1"]
    for _ in range(3):
        assert not await desk.send(slack_requests.submit(desk.slack, view_id, values))
    assert len(phone(desk).done) == 1


async def test_a_line_that_slack_may_have_posted_is_looked_up_in_its_thread(desk: Office) -> None:
    await talking(desk)
    desk.slack.fail_next("chat.postMessage", "drop_after")
    await press(desk, "hold")
    desk.clock.advance(10)
    await desk.settle()
    assert thread(desk) == ["U1 put the call on hold."]
    assert any(request.method == "conversations.replies" for request in desk.slack.requests)


async def test_an_ended_call_has_no_controls(desk: Office) -> None:
    await talking(desk)
    record = CdrReceived(ref="paper-1", at=desk.clock(), leg=CUSTOMER, outcome=Outcome.ANSWERED, talk_seconds=9)
    await desk.happen(record)
    assert buttons(desk) == set()


async def test_a_form_opens_at_once_even_when_the_service_is_slow(desk: Office) -> None:
    await talking(desk)
    await desk.send(
        slack_requests.click(desk.slack, "live:tag", user="U1", channel=desk.slack.open_dm("U1").id, ts=card(desk).ts)
    )
    methods = [request.method for request in desk.slack.requests if request.method.startswith("views.")]
    assert methods == ["views.open", "views.update"]


async def test_a_form_is_not_opened_for_whom_may_not_use_it(desk: Office) -> None:
    at = desk.clock()
    await desk.happen(
        Described(ref="in-1", at=at, source="popup", direction="in", number="+12025550144", line=LINE, extension="201"),
        LegRinging(ref="in-1", at=at, leg="ext:201"),
        LegAnswered(ref="in-1", at=at + 1, leg="ext:201"),
    )
    (shown,) = desk.slack.channel("C1")
    await desk.press("live:drop_leg", shown, "C1", user="U4")
    (view,) = desk.slack.views.values()
    assert "Only the rep on the call, or a manager, can hang up one side" in str(view.view["blocks"])
