"""Files that people take with them: the audit log calls exported what Slack has, whoever asked is told the rest."""

import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from bot import tables
from bot.events import Outcome
from bot.store import ledger
from tests import calling_desk, test_handlers_call_log
from tests.audit_lines import audit_log
from tests.fake_slack import FakeSlack
from tests.fake_slack_files import shared
from tests.full_disk import WORDS, fill
from tests.office import Office, PaperPhone, office
from tests.slack_state import Clock
from tests.speaker import Speaker, fails

Press = Callable[[], Awaitable[str]]


async def call_log(desk: Office) -> Press:
    await test_handlers_call_log.talk(desk)
    await desk.type("/calls log", user="U1")
    return lambda: desk.press("log:export", desk.slack.ephemerals[0], "C1", user="U1")


async def the_audit_log(desk: Office) -> Press:
    await desk.board.write(ledger.audit, desk.clock(), "U2", "start campaign", "Spring sale")
    await desk.type("/callboard audit", user="U9")
    return lambda: desk.press("audit:export", desk.slack.ephemerals[0], "C1", user="U9")


async def results_of_a_call_list(desk: Office) -> Press:
    await calling_desk.furnish(desk)
    await calling_desk.begin(desk)
    return lambda: calling_desk.press(desk, "results")


async def rows_left_out(desk: Office) -> Press:
    await calling_desk.furnish(desk)
    await calling_desk.paste(desk, "Autumn offers", "number\n+12025550101\nnonsense\n")
    return lambda: calling_desk.press(desk, "report")


async def results_of_voice_messages(desk: Office) -> Press:
    await desk.type('/voicemsg +12025550131, +12025550132 "Hello"', user="U2")
    card = desk.conversation("U2")[0]
    await desk.press("voicemsg:send", card, "DU2", user="U2")
    for number in (1, 2):
        await desk.happen(*fails(number, desk.clock(), Outcome.BUSY))
    return lambda: desk.press("voicemsg:csv", desk.conversation("U2")[0], "DU2", user="U2")


EXPORTS = {
    call_log: "export call log",
    the_audit_log: "export audit log",
    results_of_a_call_list: "export call list",
    rows_left_out: "export rows left out",
    results_of_voice_messages: "export voice messages",
}


@pytest.fixture
async def taking(
    request: pytest.FixtureRequest, tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> AsyncIterator[tuple[Office, Press, str]]:
    """An office, how a file is asked for there, and what its log calls that."""
    prepare = request.param
    kind = Speaker if prepare is results_of_voice_messages else PaperPhone
    async with office(tmp_path, fake_slack, slack_clock, kind=kind) as desk:
        yield desk, await prepare(desk), EXPORTS[prepare]


async def exported(desk: Office, what: str) -> list[str]:
    """Details of what the log says of such files, oldest first."""
    return [line[4] for line in reversed(await desk.board.read(audit_log)) if line[2] == what]


each = pytest.mark.parametrize("taking", EXPORTS, indirect=True)


@each
@pytest.mark.parametrize("fault", ["file_uploads_disabled", "ratelimited"])
async def test_what_slack_refuses_in_the_last_step_is_not_called_exported(
    taking: tuple[Office, Press, str], fault: str
) -> None:
    desk, press, what = taking
    desk.slack.fail_next("files.completeUploadExternal", fault)
    told = await press()
    assert shared(desk.slack) == []
    begun, failed = await exported(desk, what)
    assert failed == f"{begun} not done: {told}"
    await press()
    assert len(shared(desk.slack)) == 1
    *_, done = await exported(desk, what)
    assert done.endswith(shared(desk.slack)[0].id)


@each
async def test_nothing_is_shown_that_a_full_disk_cannot_say_was_taken(taking: tuple[Office, Press, str]) -> None:
    desk, press, what = taking
    await fill(desk)
    assert await press() == WORDS.format("database or disk is full")
    assert shared(desk.slack) == []
    assert await exported(desk, what) == []


@each
async def test_it_is_made_beside_the_event_loop(
    taking: tuple[Office, Press, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 20,000 rows it takes a second, for which nobody would be answered."""
    _, press, _ = taking
    plain, threads = tables.cell, set()

    def seen(text: str) -> str:
        threads.add(threading.current_thread())
        return plain(text)

    monkeypatch.setattr(tables, "cell", seen)
    await press()
    assert threads
    assert threading.main_thread() not in threads
