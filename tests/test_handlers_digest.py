"""`/digest`: subscribing where it can be posted, in a person's own conversation, and what only one person sees."""

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot import digests
from bot.digest import DEFINITIONS
from bot.events import CdrReceived, Described, LegAnswered, Outcome
from bot.store import ledger
from bot.store import missed as missed_callers
from tests.audit_lines import audit_log
from tests.block_rules import check_message
from tests.fake_slack import FakeSlack
from tests.office import LINE, SETTINGS, Office, office
from tests.slack_state import Clock

CALLER = "+12025550155"
MADRID = ZoneInfo("Europe/Madrid")


@pytest.fixture
async def masking(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> AsyncIterator[Office]:
    """An office that masks numbers in channels."""
    text = "mask_numbers = true\n" + SETTINGS.replace('label = "Sales"', 'label = "Sales"\nmask = true')
    async with office(tmp_path, fake_slack, slack_clock, text) as opened:
        yield opened


async def missed(desk: Office, number: str = CALLER, ref: str = "in-1") -> None:
    await desk.happen(
        Described(ref=ref, at=desk.clock(), source="cdr", direction="in", number=number, line=LINE),
        CdrReceived(ref=ref, at=desk.clock(), leg="ext:AAA", outcome=Outcome.NO_ANSWER, ring_seconds=20),
    )


def at(desk: Office, *moment: int) -> None:
    desk.clock.now = datetime(moment[0], moment[1], moment[2], moment[3], moment[4], tzinfo=MADRID).timestamp()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("daily 18:00 Europe/Madrid", ("every day at 18:00 (Europe/Madrid)", "the next one: 18:00")),
        ("daily 9:00 Europe/Madrid", ("every day at 09:00 (Europe/Madrid)", "the next one: tomorrow 09:00")),
        ("weekly mon 17:00 europe/madrid", ("every Monday at 17:00 (Europe/Madrid)", "the next one: 23 Nov 17:00")),
        ("daily 6pm", ("every day at 18:00 (Europe/Madrid)",)),  # nobody's zone is known yet: the office's
    ],
)
async def test_it_says_when_the_next_one_comes(desk: Office, text: str, words: tuple[str, ...]) -> None:
    at(desk, 2026, 11, 20, 12, 0)
    told = await desk.type(f"/digest {text}", user="U2")
    for each in words:
        assert each in told
    assert any(what == "digest" and who == "U2" for _, who, what, *_ in await desk.board.read(audit_log))


async def test_the_zone_is_the_persons_where_none_is_typed(desk: Office) -> None:
    await desk.link("U2", zone="Asia/Jerusalem")
    assert "every day at 18:00 (Asia/Jerusalem)" in await desk.type("/digest daily 18:00", user="U2")


async def test_moved_to_a_later_hour_it_does_not_promise_a_second_one_today(desk: Office) -> None:
    at(desk, 2026, 11, 20, 12, 0)
    await desk.type("/digest daily 18:00 Europe/Madrid", user="U2")
    at(desk, 2026, 11, 20, 18, 30)
    await digests.due(desk.board)
    await desk.settle()
    assert "the next one: tomorrow 20:00" in await desk.type("/digest daily 20:00 Europe/Madrid", user="U2")
    at(desk, 2026, 11, 20, 20, 30)
    await digests.due(desk.board)
    await desk.settle()
    assert len([message for message in desk.slack.channel("C1") if "Call digest" in message.text]) == 1


async def test_moved_to_an_earlier_hour_that_is_past_todays_comes_at_once(desk: Office) -> None:
    """Else the hours since yesterday's would be in none."""
    at(desk, 2026, 11, 19, 12, 0)
    await desk.type("/digest daily 19:00 Europe/Madrid", user="U2")
    at(desk, 2026, 11, 19, 19, 1)
    await digests.due(desk.board)
    at(desk, 2026, 11, 20, 9, 0)
    await missed(desk)
    at(desk, 2026, 11, 20, 18, 30)
    assert "the next one: tomorrow 18:00" in await desk.type("/digest daily 18:00 Europe/Madrid", user="U2")
    await digests.due(desk.board)
    at(desk, 2026, 11, 21, 18, 1)
    await digests.due(desk.board)
    await desk.settle()
    told = [message.text for message in desk.slack.channel("C1") if "Call digest" in message.text]
    assert ["1 incoming call" in text for text in told] == [False, True, False]
    assert "from Thursday 19 November 2026 18:00 to Friday 20 November 2026 18:00" in told[1]


