"""A file into Slack and out of it: shown once, where it belongs, and every failure is a sentence."""

import asyncio

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import Ambiguous, CallboardError, NotAllowed, Unavailable
from bot.uploading import LOOKS, Limited, conversation, delete, is_shown, picture, share_again, upload
from tests.fake_slack import FakeSlack, granted_scopes
from tests.slack_state import Clock

SOUND = b"RIFF1234WAVE a talk"


@pytest.fixture
def head(fake_slack: FakeSlack) -> str:
    return fake_slack.say("C1", "U1", "A card").ts


async def test_a_file_stands_in_the_thread_with_title_and_words(
    fake_slack: FakeSlack, slack_client: AsyncWebClient, head: str
) -> None:
    noted: list[str] = []

    async def note(file: str) -> None:
        assert fake_slack.files[file].channel == ""  # nobody sees it yet
        noted.append(file)

    file = await upload(slack_client, "C1", head, "talk.wav", SOUND, "A talk", comment="1 min", before_sharing=note)
    shown = fake_slack.channel("C1")[-1]
    assert (shown.files, shown.thread_ts, shown.text) == ((file,), head, "1 min")
    stored = fake_slack.files[file]
    assert (stored.content, stored.name, stored.title, stored.alt) == (SOUND, "talk.wav", "A talk", "A talk")
    assert noted == [file]


async def test_words_that_are_too_long_are_cut_to_what_slack_takes(
    fake_slack: FakeSlack, slack_client: AsyncWebClient
) -> None:
    file = await upload(slack_client, "C1", "", "x" * 300 + ".wav", SOUND, "y" * 3000)
    stored = fake_slack.files[file]
    assert (len(stored.name), stored.name[-4:], len(stored.title), len(stored.alt)) == (250, ".wav", 250, 1000)


@pytest.mark.parametrize(
    ("method", "fault", "error", "words"),
    [
        ("files.getUploadURLExternal", "file_uploads_disabled", NotAllowed, "the workspace allows no files"),
        ("files.getUploadURLExternal", "drop_before", Unavailable, "nobody sees it"),
        ("files.getUploadURLExternal", "ratelimited", Limited, "asks Callboard to wait"),
        ("upload", "500", Unavailable, "nobody sees it"),
        ("upload", "drop_before", Unavailable, "nobody sees it"),
        ("files.completeUploadExternal", "not_in_channel", NotAllowed, "/invite @Callboard"),
        ("files.completeUploadExternal", "posting_to_channel_denied", NotAllowed, "may not post there"),
        ("files.completeUploadExternal", "500", Ambiguous, "shown or not"),
        ("files.completeUploadExternal", "internal_error", Ambiguous, "shown or not"),
        ("files.completeUploadExternal", "fatal_error", Ambiguous, "shown or not"),
        ("files.completeUploadExternal", "is_archived", NotAllowed, "archived; bring it back, and try again"),
        ("files.completeUploadExternal", "token_revoked", NotAllowed, "token is not valid any more; tell your admin"),
        ("files.completeUploadExternal", "an_unknown_code", NotAllowed, "an_unknown_code; tell your admin"),
    ],
)
async def test_every_failure_is_a_sentence(
    fake_slack: FakeSlack,
    slack_client: AsyncWebClient,
    method: str,
    fault: str,
    error: type[CallboardError],
    words: str,
) -> None:
    fake_slack.fail_next(method, fault)
    with pytest.raises(error, match=words):
        await upload(slack_client, "C1", "", "talk.wav", SOUND, "A talk")
    assert fake_slack.channel("C1") == []


@pytest.mark.parametrize(
    ("fault", "error"), [("500", Unavailable), ("internal_error", Unavailable), ("ratelimited", Limited)]
)
async def test_where_there_is_no_conversation_yet_no_file_can_be_there(
    fake_slack: FakeSlack, slack_client: AsyncWebClient, fault: str, error: type[CallboardError]
) -> None:
    fake_slack.fail_next("conversations.open", fault)
    with pytest.raises(error) as refused:
        await conversation(slack_client, "U1")
    assert "Try again in a minute." in str(refused.value)
    assert "shown or not" not in str(refused.value)


async def test_nothing_empty_is_sent(fake_slack: FakeSlack, slack_client: AsyncWebClient) -> None:
    with pytest.raises(NotAllowed, match="empty"):
        await upload(slack_client, "C1", "", "talk.wav", b"", "A talk")
    assert fake_slack.requests == []


