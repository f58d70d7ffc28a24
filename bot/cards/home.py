"""App Home: my live calls, the callbacks I owe, my phone, today's numbers, what is broken. Pure."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from bot.call import Call
from bot.cards import (
    Block,
    actions,
    at_clock,
    button,
    clock,
    context,
    header,
    line_words,
    paragraphs,
    plain,
    section,
    sentence,
    upper_first,
    who,
    who_plain,
)
from bot.cards.batch import headline
from bot.cards.live_calls import live_blocks
from bot.cards.missed import own_buttons
from bot.cards.waiting import standing
from bot.numbers import pretty

if TYPE_CHECKING:
    from bot.store.calling_lists import CallingList
    from bot.store.campaigns import Batch
    from bot.store.missed import Missed
    from bot.store.people import Person

_CALLS_SHOWN = 10
_OWED_SHOWN = 15
_MINE_SHOWN = 5
_SECTIONS = 4
"""Of health and of problems, at most; together with all the rest less than the 100 blocks of a view."""

_KIND_WORDS = {
    "number": "",
    "extension": "extension ",
    "login": "login code ",
    "trunk": "the extension behind the SIP trunk ",
    "employee": "employee ",
}


def home_view(
    *,
    live: Sequence[Call],
    owed: Sequence["Missed"],
    today: Mapping[str, str | int],
    person: "Person",
    problems: Sequence[str],
    health: Sequence[str],
    is_admin: bool,
    now: float,
    zone: str,
    controls: Callable[[Call], frozenset[str]],
    names: Callable[[str], str],
    lists: Sequence[tuple["Batch", Mapping[str, int]]] = (),
    mine: Sequence[tuple["CallingList", int]] = (),
    masked: frozenset[str] = frozenset(),
    reminders: Sequence[tuple[Call, float, bool]] = (),
    reminders_left: int = 0,
) -> Block:
    """The view of one person's App Home.

    Buttons: `home:call`, `home:phone`; a live call's controls (`live_calls.py`); those of a missed caller
    (`missed.py`); `offer:show` with the id of a call list; `call:again`, `call:later` with the id of a call.

    Attributes:
        live: this person's calls.  owed: missed callers they claimed or may claim, the longest waiting first.
        today: label -> figure, in the order to be shown.
        problems: sentences for admins about what is broken.  health: sentences for everybody.
        controls: operations that make sense for a call right now.
        names: number -> the contact's name, "" = not in the contact book.
        lists: calls on their way into campaigns, with the states of their rows; for managers.
        mine: call lists that this person calls from, and how many contacts of each are left.
        masked: ids of the missed callers whose numbers this person does not see whole.
        reminders: (call, when they are reminded of it, whether they see its number masked), the next one first.
        reminders_left: how many more there are.
    """
    blocks = [
        *_phone(person),
        header("My calls now", "home:live"),
        *live_blocks(live[:_CALLS_SHOWN], now, zone, controls, names),
        *_more(len(live) - _CALLS_SHOWN, "home:live:more"),
        *_mine(mine),
        header("Call back", "home:owed"),
        *_owed(owed, now, zone, names, masked),
        *_later(reminders, reminders_left, now, zone, names),
        header("Today", "home:today"),
        *_today(today),
        *_lists(lists),
        *_health(problems, health, is_admin),
        context([f"As of {clock(now, zone)}."], "home:as_of"),
    ]
    return {"type": "home", "blocks": blocks}


def turned_away(words: str) -> Block:
    """The view for somebody whom Callboard is not for."""
    return {"type": "home", "blocks": [section(words, "home:turned_away")]}


def _phone(person: "Person") -> list[Block]:
    if not person.linked:
        return [
            section(
                "*Your phone is not linked yet.* Callboard does not know which phone to ring, so you cannot call.",
                "home:my_phone",
            ),
            actions([button("Link my phone", "home:phone", "link", style="primary")], "home:actions"),
        ]
    phone = f"{_KIND_WORDS.get(person.phone_kind, '')}{plain(pretty(person.phone))}".strip()
    account = f" at {plain(person.account)}" if person.account else ""
    line = f"\nYou call from {line_words(person.line)}." if person.line else ""
    return [
        section(f"*Your phone:* {phone}{account}{line}", "home:my_phone"),
        actions(
            [
                button("Start a call", "home:call", "call", style="primary"),
                button("Change my phone", "home:phone", "change"),
            ],
            "home:actions",
        ),
    ]


def _mine(mine: Sequence[tuple["CallingList", int]]) -> list[Block]:
    if not mine:
        return []
    blocks = [header("My call lists", "home:mine")]
    for one, left in mine[:_MINE_SHOWN]:
        show = button("Show", "offer:show", one.id, about=one.name)
        blocks.append(section(f"*{plain(one.name)}*: {left:,} left", f"home:mine:{one.id}", show))
    return [*blocks, *_more(len(mine) - _MINE_SHOWN, "home:mine:more")]


def _owed(
    owed: Sequence["Missed"], now: float, zone: str, names: Callable[[str], str], masked: frozenset[str]
) -> list[Block]:
    if not owed:
        return [section("Nobody waits for a call back. 👍", "home:owed:none")]
    blocks: list[Block] = []
    for number, missed in enumerate(owed[:_OWED_SHOWN], 1):
        name = names(missed.number) or missed.name
        hidden = missed.id in masked
        party = who(missed.number, name, masked=hidden)
        label = f"{number}. {who_plain(missed.number, name, masked=hidden)}"
        words = f"*{upper_first(party)}*\n{standing(missed, now, zone)}"
        blocks.append(section(words, f"home:owed:{missed.id}"[:255]))
        # A menu keeps showing the last choice unless its block is a new one.
        blocks.append(actions(own_buttons(missed, label), f"home:do:{missed.id}:{int(missed.snoozed_until)}"[:255]))
    return [*blocks, *_more(len(owed) - _OWED_SHOWN, "home:owed:more")]


def _later(
    reminders: Sequence[tuple[Call, float, bool]], left: int, now: float, zone: str, names: Callable[[str], str]
) -> list[Block]:
    if not reminders:
        return []
    blocks = [header("Call later", "home:later")]
    for number, (call, due_at, hidden) in enumerate(reminders, 1):
        name = names(call.number) or call.name
        words = f"*{upper_first(who(call.number, name, masked=hidden))}*\nReminder {at_clock(due_at, now, zone)}"
        label = f"{number}. {who_plain(call.number, name, masked=hidden)}"
        buttons = [button("Change", "call:later", call.id, about=label)]
        if call.number:
            buttons.insert(0, button("Call now", "call:again", call.id, about=label))
        blocks.append(section(words, f"home:later:{call.id}"[:255]))
        blocks.append(actions(buttons, f"home:later:do:{call.id}"[:255]))
    return [*blocks, *_more(left, "home:later:more")]


def _more(count: int, block_id: str) -> list[Block]:
    return [context([f"And {count} more."], block_id)] if count > 0 else []


def _today(today: Mapping[str, str | int]) -> list[Block]:
    if not today:
        return [section("No calls yet today.", "home:today:none")]
    lines = [f"{plain(label)}: *{plain(str(figure))}*" for label, figure in today.items()]
    return paragraphs(lines, "home:figures", _SECTIONS)


def _lists(lists: Sequence[tuple["Batch", Mapping[str, int]]]) -> list[Block]:
    lines = [f"• *{plain(one.name)}*, {plain(one.source)}: {headline(one, counts)}" for one, counts in lists]
    return [header("Calls for campaigns", "home:lists"), *paragraphs(lines, "home:list", _SECTIONS)] if lines else []


def _health(problems: Sequence[str], health: Sequence[str], is_admin: bool) -> list[Block]:
    blocks: list[Block] = []
    if problems and is_admin:
        blocks.append(header("What is broken", "home:problems"))
        blocks.extend(paragraphs((f"• {sentence(text)}" for text in problems), "home:problem", _SECTIONS))
    elif problems:
        blocks.append(header("Something is broken", "home:problems"))
        blocks.append(section("Not everything works at the moment. The admins have been told.", "home:problem"))
    if health:
        blocks.append(header("Status", "home:health"))
        blocks.extend(paragraphs((f"• {sentence(text)}" for text in health), "home:status", _SECTIONS))
    return blocks
