"""App Home: my live calls, the callbacks I owe, my phone, today's numbers, what is broken. Pure."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from bot.cards import (
    Block,
    about,
    actions,
    button,
    clock,
    confirm,
    context,
    day_clock,
    header,
    line_words,
    paragraphs,
    plain,
    rep_words,
    section,
    sentence,
    timer,
    upper_first,
    who,
    who_plain,
)
from bot.cards.missed import call_back_button, claim_button
from bot.events import Call, State
from bot.numbers import pretty

if TYPE_CHECKING:
    from bot.store.missed import Missed
    from bot.store.people import Person

_CALLS_SHOWN = 10
_OWED_SHOWN = 20
_SECTIONS = 5
"""Of health and of problems, at most; together with all the rest far below the 100 blocks of a view."""

_KIND_WORDS = {
    "number": "",
    "extension": "extension ",
    "login": "login code ",
    "trunk": "the extension behind the SIP trunk ",
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
    can_hang_up: Callable[[Call], bool],
    names: Callable[[str], str],
) -> Block:
    """The view of one person's App Home.

    Buttons: `home:call`, `home:phone`; `call:hang_up` with the call's id; `missed:call_back`, `missed:claim` and
    `missed:release` with the missed caller's id.

    Attributes:
        live: this person's calls.  owed: missed callers they claimed or may claim, the longest waiting first.
        today: label -> figure, in the order to be shown.
        problems: sentences for admins about what is broken.  health: sentences for everybody.
        names: number -> the contact's name, "" = not in the contact book.
    """
    blocks = [
        *_phone(person),
        header("My calls now", "home:live"),
        *_live(live, now, zone, can_hang_up, names),
        header("Call back", "home:owed"),
        *_owed(owed, now, zone, names),
        header("Today", "home:today"),
        *_today(today),
        *_health(problems, health, is_admin),
        context([f"As of {clock(now, zone)}."], "home:as_of"),
    ]
    return {"type": "home", "blocks": blocks}


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


def _live(
    live: Sequence[Call], now: float, zone: str, can_hang_up: Callable[[Call], bool], names: Callable[[str], str]
) -> list[Block]:
    if not live:
        return [section("No call at the moment.", "home:live:none")]
    blocks: list[Block] = []
    for number, call in enumerate(live[:_CALLS_SHOWN], 1):
        name = names(call.number) or call.name
        party, label = who(call.number, name), who_plain(call.number, name)
        hang_up: Block | None = None
        if call.live and not call.hang_up_by and can_hang_up(call):
            ask = confirm("Hang up?", f"This ends the call with {label}.", "Hang up", "Keep talking", danger=True)
            hang_up = button("Hang up", "call:hang_up", call.id, style="danger", about=f"{number}. {label}", ask=ask)
        words = f"*{upper_first(party)}*\n{_live_words(call, now, zone)}"
        blocks.append(section(words, f"home:live:{call.id}"[:255], hang_up))
    return [*blocks, *_more(len(live) - _CALLS_SHOWN, "home:live:more")]


def _live_words(call: Call, now: float, zone: str) -> str:
    if call.hang_up_by and call.live:
        return f"Hanging up… asked by {rep_words(call.hang_up_by)}"
    match call.state:
        case State.TALKING if call.answered_at:
            return f"Talking {timer(now - call.answered_at)}, since {clock(call.answered_at, zone)}"
        case State.TALKING:
            return "Talking"
        case State.UNCLEAR:
            return "Unclear whether it rings: see its card and say what happened"
        case State.RINGING if call.direction == "in":
            return "Incoming, ringing"
        case State.RINGING:
            return "Ringing your phone"
        case State.CONNECTING:
            return "Their phone is ringing"
        case State.REQUESTED:
            return "Being placed"
        case State.ENDED:
            return "Just ended"


def _owed(owed: Sequence["Missed"], now: float, zone: str, names: Callable[[str], str]) -> list[Block]:
    if not owed:
        return [section("Nobody waits for a call back. 👍", "home:owed:none")]
    blocks: list[Block] = []
    for number, missed in enumerate(owed[:_OWED_SHOWN], 1):
        name = names(missed.number) or missed.name
        party, label = who(missed.number, name), f"{number}. {who_plain(missed.number, name)}"
        tries = "once" if missed.calls == 1 else "twice" if missed.calls == 2 else f"{missed.calls} times"
        words = (
            f"*{upper_first(party)}*\nTried {tries}, last at {day_clock(missed.last_at, now, zone)}; "
            f"waiting for {about(now - missed.opened_at)}. "
        )
        words += f"Claimed by {rep_words(missed.claimed_by)}." if missed.claimed_by else "Nobody has claimed it."
        if missed.snoozed_until > now:
            words += f" Snoozed until {day_clock(missed.snoozed_until, now, zone)}."
        buttons = [call_back_button(missed, label)] if missed.number else []
        if missed.claimed_by:
            buttons.append(button("Release", "missed:release", missed.id, about=label))
        else:
            buttons.append(claim_button(missed, label))
        blocks.append(section(words, f"home:owed:{missed.id}"[:255]))
        blocks.append(actions(buttons, f"home:do:{missed.id}"[:255]))
    return [*blocks, *_more(len(owed) - _OWED_SHOWN, "home:owed:more")]


def _more(count: int, block_id: str) -> list[Block]:
    return [context([f"And {count} more."], block_id)] if count > 0 else []


def _today(today: Mapping[str, str | int]) -> list[Block]:
    if not today:
        return [section("No calls yet today.", "home:today:none")]
    lines = [f"{plain(label)}: *{plain(str(figure))}*" for label, figure in today.items()]
    return paragraphs(lines, "home:figures", _SECTIONS)


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
