"""Links to recordings: signed, short-lived, checked again when opened; each listening is written down."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.errors import Refused, Unavailable
from bot.recordings import LINK_SECONDS, filename, link, reference
from tests.audit_lines import audit_log
from tests.fake_slack import FakeSlack
from tests.office import Office, office
from tests.recorded import SOUND, Recorder, recorded, recorder, settings
from tests.slack_state import Clock


@pytest.fixture
async def desk(tmp_path: Path, fake_slack: FakeSlack, slack_clock: Clock) -> AsyncIterator[Office]:
    async with office(tmp_path, fake_slack, slack_clock, settings(keep_days=30), kind=Recorder) as desk:
        await desk.link("U1", extension="201")
        yield desk


async def audited(desk: Office) -> list[tuple[str, str, str]]:
    return [(who, what, subject) for _, who, what, subject, _ in await desk.board.read(audit_log)]


def left_on_disk(desk: Office) -> list[Path]:
    return list(desk.board.settings.data.glob("recordings/*"))


async def test_a_sound_and_nothing_that_anybody_keeps(desk: Office) -> None:
    call = await recorded(desk)
    answer = await desk.http.get(link(desk.board, call, 0, "U1"))
    assert (answer.status_code, answer.content) == (200, SOUND + b"rec-1")
    assert answer.headers["content-type"] == "audio/wav"
    assert answer.headers["content-length"] == str(len(answer.content))
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    name = f"call-20260202-0240-{reference(call, 'rec-1')}.wav"
    assert answer.headers["content-disposition"] == f'inline; filename="{name}"'


async def test_a_player_takes_pieces_of_one_copy_which_goes_with_the_link(desk: Office) -> None:
    call = await recorded(desk)
    address, whole = link(desk.board, call, 0, "U1"), SOUND + b"rec-1"
    for piece, content in (("bytes=0-1", whole[:2]), ("bytes=2-", whole[2:]), ("bytes=-3", whole[-3:])):
        answer = await desk.http.get(address, headers={"range": piece})
        assert (answer.status_code, answer.content) == (206, content)
    assert recorder(desk).fetched == ["rec-1"]
    assert len(left_on_disk(desk)) == 1
    told = [what for _, what, _ in await audited(desk) if what == "listened to recording"]
    assert len(told) == 1
    await desk.http.get(address, headers={"range": "bytes=0-"})  # once more from the start
    assert (await audited(desk))[0][1] == "listened to recording"
    desk.clock.advance(LINK_SECONDS + 1)
    assert (await desk.http.get(address)).status_code == 410
    assert left_on_disk(desk) == []


async def test_pieces_that_are_asked_for_at_once_are_of_one_copy(desk: Office) -> None:
    call = await recorded(desk)
    address = link(desk.board, call, 0, "U1")
    pieces = [desk.http.get(address, headers={"range": f"bytes={first}-"}) for first in range(3)]
    assert [answer.status_code for answer in await asyncio.gather(*pieces)] == [206] * 3
    assert recorder(desk).fetched == ["rec-1"]
    assert len(left_on_disk(desk)) == 1


async def test_nobody_listens_unseen_by_asking_for_a_piece(desk: Office) -> None:
    call = await recorded(desk)
    await desk.http.get(link(desk.board, call, 0, "U1"), headers={"range": "bytes=1-"})
    assert (await audited(desk))[0][:2] == ("U1", "listened to recording")


async def test_a_copy_does_not_outlive_the_right_to_hear_it(desk: Office) -> None:
    call = await recorded(desk)
    address = link(desk.board, call, 0, "U2")
    assert (await desk.http.get(address)).status_code == 200
    object.__setattr__(desk.board.settings, "managers", ())
    assert (await desk.http.get(address)).status_code == 403


async def test_every_listening_is_written_down(desk: Office) -> None:
    call = await recorded(desk)
    address = link(desk.board, call, 0, "U2")
    for _ in range(3):
        await desk.http.get(address)
    assert (await audited(desk))[:3] == [("U2", "listened to recording", "+12025550101")] * 3


async def test_a_look_at_the_headers_is_no_listening(desk: Office) -> None:
    call = await recorded(desk)
    assert (await desk.http.head(link(desk.board, call, 0, "U1"))).status_code == 405
    assert recorder(desk).fetched == []
    assert (await audited(desk))[0][1] != "listened to recording"


async def test_a_link_is_good_for_some_minutes(desk: Office) -> None:
    call = await recorded(desk)
    address = link(desk.board, call, 0, "U1")
    desk.clock.advance(LINK_SECONDS - 1)
    assert (await desk.http.get(address)).status_code == 200
    desk.clock.advance(2)
    answer = await desk.http.get(address)
    assert answer.status_code == 410
    assert "good for some minutes" in answer.text


async def test_a_link_cannot_be_made_or_changed(desk: Office, tmp_path: Path) -> None:
    call = await recorded(desk)
    address = link(desk.board, call, 0, "U1")
    base, _, token = address.rpartition("/")
    body, _, signature = token.partition(".")
    other = link(desk.board, call, 0, "U9").rpartition("/")[2].partition(".")[0]
    for wrong in (
        f"{other}.{signature}",
        f"{body}.{signature[:-2]}AA",
        f"{body}.",
        f"{body}.%C3%A9",
        body,
        f"{body}x.{signature}",
        "..",
        "%F0%9F%92%A9.x",
        "a" * 5000,
    ):
        answer = await desk.http.get(f"{base}/{wrong}")
        assert answer.status_code == 404, wrong
    assert recorder(desk).fetched == []
    # Whoever knows the hook secret, such as a phone service, cannot make one either.
    object.__setattr__(desk.board.settings, "bot_token", "xoxb-other")
    assert (await desk.http.get(address)).status_code == 404
    assert desk.board.settings.hook_secret not in address


async def test_a_role_that_was_taken_away_counts_at_once(desk: Office) -> None:
    call = await recorded(desk)
    address = link(desk.board, call, 0, "U2")
    object.__setattr__(desk.board.settings, "managers", ())
    answer = await desk.http.get(address)
    assert (answer.status_code, recorder(desk).fetched) == (403, [])
    assert "may listen" in answer.text
    assert (await audited(desk))[0][:2] == ("U2", "could not listen to recording")


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (Refused("Paperphone sent text/html instead of a sound; it was not kept."), 502),
        (Refused("The recording is larger than 50 MB, so it was not fetched."), 502),
        (Unavailable("Paperphone was too slow, so the recording was not fetched. Try again later."), 503),
    ],
)
async def test_what_the_service_does_not_hand_out_is_a_sentence(desk: Office, fault: Exception, status: int) -> None:
    call = await recorded(desk)
    recorder(desk).faults = [fault]
    answer = await desk.http.get(link(desk.board, call, 0, "U1"))
    assert (answer.status_code, answer.text) == (status, str(fault))
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["cache-control"] == "no-store"
    assert (await audited(desk))[0][:2] == ("U1", "could not listen to recording")


@pytest.mark.parametrize(
    ("media_type", "ending"),
    [
        ("audio/mpeg", "mp3"),
        ("audio/x-wav", "wav"),
        ("application/ogg", "ogg"),
        ("audio/flac", "flac"),
        ('audio/"; x=/../', "x"),
        ("audio/", "bin"),
    ],
)
async def test_a_files_name_ends_as_people_expect(desk: Office, media_type: str, ending: str) -> None:
    call = await recorded(desk, "first", "second")
    assert filename(call, "second", media_type) == f"call-20260202-0240-{reference(call, 'second')}.{ending}"
