"""Slack does not answer what a press asks of it, or its connection is gone in the moment it is used."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fake_slack import FakeSlack
from tests.office import Office, office
from tests.slack_state import Clock


@pytest.fixture
async def desk(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> AsyncIterator[Office]:
    async with office(tmp_path, fake_slack, slack_clock) as desk:
        await desk.link("U1")
        yield desk


WORDS = "Slack did not do what Callboard asked of it, so this went no further. Try again in a moment."


def asked(desk: Office, method: str) -> int:
    return sum(request.method == method for request in desk.slack.requests)


async def test_a_form_is_asked_for_again_where_the_connection_was_gone(desk: Office) -> None:
    desk.slack.fail_next("views.open", "drop_before")
    told = await desk.type("/call")
    assert told == ""
    assert len(desk.slack.views) == 1
    assert asked(desk, "views.open") == 2


async def test_a_form_that_was_open_already_is_opened_no_second_time(desk: Office) -> None:
    desk.slack.fail_next("views.open", "drop_after")
    told = await desk.type("/call")
    assert "in time" not in told
    assert "incident" not in told
    assert len(desk.slack.views) == 1


@pytest.mark.parametrize("fault", ["500", "drop_before", "ratelimited", "internal_error"])
async def test_slack_is_what_does_not_answer_and_that_is_said(desk: Office, fault: str) -> None:
    for _ in range(2 if fault == "drop_before" else 1):
        desk.slack.fail_next("views.open", fault)
    told = await desk.type("/call")
    assert told == WORDS
    assert desk.slack.views == {}
    assert await desk.type("/call") == ""
    assert len(desk.slack.views) == 1
