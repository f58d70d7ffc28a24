"""Files that people send in Slack. https://docs.slack.dev/reference/objects/file-object

They are behind the bot's own token, so they are fetched from Slack's hosts only: an address from elsewhere would be
handed that token.
"""

from urllib.parse import urlsplit

from bot import tables
from bot.cards.forms import PASTED
from bot.errors import CallboardError, NotAllowed, NotFound, Unavailable
from bot.slack_api import UNREACHED, code_of
from handlers import Click, Desk

_PART = 64 * 1024


def chosen(click: Click) -> str:
    """Id of the file in a submitted form, in its block `file`; "" = none."""
    element = click.view.get("state", {}).get("values", {}).get("file", {}).get("file", {})
    return next((str(file["id"]) for file in element.get("files") or ()), "")


def wrong_table(click: Click) -> dict[str, str]:
    """Errors of a form for a table: it must be either a file or pasted rows."""
    rows = click.fields.get("rows", "")
    if bool(chosen(click)) == bool(rows):
        return {"rows": "Choose a file or paste rows: one of the two. Nothing was read."}
    if len(rows) >= PASTED:
        return {"rows": "That is as much as fits here, so the end may be missing. Send it as a file instead."}
    return {}


async def table(desk: Desk, click: Click, file: str = "", limit: int = tables.MOST_BYTES) -> tuple[str, bytes]:
    """Name and content of the table that a form is about: `file`, which was sent before, else as `wrong_table()` says.
    `limit`: bytes.

    Raises as `fetch()`.
    """
    if file := file or chosen(click):
        return await fetch(desk, file, limit)
    return "pasted rows", click.fields["rows"].encode()


async def fetch(desk: Desk, file: str, limit: int) -> tuple[str, bytes]:
    """Name and content of a file. `file`: its id.  `limit`: bytes.

    Raises:
        NotFound: it was deleted.  NotAllowed: too large, not on Slack's hosts, or Slack refuses; says what to do.
        Unavailable: Slack was not reached.
    """
    try:
        info = (await desk.slack.files_info(file=file))["file"]
    except UNREACHED as error:
        raise _words(code_of(error)) from error
    name, address = str(info.get("name") or "file"), str(info.get("url_private_download") or info.get("url_private"))
    if int(info.get("size") or 0) > limit:
        raise NotAllowed(
            f"{name} is larger than {limit // 1_000_000} MB, so it was not read. Cut it into several files."
        )
    if not _is_slacks(address, desk.board.settings.slack_api):
        raise NotAllowed(f"{name} lies outside of Slack, so it was not fetched. Upload it to Slack itself.")
    session = desk.slack.session
    assert session is not None  # the wiring gives the client one
    parts: list[bytes] = []
    size = 0
    try:
        headers = {"Authorization": f"Bearer {desk.slack.token}"}
        async with session.get(address, headers=headers, allow_redirects=False) as response:
            if response.status != 200 or response.content_type == "text/html":  # a page to sign in
                raise NotAllowed(
                    f"Slack did not hand out {name} ({response.status}), so nothing was read. "
                    "Ask your admin whether the app has the scope files:read."
                )
            async for part in response.content.iter_chunked(_PART):
                size += len(part)
                if size > limit:
                    raise NotAllowed(f"{name} is larger than {limit // 1_000_000} MB, so it was not read.")
                parts.append(part)
    except UNREACHED as error:
        raise _words("") from error
    return name, b"".join(parts)


def _is_slacks(address: str, api: str) -> bool:
    url, ours = urlsplit(address), urlsplit(api)
    if (url.scheme, url.hostname, url.port) == (ours.scheme, ours.hostname, ours.port):
        return True
    host = url.hostname or ""
    return url.scheme == "https" and url.port in (None, 443) and (host == "slack.com" or host.endswith(".slack.com"))


def _words(code: str) -> CallboardError:
    if code in ("file_not_found", "file_deleted"):
        return NotFound("That file is gone, so nothing was read. Send it again.")
    if code:
        return NotAllowed(
            f"Slack refuses to hand out the file ({code}), so nothing was read. "
            "Ask your admin whether the app has the scope files:read."
        )
    return Unavailable("Slack could not be reached, so the file was not read. Try again in a minute.")
