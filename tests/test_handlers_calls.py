"""`/call` and the call card, as a person sees them: signed requests in, Slack messages out."""

import pytest
from typing_extensions import override

from bot import controlling, jobs
from bot.call import HANG_UP_SECONDS, Call
from bot.consent import Recording
from bot.errors import Ambiguous, NotAllowed, Refused, Unavailable
from bot.events import REP, AnyEvent, CdrReceived, LegAnswered, LegEnded, LegRinging, Outcome
from bot.providers import provider_class
from bot.store import people
from bot.who import EXAMPLE
from tests.audit_lines import audit_log
from tests.office import ADA, LINE, Office, PaperPhone

CUSTOMER_NUMBER = "+12025550123"


async def test_a_call_from_ringing_to_how_it_went(desk: Office) -> None:
    await desk.link("U1")
    told = await desk.type("/call +1 202 555 0123 note about the offer")
    assert "Ringing your phone" in told
    (order,) = desk.phone.orders
    assert (order.rep.value, order.number, order.caller_id) == (ADA, CUSTOMER_NUMBER, LINE)
    (card,) = desk.conversation("U1")
    assert "Ringing your phone" in card.text
    assert "about the offer" in card.text

    await desk.happen(LegAnswered(ref="paper-1", at=desk.clock(), leg=REP))
    (card,) = desk.conversation("U1")
    assert "Ringing +1 202-555-0123" in card.text
    await desk.happen(LegAnswered(ref="paper-1", at=desk.clock(), leg="customer"))
    assert "Talking to +1 202-555-0123" in desk.conversation("U1")[0].text

    ended = [
        CdrReceived(ref="paper-1", at=desk.clock(), leg=leg, outcome=Outcome.ANSWERED, ring_seconds=4, talk_seconds=80)
        for leg in (REP, "customer")
    ]
    await desk.happen(*ended)
    (card,) = desk.conversation("U1")
    assert "Talked for 1 min 20 s" in card.text
    summary = desk.slack.channel("C1")[-1]
    assert "Outgoing call to +1 202-555-0123" in summary.text
    assert "by U1" in summary.text

    channel = desk.slack.open_dm("U1").id
    await desk.press("call:wrap", card, channel)
    assert await desk.submit({"disposition": "Interested", "note": "wants a quote", "later": "1h"}) == {}
    (card,) = desk.conversation("U1")
    for words in ("Interested", "wants a quote", "Reminder to call"):
        assert words in card.text
    (call,) = await desk.calls()
    (_, *latest), *_ = await desk.board.read(audit_log)
    assert latest == ["U1", "how it went", "+12025550123", f"{call.id} Interested with a note"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("/call abc123xyz", "No contact is called"),
        ("/call 911", "emergency"),
        ("/call +1 202 555 0190", "your own"),
        ("/call +33 1 42 68 53 00", "FR"),
        ("/call +1 900 555 0123", "premium-rate"),
        ("/call +1 202 555", "too short"),
        ("/call +1 202 555 0123 from Nowhere", "There is no line “Nowhere”"),
        ("/call +1 202 555 0123 via carrier", "There is no telephony account “carrier”"),
        ("/call +1 202 555 0123 max soon", "length of time"),
        ("/call <@U2|grace>", "has not linked a phone"),
        ("/call <@U1|ada>", "That is you"),
        ("/call back", "Nobody is waiting"),
        ("/call again", "not called anybody"),
        ("/call help", "calls back the latest missed caller"),
    ],
)
async def test_what_cannot_be_dialled_is_explained(desk: Office, line: str, words: str) -> None:
    await desk.link("U1")
    assert words in await desk.type(line)
    assert desk.phone.orders == []
    assert await desk.calls() == []


