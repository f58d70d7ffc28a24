"""Roles and limits are changed in a file: that they were is in the audit log, at the start after it."""

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import msgspec
import pytest

from bot import decide, settings_noted
from bot.assembly import running
from bot.hooks import Dial
from bot.provider import Provider, Setting
from bot.settings import Retention
from bot.settings_reader import load
from bot.store import cards, ledger
from tests.audit_lines import audit_log
from tests.fake_slack import FakeSlack
from tests.office import SETTINGS, Office, office
from tests.slack_state import Channel, Clock
from tests.test_assembly import socket_settings
from tests.test_disk import Sick
from tests.test_handlers_missed import miss


async def noted(desk: Office) -> list[tuple[str, str]]:
    """(setting, what it was and is) of each line, latest first."""
    await settings_noted.note(desk.board)
    log = [line[1:] for line in await desk.board.read(audit_log)]
    assert {line[:2] for line in log} <= {("", "setting changed")}
    return [(subject, detail) for _, _, subject, detail in log]


async def test_the_first_start_knows_of_no_change(desk: Office) -> None:
    assert await noted(desk) == []
    assert await noted(desk) == []


async def test_who_has_which_role_and_what_calls_may_cost(desk: Office) -> None:
    await settings_noted.note(desk.board)
    before = desk.board.settings
    policy = replace(before.policy, daily_calls=500, weekdays=(0, 1), callers=("U1",), countries=("US", "TR"))
    desk.board.settings = replace(before, admins=("U9", "U4"), managers=(), policy=policy)
    changes = await noted(desk)
    assert changes == [
        ("policy.weekdays", "mon, tue, wed, thu, fri, sat, sun -> mon, tue"),
        ("policy.daily_calls", "200 -> 500"),
        ("policy.countries", "US, GB, IL -> US, TR"),
        ("policy.callers", "none -> U1"),
        ("managers", "U2 -> none"),
        ("admins", "U9 -> U9, U4"),
    ]
    assert await noted(desk) == changes, "once"
    desk.board.settings = replace(desk.board.settings, managers=("U2",))
    assert (await noted(desk))[0] == ("managers", "none -> U2")


async def test_the_same_in_another_order_is_no_change(desk: Office) -> None:
    before = desk.board.settings
    policy = replace(before.policy, callers=("U1", "U3"), guests=("W1", "W2"))
    desk.board.settings = before = replace(before, admins=("U9", "U4"), managers=("U2", "U5"), policy=policy)
    await settings_noted.note(desk.board)
    turned = {name: getattr(policy, name)[::-1] for name in ("countries", "callers", "guests", "weekdays")}
    desk.board.settings = replace(before, admins=("U4", "U9"), managers=("U5", "U2"), policy=replace(policy, **turned))
    assert await noted(desk) == []
    recording = replace(before.recording, announcement="Recorded, of course.")
    desk.board.settings = replace(desk.board.settings, recording=recording)
    assert await noted(desk) == [("recording.announcement", "none -> Recorded, of course.")]
    recording = replace(recording, announcement="of course., Recorded")
    desk.board.settings = replace(desk.board.settings, recording=recording)
    assert (await noted(desk))[0] == ("recording.announcement", "Recorded, of course. -> of course., Recorded")


async def test_a_full_disk_keeps_nobody_from_starting(desk: Office, caplog: pytest.LogCaptureFixture) -> None:
    """Such as after `[retention]` was set to make room; the next start tells."""
    await settings_noted.note(desk.board)
    desk.board.settings = replace(desk.board.settings, retention=Retention(calls_days=90))
    whole, desk.board.db = desk.board.db, Sick(desk.board.db)
    await settings_noted.note(desk.board)
    assert [record.getMessage() for record in caplog.records] == [
        "That settings were changed could not be written down; the next start tries again."
    ]
    desk.board.db = whole
    assert await noted(desk) == [("retention.calls_days", "0 -> 90")]


async def test_messages_recordings_and_what_is_forgotten(desk: Office) -> None:
    await settings_noted.note(desk.board)
    before = desk.board.settings
    desk.board.settings = replace(
        before,
        messages=replace(before.messages, reps_daily=0),
        recording=replace(before.recording, default="announce", countries={"US": "off", "DE": "ask"}),
        retention=replace(before.retention, audit_days=35),
    )
    assert await noted(desk) == [
        ("retention.audit_days", "0 -> 35"),
        ("recording.default", "off -> announce"),
        ("recording.countries", "none -> DE ask, US off"),
        ("messages.reps_daily", "200 -> 0"),
    ]


async def test_a_setting_that_a_newer_callboard_has_was_not_changed(desk: Office) -> None:
    await settings_noted.note(desk.board)
    (told, _) = await desk.board.read(ledger.recall, settings_noted.FACT) or ("", 0)
    older = msgspec.json.decode(told, type=dict[str, str])
    del older["policy.daily_minutes"]
    older["policy.something"] = "that is gone"
    text = msgspec.json.encode(older).decode()
    await desk.board.write(ledger.remember, settings_noted.FACT, text, desk.clock())
    assert await noted(desk) == []
    desk.board.settings = replace(
        desk.board.settings, policy=replace(desk.board.settings.policy, daily_minutes=60, daily_calls=9)
    )
    assert await noted(desk) == [("policy.daily_minutes", "0 -> 60"), ("policy.daily_calls", "200 -> 9")]


