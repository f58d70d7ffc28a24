"""A call of Slack's Web API: once, and what can go wrong with it sorted by what is known then."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Literal

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.http_retry import FixedValueRetryIntervalCalculator, HttpRequest, HttpResponse, RetryState
from slack_sdk.http_retry.builtin_async_handlers import AsyncConnectionErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient
from typing_extensions import override

CLOCKS_DIFFER_SECONDS = 900.0
"""So far from the moment in which it was sent a message may be dated, by Slack's clock."""
UNREACHED = (SlackClientError, aiohttp.ClientError, OSError, TimeoutError)
"""What a call of Slack raises when it does not do what it was asked; a cut connection is aiohttp's own error."""
PERHAPS = frozenset({"fatal_error", "internal_error"})
"""Slack's codes for which it says that it may have acted all the same: page "chat.postMessage"."""
NO_ENTRY = frozenset({"invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive"})
"""Slack's codes for a bot token that is good for nothing any more, whatever the conversation."""
CLOCK_SECONDS = 60.0
"""So much this computer's clock may differ from Slack's."""
REFUSED_SECONDS = 300.0
"""A request of Slack's that seems older, or of a time to come, is refused: page "Verifying requests from Slack"."""
NO_THREAD = frozenset({"cannot_reply_to_message", "thread_not_found", "message_not_found"})
"""Slack's codes where the message is not there (any more) below which something was to stand."""
NO_PLACE = {
    "channel_not_found": "does not exist any more, or Callboard was never in it",
    "is_archived": "is archived",
    "is_inactive": "is archived",
    "not_in_channel": "does not have Callboard as a member: type `/invite @Callboard` there",
    "restricted_action": "does not let Callboard post",
}
"""Codes for a channel in which nothing can be shown -> what the channel is, or does, for people."""
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
_REPEATABLE = ("views.open", "views.update")
"""What a person waits for, and may be asked twice: a trigger opens one form, whatever happens."""


class OnceMore(AsyncConnectionErrorRetryHandler):
    """Asks again where a connection was gone in the moment it was used: one that is kept open ends at some time.

    Nothing that posts: whether Slack had the first request is not known.
    """

    def __init__(self) -> None:
        super().__init__(1, FixedValueRetryIntervalCalculator(0))  # a trigger is good for three seconds

    @override
    async def _can_retry_async(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        gone = await super()._can_retry_async(state=state, request=request, response=response, error=error)
        return gone and request.url.endswith(_REPEATABLE)


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


def is_slacks(error: Exception) -> bool:
    """Whether it is Slack that was not reached, did not answer, asked to wait or failed inside."""
    if isinstance(error, SlackApiError):
        code, status = code_of(error), status_of(error)
        return status == 429 or status >= 500 or code in PERHAPS or code == "ratelimited"
    return type(error).__module__.startswith("aiohttp")


async def messages_between(
    client: AsyncWebClient, channel: str, thread: str, first: float, last: float, *, metadata: bool = False
) -> AsyncIterator[dict[str, Any]]:
    """All messages of a conversation, or of the thread below the message `thread`, between two moments.

    `first`, `last`: seconds since 1970 UTC, by Slack's clock.  `metadata`: they come with theirs. Raises as `ask()`.
    """
    method = client.conversations_replies if thread else client.conversations_history
    where: dict[str, Any] = {"channel": channel, **({"ts": thread} if thread else {})}
    where |= {"oldest": f"{first:.6f}", "latest": f"{last:.6f}", "limit": 200}
    where |= {"include_all_metadata": True} if metadata else {}
    while True:
        answer = await ask(method, **where)
        for message in answer["messages"]:
            yield message
        cursor = (answer.get("response_metadata") or {}).get("next_cursor")
        if not cursor:
            return
        where["cursor"] = cursor


def code_of(error: BaseException) -> str:
    """Slack's own code of a refusal, such as "channel_not_found"; "" = it was not reached, or answered no JSON."""
    response = error.response if isinstance(error, SlackApiError) else None
    data = getattr(response, "data", response)
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


def wrong_clock(headers: Mapping[str, str], now: float, mode: Literal["socket", "http"]) -> str:
    """The sentence for a clock of this computer that is not right by Slack's, which dates its answers; "" = it is.

    `now`: seconds since 1970 UTC, by this computer.
    """
    try:
        dated = parsedate_to_datetime({name.lower(): value for name, value in headers.items()}["date"])
    except (KeyError, ValueError):  # what answers is no Slack
        return ""
    behind = dated.timestamp() - now
    if abs(behind) < CLOCK_SECONDS:
        return ""
    minutes = max(1, round(abs(behind) / 60))
    how = f"{minutes} minute{'' if minutes == 1 else 's'} {'behind' if behind > 0 else 'ahead of'}"
    more = "; commands and buttons are refused, too" if mode == "http" and abs(behind) > REFUSED_SECONDS else ""
    fix = "Set it, say with `timedatectl set-ntp true`."
    return f"This computer's clock is {how} Slack's, so times, calling hours and limits are wrong{more}. {fix}"
