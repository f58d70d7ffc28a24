"""A file of each recording, once, whatever fails or crashes in between; and all of it gone when its time is over."""

import errno
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from bot import recordings as recordings_module
from bot.delivering import SCAN_SECONDS, WAITS, Deliveries
from bot.errors import Ambiguous, Refused, Unavailable
from bot.events import CUSTOMER, REP, CdrReceived, Described, Outcome, RecordingReady
from bot.store import cards, ledger
from bot.store import recordings as rows
from tests.audit_lines import audit_log
from tests.fake_slack import FakeSlack
from tests.full_disk import WORDS
from tests.office import Office, office
from tests.recorded import SOUND, Recorder, came_in, card, deliveries, files, recorded, recorder, settings, talk
from tests.slack_state import Clock

DAY = 86400.0


@pytest.fixture
def opened(
    tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock
) -> Callable[..., AbstractAsyncContextManager[Office]]:
    def open_office(**more: Any) -> AbstractAsyncContextManager[Office]:
        text = settings(deliver="file", keep_days=30, **more)
        return office(tmp_path, fake_slack, slack_clock, text, kind=Recorder)

    return open_office


@pytest.fixture
async def desk(opened: Callable[..., AbstractAsyncContextManager[Office]]) -> AsyncIterator[Office]:
    async with opened() as desk:
        await desk.link("U1", extension="201")
        yield desk


async def states(desk: Office) -> list[str]:
    call = (await desk.calls())[-1]
    return [copy.state for copy in await desk.board.read(rows.of_call, call.id)]


async def audited(desk: Office, what: str) -> list[str]:
    rows_of_log = await desk.board.read(audit_log, 100)
    return [detail for _, _, found, _, detail in rows_of_log if found == what]


async def pass_time(desk: Office, seconds: float, step: float = 5) -> None:
    """The job runs every some seconds, as in life."""
    until = desk.clock() + seconds
    brought = deliveries(desk)
    while desk.clock() < until:
        await brought.deliver()
        desk.clock.advance(step)


# Once


async def test_a_recording_is_brought_once_with_words_and_without_anybodys_number_in_its_name(desk: Office) -> None:
    call = await recorded(desk)
    await pass_time(desk, 60)
    (message,) = files(desk)
    (file,) = desk.slack.files.values()
    assert message.thread_ts == card(desk).ts
    reference = recordings_module.reference(call, "rec-1")
    assert message.text.startswith(f"Recording {reference} of the call with +1 202-555-0101")
    assert file.content == SOUND + b"rec-1"
    assert file.name == f"call-20260202-0240-{reference}.wav"
    assert file.title == file.alt == "Recording of the call with +1 202-555-0101"
    assert await states(desk) == ["shared"]
    assert len(await audited(desk, "recording delivered")) == 1
    assert not any(desk.board.settings.data.glob("recordings/*")), "nothing is left on the disk"


async def test_all_recordings_of_a_call_are_brought(desk: Office) -> None:
    await recorded(desk, "rec-1", "rec-2")
    await pass_time(desk, 20)
    assert len({message.text for message in files(desk)}) == len(files(desk)) == 2


async def test_a_manager_gets_it_in_their_own_conversation_and_not_below_the_reps_card(
    opened: Callable[..., AbstractAsyncContextManager[Office]],
) -> None:
    """Where reps may not listen, they would."""
    async with opened(listen="manager") as desk:
        await desk.link("U1")
        call = await recorded(desk)
        assert card(desk).ts
        assert await desk.board.write(rows.want, call, "rec-1", "@U2", desk.clock())
        await pass_time(desk, 20)
        assert files(desk) == []
        (file,) = files(desk, "U2")
        assert not file.thread_ts


async def test_the_same_told_again_brings_nothing_new(desk: Office) -> None:
    await recorded(desk)
    await pass_time(desk, 20)
    await came_in(desk, "")
    call = (await desk.calls())[0]
    await desk.board.ingest("voicenter", [], call_id=call.id)
    await pass_time(desk, 20)
    assert len(files(desk)) == 1


async def test_nothing_is_brought_while_the_call_runs(desk: Office) -> None:
    await talk(desk)
    await desk.happen(RecordingReady(ref="paper-1", at=desk.clock(), recording="early"))
    await pass_time(desk, 20)
    assert files(desk) == []


