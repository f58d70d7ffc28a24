"""Who rings or waits in a queue right now, as a list with buttons: `/calls waiting`. Pure.

Buttons `callers:page:…` carry a `Turn`; those of a call are its controls (`controls.py`).
"""

import html
from collections.abc import Sequence
from math import ceil
from typing import TYPE_CHECKING

import msgspec

from bot.call import Call
from bot.cards import (
    Message,
    actions,
    button,
    clock,
    context,
    escape,
    header,
    line_words,
    message,
    plain,
    rep_words,
    section,
    timer,
    upper_first,
    who,
    who_plain,
)
from bot.cards.controls import control_rows, hanging_words

if TYPE_CHECKING:
    from bot.store.contacts import Contact

PAGE = 10
"""Callers of one page: with their buttons they fit into Slack's 50 blocks and into the text of screen readers."""
SCOPE = 80
"""Characters of what was typed that a button carries."""


class Turn(msgspec.Struct, frozen=True):
    """What a button of the list says: which page (from 0) of which list.

    Attributes:
        scope: a line or queue as typed, "" = all.
    """

    page: int = 0
    scope: str = ""

    @property
    def value(self) -> str:
        """As the button carries it."""
        return f"{self.page}|{escape(self.scope[:SCOPE])}"

    @classmethod
    def of(cls, value: str) -> "Turn":
        """As read from a button; one from elsewhere means the first page of all."""
        page, _, scope = value.partition("|")
        return cls(int(page), html.unescape(scope)) if page.isdecimal() else cls()


class Caller(msgspec.Struct, frozen=True):
    """A call that nobody has answered yet, as one person may see it.

    Attributes:
        call: with its line by name.  masked: most digits of the number are hidden.
        controls: what this person may do to it.  account: what people call its phone service.
        acting: what is being done to it, "" = nothing.
    """

    call: Call
    contact: "Contact | None"
    masked: bool
    controls: frozenset[str]
    account: str
    acting: str = ""


def callers_message(
    waiting: Sequence[Caller],
    scope: str,
    page: int,
    now: float,
    zone: str,
    *,
    where: str,
    nobody: str = "",
    behind: Sequence[tuple[str, float]],
) -> Message:
    """A page of the list; `waiting`: the longest waiting first.

    Args:
        scope: as typed, "" = all.  where: the line or queue by name, "" = all.
        nobody: what is said where nobody waits, "" = just that.
        behind: (service, when it last said who waits in its queues) of those that were asked in vain since; 0 = never.
    """
    on = f" on {plain(where)}" if where else ""
    old = [context([_old(title, at, zone)], f"callers:old:{number}") for number, (title, at) in enumerate(behind)]
    if not waiting:
        return message([section(nobody or f"No call is waiting{on}.", "callers:none"), *old])
    pages = ceil(len(waiting) / PAGE)
    page = min(page, pages - 1)
    # A header is shown as it is, so it has no use for `plain()`.
    blocks = [header(f"Calls waiting now{f' on {where}' if where else ''} ({len(waiting)})", "callers:title"), *old]
    for number, caller in enumerate(waiting[page * PAGE : (page + 1) * PAGE], page * PAGE + 1):
        call = caller.call
        party = upper_first(who(call.number, call.name, caller.contact, masked=caller.masked))
        named = f"{number}. {who_plain(call.number, call.name, caller.contact, masked=caller.masked)}"
        words = f"{number}. *{party}*\n{_standing(caller, now, zone)}"
        blocks.append(section(words, f"callers:row:{call.id}"[:255]))
        blocks += control_rows(call, named, caller.controls, caller.acting, place=call.id)
    turns = [
        button(words, f"callers:page:{words.lower()}", Turn(to, scope).value, about=f"page {to + 1}")
        for words, to in (("Earlier", page - 1), ("Next", page + 1))
        if 0 <= to < pages
    ]
    turns.append(button("Refresh", "callers:page:refresh", Turn(page, scope).value, about="the list"))
    blocks.append(actions(turns, "callers:pages"))
    shown = f"Page {page + 1} of {pages}, as" if pages > 1 else "As"
    blocks.append(context([f"{shown} of {clock(now, zone, seconds=True)}."], "callers:as_of"))
    return message(blocks)


def _standing(caller: Caller, now: float, zone: str) -> str:
    """How long it waits, where, at whom."""
    call = caller.call
    taker = rep_words(call.rep, call.person, call.extension)
    rung = any(not leg.ended_at and not leg.name.startswith("queue:") for leg in call.legs)
    told = [
        f"Waits {timer(now - call.started_at)}, since {clock(call.started_at, zone)}",
        line_words(call.line, call.queue),
        "in the menu" if call.guided_at and not call.legs else "",
        f"rings at {taker}" if taker and rung else "",
        plain(caller.account),
        hanging_words(call, now).rstrip("."),
    ]
    return " · ".join(part for part in told if part)


def _old(title: str, at: float, zone: str) -> str:
    if not at:
        return f"{plain(title)} has not said yet who waits in its queues, so somebody may be missing here."
    since = clock(at, zone, seconds=True)
    return (
        f"{plain(title)} did not say who waits in its queues since {since}, so somebody may be missing here, or gone."
    )
