"""Files of the small Slack in the terminal: kept in memory, shown as a line, and gone with it.

The three steps of an upload: https://docs.slack.dev/messaging/working-with-files
"""

import json
import mimetypes
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

Json = dict[str, Any]


@dataclass
class Files:
    """Answers the methods of files. `show` posts a message with a file: (channel, message).

    Attributes:
        content: id -> bytes of the files that are there.
    """

    show: Callable[[str, Json], None]
    content: dict[str, bytes] = field(default_factory=dict)
    _names: dict[str, str] = field(default_factory=dict)

    def prepare(self, given: Json, url: str) -> Json:
        """files.getUploadURLExternal. `url`: where Slack itself is."""
        file = f"F{len(self._names) + 1:05d}"
        self._names[file] = str(given["filename"])
        return {"upload_url": f"{url}/upload/{file}", "file_id": file}

    async def take(self, request: Request) -> Response:
        """The bytes, at the address that was given."""
        file = request.path_params["file"]
        if file not in self._names:
            return Response(status_code=404)
        self.content[file] = await request.body()
        return Response("ok")

    def complete(self, given: Json) -> Json:
        """files.completeUploadExternal."""
        listed: list[Json] = json.loads(given["files"])
        for file in listed:
            if file["id"] not in self.content:
                raise KeyError("file_not_found")
        files = [{"id": one["id"], "name": self._names[one["id"]], "title": one.get("title", "")} for one in listed]
        if not given.get("channel_id"):
            return {"files": files}  # nobody sees it until a message has it as a picture
        message = {"text": given.get("initial_comment", ""), "blocks": [], "files": files}
        message |= {"thread_ts": given["thread_ts"]} if given.get("thread_ts") else {}
        self.show(given["channel_id"], message)
        return {"files": files}

    def info(self, given: Json) -> Json:
        """files.info."""
        if given["file"] not in self.content:
            raise KeyError("file_not_found")
        name = self._names[given["file"]]
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        return {"file": {"id": given["file"], "name": name, "mimetype": kind}}

    def delete(self, given: Json) -> Json:
        """files.delete."""
        if self.content.pop(given["file"], None) is None:
            raise KeyError("file_not_found")
        return {}