async def test_it_waits_for_the_card_that_is_about_to_be_posted(desk: Office) -> None:
    call = await recorded(desk)
    row = await desk.board.read(cards.find, "call", call.id)
    assert row is not None
    await desk.board.write(cards.gone, row)
    await desk.board.write(cards.touch, call.id, "call")
    await deliveries(desk).deliver()
    assert files(desk) == []
    await desk.settle()
    desk.clock.advance(5)
    await deliveries(desk).deliver()
    (file,) = files(desk)
    assert file.thread_ts == card(desk).ts != row.ts


# With back-off


@pytest.mark.parametrize(
    "fault", [Unavailable("Paperphone was not reached."), Refused("Paperphone did not hand out: no such recording.")]
)
async def test_a_recording_that_is_not_ready_is_asked_for_again_later_and_later(desk: Office, fault: Exception) -> None:
    recorder(desk).faults = [fault, fault, fault]
    await recorded(desk)
    await pass_time(desk, 10)
    assert len(recorder(desk).fetched) == 1
    await pass_time(desk, 30)
    assert len(recorder(desk).fetched) == 2
    await pass_time(desk, 500)
    assert len(recorder(desk).fetched) == 4
    assert len(files(desk)) == 1


async def test_a_mistake_of_ours_with_one_does_not_stop_the_others(desk: Office) -> None:
    recorder(desk).faults = [ValueError("a bug")]
    await recorded(desk, "rec-1", "rec-2")
    await deliveries(desk).deliver()
    assert len(files(desk)) == 1
    assert sorted(await states(desk)) == ["shared", "wanted"]


async def test_in_the_end_it_is_given_up_told_once_and_may_be_asked_for_again(desk: Office) -> None:
    recorder(desk).faults = [Refused("Paperphone sent text/html instead of a sound; it was not kept.")] * 20
    await recorded(desk)
    await pass_time(desk, sum(WAITS) + 3600, 60)
    assert len(recorder(desk).fetched) == len(WAITS) + 1
    assert await states(desk) == ["failed"]
    await desk.settle()
    told = [message.text for message in desk.conversation("U1") if "could not be brought here" in message.text]
    assert len(told) == 1
    assert "text/html instead of a sound" in told[0]
    assert len(await audited(desk, "recording not delivered")) == 1
    recorder(desk).faults = []
    assert "on its way" in await desk.press("recording:get", card_with_button(desk), "DU1")
    await pass_time(desk, 20)
    assert len(files(desk)) == 1


def card_with_button(desk: Office) -> Any:
    return next(m for m in desk.conversation("U1") if "“Recording”" in m.text)


@pytest.mark.parametrize(
    ("method", "fault"),
    [
        ("files.getUploadURLExternal", "500"),
        ("files.getUploadURLExternal", "ratelimited"),
        ("files.getUploadURLExternal", "drop_after"),
        ("upload", "500"),
        ("upload", "drop_before"),
        ("files.completeUploadExternal", "500"),
        ("files.completeUploadExternal", "drop_before"),
        ("files.completeUploadExternal", "drop_after"),
        ("files.completeUploadExternal", "ratelimited"),
        ("conversations.replies", "500"),
        ("conversations.replies", "drop_before"),
    ],
)
async def test_whatever_slack_does_the_file_is_there_once(desk: Office, method: str, fault: str) -> None:
    await recorded(desk)
    desk.slack.fail_next(method, fault)
    if method == "conversations.replies":  # what is asked after an interrupted delivery
        desk.slack.fail_next("files.completeUploadExternal", "drop_after")
    await pass_time(desk, 600)
    assert len(files(desk)) == 1
    assert await states(desk) == ["shared"]
    assert len(await audited(desk, "recording delivered")) == 1


async def test_one_that_a_full_disk_cannot_hold_is_told_of_as_such(desk: Office) -> None:
    await recorded(desk)
    recorder(desk).faults = [OSError(errno.ENOSPC, "No space left on device")] * (len(WAITS) + 1)
    await pass_time(desk, sum(WAITS) + 600, step=60)
    await desk.settle()
    (told,) = [message.text for message in desk.conversation("U1") if "could not be brought here" in message.text]
    assert told.endswith(f"could not be brought here. {WORDS.format('No space left on device')}")


async def test_a_scan_that_takes_its_time_is_waited_for(desk: Office) -> None:
    await recorded(desk)
    desk.slack.scanning = True
    desk.slack.fail_next("files.completeUploadExternal", "drop_after")
    await pass_time(desk, SCAN_SECONDS - 10)
    assert len(desk.slack.files) == 1
    desk.slack.scanned()
    await pass_time(desk, 600)
    assert len(files(desk)) == 1


