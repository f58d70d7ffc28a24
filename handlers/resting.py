"""Who wants not to be disturbed now, as they have told Slack: a missed caller goes to somebody else first."""

from collections.abc import Iterable, Mapping
from typing import Any

from slack_sdk.errors import SlackApiError

from bot.slack_api import UNREACHED, code_of
from handlers import Desk

PROBLEM = "do not disturb"


async def resting(desk: Desk, users: Iterable[str]) -> frozenset[str]:
    """Those of these Slack users whose notifications are paused now. Where Slack does not say, nobody's are.

    https://docs.slack.dev/reference/methods/dnd.info
    """
    now = desk.board.now()
    found = set()
    for user in users:
        try:
            answer = await desk.slack.dnd_info(user=user)
        except SlackApiError as error:
            if code_of(error) == "missing_scope":
                await desk.board.problem(
                    PROBLEM,
                    "Whether somebody wants not to be disturbed cannot be read, so missed callers are told to them all "
                    "the same. Install the app again from its manifest, which asks for dnd:read.",
                )
                return frozenset()
        except UNREACHED:
            return frozenset()
        else:
            if _rests(answer.data if isinstance(answer.data, dict) else {}, now):
                found.add(user)
            await desk.board.solved(PROBLEM)
    return frozenset(found)


def _rests(told: Mapping[str, Any], now: float) -> bool:
    """By their hours, or because they paused by hand, of which Slack tells some apps only."""
    if told.get("snooze_enabled") and (told.get("snooze_is_indefinite") or told.get("snooze_endtime", 0) > now):
        return True
    return bool(told.get("dnd_enabled")) and told.get("next_dnd_start_ts", 0) <= now < told.get("next_dnd_end_ts", 0)
