"""Files of the fake Slack: sent by people, fetched by the bot, uploaded by the bot into a thread.

Page "Working with files": files.getUploadURLExternal -> POST of the bytes -> files.completeUploadExternal; private
addresses want the bot's token, and show a page to sign in without it. A file that is completed without a channel is
the app's own until a message has it in an image block; Slack knows only after a while what is in it.
"""

import csv
import io
import mimetypes
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests import slack_facts
from tests.slack_content import from_json
from tests.slack_state import Message, SlackError

if TYPE_CHECKING:
    from tests.fake_slack import FakeSlack

Args = Mapping[str, Any]


@dataclass
class File:
    """A file. `channel`, `thread_ts`: where it is shared, "" = nowhere yet. `alt`: what screen readers say.

    Attributes:
        complete: all of it was taken.  looks: so many questions from now Slack knows what is in it.
    """

    id: str
    name: str
    content: bytes
    owner: str
    length: int
    title: str = ""
    channel: str = ""
    thread_ts: str = ""
    url: str = ""
    deleted: bool = False
    alt: str = ""
    complete: bool = True
    looks: int = 0

    @property
    def mimetype(self) -> str:
        """What Slack says is in it, "" = it does not know yet. By its name and, for pictures, by its first bytes."""
        known = "" if self.looks else mimetypes.guess_type(self.name)[0] or "application/octet-stream"
        return "text/plain" if known == "image/png" and not self.content.startswith(b"\x89PNG\r\n\x1a\n") else known

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "name": self.name,
            "mimetype": self.mimetype,
            "title": self.title or self.name,
            "filetype": self.name.rpartition(".")[2],
            "size": len(self.content),
            "user": self.owner,
            "url_private": self.url,
            "url_private_download": f"{self.url}?download=1",
        }


def add_file(slack: "FakeSlack", name: str, content: bytes, *, user: str) -> File:
    """A person uploads a file."""
    file = File(slack.next_id("F"), name, content, user, len(content))
    file.url = f"{slack.origin}/files-pri/{file.id}/{name}"
    slack.files[file.id] = file
    return file


def shared(slack: "FakeSlack") -> list[File]:
    """What Callboard has put into conversations."""
    return [file for file in slack.files.values() if file.owner == slack.bot_user and file.channel]


def table(file: File) -> list[list[str]]:
    """The cells of a CSV of ours."""
    return list(csv.reader(io.StringIO(file.content.decode("utf-8-sig"))))


async def serve(slack: "FakeSlack", request: web.Request) -> web.Response:
    """A private address."""
    if request.headers.get("Authorization") != f"Bearer {slack.bot_token}" or "files:read" not in slack.scopes:
        return web.Response(text="<html>Sign in</html>", content_type="text/html")
    file = slack.files.get(request.match_info["id"])
    if file is None or file.deleted:
        return web.Response(status=404)
    return web.Response(body=file.content, content_type="text/csv")


async def take(slack: "FakeSlack", request: web.Request) -> web.Response:
    """The bytes of an upload. Its address is permission enough, and our token must not travel there.

    Faults of "upload": "500", and "drop_before".
    """
    if fault := slack.next_fault("upload"):
        if fault == "drop_before" and request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)
    file = slack.files[request.match_info["id"]]
    body = await request.read()
    assert "Authorization" not in request.headers, "the bot's token was sent to an upload address"
    if len(body) != file.length:
        return web.Response(status=400, text="length")
    file.content = body
    return web.Response(text=f"OK - {len(body)}")


def files_info(slack: "FakeSlack", args: Args) -> dict[str, Any]:
    file = slack.files.get(args["file"])
    if file is None:
        raise SlackError("file_not_found")
    if file.deleted:
        raise SlackError("file_deleted")
    told = file.as_json()
    file.looks = max(0, file.looks - 1)
    return {"file": told}


def files_get_upload_url_external(slack: "FakeSlack", args: Args) -> dict[str, Any]:
    if int(args["length"]) < 1:
        raise SlackError("missing_argument")
    if len(args.get("alt_txt") or "") > slack_facts.FILE_ALT:
        raise SlackError("alt_txt_too_large")
    file = File(slack.next_id("F"), args["filename"], b"", slack.bot_user, int(args["length"]), complete=False)
    file.alt, file.looks = args.get("alt_txt") or "", slack.processing
    slack.files[file.id] = file
    return {"upload_url": f"{slack.origin}/upload/{file.id}", "file_id": file.id}


def files_complete_upload_external(slack: "FakeSlack", args: Args) -> dict[str, Any]:
    given_channel, thread = args.get("channel_id") or "", args.get("thread_ts") or ""
    if not given_channel:
        if thread or args.get("initial_comment"):
            raise SlackError("invalid_arguments", "nobody would see a comment, and no thread, without channel_id")
        return {"files": _completed(slack, args, "", "")}
    channel = slack.channels.get(given_channel)
    if channel is None or not channel.bot_is_member:
        raise SlackError("channel_not_found")
    if thread and not any(message.ts == thread and not message.thread_ts for message in channel.messages):
        raise SlackError("invalid_thread_ts", "thread_ts is no message at the head of a thread there")
    shared = _completed(slack, args, channel.id, thread)
    text = args.get("initial_comment") or ""
    ids = tuple(one["id"] for one in shared)
    slack.share(channel.id, Message(slack.next_ts(), text, (), {}, slack.bot_user, thread, files=ids))
    return {"files": shared}


def _completed(slack: "FakeSlack", args: Args, channel: str, thread: str) -> list[dict[str, str]]:
    shared = []
    for given in from_json(args["files"], "invalid_arguments"):
        file = slack.files.get(given["id"])
        if file is None or file.complete or len(file.content) != file.length:
            raise SlackError("file_not_found")
        file.title, file.channel, file.thread_ts, file.complete = given.get("title", ""), channel, thread, True
        shared.append({"id": file.id, "title": file.title})
    return shared


def check_pictures(slack: "FakeSlack", blocks: Sequence[Mapping[str, Any]]) -> None:
    """An image block shows a picture that Slack has, knows to be one, and that the app may show."""
    for block in blocks:
        if block["type"] != "image" or "slack_file" not in block:
            continue
        file = slack.files.get(block["slack_file"].get("id", ""))
        good = file is not None and file.complete and not file.deleted and file.owner == slack.bot_user
        if file is None or not good or not file.mimetype.startswith("image/"):
            raise SlackError("invalid_blocks", "invalid slack file [json-pointer:/blocks/slack_file]")


def files_delete(slack: "FakeSlack", args: Args) -> dict[str, Any]:
    files_info(slack, args)
    file = slack.files[args["file"]]
    file.deleted, file.content = True, b""
    return {}


METHODS: dict[str, Callable[["FakeSlack", Args], dict[str, Any]]] = {
    "files.completeUploadExternal": files_complete_upload_external,
    "files.delete": files_delete,
    "files.getUploadURLExternal": files_get_upload_url_external,
    "files.info": files_info,
}
