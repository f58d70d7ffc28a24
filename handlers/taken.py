"""Saving somebody's phone. One that somebody else has linked: a colleague keeps it, and whoever has left does not."""

import asyncio
import sqlite3

from slack_sdk.errors import SlackApiError

from bot import linking
from bot.board import notice
from bot.slack_api import UNREACHED, code_of
from bot.store import cards, ledger, people, web_phones
from bot.store.people import Person
from handlers import MEET_SECONDS, Desk


async def check_free(desk: Desk, new: Person) -> None:
    """Whether somebody may link that. Whoever has it and is no member any more, and so cannot unlink it, loses it.

    Raises:
        BadInput: a colleague has it; says who.
    """
    for user, _ in await desk.board.read(people.taken, new):
        if await _has_left(desk, user):
            await desk.board.write(_free, new.user, user, desk.board.now())
    await desk.board.read(people.check_free, new)


def save(db: sqlite3.Connection, desk: Desk, new: Person) -> None:
    """Save somebody's phone. Whose it was before is told so in their conversation with us, where it stays.

    Raises:
        BadInput: as `people.save_person`.
    """
    words, now = linking.changed(people.person(db, new.user), new), desk.board.now()
    people.save_person(db, new)
    if words:
        body = notice(desk.board.settings.renamed(words))
        cards.mark(db, "notice", f"phone changed:{now}", f"@{new.user}", now, body)


async def _has_left(desk: Desk, user: str) -> bool:
    """Deactivated, or one of those who may not use Callboard. Where Slack does not say, they have not."""
    try:
        async with asyncio.timeout(MEET_SECONDS):  # a form waits for its answer meanwhile
            found = (await desk.slack.users_info(user=user))["user"]
    except SlackApiError as error:
        return code_of(error) == "user_not_found"
    except UNREACHED:
        return False
    desk.is_outside(user, found)
    return bool(found.get("deleted")) or desk.board.turned_away(user)  # a manager who has left is in the settings yet


def _free(db: sqlite3.Connection, by: str, gone: str, now: float) -> None:
    had = people.person(db, gone)
    people.save_person(db, linking.unlinked(had))
    web_phones.forget(db, gone)
    ledger.audit(db, now, by, "unlink phone", had.phone or "no phone", f"of <@{gone}>, who is no member any more")
