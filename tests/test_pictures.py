"""The picture of a digest: drawn by a process of its own, shown once; and no digest is late or lost because of it."""

import asyncio
import json
import os
import struct
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from typing_extensions import override

from bot import digests
from bot.board import DIALS_AT_ONCE, notice
from bot.errors import CallboardError
from bot.events import CdrReceived, Described, Outcome
from bot.periods import Subscription
from bot.pictures import SECONDS, Draw, NotDrawn, Pictures, drawn
from bot.store import cards, ledger
from tests.fake_slack import FakeSlack
from tests.office import LINE, SETTINGS, Office, office
from tests.slack_state import Clock, Message

MADRID = ZoneInfo("Europe/Madrid")
NOON = datetime(2026, 11, 20, 12, tzinfo=MADRID).timestamp()
PNG = b"\x89PNG\r\n\x1a\n bars IEND\xaeB`\x82"
HOURS: dict[str, Any] = {"zone": "Europe/Madrid", "incoming": [3] * 24, "missed": [1] * 24, "outgoing": [2] * 24}
BARS = "▁▂▃▄▅▆▇█"


async def quickly(hours: bytes) -> bytes:
    return PNG


def pictures(desk: Office, draw: Draw | None = quickly, seconds: float = SECONDS) -> Pictures:
    return Pictures(desk.board, desk.desk.slack, draw, seconds)


async def evening(desk: Office, *places: str, calls: int = 3) -> None:
    """Some calls at noon, and a digest of them at 18:00 in each of the places; now it is 18:00."""
    desk.clock.now = NOON
    for number in range(calls):
        ref, outcome = f"in-{number}", Outcome.ANSWERED if number else Outcome.NO_ANSWER
        about = Described(ref=ref, at=NOON, source="cdr", direction="in", number=f"+120255501{number:02}", line=LINE)
        await desk.board.ingest("voicenter", [about, CdrReceived(ref=ref, at=NOON, leg="ext:A", outcome=outcome)])
    body = msgspec.json.encode(Subscription("daily", None, 18, 0, "Europe/Madrid"))
    for place in places or ("C1",):
        await desk.board.write(ledger.subscribe, place, "daily", body, "U2", NOON)
    desk.clock.advance(6)
    await desk.settle()  # the missed caller's own card
    desk.clock.now = NOON + 6 * 3600


def posted(slack: FakeSlack, place: str = "C1") -> list[Message]:
    return [message for message in slack.channel(place) if "Call digest" in message.text]


def image(message: Message) -> dict[str, Any] | None:
    return next((block for block in message.blocks if block["type"] == "image"), None)


def has_chart(message: Message) -> bool:
    return any(sign in json.dumps(message.blocks, ensure_ascii=False) for sign in BARS)


# Drawing.


async def test_a_process_draws_what_the_hours_say(tmp_path: Path) -> None:
    png = await drawn(json.dumps(HOURS).encode(), tmp_path)
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", png[16:24]) == (1600, 640)
    assert await drawn(json.dumps(HOURS).encode(), tmp_path) == png
    busier = HOURS | {"missed": [3] * 24}
    assert await drawn(json.dumps(busier).encode(), tmp_path) != png


@pytest.mark.parametrize(
    ("program", "words"),
    [
        (("-c", "while True: pass"), "took more than"),
        (("-c", "print('no picture')"), "is no picture"),
        (("-c", r"import sys; sys.stdout.buffer.write(b'\x89PNG\r\n\x1a\n half')"), "is no picture"),
        (("-c", "raise SystemExit(3)"), "failed"),
        (("-m", "bot.drawing_of_nothing"), "failed"),
    ],
)
async def test_what_is_no_picture_in_time_is_none(tmp_path: Path, program: tuple[str, str], words: str) -> None:
    seconds = 0.3 if "while" in program[1] else 30
    with pytest.raises(NotDrawn, match=words):
        await drawn(json.dumps(HOURS).encode(), tmp_path, program=program, seconds=seconds)


async def test_garbage_is_not_drawn(tmp_path: Path) -> None:
    with pytest.raises(NotDrawn, match="failed"):
        await drawn(b'{"zone": "Europe/Madrid", "incoming": ["', tmp_path)


HANGS = """
import json, os, pathlib, signal
here = pathlib.Path(os.environ["MPLCONFIGDIR"])
(here / "new").write_text(json.dumps([os.getpid(), dict(os.environ)]))
(here / "new").rename(here / "begun")
signal.pause()
"""


