"""Who is in the private channels of lines: nobody else is shown whose calls were missed there."""

from bot.slack_api import UNREACHED, code_of
from bot.store import channels
from handlers import Desk

_PAGE = 900
"""Members of one page; https://docs.slack.dev/reference/methods/conversations.members wants fewer than 1000."""


async def refresh(desk: Desk) -> None:
    """Read the members of each private channel that settings name; where Slack refuses, the last known stay.

    An open channel of which Slack says that there is none was made private, most likely: it is open to nobody, until
    Callboard is in it.
    """
    board = desk.board
    settings, known = board.settings, await board.read(channels.members)
    for channel in sorted(settings.channels):
        try:
            found = (await desk.slack.conversations_info(channel=channel))["channel"]
            members = await _members(desk, channel) if found.get("is_private") else None
        except UNREACHED as error:  # that a channel is wrong or missing is told by who posts there
            if code_of(error) != "channel_not_found" or known.get(channel, ()) is not None:
                continue  # the next round is soon enough
            members = []  # it was open to all, and is private now, without us
        if channel not in known or known[channel] != members:
            await board.write(channels.keep_members, channel, members, board.now())


async def _members(desk: Desk, channel: str) -> list[str]:
    members: list[str] = []
    cursor = ""
    while True:
        page = await desk.slack.conversations_members(channel=channel, limit=_PAGE, cursor=cursor or None)
        members += page["members"]
        cursor = (page.get("response_metadata") or {}).get("next_cursor", "")
        if not cursor:
            return sorted(members)
