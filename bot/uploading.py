"""A file into a conversation in Slack, in the three steps that Slack asks for, and out of it again; or a picture that
a message of ours is going to show.

Slack has no idempotency key for files, but an id that is known before anybody sees the file:
`files.getUploadURLExternal` names it, the bytes go to the address it gives, and only `files.completeUploadExternal`
shows it. Whoever writes that id down before the last step can look for the file after a crash instead of sending it
again.
Source: https://docs.slack.dev/messaging/working-with-files
"""

import io
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot import slack_api
from bot.errors import Ambiguous, NotAllowed, Unavailable

TITLE_LIMIT = 250
"""Characters of a title, and of a file's name. Ours: Slack's page names no limit, its clients cut long ones."""
ALT_LIMIT = 1000
"""Characters of `alt_txt`; more is refused with alt_txt_too_large. Page "files.getUploadURLExternal"."""
LOOKS, LOOK_SECONDS = 15, 1.0
"""So often, and so far apart, Slack is asked whether it knows yet what is in a file."""
LOOK_AHEAD_SECONDS = 900.0
"""How long after it was sent a file may appear: it is shared after a scan for malware, and clocks differ."""

_SCOPE = "files:write"
"""The one that is missed, unless Slack names another."""
_WHY = {
    **dict.fromkeys(
        ("channel_not_found", "invalid_channel"),
        "that conversation does not exist any more, or Callboard is not in it: type `/invite @Callboard` there",
    ),
    "is_archived": "that channel is archived; bring it back, and try again",
    "not_in_channel": "Callboard is not in that channel: type `/invite @Callboard` there",
    "posting_to_channel_denied": "Callboard may not post there; ask whoever manages that channel to allow it",
    "restricted_action": "Callboard may not post there; ask whoever manages that channel to allow it",
    "file_uploads_disabled": "the workspace allows no files; ask its owner to allow them",
    "file_uploads_except_images_disabled": "the workspace allows no files but pictures; ask its owner to allow others",
    "file_type_not_allowed": "the workspace does not allow files of that kind; ask its owner to allow them",
    "file_upload_size_restricted": "it is larger than the workspace allows; ask its owner to allow more",
    "storage_limit_reached": "the workspace has no room left for files; delete some there, and try again",
    "missing_scope": f"Callboard lacks the scope {_SCOPE}; install the app again from its manifest",
    "file_deleting_disabled": "the workspace allows nobody to delete files; ask its owner to allow it",
    "cant_delete_file": "the file is not Callboard's own; delete it by hand",
    **dict.fromkeys(
        slack_api.NO_ENTRY, "Callboard's token is not valid any more; tell your admin to install the app again"
    ),
}
"""Slack's code -> what is wrong, and what to do."""
_SHOWN_OR_NOT = "Slack did not say what it did, so the file may be shown or not. Look before it is sent again."
_NOT_TAKEN = "Slack did not take the file, so nobody sees it. Try again in a minute."
_GONE = frozenset({"file_not_found", "file_deleted"})
_NO_THREAD = slack_api.NO_THREAD | {"invalid_thread_ts"}

Client = AsyncWebClient
"""Slack's client, for those who only pass it on to this module."""
BeforeSharing = Callable[[str], Awaitable[None]]
"""Is told the id of the file before anybody can see it; what it raises keeps the file from being shown."""


class Limited(Unavailable):
    """Slack asks to wait. `seconds`: at least so long."""

    def __init__(self, seconds: float) -> None:
        super().__init__("Slack asks Callboard to wait, so the file was not sent yet. Try again in a minute.")
        self.seconds = seconds


async def upload(
    slack: AsyncWebClient,
    channel: str,
    thread_ts: str,
    filename: str,
    content: bytes,
    title: str,
    *,
    comment: str = "",
    before_sharing: BeforeSharing | None = None,
) -> str:
    """Show a file in a conversation. Returns its id; it may appear some seconds later, after Slack has scanned it.

    Args:
        channel: id of the conversation; a person's id will not do.  thread_ts: the message above, "" = no thread.
        filename: with an ending, from which Slack knows a sound.  title: shown, and read out by screen readers.
        comment: mrkdwn of the message that carries the file.

    Raises:
        NotAllowed: Slack refused it, or it is empty; says why.  Limited, Unavailable: it was not shown; try later.
        Ambiguous: it may be shown or not; look for it by its id before it is sent again.
    """
    file = await _prepare(slack, filename, content, title)
    if before_sharing is not None:
        await before_sharing(file)
    await share(slack, channel, thread_ts, file, title, comment=comment)
    return file


async def picture(
    slack: AsyncWebClient,
    filename: str,
    content: bytes,
    title: str,
    alt: str,
    sleep: Callable[[float], Awaitable[None]],
) -> str:
    """A file that nobody sees until a message has it in an image block. Returns its id, once Slack takes it there.

    Slack looks into a file only after it has taken it, and refuses messages that show it before that. Nothing hangs on
    such a file, so every trouble of Slack's is `Unavailable`. `sleep`: seconds.

    Raises:
        NotAllowed: Slack refused it; says why.  Limited, Unavailable: it cannot be shown, at least not now.
    """
    try:
        file = await _prepare(slack, filename, content, alt)
        await _ask(slack.files_completeUploadExternal, files=[{"id": file, "title": title[:TITLE_LIMIT]}])
        for _ in range(LOOKS):
            if (await _ask(slack.files_info, file=file))["file"].get("mimetype"):
                return file
            await sleep(LOOK_SECONDS)
    except Ambiguous as error:
        raise Unavailable("Slack did not answer, so the picture is not shown.") from error
    raise Unavailable("Slack did not say in time what is in the picture, so it is not shown.")