async def test_nothing_is_left_of_a_drawing_that_nobody_waits_for_and_it_knows_no_secret(tmp_path: Path) -> None:
    task = asyncio.create_task(drawn(b"{}", tmp_path, program=("-c", HANGS), seconds=60))
    async with asyncio.timeout(30):
        while not (tmp_path / "begun").exists():
            await asyncio.sleep(0.02)
    pid, environment = json.loads((tmp_path / "begun").read_text())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    allowed = {"PATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "MPLBACKEND", "MPLCONFIGDIR", "LC_CTYPE"}
    assert set(environment) <= allowed  # the last is Python's own


def test_the_running_bot_never_has_matplotlib_in_it() -> None:
    code = (
        "import sys, bot.__main__, bot.assembly, bot.demo, bot.check, bot.pictures\n"
        "print([name for name in sys.modules if name.partition('.')[0] in ('matplotlib', 'numpy', 'PIL')])"
    )
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert found.stdout.strip() == "[]"


# The whole way.


async def test_a_digest_comes_once_and_with_its_picture(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Really drawn, however long a busy machine takes for that."""
    monkeypatch.setattr("bot.pictures.drawn", partial(drawn, seconds=60))
    await evening(desk)
    adding = pictures(desk, None, 60)
    for _ in range(3):
        await digests.due(desk.board, adding)
        await desk.settle()
        desk.clock.advance(30)
    (message,) = posted(desk.slack)
    block = image(message)
    assert block is not None
    file = desk.slack.files[block["slack_file"]["id"]]
    assert struct.unpack(">II", file.content[16:24]) == (1600, 640)
    assert (file.name, file.title, file.channel) == ("calls-by-hour.png", "Calls by hour", "")
    assert "12:00: 3 incoming, 1 missed, 0 outgoing" in block["alt_text"]
    assert file.alt == block["alt_text"]
    assert not has_chart(message)
    assert "Busiest hour: 12:00 to 13:00 with 3 incoming" in json.dumps(message.blocks)
    for words in ("3 incoming calls: 2 answered, 1 missed", "12:00: 3 incoming, 1 missed, 0 outgoing"):
        assert words in message.text  # which is all that screen readers read
    assert message.updates == ()
    assert await desk.board.read(ledger.problems) == []


async def test_several_channels_get_one_drawing_each_as_a_file_of_its_own(desk: Office) -> None:
    orders: list[bytes] = []

    async def draw(hours: bytes) -> bytes:
        orders.append(hours)
        return PNG

    await evening(desk, "C1", "@U1", "@U2")
    await digests.due(desk.board, pictures(desk, draw))
    await desk.settle()
    shown = [posted(desk.slack, place)[0] for place in ("C1", "DU1", "DU2")]
    assert len({str(image(message)) for message in shown if image(message)}) == 3
    assert [msgspec.json.decode(one)["incoming"][12] for one in orders] == [3]


async def test_where_nobody_called_there_is_nothing_to_draw_or_to_wait_for(desk: Office) -> None:
    await evening(desk, calls=0)
    await digests.due(desk.board, pictures(desk))
    await desk.settle()
    (message,) = posted(desk.slack)
    assert "No calls in this period." in message.text
    assert image(message) is None
    assert desk.slack.files == {}


async def test_who_wants_no_pictures_waits_for_none(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> None:
    without = SETTINGS + "[digest]\npicture = false\n"
    async with office(tmp_path, fake_slack, slack_clock, without) as desk:
        await evening(desk)
        await digests.due(desk.board, pictures(desk))
        await desk.settle()
        (message,) = posted(fake_slack)
        assert (image(message), has_chart(message), fake_slack.files) == (None, True, {})


async def test_dials_do_not_wait_for_pictures(desk: Office) -> None:
    """The board counts its tasks, and with as many as this it would let a dial wait its turn."""
    ready = asyncio.Event()

    async def draw(hours: bytes) -> bytes:
        await ready.wait()
        return PNG

    adding = pictures(desk, draw)
    await evening(desk, calls=1)
    await digests.due(desk.board, adding)
    for number in range(DIALS_AT_ONCE):
        adding.begin("C1", f"another:{number}", {"by_hour": {"alt": "Bars", "bars": {}}})
    await asyncio.sleep(0)
    assert len(desk.board.tasks) == 1
    ready.set()
    await desk.settle()
    assert len(desk.slack.files) == 1 + DIALS_AT_ONCE
    assert [image(message) is not None for message in posted(desk.slack)] == [True]


async def test_what_is_stopped_draws_no_more(desk: Office) -> None:
    begun, stopped = asyncio.Event(), asyncio.Event()

    async def draw(hours: bytes) -> bytes:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()
        return PNG

    await evening(desk)
    await digests.due(desk.board, pictures(desk, draw))
    await begun.wait()
    await desk.board.settle(0)
    async with asyncio.timeout(5):
        await stopped.wait()
    assert desk.slack.files == {}


# Without it.


async def in_words(desk: Office, adding: Pictures) -> None:
    """The digest of this evening comes once, at once, with its chart in words."""
    now = desk.clock()
    await digests.due(desk.board, adding)
    await desk.settle()
    (message,) = posted(desk.slack)
    assert image(message) is None
    assert has_chart(message)
    assert float(message.ts) - now < SECONDS
    for _ in range(3):  # nor does it change any more
        desk.clock.advance(60)
        await digests.due(desk.board, adding)
        await desk.settle()
    assert posted(desk.slack) == [message]


@pytest.mark.parametrize(
    ("method", "fault", "problem"),
    [
        ("files.getUploadURLExternal", "file_uploads_disabled", "the workspace allows no files"),
        ("files.getUploadURLExternal", "missing_scope", "lacks the scope files:write"),
        ("files.getUploadURLExternal", "ratelimited", ""),
        ("files.getUploadURLExternal", "500", ""),
        ("upload", "500", ""),
        ("upload", "drop_before", ""),
        ("files.completeUploadExternal", "file_type_not_allowed", "files of that kind"),
        ("files.completeUploadExternal", "500", ""),
        ("files.completeUploadExternal", "drop_after", ""),
        ("files.info", "missing_scope", "lacks the scope"),
        ("files.info", "file_not_found", "does not know that file"),
        ("files.info", "500", ""),
    ],
)
async def test_without_its_picture_it_comes_in_words(desk: Office, method: str, fault: str, problem: str) -> None:
    """What somebody has to mend is told to the admins, once; what passes by itself is not."""
    await evening(desk)
    desk.slack.fail_next(method, fault)
    adding = pictures(desk)
    await in_words(desk, adding)
    told = [text for key, text, *_ in await desk.board.read(ledger.problems) if key == "digest picture"]
    assert [problem in text for text in told] == ([True] if problem else [])
    assert [message.text for message in desk.conversation("U9")] == told
    if told:
        assert "set picture = false in [digest]" in told[0]

    desk.clock.advance(86400)  # and the next one has it again
    await desk.board.ingest(
        "voicenter", [Described(ref="x", at=desk.clock() - 3600, source="cdr", direction="in", number="", line=LINE)]
    )
    await digests.due(desk.board, adding)
    await desk.settle()
    assert [image(message) is not None for message in posted(desk.slack)] == [False, True]
    assert "digest picture" not in [key for key, *_ in await desk.board.read(ledger.problems)]


async def test_slack_never_knows_what_is_in_it(desk: Office) -> None:
    await evening(desk)
    desk.slack.processing = 1000
    await in_words(desk, pictures(desk))
    assert await desk.board.read(ledger.problems) == []


@pytest.mark.parametrize("method", ["files.getUploadURLExternal", "files.completeUploadExternal", "files.info"])
async def test_slack_does_not_answer(desk: Office, method: str) -> None:
    await evening(desk)
    desk.slack.hang(method)
    await in_words(desk, pictures(desk, seconds=0.2))
    assert await desk.board.read(ledger.problems) == []


async def test_nothing_can_be_drawn(desk: Office) -> None:
    async def draw(hours: bytes) -> bytes:
        raise NotDrawn("Drawing it failed.")

    await evening(desk)
    await in_words(desk, pictures(desk, draw))
    ((_, text, *_),) = await desk.board.read(ledger.problems)
    assert "posted without its picture. Drawing it failed." in text


@pytest.mark.parametrize("error", [KeyError("a bug"), CallboardError("Something.")])
async def test_a_mistake_of_ours_does_not_keep_it_back(desk: Office, error: Exception) -> None:
    async def draw(hours: bytes) -> bytes:
        raise error

    await evening(desk)
    await digests.due(desk.board, pictures(desk, draw))
    await desk.settle()
    desk.clock.advance(SECONDS)
    await desk.settle()
    assert [has_chart(message) for message in posted(desk.slack)] == [True]


@pytest.mark.parametrize("gone", [True, False])
async def test_a_message_that_slack_refuses_for_its_picture_is_posted_without(desk: Office, gone: bool) -> None:
    await evening(desk)
    await digests.due(desk.board, pictures(desk))
    await desk.board.settle(10)
    (file,) = desk.slack.files.values()
    if gone:
        file.deleted = True
    else:
        desk.slack.fail_next("chat.postMessage", "invalid_blocks")
    for _ in range(3):
        await desk.settle()
        desk.clock.advance(60)
    (message,) = posted(desk.slack)
    assert (image(message), has_chart(message)) == (None, True)
    assert await desk.board.read(ledger.problems) == []


async def test_a_message_that_is_refused_for_something_else_waits_and_is_told(desk: Office) -> None:
    await evening(desk, calls=0)
    desk.slack.fail_next("chat.postMessage", "invalid_blocks")
    await digests.due(desk.board, pictures(desk))
    await desk.settle()
    assert "refused the message (invalid_blocks)" in str(await desk.board.read(ledger.problems))


# Crashes, and others meanwhile.


class Nobody(Pictures):
    """Dies before it has begun."""

    @override
    def begin(self, place: str, subject: str, content: Mapping[str, Any]) -> None:
        return


async def test_killed_before_the_picture_was_written_down(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> None:
    async with office(tmp_path, fake_slack, slack_clock) as first:
        await evening(first)
        await digests.due(first.board, Nobody(first.board, first.desk.slack))
        await first.settle()
        assert posted(fake_slack) == []
    async with office(tmp_path, fake_slack, slack_clock) as second:
        await digests.due(second.board, pictures(second))
        await second.settle()
        assert posted(fake_slack) == []
        slack_clock.advance(SECONDS)
        for _ in range(2):
            await digests.due(second.board, pictures(second))
            await second.settle()
        (message,) = posted(fake_slack)
        assert (image(message), has_chart(message)) == (None, True)


@pytest.mark.parametrize("fault", ["", "drop_after", "drop_before"])
async def test_killed_before_the_post_the_same_file_is_shown(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock, fault: str
) -> None:
    async with office(tmp_path, fake_slack, slack_clock) as first:
        await evening(first)
        await digests.due(first.board, pictures(first))
        await first.board.settle(10)
        assert posted(fake_slack) == []
        if fault:
            fake_slack.fail_next("chat.postMessage", fault)
            await first.settle()
    (file,) = fake_slack.files
    async with office(tmp_path, fake_slack, slack_clock) as second:
        for _ in range(3):
            await digests.due(second.board, pictures(second))
            await second.settle()
            slack_clock.advance(60)
        (message,) = posted(fake_slack)
        block = image(message)
        assert block is not None
        assert block["slack_file"] == {"id": file}
        assert list(fake_slack.files) == [file]


async def test_others_do_not_wait_with_it(desk: Office) -> None:
    await evening(desk)
    await digests.due(desk.board, Nobody(desk.board, desk.desk.slack))
    await desk.board.write(cards.mark, "notice", "n", "C1", desk.clock(), notice("Something else happened."))
    await desk.settle()
    assert [message.text for message in desk.slack.channel("C1")][-1] == "Something else happened."
    assert posted(desk.slack) == []


async def test_too_late_a_picture_is_none(desk: Office) -> None:
    """The digest was posted in words; that message stays as people have read it."""
    begun, drawn_at_last = asyncio.Event(), asyncio.Event()

    async def draw(hours: bytes) -> bytes:
        begun.set()
        await drawn_at_last.wait()
        return PNG

    await evening(desk)
    await digests.due(desk.board, pictures(desk, draw))
    await begun.wait()
    desk.clock.advance(SECONDS)
    await desk.feed.drain()
    (message,) = posted(desk.slack)
    drawn_at_last.set()
    await desk.settle()
    await desk.board.write(cards.touch, ledger.digest_subject("daily", "2026-11-20"))  # as if it had changed
    await desk.settle()
    assert posted(desk.slack) == [message]


async def test_where_slack_makes_us_wait_a_picture_that_is_ready_does_not_ask_earlier(desk: Office) -> None:
    await evening(desk)
    hang = asyncio.Event()

    async def draw(hours: bytes) -> bytes:
        await hang.wait()
        return PNG

    await digests.due(desk.board, pictures(desk, draw))
    desk.clock.advance(SECONDS)
    desk.slack.fail_next("chat.postMessage", "ratelimited", retry_after=300)
    await desk.feed.drain()
    hang.set()
    await desk.settle()
    assert posted(desk.slack) == []
    desk.clock.advance(300)
    await desk.settle()
    assert [image(message) is not None for message in posted(desk.slack)] == [True]
