"""Forms that Slack does not open, or not fill: said plainly, and never as if it were a bug of ours."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fake_slack import FakeSlack
from tests.office import Office, office
from tests.slack_state import Clock
from tests.speaker import Speaker

FAULTS = [
    ("500", "Slack did not answer when the form was to be opened. If you see none, try again in a minute."),
    ("drop_after", "Slack did not answer when the form was to be opened. If you see none, try again in a minute."),
    ("garbled:text/html", "Slack did not answer when the form was to be opened."),
    ("ratelimited", "Slack asks Callboard to wait, so the form could not be opened and nothing was done. Try again"),
    ("internal_error", "Slack does not work at the moment, so the form could not be opened and nothing was done."),
    ("expired_trigger_id", "The form could not be opened in time, so nothing was done. Try again."),
]


@pytest.fixture
async def desk(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> AsyncIterator[Office]:
    async with office(tmp_path, fake_slack, slack_clock, kind=Speaker) as desk:
        yield desk


@pytest.mark.parametrize("line", ["/call", "/phone", "/contacts add", "/voicemsg", "/calls log add"])
@pytest.mark.parametrize(("fault", "words"), FAULTS)
async def test_a_form_that_slack_does_not_open(desk: Office, line: str, fault: str, words: str) -> None:
    desk.slack.ails = lambda method, _: fault if method == "views.open" else ""
    assert words in await desk.type(line, user="U2")
    desk.slack.ails = None
    desk.slack.views.clear()
    before = len(desk.slack.ephemerals)
    await desk.type(line, user="U2")
    assert len(desk.slack.ephemerals) == before
    assert len(desk.slack.views) == 1


async def test_a_slack_that_is_not_reached_opens_nothing_and_the_answer_comes_when_it_is_back(desk: Office) -> None:
    address = desk.desk.slack.base_url
    desk.desk.slack.base_url = desk.feed.client.base_url = "http://127.0.0.1:9/api/"  # nobody listens there
    desk.slack.response_urls.clear()
    told = desk.type("/contacts add")
    desk.slack.mint_response_url = lambda *_: "http://127.0.0.1:9/response"  # type: ignore[method-assign]
    await told
    desk.desk.slack.base_url = desk.feed.client.base_url = address
    desk.clock.advance(10)
    await desk.settle()
    (found,) = desk.conversation("U1")
    assert "Slack does not work at the moment, so the form could not be opened and nothing was done." in found.text


@pytest.mark.parametrize("fault", ["500", "drop_before", "ratelimited", "internal_error"])
async def test_a_form_that_stays_empty_is_no_riddle(desk: Office, fault: str) -> None:
    desk.slack.ails = lambda method, _: fault if method == "views.update" else ""
    told = await desk.type("/voicemsg")
    assert "the form that stands there empty is of no use. Close it, and try again in a minute." in told


async def test_a_form_that_is_wrong_is_a_bug_of_ours(desk: Office) -> None:
    desk.slack.ails = lambda method, _: "invalid_arguments" if method == "views.open" else ""
    assert "Something went wrong in Callboard (incident" in await desk.type("/call")
