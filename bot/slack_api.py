"""A call of Slack's Web API: once, and what can go wrong with it sorted by what is known then."""

from collections.abc import Awaitable, Callable
from typing import Any

from slack_sdk.errors import SlackApiError

CLOCKS_DIFFER_SECONDS = 900.0
"""So far from the moment in which it was sent a message may be dated, by Slack's clock."""

PERHAPS = frozenset({"fatal_error", "internal_error"})
"""Slack's codes for which it says that it may have acted all the same: page "chat.postMessage"."""
NO_ENTRY = frozenset({"invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive"})
"""Slack's codes for a bot token that is good for nothing any more, whatever the conversation."""

NO_THREAD = frozenset({"cannot_reply_to_message", "thread_not_found", "message_not_found"})
"""Slack's codes where the message is not there (any more) below which something was to stand."""
NO_PLACE = {
    "channel_not_found": "does not exist any more, or Callboard was never in it",
    "is_archived": "is archived",
    "is_inactive": "is archived",
    "not_in_channel": "does not have Callboard as a member: type `/invite @Callboard` there",
    "restricted_action": "does not let Callboard post",
}
"""Slack's codes of conversations that nothing can be posted to: what is said of such a one."""
NOBODY = {
    "user_not_found": "is nobody in this workspace",
    "user_not_visible": "is nobody whom Callboard may see",
    "cannot_dm_bot": "is a bot",
    "user_disabled": "is a deactivated user",
    "channel_not_found": "has no conversation with Callboard any more",
    "is_archived": "has no conversation with Callboard any more",
    "is_inactive": "has no conversation with Callboard any more",
}
"""The same of people. Who has left rarely comes back, so nothing waits for them."""


class Unanswered(Exception):
    """Slack may or may not have acted."""


class Limited(Exception):
    """Slack asks to wait."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds


async def ask(method: Callable[..., Awaitable[Any]], **arguments: Any) -> Any:
    """Call a method of Slack's client, once, and sort what goes wrong.

    Raises:
        Limited: nothing was done; says for how long to wait.
        Unanswered: Slack may or may not have acted.
        SlackApiError: it refused.  OSError: it was not reached; nothing was done.
    """
    try:
        return await method(**arguments)
    except SlackApiError as error:
        status, code = status_of(error), code_of(error)
        if status == 429 or code == "ratelimited":
            raise Limited(_asked_to_wait(error)) from error
        if status >= 500 or (not code and status < 400):  # what is no JSON comes from something in between
            raise Unanswered from error
        raise
    except AttributeError as error:  # slack_sdk takes a text for a dict: it is no JSON either
        raise Unanswered from error
    except ConnectionRefusedError:
        raise
    except OSError as error:
        # aiohttp's connector errors are OSErrors: nothing was sent. Anything else may have been, as where it timed out.
        if type(error).__name__.startswith("ClientConnector"):
            raise
        raise Unanswered from error
    except Exception as error:
        if type(error).__module__.startswith("aiohttp"):
            raise Unanswered from error
        raise


def code_of(error: SlackApiError) -> str:
    """Slack's own code of a refusal, such as "channel_not_found"; "" = its answer was not JSON."""
    data = getattr(error.response, "data", None)
    return str(data.get("error") or "") if isinstance(data, dict) else ""


def status_of(error: SlackApiError) -> int:
    """HTTP status of a refusal."""
    # Where the answer is no JSON though it says so, this is aiohttp's own response.
    return int(getattr(error.response, "status_code", 0) or getattr(error.response, "status", 0))


def _asked_to_wait(error: SlackApiError) -> float:
    try:
        return max(1.0, float(error.response.headers.get("Retry-After", 1)))
    except ValueError:
        return 1.0