@pytest.mark.parametrize(
    ("line", "ending"),
    [
        ("/call +1 202 555", "is too short for a phone number. Check the digits. Nothing was dialled."),
        ("/call Noa Green via", f"quote the name. Nothing was dialled. {EXAMPLE}"),
    ],
)
async def test_what_was_not_understood_was_not_dialled(desk: Office, line: str, ending: str) -> None:
    assert (await desk.type(line)).endswith(ending)


async def test_without_a_linked_phone_nothing_is_dialled(desk: Office) -> None:
    assert "/phone link" in await desk.type("/call +1 202 555 0123")
    assert desk.phone.orders == []


async def test_do_not_call(desk: Office) -> None:
    await desk.link("U1")
    await desk.board.write(people.block, CUSTOMER_NUMBER, "asked us to stop", "U2", desk.clock())
    assert "asked us to stop" in await desk.type("/call +1 202 555 0123")
    assert desk.phone.orders == []


async def test_typing_it_twice_dials_once(desk: Office) -> None:
    await desk.link("U1")
    await desk.type("/call +1 202 555 0123")
    assert "already calling" in await desk.type("/call (202) 555-0123")
    assert len(desk.phone.orders) == 1


@pytest.mark.parametrize(
    "text",
    ["number +1 202 555 0123", "📞 +1 202 555 0123", "Noa +1 202 555 0123 please", "please call 202-555-0123"],
)
async def test_words_around_a_number_are_said_to_be_too_many(desk: Office, text: str) -> None:
    await desk.link("U1")
    assert await desk.type(f"/call {text}") == (
        f"“{text}” is nobody's name, so nothing was dialled. Write the number alone: +1 202-555-0123."
    )
    assert desk.phone.orders == []


async def test_two_numbers_among_words_are_one_too_many(desk: Office) -> None:
    await desk.link("U1")
    told = await desk.type("/call either +1 202 555 0123 or +1 202 555 0124")
    assert told.endswith("is nobody's name, so nothing was dialled. Write one number alone, like +1 202-555-0123.")


@pytest.mark.parametrize(
    ("error", "told", "card"),
    [
        (
            Refused("Paperphone refused: no such extension.", code="3", words="x"),
            "no such extension",
            "no such extension",
        ),
        (
            Unavailable("Paperphone could not be reached, so nothing was done."),
            "could not be reached",
            "not be reached",
        ),
        (Ambiguous("Paperphone did not answer in time."), "did not answer in time", "Unclear"),
        (RuntimeError("a bug"), "failed while placing", "Unclear"),
    ],
)
async def test_a_failing_provider_is_told(desk: Office, error: Exception, told: str, card: str) -> None:
    await desk.link("U1")
    desk.phone.answer = error
    said = await desk.type("/call +1 202 555 0123")
    assert told in said
    assert card in desk.conversation("U1")[0].text
    asks = "Its card, in your conversation with Callboard, asks what became of it; it is not dialled again by itself."
    assert (asks in said) == (card == "Unclear")
    assert len(desk.phone.orders) == 1


async def test_who_can_record_only_while_they_talk_is_told_how(desk: Office) -> None:
    class Talking(PaperPhone):
        """It starts a recording when somebody asks for it, and places no recorded call."""

        title = "Talkabout"
        order_options = frozenset({"caller_id"})

        @override
        async def start_recording(self, call: Call, name: str = "") -> tuple[AnyEvent, ...]:
            raise AssertionError

    await desk.link("U1")
    talking = Talking("talking", desk.clock)
    desk.board.providers = {"talking": talking}
    assert await desk.type("/call +1 202 555 0123 record") == (
        "Talkabout cannot place a call with this option: record. Nothing was dialled; leave it out. To record, press "
        "“Record” on the call's card while you talk."
    )
    assert (await desk.type("/call +1 202 555 0123 record max 5m")).startswith(
        "Talkabout cannot place a call with these options: max, record. Nothing was dialled; leave them out."
    )
    await talking.http.aclose()


