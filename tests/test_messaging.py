"""Voice messages that are asked for: who may send what to whom, and by which service."""

from pathlib import Path

import pytest
from typing_extensions import override

from bot import message_batches, messaging
from bot.cards.said import Said
from bot.errors import BadInput, NotAllowed, NotFound, Unsupported
from bot.events import Accepted, Outcome
from bot.messaging import Wanted
from bot.orders import MessageOrder
from bot.store import dials
from tests.fake_slack import FakeSlack
from tests.message_desk import NUMBERS, batch, called, desk, states
from tests.office import SETTINGS, Office, PaperPhone, office
from tests.slack_state import Clock
from tests.speaker import Speaker, hears, speaker

__all__ = ["desk"]  # a fixture

HOURS = SETTINGS.replace('hours = ["00:00", "24:00"]', 'hours = ["09:00", "18:00"]')


async def test_who_may_send_to_how_many(desk: Office) -> None:
    await batch(desk, NUMBERS[0], by="U1")
    with pytest.raises(NotAllowed, match="Only managers"):
        await batch(desk, *NUMBERS[1:3], by="U1")
    with pytest.raises(NotAllowed, match="201 recipients are too many"):
        await batch(desk, *(f"+12025550{number:03}" for number in range(201)))
    made = await batch(desk, NUMBERS[4], NUMBERS[4], NUMBERS[5], start=False)
    assert len(await states(desk, made)) == 2