async def test_moved_to_a_later_hour_the_next_one_begins_where_the_last_one_ended(desk: Office) -> None:
    """Else whoever called between the two hours would be in none."""
    at(desk, 2026, 11, 20, 12, 0)
    await desk.type("/digest daily 18:00 Europe/Madrid", user="U2")
    at(desk, 2026, 11, 20, 18, 1)
    await digests.due(desk.board)
    await desk.type("/digest daily 20:00 Europe/Madrid", user="U2")
    at(desk, 2026, 11, 20, 19, 0)
    await missed(desk)
    for day in (21, 22):
        at(desk, 2026, 11, day, 20, 1)
        await digests.due(desk.board)
    await desk.settle()
    told = [message.text for message in desk.slack.channel("C1") if "Call digest" in message.text]
    assert ["1 incoming call" in text for text in told] == [False, True, False]
    assert "from Friday 20 November 2026 18:00 to Saturday 21 November 2026 20:00" in told[1]
    assert "from Saturday 21 November 2026 20:00 to Sunday 22 November 2026 20:00" in told[2]


async def test_moved_to_a_later_hour_no_day_before_its_first_one_comes_after_all(desk: Office) -> None:
    """It was made after the hour of that day; by the new hour it would have been made before."""
    at(desk, 2026, 11, 20, 12, 0)
    await desk.type("/digest daily 9:00 Europe/Madrid", user="U2")
    for day in (21, 22):
        at(desk, 2026, 11, day, 9, 1)
        await digests.due(desk.board)
    await desk.type("/digest daily 18:00 Europe/Madrid", user="U2")
    for day in (22, 23):
        at(desk, 2026, 11, day, 18, 1)
        await digests.due(desk.board)
    await desk.settle()
    told = [message.text for message in desk.slack.channel("C1") if "Call digest" in message.text]
    assert len(told) == 3
    assert "from Sunday 22 November 2026 09:00 to Monday 23 November 2026 18:00" in told[2]


async def test_a_weekly_one_that_is_moved_to_a_later_day_leaves_out_no_day(desk: Office) -> None:
    at(desk, 2026, 11, 1, 12, 0)
    for week in range(2):
        desk.clock.advance(86400)
        await missed(desk, ref=f"before-{week}")
        desk.clock.advance(6 * 86400)
    at(desk, 2026, 11, 15, 12, 0)
    await desk.type("/digest weekly mon 9:00 Europe/Madrid", user="U2")
    at(desk, 2026, 11, 16, 9, 1)
    await digests.due(desk.board)
    at(desk, 2026, 11, 17, 12, 0)
    await missed(desk, ref="between")
    assert "the next one: 27 Nov 17:00" in await desk.type("/digest weekly fri 17:00 Europe/Madrid", user="U2")
    at(desk, 2026, 11, 27, 17, 1)
    await digests.due(desk.board)
    await desk.settle()
    told = [message.text for message in desk.slack.channel("C1") if "Call digest" in message.text][-1]
    assert "from Monday 16 November 2026 09:00 to Friday 27 November 2026 17:00" in told
    assert "1 incoming call" in told
    assert "In the same hours" not in told  # of weeks before which it would itself be


