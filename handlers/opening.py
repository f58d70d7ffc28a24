"""Opening forms: a trigger lives three seconds and works once, and Slack is not always able to."""

from collections.abc import Awaitable, Callable
from typing import Any

from slack_sdk.errors import SlackApiError

from bot import slack_api
from bot.cards.modals import error_modal, loading_modal
from bot.errors import CallboardError, Unavailable
from handlers import UNREACHED, Click, Desk, slack_code

_TOO_LATE = ("expired_trigger_id", "exchanged_trigger_id", "invalid_trigger_id")


async def show_form(desk: Desk, click: Click, view: dict[str, Any]) -> str:
    """Open a form; within 3 s of the click. Returns its id.

    Raises:
        Unavailable: Slack was not reached, or not able to; says what to do.
    """
    try:
        return str((await slack_api.ask(desk.slack.views_open, trigger_id=click.trigger, view=view))["view"]["id"])
    except slack_api.Unanswered as error:
        raise Unavailable(
            "Slack did not answer when the form was to be opened. If you see none, try again in a minute. Nothing was "
            "done."
        ) from error
    except (slack_api.Limited, *UNREACHED) as error:
        raise _not_now(error, "the form could not be opened and nothing was done. Try again in a minute.") from error


def _not_now(error: BaseException, so: str) -> BaseException:
    """What is said where Slack is not able to; any other refusal of Slack's is a mistake of ours, and stays what it is.

    `so`: what was not done, and what to do.
    """
    if isinstance(error, slack_api.Limited):
        return Unavailable(f"Slack asks Callboard to wait, so {so}")
    code = slack_code(error)
    if code in _TOO_LATE:
        return Unavailable("The form could not be opened in time, so nothing was done. Try again.")
    if code in slack_api.PERHAPS or not isinstance(error, SlackApiError):
        return Unavailable(f"Slack does not work at the moment, so {so}")
    return error


async def open_slowly(desk: Desk, click: Click, title: str, view: Callable[[], Awaitable[dict[str, Any]]]) -> None:
    """Open a form for which the phone service must be asked: a trigger lives 3 s, so it is filled afterwards.

    Whoever has closed it by then wants none.
    """
    opened = await show_form(desk, click, loading_modal(title))
    try:
        filled = await view()
    except CallboardError as error:
        filled = error_modal(title, desk.board.settings.renamed(str(error)))
    try:
        await slack_api.ask(desk.slack.views_update, view_id=opened, view=filled)
    except (slack_api.Unanswered, slack_api.Limited, *UNREACHED) as error:
        if slack_code(error) != "not_found":
            so = "the form that stands there empty is of no use. Close it, and try again in a minute. Nothing was done."
            raise _not_now(error, so) from error