async def test_hang_up_once(desk: Office) -> None:
    await desk.link("U1")
    await desk.type("/call +1 202 555 0123")
    await desk.happen(LegRinging(ref="paper-1", at=desk.clock(), leg=REP))
    (card,) = desk.conversation("U1")
    await desk.press("call:hang_up", card, desk.slack.open_dm("U1").id)
    assert len(desk.phone.hung_up) == 1
    assert "Hanging up" in desk.conversation("U1")[0].text


async def test_a_card_whose_record_is_late_does_not_end_a_later_call(desk: Office) -> None:
    class Switchboard(PaperPhone):
        """It ends what a phone is in."""

        @override
        def ends_too(self, call: Call, other: Call) -> bool:
            return call.rep_phone == other.rep_phone

    await desk.link("U1")
    phone = Switchboard("voicenter", desk.clock)
    desk.board.providers = {"voicenter": phone}
    await desk.type("/call +1 202 555 0123")
    await desk.happen(*(LegAnswered(ref="paper-1", at=desk.clock(), leg=leg) for leg in (REP, "customer")))
    desk.clock.advance(60)
    await desk.type("/call +1 202 555 0155")
    await desk.happen(LegAnswered(ref="paper-2", at=desk.clock(), leg=REP))
    later, stale = sorted(await desk.calls(), key=lambda call: -call.started_at)
    await controlling.hang_up(desk.board, stale.id, "U1")  # the later one only rings: a phone may have both
    assert phone.hung_up == [stale.id]
    desk.clock.advance(HANG_UP_SECONDS + 1)
    await desk.happen(LegAnswered(ref="paper-2", at=desk.clock(), leg="customer"))
    with pytest.raises(NotAllowed, match="by now that is another call"):
        await controlling.hang_up(desk.board, stale.id, "U1")
    await controlling.hang_up(desk.board, later.id, "U1")
    assert phone.hung_up == [stale.id, later.id]
    await phone.http.aclose()


async def test_hanging_up_that_had_no_effect_may_be_tried_again(desk: Office) -> None:
    await desk.link("U1")
    await desk.type("/call +1 202 555 0123")
    await desk.happen(LegRinging(ref="paper-1", at=desk.clock(), leg=REP))
    place = desk.slack.open_dm("U1").id
    await desk.press("call:hang_up", desk.conversation("U1")[0], place)

    async def look(seconds: float) -> str:
        desk.clock.advance(seconds)
        await jobs.tick(desk.board)
        await desk.settle()
        return str(desk.conversation("U1")[0].blocks)

    assert "call:hang_up" not in await look(HANG_UP_SECONDS - 1)
    with pytest.raises(NotAllowed, match="Nothing was done a second time"):
        await controlling.hang_up(desk.board, (await desk.calls())[0].id, "U1")
    assert "call:hang_up" in await look(2)
    assert "no end was told" in desk.conversation("U1")[0].text
    for presses in (2, 3):
        await desk.press("call:hang_up", desk.conversation("U1")[0], place)
        assert len(desk.phone.hung_up) == presses
        assert "call:hang_up" not in await look(1)  # and again it is awaited
        assert "call:hang_up" in await look(HANG_UP_SECONDS)
    await desk.happen(LegEnded(ref="paper-1", at=desk.clock(), leg=REP, outcome=Outcome.NO_ANSWER))
    assert "call:hang_up" not in await look(60)


async def test_the_form_says_what_is_wrong_and_then_calls(desk: Office) -> None:
    await desk.link("U1")
    await desk.type("/call")
    assert "who" in await desk.submit({"who": "911 what"})
    assert "max" in await desk.submit({"who": "+1 202 555 0123", "max": "soon"})
    announced = Recording(default="announce", announcement="This call is recorded.")
    object.__setattr__(desk.board.settings, "recording", announced)
    assert await desk.submit({"who": "+1 202 555 0123", "max": "30", "options": ["record"], "note": "hi"}) == {}
    (order,) = desk.phone.orders
    assert (order.max_seconds, order.record) == (1800, True)


