"""Whoever starts workflows acts in others' names, and within their own limits."""

from pathlib import Path

import pytest

from tests.fake_slack import FakeSlack
from tests.office import SETTINGS
from tests.slack_state import Clock
from tests.workflow_desk import flow, workflow_office

__all__ = ["flow"]  # a fixture


DAY = 86400


@pytest.mark.parametrize("starter", ["U4", ""])
async def test_the_limit_of_a_day_is_whoever_starts_workflows_too(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock, starter: str
) -> None:
    """Or a stolen account could call as often as all colleagues together may. Those that start by themselves, which
    anybody may have built, are one person's."""
    text = SETTINGS.replace("[policy]", "[policy]\ndaily_calls = 3")
    async with workflow_office(tmp_path, fake_slack, slack_clock, text) as flow:
        await flow.desk.link("U2", "+12025550192")
        steps = [
            await flow.call(f"+1202555010{number}", rep="U1" if number % 2 else "U2", started_by=starter)
            for number in range(5)
        ]
        assert [step.state for step in steps] == ["running"] * 3 + ["failed"] * 2
        assert len(flow.desk.phone.orders) == 3
        who = "a colleague" if starter else "nobody of your workspace"
        assert steps[3].error == (
            f"The call was not placed: workflows that {who} started have placed 3 calls today, in whoever's name, and "
            "the limit for one person is 3 a day. Go on tomorrow, or ask an admin to raise daily_calls."
        )
        others = await flow.call("+12025550109", started_by="U9")
        assert others.state == "running"
        (alarm,) = [message for message in flow.desk.conversation("U9") if "workflows that" in message.text]
        assert "If that is more than you expect" in alarm.text
        assert await flow.states() == ["open"] * 3 + ["done"] * 2 + ["open"]
        flow.desk.clock.advance(DAY)
        assert (await flow.call("+12025550105", rep="U2", started_by=starter)).state == "running"


async def test_at_night_whoever_starts_workflows_starts_fewer(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    """It is three o'clock in the office, and ten where they call."""
    text = SETTINGS.replace('hours = ["00:00", "24:00"]', 'hours = ["09:00", "18:00"]')
    text = text.replace("[policy]", "[policy]\nnight_calls = 2").replace("Europe/Madrid", "America/New_York")
    async with workflow_office(tmp_path, fake_slack, slack_clock, text) as flow:
        await flow.desk.link("U2", "+12025550192")
        flow.desk.clock.advance(5.5 * 3600)
        for rep, number, state in (("U1", 1, "running"), ("U2", 2, "running"), ("U2", 3, "failed")):
            step = await flow.call(f"+97250555010{number}", rep=rep)
            assert step.state == state, step.error
        assert "have placed 2 calls since yesterday 21:00" in step.error
        assert "Go on at 06:00 in New York" in step.error


async def test_voice_messages_of_a_day_are_whoever_starts_workflows_too(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    """A manager's own have no limit, and a workflow may be sent in their name."""
    text = SETTINGS + "[messages]\nreps_daily = 2\n"
    async with workflow_office(tmp_path, fake_slack, slack_clock, text) as flow:
        steps = [await flow.say(f"+1202555010{number}") for number in range(3)]
        assert [step.state for step in steps] == ["running", "running", "failed"]
        assert "workflows that a colleague started have sent 2 voice messages today" in steps[2].error
        assert (await flow.say("+12025550108", started_by="U2")).state == "running", "a manager's have no limit"