@pytest.mark.parametrize("threaded", [True, False])
async def test_a_file_is_found_by_its_id_once_slack_has_scanned_it(
    fake_slack: FakeSlack, slack_client: AsyncWebClient, slack_clock: Clock, head: str, threaded: bool
) -> None:
    fake_slack.scanning = True
    thread = head if threaded else ""
    file = await upload(slack_client, "C1", thread, "talk.wav", SOUND, "A talk")
    assert not await is_shown(slack_client, "C1", thread, file, slack_clock())
    fake_slack.scanned()
    assert await is_shown(slack_client, "C1", thread, file, slack_clock())
    assert not await is_shown(slack_client, "C1", thread, "F-other", slack_clock())


async def test_a_prepared_file_is_shown_later_but_only_once(
    fake_slack: FakeSlack, slack_client: AsyncWebClient
) -> None:
    fake_slack.fail_next("files.completeUploadExternal", "drop_before")
    known: list[str] = []

    async def note(file: str) -> None:
        known.append(file)

    with pytest.raises(Ambiguous):
        await upload(slack_client, "C1", "", "talk.wav", SOUND, "A talk", before_sharing=note)
    assert await share_again(slack_client, "C1", "", known[0], "A talk", "again")
    assert not await share_again(slack_client, "C1", "", known[0], "A talk", "again")
    assert [message.text for message in fake_slack.channel("C1")] == ["again"]


async def test_a_deleted_file_is_gone_and_may_be_deleted_again(
    fake_slack: FakeSlack, slack_client: AsyncWebClient
) -> None:
    file = await upload(slack_client, "C1", "", "talk.wav", SOUND, "A talk")
    await delete(slack_client, file)
    await delete(slack_client, file)
    assert fake_slack.files[file].deleted
    fake_slack.fail_next("files.delete", "file_deleting_disabled")
    with pytest.raises(NotAllowed, match="nobody to delete files"):
        await delete(slack_client, file)


PNG = b"\x89PNG\r\n\x1a\n and so on"


@pytest.mark.parametrize("processing", [0, 1, 5])
async def test_a_picture_is_nobodys_until_it_is_shown_and_ready_when_it_is_told(
    fake_slack: FakeSlack, slack_client: AsyncWebClient, processing: int
) -> None:
    fake_slack.processing = processing
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    file = await picture(slack_client, "bars.png", PNG, "Bars", "Bars: 3 calls " * 100, sleep)
    stored = fake_slack.files[file]
    assert (stored.content, stored.title, stored.channel, stored.mimetype) == (PNG, "Bars", "", "image/png")
    assert stored.alt == ("Bars: 3 calls " * 100)[:1000]
    assert waits == [1.0] * processing
    assert fake_slack.channel("C1") == []


@pytest.mark.parametrize(
    ("method", "fault", "error", "words"),
    [
        ("files.getUploadURLExternal", "file_uploads_disabled", NotAllowed, "the workspace allows no files"),
        ("files.getUploadURLExternal", "ratelimited", Limited, "asks Callboard to wait"),
        ("upload", "500", Unavailable, "nobody sees it"),
        ("files.completeUploadExternal", "500", Unavailable, "did not answer, so the picture is not shown"),
        ("files.info", "500", Unavailable, "did not answer, so the picture is not shown"),
    ],
)
async def test_a_picture_that_cannot_be_shown_is_none(
    fake_slack: FakeSlack,
    slack_client: AsyncWebClient,
    slack_clock: Clock,
    method: str,
    fault: str,
    error: type[CallboardError],
    words: str,
) -> None:
    async def sleep(seconds: float) -> None:
        slack_clock.advance(seconds)

    fake_slack.fail_next(method, fault)
    with pytest.raises(error, match=words):
        await picture(slack_client, "bars.png", PNG, "Bars", "Bars: 3 calls", sleep)


async def test_slack_is_not_asked_for_ever(fake_slack: FakeSlack, slack_client: AsyncWebClient) -> None:
    fake_slack.processing = 1000
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    with pytest.raises(Unavailable, match="did not say in time"):
        await picture(slack_client, "bars.png", PNG, "Bars", "Bars: 3 calls", sleep)
    assert len(waits) == LOOKS


async def test_the_scope_that_is_missed_is_named(fake_slack: FakeSlack, slack_client: AsyncWebClient) -> None:
    for scope in ("files:write", "files:read"):
        fake_slack.scopes = granted_scopes() - {scope}
        with pytest.raises(NotAllowed, match=f"lacks the scope {scope}; install"):
            await picture(slack_client, "bars.png", PNG, "Bars", "Bars: 3 calls", asyncio.sleep)