async def test_one_that_was_off_for_a_while_covers_its_own_time_only(desk: Office) -> None:
    at(desk, 2026, 11, 2, 12, 0)
    await desk.type("/digest daily 18:00 Europe/Madrid", user="U2")
    at(desk, 2026, 11, 2, 18, 1)
    await digests.due(desk.board)
    await desk.type("/digest stop", user="U2")
    at(desk, 2026, 11, 20, 12, 0)
    await desk.type("/digest daily 18:00 Europe/Madrid", user="U2")
    at(desk, 2026, 11, 20, 18, 1)
    await digests.due(desk.board)
    await desk.settle()
    told = [message.text for message in desk.slack.channel("C1") if "Call digest" in message.text][-1]
    assert "from Thursday 19 November 2026 18:00 to Friday 20 November 2026 18:00" in told


async def test_a_guest_gets_no_digest_any_more(desk: Office) -> None:
    """They had asked for one before they became that, and it says who calls."""
    at(desk, 2026, 11, 20, 12, 0)
    direct = desk.slack.open_dm("U1").id
    await desk.type("/digest daily 18:00 Europe/Madrid", channel=direct)
    desk.board.outsiders.add("U1")
    at(desk, 2026, 11, 20, 18, 1)
    await digests.due(desk.board)
    await desk.settle()
    assert not any("Call digest" in message.text for message in desk.conversation("U1"))


async def test_everybody_may_have_one_in_their_own_conversation(desk: Office) -> None:
    at(desk, 2026, 11, 20, 12, 0)
    direct = desk.slack.open_dm("U1").id
    assert "every day at 18:00" in await desk.type("/digest daily 18:00 Europe/Madrid", channel=direct)
    assert "No digest is posted here" in await desk.type("/digest list")  # that was not for the channel
    at(desk, 2026, 11, 20, 18, 1)
    for _ in range(2):
        await digests.due(desk.board)
        await desk.settle()
    assert ["Call digest" in message.text for message in desk.conversation("U1")] == [True]
    assert "not posted" not in await desk.type("/digest stop", channel=direct)
    assert await desk.board.read(ledger.subscriptions) == []


@pytest.mark.parametrize("user", ["U2", "U9"])
async def test_managers_and_admins_decide_about_channels(desk: Office, user: str) -> None:
    assert "every Friday" in await desk.type("/digest weekly fri 17:00", user=user)
    assert "every Friday" in await desk.type("/digest list", user="U1")
    assert "Only managers" in await desk.type("/digest stop", user="U1")
    assert "any more" in await desk.type("/digest stop", user=user)
    assert "posted here by itself anyway" in await desk.type("/digest stop", user=user)
    log = [line[1:] for line in await desk.board.read(audit_log)]
    weekly = "every Friday at 17:00 (Europe/Madrid)"
    assert log == [(user, "digest stop", "C1", ""), (user, "digest", "C1", weekly)], "what was not done is not in it"


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("channel_not_found", "/invite @Callboard"),
        ("missing_scope", "/invite @Callboard"),
        ("ratelimited", "Slack did not say"),
        ("500", "Slack did not say"),
        ("drop_after", "Slack did not say"),
    ],
)
async def test_where_it_might_not_be_posted_it_is_refused(desk: Office, fault: str, words: str) -> None:
    for _ in range(2):  # aiohttp itself asks once more when a kept connection is cut
        desk.slack.fail_next("conversations.info", fault)
    told = await desk.type("/digest daily 18:00", user="U2")
    assert words in told
    assert "nothing was changed" in told
    assert await desk.board.read(ledger.subscriptions) == []


async def test_now_is_only_for_the_person_and_a_whole_card(desk: Office) -> None:
    await missed(desk)
    before = len(desk.slack.channel("C1"))
    told = await desk.type("/digest now")
    assert "1 not yet returned" in told
    assert len(desk.slack.channel("C1")) == before
    shown = desk.slack.ephemerals[-1]
    check_message(shown.text, list(shown.blocks))
    assert "nobody has claimed it" in await desk.press("digest:waiting", shown, "C1")


async def test_every_figure_is_explained(desk: Office) -> None:
    await desk.type("/digest now")
    told = await desk.press("digest:definitions", desk.slack.ephemerals[-1], "C1")
    for name, meaning in DEFINITIONS.items():
        assert f"*{name.replace('_', ' ')}*: {meaning}" in told


