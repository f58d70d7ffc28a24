"""Large lists need the word of a second manager: who is asked, and what they are shown before and after.

A list is one of voice messages (`bot.message_batches`), of calls for a campaign (`bot.batches`) or of contacts for reps
(`bot.calling_lists`); each keeps its own state, "asked" while somebody's word is missing, and has `approve()` and
`refuse()`, which raise NotAllowed where that word does not count. Here is only what they have in common.
"""

import sqlite3
from collections.abc import Callable, Sequence

from bot.board import Board, notice
from bot.cards import date_clock, rep_words, who
from bot.errors import NotAllowed
from bot.settings import Settings
from bot.store import cards

DECIDED = "That was decided before, so nothing was done a second time."
"""For whoever was slower."""
SHOWN = 5
"""People of a list that whoever is asked sees."""


def needed(settings: Settings, count: int) -> bool:
    """Whether a list that calls so many people needs a second manager."""
    return 0 < settings.policy.approve_over < count


def so_many(people: int) -> str:
    """ "one person", "200 people"."""
    return "one person" if people == 1 else f"{people} people"


def approvers(settings: Settings, by: str) -> list[str]:
    """Who may say yes to a list of `by`: every manager and admin but themselves."""
    return [user for user in dict.fromkeys((*settings.managers, *settings.admins)) if user != by]


def check_anybody(settings: Settings, by: str) -> None:
    """Before a list is put on hold for a word that nobody could give.

    Raises:
        NotAllowed: there is no other manager.
    """
    if not approvers(settings, by):
        raise NotAllowed(
            f"A list of more than {settings.policy.approve_over} needs the word of a second manager, and there is no "
            "other, so nothing was sent. Send to fewer at once, or ask an admin to add one to “managers” in the "
            "settings."
        )


def check(settings: Settings, user: str, by: str) -> None:
    """May `user` say yes or no to a list of `by`?

    Raises:
        NotAllowed: it is their own, or they are no manager.
    """
    if user == by:
        raise NotAllowed("Nobody approves their own list: another manager has to. Nothing was done.")
    if settings.role(user) == "rep":
        raise NotAllowed("Only managers approve lists. Nothing was done; ask one of them.")


async def decide(board: Board, user: str, by: str, write: Callable[[sqlite3.Connection], bool]) -> None:
    """`user` says yes or no to a list of `by`. `write` does it, and answers False where somebody was faster.

    Raises:
        NotAllowed: it is their own, they are no manager, or somebody was faster.
    """
    check(board.settings, user, by)
    if not await board.write(write):
        raise NotAllowed(DECIDED)


def names(settings: Settings, by: str) -> str:
    """Who was asked, mrkdwn, for the card of the list."""
    return " or ".join(map(rep_words, approvers(settings, by)))


def some(called: Sequence[tuple[str, str]], count: int) -> str:
    """The first of `count` people that a list calls, (E.164, name) each, mrkdwn: nobody says yes to a bare number."""
    named = [who(number, name) for number, name in called[:SHOWN]]
    return "; ".join(named) + (f"; and {count - len(named):,} more" if count > len(named) else "")


def ask(db: sqlite3.Connection, board: Board, kind: str, list_id: str, by: str, wish: str, at: float = 0) -> None:
    """Ask everybody who may say yes, each in their own conversation; the first answer counts.

    `kind`: "message", "campaign" or "calllist".  `wish`: what `by` wants, a clause that follows their name, mrkdwn.
    `at`: before then nobody is called, seconds since 1970 UTC; 0 = as soon as somebody says yes.
    """
    limit = board.settings.policy.approve_over
    text = (
        f"<@{by}> wants to {wish}\nNothing was sent yet: a list of more than {limit} needs the word of a second "
        "manager. Each call may cost money."
    )
    value = f"{kind} {list_id}"
    buttons = [
        {"label": "Approve", "action_id": "approval:yes", "value": value, "style": "primary", "about": "this list"},
        {"label": "Refuse…", "action_id": "approval:no", "value": value, "about": "this list"},
    ]
    for user in approvers(board.settings, by):
        zone = board.zone_of(db, user)
        when = f"\nNobody is called before {date_clock(at, zone)}." if at > board.now() else ""
        cards.mark(db, "notice", _subject(list_id), f"@{user}", board.now(), notice(text + when, buttons))


def close(db: sqlite3.Connection, board: Board, list_id: str, text: str) -> None:
    """Nobody's word is needed any more: all who were asked see why, in place of the buttons."""
    for place in cards.places(db, "notice", _subject(list_id)):
        cards.mark(db, "notice", _subject(list_id), place, board.now(), notice(text))


def _subject(list_id: str) -> str:
    return f"approval:{list_id}"
