"""Quiet hours: what a channel is spared, what comes all the same, and what stands there in the morning."""

import pytest

from bot.events import CallEnded, CdrReceived, Described, LegAnswered, LegRinging, Outcome
from bot.store import cards, missed
from bot.store import roundups as roundups_store
from tests.fake_slack import FakeSlack
from tests.office import LINE
from tests.roundup_desk import CALLER, HELP, NIGHT, OTHER, Open, at, call, opened, record, roundups, seen, until

__all__ = ["opened"]  # a fixture


async def test_quiet_hours_hold_and_then_tell_all_in_one(opened: Open) -> None:
    async with opened(NIGHT) as desk:
        await call(desk, at("02 19:30"), "a")
        assert len(seen(desk)) == 1
        await call(desk, at("02 20:10"), "b", direction="out", number=OTHER)
        await call(desk, at("02 22:10"), "c")
        await call(desk, at("03 06:10"), "d", direction="out", number=OTHER)
        await until(desk, at("03 07:59:50"))
        assert len(seen(desk)) == 1
    async with opened(NIGHT) as desk:
        await until(desk, at("03 08:01"))
        (told,) = roundups(desk)
        assert told.text.startswith(
            "Calls from 2 Feb 2026, 20:00 to 3 Feb 2026, 08:00\n1 came in: 1 answered, none missed.\n2 went"
        )
        assert "2 Feb 2026, 22:10 · From" in told.text
        assert "This channel was quiet meanwhile." in told.text
        await call(desk, at("03 08:10"), "e", number=OTHER)  # one by one again
        assert len(seen(desk)) == 3


async def test_whoever_still_waits_in_the_morning_gets_a_card_and_whoever_was_called_back_none(opened: Open) -> None:
    async with opened(NIGHT) as desk:
        await call(desk, at("02 21:00"), "a", Outcome.NO_ANSWER)
        await call(desk, at("02 21:05"), "b", Outcome.NO_ANSWER, number=OTHER)
        await call(desk, at("03 02:00"), "c", Outcome.NO_ANSWER)
        assert [row.number for row in await desk.board.read(missed.waiting)] == [CALLER, OTHER]  # but all is known
        await call(desk, at("03 07:00"), "d", direction="out", number=OTHER)
        await until(desk, at("03 07:59:50"))
        assert seen(desk) == []
        await until(desk, at("03 08:01"))
        waits, told = sorted(seen(desk))[::-1]
        assert waits.startswith("☎️ Missed call from +1 202-555-0155\nMissed twice")
        assert "3 came in: 0 answered, 3 missed, 1 caller still waits.\n1 went out: 1 reached." in told
        assert len(seen(desk)) == 2


async def test_of_a_night_of_missed_callers_only_those_who_wait_are_shown(opened: Open) -> None:
    async with opened(NIGHT) as desk:
        await call(desk, at("02 21:00"), "a", Outcome.NO_ANSWER)
        await until(desk, at("03 08:01"))
        (only,) = seen(desk)
        assert only.startswith("☎️ Missed call from")


async def test_a_card_that_stands_there_goes_on_being_edited(opened: Open) -> None:
    async with opened(NIGHT) as desk:
        await call(desk, at("02 19:50"), "a", Outcome.NO_ANSWER)
        (before,) = desk.slack.channel("C1")
        await call(desk, at("02 20:30"), "b", direction="out")
        await until(desk, at("02 20:40"))
        (after,) = desk.slack.channel("C1")
        assert (after.ts, "called back" in after.text) == (before.ts, True)


async def test_a_call_that_was_shown_when_they_began_is_shown_to_its_end(opened: Open) -> None:
    async with opened(NIGHT) as desk:
        await until(desk, at("02 19:58"))
        told = Described(ref="a", at=at("02 19:58"), source="ring", direction="in", number=CALLER, line=LINE)
        await desk.happen(told, LegAnswered(ref="a", at=at("02 19:58"), leg="ext:201"))
        assert len(seen(desk)) == 1
        await until(desk, at("02 20:05"))
        await desk.happen(CallEnded(ref="a", at=desk.clock()))
        await until(desk, at("03 09:00"))
        (only,) = desk.slack.channel("C1")
        assert "Call from" in only.text
        assert len(only.updates) > 0


async def test_a_call_that_rings_in_quiet_hours_is_shown_if_it_goes_on_after_them(opened: Open) -> None:
    async with opened(NIGHT) as desk:
        await until(desk, at("03 07:59"))
        told = Described(ref="a", at=desk.clock(), source="ring", direction="in", number=CALLER, line=LINE)
        await desk.happen(told, LegRinging(ref="a", at=desk.clock(), leg="ext:201"))
        assert seen(desk) == []
        await until(desk, at("03 08:01"))
        await desk.happen(LegAnswered(ref="a", at=desk.clock(), leg="ext:201"))
        assert "Talking" in seen(desk)[0]
        await desk.happen(CallEnded(ref="a", at=desk.clock()))
        await until(desk, at("03 08:10"))
        assert len(seen(desk)) == 1