async def test_a_text_is_no_longer_than_whoever_approves_it_is_shown(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    asked = SETTINGS.replace("[policy]", "[policy]\napprove_over = 1")
    async with office(tmp_path, fake_slack, slack_clock, asked, kind=Speaker) as desk:
        text = "Your order & more. " * 157
        wanted = Wanted(by="U2", recipients=((NUMBERS[0], ""), (NUMBERS[1], "")), said=Said(text=f"{text} and ends"))
        made = await messaging.create(desk.board, "key", wanted)
        await message_batches.confirm(desk.board, made.id, "U2")
        await desk.settle()
        assert "and ends”.\nTo +1 202-555-0130" in "".join(
            block.get("text", {}).get("text", "") for block in desk.conversation("U9")[-1].blocks
        )
        longer = Wanted(by="U2", recipients=wanted.recipients, said=Said(text=f"{text} and ends much later"))
        with pytest.raises(BadInput, match="The text has 3003 characters, and 3000 are the most"):
            await messaging.create(desk.board, "key", longer)


async def test_named_callers_and_countries_hold_for_messages(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    named = SETTINGS.replace("[policy]", '[policy]\ncallers = ["U4"]')
    async with office(tmp_path, fake_slack, slack_clock, named, kind=Speaker) as desk:
        with pytest.raises(NotAllowed, match="among those who may place calls"):
            await batch(desk, NUMBERS[0], by="U1")
        for number, words in (
            ("+33612345678", "is in FR"),
            ("+19005550123", "premium"),
            ("+442079460000", ""),
            ("+112", ""),
        ):
            if words:
                with pytest.raises(NotAllowed, match=words):
                    await batch(desk, number)
        made = await batch(desk, "+33612345678", NUMBERS[0], start=False)
        assert await states(desk, made) == ["refused", "waiting"]
        assert "is in FR" in desk.conversation("U2")[-1].text
        assert speaker(desk).messages == []


async def test_an_unknown_time_zone_is_no_automatic_call(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    async with office(tmp_path, fake_slack, slack_clock, HOURS, kind=Speaker) as desk:
        with pytest.raises(NotAllowed, match="not known what time it is"):
            await batch(desk, "+18005550123")
        made = await batch(desk, "+18005550123", NUMBERS[0], start=False)
        assert await states(desk, made) == ["refused", "waiting"]


async def test_a_service_that_cannot(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> None:
    async with office(tmp_path, fake_slack, slack_clock, kind=PaperPhone) as desk:
        with pytest.raises(Unsupported, match="None of your phone services can send"):
            await batch(desk, NUMBERS[0])


async def test_digits_and_sounds_go_to_whoever_can_play_them(desk: Office) -> None:
    class Teller(Speaker):
        message_options = frozenset({"text"})

    teller = Teller("teller", desk.clock)
    desk.board.providers = {"teller": teller, "voicenter": desk.phone}
    for said in (Said(digits="0405"), Said(loop="menu"), Said(template="Welcome", digits="7", after="goodbye")):
        wanted = Wanted(by="U2", recipients=((NUMBERS[len(called(desk))], ""),), said=said)
        await messaging.create(desk.board, "key", wanted)
        await desk.settle()
    assert [(order.template, order.digits, order.loop, order.after) for order in speaker(desk).messages] == [
        ("", "0405", "", ""), ("", "", "menu", ""), ("7", "7", "", "goodbye"),
    ]  # fmt: skip
    assert teller.messages == []
    for said in (Said(digits="7"), Said(text="Hi", after="goodbye")):
        wanted = Wanted(by="U2", recipients=((NUMBERS[5], ""),), said=said, account="teller")
        with pytest.raises(Unsupported, match=r"cannot send a voice message with this option: (digits|finally)"):
            await messaging.create(desk.board, "key", wanted)
    with pytest.raises(BadInput, match="Choose a stored message or write a text"):
        await messaging.create(desk.board, "key", Wanted(by="U2", recipients=((NUMBERS[5], ""),), said=Said()))
    await teller.http.aclose()


async def test_a_service_that_cannot_speak_is_said_together_with_one_that_can(desk: Office) -> None:
    class Player(PaperPhone):
        message_options = frozenset({"template"})

        @override
        async def send_message(self, order: MessageOrder) -> Accepted:
            raise AssertionError(order)

    player = Player("player", desk.clock)
    desk.board.providers = {"player": player, "voicenter": desk.phone}
    wanted = Wanted(by="U2", recipients=((NUMBERS[0], ""),), said=Said(text="Hi"), account="player")
    with pytest.raises(Unsupported, match=r"only play stored messages\. Choose one of those or “via voicenter”\."):
        await messaging.create(desk.board, "key", wanted)
    await player.http.aclose()


async def test_a_misspelt_name_does_not_go_to_whoever_cannot_list(desk: Office) -> None:
    class Silent(PaperPhone):
        message_options = frozenset({"template"})

        @override
        async def send_message(self, order: MessageOrder) -> Accepted:
            self.ordered = order.template
            return Accepted(ref="silent-1", at=self.now())

    silent = Silent("quiet", desk.clock)
    desk.board.providers = {"quiet": silent, "voicenter": desk.phone}
    wanted = Wanted(by="U2", recipients=((NUMBERS[0], ""),), said=Said(template="welcom"))
    with pytest.raises(NotFound, match="If it is stored at quiet, which cannot list"):
        await messaging.create(desk.board, "key", wanted)
    await messaging.create(
        desk.board, "key", Wanted(by="U2", recipients=wanted.recipients, said=Said(template="Welcome"))
    )
    await desk.settle()
    assert [order.template for order in speaker(desk).messages] == ["7"]
    desk.board.providers = {"quiet": silent, "voicenter": desk.phone}
    await messaging.create(
        desk.board, "key", Wanted(by="U2", recipients=((NUMBERS[1], ""),), said=wanted.said, account="quiet")
    )
    await desk.settle()
    assert silent.ordered == "welcom"
    await silent.http.aclose()


async def test_a_message_is_no_conversation(desk: Office) -> None:
    """It closes no missed caller, counts for nobody's calls, and has no record of its own in the channel."""
    await batch(desk, NUMBERS[0])
    await desk.happen(*hears(1, desk.clock(), phrase="yes please"))
    (call,) = await desk.calls()
    assert (call.outcome, call.conversation, call.heard) == (Outcome.ANSWERED, False, ("yes please",))
    assert await desk.board.read(dials.dials_since, 0, 0, "U2") == (0, 0)
    assert desk.slack.channel("C1") == []
    assert "heard the message" in desk.conversation("U2")[-1].text
