"""Who is no member of the workspace: guests, people of another company that shares a channel with it, and whoever has
left. Pure.

They can type our commands (guests) and press our buttons (both), and what is dialled is on the company's bill.
https://docs.slack.dev/reference/objects/user-object and https://docs.slack.dev/apis/slack-connect
"""

from collections.abc import Mapping
from typing import Any

WORDS = (
    "Callboard is for the members of its workspace, and Slack says that you are a guest or from another company, so "
    "nothing was done. Whoever runs Callboard can let you in: `guests` in its settings."
)


def outside(user: Mapping[str, Any], team: str, enterprise: str) -> bool:
    """Whether users.info describes somebody from outside, or a deactivated user.

    `team`, `enterprise`: ids of our workspace and of the organisation that it belongs to, "" = none or not known. A
    member of the organisation's other workspaces is one of ours.
    """
    if user.get("deleted") or user.get("is_restricted") or user.get("is_ultra_restricted") or user.get("is_stranger"):
        return True
    theirs = user.get("team_id") or team
    of_an_organisation = user.get("enterprise_user") or {}
    if team in (of_an_organisation.get("teams") or ()):  # also where we do not know yet that ours is of it, too
        return False
    organisation = of_an_organisation.get("enterprise_id") or ""
    return bool(team) and theirs not in (team, enterprise) and (not enterprise or organisation != enterprise)
