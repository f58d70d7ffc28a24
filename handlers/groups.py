"""Slack user groups that flows dial ("whoever is available"): their members are read now and then, never in a call."""

import json

from slack_sdk.errors import SlackApiError

from bot import decide
from bot.guiding import GROUP
from bot.slack_api import code_of
from bot.store import ledger
from handlers import Desk


async def refresh(desk: Desk) -> None:
    """Read the members of every group that a flow names; where Slack refuses, the last known members stay.

    https://docs.slack.dev/reference/methods/usergroups.users.list
    """
    board = desk.board
    for group in sorted(name[1:] for name in decide.mentioned(board.settings.flows) if name.startswith("@S")):
        key = f"user group {group}"
        try:
            answer = await desk.slack.usergroups_users_list(usergroup=group)
        except SlackApiError as error:
            why = code_of(error) or "unknown"
            if why == "ratelimited":
                continue  # the next round is soon enough
            advice = (
                "Install the app again from its manifest, which asks for usergroups:read."
                if why == "missing_scope"
                else "Correct it in callboard.toml; the group's id is in its menu in Slack."
            )
            await board.problem(
                key,
                f"The members of user group {group} could not be read ({why}), "
                f"so its calls go to those last known. {advice}",
            )
            continue
        members = json.dumps([str(user) for user in answer["users"]])
        known = await board.read(ledger.recall, GROUP + group)
        if known is None or known[0] != members:
            await board.write(ledger.remember, GROUP + group, members, board.now())
        await board.solved(key)