async def test_a_file_is_found_also_where_our_clock_is_ahead(desk: Office) -> None:
    desk.board.now = lambda: desk.clock() + 600
    await recorded(desk)
    desk.slack.fail_next("files.completeUploadExternal", "drop_after")
    await pass_time(desk, 600)
    assert len(files(desk)) == 1


async def test_a_file_is_known_by_its_words_where_slack_tells_of_no_files(desk: Office) -> None:
    """A token without files:read may get messages without them."""
    await recorded(desk)
    desk.slack.fail_next("files.completeUploadExternal", "drop_after")
    desk.slack.hide_files = True
    await pass_time(desk, 600)
    assert len(files(desk)) == 1
    assert len(desk.slack.files) == 1


@pytest.mark.parametrize("days", [0, 31])
async def test_an_interrupted_delivery_goes_on_only_where_they_may_still_listen(
    opened: Callable[..., AbstractAsyncContextManager[Office]], days: int
) -> None:
    async with opened() as desk:
        await desk.link("U1", extension="201")
        await recorded(desk)
        desk.slack.fail_next("files.completeUploadExternal", "drop_before")
        await deliveries(desk).deliver()
        assert await states(desk) == ["sharing"]
    async with opened(listen="rep" if days else "manager") as desk:  # their time is over, or they may not any more
        desk.clock.advance(days * DAY)
        await pass_time(desk, 2 * SCAN_SECONDS)
        assert files(desk) == []
        assert await states(desk) == ["kept"]
        desk.clock.advance(31 * DAY)
        await deliveries(desk).expire()
        assert await states(desk) == ["deleted"]
        assert all(file.deleted for file in desk.slack.files.values())


async def test_a_call_that_turns_out_to_be_an_orders_while_its_file_is_fetched_brings_one_file(desk: Office) -> None:
    """Of two unclear orders the first record does not say which it is; the second brings our own id."""
    desk.phone.answer = Ambiguous("Nobody knows.")
    for number in ("+1 202 555 0101", "+1 202 555 0102"):
        await desk.type(f"/call {number}")
    mine = (await desk.calls())[0]
    records = (
        CdrReceived(ref="r1", at=desk.clock(), leg=leg, outcome=Outcome.ANSWERED, recording="rec-1", extension="201")
        for leg in (REP, CUSTOMER)
    )
    await desk.happen(*records)
    assert len(await desk.calls()) == 3
    phone, fetch = recorder(desk), recorder(desk).fetch_recording

    async def slowly(recording: str, into: Path, limit: int) -> str:
        if not phone.fetched:
            told = Described(ref="r1", at=desk.clock(), source="cdr:customer", direction="out", call_id=mine.id)
            await desk.board.ingest("voicenter", [told])
        return await fetch(recording, into, limit)

    phone.fetch_recording = slowly  # type: ignore[method-assign]
    await pass_time(desk, 300)
    assert len(await desk.calls()) == 2
    assert len(files(desk)) == 1
    assert [copy.state for copy in await desk.board.read(rows.of_call, mine.id) if copy.place] == ["shared"]


# Killed in between: every commit of a delivery is made the last one.


class Killed(BaseException):
    """The process is gone."""


@pytest.mark.parametrize("after", [True, False])
@pytest.mark.parametrize("commit", range(1, 5))
async def test_killed_at_every_commit_of_a_delivery(
    opened: Callable[..., AbstractAsyncContextManager[Office]], commit: int, after: bool
) -> None:
    async with opened() as desk:
        await desk.link("U1", extension="201")
        await recorded(desk)
        write, left = desk.board.db.write, commit

        async def doomed(work: Any) -> Any:
            nonlocal left
            left -= 1
            if left == 0 and not after:
                raise Killed
            result = await write(work)
            if left == 0:
                raise Killed
            return result

        desk.board.db.write = doomed  # type: ignore[method-assign]
        died = False
        try:
            await deliveries(desk).deliver()
        except Killed:
            died = True
        desk.board.db.write = write  # type: ignore[method-assign]
        assert died == (commit <= 2), "a delivery has two commits: about to be shown, and shown"
    async with opened() as desk:
        await pass_time(desk, 600)
        assert len(files(desk)) == 1
        assert await states(desk) == ["shared"]
        assert len(await audited(desk, "recording delivered")) == 1


# Retention


def deleted(desk: Office) -> bool:
    (file,) = desk.slack.files.values()
    return file.deleted


async def expire(desk: Office) -> Deliveries:
    found = deliveries(desk)
    await found.expire()
    await desk.settle()
    return found


