"""Phones and extensions of several accounts: each is called at its own, also where one is gone."""

import dataclasses

import pytest

from bot.events import AnyEvent, CallEnded, Described, LegRinging
from tests.office import LINE, Office, PaperPhone
from tests.test_handlers_call_again import busy_card

CUSTOMER_NUMBER = "+12025550123"


async def test_a_phone_at_an_account_that_is_gone_is_to_be_linked_again(desk: Office) -> None:
    await desk.link("U1", account="branch")
    told = await desk.type("/call +1 202 555 0123")
    assert "linked at the account “branch”, which is not set up here any more, so nothing was dialled." in told
    assert "Link it again with `/phone`." in told
    await desk.type("/call +1 202 555 0123 via voicenter")
    assert len(desk.phone.orders) == 1


async def test_an_extension_is_rung_at_its_own_account_only(desk: Office) -> None:
    """At another the same digits are somebody else's phone."""
    await desk.link("U1", phone="201", phone_kind="extension", account="branch")
    told = await desk.type("/call +1 202 555 0123 via voicenter")
    assert "linked at branch, and Paperphone cannot ring it, so nothing was dialled." in told
    branch = PaperPhone("branch", desk.clock)
    desk.board.providers = {**desk.board.providers, "branch": branch}
    await desk.type("/call +1 202 555 0123")
    assert (len(branch.orders), desk.phone.orders) == (1, [])
    await branch.http.aclose()


@pytest.mark.parametrize("typed", ["<@U2|ben>", "Omer Katz", "omer"])
async def test_a_colleagues_extension_is_called_at_its_own_account_only(desk: Office, typed: str) -> None:
    await desk.link("U1")
    await desk.link("U2", phone="201", phone_kind="extension", account="branch", name="Omer Katz")
    desk.board.providers = {**desk.board.providers, "branch": PaperPhone("branch", desk.clock)}
    told = await desk.type(f"/call {typed} via voicenter")
    assert (
        "has an extension at Paperphone (branch), and elsewhere it may be somebody else's, so nothing was dialled."
        in told
    )
    assert desk.phone.orders == []
    await desk.type(f"/call {typed}")
    (call,) = await desk.calls()
    assert (call.account, call.number) == ("branch", "201")


async def missed_from_an_extension(desk: Office) -> None:
    """201 of another account has called, and nobody took it."""
    desk.board.providers = {**desk.board.providers, "branch": PaperPhone("branch", desk.clock)}
    await desk.link("U1")
    at = desk.clock()
    events: list[AnyEvent] = [
        Described(ref="in-1", at=at, source="call", direction="in", number="201", line=LINE),
        LegRinging(ref="in-1", at=at, leg="queue"),
        CallEnded(ref="in-1", at=at + 5),
    ]
    await desk.board.ingest("branch", events)
    desk.clock.advance(10)
    await desk.settle()


async def test_an_extension_that_called_is_called_back_at_its_own_account(desk: Office) -> None:
    await missed_from_an_extension(desk)
    told = await desk.type("/call back via voicenter")
    assert told.startswith("Extension 201 called at Paperphone (branch), and elsewhere it may be somebody else's")
    (card,) = desk.slack.channel("C1")
    await desk.press("missed:call_back", card, "C1")
    assert [(call.account, call.number) for call in await desk.calls()][1:] == [("branch", "201")]


async def test_call_back_and_call_again_call_an_extension_at_its_own_account(desk: Office) -> None:
    await missed_from_an_extension(desk)
    assert "Ringing your phone to call 201" in await desk.type("/call back")
    desk.board.providers = {"voicenter": desk.phone}  # the branch is closed
    await desk.type("/call again")
    assert "no telephony account “branch”" in await desk.press("call:yes", desk.slack.ephemerals[-1], "C1")
    assert [(call.account, call.number) for call in await desk.calls()][1:] == [("branch", "201")]


async def test_call_again_on_a_card_of_an_account_that_is_gone_calls_by_another(desk: Office) -> None:
    """As after /call again: there is no “via” to be chosen on a button. Nor is a line shown that is gone, by default
    either: `/phone show` says so already."""
    card = await busy_card(desk)
    branch = PaperPhone("branch", desk.clock)
    desk.board.providers = {"branch": branch}
    object.__setattr__(desk.board.settings, "lines", ())
    assert "Ringing your phone" in await desk.press("call:again", card, desk.slack.open_dm("U1").id)
    assert [(order.number, order.caller_id) for order in branch.orders] == [(CUSTOMER_NUMBER, "")]
    await branch.http.aclose()


@pytest.mark.parametrize("again", ["the button", "/call again"])
async def test_calling_again_from_a_line_that_moved_goes_by_its_account_now(desk: Office, again: str) -> None:
    card = await busy_card(desk)
    branch = PaperPhone("branch", desk.clock)
    desk.board.providers = {"voicenter": desk.phone, "branch": branch}
    (line,) = desk.board.settings.lines
    object.__setattr__(desk.board.settings, "lines", (dataclasses.replace(line, account="branch"),))
    if again == "the button":
        await desk.press("call:again", card, desk.slack.open_dm("U1").id)
    else:
        await desk.type(again)
        await desk.press("call:yes", desk.slack.ephemerals[-1], "C1")
    assert [(order.number, order.caller_id) for order in branch.orders] == [(CUSTOMER_NUMBER, LINE)]
    assert len(desk.phone.orders) == 1
    await branch.http.aclose()


async def test_of_a_colleagues_extension_at_an_account_that_is_gone_that_is_told(desk: Office) -> None:
    await desk.link("U1")
    await desk.link("U2", phone="201", phone_kind="extension", account="branch")
    told = await desk.type("/call <@U2|ben>")
    assert "has an extension at the account “branch”, which is not set up here any more, so nothing was" in told
    assert "Ask them to type `/phone`, or call their number." in told