async def test_what_could_not_be_posted_before_them_waits(opened: Open, fake_slack: FakeSlack) -> None:
    async with opened(NIGHT) as desk:
        await until(desk, at("02 19:59:50"))
        fake_slack.fail_next("chat.postMessage", "500")
        await desk.happen(*record("a", at("02 19:58"), Outcome.ANSWERED, direction="out"))
        await until(desk, at("03 07:59"))
        assert seen(desk) == []
        await until(desk, at("03 08:01"))
        assert len(seen(desk)) == 1


@pytest.mark.parametrize("how", ["500", "drop_before"])
async def test_a_call_whose_card_did_not_come_before_them_is_told_of_afterwards(
    opened: Open, fake_slack: FakeSlack, how: str
) -> None:
    async with opened(NIGHT) as desk:
        await until(desk, at("02 19:59:50"))
        fake_slack.fail_next("chat.postMessage", how)
        told = Described(ref="a", at=desk.clock(), source="ring", direction="in", number=CALLER, line=LINE)
        await desk.board.ingest("voicenter", [told, LegAnswered(ref="a", at=desk.clock(), leg="ext:201")])
        await desk.settle()
        desk.clock.now = max(desk.clock(), at("02 20:00:01"))
        await until(desk, at("02 20:05"))
        assert seen(desk) == []
        await desk.happen(CallEnded(ref="a", at=desk.clock()))
        await until(desk, at("03 08:05"))
        (only,) = seen(desk)
        assert "1 came in: 1 answered" in only


async def test_while_it_is_not_known_whether_a_call_is_shown_it_counts_as_that(
    opened: Open, fake_slack: FakeSlack
) -> None:
    async with opened(NIGHT) as desk:
        desk.clock.now = at("02 20:30")
        await desk.board.ingest("voicenter", record("a", at("02 20:10"), Outcome.ANSWERED, direction="out"))
        (call,) = await desk.calls()
        period = (at("02 20:00"), at("03 08:00"), "C1")
        assert await desk.board.read(roundups_store.calls_of, *period) == [call]
        await desk.board.write(cards.mark, "cdr", call.id, "C1", desk.clock())
        card = await desk.board.read(cards.find, "cdr", call.id)
        assert card is not None
        await desk.board.write(cards.posting, card, "C1", desk.clock())
        assert await desk.board.read(roundups_store.calls_of, *period) == []


async def test_escalations_and_everything_in_private_come_at_once(opened: Open) -> None:
    async with opened(NIGHT) as desk:
        mine = Described(ref="a", at=at("02 21:00"), source="cdr", direction="in", number=CALLER, extension="201")
        await desk.link("U1", extension="201")
        await until(desk, at("02 21:00"))
        rung = CdrReceived(ref="a", at=at("02 21:00"), leg="ext:201", outcome=Outcome.NO_ANSWER, extension="201")
        await desk.happen(mine, rung)
        assert "Missed call" in desk.conversation("U1")[0].text
        await call(desk, at("02 21:30"), "b", Outcome.NO_ANSWER, number=OTHER)
        assert "0156" in await desk.type("/missed")
        assert seen(desk) == []


async def test_a_channel_is_as_quiet_as_the_quietest_of_its_lines(opened: Open) -> None:
    other = f'\n[lines."{HELP}"]\nlabel = "Help"\n[policy]'
    async with opened(NIGHT.replace("[policy]", other, 1)) as desk:
        await call(desk, at("02 21:00"), "a", line=HELP)
        assert seen(desk) == []
        await until(desk, at("03 08:01"))
        assert len(roundups(desk)) == 1


async def test_hours_that_are_quiet_are_one_roundup(opened: Open) -> None:
    text = NIGHT.replace('label = "Sales"', 'label = "Sales"\nroundup = "hourly"')
    async with opened(text) as desk:
        for number, hour in enumerate(("02 18:10", "02 19:10", "02 20:10", "03 01:10", "03 07:10", "03 08:10")):
            await call(desk, at(hour), f"r{number}", direction="out", number=OTHER)
        await until(desk, at("03 09:01"))
        assert [text.splitlines()[:2] for text in seen(desk)] == [
            ["Calls on 2 Feb 2026, 18:00 to 19:00", "1 went out: 1 reached."],
            ["Calls from 2 Feb 2026, 19:00 to 3 Feb 2026, 08:00", "4 went out: 4 reached."],
            ["Calls on 3 Feb 2026, 08:00 to 09:00", "1 went out: 1 reached."],
        ]


async def test_a_days_roundup_waits_for_the_morning(opened: Open) -> None:
    text = NIGHT.replace('label = "Sales"', 'label = "Sales"\nroundup = "daily"')
    async with opened(text) as desk:
        await call(desk, at("02 10:10"), "a")
        await call(desk, at("02 23:10"), "b")
        await call(desk, at("03 07:10"), "c")
        assert seen(desk) == []
        await until(desk, at("03 08:01"))
        (told,) = seen(desk)
        assert "2 came in" in told


async def test_a_digest_comes_when_it_was_asked_for(opened: Open) -> None:
    async with opened(NIGHT) as desk:
        await until(desk, at("02 21:00"))
        body = b'{"title":"Call digest","text":"Call digest","lines":["One."],"as_of":"Now."}'
        await desk.board.write(cards.mark, "digest", "daily:x", "C1", desk.clock(), body)
        await desk.settle()
        assert len(seen(desk)) == 1