async def test_it_is_looked_at_when_callboard_starts(tmp_path: Path, fake_slack: FakeSlack) -> None:
    settings = load(socket_settings(tmp_path, fake_slack))
    async with running(settings) as callboard:
        assert await callboard.board.read(audit_log) == []
    async with running(replace(settings, managers=("U2", "U4"))) as callboard:
        (line,) = await callboard.board.read(audit_log)
        assert line[1:] == ("", "setting changed", "managers", "U2 -> U2, U4")


async def test_what_is_configured_no_more_is_not_broken_for_ever(desk: Office) -> None:
    """Nobody would ever find that it works again: an account that was given up because it failed, say."""
    gone = ("provider old", "version old", "webhook old", "webhooks of old", "call log old", "user group S1")
    off = ("caller lookup", "Slack calls", "digest picture", "Slack connection", "job socket")
    stays = ("provider voicenter", "webhook voicenter", "Slack app", "Slack C1", "disk", "job poll", "flow")
    for key in (*gone, *off, *stays):
        await desk.board.problem(key, f"{key} is broken.")
    await desk.settle()
    before = len(desk.conversation("U9"))
    desk.board.settings = replace(desk.board.settings, mode="http", digest_picture=False)
    await settings_noted.note(desk.board)
    await desk.settle()
    assert {key for key, *_ in await desk.board.read(ledger.problems)} == {*stays}
    assert len(desk.conversation("U9")) == before, "it does not work again: it is gone"


class Mute(Provider):
    """A service that tells nothing, and of which nothing can be asked."""

    title: ClassVar[str] = "Mute"
    settings: ClassVar[tuple[Setting, ...]] = ()


async def test_an_account_that_is_another_services_now_is_not_broken_for_ever(desk: Office) -> None:
    keys = ("provider voicenter", "version voicenter", "webhook voicenter", "webhooks of voicenter")
    for key in (*keys, "call log voicenter"):
        await desk.board.problem(key, f"{key} is broken.")
    await desk.settle()
    desk.board.providers = {"voicenter": Mute("voicenter", {}, desk.phone.http, "US")}
    await settings_noted.note(desk.board)
    assert await desk.board.read(ledger.problems) == []


async def test_what_is_configured_stays_broken_until_it_works(desk: Office) -> None:
    in_settings = ("caller lookup", "Slack calls", "digest picture", "Slack connection", "job socket")
    keys = (*in_settings, "user group S0123456789")
    for key in keys:
        await desk.board.problem(key, f"{key} is broken.")
    step = Dial(targets=("@S0123456789",))
    flow = decide.Flow(start="front", steps={"front": step})
    there = replace(desk.board.settings, mode="socket", slack_calls=True, lookup_url="https://crm.example/{number}")
    desk.board.settings = replace(there, flows=(flow,))
    await settings_noted.note(desk.board)
    assert {key for key, *_ in await desk.board.read(ledger.problems)} == {*keys}


async def test_a_channel_that_nothing_belongs_to_any_more_is_not_waited_for(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    """One that was mistyped at the set-up, say, or archived after its line had got another."""
    fake_slack.channels["C5"] = Channel("C5", "new", bot_is_member=True, members={"U1", "U9"})
    async with office(tmp_path, fake_slack, slack_clock, SETTINGS.replace('"C1"', '"C2"')) as desk:
        await miss(desk, "in-1")
        assert [key for key, *_ in await desk.board.read(ledger.problems)] == ["Slack C2"]
        await settings_noted.note(desk.board)
        assert [key for key, *_ in await desk.board.read(ledger.problems)] == ["Slack C2"], "it is to be mended"
        assert await desk.board.read(cards.waiting) == 1
        await desk.board.write(ledger.subscribe, "C2", "daily", b"{}", "U9", slack_clock())
    async with office(tmp_path, fake_slack, slack_clock, SETTINGS.replace('"C1"', '"C5"')) as desk:
        await settings_noted.note(desk.board)
        assert [key for key, *_ in await desk.board.read(ledger.problems)] == ["Slack C2"], "a digest is to come there"
        await desk.board.write(ledger.unsubscribe, "C2")
        await settings_noted.note(desk.board)
        slack_clock.advance(7200)
        await desk.settle()
        assert await desk.board.read(ledger.problems) == []
        assert await desk.board.read(cards.waiting) == 0
        assert "Nothing is broken." in await desk.type("/callboard", user="U9", channel="C5")
        assert "+1 202-555-0155" in await desk.type("/missed", channel="C5"), "whoever waits is not forgotten"


async def test_that_somebody_has_left_is_not_broken_for_ever(desk: Office) -> None:
    """A manager who is still in the settings is to be taken out of them."""
    for user in ("U4", "U2"):
        await desk.board.problem(f"Slack @{user}", f"<@{user}> is a deactivated user.")
    await settings_noted.note(desk.board)
    assert len(await desk.board.read(ledger.problems)) == 2, "it is tried again only a day later"
    desk.clock.advance(2 * 86400)
    await settings_noted.note(desk.board)
    assert [key for key, *_ in await desk.board.read(ledger.problems)] == ["Slack @U2"]
