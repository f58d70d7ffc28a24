"""Who waits for a call back, as a list with buttons: `/missed` and the digest's *Show who waits*. Pure."""

from collections.abc import Callable, Sequence
from math import ceil
from typing import TYPE_CHECKING

import msgspec

from bot.cards import (
    Block,
    Message,
    about,
    actions,
    at_clock,
    button,
    clock,
    context,
    day_clock,
    header,
    line_words,
    message,
    plain,
    plain_text,
    rep_words,
    section,
    upper_first,
    who,
    who_plain,
)
from bot.cards.missed import buttons
from bot.cards.times import how_often

if TYPE_CHECKING:
    from bot.store.contacts import Contact
    from bot.store.missed import Missed

PAGE = 10
"""Callers of one page: with their buttons they stay well within Slack's 50 blocks."""
MENU = 100
"""Options of a menu. Page "Select menu element"."""
MINE = "mine"
"""The scope of those whom the person has claimed."""


class Choice(msgspec.Struct, frozen=True):
    """What a button of the list says: which caller, and which list it stands in.

    Attributes:
        more: one of `missed.SNOOZES`, or since when the claim is that is given back, or to somebody else, or
            `missed.seen()`.
        scope: "" = all, `MINE`, or a line in E.164.  page: from 0.
    """

    missed_id: str = ""
    more: str = ""
    scope: str = ""
    page: int = 0

    @property
    def value(self) -> str:
        """As the button carries it."""
        return "|".join((self.missed_id, self.more, self.scope, str(self.page)))

    @classmethod
    def of(cls, value: str) -> "Choice":
        """As read from a button; one from elsewhere means the first page of all."""
        missed_id, more, scope, page = [*value.split("|"), "", "", "", ""][:4]
        return cls(missed_id, more, scope, int(page) if page.isdecimal() else 0)


def urgency(missed: "Missed", now: float) -> tuple[bool, bool, float]:
    """Sorts them: nobody's first, then claimed ones, then those that rest; of each the longest waiting first."""
    return missed.snoozed_until > now, bool(missed.claimed_by), missed.opened_at


def list_message(
    waiting: Sequence["Missed"],
    choice: Choice,
    now: float,
    zone: str,
    contact: Callable[[str], "Contact | None"],
    masked: Callable[["Missed"], bool],
    *,
    label: str = "",
    colleagues: Sequence[tuple[str, str]] = (),
) -> Message:
    """A page of the list: `choice` says which. `waiting`: in the order to be shown; `label`: of the line in its scope.

    Buttons `waiting:call_back`, `claim`, `release`, `close`, `page` and the menu `snooze` carry a `Choice`.

    Args:
        contact: E.164 -> whom the contact book knows by it.
        masked: whether most digits of the number are not for this person, or not for this place.
        colleagues: (Slack user id, name) to whom this person may give callers; the menu carries the `Choice` in its
            action id. More than `MENU`: Slack's own menu of everybody is shown.
    """
    scope, whom = choice.scope, {"": "", MINE: ", claimed by you"}.get(choice.scope, f", on {label or choice.scope}")
    if not waiting:
        nobody = "Nobody whom you have claimed is" if scope == MINE else "Nobody is"
        where = "" if scope == MINE else plain(whom)
        return message([section(f"{nobody} waiting for a call back{where}. 👍", "waiting:none")])
    pages = ceil(len(waiting) / PAGE)
    page = min(choice.page, pages - 1)
    blocks = [header(f"Waiting for a call back{whom} ({len(waiting)})", "waiting:title"), _sums(waiting, now)]
    for number, missed in enumerate(waiting[page * PAGE : (page + 1) * PAGE], page * PAGE + 1):
        known, hidden = contact(missed.number), masked(missed)
        party = upper_first(who(missed.number, missed.name, known, masked=hidden))
        named = f"{number}. {who_plain(missed.number, missed.name, known, masked=hidden)}"
        # A menu keeps showing the last choice unless its block is a new one.
        block_id = f"waiting:do:{missed.id}:{int(missed.snoozed_until)}:{missed.claimed_by}"
        blocks += [
            section(f"{number}. *{party}*\n{standing(missed, now, zone)}", f"waiting:row:{missed.id}"),
            actions(_elements(missed, named, scope, page, colleagues), block_id),
        ]
    turns = [
        button(words, f"waiting:page:{words.lower()}", Choice(scope=scope, page=to).value, about=f"page {to + 1}")
        for words, to in (("Earlier", page - 1), ("Next", page + 1))
        if 0 <= to < pages
    ]
    turns.append(button("Refresh", "waiting:page:refresh", Choice(scope=scope, page=page).value, about="the list"))
    blocks.append(actions(turns, "waiting:pages"))
    shown = f"Page {page + 1} of {pages}, as" if pages > 1 else "As"
    blocks.append(context([f"{shown} of {clock(now, zone)}."], "waiting:as_of"))
    return message(blocks)


def _sums(waiting: Sequence["Missed"], now: float) -> Block:
    resting = sum(missed.snoozed_until > now for missed in waiting)
    claimed = sum(bool(missed.claimed_by) and missed.snoozed_until <= now for missed in waiting)
    counts = ((len(waiting) - resting - claimed, "unclaimed"), (claimed, "claimed"), (resting, "snoozed"))
    told = [f"{count} {words}" for count, words in counts if count]
    told.append(f"The longest waits for {about(now - min(missed.opened_at for missed in waiting))}")
    return context(told, "waiting:sums")


def standing(missed: "Missed", now: float, zone: str) -> str:
    """How it stands with one who waits, in sentences."""
    line = line_words(missed.line)
    told = [
        f"Missed {how_often(missed.calls)}" + (f" on {line}" if line else ""),
        f"last {at_clock(missed.last_at, now, zone)}",
        f"waiting for {about(now - missed.opened_at)}",
        f"claimed by {rep_words(missed.claimed_by)}" if missed.claimed_by else "nobody has claimed it",
    ]
    if missed.snoozed_until > now:
        told.append(f"snoozed until {day_clock(missed.snoozed_until, now, zone)}")
    return f"{'; '.join(told)}."


def _elements(
    missed: "Missed", named: str, scope: str, page: int, colleagues: Sequence[tuple[str, str]]
) -> list[Block]:
    found = buttons(missed, named, "waiting", lambda more: Choice(missed.id, more, scope, page).value)
    if colleagues:
        action_id = f"waiting:assign:{Choice(missed.id, str(missed.claimed_at), scope, page).value}"
        menu: Block = {"type": "users_select", "action_id": action_id, "placeholder": plain_text("Give it to…", 150)}
        if len(colleagues) <= MENU:
            options = [{"text": plain_text(name or user, 75), "value": user} for user, name in colleagues]
            menu |= {"type": "static_select", "options": options}
        found.append(menu)
    return found