async def test_a_callers_name_cannot_ring_the_channel(desk: Office) -> None:
    await desk.link("U1")
    await desk.contact(CUSTOMER_NUMBER, "<!channel> <https://evil.example|Bank>")
    await desk.type("/call +1 202 555 0123")
    text = desk.conversation("U1")[0].text
    assert "<!channel>" not in text
    assert "<https" not in text


async def test_the_form_offers_only_services_that_place_calls(desk: Office) -> None:
    exolve = provider_class("exolve")("exolve", {}, desk.phone.http, "US")
    desk.board.providers = {"voicenter": desk.phone, "second": PaperPhone("second", desk.clock), "exolve": exolve}
    await desk.type("/call")
    (view,) = desk.slack.views.values()
    assert "Paperphone (second)" in str(view.view)
    assert "Exolve" not in str(view.view)
    await desk.board.providers["second"].http.aclose()


async def test_an_extension_behind_a_switchboard_is_dialled_also_when_called_again(desk: Office) -> None:
    await desk.link("U1")
    await desk.type("/call +1 202 555 0123 ext 42 note about the offer")
    (order,) = desk.phone.orders
    assert (order.number, order.dial_digits) == (CUSTOMER_NUMBER, "..42")
    card = desk.conversation("U1")[0]
    assert "dials 42 once they answer" in card.text
    await desk.happen(CdrReceived(ref="paper-1", at=desk.clock(), leg="customer", outcome=Outcome.BUSY))
    assert "again, and then dial 42?" in await desk.type("/call again")
    await desk.press("call:yes", desk.slack.ephemerals[-1], "C1")
    await desk.happen(CdrReceived(ref="paper-2", at=desk.clock(), leg="customer", outcome=Outcome.BUSY))
    desk.clock.advance(60)
    await desk.press("call:again", desk.conversation("U1")[1], desk.slack.open_dm("U1").id)
    assert [order.dial_digits for order in desk.phone.orders] == ["..42", "..42", "..42"]


async def test_a_service_that_cannot_dial_an_extension_behind_a_number_says_so(desk: Office) -> None:
    class Plain(PaperPhone):
        order_options = frozenset({"caller_id"})

    await desk.link("U1")
    plain = Plain("voicenter", desk.clock)
    desk.board.providers = {"voicenter": plain}
    assert await desk.type("/call +1 202 555 0123 ext 42") == (
        "Paperphone cannot dial 42 once they have answered. Nothing was dialled; call the number alone and press the "
        "keys on your phone."
    )
    desk.board.providers = {"voicenter": plain, "paper": desk.phone}
    assert "choose “via paper”, or call the number alone" in await desk.type("/call +1 202 555 0123 ext 42")
    assert plain.orders == desk.phone.orders == []
    await plain.http.aclose()


async def test_an_extension_behind_a_switchboard_has_a_field_of_the_form(desk: Office) -> None:
    await desk.link("U1")
    await desk.type("/call")
    assert "cannot be dialled" in (await desk.submit({"who": "+1 202 555 0123", "digits": "front desk"}))["digits"]
    assert await desk.submit({"who": "+1 202 555 0123", "digits": "1,,42#"}) == {}
    assert [order.dial_digits for order in desk.phone.orders] == ["..1....42#"]
    await desk.type("/call")
    assert await desk.submit({"who": "+1 202 555 0124 ext 7"}) == {}
    assert desk.phone.orders[1].dial_digits == "..7"


async def test_a_key_to_confirm_is_on_the_card(desk: Office) -> None:
    await desk.link("U1")
    object.__setattr__(desk.board.settings.accounts[0], "call", {"confirm_key": "any"})
    await desk.type("/call +1 202 555 0123")
    assert "Pick up and press any key, then" in desk.conversation("U1")[0].text