async def test_after_its_days_file_link_and_button_are_gone_and_it_is_written_down_once(desk: Office) -> None:
    call = await recorded(desk)
    await pass_time(desk, 20)
    address = recordings_module.link(desk.board, call, 0, "U1")
    desk.clock.advance(29 * DAY)
    await expire(desk)
    assert not deleted(desk)
    assert "“Recording”" in card(desk).text
    desk.clock.advance(2 * DAY)
    for _ in range(3):
        await expire(desk)
    assert deleted(desk)
    assert await states(desk) == ["deleted"]
    assert await audited(desk, "recording deleted") == [f"{call.id} file in Slack and link @U1"]
    assert "“Recording”" not in card(desk).text
    assert "recorded" in card(desk).text
    assert (await desk.http.get(address)).status_code == 410
    deletions = [request for request in desk.slack.requests if request.method == "files.delete"]
    assert len(deletions) == 1
    assert "There is no recording" in await desk.type("/recording")
    await pass_time(desk, 60)
    assert len(files(desk)) == 1  # the stone that Slack leaves; nothing new


async def test_it_is_made_up_for_after_down_time(
    opened: Callable[..., AbstractAsyncContextManager[Office]], slack_clock: Clock
) -> None:
    async with opened() as desk:
        await desk.link("U1")
        await recorded(desk)
        await pass_time(desk, 20)
    slack_clock.advance(400 * DAY)
    async with opened() as desk:
        await expire(desk)
        (file,) = desk.slack.files.values()
        assert file.deleted
        assert len(await audited(desk, "recording deleted")) == 1


async def test_killed_between_the_deletion_and_its_record(desk: Office) -> None:
    await recorded(desk)
    await pass_time(desk, 20)
    desk.clock.advance(31 * DAY)
    (file,) = desk.slack.files.values()
    file.deleted = True  # Slack has done it, and nobody wrote it down
    await expire(desk)
    assert len(await audited(desk, "recording deleted")) == 1


async def test_what_slack_refuses_to_delete_is_a_problem_until_it_is_mended(desk: Office) -> None:
    await recorded(desk)
    await pass_time(desk, 20)
    desk.clock.advance(31 * DAY)
    desk.slack.fail_next("files.delete", "file_deleting_disabled")
    await expire(desk)
    assert await audited(desk, "recording deleted") == []
    assert any("still in Slack" in text for _, text, *_ in await desk.board.read(ledger.problems))
    await expire(desk)  # not at once again
    assert await audited(desk, "recording deleted") == []
    desk.clock.advance(3700)
    await expire(desk)
    assert len(await audited(desk, "recording deleted")) == 1
    assert await desk.board.read(ledger.problems) == []


async def test_a_delivery_that_never_worked_ends_with_its_time(desk: Office) -> None:
    recorder(desk).faults = [Unavailable("Paperphone was not reached.")] * 3
    await recorded(desk)
    await pass_time(desk, 10)
    desk.clock.advance(31 * DAY)
    await deliveries(desk).deliver()
    assert len(recorder(desk).fetched) == 1
    await expire(desk)
    assert await states(desk) == ["deleted"]


async def test_zero_days_is_never(opened: Callable[..., AbstractAsyncContextManager[Office]]) -> None:
    async with opened() as desk:
        await desk.link("U1")
        keep = desk.board.settings.recording
        object.__setattr__(keep, "keep_days", 0)
        await recorded(desk)
        await pass_time(desk, 20)
        desk.clock.advance(4000 * DAY)
        await expire(desk)
        assert await states(desk) == ["shared"]


async def test_old_copies_on_the_disk_are_swept_away(desk: Office) -> None:
    folder = desk.board.settings.data / "recordings"
    folder.mkdir()
    (folder / "old").write_bytes(SOUND)
    os.utime(folder / "old", (0, 0))
    (folder / "fresh").write_bytes(SOUND)
    await expire(desk)
    assert [path.name for path in folder.iterdir()] == ["fresh"]


async def test_what_is_told_late_is_kept_and_brought_to_nobody_who_does_not_ask(desk: Office) -> None:
    told = RecordingReady(ref="paper-1", at=desk.clock(), recording="late")
    await recorded(desk)
    desk.clock.advance(2 * DAY)
    await desk.happen(told)
    await pass_time(desk, 20)
    assert [copy.place for copy in await desk.board.read(rows.of_call, (await desk.calls())[0].id)] == ["", "@U1"]
    assert recorder(desk).fetched == ["rec-1"]
    assert "on its way" in await desk.press("recording:get", card(desk), "DU1")
    await pass_time(desk, 20)
    assert recorder(desk).fetched == ["rec-1", "late"]