async def test_who_waits_is_said_as_of_now(desk: Office) -> None:
    await desk.type("/digest now")
    card = desk.slack.ephemerals[-1]
    assert "Nobody is waiting" in await desk.press("digest:waiting", card, "C1")
    for number in range(25):
        await missed(desk, f"+120255501{number:02}", f"in-{number}")
    await desk.contact("+12025550101", "Noa <!channel> Green")
    told = await desk.press("digest:waiting", card, "C1")
    for words in ("Waiting for a call back (25)", "Noa &lt;!channel&gt; Green", "Page 1 of 3"):
        assert words in told
    assert told.count("nobody has claimed it") == 10
    await desk.happen(
        Described(ref="in-99", at=desk.clock(), source="cdr", direction="in", number="+12025550100", line=LINE),
        LegAnswered(ref="in-99", at=desk.clock(), leg="ext:AAA"),
        CdrReceived(ref="in-99", at=desk.clock(), leg="ext:AAA", outcome=Outcome.ANSWERED, talk_seconds=60),
    )
    assert "Waiting for a call back (24)" in await desk.press("digest:waiting", card, "C1")


async def test_numbers_are_masked_in_channels_and_whole_in_a_managers_own_conversation(masking: Office) -> None:
    await missed(masking)
    for user, channel, shown in (
        ("U2", "C1", False),
        ("U2", masking.slack.open_dm("U2").id, True),
        ("U1", masking.slack.open_dm("U1").id, False),
    ):
        told = await masking.type("/digest now", channel=channel, user=user)
        waiting = await masking.press("digest:waiting", masking.slack.ephemerals[-1], channel, user=user)
        assert ("202-555-0155" in told, "202-555-0155" in waiting) == (shown, shown)


async def test_a_lines_own_masking_holds_wherever_reps_ask_who_waits(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    quiet = SETTINGS + '[lines."+1 202 555 0101"]\nlabel = "Support"\nmask = true\nchannel = "C2"\n'
    async with office(tmp_path, fake_slack, slack_clock, quiet) as desk:
        at = desk.clock()
        told = Described(ref="in-1", at=at, source="cdr", direction="in", number=CALLER, line="+12025550101")
        lost = CdrReceived(ref="in-1", at=at, leg="ext:AAA", outcome=Outcome.NO_ANSWER)
        await desk.happen(told, lost)
        (row,) = await desk.board.read(missed_callers.waiting)
        for user, whole in (("U1", False), ("U2", True)):  # a rep, a manager
            assert ("202-555-0155" in await desk.type("/digest now", user=user)) == whole
            waiting = await desk.press("digest:waiting", desk.slack.ephemerals[-1], "C1", user=user)
            assert ("202-555-0155" in waiting, "55\nMissed once" in waiting) == (whole, True)
        await desk.board.write(missed_callers.claim, row.id, "U1", desk.clock())
        await desk.type("/digest now")
        assert "202-555-0155" in await desk.press("digest:waiting", desk.slack.ephemerals[-1], "C1")


async def test_who_called_a_colleagues_own_extension_is_not_everybodys_matter(desk: Office) -> None:
    await desk.link("U1", extension="AAA", account="voicenter")
    await desk.happen(
        Described(ref="in-1", at=desk.clock(), source="cdr", direction="in", number=CALLER, extension="AAA"),
        CdrReceived(ref="in-1", at=desk.clock(), leg="ext:AAA", outcome=Outcome.NO_ANSWER),
    )
    for user, shown in (("U1", True), ("U4", False), ("U2", True)):
        assert ("202-555-0155" in await desk.type("/digest now", user=user)) == shown
        waiting = await desk.press("digest:waiting", desk.slack.ephemerals[-1], "C1", user=user)
        assert ("202-555-0155" in waiting) == shown


@pytest.mark.parametrize("text", ["help", "HELP"])
async def test_help(desk: Office, text: str) -> None:
    told = await desk.type(f"/digest {text}")
    assert "weekly fri 17:00" in told