async def _prepare(slack: AsyncWebClient, filename: str, content: bytes, alt: str) -> str:
    if not content:
        raise NotAllowed("The file is empty, so it was not sent to Slack.")
    try:
        answer = await _ask(
            slack.files_getUploadURLExternal,
            filename=filename[-TITLE_LIMIT:],
            length=len(content),
            alt_txt=alt[:ALT_LIMIT],
        )
    except Ambiguous as error:
        raise Unavailable(_NOT_TAKEN) from error
    session = slack.session or aiohttp.ClientSession()
    try:
        # Not the bytes themselves: many of them at once would hold up the event loop.
        async with session.post(answer["upload_url"], data=io.BytesIO(content)) as sent:
            status = sent.status
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise Unavailable(_NOT_TAKEN) from error
    finally:
        if slack.session is None:
            await session.close()
    if status != 200:
        raise Unavailable(_NOT_TAKEN)
    return str(answer["file_id"])


async def share(
    slack: AsyncWebClient, channel: str, thread_ts: str, file: str, title: str, *, comment: str = ""
) -> None:
    """The last step alone, for a file whose bytes Slack has. Raises as `upload()`."""
    await _ask(
        slack.files_completeUploadExternal,
        files=[{"id": file, "title": title[:TITLE_LIMIT]}],
        channel_id=channel,
        **({"thread_ts": thread_ts} if thread_ts else {}),
        **({"initial_comment": comment} if comment else {}),
    )


async def conversation(slack: AsyncWebClient, user: str) -> str:
    """Id of a person's conversation with Callboard.

    Raises:
        NotAllowed: Slack refused it; says why.  Limited, Unavailable: it cannot be had now.
    """
    try:
        answer = await _ask(slack.conversations_open, users=user)
    except Ambiguous as error:
        raise Unavailable(_NOT_TAKEN) from error
    return str(answer["channel"]["id"])


async def is_shown(
    slack: AsyncWebClient, channel: str, thread_ts: str, file: str, since: float, mark: str = ""
) -> bool:
    """Whether a file is seen in a conversation, or in the thread below a message.

    Args:
        since: when it was sent.
        mark: words that only this file's comment has: a token without files:read may not be told of the files.

    Raises:
        Limited, Unavailable: Slack cannot be asked now.  NotAllowed: it refuses to say.
    """
    first, last = since - slack_api.CLOCKS_DIFFER_SECONDS, since + LOOK_AHEAD_SECONDS
    with _in_words():
        async for message in slack_api.messages_between(slack, channel, thread_ts, first, last):
            ours = message.get("bot_id") or message.get("subtype") == "file_share"
            if (mark and ours and mark in message.get("text", "")) or any(
                found.get("id") == file for found in message.get("files") or ()
            ):
                return True
    return False


async def delete(slack: AsyncWebClient, file: str) -> None:
    """Take a file out of Slack; one that is gone already is no error. Raises as `upload()`."""
    try:
        await _ask(slack.files_delete, file=file)
    except _Gone:
        return


async def share_again(slack: AsyncWebClient, channel: str, thread_ts: str, file: str, title: str, comment: str) -> bool:
    """Show a prepared file that is not seen. False: Slack does not know it any more, so it must be sent anew."""
    try:
        await share(slack, channel, thread_ts, file, title, comment=comment)
    except _Gone:
        return False
    return True


class NoThread(NotAllowed):
    """The message below which the file was to be shown is not there any more."""


class _Gone(NotAllowed):
    """Slack does not know that file (any more)."""


async def _ask(method: Callable[..., Awaitable[Any]], **arguments: Any) -> Any:
    with _in_words():
        return await slack_api.ask(method, **arguments)


@contextmanager
def _in_words() -> Iterator[None]:
    """What goes wrong with Slack, as this module's errors."""
    try:
        yield
    except slack_api.Limited as limit:
        raise Limited(limit.seconds) from limit
    except slack_api.Unanswered as error:
        raise Ambiguous(_SHOWN_OR_NOT) from error
    except SlackApiError as error:
        code = slack_api.code_of(error) or "unknown"
        if code in _GONE:
            raise _Gone("Slack does not know that file any more.") from error
        if code in _NO_THREAD:
            raise NoThread("The message that the file belongs below was deleted, so nobody sees the file.") from error
        if code in slack_api.PERHAPS:
            raise Ambiguous(_SHOWN_OR_NOT) from error
        why = _WHY.get(code, f"{code}; tell your admin").replace(_SCOPE, str(error.response.get("needed") or _SCOPE))
        raise NotAllowed(f"Slack refused the file: {why}.") from error
    except (SlackClientError, OSError) as error:
        raise Unavailable("Slack could not be reached, so nobody sees the file. Try again in a minute.") from error
